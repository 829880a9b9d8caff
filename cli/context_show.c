/* chitty context here, chitty context show: what sessions know for each other. */
#include "cli/base/shared_context.h"
#include "cli/commands.h"
#include "crdt/id.h"

#include <stdio.h>

static enum cht_err tell(struct cli_context *c, json_t *shared)
{
    if (c->json) {
        cli_json_tree(c, c->command->kind, shared);
        return CHT_OK;
    }
    cli_put_shared_context(c, shared);
    json_decref(shared);
    return CHT_OK;
}

static enum cht_err run_here(struct cli_context *c)
{
    char project[CRDT_ID_TEXT_MAX];
    struct agent *a = NULL;
    json_t *shared = NULL;
    enum cht_err err = cli_agent_open(c, &a);
    if (err == CHT_OK)
        err = cli_project_meant(c, a, true, project);
    if (err == CHT_OK)
        err = cli_shared_context(c, a, project, NULL, &shared);
    if (err == CHT_OK)
        err = tell(c, shared);
    agent_close(a);
    return err;
}

/* The session that is meant: by whatever it is called, or the one this runs in. */
static enum cht_err session_meant(struct cli_context *c, struct agent *a,
                                  char out[static CRDT_ID_TEXT_MAX])
{
    json_t *record = NULL;
    if (c->arg_count == 0 && agent_session(a)[0] == '\0')
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("ID"),
                              "of which session? None runs here");
    const enum cht_err err =
        cli_get_of(c, a, "sessions", c->arg_count == 0 ? agent_session(a) : c->args[0], &record);
    if (err == CHT_OK)
        (void)snprintf(out, CRDT_ID_TEXT_MAX, "%s", bridge_json_str(record, "chittyId"));
    json_decref(record);
    return err;
}

static enum cht_err run_show(struct cli_context *c)
{
    char session[CRDT_ID_TEXT_MAX];
    struct agent *a = NULL;
    json_t *shared = NULL;
    enum cht_err err = cli_agent_open(c, &a);
    if (err == CHT_OK)
        err = session_meant(c, a, session);
    if (err == CHT_OK)
        err = cli_shared_context(c, a, "", session, &shared);
    if (err == CHT_OK)
        err = tell(c, shared);
    agent_close(a);
    return err;
}

static const struct cli_flag here_flags[] = {
    { "project", "ID", "of this project; else of the folder's" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_context_here = {
    .name = "here",
    .summary = "What all sessions of this project know: points, checkpoints, claims, files.",
    .arguments = "",
    .details = "The key points of its contexts, where work stood last, who holds which todo, the "
               "files that sessions touched last, and who is at work. In a folder that is no "
               "project: of everything.",
    .group = CLI_EVERYDAY,
    .kind = "shared-context",
    .pages = true,
    .examples = "chitty context here\n"
                "chitty context here --project garden --json",
    .flags = here_flags,
    .run = run_here,
};

const struct cli_command cli_context_show = {
    .name = "show",
    .summary = "What one session knows for others.",
    .arguments = "[SESSION]",
    .details = "Key points and checkpoints that came from it, the todos that it holds, and its "
               "files; without SESSION of the one that this runs in. `chitty context get` prints "
               "one context.",
    .group = CLI_RECORDS,
    .kind = "shared-context",
    .pages = true,
    .examples = "chitty context show \"fix the pump\"\n"
                "chitty context show --json",
    .args_max = 1,
    .run = run_show,
};
