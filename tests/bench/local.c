/* Local writers: 16 clients with 64 requests each in flight ask one node for updates of the record
 * workload, each of them one signed entry that is durable before it is answered; then one client
 * with one at a time.
 *
 * The floor is bare SQLite with the same pragmas: the same updates as plain UPDATEs of one column,
 * as many in a transaction as there are in flight, nothing signed, logged or indexed. */
#include "tests/bench/home.h"
#include "tests/bench/sqlite.h"
#include "tests/bench/todos.h"

#include "crdt/limits.h"
#include "crdt/mp.h"
#include "crdt/schema.h"
#include "node/store/sql.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS  16u
#define IN_AIR   64u
#define EACH     6000u /* updates of a client */
#define SINGLES  1000u
#define TODOS    10000u
#define READ_MAX 65536u

struct client {
    struct node_client *node;
    struct cht_buf *requests; /* framed, EACH of them, ready before the clock starts */
    uint32_t sent, answered;
    struct cht_buf in;
};

/* --- the load -------------------------------------------------------------------------------- */

static void prepare(struct client *c, const struct bench_home *h, uint32_t seed)
{
    struct bench_updates updates;
    struct cht_buf message;
    *c = (struct client){ .node = bench_home_client(h) };
    cht_buf_init(&c->in, (size_t)16 << 20);
    cht_buf_init(&message, LIMIT_CLIENT_BYTES);
    c->requests = calloc(EACH, sizeof *c->requests);
    if (c->requests == NULL)
        bench_fail("out of memory");
    bench_updates_start(&updates, seed, TODOS);
    for (uint32_t i = 0; i < EACH; i++) {
        bench_updates_next(&updates, &message);
        cht_buf_init(&c->requests[i], LIMIT_CLIENT_BYTES);
        bench_must(node_frame_put(&c->requests[i], cht_buf_view(&message)), "request");
    }
    bench_updates_clear(&updates);
    cht_buf_clear(&message);
}

static void finish(struct client *c)
{
    for (uint32_t i = 0; i < EACH; i++)
        cht_buf_clear(&c->requests[i]);
    free(c->requests);
    cht_buf_clear(&c->in);
    node_client_close(c->node);
}

static void send_more(struct client *c)
{
    uint8_t block[IN_AIR * 1024u];
    size_t len = 0;
    while (c->sent < EACH && c->sent - c->answered < IN_AIR) {
        const struct cht_buf *r = &c->requests[c->sent++];
        memcpy(block + len, r->data, r->len);
        len += r->len;
    }
    for (size_t done = 0; done < len;) {
        ssize_t n = send(node_client_fd(c->node), block + done, len - done, MSG_NOSIGNAL);
        if (n <= 0)
            bench_fail("the node went away: %s", strerror(errno));
        done += (size_t)n;
    }
}

