/* The bytes of an entry's header: one encoding, everything else refused (PROTOCOL 2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crdt/base/arena.h"
#include "crdt/entry.h"
#include "tests/support/seeded.h"

static const char hex_first[] =
    "0141101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435"
    "3637000000000000000000000000000000000000000000000000000000000000000000000045b6a4"
    "9a019f81200f08fcdf9fd89fe8c579cb8f4e660c427e37943d3d10dded7fe03d351e010704404142"
    "434445464748494a4b4c4d4e4f01a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9"
    "babbbcbdbebf";
static const char hex_full[] =
    "0176101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435"
    "3637505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f07007b45b6a4"
    "9a019f81200f08fcdf9fd89fe8c579cb8f4e660c427e37943d3d10dded7fe03d351eac0207000700"
    "606162636465666768696a6b6c6d6e6f000302707172737475767778797a7b7c7d7e7f8081828384"
    "85868709909192939495969798999a9b9c9d9e9f7172737475767778797a7b7c7d7e7f8080818283"
    "84858687f0a204909192939495969798999a9b9c9d9e9f02a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
    "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7"
    "c8c9cacbcccdcecf";
static const char hex_hashed[] =
    "011b101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435"
    "3637505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f08007b45b6a4"
    "9a019f81200f08fcdf9fd89fe8c579cb8f4e660c427e37943d3d10dded7fe03d351ead0207c0c1c2"
    "c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf0281010102";
static const char hex_actor_hash[] =
    "010d101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435"
    "3637505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6fffffffffffff"
    "ffff9f81200f08fcdf9fd89fe8c579cb8f4e660c427e37943d3d10dded7fe03d351effffffff0f07"
    "ff404142434445464748494a4b4c4d4e4fc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6"
    "d7d8d9dadbdcdddedf";
static const char hex_deponly[] =
    "0120101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435"
    "3637505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f00007c45b6a4"
    "9a018064bf5f945dba521b017bb3f32b31a293a6e16944838d171ea9e77fab085e8eae0201017071"
    "72737475767778797a7b7c7d7e7f808182838485868701909192939495969798999a9b9c9d9e9f";

/* The hashes of the headers above. */
static const struct {
    const char *header, *hash;
} golden[] = {
    { hex_first, "b13558209fff5c49bd030b5077ccea9e6e27dc200a3a210f6778c37506814df0" },
    { hex_full, "a87650163070302e7d9bdbbf9724d3fc9598b744da2684b72214f1420edfc970" },
    { hex_hashed, "a3d7bce247cfa71ffb470d0d2d54b3eeb575a84abdab0f4b78601f64c8b99fcf" },
    { hex_actor_hash, "d5b879778964e938cb35f6f397eae49289195c2da866430571fcd90fb4f11f1a" },
    { hex_deponly, "ad388dbfa64e98cf158bd6b8faac78d8281b87faa13bfb458b4eefde40b1109d" },
};

struct fixture {
    struct cht_arena arena;
    struct cht_buf buf;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -1;
    cht_arena_init(&f->arena, 1u << 20);
    cht_buf_init(&f->buf, LIMIT_HEADER_BYTES);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    cht_arena_clear(&f->arena);
    cht_buf_clear(&f->buf);
    free(f);
    return 0;
}

static struct cht_bytes from_hex(struct fixture *f, const char *hex)
{
    size_t len = strlen(hex) / 2;
    uint8_t *bytes = cht_arena_alloc(&f->arena, len);
    assert_non_null(bytes);
    assert_int_equal(CHT_OK, crdt_unhex(cht_bytes_str(hex), bytes, len));
    return cht_bytes(bytes, len);
}

static struct crdt_header header_of(struct fixture *f, const char *hex)
{
    struct crdt_header h;
    assert_int_equal(CHT_OK, crdt_header_decode(from_hex(f, hex), &f->arena, &h));
    return h;
}

static enum cht_err decode(struct fixture *f, struct cht_bytes bytes)
{
    struct crdt_header h = { .seq = 4711 };
    enum cht_err err = crdt_header_decode(bytes, &f->arena, &h);
    if (err != CHT_OK)
        assert_int_equal(4711, h.seq); /* untouched */
    return err;
}

/* The error of the header with one byte changed. */
static enum cht_err decode_with(struct fixture *f, const char *hex, size_t at, uint8_t value)
{
    struct cht_bytes good = from_hex(f, hex);
    uint8_t bytes[512];
    assert_true(good.len <= sizeof bytes && at < good.len);
    memcpy(bytes, good.data, good.len);
    bytes[at] = value;
    return decode(f, cht_bytes(bytes, good.len));
}

