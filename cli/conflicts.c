/* conflicts, of both programs: fields with concurrent values, and deletes that met changes. */
#include "cli/base/record.h"
#include "cli/base/stream.h"
#include "cli/base/values.h"
#include "cli/commands.h"

static void put_conflict(struct cli_out *out, struct cht_bytes record)
{
    const struct cht_bytes name = node_mp_get_str(record, "field");
    const struct cht_bytes key = node_mp_get(record, "key");
    const struct cht_bytes id = node_mp_get_str(record, "chittyId");
    const unsigned type = cli_record_type(record);
    cli_put_style(out, CLI_DIM);
    cli_put_line(out, out->terminal ? cli_short_id(id) : id);
    cli_put_style(out, CLI_PLAIN);
    cli_put_text(out, "  ");
    cli_put_line(out, node_mp_get_str(record, "title"));
    cli_put_text(out, "\n  ");
    cli_put_style(out, CLI_BOLD);
    if (cht_bytes_eq(node_mp_get_str(record, "kind"), cht_bytes_str("deleted")))
        cli_put_text(out, "deleted on one side, changed on the other: ");
    cli_put_line(out, name);
    cli_put_style(out, CLI_PLAIN);
    if (key.len > 0) {
        cli_put_char(out, '[');
        cli_put_value(out, NULL, key);
        cli_put_char(out, ']');
    }
    cli_put_char(out, '\n');
    cli_put_values(out, name.len == 0 || type == 0 ? NULL : crdt_field_named(type, name),
                   node_mp_get(record, "values"), node_mp_get(record, "titles"));
}

static enum cht_err run(struct cli_context *c)
{
    struct cli_stream s = { .c = c, .kind = "conflicts", .put = put_conflict, .titled = true };
    enum cht_err err = cli_stream(&s, "conflicts", c->arg_count > 0 ? c->args[0] : NULL, 0);
    if (err == CHT_OK && s.count == 0 && !c->json && c->out.terminal)
        cli_put_text(&c->out, "no conflicts\n");
    return err;
}

const struct cli_command cli_conflicts = {
    .name = "conflicts",
    .summary = "What was changed on two machines at once and waits for a choice.",
    .arguments = "[ID]",
    .details = "These are fields that were changed on two machines at once, and things "
               "deleted on one and changed on another. One of the values is shown "
               "everywhere else; none is lost.",
    .group = CLI_INSPECT,
    .kind = "conflicts",
    .pages = true,
    .examples = "chitty conflicts\n"
                "chitty-node conflicts 01HXW3K9 --json",
    .args_max = 1,
    .run = run,
};
