/* Ranges from a hostile peer are refused for the right reason, within bounded memory and time
 * (PROTOCOL 4.1 to 4.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crdt/columns.h"
#include "crdt/id.h"
#include "tests/support/chain.h"

#include <zlib.h>

struct fixture {
    struct cht_arena arena, turn;
    struct cht_buf buf;
    struct chain chain;
    struct seeded random;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -1;
    cht_arena_init(&f->arena, (size_t)32 << 20);
    cht_arena_init(&f->turn, (size_t)8 << 20);
    cht_buf_init(&f->buf, (size_t)8 << 20);
    f->random = (struct seeded){ .state = 99 };
    struct crdt_before *before = &f->chain.before;
    memset(before->epoch, 0x30, CRDT_EPOCH_BYTES);
    memset(before->hash.b, 0x50, CRDT_HASH_BYTES);
    before->hlc = crdt_hlc_make(1763700000000, 0);
    before->seq = 300;
    f->chain.random = &f->random;
    f->chain.arena = &f->arena;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    cht_arena_clear(&f->arena);
    cht_arena_clear(&f->turn);
    cht_buf_clear(&f->buf);
    free(f);
    return 0;
}

static enum cht_err decode(struct fixture *f, uint32_t count, enum crdt_codec codec,
                           struct cht_bytes payload)
{
    struct crdt_entry *got = NULL;
    cht_arena_reset(&f->turn);
    enum cht_err err = crdt_range_decode(&f->chain.before, count, codec, payload, &f->turn, &got);
    assert_true((err == CHT_OK) == (got != NULL)); /* untouched on failure */
    return err;
}

static enum cht_err decode_hex(struct fixture *f, uint32_t count, const char *hex)
{
    uint8_t bytes[512];
    size_t len = strlen(hex) / 2;
    assert_true(len <= sizeof bytes);
    assert_int_equal(CHT_OK, crdt_unhex(cht_bytes_str(hex), bytes, len));
    return decode(f, count, CRDT_CODEC_COLUMNS, cht_bytes(bytes, len));
}

#define ID   "404142434445464748494a4b4c4d4e4f"
#define HASH "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"

