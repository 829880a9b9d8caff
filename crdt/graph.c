/* Devices, chains, and what is stored of them; see graph.h. Pasts and names: graph_past.c. */
#include "crdt/graph.h"

#include <assert.h>
#include <stdlib.h>

void crdt_graph_init(struct crdt_graph *g, struct crdt_graph_source source)
{
    *g = (struct crdt_graph){ .source = source };
}

void crdt_graph_clear(struct crdt_graph *g)
{
    for (uint32_t i = 0; i < g->chain_count; i++) {
        crdt_vector_clear(&g->chains[i].past);
        free(g->chains[i].numbers);
        free(g->chains[i].epochs);
    }
    for (uint32_t i = 0; i < g->device_count; i++)
        free(g->devices[i].chains);
    free(g->chains);
    free(g->devices);
    crdt_vector_clear(&g->applied);
    crdt_graph_init(g, g->source);
}

uint32_t crdt_graph_find_device(const struct crdt_graph *g, const uint8_t id[static CRDT_ID_BYTES])
{
    for (uint32_t i = 0; i < g->device_count; i++) {
        if (memcmp(g->devices[i].id, id, CRDT_ID_BYTES) == 0)
            return i;
    }
    return CRDT_NO_DEVICE;
}

enum cht_err crdt_graph_device(struct crdt_graph *g, const uint8_t id[static CRDT_ID_BYTES],
                               uint32_t *out)
{
    uint32_t found = crdt_graph_find_device(g, id);
    if (found == CRDT_NO_DEVICE) {
        struct crdt_graph_device *grown =
            realloc(g->devices, (g->device_count + 1) * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        g->devices = grown;
        found = g->device_count++;
        grown[found] = (struct crdt_graph_device){ 0 };
        memcpy(grown[found].id, id, CRDT_ID_BYTES);
    }
    *out = found;
    return CHT_OK;
}

enum cht_err crdt_graph_open_chain(struct crdt_graph *g, uint32_t device, uint32_t parent,
                                   uint32_t branch_seq, uint32_t *out)
{
    assert(device < g->device_count && (parent == CRDT_NO_CHAIN || parent < g->chain_count));
    if (g->chain_count >= LIMIT_CHAINS)
        return CHT_E_LIMIT;
    struct crdt_graph_device *d = &g->devices[device];
    uint32_t *list = realloc(d->chains, (d->chain_count + 1) * sizeof *list);
    if (list == NULL)
        return CHT_E_NOMEM;
    d->chains = list;
    struct crdt_graph_chain *grown = realloc(g->chains, (g->chain_count + 1) * sizeof *grown);
    if (grown == NULL)
        return CHT_E_NOMEM;
    g->chains = grown;
    uint32_t chain = g->chain_count++;
    list[d->chain_count++] = chain;
    grown[chain] = (struct crdt_graph_chain){
        .device = device,
        .parent = parent,
        .branch_seq = branch_seq,
        .stored.seq = branch_seq,
        .applied.seq = branch_seq,
    };
    *out = chain;
    return CHT_OK;
}

const uint8_t *crdt_graph_device_id(const struct crdt_graph *g, uint32_t chain)
{
    return g->devices[g->chains[chain].device].id;
}

struct crdt_place crdt_graph_on_path(const struct crdt_graph *g, uint32_t chain, uint32_t seq)
{
    while (g->chains[chain].parent != CRDT_NO_CHAIN && seq <= g->chains[chain].branch_seq)
        chain = g->chains[chain].parent;
    return (struct crdt_place){ chain, seq };
}

const uint8_t *crdt_graph_epoch(const struct crdt_graph *g, struct crdt_place at)
{
    struct crdt_place real = crdt_graph_on_path(g, at.chain, at.seq);
    const struct crdt_graph_chain *c = &g->chains[real.chain];
    assert(c->epoch_count != 0 && real.seq >= c->epochs[0].seq);
    uint32_t i = c->epoch_count;
    while (i > 1 && c->epochs[i - 1].seq > real.seq)
        i--;
    return c->epochs[i - 1].epoch;
}

enum cht_err crdt_graph_hash(const struct crdt_graph *g, struct crdt_place at,
                             struct crdt_hash *out)
{
    struct crdt_place real = crdt_graph_on_path(g, at.chain, at.seq);
    const struct crdt_graph_chain *c = &g->chains[real.chain];
    if (real.seq == 0 || real.seq > c->stored.seq)
        return CHT_E_NOTFOUND;
    for (uint32_t i = 0; i < CRDT_GRAPH_MARKS; i++) {
        if (c->marks[i].seq == real.seq) {
            *out = c->marks[i].hash;
            return CHT_OK;
        }
    }
    return g->source.hash_at(g->source.ctx, real, out);
}

enum cht_err crdt_graph_locate(const struct crdt_graph *g, uint32_t device, uint32_t seq,
                               struct cht_bytes prefix, struct crdt_place *out)
{
    const struct crdt_graph_device *d = &g->devices[device];
    for (uint32_t i = 0; i < d->chain_count; i++) {
        struct crdt_place at = { d->chains[i], seq };
        const struct crdt_graph_chain *c = &g->chains[at.chain];
        if (seq <= c->branch_seq || seq > c->stored.seq)
            continue;
        struct crdt_hash hash;
        enum cht_err err = crdt_graph_hash(g, at, &hash);
        if (err != CHT_OK)
            return err;
        if (memcmp(hash.b, prefix.data, prefix.len) == 0) {
            *out = at;
            return CHT_OK;
        }
    }
    return CHT_E_NOTFOUND;
}

enum cht_err crdt_graph_stored(struct crdt_graph *g, uint32_t chain, uint32_t first_seq,
                               const struct crdt_graph_tip *tip)
{
    struct crdt_graph_chain *c = &g->chains[chain];
    assert(first_seq == c->stored.seq + 1 && tip->seq >= first_seq);
    const struct crdt_graph_epoch *last =
        c->epoch_count == 0 ? NULL : &c->epochs[c->epoch_count - 1];
    if (last == NULL || memcmp(last->epoch, tip->epoch, CRDT_EPOCH_BYTES) != 0) {
        struct crdt_graph_epoch *grown = realloc(c->epochs, (c->epoch_count + 1) * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        c->epochs = grown;
        struct crdt_graph_epoch *e = &grown[c->epoch_count++];
        e->seq = first_seq;
        memcpy(e->epoch, tip->epoch, CRDT_EPOCH_BYTES);
    }
    c->stored = *tip;
    c->marks[c->mark_next].seq = tip->seq;
    c->marks[c->mark_next].hash = tip->hash;
    c->mark_next = (c->mark_next + 1) % CRDT_GRAPH_MARKS;
    return CHT_OK;
}
