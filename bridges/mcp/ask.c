/* Questions to the client. Modern: the request ends with an InputRequiredResult and the client
 * comes again. Legacy: requests go out, and the callback begins anew when all are answered. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridges/mcp/own.h"

static bool needed(const char *method, enum mcp_can *out)
{
    static const struct {
        const char *method;
        enum mcp_can can;
    } needs[] = { { "sampling/createMessage", MCP_CAN_SAMPLING },
                  { "elicitation/create", MCP_CAN_ELICITATION },
                  { "roots/list", MCP_CAN_ROOTS } };
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        if (strcmp(method, needs[i].method) == 0) {
            *out = needs[i].can;
            return true;
        }
    }
    return false;
}

static void drop(const struct mcp_ask *asks, size_t count, json_t *state)
{
    for (size_t i = 0; i < count; i++)
        json_decref(asks[i].params);
    json_decref(state);
}

/* Takes all over. */
static void ask_modern(struct mcp_call *call, const struct mcp_ask *asks, size_t count,
                       json_t *state)
{
    json_t *requests = count > 0 ? json_object() : NULL;
    json_t *sealed = state != NULL ? mcp_state_seal(call, state) : NULL;
    bool failed = (count > 0 && requests == NULL) || (state != NULL && sealed == NULL);
    for (size_t i = 0; i < count; i++) {
        json_t *one = json_pack("{s:s, s:O*}", "method", asks[i].method, "params", asks[i].params);
        failed |= json_object_set_new(requests, asks[i].key, one) != 0;
    }
    drop(asks, count, state);
    if (failed) {
        json_decref(requests);
        json_decref(sealed);
        mcp_fail(call, MCP_INTERNAL_ERROR, "the question could not be put", NULL);
        return;
    }
    mcp_answer(call, json_pack("{s:s, s:o*, s:o*}", "resultType", "input_required", "inputRequests",
                               requests, "requestState", sealed));
}

/* Takes all over. */
static void ask_legacy(struct mcp_call *call, const struct mcp_ask *asks, size_t count,
                       json_t *state)
{
    bool failed = count == 0 || ++call->rounds > MCP_LIMIT_ROUNDS;
    json_decref(call->state);
    json_decref(call->inputs);
    call->state = state;
    call->inputs = json_object();
    failed |= call->inputs == NULL;
    for (size_t i = 0; i < count; i++) {
        struct mcp_asked *asked = &call->asked[i];
        *asked = (struct mcp_asked){ call->conn->next_id, strdup(asks[i].key), asks[i].method };
        call->asked_count = i + 1;
        call->conn->next_id++;
        failed |= asked->key == NULL;
        if (failed)
            json_decref(asks[i].params);
        else
            failed |= !mcp_send_request(call->conn, mcp_call_to(call), asked->id, asked->method,
                                        asks[i].params);
    }
    if (failed)
        mcp_fail(call, MCP_INTERNAL_ERROR, "the question could not be put", NULL);
}

void mcp_ask(struct mcp_call *call, const struct mcp_ask *asks, size_t count, json_t *state)
{
    assert(count <= MCP_LIMIT_ASKS && (count > 0 || state != NULL));
    assert(call->kind == METHOD_TOOL || call->kind == METHOD_READ || call->kind == METHOD_PROMPT);
    enum mcp_can can = MCP_CAN_ROOTS;
    for (size_t i = 0; i < count && call->conn != NULL; i++) {
        const bool known = needed(asks[i].method, &can);
        assert(known);
        if (!known || !mcp_call_can(call, can)) {
            drop(asks, count, state);
            mcp_fail_missing(call, can);
            return;
        }
    }
    if (call->conn == NULL) {
        drop(asks, count, state);
        mcp_call_free(call);
    } else if (call->era == MCP_MODERN) {
        ask_modern(call, asks, count, state);
    } else {
        ask_legacy(call, asks, count, state);
    }
}

bool mcp_ask_restore(struct mcp_call *call)
{
    json_t *inputs = json_object_get(call->params, "inputResponses");
    const json_t *sealed = json_object_get(call->params, "requestState");
    const char *key;
    json_t *one;
    if (call->era == MCP_LEGACY)
        return true;
    bool fits = inputs == NULL || json_is_object(inputs);
    json_object_foreach(inputs, key, one) fits = fits && json_is_object(one);
    if (!fits) {
        mcp_fail(call, MCP_INVALID_PARAMS,
                 "`inputResponses` must be an object of objects, one for each question", NULL);
        return false;
    }
    call->inputs = json_incref(inputs);
    if (sealed == NULL)
        return true;
    const enum cht_err err = json_is_string(sealed)
                                 ? mcp_state_open(call, json_string_value(sealed), &call->state)
                                 : CHT_E_SIGNATURE;
    if (err == CHT_E_NOMEM)
        mcp_fail(call, MCP_INTERNAL_ERROR, "out of memory", NULL);
    else if (err != CHT_OK)
        mcp_fail(call, MCP_INVALID_PARAMS,
                 err == CHT_E_EXPIRED ? "`requestState` has expired: begin anew"
                                      : "`requestState` is not one that was given for this request",
                 NULL);
    return err == CHT_OK;
}

/* The question of that id among those that are out. */
static struct mcp_asked *find_asked(const struct mcp_conn *conn, json_int_t id,
                                    struct mcp_call **out_call)
{
    for (struct mcp_call *call = conn->calls; call != NULL; call = call->next) {
        for (size_t i = 0; i < call->asked_count; i++) {
            if (call->asked[i].id == id) {
                *out_call = call;
                return &call->asked[i];
            }
        }
    }
    return NULL;
}

void mcp_ask_answered(struct mcp_conn *conn, const json_t *message)
{
    const json_t *id = json_object_get(message, "id");
    json_t *result = json_object_get(message, "result");
    struct mcp_call *call = NULL;
    struct mcp_asked *asked = json_is_integer(id) && json_integer_value(id) > 0
                                  ? find_asked(conn, json_integer_value(id), &call)
                                  : NULL;
    if (asked == NULL)
        return; /* an answer to no question of ours: nothing to do with it */
    if (!json_is_object(result)) {
        const char *why =
            json_string_value(json_object_get(json_object_get(message, "error"), "message"));
        char text[256];
        (void)snprintf(text, sizeof text, "the client answered %s with an error: %s", asked->method,
                       mcp_short(why).text);
        mcp_fail(call, MCP_INTERNAL_ERROR, text, NULL);
        return;
    }
    asked->id = 0;
    if (json_object_set(call->inputs, asked->key, result) != 0) {
        mcp_fail(call, MCP_INTERNAL_ERROR, "out of memory", NULL);
        return;
    }
    for (size_t i = 0; i < call->asked_count; i++)
        if (call->asked[i].id != 0)
            return;
    for (size_t i = 0; i < call->asked_count; i++)
        free(call->asked[i].key);
    call->asked_count = 0;
    mcp_call_begin(call);
}
