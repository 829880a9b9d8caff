/* The membership DAG (PROTOCOL 7.3 to 7.6). */
#include "tests/support/identities.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define DEVICES     6u
#define RECORDS_MAX 24u

/* Devices 0 … 5; records made with `write_admit` and the like are kept in order. */
struct scene {
    struct net_identity device[DEVICES];
    uint8_t space[CRDT_ID_BYTES];
    struct cht_buf record[RECORDS_MAX];
    struct crdt_hash hash[RECORDS_MAX];
    uint32_t count;
    struct net_members *m;
};

static struct cht_bytes bytes_of(const struct scene *s, uint32_t record)
{
    return cht_buf_view(&s->record[record]);
}

static enum cht_err add(struct scene *s, uint32_t record)
{
    return net_members_add(s->m, bytes_of(s, record));
}

/* A founding record (number 0) by device 0, held. */
static int set_up(void **state)
{
    static struct scene s;
    s = (struct scene){ .count = 1 };
    for (uint8_t i = 0; i < DEVICES; i++)
        identity_of((uint8_t)(0x10 + 2 * i), &s.device[i]);
    for (uint32_t i = 0; i < RECORDS_MAX; i++)
        cht_buf_init(&s.record[i], LIMIT_RECORD_BYTES);
    assert_int_equal(CHT_OK, found_by(&s.device[0], &s.record[0], s.space));
    s.hash[0] = crdt_hash_of(bytes_of(&s, 0));
    s.m = net_members_new(s.space);
    assert_non_null(s.m);
    assert_int_equal(CHT_OK, add(&s, 0));
    *state = &s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    for (uint32_t i = 0; i < RECORDS_MAX; i++)
        cht_buf_clear(&s->record[i]);
    net_members_free(s->m);
    return 0;
}

static int by_hash(const void *a, const void *b)
{
    return memcmp(a, b, CRDT_HASH_BYTES);
}

struct plan {
    uint32_t author, subject;
    enum net_role role;
    uint32_t parent_count;
    uint32_t parents[4]; /* record numbers */
};

/* Write the next record without asking whether it may be; returns its number. */
static uint32_t write_admit(struct scene *s, const struct plan *plan)
{
    uint32_t number = s->count++;
    assert_true(number < RECORDS_MAX);
    struct net_record rec = { .kind = NET_RECORD_ADMIT,
                              .stamp = crdt_hlc_make(2000 + number, 0),
                              .parent_count = plan->parent_count,
                              .role = (uint8_t)plan->role,
                              .cert = s->device[plan->subject].cert,
                              .name = cht_bytes_str("device") };
    memcpy(rec.space, s->space, CRDT_ID_BYTES);
    for (uint32_t i = 0; i < plan->parent_count; i++)
        rec.parents[i] = s->hash[plan->parents[i]];
    qsort(rec.parents, rec.parent_count, sizeof rec.parents[0], by_hash);
    struct cht_buf *out = &s->record[number];
    assert_int_equal(CHT_OK, net_record_encode(&rec, &s->device[plan->author], out));
    s->hash[number] = crdt_hash_of(cht_buf_view(out));
    return number;
}

static enum cht_err role_of(const struct scene *s, uint32_t device, uint32_t record,
                            enum net_role *out)
{
    return net_members_role(s->m, s->device[device].device, &s->hash[record], 1, out);
}

/* Record numbers: 1 by 0 admits 1; 2 by 0 admits 2 (beside 1); 3 by 1 admits 3, under 1 only;
 * 4 by 2 admits 4 under 2 and 3. */
static void write_diamond(struct scene *s)
{
    write_admit(s, &(struct plan){ 0, 1, NET_ROLE_ADMIN, 1, { 0 } });
    write_admit(s, &(struct plan){ 0, 2, NET_ROLE_ADMIN, 1, { 0 } });
    write_admit(s, &(struct plan){ 1, 3, NET_ROLE_WRITER, 1, { 1 } });
    write_admit(s, &(struct plan){ 2, 4, NET_ROLE_ADMIN, 2, { 2, 3 } });
}

