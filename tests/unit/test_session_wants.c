/* Wants, from both ends, against a peer that answers as it likes (PROTOCOL 8.7). */
#include "tests/support/toy_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct toy_peer peer;

static int inbound(void **state)
{
    (void)state;
    toy_peer_init(&peer, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    toy_peer_clear(&peer);
    return 0;
}

static struct net_frame want(const struct crdt_dep *tip, uint32_t from)
{
    struct net_frame f = toy_peer_frame(NET_FRAME_WANT);
    f.want.tip = *tip;
    f.want.from = from;
    f.want.credit = LIMIT_CREDIT_BYTES;
    return f;
}

static void a_want_of_what_is_not_held_is_missed(void **state)
{
    (void)state;
    toy_peer_establish(&peer, NULL, 0);
    const struct crdt_dep nothing = { .seq = 7 };
    struct net_frame f = want(&nothing, 3);
    toy_peer_say(&peer, &f);
    const struct net_frame *miss = toy_peer_last(&peer, NET_FRAME_MISS);
    assert_non_null(miss);
    assert_false(miss->miss.held);
    assert_int_equal(0, miss->miss.count);
}

static void a_miss_names_the_path_in_doubling_steps(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        (void)toy_commit(&peer.replica, 1, 1, i, NULL);
    toy_peer_establish(&peer, NULL, 0);
    struct net_frame f = want(&peer.replica.own->id, 90);
    f.want.before[0] = 1; /* not what stands there */
    toy_peer_say(&peer, &f);
    const struct net_frame *miss = toy_peer_last(&peer, NET_FRAME_MISS);
    static const uint32_t seqs[] = { 88, 87, 85, 81, 73, 57, 25 };
    assert_non_null(miss);
    assert_true(miss->miss.held);
    assert_int_equal(90, miss->miss.from);
    assert_int_equal(sizeof seqs / sizeof seqs[0], miss->miss.count);
    for (size_t i = 0; i < miss->miss.count; i++)
        assert_int_equal(seqs[i], miss->miss.path[i].seq);
}

static void more_wants_than_may_be_open_are_dropped(void **state)
{
    (void)state;
    struct toy_replica others[LIMIT_WANTS + 3];
    for (uint8_t i = 0; i < LIMIT_WANTS + 3; i++) {
        toy_replica_init(&others[i], &peer.world, (uint8_t)(10 + i));
        (void)toy_commit(&others[i], 1, 200000, i, NULL);
        (void)toy_commit(&others[i], 1, 200000, i, NULL);
        toy_copy(&peer.replica, &others[i]);
    }
    peer.replica.own = NULL;
    memset(peer.replica.device, 1, CRDT_ID_BYTES);
    toy_peer_establish(&peer, NULL, 0);
    for (uint8_t i = 0; i < LIMIT_WANTS + 3; i++) {
        struct net_frame f = want(&others[i].own->id, 1);
        toy_peer_say(&peer, &f);
        toy_replica_clear(&others[i]);
    }
    assert_int_equal(1,
                     net_session_stats(peer.session)->overdrawn); /* the first was served whole */
    assert_true(net_session_stats(peer.session)->unacked_bytes_max <= LIMIT_CREDIT_BYTES);
    assert_int_equal(0, peer.closed);
}

static void a_want_taken_back_is_not_served_on(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        (void)toy_commit(&peer.replica, 1, 100000, i, NULL);
    toy_peer_establish(&peer, NULL, 0);
    struct net_frame f = want(&peer.replica.own->id, 1);
    toy_peer_say(&peer, &f);
    unsigned sent = toy_peer_count(&peer, NET_FRAME_RANGE);
    assert_true(sent > 0);
    f.want.credit = 0;
    toy_peer_say(&peer, &f);
    f = toy_peer_frame(NET_FRAME_ACK);
    f.ack.frames = sent;
    f.ack.bytes = net_session_stats(peer.session)->unacked_bytes_max;
    toy_peer_say(&peer, &f);
    assert_int_equal(sent, toy_peer_count(&peer, NET_FRAME_RANGE));
}

static void a_want_without_progress_is_given_up_and_left_to_others(void **state)
{
    (void)state;
    static const int somebody = 0;
    struct toy_replica other;
    const struct toy_entry *tip = toy_peer_foreign(&peer, 9, 3, &other);
    toy_peer_establish(&peer, &tip->id, 1);
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_WANT));
    assert_false(net_pulls_take(&peer.pulls, tip->id.device, &somebody));
    toy_peer_wait(&peer, NET_STALL_MS);
    assert_int_equal(1, net_session_stats(peer.session)->stalls);
    assert_int_equal(2, toy_peer_count(&peer, NET_FRAME_WANT)); /* the second takes it back */
    assert_int_equal(0, toy_peer_last(&peer, NET_FRAME_WANT)->want.credit);
    assert_true(net_pulls_take(&peer.pulls, tip->id.device, &somebody));
    toy_peer_wait(&peer, NET_STALL_MS + NET_CLAIM_POLL_MS);
    assert_int_equal(2, toy_peer_count(&peer, NET_FRAME_WANT));
    net_pulls_drop(&peer.pulls, tip->id.device, &somebody);
    toy_peer_wait(&peer, NET_CLAIM_POLL_MS);
    assert_int_equal(3, toy_peer_count(&peer, NET_FRAME_WANT));
    assert_int_equal(0, peer.closed);
    toy_replica_clear(&other);
}

