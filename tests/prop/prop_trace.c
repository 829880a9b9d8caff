/* The history of a real tracker (docs/TRACE.md) written by several replicas at once: through the
 * service on the real store, in one process. Devices write commits without having each other's,
 * exchange by halves in any order, are restarted and killed; in the end all hold the same.
 *
 * CHITTY_SEED repeats a run, CHITTY_CASES says how many cases it has; with --whole each case is all
 * of the history, else a few thousand changes of it. */
#include "node/local/direct.h"
#include "node/service/service.h"
#include "tests/bench/bench.h"
#include "tests/prop/same.h"
#include "tests/prop/sync.h"
#include "tests/trace/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <sqlite3.h>

#define CASES_USUAL    2u
#define CHANGES_USUAL  4000u /* of a case */
#define COMMITS        964u  /* of the history */
#define REPLICAS_MAX   5u
#define RUNS_OF_A_HALF 3u /* ranges that an exchange cut short takes of a tip */

struct device {
    struct home home;
    struct node_service *service;
    struct trace_memory memory; /* of what it wrote itself */
    struct trace_writer writer;
    uint64_t now_ms;
};

struct scene {
    struct space space;
    struct seeded random;
    struct device devices[REPLICAS_MAX];
    uint32_t count;
    uint64_t changes, writes, syncs, taken, restarts;
};

static bool whole;
static uint64_t run_seed;

/* --- a device -------------------------------------------------------------------------------- */

static void serve(struct device *d)
{
    const struct service_options options = { .replica = d->home.r,
                                             .identity = d->home.identity,
                                             .path = d->home.path,
                                             .device_name = "device" };
    assert_int_equal(CHT_OK, service_new(&options, &d->service));
}

static enum cht_err commit(void *ctx, struct node_fault *fault)
{
    struct device *d = ctx;
    (void)fault;
    enum cht_err err = node_replica_commit(d->home.r, seeded_below(&d->home.random, 4) == 0);
    service_after(d->service, err);
    return err;
}

static enum cht_err hear(void *ctx, const struct node_msg *answer)
{
    (void)ctx;
    (void)answer;
    return CHT_OK;
}

static void ask(void *ctx, struct cht_bytes message, unsigned records)
{
    struct device *d = ctx;
    struct node_fault fault = { 0 };
    const struct local_handler handler = service_handler(d->service);
    (void)records;
    d->now_ms += seeded_below(&d->home.random, 1000); /* their clocks differ */
    service_turn(d->service, d->now_ms);
    enum cht_err err = node_local_direct(&handler, commit, d, message, hear, NULL, &fault);
    if (err != CHT_OK)
        fail_msg("a change was refused: %s", cht_error_text(&fault.error));
}

static void begin(struct scene *s, uint64_t seed)
{
    *s = (struct scene){ .random = { .state = seed * 2 + 1 } };
    space_make(&s->space, seed);
    s->count = 2 + seeded_below(&s->random, REPLICAS_MAX - 1);
    for (uint32_t i = 0; i < s->count; i++) {
        struct device *d = &s->devices[i];
        char name[32];
        (void)snprintf(name, sizeof name, "trace%u.db", i);
        home_make(&d->home, name, &s->space, HISTORY_DEVICES_MAX, &s->space.devices[i],
                  seeded_next(&s->random) >> 1);
        serve(d);
        trace_writer_init(&d->writer, &d->memory, ask, d);
        d->now_ms = HOME_NOW_MS - 3600000;
    }
}

static void end(struct scene *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        struct device *d = &s->devices[i];
        service_free(d->service);
        home_close(&d->home);
        trace_writer_clear(&d->writer);
        trace_memory_clear(&d->memory);
    }
    space_clear(&s->space);
}

/* --- what happens to them -------------------------------------------------------------------- */