/* The columns of one entry, right and wrong. */
static const struct {
    enum cht_err err;
    const char *columns;
} one_entry[] = {
    { CHT_OK, "020707080a" },          /* named 7, field 1, value 10 */
    { CHT_E_MALFORMED, "820707080a" }, /* shape: bit 7 */
    { CHT_E_MALFORMED, "070707080a" }, /* shape: entity form 7 */
    { CHT_OK, "42080730303030303030"   /* (a new epoch, spelt) */
              "3107080a" },
    { CHT_E_MALFORMED, "42800707080a" },   /* extra: bit 7 */
    { CHT_E_MALFORMED, "42050707080a" },   /* extra: actor form 5 */
    { CHT_E_MALFORMED, "4207070707080a" }, /* extra: actor form 7 */
    { CHT_OK, "02ffffffffffff3f07080a" },  /* 2^48 - 1 ms on: the clock wraps */
    { CHT_E_MALFORMED, "0280808080808040"  /* 2^48 ms */
                       "07080a" },
    { CHT_OK, "2207ffff0307080a" },            /* counter 65535 */
    { CHT_E_MALFORMED, "2207ffff0407080a" },   /* counter 81919 */
    { CHT_OK, "0307ac02080a" },                /* 300 before 301: names 1 */
    { CHT_E_MALFORMED, "0307ad02080a" },       /* 301 before 301 */
    { CHT_E_MALFORMED, "020700080a" },         /* names seq 0 */
    { CHT_E_MALFORMED, "02078080808010080a" }, /* names 2^32 */
    { CHT_OK, "04078080808001"
              "07080a" },
    { CHT_E_MALFORMED, "04078080808010"
                       "07080a" }, /* number 2^32 */
    { CHT_OK, "010704" ID "080a" },
    { CHT_E_MALFORMED, "010700" ID "080a" }, /* an entity of type 0 */
    { CHT_OK, "42020707"
              "00" ID "080a" },
    { CHT_E_MALFORMED, "42020707"
                       "01" ID "080a" }, /* an actor with a type */
    { CHT_E_MALFORMED, "42030707"
                       "0100"
                       "080a" }, /* an actor named seq 0 */
    { CHT_OK, "42100707"
              "0102"
              "080a" },
    { CHT_E_MALFORMED, "42100707"
                       "0202"
                       "080a" }, /* position 2 of 2 */
    { CHT_E_MALFORMED, "42100707"
                       "0000"
                       "080a" }, /* a transaction of none */
    { CHT_E_MALFORMED, "42200707"
                       "00"
                       "080a" }, /* no deps */
    { CHT_E_MALFORMED, "42200707"
                       "40"
                       "080a" }, /* 64 deps in two bytes */
    { CHT_E_LIMIT, "42200707"
                   "41"
                   "080a" }, /* 65 deps */
    { CHT_E_LIMIT, "42400707"
                   "11"
                   "080a" }, /* 17 heads */
    { CHT_E_MALFORMED, "42400707"
                       "02" HASH HASH "080a" }, /* twice the same head */
    { CHT_E_MALFORMED, "42500707"
                       "0102"
                       "01" HASH "080a" }, /* heads at position 1 */
    { CHT_E_MALFORMED, "0007080a" },       /* no entity, but an op */
    { CHT_OK, "080700" },                  /* no entity and no op */
    { CHT_OK, "0a070700" },                /* no op */
    { CHT_E_MALFORMED, "0a070702080a" },   /* two ops, one head */
    { CHT_E_MALFORMED, "0a07078008080a" }, /* 1024 ops */
    { CHT_E_LIMIT, "0a07078108080a" },     /* 1025 ops */
    { CHT_OK, "020707f8ff070a" },          /* field 16383 */
    { CHT_E_MALFORMED, "0207078080080a" }, /* field 16384 */
    { CHT_E_MALFORMED, "02070708c1" },     /* no msgpack */
    { CHT_E_MALFORMED, "02070708" },       /* no value */
    { CHT_E_MALFORMED, "020707090a" },     /* a drop has no value */
    { CHT_OK, "02070709" },
    { CHT_OK, "0207070aa16b0a" }, /* key "k" */
    { CHT_E_MALFORMED, "0207070a0a" },
    { CHT_OK, "0207070c0a"
              "01010700" }, /* keeps (0, 7, 0) */
    { CHT_OK, "0207070c0a"
              "0100" HASH "00" },
    { CHT_E_MALFORMED, "0207070c0a"
                       "00" }, /* no keeps */
    { CHT_E_MALFORMED, "0207070c0a"
                       "02010700" }, /* two, one here */
    { CHT_E_LIMIT, "0207070c0a"
                   "8102" }, /* 257 */
    { CHT_E_MALFORMED, "0207070c0a"
                       "01"
                       "818080801007"
                       "00" }, /* number 2^32 */
    { CHT_E_MALFORMED, "0207070c0a"
                       "01"
                       "01"
                       "8080808010"
                       "00" },
    { CHT_OK, "12070702c191" },      /* a raw body, no msgpack */
    { CHT_E_MALFORMED, "12070700" }, /* of no bytes */
    { CHT_E_MALFORMED, "12070703c191" },
    { CHT_E_LIMIT, "12070781800800" }, /* of 131073 */
    { CHT_OK, "1a070701" HASH },       /* missing */
    { CHT_E_MALFORMED, "1a070700" HASH },
    { CHT_E_LIMIT, "1a0707818008" HASH },
    { CHT_E_MALFORMED, "020707080a00" }, /* something follows */
};

static void columns_are_refused_for_what_is_wrong_with_them(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof one_entry / sizeof one_entry[0]; i++) {
        enum cht_err err = decode_hex(f, 1, one_entry[i].columns);
        if (err != one_entry[i].err)
            print_error("%s\n", one_entry[i].columns);
        assert_int_equal(one_entry[i].err, err);
    }
}

