#ifndef NODE_CLIENT_ANSWER_H
#define NODE_CLIENT_ANSWER_H
/* Asking and being answered, wherever the node is: over the socket (client.h) or in this process
 * (node/local/direct.h). */
#include "node/client/fault.h"
#include "node/client/message.h"

#define NODE_REQUEST_ID_MAX 33u /* 32 hex digits and NUL: drawn at random, good as a key too */

/* Append the head of a request to `out`; the payload map is to follow. Its new id is put in
 * `out_id`. platform: source.platform, "cli", "mcp" …; actor: source.chittyId, NULL for the device
 * itself. Errors as cht_buf_add; CHT_E_IO: no random bytes. */
CHT_MUST_USE enum cht_err node_request_begin(const char *platform, const char *actor,
                                             enum node_msg_type type, struct cht_buf *out,
                                             char out_id[static NODE_REQUEST_ID_MAX]);

/* Each message that answers a request, in order. An error ends the asking and is its result. */
typedef enum cht_err (*node_answer_fn)(void *ctx, const struct node_msg *answer);

/* Hand one answer to `each`; true with the final one, when `*out` is the result of the asking. An
 * answer that carries an error is not handed on: its code is the result, `fault` its text. A
 * `conflict` is handed on and gives CHT_E_CONFLICT. */
bool node_answer_take(const struct node_msg *answer, node_answer_fn each, void *ctx,
                      struct node_fault *fault, enum cht_err *out);

#endif
