/* The transcript of a session, shared; see share.h. */
#include "bridges/claude/share.h"

#include "bridges/claude/transcript_file.h"
#include "crdt/hash.h"
#include "crdt/limits.h"

#include <sodium.h>
#include <stdio.h>
#include <time.h>

#define PIECE_BYTES (512u * 1024u)

/* --- what the project says ----------------------------------------------------------------- */

/* What a request said goes where everything else is told. */
static enum cht_err pass_on(const struct agent *a, enum cht_err err, struct node_fault *fault)
{
    if (err != CHT_OK && fault != NULL)
        *fault = *agent_fault(a);
    return err;
}

enum cht_err claude_sharing_of(struct agent *a, const char *project, struct node_fault *fault,
                               enum claude_sharing *out)
{
    json_t *records = NULL;
    *out = CLAUDE_SHARE_OFF;
    if (project[0] == '\0')
        return CHT_OK;
    enum cht_err err = agent_query(
        a, json_pack("{s:s, s:{s:s}}", "operation", "get", "entity", "chittyId", project),
        &records);
    const char *word =
        bridge_json_str(json_object_get(json_array_get(records, 0), "data"), "transcripts");
    if (err == CHT_OK && word != NULL && strcmp(word, "redacted") == 0)
        *out = CLAUDE_SHARE_REDACTED;
    else if (err == CHT_OK && word != NULL && strcmp(word, "whole") == 0)
        *out = CLAUDE_SHARE_WHOLE;
    json_decref(records);
    return pass_on(a, err, fault);
}

static enum cht_err refuse(const struct agent *a, struct node_fault *fault)
{
    if (agent_project(a)[0] == '\0') {
        (void)node_fault_set(fault, CHT_E_DENIED, cht_bytes_str("transcripts"),
                             "the session belongs to no project, so its transcript is not shared");
        node_fault_hint(fault, "`chitty init` makes its folder a project");
    } else {
        const struct agent_short id = agent_short(agent_project(a));
        (void)node_fault_set(fault, CHT_E_DENIED, cht_bytes_str("transcripts"),
                             "its project does not share transcripts");
        node_fault_hint(
            fault, "chitty project update %s --transcripts redacted (or whole) allows it", id.text);
    }
    return CHT_E_DENIED;
}

/* --- a text into the node (LOCAL 7.2) ------------------------------------------------------ */

struct upload {
    struct node_client *node;
    struct node_fault *fault;
    uint64_t number;
    char blob[65];
};

static enum cht_err each(void *ctx, const struct node_msg *m)
{
    struct upload *u = ctx;
    const struct cht_bytes result = node_mp_get(m->payload, "result");
    const struct cht_bytes blob = node_mp_get_str(result, "blob");
    u->number = node_mp_get_uint(result, "upload", u->number);
    if (blob.len == sizeof u->blob - 1)
        memcpy(u->blob, blob.data, blob.len);
    return CHT_OK;
}

/* One of the three commands: `size` or `piece`, or with neither the end. */
static enum cht_err command(struct upload *u, const char *name, const uint64_t *size,
                            struct cht_bytes piece)
{
    char id[NODE_REQUEST_ID_MAX];
    struct cht_buf b;
    cht_buf_init(&b, LIMIT_CLIENT_BYTES);
    enum cht_err err = node_request_begin("hook", NULL, NODE_MSG_COMMAND, &b, id);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&b, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&b, "name", name);
    if (err == CHT_OK)
        err = node_mp_put_text(&b, "args");
    if (err == CHT_OK)
        err = crdt_mp_put_map(&b, piece.len > 0 ? 2 : 1);
    if (err == CHT_OK)
        err = size != NULL ? node_mp_put_key_uint(&b, "size", *size)
                           : node_mp_put_key_uint(&b, "upload", u->number);
    if (err == CHT_OK && piece.len > 0)
        err = node_mp_put_text(&b, "data");
    if (err == CHT_OK && piece.len > 0)
        err = crdt_mp_put_bin(&b, piece);
    if (err == CHT_OK)
        err = node_client_call(u->node, cht_buf_view(&b), false, each, u, u->fault);
    else
        err = node_fault_from(u->fault, err, NULL);
    cht_buf_clear(&b);
    return err;
}

