/* Files of a node, written so that a crash leaves the old or the new; see files.h. */
#include "node/files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static enum cht_err io_fault(struct node_fault *fault, const char *what, const char *path)
{
    enum cht_err err = errno == ENOSPC || errno == EDQUOT                    ? CHT_E_FULL
                       : errno == EACCES || errno == EPERM || errno == EROFS ? CHT_E_DENIED
                                                                             : CHT_E_IO;
    return node_fault_set(fault, err, cht_bytes(NULL, 0), "%s %s: %s", what, path, strerror(errno));
}

static enum cht_err join_path(const struct node_files *f, const char *name,
                              char out[static NODE_PATH_MAX])
{
    int len = snprintf(out, NODE_PATH_MAX, "%s/%s", f->paths.data, name);
    return len < 0 || (size_t)len >= NODE_PATH_MAX ? CHT_E_LIMIT : CHT_OK;
}

#define PID_TRIES    50u
#define PID_PAUSE_NS 10000000 /* 10 ms */

/* Who has the lock; 0: not to be found out. The file may still name one that was killed, until the
 * one that locked it after that has written its own. */
static long holder(int fd)
{
    const struct timespec pause = { .tv_nsec = PID_PAUSE_NS };
    for (unsigned i = 0; i < PID_TRIES; i++) {
        char text[32] = "";
        ssize_t got = pread(fd, text, sizeof text - 1, 0);
        long pid = got > 0 ? strtol(text, NULL, 10) : 0;
        if (pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM))
            return pid;
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

static enum cht_err held(const struct node_files *f, struct node_fault *fault)
{
    const long pid = holder(f->lock_fd);
    (void)close(f->lock_fd);
    if (pid == 0)
        (void)node_fault_set(fault, CHT_E_BUSY, cht_bytes(NULL, 0),
                             "another process has the node in %s", f->paths.data);
    else
        (void)node_fault_set(fault, CHT_E_BUSY, cht_bytes(NULL, 0),
                             "process %ld has the node in %s", pid, f->paths.data);
    node_fault_hint(fault, "one node a home: ask that one (chitty-node status), or end it first "
                           "(chitty-node stop)");
    return CHT_E_BUSY;
}

enum cht_err node_files_lock(bool make, struct node_fault *fault, struct node_files *out)
{
    struct node_files f = { .lock_fd = -1 };
    struct cht_error detail = { 0 };
    char path[NODE_PATH_MAX];
    enum cht_err err = node_paths_find(&detail, &f.paths);
    if (err == CHT_OK && make)
        err = node_path_make(f.paths.data, &detail);
    if (err == CHT_OK)
        err = join_path(&f, "lock", path);
    if (err != CHT_OK)
        return node_fault_from(fault, err, &detail);
    f.lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (f.lock_fd < 0 && errno == ENOENT) {
        (void)node_fault_set(fault, CHT_E_NOTFOUND, cht_bytes(NULL, 0), "there is no node in %s",
                             f.paths.data);
        node_fault_hint(fault, "make one: chitty-node init");
        return CHT_E_NOTFOUND;
    }
    if (f.lock_fd < 0)
        return io_fault(fault, "cannot open", path);
    char text[32] = "";
    if (flock(f.lock_fd, LOCK_EX | LOCK_NB) != 0)
        return held(&f, fault);
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(f.lock_fd, 0) != 0 || pwrite(f.lock_fd, text, (size_t)len, 0) != len) {
        err = io_fault(fault, "cannot write", path);
        (void)close(f.lock_fd);
        return err;
    }
    *out = f;
    return CHT_OK;
}

void node_files_unlock(struct node_files *f)
{
    if (f->lock_fd >= 0)
        (void)close(f->lock_fd);
    f->lock_fd = -1;
}

/* Read a small file whole. */
static enum cht_err read_file(const char *path, uint8_t *out, size_t room, size_t *out_len,
                              mode_t *out_mode)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? CHT_E_NOTFOUND : CHT_E_IO;
    struct stat st;
    size_t len = 0;
    ssize_t got = 1;
    while (len < room && (got = read(fd, out + len, room - len)) > 0)
        len += (size_t)got;
    enum cht_err err = got < 0 || fstat(fd, &st) != 0 ? CHT_E_IO : CHT_OK;
    (void)close(fd);
    if (err == CHT_OK) {
        *out_len = len;
        *out_mode = st.st_mode;
    }
    return err;
}

