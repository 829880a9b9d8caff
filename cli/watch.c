/* chitty watch: a line for each change as it happens, here or on another machine. */
#include "cli/base/dates.h"
#include "cli/base/filter.h"
#include "cli/base/json.h"
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "crdt/limits.h"
#include "node/client/client.h"

static void put_event(struct cli_context *c, const struct node_msg *m)
{
    struct cli_out *out = &c->out;
    const struct cht_bytes entity = node_mp_get(m->payload, "entity");
    const struct cht_bytes id = node_mp_get_str(entity, "chittyId");
    const unsigned type = cli_record_type(entity);
    const struct crdt_type_schema *schema = crdt_schema(type);
    char when[CLI_DATE_MAX];
    cli_date_local(m->timestamp_ms, when);
    cli_put_style(out, CLI_DIM);
    cli_put_text(out, when);
    cli_put_style(out, CLI_PLAIN);
    cli_put_text(out, "  ");
    cli_put_line(out, node_mp_get_str(m->payload, "operation"));
    cli_put_text(out, "  ");
    cli_put_line(out, out->terminal ? cli_short_id(id) : id);
    if (schema != NULL) {
        cli_put_text(out, "  ");
        cli_put_line(out, node_mp_get_str(node_mp_get(entity, "data"), schema->title_field));
    }
    struct node_mp_iter it = node_mp_iter(node_mp_get(m->payload, "delta"));
    struct cht_bytes key, value;
    const char *between = "  (";
    while (it.is_map && node_mp_next(&it, &key, &value)) {
        const struct cht_bytes name = node_mp_str(key);
        if (schema != NULL && cht_bytes_eq(name, cht_bytes_str(schema->title_field)))
            continue;
        cli_put_text(out, between);
        between = ", ";
        cli_put_line(out, name);
        cli_put_char(out, '=');
        cli_put_value(out, type == 0 ? NULL : crdt_field_named(type, name), value);
    }
    if (between[0] == ',')
        cli_put_char(out, ')');
    const struct cht_bytes who = node_mp_get_str(node_mp_get(m->payload, "by"), "deviceName");
    if (who.len > 0) {
        cli_put_text(out, "  by ");
        cli_put_line(out, who);
    }
    cli_put_char(out, '\n');
}

/* The event as it is, its values as in records. */
static void put_json(struct cli_out *out, struct cht_bytes payload)
{
    const unsigned type = cli_record_type(node_mp_get(payload, "entity"));
    struct node_mp_iter it = node_mp_iter(payload);
    struct cht_bytes key, value;
    const char *between = "{";
    cli_json_begin(out, "event");
    while (it.is_map && node_mp_next(&it, &key, &value)) {
        const struct cht_bytes name = node_mp_str(key);
        cli_put_text(out, between);
        between = ",";
        cli_json_text(out, name);
        cli_put_char(out, ':');
        if (cht_bytes_eq(name, cht_bytes_str("entity")))
            cli_json_record(out, value);
        else if (cht_bytes_eq(name, cht_bytes_str("delta")))
            cli_json_data(out, type, value);
        else
            cli_json_value(out, value);
    }
    cli_put_text(out, between[0] == '{' ? "{}" : "}");
    cli_json_end(out);
}

static enum cht_err each(void *ctx, const struct node_msg *m)
{
    struct cli_context *c = ctx;
    if (m->type != NODE_MSG_EVENT)
        return CHT_OK;
    if (c->json)
        put_json(&c->out, m->payload);
    else
        put_event(c, m);
    return CHT_OK;
}

static enum cht_err ask(struct cli_context *c, struct cli_request *r)
{
    struct cht_buf rest;
    const char *from = cli_flag(c, "from");
    uint32_t pairs = 0;
    cht_buf_init(&rest, LIMIT_CLIENT_BYTES);
    enum cht_err err = cli_filter_read(c, false, 0, &rest, &pairs);
    if (err == CHT_OK && from != NULL) {
        err = node_mp_put_key_text(&rest, "from", from);
        pairs++;
    }
    if (err == CHT_OK)
        err = cli_request_begin(c, NODE_MSG_QUERY, r);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&r->message, 2 + pairs);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r->message, "operation", "watch");
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r->message, "domain", crdt_type_domain(c->type));
    if (err == CHT_OK)
        err = cht_buf_add(&r->message, cht_buf_view(&rest));
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, r, true, each, c);
    cht_buf_clear(&rest);
    return err;
}

static enum cht_err run(struct cli_context *c)
{
    struct cli_request r = { 0 };
    struct node_msg m;
    uint64_t count = 0, left = 0;
    enum cht_err err = cli_flag_uint(c, "count", 1, UINT32_MAX, 0, &count);
    if (err == CHT_OK)
        err = ask(c, &r);
    for (left = count; err == CHT_OK && (count == 0 || left > 0);) {
        /* Each event is seen as soon as it is there. */
        if (cli_out_flush(&c->out) != CHT_OK || c->out.sys != 0)
            break;
        err = node_client_next(c->backend.client, -1, &c->fault, &m);
        if (err != CHT_OK || !cht_bytes_eq(m.reply_to, cht_bytes_str(r.id)))
            continue;
        err = each(c, &m);
        left -= m.type == NODE_MSG_EVENT && left > 0 ? 1 : 0;
    }
    cli_request_clear(&r);
    return cli_fail(c, err);
}

static const struct cli_flag flags[] = {
    { "from", "VECTOR", "begin with what came after this (of an earlier event)" },
    { "count", "N", "end after so many" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_watch = {
    .name = "watch",
    .summary = "Print each change of a todo as it happens; with --json a document a line.",
    .arguments = "[FILTER...]",
    .details = "Prints a line for each change of a todo, made here or on another "
               "machine, until interrupted: of those that a filter means (`chitty help "
               "filters`), as they are after the change.",
    .kind = "event",
    .examples = "chitty watch\n"
                "chitty watch project:compiler is:ready\n"
                "chitty watch --status completed --json",
    .args_max = CLI_ARGS_MAX,
    .type = CRDT_TODO,
    .fields = CLI_FIELDS_FILTER,
    .flags = flags,
    .run = run,
};