static void exchange(struct scene *s, uint32_t to, uint32_t from, bool all)
{
    size_t budget = all ? LIMIT_RANGE_BYTES : 1 + seeded_below(&s->random, 200000);
    uint32_t runs = all ? UINT32_MAX : 1 + seeded_below(&s->random, RUNS_OF_A_HALF);
    s->taken += sync_much_from(&s->devices[to].home, &s->devices[from].home, budget, runs);
    s->syncs++;
}

static void restart(struct scene *s, struct device *d)
{
    service_free(d->service);
    home_restart(&d->home, seeded_below(&s->random, 2) == 0);
    serve(d);
    s->restarts++;
}

/* Between two commits: mostly nothing, else an exchange, seldom a restart. */
static void pass_time(struct scene *s)
{
    uint32_t to = seeded_below(&s->random, s->count), from = seeded_below(&s->random, s->count - 1);
    if (seeded_below(&s->random, whole ? 16 : 4) == 0)
        exchange(s, to, from < to ? from : from + 1, seeded_below(&s->random, 3) == 0);
    if (seeded_below(&s->random, whole ? 200 : 20) == 0)
        restart(s, &s->devices[to]);
}

static void live(struct scene *s, const char *path)
{
    struct trace_file *file = trace_open(path);
    struct trace_commit c;
    uint32_t skip = whole ? 0 : seeded_below(&s->random, COMMITS - 60);
    for (uint32_t i = 0; i < skip; i++)
        assert_true(trace_skip(file));
    while ((whole || s->changes < CHANGES_USUAL) && trace_next(file, &c)) {
        struct device *d = &s->devices[seeded_below(&s->random, s->count)];
        c.count = whole || c.count < CHANGES_USUAL ? c.count : CHANGES_USUAL;
        s->changes += c.count;
        trace_write(&d->writer, &c);
        trace_commit_clear(&c);
        s->writes++;
        pass_time(s);
    }
    trace_close(file);
}

/* Everybody takes from everybody, until nobody has anything for anybody. */
static void meet(struct scene *s)
{
    for (uint64_t before = UINT64_MAX; before != s->taken;) {
        before = s->taken;
        for (uint32_t i = 0; i < s->count; i++) {
            for (uint32_t k = 0; k < s->count; k++) {
                if (k != i)
                    exchange(s, i, k, true);
            }
        }
    }
}

/* --- are they the same ----------------------------------------------------------------------- */

static void take_row(crypto_generichash_state *h, sqlite3_stmt *st)
{
    for (int i = 0; i < sqlite3_column_count(st); i++) {
        const char *name = sqlite3_column_name(st, i);
        /* numbers of the replica's own */
        if (strcmp(name, "n") == 0 || strcmp(name, "crdt") == 0)
            continue;
        const unsigned char *text = sqlite3_column_text(st, i);
        const uint8_t kind = (uint8_t)sqlite3_column_type(st, i);
        const uint32_t len = (uint32_t)sqlite3_column_bytes(st, i);
        (void)crypto_generichash_update(h, &kind, 1);
        (void)crypto_generichash_update(h, (const uint8_t *)&len, sizeof len);
        (void)crypto_generichash_update(h, text, len);
    }
}

/* The hash of what a query gives; how many rows. */
static uint64_t rows_of(sqlite3 *db, const char *sql, uint8_t out[static CRDT_HASH_BYTES])
{
    crypto_generichash_state h;
    sqlite3_stmt *st = NULL;
    uint64_t count = 0;
    (void)crypto_generichash_init(&h, NULL, 0, CRDT_HASH_BYTES);
    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(db, sql, -1, &st, NULL));
    while (sqlite3_step(st) == SQLITE_ROW) {
        take_row(&h, st);
        count++;
    }
    assert_int_equal(SQLITE_OK, sqlite3_finalize(st));
    (void)crypto_generichash_final(&h, out, CRDT_HASH_BYTES);
    return count;
}

