/* Who wants to hear of what: legacy subscriptions and modern listens, and telling them. */
#include "bridges/mcp/own.h"

static const struct {
    const char *filter, *method;
} told[MCP_LISTS] = {
    [MCP_TOOLS] = { "toolsListChanged", "notifications/tools/list_changed" },
    [MCP_PROMPTS] = { "promptsListChanged", "notifications/prompts/list_changed" },
    [MCP_RESOURCES] = { "resourcesListChanged", "notifications/resources/list_changed" },
};
#define FILTER_URIS "resourceSubscriptions"

/* --- counting -------------------------------------------------------------------------------- */

/* One more who watches `uri`; false: out of memory. */
static bool watch_add(struct mcp_server *server, const char *uri)
{
    const json_int_t before = json_integer_value(json_object_get(server->watched, uri));
    if (json_object_set_new(server->watched, uri, json_integer(before + 1)) != 0)
        return false;
    if (before == 0 && server->config.watch != NULL)
        server->config.watch(server->config.user, uri, true);
    return true;
}

static void watch_remove(struct mcp_server *server, const char *uri)
{
    json_t *count = json_object_get(server->watched, uri);
    const json_int_t before = json_integer_value(count);
    if (before > 1) {
        (void)json_integer_set(count, before - 1);
        return;
    }
    if (before == 1 && server->config.watch != NULL)
        server->config.watch(server->config.user, uri, false);
    (void)json_object_del(server->watched, uri);
}

void mcp_unwatch_conn(struct mcp_conn *conn)
{
    const char *uri;
    json_t *value;
    json_object_foreach(conn->watched, uri, value) watch_remove(conn->server, uri);
    (void)json_object_clear(conn->watched);
    conn->watched_count = 0;
}

void mcp_unwatch_call(struct mcp_call *call)
{
    size_t i;
    json_t *uri;
    json_array_foreach(json_object_get(call->filter, FILTER_URIS), i, uri)
    {
        watch_remove(call->conn->server, json_string_value(uri));
        call->conn->watched_count--;
    }
    call->conn->listen_count--;
}

/* The server has or would have such a resource. */
static bool readable(const struct mcp_server *server, const char *uri)
{
    bool template = false;
    json_t *variables = NULL;
    const bool known = strlen(uri) <= MCP_LIMIT_URI_BYTES &&
                       mcp_reader_find(server, uri, &template, &variables) != NULL;
    json_decref(variables);
    return known;
}

/* --- legacy ---------------------------------------------------------------------------------- */

void mcp_do_subscribe(struct mcp_call *call)
{
    struct mcp_conn *conn = call->conn;
    const char *uri = json_string_value(json_object_get(call->params, "uri"));
    if (uri == NULL || !conn->server->config.subscribe) {
        mcp_fail(call, MCP_INVALID_PARAMS,
                 uri == NULL ? "need `uri`" : "single resources are not watched here", NULL);
    } else if (!readable(conn->server, uri)) {
        mcp_answer_not_found(call, uri);
    } else if (json_object_get(conn->watched, uri) != NULL) {
        mcp_answer(call, json_object());
    } else if (conn->watched_count >= MCP_LIMIT_WATCHED) {
        mcp_fail(call, MCP_INTERNAL_ERROR, "too many resources are watched", NULL);
    } else if (json_object_set_new(conn->watched, uri, json_true()) != 0 ||
               !watch_add(conn->server, uri)) {
        (void)json_object_del(conn->watched, uri);
        mcp_fail(call, MCP_INTERNAL_ERROR, "out of memory", NULL);
    } else {
        conn->watched_count++;
        mcp_answer(call, json_object());
    }
}

void mcp_do_unsubscribe(struct mcp_call *call)
{
    struct mcp_conn *conn = call->conn;
    const char *uri = json_string_value(json_object_get(call->params, "uri"));
    if (uri == NULL) {
        mcp_fail(call, MCP_INVALID_PARAMS, "need `uri`", NULL);
        return;
    }
    if (json_object_get(conn->watched, uri) != NULL) {
        watch_remove(conn->server, uri);
        conn->watched_count--;
        (void)json_object_del(conn->watched, uri);
    }
    mcp_answer(call, json_object());
}

/* --- modern ---------------------------------------------------------------------------------- */

static json_t *subscription_meta(const struct mcp_call *call)
{
    return json_pack("{s:O}", META_SUBSCRIPTION, call->id);
}

