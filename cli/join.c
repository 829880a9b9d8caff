/* chitty-node join */
#include "cli/commands.h"
#include "cli/request.h"
#include "cli/tree.h"

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    if (answer->type == NODE_MSG_EVENT)
        cli_put_progress(answer);
    if (answer->type == NODE_MSG_ACK)
        cli_put_result(ctx, "join", answer);
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    const char *at = cli_flag(c, "at");
    const char *mode = cli_flag(c, "bring") != NULL       ? "bring"
                       : cli_flag(c, "keep-both") != NULL ? "keep-both"
                                                          : NULL;
    struct cli_request r;
    if (cli_flag(c, "bring") != NULL && cli_flag(c, "keep-both") != NULL)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                              "--bring and --keep-both exclude each other");
    enum cht_err err = cli_request_begin(c, NODE_MSG_COMMAND, &r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&r.message, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "name", "join");
    if (err == CHT_OK)
        err = node_mp_put_text(&r.message, "args");
    if (err == CHT_OK)
        err = crdt_mp_put_map(&r.message, 1 + (at != NULL ? 1u : 0u) + (mode != NULL ? 1u : 0u));
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "ticket", c->args[0]);
    if (err == CHT_OK && at != NULL)
        err = node_mp_put_key_text(&r.message, "at", at);
    if (err == CHT_OK && mode != NULL)
        err = node_mp_put_key_text(&r.message, "mode", mode);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, false, each, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

static const struct cli_flag flags[] = {
    { "at", "HOST:PORT", "where the inviting machine is, if not where the ticket says" },
    { "bring", NULL, "bring what is here along into the other space" },
    { "keep-both", NULL, "keep what is here as a space of its own" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_join = {
    .name = "join",
    .summary = "Join the space of the device that gave the ticket.",
    .arguments = "TICKET",
    .examples = "chitty-node join chitty1-…\n"
                "chitty-node join chitty1-… --bring --at desktop.local:7400",
    .args_min = 1,
    .args_max = 1,
    .flags = flags,
    .run = run,
};
