/* What sync sessions read of a replica: tips, bases, ranges to send, records; see net/view.h.
 * Bisecting a root mismatch: digest.c. */
#include "node/replica/own.h"

#include <stdlib.h>

static int cmp_dep(const void *a, const void *b)
{
    return crdt_dep_cmp(a, b);
}

/* The ends of all paths stored (PROTOCOL 8.6). One that another path of its device has taken into
 * its past is among them: who lacks it could not ask for it otherwise. */
static void stored_ends(struct node_replica *r, struct crdt_dep *out, size_t *out_count)
{
    size_t count = 0;
    for (uint32_t c = 0; c < r->graph.chain_count; c++) {
        const struct crdt_graph_chain *chain = &r->graph.chains[c];
        if (chain->stored.seq != chain->branch_seq)
            out[count++] =
                replica_dep(r, (struct crdt_place){ c, chain->stored.seq }, &chain->stored.hash);
    }
    qsort(out, count, sizeof *out, cmp_dep);
    *out_count = count;
}

static enum cht_err applied_tips(struct node_replica *r, struct cht_arena *arena,
                                 struct crdt_dep *out, size_t *out_count)
{
    size_t count = 0;
    struct crdt_place *tips = cht_arena_array(arena, r->graph.chain_count + 1, sizeof *tips);
    if (tips == NULL)
        return CHT_E_NOMEM;
    for (uint32_t d = 0; d < r->graph.device_count; d++) {
        uint32_t n;
        enum cht_err err =
            crdt_graph_tips(&r->graph, &r->graph.applied, d, tips, r->graph.chain_count, &n);
        if (err != CHT_OK)
            return err;
        for (uint32_t i = 0; i < n; i++)
            out[count++] = replica_dep(r, tips[i], &r->graph.chains[tips[i].chain].applied.hash);
    }
    qsort(out, count, sizeof *out, cmp_dep);
    *out_count = count;
    return CHT_OK;
}

static enum cht_err view_heads(void *ctx, struct cht_arena *arena, struct net_heads *out)
{
    struct node_replica *r = ctx;
    struct net_heads heads = { .level = 1 };
    struct crdt_dep *stored = cht_arena_array(arena, r->graph.chain_count, sizeof *stored);
    struct crdt_dep *applied = cht_arena_array(arena, r->graph.chain_count, sizeof *applied);
    if (stored == NULL || applied == NULL)
        return CHT_E_NOMEM;
    stored_ends(r, stored, &heads.stored_count);
    enum cht_err err = applied_tips(r, arena, applied, &heads.applied_count);
    if (err != CHT_OK)
        return err;
    heads.stored = stored;
    heads.applied = applied;
    crdt_root_bytes(&r->root, heads.root.b);
    uint32_t count;
    heads.member_heads = net_members_heads(r->members, &count);
    heads.member_head_count = count;
    *out = heads;
    return CHT_OK;
}

static enum cht_err locate(const struct node_replica *r, const struct crdt_dep *entry,
                           struct crdt_place *out)
{
    uint32_t device = crdt_graph_find_device(&r->graph, entry->device);
    if (device == CRDT_NO_DEVICE)
        return CHT_E_NOTFOUND;
    return crdt_graph_locate(&r->graph, device, entry->seq,
                             cht_bytes(entry->hash, sizeof entry->hash), out);
}

static bool view_has(void *ctx, const struct crdt_dep *entry)
{
    struct crdt_place at;
    return locate(ctx, entry, &at) == CHT_OK;
}

