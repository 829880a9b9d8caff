/* Frames against golden vectors and against every kind of damage (PROTOCOL 8.1 … 8.11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crdt/id.h"
#include "net/frame.h"
#include "tests/support/golden_frames.h"

#include <stdio.h>

#define LINE_BYTES 16384u

static struct cht_arena arena;
static struct cht_buf buf;

static int setup(void **state)
{
    (void)state;
    cht_arena_init(&arena, (size_t)64 << 20);
    cht_buf_init(&buf, (size_t)2 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cht_arena_clear(&arena);
    cht_buf_clear(&buf);
    return 0;
}

/* --- the tests --------------------------------------------------------------------------- */

static struct cht_bytes golden_bytes(const char *name)
{
    static char line[LINE_BYTES];
    size_t name_len = strlen(name);
    FILE *file = fopen(CHT_VECTORS "/frames.hex", "rbe");
    uint8_t *out = NULL;
    size_t len = 0;
    assert_non_null(file);
    while (out == NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, name_len) != 0 || line[name_len] != ' ')
            continue;
        len = strcspn(line + name_len + 1, "\n") / 2;
        out = cht_arena_alloc(&arena, len);
        assert_int_equal(CHT_OK, crdt_unhex(cht_bytes(line + name_len + 1, 2 * len), out, len));
    }
    (void)fclose(file);
    assert_non_null(out);
    return cht_bytes(out, len);
}

static void assert_encodes(const struct net_frame *f, struct cht_bytes want)
{
    cht_buf_reset(&buf);
    assert_int_equal(CHT_OK, net_frame_encode(f, &buf));
    assert_int_equal(want.len, buf.len);
    assert_memory_equal(want.data, buf.data, want.len);
}

static void each_frame_has_the_bytes_of_its_vector(void **state)
{
    (void)state;
    for (size_t i = 0; i < golden_frame_count; i++) {
        struct net_frame f = golden_frames[i].make();
        assert_encodes(&f, golden_bytes(golden_frames[i].name));
    }
}

static void each_vector_reads_and_writes_back_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < golden_frame_count; i++) {
        struct cht_bytes want = golden_bytes(golden_frames[i].name);
        struct net_frame made = golden_frames[i].make(), got;
        enum net_frame_kind kind = NET_FRAME_BYE;
        uint8_t peeked[NET_NONCE_BYTES];
        assert_int_equal(CHT_OK, net_frame_decode(want, &arena, &got));
        assert_int_equal(made.kind, got.kind);
        assert_int_equal(CHT_OK, net_frame_peek(want, &kind, peeked));
        assert_int_equal(made.kind, kind);
        assert_memory_equal(made.nonce, peeked, sizeof peeked);
        assert_encodes(&got, want);
    }
}

static void the_fields_stand_where_they_belong(void **state)
{
    (void)state;
    struct net_frame f;
    assert_int_equal(CHT_OK, net_frame_decode(golden_bytes("want-rest"), &arena, &f));
    assert_int_equal(300, f.want.tip.seq);
    assert_int_equal(128, f.want.from);
    assert_int_equal(0xd0, f.want.before[0]);
    assert_int_equal(1048576, f.want.credit);
    assert_int_equal(CHT_OK, net_frame_decode(golden_bytes("heads-waiting"), &arena, &f));
    assert_int_equal(2, f.heads.stored_count);
    assert_int_equal(1, f.heads.applied_count);
    assert_int_equal(300, f.heads.level);
    assert_int_equal(CHT_OK, net_frame_decode(golden_bytes("miss"), &arena, &f));
    assert_memory_equal(f.miss.tip.device, f.miss.path[2].device, CRDT_ID_BYTES);
    assert_int_equal(297, f.miss.path[1].seq);
    assert_int_equal(CHT_OK, net_frame_decode(golden_bytes("digest-sums"), &arena, &f));
    assert_int_equal(15000, f.digest.parts[15].count);
    assert_int_equal(CHT_OK, net_frame_decode(golden_bytes("hello-dialler"), &arena, &f));
    assert_int_equal(2, f.hello.endpoint_count);
    assert_int_equal(CHT_OK, net_frame_decode(golden_bytes("blob-want"), &arena, &f));
    assert_int_equal(1000000, f.blob.size);
    assert_int_equal(300, f.blob.from);
    assert_int_equal(CHT_OK, net_frame_decode(golden_bytes("blob-data"), &arena, &f));
    assert_memory_equal("the bytes", f.blob.bytes.data, 9);
    assert_int_equal(CHT_OK, net_frame_decode(golden_bytes("hello-dialler"), &arena, &f));
    assert_memory_equal("tcp://[::1]:7400", f.hello.endpoints[1].data, 16);
}

