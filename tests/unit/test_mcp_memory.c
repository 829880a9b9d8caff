/* The dispatcher of bridges/mcp when memory ends: whichever allocation of JSON fails, each request
 * is answered by one line or not at all, nothing is lost, and the next one is served. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/mcp_scene.h"

static unsigned long left; /* allocations until one fails; 0: none does */
static bool failed;

static bool parsing;

static void *scarce(size_t size)
{
    if (left > 0 && !parsing && --left == 0) {
        failed = true;
        return NULL;
    }
    return malloc(size);
}

/* In place of jansson's, which it calls: the parser of jansson 2.14 itself does not stand it that
 * an allocation fails. */
json_t *json_loadb(const char *buffer, size_t len, size_t flags, json_error_t *error)
{
    json_t *(*real)(const char *, size_t, size_t, json_error_t *) = NULL;
    void *found = dlsym(RTLD_NEXT, "json_loadb");
    memcpy(&real, &found, sizeof real);
    parsing = true;
    json_t *parsed = real(buffer, len, flags, error);
    parsing = false;
    return parsed;
}

static const char *const script[] = {
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\",\"params\":{" META("{}") "}}",
    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\",\"params\":{" META("{}") "}}",
    "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":{\"name\":\"who\"," META(
        "{\"elicitation\":{}}") "}}",
    "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\"," META(
        "{}") "}}",
    "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"resources/read\",\"params\":{\"uri\":"
    "\"note://one/2\"," META("{}") "}}",
    "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"prompts/get\",\"params\":{\"name\":\"greet\","
    "\"arguments\":{\"whom\":\"Ada\"}," META("{}") "}}",
    "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"completion/complete\",\"params\":{\"ref\":{"
    "\"type\":\"ref/prompt\",\"name\":\"greet\"},\"argument\":{\"name\":\"whom\",\"value\":\"\"}"
    "," META("{}") "}}",
    "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"subscriptions/listen\",\"params\":{"
    "\"notifications\":{\"toolsListChanged\":true,\"resourceSubscriptions\":[\"note://one/"
    "2\"]}," META("{}") "}}",
    "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
    "\"2025-11-25\",\"capabilities\":{\"elicitation\":{}}}}",
    "{\"jsonrpc\":\"2.0\",\"id\":10,\"method\":\"resources/subscribe\",\"params\":{\"uri\":"
    "\"note://all\"}}",
    "{\"jsonrpc\":\"2.0\",\"id\":11,\"method\":\"tools/call\",\"params\":{\"name\":\"who\"}}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"action\":\"accept\",\"content\":{\"name\":"
    "\"Ada\"}}}",
};

static void play(struct scene *s)
{
    for (size_t i = 0; i < sizeof script / sizeof script[0]; i++) {
        (void)feed(s, script[i]);
        mcp_changed(s->server, MCP_TOOLS);
        mcp_updated(s->server, "note://one/2");
        mcp_updated(s->server, "note://all");
    }
}

static void an_allocation_that_fails_costs_one_answer_at_most(void **state)
{
    unsigned long n = 1;
    (void)state;
    json_set_alloc_funcs(scarce, free);
    for (failed = true; failed; n++) {
        void *scene = NULL;
        struct scene *s;
        (void)scene_begin(&scene);
        s = scene;
        failed = false;
        left = n;
        play(s);
        left = 0;
        for (size_t i = 0; i < s->count; i++)
            if (s->lines[i].kind != MCP_OUT_END)
                json_decref(json_loads(s->lines[i].text, 0, NULL));
        s->read = s->count;
        (void)feed(s,
                   "{\"jsonrpc\":\"2.0\",\"id\":99,\"method\":\"prompts/list\",\"params\":{" META(
                       "{}") "}}");
        assert_non_null(strstr(next(s)->text, "\"id\":99,\"result\":{\"prompts\":[{"));
        (void)scene_end(&scene);
    }
    print_message("# %lu allocations failed in turn\n", n - 2);
    assert_in_range(n, 500, 100000);
    json_set_alloc_funcs(malloc, free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allocation_that_fails_costs_one_answer_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
