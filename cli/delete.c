/* delete and undelete: records of any type by their ids. */
#include "cli/base/change.h"
#include "cli/commands.h"

static enum cht_err run(struct cli_context *c)
{
    struct cli_ids ids = { 0 };
    const enum node_change_op op = c->command == &cli_undelete ? NODE_UNDELETE : NODE_DELETE;
    enum cht_err err = cli_ids_read(c, 0, &ids);
    if (err == CHT_OK)
        err = cli_change_all(c, op, ids.list, ids.count, cht_bytes(NULL, 0));
    cli_ids_clear(&ids);
    return err;
}

static const struct cli_flag flags[] = {
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_delete = {
    .name = "delete",
    .summary = "Hide records of any type.",
    .arguments = "ID…|-",
    .details = "What another machine changes meanwhile is kept, and listed by `conflicts`.",
    .group = CLI_RECORDS,
    .kind = "change",
    .examples = "chitty delete 01HXW3K9\n"
                "chitty ls -o name --status cancelled | chitty delete -",
    .args_min = 1,
    .args_max = CLI_ARGS_MAX,
    .flags = flags,
    .run = run,
};

const struct cli_command cli_undelete = {
    .name = "undelete",
    .summary = "Bring hidden records back.",
    .arguments = "ID…|-",
    .group = CLI_RECORDS,
    .kind = "change",
    .examples = "chitty undelete 01HXW3K9",
    .args_min = 1,
    .args_max = CLI_ARGS_MAX,
    .flags = flags,
    .run = run,
};