static enum cht_err upload(struct cht_bytes text, struct node_fault *fault)
{
    const struct node_client_options options = { .no_start = false };
    struct upload u = { .fault = fault };
    const uint64_t size = text.len;
    enum cht_err err = node_client_open(&options, fault, &u.node);
    if (err == CHT_OK)
        err = command(&u, "blob-begin", &size, cht_bytes(NULL, 0));
    for (size_t at = 0; err == CHT_OK && at < text.len; at += PIECE_BYTES) {
        const size_t len = text.len - at < PIECE_BYTES ? text.len - at : PIECE_BYTES;
        err = command(&u, "blob-put", NULL, cht_bytes(text.data + at, len));
    }
    if (err == CHT_OK)
        err = command(&u, "blob-end", NULL, cht_bytes(NULL, 0));
    node_client_close(u.node);
    return err;
}

/* --- sharing ------------------------------------------------------------------------------- */

static void name_blob(struct cht_bytes text, char out[static 65])
{
    struct crdt_hash hash; /* PROTOCOL 12.1 */
    (void)crypto_generichash(hash.b, sizeof hash.b, text.data, text.len, NULL, 0);
    crdt_hex(cht_bytes(hash.b, sizeof hash.b), out);
}

/* Is this content attached already? */
static enum cht_err is_attached(struct agent *a, const char *blob, struct node_fault *fault,
                                bool *out)
{
    json_t *records = NULL;
    enum cht_err err = agent_query(
        a, json_pack("{s:s, s:{s:s}}", "operation", "get", "entity", "chittyId", agent_session(a)),
        &records);
    json_t *files =
        json_object_get(json_object_get(json_array_get(records, 0), "data"), "attachments");
    const char *there = bridge_json_str(json_object_get(files, CLAUDE_ATTACHMENT), "blob");
    *out = err == CHT_OK && there != NULL && strcmp(there, blob) == 0;
    json_decref(records);
    return pass_on(a, err, fault);
}

static enum cht_err attach(struct agent *a, const struct claude_shared *s, struct node_fault *fault)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    const json_int_t now_ms = (json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    const enum cht_err err = agent_change(
        a,
        json_pack("{s:s, s:s, s:{s:s, s:{s:{s:{s:s, s:I, s:s, s:I}}}}}", "operation", "update",
                  "domain", "sessions", "entity", "chittyId", agent_session(a), "data",
                  "attachments", CLAUDE_ATTACHMENT, "blob", s->blob, "size", (json_int_t)s->bytes,
                  "type", "application/x-ndjson", "added", now_ms),
        NULL, NULL);
    return pass_on(a, err, fault);
}

static enum cht_err share(struct agent *a, struct cht_bytes slice, struct node_fault *fault,
                          struct claude_shared *out)
{
    bool there = false;
    name_blob(slice, out->blob);
    out->bytes = slice.len;
    enum cht_err err = is_attached(a, out->blob, fault, &there);
    if (err == CHT_OK && !there)
        err = upload(slice, fault);
    if (err == CHT_OK && !there)
        err = attach(a, out, fault);
    out->written = err == CHT_OK && !there;
    return err;
}

/* The slice of the file, as the project has it. */
static enum cht_err read_slice(const char *path, bool redact, struct node_fault *fault,
                               struct cht_buf *out, struct claude_slice *told)
{
    struct cht_buf text;
    cht_buf_init(&text, CLAUDE_FILE_BYTES);
    enum cht_err err = claude_transcript_load(path, fault, &text);
    if (err == CHT_OK) {
        err = claude_transcript_slice(cht_buf_view(&text), redact, out, told);
        if (err != CHT_OK)
            err = node_fault_from(fault, err, NULL);
    }
    cht_buf_clear(&text);
    if (err == CHT_OK && out->len == 0)
        err = node_fault_set(fault, CHT_E_NOTFOUND, cht_bytes(NULL, 0),
                             "nothing was said in %.150s yet", path);
    return err;
}

enum cht_err claude_transcript_share(struct agent *a, const char *path, struct node_fault *fault,
                                     struct claude_shared *out)
{
    struct claude_shared told = { .written = false };
    enum claude_sharing sharing = CLAUDE_SHARE_OFF;
    struct cht_buf slice;
    cht_buf_init(&slice, 4 * (size_t)CLAUDE_SLICE_BYTES);
    enum cht_err err = claude_sharing_of(a, agent_project(a), fault, &sharing);
    if (err == CHT_OK && sharing == CLAUDE_SHARE_OFF)
        err = refuse(a, fault);
    if (err == CHT_OK)
        err = read_slice(path, sharing == CLAUDE_SHARE_REDACTED, fault, &slice, &told.slice);
    if (err == CHT_OK)
        err = share(a, cht_buf_view(&slice), fault, &told);
    cht_buf_clear(&slice);
    if (err == CHT_OK)
        *out = told;
    return err;
}
