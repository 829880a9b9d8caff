/* Sync sessions between honest nodes, over real frames (PROTOCOL 8). */
#include "tests/support/toy_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct toy_net net;

static void begin(size_t nodes)
{
    toy_net_init(&net, nodes, seeded_start(1));
}

static int end(void **state)
{
    (void)state;
    toy_net_clear(&net);
    return 0;
}

static void two_nodes_meet_and_are_in_sync(void **state)
{
    (void)state;
    begin(2);
    size_t link = toy_net_join(&net, 0, 1);
    toy_net_run(&net, 500);
    for (size_t k = 0; k < 2; k++) {
        assert_true(net_session_live(net.links[link].side[k].session));
        assert_true(net_session_synced(net.links[link].side[k].session));
        assert_int_equal(1, net.nodes[k].ups);
        assert_int_equal(0, net.nodes[k].closes);
    }
    assert_int_equal(2, net.sent[NET_FRAME_HELLO]);
    assert_int_equal(0, net.sent[NET_FRAME_WANT]);
    assert_int_equal(0, net.sent[NET_FRAME_RANGE]);
}

static void what_one_has_the_other_gets(void **state)
{
    (void)state;
    begin(2);
    toy_net_commit(&net, 0, 3, 100);
    toy_net_commit(&net, 0, 2, 100);
    toy_net_commit(&net, 1, 4, 100);
    size_t link = toy_net_join(&net, 0, 1);
    assert_true(toy_net_settle(&net, 2000));
    toy_net_run(&net, 500);
    assert_true(net_session_synced(net.links[link].side[0].session));
    assert_true(net_session_synced(net.links[link].side[1].session));
    assert_int_equal(9, net.nodes[0].replica.held_count);
    assert_int_equal(2, net.sent[NET_FRAME_WANT]);
    assert_int_equal(0, toy_net_stats(&net).known);
}

static void a_new_entry_is_pushed_at_once_and_only_once(void **state)
{
    (void)state;
    begin(2);
    toy_net_join(&net, 0, 1);
    toy_net_run(&net, 500);
    uint64_t heads = net.sent[NET_FRAME_HEADS];
    for (unsigned i = 0; i < 10; i++) {
        toy_net_commit(&net, 0, 1, 50);
        toy_net_run(&net, 21); /* one trip */
        assert_true(toy_net_equal(&net));
    }
    assert_int_equal(10, net.sent[NET_FRAME_RANGE]);
    assert_int_equal(0, net.sent[NET_FRAME_WANT]);
    toy_net_run(&net, 1000);
    assert_int_equal(10, net.sent[NET_FRAME_ACK]);
    assert_int_equal(heads, net.sent[NET_FRAME_HEADS]);
    assert_true(net_session_synced(net.links[0].side[0].session));
}

static void a_push_may_be_the_first_entry_of_its_device(void **state)
{
    (void)state;
    begin(2);
    toy_net_join(&net, 0, 1);
    toy_net_run(&net, 500);
    toy_net_commit(&net, 1, 5, 10);
    toy_net_run(&net, 21);
    assert_true(toy_net_equal(&net));
    assert_int_equal(0, net.sent[NET_FRAME_WANT]);
}

static void entries_travel_along_a_line(void **state)
{
    (void)state;
    begin(5);
    for (size_t i = 0; i + 1 < 5; i++)
        toy_net_join(&net, i, i + 1);
    toy_net_run(&net, 1000);
    toy_net_commit(&net, 0, 2, 100);
    toy_net_commit(&net, 4, 2, 100);
    assert_true(toy_net_settle(&net, 3000));
    assert_int_equal(0, toy_net_stats(&net).known);
    /* each entry crosses each link once */
    assert_int_equal(8, toy_net_stats(&net).ranges_in);
}

static void a_full_mesh_carries_no_range_twice(void **state)
{
    (void)state;
    enum { NODES = 6 };
    begin(NODES);
    for (size_t i = 0; i < NODES; i++) {
        for (size_t k = i + 1; k < NODES; k++)
            toy_net_join(&net, i, k);
    }
    toy_net_run(&net, 1000);
    for (unsigned i = 0; i < 60; i++) {
        toy_net_commit(&net, i % NODES, 1 + i % 3, 40);
        toy_net_run(&net, 7);
    }
    assert_true(toy_net_settle(&net, 1000));
    assert_int_equal(0, toy_net_stats(&net).known);
    assert_int_equal(0, toy_net_stats(&net).unplaceable);
    assert_int_equal(60 * (NODES - 1), toy_net_stats(&net).ranges_in);
}

