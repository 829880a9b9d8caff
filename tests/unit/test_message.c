/* The envelope and the framing of the local protocol (LOCAL 1.3, 2). */
#include "crdt/limits.h"
#include "node/client/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const uint8_t some_payload[] = { 0x81, 0xa1, 'a', 0x01 };

static struct node_msg whole_message(void)
{
    static const uint8_t nodes[] = { 0x91, 0xa1, 'n' };
    static const uint8_t places[] = { 0x91, 0xa3, 'w', 'e', 'b' };
    static const uint8_t vector[] = { 0x81, 0xa1, 'd', 0x07 };
    return (struct node_msg){
        .type = NODE_MSG_QUERY,
        .id = cht_bytes_str("m-1"),
        .node_id = cht_bytes_str("00ff"),
        .platform = cht_bytes_str("cli"),
        .actor = cht_bytes_str("CHITTY-SESSION-1"),
        .broadcast = true,
        .node_ids = cht_bytes(nodes, sizeof nodes),
        .platforms = cht_bytes(places, sizeof places),
        .timestamp_ms = 1767225600000,
        .vector = cht_bytes(vector, sizeof vector),
        .reply_to = cht_bytes_str("m-0"),
        .ttl_s = 30,
        .payload = cht_bytes(some_payload, sizeof some_payload),
    };
}

static void assert_span(struct cht_bytes expected, struct cht_bytes got)
{
    assert_int_equal(expected.len, got.len);
    if (expected.len > 0)
        assert_memory_equal(expected.data, got.data, expected.len);
}

static void a_message_is_read_as_it_was_written(void **state)
{
    (void)state;
    const struct node_msg m = whole_message();
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_CLIENT_BYTES);
    assert_int_equal(CHT_OK, node_msg_write(&b, &m));

    struct node_msg got;
    struct cht_bytes id = { 0 };
    assert_int_equal(CHT_OK, node_msg_read(cht_buf_view(&b), NULL, &id, &got));

    assert_int_equal(m.type, got.type);
    assert_span(m.id, got.id);
    assert_span(m.id, id);
    assert_span(m.node_id, got.node_id);
    assert_span(m.platform, got.platform);
    assert_span(m.actor, got.actor);
    assert_true(got.broadcast);
    assert_span(m.node_ids, got.node_ids);
    assert_span(m.platforms, got.platforms);
    assert_int_equal(m.timestamp_ms, got.timestamp_ms);
    assert_span(m.vector, got.vector);
    assert_span(m.reply_to, got.reply_to);
    assert_int_equal(m.ttl_s, got.ttl_s);
    assert_span(m.payload, got.payload);
    cht_buf_clear(&b);
}

static void every_type_has_its_word_and_reads_back(void **state)
{
    (void)state;
    for (unsigned t = 0; t < NODE_MSG_TYPE_COUNT; t++) {
        struct node_msg m = whole_message(), got;
        m.type = (enum node_msg_type)t;
        struct cht_buf b;
        cht_buf_init(&b, LIMIT_CLIENT_BYTES);
        assert_int_equal(CHT_OK, node_msg_write(&b, &m));
        assert_int_equal(CHT_OK, node_msg_read(cht_buf_view(&b), NULL, NULL, &got));
        assert_int_equal(t, got.type);
        cht_buf_clear(&b);
    }
    assert_null(node_msg_type_word(NODE_MSG_TYPE_COUNT));
}

static void id_type_and_payload_are_enough(void **state)
{
    (void)state;
    static const uint8_t bare[] = "\x83\xa2id\xa1x\xa4type\xa5query\xa7payload\x80";
    struct node_msg got;
    assert_int_equal(CHT_OK, node_msg_read(cht_bytes(bare, sizeof bare - 1), NULL, NULL, &got));
    assert_int_equal(NODE_MSG_QUERY, got.type);
    assert_int_equal(0, got.platform.len);
    assert_int_equal(0, got.reply_to.len);
    assert_false(got.broadcast);
}

