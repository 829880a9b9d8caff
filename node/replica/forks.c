/* Devices that speak with two voices; see replica.h (PROTOCOL 2.3, 4.4).
 *
 * A copy of a home draws its own epochs and makes a second tip, which is ordinary. Two entries of
 * one epoch with one seq come of a process that was duplicated with its memory, or of malice: that
 * is proved, kept and told. Nothing here changes what is applied. */
#include "node/replica/own.h"

#include <sodium.h>
#include <stdlib.h>

#define FORK_KEY    "fork:"
#define TWINS_KEY   "own"
#define KEY_BYTES   (sizeof FORK_KEY + 2 * (CRDT_ID_BYTES + CRDT_EPOCH_BYTES))
#define STAMP_BYTES 8u
#define OWN_PATHS   64u /* of LIMIT_CHAINS, left for what is written here */

const struct node_fork *node_replica_forks(const struct node_replica *r, size_t *out_count)
{
    *out_count = r->forks.count;
    return r->forks.items;
}

struct node_twins node_replica_twins(const struct node_replica *r)
{
    return r->twins;
}

void replica_forks_clear(struct node_replica *r)
{
    struct node_fork *forks = r->forks.items;
    for (size_t i = 0; i < r->forks.count; i++)
        free((void *)(uintptr_t)forks[i].proof.data);
    free(forks);
    free(r->fork_looks.items);
    r->forks = r->fork_looks = (struct replica_list){ 0 };
}

/* --- own entries from outside --------------------------------------------------------------- */

/* An epoch that no other process can have drawn; a twin with the same memory draws another one. */
void replica_new_epoch(struct node_replica *r)
{
    if (r->draw != NULL)
        r->draw(r->draw_ctx, r->epoch, sizeof r->epoch);
    else
        randombytes_buf(r->epoch, sizeof r->epoch);
    r->own_chain = CRDT_NO_CHAIN;
    r->epoch_spent = false;
}

void replica_own_returned(struct node_replica *r, const struct crdt_entry *entries, uint32_t count,
                          uint64_t now_ms)
{
    for (uint32_t i = 0; i < count; i++) {
        if (crdt_hlc_ms(entries[i].header.hlc) > r->started_ms) {
            r->twins.elsewhere++;
            r->twins.elsewhere_ms = now_ms;
        } else {
            r->twins.reclaimed++;
            r->twins.reclaimed_ms = now_ms;
        }
    }
    r->twins_changed = r->epoch_spent = true;
}

static enum cht_err keep_twins(struct node_replica *r)
{
    uint8_t value[4 * STAMP_BYTES];
    if (!r->twins_changed)
        return CHT_OK;
    cht_put_u64(value, r->twins.reclaimed);
    cht_put_u64(value + 8, r->twins.reclaimed_ms);
    cht_put_u64(value + 16, r->twins.elsewhere);
    cht_put_u64(value + 24, r->twins.elsewhere_ms);
    r->twins_changed = false;
    return node_replica_keep_meta(r, TWINS_KEY, cht_bytes(value, sizeof value));
}

/* --- branches ------------------------------------------------------------------------------- */

/* Does an entry that waits name one of this device that is not held, at or behind that seq? */
static bool waited_for(const struct node_replica *r, uint32_t device, uint32_t seq)
{
    uint32_t chains = r->graph.chain_count < r->wait_cap ? r->graph.chain_count : r->wait_cap;
    for (uint32_t c = 0; c < chains; c++) {
        const struct replica_wait *w = &r->waits[c];
        struct crdt_place at;
        if (w->set && w->dep.seq >= seq &&
            memcmp(w->dep.device, r->graph.devices[device].id, CRDT_ID_BYTES) == 0 &&
            crdt_graph_locate(&r->graph, device, w->dep.seq,
                              cht_bytes(w->dep.hash, sizeof w->dep.hash), &at) == CHT_E_NOTFOUND)
            return true;
    }
    return false;
}

