/* Bytes of membership records (PROTOCOL 7.3). The golden records were computed in Python, without
 * this code. */
#include "tests/support/identities.h"

#include "crdt/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char golden_found[] =
    "0101000000000000000000000000000000000000e903000000000000000000000000000000000000"
    "000000000000000000000000000000000000005c9c6df261c9cb840475776aaefcd944b405328fab"
    "28f9b3a95ef40490d3de847b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f74892cb0"
    "f73f13010000000000e8030000000089e18a5c51857df0b833ce56f746a1f28e25c728309183a02c"
    "bd32a23bc142f71a5e216357b2074d7caf3df92658f9d2f0169bf84d5c2f80fa1ad0217cf5910706"
    "6c6170746f70303030303030303030303030303030305c9c6df261c9cb840475776aaefcd944b405"
    "328fab28f9b3a95ef40490d3de84ffc19bcea3fefe5fd80e62fef885bfd2220a37acaa3c51fdfef8"
    "9c3a6087897a7fef2df9de352aeeb1bf9bdd0875008db9b0c68f5371a285c5404abacfe1dd08";
static const char golden_space[] = "5c64ab0d5ff23e27a794a0bf8d8ef77a";
static const char golden_admit[] =
    "01025c64ab0d5ff23e27a794a0bf8d8ef77a0000ea0300000000012596daf53aae2440ec3e62949d"
    "f64d43bb1315c530d6e87d3509b8311ce65620014ed32f63bf35f0eeefcb25f28a2e1fbdc873ae28"
    "35671b0c9460f5f12e4556a87d34a4815fa6b982535e60af3bd9b49556816080f1641ff81d2b7c8a"
    "e8268a44010000000000e8030000000011025f7f9bb61220a3b20c1d8ed11c1e5e4459804105412b"
    "a3edb80667d988a5e2dbd58fd5a8b9f71f5769764e4e309ef3800780df2cf192988e18aab240cd09"
    "0562c3bc726f5c9c6df261c9cb840475776aaefcd944b405328fab28f9b3a95ef40490d3de8484a0"
    "4b2162c89102a9443f02378f9a7b250d4e3329e5afe86a316202a017d0918f42a29144da97f06020"
    "6ae6cf8ffd041948b59bce50315d7745ce3f24f49907";

#define ADMIT_AT_COUNT 26u /* version kind space stamp come before the count of parents */

struct scene {
    struct net_identity founder, newcomer;
    uint8_t space[CRDT_ID_BYTES];
    struct cht_buf found, admit;
};

static int set_up(void **state)
{
    static struct scene s;
    identity_of(0x10, &s.founder);
    identity_of(0x20, &s.newcomer);
    cht_buf_init(&s.found, LIMIT_RECORD_BYTES);
    cht_buf_init(&s.admit, LIMIT_RECORD_BYTES);
    assert_int_equal(CHT_OK, found_by(&s.founder, &s.found, s.space));
    struct net_record rec = { .kind = NET_RECORD_ADMIT,
                              .stamp = crdt_hlc_make(1002, 0),
                              .parent_count = 1,
                              .parents = { crdt_hash_of(cht_buf_view(&s.found)) },
                              .role = NET_ROLE_ADMIN,
                              .cert = s.newcomer.cert,
                              .name = cht_bytes_str("b\303\274ro") };
    memcpy(rec.space, s.space, sizeof rec.space);
    assert_int_equal(CHT_OK, net_record_encode(&rec, &s.founder, &s.admit));
    *state = &s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    cht_buf_clear(&s->found);
    cht_buf_clear(&s->admit);
    return 0;
}

static void assert_golden(const char *hex, struct cht_bytes got)
{
    uint8_t want[1024];
    assert_int_equal(strlen(hex), 2 * got.len);
    assert_int_equal(CHT_OK, crdt_unhex(cht_bytes_str(hex), want, got.len));
    assert_memory_equal(want, got.data, got.len);
}

