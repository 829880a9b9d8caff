#ifndef TESTS_BENCH_NODE_H
#define TESTS_BENCH_NODE_H
/* One node's part of the record workload: a replica in its own process, told by orders what to do
 * next, so that its memory and processor time are its own. Frames are files of the folder. */
#include "tests/bench/bench.h"

#include "crdt/hash.h"

#define RECORDS_TODOS   10000u
#define RECORDS_UPDATES 100000u
#define RECORDS_NODES   3u
#define RECORDS_ALONE   1000u

/* Transactions of one commit while the workload is written: as many as the node takes from one
 * client in a turn. */
#define RECORDS_TURN 64u

enum order_kind {
    ORDER_CREATE, /* write all todos */
    ORDER_UPDATE, /* write this node's share of the updates */
    ORDER_EXPORT, /* frames with own entries after the last export, to `frames` */
    ORDER_MERGE,  /* frames of node `from` (twice of two), to ACK */
    ORDER_COPY,   /* a copy of the database as it stands: "base.db" */
    ORDER_ALONE,  /* single updates, each in a frame of its own */
    ORDER_SIZES,  /* database in bytes, after a checkpoint */
    ORDER_END,
};

struct order {
    enum order_kind kind;
    uint32_t from[2];
    uint32_t from_count;
};

/* What became of an order. */
struct done {
    double wall_us, cpu_us;
    uint64_t ops, bytes; /* bytes: of whole frames */
    uint64_t log_bytes, state_bytes;
    uint64_t entries, todos, found; /* held; rows; rows that the search index finds by a word */
    long peak_rss_kib;
    uint8_t root[CRDT_HASH_BYTES];
    uint8_t rows[CRDT_HASH_BYTES]; /* hash of what a reader of the table sees */
};

struct bench_node;
/* Start the process of node `index` (below RECORDS_NODES). */
struct bench_node *bench_node_start(const char *folder, uint32_t index);
struct done bench_node_do(struct bench_node *n, struct order order);
void bench_node_stop(struct bench_node *n);

/* The statements of one node's merge, run again without this program's code (statements.c): the
 * same order carried out on the copy of ORDER_COPY while they are recorded, then replayed on
 * another copy. Gives the microseconds of the replay; `root` is what the recorded merge must come
 * to. */
double bench_same_rows_us(const char *folder, struct order order, const uint8_t *root,
                          double *out_cpu_us);

#endif
