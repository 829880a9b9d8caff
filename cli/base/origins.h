#ifndef CLI_BASE_ORIGINS_H
#define CLI_BASE_ORIGINS_H
/* Records that are one, for people (LOCAL 9). */
#include "cli/base/command.h"
#include "crdt/base/buf.h"

/* "from A + B": the sessions that the records of `origins` came from, each once; those without one
 * by their ids. Nothing of an empty list. */
void cli_put_origins(struct cli_out *out, struct cht_bytes origins);

/* A record by any id that it has, with these fields (ends with NULL); the bytes are exact and lie
 * in `out`, which is cleared in any case. Errors as cli_ask. */
CHT_MUST_USE enum cht_err cli_get(struct cli_context *c, struct cht_bytes id,
                                  const char *const *fields, struct cht_buf *out);

/* Keep the `result` of an answer in the buffer `ctx`. (node_answer_fn) */
enum cht_err cli_keep_result(void *ctx, const struct node_msg *answer);
/* Append all records of an answer to the buffer `ctx`. (node_answer_fn) */
enum cht_err cli_keep_records(void *ctx, const struct node_msg *answer);

#endif
