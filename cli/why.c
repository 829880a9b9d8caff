/* chitty why: where a record comes from. */
#include "bridges/claude/recent.h"
#include "cli/base/transcripts.h"
#include "cli/base/who.h"
#include "cli/commands.h"

#include <stdlib.h>

#define CHANGES_MAX  50u
#define PROMPT_LINES 20u

struct why {
    struct cli_context *c;
    struct agent *a;
    struct cli_who who;
    json_t *record, *log, *out;
};

/* --- asking -------------------------------------------------------------------------------- */

static enum cht_err take_log(struct why *w)
{
    const char *id = bridge_json_str(w->record, "chittyId");
    return cli_agent_fail(w->c, w->a,
                          agent_query(w->a,
                                      json_pack("{s:s, s:{s:s}, s:i}", "operation", "log", "entity",
                                                "chittyId", id, "limit", (int)CHANGES_MAX + 1),
                                      &w->log));
}

static json_t *change_of(const struct why *w, const json_t *entry)
{
    json_t *fields = json_array(), *op, *out = cli_who_of(&w->who, entry);
    size_t i, k;
    json_array_foreach(json_object_get(entry, "ops"), i, op)
    {
        const char *name = bridge_json_str(op, "field");
        bool there = name == NULL;
        for (k = 0; !there && k < json_array_size(fields); k++)
            there = strcmp(json_string_value(json_array_get(fields, k)), name) == 0;
        if (!there)
            (void)json_array_append_new(fields, json_string(name));
        if (name != NULL && strcmp(name, "status") == 0)
            cli_json_set_text(out, "status", bridge_json_str(op, "value"));
    }
    (void)json_object_set_new(out, "fields", fields);
    cli_json_set_when(out, "at", bridge_json_int(entry, "stamp", 0));
    return out;
}

/* The first entry is who made it; those after it changed it. */
static void put_changes(struct why *w)
{
    const size_t count = json_array_size(w->log);
    const bool all = count <= CHANGES_MAX;
    json_t *changes = json_array();
    for (size_t i = 0; i < count && i < CHANGES_MAX; i++)
        if (!all || i + 1 < count)
            (void)json_array_append_new(changes, change_of(w, json_array_get(w->log, i)));
    if (all && count > 0) {
        json_t *made = change_of(w, json_array_get(w->log, count - 1));
        (void)json_object_del(made, "fields");
        (void)json_object_del(made, "status");
        (void)json_object_set_new(w->out, "made", made);
    }
    (void)json_object_set_new(w->out, "changes", changes);
}

/* What the person said, where what was said is at hand. */
static void put_prompt(struct why *w, const struct cli_session *s, const json_t *origin)
{
    struct cli_transcript t;
    json_t *said = NULL;
    const char *prompt = bridge_json_str(origin, "prompt");
    const char *use = bridge_json_str(origin, "toolUse");
    cli_transcript_look(s, &t);
    enum cht_err err = t.from == CLI_TRANSCRIPT_HERE ? cli_transcript_read(w->c, &t)
                                                     : cli_transcript_fetch(w->c, s, &t);
    if (err == CHT_OK && prompt != NULL)
        said = claude_prompt(cht_buf_view(&t.text), prompt);
    if (err == CHT_OK && said == NULL && use != NULL)
        said = claude_prompt_of_tool(cht_buf_view(&t.text), use);
    if (said != NULL)
        (void)json_object_set_new(w->out, "prompt", said);
    if (err != CHT_OK)
        w->c->fault = (struct node_fault){ 0 }; /* it is told without what was said, then */
    cli_transcript_clear(&t);
}

static enum cht_err take_session(struct why *w)
{
    const char *id = bridge_json_str(cli_data_of(w->record), "session");
    const json_t *origin = json_object_get(cli_data_of(w->record), "origin");
    struct cli_sessions found = { 0 };
    if (json_is_object(origin))
        (void)json_object_set_new(w->out, "origin", json_deep_copy(origin));
    if (id == NULL)
        return CHT_OK;
    const enum cht_err err = cli_sessions_gather(w->c, w->a, "", true, id, &found);
    if (err == CHT_OK) {
        (void)json_object_set_new(w->out, "session", cli_session_tree(&found.list[0]));
        put_prompt(w, &found.list[0], origin);
    }
    cli_sessions_clear(&found);
    return err;
}

static enum cht_err gather(struct why *w)
{
    enum cht_err err = cli_agent_open(w->c, &w->a);
    if (err == CHT_OK)
        err = cli_get_of(w->c, w->a, NULL, w->c->args[0], &w->record);
    if (err == CHT_OK)
        err = cli_who_open(w->c, w->a, &w->who);
    if (err == CHT_OK)
        err = take_log(w);
    if (err != CHT_OK)
        return err;
    static const char *const titles[] = { "content", "title", "name", "url" };
    const json_t *data = cli_data_of(w->record);
    w->out = json_pack("{s:s*}", "chittyId", bridge_json_str(w->record, "chittyId"));
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (json_object_get(w->out, "title") == NULL)
            cli_json_set_text(w->out, "title", bridge_json_str(data, titles[i]));
    cli_json_set_when(w->out, "created", bridge_json_int(data, "created", 0));
    put_changes(w);
    return take_session(w);
}

