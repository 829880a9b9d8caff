/* Signatures, certificates and the key file (PROTOCOL 1.7, 7.1, 7.2). The golden bytes were
 * computed in Python from RFC 8032, RFC 7748 and BLAKE2b, without this code. */
#include "tests/support/identities.h"

#include "crdt/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char golden_device[] = "e24e1a7f22c9439c43dd673b5436bba1";
static const char golden_cert[] =
    "5c9c6df261c9cb840475776aaefcd944b405328fab28f9b3a95ef40490d3de847b4e909bbe7ffe44"
    "c465a220037d608ee35897d31ef972f07f74892cb0f73f13010000000000e8030000000089e18a5c"
    "51857df0b833ce56f746a1f28e25c728309183a02cbd32a23bc142f71a5e216357b2074d7caf3df9"
    "2658f9d2f0169bf84d5c2f80fa1ad0217cf59107";
static const char golden_head_sig[] =
    "642fafe626f2302fa311a409940606d49b9f10bb3930d2dcb168b1a0ab96ffe793b2cba392a1c28d"
    "8523995bbe4f9ccd75694297495a02467e14c5e6c9cc1d07";
static const char golden_key_file[] =
    "6368697474792d6b6579730001000000101010101010101010101010101010101010101010101010"
    "10101010101010101111111111111111111111111111111111111111111111111111111111111111"
    "5c9c6df261c9cb840475776aaefcd944b405328fab28f9b3a95ef40490d3de847b4e909bbe7ffe44"
    "c465a220037d608ee35897d31ef972f07f74892cb0f73f13010000000000e8030000000089e18a5c"
    "51857df0b833ce56f746a1f28e25c728309183a02cbd32a23bc142f71a5e216357b2074d7caf3df9"
    "2658f9d2f0169bf84d5c2f80fa1ad0217cf59107f0ee273c1ac5631c8a4d450430c36e6b55cd5ecb"
    "65fdedea83f5ace0874a4bf6";

static void assert_bytes(const char *hex, const uint8_t *got, size_t len)
{
    uint8_t want[512];
    assert_int_equal(strlen(hex), 2 * len);
    assert_int_equal(CHT_OK, crdt_unhex(cht_bytes_str(hex), want, len));
    assert_memory_equal(want, got, len);
}

static void keys_and_certificate_have_the_bytes_written_down_here(void **state)
{
    (void)state;
    struct net_identity id;
    uint8_t cert[NET_CERT_BYTES], file[NET_IDENTITY_KEY_BYTES], sig[NET_SIG_BYTES], hash[32];
    identity_of(0x10, &id);
    for (uint8_t i = 0; i < 32; i++)
        hash[i] = i;
    net_cert_encode(&id.cert, cert);
    net_identity_encode(&id, file);
    net_identity_sign(&id, NET_CONTEXT_HEAD, cht_bytes(hash, sizeof hash), sig);
    assert_bytes(golden_device, id.device, sizeof id.device);
    assert_bytes(golden_cert, cert, sizeof cert);
    assert_bytes(golden_key_file, file, sizeof file);
    assert_bytes(golden_head_sig, sig, sizeof sig);
}

