/* The peer table: legs, addresses, back-off (PROTOCOL 8.4). */
#include "net/peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct net_peers peers;
static const uint8_t run_low[NET_RUN_BYTES] = { 1 }, run_high[NET_RUN_BYTES] = { 9 };
static const uint8_t device_a[CRDT_ID_BYTES] = { 0xaa }, device_b[CRDT_ID_BYTES] = { 0xbb };

static int setup(void **state)
{
    (void)state;
    net_peers_init(&peers, run_low);
    return 0;
}

static struct net_peer *add(const uint8_t device[CRDT_ID_BYTES])
{
    struct net_peer *peer = NULL;
    assert_int_equal(CHT_OK, net_peers_add(&peers, device, &peer));
    return peer;
}

static void address(struct net_peer *peer, const char *text, enum net_address_source source)
{
    assert_int_equal(CHT_OK, net_peer_address(&peers, peer, cht_bytes_str(text), source, 0));
}

static const char *dialled(uint64_t now_ms)
{
    struct net_peer *peer = NULL;
    const char *out = NULL;
    assert_int_equal(NET_ACT_DIAL, net_peers_step(&peers, now_ms, 512, &peer, &out));
    return out;
}

static void given_up(uint64_t now_ms)
{
    struct net_peer *peer = NULL;
    const char *out = NULL;
    assert_int_equal(NET_ACT_UNDIAL, net_peers_step(&peers, now_ms, 512, &peer, &out));
}

static void nothing(uint64_t now_ms)
{
    struct net_peer *peer = NULL;
    const char *out = NULL;
    assert_int_equal(NET_ACT_NONE, net_peers_step(&peers, now_ms, 512, &peer, &out));
}

static uint32_t hello_at(struct net_peer *peer, uint32_t conn, const uint8_t *run, uint64_t now_ms)
{
    uint32_t drop = 77;
    const struct net_times at = { .now_ms = now_ms, .wall_ms = 5000 };
    net_peer_hello(&peers, peer, conn, run, at, &drop);
    return drop;
}

static uint32_t hello(struct net_peer *peer, uint32_t conn, const uint8_t *run)
{
    return hello_at(peer, conn, run, 1000);
}

static void up(struct net_peer *peer, uint32_t conn, bool outbound)
{
    assert_int_equal(CHT_OK, net_peer_up(peer, conn, outbound, 4000));
}

static void a_device_is_known_once(void **state)
{
    (void)state;
    struct net_peer *a = add(device_a);
    assert_ptr_equal(a, add(device_a));
    assert_ptr_not_equal(a, add(device_b));
    assert_ptr_equal(a, net_peers_find(&peers, device_a));
    net_peers_remove(&peers, device_a);
    assert_null(net_peers_find(&peers, device_a));
    assert_non_null(net_peers_find(&peers, device_b));
}

static void the_table_has_an_end(void **state)
{
    (void)state;
    struct net_peer *peer = NULL;
    for (uint8_t i = 0; i < LIMIT_PEERS; i++) {
        const uint8_t device[CRDT_ID_BYTES] = { 1, i };
        (void)add(device);
    }
    assert_int_equal(CHT_E_LIMIT, net_peers_add(&peers, device_b, &peer));
    assert_null(peer);
}

static void a_peer_is_present_from_its_hello_to_the_end_of_its_leg(void **state)
{
    (void)state;
    struct net_peer *a = add(device_a);
    up(a, 3, false);
    assert_false(net_peer_present(a));
    assert_int_equal(4000, a->seen_ms);
    assert_int_equal(0, hello(a, 3, run_high));
    assert_true(net_peer_present(a));
    assert_int_equal(3, net_peer_conn(a));
    net_peer_down(a, 4, 0, 0, 0); /* another's */
    assert_true(net_peer_present(a));
    net_peer_down(a, 3, 0, 0, 0);
    assert_false(net_peer_present(a));
}

static void of_two_legs_the_one_the_smaller_run_dialled_stays(void **state)
{
    (void)state;
    /* ours is the smaller run: outbound stays, whichever HELLO comes last */
    struct net_peer *a = add(device_a);
    up(a, 1, true);
    up(a, 2, false);
    assert_int_equal(0, hello(a, 1, run_high));
    assert_int_equal(2, hello(a, 2, run_high));
    struct net_peer *b = add(device_b);
    up(b, 3, false);
    up(b, 4, true);
    assert_int_equal(0, hello(b, 3, run_high));
    assert_int_equal(3, hello(b, 4, run_high));

    /* theirs is: the other end of the same two legs comes to the same answer */
    net_peers_init(&peers, run_high);
    a = add(device_a);
    up(a, 1, false);
    up(a, 2, true);
    assert_int_equal(0, hello(a, 1, run_low));
    assert_int_equal(2, hello(a, 2, run_low));
}

