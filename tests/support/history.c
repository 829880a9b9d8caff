/* Devices, views and the writing of changes; see history.h. */
#include "tests/support/history.h"

#include "tests/support/history_own.h"

#define START_MS       UINT64_C(1767225600000) /* 2026-01-01 */
#define FAR_FUTURE_MS  UINT64_C(315360000000)  /* ten years */
#define LOST_MAX       3u /* entries a writer adds after one that waits, before it is set back */
#define DEPS_ONLY_KEPT 1u /* deps that a dep-only entry takes, when there are more */

/* --- small tools ---------------------------------------------------------------------------- */

bool history_chance(struct history_maker *k, uint32_t percent)
{
    return seeded_below(&k->random, 100) < percent;
}

void history_count(struct history_maker *k, enum history_class what)
{
    k->h->tally[what]++;
}

void history_must(enum cht_err err)
{
    if (err == CHT_OK)
        return;
    fprintf(stderr, "history: %s\n", cht_err_text(err));
    abort();
}

void *history_room(struct history_maker *k, size_t count, size_t size)
{
    void *room = cht_arena_array(&k->h->arena, count, size);
    history_must(room == NULL ? CHT_E_NOMEM : CHT_OK);
    return room;
}

struct cht_bytes history_keep_bytes(struct history_maker *k, struct cht_bytes bytes)
{
    struct cht_bytes kept;
    history_must(cht_arena_copy(&k->h->arena, bytes, &kept));
    return kept;
}

bool history_set_has(const uint64_t *set, uint32_t i)
{
    return (set[i / 64] >> (i % 64) & 1) != 0;
}

void history_set_put(uint64_t *set, uint32_t i)
{
    set[i / 64] |= UINT64_C(1) << (i % 64);
}

void history_set_join(const struct history_maker *k, uint64_t *set, const uint64_t *other)
{
    for (size_t w = 0; w < k->words; w++)
        set[w] |= other[w];
}

bool history_in_past(const struct history *h, uint32_t outer, uint32_t inner)
{
    return history_set_has(h->entries[outer].past, inner);
}

/* Join the past of an entry, and itself. */
static void set_join_entry(struct history_maker *k, uint64_t *set, uint32_t entry)
{
    history_set_join(k, set, k->h->entries[entry].past);
    history_set_put(set, entry);
}

/* --- writers -------------------------------------------------------------------------------- */

static struct history_writer *add_writer(struct history_maker *k, uint32_t device)
{
    struct history_writer *w = &k->writers[k->writer_count++];
    *w = (struct history_writer){ .device = device,
                                  .tip = HISTORY_NONE,
                                  .view = history_room(k, k->words, sizeof *w->view),
                                  .clock_ms = k->now_ms };
    if (history_chance(k, 30)) /* up to a day off */
        w->skew_ms = (int64_t)seeded_below(&k->random, 172800000) - 86400000;
    seeded_fill(&k->random, w->epoch, sizeof w->epoch);
    return w;
}

/* Put a writer back to an entry of its path (or to nothing): a restored backup, a cloned disk. */
static void set_back(struct history_maker *k, struct history_writer *w, uint32_t tip)
{
    memset(w->view, 0, k->words * sizeof *w->view);
    w->tip = tip;
    w->lost = 0;
    if (tip != HISTORY_NONE)
        set_join_entry(k, w->view, tip);
}

/* The youngest entry of the path that everybody can apply. */
static uint32_t sound_tip(const struct history *h, uint32_t tip)
{
    while (tip != HISTORY_NONE && h->entries[tip].waits)
        tip = h->entries[tip].prev;
    return tip;
}

/* A second copy of a device starts from an entry of its path; when there are enough copies, one is
 * put back instead. */
static void fork_writer(struct history_maker *k)
{
    struct history_writer *w = &k->writers[seeded_below(&k->random, k->writer_count)];
    uint32_t tip = sound_tip(k->h, w->tip);
    for (uint32_t back = seeded_below(&k->random, 4); back > 0 && tip != HISTORY_NONE; back--)
        tip = k->h->entries[tip].prev;
    if (k->writer_count < HISTORY_WRITERS_MAX) {
        struct history_writer *copy = add_writer(k, w->device);
        if (history_chance(k, 50))
            memcpy(copy->epoch, w->epoch, sizeof w->epoch);
        w = copy;
    }
    set_back(k, w, tip);
}

