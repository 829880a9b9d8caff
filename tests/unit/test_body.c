/* The ops in a body: what is read, what is void by itself, what voids or stops the entry
 * (PROTOCOL 3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crdt/base/arena.h"
#include "crdt/entry.h"
#include "tests/support/seeded.h"

struct fixture {
    struct cht_arena arena;
    struct cht_buf buf;
    struct crdt_op *ops;
    uint32_t count;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -1;
    cht_arena_init(&f->arena, 4u << 20);
    cht_buf_init(&f->buf, 2 * LIMIT_BODY_BYTES);
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

static enum cht_err decode(struct fixture *f, struct cht_bytes body)
{
    struct crdt_op *before = f->ops;
    f->count = 4711;
    enum cht_err err = crdt_body_decode(body, &f->arena, &f->ops, &f->count);
    if (err != CHT_OK)
        assert_true(f->ops == before && f->count == 4711); /* untouched */
    return err;
}

static struct cht_bytes from_hex(struct fixture *f, const char *hex)
{
    size_t len = strlen(hex) / 2;
    uint8_t *bytes = cht_arena_alloc(&f->arena, len);
    assert_non_null(bytes);
    assert_int_equal(CHT_OK, crdt_unhex(cht_bytes_str(hex), bytes, len));
    return cht_bytes(bytes, len);
}

static enum cht_err decode_hex(struct fixture *f, const char *hex)
{
    return decode(f, from_hex(f, hex));
}

static void assert_hex(const char *want, struct cht_bytes got)
{
    char hex[256];
    assert_true(got.len * 2 < sizeof hex);
    crdt_hex(got, hex);
    assert_string_equal(want, hex);
}

#define HASH "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"

/* [[1,1,"hi"], [1,2,"k",nil], [1,3,nil,5,[[0,7,1]]], [2,4], [2,5,"k"],
 *  [2,300,nil,[[2,70000,3],[hash,0]]], [1,6,"k",[1,2],[[0,7,1]]], [2,7,"k",[[0,7,1]]]] */
static const char every_form[] = "98"
                                 "930101a26869"
                                 "940102a16bc0"
                                 "950103c005919300"
                                 "0701"
                                 "920204"
                                 "930205a16b"
                                 "9402cd012cc0929302ce000111700392c420" HASH "00"
                                 "950106a16b92010291930007"
                                 "01"
                                 "940207a16b9193000701";

static void every_form_of_op_is_read(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_OK, decode_hex(f, every_form));
    assert_int_equal(8, f->count);
    static const struct {
        uint8_t kind;
        uint16_t field;
        const char *key, *value;
        uint32_t keeps;
    } want[] = {
        { CRDT_OP_PUT, 1, "", "a26869", 0 },     { CRDT_OP_PUT, 2, "a16b", "c0", 0 },
        { CRDT_OP_PUT, 3, "", "05", 1 },         { CRDT_OP_DROP, 4, "", "", 0 },
        { CRDT_OP_DROP, 5, "a16b", "", 0 },      { CRDT_OP_DROP, 300, "", "", 2 },
        { CRDT_OP_PUT, 6, "a16b", "920102", 1 }, { CRDT_OP_DROP, 7, "a16b", "", 1 },
    };
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(CHT_OK, f->ops[i].fault);
        assert_int_equal(want[i].kind, f->ops[i].kind);
        assert_int_equal(want[i].field, f->ops[i].field);
        assert_hex(want[i].key, f->ops[i].key);
        assert_hex(want[i].value, f->ops[i].value);
        assert_int_equal(want[i].keeps, f->ops[i].keep_count);
    }
    const struct crdt_keep *keeps = f->ops[5].keeps;
    assert_false(keeps[0].name.by_hash);
    assert_int_equal(2, keeps[0].name.number);
    assert_int_equal(70000, keeps[0].name.seq);
    assert_int_equal(3, keeps[0].index);
    assert_true(keeps[1].name.by_hash);
    assert_hex(HASH, cht_bytes(keeps[1].name.hash.b, CRDT_HASH_BYTES));
    assert_int_equal(0, keeps[1].index);
}

