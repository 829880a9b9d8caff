/* What a session does with a peer that breaks the rules, or just stops (PROTOCOL 8). */
#include "tests/support/toy_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct toy_peer peer;

static int inbound(void **state)
{
    (void)state;
    toy_peer_init(&peer, false);
    return 0;
}

static int outbound(void **state)
{
    (void)state;
    toy_peer_init(&peer, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    toy_peer_clear(&peer);
    return 0;
}

static void assert_ended(enum net_bye_reason reason, bool blame)
{
    const struct net_frame *bye = toy_peer_last(&peer, NET_FRAME_BYE);
    assert_int_equal(1, peer.closed);
    assert_true(net_session_closed(peer.session));
    assert_int_equal(reason, peer.reason);
    assert_int_equal(blame, peer.blame);
    assert_int_equal(UINT64_MAX, net_session_due_ms(peer.session));
    if (bye != NULL)
        assert_int_equal(reason, bye->bye.reason);
}

static void assert_told(void)
{
    assert_non_null(toy_peer_last(&peer, NET_FRAME_BYE));
}

/* --- before entries flow ----------------------------------------------------------------- */

static void bytes_of_no_kind_end_it(void **state)
{
    (void)state;
    toy_peer_say_bytes(&peer, cht_bytes_str("\x63 not a frame"));
    assert_ended(NET_BYE_MALFORMED, true);
    assert_int_equal(0, peer.sent_count); /* nobody to say BYE to: no nonce is known */
    toy_peer_forget(&peer);
    struct net_frame f = toy_peer_hello(&peer);
    toy_peer_say(&peer, &f); /* over is over */
    assert_int_equal(0, peer.sent_count);
}

static void a_frame_of_an_earlier_session_is_dropped_and_counted(void **state)
{
    (void)state;
    struct net_frame f = toy_peer_frame(NET_FRAME_BYE);
    f.bye.reason = NET_BYE_SHUTDOWN;
    f.nonce[0] ^= 1;
    toy_peer_say(&peer, &f);
    assert_int_equal(0, peer.closed);
    assert_int_equal(1, net_session_stats(peer.session)->stale);
    toy_peer_establish(&peer, NULL, 0);
    assert_true(net_session_live(peer.session));
    toy_peer_say(&peer, &f);
    assert_true(net_session_live(peer.session));
    assert_int_equal(2, net_session_stats(peer.session)->stale);
}

static void nothing_but_hello_may_come_first(void **state)
{
    (void)state;
    struct net_frame f = toy_peer_heads(&peer, NULL, 0);
    if (!peer.outbound)
        memset(f.nonce, 0, sizeof f.nonce);
    toy_peer_say(&peer, &f);
    assert_ended(NET_BYE_ORDER, true);
}

static void hello_comes_once(void **state)
{
    (void)state;
    toy_peer_establish(&peer, NULL, 0);
    struct net_frame f = toy_peer_hello(&peer);
    memcpy(f.nonce, toy_peer_session, sizeof f.nonce);
    toy_peer_say(&peer, &f);
    assert_ended(NET_BYE_ORDER, true);
    assert_told();
}

static void hello_must_name_the_device_of_the_key(void **state)
{
    (void)state;
    struct net_frame f = toy_peer_hello(&peer);
    f.hello.device[0] ^= 1;
    toy_peer_say(&peer, &f);
    assert_ended(NET_BYE_IDENTITY, true);
    assert_told();
}

static void a_later_version_alone_is_not_spoken(void **state)
{
    (void)state;
    struct net_frame f = toy_peer_hello(&peer);
    f.hello.version_min = NET_PROTOCOL_MAX + 1;
    f.hello.version_max = 9;
    toy_peer_say(&peer, &f);
    assert_ended(NET_BYE_VERSION, false);
    assert_told();
}

static void a_stranger_to_the_space_is_turned_away(void **state)
{
    (void)state;
    static const uint8_t other[1][CRDT_ID_BYTES] = { { 0x78 } };
    struct net_frame f = toy_peer_hello(&peer);
    f.hello.spaces = other;
    toy_peer_say(&peer, &f);
    assert_ended(NET_BYE_SPACE, false);
    assert_told();
}

static void the_first_common_space_is_taken(void **state)
{
    (void)state;
    static const uint8_t wish[3][CRDT_ID_BYTES] = { { 0x70 }, { 0x77 }, { 0x79 } };
    struct net_frame f = toy_peer_hello(&peer);
    f.hello.spaces = wish;
    f.hello.space_count = 3;
    toy_peer_say(&peer, &f);
    const struct net_frame *answer = toy_peer_last(&peer, NET_FRAME_HELLO);
    assert_non_null(answer);
    assert_int_equal(1, answer->hello.space_count);
    assert_memory_equal(wish[1], answer->hello.spaces[0], CRDT_ID_BYTES);
    assert_memory_equal(toy_peer_nonce, answer->nonce, NET_NONCE_BYTES);
}

static void who_accepts_names_one_space(void **state)
{
    (void)state;
    static const uint8_t two[2][CRDT_ID_BYTES] = { { 0x77 }, { 0x78 } };
    struct net_frame f = toy_peer_hello(&peer);
    f.hello.spaces = two;
    f.hello.space_count = 2;
    toy_peer_say(&peer, &f);
    assert_ended(NET_BYE_ORDER, true);
}

static void a_record_that_does_not_verify_ends_it(void **state)
{
    (void)state;
    struct net_frame f = toy_peer_hello(&peer);
    toy_peer_say(&peer, &f);
    struct cht_bytes record = cht_bytes_str("no such record");
    f = toy_peer_frame(NET_FRAME_MEMBERS);
    f.members.records = &record;
    f.members.record_count = 1;
    toy_peer_say(&peer, &f);
    assert_int_equal(1, peer.records);
    assert_ended(NET_BYE_SIGNATURE, true);
}

static void a_fault_of_ours_blames_nobody(void **state)
{
    (void)state;
    struct net_frame f = toy_peer_hello(&peer);
    toy_peer_say(&peer, &f);
    struct cht_bytes record = cht_bytes_str("x");
    f = toy_peer_frame(NET_FRAME_MEMBERS);
    f.members.records = &record;
    f.members.record_count = 1;
    peer.records_result = CHT_E_FULL;
    toy_peer_say(&peer, &f);
    assert_ended(NET_BYE_INTERNAL, false);
}

static void membership_that_never_agrees_runs_out_of_time(void **state)
{
    (void)state;
    struct net_frame f = toy_peer_hello(&peer);
    toy_peer_say(&peer, &f);
    struct crdt_hash unknown = { { 9 } };
    f = toy_peer_frame(NET_FRAME_MEMBERS);
    f.members.heads = &unknown;
    f.members.head_count = 1;
    toy_peer_say(&peer, &f);
    assert_non_null(toy_peer_last(&peer, NET_FRAME_MEMBERS));
    assert_null(toy_peer_last(&peer, NET_FRAME_HEADS));
    toy_peer_wait(&peer, NET_MEMBERS_MS - 1);
    assert_int_equal(0, peer.closed);
    toy_peer_wait(&peer, 1);
    assert_ended(NET_BYE_TIMEOUT, false);
}

static void a_want_before_membership_is_out_of_place(void **state)
{
    (void)state;
    struct net_frame f = toy_peer_hello(&peer);
    toy_peer_say(&peer, &f);
    f = toy_peer_frame(NET_FRAME_WANT);
    f.want.tip.seq = f.want.from = 1;
    f.want.credit = LIMIT_CREDIT_BYTES;
    toy_peer_say(&peer, &f);
    assert_ended(NET_BYE_ORDER, true);
}

/* --- ranges ------------------------------------------------------------------------------ */

static void a_range_that_does_not_verify_ends_it(void **state)
{
    (void)state;
    struct toy_replica other;
    toy_peer_establish(&peer, NULL, 0);
    (void)toy_peer_foreign(&peer, 2, 1, &other);
    struct net_frame f = toy_peer_range(&peer, &other, NULL);
    struct crdt_range bad = f.range.ranges[0];
    bad.head[5] ^= 1;
    f.range.ranges = &bad;
    toy_peer_say(&peer, &f);
    assert_ended(NET_BYE_SIGNATURE, true);
    assert_int_equal(0, peer.replica.held_count);
    assert_int_equal(0, toy_peer_count(&peer, NET_FRAME_ACK));
    toy_replica_clear(&other);
}

static void more_than_the_credit_ends_it(void **state)
{
    (void)state;
    struct toy_replica other;
    toy_peer_establish(&peer, NULL, 0);
    peer.hold = true; /* nothing is acked */
    toy_replica_init(&other, &peer.world, 2);
    const struct toy_entry *before = NULL;
    uint32_t bytes = 0;
    while (peer.closed == 0 && bytes < 10 * LIMIT_CREDIT_BYTES) {
        const struct toy_entry *last = toy_commit(&other, 1, 100000, 0, NULL);
        struct net_frame f = toy_peer_range(&peer, &other, before);
        before = last;
        toy_peer_say(&peer, &f);
        bytes += peer.closed == 0 ? 100033 : 0;
    }
    assert_true(bytes <= LIMIT_CREDIT_BYTES);
    assert_ended(NET_BYE_CREDIT, true);
    toy_replica_clear(&other);
}

static void more_frames_than_may_be_unacked_end_it(void **state)
{
    (void)state;
    struct toy_replica other;
    toy_peer_establish(&peer, NULL, 0);
    peer.hold = true;
    (void)toy_peer_foreign(&peer, 2, 1, &other);
    struct net_frame f = toy_peer_range(&peer, &other, NULL);
    for (unsigned i = 0; i < LIMIT_UNACKED_FRAMES; i++)
        toy_peer_say(&peer, &f);
    assert_int_equal(0, peer.closed);
    toy_peer_say(&peer, &f);
    assert_ended(NET_BYE_CREDIT, true);
    assert_int_equal(LIMIT_UNACKED_FRAMES, peer.delivered);
    toy_replica_clear(&other);
}

static void an_ack_of_what_was_never_sent_ends_it(void **state)
{
    (void)state;
    toy_peer_establish(&peer, NULL, 0);
    struct net_frame f = toy_peer_frame(NET_FRAME_ACK);
    f.ack.frames = 1;
    toy_peer_say(&peer, &f);
    assert_ended(NET_BYE_CREDIT, true);
}

static void an_ack_of_all_frames_but_not_of_all_bytes_ends_it(void **state)
{
    (void)state;
    (void)toy_commit(&peer.replica, 1, 100, 0, NULL);
    toy_peer_establish(&peer, NULL, 0);
    struct net_frame f = toy_peer_frame(NET_FRAME_WANT);
    f.want.tip = peer.replica.own->id;
    f.want.from = 1;
    f.want.credit = LIMIT_CREDIT_BYTES;
    toy_peer_say(&peer, &f);
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_RANGE));
    f = toy_peer_frame(NET_FRAME_ACK);
    f.ack.frames = 1;
    f.ack.bytes = 1;
    toy_peer_say(&peer, &f);
    assert_ended(NET_BYE_CREDIT, true);
}

