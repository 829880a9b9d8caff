/* Conflicts, streamed: the entities that have one are found when it is asked, and each is looked at
 * when its turn comes; see own.h (LOCAL 4.6). One resolved meanwhile is not told. */
#include "node/service/own.h"

#include <stdio.h>
#include <stdlib.h>

#define KEY_NAME_BYTES 8u

struct conflict_stream {
    struct node_service *s;
    struct service_caller caller;
    uint32_t replaced; /* the service's, when it began */
    uint64_t left;     /* records that may still be told */
    uint32_t *entities;
    size_t count, cap, next;
    uint32_t cell; /* of the next entity */
    bool titled;   /* with what links are called */
    struct service_titles titles;
};

/* --- one record ----------------------------------------------------------------------------- */

static struct cht_bytes title_of(const struct node_service *s, const struct crdt_state *state)
{
    const struct crdt_type_schema *t = crdt_schema(state->id.type);
    const struct crdt_field *f =
        t == NULL ? NULL : crdt_field_named(state->id.type, cht_bytes_str(t->title_field));
    const struct crdt_cell *cell =
        f == NULL ? NULL : crdt_state_cell(state, f->number, cht_bytes(NULL, 0));
    if (cell == NULL)
        return cht_bytes(NULL, 0);
    return crdt_mp_peek(
               crdt_cell_shown(node_replica_graph(s->replica), state->id.type, cell)->bytes)
        .data;
}

/* What names a conflict for as long as it lasts: the cell. A key may be long: its hash stands for
 * it. */
static enum cht_err put_name(const struct crdt_state *state, const struct crdt_cell *cell,
                             const char *field, struct cht_buf *out)
{
    char id[CRDT_ID_TEXT_MAX], hex[2 * KEY_NAME_BYTES + 1] = "", name[CRDT_ID_TEXT_MAX + 96];
    crdt_id_text(&state->id, id);
    if (cell->key.len != 0) {
        const struct crdt_hash h = crdt_hash_of(cell->key);
        crdt_hex(cht_bytes(h.b, KEY_NAME_BYTES), hex);
    }
    (void)snprintf(name, sizeof name, "%s/%.48s%s%s", id, field, hex[0] == '\0' ? "" : "/", hex);
    return node_mp_put_key_text(out, "conflictId", name);
}

/* As the original documents have it: what is shown wins for now, all values stay, a person is to
 * choose (C-14). */
static enum cht_err put_resolution(const struct crdt_field *f, struct cht_buf *out)
{
    const bool rank = f != NULL && f->kind == CRDT_REGISTER && f->policy == CRDT_RANK;
    enum cht_err err = node_mp_put_key_text(out, "conflictType", "concurrent_update");
    if (err == CHT_OK)
        err = node_mp_put_text(out, "resolution");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 3);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "strategy", "mvr");
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "shown", rank ? "rank" : "lww");
    return err == CHT_OK ? node_mp_put_key_bool(out, "pending", true) : err;
}

static enum cht_err put_conflict(struct conflict_stream *l, const struct crdt_state *state,
                                 const struct crdt_cell *cell, const char *kind,
                                 struct cht_buf *out)
{
    struct node_service *s = l->s;
    const struct crdt_field *f = crdt_field(state->id.type, cell->field);
    const char *type = crdt_type_table(state->id.type);
    char number[16];
    (void)snprintf(number, sizeof number, "%u", cell->field);
    enum cht_err err = crdt_mp_put_map(out, 9u + (cell->key.len != 0) + l->titled);
    if (err == CHT_OK)
        err = service_put_id("chittyId", &state->id, out);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "type", type == NULL ? "other" : type);
    if (err == CHT_OK)
        err = node_mp_put_key_str(out, "title", title_of(s, state));
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "field", f == NULL ? number : f->name);
    if (err == CHT_OK && cell->key.len != 0)
        err = node_mp_put_text(out, "key");
    if (err == CHT_OK && cell->key.len != 0)
        err = node_value_show(f, cell->key, out);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "kind", kind);
    if (err == CHT_OK)
        err = put_name(state, cell, f == NULL ? number : f->name, out);
    if (err == CHT_OK)
        err = put_resolution(f, out);
    if (err == CHT_OK && l->titled)
        err = service_put_cell_titles(s, state->id.type, cell, 1, &l->titles, out);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "values");
    return err == CHT_OK ? service_put_values(s, state, cell, out) : err;
}

/* --- the stream ----------------------------------------------------------------------------- */

/* The next conflict of the entity whose turn it is, appended to `out`; CHT_E_NOTFOUND: none left.
 */
