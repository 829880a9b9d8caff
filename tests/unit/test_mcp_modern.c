/* The dispatcher of bridges/mcp, modern era (2026-07-28): messages in, the very lines that come
 * out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/mcp_scene.h"

static void discover_says_what_the_server_is_and_can(void **state)
{
    struct scene *s = *state;
    (void)feed(s,
               "{\"jsonrpc\":\"2.0\",\"id\":\"d\",\"method\":\"server/discover\",\"params\":{" META(
                   "{}") "}}");
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":\"d\",\"result\":{\"supportedVersions\":"
              "[\"2026-07-28\"],\"capabilities\":{\"tools\":{\"listChanged\":true},\"prompts\":{},"
              "\"resources\":{\"listChanged\":true,\"subscribe\":true},\"completions\":{},"
              "\"logging\":{}},\"resultType\":\"complete\",\"ttlMs\":5000,"
              "\"cacheScope\":\"public\"," MINE "}}");
    nothing_more(s);
}

static void a_request_without_its_meta_is_malformed(void **state)
{
    static const char *const params[] = {
        "{}",
        "{\"_meta\":{}}",
        "{\"_meta\":{\"io.modelcontextprotocol/clientCapabilities\":{}}}",
        "{\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}}",
        "{\"_meta\":{" META_BARE "[]}}",
        "{\"_meta\":{" META_BARE "{},\"io.modelcontextprotocol/logLevel\":\"loud\"}}",
        "{\"_meta\":{" META_BARE "{},\"io.modelcontextprotocol/clientInfo\":7}}",
    };
    struct scene *s = *state;
    for (size_t i = 0; i < sizeof params / sizeof params[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"server/discover\","
                       "\"params\":%s}",
                       params[i]);
        (void)feed(s, text);
        const struct line *line = next(s);
        assert_non_null(strstr(line->text, "\"id\":7,\"error\":{\"code\":-32602,"));
        assert_int_equal(400, line->status);
    }
}

static void another_revision_is_answered_with_those_served(void **state)
{
    struct scene *s = *state;
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"_meta\":{"
                  "\"io.modelcontextprotocol/protocolVersion\":\"1900-01-01\","
                  "\"io.modelcontextprotocol/clientCapabilities\":{}}}}");
    const struct line *line = next(s);
    assert_string_equal("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32022,\"message\":"
                        "\"this revision of the protocol is not served\",\"data\":{\"supported\":"
                        "[\"2026-07-28\"],\"requested\":\"1900-01-01\"}}}",
                        line->text);
    assert_int_equal(400, line->status);
}

static void headers_that_differ_from_the_body_are_refused(void **state)
{
    static const struct {
        const char *version, *method, *name;
        bool fits;
    } ways[] = {
        { "2026-07-28", "tools/call", "echo", true },
        { "2026-07-28", "tools/call", "=?base64?ZWNobw==?=", true },
        { NULL, "tools/call", "echo", false },
        { "2025-11-25", "tools/call", "echo", false },
        { "2026-07-28", NULL, "echo", false },
        { "2026-07-28", "tools/list", "echo", false },
        { "2026-07-28", "tools/call", NULL, false },
        { "2026-07-28", "tools/call", "Echo", false },
        { "2026-07-28", "tools/call", "=?base64?!!!!?=", false },
        { "2026-07-28", "tools/call",
          "=?base64?"
          "?=",
          false },
    };
    struct scene *s = *state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        s->way = (struct mcp_way){
            .http = true, .version = ways[i].version, .method = ways[i].method, .name = ways[i].name
        };
        (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\""
                      ":\"echo\",\"arguments\":{\"word\":\"hi\"}," META("{}") "}}");
        const struct line *line = next(s);
        assert_int_equal(ways[i].fits ? 200 : 400, line->status);
        assert_true(ways[i].fits == (strstr(line->text, "\"code\":-32020") == NULL));
    }
}

static void what_the_modern_era_does_not_have_is_not_found(void **state)
{
    static const char *const gone[] = {
        "initialize",    "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe",
        "unknown/method"
    };
    struct scene *s = *state;
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
        char text[512];
        (void)snprintf(
            text, sizeof text,
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{" META("{}") "}}",
            gone[i]);
        (void)feed(s, text);
        const struct line *line = next(s);
        assert_non_null(strstr(line->text, "\"code\":-32601"));
        assert_int_equal(404, line->status);
    }
    assert_null(mcp_conn_session(s->conn));
}

static void lists_say_how_long_and_by_whom_they_may_be_kept(void **state)
{
    struct scene *s = *state;
    (void)feed(
        s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{" META("{}") "}}");
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"echo\","
              "\"description\":\"Says it again.\",\"inputSchema\":{\"type\":\"object\","
              "\"properties\":{\"word\":{\"type\":\"string\"}},\"required\":[\"word\"],"
              "\"additionalProperties\":false},\"annotations\":{\"readOnlyHint\":true}},"
              "{\"name\":\"later\",\"inputSchema\":{\"type\":\"object\"}},{\"name\":\"who\","
              "\"inputSchema\":{\"type\":\"object\"}}],\"resultType\":\"complete\",\"ttlMs\":5000,"
              "\"cacheScope\":\"public\"," MINE "}}");
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"resources/templates/list\","
                  "\"params\":{" META("{}") "}}");
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"resourceTemplates\":[{\"uriTemplate\":"
              "\"note://one/{id}\",\"name\":\"one\"}],\"resultType\":\"complete\",\"ttlMs\":5000,"
              "\"cacheScope\":\"private\"," MINE "}}");
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"prompts/list\",\"params\":{"
                  "\"cursor\":\"x\"," META("{}") "}}");
    assert_non_null(strstr(next(s)->text, "-32602"));
}

static void resources_are_read_by_address_and_by_template(void **state)
{
    struct scene *s = *state;
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/read\",\"params\":{"
                  "\"uri\":\"note://one/a%20b\"," META("{}") "}}");
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"contents\":[{\"uri\":"
              "\"note://one/a%20b\",\"mimeType\":\"text/plain\",\"text\":\"a b\"}],"
              "\"resultType\":\"complete\",\"ttlMs\":1000,\"cacheScope\":\"private\"," MINE "}}");
    static const char *const none[] = { "note://one/none", "note://one/",      "note://one/a/b",
                                        "note://one/%ff",  "note://one/%zz",   "note://nothing",
                                        "note://one/%00",  "note://one/a%2fb%" };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/read\",\"params\":{"
                       "\"uri\":\"%s\"," META("{}") "}}",
                       none[i]);
        (void)feed(s, text);
        (void)snprintf(text, sizeof text,
                       "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,\"message\":"
                       "\"there is no such resource\",\"data\":{\"uri\":\"%s\"}}}",
                       none[i]);
        expect(s, text);
    }
}

static void a_listen_is_acknowledged_first_and_gets_what_it_asked_for_only(void **state)
{
    struct scene *s = *state;
    s->way.to = s;
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":\"L\",\"method\":\"subscriptions/listen\","
                  "\"params\":{\"notifications\":{\"toolsListChanged\":true,"
                  "\"promptsListChanged\":true,\"resourceSubscriptions\":[\"note://one/1\","
                  "\"other://x\",7]}," META("{}") "}}");
    assert_int_equal(MCP_OUT_NOTIFICATION, s->lines[0].kind);
    expect(s, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\","
              "\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":\"L\"},"
              "\"notifications\":{\"toolsListChanged\":true,\"resourceSubscriptions\":"
              "[\"note://one/1\"]}}}");
    mcp_changed(s->server, MCP_RESOURCES);
    mcp_updated(s->server, "note://one/2");
    nothing_more(s);
    mcp_changed(s->server, MCP_TOOLS);
    expect(s, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":{"
              "\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":\"L\"}}}");
    mcp_updated(s->server, "note://one/1");
    expect(s, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{"
              "\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":\"L\"},\"uri\":"
              "\"note://one/1\"}}");
    assert_string_equal("+note://one/1 ", s->watched);
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
                  "\"requestId\":\"L\"}}");
    assert_int_equal(MCP_OUT_END, next(s)->kind);
    mcp_changed(s->server, MCP_TOOLS);
    nothing_more(s);
    assert_string_equal("+note://one/1 -note://one/1 ", s->watched);
    assert_int_equal(0, mcp_conn_pending(s->conn));
}

static void a_server_that_goes_ends_its_listens_in_form(void **state)
{
    struct scene *s = *state;
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"subscriptions/listen\",\"params\":{"
                  "\"notifications\":{}," META("{}") "}}");
    (void)next(s);
    mcp_conn_shut(s->conn);
    s->conn = NULL;
    expect(s, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"_meta\":{"
              "\"io.modelcontextprotocol/subscriptionId\":4},\"requestId\":4,\"reason\":"
              "\"the server ends\"}}");
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{\"_meta\":{"
              "\"io.modelcontextprotocol/subscriptionId\":4,"
              "\"io.modelcontextprotocol/serverInfo\":{\"name\":\"scene\",\"version\":\"1\"}},"
              "\"resultType\":\"complete\"}}");
    nothing_more(s);
}

#define WHO(id, more)                                                                              \
    "{\"jsonrpc\":\"2.0\",\"id\":" id                                                              \
    ",\"method\":\"tools/call\",\"params\":{\"name\":\"who\"," more META(                          \
        "{\"elicitation\":{}}") "}}"
#define ADA "\"inputResponses\":{\"name\":{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}},"

/* The requestState of the last line. */
static char *state_of(struct scene *s)
{
    json_t *line = json_loads(next(s)->text, 0, NULL);
    json_t *result = json_object_get(line, "result");
    assert_string_equal("input_required", json_string_value(json_object_get(result, "resultType")));
    assert_null(json_object_get(result, "ttlMs"));
    char *sealed = strdup(json_string_value(json_object_get(result, "requestState")));
    json_decref(line);
    return sealed;
}