static void a_push_that_cannot_be_placed_is_answered_by_where_we_stand(void **state)
{
    (void)state;
    struct toy_replica other;
    toy_peer_establish(&peer, NULL, 0);
    const struct toy_entry *second = toy_peer_foreign(&peer, 2, 2, &other);
    struct net_frame f =
        toy_peer_range(&peer, &other, second->prev); /* the second without the first */
    toy_peer_forget(&peer);
    toy_peer_say(&peer, &f);
    const struct net_frame *ack = toy_peer_last(&peer, NET_FRAME_ACK);
    assert_non_null(ack);
    assert_true(ack->ack.lost);
    assert_int_equal(0, ack->ack.tip_count);
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_HEADS));
    toy_peer_say(&peer, &f); /* again at once: no second HEADS within the second */
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_HEADS));
    assert_int_equal(0, peer.closed);
    /* its HEADS brings the want, from the first on */
    f = toy_peer_heads(&peer, &second->id, 1);
    toy_peer_say(&peer, &f);
    const struct net_frame *want = toy_peer_last(&peer, NET_FRAME_WANT);
    assert_non_null(want);
    assert_int_equal(1, want->want.from);
    assert_int_equal(2, want->want.tip.seq);
    toy_replica_clear(&other);
}

static void heads_that_name_what_is_just_being_stored_ask_for_nothing(void **state)
{
    (void)state;
    struct toy_replica other;
    toy_peer_establish(&peer, NULL, 0);
    const struct toy_entry *tip = toy_peer_foreign(&peer, 2, 2, &other);
    peer.hold = true; /* both frames come in one turn */
    struct net_frame f = toy_peer_range(&peer, &other, NULL);
    toy_peer_say(&peer, &f);
    uint32_t token = peer.held_token;
    f = toy_peer_heads(&peer, &tip->id, 1);
    toy_peer_say(&peer, &f);
    assert_int_equal(0, toy_peer_count(&peer, NET_FRAME_WANT));

    toy_copy(&peer.replica, &other); /* the commit */
    memset(peer.replica.device, 1, CRDT_ID_BYTES);
    static const enum net_verdict stored[] = { NET_STORED, NET_STORED };
    struct net_event ev = { .kind = NET_EV_DELIVERED };
    ev.delivered.token = token;
    ev.delivered.count = peer.held_count;
    ev.delivered.verdicts = stored;
    toy_peer_event(&peer, &ev);
    assert_int_equal(0, toy_peer_count(&peer, NET_FRAME_WANT));
    assert_int_equal(1, toy_peer_last(&peer, NET_FRAME_ACK)->ack.tip_count);
    assert_true(net_session_synced(peer.session));
    toy_replica_clear(&other);
}

