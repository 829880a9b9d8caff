#ifndef CLI_BASE_SHARED_CONTEXT_H
#define CLI_BASE_SHARED_CONTEXT_H
/* What sessions know for each other, put together from records: what to remember, where work stood,
 * who holds what, which files were changed. */
#include "cli/base/sessions.h"

/* Of a project ("": of all), or of one session: {points: [{text, context}], contexts: [{chittyId,
 * title, summary?}], checkpoints: [{chittyId, title, summary?, session?, at}], claims: [{chittyId,
 * title, holderName?, deviceName?, state, since}], files: [{path, action?, at?, session?,
 * deviceName?}], sessions: [session-state]}. */
CHT_MUST_USE enum cht_err cli_shared_context(struct cli_context *c, struct agent *a,
                                             const char *project, const char *session,
                                             json_t **out);
/* For people. */
void cli_put_shared_context(struct cli_context *c, const json_t *shared);

#endif
