/* Pairing with what may stand between the two, or pose as one of them (PROTOCOL 7.8 to 7.10). */
#include "net/pair_own.h"

#include "tests/support/pair_scene.h"

static void a_wrong_secret_admits_nobody_and_is_told_as_a_try(void **state)
{
    struct scene *s = *state;
    struct net_ticket wrong = s->ticket;
    wrong.secret[15] ^= 1;
    const struct net_pair_self self = { &s->joiner_id, cht_bytes_str("desktop") };
    const struct net_pair_random random = random_of(9);
    net_pair_free(s->joiner.p);
    s->joiner.p = net_pair_join(&self, &wrong, &random);
    open_both(s);
    /* the selector is of the wrong secret too: the listener takes it for its own all the same */
    memcpy(s->joiner.out.send.data + 7, net_pair_selector_of(s->ticket.secret).b, 8);
    carry_all(s);
    assert_failed(&s->inviter, CHT_E_SIGNATURE, "invitation's secret");
    assert_true((s->inviter.seen & NET_PAIR_WRONG_PROOF) != 0);
    assert_failed(&s->joiner, CHT_E_SIGNATURE, "not its");
    assert_int_equal(0, (s->inviter.seen | s->joiner.seen) & NET_PAIR_PROVED);
    assert_int_equal(1, net_members_count(s->members));
}

/* Whatever byte is changed on the way, in either direction, the one who gets it does not go on: no
 * device is admitted by a changed word, nothing changed is stored. */
static void nobody_between_can_change_a_byte(void **state)
{
    struct scene *s = *state;
    run(s);
    uint32_t joiner_len = (uint32_t)s->joiner.said.len;
    uint32_t inviter_len = (uint32_t)s->inviter.said.len;
    const uint32_t confirm_len = 5 + 17 + 1; /* the joiner's last frame */
    for (uint32_t i = 0; i < joiner_len + inviter_len; i++) {
        bool of_joiner = i < joiner_len;
        found_space(s, &s->inviter_id);
        new_run(s, 1, 2);
        s->flip_joiner_at = of_joiner ? i : NOBODY;
        s->flip_inviter_at = of_joiner ? NOBODY : i - joiner_len;
        run(s);
        s->now_ms += NET_PAIR_TOTAL_MS; /* a frame made longer is waited for in vain */
        give(s, &s->joiner, (struct net_pair_event){ .type = NET_PAIR_TICK });
        give(s, &s->inviter, (struct net_pair_event){ .type = NET_PAIR_TICK });
        assert_int_equal(0, s->inviter.seen & NET_PAIR_DONE);
        assert_true((s->inviter.seen & NET_PAIR_FAILED) != 0);
        if (of_joiner && i < joiner_len - confirm_len) {
            assert_int_equal(0, s->inviter.asked_admit);
            assert_int_equal(1, net_members_count(s->members));
        }
        if (!of_joiner || i < joiner_len - confirm_len) {
            assert_int_equal(0, s->joiner.asked_store);
            assert_true((s->joiner.seen & NET_PAIR_FAILED) != 0);
        }
    }
}

/* The frame that starts at `at` of what was said. */
static struct cht_bytes frame_at(const struct cht_buf *said, size_t at)
{
    return cht_bytes(said->data + at, 4 + (size_t)cht_get_u32(said->data + at));
}

static void give_frames(struct scene *s, struct side *side, const struct cht_buf *said)
{
    for (size_t at = 0; at < said->len; at += frame_at(said, at).len)
        give_bytes(s, side, frame_at(said, at));
}

