/* Which applied entries rulings void, and what follows when that changes; see own.h
 * (PROTOCOL 7.26).
 *
 * Few devices are ever ruled on, so nothing is kept of the others. Of a ruled one the void entries
 * are kept as runs a chain: an entry is void or not by the cut-offs, which are prefixes of a chain,
 * and by the heads in force, which change seldom. */
#include "node/replica/own.h"

#include <stdlib.h>

static const char *standing_word(enum net_standing standing)
{
    switch (standing) {
    case NET_STANDS:
        break;
    case NET_VOID_REVOKED:
        return "revoked";
    case NET_VOID_ROLE:
        return "role";
    case NET_VOID_ADMISSION:
        return "admission";
    }
    return "stands";
}

/* --- runs ----------------------------------------------------------------------------------- */

static void clear_one(struct replica_ruled *x)
{
    free(x->runs);
    *x = (struct replica_ruled){ 0 };
}

void replica_ruled_clear(struct node_replica *r)
{
    for (uint32_t c = 0; c < r->ruled_cap; c++)
        clear_one(&r->ruled[c]);
    for (unsigned i = 0; i < REPLICA_CUTS; i++)
        crdt_vector_clear(&r->cuts[i].past);
    free(r->ruled);
    free(r->changes);
    free(r->refolds);
    r->refolds = NULL;
    r->ruled = NULL;
    r->changes = NULL;
    r->ruled_cap = r->changes_cap = r->records_seen = 0;
    r->ruled_count = 0;
    r->rejudge = r->unruly = false;
}

