/* posix_spawn, and one poll over three pipes. */
#include "bridges/claude/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_MAX (64u * 1024u)

static uint64_t now_ms(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* `fds`: what its standard input, output and error are. */
static enum cht_err spawn(const struct claude_child *child, const int fds[static 3], pid_t *out)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t set;
    if (posix_spawn_file_actions_init(&files) != 0)
        return CHT_E_NOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return CHT_E_NOMEM;
    }
    int wrong = 0;
    for (int i = 0; wrong == 0 && i < 3; i++)
        wrong = posix_spawn_file_actions_adddup2(&files, fds[i], i);
    if (wrong == 0)
        wrong = posix_spawn_file_actions_addclosefrom_np(&files, 3);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGPIPE); /* which we ignore */
    if (wrong == 0)
        wrong = posix_spawnattr_setsigdefault(&attributes, &set);
    if (wrong == 0)
        wrong = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    if (wrong == 0) /* which does not write to its arguments */
        wrong = posix_spawnp(out, child->words[0], &files, &attributes,
                             (char **)(uintptr_t)child->words, child->env);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&files);
    return wrong == 0 ? CHT_OK : wrong == ENOENT || wrong == EACCES ? CHT_E_NOTFOUND : CHT_E_IO;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* What has come; what is too much is thrown away. */
static void take(int *fd, struct cht_buf *out)
{
    uint8_t piece[4096];
    const ssize_t got = read(*fd, piece, sizeof piece);
    if (got > 0)
        (void)!cht_buf_add(out, cht_bytes(piece, (size_t)got));
    else if (got == 0 || errno != EINTR)
        close_fd(fd);
}

static void talk(const struct claude_child *child, int *in, int *out, int *error, uint64_t end_ms,
                 struct claude_child_end *e)
{
    size_t sent = 0;
    while (*out >= 0 || *error >= 0) {
        struct pollfd fds[3] = { { *in, POLLOUT, 0 }, { *out, POLLIN, 0 }, { *error, POLLIN, 0 } };
        const uint64_t now = now_ms();
        if (now >= end_ms) {
            e->late = true;
            return;
        }
        if (poll(fds, 3, (int)(end_ms - now)) < 0 && errno != EINTR)
            return;
        if (fds[0].revents != 0) {
            const ssize_t put = write(*in, child->input.data + sent, child->input.len - sent);
            sent += put > 0 ? (size_t)put : 0;
            if (sent == child->input.len || (put < 0 && errno != EINTR && errno != EAGAIN))
                close_fd(in);
        }
        if (fds[1].revents != 0)
            take(out, &e->out);
        if (fds[2].revents != 0)
            take(error, &e->error);
    }
}

static int reap(pid_t pid, bool late)
{
    int status = 0;
    if (late)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

enum cht_err claude_child_run(const struct claude_child *child, struct claude_child_end *out)
{
    int pipes[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
    pid_t pid = 0;
    const uint64_t start = now_ms();
    enum cht_err err = CHT_OK;
    *out = (struct claude_child_end){ .status = -1 };
    cht_buf_init(&out->out, OUTPUT_MAX);
    cht_buf_init(&out->error, OUTPUT_MAX);
    for (size_t i = 0; err == CHT_OK && i < 3; i++)
        err = pipe2(pipes[i], O_CLOEXEC) == 0 ? CHT_OK : CHT_E_IO;
    if (err == CHT_OK) {
        const int fds[3] = { pipes[0][0], pipes[1][1], pipes[2][1] };
        err = spawn(child, fds, &pid);
    }
    close_fd(&pipes[0][0]);
    close_fd(&pipes[1][1]);
    close_fd(&pipes[2][1]);
    if (err == CHT_OK) {
        (void)fcntl(pipes[0][1], F_SETFL, O_NONBLOCK);
        if (child->input.len == 0)
            close_fd(&pipes[0][1]);
        talk(child, &pipes[0][1], &pipes[1][0], &pipes[2][0], start + (uint64_t)child->timeout_ms,
             out);
        out->status = reap(pid, out->late);
        out->ms = (unsigned)(now_ms() - start);
    }
    close_fd(&pipes[0][1]);
    close_fd(&pipes[1][0]);
    close_fd(&pipes[2][0]);
    return err;
}

void claude_child_end_clear(struct claude_child_end *e)
{
    cht_buf_clear(&e->out);
    cht_buf_clear(&e->error);
}

enum cht_err claude_child_start(const struct claude_child *child, pid_t *out, int *out_fd)
{
    int in[2] = { -1, -1 }, end[2] = { -1, -1 };
    const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    enum cht_err err =
        nowhere < 0 || pipe2(in, O_CLOEXEC) != 0 || pipe2(end, O_CLOEXEC) != 0 ? CHT_E_IO : CHT_OK;
    /* a payload is smaller than a pipe's buffer */
    if (err == CHT_OK &&
        write(in[1], child->input.data, child->input.len) != (ssize_t)child->input.len)
        err = CHT_E_IO;
    if (err == CHT_OK) {
        const int fds[3] = { in[0], end[1], nowhere };
        err = spawn(child, fds, out);
    }
    int all[] = { nowhere, in[0], in[1], end[1] };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        close_fd(&all[i]);
    if (err == CHT_OK)
        *out_fd = end[0];
    else
        close_fd(&end[0]);
    return err;
}
