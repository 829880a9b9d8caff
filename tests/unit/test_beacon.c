/* Announcements on the local network: what strangers may send, and who recognises whom (PROTOCOL
 * 11.2 to 11.6). The golden key and tags were computed in Python; the X25519 keys are those of RFC
 * 7748 6.1. */
#include "net/beacon.h"

#include "tests/support/identities.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HOUR 496464u

static const char name_text[] = "0123456789abcdef";
static const uint8_t noise[NET_BEACON_PAD * NET_BEACON_TAG_BYTES] = { 1, 2, 3 };
static const uint8_t space[CRDT_ID_BYTES] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
};

static struct cht_bytes name(void)
{
    return cht_bytes_str(name_text);
}

static void unhex(const char *text, uint8_t *out, size_t len)
{
    assert_int_equal(CHT_OK, crdt_unhex(cht_bytes_str(text), out, len));
}

static enum cht_err read_text(const char *txt, size_t len, struct net_beacon *out)
{
    return net_beacon_read(cht_bytes(txt, len), out);
}
#define READ(txt, out) read_text(txt, sizeof(txt) - 1, out)

/* --- the record ------------------------------------------------------------------------------ */

static void an_invitation_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct net_beacon b = { .selector_len = 3, .selector = "417" }, back;
    struct cht_buf out = { .limit = LIMIT_BEACON_BYTES };
    assert_int_equal(CHT_OK, net_beacon_put(&b, &out));
    assert_int_equal(sizeof "\3v=1\5s=417" - 1, out.len);
    assert_memory_equal("\3v=1\5s=417", out.data, out.len);
    assert_int_equal(CHT_OK, net_beacon_read(cht_buf_view(&out), &back));
    assert_memory_equal(&b, &back, sizeof b);
    cht_buf_clear(&out);
}

static void sixty_four_tags_fit(void **state)
{
    (void)state;
    struct net_beacon b = { .tag_count = NET_BEACON_TAGS }, back;
    struct cht_buf out = { .limit = LIMIT_BEACON_BYTES };
    for (size_t i = 0; i < NET_BEACON_TAGS; i++)
        memset(b.tags[i], (int)i, NET_BEACON_TAG_BYTES);
    assert_int_equal(CHT_OK, net_beacon_put(&b, &out));
    assert_int_equal(4 + 3 * (1 + 3) + 64 * 8, out.len);
    assert_int_equal(CHT_OK, net_beacon_read(cht_buf_view(&out), &back));
    assert_memory_equal(&b, &back, sizeof b);
    cht_buf_clear(&out);
}

static void the_strings_may_come_in_any_order_and_with_others(void **state)
{
    (void)state;
    struct net_beacon b;
    assert_int_equal(CHT_OK, READ("\7colour="
                                  "\0"
                                  "\13t0=ABCDEFGH"
                                  "\3v=1"
                                  "\13t2=abcdefgh",
                                  &b));
    assert_int_equal(2, b.tag_count);
    assert_memory_equal("ABCDEFGH", b.tags[0], NET_BEACON_TAG_BYTES);
    assert_memory_equal("abcdefgh", b.tags[1], NET_BEACON_TAG_BYTES);
}

static void what_is_wrong_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct net_beacon b, before;
    memset(&before, 0x5a, sizeof before);
    b = before;
    assert_int_equal(CHT_E_MALFORMED, READ("", &b));
    assert_int_equal(CHT_E_MALFORMED, READ("\3v=1", &b));               /* says nothing */
    assert_int_equal(CHT_E_MALFORMED, READ("\5s=417", &b));             /* no version */
    assert_int_equal(CHT_E_MALFORMED, READ("\3v=1\3v=1\5s=417", &b));   /* twice */
    assert_int_equal(CHT_E_UNSUPPORTED, READ("\3v=2\5s=417", &b));      /* a later one */
    assert_int_equal(CHT_E_UNSUPPORTED, READ("\4v=10\5s=417", &b));     /* another later one */
    assert_int_equal(CHT_E_MALFORMED, READ("\3v=1\2s=", &b));           /* an empty selector */
    assert_int_equal(CHT_E_MALFORMED, READ("\3v=1\5s=417\5s=418", &b)); /* two */
    assert_int_equal(CHT_E_MALFORMED, READ("\3v=1\23s=12345678901234567", &b)); /* too long */
    assert_int_equal(CHT_E_MALFORMED, READ("\3v=1\12t0=ABCDEFG", &b));          /* no whole tag */
    assert_int_equal(CHT_E_MALFORMED, READ("\3v=1\3t0=", &b));
    assert_int_equal(CHT_E_MALFORMED, READ("\3v=1\13t0=ABCDEFGH\13t0=ABCDEFGH", &b));
    assert_int_equal(CHT_E_MALFORMED, READ("\3v=1\13t0=ABCDEFGH\5s=417", &b)); /* both */
    assert_int_equal(CHT_E_MALFORMED, READ("\3v=1\13t0=ABCDEFG", &b));         /* cut short */
    static const char long_one[LIMIT_BEACON_BYTES + 1];
    assert_int_equal(CHT_E_LIMIT, read_text(long_one, sizeof long_one, &b));
    assert_memory_equal(&before, &b, sizeof b);
}

