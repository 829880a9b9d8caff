#ifndef NODE_REPLICA_INDEX_H
#define NODE_REPLICA_INDEX_H
/* In-memory maps from ids and from spelling entries to small numbers. A look-up in SQLite costs
 * 4.5 µs, one here some tens of ns, and every entry needs one. */
#include "crdt/graph.h"
#include "crdt/id.h"

#define INDEX_NONE UINT32_MAX

struct index_slot {
    struct crdt_id id;
    struct crdt_place spelt; /* an entry that spelt it: how own entries name it */
};

struct index_place {
    uint64_t key; /* chain << 32 | seq; 0: free */
    uint32_t number;
};

struct node_index {
    struct index_slot *slots; /* by number */
    uint32_t count, cap;
    uint32_t *by_id; /* open addressing: number + 1 */
    uint32_t id_mask;
    struct index_place *by_place;
    uint32_t place_count, place_mask;
};

void node_index_clear(struct node_index *x);
/* The number of an id; INDEX_NONE. */
uint32_t node_index_find(const struct node_index *x, const struct crdt_id *id);
/* What the entry at that place spelt; INDEX_NONE. */
uint32_t node_index_at(const struct node_index *x, struct crdt_place place);
/* Give the next number to a new id. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err node_index_add(struct node_index *x, const struct crdt_id *id,
                                         struct crdt_place spelt, uint32_t *out);
/* The same, while no entry is known that spelt it. */
CHT_MUST_USE enum cht_err node_index_reserve(struct node_index *x, const struct crdt_id *id,
                                             uint32_t *out);
/* The entry at `place` spelt number n (too). CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err node_index_spelt(struct node_index *x, uint32_t n,
                                           struct crdt_place place);

#endif
