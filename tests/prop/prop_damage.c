/* Damage of every kind, in every column of every table of a file: verify names it, the state root
 * shows it where the state is concerned, and a rebuild restores what is made from the log
 * (PROTOCOL 10.6).
 *
 * The file is one that a random history and everything kept beside it filled. CHITTY_SEED repeats a
 * run, CHITTY_CASES says how many values of each column are damaged. */
#include "node/store/local.h"
#include "tests/prop/home.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

#define ENTRIES     260u
#define CASES_USUAL 2u
#define ROWS_DROPS  3u

/* table; a word that verify may say for it instead of its name */
static const struct {
    const char *table, *other;
    bool derived; /* made from the log */
    bool inner;   /* FTS5's own: some of it is slack that nothing reads, and no damage */
} tables[] = {
    { "meta", "meta", false, false },
    { "record", "record", false, false },
    { "author", "log", false, false },
    { "chain", "log", false, false },
    { "epoch", "log", false, false },
    { "log", "log", false, false },
    { "entity", "entity", true, false },
    { "actor", "actor", true, false },
    { "number", "number", true, false },
    { "void", "void", true, false },
    { "position", "position", true, false },
    { "topic", "topic", true, false },
    { "project", "project", true, false },
    { "session", "session", true, false },
    { "todo", "todo", true, false },
    { "other", "other", true, false },
    { "element", "element", true, false },
    { "search_content", "search", true, false },
    { "search_data", "search", true, true },
    { "search_idx", "search", true, true },
    { "search_docsize", "search", true, true },
    { "search_config", "search", true, true },
    { "peer", "peer", false, false },
    { "ticket", "ticket", false, false },
    { "idempotency", "idempotency", false, false },
};
#define TABLES (sizeof tables / sizeof tables[0])

struct damage {
    struct seeded random;
    struct space space;
    struct home home; /* the file that is damaged, again and again */
    char whole[HOME_PATH_MAX];
    struct crdt_root root;
    uint32_t cases;
    uint64_t flips, drops, swaps, named_by_open, shown_values, shown_by_root;
    uint64_t inner, inner_named;
    unsigned empty; /* tables without a row */
};

/* What verify said. */
struct said {
    const char *table, *other;
    unsigned problems, naming;
    char last[512];
};

static void hear(void *ctx, const char *where, const char *what)
{
    struct said *s = ctx;
    s->problems++;
    s->naming += strstr(where, s->table) != NULL || strstr(where, s->other) != NULL ||
                 strstr(what, s->table) != NULL || strstr(what, s->other) != NULL;
    (void)snprintf(s->last, sizeof s->last, "%s: %s", where, what);
}

/* --- a file with something in every table ----------------------------------------------------- */

static void receive_all(struct home *home, const struct cuts *cuts)
{
    bool progress = true;
    while (progress) {
        progress = false;
        for (uint32_t i = 0; i < cuts->count; i++) {
            enum node_receipt receipt;
            assert_int_equal(
                CHT_OK, node_replica_receive(home->r, &cuts->list[i].range, HOME_NOW_MS, &receipt));
            progress |= receipt == NODE_STORED;
        }
        home_turn(home, true);
    }
}

/* All that one device wrote is void. */
static void revoke_one(struct home *home, const struct space *space)
{
    struct net_revocation revocation = { .stamp = crdt_hlc_make(HOME_NOW_MS, 0),
                                         .device = space->devices[1].device,
                                         .why = NET_WHY_LOST };
    struct cht_buf record;
    cht_buf_init(&record, LIMIT_RECORD_BYTES);
    assert_int_equal(CHT_OK, net_members_revoke(node_replica_members(home->r), &revocation,
                                                &space->devices[0], &record));
    assert_int_equal(CHT_OK, node_replica_add_record(home->r, cht_buf_view(&record)));
    home_turn(home, true);
    assert_true(node_replica_count(home->r).ruled != 0);
    cht_buf_clear(&record);
}

