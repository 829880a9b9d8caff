/* What a client may send to a server of the Model Context Protocol: lines of any bytes, a message
 * each, to a server that asks back, answers late, reports progress and is watched. Every line that
 * comes out is one JSON object without line feed; at the end nothing is left. */
/* covers: bridges/mcp/conn.c bridges/mcp/guard.c bridges/mcp/template.c bridges/mcp/schema.c */
/* covers: bridges/mcp/ask.c bridges/mcp/state.c bridges/mcp/modern.c */
#include "bridges/mcp/call.h"
#include "bridges/mcp/conn.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define HELD_MAX 8

struct scene {
    struct mcp_call *held[HELD_MAX];
    size_t held_count;
    char state[8192]; /* the last requestState that was given, for @ in the input */
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check(void *user, void *to, const struct mcp_out *out)
{
    struct scene *s = user;
    (void)to;
    if (out->kind == MCP_OUT_END) {
        must(out->json.len == 0);
        return;
    }
    json_t *line = json_loadb((const char *)out->json.data, out->json.len, 0, NULL);
    must(json_is_object(line) && memchr(out->json.data, '\n', out->json.len) == NULL);
    must((out->kind == MCP_OUT_RESPONSE) == (json_object_get(line, "method") == NULL));
    const json_t *state = json_object_get(json_object_get(line, "result"), "requestState");
    if (state != NULL && json_string_length(state) < sizeof s->state)
        memcpy(s->state, json_string_value(state), json_string_length(state) + 1);
    json_decref(line);
}

static void answer_late(struct mcp_call *call, const json_t *arguments, void *user)
{
    struct scene *s = user;
    (void)arguments;
    mcp_progress(call, 1, 2, "one");
    mcp_log(call, MCP_WARNING, "fuzz", json_string("late"));
    if (s->held_count < HELD_MAX)
        s->held[s->held_count++] = call;
    else
        mcp_answer_tool_error(call, "too many");
}

static void ask_back(struct mcp_call *call, const json_t *arguments, void *user)
{
    const struct mcp_ask asks[] = { { "who", "elicitation/create", json_object() },
                                    { "roots", "roots/list", NULL } };
    (void)arguments, (void)user;
    if (mcp_input(call, "who") == NULL) {
        mcp_ask(call, asks, 2, json_pack("{s:i}", "round", 1));
        return;
    }
    json_decref(asks[0].params);
    must(mcp_state(call) == NULL ||
         json_integer_value(json_object_get(mcp_state(call), "round")) == 1);
    mcp_answer_text(call, "known", json_incref((json_t *)(uintptr_t)mcp_input(call, "who")));
}

static void read_uri(struct mcp_call *call, const char *uri, void *user)
{
    const char *id = mcp_call_variable(call, "id");
    (void)user;
    if (id == NULL || id[0] == '0')
        mcp_answer_not_found(call, uri);
    else
        mcp_answer_contents(call, json_pack("[o]", mcp_contents_text(uri, NULL, id)));
}

static void propose(struct mcp_call *call, const char *argument, const char *value,
                    const json_t *context, void *user)
{
    (void)user, (void)context;
    mcp_answer_completion(call, json_pack("[s, s]", argument, value), 7);
}

static struct mcp_server *serve(struct scene *s)
{
    static const char *const schema =
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":[\"string\",\"null\"],\"maxLength\":"
        "3,"
        "\"enum\":[\"x\",\"\\u00e9y\",null]},\"b\":{\"type\":\"array\",\"maxItems\":2,\"items\":{"
        "\"type\":\"integer\",\"minimum\":-1,\"maximum\":5}}},\"additionalProperties\":false}";
    const struct mcp_config config = { .name = "fuzz",
                                       .version = "1",
                                       .logging = true,
                                       .subscribe = true,
                                       .list_changed = { true, true, true } };
    static const struct mcp_argument one = { "one", NULL, true };
    struct mcp_server *server = NULL;
    if (mcp_server_new(&config, &server) != CHT_OK)
        abort();
    (void)!mcp_add_tool(
        server, &(struct mcp_tool){
                    .name = "late", .input_schema = schema, .call = answer_late, .user = s });
    (void)!mcp_add_tool(
        server, &(struct mcp_tool){ .name = "ask", .input_schema = "{}", .call = ask_back });
    (void)!mcp_add_prompt(server, &(struct mcp_prompt){ .name = "p",
                                                        .arguments = &one,
                                                        .argument_count = 1,
                                                        .get = ask_back,
                                                        .complete = propose });
    (void)!mcp_add_template(
        server,
        &(struct mcp_template){ .uri_template = "x://{id}/{b}", .name = "x", .read = read_uri });
    return server;
}

/* A line of the input, with the last requestState where it has an @. */
static void feed(struct scene *s, struct mcp_conn *conn, const char *line, size_t len,
                 const struct mcp_way *way)
{
    const char *at = memchr(line, '@', len);
    const size_t state_len = strlen(s->state);
    if (at == NULL || state_len == 0) {
        (void)mcp_feed(conn, cht_bytes(line, len), way);
        return;
    }
    const size_t before = (size_t)(at - line);
    char *whole = malloc(len + state_len);
    if (whole == NULL)
        return;
    memcpy(whole, line, before);
    memcpy(whole + before, s->state, state_len);
    memcpy(whole + before + state_len, at + 1, len - before - 1);
    (void)mcp_feed(conn, cht_bytes(whole, len - 1 + state_len), way);
    free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct scene s = { .held_count = 0 };
    struct mcp_server *server = serve(&s);
    struct mcp_conn *conn = NULL;
    const char *at = (const char *)data;
    int stream = 0;
    if (mcp_conn_open(server, check, &s, &conn) != CHT_OK)
        abort();
    for (size_t left = len; left > 0;) {
        const char *end = memchr(at, '\n', left);
        const size_t line = end == NULL ? left : (size_t)(end - at);
        const struct mcp_way way = { .to = line % 2 == 0 ? &stream : NULL };
        feed(&s, conn, at, line, &way);
        mcp_changed(server, MCP_RESOURCES);
        mcp_updated(server, "x://1/2");
        at += end == NULL ? line : line + 1;
        left -= end == NULL ? line : line + 1;
    }
    mcp_conn_drop(conn, &stream);
    if (len % 2 == 0)
        mcp_conn_shut(conn);
    for (size_t i = 0; i < s.held_count; i++)
        mcp_answer_text(s.held[i], "late", NULL);
    if (len % 2 != 0)
        mcp_conn_close(conn);
    mcp_server_free(server);
    return 0;
}
