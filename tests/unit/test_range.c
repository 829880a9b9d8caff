/* Ranges come back byte for byte, and small (PROTOCOL 4.1 to 4.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crdt/columns.h"
#include "tests/support/chain.h"

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
    cht_arena_init(&f->turn, (size_t)32 << 20);
    cht_buf_init(&f->buf, (size_t)4 << 20);
    f->random = (struct seeded){ .state = 99 };
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

/* The parsed header says what its bytes say. */
static void assert_header_is_its_bytes(const struct crdt_entry *e)
{
    uint8_t bytes[LIMIT_HEADER_BYTES];
    assert_int_equal(CHT_OK, crdt_header_check(&e->header));
    assert_int_equal(e->header_bytes.len, crdt_header_put(&e->header, bytes));
    assert_memory_equal(bytes, e->header_bytes.data, e->header_bytes.len);
}

static void assert_decodes_to_chain(struct fixture *f, enum crdt_codec codec,
                                    struct cht_bytes payload)
{
    struct crdt_entry *got = NULL;
    cht_arena_reset(&f->turn);
    assert_int_equal(CHT_OK, crdt_range_decode(&f->chain.before, f->chain.count, codec, payload,
                                               &f->turn, &got));
    for (uint32_t i = 0; i < f->chain.count; i++) {
        const struct crdt_entry *want = &f->chain.entries[i];
        assert_true(cht_bytes_eq(want->header_bytes, got[i].header_bytes));
        assert_true((want->body.data == NULL) == (got[i].body.data == NULL));
        assert_true(cht_bytes_eq(want->body, got[i].body));
        assert_memory_equal(want->hash.b, got[i].hash.b, CRDT_HASH_BYTES);
        assert_header_is_its_bytes(&got[i]);
    }
}

/* Through the codec that encode chooses, through plain columns and through codec 0. */
static void assert_comes_back(struct fixture *f)
{
    enum crdt_codec codec = CRDT_CODEC_RAW;
    cht_buf_reset(&f->buf);
    assert_int_equal(CHT_OK, crdt_range_encode(&f->chain.before, f->chain.entries, f->chain.count,
                                               &f->buf, &codec));
    assert_decodes_to_chain(f, codec, cht_buf_view(&f->buf));
    size_t chosen = f->buf.len;
    cht_buf_reset(&f->buf);
    assert_int_equal(
        CHT_OK, crdt_columns_write(&f->chain.before, f->chain.entries, f->chain.count, &f->buf));
    assert_true(chosen <= f->buf.len);
    assert_decodes_to_chain(f, CRDT_CODEC_COLUMNS, cht_buf_view(&f->buf));
    cht_buf_reset(&f->buf);
    assert_int_equal(CHT_OK, chain_raw(&f->chain, &f->buf));
    if (f->buf.len <= LIMIT_RANGE_BYTES)
        assert_decodes_to_chain(f, CRDT_CODEC_RAW, cht_buf_view(&f->buf));
}

static void random_paths_come_back_exactly(void **state)
{
    struct fixture *f = *state;
    f->random = seeded_start(4);
    for (unsigned round = 0; round < 300; round++) {
        cht_arena_reset(&f->arena);
        chain_start(&f->chain, &f->random, &f->arena);
        uint32_t count = 1 + seeded_below(&f->random, round % 8 == 0 ? CHAIN_ENTRIES_MAX : 20);
        while (f->chain.count < count)
            chain_grow(&f->chain);
        assert_comes_back(f);
    }
}

/* --- what is small stays small ------------------------------------------------------------- */

static struct crdt_header plain_header(uint32_t entity_seq, crdt_hlc_stamp stamp)
{
    struct crdt_header h = { .hlc = stamp, .txn_count = 1 };
    memset(h.epoch, 0x30, CRDT_EPOCH_BYTES);
    h.entity.form = CRDT_REF_NAMED;
    h.entity.name.seq = entity_seq;
    return h;
}

static void plain_start(struct fixture *f)
{
    struct chain *c = &f->chain;
    memset(c, 0, sizeof *c);
    c->arena = &f->arena;
    memset(c->before.space, 0x10, CRDT_ID_BYTES);
    memset(c->before.device, 0x20, CRDT_ID_BYTES);
    memset(c->before.epoch, 0x30, CRDT_EPOCH_BYTES);
    memset(c->before.hash.b, 0x50, CRDT_HASH_BYTES);
    c->before.hlc = crdt_hlc_make(1763700000000, 0);
    c->before.seq = 20000;
}