static void a_newcomer_to_a_mesh_fetches_each_path_from_one_peer(void **state)
{
    (void)state;
    begin(4);
    for (unsigned i = 0; i < 40; i++) /* all by node 0, copied to 1 and 2 before anyone meets */
        toy_net_commit(&net, 0, 4, 500);
    for (size_t i = 1; i < 3; i++) {
        uint8_t device[CRDT_ID_BYTES];
        memcpy(device, net.nodes[i].replica.device, sizeof device);
        toy_copy(&net.nodes[i].replica, &net.nodes[0].replica);
        memcpy(net.nodes[i].replica.device, device, sizeof device);
        net.nodes[i].replica.own = NULL;
    }
    for (size_t i = 0; i < 3; i++)
        toy_net_join(&net, 3, i);
    assert_true(toy_net_settle(&net, 5000));
    assert_int_equal(0, toy_net_stats(&net).known);
    assert_int_equal(1, net.sent[NET_FRAME_WANT]);
}

static void large_histories_keep_within_their_credit(void **state)
{
    (void)state;
    begin(3); /* the net aborts when more is un-acked than may be */
    for (unsigned i = 0; i < 60; i++) {
        toy_net_commit(&net, 0, 8, 10000);
        toy_net_commit(&net, 1, 1, 100);
        toy_net_commit(&net, 1, 1, 300000);
    }
    toy_net_join(&net, 0, 1);
    toy_net_join(&net, 2, 1);
    assert_true(toy_net_settle(&net, 60000));
    assert_in_range(toy_net_stats(&net).unacked_bytes_max, LIMIT_CREDIT_BYTES / 2,
                    LIMIT_CREDIT_BYTES);
    assert_int_equal(0, net.nodes[0].closes + net.nodes[1].closes + net.nodes[2].closes);
}

static void a_burst_beyond_the_credit_is_pushed_on_as_acks_come(void **state)
{
    (void)state;
    begin(2);
    toy_net_join(&net, 0, 1);
    toy_net_run(&net, 500);
    for (unsigned i = 0; i < 300; i++) /* no time passes: nothing can be acked */
        toy_net_commit(&net, 0, 4, 2000);
    assert_true(toy_net_settle(&net, 5000));
    assert_int_equal(0, net.sent[NET_FRAME_WANT]);
    assert_int_equal(0, toy_net_stats(&net).known);
    /* what had to wait went out in larger frames */
    assert_in_range(net.sent[NET_FRAME_RANGE], 20, 120);
}

static void a_range_of_the_largest_size_passes(void **state)
{
    (void)state;
    begin(2);
    toy_net_commit(&net, 0, 1, LIMIT_RANGE_BYTES - 33);
    toy_net_commit(&net, 0, 1, 10);
    toy_net_join(&net, 0, 1);
    assert_true(toy_net_settle(&net, 5000));
    toy_net_commit(&net, 0, 1, LIMIT_RANGE_BYTES - 33);
    assert_true(toy_net_settle(&net, 5000));
}

static void entries_that_wait_for_others_are_stored_acked_and_applied_later(void **state)
{
    (void)state;
    begin(2);
    struct toy_replica other; /* a third device that only node 0 has heard of, later */
    toy_replica_init(&other, &net.world, 9);
    const struct toy_entry *far = toy_commit(&other, 1, 10, 5, NULL);
    toy_commit(&net.nodes[0].replica, 1, 10, 1, far);
    size_t link = toy_net_join(&net, 0, 1);
    toy_net_run(&net, 1000);
    assert_true(toy_equal(&net.nodes[0].replica, &net.nodes[1].replica));
    assert_int_equal(0, net.nodes[1].replica.applied_count);
    assert_int_equal(1, net.nodes[1].replica.stored_count);
    assert_true(net_session_synced(net.links[link].side[0].session));

    toy_copy(&net.nodes[0].replica, &other);
    memset(net.nodes[0].replica.device, 1, CRDT_ID_BYTES);
    toy_net_changed(&net, 0);
    assert_true(toy_net_settle(&net, 1000));
    assert_int_equal(2, net.nodes[1].replica.applied_count);
    toy_replica_clear(&other);
}

