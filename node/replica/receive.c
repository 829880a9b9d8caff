/* Ranges from outside: where they belong, whether they are true, what of them is new; see
 * replica.h (PROTOCOL 2.3, 2.7, 4.1, 7.6). */
#include "node/replica/own.h"

#include "net/sign.h"

/* The range decoded and verified on one place it may follow. */
struct placed {
    struct crdt_place before; /* seq 0: the path starts here */
    struct crdt_entry *entries;
};

static bool refusal(enum cht_err err)
{
    return err == CHT_E_MALFORMED || err == CHT_E_LIMIT || err == CHT_E_SIGNATURE ||
           err == CHT_E_UNSUPPORTED || err == CHT_E_INVALID;
}

/* A head says nothing of bodies that are left out: level 1 leaves none out (PROTOCOL 8.8). */
static bool has_bodies(const struct crdt_entry *entries, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (entries[i].body.data == NULL)
            return false;
    }
    return true;
}

static enum cht_err try_place(struct node_replica *r, const struct net_device *writer,
                              const struct crdt_range *range, struct crdt_place at,
                              struct placed *out)
{
    struct crdt_before before;
    struct crdt_entry *entries;
    enum cht_err err = replica_before(r, at, writer->id, &before);
    if (err == CHT_OK)
        err = crdt_range_decode(&before, range->count, range->codec, range->payload, &r->arena,
                                &entries);
    if (err != CHT_OK)
        return err;
    const struct crdt_hash *last = &entries[range->count - 1].hash;
    err = net_verify(NET_CONTEXT_HEAD, cht_bytes(last->b, CRDT_HASH_BYTES), writer->cert.sign_pk,
                     range->head);
    if (err == CHT_OK && !has_bodies(entries, range->count))
        err = CHT_E_INVALID;
    if (err == CHT_OK)
        *out = (struct placed){ .before = at, .entries = entries };
    return err;
}

/* Try each held entry that the range may follow; the head decides. CHT_E_NOTFOUND: none is held. */
static enum cht_err place(struct node_replica *r, const struct net_device *writer, uint32_t device,
                          const struct crdt_range *range, struct placed *out)
{
    static const uint8_t zeros[sizeof range->prev_tag];
    if (range->seq == 1) {
        if (memcmp(range->prev_tag, zeros, sizeof zeros) != 0)
            return CHT_E_MALFORMED;
        return try_place(r, writer, range, (struct crdt_place){ CRDT_NO_CHAIN, 0 }, out);
    }
    enum cht_err err = CHT_E_NOTFOUND;
    uint32_t chains = device == CRDT_NO_DEVICE ? 0 : r->graph.devices[device].chain_count;
    for (uint32_t i = 0; i < chains; i++) {
        struct crdt_place at = { r->graph.devices[device].chains[i], range->seq - 1 };
        const struct crdt_graph_chain *c = &r->graph.chains[at.chain];
        if (at.seq <= c->branch_seq || at.seq > c->stored.seq)
            continue;
        struct crdt_hash hash;
        enum cht_err got = crdt_graph_hash(&r->graph, at, &hash);
        if (got != CHT_OK)
            return got;
        if (memcmp(hash.b, range->prev_tag, sizeof range->prev_tag) != 0)
            continue;
        err = try_place(r, writer, range, at, out);
        if (err == CHT_OK || !refusal(err))
            return err;
    }
    return err;
}

/* The last entry of the range that is held already: `*out_held` of its entries are. */
static enum cht_err find_held(const struct node_replica *r, uint32_t device,
                              const struct crdt_range *range, const struct placed *p,
                              struct crdt_place *out_last, uint32_t *out_held)
{
    for (uint32_t held = device == CRDT_NO_DEVICE ? 0 : range->count; held != 0; held--) {
        const struct crdt_entry *e = &p->entries[held - 1];
        enum cht_err err = crdt_graph_locate(&r->graph, device, e->header.seq,
                                             cht_bytes(e->hash.b, CRDT_HASH_BYTES), out_last);
        if (err == CHT_OK)
            *out_held = held;
        if (err != CHT_E_NOTFOUND)
            return err;
    }
    *out_last = p->before;
    *out_held = 0;
    return CHT_OK;
}

