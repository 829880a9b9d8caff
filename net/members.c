/* The membership DAG: its records, as they come; see members.h (PROTOCOL 7.3 to 7.6). */
#include "net/members_own.h"

#include <assert.h>
#include <stdlib.h>

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

uint32_t members_find_row(const struct net_members *m, const struct crdt_hash *hash)
{
    return index_find(&m->by_hash, m, row_key, cht_bytes(hash->b, CRDT_HASH_BYTES));
}

uint32_t members_find_device(const struct net_members *m, const uint8_t *id, size_t len)
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
    free(m->subjects);
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

unsigned members_role_under(const struct net_members *m, uint32_t device, uint32_t under)
{
    unsigned role = 0;
    for (uint32_t i = m->subjects[device].grant_last; i != NONE; i = m->rows[i].grant_before) {
        if (members_reaches(m, under, i) && (role == 0 || m->rows[i].role < role))
            role = m->rows[i].role;
    }
    return role;
}

enum cht_err net_members_role(const struct net_members *m,
                              const uint8_t device[static CRDT_ID_BYTES],
                              const struct crdt_hash *heads, uint32_t head_count,
                              enum net_role *out)
{
    uint32_t number = members_find_device(m, device, CRDT_ID_BYTES);
    unsigned best = 0;
    for (uint32_t i = 0; i < head_count; i++) {
        uint32_t row = members_find_row(m, &heads[i]);
        if (row == NONE)
            return CHT_E_WAITING;
        unsigned role = number == NONE ? 0 : members_role_under(m, number, row);
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
    return members_find_row(m, record) != NONE;
}

bool net_members_reaches(const struct net_members *m, const struct crdt_hash *record,
                         const struct crdt_hash *ancestor)
{
    uint32_t under = members_find_row(m, record), above = members_find_row(m, ancestor);
    return under != NONE && above != NONE && members_reaches(m, under, above);
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
        struct subject *subjects = realloc(m->subjects, cap * sizeof *subjects);
        if (subjects == NULL)
            return CHT_E_NOMEM;
        m->subjects = subjects;
        m->device_cap = cap;
    }
    enum cht_err err = index_reserve(&m->by_hash, m, row_key, m->row_count);
    return err == CHT_OK ? index_reserve(&m->by_device, m, device_key, m->device_count) : err;
}

static bool is_ruling(const struct net_record *rec)
{
    return rec->kind == NET_RECORD_ROLE || rec->kind == NET_RECORD_REVOKE;
}

