/* What a merge writes; see merge.h (PROTOCOL 5.10).
 *
 * Nothing of the one that goes is lost: it stays as it is, hidden, and can be brought back. What
 * goes over to the other is what was not written to the hidden one before it was hidden: all of it
 * the first time, later what came from devices that did not know of the merge. */
#include "node/service/merge.h"

#include "crdt/limits.h"

#include <stdlib.h>

static const uint8_t nil_value[] = { 0xc0 }, true_value[] = { 0xc3 };

#define DELETES_MAX 16u /* live deletes of one record */

/* What the live deletes of a record have seen. */
struct seen {
    struct crdt_vector past[DELETES_MAX];
    unsigned count;
};

static enum cht_err seen_read(const struct crdt_graph *g, const struct crdt_state *state,
                              struct seen *out)
{
    const struct crdt_cell *c = crdt_state_cell(state, CRDT_FIELD_DELETED, cht_bytes(NULL, 0));
    enum cht_err err = CHT_OK;
    *out = (struct seen){ 0 };
    for (uint32_t i = 0; c != NULL && err == CHT_OK && i < c->count && out->count < DELETES_MAX;
         i++) {
        if (c->values[i].extra.len == 0)
            continue;
        struct cht_wire w = cht_wire(c->values[i].extra);
        err = crdt_vector_unpack(&w, g->chain_count, &out->past[out->count]);
        out->count += err == CHT_OK;
    }
    return err;
}

static void seen_clear(struct seen *s)
{
    for (unsigned i = 0; i < s->count; i++)
        crdt_vector_clear(&s->past[i]);
    s->count = 0;
}

static bool is_late(const struct seen *s, const struct crdt_value *v)
{
    for (unsigned i = 0; i < s->count; i++) {
        if (crdt_vector_has(&s->past[i], v->at.chain, v->at.seq))
            return false;
    }
    return true;
}

enum cht_err merge_is_late(struct node_service *s, uint32_t n, bool *out)
{
    const struct crdt_state *state;
    enum cht_err err = node_replica_state(s->replica, n, &state);
    return err == CHT_OK ? crdt_state_contested(state, node_replica_graph(s->replica), out) : err;
}

enum cht_err merge_rows_ready(struct node_service *s)
{
    if (node_replica_unsigned(s->replica) == 0 && !node_replica_dirty(s->replica))
        return CHT_OK;
    const enum cht_err err = node_replica_commit(s->replica, true);
    service_committed_midway(s, err);
    return err;
}

/* --- what the survivor gets ------------------------------------------------------------------ */

struct merging {
    struct plan *p;
    struct plan_item *into; /* the survivor's */
    const struct crdt_state *alias;
    struct crdt_id alias_id;
    struct seen seen;
    bool again; /* it was merged before: only what is late goes over */
};

/* Of one record alone, whatever it is merged with. What a session holds is not handed over. */
static bool stays(const struct crdt_field *f)
{
    static const char *const names[] = { "session", "origin",  "created", "recurs_from",
                                         "claim",   "arbiter", "stale" };
    if (f->number == CRDT_FIELD_DELETED || f->number == CRDT_FIELD_ALIAS_OF)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(f->name, names[i]) == 0)
            return true;
    }
    return false;
}

static bool further(const struct crdt_field *f, struct cht_bytes a, struct cht_bytes b)
{
    return crdt_word_rank(f, node_mp_str(a)) > crdt_word_rank(f, node_mp_str(b));
}

static enum cht_err put(struct merging *m, uint16_t field, struct cht_bytes key,
                        struct cht_bytes value)
{
    struct crdt_op op = { .kind = CRDT_OP_PUT, .field = field };
    enum cht_err err = cht_arena_copy(&m->p->s->arena, key, &op.key);
    if (err == CHT_OK)
        err = cht_arena_copy(&m->p->s->arena, value, &op.value);
    return err == CHT_OK ? plan_op(m->p, m->into, &op) : err;
}

/* When the survivor's shown value was written; 0: it has none. */
static crdt_hlc_stamp written(const struct merging *m, uint16_t field, struct cht_bytes key)
{
    const struct crdt_cell *c =
        m->into->state == NULL ? NULL : crdt_state_cell(m->into->state, field, key);
    return c == NULL
               ? 0
               : crdt_cell_shown(node_replica_graph(m->p->s->replica), m->into->id.type, c)->hlc;
}

/* Does the survivor take this over? Of ranked words the furthest, of others what it lacks; of what
 * came after the merge also what is newer. */
static bool wanted(const struct merging *m, const struct crdt_field *f,
                   const struct crdt_cell *cell, const struct crdt_value *shown)
{
    const struct plan_cell have = plan_cell(m->p, m->into, cell->field, cell->key);
    if (!is_late(&m->seen, shown))
        return false;
    if (!have.live)
        return true;
    if (f->kind == CRDT_REGISTER && f->policy == CRDT_RANK)
        return further(f, shown->bytes, have.bytes);
    return m->again && f->kind != CRDT_SET && f->policy != CRDT_FIRST &&
           shown->hlc > written(m, cell->field, cell->key);
}