static void shortest_forms_are_written_back_exactly(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_OK, decode_hex(f, every_form));
    assert_int_equal(CHT_OK, crdt_body_encode(f->ops, f->count, &f->buf));
    assert_true(cht_bytes_eq(from_hex(f, every_form), cht_buf_view(&f->buf)));
    cht_buf_reset(&f->buf);
    assert_int_equal(CHT_OK, decode_hex(f, "90")); /* a dep-only entry's */
    assert_int_equal(0, f->count);
    assert_int_equal(CHT_OK, crdt_body_encode(f->ops, 0, &f->buf));
    assert_hex("90", cht_buf_view(&f->buf));
}

static void longer_forms_mean_the_same_and_are_written_shortest(void **state)
{
    struct fixture *f = *state;
    static const char *const rows[][2] = {
        { "dc000193cc01cd0001a26869", "91930101a26869" },
        { "91940101c0a26869", "91930101a26869" },   /* a key of nil */
        { "91950101c0a2686990", "91930101a26869" }, /* no dots to keep */
        { "91930204c0", "91920204" },
        { "91940205a16b90", "91930205a16b" },
        { "91950103c00591dc0003cc000701", "91950103c0059193000701" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cht_buf_reset(&f->buf);
        assert_int_equal(CHT_OK, decode_hex(f, rows[i][0]));
        assert_int_equal(1, f->count);
        assert_int_equal(CHT_OK, f->ops[0].fault);
        assert_int_equal(CHT_OK, crdt_body_encode(f->ops, 1, &f->buf));
        assert_hex(rows[i][1], cht_buf_view(&f->buf));
    }
}

static void an_op_whose_form_breaks_is_void_alone_and_keeps_its_index(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *op;
        enum cht_err fault;
    } rows[] = {
        { "c0", CHT_E_MALFORMED }, /* no array */
        { "05", CHT_E_MALFORMED },
        { "90", CHT_E_MALFORMED },                                   /* no kind */
        { "93000105", CHT_E_MALFORMED },                             /* kind 0 */
        { "93ff0105", CHT_E_MALFORMED },                             /* kind -1 */
        { "93a1780105", CHT_E_MALFORMED },                           /* kind "x" */
        { "9101", CHT_E_MALFORMED },                                 /* a put of nothing */
        { "920101", CHT_E_MALFORMED },                               /* a put without a value */
        { "960101a16b059005", CHT_E_MALFORMED },                     /* a put of six parts */
        { "9102", CHT_E_MALFORMED },                                 /* a drop of nothing */
        { "950201a16b9005", CHT_E_MALFORMED },                       /* a drop of five parts */
        { "9301ff05", CHT_E_MALFORMED },                             /* field -1 */
        { "9301a16105", CHT_E_MALFORMED },                           /* field "a" */
        { "9301cd3fff05", CHT_OK },                                  /* field 16383 */
        { "9301cd400005", CHT_E_LIMIT },                             /* field 16384 */
        { "950101c00505", CHT_E_MALFORMED },                         /* keeps no list */
        { "950101c00591c0", CHT_E_MALFORMED },                       /* a dot no list */
        { "950101c005919101", CHT_E_MALFORMED },                     /* a dot of one part */
        { "950101c0059193000001", CHT_E_MALFORMED },                 /* seq 0 */
        { "950101c00591930001ff", CHT_E_MALFORMED },                 /* index -1 */
        { "950101c0059192c4010100", CHT_E_MALFORMED },               /* a short hash */
        { "950101c0059192a000", CHT_E_MALFORMED },                   /* a hash no binary */
        { "950101c0059193cf00000001000000000100", CHT_E_MALFORMED }, /* number 2^32 */
        { "950101c0059193ceffffffff0100", CHT_OK },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char hex[128] = "92";
        strcat(hex, rows[i].op);
        strcat(hex, "930101a26869");
        assert_int_equal(CHT_OK, decode_hex(f, hex));
        assert_int_equal(2, f->count);
        assert_int_equal(rows[i].fault, f->ops[0].fault);
        if (rows[i].fault != CHT_OK)
            assert_int_equal(0, f->ops[0].value.len + f->ops[0].key.len + f->ops[0].keep_count);
        assert_int_equal(CHT_OK, f->ops[1].fault);
        assert_hex("a26869", f->ops[1].value);
    }
}