static bool write_all(int fd, const uint8_t *data, size_t len)
{
    while (len != 0) {
        ssize_t put = write(fd, data, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        data += put;
        len -= (size_t)put;
    }
    return true;
}

/* Beside, synced, renamed, and the folder synced: either file is whole at any moment. */
static enum cht_err write_file(const struct node_files *f, const char *name, struct cht_bytes data,
                               struct node_fault *fault)
{
    char path[NODE_PATH_MAX], beside[NODE_PATH_MAX];
    enum cht_err err = join_path(f, name, path);
    if (err != CHT_OK || snprintf(beside, sizeof beside, "%.4080s.new", path) < 0)
        return CHT_E_LIMIT;
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return io_fault(fault, "cannot make", beside);
    bool good = write_all(fd, data.data, data.len) && fsync(fd) == 0;
    good = close(fd) == 0 && good;
    good = good && rename(beside, path) == 0;
    int folder = good ? open(f->paths.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    good = folder >= 0 && fsync(folder) == 0;
    if (!good)
        err = io_fault(fault, "cannot write", path);
    if (folder >= 0)
        (void)close(folder);
    return err;
}

enum cht_err node_files_identity(const struct node_files *f, struct node_fault *fault,
                                 struct net_identity *out)
{
    char path[NODE_PATH_MAX];
    uint8_t raw[LIMIT_KEYFILE_BYTES];
    size_t len;
    mode_t mode;
    enum cht_err err = join_path(f, "device.key", path);
    if (err == CHT_OK)
        err = read_file(path, raw, sizeof raw, &len, &mode);
    if (err == CHT_E_NOTFOUND) {
        (void)node_fault_set(fault, err, cht_bytes(NULL, 0), "there is no node in %s",
                             f->paths.data);
        node_fault_hint(fault, "make one: chitty-node init");
    } else if (err != CHT_OK) {
        (void)io_fault(fault, "cannot read", path);
    } else if ((mode & 077) != 0) {
        err = node_fault_set(fault, CHT_E_DENIED, cht_bytes(NULL, 0),
                             "others may read the keys in %s: chmod 600 it, and if someone did, "
                             "make a new device",
                             path);
    } else {
        err = net_identity_decode(cht_bytes(raw, len), out);
        if (err != CHT_OK)
            (void)node_fault_set(fault, err, cht_bytes(NULL, 0), "%s is damaged: %s", path,
                                 cht_err_text(err));
    }
    explicit_bzero(raw, sizeof raw);
    return err;
}

enum cht_err node_files_keep_identity(const struct node_files *f, const struct net_identity *id,
                                      struct node_fault *fault)
{
    uint8_t raw[NET_IDENTITY_KEY_BYTES];
    net_identity_encode(id, raw);
    enum cht_err err = write_file(f, "device.key", cht_bytes(raw, sizeof raw), fault);
    explicit_bzero(raw, sizeof raw);
    return err;
}

enum cht_err node_files_text(const struct node_files *f, const char *name, char *out, size_t room)
{
    char path[NODE_PATH_MAX];
    size_t len;
    mode_t mode;
    enum cht_err err = join_path(f, name, path);
    if (err == CHT_OK)
        err = read_file(path, (uint8_t *)out, room - 1, &len, &mode);
    if (err != CHT_OK)
        return err;
    while (len != 0 && (out[len - 1] == '\n' || out[len - 1] == ' '))
        len--;
    out[len] = '\0';
    return CHT_OK;
}

enum cht_err node_files_keep_text(const struct node_files *f, const char *name, const char *text,
                                  struct node_fault *fault)
{
    char line[256];
    int len = snprintf(line, sizeof line, "%s\n", text);
    if (len < 0 || (size_t)len >= sizeof line)
        return CHT_E_LIMIT;
    return write_file(f, name, cht_bytes(line, (size_t)len), fault);
}

enum cht_err node_files_space(const struct node_files *f, const uint8_t space[static CRDT_ID_BYTES],
                              struct node_fault *fault, char out[static NODE_PATH_MAX])
{
    char folder[NODE_PATH_MAX], hex[2 * CRDT_ID_BYTES + 1];
    struct cht_error detail = { 0 };
    enum cht_err err = join_path(f, "spaces", folder);
    if (err == CHT_OK)
        err = node_path_make(folder, &detail);
    if (err != CHT_OK)
        return node_fault_from(fault, err, &detail);
    crdt_hex(cht_bytes(space, CRDT_ID_BYTES), hex);
    int len = snprintf(out, NODE_PATH_MAX, "%.4000s/%s.db", folder, hex);
    return len < 0 || (size_t)len >= NODE_PATH_MAX ? CHT_E_LIMIT : CHT_OK;
}
