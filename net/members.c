/* The membership DAG; see members.h (PROTOCOL 7.3 to 7.6).
 *
 * Each held record carries the set of its ancestors as a bitset over the indices below its own
 * (512 bytes at LIMIT_RECORDS), so ancestry is one bit test. The records that admit one device form
 * a list from the newest back; "is it admitted under these heads" walks that list, which has one
 * element as good as always. */
#include "net/members.h"

#include <assert.h>
#include <stdlib.h>

#define NONE UINT32_MAX

struct row {
    struct crdt_hash hash;
    struct cht_bytes bytes; /* owned: in one allocation with `past` */
    uint64_t *past;         /* bit i: row i is an ancestor; i below the own index */
    uint32_t device;        /* whom it admits */
    uint32_t admit_before;  /* the row before that admits the same device; NONE at the end */
    uint8_t role;
};

/* Open addressing over row or device numbers plus 1; nothing is ever taken out, so of two with an
 * equal key the smaller number is found first. Keys are hashes: their first bytes spread. */
struct index {
    uint32_t *slots;
    uint32_t cap; /* a power of two; 0 when empty */
};

struct waiting {
    struct crdt_hash hash;
    uint8_t *data; /* owned */
    size_t len;
};

struct net_members {
    uint8_t space[CRDT_ID_BYTES];
    struct row *rows;
    struct net_device *devices;
    struct crdt_hash *heads; /* sorted */
    uint32_t row_count, row_cap, device_count, device_cap, head_count;
    struct index by_hash, by_device;
    struct waiting waiting[NET_MEMBERS_WAITING];
    uint32_t waiting_count;
    size_t waiting_bytes;
};

/* --- indices ------------------------------------------------------------------------------- */

static const uint8_t *row_key(const struct net_members *m, uint32_t number)
{
    return m->rows[number].hash.b;
}

static const uint8_t *device_key(const struct net_members *m, uint32_t number)
{
    return m->devices[number].id;
}

typedef const uint8_t *key_fn(const struct net_members *m, uint32_t number);

static uint32_t index_find(const struct index *ix, const struct net_members *m, key_fn *key_of,
                           struct cht_bytes key)
{
    if (ix->cap == 0)
        return NONE;
    uint32_t mask = ix->cap - 1;
    for (uint32_t at = cht_get_u32(key.data) & mask; ix->slots[at] != 0; at = (at + 1) & mask) {
        if (memcmp(key_of(m, ix->slots[at] - 1), key.data, key.len) == 0)
            return ix->slots[at] - 1;
    }
    return NONE;
}

static void index_put(struct index *ix, const uint8_t *key, uint32_t number)
{
    uint32_t mask = ix->cap - 1, at = cht_get_u32(key) & mask;
    while (ix->slots[at] != 0)
        at = (at + 1) & mask;
    ix->slots[at] = number + 1;
}

/* Room for one more beyond `count`: at most half of the slots are taken. */
static enum cht_err index_reserve(struct index *ix, const struct net_members *m, key_fn *key_of,
                                  uint32_t count)
{
    if (count < ix->cap / 2)
        return CHT_OK;
    struct index bigger = { .cap = ix->cap == 0 ? 16 : ix->cap * 2 };
    bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return CHT_E_NOMEM;
    for (uint32_t i = 0; i < count; i++)
        index_put(&bigger, key_of(m, i), i);
    free(ix->slots);
    *ix = bigger;
    return CHT_OK;
}

static uint32_t find_row(const struct net_members *m, const struct crdt_hash *hash)
{
    return index_find(&m->by_hash, m, row_key, cht_bytes(hash->b, CRDT_HASH_BYTES));
}

static uint32_t find_device(const struct net_members *m, const uint8_t *id, size_t len)
{
    return index_find(&m->by_device, m, device_key, cht_bytes(id, len));
}

/* --- life ---------------------------------------------------------------------------------- */

struct net_members *net_members_new(const uint8_t space[static CRDT_ID_BYTES])
{
    struct net_members *m = calloc(1, sizeof *m);
    if (m != NULL)
        memcpy(m->space, space, CRDT_ID_BYTES);
    return m;
}

