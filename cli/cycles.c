/* chitty cycles: links that lead back to where they began. */
#include "cli/base/json.h"
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "cli/commands.h"

struct cycles {
    struct cli_context *c;
    uint64_t count;
};

static void put_cycle(struct cli_out *out, struct cht_bytes record)
{
    struct node_mp_iter it = node_mp_iter(node_mp_get(record, "path"));
    struct cht_bytes one;
    cli_put_style(out, CLI_BOLD);
    cli_put_line(out, node_mp_get_str(record, "domain"));
    cli_put_text(out, ", ");
    cli_put_line(out, node_mp_get_str(record, "field"));
    cli_put_style(out, CLI_PLAIN);
    cli_printf(out, ": %llu in a circle, %llu that hang together so\n",
               (unsigned long long)node_mp_get_uint(record, "length", 0),
               (unsigned long long)node_mp_get_uint(record, "members", 0));
    while (node_mp_next(&it, NULL, &one)) {
        const struct cht_bytes id = node_mp_get_str(one, "chittyId");
        cli_put_text(out, "  ");
        cli_put_line(out, out->terminal ? cli_short_id(id) : id);
        cli_put_text(out, "  ");
        cli_put_line(out, node_mp_get_str(one, "title"));
        cli_put_char(out, '\n');
    }
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cycles *l = ctx;
    struct cli_out *out = &l->c->out;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    if (answer->type != NODE_MSG_STATE_SNAPSHOT)
        return CHT_OK;
    while (node_mp_next(&it, NULL, &record)) {
        if (!l->c->json) {
            put_cycle(out, record);
        } else if (l->c->format == CLI_JSON) {
            if (l->count > 0)
                cli_put_char(out, ',');
            cli_json_value(out, record);
        } else {
            cli_json_begin(out, "cycle");
            cli_json_value(out, record);
            cli_json_end(out);
        }
        l->count++;
    }
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    struct cycles l = { .c = c };
    struct cli_request r = { 0 };
    enum cht_err err = cli_query(c, "cycles", NULL, 0, &r);
    if (err == CHT_OK && c->format == CLI_JSON) {
        cli_json_begin(&c->out, "cycles");
        cli_put_char(&c->out, '[');
    }
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, true, each, &l);
    if (err == CHT_OK && c->format == CLI_JSON) {
        cli_put_char(&c->out, ']');
        cli_json_end(&c->out);
    }
    c->failed = l.count > 0;
    cli_request_clear(&r);
    return cli_fail(c, err);
}

const struct cli_command cli_cycles = {
    .name = "cycles",
    .summary = "Tell which dependencies and parents lead back to where they began.",
    .arguments = "",
    .details = "A change that would close such a circle is refused; two machines that change "
               "something at the same time can make one together. Of todos that hang together so "
               "one circle is told, the shortest: end it by taking out one of its links. Where "
               "there is one the exit status is 1.",
    .kind = "cycles",
    .examples = "chitty cycles\n"
                "chitty todo update TODO-01HX --dependency -TODO-01HY",
    .run = run,
};
