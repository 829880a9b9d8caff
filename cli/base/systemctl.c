/* Running systemctl; see systemctl.h. */
#include "cli/base/systemctl.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Its output into the pipe, its complaints nowhere. */
static bool spawn(const char *const *words, int output, pid_t *out)
{
    char name[] = "systemctl", user[] = "--user";
    char *argv[SYSTEMCTL_WORDS_MAX + 3] = { name, user };
    size_t n = 2;
    for (; *words != NULL && n < SYSTEMCTL_WORDS_MAX + 2; words++)
        memcpy(&argv[n++], words, sizeof *words); /* it does not write to them */
    posix_spawn_file_actions_t files;
    if (posix_spawn_file_actions_init(&files) != 0)
        return false;
    int err = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    if (err == 0)
        err = posix_spawn_file_actions_adddup2(&files, output, 1);
    if (err == 0)
        err = posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    if (err == 0)
        err = posix_spawnp(out, name, &files, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    return err == 0;
}

/* The first line, as far as there is room; the rest is read and dropped, so that it can end. */
static void read_line(int fd, char *out, size_t room)
{
    char piece[512];
    size_t len = 0;
    bool line = true;
    ssize_t got;
    while ((got = read(fd, piece, sizeof piece)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            line = line && piece[i] != '\n';
            if (line && len + 1 < room)
                out[len++] = piece[i];
        }
    }
    if (room != 0)
        out[len] = '\0';
}

bool systemctl_user(const char *const *words, char *out, size_t room)
{
    int ends[2];
    pid_t child;
    int status = -1;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    const bool started = spawn(words, ends[1], &child);
    (void)close(ends[1]);
    if (started)
        read_line(ends[0], out, out == NULL ? 0 : room);
    (void)close(ends[0]);
    return started && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

bool systemctl_there(void)
{
    static const char *const words[] = { "show-environment", NULL };
    return systemctl_user(words, NULL, 0);
}
