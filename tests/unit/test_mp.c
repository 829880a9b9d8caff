/* The bounded msgpack reader and the shortest writers (PROTOCOL 1.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crdt/base/buf.h"
#include "crdt/limits.h"
#include "crdt/mp.h"
#include "tests/support/seeded.h"

#include <float.h>
#include <math.h>

#define DOC(...)                                                                                   \
    cht_bytes((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static enum cht_err scan(struct cht_bytes doc)
{
    return crdt_mp_scan(doc, LIMIT_MSGPACK_DEPTH, LIMIT_MSGPACK_OBJECTS);
}

static void every_head_is_read_with_its_value(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        enum crdt_mp_kind kind;
        uint64_t u;
        int64_t i;
    } rows[] = {
        { "\xc0", 1, CRDT_MP_NIL, 0, 0 },
        { "\xc2", 1, CRDT_MP_BOOL, 0, 0 },
        { "\xc3", 1, CRDT_MP_BOOL, 1, 0 },
        { "\x00", 1, CRDT_MP_UINT, 0, 0 },
        { "\x7f", 1, CRDT_MP_UINT, 127, 127 },
        { "\xcc\x05", 2, CRDT_MP_UINT, 5, 5 },
        { "\xcd\x01\x00", 3, CRDT_MP_UINT, 256, 256 },
        { "\xce\x01\x00\x00\x00", 5, CRDT_MP_UINT, 1u << 24, 1 << 24 },
        { "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9, CRDT_MP_UINT, UINT64_MAX, INT64_MAX },
        { "\xe0", 1, CRDT_MP_INT, 0, -32 },
        { "\xff", 1, CRDT_MP_INT, 0, -1 },
        { "\xd0\x80", 2, CRDT_MP_INT, 0, -128 },
        { "\xd0\x05", 2, CRDT_MP_UINT, 5, 5 },
        { "\xd1\x80\x00", 3, CRDT_MP_INT, 0, INT16_MIN },
        { "\xd2\x80\x00\x00\x00", 5, CRDT_MP_INT, 0, INT32_MIN },
        { "\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9, CRDT_MP_INT, 0, INT64_MIN },
        { "\xd3\x7f\xff\xff\xff\xff\xff\xff\xff", 9, CRDT_MP_UINT, INT64_MAX, INT64_MAX },
        { "\x90", 1, CRDT_MP_ARRAY, 0, 0 },
        { "\x91\xc0", 2, CRDT_MP_ARRAY, 1, 0 },
        { "\xdc\x00\x01\xc0", 4, CRDT_MP_ARRAY, 1, 0 },
        { "\xdd\x00\x00\x00\x01\xc0", 6, CRDT_MP_ARRAY, 1, 0 },
        { "\x81\xc0\xc0", 3, CRDT_MP_MAP, 1, 0 },
        { "\xde\x00\x01\xc0\xc0", 5, CRDT_MP_MAP, 1, 0 },
        { "\xdf\x00\x00\x00\x01\xc0\xc0", 7, CRDT_MP_MAP, 1, 0 },
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct cht_bytes doc = cht_bytes(rows[r].bytes, rows[r].len);
        assert_int_equal(CHT_OK, scan(doc));
        struct crdt_mp got = crdt_mp_peek(doc);
        assert_int_equal(rows[r].kind, got.kind);
        assert_true(rows[r].u == got.u);
        if (got.kind == CRDT_MP_INT || got.kind == CRDT_MP_UINT)
            assert_true(rows[r].i == got.i);
    }
}

static void strings_binaries_and_extensions_borrow_their_payload(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len, head;
        enum crdt_mp_kind kind;
    } rows[] = {
        { "\xa0", 1, 1, CRDT_MP_STR },
        { "\xa2hi", 3, 1, CRDT_MP_STR },
        { "\xd9\x02hi", 4, 2, CRDT_MP_STR },
        { "\xda\x00\x02hi", 5, 3, CRDT_MP_STR },
        { "\xdb\x00\x00\x00\x02hi", 7, 5, CRDT_MP_STR },
        { "\xc4\x02hi", 4, 2, CRDT_MP_BIN },
        { "\xc5\x00\x02hi", 5, 3, CRDT_MP_BIN },
        { "\xc6\x00\x00\x00\x02hi", 7, 5, CRDT_MP_BIN },
        { "\xc7\x02\xffhi", 5, 3, CRDT_MP_EXT },
        { "\xc8\x00\x02\xffhi", 6, 4, CRDT_MP_EXT },
        { "\xc9\x00\x00\x00\x02\xffhi", 8, 6, CRDT_MP_EXT },
        { "\xd4\xffh", 3, 2, CRDT_MP_EXT },
        { "\xd5\xffhi", 4, 2, CRDT_MP_EXT },
        { "\xd6\xffhiho", 6, 2, CRDT_MP_EXT },
        { "\xd7\xffhihohiho", 10, 2, CRDT_MP_EXT },
        { "\xd8\xffhihohihohihohiho", 18, 2, CRDT_MP_EXT },
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct cht_bytes doc = cht_bytes(rows[r].bytes, rows[r].len);
        struct crdt_mp got = crdt_mp_peek(doc);
        assert_int_equal(rows[r].kind, got.kind);
        assert_ptr_equal(doc.data + rows[r].head, got.data.data);
        assert_int_equal(rows[r].len - rows[r].head, got.data.len);
        assert_int_equal(got.kind == CRDT_MP_EXT ? -1 : 0, got.ext);
        assert_int_equal(CHT_OK, scan(doc));
        for (size_t cut = 0; cut < doc.len; cut++)
            assert_int_equal(CHT_E_MALFORMED, scan(cht_bytes(doc.data, cut)));
    }
}

static void floats_of_both_widths_are_read(void **state)
{
    (void)state;
    assert_true(crdt_mp_peek(DOC(0xca, 0x3f, 0x80, 0, 0)).f == 1.0);
    assert_true(crdt_mp_peek(DOC(0xcb, 0xbf, 0xf8, 0, 0, 0, 0, 0, 0)).f == -1.5);
    assert_int_equal(CRDT_MP_FLOAT, crdt_mp_peek(DOC(0xca, 0x3f, 0x80, 0, 0)).kind);
}

static void a_document_is_refused_for_what_is_wrong_with_it(void **state)
{
    (void)state;
    assert_int_equal(CHT_E_MALFORMED, scan(cht_bytes(NULL, 0)));
    assert_int_equal(CHT_E_MALFORMED, scan(DOC(0xc1)));
    assert_int_equal(CHT_E_MALFORMED, scan(DOC(0xc0, 0xc0))); /* something follows */
    assert_int_equal(CHT_E_MALFORMED, scan(DOC(0xdd, 0x08, 0, 0, 0)));
    assert_int_equal(CHT_E_MALFORMED, scan(DOC(0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0)));
    assert_int_equal(CHT_E_MALFORMED, scan(DOC(0xdf, 0xff, 0xff, 0xff, 0xff, 0xc0)));
    assert_int_equal(CHT_E_MALFORMED, scan(DOC(0xdf, 0, 0, 0, 1, 0xc0)));
    assert_int_equal(CHT_E_MALFORMED, scan(DOC(0xc6, 0xff, 0xff, 0xff, 0xff, 0)));
    assert_int_equal(CHT_E_MALFORMED, scan(DOC(0xdb, 0xff, 0xff, 0xff, 0xff, 0)));
    assert_int_equal(CHT_E_MALFORMED, scan(DOC(0xc9, 0xff, 0xff, 0xff, 0xff, 0)));
    assert_int_equal(CHT_E_MALFORMED, scan(DOC(0x92, 0xc0)));
    assert_int_equal(CHT_E_MALFORMED, scan(DOC(0x81, 0xc0)));
}

