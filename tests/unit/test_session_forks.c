/* Fork proofs between peers (PROTOCOL 8.15), and ranges that fail because of a branch (8.8). */
#include "tests/support/toy_net.h"
#include "tests/support/toy_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct toy_peer peer;
static struct toy_net net;

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

static struct net_fork_id id(uint8_t device, uint8_t epoch)
{
    struct net_fork_id i;
    memset(i.device, device, sizeof i.device);
    memset(i.epoch, epoch, sizeof i.epoch);
    return i;
}

static void hold(struct toy_replica *r, uint8_t device, uint8_t epoch)
{
    struct net_fork_id i = id(device, epoch);
    assert_int_equal(CHT_OK, toy_fork_receive(r, cht_bytes(&i, sizeof i)));
}

static void say(enum net_fork_form form, const struct net_fork_id *ids, size_t count,
                struct cht_bytes proof)
{
    struct net_frame f = toy_peer_frame(NET_FRAME_FORK);
    f.fork.form = form;
    f.fork.ids = ids;
    f.fork.count = count;
    f.fork.proof = proof;
    toy_peer_say(&peer, &f);
}

static void assert_ended(enum net_bye_reason reason, bool blame)
{
    assert_int_equal(1, peer.closed);
    assert_int_equal(reason, peer.reason);
    assert_int_equal(blame, peer.blame);
}

static void what_is_held_is_told_once_and_again_when_there_is_more(void **state)
{
    (void)state;
    hold(&peer.replica, 3, 1);
    toy_peer_establish(&peer, NULL, 0);
    const struct net_frame *told = toy_peer_last(&peer, NET_FRAME_FORK);
    assert_non_null(told);
    assert_int_equal(NET_FORK_TELL, told->fork.form);
    assert_int_equal(1, told->fork.count);
    toy_peer_forget(&peer);
    struct net_event ev = { .kind = NET_EV_CHANGED };
    toy_peer_event(&peer, &ev);
    assert_int_equal(0, toy_peer_count(&peer, NET_FRAME_FORK));
    hold(&peer.replica, 3, 2);
    toy_peer_event(&peer, &ev);
    told = toy_peer_last(&peer, NET_FRAME_FORK);
    assert_non_null(told);
    assert_int_equal(2, told->fork.count);
}

static void one_without_proofs_says_nothing_of_them(void **state)
{
    (void)state;
    toy_peer_establish(&peer, NULL, 0);
    assert_int_equal(0, toy_peer_count(&peer, NET_FRAME_FORK));
}

static void a_peer_of_version_1_is_told_nothing_and_may_say_nothing(void **state)
{
    (void)state;
    hold(&peer.replica, 3, 1);
    struct net_frame f = toy_peer_hello(&peer);
    f.hello.version_max = 1;
    toy_peer_say(&peer, &f);
    f = toy_peer_frame(NET_FRAME_MEMBERS);
    f.members.heads = peer.replica.member_heads;
    f.members.head_count = peer.replica.member_head_count;
    toy_peer_say(&peer, &f);
    f = toy_peer_heads(&peer, NULL, 0);
    toy_peer_say(&peer, &f);
    assert_int_equal(0, toy_peer_count(&peer, NET_FRAME_FORK));
    assert_int_equal(0, peer.closed);
    struct net_fork_id one = id(4, 4);
    say(NET_FORK_TELL, &one, 1, cht_bytes(NULL, 0));
    assert_ended(NET_BYE_ORDER, true);
}

static void what_the_peer_tells_is_asked_for_one_at_a_time(void **state)
{
    (void)state;
    const struct net_fork_id ids[] = { id(3, 1), id(3, 2), id(4, 1) };
    hold(&peer.replica, 3, 2);
    toy_peer_establish(&peer, NULL, 0);
    toy_peer_forget(&peer);
    say(NET_FORK_TELL, ids, 3, cht_bytes(NULL, 0));
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_FORK));
    const struct net_frame *ask = toy_peer_last(&peer, NET_FRAME_FORK);
    assert_int_equal(NET_FORK_ASK, ask->fork.form);
    assert_int_equal(0, net_fork_id_cmp(&ids[0], ask->fork.ids));
    say(NET_FORK_PROOF, NULL, 0, cht_bytes(&ids[0], sizeof ids[0]));
    ask = toy_peer_last(&peer, NET_FRAME_FORK);
    assert_int_equal(NET_FORK_ASK, ask->fork.form);
    assert_int_equal(0, net_fork_id_cmp(&ids[2], ask->fork.ids)); /* the second is held */
    say(NET_FORK_PROOF, NULL, 0, cht_bytes(&ids[2], sizeof ids[2]));
    assert_int_equal(2, toy_peer_count(&peer, NET_FRAME_FORK));
    assert_int_equal(3, peer.replica.fork_count);
    assert_int_equal(0, peer.closed);
}

