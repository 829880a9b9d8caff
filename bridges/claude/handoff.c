/* The words of one session for the next; see handoff.h. */
#include "bridges/claude/handoff.h"

#include "bridges/claude/transcript_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static enum cht_err path_of(const char *session_id, bool make, struct node_fault *fault,
                            char out[static NODE_PATH_MAX])
{
    struct node_paths *paths = malloc(sizeof *paths);
    struct cht_error detail = { 0 };
    char folder[NODE_PATH_MAX];
    enum cht_err err = paths == NULL ? CHT_E_NOMEM : CHT_OK;
    if (err == CHT_OK && !claude_session_good(session_id))
        err = CHT_E_INVALID;
    if (err == CHT_OK)
        err = node_paths_find(&detail, paths);
    if (err == CHT_OK) {
        const int len =
            snprintf(out, NODE_PATH_MAX, "%s/sessions/%s.handoff", paths->state, session_id);
        if (len < 0 || (unsigned)len >= NODE_PATH_MAX)
            err = CHT_E_INVALID;
    }
    if (err == CHT_OK && make) {
        (void)snprintf(folder, sizeof folder, "%s", out);
        *strrchr(folder, '/') = '\0';
        err = node_path_make(folder, &detail);
    }
    free(paths);
    return err == CHT_OK ? CHT_OK : node_fault_from(fault, err, &detail);
}

enum cht_err claude_handoff_leave(const char *session_id, struct cht_bytes text,
                                  struct node_fault *fault)
{
    char path[NODE_PATH_MAX], beside[NODE_PATH_MAX + 16];
    enum cht_err err = path_of(session_id, true, fault, path);
    if (err != CHT_OK)
        return err;
    (void)snprintf(beside, sizeof beside, "%s.XXXXXX", path);
    const int fd = mkstemp(beside);
    const size_t len = text.len > CLAUDE_HANDOFF_BYTES ? CLAUDE_HANDOFF_BYTES : text.len;
    if (fd < 0 || write(fd, text.data, len) != (ssize_t)len || rename(beside, path) != 0) {
        err = errno == ENOSPC ? CHT_E_FULL : CHT_E_IO;
        (void)node_fault_set(fault, err, cht_bytes(NULL, 0), "%.150s cannot be written: %s", path,
                             strerror(errno));
        if (fd >= 0)
            (void)unlink(beside);
    }
    if (fd >= 0)
        (void)close(fd);
    return err;
}

enum cht_err claude_handoff_take(const char *session_id, struct cht_buf *out)
{
    char path[NODE_PATH_MAX], text[CLAUDE_HANDOFF_BYTES];
    enum cht_err err = path_of(session_id, false, NULL, path);
    if (err != CHT_OK)
        return err;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? CHT_E_NOTFOUND : CHT_E_IO;
    const ssize_t len = read(fd, text, sizeof text);
    (void)close(fd);
    (void)unlink(path);
    return len < 0 ? CHT_E_IO : cht_buf_add(out, cht_bytes(text, (size_t)len));
}
