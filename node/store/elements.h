#ifndef NODE_STORE_ELEMENTS_H
#define NODE_STORE_ELEMENTS_H
/* Inside node/store only: what is made of rows for those who look from the other side (PROTOCOL
 * 10.4): table `element`, which entities name a word or a record, and the column `blockers`, how
 * many of a todo's dependencies are open. Both are right after every row that is written, whatever
 * the order of the rows. */
#include "node/store/sql.h"

/* An entity's elements become those of `now`; they were those of `old`. NULL: none. */
CHT_MUST_USE enum cht_err store_elements_change(struct node_store *s, const struct crdt_graph *g,
                                                uint32_t n, const struct crdt_state *old,
                                                const struct crdt_state *now);

/* How many open todos a todo waits for, its own row being open or not as `open` says. */
CHT_MUST_USE enum cht_err store_blockers(struct node_store *s, const struct node_rows *rows,
                                         uint32_t n, const struct crdt_state *state, bool open,
                                         uint32_t *out);
/* Write the number into the row that is there. */
CHT_MUST_USE enum cht_err store_blockers_set(struct node_store *s, uint32_t n, uint32_t blockers);
/* A todo became open, or is it no more: those that wait for it, without itself, wait for one more
 * or less. */
CHT_MUST_USE enum cht_err store_blocks(struct node_store *s, uint32_t n, const struct crdt_id *id,
                                       bool open);
/* Does a todo wait for itself? */
bool store_waits_for_itself(const struct crdt_state *state);

#endif
