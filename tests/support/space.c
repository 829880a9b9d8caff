/* Members, heads and ranges for random histories; see space.h. */
#include "tests/support/space.h"

#include "crdt/base/buf.h"
#include "net/sign.h"
#include "tests/support/seeded.h"

#define STAMP          crdt_hlc_make(UINT64_C(1767225500000), 0)
#define FORCED_ENTRIES 200u
#define FORCED_BYTES   (LIMIT_HEAD_BYTES / 2)

static void must(enum cht_err err, const char *what)
{
    if (err == CHT_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, cht_err_text(err));
    abort();
}

static struct cht_bytes keep(struct cht_arena *arena, struct cht_bytes bytes)
{
    struct cht_bytes kept;
    must(cht_arena_copy(arena, bytes, &kept), "space");
    return kept;
}

static void *room(struct cht_arena *arena, size_t count, size_t size)
{
    void *p = cht_arena_array(arena, count, size);
    must(p == NULL ? CHT_E_NOMEM : CHT_OK, "space");
    return p;
}

/* --- members -------------------------------------------------------------------------------- */

static void make_device(uint64_t seed, uint32_t index, struct net_identity *out)
{
    struct history_device drawn;
    struct net_seeds seeds;
    history_device(seed, index, &drawn);
    memcpy(seeds.sign, drawn.sign_seed, sizeof seeds.sign);
    struct crdt_hash other = crdt_hash_of(cht_bytes(seeds.sign, sizeof seeds.sign));
    memcpy(seeds.transport, other.b, sizeof seeds.transport);
    net_identity_make(out, &seeds, /* serial= */ 1, STAMP);
}

void space_make(struct space *s, uint64_t seed)
{
    struct net_founding founding = { .stamp = STAMP, .name = cht_bytes_str("first") };
    struct cht_buf record;
    *s = (struct space){ .head_count = 0 };
    cht_arena_init(&s->arena, SIZE_MAX);
    cht_buf_init(&record, LIMIT_RECORD_BYTES);
    for (uint32_t i = 0; i < HISTORY_DEVICES_MAX; i++)
        make_device(seed, i, &s->devices[i]);
    must(net_members_found(&founding, &s->devices[0], &record, s->id), "found");
    struct net_members *m = net_members_new(s->id);
    for (uint32_t i = 0; i < HISTORY_DEVICES_MAX; i++) {
        struct net_admission admission = { .stamp = STAMP,
                                           .role = NET_ROLE_ADMIN,
                                           .cert = &s->devices[i].cert,
                                           .name = cht_bytes_str("another") };
        if (i != 0) {
            cht_buf_reset(&record);
            must(net_members_admit(m, &admission, &s->devices[i / 2], &record), "admit");
        }
        s->records[i] = keep(&s->arena, cht_buf_view(&record));
        must(net_members_add(m, s->records[i]), "record");
    }
    const struct crdt_hash *heads = net_members_heads(m, &s->head_count);
    memcpy(s->heads, heads, s->head_count * sizeof *heads);
    net_members_free(m);
    cht_buf_clear(&record);
}

void space_clear(struct space *s)
{
    cht_arena_clear(&s->arena);
    *s = (struct space){ .head_count = 0 };
}

/* --- cuts ----------------------------------------------------------------------------------- */

struct cutter {
    struct cuts *c;
    const struct history *h;
    struct seeded random;
    bool *heads;
    uint32_t *first_child; /* HISTORY_NONE: a leaf */
};

static bool chance(struct cutter *k, uint32_t percent)
{
    return seeded_below(&k->random, 100) < percent;
}

static void choose_heads(struct cutter *k)
{
    const struct history *h = k->h;
    uint32_t *entries = room(&k->c->arena, h->count, sizeof *entries);
    size_t *bytes = room(&k->c->arena, h->count, sizeof *bytes);
    uint32_t often = 10 + seeded_below(&k->random, 60);
    for (uint32_t i = 0; i < h->count; i++)
        k->first_child[i] = HISTORY_NONE;
    for (uint32_t i = h->count; i-- != 0;) {
        if (h->entries[i].prev != HISTORY_NONE)
            k->first_child[h->entries[i].prev] = i;
    }
    for (uint32_t i = 0; i < h->count; i++) {
        const struct history_entry *e = &h->entries[i];
        bool goes_on = e->prev != HISTORY_NONE && !k->heads[e->prev];
        entries[i] = 1;
        bytes[i] = e->body.len;
        if (goes_on) { /* as `?:` in the sums, gcc 14 with sanitizers reads both arms */
            entries[i] += entries[e->prev];
            bytes[i] += bytes[e->prev];
        }
        k->heads[i] = bytes[i] >= FORCED_BYTES ||
                      (e->txn_left == 0 && (k->first_child[i] == HISTORY_NONE ||
                                            entries[i] >= FORCED_ENTRIES || chance(k, often)));
    }
}

