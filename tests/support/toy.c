/* The toy replica: holding entries and records; see toy.h. Reading it as a view: toy_view.c. */
#include "tests/support/toy.h"

#include "tests/support/toy_own.h"

#include <assert.h>
#include <stdlib.h>

/* --- the world --------------------------------------------------------------------------- */

void toy_world_clear(struct toy_world *w)
{
    for (size_t i = 0; i < w->cap; i++)
        free(w->table[i]);
    free(w->table);
    *w = (struct toy_world){ 0 };
}

static size_t world_slot(const struct toy_world *w, const uint8_t *hash)
{
    size_t i = (size_t)cht_get_u64(hash) & (w->cap - 1);
    while (w->table[i] != NULL && memcmp(w->table[i]->hash.b, hash, CRDT_DEP_HASH_BYTES) != 0)
        i = (i + 1) & (w->cap - 1);
    return i;
}

static const struct toy_entry *intern(struct toy_world *w, const struct toy_entry *e)
{
    if (w->count * 2 >= w->cap) {
        struct toy_world bigger = { .cap = w->cap == 0 ? 1024 : w->cap * 2, .count = w->count };
        bigger.table = calloc(bigger.cap, sizeof *bigger.table);
        for (size_t i = 0; i < w->cap; i++) {
            if (w->table[i] != NULL)
                bigger.table[world_slot(&bigger, w->table[i]->hash.b)] = w->table[i];
        }
        free(w->table);
        *w = bigger;
    }
    size_t i = world_slot(w, e->hash.b);
    if (w->table[i] == NULL) {
        w->table[i] = malloc(sizeof *e);
        *w->table[i] = *e;
        w->count++;
    }
    return w->table[i];
}

static void seal(struct toy_entry *e)
{
    uint8_t bytes[128];
    size_t n = 0;
    memcpy(bytes + n, e->id.device, CRDT_ID_BYTES);
    n += CRDT_ID_BYTES;
    memcpy(bytes + n, e->id.epoch, CRDT_EPOCH_BYTES);
    n += CRDT_EPOCH_BYTES;
    cht_put_u32(bytes + n, e->id.seq);
    cht_put_u32(bytes + n + 4, e->value);
    cht_put_u32(bytes + n + 8, e->pad);
    n += 12;
    memcpy(bytes + n, e->dep, sizeof e->dep);
    n += sizeof e->dep;
    if (e->prev != NULL)
        memcpy(bytes + n, e->prev->hash.b, CRDT_HASH_BYTES);
    else
        memset(bytes + n, 0, CRDT_HASH_BYTES);
    n += CRDT_HASH_BYTES;
    bytes[n++] = e->head;
    e->hash = crdt_hash_of(cht_bytes(bytes, n));
    memcpy(e->id.hash, e->hash.b, sizeof e->id.hash);
}

/* --- what is held ------------------------------------------------------------------------ */

static size_t index_slot(const struct toy_replica *r, const uint8_t *hash)
{
    size_t i = (size_t)cht_get_u64(hash) & (r->index_cap - 1);
    while (r->index[i] != 0 &&
           memcmp(r->held[r->index[i] - 1].entry->hash.b, hash, CRDT_DEP_HASH_BYTES) != 0)
        i = (i + 1) & (r->index_cap - 1);
    return i;
}

struct toy_held *toy_find(const struct toy_replica *r, const uint8_t hash[CRDT_DEP_HASH_BYTES])
{
    if (r->index_cap == 0)
        return NULL;
    uint32_t at = r->index[index_slot(r, hash)];
    return at == 0 ? NULL : &r->held[at - 1];
}

bool toy_holds(const struct toy_replica *r, const struct toy_entry *e)
{
    return toy_find(r, e->hash.b) != NULL;
}

static void hold(struct toy_replica *r, const struct toy_entry *e)
{
    if (toy_holds(r, e))
        return;
    if (r->held_count == r->held_cap) {
        r->held_cap = r->held_cap == 0 ? 64 : r->held_cap * 2;
        r->held = realloc(r->held, r->held_cap * sizeof *r->held);
        r->index_cap = r->held_cap * 4;
        free(r->index);
        r->index = calloc(r->index_cap, sizeof *r->index);
        for (size_t i = 0; i < r->held_count; i++)
            r->index[index_slot(r, r->held[i].entry->hash.b)] = (uint32_t)i + 1;
    }
    r->index[index_slot(r, e->hash.b)] = (uint32_t)r->held_count + 1;
    r->held[r->held_count++] = (struct toy_held){ .entry = e };
}