/* [[1, 1, key of `key_len` bytes, value of `value_len` bytes]], each a binary. */
static struct cht_bytes put_of(struct fixture *f, size_t key_len, size_t value_len)
{
    uint8_t *p = cht_arena_alloc(&f->arena, 4 + key_len + value_len);
    assert_non_null(p);
    memcpy(p, "\x91\x94\x01\x01", 4);
    p[4] = 0xc5;
    p[5] = (uint8_t)((key_len - 3) >> 8);
    p[6] = (uint8_t)(key_len - 3);
    uint8_t *value = p + 4 + key_len;
    value[0] = 0xc6;
    value[2] = (uint8_t)((value_len - 5) >> 16);
    value[3] = (uint8_t)((value_len - 5) >> 8);
    value[4] = (uint8_t)(value_len - 5);
    return cht_bytes(p, 4 + key_len + value_len);
}

static void keys_and_values_have_their_limits(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_OK, decode(f, put_of(f, LIMIT_KEY_BYTES, LIMIT_VALUE_BYTES)));
    assert_int_equal(CHT_OK, f->ops[0].fault);
    assert_int_equal(CHT_OK, decode(f, put_of(f, LIMIT_KEY_BYTES + 1, 10)));
    assert_int_equal(CHT_E_LIMIT, f->ops[0].fault);
    assert_int_equal(CHT_OK, decode(f, put_of(f, 10, LIMIT_VALUE_BYTES + 1)));
    assert_int_equal(CHT_E_LIMIT, f->ops[0].fault);
    assert_int_equal(CHT_OK, decode(f, put_of(f, 4, LIMIT_BODY_BYTES - 8)));
    assert_int_equal(CHT_E_LIMIT, decode(f, put_of(f, 4, LIMIT_BODY_BYTES - 7)));
}

static void lists_of_kept_dots_have_their_limit(void **state)
{
    struct fixture *f = *state;
    uint8_t body[16 + 4 * (LIMIT_KEEPS + 1)] = { 0x91, 0x94, 0x02, 0x01, 0xc0, 0xdc };
    for (size_t count = LIMIT_KEEPS; count <= LIMIT_KEEPS + 1; count++) {
        body[6] = (uint8_t)(count >> 8);
        body[7] = (uint8_t)count;
        for (size_t i = 0; i < count; i++)
            memcpy(body + 8 + 4 * i, "\x93\x00\x01\x02", 4);
        assert_int_equal(CHT_OK, decode(f, cht_bytes(body, 8 + 4 * count)));
        assert_int_equal(count <= LIMIT_KEEPS ? CHT_OK : CHT_E_LIMIT, f->ops[0].fault);
    }
}

static void a_body_that_is_no_list_of_ops_has_none(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_E_MALFORMED, decode_hex(f, ""));
    assert_int_equal(CHT_E_MALFORMED, decode_hex(f, "c0"));
    assert_int_equal(CHT_E_MALFORMED, decode_hex(f, "80"));
    assert_int_equal(CHT_E_MALFORMED, decode_hex(f, "9090"));
    assert_int_equal(CHT_E_MALFORMED, decode_hex(f, "91930101c1"));
    assert_int_equal(CHT_E_MALFORMED, decode_hex(f, "ddffffffff"));
    struct cht_bytes good = from_hex(f, every_form);
    for (size_t len = 0; len < good.len; len++)
        assert_int_equal(CHT_E_MALFORMED, decode(f, cht_bytes(good.data, len)));
}

static void a_value_nests_eight_deep_and_no_deeper(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_OK, decode_hex(f, "919301019191919191919190"));
    assert_int_equal(CHT_OK, f->ops[0].fault);
    assert_int_equal(CHT_E_LIMIT, decode_hex(f, "91930101919191919191919190"));
}

