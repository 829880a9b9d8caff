#ifndef NODE_CLIENT_CLIENT_H
#define NODE_CLIENT_CLIENT_H
/* A program's connection to the node of its user: connect (starting a node where none runs), ask,
 * read answers (LOCAL 1, 5). Blocking, one thread. */
#include "node/client/fault.h"
#include "node/client/message.h"
#include "node/client/paths.h"

struct node_client;

struct node_client_options {
    const char *platform; /* source.platform: "cli", "mcp" … */
    const char *actor;    /* source.chittyId; NULL: the device itself */
    bool no_start;        /* never start a node; CHITTY_NO_AUTOSTART=1 says the same */
    int timeout_ms;       /* longest silence while an answer is awaited; 0: NODE_TIMEOUT_MS */
};

#define NODE_TIMEOUT_MS 30000

/* Connect to the node's socket; where nobody answers, start `chitty-node run --autostarted` and
 * wait until it is ready. CHT_E_UNREACHABLE: no node, and none could or may be started;
 * CHT_E_INVALID: no place for its files; CHT_E_DENIED; CHT_E_NOMEM. `fault` may be NULL. */
CHT_MUST_USE enum cht_err node_client_open(const struct node_client_options *options,
                                           struct node_fault *fault, struct node_client **out);
/* NULL is allowed. */
void node_client_close(struct node_client *client);
/* The socket, to be polled for reading beside others; node_client_next may hold messages already.
 */
int node_client_fd(const struct node_client *client);

#define NODE_REQUEST_ID_MAX 33u /* 32 hex digits and NUL: drawn at random, good as a key too */

/* Append the head of a request of this client to `out`; the payload map is to follow. Its new id is
 * put in `out_id`. Errors as cht_buf_add; CHT_E_IO: no random bytes. */
CHT_MUST_USE enum cht_err node_client_begin(const struct node_client *client,
                                            enum node_msg_type type, struct cht_buf *out,
                                            char out_id[static NODE_REQUEST_ID_MAX]);

/* Send one whole message. CHT_E_UNREACHABLE: the node has gone; CHT_E_TIMEOUT. */
CHT_MUST_USE enum cht_err node_client_send(struct node_client *client, struct cht_bytes message,
                                           struct node_fault *fault);
/* The next message of the node, waited for at most `timeout_ms` (-1: for ever). Its spans are good
 * until the next call. CHT_E_TIMEOUT; CHT_E_UNREACHABLE: the node has gone; CHT_E_MALFORMED. */
CHT_MUST_USE enum cht_err node_client_next(struct node_client *client, int timeout_ms,
                                           struct node_fault *fault, struct node_msg *out);

/* Each message that answers a request, in order. An error ends the call and is its result. */
typedef enum cht_err (*node_answer_fn)(void *ctx, const struct node_msg *answer);

/* Send a request and hand every answer to `each` up to the final one (LOCAL 5.1). The request's id
 * is read from `message`; answers to other requests are passed over. An answer that carries an
 * error is not handed on: its code is the result and `fault` its text. A `conflict` is handed on
 * and gives CHT_E_CONFLICT. When the node goes away before the first answer and `repeatable`, it is
 * asked once more on a new connection: for reads, and for changes with a key. */
CHT_MUST_USE enum cht_err node_client_call(struct node_client *client, struct cht_bytes message,
                                           bool repeatable, node_answer_fn each, void *ctx,
                                           struct node_fault *fault);

#endif
