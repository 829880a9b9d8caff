/* chitty claude doctor */
#include "bridges/claude/config.h"
#include "bridges/claude/proof.h"
#include "bridges/claude/registration.h"
#include "cli/base/json.h"
#include "cli/claude.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum severity { FINE, NOTE, WARNING, PROBLEM, SEVERITY_COUNT };

static const char *const severities[SEVERITY_COUNT] = { "ok", "note", "warning", "problem" };

struct finding {
    const char *check;
    enum severity severity;
    char text[512];
    const char *remedy;
};

#define FINDINGS_MAX 128u

struct look {
    struct cli_context *c;
    struct finding list[FINDINGS_MAX];
    size_t count, counts[SEVERITY_COUNT];
    json_t *settings[CLAUDE_SCOPE_COUNT]; /* NULL: none */
    json_t *handlers;                     /* of ours, each once */
    bool plugin, server;
};

static void __attribute__((format(printf, 5, 6)))
found(struct look *l, const char *check, enum severity severity, const char *remedy,
      const char *format, ...)
{
    va_list args;
    if (l->count == FINDINGS_MAX)
        return;
    struct finding *f = &l->list[l->count++];
    *f = (struct finding){ .check = check, .severity = severity, .remedy = remedy };
    va_start(args, format);
    (void)vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
    l->counts[severity]++;
}

/* --- reading --------------------------------------------------------------------------------- */

static void add_handler(struct look *l, const json_t *handler)
{
    size_t i;
    json_t *other;
    json_array_foreach(l->handlers, i, other)
    {
        if (json_equal(other, handler))
            return;
    }
    (void)json_array_append(l->handlers, (json_t *)(uintptr_t)handler);
}

static void gather(struct look *l, const json_t *hooks)
{
    const char *event;
    json_t *groups, *group, *handler;
    size_t i, k;
    json_object_foreach((json_t *)(uintptr_t)hooks, event, groups)
    {
        json_array_foreach(groups, i, group)
        {
            json_array_foreach(json_object_get(group, "hooks"), k, handler)
            {
                if (claude_is_hook(handler, NULL))
                    add_handler(l, handler);
            }
        }
    }
}

static void read_settings(struct look *l)
{
    char path[NODE_PATH_MAX];
    struct node_fault fault = { 0 };
    for (unsigned i = 0; i < CLAUDE_SCOPE_COUNT; i++) {
        enum cht_err err = claude_settings_path((enum claude_scope)i, &fault, path);
        if (err == CHT_OK)
            err = claude_config_read(path, &fault, &l->settings[i]);
        if (err == CHT_OK)
            gather(l, json_object_get(l->settings[i], "hooks"));
        else if (err != CHT_E_NOTFOUND)
            found(l, "claude-settings", PROBLEM, "put that right: Claude Code ignores the file",
                  "%s: %s", path, cht_error_text(&fault.error));
        l->plugin = l->plugin ||
                    json_is_true(json_object_get(json_object_get(l->settings[i], "enabledPlugins"),
                                                 CLAUDE_PLUGIN));
    }
}

static void read_servers(struct look *l)
{
    char path[NODE_PATH_MAX], project[NODE_PATH_MAX];
    const bool known = claude_project_dir(NULL, project) == CHT_OK;
    for (unsigned i = 0; i < CLAUDE_SCOPE_COUNT; i++) {
        json_t *all = NULL;
        if (claude_servers_path((enum claude_scope)i, NULL, path) != CHT_OK ||
            claude_config_read(path, NULL, &all) != CHT_OK)
            continue;
        const json_t *local = json_object_get(json_object_get(all, "projects"), project);
        const json_t *in = i == CLAUDE_LOCAL && known ? local : all;
        l->server = l->server || claude_is_server(json_object_get(json_object_get(in, "mcpServers"),
                                                                  CLAUDE_SERVER));
        json_decref(all);
    }
}

/* The value of a setting where it counts most; borrowed, or NULL. */
static const json_t *setting(const struct look *l, const char *key, const char *within)
{
    for (unsigned i = CLAUDE_SCOPE_COUNT; i-- > 0;) {
        const json_t *in =
            within == NULL ? l->settings[i] : json_object_get(l->settings[i], within);
        const json_t *value = json_object_get(in, key);
        if (value != NULL)
            return value;
    }
    return NULL;
}

/* --- looking --------------------------------------------------------------------------------- */

static void look_at_registration(struct look *l)
{
    const size_t count = json_array_size(l->handlers);
    if (count == 0 && !l->plugin)
        found(l, "claude-hooks", PROBLEM, "chitty claude install",
              "no hook of chitty is registered with Claude Code");
    else if (count > 0 && l->plugin)
        found(l, "claude-hooks", WARNING, "chitty claude remove, or disable the plugin",
              "hooks are registered by the settings and by the plugin: each event is told twice");
    else
        found(l, "claude-hooks", FINE, NULL, "hooks are registered by the %s",
              l->plugin ? "plugin" : "settings");
    if (l->server || l->plugin)
        found(l, "claude-server", FINE, NULL, "the MCP server is registered");
    else
        found(l, "claude-server", PROBLEM, "chitty claude install",
              "the MCP server of chitty is not registered with Claude Code");
    const json_t *disabled = setting(l, "disableAllHooks", NULL);
    if (disabled != NULL && json_is_true(disabled))
        found(l, "claude-disabled", PROBLEM, "chitty claude config set disableAllHooks false",
              "the setting disableAllHooks keeps every hook from running");
}

static bool is_on(const char *value)
{
    return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0 &&
           strcasecmp(value, "false") != 0;
}

