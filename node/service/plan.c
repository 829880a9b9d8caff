/* Changes planned on top of each other; see plan.h. */
#include "node/service/plan.h"

#include <assert.h>

enum cht_err plan_init(struct plan *p, struct node_service *s, uint32_t cap)
{
    *p = (struct plan){ .s = s, .cap = cap };
    p->items = cht_arena_array(&s->arena, cap, sizeof *p->items);
    p->chain = cht_arena_array(&s->arena, cap, sizeof *p->chain);
    return p->items == NULL || p->chain == NULL ? CHT_E_NOMEM : CHT_OK;
}

static size_t bucket_of(const struct crdt_id *id)
{
    return ((size_t)id->b[0] << 8 | id->b[1]) % PLAN_BUCKETS;
}

/* The last change of an entity, PLAN_NONE when the plan has none. */
static uint32_t last_of(const struct plan *p, const struct crdt_id *id)
{
    for (uint32_t i = p->last[bucket_of(id)]; i != 0; i = p->chain[i - 1]) {
        if (crdt_id_eq(&p->items[i - 1].id, id))
            return i - 1;
    }
    return PLAN_NONE;
}

bool plan_has(const struct plan *p, const struct crdt_id *id)
{
    return last_of(p, id) != PLAN_NONE;
}

enum cht_err plan_begin(struct plan *p, const struct crdt_id *id, struct plan_item *out)
{
    struct node_replica *r = p->s->replica;
    *out = (struct plan_item){ .id = *id, .before = last_of(p, id) };
    uint32_t n = node_index_find(node_replica_index(r), id);
    return n == INDEX_NONE ? CHT_OK : node_replica_state(r, n, &out->state);
}

enum cht_err plan_room(struct plan *p)
{
    if (p->count < p->cap)
        return CHT_OK;
    const uint32_t cap = p->cap == 0 ? 8 : 2 * p->cap;
    struct plan_item *items = cht_arena_array(&p->s->arena, cap, sizeof *items);
    uint32_t *chain = cht_arena_array(&p->s->arena, cap, sizeof *chain);
    if (items == NULL || chain == NULL)
        return CHT_E_NOMEM;
    if (p->count != 0) {
        memcpy(items, p->items, p->count * sizeof *items);
        memcpy(chain, p->chain, p->count * sizeof *chain);
    }
    p->items = items;
    p->chain = chain;
    p->cap = cap;
    return CHT_OK;
}

void plan_take(struct plan *p, const struct plan_item *item)
{
    assert(p->count < p->cap);
    p->items[p->count] = *item;
    if (item->ops.count != 0) {
        uint32_t *head = &p->last[bucket_of(&item->id)];
        p->chain[p->count] = *head;
        *head = p->count + 1;
    }
    p->count++;
}

uint32_t plan_writing(const struct plan *p)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->count; i++)
        count += p->items[i].ops.count != 0;
    return count;
}

/* --- what a cell will hold ------------------------------------------------------------------ */

static const struct crdt_op *last_op(const struct plan *p, const struct plan_item *item,
                                     uint16_t field, struct cht_bytes key)
{
    for (uint32_t i = item->before; i != PLAN_NONE; i = p->items[i].before) {
        const struct plan_ops *ops = &p->items[i].ops;
        for (uint32_t k = ops->count; k-- > 0;) {
            if (ops->list[k].field == field && cht_bytes_eq(ops->list[k].key, key))
                return &ops->list[k];
        }
    }
    return NULL;
}

struct plan_cell plan_cell(const struct plan *p, const struct plan_item *item, uint16_t field,
                           struct cht_bytes key)
{
    const struct crdt_op *op = last_op(p, item, field, key);
    if (op != NULL)
        return (
            struct plan_cell){ .live = op->kind == CRDT_OP_PUT, .sole = true, .bytes = op->value };
    const struct crdt_cell *c =
        item->state == NULL ? NULL : crdt_state_cell(item->state, field, key);
    if (c == NULL)
        return (struct plan_cell){ 0 };
    const struct crdt_graph *g = node_replica_graph(p->s->replica);
    return (struct plan_cell){ .live = true,
                               .sole = c->count == 1,
                               .bytes = crdt_cell_shown(g, item->id.type, c)->bytes };
}

bool plan_exists(const struct plan *p, const struct plan_item *item)
{
    (void)p;
    return item->before != PLAN_NONE || (item->state != NULL && item->state->count != 0);
}

