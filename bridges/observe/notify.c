/* Telling the user something: the program that CHITTY_NOTIFY names, called with a title and a text,
 * or notify-send where a desktop's session bus is (org.freedesktop.Notifications). No shell. */
#include "bridges/observe/observe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_MS   10000
#define TEXT_BYTES 1024u

extern char **environ;

static const char *own_program(void)
{
    const char *program = getenv("CHITTY_NOTIFY");
    return program != NULL && program[0] != '\0' ? program : NULL;
}

static bool in_path(const char *program)
{
    const char *at = getenv("PATH");
    char path[4096];
    for (at = at == NULL ? "/usr/bin:/bin" : at; *at != '\0';) {
        const size_t len = strcspn(at, ":");
        const int made = snprintf(path, sizeof path, "%.*s/%s", (int)len, at, program);
        if (made > 0 && (size_t)made < sizeof path && access(path, X_OK) == 0)
            return true;
        at += len + (at[len] == ':' ? 1 : 0);
    }
    return false;
}

static bool has_session_bus(void)
{
    const char *address = getenv("DBUS_SESSION_BUS_ADDRESS");
    char path[64];
    (void)snprintf(path, sizeof path, "/run/user/%lu/bus", (unsigned long)geteuid());
    return (address != NULL && address[0] != '\0') || access(path, F_OK) == 0;
}

bool observe_can_notify(void)
{
    return own_program() != NULL || (has_session_bus() && in_path("notify-send"));
}

/* Text from the records on one line, without control characters; with `markup` so that the
 * notification server reads none in it. */
static void tidy(struct cht_bytes text, bool markup, char out[static TEXT_BYTES])
{
    size_t len = 0;
    for (size_t i = 0; i < text.len && len + 8 < TEXT_BYTES; i++) {
        const uint8_t c = text.data[i];
        const char *instead = !markup ? NULL : c == '&' ? "&amp;" : c == '<' ? "&lt;" : NULL;
        if (instead != NULL)
            len += (size_t)snprintf(out + len, TEXT_BYTES - len, "%s", instead);
        else
            out[len++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
    while (len > 0 && !crdt_utf8_valid(cht_bytes(out, len)))
        len--;
    out[len] = '\0';
}

/* Its exit status; one that does not end in time is ended. */
static enum cht_err wait_for(pid_t pid)
{
    int status = 0;
    const int fd = (int)syscall(SYS_pidfd_open, pid, 0u);
    struct pollfd p = { .fd = fd, .events = POLLIN };
    if (fd >= 0 && poll(&p, 1, LIMIT_MS) == 0)
        (void)kill(pid, SIGKILL);
    if (fd >= 0)
        (void)close(fd);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? CHT_OK : CHT_E_IO;
}

static enum cht_err run(char **argv)
{
    posix_spawn_file_actions_t files;
    pid_t pid;
    if (posix_spawn_file_actions_init(&files) != 0)
        return CHT_E_NOMEM;
    int err = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    if (err == 0)
        err = posix_spawn_file_actions_addclosefrom_np(&files, 3);
    if (err == 0)
        err = posix_spawnp(&pid, argv[0], &files, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    if (err != 0) {
        observe_log("warning", "%s cannot be started: %s", argv[0], strerror(err));
        return CHT_E_IO;
    }
    return wait_for(pid);
}

enum cht_err observe_notify(struct cht_bytes title, struct cht_bytes text)
{
    char title_text[TEXT_BYTES], body[TEXT_BYTES];
    const char *own = own_program();
    tidy(title, false, title_text);
    tidy(text, own == NULL, body);
    /* posix_spawn does not write to its arguments */
    char *const by_own[] = { (char *)(uintptr_t)own, title_text, body, NULL };
    char *const by_desktop[] = { (char *)(uintptr_t) "notify-send",
                                 (char *)(uintptr_t) "--app-name=chitty",
                                 (char *)(uintptr_t) "--",
                                 title_text,
                                 body,
                                 NULL };
    enum cht_err err =
        run(own != NULL ? (char **)(uintptr_t)by_own : (char **)(uintptr_t)by_desktop);
    if (err != CHT_OK)
        observe_log("warning", "a notification was not taken: %s",
                    own != NULL ? own : "notify-send");
    return err;
}