enum cht_err replica_branch_allowed(struct node_replica *r, uint32_t device, uint32_t seq,
                                    bool *out)
{
    const struct crdt_graph_device *d = &r->graph.devices[device];
    struct crdt_place none[1];
    uint32_t open = 0;
    *out = d->chain_count < LIMIT_DEVICE_PATHS && r->graph.chain_count < LIMIT_CHAINS - OWN_PATHS;
    if (!*out || d->chain_count < LIMIT_DEVICE_TIPS)
        return CHT_OK;
    /* branches that another entry of the device has in its past are no longer counted */
    enum cht_err err = crdt_graph_tips(&r->graph, &r->graph.applied, device, none, 0, &open);
    for (uint32_t i = 0; i < d->chain_count; i++) {
        const struct crdt_graph_chain *c = &r->graph.chains[d->chains[i]];
        open += c->stored.seq > c->branch_seq && c->applied.seq <= c->branch_seq;
    }
    *out = open < LIMIT_DEVICE_TIPS || waited_for(r, device, seq);
    return err;
}

/* --- proofs --------------------------------------------------------------------------------- */

static bool proved(const struct node_replica *r, const struct net_fork_id *id)
{
    const struct node_fork *forks = r->forks.items;
    size_t of_device = 0;
    for (size_t i = 0; i < r->forks.count; i++) {
        if (net_fork_id_cmp(&forks[i].id, id) == 0)
            return true;
        of_device += memcmp(forks[i].id.device, id->device, CRDT_ID_BYTES) == 0;
    }
    return r->forks.count >= LIMIT_FORKS || of_device >= LIMIT_DEVICE_FORKS;
}

static enum cht_err add_to_list(struct node_replica *r, const struct net_fork_id *id, uint32_t seq,
                                uint64_t at_ms, struct cht_bytes proof)
{
    uint8_t *copy = malloc(proof.len);
    if (copy == NULL)
        return CHT_E_NOMEM;
    memcpy(copy, proof.data, proof.len);
    struct node_fork fork = {
        .id = *id, .seq = seq, .at_ms = at_ms, .proof = cht_bytes(copy, proof.len)
    };
    enum cht_err err = replica_push(&r->forks, &fork, sizeof fork);
    if (err != CHT_OK)
        free(copy);
    return err;
}

/* A proof that was checked or made here goes into the turn. */
static enum cht_err keep_proof(struct node_replica *r, const struct net_fork_id *id, uint32_t seq,
                               struct cht_bytes proof, uint64_t now_ms)
{
    struct cht_buf value;
    struct cht_bytes key;
    char text[KEY_BYTES] = FORK_KEY;
    crdt_hex(cht_bytes(id->device, CRDT_ID_BYTES), text + strlen(text));
    crdt_hex(cht_bytes(id->epoch, CRDT_EPOCH_BYTES), text + strlen(text));
    cht_buf_init(&value, LIMIT_FORK_BYTES + STAMP_BYTES);
    enum cht_err err = cht_buf_add_u64(&value, now_ms);
    if (err == CHT_OK)
        err = cht_buf_add(&value, proof);
    if (err == CHT_OK)
        err = cht_arena_copy(&r->arena, cht_bytes(text, sizeof text), &key);
    if (err == CHT_OK)
        err = node_replica_keep_meta(r, (const char *)key.data, cht_buf_view(&value));
    cht_buf_clear(&value);
    if (err == CHT_OK)
        err = add_to_list(r, id, seq, now_ms, proof);
    r->changed = true;
    r->epoch_spent |= r->identity != NULL &&
                      memcmp(id->device, r->identity->device, CRDT_ID_BYTES) == 0 &&
                      memcmp(id->epoch, r->epoch, CRDT_EPOCH_BYTES) == 0;
    return err;
}

