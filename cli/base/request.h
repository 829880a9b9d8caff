#ifndef CLI_BASE_REQUEST_H
#define CLI_BASE_REQUEST_H
/* Building one request and asking it. The payload map is written by the command in between. */
#include "cli/base/command.h"
#include "crdt/base/buf.h"

struct cli_request {
    struct cht_buf message;
    char id[NODE_REQUEST_ID_MAX];
};

/* Begin a message of this type on behalf of whoever asks (actor.h). Clear it in any case. */
CHT_MUST_USE enum cht_err cli_request_begin(struct cli_context *c, enum node_msg_type type,
                                            struct cli_request *out);
void cli_request_clear(struct cli_request *r);

/* Append "entity": {"chittyId": id} to the payload. */
CHT_MUST_USE enum cht_err cli_put_entity(struct cli_request *r, const char *id);
/* A whole query of one entity or of none (`id` NULL), with `limit` when it is not 0; in the domain
 * of `c->type` when there is one. */
CHT_MUST_USE enum cht_err cli_query(struct cli_context *c, const char *operation, const char *id,
                                    uint64_t limit, struct cli_request *out);
/* The same with the titles of what it links to (LOCAL 4.14) where people read it. */
CHT_MUST_USE enum cht_err cli_query_titled(struct cli_context *c, const char *operation,
                                           const char *id, uint64_t limit, struct cli_request *out);
/* Begin a command; the caller appends the map of its arguments. */
CHT_MUST_USE enum cht_err cli_command_args(struct cli_context *c, const char *name,
                                           struct cli_request *out);
/* The same with the head of that map, of so many. */
CHT_MUST_USE enum cht_err cli_command_begin(struct cli_context *c, const char *name, uint32_t args,
                                            struct cli_request *out);
/* A whole command without arguments. */
CHT_MUST_USE enum cht_err cli_plain_command(struct cli_context *c, const char *name,
                                            struct cli_request *out);

/* Ask it, handing each answer to `each`. */
CHT_MUST_USE enum cht_err cli_ask(struct cli_context *c, enum cli_reach reach,
                                  const struct cli_request *r, bool repeatable, node_answer_fn each,
                                  void *ctx);
/* Fill in the fault of an error that came without one. */
enum cht_err cli_fail(struct cli_context *c, enum cht_err err);

#endif
