#ifndef TESTS_BENCH_NODE_OWN_H
#define TESTS_BENCH_NODE_OWN_H
/* Inside the record workload: a replica and what it exchanges. */
#include "node/replica/replica.h"
#include "tests/bench/node.h"

struct records_node {
    const char *folder;
    uint32_t index;
    struct node_replica *r;
    struct net_identity identities[RECORDS_NODES]; /* secrets of a bench are known to all */
    uint8_t space[CRDT_ID_BYTES];
    uint32_t exported; /* own seq up to which entries were exported */
    uint8_t exported_hash[CRDT_DEP_HASH_BYTES];
    double written_us; /* when rows were written back last */
};

/* Keys and membership that every process derives alike; makes the file at `path` when it is not
 * there, and opens it. */
void records_open(struct records_node *n, const char *folder, uint32_t index, const char *path);
/* Receive all frames of the order, turn by turn, up to the last ACK and the last row. */
void records_merge(struct records_node *n, const struct order *order, struct done *out);
/* Commit; rows are written when a second has passed since the last time, or at the end. */
void records_commit(struct records_node *n, bool last);
/* Where the replica stands and what another reader of the file sees. */
void records_look(struct records_node *n, const char *path, struct done *out);
void records_copy(const char *from, const char *to);

#endif
