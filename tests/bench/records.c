/* The record workload: 10,000 todos of eight fields on three nodes, 100,000 random updates, each
 * its own signed transaction, shared out among them, then everyone gets everyone's (the draws and
 * the fields: todos.h). The nodes are processes that take turns, so that one core does the work.
 *
 * Merging is the receive path of a running node: bytes of a RANGE frame in, decoded, ranges
 * checked and verified, entries folded, the turn committed with synchronous=FULL, its ACK made; a
 * frame a turn, rows written back each second and at the end, inside the clock. Then counts, roots
 * and rows are held against the other nodes'. */
#include "tests/bench/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct totals {
    double merge_us, merge_cpu_us;
    uint64_t merged, delta_bytes, updates;
    double update_us, update_cpu_us;
};

/* --- the floor of cells ---------------------------------------------------------------------- */

/* The rate of "200,000 random LWW upserts, one txn" that the program prints: the median of three.
 */
static double cells_floor(struct bench *b)
{
    char program[BENCH_PATH_MAX], said[4096];
    double rates[8];
    size_t count = 0;
    bench_program(program, "floor-sqlite");
    if (chdir(b->folder) != 0)
        bench_fail("%s cannot be entered", b->folder);
    (void)bench_run(NULL, (const char *const[]){ program, NULL }, said, sizeof said);
    for (const char *at = said; count < 8 && (at = strstr(at, "200,000 random LWW")) != NULL;) {
        at = strstr(at, " ms = ");
        if (at == NULL)
            break;
        rates[count++] = 1000 * strtod(at + 6, NULL);
    }
    if (count == 0)
        bench_fail("floor-sqlite did not say what was looked for:\n%s", said);
    return bench_quantile(rates, count, 0.5);
}

/* --- the workload ---------------------------------------------------------------------------- */

static void first_sync(struct bench *b, struct bench_node *const nodes[RECORDS_NODES])
{
    struct done made = bench_node_do(nodes[0], (struct order){ .kind = ORDER_CREATE });
    struct done sent = bench_node_do(nodes[0], (struct order){ .kind = ORDER_EXPORT });
    struct done first = { 0 };
    for (uint32_t i = 1; i < RECORDS_NODES; i++) {
        struct done got = bench_node_do(
            nodes[i], (struct order){ .kind = ORDER_MERGE, .from = { 0 }, .from_count = 1 });
        if (memcmp(got.root, made.root, sizeof got.root) != 0 || got.todos != RECORDS_TODOS)
            bench_fail("node %u has other todos after the first sync", i);
        if (i == 1)
            first = got;
    }
    bench_figure(b, "create_ms", made.wall_us / 1e3);
    bench_figure(b, "first_sync_ms", (sent.wall_us + first.wall_us) / 1e3);
    bench_figure(b, "first_sync_cpu_ms", (sent.cpu_us + first.cpu_us) / 1e3);
    bench_figure(b, "first_sync_bytes", (double)sent.bytes);
}

static void write_updates(struct bench_node *const nodes[RECORDS_NODES], struct totals *t)
{
    for (uint32_t i = 0; i < RECORDS_NODES; i++) {
        struct done made = bench_node_do(nodes[i], (struct order){ .kind = ORDER_UPDATE });
        struct done sent = bench_node_do(nodes[i], (struct order){ .kind = ORDER_EXPORT });
        t->update_us += made.wall_us;
        t->update_cpu_us += made.cpu_us;
        t->updates += made.ops;
        t->delta_bytes += sent.bytes;
        if (sent.ops != made.ops)
            bench_fail("node %u sends %llu entries", i, (unsigned long long)sent.ops);
    }
}

static struct order merge_at(uint32_t node)
{
    struct order order = { .kind = ORDER_MERGE };
    for (uint32_t i = 0; i < RECORDS_NODES; i++) {
        if (i != node)
            order.from[order.from_count++] = i;
    }
    return order;
}

static struct done exchange(struct bench_node *const nodes[RECORDS_NODES], struct totals *t)
{
    struct done first = { 0 };
    for (uint32_t i = 0; i < RECORDS_NODES; i++) {
        struct done got = bench_node_do(nodes[i], merge_at(i));
        t->merge_us += got.wall_us;
        t->merge_cpu_us += got.cpu_us;
        t->merged += got.ops;
        if (i == 0)
            first = got;
        if (got.entries != RECORDS_TODOS + RECORDS_UPDATES || got.todos != RECORDS_TODOS ||
            memcmp(got.root, first.root, sizeof got.root) != 0 || got.found != first.found ||
            memcmp(got.rows, first.rows, sizeof got.rows) != 0)
            bench_fail("node %u did not come to what node 0 came to", i);
    }
    return first;
}

void bench_records(struct bench *b)
{
    struct bench_node *nodes[RECORDS_NODES];
    struct totals t = { 0 };
    double same_cpu_us;
    for (uint32_t i = 0; i < RECORDS_NODES; i++)
        nodes[i] = bench_node_start(b->folder, i);
    first_sync(b, nodes);
    write_updates(nodes, &t);
    (void)bench_node_do(nodes[0], (struct order){ .kind = ORDER_COPY });
    struct done merged = exchange(nodes, &t);
    double same_us = bench_same_rows_us(b->folder, merge_at(0), merged.root, &same_cpu_us);
    struct done sizes = bench_node_do(nodes[0], (struct order){ .kind = ORDER_SIZES });
    struct done alone = bench_node_do(nodes[0], (struct order){ .kind = ORDER_ALONE });
    for (uint32_t i = 0; i < RECORDS_NODES; i++)
        bench_node_stop(nodes[i]);
    double same_rate = (double)merged.ops / same_us * 1e6;
    bench_figure(b, "update_ops_per_s", (double)t.updates / t.update_us * 1e6);
    bench_figure(b, "update_ops_per_cpu_s", (double)t.updates / t.update_cpu_us * 1e6);
    bench_figure(b, "merge_ops_per_s", (double)t.merged / t.merge_us * 1e6);
    bench_figure(b, "merge_ops_per_cpu_s", (double)t.merged / t.merge_cpu_us * 1e6);
    bench_figure(b, "merge_to_same_rows_ratio",
                 (double)merged.ops / merged.wall_us * 1e6 / same_rate);
    bench_figure(b, "merge_to_same_rows_cpu_ratio", same_cpu_us / merged.cpu_us);
    bench_figure(b, "bytes_per_op_batch", (double)t.delta_bytes / (double)t.updates);
    bench_figure(b, "bytes_per_op_alone", (double)alone.bytes / (double)alone.ops);
    bench_figure(b, "state_bytes", (double)sizes.state_bytes);
    bench_figure(b, "log_bytes", (double)sizes.log_bytes);
    bench_figure(b, "peak_rss_kib", (double)merged.peak_rss_kib);
    bench_floor(b, "floor_cells_ops_per_s", cells_floor(b));
    bench_floor(b, "floor_same_rows_ops_per_s", same_rate);
    bench_floor(b, "floor_same_rows_ops_per_cpu_s", (double)merged.ops / same_cpu_us * 1e6);
    bench_floor(b, "fsync_p50_us", bench_fsync_p50_us(b->folder));
}
