/* What a server offers: its tables, and the definitions that lists show. */
#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "bridges/mcp/own.h"

#define JSON_TEXT_FLAGS (JSON_REJECT_DUPLICATES)

enum cht_err mcp_server_new(const struct mcp_config *config, struct mcp_server **out)
{
    struct mcp_server *server = calloc(1, sizeof *server);
    json_t *watched = json_object();
    if (server == NULL || watched == NULL) {
        free(server);
        json_decref(watched);
        return CHT_E_NOMEM;
    }
    server->config = *config;
    server->watched = watched;
    *out = server;
    return CHT_OK;
}

void mcp_server_free(struct mcp_server *server)
{
    if (server == NULL)
        return;
    assert(server->conns == NULL);
    for (size_t kind = 0; kind < KINDS; kind++) {
        for (size_t i = 0; i < server->tables[kind].count; i++)
            json_decref(server->tables[kind].rows[i].shown);
        free(server->tables[kind].rows);
    }
    json_decref(server->watched);
    free(server);
}

const struct mcp_row *mcp_row_find(const struct mcp_server *server, enum mcp_kind kind,
                                   const char *key)
{
    const struct mcp_table *table = &server->tables[kind];
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].key, key) == 0)
            return &table->rows[i];
    return NULL;
}

/* Takes row.shown over, also when it is NULL. */
static enum cht_err add(struct mcp_server *server, enum mcp_kind kind, struct mcp_row row)
{
    struct mcp_table *table = &server->tables[kind];
    enum cht_err err = CHT_OK;
    struct mcp_row *rows = NULL;
    if (row.shown == NULL)
        err = CHT_E_NOMEM;
    else if (mcp_row_find(server, kind, row.key) != NULL)
        err = CHT_E_EXISTS;
    else if (table->count == MCP_LIMIT_TABLE)
        err = CHT_E_LIMIT;
    else if ((rows = realloc(table->rows, (table->count + 1) * sizeof *rows)) == NULL)
        err = CHT_E_NOMEM;
    if (err != CHT_OK) {
        json_decref(row.shown);
        return err;
    }
    table->rows = rows;
    table->rows[table->count++] = row;
    return CHT_OK;
}

/* The object in a JSON text under `key` of `shown`. NULL text: nothing. */
static enum cht_err put_object(json_t *shown, const char *key, const char *text)
{
    if (text == NULL)
        return CHT_OK;
    json_t *value = json_loads(text, JSON_TEXT_FLAGS, NULL);
    if (!json_is_object(value)) {
        json_decref(value);
        return CHT_E_INVALID;
    }
    return json_object_set_new(shown, key, value) == 0 ? CHT_OK : CHT_E_NOMEM;
}

enum cht_err mcp_add_tool(struct mcp_server *server, const struct mcp_tool *tool)
{
    json_t *shown = json_pack("{s:s, s:s*, s:s*}", "name", tool->name, "title", tool->title,
                              "description", tool->description);
    enum cht_err err = shown == NULL ? CHT_E_NOMEM : CHT_OK;
    if (err == CHT_OK)
        err = put_object(shown, "inputSchema", tool->input_schema);
    if (err == CHT_OK)
        err = put_object(shown, "outputSchema", tool->output_schema);
    if (err == CHT_OK)
        err = put_object(shown, "annotations", tool->annotations);
    if (err == CHT_OK)
        err = put_object(shown, "_meta", tool->meta);
    if (err != CHT_OK) {
        json_decref(shown);
        return err;
    }
    return add(server, KIND_TOOL, (struct mcp_row){ tool->name, shown, { .tool = *tool } });
}

enum cht_err mcp_add_resource(struct mcp_server *server, const struct mcp_resource *resource)
{
    json_t *shown = json_pack("{s:s, s:s, s:s*, s:s*, s:s*}", "uri", resource->uri, "name",
                              resource->name, "title", resource->title, "description",
                              resource->description, "mimeType", resource->mime_type);
    return add(server, KIND_RESOURCE,
               (struct mcp_row){ resource->uri, shown, { .resource = *resource } });
}

enum cht_err mcp_add_template(struct mcp_server *server, const struct mcp_template *template)
{
    json_t *shown = json_pack("{s:s, s:s, s:s*, s:s*, s:s*}", "uriTemplate", template->uri_template,
                              "name", template->name, "title", template->title, "description",
                              template->description, "mimeType", template->mime_type);
    return add(server, KIND_TEMPLATE,
               (struct mcp_row){ template->uri_template, shown, { .template = *template } });
}