static enum cht_err view_base(void *ctx, const struct crdt_dep *tip, uint32_t *out_seq,
                              uint8_t out_hash[CRDT_DEP_HASH_BYTES])
{
    struct node_replica *r = ctx;
    uint32_t device = crdt_graph_find_device(&r->graph, tip->device);
    struct crdt_place best = { CRDT_NO_CHAIN, 0 };
    bool best_epoch = false;
    uint32_t chains = device == CRDT_NO_DEVICE ? 0 : r->graph.devices[device].chain_count;
    for (uint32_t i = 0; i < chains; i++) {
        uint32_t c = r->graph.devices[device].chains[i];
        const struct crdt_graph_chain *chain = &r->graph.chains[c];
        if (chain->stored.seq - chain->applied.seq >= REPLICA_WAITING_MAX)
            return CHT_E_BUSY;
        bool epoch = memcmp(chain->stored.epoch, tip->epoch, CRDT_EPOCH_BYTES) == 0;
        if (chain->stored.seq >= tip->seq || chain->stored.seq == 0 || epoch < best_epoch)
            continue;
        if (epoch > best_epoch || chain->stored.seq > best.seq)
            best = (struct crdt_place){ c, chain->stored.seq };
        best_epoch = epoch;
    }
    memset(out_hash, 0, CRDT_DEP_HASH_BYTES);
    if (best.seq != 0)
        memcpy(out_hash, r->graph.chains[best.chain].stored.hash.b, CRDT_DEP_HASH_BYTES);
    *out_seq = best.seq;
    return CHT_OK;
}

static enum cht_err view_at(void *ctx, const struct crdt_dep *tip, uint32_t seq,
                            struct crdt_dep *out)
{
    struct node_replica *r = ctx;
    struct crdt_place at;
    struct crdt_hash hash;
    enum cht_err err = locate(r, tip, &at);
    if (err == CHT_OK && (seq == 0 || seq > tip->seq))
        err = CHT_E_NOTFOUND;
    if (err != CHT_OK)
        return err;
    at = crdt_graph_on_path(&r->graph, at.chain, seq);
    err = crdt_graph_hash(&r->graph, at, &hash);
    if (err == CHT_OK)
        *out = replica_dep(r, at, &hash);
    return err;
}

/* --- ranges to send ------------------------------------------------------------------------ */

/* Entries gathered for one range: whole rows, or the rest of one, until a head may not be left out
 * any longer (PROTOCOL 4.1). */
struct gathered {
    struct crdt_entry entries[LIMIT_HEAD_ENTRIES];
    uint32_t count;
    uint32_t kept; /* how many of them end at a head: `head` */
    size_t bytes;
    uint8_t head[CRDT_SIG_BYTES];
    bool whole;       /* exactly one row as it stands: `row` */
    uint32_t on_path; /* how many are on the path asked for; the others are of another branch */
    struct replica_row row;
};

/* The row that holds `at`, cut to the path: a branch may leave a row in its middle, and then the
 * entries before the branch travel with the branch's own first row. */
static enum cht_err gather_row(struct node_replica *r, struct crdt_place at, uint32_t last_seq,
                               struct cht_arena *arena, struct gathered *g, bool *out_fits)
{
    struct replica_row row;
    enum cht_err err = replica_row_at(r, at, arena, &row);
    if (err != CHT_OK)
        return err;
    uint32_t skip = at.seq - row.first.seq, end = row.first.seq + row.count - 1;
    uint32_t upto = end > last_seq ? last_seq : end, count = upto - at.seq + 1;
    /* rows are put together as an author would; what has no head yet must get one */
    size_t bytes = 0, bytes_max = LIMIT_HEAD_BYTES;
    if (g->count != g->kept || g->count == 0)
        bytes_max += LIMIT_BODY_BYTES;
    for (uint32_t i = 0; i < count; i++)
        bytes += row.entries[skip + i].body.len;
    *out_fits = g->count + count <= LIMIT_HEAD_ENTRIES && g->bytes + bytes <= bytes_max;
    if (!*out_fits)
        return CHT_OK;
    memcpy(g->entries + g->count, row.entries + skip, count * sizeof *row.entries);
    g->count += count;
    g->bytes += bytes;
    if (upto != end)
        return CHT_OK;
    g->whole = g->count == row.count && skip == 0;
    g->kept = g->count;
    memcpy(g->head, row.head, CRDT_SIG_BYTES);
    g->row = row;
    return CHT_OK;
}

