/* chitty session resume: go on with a session of another machine on this one.
 *
 * A session that is over, or whose transcript is of this machine, goes on under its own id: the
 * record is the same, and lives here from now on. One whose device cannot be asked goes on as a new
 * session that `continues` it, for it may still be alive there: two devices never write as one
 * session. Its claims are taken over by force then; the old one is told of it like anyone who loses
 * a claim (LOCAL 8.5). One that is at work on a connected device is left alone. */
#include "bridges/claude/handoff.h"
#include "bridges/claude/transcript_file.h"
#include "cli/base/handoff.h"
#include "cli/base/json.h"
#include "cli/base/transcripts.h"
#include "cli/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

struct resuming {
    struct cli_context *c;
    struct agent *a;    /* as whoever asks */
    struct agent *next; /* as the session that goes on */
    struct cli_sessions found;
    const struct cli_session *s;
    bool dry, fork, fresh; /* a new session; one without what was said */
    bool takes;            /* its claims */
    char key[CLAUDE_SESSION_MAX];
    struct cli_session_folder folder;
    struct cli_transcript transcript;
    char path[NODE_PATH_MAX]; /* of the transcript that is resumed */
    struct claude_landed landed;
    json_t *checkpoints, *todos, *held;
    struct cht_buf handoff;
};

/* --- how it goes on ------------------------------------------------------------------------ */

