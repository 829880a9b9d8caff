/* msgpack and JSON of every message are each other's, to the byte (LOCAL 2.1, 2.2, 2.5). */
#include "node/client/request.h"
#include "tests/support/cli_fixture.h"
#include "tests/vectors/local_messages.h"

#define COUNT (sizeof local_vectors / sizeof local_vectors[0])

static struct cht_bytes bytes_of(const struct local_vector *v, uint8_t *room, size_t size)
{
    const size_t len = strlen(v->hex) / 2;
    assert_true(len <= size);
    assert_int_equal(CHT_OK, crdt_unhex(cht_bytes_str(v->hex), room, len));
    return cht_bytes(room, len);
}

static void json_becomes_these_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        uint8_t room[4096];
        struct cht_buf b;
        cht_buf_init(&b, LIMIT_CLIENT_BYTES);
        const struct cht_bytes expected = bytes_of(&local_vectors[i], room, sizeof room);
        assert_int_equal(CHT_OK, cli_json_parse(cht_bytes_str(local_vectors[i].json), &b));
        if (!cht_bytes_eq(expected, cht_buf_view(&b)))
            fail_msg("%s: other bytes", local_vectors[i].name);
        cht_buf_clear(&b);
    }
}

static void these_bytes_become_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        uint8_t room[4096];
        char text[8192];
        cli_capture_json(bytes_of(&local_vectors[i], room, sizeof room), text, sizeof text);
        assert_string_equal(local_vectors[i].json, text);
    }
}

static void every_message_is_read_and_written_back_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        uint8_t room[4096];
        struct node_msg m;
        struct cht_buf b;
        cht_buf_init(&b, LIMIT_CLIENT_BYTES);
        const struct cht_bytes expected = bytes_of(&local_vectors[i], room, sizeof room);
        assert_int_equal(CHT_OK, node_msg_read(expected, NULL, NULL, &m));
        assert_int_equal(CHT_OK, node_msg_write(&b, &m));
        if (!cht_bytes_eq(expected, cht_buf_view(&b)))
            fail_msg("%s: written otherwise", local_vectors[i].name);
        cht_buf_clear(&b);
    }
}

static void every_type_of_message_has_a_vector(void **state)
{
    (void)state;
    bool seen[NODE_MSG_TYPE_COUNT] = { false };
    for (size_t i = 0; i < COUNT; i++) {
        uint8_t room[4096];
        struct node_msg m;
        assert_int_equal(
            CHT_OK, node_msg_read(bytes_of(&local_vectors[i], room, sizeof room), NULL, NULL, &m));
        seen[m.type] = true;
    }
    for (unsigned t = 0; t < NODE_MSG_TYPE_COUNT; t++)
        assert_true(seen[t]);
}

static void the_payloads_of_requests_are_taken(void **state)
{
    (void)state;
    unsigned requests = 0;
    for (size_t i = 0; i < COUNT; i++) {
        uint8_t room[4096];
        struct node_msg m;
        struct node_mutation mutation;
        struct node_query query;
        struct node_command command;
        assert_int_equal(
            CHT_OK, node_msg_read(bytes_of(&local_vectors[i], room, sizeof room), NULL, NULL, &m));
        enum cht_err err = CHT_OK;
        if (m.type == NODE_MSG_STATE_UPDATE)
            err = node_mutation_read(m.payload, NULL, &mutation);
        else if (m.type == NODE_MSG_QUERY || m.type == NODE_MSG_STATE_REQUEST)
            err = node_query_read(m.payload, NODE_GET, NULL, &query);
        else if (m.type == NODE_MSG_COMMAND)
            err = node_command_read(m.payload, NULL, &command);
        else
            continue;
        requests++;
        assert_int_equal(CHT_OK, err);
    }
    assert_int_equal(9, requests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_becomes_these_bytes),
        cmocka_unit_test(these_bytes_become_json),
        cmocka_unit_test(every_message_is_read_and_written_back_the_same),
        cmocka_unit_test(every_type_of_message_has_a_vector),
        cmocka_unit_test(the_payloads_of_requests_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
