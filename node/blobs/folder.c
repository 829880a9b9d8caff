/* The folder of blobs: names, marks, and what is found at the start; see blobs.h. */
#include "node/blobs/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PART_OLD_S (7 * 24 * 3600) /* nobody asked for the rest of it in so long */

static void hex_of(const struct crdt_hash *hash, char out[static BLOB_HEX + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < CRDT_HASH_BYTES; i++) {
        out[2 * i] = digits[hash->b[i] >> 4];
        out[2 * i + 1] = digits[hash->b[i] & 15];
    }
    out[BLOB_HEX] = '\0';
}

void blob_path(const struct node_blobs *b, const struct crdt_hash *hash, const char *ending,
               char out[static NODE_PATH_MAX])
{
    char hex[BLOB_HEX + 1];
    hex_of(hash, hex);
    (void)snprintf(out, NODE_PATH_MAX, "%.*s/%.2s/%s%s", (int)(NODE_PATH_MAX - BLOB_ROOM),
                   b->folder, hex, hex + 2, ending);
}

void blob_side_path(const struct node_blobs *b, const char *side, const struct crdt_hash *hash,
                    char out[static NODE_PATH_MAX])
{
    char hex[BLOB_HEX + 1];
    hex_of(hash, hex);
    (void)snprintf(out, NODE_PATH_MAX, "%.*s/%s/%s", (int)(NODE_PATH_MAX - BLOB_ROOM), b->folder,
                   side, hex);
}

enum cht_err blob_errno(struct cht_error *detail, const char *what)
{
    const int sys = errno;
    enum cht_err code = CHT_E_IO;
    if (sys == ENOSPC || sys == EDQUOT || sys == EFBIG)
        code = CHT_E_FULL;
    else if (sys == EACCES || sys == EPERM || sys == EROFS)
        code = CHT_E_DENIED;
    (void)cht_fail(detail, code, "");
    if (detail != NULL) {
        detail->sys = sys;
        (void)snprintf(detail->text, sizeof detail->text, "an attachment's file cannot be %s: %s",
                       what, strerror(sys));
    }
    return code;
}

enum cht_err blob_make_folder(const struct node_blobs *b, const char *name,
                              struct cht_error *detail)
{
    char path[NODE_PATH_MAX];
    if (mkdir(b->folder, S_IRWXU) == 0)
        (void)!blob_sync_folder_of(b->folder);
    else if (errno != EEXIST)
        return blob_errno(detail, "written");
    (void)snprintf(path, sizeof path, "%.*s/%.16s", (int)(NODE_PATH_MAX - BLOB_ROOM), b->folder,
                   name);
    if (mkdir(path, S_IRWXU) == 0)
        return blob_sync_folder_of(path);
    return errno == EEXIST ? CHT_OK : blob_errno(detail, "written");
}

enum cht_err blob_sync_folder_of(const char *path)
{
    char folder[NODE_PATH_MAX];
    const char *slash = strrchr(path, '/');
    const size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    if (len == 0 || len >= sizeof folder)
        return CHT_E_IO;
    memcpy(folder, path, len);
    folder[len] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd);
    return good ? CHT_OK : CHT_E_IO;
}

/* --- marks ---------------------------------------------------------------------------------- */