static void stand_before(const struct history *h, uint32_t first, struct crdt_before *out)
{
    const struct crdt_header *next = &h->entries[first].h;
    *out = (struct crdt_before){ .seq = next->seq - 1 };
    memcpy(out->space, next->space, sizeof out->space);
    memcpy(out->device, next->device, sizeof out->device);
    if (out->seq == 0)
        return;
    const struct history_entry *prev = &h->entries[h->entries[first].prev];
    memcpy(out->epoch, prev->h.epoch, sizeof out->epoch);
    out->hash = prev->hash;
    out->hlc = prev->h.hlc;
}

/* Codec 0, which any writer may choose (PROTOCOL 4.2). */
static void encode_raw(const struct crdt_entry *entries, uint32_t count, struct cht_buf *out)
{
    for (uint32_t i = 0; i < count; i++) {
        must(cht_buf_add_varint(out, entries[i].header_bytes.len), "raw");
        must(cht_buf_add(out, entries[i].header_bytes), "raw");
        must(cht_buf_add_u8(out, 1), "raw");
        must(cht_buf_add(out, entries[i].body), "raw");
    }
}

static void add_cut(struct cutter *k, const uint32_t *backwards, uint32_t count)
{
    const struct history *h = k->h;
    struct crdt_entry *entries = room(&k->c->arena, count, sizeof *entries);
    uint32_t *indexes = room(&k->c->arena, count, sizeof *indexes);
    struct crdt_before before;
    struct cht_buf payload;
    for (uint32_t i = 0; i < count; i++) {
        const struct history_entry *e = &h->entries[backwards[count - 1 - i]];
        indexes[i] = backwards[count - 1 - i];
        entries[i] = (struct crdt_entry){
            .header = e->h, .header_bytes = e->header, .body = e->body, .hash = e->hash
        };
    }
    stand_before(h, indexes[0], &before);
    struct crdt_range range = { .seq = before.seq + 1, .count = count };
    cht_buf_init(&payload, LIMIT_RANGE_BYTES);
    if (chance(k, 10))
        encode_raw(entries, count, &payload);
    else
        must(crdt_range_encode(&before, entries, count, &payload, &range.codec), "encode");
    range.payload = keep(&k->c->arena, cht_buf_view(&payload));
    cht_buf_clear(&payload);
    const struct history_entry *last = &h->entries[indexes[count - 1]];
    memcpy(range.device_tag, before.device, sizeof range.device_tag);
    memcpy(range.prev_tag, before.hash.b, sizeof range.prev_tag);
    net_sign(NET_CONTEXT_HEAD, cht_bytes(last->hash.b, CRDT_HASH_BYTES),
             h->devices[last->device].sign_secret, range.head);
    k->c->list[k->c->count++] = (struct cut){ .range = range, .entries = indexes, .count = count };
}

/* The entries from `head` back to where its range starts. With `over`, over other heads too. */
static void cut_back(struct cutter *k, uint32_t head, uint32_t over)
{
    uint32_t walk[LIMIT_HEAD_ENTRIES], count = 0;
    size_t bytes = 0;
    for (uint32_t at = head; at != HISTORY_NONE; at = k->h->entries[at].prev) {
        uint32_t prev = k->h->entries[at].prev;
        if (count == LIMIT_HEAD_ENTRIES || bytes + k->h->entries[at].body.len > LIMIT_HEAD_BYTES)
            break;
        walk[count++] = at;
        bytes += k->h->entries[at].body.len;
        if (prev == HISTORY_NONE)
            break;
        if (k->heads[prev] && over-- == 0)
            break;
        if (k->first_child[prev] != at && chance(k, 50))
            break; /* the first child's range covers what is before */
    }
    add_cut(k, walk, count);
}

void cuts_make(struct cuts *c, const struct history *h, uint64_t seed)
{
    struct cutter k = { .c = c, .h = h, .random = { .state = seed * 2 + 1 } };
    *c = (struct cuts){ .count = 0 };
    cht_arena_init(&c->arena, SIZE_MAX);
    for (uint32_t i = 0; i < 8; i++)
        (void)seeded_next(&k.random);
    k.heads = room(&c->arena, h->count, sizeof *k.heads);
    k.first_child = room(&c->arena, h->count, sizeof *k.first_child);
    c->list = room(&c->arena, (size_t)h->count * 2, sizeof *c->list);
    choose_heads(&k);
    for (uint32_t i = 0; i < h->count; i++) {
        if (!k.heads[i])
            continue;
        cut_back(&k, i, 0);
        if (chance(&k, 40))
            cut_back(&k, i, 1 + seeded_below(&k.random, 4));
    }
}

void cuts_clear(struct cuts *c)
{
    cht_arena_clear(&c->arena);
    *c = (struct cuts){ .count = 0 };
}