struct crdt_hash toy_term(const struct toy_replica *r, const struct toy_entry *e)
{
    struct crdt_hash term = crdt_hash_of(cht_bytes(e->hash.b, CRDT_HASH_BYTES));
    if (r->rot == e)
        term.b[0] ^= 1;
    return term;
}

/* Apply what can be applied, until nothing changes. */
static void apply(struct toy_replica *r)
{
    static const uint8_t none[CRDT_DEP_HASH_BYTES] = { 0 };
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < r->held_count; i++) {
            struct toy_held *h = &r->held[i];
            if (h->applied)
                continue;
            const struct toy_held *prev =
                h->entry->prev == NULL ? NULL : toy_find(r, h->entry->prev->hash.b);
            bool ready = h->entry->prev == NULL || (prev != NULL && prev->applied);
            if (ready && memcmp(h->entry->dep, none, sizeof none) != 0) {
                const struct toy_held *dep = toy_find(r, h->entry->dep);
                ready = dep != NULL && dep->applied;
            }
            if (ready) {
                struct crdt_hash term = toy_term(r, h->entry);
                crdt_root_add(&r->root, &term);
                h->applied = more = true;
            }
        }
    }
}

static int by_dep(const void *a, const void *b)
{
    return crdt_dep_cmp(a, b);
}

/* The ends of all paths held; with `applied_only`, entries of each device that are prev or dep of
 * no other applied entry of that device. */
static size_t find_tips(const struct toy_replica *r, bool applied_only, struct crdt_dep *out)
{
    size_t count = 0;
    uint8_t *inner = calloc(r->held_count + 1, 1);
    for (size_t i = 0; i < r->held_count; i++) {
        const struct toy_entry *e = r->held[i].entry;
        if (applied_only && !r->held[i].applied)
            continue;
        struct toy_held *prev = e->prev == NULL ? NULL : toy_find(r, e->prev->hash.b);
        struct toy_held *dep = applied_only ? toy_find(r, e->dep) : NULL;
        if (prev != NULL)
            inner[prev - r->held] = 1;
        if (dep != NULL && memcmp(dep->entry->id.device, e->id.device, CRDT_ID_BYTES) == 0)
            inner[dep - r->held] = 1;
    }
    for (size_t i = 0; i < r->held_count; i++) {
        if (!inner[i] && (!applied_only || r->held[i].applied))
            out[count++] = r->held[i].entry->id;
    }
    free(inner);
    if (count > 1)
        qsort(out, count, sizeof *out, by_dep);
    return count;
}

void toy_refresh(struct toy_replica *r)
{
    apply(r);
    r->stored = realloc(r->stored, (r->held_count + 1) * sizeof *r->stored);
    r->applied = realloc(r->applied, (r->held_count + 1) * sizeof *r->applied);
    r->stored_count = find_tips(r, false, r->stored);
    r->applied_count = find_tips(r, true, r->applied);
}

void toy_replica_init(struct toy_replica *r, struct toy_world *world, uint8_t number)
{
    *r = (struct toy_replica){ .world = world };
    memset(r->device, number, sizeof r->device);
    memset(r->epoch, number, sizeof r->epoch);
    toy_refresh(r);
}

void toy_replica_clear(struct toy_replica *r)
{
    free(r->held);
    free(r->index);
    free(r->records);
    free(r->stored);
    free(r->applied);
    *r = (struct toy_replica){ 0 };
}

const struct toy_entry *toy_commit(struct toy_replica *r, uint32_t count, uint32_t pad,
                                   uint32_t value, const struct toy_entry *dep)
{
    for (uint32_t i = 0; i < count; i++) {
        struct toy_entry e = { .prev = r->own, .value = value + i, .pad = pad };
        memcpy(e.id.device, r->device, sizeof r->device);
        memcpy(e.id.epoch, r->epoch, sizeof r->epoch);
        e.id.seq = r->own == NULL ? 1 : r->own->id.seq + 1;
        e.head = i + 1 == count;
        if (i == 0 && dep != NULL)
            memcpy(e.dep, dep->hash.b, sizeof e.dep);
        seal(&e);
        r->own = intern(r->world, &e);
        hold(r, r->own);
    }
    toy_refresh(r);
    return r->own;
}

