/* chitty session context: what another session, or another model, needs to go on. */
#include "bridges/claude/recent.h"
#include "cli/base/transcripts.h"
#include "cli/commands.h"

struct extracting {
    struct cli_context *c;
    struct agent *a;
    struct cli_sessions found;
    struct cli_transcript transcript;
};

static enum cht_err gather(struct extracting *x, json_t **out)
{
    uint64_t messages = 0;
    const bool whole = cli_flag(x->c, "whole") != NULL;
    enum cht_err err = cli_flag_uint(x->c, "messages", 1, 1000, CLAUDE_RECENT_MESSAGES, &messages);
    if (err == CHT_OK)
        err = cli_agent_open(x->c, &x->a);
    if (err == CHT_OK)
        err = cli_sessions_gather(x->c, x->a, "", true, x->c->args[0], &x->found);
    if (err != CHT_OK)
        return err;
    const struct cli_session *s = &x->found.list[0];
    cli_transcript_look(s, &x->transcript);
    err = x->transcript.from == CLI_TRANSCRIPT_HERE ? cli_transcript_read(x->c, &x->transcript)
                                                    : cli_transcript_fetch(x->c, s, &x->transcript);
    if (err == CHT_E_NOTFOUND)
        err = cli_transcript_missing(x->c, x->a, s);
    if (err != CHT_OK)
        return err;
    *out = claude_recent(cht_buf_view(&x->transcript.text), (unsigned)messages, !whole);
    if (*out == NULL)
        return cli_agent_memory(x->c, CHT_OK);
    cli_json_set_text(*out, "chittyId", s->id);
    return CHT_OK;
}

static void put(struct cli_context *c, const json_t *data)
{
    struct cli_out *out = &c->out;
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(data, "messages"), i, one)
    {
        cli_put_style(out, CLI_BOLD);
        cli_put_line_of(out, bridge_json_str(one, "role"));
        cli_put_style(out, CLI_DIM);
        cli_put_text(out, "  ");
        cli_put_line_of(out, bridge_json_str(one, "at"));
        cli_put_style(out, CLI_PLAIN);
        cli_put_char(out, '\n');
        struct claude_lines lines = { cht_bytes_str(bridge_json_str(one, "text")) };
        struct cht_bytes line;
        while (claude_line_next(&lines, &line)) {
            cli_put_text(out, "  ");
            cli_put_line(out, line);
            cli_put_char(out, '\n');
        }
    }
    json_array_foreach(json_object_get(data, "files"), i, one)
    {
        cli_put_text(out, i == 0 ? "files:\n  " : "  ");
        cli_put_cell_of(out, bridge_json_str(one, "action"), 7);
        cli_put_line_of(out, bridge_json_str(one, "path"));
        cli_put_char(out, '\n');
    }
}

static enum cht_err run(struct cli_context *c)
{
    struct extracting x = { .c = c };
    json_t *data = NULL;
    const enum cht_err err = gather(&x, &data);
    if (err == CHT_OK && c->json)
        cli_json_tree(c, c->command->kind, json_incref(data));
    else if (err == CHT_OK)
        put(c, data);
    json_decref(data);
    cli_transcript_clear(&x.transcript);
    cli_sessions_clear(&x.found);
    agent_close(x.a);
    return err;
}

static const struct cli_flag flags[] = {
    { "messages", "N", "the last N of what was said; usually 10" },
    { "whole", NULL, "with secrets" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_session_context = {
    .name = "context",
    .summary = "What was said last in a session, and the files it has in hand.",
    .arguments = "ID",
    .details = "For another session or another model to go on from: the last messages of the "
               "person and of the model, without what tools answered and without secrets, and the "
               "files that were read or changed, the last touched first. From the transcript on "
               "this machine, else from the one that was shared.",
    .group = CLI_RECORDS,
    .kind = "session-context",
    .pages = true,
    .examples = "chitty session context \"fix the pump\"\n"
                "chitty session context SESSION-4F2KJ5ZK --messages 4 --json",
    .args_min = 1,
    .args_max = 1,
    .flags = flags,
    .run = run,
};