static void nesting_is_bounded_and_empty_containers_count(void **state)
{
    (void)state;
    uint8_t deep[LIMIT_MSGPACK_DEPTH + 1];
    memset(deep, 0x91, sizeof deep);
    deep[LIMIT_MSGPACK_DEPTH - 1] = 0x90;
    assert_int_equal(CHT_OK, scan(cht_bytes(deep, LIMIT_MSGPACK_DEPTH)));
    deep[LIMIT_MSGPACK_DEPTH - 1] = 0x91;
    deep[LIMIT_MSGPACK_DEPTH] = 0xc0;
    assert_int_equal(CHT_OK, scan(cht_bytes(deep, LIMIT_MSGPACK_DEPTH + 1)));
    deep[LIMIT_MSGPACK_DEPTH] = 0x80;
    assert_int_equal(CHT_E_LIMIT, scan(cht_bytes(deep, LIMIT_MSGPACK_DEPTH + 1)));
    assert_int_equal(CHT_E_LIMIT, crdt_mp_scan(DOC(0x90), 0, 10));
    assert_int_equal(CHT_OK, crdt_mp_scan(DOC(0xc0), 0, 10));
    /* siblings do not add up to depth */
    assert_int_equal(CHT_OK, crdt_mp_scan(DOC(0x93, 0x91, 0xc0, 0x90, 0x80), 2, 10));
}