static void retry(struct scene *s, const char *sealed, const char *arguments)
{
    char text[1024];
    (void)snprintf(text, sizeof text, WHO("2", "\"requestState\":\"%s\",%s" ADA), sealed,
                   arguments);
    (void)feed(s, text);
}

static void a_question_makes_the_client_come_again(void **state)
{
    struct scene *s = *state;
    (void)feed(s, WHO("1", ""));
    assert_non_null(strstr(s->lines[0].text,
                           "\"inputRequests\":{\"name\":{\"method\":\"elicitation/create\","
                           "\"params\":{\"message\":\"Who?\"}}}"));
    char *sealed = state_of(s);
    retry(s, sealed, "");
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"content\":[{\"type\":\"text\","
              "\"text\":\"Ada, state kept\"}],\"resultType\":\"complete\"," MINE "}}");
    (void)feed(s, WHO("3", ADA));
    assert_non_null(strstr(next(s)->text, "Ada, no state"));
    free(sealed);
}

static void a_state_of_another_time_place_or_hand_is_refused(void **state)
{
    struct scene *s = *state;
    (void)feed(s, WHO("1", ""));
    char *sealed = state_of(s);
    const unsigned begun = s->begun;
    char tampered[512];
    for (size_t i = 0; i < strlen(sealed); i++) {
        (void)snprintf(tampered, sizeof tampered, "%s", sealed);
        tampered[i] = tampered[i] == 'A' ? 'B' : 'A';
        retry(s, tampered, "");
        assert_non_null(strstr(next(s)->text, "\"code\":-32602"));
    }
    static const char tail[] = "-TAMPERED";
    assert_true(strlen(sealed) + sizeof tail <= sizeof tampered);
    memcpy(tampered, sealed, strlen(sealed));
    memcpy(tampered + strlen(sealed), tail, sizeof tail);
    retry(s, tampered, "");
    assert_non_null(strstr(next(s)->text, "\"code\":-32602"));
    retry(s, sealed, "\"arguments\":{\"x\":1},");
    assert_non_null(strstr(next(s)->text, "\"code\":-32602"));
    s->way.principal = "somebody else";
    retry(s, sealed, "");
    assert_non_null(strstr(next(s)->text, "\"code\":-32602"));
    s->way.principal = NULL;
    s->now_ms += MCP_STATE_TTL_MS + 1;
    retry(s, sealed, "");
    assert_non_null(strstr(next(s)->text, "has expired"));
    assert_int_equal(begun, s->begun);
    s->now_ms -= 1;
    retry(s, sealed, "");
    assert_non_null(strstr(next(s)->text, "Ada, state kept"));
    free(sealed);
}

