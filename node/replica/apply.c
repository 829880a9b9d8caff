/* Folding stored entries into the state, once all of their past is there; see own.h
 * (PROTOCOL 2.4, 2.5, 3.5 to 3.7, 5.1). */
#include "node/replica/own.h"

#include <assert.h>
#include <stdlib.h>

static enum cht_err note_void(struct node_replica *r, struct crdt_place place, uint32_t op,
                              enum cht_err why)
{
    struct replica_void v = { .place = place, .op = op, .why = cht_err_code(why) };
    r->void_count++;
    return replica_push(&r->voids, &v, sizeof v);
}

/* Forks are rare, so a name by hash is looked for among all that spelt something. */
enum cht_err replica_find_spelt(struct node_replica *r, const struct node_index *x,
                                const struct crdt_vector *past, const struct crdt_hash *hash,
                                uint32_t *out)
{
    for (uint32_t i = 0; x->place_count != 0 && i <= x->place_mask; i++) {
        struct crdt_place at = { (uint32_t)(x->by_place[i].key >> 32),
                                 (uint32_t)x->by_place[i].key };
        if (at.seq == 0 || !crdt_vector_has(past, at.chain, at.seq))
            continue;
        struct crdt_hash got;
        enum cht_err err = crdt_graph_hash(&r->graph, at, &got);
        if (err != CHT_OK)
            return err;
        if (crdt_hash_eq(&got, hash)) {
            *out = x->by_place[i].number;
            return CHT_OK;
        }
    }
    return CHT_E_NOTFOUND;
}

/* The number of an entity or actor. CHT_E_NOTFOUND: the name does not resolve. */
static enum cht_err resolve(struct node_replica *r, struct node_index *x,
                            struct replica_list *spelt, struct crdt_place place,
                            const struct crdt_ref *ref, const struct crdt_vector *past,
                            uint32_t *out)
{
    if (ref->form == CRDT_REF_HASH)
        return replica_find_spelt(r, x, past, &ref->name.hash, out);
    if (ref->form == CRDT_REF_NAMED) {
        struct crdt_place at;
        enum cht_err err =
            crdt_graph_resolve(&r->graph, place.chain, past, ref->name.number, ref->name.seq, &at);
        uint32_t n = err == CHT_OK ? node_index_at(x, at) : INDEX_NONE;
        if (err == CHT_OK && n == INDEX_NONE)
            err = CHT_E_NOTFOUND;
        if (err == CHT_OK)
            *out = n;
        return err;
    }
    uint32_t n = node_index_find(x, &ref->id);
    if (n != INDEX_NONE && node_index_at(x, place) == n) {
        *out = n; /* seen before: a replay */
        return CHT_OK;
    }
    enum cht_err err =
        n == INDEX_NONE ? node_index_add(x, &ref->id, place, &n) : node_index_spelt(x, n, place);
    struct replica_spelt row = { .n = n, .id = ref->id, .place = place };
    if (err == CHT_OK)
        err = replica_push(spelt, &row, sizeof row);
    if (err == CHT_OK)
        *out = n;
    return err;
}

static enum cht_err add_entity(struct replica_row *row, struct cht_arena *arena, uint32_t n)
{
    if (row->entity_count != 0 && row->entities[row->entity_count - 1] == n)
        return CHT_OK;
    if (row->entities == NULL) { /* a new row: at most one entity an entry */
        row->entities = cht_arena_array(arena, row->count, sizeof *row->entities);
        if (row->entities == NULL)
            return CHT_E_NOMEM;
        row->entity_cap = row->count;
    }
    assert(row->entity_count < row->entity_cap);
    row->entities[row->entity_count++] = n;
    return CHT_OK;
}

/* `ruled`: the entry is void by a ruling; its ops are only checked. */
static enum cht_err fold(struct node_replica *r, const struct crdt_change *change, uint32_t n,
                         const struct crdt_op *ops, uint32_t count, bool ruled)
{
    struct replica_slot *slot;
    struct crdt_root before = r->root;
    enum cht_err err = replica_slot(r, n, &slot);
    for (uint32_t i = 0; err == CHT_OK && i < count; i++) {
        enum cht_err why = crdt_op_check(slot->state->id.type, &ops[i]);
        if (why != CHT_OK) {
            err = note_void(r, change->at, i, why);
            continue;
        }
        if (ruled)
            continue;
        err = replica_touch(r, n, change->at, ops[i].field);
        if (err == CHT_OK)
            err = crdt_state_apply(slot->state, &r->graph, change, &ops[i], (uint16_t)i, &r->root);
    }
    replica_scrub_change(r, n, &before);
    return err;
}