static void the_founder_is_an_admin_of_its_space(void **state)
{
    struct scene *s = *state;
    enum net_role role;
    assert_memory_equal(s->space, net_members_space(s->m), CRDT_ID_BYTES);
    assert_int_equal(1, net_members_count(s->m));
    assert_int_equal(1, net_members_device_count(s->m));
    assert_int_equal(CHT_OK, role_of(s, 0, 0, &role));
    assert_int_equal(NET_ROLE_ADMIN, role);
    assert_int_equal(CHT_E_DENIED, role_of(s, 1, 0, &role));
    assert_memory_equal("laptop", net_members_device_at(s->m, 0)->name, 6);
}

static void a_record_held_twice_is_held_once(void **state)
{
    struct scene *s = *state;
    assert_int_equal(CHT_OK, add(s, 0));
    assert_int_equal(1, net_members_count(s->m));
}

static void heads_are_the_records_no_other_names(void **state)
{
    struct scene *s = *state;
    uint32_t count;
    write_diamond(s);
    const uint32_t heads_after[] = { 1, 1, 2, 2, 1 };
    for (uint32_t i = 0; i <= 4; i++) {
        assert_int_equal(CHT_OK, add(s, i));
        const struct crdt_hash *heads = net_members_heads(s->m, &count);
        assert_int_equal(heads_after[i], count);
        assert_true(count < 2 || memcmp(heads[0].b, heads[1].b, CRDT_HASH_BYTES) < 0);
    }
    assert_memory_equal(s->hash[4].b, net_members_heads(s->m, &count)[0].b, CRDT_HASH_BYTES);
}

static void a_device_is_admitted_only_under_heads_that_know_it(void **state)
{
    struct scene *s = *state;
    static const uint8_t admitted[5][5] = { /* record, device: role */
                                            { 1, 0, 0, 0, 0 },
                                            { 1, 1, 0, 0, 0 },
                                            { 1, 0, 1, 0, 0 },
                                            { 1, 1, 0, 2, 0 },
                                            { 1, 1, 1, 2, 1 }
    };
    write_diamond(s);
    for (uint32_t i = 1; i <= 4; i++)
        assert_int_equal(CHT_OK, add(s, i));
    for (uint32_t record = 0; record < 5; record++) {
        for (uint32_t device = 0; device < 5; device++) {
            enum net_role role;
            uint8_t want = admitted[record][device];
            assert_int_equal(want == 0 ? CHT_E_DENIED : CHT_OK, role_of(s, device, record, &role));
            assert_true(want == 0 || role == (enum net_role)want);
        }
    }
    const struct crdt_hash both[] = { s->hash[2], s->hash[3] };
    enum net_role role;
    assert_int_equal(CHT_OK, net_members_role(s->m, s->device[2].device, both, 2, &role));
    assert_int_equal(CHT_OK, net_members_role(s->m, s->device[3].device, both, 2, &role));
    assert_int_equal(CHT_E_DENIED, net_members_role(s->m, s->device[4].device, both, 2, &role));
    assert_int_equal(CHT_E_DENIED, net_members_role(s->m, s->device[0].device, both, 0, &role));
}

static void heads_not_held_make_the_question_wait(void **state)
{
    struct scene *s = *state;
    enum net_role role;
    write_diamond(s);
    const struct crdt_hash heads[] = { s->hash[0], s->hash[1] };
    assert_int_equal(CHT_E_WAITING, net_members_role(s->m, s->device[0].device, heads, 2, &role));
    assert_int_equal(CHT_E_WAITING, net_members_role(s->m, s->device[5].device, heads, 2, &role));
    assert_int_equal(CHT_OK, add(s, 1));
    assert_int_equal(CHT_OK, net_members_role(s->m, s->device[0].device, heads, 2, &role));
}

