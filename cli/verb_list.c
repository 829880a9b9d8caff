/* chitty todo list, chitty topic list … */
#include "cli/base/list.h"
#include "cli/commands.h"

static enum cht_err run(struct cli_context *c)
{
    return cli_list(c, &(struct cli_listing){ .open_only = true });
}

const struct cli_command cli_verb_list = {
    .name = "list",
    .summary = "List them: those not finished, or --all.",
    .arguments = "[FILTER...]",
    .details = "Words of a filter say which: `chitty help filters`. A field's flag asks for "
               "records with that value; several values, given "
               "by several flags or (words and ids) with commas, mean any of them; an "
               "empty one means those without a value.",
    .group = CLI_RECORDS,
    .kind = "@-list",
    .pages = true,
    .examples = "chitty todo list status:blocked assignee:@me\n"
                "chitty todo list --status blocked\n"
                "chitty project list --all\n"
                "chitty session list --project PROJ-4F2KJ5ZK --json",
    .args_max = CLI_ARGS_MAX,
    .fields = CLI_FIELDS_FILTER,
    .flags = cli_list_flags,
    .run = run,
};
