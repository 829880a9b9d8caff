#ifndef NODE_REPLICA_LOAD_H
#define NODE_REPLICA_LOAD_H
/* Inside node/replica only: a replica's memory from its book. */
#include "node/replica/own.h"

/* A replica in memory over a store, nothing loaded. NULL: no memory. */
struct node_replica *replica_new(struct node_store *store);
/* Records, devices, chains with their stored tips, epochs, entities and actors, from the book.
 * CHT_E_CORRUPT: it does not fit together; `detail` says which table. */
CHT_MUST_USE enum cht_err replica_load_book(struct node_replica *r, struct cht_error *detail);
/* Numbers, positions with their pasts, and the root: where the typed tables stand. */
CHT_MUST_USE enum cht_err replica_load_positions(struct node_replica *r, struct cht_error *detail);
/* Apply what the log holds beyond the positions, committing as memory fills. */
CHT_MUST_USE enum cht_err replica_replay(struct node_replica *r, uint64_t now_ms);
/* Forget everything in memory and load it again. */
CHT_MUST_USE enum cht_err replica_reset(struct node_replica *r);
void replica_free(struct node_replica *r);
/* Meta 'records', so that a record that is gone is missed: the first bytes of H over the heads. */
CHT_MUST_USE enum cht_err replica_keep_heads(struct node_store *store, const struct net_members *m);

#endif