static void a_restored_copy_takes_back_its_own_lost_entries(void **state)
{
    (void)state;
    begin(2);
    toy_net_commit(&net, 0, 5, 10);
    struct toy_replica backup;
    toy_replica_init(&backup, &net.world, 1);
    toy_copy(&backup, &net.nodes[0].replica);
    for (unsigned i = 0; i < 9; i++)
        toy_net_commit(&net, 0, 3, 10);
    size_t link = toy_net_join(&net, 0, 1);
    assert_true(toy_net_settle(&net, 2000));

    /* node 0 comes back from the backup and writes in a new epoch before it meets anyone */
    toy_net_cut(&net, link);
    toy_replica_clear(&net.nodes[0].replica);
    net.nodes[0].replica = backup;
    memset(net.nodes[0].replica.epoch, 0xee, CRDT_EPOCH_BYTES);
    for (unsigned i = 0; i < 20; i++)
        toy_net_commit(&net, 0, 2, 10);
    toy_net_mend(&net, link);
    assert_true(toy_net_settle(&net, 5000));
    assert_int_equal(5 + 27 + 40, net.nodes[0].replica.held_count);
    assert_int_equal(2, net.nodes[0].replica.stored_count);
    assert_true(toy_net_stats(&net).misses > 0);
    toy_net_run(&net, 1000);
    assert_true(net_session_synced(net.links[link].side[0].session));
}

static void membership_goes_first_and_both_ways(void **state)
{
    (void)state;
    begin(2);
    for (uint32_t i = 1; i < 40; i++) {
        toy_record_add(&net.nodes[0].replica, i, 0);
        toy_record_add(&net.nodes[1].replica, 1000 + i, 0);
    }
    toy_net_commit(&net, 0, 1, 10);
    toy_net_join(&net, 0, 1);
    assert_true(toy_net_settle(&net, 2000));
    assert_int_equal(79, net.nodes[0].replica.record_count);
    assert_int_equal(2, net.nodes[0].replica.member_head_count);
}

static void records_that_fill_many_frames_all_arrive(void **state)
{
    (void)state;
    begin(2);
    for (uint32_t i = 1; i < 250; i++) /* together more than LIMIT_MEMBERS_BYTES */
        toy_record_add(&net.nodes[1].replica, i, 3000);
    toy_net_join(&net, 0, 1);
    assert_true(toy_net_settle(&net, 5000));
    assert_true(net.sent[NET_FRAME_MEMBERS] > 4);
}

static void a_record_that_comes_later_is_told_at_once(void **state)
{
    (void)state;
    begin(3);
    toy_net_join(&net, 0, 1);
    toy_net_join(&net, 1, 2);
    toy_net_run(&net, 1000);
    toy_record_add(&net.nodes[0].replica, 7, 0);
    toy_net_changed(&net, 0);
    toy_record_add(&net.nodes[2].replica, 8, 0);
    toy_net_changed(&net, 2);
    assert_true(toy_net_settle(&net, 300));
    toy_net_commit(&net, 0, 1, 10);
    assert_true(toy_net_settle(&net, 1000));
}

static void an_idle_hour_costs_a_few_heads(void **state)
{
    (void)state;
    begin(2);
    toy_net_commit(&net, 0, 2, 10);
    toy_net_join(&net, 0, 1);
    toy_net_run(&net, 60000);
    uint64_t before = toy_net_stats(&net).frames_out;
    uint64_t bytes = toy_net_stats(&net).bytes_out;
    toy_net_run(&net, 3600u * 1000u);
    uint64_t frames = toy_net_stats(&net).frames_out - before;
    assert_in_range(frames, 6, 14);
    assert_in_range(toy_net_stats(&net).bytes_out - bytes, 1, 3600 / 60 * 1000);
    assert_int_equal(0, net.nodes[0].closes);
}

static void damage_in_one_row_is_found_and_named(void **state)
{
    (void)state;
    begin(2);
    for (unsigned i = 0; i < 100; i++)
        toy_net_commit(&net, i % 2, 20, 1);
    size_t link = toy_net_join(&net, 0, 1);
    assert_true(toy_net_settle(&net, 5000));
    toy_net_run(&net, 60000);
    assert_int_equal(0, net.nodes[0].alarms + net.nodes[1].alarms);

    struct toy_replica *r = &net.nodes[1].replica;
    r->rot = r->held[777].entry;
    struct crdt_hash wrong = crdt_hash_of(cht_bytes(r->rot->hash.b, CRDT_HASH_BYTES));
    crdt_root_sub(&r->root, &wrong);
    wrong.b[0] ^= 1;
    crdt_root_add(&r->root, &wrong);
    toy_net_mend(&net, link);
    toy_net_run(&net, 5000);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(1, net.nodes[i].alarms);
        assert_int_equal(1, net.nodes[i].alarm_done);
        assert_int_equal(1, net.nodes[i].alarm_rows);
        assert_int_equal(r->rot->id.seq, net.nodes[i].alarm_row[0].row.seq);
        assert_memory_equal(r->rot->id.device, net.nodes[i].alarm_row[0].row.device, CRDT_ID_BYTES);
        assert_true(net.nodes[i].alarm_row[0].ours && net.nodes[i].alarm_row[0].theirs);
    }
    toy_net_run(&net, 1200u * 1000u); /* once for one vector */
    assert_int_equal(1, net.nodes[0].alarms);
}

