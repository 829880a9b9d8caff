/* Chains with branches: served out of the middle of a row, and no more of them taken than are
 * needed (PROTOCOL 2.3, 8.7). */
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
