#ifndef NODE_LOCAL_DIRECT_H
#define NODE_LOCAL_DIRECT_H
/* The handler of requests asked in this process: for inspection without a running node. Requests
 * and answers are the same bytes as on the socket. */
#include "node/client/answer.h"
#include "node/local/handler.h"

/* Hand one request to the handler, then commit, then hand every answer to `each`, as
 * node_answer_take does. `commit` ends the turn (it may be NULL); its error is the result and no
 * answer is handed on. The client's number is LOCAL_DIRECT_CLIENT; the handler's `closed` is called
 * at the end. CHT_E_INTERNAL: the handler gave no final answer. */
CHT_MUST_USE enum cht_err
node_local_direct(const struct local_handler *handler,
                  enum cht_err (*commit)(void *ctx, struct node_fault *fault), void *commit_ctx,
                  struct cht_bytes message, node_answer_fn each, void *each_ctx,
                  struct node_fault *fault);

#define LOCAL_DIRECT_CLIENT 0u /* no connection of a server has this number */

#endif
