/* Starting a node on demand (LOCAL 1.6): beside this program first, then on the PATH. */
#include "node/client/autostart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM      "chitty-node"
#define READY_FD     3
#define READY_FD_ARG "--ready-fd=3"

extern char **environ;

void node_program(char out[static NODE_PATH_MAX])
{
    const ssize_t len = readlink("/proc/self/exe", out, NODE_PATH_MAX - sizeof PROGRAM - 1);
    if (len > 0) {
        out[len] = '\0';
        char *slash = strrchr(out, '/');
        if (slash != NULL) {
            memcpy(slash + 1, PROGRAM, sizeof PROGRAM);
            if (access(out, X_OK) == 0)
                return;
        }
    }
    memcpy(out, PROGRAM, sizeof PROGRAM);
}

/* stdin from nowhere, output to the log, the ready pipe at READY_FD, nothing else inherited. */
static int spawn(const char *program, const char *log, int ready, pid_t *out)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&files) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return ENOMEM;
    }
    sigset_t none;
    (void)sigemptyset(&none);
    const short flags = POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK;
    int err = posix_spawnattr_setflags(&attributes, flags);
    if (err == 0)
        err = posix_spawnattr_setsigmask(&attributes, &none);
    /* `ready` is never READY_FD itself, or its close-on-exec flag would stay (see below). */
    if (err == 0)
        err = posix_spawn_file_actions_adddup2(&files, ready, READY_FD);
    if (err == 0)
        err = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    if (err == 0)
        err = posix_spawn_file_actions_addopen(&files, 1, log, O_WRONLY | O_CREAT | O_APPEND,
                                               S_IRUSR | S_IWUSR);
    if (err == 0)
        err = posix_spawn_file_actions_adddup2(&files, 1, 2);
    if (err == 0)
        err = posix_spawn_file_actions_addclosefrom_np(&files, READY_FD + 1);
    char name[] = PROGRAM, run[] = "run", autostarted[] = "--autostarted", fd[] = READY_FD_ARG;
    char *const argv[] = { name, run, autostarted, fd, NULL };
    if (err == 0)
        err = posix_spawnp(out, program, &files, &attributes, argv, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&files);
    return err;
}

/* Read what the node has to say until it closes its end, or the time is over. */
static enum cht_err await(int ready, int timeout_ms, const char *log, struct node_fault *fault)
{
    char text[CHT_ERROR_TEXT_MAX];
    size_t len = 0;
    for (;;) {
        struct pollfd p = { .fd = ready, .events = POLLIN };
        const int got = poll(&p, 1, timeout_ms);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return node_fault_set(fault, CHT_E_UNREACHABLE, cht_bytes(NULL, 0),
                                  "the node was started but is not ready after %d ms", timeout_ms);
        const ssize_t n = read(ready, text + len, sizeof text - 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        len += n > 0 ? (size_t)n : 0;
        if (len > 0 && text[0] == NODE_READY_BYTE)
            return CHT_OK;
        if (n <= 0 || len == sizeof text - 1)
            break;
    }
    text[len] = '\0';
    if (len > 1 && text[0] == NODE_FAILED_BYTE)
        (void)node_fault_set(fault, CHT_E_UNREACHABLE, cht_bytes(NULL, 0),
                             "a node was started and gave up: %s", text + 1);
    else
        (void)node_fault_set(fault, CHT_E_UNREACHABLE, cht_bytes(NULL, 0),
                             "a node was started and gave up");
    node_fault_hint(fault, "see %s, or start it by hand: chitty-node run", log);
    return CHT_E_UNREACHABLE;
}

static enum cht_err start(const struct node_paths *paths, int timeout_ms, struct node_fault *fault)
{
    char program[NODE_PATH_MAX], log[NODE_PATH_MAX + 16];
    int ends[2];
    node_program(program);
    (void)snprintf(log, sizeof log, "%s/node.log", paths->state);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return node_fault_set(fault, CHT_E_UNREACHABLE, cht_bytes(NULL, 0),
                              "cannot start a node: %s", strerror(errno));
    /* Out of the way of the child's READY_FD: dup2 onto itself would keep close-on-exec. */
    const int ready = fcntl(ends[1], F_DUPFD_CLOEXEC, READY_FD + 1);
    (void)close(ends[1]);
    pid_t child = 0;
    const int sys = ready < 0 ? errno : spawn(program, log, ready, &child);
    if (ready >= 0)
        (void)close(ready);
    enum cht_err err = CHT_OK;
    if (sys != 0) {
        err =
            node_fault_set(fault, CHT_E_UNREACHABLE, cht_bytes(NULL, 0),
                           "no node answers and %s cannot be started: %s", PROGRAM, strerror(sys));
        node_fault_hint(fault, "install " PROGRAM " beside chitty or on the PATH");
    } else {
        err = await(ends[0], timeout_ms, log, fault);
    }
    (void)close(ends[0]);
    if (err != CHT_OK && child > 0)
        (void)waitpid(child, NULL, WNOHANG);
    return err;
}

enum cht_err node_autostart(const struct node_paths *paths, int timeout_ms,
                            bool (*reached)(void *ctx), void *ctx, struct node_fault *fault)
{
    char lock[NODE_PATH_MAX + 16];
    struct cht_error detail = { 0 };
    enum cht_err err = node_path_make(paths->runtime, &detail);
    if (err == CHT_OK)
        err = node_path_make(paths->state, &detail);
    if (err != CHT_OK)
        return node_fault_from(fault, err, &detail);
    (void)snprintf(lock, sizeof lock, "%s/start.lock", paths->runtime);
    const int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return node_fault_set(fault, CHT_E_IO, cht_bytes(NULL, 0), "cannot open %s: %s", lock,
                              strerror(errno));
    /* Whoever holds it waits for a node that is starting, for a bounded time. */
    int done;
    do {
        done = flock(fd, LOCK_EX);
    } while (done != 0 && errno == EINTR);
    if (!reached(ctx))
        err = start(paths, timeout_ms, fault);
    (void)close(fd);
    return err;
}