static void the_first_of_two_equal_keys_counts(void **state)
{
    (void)state;
    static const uint8_t twice[] = "\x84\xa2id\xa1x\xa2id\xa1y\xa4type\xa5query\xa7payload\x80";
    struct node_msg got;
    assert_int_equal(CHT_OK, node_msg_read(cht_bytes(twice, sizeof twice - 1), NULL, NULL, &got));
    assert_span(cht_bytes_str("x"), got.id);
}

struct bad {
    enum cht_err err;
    bool id_known;
    size_t len;
    const char *bytes;
};
#define BAD(err, known, text)                                                                      \
    {                                                                                              \
        err, known, sizeof(text) - 1, text                                                         \
    }

static void what_is_no_message_is_refused_and_its_id_kept_when_there(void **state)
{
    (void)state;
    static const struct bad bads[] = {
        BAD(CHT_E_MALFORMED, false, ""),
        BAD(CHT_E_MALFORMED, false, "\xc0"),
        BAD(CHT_E_MALFORMED, false, "\x80"),
        BAD(CHT_E_MALFORMED, false, "\x80\x80"),
        BAD(CHT_E_MALFORMED, false, "\x93\x01\x02\x03"),
        BAD(CHT_E_MALFORMED, false, "\xdf\xff\xff\xff\xff"),
        BAD(CHT_E_MALFORMED, false, "\xdd\xff\xff\xff\xff"),
        BAD(CHT_E_MALFORMED, false, "\x83\xa2id\x07\xa4type\xa5query\xa7payload\x80"),
        BAD(CHT_E_MALFORMED, false, "\x83\xa2id\xa0\xa4type\xa5query\xa7payload\x80"),
        BAD(CHT_E_MALFORMED, false, "\x83\xa2id\xa1\xff\xa4type\xa5query\xa7payload\x80"),
        BAD(CHT_E_MALFORMED, true, "\x82\xa2id\xa1x\xa4type\xa5query"),
        BAD(CHT_E_MALFORMED, true, "\x82\xa2id\xa1x\xa7payload\x80"),
        BAD(CHT_E_MALFORMED, true, "\x83\xa2id\xa1x\xa4type\xa5query\xa7payload\x90"),
        BAD(CHT_E_UNSUPPORTED, true, "\x83\xa2id\xa1x\xa4type\xa5quarg\xa7payload\x80"),
        BAD(CHT_E_MALFORMED, true, "\x84\xa2id\xa1x\xa4type\xa5query\xa7payload\x80\xa6source\x01"),
        BAD(CHT_E_MALFORMED, true,
            "\x84\xa2id\xa1x\xa4type\xa5query\xa7payload\x80\xa8metadata\x81\xa9"
            "causality\x01"),
    };
    for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
        struct node_msg got = { .ttl_s = 77 };
        struct cht_bytes id = { 0 };
        struct cht_error why = { 0 };
        assert_int_equal(bads[i].err,
                         node_msg_read(cht_bytes(bads[i].bytes, bads[i].len), &why, &id, &got));
        assert_int_equal(bads[i].id_known, id.len == 1);
        assert_int_equal(bads[i].err, why.code);
        assert_int_equal(77, got.ttl_s);
    }
}

static void every_cut_of_a_message_is_refused(void **state)
{
    (void)state;
    const struct node_msg m = whole_message();
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_CLIENT_BYTES);
    assert_int_equal(CHT_OK, node_msg_write(&b, &m));
    for (size_t len = 0; len < b.len; len++) {
        struct node_msg got;
        assert_int_not_equal(CHT_OK, node_msg_read(cht_bytes(b.data, len), NULL, NULL, &got));
    }
    cht_buf_clear(&b);
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    uint8_t deep[NODE_MSG_DEPTH + 2];
    memset(deep, 0x91, sizeof deep);
    deep[sizeof deep - 1] = 0xc0;
    struct node_msg got;
    assert_int_equal(CHT_E_LIMIT, node_msg_read(cht_bytes(deep, sizeof deep), NULL, NULL, &got));
}

