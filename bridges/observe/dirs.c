/* inotify on the folders of git; see dirs.h, gitrepository-layout(5). */
#include "bridges/observe/dirs.h"

#include "node/client/paths.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAIRS_MAX   8192u
#define FOLDERS_MAX 64u /* of one clone */
#define REFS_DEPTH  4u
#define MASK                                                                                       \
    (IN_MOVED_TO | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |        \
     IN_ONLYDIR | IN_EXCL_UNLINK)

struct pair {
    int wd;
    uint32_t number;
};

struct observe_dirs {
    int fd;
    size_t count;
    struct pair pairs[PAIRS_MAX];
};

enum cht_err observe_dirs_open(struct observe_dirs **out)
{
    struct observe_dirs *d = calloc(1, sizeof *d);
    if (d == NULL)
        return CHT_E_NOMEM;
    d->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (d->fd < 0) {
        free(d);
        return CHT_E_IO;
    }
    *out = d;
    return CHT_OK;
}

void observe_dirs_close(struct observe_dirs *d)
{
    if (d == NULL)
        return;
    (void)close(d->fd);
    free(d);
}

int observe_dirs_fd(const struct observe_dirs *d)
{
    return d->count == 0 ? -1 : d->fd;
}

/* --- which folders ------------------------------------------------------------------------- */

/* The path in a small file behind `head`, taken from `folder` when it is relative. */
static bool read_path(const char *file, const char *head, const char *folder,
                      char out[static NODE_PATH_MAX])
{
    char text[NODE_PATH_MAX];
    const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* it may be a pipe */
    const ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        (void)close(fd);
    if (got <= 0)
        return false;
    text[got] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (strncmp(text, head, strlen(head)) != 0)
        return false;
    const char *path = text + strlen(head);
    const int len = path[0] == '/' ? snprintf(out, NODE_PATH_MAX, "%s", path)
                                   : snprintf(out, NODE_PATH_MAX, "%s/%s", folder, path);
    return len > 0 && (size_t)len < NODE_PATH_MAX;
}

/* `.git` is the folder, or a file that says where it is. */
static bool find_git(const char *folder, char out[static NODE_PATH_MAX])
{
    char dot[NODE_PATH_MAX];
    struct stat info;
    const int len = snprintf(dot, sizeof dot, "%s/.git", folder);
    if (len < 0 || (size_t)len >= sizeof dot || stat(dot, &info) != 0)
        return false;
    if (!S_ISDIR(info.st_mode))
        return read_path(dot, "gitdir: ", folder, out);
    memcpy(out, dot, (size_t)len + 1);
    return true;
}

static void watch_one(struct observe_dirs *d, uint32_t number, const char *path)
{
    const int wd = inotify_add_watch(d->fd, path, MASK);
    for (size_t i = 0; i < d->count; i++)
        if (d->pairs[i].wd == wd && d->pairs[i].number == number)
            return;
    if (wd >= 0 && d->count < PAIRS_MAX)
        d->pairs[d->count++] = (struct pair){ .wd = wd, .number = number };
}

/* A folder and those in it. */
static void watch_tree(struct observe_dirs *d, uint32_t number, const char *path, unsigned depth,
                       unsigned *left)
{
    char below[NODE_PATH_MAX];
    DIR *folder = depth == 0 || *left == 0 ? NULL : opendir(path);
    const struct dirent *entry;
    if (folder == NULL)
        return;
    --*left;
    watch_one(d, number, path);
    while ((entry = readdir(folder)) != NULL) {
        const int len = snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.' && len > 0 &&
            (size_t)len < sizeof below)
            watch_tree(d, number, below, depth - 1, left);
    }
    (void)closedir(folder);
}

void observe_dirs_watch(struct observe_dirs *d, uint32_t number, const char *folder)
{
    char git[NODE_PATH_MAX], file[NODE_PATH_MAX + 16], common[NODE_PATH_MAX];
    unsigned left = FOLDERS_MAX;
    if (!find_git(folder, git))
        return;
    watch_one(d, number, git);
    (void)snprintf(file, sizeof file, "%s/commondir", git);
    if (!read_path(file, "", git, common))
        memcpy(common, git, sizeof common);
    else
        watch_one(d, number, common);
    (void)snprintf(file, sizeof file, "%s/refs/heads", common);
    watch_tree(d, number, file, REFS_DEPTH, &left);
    (void)snprintf(file, sizeof file, "%s/refs/remotes", common);
    watch_tree(d, number, file, REFS_DEPTH, &left);
}

/* --- what happened ------------------------------------------------------------------------- */

static bool is_watched(const struct observe_dirs *d, int wd)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->pairs[i].wd == wd)
            return true;
    return false;
}

void observe_dirs_drop(struct observe_dirs *d, uint32_t number)
{
    for (size_t i = d->count; i > 0; i--) {
        const struct pair gone = d->pairs[i - 1];
        if (gone.number != number)
            continue;
        d->pairs[i - 1] = d->pairs[--d->count];
        if (!is_watched(d, gone.wd))
            (void)inotify_rm_watch(d->fd, gone.wd);
    }
}

/* Locks are taken and given back; what they were for is told by a rename. */
static bool is_news(const struct inotify_event *e)
{
    const size_t len = e->len == 0 ? 0 : strnlen(e->name, e->len);
    const bool lock = len > 5 && memcmp(e->name + len - 5, ".lock", 5) == 0;
    return !lock;
}

static void take_event(struct observe_dirs *d, const struct inotify_event *e,
                       void (*changed)(void *ctx, uint32_t number), void *ctx)
{
    if (!is_news(e))
        return;
    for (size_t i = d->count; i > 0; i--) {
        const struct pair p = d->pairs[i - 1];
        if (p.wd != e->wd && (e->mask & IN_Q_OVERFLOW) == 0)
            continue;
        if ((e->mask & IN_IGNORED) != 0)
            d->pairs[i - 1] = d->pairs[--d->count]; /* the kernel watches it no more */
        changed(ctx, p.number);
    }
}

void observe_dirs_read(struct observe_dirs *d, void (*changed)(void *ctx, uint32_t number),
                       void *ctx)
{
    union {
        struct inotify_event event;
        char bytes[16384];
    } piece;
    ssize_t got;
    while ((got = read(d->fd, &piece, sizeof piece)) > 0) {
        for (ssize_t at = 0; at < got;) {
            struct inotify_event e;
            memcpy(&e, piece.bytes + at, sizeof e);
            take_event(d, (const struct inotify_event *)(const void *)(piece.bytes + at), changed,
                       ctx);
            at += (ssize_t)(sizeof e + e.len);
        }
    }
}
