/* chitty sessions: who is at work, on all machines. */
#include "cli/base/sessions.h"
#include "cli/commands.h"

#include <stdlib.h>

static void put_holds(struct cli_out *out, const json_t *holds)
{
    size_t i;
    json_t *claim;
    json_array_foreach(holds, i, claim)
    {
        const char *id = bridge_json_str(claim, "chittyId");
        const struct agent_short brief = agent_short(id == NULL ? "" : id);
        cli_put_text(out, "    holds ");
        cli_put_line_of(out, brief.text);
        cli_put_text(out, "  ");
        cli_put_line_of(out, bridge_json_str(claim, "title"));
        cli_put_char(out, '\n');
    }
}

static void put_row(struct cli_context *c, const struct cli_session *s)
{
    struct cli_out *out = &c->out;
    struct agent_short room;
    const struct agent_short brief = agent_short(s->id);
    const struct {
        const char *text;
        size_t width;
    } cells[] = { { s->deviceName != NULL ? s->deviceName : "-", 14 },
                  { cli_link_title(s->record, "project", &room), 18 },
                  { bridge_json_str(s->data, "branch"), 18 } };
    cli_put_cell_of(out, brief.text, 18);
    cli_put_text(out, "  ");
    cli_put_style(out, cli_state_style(s->state));
    cli_put_cell_of(out, s->state, 8);
    cli_put_style(out, CLI_PLAIN);
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        cli_put_text(out, "  ");
        cli_put_cell_of(out, cells[i].text, cells[i].width);
    }
    cli_put_text(out, "  ");
    cli_put_line_of(out, cli_session_name(s));
    if (s->last_ms != 0) {
        cli_put_text(out, "  (");
        cli_put_ago(out, c->now_ms, (json_int_t)s->last_ms);
        cli_put_char(out, ')');
    }
    cli_put_char(out, '\n');
    put_holds(out, s->holds);
}

static void tell(struct cli_context *c, const struct cli_sessions *s)
{
    if (c->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < s->count; i++)
            (void)json_array_append_new(list, cli_session_tree(&s->list[i]));
        cli_json_tree(c, c->command->kind, list);
        return;
    }
    for (size_t i = 0; i < s->count; i++)
        put_row(c, &s->list[i]);
    if (s->count == 0)
        cli_put_text(&c->out, "no session is at work (--all shows those that have ended)\n");
}

static enum cht_err run(struct cli_context *c)
{
    struct agent *a = NULL;
    struct cli_sessions s = { 0 };
    char project[CRDT_ID_TEXT_MAX];
    enum cht_err err = cli_agent_open(c, &a);
    if (err == CHT_OK)
        err = cli_project_meant(c, a, false, project);
    if (err == CHT_OK)
        err = cli_sessions_gather(c, a, project, cli_flag(c, "all") != NULL, NULL, &s);
    if (err == CHT_OK)
        tell(c, &s);
    cli_sessions_clear(&s);
    agent_close(a);
    return err;
}

static const struct cli_flag flags[] = {
    { "all", NULL, "those that have ended or crashed too" },
    { "project", "ID", "only those that work on it" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_sessions = {
    .name = "sessions",
    .summary = "Who is at work, on all machines, and on what.",
    .arguments = "",
    .details = "The last active first: id, state, device, project, branch, title, and the todos "
               "that it holds. A session is `active`; `idle` when it gave no sign of life for ten "
               "minutes; `paused`, `ended` or `crashed` when it is said to be; `away` when it "
               "gave no sign of life for fifteen minutes and its device is not connected.",
    .group = CLI_EVERYDAY,
    .kind = "session-states",
    .pages = true,
    .examples = "chitty sessions\n"
                "chitty sessions --all --project garden\n"
                "chitty sessions --json",
    .flags = flags,
    .run = run,
};
