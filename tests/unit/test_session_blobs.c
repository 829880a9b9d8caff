/* The contents of attachments between two peers (PROTOCOL 12.2). */
#include "tests/support/toy_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SIZE (1000000u)

static struct toy_peer peer;
static uint8_t bytes[LIMIT_BLOB_CHUNK];

static int setup(void **state)
{
    (void)state;
    toy_peer_init(&peer, false);
    return 0;
}

static int live(void **state)
{
    (void)state;
    toy_peer_init(&peer, false);
    toy_peer_establish(&peer, NULL, 0);
    toy_peer_forget(&peer);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    toy_peer_clear(&peer);
    return 0;
}

static struct crdt_hash name(uint8_t number)
{
    struct crdt_hash h;
    memset(h.b, number, sizeof h.b);
    return h;
}

static void happen(enum net_blob_step step, uint8_t number, uint32_t from, size_t len)
{
    struct net_event ev = { .kind = NET_EV_BLOB, .bytes = cht_bytes(bytes, len) };
    ev.blob.step = step;
    ev.blob.hash = name(number);
    ev.blob.size = SIZE;
    ev.blob.from = from;
    toy_peer_event(&peer, &ev);
}

static void want(uint8_t number, uint32_t from, uint32_t credit)
{
    struct net_frame f = toy_peer_frame(NET_FRAME_BLOB);
    f.blob.form = NET_BLOB_WANT;
    f.blob.hash = name(number);
    f.blob.size = SIZE;
    f.blob.from = from;
    f.blob.credit = credit;
    toy_peer_say(&peer, &f);
}

static void data(uint8_t number, uint32_t from, size_t len)
{
    struct net_frame f = toy_peer_frame(NET_FRAME_BLOB);
    f.blob.form = NET_BLOB_DATA;
    f.blob.hash = name(number);
    f.blob.from = from;
    f.blob.bytes = cht_bytes(bytes, len);
    toy_peer_say(&peer, &f);
}

static void other(enum net_blob_form form, uint8_t number)
{
    struct net_frame f = toy_peer_frame(NET_FRAME_BLOB);
    f.blob.form = form;
    f.blob.hash = name(number);
    toy_peer_say(&peer, &f);
}

static void assert_ended(enum net_bye_reason reason)
{
    assert_int_equal(1, peer.closed);
    assert_int_equal(reason, peer.reason);
    assert_true(peer.blame);
}

/* --- versions ------------------------------------------------------------------------------ */

static void begin_in_version_2(void)
{
    struct net_frame f = toy_peer_hello(&peer);
    f.hello.version_max = 2;
    toy_peer_say(&peer, &f);
    f = toy_peer_frame(NET_FRAME_MEMBERS);
    f.members.heads = peer.replica.member_heads;
    f.members.head_count = peer.replica.member_head_count;
    toy_peer_say(&peer, &f);
    f = toy_peer_heads(&peer, NULL, 0);
    toy_peer_say(&peer, &f);
}

static void a_peer_of_an_earlier_version_is_asked_for_nothing(void **state)
{
    (void)state;
    begin_in_version_2();
    assert_true(net_session_live(peer.session));
    assert_false(net_session_blobs(peer.session));
    happen(NET_BLOB_FETCH, 1, 0, 0);
    happen(NET_BLOB_KEEP, 1, 0, 0);
    assert_int_equal(0, toy_peer_count(&peer, NET_FRAME_BLOB));
    assert_false(net_session_fetching(peer.session));
}

static void and_may_not_speak_of_blobs_itself(void **state)
{
    (void)state;
    begin_in_version_2();
    want(1, 0, 1000);
    assert_ended(NET_BYE_ORDER);
    assert_int_equal(0, peer.blobs);
}

