/* `chitty hook` as a session of Claude Code feels it: whole processes, from fork to exit, a payload
 * on standard input, against a running node with 10,000 open todos; in a git clone, whose project
 * is known. Beside it an fsync on the same disk after each, in the same run: what a hook that
 * writes has to wait for. And how soon a session that waits is woken: from before the request that
 * completes a todo is written to the node of B to the end of the waiter's process on A. */
#include "tests/bench/home.h"

#include "crdt/limits.h"
#include "crdt/mp.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define TODOS     10000u
#define TASKS     200u /* --quick: a fifth */
#define WAKES     40u
#define WARM_UP   5u
#define WAKE_EXIT 2

extern char **environ;

/* --- a session ------------------------------------------------------------------------------ */

struct bench_session {
    const struct bench_home *home;
    const char *id;
    char program[BENCH_PATH_MAX];
    char folder[BENCH_PATH_MAX]; /* the clone */
    char payload[BENCH_PATH_MAX];
};

/* A clone with one commit and an address: the same project on every machine. */
static void make_clone(const char *folder)
{
    const char *const init[] = { "/usr/bin/env", "git", "init", "-q", folder, NULL };
    const char *const commit[] = { "/usr/bin/env",
                                   "git",
                                   "-C",
                                   folder,
                                   "-c",
                                   "user.name=bench",
                                   "-c",
                                   "user.email=bench@example.org",
                                   "commit",
                                   "-q",
                                   "--allow-empty",
                                   "--date=2026-01-01T00:00:00Z",
                                   "-m",
                                   "first",
                                   NULL };
    const char *const remote[] = { "/usr/bin/env",
                                   "git",
                                   "-C",
                                   folder,
                                   "remote",
                                   "add",
                                   "origin",
                                   "https://example.org/bench.git",
                                   NULL };
    (void)setenv("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z", 1);
    (void)bench_run(folder, init, NULL, 0);
    (void)bench_run(folder, commit, NULL, 0);
    (void)bench_run(folder, remote, NULL, 0);
}

static void session_open(struct bench_session *s, const struct bench_home *h, const char *id,
                         const char *folder, const char *name)
{
    char file[64];
    s->home = h;
    s->id = id;
    bench_program(s->program, "../../cli/chitty");
    bench_path(s->folder, folder, name);
    (void)snprintf(file, sizeof file, "%s.json", name);
    bench_path(s->payload, folder, file);
    make_clone(s->folder);
}

/* The payload's own members, behind those that all have. */
static void say(const struct bench_session *s, const char *members)
{
    FILE *f = fopen(s->payload, "we");
    if (f == NULL ||
        fprintf(f,
                "{\"session_id\":\"%s\",\"transcript_path\":\"%s/t.jsonl\",\"cwd\":"
                "\"%s\",\"prompt_id\":\"c3550b1c\",\"permission_mode\":\"default\",%s}",
                s->id, s->folder, s->folder, members) < 0 ||
        fclose(f) != 0)
        bench_fail("%s: %s", s->payload, strerror(errno));
}

