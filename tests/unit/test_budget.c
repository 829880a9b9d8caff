/* Accounts of peers: what they may cost, what they were refused, how doors close (PROTOCOL 8.14).
 */
#include "net/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct net_budgets all;
static const uint8_t device_a[CRDT_ID_BYTES] = { 0xaa }, device_b[CRDT_ID_BYTES] = { 0xbb };

static int setup(void **state)
{
    (void)state;
    memset(&all, 0, sizeof all);
    return 0;
}

static void an_account_is_found_again_by_its_device(void **state)
{
    (void)state;
    struct net_budget *a = net_budget_of(&all, device_a, 1000);
    struct net_budget *b = net_budget_of(&all, device_b, 1000);
    net_budget_refuse(a, NET_REFUSAL_REPLAY, 3);
    net_budget_refuse(a, NET_REFUSAL_FLOOD, 2);
    assert_ptr_equal(net_budget_of(&all, device_a, 9000), a);
    assert_ptr_equal(net_budget_find(&all, device_b), b);
    assert_int_equal(net_budget_refused(a), 5);
    assert_int_equal(net_budget_refused(b), 0);
    assert_null(net_budget_find(&all, (const uint8_t[CRDT_ID_BYTES]){ 1 }));
}

static void who_has_spent_all_is_heard_again_when_it_has_earned_some(void **state)
{
    (void)state;
    struct net_budget *a = net_budget_of(&all, device_a, 1000);
    struct net_budget *b = net_budget_of(&all, device_b, 1000);
    net_budget_spend(a, NET_COST_BYTES, 64u * 1024u * 1024u, 1000);
    assert_in_range(net_budget_ready_ms(a, false, 1000), 1001, 1002);
    net_budget_spend(a, NET_COST_BYTES, 8u * 1024u * 1024u, 1000);
    assert_in_range(net_budget_ready_ms(a, false, 1000), 1500, 1502);
    assert_int_equal(net_budget_ready_ms(a, false, 1600), 1600);
    assert_int_equal(net_budget_ready_ms(b, true, 1000), 1000);
    assert_int_equal(a->spent[NET_COST_BYTES], 72u * 1024u * 1024u);
}

static void a_debt_ends_however_large_the_cost_was(void **state)
{
    (void)state;
    struct net_budget *a = net_budget_of(&all, device_a, 0);
    for (unsigned i = 0; i < 3; i++)
        net_budget_spend(a, NET_COST_ENTRIES, UINT64_MAX / 4, 0);
    assert_in_range(net_budget_ready_ms(a, false, 0), 2000, 2001);
    net_budget_spend(a, NET_COST_ENTRIES, 1500000, 3000); /* in debt again, from what it earned */
    assert_in_range(net_budget_ready_ms(a, false, 3000), 5000, 5001);
    assert_int_equal(net_budget_ready_ms(a, false, UINT64_MAX / 2), UINT64_MAX / 2);
}

static void processor_time_counts_only_while_others_want_the_node(void **state)
{
    (void)state;
    struct net_budget *a = net_budget_of(&all, device_a, 0);
    net_budget_spend(a, NET_COST_CPU_US, 2500000, 0);
    assert_int_equal(net_budget_ready_ms(a, false, 10), 10);
    assert_in_range(net_budget_ready_ms(a, true, 10), 1000, 1002);
}

static void time_that_goes_backwards_earns_nothing(void **state)
{
    (void)state;
    struct net_budget *a = net_budget_of(&all, device_a, 5000);
    net_budget_spend(a, NET_COST_ENTRIES, 1000000, 5000);
    assert_true(net_budget_ready_ms(a, false, 4000) > 4000);
    assert_int_equal(a->left[NET_COST_ENTRIES], 0);
}

