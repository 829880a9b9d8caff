/* chitty-node stop */
#include "cli/base/result.h"
#include "cli/commands.h"

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    if (answer->type == NODE_MSG_ACK && c->json)
        cli_put_result(c, "stop", answer);
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    /* Stopping must not start one. */
    enum cht_err err = cli_backend_dial(CLI_REACH_HOME, &c->fault, &c->backend);
    return err != CHT_OK ? err : cli_ask_plain(c, "stop", CLI_REACH_NODE, each);
}

const struct cli_command cli_stop = {
    .name = "stop",
    .summary = "End the running node.",
    .arguments = "",
    .group = CLI_SETUP,
    .kind = "stop",
    .examples = "chitty-node stop",
    .args_max = 0,
    .run = run,
};
