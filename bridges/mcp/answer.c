/* The answers of a call, in the shape of its era. */
#include "bridges/mcp/own.h"

/* cacheScope and ttlMs of what a client may keep (2026-07-28, server/utilities/caching). */
static int put_cache(const struct mcp_call *call, json_t *result)
{
    static const struct {
        const char *method;
        enum mcp_list list; /* MCP_LISTS: of no list */
        bool read, shared;
    } kept[] = { { "server/discover", MCP_LISTS, false, true },
                 { "tools/list", MCP_TOOLS, false, false },
                 { "prompts/list", MCP_PROMPTS, false, false },
                 { "resources/list", MCP_RESOURCES, false, false },
                 { "resources/templates/list", MCP_RESOURCES, false, false },
                 { "resources/read", MCP_LISTS, true, false } };
    const struct mcp_config *c = &call->conn->server->config;
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        if (strcmp(call->method, kept[i].method) != 0)
            continue;
        /* what depends on the client's answers is nobody else's (same page, "Cache Key") */
        const bool once = call->inputs != NULL || call->state != NULL;
        const bool shared = kept[i].shared || (kept[i].list < MCP_LISTS && c->shared[kept[i].list]);
        const int64_t ttl_ms = kept[i].read ? c->read_ttl_ms : c->list_ttl_ms;
        return json_object_set_new(result, "ttlMs", json_integer(once ? 0 : ttl_ms)) |
               json_object_set_new(result, "cacheScope",
                                   json_string(shared && !once ? "public" : "private"));
    }
    return 0;
}

/* What every result of the modern era has: resultType and who says it. Gives `result` back, or
 * NULL when out of memory. */
static json_t *modern(const struct mcp_call *call, json_t *result)
{
    json_t *meta = json_object_get(result, "_meta");
    int failed = 0;
    if (json_object_get(result, "resultType") == NULL) {
        failed |= json_object_set_new(result, "resultType", json_string("complete"));
        failed |= put_cache(call, result);
    }
    if (meta == NULL) {
        meta = json_object();
        failed |= json_object_set_new(result, "_meta", meta);
    }
    if (!failed)
        failed |= json_object_set_new(meta, META_SERVER, mcp_implementation(call->conn->server));
    if (!failed)
        return result;
    json_decref(result);
    return NULL;
}

void mcp_answer(struct mcp_call *call, json_t *result)
{
    if (call->conn == NULL) {
        json_decref(result);
    } else {
        if (result != NULL && call->era == MCP_MODERN)
            result = modern(call, result);
        const bool session = call->method != NULL && strcmp(call->method, "initialize") == 0;
        mcp_send_result(call->conn, mcp_call_to(call), json_incref(call->id), result, session);
    }
    mcp_call_free(call);
}

void mcp_answer_tool(struct mcp_call *call, json_t *content, json_t *structured, bool is_error)
{
    mcp_answer(call, json_pack("{s:o, s:o*, s:o*}", "content", content, "structuredContent",
                               structured, "isError", is_error ? json_true() : NULL));
}

void mcp_answer_text(struct mcp_call *call, const char *text, json_t *structured)
{
    mcp_answer_tool(call, json_pack("[o]", mcp_text(text)), structured, /* is_error= */ false);
}

void mcp_answer_tool_error(struct mcp_call *call, const char *text)
{
    mcp_answer_tool(call, json_pack("[o]", mcp_text(text)), NULL, /* is_error= */ true);
}

void mcp_answer_contents(struct mcp_call *call, json_t *contents)
{
    mcp_answer(call, json_pack("{s:o}", "contents", contents));
}

void mcp_answer_not_found(struct mcp_call *call, const char *uri)
{
    mcp_fail(call, call->era == MCP_MODERN ? MCP_INVALID_PARAMS : MCP_RESOURCE_NOT_FOUND,
             "there is no such resource", json_pack("{s:s}", "uri", uri));
}

void mcp_answer_prompt(struct mcp_call *call, const char *description, json_t *messages)
{
    mcp_answer(call, json_pack("{s:s*, s:o}", "description", description, "messages", messages));
}

void mcp_answer_completion(struct mcp_call *call, json_t *values, int64_t total)
{
    const size_t found = json_array_size(values);
    while (json_array_size(values) > MCP_LIMIT_COMPLETIONS)
        (void)json_array_remove(values, json_array_size(values) - 1);
    if (total < (int64_t)found)
        total = (int64_t)found;
    mcp_answer(call, json_pack("{s:{s:o, s:I, s:b}}", "completion", "values", values, "total",
                               (json_int_t)total, "hasMore",
                               total > (int64_t)MCP_LIMIT_COMPLETIONS || total > (int64_t)found));
}

void mcp_refuse(struct mcp_call *call, enum mcp_code code, const char *message, json_t *data,
                int status)
{
    if (call->conn == NULL)
        json_decref(data);
    else
        mcp_send_error(call->conn, mcp_call_to(call), json_incref(call->id), code, message, data,
                       status);
    mcp_call_free(call);
}

void mcp_fail(struct mcp_call *call, enum mcp_code code, const char *message, json_t *data)
{
    int status = HTTP_OK;
    if (call->era == MCP_MODERN) {
        if (code == MCP_METHOD_NOT_FOUND)
            status = HTTP_NOT_FOUND;
        else if (code == MCP_HEADER_MISMATCH || code == MCP_MISSING_CAPABILITY ||
                 code == MCP_UNSUPPORTED_VERSION || code == MCP_INVALID_REQUEST)
            status = HTTP_BAD_REQUEST;
    }
    mcp_refuse(call, code, message, data, status);
}

void mcp_fail_missing(struct mcp_call *call, enum mcp_can what)
{
    static const char *const names[] = { [MCP_CAN_SAMPLING] = "sampling",
                                         [MCP_CAN_ELICITATION] = "elicitation",
                                         [MCP_CAN_ROOTS] = "roots" };
    json_t *data = json_pack("{s:{s:{}}}", "requiredCapabilities", names[what]);
    mcp_fail(call, call->era == MCP_MODERN ? MCP_MISSING_CAPABILITY : MCP_INVALID_PARAMS,
             "the client did not declare a capability that this needs", data);
}
