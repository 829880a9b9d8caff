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

/* NULL, numbers, text, blobs: what SQLite sorts first. */
static int order_of_type(int type)
{
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT)
        return 1;
    return type == SQLITE_NULL ? 0 : (type == SQLITE_TEXT ? 2 : 3);
}

/* Which row comes first, by the columns that are the key? */
static int compare_keys(sqlite3_stmt *a, sqlite3_stmt *b, int keys)
{
    int order = 0;
    for (int i = 0; order == 0 && i < keys; i++) {
        int type = order_of_type(sqlite3_column_type(a, i));
        order = type - order_of_type(sqlite3_column_type(b, i));
        if (order != 0)
            break;
        if (type == 1) {
            int64_t x = sqlite3_column_int64(a, i), y = sqlite3_column_int64(b, i);
            order = x < y ? -1 : (x > y);
        } else {
            struct cht_bytes x = store_column(a, i), y = store_column(b, i);
            size_t len = x.len < y.len ? x.len : y.len;
            order = len == 0 ? 0 : memcmp(x.data, y.data, len);
            order = order != 0 ? order : (x.len < y.len ? -1 : (x.len > y.len));
        }
    }
    return order;
}

/* Both sorted by their first columns, as many as `keys` says: walk them side by side. */
static enum cht_err compare_rows(const char *table, int keys, sqlite3_stmt *a, sqlite3_stmt *b,
                                 node_difference *each, void *ctx)
{
    enum cht_err has_a = store_row(a), has_b = store_row(b);
    while (has_a == CHT_OK || has_b == CHT_OK) {
        int order = has_a == CHT_OK ? -1 : 1;
        if (has_a == CHT_OK && has_b == CHT_OK)
            order = compare_keys(a, b, keys);
        bool extra = order<0, missing = order> 0;
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
                                  const char *table, int keys, const char *sql,
                                  node_difference *each, void *ctx)
{
    sqlite3_stmt *a = NULL, *b = NULL;
    enum cht_err err = store_prepare(checked, sql, &a);
    if (err == CHT_OK)
        err = store_prepare(fresh, sql, &b);
    if (err == CHT_OK)
        err = compare_rows(table, keys, a, b, each, ctx);
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
        err = compare_table(checked, fresh, notes[i].table, 1, notes[i].sql, each, ctx);
    return err;
}

enum cht_err node_store_compare_state(struct node_store *checked, struct node_store *fresh,
                                      node_difference *each, void *ctx)
{
    enum cht_err err = compare_table(checked, fresh, "other", 1,
                                     "SELECT n, id, modified, deleted, conflicts, crdt FROM other"
                                     " ORDER BY n",
                                     each, ctx);
    if (err == CHT_OK)
        err = compare_table(checked, fresh, "search", 1,
                            "SELECT rowid, title, body FROM search ORDER BY rowid", each, ctx);
    if (err == CHT_OK)
        err = compare_table(checked, fresh, "element", 3,
                            "SELECT field, value, n FROM element ORDER BY field, value, n", each,
                            ctx);
    size_t count;
    (void)crdt_schema_at(0, &count);
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        const char *table = crdt_type_table(crdt_schema_at(i, NULL)->type);
        char sql[96];
        (void)snprintf(sql, sizeof sql, "SELECT n AS row, * FROM \"%s\" ORDER BY n", table);
        err = compare_table(checked, fresh, table, 1, sql, each, ctx);
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
