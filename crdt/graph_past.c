/* Pasts, names and tips over the chains; see graph.h (PROTOCOL 2.4 to 2.6, 5.1). */
#include "crdt/graph.h"

#include <assert.h>
#include <stdlib.h>

/* Set up the past and numbers of a chain before its first own entry is applied. */
static enum cht_err open_chain(struct crdt_graph *g, struct crdt_graph_chain *c)
{
    if (c->open || c->parent == CRDT_NO_CHAIN) {
        c->open = true;
        return CHT_OK;
    }
    struct crdt_place from = crdt_graph_on_path(g, c->parent, c->branch_seq);
    const struct crdt_graph_chain *p = &g->chains[from.chain];
    if (p->applied.seq < from.seq)
        return CHT_E_WAITING;
    uint32_t count = 0;
    while (count < p->number_count && p->numbers[count].seq <= from.seq)
        count++;
    struct crdt_graph_number *numbers = NULL;
    if (count != 0) {
        numbers = malloc(count * sizeof *numbers);
        if (numbers == NULL)
            return CHT_E_NOMEM;
        memcpy(numbers, p->numbers, count * sizeof *numbers);
    }
    enum cht_err err = g->source.past_at(g->source.ctx, from, &c->past);
    if (err != CHT_OK) {
        free(numbers);
        return err;
    }
    free(c->numbers);
    c->numbers = numbers;
    c->number_count = count;
    c->open = true;
    return CHT_OK;
}

static enum cht_err find_dep(const struct crdt_graph *g, const struct crdt_dep *dep,
                             struct crdt_place *out)
{
    uint32_t device = crdt_graph_find_device(g, dep->device);
    if (device == CRDT_NO_DEVICE)
        return CHT_E_WAITING;
    enum cht_err err =
        crdt_graph_locate(g, device, dep->seq, cht_bytes(dep->hash, sizeof dep->hash), out);
    if (err != CHT_OK)
        return err == CHT_E_NOTFOUND ? CHT_E_WAITING : err;
    bool ready = g->chains[out->chain].applied.seq >= out->seq &&
                 memcmp(crdt_graph_epoch(g, *out), dep->epoch, CRDT_EPOCH_BYTES) == 0;
    return ready ? CHT_OK : CHT_E_WAITING;
}

/* Join past(dep) and dep itself; nearly always dep is an applied tip whose vector is at hand. */
static enum cht_err join_dep(struct crdt_graph *g, struct crdt_vector *past, struct crdt_place dep)
{
    if (crdt_vector_has(past, dep.chain, dep.seq))
        return CHT_OK;
    const struct crdt_graph_chain *d = &g->chains[dep.chain];
    if (d->applied.seq == dep.seq)
        return crdt_vector_join(past, &d->past);
    return g->source.past_at(g->source.ctx, dep, past);
}

static enum cht_err note_number(struct crdt_graph_chain *c, uint32_t device, uint32_t seq)
{
    if (device == c->device)
        return CHT_OK;
    for (uint32_t i = 0; i < c->number_count; i++) {
        if (c->numbers[i].device == device)
            return CHT_OK;
    }
    struct crdt_graph_number *grown = realloc(c->numbers, (c->number_count + 1) * sizeof *grown);
    if (grown == NULL)
        return CHT_E_NOMEM;
    c->numbers = grown;
    grown[c->number_count++] = (struct crdt_graph_number){ .device = device, .seq = seq };
    return CHT_OK;
}

enum cht_err crdt_graph_begin(struct crdt_graph *g, uint32_t chain, const struct crdt_header *h,
                              const struct crdt_vector **out_past, struct crdt_dep *out_missing)
{
    struct crdt_graph_chain *c = &g->chains[chain];
    assert(h->seq == c->applied.seq + 1 && h->seq <= c->stored.seq + 1);
    struct crdt_place deps[LIMIT_DEPS];
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0; err == CHT_OK && i < h->dep_count; i++) {
        err = find_dep(g, &h->deps[i], &deps[i]);
        if (err == CHT_E_WAITING && out_missing != NULL)
            *out_missing = h->deps[i];
    }
    if (err != CHT_OK)
        return err;
    err = open_chain(g, c); /* last, as it changes the chain */
    if (err == CHT_E_WAITING && out_missing != NULL)
        *out_missing = (struct crdt_dep){ 0 };
    for (uint32_t i = 0; err == CHT_OK && i < h->dep_count; i++) {
        err = join_dep(g, &c->past, deps[i]);
        if (err == CHT_OK)
            err = note_number(c, g->chains[deps[i].chain].device, h->seq);
    }
    if (err == CHT_OK)
        *out_past = &c->past;
    return err;
}

enum cht_err crdt_graph_commit(struct crdt_graph *g, uint32_t chain,
                               const struct crdt_graph_tip *tip)
{
    struct crdt_graph_chain *c = &g->chains[chain];
    enum cht_err err = crdt_vector_raise(&c->past, chain, tip->seq);
    if (err == CHT_OK)
        err = crdt_vector_raise(&g->applied, chain, tip->seq);
    if (err == CHT_OK)
        c->applied = *tip;
    return err;
}

