/* The lists of tools, prompts, resources and templates, page by page. A cursor is the number of
 * entries before the page. */
#include <stdio.h>
#include <stdlib.h>

#include "bridges/mcp/own.h"

/* Where the page begins; false: the cursor is none of ours. */
static bool page_begin(const struct mcp_call *call, size_t *out)
{
    const json_t *cursor = json_object_get(call->params, "cursor");
    const char *text = json_string_value(cursor);
    char *end = NULL;
    *out = 0;
    if (cursor == NULL)
        return true;
    if (text == NULL || text[0] < '0' || text[0] > '9' || strlen(text) > 9)
        return false;
    *out = (size_t)strtoul(text, &end, 10);
    return *end == '\0';
}

/* Answers with the page of `all`, which it takes over. */
static void answer_page(struct mcp_call *call, const char *key, json_t *all)
{
    const size_t count = json_array_size(all);
    size_t begin = 0;
    if (!page_begin(call, &begin) || begin > count) {
        json_decref(all);
        mcp_fail(call, MCP_INVALID_PARAMS, "`cursor` is not one that was given", NULL);
        return;
    }
    const size_t end = count - begin > MCP_LIMIT_PAGE ? begin + MCP_LIMIT_PAGE : count;
    char next[24];
    (void)snprintf(next, sizeof next, "%zu", end);
    json_t *page = all == NULL ? NULL : json_array();
    for (size_t i = begin; i < end; i++)
        (void)json_array_append(page, json_array_get(all, i));
    json_decref(all);
    mcp_answer(call, json_pack("{s:o, s:s*}", key, page, "nextCursor", end < count ? next : NULL));
}

/* The rows of a table as an array; NULL: out of memory. */
static json_t *rows_of(const struct mcp_server *server, enum mcp_kind kind)
{
    const struct mcp_table *table = &server->tables[kind];
    json_t *all = json_array();
    for (size_t i = 0; i < table->count; i++) {
        if (json_array_append(all, table->rows[i].shown) != 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

void mcp_do_list_tools(struct mcp_call *call)
{
    answer_page(call, "tools", rows_of(call->conn->server, KIND_TOOL));
}

void mcp_do_list_prompts(struct mcp_call *call)
{
    answer_page(call, "prompts", rows_of(call->conn->server, KIND_PROMPT));
}

void mcp_do_list_templates(struct mcp_call *call)
{
    answer_page(call, "resourceTemplates", rows_of(call->conn->server, KIND_TEMPLATE));
}

void mcp_do_list_resources(struct mcp_call *call)
{
    const struct mcp_config *config = &call->conn->server->config;
    call->kind = METHOD_RESOURCES;
    if (config->more_resources == NULL)
        answer_page(call, "resources", rows_of(call->conn->server, KIND_RESOURCE));
    else
        config->more_resources(call, config->user);
}

void mcp_answer_resources(struct mcp_call *call, json_t *resources)
{
    json_t *all = NULL;
    if (call->conn != NULL && resources != NULL)
        all = rows_of(call->conn->server, KIND_RESOURCE);
    if (all != NULL && json_array_extend(all, resources) != 0) {
        json_decref(all);
        all = NULL;
    }
    json_decref(resources);
    if (call->conn == NULL) {
        json_decref(all);
        mcp_call_free(call);
    } else {
        answer_page(call, "resources", all);
    }
}
