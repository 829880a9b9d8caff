/* The methods there are, and those that call something: tools, resources, prompts, completions. */
#include <stdio.h>
#include <stdlib.h>

#include "bridges/mcp/own.h"

#define NEEDS_NOTHING MCP_LISTS

static const struct {
    const char *name;
    bool legacy, modern;
    enum mcp_list needs; /* unknown where no such list is offered */
    mcp_method_fn *run;
} methods[] = {
    { "initialize", true, false, NEEDS_NOTHING, mcp_do_initialize },
    { "ping", true, false, NEEDS_NOTHING, mcp_do_ping },
    { "logging/setLevel", true, false, NEEDS_NOTHING, mcp_do_set_level },
    { "resources/subscribe", true, false, MCP_RESOURCES, mcp_do_subscribe },
    { "resources/unsubscribe", true, false, MCP_RESOURCES, mcp_do_unsubscribe },
    { "server/discover", false, true, NEEDS_NOTHING, mcp_do_discover },
    { "subscriptions/listen", false, true, NEEDS_NOTHING, mcp_do_listen },
    { "tools/list", true, true, MCP_TOOLS, mcp_do_list_tools },
    { "tools/call", true, true, MCP_TOOLS, mcp_do_tool },
    { "resources/list", true, true, MCP_RESOURCES, mcp_do_list_resources },
    { "resources/templates/list", true, true, MCP_RESOURCES, mcp_do_list_templates },
    { "resources/read", true, true, MCP_RESOURCES, mcp_do_read },
    { "prompts/list", true, true, MCP_PROMPTS, mcp_do_list_prompts },
    { "prompts/get", true, true, MCP_PROMPTS, mcp_do_prompt },
    { "completion/complete", true, true, NEEDS_NOTHING, mcp_do_complete },
};

mcp_method_fn *mcp_method_find(const struct mcp_server *server, enum mcp_era era,
                               const char *method, const char **out_method)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        const bool served = era == MCP_MODERN ? methods[i].modern : methods[i].legacy;
        if (strcmp(method, methods[i].name) != 0)
            continue;
        if (!served || (methods[i].run == mcp_do_set_level && !server->config.logging) ||
            (methods[i].needs != NEEDS_NOTHING && !mcp_offers(server, methods[i].needs)))
            return NULL;
        *out_method = methods[i].name;
        return methods[i].run;
    }
    return NULL;
}

static bool invalid(struct mcp_call *call, const char *text)
{
    mcp_fail(call, MCP_INVALID_PARAMS, text, NULL);
    return false;
}

/* The text under `key` of the request, kept as the call's name. False: it was refused. */
static bool take_name(struct mcp_call *call, const char *key, size_t bytes_max)
{
    const char *name = json_string_value(json_object_get(call->params, key));
    char text[80];
    if (name == NULL || strlen(name) > bytes_max) {
        (void)snprintf(text, sizeof text, "`%s` must be a text of at most %zu bytes", key,
                       bytes_max);
        return invalid(call, text);
    }
    call->name = strdup(name);
    if (call->name != NULL)
        return true;
    mcp_fail(call, MCP_INTERNAL_ERROR, "out of memory", NULL);
    return false;
}

static bool take_arguments(struct mcp_call *call)
{
    const json_t *arguments = json_object_get(call->params, "arguments");
    if (arguments == NULL || json_is_null(arguments))
        return true;
    if (!json_is_object(arguments))
        return invalid(call, "`arguments` must be an object");
    call->arguments = arguments;
    return true;
}

void mcp_do_tool(struct mcp_call *call)
{
    char text[320];
    if (!take_name(call, "name", MCP_LIMIT_NAME_BYTES) || !take_arguments(call))
        return;
    const struct mcp_row *row = mcp_row_find(call->conn->server, KIND_TOOL, call->name);
    if (row == NULL) {
        (void)snprintf(text, sizeof text, "there is no tool `%s`", mcp_short(call->name).text);
        (void)invalid(call, text);
        return;
    }
    if (!mcp_ask_restore(call))
        return;
    call->kind = METHOD_TOOL;
    call->fn.tool = row->tool.call;
    call->user = row->tool.user;
    /* a model can put right what it is told of: so it is the tool's error, not the protocol's */
    if (!mcp_schema_check(json_object_get(row->shown, "inputSchema"), call->arguments, text,
                          sizeof text))
        mcp_answer_tool_error(call, text);
    else
        mcp_call_begin(call);
}

