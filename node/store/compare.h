#ifndef NODE_STORE_COMPARE_H
#define NODE_STORE_COMPARE_H
/* Two files held against each other, table by table and column by column: the one that is checked
 * and one folded afresh from its log. */
#include "node/store/store.h"

/* `where` is "table row column", in words. */
typedef void node_difference(void *ctx, const char *where, const char *what);

/* Copy what nothing else gives back into a fresh store: the space, records, devices, chains, epochs
 * and the ranges of the log, without what log rows note beside them. CHT_E_CORRUPT. */
CHT_MUST_USE enum cht_err node_store_copy_log(struct node_store *from, struct node_store *to);
/* Report what differs in the typed tables and in search: the state at the positions. */
CHT_MUST_USE enum cht_err node_store_compare_state(struct node_store *checked,
                                                   struct node_store *fresh, node_difference *each,
                                                   void *ctx);
/* Report what differs in what is noted of every applied entry: entities, actors, numbers, voids,
 * and beside the ranges of the log. */
CHT_MUST_USE enum cht_err node_store_compare_notes(struct node_store *checked,
                                                   struct node_store *fresh, node_difference *each,
                                                   void *ctx);
/* Report what SQLite itself finds wrong: pages, indexes, the full-text index; rows of the tables
 * that nothing can be recomputed for (meta, peer, ticket, idempotency) whose sum does not fit. */
CHT_MUST_USE enum cht_err node_store_check(struct node_store *s, node_difference *each, void *ctx);

#endif
