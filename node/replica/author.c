/* Own writes: transactions become entries, a turn's entries end at signed heads; see replica.h
 * (PROTOCOL 2.2 to 2.7, 4.1). */
#include "node/replica/own.h"

#include <assert.h>
#include <stdlib.h>

/* Deps of one entry and what is left over for the next. */
struct deps {
    struct crdt_dep dep[LIMIT_DEPS];
    uint32_t count;
    bool more;
};

/* The applied tips of a device, in the turn's arena. */
static enum cht_err applied_tips(struct node_replica *r, uint32_t device, struct crdt_place **out,
                                 uint32_t *out_count)
{
    uint32_t chains = r->graph.devices[device].chain_count;
    struct crdt_place *tips = cht_arena_array(&r->arena, chains + 1, sizeof *tips);
    if (tips == NULL)
        return CHT_E_NOMEM;
    *out = tips;
    return crdt_graph_tips(&r->graph, &r->graph.applied, device, tips, chains, out_count);
}

/* The chain to go on: the applied own tip with the highest (seq, hash). */
static enum cht_err own_chain(struct node_replica *r)
{
    if (r->epoch_spent && r->own.count == 0)
        replica_new_epoch(r);
    if (r->own_chain != CRDT_NO_CHAIN)
        return CHT_OK;
    uint32_t device, count = 0;
    struct crdt_place *tips = NULL, best = { CRDT_NO_CHAIN, 0 };
    enum cht_err err = crdt_graph_device(&r->graph, r->identity->device, &device);
    if (err == CHT_OK)
        err = applied_tips(r, device, &tips, &count);
    r->heads_named = 0; /* on another path older ones may be in force (PROTOCOL 2.7) */
    for (uint32_t i = 0; err == CHT_OK && i < count; i++) {
        const struct crdt_graph_tip *t = &r->graph.chains[tips[i].chain].applied;
        bool higher =
            tips[i].seq > best.seq ||
            (tips[i].seq == best.seq &&
             memcmp(t->hash.b, r->graph.chains[best.chain].applied.hash.b, CRDT_HASH_BYTES) > 0);
        if (higher)
            best = tips[i];
    }
    if (err != CHT_OK)
        return err;
    if (best.seq != 0 && r->graph.chains[best.chain].stored.seq == best.seq) {
        r->own_chain = best.chain;
        return CHT_OK;
    }
    /* nothing yet, or own entries wait behind the tip: a new path in a new epoch */
    return crdt_graph_open_chain(&r->graph, device, best.chain, best.seq, &r->own_chain);
}

struct crdt_dep replica_dep(const struct node_replica *r, struct crdt_place at,
                            const struct crdt_hash *hash)
{
    struct crdt_dep dep = { .seq = at.seq };
    memcpy(dep.device, crdt_graph_device_id(&r->graph, at.chain), CRDT_ID_BYTES);
    memcpy(dep.epoch, crdt_graph_epoch(&r->graph, at), CRDT_EPOCH_BYTES);
    memcpy(dep.hash, hash->b, CRDT_DEP_HASH_BYTES);
    return dep;
}

static int cmp_dep(const void *a, const void *b)
{
    return crdt_dep_cmp(a, b);
}

/* What is applied here and not in the past of the own tip (PROTOCOL 2.4). */
static enum cht_err collect_deps(struct node_replica *r, struct deps *out)
{
    const struct crdt_graph_chain *own = &r->graph.chains[r->own_chain];
    out->count = 0;
    out->more = false;
    if (crdt_vector_le(&r->graph.applied, &own->past))
        return CHT_OK;
    for (uint32_t d = 0; d < r->graph.device_count; d++) {
        struct crdt_place *tips;
        uint32_t count;
        enum cht_err err = applied_tips(r, d, &tips, &count);
        if (err != CHT_OK)
            return err;
        for (uint32_t i = 0; i < count; i++) {
            if (tips[i].chain == r->own_chain ||
                crdt_vector_has(&own->past, tips[i].chain, tips[i].seq))
                continue;
            if (out->count == LIMIT_DEPS) {
                out->more = true;
                continue;
            }
            const struct crdt_graph_tip *t = &r->graph.chains[tips[i].chain].applied;
            out->dep[out->count++] = replica_dep(r, tips[i], &t->hash);
        }
    }
    qsort(out->dep, out->count, sizeof out->dep[0], cmp_dep);
    return CHT_OK;
}

