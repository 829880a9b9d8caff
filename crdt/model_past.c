/* Parents, what is applied, pasts as sets, and names; see model.h (PROTOCOL 2.3 to 2.6, 5.1). */
#include "crdt/model_own.h"

static bool same_device(const struct crdt_header *a, const struct crdt_header *b)
{
    return memcmp(a->device, b->device, CRDT_ID_BYTES) == 0;
}

/* --- sets of entries: a bit each ------------------------------------------------------------ */

static size_t set_words(const struct crdt_model *m)
{
    return ((size_t)m->count + 63) / 64;
}

static bool set_has(const uint64_t *set, uint32_t i)
{
    return (set[i / 64] >> (i % 64) & 1) != 0;
}

static void set_put(uint64_t *set, uint32_t i)
{
    set[i / 64] |= UINT64_C(1) << (i % 64);
}

static void set_join(const struct crdt_model *m, uint64_t *set, const uint64_t *other)
{
    for (size_t w = 0; w < set_words(m); w++)
        set[w] |= other[w];
}

bool crdt_model_in_past(const struct crdt_model *m, uint32_t outer, uint32_t inner)
{
    return set_has(m->entries[outer].past, inner);
}

/* --- parents -------------------------------------------------------------------------------- */

/* PROTOCOL 2.3: the previous entry is of the same device and space and has one seq less. */
static bool fits_prev(const struct crdt_header *h, const struct crdt_header *prev)
{
    return same_device(h, prev) && memcmp(h->space, prev->space, CRDT_ID_BYTES) == 0 &&
           prev->seq == h->seq - 1;
}

/* PROTOCOL 2.4: a dep names the entry that is as written in all four parts. */
static uint32_t find_dep(const struct crdt_model *m, const struct crdt_dep *dep)
{
    for (uint32_t i = 0; i < m->count; i++) {
        const struct crdt_model_entry *e = &m->entries[i];
        if (e->h.seq == dep->seq && memcmp(e->hash.b, dep->hash, CRDT_DEP_HASH_BYTES) == 0 &&
            memcmp(e->h.device, dep->device, CRDT_ID_BYTES) == 0 &&
            memcmp(e->h.epoch, dep->epoch, CRDT_EPOCH_BYTES) == 0)
            return i;
    }
    return CRDT_MODEL_NONE;
}

static enum cht_err find_parents(struct crdt_model *m, struct crdt_model_entry *e)
{
    e->prev = e->h.seq == 1 ? CRDT_MODEL_NONE : crdt_model_find(m, &e->h.prev);
    if (e->prev != CRDT_MODEL_NONE && !fits_prev(&e->h, &m->entries[e->prev].h))
        e->prev = CRDT_MODEL_NONE;
    e->deps = cht_arena_array(&m->work, e->h.dep_count, sizeof *e->deps);
    if (e->deps == NULL)
        return CHT_E_NOMEM;
    for (uint32_t i = 0; i < e->h.dep_count; i++)
        e->deps[i] = find_dep(m, &e->h.deps[i]);
    return CHT_OK;
}

/* --- applied entries and their pasts --------------------------------------------------------- */

static bool is_applied(const struct crdt_model *m, uint32_t parent)
{
    return parent != CRDT_MODEL_NONE && m->entries[parent].applied;
}

/* PROTOCOL 5.1 and 3.7 */
static bool may_apply(const struct crdt_model *m, const struct crdt_model_entry *e)
{
    bool ready = !e->unknown_kind && (e->h.seq == 1 || is_applied(m, e->prev));
    for (uint32_t i = 0; i < e->h.dep_count; i++)
        ready = ready && is_applied(m, e->deps[i]);
    return ready;
}

static void join_parent(const struct crdt_model *m, uint64_t *past, uint32_t parent)
{
    set_join(m, past, m->entries[parent].past);
    set_put(past, parent);
}

static bool is_numbered(const struct crdt_model_entry *e, const uint8_t *device)
{
    for (uint32_t i = 0; i < e->number_count; i++)
        if (memcmp(e->numbers[i], device, CRDT_ID_BYTES) == 0)
            return true;
    return false;
}

/* PROTOCOL 2.5: other devices in order of first mention in deps along the path. */
static enum cht_err number_devices(struct crdt_model *m, struct crdt_model_entry *e)
{
    const struct crdt_model_entry *prev = e->prev == CRDT_MODEL_NONE ? NULL : &m->entries[e->prev];
    e->number_count = prev == NULL ? 0 : prev->number_count;
    e->numbers = cht_arena_array(&m->work, e->number_count + e->h.dep_count, sizeof *e->numbers);
    if (e->numbers == NULL)
        return CHT_E_NOMEM;
    for (uint32_t i = 0; i < e->number_count; i++)
        e->numbers[i] = prev->numbers[i];
    for (uint32_t i = 0; i < e->h.dep_count; i++) {
        const uint8_t *device = e->h.deps[i].device;
        if (memcmp(device, e->h.device, CRDT_ID_BYTES) != 0 && !is_numbered(e, device))
            e->numbers[e->number_count++] = device;
    }
    return CHT_OK;
}

