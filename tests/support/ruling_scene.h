#ifndef TESTS_SUPPORT_RULING_SCENE_H
#define TESTS_SUPPORT_RULING_SCENE_H
/* A space of a few admins whose records are written by hand. */
#include "net/ruling.h"
#include "tests/support/identities.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define DEVICES     5u
#define RECOVERY    DEVICES /* as an author */
#define RECORDS_MAX 32u
#define NO_ENTRY    0u

/* Record 0 is by device 0 and founds; 1, 2 and 3 admit devices 1, 2 and 3 as admins, by 0, each
 * under the one before. Of 1 and 2, admitted equally deep, `senior` is the one whose record has the
 * smaller hash. Each device has entries 1, 2, 3, … on one path, known by their seq. */
struct scene {
    struct net_identity id[DEVICES + 1];
    uint8_t space[CRDT_ID_BYTES];
    struct cht_buf bytes[RECORDS_MAX];
    struct crdt_hash hash[RECORDS_MAX];
    uint32_t count, senior, junior;
    struct net_members *m;
};

struct plan {
    uint8_t kind;
    uint32_t author, device;
    uint8_t how; /* the role, or why */
    uint32_t parents[3];
    uint32_t cut; /* the device's entry that is left in force with those before; NO_ENTRY: none */
};

static inline struct net_tip tip_of(uint32_t seq)
{
    struct net_tip tip = { .epoch = { 7 }, .seq = seq };
    cht_put_u32(tip.hash.b, seq);
    return tip;
}

static inline int by_hash(const void *a, const void *b)
{
    return memcmp(a, b, CRDT_HASH_BYTES);
}

/* Write a record; parents end at the first 0 but the one at the start. Returns its number. */
static inline uint32_t record(struct scene *s, struct plan plan)
{
    uint32_t number = s->count++;
    struct net_tip tip = tip_of(plan.cut);
    struct cht_buf cutoff = { .limit = 100 };
    struct net_record rec = { .kind = plan.kind,
                              .stamp = number,
                              .parents = { s->hash[plan.parents[0]] },
                              .parent_count = 1,
                              .cert = s->id[plan.device].cert,
                              .name = cht_bytes_str("device") };
    assert_true(number < RECORDS_MAX);
    for (uint32_t i = 1; i < 3 && plan.parents[i] != 0; i++)
        rec.parents[rec.parent_count++] = s->hash[plan.parents[i]];
    qsort(rec.parents, rec.parent_count, sizeof rec.parents[0], by_hash);
    memcpy(rec.space, s->space, sizeof rec.space);
    memcpy(rec.device, s->id[plan.device].device, sizeof rec.device);
    if (plan.kind == NET_RECORD_REVOKE)
        rec.why = plan.how;
    else
        rec.role = plan.how;
    assert_int_equal(CHT_OK, net_cutoff_put(&tip, plan.cut != NO_ENTRY, &cutoff));
    rec.cutoff = cht_buf_view(&cutoff);
    assert_int_equal(CHT_OK, net_record_encode(&rec, &s->id[plan.author], &s->bytes[number]));
    s->hash[number] = crdt_hash_of(cht_buf_view(&s->bytes[number]));
    cht_buf_clear(&cutoff);
    return number;
}

static inline enum cht_err add(struct scene *s, uint32_t number)
{
    return net_members_add(s->m, cht_buf_view(&s->bytes[number]));
}

static inline uint32_t take(struct scene *s, struct plan plan)
{
    uint32_t number = record(s, plan);
    assert_int_equal(CHT_OK, add(s, number));
    return number;
}

/* Revoke a device as lost, under one record. */
static inline uint32_t revoke(struct scene *s, uint32_t by, uint32_t device, uint32_t after,
                              uint32_t cut)
{
    struct plan plan = { NET_RECORD_REVOKE, by, device, NET_WHY_LOST, { after }, cut };
    return take(s, plan);
}

static inline int set_up(void **state)
{
    static struct scene s;
    struct net_founding founding = { .stamp = 1, .name = cht_bytes_str("first") };
    s = (struct scene){ .count = 1 };
    for (uint8_t i = 0; i <= DEVICES; i++)
        identity_of((uint8_t)(0x10 + 2 * i), &s.id[i]);
    for (uint32_t i = 0; i < RECORDS_MAX; i++)
        cht_buf_init(&s.bytes[i], LIMIT_RECORD_BYTES);
    founding.recovery = s.id[RECOVERY].cert.sign_pk;
    assert_int_equal(CHT_OK, net_members_found(&founding, &s.id[0], &s.bytes[0], s.space));
    s.hash[0] = crdt_hash_of(cht_buf_view(&s.bytes[0]));
    s.m = net_members_new(s.space);
    assert_non_null(s.m);
    assert_int_equal(CHT_OK, add(&s, 0));
    for (uint32_t i = 1; i <= 3; i++)
        (void)take(&s, (struct plan){ NET_RECORD_ADMIT, 0, i, NET_ROLE_ADMIN, { i - 1 }, 0 });
    s.senior = memcmp(s.hash[1].b, s.hash[2].b, CRDT_HASH_BYTES) < 0 ? 1 : 2;
    s.junior = 3 - s.senior;
    *state = &s;
    return 0;
}

static inline int tear_down(void **state)
{
    struct scene *s = *state;
    for (uint32_t i = 0; i < RECORDS_MAX; i++)
        cht_buf_clear(&s->bytes[i]);
    net_members_free(s->m);
    return 0;
}

/* --- asking --------------------------------------------------------------------------------- */

/* Entries are on one path: those up to the tip are in its past. Tips above 100 are not held. */
static inline enum cht_err inside(void *ctx, const struct net_tip *tip, bool *out)
{
    const uint32_t *seq = ctx;
    *out = tip->seq <= 100 && *seq <= tip->seq;
    return CHT_OK;
}

static inline struct net_judgement judged(const struct scene *s, uint32_t device, uint32_t seq,
                                          uint32_t head)
{
    struct net_judgement j;
    struct net_question q = { .device = s->id[device].device,
                              .heads = &s->hash[head],
                              .head_count = 1,
                              .inside = inside,
                              .ctx = &seq };
    assert_int_equal(CHT_OK, net_members_judge(s->m, &q, &j));
    return j;
}

static inline void assert_stands(const struct scene *s, uint32_t device, uint32_t seq,
                                 uint32_t head)
{
    struct net_judgement j = judged(s, device, seq, head);
    assert_int_equal(NET_STANDS, j.standing);
}

static inline void assert_void(const struct scene *s, uint32_t device, uint32_t seq, uint32_t head,
                               enum net_standing standing, uint32_t because)
{
    struct net_judgement j = judged(s, device, seq, head);
    assert_int_equal(standing, j.standing);
    assert_memory_equal(s->hash[because].b, j.record.b, CRDT_HASH_BYTES);
}

static inline unsigned role_now(const struct scene *s, uint32_t device)
{
    return net_members_standing(s->m, s->id[device].device).role;
}

#endif
