/* The process of one node of the record workload; see node.h. */
#include "tests/bench/node_own.h"

#include "net/frame.h"
#include "net/session_own.h"
#include "tests/bench/todos.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WRITE_BACK_US 1e6

struct bench_node {
    pid_t pid;
    int orders, answers;
};

/* --- making --------------------------------------------------------------------------------- */

static void make_members(struct records_node *n, struct cht_buf records[RECORDS_NODES])
{
    struct net_founding founding = { .stamp = crdt_hlc_make(1001, 0),
                                     .name = cht_bytes_str("node 0") };
    for (uint32_t i = 0; i < RECORDS_NODES; i++) {
        struct net_seeds seeds;
        memset(seeds.sign, (int)(2 * i + 1), sizeof seeds.sign);
        memset(seeds.transport, (int)(2 * i + 2), sizeof seeds.transport);
        net_identity_make(&n->identities[i], &seeds, /* serial= */ 1, crdt_hlc_make(1000, 0));
        cht_buf_init(&records[i], LIMIT_RECORD_BYTES);
    }
    bench_must(net_members_found(&founding, &n->identities[0], &records[0], n->space), "found");
    struct net_members *m = net_members_new(n->space);
    for (uint32_t i = 0; i < RECORDS_NODES; i++) {
        struct net_admission admission = { .stamp = crdt_hlc_make(1002, 0),
                                           .role = NET_ROLE_ADMIN,
                                           .cert = &n->identities[i].cert,
                                           .name = cht_bytes_str("node") };
        if (i != 0)
            bench_must(net_members_admit(m, &admission, &n->identities[0], &records[i]), "admit");
        bench_must(net_members_add(m, cht_buf_view(&records[i])), "record");
    }
    net_members_free(m);
}

void records_open(struct records_node *n, const char *folder, uint32_t index, const char *path)
{
    struct cht_buf records[RECORDS_NODES];
    struct cht_bytes spans[RECORDS_NODES];
    struct cht_error detail = { 0 };
    *n = (struct records_node){ .folder = folder, .index = index };
    make_members(n, records);
    for (uint32_t i = 0; i < RECORDS_NODES; i++)
        spans[i] = cht_buf_view(&records[i]);
    struct stat st;
    if (stat(path, &st) != 0)
        bench_must(node_replica_create(path, n->space, spans, RECORDS_NODES, &detail), "create");
    for (uint32_t i = 0; i < RECORDS_NODES; i++)
        cht_buf_clear(&records[i]);
    struct node_replica_options options = { .path = path,
                                            .mode = NODE_STORE_WRITE,
                                            .identity = &n->identities[index],
                                            .now_ms = bench_wall_ms() };
    memset(options.epoch, (int)index + 1, sizeof options.epoch);
    bench_must(node_replica_open(&options, &detail, &n->r), cht_error_text(&detail));
    n->written_us = bench_now_us();
}

/* --- writing -------------------------------------------------------------------------------- */

void records_commit(struct records_node *n, bool last)
{
    bool write = last || bench_now_us() - n->written_us >= WRITE_BACK_US;
    bench_must(node_replica_commit(n->r, write), "commit");
    if (write)
        n->written_us = bench_now_us();
}

static void write_one(struct records_node *n, uint32_t number, const struct crdt_op *ops,
                      uint32_t count)
{
    struct node_write write = { .ops = ops, .count = count };
    todos_id(number, &write.id);
    bench_must(node_replica_write(n->r, &write, 1, NULL, bench_wall_ms()), "write");
}

static void create(struct records_node *n, struct done *out)
{
    struct todos_random random = todos_random(42);
    struct crdt_op ops[TODOS_FIELDS];
    struct cht_buf bytes;
    cht_buf_init(&bytes, 1u << 16);
    for (uint32_t i = 0; i < RECORDS_TODOS; i++) {
        todos_create(&random, &bytes, ops);
        write_one(n, i, ops, TODOS_FIELDS);
        if (i % RECORDS_TURN == RECORDS_TURN - 1 || i == RECORDS_TODOS - 1)
            records_commit(n, i == RECORDS_TODOS - 1);
    }
    cht_buf_clear(&bytes);
    out->ops = RECORDS_TODOS;
}