bool plan_hidden(const struct plan *p, const struct plan_item *item)
{
    const struct crdt_op *op = last_op(p, item, CRDT_FIELD_DELETED, cht_bytes(NULL, 0));
    if (op != NULL)
        return op->kind == CRDT_OP_PUT && node_mp_bool(op->value);
    return item->state != NULL && crdt_state_hidden(item->state, node_replica_graph(p->s->replica));
}

enum cht_err plan_each_key(const struct plan *p, const struct plan_item *item, uint16_t field,
                           plan_each_fn *each, void *ctx)
{
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0; item->state != NULL && err == CHT_OK && i < item->state->count; i++) {
        const struct crdt_cell *c = &item->state->cells[i];
        if (c->field == field && last_op(p, item, field, c->key) == NULL)
            err = each(ctx, c->key);
    }
    for (uint32_t i = item->before; err == CHT_OK && i != PLAN_NONE; i = p->items[i].before) {
        const struct plan_ops *ops = &p->items[i].ops;
        for (uint32_t k = 0; err == CHT_OK && k < ops->count; k++) {
            const struct crdt_op *op = &ops->list[k];
            if (op->field == field && op->kind == CRDT_OP_PUT &&
                last_op(p, item, field, op->key) == op)
                err = each(ctx, op->key);
        }
    }
    return err;
}

/* --- ops ------------------------------------------------------------------------------------ */

enum cht_err plan_add(struct plan *p, struct plan_item *item, const struct crdt_op *op)
{
    struct plan_ops *ops = &item->ops;
    if (ops->count == ops->cap) {
        uint32_t cap = ops->cap == 0 ? 8 : ops->cap * 2;
        struct crdt_op *grown = cht_arena_array(&p->s->arena, cap, sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        if (ops->count != 0)
            memcpy(grown, ops->list, ops->count * sizeof *grown);
        ops->list = grown;
        ops->cap = cap;
    }
    ops->list[ops->count++] = *op;
    return CHT_OK;
}

enum cht_err plan_op(struct plan *p, struct plan_item *item, const struct crdt_op *op)
{
    const struct plan_cell c = plan_cell(p, item, op->field, op->key);
    if (op->kind == CRDT_OP_DROP ? !c.live : c.live && c.sole && cht_bytes_eq(c.bytes, op->value))
        return CHT_OK;
    return plan_add(p, item, op);
}

enum cht_err plan_hide(struct plan *p, struct plan_item *item, bool hidden)
{
    static const uint8_t words[] = { 0xc2, 0xc3 };
    const struct crdt_op op = { .kind = CRDT_OP_PUT,
                                .field = CRDT_FIELD_DELETED,
                                .value = cht_bytes(&words[hidden], 1) };
    return plan_hidden(p, item) == hidden ? CHT_OK : plan_add(p, item, &op);
}

/* A set written as a whole: the elements it does not name go. */
struct whole {
    struct plan *p;
    struct plan_item *item;
    const struct node_edit *edits;
    size_t count;
    const struct crdt_field *field;
};

static enum cht_err drop_unnamed(void *ctx, struct cht_bytes key)
{
    const struct whole *w = ctx;
    for (size_t k = 0; k < w->count; k++) {
        if (w->edits[k].kind == NODE_EDIT_PUT && w->edits[k].field == w->field &&
            cht_bytes_eq(w->edits[k].key, key))
            return CHT_OK;
    }
    struct crdt_op op = { .kind = CRDT_OP_DROP, .field = w->field->number };
    enum cht_err err = cht_arena_copy(&w->p->s->arena, key, &op.key); /* the state lets go of it */
    return err == CHT_OK ? plan_add(w->p, w->item, &op) : err;
}

enum cht_err plan_edits(struct plan *p, struct plan_item *item, const struct node_edit *edits,
                        size_t count)
{
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        const struct node_edit *e = &edits[i];
        if (e->kind == NODE_EDIT_WHOLE) {
            struct whole w = { p, item, edits, count, e->field };
            err = plan_each_key(p, item, e->field->number, drop_unnamed, &w);
            continue;
        }
        if (e->field->number == CRDT_FIELD_DELETED && e->kind == NODE_EDIT_PUT) {
            err = plan_hide(p, item, node_mp_bool(e->value));
            continue;
        }
        const struct crdt_op op = { .kind = e->kind == NODE_EDIT_PUT ? CRDT_OP_PUT : CRDT_OP_DROP,
                                    .field = e->field->number,
                                    .key = e->key,
                                    .value = e->value };
        err = plan_op(p, item, &op);
    }
    return err;
}
