/* chitty done */
#include "cli/change.h"
#include "cli/commands.h"

static enum cht_err run(struct cli_context *c)
{
    return cli_change_status(c, c->args, c->arg_count, "completed");
}

const struct cli_command cli_done = {
    .name = "done",
    .summary = "Complete todos, all of them or none.",
    .arguments = "ID…",
    .kind = "change",
    .examples = "chitty done 01HXW3K9\n"
                "chitty done TODO-01HXW3K9 TODO-4F2KJ5ZK",
    .args_min = 1,
    .args_max = NODE_BATCH_MAX,
    .type = CRDT_TODO,
    .run = run,
};
