/* chitty claude track enable|disable|sync */
#include "bridges/claude/files.h"
#include "bridges/claude/prefs.h"
#include "cli/base/json.h"
#include "cli/claude.h"

#include <unistd.h>

static void tell(struct cli_context *c, const struct claude_prefs *p)
{
    struct cli_out *out = &c->out;
    if (c->json) {
        cli_json_begin(out, c->command->kind);
        cli_printf(out, "{\"intake\":%s,\"autoCheckpoint\":%s,\"notion\":false}",
                   p->intake ? "true" : "false", p->auto_checkpoint ? "true" : "false");
        cli_json_end(out);
        return;
    }
    cli_printf(out,
               "tasks of sessions become todos: %s\n"
               "a compaction makes a checkpoint: %s\n",
               p->intake ? "yes" : "no", p->auto_checkpoint ? "yes" : "no");
}

static enum cht_err turn(struct cli_context *c, bool on)
{
    const struct claude_prefs p = { .intake = on, .auto_checkpoint = on };
    int lock = -1;
    enum cht_err err = claude_files_lock(&c->fault, &lock);
    if (err == CHT_OK)
        err = claude_prefs_write(&p, &c->fault);
    if (err == CHT_OK)
        tell(c, &p);
    if (lock >= 0)
        (void)close(lock);
    return err;
}

static enum cht_err run(struct cli_context *c)
{
    const char *what = c->args[0];
    struct claude_prefs p;
    if (strcmp(what, "enable") == 0 || strcmp(what, "disable") == 0)
        return turn(c, what[0] == 'e');
    if (strcmp(what, "sync") != 0)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                              "what about tracking: enable, disable or sync?");
    claude_prefs_read(&p);
    tell(c, &p);
    if (!c->json)
        cli_put_text(&c->out,
                     "Your devices exchange todos by themselves, as soon as they are made: there "
                     "is nothing to start.\n"
                     "Nothing was sent to Notion: this version does not speak with it yet.\n");
    return CHT_OK;
}

const struct cli_command cli_claude_track = {
    .name = "track",
    .summary = "Whether sessions on this machine feed the todos by themselves.",
    .arguments = "enable | disable | sync [REMOTE…]",
    .details = "`enable` and `disable` say whether tasks that a session lists become todos, and "
               "whether a compaction makes a checkpoint; both do where nothing was said. The "
               "tools of the MCP server work either way. `sync` tells how that is. Todos are not "
               "sent to Notion or other services yet.",
    .group = CLI_SETUP,
    .kind = "claude-track",
    .examples = "chitty claude track enable\n"
                "chitty claude track sync",
    .args_min = 1,
    .args_max = 3,
    .run = run,
};
