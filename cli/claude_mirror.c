/* chitty claude mirror */
#include "bridges/claude/mirror.h"
#include "cli/base/json.h"
#include "cli/claude.h"

#include <stdlib.h>

static void tell(struct cli_context *c, const struct mirror *m)
{
    const struct mirror_counts *n = &m->counts;
    if (c->json) {
        cli_json_begin(&c->out, c->command->kind);
        cli_put_text(&c->out, "{\"folder\":");
        cli_json_text(&c->out, cht_bytes_str(m->list.folder));
        cli_printf(&c->out,
                   ",\"todosMade\":%u,\"todosChanged\":%u,\"filesMade\":%u,\"filesChanged\":%u,"
                   "\"filesRemoved\":%u}",
                   n->todos_made, n->todos_changed, n->files_made, n->files_changed,
                   n->files_removed);
        cli_json_end(&c->out);
        return;
    }
    cli_printf(&c->out, "todos: %u made, %u changed; files: %u made, %u changed, %u removed\n",
               n->todos_made, n->todos_changed, n->files_made, n->files_changed, n->files_removed);
}

static enum cht_err run(struct cli_context *c)
{
    struct mirror_options options = { .list = cli_flag(c, "list") };
    struct mirror *m = calloc(1, sizeof *m);
    uint64_t pid = 0;
    const bool once = cli_flag(c, "once") != NULL;
    if (m == NULL)
        return node_fault_from(&c->fault, CHT_E_NOMEM, NULL);
    enum cht_err err = cli_flag_uint(c, "pid", 1, INT32_MAX, 0, &pid);
    options.pid = (pid_t)pid;
    if (err == CHT_OK)
        err = mirror_open(&options, &c->fault, m);
    if (err == CHT_OK) {
        err = once ? mirror_once(m) : mirror_run(m, &options);
        if (err != CHT_OK && agent_fault(m->agent)->error.code == err)
            c->fault = *agent_fault(m->agent);
        else if (err != CHT_OK)
            (void)node_fault_from(&c->fault, err, NULL);
    }
    if (err == CHT_OK && once)
        tell(c, m);
    mirror_close(m);
    free(m);
    return err;
}

static const struct cli_flag flags[] = {
    { "list", "NAME", "the list, as in CLAUDE_CODE_TASK_LIST_ID; else the session's own" },
    { "once", NULL, "make both equal, and end" },
    { "pid", "N", "end with this process; else with that of CLAUDE_PID" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_claude_mirror = {
    .name = "mirror",
    .summary = "Keep a list of Claude Code's own tasks equal with the todos.",
    .arguments = "",
    .details = "What a session writes into its list of tasks becomes todos, and todos appear in "
               "the list: of a list with a name those of the project that are open, of a session's "
               "own those of the session. Files are written under the locks of Claude Code; keys "
               "that it put there stay. A file that is gone deletes nothing: Claude Code removes "
               "what is done. A todo is deleted when a session deletes its task, which its hook "
               "tells, or at the list.\n"
               "\n"
               "Runs until it gets SIGTERM or the process ends that it belongs to; sleeps while "
               "nothing happens. A second one of the same list ends at once. Where its models have "
               "tools for tasks, a session started with hooks has one.",
    .group = CLI_SETUP,
    .kind = "claude-mirror",
    .examples = "chitty claude mirror --list work\n"
                "chitty claude mirror --list work --once --json",
    .flags = flags,
    .run = run,
};
