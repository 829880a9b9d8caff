/* The dispatcher of bridges/mcp, legacy era (`initialize`), and bytes that are of no era: messages
 * in, the very lines that come out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/mcp_scene.h"

static void initialize_agrees_on_a_revision(void **state)
{
    static const char *const asked[][2] = { { "2025-11-25", "2025-11-25" },
                                            { "2025-06-18", "2025-06-18" },
                                            { "2024-11-05", "2024-11-05" },
                                            { "2025-03-26", "2025-11-25" },
                                            { "2199-01-01", "2025-11-25" } };
    struct scene *s = *state;
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        char text[512];
        reconnect(s);
        (void)snprintf(text, sizeof text,
                       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
                       "\"protocolVersion\":\"%s\",\"capabilities\":{}}}",
                       asked[i][0]);
        (void)feed(s, text);
        (void)snprintf(text, sizeof text,
                       "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"%s\","
                       "\"capabilities\":{\"tools\":{\"listChanged\":true},\"prompts\":{},"
                       "\"resources\":{\"listChanged\":true,\"subscribe\":true},\"completions\":{},"
                       "\"logging\":{}},\"serverInfo\":{\"name\":\"scene\",\"version\":\"1\"}}}",
                       asked[i][1]);
        assert_true(s->lines[s->read].session);
        expect(s, text);
        assert_string_equal(asked[i][1], mcp_conn_session(s->conn));
    }
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"initialize\",\"params\":{"
                  "\"protocolVersion\":\"2025-11-25\",\"capabilities\":{}}}");
    assert_non_null(strstr(next(s)->text, "-32600"));
}

static void before_initialize_everything_is_answered_at_once(void **state)
{
    struct scene *s = *state;
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}");
    assert_int_equal(400, s->lines[0].status);
    assert_non_null(strstr(next(s)->text, "\"id\":1,\"error\":{\"code\":-32602"));
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"what/ever\"}");
    assert_int_equal(404, s->lines[1].status);
    assert_non_null(strstr(next(s)->text, "\"id\":2,\"error\":{\"code\":-32601"));
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\"}");
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}");
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    mcp_changed(s->server, MCP_TOOLS);
    nothing_more(s);
}

static void legacy_results_have_nothing_of_the_modern_ones(void **state)
{
    struct scene *s = *state;
    initialize(s, "{}");
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":"
                  "\"echo\",\"arguments\":{\"word\":\"hi\"}}}");
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\","
              "\"text\":\"hi\"}]}}");
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"resources/read\",\"params\":{"
                  "\"uri\":\"note://none\"}}");
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32002,\"message\":"
              "\"there is no such resource\",\"data\":{\"uri\":\"note://none\"}}}");
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"server/discover\"}");
    assert_non_null(strstr(next(s)->text, "-32601"));
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"prompts/list\"}");
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{\"prompts\":[{\"name\":\"greet\","
              "\"arguments\":[{\"name\":\"whom\",\"required\":true}]}]}}");
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"server/discover\",\"params\":{" META(
                      "{}") "}}");
    assert_non_null(strstr(next(s)->text, "supportedVersions"));
}

static void a_question_of_the_legacy_era_is_a_request_to_the_client(void **state)
{
    struct scene *s = *state;
    int post;
    initialize(s, "{\"elicitation\":{}}");
    s->way.to = &post;
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":"
                  "\"who\"}}");
    s->way.to = NULL;
    assert_ptr_equal(&post, s->lines[s->read].to);
    assert_int_equal(MCP_OUT_REQUEST, s->lines[s->read].kind);
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"elicitation/create\",\"params\":{"
              "\"message\":\"Who?\"}}");
    assert_int_equal(MCP_FED_ACCEPTED,
                     feed(s, "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{\"action\":\"accept\"}}"));
    nothing_more(s);
    assert_int_equal(MCP_FED_ACCEPTED,
                     feed(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"action\":\"accept\","
                             "\"content\":{\"name\":\"Ada\"}}}"));
    assert_ptr_equal(&post, s->lines[s->read].to);
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\","
              "\"text\":\"Ada, state kept\"}]}}");
    assert_int_equal(2, s->begun);
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    nothing_more(s);
}

static void a_client_that_answers_a_question_with_an_error_ends_the_request(void **state)
{
    struct scene *s = *state;
    initialize(s, "{\"elicitation\":{}}");
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":"
                  "\"who\"}}");
    (void)next(s);
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-1,\"message\":\"no\"}}");
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32603,\"message\":"
              "\"the client answered elicitation/create with an error: no\"}}");
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"tools/call\",\"params\":{\"name\":"
                  "\"who\"}}");
    (void)next(s);
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
                  "\"requestId\":8}}");
    assert_int_equal(MCP_OUT_END, next(s)->kind);
    assert_int_equal(0, mcp_conn_pending(s->conn));
    nothing_more(s);
}

static void legacy_subscriptions_are_told_of_updates(void **state)
{
    struct scene *s = *state;
    int get;
    initialize(s, "{}");
    mcp_conn_set_stream(s->conn, &get);
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/subscribe\",\"params\":{"
                  "\"uri\":\"note://all\"}}");
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    mcp_updated(s->server, "note://one/1");
    nothing_more(s);
    mcp_updated(s->server, "note://all");
    assert_ptr_equal(&get, s->lines[s->read].to);
    expect(s, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{"
              "\"uri\":\"note://all\"}}");
    mcp_changed(s->server, MCP_RESOURCES);
    expect(s, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/list_changed\"}");
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"resources/subscribe\",\"params\":{"
                  "\"uri\":\"other://x\"}}");
    assert_non_null(strstr(next(s)->text, "-32002"));
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"resources/unsubscribe\",\"params\":{"
                  "\"uri\":\"note://all\"}}");
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}");
    mcp_updated(s->server, "note://all");
    nothing_more(s);
    assert_string_equal("+note://all -note://all ", s->watched);
}

static void the_level_of_log_messages_can_be_set(void **state)
{
    struct scene *s = *state;
    initialize(s, "{}");
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"logging/setLevel\",\"params\":{"
                  "\"level\":\"error\"}}");
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":"
                  "\"later\"}}");
    expect(s, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{"
              "\"level\":\"error\",\"data\":\"bad\"}}");
    mcp_answer_text(s->held, "done", NULL);
    (void)next(s);
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"logging/setLevel\",\"params\":{"
                  "\"level\":\"loud\"}}");
    assert_non_null(strstr(next(s)->text, "-32602"));
    nothing_more(s);
}

static void a_legacy_stream_that_breaks_is_replaced_by_the_connections_own(void **state)
{
    struct scene *s = *state;
    int post, get;
    initialize(s, "{}");
    s->way.to = &post;
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":"
                  "\"later\"}}");
    s->read = s->count;
    mcp_conn_drop(s->conn, &post);
    mcp_conn_set_stream(s->conn, &get);
    assert_int_equal(0, s->cancelled);
    mcp_answer_text(s->held, "done", NULL);
    assert_ptr_equal(&get, next(s)->to);
}

/* --- bytes from outside ---------------------------------------------------------------------- */

