/* Entities as rows of the typed tables; see store.h (PROTOCOL 10.4). */
#include "node/store/columns.h"
#include "node/store/elements.h"
#include "node/store/sums.h"
#include "node/store/tables.h"

#include "crdt/claim.h"
#include "crdt/mp.h"
#include "crdt/rfc3339.h"

/* --- writing ------------------------------------------------------------------------------- */

struct pack_ctx {
    unsigned type;
};

static bool in_column(void *ctx, const struct crdt_cell *cell, const struct crdt_value *shown)
{
    const struct pack_ctx *p = ctx;
    const struct crdt_field *f = crdt_field(p->type, cell->field);
    return f != NULL && (f->kind == CRDT_REGISTER || f->kind == CRDT_TEXT) &&
           store_column_holds(f, shown->bytes);
}

/* All cells of a set or map as one JSON array or object. */
static enum cht_err bind_keyed(sqlite3_stmt *st, int at, const struct crdt_graph *g,
                               const struct crdt_state *state, const struct crdt_field *f,
                               struct cht_buf *out)
{
    size_t start = out->len;
    bool any = false, map = f->kind == CRDT_MAP;
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0; err == CHT_OK && i < state->count; i++) {
        const struct crdt_cell *c = &state->cells[i];
        if (c->field != f->number)
            continue;
        err = cht_buf_add(out, cht_bytes_str(any ? "," : (map ? "{" : "[")));
        any = true;
        if (err == CHT_OK)
            err = store_json_value(c->key, out);
        if (err == CHT_OK && map)
            err = cht_buf_add_u8(out, ':');
        if (err == CHT_OK && map)
            err = store_json_value(crdt_cell_shown(g, state->id.type, c)->bytes, out);
    }
    if (err == CHT_OK && any)
        err = cht_buf_add(out, cht_bytes_str(map ? "}" : "]"));
    if (err == CHT_OK && any)
        sqlite3_bind_text64(st, at, (const char *)out->data + start, out->len - start,
                            SQLITE_TRANSIENT, SQLITE_UTF8);
    else
        sqlite3_bind_null(st, at);
    out->len = start;
    return err;
}

static enum cht_err bind_fields(struct node_store *s, sqlite3_stmt *st, const struct crdt_graph *g,
                                const struct crdt_state *state, unsigned groups)
{
    const struct crdt_type_schema *t = crdt_schema(state->id.type);
    enum cht_err err = CHT_OK;
    for (size_t i = 0; t != NULL && err == CHT_OK && i < t->count; i++) {
        const struct crdt_field *f = &t->fields[i];
        int at = (int)(STORE_FIELD_PARAM + i);
        if (f->number == CRDT_FIELD_DELETED || (store_column_group(f) & ~groups) != 0)
            continue;
        if (f->kind == CRDT_SET || f->kind == CRDT_MAP) {
            err = bind_keyed(st, at, g, state, f, &s->scratch);
            continue;
        }
        const struct crdt_cell *c = crdt_state_cell(state, f->number, cht_bytes(NULL, 0));
        if (c == NULL)
            sqlite3_bind_null(st, at);
        else
            err = store_column_bind(st, at, f, crdt_cell_shown(g, state->id.type, c)->bytes,
                                    &s->scratch);
    }
    return err;
}

enum cht_err node_row_info(const struct crdt_graph *g, const struct crdt_state *state,
                           struct node_row_info *out)
{
    struct node_row_info info = { .hidden = crdt_state_hidden(state, g) };
    bool contested;
    enum cht_err err = crdt_state_contested(state, g, &contested);
    if (err != CHT_OK)
        return err;
    info.conflicts = contested;
    for (uint32_t i = 0; i < state->count; i++)
        info.conflicts += crdt_cell_conflict(state->id.type, &state->cells[i]);
    *out = info;
    return CHT_OK;
}

bool node_rows_held(const struct crdt_graph *g, const struct crdt_state *state)
{
    const struct crdt_field *f = crdt_field_named(CRDT_TODO, cht_bytes_str("claim"));
    const struct crdt_cell *c =
        state->id.type == CRDT_TODO ? crdt_state_cell(state, f->number, cht_bytes(NULL, 0)) : NULL;
    return c != NULL && crdt_claim_read(crdt_cell_shown(g, CRDT_TODO, c)->bytes).holder.len != 0;
}