/* Room for all chains and devices of the graph. */
static enum cht_err widen(struct node_replica *r)
{
    uint32_t chains = r->graph.chain_count, devices = r->graph.device_count;
    if (r->ruled_cap < chains) {
        struct replica_ruled *grown = realloc(r->ruled, chains * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        memset(&grown[r->ruled_cap], 0, (chains - r->ruled_cap) * sizeof *grown);
        r->ruled = grown;
        r->ruled_cap = chains;
    }
    if (r->changes_cap < devices) {
        uint32_t *grown = realloc(r->changes, devices * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        memset(&grown[r->changes_cap], 0, (devices - r->changes_cap) * sizeof *grown);
        r->changes = grown;
        r->changes_cap = devices;
    }
    return CHT_OK;
}

/* Add an entry behind all that are in the runs. */
static enum cht_err append(struct replica_ruled *x, uint32_t seq, enum net_standing why)
{
    struct replica_run *last = x->count == 0 ? NULL : &x->runs[x->count - 1];
    if (last != NULL && last->to + 1 == seq && last->why == why) {
        last->to = seq;
        return CHT_OK;
    }
    if (x->count == x->cap) {
        uint32_t cap = x->cap == 0 ? 4 : x->cap * 2;
        struct replica_run *grown = realloc(x->runs, cap * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        x->runs = grown;
        x->cap = cap;
    }
    x->runs[x->count++] = (struct replica_run){ seq, seq, why };
    return CHT_OK;
}

static const struct replica_run *find_run(const struct replica_ruled *x, uint32_t seq)
{
    uint32_t low = 0, high = x->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (x->runs[mid].to < seq)
            low = mid + 1;
        else
            high = mid;
    }
    return low < x->count && x->runs[low].from <= seq ? &x->runs[low] : NULL;
}

bool replica_is_ruled(const struct node_replica *r, struct crdt_place at)
{
    return at.chain < r->ruled_cap && find_run(&r->ruled[at.chain], at.seq) != NULL;
}

enum cht_err replica_ruled_load(struct node_replica *r, struct crdt_place at, const char *why)
{
    enum net_standing standing = NET_VOID_REVOKED;
    while (standing <= NET_VOID_ADMISSION && strcmp(why, standing_word(standing)) != 0)
        standing++;
    enum cht_err err = standing > NET_VOID_ADMISSION ? CHT_E_CORRUPT : widen(r);
    if (err == CHT_OK)
        err = append(&r->ruled[at.chain], at.seq, standing);
    r->ruled_count += err == CHT_OK;
    return err;
}

/* --- the heads in force --------------------------------------------------------------------- */

/* Those that the last entry on the path names, `at` included (PROTOCOL 2.7). */
static enum cht_err find_heads(struct node_replica *r, struct crdt_place at,
                               struct replica_ruled *out)
{
    struct cht_arena arena;
    cht_arena_init(&arena, LIMIT_TURN_BYTES);
    enum cht_err err = CHT_OK;
    const struct crdt_header *h = NULL;
    while (err == CHT_OK && h == NULL && at.seq != 0) {
        struct replica_row row;
        cht_arena_reset(&arena);
        at = crdt_graph_on_path(&r->graph, at.chain, at.seq);
        err = replica_row_at(r, at, &arena, &row);
        for (; err == CHT_OK && h == NULL && at.seq >= row.first.seq; at.seq--) {
            const struct crdt_header *named = &row.entries[at.seq - row.first.seq].header;
            h = named->head_count != 0 ? named : NULL;
        }
    }
    if (err == CHT_OK && h == NULL)
        err = CHT_E_CORRUPT; /* the first entry of a path names heads, or was refused */
    if (err == CHT_OK) {
        out->head_count = h->head_count;
        memcpy(out->heads, h->heads, h->head_count * sizeof *out->heads);
    }
    cht_arena_clear(&arena);
    return err;
}

static void take_heads(struct replica_ruled *x, const struct crdt_header *h)
{
    x->head_count = h->head_count;
    memcpy(x->heads, h->heads, h->head_count * sizeof *x->heads);
}

/* --- one entry ------------------------------------------------------------------------------ */

struct judging {
    struct node_replica *r;
    struct crdt_place at;
    const struct net_tip *self; /* the entry at `at` as a tip, when it is not applied yet; NULL */
    uint32_t device;
    uint32_t upto; /* entries of the chain from `at` to this one are judged alike */
};

static bool tip_eq(const struct net_tip *a, const struct net_tip *b)
{
    return a->seq == b->seq && crdt_hash_eq(&a->hash, &b->hash) &&
           memcmp(a->epoch, b->epoch, CRDT_EPOCH_BYTES) == 0;
}

/* The past of an applied tip, itself included; NULL in `*out`: it is not applied here. */
static enum cht_err past_of_tip(struct judging *j, const struct net_tip *tip,
                                const struct crdt_vector **out)
{
    struct node_replica *r = j->r;
    for (unsigned i = 0; i < REPLICA_CUTS; i++) {
        /* the whole name counts, and of whom (PROTOCOL 7.20) */
        if (r->cuts[i].past.len != 0 && r->cuts[i].device == j->device &&
            tip_eq(&r->cuts[i].tip, tip)) {
            *out = &r->cuts[i].past;
            return CHT_OK;
        }
    }
    struct crdt_place at;
    *out = NULL;
    enum cht_err err = crdt_graph_locate(&r->graph, j->device, tip->seq,
                                         cht_bytes(tip->hash.b, CRDT_HASH_BYTES), &at);
    if (err != CHT_OK)
        return err == CHT_E_NOTFOUND ? CHT_OK : err;
    if (r->graph.chains[at.chain].applied.seq < at.seq ||
        memcmp(crdt_graph_epoch(&r->graph, at), tip->epoch, CRDT_EPOCH_BYTES) != 0)
        return CHT_OK;
    struct replica_cut *cut = &r->cuts[r->cut_next];
    crdt_vector_clear(&cut->past);
    cut->tip = *tip;
    cut->device = j->device;
    err = r->graph.source.past_at(r, at, &cut->past);
    if (err != CHT_OK) {
        crdt_vector_clear(&cut->past);
        return err;
    }
    r->cut_next = (r->cut_next + 1) % REPLICA_CUTS;
    *out = &cut->past;
    return CHT_OK;
}

/* net_question's: a chain's entries inside stand before those outside. */
static enum cht_err inside(void *ctx, const struct net_tip *tip, bool *out)
{
    struct judging *j = ctx;
    const struct crdt_vector *past;
    *out = false;
    if (j->self != NULL && tip_eq(j->self, tip)) {
        *out = true;
        j->upto = j->at.seq;
        return CHT_OK;
    }
    enum cht_err err = past_of_tip(j, tip, &past);
    if (err != CHT_OK || past == NULL || !crdt_vector_has(past, j->at.chain, j->at.seq))
        return err;
    *out = true;
    uint32_t last = crdt_vector_get(past, j->at.chain);
    j->upto = last < j->upto ? last : j->upto;
    return CHT_OK;
}

static enum cht_err judge(struct judging *j, const struct replica_ruled *under,
                          enum net_standing *out)
{
    struct net_judgement judged;
    struct net_question question = { .device = j->r->graph.devices[j->device].id,
                                     .heads = under->heads,
                                     .head_count = under->head_count,
                                     .inside = inside,
                                     .ctx = j };
    j->upto = UINT32_MAX;
    enum cht_err err = net_members_judge(j->r->members, &question, &judged);
    if (err == CHT_E_DENIED || err == CHT_E_WAITING)
        return CHT_E_CORRUPT; /* it was refused when it came */
    if (err == CHT_OK)
        *out = judged.standing;
    return err;
}

/* Until a record rules, or gives a role that does not write, every entry stands. */
static bool unruly(struct node_replica *r)
{
    for (; r->records_seen < net_members_count(r->members); r->records_seen++) {
        struct net_record rec;
        enum cht_err err =
            net_record_decode(net_members_record(r->members, r->records_seen, NULL), &rec);
        r->unruly |= err != CHT_OK || rec.kind == NET_RECORD_ROLE ||
                     rec.kind == NET_RECORD_REVOKE ||
                     (rec.kind == NET_RECORD_ADMIT && rec.role != NET_ROLE_ADMIN &&
                      rec.role != NET_ROLE_WRITER);
    }
    return r->unruly;
}

static enum cht_err note(struct node_replica *r, struct crdt_place at, enum net_standing why,
                         bool gone)
{
    struct replica_void v = {
        .place = at, .op = NODE_VOID_RULED, .why = standing_word(why), .gone = gone
    };
    return replica_push(&r->voids, &v, sizeof v);
}

enum cht_err replica_judge(struct node_replica *r, struct crdt_place at, const struct crdt_entry *e,
                           bool *out_void)
{
    *out_void = false;
    if (!unruly(r))
        return CHT_OK;
    enum cht_err err = widen(r);
    if (err != CHT_OK)
        return err;
    struct replica_ruled *x = &r->ruled[at.chain];
    if (e->header.head_count != 0)
        take_heads(x, &e->header);
    else if (x->heads_at == 0 || x->heads_at + 1 != at.seq)
        err = find_heads(r, at, x);
    x->heads_at = at.seq;
    struct net_tip self = { .seq = at.seq, .hash = e->hash };
    memcpy(self.epoch, e->header.epoch, CRDT_EPOCH_BYTES);
    struct judging j = {
        .r = r, .at = at, .self = &self, .device = r->graph.chains[at.chain].device
    };
    enum net_standing standing;
    if (err == CHT_OK)
        err = judge(&j, x, &standing);
    if (err != CHT_OK)
        return err;
    if (net_members_cuts_at(r->members, e->header.device, &self)) {
        r->changes[j.device] = UINT32_MAX; /* others may be inside now */
        r->rejudge = true;
    }
    *out_void = standing != NET_STANDS;
    if (!*out_void)
        return CHT_OK;
    err = append(x, at.seq, standing);
    if (err == CHT_OK)
        err = note(r, at, standing, false);
    r->ruled_count += err == CHT_OK;
    return err;
}

/* --- all entries of a device ---------------------------------------------------------------- */

/* The runs of a chain as they are to be. */
static enum cht_err judge_chain(struct node_replica *r, uint32_t chain, struct replica_ruled *out)
{
    struct judging j = { .r = r, .device = r->graph.chains[chain].device };
    uint32_t last = r->graph.chains[chain].applied.seq;
    struct cht_arena arena;
    struct replica_row row;
    enum net_standing standing = NET_STANDS;
    cht_arena_init(&arena, LIMIT_TURN_BYTES);
    j.at = (struct crdt_place){ chain, r->graph.chains[chain].branch_seq + 1 };
    enum cht_err err = j.at.seq <= last ? find_heads(r, j.at, out) : CHT_OK;
    while (err == CHT_OK && j.at.seq <= last) {
        cht_arena_reset(&arena);
        err = replica_row_at(r, j.at, &arena, &row);
        for (; err == CHT_OK && j.at.seq <= last && j.at.seq - row.first.seq < row.count;
             j.at.seq++) {
            const struct crdt_header *h = &row.entries[j.at.seq - row.first.seq].header;
            if (h->head_count != 0)
                take_heads(out, h);
            if (h->head_count != 0 || j.at.seq > j.upto)
                err = judge(&j, out, &standing);
            if (err == CHT_OK && standing != NET_STANDS)
                err = append(out, j.at.seq, standing);
        }
    }
    out->heads_at = out->head_count == 0 ? 0 : last;
    cht_arena_clear(&arena);
    return err;
}

static enum cht_err want(struct node_replica *r, struct crdt_place at, struct cht_arena *arena,
                         struct replica_row *row, uint8_t *wanted)
{
    enum cht_err err = CHT_OK;
    if (row->count == 0 || at.seq - row->first.seq >= row->count) {
        cht_arena_reset(arena);
        err = replica_row_at(r, at, arena, row);
    }
    uint32_t n = INDEX_NONE;
    if (err == CHT_OK)
        err = node_replica_entity_of(r, at, &row->entries[at.seq - row->first.seq], &n);
    if (err == CHT_OK && n != INDEX_NONE)
        wanted[n] = 1;
    return err;
}

/* Note what differs between the runs of a chain and what they are to be. */
static enum cht_err compare(struct node_replica *r, uint32_t chain, const struct replica_ruled *now,
                            uint8_t *wanted)
{
    const struct replica_ruled *was = &r->ruled[chain];
    struct cht_arena arena;
    struct replica_row row = { .count = 0 };
    uint32_t i = 0, k = 0, seq = 0;
    enum cht_err err = CHT_OK;
    cht_arena_init(&arena, LIMIT_TURN_BYTES);
    while (err == CHT_OK && (i < was->count || k < now->count)) {
        /* the next entry that is in either */
        uint32_t a = i < was->count ? was->runs[i].from : UINT32_MAX;
        uint32_t b = k < now->count ? now->runs[k].from : UINT32_MAX;
        uint32_t next = a < b ? a : b;
        seq = seq > next ? seq : next;
        bool old = i < was->count && was->runs[i].from <= seq;
        bool new = k < now->count && now->runs[k].from <= seq;
        struct crdt_place at = { chain, seq };
        if (old != new)
            err = want(r, at, &arena, &row, wanted);
        if (err == CHT_OK && (old != new || was->runs[i].why != now->runs[k].why))
            err = note(r, at, new ? now->runs[k].why : was->runs[i].why, !new);
        r->ruled_count += new;
        r->ruled_count -= old;
        i += old && was->runs[i].to == seq;
        k += new && now->runs[k].to == seq;
        seq++;
    }
    cht_arena_clear(&arena);
    return err;
}

static enum cht_err rejudge_device(struct node_replica *r, uint32_t device, uint8_t *wanted)
{
    const struct crdt_graph_device *d = &r->graph.devices[device];
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0; err == CHT_OK && i < d->chain_count; i++) {
        struct replica_ruled now = { .heads_at = 0 };
        err = judge_chain(r, d->chains[i], &now);
        if (err == CHT_OK)
            err = compare(r, d->chains[i], &now, wanted);
        if (err != CHT_OK) {
            free(now.runs);
            return err;
        }
        free(r->ruled[d->chains[i]].runs);
        r->ruled[d->chains[i]] = now;
    }
    r->changes[device] = net_members_changes(r->members, d->id);
    return CHT_OK;
}

enum cht_err replica_rejudge(struct node_replica *r)
{
    r->rejudge = false;
    if (!unruly(r))
        return CHT_OK;
    enum cht_err err = widen(r);
    free(r->refolds);
    r->refolds = calloc((size_t)r->entities.count + 1, 1);
    if (err == CHT_OK && r->refolds == NULL)
        err = CHT_E_NOMEM;
    for (uint32_t d = 0; err == CHT_OK && d < r->graph.device_count; d++) {
        if (r->changes[d] != net_members_changes(r->members, r->graph.devices[d].id))
            err = rejudge_device(r, d, r->refolds);
    }
    return err;
}

void replica_records_came(struct node_replica *r)
{
    r->rejudge |= unruly(r);
}

enum cht_err replica_ruled_loaded(struct node_replica *r)
{
    enum cht_err err = widen(r);
    for (uint32_t d = 0; err == CHT_OK && d < r->graph.device_count; d++)
        r->changes[d] = net_members_changes(r->members, r->graph.devices[d].id);
    return err;
}

/* --- asking --------------------------------------------------------------------------------- */

const char *node_replica_ruled(const struct node_replica *r, struct crdt_place at)
{
    at = crdt_graph_on_path(&r->graph, at.chain, at.seq);
    const struct replica_run *run =
        at.chain < r->ruled_cap ? find_run(&r->ruled[at.chain], at.seq) : NULL;
    return run == NULL ? NULL : standing_word(run->why);
}

enum cht_err node_replica_judgement(struct node_replica *r, struct crdt_place at,
                                    struct net_judgement *out)
{
    at = crdt_graph_on_path(&r->graph, at.chain, at.seq);
    if (at.seq > r->graph.chains[at.chain].applied.seq)
        return CHT_E_NOTFOUND;
    struct replica_ruled under = { .heads_at = 0 };
    struct judging j = { .r = r, .at = at, .device = r->graph.chains[at.chain].device };
    struct net_question question = {
        .device = r->graph.devices[j.device].id, .heads = under.heads, .inside = inside, .ctx = &j
    };
    enum cht_err err = find_heads(r, at, &under);
    question.head_count = under.head_count;
    return err == CHT_OK ? net_members_judge(r->members, &question, out) : err;
}

void node_replica_each_ruled(const struct node_replica *r,
                             void (*each)(void *ctx, struct crdt_place first, uint32_t count),
                             void *ctx)
{
    for (uint32_t c = 0; c < r->ruled_cap; c++) {
        for (uint32_t i = 0; i < r->ruled[c].count; i++) {
            const struct replica_run *run = &r->ruled[c].runs[i];
            each(ctx, (struct crdt_place){ c, run->from }, run->to - run->from + 1);
        }
    }
}

/* The end of the last range that is wholly applied, and not stamped later than `until_ms`, at `at`
 * or before it on its path. */
static enum cht_err range_end(struct node_replica *r, struct crdt_place at, uint64_t until_ms,
                              struct net_tip *out)
{
    struct node_log_row row;
    enum cht_err err;
    while (at.seq != 0) {
        at = crdt_graph_on_path(&r->graph, at.chain, at.seq);
        if (r->own.count != 0 && at.chain == r->own_chain && at.seq > r->own_before.seq) {
            at.seq = r->own_before.seq; /* not signed yet */
            continue;
        }
        const struct replica_row *now = replica_row_of_turn(r, at);
        if (now == NULL)
            err = node_log_find(r->store, at, &row);
        if (now == NULL && err != CHT_OK)
            return err;
        struct crdt_place first = now != NULL ? now->first : row.first;
        uint32_t end = first.seq - 1 + (now != NULL ? now->count : row.count);
        uint64_t ms = crdt_hlc_ms(now != NULL ? now->stamp : row.stamp);
        if (end <= r->graph.chains[at.chain].applied.seq && ms <= until_ms) {
            *out = (struct net_tip){ .seq = end };
            memcpy(out->hash.b, now != NULL ? now->tip.b : row.tip.data, CRDT_HASH_BYTES);
            memcpy(out->epoch, crdt_graph_epoch(&r->graph, (struct crdt_place){ at.chain, end }),
                   CRDT_EPOCH_BYTES);
            return CHT_OK;
        }
        at.seq = first.seq - 1;
    }
    return CHT_E_NOTFOUND;
}

enum cht_err node_replica_cutoff(struct node_replica *r, const uint8_t device[static CRDT_ID_BYTES],
                                 uint64_t until_ms, struct net_tip out[static LIMIT_CUTOFF_TIPS],
                                 size_t *out_count)
{
    struct crdt_place tips[LIMIT_CUTOFF_TIPS];
    uint32_t number = crdt_graph_find_device(&r->graph, device), count = 0;
    size_t named = 0;
    enum cht_err err = CHT_OK;
    if (number != CRDT_NO_DEVICE)
        err =
            crdt_graph_tips(&r->graph, &r->graph.applied, number, tips, LIMIT_CUTOFF_TIPS, &count);
    for (uint32_t i = 0; err == CHT_OK && i < count && i < LIMIT_CUTOFF_TIPS; i++) {
        bool again = false;
        err = range_end(r, tips[i], until_ms, &out[named]);
        for (size_t k = 0; err == CHT_OK && k < named; k++)
            again = again || crdt_hash_eq(&out[k].hash, &out[named].hash);
        named += err == CHT_OK && !again;
        err = err == CHT_E_NOTFOUND ? CHT_OK : err;
    }
    if (err == CHT_OK)
        *out_count = named;
    return err;
}