static void what_is_asked_for_is_sent_when_it_is_held(void **state)
{
    (void)state;
    const struct net_fork_id here = id(3, 1), not_here = id(3, 9);
    hold(&peer.replica, 3, 1);
    toy_peer_establish(&peer, NULL, 0);
    toy_peer_forget(&peer);
    hold(&peer.replica, 3, 2);
    struct net_event ev = { .kind = NET_EV_CHANGED };
    toy_peer_event(&peer, &ev);
    toy_peer_forget(&peer);
    say(NET_FORK_ASK, &not_here, 1, cht_bytes(NULL, 0));
    assert_int_equal(0, toy_peer_count(&peer, NET_FRAME_FORK));
    say(NET_FORK_ASK, &here, 1, cht_bytes(NULL, 0));
    const struct net_frame *proof = toy_peer_last(&peer, NET_FRAME_FORK);
    assert_non_null(proof);
    assert_int_equal(NET_FORK_PROOF, proof->fork.form);
    assert_memory_equal(&here, proof->fork.proof.data, sizeof here);
    say(NET_FORK_ASK, &here, 1, cht_bytes(NULL, 0)); /* more often than was told */
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_FORK));
    assert_int_equal(0, peer.closed);
}

static void a_proof_that_does_not_hold_ends_it(void **state)
{
    (void)state;
    toy_peer_establish(&peer, NULL, 0);
    say(NET_FORK_PROOF, NULL, 0, cht_bytes_str("no proof"));
    assert_ended(NET_BYE_SIGNATURE, true);
    assert_int_equal(0, peer.replica.fork_count);
}

static void a_proof_that_there_was_no_room_for_is_asked_again_when_there_is(void **state)
{
    (void)state;
    const struct net_fork_id one = id(3, 1);
    struct net_event ev = { .kind = NET_EV_ROOM };
    toy_peer_establish(&peer, NULL, 0);
    peer.fork_result = CHT_E_FULL;
    say(NET_FORK_TELL, &one, 1, cht_bytes(NULL, 0));
    say(NET_FORK_PROOF, NULL, 0, cht_bytes(&one, sizeof one));
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_FORK)); /* and not again at once */
    assert_int_equal(0, peer.closed);
    peer.fork_result = CHT_OK;
    toy_peer_event(&peer, &ev);
    assert_int_equal(2, toy_peer_count(&peer, NET_FRAME_FORK));
    say(NET_FORK_PROOF, NULL, 0, cht_bytes(&one, sizeof one));
    assert_int_equal(1, peer.replica.fork_count);
}

static void a_proof_reaches_everyone_through_others(void **state)
{
    (void)state;
    toy_net_init(&net, 4, seeded_start(1));
    hold(&net.nodes[0].replica, 2, 1);
    for (size_t i = 0; i + 1 < 4; i++)
        (void)toy_net_join(&net, i, i + 1);
    toy_net_run(&net, 2000);
    hold(&net.nodes[3].replica, 3, 7);
    toy_net_changed(&net, 3);
    toy_net_run(&net, 2000);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(2, net.nodes[i].replica.fork_count);
        assert_int_equal(0, net.nodes[i].closes);
    }
    toy_net_clear(&net);
}

/* --- ranges that fail -------------------------------------------------------------------- */

/* The peer offers three entries of device 3, of which the first is held here; the want is open. */
static void offer(struct toy_replica *other)
{
    const struct toy_entry *tip = toy_peer_foreign(&peer, 3, 3, other);
    toy_peer_establish(&peer, &tip->id, 1);
    const struct net_frame *want = toy_peer_last(&peer, NET_FRAME_WANT);
    assert_non_null(want);
    assert_int_equal(1, want->want.from);
    toy_peer_forget(&peer);
    peer.replica.verdict = NET_REFUSED;
}

static void one_who_passes_on_a_range_that_fails_is_asked_again(void **state)
{
    (void)state;
    struct toy_replica other;
    offer(&other);
    struct net_frame f = toy_peer_range(&peer, &other, NULL);
    f.range.count = 1;
    toy_peer_say(&peer, &f);
    assert_int_equal(0, peer.closed);
    assert_int_equal(2, toy_peer_count(&peer, NET_FRAME_WANT)); /* taken back, and made anew */
    const struct net_frame *want = toy_peer_last(&peer, NET_FRAME_WANT);
    assert_int_equal(LIMIT_CREDIT_BYTES, want->want.credit);
    assert_true(toy_peer_last(&peer, NET_FRAME_ACK)->ack.lost);
    toy_replica_clear(&other);
}

