/* The history of a real tracker (docs/TRACE.md) through one node: read, made into changes of
 * records, sent over the local socket with 32 requests under way, until all of it is durable and
 * in the tables. The client works on its own core beside the node.
 *
 * The floor is bare SQLite with the same pragmas: a row for each issue and field, REPLACE or DELETE
 * for each change, 8,192 of them in a transaction; nothing signed, logged, indexed or searched. */
#include "node/store/sql.h"
#include "tests/bench/sqlite.h"
#include "tests/trace/device.h"

#include <stdio.h>

#define FLOOR_GROUP 8192u

static const char *the_trace(void)
{
    static char path[BENCH_PATH_MAX];
    if (!trace_usual_path(path, sizeof path))
        bench_fail("trace: CHITTY_DATA names no folder with tracker-trace/beads.ndjson.gz");
    return path;
}

struct split {
    double read_us, write_us, wait_us, all_us, node_cpu_us;
    uint64_t changes, ops, records;
};

static struct split replay(const char *folder)
{
    static struct trace_device d;
    struct trace_memory memory = { 0 };
    struct split s = { .changes = 0 };
    struct trace_file *file = trace_open(the_trace());
    struct trace_commit c;
    trace_device_start(&d, folder, "trace", &memory);
    s.node_cpu_us = -bench_process_cpu_us(d.home.pid);
    double begun = bench_now_us();
    for (;;) {
        double at = bench_now_us();
        bool more = trace_next(file, &c);
        s.read_us += bench_now_us() - at;
        if (!more)
            break;
        double waited = d.waited_us;
        at = bench_now_us();
        trace_write(&d.writer, &c);
        s.write_us += bench_now_us() - at - (d.waited_us - waited);
        trace_commit_clear(&c);
    }
    trace_device_settle(&d);
    struct trace_stand stand = trace_device_stand(&d); /* told when the tables are written */
    s.all_us = bench_now_us() - begun;
    s.wait_us = s.all_us - s.read_us - s.write_us;
    s.node_cpu_us += bench_process_cpu_us(d.home.pid);
    s.changes = d.writer.changes;
    s.ops = d.writer.ops;
    s.records = d.writer.requests.records;
    if (stand.entries != s.records || d.unchanged != 0)
        bench_fail("%llu changes of records have become %llu entries",
                   (unsigned long long)s.records, (unsigned long long)stand.entries);
    trace_stand_clear(&stand);
    trace_close(file);
    trace_device_stop(&d);
    trace_memory_clear(&memory);
    return s;
}

/* --- the floor ------------------------------------------------------------------------------- */

struct floor {
    sqlite3 *db;
    sqlite3_stmt *put, *drop, *forget;
};

static void run_one(sqlite3 *db, sqlite3_stmt *st, const char *issue, const char *field,
                    const char *value)
{
    sqlite3_bind_text(st, 1, issue, -1, SQLITE_STATIC);
    if (field != NULL)
        sqlite3_bind_text(st, 2, field, -1, SQLITE_STATIC);
    if (value != NULL)
        sqlite3_bind_text(st, 3, value, -1, SQLITE_STATIC);
    bench_sql_step(db, st);
}

static void run_set(const struct floor *f, const struct trace_op *op, const json_t *texts,
                    sqlite3_stmt *st)
{
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const char *text = json_string_value(json_array_get(texts, i));
        char key[64];
        (void)snprintf(key, sizeof key, "%s/%.40s", op->field, text);
        run_one(f->db, st, op->issue, key, st == f->put ? text : NULL);
    }
}

static void run_op(const struct floor *f, const struct trace_op *op)
{
    if (op->field == NULL) {
        run_one(f->db, f->forget, op->issue, NULL, NULL);
    } else if (op->value == NULL) {
        run_set(f, op, op->rm, f->drop);
        run_set(f, op, op->add, f->put);
    } else if (json_is_null(op->value)) {
        run_one(f->db, f->drop, op->issue, op->field, NULL);
    } else {
        const char *text = json_string_value(op->value);
        run_one(f->db, f->put, op->issue, op->field, text == NULL ? "a number" : text);
    }
}

static double floor_ops_per_s(const char *folder)
{
    char path[BENCH_PATH_MAX];
    struct floor f = { .db = NULL };
    struct trace_commit c;
    uint64_t done = 0;
    double us = 0;
    bench_path(path, folder, "floor.db");
    if (sqlite3_open(path, &f.db) != SQLITE_OK)
        bench_fail("%s: %s", path, sqlite3_errmsg(f.db));
    bench_sql_run(f.db, STORE_PRAGMAS);
    bench_sql_run(f.db, "CREATE TABLE t(issue TEXT, field TEXT, value,"
                        " PRIMARY KEY(issue, field)) WITHOUT ROWID; BEGIN");
    f.put = bench_sql_prepare(f.db, "REPLACE INTO t VALUES(?1, ?2, ?3)");
    f.drop = bench_sql_prepare(f.db, "DELETE FROM t WHERE issue = ?1 AND field = ?2");
    f.forget = bench_sql_prepare(f.db, "DELETE FROM t WHERE issue = ?1");
    struct trace_file *file = trace_open(the_trace());
    while (trace_next(file, &c)) {
        double at = bench_now_us();
        for (size_t i = 0; i < c.count; i++) {
            run_op(&f, &c.ops[i]);
            if (++done % FLOOR_GROUP == 0)
                bench_sql_run(f.db, "COMMIT; BEGIN");
        }
        us += bench_now_us() - at;
        trace_commit_clear(&c);
    }
    double at = bench_now_us();
    bench_sql_run(f.db, "COMMIT");
    us += bench_now_us() - at;
    trace_close(file);
    sqlite3_finalize(f.put);
    sqlite3_finalize(f.drop);
    sqlite3_finalize(f.forget);
    sqlite3_close(f.db);
    return (double)done / us * 1e6;
}

void bench_trace(struct bench *b)
{
    struct split s = replay(b->folder);
    double changes = (double)s.changes, rate = changes / s.all_us * 1e6;
    double floor = floor_ops_per_s(b->folder);
    bench_figure(b, "trace_ops_per_s", rate);
    bench_figure(b, "trace_to_floor_ratio", rate / floor);
    bench_figure(b, "trace_all_ms", s.all_us / 1e3);
    bench_figure(b, "trace_client_read_ms", s.read_us / 1e3);
    bench_figure(b, "trace_client_encode_ms", s.write_us / 1e3);
    bench_figure(b, "trace_client_waits_ms", s.wait_us / 1e3);
    bench_figure(b, "trace_node_cpu_ms", s.node_cpu_us / 1e3);
    bench_figure(b, "trace_changes_count", changes);
    bench_figure(b, "trace_log_ops_count", (double)s.ops);
    bench_figure(b, "trace_entries_count", (double)s.records);
    bench_floor(b, "floor_trace_ops_per_s", floor);
}