/* What a set of links to its own type names, as it is called now; false: it would name itself. */
static bool link_now(struct merging *m, struct cht_bytes key, struct cht_buf *out)
{
    const struct cht_bytes raw = crdt_mp_peek(key).data;
    struct crdt_id id = { 0 };
    if (raw.len != 1 + CRDT_ID_BYTES)
        return cht_buf_add(out, key) == CHT_OK;
    id.type = raw.data[0];
    memcpy(id.b, raw.data + 1, CRDT_ID_BYTES);
    id = service_survivor_id(m->p->s, &id);
    return !crdt_id_eq(&id, &m->into->id) && !crdt_id_eq(&id, &m->alias_id) &&
           service_put_link(&id, out) == CHT_OK;
}

static enum cht_err take_cell(struct merging *m, const struct crdt_field *f,
                              const struct crdt_cell *cell)
{
    const struct crdt_value *shown =
        crdt_cell_shown(node_replica_graph(m->p->s->replica), m->into->id.type, cell);
    const bool own_kind = f->value == CRDT_V_ID && f->id_type == m->into->id.type;
    enum cht_err err = CHT_OK;
    struct cht_buf link;
    if (!wanted(m, f, cell, shown))
        return CHT_OK;
    if (!own_kind)
        return put(m, cell->field, cell->key,
                   f->kind == CRDT_SET ? cht_bytes(nil_value, 1) : shown->bytes);
    cht_buf_init(&link, 64);
    if (link_now(m, f->kind == CRDT_SET ? cell->key : shown->bytes, &link))
        err = f->kind == CRDT_SET
                  ? put(m, cell->field, cht_buf_view(&link), cht_bytes(nil_value, 1))
                  : put(m, cell->field, cht_bytes(NULL, 0), cht_buf_view(&link));
    cht_buf_clear(&link);
    return err;
}

static enum cht_err take_over(struct merging *m)
{
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0; err == CHT_OK && i < m->alias->count; i++) {
        const struct crdt_cell *cell = &m->alias->cells[i];
        const struct crdt_field *f = crdt_field(m->alias->id.type, cell->field);
        if (f != NULL && !stays(f))
            err = take_cell(m, f, cell);
    }
    return err;
}

/* --- what hangs on the one that goes --------------------------------------------------------- */

/* Links that say when another record's turn comes: what names the alias here names the survivor.
 * All others stay as they are, for who asks for the one is told of the other's too. */
static const char *const moved[] = { "dependencies", "parent" };

static const struct crdt_field *moved_field(unsigned type, size_t i)
{
    const struct crdt_field *f = crdt_field_named(type, cht_bytes_str(moved[i]));
    return f != NULL && f->value == CRDT_V_ID && f->id_type == type ? f : NULL;
}

/* The records that name it in a field, by number. */
static enum cht_err who_names(struct node_service *s, const struct crdt_field *f,
                              const struct crdt_id *id, struct cht_buf *numbers)
{
    char text[CRDT_ID_TEXT_MAX];
    struct node_cursor *cursor;
    crdt_id_text(id, text);
    const struct node_narrow narrow = { .field = f, .value = cht_bytes_str(text) };
    const struct node_find find = { .type = id->type, .narrow = &narrow, .narrow_count = 1 };
    enum cht_err err = node_find_open(node_replica_store(s->replica), &find, "n", &cursor);
    return err == CHT_OK ? node_find_numbers(cursor, numbers) : err;
}

/* In `item` the survivor stands in the place of the alias; in the survivor's own nothing does. */
static enum cht_err move_link(struct merging *m, const struct crdt_field *f, struct plan_item *item)
{
    const bool own = crdt_id_eq(&item->id, &m->into->id), set = f->kind == CRDT_SET;
    struct crdt_op op = { .kind = CRDT_OP_DROP, .field = f->number };
    struct cht_bytes now = { 0 }, before = { 0 };
    struct cht_buf link;
    cht_buf_init(&link, 64);
    enum cht_err err = service_put_link(&m->into->id, &link);
    if (err == CHT_OK)
        err = cht_arena_copy(&m->p->s->arena, cht_buf_view(&link), &now);
    cht_buf_reset(&link);
    if (err == CHT_OK)
        err = service_put_link(&m->alias_id, &link);
    if (err == CHT_OK)
        err = cht_arena_copy(&m->p->s->arena, cht_buf_view(&link), &before);
    cht_buf_clear(&link);
    op.key = set ? before : cht_bytes(NULL, 0);
    if (err == CHT_OK && set && !plan_cell(m->p, item, f->number, before).live)
        return CHT_OK; /* the rows are behind: it was moved already */
    if (err == CHT_OK && (set || own))
        err = plan_op(m->p, item, &op);
    if (err != CHT_OK || own)
        return err;
    op.kind = CRDT_OP_PUT;
    op.key = set ? now : cht_bytes(NULL, 0);
    op.value = set ? cht_bytes(nil_value, 1) : now;
    return plan_op(m->p, item, &op);
}

