/* chitty ls */
#include "cli/base/list.h"
#include "cli/commands.h"

static enum cht_err run(struct cli_context *c)
{
    return cli_list(c, &(struct cli_listing){ .open_only = true });
}

const struct cli_command cli_ls = {
    .name = "ls",
    .summary = "List open todos.",
    .arguments = "[FILTER...]",
    .details = "Open todos are those that are neither completed nor cancelled. Words of a filter "
               "say which: `chitty help filters`.",
    .kind = "@-list",
    .pages = true,
    .examples = "chitty ls\n"
                "chitty ls project:compiler +bug -later due.before:tomorrow lexer\n"
                "chitty ls --all --sort priority,-due --columns id,status,content\n"
                "chitty ls --label compiler --priority high,critical\n"
                "chitty ls --json --fields content,status",
    .args_max = CLI_ARGS_MAX,
    .type = CRDT_TODO,
    .fields = CLI_FIELDS_FILTER,
    .flags = cli_list_flags,
    .run = run,
};
