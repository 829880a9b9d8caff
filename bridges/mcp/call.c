/* A request under way: its birth and end, what its callback may ask of it, and its answers. */
#include <assert.h>
#include <stdlib.h>

#include "bridges/mcp/own.h"

static const char *const level_names[] = { "debug", "info",     "notice", "warning",
                                           "error", "critical", "alert",  "emergency" };
#define LEVELS (sizeof level_names / sizeof level_names[0])

const char *mcp_level_name(enum mcp_level level)
{
    return level_names[level];
}

int mcp_level_find(const char *name)
{
    for (size_t i = 0; name != NULL && i < LEVELS; i++)
        if (strcmp(level_names[i], name) == 0)
            return (int)i;
    return -1;
}

/* --- birth and end --------------------------------------------------------------------------- */

struct mcp_call *mcp_call_new(struct mcp_conn *conn, json_t *id, json_t *params, void *to)
{
    struct mcp_call *call = calloc(1, sizeof *call);
    if (call == NULL)
        return NULL;
    call->made_arguments = json_object();
    if (call->made_arguments == NULL) {
        free(call);
        return NULL;
    }
    call->conn = conn;
    call->to = to;
    call->id = json_incref(id);
    call->params = json_incref(params);
    call->arguments = call->made_arguments;
    call->meta = json_object_get(params, "_meta");
    if (!json_is_object(call->meta))
        call->meta = NULL;
    call->token = json_object_get(call->meta, "progressToken");
    if (!json_is_integer(call->token) &&
        !(json_is_string(call->token) && json_string_length(call->token) <= MCP_LIMIT_ID_BYTES))
        call->token = NULL;
    call->level = MCP_EMERGENCY + 1;
    call->next = conn->calls;
    if (call->next != NULL)
        call->next->prev = call;
    conn->calls = call;
    conn->call_count++;
    return call;
}

/* The connection does not know it any more. */
static void detach(struct mcp_call *call)
{
    struct mcp_conn *conn = call->conn;
    if (conn == NULL)
        return;
    if (call->prev != NULL)
        call->prev->next = call->next;
    else
        conn->calls = call->next;
    if (call->next != NULL)
        call->next->prev = call->prev;
    conn->call_count--;
    call->conn = NULL;
    call->next = call->prev = NULL;
    call->capabilities = NULL;
}

void mcp_call_free(struct mcp_call *call)
{
    detach(call);
    json_decref(call->id);
    json_decref(call->params);
    json_decref(call->made_arguments);
    json_decref(call->variables);
    json_decref(call->inputs);
    json_decref(call->state);
    json_decref(call->filter);
    for (size_t i = 0; i < call->asked_count; i++)
        free(call->asked[i].key);
    free(call->principal);
    free(call->name);
    free(call);
}

void mcp_call_cancel(struct mcp_call *call, bool end)
{
    struct mcp_conn *conn = call->conn;
    void *to = mcp_call_to(call);
    /* nobody else holds those two: they end here */
    const bool ours = call->kind == METHOD_LISTEN || call->asked_count > 0;
    if (call->kind == METHOD_LISTEN)
        mcp_unwatch_call(call);
    detach(call);
    if (end)
        mcp_send_end(conn, to);
    if (ours)
        mcp_call_free(call);
    else if (call->hook != NULL)
        call->hook(call, call->hook_user);
}

void mcp_call_begin(struct mcp_call *call)
{
    if (call->kind == METHOD_READ)
        call->fn.read(call, call->name, call->user);
    else
        call->fn.tool(call, call->arguments, call->user);
}

/* --- the request ----------------------------------------------------------------------------- */

enum mcp_era mcp_call_era(const struct mcp_call *call)
{
    return call->era;
}

const json_t *mcp_call_arguments(const struct mcp_call *call)
{
    return call->arguments;
}

const json_t *mcp_call_meta(const struct mcp_call *call)
{
    return call->meta;
}

const char *mcp_call_variable(const struct mcp_call *call, const char *name)
{
    return json_string_value(json_object_get(call->variables, name));
}

static const char *const can_names[] = { [MCP_CAN_SAMPLING] = "sampling",
                                         [MCP_CAN_ELICITATION] = "elicitation",
                                         [MCP_CAN_ROOTS] = "roots" };

bool mcp_call_can(const struct mcp_call *call, enum mcp_can what)
{
    return json_is_object(json_object_get(call->capabilities, can_names[what]));
}

bool mcp_call_wants_progress(const struct mcp_call *call)
{
    return call->token != NULL;
}

bool mcp_call_cancelled(const struct mcp_call *call)
{
    return call->conn == NULL;
}

void mcp_call_on_cancel(struct mcp_call *call, void (*hook)(struct mcp_call *call, void *user),
                        void *user)
{
    call->hook = hook;
    call->hook_user = user;
}

const json_t *mcp_input(const struct mcp_call *call, const char *key)
{
    return json_object_get(call->inputs, key);
}

const json_t *mcp_state(const struct mcp_call *call)
{
    return call->state;
}

/* --- on the way ------------------------------------------------------------------------------ */

/* 50, not 50.0: what is whole goes out as an integer. */
static json_t *number(double value)
{
    if (value >= -9e15 && value <= 9e15 && value == (double)(json_int_t)value)
        return json_integer((json_int_t)value);
    return json_real(value);
}

void mcp_progress(struct mcp_call *call, double progress, double total, const char *text)
{
    if (call->conn == NULL || call->token == NULL)
        return;
    json_t *params =
        json_pack("{s:O, s:o, s:o*, s:s*}", "progressToken", call->token, "progress",
                  number(progress), "total", total > 0 ? number(total) : NULL, "message", text);
    if (params != NULL)
        mcp_send_notification(call->conn, mcp_call_to(call), "notifications/progress", params);
}

void mcp_log(struct mcp_call *call, enum mcp_level level, const char *logger, json_t *data)
{
    const int least =
        call->conn != NULL && call->era == MCP_LEGACY ? (int)call->conn->level : call->level;
    if (call->conn == NULL || !call->conn->server->config.logging || (int)level < least) {
        json_decref(data);
        return;
    }
    json_t *params = json_pack("{s:s, s:s*, s:o}", "level", mcp_level_name(level), "logger", logger,
                               "data", data);
    if (params != NULL)
        mcp_send_notification(call->conn, mcp_call_to(call), "notifications/message", params);
}