static void of_two_legs_dialled_at_different_times_the_newer_stays(void **state)
{
    (void)state;
    struct net_peer *a = add(device_a);
    up(a, 1, true);
    assert_int_equal(0, hello_at(a, 1, run_high, 1000)); /* ours would win a race */
    up(a, 2, false);
    assert_int_equal(2, hello_at(a, 2, run_high, 1000 + NET_LEG_RACE_MS));
    net_peer_down(a, 2, NET_BYE_DUPLICATE, 4000, 0);
    up(a, 3, false);
    assert_int_equal(1, hello_at(a, 3, run_high, 1001 + NET_LEG_RACE_MS));
    assert_true(net_peer_present(a));
}

static void an_address_found_now_is_tried_instead_of_one_remembered(void **state)
{
    (void)state;
    struct net_peer *a = add(device_a);
    address(a, "tcp://10.0.0.1:1", NET_ADDRESS_TOLD);
    address(a, "tcp://10.0.0.2:1", NET_ADDRESS_TOLD);
    assert_string_equal("tcp://10.0.0.2:1", dialled(0));
    address(a, "tcp://10.0.0.3:1", NET_ADDRESS_FOUND);
    given_up(0);
    assert_string_equal("tcp://10.0.0.3:1", dialled(0));
    address(a, "tcp://10.0.0.3:1", NET_ADDRESS_FOUND); /* told again: it is being tried */
    address(a, "tcp://10.0.0.4:1", NET_ADDRESS_FOUND); /* so was this one seen alive */
    nothing(1);
    assert_int_equal(NET_ADDRESS_FOUND, a->tried.origin);
}

static void where_nobody_answers_the_next_address_is_tried_at_once(void **state)
{
    (void)state;
    struct net_peer *a = add(device_a);
    address(a, "tcp://10.0.0.1:1", NET_ADDRESS_TOLD);
    address(a, "tcp://10.0.0.2:1", NET_ADDRESS_TOLD);
    assert_string_equal("tcp://10.0.0.2:1", dialled(0));
    net_peer_unreached(a, 10);
    given_up(10);
    assert_string_equal("tcp://10.0.0.1:1", dialled(10));
    net_peer_unreached(a, 20); /* the last one: its node may be starting */
    nothing(20);
}

static void how_an_address_was_learnt_is_kept_when_it_works(void **state)
{
    (void)state;
    struct net_peer *a = add(device_a);
    address(a, "tcp://10.0.0.1:1", NET_ADDRESS_FOUND);
    (void)dialled(0);
    up(a, 1, true);
    address(a, "tcp://10.0.0.1:1", NET_ADDRESS_TOLD);
    assert_int_equal(NET_ADDRESS_WORKED, a->addresses[0].source);
    assert_int_equal(NET_ADDRESS_FOUND, a->addresses[0].origin);
    assert_string_equal("found on the network", net_address_source_text(a->addresses[0].origin));
}

static void a_newer_leg_in_the_same_direction_replaces_the_older(void **state)
{
    (void)state;
    struct net_peer *a = add(device_a);
    up(a, 1, false);
    up(a, 2, false);
    assert_int_equal(0, hello(a, 1, run_high));
    assert_int_equal(1, hello(a, 2, run_high));
}

static void two_runs_of_one_device_are_two_nodes(void **state)
{
    (void)state;
    static const uint8_t run_clone[NET_RUN_BYTES] = { 5 };
    struct net_peer *a = add(device_a);
    up(a, 1, false);
    up(a, 2, false);
    assert_int_equal(0, hello(a, 1, run_high));
    assert_int_equal(0, hello(a, 2, run_clone));
}

static void legs_have_a_limit(void **state)
{
    (void)state;
    struct net_peer *a = add(device_a);
    for (uint32_t i = 1; i <= NET_PEER_LEGS; i++)
        up(a, i, false);
    assert_int_equal(CHT_E_LIMIT, net_peer_up(a, 9, false, 0));
}