static void nothing_is_asked_for_before_membership_is_settled(void **state)
{
    (void)state;
    struct net_frame f = toy_peer_hello(&peer);
    toy_peer_say(&peer, &f);
    happen(NET_BLOB_FETCH, 1, 0, 0);
    assert_int_equal(0, toy_peer_count(&peer, NET_FRAME_BLOB));
}

/* --- fetching ------------------------------------------------------------------------------ */

static void a_fetch_asks_for_one_window_and_moves_it_on_as_bytes_come(void **state)
{
    (void)state;
    happen(NET_BLOB_FETCH, 1, 300, 0);
    const struct net_frame *asked = toy_peer_last(&peer, NET_FRAME_BLOB);
    assert_non_null(asked);
    assert_int_equal(300, asked->blob.from);
    assert_int_equal(LIMIT_BLOB_CREDIT, asked->blob.credit);
    happen(NET_BLOB_FETCH, 2, 0, 0); /* one at a time */
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_BLOB));
    data(1, 300, LIMIT_BLOB_CHUNK);
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_BLOB));
    data(1, 300 + LIMIT_BLOB_CHUNK, LIMIT_BLOB_CHUNK);
    asked = toy_peer_last(&peer, NET_FRAME_BLOB);
    assert_int_equal(2, toy_peer_count(&peer, NET_FRAME_BLOB));
    assert_int_equal(300 + 2 * LIMIT_BLOB_CHUNK, asked->blob.from);
    assert_int_equal(2, peer.blobs);
    assert_int_equal(2 * LIMIT_BLOB_CHUNK, peer.blob_bytes);
}

static void the_last_byte_ends_it(void **state)
{
    (void)state;
    happen(NET_BLOB_FETCH, 1, SIZE - 10, 0);
    assert_int_equal(10, toy_peer_last(&peer, NET_FRAME_BLOB)->blob.credit);
    data(1, SIZE - 10, 10);
    assert_false(net_session_fetching(peer.session));
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_BLOB));
    data(1, SIZE - 1, 1); /* and nothing may follow */
    assert_ended(NET_BYE_CREDIT);
}

static void bytes_that_were_not_asked_for_end_the_session(void **state)
{
    (void)state;
    const struct {
        uint8_t number;
        uint32_t from;
        size_t len;
    } lies[] = { { 2, 0, 1 }, { 1, 1, 1 }, { 1, 100, 1 }, { 1, 0, 11 } };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        if (i > 0)
            (void)live(state);
        happen(NET_BLOB_FETCH, 1, i == 3 ? SIZE - 10 : 0, 0);
        data(lies[i].number, i == 3 ? SIZE - 10 : lies[i].from, lies[i].len);
        assert_ended(NET_BYE_CREDIT);
        assert_int_equal(0, peer.blob_bytes);
        if (i + 1 < sizeof lies / sizeof lies[0])
            toy_peer_clear(&peer);
    }
}

static void what_was_on_its_way_when_a_want_was_taken_back_is_passed_over(void **state)
{
    (void)state;
    happen(NET_BLOB_FETCH, 1, 0, 0);
    happen(NET_BLOB_STOP, 1, 0, 0);
    assert_int_equal(0, toy_peer_last(&peer, NET_FRAME_BLOB)->blob.credit);
    for (uint32_t i = 0; i < LIMIT_BLOB_CREDIT / LIMIT_BLOB_CHUNK; i++)
        data(1, i * LIMIT_BLOB_CHUNK, LIMIT_BLOB_CHUNK);
    assert_int_equal(0, peer.closed);
    assert_int_equal(0, peer.blob_bytes);
    data(1, LIMIT_BLOB_CREDIT, 1); /* more than that was never asked for */
    assert_ended(NET_BYE_CREDIT);
}