static void an_error_answer_names_the_request_and_the_code(void **state)
{
    (void)state;
    const struct node_msg base = { .platform = cht_bytes_str("node"), .timestamp_ms = 5 };
    struct node_fault why = { .error = { .code = CHT_E_BUSY, .text = "busy with it" },
                              .hint = "wait a little" };
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_CLIENT_BYTES);
    assert_int_equal(CHT_OK, node_msg_write_error(&b, &base, cht_bytes_str("req"), &why));
    struct node_msg got;
    assert_int_equal(CHT_OK, node_msg_read(cht_buf_view(&b), NULL, NULL, &got));
    assert_int_equal(NODE_MSG_ACK, got.type);
    assert_span(cht_bytes_str("req"), got.reply_to);
    const struct cht_bytes error = node_mp_get(got.payload, "error");
    assert_span(cht_bytes_str("busy"), node_mp_get_str(error, "code"));
    assert_span(cht_bytes_str("busy with it"), node_mp_get_str(error, "message"));
    assert_span(cht_bytes_str("wait a little"), node_mp_get_str(error, "hint"));
    assert_int_equal(0, node_mp_get(error, "field").len);
    assert_true(node_mp_get_bool(error, "retryable"));
    assert_true(node_msg_final(&got));

    struct node_fault again;
    assert_int_equal(CHT_E_BUSY, node_msg_fault(&got, &again));
    assert_string_equal(why.error.text, again.error.text);
    assert_string_equal(why.hint, again.hint);
    assert_string_equal("", again.field);
    cht_buf_clear(&b);
}

static void the_id_of_an_answer_never_splits_a_character(void **state)
{
    (void)state;
    uint8_t id[NODE_MSG_ID_BYTES], room[NODE_MSG_ID_BYTES];
    for (size_t i = 0; i < sizeof id; i += 2)
        memcpy(id + i, "\xc3\xa9", 2);
    struct cht_bytes got = node_msg_answer_id(cht_bytes(id, sizeof id), room);
    assert_int_equal(NODE_MSG_ID_BYTES, got.len);
    assert_true(crdt_utf8_valid(got));
    got = node_msg_answer_id(cht_bytes(id + 1, 63), room);
    assert_int_equal(63, got.len);
}

static void frames_are_cut_at_their_length(void **state)
{
    (void)state;
    struct cht_buf b;
    cht_buf_init(&b, 1024);
    assert_int_equal(CHT_OK, node_frame_put(&b, cht_bytes_str("one")));
    assert_int_equal(CHT_OK, node_frame_put(&b, cht_bytes_str("second")));
    static const uint8_t golden[] = "\x03\0\0\0one\x06\0\0\0second";
    assert_span(cht_bytes(golden, sizeof golden - 1), cht_buf_view(&b));

    struct cht_bytes message;
    size_t used;
    assert_int_equal(CHT_OK, node_frame_next(cht_buf_view(&b), &message, &used));
    assert_span(cht_bytes_str("one"), message);
    assert_int_equal(7, used);
    for (size_t len = 0; len < 7; len++)
        assert_int_equal(CHT_E_WAITING, node_frame_next(cht_bytes(b.data, len), &message, &used));
    cht_buf_clear(&b);
}

static void a_length_of_nothing_or_too_much_ends_a_stream(void **state)
{
    (void)state;
    uint8_t head[4];
    struct cht_bytes message;
    size_t used;
    const uint32_t bad[] = { 0, LIMIT_CLIENT_BYTES + 1, UINT32_MAX };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cht_put_u32(head, bad[i]);
        assert_int_equal(CHT_E_LIMIT, node_frame_next(cht_bytes(head, 4), &message, &used));
    }
    cht_put_u32(head, LIMIT_CLIENT_BYTES);
    assert_int_equal(CHT_E_WAITING, node_frame_next(cht_bytes(head, 4), &message, &used));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_read_as_it_was_written),
        cmocka_unit_test(every_type_has_its_word_and_reads_back),
        cmocka_unit_test(id_type_and_payload_are_enough),
        cmocka_unit_test(the_first_of_two_equal_keys_counts),
        cmocka_unit_test(what_is_no_message_is_refused_and_its_id_kept_when_there),
        cmocka_unit_test(every_cut_of_a_message_is_refused),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(an_error_answer_names_the_request_and_the_code),
        cmocka_unit_test(the_id_of_an_answer_never_splits_a_character),
        cmocka_unit_test(frames_are_cut_at_their_length),
        cmocka_unit_test(a_length_of_nothing_or_too_much_ends_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
