/* Folding some entities anew from the log, because a ruling voids entries that were applied or
 * gives them back, or to see what they were before an entry; see own.h (PROTOCOL 3.5, 5.1, 7.12).
 *
 * The list of entities in each log row is the index: only rows that name a wanted one are decoded.
 * Each chain has a cursor at its next entry about a wanted entity; an entry is folded when the
 * cursors of all chains in its past stand behind it. Any such order gives the same state. */
#include "node/replica/own.h"

#include <stdlib.h>

#define REFOLD_ROWS  8u    /* decoded rows kept, by chain */
#define REFOLD_BATCH 4096u /* entities folded at a time: about 1 KiB each */

struct row_in_hand {
    struct cht_arena arena;
    struct replica_row row;
    bool set;
};

struct refold {
    struct node_replica *r;
    const uint8_t *wanted; /* by entity number */
    uint32_t *next;        /* by chain: the seq of its cursor; beyond the applied tip: none left */
    uint32_t *entity;      /* by chain: which entity that entry is about */
    const struct crdt_vector *until; /* fold these entries only; NULL: all that are applied */
    struct crdt_state **into; /* by entity number, states apart; NULL: those of the replica */
    struct row_in_hand rows[REFOLD_ROWS];
};

/* Does the row that holds the entry at `at` name a wanted entity? `*out_end`: the seq behind it. */
static enum cht_err row_wanted(const struct refold *f, struct crdt_place at, bool *out,
                               uint32_t *out_end)
{
    const struct replica_row *now = replica_row_of_turn(f->r, at);
    bool wanted = false;
    if (now != NULL) {
        for (uint32_t i = 0; i < now->entity_count && !wanted; i++)
            wanted = f->wanted[now->entities[i]] != 0;
        *out_end = now->first.seq + now->count;
        *out = wanted;
        return CHT_OK;
    }
    struct node_log_row row;
    enum cht_err err = node_log_find(f->r->store, at, &row);
    if (err != CHT_OK)
        return err;
    struct cht_wire w = cht_wire(row.entities);
    uint32_t n = 0;
    while (!wanted && cht_wire_left(&w) != 0) {
        n += (uint32_t)cht_wire_varint_max(&w, UINT32_MAX);
        if (w.err != CHT_OK || n >= f->r->entities.count)
            return CHT_E_CORRUPT;
        wanted = f->wanted[n] != 0;
    }
    *out_end = row.first.seq + row.count;
    *out = wanted;
    return CHT_OK;
}

static enum cht_err take_row(struct refold *f, struct crdt_place at, struct row_in_hand **out)
{
    struct row_in_hand *hand = &f->rows[at.chain % REFOLD_ROWS];
    bool same = hand->set && hand->row.first.chain == at.chain &&
                at.seq - hand->row.first.seq < hand->row.count;
    if (!same) {
        hand->set = false;
        cht_arena_reset(&hand->arena);
        enum cht_err err = replica_row_at(f->r, at, &hand->arena, &hand->row);
        if (err != CHT_OK)
            return err;
        hand->set = true;
    }
    *out = hand;
    return CHT_OK;
}

/* Move the cursor of a chain to the next entry about a wanted entity, itself included. */
static enum cht_err seek(struct refold *f, uint32_t chain)
{
    uint32_t last = f->r->graph.chains[chain].applied.seq;
    struct crdt_place at = { chain, f->next[chain] };
    if (f->until != NULL && crdt_vector_get(f->until, chain) < last)
        last = crdt_vector_get(f->until, chain);
    while (at.seq <= last) {
        bool wanted;
        uint32_t end;
        struct row_in_hand *hand;
        enum cht_err err = row_wanted(f, at, &wanted, &end);
        if (err == CHT_OK && wanted)
            err = take_row(f, at, &hand);
        for (; err == CHT_OK && wanted && at.seq < end && at.seq <= last; at.seq++) {
            const struct crdt_entry *e = &hand->row.entries[at.seq - hand->row.first.seq];
            uint32_t n;
            err = node_replica_entity_of(f->r, at, e, &n);
            if (err == CHT_OK && n != INDEX_NONE && f->wanted[n] != 0) {
                f->next[chain] = at.seq;
                f->entity[chain] = n;
                return CHT_OK;
            }
        }
        if (err != CHT_OK)
            return err;
        at.seq = end;
    }
    f->next[chain] = UINT32_MAX;
    return CHT_OK;
}

