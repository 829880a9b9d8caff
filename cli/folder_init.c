/* chitty init */
#include "cli/base/place.h"
#include "cli/commands.h"

#include <stdlib.h>

static enum cht_err run(struct cli_context *c)
{
    struct agent *a = NULL;
    const char *folder = c->arg_count > 0 ? c->args[0] : NULL;
    const char *project = cli_flag(c, "project"), *name = cli_flag(c, "name");
    if (project != NULL && name != NULL)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("name"),
                              "--name is for a new project, --project for one that is there");
    struct agent_place *place = calloc(1, sizeof *place);
    if (place == NULL)
        return node_fault_from(&c->fault, CHT_E_NOMEM, NULL);
    enum cht_err err = cli_place_open(c, folder, &a);
    if (err == CHT_OK)
        err = cli_place_fail(c, a, agent_project_init(a, folder, project, name, place));
    if (err == CHT_OK)
        cli_put_place(c, place);
    agent_close(a);
    free(place);
    return err;
}

static const struct cli_flag flags[] = {
    { "name", "NAME", "what the project is called; else as the repository or the folder" },
    { "project", "PROJECT", "the folder is this project: an id or a name" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_folder_init = {
    .name = "init",
    .summary = "This folder is a project.",
    .arguments = "[FOLDER]",
    .details =
        "Sessions of agents that work in the folder, or below it, share the project's todos. A "
        "clone of a git repository is known by the address of its remote and its first "
        "commit: all its worktrees, and clones of it on other machines, are the same project "
        "without this command, which only tells which one that is. Any other folder becomes a "
        "project by it: a new one, or with --project one that is there. With --name, a folder "
        "inside of a clone becomes a project of its own.",
    .group = CLI_EVERYDAY,
    .kind = "place",
    .examples = "chitty init\n"
                "chitty init --name thesis ~/thesis\n"
                "chitty init --project thesis /media/stick/thesis",
    .args_max = 1,
    .flags = flags,
    .run = run,
};