/* Take in all that another has, or only an entry of it with its past. */
static void take_in(struct history_maker *k, struct history_writer *w)
{
    const struct history_writer *other = &k->writers[seeded_below(&k->random, k->writer_count)];
    const struct history *h = k->h;
    bool all = history_chance(k, 60);
    uint32_t only = h->count == 0 ? 0 : seeded_below(&k->random, h->count);
    for (uint32_t i = 0; i < h->count; i++) {
        if (!history_set_has(other->view, i) || h->entries[i].waits || !(all || i == only))
            continue;
        set_join_entry(k, w->view, i);
        uint64_t ms = crdt_hlc_ms(h->entries[i].h.hlc);
        if (ms > w->clock_ms && ms < k->now_ms + CRDT_HLC_DRIFT_MS_MAX && history_chance(k, 50))
            w->clock_ms = ms;
    }
}

/* --- the header ----------------------------------------------------------------------------- */

static crdt_hlc_stamp choose_stamp(struct history_maker *k, struct history_writer *w,
                                   const struct history_draft *d)
{
    uint64_t wall = (uint64_t)((int64_t)k->now_ms + w->skew_ms);
    crdt_hlc_stamp stamp;
    w->clock_ms = w->clock_ms >= wall ? w->clock_ms + 1 : wall;
    stamp = crdt_hlc_make(w->clock_ms, (uint16_t)seeded_below(&k->random, 3));
    if (history_chance(k, 15)) {
        stamp = crdt_hlc_make(START_MS + k->h->count / 16, 0);
    } else if (history_chance(k, 4)) {
        stamp = crdt_hlc_make(k->now_ms + FAR_FUTURE_MS, UINT16_MAX);
        history_count(k, HISTORY_STAMP_FAR);
    }
    bool equal = false, back = false;
    for (uint32_t i = 0; i < k->h->count; i++) {
        equal = equal || k->h->entries[i].h.hlc == stamp;
        back = back || (history_set_has(d->past, i) && k->h->entries[i].h.hlc > stamp);
    }
    if (equal)
        history_count(k, HISTORY_STAMP_EQUAL);
    if (back)
        history_count(k, HISTORY_STAMP_BACK);
    return stamp;
}

static void dep_on(const struct history *h, uint32_t entry, struct crdt_dep *out)
{
    const struct crdt_header *to = &h->entries[entry].h;
    memcpy(out->device, to->device, sizeof out->device);
    memcpy(out->epoch, to->epoch, sizeof out->epoch);
    out->seq = to->seq;
    memcpy(out->hash, h->entries[entry].hash.b, sizeof out->hash);
}

/* All entries of the view that are tips of their device and not yet in the path's past. */
static uint32_t changed_tips(const struct history_maker *k, const struct history_writer *w,
                             uint32_t out[static LIMIT_DEPS])
{
    const struct history *h = k->h;
    uint32_t count = 0;
    for (uint32_t i = 0; i < h->count && count < LIMIT_DEPS; i++) {
        bool known = w->tip != HISTORY_NONE && (i == w->tip || history_in_past(h, w->tip, i));
        bool inner = false;
        for (uint32_t j = 0; j < h->count && !inner; j++)
            inner = history_set_has(w->view, j) && h->entries[j].device == h->entries[i].device &&
                    history_in_past(h, j, i);
        if (history_set_has(w->view, i) && !known && !inner)
            out[count++] = i;
    }
    return count;
}

static int cmp_dep(const void *a, const void *b)
{
    return crdt_dep_cmp(a, b);
}

/* Make one dep name nothing: another hash, epoch or seq than the entry's. */
static void spoil_dep(struct history_maker *k, struct crdt_dep *dep)
{
    uint32_t which = seeded_below(&k->random, 3);
    if (which == 0)
        dep->hash[3] ^= 1;
    else if (which == 1)
        dep->epoch[3] ^= 1;
    else
        dep->seq += 1000000;
}

static void number_deps(struct history_maker *k, struct history_draft *d)
{
    for (uint32_t i = 0; i < d->header.dep_count; i++) {
        uint32_t device = 0;
        while (memcmp(k->h->devices[device].id, d->header.deps[i].device, CRDT_ID_BYTES) != 0)
            device++;
        bool known = device == d->device;
        for (uint32_t n = 0; n < d->number_count; n++)
            known = known || d->numbers[n] == device;
        if (!known)
            d->numbers[d->number_count++] = (uint8_t)device;
    }
}

/* Where records come meanwhile: name the heads that the device has heard of since. */
static void name_heads(struct history_maker *k, struct history_draft *d)
{
    const struct history *h = k->h;
    uint32_t count;
    const struct crdt_hash *heads = k->space->heads_of(k->space->ctx, h, d->device, &count);
    if (d->prev != HISTORY_NONE) {
        const struct crdt_header *named = &h->entries[h->entries[d->prev].heads_from].h;
        if (named->head_count == count && memcmp(named->heads, heads, count * sizeof *heads) == 0)
            return;
    }
    struct crdt_hash *kept = history_room(k, count, sizeof *kept);
    memcpy(kept, heads, count * sizeof *kept);
    d->header.heads = kept;
    d->header.head_count = count;
}

