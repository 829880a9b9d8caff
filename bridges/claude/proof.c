/* A home, a node in it, one handler after the other, and a look at the records. */
#include "bridges/claude/proof.h"

#include "bridges/claude/child.h"
#include "bridges/claude/registration.h"
#include "node/client/autostart.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SESSION    "d0c70d0c-0000-4000-8000-00000000d0c7"
#define TITLE      "Write parser"
#define TIMEOUT_MS 10000
#define ENV_MAX    4096u

extern char **environ;

struct scratch {
    char folder[64];
    char *env[ENV_MAX + 1];
    size_t env_count, env_own; /* the last `env_own` are to be freed */
    char node[NODE_PATH_MAX], self[NODE_PATH_MAX];
};

/* --- the payloads, as Claude Code 2.1 sends them --------------------------------------------- */

/* What comes after session, transcript, folder. */
static const struct {
    const char *hook, *rest;
} payloads[] = {
    { "session-start", "\"hook_event_name\":\"SessionStart\",\"source\":\"startup\"" },
    { "prompt", "\"prompt_id\":\"c3550b1c-5a2e-4b7e-8a53-2f0c9d1be6aa\",\"permission_mode\":"
                "\"default\",\"hook_event_name\":\"UserPromptSubmit\",\"prompt\":\"make tasks\"" },
    { "post-task",
      "\"hook_event_name\":\"PostToolUse\",\"tool_name\":\"TaskCreate\",\"tool_input\":"
      "{\"subject\":\"" TITLE "\",\"description\":\"Parse the thing\"},"
      "\"tool_response\":{\"task\":{\"id\":\"1\",\"subject\":\"" TITLE "\","
      "\"description\":\"Parse the thing\"}},\"tool_use_id\":\"toolu_doctor1\"" },
    { "pre-task",
      "\"hook_event_name\":\"PreToolUse\",\"tool_name\":\"TaskUpdate\",\"tool_input\":{"
      "\"taskId\":\"1\",\"status\":\"in_progress\"},\"tool_use_id\":\"toolu_doctor2\"" },
    { "pre-edit", "\"hook_event_name\":\"PreToolUse\",\"tool_name\":\"Write\",\"tool_input\":{"
                  "\"file_path\":\"/nowhere/parse.c\",\"content\":\"\"},\"tool_use_id\":"
                  "\"toolu_doctor3\"" },
    { "activity", "\"hook_event_name\":\"PostToolUse\",\"tool_name\":\"Bash\",\"tool_input\":{"
                  "\"command\":\"make\"},\"tool_response\":{\"stdout\":\"\",\"stderr\":\"\","
                  "\"interrupted\":false},\"tool_use_id\":\"toolu_doctor4\"" },
    { "pre-compact", "\"hook_event_name\":\"PreCompact\",\"trigger\":\"auto\","
                     "\"custom_instructions\":null" },
    { "post-compact", "\"hook_event_name\":\"PostCompact\",\"trigger\":\"auto\","
                      "\"compact_summary\":\"The parser is written.\"" },
    { "stop", "\"hook_event_name\":\"Stop\",\"stop_hook_active\":false,"
              "\"last_assistant_message\":\"All finished.\"" },
    { "wait", "\"hook_event_name\":\"Stop\",\"stop_hook_active\":false,"
              "\"last_assistant_message\":\"All finished.\"" },
    { "session-end", "\"hook_event_name\":\"SessionEnd\",\"reason\":\"other\"" },
};
#define PAYLOADS (sizeof payloads / sizeof payloads[0])

static size_t payload_of(const char *hook)
{
    size_t i = 0;
    while (i < PAYLOADS && strcmp(payloads[i].hook, hook) != 0)
        i++;
    return i;
}

/* --- the home -------------------------------------------------------------------------------- */

static bool passes(const char *variable)
{
    return strncmp(variable, "CHITTY_", 7) != 0 && strncmp(variable, "XDG_", 4) != 0 &&
           strncmp(variable, "CLAUDE", 6) != 0 && strncmp(variable, "HOME=", 5) != 0;
}

static enum cht_err make_env(struct scratch *s)
{
    static const char *const own[][2] = {
        { "HOME", "" },
        { "CHITTY_HOME", "/home" },
        { "CHITTY_NO_DISCOVERY", NULL },
        { "CHITTY_NO_OBSERVE", NULL },
        { "CLAUDE_CONFIG_DIR", "/claude" },
        { "CLAUDE_PROJECT_DIR", "/project" },
    };
    for (char **e = environ; *e != NULL && s->env_count < ENV_MAX - 16; e++) {
        if (passes(*e))
            s->env[s->env_count++] = *e;
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        char *text = NULL;
        const bool folder = own[i][1] != NULL;
        if (asprintf(&text, "%s=%s%s", own[i][0], folder ? s->folder : "1",
                     folder ? own[i][1] : "") < 0)
            return CHT_E_NOMEM;
        s->env[s->env_count++] = text;
        s->env_own++;
    }
    return CHT_OK;
}

static int drop_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    (void)remove(path); /* as much as goes */
    return 0;
}