void net_members_free(struct net_members *m)
{
    if (m == NULL)
        return;
    for (uint32_t i = 0; i < m->row_count; i++)
        free(m->rows[i].past);
    for (uint32_t i = 0; i < m->waiting_count; i++)
        free(m->waiting[i].data);
    free(m->rows);
    free(m->devices);
    free(m->heads);
    free(m->by_hash.slots);
    free(m->by_device.slots);
    free(m);
}

const uint8_t *net_members_space(const struct net_members *m)
{
    return m->space;
}

/* --- ancestry ------------------------------------------------------------------------------ */

static size_t past_words(uint32_t index)
{
    return ((size_t)index + 63) / 64;
}

static bool past_has(const struct row *row, uint32_t index)
{
    return (row->past[index / 64] >> (index % 64) & 1) != 0;
}

/* Row `under` is row `index` or has it in its past. */
static bool reaches(const struct net_members *m, uint32_t under, uint32_t index)
{
    return under == index || (index < under && past_has(&m->rows[under], index));
}

/* The role of a device under one row, 0 for none. An admit never lowers: the least number. */
static unsigned role_under(const struct net_members *m, uint32_t device, uint32_t under)
{
    unsigned role = 0;
    for (uint32_t i = m->devices[device].admit_last; i != NONE; i = m->rows[i].admit_before) {
        if (reaches(m, under, i) && (role == 0 || m->rows[i].role < role))
            role = m->rows[i].role;
    }
    return role;
}

enum cht_err net_members_role(const struct net_members *m,
                              const uint8_t device[static CRDT_ID_BYTES],
                              const struct crdt_hash *heads, uint32_t head_count,
                              enum net_role *out)
{
    uint32_t number = find_device(m, device, CRDT_ID_BYTES);
    unsigned best = 0;
    for (uint32_t i = 0; i < head_count; i++) {
        uint32_t row = find_row(m, &heads[i]);
        if (row == NONE)
            return CHT_E_WAITING;
        unsigned role = number == NONE ? 0 : role_under(m, number, row);
        if (role != 0 && (best == 0 || role < best))
            best = role;
    }
    if (best == 0)
        return CHT_E_DENIED;
    *out = (enum net_role)best;
    return CHT_OK;
}

bool net_members_has(const struct net_members *m, const struct crdt_hash *record)
{
    return find_row(m, record) != NONE;
}

bool net_members_reaches(const struct net_members *m, const struct crdt_hash *record,
                         const struct crdt_hash *ancestor)
{
    uint32_t under = find_row(m, record), above = find_row(m, ancestor);
    return under != NONE && above != NONE && reaches(m, under, above);
}

/* --- adding -------------------------------------------------------------------------------- */

/* Make room for one more row, device and head. */
static enum cht_err reserve(struct net_members *m)
{
    if (m->row_count == m->row_cap) {
        uint32_t cap = m->row_cap == 0 ? 8 : m->row_cap * 2;
        struct row *rows = realloc(m->rows, cap * sizeof *rows);
        if (rows == NULL)
            return CHT_E_NOMEM;
        m->rows = rows;
        struct crdt_hash *heads = realloc(m->heads, cap * sizeof *heads);
        if (heads == NULL)
            return CHT_E_NOMEM;
        m->heads = heads;
        m->row_cap = cap;
    }
    if (m->device_count == m->device_cap) {
        uint32_t cap = m->device_cap == 0 ? 8 : m->device_cap * 2;
        struct net_device *devices = realloc(m->devices, cap * sizeof *devices);
        if (devices == NULL)
            return CHT_E_NOMEM;
        m->devices = devices;
        m->device_cap = cap;
    }
    enum cht_err err = index_reserve(&m->by_hash, m, row_key, m->row_count);
    return err == CHT_OK ? index_reserve(&m->by_device, m, device_key, m->device_count) : err;
}

