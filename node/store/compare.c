/* Finding damage in a file; see compare.h (PROTOCOL 10.6). */
#include "node/store/compare.h"

#include "node/store/sql.h"
#include "node/store/sums.h"

#include <stdio.h>

#define WHERE_MAX 192

/* Is this column of two rows the same, in type and bytes? */
static bool same_column(sqlite3_stmt *a, sqlite3_stmt *b, int column)
{
    int type = sqlite3_column_type(a, column);
    if (type != sqlite3_column_type(b, column))
        return false;
    if (type == SQLITE_INTEGER)
        return sqlite3_column_int64(a, column) == sqlite3_column_int64(b, column);
    return cht_bytes_eq(store_column(a, column), store_column(b, column));
}

static void say(const char *table, sqlite3_stmt *row, int column, const char *what,
                node_difference *each, void *ctx)
{
    char where[WHERE_MAX];
    const char *key = (const char *)sqlite3_column_text(row, 0);
    (void)snprintf(where, sizeof where, "table %s, row %s%s%s", table, key == NULL ? "?" : key,
                   column < 0 ? "" : ", column ",
                   column < 0 ? "" : sqlite3_column_name(row, column));
    each(ctx, where, what);
}

/* Both sorted by their first column, a number: walk them side by side. */
static enum cht_err compare_rows(const char *table, sqlite3_stmt *a, sqlite3_stmt *b,
                                 node_difference *each, void *ctx)
{
    enum cht_err has_a = store_row(a), has_b = store_row(b);
    while (has_a == CHT_OK || has_b == CHT_OK) {
        int64_t ka = has_a == CHT_OK ? sqlite3_column_int64(a, 0) : INT64_MAX;
        int64_t kb = has_b == CHT_OK ? sqlite3_column_int64(b, 0) : INT64_MAX;
        bool extra = has_b != CHT_OK || (has_a == CHT_OK && ka < kb);
        bool missing = !extra && (has_a != CHT_OK || kb < ka);
        if (extra)
            say(table, a, -1, "the log knows nothing of this row", each, ctx);
        if (missing)
            say(table, b, -1, "the row is missing", each, ctx);
        for (int i = 0; !extra && !missing && i < sqlite3_column_count(a); i++) {
            if (!same_column(a, b, i))
                say(table, a, i, "differs from what the log gives", each, ctx);
        }
        if (!missing)
            has_a = store_row(a);
        if (!extra)
            has_b = store_row(b);
        if ((has_a != CHT_OK && has_a != CHT_E_NOTFOUND) ||
            (has_b != CHT_OK && has_b != CHT_E_NOTFOUND))
            return has_a != CHT_OK && has_a != CHT_E_NOTFOUND ? has_a : has_b;
    }
    return CHT_OK;
}

static enum cht_err compare_table(struct node_store *checked, struct node_store *fresh,
                                  const char *table, const char *sql, node_difference *each,
                                  void *ctx)
{
    sqlite3_stmt *a = NULL, *b = NULL;
    enum cht_err err = store_prepare(checked, sql, &a);
    if (err == CHT_OK)
        err = store_prepare(fresh, sql, &b);
    if (err == CHT_OK)
        err = compare_rows(table, a, b, each, ctx);
    sqlite3_finalize(a);
    sqlite3_finalize(b);
    if (err == CHT_E_CORRUPT) {
        char where[WHERE_MAX];
        (void)snprintf(where, sizeof where, "table %s", table);
        each(ctx, where, "it cannot be read to its end");
        err = CHT_OK;
    }
    return err;
}

enum cht_err node_store_compare_notes(struct node_store *checked, struct node_store *fresh,
                                      node_difference *each, void *ctx)
{
    static const struct {
        const char *table, *sql;
    } notes[] = {
        { "log", "SELECT id, entities, pasts FROM log ORDER BY id" },
        { "entity", "SELECT place, n, type, id FROM entity ORDER BY place" },
        { "actor", "SELECT place, n, id FROM actor ORDER BY place" },
        { "number", "SELECT chain * 4294967296 + k AS place, device, seq FROM number ORDER BY 1" },
        { "void", "SELECT place * 2048 + op AS place, why FROM void ORDER BY 1" },
    };
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < sizeof notes / sizeof notes[0]; i++)
        err = compare_table(checked, fresh, notes[i].table, notes[i].sql, each, ctx);
    return err;
}

enum cht_err node_store_compare_state(struct node_store *checked, struct node_store *fresh,
                                      node_difference *each, void *ctx)
{
    enum cht_err err = compare_table(checked, fresh, "other",
                                     "SELECT n, id, modified, deleted, conflicts, crdt FROM other"
                                     " ORDER BY n",
                                     each, ctx);
    if (err == CHT_OK)
        err = compare_table(checked, fresh, "search",
                            "SELECT rowid, title, body FROM search ORDER BY rowid", each, ctx);
    size_t count;
    (void)crdt_schema_at(0, &count);
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        const char *table = crdt_type_table(crdt_schema_at(i, NULL)->type);
        char sql[96];
        (void)snprintf(sql, sizeof sql, "SELECT n AS row, * FROM \"%s\" ORDER BY n", table);
        err = compare_table(checked, fresh, table, sql, each, ctx);
    }
    return err;
}

static enum cht_err check_pages(struct node_store *s, node_difference *each, void *ctx)
{
    sqlite3_stmt *st;
    enum cht_err err = store_prepare(s, "PRAGMA integrity_check(20)", &st);
    while (err == CHT_OK && (err = store_row(st)) == CHT_OK) {
        const char *text = (const char *)sqlite3_column_text(st, 0);
        if (text != NULL && strcmp(text, "ok") != 0)
            each(ctx, "file", text);
    }
    sqlite3_finalize(st);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

static enum cht_err check_search(struct node_store *s, node_difference *each, void *ctx)
{
    enum cht_err err =
        store_exec(s, "INSERT INTO search(search, rank) VALUES('integrity-check', 1)");
    if (err == CHT_E_DENIED)
        return CHT_OK; /* opened only to read: the rows are compared all the same */
    if (err == CHT_E_CORRUPT) {
        each(ctx, "table search", "the full-text index does not fit its rows");
        return CHT_OK;
    }
    return err;
}

enum cht_err node_store_check(struct node_store *s, node_difference *each, void *ctx)
{
    enum cht_err err = check_pages(s, each, ctx);
    if (err == CHT_OK)
        err = check_search(s, each, ctx);
    return err == CHT_OK ? store_check_sums(s, each, ctx) : err;
}
