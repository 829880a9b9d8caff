/* chitty ls */
#include "cli/commands.h"
#include "cli/list.h"

static enum cht_err run(struct cli_context *c)
{
    return cli_list(c, true);
}

const struct cli_command cli_ls = {
    .name = "ls",
    .summary = "List open todos.",
    .arguments = "",
    .details = "Open todos are those that are neither completed nor cancelled.",
    .kind = "@-list",
    .pages = true,
    .examples = "chitty ls\n"
                "chitty ls --all --sort -deadline\n"
                "chitty ls --label compiler --priority high,critical\n"
                "chitty ls --json --fields content,status",
    .args_max = 0,
    .type = CRDT_TODO,
    .fields = CLI_FIELDS_FILTER,
    .flags = cli_list_flags,
    .run = run,
};
