/* Pairing by a code: what differs from pairing by a ticket (PROTOCOL 7.8, 7.9, 7.12). */
#include "tests/support/pair_scene.h"

#include "crdt/id.h"

static int set_up_code(void **state)
{
    uint8_t random[NET_CODE_RANDOM_BYTES];
    int failed = set_up(state);
    struct scene *s = *state;
    cht_put_u64(random, 4812093576);
    net_code_make(random, &s->code);
    s->typed = s->code;
    new_run(s, 1, 2);
    return failed;
}

static void a_code_lets_a_device_join_a_space_it_was_not_told(void **state)
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
    const struct net_members *members = net_pair_members(s->joiner.p);
    assert_int_equal(2, net_members_count(members));
    assert_memory_equal(s->ticket.space, net_members_space(members), CRDT_ID_BYTES);
    assert_memory_equal(s->inviter_id.device, net_pair_peer(s->joiner.p)->device, CRDT_ID_BYTES);
}

/* The bytes of a whole run, as an independent program makes them (tests/support/pair_peer.py). */
static void a_run_by_code_has_the_bytes_and_words_written_down_here(void **state)
{
    struct scene *s = *state;
    static const uint8_t selector[] = { 2, '4', '8', '1', 0, 0, 0, 0, 0 };
    char hex[65];
    const char *words[NET_PAIR_WORDS];
    run(s);
    assert_memory_equal(selector, s->joiner.said.data + 6, sizeof selector);
    crdt_hex(cht_bytes(crdt_hash_of(cht_buf_view(&s->joiner.said)).b, 32), hex);
    assert_string_equal("253b0370c063b6b3c5e2f4287e910935af91f73b037161b2767b102e027cca7f", hex);
    crdt_hex(cht_bytes(crdt_hash_of(cht_buf_view(&s->inviter.said)).b, 32), hex);
    assert_string_equal("04c180fd3aa70db474b1767e9b53b8cbb7dd96a49ed7ec4834b217c44177e3a9", hex);
    net_pair_words(s->joiner.p, words);
    static const char *const want[] = { "volcano", "alarm",  "sleeve", "desert",
                                        "hunter",  "timber", "skate" };
    for (size_t i = 0; i < NET_PAIR_WORDS; i++)
        assert_string_equal(want[i], words[i]);
}

static void each_wrong_digit_of_the_secret_is_a_try_that_admits_nobody(void **state)
{
    struct scene *s = *state;
    for (size_t i = 0; i < NET_CODE_SECRET_DIGITS; i++) {
        s->typed = s->code;
        s->typed.secret[i] = s->typed.secret[i] == '9' ? '8' : '9';
        new_run(s, 1, 2);
        run(s);
        assert_failed(&s->inviter, CHT_E_SIGNATURE, "invitation's secret");
        assert_true((s->inviter.seen & NET_PAIR_WRONG_PROOF) != 0);
        assert_int_equal(0, s->inviter.seen & NET_PAIR_PROVED);
        assert_failed(&s->joiner, CHT_E_SIGNATURE, "not its");
        assert_int_equal(NET_PAIR_TRIED, s->joiner.seen & (NET_PAIR_TRIED | NET_PAIR_PROVED));
    }
    assert_int_equal(1, net_members_count(s->members));
}

static void a_code_with_another_selector_is_no_try(void **state)
{
    struct scene *s = *state;
    s->typed.selector[2] = '7';
    new_run(s, 1, 2);
    run(s);
    assert_failed(&s->inviter, CHT_E_EXPIRED, "not open");
    assert_int_equal(0, s->inviter.seen & NET_PAIR_WRONG_PROOF);
    assert_failed(&s->joiner, CHT_E_EXPIRED, "expired or was used");
    assert_int_equal(0, s->joiner.seen & NET_PAIR_TRIED);
}

/* A ticket's and a code's secret are no secrets of the other kind, whatever their bytes. */
static void the_kinds_of_invitations_do_not_mix(void **state)
{
    struct scene *s = *state;
    open_both(s);
    s->joiner.out.send.data[6] = NET_PAIR_BY_TICKET;
    carry_all(s);
    assert_failed(&s->inviter, CHT_E_EXPIRED, "not open");
    assert_int_equal(0, s->joiner.seen & NET_PAIR_TRIED);
}

static void who_has_proved_to_know_the_code_is_the_only_one_to_get_a_second_proof(void **state)
{
    struct scene *s = *state;
    struct net_identity other;
    identity_of(0x30, &other);
    s->known = other.cert.sign_pk;
    new_run(s, 1, 2);
    run(s);
    assert_failed(&s->joiner, CHT_E_DENIED, "not the one that invites");
    assert_int_equal(0, s->joiner.seen & NET_PAIR_TRIED);
    s->known = s->inviter_id.cert.sign_pk;
    new_run(s, 1, 2);
    run(s);
    assert_true((s->joiner.seen & NET_PAIR_DONE) != 0);
}

static void a_space_in_which_the_inviter_is_no_admin_is_not_joined(void **state)
{
    struct scene *s = *state;
    struct net_identity founder;
    identity_of(0x30, &founder);
    found_space(s, &founder);
    admit(s, &founder, &s->inviter_id.cert, NET_ROLE_WRITER);
    admit(s, &founder, &s->joiner_id.cert, NET_ROLE_ADMIN);
    new_run(s, 1, 2);
    run(s);
    assert_failed(&s->joiner, CHT_E_DENIED, "no admin");
    assert_int_equal(0, s->joiner.asked_store);
}

/* Who stands between and knows the code can pass everything on, but not change a byte of it. */
static void nobody_between_can_change_a_byte(void **state)
{
    struct scene *s = *state;
    run(s);
    uint32_t joiner_len = (uint32_t)s->joiner.said.len;
    uint32_t inviter_len = (uint32_t)s->inviter.said.len;
    for (uint32_t i = 0; i < joiner_len + inviter_len; i++) {
        bool of_joiner = i < joiner_len;
        found_space(s, &s->inviter_id);
        new_run(s, 1, 2);
        s->flip_joiner_at = of_joiner ? i : NOBODY;
        s->flip_inviter_at = of_joiner ? NOBODY : i - joiner_len;
        run(s);
        s->now_ms += NET_PAIR_TOTAL_MS;
        give(s, &s->joiner, (struct net_pair_event){ .type = NET_PAIR_TICK });
        give(s, &s->inviter, (struct net_pair_event){ .type = NET_PAIR_TICK });
        assert_int_equal(0, s->inviter.seen & NET_PAIR_DONE);
        if (!of_joiner)
            assert_int_equal(0, s->joiner.asked_store);
    }
}

int main(void)
{
#define CODE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_code, tear_down)
    const struct CMUnitTest tests[] = {
        CODE_TEST(a_code_lets_a_device_join_a_space_it_was_not_told),
        CODE_TEST(a_run_by_code_has_the_bytes_and_words_written_down_here),
        CODE_TEST(each_wrong_digit_of_the_secret_is_a_try_that_admits_nobody),
        CODE_TEST(a_code_with_another_selector_is_no_try),
        CODE_TEST(the_kinds_of_invitations_do_not_mix),
        CODE_TEST(who_has_proved_to_know_the_code_is_the_only_one_to_get_a_second_proof),
        CODE_TEST(a_space_in_which_the_inviter_is_no_admin_is_not_joined),
        CODE_TEST(nobody_between_can_change_a_byte),
    };
    return cmocka_run_group_tests_name("pair_code", tests, NULL, NULL);
}