static void keep_beside(struct home *home)
{
    struct node_store *store = node_replica_store(home->r);
    struct node_ticket_row ticket = { .expiry_ms = HOME_NOW_MS };
    uint8_t device[CRDT_ID_BYTES];
    for (uint8_t i = 0; i < 4; i++) {
        char text[32];
        memset(device, i + 1, sizeof device);
        memset(ticket.id, i + 1, sizeof ticket.id);
        memset(ticket.secret, i + 7, sizeof ticket.secret);
        (void)snprintf(text, sizeof text, "tcp://10.0.0.%u:7777", i);
        assert_int_equal(CHT_OK, node_keep_ticket(store, &ticket));
        assert_int_equal(CHT_OK, node_keep_address(store, device, cht_bytes_str(text), 1000u + i));
        assert_int_equal(CHT_OK, node_keep_answer(store, cht_bytes_str(text), HOME_NOW_MS + i,
                                                  cht_bytes_str("an answer")));
    }
    /* what was kept may be replaced and forgotten */
    assert_int_equal(CHT_OK, node_keep_answer(store, cht_bytes_str("tcp://10.0.0.2:7777"),
                                              HOME_NOW_MS + 9, cht_bytes_str("another")));
    assert_int_equal(CHT_OK, node_forget_answers(store, HOME_NOW_MS + 1));
    memset(ticket.id, 1, sizeof ticket.id);
    memset(ticket.joiner, 5, sizeof ticket.joiner);
    assert_int_equal(CHT_OK, node_keep_ticket(store, &ticket));
}

static bool verify(struct damage *d, struct said *said, struct node_verified *out)
{
    struct cht_error detail = { 0 };
    enum cht_err err = node_replica_verify_file(d->home.path, hear, said, &detail, out);
    if (err != CHT_OK)
        print_message("# verify: %s\n", cht_error_text(&detail));
    assert_int_equal(CHT_OK, err);
    assert_int_equal(said->problems == 0, out->ok);
    return out->ok;
}

static void start(struct damage *d)
{
    struct history h;
    struct cuts cuts;
    uint64_t seed = d->random.state;
    space_make(&d->space, seed);
    struct history_space told = { .heads = d->space.heads, .head_count = d->space.head_count };
    memcpy(told.id, d->space.id, sizeof told.id);
    history_make(&h, seed, ENTRIES, &told);
    cuts_make(&cuts, &h, seed);
    home_make(&d->home, "damaged.db", &d->space, HISTORY_DEVICES_MAX, NULL, seed);
    receive_all(&d->home, &cuts);
    revoke_one(&d->home, &d->space);
    keep_beside(&d->home);
    d->root = node_replica_root(d->home.r);
    home_close(&d->home);
    home_path("whole.db", d->whole);
    home_copy(d->home.path, d->whole);
    cuts_clear(&cuts);
    history_clear(&h);
}

/* --- SQL ------------------------------------------------------------------------------------ */

static sqlite3 *open_file(const struct damage *d)
{
    sqlite3 *db = NULL;
    assert_int_equal(SQLITE_OK, sqlite3_open(d->home.path, &db));
    /* the shadow tables of search may be written to only so */
    assert_int_equal(SQLITE_OK, sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, (int *)NULL));
    return db;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (code != SQLITE_OK)
        print_message("# %s: %s\n", sql, sqlite3_errmsg(db));
    assert_int_equal(SQLITE_OK, code);
    return st;
}

static int64_t number_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = prepare(db, sql);
    assert_int_equal(SQLITE_ROW, sqlite3_step(st));
    int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return n;
}

static int64_t count_rows(sqlite3 *db, const char *table)
{
    char sql[96];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM \"%s\"", table);
    return number_of(db, sql);
}

