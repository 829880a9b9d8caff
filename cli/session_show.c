/* chitty session show: one session with what belongs to it. */
#include "cli/base/sessions.h"
#include "cli/commands.h"

#include <stdlib.h>

#define EACH_MAX 200u

struct view {
    struct cli_context *c;
    struct agent *a;
    struct cli_sessions found;
    const struct cli_session *s;
    json_t *todos, *checkpoints, *contexts, *next;
};

static enum cht_err of_session(struct view *v, const char *domain, const char *field,
                               const char *sort, json_t **out)
{
    json_t *where = json_pack("[o]", cli_where(field, "is", json_string(v->s->id)));
    return cli_list_of(v->c, v->a, domain, where, sort, EACH_MAX, out);
}

static enum cht_err gather(struct view *v)
{
    enum cht_err err = cli_sessions_gather(v->c, v->a, "", true, v->c->args[0], &v->found);
    if (err != CHT_OK)
        return err;
    v->s = &v->found.list[0];
    err = of_session(v, "todos", "session", "created", &v->todos);
    if (err == CHT_OK)
        err = of_session(v, "checkpoints", "session", "-created", &v->checkpoints);
    if (err == CHT_OK)
        err = of_session(v, "contexts", "session", "-created", &v->contexts);
    if (err == CHT_OK)
        err = of_session(v, "sessions", "continues", "-started", &v->next);
    return err;
}

/* --- as a document ------------------------------------------------------------------------- */

static json_t *brief(const json_t *records, const char *title)
{
    size_t i;
    json_t *record, *out = json_array();
    json_array_foreach(records, i, record)
    {
        json_t *one = json_pack("{s:s*}", "chittyId", bridge_json_str(record, "chittyId"));
        const json_t *data = cli_data_of(record);
        cli_json_set_text(one, "title", bridge_json_str(data, title));
        cli_json_set_text(one, "status", bridge_json_str(data, "status"));
        cli_json_set_text(one, "summary", bridge_json_str(data, "summary"));
        cli_json_set_when(one, "created", bridge_json_int(data, "created", 0));
        (void)json_array_append_new(out, one);
    }
    return out;
}

static json_t *tree(const struct view *v)
{
    json_t *out = cli_session_tree(v->s);
    const json_t *files = json_object_get(v->s->data, "files");
    cli_json_set_text(out, "summary", bridge_json_str(v->s->data, "summary"));
    (void)json_object_set_new(out, "todos", brief(v->todos, "content"));
    (void)json_object_set_new(out, "checkpoints", brief(v->checkpoints, "title"));
    (void)json_object_set_new(out, "contexts", brief(v->contexts, "title"));
    (void)json_object_set_new(out, "continuedBy", brief(v->next, "title"));
    (void)json_object_set_new(out, "files", files == NULL ? json_object() : json_deep_copy(files));
    return out;
}

/* --- for people ---------------------------------------------------------------------------- */

static void put_line(struct view *v, const char *name, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    cli_put_cell(&v->c->out, cht_bytes_str(name), 14);
    cli_put_line_of(&v->c->out, text);
    cli_put_char(&v->c->out, '\n');
}

static void put_when(struct view *v, const char *name, const char *field)
{
    const json_int_t ms = bridge_json_int(v->s->data, field, 0);
    if (ms <= 0)
        return;
    cli_put_cell(&v->c->out, cht_bytes_str(name), 14);
    cli_put_ago(&v->c->out, v->c->now_ms, ms);
    cli_put_char(&v->c->out, '\n');
}

static void put_list(struct view *v, const char *name, const json_t *records, const char *title)
{
    size_t i;
    json_t *record;
    json_array_foreach(records, i, record)
    {
        const char *id = bridge_json_str(record, "chittyId");
        const struct agent_short text = agent_short(id == NULL ? "" : id);
        const char *status = bridge_json_str(cli_data_of(record), "status");
        const char *what = bridge_json_str(cli_data_of(record), title);
        cli_put_cell(&v->c->out, cht_bytes_str(i == 0 ? name : ""), 14);
        cli_put_cell_of(&v->c->out, text.text, 20);
        cli_put_text(&v->c->out, "  ");
        if (status != NULL)
            cli_put_cell_of(&v->c->out, status, 12);
        cli_put_line_of(&v->c->out, what != NULL ? what : bridge_json_str(record, "title"));
        cli_put_char(&v->c->out, '\n');
    }
}

