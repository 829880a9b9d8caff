/* log, of both programs: the changes of an entity or of all, newest first. */
#include "cli/base/record.h"
#include "cli/base/stream.h"
#include "cli/commands.h"
#include "crdt/limits.h"

#define SHORT_HASH 10u /* hex digits of an entry's hash */

/* Who holds it since, or that nobody does (PROTOCOL 13.1). */
static void put_claim(struct cli_out *out, struct cht_bytes claim)
{
    const struct cht_bytes holder = node_mp_get_str(claim, "holder");
    cli_put_text(out, holder.len == 0 ? "claim unset" : "claim=");
    cli_put_line(out, cli_short_id(holder));
    if (holder.len != 0 && !node_mp_get_bool(claim, "confirmed"))
        cli_put_text(out, " (unconfirmed)");
}

static void put_op(struct cli_out *out, unsigned type, struct cht_bytes op)
{
    const struct cht_bytes name = node_mp_get_str(op, "field");
    const struct cht_bytes key = node_mp_get(op, "key"), value = node_mp_get(op, "value");
    const struct crdt_field *field =
        name.len == 0 || type == 0 ? NULL : crdt_field_named(type, name);
    const bool drop = cht_bytes_eq(node_mp_get_str(op, "op"), cht_bytes_str("drop"));
    const bool set = field != NULL && field->kind == CRDT_SET;
    if (type == CRDT_TODO && !drop && cht_bytes_eq(name, cht_bytes_str("claim"))) {
        put_claim(out, value);
        return;
    }
    if (name.len > 0)
        cli_put_line(out, name);
    else
        cli_printf(out, "field %llu", (unsigned long long)node_mp_get_uint(op, "number", 0));
    if (set) {
        cli_put_text(out, drop ? " -" : " +");
        cli_put_value(out, NULL, key);
        return;
    }
    if (key.len > 0) {
        cli_put_char(out, '[');
        cli_put_value(out, NULL, key);
        cli_put_char(out, ']');
    }
    cli_put_text(out, drop ? " unset" : "=");
    if (!drop)
        cli_put_value(out, field, value);
}

/* What it takes back (LOCAL 6.7). */
static void put_marks(struct cli_out *out, const char *word, struct cht_bytes entries)
{
    struct node_mp_iter it = node_mp_iter(entries);
    struct cht_bytes entry;
    if (entries.len == 0)
        return;
    cli_put_style(out, CLI_BLUE);
    cli_printf(out, "  %s", word);
    while (node_mp_next(&it, NULL, &entry)) {
        const struct cht_bytes hash = node_mp_str(entry);
        cli_put_char(out, ' ');
        cli_put_line(out, cht_bytes(hash.data, hash.len > SHORT_HASH ? SHORT_HASH : hash.len));
    }
    cli_put_style(out, CLI_PLAIN);
}

static void put_entry(struct cli_out *out, struct cht_bytes record)
{
    struct cht_bytes hash = node_mp_get_str(record, "entry");
    struct cht_bytes who = node_mp_get_str(record, "deviceName");
    const unsigned type = cli_record_type(record);
    if (who.len == 0)
        who = node_mp_get_str(record, "device");
    if (hash.len > SHORT_HASH)
        hash.len = SHORT_HASH;
    cli_put_style(out, CLI_DIM);
    cli_put_line(out, hash);
    cli_put_text(out, "  ");
    cli_put_when(out, node_mp_get(record, "stamp"));
    cli_put_style(out, CLI_PLAIN);
    cli_put_text(out, "  ");
    cli_put_line(out, who);
    cli_put_text(out, "  ");
    const struct cht_bytes id = node_mp_get_str(record, "chittyId");
    cli_put_line(out, out->terminal ? cli_short_id(id) : id);
    struct node_mp_iter it = node_mp_iter(node_mp_get(record, "ops"));
    struct cht_bytes op;
    const char *between = "  ";
    while (node_mp_next(&it, NULL, &op)) {
        cli_put_text(out, between);
        between = ", ";
        put_op(out, type, op);
        if (node_mp_get(op, "void").len > 0)
            cli_put_text(out, " (void)");
    }
    put_marks(out, "undoes", node_mp_get(record, "undoes"));
    put_marks(out, "redoes", node_mp_get(record, "redoes"));
    const struct cht_bytes why = node_mp_get_str(record, "void");
    if (why.len > 0) {
        cli_put_style(out, CLI_RED);
        cli_put_text(out, "  void: ");
        cli_put_line(out, why);
        cli_put_style(out, CLI_PLAIN);
    }
    cli_put_char(out, '\n');
}

#define LOG_USUAL 50u

static enum cht_err run(struct cli_context *c)
{
    struct cli_stream s = { .c = c, .kind = "log", .put = put_entry };
    uint64_t limit = 0;
    enum cht_err err = cli_flag_uint(c, "limit", 1, LIMIT_QUERY_ROWS, LOG_USUAL, &limit);
    return err != CHT_OK ? err : cli_stream(&s, "log", c->arg_count > 0 ? c->args[0] : NULL, limit);
}

static const struct cli_flag flags[] = {
    { "limit", "N", "at most so many entries, usually 50" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_log = {
    .name = "log",
    .summary = "The changes of one, or of everything, newest first.",
    .arguments = "[ID]",
    .group = CLI_INSPECT,
    .kind = "log",
    .pages = true,
    .examples = "chitty log 01HXW3K9\n"
                "chitty-node log --limit 20\n"
                "chitty-node log --json",
    .args_max = 1,
    .flags = flags,
    .run = run,
};
