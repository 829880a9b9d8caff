/* Up to where a session has looked: a file a session in the state folder; see agent.h. It may be
 * lost: then news begin anew. */
#include "bridges/agent/own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SEEN_BYTES    16384u /* of the file: a vector is shorter */
#define SEEN_PATH_MAX (NODE_PATH_MAX + 64u)

/* `folder` and `path` have SEEN_PATH_MAX bytes. */
static bool path_of(const struct agent *a, char *folder, char *path)
{
    struct node_paths *paths = malloc(sizeof *paths);
    const bool ok =
        paths != NULL && a->session[0] != '\0' && node_paths_find(NULL, paths) == CHT_OK;
    if (ok) {
        (void)snprintf(folder, SEEN_PATH_MAX, "%s/sessions", paths->state);
        (void)snprintf(path, SEEN_PATH_MAX, "%s/sessions/%.47s", paths->state, a->session);
    }
    free(paths);
    return ok;
}

char *agent_seen_read(const struct agent *a)
{
    char folder[SEEN_PATH_MAX], path[SEEN_PATH_MAX];
    char *text = NULL;
    if (!path_of(a, folder, path))
        return NULL;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    text = malloc(SEEN_BYTES);
    const ssize_t got = text == NULL ? -1 : read(fd, text, SEEN_BYTES - 1);
    (void)close(fd);
    if (got <= 0) {
        free(text);
        return NULL;
    }
    text[got] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return text;
}

enum cht_err agent_seen_write(struct agent *a, const char *vector)
{
    char folder[SEEN_PATH_MAX], path[SEEN_PATH_MAX], fresh[SEEN_PATH_MAX + 16];
    struct cht_error detail = { 0 };
    char *before = agent_seen_read(a);
    const bool same = before != NULL && strcmp(before, vector) == 0;
    free(before);
    if (same)
        return CHT_OK;
    if (!path_of(a, folder, path))
        return agent_fail(a, CHT_E_INVALID, "there is no session, or no place for its state");
    if (node_path_make(folder, &detail) != CHT_OK)
        return node_fault_from(&a->fault, CHT_E_IO, &detail);
    (void)snprintf(fresh, sizeof fresh, "%s.%d", path, (int)getpid());
    const int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const size_t len = strlen(vector);
    bool ok = fd >= 0 && write(fd, vector, len) == (ssize_t)len;
    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    ok = ok && rename(fresh, path) == 0;
    if (ok)
        return CHT_OK;
    const int why = errno;
    (void)unlink(fresh);
    return agent_fail(a, CHT_E_IO, "cannot write %.160s: %s", path, strerror(why));
}
