/* chitty context share: a session's context, written down for the others. */
#include "bridges/claude/recent.h"
#include "cli/base/shared_context.h"
#include "cli/base/transcripts.h"
#include "cli/commands.h"
#include "crdt/limits.h"

#include <stdio.h>

struct sharing {
    struct cli_context *c;
    struct agent *a;
    struct cli_sessions found;
    const struct cli_session *s;
    struct cli_transcript transcript;
    json_t *shared, *recent;
};

/* What was said last: where the project shares transcripts, and they are at hand. */
static enum cht_err take_recent(struct sharing *x)
{
    enum claude_sharing sharing = CLAUDE_SHARE_OFF;
    const char *project = bridge_json_str(x->s->data, "project");
    enum cht_err err =
        claude_sharing_of(x->a, project == NULL ? "" : project, &x->c->fault, &sharing);
    if (err != CHT_OK || sharing == CLAUDE_SHARE_OFF)
        return err;
    cli_transcript_look(x->s, &x->transcript);
    err = x->transcript.from == CLI_TRANSCRIPT_HERE
              ? cli_transcript_read(x->c, &x->transcript)
              : cli_transcript_fetch(x->c, x->s, &x->transcript);
    if (err != CHT_OK) {
        x->c->fault = (struct node_fault){ 0 };
        return CHT_OK;
    }
    x->recent = claude_recent(cht_buf_view(&x->transcript.text), CLAUDE_RECENT_MESSAGES,
                              sharing == CLAUDE_SHARE_REDACTED);
    return CHT_OK;
}

/* The last messages as a text; what does not fit is left out from the beginning. */
static void put_messages(const json_t *messages, struct cht_buf *out)
{
    size_t from = json_array_size(messages), room = LIMIT_TEXT_BYTES / 2;
    while (from > 0) {
        const char *text = bridge_json_str(json_array_get(messages, from - 1), "text");
        const size_t len = text == NULL ? 0 : strlen(text) + 16;
        if (len > room)
            break;
        room -= len;
        from--;
    }
    for (; from < json_array_size(messages); from++) {
        const json_t *one = json_array_get(messages, from);
        const char *role = bridge_json_str(one, "role"), *text = bridge_json_str(one, "text");
        if (role == NULL || text == NULL || cht_buf_add(out, cht_bytes_str(role)) != CHT_OK ||
            cht_buf_add(out, cht_bytes_str(": ")) != CHT_OK ||
            cht_buf_add(out, cht_bytes_str(text)) != CHT_OK || cht_buf_add_u8(out, '\n') != CHT_OK)
            return;
    }
}

static void add_files(json_t *entities, const json_t *files)
{
    size_t i;
    json_t *file;
    json_array_foreach(files, i, file)
    {
        const char *path = bridge_json_str(file, "path");
        if (path != NULL && strlen(path) < LIMIT_KEY_BYTES - 8 &&
            json_object_get(entities, path) == NULL)
            (void)json_object_set_new(
                entities, path,
                json_pack("{s:s, s:s*}", "kind", "file", "note", bridge_json_str(file, "action")));
    }
}

static json_t *data_of(struct sharing *x)
{
    const json_t *last = json_array_get(json_object_get(x->shared, "checkpoints"), 0);
    json_t *points = json_array(), *entities = json_object();
    json_t *data = json_pack("{s:s, s:s, s:{s:[s]}}", "type", "session", "session", x->s->id,
                             "sources", "add", x->s->id);
    struct cht_buf text;
    for (size_t i = 0; i < x->c->given_count; i++)
        if (x->c->given[i].flag != NULL && strcmp(x->c->given[i].flag->name, "point") == 0)
            (void)json_array_append_new(points, json_string(x->c->given[i].value));
    if (bridge_json_str(last, "title") != NULL)
        (void)json_array_append_new(points, json_string(bridge_json_str(last, "title")));
    (void)json_object_set_new(data, "key_points", json_pack("{s:o}", "add", points));
    cli_json_set_text(data, "summary", bridge_json_str(last, "summary"));
    add_files(entities, json_object_get(x->recent, "files"));
    add_files(entities, json_object_get(x->shared, "files"));
    (void)json_object_set_new(data, "entities", entities);
    cht_buf_init(&text, LIMIT_TEXT_BYTES);
    put_messages(json_object_get(x->recent, "messages"), &text);
    if (text.len > 0)
        (void)json_object_set_new(data, "text", json_stringn((const char *)text.data, text.len));
    cht_buf_clear(&text);
    return data;
}

static enum cht_err share(struct sharing *x, json_t **out)
{
    char title[AGENT_NAME_MAX];
    const char *named = cli_flag(x->c, "title");
    const char *project = bridge_json_str(x->s->data, "project");
    enum cht_err err = cli_shared_context(x->c, x->a, "", x->s->id, &x->shared);
    if (err == CHT_OK)
        err = take_recent(x);
    if (err != CHT_OK)
        return err;
    (void)snprintf(title, sizeof title, "%s", named != NULL ? named : cli_session_name(x->s));
    agent_project_set(x->a, project == NULL ? "" : project);
    return cli_agent_fail(x->c, x->a, agent_context_put(x->a, title, data_of(x), NULL, out));
}

static enum cht_err gather(struct sharing *x, json_t **out)
{
    enum cht_err err = cli_agent_open(x->c, &x->a);
    const char *only = x->c->arg_count > 0 ? x->c->args[0] : NULL;
    if (err == CHT_OK && only == NULL)
        only = agent_session(x->a);
    if (err == CHT_OK && only[0] == '\0')
        err = node_fault_set(&x->c->fault, CHT_E_INVALID, cht_bytes_str("ID"),
                             "of which session? None runs here");
    if (err == CHT_OK)
        err = cli_sessions_gather(x->c, x->a, "", true, only, &x->found);
    if (err != CHT_OK)
        return err;
    x->s = &x->found.list[0];
    return share(x, out);
}

static enum cht_err run(struct cli_context *c)
{
    struct sharing x = { .c = c };
    json_t *result = NULL;
    const enum cht_err err = gather(&x, &result);
    if (err == CHT_OK && c->json) {
        cli_json_tree(c, c->command->kind, json_incref(result));
    } else if (err == CHT_OK) {
        cli_put_line_of(&c->out, bridge_json_str(result, "chittyId"));
        cli_put_char(&c->out, '\n');
    }
    json_decref(result);
    json_decref(x.shared);
    json_decref(x.recent);
    cli_transcript_clear(&x.transcript);
    cli_sessions_clear(&x.found);
    agent_close(x.a);
    return err;
}

static const struct cli_flag flags[] = {
    { "point", "TEXT", "something to remember of it; may be given several times" },
    { "title", "TITLE", "call it so; else as the session is called" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_context_share = {
    .name = "share",
    .summary = "Write down what a session knows, for sessions everywhere.",
    .arguments = "[SESSION]",
    .details = "A context with its last checkpoint, its files and the points given; where its "
               "project shares transcripts also the last ten messages, without secrets unless the "
               "project says `whole`. Said again it is the same context, brought up to date. "
               "Without SESSION: of the one that this runs in.",
    .group = CLI_RECORDS,
    .kind = "change",
    .examples = "chitty context share --point \"the pump needs 12 V\"\n"
                "chitty context share \"fix the pump\"",
    .args_max = 1,
    .flags = flags,
    .run = run,
};