enum cht_err blob_mark(const struct node_blobs *b, const struct crdt_hash *hash, const char *ending)
{
    char path[NODE_PATH_MAX];
    blob_path(b, hash, ending, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return blob_errno(NULL, "written");
    (void)close(fd);
    return blob_sync_folder_of(path);
}

void blob_unmark(const struct node_blobs *b, const struct crdt_hash *hash, const char *ending)
{
    char path[NODE_PATH_MAX];
    blob_path(b, hash, ending, path);
    (void)unlink(path);
}

static bool marked(const struct node_blobs *b, const struct crdt_hash *hash, const char *ending,
                   uint64_t *out_ms)
{
    char path[NODE_PATH_MAX];
    struct stat s;
    blob_path(b, hash, ending, path);
    if (stat(path, &s) != 0)
        return false;
    if (out_ms != NULL)
        *out_ms = (uint64_t)s.st_mtim.tv_sec * 1000u + (uint64_t)s.st_mtim.tv_nsec / 1000000u;
    return true;
}

/* --- the start ------------------------------------------------------------------------------- */

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The hash of "xx" and "yyyy…"; false where that is no name of a blob. */
static bool hash_of_name(const char *head, const char *rest, struct crdt_hash *out)
{
    if (strlen(head) != 2 || strlen(rest) != BLOB_HEX - 2)
        return false;
    for (size_t i = 0; i < CRDT_HASH_BYTES; i++) {
        const char *pair = i == 0 ? head : rest + 2 * (i - 1);
        const int high = digit(pair[0]), low = digit(pair[1]);
        if (high < 0 || low < 0)
            return false;
        out->b[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static enum cht_err take_file(struct node_blobs *b, const char *head, const char *name)
{
    struct node_blob blob = { .size = 0 };
    char path[NODE_PATH_MAX];
    struct stat s;
    if (!hash_of_name(head, name, &blob.hash))
        return CHT_OK;
    blob_path(b, &blob.hash, "", path);
    if (stat(path, &s) != 0 || !S_ISREG(s.st_mode))
        return CHT_OK;
    blob.size = (uint64_t)s.st_size;
    blob.used_ms = (uint64_t)s.st_mtim.tv_sec * 1000u + (uint64_t)s.st_mtim.tv_nsec / 1000000u;
    blob.own = marked(b, &blob.hash, ".own", NULL);
    blob.kept = marked(b, &blob.hash, ".kept", NULL);
    (void)marked(b, &blob.hash, ".gone", &blob.gone_ms);
    return blob_add(b, &blob);
}

static enum cht_err scan_folder(struct node_blobs *b, const char *head)
{
    char path[NODE_PATH_MAX];
    (void)snprintf(path, sizeof path, "%.*s/%.2s", (int)(NODE_PATH_MAX - BLOB_ROOM), b->folder,
                   head);
    DIR *dir = opendir(path);
    enum cht_err err = CHT_OK;
    for (struct dirent *e; dir != NULL && err == CHT_OK && (e = readdir(dir)) != NULL;)
        err = take_file(b, head, e->d_name);
    if (dir != NULL)
        (void)closedir(dir);
    return err;
}

/* What clients were writing when the node ended, and what was fetched in part long ago. */
static void clear_parts(const struct node_blobs *b)
{
    char path[NODE_PATH_MAX];
    struct stat s;
    (void)snprintf(path, sizeof path, "%.*s/part", (int)(NODE_PATH_MAX - BLOB_ROOM), b->folder);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        const bool client = strncmp(e->d_name, "upload-", 7) == 0;
        if (e->d_name[0] == '.' || fstatat(dirfd(dir), e->d_name, &s, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (client || s.st_mtim.tv_sec + PART_OLD_S < time(NULL))
            (void)unlinkat(dirfd(dir), e->d_name, 0);
    }
    if (dir != NULL)
        (void)closedir(dir);
}

enum cht_err blob_scan(struct node_blobs *b)
{
    DIR *dir = opendir(b->folder);
    if (dir == NULL)
        return errno == ENOENT ? CHT_OK : blob_errno(NULL, "read");
    enum cht_err err = CHT_OK;
    for (struct dirent *e; err == CHT_OK && (e = readdir(dir)) != NULL;) {
        if (strlen(e->d_name) == 2 && digit(e->d_name[0]) >= 0 && digit(e->d_name[1]) >= 0)
            err = scan_folder(b, e->d_name);
    }
    (void)closedir(dir);
    clear_parts(b);
    return err;
}

/* --- policy ---------------------------------------------------------------------------------- */

static void policy_path(const struct node_blobs *b, const char *ending,
                        char out[static NODE_PATH_MAX])
{
    (void)snprintf(out, NODE_PATH_MAX, "%.*s/policy%s", (int)(NODE_PATH_MAX - BLOB_ROOM), b->folder,
                   ending);
}

void blob_read_policy(struct node_blobs *b)
{
    char path[NODE_PATH_MAX], line[64];
    b->policy = (struct node_blob_policy){ .quota_bytes = NODE_BLOB_QUOTA_BYTES };
    policy_path(b, "", path);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char *value = strchr(line, ' ');
        if (value == NULL)
            continue;
        *value++ = '\0';
        if (strcmp(line, "quota") == 0)
            b->policy.quota_bytes = strtoull(value, NULL, 10);
        else if (strcmp(line, "fetch-below") == 0)
            b->policy.fetch_below_bytes = strtoull(value, NULL, 10);
        else if (strcmp(line, "keep") == 0)
            b->policy.keep = value[0] == '1';
    }
    if (file != NULL)
        (void)fclose(file);
}

enum cht_err node_blobs_set_policy(struct node_blobs *b, const struct node_blob_policy *policy,
                                   struct cht_error *detail)
{
    char beside[NODE_PATH_MAX], path[NODE_PATH_MAX];
    enum cht_err err = blob_make_folder(b, "part", detail);
    if (err != CHT_OK)
        return err;
    policy_path(b, ".new", beside);
    policy_path(b, "", path);
    FILE *file = fopen(beside, "we");
    if (file == NULL)
        return blob_errno(detail, "written");
    bool good = fprintf(file, "quota %llu\nfetch-below %llu\nkeep %d\n",
                        (unsigned long long)policy->quota_bytes,
                        (unsigned long long)policy->fetch_below_bytes, policy->keep ? 1 : 0) > 0;
    good = fflush(file) == 0 && good;
    good = fsync(fileno(file)) == 0 && good;
    good = fclose(file) == 0 && good;
    if (!good || rename(beside, path) != 0) {
        err = blob_errno(detail, "written");
        (void)unlink(beside);
        return err;
    }
    b->policy = *policy;
    return blob_sync_folder_of(path);
}