/* The row's own memory: the bitset, then the bytes. */
static enum cht_err row_make(const struct net_members *m, const struct net_record *rec,
                             struct cht_bytes bytes, struct row *out)
{
    size_t words = past_words(m->row_count);
    uint64_t *past = calloc(1, words * sizeof *past + bytes.len);
    if (past == NULL)
        return CHT_E_NOMEM;
    for (uint32_t i = 0; i < rec->parent_count; i++) {
        uint32_t parent = find_row(m, &rec->parents[i]);
        past[parent / 64] |= UINT64_C(1) << parent % 64;
        for (size_t word = 0; word < past_words(parent); word++)
            past[word] |= m->rows[parent].past[word];
    }
    uint8_t *copy = (uint8_t *)(past + words);
    memcpy(copy, bytes.data, bytes.len);
    *out = (struct row){ .hash = crdt_hash_of(bytes),
                         .bytes = cht_bytes(copy, bytes.len),
                         .past = past,
                         .role = rec->role };
    return CHT_OK;
}

static void heads_remove(struct net_members *m, const struct crdt_hash *hash)
{
    for (uint32_t i = 0; i < m->head_count; i++) {
        if (crdt_hash_eq(&m->heads[i], hash)) {
            m->head_count--;
            memmove(&m->heads[i], &m->heads[i + 1], (m->head_count - i) * sizeof *m->heads);
            return;
        }
    }
}

/* Insert in order; the caller has room. */
static void heads_insert(struct crdt_hash *heads, uint32_t count, const struct crdt_hash *hash)
{
    uint32_t at = count;
    while (at > 0 && memcmp(heads[at - 1].b, hash->b, CRDT_HASH_BYTES) > 0)
        at--;
    memmove(&heads[at + 1], &heads[at], (count - at) * sizeof *heads);
    heads[at] = *hash;
}

/* Enter what row `index` says about the device it admits. */
static void device_note(struct net_members *m, const struct net_record *rec, uint32_t index)
{
    struct row *row = &m->rows[index];
    uint8_t id[CRDT_ID_BYTES];
    net_device_of(rec->cert.sign_pk, id);
    uint32_t number = find_device(m, id, sizeof id);
    bool fresh = number == NONE;
    if (fresh) {
        number = m->device_count++;
        m->devices[number] = (struct net_device){ .role = rec->role, .admit_last = NONE };
        memcpy(m->devices[number].id, id, sizeof id);
        index_put(&m->by_device, id, number);
    }
    struct net_device *device = &m->devices[number];
    row->device = number;
    row->admit_before = device->admit_last;
    device->admit_last = index;
    if (rec->role < device->role)
        device->role = rec->role;
    int order = fresh ? 1 : net_cert_cmp(&rec->cert, &device->cert);
    if (order > 0 || (order == 0 && memcmp(row->hash.b, device->record.b, CRDT_HASH_BYTES) > 0)) {
        device->cert = rec->cert;
        device->record = row->hash;
        device->name_len = (uint8_t)rec->name.len;
        memcpy(device->name, rec->name.data, rec->name.len);
    }
}

/* PROTOCOL 7.5: is the author an admin under the record's parents, all of which are held? */
static bool author_may(const struct net_members *m, const struct net_record *rec)
{
    uint8_t author[CRDT_ID_BYTES];
    enum net_role role;
    if (rec->kind == NET_RECORD_FOUND)
        return true; /* the space id names it */
    net_device_of(rec->author, author);
    return net_members_role(m, author, rec->parents, rec->parent_count, &role) == CHT_OK &&
           role == NET_ROLE_ADMIN;
}

/* Hold a verified record whose parents are held. */
static enum cht_err hold(struct net_members *m, const struct net_record *rec,
                         struct cht_bytes bytes)
{
    struct row row;
    if (!author_may(m, rec))
        return CHT_E_DENIED;
    if (m->row_count >= LIMIT_RECORDS)
        return CHT_E_LIMIT;
    enum cht_err err = reserve(m);
    if (err == CHT_OK)
        err = row_make(m, rec, bytes, &row);
    if (err != CHT_OK)
        return err;
    uint32_t index = m->row_count++;
    m->rows[index] = row;
    index_put(&m->by_hash, row.hash.b, index);
    device_note(m, rec, index);
    for (uint32_t i = 0; i < rec->parent_count; i++)
        heads_remove(m, &rec->parents[i]);
    heads_insert(m->heads, m->head_count++, &row.hash);
    return CHT_OK;
}