/* Where dep-carrying entries stand, so that the past of any entry can be told later. */
static enum cht_err note_past(struct replica_row *row, const struct crdt_header *h,
                              const struct crdt_vector *past)
{
    if (row->pasts.len != 0 && h->dep_count == 0)
        return CHT_OK;
    enum cht_err err = cht_buf_add_varint(&row->pasts, h->seq - row->first.seq);
    return err == CHT_OK ? crdt_vector_pack(past, &row->pasts) : err;
}

static enum cht_err note_numbers(struct node_replica *r, uint32_t chain, uint32_t before)
{
    const struct crdt_graph_chain *c = &r->graph.chains[chain];
    enum cht_err err = CHT_OK;
    for (uint32_t k = before; err == CHT_OK && k < c->number_count; k++) {
        struct replica_number row = { .chain = chain, .k = k, .number = c->numbers[k] };
        err = replica_push(&r->numbers, &row, sizeof row);
    }
    return err;
}

/* A past that is already noted (a replay after a crash) is not noted twice. */
static bool noted(const struct replica_row *row, uint32_t seq)
{
    struct cht_wire w = cht_wire(cht_buf_view(&row->pasts));
    uint64_t last = 0;
    bool any = false;
    while (w.err == CHT_OK && cht_wire_left(&w) != 0) {
        last = cht_wire_varint(&w);
        any = true;
        uint64_t count = cht_wire_varint(&w);
        for (uint64_t i = 0; i < 2 * count && w.err == CHT_OK; i++)
            (void)cht_wire_varint(&w);
    }
    return any && last >= seq - row->first.seq;
}

static enum cht_err apply_entry(struct node_replica *r, struct replica_row *row,
                                const struct crdt_entry *e, uint64_t now_ms)
{
    const struct crdt_header *h = &e->header;
    struct crdt_place place = { row->first.chain, h->seq };
    struct crdt_op *ops = NULL;
    uint32_t count = 0;
    enum cht_err body = crdt_body_decode(e->body, &r->arena, &ops, &count);
    if (body == CHT_E_NOMEM)
        return body;
    if (body == CHT_E_UNSUPPORTED) { /* PROTOCOL 3.7 */
        r->waits[place.chain] = (struct replica_wait){ .set = true, .for_build = true };
        return CHT_E_WAITING;
    }
    struct crdt_dep missing;
    const struct crdt_vector *past;
    uint32_t numbers = r->graph.chains[place.chain].number_count;
    enum cht_err err = crdt_graph_begin(&r->graph, place.chain, h, &past, &missing);
    if (err == CHT_E_WAITING) {
        r->waits[place.chain] = (struct replica_wait){ .set = true, .dep = missing };
    }
    if (err == CHT_OK)
        err = note_numbers(r, place.chain, numbers);
    bool again = !row->fresh && noted(row, h->seq);
    if (err == CHT_OK && !again)
        err = note_past(row, h, past);
    uint32_t n = 0, actor;
    enum cht_err named = CHT_OK, acted = CHT_OK;
    if (err == CHT_OK && h->actor.form != CRDT_REF_NONE) {
        acted = resolve(r, &r->actors, &r->actors_spelt, place, &h->actor, past, &actor);
        err = acted == CHT_E_NOTFOUND ? CHT_OK : acted;
    }
    if (err == CHT_OK && h->entity.form != CRDT_REF_NONE) {
        named = resolve(r, &r->entities, &r->spelt, place, &h->entity, past, &n);
        err = named == CHT_E_NOTFOUND ? CHT_OK : named;
    }
    bool whole = named == CHT_E_NOTFOUND || acted == CHT_E_NOTFOUND || body != CHT_OK ||
                 (h->entity.form == CRDT_REF_NONE && count != 0);
    if (err == CHT_OK && whole)
        err = note_void(r, place, NODE_VOID_WHOLE, body != CHT_OK ? body : CHT_E_NOTFOUND);
    bool ruled = false;
    if (err == CHT_OK)
        err = replica_judge(r, place, e, &ruled);
    struct crdt_change change = { .at = place, .hlc = h->hlc, .past = past };
    if (err == CHT_OK && h->entity.form != CRDT_REF_NONE && named == CHT_OK) {
        err = add_entity(row, &r->arena, n);
        if (err == CHT_OK && !whole)
            err = fold(r, &change, n, ops, count, ruled);
    }
    struct crdt_graph_tip tip = { .seq = h->seq, .hash = e->hash, .hlc = h->hlc };
    memcpy(tip.epoch, h->epoch, CRDT_EPOCH_BYTES);
    if (err == CHT_OK)
        err = crdt_graph_commit(&r->graph, place.chain, &tip);
    r->lagging |= err == CHT_OK;
    if (err == CHT_OK)
        (void)!crdt_hlc_follow(&r->clock, h->hlc, now_ms); /* PROTOCOL 1.5: applied all the same */
    return err;
}