/* Membership heads to name: on the first entry of a run and when they changed since. */
static uint32_t heads_to_name(struct node_replica *r,
                              struct crdt_hash out[static LIMIT_MEMBER_HEADS])
{
    uint32_t records = net_members_count(r->members);
    if (records == r->heads_named) /* records are only ever added */
        return 0;
    r->heads_named = records;
    return net_members_heads_named(r->members, r->identity->device, out);
}

static enum cht_err refer(struct node_replica *r, struct node_index *x, struct replica_list *spelt,
                          struct crdt_place place, const struct crdt_id *id,
                          const struct crdt_vector *past, struct crdt_ref *out)
{
    uint32_t n = node_index_find(x, id);
    if (n == INDEX_NONE) {
        *out = (struct crdt_ref){ .form = CRDT_REF_SPELT, .id = *id };
        enum cht_err err = node_index_add(x, id, place, &n);
        struct replica_spelt row = { .n = n, .id = *id, .place = place };
        return err == CHT_OK ? replica_push(spelt, &row, sizeof row) : err;
    }
    struct crdt_name name;
    enum cht_err err = crdt_graph_name(&r->graph, place.chain, past, x->slots[n].spelt, &name);
    if (err == CHT_OK)
        *out = (struct crdt_ref){ .form = name.by_hash ? CRDT_REF_HASH : CRDT_REF_NAMED,
                                  .name = name };
    return err;
}

/* Copy what the header borrows and make its bytes and hash. */
static enum cht_err finish(struct node_replica *r, struct crdt_entry *e, struct cht_bytes body)
{
    struct crdt_header *h = &e->header;
    struct cht_bytes deps, heads;
    enum cht_err err = cht_arena_copy(&r->arena, body, &e->body);
    if (err == CHT_OK)
        err = cht_arena_copy(&r->arena, cht_bytes(h->deps, h->dep_count * sizeof *h->deps), &deps);
    if (err == CHT_OK)
        err = cht_arena_copy(&r->arena, cht_bytes(h->heads, h->head_count * sizeof *h->heads),
                             &heads);
    if (err != CHT_OK)
        return err;
    h->deps = (const struct crdt_dep *)(const void *)deps.data;
    h->heads = (const struct crdt_hash *)(const void *)heads.data;
    h->body_len = (uint32_t)body.len;
    h->body_hash = crdt_hash_of(body);
    cht_buf_reset(&r->scratch);
    err = crdt_header_encode(h, &r->scratch);
    if (err == CHT_OK)
        err = cht_arena_copy(&r->arena, cht_buf_view(&r->scratch), &e->header_bytes);
    if (err == CHT_OK)
        e->hash = crdt_hash_of(e->header_bytes);
    return err;
}

/* What the next own entry has before anything is said in it. */
static void start_header(const struct node_replica *r, crdt_hlc_stamp stamp,
                         struct crdt_header *out)
{
    const struct crdt_graph_tip *tip = &r->graph.chains[r->own_chain].stored;
    *out = (struct crdt_header){ .seq = tip->seq + 1, .hlc = stamp, .txn_count = 1 };
    memcpy(out->space, r->space, CRDT_ID_BYTES);
    memcpy(out->device, r->identity->device, CRDT_ID_BYTES);
    memcpy(out->epoch, r->epoch, CRDT_EPOCH_BYTES);
}

static enum cht_err prev_hash(struct node_replica *r, struct crdt_hash *out)
{
    const struct crdt_graph_chain *c = &r->graph.chains[r->own_chain];
    if (c->stored.seq == 0) {
        *out = (struct crdt_hash){ 0 };
        return CHT_OK;
    }
    return crdt_graph_hash(&r->graph, (struct crdt_place){ r->own_chain, c->stored.seq }, out);
}