/* The writer must be admitted under the membership heads that its entries name. */
static enum cht_err check_rights(const struct node_replica *r, const struct net_device *writer,
                                 const struct crdt_entry *entries, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct crdt_header *h = &entries[i].header;
        if (memcmp(h->device, writer->id, CRDT_ID_BYTES) != 0 ||
            memcmp(h->space, r->space, CRDT_ID_BYTES) != 0 || (h->seq == 1 && h->head_count == 0))
            return CHT_E_MALFORMED; /* PROTOCOL 2.7 */
        if (h->head_count == 0)
            continue;
        struct net_judgement judged; /* what is void is kept all the same (PROTOCOL 7.26) */
        struct net_question question = { .device = writer->id,
                                         .heads = h->heads,
                                         .head_count = h->head_count };
        enum cht_err err = net_members_judge(r->members, &question, &judged);
        if (err != CHT_OK)
            return err;
    }
    return CHT_OK;
}

/* The chain to append to after `last`, opened when a branch or a path starts there. */
static enum cht_err chain_after(struct node_replica *r, const struct net_device *writer,
                                struct crdt_place last, uint32_t *out)
{
    uint32_t device;
    bool allowed = true;
    if (last.seq != 0 && r->graph.chains[last.chain].stored.seq == last.seq) {
        *out = last.chain;
        return CHT_OK;
    }
    enum cht_err err = crdt_graph_device(&r->graph, writer->id, &device);
    if (err == CHT_OK)
        err = replica_branch_allowed(r, device, last.seq + 1, &allowed);
    if (err == CHT_OK && !allowed)
        err = CHT_E_LIMIT;
    if (err != CHT_OK)
        return err;
    uint32_t parent = last.seq == 0 ? CRDT_NO_CHAIN : last.chain;
    return crdt_graph_open_chain(&r->graph, device, parent, last.seq, out);
}

static bool is_own(const struct node_replica *r, const uint8_t device[static CRDT_ID_BYTES])
{
    return r->identity != NULL && memcmp(device, r->identity->device, CRDT_ID_BYTES) == 0;
}

static enum cht_err store_rest(struct node_replica *r, const struct crdt_range *range,
                               const struct placed *p, struct crdt_place last, uint32_t held,
                               uint32_t chain, uint64_t now_ms)
{
    struct replica_row *row;
    enum cht_err err = replica_row_new(r, &row);
    if (err != CHT_OK)
        return err;
    const struct crdt_entry *rest = &p->entries[held];
    uint32_t count = range->count - held;
    row->first = (struct crdt_place){ chain, rest->header.seq };
    row->count = count;
    row->codec = range->codec;
    row->fresh = true;
    row->entries = &p->entries[held];
    row->tip = rest[count - 1].hash;
    row->stamp = rest[count - 1].header.hlc;
    memcpy(row->head, range->head, CRDT_SIG_BYTES);
    if (held == 0) {
        err = cht_arena_copy(&r->arena, range->payload, &row->payload);
    } else {
        struct crdt_before before;
        cht_buf_reset(&r->scratch);
        err = replica_before(r, last, rest->header.device, &before);
        if (err == CHT_OK)
            err = crdt_range_encode(&before, rest, count, &r->scratch, &row->codec);
        if (err == CHT_OK)
            err = cht_arena_copy(&r->arena, cht_buf_view(&r->scratch), &row->payload);
    }
    if (err == CHT_OK)
        err = replica_stored(r, chain, rest, count);
    if (err != CHT_OK)
        return err;
    r->entry_count += count;
    r->changed = true;
    if (is_own(r, rest->header.device))
        replica_own_returned(r, rest, count, now_ms);
    err = replica_forks_note(r, row->first, now_ms);
    if (err == CHT_OK)
        err = replica_apply_row(r, row, now_ms);
    return err == CHT_E_WAITING ? CHT_OK : err;
}

