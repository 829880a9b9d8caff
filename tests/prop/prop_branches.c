/* Chains with branches: served out of the middle of a row, and no more of them taken than are
 * needed (PROTOCOL 2.3, 8.7). */
#include "node/replica/own.h"
#include "tests/prop/same.h"
#include "tests/prop/sync.h"
#include "tests/prop/voices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

/* --- serving a branch ------------------------------------------------------------------------ */

static void a_path_whose_branch_starts_inside_a_large_row_is_served(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        write_some(v.a.r, 1);
    home_twin(&v.twin, &v.a, "twin.db");
    write_some(v.a.r, 150);
    write_some(v.twin.r, 200);
    (void)sync_from(&v.b, &v.a, LIMIT_RANGE_BYTES, UINT32_MAX); /* 250 under one head */
    (void)sync_from(&v.b, &v.twin, LIMIT_RANGE_BYTES, UINT32_MAX);
    struct net_view view = node_replica_view(v.b.r);
    struct cht_arena arena;
    struct net_heads heads;
    struct net_run run;
    const struct crdt_dep *tip = NULL;
    static const uint8_t none[CRDT_DEP_HASH_BYTES];
    cht_arena_init(&arena, SIZE_MAX);
    assert_int_equal(CHT_OK, view.ops->heads(view.ctx, &arena, &heads));
    for (size_t i = 0; i < heads.stored_count; i++) {
        if (heads.stored[i].seq == 300)
            tip = &heads.stored[i];
    }
    assert_non_null(tip);
    assert_int_equal(CHT_OK,
                     view.ops->read(view.ctx, tip, 1, none, LIMIT_RANGE_BYTES, &arena, &run));
    assert_true(run.complete);
    assert_int_equal(2, run.count);
    assert_int_equal(250, run.ranges[0].count); /* with the other branch's at its end */
    assert_int_equal(200, run.ranges[1].count);
    for (size_t i = 0; i < run.count; i++) {
        enum node_receipt receipt;
        assert_int_equal(CHT_OK,
                         node_replica_receive(v.c.r, &run.ranges[i], HOME_NOW_MS, &receipt));
        assert_int_equal(NODE_STORED, receipt);
    }
    cht_arena_clear(&arena);
    home_turn(&v.c, true);
    assert_int_equal(450, node_replica_count(v.c.r).entries);
    assert_same_state(&v.b, &v.c);
    assert_proves(only_fork(&v.c), 101);
    verify_whole(v.c.r);
}

/* --- four bytes that are alike -------------------------------------------------------------- */

#define TRIES (1u << 18) /* eight pairs share four bytes, give or take */

/* An entry of device 1 after `before`, about a todo, that differs by its stamp alone. */
static struct crdt_entry entry_after(const struct crdt_before *before, uint64_t stamp,
                                     struct cht_arena *arena)
{
    static const uint8_t body[] = { 0x91, 0x93, 1, 1, 0xa1, 'x' };
    struct crdt_entry e = { .body = cht_bytes(body, sizeof body) };
    struct cht_buf bytes;
    e.header = (struct crdt_header){ .seq = before->seq + 1,
                                     .prev = before->hash,
                                     .hlc = stamp,
                                     .txn_count = 1,
                                     .body_len = sizeof body,
                                     .body_hash = crdt_hash_of(e.body) };
    memcpy(e.header.space, before->space, CRDT_ID_BYTES);
    memcpy(e.header.device, before->device, CRDT_ID_BYTES);
    memset(e.header.epoch, 0xe5, CRDT_EPOCH_BYTES);
    e.header.entity = (struct crdt_ref){ .form = CRDT_REF_SPELT, .id = { .type = CRDT_TODO } };
    memset(e.header.entity.id.b, (int)e.header.seq, CRDT_ID_BYTES);
    cht_buf_init(&bytes, LIMIT_HEADER_BYTES);
    assert_int_equal(CHT_OK, crdt_header_encode(&e.header, &bytes));
    assert_int_equal(CHT_OK, cht_arena_copy(arena, cht_buf_view(&bytes), &e.header_bytes));
    cht_buf_clear(&bytes);
    e.hash = crdt_hash_of(e.header_bytes);
    return e;
}

struct tagged {
    uint32_t tag, number;
};

static int by_tag(const void *x, const void *y)
{
    const struct tagged *a = x, *b = y;
    return a->tag < b->tag ? -1 : (a->tag > b->tag ? 1 : 0);
}

