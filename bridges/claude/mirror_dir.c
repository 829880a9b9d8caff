/* Files and locks; see mirror_dir.h. */
#include "bridges/claude/mirror_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_BYTES (256u * 1024u)
#define TEXT_MAX   (NODE_PATH_MAX + 128u)

static unsigned broken;

unsigned mirror_broken(void)
{
    return broken;
}

/* --- reading --------------------------------------------------------------------------------- */

/* The task's name of a file's: "12" of "12.json". */
static bool name_of(const char *file, char out[static MIRROR_NAME_MAX])
{
    const size_t len = strlen(file);
    if (len < 6 || len - 5 >= MIRROR_NAME_MAX || file[0] == '.' ||
        strcmp(file + len - 5, ".json") != 0)
        return false;
    memcpy(out, file, len - 5);
    out[len - 5] = '\0';
    return true;
}

static unsigned long number_of(const char *name)
{
    return name[0] != '\0' && strspn(name, "0123456789") == strlen(name) && strlen(name) < 10
               ? strtoul(name, NULL, 10)
               : 0;
}

/* Number and birth of a file. */
static void read_mark(int fd, char out[static 64])
{
    struct statx x;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &x) == 0)
        (void)snprintf(out, 64, "%llu %lld.%u", (unsigned long long)x.stx_ino,
                       (x.stx_mask & STATX_BTIME) == 0 ? 0 : (long long)x.stx_btime.tv_sec,
                       (x.stx_mask & STATX_BTIME) == 0 ? 0 : x.stx_btime.tv_nsec);
}

/* NULL: it is not there, or no whole object. `mark` may be NULL. */
static json_t *read_task(const char *folder, const char *name, char *mark)
{
    char path[TEXT_MAX];
    struct stat st;
    json_t *task = NULL;
    (void)snprintf(path, sizeof path, "%s/%s.json", folder, name);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
    char *text = fd < 0 ? NULL : malloc(FILE_BYTES);
    if (fd >= 0 && mark != NULL)
        read_mark(fd, mark);
    if (text != NULL && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        const ssize_t len = read(fd, text, FILE_BYTES);
        if (len > 0 && len < (ssize_t)FILE_BYTES)
            task = json_loadb(text, (size_t)len, 0, NULL);
    }
    free(text);
    if (fd >= 0)
        (void)close(fd);
    if (json_is_object(task))
        return task;
    json_decref(task);
    return NULL;
}

static int by_number(const void *a, const void *b)
{
    const struct mirror_task *x = a, *y = b;
    const unsigned long m = number_of(x->name), n = number_of(y->name);
    return m != n ? (m < n ? -1 : 1) : strcmp(x->name, y->name);
}

enum cht_err mirror_scan(const char *folder, bool *out_there, struct mirror_tasks *out)
{
    *out = (struct mirror_tasks){ 0 };
    DIR *dir = opendir(folder);
    *out_there = dir != NULL;
    if (dir == NULL)
        return errno == ENOENT || errno == ENOTDIR ? CHT_OK : CHT_E_IO;
    struct dirent *e;
    size_t cap = 0;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && out->count < MIRROR_TASKS_MAX && (e = readdir(dir)) != NULL) {
        char name[MIRROR_NAME_MAX];
        if (!name_of(e->d_name, name))
            continue;
        if (out->count == cap) {
            cap = cap == 0 ? 32 : cap * 2;
            struct mirror_task *more = realloc(out->list, cap * sizeof *more);
            if (more == NULL) {
                err = CHT_E_NOMEM;
                break;
            }
            out->list = more;
        }
        struct mirror_task *t = &out->list[out->count++];
        (void)snprintf(t->name, sizeof t->name, "%s", name);
        t->mark[0] = '\0';
        t->file = read_task(folder, name, t->mark);
    }
    (void)closedir(dir);
    if (out->count > 1)
        qsort(out->list, out->count, sizeof *out->list, by_number);
    return err;
}

void mirror_tasks_clear(struct mirror_tasks *t)
{
    for (size_t i = 0; i < t->count; i++)
        json_decref(t->list[i].file);
    free(t->list);
    *t = (struct mirror_tasks){ 0 };
}

struct mirror_task *mirror_task_named(const struct mirror_tasks *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->list[i].name, name) == 0)
            return &t->list[i];
    }
    return NULL;
}

/* --- locks ----------------------------------------------------------------------------------- */

/* Take a lock that is a folder. */
static enum cht_err lock(const char *path, unsigned *out_ms)
{
    struct stat st;
    struct timespec now = { 0 };
    for (unsigned tries = 0; tries < 2; tries++) {
        if (mkdir(path, 0777) == 0)
            return CHT_OK;
        if (errno != EEXIST)
            return CHT_E_IO;
        (void)clock_gettime(CLOCK_REALTIME, &now);
        if (stat(path, &st) != 0)
            continue; /* it has just been given back */
        const int64_t age_ms = ((int64_t)now.tv_sec - (int64_t)st.st_mtim.tv_sec) * 1000;
        if (age_ms < (int64_t)MIRROR_STALE_MS) {
            *out_ms = (unsigned)(MIRROR_STALE_MS - (age_ms > 0 ? (unsigned)age_ms : 0)) + 1000;
            return CHT_E_BUSY;
        }
        if (rmdir(path) == 0)
            broken++;
    }
    *out_ms = 1000;
    return CHT_E_BUSY;
}

static enum cht_err lock_list(const char *folder, char path[static TEXT_MAX], unsigned *out_ms)
{
    (void)snprintf(path, TEXT_MAX, "%s/.lock", folder);
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return CHT_E_IO;
    (void)close(fd);
    (void)snprintf(path, TEXT_MAX, "%s/.lock.lock", folder);
    return lock(path, out_ms);
}