/* What such a frame carries is checked by who takes it. */
static bool is_opaque(struct cht_bytes frame)
{
    return frame.data[0] == NET_FRAME_MESSAGE ||
           (frame.data[0] == NET_FRAME_FORK && frame.data[5] == NET_FORK_PROOF) ||
           (frame.data[0] == NET_FRAME_BLOB && frame.data[5] == NET_BLOB_DATA);
}

static void no_beginning_of_a_frame_is_a_frame(void **state)
{
    (void)state;
    for (size_t i = 0; i < golden_frame_count; i++) {
        struct cht_bytes whole = golden_bytes(golden_frames[i].name);
        size_t shortest = is_opaque(whole) ? NET_FRAME_HEAD_BYTES : whole.len;
        for (size_t len = 0; len < shortest; len++) {
            struct net_frame f = { .kind = NET_FRAME_BYE };
            uint8_t *exact = malloc(len + 1); /* so that a sanitizer sees one byte too far */
            memcpy(exact, whole.data, len);
            enum cht_err err = net_frame_decode(cht_bytes(exact, len), &arena, &f);
            free(exact);
            assert_true(err == CHT_E_MALFORMED || err == CHT_E_LIMIT);
        }
    }
}

static void nothing_may_follow_a_frame(void **state)
{
    (void)state;
    for (size_t i = 0; i < golden_frame_count; i++) {
        struct cht_bytes whole = golden_bytes(golden_frames[i].name);
        struct net_frame f;
        if (is_opaque(whole))
            continue;
        uint8_t *longer = cht_arena_alloc(&arena, whole.len + 1);
        memcpy(longer, whole.data, whole.len);
        assert_int_equal(CHT_E_MALFORMED,
                         net_frame_decode(cht_bytes(longer, whole.len + 1), &arena, &f));
    }
}

static void a_changed_byte_is_refused_or_reads_as_another_frame(void **state)
{
    (void)state;
    for (size_t i = 0; i < golden_frame_count; i++) {
        struct cht_bytes whole = golden_bytes(golden_frames[i].name);
        uint8_t *changed = cht_arena_alloc(&arena, whole.len);
        memcpy(changed, whole.data, whole.len);
        for (size_t at = 0; at < whole.len; at++) {
            static const uint8_t flips[] = { 0x01, 0x80, 0xff };
            for (size_t k = 0; k < sizeof flips; k++) {
                struct net_frame f;
                changed[at] ^= flips[k];
                enum cht_err err = net_frame_decode(cht_bytes(changed, whole.len), &arena, &f);
                if (err == CHT_OK)
                    assert_encodes(&f, cht_bytes(changed, whole.len));
                else
                    assert_true(err == CHT_E_MALFORMED || err == CHT_E_LIMIT);
                changed[at] ^= flips[k];
            }
        }
    }
}

/* Decode the vector `name` with the bytes at `at` replaced. */
static enum cht_err decode_with(const char *name, size_t at, const void *bytes, size_t len)
{
    struct cht_bytes whole = golden_bytes(name);
    struct net_frame f;
    uint8_t *changed = cht_arena_alloc(&arena, whole.len);
    memcpy(changed, whole.data, whole.len);
    memcpy(changed + at, bytes, len);
    return net_frame_decode(cht_bytes(changed, whole.len), &arena, &f);
}