static void addresses_are_tried_in_order_of_worth(void **state)
{
    (void)state;
    struct net_peer *a = add(device_a);
    address(a, "tcp://told:1", NET_ADDRESS_TOLD);
    address(a, "tcp://static:1", NET_ADDRESS_STATIC);
    address(a, "tcp://found:1", NET_ADDRESS_FOUND);
    assert_string_equal("tcp://static:1", dialled(10));
    nothing(10);
    assert_int_equal(10 + NET_DIAL_TRY_MS, net_peers_due_ms(&peers));
    given_up(10 + NET_DIAL_TRY_MS);
    assert_string_equal("tcp://found:1", dialled(10 + NET_DIAL_TRY_MS));
    given_up(20000);
    assert_string_equal("tcp://told:1", dialled(20000));
}

static void an_address_that_worked_is_worth_more_afterwards(void **state)
{
    (void)state;
    struct net_peer *a = add(device_a);
    address(a, "tcp://told:1", NET_ADDRESS_TOLD);
    assert_string_equal("tcp://told:1", dialled(0));
    address(a, "tcp://found:1", NET_ADDRESS_FOUND); /* takes the first place meanwhile */
    up(a, 1, true);
    assert_string_equal("tcp://told:1", a->addresses[0].text);
    assert_int_equal(NET_ADDRESS_WORKED, a->addresses[0].source);
}

static void the_least_useful_address_makes_room(void **state)
{
    (void)state;
    struct net_peer *a = add(device_a);
    address(a, "tcp://kept:1", NET_ADDRESS_STATIC);
    char text[] = "tcp://host:A";
    for (char c = 'A'; c < 'A' + 20; c++) {
        text[11] = c;
        address(a, text, NET_ADDRESS_FOUND);
    }
    assert_int_equal(LIMIT_ADDRESSES, a->address_count);
    assert_string_equal("tcp://kept:1", a->addresses[0].text);
    assert_string_equal("tcp://host:T", a->addresses[1].text);
    assert_int_equal(CHT_E_LIMIT,
                     net_peer_address(&peers, a, cht_bytes_str("tcp://x:1"), NET_ADDRESS_TOLD, 0));
}

static void what_is_no_endpoint_is_refused(void **state)
{
    (void)state;
    struct net_peer *a = add(device_a);
    static const char *const bad[] = { "", "tcp://", "udp://x:1", "tcp://a b:1", "tcp://\n:1" };
    char large[LIMIT_ADDRESS_BYTES + 8] = "tcp://";
    memset(large + 6, 'x', sizeof large - 6);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(CHT_E_INVALID,
                         net_peer_address(&peers, a, cht_bytes_str(bad[i]), NET_ADDRESS_TOLD, 0));
    assert_int_equal(CHT_E_INVALID, net_peer_address(&peers, a, cht_bytes(large, sizeof large),
                                                     NET_ADDRESS_TOLD, 0));
    assert_int_equal(0, a->address_count);
    assert_int_equal(UINT64_MAX, net_peers_due_ms(&peers));
}

static void failed_rounds_back_off_up_to_a_minute(void **state)
{
    (void)state;
    struct net_peer *a = add(device_a);
    address(a, "tcp://a:1", NET_ADDRESS_STATIC);
    uint64_t now = 0, wait = 0;
    for (unsigned i = 0; i < 12; i++) {
        (void)dialled(now);
        now += NET_DIAL_TRY_MS;
        given_up(now);
        uint64_t next = net_peers_due_ms(&peers) - now;
        assert_true(next >= wait && next >= 375 && next <= NET_DIAL_MAX_MS);
        wait = next;
        now += next;
    }
    assert_in_range(wait, NET_DIAL_MAX_MS / 2, NET_DIAL_MAX_MS);
    net_peers_wake(&peers, now - wait);
    assert_string_equal("tcp://a:1", dialled(now - wait));
}

static void one_who_waits_to_be_introduced_is_redialled_within_five_seconds(void **state)
{
    (void)state;
    struct net_peer *a = add(device_a);
    address(a, "tcp://a:1", NET_ADDRESS_STATIC);
    uint64_t now = 0;
    for (unsigned i = 0; i < 12; i++) {
        (void)dialled(now);
        net_peer_refused(a);
        now += NET_DIAL_TRY_MS;
        given_up(now);
        assert_in_range(net_peers_due_ms(&peers) - now, 1, NET_DIAL_WAITING_MS);
        now = net_peers_due_ms(&peers);
    }
    assert_int_equal(12, a->refused[0]);
}

