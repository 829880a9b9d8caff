/* One client: messages in, sorted into requests, notifications and responses, and each request
 * into its era. What a request asks is done elsewhere (methods.c and the others). */
#include <stdlib.h>

#include "bridges/json/mend.h"
#include "bridges/mcp/own.h"

enum cht_err mcp_conn_open(struct mcp_server *server, mcp_emit_fn *emit, void *user,
                           struct mcp_conn **out)
{
    struct mcp_conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL)
        return CHT_E_NOMEM;
    conn->watched = json_object();
    if (conn->watched == NULL) {
        free(conn);
        return CHT_E_NOMEM;
    }
    conn->server = server;
    conn->emit = emit;
    conn->user = user;
    conn->level = MCP_INFO;
    conn->next_id = 1;
    conn->next = server->conns;
    if (conn->next != NULL)
        conn->next->prev = conn;
    server->conns = conn;
    *out = conn;
    return CHT_OK;
}

void mcp_conn_close(struct mcp_conn *conn)
{
    if (conn == NULL)
        return;
    while (conn->calls != NULL)
        mcp_call_cancel(conn->calls, /* end= */ false);
    mcp_unwatch_conn(conn);
    if (conn->prev != NULL)
        conn->prev->next = conn->next;
    else
        conn->server->conns = conn->next;
    if (conn->next != NULL)
        conn->next->prev = conn->prev;
    json_decref(conn->capabilities);
    json_decref(conn->watched);
    free(conn);
}

void mcp_conn_shut(struct mcp_conn *conn)
{
    struct mcp_call *next;
    for (struct mcp_call *call = conn->calls; call != NULL; call = next) {
        next = call->next;
        if (call->kind == METHOD_LISTEN)
            mcp_listen_end(call);
    }
    mcp_conn_close(conn);
}

void mcp_conn_drop(struct mcp_conn *conn, void *to)
{
    struct mcp_call *next;
    for (struct mcp_call *call = conn->calls; call != NULL; call = next) {
        next = call->next;
        if (call->to != to || call->homeless)
            continue;
        if (call->era == MCP_MODERN)
            mcp_call_cancel(call, /* end= */ false);
        else
            call->homeless = true;
    }
    if (conn->stream == to)
        conn->stream = NULL;
}

void mcp_conn_set_stream(struct mcp_conn *conn, void *to)
{
    conn->stream = to;
}

const char *mcp_conn_session(const struct mcp_conn *conn)
{
    return conn->session;
}

size_t mcp_conn_pending(const struct mcp_conn *conn)
{
    return conn->call_count;
}

/* An id that a request may have: a short text or an integer. */
static bool id_is_good(const json_t *id)
{
    return json_is_integer(id) ||
           (json_is_string(id) && json_string_length(id) <= MCP_LIMIT_ID_BYTES);
}

static struct mcp_call *find_call(const struct mcp_conn *conn, const json_t *id)
{
    for (struct mcp_call *call = conn->calls; call != NULL; call = call->next)
        if (json_equal(call->id, id))
            return call;
    return NULL;
}

/* The message is no request that can be served: an error that ends it. */
static enum mcp_fed reject(struct mcp_conn *conn, const struct mcp_way *way, json_t *id,
                           enum mcp_code code, const char *text)
{
    mcp_send_error(conn, way->to, id_is_good(id) ? json_incref(id) : NULL, code, text, NULL,
                   HTTP_BAD_REQUEST);
    return MCP_FED_REQUEST;
}

/* A legacy request: a session has to have begun, but for what begins it. */
static bool legacy_check(struct mcp_call *call, const char *method, bool known)
{
    if (call->conn->session != NULL || !known || strcmp(method, "initialize") == 0 ||
        strcmp(method, "ping") == 0)
        return true;
    mcp_refuse(call, MCP_INVALID_PARAMS,
               "no `initialize` came before, and no " META_VERSION " is in the request's _meta",
               NULL, HTTP_BAD_REQUEST);
    return false;
}