static const char *const queries[] = {
    "SELECT * FROM todo ORDER BY id",
    "SELECT * FROM message ORDER BY id",
    "SELECT title, body FROM search ORDER BY title, body",
    "SELECT id FROM todo WHERE conflicts != 0 ORDER BY id",
};
#define QUERIES (sizeof queries / sizeof queries[0])

struct tables {
    uint8_t hash[QUERIES][CRDT_HASH_BYTES];
    uint64_t rows[QUERIES];
};

static struct tables tables_of(const struct device *d)
{
    struct tables t;
    sqlite3 *db = NULL;
    assert_int_equal(SQLITE_OK, sqlite3_open_v2(d->home.path, &db, SQLITE_OPEN_READONLY, NULL));
    for (size_t i = 0; i < QUERIES; i++)
        t.rows[i] = rows_of(db, queries[i], t.hash[i]);
    assert_int_equal(SQLITE_OK, sqlite3_close(db));
    return t;
}

static void all_hold_the_same(struct scene *s, struct tables *out)
{
    struct crdt_root root = node_replica_root(s->devices[0].home.r);
    struct node_replica_counts counts = node_replica_count(s->devices[0].home.r);
    for (uint32_t i = 0; i < s->count; i++) {
        struct device *d = &s->devices[i];
        struct crdt_root other = node_replica_root(d->home.r);
        assert_true(crdt_root_eq(&root, &other));
        assert_int_equal(counts.entries, node_replica_count(d->home.r).entries);
        assert_int_equal(0, node_replica_count(d->home.r).waiting);
        assert_int_equal(0, node_replica_count(d->home.r).voids);
        home_turn(&d->home, true);
        assert_false(node_replica_dirty(d->home.r));
        struct tables t = tables_of(d);
        if (i == 0)
            *out = t;
        assert_memory_equal(out->rows, t.rows, sizeof t.rows);
        assert_memory_equal(out->hash, t.hash, sizeof t.hash);
    }
    verify_whole(s->devices[seeded_below(&s->random, s->count)].home.r);
}

static void one_case(const char *path, uint32_t number)
{
    static struct scene s;
    struct tables t;
    begin(&s, run_seed + number);
    live(&s, path);
    uint64_t carried = 0;
    for (uint32_t i = 0; i < s.count; i++)
        carried += s.devices[i].writer.changes;
    assert_int_equal(s.changes, carried);
    meet(&s);
    all_hold_the_same(&s, &t);
    print_message("# case %u: %u replicas, %llu commits, %llu changes, %llu entries, %llu "
                  "exchanges, %llu restarts: %llu todos, %llu of them in conflict\n",
                  number, s.count, (unsigned long long)s.writes, (unsigned long long)s.changes,
                  (unsigned long long)node_replica_count(s.devices[0].home.r).entries,
                  (unsigned long long)s.syncs, (unsigned long long)s.restarts,
                  (unsigned long long)t.rows[0], (unsigned long long)t.rows[3]);
    assert_true(t.rows[0] != 0 && s.taken != 0);
    end(&s);
}

static void replicas_that_write_a_history_at_once_come_to_one_state(void **state)
{
    char path[512];
    (void)state;
    if (!trace_usual_path(path, sizeof path)) {
        print_message("# CHITTY_DATA names no folder with a tracker's history\n");
        skip();
    }
    const char *cases = getenv("CHITTY_CASES");
    uint32_t count = cases != NULL ? (uint32_t)strtoul(cases, NULL, 0) : CASES_USUAL;
    for (uint32_t i = 0; i < count; i++)
        one_case(path, i);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replicas_that_write_a_history_at_once_come_to_one_state),
    };
    struct seeded random = seeded_start(5);
    if (sodium_init() < 0)
        return 1;
    run_seed = random.state >> 1;
    whole = argc > 1 && strcmp(argv[1], "--whole") == 0;
    home_folder();
    int failed = cmocka_run_group_tests_name("prop_trace", tests, NULL, NULL);
    home_folder_remove();
    return failed;
}