/* Is `at` in the past of the applied entry `of`? A chain's vector that is `begun` has the deps of
 * the entry begun in it already: it says more than its applied tip knew. */
static enum cht_err covered(const struct crdt_graph *g, const struct crdt_vector *begun,
                            struct crdt_place at, struct crdt_place of, bool *out)
{
    const struct crdt_graph_chain *c = &g->chains[of.chain];
    if (c->applied.seq == of.seq && &c->past != begun) {
        *out = crdt_vector_has(&c->past, at.chain, at.seq);
        return CHT_OK;
    }
    struct crdt_vector past = { 0 };
    enum cht_err err = g->source.past_at(g->source.ctx, of, &past);
    if (err == CHT_OK)
        *out = crdt_vector_has(&past, at.chain, at.seq);
    crdt_vector_clear(&past);
    return err;
}

enum cht_err crdt_graph_tips(const struct crdt_graph *g, const struct crdt_vector *past,
                             uint32_t device, struct crdt_place *out, uint32_t max,
                             uint32_t *out_count)
{
    const struct crdt_graph_device *d = &g->devices[device];
    uint32_t count = 0;
    for (uint32_t i = 0; i < d->chain_count; i++) {
        struct crdt_place at = { d->chains[i], crdt_vector_get(past, d->chains[i]) };
        bool inner = at.seq == 0 || at.seq <= g->chains[at.chain].branch_seq;
        for (uint32_t k = 0; !inner && k < d->chain_count; k++) {
            struct crdt_place other = { d->chains[k], crdt_vector_get(past, d->chains[k]) };
            if (k == i || other.seq <= g->chains[other.chain].branch_seq || other.seq == 0)
                continue;
            enum cht_err err = covered(g, past, at, other, &inner);
            if (err != CHT_OK)
                return err;
        }
        if (inner)
            continue;
        if (count < max)
            out[count] = at;
        count++;
    }
    *out_count = count;
    return CHT_OK;
}

enum cht_err crdt_graph_only_tip(const struct crdt_graph *g, const struct crdt_vector *past,
                                 uint32_t device, struct crdt_place *out)
{
    const struct crdt_graph_device *d = &g->devices[device];
    if (d->chain_count == 1) { /* the usual case: no fork ever */
        struct crdt_place only = { d->chains[0], crdt_vector_get(past, d->chains[0]) };
        if (only.seq == 0)
            return CHT_E_NOTFOUND;
        *out = only;
        return CHT_OK;
    }
    struct crdt_place tip;
    uint32_t count = 0;
    enum cht_err err = crdt_graph_tips(g, past, device, &tip, 1, &count);
    if (err != CHT_OK)
        return err;
    if (count != 1)
        return count == 0 ? CHT_E_NOTFOUND : CHT_E_CONFLICT;
    *out = tip;
    return CHT_OK;
}

enum cht_err crdt_graph_resolve(const struct crdt_graph *g, uint32_t chain,
                                const struct crdt_vector *past, uint32_t number, uint32_t seq,
                                struct crdt_place *out)
{
    const struct crdt_graph_chain *c = &g->chains[chain];
    uint32_t before = crdt_vector_get(past, chain); /* the entry's seq is one more */
    if (before < c->branch_seq)
        before = c->branch_seq;
    if (number > c->number_count || seq == 0 ||
        (number != 0 && c->numbers[number - 1].seq > before + 1)) /* mentioned only later */
        return CHT_E_NOTFOUND;
    uint32_t device = number == 0 ? c->device : c->numbers[number - 1].device;
    struct crdt_place tip;
    enum cht_err err = crdt_graph_only_tip(g, past, device, &tip);
    if (err == CHT_E_CONFLICT || (err == CHT_OK && seq > tip.seq))
        return CHT_E_NOTFOUND;
    if (err == CHT_OK)
        *out = crdt_graph_on_path(g, tip.chain, seq);
    return err;
}

enum cht_err crdt_graph_name(const struct crdt_graph *g, uint32_t chain,
                             const struct crdt_vector *past, struct crdt_place target,
                             struct crdt_name *out)
{
    const struct crdt_graph_chain *c = &g->chains[chain];
    uint32_t device = g->chains[target.chain].device;
    uint32_t number = 0;
    while (device != c->device && number < c->number_count && c->numbers[number].device != device)
        number++;
    if (device != c->device)
        number++;
    struct crdt_place back;
    enum cht_err err = crdt_graph_resolve(g, chain, past, number, target.seq, &back);
    if (err == CHT_OK && back.chain == target.chain) {
        *out = (struct crdt_name){ .number = number, .seq = target.seq };
        return CHT_OK;
    }
    struct crdt_name name = { .by_hash = true };
    err = crdt_graph_hash(g, target, &name.hash);
    if (err == CHT_OK)
        *out = name;
    return err;
}