/* Begin an entry after the writer's tip with these deps; `starts`: a transaction. */
static struct history_draft begin(struct history_maker *k, struct history_writer *w, bool starts,
                                  const uint32_t *deps, uint32_t dep_count)
{
    struct history *h = k->h;
    struct history_draft d = { .device = w->device, .prev = w->tip };
    struct crdt_dep *list = history_room(k, dep_count, sizeof *list);
    d.past = history_room(k, k->words, sizeof *d.past);
    d.header.txn_count = 1;
    d.header.seq = 1;
    memcpy(d.header.space, k->space->id, sizeof d.header.space);
    memcpy(d.header.device, h->devices[w->device].id, sizeof d.header.device);
    memcpy(d.header.epoch, w->epoch, sizeof d.header.epoch);
    if (w->tip != HISTORY_NONE) {
        const struct history_entry *prev = &h->entries[w->tip];
        d.header.seq = prev->h.seq + 1;
        d.header.prev = prev->hash;
        d.waits = prev->waits;
        memcpy(d.numbers, prev->numbers, sizeof d.numbers);
        d.number_count = prev->number_count;
        set_join_entry(k, d.past, w->tip);
    } else {
        d.header.heads = k->space->heads;
        d.header.head_count = k->space->head_count;
    }
    if (starts && k->space->heads_of != NULL)
        name_heads(k, &d);
    for (uint32_t i = 0; i < dep_count; i++) {
        dep_on(h, deps[i], &list[i]);
        set_join_entry(k, d.past, deps[i]);
    }
    if (dep_count != 0 && history_chance(k, 12)) {
        spoil_dep(k, &list[0]);
        history_count(k, HISTORY_WAITS_DEP);
        d.waits = true;
    }
    if (dep_count != 0)
        qsort(list, dep_count, sizeof *list, cmp_dep);
    d.header.deps = list;
    d.header.dep_count = dep_count;
    number_deps(k, &d);
    return d;
}

/* --- writing -------------------------------------------------------------------------------- */

static void count_entry(struct history_maker *k, const struct history_draft *d,
                        const uint32_t *deps)
{
    const struct history *h = k->h;
    uint32_t tip;
    bool several = false, fork = false, merges = false;
    for (uint32_t i = 0; i < h->device_count; i++)
        several = several || history_tips(k, d->past, i, &tip) > 1;
    for (uint32_t i = 0; i < h->count; i++)
        fork = fork || (h->entries[i].device == d->device && h->entries[i].prev == d->prev);
    for (uint32_t i = 0; i < d->header.dep_count; i++)
        merges = merges || h->entries[deps[i]].device == d->device;
    history_count(k, HISTORY_ENTRIES);
    if (several)
        history_count(k, HISTORY_SEVERAL_TIPS);
    if (fork)
        history_count(k, HISTORY_FORK);
    if (merges)
        history_count(k, HISTORY_MERGES_OWN);
    if (d->header.txn_count > 1)
        history_count(k, HISTORY_TXN);
    if (d->prev != HISTORY_NONE &&
        memcmp(h->entries[d->prev].h.epoch, d->header.epoch, CRDT_EPOCH_BYTES) != 0)
        history_count(k, HISTORY_EPOCH);
    if (d->prev != HISTORY_NONE && h->entries[d->prev].waits)
        history_count(k, HISTORY_WAITS_AFTER);
}

/* Encode the draft and add it; the writer's tip moves on to it. */
static void finish(struct history_maker *k, struct history_writer *w, struct history_draft *d,
                   const uint32_t *deps)
{
    struct history *h = k->h;
    struct cht_buf header;
    uint32_t *parents = history_room(k, d->header.dep_count + 1, sizeof *parents);
    uint32_t parent_count = 0;
    count_entry(k, d, deps);
    if (d->prev != HISTORY_NONE)
        parents[parent_count++] = d->prev;
    for (uint32_t i = 0; i < d->header.dep_count; i++)
        parents[parent_count++] = deps[i];
    struct cht_bytes body = history_keep_bytes(k, cht_buf_view(&d->body));
    cht_buf_clear(&d->body);
    d->header.body_len = (uint32_t)body.len;
    d->header.body_hash = crdt_hash_of(body);
    d->header.hlc = choose_stamp(k, w, d);
    cht_buf_init(&header, LIMIT_HEADER_BYTES);
    history_must(crdt_header_encode(&d->header, &header));
    struct history_entry *e = &h->entries[h->count];
    *e = (struct history_entry){ .header = history_keep_bytes(k, cht_buf_view(&header)),
                                 .body = body,
                                 .h = d->header,
                                 .device = d->device,
                                 .prev = d->prev,
                                 .parents = parents,
                                 .parent_count = parent_count,
                                 .txn_left = d->header.txn_count - 1 - d->header.txn_position,
                                 .waits = d->waits,
                                 .resolves = d->resolves,
                                 .entity = d->entity,
                                 .past = d->past,
                                 .heads_from = d->header.head_count != 0 || d->prev == HISTORY_NONE
                                                   ? h->count
                                                   : h->entries[d->prev].heads_from,
                                 .number_count = d->number_count };
    memcpy(e->numbers, d->numbers, sizeof e->numbers);
    e->hash = crdt_hash_of(e->header);
    cht_buf_clear(&header);
    w->tip = h->count++;
    w->lost = d->waits ? w->lost + 1 : 0;
    set_join_entry(k, w->view, w->tip);
}

