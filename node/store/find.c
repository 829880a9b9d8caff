/* Reading typed tables for clients; see store.h. Which way a question goes: find_way.c.
 *
 * The words of a `match` are looked up first. Where few rows have them, they are put in order of
 * how well they fit; where many have, the newest come first, those that were looked at and then the
 * others, from the index as it runs: no time is spent on rows that nobody reads. */
#include "node/store/find.h"

#include <stdio.h>
#include <stdlib.h>

struct node_cursor {
    sqlite3_stmt *st;
    sqlite3_stmt *then;  /* the rows after those of `st`; NULL: there are none */
    uint64_t skip, left; /* with `then`, or after it: rows to pass over, to give */
    bool counted;        /* … as both together have an offset and a limit */
};

struct found {
    int64_t n, hits;
};

/* --- what fits best -------------------------------------------------------------------------- */

/* hits(search): how often the words stand in the row; once in the title is worth all of the body.
 */
static void count_hits(const Fts5ExtensionApi *api, Fts5Context *fts, sqlite3_context *ctx,
                       int argc, sqlite3_value **argv)
{
    enum { TITLE = 16 };
    int count = 0, body = 0, title = 0;
    (void)argc;
    (void)argv;
    int code = api->xInstCount(fts, &count);
    for (int i = 0; code == SQLITE_OK && i < count; i++) {
        int phrase, column, at;
        code = api->xInst(fts, i, &phrase, &column, &at);
        title += code == SQLITE_OK && column == 0;
        body += code == SQLITE_OK && column != 0 && body < TITLE - 1;
    }
    if (code != SQLITE_OK)
        sqlite3_result_error_code(ctx, code);
    else
        sqlite3_result_int(ctx, title * TITLE + body);
}

static enum cht_err teach_hits(struct node_store *s)
{
    fts5_api *api = NULL;
    if (s->ranks)
        return CHT_OK;
    enum cht_err err = store_fts5(s, &api);
    if (err == CHT_OK)
        err = store_error(api->xCreateFunction(api, "hits", NULL, count_hits, NULL));
    s->ranks = err == CHT_OK;
    return err;
}

static int best_first(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->hits != y->hits)
        return x->hits > y->hits ? -1 : 1;
    return x->n > y->n ? -1 : (x->n < y->n);
}

