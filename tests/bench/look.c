/* What the file of a replica holds, seen by another reader; see node_own.h. */
#include "tests/bench/node_own.h"

#include <errno.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>

static sqlite3_stmt *ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
        bench_fail("%s: %s", sql, sqlite3_errmsg(db));
    return st;
}

static uint64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = ask(db, sql);
    uint64_t out = sqlite3_step(st) == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(st, 0) : 0;
    sqlite3_finalize(st);
    return out;
}

static void hash_rows(sqlite3 *db, uint8_t out[static CRDT_HASH_BYTES])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, CRDT_HASH_BYTES);
    sqlite3_stmt *st = ask(db, "SELECT id, content, description, status, priority, project,"
                               " external_ref, deadline, completed_at, modified, deleted, conflicts"
                               " FROM todo ORDER BY id");
    while (sqlite3_step(st) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(st); i++) {
            const void *text = sqlite3_column_text(st, i);
            crypto_generichash_update(&state, text, (unsigned)sqlite3_column_bytes(st, i));
            crypto_generichash_update(&state, (const uint8_t *)"|", 1);
        }
    }
    sqlite3_finalize(st);
    crypto_generichash_final(&state, out, CRDT_HASH_BYTES);
}

void records_look(struct records_node *n, const char *path, struct done *out)
{
    sqlite3 *db = NULL;
    struct crdt_root root = node_replica_root(n->r);
    crdt_root_bytes(&root, out->root);
    out->entries = node_replica_count(n->r).entries;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        bench_fail("%s: %s", path, sqlite3_errmsg(db));
    out->todos = number(db, "SELECT count(*) FROM todo WHERE deleted = 0");
    out->found = number(db, "SELECT count(*) FROM search('replay')");
    uint64_t indexed = number(db, "SELECT count(*) FROM search");
    if (indexed != out->todos)
        bench_fail("%llu rows, and %llu in the search index", (unsigned long long)out->todos,
                   (unsigned long long)indexed);
    uint64_t file = number(db, "SELECT page_count * page_size FROM pragma_page_count, "
                               "pragma_page_size");
    out->log_bytes = number(db, "SELECT sum(pgsize) FROM dbstat WHERE name = 'log'");
    out->state_bytes = file - out->log_bytes;
    hash_rows(db, out->rows);
    sqlite3_close(db);
}

void records_copy(const char *from, const char *to)
{
    uint8_t block[65536];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    if (in == NULL || out == NULL)
        bench_fail("%s to %s: %s", from, to, strerror(errno));
    for (size_t got = fread(block, 1, sizeof block, in); got != 0;
         got = fread(block, 1, sizeof block, in)) {
        if (fwrite(block, 1, got, out) != got)
            bench_fail("%s: %s", to, strerror(errno));
    }
    (void)fclose(in);
    if (fclose(out) != 0)
        bench_fail("%s: %s", to, strerror(errno));
}
