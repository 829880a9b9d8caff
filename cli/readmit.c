/* chitty-node readmit: a device that was revoked is a member again */
#include "cli/base/ruling.h"
#include "cli/commands.h"

static enum cht_err run(struct cli_context *c)
{
    const char *role = cli_flag(c, "role");
    const struct cli_ruling_arg args[] = { { .key = "role", .value = role } };
    return cli_rule(c, "readmit", args, role == NULL ? 0 : 1, " is a member again.");
}

static const struct cli_flag flags[] = {
    { "role", "ROLE",
      "admin, writer, reader or relay; the one it was admitted with, if not given" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_readmit = {
    .name = "readmit",
    .summary = "Let a revoked device be a member again; what was void stays void.",
    .arguments = "DEVICE",
    .details = "With the role it was admitted with or with that of `--role`. What it "
               "writes from now on counts.",
    .group = CLI_DEVICES,
    .kind = "readmit",
    .examples = "chitty-node readmit laptop\n"
                "chitty-node readmit laptop --role writer",
    .args_min = 1,
    .args_max = 1,
    .flags = flags,
    .run = run,
};
