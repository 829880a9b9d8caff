/* chitty context add: something to remember, for all sessions of the project. */
#include "cli/base/agent.h"
#include "cli/base/change.h"
#include "cli/commands.h"
#include "crdt/limits.h"

/* The shared context that is meant: --title, else that of the project by its own name. */
static enum cht_err title_of(struct cli_context *c, struct agent *a, json_t **room,
                             const char **out)
{
    const char *title = cli_flag(c, "title");
    if (title == NULL && agent_project(a)[0] != '\0') {
        const enum cht_err err = cli_get_of(c, a, "projects", agent_project(a), room);
        if (err != CHT_OK)
            return err;
        title = bridge_json_str(cli_data_of(*room), "name");
    }
    *out = title == NULL ? "notes" : title;
    return CHT_OK;
}

static enum cht_err add(struct cli_context *c, struct agent *a, const char *text, json_t **out)
{
    char project[CRDT_ID_TEXT_MAX];
    json_t *room = NULL;
    const char *title = NULL;
    enum cht_err err = cli_project_meant(c, a, true, project);
    if (err == CHT_OK) {
        agent_project_set(a, project);
        err = title_of(c, a, &room, &title);
    }
    if (err == CHT_OK)
        err = cli_agent_fail(c, a,
                             agent_context_put(a, title,
                                               json_pack("{s:s, s:{s:[s]}}", "type", "document",
                                                         "key_points", "add", text),
                                               NULL, out));
    json_decref(room);
    return err;
}

static enum cht_err run(struct cli_context *c)
{
    char text[LIMIT_KEY_BYTES];
    struct agent *a = NULL;
    json_t *result = NULL;
    enum cht_err err = cli_text_args(c, 0, text, sizeof text);
    if (err == CHT_OK)
        err = cli_agent_open(c, &a);
    if (err == CHT_OK)
        err = add(c, a, text, &result);
    if (err == CHT_OK && c->json) {
        cli_json_tree(c, c->command->kind, json_incref(result));
    } else if (err == CHT_OK) {
        cli_put_line_of(&c->out, bridge_json_str(result, "chittyId"));
        cli_put_char(&c->out, '\n');
    }
    json_decref(result);
    agent_close(a);
    return err;
}

static const struct cli_flag flags[] = {
    { "project", "ID", "of this project; else of the folder's" },
    { "title", "TITLE", "to the context of this name; else to the project's own" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_context_add = {
    .name = "add",
    .summary = "Remember something for all sessions of the project.",
    .arguments = "TEXT…",
    .details = "A key point of the project's shared context, which `chitty context here` shows. "
               "All words together are the text; the same one twice is one. `chitty context "
               "create` makes a context with all its fields.",
    .group = CLI_RECORDS,
    .kind = "change",
    .examples = "chitty context add \"the pump needs 12 V\"\n"
                "chitty context add --title \"release\" \"tags are made on main\"",
    .args_min = 1,
    .args_max = CLI_ARGS_MAX,
    .flags = flags,
    .run = run,
};