static void look_at_model(struct look *l)
{
    const char *env = getenv("ANTHROPIC_MODEL");
    const char *set = json_string_value(setting(l, "model", NULL));
    const char *in_env = json_string_value(setting(l, "ANTHROPIC_MODEL", "env"));
    const char *model = in_env != NULL ? in_env : env != NULL && env[0] != '\0' ? env : set;
    const char *tools = json_string_value(setting(l, CLAUDE_TODO_TOOLS, "env"));
    const char *name = model == NULL ? "the default model" : model;
    if (is_on(tools != NULL ? tools : getenv(CLAUDE_TODO_TOOLS)))
        found(l, "claude-todo-tools", FINE, NULL, "tasks that sessions list are asked for in %s",
              CLAUDE_TODO_TOOLS);
    else if (claude_model_lists(model))
        found(l, "claude-todo-tools", FINE, NULL, "%.80s has tools for a list of tasks", name);
    else
        found(l, "claude-todo-tools", NOTE,
              "for the list of Claude Code too: chitty claude config set env." CLAUDE_TODO_TOOLS
              " 1",
              "%.80s has no tools for a list of tasks: its sessions use todos by the MCP server "
              "and the command alone",
              name);
}

static enum cht_err look_at_hooks(struct look *l)
{
    struct claude_proofs *proofs = calloc(1, sizeof *proofs);
    if (l->plugin && json_array_size(l->handlers) == 0) {
        json_t *hooks = claude_hooks_value("chitty");
        gather(l, hooks);
        json_decref(hooks);
    }
    if (proofs == NULL)
        return node_fault_from(&l->c->fault, CHT_E_NOMEM, NULL);
    enum cht_err err = json_array_size(l->handlers) == 0
                           ? CHT_OK
                           : claude_prove(l->handlers, &l->c->fault, proofs);
    for (size_t i = 0; err == CHT_OK && i < proofs->count; i++) {
        const struct claude_proof *p = &proofs->list[i];
        if (p->good)
            found(l, "claude-hook", FINE, NULL, "the hook %s does what it should, in %u ms",
                  p->name, p->ms);
        else
            found(l, "claude-hook", PROBLEM, "chitty claude install", "the hook %s: %s", p->name,
                  p->text);
    }
    free(proofs);
    return err;
}

/* --- telling --------------------------------------------------------------------------------- */

static void put_json(struct cli_out *out, const struct look *l)
{
    cli_json_begin(out, "doctor");
    cli_printf(out, "{\"ok\":%s,\"problems\":%zu,\"warnings\":%zu,\"notes\":%zu,\"findings\":[",
               l->counts[PROBLEM] == 0 ? "true" : "false", l->counts[PROBLEM], l->counts[WARNING],
               l->counts[NOTE]);
    for (size_t i = 0; i < l->count; i++) {
        const struct finding *f = &l->list[i];
        cli_printf(out, "%s{\"check\":\"%s\",\"severity\":\"%s\",\"text\":", i == 0 ? "" : ",",
                   f->check, severities[f->severity]);
        cli_json_text(out, cht_bytes_str(f->text));
        if (f->remedy != NULL) {
            cli_put_text(out, ",\"remedy\":");
            cli_json_text(out, cht_bytes_str(f->remedy));
        }
        cli_put_char(out, '}');
    }
    cli_put_text(out, "]}");
    cli_json_end(out);
}

static void put_text(struct cli_out *out, const struct look *l)
{
    static const enum cli_style styles[SEVERITY_COUNT] = {
        [FINE] = CLI_GREEN, [NOTE] = CLI_PLAIN, [WARNING] = CLI_YELLOW, [PROBLEM] = CLI_RED
    };
    for (unsigned s = SEVERITY_COUNT; s-- > 0;) {
        for (size_t i = 0; i < l->count; i++) {
            const struct finding *f = &l->list[i];
            if (f->severity != (enum severity)s)
                continue;
            cli_put_style(out, styles[s]);
            cli_put_cell(out, cht_bytes_str(severities[s]), 7);
            cli_put_style(out, CLI_PLAIN);
            cli_put_text(out, "  ");
            cli_put_line(out, cht_bytes_str(f->text));
            cli_printf(out, "%s%s\n", f->remedy == NULL ? "" : "\n         ",
                       f->remedy == NULL ? "" : f->remedy);
        }
    }
}

static enum cht_err run(struct cli_context *c)
{
    struct look *l = calloc(1, sizeof *l);
    if (l == NULL || (l->handlers = json_array()) == NULL) {
        free(l);
        return node_fault_from(&c->fault, CHT_E_NOMEM, NULL);
    }
    l->c = c;
    read_settings(l);
    read_servers(l);
    look_at_registration(l);
    look_at_model(l);
    const enum cht_err err = look_at_hooks(l);
    if (err == CHT_OK && c->json)
        put_json(&c->out, l);
    else if (err == CHT_OK)
        put_text(&c->out, l);
    c->failed = err == CHT_OK && l->counts[PROBLEM] > 0;
    for (unsigned i = 0; i < CLAUDE_SCOPE_COUNT; i++)
        json_decref(l->settings[i]);
    json_decref(l->handlers);
    free(l);
    return err;
}

const struct cli_command cli_claude_doctor = {
    .name = "doctor",
    .summary = "Look whether Claude Code and chitty work together; 1 where there is a problem.",
    .arguments = "",
    .details = "Looks whether hooks and MCP server are registered, once; calls each hook as it is "
               "registered, with what Claude Code sends, in a home made for that in /tmp, and "
               "looks whether the records are then what they should be; and tells whether the "
               "model has tools for a list of tasks of its own, with the line that turns them on. "
               "Nothing of yours is changed.",
    .group = CLI_SETUP,
    .kind = "doctor",
    .pages = true,
    .examples = "chitty claude doctor\n"
                "chitty claude doctor --json | jq -r '.data.findings[] | .check + \": \" + .text'",
    .run = run,
};
