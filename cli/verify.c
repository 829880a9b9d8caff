/* chitty-node verify */
#include "cli/base/result.h"
#include "cli/commands.h"

/* Whatever was found, the report is printed; problems are the command's failure. */
static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    if (answer->type == NODE_MSG_EVENT)
        cli_put_progress(answer);
    if (answer->type != NODE_MSG_ACK)
        return CHT_OK;
    cli_put_result(c, "verify", answer);
    const struct cht_bytes result = node_mp_get(answer->payload, "result");
    if (node_mp_get_bool(result, "ok"))
        return CHT_OK;
    const uint64_t count = node_mp_count(node_mp_get(result, "problems"));
    (void)node_fault_set(&c->fault, CHT_E_CORRUPT, cht_bytes(NULL, 0), "%llu problem%s found",
                         (unsigned long long)count, count == 1 ? "" : "s");
    node_fault_hint(&c->fault, "chitty-node rebuild makes the state anew from the log");
    return CHT_E_CORRUPT;
}

static enum cht_err run(struct cli_context *c)
{
    return cli_ask_plain(c, "verify", CLI_REACH_HOME, each);
}

const struct cli_command cli_verify = {
    .name = "verify",
    .summary = "Check every chain, signature and row of the store.",
    .arguments = "",
    .details = "Checks every hash, chain and signature of the log, and the tables "
               "against it. Exits with status 1 where there is a problem.",
    .group = CLI_INSPECT,
    .kind = "verify",
    .examples = "chitty-node verify\n"
                "chitty-node verify --json",
    .args_max = 0,
    .run = run,
};