static void records_have_the_bytes_written_down_here(void **state)
{
    struct scene *s = *state;
    assert_golden(golden_found, cht_buf_view(&s->found));
    assert_golden(golden_space, cht_bytes(s->space, sizeof s->space));
    assert_golden(golden_admit, cht_buf_view(&s->admit));
}

static void a_record_read_back_says_what_was_written(void **state)
{
    struct scene *s = *state;
    struct net_record rec;
    assert_int_equal(CHT_OK, net_record_decode(cht_buf_view(&s->admit), &rec));
    assert_int_equal(CHT_OK, net_record_verify(&rec, cht_buf_view(&s->admit)));
    assert_int_equal(NET_RECORD_ADMIT, rec.kind);
    assert_int_equal(1, rec.parent_count);
    assert_memory_equal(crdt_hash_of(cht_buf_view(&s->found)).b, rec.parents[0].b, 32);
    assert_int_equal(NET_ROLE_ADMIN, rec.role);
    assert_true(crdt_hlc_make(1002, 0) == rec.stamp);
    assert_int_equal(0, net_cert_cmp(&s->newcomer.cert, &rec.cert));
    assert_true(cht_bytes_eq(cht_bytes_str("b\303\274ro"), rec.name));
    assert_int_equal(CHT_OK, net_record_decode(cht_buf_view(&s->found), &rec));
    assert_int_equal(CHT_OK, net_record_verify(&rec, cht_buf_view(&s->found)));
    assert_int_equal(NET_RECORD_FOUND, rec.kind);
    assert_int_equal(0x30, rec.nonce[15]);
    assert_true(cht_bytes_eq(cht_bytes_str("laptop"), rec.name));
}

static enum cht_err read_and_verify(struct cht_bytes src)
{
    struct net_record rec;
    enum cht_err err = net_record_decode(src, &rec);
    return err == CHT_OK ? net_record_verify(&rec, src) : err;
}