/* The newest matches, at most FIND_MATCHES + 1 of them. */
static enum cht_err look_up(struct node_store *s, struct cht_bytes match,
                            struct found out[static FIND_MATCHES + 1], size_t *out_count)
{
    sqlite3_stmt *st = NULL;
    size_t count = 0;
    enum cht_err err = teach_hits(s);
    if (err == CHT_OK)
        err = store_prepare(s,
                            "SELECT rowid, hits(search) FROM search WHERE search MATCH ?1"
                            " ORDER BY rowid DESC LIMIT ?2",
                            &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_text64(st, 1, (const char *)match.data, match.len, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_int64(st, 2, FIND_MATCHES + 1);
    while (err == CHT_OK && (err = store_row(st)) == CHT_OK) {
        out[count].n = sqlite3_column_int64(st, 0);
        out[count++].hits = sqlite3_column_int64(st, 1);
    }
    sqlite3_finalize(st);
    if (err == CHT_E_NOTFOUND)
        *out_count = count;
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

static enum cht_err put_list(const struct found *found, size_t count, struct cht_buf *out)
{
    enum cht_err err = cht_buf_add_u8(out, '[');
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        char text[24];
        (void)snprintf(text, sizeof text, "%s%lld", i == 0 ? "" : ",", (long long)found[i].n);
        err = cht_buf_add(out, cht_bytes_str(text));
    }
    return err == CHT_OK ? cht_buf_add_u8(out, ']') : err;
}

/* --- opening --------------------------------------------------------------------------------- */

static enum cht_err open_list(struct node_store *s, const struct node_find *f,
                              const struct find_way *way, const char *columns,
                              const struct found *found, size_t count, sqlite3_stmt **out)
{
    struct cht_buf list;
    cht_buf_init(&list, 32u * (FIND_MATCHES + 2));
    enum cht_err err = put_list(found, count, &list);
    if (err == CHT_OK)
        err = find_prepare(s, f, way, columns, out);
    if (err == CHT_OK)
        sqlite3_bind_text64(*out, FIND_PARAM_LIST, (const char *)list.data, list.len,
                            SQLITE_TRANSIENT, SQLITE_UTF8);
    cht_buf_clear(&list);
    return err;
}

/* Those that were looked at, then the rest of the index. */
static enum cht_err open_both(struct node_store *s, const struct node_find *f, struct find_way *way,
                              const char *columns, const struct found *found, struct node_cursor *c)
{
    struct node_find all = *f;
    all.limit = all.offset = 0;
    way->from = FIND_LIST;
    enum cht_err err = open_list(s, &all, way, columns, found, FIND_MATCHES, &c->st);
    way->from = FIND_STREAM;
    if (err == CHT_OK)
        err = find_prepare(s, &all, way, columns, &c->then);
    if (err == CHT_OK)
        sqlite3_bind_int64(c->then, FIND_PARAM_BELOW, found[FIND_MATCHES - 1].n);
    c->counted = true;
    c->skip = f->offset;
    c->left = f->limit == 0 ? UINT64_MAX : f->limit;
    return err;
}

static enum cht_err open_match(struct node_store *s, const struct node_find *f,
                               struct find_way *way, const char *columns, struct node_cursor *c)
{
    struct found *found = calloc(FIND_MATCHES + 1, sizeof *found);
    size_t count = 0;
    enum cht_err err = found == NULL ? CHT_E_NOMEM : look_up(s, f->match, found, &count);
    if (err == CHT_OK && count <= FIND_MATCHES) {
        qsort(found, count, sizeof *found, best_first);
        way->from = FIND_LIST;
        err = open_list(s, f, way, columns, found, count, &c->st);
    } else if (err == CHT_OK && f->order == NULL && !f->counts) {
        err = open_both(s, f, way, columns, found, c);
    } else if (err == CHT_OK) {
        way->from = FIND_STREAM;
        err = find_prepare(s, f, way, columns, &c->st);
    }
    free(found);
    return err;
}

enum cht_err node_find_open(struct node_store *s, const struct node_find *f, const char *columns,
                            struct node_cursor **out)
{
    struct find_way way;
    struct node_cursor *c = calloc(1, sizeof *c);
    if (c == NULL)
        return CHT_E_NOMEM;
    enum cht_err err = f->narrow_count > NODE_NARROW_MAX ? CHT_E_LIMIT : find_choose(s, f, &way);
    if (err == CHT_OK)
        err = f->match.len != 0 ? open_match(s, f, &way, columns, c)
                                : find_prepare(s, f, &way, columns, &c->st);
    if (err != CHT_OK) {
        node_find_close(c);
        return err;
    }
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

enum cht_err node_find_explain(struct node_store *s, const struct node_find *f, const char *columns,
                               struct cht_buf *out)
{
    struct node_cursor *c = NULL;
    sqlite3_stmt *st = NULL;
    struct cht_buf sql;
    cht_buf_init(&sql, 4u * LIMIT_CLIENT_BYTES);
    enum cht_err err = node_find_open(s, f, columns, &c);
    for (int i = 0; err == CHT_OK && i < 2; i++) {
        sqlite3_stmt *of = i == 0 ? c->st : c->then;
        if (of == NULL)
            continue;
        cht_buf_reset(&sql);
        err = cht_buf_add(&sql, cht_bytes_str("EXPLAIN QUERY PLAN "));
        if (err == CHT_OK)
            err = cht_buf_add(&sql, cht_bytes(sqlite3_sql(of), strlen(sqlite3_sql(of)) + 1));
        if (err == CHT_OK)
            err = store_prepare(s, (const char *)sql.data, &st);
        while (err == CHT_OK && (err = store_row(st)) == CHT_OK) {
            err = cht_buf_add(out, store_column(st, 3));
            if (err == CHT_OK)
                err = cht_buf_add_u8(out, '\n');
        }
        sqlite3_finalize(st);
        st = NULL;
        err = err == CHT_E_NOTFOUND ? CHT_OK : err;
    }
    cht_buf_clear(&sql);
    node_find_close(c);
    return err;
}

enum cht_err node_find_links(struct node_store *s, unsigned type, unsigned field, bool hidden,
                             struct node_cursor **out)
{
    struct node_cursor *c = calloc(1, sizeof *c);
    char sql[256];
    if (c == NULL)
        return CHT_E_NOMEM;
    (void)snprintf(sql, sizeof sql,
                   "SELECT e.n, e.value FROM element AS e JOIN \"%s\" AS t ON t.n = e.n"
                   " WHERE e.field = ?1%s",
                   crdt_type_table(type), hidden ? "" : " AND t.deleted = 0");
    enum cht_err err = store_prepare(s, sql, &c->st);
    if (err != CHT_OK) {
        free(c);
        return err;
    }
    sqlite3_bind_int64(c->st, 1, (int64_t)type << 16 | field);
    *out = c;
    return CHT_OK;
}

/* --- the cursor ------------------------------------------------------------------------------ */

/* Step to the next row of both statements. */
static enum cht_err step(struct node_cursor *c)
{
    enum cht_err err = store_row(c->st);
    if (err == CHT_E_NOTFOUND && c->then != NULL) {
        sqlite3_finalize(c->st);
        c->st = c->then;
        c->then = NULL;
        err = store_row(c->st);
    }
    return err;
}

enum cht_err node_find_next(struct node_cursor *c)
{
    if (!c->counted)
        return store_row(c->st);
    if (c->left == 0)
        return CHT_E_NOTFOUND;
    enum cht_err err = CHT_OK;
    for (; err == CHT_OK && c->skip != 0; c->skip--)
        err = step(c);
    if (err == CHT_OK)
        err = step(c);
    c->left--;
    return err;
}

void node_find_close(struct node_cursor *c)
{
    if (c == NULL)
        return;
    sqlite3_finalize(c->st);
    sqlite3_finalize(c->then);
    free(c);
}

enum cht_err node_find_numbers(struct node_cursor *c, struct cht_buf *out)
{
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && (err = node_find_next(c)) == CHT_OK)
        err = cht_buf_add_u32(out, (uint32_t)node_find_int(c, 0));
    node_find_close(c);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
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