/* Store and fold an entry that `begin` has been called for. */
static enum cht_err take(struct node_replica *r, const struct crdt_entry *e,
                         const struct crdt_vector *past, uint32_t n, const struct crdt_op *ops,
                         uint32_t count)
{
    struct crdt_change change = { .at = { r->own_chain, e->header.seq },
                                  .hlc = e->header.hlc,
                                  .past = past };
    struct replica_slot *slot;
    enum cht_err err = CHT_OK;
    if (r->own.count == 0)
        err = replica_before(r, (struct crdt_place){ r->own_chain, e->header.seq - 1 },
                             r->identity->device, &r->own_before);
    if (err == CHT_OK)
        err = replica_stored(r, r->own_chain, e, 1);
    if (err == CHT_OK && count != 0)
        err = replica_slot(r, n, &slot);
    struct crdt_root before = r->root;
    for (uint32_t i = 0; err == CHT_OK && i < count; i++) {
        assert(crdt_op_check(slot->state->id.type, &ops[i]) == CHT_OK);
        err = replica_touch(r, n, change.at, ops[i].field);
        if (err == CHT_OK)
            err = crdt_state_apply(slot->state, &r->graph, &change, &ops[i], (uint16_t)i, &r->root);
    }
    if (count != 0)
        replica_scrub_change(r, n, &before);
    struct crdt_graph_tip tip = { .seq = e->header.seq, .hash = e->hash, .hlc = e->header.hlc };
    memcpy(tip.epoch, r->epoch, CRDT_EPOCH_BYTES);
    if (err == CHT_OK)
        err = crdt_graph_commit(&r->graph, r->own_chain, &tip);
    if (err == CHT_OK)
        err = replica_push(&r->own, e, sizeof *e);
    r->entry_count++;
    r->lagging = true;
    return err;
}

/* What the log row of an own entry notes beside its bytes; the past where a row may start. */
static enum cht_err note_own(struct node_replica *r, uint32_t n, bool starts,
                             const struct crdt_vector *past)
{
    struct replica_own_note note = { .entity = n, .past_at = r->own_pasts.len };
    enum cht_err err = starts ? crdt_vector_pack(past, &r->own_pasts) : CHT_OK;
    note.past_len = r->own_pasts.len - note.past_at;
    return err == CHT_OK ? replica_push(&r->own_notes, &note, sizeof note) : err;
}

/* Entities and pasts of a sealed row, from the notes of its entries. */
static enum cht_err fill_row(struct node_replica *r, struct replica_row *row, uint32_t from)
{
    const struct replica_own_note *notes = r->own_notes.items;
    row->advanced = true;
    row->entities = cht_arena_array(&r->arena, row->count, sizeof *row->entities);
    if (row->entities == NULL)
        return CHT_E_NOMEM;
    row->entity_cap = row->count;
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0; err == CHT_OK && i < row->count; i++) {
        const struct replica_own_note *note = &notes[from + i];
        if (note->entity != INDEX_NONE)
            row->entities[row->entity_count++] = note->entity;
        if (i != 0 && row->entries[i].header.dep_count == 0)
            continue;
        assert(note->past_len != 0);
        err = cht_buf_add_varint(&row->pasts, i);
        if (err == CHT_OK)
            err = cht_buf_add(&row->pasts,
                              cht_bytes(r->own_pasts.data + note->past_at, note->past_len));
    }
    return err;
}

static enum cht_err begin(struct node_replica *r, const struct crdt_header *h,
                          const struct crdt_vector **past)
{
    uint32_t before = r->graph.chains[r->own_chain].number_count;
    enum cht_err err = crdt_graph_begin(&r->graph, r->own_chain, h, past, NULL);
    const struct crdt_graph_chain *c = &r->graph.chains[r->own_chain];
    for (uint32_t k = before; err == CHT_OK && k < c->number_count; k++) {
        struct replica_number row = { .chain = r->own_chain, .k = k, .number = c->numbers[k] };
        err = replica_push(&r->numbers, &row, sizeof row);
    }
    return err == CHT_E_WAITING ? CHT_E_INTERNAL : err;
}

/* More deps than one header holds go into entries of their own (PROTOCOL 2.4). */
static enum cht_err write_dep_only(struct node_replica *r, struct deps *deps, uint64_t now_ms)
{
    static const uint8_t empty_body[] = { 0x90 };
    enum cht_err err = collect_deps(r, deps);
    while (err == CHT_OK && deps->more) {
        struct crdt_entry e = { 0 };
        struct crdt_hash heads[LIMIT_MEMBER_HEADS];
        const struct crdt_vector *past;
        uint32_t one = 1;
        start_header(r, crdt_hlc_next(&r->clock, now_ms), &e.header);
        e.header.deps = deps->dep;
        e.header.dep_count = deps->count;
        e.header.heads = heads;
        e.header.head_count = heads_to_name(r, heads);
        err = prev_hash(r, &e.header.prev);
        if (err == CHT_OK)
            err = begin(r, &e.header, &past);
        if (err == CHT_OK)
            err = finish(r, &e, cht_bytes(empty_body, sizeof empty_body));
        if (err == CHT_OK)
            err = note_own(r, INDEX_NONE, true, past);
        if (err == CHT_OK)
            err = take(r, &e, past, 0, NULL, 0);
        if (err == CHT_OK)
            err = replica_push(&r->own_txns, &one, sizeof one);
        if (err == CHT_OK)
            err = collect_deps(r, deps);
    }
    return err;
}

