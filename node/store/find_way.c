/* Which way a question goes; see find.h.
 *
 * SQLite is told: it has no figures of what is how frequent, and those that it could keep would be
 * of the whole table, not of the word that is asked for. So rows are counted, up to a few, and the
 * statement is written so that there is one way only to run it. */
#include "node/store/find.h"

#include "node/store/elements.h"

#include "crdt/rfc3339.h"

#include <assert.h>
#include <stdio.h>

bool node_find_narrows(const struct crdt_field *f)
{
    return node_rows_element(f) || node_rows_indexed(f);
}

enum cht_err node_find_order(const struct crdt_field *f, struct cht_buf *out)
{
    char part[160];
    if (f->value != CRDT_V_ENUM || f->words == NULL) {
        bool text = f->value == CRDT_V_STR || f->value == CRDT_V_TEXT || f->value == CRDT_V_WORD;
        (void)snprintf(part, sizeof part, "\"%s\"%s", f->name, text ? " COLLATE NOCASE" : "");
        return cht_buf_add(out, cht_bytes_str(part));
    }
    (void)snprintf(part, sizeof part, "CASE \"%s\"", f->name);
    enum cht_err err = cht_buf_add(out, cht_bytes_str(part));
    for (unsigned i = 0; err == CHT_OK && f->words[i] != NULL; i++) {
        (void)snprintf(part, sizeof part, " WHEN '%s' THEN %u", f->words[i], i);
        err = cht_buf_add(out, cht_bytes_str(part));
    }
    return err == CHT_OK ? cht_buf_add(out, cht_bytes_str(" END")) : err;
}

static const char *table_of(const struct node_find *f)
{
    return crdt_schema(f->type) == NULL ? "other" : crdt_type_table(f->type);
}

static int64_t field_key(const struct node_find *f, size_t i)
{
    return (int64_t)f->type << 16 | f->narrow[i].field->number;
}