static void write_deps_only(struct history_maker *k, struct history_writer *w, const uint32_t *deps,
                            uint32_t count)
{
    struct history_draft d = begin(k, w, true, deps, count);
    cht_buf_init(&d.body, LIMIT_BODY_BYTES);
    history_must(crdt_body_encode(NULL, 0, &d.body));
    history_count(k, HISTORY_DEPS_ONLY);
    finish(k, w, &d, deps);
}

/* A transaction of one entry or several; the first carries the deps (PROTOCOL 2.4). */
static void write_change(struct history_maker *k, struct history_writer *w)
{
    uint32_t deps[LIMIT_DEPS];
    uint32_t dep_count = changed_tips(k, w, deps), at = 0;
    uint32_t count = history_chance(k, 80) ? 1 : 2 + seeded_below(&k->random, 3);
    if (dep_count != 0 && history_chance(k, 25)) {
        write_deps_only(k, w, deps, DEPS_ONLY_KEPT);
        at = DEPS_ONLY_KEPT;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct history_draft d = begin(k, w, i == 0, deps + at, i == 0 ? dep_count - at : 0);
        d.header.txn_position = i;
        d.header.txn_count = count;
        cht_buf_init(&d.body, LIMIT_BODY_BYTES);
        history_choose_refs(k, &d);
        history_write_body(k, &d);
        finish(k, w, &d, deps + at);
    }
}

static void step(struct history_maker *k)
{
    struct history_writer *w = &k->writers[seeded_below(&k->random, k->writer_count)];
    k->now_ms += seeded_below(&k->random, 5000);
    if (history_chance(k, 3))
        fork_writer(k);
    if (history_chance(k, 45))
        take_in(k, w);
    if (w->lost > LOST_MAX)
        set_back(k, w, sound_tip(k->h, w->tip));
    if (history_chance(k, 6))
        seeded_fill(&k->random, w->epoch, sizeof w->epoch);
    write_change(k, w);
}

void history_device(uint64_t seed, uint32_t index, struct history_device *out)
{
    uint8_t from[12];
    cht_put_u64(from, seed);
    cht_put_u32(from + 8, index);
    struct crdt_hash drawn = crdt_hash_of(cht_bytes(from, sizeof from));
    memcpy(out->sign_seed, drawn.b, sizeof out->sign_seed);
    crypto_sign_seed_keypair(out->sign_public, out->sign_secret, out->sign_seed);
    crdt_id_of("chitty-device-1", cht_bytes(out->sign_public, sizeof out->sign_public), out->id);
}

void history_make(struct history *h, uint64_t seed, uint32_t count,
                  const struct history_space *space)
{
    struct history_maker k = { .h = h, .space = space, .now_ms = START_MS };
    const uint32_t slack = 5; /* the last change may be a dep-only entry and four others */
    *h = (struct history){ .seed = seed };
    cht_arena_init(&h->arena, SIZE_MAX);
    k.random = (struct seeded){ .state = seed * 2 + 1 };
    for (uint32_t i = 0; i < 8; i++)
        (void)seeded_next(&k.random); /* near seeds begin alike */
    k.words = ((size_t)count + slack + 63) / 64;
    h->entries = history_room(&k, count + slack, sizeof *h->entries);
    h->device_count = 2 + seeded_below(&k.random, HISTORY_DEVICES_MAX - 1);
    for (uint32_t i = 0; i < h->device_count; i++) {
        history_device(seed, i, &h->devices[i]);
        (void)add_writer(&k, i);
    }
    while (h->count < count)
        step(&k);
    free(k.puts);
}

void history_clear(struct history *h)
{
    cht_arena_clear(&h->arena);
    *h = (struct history){ .seed = 0 };
}