/* The headers from an entry on to the head of its row. */
static enum cht_err take_branch(struct node_replica *r, struct crdt_place at,
                                struct cht_arena *arena, struct net_fork_branch *out)
{
    struct replica_row row;
    enum cht_err err = replica_row_at(r, at, arena, &row);
    if (err != CHT_OK)
        return err;
    uint32_t skip = at.seq - row.first.seq;
    struct cht_bytes *headers = cht_arena_array(arena, row.count - skip, sizeof *headers);
    if (headers == NULL)
        return CHT_E_NOMEM;
    for (uint32_t i = skip; i < row.count; i++)
        headers[i - skip] = row.entries[i].header_bytes;
    out->count = row.count - skip;
    out->headers = headers;
    memcpy(out->head, row.head, CRDT_SIG_BYTES);
    return CHT_OK;
}

/* Entries with this seq on both chains are of one epoch: prove it, unless that was done. */
static enum cht_err prove(struct node_replica *r, uint32_t chain, uint32_t other, uint32_t seq,
                          uint64_t now_ms)
{
    struct net_fork_id id;
    struct net_fork fork = { .seq = seq };
    struct cht_arena arena;
    struct cht_buf bytes;
    memcpy(id.device, crdt_graph_device_id(&r->graph, chain), CRDT_ID_BYTES);
    memcpy(id.epoch, crdt_graph_epoch(&r->graph, (struct crdt_place){ chain, seq }),
           CRDT_EPOCH_BYTES);
    const struct net_device *writer = net_members_device(r->members, id.device);
    if (writer == NULL || proved(r, &id))
        return CHT_OK;
    memcpy(fork.sign_pk, writer->cert.sign_pk, sizeof fork.sign_pk);
    cht_arena_init(&arena, LIMIT_TURN_BYTES);
    cht_buf_init(&bytes, LIMIT_FORK_BYTES);
    enum cht_err err = take_branch(r, (struct crdt_place){ chain, seq }, &arena, &fork.branches[0]);
    if (err == CHT_OK)
        err = take_branch(r, (struct crdt_place){ other, seq }, &arena, &fork.branches[1]);
    if (err == CHT_OK)
        err = net_fork_encode(&fork, &bytes);
    if (err == CHT_OK)
        err = keep_proof(r, &id, seq, cht_buf_view(&bytes), now_ms);
    else if (err == CHT_E_LIMIT || err == CHT_E_CORRUPT)
        err = CHT_OK; /* headers that nobody honest writes, or a damaged row: told to nobody */
    cht_buf_clear(&bytes);
    cht_arena_clear(&arena);
    return err;
}

static uint32_t epoch_end(const struct crdt_graph_chain *c, uint32_t i)
{
    return i + 1 < c->epoch_count ? c->epochs[i + 1].seq - 1 : c->stored.seq;
}