/* Two entries after `before` whose hashes begin with the same four bytes. */
static void find_alike(const struct crdt_before *before, struct cht_arena *arena,
                       struct crdt_entry out[static 2])
{
    struct tagged *all = calloc(TRIES, sizeof *all);
    struct cht_arena scratch;
    uint32_t i = 1;
    cht_arena_init(&scratch, SIZE_MAX);
    assert_non_null(all);
    for (uint32_t n = 0; n < TRIES; n++) {
        struct crdt_entry e = entry_after(before, before->hlc + 1 + n, &scratch);
        all[n] = (struct tagged){ .tag = cht_get_u32(e.hash.b), .number = n };
        cht_arena_reset(&scratch);
    }
    qsort(all, TRIES, sizeof *all, by_tag);
    while (i < TRIES && all[i].tag != all[i - 1].tag)
        i++;
    assert_true(i < TRIES);
    for (uint32_t k = 0; k < 2; k++)
        out[k] = entry_after(before, before->hlc + 1 + all[i - k].number, arena);
    cht_arena_clear(&scratch);
    free(all);
}

/* The entry as a range with its head. */
static struct crdt_range range_of(const struct crdt_before *before, const struct crdt_entry *e,
                                  struct cht_arena *arena)
{
    struct crdt_range r = { .seq = e->header.seq, .count = 1 };
    struct cht_buf payload;
    cht_buf_init(&payload, LIMIT_RANGE_BYTES);
    assert_int_equal(CHT_OK, crdt_range_encode(before, e, 1, &payload, &r.codec));
    assert_int_equal(CHT_OK, cht_arena_copy(arena, cht_buf_view(&payload), &r.payload));
    cht_buf_clear(&payload);
    memcpy(r.device_tag, before->device, sizeof r.device_tag);
    memcpy(r.prev_tag, before->hash.b, sizeof r.prev_tag);
    net_identity_sign(&v.space.devices[1], NET_CONTEXT_HEAD, cht_bytes(e->hash.b, CRDT_HASH_BYTES),
                      r.head);
    return r;
}

static enum node_receipt give(struct home *to, const struct crdt_range *range)
{
    enum node_receipt receipt;
    assert_int_equal(CHT_OK, node_replica_receive(to->r, range, HOME_NOW_MS, &receipt));
    home_turn(to, true);
    return receipt;
}

/* What a peer passes on after an entry that is not held here, where another is that begins alike.
 */
static void a_range_behind_one_that_begins_alike_fails_until_the_true_one_is_held(void **state)
{
    (void)state;
    struct cht_arena arena;
    struct crdt_before first, behind = { .seq = 2 };
    struct crdt_entry alike[2];
    cht_arena_init(&arena, SIZE_MAX);
    write_some(v.a.r, 1);
    (void)sync_from(&v.b, &v.a, LIMIT_RANGE_BYTES, UINT32_MAX);
    assert_int_equal(CHT_OK, replica_before(v.a.r, (struct crdt_place){ 0, 1 },
                                            v.space.devices[1].device, &first));
    find_alike(&first, &arena, alike);
    assert_memory_equal(alike[0].hash.b, alike[1].hash.b, 4);
    memcpy(behind.space, first.space, CRDT_ID_BYTES);
    memcpy(behind.device, first.device, CRDT_ID_BYTES);
    memcpy(behind.epoch, alike[1].header.epoch, CRDT_EPOCH_BYTES);
    behind.hash = alike[1].hash;
    behind.hlc = alike[1].header.hlc;
    struct crdt_entry next = entry_after(&behind, behind.hlc + 1, &arena);
    struct crdt_range here = range_of(&first, &alike[0], &arena);
    struct crdt_range there = range_of(&first, &alike[1], &arena);
    struct crdt_range after = range_of(&behind, &next, &arena);

    assert_int_equal(NODE_STORED, give(&v.b, &here));
    assert_int_equal(NODE_REFUSED, give(&v.b, &after));
    assert_int_equal(NODE_STORED, give(&v.b, &there));
    assert_int_equal(NODE_STORED, give(&v.b, &after));
    assert_int_equal(4, node_replica_count(v.b.r).entries);
    assert_int_equal(0, node_replica_count(v.b.r).waiting);
    assert_proves(only_fork(&v.b), 2);
    verify_whole(v.b.r);
    cht_arena_clear(&arena);
}

/* --- many branches --------------------------------------------------------------------------- */

/* Take what another has, its applied tips first, as a session does. How many ranges were stopped.
 */
