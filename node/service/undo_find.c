/* The own transactions, newest first, and which of them others take back; see undo.h.
 *
 * An undo names what it takes back. Walking back from the newest, every such name is met before
 * what it names; an undo that was taken back itself takes back nothing. */
#include "node/service/undo.h"

#include <stdlib.h>

/* Where the walk stands on one of the device's chains. */
struct walk {
    struct crdt_place at;
    uint32_t branch_seq; /* the chain's first entry is the one after */
    struct cht_arena arena;
    const struct crdt_entry *entries; /* of the row that holds `at` */
    uint32_t first;
};

struct finding {
    struct node_service *s;
    const struct undo_wanted *wanted;
    struct walk *walks;
    uint32_t walk_count, looked_at;
    struct crdt_hash *undone;
    size_t undone_count, undone_cap;
    struct undo_txn *found;
    uint32_t count;
};

static enum cht_err load(struct finding *f, struct walk *w)
{
    uint32_t count;
    if (w->at.seq <= w->branch_seq || (w->entries != NULL && w->at.seq >= w->first))
        return CHT_OK;
    cht_arena_reset(&w->arena);
    w->entries = NULL;
    return node_replica_entries(f->s->replica, w->at, &w->arena, &w->entries, &w->first, &count);
}

/* The chain whose last entry is the newest; NULL: all are walked. */
static enum cht_err newest(struct finding *f, struct walk **out)
{
    crdt_hlc_stamp best = 0;
    enum cht_err err = CHT_OK;
    *out = NULL;
    for (uint32_t i = 0; err == CHT_OK && i < f->walk_count; i++) {
        struct walk *w = &f->walks[i];
        if (w->at.seq <= w->branch_seq)
            continue;
        err = load(f, w);
        const crdt_hlc_stamp stamp =
            err == CHT_OK ? w->entries[w->at.seq - w->first].header.hlc : 0;
        if (err == CHT_OK && (*out == NULL || stamp > best)) {
            *out = w;
            best = stamp;
        }
    }
    return err;
}

static bool is_undone(const struct finding *f, const struct crdt_hash *hash)
{
    for (size_t i = 0; i < f->undone_count; i++) {
        if (memcmp(f->undone[i].b, hash->b, CRDT_HASH_BYTES) == 0)
            return true;
    }
    return false;
}

