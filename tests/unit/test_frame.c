/* Frames against golden vectors and against every kind of damage (PROTOCOL 8.1 … 8.11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crdt/id.h"
#include "net/frame.h"

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

/* --- the frames that the vectors stand for -----------------------------------------------------
 */

static const uint8_t nonce[NET_NONCE_BYTES] = { 0xc0, 0xff, 0xee, 0x01 };

static void fill(uint8_t *out, uint8_t value, size_t len)
{
    memset(out, value, len);
}

static void count_up(uint8_t *out, uint8_t first, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(first + i);
}

static struct crdt_dep tip(uint8_t device, uint8_t epoch, uint32_t seq, uint8_t hash)
{
    struct crdt_dep t = { .seq = seq };
    fill(t.device, device, sizeof t.device);
    fill(t.epoch, epoch, sizeof t.epoch);
    count_up(t.hash, hash, sizeof t.hash);
    return t;
}

static struct crdt_hash hash(uint8_t first)
{
    struct crdt_hash h;
    count_up(h.b, first, sizeof h.b);
    return h;
}

static struct crdt_dep tips[3];
static struct crdt_hash hashes[2];
static struct crdt_range ranges[2];
static struct crdt_dep path[3];
static struct net_row rows[2];
static struct cht_bytes spans[2];
static uint8_t spaces[2][CRDT_ID_BYTES], filler[300];

static struct net_frame frame(enum net_frame_kind kind)
{
    struct net_frame f = { .kind = kind };
    memcpy(f.nonce, nonce, sizeof nonce);
    tips[0] = tip(1, 0x11, 300, 0xa0);
    tips[1] = tip(2, 0x22, 1, 0xb0);
    tips[2] = tip(2, 0x23, 70000, 0xc0);
    return f;
}

static struct net_frame hello_dialler(void)
{
    struct net_frame f = frame(NET_FRAME_HELLO);
    struct net_hello *h = &f.hello;
    fill(f.nonce, 0, sizeof f.nonce);
    h->version_min = h->version_max = 1;
    h->level = 1;
    fill(h->device, 1, sizeof h->device);
    count_up(h->run, 0x50, sizeof h->run);
    memcpy(h->nonce, "\x0b\xad\xca\xfe", NET_NONCE_BYTES);
    fill(spaces[0], 0x77, CRDT_ID_BYTES);
    fill(spaces[1], 0x78, CRDT_ID_BYTES);
    h->spaces = (const uint8_t(*)[CRDT_ID_BYTES])spaces;
    h->space_count = 2;
    h->name = cht_bytes_str("laptop");
    spans[0] = cht_bytes_str("tcp://192.168.1.2:7400");
    spans[1] = cht_bytes_str("tcp://[::1]:7400");
    h->endpoints = spans;
    h->endpoint_count = 2;
    return f;
}

static struct net_frame hello_least(void)
{
    struct net_frame f = hello_dialler();
    struct net_hello *h = &f.hello;
    memcpy(f.nonce, nonce, sizeof nonce);
    h->version_max = 3;
    h->level = UINT16_MAX;
    fill(h->device, 2, sizeof h->device);
    count_up(h->run, 0x60, sizeof h->run);
    memcpy(h->nonce, "\0\0\0\x01", NET_NONCE_BYTES);
    h->space_count = 1;
    h->name = cht_bytes(NULL, 0);
    h->endpoint_count = 0;
    return f;
}

static struct net_frame members_none(void)
{
    return frame(NET_FRAME_MEMBERS);
}

static struct net_frame members(void)
{
    struct net_frame f = frame(NET_FRAME_MEMBERS);
    hashes[0] = hash(0);
    hashes[1] = hash(1);
    fill(filler, 0x5a, 200);
    spans[0] = cht_bytes_str("abc");
    spans[1] = cht_bytes(filler, 200);
    f.members.heads = hashes;
    f.members.head_count = 2;
    f.members.records = spans;
    f.members.record_count = 2;
    return f;
}

static struct net_frame heads_empty(void)
{
    struct net_frame f = frame(NET_FRAME_HEADS);
    f.heads.level = 1;
    return f;
}

static struct net_frame heads_same(void)
{
    struct net_frame f = heads_empty();
    hashes[0] = hash(3);
    f.heads.root = hash(0x90);
    f.heads.member_heads = hashes;
    f.heads.member_head_count = 1;
    f.heads.stored = f.heads.applied = tips;
    f.heads.stored_count = f.heads.applied_count = 3;
    return f;
}

