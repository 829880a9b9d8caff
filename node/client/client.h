#ifndef NODE_CLIENT_CLIENT_H
#define NODE_CLIENT_CLIENT_H
/* A program's connection to the node of its user: connect (starting a node where none runs), ask,
 * read answers (LOCAL 1, 5). Blocking, one thread. How a request is begun is in answer.h. */
#include "node/client/answer.h"
#include "node/client/fault.h"
#include "node/client/paths.h"

struct node_client;

struct node_client_options {
    bool no_start;  /* never start a node; CHITTY_NO_AUTOSTART=1 says the same */
    int timeout_ms; /* longest silence while an answer is awaited; 0: NODE_TIMEOUT_MS */
};

#define NODE_TIMEOUT_MS 30000

/* Connect to the node's socket; where nobody answers, start `chitty-node run --autostarted` and
 * wait until it is ready. CHT_E_UNREACHABLE: no node, and none could or may be started;
 * CHT_E_INVALID: no place for its files; CHT_E_DENIED; CHT_E_NOMEM. `fault` may be NULL. */
CHT_MUST_USE enum cht_err node_client_open(const struct node_client_options *options,
                                           struct node_fault *fault, struct node_client **out);
/* NULL is allowed. */
void node_client_close(struct node_client *client);
/* From now on an answer is awaited for so long (see node_client_options). */
void node_client_set_timeout(struct node_client *client, int timeout_ms);
/* The socket, to be polled for reading beside others; node_client_next may hold messages already.
 */
int node_client_fd(const struct node_client *client);

/* Send one whole message. CHT_E_UNREACHABLE: the node has gone; CHT_E_TIMEOUT. */
CHT_MUST_USE enum cht_err node_client_send(struct node_client *client, struct cht_bytes message,
                                           struct node_fault *fault);
/* The next message of the node, waited for at most `timeout_ms` (-1: for ever). Its spans are good
 * until the next call. CHT_E_TIMEOUT; CHT_E_UNREACHABLE: the node has gone; CHT_E_MALFORMED. */
CHT_MUST_USE enum cht_err node_client_next(struct node_client *client, int timeout_ms,
                                           struct node_fault *fault, struct node_msg *out);

/* Send a request and hand every answer to `each` up to the final one, as node_answer_take does; the
 * request's id is read from `message`, answers to other requests are passed over. When the node
 * goes away before the first answer and `repeatable`, it is asked once more on a new connection:
 * for reads, and for changes with a key. */
CHT_MUST_USE enum cht_err node_client_call(struct node_client *client, struct cht_bytes message,
                                           bool repeatable, node_answer_fn each, void *ctx,
                                           struct node_fault *fault);

#endif
