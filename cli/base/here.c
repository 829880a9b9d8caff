/* Where a command runs; see here.h. */
#include "cli/base/here.h"

#include "cli/base/actor.h"
#include "cli/base/agent.h"
#include "cli/base/fields.h"
#include "cli/base/filter.h"

#include <stdio.h>
#include <stdlib.h>

/* The project of the folder, where `out` names none yet; and the session. */
static enum cht_err ask(struct agent *a, bool find, bool session, char out[static CLI_HERE_MAX])
{
    const struct agent_facts facts = { .no_project = true };
    struct agent_place *place = malloc(sizeof *place);
    enum cht_err err = place == NULL ? CHT_E_NOMEM : CHT_OK;
    if (err == CHT_OK && find) {
        err = agent_project_find(a, NULL, false, 0, place);
        if (err == CHT_OK)
            (void)snprintf(out, CLI_HERE_MAX, "%s", place->project);
        err = err == CHT_E_NOTFOUND ? CHT_OK : err;
    }
    if (err == CHT_OK && session && agent_session(a)[0] != '\0')
        err = agent_session_ensure(a, &facts);
    free(place);
    return err;
}

enum cht_err cli_here(struct cli_context *c, bool session, char out_project[static CLI_HERE_MAX])
{
    const char *said = getenv("CHITTY_PROJECT");
    char actor[CRDT_ID_TEXT_MAX];
    struct agent *a = NULL;
    (void)snprintf(out_project, CLI_HERE_MAX, "%s", said == NULL ? "" : said);
    session = session && cli_actor(actor) != NULL;
    if (said != NULL && !session)
        return CHT_OK;
    enum cht_err err = cli_agent_open(c, &a);
    if (err != CHT_OK)
        return err;
    err = cli_agent_fail(c, a, ask(a, said == NULL, session, out_project));
    agent_close(a);
    return err;
}

bool cli_says_project(const struct cli_context *c)
{
    const struct crdt_field *project = crdt_field_named(c->type, cht_bytes_str("project"));
    for (size_t i = 0; i < c->given_count; i++) {
        if (c->given[i].field == project)
            return true;
    }
    for (size_t i = 0; i < c->literal_from && i < c->arg_count; i++) {
        const size_t len = strcspn(c->args[i], ":.");
        if (c->args[i][len] != '\0' &&
            cli_field_meant(c->type, cht_bytes(c->args[i], len)) == project)
            return true;
    }
    return false;
}

/* `--project none` is taken off: the record has no project then. */
static bool takes_none(struct cli_context *c)
{
    for (size_t i = 0; i < c->given_count; i++) {
        const struct cli_given *g = &c->given[i];
        if (g->field == NULL || strcmp(g->field->name, "project") != 0 ||
            strcmp(g->value, "none") != 0)
            continue;
        c->given_count--;
        memmove(&c->given[i], &c->given[i + 1], (c->given_count - i) * sizeof c->given[0]);
        return true;
    }
    return false;
}

enum cht_err cli_here_give(struct cli_context *c, struct cli_here *room)
{
    char text[CRDT_ID_TEXT_MAX];
    struct crdt_id id;
    const char *actor = cli_actor(text);
    const bool session = actor != NULL && crdt_id_parse(cht_bytes_str(actor), &id) == CHT_OK &&
                         id.type == CRDT_SESSION;
    *room = (struct cli_here){ .session = "" };
    if (c->type != CRDT_TODO && c->type != CRDT_CHECKPOINT)
        return CHT_OK;
    const bool said = takes_none(c) || cli_says_project(c);
    enum cht_err err = said && !session ? CHT_OK : cli_here(c, session, room->project);
    if (err == CHT_OK && session) {
        crdt_id_text(&id, room->session);
        cli_field_give(c, "session", room->session);
    }
    if (err == CHT_OK && !said && room->project[0] != '\0')
        cli_field_give(c, "project", room->project);
    return err;
}