static void a_lost_push_stops_pushing_until_the_peers_heads(void **state)
{
    (void)state;
    toy_peer_establish(&peer, NULL, 0);
    const struct toy_entry *first = toy_commit(&peer.replica, 1, 10, 0, NULL);
    struct net_run run;
    struct net_event ev = { .kind = NET_EV_LOCAL };
    toy_own_ranges(&peer.replica, NULL, &peer.arena, &run);
    ev.local.last = first->id;
    ev.local.ranges = run.ranges;
    ev.local.count = run.count;
    toy_peer_event(&peer, &ev);
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_RANGE));
    struct net_frame f = toy_peer_frame(NET_FRAME_ACK);
    f.ack.frames = 1;
    f.ack.bytes = (uint32_t)net_ranges_cost(run.ranges, run.count);
    f.ack.lost = true;
    toy_peer_say(&peer, &f);

    const struct toy_entry *second = toy_commit(&peer.replica, 1, 10, 1, NULL);
    toy_own_ranges(&peer.replica, first, &peer.arena, &run);
    ev.local.before = first->id;
    ev.local.last = second->id;
    ev.local.ranges = run.ranges;
    toy_peer_forget(&peer);
    toy_peer_event(&peer, &ev);
    assert_int_equal(0, peer.sent_count);
    toy_peer_wait(&peer, NET_ANNOUNCE_MS + NET_ANNOUNCE_JITTER);
    assert_int_equal(1, toy_peer_count(&peer, NET_FRAME_HEADS));
    assert_int_equal(0, toy_peer_count(&peer, NET_FRAME_RANGE));
}