static enum cht_err lock_task(const char *folder, const char *name, char path[static TEXT_MAX],
                              unsigned *out_ms)
{
    (void)snprintf(path, TEXT_MAX, "%s/%s.json.lock", folder, name);
    return lock(path, out_ms);
}

/* --- writing --------------------------------------------------------------------------------- */

/* By a new file and a rename. */
static enum cht_err put_text(const char *folder, const char *file, const char *text)
{
    char beside[TEXT_MAX], path[TEXT_MAX];
    (void)snprintf(beside, sizeof beside, "%s/.chitty-XXXXXX", folder);
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    const int fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0)
        return CHT_E_IO;
    const size_t len = strlen(text);
    bool good = write(fd, text, len) == (ssize_t)len && fchmod(fd, 0644) == 0;
    good = close(fd) == 0 && good;
    if (good && rename(beside, path) == 0)
        return CHT_OK;
    (void)unlink(beside);
    return CHT_E_IO;
}

static enum cht_err put_task(const char *folder, const char *name, const json_t *task)
{
    char file[MIRROR_NAME_MAX + 8];
    char *text = json_dumps(task, JSON_INDENT(2));
    (void)snprintf(file, sizeof file, "%s.json", name);
    enum cht_err err = text == NULL ? CHT_E_NOMEM : put_text(folder, file, text);
    free(text);
    return err;
}

/* The highest number that was ever removed. */
static unsigned long watermark(const char *folder)
{
    char path[TEXT_MAX], text[32] = "";
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/.highwatermark", folder);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return 0;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && read(fd, text, sizeof text - 1) < 0)
        text[0] = '\0';
    (void)close(fd);
    text[strcspn(text, " \t\r\n")] = '\0';
    return number_of(text);
}

/* The highest number that a file has: also one of those beyond what is read of a list. */
static enum cht_err highest(const char *folder, unsigned long *out)
{
    DIR *dir = opendir(folder);
    const struct dirent *e;
    char name[MIRROR_NAME_MAX];
    if (dir == NULL)
        return CHT_E_IO;
    *out = 0;
    while ((e = readdir(dir)) != NULL) {
        const unsigned long number = name_of(e->d_name, name) ? number_of(name) : 0;
        *out = number > *out ? number : *out;
    }
    (void)closedir(dir);
    return CHT_OK;
}

bool mirror_there(const char *folder, const char *name)
{
    char path[TEXT_MAX];
    (void)snprintf(path, sizeof path, "%s/%s.json", folder, name);
    return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Under the lock of the list: no number up to this one is given again. */
static enum cht_err raise_watermark(const char *folder, const char *name)
{
    char text[32];
    const unsigned long number = number_of(name);
    if (number <= watermark(folder))
        return CHT_OK;
    (void)snprintf(text, sizeof text, "%lu", number);
    return put_text(folder, ".highwatermark", text);
}

enum cht_err mirror_retire(const char *folder, const char *name, unsigned *out_ms)
{
    char list[TEXT_MAX];
    if (number_of(name) <= watermark(folder))
        return CHT_OK;
    enum cht_err err = lock_list(folder, list, out_ms);
    if (err != CHT_OK)
        return err;
    err = raise_watermark(folder, name);
    (void)rmdir(list);
    return err;
}

static enum cht_err remove_task(const char *folder, const char *name, unsigned *out_ms)
{
    char path[TEXT_MAX], list[TEXT_MAX];
    enum cht_err err = lock_list(folder, list, out_ms);
    if (err != CHT_OK)
        return err;
    (void)snprintf(path, sizeof path, "%s/%s.json", folder, name);
    if (unlink(path) != 0 && errno != ENOENT)
        err = CHT_E_IO;
    if (err == CHT_OK)
        err = raise_watermark(folder, name);
    (void)rmdir(list);
    return err;
}

enum cht_err mirror_hold(const char *folder, const char *name, const json_t *was,
                         struct mirror_hold *out, unsigned *out_ms)
{
    enum cht_err err = lock_task(folder, name, out->path, out_ms);
    if (err != CHT_OK)
        return err;
    json_t *is = read_task(folder, name, NULL);
    const bool same = was == NULL ? is == NULL : is != NULL && json_equal(is, was);
    json_decref(is);
    if (same)
        return CHT_OK;
    mirror_let_go(out);
    *out_ms = 0;
    return CHT_E_BUSY;
}

void mirror_let_go(struct mirror_hold *hold)
{
    (void)rmdir(hold->path);
}

enum cht_err mirror_write(const char *folder, const char *name, const json_t *was,
                          const json_t *now, unsigned *out_ms)
{
    struct mirror_hold hold;
    enum cht_err err = mirror_hold(folder, name, was, &hold, out_ms);
    if (err != CHT_OK)
        return err;
    err = now == NULL ? remove_task(folder, name, out_ms) : put_task(folder, name, now);
    mirror_let_go(&hold);
    return err;
}

enum cht_err mirror_next(const char *folder, struct mirror_hold *out,
                         char out_name[static MIRROR_NAME_MAX], unsigned *out_ms)
{
    unsigned long next = 0;
    enum cht_err err = lock_list(folder, out->path, out_ms);
    if (err != CHT_OK)
        return err;
    const unsigned long removed = watermark(folder);
    err = highest(folder, &next);
    next = removed > next ? removed : next;
    if (err == CHT_OK)
        (void)snprintf(out_name, MIRROR_NAME_MAX, "%lu", next + 1);
    else
        mirror_let_go(out);
    return err;
}

enum cht_err mirror_put(const char *folder, const char *name, const json_t *now)
{
    return put_task(folder, name, now);
}