static struct net_frame heads_waiting(void)
{
    struct net_frame f = heads_same();
    f.heads.level = 300;
    f.heads.stored_count = 2;
    f.heads.applied_count = 1;
    return f;
}

static struct net_frame want_all(void)
{
    struct net_frame f = frame(NET_FRAME_WANT);
    f.want.tip = tips[2];
    f.want.from = 1;
    f.want.credit = 524288;
    return f;
}

static struct net_frame want_rest(void)
{
    struct net_frame f = want_all();
    f.want.tip = tips[0];
    f.want.from = 128;
    count_up(f.want.before, 0xd0, sizeof f.want.before);
    f.want.credit = 1048576;
    return f;
}

static struct net_frame want_back(void)
{
    struct net_frame f = want_all();
    f.want.tip = tips[0];
    f.want.credit = 0;
    return f;
}

static struct crdt_range range(bool own, uint32_t seq, uint32_t count, enum crdt_codec codec,
                               struct cht_bytes payload)
{
    struct crdt_range r = {
        .own = own, .seq = seq, .count = count, .codec = codec, .payload = payload
    };
    if (!own)
        fill(r.device_tag, 2, sizeof r.device_tag);
    count_up(r.prev_tag, 1, sizeof r.prev_tag);
    count_up(r.head, 0x40, sizeof r.head);
    return r;
}

static struct net_frame range_own(void)
{
    struct net_frame f = frame(NET_FRAME_RANGE);
    ranges[0] = range(true, 1, 1, CRDT_CODEC_RAW, cht_bytes_str("payload"));
    f.range.ranges = ranges;
    f.range.count = 1;
    return f;
}

static struct net_frame range_two(void)
{
    struct net_frame f = range_own();
    fill(filler, 9, 300);
    ranges[0] = range(true, 300, 256, CRDT_CODEC_DEFLATE, cht_bytes(filler, 300));
    ranges[1] = range(false, UINT32_MAX, 1, CRDT_CODEC_COLUMNS, cht_bytes(NULL, 0));
    f.range.count = 2;
    return f;
}

static struct net_frame ack(void)
{
    struct net_frame f = frame(NET_FRAME_ACK);
    f.ack.frames = 1;
    f.ack.bytes = 123456;
    f.ack.tips = tips;
    f.ack.tip_count = 1;
    return f;
}

static struct net_frame ack_lost(void)
{
    struct net_frame f = frame(NET_FRAME_ACK);
    f.ack.frames = 64;
    f.ack.lost = true;
    return f;
}

static struct net_frame miss(void)
{
    struct net_frame f = frame(NET_FRAME_MISS);
    f.miss.tip = tips[0];
    f.miss.from = 300;
    f.miss.held = true;
    path[0] = tip(1, 0x11, 298, 1);
    path[1] = tip(1, 0x10, 297, 2);
    path[2] = tip(1, 0x10, 1, 3);
    f.miss.path = path;
    f.miss.count = 3;
    return f;
}

static struct net_frame miss_not_held(void)
{
    struct net_frame f = frame(NET_FRAME_MISS);
    f.miss.tip = tips[0];
    f.miss.from = 2;
    return f;
}

static struct net_frame digest_ask_all(void)
{
    struct net_frame f = frame(NET_FRAME_DIGEST_ASK);
    count_up(f.digest_ask.vector, 0x30, sizeof f.digest_ask.vector);
    return f;
}

static struct net_frame digest_ask_odd(void)
{
    struct net_frame f = digest_ask_all();
    f.digest_ask.nibbles = 3;
    f.digest_ask.prefix[0] = 0x04;
    f.digest_ask.prefix[1] = 0xa0;
    return f;
}

static struct net_frame digest_moved(void)
{
    struct net_frame f = frame(NET_FRAME_DIGEST);
    f.digest.of = digest_ask_odd().digest_ask;
    f.digest.of.nibbles = 2;
    f.digest.of.prefix[1] = 0;
    return f;
}

static struct net_frame digest_sums(void)
{
    struct net_frame f = digest_moved();
    f.digest.of = digest_ask_odd().digest_ask;
    f.digest.form = NET_DIGEST_SUMS;
    for (unsigned i = 0; i < NET_DIGEST_CHILDREN; i++) {
        count_up(f.digest.parts[i].sum, (uint8_t)i, sizeof f.digest.parts[i].sum);
        f.digest.parts[i].count = i * 1000u;
    }
    return f;
}

