/* resolve, of both programs: one value instead of several concurrent ones. */
#include "cli/base/change.h"
#include "cli/base/fields.h"
#include "cli/base/record.h"
#include "cli/base/request.h"
#include "cli/commands.h"
#include "node/client/request.h"

#define PICK_MAX 4096u

/* Without a type in the id, as in "01HXW3K9", only the node knows what it is. */
static enum cht_err learn_type(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    struct node_mp_iter it = node_mp_iter(node_mp_get(answer->payload, "records"));
    struct cht_bytes record;
    if (node_mp_next(&it, NULL, &record))
        c->type = cli_record_type(record);
    return CHT_OK;
}

static enum cht_err find_type(struct cli_context *c)
{
    struct crdt_id_prefix prefix;
    if (crdt_id_prefix_parse(cht_bytes_str(c->args[0]), &prefix) == CHT_OK && prefix.type != 0) {
        c->type = prefix.type;
        return CHT_OK;
    }
    struct cli_request r;
    enum cht_err err = cli_query(c, "show", c->args[0], 0, &r);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_HOME, &r, true, learn_type, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

/* "pick": N, or "value": what the field takes. */
static enum cht_err put_choice(struct cli_context *c, const struct crdt_field *field,
                               struct cht_buf *b)
{
    const char *value = cli_flag(c, "value");
    uint64_t pick = 0;
    if (value != NULL) {
        enum cht_err err = node_mp_put_text(b, "value");
        return err != CHT_OK ? err : cli_value_put(c, field, field->kind == CRDT_SET, value, b);
    }
    enum cht_err err = cli_flag_uint(c, "pick", 1, PICK_MAX, 0, &pick);
    return err != CHT_OK ? err : node_mp_put_key_uint(b, "pick", pick);
}

static enum cht_err each(void *ctx, const struct node_msg *answer)
{
    struct cli_context *c = ctx;
    const struct cht_bytes result = node_mp_get(answer->payload, "result");
    if (answer->type != NODE_MSG_ACK)
        return CHT_OK;
    cli_tell_change(c, result);
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    const char *key = cli_flag(c, "key");
    const bool dry = cli_flag(c, "dry-run") != NULL;
    const struct crdt_field *field = NULL;
    if ((cli_flag(c, "pick") == NULL) == (cli_flag(c, "value") == NULL))
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                              "say which value is to stay: --pick N or --value V, one of the two");
    enum cht_err err = find_type(c);
    if (err == CHT_OK)
        err = node_field_find(c->type, cht_bytes_str(c->args[1]), &c->fault, &field);
    if (err == CHT_OK && field == NULL)
        err = node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str(c->args[1]),
                             "this build does not know the fields of that type");
    if (err != CHT_OK)
        return err;
    struct cli_request r;
    struct cht_buf *b = &r.message;
    err = cli_command_begin(c, "resolve", 3u + (key != NULL) + dry, &r);
    if (err == CHT_OK && dry)
        err = node_mp_put_key_bool(b, "dry", true);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "chittyId", c->args[0]);
    if (err == CHT_OK)
        err = node_mp_put_key_text(b, "field", field->name);
    if (err == CHT_OK && key != NULL)
        err = node_mp_put_key_text(b, "key", key);
    if (err == CHT_OK)
        err = put_choice(c, field, b);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_HOME, &r, false, each, c);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

static const struct cli_flag flags[] = {
    { "pick", "N", "the value with this number in `conflicts` or `show`" },
    { "value", "V", "a new value that joins them" },
    { "key", "KEY", "the key, where the field is a map" },
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_resolve = {
    .name = "resolve",
    .summary = "Put one value in the place of several concurrent ones.",
    .arguments = "ID FIELD",
    .group = CLI_INSPECT,
    .kind = "change",
    .examples = "chitty resolve 01HXW3K9 content --pick 2\n"
                "chitty-node resolve 01HXW3K9 content --value \"Buy oat milk\"",
    .args_min = 2,
    .args_max = 2,
    .flags = flags,
    .run = run,
};
