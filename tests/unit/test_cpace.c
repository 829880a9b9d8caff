/* CPace against the test vectors of draft-irtf-cfrg-cpace, appendix "Test vector for CPace using
 * group ristretto255 and hash SHA-512" (PROTOCOL 7.9). The tags were computed in Python. */
#include "net/cpace.h"

#include "crdt/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char hex_sid[] = "7e4b4791d6a8ef019b936c79fb7f2c57";
static const char hex_ya[] = "da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08";
static const char hex_yb[] = "d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d";

/* The draft's inputs and outputs as bytes. */
struct vectors {
    uint8_t sid[16], ya[32], yb[32];
    struct net_cpace_input input;
    struct net_cpace_party a, b;
};

static void unhex(const char *hex, uint8_t *out, size_t len)
{
    assert_int_equal(CHT_OK, crdt_unhex(cht_bytes_str(hex), out, len));
}

static int set_up(void **state)
{
    static struct vectors v;
    unhex(hex_sid, v.sid, sizeof v.sid);
    unhex(hex_ya, v.ya, sizeof v.ya);
    unhex(hex_yb, v.yb, sizeof v.yb);
    v.input = (struct net_cpace_input){ .secret = cht_bytes_str("Password"),
                                        .channel = cht_bytes_str("\013A_initiator"
                                                                 "\013B_responder"),
                                        .session = cht_bytes(v.sid, sizeof v.sid) };
    v.a.data = cht_bytes_str("ADa");
    v.b.data = cht_bytes_str("ADb");
    assert_int_equal(CHT_OK, net_cpace_share(&v.input, v.ya, v.a.share));
    assert_int_equal(CHT_OK, net_cpace_share(&v.input, v.yb, v.b.share));
    *state = &v;
    return 0;
}

static void assert_hex(const char *hex, const uint8_t *got, size_t len)
{
    uint8_t want[64];
    assert_int_equal(2 * len, strlen(hex));
    unhex(hex, want, len);
    assert_memory_equal(want, got, len);
}

static void the_generator_is_the_drafts(void **state)
{
    const struct vectors *v = *state;
    uint8_t generator[NET_CPACE_SHARE_BYTES];
    net_cpace_generator(&v->input, generator);
    assert_hex("222b6b195fe84b1652badb6f6a3ae3d24341e7306967f0b8115b40d5698c7e56", generator, 32);
}

static void the_shares_are_the_drafts(void **state)
{
    const struct vectors *v = *state;
    assert_hex("d6bac480f2c386c394efc7c47adb9925dcd2630b64f240c50f8d0eec482b9157", v->a.share, 32);
    assert_hex("3ea7e0b19560d7c0b0f5734f63b955286dfa8232b5ebe63324e2d9e7433f7258", v->b.share, 32);
}

static void both_sides_get_the_drafts_key(void **state)
{
    const struct vectors *v = *state;
    static const char want[] = "b69effbf61b51d56401c0f65601abe428de8206feaaf0e32198896dcae7b35cd"
                               "2b38950a39dfd5d4a79164614c2984f7daa460b588c1e80c3fa2068af7900447";
    uint8_t key[NET_CPACE_KEY_BYTES];
    assert_int_equal(CHT_OK, net_cpace_key(v->ya, v->b.share, v->input.session, &v->a, &v->b, key));
    assert_hex(want, key, sizeof key);
    memset(key, 0, sizeof key);
    assert_int_equal(CHT_OK, net_cpace_key(v->yb, v->a.share, v->input.session, &v->a, &v->b, key));
    assert_hex(want, key, sizeof key);
}

/* "Invalid inputs for scalar_mult_vfy". */
static void a_share_that_is_no_element_or_the_identity_is_refused(void **state)
{
    const struct vectors *v = *state;
    static const char *const bad[] = {
        "2b3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    uint8_t scalar[32], share[32], key[NET_CPACE_KEY_BYTES] = { 42 };
    unhex("7cd0e075fa7955ba52c02759a6c90dbbfc10e6d40aea8d283e407d88cf538a05", scalar, 32);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        unhex(bad[i], share, sizeof share);
        assert_int_equal(CHT_E_MALFORMED,
                         net_cpace_key(scalar, share, v->input.session, &v->a, &v->b, key));
        assert_int_equal(42, key[0]);
    }
    unhex("2c3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c", share, 32);
    assert_int_equal(CHT_OK, net_cpace_key(scalar, share, v->input.session, &v->a, &v->b, key));
}