/* A UUID of version 4 (RFC 9562 5.4), as Claude Code names sessions. */
static enum cht_err draw_key(struct cli_context *c, char out[static CLAUDE_SESSION_MAX])
{
    static const char hex[] = "0123456789abcdef";
    uint8_t b[16];
    size_t at = 0;
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
        return node_fault_from(&c->fault, CHT_E_IO, NULL);
    b[6] = (uint8_t)((b[6] & 0x0F) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
    for (size_t i = 0; i < sizeof b; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        out[at++] = hex[b[i] >> 4];
        out[at++] = hex[b[i] & 15];
    }
    out[at] = '\0';
    return CHT_OK;
}

static enum cht_err refuse_alive(struct resuming *r)
{
    const uint64_t quiet_s =
        r->s->last_ms > r->c->now_ms ? 0 : (r->c->now_ms - r->s->last_ms) / 1000;
    (void)node_fault_set(&r->c->fault, CHT_E_CONFLICT, cht_bytes(NULL, 0),
                         "the session is %s on %.80s; its last sign of life was %llu s ago",
                         r->s->state, r->s->here ? "this machine" : r->s->deviceName,
                         (unsigned long long)quiet_s);
    node_fault_hint(&r->c->fault, "end it there, or --fork: a new session that goes on from it");
    return CHT_E_CONFLICT;
}

static enum cht_err decide(struct resuming *r)
{
    const char *key = bridge_json_str(r->s->data, "session_id");
    const char *platform = bridge_json_str(r->s->data, "platform");
    const bool over = strcmp(r->s->state, "ended") == 0 || strcmp(r->s->state, "crashed") == 0;
    if (platform == NULL || strcmp(platform, "claude-code") != 0)
        return node_fault_set(&r->c->fault, CHT_E_UNSUPPORTED, cht_bytes_str("platform"),
                              "the session is one of %.60s; only those of claude-code can go on",
                              platform == NULL ? "an unknown platform" : platform);
    if (key == NULL || !claude_session_good(key))
        return node_fault_set(&r->c->fault, CHT_E_INVALID, cht_bytes_str("session_id"),
                              "\"%.60s\" is no name of a session of Claude Code",
                              key == NULL ? "" : key);
    r->fresh = cli_flag(r->c, "fresh") != NULL;
    r->fork = r->fresh || cli_flag(r->c, "fork") != NULL || (!over && !r->s->connected);
    r->takes = over || !r->s->connected;
    r->dry = cli_flag(r->c, "dry-run") != NULL;
    if (!over && r->s->connected && !r->fork)
        return refuse_alive(r);
    (void)snprintf(r->key, sizeof r->key, "%s", key);
    return r->fork ? draw_key(r->c, r->key) : CHT_OK;
}

/* --- what was said ------------------------------------------------------------------------- */

/* The text to go on from: what was shared, which is the later one where the session moved before;
 * else the file of this machine. */
static enum cht_err find_text(struct resuming *r)
{
    struct cli_transcript *t = &r->transcript;
    cli_transcript_look(r->s, t);
    const bool file = t->from == CLI_TRANSCRIPT_HERE;
    enum cht_err err = cli_transcript_fetch(r->c, r->s, t);
    if (err == CHT_OK)
        return CHT_OK;
    if (file) {
        r->c->fault = (struct node_fault){ 0 };
        t->from = CLI_TRANSCRIPT_HERE;
        return cli_transcript_read(r->c, t);
    }
    if (err != CHT_E_NOTFOUND)
        return err;
    err = cli_transcript_missing(r->c, r->a, r->s);
    if (err == CHT_E_NOTFOUND || err == CHT_E_DENIED) {
        const size_t len = strlen(r->c->fault.hint);
        (void)snprintf(r->c->fault.hint + len, sizeof r->c->fault.hint - len,
                       "%s--fresh begins anew, with its todos and its last checkpoint",
                       len == 0 ? "" : "; ");
    }
    return err;
}

static enum cht_err land(struct resuming *r)
{
    struct cht_buf moved;
    cht_buf_init(&moved, 2 * CLAUDE_FILE_BYTES);
    enum cht_err err = claude_transcript_path(r->folder.cwd, r->key, &r->c->fault, r->path);
    if (err == CHT_OK) {
        err = claude_transcript_move(cht_buf_view(&r->transcript.text), r->folder.from,
                                     r->folder.to, r->fork ? r->key : NULL, &moved);
        err = err == CHT_OK ? CHT_OK : node_fault_from(&r->c->fault, err, NULL);
    }
    if (err == CHT_OK)
        err =
            claude_transcript_land(r->path, cht_buf_view(&moved), r->dry, &r->c->fault, &r->landed);
    cht_buf_clear(&moved);
    return err;
}

/* --- the records --------------------------------------------------------------------------- */

static enum cht_err gather_notes(struct resuming *r)
{
    json_t *of = json_pack("[o]", cli_where("session", "is", json_string(r->s->id)));
    json_t *open =
        json_pack("[o, o]", cli_where("session", "is", json_string(r->s->id)),
                  cli_where("status", "not", json_pack("[s,s]", "completed", "cancelled")));
    enum cht_err err = cli_list_of(r->c, r->a, "checkpoints", of, "-created", 1, &r->checkpoints);
    if (err == CHT_OK)
        return cli_list_of(r->c, r->a, "todos", open, "created", 20, &r->todos);
    json_decref(open);
    return err;
}

/* The record of the session that goes on: the same one, alive here, or a new one. */
static enum cht_err write_session(struct resuming *r, bool lives)
{
    const struct agent_options options = { .program = "cli",
                                           .session_id = r->key,
                                           .folder = r->folder.cwd };
    const struct agent_facts facts = {
        .begins = true,
        .cwd = r->folder.cwd,
        .title = r->fork ? bridge_json_str(r->s->data, "title") : NULL,
        .pid = lives ? getpid() : 0, /* Claude Code takes the place of this process */
    };
    const char *project = bridge_json_str(r->s->data, "project");
    enum cht_err err = agent_open(&options, &r->c->fault, &r->next);
    if (err != CHT_OK)
        return err;
    if (project != NULL)
        agent_project_set(r->next, project);
    err = agent_session_ensure(r->next, &facts);
    if (err == CHT_OK && r->fork)
        err = agent_change(r->next,
                           json_pack("{s:s, s:s, s:{s:s, s:{s:s}}}", "operation", "update",
                                     "domain", "sessions", "entity", "chittyId",
                                     agent_session(r->next), "data", "continues", r->s->id),
                           NULL, NULL);
    return cli_agent_fail(r->c, r->next, err);
}

static void tell_claim(struct resuming *r, const char *id, const char *title, const char *result)
{
    (void)json_array_append_new(r->held, json_pack("{s:s, s:s, s:s}", "chittyId", id, "title",
                                                   title == NULL ? "" : title, "result", result));
}

/* By force from one whose device cannot be asked; what is free by now, like anyone. */
static void take_one(struct resuming *r, const char *id, const char *title, bool force)
{
    json_t *got = NULL;
    const enum cht_err err = r->dry ? CHT_OK : agent_todo_claim(r->next, id, force, NULL, &got);
    if (err == CHT_OK)
        tell_claim(r, id, title, r->dry ? "would be held here" : "held here now");
    else
        tell_claim(r, id, title, cht_error_text(&agent_fault(r->next)->error));
    json_decref(got);
}

/* Those that it holds still; of one that is over, whose claims went with it, the open ones that its
 * last checkpoint names. */
static void take_claims(struct resuming *r)
{
    size_t i;
    json_t *one;
    r->held = json_array();
    json_array_foreach(r->s->holds, i, one)
    {
        const char *id = bridge_json_str(one, "chittyId"), *title = bridge_json_str(one, "title");
        if (id != NULL && r->takes)
            take_one(r, id, title, true);
        else if (id != NULL)
            tell_claim(r, id, title, "stays with the session that it goes on from");
    }
    if (!r->takes)
        return;
    const json_t *checkpoint = json_array_get(r->checkpoints, 0);
    json_array_foreach(json_object_get(cli_data_of(checkpoint), "todos"), i, one)
    {
        json_t *todo = NULL;
        const char *id = json_string_value(one);
        if (id == NULL || cli_get_of(r->c, r->a, "todos", id, &todo) != CHT_OK) {
            r->c->fault = (struct node_fault){ 0 };
            continue;
        }
        const char *status = bridge_json_str(cli_data_of(todo), "status");
        if (status == NULL || strcmp(status, "pending") == 0)
            take_one(r, id, bridge_json_str(cli_data_of(todo), "content"), false);
        json_decref(todo);
    }
}

/* --- telling, and going -------------------------------------------------------------------- */

static const char *claude(void)
{
    const char *named = getenv("CHITTY_CLAUDE");
    return named == NULL || named[0] == '\0' ? "claude" : named;
}

/* Is there such a program? Asked before anything is written. */
static enum cht_err find_claude(struct cli_context *c)
{
    const char *program = claude(), *path = getenv("PATH");
    char one[NODE_PATH_MAX];
    if (strchr(program, '/') != NULL && access(program, X_OK) == 0)
        return CHT_OK;
    while (strchr(program, '/') == NULL && path != NULL && path[0] != '\0') {
        const size_t len = strcspn(path, ":");
        const int whole = snprintf(one, sizeof one, "%.*s/%s", (int)len, path, program);
        if (whole > 0 && (size_t)whole < sizeof one && access(one, X_OK) == 0)
            return CHT_OK;
        path += path[len] == ':' ? len + 1 : len;
    }
    (void)node_fault_set(&c->fault, CHT_E_NOTFOUND, cht_bytes(NULL, 0),
                         "there is no program %.100s", program);
    node_fault_hint(&c->fault, "CHITTY_CLAUDE names another one; --print starts none");
    return CHT_E_NOTFOUND;
}

static json_t *tree(const struct resuming *r)
{
    json_t *out = json_pack(
        "{s:s, s:s, s:s, s:b, s:o, s:[s, s, s], s:s%, s:b}", "chittyId",
        r->next != NULL ? agent_session(r->next) : r->s->id, "sessionId", r->key, "folder",
        r->folder.cwd, "fresh", r->fresh, "claims", json_incref(r->held), "command", claude(),
        r->fresh ? "--session-id" : "--resume", r->key, "handoff",
        r->handoff.len == 0 ? "" : (const char *)r->handoff.data, r->handoff.len, "dry", r->dry);
    if (out != NULL && r->fork)
        (void)json_object_set_new(out, "continues", json_string(r->s->id));
    if (out != NULL && !r->fresh)
        (void)json_object_set_new(
            out, "transcript",
            json_pack("{s:s, s:s, s:I, s:I, s:I}", "path", r->path, "from",
                      r->transcript.from == CLI_TRANSCRIPT_SHARED ? "shared" : "here", "had",
                      (json_int_t)r->landed.had, "added", (json_int_t)r->landed.added, "alone",
                      (json_int_t)r->landed.alone));
    return out;
}

static void put_transcript(const struct resuming *r)
{
    struct cli_out *out = &r->c->out;
    cli_put_text(out, "transcript: ");
    cli_put_line_of(out, r->path);
    if (r->landed.had == 0)
        cli_printf(out, ", %zu lines", r->landed.added);
    else if (r->landed.added == 0)
        cli_printf(out, " is kept as it is: its %zu lines have all of them", r->landed.had);
    else
        cli_printf(out, ": %zu lines are kept, %zu added behind them", r->landed.had,
                   r->landed.added);
    if (r->landed.had != 0 && r->landed.alone != 0)
        cli_printf(out, " (%zu are of this machine alone)", r->landed.alone);
    cli_put_char(out, '\n');
}

/* As a word of a shell. */
static void put_word(struct cli_out *out, const char *text)
{
    cli_put_char(out, '\'');
    for (; *text != '\0'; text++) {
        const size_t len = strcspn(text, "'");
        cli_put_line(out, cht_bytes(text, len));
        text += len;
        if (*text == '\0')
            break;
        cli_put_text(out, "'\\''");
    }
    cli_put_char(out, '\'');
}

static void put(const struct resuming *r, bool print)
{
    struct cli_out *out = &r->c->out;
    struct claude_lines lines = { cht_buf_view(&r->handoff) };
    struct cht_bytes line;
    if (!r->fresh)
        put_transcript(r);
    while (claude_line_next(&lines, &line)) {
        cli_put_line(out, line);
        cli_put_char(out, '\n');
    }
    if (!print)
        return;
    cli_put_text(out, "cd ");
    put_word(out, r->folder.cwd);
    cli_put_text(out, " && ");
    put_word(out, claude());
    cli_printf(out, " %s %s\n", r->fresh ? "--session-id" : "--resume", r->key);
}

/* Claude Code in the place of this process. Returns only when it cannot be started. */
static enum cht_err go(struct resuming *r)
{
    const char *program = claude();
    const char *const words[] = { program, r->fresh ? "--session-id" : "--resume", r->key, NULL };
    if (cli_out_flush(&r->c->out) != CHT_OK)
        return node_fault_from(&r->c->fault, CHT_E_IO, NULL);
    if (chdir(r->folder.cwd) != 0)
        return node_fault_set(&r->c->fault, CHT_E_IO, cht_bytes(NULL, 0), "%.160s: %s",
                              r->folder.cwd, strerror(errno));
    /* a session that was asked from is not the one that begins */
    (void)unsetenv("CHITTY_SESSION");
    (void)unsetenv("CLAUDE_CODE_SESSION_ID");
    (void)unsetenv("CLAUDE_PROJECT_DIR");
    (void)execvp(program, (char *const *)(uintptr_t)words);
    return node_fault_set(&r->c->fault, CHT_E_IO, cht_bytes(NULL, 0),
                          "%.100s cannot be started: %s", program, strerror(errno));
}

static enum cht_err prepare(struct resuming *r)
{
    enum cht_err err = cli_agent_open(r->c, &r->a);
    if (err == CHT_OK)
        err = cli_sessions_gather(r->c, r->a, "", true, r->c->args[0], &r->found);
    if (err != CHT_OK)
        return err;
    r->s = &r->found.list[0];
    err = decide(r);
    if (err == CHT_OK)
        err = cli_session_folder_find(r->c, r->a, r->s, &r->folder);
    if (err == CHT_OK && !r->fresh)
        err = find_text(r);
    if (err == CHT_OK)
        err = gather_notes(r);
    return err == CHT_OK && !r->fresh ? land(r) : err;
}

static enum cht_err hand_over(struct resuming *r, bool lives)
{
    enum cht_err err = r->dry ? CHT_OK : write_session(r, lives);
    if (err != CHT_OK)
        return err;
    take_claims(r);
    cli_handoff_put(r->c, r->s, &r->folder, r->held, r->checkpoints, r->todos, &r->handoff);
    return r->dry ? CHT_OK : claude_handoff_leave(r->key, cht_buf_view(&r->handoff), &r->c->fault);
}

static void clear(struct resuming *r)
{
    json_decref(r->checkpoints);
    json_decref(r->todos);
    json_decref(r->held);
    cht_buf_clear(&r->handoff);
    cli_transcript_clear(&r->transcript);
    cli_sessions_clear(&r->found);
    agent_close(r->next);
    agent_close(r->a);
    free(r);
}

static enum cht_err run(struct cli_context *c)
{
    struct resuming *r = calloc(1, sizeof *r);
    if (r == NULL)
        return cli_agent_memory(c, CHT_OK);
    r->c = c;
    cht_buf_init(&r->handoff, CLAUDE_HANDOFF_BYTES);
    const bool stay = c->json || cli_flag(c, "print") != NULL || cli_flag(c, "dry-run") != NULL;
    enum cht_err err = stay ? CHT_OK : find_claude(c);
    if (err == CHT_OK)
        err = prepare(r);
    if (err == CHT_OK)
        err = hand_over(r, !stay);
    if (err == CHT_OK && c->json)
        cli_json_tree(c, c->command->kind, tree(r));
    else if (err == CHT_OK)
        put(r, stay);
    if (err == CHT_OK && !stay)
        err = go(r);
    clear(r);
    return err;
}

static const struct cli_flag flags[] = {
    { "print", NULL, "put everything in its place, but only print what would be started" },
    { "dry-run", NULL, "tell what would be done, and do nothing" },
    { "folder", "PATH", "the project's folder on this machine" },
    { "fork", NULL, "as a new session, also where the old one goes on" },
    { "fresh", NULL, "as a new session without what was said" },
    { NULL, NULL, NULL },
};

const struct cli_command cli_session_resume = {
    .name = "resume",
    .summary = "Go on with a session of another machine on this one.",
    .arguments = "ID",
    .details =
        "Finds the project's folder here, puts the transcript where Claude Code looks for it "
        "(`cwd` of its lines is the folder here; a transcript that is there already keeps all its "
        "lines, others are added behind them), tells where the session left off, and starts "
        "`claude --resume`. One that has ended or crashed goes on as itself. One whose device "
        "cannot be reached goes on as a new session that continues it and takes over its claims. "
        "One that is at work on a connected device is left alone. What was said is there when the "
        "project shares transcripts (`chitty project update ID --transcripts redacted`). With "
        "--json nothing is started. CHITTY_CLAUDE names another program than claude.",
    .group = CLI_EVERYDAY,
    .kind = "session-resume",
    .examples = "chitty session resume \"fix the pump\"\n"
                "chitty session resume SESSION-4F2KJ5ZK --print\n"
                "chitty session resume SESSION-4F2KJ5ZK --fresh",
    .args_min = 1,
    .args_max = 1,
    .flags = flags,
    .run = run,
};