static void misses_without_end_are_given_up(void **state)
{
    (void)state;
    struct toy_replica other;
    const struct toy_entry *tip = toy_peer_foreign(&peer, 9, 50, &other);
    (void)toy_receive(&peer.replica, &toy_peer_range(&peer, &other, NULL).range.ranges[0]);
    toy_refresh(&peer.replica);
    toy_peer_establish(&peer, &tip->id, 1);
    struct net_frame f = toy_peer_frame(NET_FRAME_MISS);
    f.miss.tip = tip->id;
    f.miss.held = true;
    f.miss.from = 2;
    for (unsigned i = 0; i < 50; i++)
        toy_peer_say(&peer, &f);
    assert_true(toy_peer_count(&peer, NET_FRAME_WANT) < 12);
    toy_replica_clear(&other);
}

static void a_busy_path_is_not_asked_for(void **state)
{
    (void)state;
    struct toy_replica other;
    const struct toy_entry *tip = toy_peer_foreign(&peer, 9, 3, &other);
    peer.replica.busy = true;
    toy_peer_establish(&peer, &tip->id, 1);
    assert_int_equal(0, toy_peer_count(&peer, NET_FRAME_WANT));
    peer.replica.busy = false;
    struct net_event ev = { .kind = NET_EV_CHANGED };
    toy_peer_event(&peer, &ev);
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_WANT));
    toy_replica_clear(&other);
}

static void a_full_disk_stops_the_wants_and_keeps_the_session(void **state)
{
    (void)state;
    struct toy_replica other;
    const struct toy_entry *tip = toy_peer_foreign(&peer, 9, 3, &other);
    toy_peer_establish(&peer, &tip->id, 1);
    peer.replica.verdict = NET_FAILED;
    struct net_frame f = toy_peer_range(&peer, &other, NULL);
    toy_peer_say(&peer, &f);
    assert_true(toy_peer_last(&peer, NET_FRAME_ACK)->ack.lost);
    assert_int_equal(0, toy_peer_last(&peer, NET_FRAME_WANT)->want.credit);
    assert_int_equal(0, peer.closed);
    peer.replica.verdict = NET_STORED;
    toy_peer_wait(&peer, NET_STALL_MS);
    assert_int_equal(LIMIT_CREDIT_BYTES, toy_peer_last(&peer, NET_FRAME_WANT)->want.credit);
    toy_replica_clear(&other);
}

static void where_there_is_room_again_it_is_asked_for_at_once(void **state)
{
    (void)state;
    struct toy_replica other;
    struct net_event ev = { .kind = NET_EV_ROOM };
    const struct toy_entry *tip = toy_peer_foreign(&peer, 9, 3, &other);
    toy_peer_establish(&peer, &tip->id, 1);
    peer.replica.verdict = NET_FAILED;
    struct net_frame f = toy_peer_range(&peer, &other, NULL);
    toy_peer_say(&peer, &f);
    peer.replica.verdict = NET_STORED;
    toy_peer_forget(&peer);
    toy_peer_event(&peer, &ev);
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_HEADS));
    assert_int_equal(LIMIT_CREDIT_BYTES, toy_peer_last(&peer, NET_FRAME_WANT)->want.credit);
    toy_replica_clear(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define IN(name) cmocka_unit_test_setup_teardown(name, inbound, teardown)
        IN(a_want_of_what_is_not_held_is_missed),
        IN(a_miss_names_the_path_in_doubling_steps),
        IN(more_wants_than_may_be_open_are_dropped),
        IN(a_want_taken_back_is_not_served_on),
        IN(a_want_without_progress_is_given_up_and_left_to_others),
        IN(misses_without_end_are_given_up),
        IN(a_busy_path_is_not_asked_for),
        IN(where_there_is_room_again_it_is_asked_for_at_once),
        IN(a_full_disk_stops_the_wants_and_keeps_the_session),
#undef IN
    };
    return cmocka_run_group_tests_name("session_wants", tests, NULL, NULL);
}