static enum cht_err next_of(struct conflict_stream *l, struct cht_buf *out)
{
    const struct crdt_state *state;
    bool contested;
    enum cht_err err = node_replica_state(l->s->replica, l->entities[l->next], &state);
    if (err == CHT_OK)
        err = crdt_state_contested(state, node_replica_graph(l->s->replica), &contested);
    if (err != CHT_OK)
        return err;
    for (; l->cell < state->count; l->cell++) {
        const struct crdt_cell *cell = &state->cells[l->cell];
        bool deleted = cell->field == CRDT_FIELD_DELETED && contested;
        if (deleted || crdt_cell_conflict(state->id.type, cell))
            return put_conflict(l, state, cell, deleted ? "deleted" : "values", out);
    }
    return CHT_E_NOTFOUND;
}

/* As many records as a message takes. */
static enum cht_err fill(struct conflict_stream *l, struct cht_buf *records, uint32_t *count)
{
    struct cht_buf one;
    enum cht_err err = CHT_OK;
    cht_buf_init(&one, LIMIT_CLIENT_BYTES);
    while (err == CHT_OK && l->next < l->count && l->left != 0 &&
           records->len < SERVICE_STREAM_BYTES) {
        cht_arena_reset(&l->s->arena);
        cht_buf_reset(&one);
        err = next_of(l, &one);
        if (err == CHT_E_NOTFOUND) {
            l->next++;
            l->cell = 0;
            err = CHT_OK;
            continue;
        }
        if (*count != 0 && records->len + one.len > LIMIT_CLIENT_BYTES / 2)
            break; /* a large one: in a message of its own */
        if (err == CHT_OK)
            err = cht_buf_add(records, cht_buf_view(&one));
        ++*count;
        l->cell++;
        l->left--;
    }
    cht_buf_clear(&one);
    return err;
}

static enum cht_err next_message(void *state, struct cht_buf *out, bool *out_end)
{
    struct conflict_stream *l = state;
    struct cht_buf records;
    uint32_t count = 0;
    size_t at = 0;
    cht_buf_init(&records, LIMIT_CLIENT_BYTES);
    enum cht_err err = l->replaced == l->s->replaced ? fill(l, &records, &count) : CHT_E_BUSY;
    bool more = err == CHT_OK && l->next < l->count && l->left != 0;
    if (err == CHT_OK)
        err = service_records_begin(l->s, &l->caller, more, out, &at);
    if (err == CHT_OK)
        err = cht_buf_add(out, cht_buf_view(&records));
    if (err == CHT_OK)
        service_records_end(out, at, count);
    cht_buf_clear(&records);
    *out_end = !more;
    return err;
}

static void end_stream(void *state)
{
    struct conflict_stream *l = state;
    free(l->entities);
    free(l);
}

/* --- which entities ------------------------------------------------------------------------- */

static enum cht_err note(struct conflict_stream *l, uint32_t n)
{
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 16 : l->cap * 2;
        uint32_t *grown = realloc(l->entities, cap * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        l->entities = grown;
        l->cap = cap;
    }
    l->entities[l->count++] = n;
    return CHT_OK;
}

/* The tables say it in a column of their own. */
static enum cht_err note_type(struct conflict_stream *l, unsigned type)
{
    struct node_cursor *cursor;
    struct node_find find = { .type = type, .where = "conflicts > 0", .with_deleted = true };
    enum cht_err err = node_find_open(node_replica_store(l->s->replica), &find, "n", &cursor);
    if (err != CHT_OK)
        return err;
    while (err == CHT_OK && (err = node_find_next(cursor)) == CHT_OK)
        err = note(l, (uint32_t)node_find_int(cursor, 0));
    node_find_close(cursor);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

static enum cht_err note_all(struct conflict_stream *l, const struct node_query *q,
                             struct node_fault *fault)
{
    size_t types;
    uint32_t n;
    if (q->id.len != 0) {
        enum cht_err err = service_find(l->s, q->id, q->type, fault, &n);
        return err == CHT_OK ? note(l, n) : err;
    }
    (void)crdt_schema_at(0, &types);
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < types; i++) {
        unsigned type = crdt_schema_at(i, NULL)->type;
        if (q->type == 0 || q->type == type)
            err = note_type(l, type);
    }
    return err;
}

void service_conflicts(struct node_service *s, const struct service_caller *c,
                       const struct node_query *q)
{
    struct node_fault fault = { 0 };
    struct conflict_stream *l = calloc(1, sizeof *l);
    enum cht_err err = CHT_E_NOMEM;
    if (l != NULL) {
        *l = (struct conflict_stream){
            .s = s, .caller = *c, .replaced = s->replaced, .left = q->limit, .titled = q->titles
        };
        err = note_all(l, q, &fault);
    }
    if (err != CHT_OK) {
        fault.error.code = err;
        service_answer_fault(s, c, &fault);
        if (l != NULL)
            end_stream(l);
        return;
    }
    struct local_stream stream = { .state = l, .next = next_message, .end = end_stream };
    (void)!c->out->stream(c->out->ctx, c->client, &stream);
}