static void lies_about_counts_order_and_flags_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *name;
        size_t at;
        const char *bytes;
        size_t len;
        enum cht_err want;
    } lies[] = {
        { "hello-dialler", 0, "\x00", 1, CHT_E_MALFORMED },      /* no kind */
        { "hello-dialler", 0, "\x0e", 1, CHT_E_MALFORMED },      /* the one after the last */
        { "hello-dialler", 5, "\x00", 1, CHT_E_MALFORMED },      /* version 0 */
        { "hello-dialler", 5, "\x02", 1, CHT_E_MALFORMED },      /* lowest above highest */
        { "hello-dialler", 32, "\0\0\0\0", 4, CHT_E_MALFORMED }, /* nonce of zeros */
        { "hello-dialler", 36, "\x00", 1, CHT_E_MALFORMED },     /* no space */
        { "hello-dialler", 36, "\x09", 1, CHT_E_LIMIT },         /* nine of them */
        { "hello-dialler", 70, "\xff", 1, CHT_E_MALFORMED },     /* name that is no UTF-8 */
        { "hello-dialler", 78, "t\np", 3, CHT_E_MALFORMED },     /* endpoint with a line end */
        { "members", 5, "\xff\x7f", 2, CHT_E_LIMIT },            /* 16383 heads */
        { "members", 6, "\xff", 1, CHT_E_MALFORMED },            /* heads out of order */
        { "members", 71, "\x00", 1, CHT_E_MALFORMED },           /* empty record */
        { "heads-waiting", 5, "\x81\x00", 2, CHT_E_MALFORMED },  /* a longer form of a varint */
        { "heads-waiting", 72, "\x03", 1, CHT_E_MALFORMED },     /* tips out of order */
        { "want-back", 48, "\x05", 1, CHT_E_MALFORMED },         /* a hash before seq 1 */
        { "ack", 9, "\x02", 1, CHT_E_MALFORMED },                /* a flag that is none */
        { "miss", 49, "\x02", 1, CHT_E_MALFORMED },              /* likewise */
        { "miss", 59, "\xac\x02", 2, CHT_E_MALFORMED },          /* not below from */
        { "digest-ask-odd", 21, "\x23", 1, CHT_E_LIMIT },        /* 35 half-bytes */
        { "digest-ask-odd", 23, "\xa1", 1, CHT_E_MALFORMED },    /* a half-byte too many */
        { "digest-moved", 23, "\x03", 1, CHT_E_MALFORMED },      /* no form */
        { "bye", 5, "\x00", 1, CHT_E_MALFORMED },                /* reason 0 */
        { "bye", 7, "\0", 1, CHT_E_MALFORMED },                  /* NUL in a text */
        { "fork-tell", 5, "\x03", 1, CHT_E_MALFORMED },          /* no form */
        { "fork-tell", 6, "\x41", 1, CHT_E_LIMIT },              /* 65 of them */
        { "fork-tell", 6, "\x03", 1, CHT_E_MALFORMED },          /* more than there are */
        { "fork-tell", 47, "\x10", 1, CHT_E_MALFORMED },         /* out of order */
        { "blob-want", 5, "\x04", 1, CHT_E_MALFORMED },          /* no form */
        { "blob-want", 43, "\x81", 1, CHT_E_LIMIT },             /* more than a window */
        { "blob-back", 39, "\x01", 1, CHT_E_MALFORMED },         /* from its end on */
        { "blob-back", 40, "\x02", 1, CHT_E_MALFORMED },         /* more than is left */
        { "blob-kept", 42, "\x05", 1, CHT_E_LIMIT },             /* larger than a blob may be */
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        enum cht_err err = decode_with(lies[i].name, lies[i].at, lies[i].bytes, lies[i].len);
        if (err != lies[i].want)
            print_error("lie %zu about %s: %s\n", i, lies[i].name, cht_err_code(err));
        assert_int_equal(lies[i].want, err);
    }
}

static void a_want_keeps_to_its_path_and_its_credit(void **state)
{
    (void)state;
    struct net_frame f = golden_frame("want-rest"), got;
    f.want.from = 301; /* behind the tip */
    cht_buf_reset(&buf);
    assert_int_equal(CHT_OK, net_frame_encode(&f, &buf));
    assert_int_equal(CHT_E_MALFORMED, net_frame_decode(cht_buf_view(&buf), &arena, &got));
    f = golden_frame("want-rest");
    f.want.credit = LIMIT_CREDIT_BYTES - 1;
    cht_buf_reset(&buf);
    assert_int_equal(CHT_OK, net_frame_encode(&f, &buf));
    assert_int_equal(CHT_E_MALFORMED, net_frame_decode(cht_buf_view(&buf), &arena, &got));
}

static void applied_tips_are_spelt_only_where_they_differ(void **state)
{
    (void)state;
    struct cht_bytes same = golden_bytes("heads-same");
    size_t tips_at = 5 + 1 + 32 + 33; /* behind level, root and one membership head */
    size_t tips_len = same.len - tips_at - 1;
    struct net_frame got;
    cht_buf_reset(&buf);
    assert_int_equal(CHT_OK, cht_buf_add(&buf, cht_bytes(same.data, same.len - 1)));
    assert_int_equal(CHT_OK, cht_buf_add_u8(&buf, 1));
    assert_int_equal(CHT_OK, cht_buf_add(&buf, cht_bytes(same.data + tips_at, tips_len)));
    assert_int_equal(CHT_E_MALFORMED, net_frame_decode(cht_buf_view(&buf), &arena, &got));
}

static void each_kind_has_its_largest_frame(void **state)
{
    (void)state;
    uint8_t *large = calloc(1, (size_t)2 << 20);
    for (unsigned kind = 1; kind <= NET_FRAME_KIND_MAX; kind++) {
        enum net_frame_kind got = NET_FRAME_BYE;
        uint8_t peeked[NET_NONCE_BYTES];
        struct net_frame f;
        size_t most = net_frame_size_max(kind);
        large[0] = (uint8_t)kind;
        assert_non_null(net_frame_name(kind));
        assert_true(most <= LIMIT_FRAME_BYTES);
        assert_int_equal(CHT_OK, net_frame_peek(cht_bytes(large, most), &got, peeked));
        assert_int_equal(CHT_E_LIMIT, net_frame_peek(cht_bytes(large, most + 1), &got, peeked));
        assert_int_equal(CHT_E_LIMIT, net_frame_decode(cht_bytes(large, most + 1), &arena, &f));
    }
    assert_null(net_frame_name(0));
    assert_null(net_frame_name(NET_FRAME_KIND_MAX + 1));
    assert_int_equal(0, net_frame_size_max(NET_FRAME_KIND_MAX + 1));
    free(large);
}

