/* chitty claude config show|get|set */
#include "bridges/claude/config.h"
#include "cli/base/json.h"
#include "cli/claude.h"

#include <stdlib.h>
#include <unistd.h>

#define HIDDEN "…" /* in place of what may be a secret */

/* --- show ------------------------------------------------------------------------------------ */

/* Does a variable's name say that it is a secret? */
static bool is_secret(const char *name)
{
    static const char *const words[] = { "KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasestr(name, words[i]) != NULL)
            return true;
    }
    return false;
}

static void hide(json_t *all)
{
    json_t *env = json_object_get(all, "env"), *value;
    const char *name;
    void *next;
    json_object_foreach_safe(env, next, name, value)
    {
        if (is_secret(name))
            (void)json_object_set_new(env, name, json_string(HIDDEN));
    }
}

static void put_scope(struct cli_context *c, enum claude_scope scope, const char *path,
                      const json_t *all, bool first)
{
    struct cli_out *out = &c->out;
    if (c->json) {
        cli_printf(out, "%s{\"scope\":\"%s\",\"path\":", first ? "" : ",", claude_scopes[scope]);
        cli_json_text(out, cht_bytes_str(path));
        cli_put_text(out, ",\"settings\":");
        cli_claude_put(c, all, 0);
        cli_put_char(out, '}');
        return;
    }
    cli_put_style(out, CLI_BOLD);
    cli_printf(out, "%s%s: ", first ? "" : "\n", claude_scopes[scope]);
    cli_put_line(out, cht_bytes_str(path));
    cli_put_style(out, CLI_PLAIN);
    cli_put_char(out, '\n');
    cli_claude_put(c, all, 2);
    cli_put_char(out, '\n');
}

static enum cht_err show(struct cli_context *c)
{
    char path[NODE_PATH_MAX];
    bool first = true;
    enum claude_scope only;
    enum cht_err err = cli_claude_scope(c, &only);
    if (c->json) {
        cli_json_begin(&c->out, c->command->kind);
        cli_put_text(&c->out, "{\"files\":[");
    }
    for (unsigned i = 0; err == CHT_OK && i < CLAUDE_SCOPE_COUNT; i++) {
        json_t *all = NULL;
        if (cli_flag(c, "scope") != NULL && only != (enum claude_scope)i)
            continue;
        err = claude_settings_path((enum claude_scope)i, &c->fault, path);
        if (err == CHT_OK)
            err = claude_config_read(path, &c->fault, &all);
        if (err == CHT_E_NOTFOUND) {
            err = CHT_OK;
            continue;
        }
        if (err == CHT_OK) {
            hide(all);
            put_scope(c, (enum claude_scope)i, path, all, first);
            first = false;
        }
        json_decref(all);
    }
    if (err == CHT_OK && c->json) {
        cli_put_text(&c->out, "]}");
        cli_json_end(&c->out);
    } else if (err == CHT_OK && first)
        cli_put_text(&c->out, "there are no settings yet\n");
    return err;
}

/* --- get ------------------------------------------------------------------------------------- */

static json_t *member_at(json_t *all, const struct edit_path *path)
{
    json_t *at = all;
    for (size_t i = 0; at != NULL && i < sizeof path->keys / sizeof path->keys[0]; i++) {
        if (path->keys[i] == NULL)
            break;
        at = json_object_get(at, path->keys[i]);
    }
    return at;
}

static void put_found(struct cli_context *c, enum claude_scope scope, const json_t *value)
{
    if (c->json) {
        cli_json_begin(&c->out, c->command->kind);
        cli_put_text(&c->out, "{\"key\":");
        cli_json_text(&c->out, cht_bytes_str(c->args[1]));
        cli_printf(&c->out, ",\"scope\":\"%s\",\"value\":", claude_scopes[scope]);
        cli_claude_put(c, value, 0);
        cli_put_char(&c->out, '}');
        cli_json_end(&c->out);
        return;
    }
    if (json_is_string(value))
        cli_put_line(&c->out, cht_bytes_str(json_string_value(value)));
    else
        cli_claude_put(c, value, 2);
    cli_put_char(&c->out, '\n');
}