static void sessions_count_their_time(void **state)
{
    (void)state;
    begin(2);
    size_t link = toy_net_join(&net, 0, 1);
    net.links[link].up = false; /* everything is lost from here */
    toy_net_run(&net, NET_HELLO_MS + 1000);
    assert_int_equal(1, net.nodes[0].closes);
    assert_int_equal(NET_BYE_TIMEOUT, net.nodes[0].close_reason);
    assert_int_equal(0, net.nodes[0].blamed);
}

static void one_who_woke_says_at_once_where_it_stands(void **state)
{
    (void)state;
    begin(2);
    struct net_event ev = { .kind = NET_EV_WOKE };
    size_t link = toy_net_join(&net, 0, 1);
    toy_net_event(&net, link, 0, &ev); /* before HELLO: nothing to say yet */
    toy_net_run(&net, 500);
    uint64_t before = net.sent[NET_FRAME_HEADS];
    toy_net_event(&net, link, 0, &ev);
    toy_net_run(&net, 100);
    assert_true(net.sent[NET_FRAME_HEADS] > before);
    assert_int_equal(0, net.nodes[0].closes + net.nodes[1].closes);
}

static void an_orderly_close_says_bye(void **state)
{
    (void)state;
    begin(2);
    size_t link = toy_net_join(&net, 0, 1);
    toy_net_run(&net, 500);
    struct net_event ev = { .kind = NET_EV_CLOSE, .reason = NET_BYE_SHUTDOWN };
    toy_net_event(&net, link, 0, &ev);
    toy_net_run(&net, 100);
    assert_int_equal(1, net.nodes[1].closes);
    assert_true(net.nodes[1].close_by_peer);
    assert_int_equal(NET_BYE_SHUTDOWN, net.nodes[1].close_reason);
    assert_int_equal(0, net.nodes[1].blamed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(two_nodes_meet_and_are_in_sync, end),
        cmocka_unit_test_teardown(what_one_has_the_other_gets, end),
        cmocka_unit_test_teardown(a_new_entry_is_pushed_at_once_and_only_once, end),
        cmocka_unit_test_teardown(a_push_may_be_the_first_entry_of_its_device, end),
        cmocka_unit_test_teardown(entries_travel_along_a_line, end),
        cmocka_unit_test_teardown(a_full_mesh_carries_no_range_twice, end),
        cmocka_unit_test_teardown(a_newcomer_to_a_mesh_fetches_each_path_from_one_peer, end),
        cmocka_unit_test_teardown(large_histories_keep_within_their_credit, end),
        cmocka_unit_test_teardown(a_burst_beyond_the_credit_is_pushed_on_as_acks_come, end),
        cmocka_unit_test_teardown(a_range_of_the_largest_size_passes, end),
        cmocka_unit_test_teardown(entries_that_wait_for_others_are_stored_acked_and_applied_later,
                                  end),
        cmocka_unit_test_teardown(a_restored_copy_takes_back_its_own_lost_entries, end),
        cmocka_unit_test_teardown(membership_goes_first_and_both_ways, end),
        cmocka_unit_test_teardown(records_that_fill_many_frames_all_arrive, end),
        cmocka_unit_test_teardown(a_record_that_comes_later_is_told_at_once, end),
        cmocka_unit_test_teardown(an_idle_hour_costs_a_few_heads, end),
        cmocka_unit_test_teardown(damage_in_one_row_is_found_and_named, end),
        cmocka_unit_test_teardown(sessions_count_their_time, end),
        cmocka_unit_test_teardown(one_who_woke_says_at_once_where_it_stands, end),
        cmocka_unit_test_teardown(an_orderly_close_says_bye, end),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