static void anything_the_sides_see_differently_changes_the_key(void **state)
{
    const struct vectors *v = *state;
    uint8_t right[NET_CPACE_KEY_BYTES], key[NET_CPACE_KEY_BYTES], share[NET_CPACE_SHARE_BYTES];
    assert_int_equal(CHT_OK,
                     net_cpace_key(v->ya, v->b.share, v->input.session, &v->a, &v->b, right));
    struct net_cpace_party other = v->a;
    other.data = cht_bytes_str("ADx");
    assert_int_equal(CHT_OK,
                     net_cpace_key(v->ya, v->b.share, v->input.session, &other, &v->b, key));
    assert_memory_not_equal(right, key, sizeof key);
    assert_int_equal(CHT_OK, net_cpace_key(v->ya, v->b.share, v->input.session, &v->b, &v->a, key));
    assert_memory_not_equal(right, key, sizeof key);
    assert_int_equal(CHT_OK,
                     net_cpace_key(v->ya, v->b.share, cht_bytes_str("s"), &v->a, &v->b, key));
    assert_memory_not_equal(right, key, sizeof key);
    struct net_cpace_input input = v->input;
    input.secret = cht_bytes_str("password");
    assert_int_equal(CHT_OK, net_cpace_share(&input, v->yb, share));
    assert_memory_not_equal(v->b.share, share, sizeof share);
    input = v->input;
    input.channel = cht_bytes_str("");
    assert_int_equal(CHT_OK, net_cpace_share(&input, v->yb, share));
    assert_memory_not_equal(v->b.share, share, sizeof share);
}

/* A secret longer than the hash's block gets no padding. */
static void a_long_secret_is_taken_too(void **state)
{
    const struct vectors *v = *state;
    char secret[200];
    uint8_t one[NET_CPACE_SHARE_BYTES], other[NET_CPACE_SHARE_BYTES];
    memset(secret, 'x', sizeof secret);
    struct net_cpace_input input = v->input;
    input.secret = cht_bytes(secret, 200);
    net_cpace_generator(&input, one);
    input.secret = cht_bytes(secret, 199);
    net_cpace_generator(&input, other);
    assert_memory_not_equal(one, other, sizeof one);
}

static void a_tag_proves_the_key_over_what_its_side_has_said(void **state)
{
    const struct vectors *v = *state;
    uint8_t key[NET_CPACE_KEY_BYTES], tag[NET_CPACE_TAG_BYTES], other[NET_CPACE_TAG_BYTES];
    assert_int_equal(CHT_OK, net_cpace_key(v->ya, v->b.share, v->input.session, &v->a, &v->b, key));
    net_cpace_tag(key, v->input.session, &v->a, tag);
    assert_hex("30478d28d83ae3b214295e91f4a3eb62999a8ed94575075db4a7d3bc3e4d26f1"
               "6c51adba12dc7771372637a46b5134e0937cddd7d820bfdd83be335e339eb57a",
               tag, sizeof tag);
    net_cpace_tag(key, v->input.session, &v->b, other);
    assert_memory_not_equal(tag, other, sizeof tag);
    key[63] ^= 1;
    net_cpace_tag(key, v->input.session, &v->a, other);
    assert_memory_not_equal(tag, other, sizeof tag);
}

static void a_scalar_of_nothing_makes_no_share(void **state)
{
    const struct vectors *v = *state;
    static const uint8_t top[NET_CPACE_SCALAR_BYTES] = { [31] = 0xf0 };
    uint8_t scalar[NET_CPACE_SCALAR_BYTES], share[NET_CPACE_SHARE_BYTES] = { 42 };
    net_cpace_scalar(top, scalar); /* only bits that are cleared */
    assert_int_equal(CHT_E_INVALID, net_cpace_share(&v->input, scalar, share));
    assert_int_equal(42, share[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_generator_is_the_drafts, set_up),
        cmocka_unit_test_setup(the_shares_are_the_drafts, set_up),
        cmocka_unit_test_setup(both_sides_get_the_drafts_key, set_up),
        cmocka_unit_test_setup(a_share_that_is_no_element_or_the_identity_is_refused, set_up),
        cmocka_unit_test_setup(anything_the_sides_see_differently_changes_the_key, set_up),
        cmocka_unit_test_setup(a_long_secret_is_taken_too, set_up),
        cmocka_unit_test_setup(a_tag_proves_the_key_over_what_its_side_has_said, set_up),
        cmocka_unit_test_setup(a_scalar_of_nothing_makes_no_share, set_up),
    };
    return cmocka_run_group_tests_name("cpace", tests, NULL, NULL);
}
