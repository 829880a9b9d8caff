/* chitty todo get … */
#include "cli/base/comments.h"
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "cli/commands.h"

#include <stdio.h>

struct getting {
    struct cli_context *c;
    char id[CRDT_ID_TEXT_MAX];
};

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct getting *g = ctx;
    struct cli_context *c = g->c;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    if (answer->type != NODE_MSG_STATE_SNAPSHOT || !node_mp_next(&it, NULL, &record))
        return CHT_OK;
    if (!c->json) {
        const struct cht_bytes id = node_mp_get_str(record, "chittyId");
        (void)snprintf(g->id, sizeof g->id, "%.*s", (int)id.len, (const char *)id.data);
    }
    cli_put_document(c, record);
    return CHT_OK;
}

/* How many comments it has, where it has any; it was printed already, so that not knowing is no
 * failure. */
static void put_comments(struct cli_context *c, const char *id)
{
    const struct cht_bytes brief = cli_short_id(cht_bytes_str(id));
    uint64_t count;
    if (cli_count_comments(c, id, &count) != CHT_OK)
        c->fault = (struct node_fault){ 0 };
    else if (count != 0)
        cli_printf(&c->out, "comments        %llu (chitty comments %.*s)\n",
                   (unsigned long long)count, (int)brief.len, (const char *)brief.data);
}

static enum cht_err run(struct cli_context *c)
{
    struct cli_request r;
    struct getting g = { .c = c };
    enum cht_err err = cli_query_titled(c, "get", c->args[0], 0, &r);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, each, &g);
    cli_request_clear(&r);
    if (err == CHT_OK && g.id[0] != '\0' && c->out.terminal)
        put_comments(c, g.id);
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
