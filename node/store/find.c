/* Reading typed tables for clients; see store.h. */
#include "node/store/sql.h"

#include <stdlib.h>

struct node_cursor {
    sqlite3_stmt *st;
};

static enum cht_err add(struct cht_buf *sql, const char *text)
{
    return cht_buf_add(sql, cht_bytes_str(text));
}

static enum cht_err find_sql(const struct node_find *f, const char *columns, struct cht_buf *sql)
{
    const char *parts[] = {
        "SELECT ",
        columns,
        " FROM \"",
        crdt_schema(f->type) == NULL ? "other" : crdt_type_table(f->type),
        "\" WHERE ",
        f->with_deleted ? "1" : "deleted = 0",
        f->where == NULL ? "" : " AND (",
        f->where == NULL ? "" : f->where,
        f->where == NULL ? "" : ")",
        " ORDER BY ",
        f->order == NULL ? "n" : f->order,
        " LIMIT ?99",
        f->offset == 0 ? "" : " OFFSET ?98",
    };
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < sizeof parts / sizeof parts[0]; i++)
        err = add(sql, parts[i]);
    return err == CHT_OK ? cht_buf_add_u8(sql, '\0') : err;
}

enum cht_err node_find_open(struct node_store *s, const struct node_find *f, const char *columns,
                            struct node_cursor **out)
{
    struct node_cursor *c = calloc(1, sizeof *c);
    if (c == NULL)
        return CHT_E_NOMEM;
    struct cht_buf sql;
    cht_buf_init(&sql, LIMIT_CLIENT_BYTES);
    enum cht_err err = find_sql(f, columns, &sql);
    if (err == CHT_OK)
        err = store_prepare(s, (const char *)sql.data, &c->st);
    cht_buf_clear(&sql);
    if (err != CHT_OK) {
        free(c);
        return err;
    }
    for (size_t i = 0; i < f->arg_count; i++)
        sqlite3_bind_text64(c->st, (int)i + 1,
                            f->args[i].len == 0 ? "" : (const char *)f->args[i].data,
                            f->args[i].len, SQLITE_TRANSIENT, SQLITE_UTF8);
    sqlite3_bind_int64(c->st, 99, f->limit == 0 ? -1 : (int64_t)f->limit);
    if (f->offset != 0)
        sqlite3_bind_int64(c->st, 98, (int64_t)f->offset);
    *out = c;
    return CHT_OK;
}

enum cht_err node_find_words(struct node_store *s, struct cht_bytes match, uint64_t limit,
                             struct node_cursor **out)
{
    struct node_cursor *c = calloc(1, sizeof *c);
    if (c == NULL)
        return CHT_E_NOMEM;
    enum cht_err err =
        store_prepare(s, "SELECT rowid FROM search WHERE search MATCH ?1 LIMIT ?2", &c->st);
    if (err != CHT_OK) {
        free(c);
        return err;
    }
    sqlite3_bind_text64(c->st, 1, (const char *)match.data, match.len, SQLITE_TRANSIENT,
                        SQLITE_UTF8);
    sqlite3_bind_int64(c->st, 2, (int64_t)limit);
    *out = c;
    return CHT_OK;
}

enum cht_err node_find_next(struct node_cursor *c)
{
    return store_row(c->st);
}

void node_find_close(struct node_cursor *c)
{
    if (c == NULL)
        return;
    sqlite3_finalize(c->st);
    free(c);
}

bool node_find_is_null(const struct node_cursor *c, int column)
{
    return sqlite3_column_type(c->st, column) == SQLITE_NULL;
}

int64_t node_find_int(const struct node_cursor *c, int column)
{
    return sqlite3_column_int64(c->st, column);
}

struct cht_bytes node_find_bytes(const struct node_cursor *c, int column)
{
    return store_column(c->st, column);
}