/* The row's own memory: the bitset, then the bytes. */
static enum cht_err row_make(const struct net_members *m, const struct net_record *rec,
                             struct cht_bytes bytes, struct row *out)
{
    size_t words = members_words(m->row_count);
    uint64_t *past = calloc(1, words * sizeof *past + bytes.len);
    if (past == NULL)
        return CHT_E_NOMEM;
    for (uint32_t i = 0; i < rec->parent_count; i++) {
        uint32_t parent = members_find_row(m, &rec->parents[i]);
        past[parent / 64] |= UINT64_C(1) << parent % 64;
        for (size_t word = 0; word < members_words(parent); word++)
            past[word] |= m->rows[parent].past[word];
    }
    uint8_t *copy = (uint8_t *)(past + words);
    memcpy(copy, bytes.data, bytes.len);
    *out = (struct row){ .hash = crdt_hash_of(bytes),
                         .bytes = cht_bytes(copy, bytes.len),
                         .past = past,
                         .grant_before = NONE,
                         .ruling_before = NONE,
                         .senior = NONE,
                         .support = NONE,
                         .kind = rec->kind,
                         .why = rec->why,
                         .role = rec->role };
    if (is_ruling(rec)) {
        out->bound = rec->kind == NET_RECORD_ROLE ? rec->role : RIGHT_NONE;
        out->cutoff = cht_bytes(copy + (rec->cutoff.data - bytes.data), rec->cutoff.len);
    }
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

/* PROTOCOL 7.20: the founding record may name a key that outranks all. */
static bool by_recovery(const struct net_members *m, const struct net_record *rec)
{
    static const uint8_t unset[NET_RECOVERY_BYTES];
    return memcmp(m->recovery, unset, sizeof unset) != 0 &&
           memcmp(m->recovery, rec->author, NET_SIGN_PK_BYTES) == 0;
}

/* The number of the device that the record is about, new when it is the first to admit it. */
static uint32_t subject_of(struct net_members *m, const struct net_record *rec, bool *out_fresh)
{
    uint8_t id[CRDT_ID_BYTES];
    net_record_subject(rec, id);
    uint32_t number = members_find_device(m, id, sizeof id);
    *out_fresh = number == NONE;
    if (number != NONE)
        return number;
    number = m->device_count++;
    m->devices[number] = (struct net_device){ .role = rec->role };
    m->subjects[number] = (struct subject){ .grant_last = NONE, .ruling_last = NONE };
    memcpy(m->devices[number].id, id, sizeof id);
    index_put(&m->by_device, id, number);
    return number;
}

/* The certificate and the name of a device are those of its latest certificate. */
static void note_cert(struct net_device *device, const struct net_record *rec,
                      const struct crdt_hash *hash, bool fresh)
{
    int order = fresh ? 1 : net_cert_cmp(&rec->cert, &device->cert);
    if (order < 0 || (order == 0 && memcmp(hash->b, device->record.b, CRDT_HASH_BYTES) <= 0))
        return;
    device->cert = rec->cert;
    device->record = *hash;
    device->name_len = (uint8_t)rec->name.len;
    memcpy(device->name, rec->name.data, rec->name.len);
}

/* Enter what row `index` says, and about whom. */
static void note(struct net_members *m, const struct net_record *rec, uint32_t index)
{
    struct row *row = &m->rows[index];
    uint8_t author[CRDT_ID_BYTES];
    bool fresh;
    row->device = subject_of(m, rec, &fresh);
    net_device_of(rec->author, author);
    row->author = by_recovery(m, rec) ? NONE : members_find_device(m, author, sizeof author);
    struct subject *subject = &m->subjects[row->device];
    if (row_is_grant(row)) {
        row->grant_before = subject->grant_last;
        subject->grant_last = index;
    }
    if (row_is_ruling(row)) {
        row->ruling_before = subject->ruling_last;
        subject->ruling_last = index;
        m->ruling_count++;
    }
    if (rec->kind == NET_RECORD_FOUND)
        memcpy(m->recovery, rec->recovery, NET_RECOVERY_BYTES);
    if (rec->kind == NET_RECORD_FOUND || rec->kind == NET_RECORD_ADMIT)
        note_cert(&m->devices[row->device], rec, &row->hash, fresh);
    members_rank(m, index);
}

/* PROTOCOL 7.5, 7.20: is the author an admin under the record's parents, all of which are held,
 * and is whom a ruling names known there? */
static bool may_be_held(const struct net_members *m, const struct net_record *rec)
{
    uint8_t author[CRDT_ID_BYTES];
    enum net_role role;
    if (rec->kind == NET_RECORD_FOUND)
        return true; /* the space id names it */
    net_device_of(rec->author, author);
    if (!by_recovery(m, rec) &&
        (net_members_role(m, author, rec->parents, rec->parent_count, &role) != CHT_OK ||
         role != NET_ROLE_ADMIN))
        return false;
    return rec->kind == NET_RECORD_ADMIT ||
           net_members_role(m, rec->device, rec->parents, rec->parent_count, &role) == CHT_OK;
}

/* Is there room? The last places are the founder's, and of these the last the recovery key's: else
 * an admin could fill them all, and nobody could revoke it. */
static bool has_room(const struct net_members *m, const struct net_record *rec)
{
    static const uint8_t unset[NET_RECOVERY_BYTES];
    uint8_t author[CRDT_ID_BYTES];
    uint32_t above = 0;
    if (m->row_count != 0 && !m->loading && !by_recovery(m, rec)) {
        net_device_of(rec->author, author);
        above += memcmp(m->recovery, unset, sizeof unset) != 0;
        above += memcmp(m->devices[m->rows[0].device].id, author, sizeof author) != 0;
    }
    return m->row_count < LIMIT_RECORDS - above * LIMIT_RECORDS_KEPT &&
           (!is_ruling(rec) || m->ruling_count < LIMIT_RULINGS - above * LIMIT_RULINGS_KEPT);
}

/* Hold a verified record whose parents are held. */
static enum cht_err hold(struct net_members *m, const struct net_record *rec,
                         struct cht_bytes bytes)
{
    struct row row;
    if (!may_be_held(m, rec))
        return CHT_E_DENIED;
    if (!has_room(m, rec))
        return CHT_E_LIMIT;
    enum cht_err err = reserve(m);
    if (err == CHT_OK)
        err = row_make(m, rec, bytes, &row);
    if (err != CHT_OK)
        return err;
    uint32_t index = m->row_count++;
    m->rows[index] = row;
    index_put(&m->by_hash, row.hash.b, index);
    note(m, rec, index);
    for (uint32_t i = 0; i < rec->parent_count; i++)
        heads_remove(m, &rec->parents[i]);
    heads_insert(m->heads, m->head_count++, &row.hash);
    members_settle(m);
    return CHT_OK;
}

static bool parents_held(const struct net_members *m, const struct net_record *rec)
{
    for (uint32_t i = 0; i < rec->parent_count; i++) {
        if (members_find_row(m, &rec->parents[i]) == NONE)
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
    if (err != CHT_OK)
        return err;
    struct crdt_hash hash = crdt_hash_of(record);
    if (members_find_row(m, &hash) != NONE)
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