/* The words of an entity for the full-text index: the title field, then every other one that is
 * marked for search. */
static enum cht_err write_search(struct node_store *s, const struct crdt_graph *g, uint32_t n,
                                 const struct crdt_state *state, bool hidden)
{
    const struct crdt_type_schema *t = crdt_schema(state->id.type);
    if (t == NULL)
        return CHT_OK;
    struct cht_bytes title = { 0 };
    cht_buf_reset(&s->scratch);
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < t->count; i++) {
        const struct crdt_field *f = &t->fields[i];
        const struct crdt_cell *c =
            f->search ? crdt_state_cell(state, f->number, cht_bytes(NULL, 0)) : NULL;
        if (c == NULL)
            continue;
        struct cht_bytes text = crdt_mp_peek(crdt_cell_shown(g, state->id.type, c)->bytes).data;
        if (strcmp(f->name, t->title_field) == 0) {
            title = text;
            continue;
        }
        err = cht_buf_add(&s->scratch, text);
        if (err == CHT_OK)
            err = cht_buf_add_u8(&s->scratch, '\n');
    }
    sqlite3_stmt *st = NULL;
    if (err == CHT_OK)
        err = store_statement(s, hidden ? SQL_SEARCH_DROP : SQL_SEARCH_PUT, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, n);
    if (!hidden) {
        sqlite3_bind_text64(st, 2, title.len == 0 ? "" : (const char *)title.data, title.len,
                            SQLITE_STATIC, SQLITE_UTF8);
        sqlite3_bind_text64(st, 3, s->scratch.len == 0 ? "" : (const char *)s->scratch.data,
                            s->scratch.len, SQLITE_STATIC, SQLITE_UTF8);
    }
    return store_done(st);
}

unsigned node_rows_flags(const struct crdt_field *f)
{
    unsigned flags = 0;
    unsigned group = store_column_group(f);
    if ((group & STORE_GROUP_STATUS) != 0)
        flags |= NODE_ROW_OPEN;
    if ((group & STORE_GROUP_PROJECT) != 0)
        flags |= NODE_ROW_PROJECT;
    if ((group & STORE_GROUP_ORDER) != 0)
        flags |= NODE_ROW_ORDER;
    if (f->search || f->number == CRDT_FIELD_DELETED)
        flags |= NODE_ROW_SEARCH;
    if (node_rows_element(f))
        flags |= NODE_ROW_ELEMENTS;
    return flags;
}

/* What of a todo is shown in the rows of others, and of them in its own. The row is written. */
static enum cht_err keep_blockers(struct node_store *s, const struct node_rows *rows, uint32_t n,
                                  const struct crdt_state *state, unsigned flags, bool open)
{
    bool was_open = (flags & NODE_ROW_NEW) == 0 &&
                    ((flags & NODE_ROW_OPEN) == 0 ? open : (flags & NODE_ROW_WAS_OPEN) != 0);
    bool recount =
        (flags & NODE_ROW_NEW) == 0 &&
        ((flags & NODE_ROW_ELEMENTS) != 0 || (open != was_open && store_waits_for_itself(state)));
    enum cht_err err = CHT_OK;
    uint32_t blockers;
    if (recount)
        err = store_blockers(s, rows, n, state, open, &blockers);
    if (err == CHT_OK && recount)
        err = store_blockers_set(s, n, blockers);
    return err == CHT_OK && open != was_open ? store_blocks(s, n, &state->id, open) : err;
}

/* All that is made of a row beside it; `old`: the state that the row had, NULL without one. */
static enum cht_err write_beside(struct node_store *s, const struct node_rows *rows, uint32_t n,
                                 const struct crdt_state *old, const struct crdt_state *state,
                                 unsigned flags, bool hidden)
{
    enum cht_err err = CHT_OK;
    if ((flags & (NODE_ROW_NEW | NODE_ROW_ELEMENTS)) != 0)
        err = store_elements_change(s, rows->graph, n, old, state);
    if (err == CHT_OK && state->id.type == CRDT_TODO)
        err = keep_blockers(s, rows, n, state, flags, node_rows_open(rows->graph, state));
    if (err == CHT_OK && (flags & NODE_ROW_SEARCH) != 0)
        err = write_search(s, rows->graph, n, state, hidden);
    return err;
}