/* The first epoch of a chain that does not end before `seq`. */
static uint32_t epoch_of(const struct crdt_graph_chain *c, uint32_t seq)
{
    uint32_t low = 0, high = c->epoch_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (epoch_end(c, middle) < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A seq that two chains have in one epoch, in those epochs of the first that reach `from`; 0: none.
 * Both lists ascend by seq, and a hostile device may open an epoch with each entry: they are walked
 * together. */
static uint32_t common(const struct crdt_graph_chain *a, const struct crdt_graph_chain *b,
                       uint32_t from)
{
    uint32_t i = epoch_of(a, from);
    uint32_t k = i < a->epoch_count ? epoch_of(b, a->epochs[i].seq) : 0;
    while (i < a->epoch_count && k < b->epoch_count) {
        uint32_t a_end = epoch_end(a, i), b_end = epoch_end(b, k);
        uint32_t last = a_end < b_end ? a_end : b_end;
        uint32_t first = a->epochs[i].seq > b->epochs[k].seq ? a->epochs[i].seq : b->epochs[k].seq;
        if (first <= last && memcmp(a->epochs[i].epoch, b->epochs[k].epoch, CRDT_EPOCH_BYTES) == 0)
            return first;
        i += a_end <= b_end;
        k += b_end <= a_end;
    }
    return 0;
}

enum cht_err replica_forks_note(struct node_replica *r, struct crdt_place from, uint64_t now_ms)
{
    struct replica_look look = { .from = from, .now_ms = now_ms };
    if (r->graph.devices[r->graph.chains[from.chain].device].chain_count < 2)
        return CHT_OK;
    return replica_push(&r->fork_looks, &look, sizeof look);
}

enum cht_err replica_forks_find(struct node_replica *r)
{
    const struct replica_look *looks = r->fork_looks.items;
    enum cht_err err = keep_twins(r);
    for (size_t i = 0; err == CHT_OK && i < r->fork_looks.count; i++) {
        const struct crdt_place from = looks[i].from;
        const struct crdt_graph_chain *c = &r->graph.chains[from.chain];
        const struct crdt_graph_device *d = &r->graph.devices[c->device];
        for (uint32_t k = 0; err == CHT_OK && k < d->chain_count; k++) {
            uint32_t seq = d->chains[k] == from.chain
                               ? 0
                               : common(c, &r->graph.chains[d->chains[k]], from.seq);
            if (seq != 0)
                err = prove(r, from.chain, d->chains[k], seq, looks[i].now_ms);
        }
    }
    return err;
}

enum cht_err node_replica_add_fork(struct node_replica *r, struct cht_bytes proof, uint64_t now_ms)
{
    struct net_fork fork;
    struct net_fork_id id;
    if (r->broken)
        return CHT_E_INTERNAL;
    replica_turn(r);
    enum cht_err err = net_fork_decode(proof, &r->arena, &fork);
    if (err != CHT_OK)
        return err;
    if (memcmp(fork.space, r->space, CRDT_ID_BYTES) != 0)
        return CHT_E_INVALID;
    if (net_members_device(r->members, fork.device) == NULL)
        return CHT_E_NOTFOUND;
    memcpy(id.device, fork.device, sizeof id.device);
    memcpy(id.epoch, fork.epoch, sizeof id.epoch);
    if (proved(r, &id))
        return CHT_OK;
    err = net_fork_verify(&fork);
    return err == CHT_OK ? keep_proof(r, &id, fork.seq, proof, now_ms) : err;
}

/* --- reading what is kept ------------------------------------------------------------------- */

/* One that cannot be read is evidence lost, which verify names; the node runs without it. */
static enum cht_err load_fork(void *ctx, const char *key, struct cht_bytes value)
{
    struct node_replica *r = ctx;
    struct net_fork fork;
    struct net_fork_id id;
    (void)key;
    if (value.len <= STAMP_BYTES)
        return CHT_OK;
    struct cht_bytes proof = cht_bytes(value.data + STAMP_BYTES, value.len - STAMP_BYTES);
    enum cht_err err = net_fork_decode(proof, &r->arena, &fork);
    if (err != CHT_OK)
        return err == CHT_E_NOMEM ? err : CHT_OK;
    memcpy(id.device, fork.device, sizeof id.device);
    memcpy(id.epoch, fork.epoch, sizeof id.epoch);
    return proved(r, &id) ? CHT_OK : add_to_list(r, &id, fork.seq, cht_get_u64(value.data), proof);
}

enum cht_err replica_forks_load(struct node_replica *r)
{
    struct cht_buf own;
    cht_buf_init(&own, 64);
    enum cht_err err = node_store_get_meta(r->store, TWINS_KEY, &own);
    if (err == CHT_OK && own.len == 4 * STAMP_BYTES)
        r->twins = (struct node_twins){ .reclaimed = cht_get_u64(own.data),
                                        .reclaimed_ms = cht_get_u64(own.data + 8),
                                        .elsewhere = cht_get_u64(own.data + 16),
                                        .elsewhere_ms = cht_get_u64(own.data + 24) };
    cht_buf_clear(&own);
    if (err == CHT_OK || err == CHT_E_NOTFOUND || err == CHT_E_LIMIT)
        err = node_store_each_meta(r->store, FORK_KEY, load_fork, r);
    return err;
}