enum cht_err mcp_add_prompt(struct mcp_server *server, const struct mcp_prompt *prompt)
{
    json_t *list = prompt->argument_count == 0 ? NULL : json_array();
    for (size_t i = 0; i < prompt->argument_count; i++) {
        const struct mcp_argument *a = &prompt->arguments[i];
        if (json_array_append_new(list,
                                  json_pack("{s:s, s:s*, s:b}", "name", a->name, "description",
                                            a->description, "required", a->required)) != 0) {
            json_decref(list);
            return CHT_E_NOMEM;
        }
    }
    json_t *shown = json_pack("{s:s, s:s*, s:s*, s:o*}", "name", prompt->name, "title",
                              prompt->title, "description", prompt->description, "arguments", list);
    return add(server, KIND_PROMPT, (struct mcp_row){ prompt->name, shown, { .prompt = *prompt } });
}

static enum cht_err take_out(struct mcp_server *server, enum mcp_kind kind, const char *key)
{
    struct mcp_table *table = &server->tables[kind];
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->rows[i].key, key) != 0)
            continue;
        json_decref(table->rows[i].shown);
        table->count--;
        memmove(&table->rows[i], &table->rows[i + 1], (table->count - i) * sizeof table->rows[0]);
        return CHT_OK;
    }
    return CHT_E_NOTFOUND;
}

enum cht_err mcp_remove_tool(struct mcp_server *server, const char *name)
{
    return take_out(server, KIND_TOOL, name);
}

enum cht_err mcp_remove_prompt(struct mcp_server *server, const char *name)
{
    return take_out(server, KIND_PROMPT, name);
}

int64_t mcp_now_ms(const struct mcp_server *server)
{
    struct timespec now = { 0 };
    if (server->config.now_ms != NULL)
        return server->config.now_ms(server->config.user);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

json_t *mcp_implementation(const struct mcp_server *server)
{
    return json_pack("{s:s, s:s*, s:s}", "name", server->config.name, "title", server->config.title,
                     "version", server->config.version);
}

bool mcp_offers(const struct mcp_server *server, enum mcp_list list)
{
    const struct mcp_config *c = &server->config;
    switch (list) {
    case MCP_TOOLS:
        return server->tables[KIND_TOOL].count > 0 || c->list_changed[MCP_TOOLS];
    case MCP_PROMPTS:
        return server->tables[KIND_PROMPT].count > 0 || c->list_changed[MCP_PROMPTS];
    case MCP_RESOURCES:
        return server->tables[KIND_RESOURCE].count > 0 || server->tables[KIND_TEMPLATE].count > 0 ||
               c->more_resources != NULL || c->list_changed[MCP_RESOURCES];
    case MCP_LISTS:
        break;
    }
    return false;
}

static bool completes(const struct mcp_server *server)
{
    const struct mcp_table *prompts = &server->tables[KIND_PROMPT];
    const struct mcp_table *templates = &server->tables[KIND_TEMPLATE];
    for (size_t i = 0; i < prompts->count; i++)
        if (prompts->rows[i].prompt.complete != NULL)
            return true;
    for (size_t i = 0; i < templates->count; i++)
        if (templates->rows[i].template.complete != NULL)
            return true;
    return false;
}

json_t *mcp_capabilities(const struct mcp_server *server)
{
    static const char *const names[MCP_LISTS] = { "tools", "prompts", "resources" };
    const struct mcp_config *c = &server->config;
    json_t *all = json_object();
    int failed = all == NULL;
    for (unsigned list = 0; list < MCP_LISTS && !failed; list++) {
        if (!mcp_offers(server, (enum mcp_list)list))
            continue;
        json_t *one = json_object();
        failed |= json_object_set_new(all, names[list], one);
        if (!failed && c->list_changed[list])
            failed |= json_object_set_new(one, "listChanged", json_true());
        if (!failed && list == MCP_RESOURCES && c->subscribe)
            failed |= json_object_set_new(one, "subscribe", json_true());
    }
    if (!failed && completes(server))
        failed |= json_object_set_new(all, "completions", json_object());
    if (!failed && c->logging)
        failed |= json_object_set_new(all, "logging", json_object());
    if (!failed)
        return all;
    json_decref(all);
    return NULL;
}
