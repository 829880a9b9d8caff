/* checkpoints: where work stood, newest first. */
#include "cli/base/list.h"
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>

#define USUAL 10u /* without a number and without --since */

/* Is the first argument how many? It is taken away then. */
static uint64_t take_count(struct cli_context *c)
{
    char *end = NULL;
    const unsigned long long n = c->arg_count == 0 ? 0 : strtoull(c->args[0], &end, 10);
    if (n == 0 || *end != '\0')
        return 0;
    c->arg_count--;
    memmove(c->args, c->args + 1, c->arg_count * sizeof c->args[0]);
    return n;
}

static enum cht_err run(struct cli_context *c)
{
    const char *since = cli_flag(c, "since");
    const uint64_t count = take_count(c);
    char condition[256];
    if (since != NULL && c->arg_count == CLI_ARGS_MAX)
        return node_fault_set(&c->fault, CHT_E_LIMIT, cht_bytes(NULL, 0), "too many arguments");
    if (since != NULL) {
        (void)snprintf(condition, sizeof condition, "created.from:%s", since);
        c->args[c->arg_count] = condition;
        c->arg_count++;
    }
    const uint64_t usual = since == NULL ? USUAL : 0;
    return cli_list(
        c, &(struct cli_listing){ .sort = "-created", .limit = count == 0 ? usual : count });
}

static const struct cli_flag flags[] = {
    { "since", "TIME", "those made since then" },
    { "all", NULL, "finished ones too" },
    { "deleted", NULL, "deleted ones too" },
    { "fields", "NAME,…", "only these fields (with --json)" },
    { "columns", "NAME,…", "what each line shows: id and fields" },
    { "sort", "FIELD,…", "by these fields; -FIELD downwards" },
    { "limit", "N", "at most so many" },
    { "count", NULL, "print only how many there are" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_checkpoints = {
    .name = "checkpoints",
    .summary = "Where work stood, newest first.",
    .arguments = "[N] [FILTER…]",
    .details = "The last ten, the last N, or with --since those made since then.",
    .kind = "@-list",
    .pages = true,
    .examples = "chitty checkpoints 5\n"
                "chitty checkpoints --since yesterday\n"
                "chitty checkpoints project:compiler --since \"last monday\" --json",
    .args_max = CLI_ARGS_MAX,
    .type = CRDT_CHECKPOINT,
    .fields = CLI_FIELDS_FILTER,
    .flags = flags,
    .run = run,
};