static void an_admit_by_one_who_is_no_admin_under_its_parents_is_refused(void **state)
{
    struct scene *s = *state;
    write_diamond(s);
    uint32_t stranger = write_admit(s, &(struct plan){ 5, 4, NET_ROLE_ADMIN, 1, { 0 } });
    uint32_t self = write_admit(s, &(struct plan){ 5, 5, NET_ROLE_ADMIN, 1, { 0 } });
    uint32_t writer = write_admit(s, &(struct plan){ 3, 5, NET_ROLE_ADMIN, 1, { 3 } });
    uint32_t beside = write_admit(s, &(struct plan){ 1, 5, NET_ROLE_ADMIN, 1, { 2 } });
    for (uint32_t i = 1; i <= 4; i++)
        assert_int_equal(CHT_OK, add(s, i));
    assert_int_equal(CHT_E_DENIED, add(s, stranger));
    assert_int_equal(CHT_E_DENIED, add(s, self));
    assert_int_equal(CHT_E_DENIED, add(s, writer));
    assert_int_equal(CHT_E_DENIED, add(s, beside)); /* 1 is an admin, but not under record 2 */
    assert_int_equal(5, net_members_count(s->m));
    assert_null(net_members_device(s->m, s->device[5].device));
}

static void a_record_waits_for_its_parents_and_follows_them(void **state)
{
    struct scene *s = *state;
    write_diamond(s);
    assert_int_equal(CHT_E_WAITING, add(s, 4));
    assert_int_equal(CHT_E_WAITING, add(s, 4));
    assert_int_equal(CHT_E_WAITING, add(s, 3));
    assert_int_equal(2, net_members_waiting(s->m));
    assert_int_equal(CHT_OK, add(s, 2));
    assert_int_equal(2, net_members_count(s->m));
    assert_int_equal(CHT_OK, add(s, 1));
    assert_int_equal(5, net_members_count(s->m));
    assert_int_equal(0, net_members_waiting(s->m));
    for (uint32_t i = 1; i < 5; i++) { /* parents before children */
        struct net_record rec;
        assert_int_equal(CHT_OK, net_record_decode(net_members_record(s->m, i, NULL), &rec));
        for (uint32_t p = 0; p < rec.parent_count; p++) {
            struct crdt_hash hash;
            uint32_t at = 0;
            do
                (void)net_members_record(s->m, at++, &hash);
            while (!crdt_hash_eq(&hash, &rec.parents[p]));
            assert_true(at <= i);
        }
    }
}

static void a_waiting_record_that_may_not_be_is_dropped_when_its_parents_come(void **state)
{
    struct scene *s = *state;
    uint32_t first = write_admit(s, &(struct plan){ 0, 1, NET_ROLE_WRITER, 1, { 0 } });
    uint32_t bad = write_admit(s, &(struct plan){ 1, 5, NET_ROLE_ADMIN, 1, { first } });
    uint32_t child = write_admit(s, &(struct plan){ 0, 2, NET_ROLE_ADMIN, 1, { bad } });
    assert_int_equal(CHT_E_WAITING, add(s, child));
    assert_int_equal(CHT_E_WAITING, add(s, bad));
    assert_int_equal(CHT_OK, add(s, first));
    assert_int_equal(2, net_members_count(s->m));
    assert_int_equal(1, net_members_waiting(s->m)); /* its child waits for ever */
    assert_int_equal(CHT_E_DENIED, add(s, bad));
}

static void waiting_records_are_bounded(void **state)
{
    struct scene *s = *state;
    struct net_record rec;
    uint32_t number = write_admit(s, &(struct plan){ 0, 1, NET_ROLE_ADMIN, 1, { 0 } });
    assert_int_equal(CHT_OK, net_record_decode(bytes_of(s, number), &rec));
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    for (uint32_t i = 0; i <= NET_MEMBERS_WAITING; i++) {
        cht_put_u32(rec.parents[0].b, i);
        cht_buf_reset(&out);
        assert_int_equal(CHT_OK, net_record_encode(&rec, &s->device[0], &out));
        assert_int_equal(i < NET_MEMBERS_WAITING ? CHT_E_WAITING : CHT_E_LIMIT,
                         net_members_add(s->m, cht_buf_view(&out)));
    }
    assert_int_equal(NET_MEMBERS_WAITING, net_members_waiting(s->m));
    assert_int_equal(CHT_OK, add(s, number)); /* what need not wait goes on */
    cht_buf_clear(&out);
}

