/* chitty todo create … */
#include "cli/base/batch_line.h"
#include "cli/base/change.h"
#include "cli/base/here.h"
#include "cli/base/options.h"
#include "cli/commands.h"
#include "crdt/limits.h"

/* What a new one cannot do without, told before the node is asked. */
static enum cht_err check_required(struct cli_context *c)
{
    const struct crdt_type_schema *schema = crdt_schema(c->type);
    for (size_t i = 0; i < schema->count; i++) {
        const struct crdt_field *f = &schema->fields[i];
        bool given = c->arg_count > 0 && strcmp(f->name, schema->title_field) == 0;
        for (size_t k = 0; k < c->given_count; k++)
            given = given || c->given[k].field == f;
        if (!f->required || given)
            continue;
        char flag[CLI_FLAG_NAME_MAX] = "";
        (void)cli_field_flag(f, CLI_FIELDS_WRITE, false, flag);
        (void)node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str(f->name),
                             "a new %s needs %s (%s)", crdt_type_table(c->type), f->name, f->doc);
        node_fault_hint(&c->fault, "give it as text or with --%s", flag);
        return CHT_E_INVALID;
    }
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c)
{
    const char *file = cli_flag(c, "batch");
    if (file != NULL)
        return cli_batch_file(c, file);
    char text[LIMIT_TITLE_BYTES + 1];
    struct cli_here here;
    enum cht_err err = check_required(c);
    if (err == CHT_OK && c->arg_count > 0)
        err = cli_text_args(c, 0, text, sizeof text);
    if (err == CHT_OK)
        err = cli_here_give(c, &here);
    if (err != CHT_OK)
        return err;
    const struct cli_change change = { .op = NODE_CREATE,
                                       .title = c->arg_count > 0 ? text : NULL,
                                       .with_data = true };
    return cli_change(c, &change);
}

static const struct cli_flag flags[] = {
    { "batch", "FILE|-", "make many, from JSON lines of their fields (see `chitty batch`)" },
    { "atomic", NULL, "with --batch: all of it or nothing; at most 256 lines" },
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_verb_create = {
    .name = "create",
    .summary = "Make a new one; prints its id.",
    .arguments = "[TEXT…]",
    .details = "The text is its content, title or name. A todo or a checkpoint is of the session "
               "that this runs in, and of the folder's project unless --project says another one "
               "or `none`.",
    .group = CLI_RECORDS,
    .kind = "change",
    .examples = "chitty topic create \"Legal Case 12345\" --tag court\n"
                "chitty project create ChittyChronicle --repo https://example.org/c.git\n"
                "chitty session create --session-id 4927a516 --platform claude-code",
    .args_max = CLI_ARGS_MAX,
    .fields = CLI_FIELDS_WRITE,
    .flags = flags,
    .run = run,
};
