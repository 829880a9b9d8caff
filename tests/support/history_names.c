/* Names of entries, entities and actors as a writer works them out (PROTOCOL 2.5); see history.h.
 */
#include "tests/support/history_own.h"

#define ENTITIES_MAX 14u
#define ACTORS_MAX   4u

/* --- names of entries ----------------------------------------------------------------------- */

static bool is_tip(const struct history_maker *k, const uint64_t *past, uint32_t entry)
{
    const struct history *h = k->h;
    for (uint32_t i = entry + 1; i < h->count; i++)
        if (history_set_has(past, i) && h->entries[i].device == h->entries[entry].device &&
            history_in_past(h, i, entry))
            return false;
    return true;
}

uint32_t history_tips(const struct history_maker *k, const uint64_t *past, uint32_t device,
                      uint32_t *out_tip)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < k->h->count; i++) {
        if (!history_set_has(past, i) || k->h->entries[i].device != device || !is_tip(k, past, i))
            continue;
        if (count++ == 0)
            *out_tip = i;
    }
    return count;
}

static bool number_of(const struct history_draft *d, uint32_t device, uint32_t *out)
{
    if (device == d->device) {
        *out = 0;
        return true;
    }
    for (uint32_t n = 0; n < d->number_count; n++) {
        if (d->numbers[n] == device) {
            *out = n + 1;
            return true;
        }
    }
    return false;
}

struct crdt_name history_name(struct history_maker *k, const struct history_draft *d,
                              uint32_t target)
{
    const struct history_entry *e = &k->h->entries[target];
    uint32_t number, at = HISTORY_NONE;
    if (number_of(d, e->device, &number) && history_tips(k, d->past, e->device, &at) == 1) {
        while (at != HISTORY_NONE && at != target)
            at = k->h->entries[at].prev;
        if (at == target && !history_chance(k, 10))
            return (struct crdt_name){ .number = number, .seq = e->h.seq };
    }
    return (struct crdt_name){ .by_hash = true, .hash = e->hash };
}

/* A device that has a number on the draft's path and several tips in its past. */
static bool ambiguous_number(struct history_maker *k, const struct history_draft *d, uint32_t *out)
{
    for (uint32_t device = 0; device < k->h->device_count; device++) {
        uint32_t tip;
        if (number_of(d, device, out) && history_tips(k, d->past, device, &tip) > 1)
            return true;
    }
    return false;
}

struct crdt_name history_bad_name(struct history_maker *k, const struct history_draft *d)
{
    struct crdt_name name = { .by_hash = false, .seq = 1 };
    uint32_t start = seeded_below(&k->random, k->h->count + 1);
    if (ambiguous_number(k, d, &name.number) && history_chance(k, 50))
        return name;
    switch (seeded_below(&k->random, 4)) {
    case 0: /* no such device number */
        name.number = d->number_count + 1u + seeded_below(&k->random, 3);
        return name;
    case 1: /* beyond any path (where a dep is ahead of previous, this seq itself may be held) */
        name.number = seeded_below(&k->random, d->number_count + 1u);
        name.seq = d->header.seq + 100000;
        return name;
    case 2: /* an entry that is there, but not in the past */
        for (uint32_t i = start; i < k->h->count; i++)
            if (!history_set_has(d->past, i))
                return (struct crdt_name){ .by_hash = true, .hash = k->h->entries[i].hash };
        break;
    default:
        break;
    }
    name.by_hash = true;
    seeded_fill(&k->random, name.hash.b, sizeof name.hash.b);
    return name;
}

/* --- entities and actors -------------------------------------------------------------------- */

static struct crdt_id pooled_entity(struct history_maker *k)
{
    static const uint8_t types[] = { CRDT_TODO,  CRDT_SESSION, CRDT_TODO, CRDT_PROJECT,
                                     CRDT_TOPIC, CRDT_SESSION, 78,        77 };
    uint32_t which = seeded_below(&k->random, ENTITIES_MAX);
    struct crdt_id id = { .type = types[which % sizeof types] };
    memset(id.b, (int)which + 1, sizeof id.b);
    return id;
}

