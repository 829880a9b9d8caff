/* The rows seen from the other side; see elements.h (PROTOCOL 10.4). */
#include "node/store/elements.h"

#include "node/store/columns.h"

#include "crdt/mp.h"

bool node_rows_element(const struct crdt_field *f)
{
    if (f->kind == CRDT_SET)
        return f->value == CRDT_V_STR || f->value == CRDT_V_WORD || f->value == CRDT_V_ID;
    return f->kind == CRDT_REGISTER && f->value == CRDT_V_ID && !node_rows_indexed(f);
}

static int64_t field_key(unsigned type, unsigned field)
{
    return (int64_t)type << 16 | field;
}

/* --- elements -------------------------------------------------------------------------------- */

/* The msgpack of a cell's element: a set's key, or what a link shows. */
static struct cht_bytes element_of(const struct crdt_graph *g, const struct crdt_state *state,
                                   const struct crdt_field *f, const struct crdt_cell *c)
{
    return f->kind == CRDT_SET ? c->key : crdt_cell_shown(g, state->id.type, c)->bytes;
}

static bool has_element(const struct crdt_graph *g, const struct crdt_state *state,
                        const struct crdt_field *f, struct cht_bytes element)
{
    if (state == NULL)
        return false;
    struct cht_bytes key = f->kind == CRDT_SET ? element : cht_bytes(NULL, 0);
    const struct crdt_cell *c = crdt_state_cell(state, f->number, key);
    return c != NULL && cht_bytes_eq(element_of(g, state, f, c), element);
}

/* Bind the text that stands for an element; false: a link of a type that this build does not know
 * has none. */
static bool bind_value(sqlite3_stmt *st, int at, struct cht_bytes element)
{
    struct crdt_mp v = crdt_mp_peek(element);
    struct crdt_id id;
    if (v.kind == CRDT_MP_STR) {
        sqlite3_bind_text64(st, at, v.data.len == 0 ? "" : (const char *)v.data.data, v.data.len,
                            SQLITE_STATIC, SQLITE_UTF8);
        return true;
    }
    if (!store_value_id(&v, &id))
        return false;
    char text[CRDT_ID_TEXT_MAX];
    crdt_id_text(&id, text);
    sqlite3_bind_text(st, at, text, -1, SQLITE_TRANSIENT);
    return true;
}

/* Run the statement for each element of `of` that `but` has not. */
static enum cht_err each_element(struct node_store *s, const struct crdt_graph *g, uint32_t n,
                                 const struct crdt_state *of, const struct crdt_state *but,
                                 enum store_statement which)
{
    const struct crdt_type_schema *t = of == NULL ? NULL : crdt_schema(of->id.type);
    enum cht_err err = CHT_OK;
    sqlite3_stmt *st = NULL;
    for (uint32_t i = 0, at = 0; t != NULL && err == CHT_OK && i < of->count; i++) {
        const struct crdt_cell *c = &of->cells[i]; /* ascending by field, as the schema is */
        while (at < t->count && t->fields[at].number < c->field)
            at++;
        if (at == t->count)
            break;
        const struct crdt_field *f = &t->fields[at];
        if (f->number != c->field || !node_rows_element(f))
            continue;
        struct cht_bytes element = element_of(g, of, f, c);
        if (has_element(g, but, f, element))
            continue;
        err = store_statement(s, which, &st);
        if (err != CHT_OK || !bind_value(st, 2, element))
            continue;
        sqlite3_bind_int64(st, 1, field_key(t->type, f->number));
        sqlite3_bind_int64(st, 3, n);
        err = store_done(st);
    }
    return err;
}

enum cht_err store_elements_change(struct node_store *s, const struct crdt_graph *g, uint32_t n,
                                   const struct crdt_state *old, const struct crdt_state *now)
{
    enum cht_err err = each_element(s, g, n, old, now, SQL_ELEMENT_DROP);
    return err == CHT_OK ? each_element(s, g, n, now, old, SQL_ELEMENT_ADD) : err;
}