/* Are all wanted entries in that past folded? */
static bool ready(const struct refold *f, const struct crdt_vector *past)
{
    for (uint32_t c = 0; c < past->len; c++) {
        if (past->seq[c] != 0 && past->seq[c] >= f->next[c])
            return false;
    }
    return true;
}

static enum cht_err fold_apart(const struct refold *f, const struct crdt_change *change,
                               struct crdt_state *state, const struct crdt_op *ops, uint32_t count)
{
    struct crdt_root unused = { 0 };
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0; err == CHT_OK && i < count; i++) {
        if (crdt_op_check(state->id.type, &ops[i]) == CHT_OK)
            err = crdt_state_apply(state, &f->r->graph, change, &ops[i], (uint16_t)i, &unused);
    }
    return err;
}

/* The ops of an entry, as apply.c folds them; what is void was noted when it was applied. */
static enum cht_err fold_entry(struct refold *f, const struct crdt_entry *e,
                               struct cht_arena *arena, const struct crdt_change *change,
                               uint32_t n)
{
    struct node_replica *r = f->r;
    struct crdt_op *ops = NULL;
    struct crdt_id actor;
    struct replica_slot *slot;
    uint32_t count = 0;
    enum cht_err err = crdt_body_decode(e->body, arena, &ops, &count);
    if (err != CHT_OK)
        return err == CHT_E_NOMEM ? err : CHT_OK;
    if (e->header.actor.form != CRDT_REF_NONE) {
        err = node_replica_actor_of(r, change->at, e, &actor);
        if (err != CHT_OK)
            return err == CHT_E_NOTFOUND ? CHT_OK : err;
    }
    if (f->into != NULL)
        return fold_apart(f, change, f->into[n], ops, count);
    err = replica_slot(r, n, &slot);
    for (uint32_t i = 0; err == CHT_OK && i < count; i++) {
        if (crdt_op_check(slot->state->id.type, &ops[i]) != CHT_OK)
            continue;
        err = replica_touch(r, n, change->at, ops[i].field);
        if (err == CHT_OK)
            err = crdt_state_apply(slot->state, &r->graph, change, &ops[i], (uint16_t)i, &r->root);
    }
    return err;
}

/* Fold the entry at a chain's cursor when its past is; `*out_done`: it was, and the cursor moved.
 */
static enum cht_err step(struct refold *f, uint32_t chain, bool *out_done)
{
    struct crdt_place at = { chain, f->next[chain] };
    struct crdt_vector past = { 0 };
    struct row_in_hand *hand;
    enum cht_err err = replica_past(f->r, at, &past);
    *out_done = err == CHT_OK && ready(f, &past);
    if (*out_done && !replica_is_ruled(f->r, at)) {
        err = take_row(f, at, &hand);
        if (err == CHT_OK) {
            const struct crdt_entry *e = &hand->row.entries[at.seq - hand->row.first.seq];
            struct crdt_change change = { .at = at, .hlc = e->header.hlc, .past = &past };
            err = fold_entry(f, e, &hand->arena, &change, f->entity[chain]);
        }
    }
    crdt_vector_clear(&past);
    if (err == CHT_OK && *out_done) {
        f->next[chain] = at.seq + 1;
        err = seek(f, chain);
    }
    return err;
}

static enum cht_err walk(struct refold *f)
{
    uint32_t chains = f->r->graph.chain_count;
    enum cht_err err = CHT_OK;
    for (uint32_t c = 0; err == CHT_OK && c < chains; c++) {
        f->next[c] = f->r->graph.chains[c].branch_seq + 1;
        err = seek(f, c);
    }
    bool left = true, progress = true;
    while (err == CHT_OK && left && progress) {
        left = progress = false;
        for (uint32_t c = 0; err == CHT_OK && c < chains; c++) {
            bool done = true;
            while (err == CHT_OK && done && f->next[c] != UINT32_MAX) {
                err = step(f, c, &done);
                progress |= done;
            }
            left |= f->next[c] != UINT32_MAX;
        }
    }
    return err == CHT_OK && left ? CHT_E_CORRUPT : err; /* pasts that go round */
}

