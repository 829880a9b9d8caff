/* show, of both programs: all live values of an entity, with who wrote them when. */
#include "cli/base/json.h"
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "cli/base/values.h"
#include "cli/commands.h"

static void put_cell(struct cli_out *out, unsigned type, struct cht_bytes titles,
                     struct cht_bytes cell)
{
    const struct cht_bytes name = node_mp_get_str(cell, "field");
    const struct cht_bytes key = node_mp_get(cell, "key");
    const struct crdt_field *field =
        name.len == 0 || type == 0 ? NULL : crdt_field_named(type, name);
    cli_put_style(out, CLI_BOLD);
    if (name.len > 0)
        cli_put_line(out, name);
    else
        cli_printf(out, "field %llu", (unsigned long long)node_mp_get_uint(cell, "number", 0));
    cli_put_style(out, CLI_PLAIN);
    if (key.len > 0) {
        cli_put_char(out, '[');
        cli_put_link(out, key, titles);
        cli_put_char(out, ']');
    }
    cli_put_char(out, '\n');
    cli_put_values(out, field, node_mp_get(cell, "values"), titles);
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record, cell;
    if (answer->type != NODE_MSG_STATE_SNAPSHOT || !node_mp_next(&it, NULL, &record))
        return CHT_OK;
    if (c->json) {
        cli_json_begin(&c->out, "show");
        cli_json_history(&c->out, record);
        cli_json_end(&c->out);
        return CHT_OK;
    }
    cli_put_line(&c->out, node_mp_get_str(record, "chittyId"));
    cli_put_text(&c->out, node_mp_get_bool(record, "deleted") ? "  deleted\n" : "\n");
    cli_put_merged(&c->out, record);
    const unsigned type = cli_record_type(record);
    it = node_mp_iter(node_mp_get(record, "cells"));
    while (node_mp_next(&it, NULL, &cell))
        put_cell(&c->out, type, node_mp_get(record, "titles"), cell);
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    struct cli_request r;
    enum cht_err err = cli_query_titled(c, "show", c->args[0], 0, &r);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_HOME, &r, true, each, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

const struct cli_command cli_show = {
    .name = "show",
    .summary = "Every live value of one, concurrent ones too, with who wrote it and when.",
    .arguments = "ID",
    .details = "Concurrent values are numbered; the one that is shown everywhere else is"
               " marked.",
    .group = CLI_INSPECT,
    .kind = "show",
    .pages = true,
    .examples = "chitty show 01HXW3K9\n"
                "chitty-node show CHITTY-PROJ-4F2KJ5ZK --json",
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
