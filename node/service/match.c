/* Does an entity meet the conditions of a read? Looked at in memory; see match.h. What each
 * condition means is said in LOCAL 4.10 to 4.12; the same in SQL is question.c. */
#include "node/service/match.h"

#include "crdt/limits.h"
#include "crdt/rfc3339.h"
#include "node/store/words.h"

#include <stdio.h>

/* --- values -------------------------------------------------------------------------------- */

enum cht_err match_column_text(const struct crdt_field *f, struct cht_bytes value,
                               struct cht_arena *arena, struct cht_bytes *out)
{
    const struct crdt_mp v = crdt_mp_peek(value);
    char text[CRDT_ID_TEXT_MAX] = "";
    struct crdt_id id;
    if (v.kind == CRDT_MP_STR) {
        *out = v.data;
        return CHT_OK;
    }
    if (v.kind == CRDT_MP_BIN && v.data.len == 1 + CRDT_ID_BYTES) {
        id.type = v.data.data[0];
        memcpy(id.b, v.data.data + 1, CRDT_ID_BYTES);
        crdt_id_text(&id, text);
    } else if (f->value == CRDT_V_TIME && v.kind == CRDT_MP_UINT && v.u <= CRDT_RFC3339_MS_MAX) {
        crdt_rfc3339_text(v.u, text);
    } else if (v.kind == CRDT_MP_UINT || v.kind == CRDT_MP_BOOL) {
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)v.u);
    } else if (v.kind == CRDT_MP_INT) {
        (void)snprintf(text, sizeof text, "%lld", (long long)v.i);
    } else {
        (void)snprintf(text, sizeof text, "%.17g", v.f);
    }
    return cht_arena_copy(arena, cht_bytes_str(text), out);
}

static double number_of(const struct crdt_mp *v)
{
    return v->kind == CRDT_MP_FLOAT ? v->f : v->kind == CRDT_MP_INT ? (double)v->i : (double)v->u;
}

static int compare_ints(const struct crdt_mp *a, const struct crdt_mp *b)
{
    if ((a->kind == CRDT_MP_INT) != (b->kind == CRDT_MP_INT))
        return a->kind == CRDT_MP_INT ? -1 : 1;
    if (a->kind == CRDT_MP_INT)
        return a->i < b->i ? -1 : a->i > b->i;
    return a->u < b->u ? -1 : a->u > b->u;
}

/* Times beyond the year 9999 are numbers in their column, and sort there as such texts. */
static int compare_times(uint64_t a, uint64_t b)
{
    char of_a[40], of_b[40];
    if (a <= CRDT_RFC3339_MS_MAX && b <= CRDT_RFC3339_MS_MAX)
        return a < b ? -1 : a > b;
    const uint64_t times[] = { a, b };
    char *texts[] = { of_a, of_b };
    for (unsigned i = 0; i < 2; i++) {
        if (times[i] <= CRDT_RFC3339_MS_MAX)
            crdt_rfc3339_text(times[i], texts[i]);
        else
            (void)snprintf(texts[i], sizeof of_a, "%llu", (unsigned long long)times[i]);
    }
    return strcmp(of_a, of_b);
}

