/* chitty attachments: what is attached to a record, concurrent ones of one name side by side. */
#include "cli/base/attach.h"
#include "cli/base/json.h"
#include "cli/base/record.h"
#include "cli/commands.h"

struct listing {
    struct cli_context *c;
    size_t count;
};

static void put_one(struct listing *l, struct cht_bytes name, struct cht_bytes one, size_t pick,
                    size_t of)
{
    struct cli_out *out = &l->c->out;
    const struct cht_bytes value = node_mp_get(one, "value");
    const struct cht_bytes size = node_mp_get(value, "size");
    if (l->c->json) {
        if (l->count++ > 0)
            cli_put_char(out, ',');
        cli_put_text(out, "{\"name\":");
        cli_json_text(out, name);
        cli_printf(out, ",\"pick\":%zu,\"value\":", pick);
        cli_json_value(out, value);
        cli_put_text(out, ",\"by\":");
        cli_json_text(out, node_mp_get_str(one, "deviceName"));
        cli_put_text(out, of > 1 ? ",\"conflict\":true}" : "}");
        return;
    }
    l->count++;
    cli_put_cell(out, name, 32);
    cli_put_text(out, "  ");
    cli_put_size(out, node_mp_uint(size, 0));
    cli_put_text(out, "  ");
    cli_put_line(out, node_mp_get_str(value, "type"));
    cli_put_text(out, "  ");
    cli_put_when(out, node_mp_get(value, "added"));
    cli_put_text(out, "  by ");
    cli_put_line(out, node_mp_get_str(one, "deviceName"));
    if (of > 1) {
        cli_put_style(out, CLI_YELLOW);
        cli_printf(out, "  conflict: --pick %zu", pick);
        cli_put_style(out, CLI_PLAIN);
    }
    cli_put_char(out, '\n');
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct listing *l = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record, cell, one;
    if (answer->type != NODE_MSG_STATE_SNAPSHOT || !node_mp_next(&it, NULL, &record))
        return CHT_OK;
    struct node_mp_iter cells = node_mp_iter(node_mp_get(record, "cells"));
    while (node_mp_next(&cells, NULL, &cell)) {
        const struct cht_bytes values = node_mp_get(cell, "values");
        size_t pick = 0;
        if (!cht_bytes_eq(node_mp_get_str(cell, "field"), cht_bytes_str("attachments")))
            continue;
        struct node_mp_iter inside = node_mp_iter(values);
        while (node_mp_next(&inside, NULL, &one))
            put_one(l, node_mp_str(node_mp_get(cell, "key")), one, ++pick, node_mp_count(values));
    }
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    struct cli_request r;
    struct listing l = { .c = c };
    enum cht_err err = cli_query(c, "show", c->args[0], 0, &r);
    if (c->json) {
        cli_json_begin(&c->out, "attachments");
        cli_put_char(&c->out, '[');
    }
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_HOME, &r, true, each, &l);
    if (c->json && err == CHT_OK) {
        cli_put_char(&c->out, ']');
        cli_json_end(&c->out);
    }
    cli_request_clear(&r);
    if (err != CHT_OK)
        c->out.len = 0; /* nothing of a document that has no end */
    if (err == CHT_OK && l.count == 0 && !c->json && c->out.terminal)
        cli_put_text(&c->out, "nothing is attached\n");
    return cli_fail(c, err);
}

const struct cli_command cli_attachments = {
    .name = "attachments",
    .summary = "The files attached to a record.",
    .arguments = "ID",
    .group = CLI_RECORDS,
    .kind = "attachments",
    .examples = "chitty attachments 01HXW3K9\n"
                "chitty attachments 01HXW3K9 --json",
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
