#ifndef TESTS_BENCH_SQLITE_H
#define TESTS_BENCH_SQLITE_H
/* Bare SQLite, for floors. What fails ends the program. */
#include <sqlite3.h>

void bench_sql_run(sqlite3 *db, const char *sql);
sqlite3_stmt *bench_sql_prepare(sqlite3 *db, const char *sql);
/* One statement that gives no rows. */
void bench_sql_step(sqlite3 *db, sqlite3_stmt *st);

#endif