/* A record's hash covers its parents, so none can name itself or a later one; one that names what
 * does not exist waits and can never be reached. */
static void no_record_is_its_own_ancestor(void **state)
{
    struct scene *s = *state;
    write_diamond(s);
    for (uint32_t i = 1; i <= 4; i++)
        assert_int_equal(CHT_OK, add(s, i));
    for (uint32_t a = 0; a < 5; a++) {
        assert_true(net_members_reaches(s->m, &s->hash[a], &s->hash[a]));
        for (uint32_t b = 0; b < a; b++)
            assert_false(net_members_reaches(s->m, &s->hash[b], &s->hash[a]));
    }
    assert_true(net_members_reaches(s->m, &s->hash[4], &s->hash[1]));
    assert_false(net_members_reaches(s->m, &s->hash[3], &s->hash[2]));
}

static void another_spaces_records_are_refused(void **state)
{
    struct scene *s = *state;
    struct cht_buf found = { .limit = LIMIT_RECORD_BYTES };
    uint8_t other[CRDT_ID_BYTES];
    assert_int_equal(CHT_OK, found_by(&s->device[1], &found, other));
    assert_int_equal(CHT_E_INVALID, net_members_add(s->m, cht_buf_view(&found)));
    cht_buf_clear(&found);
    memcpy(s->space, other, CRDT_ID_BYTES);
    uint32_t strange = write_admit(s, &(struct plan){ 0, 1, NET_ROLE_ADMIN, 1, { 0 } });
    assert_int_equal(CHT_E_INVALID, add(s, strange));
    assert_int_equal(1, net_members_count(s->m));
}

static void a_record_that_does_not_verify_changes_nothing(void **state)
{
    struct scene *s = *state;
    write_diamond(s);
    struct cht_buf *b = &s->record[1];
    for (size_t i = 0; i < b->len; i++) {
        b->data[i] ^= 0x10;
        assert_int_not_equal(CHT_OK, net_members_add(s->m, cht_buf_view(b)));
        assert_int_equal(0, net_members_waiting(s->m));
        b->data[i] ^= 0x10;
    }
    assert_int_equal(1, net_members_count(s->m));
    assert_int_equal(CHT_OK, add(s, 1));
}

static void devices_are_found_by_id_tag_and_transport_key(void **state)
{
    struct scene *s = *state;
    write_diamond(s);
    for (uint32_t i = 1; i <= 4; i++)
        assert_int_equal(CHT_OK, add(s, i));
    for (uint32_t i = 0; i < 5; i++) {
        const struct net_device *d = net_members_device(s->m, s->device[i].device);
        assert_non_null(d);
        assert_memory_equal(s->device[i].cert.sign_pk, d->cert.sign_pk, NET_SIGN_PK_BYTES);
        assert_ptr_equal(d, net_members_tagged(s->m, s->device[i].device));
        assert_ptr_equal(d, net_members_transport(s->m, s->device[i].cert.transport_pk));
        assert_ptr_equal(d, net_members_device_at(s->m, i));
        assert_memory_equal(s->hash[i].b, d->record.b, CRDT_HASH_BYTES);
    }
    assert_null(net_members_device(s->m, s->device[5].device));
    assert_null(net_members_tagged(s->m, s->device[5].device));
    assert_null(net_members_transport(s->m, s->device[5].cert.transport_pk));
}