static enum mcp_fed request(struct mcp_conn *conn, const json_t *message, json_t *id,
                            const struct mcp_way *way)
{
    const char *method = json_string_value(json_object_get(message, "method"));
    json_t *params = json_object_get(message, "params");
    if (params != NULL && !json_is_object(params))
        return reject(conn, way, id, MCP_INVALID_PARAMS, "`params` must be an object");
    if (find_call(conn, id) != NULL)
        return reject(conn, way, id, MCP_INVALID_REQUEST, "a request with this id is under way");
    if (conn->call_count >= MCP_LIMIT_CALLS)
        return reject(conn, way, id, MCP_INTERNAL_ERROR, "too many requests are under way");
    struct mcp_call *call = mcp_call_new(conn, id, params, way->to);
    if (call == NULL)
        return reject(conn, way, id, MCP_INTERNAL_ERROR, "out of memory");
    if (way->principal != NULL && (call->principal = strdup(way->principal)) == NULL) {
        mcp_fail(call, MCP_INTERNAL_ERROR, "out of memory", NULL);
        return MCP_FED_REQUEST;
    }
    call->era = mcp_is_modern(conn, method, call->meta, way) ? MCP_MODERN : MCP_LEGACY;
    mcp_method_fn *run = mcp_method_find(conn->server, call->era, method, &call->method);
    if (call->era == MCP_MODERN ? !mcp_modern_check(call, method, way)
                                : !legacy_check(call, method, run != NULL))
        return MCP_FED_REQUEST;
    if (call->era == MCP_LEGACY)
        call->capabilities = conn->capabilities;
    if (run == NULL)
        mcp_refuse(call, MCP_METHOD_NOT_FOUND, "no such method", NULL,
                   call->era == MCP_MODERN || conn->session == NULL ? HTTP_NOT_FOUND : HTTP_OK);
    else
        run(call);
    return MCP_FED_REQUEST;
}

static enum mcp_fed notification(struct mcp_conn *conn, const json_t *message)
{
    const char *method = json_string_value(json_object_get(message, "method"));
    const json_t *params = json_object_get(message, "params");
    if (strcmp(method, "notifications/initialized") == 0) {
        conn->initialized = conn->session != NULL;
    } else if (strcmp(method, "notifications/cancelled") == 0) {
        struct mcp_call *call = find_call(conn, json_object_get(params, "requestId"));
        if (call != NULL)
            mcp_call_cancel(call, /* end= */ true);
    }
    return MCP_FED_ACCEPTED; /* others say nothing to us */
}

static enum mcp_fed sort(struct mcp_conn *conn, const json_t *message, const struct mcp_way *way)
{
    json_t *id = json_object_get(message, "id");
    const json_t *method = json_object_get(message, "method");
    const char *version = json_string_value(json_object_get(message, "jsonrpc"));
    if (json_is_array(message))
        return reject(conn, way, NULL, MCP_INVALID_REQUEST,
                      "a batch of messages is not part of the protocol: send them one by one");
    if (version == NULL || strcmp(version, "2.0") != 0)
        return reject(conn, way, id, MCP_INVALID_REQUEST, "`jsonrpc` must be \"2.0\"");
    if (method == NULL && id_is_good(id) &&
        (json_object_get(message, "result") != NULL || json_object_get(message, "error") != NULL)) {
        mcp_ask_answered(conn, message);
        return MCP_FED_ACCEPTED;
    }
    if (!json_is_string(method) || json_string_length(method) > MCP_LIMIT_NAME_BYTES)
        return reject(conn, way, id, MCP_INVALID_REQUEST, "`method` must be a short text");
    if (id == NULL)
        return notification(conn, message);
    if (!id_is_good(id))
        return reject(conn, way, NULL, MCP_INVALID_REQUEST,
                      "`id` must be an integer or a text of at most 256 bytes");
    return request(conn, message, id, way);
}

/* A text of a model may have been cut inside a character: who sent it hears an answer all the same,
 * under the number that it waits for. */
static json_t *parse(struct cht_bytes message)
{
    json_t *parsed =
        json_loadb((const char *)message.data, message.len, JSON_REJECT_DUPLICATES, NULL);
    uint8_t *copy = parsed == NULL && message.len != 0 ? malloc(message.len) : NULL;
    if (copy == NULL)
        return parsed;
    memcpy(copy, message.data, message.len);
    json_mend(copy, message.len, true);
    parsed = json_loadb((const char *)copy, message.len, JSON_REJECT_DUPLICATES, NULL);
    free(copy);
    return parsed;
}

enum mcp_fed mcp_feed(struct mcp_conn *conn, struct cht_bytes message, const struct mcp_way *way)
{
    if (message.len > MCP_LIMIT_MESSAGE_BYTES)
        return reject(conn, way, NULL, MCP_INVALID_REQUEST, "the message is too long");
    if (mcp_guard(message) != CHT_OK)
        return reject(conn, way, NULL, MCP_INVALID_REQUEST,
                      "the message nests too deeply or has too many values");
    json_t *parsed = parse(message);
    if (parsed == NULL)
        return reject(conn, way, NULL, MCP_PARSE_ERROR, "the message is not JSON");
    const enum mcp_fed fed = sort(conn, parsed, way);
    json_decref(parsed);
    return fed;
}