static void inputs_that_are_no_objects_are_refused(void **state)
{
    struct scene *s = *state;
    (void)feed(s, WHO("1", "\"inputResponses\":{\"name\":12345},"));
    assert_non_null(strstr(next(s)->text, "\"code\":-32602"));
    (void)feed(s, WHO("2", "\"inputResponses\":null,"));
    assert_non_null(strstr(next(s)->text, "\"code\":-32602"));
    (void)feed(s, WHO("3", "\"requestState\":5,"));
    assert_non_null(strstr(next(s)->text, "\"code\":-32602"));
    assert_int_equal(0, s->begun);
}

static void a_client_is_not_asked_what_it_did_not_offer(void **state)
{
    struct scene *s = *state;
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":"
                  "\"who\"," META("{\"sampling\":{}}") "}}");
    const struct line *line = next(s);
    assert_non_null(strstr(line->text, "\"code\":-32021"));
    assert_non_null(strstr(line->text, "\"data\":{\"requiredCapabilities\":{\"elicitation\":{}}}"));
    assert_int_equal(400, line->status);
    nothing_more(s);
}

#define LATER(id, meta)                                                                            \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{\"name\":"           \
    "\"later\",\"_meta\":{" meta META_BARE "{}}}}"

static void progress_and_log_go_out_when_they_are_wanted(void **state)
{
    struct scene *s = *state;
    (void)feed(s, LATER("1", ""));
    nothing_more(s);
    mcp_answer_text(s->held, "done", NULL);
    (void)next(s);
    (void)feed(s, LATER("2", "\"progressToken\":\"p\","
                             "\"io.modelcontextprotocol/logLevel\":\"warning\","));
    expect(s, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
              "\"progressToken\":\"p\",\"progress\":0,\"total\":100}}");
    expect(s, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
              "\"progressToken\":\"p\",\"progress\":50,\"message\":\"half\"}}");
    expect(s, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{"
              "\"level\":\"error\",\"data\":\"bad\"}}");
    mcp_answer_text(s->held, "done", NULL);
    assert_non_null(strstr(next(s)->text, "\"id\":2,\"result\""));
    nothing_more(s);
}

static void a_cancelled_request_is_not_answered(void **state)
{
    struct scene *s = *state;
    (void)feed(s, LATER("1", ""));
    assert_int_equal(1, mcp_conn_pending(s->conn));
    (void)feed(s, LATER("1", ""));
    assert_non_null(strstr(next(s)->text, "\"code\":-32600"));
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
                  "\"requestId\":2}}");
    nothing_more(s);
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
                  "\"requestId\":1}}");
    assert_int_equal(MCP_OUT_END, next(s)->kind);
    assert_int_equal(1, s->cancelled);
    mcp_progress(s->held, 70, 0, NULL);
    mcp_answer_text(s->held, "done", NULL);
    nothing_more(s);
    assert_int_equal(0, mcp_conn_pending(s->conn));
}