static void update(struct records_node *n, struct done *out)
{
    uint32_t third = RECORDS_UPDATES / RECORDS_NODES;
    uint32_t count = n->index == 0 ? RECORDS_UPDATES - (RECORDS_NODES - 1) * third : third;
    struct todos_random random = todos_random(100 + n->index);
    struct crdt_op op;
    struct cht_buf bytes;
    cht_buf_init(&bytes, 1u << 16);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = todos_update(&random, RECORDS_TODOS, &bytes, &op);
        write_one(n, number, &op, 1);
        if (i % RECORDS_TURN == RECORDS_TURN - 1 || i == count - 1)
            records_commit(n, i == count - 1);
    }
    cht_buf_clear(&bytes);
    out->ops = count;
}

/* --- frames out ----------------------------------------------------------------------------- */

static void frames_path(const struct records_node *n, uint32_t of, char out[static BENCH_PATH_MAX])
{
    char name[24];
    (void)snprintf(name, sizeof name, "frames-%u", of);
    bench_path(out, n->folder, name);
}

static struct crdt_dep own_tip(struct records_node *n, struct cht_arena *arena)
{
    struct net_view view = node_replica_view(n->r);
    struct net_heads heads;
    bench_must(view.ops->heads(view.ctx, arena, &heads), "heads");
    for (size_t i = 0; i < heads.stored_count; i++) {
        if (memcmp(heads.stored[i].device, n->identities[n->index].device, CRDT_ID_BYTES) == 0)
            return heads.stored[i];
    }
    bench_fail("node %u has written nothing", n->index);
}

/* One RANGE frame as a session sends it. */
static void make_frame(const struct crdt_range *ranges, size_t count, struct cht_buf *out)
{
    struct crdt_range own[LIMIT_FRAME_RANGES];
    struct net_frame frame = { .kind = NET_FRAME_RANGE, .nonce = { 1, 2, 3, 4 } };
    for (size_t i = 0; i < count; i++) {
        own[i] = ranges[i];
        own[i].own = true;
    }
    frame.range.count = count;
    frame.range.ranges = own;
    cht_buf_reset(out);
    bench_must(net_frame_encode(&frame, out), "frame");
}

static void export(struct records_node *n, struct done *out)
{
    struct net_view view = node_replica_view(n->r);
    struct cht_arena arena;
    struct cht_buf frame;
    struct net_run run = { .complete = false };
    char path[BENCH_PATH_MAX];
    cht_arena_init(&arena, LIMIT_TURN_BYTES);
    cht_buf_init(&frame, LIMIT_FRAME_BYTES);
    frames_path(n, n->index, path);
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        bench_fail("%s: %s", path, strerror(errno));
    struct crdt_dep tip = own_tip(n, &arena);
    out->ops = tip.seq - n->exported;
    while (!run.complete) {
        cht_arena_reset(&arena);
        bench_must(view.ops->read(view.ctx, &tip, n->exported + 1, n->exported_hash,
                                  SESSION_FRAME_BYTES, &arena, &run),
                   "read");
        make_frame(run.ranges, run.count, &frame);
        uint32_t len = (uint32_t)frame.len;
        if (fwrite(&len, sizeof len, 1, file) != 1 || fwrite(frame.data, len, 1, file) != 1)
            bench_fail("%s: %s", path, strerror(errno));
        out->bytes += len;
        n->exported = run.last_seq;
        memcpy(n->exported_hash, run.last_hash, sizeof n->exported_hash);
    }
    if (fclose(file) != 0)
        bench_fail("%s: %s", path, strerror(errno));
    cht_buf_clear(&frame);
    cht_arena_clear(&arena);
}

