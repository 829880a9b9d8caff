/* Sums and rows of the live values under an id prefix: how two replicas whose roots differ find the
 * row that does; see net/view.h (PROTOCOL 5.9). Walks all entities: it is asked for only after an
 * alarm. */
#include "node/replica/own.h"

#include <stdlib.h>

static unsigned nibble_of(const struct crdt_id *id, unsigned at)
{
    uint8_t byte = at < 2 ? id->type : id->b[at / 2 - 1];
    return at % 2 == 0 ? byte >> 4 : byte & 15u;
}

static bool under(const struct crdt_id *id, const uint8_t *prefix, unsigned nibbles)
{
    for (unsigned i = 0; i < nibbles; i++) {
        unsigned want = i % 2 == 0 ? prefix[i / 2] >> 4 : prefix[i / 2] & 15u;
        if (nibble_of(id, i) != want)
            return false;
    }
    return true;
}

enum cht_err replica_digest(void *ctx, const uint8_t *prefix, unsigned nibbles,
                            struct net_digest out[static NET_DIGEST_CHILDREN])
{
    struct node_replica *r = ctx;
    struct crdt_root sums[NET_DIGEST_CHILDREN] = { 0 };
    uint64_t counts[NET_DIGEST_CHILDREN] = { 0 };
    for (uint32_t n = 0; n < r->entities.count; n++) {
        const struct crdt_id *id = &r->entities.slots[n].id;
        if (!under(id, prefix, nibbles))
            continue;
        const struct crdt_state *state;
        enum cht_err err = node_replica_state(r, n, &state);
        if (err != CHT_OK)
            return err;
        unsigned child = nibble_of(id, nibbles);
        crdt_state_sum(state, &r->graph, &sums[child]);
        for (uint32_t i = 0; i < state->count; i++)
            counts[child] += state->cells[i].count;
    }
    for (unsigned i = 0; i < NET_DIGEST_CHILDREN; i++) {
        crdt_root_bytes(&sums[i], out[i].sum);
        out[i].count = counts[i];
    }
    return CHT_OK;
}

static int cmp_row(const void *pa, const void *pb)
{
    const struct net_row *a = pa, *b = pb;
    int order = a->entity.type != b->entity.type ? (a->entity.type < b->entity.type ? -1 : 1)
                                                 : memcmp(a->entity.b, b->entity.b, CRDT_ID_BYTES);
    if (order == 0)
        order = a->field != b->field ? (a->field < b->field ? -1 : 1) : 0;
    if (order == 0)
        order = cht_bytes_cmp(a->key, b->key);
    if (order == 0)
        order = memcmp(a->device, b->device, CRDT_ID_BYTES);
    if (order == 0)
        order = memcmp(a->epoch, b->epoch, CRDT_EPOCH_BYTES);
    if (order == 0)
        order = a->seq != b->seq ? (a->seq < b->seq ? -1 : 1) : 0;
    return order != 0 ? order : (a->index < b->index ? -1 : a->index > b->index);
}

static enum cht_err add_rows(struct node_replica *r, const struct crdt_state *state,
                             struct cht_arena *arena, struct replica_list *rows)
{
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0; err == CHT_OK && i < state->count; i++) {
        const struct crdt_cell *c = &state->cells[i];
        for (uint32_t k = 0; err == CHT_OK && k < c->count; k++) {
            struct crdt_term term = crdt_value_term(state, &r->graph, c, &c->values[k]);
            struct net_row row = { .entity = state->id,
                                   .field = c->field,
                                   .seq = term.seq,
                                   .index = term.index,
                                   .term = crdt_term_hash(&term) };
            memcpy(row.device, term.device, CRDT_ID_BYTES);
            memcpy(row.epoch, term.epoch, CRDT_EPOCH_BYTES);
            err = cht_arena_copy(arena, c->key, &row.key);
            if (err == CHT_OK)
                err = replica_push(rows, &row, sizeof row);
        }
    }
    return err;
}

enum cht_err replica_digest_rows(void *ctx, const uint8_t *prefix, unsigned nibbles, size_t max,
                                 struct cht_arena *arena, const struct net_row **out_rows,
                                 size_t *out_count)
{
    struct node_replica *r = ctx;
    struct replica_list rows = { 0 };
    enum cht_err err = CHT_OK;
    for (uint32_t n = 0; err == CHT_OK && n < r->entities.count; n++) {
        const struct crdt_state *state;
        if (!under(&r->entities.slots[n].id, prefix, nibbles))
            continue;
        err = node_replica_state(r, n, &state);
        if (err == CHT_OK)
            err = add_rows(r, state, arena, &rows);
    }
    if (err == CHT_OK && rows.count != 0) {
        qsort(rows.items, rows.count, sizeof(struct net_row), cmp_row);
        size_t count = rows.count < max ? rows.count : max;
        struct cht_bytes copy;
        err = cht_arena_copy(arena, cht_bytes(rows.items, count * sizeof(struct net_row)), &copy);
        if (err == CHT_OK) {
            *out_rows = (const struct net_row *)(const void *)copy.data;
            *out_count = count;
        }
    } else if (err == CHT_OK) {
        *out_rows = NULL;
        *out_count = 0;
    }
    free(rows.items);
    return err;
}
