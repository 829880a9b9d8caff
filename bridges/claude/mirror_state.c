/* In the folder of state: mirrors/HASH.json, and a lock beside it for one mirror a list. */
#include "bridges/claude/mirror.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

enum cht_err mirror_state_open(struct mirror *m, struct node_fault *fault)
{
    struct cht_error detail = { 0 };
    struct node_paths paths;
    char folder[NODE_PATH_MAX + 16], lock[NODE_PATH_MAX + 16];
    enum cht_err err = node_paths_find(&detail, &paths);
    if (err == CHT_OK) {
        (void)snprintf(folder, sizeof folder, "%s/mirrors", paths.state);
        err = node_path_make(folder, &detail);
    }
    if (err == CHT_OK)
        err = native_mirror_path(&m->list, m->state_path);
    if (err != CHT_OK)
        return node_fault_from(fault, err, &detail);
    (void)snprintf(lock, sizeof lock, "%s.lock", m->state_path);
    m->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (m->lock_fd < 0)
        return node_fault_set(fault, CHT_E_IO, cht_bytes(NULL, 0), "cannot write %s: %s", lock,
                              strerror(errno));
    if (flock(m->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return node_fault_set(fault, CHT_E_EXISTS, cht_bytes(NULL, 0),
                              "the list is mirrored already");
    m->state = json_load_file(m->state_path, 0, NULL);
    if (!json_is_object(m->state)) {
        json_decref(m->state);
        m->state = json_object();
    }
    m->absent = json_object();
    return m->state == NULL || m->absent == NULL ? node_fault_from(fault, CHT_E_NOMEM, NULL)
                                                 : CHT_OK;
}

enum cht_err mirror_state_save(const struct mirror *m)
{
    char beside[NODE_PATH_MAX + 8];
    (void)snprintf(beside, sizeof beside, "%s.new", m->state_path);
    if (json_dump_file(m->state, beside, JSON_COMPACT) != 0 || rename(beside, m->state_path) != 0) {
        (void)unlink(beside);
        return CHT_E_IO;
    }
    return CHT_OK;
}