static void counts_and_numbers_have_their_bounds(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_E_MALFORMED, decode_hex(f, 0, ""));
    assert_int_equal(CHT_E_MALFORMED, decode_hex(f, 0, "020707080a"));
    assert_int_equal(CHT_E_MALFORMED, decode_hex(f, 2, "020707080a"));
    assert_int_equal(CHT_E_MALFORMED, decode_hex(f, 256, "020707080a"));
    assert_int_equal(CHT_E_LIMIT, decode_hex(f, 257, "020707080a"));
    f->chain.before.seq = UINT32_MAX - 1;
    assert_int_equal(CHT_OK, decode_hex(f, 1, "020707080a"));
    f->chain.before.seq = UINT32_MAX;
    assert_int_equal(CHT_E_MALFORMED, decode_hex(f, 1, "020707080a"));
    f->chain.before.seq = 300;
    assert_int_equal(CHT_E_UNSUPPORTED, decode(f, 1, (enum crdt_codec)3, cht_bytes_str("x")));
    assert_int_equal(CHT_E_UNSUPPORTED, decode(f, 1, (enum crdt_codec)255, cht_bytes_str("x")));
    uint8_t *large = cht_arena_alloc(&f->arena, LIMIT_RANGE_BYTES + 1);
    assert_int_equal(CHT_E_LIMIT,
                     decode(f, 1, CRDT_CODEC_COLUMNS, cht_bytes(large, LIMIT_RANGE_BYTES + 1)));
}

/* --- deflate ------------------------------------------------------------------------------- */

/* Codec 1 of `columns`, claiming to be `claim` bytes long. */
static struct cht_bytes deflated(struct fixture *f, struct cht_bytes columns, uint64_t claim)
{
    cht_buf_reset(&f->buf);
    assert_int_equal(CHT_OK, cht_buf_add_varint(&f->buf, claim));
    assert_int_equal(CHT_OK, cht_buf_reserve(&f->buf, columns.len + 100));
    z_stream z = { .next_in = (z_const Bytef *)(uintptr_t)columns.data,
                   .avail_in = (uInt)columns.len,
                   .next_out = f->buf.data + f->buf.len,
                   .avail_out = (uInt)columns.len + 100 };
    assert_int_equal(Z_OK, deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY));
    assert_int_equal(Z_STREAM_END, deflate(&z, Z_FINISH));
    f->buf.len += z.total_out;
    assert_int_equal(Z_OK, deflateEnd(&z));
    return cht_buf_view(&f->buf);
}

static void a_stream_that_is_not_as_long_as_it_says_is_refused(void **state)
{
    struct fixture *f = *state;
    struct cht_bytes columns = cht_bytes("\x02\x07\x07\x08\x0a", 5);
    assert_int_equal(CHT_OK, decode(f, 1, CRDT_CODEC_DEFLATE, deflated(f, columns, 5)));
    assert_int_equal(CHT_E_MALFORMED, decode(f, 1, CRDT_CODEC_DEFLATE, deflated(f, columns, 4)));
    assert_int_equal(CHT_E_MALFORMED, decode(f, 1, CRDT_CODEC_DEFLATE, deflated(f, columns, 6)));
    assert_int_equal(CHT_E_MALFORMED, decode(f, 1, CRDT_CODEC_DEFLATE, deflated(f, columns, 0)));
    struct cht_bytes whole = deflated(f, columns, 5);
    for (size_t len = 0; len < whole.len; len++)
        assert_int_equal(CHT_E_MALFORMED,
                         decode(f, 1, CRDT_CODEC_DEFLATE, cht_bytes(whole.data, len)));
    assert_int_equal(CHT_OK, cht_buf_add_u8(&f->buf, 0)); /* after the stream's end */
    assert_int_equal(CHT_E_MALFORMED, decode(f, 1, CRDT_CODEC_DEFLATE, cht_buf_view(&f->buf)));
}