static void a_tool_may_answer_a_client_that_is_gone(void **state)
{
    struct scene *s = *state;
    (void)feed(s, LATER("1", ""));
    mcp_conn_close(s->conn);
    s->conn = NULL;
    assert_int_equal(1, s->cancelled);
    mcp_log(s->held, MCP_ERROR, NULL, json_string("still here"));
    mcp_answer_tool(s->held, json_array(), json_object(), true);
    nothing_more(s);
}

static void a_stream_that_breaks_cancels_what_is_modern_on_it(void **state)
{
    struct scene *s = *state;
    int one, two;
    s->way.to = &one;
    (void)feed(s, LATER("1", ""));
    mcp_conn_drop(s->conn, &two);
    assert_int_equal(0, s->cancelled);
    mcp_conn_drop(s->conn, &one);
    assert_int_equal(1, s->cancelled);
    mcp_answer_text(s->held, "done", NULL);
    nothing_more(s);
}

static void wrong_arguments_are_told_to_the_model_in_words(void **state)
{
    static const struct {
        const char *arguments, *text;
    } wrong[] = {
        { "{}", "the arguments need `word`" },
        { "{\"word\":7}", "`word` must be of the type string" },
        { "{\"word\":\"a\",\"x\":1}", "the arguments have `x`, which is not known; known: word" },
    };
    struct scene *s = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{"
                       "\"name\":\"echo\",\"arguments\":%s," META("{}") "}}",
                       wrong[i].arguments);
        (void)feed(s, text);
        (void)snprintf(text, sizeof text,
                       "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\","
                       "\"text\":\"%s\"}],\"isError\":true,\"resultType\":\"complete\"," MINE "}}",
                       wrong[i].text);
        expect(s, text);
    }
    assert_int_equal(0, s->begun);
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":"
                  "\"nope\"," META("{}") "}}");
    assert_non_null(strstr(next(s)->text, "\"code\":-32602,\"message\":\"there is no tool `nope`"));
}