void toy_copy(struct toy_replica *to, const struct toy_replica *from)
{
    for (size_t i = 0; i < from->held_count; i++)
        hold(to, from->held[i].entry);
    for (size_t i = 0; i < from->record_count; i++)
        (void)toy_record_receive(to, cht_bytes(from->records[i].bytes, from->records[i].len));
    to->own = from->own;
    memcpy(to->device, from->device, sizeof to->device);
    toy_refresh(to);
}

/* --- ranges in --------------------------------------------------------------------------- */

static const struct toy_entry *entry_before(const struct toy_replica *r,
                                            const struct crdt_range *range)
{
    for (size_t i = 0; i < r->held_count; i++) {
        const struct toy_entry *e = r->held[i].entry;
        if (e->id.seq + 1 == range->seq && memcmp(e->id.device, range->device_tag, 8) == 0 &&
            memcmp(e->hash.b, range->prev_tag, 4) == 0)
            return e;
    }
    return NULL;
}

static bool read_entry(struct cht_wire *w, const struct toy_entry *prev, uint32_t seq,
                       const uint8_t tag[8], struct toy_entry *out)
{
    *out = (struct toy_entry){ .prev = prev };
    memset(out->id.device, tag[0], sizeof out->id.device); /* a toy's device is one byte repeated */
    out->id.seq = seq;
    cht_wire_copy(w, out->id.epoch, sizeof out->id.epoch);
    cht_wire_copy(w, out->dep, sizeof out->dep);
    out->value = cht_wire_u32(w);
    out->head = cht_wire_u8(w) == 1;
    out->pad = cht_wire_u32(w);
    (void)cht_wire_take(w, out->pad);
    seal(out);
    return w->err == CHT_OK;
}

void toy_sign(const struct toy_entry *e, uint8_t out[CRDT_SIG_BYTES])
{
    uint8_t bytes[CRDT_HASH_BYTES + CRDT_ID_BYTES];
    memcpy(bytes, e->hash.b, CRDT_HASH_BYTES);
    memcpy(bytes + CRDT_HASH_BYTES, e->id.device, CRDT_ID_BYTES);
    struct crdt_hash sig = crdt_hash_of(cht_bytes(bytes, sizeof bytes));
    memcpy(out, sig.b, CRDT_HASH_BYTES);
    memcpy(out + CRDT_HASH_BYTES, sig.b, CRDT_HASH_BYTES);
}

enum net_verdict toy_receive(struct toy_replica *r, const struct crdt_range *range)
{
    if (r->verdict != NET_STORED)
        return r->verdict;
    const struct toy_entry *prev = range->seq == 1 ? NULL : entry_before(r, range);
    if (range->seq > 1 && prev == NULL)
        return NET_UNPLACEABLE;
    if (range->count > LIMIT_HEAD_ENTRIES)
        return NET_REFUSED;
    const struct toy_entry *got[LIMIT_HEAD_ENTRIES];
    struct cht_wire w = cht_wire(range->payload);
    for (uint32_t i = 0; i < range->count; i++) {
        struct toy_entry e;
        if (!read_entry(&w, prev, range->seq + i, range->device_tag, &e))
            return NET_REFUSED;
        prev = got[i] = intern(r->world, &e);
    }
    uint8_t head[CRDT_SIG_BYTES];
    toy_sign(prev, head);
    if (cht_wire_end(&w) != CHT_OK || memcmp(head, range->head, sizeof head) != 0)
        return NET_REFUSED;
    if (toy_holds(r, prev))
        return NET_KNOWN;
    for (uint32_t i = 0; i < range->count; i++)
        hold(r, got[i]);
    return NET_STORED;
}

/* --- records ----------------------------------------------------------------------------- */