static void a_door_stays_closed_for_longer_each_time_and_strikes_are_forgotten(void **state)
{
    (void)state;
    struct net_budget *a = net_budget_of(&all, device_a, 0);
    assert_true(net_budget_open(a, 0));
    uint64_t now = 1000, last = 0;
    for (unsigned i = 0; i < 12; i++) {
        uint64_t until = net_budget_strike(a, now);
        assert_true(until - now >= last);
        assert_true(until - now <= NET_DOOR_MAX_MS);
        assert_false(net_budget_open(a, now));
        assert_int_equal(a->closed_ms, until);
        last = until - now;
    }
    assert_int_equal(last, NET_DOOR_MAX_MS);
    assert_int_equal(a->strikes, 12);
    assert_false(net_budget_open(a, now + NET_DOOR_MAX_MS - 1));
    assert_true(net_budget_open(a, now + NET_DOOR_MAX_MS));
    assert_true(net_budget_open(a, now + 12 * (uint64_t)NET_FORGIVE_MS));
    assert_int_equal(a->strikes, 0);
    now += 13 * (uint64_t)NET_FORGIVE_MS;
    assert_int_equal(net_budget_strike(a, now), now + NET_DOOR_FIRST_MS);
    assert_true(net_budget_open(net_budget_of(&all, device_b, now), now));
}

static void who_connects_without_end_finds_the_door_closed(void **state)
{
    (void)state;
    struct net_budget *a = net_budget_of(&all, device_a, 0);
    unsigned sessions = 0;
    for (; sessions < 100 && net_budget_open(a, 10); sessions++)
        net_budget_spend(a, NET_COST_SESSIONS, 1, 10);
    assert_int_equal(sessions, 32);
    assert_false(net_budget_open(a, 500));
    assert_true(net_budget_open(a, 2100));
    assert_int_equal(net_budget_ready_ms(a, true, 2100), 2100); /* what is there is heard */
}

static void a_full_table_forgets_the_idlest_and_no_closed_door(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < LIMIT_PEERS; i++)
        net_budget_of(&all, (const uint8_t[CRDT_ID_BYTES]){ 1, i }, 1000u + i);
    struct net_budget *first = net_budget_find(&all, (const uint8_t[CRDT_ID_BYTES]){ 1, 0 });
    (void)net_budget_strike(first, 1000);
    (void)net_budget_strike(first, 1000);
    (void)net_budget_of(&all, device_a, 1100);
    assert_non_null(net_budget_find(&all, (const uint8_t[CRDT_ID_BYTES]){ 1, 0 }));
    assert_null(net_budget_find(&all, (const uint8_t[CRDT_ID_BYTES]){ 1, 1 }));
    assert_non_null(net_budget_find(&all, device_a));
}

static void a_turn_is_shared_among_those_who_want_it(void **state)
{
    (void)state;
    assert_int_equal(net_turn_share_us(1, false), NET_TURN_ALONE_US);
    assert_int_equal(net_turn_share_us(2, true), NET_TURN_US / 2);
    assert_int_equal(net_turn_share_us(64, true), NET_TURN_LEAST_US);
    assert_int_equal(net_turn_share_us(0, true), NET_TURN_ALONE_US);
}

static void every_reason_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NET_REFUSAL_COUNT; i++) {
        assert_true(net_refusal_word((enum net_refusal)i)[0] != '\0');
        assert_true(net_refusal_text((enum net_refusal)i)[0] != '\0');
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(net_refusal_word((enum net_refusal)i),
                                    net_refusal_word((enum net_refusal)k));
    }
    assert_string_equal(net_refusal_word(NET_REFUSAL_BACK_OFF), "back-off");
    assert_string_equal(net_refusal_word(NET_REFUSAL_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_account_is_found_again_by_its_device, setup),
        cmocka_unit_test_setup(who_has_spent_all_is_heard_again_when_it_has_earned_some, setup),
        cmocka_unit_test_setup(a_debt_ends_however_large_the_cost_was, setup),
        cmocka_unit_test_setup(processor_time_counts_only_while_others_want_the_node, setup),
        cmocka_unit_test_setup(time_that_goes_backwards_earns_nothing, setup),
        cmocka_unit_test_setup(a_door_stays_closed_for_longer_each_time_and_strikes_are_forgotten,
                               setup),
        cmocka_unit_test_setup(who_connects_without_end_finds_the_door_closed, setup),
        cmocka_unit_test_setup(a_full_table_forgets_the_idlest_and_no_closed_door, setup),
        cmocka_unit_test_setup(a_turn_is_shared_among_those_who_want_it, setup),
        cmocka_unit_test(every_reason_has_a_word_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
