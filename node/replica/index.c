/* Open-addressing maps; see index.h. */
#include "node/replica/index.h"

#include <stdlib.h>

#define INDEX_FIRST 64u

void node_index_clear(struct node_index *x)
{
    free(x->slots);
    free(x->by_id);
    free(x->by_place);
    *x = (struct node_index){ 0 };
}

/* Ids are random or hashes already; only deliberate collisions cluster, and those are bounded by
 * what a device may write. */
static uint64_t hash_id(const struct crdt_id *id)
{
    return (cht_get_u64(id->b) ^ cht_get_u64(id->b + 8) ^ id->type) * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t place_key(struct crdt_place p)
{
    return (uint64_t)p.chain << 32 | p.seq;
}

uint32_t node_index_find(const struct node_index *x, const struct crdt_id *id)
{
    if (x->count == 0)
        return INDEX_NONE;
    for (uint32_t at = (uint32_t)(hash_id(id) >> 32) & x->id_mask; x->by_id[at] != 0;
         at = (at + 1) & x->id_mask) {
        if (crdt_id_eq(&x->slots[x->by_id[at] - 1].id, id))
            return x->by_id[at] - 1;
    }
    return INDEX_NONE;
}

uint32_t node_index_at(const struct node_index *x, struct crdt_place place)
{
    if (x->place_count == 0)
        return INDEX_NONE;
    uint64_t key = place_key(place);
    uint32_t at = (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & x->place_mask;
    for (; x->by_place[at].key != 0; at = (at + 1) & x->place_mask) {
        if (x->by_place[at].key == key)
            return x->by_place[at].number;
    }
    return INDEX_NONE;
}

static void put_id(uint32_t *table, uint32_t mask, const struct index_slot *slots, uint32_t n)
{
    uint32_t at = (uint32_t)(hash_id(&slots[n].id) >> 32) & mask;
    while (table[at] != 0)
        at = (at + 1) & mask;
    table[at] = n + 1;
}

static enum cht_err grow_ids(struct node_index *x)
{
    uint32_t cap = x->cap == 0 ? INDEX_FIRST : x->cap * 2;
    struct index_slot *slots = realloc(x->slots, cap * sizeof *slots);
    if (slots == NULL)
        return CHT_E_NOMEM;
    x->slots = slots;
    uint32_t *table = calloc((size_t)cap * 2, sizeof *table);
    if (table == NULL)
        return CHT_E_NOMEM;
    for (uint32_t i = 0; i < x->count; i++)
        put_id(table, cap * 2 - 1, slots, i);
    free(x->by_id);
    x->by_id = table;
    x->id_mask = cap * 2 - 1;
    x->cap = cap;
    return CHT_OK;
}

enum cht_err node_index_reserve(struct node_index *x, const struct crdt_id *id, uint32_t *out)
{
    enum cht_err err = x->count == x->cap ? grow_ids(x) : CHT_OK;
    if (err != CHT_OK)
        return err;
    uint32_t n = x->count;
    x->slots[n] = (struct index_slot){ .id = *id };
    put_id(x->by_id, x->id_mask, x->slots, n);
    x->count++;
    *out = n;
    return CHT_OK;
}

enum cht_err node_index_add(struct node_index *x, const struct crdt_id *id, struct crdt_place spelt,
                            uint32_t *out)
{
    enum cht_err err = node_index_reserve(x, id, out);
    if (err != CHT_OK)
        return err;
    x->slots[*out].spelt = spelt;
    return node_index_spelt(x, *out, spelt);
}

static enum cht_err grow_places(struct node_index *x)
{
    uint32_t cap = x->place_count == 0 ? INDEX_FIRST : (x->place_mask + 1) * 2;
    struct index_place *old = x->by_place;
    uint32_t old_cap = x->place_count == 0 ? 0 : x->place_mask + 1;
    struct index_place *table = calloc(cap, sizeof *table);
    if (table == NULL)
        return CHT_E_NOMEM;
    for (uint32_t i = 0; i < old_cap; i++) {
        if (old[i].key == 0)
            continue;
        uint32_t at = (uint32_t)((old[i].key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (cap - 1);
        while (table[at].key != 0)
            at = (at + 1) & (cap - 1);
        table[at] = old[i];
    }
    free(old);
    x->by_place = table;
    x->place_mask = cap - 1;
    return CHT_OK;
}

enum cht_err node_index_spelt(struct node_index *x, uint32_t n, struct crdt_place place)
{
    if (x->place_count == 0 || x->place_count * 2 > x->place_mask) {
        enum cht_err err = grow_places(x);
        if (err != CHT_OK)
            return err;
    }
    uint64_t key = place_key(place);
    uint32_t at = (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & x->place_mask;
    while (x->by_place[at].key != 0 && x->by_place[at].key != key)
        at = (at + 1) & x->place_mask;
    if (x->by_place[at].key == 0)
        x->place_count++;
    x->by_place[at].key = key;
    x->by_place[at].number = n;
    return CHT_OK;
}
