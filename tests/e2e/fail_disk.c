/* A disk that fails, for tests: preloaded into a node, it fails writes and syncs of the files below
 * "spaces/" as the file that CHITTY_FAIL names says: "full" (no write finds room), "quota", "write"
 * (EIO), "sync" or "cache" (EIO at a sync, once), or nothing. "sync" takes back what was written
 * since the last good one, as a disk does that lost it and a kernel that dropped the pages; with
 * "cache" it can still be read, for now; with "cache always" no sync succeeds. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT_MAX 4096

/* What stood where something was written. */
struct kept {
    int fd;
    off_t at, size; /* of the file before */
    size_t len;
    char *bytes;
};

static struct kept kept[KEPT_MAX];
static size_t kept_count;

static bool is_mode(const char *mode)
{
    char text[24] = "";
    const char *path = getenv("CHITTY_FAIL");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, text, sizeof text - 1);
    (void)close(fd);
    return got > 0 && strncmp(text, mode, strlen(mode)) == 0;
}

static bool is_ours(int fd)
{
    char link[64], path[512];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    path[len < 0 ? 0 : len] = '\0';
    return strstr(path, "/spaces/") != NULL;
}

static bool fails(int fd)
{
    if (!is_ours(fd))
        return false;
    int error = is_mode("full") ? ENOSPC : is_mode("quota") ? EDQUOT : is_mode("write") ? EIO : 0;
    errno = error == 0 ? errno : error;
    return error != 0;
}

static void keep(int fd, size_t len, off_t at)
{
    struct stat st;
    if (!is_ours(fd) || kept_count == KEPT_MAX || fstat(fd, &st) != 0)
        return;
    struct kept *k = &kept[kept_count];
    *k = (struct kept){ .fd = fd, .at = at, .size = st.st_size, .bytes = malloc(len + 1) };
    ssize_t got = k->bytes == NULL ? 0 : pread(fd, k->bytes, len, at);
    k->len = got > 0 ? (size_t)got : 0;
    kept_count++;
}

typedef ssize_t pwrite_fn(int fd, const void *data, size_t len, off_t at);

/* The library's own function; what dlsym gives is an object for ISO C. */
static void find(const char *name, void *out)
{
    void *at = dlsym(RTLD_NEXT, name);
    memcpy(out, &at, sizeof at);
}

static pwrite_fn *real_pwrite(void)
{
    static pwrite_fn *real;
    if (real == NULL)
        find("pwrite64", &real);
    return real;
}

static void take_back(void)
{
    while (kept_count != 0) {
        struct kept *k = &kept[--kept_count];
        if (k->len != 0)
            (void)!real_pwrite()(k->fd, k->bytes, k->len, k->at);
        (void)!ftruncate(k->fd, k->size);
        free(k->bytes);
    }
}

static void forget(void)
{
    while (kept_count != 0)
        free(kept[--kept_count].bytes);
}

/* By both names that it has. */
ssize_t first_pwrite(int fd, const void *data, size_t len, off_t at) __asm__("pwrite64");
ssize_t second_pwrite(int fd, const void *data, size_t len, off_t at) __asm__("pwrite");

ssize_t first_pwrite(int fd, const void *data, size_t len, off_t at)
{
    if (fails(fd))
        return -1;
    keep(fd, len, at);
    return real_pwrite()(fd, data, len, at);
}

ssize_t second_pwrite(int fd, const void *data, size_t len, off_t at)
{
    return first_pwrite(fd, data, len, at);
}

static int sync_file(int fd, const char *name)
{
    int (*real)(int);
    find(name, &real);
    const bool lost = is_ours(fd) && is_mode("sync");
    if (lost || (is_ours(fd) && is_mode("cache"))) {
        const char *path = getenv("CHITTY_FAIL");
        if (lost || !is_mode("cache always"))
            (void)!truncate(path, 0); /* once: the next sync finds nothing to complain of */
        if (lost)
            take_back();
        errno = EIO;
        return -1;
    }
    if (is_ours(fd))
        forget();
    return real(fd);
}

int fsync(int fd)
{
    return sync_file(fd, "fsync");
}

int fdatasync(int fd)
{
    return sync_file(fd, "fdatasync");
}