static void admitted_again_a_device_keeps_the_most_and_shows_the_latest_certificate(void **state)
{
    struct scene *s = *state;
    enum net_role role;
    struct net_seeds seeds;
    memset(&seeds, 0x77, sizeof seeds);
    memset(seeds.sign, 0x12, sizeof seeds.sign); /* device 1's */
    uint32_t first = write_admit(s, &(struct plan){ 0, 1, NET_ROLE_ADMIN, 1, { 0 } });
    net_identity_make(&s->device[1], &seeds, /* serial= */ 2, 0);
    uint32_t second = write_admit(s, &(struct plan){ 0, 1, NET_ROLE_READER, 1, { 0 } });
    assert_int_equal(CHT_OK, add(s, second));
    assert_int_equal(CHT_OK, role_of(s, 1, second, &role));
    assert_int_equal(NET_ROLE_READER, role);
    assert_int_equal(CHT_OK, add(s, first));
    const struct net_device *d = net_members_device(s->m, s->device[1].device);
    assert_int_equal(2, net_members_device_count(s->m));
    assert_int_equal(NET_ROLE_ADMIN, d->role);
    assert_int_equal(2, d->cert.serial);
    assert_memory_equal(s->hash[second].b, d->record.b, CRDT_HASH_BYTES);
    assert_int_equal(CHT_OK, role_of(s, 1, second, &role));
    assert_int_equal(NET_ROLE_READER, role);
    const struct crdt_hash both[] = { s->hash[first], s->hash[second] };
    assert_int_equal(CHT_OK, net_members_role(s->m, d->id, both, 2, &role));
    assert_int_equal(NET_ROLE_ADMIN, role);
}

static void what_a_peer_lacks_is_listed_parents_first(void **state)
{
    struct scene *s = *state;
    struct cht_arena arena;
    const struct cht_bytes *list;
    size_t count;
    cht_arena_init(&arena, 1u << 20);
    write_diamond(s);
    for (uint32_t i = 1; i <= 4; i++)
        assert_int_equal(CHT_OK, add(s, i));

    assert_int_equal(CHT_OK, net_members_since(s->m, NULL, 0, 1u << 20, &arena, &list, &count));
    assert_int_equal(5, count);
    struct net_members *other = net_members_new(s->space);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(CHT_OK, net_members_add(other, list[i]));
    assert_int_equal(5, net_members_count(other));
    net_members_free(other);

    const struct crdt_hash known[] = { s->hash[2], { { 9 } } }; /* one is not held here */
    assert_int_equal(CHT_OK, net_members_since(s->m, known, 2, 1u << 20, &arena, &list, &count));
    assert_int_equal(3, count);
    assert_true(cht_bytes_eq(bytes_of(s, 1), list[0]));
    assert_true(cht_bytes_eq(bytes_of(s, 3), list[1]));
    assert_true(cht_bytes_eq(bytes_of(s, 4), list[2]));
    assert_int_equal(CHT_OK, net_members_since(s->m, known, 1, 1, &arena, &list, &count));
    assert_int_equal(1, count);
    size_t two = s->record[1].len + s->record[3].len;
    assert_int_equal(CHT_OK, net_members_since(s->m, known, 1, two, &arena, &list, &count));
    assert_int_equal(2, count);
    assert_int_equal(CHT_OK,
                     net_members_since(s->m, &s->hash[4], 1, 1u << 20, &arena, &list, &count));
    assert_int_equal(0, count);
    cht_arena_clear(&arena);
}

static struct net_admission admission_of(const struct scene *s, uint32_t device)
{
    return (struct net_admission){ .stamp = crdt_hlc_make(5000, 0),
                                   .role = NET_ROLE_ADMIN,
                                   .cert = &s->device[device].cert,
                                   .name = cht_bytes_str("desktop") };
}

static void an_admin_admits_under_the_heads_it_holds(void **state)
{
    struct scene *s = *state;
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    struct net_record rec;
    uint32_t heads;
    write_diamond(s);
    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal(CHT_OK, add(s, i));
    struct net_admission who = admission_of(s, 5);
    assert_int_equal(CHT_OK, net_members_admit(s->m, &who, &s->device[1], &out));
    assert_int_equal(4, net_members_count(s->m)); /* written, not yet held */
    assert_int_equal(CHT_OK, net_record_decode(cht_buf_view(&out), &rec));
    assert_int_equal(2, rec.parent_count);
    assert_int_equal(CHT_OK, net_members_add(s->m, cht_buf_view(&out)));
    (void)net_members_heads(s->m, &heads);
    assert_int_equal(1, heads);
    assert_memory_equal("desktop", net_members_device(s->m, s->device[5].device)->name, 7);
    cht_buf_clear(&out);
}

