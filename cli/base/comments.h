#ifndef CLI_BASE_COMMENTS_H
#define CLI_BASE_COMMENTS_H
/* The messages about a record: its comments. */
#include "cli/base/command.h"

/* The whole id of what `text` means, of any type, into `out` (CRDT_ID_TEXT_MAX bytes). Errors of
 * the node. */
CHT_MUST_USE enum cht_err cli_whole_id(struct cli_context *c, const char *text, char *out);
/* How many comments a record has, by its whole id. */
CHT_MUST_USE enum cht_err cli_count_comments(struct cli_context *c, const char *id, uint64_t *out);

#endif
