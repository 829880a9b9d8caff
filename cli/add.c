/* chitty add */
#include "cli/base/change.h"
#include "cli/base/fields.h"
#include "cli/base/here.h"
#include "cli/commands.h"
#include "crdt/limits.h"

static enum cht_err run(struct cli_context *c)
{
    char text[LIMIT_TITLE_BYTES + 1];
    enum cht_err err = cli_text_args(c, 0, text, sizeof text);
    if (err != CHT_OK)
        return err;
    char project[CLI_HERE_MAX] = "";
    if (!cli_says_project(c))
        err = cli_here(c, false, project);
    if (err != CHT_OK)
        return err;
    if (project[0] != '\0')
        cli_field_give(c, "project", project);
    const struct cli_change change = { .op = NODE_CREATE, .title = text, .with_data = true };
    return cli_change(c, &change);
}

static const struct cli_flag flags[] = {
    CLI_DRY_RUN,
    { NULL, NULL, NULL },
};

const struct cli_command cli_add = {
    .name = "add",
    .summary = "Add a todo; prints its id.",
    .arguments = "TEXT…",
    .details = "All words together are its content. In the folder of a project (`chitty init`) it "
               "is a todo of that project, unless --project or CHITTY_PROJECT names another.",
    .kind = "change",
    .examples = "chitty add Buy milk\n"
                "chitty add \"Call the court\" --priority high --deadline tomorrow\n"
                "chitty add Write the parser --label compiler --project PROJ-4F2KJ5ZK\n"
                "chitty add Review --description @notes.md",
    .args_min = 1,
    .args_max = CLI_ARGS_MAX,
    .type = CRDT_TODO,
    .fields = CLI_FIELDS_WRITE,
    .flags = flags,
    .run = run,
};
