/* chitty space use */
#include "cli/base/spaces.h"
#include "cli/commands.h"

#include <stdlib.h>

static enum cht_err run(struct cli_context *c)
{
    struct cli_space space;
    struct node_paths base;
    struct cht_error detail = { 0 };
    enum cht_err err = cli_space_find(c->args[0], &c->fault, &space);
    if (err == CHT_OK && node_paths_base(&detail, &base) != CHT_OK)
        err = node_fault_from(&c->fault, detail.code, &detail);
    if (err == CHT_OK)
        err = node_space_use(&base, space.name, &c->fault);
    if (err != CHT_OK)
        return err;
    const char *set = getenv("CHITTY_SPACE");
    if (set != NULL && set[0] != '\0' && strcmp(set, space.name) != 0 && !c->json)
        cli_printf(&c->out, "here CHITTY_SPACE=%s still goes before it\n", set);
    return CHT_OK;
}

const struct cli_command cli_space_use = {
    .name = "use",
    .summary = "Let commands mean this space from now on.",
    .arguments = "SPACE",
    .kind = "",
    .examples = "chitty space use work\n"
                "chitty space use default",
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