static void what_may_not_be_admitted_is_not_written(void **state)
{
    struct scene *s = *state;
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    write_diamond(s);
    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal(CHT_OK, add(s, i));
    struct net_admission who = admission_of(s, 5);
    assert_int_equal(CHT_E_DENIED, net_members_admit(s->m, &who, &s->device[3], &out));
    assert_int_equal(CHT_E_DENIED, net_members_admit(s->m, &who, &s->device[5], &out));
    who.role = NET_ROLE_BRIDGE;
    assert_int_equal(CHT_E_INVALID, net_members_admit(s->m, &who, &s->device[0], &out));
    who.role = NET_ROLE_ADMIN;
    who.name = cht_bytes_str("a\nb");
    assert_int_equal(CHT_E_INVALID, net_members_admit(s->m, &who, &s->device[0], &out));
    who = admission_of(s, 1);
    assert_int_equal(CHT_E_EXISTS, net_members_admit(s->m, &who, &s->device[0], &out));
    struct net_cert bad = s->device[5].cert;
    bad.stamp++;
    who.cert = &bad;
    assert_int_equal(CHT_E_SIGNATURE, net_members_admit(s->m, &who, &s->device[0], &out));
    struct net_seeds seeds; /* a newcomer that claims device 1's transport key */
    memset(seeds.sign, 0x55, sizeof seeds.sign);
    memset(seeds.transport, 0x13, sizeof seeds.transport);
    net_identity_make(&s->device[5], &seeds, 1, 0);
    who.cert = &s->device[5].cert;
    assert_int_equal(CHT_E_CONFLICT, net_members_admit(s->m, &who, &s->device[0], &out));
    assert_int_equal(0, out.len);
    cht_buf_clear(&out);
}

/* More heads than one entry may name: those named still admit the one who names them. */
static void of_too_many_heads_those_named_admit_the_author(void **state)
{
    struct scene *s = *state;
    struct crdt_hash named[LIMIT_MEMBER_HEADS];
    enum net_role role;
    uint32_t all;
    for (uint32_t i = 0; i < LIMIT_MEMBER_HEADS + 4; i++) {
        uint32_t subject = i % 2 == 0 ? 1 : i == 7 ? 2 : 3;
        uint32_t r = write_admit(s, &(struct plan){ 0, subject, NET_ROLE_ADMIN, 1, { 0 } });
        assert_int_equal(CHT_OK, add(s, r));
    }
    (void)net_members_heads(s->m, &all);
    assert_int_equal(LIMIT_MEMBER_HEADS + 4, all);
    for (uint32_t device = 0; device < 4; device++) {
        const uint8_t *id = s->device[device].device;
        uint32_t count = net_members_heads_named(s->m, id, named);
        assert_int_equal(LIMIT_MEMBER_HEADS, count);
        assert_int_equal(CHT_OK, net_members_role(s->m, id, named, count, &role));
        for (uint32_t i = 1; i < count; i++)
            assert_true(memcmp(named[i - 1].b, named[i].b, CRDT_HASH_BYTES) < 0);
    }
}

