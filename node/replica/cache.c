/* Entities in memory, and their way back into the typed tables; see own.h. */
#include "node/replica/own.h"

#include <stdlib.h>

static enum cht_err widen(struct node_replica *r, uint32_t n)
{
    if (n < r->slot_cap)
        return CHT_OK;
    uint32_t cap = r->slot_cap == 0 ? 64 : r->slot_cap * 2;
    while (cap <= n)
        cap *= 2;
    struct replica_slot *grown = realloc(r->slots, cap * sizeof *grown);
    if (grown == NULL)
        return CHT_E_NOMEM;
    memset(grown + r->slot_cap, 0, (cap - r->slot_cap) * sizeof *grown);
    r->slots = grown;
    r->slot_cap = cap;
    return CHT_OK;
}

enum cht_err replica_slot(struct node_replica *r, uint32_t n, struct replica_slot **out)
{
    enum cht_err err = widen(r, n);
    if (err != CHT_OK)
        return err;
    struct replica_slot *slot = &r->slots[n];
    if (slot->state == NULL) {
        struct crdt_state *state = malloc(sizeof *state);
        if (state == NULL)
            return CHT_E_NOMEM;
        crdt_state_init(state, &r->entities.slots[n].id);
        err = node_rows_read(r->store, &r->graph, n, state);
        if (err != CHT_OK && err != CHT_E_NOTFOUND) {
            free(state);
            return err;
        }
        if (err == CHT_OK)
            slot->flags |= SLOT_ROW;
        slot->state = state;
        r->loaded++;
    }
    *out = slot;
    return CHT_OK;
}

static enum cht_err first_touch(struct node_replica *r, uint32_t n)
{
    struct replica_slot *slot = &r->slots[n];
    struct node_touch touch = { .n = n,
                                .was_live = slot->state->count != 0,
                                .was_hidden = crdt_state_hidden(slot->state, &r->graph),
                                .was_open = slot->state->count != 0 &&
                                            node_rows_open(&r->graph, slot->state) };
    slot->touch = (uint32_t)r->touched.count;
    slot->flags |= SLOT_TOUCHED;
    return replica_push(&r->touched, &touch, sizeof touch);
}

/* What of the row a change to this field makes stale. */
static void mark_row(const struct node_replica *r, struct replica_slot *slot,
                     const struct crdt_field *f)
{
    unsigned row = node_rows_flags(f);
    bool first = (row & NODE_ROW_OPEN) != 0 && (slot->row & NODE_ROW_OPEN) == 0;
    if (first && (slot->flags & SLOT_ROW) != 0 && node_rows_open(&r->graph, slot->state))
        row |= NODE_ROW_WAS_OPEN;
    slot->row |= (uint8_t)row;
}

enum cht_err replica_touch(struct node_replica *r, uint32_t n, struct crdt_place by, uint16_t field)
{
    struct replica_slot *slot = &r->slots[n];
    enum cht_err err = CHT_OK;
    if ((slot->flags & SLOT_DIRTY) == 0)
        err = replica_push(&r->dirty, &n, sizeof n);
    if (err == CHT_OK && (slot->flags & SLOT_TOUCHED) == 0)
        err = first_touch(r, n);
    if (err != CHT_OK)
        return err;
    slot->flags |= SLOT_DIRTY | SLOT_OPS;
    struct node_touch *touch = (struct node_touch *)r->touched.items + slot->touch;
    const struct crdt_type_schema *t = crdt_schema(slot->state->id.type);
    const struct crdt_field *f = t == NULL ? NULL : crdt_field(t->type, field);
    touch->last = by;
    unsigned bit = NODE_TOUCH_OTHER;
    if (f != NULL) /* `deleted` is shared by all types and stands first in each */
        bit = field == CRDT_FIELD_DELETED ? 0 : (unsigned)(f - t->fields);
    touch->fields |= UINT64_C(1) << bit;
    if (f == NULL) /* also a type without a schema has `deleted` */
        f = crdt_field(slot->state->id.type, field);
    if (f != NULL)
        mark_row(r, slot, f);
    return CHT_OK;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : (x > y ? 1 : 0);
}

