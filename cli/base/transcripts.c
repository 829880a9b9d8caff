/* The transcript of a session; see transcripts.h. */
#include "cli/base/transcripts.h"

#include "bridges/claude/transcript_file.h"
#include "cli/base/request.h"

void cli_transcript_look(const struct cli_session *s, struct cli_transcript *out)
{
    const char *key = bridge_json_str(s->data, "session_id");
    *out = (struct cli_transcript){ .from = CLI_TRANSCRIPT_NONE };
    cht_buf_init(&out->text, CLAUDE_FILE_BYTES);
    if (key != NULL && claude_session_good(key) &&
        claude_transcript_find(key, NULL, out->path) == CHT_OK)
        out->from = CLI_TRANSCRIPT_HERE;
}

enum cht_err cli_transcript_read(struct cli_context *c, struct cli_transcript *out)
{
    return claude_transcript_load(out->path, &c->fault, &out->text);
}

void cli_transcript_clear(struct cli_transcript *t)
{
    cht_buf_clear(&t->text);
    t->from = CLI_TRANSCRIPT_NONE;
}

/* --- what was shared (LOCAL 7.3) ----------------------------------------------------------- */

static enum cht_err take_chunk(void *ctx, const struct node_msg *m)
{
    struct cht_buf *text = ctx;
    const struct cht_bytes chunk = node_mp_get(m->payload, "chunk");
    const struct cht_bytes data = node_mp_get(chunk, "data");
    if (m->type != NODE_MSG_EVENT || chunk.len == 0)
        return CHT_OK;
    if (node_mp_kind(data) != CRDT_MP_BIN ||
        node_mp_get_uint(chunk, "offset", UINT64_MAX) != text->len)
        return CHT_E_MALFORMED;
    return cht_buf_add(text, crdt_mp_peek(data).data);
}

static enum cht_err get(struct cli_context *c, const char *id, struct cht_buf *text)
{
    struct cli_request r;
    enum cht_err err = cli_command_begin(c, "blob-get", 2, &r);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "chittyId", id);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&r.message, "name", CLAUDE_ATTACHMENT);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, false, take_chunk, text);
    cli_request_clear(&r);
    return cli_fail(c, err);
}

enum cht_err cli_transcript_fetch(struct cli_context *c, const struct cli_session *s,
                                  struct cli_transcript *out)
{
    const json_t *files = json_object_get(s->data, "attachments");
    if (json_object_get(files, CLAUDE_ATTACHMENT) == NULL)
        return node_fault_set(&c->fault, CHT_E_NOTFOUND, cht_bytes(NULL, 0),
                              "the transcript of the session was not shared");
    cht_buf_reset(&out->text);
    enum cht_err err = get(c, s->id, &out->text);
    /* a damaged one was set aside before a byte of it came: now it is fetched */
    if (err == CHT_E_CORRUPT && c->fault.answered && out->text.len == 0) {
        c->fault = (struct node_fault){ 0 };
        err = get(c, s->id, &out->text);
    }
    if (err == CHT_OK)
        out->from = CLI_TRANSCRIPT_SHARED;
    return err;
}

enum cht_err cli_transcript_missing(struct cli_context *c, struct agent *a,
                                    const struct cli_session *s)
{
    enum claude_sharing sharing = CLAUDE_SHARE_OFF;
    const char *project = bridge_json_str(s->data, "project");
    const struct agent_short brief = agent_short(project == NULL ? "" : project);
    enum cht_err err = claude_sharing_of(a, project == NULL ? "" : project, &c->fault, &sharing);
    if (err != CHT_OK)
        return err;
    if (sharing != CLAUDE_SHARE_OFF) {
        (void)node_fault_set(&c->fault, CHT_E_NOTFOUND, cht_bytes_str("transcript"),
                             "the transcript of the session was not shared yet");
        node_fault_hint(&c->fault, "it is when the session ends or is compacted on %.80s",
                        s->deviceName == NULL ? "its device" : s->deviceName);
        return CHT_E_NOTFOUND;
    }
    (void)node_fault_set(&c->fault, CHT_E_DENIED, cht_bytes_str("transcripts"),
                         project == NULL ? "the session belongs to no project, so its transcript "
                                           "was not shared"
                                         : "its project does not share transcripts");
    if (project != NULL)
        node_fault_hint(&c->fault,
                        "chitty project update %s --transcripts redacted (or whole) allows it",
                        brief.text);
    return CHT_E_DENIED;
}