/* A branch leaves a row in its middle, and no head closes over the part before it together with
 * the branch's own: the row goes whole, entries of the other branch at its end (PROTOCOL 8.7). */
static enum cht_err gather_detour(struct node_replica *r, struct crdt_place at, uint32_t leave,
                                  struct cht_arena *arena, struct gathered *g)
{
    bool fits;
    enum cht_err err = gather_row(r, at, UINT32_MAX, arena, g, &fits);
    if (err == CHT_OK && (!fits || g->kept == 0))
        err = CHT_E_CORRUPT; /* a row ends at its head and was taken as one range */
    g->on_path = leave - at.seq + 1;
    return err;
}

/* The last entry on the path of `tip` that stands on that chain: a branch leaves it there. */
static uint32_t leaves_at(const struct node_replica *r, struct crdt_place tip, uint32_t chain)
{
    uint32_t last = tip.seq;
    for (uint32_t c = tip.chain; c != chain; c = r->graph.chains[c].parent)
        last = r->graph.chains[c].branch_seq;
    return last;
}

/* One range from `from` on along the path of `tip`. */
static enum cht_err gather(struct node_replica *r, struct crdt_place tip, uint32_t from,
                           struct cht_arena *arena, struct gathered *g)
{
    bool fits = true;
    struct crdt_place at;
    g->count = g->kept = 0;
    g->bytes = 0;
    while (from + g->count <= tip.seq && fits) {
        at = crdt_graph_on_path(&r->graph, tip.chain, from + g->count);
        enum cht_err err = gather_row(r, at, leaves_at(r, tip, at.chain), arena, g, &fits);
        if (err != CHT_OK)
            return err;
    }
    g->count = g->on_path = g->kept;
    if (g->count != 0)
        return CHT_OK;
    g->bytes = 0;
    at = crdt_graph_on_path(&r->graph, tip.chain, from);
    return gather_detour(r, at, leaves_at(r, tip, at.chain), arena, g);
}

static enum cht_err make_range(struct node_replica *r, struct crdt_place tip, uint32_t from,
                               const struct gathered *g, struct cht_arena *arena,
                               struct crdt_range *out)
{
    struct crdt_before before;
    struct crdt_place prev = { from == 1 ? tip.chain
                                         : crdt_graph_on_path(&r->graph, tip.chain, from - 1).chain,
                               from - 1 };
    enum cht_err err = replica_before(r, prev, crdt_graph_device_id(&r->graph, tip.chain), &before);
    struct crdt_range range = { .seq = from, .count = g->count };
    if (err == CHT_OK && g->whole) {
        range.codec = g->row.codec;
        range.payload = g->row.payload;
    } else if (err == CHT_OK) {
        struct cht_buf payload;
        cht_buf_init(&payload, LIMIT_RANGE_BYTES);
        err = crdt_range_encode(&before, g->entries, g->count, &payload, &range.codec);
        if (err == CHT_OK)
            err = cht_arena_copy(arena, cht_buf_view(&payload), &range.payload);
        cht_buf_clear(&payload);
    }
    if (err != CHT_OK)
        return err;
    memcpy(range.device_tag, before.device, sizeof range.device_tag);
    memcpy(range.prev_tag, before.hash.b, sizeof range.prev_tag);
    memcpy(range.head, g->head, CRDT_SIG_BYTES);
    *out = range;
    return CHT_OK;
}

static enum cht_err check_before(struct node_replica *r, struct crdt_place tip, uint32_t from,
                                 const uint8_t before[CRDT_DEP_HASH_BYTES])
{
    static const uint8_t zeros[CRDT_DEP_HASH_BYTES];
    if (from == 0 || from > tip.seq)
        return CHT_E_NOTFOUND;
    struct crdt_hash hash = { 0 };
    enum cht_err err = CHT_OK;
    if (from > 1)
        err = crdt_graph_hash(&r->graph, crdt_graph_on_path(&r->graph, tip.chain, from - 1), &hash);
    else if (memcmp(before, zeros, sizeof zeros) != 0)
        return CHT_E_CONFLICT;
    if (err == CHT_OK && memcmp(hash.b, before, CRDT_DEP_HASH_BYTES) != 0)
        err = CHT_E_CONFLICT;
    return err;
}