static enum cht_err widen_waits(struct node_replica *r)
{
    if (r->wait_cap >= r->graph.chain_count)
        return CHT_OK;
    void *grown = realloc(r->waits, r->graph.chain_count * sizeof *r->waits);
    if (grown == NULL)
        return CHT_E_NOMEM;
    r->waits = grown;
    memset(&r->waits[r->wait_cap], 0, (r->graph.chain_count - r->wait_cap) * sizeof *r->waits);
    r->wait_cap = r->graph.chain_count;
    return CHT_OK;
}

enum cht_err replica_apply_row(struct node_replica *r, struct replica_row *row, uint64_t now_ms)
{
    enum cht_err err = widen_waits(r);
    uint32_t next = r->graph.chains[row->first.chain].applied.seq + 1;
    if (err != CHT_OK || next < row->first.seq)
        return err == CHT_OK ? CHT_E_WAITING : err;
    r->waits[row->first.chain].set = false;
    for (uint32_t i = next - row->first.seq; err == CHT_OK && i < row->count; i++) {
        if (r->upto != NULL && !crdt_vector_has(r->upto, row->first.chain, row->first.seq + i))
            return CHT_E_WAITING;
        err = apply_entry(r, row, &row->entries[i], now_ms);
        if (err == CHT_OK)
            row->advanced = true;
    }
    return err;
}

/* Is what the chain waited for still missing? */
static bool still_waits(const struct node_replica *r, uint32_t chain)
{
    static const struct crdt_dep parent = { .seq = 0 };
    if (r->upto != NULL && !crdt_vector_has(r->upto, chain, r->graph.chains[chain].applied.seq + 1))
        return true;
    if (chain >= r->wait_cap || !r->waits[chain].set)
        return false;
    if (r->waits[chain].for_build)
        return true;
    const struct crdt_dep *dep = &r->waits[chain].dep;
    if (memcmp(dep, &parent, sizeof parent) == 0)
        return false;
    uint32_t device = crdt_graph_find_device(&r->graph, dep->device);
    struct crdt_place at;
    if (device == CRDT_NO_DEVICE ||
        crdt_graph_locate(&r->graph, device, dep->seq, cht_bytes(dep->hash, sizeof dep->hash),
                          &at) != CHT_OK)
        return true;
    return r->graph.chains[at.chain].applied.seq < at.seq;
}

/* Advance one chain as far as it goes. */
static enum cht_err apply_chain(struct node_replica *r, uint32_t c, uint64_t now_ms,
                                bool *out_progress)
{
    while (r->graph.chains[c].applied.seq < r->graph.chains[c].stored.seq && !still_waits(r, c) &&
           !replica_full(r)) {
        uint32_t before = r->graph.chains[c].applied.seq;
        struct replica_row *row;
        enum cht_err err = replica_row_open(r, (struct crdt_place){ c, before + 1 }, &row);
        if (err == CHT_OK)
            err = replica_apply_row(r, row, now_ms);
        *out_progress |= r->graph.chains[c].applied.seq != before;
        if (err == CHT_E_WAITING)
            break;
        if (err != CHT_OK)
            return err;
    }
    return CHT_OK;
}

enum cht_err replica_apply_ready(struct node_replica *r, uint64_t now_ms, bool *out_more)
{
    bool progress = true;
    while (progress && !replica_full(r)) {
        progress = false;
        for (uint32_t c = 0; c < r->graph.chain_count; c++) {
            enum cht_err err = apply_chain(r, c, now_ms, &progress);
            if (err != CHT_OK)
                return err;
        }
    }
    *out_more = progress;
    return CHT_OK;
}