static bool parents_held(const struct net_members *m, const struct net_record *rec)
{
    for (uint32_t i = 0; i < rec->parent_count; i++) {
        if (find_row(m, &rec->parents[i]) == NONE)
            return false;
    }
    return true;
}

/* Keep a verified record until its parents come. */
static enum cht_err hold_back(struct net_members *m, const struct crdt_hash *hash,
                              struct cht_bytes bytes)
{
    for (uint32_t i = 0; i < m->waiting_count; i++) {
        if (crdt_hash_eq(&m->waiting[i].hash, hash))
            return CHT_E_WAITING;
    }
    if (m->waiting_count == NET_MEMBERS_WAITING ||
        bytes.len > NET_MEMBERS_WAITING_BYTES - m->waiting_bytes)
        return CHT_E_LIMIT;
    uint8_t *copy = malloc(bytes.len);
    if (copy == NULL)
        return CHT_E_NOMEM;
    memcpy(copy, bytes.data, bytes.len);
    m->waiting[m->waiting_count++] =
        (struct waiting){ .hash = *hash, .data = copy, .len = bytes.len };
    m->waiting_bytes += bytes.len;
    return CHT_E_WAITING;
}

/* Hold, or drop, each waiting record whose parents are held by now, until none is left. A lack of
 * memory drops it too: it will be sent again. */
static void release_waiting(struct net_members *m)
{
    bool again = true;
    while (again) {
        again = false;
        for (uint32_t i = 0; i < m->waiting_count; i++) {
            struct waiting w = m->waiting[i];
            struct cht_bytes bytes = cht_bytes(w.data, w.len);
            struct net_record rec;
            enum cht_err err = net_record_decode(bytes, &rec);
            assert(err == CHT_OK); /* it was, when it came */
            if (!parents_held(m, &rec))
                continue;
            m->waiting[i--] = m->waiting[--m->waiting_count];
            m->waiting_bytes -= w.len;
            again = hold(m, &rec, bytes) == CHT_OK || again;
            free(w.data);
        }
    }
}

enum cht_err net_members_add(struct net_members *m, struct cht_bytes record)
{
    struct net_record rec;
    uint8_t space[CRDT_ID_BYTES];
    enum cht_err err = net_record_decode(record, &rec);
    if (err == CHT_OK && rec.kind != NET_RECORD_FOUND && rec.kind != NET_RECORD_ADMIT)
        err = CHT_E_UNSUPPORTED;
    if (err != CHT_OK)
        return err;
    struct crdt_hash hash = crdt_hash_of(record);
    if (find_row(m, &hash) != NONE)
        return CHT_OK;
    if (rec.kind == NET_RECORD_FOUND)
        net_space_of(record, space);
    else
        memcpy(space, rec.space, CRDT_ID_BYTES);
    if (memcmp(space, m->space, CRDT_ID_BYTES) != 0)
        return CHT_E_INVALID;
    err = net_record_verify(&rec, record);
    if (err != CHT_OK)
        return err;
    if (!parents_held(m, &rec))
        return hold_back(m, &hash, record);
    err = hold(m, &rec, record);
    if (err == CHT_OK)
        release_waiting(m);
    return err;
}

/* --- looking ------------------------------------------------------------------------------- */

uint32_t net_members_count(const struct net_members *m)
{
    return m->row_count;
}

uint32_t net_members_waiting(const struct net_members *m)
{
    return m->waiting_count;
}

struct cht_bytes net_members_record(const struct net_members *m, uint32_t index,
                                    struct crdt_hash *out_hash)
{
    assert(index < m->row_count);
    if (out_hash != NULL)
        *out_hash = m->rows[index].hash;
    return m->rows[index].bytes;
}

