/* The mirror of the session's tasks (mirror.h), started where there are any: a process of its own,
 * which ends with the session's. */
#include "bridges/claude/hook_own.h"

#include "bridges/claude/prefs.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

extern char **environ;

/* Does one run already? It holds the lock beside its state. */
static bool is_running(const struct native_list *list)
{
    char path[NODE_PATH_MAX], lock[NODE_PATH_MAX + 8];
    if (native_mirror_path(list, path) != CHT_OK)
        return true; /* it would find no place either */
    (void)snprintf(lock, sizeof lock, "%s.lock", path);
    const int fd = open(lock, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const bool held = flock(fd, LOCK_EX | LOCK_NB) != 0;
    (void)close(fd);
    return held;
}

/* In a session of its own, without input and output: nobody waits for it. */
static void spawn(const char *self, const char *pid)
{
    char *words[] = { (char *)(uintptr_t)self,      (char *)(uintptr_t) "claude",
                      (char *)(uintptr_t) "mirror", (char *)(uintptr_t) "--pid",
                      (char *)(uintptr_t)pid,       NULL };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    pid_t child;
    if (posix_spawn_file_actions_init(&files) != 0)
        return;
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return;
    }
    int wrong = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    for (int fd = 0; wrong == 0 && fd < 3; fd++)
        wrong = posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
    if (wrong == 0)
        wrong = posix_spawn_file_actions_addclosefrom_np(&files, 3);
    if (wrong == 0)
        (void)posix_spawn(&child, self, &files, &attributes, words, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&files);
}

void hook_mirror(struct hook *h)
{
    struct native_list list;
    struct claude_prefs wanted;
    char self[NODE_PATH_MAX];
    const char *pid = getenv("CLAUDE_PID"); /* without it nothing would end the process */
    if (pid == NULL || pid[0] == '\0' || strspn(pid, "0123456789") != strlen(pid) ||
        native_list_find(agent_session_key(h->agent), agent_device(h->agent), &list) != CHT_OK ||
        list.folder[0] == '\0' || access(list.folder, F_OK) != 0 || is_running(&list))
        return;
    claude_prefs_read(&wanted);
    const ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (!wanted.intake || len <= 0 ||
        setenv("CLAUDE_CODE_SESSION_ID", agent_session_key(h->agent), 1) != 0)
        return;
    self[len] = '\0';
    spawn(self, pid);
}