static void a_length_beyond_the_limit_or_the_stream_takes_no_memory(void **state)
{
    struct fixture *f = *state;
    struct cht_bytes columns = cht_bytes("\x02\x07\x07\x08\x0a", 5);
    assert_int_equal(CHT_E_LIMIT, decode(f, 1, CRDT_CODEC_DEFLATE,
                                         deflated(f, columns, LIMIT_RANGE_RAW_BYTES + 1)));
    assert_int_equal(CHT_E_LIMIT,
                     decode(f, 1, CRDT_CODEC_DEFLATE, deflated(f, columns, UINT64_MAX)));
    /* within the limit, yet more than seven bytes of deflate can ever give */
    assert_int_equal(CHT_E_MALFORMED,
                     decode(f, 1, CRDT_CODEC_DEFLATE, deflated(f, columns, LIMIT_RANGE_RAW_BYTES)));
    assert_int_equal(0, f->turn.used);
}

static void a_bomb_of_ops_is_stopped_by_the_bytes_their_bodies_would_have(void **state)
{
    struct fixture *f = *state;
    uint8_t *bomb = cht_arena_alloc(&f->arena, LIMIT_RANGE_RAW_BYTES);
    assert_non_null(bomb);
    uint8_t *p = bomb;
    for (uint32_t i = 0; i < LIMIT_HEAD_ENTRIES; i++)
        *p++ = CRDT_ENTITY_OWN | CRDT_BODY_OPS << CRDT_SHAPE_BODY_SHIFT;
    p += LIMIT_HEAD_ENTRIES; /* no milliseconds */
    for (uint32_t i = 0; i < LIMIT_HEAD_ENTRIES; i++)
        *p++ = 7; /* names */
    for (uint32_t i = 0; i < LIMIT_HEAD_ENTRIES; i++)
        p += cht_varint_put(p, LIMIT_ENTRY_OPS);
    memset(p, 1 << CRDT_OP_FIELD_SHIFT | CRDT_OP_IS_DROP,
           LIMIT_RANGE_RAW_BYTES - (size_t)(p - bomb));
    struct cht_bytes payload =
        deflated(f, cht_bytes(bomb, LIMIT_RANGE_RAW_BYTES), LIMIT_RANGE_RAW_BYTES);
    assert_true(payload.len < 8192);
    assert_int_equal(CHT_E_LIMIT, decode(f, LIMIT_HEAD_ENTRIES, CRDT_CODEC_DEFLATE, payload));
}

static void bodies_that_outgrow_their_columns_meet_the_limit(void **state)
{
    struct fixture *f = *state;
    /* one op whose value is longer than a body may be */
    size_t len = LIMIT_BODY_BYTES;
    uint8_t *columns = cht_arena_alloc(&f->arena, len + 16);
    assert_non_null(columns);
    memcpy(columns, "\x02\x07\x07\x08\xc6\x00", 6);
    columns[6] = (uint8_t)(len >> 16);
    columns[7] = (uint8_t)(len >> 8);
    columns[8] = (uint8_t)len;
    assert_int_equal(CHT_E_LIMIT, decode(f, 1, CRDT_CODEC_COLUMNS, cht_bytes(columns, 9 + len)));
}

/* --- codec 0 ------------------------------------------------------------------------------- */

static void two_entries(struct fixture *f)
{
    struct crdt_header h = { .hlc = f->chain.before.hlc, .txn_count = 1 };
    h.entity.form = CRDT_REF_NAMED;
    h.entity.name.seq = 7;
    f->chain.count = 0;
    chain_add(&f->chain, &h, cht_bytes_str("\x91\x93\x01\x01\xc3"));
    chain_add(&f->chain, &h, cht_bytes_str("\x91\x93\x01\x01\xc2"));
}

static enum cht_err decode_raw(struct fixture *f)
{
    cht_buf_reset(&f->buf);
    assert_int_equal(CHT_OK, chain_raw(&f->chain, &f->buf));
    return decode(f, f->chain.count, CRDT_CODEC_RAW, cht_buf_view(&f->buf));
}

