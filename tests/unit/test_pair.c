/* Pairing by ticket: two machines (PROTOCOL 7.8 to 7.11). */
#include "tests/support/pair_scene.h"

#include "crdt/id.h"

static void a_ticket_lets_a_device_join(void **state)
{
    struct scene *s = *state;
    const char *words[NET_PAIR_WORDS], *same[NET_PAIR_WORDS];
    run(s);
    const unsigned both = NET_PAIR_PROVED | NET_PAIR_DONE;
    assert_int_equal(both | NET_PAIR_ASK_SECRET | NET_PAIR_ASK_ADMIT, s->inviter.seen);
    assert_int_equal(both | NET_PAIR_ASK_STORE | NET_PAIR_TRIED, s->joiner.seen);
    net_pair_words(s->joiner.p, words);
    net_pair_words(s->inviter.p, same);
    for (size_t i = 0; i < NET_PAIR_WORDS; i++)
        assert_ptr_equal(words[i], same[i]);

    struct net_members *members = net_pair_take_members(s->joiner.p);
    assert_null(net_pair_members(s->joiner.p));
    assert_int_equal(2, net_members_count(members));
    assert_memory_equal(s->ticket.space, net_members_space(members), CRDT_ID_BYTES);
    assert_non_null(net_members_device(members, s->joiner_id.device));
    net_members_free(members);
    assert_int_equal(2, net_pair_address_count(s->joiner.p));
    for (uint32_t i = 0; i < 2; i++)
        assert_true(cht_bytes_eq(cht_bytes_str(addresses[i]), net_pair_address(s->joiner.p, i)));
    const struct net_pair_peer *seen = net_pair_peer(s->joiner.p);
    assert_true(cht_bytes_eq(cht_bytes_str("laptop"), seen->name));
    assert_memory_equal(s->inviter_id.device, seen->device, CRDT_ID_BYTES);
    seen = net_pair_peer(s->inviter.p);
    assert_true(cht_bytes_eq(cht_bytes_str("desktop"), seen->name));
    assert_int_equal(0, net_cert_cmp(&s->joiner_id.cert, &seen->cert));
}

static void bytes_may_come_one_by_one(void **state)
{
    struct scene *s = *state;
    s->chunk = 1;
    run(s);
    assert_true((s->inviter.seen & NET_PAIR_DONE) != 0);
    assert_true((s->joiner.seen & NET_PAIR_DONE) != 0);
}

/* The bytes of a whole run, recomputed in Python over libsodium's primitives. */
static void a_run_has_the_bytes_and_words_written_down_here(void **state)
{
    struct scene *s = *state;
    char hex[65];
    const char *words[NET_PAIR_WORDS];
    run(s);
    crdt_hex(cht_bytes(crdt_hash_of(cht_buf_view(&s->joiner.said)).b, 32), hex);
    assert_string_equal("32b86083c89cd3f154a694744035d155fc0a7cce75a0d9808322f3f2a7ec2d9d", hex);
    crdt_hex(cht_bytes(crdt_hash_of(cht_buf_view(&s->inviter.said)).b, 32), hex);
    assert_string_equal("81f0823cd37f71b0439de0cc449adc45e0c823708994c841e244dff99afadc79", hex);
    net_pair_words(s->joiner.p, words);
    static const char *const want[] = { "sleeve", "lantern", "earth", "jaguar",
                                        "hunter", "silver",  "island" };
    for (size_t i = 0; i < NET_PAIR_WORDS; i++)
        assert_string_equal(want[i], words[i]);
}

static void a_ticket_that_is_not_open_is_told_so(void **state)
{
    struct scene *s = *state;
    s->ticket_open = false;
    run(s);
    assert_failed(&s->inviter, CHT_E_EXPIRED, "not open");
    assert_failed(&s->joiner, CHT_E_EXPIRED, "expired or was used");
    assert_int_equal(0, s->inviter.seen & NET_PAIR_WRONG_PROOF);
}

static void the_same_device_may_come_again_for_its_answer(void **state)
{
    struct scene *s = *state;
    open_both(s);
    while (s->inviter.asked_admit == 0) {
        carry(s, &s->joiner, &s->inviter, NOBODY);
        if (s->inviter.asked_admit == 0)
            carry(s, &s->inviter, &s->joiner, NOBODY);
    }
    give(s, &s->inviter, (struct net_pair_event){ .type = NET_PAIR_CLOSED });
    give(s, &s->joiner, (struct net_pair_event){ .type = NET_PAIR_CLOSED });
    assert_failed(&s->inviter, CHT_E_UNREACHABLE, "admitted but went away");
    assert_failed(&s->joiner, CHT_E_UNREACHABLE, "went away");
    assert_int_equal(2, net_members_count(s->members));
    new_run(s, 5, 6);
    run(s);
    assert_true((s->joiner.seen & NET_PAIR_DONE) != 0);
    assert_true((s->inviter.seen & NET_PAIR_DONE) != 0);
    assert_int_equal(2, net_members_count(s->members));
}

static void hundreds_of_records_come_in_several_messages(void **state)
{
    struct scene *s = *state;
    for (unsigned i = 0; i < 400; i++) {
        struct net_identity someone;
        struct net_seeds seeds = { .sign = { (uint8_t)i, (uint8_t)(i >> 8), 1 } };
        memcpy(seeds.transport, seeds.sign, sizeof seeds.transport);
        net_identity_make(&someone, &seeds, 1, 0);
        admit(s, &s->inviter_id, &someone.cert, NET_ROLE_READER);
    }
    run(s);
    assert_true((s->joiner.seen & NET_PAIR_DONE) != 0);
    assert_int_equal(402, net_members_count(net_pair_members(s->joiner.p)));
    assert_true(s->inviter.said.len > LIMIT_PAIR_BYTES + LIMIT_PAIR_BYTES / 2);
}