/* Whatever the order of arrival, the same records give the same answers. */
static void the_order_of_arrival_does_not_matter(void **state)
{
    struct scene *s = *state;
    const char *given = getenv("CHITTY_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : 0x5eed;
    printf("# CHITTY_SEED=0x%llx\n", (unsigned long long)seed);
    write_diamond(s);
    write_admit(s, &(struct plan){ 4, 5, NET_ROLE_ADMIN, 1, { 4 } });
    write_admit(s, &(struct plan){ 1, 5, NET_ROLE_READER, 2, { 1, 2 } });
    write_admit(s, &(struct plan){ 5, 3, NET_ROLE_ADMIN, 2, { 5, 6 } });
    for (unsigned round = 0; round < 50; round++) {
        struct net_members *m = net_members_new(s->space);
        uint32_t order[8] = { 0, 1, 2, 3, 4, 5, 6, 7 }, heads;
        for (uint32_t i = 7; i > 0; i--) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            uint32_t j = (uint32_t)(seed >> 33) % (i + 1), keep = order[i];
            order[i] = order[j];
            order[j] = keep;
        }
        for (uint32_t i = 0; i < 8; i++) {
            enum cht_err err = net_members_add(m, bytes_of(s, order[i]));
            assert_true(err == CHT_OK || err == CHT_E_WAITING);
        }
        assert_int_equal(8, net_members_count(m));
        assert_int_equal(0, net_members_waiting(m));
        assert_memory_equal(s->hash[7].b, net_members_heads(m, &heads)[0].b, CRDT_HASH_BYTES);
        assert_int_equal(1, heads);
        assert_int_equal(NET_ROLE_ADMIN, net_members_device(m, s->device[3].device)->role);
        /* device 3 has two records with one certificate: which shows is fixed by their hashes */
        bool later = memcmp(s->hash[7].b, s->hash[3].b, CRDT_HASH_BYTES) > 0;
        assert_memory_equal(s->hash[later ? 7 : 3].b,
                            net_members_device(m, s->device[3].device)->record.b, CRDT_HASH_BYTES);
        net_members_free(m);
    }
}

/* Each added record names the one before: the deepest DAG, and one look-up per question. */
static void thousands_of_records_are_held_up_to_the_limit(void **state)
{
    struct scene *s = *state;
    struct net_record rec;
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    uint32_t number = write_admit(s, &(struct plan){ 0, 1, NET_ROLE_ADMIN, 1, { 0 } }), heads;
    enum net_role role;
    assert_int_equal(CHT_OK, net_record_decode(bytes_of(s, number), &rec));
    for (uint32_t i = 1; i < LIMIT_RECORDS; i++) {
        cht_buf_reset(&out);
        assert_int_equal(CHT_OK, net_record_encode(&rec, &s->device[0], &out));
        assert_int_equal(CHT_OK, net_members_add(s->m, cht_buf_view(&out)));
        rec.parents[0] = crdt_hash_of(cht_buf_view(&out));
    }
    cht_buf_reset(&out);
    assert_int_equal(CHT_OK, net_record_encode(&rec, &s->device[0], &out));
    assert_int_equal(CHT_E_LIMIT, net_members_add(s->m, cht_buf_view(&out)));
    assert_int_equal(LIMIT_RECORDS, net_members_count(s->m));
    const struct crdt_hash *head = net_members_heads(s->m, &heads);
    assert_int_equal(1, heads);
    assert_int_equal(CHT_OK, net_members_role(s->m, s->device[1].device, head, 1, &role));
    assert_true(net_members_reaches(s->m, head, &s->hash[0]));
    cht_buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_founder_is_an_admin_of_its_space, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_held_twice_is_held_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(heads_are_the_records_no_other_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_device_is_admitted_only_under_heads_that_know_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(heads_not_held_make_the_question_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            an_admit_by_one_who_is_no_admin_under_its_parents_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_waits_for_its_parents_and_follows_them, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_waiting_record_that_may_not_be_is_dropped_when_its_parents_come, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waiting_records_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_record_is_its_own_ancestor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_spaces_records_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_that_does_not_verify_changes_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(devices_are_found_by_id_tag_and_transport_key, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            admitted_again_a_device_keeps_the_most_and_shows_the_latest_certificate, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(what_a_peer_lacks_is_listed_parents_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_admin_admits_under_the_heads_it_holds, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_may_not_be_admitted_is_not_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_too_many_heads_those_named_admit_the_author, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_order_of_arrival_does_not_matter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(thousands_of_records_are_held_up_to_the_limit, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("members", tests, NULL, NULL);
}
