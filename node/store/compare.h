#ifndef NODE_STORE_COMPARE_H
#define NODE_STORE_COMPARE_H
/* Two files held against each other, table by table and column by column: the one that is checked
 * and one folded afresh from its log. */
#include "node/store/store.h"

/* `where` is "table row column", in words. */
typedef void node_difference(void *ctx, const char *where, const char *what);

/* Report what differs in everything that is made from the log. Errors: of the stores. */
CHT_MUST_USE enum cht_err node_store_compare(struct node_store *checked, struct node_store *fresh,
                                             node_difference *each, void *ctx);
/* Report what SQLite itself finds wrong: pages, indexes, the full-text index; rows of the tables
 * that nothing can be recomputed for (meta, peer, ticket, idempotency) whose sum does not fit. */
CHT_MUST_USE enum cht_err node_store_check(struct node_store *s, node_difference *each, void *ctx);

#endif