static void a_refusal_reaches_the_other_side(void **state)
{
    struct scene *s = *state;
    s->refuse = true;
    run(s);
    assert_failed(&s->inviter, CHT_E_DENIED, "");
    assert_failed(&s->joiner, CHT_E_DENIED, "refused");
    assert_int_equal(1, net_members_count(s->members));
}

static void a_silent_peer_is_left_in_time(void **state)
{
    struct scene *s = *state;
    open_both(s);
    assert_true(net_pair_deadline_ms(s->inviter.p) == START_MS + NET_PAIR_SILENCE_MS);
    s->now_ms += NET_PAIR_SILENCE_MS - 1;
    give(s, &s->inviter, (struct net_pair_event){ .type = NET_PAIR_TICK });
    assert_int_equal(0, s->inviter.seen);
    s->now_ms++;
    give(s, &s->inviter, (struct net_pair_event){ .type = NET_PAIR_TICK });
    assert_failed(&s->inviter, CHT_E_TIMEOUT, "did not answer in time");
    give(s, &s->joiner, (struct net_pair_event){ .type = NET_PAIR_TICK });
    assert_failed(&s->joiner, CHT_E_TIMEOUT, "in time");
}

/* One byte now and then does not keep a connection: the frame is due, not the next byte. */
static void a_trickle_does_not_put_the_deadline_off(void **state)
{
    struct scene *s = *state;
    static const uint8_t start[] = { 107, 0, 0, 0, 1, 1 };
    open_both(s);
    for (size_t i = 0; i < sizeof start; i++) {
        s->now_ms += NET_PAIR_SILENCE_MS / 8;
        give_bytes(s, &s->inviter, cht_bytes(start + i, 1));
    }
    assert_true(net_pair_deadline_ms(s->inviter.p) == START_MS + NET_PAIR_SILENCE_MS);
}

static void the_whole_is_bounded_while_a_person_thinks(void **state)
{
    struct scene *s = *state;
    struct net_pair_event tick = { .type = NET_PAIR_TICK };
    open_both(s);
    while ((s->joiner.seen & NET_PAIR_PROVED) == 0) {
        carry(s, &s->joiner, &s->inviter, NOBODY);
        carry(s, &s->inviter, &s->joiner, NOBODY);
    }
    assert_true(net_pair_deadline_ms(s->joiner.p) == START_MS + NET_PAIR_TOTAL_MS);
    s->now_ms = START_MS + NET_PAIR_TOTAL_MS;
    give(s, &s->joiner, tick);
    assert_failed(&s->joiner, CHT_E_TIMEOUT, "in time");
}

/* The answer comes byte by byte in the last second: no byte of it buys more time. */
static void a_late_answer_does_not_put_the_end_off(void **state)
{
    struct scene *s = *state;
    open_both(s);
    while ((s->joiner.seen & NET_PAIR_PROVED) == 0) {
        carry(s, &s->joiner, &s->inviter, NOBODY);
        carry(s, &s->inviter, &s->joiner, NOBODY);
    }
    carry(s, &s->joiner, &s->inviter, NOBODY);
    s->now_ms = START_MS + NET_PAIR_TOTAL_MS - 1;
    s->chunk = 1;
    while (s->inviter.out.send.len > 1) {
        carry(s, &s->inviter, &s->joiner, NOBODY);
        assert_true(net_pair_deadline_ms(s->joiner.p) == START_MS + NET_PAIR_TOTAL_MS);
    }
    carry(s, &s->inviter, &s->joiner, NOBODY);
    assert_true((s->joiner.seen & NET_PAIR_DONE) != 0);
}

static void another_version_is_told_from_nonsense(void **state)
{
    struct scene *s = *state;
    open_both(s);
    s->joiner.out.send.data[5] = 2;
    carry_all(s);
    assert_failed(&s->inviter, CHT_E_UNSUPPORTED, "another version");
    assert_failed(&s->joiner, CHT_E_UNSUPPORTED, "another version");
}

static void a_device_does_not_pair_with_itself(void **state)
{
    struct scene *s = *state;
    s->joiner_id = s->inviter_id;
    new_run(s, 1, 2);
    run(s);
    assert_failed(&s->inviter, CHT_E_DENIED, "this very device");
}

static void a_machine_that_is_over_does_nothing_more(void **state)
{
    struct scene *s = *state;
    run(s);
    side_clear(&s->joiner);
    size_t said = s->inviter.out.send.len;
    static const uint8_t hello[] = { 1, 0, 0, 0, 1 };
    give_bytes(s, &s->inviter, cht_bytes(hello, sizeof hello));
    assert_int_equal(0, s->inviter.out.what);
    give(s, &s->inviter, (struct net_pair_event){ .type = NET_PAIR_CLOSED });
    assert_int_equal(0, s->inviter.out.what);
    assert_int_equal(said, s->inviter.out.send.len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_ticket_lets_a_device_join, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_may_come_one_by_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_run_has_the_bytes_and_words_written_down_here, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_ticket_that_is_not_open_is_told_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_device_may_come_again_for_its_answer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(hundreds_of_records_come_in_several_messages, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_refusal_reaches_the_other_side, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_silent_peer_is_left_in_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_trickle_does_not_put_the_deadline_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_whole_is_bounded_while_a_person_thinks, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_late_answer_does_not_put_the_end_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_version_is_told_from_nonsense, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_device_does_not_pair_with_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_machine_that_is_over_does_nothing_more, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("pair", tests, NULL, NULL);
}