static void what_was_said_once_opens_nothing_again(void **state)
{
    struct scene *s = *state;
    struct cht_buf heard = { .limit = NET_PAIR_SEND_BYTES };
    run(s);
    assert_int_equal(CHT_OK, cht_buf_add(&heard, cht_buf_view(&s->joiner.said)));
    new_run(s, 3, 4);
    open_both(s);
    give_frames(s, &s->inviter, &heard);
    assert_failed(&s->inviter, CHT_E_SIGNATURE, "secret");
    assert_int_equal(0, s->inviter.asked_admit);

    new_run(s, 1, 2);
    run(s);
    cht_buf_reset(&heard);
    assert_int_equal(CHT_OK, cht_buf_add(&heard, cht_buf_view(&s->inviter.said)));
    new_run(s, 3, 4);
    open_both(s);
    give_frames(s, &s->joiner, &heard);
    assert_failed(&s->joiner, CHT_E_SIGNATURE, "secret");
    assert_int_equal(0, s->joiner.asked_store);
    cht_buf_clear(&heard);
}

static void a_sealed_frame_said_twice_is_refused(void **state)
{
    struct scene *s = *state;
    run(s);
    size_t hello = frame_at(&s->joiner.said, 0).len;
    size_t proof = frame_at(&s->joiner.said, hello).len;
    struct cht_bytes join = frame_at(&s->joiner.said, hello + proof);
    uint8_t copy[512];
    memcpy(copy, join.data, join.len);
    size_t len = join.len;
    found_space(s, &s->inviter_id);
    new_run(s, 1, 2);
    open_both(s);
    for (unsigned i = 0; i < 6; i++) { /* up to the welcome */
        carry(s, &s->joiner, &s->inviter, NOBODY);
        if (s->inviter.asked_admit == 0)
            carry(s, &s->inviter, &s->joiner, NOBODY);
    }
    assert_int_equal(1, s->inviter.asked_admit);
    give_bytes(s, &s->inviter, cht_bytes(copy, len));
    assert_failed(&s->inviter, CHT_E_SIGNATURE, "changed on the way");
}

static void a_listener_that_is_not_the_tickets_gets_no_proof(void **state)
{
    struct scene *s = *state;
    identity_of(0x30, &s->inviter_id);
    new_run(s, 1, 2);
    run(s);
    assert_failed(&s->joiner, CHT_E_DENIED, "not the one that invites");
    assert_failed(&s->inviter, CHT_E_DENIED, "refused");
    assert_int_equal(0, s->inviter.seen & NET_PAIR_WRONG_PROOF);
    assert_int_equal(5 + 106 + 5 + 1, s->joiner.said.len); /* HELLO, ABORT */
}

/* Only a joiner that knows the secret can try this; it gains a second look at the check words. */
static void a_nonce_other_than_the_one_promised_is_refused(void **state)
{
    struct scene *s = *state;
    open_both(s);
    s->joiner.p->joiner_nonce[0] ^= 1;
    carry_all(s);
    assert_failed(&s->inviter, CHT_E_MALFORMED, "not the one it promised");
    assert_int_equal(0, s->inviter.asked_admit);
}

static void a_joiner_that_shows_another_devices_certificate_is_refused(void **state)
{
    struct scene *s = *state;
    struct net_identity other;
    identity_of(0x30, &other);
    open_both(s);
    s->joiner_id.cert = other.cert;
    carry_all(s);
    assert_failed(&s->inviter, CHT_E_SIGNATURE, "certificate cannot be taken");
    assert_int_equal(0, s->inviter.asked_admit);
}

static void a_joiner_that_does_not_hold_its_key_is_refused(void **state)
{
    struct scene *s = *state;
    struct net_identity other;
    identity_of(0x30, &other);
    open_both(s);
    memcpy(s->joiner_id.sign_sk, other.sign_sk, sizeof other.sign_sk);
    carry_all(s);
    assert_failed(&s->inviter, CHT_E_SIGNATURE, "certificate cannot be taken");
    assert_int_equal(0, s->inviter.asked_admit);
}

static void an_inviter_that_does_not_hold_its_key_is_refused(void **state)
{
    struct scene *s = *state;
    struct net_identity other;
    identity_of(0x30, &other);
    admit(s, &s->inviter_id, &s->joiner_id.cert, NET_ROLE_ADMIN);
    memcpy(s->inviter_id.sign_sk, other.sign_sk, sizeof other.sign_sk);
    run(s);
    assert_failed(&s->joiner, CHT_E_SIGNATURE, "welcome cannot be taken");
    assert_int_equal(0, s->joiner.asked_store);
}