static void golden_headers_decode_and_encode_to_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++) {
        struct cht_bytes bytes = from_hex(f, golden[i].header);
        struct crdt_header h = header_of(f, golden[i].header);
        cht_buf_reset(&f->buf);
        assert_int_equal(CHT_OK, crdt_header_encode(&h, &f->buf));
        assert_true(cht_bytes_eq(bytes, cht_buf_view(&f->buf)));
        assert_int_equal(bytes.len, crdt_header_size(&h));
        char hash[2 * CRDT_HASH_BYTES + 1];
        crdt_hex(cht_bytes(crdt_hash_of(bytes).b, CRDT_HASH_BYTES), hash);
        assert_string_equal(golden[i].hash, hash);
    }
}

static void the_fields_of_a_full_header_are_read(void **state)
{
    struct fixture *f = *state;
    struct crdt_header h = header_of(f, hex_full);
    assert_int_equal(300, h.seq);
    assert_int_equal(0x10, h.space[0]);
    assert_int_equal(0x20, h.device[0]);
    assert_int_equal(0x30, h.epoch[0]);
    assert_int_equal(0x50, h.prev.b[0]);
    assert_true(h.hlc == crdt_hlc_make(1763700000123, 7));
    assert_int_equal(7, h.body_len);
    assert_int_equal(CRDT_REF_NAMED, h.entity.form);
    assert_int_equal(0, h.entity.name.number);
    assert_int_equal(7, h.entity.name.seq);
    assert_false(h.entity.name.by_hash);
    assert_int_equal(CRDT_REF_SPELT, h.actor.form);
    assert_int_equal(0, h.actor.id.type);
    assert_int_equal(0x60, h.actor.id.b[0]);
    assert_int_equal(0, h.txn_position);
    assert_int_equal(3, h.txn_count);
    assert_int_equal(2, h.dep_count);
    assert_int_equal(0x70, h.deps[0].device[0]);
    assert_int_equal(0x80, h.deps[0].epoch[0]);
    assert_int_equal(70000, h.deps[1].seq);
    assert_int_equal(0x90, h.deps[1].hash[0]);
    assert_int_equal(2, h.head_count);
    assert_int_equal(0xb0, h.heads[1].b[0]);
}

static void references_keep_their_form(void **state)
{
    struct fixture *f = *state;
    struct crdt_header h = header_of(f, hex_hashed);
    assert_int_equal(CRDT_REF_HASH, h.entity.form);
    assert_true(h.entity.name.by_hash);
    assert_int_equal(0xc0, h.entity.name.hash.b[0]);
    assert_int_equal(CRDT_REF_NAMED, h.actor.form);
    assert_int_equal(2, h.actor.name.number);
    assert_int_equal(129, h.actor.name.seq);
    assert_int_equal(1, h.txn_position);
    h = header_of(f, hex_actor_hash);
    assert_int_equal(CRDT_REF_SPELT, h.entity.form);
    assert_int_equal(0xff, h.entity.id.type); /* a type no build knows is kept */
    assert_int_equal(CRDT_REF_HASH, h.actor.form);
    assert_true(h.seq == UINT32_MAX);
    h = header_of(f, hex_deponly);
    assert_int_equal(CRDT_REF_NONE, h.entity.form);
    assert_int_equal(CRDT_REF_NONE, h.actor.form);
    assert_int_equal(1, h.txn_count);
}

static void a_header_cut_anywhere_or_followed_by_a_byte_is_malformed(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++) {
        struct cht_bytes good = from_hex(f, golden[i].header);
        for (size_t len = 0; len < good.len; len++) {
            uint8_t *cut = malloc(len + 1); /* its own block: reading past the end shows */
            assert_non_null(cut);
            memcpy(cut, good.data, len);
            assert_int_equal(CHT_E_MALFORMED, decode(f, cht_bytes(cut, len)));
            free(cut);
        }
        uint8_t longer[512] = { 0 };
        memcpy(longer, good.data, good.len);
        assert_int_equal(CHT_E_MALFORMED, decode(f, cht_bytes(longer, good.len + 1)));
    }
}

static void the_version_and_reserved_bits_are_looked_at(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_E_UNSUPPORTED, decode_with(f, hex_first, 0, 2));
    assert_int_equal(CHT_E_UNSUPPORTED, decode_with(f, hex_first, 0, 0));
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_first, 1, 0x41 | 0x80));
}

enum { PREV_AT = 42, SEQ_AT = 114 };

