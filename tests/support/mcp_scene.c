/* See mcp_scene.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/mcp_scene.h"

static void keep(void *user, void *to, const struct mcp_out *out)
{
    struct scene *s = user;
    assert_true(s->count < LINES_MAX);
    s->lines[s->count++] =
        (struct line){ out->kind, out->status, out->session, to,
                       out->json.len == 0 ? strdup("")
                                          : strndup((const char *)out->json.data, out->json.len) };
}

struct line *next(struct scene *s)
{
    assert_true(s->read < s->count);
    return &s->lines[s->read++];
}

void expect(struct scene *s, const char *text)
{
    assert_string_equal(text, next(s)->text);
}

void nothing_more(const struct scene *s)
{
    assert_int_equal(s->count, s->read);
}

enum mcp_fed feed(struct scene *s, const char *text)
{
    return mcp_feed(s->conn, cht_bytes_str(text), &s->way);
}

/* --- what the scene offers ------------------------------------------------------------------- */

static void echo(struct mcp_call *call, const json_t *arguments, void *user)
{
    ((struct scene *)user)->begun++;
    mcp_answer_text(call, json_string_value(json_object_get(arguments, "word")), NULL);
}

static void hook(struct mcp_call *call, void *user)
{
    assert_true(mcp_call_cancelled(call));
    ((struct scene *)user)->cancelled++;
}

static void later(struct mcp_call *call, const json_t *arguments, void *user)
{
    struct scene *s = user;
    (void)arguments;
    s->held = call;
    mcp_call_on_cancel(call, hook, s);
    mcp_progress(call, 0, 100, NULL);
    mcp_progress(call, 50, 0, "half");
    mcp_log(call, MCP_INFO, "later", json_string("begun"));
    mcp_log(call, MCP_ERROR, NULL, json_string("bad"));
}

static void who(struct mcp_call *call, const json_t *arguments, void *user)
{
    const json_t *answer = mcp_input(call, "name");
    const char *name =
        json_string_value(json_object_get(json_object_get(answer, "content"), "name"));
    char text[64];
    (void)arguments;
    ((struct scene *)user)->begun++;
    if (name == NULL) {
        const struct mcp_ask ask = { "name", "elicitation/create",
                                     json_pack("{s:s}", "message", "Who?") };
        mcp_ask(call, &ask, 1, json_pack("{s:i}", "round", 1));
        return;
    }
    const bool kept = json_integer_value(json_object_get(mcp_state(call), "round")) == 1;
    (void)snprintf(text, sizeof text, "%s, %s", name, kept ? "state kept" : "no state");
    mcp_answer_text(call, text, NULL);
}

static void read_note(struct mcp_call *call, const char *uri, void *user)
{
    const char *id = mcp_call_variable(call, "id");
    (void)user;
    if (id != NULL && strcmp(id, "none") == 0)
        mcp_answer_not_found(call, uri);
    else
        mcp_answer_contents(
            call, json_pack("[o]", mcp_contents_text(uri, "text/plain", id == NULL ? "all" : id)));
}

static void propose(struct mcp_call *call, const char *argument, const char *value,
                    const json_t *context, void *user)
{
    (void)context, (void)user;
    mcp_answer_completion(call, json_pack("[s, s]", argument, value), -1);
}

static void greet(struct mcp_call *call, const json_t *arguments, void *user)
{
    (void)user;
    mcp_answer_prompt(
        call, "a greeting",
        json_pack("[o]", mcp_message("user", mcp_text(json_string_value(
                                                 json_object_get(arguments, "whom"))))));
}

static void told(void *user, const char *uri, bool on)
{
    struct scene *s = user;
    const size_t len = strlen(s->watched);
    (void)snprintf(s->watched + len, sizeof s->watched - len, "%c%s ", on ? '+' : '-', uri);
}

static int64_t clock_of(void *user)
{
    return ((struct scene *)user)->now_ms;
}

static void offer(struct scene *s)
{
    static const struct mcp_argument whom = { "whom", NULL, true };
    const struct mcp_tool tools[] = {
        { .name = "echo",
          .description = "Says it again.",
          .input_schema = "{\"type\":\"object\",\"properties\":{\"word\":{\"type\":\"string\"}},"
                          "\"required\":[\"word\"],\"additionalProperties\":false}",
          .annotations = "{\"readOnlyHint\":true}",
          .call = echo,
          .user = s },
        { .name = "later", .input_schema = "{\"type\":\"object\"}", .call = later, .user = s },
        { .name = "who", .input_schema = "{\"type\":\"object\"}", .call = who, .user = s },
    };
    for (size_t i = 0; i < sizeof tools / sizeof tools[0]; i++)
        assert_int_equal(CHT_OK, mcp_add_tool(s->server, &tools[i]));
    assert_int_equal(CHT_E_EXISTS, mcp_add_tool(s->server, &tools[0]));
    assert_int_equal(CHT_OK,
                     mcp_add_resource(s->server, &(struct mcp_resource){ .uri = "note://all",
                                                                         .name = "all",
                                                                         .read = read_note }));
    assert_int_equal(CHT_OK, mcp_add_template(s->server, &(struct mcp_template){
                                                             .uri_template = "note://one/{id}",
                                                             .name = "one",
                                                             .read = read_note,
                                                             .complete = propose }));
    assert_int_equal(CHT_OK,
                     mcp_add_prompt(s->server, &(struct mcp_prompt){ .name = "greet",
                                                                     .arguments = &whom,
                                                                     .argument_count = 1,
                                                                     .get = greet,
                                                                     .complete = propose }));
}

int scene_begin(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    const struct mcp_config config = { .name = "scene",
                                       .version = "1",
                                       .logging = true,
                                       .subscribe = true,
                                       .list_changed = { true, false, true },
                                       .shared = { true, true, false },
                                       .list_ttl_ms = 5000,
                                       .read_ttl_ms = 1000,
                                       .state_key = { 1, 2, 3 },
                                       .now_ms = clock_of,
                                       .watch = told,
                                       .user = s };
    s->now_ms = 1767225600000;
    assert_int_equal(CHT_OK, mcp_server_new(&config, &s->server));
    offer(s);
    assert_int_equal(CHT_OK, mcp_conn_open(s->server, keep, s, &s->conn));
    *state = s;
    return 0;
}

int scene_end(void **state)
{
    struct scene *s = *state;
    mcp_conn_close(s->conn);
    mcp_server_free(s->server);
    for (size_t i = 0; i < s->count; i++)
        free(s->lines[i].text);
    free(s);
    return 0;
}

void initialize(struct scene *s, const char *capabilities)
{
    char text[512];
    (void)snprintf(text, sizeof text,
                   "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
                   "\"protocolVersion\":\"2025-11-25\",\"capabilities\":%s,\"clientInfo\":{}}}",
                   capabilities);
    assert_int_equal(MCP_FED_REQUEST, feed(s, text));
    assert_true(next(s)->session);
    assert_int_equal(MCP_FED_ACCEPTED,
                     feed(s, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"));
}

void reconnect(struct scene *s)
{
    mcp_conn_close(s->conn);
    assert_int_equal(CHT_OK, mcp_conn_open(s->server, keep, s, &s->conn));
}