static void nobody_is_dialled_while_a_leg_stands(void **state)
{
    (void)state;
    struct net_peer *a = add(device_a);
    address(a, "tcp://a:1", NET_ADDRESS_STATIC);
    up(a, 1, false);
    nothing(100000);
    assert_int_equal(UINT64_MAX, net_peers_due_ms(&peers));
    net_peer_down(a, 1, 0, 100000, 50);
    assert_in_range(net_peers_due_ms(&peers), 100000, 100100);
    assert_string_equal("tcp://a:1", dialled(100100));
}

static void a_lost_dial_has_the_transport_try_again_first(void **state)
{
    (void)state;
    struct net_peer *a = add(device_a);
    address(a, "tcp://a:1", NET_ADDRESS_STATIC);
    (void)dialled(0);
    up(a, 1, true);
    nothing(50000);
    net_peer_down(a, 1, 0, 50000, 0);
    nothing(50000 + NET_DIAL_TRY_MS - 1);
    given_up(50000 + NET_DIAL_TRY_MS);
}

static void a_leg_ended_with_a_reason_is_counted_and_backed_off(void **state)
{
    (void)state;
    struct net_peer *a = add(device_a);
    address(a, "tcp://a:1", NET_ADDRESS_STATIC);
    (void)dialled(0);
    up(a, 1, true);
    (void)hello(a, 1, run_high);
    net_peer_down(a, 1, NET_BYE_MALFORMED, 1000, 0);
    assert_int_equal(1, a->refused[NET_BYE_MALFORMED]);
    nothing(1000 + 700);
    (void)dialled(1000 + 1000);
    assert_false(net_peer_present(a));
}

static void a_duplicate_leg_that_goes_leaves_the_other(void **state)
{
    (void)state;
    struct net_peer *a = add(device_a);
    address(a, "tcp://a:1", NET_ADDRESS_STATIC);
    (void)dialled(0);
    up(a, 1, true);
    up(a, 2, false);
    (void)hello(a, 1, run_high);
    (void)hello(a, 2, run_high);
    net_peer_down(a, 2, NET_BYE_DUPLICATE, 10, 0);
    assert_int_equal(1, net_peer_conn(a));
    assert_int_equal(0, a->rounds);
    nothing(100000);
}

static void one_who_is_held_is_not_dialled_before(void **state)
{
    (void)state;
    struct net_peer *peer = add(device_a);
    address(peer, "tcp://a:1", NET_ADDRESS_STATIC);
    net_peer_hold(peer, 900);
    nothing(899);
    address(peer, "tcp://a:1", NET_ADDRESS_FOUND);
    net_peers_wake(&peers, 899);
    nothing(899);
    assert_int_equal(900, net_peers_due_ms(&peers));
    assert_string_equal("tcp://a:1", dialled(900));
    net_peer_hold(peer, 99000); /* a try under way goes on */
    given_up(900 + NET_DIAL_TRY_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_who_is_held_is_not_dialled_before, setup),
#define T(name) cmocka_unit_test_setup(name, setup)
        T(a_device_is_known_once),
        T(the_table_has_an_end),
        T(a_peer_is_present_from_its_hello_to_the_end_of_its_leg),
        T(of_two_legs_the_one_the_smaller_run_dialled_stays),
        T(of_two_legs_dialled_at_different_times_the_newer_stays),
        T(a_newer_leg_in_the_same_direction_replaces_the_older),
        T(an_address_found_now_is_tried_instead_of_one_remembered),
        T(where_nobody_answers_the_next_address_is_tried_at_once),
        T(how_an_address_was_learnt_is_kept_when_it_works),
        T(two_runs_of_one_device_are_two_nodes),
        T(legs_have_a_limit),
        T(addresses_are_tried_in_order_of_worth),
        T(an_address_that_worked_is_worth_more_afterwards),
        T(the_least_useful_address_makes_room),
        T(what_is_no_endpoint_is_refused),
        T(failed_rounds_back_off_up_to_a_minute),
        T(one_who_waits_to_be_introduced_is_redialled_within_five_seconds),
        T(nobody_is_dialled_while_a_leg_stands),
        T(a_lost_dial_has_the_transport_try_again_first),
        T(a_leg_ended_with_a_reason_is_counted_and_backed_off),
        T(a_duplicate_leg_that_goes_leaves_the_other),
#undef T
    };
    return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}
