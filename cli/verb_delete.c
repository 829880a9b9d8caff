/* chitty todo delete … */
#include "cli/base/change.h"
#include "cli/commands.h"

static enum cht_err run(struct cli_context *c)
{
    const struct cli_change change = {
        .op = cli_flag(c, "undo") != NULL ? NODE_UNDELETE : NODE_DELETE,
        .id = c->args[0],
        .expect = cli_flag(c, "expect"),
    };
    struct cli_ids ids = { 0 };
    if (c->arg_count == 1 && strcmp(c->args[0], "-") != 0)
        return cli_change(c, &change);
    if (change.expect != NULL)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("expect"),
                              "--expect is of one record: name only that one");
    enum cht_err err = cli_ids_read(c, 0, &ids);
    if (err == CHT_OK)
        err = cli_change_all(c, change.op, ids.list, ids.count, cht_bytes(NULL, 0));
    cli_ids_clear(&ids);
    return err;
}

static const struct cli_flag flags[] = {
    { "undo", NULL, "bring it back" },
    { "expect", "VERSION", "only if nobody has changed it since (see get)" },
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_verb_delete = {
    .name = "delete",
    .summary = "Hide records; --undo brings them back.",
    .arguments = "ID…|-",
    .details = "What another machine changes meanwhile is kept, and listed by "
               "`conflicts`.",
    .group = CLI_RECORDS,
    .kind = "change",
    .examples = "chitty todo delete 01HXW3K9\n"
                "chitty todo delete 01HXW3K9 --undo",
    .args_min = 1,
    .args_max = CLI_ARGS_MAX,
    .flags = flags,
    .run = run,
};