static void one_put_of_a_title_is_a_small_frame(void **state)
{
    struct fixture *f = *state;
    enum crdt_codec codec = CRDT_CODEC_RAW;
    plain_start(f);
    struct crdt_header h = plain_header(1234, crdt_hlc_make(1763700020000, 0));
    chain_add(&f->chain, &h, cht_bytes_str("\x91\x93\x01\x03\xb1seventeen letters"));
    assert_int_equal(CHT_OK,
                     crdt_range_encode(&f->chain.before, f->chain.entries, 1, &f->buf, &codec));
    assert_int_equal(CRDT_CODEC_COLUMNS, codec);
    assert_int_equal(25, f->buf.len); /* shape, 3 of stamp, 2 of name, op, 18 of value */
    assert_true(f->buf.len <= 35);
    struct cht_buf frame;
    cht_buf_init(&frame, 1024);
    struct crdt_range r = {
        .own = true, .seq = 20001, .count = 1, .codec = codec, .payload = cht_buf_view(&f->buf)
    };
    assert_int_equal(CHT_OK, crdt_range_write(&r, &frame));
    assert_true(frame.len <= 125);
    cht_buf_clear(&frame);
}

static size_t columns_bytes(struct fixture *f)
{
    cht_buf_reset(&f->buf);
    assert_int_equal(
        CHT_OK, crdt_columns_write(&f->chain.before, f->chain.entries, f->chain.count, &f->buf));
    return f->buf.len;
}

static void a_transaction_costs_its_count_once(void **state)
{
    struct fixture *f = *state;
    size_t bytes[2];
    for (uint32_t txn = 0; txn < 2; txn++) {
        plain_start(f);
        for (uint32_t i = 0; i < 100; i++) {
            struct crdt_header h = plain_header(1234 + i, f->chain.before.hlc + 1 + i);
            h.txn_count = txn == 0 ? 1 : 100;
            h.txn_position = txn == 0 ? 0 : i;
            chain_add(&f->chain, &h, cht_bytes_str("\x91\x93\x01\x03\xc3"));
        }
        bytes[txn] = columns_bytes(f);
    }
    assert_int_equal(bytes[0] + 3, bytes[1]); /* extra, position, count */
}

static void an_entity_or_actor_repeated_costs_nothing(void **state)
{
    struct fixture *f = *state;
    size_t bytes[2];
    for (uint32_t same = 0; same < 2; same++) {
        plain_start(f);
        for (uint32_t i = 0; i < 10; i++) {
            struct crdt_header h = plain_header(20001, f->chain.before.hlc + 1 + i);
            if (i == 0) {
                h.entity = (struct crdt_ref){ .form = CRDT_REF_SPELT, .id = { .type = 4 } };
                h.actor = (struct crdt_ref){ .form = CRDT_REF_SPELT };
            } else if (same == 1) {
                h.actor = (struct crdt_ref){ .form = CRDT_REF_NAMED, .name = { .seq = 20001 } };
            }
            chain_add(&f->chain, &h, cht_bytes_str("\x91\x93\x01\x03\xc3"));
        }
        bytes[same] = columns_bytes(f);
    }
    /* 10 shapes, 10 stamps, 10 op heads, 10 values, both spelt with an extra byte */
    assert_int_equal(40 + 1 + 17 + 17, bytes[1]);
    assert_int_equal(bytes[1] + 1, bytes[0]); /* no actor any more: an extra byte, once */
}

static void a_full_range_of_updates_costs_under_ten_bytes_an_op(void **state)
{
    struct fixture *f = *state;
    static const char *const states[] = { "\xa4open", "\245doing", "\247blocked", "\xa6review",
                                          "\246closed" };
    enum crdt_codec codec = CRDT_CODEC_RAW;
    plain_start(f);
    for (uint32_t i = 0; i < LIMIT_HEAD_ENTRIES; i++) {
        struct crdt_header h =
            plain_header(1 + seeded_below(&f->random, 10000), f->chain.before.hlc + 1 + i);
        uint8_t *body = cht_arena_alloc(&f->arena, 64);
        const char *value = states[seeded_below(&f->random, 5)];
        memcpy(body, "\x91\x93\x01\x03", 4);
        memcpy(body + 4, value, strlen(value));
        chain_add(&f->chain, &h, cht_bytes(body, 4 + strlen(value)));
    }
    assert_int_equal(CHT_OK, crdt_range_encode(&f->chain.before, f->chain.entries,
                                               LIMIT_HEAD_ENTRIES, &f->buf, &codec));
    assert_int_equal(CRDT_CODEC_DEFLATE, codec);
    assert_true(f->buf.len + CRDT_SIG_BYTES <= 10 * LIMIT_HEAD_ENTRIES);
    assert_decodes_to_chain(f, codec, cht_buf_view(&f->buf));
}