static pid_t start(const struct bench_session *s, const char *word)
{
    char hook[] = "hook", name[32];
    char *const argv[] = { (char *)(uintptr_t)s->program, hook, name, NULL };
    posix_spawn_file_actions_t files;
    pid_t pid = 0;
    (void)snprintf(name, sizeof name, "%s", word);
    (void)setenv("CHITTY_HOME", s->home->path, 1);
    (void)setenv("CLAUDE_CONFIG_DIR", s->folder, 1);
    int sys = posix_spawn_file_actions_init(&files);
    if (sys == 0)
        sys = posix_spawn_file_actions_addopen(&files, 0, s->payload, O_RDONLY, 0);
    if (sys == 0)
        sys = posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    if (sys == 0)
        sys = posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    if (sys == 0)
        sys = posix_spawn(&pid, s->program, &files, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    if (sys != 0)
        bench_fail("%s: %s", s->program, strerror(sys));
    return pid;
}

/* Run a hook to its end. */
static double hook_us(const struct bench_session *s, const char *word, const char *members)
{
    say(s, members);
    const double from = bench_now_us();
    const int status = bench_wait(start(s, word));
    if (status != 0)
        bench_fail("hook %s ended with %d", word, status);
    return bench_now_us() - from;
}

/* --- hook ----------------------------------------------------------------------------------- */

/* One of each in the life of a task. %u: its number. */
static const struct {
    const char *word, *members;
} steps[] = {
    { "prompt", "\"hook_event_name\":\"UserPromptSubmit\",\"prompt\":\"go on with %u\"" },
    { "post-task",
      "\"hook_event_name\":\"PostToolUse\",\"tool_name\":\"TaskCreate\",\"tool_input\":{"
      "\"subject\":\"Write parser %1$u\",\"description\":\"Parse the thing\"},"
      "\"tool_response\":{\"task\":{\"id\":\"%1$u\",\"subject\":\"Write parser\"}},"
      "\"tool_use_id\":\"toolu_c%1$u\"" },
    { "pre-task",
      "\"hook_event_name\":\"PreToolUse\",\"tool_name\":\"TaskUpdate\",\"tool_input\":{"
      "\"taskId\":\"%1$u\",\"status\":\"in_progress\"},\"tool_use_id\":\"toolu_b%1$u\"" },
    { "pre-edit", "\"hook_event_name\":\"PreToolUse\",\"tool_name\":\"Edit\",\"tool_input\":{"
                  "\"file_path\":\"src/parse%1$u.c\"},\"tool_use_id\":\"toolu_e%1$u\"" },
    { "activity", "\"hook_event_name\":\"PostToolUse\",\"tool_name\":\"Edit\",\"tool_input\":{"
                  "\"file_path\":\"src/parse%1$u.c\"},\"tool_response\":{},\"tool_use_id\":"
                  "\"toolu_e%1$u\"" },
    { "post-task",
      "\"hook_event_name\":\"PostToolUse\",\"tool_name\":\"TaskUpdate\",\"tool_input\":{"
      "\"taskId\":\"%1$u\",\"status\":\"completed\"},\"tool_response\":{\"success\":true,"
      "\"taskId\":\"%1$u\",\"statusChange\":{\"from\":\"in_progress\",\"to\":"
      "\"completed\"}},\"tool_use_id\":\"toolu_d%1$u\"" },
};
#define STEPS (sizeof steps / sizeof steps[0])

/* Samples of one word, or of all. */
struct samples {
    double us[TASKS * STEPS];
    size_t count;
};

static void fill_in(const char *members, unsigned number, char *out, size_t room)
{
    size_t len = 0;
    for (const char *at = members; *at != '\0' && len + 12 < room;) {
        const size_t mark = strncmp(at, "%1$u", 4) == 0 ? 4 : strncmp(at, "%u", 2) == 0 ? 2 : 0;
        if (mark == 0)
            out[len++] = *at++;
        else
            len += (size_t)snprintf(out + len, room - len, "%u", number);
        at += mark;
    }
    out[len] = '\0';
}

static double sync_us(int fd)
{
    char block[4096];
    memset(block, 'x', sizeof block);
    const double from = bench_now_us();
    if (write(fd, block, sizeof block) != (ssize_t)sizeof block || fsync(fd) != 0)
        bench_fail("fsync: %s", strerror(errno));
    return bench_now_us() - from;
}

static double quantile_ms(struct samples *s, double share)
{
    return bench_quantile(s->us, s->count, share) / 1e3;
}

void bench_hook(struct bench *b)
{
    static struct samples all, syncs, of[STEPS];
    struct bench_home home;
    struct bench_session session;
    char members[1024], path[BENCH_PATH_MAX];
    const unsigned tasks = b->quick ? TASKS / 5 : TASKS;
    bench_home_start(&home, b->folder, "home");
    bench_home_fill(&home, TODOS, true);
    session_open(&session, &home, "4927a516-3f0e-4c55-9d3b-0f6c1d2a7e11", b->folder, "clone");
    bench_path(path, b->folder, "floor");
    const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const double start_us = hook_us(&session, "session-start",
                                    "\"hook_event_name\":\"SessionStart\",\"source\":\"startup\"");
    for (unsigned i = 0; i < tasks + WARM_UP; i++) {
        for (size_t k = 0; k < STEPS; k++) {
            fill_in(steps[k].members, i, members, sizeof members);
            const double us = hook_us(&session, steps[k].word, members);
            const double floor_us = sync_us(fd);
            if (i < WARM_UP)
                continue;
            all.us[all.count++] = us;
            of[k].us[of[k].count++] = us;
            syncs.us[syncs.count++] = floor_us;
        }
    }
    (void)close(fd);
    bench_home_stop(&home);
    bench_figure(b, "hook_p50_ms", quantile_ms(&all, 0.5));
    bench_figure(b, "hook_p99_ms", quantile_ms(&all, 0.99));
    bench_figure(b, "hook_first_start_ms", start_us / 1e3);
    bench_figure(b, "hook_prompt_p99_ms", quantile_ms(&of[0], 0.99));
    bench_figure(b, "hook_create_p99_ms", quantile_ms(&of[1], 0.99));
    bench_figure(b, "hook_claim_p99_ms", quantile_ms(&of[2], 0.99));
    bench_figure(b, "hook_pre_edit_p99_ms", quantile_ms(&of[3], 0.99));
    bench_figure(b, "hook_activity_p99_ms", quantile_ms(&of[4], 0.99));
    bench_figure(b, "hook_complete_p99_ms", quantile_ms(&of[5], 0.99));
    bench_floor(b, "process_ms", bench_process_p50_us() / 1e3);
    bench_floor(b, "fsync_p50_ms", quantile_ms(&syncs, 0.5));
    bench_floor(b, "fsync_p99_ms", quantile_ms(&syncs, 0.99));
}

/* --- wake ----------------------------------------------------------------------------------- */

static void run_words(const struct bench_session *s, const char *const *words, char *out,
                      size_t room)
{
    const char *all[12] = { s->program };
    for (size_t i = 0; words[i] != NULL && i + 2 < sizeof all / sizeof all[0]; i++)
        all[i + 1] = words[i];
    const size_t len = bench_run(s->home->path, all, out, room);
    if (len != 0 && out[len - 1] == '\n')
        out[len - 1] = '\0';
}

/* Is it blocked, and has it been for a while? Then it waits. */
static void await_quiet(pid_t pid)
{
    char path[64], line[512];
    unsigned quiet = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    for (unsigned i = 0; quiet < 10 && i < 1000; i++) {
        FILE *f = fopen(path, "re");
        if (f == NULL || fgets(line, sizeof line, f) == NULL)
            bench_fail("the waiter has gone");
        (void)fclose(f);
        const char *state = strrchr(line, ')');
        quiet = state != NULL && state[2] == 'S' ? quiet + 1 : 0;
        (void)usleep(10000);
    }
}

static void complete(struct node_client *c, const char *todo)
{
    struct cht_buf m;
    char id[NODE_REQUEST_ID_MAX];
    cht_buf_init(&m, LIMIT_CLIENT_BYTES);
    bench_must(node_request_begin("cli", NULL, NODE_MSG_STATE_UPDATE, &m, id), "request");
    bench_must(crdt_mp_put_map(&m, 2), "request");
    bench_must(node_mp_put_key_text(&m, "operation", "update"), "request");
    bench_must(node_mp_put_text(&m, "entity"), "request");
    bench_must(crdt_mp_put_map(&m, 2), "request");
    bench_must(node_mp_put_key_text(&m, "chittyId", todo), "request");
    bench_must(node_mp_put_text(&m, "data"), "request");
    bench_must(crdt_mp_put_map(&m, 1), "request");
    bench_must(node_mp_put_key_text(&m, "status", "completed"), "request");
    bench_ask(c, cht_buf_view(&m));
    cht_buf_clear(&m);
}

/* Both nodes have the todo. */
static void await_todo(const struct bench_session *s, const char *todo)
{
    char said[4096];
    for (unsigned i = 0; i < 500; i++) {
        run_words(s, (const char *const[]){ "todo", "list", "--all", "-o", "name", NULL }, said,
                  sizeof said);
        if (strstr(said, todo) != NULL)
            return;
        (void)usleep(10000);
    }
    bench_fail("%s does not come to the other node", todo);
}

void bench_wake(struct bench *b)
{
    struct bench_home homes[2];
    struct bench_session idle, busy;
    double samples[WAKES];
    const unsigned wakes = b->quick ? WAKES / 4 : WAKES;
    bench_home_start(&homes[0], b->folder, "a");
    bench_home_start(&homes[1], b->folder, "b");
    bench_home_pair(&homes[0], &homes[1]);
    session_open(&idle, &homes[0], "idle", b->folder, "clone-a");
    session_open(&busy, &homes[1], "busy", b->folder, "clone-b");
    static const char began[] = "\"hook_event_name\":\"SessionStart\",\"source\":\"startup\"";
    (void)hook_us(&idle, "session-start", began);
    char project[4096], project_flag[4200];
    run_words(&idle, (const char *const[]){ "project", "list", "-o", "name", NULL }, project,
              sizeof project);
    (void)snprintf(project_flag, sizeof project_flag, "--project=%.100s", project);
    struct node_client *c = bench_home_client(&homes[1]);
    for (unsigned i = 0; i < wakes; i++) {
        char first[4096], then[4096], flag[4200];
        run_words(&idle, (const char *const[]){ "add", "Write parser", project_flag, NULL }, first,
                  sizeof first);
        (void)snprintf(flag, sizeof flag, "--dependency=%.100s", first);
        run_words(&idle, (const char *const[]){ "add", "Test parser", project_flag, flag, NULL },
                  then, sizeof then);
        await_todo(&busy, then);
        say(&idle, "\"hook_event_name\":\"Stop\",\"stop_hook_active\":false");
        const pid_t waiter = start(&idle, "wait");
        await_quiet(waiter);
        const double from = bench_now_us();
        complete(c, first);
        const int status = bench_wait(waiter);
        samples[i] = bench_now_us() - from;
        if (status != WAKE_EXIT)
            bench_fail("the waiter ended with %d", status);
        run_words(&idle, (const char *const[]){ "done", then, NULL }, then, sizeof then);
    }
    node_client_close(c);
    bench_home_stop(&homes[1]);
    bench_home_stop(&homes[0]);
    bench_figure(b, "wake_p50_ms", bench_quantile(samples, wakes, 0.5) / 1e3);
    bench_figure(b, "wake_p99_ms", bench_quantile(samples, wakes, 0.99) / 1e3);
    bench_floor(b, "process_ms", bench_process_p50_us() / 1e3);
    bench_floor(b, "fsync_p50_us", bench_fsync_p50_us(b->folder));
}
