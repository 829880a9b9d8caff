/* What chitty offers over MCP, as a model reads it: its size, its form, and what it says where
 * there is no node. What the tools do is in tests/e2e/mcp.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridges/mcp/product.h"

#define TOOLS_BYTES       8192u /* of all of tools/list: a model pays for it in each session */
#define DESCRIPTION_BYTES 2048u /* clients cut there */
#define META                                                                                       \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                       \
    "\"io.modelcontextprotocol/clientCapabilities\":{}}"

struct client {
    struct mcp_product *product;
    struct mcp_conn *conn;
    char *line; /* the last one */
    json_t *last;
};

static void keep(void *user, void *to, const struct mcp_out *out)
{
    struct client *c = user;
    (void)to;
    free(c->line);
    json_decref(c->last);
    c->line = strndup((const char *)out->json.data, out->json.len);
    c->last = json_loads(c->line, 0, NULL);
    assert_non_null(c->last);
}

static const json_t *ask(struct client *c, const char *method, const char *params)
{
    static const struct mcp_way way = { 0 };
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s" META "}}",
                   method, params);
    assert_int_equal(MCP_FED_REQUEST, mcp_feed(c->conn, cht_bytes_str(text), &way));
    return json_object_get(c->last, "result");
}

static int begin(void **state)
{
    struct client *c = calloc(1, sizeof *c);
    char home[] = "/tmp/chitty-mcp-XXXXXX";
    assert_non_null(mkdtemp(home));
    assert_int_equal(0, setenv("CHITTY_HOME", home, 1));
    assert_int_equal(0, rmdir(home));
    assert_int_equal(0, setenv("CHITTY_NO_AUTOSTART", "1", 1));
    assert_int_equal(0, setenv("CLAUDE_PROJECT_DIR", "/", 1));
    assert_int_equal(CHT_OK, mcp_product_new("1", &c->product));
    assert_int_equal(CHT_OK, mcp_conn_open(mcp_product_server(c->product), keep, c, &c->conn));
    *state = c;
    return 0;
}

static int end(void **state)
{
    struct client *c = *state;
    mcp_conn_close(c->conn);
    mcp_product_free(c->product);
    json_decref(c->last);
    free(c->line);
    free(c);
    return 0;
}

static void all_tools_together_are_small(void **state)
{
    struct client *c = *state;
    assert_non_null(ask(c, "tools/list", ""));
    print_message("# tools/list: %zu bytes\n", strlen(c->line));
    assert_in_range(strlen(c->line), 1000, TOOLS_BYTES);
}

static void each_tool_says_what_it_is_takes_and_gives(void **state)
{
    struct client *c = *state;
    const json_t *tools = json_object_get(ask(c, "tools/list", ""), "tools");
    size_t i, always = 0;
    json_t *tool;
    assert_int_equal(9, json_array_size(tools));
    json_array_foreach(tools, i, tool)
    {
        const json_t *input = json_object_get(tool, "inputSchema");
        assert_in_range(json_string_length(json_object_get(tool, "description")), 20,
                        DESCRIPTION_BYTES);
        assert_non_null(json_object_get(tool, "title"));
        assert_string_equal("object", json_string_value(json_object_get(input, "type")));
        assert_true(json_is_false(json_object_get(input, "additionalProperties")));
        assert_true(json_is_object(json_object_get(tool, "outputSchema")));
        assert_true(json_is_object(json_object_get(tool, "annotations")));
        always +=
            json_is_true(json_object_get(json_object_get(tool, "_meta"), "anthropic/alwaysLoad"));
    }
    assert_int_equal(2, always);
}

static void without_a_node_a_tool_says_so_in_words(void **state)
{
    struct client *c = *state;
    const json_t *result = ask(c, "tools/call", "\"name\":\"todos\",");
    assert_true(json_is_true(json_object_get(result, "isError")));
    const char *text = json_string_value(
        json_object_get(json_array_get(json_object_get(result, "content"), 0), "text"));
    assert_non_null(text);
    assert_non_null(strstr(text, "node"));
    assert_null(json_object_get(result, "structuredContent"));
}

static void without_a_node_there_is_what_is_there_always(void **state)
{
    struct client *c = *state;
    const json_t *list = json_object_get(ask(c, "resources/list", ""), "resources");
    assert_int_equal(1, json_array_size(list));
    list = json_object_get(ask(c, "resources/templates/list", ""), "resourceTemplates");
    assert_int_equal(2, json_array_size(list));
    list = json_object_get(ask(c, "prompts/list", ""), "prompts");
    assert_int_equal(3, json_array_size(list));
    assert_null(ask(c, "resources/read", "\"uri\":\"chitty://ready\","));
    assert_non_null(json_object_get(c->last, "error"));
    assert_null(ask(c, "prompts/get", "\"name\":\"standup\","));
    assert_non_null(json_object_get(c->last, "error"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(all_tools_together_are_small),
        T(each_tool_says_what_it_is_takes_and_gives),
        T(without_a_node_a_tool_says_so_in_words),
        T(without_a_node_there_is_what_is_there_always),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