static enum cht_err view_read(void *ctx, const struct crdt_dep *tip, uint32_t from,
                              const uint8_t before[CRDT_DEP_HASH_BYTES], size_t budget,
                              struct cht_arena *arena, struct net_run *out)
{
    struct node_replica *r = ctx;
    struct crdt_place end;
    enum cht_err err = locate(r, tip, &end);
    if (err == CHT_OK)
        err = check_before(r, end, from, before);
    struct crdt_range *ranges = cht_arena_array(arena, LIMIT_FRAME_RANGES, sizeof *ranges);
    struct gathered *g = malloc(sizeof *g);
    if (err == CHT_OK && (ranges == NULL || g == NULL))
        err = CHT_E_NOMEM;
    struct net_run run = { .ranges = ranges };
    size_t used = 0;
    for (uint32_t next = from;
         err == CHT_OK && next <= end.seq && run.count < LIMIT_FRAME_RANGES;) {
        struct crdt_range *range = &ranges[run.count];
        err = gather(r, end, next, arena, g);
        if (err == CHT_OK)
            err = make_range(r, end, next, g, arena, range);
        if (err != CHT_OK || used + range->payload.len > budget)
            break;
        used += range->payload.len;
        next += g->on_path;
        run.count++;
        run.last_seq = next - 1;
        memcpy(run.last_hash, g->entries[g->on_path - 1].hash.b, CRDT_DEP_HASH_BYTES);
        run.complete = run.last_seq == end.seq;
    }
    free(g);
    if (err == CHT_OK)
        *out = run;
    return err;
}

static enum cht_err view_records(void *ctx, const struct crdt_hash *heads, size_t head_count,
                                 size_t budget, struct cht_arena *arena,
                                 const struct cht_bytes **out_records, size_t *out_count)
{
    struct node_replica *r = ctx;
    return net_members_since(r->members, heads, head_count, budget, arena, out_records, out_count);
}

static int cmp_fork(const void *a, const void *b)
{
    return net_fork_id_cmp(a, b);
}

static enum cht_err view_forks(void *ctx, struct cht_arena *arena,
                               const struct net_fork_id **out_ids, size_t *out_count)
{
    const struct node_replica *r = ctx;
    const struct node_fork *forks = r->forks.items;
    struct net_fork_id *ids = cht_arena_array(arena, r->forks.count + 1, sizeof *ids);
    if (ids == NULL)
        return CHT_E_NOMEM;
    for (size_t i = 0; i < r->forks.count; i++)
        ids[i] = forks[i].id;
    qsort(ids, r->forks.count, sizeof *ids, cmp_fork);
    *out_ids = ids;
    *out_count = r->forks.count;
    return CHT_OK;
}

static enum cht_err view_fork(void *ctx, const struct net_fork_id *id, struct cht_bytes *out)
{
    const struct node_replica *r = ctx;
    const struct node_fork *forks = r->forks.items;
    for (size_t i = 0; i < r->forks.count; i++) {
        if (net_fork_id_cmp(&forks[i].id, id) == 0) {
            *out = forks[i].proof;
            return CHT_OK;
        }
    }
    return CHT_E_NOTFOUND;
}

const struct net_view_ops replica_view_ops = {
    .heads = view_heads,
    .has = view_has,
    .base = view_base,
    .read = view_read,
    .at = view_at,
    .records = view_records,
    .digest = replica_digest,
    .rows = replica_digest_rows,
    .forks = view_forks,
    .fork = view_fork,
};

struct net_view node_replica_view(struct node_replica *r)
{
    return (struct net_view){ .ops = &replica_view_ops, .ctx = r };
}
