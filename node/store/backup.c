/* A whole database in one file, copied while it is in use; see backup.h.
 *
 * The copy reads through a connection of its own that holds one read transaction: the writer goes
 * on, and what it writes is not seen. */
#include "node/store/backup.h"

#include "node/store/sums.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP_PAGES 1024 /* 8 MiB */
#define PATH_BYTES 4200u
#define NOTE_KEY   "backup"
#define NOTE_BYTES (8u + CRDT_ID_BYTES)

struct node_backup {
    sqlite3 *from, *to;
    sqlite3_backup *copy;
    struct node_backup_note note;
    char path[PATH_BYTES], part[PATH_BYTES];
    bool force, whole;
};

static enum cht_err io_error(struct cht_error *detail, const char *what, const char *path)
{
    char text[CHT_ERROR_TEXT_MAX];
    enum cht_err err = errno == ENOSPC || errno == EDQUOT                    ? CHT_E_FULL
                       : errno == EACCES || errno == EPERM || errno == EROFS ? CHT_E_DENIED
                       : errno == EEXIST                                     ? CHT_E_EXISTS
                       : errno == ENOENT                                     ? CHT_E_NOTFOUND
                                                                             : CHT_E_IO;
    (void)snprintf(text, sizeof text, "%s %.60s: %s", what, path, strerror(errno));
    return cht_fail(detail, err, text);
}

static enum cht_err sqlite_error(struct cht_error *detail, int code, sqlite3 *db)
{
    enum cht_err err = store_error(code);
    return err == CHT_OK ? CHT_OK : cht_fail(detail, err, sqlite3_errmsg(db));
}

/* --- files ---------------------------------------------------------------------------------- */

enum cht_err node_backup_sync_folder(const char *path, struct cht_error *detail)
{
    char folder[PATH_BYTES];
    (void)snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        (void)snprintf(folder, sizeof folder, ".");
    else
        slash[slash == folder ? 1 : 0] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    enum cht_err err = good ? CHT_OK : io_error(detail, "cannot sync", folder);
    if (fd >= 0)
        (void)close(fd);
    return err;
}

static bool pump(int in, int out, uint8_t *block, size_t room)
{
    ssize_t got;
    while ((got = read(in, block, room)) > 0) {
        for (ssize_t put = 0, n; put < got; put += n) {
            n = write(out, block + put, (size_t)(got - put));
            if (n <= 0)
                return false;
        }
    }
    return got == 0 && fsync(out) == 0;
}

enum cht_err node_backup_copy_file(const char *from, const char *to, struct cht_error *detail)
{
    static const size_t room = 1u << 20;
    uint8_t *block = malloc(room);
    if (block == NULL)
        return cht_fail(detail, CHT_E_NOMEM, "out of memory");
    int in = open(from, O_RDONLY | O_CLOEXEC);
    enum cht_err err = in < 0 ? io_error(detail, "cannot open", from) : CHT_OK;
    int out = err == CHT_OK ? open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (err == CHT_OK && (out < 0 || !pump(in, out, block, room)))
        err = io_error(detail, "cannot write", to);
    if (in >= 0)
        (void)close(in);
    if (out >= 0 && close(out) != 0 && err == CHT_OK)
        err = io_error(detail, "cannot write", to);
    free(block);
    return err;
}

/* --- copying -------------------------------------------------------------------------------- */

