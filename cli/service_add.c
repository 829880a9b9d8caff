/* chitty service add */
#include "cli/base/change.h"
#include "cli/commands.h"

static enum cht_err run(struct cli_context *c)
{
    const struct cli_change change = { .op = NODE_UPSERT, .title = c->args[0], .with_data = true };
    return cli_change(c, &change);
}

static const struct cli_flag flags[] = {
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_service_add = {
    .name = "add",
    .summary = "Make a service known by its name, or change what is known of it.",
    .arguments = "NAME",
    .details = "A service is known by its name, whatever machine says it. One that has a "
               "`--check-url` is asked by every machine of the space that runs "
               "`chitty-observe`, by HTTP, every `--check-every` seconds (60; at least 5), and "
               "has `--check-timeout` milliseconds (5000) to answer. 2xx is healthy; 2xx after "
               "more than half of that time, 3xx to another host, and 4xx are degraded; 5xx and "
               "no answer are down. What is worse than before is asked again before it is said.",
    .group = CLI_RECORDS,
    .kind = "change",
    .examples = "chitty service add api --check-url https://api.example.org/health\n"
                "chitty service add api --check-every 300",
    .args_min = 1,
    .args_max = 1,
    .type = CRDT_SERVICE,
    .fields = CLI_FIELDS_WRITE,
    .flags = flags,
    .run = run,
};