static void bind_text(sqlite3_stmt *st, int at, struct cht_bytes text)
{
    sqlite3_bind_text64(st, at, text.len == 0 ? "" : (const char *)text.data, text.len,
                        SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* --- the way --------------------------------------------------------------------------------- */

/* How many rows a narrow has, up to `most`. */
static enum cht_err count_rows(struct node_store *s, const struct node_find *f, size_t i,
                               unsigned most, int64_t *out)
{
    char sql[256];
    sqlite3_stmt *st = NULL;
    if (node_rows_indexed(f->narrow[i].field))
        (void)snprintf(sql, sizeof sql,
                       "SELECT count(*) FROM (SELECT 1 FROM \"%s\" WHERE \"%s\" = ?2 LIMIT %u)",
                       table_of(f), f->narrow[i].field->name, most);
    else
        (void)snprintf(sql, sizeof sql,
                       "SELECT count(*) FROM (SELECT 1 FROM element WHERE field = ?1"
                       " AND value = ?2 LIMIT %u)",
                       most);
    enum cht_err err = store_prepare(s, sql, &st);
    if (err != CHT_OK)
        return err;
    if (sqlite3_bind_parameter_index(st, "?1") != 0)
        sqlite3_bind_int64(st, 1, field_key(f, i));
    bind_text(st, 2, f->narrow[i].value);
    err = store_row(st);
    if (err == CHT_OK)
        *out = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return err;
}

enum cht_err find_choose(struct node_store *s, const struct node_find *f, struct find_way *out)
{
    struct find_way way = { .from = FIND_TABLE };
    const unsigned most = f->match.len != 0 ? FIND_LISTED : FIND_FEW;
    int64_t least = INT64_MAX;
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < f->narrow_count; i++) {
        int64_t count = 0;
        err = count_rows(s, f, i, most, &count);
        way.few[i] = count < (int64_t)most;
        if (err == CHT_OK && count < least) {
            least = count;
            way.narrow = i;
        }
    }
    if (err != CHT_OK)
        return err;
    bool whole = f->order == NULL && least == FIND_FEW; /* as they come, and of many */
    bool partial = !f->with_deleted;
    if ((f->only & NODE_ONLY_READY) != 0 && partial && (whole || f->narrow_count == 0))
        way.index = "todo_ready";
    else if ((f->only & NODE_ONLY_OVERDUE) != 0 && partial && (whole || f->narrow_count == 0))
        way.index = "todo_due";
    else if ((f->only & NODE_ONLY_HELD) != 0 && (whole || f->narrow_count == 0))
        way.index = "todo_held";
    else if (f->narrow_count != 0)
        way.from = FIND_NARROW;
    else if ((f->only & NODE_ONLY_OPEN) != 0 && f->order == NULL && f->where == NULL && !f->counts)
        way.from = FIND_OPEN;
    *out = way;
    return CHT_OK;
}

/* --- its SQL --------------------------------------------------------------------------------- */

struct writing {
    const struct node_find *f;
    const struct find_way *way;
    struct cht_buf *sql;
    enum cht_err err;
};

static void add(struct writing *w, const char *text)
{
    if (w->err == CHT_OK)
        w->err = cht_buf_add(w->sql, cht_bytes_str(text));
}

static bool drives(const struct writing *w, size_t i)
{
    return w->way->from == FIND_NARROW && w->way->narrow == i;
}

/* Is `drive` the number of a row, from a table beside the type's? */
static bool beside(const struct writing *w)
{
    if (w->way->from == FIND_NARROW)
        return !node_rows_indexed(w->f->narrow[w->way->narrow].field);
    return w->way->from != FIND_TABLE;
}

static void add_from(struct writing *w)
{
    char part[256] = "";
    const char *table = table_of(w->f);
    const size_t i = w->way->narrow;
    switch (w->way->from) {
    case FIND_TABLE:
        if (w->way->index != NULL)
            (void)snprintf(part, sizeof part, "\"%s\" INDEXED BY %s", table, w->way->index);
        break;
    case FIND_NARROW:
        if (!beside(w))
            (void)snprintf(part, sizeof part, "\"%s\" INDEXED BY \"%s_%s\"", table, table,
                           w->f->narrow[i].field->name);
        else
            (void)snprintf(part, sizeof part,
                           "(SELECT n AS drive FROM element WHERE field = ?%zu AND value = ?%zu)",
                           FIND_PARAM_FIELD + 2 * i, FIND_PARAM_FIELD + 2 * i + 1);
        break;
    case FIND_OPEN: /* the limit keeps the order: without one SQLite takes it for idle */
        add(w, "(SELECT n AS drive FROM todo INDEXED BY todo_status WHERE status IS NULL");
        for (const char *const *word = crdt_field_named(CRDT_TODO, cht_bytes_str("status"))->words;
             *word != NULL; word++) {
            if (strcmp(*word, "completed") == 0 || strcmp(*word, "cancelled") == 0)
                continue;
            add(w, " UNION ALL SELECT n FROM todo INDEXED BY todo_status WHERE status = '");
            add(w, *word);
            add(w, "'");
        }
        add(w, " ORDER BY 1 LIMIT -1)");
        break;
    case FIND_LIST:
        (void)snprintf(part, sizeof part,
                       "(SELECT value AS drive, key AS place FROM json_each(?%d))",
                       FIND_PARAM_LIST);
        break;
    case FIND_STREAM:
        (void)snprintf(part, sizeof part,
                       "(SELECT rowid AS drive FROM search WHERE search MATCH ?%d AND rowid < ?%d)",
                       FIND_PARAM_MATCH, FIND_PARAM_BELOW);
        break;
    }
    add(w, part);
    if (beside(w) || (part[0] == '\0' && w->way->from == FIND_TABLE)) {
        add(w, beside(w) ? " CROSS JOIN \"" : "\"");
        add(w, table);
        add(w, "\"");
    }
}

static void add_narrow(struct writing *w, size_t i)
{
    char part[256];
    const struct crdt_field *field = w->f->narrow[i].field;
    const char *table = table_of(w->f), *row = beside(w) ? "drive" : "n";
    const size_t value = FIND_PARAM_FIELD + 2 * i + 1;
    const bool column = node_rows_indexed(field);
    const bool list = w->way->from == FIND_STREAM && w->way->few[i];
    if (drives(w, i) && column)
        (void)snprintf(part, sizeof part, " AND \"%s\" = ?%zu", field->name, value);
    else if (drives(w, i))
        return;
    else if (column && list)
        (void)snprintf(
            part, sizeof part,
            " AND +%s IN (SELECT n FROM \"%s\" INDEXED BY \"%s_%s\" WHERE \"%s\" = ?%zu)", row,
            table, table, field->name, field->name, value);
    else if (column)
        (void)snprintf(part, sizeof part,
                       " AND EXISTS (SELECT 1 FROM \"%s\" AS e INDEXED BY \"%s_%s\""
                       " WHERE e.\"%s\" = ?%zu AND e.n = %s)",
                       table, table, field->name, field->name, value, row);
    else if (list)
        (void)snprintf(part, sizeof part,
                       " AND +%s IN (SELECT n FROM element WHERE field = ?%zu AND value = ?%zu)",
                       row, value - 1, value);
    else
        (void)snprintf(part, sizeof part,
                       " AND EXISTS (SELECT 1 FROM element AS e WHERE e.field = ?%zu"
                       " AND e.value = ?%zu AND e.n = %s)",
                       value - 1, value, row);
    add(w, part);
}

#define LAPSED "(SELECT value FROM json_each(?124))"

static void add_only(struct writing *w)
{
    const unsigned only = w->f->only;
    const bool lapsed = w->f->lapsed.len != 0;
    if ((only & (NODE_ONLY_OPEN | NODE_ONLY_OVERDUE | NODE_ONLY_BLOCKED | NODE_ONLY_HELD |
                 NODE_ONLY_FREE)) != 0)
        add(w, " AND " STORE_WHERE_OPEN);
    if ((only & NODE_ONLY_READY) != 0)
        add(w, " AND " STORE_WHERE_READY " AND (\"defer\" IS NULL OR \"defer\" < ?120)");
    if ((only & (NODE_ONLY_READY | NODE_ONLY_FREE)) != 0)
        add(w, lapsed ? " AND (held = 0 OR n IN " LAPSED ")" : " AND held = 0");
    if ((only & NODE_ONLY_HELD) != 0)
        add(w,
            lapsed ? " AND " STORE_WHERE_HELD " AND n NOT IN " LAPSED : " AND " STORE_WHERE_HELD);
    if ((only & NODE_ONLY_OVERDUE) != 0)
        add(w, " AND \"deadline\" < ?120");
    if ((only & NODE_ONLY_BLOCKED) != 0)
        add(w, " AND (\"status\" = 'blocked' OR blockers > 0)");
    static_assert(FIND_PARAM_NOW == 120 && FIND_PARAM_LAPSED == 124, "as it is written above");
}

static const char *order_of(const struct writing *w)
{
    if (w->f->order != NULL)
        return w->f->order;
    if (w->way->from == FIND_LIST)
        return "place";
    if (w->way->from == FIND_STREAM)
        return "drive DESC";
    if (w->way->from == FIND_OPEN)
        return NULL; /* it has the order already */
    if ((w->f->only & NODE_ONLY_READY) != 0)
        return STORE_ORDER_READY ", n";
    if ((w->f->only & NODE_ONLY_OVERDUE) != 0)
        return "\"deadline\", n";
    return beside(w) ? "drive" : "n";
}

enum cht_err find_sql(const struct node_find *f, const struct find_way *way, const char *columns,
                      struct cht_buf *sql)
{
    struct writing w = { .f = f, .way = way, .sql = sql };
    add(&w, "SELECT ");
    add(&w, columns);
    add(&w, " FROM ");
    add_from(&w);
    add(&w, beside(&w) ? " WHERE n = drive" : " WHERE 1");
    for (size_t i = 0; i < f->narrow_count; i++)
        add_narrow(&w, i);
    add(&w, f->with_deleted ? "" : " AND deleted = 0");
    add_only(&w);
    if (f->where != NULL) {
        add(&w, " AND (");
        add(&w, f->where);
        add(&w, ")");
    }
    const char *order = f->counts ? NULL : order_of(&w);
    if (order != NULL) {
        add(&w, " ORDER BY ");
        add(&w, order);
    }
    add(&w, " LIMIT ?99 OFFSET ?98");
    return w.err == CHT_OK ? cht_buf_add_u8(sql, '\0') : w.err;
}

/* Bind a parameter that the statement may do without. */
static bool has(sqlite3_stmt *st, int at)
{
    char name[16];
    (void)snprintf(name, sizeof name, "?%d", at);
    return sqlite3_bind_parameter_index(st, name) != 0;
}

enum cht_err find_prepare(struct node_store *s, const struct node_find *f,
                          const struct find_way *way, const char *columns, sqlite3_stmt **out)
{
    struct cht_buf sql;
    char now[CRDT_RFC3339_MAX];
    sqlite3_stmt *st = NULL;
    cht_buf_init(&sql, 4u * LIMIT_CLIENT_BYTES);
    enum cht_err err = find_sql(f, way, columns, &sql);
    if (err == CHT_OK)
        err = store_prepare(s, (const char *)sql.data, &st);
    cht_buf_clear(&sql);
    if (err != CHT_OK)
        return err;
    for (size_t i = 0; i < f->arg_count; i++)
        bind_text(st, (int)i + 1, f->args[i]);
    for (size_t i = 0; i < f->narrow_count; i++) {
        const int at = FIND_PARAM_FIELD + 2 * (int)i;
        if (has(st, at))
            sqlite3_bind_int64(st, at, field_key(f, i));
        if (has(st, at + 1))
            bind_text(st, at + 1, f->narrow[i].value);
    }
    if (has(st, FIND_PARAM_NOW)) {
        crdt_rfc3339_text(f->now_ms < CRDT_RFC3339_MS_MAX ? f->now_ms : CRDT_RFC3339_MS_MAX, now);
        bind_text(st, FIND_PARAM_NOW, cht_bytes_str(now));
    }
    if (has(st, FIND_PARAM_LAPSED))
        bind_text(st, FIND_PARAM_LAPSED, f->lapsed);
    if (has(st, FIND_PARAM_MATCH))
        bind_text(st, FIND_PARAM_MATCH, f->match);
    if (has(st, FIND_PARAM_BELOW))
        sqlite3_bind_int64(st, FIND_PARAM_BELOW, INT64_MAX);
    sqlite3_bind_int64(st, FIND_PARAM_OFFSET, (int64_t)f->offset);
    sqlite3_bind_int64(st, FIND_PARAM_LIMIT, f->limit == 0 ? -1 : (int64_t)f->limit);
    *out = st;
    return CHT_OK;
}
