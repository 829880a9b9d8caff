/* chitty todo update … */
#include "cli/base/change.h"
#include "cli/base/fields.h"
#include "cli/commands.h"
#include "crdt/limits.h"

static enum cht_err update_all(struct cli_context *c, const char *unset)
{
    struct cli_ids ids = { 0 };
    struct cht_buf data;
    cht_buf_init(&data, LIMIT_CLIENT_BYTES);
    enum cht_err err = cli_data_put(c, NULL, unset, &data);
    if (err == CHT_OK)
        err = cli_ids_read(c, 0, &ids);
    if (err == CHT_OK)
        err = cli_change_all(c, NODE_UPDATE, ids.list, ids.count, cht_buf_view(&data));
    cli_ids_clear(&ids);
    cht_buf_clear(&data);
    return err;
}

static enum cht_err one_version(struct cli_context *c)
{
    return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("expect"),
                          "--expect is of one record: name only that one");
}

static enum cht_err run(struct cli_context *c)
{
    const char *unset = cli_flag(c, "unset");
    bool any = unset != NULL;
    for (size_t i = 0; i < c->given_count; i++)
        any = any || c->given[i].field != NULL;
    if (!any)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                              "nothing to update: give at least one field, as --status blocked");
    const struct cli_change change = { .op = NODE_UPDATE,
                                       .id = c->args[0],
                                       .unset = unset,
                                       .expect = cli_flag(c, "expect"),
                                       .with_data = true };
    if (c->arg_count == 1 && strcmp(c->args[0], "-") != 0)
        return cli_change(c, &change);
    return change.expect == NULL ? update_all(c, unset) : one_version(c);
}

static const struct cli_flag flags[] = {
    { "unset", "NAME,…", "leave these fields without a value" },
    { "expect", "VERSION", "only if nobody has changed these fields since (see get)" },
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_verb_update = {
    .name = "update",
    .summary = "Change fields; the others stay.",
    .arguments = "ID…|-",
    .details = "With `--expect`, nothing is changed where somebody else has changed "
               "these fields since the version that `get --json` printed: then the exit "
               "status is 5.",
    .group = CLI_RECORDS,
    .kind = "change",
    .examples = "chitty todo update 01HXW3K9 --status in_progress --label +urgent --label -later\n"
                "chitty todo update 01HXW3K9 --deadline +3d --unset defer\n"
                "chitty todo list -o name --label later | chitty todo update - --priority low\n"
                "chitty project update 4F2KJ5ZK --milestone 'alpha={\"due\":\"2026-05-01\"}'",
    .args_min = 1,
    .args_max = CLI_ARGS_MAX,
    .fields = CLI_FIELDS_WRITE,
    .flags = flags,
    .run = run,
};