static enum cht_err write_row(struct node_store *s, const struct node_rows *rows, uint32_t n,
                              const struct crdt_state *state, unsigned flags,
                              const struct node_row_info *info)
{
    const struct crdt_graph *g = rows->graph;
    struct pack_ctx pack = { .type = state->id.type };
    cht_buf_reset(&s->blob);
    cht_buf_reset(&s->scratch);
    enum cht_err err = crdt_state_pack(state, g, in_column, &pack, &s->blob);
    bool fresh = (flags & NODE_ROW_NEW) != 0;
    unsigned groups = (flags & NODE_ROW_OPEN) != 0 ? STORE_GROUP_STATUS : 0u;
    groups |= (flags & NODE_ROW_PROJECT) != 0 ? STORE_GROUP_PROJECT : 0u;
    groups |= (flags & NODE_ROW_ORDER) != 0 ? STORE_GROUP_ORDER : 0u;
    if (fresh)
        groups = STORE_ROW_UPDATE_ALL - STORE_ROW_UPDATE;
    sqlite3_stmt *st = NULL;
    if (err == CHT_OK)
        err = store_row_statement(
            s, state->id.type,
            fresh ? STORE_ROW_INSERT : (enum store_row_kind)(STORE_ROW_UPDATE + groups), &st);
    if (err == CHT_OK)
        err = bind_fields(s, st, g, state, groups);
    uint32_t blockers = 0;
    if (err == CHT_OK && fresh && state->id.type == CRDT_TODO) {
        err = store_blockers(s, rows, n, state, node_rows_open(g, state), &blockers);
        sqlite3_bind_int64(st, STORE_PARAM_BLOCKERS, blockers);
    }
    if (err != CHT_OK)
        return err;
    if (state->id.type == CRDT_TODO && (fresh || (groups & STORE_GROUP_STATUS) != 0))
        sqlite3_bind_int(st, STORE_PARAM_HELD, node_rows_held(g, state));
    char id[CRDT_ID_TEXT_MAX], modified[CRDT_RFC3339_MAX];
    sqlite3_bind_int64(st, STORE_PARAM_N, n);
    if (fresh) {
        crdt_id_text(&state->id, id);
        sqlite3_bind_text(st, STORE_PARAM_ID, id, -1, SQLITE_STATIC);
    }
    uint64_t ms = crdt_hlc_ms(crdt_state_modified(state));
    if (ms <= CRDT_RFC3339_MS_MAX) {
        crdt_rfc3339_text(ms, modified);
        sqlite3_bind_text(st, STORE_PARAM_MODIFIED, modified, -1, SQLITE_STATIC);
    } else {
        sqlite3_bind_null(st, STORE_PARAM_MODIFIED);
    }
    sqlite3_bind_int(st, STORE_PARAM_DELETED, info->hidden);
    sqlite3_bind_int64(st, STORE_PARAM_CONFLICTS, info->conflicts);
    store_bind(st, STORE_PARAM_CRDT, cht_buf_view(&s->blob));
    return store_done(st);
}

enum cht_err node_rows_write(struct node_store *s, const struct node_rows *rows, uint32_t n,
                             const struct crdt_state *state, unsigned flags)
{
    struct node_row_info info;
    struct crdt_state old;
    bool had = (flags & (NODE_ROW_NEW | NODE_ROW_ELEMENTS)) == NODE_ROW_ELEMENTS;
    crdt_state_init(&old, &state->id);
    enum cht_err err = node_row_info(rows->graph, state, &info);
    if (err == CHT_OK && had)
        err = node_rows_read(s, rows->graph, n, &old);
    if (err == CHT_OK)
        err = write_row(s, rows, n, state, flags, &info);
    if (err == CHT_OK)
        err = write_beside(s, rows, n, had ? &old : NULL, state, flags, info.hidden);
    crdt_state_clear(&old);
    return err;
}