static void sequence_numbers_and_prev_belong_together(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_first, SEQ_AT, 0));
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_first, SEQ_AT, 2)); /* prev is zero */
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_first, PREV_AT, 1));
    assert_int_equal(CHT_OK, decode_with(f, hex_deponly, SEQ_AT, 0xaf));
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_deponly, SEQ_AT + 1, 0)); /* long varint */
    /* the last byte of 2^32-1: one more bit is beyond 32 */
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_actor_hash, SEQ_AT + 4, 0x1f));
}

static void body_lengths_are_one_to_the_limit(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_first, SEQ_AT + 1, 0));
    assert_int_equal(CHT_OK, decode_with(f, hex_first, SEQ_AT + 1, 1));
    struct crdt_header h = header_of(f, hex_first);
    h.body_len = LIMIT_BODY_BYTES;
    assert_int_equal(CHT_OK, crdt_header_check(&h));
    h.body_len++;
    assert_int_equal(CHT_E_LIMIT, crdt_header_check(&h));
    /* a dep-only entry has the empty body */
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_deponly, SEQ_AT + 2, 2));
}

static void an_entity_has_a_type_and_an_actor_has_none(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_first, SEQ_AT + 2, 0));
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_full, SEQ_AT + 5, 4));
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_full, SEQ_AT + 4, 0)); /* names seq 0 */
}

static void a_transaction_has_two_members_at_least_and_this_is_one(void **state)
{
    struct fixture *f = *state;
    struct cht_bytes good = from_hex(f, hex_hashed);
    size_t position = good.len - 2;
    assert_int_equal(CHT_OK, decode_with(f, hex_hashed, position, 0));
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_hashed, position, 2));
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_hashed, position + 1, 1));
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_hashed, position + 1, 0));
    struct crdt_header h = header_of(f, hex_full); /* deps stand at position 0 only */
    h.txn_position = 1;
    assert_int_equal(CHT_E_MALFORMED, crdt_header_check(&h));
}

static void deps_are_sorted_once_each_and_within_their_limit(void **state)
{
    struct fixture *f = *state;
    struct crdt_header h = header_of(f, hex_full);
    struct crdt_dep deps[LIMIT_DEPS + 1];
    memset(deps, 0, sizeof deps);
    deps[0].seq = 1;
    deps[1].seq = 2;
    h.deps = deps;
    h.dep_count = 2;
    assert_int_equal(CHT_OK, crdt_header_check(&h));
    deps[1].seq = 1;
    assert_int_equal(CHT_E_MALFORMED, crdt_header_check(&h)); /* twice the same */
    deps[1].hash[15] = 1;
    assert_int_equal(CHT_OK, crdt_header_check(&h));
    deps[0].seq = 255; /* numbers, not little-endian bytes, are compared */
    deps[1].seq = 256;
    assert_int_equal(CHT_OK, crdt_header_check(&h));
    deps[0].epoch[7] = 1;
    assert_int_equal(CHT_E_MALFORMED, crdt_header_check(&h));
    deps[1].device[15] = 1;
    assert_int_equal(CHT_OK, crdt_header_check(&h));
    deps[1].seq = 0;
    assert_int_equal(CHT_E_MALFORMED, crdt_header_check(&h));
    h.dep_count = LIMIT_DEPS + 1;
    assert_int_equal(CHT_E_LIMIT, crdt_header_check(&h));
    struct crdt_dep none = { .seq = 0 };
    h.deps = &none;
    h.dep_count = 1;
    assert_int_equal(CHT_E_MALFORMED, crdt_header_check(&h));
}

static void heads_are_sorted_once_each_and_within_their_limit(void **state)
{
    struct fixture *f = *state;
    struct crdt_header h = header_of(f, hex_full);
    struct crdt_hash heads[2] = { h.heads[1], h.heads[0] };
    h.heads = heads;
    assert_int_equal(CHT_E_MALFORMED, crdt_header_check(&h));
    heads[0] = heads[1];
    assert_int_equal(CHT_E_MALFORMED, crdt_header_check(&h));
    h.head_count = LIMIT_MEMBER_HEADS + 1;
    assert_int_equal(CHT_E_LIMIT, crdt_header_check(&h));
}