const struct crdt_hash *net_members_heads(const struct net_members *m, uint32_t *out_count)
{
    *out_count = m->head_count;
    return m->heads;
}

uint32_t net_members_heads_named(const struct net_members *m,
                                 const uint8_t device[static CRDT_ID_BYTES],
                                 struct crdt_hash out[static LIMIT_MEMBER_HEADS])
{
    enum net_role role;
    uint32_t count = m->head_count < LIMIT_MEMBER_HEADS ? m->head_count : LIMIT_MEMBER_HEADS;
    if (count != 0)
        memcpy(out, m->heads, count * sizeof *out);
    if (m->head_count <= count || net_members_role(m, device, out, count, &role) == CHT_OK)
        return count;
    for (uint32_t i = count; i < m->head_count; i++) {
        if (net_members_role(m, device, &m->heads[i], 1, &role) == CHT_OK) {
            out[count - 1] = m->heads[i]; /* above all that stand before it: still sorted */
            break;
        }
    }
    return count;
}

uint32_t net_members_device_count(const struct net_members *m)
{
    return m->device_count;
}

const struct net_device *net_members_device_at(const struct net_members *m, uint32_t index)
{
    assert(index < m->device_count);
    return &m->devices[index];
}

static const struct net_device *device_or_null(const struct net_members *m, uint32_t number)
{
    return number == NONE ? NULL : &m->devices[number];
}

const struct net_device *net_members_device(const struct net_members *m,
                                            const uint8_t id[static CRDT_ID_BYTES])
{
    return device_or_null(m, find_device(m, id, CRDT_ID_BYTES));
}

const struct net_device *net_members_tagged(const struct net_members *m,
                                            const uint8_t tag[static NET_DEVICE_TAG_BYTES])
{
    return device_or_null(m, find_device(m, tag, NET_DEVICE_TAG_BYTES));
}

const struct net_device *net_members_transport(const struct net_members *m,
                                               const uint8_t key[static NET_TRANSPORT_BYTES])
{
    for (uint32_t i = 0; i < m->device_count; i++) {
        if (memcmp(m->devices[i].cert.transport_pk, key, NET_TRANSPORT_BYTES) == 0)
            return &m->devices[i];
    }
    return NULL;
}

/* The rows that are among `heads` or in their past, as a bitset in `arena`. */
static uint64_t *covered_by(const struct net_members *m, const struct crdt_hash *heads,
                            size_t head_count, struct cht_arena *arena)
{
    uint64_t *covered = cht_arena_array(arena, past_words(m->row_count) + 1, sizeof *covered);
    for (size_t i = 0; covered != NULL && i < head_count; i++) {
        uint32_t row = find_row(m, &heads[i]);
        if (row == NONE)
            continue;
        covered[row / 64] |= UINT64_C(1) << row % 64;
        for (size_t word = 0; word < past_words(row); word++)
            covered[word] |= m->rows[row].past[word];
    }
    return covered;
}

enum cht_err net_members_since(const struct net_members *m, const struct crdt_hash *heads,
                               size_t head_count, size_t budget, struct cht_arena *arena,
                               const struct cht_bytes **out_records, size_t *out_count)
{
    const uint64_t *covered = covered_by(m, heads, head_count, arena);
    struct cht_bytes *list = cht_arena_array(arena, m->row_count + 1u, sizeof *list);
    if (covered == NULL || list == NULL)
        return CHT_E_NOMEM;
    size_t count = 0, bytes = 0;
    for (uint32_t i = 0; i < m->row_count; i++) {
        const struct row *row = &m->rows[i];
        if ((covered[i / 64] >> (i % 64) & 1) != 0)
            continue;
        if (count > 0 && row->bytes.len > budget - bytes)
            break;
        list[count++] = row->bytes;
        bytes += row->bytes.len < budget - bytes ? row->bytes.len : budget - bytes;
    }
    *out_records = list;
    *out_count = count;
    return CHT_OK;
}