static enum cht_err apply(struct crdt_model *m, struct crdt_model_entry *e)
{
    e->past = cht_arena_array(&m->work, set_words(m), sizeof *e->past);
    if (e->past == NULL)
        return CHT_E_NOMEM;
    if (e->prev != CRDT_MODEL_NONE)
        join_parent(m, e->past, e->prev);
    for (uint32_t i = 0; i < e->h.dep_count; i++)
        join_parent(m, e->past, e->deps[i]);
    e->applied = true;
    m->applied++;
    return number_devices(m, e);
}

/* Pass over the entries until no more can be applied. */
static enum cht_err apply_all(struct crdt_model *m)
{
    bool moved = true;
    while (moved) {
        moved = false;
        for (uint32_t i = 0; i < m->count; i++) {
            struct crdt_model_entry *e = &m->entries[i];
            if (e->applied || !may_apply(m, e))
                continue;
            enum cht_err err = apply(m, e);
            if (err != CHT_OK)
                return err;
            moved = true;
        }
    }
    m->waiting = m->count - m->applied;
    return CHT_OK;
}

/* --- names (PROTOCOL 2.5) --------------------------------------------------------------------- */

/* Is the entry in the past of another entry of its device in `past`? */
static bool is_inner(const struct crdt_model *m, const uint64_t *past, uint32_t entry)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (set_has(past, i) && same_device(&m->entries[i].h, &m->entries[entry].h) &&
            crdt_model_in_past(m, i, entry))
            return true;
    return false;
}

/* The only tip of a device in `past`; CRDT_MODEL_NONE when there are none or several. */
static uint32_t only_tip(const struct crdt_model *m, const uint64_t *past,
                         const uint8_t device[static CRDT_ID_BYTES])
{
    uint32_t tip = CRDT_MODEL_NONE;
    for (uint32_t i = 0; i < m->count; i++) {
        if (!set_has(past, i) || memcmp(m->entries[i].h.device, device, CRDT_ID_BYTES) != 0)
            continue;
        if (tip != CRDT_MODEL_NONE && crdt_model_in_past(m, tip, i))
            continue;
        if (is_inner(m, past, i))
            continue;
        if (tip != CRDT_MODEL_NONE)
            return CRDT_MODEL_NONE;
        tip = i;
    }
    return tip;
}

/* The entry with this seq on the path of `entry`, itself included. */
static uint32_t on_path(const struct crdt_model *m, uint32_t entry, uint32_t seq)
{
    while (entry != CRDT_MODEL_NONE && m->entries[entry].h.seq > seq)
        entry = m->entries[entry].prev;
    return entry != CRDT_MODEL_NONE && m->entries[entry].h.seq == seq ? entry : CRDT_MODEL_NONE;
}

uint32_t crdt_model_resolve(const struct crdt_model *m, uint32_t entry,
                            const struct crdt_name *name)
{
    const struct crdt_model_entry *e = &m->entries[entry];
    if (name->by_hash) {
        uint32_t found = crdt_model_find(m, &name->hash);
        return found != CRDT_MODEL_NONE && set_has(e->past, found) ? found : CRDT_MODEL_NONE;
    }
    if (name->number > e->number_count)
        return CRDT_MODEL_NONE;
    const uint8_t *device = name->number == 0 ? e->h.device : e->numbers[name->number - 1];
    uint32_t tip = only_tip(m, e->past, device);
    return tip == CRDT_MODEL_NONE ? CRDT_MODEL_NONE : on_path(m, tip, name->seq);
}

/* What a reference of an entry means: spelt, or by the name of an entry that spelt one. */
static bool resolve_ref(const struct crdt_model *m, uint32_t entry, bool actor, struct crdt_id *out)
{
    const struct crdt_header *h = &m->entries[entry].h;
    const struct crdt_ref *ref = actor ? &h->actor : &h->entity;
    if (ref->form == CRDT_REF_NAMED || ref->form == CRDT_REF_HASH) {
        uint32_t speller = crdt_model_resolve(m, entry, &ref->name);
        if (speller == CRDT_MODEL_NONE)
            return false;
        h = &m->entries[speller].h;
        ref = actor ? &h->actor : &h->entity;
    }
    if (ref->form == CRDT_REF_SPELT)
        *out = ref->id;
    return ref->form == CRDT_REF_SPELT;
}

static void resolve_refs(struct crdt_model *m, uint32_t entry)
{
    struct crdt_model_entry *e = &m->entries[entry];
    e->resolved = resolve_ref(m, entry, false, &e->entity);
    if (e->h.actor.form == CRDT_REF_NONE)
        memcpy(e->actor.b, e->h.device, CRDT_ID_BYTES);
    else if (!resolve_ref(m, entry, true, &e->actor))
        e->resolved = false;
}

enum cht_err crdt_model_link(struct crdt_model *m)
{
    enum cht_err err = CHT_OK;
    m->applied = 0;
    for (uint32_t i = 0; i < m->count && err == CHT_OK; i++) {
        m->entries[i].applied = false;
        err = find_parents(m, &m->entries[i]);
    }
    if (err == CHT_OK)
        err = apply_all(m);
    for (uint32_t i = 0; i < m->count && err == CHT_OK; i++)
        if (m->entries[i].applied)
            resolve_refs(m, i);
    return err;
}