static void refresh_member_heads(struct toy_replica *r)
{
    r->member_head_count = 0;
    for (size_t i = 0; i < r->record_count; i++) {
        bool inner = false;
        for (size_t k = 0; k < r->record_count && !inner; k++) {
            for (size_t p = 0; p < r->records[k].bytes[0] && !inner; p++)
                inner = memcmp(r->records[k].bytes + 1 + p * CRDT_HASH_BYTES, r->records[i].hash.b,
                               CRDT_HASH_BYTES) == 0;
        }
        if (inner)
            continue;
        assert(r->member_head_count < 64);
        size_t at = r->member_head_count++;
        while (at > 0 && memcmp(r->member_heads[at - 1].b, r->records[i].hash.b, 32) > 0) {
            r->member_heads[at] = r->member_heads[at - 1];
            at--;
        }
        r->member_heads[at] = r->records[i].hash;
    }
}

static const struct toy_record *find_record(const struct toy_replica *r, const uint8_t *hash)
{
    for (size_t i = 0; i < r->record_count; i++) {
        if (memcmp(r->records[i].hash.b, hash, CRDT_HASH_BYTES) == 0)
            return &r->records[i];
    }
    return NULL;
}

enum cht_err toy_record_receive(struct toy_replica *r, struct cht_bytes bytes)
{
    if (bytes.len < 5 || bytes.len > sizeof r->records->bytes ||
        bytes.len < 5 + (size_t)bytes.data[0] * CRDT_HASH_BYTES)
        return CHT_E_MALFORMED;
    struct crdt_hash hash = crdt_hash_of(bytes);
    if (find_record(r, hash.b) != NULL)
        return CHT_OK;
    for (size_t p = 0; p < bytes.data[0]; p++) {
        if (find_record(r, bytes.data + 1 + p * CRDT_HASH_BYTES) == NULL)
            return CHT_E_INVALID;
    }
    if (r->record_count == r->record_cap) {
        r->record_cap = r->record_cap == 0 ? 16 : r->record_cap * 2;
        r->records = realloc(r->records, r->record_cap * sizeof *r->records);
    }
    struct toy_record *rec = &r->records[r->record_count++];
    *rec = (struct toy_record){ .hash = hash, .len = bytes.len };
    memcpy(rec->bytes, bytes.data, bytes.len);
    refresh_member_heads(r);
    return CHT_OK;
}

void toy_record_add(struct toy_replica *r, uint32_t number, uint32_t pad)
{
    uint8_t bytes[4096] = { (uint8_t)(r->member_head_count < 7 ? r->member_head_count : 7) };
    for (size_t p = 0; p < bytes[0]; p++)
        memcpy(bytes + 1 + p * CRDT_HASH_BYTES, r->member_heads[p].b, CRDT_HASH_BYTES);
    size_t len = 1 + (size_t)bytes[0] * CRDT_HASH_BYTES;
    cht_put_u32(bytes + len, number);
    enum cht_err err = toy_record_receive(r, cht_bytes(bytes, len + 4 + pad));
    assert(err == CHT_OK);
    (void)err;
}

enum cht_err toy_fork_receive(struct toy_replica *r, struct cht_bytes proof)
{
    struct net_fork_id id;
    size_t at = 0;
    if (proof.len != sizeof id)
        return CHT_E_MALFORMED;
    memcpy(&id, proof.data, sizeof id);
    while (at < r->fork_count && net_fork_id_cmp(&r->forks[at], &id) < 0)
        at++;
    if (at < r->fork_count && net_fork_id_cmp(&r->forks[at], &id) == 0)
        return CHT_OK;
    if (r->fork_count == sizeof r->forks / sizeof r->forks[0])
        return CHT_OK;
    memmove(&r->forks[at + 1], &r->forks[at], (r->fork_count - at) * sizeof id);
    r->forks[at] = id;
    r->fork_count++;
    return CHT_OK;
}

bool toy_equal(const struct toy_replica *a, const struct toy_replica *b)
{
    if (a->held_count != b->held_count || a->record_count != b->record_count ||
        !crdt_root_eq(&a->root, &b->root))
        return false;
    for (size_t i = 0; i < a->held_count; i++) {
        if (!toy_holds(b, a->held[i].entry))
            return false;
    }
    return a->member_head_count == b->member_head_count &&
           memcmp(a->member_heads, b->member_heads,
                  a->member_head_count * sizeof *a->member_heads) == 0;
}
