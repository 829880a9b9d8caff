/* chitty add */
#include "cli/base/change.h"
#include "cli/base/here.h"
#include "cli/commands.h"
#include "crdt/limits.h"

static enum cht_err run(struct cli_context *c)
{
    char text[LIMIT_TITLE_BYTES + 1];
    enum cht_err err = cli_text_args(c, 0, text, sizeof text);
    struct cli_here here;
    if (err == CHT_OK)
        err = cli_here_give(c, &here);
    if (err != CHT_OK)
        return err;
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
               "is a todo of that project, unless --project or CHITTY_PROJECT names another, or "
               "none. In a session it is of that session.",
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