static struct net_frame digest_rows(void)
{
    struct net_frame f = digest_moved();
    f.digest.of.nibbles = NET_PREFIX_NIBBLES_MAX;
    count_up(f.digest.of.prefix + 1, 0x10, CRDT_ID_BYTES);
    f.digest.form = NET_DIGEST_ROWS;
    rows[0] = (struct net_row){ .entity = { .type = 4 }, .seq = 300 };
    count_up(rows[0].entity.b, 0x10, CRDT_ID_BYTES);
    fill(rows[0].device, 1, sizeof rows[0].device);
    fill(rows[0].epoch, 0x11, sizeof rows[0].epoch);
    rows[0].term = hash(0x70);
    rows[1] = rows[0];
    rows[1].field = 16383;
    rows[1].key = cht_bytes_str("\xa3key");
    rows[1].seq = 1;
    rows[1].index = 1023;
    f.digest.rows = rows;
    f.digest.row_count = 2;
    return f;
}

static struct net_frame message(void)
{
    struct net_frame f = frame(NET_FRAME_MESSAGE);
    f.message = cht_bytes_str("\x81\xa4type\xa5"
                              "event");
    return f;
}

static struct net_frame bye(void)
{
    struct net_frame f = frame(NET_FRAME_BYE);
    f.bye.reason = NET_BYE_SHUTDOWN;
    f.bye.text = cht_bytes_str("the node stops");
    return f;
}

static struct net_frame bye_unknown(void)
{
    struct net_frame f = frame(NET_FRAME_BYE);
    f.bye.reason = (enum net_bye_reason)200;
    return f;
}

static const struct golden {
    const char *name;
    struct net_frame (*make)(void);
} goldens[] = {
    { "hello-dialler", hello_dialler },
    { "hello-least", hello_least },
    { "members-none", members_none },
    { "members", members },
    { "heads-empty", heads_empty },
    { "heads-same", heads_same },
    { "heads-waiting", heads_waiting },
    { "want-all", want_all },
    { "want-rest", want_rest },
    { "want-back", want_back },
    { "range-own", range_own },
    { "range-two", range_two },
    { "ack", ack },
    { "ack-lost", ack_lost },
    { "miss", miss },
    { "miss-not-held", miss_not_held },
    { "digest-ask-all", digest_ask_all },
    { "digest-ask-odd", digest_ask_odd },
    { "digest-moved", digest_moved },
    { "digest-sums", digest_sums },
    { "digest-rows", digest_rows },
    { "message", message },
    { "bye", bye },
    { "bye-unknown", bye_unknown },
};
#define GOLDEN_COUNT (sizeof goldens / sizeof goldens[0])

/* --- the tests ---------------------------------------------------------------------------------
 */

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
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        struct net_frame f = goldens[i].make();
        assert_encodes(&f, golden_bytes(goldens[i].name));
    }
}

static void each_vector_reads_and_writes_back_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        struct cht_bytes want = golden_bytes(goldens[i].name);
        struct net_frame made = goldens[i].make(), got;
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
    assert_memory_equal("tcp://[::1]:7400", f.hello.endpoints[1].data, 16);
}

static void no_beginning_of_a_frame_is_a_frame(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        struct cht_bytes whole = golden_bytes(goldens[i].name);
        bool message_frame = whole.data[0] == NET_FRAME_MESSAGE; /* its body is checked later */
        for (size_t len = 0; len < (message_frame ? NET_FRAME_HEAD_BYTES : whole.len); len++) {
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
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        struct cht_bytes whole = golden_bytes(goldens[i].name);
        struct net_frame f;
        if (whole.data[0] == NET_FRAME_MESSAGE)
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
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        struct cht_bytes whole = golden_bytes(goldens[i].name);
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
        { "hello-dialler", 0, "\x0c", 1, CHT_E_MALFORMED },      /* the one after the last */
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
    struct net_frame f = want_rest(), got;
    f.want.from = 301; /* behind the tip */
    cht_buf_reset(&buf);
    assert_int_equal(CHT_OK, net_frame_encode(&f, &buf));
    assert_int_equal(CHT_E_MALFORMED, net_frame_decode(cht_buf_view(&buf), &arena, &got));
    f = want_rest();
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
    struct net_frame f = message();
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
    (void)frame(NET_FRAME_BYE);
    assert_int_equal(CHT_OK, net_vector_id(tips, 3, one));
    assert_int_equal(CHT_OK, net_vector_id(tips, 2, two));
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
