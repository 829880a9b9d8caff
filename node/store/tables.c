/* The tables of a file, those of the types made from the schema (PROTOCOL 10.1, 10.4). */
#include "node/store/tables.h"
#include "node/store/sql.h"

#include <stdio.h>

/* Links, enums and times are text that reads well; booleans and numbers are numbers. */
static const char *column_type(const struct crdt_field *f)
{
    if (f->kind == CRDT_SET || f->kind == CRDT_MAP)
        return "TEXT";
    if (f->value == CRDT_V_BOOL || f->value == CRDT_V_INT)
        return "INTEGER";
    return f->value == CRDT_V_FLOAT || f->value == CRDT_V_SHARE ? "REAL" : "TEXT";
}

bool node_rows_indexed(const struct crdt_field *f)
{
    return strcmp(f->name, "status") == 0 || strcmp(f->name, "project") == 0;
}

unsigned store_column_group(const struct crdt_field *f)
{
    static const struct {
        const char *name;
        unsigned group;
    } groups[] = { { "status", STORE_GROUP_STATUS },  { "deleted", STORE_GROUP_STATUS },
                   { "claim", STORE_GROUP_STATUS },   { "project", STORE_GROUP_PROJECT },
                   { "priority", STORE_GROUP_ORDER }, { "deadline", STORE_GROUP_ORDER },
                   { "defer", STORE_GROUP_ORDER },    { "created", STORE_GROUP_ORDER } };
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (strcmp(f->name, groups[i].name) == 0)
            return groups[i].group;
    }
    return 0;
}

static enum cht_err add(struct cht_buf *sql, const char *text)
{
    return cht_buf_add(sql, cht_bytes_str(text));
}

static enum cht_err add3(struct cht_buf *sql, const char *a, const char *b, const char *c)
{
    enum cht_err err = add(sql, a);
    if (err == CHT_OK)
        err = add(sql, b);
    return err == CHT_OK ? add(sql, c) : err;
}

/* Open todos as they are due; those that can be begun, what matters most first, with what else is
 * asked of them. Each index costs every writer: open todos as they came are read from the index of
 * the status, one run for each that is open. */
static const char todo_indexes[] =
    "CREATE INDEX todo_due ON todo(\"deadline\") WHERE \"deadline\" IS NOT NULL AND deleted = 0"
    " AND " STORE_WHERE_OPEN ";"
    "CREATE INDEX todo_ready ON todo(" STORE_ORDER_READY ", n, \"defer\", held) WHERE"
    " deleted = 0 AND " STORE_WHERE_READY ";"
    "CREATE INDEX todo_held ON todo(n) WHERE " STORE_WHERE_HELD ";";

static enum cht_err type_table_sql(const struct crdt_type_schema *t, struct cht_buf *sql)
{
    const char *table = crdt_type_table(t->type);
    enum cht_err err = add3(sql, "CREATE TABLE \"", table, "\"(id TEXT NOT NULL");
    for (size_t i = 0; err == CHT_OK && i < t->count; i++) {
        const struct crdt_field *f = &t->fields[i];
        if (f->number == CRDT_FIELD_DELETED)
            continue;
        err = add3(sql, ", \"", f->name, "\" ");
        if (err == CHT_OK)
            err = add(sql, column_type(f));
    }
    if (err == CHT_OK)
        err = add3(sql, ", modified TEXT, deleted INTEGER NOT NULL, conflicts INTEGER NOT NULL,",
                   t->type == CRDT_TODO ? " blockers INTEGER NOT NULL, held INTEGER NOT NULL," : "",
                   " n INTEGER PRIMARY KEY, crdt BLOB NOT NULL);");
    for (size_t i = 0; err == CHT_OK && i < t->count; i++) {
        const char *name = t->fields[i].name;
        if (!node_rows_indexed(&t->fields[i]))
            continue;
        err = add3(sql, "CREATE INDEX \"", table, "_");
        if (err == CHT_OK)
            err = add3(sql, name, "\" ON \"", table);
        if (err == CHT_OK)
            err = add3(sql, "\"(\"", name, "\");");
    }
    if (err == CHT_OK && t->type == CRDT_TODO)
        err = add(sql, todo_indexes);
    /* few have any, and a node asks for all that do */
    if (err == CHT_OK)
        err = add3(sql, "CREATE INDEX \"", table, "_attached\" ON \"");
    if (err == CHT_OK)
        err = add3(sql, table, "\"(n) WHERE attachments", " IS NOT NULL;");
    return err;
}