static void raw_entries_have_to_follow_one_another(void **state)
{
    struct fixture *f = *state;
    two_entries(f);
    assert_int_equal(CHT_OK, decode_raw(f));
    struct crdt_before right = f->chain.before;
    f->chain.before.seq++;
    assert_int_equal(CHT_E_MALFORMED, decode_raw(f));
    f->chain.before = right;
    f->chain.before.hash.b[31] ^= 1;
    assert_int_equal(CHT_E_MALFORMED, decode_raw(f));
    f->chain.before = right;
    f->chain.before.space[15] ^= 1;
    assert_int_equal(CHT_E_MALFORMED, decode_raw(f));
    f->chain.before = right;
    f->chain.before.device[15] ^= 1;
    assert_int_equal(CHT_E_MALFORMED, decode_raw(f));
    f->chain.before = right;
    f->chain.entries[1] = f->chain.entries[0];
    assert_int_equal(CHT_E_MALFORMED, decode_raw(f));
}

static void a_raw_body_has_to_be_the_one_its_header_names(void **state)
{
    struct fixture *f = *state;
    two_entries(f);
    f->chain.entries[1].body = cht_bytes_str("\x91\x93\x01\x01\xc3");
    assert_int_equal(CHT_E_SIGNATURE, decode_raw(f));
    f->chain.entries[1].body = cht_bytes(NULL, 0);
    assert_int_equal(CHT_OK, decode_raw(f));
    f->buf.data[f->buf.len - 1] = 2; /* neither there nor missing */
    assert_int_equal(CHT_E_MALFORMED, decode(f, 2, CRDT_CODEC_RAW, cht_buf_view(&f->buf)));
}

static void raw_headers_are_decoded_as_strictly_as_anywhere(void **state)
{
    struct fixture *f = *state;
    two_entries(f);
    assert_int_equal(CHT_OK, decode_raw(f));
    f->buf.data[1] = 2; /* the version */
    assert_int_equal(CHT_E_UNSUPPORTED, decode(f, 2, CRDT_CODEC_RAW, cht_buf_view(&f->buf)));
    const uint8_t large[] = { 0x81, 0x20, 1 }; /* a header of 4097 bytes */
    assert_int_equal(CHT_E_LIMIT, decode(f, 1, CRDT_CODEC_RAW, cht_bytes(large, sizeof large)));
    const uint8_t lies[] = { 0x80, 0x20, 1 }; /* of 4096, of which one is here */
    assert_int_equal(CHT_E_MALFORMED, decode(f, 1, CRDT_CODEC_RAW, cht_bytes(lies, sizeof lies)));
}

/* --- chance -------------------------------------------------------------------------------- */

static void no_memory_is_an_error_and_leaves_the_output(void **state)
{
    struct fixture *f = *state;
    f->random = seeded_start(6);
    chain_start(&f->chain, &f->random, &f->arena);
    while (f->chain.count < 20)
        chain_grow(&f->chain);
    assert_int_equal(CHT_OK, crdt_columns_write(&f->chain.before, f->chain.entries, 20, &f->buf));
    enum cht_err err = CHT_E_NOMEM;
    unsigned refused = 0;
    for (size_t limit = 0; err != CHT_OK; limit += 61) {
        cht_arena_reset(&f->turn);
        f->turn.limit = limit;
        err = decode(f, 20, CRDT_CODEC_COLUMNS, cht_buf_view(&f->buf));
        assert_true(err == CHT_OK || err == CHT_E_NOMEM);
        refused += err != CHT_OK;
    }
    assert_true(refused > 50);
}

/* What is accepted is consistent in itself: hashes, chain and parsed headers. */
static void assert_consistent(const struct crdt_before *before, const struct crdt_entry *e,
                              uint32_t count)
{
    const struct crdt_hash *prev = &before->hash;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t bytes[LIMIT_HEADER_BYTES];
        struct crdt_hash hash = crdt_hash_of(e[i].header_bytes);
        assert_int_equal(CHT_OK, crdt_header_check(&e[i].header));
        assert_int_equal(e[i].header_bytes.len, crdt_header_put(&e[i].header, bytes));
        assert_memory_equal(bytes, e[i].header_bytes.data, e[i].header_bytes.len);
        assert_true(crdt_hash_eq(&hash, &e[i].hash));
        assert_true(crdt_hash_eq(prev, &e[i].header.prev));
        assert_int_equal(before->seq + 1 + i, e[i].header.seq);
        if (e[i].body.data != NULL) {
            hash = crdt_hash_of(e[i].body);
            assert_int_equal(e[i].header.body_len, e[i].body.len);
            assert_true(crdt_hash_eq(&hash, &e[i].header.body_hash));
        }
        prev = &e[i].hash;
    }
}