void mcp_do_read(struct mcp_call *call)
{
    bool template = false;
    if (!take_name(call, "uri", MCP_LIMIT_URI_BYTES) || !mcp_ask_restore(call))
        return;
    const struct mcp_row *row =
        mcp_reader_find(call->conn->server, call->name, &template, &call->variables);
    if (row == NULL) {
        mcp_answer_not_found(call, call->name);
        return;
    }
    call->kind = METHOD_READ;
    call->fn.read = template ? row->template.read : row->resource.read;
    call->user = template ? row->template.user : row->resource.user;
    mcp_call_begin(call);
}

static bool check_prompt(struct mcp_call *call, const struct mcp_prompt *prompt)
{
    const char *key;
    json_t *one;
    char text[200];
    json_object_foreach(
        (json_t *)(uintptr_t)call->arguments, key,
        one) if (!json_is_string(one)) return invalid(call, "the arguments of a prompt are texts");
    for (size_t i = 0; i < prompt->argument_count; i++) {
        const struct mcp_argument *a = &prompt->arguments[i];
        if (!a->required || json_object_get(call->arguments, a->name) != NULL)
            continue;
        (void)snprintf(text, sizeof text, "the prompt needs `%s`", a->name);
        return invalid(call, text);
    }
    return true;
}

void mcp_do_prompt(struct mcp_call *call)
{
    if (!take_name(call, "name", MCP_LIMIT_NAME_BYTES) || !take_arguments(call))
        return;
    const struct mcp_row *row = mcp_row_find(call->conn->server, KIND_PROMPT, call->name);
    if (row == NULL) {
        (void)invalid(call, "there is no prompt of that name");
        return;
    }
    if (!check_prompt(call, &row->prompt) || !mcp_ask_restore(call))
        return;
    call->kind = METHOD_PROMPT;
    call->fn.tool = row->prompt.get;
    call->user = row->prompt.user;
    mcp_call_begin(call);
}

/* What completes the reference; false: the reference is to nothing. */
static bool completer(const struct mcp_call *call, const json_t *ref, mcp_complete_fn **out,
                      void **out_user)
{
    const struct mcp_server *server = call->conn->server;
    const char *type = json_string_value(json_object_get(ref, "type"));
    const char *name = json_string_value(json_object_get(ref, "name"));
    const char *uri = json_string_value(json_object_get(ref, "uri"));
    const struct mcp_row *row = NULL;
    if (type != NULL && name != NULL && strcmp(type, "ref/prompt") == 0) {
        row = mcp_row_find(server, KIND_PROMPT, name);
        if (row != NULL) {
            *out = row->prompt.complete;
            *out_user = row->prompt.user;
        }
    } else if (type != NULL && uri != NULL && strcmp(type, "ref/resource") == 0) {
        row = mcp_row_find(server, KIND_TEMPLATE, uri);
        if (row != NULL) {
            *out = row->template.complete;
            *out_user = row->template.user;
        } else {
            row = mcp_row_find(server, KIND_RESOURCE, uri);
        }
    }
    return row != NULL;
}

void mcp_do_complete(struct mcp_call *call)
{
    const json_t *argument = json_object_get(call->params, "argument");
    const char *name = json_string_value(json_object_get(argument, "name"));
    const char *value = json_string_value(json_object_get(argument, "value"));
    const json_t *context = json_object_get(json_object_get(call->params, "context"), "arguments");
    mcp_complete_fn *complete = NULL;
    void *user = NULL;
    if (name == NULL || value == NULL || !json_is_object(json_object_get(call->params, "ref"))) {
        (void)invalid(call, "need `ref`, and `argument` with `name` and `value`");
    } else if (!completer(call, json_object_get(call->params, "ref"), &complete, &user)) {
        (void)invalid(call, "`ref` is to no prompt and no resource template there is");
    } else {
        call->kind = METHOD_COMPLETE;
        if (complete == NULL)
            mcp_answer_completion(call, json_array(), 0);
        else
            complete(call, name, value, json_is_object(context) ? context : NULL, user);
    }
}