/* Up to the point where both have proved the key and the joiner's JOIN is on its way. */
static void run_to_join(struct scene *s)
{
    new_run(s, 1, 2);
    open_both(s);
    while ((s->joiner.seen & NET_PAIR_PROVED) == 0) {
        carry(s, &s->joiner, &s->inviter, NOBODY);
        carry(s, &s->inviter, &s->joiner, NOBODY);
    }
}

/* Seal what a hostile peer makes up and hand it over, instead of what it has to say. */
static void seal_from(struct scene *s, struct side *from, struct cht_bytes message, bool last)
{
    struct side *to = from == &s->joiner ? &s->inviter : &s->joiner;
    cht_buf_reset(&from->out.send);
    assert_int_equal(CHT_OK, pair_seal(from->p, &from->out, message, last));
    while (carry(s, from, to, NOBODY))
        ;
}

/* A WELCOME with a right signature in front of `rest`. */
static void welcome(struct scene *s, const char *rest, size_t len, bool last)
{
    uint8_t message[1 + NET_SIG_BYTES + 400] = { PAIR_WELCOME };
    pair_sign(s->inviter.p, message + 1);
    memcpy(message + 1 + NET_SIG_BYTES, rest, len);
    seal_from(s, &s->inviter, cht_bytes(message, 1 + NET_SIG_BYTES + len), last);
}

struct rest {
    const char *bytes;
    size_t len;
    bool last, good;
};
#define REST(text, last, good)                                                                     \
    {                                                                                              \
        text, sizeof(text) - 1, last, good                                                         \
    }

static void a_welcome_that_is_not_one_is_refused(void **state)
{
    struct scene *s = *state;
    static const struct rest cases[] = {
        REST("\001n\002\000", false, true),
        REST("\001n\002\001\007tcp://x", false, true),
        REST("\001n\002\001\007tcp://x", true, false),
        REST("\000\002\000", false, false),                /* no name */
        REST("\001\033\002\000", false, false),            /* an escape */
        REST("\001n\000\000", false, false),               /* no records */
        REST("\001n\201\040\000", false, false),           /* 4097 records */
        REST("\001n\002\021\007tcp://x", false, false),    /* 17 addresses */
        REST("\001n\002\001\007udp://x", false, false),    /* no tcp */
        REST("\001n\002\001\006tcp://", false, false),     /* nothing behind it */
        REST("\001n\002\001\010tcp://x\n", false, false),  /* a line end */
        REST("\001n\002\002\007tcp://x", false, false),    /* the second is missing */
        REST("\001n\002\000\000", false, false),           /* too much */
        REST("\001n\002\001\201\001tcp://", false, false), /* 129 bytes long */
        REST("", false, false),
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_to_join(s);
        welcome(s, cases[i].bytes, cases[i].len, cases[i].last);
        assert_int_equal(cases[i].good ? 0 : NET_PAIR_FAILED, s->joiner.seen & NET_PAIR_FAILED);
        assert_int_equal(0, s->joiner.asked_store);
    }
}

/* RECORDS of the first `count` records held, or an empty one. */
static void records(struct scene *s, uint32_t first, uint32_t count, bool last)
{
    struct cht_buf b = { .limit = LIMIT_PAIR_BYTES };
    assert_int_equal(CHT_OK, cht_buf_add_u8(&b, PAIR_RECORDS));
    for (uint32_t i = first; i < first + count; i++) {
        struct cht_bytes record = net_members_record(s->members, i, NULL);
        assert_int_equal(CHT_OK, cht_buf_add_varint(&b, record.len));
        assert_int_equal(CHT_OK, cht_buf_add(&b, record));
    }
    seal_from(s, &s->inviter, cht_buf_view(&b), last);
    cht_buf_clear(&b);
}

