/* chitty-node role: what a member may do */
#include "cli/base/ruling.h"
#include "cli/commands.h"

static enum cht_err run(struct cli_context *c)
{
    const struct cli_ruling_arg args[] = { { .key = "role", .value = c->args[1] },
                                           { .key = "yes" } };
    return cli_rule(c, "role", args, cli_flag(c, "yes") != NULL ? 2 : 1, " has another role now.");
}

static const struct cli_flag flags[] = {
    { "yes", NULL, "do it to this device itself" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_role = {
    .name = "role",
    .summary = "Give a device another role: admin, writer, reader or relay.",
    .arguments = "DEVICE ROLE",
    .details = "An `admin` may write and manage members, a `writer` may write; a "
               "`reader` and a `relay` are sent everything and write nothing.",
    .group = CLI_DEVICES,
    .kind = "role",
    .examples = "chitty-node role tablet reader\n"
                "chitty-node role desktop admin",
    .args_min = 2,
    .args_max = 2,
    .flags = flags,
    .run = run,
};
