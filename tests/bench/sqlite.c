/* Statements of the floors; see sqlite.h. */
#include "tests/bench/sqlite.h"

#include "tests/bench/bench.h"

void bench_sql_run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        bench_fail("%s: %s", sql, sqlite3_errmsg(db));
}

sqlite3_stmt *bench_sql_prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
        bench_fail("%s: %s", sql, sqlite3_errmsg(db));
    return st;
}

void bench_sql_step(sqlite3 *db, sqlite3_stmt *st)
{
    if (sqlite3_step(st) != SQLITE_DONE)
        bench_fail("floor: %s", sqlite3_errmsg(db));
    sqlite3_reset(st);
}
