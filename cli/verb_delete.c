/* chitty todo delete … */
#include "cli/change.h"
#include "cli/commands.h"

static enum cht_err run(struct cli_context *c)
{
    const struct cli_change change = {
        .op = cli_flag(c, "undo") != NULL ? NODE_UNDELETE : NODE_DELETE,
        .id = c->args[0],
        .expect = cli_flag(c, "expect"),
    };
    return cli_change(c, &change);
}

static const struct cli_flag flags[] = {
    { "undo", NULL, "bring it back" },
    { "expect", "VERSION", "only if nobody has changed it since (see get)" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_verb_delete = {
    .name = "delete",
    .summary = "Hide one; --undo brings it back.",
    .arguments = "ID",
    .details = "What another machine changes meanwhile is kept, and listed by "
               "`conflicts`.",
    .group = CLI_RECORDS,
    .kind = "change",
    .examples = "chitty todo delete 01HXW3K9\n"
                "chitty todo delete 01HXW3K9 --undo",
    .args_min = 1,
    .args_max = 1,
    .flags = flags,
    .run = run,
};