/* The addresses of the filter that are served, each counted, into `agreed`. */
static void agree_uris(struct mcp_call *call, const json_t *wanted, json_t *agreed)
{
    size_t i;
    json_t *uri;
    json_array_foreach(wanted, i, uri)
    {
        const char *text = json_string_value(uri);
        if (text == NULL || call->conn->watched_count >= MCP_LIMIT_WATCHED ||
            !readable(call->conn->server, text) || !watch_add(call->conn->server, text))
            continue;
        if (json_array_append(agreed, uri) == 0)
            call->conn->watched_count++;
        else
            watch_remove(call->conn->server, text);
    }
}

/* The part of the filter that is served. NULL: out of memory. */
static json_t *agree(struct mcp_call *call, const json_t *wanted)
{
    const struct mcp_config *config = &call->conn->server->config;
    const json_t *uris = json_object_get(wanted, FILTER_URIS);
    json_t *agreed = json_object();
    int failed = agreed == NULL;
    for (size_t i = 0; i < MCP_LISTS; i++)
        if (config->list_changed[i] && json_is_true(json_object_get(wanted, told[i].filter)))
            failed |= json_object_set_new(agreed, told[i].filter, json_true());
    /* the key first: what is counted must not get lost when memory ends */
    if (!failed && config->subscribe && json_is_array(uris))
        failed |= json_object_set_new(agreed, FILTER_URIS, json_array());
    if (failed) {
        json_decref(agreed);
        return NULL;
    }
    if (json_object_get(agreed, FILTER_URIS) != NULL)
        agree_uris(call, uris, json_object_get(agreed, FILTER_URIS));
    return agreed;
}

void mcp_do_listen(struct mcp_call *call)
{
    struct mcp_conn *conn = call->conn;
    const json_t *wanted = json_object_get(call->params, "notifications");
    if (!json_is_object(wanted)) {
        mcp_fail(call, MCP_INVALID_PARAMS, "need `notifications`, an object", NULL);
        return;
    }
    if (conn->listen_count >= MCP_LIMIT_LISTENS) {
        mcp_fail(call, MCP_INTERNAL_ERROR, "too many subscriptions are open", NULL);
        return;
    }
    call->filter = agree(call, wanted);
    if (call->filter == NULL) {
        mcp_fail(call, MCP_INTERNAL_ERROR, "out of memory", NULL);
        return;
    }
    call->kind = METHOD_LISTEN;
    conn->listen_count++;
    /* it may stay for days: the request itself is not needed any more */
    json_decref(call->params);
    call->params = NULL;
    call->meta = call->capabilities = call->token = NULL;
    mcp_send_notification(
        conn, mcp_call_to(call), "notifications/subscriptions/acknowledged",
        json_pack("{s:o, s:O}", "_meta", subscription_meta(call), "notifications", call->filter));
}

void mcp_listen_end(struct mcp_call *call)
{
    /* basic/patterns/cancellation has the server cancel it, .../subscriptions answer it: both */
    mcp_send_notification(call->conn, mcp_call_to(call), "notifications/cancelled",
                          json_pack("{s:o, s:O, s:s}", "_meta", subscription_meta(call),
                                    "requestId", call->id, "reason", "the server ends"));
    mcp_unwatch_call(call);
    json_decref(call->filter);
    call->filter = NULL;
    call->kind = METHOD_PLAIN;
    mcp_answer(call, json_pack("{s:o}", "_meta", subscription_meta(call)));
}

/* --- telling --------------------------------------------------------------------------------- */

static bool has_uri(const struct mcp_call *call, const char *uri)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(call->filter, FILTER_URIS), i,
                       one) if (strcmp(json_string_value(one), uri) == 0) return true;
    return false;
}

/* Every listen that asked for it: of a list (uri NULL) by its word in the filter. */
static void tell_listens(struct mcp_conn *conn, const char *method, const char *uri,
                         const char *filter)
{
    for (struct mcp_call *call = conn->calls; call != NULL; call = call->next) {
        if (call->kind != METHOD_LISTEN)
            continue;
        if (uri != NULL ? has_uri(call, uri) : json_object_get(call->filter, filter) != NULL)
            mcp_send_notification(
                conn, mcp_call_to(call), method,
                json_pack("{s:o, s:s*}", "_meta", subscription_meta(call), "uri", uri));
    }
}

void mcp_changed(struct mcp_server *server, enum mcp_list list)
{
    if (!server->config.list_changed[list])
        return;
    for (struct mcp_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        if (conn->initialized)
            mcp_send_notification(conn, conn->stream, told[list].method, NULL);
        tell_listens(conn, told[list].method, NULL, told[list].filter);
    }
}

void mcp_updated(struct mcp_server *server, const char *uri)
{
    for (struct mcp_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        if (json_object_get(conn->watched, uri) != NULL)
            mcp_send_notification(conn, conn->stream, "notifications/resources/updated",
                                  json_pack("{s:s}", "uri", uri));
        tell_listens(conn, "notifications/resources/updated", uri, NULL);
    }
}
