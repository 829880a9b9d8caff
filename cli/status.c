/* chitty-node status */
#include "cli/base/result.h"
#include "cli/commands.h"

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
    .details = "Device, space, state root, vector, counts, peers, what waits for "
               "something else, and how many changes are kept but void. While the disk "
               "is full or fails, `readOnly` says since when and what to do; changes are"
               " refused until the node can write again, which it notices by itself.",
    .group = CLI_INSPECT,
    .kind = "status",
    .pages = true,
    .examples = "chitty-node status\n"
                "chitty-node status --json",
    .args_max = 0,
    .run = run,
};