static enum cht_err call(struct scratch *s, const char *const *words, const char *input,
                         struct claude_child_end *out)
{
    struct claude_child child = { .env = s->env,
                                  .input = cht_bytes_str(input),
                                  .timeout_ms = TIMEOUT_MS };
    for (size_t i = 0; i < CLAUDE_CHILD_WORDS && words[i] != NULL; i++)
        child.words[i] = words[i];
    return claude_child_run(&child, out);
}

static enum cht_err scratch_open(struct scratch *s, struct node_fault *fault)
{
    char path[128];
    struct claude_child_end end;
    (void)snprintf(s->folder, sizeof s->folder, "/tmp/chitty-doctor-XXXXXX");
    if (mkdtemp(s->folder) == NULL) {
        s->folder[0] = '\0';
        return node_fault_set(fault, CHT_E_IO, cht_bytes(NULL, 0),
                              "no folder can be made in /tmp: %s", strerror(errno));
    }
    (void)snprintf(path, sizeof path, "%s/project", s->folder);
    enum cht_err err = mkdir(path, 0700) == 0 ? make_env(s) : CHT_E_IO;
    const ssize_t len = readlink("/proc/self/exe", s->self, sizeof s->self - 1);
    node_program(s->node);
    if (err != CHT_OK || len <= 0)
        return node_fault_from(fault, err == CHT_OK ? CHT_E_IO : err, NULL);
    const char *const words[] = { s->node, "init", "--name", "doctor", NULL };
    err = call(s, words, "", &end);
    if (err == CHT_OK && end.status != 0)
        err = node_fault_set(fault, CHT_E_IO, cht_bytes(NULL, 0), "no home for a trial: %.*s",
                             (int)(end.error.len > 120 ? 120 : end.error.len),
                             (const char *)end.error.data);
    else if (err != CHT_OK)
        err = node_fault_set(fault, err, cht_bytes(NULL, 0), "%.80s cannot be run", s->node);
    claude_child_end_clear(&end);
    return err;
}

static void scratch_close(struct scratch *s)
{
    struct claude_child_end end;
    const char *const words[] = { s->node, "stop", NULL };
    if (s->folder[0] == '\0')
        return;
    if (s->env_count > 0) {
        (void)!call(s, words, "", &end);
        claude_child_end_clear(&end);
    }
    (void)nftw(s->folder, drop_file, 16, FTW_DEPTH | FTW_PHYS);
    for (size_t i = 0; i < s->env_own; i++)
        free(s->env[s->env_count - 1 - i]);
}

/* --- trying ---------------------------------------------------------------------------------- */

static void payload_text(const struct scratch *s, size_t payload, char *out, size_t size)
{
    (void)snprintf(out, size,
                   "{\"session_id\":\"" SESSION
                   "\",\"transcript_path\":\"%s/claude/projects/p/" SESSION
                   ".jsonl\",\"cwd\":\"%s/project\",%s}",
                   s->folder, s->folder, payloads[payload].rest);
}

/* The words of a handler: exec form, or through a shell. */
static void words_of(const json_t *handler, const char **out)
{
    const json_t *args = json_object_get(handler, "args");
    size_t n = 0;
    const char *command = json_string_value(json_object_get(handler, "command"));
    if (!json_is_array(args)) {
        out[n++] = "/bin/sh";
        out[n++] = "-c";
    }
    out[n++] = command;
    for (size_t i = 0; i < json_array_size(args) && n < CLAUDE_CHILD_WORDS; i++)
        out[n++] = json_string_value(json_array_get(args, i));
    out[n] = NULL;
}

static void wrong(struct claude_proof *p, const char *what, struct cht_bytes said)
{
    if (!p->good)
        return;
    p->good = false;
    (void)snprintf(p->text, sizeof p->text, "%s%s%.*s", what, said.len > 0 ? ": " : "",
                   (int)(said.len > 120 ? 120 : said.len), (const char *)said.data);
    for (char *at = p->text; *at != '\0'; at++)
        *at = *at == '\n' ? ' ' : *at;
}

/* Nothing, or an object for the event that was told. */
static void check_answer(struct claude_proof *p, size_t payload, struct cht_bytes out)
{
    char event[64];
    if (out.len == 0)
        return;
    json_t *all = json_loadb((const char *)out.data, out.len, 0, NULL);
    const char *named = json_string_value(
        json_object_get(json_object_get(all, "hookSpecificOutput"), "hookEventName"));
    if (all == NULL)
        wrong(p, "its answer is no JSON", out);
    else if (named != NULL) {
        (void)snprintf(event, sizeof event, "\"hook_event_name\":\"%s\"", named);
        if (strstr(payloads[payload].rest, event) == NULL)
            wrong(p, "its answer is for another event", out);
    }
    json_decref(all);
}