/* --- limits -------------------------------------------------------------------------------- */

static void add_missing(struct fixture *f, uint32_t body_len)
{
    struct crdt_header h = plain_header(7, f->chain.before.hlc);
    h.body_len = body_len;
    chain_add(&f->chain, &h, cht_bytes(NULL, 0));
}

static void the_bodies_of_a_range_have_a_sum(void **state)
{
    struct fixture *f = *state;
    enum crdt_codec codec = CRDT_CODEC_RAW;
    struct crdt_entry *got = NULL;
    plain_start(f);
    for (unsigned i = 0; i < 3; i++)
        add_missing(f, LIMIT_BODY_BYTES);
    assert_comes_back(f);
    add_missing(f, 1);
    cht_buf_reset(&f->buf);
    assert_int_equal(CHT_E_LIMIT,
                     crdt_range_encode(&f->chain.before, f->chain.entries, 4, &f->buf, &codec));
    assert_int_equal(0, f->buf.len);
    assert_int_equal(CRDT_CODEC_RAW, codec);
    (void)columns_bytes(f);
    assert_int_equal(CHT_E_LIMIT, crdt_range_decode(&f->chain.before, 4, CRDT_CODEC_COLUMNS,
                                                    cht_buf_view(&f->buf), &f->turn, &got));
    cht_buf_reset(&f->buf);
    assert_int_equal(CHT_OK, chain_raw(&f->chain, &f->buf));
    assert_int_equal(CHT_E_LIMIT, crdt_range_decode(&f->chain.before, 4, CRDT_CODEC_RAW,
                                                    cht_buf_view(&f->buf), &f->turn, &got));
    assert_null(got);
}

static void the_largest_bodies_come_back(void **state)
{
    struct fixture *f = *state;
    plain_start(f);
    for (unsigned i = 0; i < 3; i++) {
        uint8_t *body = cht_arena_alloc(&f->arena, LIMIT_BODY_BYTES);
        struct crdt_header h = plain_header(7, f->chain.before.hlc);
        assert_non_null(body);
        if (i < 2) {
            seeded_fill(&f->random, body, LIMIT_BODY_BYTES); /* no msgpack, will not deflate */
        } else {
            memset(body, 0, LIMIT_BODY_BYTES);
        }
        body[0] = 0xc1;
        chain_add(&f->chain, &h, cht_bytes(body, LIMIT_BODY_BYTES));
    }
    assert_comes_back(f);
}

static void a_buffer_that_is_too_small_is_left_as_it_was(void **state)
{
    struct fixture *f = *state;
    enum crdt_codec codec = CRDT_CODEC_RAW;
    f->random = seeded_start(5);
    chain_start(&f->chain, &f->random, &f->arena);
    while (f->chain.count < 30)
        chain_grow(&f->chain);
    assert_int_equal(CHT_OK,
                     crdt_range_encode(&f->chain.before, f->chain.entries, 30, &f->buf, &codec));
    size_t need = f->buf.len;
    struct cht_buf small;
    cht_buf_init(&small, need + 2); /* zlib stops short of filling the last byte */
    assert_int_equal(CHT_OK, cht_buf_add_u8(&small, 7));
    assert_int_equal(CHT_OK,
                     crdt_range_encode(&f->chain.before, f->chain.entries, 30, &small, &codec));
    assert_int_equal(need + 1, small.len);
    cht_buf_clear(&small);
    cht_buf_init(&small, need);
    assert_int_equal(CHT_OK, cht_buf_add_u8(&small, 7));
    codec = CRDT_CODEC_RAW;
    assert_int_equal(CHT_E_LIMIT,
                     crdt_range_encode(&f->chain.before, f->chain.entries, 30, &small, &codec));
    assert_int_equal(1, small.len);
    assert_int_equal(CRDT_CODEC_RAW, codec);
    cht_buf_clear(&small);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(random_paths_come_back_exactly),
        TEST(one_put_of_a_title_is_a_small_frame),
        TEST(a_transaction_costs_its_count_once),
        TEST(an_entity_or_actor_repeated_costs_nothing),
        TEST(a_full_range_of_updates_costs_under_ten_bytes_an_op),
        TEST(the_bodies_of_a_range_have_a_sum),
        TEST(the_largest_bodies_come_back),
        TEST(a_buffer_that_is_too_small_is_left_as_it_was),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
