/* chitty claude install, chitty claude remove */
#include "cli/claude.h"

#include <unistd.h>

#define TRIES 5u /* while other programs change the same files */

/* What a person does after it. */
static void tell_next(struct cli_context *c, const struct claude_plan *plan)
{
    bool any = false;
    for (size_t i = 0; i < plan->count; i++)
        any = any || plan->steps[i].changes;
    if (any && !c->json && c->out.terminal)
        cli_put_text(&c->out, "\nSessions of Claude Code that start from now on share todos; "
                              "chitty claude doctor looks whether they do.\n");
}

static enum cht_err act(struct cli_context *c, const struct claude_wish *wish, bool print)
{
    int lock = -1;
    struct claude_plan plan = { 0 };
    enum cht_err err = print ? CHT_OK : claude_files_lock(&c->fault, &lock);
    if (err != CHT_OK)
        return err;
    for (unsigned tries = 0; tries < TRIES; tries++) {
        claude_plan_clear(&plan);
        err = claude_plan_make(wish, &c->fault, &plan);
        if (err == CHT_OK && !print)
            err = claude_plan_do(&plan, &c->fault);
        if (err != CHT_E_CONFLICT)
            break;
    }
    if (err == CHT_OK)
        err = cli_claude_tell(c, &plan, !print);
    if (err == CHT_OK && !print && !wish->remove)
        tell_next(c, &plan);
    claude_plan_clear(&plan);
    if (lock >= 0)
        (void)close(lock);
    return err;
}

static enum cht_err change(struct cli_context *c, bool remove)
{
    struct claude_wish wish = { .remove = remove };
    enum cht_err err = cli_claude_scope(c, &wish.scope);
    wish.plugin = !remove && cli_flag(c, "plugin") != NULL;
    return err == CHT_OK ? act(c, &wish, cli_flag(c, "print") != NULL) : err;
}

static enum cht_err install(struct cli_context *c)
{
    return change(c, false);
}

static enum cht_err uninstall(struct cli_context *c)
{
    return change(c, true);
}

static const struct cli_flag install_flags[] = {
    { "print", NULL, "show what would change, and change nothing" },
    { "scope", "SCOPE", "user (all your projects), project (shared) or local (this one, yours)" },
    { "plugin", NULL, "register the plugin instead of hooks and MCP server" },
    { NULL, NULL, NULL },
};

static const struct cli_flag remove_flags[] = {
    { "print", NULL, "show what would change, and change nothing" },
    { "scope", "SCOPE", "user (all your projects), project (shared) or local (this one, yours)" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_claude_install = {
    .name = "install",
    .summary = "Let Claude Code share todos: hooks in its settings, and the MCP server.",
    .arguments = "",
    .details = "Shows the exact changes as a unified diff, and makes them. What is put in stands "
               "before what was there: comments, order, unknown keys and the hooks of others "
               "stay as they are, byte for byte. Doing it again changes nothing. Instruction "
               "files (CLAUDE.md) are not touched.\n"
               "\n"
               "Hooks go to `settings.json` of ~/.claude or CLAUDE_CONFIG_DIR, with `--scope "
               "project` to .claude/settings.json of the project and with `--scope local` to its "
               "settings.local.json; the MCP server to .claude.json, or to .mcp.json of the "
               "project. .claude.json holds credentials: lines of others are not shown. Sessions "
               "that run already see the hooks after their next start.",
    .group = CLI_SETUP,
    .kind = "claude-files",
    .pages = true,
    .examples = "chitty claude install --print\n"
                "chitty claude install\n"
                "chitty claude install --scope project",
    .flags = install_flags,
    .run = install,
};

const struct cli_command cli_claude_remove = {
    .name = "remove",
    .summary = "Take out of Claude Code's files what install put in.",
    .arguments = "",
    .details = "Files that nobody changed since are then what they were, byte for byte; of files "
               "that were changed only ours goes. A file that install made goes with it, unless "
               "something of others is in it by now.",
    .group = CLI_SETUP,
    .kind = "claude-files",
    .pages = true,
    .examples = "chitty claude remove --print\n"
                "chitty claude remove",
    .flags = remove_flags,
    .run = uninstall,
};