static void one_that_is_asked_for_again_may_come_twice(void **state)
{
    (void)state;
    happen(NET_BLOB_FETCH, 1, 0, 0);
    happen(NET_BLOB_STOP, 1, 0, 0);
    happen(NET_BLOB_FETCH, 1, 0, 0);
    for (unsigned times = 0; times < 2; times++) {
        for (uint32_t i = 0; i < 2; i++)
            data(1, i * LIMIT_BLOB_CHUNK, LIMIT_BLOB_CHUNK);
    }
    assert_int_equal(0, peer.closed);
    assert_int_equal(2 * LIMIT_BLOB_CHUNK, peer.blob_bytes);
}

static void a_peer_that_has_it_not_or_sends_nothing_is_given_up(void **state)
{
    (void)state;
    happen(NET_BLOB_FETCH, 1, 0, 0);
    other(NET_BLOB_NONE, 2); /* of another: nothing */
    assert_true(net_session_fetching(peer.session));
    other(NET_BLOB_NONE, 1);
    assert_false(net_session_fetching(peer.session));
    assert_int_equal(NET_BLOB_NONE, peer.blob.form);
    assert_false(peer.blob_stalled);
    happen(NET_BLOB_FETCH, 1, 0, 0);
    toy_peer_wait(&peer, NET_STALL_MS - 1);
    assert_true(net_session_fetching(peer.session));
    toy_peer_wait(&peer, 1);
    assert_false(net_session_fetching(peer.session));
    assert_true(peer.blob_stalled);
    assert_int_equal(1, net_session_stats(peer.session)->stalls);
    assert_int_equal(0, peer.closed);
}

/* --- sending ------------------------------------------------------------------------------- */

static void what_is_wanted_may_be_sent_up_to_the_end_of_its_credit(void **state)
{
    (void)state;
    assert_int_equal(0, net_session_blob_room(peer.session));
    want(1, 500, 100000);
    assert_int_equal(1, peer.blobs);
    assert_int_equal(500, peer.blob.from);
    assert_int_equal(LIMIT_BLOB_CHUNK, net_session_blob_room(peer.session));
    happen(NET_BLOB_SEND, 1, 0, LIMIT_BLOB_CHUNK);
    assert_int_equal(100000 - LIMIT_BLOB_CHUNK, net_session_blob_room(peer.session));
    happen(NET_BLOB_SEND, 1, 0, 100000 - LIMIT_BLOB_CHUNK);
    assert_int_equal(0, net_session_blob_room(peer.session));
    assert_int_equal(500 + LIMIT_BLOB_CHUNK, toy_peer_last(&peer, NET_FRAME_BLOB)->blob.from);
    want(1, 100500, LIMIT_BLOB_CREDIT); /* on: nobody has to look for it again */
    assert_int_equal(1, peer.blobs);
    assert_int_equal(LIMIT_BLOB_CHUNK, net_session_blob_room(peer.session));
}

static void a_want_for_another_or_of_no_credit_ends_the_one_before(void **state)
{
    (void)state;
    want(1, 0, 1000);
    want(2, 0, 1000);
    assert_int_equal(2, peer.blobs);
    assert_int_equal(2, peer.blob.hash.b[0]);
    want(1, 0, 0); /* not the one that is sent */
    assert_int_equal(2, peer.blobs);
    assert_int_equal(1000, net_session_blob_room(peer.session));
    want(2, 0, 0);
    assert_int_equal(3, peer.blobs);
    assert_int_equal(0, net_session_blob_room(peer.session));
}

static void what_is_not_here_is_answered_once(void **state)
{
    (void)state;
    want(1, 0, 1000);
    happen(NET_BLOB_LACK, 1, 0, 0);
    happen(NET_BLOB_LACK, 1, 0, 0);
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_BLOB));
    assert_int_equal(NET_BLOB_NONE, toy_peer_last(&peer, NET_FRAME_BLOB)->blob.form);
    assert_int_equal(0, net_session_blob_room(peer.session));
}