static void changed_ranges_are_refused_or_consistent(void **state)
{
    struct fixture *f = *state;
    unsigned accepted = 0;
    f->random = seeded_start(7);
    for (unsigned round = 0; round < 20000; round++) {
        if (round % 100 == 0) {
            cht_arena_reset(&f->arena);
            cht_buf_reset(&f->buf);
            chain_start(&f->chain, &f->random, &f->arena);
            for (uint32_t n = 1 + seeded_below(&f->random, 12); n > 0; n--)
                chain_grow(&f->chain);
            assert_int_equal(CHT_OK, crdt_columns_write(&f->chain.before, f->chain.entries,
                                                        f->chain.count, &f->buf));
        }
        uint8_t *bytes = malloc(f->buf.len);
        assert_non_null(bytes);
        memcpy(bytes, f->buf.data, f->buf.len);
        for (uint32_t n = 1 + seeded_below(&f->random, 3); n > 0; n--) {
            uint32_t most = (uint32_t)f->buf.len;
            if (seeded_below(&f->random, 2) == 0)
                most = f->chain.count * 2; /* among the shapes and extras */
            if (most <= f->buf.len)
                bytes[seeded_below(&f->random, most)] = (uint8_t)seeded_next(&f->random);
        }
        struct crdt_entry *got = NULL;
        cht_arena_reset(&f->turn);
        enum cht_err err = crdt_range_decode(&f->chain.before, f->chain.count, CRDT_CODEC_COLUMNS,
                                             cht_bytes(bytes, f->buf.len), &f->turn, &got);
        assert_true(err == CHT_OK || err == CHT_E_MALFORMED || err == CHT_E_LIMIT);
        if (err == CHT_OK) {
            assert_consistent(&f->chain.before, got, f->chain.count);
            accepted++;
        }
        free(bytes);
    }
    assert_true(accepted > 1000);
}

/* --- the frame ----------------------------------------------------------------------------- */

static void a_frame_comes_back_and_leaves_what_follows_it(void **state)
{
    struct fixture *f = *state;
    for (unsigned own = 0; own < 2; own++) {
        struct crdt_range r = { .own = own == 1,
                                .seq = 300,
                                .count = 256,
                                .codec = (enum crdt_codec)9,
                                .payload = cht_bytes_str("payload") };
        if (!r.own)
            memset(r.device_tag, 0x20, sizeof r.device_tag);
        memset(r.prev_tag, 0x50, sizeof r.prev_tag);
        memset(r.head, 0x60, sizeof r.head);
        cht_buf_reset(&f->buf);
        assert_int_equal(CHT_OK, crdt_range_write(&r, &f->buf));
        size_t len = f->buf.len;
        assert_int_equal((r.own ? 1 : 9) + 4 + 2 + 2 + 1 + 1 + 7 + 64, len);
        assert_int_equal(CHT_OK, cht_buf_add_u8(&f->buf, 7));
        struct cht_wire w = cht_wire(cht_buf_view(&f->buf));
        struct crdt_range got;
        assert_int_equal(CHT_OK, crdt_range_read(&w, &got));
        assert_int_equal(1, cht_wire_left(&w));
        assert_true(got.own == r.own);
        assert_memory_equal(r.device_tag, got.device_tag, sizeof r.device_tag);
        assert_memory_equal(r.prev_tag, got.prev_tag, sizeof r.prev_tag);
        assert_int_equal(300, got.seq);
        assert_int_equal(256, got.count);
        assert_int_equal(9, got.codec); /* what it means is decode's to say */
        assert_true(cht_bytes_eq(r.payload, got.payload));
        assert_memory_equal(r.head, got.head, sizeof r.head);
        for (size_t cut = 0; cut < len; cut++) {
            got.seq = 4711;
            w = cht_wire(cht_bytes(f->buf.data, cut));
            assert_int_equal(CHT_E_MALFORMED, crdt_range_read(&w, &got));
            assert_int_equal(CHT_E_MALFORMED, w.err);
            assert_int_equal(4711, got.seq); /* untouched */
        }
    }
}

