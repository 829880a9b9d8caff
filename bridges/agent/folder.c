/* What a folder says without the node and without git; see agent.h. */
#include "bridges/agent/own.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES 4096u /* of .git (a file, in worktrees) and of HEAD */

/* Cut off the last part; false at the root. */
static bool go_up(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL || path[1] == '\0')
        return false;
    slash[slash == path ? 1 : 0] = '\0';
    return true;
}

bool agent_clone_top(const char *folder, char out[static NODE_PATH_MAX])
{
    char path[NODE_PATH_MAX], dot[NODE_PATH_MAX + 8];
    struct stat info;
    const int len = snprintf(path, sizeof path, "%s", folder);
    if (len <= 0 || (size_t)len >= sizeof path || path[0] != '/')
        return false;
    do {
        (void)snprintf(dot, sizeof dot, "%s/.git", path[1] == '\0' ? "" : path);
        if (stat(dot, &info) == 0) {
            (void)snprintf(out, NODE_PATH_MAX, "%s", path);
            return true;
        }
    } while (go_up(path));
    return false;
}

/* The first line of a small file; false: there is none. */
static bool first_line(const char *path, char out[static HEAD_BYTES])
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    const ssize_t got = read(fd, out, HEAD_BYTES - 1);
    (void)close(fd);
    if (got <= 0)
        return false;
    out[got] = '\0';
    out[strcspn(out, "\n")] = '\0';
    return true;
}

bool agent_clone_git(const char *top, char out[static NODE_PATH_MAX])
{
    static const char before[] = "gitdir: ";
    char dot[NODE_PATH_MAX + 8], line[HEAD_BYTES];
    struct stat info;
    (void)snprintf(dot, sizeof dot, "%s/.git", top);
    if (stat(dot, &info) != 0)
        return false;
    int len;
    if (S_ISDIR(info.st_mode))
        len = snprintf(out, NODE_PATH_MAX, "%s", dot);
    else if (!first_line(dot, line) || strncmp(line, before, sizeof before - 1) != 0)
        return false;
    else if (line[sizeof before - 1] == '/')
        len = snprintf(out, NODE_PATH_MAX, "%s", line + sizeof before - 1);
    else
        len = snprintf(out, NODE_PATH_MAX, "%s/%s", top, line + sizeof before - 1);
    return len > 0 && (size_t)len < NODE_PATH_MAX;
}

void agent_clone_branch(const char *top, char out[static AGENT_NAME_MAX])
{
    static const char before[] = "ref: refs/heads/";
    char folder[NODE_PATH_MAX], head[NODE_PATH_MAX + 8], line[HEAD_BYTES];
    out[0] = '\0';
    if (!agent_clone_git(top, folder))
        return;
    (void)snprintf(head, sizeof head, "%s/HEAD", folder);
    const char *name = line + sizeof before - 1;
    if (!first_line(head, line) || strncmp(line, before, sizeof before - 1) != 0 ||
        strlen(name) >= AGENT_NAME_MAX || !crdt_utf8_valid(cht_bytes_str(name)))
        return;
    memcpy(out, name, strlen(name) + 1);
}