static void and_is_blamed_when_it_sends_the_same_again(void **state)
{
    (void)state;
    struct toy_replica other;
    offer(&other);
    struct net_frame f = toy_peer_range(&peer, &other, NULL);
    f.range.count = 1;
    toy_peer_say(&peer, &f);
    assert_int_equal(0, peer.closed);
    toy_peer_say(&peer, &f);
    assert_ended(NET_BYE_SIGNATURE, true);
    toy_replica_clear(&other);
}

static void ranges_that_were_on_their_way_are_not_blamed_but_bounded(void **state)
{
    (void)state;
    struct toy_replica other;
    offer(&other);
    struct net_frame f = toy_peer_range(&peer, &other, NULL);
    f.range.count = 1;
    toy_peer_say(&peer, &f);
    struct crdt_range later = f.range.ranges[0];
    later.seq = 2;
    f.range.ranges = &later;
    for (unsigned i = 0; i < 64; i++) {
        toy_peer_say(&peer, &f);
        assert_int_equal(0, peer.closed);
    }
    toy_peer_say(&peer, &f);
    assert_ended(NET_BYE_SIGNATURE, true);
    toy_replica_clear(&other);
}

static void a_miss_shows_that_the_peer_has_another_branch(void **state)
{
    (void)state;
    struct toy_replica other;
    offer(&other);
    struct net_frame f = toy_peer_range(&peer, &other, NULL);
    f.range.count = 1;
    toy_peer_say(&peer, &f);
    peer.replica.verdict = NET_STORED;
    struct net_frame miss = toy_peer_frame(NET_FRAME_MISS);
    miss.miss.tip = other.own->id;
    miss.miss.from = 3; /* as if it had been asked from there */
    miss.miss.held = true;
    struct crdt_dep path = other.own->prev->prev->id;
    miss.miss.path = &path;
    miss.miss.count = 1;
    toy_peer_forget(&peer);
    toy_peer_say(&peer, &miss);
    assert_non_null(toy_peer_last(&peer, NET_FRAME_WANT));
    f = toy_peer_range(&peer, &other, NULL);
    toy_peer_say(&peer, &f);
    assert_int_equal(0, peer.closed);
    assert_int_equal(3, peer.replica.held_count);
    toy_replica_clear(&other);
}

static void a_range_that_nobody_asked_for_is_blamed_at_once(void **state)
{
    (void)state;
    struct toy_replica other;
    toy_peer_establish(&peer, NULL, 0);
    (void)toy_peer_foreign(&peer, 3, 1, &other);
    peer.replica.verdict = NET_REFUSED;
    struct net_frame f = toy_peer_range(&peer, &other, NULL);
    toy_peer_say(&peer, &f);
    assert_ended(NET_BYE_SIGNATURE, true);
    toy_replica_clear(&other);
}

/* --- no room ----------------------------------------------------------------------------- */

static void what_there_was_no_room_for_is_asked_again_only_after_a_change(void **state)
{
    (void)state;
    struct toy_replica other;
    offer(&other);
    peer.replica.verdict = NET_STOPPED;
    struct net_frame f = toy_peer_range(&peer, &other, NULL);
    toy_peer_say(&peer, &f);
    const struct net_frame *want = toy_peer_last(&peer, NET_FRAME_WANT);
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_WANT));
    assert_int_equal(0, want->want.credit); /* taken back */
    toy_peer_wait(&peer, 5000);
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_WANT));
    assert_false(net_session_synced(peer.session));
    struct net_event ev = { .kind = NET_EV_CHANGED };
    toy_peer_event(&peer, &ev);
    assert_int_equal(2, toy_peer_count(&peer, NET_FRAME_WANT));
    toy_replica_clear(&other);
}

#define IN(f) cmocka_unit_test_setup_teardown(f, inbound, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN(what_is_held_is_told_once_and_again_when_there_is_more),
        IN(one_without_proofs_says_nothing_of_them),
        IN(a_peer_of_version_1_is_told_nothing_and_may_say_nothing),
        IN(what_the_peer_tells_is_asked_for_one_at_a_time),
        IN(what_is_asked_for_is_sent_when_it_is_held),
        IN(a_proof_that_does_not_hold_ends_it),
        IN(a_proof_that_there_was_no_room_for_is_asked_again_when_there_is),
        cmocka_unit_test(a_proof_reaches_everyone_through_others),
        IN(one_who_passes_on_a_range_that_fails_is_asked_again),
        IN(and_is_blamed_when_it_sends_the_same_again),
        IN(ranges_that_were_on_their_way_are_not_blamed_but_bounded),
        IN(a_miss_shows_that_the_peer_has_another_branch),
        IN(a_range_that_nobody_asked_for_is_blamed_at_once),
        IN(what_there_was_no_room_for_is_asked_again_only_after_a_change),
    };
    return cmocka_run_group_tests_name("session_forks", tests, NULL, NULL);
}