static uint32_t number_of(const void *ctx, const struct crdt_id *id)
{
    const struct node_replica *r = ctx;
    return node_index_find(&r->entities, id);
}

enum cht_err replica_write_rows(struct node_replica *r)
{
    const struct node_rows rows = { .graph = &r->graph, .number = number_of, .ctx = r };
    uint32_t *dirty = r->dirty.items;
    if (r->dirty.count > 1)
        qsort(dirty, r->dirty.count, sizeof *dirty, by_number); /* pages in order */
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < r->dirty.count; i++) {
        struct replica_slot *slot = &r->slots[dirty[i]];
        bool again = (slot->flags & SLOT_AGAIN) != 0;
        if (again)
            err = node_rows_drop(r->store, &rows, dirty[i], &slot->state->id);
        if (err != CHT_OK || (again && (slot->flags & SLOT_OPS) == 0))
            continue; /* all that was ever said of it is void */
        unsigned flags = again || (slot->flags & SLOT_ROW) == 0 ? NODE_ROW_NEW : 0u;
        err = node_rows_write(r->store, &rows, dirty[i], slot->state, flags | slot->row);
    }
    return err;
}

enum cht_err replica_write_back(struct node_replica *r)
{
    enum cht_err err = replica_write_rows(r);
    for (uint32_t c = 0; err == CHT_OK && c < r->graph.chain_count; c++)
        err = node_book_put_position(r->store, c, r->graph.chains[c].applied.seq,
                                     r->graph.chains[c].stored.seq);
    return err;
}

void replica_written(struct node_replica *r)
{
    uint32_t *dirty = r->dirty.items;
    for (size_t i = 0; i < r->dirty.count; i++) {
        struct replica_slot *slot = &r->slots[dirty[i]];
        bool gone = (slot->flags & SLOT_AGAIN) != 0 && (slot->flags & SLOT_OPS) == 0;
        slot->flags &= (uint8_t) ~(SLOT_DIRTY | SLOT_AGAIN | SLOT_ROW);
        slot->row = 0;
        slot->flags |= gone ? 0 : SLOT_ROW;
    }
    r->dirty.count = 0;
    r->lagging = false;
}

static void drop(struct node_replica *r, struct replica_slot *slot)
{
    crdt_state_clear(slot->state);
    free(slot->state);
    slot->state = NULL;
    slot->flags = slot->row = 0;
    r->loaded--;
}

void replica_cache_trim(struct node_replica *r)
{
    if (r->loaded <= REPLICA_CACHE_MAX)
        return;
    for (uint32_t n = 0; n < r->slot_cap; n++) {
        if (r->slots[n].state != NULL && (r->slots[n].flags & (SLOT_DIRTY | SLOT_TOUCHED)) == 0)
            drop(r, &r->slots[n]);
    }
}

void replica_cache_drop(struct node_replica *r)
{
    for (uint32_t n = 0; n < r->slot_cap; n++) {
        if (r->slots[n].state != NULL && (r->slots[n].flags & SLOT_DIRTY) == 0)
            drop(r, &r->slots[n]);
    }
}

void replica_cache_clear(struct node_replica *r)
{
    for (uint32_t n = 0; n < r->slot_cap; n++) {
        if (r->slots[n].state != NULL)
            drop(r, &r->slots[n]);
    }
    free(r->slots);
    r->slots = NULL;
    r->slot_cap = 0;
    r->dirty.count = r->touched.count = 0;
}

enum cht_err node_replica_state(struct node_replica *r, uint32_t n, const struct crdt_state **out)
{
    if (n >= r->entities.count)
        return CHT_E_NOTFOUND;
    struct replica_slot *slot;
    enum cht_err err = replica_slot(r, n, &slot);
    if (err == CHT_OK)
        *out = slot->state;
    return err;
}