static void alone(struct records_node *n, struct done *out)
{
    struct todos_random random = todos_random(999);
    struct crdt_op op;
    struct cht_buf bytes, frame;
    cht_buf_init(&bytes, 1u << 16);
    cht_buf_init(&frame, LIMIT_FRAME_BYTES);
    for (uint32_t i = 0; i < RECORDS_ALONE; i++) {
        uint32_t number = todos_update(&random, RECORDS_TODOS, &bytes, &op);
        write_one(n, number, &op, 1);
        records_commit(n, false);
        struct node_commit last = node_replica_last(n->r);
        make_frame(last.ranges, last.range_count, &frame);
        out->bytes += frame.len;
    }
    records_commit(n, true);
    cht_buf_clear(&frame);
    cht_buf_clear(&bytes);
    out->ops = RECORDS_ALONE;
}

/* --- frames in ------------------------------------------------------------------------------ */

static struct cht_buf load(const char *path)
{
    struct cht_buf all;
    uint8_t block[65536];
    cht_buf_init(&all, (size_t)256 << 20);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        bench_fail("%s: %s", path, strerror(errno));
    for (size_t got = fread(block, 1, sizeof block, file); got != 0;
         got = fread(block, 1, sizeof block, file))
        bench_must(cht_buf_add(&all, cht_bytes(block, got)), path);
    (void)fclose(file);
    return all;
}

static void acknowledge(struct records_node *n, size_t bytes, struct cht_arena *arena,
                        struct cht_buf *out)
{
    struct net_view view = node_replica_view(n->r);
    struct net_heads heads;
    bench_must(view.ops->heads(view.ctx, arena, &heads), "heads");
    struct net_frame frame = { .kind = NET_FRAME_ACK, .nonce = { 1, 2, 3, 4 } };
    frame.ack.frames = 1;
    frame.ack.bytes = (uint32_t)bytes;
    frame.ack.tip_count = heads.stored_count;
    frame.ack.tips = heads.stored;
    cht_buf_reset(out);
    bench_must(net_frame_encode(&frame, out), "ack");
}

/* One turn of the node: a frame in, durable, its ACK made. */
static void turn(struct records_node *n, uint32_t from, struct cht_bytes bytes, bool last,
                 struct cht_arena *arena, struct cht_buf *ack, struct done *out)
{
    struct net_frame frame;
    cht_arena_reset(arena);
    bench_must(net_frame_decode(bytes, arena, &frame), "frame");
    for (size_t i = 0; i < frame.range.count; i++) {
        struct crdt_range range = frame.range.ranges[i];
        enum node_receipt receipt;
        if (range.own)
            memcpy(range.device_tag, n->identities[from].device, sizeof range.device_tag);
        bench_must(node_replica_receive(n->r, &range, bench_wall_ms(), &receipt), "receive");
        if (receipt != NODE_STORED)
            bench_fail("a range was not stored: receipt %u", receipt);
        out->ops += range.count;
    }
    bool more = true;
    while (more) {
        bench_must(node_replica_settle(n->r, bench_wall_ms(), &more), "settle");
        records_commit(n, last && !more);
    }
    acknowledge(n, bytes.len, arena, ack);
    out->bytes += bytes.len;
}