static void try_once(struct scratch *s, const json_t *handler, size_t payload,
                     struct claude_proof *p)
{
    char text[2048];
    const char *words[CLAUDE_CHILD_WORDS + 1] = { NULL };
    struct claude_child_end end;
    payload_text(s, payload, text, sizeof text);
    words_of(handler, words);
    const enum cht_err err = call(s, words, text, &end);
    p->ms = end.ms;
    if (err == CHT_E_NOTFOUND)
        wrong(p, "there is no such program", cht_bytes_str(words[0]));
    else if (err != CHT_OK)
        wrong(p, cht_err_text(err), cht_bytes(NULL, 0));
    else if (end.late)
        wrong(p, "it does not end", cht_bytes(NULL, 0));
    else if (end.status != 0)
        wrong(p, "it failed", cht_buf_view(&end.error));
    else
        check_answer(p, payload, cht_buf_view(&end.out));
    claude_child_end_clear(&end);
}

/* The waiter goes on until something happens, and a second one of the session ends at once: so of
 * two that are started one ends, and the other is ended here. */
static void try_waiting(struct scratch *s, const json_t *handler, size_t payload,
                        struct claude_proof *p)
{
    char text[2048];
    pid_t pids[2] = { 0, 0 };
    struct pollfd ends[2] = { { -1, POLLIN, 0 }, { -1, POLLIN, 0 } };
    struct claude_child child = { .env = s->env };
    enum cht_err err = CHT_OK;
    payload_text(s, payload, text, sizeof text);
    words_of(handler, child.words);
    child.input = cht_bytes_str(text);
    for (size_t i = 0; err == CHT_OK && i < 2; i++)
        err = claude_child_start(&child, &pids[i], &ends[i].fd);
    if (err != CHT_OK)
        wrong(p, err == CHT_E_NOTFOUND ? "there is no such program" : cht_err_text(err),
              cht_bytes_str(child.words[0]));
    else if (poll(ends, 2, TIMEOUT_MS) == 0)
        wrong(p, "a second one of the same session does not end", cht_bytes(NULL, 0));
    else if (poll(ends, 2, 0) == 2)
        wrong(p, "it does not wait", cht_bytes(NULL, 0));
    for (size_t i = 0; i < 2; i++) {
        if (pids[i] > 0) {
            (void)kill(pids[i], SIGTERM);
            (void)waitpid(pids[i], NULL, 0);
            (void)close(ends[i].fd);
        }
    }
}

/* --- what came of it ------------------------------------------------------------------------- */

/* Is a member of the data of a record of this noun this text? */
static bool recorded(struct scratch *s, const char *noun, const char *member, const char *text)
{
    const char *const words[] = { s->self, noun, "list", "--all", "--json", NULL };
    struct claude_child_end end;
    json_t *record;
    size_t i;
    bool found = false;
    json_t *all = call(s, words, "", &end) != CHT_OK || end.status != 0
                      ? NULL
                      : json_loadb((const char *)end.out.data, end.out.len, 0, NULL);
    json_array_foreach(json_object_get(all, "data"), i, record)
    {
        const char *value =
            json_string_value(json_object_get(json_object_get(record, "data"), member));
        found = found || (value != NULL && (text == NULL || strcmp(value, text) == 0));
    }
    json_decref(all);
    claude_child_end_clear(&end);
    return found;
}

static void check_record(struct scratch *s, struct claude_proof *p)
{
    static const struct {
        const char *hook, *noun, *member, *text, *wrong;
    } marks[] = {
        { "session-start", "session", "session_id", SESSION, "the session is not known after it" },
        { "post-task", "todo", "content", TITLE, "the task is no todo after it" },
        { "post-compact", "checkpoint", "kind", "compaction", "there is no checkpoint after it" },
        { "session-end", "session", "status", "ended", "the session has not ended after it" },
    };
    for (size_t i = 0; p->good && i < sizeof marks / sizeof marks[0]; i++) {
        if (strcmp(marks[i].hook, p->name) == 0 &&
            !recorded(s, marks[i].noun, marks[i].member, marks[i].text))
            wrong(p, marks[i].wrong, cht_bytes(NULL, 0));
    }
}

enum cht_err claude_prove(const json_t *handlers, struct node_fault *fault,
                          struct claude_proofs *out)
{
    struct scratch *s = calloc(1, sizeof *s);
    struct claude_proofs all = { .count = 0 };
    if (s == NULL)
        return node_fault_from(fault, CHT_E_NOMEM, NULL);
    enum cht_err err = scratch_open(s, fault);
    for (size_t payload = 0; err == CHT_OK && payload < PAYLOADS; payload++) {
        for (size_t i = 0; i < json_array_size(handlers) && all.count < CLAUDE_PROOFS_MAX; i++) {
            const json_t *handler = json_array_get(handlers, i);
            const char *name = "";
            if (!claude_is_hook(handler, &name) || payload_of(name) != payload)
                continue;
            struct claude_proof *p = &all.list[all.count++];
            p->good = true;
            (void)snprintf(p->name, sizeof p->name, "%s", name);
            if (strcmp(name, "wait") == 0)
                try_waiting(s, handler, payload, p);
            else
                try_once(s, handler, payload, p);
            check_record(s, p);
        }
    }
    scratch_close(s);
    free(s);
    if (err == CHT_OK)
        *out = all;
    return err;
}
