/* chitty-node status */
#include "cli/commands.h"
#include "cli/tree.h"

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    if (answer->type == NODE_MSG_ACK)
        cli_put_result(ctx, "status", answer);
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    return cli_ask_plain(c, "status", CLI_REACH_HOME, each);
}

const struct cli_command cli_status = {
    .name = "status",
    .summary = "Device, space, state root, vector, counts, peers, what waits.",
    .arguments = "",
    .examples = "chitty-node status\n"
                "chitty-node status --json",
    .args_max = 0,
    .run = run,
};