void records_merge(struct records_node *n, const struct order *order, struct done *out)
{
    struct cht_buf files[2] = { 0 }, ack;
    struct cht_arena arena;
    for (uint32_t i = 0; i < order->from_count; i++) {
        char path[BENCH_PATH_MAX];
        frames_path(n, order->from[i], path);
        files[i] = load(path);
    }
    cht_arena_init(&arena, LIMIT_TURN_BYTES);
    cht_buf_init(&ack, LIMIT_FRAME_BYTES);
    n->written_us = bench_now_us();
    double wall = bench_now_us(), cpu = bench_cpu_us();
    for (uint32_t i = 0; i < order->from_count; i++) {
        for (size_t at = 0; at < files[i].len;) {
            uint32_t len;
            memcpy(&len, files[i].data + at, sizeof len);
            at += sizeof len + len;
            bool last = i + 1 == order->from_count && at == files[i].len;
            turn(n, order->from[i], cht_bytes(files[i].data + at - len, len), last, &arena, &ack,
                 out);
        }
    }
    out->wall_us = bench_now_us() - wall;
    out->cpu_us = bench_cpu_us() - cpu;
    for (uint32_t i = 0; i < order->from_count; i++)
        cht_buf_clear(&files[i]);
    cht_buf_clear(&ack);
    cht_arena_clear(&arena);
}

/* --- orders ---------------------------------------------------------------------------------- */

static void carry_out(struct records_node *n, const struct order *order, const char *path,
                      struct done *out)
{
    char base[BENCH_PATH_MAX];
    double wall = bench_now_us(), cpu = bench_cpu_us();
    switch (order->kind) {
    case ORDER_CREATE:
        create(n, out);
        break;
    case ORDER_UPDATE:
        update(n, out);
        break;
    case ORDER_EXPORT:
        export(n, out);
        break;
    case ORDER_MERGE:
        records_merge(n, order, out);
        break;
    case ORDER_ALONE:
        alone(n, out);
        break;
    case ORDER_COPY:
    case ORDER_SIZES:
    case ORDER_END:
        bench_must(node_store_checkpoint(node_replica_store(n->r)), "checkpoint");
        break;
    }
    if (order->kind != ORDER_MERGE) {
        out->wall_us = bench_now_us() - wall;
        out->cpu_us = bench_cpu_us() - cpu;
    }
    if (order->kind == ORDER_COPY) {
        bench_path(base, n->folder, "base.db");
        records_copy(path, base);
    }
    out->peak_rss_kib = bench_peak_rss_kib();
    records_look(n, path, out);
}

static _Noreturn void live(const char *folder, uint32_t index, int orders, int answers)
{
    struct records_node n;
    struct order order;
    char name[24], path[BENCH_PATH_MAX];
    (void)snprintf(name, sizeof name, "node-%u.db", index);
    bench_path(path, folder, name);
    records_open(&n, folder, index, path);
    while (read(orders, &order, sizeof order) == (ssize_t)sizeof order && order.kind != ORDER_END) {
        struct done out = { 0 };
        carry_out(&n, &order, path, &out);
        if (write(answers, &out, sizeof out) != (ssize_t)sizeof out)
            break;
    }
    node_replica_close(n.r);
    _exit(0);
}

struct bench_node *bench_node_start(const char *folder, uint32_t index)
{
    int orders[2], answers[2];
    struct bench_node *n = malloc(sizeof *n);
    if (n == NULL || pipe(orders) != 0 || pipe(answers) != 0)
        bench_fail("no pipe for a node");
    n->pid = fork();
    if (n->pid < 0)
        bench_fail("no further process: %s", strerror(errno));
    if (n->pid == 0) {
        (void)close(orders[1]);
        (void)close(answers[0]);
        live(folder, index, orders[0], answers[1]);
    }
    (void)close(orders[0]);
    (void)close(answers[1]);
    n->orders = orders[1];
    n->answers = answers[0];
    return n;
}

struct done bench_node_do(struct bench_node *n, struct order order)
{
    struct done out;
    if (write(n->orders, &order, sizeof order) != (ssize_t)sizeof order ||
        read(n->answers, &out, sizeof out) != (ssize_t)sizeof out)
        bench_fail("a node has ended in the middle of the workload");
    return out;
}

void bench_node_stop(struct bench_node *n)
{
    struct order order = { .kind = ORDER_END };
    (void)!write(n->orders, &order, sizeof order);
    (void)close(n->orders);
    (void)close(n->answers);
    (void)waitpid(n->pid, NULL, 0);
    free(n);
}
