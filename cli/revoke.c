/* chitty-node revoke: a device is no member any more */
#include "cli/base/fields.h"
#include "cli/base/ruling.h"
#include "cli/commands.h"

static enum cht_err run(struct cli_context *c)
{
    const bool lost = cli_flag(c, "lost") != NULL, bad = cli_flag(c, "compromised") != NULL;
    const char *before = cli_flag(c, "before");
    struct cli_ruling_arg args[4] = { { .key = "why", .value = bad ? "compromised" : "lost" } };
    uint32_t count = 1;
    uint64_t until_ms = 0;
    if (lost == bad) {
        node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("why"),
                       "say how: --lost or --compromised");
        node_fault_hint(&c->fault, "what the device wrote and nobody here had yet is void; of "
                                   "several who revoke at once, --lost keeps what any of them had");
        return CHT_E_INVALID;
    }
    if (before != NULL) {
        enum cht_err err =
            cli_date_take(c, "before", cht_bytes_str(before), CLI_DAY_START, &until_ms);
        if (err != CHT_OK)
            return err;
        args[count++] = (struct cli_ruling_arg){ .key = "before", .number = until_ms };
    }
    if (cli_flag(c, "raise") != NULL)
        args[count++] = (struct cli_ruling_arg){ .key = "raise" };
    if (cli_flag(c, "yes") != NULL)
        args[count++] = (struct cli_ruling_arg){ .key = "yes" };
    return cli_rule(c, "revoke", args, count,
                    bad ? " is revoked as compromised." : " is revoked as lost.");
}

static const struct cli_flag flags[] = {
    { "lost", NULL, "it is gone: what any admin had of it stays" },
    { "compromised", NULL, "somebody else may have used it: what all admins had of it stays" },
    { "before", "TIME",
      "keep only what it wrote before; of one revoked already, move the cut-off" },
    { "raise", NULL, "it is revoked already: keep what has come of it since, too" },
    { "yes", NULL, "do it to this device itself" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_revoke = {
    .name = "revoke",
    .summary = "Take a device out of the space; what it writes from now on is void.",
    .arguments = "DEVICE",
    .details = "On an admin's device. What the device wrote and this one has stays; "
               "everything else of it is void: kept and passed on, but it has no effect.\n"
               "\n"
               "Where several admins revoke a device at once: with `--lost` what any of "
               "them had of it stays, with `--compromised` what all of them had. "
               "`--before` keeps of what this device has of it only that which it wrote "
               "before; of one that is revoked already it moves the cut-off. The times "
               "are those that the device gave.",
    .group = CLI_DEVICES,
    .kind = "revoke",
    .examples = "chitty-node revoke laptop --lost\n"
                "chitty-node revoke 3f9a01c2 --compromised --before yesterday",
    .args_min = 1,
    .args_max = 1,
    .flags = flags,
    .run = run,
};
