/* The dispatcher of bridges/mcp where there is more than fits: pages, answers that are too long,
 * what is watched; and what may not be kept or brought elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/mcp_scene.h"

#define REQUEST(id, method, params)                                                                \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method                                      \
    "\",\"params\":{" params META("{\"elicitation\":{}}") "}}"

static void flood(struct mcp_call *call, const json_t *arguments, void *user)
{
    char *text = malloc(MCP_LIMIT_RESULT_BYTES + 1);
    (void)arguments, (void)user;
    assert_non_null(text);
    memset(text, 'x', MCP_LIMIT_RESULT_BYTES);
    text[MCP_LIMIT_RESULT_BYTES] = '\0';
    mcp_answer_text(call, text, NULL);
    free(text);
}

/* Asks once, then answers; for a tool and a resource alike. */
static bool asked(struct mcp_call *call)
{
    const struct mcp_ask ask = { "k", "elicitation/create", NULL };
    if (mcp_input(call, "k") != NULL)
        return false;
    mcp_ask(call, &ask, 1, json_true());
    return true;
}

static void tool(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)arguments, (void)user;
    if (!asked(call))
        mcp_answer_text(call, "done", NULL);
}

static void resource(struct mcp_call *call, const char *uri, void *user)
{
    (void)user;
    if (!asked(call))
        mcp_answer_contents(call, json_pack("[o]", mcp_contents_text(uri, NULL, "done")));
}

static void add_tool(struct scene *s, const char *name, mcp_tool_fn *call)
{
    assert_int_equal(
        CHT_OK, mcp_add_tool(s->server, &(struct mcp_tool){ .name = name,
                                                            .input_schema = "{\"type\":\"object\"}",
                                                            .call = call }));
}

static json_t *result(struct scene *s)
{
    json_t *line = json_loads(next(s)->text, 0, NULL);
    json_t *found = json_incref(json_object_get(line, "result"));
    json_decref(line);
    return found;
}

static void a_long_list_comes_in_pages(void **state)
{
    static char names[MCP_LIMIT_PAGE][8];
    struct scene *s = *state;
    for (unsigned i = 0; i < MCP_LIMIT_PAGE; i++) {
        (void)snprintf(names[i], sizeof names[i], "t%u", i);
        add_tool(s, names[i], tool);
    }
    (void)feed(s, REQUEST("1", "tools/list", ""));
    json_t *page = result(s);
    assert_int_equal(MCP_LIMIT_PAGE, json_array_size(json_object_get(page, "tools")));
    assert_string_equal("200", json_string_value(json_object_get(page, "nextCursor")));
    json_decref(page);
    (void)feed(s, REQUEST("2", "tools/list", "\"cursor\":\"200\","));
    page = result(s);
    assert_int_equal(3, json_array_size(json_object_get(page, "tools")));
    assert_null(json_object_get(page, "nextCursor"));
    json_decref(page);
    static const char *const wrong[] = { "\"204\"",        "\"-1\"", "\"2x\"",
                                         "\"9999999999\"", "\"\"",   "7" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, REQUEST("3", "tools/list", "\"cursor\":%s,"), wrong[i]);
        (void)feed(s, text);
        assert_non_null(strstr(next(s)->text, "\"code\":-32602"));
    }
}

static void the_tables_have_an_end(void **state)
{
    static char names[MCP_LIMIT_TABLE][8];
    struct scene *s = *state;
    enum cht_err err = CHT_OK;
    unsigned added = 0;
    while (err == CHT_OK && added < MCP_LIMIT_TABLE) {
        (void)snprintf(names[added], sizeof names[added], "t%u", added);
        err = mcp_add_tool(
            s->server,
            &(struct mcp_tool){ .name = names[added], .input_schema = "{}", .call = tool });
        added++;
    }
    assert_int_equal(CHT_E_LIMIT, err);
    assert_int_equal(CHT_OK, mcp_remove_tool(s->server, names[0]));
    assert_int_equal(CHT_E_NOTFOUND, mcp_remove_tool(s->server, names[0]));
    assert_int_equal(
        CHT_E_INVALID,
        mcp_add_tool(s->server,
                     &(struct mcp_tool){ .name = "x", .input_schema = "[]", .call = tool }));
}

static void an_answer_that_is_too_long_becomes_an_error(void **state)
{
    struct scene *s = *state;
    add_tool(s, "flood", flood);
    (void)feed(s, REQUEST("1", "tools/call", "\"name\":\"flood\","));
    expect(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32603,\"message\":"
              "\"the answer is longer than this server sends\"}}");
    nothing_more(s);
}

static void so_many_resources_are_watched_and_no_more(void **state)
{
    struct scene *s = *state;
    char text[16384];
    size_t len = (size_t)snprintf(text, sizeof text,
                                  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
                                  "\"subscriptions/listen\",\"params\":{" META(
                                      "{}") ",\"notifications\":{\"resourceSubscriptions\":[");
    for (unsigned i = 0; i < MCP_LIMIT_WATCHED + 10; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s\"note://one/%u\"",
                                i == 0 ? "" : ",", i);
    (void)snprintf(text + len, sizeof text - len, "]}}}");
    (void)feed(s, text);
    json_t *line = json_loads(next(s)->text, 0, NULL);
    const json_t *agreed = json_object_get(
        json_object_get(json_object_get(line, "params"), "notifications"), "resourceSubscriptions");
    assert_int_equal(MCP_LIMIT_WATCHED, json_array_size(agreed));
    json_decref(line);
}

static void what_an_answer_of_the_client_made_is_not_kept(void **state)
{
    struct scene *s = *state;
    assert_int_equal(CHT_OK,
                     mcp_add_resource(s->server, &(struct mcp_resource){ .uri = "ask://one",
                                                                         .name = "one",
                                                                         .read = resource }));
    (void)feed(s, REQUEST("1", "resources/read", "\"uri\":\"note://all\","));
    assert_non_null(strstr(next(s)->text, "\"ttlMs\":1000"));
    (void)feed(
        s, REQUEST("2", "resources/read", "\"uri\":\"ask://one\",\"inputResponses\":{\"k\":{}},"));
    assert_non_null(strstr(next(s)->text, "\"ttlMs\":0"));
}

static void a_state_is_of_one_tool(void **state)
{
    struct scene *s = *state;
    char text[1024];
    add_tool(s, "first", tool);
    add_tool(s, "second", tool);
    (void)feed(s, REQUEST("1", "tools/call", "\"name\":\"first\","));
    json_t *one = result(s);
    const char *names[] = { "second", "first" };
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(text, sizeof text,
                       REQUEST("2", "tools/call",
                               "\"name\":\"%s\",\"inputResponses\":{\"k\":{}},\"requestState\":"
                               "\"%s\","),
                       names[i], json_string_value(json_object_get(one, "requestState")));
        (void)feed(s, text);
        assert_non_null(strstr(next(s)->text, i == 0 ? "\"code\":-32602" : "\"done\""));
    }
    json_decref(one);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
    const struct CMUnitTest tests[] = {
        T(a_long_list_comes_in_pages),
        T(the_tables_have_an_end),
        T(an_answer_that_is_too_long_becomes_an_error),
        T(so_many_resources_are_watched_and_no_more),
        T(what_an_answer_of_the_client_made_is_not_kept),
        T(a_state_is_of_one_tool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
