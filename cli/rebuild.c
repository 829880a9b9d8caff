/* chitty-node rebuild */
#include "cli/base/result.h"
#include "cli/commands.h"

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    if (answer->type == NODE_MSG_EVENT)
        cli_put_progress(answer);
    if (answer->type == NODE_MSG_ACK)
        cli_put_result(ctx, "rebuild", answer);
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    return cli_ask_plain(c, "rebuild", CLI_REACH_HOME, each);
}

const struct cli_command cli_rebuild = {
    .name = "rebuild",
    .summary = "Make the state anew from the log.",
    .arguments = "",
    .group = CLI_SETUP,
    .kind = "rebuild",
    .examples = "chitty-node rebuild\n"
                "chitty-node rebuild --json",
    .args_max = 0,
    .run = run,
};
