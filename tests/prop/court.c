/* Rulings by chance, and their judgement on the model; see court.h. */
#include "tests/prop/court.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define STAMP crdt_hlc_make(UINT64_C(1767225600000), 0)

static bool chance(struct court *c, uint32_t percent)
{
    return seeded_below(&c->random, 100) < percent;
}

/* --- what each has heard -------------------------------------------------------------------- */

static void add_all(struct net_members *to, const struct court *c, const struct net_members *from)
{
    for (uint32_t i = 0; i < c->count; i++) {
        struct crdt_hash hash = crdt_hash_of(c->records[i]);
        if (from == NULL || net_members_has(from, &hash))
            assert_int_equal(CHT_OK, net_members_add(to, c->records[i]));
    }
}

void court_make(struct court *c, const struct space *space, uint64_t seed)
{
    *c = (struct court){ .space = space, .random = { .state = seed * 8 + 5 } };
    for (uint32_t i = 0; i < 8; i++)
        (void)seeded_next(&c->random);
    cht_arena_init(&c->arena, SIZE_MAX);
    for (; c->count < HISTORY_DEVICES_MAX; c->count++)
        c->records[c->count] = space->records[c->count];
    c->most = c->count + 1 + seeded_below(&c->random, 12);
    for (uint32_t i = 0; i < HISTORY_DEVICES_MAX; i++) {
        c->held[i] = net_members_new(space->id);
        assert_non_null(c->held[i]);
        add_all(c->held[i], c, NULL);
    }
}

void court_clear(struct court *c)
{
    for (uint32_t i = 0; i < HISTORY_DEVICES_MAX; i++)
        net_members_free(c->held[i]);
    cht_arena_clear(&c->arena);
}

/* --- ruling --------------------------------------------------------------------------------- */

static struct net_tip tip_of(const struct crdt_header *h, const struct crdt_hash *hash)
{
    struct net_tip tip = { .seq = h->seq, .hash = *hash };
    memcpy(tip.epoch, h->epoch, CRDT_EPOCH_BYTES);
    return tip;
}

/* Now and then a name fits no entry, though its hash may be one's. */
static void misname(struct court *c, struct net_tip *tip)
{
    switch (seeded_below(&c->random, 40)) {
    case 0:
        tip->hash.b[0] ^= 1;
        break;
    case 1:
    case 2:
        tip->epoch[0] ^= 1;
        break;
    case 3:
    case 4:
        tip->seq++;
        break;
    default:
        break;
    }
}

/* Some entries of the device: often the newest; now and then what fits none, or is another's. */
static void choose_cutoff(struct court *c, const struct history *h, uint32_t device,
                          struct cht_buf *out)
{
    struct net_tip tips[4];
    size_t count = 0;
    uint32_t wanted = seeded_below(&c->random, 4);
    for (uint32_t i = h->count; i-- != 0 && count < wanted;) {
        if ((h->entries[i].device != device && !chance(c, 2)) || chance(c, 60))
            continue;
        tips[count] = tip_of(&h->entries[i].h, &h->entries[i].hash);
        misname(c, &tips[count++]);
    }
    assert_int_equal(CHT_OK, net_cutoff_put(tips, count, out));
}

static struct cht_bytes write_record(struct court *c, struct net_record *rec, uint32_t author,
                                     const struct net_members *under)
{
    struct cht_buf out;
    struct cht_bytes kept;
    memcpy(rec->space, c->space->id, CRDT_ID_BYTES);
    rec->stamp = STAMP;
    rec->parent_count =
        net_members_heads_named(under, c->space->devices[author].device, rec->parents);
    cht_buf_init(&out, LIMIT_RECORD_BYTES);
    assert_int_equal(CHT_OK, net_record_encode(rec, &c->space->devices[author], &out));
    assert_int_equal(CHT_OK, cht_arena_copy(&c->arena, cht_buf_view(&out), &kept));
    cht_buf_clear(&out);
    return kept;
}

static void rule(struct court *c, const struct history *h, uint32_t author)
{
    uint32_t device = seeded_below(&c->random, h->device_count);
    uint32_t what = seeded_below(&c->random, 100);
    struct net_record rec = { .kind = NET_RECORD_REVOKE, .why = NET_WHY_LOST };
    struct cht_buf cutoff;
    if (device == author && chance(c, 70))
        return;
    cht_buf_init(&cutoff, LIMIT_RECORD_BYTES);
    choose_cutoff(c, h, device, &cutoff);
    memcpy(rec.device, c->space->devices[device].device, CRDT_ID_BYTES);
    rec.cutoff = cht_buf_view(&cutoff);
    if (what >= 80) { /* admitted once more, with the certificate it has */
        rec = (struct net_record){ .kind = NET_RECORD_ADMIT,
                                   .cert = c->space->devices[device].cert,
                                   .name = cht_bytes_str("again") };
        rec.role = chance(c, 70) ? NET_ROLE_ADMIN : NET_ROLE_WRITER;
        c->admits++;
    } else if (what >= 55) {
        rec.kind = NET_RECORD_ROLE;
        rec.role = (uint8_t)(NET_ROLE_ADMIN + seeded_below(&c->random, 4));
        c->roles++;
    } else {
        rec.why = what < 38 ? NET_WHY_LOST : NET_WHY_COMPROMISED;
        c->revokes++;
    }
    c->records[c->count] = write_record(c, &rec, author, c->held[author]);
    assert_int_equal(CHT_OK, net_members_add(c->held[author], c->records[c->count]));
    c->count++;
    cht_buf_clear(&cutoff);
}