/* --- for people ---------------------------------------------------------------------------- */

static void put_name(struct why *w, const char *name)
{
    cli_put_cell(&w->c->out, cht_bytes_str(name), 10);
}

static void put_made(struct why *w)
{
    struct cli_out *out = &w->c->out;
    const json_t *entry = json_array_get(w->log, json_array_size(w->log) - 1);
    const json_t *made = json_object_get(w->out, "made");
    if (made == NULL)
        return;
    put_name(w, "made");
    cli_put_ago(out, w->c->now_ms, bridge_json_int(entry, "stamp", 0));
    cli_put_text(out, " by ");
    cli_put_who(out, made);
    cli_put_char(out, '\n');
}

static void put_origin(struct why *w)
{
    struct cli_out *out = &w->c->out;
    const json_t *session = json_object_get(w->out, "session");
    const json_t *origin = json_object_get(w->out, "origin");
    const char *title = bridge_json_str(session, "title");
    if (session != NULL) {
        put_name(w, "session");
        cli_put_line_of(out, title != NULL ? title : bridge_json_str(session, "sessionId"));
        cli_put_text(out, " (");
        cli_put_line_of(out, bridge_json_str(session, "state"));
        if (bridge_json_str(session, "deviceName") != NULL) {
            cli_put_text(out, ", ");
            cli_put_line_of(out, bridge_json_str(session, "deviceName"));
        }
        cli_put_text(out, ")\n");
    }
    if (bridge_json_str(origin, "tool") != NULL) {
        put_name(w, "tool");
        cli_put_line_of(out, bridge_json_str(origin, "tool"));
        cli_put_char(out, '\n');
    }
}

static void put_said(struct why *w)
{
    const char *said = bridge_json_str(w->out, "prompt");
    struct claude_lines lines = { cht_bytes_str(said == NULL ? "" : said) };
    struct cht_bytes line;
    for (unsigned i = 0; i < PROMPT_LINES && claude_line_next(&lines, &line); i++) {
        put_name(w, i == 0 ? "prompt" : "");
        cli_put_line(&w->c->out, line);
        cli_put_char(&w->c->out, '\n');
    }
    if (said == NULL && bridge_json_str(json_object_get(w->out, "origin"), "prompt") != NULL) {
        put_name(w, "prompt");
        cli_put_text(&w->c->out, "(what was said is not on this machine)\n");
    }
}

static void put_changed(struct why *w)
{
    struct cli_out *out = &w->c->out;
    size_t i, k;
    json_t *change, *field;
    json_array_foreach(json_object_get(w->out, "changes"), i, change)
    {
        const char *status = bridge_json_str(change, "status");
        put_name(w, i == 0 ? "changed" : "");
        cli_put_ago(out, w->c->now_ms, bridge_json_int(json_array_get(w->log, i), "stamp", 0));
        cli_put_text(out, "  ");
        json_array_foreach(json_object_get(change, "fields"), k, field)
        {
            cli_put_text(out, k == 0 ? "" : ", ");
            cli_put_line_of(out, json_string_value(field));
            if (status != NULL && strcmp(json_string_value(field), "status") == 0) {
                cli_put_char(out, '=');
                cli_put_line_of(out, status);
            }
        }
        cli_put_text(out, "  by ");
        cli_put_who(out, change);
        cli_put_char(out, '\n');
    }
}

static void put(struct why *w)
{
    put_name(w, "what");
    cli_put_line_of(&w->c->out, bridge_json_str(w->out, "title"));
    cli_put_char(&w->c->out, '\n');
    put_made(w);
    put_origin(w);
    put_said(w);
    put_changed(w);
}

static enum cht_err run(struct cli_context *c)
{
    struct why w = { .c = c };
    const enum cht_err err = gather(&w);
    if (err == CHT_OK && c->json)
        cli_json_tree(c, c->command->kind, json_incref(w.out));
    else if (err == CHT_OK)
        put(&w);
    json_decref(w.out);
    json_decref(w.log);
    json_decref(w.record);
    cli_who_close(&w.who);
    agent_close(w.a);
    return err;
}

const struct cli_command cli_why = {
    .name = "why",
    .summary = "Where a record comes from: which session, on which prompt, and who changed it.",
    .arguments = "ID",
    .details = "What the person said is told where the session's transcript is on this machine or "
               "was shared. The changes are the newest fifty; `chitty log` has all of them.",
    .group = CLI_INSPECT,
    .kind = "why",
    .pages = true,
    .examples = "chitty why 01HXW3K9\n"
                "chitty why \"Water the peas\" --json",
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