enum cht_err node_rows_drop(struct node_store *s, const struct node_rows *rows, uint32_t n,
                            const struct crdt_id *id)
{
    sqlite3_stmt *st = NULL;
    struct crdt_state old;
    crdt_state_init(&old, id);
    enum cht_err err = node_rows_read(s, rows->graph, n, &old);
    bool had = err == CHT_OK;
    if (err == CHT_E_NOTFOUND)
        err = CHT_OK;
    if (err == CHT_OK)
        err = store_elements_change(s, rows->graph, n, &old, NULL);
    if (err == CHT_OK && had && node_rows_open(rows->graph, &old))
        err = store_blocks(s, n, id, false);
    crdt_state_clear(&old);
    if (err == CHT_OK)
        err = store_row_statement(s, id->type, STORE_ROW_DELETE, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, STORE_PARAM_N, n);
    err = store_done(st);
    if (err == CHT_OK)
        err = store_statement(s, SQL_SEARCH_DROP, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, n);
    return store_done(st);
}

/* --- reading ------------------------------------------------------------------------------- */

struct load_ctx {
    unsigned type;
    sqlite3_stmt *st;
    struct cht_buf *scratch;
};

/* crdt and deleted stand before the other fields; a type without a schema has only those. */
static enum cht_err from_column(void *ctx, uint16_t field, struct cht_bytes *out)
{
    struct load_ctx *l = ctx;
    const struct crdt_field *f = crdt_field(l->type, field);
    const struct crdt_type_schema *t = crdt_schema(l->type);
    int column = 2;
    if (f == NULL)
        return CHT_E_CORRUPT;
    for (size_t i = 0; t != NULL && t->fields[i].number != field; i++)
        column += t->fields[i].number != CRDT_FIELD_DELETED;
    cht_buf_reset(l->scratch);
    enum cht_err err =
        store_column_read(l->st, field == CRDT_FIELD_DELETED ? 1 : column, f, l->scratch);
    if (err == CHT_OK)
        *out = cht_buf_view(l->scratch);
    return err;
}

enum cht_err node_rows_read(struct node_store *s, const struct crdt_graph *g, uint32_t n,
                            struct crdt_state *out)
{
    struct load_ctx load = { .type = out->id.type, .scratch = &s->scratch };
    enum cht_err err = store_row_statement(s, out->id.type, STORE_ROW_LOAD, &load.st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(load.st, 1, n);
    err = store_row(load.st);
    if (err == CHT_OK)
        err = crdt_state_unpack(store_column(load.st, 0), g, from_column, &load, out);
    sqlite3_reset(load.st);
    return err;
}

/* Neither a DELETE nor a DROP works on a full-text table that is damaged inside. So its own tables
 * get the rows of an empty index (FTS5: averages at 1, structure at 10, format version 4), and FTS5
 * itself makes the rest anew. */
static const char clear_search[] =
    "DELETE FROM search_content; DELETE FROM search_data; DELETE FROM search_idx;"
    "DELETE FROM search_docsize; DELETE FROM search_config;"
    "INSERT INTO search_config(k, v) VALUES('version', 4);"
    "INSERT INTO search_data(id, block) VALUES(1, x''), (10, x'00000000000000');"
    "INSERT INTO search(search) VALUES('rebuild')";

enum cht_err store_clear_search(struct node_store *s)
{
    return store_exec(s, clear_search);
}

enum cht_err node_rows_clear(struct node_store *s)
{
    enum cht_err err = store_exec(
        s, "DELETE FROM other; DELETE FROM element; DELETE FROM position; DELETE FROM entity;"
           "DELETE FROM actor; DELETE FROM number; DELETE FROM void;"
           "DELETE FROM meta WHERE key IN ('root', 'positions');"
           "UPDATE log SET entities = NULL, pasts = NULL");
    if (err == CHT_OK)
        err = store_clear_search(s);
    size_t count;
    (void)crdt_schema_at(0, &count);
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        struct cht_buf sql;
        cht_buf_init(&sql, 256);
        err = cht_buf_add(&sql, cht_bytes_str("DELETE FROM \""));
        if (err == CHT_OK)
            err = cht_buf_add(&sql, cht_bytes_str(crdt_type_table(crdt_schema_at(i, NULL)->type)));
        if (err == CHT_OK)
            err = cht_buf_add(&sql, cht_bytes("\"", 2));
        if (err == CHT_OK)
            err = store_exec(s, (const char *)sql.data);
        cht_buf_clear(&sql);
    }
    return err == CHT_OK ? store_sums_mend(s) : err;
}
