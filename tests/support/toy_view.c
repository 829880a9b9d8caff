/* The toy replica as a session reads it. */
#include "tests/support/toy_own.h"

#include <assert.h>
#include <stdlib.h>

static enum cht_err view_heads(void *ctx, struct cht_arena *arena, struct net_heads *out)
{
    struct toy_replica *r = ctx;
    struct crdt_dep *stored = cht_arena_array(arena, r->stored_count + 1, sizeof *stored);
    struct crdt_dep *applied = cht_arena_array(arena, r->applied_count + 1, sizeof *applied);
    struct crdt_hash *heads = cht_arena_array(arena, r->member_head_count + 1, sizeof *heads);
    if (stored == NULL || applied == NULL || heads == NULL)
        return CHT_E_NOMEM;
    memcpy(stored, r->stored, r->stored_count * sizeof *stored);
    memcpy(applied, r->applied, r->applied_count * sizeof *applied);
    memcpy(heads, r->member_heads, r->member_head_count * sizeof *heads);
    *out = (struct net_heads){ .stored = stored,
                               .stored_count = r->stored_count,
                               .applied = applied,
                               .applied_count = r->applied_count,
                               .member_heads = heads,
                               .member_head_count = r->member_head_count,
                               .level = 1 };
    crdt_root_bytes(&r->root, out->root.b);
    return CHT_OK;
}

static bool view_has(void *ctx, const struct crdt_dep *entry)
{
    const struct toy_held *h = toy_find(ctx, entry->hash);
    return h != NULL && crdt_dep_cmp(&h->entry->id, entry) == 0;
}

static enum cht_err view_base(void *ctx, const struct crdt_dep *tip, uint32_t *out_seq,
                              uint8_t out_hash[CRDT_DEP_HASH_BYTES])
{
    const struct toy_replica *r = ctx;
    const struct toy_entry *best = NULL;
    bool best_same = false;
    if (r->busy)
        return CHT_E_BUSY;
    for (size_t i = 0; i < r->held_count; i++) {
        const struct toy_entry *e = r->held[i].entry;
        bool same = memcmp(e->id.epoch, tip->epoch, CRDT_EPOCH_BYTES) == 0;
        if (memcmp(e->id.device, tip->device, CRDT_ID_BYTES) != 0 || e->id.seq >= tip->seq)
            continue;
        if (best == NULL || (same && !best_same) ||
            (same == best_same && e->id.seq > best->id.seq)) {
            best = e;
            best_same = same;
        }
    }
    *out_seq = best == NULL ? 0 : best->id.seq;
    memset(out_hash, 0, CRDT_DEP_HASH_BYTES);
    if (best != NULL)
        memcpy(out_hash, best->hash.b, CRDT_DEP_HASH_BYTES);
    return CHT_OK;
}

static const struct toy_entry *entry_at(const struct toy_replica *r, const struct crdt_dep *tip,
                                        uint32_t seq)
{
    const struct toy_held *h = toy_find(r, tip->hash);
    const struct toy_entry *e = h == NULL ? NULL : h->entry;
    while (e != NULL && e->id.seq > seq)
        e = e->prev;
    return e != NULL && e->id.seq == seq ? e : NULL;
}

static enum cht_err view_at(void *ctx, const struct crdt_dep *tip, uint32_t seq,
                            struct crdt_dep *out)
{
    struct toy_replica *r = ctx;
    const struct toy_entry *e = entry_at(r, tip, seq);
    if (e == NULL)
        return CHT_E_NOTFOUND;
    *out = e->id;
    return CHT_OK;
}

#define ENTRY_FIXED (CRDT_EPOCH_BYTES + CRDT_DEP_HASH_BYTES + 4u + 1u + 4u)

static enum cht_err make_range(const struct toy_entry *const *path, size_t count,
                               struct cht_arena *arena, struct crdt_range *out)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += ENTRY_FIXED + path[i]->pad;
    uint8_t *bytes = cht_arena_alloc(arena, len);
    if (bytes == NULL)
        return CHT_E_NOMEM;
    *out = (struct crdt_range){ .seq = path[0]->id.seq,
                                .count = (uint32_t)count,
                                .codec = CRDT_CODEC_RAW,
                                .payload = cht_bytes(bytes, len) };
    if (path[0]->prev != NULL)
        memcpy(out->prev_tag, path[0]->prev->hash.b, sizeof out->prev_tag);
    for (size_t i = 0; i < count; i++) {
        memcpy(bytes, path[i]->id.epoch, CRDT_EPOCH_BYTES);
        bytes += CRDT_EPOCH_BYTES;
        memcpy(bytes, path[i]->dep, CRDT_DEP_HASH_BYTES);
        bytes += CRDT_DEP_HASH_BYTES;
        cht_put_u32(bytes, path[i]->value);
        bytes[4] = path[i]->head;
        cht_put_u32(bytes + 5, path[i]->pad);
        bytes += 9 + path[i]->pad;
    }
    toy_sign(path[count - 1], out->head);
    return CHT_OK;
}