static void what_is_never_acked_runs_out_of_time(void **state)
{
    (void)state;
    toy_peer_establish(&peer, NULL, 0);
    const struct toy_entry *first = toy_commit(&peer.replica, 1, 10, 0, NULL);
    struct net_run run;
    struct net_event ev = { .kind = NET_EV_LOCAL };
    toy_own_ranges(&peer.replica, NULL, &peer.arena, &run);
    ev.local.last = first->id;
    ev.local.ranges = run.ranges;
    ev.local.count = run.count;
    toy_peer_event(&peer, &ev);
    toy_peer_wait(&peer, NET_ACK_MS);
    assert_ended(NET_BYE_TIMEOUT, false);
}

/* --- floods ------------------------------------------------------------------------------ */

static void a_flood_of_frames_is_dropped_then_ends_it(void **state)
{
    (void)state;
    toy_peer_establish(&peer, NULL, 0);
    unsigned said = 0;
    while (peer.closed == 0 && said < 10000) {
        struct net_frame f = toy_peer_heads(&peer, NULL, 0);
        toy_peer_say(&peer, &f);
        said++;
    }
    assert_ended(NET_BYE_FLOOD, true);
    assert_true(said <= NET_TOKENS_MAX / 2 + NET_OVERDRAWN_MAX + 1);
}

