/* chitty project here */
#include "cli/base/place.h"
#include "cli/commands.h"

#include <stdlib.h>

#define GIT_MS 20000

static enum cht_err run(struct cli_context *c)
{
    struct agent *a = NULL;
    struct agent_place *place = calloc(1, sizeof *place);
    if (place == NULL)
        return node_fault_from(&c->fault, CHT_E_NOMEM, NULL);
    enum cht_err err = cli_place_open(c, c->arg_count > 0 ? c->args[0] : NULL, &a);
    if (err == CHT_OK)
        err = cli_place_fail(c, a, agent_project_find(a, NULL, false, GIT_MS, place));
    if (err == CHT_E_NOTFOUND)
        node_fault_hint(&c->fault, "chitty init makes a folder a project");
    if (err == CHT_OK)
        cli_put_place(c, place);
    agent_close(a);
    free(place);
    return err;
}

const struct cli_command cli_project_here = {
    .name = "here",
    .summary = "Which project a folder is.",
    .arguments = "[FOLDER]",
    .details =
        "By the places that are known, else by the address and the first commit of the clone "
        "that the folder is in. Nothing is written.",
    .group = CLI_RECORDS,
    .kind = "place",
    .examples = "chitty project here\n"
                "chitty project here ~/src/chitty-node --json",
    .args_max = 1,
    .run = run,
};