static void sixty_five_tags_are_too_many(void **state)
{
    (void)state;
    struct cht_buf out = { .limit = 2 * LIMIT_BEACON_BYTES };
    struct net_beacon b;
    uint8_t tags[22 * NET_BEACON_TAG_BYTES] = { 0 };
    assert_int_equal(CHT_OK, cht_buf_add(&out, cht_bytes_str("\3v=1")));
    for (char digit = '0'; digit <= '2'; digit++) {
        const char head[] = { (char)(3 + (digit == '2' ? 21 : 22) * 8), 't', digit, '=' };
        assert_int_equal(CHT_OK, cht_buf_add(&out, cht_bytes(head, sizeof head)));
        assert_int_equal(CHT_OK,
                         cht_buf_add(&out, cht_bytes(tags, digit == '2' ? 21 * 8 : 22 * 8)));
    }
    assert_int_equal(CHT_E_MALFORMED, net_beacon_read(cht_buf_view(&out), &b));
    cht_buf_clear(&out);
}

static void a_name_is_sixteen_lower_case_hex_digits(void **state)
{
    (void)state;
    assert_true(net_beacon_is_name(name()));
    assert_false(net_beacon_is_name(cht_bytes_str("0123456789ABCDEF")));
    assert_false(net_beacon_is_name(cht_bytes_str("0123456789abcde")));
    assert_false(net_beacon_is_name(cht_bytes_str("0123456789abcdeff")));
    assert_false(net_beacon_is_name(cht_bytes_str("anna's laptop #2")));
    assert_false(net_beacon_is_name(cht_bytes(NULL, 0)));
}

/* --- tags ------------------------------------------------------------------------------------ */

static void the_golden_key_and_tags(void **state)
{
    (void)state;
    struct net_identity own = { .device = { 0xbb } };
    struct net_beacon_key key;
    uint8_t peer[CRDT_ID_BYTES], peer_pk[NET_TRANSPORT_BYTES], want[NET_BEACON_KEY_BYTES];
    uint8_t tag[NET_BEACON_TAG_BYTES], announcer[CRDT_ID_BYTES];
    memset(peer, 0xaa, sizeof peer);
    unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", own.transport_sk, 32);
    unhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", own.cert.transport_pk,
          32);
    unhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a", peer_pk, 32);
    unhex("d0cea541da2f7d610df897ae426dc8fb1878445909ecabd2b2ab790815be09b4", want, 32);
    assert_int_equal(CHT_OK, net_beacon_key(&own, space, peer, peer_pk, &key));
    assert_memory_equal(want, key.key, sizeof want);
    assert_memory_equal(peer, key.device, sizeof peer);
    net_beacon_tag(key.key, peer, HOUR, name(), tag);
    assert_memory_equal("\xc6\xfb\x4c\x7a\xb3\x97\x73\x31", tag, sizeof tag);
    memset(announcer, 0xbb, sizeof announcer);
    net_beacon_tag(key.key, announcer, HOUR, name(), tag);
    assert_memory_equal("\x97\x25\xec\x5a\x4f\xf4\x46\x8b", tag, sizeof tag);
}

struct three {
    struct net_identity id[3];
    struct net_beacon_key keys[3][2]; /* what each has of the two others */
};

static void make(struct three *t)
{
    for (uint8_t i = 0; i < 3; i++)
        identity_of((uint8_t)(0x10 + 4 * i), &t->id[i]);
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 2; k++) {
            const struct net_identity *other = &t->id[(i + 1 + k) % 3];
            assert_int_equal(CHT_OK, net_beacon_key(&t->id[i], space, other->device,
                                                    other->cert.transport_pk, &t->keys[i][k]));
        }
    }
}

static void members_recognise_one_another_and_not_themselves(void **state)
{
    (void)state;
    static struct three t;
    struct net_beacon b;
    make(&t);
    net_beacon_tags(t.keys[0], 2, t.id[0].device, HOUR, name(), noise, &b);
    assert_int_equal(NET_BEACON_PAD, b.tag_count);
    for (size_t i = 1; i < 3; i++) {
        const struct net_beacon_key *whose = net_beacon_whose(&b, name(), t.keys[i], 2, HOUR);
        assert_non_null(whose);
        assert_memory_equal(t.id[0].device, whose->device, CRDT_ID_BYTES);
    }
    assert_null(net_beacon_whose(&b, name(), t.keys[0], 2, HOUR));
}