static void who_keeps_to_the_budget_is_served_for_ever(void **state)
{
    (void)state;
    toy_peer_establish(&peer, NULL, 0);
    for (unsigned i = 0; i < 2000; i++) {
        struct net_frame f = toy_peer_heads(&peer, NULL, 0);
        peer.now_ms += 2 * 1000 / NET_TOKENS_S + 1;
        toy_peer_say(&peer, &f);
    }
    assert_int_equal(0, net_session_stats(peer.session)->overdrawn);
    assert_int_equal(0, peer.closed);
}

/* --- digests ----------------------------------------------------------------------------- */

static void a_digest_nobody_asked_for_is_ignored_or_ends_it(void **state)
{
    (void)state;
    toy_peer_establish(&peer, NULL, 0);
    struct net_frame f = toy_peer_frame(NET_FRAME_DIGEST);
    f.digest.form = NET_DIGEST_ROWS;
    toy_peer_say(&peer, &f);
    assert_int_equal(0, peer.closed);
    f = toy_peer_heads(&peer, NULL, 0);
    f.heads.root.b[0] ^= 1;
    toy_peer_say(&peer, &f);
    assert_int_equal(1, peer.alarms);
    const struct net_frame *ask = toy_peer_last(&peer, NET_FRAME_DIGEST_ASK);
    assert_non_null(ask);
    f = toy_peer_frame(NET_FRAME_DIGEST);
    f.digest.of = ask->digest_ask;
    f.digest.of.nibbles = 2;
    toy_peer_say(&peer, &f);
    assert_ended(NET_BYE_ORDER, true);
}

static void a_hunt_ends_when_the_other_state_has_moved_or_is_silent(void **state)
{
    (void)state;
    toy_peer_establish(&peer, NULL, 0);
    struct net_frame heads = toy_peer_heads(&peer, NULL, 0);
    heads.heads.root.b[0] ^= 1;
    toy_peer_say(&peer, &heads);
    struct net_frame f = toy_peer_frame(NET_FRAME_DIGEST);
    f.digest.of = toy_peer_last(&peer, NET_FRAME_DIGEST_ASK)->digest_ask;
    f.digest.form = NET_DIGEST_MOVED;
    toy_peer_say(&peer, &f);
    assert_int_equal(1, peer.alarms);
    assert_int_equal(0, peer.alarms_done);
    toy_peer_say(&peer, &f); /* a second answer finds no hunt */
    assert_int_equal(0, peer.closed);
}

static void a_digest_at_another_vector_is_moved(void **state)
{
    (void)state;
    toy_peer_establish(&peer, NULL, 0);
    struct net_frame f = toy_peer_frame(NET_FRAME_DIGEST_ASK);
    f.digest_ask.vector[0] = 1;
    toy_peer_say(&peer, &f);
    assert_int_equal(NET_DIGEST_MOVED, toy_peer_last(&peer, NET_FRAME_DIGEST)->digest.form);
}