static const char fixed_tables[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB NOT NULL, sum BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE log(id INTEGER PRIMARY KEY, count INTEGER NOT NULL, codec INTEGER NOT NULL,"
    " payload BLOB NOT NULL, head BLOB NOT NULL, tip BLOB NOT NULL, stamp INTEGER NOT NULL,"
    " entities BLOB, pasts BLOB);"
    "CREATE TABLE author(n INTEGER PRIMARY KEY, id BLOB NOT NULL);"
    "CREATE TABLE chain(n INTEGER PRIMARY KEY, device INTEGER NOT NULL, parent INTEGER,"
    " branch_seq INTEGER NOT NULL);"
    "CREATE TABLE epoch(chain INTEGER, seq INTEGER, epoch BLOB NOT NULL,"
    " PRIMARY KEY(chain, seq)) WITHOUT ROWID;"
    "CREATE TABLE entity(place INTEGER PRIMARY KEY, n INTEGER NOT NULL, type INTEGER NOT NULL,"
    " id BLOB NOT NULL);"
    "CREATE INDEX entity_n ON entity(n);"
    "CREATE TABLE actor(place INTEGER PRIMARY KEY, n INTEGER NOT NULL, id BLOB NOT NULL);"
    "CREATE TABLE number(chain INTEGER, k INTEGER, device INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " PRIMARY KEY(chain, k)) WITHOUT ROWID;"
    "CREATE TABLE void(place INTEGER, op INTEGER, why TEXT NOT NULL, PRIMARY KEY(place, op))"
    " WITHOUT ROWID;"
    "CREATE TABLE position(chain INTEGER PRIMARY KEY, seq INTEGER NOT NULL,"
    " stored INTEGER NOT NULL);"
    "CREATE TABLE record(n INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
    "CREATE TABLE other(id TEXT NOT NULL, modified TEXT, deleted INTEGER NOT NULL,"
    " conflicts INTEGER NOT NULL, n INTEGER PRIMARY KEY, crdt BLOB NOT NULL);"
    "CREATE TABLE idempotency(key BLOB PRIMARY KEY, at_ms INTEGER NOT NULL, answer BLOB NOT NULL,"
    " sum BLOB NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE peer(device BLOB NOT NULL, address TEXT NOT NULL, seen_ms INTEGER NOT NULL, sum "
    "BLOB NOT NULL,"
    " PRIMARY KEY(device, address)) WITHOUT ROWID;"
    "CREATE TABLE ticket(id BLOB PRIMARY KEY, secret BLOB NOT NULL, expiry_ms INTEGER NOT NULL,"
    " joiner BLOB, sum BLOB NOT NULL) WITHOUT ROWID;";

/* Field first: what hangs on a todo is asked for with each one that opens or closes, and those rows
 * lie together. */
static const char other_views[] =
    "CREATE TABLE element(field INTEGER NOT NULL, value TEXT NOT NULL, n INTEGER NOT NULL,"
    " PRIMARY KEY(field, value, n)) WITHOUT ROWID;"
    "CREATE VIRTUAL TABLE search USING fts5(title, body, tokenize = \"" STORE_TOKENIZER "\","
    " prefix = '3');";

/* The tables that are made from the schema, as SQL with a final NUL. */
static enum cht_err typed_tables_sql(struct cht_buf *sql)
{
    size_t count;
    (void)crdt_schema_at(0, &count);
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        err = type_table_sql(crdt_schema_at(i, NULL), sql);
    if (err == CHT_OK)
        err = add(sql, other_views);
    return err == CHT_OK ? cht_buf_add_u8(sql, '\0') : err;
}

static enum cht_err put_format(struct node_store *s)
{
    static const uint8_t format = NODE_STORE_FORMAT;
    return node_store_put_meta(s, "format", cht_bytes(&format, 1));
}

enum cht_err store_create_tables(struct node_store *s)
{
    struct cht_buf sql;
    cht_buf_init(&sql, 1u << 20);
    enum cht_err err = typed_tables_sql(&sql);
    if (err == CHT_OK)
        err = node_store_begin(s);
    if (err == CHT_OK)
        err = store_exec(s, fixed_tables);
    if (err == CHT_OK)
        err = store_exec(s, (const char *)sql.data);
    if (err == CHT_OK)
        err = put_format(s);
    if (err == CHT_OK)
        err = node_store_commit(s);
    cht_buf_clear(&sql);
    return err;
}

/* Is each of these statements in the file as it stands? SQLite keeps the text of what made a table
 * or an index. */
static enum cht_err made_so(struct node_store *s, const char *sql, bool *out)
{
    sqlite3_stmt *st;
    bool all = true;
    enum cht_err err = store_prepare(s, "SELECT 1 FROM sqlite_schema WHERE sql = ?1", &st);
    for (const char *end; err == CHT_OK && all && *sql != '\0'; sql = end + 1) {
        end = sql + strcspn(sql, ";");
        sqlite3_bind_text64(st, 1, sql, (size_t)(end - sql), SQLITE_STATIC, SQLITE_UTF8);
        err = store_row(st);
        all = err == CHT_OK;
        err = err == CHT_E_NOTFOUND ? CHT_OK : err;
        sqlite3_reset(st);
    }
    sqlite3_finalize(st);
    if (err == CHT_OK)
        *out = all;
    return err;
}

/* Drop what an earlier version made of its schema: whatever table bears the name of a type. In
 * format 1 `device` was the table of those who wrote the log. */
static enum cht_err drop_typed(struct node_store *s)
{
    sqlite3_stmt *st;
    enum cht_err err = store_prepare(s, "SELECT 1 FROM sqlite_schema WHERE name = 'author'", &st);
    if (err == CHT_OK)
        err = store_row(st);
    sqlite3_finalize(st);
    if (err == CHT_E_NOTFOUND)
        err = store_exec(s, "ALTER TABLE device RENAME TO author");
    if (err == CHT_OK)
        err = store_clear_search(s);
#define X(sym, num, name, table, domain) "DROP TABLE IF EXISTS \"" table "\";"
    return err == CHT_OK ? store_exec(s, CRDT_TYPES(X) "DROP TABLE IF EXISTS element;"
                                                       "DROP TABLE IF EXISTS search")
                         : err;
#undef X
}

enum cht_err store_renew_tables(struct node_store *s)
{
    struct cht_buf sql;
    bool same = false;
    cht_buf_init(&sql, 1u << 20);
    enum cht_err err = typed_tables_sql(&sql);
    if (err == CHT_OK)
        err = made_so(s, (const char *)sql.data, &same);
    if (err != CHT_OK || same) {
        cht_buf_clear(&sql);
        return err;
    }
    err = node_store_begin(s);
    if (err == CHT_OK)
        err = drop_typed(s);
    if (err == CHT_OK)
        err = store_exec(s, (const char *)sql.data);
    if (err == CHT_OK)
        err = put_format(s);
    if (err == CHT_OK)
        err = node_rows_clear(s);
    if (err == CHT_OK)
        err = node_store_commit(s);
    if (err != CHT_OK)
        node_store_rollback(s);
    cht_buf_clear(&sql);
    return err;
}

/* Text of the statements on one type's table, by the places of STORE_ROW_*. */
enum cht_err store_row_statement(struct node_store *s, unsigned type, enum store_row_kind kind,
                                 sqlite3_stmt **out)
{
    const struct crdt_type_schema *t = crdt_schema(type);
    unsigned slot = t == NULL ? 0 : type;
    if (s->rows[slot][kind] != NULL) {
        sqlite3_reset(s->rows[slot][kind]);
        *out = s->rows[slot][kind];
        return CHT_OK;
    }
    struct cht_buf sql;
    cht_buf_init(&sql, 1u << 16);
    enum cht_err err = store_row_sql(t, type, kind, &sql);
    if (err == CHT_OK)
        err = cht_buf_add_u8(&sql, '\0');
    if (err == CHT_OK)
        err = store_prepare(s, (const char *)sql.data, &s->rows[slot][kind]);
    if (err == CHT_OK)
        *out = s->rows[slot][kind];
    cht_buf_clear(&sql);
    return err;
}

/* Parameters: ?1 n, ?2 id, ?3 modified, ?4 deleted, ?5 conflicts, ?6 crdt, ?7 blockers, ?8 held,
 * ?(10 + i) field i. */
static enum cht_err assignments(const struct crdt_type_schema *t, unsigned groups,
                                struct cht_buf *sql)
{
    enum cht_err err = add(sql, "modified = ?3, conflicts = ?5, crdt = ?6");
    if (err == CHT_OK && (groups & STORE_GROUP_STATUS) != 0)
        err = add(sql, ", deleted = ?4");
    if (err == CHT_OK && (groups & STORE_GROUP_STATUS) != 0 && t != NULL && t->type == CRDT_TODO)
        err = add(sql, ", held = ?8");
    for (size_t i = 0; t != NULL && err == CHT_OK && i < t->count; i++) {
        const struct crdt_field *f = &t->fields[i];
        if (f->number == CRDT_FIELD_DELETED || (store_column_group(f) & ~groups) != 0)
            continue;
        char part[96];
        (void)snprintf(part, sizeof part, ", \"%s\" = ?%zu", f->name, STORE_FIELD_PARAM + i);
        err = add(sql, part);
    }
    return err;
}

static enum cht_err columns(const struct crdt_type_schema *t, bool params, struct cht_buf *sql)
{
    enum cht_err err = CHT_OK;
    for (size_t i = 0; t != NULL && err == CHT_OK && i < t->count; i++) {
        const struct crdt_field *f = &t->fields[i];
        if (f->number == CRDT_FIELD_DELETED)
            continue;
        char part[96];
        if (params)
            (void)snprintf(part, sizeof part, ", ?%zu", STORE_FIELD_PARAM + i);
        else
            (void)snprintf(part, sizeof part, ", \"%s\"", f->name);
        err = add(sql, part);
    }
    return err;
}

enum cht_err store_row_sql(const struct crdt_type_schema *t, unsigned type,
                           enum store_row_kind kind, struct cht_buf *sql)
{
    const char *table = t == NULL ? "other" : crdt_type_table(type);
    enum cht_err err;
    switch (kind) {
    case STORE_ROW_LOAD:
        err = add(sql, "SELECT crdt, deleted");
        if (err == CHT_OK)
            err = columns(t, false, sql);
        return err == CHT_OK ? add3(sql, " FROM \"", table, "\" WHERE n = ?1") : err;
    case STORE_ROW_INSERT:
        /* not OR REPLACE: SQLite would set a savepoint for each row, and FTS5 write out its words
         * at each savepoint */
        err = add3(sql, "INSERT INTO \"", table, "\"(n, id, modified, deleted, conflicts, crdt");
        if (err == CHT_OK && type == CRDT_TODO)
            err = add(sql, ", blockers, held");
        if (err == CHT_OK)
            err = columns(t, false, sql);
        if (err == CHT_OK)
            err = add3(sql, ") VALUES(?1, ?2, ?3, ?4, ?5, ?6", type == CRDT_TODO ? ", ?7, ?8" : "",
                       "");
        if (err == CHT_OK)
            err = columns(t, true, sql);
        return err == CHT_OK ? add(sql, ")") : err;
    case STORE_ROW_DELETE:
        return add3(sql, "DELETE FROM \"", table, "\" WHERE n = ?1");
    case STORE_ROW_UPDATE:
    case STORE_ROW_UPDATE_ALL:
    default:
        err = add3(sql, "UPDATE \"", table, "\" SET ");
        if (err == CHT_OK)
            err = assignments(t, (unsigned)kind - STORE_ROW_UPDATE, sql);
        return err == CHT_OK ? add(sql, " WHERE n = ?1") : err;
    }
}