static void a_frame_too_large_for_its_kind_is_not_written(void **state)
{
    (void)state;
    uint8_t *large = calloc(1, LIMIT_MESSAGE_BYTES + 1);
    struct net_frame f = golden_frame("message");
    cht_buf_reset(&buf);
    assert_int_equal(CHT_OK, cht_buf_add_u8(&buf, 0x55));
    f.message = cht_bytes(large, LIMIT_MESSAGE_BYTES + 1);
    assert_int_equal(CHT_E_LIMIT, net_frame_encode(&f, &buf));
    assert_int_equal(1, buf.len);
    f.message = cht_bytes(large, LIMIT_MESSAGE_BYTES);
    assert_int_equal(CHT_OK, net_frame_encode(&f, &buf));
    free(large);
}

static void a_count_takes_no_memory_that_the_bytes_could_not_fill(void **state)
{
    (void)state;
    static const uint8_t claims[] = { NET_FRAME_ACK, 0, 0, 0, 0, 0, 0, 0, 0xff, 0x1f };
    struct cht_arena small;
    struct net_frame f;
    cht_arena_init(&small, 4096);
    assert_int_equal(CHT_E_MALFORMED,
                     net_frame_decode(cht_bytes(claims, sizeof claims), &small, &f));
    assert_int_equal(0, small.used);
    cht_arena_clear(&small);
}

static void no_memory_is_no_fault_of_the_bytes(void **state)
{
    (void)state;
    struct cht_arena small;
    struct net_frame f;
    cht_arena_init(&small, 64);
    assert_int_equal(CHT_E_NOMEM, net_frame_decode(golden_bytes("heads-same"), &small, &f));
    cht_arena_clear(&small);
}

static void a_vector_is_named_by_its_tips(void **state)
{
    (void)state;
    uint8_t one[NET_VECTOR_ID_BYTES], two[NET_VECTOR_ID_BYTES], none[NET_VECTOR_ID_BYTES];
    struct net_frame f = golden_frame("heads-same");
    assert_int_equal(CHT_OK, net_vector_id(f.heads.stored, 3, one));
    assert_int_equal(CHT_OK, net_vector_id(f.heads.stored, 2, two));
    assert_int_equal(CHT_OK, net_vector_id(NULL, 0, none));
    assert_memory_not_equal(one, two, sizeof one);
    struct crdt_hash empty = crdt_hash_of(cht_bytes("\0", 1));
    assert_memory_equal(empty.b, none, sizeof none);
}

static void reasons_have_names(void **state)
{
    (void)state;
    for (unsigned r = 1; r <= NET_BYE_REASON_MAX; r++)
        assert_string_not_equal("UNKNOWN", net_bye_name(r));
    assert_string_equal("UNKNOWN", net_bye_name(0));
    assert_string_equal("UNKNOWN", net_bye_name(200));
    assert_string_equal("CREDIT", net_bye_name(NET_BYE_CREDIT));
    assert_non_null(net_bye_text(200));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_frame_has_the_bytes_of_its_vector),
        cmocka_unit_test(each_vector_reads_and_writes_back_the_same),
        cmocka_unit_test(the_fields_stand_where_they_belong),
        cmocka_unit_test(no_beginning_of_a_frame_is_a_frame),
        cmocka_unit_test(nothing_may_follow_a_frame),
        cmocka_unit_test(a_changed_byte_is_refused_or_reads_as_another_frame),
        cmocka_unit_test(lies_about_counts_order_and_flags_are_refused),
        cmocka_unit_test(a_want_keeps_to_its_path_and_its_credit),
        cmocka_unit_test(applied_tips_are_spelt_only_where_they_differ),
        cmocka_unit_test(each_kind_has_its_largest_frame),
        cmocka_unit_test(a_frame_too_large_for_its_kind_is_not_written),
        cmocka_unit_test(a_count_takes_no_memory_that_the_bytes_could_not_fill),
        cmocka_unit_test(no_memory_is_no_fault_of_the_bytes),
        cmocka_unit_test(a_vector_is_named_by_its_tips),
        cmocka_unit_test(reasons_have_names),
    };
    return cmocka_run_group_tests_name("frame", tests, setup, teardown);
}