static enum cht_err write_entry(struct node_replica *r, const struct node_write *change,
                                struct cht_bytes body, uint32_t position, uint32_t total,
                                const struct deps *deps, const struct crdt_id *actor,
                                uint64_t now_ms)
{
    struct crdt_entry e = { 0 };
    struct crdt_hash heads[LIMIT_MEMBER_HEADS];
    const struct crdt_vector *past;
    start_header(r, crdt_hlc_next(&r->clock, now_ms), &e.header);
    struct crdt_place place = { r->own_chain, e.header.seq };
    e.header.txn_position = position;
    e.header.txn_count = total;
    if (position == 0) {
        e.header.deps = deps->dep;
        e.header.dep_count = deps->count;
        e.header.heads = heads;
        e.header.head_count = heads_to_name(r, heads);
    }
    enum cht_err err = prev_hash(r, &e.header.prev);
    if (err == CHT_OK)
        err = begin(r, &e.header, &past);
    if (err == CHT_OK)
        err = refer(r, &r->entities, &r->spelt, place, &change->id, past, &e.header.entity);
    if (err == CHT_OK && actor != NULL)
        err = refer(r, &r->actors, &r->actors_spelt, place, actor, past, &e.header.actor);
    if (err == CHT_OK)
        err = finish(r, &e, body);
    uint32_t n = node_index_find(&r->entities, &change->id);
    if (err == CHT_OK)
        err = note_own(r, n, position == 0, past);
    return err == CHT_OK ? take(r, &e, past, n, change->ops, change->count) : err;
}

/* The bodies of all changes, one after the other in `all`; checked before anything is written. */
static enum cht_err encode_bodies(const struct node_write *changes, size_t count,
                                  struct cht_buf *all, size_t *lens)
{
    for (size_t i = 0; i < count; i++) {
        size_t start = all->len;
        if (changes[i].count > LIMIT_ENTRY_OPS)
            return CHT_E_LIMIT;
        enum cht_err err = crdt_body_encode(changes[i].ops, changes[i].count, all);
        if (err != CHT_OK)
            return err;
        lens[i] = all->len - start;
        if (lens[i] > LIMIT_BODY_BYTES)
            return CHT_E_LIMIT;
    }
    return CHT_OK;
}

/* Where a transaction must be cut so that it fits under one head. */
static size_t fitting(const size_t *lens, size_t count)
{
    size_t fit = 0, bytes = 0;
    while (fit < count && fit < LIMIT_HEAD_ENTRIES && bytes + lens[fit] <= LIMIT_HEAD_BYTES)
        bytes += lens[fit++];
    return fit;
}

static enum cht_err write_bodies(struct node_replica *r, const struct node_write *changes,
                                 size_t count, const uint8_t *bodies, const size_t *lens,
                                 const struct crdt_id *actor, uint64_t now_ms)
{
    struct deps deps;
    enum cht_err err = own_chain(r);
    size_t done = 0, at = 0;
    while (err == CHT_OK && done < count) {
        uint32_t part = (uint32_t)fitting(lens + done, count - done);
        err = write_dep_only(r, &deps, now_ms);
        for (uint32_t i = 0; err == CHT_OK && i < part; i++) {
            err = write_entry(r, &changes[done + i], cht_bytes(bodies + at, lens[done + i]), i,
                              part, &deps, actor, now_ms);
            at += lens[done + i];
        }
        if (err == CHT_OK)
            err = replica_push(&r->own_txns, &part, sizeof part);
        done += part;
    }
    return err;
}

const uint8_t *node_replica_epoch(const struct node_replica *r)
{
    return r->epoch;
}