static void what_is_no_request_gets_an_error_without_id(void **state)
{
    static const struct {
        const char *text;
        int code;
    } wrong[] = {
        { "", -32700 },
        { "{", -32700 },
        { "nonsense", -32700 },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"ping\"}", -32700 },
        { "{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"ping\"}", -32700 },
        { "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", -32600 },
        { "[]", -32600 },
        { "{}", -32600 },
        { "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", -32600 },
        { "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"ping\"}", -32600 },
        { "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", -32600 },
        { "{\"jsonrpc\":\"2.0\",\"method\":7}", -32600 },
    };
    struct scene *s = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char begin_of[96];
        (void)feed(s, wrong[i].text);
        (void)snprintf(begin_of, sizeof begin_of, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":%d,",
                       wrong[i].code);
        assert_int_equal(400, s->lines[s->read].status);
        assert_memory_equal(begin_of, next(s)->text, strlen(begin_of));
    }
    (void)feed(s, "{\"jsonrpc\":\"1.0\",\"id\":5,\"method\":\"ping\"}");
    assert_non_null(strstr(next(s)->text, "\"id\":5,\"error\":{\"code\":-32600"));
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"ping\",\"params\":[]}");
    assert_non_null(strstr(next(s)->text, "\"id\":6,\"error\":{\"code\":-32602"));
}