static uint32_t take_all(struct home *to, struct home *from)
{
    struct net_view view = node_replica_view(from->r);
    struct cht_arena arena;
    struct net_heads heads;
    uint32_t stopped = 0;
    cht_arena_init(&arena, SIZE_MAX);
    assert_int_equal(CHT_OK, view.ops->heads(view.ctx, &arena, &heads));
    for (int inner = 0; inner < 2; inner++) {
        for (size_t i = 0; i < heads.stored_count; i++) {
            static const uint8_t none[CRDT_DEP_HASH_BYTES];
            struct net_run run;
            bool applied = false;
            for (size_t k = 0; k < heads.applied_count; k++)
                applied |= crdt_dep_cmp(&heads.applied[k], &heads.stored[i]) == 0;
            if (applied != (inner == 0))
                continue;
            assert_int_equal(CHT_OK, view.ops->read(view.ctx, &heads.stored[i], 1, none,
                                                    LIMIT_RANGE_BYTES, &arena, &run));
            for (size_t k = 0; k < run.count; k++) {
                enum node_receipt receipt;
                assert_int_equal(
                    CHT_OK, node_replica_receive(to->r, &run.ranges[k], HOME_NOW_MS, &receipt));
                stopped += receipt == NODE_STOPPED;
            }
            home_turn(to, false);
        }
    }
    cht_arena_clear(&arena);
    return stopped;
}

static void no_more_than_eight_open_branches_are_taken_but_all_that_an_entry_needs(void **state)
{
    (void)state;
    char name[16];
    write_some(v.a.r, 1);
    for (uint32_t i = 0; i < VOICES_MANY; i++) {
        (void)snprintf(name, sizeof name, "many%u.db", i);
        (void)seeded_next(&v.a.random); /* each draws an epoch of its own */
        home_clone(&v.many[i], &v.a, name);
        write_some(v.many[i].r, 1);
    }
    uint32_t stopped = 0;
    for (uint32_t i = 0; i < VOICES_MANY; i++)
        stopped += take_all(&v.b, &v.many[i]);
    assert_int_equal(VOICES_MANY - 8, stopped);
    assert_int_equal(8, tips_of(&v.b));
    assert_int_equal(9, node_replica_count(v.b.r).entries);
    /* the device itself takes them, and its next entry is behind them all */
    assert_int_equal(0, take_all(&v.many[0], &v.b));
    write_some(v.many[0].r, 1);
    assert_int_equal(0, take_all(&v.b, &v.many[0]));
    assert_int_equal(1, tips_of(&v.b));
    for (uint32_t i = 0; i < VOICES_MANY; i++)
        assert_int_equal(0, take_all(&v.b, &v.many[i]));
    assert_int_equal(0, take_all(&v.many[0], &v.b));
    write_some(v.many[0].r, 1);
    assert_int_equal(0, take_all(&v.b, &v.many[0]));
    assert_int_equal(1 + VOICES_MANY + 2, node_replica_count(v.b.r).entries);
    /* a newcomer gets all of it, from one who has it all */
    for (int rounds = 0; rounds < 10; rounds++)
        (void)take_all(&v.c, &v.b);
    assert_same_state(&v.b, &v.c);
    assert_int_equal(0, forks_of(&v.b) + forks_of(&v.c));
    verify_whole(v.c.r);
}

/* Two others have eight branches each, and wrote behind them: who has both needs more than eight.
 */
static void what_entries_of_others_depend_on_is_taken_beyond_that(void **state)
{
    (void)state;
    char name[16];
    write_some(v.a.r, 1);
    for (uint32_t i = 0; i < VOICES_MANY; i++) {
        (void)snprintf(name, sizeof name, "many%u.db", i);
        (void)seeded_next(&v.a.random);
        home_clone(&v.many[i], &v.a, name);
        write_some(v.many[i].r, 1);
        if (i < 8)
            assert_int_equal(0, take_all(&v.b, &v.many[i]));
        if (i >= VOICES_MANY - 8)
            assert_int_equal(0, take_all(&v.c, &v.many[i]));
    }
    write_some(v.b.r, 1);
    write_some(v.c.r, 1);
    for (int rounds = 0; rounds < 10; rounds++) { /* as often as a session would ask again */
        (void)take_all(&v.b, &v.c);
        (void)take_all(&v.c, &v.b);
    }
    assert_int_equal(1 + VOICES_MANY + 2, node_replica_count(v.b.r).entries);
    assert_same_state(&v.b, &v.c);
    assert_int_equal(VOICES_MANY, tips_of(&v.b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VOICES(a_path_whose_branch_starts_inside_a_large_row_is_served),
        VOICES(a_range_behind_one_that_begins_alike_fails_until_the_true_one_is_held),
        VOICES(no_more_than_eight_open_branches_are_taken_but_all_that_an_entry_needs),
        VOICES(what_entries_of_others_depend_on_is_taken_beyond_that),
    };
    if (sodium_init() < 0)
        return 1;
    home_folder();
    int failed = cmocka_run_group_tests_name("prop_branches", tests, NULL, NULL);
    home_folder_remove();
    return failed;
}