static struct crdt_id pooled_actor(struct history_maker *k)
{
    struct crdt_id id = { .type = 0 };
    memset(id.b, 0xa0 + (int)seeded_below(&k->random, ACTORS_MAX), sizeof id.b);
    return id;
}

static const struct crdt_ref *ref_of(const struct history_entry *e, bool actor)
{
    return actor ? &e->h.actor : &e->h.entity;
}

/* A random entry of the past whose header spells an entity (or actor), or does not. */
static uint32_t find_speller(struct history_maker *k, const struct history_draft *d, bool actor,
                             bool spells)
{
    const struct history *h = k->h;
    uint32_t start = seeded_below(&k->random, h->count + 1);
    for (uint32_t n = 0; n < h->count; n++) {
        uint32_t i = (start + n) % h->count;
        bool spelt = ref_of(&h->entries[i], actor)->form == CRDT_REF_SPELT;
        if (history_set_has(d->past, i) && spelt == spells)
            return i;
    }
    return HISTORY_NONE;
}

static void refer(struct crdt_ref *ref, const struct crdt_name *name)
{
    ref->form = name->by_hash ? CRDT_REF_HASH : CRDT_REF_NAMED;
    ref->name = *name;
}

/* A reference that does not resolve: a name of nothing, or of an entry that spells nothing. */
static void refer_badly(struct history_maker *k, const struct history_draft *d, bool actor,
                        struct crdt_ref *ref)
{
    uint32_t mute = find_speller(k, d, actor, false);
    struct crdt_name name = mute != HISTORY_NONE && history_chance(k, 30) ? history_name(k, d, mute)
                                                                          : history_bad_name(k, d);
    refer(ref, &name);
}

static void choose_entity(struct history_maker *k, struct history_draft *d)
{
    struct crdt_ref *ref = &d->header.entity;
    uint32_t speller = find_speller(k, d, false, true);
    d->entity = pooled_entity(k);
    if (history_chance(k, 3)) {
        refer_badly(k, d, false, ref);
        history_count(k, HISTORY_VOID_ENTITY);
        d->resolves = false;
    } else if (speller == HISTORY_NONE || history_chance(k, 15)) {
        *ref = (struct crdt_ref){ .form = CRDT_REF_SPELT, .id = d->entity };
        history_count(k, HISTORY_SPELT);
    } else {
        struct crdt_name name = history_name(k, d, speller);
        d->entity = k->h->entries[speller].h.entity.id;
        refer(ref, &name);
        history_count(k, name.by_hash       ? HISTORY_NAMED_HASH
                         : name.number == 0 ? HISTORY_NAMED_OWN
                                            : HISTORY_NAMED_OTHER);
    }
}

static void choose_actor(struct history_maker *k, struct history_draft *d)
{
    struct crdt_ref *ref = &d->header.actor;
    uint32_t speller = find_speller(k, d, true, true);
    if (history_chance(k, 60))
        return;
    if (history_chance(k, 8)) {
        refer_badly(k, d, true, ref);
        history_count(k, HISTORY_VOID_ACTOR);
        d->resolves = false;
    } else if (speller == HISTORY_NONE || history_chance(k, 25)) {
        *ref = (struct crdt_ref){ .form = CRDT_REF_SPELT, .id = pooled_actor(k) };
        history_count(k, HISTORY_ACTOR_SPELT);
    } else {
        struct crdt_name name = history_name(k, d, speller);
        refer(ref, &name);
        history_count(k, HISTORY_ACTOR_NAMED);
    }
}

void history_choose_refs(struct history_maker *k, struct history_draft *d)
{
    d->resolves = true;
    choose_entity(k, d);
    choose_actor(k, d);
}