static int compare(const struct crdt_field *f, struct cht_bytes have, struct cht_bytes want)
{
    const struct crdt_mp a = crdt_mp_peek(have), b = crdt_mp_peek(want);
    switch (f->value) {
    case CRDT_V_TIME:
        return compare_times(a.u, b.u);
    case CRDT_V_BOOL:
    case CRDT_V_INT:
        return compare_ints(&a, &b);
    case CRDT_V_FLOAT:
    case CRDT_V_SHARE:
        return number_of(&a) < number_of(&b) ? -1 : number_of(&a) > number_of(&b);
    case CRDT_V_STR:
    case CRDT_V_TEXT:
    case CRDT_V_ENUM:
    case CRDT_V_WORD:
    case CRDT_V_ID:
    case CRDT_V_ANY:
        break;
    }
    return cht_bytes_cmp(a.data, b.data);
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* Is `want` somewhere in `have`, or with `start` at its beginning? Case of A to Z aside, as
 * SQLite's lower() has it. */
static bool holds_text(struct cht_bytes have, struct cht_bytes want, bool start)
{
    for (size_t at = 0; want.len <= have.len && at <= have.len - want.len; at++) {
        size_t i = 0;
        while (i < want.len && lower(have.data[at + i]) == lower(want.data[i]))
            i++;
        if (i == want.len)
            return true;
        if (start)
            return false;
    }
    return false;
}

/* --- conditions ---------------------------------------------------------------------------- */

/* What a register shows; empty when it is unset. `room` holds what is made up for `deleted` and
 * `modified`, which are no cells of their own. */
static struct cht_bytes shown(const struct match_world *w, const struct crdt_state *state,
                              const struct crdt_field *f, uint8_t room[static 16])
{
    struct cht_buf made;
    if (f->number == CRDT_FIELD_DELETED || f == &node_field_modified) {
        cht_buf_init(&made, 16);
        const uint64_t modified_ms = crdt_hlc_ms(crdt_state_modified(state));
        enum cht_err err = CHT_OK;
        if (f->number == CRDT_FIELD_DELETED)
            err = crdt_mp_put_bool(&made, crdt_state_hidden(state, w->graph));
        else if (modified_ms <= CRDT_RFC3339_MS_MAX) /* the column has no other */
            err = crdt_mp_put_uint(&made, modified_ms);
        const size_t len = err == CHT_OK ? made.len : 0;
        if (len != 0)
            memcpy(room, made.data, len);
        cht_buf_clear(&made);
        return cht_bytes(room, len);
    }
    const struct crdt_cell *c = crdt_state_cell(state, f->number, cht_bytes(NULL, 0));
    return c == NULL ? cht_bytes(NULL, 0) : crdt_cell_shown(w->graph, state->id.type, c)->bytes;
}

static bool has_any(const struct crdt_state *state, const struct crdt_field *f)
{
    for (uint32_t i = 0; i < state->count && state->cells[i].field <= f->number; i++) {
        if (state->cells[i].field == f->number)
            return true;
    }
    return false;
}

/* Is the field one of the wanted values, or has it one of them as an element or key? */
static bool is_one(const struct match_world *w, const struct crdt_state *state,
                   const struct match_cond *c)
{
    const struct crdt_field *f = c->field;
    const bool keyed = f->kind == CRDT_SET || f->kind == CRDT_MAP;
    uint8_t room[16];
    const struct cht_bytes have = keyed ? cht_bytes(NULL, 0) : shown(w, state, f, room);
    for (unsigned i = 0; i < c->count; i++) {
        const struct cht_bytes want = c->wanted[i];
        if (want.len == 0) {
            if (keyed ? !has_any(state, f) : have.len == 0)
                return true;
            continue;
        }
        if (keyed ? crdt_state_cell(state, f->number, want) != NULL
                  : have.len != 0 && compare(f, have, want) == 0)
            return true;
    }
    return false;
}

static bool holds(const struct match_world *w, const struct crdt_state *state,
                  const struct match_cond *c)
{
    const struct crdt_field *f = c->field;
    const bool keyed = f->kind == CRDT_SET || f->kind == CRDT_MAP;
    uint8_t room[16];
    if (c->op == NODE_COND_IS || c->op == NODE_COND_HAS)
        return is_one(w, state, c);
    if (c->op == NODE_COND_NOT || c->op == NODE_COND_HASNT)
        return !is_one(w, state, c);
    const struct cht_bytes have = keyed ? cht_bytes(NULL, 0) : shown(w, state, f, room);
    const bool set = keyed ? has_any(state, f) : have.len != 0;
    if (c->op == NODE_COND_ANY || c->op == NODE_COND_NONE)
        return set == (c->op == NODE_COND_ANY);
    if (!set || c->count == 0)
        return false;
    if (c->op == NODE_COND_CONTAINS || c->op == NODE_COND_STARTS)
        return holds_text(crdt_mp_peek(have).data, c->wanted[0], c->op == NODE_COND_STARTS);
    const int order = compare(f, have, c->wanted[0]);
    return c->op == NODE_COND_BEFORE  ? order < 0
           : c->op == NODE_COND_AFTER ? order > 0
           : c->op == NODE_COND_FROM  ? order >= 0
                                      : order <= 0;
}

/* --- is ------------------------------------------------------------------------------------ */

static struct cht_bytes shown_named(const struct match_world *w, const struct crdt_state *state,
                                    const char *name)
{
    uint8_t room[16];
    const struct crdt_field *f = crdt_field_named(state->id.type, cht_bytes_str(name));
    return f == NULL ? cht_bytes(NULL, 0) : shown(w, state, f, room);
}

static bool waits(const struct match_world *w, const struct crdt_state *state)
{
    const struct crdt_field *f = crdt_field_named(CRDT_TODO, cht_bytes_str("dependencies"));
    for (uint32_t i = 0; i < state->count; i++) {
        const struct crdt_mp v = crdt_mp_peek(state->cells[i].key);
        if (state->cells[i].field != f->number || v.kind != CRDT_MP_BIN ||
            v.data.len != 1 + CRDT_ID_BYTES)
            continue;
        struct crdt_id id = { .type = v.data.data[0] };
        memcpy(id.b, v.data.data + 1, CRDT_ID_BYTES);
        if (id.type == CRDT_TODO && w->is_open(w->ctx, &id))
            return true;
    }
    return false;
}

static bool passed(const struct match_world *w, const struct crdt_state *state, const char *name)
{
    const struct cht_bytes at = shown_named(w, state, name);
    return at.len != 0 && compare_times(crdt_mp_peek(at).u, w->now_ms) < 0;
}

static bool is_so(const struct match_world *w, const struct crdt_state *state,
                  enum node_is_word word)
{
    const struct cht_bytes status = crdt_mp_peek(shown_named(w, state, "status")).data;
    const bool open = !node_status_finished(status);
    bool contested = false;
    switch (word) {
    case NODE_IS_OPEN:
        return open;
    case NODE_IS_READY:
        return (status.len == 0 || cht_bytes_eq(status, cht_bytes_str("pending")) ||
                (cht_bytes_eq(status, cht_bytes_str("in_progress")) &&
                 node_rows_held(w->graph, state))) &&
               (shown_named(w, state, "defer").len == 0 || passed(w, state, "defer")) &&
               !waits(w, state) && !w->is_held(w->ctx, state);
    case NODE_IS_BLOCKED:
        return open && (cht_bytes_eq(status, cht_bytes_str("blocked")) || waits(w, state));
    case NODE_IS_OVERDUE:
        return open && passed(w, state, "deadline");
    case NODE_IS_HELD:
        return open && w->is_held(w->ctx, state);
    case NODE_IS_FREE:
        return open && !w->is_held(w->ctx, state);
    case NODE_IS_CONFLICTED:
        for (uint32_t i = 0; i < state->count; i++) {
            if (crdt_cell_conflict(state->id.type, &state->cells[i]))
                return true;
        }
        return crdt_state_contested(state, w->graph, &contested) == CHT_OK && contested;
    case NODE_IS_HIDDEN:
        return crdt_state_hidden(state, w->graph);
    case NODE_IS_ALIAS:
        return crdt_state_hidden(state, w->graph) && shown_named(w, state, "alias_of").len != 0;
    case NODE_IS_COUNT:
        break;
    }
    return false;
}

/* --- text ---------------------------------------------------------------------------------- */

static bool phrase_at(const struct match_phrase *p, const struct cht_bytes *tokens)
{
    for (unsigned i = 0; i < p->count; i++) {
        struct cht_bytes have = tokens[i];
        if (p->prefix && i + 1 == p->count && have.len > p->tokens[i].len)
            have.len = p->tokens[i].len;
        if (!cht_bytes_eq(have, p->tokens[i]))
            return false;
    }
    return true;
}

static bool phrase_in(const struct match_phrase *p, const struct cht_bytes *tokens, unsigned count)
{
    for (unsigned at = 0; p->count <= count && at <= count - p->count; at++) {
        if (phrase_at(p, tokens + at))
            return true;
    }
    return false;
}

/* The texts of an entity as the index has them: its title, and all other searched fields. */
static enum cht_err texts_of(const struct match_world *w, const struct crdt_state *state,
                             struct cht_bytes *out_title, struct cht_buf *body)
{
    const struct crdt_type_schema *t = crdt_schema(state->id.type);
    uint8_t room[16];
    enum cht_err err = CHT_OK;
    for (size_t i = 0; t != NULL && err == CHT_OK && i < t->count; i++) {
        const struct crdt_field *f = &t->fields[i];
        const struct cht_bytes have = f->search ? shown(w, state, f, room) : cht_bytes(NULL, 0);
        if (have.len == 0)
            continue;
        if (strcmp(f->name, t->title_field) == 0) {
            *out_title = crdt_mp_peek(have).data;
            continue;
        }
        err = cht_buf_add(body, crdt_mp_peek(have).data);
        if (err == CHT_OK)
            err = cht_buf_add_u8(body, '\n');
    }
    return err;
}

static bool has_words(const struct match *m, const struct match_world *w,
                      const struct crdt_state *state)
{
    struct cht_bytes title = { 0 }, *of_title = NULL, *of_body = NULL;
    unsigned title_count = 0, body_count = 0;
    struct cht_arena arena;
    struct cht_buf body;
    cht_arena_init(&arena, LIMIT_TURN_BYTES);
    cht_buf_init(&body, LIMIT_TURN_BYTES);
    enum cht_err err = texts_of(w, state, &title, &body);
    if (err == CHT_OK)
        err = node_words_split(w->words, title, &arena, &of_title, &title_count);
    if (err == CHT_OK)
        err = node_words_split(w->words, cht_buf_view(&body), &arena, &of_body, &body_count);
    bool all = err == CHT_OK && !crdt_state_hidden(state, w->graph); /* hidden: not in the index */
    for (unsigned i = 0; all && i < m->phrase_count; i++)
        all = phrase_in(&m->phrases[i], of_title, title_count) ||
              phrase_in(&m->phrases[i], of_body, body_count);
    cht_buf_clear(&body);
    cht_arena_clear(&arena);
    return all;
}

bool match_state(const struct match *m, const struct match_world *w, const struct crdt_state *state)
{
    if (m->type != 0 && m->type != state->id.type)
        return false;
    for (unsigned i = 0; i < m->count; i++) {
        if (!holds(w, state, &m->conds[i]))
            return false;
    }
    for (unsigned i = 0; i < NODE_IS_COUNT; i++) {
        if ((m->is >> i & 1u) != 0 && !is_so(w, state, (enum node_is_word)i))
            return false;
    }
    return m->phrase_count == 0 || has_words(m, w, state);
}