static void put_files(struct view *v)
{
    json_t *files = json_object_get(v->s->data, "files");
    const char *path;
    json_t *file;
    bool first = true;
    json_object_foreach(files, path, file)
    {
        cli_put_cell(&v->c->out, cht_bytes_str(first ? "files" : ""), 14);
        cli_put_cell_of(&v->c->out, bridge_json_str(file, "action"), 7);
        cli_put_line_of(&v->c->out, path);
        cli_put_text(&v->c->out, "  ");
        cli_put_ago(&v->c->out, v->c->now_ms, bridge_json_int(file, "at", 0));
        cli_put_char(&v->c->out, '\n');
        first = false;
    }
}

static void put(struct view *v)
{
    const json_t *data = v->s->data;
    const json_t *file = json_object_get(json_object_get(data, "attachments"), "transcript");
    struct agent_short room, before;
    put_line(v, "session", v->s->id);
    put_line(v, "title", bridge_json_str(data, "title"));
    put_line(v, "id there", bridge_json_str(data, "session_id"));
    put_line(v, "platform", bridge_json_str(data, "platform"));
    cli_put_cell(&v->c->out, cht_bytes_str("state"), 14);
    cli_put_style(&v->c->out, cli_state_style(v->s->state));
    cli_put_line_of(&v->c->out, v->s->state);
    cli_put_style(&v->c->out, CLI_PLAIN);
    cli_put_char(&v->c->out, '\n');
    put_line(v, "device", v->s->deviceName != NULL ? v->s->deviceName : v->s->device);
    put_line(v, "project", cli_link_title(v->s->record, "project", &room));
    put_line(v, "folder", bridge_json_str(data, "cwd"));
    put_line(v, "branch", bridge_json_str(data, "branch"));
    put_line(v, "model", bridge_json_str(data, "model"));
    put_when(v, "started", "started");
    put_when(v, "last active", "last_active");
    put_when(v, "ended", "ended");
    put_line(v, "continues", cli_link_title(v->s->record, "continues", &before));
    put_list(v, "continued by", v->next, "title");
    put_line(v, "transcript", file != NULL ? "shared" : NULL);
    put_line(v, "summary", bridge_json_str(data, "summary"));
    put_list(v, "holds", v->s->holds, "title");
    put_list(v, "todos", v->todos, "content");
    put_list(v, "checkpoints", v->checkpoints, "title");
    put_list(v, "contexts", v->contexts, "title");
    put_files(v);
}

static enum cht_err run(struct cli_context *c)
{
    struct view v = { .c = c };
    enum cht_err err = cli_agent_open(c, &v.a);
    if (err == CHT_OK)
        err = gather(&v);
    if (err == CHT_OK && c->json)
        cli_json_tree(c, c->command->kind, tree(&v));
    else if (err == CHT_OK)
        put(&v);
    json_decref(v.todos);
    json_decref(v.checkpoints);
    json_decref(v.contexts);
    json_decref(v.next);
    cli_sessions_clear(&v.found);
    agent_close(v.a);
    return err;
}

const struct cli_command cli_session_show = {
    .name = "show",
    .summary = "A session, how it is, and what belongs to it.",
    .arguments = "ID",
    .details = "ID is its id or the beginning of one, the id that its platform gave it, or its "
               "title. Its todos are those that came from it, beside those that it holds; "
               "`transcript` says that its talk can be had on other devices.",
    .group = CLI_EVERYDAY,
    .kind = "session-view",
    .pages = true,
    .examples = "chitty session show SESSION-4F2KJ5ZK\n"
                "chitty session show \"fix the pump\" --json",
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