/* Ranges out of path[0 … count), one a commit, while they fit. */
static enum cht_err cut(const struct toy_entry *const *path, size_t count, size_t budget,
                        struct cht_arena *arena, struct net_run *out)
{
    struct crdt_range *ranges = cht_arena_array(arena, LIMIT_FRAME_RANGES, sizeof *ranges);
    size_t used = 0, start = 0;
    if (ranges == NULL)
        return CHT_E_NOMEM;
    *out = (struct net_run){ .ranges = ranges };
    while (start < count && out->count < LIMIT_FRAME_RANGES) {
        size_t end = start, len = 0;
        do
            len += ENTRY_FIXED + path[end]->pad;
        while (!path[end++]->head && end < count);
        if (used + len > budget)
            break;
        enum cht_err err = make_range(path + start, end - start, arena, &ranges[out->count]);
        if (err != CHT_OK)
            return err;
        used += len;
        start = end;
        out->count++;
        out->last_seq = path[end - 1]->id.seq;
        memcpy(out->last_hash, path[end - 1]->hash.b, CRDT_DEP_HASH_BYTES);
    }
    out->complete = start == count;
    return CHT_OK;
}

static enum cht_err view_read(void *ctx, const struct crdt_dep *tip, uint32_t from,
                              const uint8_t before[CRDT_DEP_HASH_BYTES], size_t budget,
                              struct cht_arena *arena, struct net_run *out)
{
    struct toy_replica *r = ctx;
    const struct toy_entry *e = entry_at(r, tip, tip->seq);
    if (e == NULL)
        return CHT_E_NOTFOUND;
    if (from > tip->seq)
        return CHT_E_CONFLICT;
    if (from > 1) {
        const struct toy_entry *b = entry_at(r, tip, from - 1);
        if (b == NULL || memcmp(b->hash.b, before, CRDT_DEP_HASH_BYTES) != 0)
            return CHT_E_CONFLICT;
    }
    size_t count = tip->seq - from + 1;
    const struct toy_entry **path = calloc(count, sizeof *path);
    for (size_t i = count; i-- > 0; e = e->prev)
        path[i] = e;
    enum cht_err err = cut(path, count, budget, arena, out);
    free(path);
    return err;
}

/* Note `hash` and all that is below it. */
static void mark(const struct toy_replica *r, const uint8_t *hash, bool *known)
{
    for (size_t i = 0; i < r->record_count; i++) {
        if (known[i] || memcmp(r->records[i].hash.b, hash, CRDT_HASH_BYTES) != 0)
            continue;
        known[i] = true;
        for (size_t p = 0; p < r->records[i].bytes[0]; p++)
            mark(r, r->records[i].bytes + 1 + p * CRDT_HASH_BYTES, known);
    }
}

static enum cht_err view_records(void *ctx, const struct crdt_hash *heads, size_t head_count,
                                 size_t budget, struct cht_arena *arena,
                                 const struct cht_bytes **out_records, size_t *out_count)
{
    const struct toy_replica *r = ctx;
    bool *known = cht_arena_array(arena, r->record_count + 1, sizeof *known);
    struct cht_bytes *records = cht_arena_array(arena, r->record_count + 1, sizeof *records);
    size_t count = 0, used = 0;
    if (known == NULL || records == NULL)
        return CHT_E_NOMEM;
    for (size_t i = 0; i < head_count; i++)
        mark(r, heads[i].b, known);
    for (size_t i = 0; i < r->record_count; i++) {
        if (known[i])
            continue;
        used += r->records[i].len;
        if (used > budget && count > 0)
            break;
        records[count++] = cht_bytes(r->records[i].bytes, r->records[i].len);
    }
    *out_records = records;
    *out_count = count;
    return CHT_OK;
}

/* --- rows -------------------------------------------------------------------------------- */

static void make_row(const struct toy_replica *r, const struct toy_entry *e, struct net_row *out)
{
    *out = (struct net_row){ .field = (uint16_t)(e->value % 7), .seq = e->id.seq };
    uint8_t seed[4];
    cht_put_u32(seed, e->value / 7);
    struct crdt_hash id = crdt_hash_of(cht_bytes(seed, sizeof seed));
    out->entity.type = (uint8_t)(3 + e->value % 2);
    memcpy(out->entity.b, id.b, CRDT_ID_BYTES);
    memcpy(out->device, e->id.device, CRDT_ID_BYTES);
    memcpy(out->epoch, e->id.epoch, CRDT_EPOCH_BYTES);
    out->term = toy_term(r, e);
}

static unsigned nibble_of(const struct net_row *row, unsigned n)
{
    uint8_t byte = n < 2 ? row->entity.type : row->entity.b[n / 2 - 1];
    return n % 2 == 0 ? byte >> 4 : byte & 15u;
}