/* The snapshot that is copied: it stands as long as this transaction does. */
static enum cht_err open_source(struct node_backup *b, const char *from, struct cht_error *detail)
{
    int code = sqlite3_open_v2(from, &b->from, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(b->from, 2000);
    if (code == SQLITE_OK)
        code = sqlite3_exec(b->from, "BEGIN; SELECT count(*) FROM meta", NULL, NULL, NULL);
    return sqlite_error(detail, code, b->from);
}

static enum cht_err open_copy(struct node_backup *b, struct cht_error *detail)
{
    /* nobody else reads it, also while it is made */
    (void)unlink(b->part);
    int fd = open(b->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return io_error(detail, "cannot make", b->part);
    (void)close(fd);
    int code = sqlite3_open_v2(b->part, &b->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) {
        b->copy = sqlite3_backup_init(b->to, "main", b->from, "main");
        code = b->copy == NULL ? sqlite3_errcode(b->to) : SQLITE_OK;
    }
    return sqlite_error(detail, code, b->to);
}

enum cht_err node_backup_open(const char *from, const char *to, bool force,
                              const struct node_backup_note *note, struct cht_error *detail,
                              struct node_backup **out)
{
    struct node_backup *b = calloc(1, sizeof *b);
    if (b == NULL)
        return cht_fail(detail, CHT_E_NOMEM, "out of memory");
    b->note = *note;
    b->force = force;
    int len = snprintf(b->path, sizeof b->path, "%s", to);
    int part = snprintf(b->part, sizeof b->part, "%.4100s.part", to);
    enum cht_err err = CHT_OK;
    if (len <= 0 || len > 4096 || part < 0)
        err = cht_fail(detail, CHT_E_INVALID, "the backup's path is empty or too long");
    struct stat s;
    if (err == CHT_OK && stat(to, &s) == 0 && !S_ISREG(s.st_mode))
        err = cht_fail(detail, CHT_E_INVALID, "what is there already is no file");
    if (err == CHT_OK && !force && access(to, F_OK) == 0)
        err = cht_fail(detail, CHT_E_EXISTS, "there is a file of that name already");
    if (err == CHT_OK)
        err = open_source(b, from, detail);
    if (err == CHT_OK)
        err = open_copy(b, detail);
    if (err != CHT_OK) {
        node_backup_close(b);
        return err;
    }
    *out = b;
    return CHT_OK;
}

/* The copy becomes a file that needs no other beside it, without what only its maker may know. */
static enum cht_err finish_rows(struct node_backup *b, struct cht_error *detail)
{
    struct node_store *s = NULL;
    uint8_t note[NOTE_BYTES];
    cht_put_u64(note, b->note.at_ms);
    memcpy(note + 8, b->note.device, CRDT_ID_BYTES);
    enum cht_err err = node_store_open(b->part, NODE_STORE_WRITE, detail, &s);
    if (err != CHT_OK)
        return err;
    err = store_exec(s, "PRAGMA secure_delete = ON");
    if (err == CHT_OK)
        err = node_store_begin(s);
    if (err == CHT_OK)
        err = store_exec(s, "DELETE FROM ticket");
    if (err == CHT_OK) {
        s->summed_changed |= 1u << STORE_SUMMED_TICKET;
        err = node_store_put_meta(s, NOTE_KEY, cht_bytes(note, sizeof note));
    }
    if (err == CHT_OK)
        err = node_store_commit(s);
    else
        node_store_rollback(s);
    if (err == CHT_OK)
        err = node_store_checkpoint(s);
    if (err == CHT_OK)
        err = store_exec(s, "PRAGMA journal_mode = DELETE");
    if (err != CHT_OK)
        (void)cht_fail(detail, err, node_store_message(s));
    node_store_close(s);
    return err;
}

static enum cht_err name_it(struct node_backup *b, struct cht_error *detail)
{
    int fd = open(b->part, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd);
    if (!good)
        return io_error(detail, "cannot sync", b->part);
    int failed = renameat2(AT_FDCWD, b->part, AT_FDCWD, b->path, b->force ? 0 : RENAME_NOREPLACE);
    if (failed != 0 && errno == EINVAL && access(b->path, F_OK) != 0)
        failed = rename(b->part, b->path); /* a file system that cannot keep from replacing */
    if (failed != 0)
        return io_error(detail, "cannot make", b->path);
    b->whole = true;
    return node_backup_sync_folder(b->path, detail);
}

enum cht_err node_backup_step(struct node_backup *b, struct cht_error *detail, uint64_t *out_done,
                              uint64_t *out_total, bool *out_end)
{
    int code = sqlite3_backup_step(b->copy, STEP_PAGES);
    uint64_t total = (uint64_t)sqlite3_backup_pagecount(b->copy);
    uint64_t left = (uint64_t)sqlite3_backup_remaining(b->copy);
    enum cht_err err = CHT_OK;
    if (code == SQLITE_DONE) {
        sqlite3_backup_finish(b->copy);
        b->copy = NULL;
        sqlite3_close(b->to);
        b->to = NULL;
        err = finish_rows(b, detail);
        if (err == CHT_OK)
            err = name_it(b, detail);
    } else if (code != SQLITE_OK && code != SQLITE_BUSY && code != SQLITE_LOCKED) {
        err = sqlite_error(detail, code, b->to);
    }
    if (err != CHT_OK)
        return err;
    *out_done = (total - left) * STORE_PAGE_BYTES;
    *out_total = total * STORE_PAGE_BYTES;
    *out_end = code == SQLITE_DONE;
    return CHT_OK;
}

void node_backup_close(struct node_backup *b)
{
    static const char *const beside[] = { "", "-wal", "-shm", "-journal" };
    char path[PATH_BYTES + 16];
    if (b == NULL)
        return;
    if (b->copy != NULL)
        sqlite3_backup_finish(b->copy);
    sqlite3_close(b->to);
    sqlite3_close(b->from);
    for (size_t i = 0; !b->whole && i < sizeof beside / sizeof beside[0]; i++) {
        (void)snprintf(path, sizeof path, "%s%s", b->part, beside[i]);
        (void)unlink(path);
    }
    free(b);
}

enum cht_err node_backup_read_note(struct node_store *s, struct node_backup_note *out)
{
    struct cht_buf value;
    cht_buf_init(&value, 256);
    enum cht_err err = node_store_get_meta(s, NOTE_KEY, &value);
    if (err == CHT_OK && value.len != NOTE_BYTES)
        err = CHT_E_CORRUPT;
    if (err == CHT_OK) {
        out->at_ms = cht_get_u64(value.data);
        memcpy(out->device, value.data + 8, CRDT_ID_BYTES);
    }
    cht_buf_clear(&value);
    return err;
}