static void the_number_of_objects_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(CHT_OK, crdt_mp_scan(DOC(0x92, 0xc0, 0xc0), 8, 3));
    assert_int_equal(CHT_E_LIMIT, crdt_mp_scan(DOC(0x93, 0xc0, 0xc0, 0xc0), 8, 3));
    assert_int_equal(CHT_E_LIMIT, crdt_mp_scan(DOC(0x82, 1, 2, 3, 4), 8, 4));
}

static void skipping_gives_the_exact_bytes_of_one_object(void **state)
{
    (void)state;
    const uint8_t bytes[] = { 0x92, 0x81, 0x01, 0xa1, 'x', 0xcc, 0x01, 0x05 };
    struct cht_wire w = cht_wire(cht_bytes(bytes, sizeof bytes));
    struct cht_bytes got = crdt_mp_skip(&w);
    assert_ptr_equal(bytes, got.data);
    assert_int_equal(7, got.len);
    assert_int_equal(1, crdt_mp_skip(&w).len);
    assert_int_equal(CHT_OK, cht_wire_end(&w));
    assert_int_equal(0, crdt_mp_skip(&w).len);
    assert_int_equal(CHT_E_MALFORMED, w.err);
}

static void skipping_stops_at_too_deep_nesting(void **state)
{
    (void)state;
    uint8_t deep[64];
    memset(deep, 0x91, sizeof deep);
    struct cht_wire w = cht_wire(cht_bytes(deep, sizeof deep));
    assert_int_equal(0, crdt_mp_skip(&w).len);
    assert_int_equal(CHT_E_LIMIT, w.err);
    assert_int_equal(0, cht_wire_left(&w));
}

static void nothing_is_read_after_an_error(void **state)
{
    (void)state;
    struct cht_wire w = cht_wire(DOC(0xc1, 0x05));
    assert_int_equal(CRDT_MP_NIL, crdt_mp_next(&w).kind);
    struct crdt_mp got = crdt_mp_next(&w);
    assert_int_equal(CRDT_MP_NIL, got.kind);
    assert_true(got.u == 0);
    assert_int_equal(CHT_E_MALFORMED, w.err);
}

static void a_count_beyond_the_bytes_left_is_refused_with_its_head(void **state)
{
    (void)state;
    struct cht_wire w = cht_wire(DOC(0xdd, 0, 0, 0, 2, 0xc0)); /* two elements in one byte */
    assert_true(crdt_mp_next(&w).u == 0);
    assert_int_equal(CHT_E_MALFORMED, w.err);
    w = cht_wire(DOC(0x81, 0xc0));
    (void)crdt_mp_next(&w);
    assert_int_equal(CHT_E_MALFORMED, w.err);
    w = cht_wire(DOC(0x81, 0xc0, 0xc0));
    assert_true(crdt_mp_next(&w).u == 1);
    assert_int_equal(CHT_OK, w.err);
}

static void assert_put(struct cht_buf *b, const char *want, size_t len)
{
    assert_int_equal(len, b->len);
    assert_memory_equal(want, b->data, len);
    assert_int_equal(CHT_OK, scan(cht_buf_view(b)));
    cht_buf_reset(b);
}