static enum cht_err note_undone(struct finding *f, const struct crdt_hash *hash)
{
    if (f->undone_count == f->undone_cap) {
        const size_t cap = f->undone_cap == 0 ? 64 : 2 * f->undone_cap;
        struct crdt_hash *grown = realloc(f->undone, cap * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        f->undone = grown;
        f->undone_cap = cap;
    }
    f->undone[f->undone_count++] = *hash;
    return CHT_OK;
}

static enum cht_err is_wanted_actor(struct finding *f, struct crdt_place at,
                                    const struct crdt_entry *e, bool *out)
{
    struct crdt_id actor;
    enum cht_err err = node_replica_actor_of(f->s->replica, at, e, &actor);
    *out = err == CHT_E_NOTFOUND ? f->wanted->actor == NULL
                                 : err == CHT_OK && f->wanted->actor != NULL &&
                                       memcmp(actor.b, f->wanted->actor->b, CRDT_ID_BYTES) == 0;
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

/* What the first entry says that its transaction takes back. */
static enum cht_err read_marks(struct finding *f, const struct crdt_entry *e, bool count,
                               enum crdt_undo_kind *out_kind)
{
    struct cht_arena arena;
    struct crdt_op *ops = NULL;
    uint32_t op_count = 0;
    cht_arena_init(&arena, LIMIT_TURN_BYTES);
    enum cht_err err = crdt_body_decode(e->body, &arena, &ops, &op_count);
    *out_kind = 0;
    for (uint32_t i = 0; err == CHT_OK && i < op_count; i++) {
        struct crdt_hash hash;
        if (crdt_undo_read(&ops[i], out_kind, &hash) && count)
            err = note_undone(f, &hash);
    }
    cht_arena_clear(&arena);
    return err;
}

/* The ops of a transaction, copied from the row. */
static enum cht_err take_ops(struct finding *f, const struct walk *w, struct undo_txn *txn,
                             uint32_t entries)
{
    struct cht_arena *arena = &f->s->arena;
    enum cht_err err = CHT_OK;
    uint32_t cap = 0;
    for (uint32_t i = 0; err == CHT_OK && i < entries; i++) {
        const struct crdt_place at = { txn->first.chain, txn->first.seq + i };
        const struct crdt_entry *e = &w->entries[at.seq - w->first];
        struct crdt_op *ops;
        struct cht_bytes body;
        uint32_t count, n;
        err = node_replica_entity_of(f->s->replica, at, e, &n);
        if (err == CHT_OK)
            err = cht_arena_copy(arena, e->body, &body);
        if (err == CHT_OK)
            err = crdt_body_decode(body, arena, &ops, &count);
        if (err == CHT_OK && txn->op_count + count > cap) {
            cap = 2 * (txn->op_count + count);
            struct undo_op *grown = cht_arena_array(arena, cap, sizeof *grown);
            if (grown != NULL && txn->op_count != 0)
                memcpy(grown, txn->ops, txn->op_count * sizeof *grown);
            txn->ops = grown;
            err = grown == NULL ? CHT_E_NOMEM : CHT_OK;
        }
        for (uint32_t k = 0; err == CHT_OK && n != INDEX_NONE && k < count; k++) {
            if (ops[k].field != CRDT_FIELD_UNDOES && ops[k].fault == CHT_OK)
                txn->ops[txn->op_count++] = (struct undo_op){ n, ops[k] };
        }
    }
    return err;
}

/* The transaction that ends where the walk stands, and step before it. */
static enum cht_err step(struct finding *f, struct walk *w)
{
    const struct crdt_entry *last = &w->entries[w->at.seq - w->first];
    const uint32_t entries = last->header.txn_position + 1;
    struct undo_txn txn = { .first = { w->at.chain, w->at.seq - last->header.txn_position } };
    bool mine = false;
    enum cht_err err = CHT_OK;
    f->looked_at += entries;
    w->at.seq = txn.first.seq - 1;
    if (txn.first.seq < w->first || last->header.entity.form == CRDT_REF_NONE ||
        node_replica_ruled(f->s->replica, txn.first) != NULL)
        return CHT_OK; /* entries that only tie the log together, or count for nothing */
    const struct crdt_entry *first = &w->entries[txn.first.seq - w->first];
    txn.hash = first->hash;
    txn.stamp = first->header.hlc;
    err = is_wanted_actor(f, txn.first, first, &mine);
    if (err != CHT_OK || !mine)
        return err;
    const bool undone = is_undone(f, &txn.hash);
    err = read_marks(f, first, !undone, &txn.kind);
    if (err != CHT_OK || undone || (txn.kind == CRDT_UNDOES) != f->wanted->redo)
        return err;
    err = take_ops(f, w, &txn, entries);
    if (err == CHT_OK && txn.op_count != 0) /* else it only says that it took something back */
        f->found[f->count++] = txn;
    return err;
}

enum cht_err undo_at(struct node_service *s, struct crdt_place at, struct undo_txn *out)
{
    struct finding f = { .s = s };
    struct walk w = { .at = at };
    struct undo_txn txn = { .first = at };
    uint32_t count = 0;
    cht_arena_init(&w.arena, LIMIT_TURN_BYTES);
    enum cht_err err = node_replica_entries(s->replica, at, &w.arena, &w.entries, &w.first, &count);
    if (err == CHT_OK) {
        const struct crdt_header *h = &w.entries[at.seq - w.first].header;
        const uint32_t entries = h->txn_count == 0 ? 1 : h->txn_count;
        txn.first.seq = at.seq - h->txn_position;
        if (txn.first.seq < w.first || txn.first.seq + entries > w.first + count)
            err = CHT_E_NOTFOUND; /* one that is not whole */
        else
            txn.hash = w.entries[txn.first.seq - w.first].hash;
        if (err == CHT_OK)
            err = take_ops(&f, &w, &txn, entries);
    }
    cht_arena_clear(&w.arena);
    if (err == CHT_OK)
        *out = txn;
    return err;
}

static enum cht_err start(struct finding *f)
{
    const struct crdt_graph *g = node_replica_graph(f->s->replica);
    uint32_t own = 0;
    while (own < g->device_count &&
           memcmp(g->devices[own].id, f->s->identity->device, CRDT_ID_BYTES) != 0)
        own++;
    const uint32_t chains = own < g->device_count ? g->devices[own].chain_count : 0;
    f->walks = calloc((size_t)chains + 1, sizeof *f->walks);
    if (f->walks == NULL)
        return CHT_E_NOMEM;
    for (; f->walk_count < chains; f->walk_count++) {
        struct walk *w = &f->walks[f->walk_count];
        const uint32_t chain = g->devices[own].chains[f->walk_count];
        w->at = (struct crdt_place){ chain, g->chains[chain].applied.seq };
        w->branch_seq = g->chains[chain].branch_seq;
        cht_arena_init(&w->arena, LIMIT_TURN_BYTES);
    }
    return CHT_OK;
}

enum cht_err undo_find(struct node_service *s, const struct undo_wanted *wanted,
                       struct undo_txn **out, uint32_t *out_count)
{
    struct finding f = { .s = s, .wanted = wanted };
    struct walk *w = NULL;
    f.found = cht_arena_array(&s->arena, wanted->count, sizeof *f.found);
    enum cht_err err = f.found == NULL ? CHT_E_NOMEM : start(&f);
    if (err == CHT_OK)
        err = newest(&f, &w);
    while (err == CHT_OK && w != NULL && f.count < wanted->count && f.looked_at < UNDO_WALK_MAX) {
        err = step(&f, w);
        if (err == CHT_OK)
            err = newest(&f, &w);
    }
    for (uint32_t i = 0; i < f.walk_count; i++)
        cht_arena_clear(&f.walks[i].arena);
    free(f.walks);
    free(f.undone);
    if (err != CHT_OK)
        return err;
    *out = f.found;
    *out_count = f.count;
    return CHT_OK;
}