static void take_answers(struct client *c)
{
    struct cht_bytes message;
    size_t used, at = 0;
    bench_must(cht_buf_reserve(&c->in, READ_MAX), "answers");
    ssize_t n = recv(node_client_fd(c->node), c->in.data + c->in.len, READ_MAX, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        bench_fail("the node went away");
    c->in.len += n > 0 ? (size_t)n : 0;
    while (node_frame_next(cht_bytes(c->in.data + at, c->in.len - at), &message, &used) == CHT_OK) {
        /* looked at no closer than this: the node has the cores' time, not the load */
        if (memmem(message.data, message.len,
                   "\xa5"
                   "error",
                   6) != NULL)
            bench_fail("an update was refused");
        c->answered++;
        at += used;
    }
    memmove(c->in.data, c->in.data + at, c->in.len - at);
    c->in.len -= at;
}

static double grouped_us(struct client *clients)
{
    struct pollfd polls[CLIENTS];
    uint32_t left = CLIENTS;
    double start = bench_now_us();
    for (uint32_t i = 0; i < CLIENTS; i++) {
        polls[i] = (struct pollfd){ .fd = node_client_fd(clients[i].node), .events = POLLIN };
        send_more(&clients[i]);
    }
    while (left != 0) {
        (void)poll(polls, CLIENTS, -1);
        for (uint32_t i = 0; i < CLIENTS; i++) {
            if (polls[i].fd < 0 || polls[i].revents == 0)
                continue;
            take_answers(&clients[i]);
            send_more(&clients[i]);
            if (clients[i].answered == EACH) {
                polls[i].fd = -1;
                left--;
            }
        }
    }
    return bench_now_us() - start;
}

static double single_p50_us(const struct bench_home *h, double *out_p99_us)
{
    struct node_client *c = bench_home_client(h);
    struct bench_updates updates;
    struct cht_buf message;
    double samples[SINGLES];
    cht_buf_init(&message, LIMIT_CLIENT_BYTES);
    bench_updates_start(&updates, 999, TODOS);
    for (uint32_t i = 0; i < SINGLES; i++) {
        bench_updates_next(&updates, &message);
        double start = bench_now_us();
        bench_ask(c, cht_buf_view(&message));
        samples[i] = bench_now_us() - start;
    }
    bench_updates_clear(&updates);
    cht_buf_clear(&message);
    node_client_close(c);
    *out_p99_us = bench_quantile(samples, SINGLES, 0.99);
    return bench_quantile(samples, SINGLES, 0.5);
}

/* --- the floor ------------------------------------------------------------------------------- */

static void bind_value(sqlite3_stmt *st, int at, struct cht_bytes value)
{
    struct crdt_mp v = crdt_mp_peek(value);
    if (v.kind == CRDT_MP_UINT)
        sqlite3_bind_int64(st, at, (int64_t)v.u);
    else if (v.kind == CRDT_MP_BIN)
        sqlite3_bind_blob64(st, at, v.data.data, v.data.len, SQLITE_STATIC);
    else
        sqlite3_bind_text64(st, at, (const char *)v.data.data, v.data.len, SQLITE_STATIC,
                            SQLITE_UTF8);
}

static void fill_floor(sqlite3 *db, sqlite3_stmt **updates)
{
    struct todos_random random = todos_random(42);
    struct crdt_op ops[TODOS_FIELDS];
    struct cht_buf bytes;
    char sql[128];
    cht_buf_init(&bytes, 1u << 16);
    bench_sql_run(db, "CREATE TABLE t(n INTEGER PRIMARY KEY, a, b, c, d, e, f, g, h); BEGIN");
    sqlite3_stmt *insert =
        bench_sql_prepare(db, "INSERT INTO t VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)");
    for (uint32_t n = 0; n < TODOS; n++) {
        todos_create(&random, &bytes, ops);
        sqlite3_bind_int64(insert, 1, n);
        for (int i = 0; i < (int)TODOS_FIELDS; i++)
            bind_value(insert, i + 2, ops[i].value);
        bench_sql_step(db, insert);
    }
    bench_sql_run(db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite3_finalize(insert);
    for (uint32_t i = 0; i < TODOS_FIELDS; i++) {
        (void)snprintf(sql, sizeof sql, "UPDATE t SET %c = ?1 WHERE n = ?2", (int)('a' + i));
        updates[ops[i].field] = bench_sql_prepare(db, sql);
    }
    cht_buf_clear(&bytes);
}

static double floor_ops_per_s(const char *folder)
{
    char path[BENCH_PATH_MAX];
    sqlite3 *db = NULL;
    sqlite3_stmt *updates[64] = { NULL };
    struct todos_random random = todos_random(7);
    struct crdt_op op;
    struct cht_buf bytes;
    bench_path(path, folder, "floor.db");
    if (sqlite3_open(path, &db) != SQLITE_OK)
        bench_fail("%s: %s", path, sqlite3_errmsg(db));
    bench_sql_run(db, STORE_PRAGMAS);
    fill_floor(db, updates);
    cht_buf_init(&bytes, 1u << 16);
    uint32_t count = CLIENTS * EACH, group = CLIENTS * IN_AIR;
    double start = bench_now_us();
    for (uint32_t i = 0; i < count; i++) {
        if (i % group == 0)
            bench_sql_run(db, "BEGIN IMMEDIATE");
        uint32_t number = todos_update(&random, TODOS, &bytes, &op);
        bind_value(updates[op.field], 1, op.value);
        sqlite3_bind_int64(updates[op.field], 2, number);
        bench_sql_step(db, updates[op.field]);
        if (i % group == group - 1 || i + 1 == count)
            bench_sql_run(db, "COMMIT");
    }
    double us = bench_now_us() - start;
    for (size_t i = 0; i < sizeof updates / sizeof updates[0]; i++)
        sqlite3_finalize(updates[i]);
    sqlite3_close(db);
    cht_buf_clear(&bytes);
    return count / us * 1e6;
}

void bench_local(struct bench *b)
{
    struct bench_home home;
    struct client clients[CLIENTS];
    double p99_us;
    bench_home_start(&home, b->folder, "home");
    bench_home_fill(&home, TODOS, false);
    for (uint32_t i = 0; i < CLIENTS; i++)
        prepare(&clients[i], &home, 100 + i);
    double cpu_us = bench_process_cpu_us(home.pid);
    double us = grouped_us(clients);
    cpu_us = bench_process_cpu_us(home.pid) - cpu_us;
    for (uint32_t i = 0; i < CLIENTS; i++)
        finish(&clients[i]);
    double single_us = single_p50_us(&home, &p99_us);
    bench_home_stop(&home);
    double rate = CLIENTS * EACH / us * 1e6, floor = floor_ops_per_s(b->folder);
    bench_figure(b, "local_grouped_ops_per_s", rate);
    bench_figure(b, "local_grouped_node_cpu_us", cpu_us / (CLIENTS * EACH));
    bench_figure(b, "local_grouped_to_floor_ratio", rate / floor);
    bench_figure(b, "local_single_p50_us", single_us);
    bench_figure(b, "local_single_p99_us", p99_us);
    bench_figure(b, "fsync_p50_us", bench_fsync_p50_us(b->folder));
    bench_floor(b, "floor_grouped_ops_per_s", floor);
}
