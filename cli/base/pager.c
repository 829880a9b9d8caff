/* The pager. It is started when the output has become longer than the terminal, so that short
 * output stays where it is and costs no process. */
#include "cli/base/pager.h"

#include "crdt/base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELD_BYTES (1u << 20) /* a terminal full of text, by far */
#define ROWS_USUAL 24u

extern char **environ;

struct cli_pager {
    struct cht_buf held;
    const char *command;
    unsigned rows, lines;
    int terminal; /* the descriptor that would be written to */
    int pipe;     /* to the pager; -1: it does not run */
    pid_t pid;
};

static bool set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0;
}

static const char *wanted(void)
{
    const char *own = getenv("CHITTY_PAGER"), *all = getenv("PAGER");
    const char *command = own != NULL ? own : all != NULL ? all : "less -FRX";
    return command[0] == '\0' || strcmp(command, "cat") == 0 ? NULL : command;
}

static void write_all(int fd, struct cht_bytes bytes, int *out_sys)
{
    while (bytes.len > 0 && *out_sys == 0) {
        const ssize_t put = write(fd, bytes.data, bytes.len);
        if (put >= 0)
            bytes = cht_bytes(bytes.data + put, bytes.len - (size_t)put);
        else if (errno != EINTR)
            *out_sys = errno;
    }
}

static void start(struct cli_pager *p)
{
    char shell[] = "/bin/sh", flag[] = "-c";
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGPIPE); /* which we ignore ourselves */
    bool ready = posix_spawn_file_actions_init(&actions) == 0;
    if (ready && posix_spawnattr_init(&attributes) == 0) {
        char *command = strdup(p->command);
        char *const argv[] = { shell, flag, command, NULL };
        ready = command != NULL &&
                posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO) == 0 &&
                posix_spawnattr_setsigdefault(&attributes, &defaults) == 0 &&
                posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF) == 0 &&
                posix_spawn(&p->pid, shell, &actions, &attributes, argv, environ) == 0;
        free(command);
        (void)posix_spawnattr_destroy(&attributes);
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    (void)close(ends[0]);
    if (ready)
        p->pipe = ends[1];
    else
        (void)close(ends[1]);
}

static int let_go(struct cli_pager *p)
{
    int sys = 0;
    write_all(p->pipe >= 0 ? p->pipe : p->terminal, cht_buf_view(&p->held), &sys);
    p->held.len = 0;
    return sys;
}

static int take(void *ctx, struct cht_bytes bytes)
{
    struct cli_pager *p = ctx;
    for (size_t i = 0; i < bytes.len; i++)
        p->lines += bytes.data[i] == '\n' ? 1u : 0u;
    const bool held = cht_buf_add(&p->held, bytes) == CHT_OK;
    if (held && p->lines < p->rows)
        return 0;
    if (p->pipe < 0)
        start(p);
    int sys = let_go(p);
    if (!held && sys == 0)
        write_all(p->pipe >= 0 ? p->pipe : p->terminal, bytes, &sys);
    return sys;
}

enum cht_err cli_pager_begin(struct cli_out *out, struct cli_pager **out_pager)
{
    struct winsize size;
    const char *command = wanted();
    *out_pager = NULL;
    if (!out->terminal || command == NULL || set("CLAUDECODE") || set("CI"))
        return CHT_OK;
    struct cli_pager *p = calloc(1, sizeof *p);
    if (p == NULL)
        return CHT_E_NOMEM;
    *p = (struct cli_pager){ .command = command, .terminal = out->fd, .pipe = -1 };
    const bool known = ioctl(out->fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
    p->rows = known ? size.ws_row : ROWS_USUAL;
    cht_buf_init(&p->held, HELD_BYTES);
    out->sink = take;
    out->sink_ctx = p;
    *out_pager = p;
    return CHT_OK;
}

void cli_pager_end(struct cli_out *out, struct cli_pager *pager)
{
    if (pager == NULL)
        return;
    (void)!cli_out_flush(out);
    const int sys = let_go(pager);
    out->sys = out->sys != 0 ? out->sys : sys;
    out->sink = NULL;
    if (pager->pipe >= 0) {
        (void)close(pager->pipe);
        while (waitpid(pager->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    cht_buf_clear(&pager->held);
    free(pager);
}
