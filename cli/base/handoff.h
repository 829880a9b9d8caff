#ifndef CLI_BASE_HANDOFF_H
#define CLI_BASE_HANDOFF_H
/* Where a session left off, in words for the one that goes on: facts, what others wrote in quotes.
 */
#include "cli/base/session_folder.h"

/* `held`: [{chittyId, title, result}]: its todos and what became of them; `checkpoints`: its last
 * ones; `todos`: open ones that came from it. Appends at most CLAUDE_HANDOFF_BYTES. */
void cli_handoff_put(struct cli_context *c, const struct cli_session *s,
                     const struct cli_session_folder *f, const json_t *held,
                     const json_t *checkpoints, const json_t *todos, struct cht_buf *out);

#endif
