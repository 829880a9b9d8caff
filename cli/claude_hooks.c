/* chitty claude hooks list */
#include "bridges/claude/config.h"
#include "bridges/claude/registration.h"
#include "cli/base/json.h"
#include "cli/claude.h"

#include <stdio.h>

struct listing {
    struct cli_context *c;
    const char *scope, *event, *matcher;
    size_t rows;
};

/* What a handler runs: a command line, an address, a tool. */
static void command_of(const json_t *handler, char *out, size_t size)
{
    static const char *const names[] = { "command", "url", "prompt", "tool" };
    const char *text = NULL;
    for (size_t i = 0; text == NULL && i < sizeof names / sizeof names[0]; i++)
        text = json_string_value(json_object_get(handler, names[i]));
    const json_t *args = json_object_get(handler, "args");
    (void)snprintf(out, size, "%s", text == NULL ? "" : text);
    for (size_t i = 0; i < json_array_size(args); i++) {
        const char *arg = json_string_value(json_array_get(args, i));
        const size_t len = strlen(out);
        (void)snprintf(out + len, size - len, " %s", arg == NULL ? "" : arg);
    }
}

static void put_handler(struct listing *l, const json_t *handler)
{
    struct cli_out *out = &l->c->out;
    char command[512];
    const bool ours = claude_is_hook(handler, NULL);
    const char *type = json_string_value(json_object_get(handler, "type"));
    command_of(handler, command, sizeof command);
    if (l->c->json) {
        const char *const texts[][2] = {
            { "\"event\":", l->event },
            { ",\"matcher\":", l->matcher },
            { ",\"type\":", type == NULL ? "" : type },
            { ",\"command\":", command },
            { ",\"scope\":", l->scope },
        };
        cli_put_text(out, l->rows == 0 ? "{" : ",{");
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            cli_put_text(out, texts[i][0]);
            cli_json_text(out, cht_bytes_str(texts[i][1]));
        }
        cli_printf(out, ",\"ours\":%s}", ours ? "true" : "false");
    } else {
        cli_put_cell(out, cht_bytes_str(l->event), 17);
        cli_put_text(out, "  ");
        cli_put_cell(out, cht_bytes_str(l->matcher), 24);
        cli_printf(out, "  %-7s  %s ", l->scope, ours ? "*" : " ");
        cli_put_line(out, cht_bytes_str(command));
        cli_put_char(out, '\n');
    }
    l->rows++;
}

static void put_settings(struct listing *l, json_t *all)
{
    json_t *groups, *group, *handler;
    size_t i, k;
    json_object_foreach(json_object_get(all, "hooks"), l->event, groups)
    {
        json_array_foreach(groups, i, group)
        {
            const char *matcher = json_string_value(json_object_get(group, "matcher"));
            l->matcher = matcher == NULL ? "" : matcher;
            json_array_foreach(json_object_get(group, "hooks"), k, handler) put_handler(l, handler);
        }
    }
}

static enum cht_err run(struct cli_context *c)
{
    struct listing l = { .c = c };
    char path[NODE_PATH_MAX];
    enum cht_err err = CHT_OK;
    if (strcmp(c->args[0], "list") != 0)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                              "what about the hooks: list?");
    if (c->json) {
        cli_json_begin(&c->out, c->command->kind);
        cli_put_char(&c->out, '[');
    }
    for (unsigned i = 0; err == CHT_OK && i < CLAUDE_SCOPE_COUNT; i++) {
        json_t *all = NULL;
        l.scope = claude_scopes[i];
        err = claude_settings_path((enum claude_scope)i, &c->fault, path);
        if (err == CHT_OK)
            err = claude_config_read(path, &c->fault, &all);
        if (err == CHT_OK)
            put_settings(&l, all);
        json_decref(all);
        err = err == CHT_E_NOTFOUND ? CHT_OK : err;
    }
    if (err == CHT_OK && c->json) {
        cli_put_char(&c->out, ']');
        cli_json_end(&c->out);
    } else if (err == CHT_OK && l.rows == 0)
        cli_put_text(&c->out, "there are no hooks: chitty claude install\n");
    return err;
}

const struct cli_command cli_claude_hooks = {
    .name = "hooks",
    .summary = "List the hooks that Claude Code runs here; * marks ours.",
    .arguments = "list",
    .details = "Those of your settings, of the project's and of your own for the project. Hooks "
               "of plugins and of managed settings are not among them.",
    .group = CLI_SETUP,
    .kind = "claude-hook-list",
    .pages = true,
    .examples = "chitty claude hooks list\n"
                "chitty claude hooks list --json | jq -r '.data[] | select(.ours) | .event'",
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
