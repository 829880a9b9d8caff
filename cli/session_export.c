/* chitty session export: everything of a session as one document. */
#include "bridges/claude/transcript_file.h"
#include "cli/base/json.h"
#include "cli/base/transcripts.h"
#include "cli/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EACH_MAX 1000u

struct exporting {
    struct cli_context *c;
    struct agent *a;
    struct cli_sessions found;
    const struct cli_session *s;
    struct cli_transcript transcript;
};

/* --- what was said ------------------------------------------------------------------------- */

/* Lines of a slice as values. */
static json_t *lines_of(struct cht_bytes text)
{
    struct claude_lines lines = { text };
    struct cht_bytes line;
    json_t *out = json_array();
    while (claude_line_next(&lines, &line)) {
        json_t *one = json_loadb((const char *)line.data, line.len, 0, NULL);
        if (one != NULL)
            (void)json_array_append_new(out, one);
    }
    return out;
}

/* A file of this machine is shared with the others as it is now; what is exported is what was
 * shared: the slice, as its project allows it. */
static enum cht_err share(struct exporting *x)
{
    const struct agent_options options = { .program = "cli",
                                           .session_id =
                                               bridge_json_str(x->s->data, "session_id") };
    const char *project = bridge_json_str(x->s->data, "project");
    struct claude_shared shared;
    struct agent *a = NULL;
    enum cht_err err = agent_open(&options, &x->c->fault, &a);
    if (err != CHT_OK)
        return err;
    agent_project_set(a, project == NULL ? "" : project);
    err = claude_transcript_share(a, x->transcript.path, &x->c->fault, &shared);
    agent_close(a);
    return err;
}

/* After it was shared the record says so. */
static enum cht_err look_again(struct exporting *x)
{
    char id[CRDT_ID_TEXT_MAX];
    (void)snprintf(id, sizeof id, "%s", x->s->id);
    cli_sessions_clear(&x->found);
    const enum cht_err err = cli_sessions_gather(x->c, x->a, "", true, id, &x->found);
    x->s = err == CHT_OK ? &x->found.list[0] : NULL;
    return err;
}

static enum cht_err take_transcript(struct exporting *x)
{
    cli_transcript_look(x->s, &x->transcript);
    enum cht_err err = CHT_OK;
    if (x->transcript.from == CLI_TRANSCRIPT_HERE && x->s->here) {
        err = share(x);
        if (err == CHT_OK)
            err = look_again(x);
    }
    if (err != CHT_OK)
        return err;
    err = cli_transcript_fetch(x->c, x->s, &x->transcript);
    return err == CHT_E_NOTFOUND ? cli_transcript_missing(x->c, x->a, x->s) : err;
}

/* --- the document -------------------------------------------------------------------------- */

/* A record as it is read again: without what its links are called. */
static json_t *plain(const json_t *record)
{
    json_t *out = json_copy((json_t *)(uintptr_t)record);
    (void)json_object_del(out, "titles");
    return out;
}

static enum cht_err add_list(struct exporting *x, json_t *out, const char *name, const char *domain,
                             const char *field, const char *sort)
{
    json_t *list = NULL, *where = json_pack("[o]", cli_where(field, "is", json_string(x->s->id)));
    const enum cht_err err = cli_list_of(x->c, x->a, domain, where, sort, EACH_MAX, &list);
    json_t *plain_list = json_array(), *record;
    size_t i;
    json_array_foreach(list, i, record)(void) json_array_append_new(plain_list, plain(record));
    (void)json_object_set_new(out, name, plain_list);
    json_decref(list);
    return err;
}

static enum cht_err gather(struct exporting *x, json_t *out)
{
    const char *project = bridge_json_str(x->s->data, "project");
    const json_t *files = json_object_get(x->s->data, "files");
    json_t *record = NULL;
    enum cht_err err = add_list(x, out, "todos", "todos", "session", "created");
    if (err == CHT_OK)
        err = add_list(x, out, "checkpoints", "checkpoints", "session", "created");
    if (err == CHT_OK)
        err = add_list(x, out, "contexts", "contexts", "session", "created");
    if (err == CHT_OK)
        err = add_list(x, out, "messages", "messages", "session", "created");
    if (err == CHT_OK && project != NULL)
        err = cli_get_of(x->c, x->a, "projects", project, &record);
    if (record != NULL)
        (void)json_object_set_new(out, "project", plain(record));
    json_decref(record);
    (void)json_object_set_new(out, "session", plain(x->s->record));
    (void)json_object_set_new(out, "now", cli_session_tree(x->s));
    (void)json_object_set_new(out, "files", files == NULL ? json_object() : json_deep_copy(files));
    cli_json_set_when(out, "exported", (json_int_t)x->c->now_ms);
    return err;
}

