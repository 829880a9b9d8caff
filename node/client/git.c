/* git as a child; see git.h. */
#include "node/client/git.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FOLDER_MAX 4096u

extern char **environ;

const char *const node_git_status[] = { "-c",
                                        "core.fsmonitor=false",
                                        "status",
                                        "--branch",
                                        "--porcelain=v2",
                                        "--untracked-files=normal",
                                        "--no-renames",
                                        "-z",
                                        NULL };

/* --- the environment ----------------------------------------------------------------------- */

static const char *const ours[] = { "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C" };

/* Of git's variables only those pass that say how to reach another machine, or where the user's
 * configuration is; the others would name another repository than the folder's. */
static bool passes(const char *variable)
{
    static const char *const allowed[] = { "GIT_SSH", "GIT_ASKPASS", "GIT_CONFIG_GLOBAL",
                                           "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM" };
    if (strncmp(variable, "LC_ALL=", 7) == 0)
        return false;
    if (strncmp(variable, "GIT_", 4) != 0)
        return true;
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (strncmp(variable, allowed[i], strlen(allowed[i])) == 0)
            return true;
    return false;
}

/* A list to be freed; its texts are borrowed. */
static const char **environment(void)
{
    size_t count = 0, n = 0;
    while (environ[count] != NULL)
        count++;
    const char **list = calloc(count + sizeof ours / sizeof ours[0] + 1, sizeof *list);
    for (size_t i = 0; list != NULL && i < count; i++)
        if (passes(environ[i]))
            list[n++] = environ[i];
    for (size_t i = 0; list != NULL && i < sizeof ours / sizeof ours[0]; i++)
        list[n++] = ours[i];
    return list;
}

/* --- starting ------------------------------------------------------------------------------ */

/* With `out` >= 0 its stdout goes there, its stdin and stderr nowhere, and it leads a group, so
 * that its own children end with it. */
static int spawn_files(int out, posix_spawn_file_actions_t *files, posix_spawnattr_t *attributes)
{
    sigset_t set;
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    (void)sigemptyset(&set);
    int err = posix_spawnattr_setsigmask(attributes, &set);
    (void)sigaddset(&set, SIGPIPE);
    if (err == 0)
        err = posix_spawnattr_setsigdefault(attributes, &set);
    if (err == 0 && out >= 0) {
        flags |= POSIX_SPAWN_SETPGROUP;
        err = posix_spawn_file_actions_adddup2(files, out, 1);
        if (err == 0)
            err = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);
        if (err == 0)
            err = posix_spawn_file_actions_addopen(files, 2, "/dev/null", O_WRONLY, 0);
    }
    if (err == 0)
        err = posix_spawn_file_actions_addclosefrom_np(files, 3);
    return err == 0 ? posix_spawnattr_setflags(attributes, flags) : err;
}

static enum cht_err spawn(const char *folder, const char *const *words, int out, pid_t *out_pid)
{
    /* posix_spawn does not write to its arguments */
    char *argv[NODE_GIT_WORDS_MAX + 4] = { (char *)(uintptr_t) "git", (char *)(uintptr_t) "-C",
                                           (char *)(uintptr_t)folder };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    for (size_t i = 0; words[i] != NULL && i < NODE_GIT_WORDS_MAX; i++)
        argv[3 + i] = (char *)(uintptr_t)words[i];
    const char **env = environment();
    if (env == NULL)
        return CHT_E_NOMEM;
    if (posix_spawn_file_actions_init(&files) != 0) {
        free(env);
        return CHT_E_NOMEM;
    }
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        free(env);
        return CHT_E_NOMEM;
    }
    int err = spawn_files(out, &files, &attributes);
    if (err == 0)
        err = posix_spawnp(out_pid, "git", &files, &attributes, argv, (char **)(uintptr_t)env);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&files);
    free(env);
    return err == 0 ? CHT_OK : err == ENOENT ? CHT_E_NOTFOUND : CHT_E_IO;
}

enum cht_err node_git_start(const char *folder, const char *const *words, struct node_git *out)
{
    struct node_git g = { .fd = -1 };
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return CHT_E_IO;
    enum cht_err err =
        fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ? spawn(folder, words, ends[1], &g.pid) : CHT_E_IO;
    (void)close(ends[1]);
    if (err != CHT_OK) {
        (void)close(ends[0]);
        return err;
    }
    g.fd = ends[0];
    cht_buf_init(&g.out, NODE_GIT_BYTES);
    *out = g;
    return CHT_OK;
}

/* --- listening ----------------------------------------------------------------------------- */

/* Its exit status, or -1 when it was ended. */
static int over(struct node_git *g, bool end_it)
{
    int status = 0;
    if (g->fd < 0)
        return -1;
    (void)close(g->fd);
    g->fd = -1;
    if (end_it)
        (void)kill(-g->pid, SIGKILL);
    while (waitpid(g->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

enum cht_err node_git_take(struct node_git *g)
{
    for (;;) {
        uint8_t piece[4096];
        const ssize_t n = read(g->fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return CHT_E_WAITING;
        if (n <= 0)
            return over(g, n < 0) == 0 ? CHT_OK : CHT_E_INVALID;
        const enum cht_err err = cht_buf_add(&g->out, cht_bytes(piece, (size_t)n));
        if (err != CHT_OK) {
            (void)over(g, true);
            return err == CHT_E_LIMIT ? CHT_OK : err;
        }
    }
}

void node_git_stop(struct node_git *g)
{
    (void)over(g, true);
    cht_buf_clear(&g->out);
}

static int64_t now_ms(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

enum cht_err node_git_ask(const char *folder, const char *const *words, int timeout_ms,
                          struct cht_buf *out)
{
    struct node_git g;
    const int64_t end = now_ms() + timeout_ms;
    enum cht_err err = node_git_start(folder, words, &g);
    if (err != CHT_OK)
        return err;
    while ((err = node_git_take(&g)) == CHT_E_WAITING) {
        struct pollfd p = { .fd = g.fd, .events = POLLIN };
        const int64_t left = end - now_ms();
        if (left <= 0 || poll(&p, 1, (int)left) == 0) {
            err = CHT_E_TIMEOUT;
            break;
        }
    }
    if (err == CHT_OK) {
        while (g.out.len > 0 && g.out.data[g.out.len - 1] == '\n')
            g.out.len--;
        err = cht_buf_add(out, cht_buf_view(&g.out));
    }
    node_git_stop(&g);
    return err;
}

/* --- what is asked ------------------------------------------------------------------------- */

bool node_git_is_clone(const char *folder)
{
    char path[FOLDER_MAX + 8];
    struct stat info;
    const int len = snprintf(path, sizeof path, "%s/.git", folder);
    return len > 0 && (size_t)len < sizeof path && stat(path, &info) == 0;
}

void node_git_look(const char *folder, struct node_worktree *out)
{
    struct cht_buf printed;
    cht_buf_init(&printed, NODE_GIT_BYTES);
    *out = (struct node_worktree){ .state = NODE_WT_MISSING };
    if (node_git_is_clone(folder)) {
        out->state = NODE_WT_UNREADABLE;
        if (node_git_ask(folder, node_git_status, NODE_GIT_MS, &printed) == CHT_OK)
            (void)!node_worktree_read(cht_buf_view(&printed), out);
    }
    cht_buf_clear(&printed);
}

enum cht_err node_git_fetch(const char *folder)
{
    static const char *const words[] = { "fetch", NULL };
    pid_t pid;
    int status = 0;
    enum cht_err err = spawn(folder, words, -1, &pid);
    if (err != CHT_OK)
        return err;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? CHT_OK : CHT_E_INVALID;
}
