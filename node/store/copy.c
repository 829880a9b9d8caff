/* The log and what it stands on, copied into another store; see compare.h (PROTOCOL 10.6). */
#include "node/store/compare.h"
#include "node/store/sql.h"

static enum cht_err copy_rows(sqlite3_stmt *from, sqlite3_stmt *to)
{
    enum cht_err err;
    while ((err = store_row(from)) == CHT_OK) {
        for (int i = 0; i < sqlite3_column_count(from); i++)
            sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i));
        err = store_done(to);
        if (err != CHT_OK)
            return err;
    }
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

enum cht_err node_store_copy_log(struct node_store *from, struct node_store *to)
{
    static const struct {
        const char *select, *insert;
    } tables[] = {
        { "SELECT key, value, sum FROM meta WHERE key IN ('space', 'records')",
          "INSERT INTO meta(key, value, sum) VALUES(?1, ?2, ?3)" },
        { "SELECT n, bytes FROM record ORDER BY n", "INSERT INTO record(n, bytes) VALUES(?1, ?2)" },
        { "SELECT n, id FROM author ORDER BY n", "INSERT INTO author(n, id) VALUES(?1, ?2)" },
        { "SELECT n, device, parent, branch_seq FROM chain ORDER BY n",
          "INSERT INTO chain(n, device, parent, branch_seq) VALUES(?1, ?2, ?3, ?4)" },
        { "SELECT chain, seq, epoch FROM epoch",
          "INSERT INTO epoch(chain, seq, epoch) VALUES(?1, ?2, ?3)" },
        { "SELECT id, count, codec, payload, head, tip, stamp FROM log ORDER BY id",
          "INSERT INTO log(id, count, codec, payload, head, tip, stamp)"
          " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)" },
    };
    enum cht_err err = node_store_begin(to);
    for (size_t i = 0; err == CHT_OK && i < sizeof tables / sizeof tables[0]; i++) {
        sqlite3_stmt *a = NULL, *b = NULL;
        err = store_prepare(from, tables[i].select, &a);
        if (err == CHT_OK)
            err = store_prepare(to, tables[i].insert, &b);
        if (err == CHT_OK)
            err = copy_rows(a, b);
        sqlite3_finalize(a);
        sqlite3_finalize(b);
    }
    if (err == CHT_OK)
        return node_store_commit(to);
    node_store_rollback(to);
    return err;
}