static void a_body_has_a_limited_number_of_ops(void **state)
{
    struct fixture *f = *state;
    static uint8_t body[3 + 3 * (LIMIT_ENTRY_OPS + 1)] = { 0xdc };
    for (size_t count = LIMIT_ENTRY_OPS; count <= LIMIT_ENTRY_OPS + 1; count++) {
        body[1] = (uint8_t)(count >> 8);
        body[2] = (uint8_t)count;
        for (size_t i = 0; i < count; i++)
            memcpy(body + 3 + 3 * i, "\x92\x02\x01", 3);
        assert_int_equal(count <= LIMIT_ENTRY_OPS ? CHT_OK : CHT_E_LIMIT,
                         decode(f, cht_bytes(body, 3 + 3 * count)));
    }
    assert_int_equal(CHT_E_LIMIT, crdt_body_encode(f->ops, LIMIT_ENTRY_OPS + 1, &f->buf));
    assert_int_equal(0, f->buf.len);
}

static void an_op_kind_from_the_future_makes_its_entry_wait(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_E_UNSUPPORTED, decode_hex(f, "92930101a268699103"));
    assert_int_equal(CHT_E_UNSUPPORTED, decode_hex(f, "9194030105a178"));
    assert_int_equal(CHT_E_UNSUPPORTED, decode_hex(f, "9191cfffffffffffffffff"));
}

static void a_body_that_would_pass_its_limit_is_not_written(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_OK, decode(f, put_of(f, 10, LIMIT_VALUE_BYTES)));
    struct crdt_op ops[2] = { f->ops[0], f->ops[0] };
    assert_int_equal(CHT_OK, cht_buf_add_u8(&f->buf, 7));
    assert_int_equal(CHT_E_LIMIT, crdt_body_encode(ops, 2, &f->buf));
    assert_int_equal(1, f->buf.len);
    assert_int_equal(CHT_OK, crdt_body_encode(ops, 1, &f->buf));
}

static void no_memory_is_an_error_of_the_whole_body(void **state)
{
    struct fixture *f = *state;
    struct cht_bytes body = from_hex(f, every_form);
    f->arena.limit = f->arena.used + 10;
    assert_int_equal(CHT_E_NOMEM, decode(f, body));
    f->arena.limit = f->arena.used + 8 * sizeof(struct crdt_op) + 10;
    assert_int_equal(CHT_E_NOMEM, decode(f, body));
}

static void changed_bodies_are_read_within_their_bytes(void **state)
{
    struct fixture *f = *state;
    struct seeded s = seeded_start(3);
    uint8_t good[128];
    size_t len = strlen(every_form) / 2;
    assert_int_equal(CHT_OK, crdt_unhex(cht_bytes_str(every_form), good, len));
    unsigned accepted = 0;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t *body = malloc(len);
        assert_non_null(body);
        memcpy(body, good, len);
        for (uint32_t n = 1 + seeded_below(&s, 3); n > 0; n--)
            body[seeded_below(&s, (uint32_t)len)] = (uint8_t)seeded_next(&s);
        if (crdt_body_decode(cht_bytes(body, len), &f->arena, &f->ops, &f->count) == CHT_OK)
            accepted++;
        free(body);
        cht_arena_reset(&f->arena);
    }
    assert_true(accepted > 1000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_form_of_op_is_read),
        TEST(shortest_forms_are_written_back_exactly),
        TEST(longer_forms_mean_the_same_and_are_written_shortest),
        TEST(an_op_whose_form_breaks_is_void_alone_and_keeps_its_index),
        TEST(keys_and_values_have_their_limits),
        TEST(lists_of_kept_dots_have_their_limit),
        TEST(a_body_that_is_no_list_of_ops_has_none),
        TEST(a_value_nests_eight_deep_and_no_deeper),
        TEST(a_body_has_a_limited_number_of_ops),
        TEST(an_op_kind_from_the_future_makes_its_entry_wait),
        TEST(a_body_that_would_pass_its_limit_is_not_written),
        TEST(no_memory_is_an_error_of_the_whole_body),
        TEST(changed_bodies_are_read_within_their_bytes),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
