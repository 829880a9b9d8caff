/* Other programs write these files too, and take no lock: what was read is compared with what is
 * there right before the rename, which leaves them a moment of microseconds. */
#include "bridges/claude/files.h"

#include "bridges/claude/jsonc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define BESIDE ".chitty-XXXXXX"

static enum cht_err wrong(struct node_fault *fault, const char *what, const char *path)
{
    const int sys = errno;
    const enum cht_err err = sys == ENOSPC || sys == EDQUOT                  ? CHT_E_FULL
                             : sys == EACCES || sys == EPERM || sys == EROFS ? CHT_E_DENIED
                                                                             : CHT_E_IO;
    return node_fault_set(fault, err, cht_bytes(NULL, 0), "cannot %s %s: %s", what, path,
                          strerror(sys));
}

static enum cht_err read_all(int fd, struct cht_buf *out)
{
    for (;;) {
        enum cht_err err = cht_buf_reserve(out, out->len + 1 <= out->limit ? 1 : 0);
        if (err == CHT_OK && out->cap == out->len)
            err = CHT_E_LIMIT;
        if (err != CHT_OK)
            return err;
        const ssize_t got = read(fd, out->data + out->len, out->cap - out->len);
        if (got == 0)
            return CHT_OK;
        if (got < 0 && errno != EINTR)
            return CHT_E_IO;
        out->len += got > 0 ? (size_t)got : 0;
    }
}

enum cht_err claude_file_read(const char *path, struct node_fault *fault, struct claude_file *out)
{
    *out = (struct claude_file){ 0 };
    cht_buf_init(&out->text, JSONC_BYTES_MAX);
    if ((size_t)snprintf(out->path, sizeof out->path, "%s", path) >= sizeof out->path)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes(NULL, 0), "the path is too long");
    if (realpath(path, out->real) == NULL) {
        (void)snprintf(out->real, sizeof out->real, "%s", path);
        struct stat st;
        if (errno == ENOENT && lstat(path, &st) == 0) {
            errno = ENOENT;
            return wrong(fault, "follow the link", path);
        }
        return errno == ENOENT ? CHT_OK : wrong(fault, "read", path);
    }
    const int fd = open(out->real, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return wrong(fault, "read", path);
    enum cht_err err = CHT_OK;
    if (fstat(fd, &out->st) != 0)
        err = wrong(fault, "read", path);
    else if (!S_ISREG(out->st.st_mode))
        err =
            node_fault_set(fault, CHT_E_INVALID, cht_bytes(NULL, 0), "%s is no regular file", path);
    if (err == CHT_OK) {
        err = read_all(fd, &out->text);
        if (err == CHT_E_IO)
            err = wrong(fault, "read", path);
        else if (err != CHT_OK)
            err = node_fault_set(fault, err, cht_bytes(NULL, 0), "%s is too large", path);
    }
    (void)close(fd);
    out->there = err == CHT_OK;
    return err;
}

void claude_file_clear(struct claude_file *f)
{
    cht_buf_clear(&f->text);
}

/* Is the file what was read? */
static enum cht_err check_same(const struct claude_file *f, struct node_fault *fault)
{
    struct claude_file now;
    enum cht_err err = claude_file_read(f->path, fault, &now);
    if (err == CHT_OK && (now.there != f->there || strcmp(now.real, f->real) != 0 ||
                          !cht_bytes_eq(cht_buf_view(&now.text), cht_buf_view(&f->text))))
        err = node_fault_set(fault, CHT_E_CONFLICT, cht_bytes(NULL, 0),
                             "%s was changed at this moment", f->path);
    claude_file_clear(&now);
    if (err == CHT_OK && f->there && (f->st.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)) == 0)
        err = node_fault_set(fault, CHT_E_DENIED, cht_bytes(NULL, 0), "%s is read-only", f->path);
    if (err == CHT_OK && f->there && access(f->real, W_OK) != 0)
        err = wrong(fault, "write", f->path);
    return err;
}