static void counts_that_lie_are_refused_before_anything_is_read(void **state)
{
    struct fixture *f = *state;
    size_t deps_at = from_hex(f, hex_deponly).len - 42;
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_deponly, deps_at, 0));
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_deponly, deps_at, 2));
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_deponly, deps_at, LIMIT_DEPS));
    assert_int_equal(CHT_E_LIMIT, decode_with(f, hex_deponly, deps_at, LIMIT_DEPS + 1));
    size_t heads_at = from_hex(f, hex_first).len - 33;
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_first, heads_at, 0));
    assert_int_equal(CHT_E_MALFORMED, decode_with(f, hex_first, heads_at, LIMIT_MEMBER_HEADS));
    assert_int_equal(CHT_E_LIMIT, decode_with(f, hex_first, heads_at, LIMIT_MEMBER_HEADS + 1));
    uint8_t large[LIMIT_HEADER_BYTES + 1] = { 1 };
    assert_int_equal(CHT_E_LIMIT, decode(f, cht_bytes(large, sizeof large)));
}

static void the_largest_header_fits_its_limit(void **state)
{
    struct fixture *f = *state;
    struct crdt_header h = header_of(f, hex_full);
    struct crdt_dep deps[LIMIT_DEPS];
    struct crdt_hash heads[LIMIT_MEMBER_HEADS];
    memset(deps, 0xff, sizeof deps);
    memset(heads, 0xff, sizeof heads);
    for (uint32_t i = 0; i < LIMIT_DEPS; i++)
        deps[i].hash[15] = (uint8_t)i;
    for (uint32_t i = 0; i < LIMIT_MEMBER_HEADS; i++)
        heads[i].b[31] = (uint8_t)i;
    h.deps = deps;
    h.dep_count = LIMIT_DEPS;
    h.heads = heads;
    h.head_count = LIMIT_MEMBER_HEADS;
    assert_int_equal(CHT_OK, crdt_header_encode(&h, &f->buf));
    assert_int_equal(CHT_OK, decode(f, cht_buf_view(&f->buf)));
}

static void no_memory_is_an_error_and_leaves_the_output(void **state)
{
    struct fixture *f = *state;
    struct cht_bytes bytes = from_hex(f, hex_full);
    struct cht_arena small;
    struct crdt_header h = { .seq = 4711 };
    cht_arena_init(&small, sizeof(struct crdt_dep));
    assert_int_equal(CHT_E_NOMEM, crdt_header_decode(bytes, &small, &h));
    small.limit = 2 * sizeof(struct crdt_dep) + 1;
    assert_int_equal(CHT_E_NOMEM, crdt_header_decode(bytes, &small, &h));
    assert_int_equal(4711, h.seq);
    cht_arena_clear(&small);
    h = header_of(f, hex_full);
    f->buf.limit = 100;
    assert_int_equal(CHT_E_LIMIT, crdt_header_encode(&h, &f->buf));
    assert_int_equal(0, f->buf.len);
}

static void every_changed_byte_decodes_to_itself_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    struct seeded s = seeded_start(2);
    for (unsigned round = 0; round < 20000; round++) {
        struct cht_bytes good =
            from_hex(f, golden[seeded_below(&s, sizeof golden / sizeof golden[0])].header);
        uint8_t bytes[512];
        memcpy(bytes, good.data, good.len);
        for (uint32_t flips = 1 + seeded_below(&s, 3); flips > 0; flips--)
            bytes[seeded_below(&s, 4) == 0 ? 1 : seeded_below(&s, (uint32_t)good.len)] ^=
                (uint8_t)(1u << seeded_below(&s, 8));
        struct crdt_header h;
        if (crdt_header_decode(cht_bytes(bytes, good.len), &f->arena, &h) == CHT_OK) {
            cht_buf_reset(&f->buf);
            assert_int_equal(CHT_OK, crdt_header_encode(&h, &f->buf));
            assert_true(cht_bytes_eq(cht_bytes(bytes, good.len), cht_buf_view(&f->buf)));
        }
        cht_arena_reset(&f->arena);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(golden_headers_decode_and_encode_to_the_same_bytes),
        TEST(the_fields_of_a_full_header_are_read),
        TEST(references_keep_their_form),
        TEST(a_header_cut_anywhere_or_followed_by_a_byte_is_malformed),
        TEST(the_version_and_reserved_bits_are_looked_at),
        TEST(sequence_numbers_and_prev_belong_together),
        TEST(body_lengths_are_one_to_the_limit),
        TEST(an_entity_has_a_type_and_an_actor_has_none),
        TEST(a_transaction_has_two_members_at_least_and_this_is_one),
        TEST(deps_are_sorted_once_each_and_within_their_limit),
        TEST(heads_are_sorted_once_each_and_within_their_limit),
        TEST(counts_that_lie_are_refused_before_anything_is_read),
        TEST(the_largest_header_fits_its_limit),
        TEST(no_memory_is_an_error_and_leaves_the_output),
        TEST(every_changed_byte_decodes_to_itself_or_not_at_all),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