static void a_frame_that_lies_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum cht_err err;
        const char *head; /* origin to payload-len */
    } rows[] = {
        { CHT_OK, "0050505050"
                  "01"
                  "01"
                  "02"
                  "00" },
        { CHT_E_MALFORMED, "0250505050"
                           "01"
                           "01"
                           "02"
                           "00" },
        { CHT_E_MALFORMED, "0050505050"
                           "00"
                           "01"
                           "02"
                           "00" }, /* seq 0 */
        { CHT_E_MALFORMED, "0050505050"
                           "01"
                           "00"
                           "02"
                           "00" }, /* of none */
        { CHT_E_LIMIT, "0050505050"
                       "01"
                       "8102"
                       "02"
                       "00" }, /* of 257 */
        { CHT_OK, "0050505050"
                  "ffffffff0f"
                  "01"
                  "02"
                  "00" },
        { CHT_E_MALFORMED, "0050505050"
                           "ffffffff0f"
                           "02"
                           "02"
                           "00" }, /* the last is 2^32 */
        { CHT_E_MALFORMED, "0050505050"
                           "8080808010"
                           "01"
                           "02"
                           "00" },
        { CHT_E_LIMIT, "0050505050"
                       "01"
                       "01"
                       "02"
                       "818020" }, /* payload of 524289 */
        { CHT_E_MALFORMED, "0050505050"
                           "01"
                           "01"
                           "02"
                           "808020" }, /* of 524288 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[128] = { 0 };
        struct crdt_range got;
        size_t len = strlen(rows[i].head) / 2;
        assert_int_equal(CHT_OK, crdt_unhex(cht_bytes_str(rows[i].head), bytes, len));
        struct cht_wire w = cht_wire(cht_bytes(bytes, len + CRDT_SIG_BYTES));
        assert_int_equal(rows[i].err, crdt_range_read(&w, &got));
    }
}

static void a_frame_that_does_not_fit_leaves_the_buffer(void **state)
{
    struct fixture *f = *state;
    struct crdt_range r = { .own = true, .seq = 1, .count = 1, .payload = cht_bytes_str("p") };
    assert_int_equal(CHT_OK, cht_buf_add_u8(&f->buf, 7));
    for (size_t limit = 1; limit < 1 + 9 + 1 + 64; limit++) {
        f->buf.limit = limit;
        assert_int_equal(CHT_E_LIMIT, crdt_range_write(&r, &f->buf));
        assert_int_equal(1, f->buf.len);
    }
    f->buf.limit = 1 + 9 + 1 + 64;
    assert_int_equal(CHT_OK, crdt_range_write(&r, &f->buf));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(columns_are_refused_for_what_is_wrong_with_them),
        TEST(counts_and_numbers_have_their_bounds),
        TEST(a_stream_that_is_not_as_long_as_it_says_is_refused),
        TEST(a_length_beyond_the_limit_or_the_stream_takes_no_memory),
        TEST(a_bomb_of_ops_is_stopped_by_the_bytes_their_bodies_would_have),
        TEST(bodies_that_outgrow_their_columns_meet_the_limit),
        TEST(raw_entries_have_to_follow_one_another),
        TEST(a_raw_body_has_to_be_the_one_its_header_names),
        TEST(raw_headers_are_decoded_as_strictly_as_anywhere),
        TEST(no_memory_is_an_error_and_leaves_the_output),
        TEST(changed_ranges_are_refused_or_consistent),
        TEST(a_frame_comes_back_and_leaves_what_follows_it),
        TEST(a_frame_that_lies_is_refused),
        TEST(a_frame_that_does_not_fit_leaves_the_buffer),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