static void records_other_than_announced_are_refused(void **state)
{
    struct scene *s = *state;
    static const char two[] = "\001n\002\000";
    admit(s, &s->inviter_id, &s->joiner_id.cert, NET_ROLE_ADMIN);
    const struct {
        uint32_t first, count;
        bool last;
    } cases[] = { { 0, 0, false }, { 0, 1, true }, { 0, 2, false }, { 1, 1, false } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_to_join(s);
        welcome(s, two, 4, false);
        records(s, cases[i].first, cases[i].count, cases[i].last);
        assert_true((s->joiner.seen & NET_PAIR_FAILED) != 0);
        assert_int_equal(0, s->joiner.asked_store);
    }
    run_to_join(s);
    welcome(s, "\001n\001\000", 4, false);
    records(s, 0, 2, true); /* one more */
    assert_failed(&s->joiner, CHT_E_MALFORMED, "not those");
    run_to_join(s);
    welcome(s, two, 4, false);
    records(s, 0, 1, false);
    records(s, 1, 1, true); /* in two messages: fine */
    assert_int_equal(1, s->joiner.asked_store);
}

/* A code names no space: the first record tells it, and has to be a founding one. */
static void by_code_the_first_record_has_to_be_the_founding_one(void **state)
{
    struct scene *s = *state;
    s->code = s->typed = (struct net_code){ .selector = "481", .secret = "2093576" };
    admit(s, &s->inviter_id, &s->joiner_id.cert, NET_ROLE_ADMIN);
    run_to_join(s);
    welcome(s, "\001n\001\000", 4, false);
    records(s, 1, 1, true);
    assert_failed(&s->joiner, CHT_E_INVALID, "not those");
    assert_int_equal(0, s->joiner.asked_store);
    run_to_join(s);
    welcome(s, "\001n\002\000", 4, false);
    records(s, 0, 1, false);
    records(s, 1, 1, true);
    assert_int_equal(1, s->joiner.asked_store);
}

static void a_join_that_is_not_one_is_refused(void **state)
{
    struct scene *s = *state;
    uint8_t join[1 + NET_CERT_BYTES + NET_SIG_BYTES + 3] = { PAIR_JOIN };
    for (unsigned i = 0; i < 7; i++) {
        run_to_join(s);
        s->joiner.p->sending = s->inviter.p->receiving; /* as if it had not yet said JOIN */
        uint8_t *at = join + 1;
        size_t len = sizeof join - 1;
        net_cert_encode(&s->joiner_id.cert, at);
        pair_sign(s->joiner.p, at + NET_CERT_BYTES);
        memcpy(at + NET_CERT_BYTES + NET_SIG_BYTES, "\001nx", 3);
        join[0] = i == 1 ? PAIR_CONFIRM : PAIR_JOIN;
        len += i == 2;                                                /* too much */
        len -= i == 3;                                                /* too little */
        at[NET_CERT_BYTES + NET_SIG_BYTES + 1] = i == 4 ? '\n' : 'n'; /* the name */
        at[70] ^= i == 5;                                             /* the certificate */
        seal_from(s, &s->joiner, cht_bytes(join, len), /* last= */ i == 6);
        assert_int_equal(i == 0 ? 1 : 0, s->inviter.asked_admit);
        assert_int_equal(i == 0 ? 0 : NET_PAIR_FAILED, s->inviter.seen & NET_PAIR_FAILED);
    }
}

static void records_of_another_space_are_refused(void **state)
{
    struct scene *s = *state;
    uint8_t space[CRDT_ID_BYTES];
    struct net_identity other;
    identity_of(0x30, &other);
    memcpy(space, s->ticket.space, sizeof space);
    found_space(s, &other);
    admit(s, &other, &s->inviter_id.cert, NET_ROLE_ADMIN);
    memcpy(s->ticket.space, space, sizeof space);
    new_run(s, 1, 2);
    run(s);
    assert_failed(&s->joiner, CHT_E_INVALID, "not those of the invitation's space");
    assert_int_equal(0, s->joiner.asked_store);
    assert_int_equal(0, s->inviter.seen & NET_PAIR_DONE);
}