static void writers_choose_the_shortest_form(void **state)
{
    (void)state;
    struct cht_buf b;
    cht_buf_init(&b, 4096);
#define PUT(call, bytes)                                                                           \
    do {                                                                                           \
        assert_int_equal(CHT_OK, call);                                                            \
        assert_put(&b, bytes, sizeof bytes - 1);                                                   \
    } while (0)
    PUT(crdt_mp_put_nil(&b), "\xc0");
    PUT(crdt_mp_put_bool(&b, true), "\xc3");
    PUT(crdt_mp_put_bool(&b, false), "\xc2");
    PUT(crdt_mp_put_uint(&b, 127), "\x7f");
    PUT(crdt_mp_put_uint(&b, 128), "\xcc\x80");
    PUT(crdt_mp_put_uint(&b, 256), "\xcd\x01\x00");
    PUT(crdt_mp_put_uint(&b, 65536), "\xce\x00\x01\x00\x00");
    PUT(crdt_mp_put_uint(&b, UINT64_MAX), "\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
    PUT(crdt_mp_put_int(&b, 5), "\x05");
    PUT(crdt_mp_put_int(&b, 200), "\xcc\xc8");
    PUT(crdt_mp_put_int(&b, -32), "\xe0");
    PUT(crdt_mp_put_int(&b, -33), "\xd0\xdf");
    PUT(crdt_mp_put_int(&b, -129), "\xd1\xff\x7f");
    PUT(crdt_mp_put_int(&b, INT64_MIN), "\xd3\x80\x00\x00\x00\x00\x00\x00\x00");
    PUT(crdt_mp_put_float(&b, 1.0), "\xca\x3f\x80\x00\x00");
    PUT(crdt_mp_put_float(&b, 0.1), "\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a");
    PUT(crdt_mp_put_float(&b, DBL_MAX), "\xcb\x7f\xef\xff\xff\xff\xff\xff\xff");
    PUT(crdt_mp_put_float(&b, -(double)INFINITY), "\xca\xff\x80\x00\x00");
    PUT(crdt_mp_put_str(&b, cht_bytes_str("hi")), "\xa2hi");
    PUT(crdt_mp_put_bin(&b, cht_bytes_str("hi")), "\xc4\x02hi");
    PUT(crdt_mp_put_str(&b, cht_bytes(NULL, 0)), "\xa0");
#undef PUT
    assert_int_equal(CHT_OK, crdt_mp_put_array(&b, 15));
    assert_int_equal(CHT_OK, crdt_mp_put_array(&b, 16));
    assert_int_equal(CHT_OK, crdt_mp_put_map(&b, 15));
    assert_int_equal(CHT_OK, crdt_mp_put_map(&b, 65536));
    assert_int_equal(10, b.len);
    assert_memory_equal("\x9f\xdc\x00\x10\x8f\xdf\x00\x01\x00\x00", b.data, 10);
    cht_buf_clear(&b);
}

static void a_writer_that_meets_the_limit_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    struct cht_buf b;
    cht_buf_init(&b, 3);
    assert_int_equal(CHT_OK, crdt_mp_put_nil(&b));
    assert_int_equal(CHT_E_LIMIT, crdt_mp_put_str(&b, cht_bytes_str("two")));
    assert_int_equal(CHT_E_LIMIT, crdt_mp_put_bin(&b, cht_bytes_str("two")));
    assert_int_equal(CHT_E_LIMIT, crdt_mp_put_uint(&b, UINT64_MAX));
    assert_int_equal(1, b.len);
    assert_int_equal(0xc0, b.data[0]);
    cht_buf_clear(&b);
}

static void utf8_is_what_rfc_3629_says_and_has_no_nul(void **state)
{
    (void)state;
    static const char *const good[] = { "",
                                        "plain",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf",
                                        "a\xe2\x82\xac" };
    static const char *const bad[] = {
        "\x80",         "\xc0\x80",         "\xc1\xbf",         "\xc2",
        "\xc2\x41",     "\xe0\x9f\xbf",     "\xed\xa0\x80",     "\xe2\x82",
        "\xe2\x82\x41", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff",         "ok\xf0\x90\x80"
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(crdt_utf8_valid(cht_bytes_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(crdt_utf8_valid(cht_bytes_str(bad[i])));
    assert_false(crdt_utf8_valid(cht_bytes("a\0b", 3)));
}

static void random_bytes_end_and_never_leave_the_document(void **state)
{
    (void)state;
    struct seeded s = seeded_start(1);
    for (unsigned round = 0; round < 20000; round++) {
        size_t len = seeded_below(&s, 40);
        uint8_t *doc = malloc(len + 1);
        assert_non_null(doc);
        seeded_fill(&s, doc, len);
        struct cht_wire w = cht_wire(cht_bytes(doc, len));
        struct cht_bytes got = crdt_mp_skip(&w);
        if (w.err == CHT_OK)
            assert_true(got.data == doc && got.len <= len && got.len > 0);
        else
            assert_int_equal(0, got.len);
        /* what one skip takes is what a scan of that span accepts */
        if (w.err == CHT_OK)
            assert_int_equal(CHT_OK, crdt_mp_scan(got, LIMIT_MSGPACK_DEPTH + 1, UINT32_MAX));
        free(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_head_is_read_with_its_value),
        cmocka_unit_test(strings_binaries_and_extensions_borrow_their_payload),
        cmocka_unit_test(floats_of_both_widths_are_read),
        cmocka_unit_test(a_document_is_refused_for_what_is_wrong_with_it),
        cmocka_unit_test(nesting_is_bounded_and_empty_containers_count),
        cmocka_unit_test(the_number_of_objects_is_bounded),
        cmocka_unit_test(skipping_gives_the_exact_bytes_of_one_object),
        cmocka_unit_test(skipping_stops_at_too_deep_nesting),
        cmocka_unit_test(nothing_is_read_after_an_error),
        cmocka_unit_test(a_count_beyond_the_bytes_left_is_refused_with_its_head),
        cmocka_unit_test(writers_choose_the_shortest_form),
        cmocka_unit_test(a_writer_that_meets_the_limit_leaves_the_buffer_as_it_was),
        cmocka_unit_test(utf8_is_what_rfc_3629_says_and_has_no_nul),
        cmocka_unit_test(random_bytes_end_and_never_leave_the_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