/* --- memory ------------------------------------------------------------------------------ */

static void running_out_of_memory_closes_and_never_crashes(void **state)
{
    (void)state;
    struct net_frame hello = toy_peer_hello(&peer);
    struct cht_buf bytes;
    cht_buf_init(&bytes, 65536);
    assert_int_equal(CHT_OK, net_frame_encode(&hello, &bytes));
    for (size_t limit = 0; limit < 4096; limit += 64) {
        struct net_session_config c = { .level = 1, .space_count = 1, .spaces = &peer.space };
        struct cht_arena small;
        struct net_effects fx;
        memcpy(c.device, peer.replica.device, sizeof c.device);
        memcpy(c.peer, toy_peer_device, sizeof c.peer);
        memcpy(c.nonce, toy_peer_session, sizeof c.nonce);
        struct net_session *s = net_session_new(&c);
        cht_arena_init(&small, limit);
        net_effects_init(&fx, &small);
        struct net_event ev = { .kind = NET_EV_START };
        assert_int_equal(CHT_OK, net_session_step(s, &ev, &fx));
        ev.kind = NET_EV_FRAME;
        ev.bytes = cht_buf_view(&bytes);
        enum cht_err err = net_session_step(s, &ev, &fx);
        assert_true(err == CHT_OK || (err == CHT_E_NOMEM && net_session_closed(s)));
        net_session_free(s);
        cht_arena_clear(&small);
    }
    cht_buf_clear(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define IN(name)  cmocka_unit_test_setup_teardown(name, inbound, teardown)
#define OUT(name) cmocka_unit_test_setup_teardown(name, outbound, teardown)
        IN(bytes_of_no_kind_end_it),
        IN(a_frame_of_an_earlier_session_is_dropped_and_counted),
        OUT(a_frame_of_an_earlier_session_is_dropped_and_counted),
        IN(nothing_but_hello_may_come_first),
        OUT(nothing_but_hello_may_come_first),
        IN(hello_comes_once),
        OUT(hello_comes_once),
        IN(hello_must_name_the_device_of_the_key),
        OUT(hello_must_name_the_device_of_the_key),
        IN(a_later_version_alone_is_not_spoken),
        IN(a_stranger_to_the_space_is_turned_away),
        OUT(a_stranger_to_the_space_is_turned_away),
        IN(the_first_common_space_is_taken),
        OUT(who_accepts_names_one_space),
        IN(a_record_that_does_not_verify_ends_it),
        OUT(a_fault_of_ours_blames_nobody),
        IN(membership_that_never_agrees_runs_out_of_time),
        IN(a_want_before_membership_is_out_of_place),
        IN(a_range_that_does_not_verify_ends_it),
        IN(more_than_the_credit_ends_it),
        OUT(more_frames_than_may_be_unacked_end_it),
        IN(an_ack_of_what_was_never_sent_ends_it),
        IN(an_ack_of_all_frames_but_not_of_all_bytes_ends_it),
        OUT(a_push_that_cannot_be_placed_is_answered_by_where_we_stand),
        IN(heads_that_name_what_is_just_being_stored_ask_for_nothing),
        IN(a_lost_push_stops_pushing_until_the_peers_heads),
        IN(what_is_never_acked_runs_out_of_time),
        IN(a_flood_of_frames_is_dropped_then_ends_it),
        IN(who_keeps_to_the_budget_is_served_for_ever),
        IN(a_digest_nobody_asked_for_is_ignored_or_ends_it),
        OUT(a_hunt_ends_when_the_other_state_has_moved_or_is_silent),
        IN(a_digest_at_another_vector_is_moved),
        IN(running_out_of_memory_closes_and_never_crashes),
#undef IN
#undef OUT
    };
    return cmocka_run_group_tests_name("session_hostile", tests, NULL, NULL);
}
