/* chitty ready, chitty blocked, chitty next: what can be begun, and what cannot. */
#include "cli/base/claims.h"
#include "cli/base/fields.h"
#include "cli/base/filter.h"
#include "cli/base/here.h"
#include "cli/base/list.h"
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "crdt/limits.h"
#include "node/client/conditions.h"

#define BLOCKED_ORDER "-priority,deadline,created"

static enum cht_err run_ready(struct cli_context *c)
{
    /* without a sort the node gives them in their own order, from an index (LOCAL 4.13) */
    return cli_list(c, &(struct cli_listing){ .is = 1u << NODE_IS_READY });
}

static enum cht_err run_blocked(struct cli_context *c)
{
    return cli_list(c, &(struct cli_listing){ .is = 1u << NODE_IS_BLOCKED, .sort = BLOCKED_ORDER });
}

struct found {
    struct cli_context *c;
    bool any;
};

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct found *f = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    if (answer->type != NODE_MSG_STATE_SNAPSHOT || !node_mp_next(&it, NULL, &record))
        return CHT_OK;
    f->any = true;
    cli_put_document(f->c, record);
    return CHT_OK;
}

/* The first that is ready becomes the caller's. */
static enum cht_err claim_next(struct cli_context *c)
{
    struct cht_buf rest;
    uint32_t pairs = 0;
    char project[CLI_HERE_MAX];
    cht_buf_init(&rest, LIMIT_CLIENT_BYTES);
    enum cht_err err = cli_here(c, true, project);
    if (err == CHT_OK && project[0] != '\0' && !cli_says_project(c))
        cli_field_give(c, "project", project);
    if (err == CHT_OK)
        err = cli_filter_read(c, false, 0, &rest, &pairs);
    if (err == CHT_OK)
        err = cli_claim(c, NULL, &rest, pairs);
    cht_buf_clear(&rest);
    return cli_fail(c, err);
}

/* The first that is ready, whole. */
static enum cht_err run_next(struct cli_context *c)
{
    struct found f = { .c = c };
    struct cht_buf rest;
    uint32_t pairs = 1u + !c->json;
    if (cli_flag(c, "claim") != NULL)
        return claim_next(c);
    cht_buf_init(&rest, LIMIT_CLIENT_BYTES);
    enum cht_err err = cli_filter_read(c, false, 1u << NODE_IS_READY, &rest, &pairs);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&rest, "limit", 1);
    if (err == CHT_OK && !c->json)
        err = node_mp_put_key_bool(&rest, "titles", true);
    if (err == CHT_OK)
        err = cli_list_ask(c, &rest, pairs, each, &f);
    if (err == CHT_OK && !f.any)
        err = node_fault_set(&c->fault, CHT_E_NOTFOUND, cht_bytes(NULL, 0), "nothing is ready");
    cht_buf_clear(&rest);
    return cli_fail(c, err);
}

const struct cli_command cli_ready = {
    .name = "ready",
    .summary = "List todos that can be begun, what matters most first.",
    .arguments = "[FILTER...]",
    .details = "Ready is what is pending, waits for no open todo, is not deferred and held by "
               "nobody (`chitty claims`). The order is "
               "by priority, then deadline, then age.",
    .kind = "@-list",
    .pages = true,
    .examples = "chitty ready\n"
                "chitty ready project:compiler --limit 5",
    .args_max = CLI_ARGS_MAX,
    .type = CRDT_TODO,
    .fields = CLI_FIELDS_FILTER,
    .flags = cli_list_flags,
    .run = run_ready,
};

const struct cli_command cli_blocked = {
    .name = "blocked",
    .summary = "List todos that wait: for another todo, or by their status.",
    .arguments = "[FILTER...]",
    .details = "Blocked is what is not finished, and has the status blocked or depends on a todo "
               "that is open. `chitty show ID` tells on which.",
    .kind = "@-list",
    .pages = true,
    .examples = "chitty blocked\n"
                "chitty blocked assignee:@me --columns id,dependencies,content",
    .args_max = CLI_ARGS_MAX,
    .type = CRDT_TODO,
    .fields = CLI_FIELDS_FILTER,
    .flags = cli_list_flags,
    .run = run_blocked,
};

/* --session is a field of todos, too: of what is chosen, not who claims. */
static const struct cli_flag next_flags[] = {
    { "claim", NULL, "claim it" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_next = {
    .name = "next",
    .summary = "Print the todo to begin with: the first that is ready.",
    .arguments = "[FILTER...]",
    .details =
        "It is the first of `chitty ready`. Where nothing is ready the exit status is 7. With "
        "`--claim` it is claimed at once (as by `chitty claim`), so that of several who ask "
        "each gets another: in the folder of a project (`chitty init`) of that project, unless "
        "the filter names one. Then the JSON document is a claim.",
    .kind = "@",
    .examples = "chitty next\n"
                "chitty next --claim\n"
                "chitty next project:compiler --json",
    .args_max = CLI_ARGS_MAX,
    .type = CRDT_TODO,
    .fields = CLI_FIELDS_FILTER,
    .flags = next_flags,
    .run = run_next,
};