static enum cht_err move_links(struct merging *m, const struct crdt_field *f,
                               struct cht_bytes numbers)
{
    const struct node_index *x = node_replica_index(m->p->s->replica);
    struct cht_wire w = cht_wire(numbers);
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && cht_wire_left(&w) != 0) {
        const struct crdt_id *id = &x->slots[cht_wire_u32(&w)].id;
        struct plan_item item;
        if (crdt_id_eq(id, &m->into->id)) {
            err = move_link(m, f, m->into);
            continue;
        }
        err = plan_begin(m->p, id, &item);
        if (err == CHT_OK)
            err = move_link(m, f, &item);
        if (err == CHT_OK && item.ops.count != 0)
            plan_take(m->p, &item);
    }
    return err;
}

/* --- the plan -------------------------------------------------------------------------------- */

static enum cht_err hide(struct merging *m, struct plan_item *item)
{
    const struct crdt_op gone = { .kind = CRDT_OP_PUT,
                                  .field = CRDT_FIELD_DELETED,
                                  .value = cht_bytes(true_value, 1) };
    struct crdt_op link = { .kind = CRDT_OP_PUT, .field = CRDT_FIELD_ALIAS_OF };
    struct cht_buf id;
    cht_buf_init(&id, 64);
    enum cht_err err = service_put_link(&m->into->id, &id);
    if (err == CHT_OK)
        err = cht_arena_copy(&m->p->s->arena, cht_buf_view(&id), &link.value);
    cht_buf_clear(&id);
    if (err == CHT_OK && !m->again)
        err = plan_add(m->p, item, &link);
    /* hidden already or not: this delete has seen what the ones before had not */
    return err == CHT_OK ? plan_add(m->p, item, &gone) : err;
}

static enum cht_err plan_all(struct merging *m, struct cht_buf numbers[static 2],
                             struct plan_item *alias)
{
    enum cht_err err = take_over(m);
    for (size_t i = 0; err == CHT_OK && i < 2; i++) {
        const struct crdt_field *f = moved_field(m->into->id.type, i);
        if (f != NULL)
            err = move_links(m, f, cht_buf_view(&numbers[i]));
    }
    if (err == CHT_OK)
        err = hide(m, alias);
    if (err != CHT_OK)
        return err;
    plan_take(m->p, alias);
    if (m->into->ops.count != 0)
        plan_take(m->p, m->into);
    for (uint32_t i = 0; err == CHT_OK && i < m->p->count; i++)
        err = plan_claims(m->p, i); /* what is hidden or done is nobody's (PROTOCOL 13.7) */
    return err;
}

enum cht_err merge_plan(struct node_service *s, uint32_t into, uint32_t alias, struct plan *out)
{
    const struct crdt_id *ids[2] = { &node_replica_index(s->replica)->slots[into].id,
                                     &node_replica_index(s->replica)->slots[alias].id };
    struct plan_item items[2];
    struct cht_buf numbers[2];
    enum cht_err err = CHT_OK;
    for (size_t i = 0; i < 2; i++) {
        const struct crdt_field *f = moved_field(ids[0]->type, i);
        cht_buf_init(&numbers[i], SIZE_MAX);
        if (err == CHT_OK && f != NULL)
            err = who_names(s, f, ids[1], &numbers[i]);
    }
    const size_t touched = 2 + numbers[0].len / 4 + numbers[1].len / 4;
    if (err == CHT_OK && touched + 1 > LIMIT_HEAD_ENTRIES)
        err = CHT_E_LIMIT;
    if (err == CHT_OK)
        err = plan_init(out, s, (uint32_t)touched);
    for (size_t i = 0; err == CHT_OK && i < 2; i++)
        err = plan_begin(out, ids[i], &items[i]);
    if (err == CHT_OK) {
        struct merging m = { .p = out,
                             .into = &items[0],
                             .alias = items[1].state,
                             .alias_id = *ids[1],
                             .again = service_survivor(s, alias) == into };
        out->circles = true; /* what was no circle between two may be one of one: `cycles` tells */
        err = seen_read(node_replica_graph(s->replica), items[1].state, &m.seen);
        if (err == CHT_OK)
            err = plan_all(&m, numbers, &items[1]);
        seen_clear(&m.seen);
    }
    cht_buf_clear(&numbers[0]);
    cht_buf_clear(&numbers[1]);
    return err;
}

enum cht_err service_set_apart(struct plan *p, struct plan_item *item)
{
    struct crdt_op op = { .kind = CRDT_OP_PUT, .field = CRDT_FIELD_ALIAS_OF };
    struct cht_buf id;
    cht_buf_init(&id, 64);
    enum cht_err err = service_put_link(&item->id, &id);
    if (err == CHT_OK)
        err = cht_arena_copy(&p->s->arena, cht_buf_view(&id), &op.value);
    cht_buf_clear(&id);
    return err == CHT_OK ? plan_op(p, item, &op) : err;
}