/* JSON.stringify writes half a surrogate pair where a text was cut inside a character. */
static void text_cut_inside_a_character_is_answered_under_its_number(void **state)
{
    static const char *const texts[] = { "\\ud83d", "\\udc00 x", "\\ud83d\\u0041", "\\u0000" };
    struct scene *s = *state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char text[256];
        (void)snprintf(
            text, sizeof text,
            "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"ping\",\"params\":{\"a\":\"%s\"}}", i,
            texts[i]);
        (void)feed(s, text);
        (void)snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"result\":{}}", i);
        expect(s, text);
    }
}

static void depth_length_and_number_of_values_are_bounded(void **state)
{
    struct scene *s = *state;
    char *text = malloc(MCP_LIMIT_MESSAGE_BYTES + 2);
    assert_non_null(text);
    memset(text, '[', MCP_LIMIT_DEPTH + 1);
    assert_int_equal(MCP_FED_REQUEST,
                     mcp_feed(s->conn, cht_bytes(text, MCP_LIMIT_DEPTH + 1), &s->way));
    assert_non_null(strstr(next(s)->text, "nests too deeply"));
    text[0] = '[';
    for (size_t i = 1; i < 2 * MCP_LIMIT_VALUES; i += 2)
        memcpy(text + i, "1,", 2);
    (void)mcp_feed(s->conn, cht_bytes(text, 2 * MCP_LIMIT_VALUES), &s->way);
    assert_non_null(strstr(next(s)->text, "too many values"));
    memset(text, ' ', MCP_LIMIT_MESSAGE_BYTES + 1);
    (void)mcp_feed(s->conn, cht_bytes(text, MCP_LIMIT_MESSAGE_BYTES + 1), &s->way);
    assert_non_null(strstr(next(s)->text, "too long"));
    free(text);
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"a\":"
                  "\"[[\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}}");
    assert_non_null(strstr(next(s)->text, "-32601"));
}

static void a_client_cannot_pile_up_requests(void **state)
{
    struct scene *s = *state;
    char text[512];
    initialize(s, "{\"elicitation\":{}}");
    for (size_t i = 0; i < MCP_LIMIT_CALLS; i++) {
        (void)snprintf(text, sizeof text,
                       "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"tools/call\",\"params\":{"
                       "\"name\":\"who\"}}",
                       i);
        (void)feed(s, text);
        free(s->lines[s->count - 1].text);
        s->count--;
    }
    assert_int_equal(MCP_LIMIT_CALLS, mcp_conn_pending(s->conn));
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"ping\"}");
    assert_non_null(strstr(next(s)->text, "too many requests"));
    reconnect(s);
    for (size_t i = 0; i <= MCP_LIMIT_LISTENS; i++) {
        (void)snprintf(text, sizeof text,
                       "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"subscriptions/listen\","
                       "\"params\":{\"notifications\":{}," META("{}") "}}",
                       i);
        (void)feed(s, text);
    }
    s->read = s->count - 1;
    assert_non_null(strstr(next(s)->text, "too many subscriptions"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
    const struct CMUnitTest tests[] = {
        T(initialize_agrees_on_a_revision),
        T(before_initialize_everything_is_answered_at_once),
        T(legacy_results_have_nothing_of_the_modern_ones),
        T(a_question_of_the_legacy_era_is_a_request_to_the_client),
        T(a_client_that_answers_a_question_with_an_error_ends_the_request),
        T(legacy_subscriptions_are_told_of_updates),
        T(the_level_of_log_messages_can_be_set),
        T(a_legacy_stream_that_breaks_is_replaced_by_the_connections_own),
        T(what_is_no_request_gets_an_error_without_id),
        T(text_cut_inside_a_character_is_answered_under_its_number),
        T(depth_length_and_number_of_values_are_bounded),
        T(a_client_cannot_pile_up_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