static void a_signature_holds_for_its_context_message_and_key_only(void **state)
{
    (void)state;
    struct net_identity id, other;
    uint8_t sig[NET_SIG_BYTES], message[40] = "a message of forty bytes";
    struct cht_bytes whole = cht_bytes(message, sizeof message);
    identity_of(0x10, &id);
    identity_of(0x20, &other);
    net_identity_sign(&id, NET_CONTEXT_RECORD, whole, sig);
    const uint8_t *pk = id.cert.sign_pk;

    assert_int_equal(CHT_OK, net_verify(NET_CONTEXT_RECORD, whole, pk, sig));
    assert_int_equal(CHT_E_SIGNATURE, net_verify(NET_CONTEXT_CERT, whole, pk, sig));
    assert_int_equal(CHT_E_SIGNATURE, net_verify(NET_CONTEXT_HEAD, whole, pk, sig));
    assert_int_equal(CHT_E_SIGNATURE,
                     net_verify(NET_CONTEXT_RECORD, whole, other.cert.sign_pk, sig));
    assert_int_equal(CHT_E_SIGNATURE,
                     net_verify(NET_CONTEXT_RECORD, cht_bytes(message, 39), pk, sig));
    for (size_t bit = 0; bit < 8 * sizeof sig; bit++) {
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(CHT_E_SIGNATURE, net_verify(NET_CONTEXT_RECORD, whole, pk, sig));
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof message; bit++) {
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(CHT_E_SIGNATURE, net_verify(NET_CONTEXT_RECORD, whole, pk, sig));
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(CHT_OK, net_verify(NET_CONTEXT_RECORD, whole, pk, sig));
}

/* RFC 8032 5.1.7: S must be below the group's order; adding the order gives a second S that a lax
 * verifier takes. */
static void a_malleated_signature_is_refused(void **state)
{
    (void)state;
    static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                       0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };
    struct net_identity id;
    uint8_t sig[NET_SIG_BYTES];
    identity_of(0x10, &id);
    net_identity_sign(&id, NET_CONTEXT_HEAD, cht_bytes_str("x"), sig);
    unsigned carry = 0;
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)sig[32 + i] + order[i];
        sig[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(CHT_E_SIGNATURE,
                     net_verify(NET_CONTEXT_HEAD, cht_bytes_str("x"), id.cert.sign_pk, sig));
}

static void a_key_of_small_order_signs_nothing(void **state)
{
    (void)state;
    const uint8_t neutral[NET_SIGN_PK_BYTES] = { 1 };
    const uint8_t sig[NET_SIG_BYTES] = { 1 }; /* R neutral, S zero: holds in a lax verifier */
    assert_int_equal(CHT_E_SIGNATURE,
                     net_verify(NET_CONTEXT_HEAD, cht_bytes_str("x"), neutral, sig));
}

static void a_message_over_the_limit_is_not_verified(void **state)
{
    (void)state;
    static uint8_t big[NET_SIGN_BYTES_MAX + 1];
    struct net_identity id;
    uint8_t sig[NET_SIG_BYTES];
    identity_of(0x10, &id);
    net_identity_sign(&id, NET_CONTEXT_RECORD, cht_bytes(big, sizeof big - 1), sig);
    assert_int_equal(CHT_OK, net_verify(NET_CONTEXT_RECORD, cht_bytes(big, sizeof big - 1),
                                        id.cert.sign_pk, sig));
    assert_int_equal(CHT_E_LIMIT, net_verify(NET_CONTEXT_RECORD, cht_bytes(big, sizeof big),
                                             id.cert.sign_pk, sig));
}

static void a_certificate_goes_there_and_back(void **state)
{
    (void)state;
    struct net_identity id;
    struct net_cert back;
    uint8_t raw[NET_CERT_BYTES];
    identity_of(0x10, &id);
    net_cert_encode(&id.cert, raw);
    assert_int_equal(CHT_OK, net_cert_decode(cht_bytes(raw, sizeof raw), &back));
    assert_int_equal(0, net_cert_cmp(&id.cert, &back));
    assert_memory_equal(id.cert.sig, back.sig, sizeof back.sig);
}

static void a_certificate_with_any_bit_flipped_or_any_other_length_is_refused(void **state)
{
    (void)state;
    struct net_identity id;
    struct net_cert out = { .serial = 77 };
    uint8_t raw[NET_CERT_BYTES + 1] = { 0 };
    identity_of(0x10, &id);
    net_cert_encode(&id.cert, raw);
    for (size_t bit = 0; bit < 8 * NET_CERT_BYTES; bit++) {
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(CHT_E_SIGNATURE, net_cert_decode(cht_bytes(raw, NET_CERT_BYTES), &out));
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len <= sizeof raw; len++) {
        if (len != NET_CERT_BYTES)
            assert_int_equal(CHT_E_MALFORMED, net_cert_decode(cht_bytes(raw, len), &out));
    }
    assert_int_equal(77, out.serial);
}

