/* Starting a program of this house; see child.h. */
#include "node/daemon/child.h"

#include "node/client/paths.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

extern char **environ;

static bool find_program(const char *name, char out[static NODE_PATH_MAX])
{
    const size_t size = strlen(name) + 1;
    ssize_t len = readlink("/proc/self/exe", out, NODE_PATH_MAX - size - 1);
    if (len <= 0)
        return false;
    out[len] = '\0';
    char *slash = strrchr(out, '/');
    if (slash == NULL || (size_t)(slash + 1 - out) + size > NODE_PATH_MAX)
        return false;
    memcpy(slash + 1, name, size);
    return access(out, X_OK) == 0;
}

static int spawn(const struct daemon_child *c, const char *path, int end, pid_t *out)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    char name[64], flag[64] = "";
    char *const argv[] = { name, c->flag == NULL ? NULL : flag, NULL };
    (void)strncpy(name, c->program, sizeof name - 1);
    name[sizeof name - 1] = '\0';
    if (c->flag != NULL)
        (void)strncpy(flag, c->flag, sizeof flag - 1);
    if (posix_spawn_file_actions_init(&files) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return ENOMEM;
    }
    (void)sigemptyset(&none);
    int err = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    if (err == 0)
        err = posix_spawnattr_setsigmask(&attributes, &none);
    if (err == 0)
        err = posix_spawn_file_actions_adddup2(&files, end, c->fd);
    if (err == 0)
        err = posix_spawn_file_actions_adddup2(&files, 2, 1);
    if (err == 0)
        err = posix_spawn_file_actions_addclosefrom_np(&files, 3);
    if (err == 0)
        err = posix_spawn(out, path, &files, &attributes, argv, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&files);
    return err;
}

enum cht_err daemon_child_start(const struct daemon_child *c, pid_t *out_pid, int *out_fd)
{
    char path[NODE_PATH_MAX];
    int ends[2];
    if (!find_program(c->program, path))
        return CHT_E_NOTFOUND;
    if (socketpair(AF_UNIX, c->type | SOCK_CLOEXEC, 0, ends) != 0)
        return CHT_E_IO;
    const int sys = spawn(c, path, ends[1], out_pid);
    (void)close(ends[1]);
    if (sys != 0) {
        (void)close(ends[0]);
        errno = sys;
        return CHT_E_IO;
    }
    *out_fd = ends[0];
    return CHT_OK;
}
