/* Questions about the past: which entity an old entry was about, what changed since a vector; see
 * replica.h. */
#include "node/replica/own.h"

#include <stdlib.h>

/* What a reference of an applied entry names; INDEX_NONE: nothing. */
static enum cht_err number_of(struct node_replica *r, const struct node_index *x,
                              struct crdt_place at, const struct crdt_ref *ref, uint32_t *out)
{
    uint32_t n = INDEX_NONE;
    at = crdt_graph_on_path(&r->graph, at.chain, at.seq);
    if (ref->form == CRDT_REF_SPELT)
        n = node_index_find(x, &ref->id);
    if (ref->form == CRDT_REF_NONE || ref->form == CRDT_REF_SPELT ||
        at.seq > r->graph.chains[at.chain].applied.seq) {
        *out = n;
        return CHT_OK;
    }
    struct crdt_vector past = { 0 };
    struct crdt_place spelt;
    enum cht_err err = replica_past(r, at, &past);
    if (err == CHT_OK && ref->form == CRDT_REF_HASH)
        err = replica_find_spelt(r, x, &past, &ref->name.hash, &n);
    else if (err == CHT_OK)
        err =
            crdt_graph_resolve(&r->graph, at.chain, &past, ref->name.number, ref->name.seq, &spelt);
    if (err == CHT_OK && ref->form == CRDT_REF_NAMED)
        n = node_index_at(x, spelt);
    crdt_vector_clear(&past);
    if (err == CHT_E_NOTFOUND) { /* the entry is void, and about nothing */
        n = INDEX_NONE;
        err = CHT_OK;
    }
    if (err == CHT_OK)
        *out = n;
    return err;
}

bool node_replica_wait(const struct node_replica *r, uint32_t chain, struct node_wait *out)
{
    const struct crdt_graph_chain *c = &r->graph.chains[chain];
    if (c->applied.seq >= c->stored.seq || chain >= r->wait_cap || !r->waits[chain].set)
        return false;
    const uint32_t applied = c->applied.seq > c->branch_seq ? c->applied.seq : c->branch_seq;
    *out = (struct node_wait){ .next = { chain, applied + 1 },
                               .count = c->stored.seq - applied,
                               .for_build = r->waits[chain].for_build,
                               .dep = r->waits[chain].dep };
    return true;
}

enum cht_err node_replica_entity_of(struct node_replica *r, struct crdt_place at,
                                    const struct crdt_entry *e, uint32_t *out)
{
    return number_of(r, &r->entities, at, &e->header.entity, out);
}

enum cht_err node_replica_actor_of(struct node_replica *r, struct crdt_place at,
                                   const struct crdt_entry *e, struct crdt_id *out)
{
    uint32_t n;
    enum cht_err err = number_of(r, &r->actors, at, &e->header.actor, &n);
    if (err == CHT_OK && n == INDEX_NONE)
        err = CHT_E_NOTFOUND;
    if (err == CHT_OK)
        *out = r->actors.slots[n].id;
    return err;
}

enum cht_err node_replica_entries(struct node_replica *r, struct crdt_place at,
                                  struct cht_arena *arena, const struct crdt_entry **out,
                                  uint32_t *out_first, uint32_t *out_count)
{
    struct replica_row row;
    enum cht_err err = replica_row_at(r, at, arena, &row);
    if (err == CHT_OK) {
        *out = row.entries;
        *out_first = row.first.seq;
        *out_count = row.count;
    }
    return err;
}

enum cht_err node_replica_row_touches(struct node_replica *r, struct crdt_place at, uint32_t n,
                                      uint32_t *out_first, bool *out_touches)
{
    struct node_log_row row;
    enum cht_err err = node_log_find(r->store, at, &row);
    if (err != CHT_OK)
        return err;
    struct cht_wire w = cht_wire(row.entities);
    uint32_t entity = 0;
    bool touches = false;
    while (!touches && w.err == CHT_OK && cht_wire_left(&w) != 0) {
        entity += (uint32_t)cht_wire_varint_max(&w, UINT32_MAX);
        touches = w.err == CHT_OK && entity == n;
    }
    *out_first = row.first.seq;
    *out_touches = touches;
    return w.err == CHT_OK ? CHT_OK : CHT_E_CORRUPT;
}

enum cht_err node_replica_written(struct node_replica *r,
                                  const uint8_t device[static CRDT_ID_BYTES],
                                  struct node_replica_written *out)
{
    struct node_replica_written w = { 0 };
    uint32_t n = crdt_graph_find_device(&r->graph, device);
    const struct crdt_graph_device *d = n == CRDT_NO_DEVICE ? NULL : &r->graph.devices[n];
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0; err == CHT_OK && d != NULL && i < d->chain_count; i++) {
        const struct crdt_graph_chain *c = &r->graph.chains[d->chains[i]];
        uint64_t voids = 0;
        err = node_book_count_voids(r->store, d->chains[i], &voids);
        w.waiting += c->stored.seq - c->applied.seq;
        w.voids += voids;
        w.branches += i != 0;
    }
    if (err == CHT_OK)
        *out = w;
    return err;
}

struct since {
    const struct node_replica *r;
    uint8_t *seen; /* by entity number */
    struct replica_list list;
};

static enum cht_err add_entities(struct since *s, struct cht_bytes packed)
{
    struct cht_wire w = cht_wire(packed);
    uint32_t n = 0;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && w.err == CHT_OK && cht_wire_left(&w) != 0) {
        n += (uint32_t)cht_wire_varint_max(&w, UINT32_MAX);
        if (w.err != CHT_OK || n >= s->r->entities.count)
            return CHT_E_CORRUPT;
        if (s->seen[n])
            continue;
        s->seen[n] = 1;
        err = replica_push(&s->list, &n, sizeof n);
    }
    return err;
}

/* The sorted list of entities in each log row is the index: no entry is decoded. A row that is
 * partly older is told whole. */
enum cht_err node_replica_since(struct node_replica *r, const struct crdt_vector *from,
                                uint32_t **out, size_t *out_count)
{
    struct since s = { .r = r, .seen = calloc(r->entities.count + 1, 1) };
    enum cht_err err = s.seen == NULL ? CHT_E_NOMEM : CHT_OK;
    for (uint32_t c = 0; err == CHT_OK && c < r->graph.chain_count; c++) {
        uint32_t next = crdt_vector_get(from, c) + 1;
        if (next <= r->graph.chains[c].branch_seq)
            next = r->graph.chains[c].branch_seq + 1;
        while (err == CHT_OK && next <= r->graph.chains[c].applied.seq) {
            struct node_log_row row;
            err = node_log_find(r->store, (struct crdt_place){ c, next }, &row);
            if (err != CHT_OK)
                break;
            next = row.first.seq + row.count;
            err = add_entities(&s, row.entities);
        }
    }
    free(s.seen);
    if (err != CHT_OK) {
        free(s.list.items);
        return err;
    }
    *out = s.list.items;
    *out_count = s.list.count;
    return CHT_OK;
}
