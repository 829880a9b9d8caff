/* chitty-node metrics: the figures of a node in the text form of OpenMetrics 1.0. */
#include "cli/base/json.h"
#include "cli/base/result.h"
#include "cli/commands.h"
#include "node/client/mpmap.h"

/* A label's value or a help text: backslash, quote and newline are escaped. */
static void put_escaped(struct cli_out *out, struct cht_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        const char c = (char)text.data[i];
        if (c == '\n')
            cli_put_text(out, "\\n");
        else if (c == '\\' || c == '"')
            cli_printf(out, "\\%c", c);
        else
            cli_put_char(out, c);
    }
}

static void put_value(struct cli_out *out, struct cht_bytes value)
{
    const struct crdt_mp head = crdt_mp_peek(value);
    if (head.kind == CRDT_MP_FLOAT)
        cli_printf(out, "%.9g", head.f);
    else
        cli_put_uint(out, node_mp_uint(value, 0));
}

static void put_sample(struct cli_out *out, struct cht_bytes name, struct cht_bytes sample)
{
    const char *before = "{";
    struct node_mp_iter it = node_mp_iter(node_mp_get(sample, "labels"));
    struct cht_bytes label, text;
    cli_put(out, name);
    cli_put(out, node_mp_get_str(sample, "suffix"));
    for (; node_mp_next(&it, &label, &text); before = ",") {
        cli_put_text(out, before);
        cli_put(out, node_mp_str(label));
        cli_put_text(out, "=\"");
        put_escaped(out, node_mp_str(text));
        cli_put_char(out, '"');
    }
    if (*before == ',')
        cli_put_char(out, '}');
    cli_put_char(out, ' ');
    put_value(out, node_mp_get(sample, "value"));
    cli_put_char(out, '\n');
}

static void put_line(struct cli_out *out, const char *what, struct cht_bytes name,
                     struct cht_bytes text)
{
    cli_put_text(out, what);
    cli_put(out, name);
    cli_put_char(out, ' ');
    put_escaped(out, text);
    cli_put_char(out, '\n');
}

static void put_family(struct cli_out *out, struct cht_bytes family)
{
    const struct cht_bytes name = node_mp_get_str(family, "name");
    const struct cht_bytes unit = node_mp_get_str(family, "unit");
    struct node_mp_iter it = node_mp_iter(node_mp_get(family, "samples"));
    struct cht_bytes sample;
    put_line(out, "# TYPE ", name, node_mp_get_str(family, "type"));
    if (unit.len != 0)
        put_line(out, "# UNIT ", name, unit);
    put_line(out, "# HELP ", name, node_mp_get_str(family, "help"));
    while (node_mp_next(&it, NULL, &sample))
        put_sample(out, name, sample);
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    if (cli_put_list(c, "metrics", answer, "families", put_family))
        cli_put_text(&c->out, "# EOF\n");
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    return cli_ask_plain(c, "metrics", CLI_REACH_HOME, each);
}

const struct cli_command cli_metrics = {
    .name = "metrics",
    .summary = "Figures of the node, in the text form of OpenMetrics.",
    .arguments = "",
    .details = "In the text form of OpenMetrics: entries, sizes, fsyncs, memory, turns, "
               "sessions, and of each peer bytes, entries, processor time and what it "
               "was refused.",
    .group = CLI_INSPECT,
    .kind = "metrics",
    .pages = true,
    .examples = "chitty-node metrics > /var/lib/node_exporter/chitty.prom\n"
                "chitty-node metrics --json",
    .args_max = 0,
    .run = run,
};