static void a_member_that_is_not_named_recognises_nothing(void **state)
{
    (void)state;
    static struct three t;
    struct net_beacon b;
    make(&t);
    net_beacon_tags(t.keys[0], 1, t.id[0].device, HOUR, name(), noise, &b); /* for 1 alone */
    assert_non_null(net_beacon_whose(&b, name(), t.keys[1], 2, HOUR));
    assert_null(net_beacon_whose(&b, name(), t.keys[2], 2, HOUR));
}

static void neighbouring_hours_are_recognised_and_others_are_not(void **state)
{
    (void)state;
    static struct three t;
    struct net_beacon b;
    make(&t);
    net_beacon_tags(t.keys[0], 2, t.id[0].device, HOUR, name(), noise, &b);
    assert_non_null(net_beacon_whose(&b, name(), t.keys[1], 2, HOUR - 1));
    assert_non_null(net_beacon_whose(&b, name(), t.keys[1], 2, HOUR + 1));
    assert_null(net_beacon_whose(&b, name(), t.keys[1], 2, HOUR - 2));
    assert_null(net_beacon_whose(&b, name(), t.keys[1], 2, HOUR + 2));
}

static void tags_under_another_name_or_in_another_space_are_others(void **state)
{
    (void)state;
    static struct three t;
    static const uint8_t elsewhere[CRDT_ID_BYTES] = { 9 };
    uint8_t other_noise[sizeof noise];
    struct net_beacon b, again;
    struct net_beacon_key other;
    memset(other_noise, 0x77, sizeof other_noise);
    make(&t);
    net_beacon_tags(t.keys[0], 2, t.id[0].device, HOUR, name(), noise, &b);
    assert_null(net_beacon_whose(&b, cht_bytes_str("fedcba9876543210"), t.keys[1], 2, HOUR));
    assert_int_equal(CHT_OK, net_beacon_key(&t.id[1], elsewhere, t.id[0].device,
                                            t.id[0].cert.transport_pk, &other));
    assert_null(net_beacon_whose(&b, name(), &other, 1, HOUR));
    net_beacon_tags(t.keys[0], 2, t.id[0].device, HOUR + 1, cht_bytes_str("fedcba9876543210"),
                    other_noise, &again);
    for (size_t i = 0; i < b.tag_count; i++) {
        for (size_t k = 0; k < again.tag_count; k++)
            assert_memory_not_equal(b.tags[i], again.tags[k], NET_BEACON_TAG_BYTES);
    }
}

static void a_key_that_nothing_can_be_agreed_with_is_refused(void **state)
{
    (void)state;
    struct net_identity own;
    struct net_beacon_key key;
    static const uint8_t zero[NET_TRANSPORT_BYTES], device[CRDT_ID_BYTES] = { 1 };
    identity_of(0x10, &own);
    assert_int_equal(CHT_E_INVALID, net_beacon_key(&own, space, device, zero, &key));
}

static void the_number_of_tags_says_little(void **state)
{
    (void)state;
    static struct three t;
    struct net_beacon_key many[9];
    struct net_beacon b;
    make(&t);
    for (size_t i = 0; i < 9; i++) {
        many[i] = t.keys[0][0];
        many[i].key[0] = (uint8_t)i;
    }
    net_beacon_tags(many, 8, t.id[0].device, HOUR, name(), noise, &b);
    assert_int_equal(8, b.tag_count);
    net_beacon_tags(many, 9, t.id[0].device, HOUR, name(), noise, &b);
    assert_int_equal(16, b.tag_count);
    for (size_t i = 1; i < b.tag_count; i++)
        assert_true(memcmp(b.tags[i - 1], b.tags[i], NET_BEACON_TAG_BYTES) <= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_invitation_is_read_as_it_was_written),
        cmocka_unit_test(sixty_four_tags_fit),
        cmocka_unit_test(the_strings_may_come_in_any_order_and_with_others),
        cmocka_unit_test(what_is_wrong_is_refused_and_changes_nothing),
        cmocka_unit_test(sixty_five_tags_are_too_many),
        cmocka_unit_test(a_name_is_sixteen_lower_case_hex_digits),
        cmocka_unit_test(the_golden_key_and_tags),
        cmocka_unit_test(members_recognise_one_another_and_not_themselves),
        cmocka_unit_test(a_member_that_is_not_named_recognises_nothing),
        cmocka_unit_test(neighbouring_hours_are_recognised_and_others_are_not),
        cmocka_unit_test(tags_under_another_name_or_in_another_space_are_others),
        cmocka_unit_test(a_key_that_nothing_can_be_agreed_with_is_refused),
        cmocka_unit_test(the_number_of_tags_says_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