/* Who watches hears of the fields that were there; the row is made anew. */
static enum cht_err empty(struct node_replica *r, uint32_t n)
{
    static const struct crdt_place nowhere = { CRDT_NO_CHAIN, 0 };
    struct replica_slot *slot;
    enum cht_err err = replica_slot(r, n, &slot);
    if (err == CHT_OK)
        err = replica_touch(r, n, nowhere, CRDT_FIELD_DELETED);
    for (uint32_t i = 0; err == CHT_OK && i < slot->state->count; i++)
        err = replica_touch(r, n, nowhere, slot->state->cells[i].field);
    if (err != CHT_OK)
        return err;
    struct crdt_root sum = { 0 };
    struct crdt_hash bytes;
    crdt_state_sum(slot->state, &r->graph, &sum);
    crdt_root_bytes(&sum, bytes.b);
    crdt_root_sub(&r->root, &bytes);
    crdt_state_clear(slot->state);
    slot->flags &= (uint8_t)~SLOT_OPS;
    slot->flags |= SLOT_AGAIN;
    slot->row = 0;
    return CHT_OK;
}

static enum cht_err begin(struct refold *f)
{
    f->next = calloc((size_t)f->r->graph.chain_count + 1, sizeof *f->next);
    f->entity = calloc((size_t)f->r->graph.chain_count + 1, sizeof *f->entity);
    for (uint32_t i = 0; i < REFOLD_ROWS; i++)
        cht_arena_init(&f->rows[i].arena, LIMIT_TURN_BYTES);
    return f->next == NULL || f->entity == NULL ? CHT_E_NOMEM : CHT_OK;
}

static void end(struct refold *f)
{
    for (uint32_t i = 0; i < REFOLD_ROWS; i++)
        cht_arena_clear(&f->rows[i].arena);
    free(f->next);
    free(f->entity);
}

static enum cht_err refold_batch(struct node_replica *r, const uint8_t *wanted)
{
    struct refold f = { .r = r, .wanted = wanted };
    enum cht_err err = begin(&f);
    for (uint32_t n = 0; err == CHT_OK && n < r->entities.count; n++) {
        if (wanted[n] != 0)
            err = empty(r, n);
    }
    if (err == CHT_OK)
        err = walk(&f);
    r->scrub = (struct replica_scrub){ 0 }; /* the round under way starts anew */
    end(&f);
    return err;
}

enum cht_err node_replica_past_states(struct node_replica *r, struct crdt_place at,
                                      const uint32_t *entities, size_t count,
                                      struct crdt_state *out)
{
    struct crdt_vector until = { 0 };
    struct refold f = { .r = r, .until = &until };
    uint8_t *wanted = calloc((size_t)r->entities.count + 1, 1);
    f.into = calloc((size_t)r->entities.count + 1, sizeof(struct crdt_state *));
    enum cht_err err = begin(&f);
    if (wanted == NULL || f.into == NULL)
        err = CHT_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        crdt_state_init(&out[i], &r->entities.slots[entities[i]].id);
        if (err != CHT_OK)
            continue;
        wanted[entities[i]] = 1;
        f.into[entities[i]] = &out[i];
    }
    f.wanted = wanted;
    if (err == CHT_OK)
        err = replica_past(r, at, &until);
    if (err == CHT_OK)
        err = walk(&f);
    for (size_t i = 0; err != CHT_OK && i < count; i++)
        crdt_state_clear(&out[i]);
    end(&f);
    crdt_vector_clear(&until);
    free(wanted);
    free(f.into);
    return err;
}

/* The next entities to fold anew, from `*at` on. */
static uint32_t take_batch(struct node_replica *r, uint32_t *at, uint8_t *wanted)
{
    uint32_t count = 0;
    memset(wanted, 0, r->entities.count);
    for (; *at < r->entities.count && count < REFOLD_BATCH; (*at)++) {
        wanted[*at] = r->refolds[*at];
        count += wanted[*at];
    }
    return count;
}

enum cht_err replica_refold(struct node_replica *r)
{
    if (r->refolds == NULL)
        return CHT_OK;
    uint8_t *wanted = malloc((size_t)r->entities.count + 1);
    enum cht_err err = wanted == NULL ? CHT_E_NOMEM : CHT_OK;
    uint32_t at = 0;
    while (err == CHT_OK && take_batch(r, &at, wanted) != 0) {
        err = refold_batch(r, wanted);
        if (!r->writable || at == r->entities.count)
            continue; /* the last ones are written with the rest */
        if (err == CHT_OK)
            err = replica_write_rows(r);
        replica_written(r);
        replica_cache_drop(r);
    }
    free(wanted);
    free(r->refolds);
    r->refolds = NULL;
    return err;
}