static void wants_without_end_are_a_flood(void **state)
{
    (void)state;
    unsigned sent = 0;
    for (; peer.closed == 0 && sent < 1000; sent++)
        want((uint8_t)sent, 0, 1000);
    assert_ended(NET_BYE_FLOOD);
    assert_int_equal(NET_OVERDRAWN_MAX + 1, net_session_stats(peer.session)->overdrawn);
    assert_in_range(sent, NET_OVERDRAWN_MAX + 50, NET_OVERDRAWN_MAX + 1 + NET_TOKENS_MAX / 4);
}

static void and_so_are_steps_of_a_byte(void **state)
{
    (void)state;
    want(1, 0, 1);
    for (uint32_t i = 0; i < NET_TOKENS_MAX + NET_OVERDRAWN_MAX && peer.closed == 0; i++)
        want(1, 0, 2 + i);
    assert_ended(NET_BYE_FLOOD);
}

static void a_whole_blob_in_steps_of_a_window_costs_its_receiver_nothing(void **state)
{
    (void)state;
    for (uint32_t at = 0; at < SIZE;) {
        const uint32_t left = SIZE - at;
        want(1, at, left < LIMIT_BLOB_CREDIT ? left : LIMIT_BLOB_CREDIT);
        for (size_t room; (room = net_session_blob_room(peer.session)) > 0; at += (uint32_t)room)
            happen(NET_BLOB_SEND, 1, 0, room);
    }
    assert_int_equal(0, net_session_stats(peer.session)->overdrawn);
    assert_int_equal(1, peer.blobs);
    assert_int_equal(0, net_session_blob_room(peer.session));
}

static void that_one_is_kept_is_told_and_heard(void **state)
{
    (void)state;
    happen(NET_BLOB_KEEP, 3, 0, 0);
    assert_int_equal(NET_BLOB_KEPT, toy_peer_last(&peer, NET_FRAME_BLOB)->blob.form);
    assert_int_equal(SIZE, toy_peer_last(&peer, NET_FRAME_BLOB)->blob.size);
    other(NET_BLOB_KEPT, 4);
    assert_int_equal(1, peer.blobs);
    assert_int_equal(NET_BLOB_KEPT, peer.blob.form);
}

static void who_is_no_member_any_more_is_sent_nothing(void **state)
{
    (void)state;
    struct net_event ev = { .kind = NET_EV_REVOKED };
    want(1, 0, 1000);
    toy_peer_event(&peer, &ev);
    assert_int_equal(0, net_session_blob_room(peer.session));
    assert_false(net_session_blobs(peer.session));
    want(2, 0, 1000);
    assert_int_equal(1, peer.blobs);
}

int main(void)
{
#define T(test, before) cmocka_unit_test_setup_teardown(test, before, teardown)
    const struct CMUnitTest tests[] = {
        T(a_peer_of_an_earlier_version_is_asked_for_nothing, setup),
        T(and_may_not_speak_of_blobs_itself, setup),
        T(nothing_is_asked_for_before_membership_is_settled, setup),
        T(a_fetch_asks_for_one_window_and_moves_it_on_as_bytes_come, live),
        T(the_last_byte_ends_it, live),
        T(bytes_that_were_not_asked_for_end_the_session, live),
        T(what_was_on_its_way_when_a_want_was_taken_back_is_passed_over, live),
        T(one_that_is_asked_for_again_may_come_twice, live),
        T(a_peer_that_has_it_not_or_sends_nothing_is_given_up, live),
        T(what_is_wanted_may_be_sent_up_to_the_end_of_its_credit, live),
        T(a_want_for_another_or_of_no_credit_ends_the_one_before, live),
        T(what_is_not_here_is_answered_once, live),
        T(wants_without_end_are_a_flood, live),
        T(and_so_are_steps_of_a_byte, live),
        T(a_whole_blob_in_steps_of_a_window_costs_its_receiver_nothing, live),
        T(that_one_is_kept_is_told_and_heard, live),
        T(who_is_no_member_any_more_is_sent_nothing, live),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