static bool under(const struct net_row *row, const uint8_t *prefix, unsigned nibbles)
{
    for (unsigned n = 0; n < nibbles; n++) {
        unsigned want = n % 2 == 0 ? prefix[n / 2] >> 4 : prefix[n / 2] & 15u;
        if (nibble_of(row, n) != want)
            return false;
    }
    return true;
}

static enum cht_err view_digest(void *ctx, const uint8_t *prefix, unsigned nibbles,
                                struct net_digest out[static NET_DIGEST_CHILDREN])
{
    const struct toy_replica *r = ctx;
    struct crdt_root sums[NET_DIGEST_CHILDREN];
    assert(nibbles < NET_PREFIX_NIBBLES_MAX);
    memset(sums, 0, sizeof sums);
    for (unsigned i = 0; i < NET_DIGEST_CHILDREN; i++)
        out[i].count = 0;
    for (size_t i = 0; i < r->held_count; i++) {
        struct net_row row;
        make_row(r, r->held[i].entry, &row);
        if (!r->held[i].applied || !under(&row, prefix, nibbles))
            continue;
        unsigned child = nibble_of(&row, nibbles);
        crdt_root_add(&sums[child], &row.term);
        out[child].count++;
    }
    for (unsigned i = 0; i < NET_DIGEST_CHILDREN; i++)
        crdt_root_bytes(&sums[i], out[i].sum);
    return CHT_OK;
}

static int by_row(const void *pa, const void *pb)
{
    const struct net_row *a = pa, *b = pb;
    int order = (int)a->entity.type - (int)b->entity.type;
    if (order == 0)
        order = memcmp(a->entity.b, b->entity.b, CRDT_ID_BYTES);
    if (order == 0)
        order = (int)a->field - (int)b->field;
    if (order == 0)
        order = memcmp(a->device, b->device, CRDT_ID_BYTES);
    if (order == 0)
        order = memcmp(a->epoch, b->epoch, CRDT_EPOCH_BYTES);
    return order == 0 ? (a->seq < b->seq ? -1 : a->seq > b->seq) : order;
}

static enum cht_err view_rows(void *ctx, const uint8_t *prefix, unsigned nibbles, size_t max,
                              struct cht_arena *arena, const struct net_row **out_rows,
                              size_t *out_count)
{
    const struct toy_replica *r = ctx;
    struct net_row *rows = cht_arena_array(arena, r->held_count + 1, sizeof *rows);
    size_t count = 0;
    if (rows == NULL)
        return CHT_E_NOMEM;
    for (size_t i = 0; i < r->held_count; i++) {
        make_row(r, r->held[i].entry, &rows[count]);
        if (r->held[i].applied && under(&rows[count], prefix, nibbles))
            count++;
    }
    qsort(rows, count, sizeof *rows, by_row);
    *out_rows = rows;
    *out_count = count < max ? count : max;
    return CHT_OK;
}

static enum cht_err view_forks(void *ctx, struct cht_arena *arena,
                               const struct net_fork_id **out_ids, size_t *out_count)
{
    const struct toy_replica *r = ctx;
    struct net_fork_id *ids = cht_arena_array(arena, r->fork_count + 1, sizeof *ids);
    if (ids == NULL)
        return CHT_E_NOMEM;
    memcpy(ids, r->forks, r->fork_count * sizeof *ids);
    *out_ids = ids;
    *out_count = r->fork_count;
    return CHT_OK;
}

static enum cht_err view_fork(void *ctx, const struct net_fork_id *id, struct cht_bytes *out)
{
    const struct toy_replica *r = ctx;
    for (size_t i = 0; i < r->fork_count; i++) {
        if (net_fork_id_cmp(&r->forks[i], id) == 0) {
            *out = cht_bytes(&r->forks[i], sizeof r->forks[i]);
            return CHT_OK;
        }
    }
    return CHT_E_NOTFOUND;
}

struct net_view toy_view(struct toy_replica *r)
{
    static const struct net_view_ops ops = { .heads = view_heads,
                                             .has = view_has,
                                             .base = view_base,
                                             .read = view_read,
                                             .at = view_at,
                                             .records = view_records,
                                             .digest = view_digest,
                                             .rows = view_rows,
                                             .forks = view_forks,
                                             .fork = view_fork };
    return (struct net_view){ .ops = &ops, .ctx = r };
}

void toy_own_ranges(struct toy_replica *r, const struct toy_entry *before, struct cht_arena *arena,
                    struct net_run *out)
{
    static const uint8_t none[CRDT_DEP_HASH_BYTES] = { 0 };
    enum cht_err err = view_read(r, &r->own->id, before == NULL ? 1 : before->id.seq + 1,
                                 before == NULL ? none : before->hash.b, SIZE_MAX, arena, out);
    assert(err == CHT_OK);
    (void)err;
}
