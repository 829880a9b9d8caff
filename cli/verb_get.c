/* chitty todo get … */
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/record.h"
#include "cli/request.h"

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    if (answer->type != NODE_MSG_STATE_SNAPSHOT || !node_mp_next(&it, NULL, &record))
        return CHT_OK;
    if (!c->json) {
        cli_put_record(&c->out, record);
        return CHT_OK;
    }
    cli_json_begin(&c->out, crdt_type_table(c->type));
    cli_json_record(&c->out, record);
    cli_json_end(&c->out);
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    struct cli_request r;
    enum cht_err err = cli_query(c, "get", c->args[0], 0, &r);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, each, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

const struct cli_command cli_verb_get = {
    .name = "get",
    .summary = "Print one with all its fields.",
    .arguments = "ID",
    .group = CLI_RECORDS,
    .kind = "@",
    .pages = true,
    .examples = "chitty todo get 01HXW3K9\n"
                "chitty project get PROJ-4F2KJ5ZK --json",
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