/* --- what blocks a todo ---------------------------------------------------------------------- */

static const struct crdt_field *todo_field(const char *name)
{
    return crdt_field_named(CRDT_TODO, cht_bytes_str(name));
}

bool node_rows_open(const struct crdt_graph *g, const struct crdt_state *state)
{
    if (state->id.type != CRDT_TODO || crdt_state_hidden(state, g))
        return false;
    const struct crdt_cell *c =
        crdt_state_cell(state, todo_field("status")->number, cht_bytes(NULL, 0));
    if (c == NULL)
        return true;
    struct cht_bytes word = crdt_mp_peek(crdt_cell_shown(g, CRDT_TODO, c)->bytes).data;
    return !cht_bytes_eq(word, cht_bytes_str("completed")) &&
           !cht_bytes_eq(word, cht_bytes_str("cancelled"));
}

static enum cht_err row_open(struct node_store *s, uint32_t n, bool *out)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_TODO_OPEN, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, n);
    err = store_row(st);
    sqlite3_reset(st);
    if (err == CHT_OK || err == CHT_E_NOTFOUND)
        *out = err == CHT_OK;
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

enum cht_err store_blockers(struct node_store *s, const struct node_rows *rows, uint32_t n,
                            const struct crdt_state *state, bool open, uint32_t *out)
{
    const struct crdt_field *f = todo_field("dependencies");
    enum cht_err err = CHT_OK;
    uint32_t count = 0;
    for (uint32_t i = 0; err == CHT_OK && i < state->count; i++) {
        if (state->cells[i].field < f->number)
            continue;
        if (state->cells[i].field > f->number)
            break;
        struct crdt_mp v = crdt_mp_peek(state->cells[i].key);
        struct crdt_id id;
        if (!store_value_id(&v, &id) || id.type != CRDT_TODO)
            continue;
        uint32_t other = rows->number(rows->ctx, &id);
        bool counts = other == n && open;
        if (other != n && other != UINT32_MAX)
            err = row_open(s, other, &counts);
        count += counts;
    }
    if (err == CHT_OK)
        *out = count;
    return err;
}

enum cht_err store_blockers_set(struct node_store *s, uint32_t n, uint32_t blockers)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_BLOCKERS_SET, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, n);
    sqlite3_bind_int64(st, 2, blockers);
    return store_done(st);
}

enum cht_err store_blocks(struct node_store *s, uint32_t n, const struct crdt_id *id, bool open)
{
    char text[CRDT_ID_TEXT_MAX];
    sqlite3_stmt *dependents, *add = NULL;
    crdt_id_text(id, text);
    enum cht_err err = store_statement(s, SQL_ELEMENT_OF, &dependents);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(dependents, 1, field_key(CRDT_TODO, todo_field("dependencies")->number));
    sqlite3_bind_text(dependents, 2, text, -1, SQLITE_STATIC);
    while (err == CHT_OK && (err = store_row(dependents)) == CHT_OK) {
        int64_t other = sqlite3_column_int64(dependents, 0);
        if (other == n)
            continue;
        err = store_statement(s, SQL_BLOCKERS_ADD, &add);
        if (err != CHT_OK)
            break;
        sqlite3_bind_int64(add, 1, other);
        sqlite3_bind_int64(add, 2, open ? 1 : -1);
        err = store_done(add);
    }
    sqlite3_reset(dependents);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

bool store_waits_for_itself(const struct crdt_state *state)
{
    uint8_t raw[1 + CRDT_ID_BYTES] = { state->id.type };
    struct cht_buf key;
    cht_buf_init(&key, 64);
    memcpy(raw + 1, state->id.b, CRDT_ID_BYTES);
    bool waits =
        crdt_mp_put_bin(&key, cht_bytes(raw, sizeof raw)) == CHT_OK &&
        crdt_state_cell(state, todo_field("dependencies")->number, cht_buf_view(&key)) != NULL;
    cht_buf_clear(&key);
    return waits;
}