static void a_record_with_any_bit_flipped_does_not_verify(void **state)
{
    struct scene *s = *state;
    struct cht_buf *const both[] = { &s->found, &s->admit };
    for (size_t which = 0; which < 2; which++) {
        struct cht_buf *b = both[which];
        for (size_t bit = 0; bit < 8 * b->len; bit++) {
            b->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(CHT_OK, read_and_verify(cht_buf_view(b)));
            b->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_int_equal(CHT_OK, read_and_verify(cht_buf_view(b)));
    }
}

static void a_record_cut_short_or_with_more_behind_it_is_refused(void **state)
{
    struct scene *s = *state;
    for (size_t len = 0; len < s->admit.len; len++)
        assert_int_not_equal(CHT_OK, read_and_verify(cht_bytes(s->admit.data, len)));
    assert_int_equal(CHT_OK, cht_buf_add_u8(&s->admit, 0));
    assert_int_not_equal(CHT_OK, read_and_verify(cht_buf_view(&s->admit)));
}

static void a_record_over_the_limit_is_refused_unread(void **state)
{
    (void)state;
    static const uint8_t big[LIMIT_RECORD_BYTES + 1];
    struct net_record rec = { .stamp = 7 };
    assert_int_equal(CHT_E_LIMIT, net_record_decode(cht_bytes(big, sizeof big), &rec));
    assert_int_equal(7, rec.stamp);
}

/* Put `body` (without author and signature) under the founder's signature. */
static struct cht_bytes signed_body(const struct scene *s, struct cht_bytes body, uint8_t *room)
{
    memcpy(room, body.data, body.len);
    memcpy(room + body.len, s->founder.cert.sign_pk, NET_SIGN_PK_BYTES);
    net_identity_sign(&s->founder, NET_CONTEXT_RECORD,
                      cht_bytes(room, body.len + NET_SIGN_PK_BYTES),
                      room + body.len + NET_SIGN_PK_BYTES);
    return cht_bytes(room, body.len + NET_SIGN_PK_BYTES + NET_SIG_BYTES);
}

/* The admit's body with byte `at` set to `value`, signed again. */
static enum cht_err read_patched(const struct scene *s, size_t at, uint8_t value)
{
    uint8_t body[1024], room[1200];
    size_t len = s->admit.len - NET_SIGN_PK_BYTES - NET_SIG_BYTES;
    memcpy(body, s->admit.data, len);
    body[at] = value;
    return read_and_verify(signed_body(s, cht_bytes(body, len), room));
}

static void well_signed_nonsense_is_refused(void **state)
{
    const struct scene *s = *state;
    const size_t role = ADMIT_AT_COUNT + 1 + 32, name = role + 1 + NET_CERT_BYTES;
    assert_int_equal(CHT_OK, read_patched(s, 0, 1));
    assert_int_equal(CHT_E_MALFORMED, read_patched(s, 0, 0));
    assert_int_equal(CHT_E_UNSUPPORTED, read_patched(s, 0, 2));
    assert_int_equal(CHT_E_MALFORMED, read_patched(s, 1, 0));
    assert_int_equal(CHT_E_MALFORMED, read_patched(s, 1, NET_RECORD_FOUND));
    assert_int_equal(CHT_E_UNSUPPORTED, read_patched(s, 1, 4));
    assert_int_equal(CHT_E_UNSUPPORTED, read_patched(s, 1, 200));
    assert_int_equal(CHT_E_MALFORMED, read_patched(s, ADMIT_AT_COUNT, 0));
    assert_int_equal(CHT_E_MALFORMED, read_patched(s, ADMIT_AT_COUNT, 2));
    assert_int_equal(CHT_E_LIMIT, read_patched(s, ADMIT_AT_COUNT, 17));
    assert_int_equal(CHT_E_MALFORMED, read_patched(s, role, 0));
    assert_int_equal(CHT_E_MALFORMED, read_patched(s, role, 6));
    assert_int_equal(CHT_OK, read_patched(s, role, NET_ROLE_READER));
    assert_int_equal(CHT_E_MALFORMED, read_patched(s, role, NET_ROLE_BRIDGE)); /* no grants */
    assert_int_equal(CHT_E_SIGNATURE, read_patched(s, role + 1 + 70, 0xff));   /* certificate */
    assert_int_equal(CHT_E_MALFORMED, read_patched(s, name, 0));
    assert_int_equal(CHT_E_MALFORMED, read_patched(s, name, 4));
    assert_int_equal(CHT_E_LIMIT, read_patched(s, name, LIMIT_NAME_BYTES + 1));
    assert_int_equal(CHT_E_MALFORMED, read_patched(s, name + 1, 0x1b)); /* an escape */
    assert_int_equal(CHT_E_MALFORMED, read_patched(s, name + 2, 0xff)); /* no UTF-8 */
}

static void parents_must_be_sorted_without_duplicates(void **state)
{
    const struct scene *s = *state;
    uint8_t body[1024], room[1200];
    size_t len = s->admit.len - NET_SIGN_PK_BYTES - NET_SIG_BYTES;
    size_t first = ADMIT_AT_COUNT + 1;
    memcpy(body, s->admit.data, first + 32);
    memcpy(body + first + 32, s->admit.data + first, len - first);
    body[ADMIT_AT_COUNT] = 2;
    struct cht_bytes twice = cht_bytes(body, len + 32);
    assert_int_equal(CHT_E_MALFORMED, read_and_verify(signed_body(s, twice, room)));
    body[first] ^= 0xff; /* one of the two orders is right */
    enum cht_err one = read_and_verify(signed_body(s, twice, room));
    body[first] ^= 0xff;
    body[first + 32] ^= 0xff;
    enum cht_err other = read_and_verify(signed_body(s, twice, room));
    assert_true((one == CHT_OK) != (other == CHT_OK));
}

static void a_bridge_comes_with_its_sorted_grants(void **state)
{
    struct scene *s = *state;
    static const uint8_t good[] = { 2, 4, 1, 4, 0x81, 0x01 }, unsorted[] = { 2, 4, 2, 4, 1 },
                         short_one[] = { 2, 4, 1 }, none[] = { 0 };
    struct net_record rec, back;
    assert_int_equal(CHT_OK, net_record_decode(cht_buf_view(&s->admit), &rec));
    rec.role = NET_ROLE_BRIDGE;
    const struct {
        struct cht_bytes grants;
        enum cht_err want;
    } cases[] = { { cht_bytes(good, sizeof good), CHT_OK },
                  { cht_bytes(none, sizeof none), CHT_OK },
                  { cht_bytes(unsorted, sizeof unsorted), CHT_E_MALFORMED },
                  { cht_bytes(short_one, sizeof short_one), CHT_E_MALFORMED } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
        rec.grants = cases[i].grants;
        assert_int_equal(CHT_OK, net_record_encode(&rec, &s->founder, &out));
        assert_int_equal(cases[i].want, net_record_decode(cht_buf_view(&out), &back));
        if (cases[i].want == CHT_OK)
            assert_true(cht_bytes_eq(cases[i].grants, back.grants));
        cht_buf_clear(&out);
    }
}

static void a_founder_founds_by_its_own_key_and_names_no_space(void **state)
{
    struct scene *s = *state;
    struct net_record rec, back;
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    assert_int_equal(CHT_OK, net_record_decode(cht_buf_view(&s->found), &rec));
    assert_int_equal(CHT_OK, net_record_encode(&rec, &s->newcomer, &out));
    assert_int_equal(CHT_E_MALFORMED, net_record_decode(cht_buf_view(&out), &back));
    cht_buf_reset(&out);
    rec.space[3] = 1;
    assert_int_equal(CHT_OK, net_record_encode(&rec, &s->founder, &out));
    assert_int_equal(CHT_E_MALFORMED, net_record_decode(cht_buf_view(&out), &back));
    cht_buf_clear(&out);
}

static void a_name_is_short_printable_utf8(void **state)
{
    (void)state;
    char longest[LIMIT_NAME_BYTES + 2];
    memset(longest, 'n', sizeof longest);
    assert_true(net_name_valid(cht_bytes(longest, LIMIT_NAME_BYTES)));
    assert_false(net_name_valid(cht_bytes(longest, LIMIT_NAME_BYTES + 1)));
    assert_true(net_name_valid(cht_bytes_str("\346\234\272 2\302\240a")));
    assert_false(net_name_valid(cht_bytes_str("")));
    assert_false(net_name_valid(cht_bytes("a\0b", 3)));
    assert_false(net_name_valid(cht_bytes_str("a\nb")));
    assert_false(net_name_valid(cht_bytes_str("a\177")));
    assert_false(net_name_valid(cht_bytes_str("a\302\233")));
    assert_false(net_name_valid(cht_bytes_str("a\303")));
}

static void a_buffer_too_small_is_left_as_it_was(void **state)
{
    struct scene *s = *state;
    struct net_record rec;
    struct cht_buf out = { .limit = s->admit.len + 1 };
    assert_int_equal(CHT_OK, net_record_decode(cht_buf_view(&s->admit), &rec));
    assert_int_equal(CHT_OK, cht_buf_add(&out, cht_bytes("xy", 2)));
    assert_int_equal(CHT_E_LIMIT, net_record_encode(&rec, &s->founder, &out));
    assert_true(cht_bytes_eq(cht_bytes("xy", 2), cht_buf_view(&out)));
    cht_buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_have_the_bytes_written_down_here, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_record_read_back_says_what_was_written, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_record_with_any_bit_flipped_does_not_verify, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_record_cut_short_or_with_more_behind_it_is_refused,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_over_the_limit_is_refused_unread, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(well_signed_nonsense_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parents_must_be_sorted_without_duplicates, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_bridge_comes_with_its_sorted_grants, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_founder_founds_by_its_own_key_and_names_no_space, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_name_is_short_printable_utf8, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_buffer_too_small_is_left_as_it_was, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