static void a_space_in_which_the_inviter_is_no_admin_is_refused(void **state)
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

static void a_joiner_not_admitted_with_its_own_certificate_refuses(void **state)
{
    struct scene *s = *state;
    struct net_seeds seeds;
    admit(s, &s->inviter_id, &s->joiner_id.cert, NET_ROLE_ADMIN);
    memset(seeds.sign, 0x20, sizeof seeds.sign);
    memset(seeds.transport, 0x99, sizeof seeds.transport);
    net_identity_make(&s->joiner_id, &seeds, /* serial= */ 2, 0);
    new_run(s, 1, 2);
    run(s); /* the node of this test answers with the old record */
    assert_failed(&s->joiner, CHT_E_DENIED, "no record that admits this device");
}

struct nonsense {
    uint8_t bytes[16];
    size_t len;
};

static void nonsense_ends_the_connection(void **state)
{
    struct scene *s = *state;
    static const struct nonsense cases[] = {
        { { 0, 0, 0, 0, 0 }, 5 },             /* an empty frame */
        { { 129, 0, 0, 0, 1 }, 5 },           /* longer than anything in clear */
        { { 0xff, 0xff, 0xff, 0xff, 1 }, 5 }, /* four gigabytes */
        { { 1, 0, 0, 0, 1 }, 5 },             /* HELLO without content */
        { { 1, 0, 0, 0, 2 }, 5 },             /* not due */
        { { 1, 0, 0, 0, 99 }, 5 },            /* of no kind */
        { { 2, 0, 0, 0, 4, 0 }, 6 },          /* sealed, before there is a key */
        { { 3, 0, 0, 0, 5, 1, 1 }, 7 },       /* ABORT with too much */
        { { 2, 0, 0, 0, 5, 200 }, 6 },        /* ABORT for no known reason */
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        const struct nonsense *c = &cases[i / 2];
        new_run(s, 1, 2);
        open_both(s);
        struct side *side = i % 2 == 0 ? &s->inviter : &s->joiner;
        give_bytes(s, side, cht_bytes(c->bytes, c->len));
        assert_failed(side, CHT_E_MALFORMED, "");
    }
}

static void a_share_that_is_no_element_ends_the_connection(void **state)
{
    struct scene *s = *state;
    open_both(s);
    memset(s->joiner.out.send.data + 5 + 74, 0, 32); /* the identity */
    carry_all(s);
    assert_failed(&s->inviter, CHT_E_MALFORMED, "share cannot be taken");
    new_run(s, 1, 2);
    open_both(s);
    carry(s, &s->joiner, &s->inviter, NOBODY);
    memset(s->inviter.out.send.data + 5 + 64, 0xff, 32);
    carry_all(s);
    assert_failed(&s->joiner, CHT_E_MALFORMED, "share cannot be read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_wrong_secret_admits_nobody_and_is_told_as_a_try, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nobody_between_can_change_a_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_said_once_opens_nothing_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sealed_frame_said_twice_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_listener_that_is_not_the_tickets_gets_no_proof, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_nonce_other_than_the_one_promised_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_joiner_that_shows_another_devices_certificate_is_refused,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_joiner_that_does_not_hold_its_key_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_inviter_that_does_not_hold_its_key_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_welcome_that_is_not_one_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(records_other_than_announced_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(by_code_the_first_record_has_to_be_the_founding_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_join_that_is_not_one_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(records_of_another_space_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_space_in_which_the_inviter_is_no_admin_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_joiner_not_admitted_with_its_own_certificate_refuses,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(nonsense_ends_the_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_share_that_is_no_element_ends_the_connection, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("pair_hostile", tests, NULL, NULL);
}