enum cht_err node_replica_write(struct node_replica *r, const struct node_write *changes,
                                size_t count, const struct crdt_id *actor, uint64_t now_ms)
{
    if (r->broken)
        return CHT_E_INTERNAL;
    if (r->identity == NULL || !r->writable ||
        net_members_standing(r->members, r->identity->device).standing != NET_STANDS)
        return CHT_E_DENIED;
    replica_turn(r);
    struct cht_buf bodies;
    cht_buf_init(&bodies, LIMIT_TURN_BYTES);
    size_t *lens = cht_arena_array(&r->arena, count, sizeof *lens);
    enum cht_err err = lens == NULL ? CHT_E_NOMEM : encode_bodies(changes, count, &bodies, lens);
    if (err == CHT_OK) {
        err = write_bodies(r, changes, count, bodies.data, lens, actor, now_ms);
        if (err != CHT_OK)
            (void)replica_break(r, err);
    }
    cht_buf_clear(&bodies);
    return err;
}

/* --- heads --------------------------------------------------------------------------------- */

static enum cht_err seal_range(struct node_replica *r, struct crdt_entry *entries, uint32_t from,
                               uint32_t count, struct crdt_before *before, struct crdt_range *out)
{
    struct replica_row *row;
    enum cht_err err = replica_row_new(r, &row);
    if (err != CHT_OK)
        return err;
    const struct crdt_entry *last = &entries[count - 1];
    row->first = (struct crdt_place){ r->own_chain, entries[0].header.seq };
    row->count = count;
    row->fresh = true;
    row->entries = entries;
    row->tip = last->hash;
    row->stamp = last->header.hlc;
    net_identity_sign(r->identity, NET_CONTEXT_HEAD, cht_bytes(last->hash.b, CRDT_HASH_BYTES),
                      row->head);
    cht_buf_reset(&r->scratch);
    err = crdt_range_encode(before, entries, count, &r->scratch, &row->codec);
    if (err == CHT_OK)
        err = cht_arena_copy(&r->arena, cht_buf_view(&r->scratch), &row->payload);
    if (err == CHT_OK)
        err = fill_row(r, row, from);
    if (err != CHT_OK)
        return err;
    *out = (struct crdt_range){ .own = true,
                                .seq = row->first.seq,
                                .count = count,
                                .codec = row->codec,
                                .payload = row->payload };
    memcpy(out->device_tag, r->identity->device, sizeof out->device_tag);
    memcpy(out->prev_tag, before->hash.b, sizeof out->prev_tag);
    memcpy(out->head, row->head, CRDT_SIG_BYTES);
    memcpy(before->epoch, last->header.epoch, CRDT_EPOCH_BYTES);
    before->hash = last->hash;
    before->hlc = last->header.hlc;
    before->seq = last->header.seq;
    return CHT_OK;
}

enum cht_err replica_seal(struct node_replica *r)
{
    const uint32_t *txns = r->own_txns.items;
    uint32_t total = (uint32_t)r->own.count;
    if (total == 0)
        return CHT_OK;
    struct crdt_entry *entries = cht_arena_array(&r->arena, total, sizeof *entries);
    struct crdt_range *ranges = cht_arena_array(&r->arena, r->own_txns.count, sizeof *ranges);
    if (entries == NULL || ranges == NULL)
        return CHT_E_NOMEM;
    memcpy(entries, r->own.items, total * sizeof *entries);
    struct crdt_before before = r->own_before;
    struct crdt_place prev = { r->own_chain, before.seq };
    if (before.seq != 0)
        r->last.before = replica_dep(r, prev, &before.hash);
    size_t count = 0, t = 0;
    enum cht_err err = CHT_OK;
    for (uint32_t from = 0; err == CHT_OK && from < total;) {
        uint32_t upto = from;
        size_t bytes = 0;
        while (t < r->own_txns.count) { /* whole transactions only (PROTOCOL 4.1) */
            size_t more = 0;
            for (uint32_t i = 0; i < txns[t]; i++)
                more += entries[upto + i].body.len;
            if (upto != from &&
                (upto + txns[t] - from > LIMIT_HEAD_ENTRIES || bytes + more > LIMIT_HEAD_BYTES))
                break;
            bytes += more;
            upto += txns[t++];
        }
        err = seal_range(r, entries + from, from, upto - from, &before, &ranges[count++]);
        from = upto;
    }
    r->last.ranges = ranges;
    r->last.range_count = count;
    const struct crdt_entry *last = &entries[total - 1];
    r->last.last =
        replica_dep(r, (struct crdt_place){ r->own_chain, last->header.seq }, &last->hash);
    r->changed = true;
    return err;
}