static enum cht_err make_folders(const char *path, struct node_fault *fault)
{
    char folder[NODE_PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", path);
    for (char *at = folder + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        if (mkdir(folder, 0777) != 0 && errno != EEXIST)
            return wrong(fault, "make", folder);
        *at = '/';
    }
    return CHT_OK;
}

static bool write_all(int fd, struct cht_bytes text)
{
    for (size_t at = 0; at < text.len;) {
        const ssize_t put = write(fd, text.data + at, text.len - at);
        if (put < 0 && errno != EINTR)
            return false;
        at += put > 0 ? (size_t)put : 0;
    }
    return fsync(fd) == 0;
}

/* Mode and owner of the file that it will replace. */
static bool dress(int fd, const struct claude_file *f, mode_t mode)
{
    struct stat own;
    if (!f->there) {
        const mode_t mask = umask(0);
        (void)umask(mask);
        return fchmod(fd, mode & ~mask) == 0;
    }
    if (fstat(fd, &own) != 0)
        return false;
    if ((own.st_uid != f->st.st_uid || own.st_gid != f->st.st_gid) &&
        fchown(fd, f->st.st_uid, f->st.st_gid) != 0)
        return false;
    return fchmod(fd, f->st.st_mode & 07777) == 0;
}

/* What a run that was killed left beside it; it may hold what the file holds. */
static void sweep(const char *real)
{
    char folder[NODE_PATH_MAX], path[NODE_PATH_MAX + 300];
    (void)snprintf(folder, sizeof folder, "%s", real);
    char *slash = strrchr(folder, '/');
    const char *name = slash == NULL ? real : real + (slash - folder) + 1;
    const size_t len = strlen(name), tail = sizeof BESIDE - 1;
    if (slash == NULL)
        return;
    *slash = '\0';
    DIR *dir = opendir(folder[0] == '\0' ? "/" : folder);
    const struct dirent *e;
    while (dir != NULL && (e = readdir(dir)) != NULL) {
        if (strncmp(e->d_name, name, len) != 0 || strlen(e->d_name) != len + tail ||
            strncmp(e->d_name + len, BESIDE, tail - 6) != 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        (void)unlink(path);
    }
    if (dir != NULL)
        (void)closedir(dir);
}

enum cht_err claude_file_replace(const struct claude_file *f, struct cht_bytes text, mode_t mode,
                                 struct node_fault *fault)
{
    char beside[NODE_PATH_MAX + 32];
    enum cht_err err = f->there ? CHT_OK : make_folders(f->real, fault);
    if (err != CHT_OK)
        return err;
    sweep(f->real); /* who writes holds the lock */
    (void)snprintf(beside, sizeof beside, "%s" BESIDE, f->real);
    const int fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0)
        return wrong(fault, "write beside", f->path);
    if (!dress(fd, f, mode) || !write_all(fd, text))
        err = wrong(fault, "write", f->path);
    if (close(fd) != 0 && err == CHT_OK)
        err = wrong(fault, "write", f->path);
    if (err == CHT_OK)
        err = check_same(f, fault);
    if (err == CHT_OK && rename(beside, f->real) != 0)
        err = wrong(fault, "write", f->path);
    if (err != CHT_OK)
        (void)unlink(beside);
    return err;
}

enum cht_err claude_file_remove(const struct claude_file *f, struct node_fault *fault)
{
    enum cht_err err = check_same(f, fault);
    if (err == CHT_OK && unlink(f->real) != 0)
        err = wrong(fault, "remove", f->path);
    return err;
}

enum cht_err claude_files_lock(struct node_fault *fault, int *out_fd)
{
    struct cht_error detail = { 0 };
    struct node_paths paths;
    char path[NODE_PATH_MAX + 16];
    enum cht_err err = node_paths_base(&detail, &paths);
    if (err == CHT_OK)
        err = node_path_make(paths.state, &detail);
    if (err != CHT_OK)
        return node_fault_from(fault, err, &detail);
    (void)snprintf(path, sizeof path, "%s/claude.lock", paths.state);
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return wrong(fault, "lock", path);
    if (flock(fd, LOCK_EX) != 0) {
        err = wrong(fault, "lock", path);
        (void)close(fd);
        return err;
    }
    *out_fd = fd;
    return CHT_OK;
}