static enum cht_err make(struct exporting *x, json_t *out)
{
    enum cht_err err = cli_agent_open(x->c, &x->a);
    if (err == CHT_OK)
        err = cli_sessions_gather(x->c, x->a, "", true, x->c->args[0], &x->found);
    if (err != CHT_OK)
        return err;
    x->s = &x->found.list[0];
    if (cli_flag(x->c, "transcript") != NULL)
        err = take_transcript(x);
    if (err == CHT_OK)
        err = gather(x, out);
    if (err == CHT_OK && x->transcript.from == CLI_TRANSCRIPT_SHARED)
        (void)json_object_set_new(out, "transcript", lines_of(cht_buf_view(&x->transcript.text)));
    return err;
}

/* --- to a file ----------------------------------------------------------------------------- */

static int put_piece(const char *text, size_t len, void *ctx)
{
    const int *fd = ctx;
    while (len > 0) {
        const ssize_t got = write(*fd, text, len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -1;
        text += got;
        len -= (size_t)got;
    }
    return 0;
}

/* It holds what was said: for the user alone. It gets its name when it is whole. */
static enum cht_err write_file(struct cli_context *c, const char *path, json_t *data)
{
    char beside[NODE_PATH_MAX + 16];
    json_t *whole =
        json_pack("{s:i, s:s, s:O}", "schemaVersion", 1, "kind", c->command->kind, "data", data);
    if (strlen(path) >= NODE_PATH_MAX || whole == NULL) {
        json_decref(whole);
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("to"),
                              "the file's name is too long");
    }
    (void)snprintf(beside, sizeof beside, "%s.XXXXXX", path);
    int fd = mkstemp(beside);
    bool good = fd >= 0 && json_dump_callback(whole, put_piece, &fd, JSON_COMPACT) == 0 &&
                put_piece("\n", 1, &fd) == 0 && fsync(fd) == 0;
    const bool same = !good || cli_flag(c, "force") != NULL;
    good = good && (same ? rename(beside, path) == 0 : link(beside, path) == 0);
    const int sys = errno;
    if (fd >= 0 && (!good || !same))
        (void)unlink(beside);
    if (fd >= 0)
        (void)close(fd);
    json_decref(whole);
    if (good)
        return CHT_OK;
    (void)node_fault_set(&c->fault, sys == EEXIST ? CHT_E_EXISTS : CHT_E_IO, cht_bytes_str("to"),
                         "%.160s cannot be written: %s", path, strerror(sys));
    if (sys == EEXIST)
        node_fault_hint(&c->fault, "--force replaces it");
    return c->fault.error.code;
}

static enum cht_err run(struct cli_context *c)
{
    const char *to = cli_flag(c, "to");
    struct exporting *x = calloc(1, sizeof *x);
    json_t *out = json_object();
    if (x == NULL || out == NULL) {
        free(x);
        json_decref(out);
        return cli_agent_memory(c, CHT_OK);
    }
    x->c = c;
    enum cht_err err = make(x, out);
    if (err == CHT_OK && to != NULL && strcmp(to, "-") != 0)
        err = write_file(c, to, out);
    else if (err == CHT_OK)
        cli_json_tree(c, c->command->kind, json_incref(out));
    json_decref(out);
    cli_transcript_clear(&x->transcript);
    cli_sessions_clear(&x->found);
    agent_close(x->a);
    free(x);
    return err;
}

static const struct cli_flag flags[] = {
    { "transcript", NULL, "with what was said, as the project shares it" },
    { "to", "FILE", "write it there; - is standard output" },
    { "force", NULL, "replace the file if there is one" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_session_export = {
    .name = "export",
    .summary = "All of a session as one JSON document.",
    .arguments = "ID",
    .details = "Its record, its project, and the todos, checkpoints, contexts, messages and files "
               "that belong to it. With --transcript also what was said, where its project shares "
               "that: a transcript of this machine is shared as it is now, without secrets unless "
               "the project says `whole`.",
    .group = CLI_RECORDS,
    .kind = "session-export",
    .examples = "chitty session export SESSION-4F2KJ5ZK > session.json\n"
                "chitty session export \"fix the pump\" --transcript --to pump.json",
    .args_min = 1,
    .args_max = 1,
    .flags = flags,
    .run = run,
};