/* "WHERE" that picks one row: by its primary key, as this statement has it. */
static void where_of(sqlite3 *db, const char *table, int64_t row, char out[static 512])
{
    char sql[256], keys[128] = "";
    (void)snprintf(sql, sizeof sql,
                   "SELECT group_concat(quote(name), ',') FROM pragma_table_info('%s')"
                   " WHERE pk > 0",
                   table);
    sqlite3_stmt *st = prepare(db, sql);
    assert_int_equal(SQLITE_ROW, sqlite3_step(st));
    (void)snprintf(keys, sizeof keys, "%s", (const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    for (char *c = keys; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c;
    (void)snprintf(sql, sizeof sql, "SELECT %s FROM \"%s\" LIMIT 1 OFFSET %lld", keys, table,
                   (long long)row);
    st = prepare(db, sql);
    assert_int_equal(SQLITE_ROW, sqlite3_step(st));
    size_t used = (size_t)snprintf(out, 512, "WHERE 1");
    for (int i = 0; i < sqlite3_column_count(st); i++) {
        char *quoted;
        sqlite3_stmt *quote = prepare(db, "SELECT quote(?1)");
        sqlite3_bind_value(quote, 1, sqlite3_column_value(st, i));
        assert_int_equal(SQLITE_ROW, sqlite3_step(quote));
        quoted = sqlite3_mprintf("%s", sqlite3_column_text(quote, 0));
        used += (size_t)snprintf(out + used, 512 - used, " AND \"%s\" = %s",
                                 sqlite3_column_name(st, i), quoted);
        sqlite3_free(quoted);
        sqlite3_finalize(quote);
    }
    assert_true(used < 512);
    sqlite3_finalize(st);
}

/* --- what must follow ------------------------------------------------------------------------- */

static void must_name(struct damage *d, size_t t, const char *what)
{
    struct said said = { .table = tables[t].table, .other = tables[t].other };
    struct node_verified v;
    bool ok = verify(d, &said, &v);
    d->inner += tables[t].inner;
    d->inner_named += tables[t].inner && !ok;
    if (ok && tables[t].inner)
        return;
    if (ok || said.naming == 0)
        print_message("# %s, %s: verify says %u problems, the last: %s\n", tables[t].table, what,
                      said.problems, said.last);
    assert_false(v.ok);
    assert_int_not_equal(0, said.naming);
}

/* A replica either refuses the file, or verify on it names the damage too. */
static void must_show(struct damage *d, size_t t, const char *what, bool value)
{
    struct cht_error detail = { 0 };
    const struct node_replica_options options = { .path = d->home.path,
                                                  .mode = NODE_STORE_WRITE,
                                                  .now_ms = HOME_NOW_MS };
    if (node_replica_open(&options, &detail, &d->home.r) != CHT_OK) {
        d->named_by_open++;
        return;
    }
    struct said said = { .table = tables[t].table, .other = tables[t].other };
    struct node_verified v;
    assert_int_equal(CHT_OK, node_replica_verify(d->home.r, hear, &said, &v));
    if (v.ok && !tables[t].inner)
        print_message("# %s, %s: verify on an open replica says nothing\n", tables[t].table, what);
    assert_true(!v.ok || tables[t].inner);
    enum node_scrub scrub;
    assert_int_equal(CHT_OK, node_replica_scrub(d->home.r, UINT32_MAX, &scrub));
    struct crdt_root root = node_replica_root(d->home.r);
    d->shown_values += value;
    d->shown_by_root += value && scrub == NODE_SCRUB_DAMAGE && !crdt_root_eq(&root, &d->root);
    home_close(&d->home);
}

static void must_rebuild(struct damage *d, size_t t, const char *what)
{
    struct cht_error detail = { 0 };
    const struct node_replica_options options = { .path = d->home.path,
                                                  .mode = NODE_STORE_WRITE,
                                                  .now_ms = HOME_NOW_MS };
    enum cht_err err = node_replica_rebuild_file(&options, &detail);
    struct said said = { .table = "", .other = "" };
    struct node_verified v;
    if (err != CHT_OK || !verify(d, &said, &v))
        print_message("# %s, %s: rebuild: %s; then %s\n", tables[t].table, what,
                      cht_error_text(&detail), said.last);
    assert_int_equal(CHT_OK, err);
    assert_true(v.ok);
    assert_true(crdt_root_eq(&d->root, &v.root));
}

/* --- flips ---------------------------------------------------------------------------------- */

/* Change one bit of the value; false when the table does not allow it (a key that is there). */
static bool flip(struct damage *d, sqlite3 *db, const char *table, const char *column,
                 const char *where)
{
    char sql[1024];
    uint8_t bytes[70000];
    (void)snprintf(sql, sizeof sql, "SELECT \"%s\" FROM \"%s\" %s", column, table, where);
    sqlite3_stmt *st = prepare(db, sql);
    assert_int_equal(SQLITE_ROW, sqlite3_step(st));
    int type = sqlite3_column_type(st, 0);
    int64_t number = sqlite3_column_int64(st, 0);
    double real = sqlite3_column_double(st, 0);
    const void *data = sqlite3_column_blob(st, 0);
    int len = sqlite3_column_bytes(st, 0);
    if (len > (int)sizeof bytes)
        len = (int)sizeof bytes;
    if (data != NULL)
        memcpy(bytes, data, (size_t)len);
    sqlite3_finalize(st);
    if (type == SQLITE_NULL || (len == 0 && type != SQLITE_INTEGER && type != SQLITE_FLOAT))
        return false;
    (void)snprintf(sql, sizeof sql, "UPDATE \"%s\" SET \"%s\" = ?1 %s", table, column, where);
    st = prepare(db, sql);
    if (type == SQLITE_INTEGER)
        sqlite3_bind_int64(st, 1, number ^ (int64_t)(UINT64_C(1) << seeded_below(&d->random, 63)));
    else if (type == SQLITE_FLOAT)
        sqlite3_bind_double(st, 1, real + 1);
    else
        bytes[seeded_below(&d->random, (uint32_t)len)] ^=
            (uint8_t)(1u << seeded_below(&d->random, 8));
    if (type == SQLITE_TEXT)
        sqlite3_bind_text(st, 1, (const char *)bytes, len, SQLITE_STATIC);
    else if (type == SQLITE_BLOB)
        sqlite3_bind_blob(st, 1, bytes, len, SQLITE_STATIC);
    bool done = sqlite3_step(st) == SQLITE_DONE && sqlite3_changes(db) == 1;
    sqlite3_finalize(st);
    return done;
}

/* Does the column hold the bytes of a live value? Sets and maps have them in the blob. */
static bool is_value(size_t t, const char *column)
{
    unsigned type = crdt_type_from(cht_bytes_str(tables[t].table));
    const struct crdt_field *f = type == 0 ? NULL : crdt_field_named(type, cht_bytes_str(column));
    return f != NULL && f->number != CRDT_FIELD_DELETED &&
           (f->kind == CRDT_REGISTER || f->kind == CRDT_TEXT);
}

static void flip_column(struct damage *d, size_t t, const char *column, bool blob_of_log)
{
    for (uint32_t i = 0; i < d->cases; i++) {
        char where[512], what[64];
        home_copy(d->whole, d->home.path);
        sqlite3 *db = open_file(d);
        int64_t rows = count_rows(db, tables[t].table);
        bool done = false;
        for (uint32_t tries = 0; !done && tries < 40; tries++) {
            where_of(db, tables[t].table, (int64_t)seeded_below(&d->random, (uint32_t)rows), where);
            done = flip(d, db, tables[t].table, column, where);
        }
        sqlite3_close(db);
        if (!done)
            return; /* it has no value in any row */
        (void)snprintf(what, sizeof what, "column %.40s", column);
        must_name(d, t, what);
        must_show(d, t, where, is_value(t, column));
        if (tables[t].derived || blob_of_log)
            must_rebuild(d, t, what);
        d->flips++;
    }
}

static void a_bit_in_any_column_is_named(void **state)
{
    struct damage *d = *state;
    for (size_t t = 0; t < TABLES; t++) {
        char sql[128], columns[64][32];
        size_t count = 0;
        (void)snprintf(sql, sizeof sql, "SELECT name FROM pragma_table_info('%s')",
                       tables[t].table);
        home_copy(d->whole, d->home.path);
        sqlite3 *db = open_file(d);
        if (count_rows(db, tables[t].table) == 0) {
            d->empty++;
            print_message("# nothing in %s\n", tables[t].table);
            sqlite3_close(db);
            continue;
        }
        sqlite3_stmt *st = prepare(db, sql);
        while (sqlite3_step(st) == SQLITE_ROW && count < 64)
            (void)snprintf(columns[count++], sizeof columns[0], "%s",
                           (const char *)sqlite3_column_text(st, 0));
        sqlite3_finalize(st);
        sqlite3_close(db);
        for (size_t i = 0; i < count; i++)
            flip_column(d, t, columns[i],
                        strcmp(columns[i], "entities") == 0 || strcmp(columns[i], "pasts") == 0);
    }
    print_message("# %llu flips, %llu of them refused at the start\n", (unsigned long long)d->flips,
                  (unsigned long long)d->named_by_open);
    print_message("# %llu of values, %llu of them shown by the root\n",
                  (unsigned long long)d->shown_values, (unsigned long long)d->shown_by_root);
    print_message("# %llu inside the full-text index, %llu of them named\n",
                  (unsigned long long)d->inner, (unsigned long long)d->inner_named);
    assert_true(d->empty <= 2); /* of an unlucky seed, a type that is drawn seldom */
    assert_true(d->inner_named * 2 >= d->inner);
    /* some values are in the blob, as they are not in their shortest form */
    assert_true(d->shown_by_root * 10 >= d->shown_values * 6);
}

/* --- drops and swaps -------------------------------------------------------------------------- */

static void a_row_that_is_gone_is_named(void **state)
{
    struct damage *d = *state;
    for (size_t t = 0; t < TABLES; t++) {
        for (uint32_t i = 0; i < ROWS_DROPS; i++) {
            char where[512], sql[640];
            home_copy(d->whole, d->home.path);
            sqlite3 *db = open_file(d);
            uint32_t rows = (uint32_t)count_rows(db, tables[t].table);
            if (rows == 0) { /* said above */
                sqlite3_close(db);
                break;
            }
            uint32_t row = i == 0 ? 0 : (i == 1 ? rows - 1 : seeded_below(&d->random, rows));
            where_of(db, tables[t].table, row, where);
            (void)snprintf(sql, sizeof sql, "DELETE FROM \"%s\" %s", tables[t].table, where);
            assert_int_equal(SQLITE_OK, sqlite3_exec(db, sql, NULL, NULL, NULL));
            sqlite3_close(db);
            must_name(d, t, sql);
            must_show(d, t, sql, false);
            if (tables[t].derived)
                must_rebuild(d, t, sql);
            d->drops++;
        }
    }
    print_message("# %llu drops\n", (unsigned long long)d->drops);
}

static size_t table_named(const char *name)
{
    size_t t = 0;
    while (strcmp(tables[t].table, name) != 0)
        t++;
    return t;
}

static void two_rows_that_changed_places_are_named(void **state)
{
    static const struct {
        const char *table, *column;
    } swaps[] = {
        { "log", "payload" },   { "log", "head" },           { "log", "tip" },
        { "log", "pasts" },     { "record", "bytes" },       { "author", "id" },
        { "entity", "id" },     { "actor", "id" },           { "todo", "crdt" },
        { "todo", "content" },  { "topic", "crdt" },         { "session", "crdt" },
        { "position", "seq" },  { "meta", "value" },         { "peer", "address" },
        { "ticket", "secret" }, { "idempotency", "answer" }, { "search_content", "c0" },
        { "epoch", "epoch" },
    };
    struct damage *d = *state;
    for (size_t i = 0; i < sizeof swaps / sizeof swaps[0]; i++) {
        size_t t = table_named(swaps[i].table);
        const char *c = swaps[i].column;
        char a[512], b[512], sql[4096];
        home_copy(d->whole, d->home.path);
        sqlite3 *db = open_file(d);
        uint32_t rows = (uint32_t)count_rows(db, swaps[i].table);
        bool done = false;
        for (uint32_t tries = 0; !done && tries < 200; tries++) {
            where_of(db, swaps[i].table, seeded_below(&d->random, rows), a);
            where_of(db, swaps[i].table, seeded_below(&d->random, rows), b);
            (void)snprintf(sql, sizeof sql,
                           "SELECT (SELECT \"%s\" FROM \"%s\" %s) IS NOT"
                           " (SELECT \"%s\" FROM \"%s\" %s)",
                           c, swaps[i].table, a, c, swaps[i].table, b);
            done = number_of(db, sql) == 1;
        }
        if (!done) {
            print_message("# no two values in %s, column %s\n", swaps[i].table, c);
            sqlite3_close(db);
            continue;
        }
        (void)snprintf(sql, sizeof sql,
                       "CREATE TEMP TABLE x AS SELECT \"%s\" AS v FROM \"%s\" %s;"
                       "UPDATE \"%s\" SET \"%s\" = (SELECT \"%s\" FROM \"%s\" %s) %s;"
                       "UPDATE \"%s\" SET \"%s\" = (SELECT v FROM x) %s",
                       c, swaps[i].table, a, swaps[i].table, c, c, swaps[i].table, b, a,
                       swaps[i].table, c, b);
        int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
        if (code != SQLITE_OK)
            print_message("# %s: %s\n", sql, sqlite3_errmsg(db));
        assert_int_equal(SQLITE_OK, code);
        sqlite3_close(db);
        must_name(d, t, sql);
        must_show(d, t, sql, false);
        if (tables[t].derived)
            must_rebuild(d, t, sql);
        d->swaps++;
    }
    print_message("# %llu swaps\n", (unsigned long long)d->swaps);
    assert_true(d->swaps + 4 >= sizeof swaps / sizeof swaps[0]);
}

static void a_whole_file_has_no_problems(void **state)
{
    struct damage *d = *state;
    struct said said = { .table = "", .other = "" };
    struct node_verified v;
    home_copy(d->whole, d->home.path);
    assert_true(verify(d, &said, &v));
    assert_true(crdt_root_eq(&d->root, &v.root));
    must_rebuild(d, 0, "nothing");
}

static void what_is_no_database_is_named(void **state)
{
    struct damage *d = *state;
    home_copy(d->whole, d->home.path);
    FILE *file = fopen(d->home.path, "r+b");
    assert_non_null(file);
    assert_int_equal(1, fwrite("x", 1, 1, file));
    assert_int_equal(0, fclose(file));
    struct said said = { .table = "file", .other = "file" };
    struct node_verified v;
    assert_false(verify(d, &said, &v));
    assert_int_equal(1, said.naming);
}

int main(void)
{
    struct damage d = { .random = seeded_start(5), .cases = CASES_USUAL };
    const char *env = getenv("CHITTY_CASES");
    if (env != NULL)
        d.cases = (uint32_t)strtoul(env, NULL, 0);
    if (sodium_init() < 0)
        return 1;
    home_folder();
    start(&d);
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_has_no_problems),
        cmocka_unit_test(a_bit_in_any_column_is_named),
        cmocka_unit_test(a_row_that_is_gone_is_named),
        cmocka_unit_test(two_rows_that_changed_places_are_named),
        cmocka_unit_test(what_is_no_database_is_named),
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tests[i].initial_state = &d;
    int failed = cmocka_run_group_tests_name("prop_damage", tests, NULL, NULL);
    space_clear(&d.space);
    home_folder_remove();
    return failed;
}