const struct crdt_hash *court_heads_of(void *ctx, const struct history *h, uint32_t device,
                                       uint32_t *out_count)
{
    struct court *c = ctx;
    if (chance(c, 20))
        add_all(c->held[device], c, c->held[seeded_below(&c->random, HISTORY_DEVICES_MAX)]);
    if (c->count < c->most && h->count != 0 && chance(c, 12))
        rule(c, h, device);
    *out_count =
        net_members_heads_named(c->held[device], c->space->devices[device].device, c->heads);
    return c->heads;
}

/* --- the model ------------------------------------------------------------------------------ */

struct asked {
    const struct crdt_model *m;
    uint32_t entry;
};

static enum cht_err inside(void *ctx, const struct net_tip *tip, bool *out)
{
    const struct asked *a = ctx;
    uint32_t at = crdt_model_find(a->m, &tip->hash);
    const struct crdt_model_entry *e = at == CRDT_MODEL_NONE ? NULL : &a->m->entries[at];
    *out = e != NULL && e->applied && e->h.seq == tip->seq &&
           memcmp(e->h.epoch, tip->epoch, CRDT_EPOCH_BYTES) == 0 &&
           memcmp(e->h.device, a->m->entries[a->entry].h.device, CRDT_ID_BYTES) == 0 &&
           (at == a->entry || crdt_model_in_past(a->m, at, a->entry));
    return CHT_OK;
}

uint64_t court_judge(const struct net_members *members, struct crdt_model *m)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < m->count; i++) {
        struct crdt_model_entry *e = &m->entries[i];
        struct net_judgement judged;
        struct asked asked = { .m = m, .entry = i };
        uint32_t from = i;
        e->ruled = false;
        if (!e->applied)
            continue;
        while (m->entries[from].h.head_count == 0)
            from = m->entries[from].prev;
        struct net_question question = { .device = e->h.device,
                                         .heads = m->entries[from].h.heads,
                                         .head_count = m->entries[from].h.head_count,
                                         .inside = inside,
                                         .ctx = &asked };
        assert_int_equal(CHT_OK, net_members_judge(members, &question, &judged));
        e->ruled = judged.standing != NET_STANDS;
        count += e->ruled;
    }
    return count;
}

/* Tips: applied entries in the past of no other applied one of the device. */
static size_t tips_of(const struct crdt_model *m, const uint8_t *device, struct net_tip *out)
{
    size_t count = 0;
    for (uint32_t i = 0; i < m->count && count < LIMIT_CUTOFF_TIPS; i++) {
        const struct crdt_model_entry *e = &m->entries[i];
        bool tip = e->applied && memcmp(e->h.device, device, CRDT_ID_BYTES) == 0;
        for (uint32_t k = 0; tip && k < m->count; k++)
            tip = !m->entries[k].applied ||
                  memcmp(m->entries[k].h.device, device, CRDT_ID_BYTES) != 0 ||
                  !crdt_model_in_past(m, k, i);
        if (tip)
            out[count++] = tip_of(&e->h, &e->hash);
    }
    return count;
}

bool court_raise(struct court *c, const struct net_members *members, const struct crdt_model *m,
                 uint32_t device, bool misnamed, struct cht_bytes *out)
{
    struct net_tip tips[LIMIT_CUTOFF_TIPS];
    struct cht_buf cutoff;
    uint32_t author = 0;
    for (; author < HISTORY_DEVICES_MAX; author++) {
        struct net_judgement s = net_members_standing(members, c->space->devices[author].device);
        if (author != device && s.standing == NET_STANDS && s.role == NET_ROLE_ADMIN)
            break;
    }
    if (author == HISTORY_DEVICES_MAX)
        return false;
    const uint8_t *id = c->space->devices[device].device;
    struct net_record rec = { .kind = NET_RECORD_REVOKE, .why = NET_WHY_LOST };
    cht_buf_init(&cutoff, LIMIT_RECORD_BYTES);
    size_t count = tips_of(m, id, tips);
    for (size_t i = 0; i < count && misnamed; i++)
        tips[i].epoch[0] ^= 1;
    assert_int_equal(CHT_OK, net_cutoff_put(tips, count, &cutoff));
    memcpy(rec.device, id, CRDT_ID_BYTES);
    rec.cutoff = cht_buf_view(&cutoff);
    *out = write_record(c, &rec, author, members);
    cht_buf_clear(&cutoff);
    return true;
}