/* Refusals end here as receipts; what is left over is a fault of ours. */
static enum cht_err receipt_of(enum cht_err err, enum node_receipt *out)
{
    if (refusal(err) || err == CHT_E_DENIED)
        *out = NODE_REFUSED;
    else if (err == CHT_E_NOTFOUND || err == CHT_E_WAITING)
        *out = NODE_UNPLACEABLE;
    else
        return err;
    return CHT_OK;
}

static uint32_t waiting_on(const struct node_replica *r, uint32_t chain)
{
    return r->graph.chains[chain].stored.seq - r->graph.chains[chain].applied.seq;
}

/* A path takes a window of waiting entries, and all of a device two: then only a path on which
 * nothing waits goes on, as what the others wait for may be on it. */
static bool window_full(const struct node_replica *r, struct crdt_place last)
{
    uint64_t all = 0;
    const uint32_t own = last.seq == 0 ? 0 : waiting_on(r, last.chain);
    if (own == 0 || own >= REPLICA_WAITING_MAX)
        return own != 0;
    const struct crdt_graph_device *d = &r->graph.devices[r->graph.chains[last.chain].device];
    for (uint32_t i = 0; i < d->chain_count; i++)
        all += waiting_on(r, d->chains[i]);
    return all >= 2 * (uint64_t)REPLICA_WAITING_MAX;
}

enum cht_err node_replica_receive(struct node_replica *r, const struct crdt_range *range,
                                  uint64_t now_ms, enum node_receipt *out)
{
    if (r->broken)
        return CHT_E_INTERNAL;
    replica_turn(r);
    const struct net_device *writer = net_members_tagged(r->members, range->device_tag);
    /* own entries of this turn are not sealed yet: nothing of this device goes between them */
    if (writer == NULL || (r->own.count != 0 && is_own(r, writer->id))) {
        *out = NODE_UNPLACEABLE;
        return CHT_OK;
    }
    uint32_t device = crdt_graph_find_device(&r->graph, writer->id);
    struct placed p;
    enum cht_err err = place(r, writer, device, range, &p);
    if (err == CHT_OK)
        err = check_rights(r, writer, p.entries, range->count);
    if (err != CHT_OK) {
        r->refusal = err;
        err = receipt_of(err, out);
        return err == CHT_OK ? err : replica_break(r, err);
    }
    struct crdt_place last;
    uint32_t held, chain;
    err = find_held(r, device, range, &p, &last, &held);
    if (err != CHT_OK)
        return replica_break(r, err);
    if (held == range->count) {
        *out = NODE_KNOWN;
        return CHT_OK;
    }
    if (window_full(r, last)) {
        *out = NODE_STOPPED;
        return CHT_OK;
    }
    err = chain_after(r, writer, last, &chain);
    if (err == CHT_E_LIMIT) {
        *out = NODE_STOPPED;
        return CHT_OK;
    }
    if (err == CHT_OK)
        err = store_rest(r, range, &p, last, held, chain, now_ms);
    if (err != CHT_OK)
        return replica_break(r, err);
    *out = NODE_STORED;
    return CHT_OK;
}

enum cht_err node_replica_refusal(const struct node_replica *r)
{
    return r->refusal;
}

enum cht_err node_replica_settle(struct node_replica *r, uint64_t now_ms, bool *out_more)
{
    if (r->broken)
        return CHT_E_INTERNAL;
    replica_turn(r);
    enum cht_err err = replica_apply_ready(r, now_ms, out_more);
    return err == CHT_OK ? CHT_OK : replica_break(r, err);
}

enum cht_err node_replica_add_record(struct node_replica *r, struct cht_bytes record)
{
    if (r->broken)
        return CHT_E_INTERNAL;
    replica_turn(r);
    uint32_t before = net_members_count(r->members);
    enum cht_err err = net_members_add(r->members, record);
    if (net_members_count(r->members) != before) {
        r->changed = true;
        replica_records_came(r);
    }
    return err;
}