/* The scope that counts most and has it: local, then project, then user. */
static enum cht_err get(struct cli_context *c)
{
    char path[NODE_PATH_MAX], room[CLAUDE_KEY_MAX];
    struct edit_path key;
    enum claude_scope only;
    bool found = false;
    enum cht_err err = cli_claude_scope(c, &only);
    if (err == CHT_OK)
        err = claude_config_key(c->args[1], room, &c->fault, &key);
    for (unsigned i = CLAUDE_SCOPE_COUNT; err == CHT_OK && !found && i-- > 0;) {
        json_t *all = NULL;
        if (cli_flag(c, "scope") != NULL && only != (enum claude_scope)i)
            continue;
        err = claude_settings_path((enum claude_scope)i, &c->fault, path);
        if (err == CHT_OK)
            err = claude_config_read(path, &c->fault, &all);
        const json_t *value = err == CHT_OK ? member_at(all, &key) : NULL;
        if (value != NULL)
            put_found(c, (enum claude_scope)i, value);
        found = value != NULL;
        err = err == CHT_E_NOTFOUND ? CHT_OK : err;
        json_decref(all);
    }
    return err != CHT_OK || found ? err
                                  : node_fault_set(&c->fault, CHT_E_NOTFOUND, cht_bytes(NULL, 0),
                                                   "%.80s is not set", c->args[1]);
}

/* --- set ------------------------------------------------------------------------------------- */

static enum cht_err set(struct cli_context *c)
{
    char path[NODE_PATH_MAX], room[CLAUDE_KEY_MAX];
    struct edit_path key;
    enum claude_scope scope;
    struct claude_plan plan = { 0 };
    const bool print = cli_flag(c, "print") != NULL;
    int lock = -1;
    enum cht_err err = cli_claude_scope(c, &scope);
    if (err == CHT_OK)
        err = claude_config_key(c->args[1], room, &c->fault, &key);
    if (err == CHT_OK)
        err = claude_settings_path(scope, &c->fault, path);
    if (err == CHT_OK && !print)
        err = claude_files_lock(&c->fault, &lock);
    if (err != CHT_OK)
        return err;
    json_t *value = claude_config_word(&key, c->args[2]);
    err = value == NULL ? node_fault_from(&c->fault, CHT_E_NOMEM, NULL)
                        : claude_config_plan(path, &key, value, false, false, &c->fault, &plan);
    if (err == CHT_OK && !print)
        err = claude_plan_do(&plan, &c->fault);
    if (err == CHT_OK && c->json)
        put_found(c, scope, value);
    else if (err == CHT_OK)
        err = cli_claude_tell(c, &plan, !print);
    json_decref(value);
    claude_plan_clear(&plan);
    if (lock >= 0)
        (void)close(lock);
    return err;
}

static enum cht_err run(struct cli_context *c)
{
    static const struct {
        const char *name;
        size_t args;
        enum cht_err (*run)(struct cli_context *c);
    } acts[] = { { "show", 1, show }, { "get", 2, get }, { "set", 3, set } };
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        if (strcmp(c->args[0], acts[i].name) == 0 && c->arg_count == acts[i].args)
            return acts[i].run(c);
    }
    return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                          "what about the settings: show, get KEY or set KEY VALUE?");
}

static const struct cli_flag flags[] = {
    { "scope", "SCOPE", "user, project or local; set means user, get the one that counts" },
    { "print", NULL, "with set: show what would change, and change nothing" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_claude_config = {
    .name = "config",
    .summary = "Look at the settings of Claude Code, or change one.",
    .arguments = "show | get KEY | set KEY VALUE",
    .details = "A key within another is said with dots: `env.EDITOR`. A VALUE that is JSON (a "
               "number, true, a list) is taken as such, else as a text; under `env` it always is "
               "a text. `set` changes this one value: comments, order and all else stay. `show` "
               "hides variables whose names say that they are secrets.",
    .group = CLI_SETUP,
    .kind = "claude-config",
    .pages = true,
    .dashes = true,
    .examples = "chitty claude config show\n"
                "chitty claude config set model claude-sonnet-4\n"
                "chitty claude config set env.CLAUDE_CODE_ENABLE_TODO_TOOLS 1\n"
                "chitty claude config get permissions.allow --json",
    .args_min = 1,
    .args_max = 3,
    .flags = flags,
    .run = run,
};