static void prompts_and_completions_are_answered(void **state)
{
    struct scene *s = *state;
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"prompts/get\",\"params\":{\"name\":"
                  "\"greet\",\"arguments\":{\"whom\":\"Ada\"}," META("{}") "}}");
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"description\":\"a greeting\","
              "\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"Ada\"}}],"
              "\"resultType\":\"complete\"," MINE "}}");
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"prompts/get\",\"params\":{\"name\":"
                  "\"greet\"," META("{}") "}}");
    assert_non_null(strstr(next(s)->text, "-32602,\"message\":\"the prompt needs `whom`\""));
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"completion/complete\",\"params\":{"
                  "\"ref\":{\"type\":\"ref/resource\",\"uri\":\"note://one/{id}\"},\"argument\":{"
                  "\"name\":\"id\",\"value\":\"a\"}," META("{}") "}}");
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"completion\":{\"values\":[\"id\","
              "\"a\"],\"total\":2,\"hasMore\":false},\"resultType\":\"complete\"," MINE "}}");
    (void)feed(s, "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"completion/complete\",\"params\":{"
                  "\"ref\":{\"type\":\"ref/prompt\",\"name\":\"none\"},\"argument\":{"
                  "\"name\":\"id\",\"value\":\"a\"}," META("{}") "}}");
    assert_non_null(strstr(next(s)->text, "-32602"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
    const struct CMUnitTest tests[] = {
        T(discover_says_what_the_server_is_and_can),
        T(a_request_without_its_meta_is_malformed),
        T(another_revision_is_answered_with_those_served),
        T(headers_that_differ_from_the_body_are_refused),
        T(what_the_modern_era_does_not_have_is_not_found),
        T(lists_say_how_long_and_by_whom_they_may_be_kept),
        T(resources_are_read_by_address_and_by_template),
        T(a_listen_is_acknowledged_first_and_gets_what_it_asked_for_only),
        T(a_server_that_goes_ends_its_listens_in_form),
        T(a_question_makes_the_client_come_again),
        T(a_state_of_another_time_place_or_hand_is_refused),
        T(inputs_that_are_no_objects_are_refused),
        T(a_client_is_not_asked_what_it_did_not_offer),
        T(progress_and_log_go_out_when_they_are_wanted),
        T(a_cancelled_request_is_not_answered),
        T(a_tool_may_answer_a_client_that_is_gone),
        T(a_stream_that_breaks_cancels_what_is_modern_on_it),
        T(wrong_arguments_are_told_to_the_model_in_words),
        T(prompts_and_completions_are_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