static void of_two_certificates_the_later_serial_counts(void **state)
{
    (void)state;
    struct net_identity id;
    identity_of(0x10, &id);
    struct net_cert later = id.cert, renewed = id.cert, other_key = id.cert;
    later.stamp++;
    renewed.serial++;
    renewed.stamp = 0;
    other_key.transport_pk[0] ^= 1;
    assert_true(net_cert_cmp(&id.cert, &later) < 0);
    assert_true(net_cert_cmp(&later, &renewed) < 0 && net_cert_cmp(&renewed, &later) > 0);
    assert_true(net_cert_cmp(&id.cert, &other_key) != 0);
    assert_true((net_cert_cmp(&id.cert, &other_key) < 0) ==
                (net_cert_cmp(&other_key, &id.cert) > 0));
}

static void a_key_file_goes_there_and_back(void **state)
{
    (void)state;
    struct net_identity id, back;
    uint8_t file[NET_IDENTITY_KEY_BYTES];
    identity_of(0x10, &id);
    net_identity_encode(&id, file);
    assert_int_equal(CHT_OK, net_identity_decode(cht_bytes(file, sizeof file), &back));
    assert_memory_equal(id.sign_sk, back.sign_sk, sizeof id.sign_sk);
    assert_memory_equal(id.transport_sk, back.transport_sk, sizeof id.transport_sk);
    assert_memory_equal(id.device, back.device, sizeof id.device);
    assert_int_equal(0, net_cert_cmp(&id.cert, &back.cert));
}

static void a_damaged_key_file_is_told_from_a_strange_and_a_newer_one(void **state)
{
    (void)state;
    struct net_identity id, out;
    uint8_t file[NET_IDENTITY_KEY_BYTES];
    identity_of(0x10, &id);
    net_identity_encode(&id, file);
    memset(&out, 0x5a, sizeof out);
    for (size_t i = 0; i < sizeof file; i++) {
        enum cht_err want = i < 12 ? CHT_E_MALFORMED : i < 16 ? CHT_E_UNSUPPORTED : CHT_E_CORRUPT;
        file[i] ^= 0x04;
        assert_int_equal(want, net_identity_decode(cht_bytes(file, sizeof file), &out));
        file[i] ^= 0x04;
    }
    for (size_t len = 0; len < sizeof file; len++)
        assert_int_equal(len < 16 ? CHT_E_MALFORMED : CHT_E_CORRUPT,
                         net_identity_decode(cht_bytes(file, len), &out));
    assert_int_equal(0x5a, out.sign_sk[0]);
}

/* The checksum alone could be right for keys that do not belong together. */
static void a_key_file_with_another_devices_certificate_is_refused(void **state)
{
    (void)state;
    struct net_identity id, other, out;
    uint8_t file[NET_IDENTITY_KEY_BYTES];
    identity_of(0x10, &id);
    identity_of(0x20, &other);
    id.cert = other.cert;
    net_identity_encode(&id, file);
    assert_int_equal(CHT_E_CORRUPT, net_identity_decode(cht_bytes(file, sizeof file), &out));
}

static void clearing_an_identity_wipes_it(void **state)
{
    (void)state;
    static const struct net_identity zero;
    struct net_identity id;
    identity_of(0x10, &id);
    net_identity_clear(&id);
    net_identity_clear(&id);
    net_identity_clear(NULL);
    assert_memory_equal(&zero, &id, sizeof id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_certificate_have_the_bytes_written_down_here),
        cmocka_unit_test(a_signature_holds_for_its_context_message_and_key_only),
        cmocka_unit_test(a_malleated_signature_is_refused),
        cmocka_unit_test(a_key_of_small_order_signs_nothing),
        cmocka_unit_test(a_message_over_the_limit_is_not_verified),
        cmocka_unit_test(a_certificate_goes_there_and_back),
        cmocka_unit_test(a_certificate_with_any_bit_flipped_or_any_other_length_is_refused),
        cmocka_unit_test(of_two_certificates_the_later_serial_counts),
        cmocka_unit_test(a_key_file_goes_there_and_back),
        cmocka_unit_test(a_damaged_key_file_is_told_from_a_strange_and_a_newer_one),
        cmocka_unit_test(a_key_file_with_another_devices_certificate_is_refused),
        cmocka_unit_test(clearing_an_identity_wipes_it),
    };
    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
