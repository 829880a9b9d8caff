/* Writing a blob: beside the others until it is whole, then under its name; see blobs.h.
 *
 * What is written goes to the disk behind us while more comes, so that the fsync at the end, which
 * the node's turn waits for, has little left to do. */
#include "node/blobs/own.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PUSH_BYTES   (1024u * 1024u)
#define BEHIND_BYTES (8u * 1024u * 1024u) /* at most so much is on its way to the disk */

struct node_blob_writer {
    crypto_generichash_state state; /* first: it asks for 64 bytes of alignment */
    int fd;
    bool fetched; /* `want` is its name */
    struct crdt_hash want;
    uint64_t size;
    uint64_t at;     /* hashed and written up to here */
    uint64_t found;  /* bytes that were there before, not yet hashed beyond `at` */
    uint64_t before; /* … in all */
    uint64_t pushed; /* given to the disk */
    char path[NODE_PATH_MAX];
};

static enum cht_err open_file(struct node_blob_writer *w, struct cht_error *detail)
{
    struct stat s;
    w->fd = open(w->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (w->fd < 0)
        return blob_errno(detail, "written");
    if (fstat(w->fd, &s) != 0 || !S_ISREG(s.st_mode))
        return cht_fail(detail, CHT_E_IO, "");
    w->found = (uint64_t)s.st_size;
    if (w->found > w->size && ftruncate(w->fd, 0) != 0)
        return blob_errno(detail, "written");
    if (w->found > w->size)
        w->found = 0;
    w->before = w->found;
    w->pushed = w->found;
    return CHT_OK;
}

static enum cht_err begin(struct node_blobs *b, const struct crdt_hash *want, uint64_t size,
                          struct cht_error *detail, struct node_blob_writer **out)
{
    if (size > LIMIT_BLOB_BYTES)
        return cht_fail(detail, CHT_E_LIMIT, "an attachment is at most 1 GiB large");
    enum cht_err err = node_blobs_room(b, size, detail);
    if (err == CHT_OK)
        err = blob_make_folder(b, "part", detail);
    if (err != CHT_OK)
        return err;
    struct node_blob_writer *w = aligned_alloc(_Alignof(struct node_blob_writer), sizeof *w);
    if (w == NULL)
        return cht_fail(detail, CHT_E_NOMEM, "");
    memset(w, 0, sizeof *w);
    w->size = size;
    if (want != NULL) {
        w->fetched = true;
        w->want = *want;
        blob_side_path(b, "part", want, w->path);
    } else {
        (void)snprintf(w->path, sizeof w->path, "%.*s/part/upload-%llu",
                       (int)(NODE_PATH_MAX - BLOB_ROOM), b->folder, (unsigned long long)++b->begun);
        (void)unlink(w->path);
    }
    (void)crypto_generichash_init(&w->state, NULL, 0, CRDT_HASH_BYTES);
    err = open_file(w, detail);
    if (err != CHT_OK) {
        if (w->fd >= 0)
            (void)close(w->fd);
        free(w);
        return err;
    }
    b->reserved += size;
    *out = w;
    return CHT_OK;
}

enum cht_err node_blob_begin(struct node_blobs *b, uint64_t size, struct cht_error *detail,
                             struct node_blob_writer **out)
{
    return begin(b, NULL, size, detail, out);
}

enum cht_err node_blob_resume(struct node_blobs *b, const struct crdt_hash *hash, uint64_t size,
                              struct cht_error *detail, struct node_blob_writer **out)
{
    return begin(b, hash, size, detail, out);
}

enum cht_err node_blob_catch_up(struct node_blob_writer *w)
{
    uint8_t part[65536];
    size_t done = 0;
    while (w->at < w->found && done < NODE_BLOB_SLICE_BYTES) {
        const uint64_t left = w->found - w->at;
        const ssize_t got =
            pread(w->fd, part, left < sizeof part ? (size_t)left : sizeof part, (off_t)w->at);
        if (got <= 0) { /* what cannot be read is fetched again */
            w->found = w->at;
            break;
        }
        (void)crypto_generichash_update(&w->state, part, (unsigned long long)got);
        w->at += (uint64_t)got;
        done += (size_t)got;
    }
    return w->at < w->found ? CHT_E_WAITING : CHT_OK;
}

/* Start writing to the disk what was given to the kernel, and wait for what was started long ago.
 * Where the kernel cannot, the fsync at the end does it all. */
static void push(struct node_blob_writer *w)
{
    if (w->at - w->pushed < PUSH_BYTES)
        return;
    (void)sync_file_range(w->fd, (off_t)w->pushed, (off_t)(w->at - w->pushed),
                          SYNC_FILE_RANGE_WRITE);
    w->pushed = w->at;
    if (w->pushed > BEHIND_BYTES)
        (void)sync_file_range(w->fd, 0, (off_t)(w->pushed - BEHIND_BYTES),
                              SYNC_FILE_RANGE_WAIT_BEFORE);
}

enum cht_err node_blob_write(struct node_blob_writer *w, struct cht_bytes bytes)
{
    if (bytes.len > w->size - w->at)
        return CHT_E_LIMIT;
    size_t done = 0;
    while (done < bytes.len) {
        const ssize_t got =
            pwrite(w->fd, bytes.data + done, bytes.len - done, (off_t)(w->at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0 ? CHT_E_IO : blob_errno(NULL, "written");
        done += (size_t)got;
    }
    if (bytes.len != 0)
        (void)crypto_generichash_update(&w->state, bytes.data, bytes.len);
    w->at += bytes.len;
    push(w);
    return CHT_OK;
}

uint64_t node_blob_written(const struct node_blob_writer *w)
{
    return w->at;
}

bool node_blob_all_new(const struct node_blob_writer *w)
{
    return w->before == 0;
}

/* Under its name, or gone. */
static enum cht_err put_in_place(struct node_blobs *b, struct node_blob_writer *w,
                                 const struct crdt_hash *hash, bool own)
{
    char path[NODE_PATH_MAX], head[3];
    static const char digits[] = "0123456789abcdef";
    head[0] = digits[hash->b[0] >> 4];
    head[1] = digits[hash->b[0] & 15];
    head[2] = '\0';
    blob_path(b, hash, "", path);
    enum cht_err err = fsync(w->fd) == 0 ? CHT_OK : blob_errno(NULL, "written");
    if (err == CHT_OK)
        err = blob_make_folder(b, head, NULL);
    if (err == CHT_OK && own)
        err = blob_mark(b, hash, ".own");
    if (err == CHT_OK && rename(w->path, path) != 0)
        err = blob_errno(NULL, "written");
    return err == CHT_OK ? blob_sync_folder_of(path) : err;
}

/* It was held already: what was written is not needed. */
static enum cht_err held_already(struct node_blobs *b, struct node_blob *blob, bool own)
{
    if (!own || blob->own)
        return CHT_OK;
    enum cht_err err = blob_mark(b, &blob->hash, ".own");
    blob->own = err == CHT_OK;
    return err;
}

static void end(struct node_blobs *b, struct node_blob_writer *w, bool remove)
{
    if (remove)
        (void)unlink(w->path);
    (void)close(w->fd);
    b->reserved -= w->size;
    free(w);
}

enum cht_err node_blob_finish(struct node_blobs *b, struct node_blob_writer *w, bool own,
                              uint64_t now_ms, struct crdt_hash *out)
{
    struct crdt_hash hash;
    if (w->at != w->size) {
        end(b, w, !w->fetched);
        return CHT_E_INVALID;
    }
    (void)crypto_generichash_final(&w->state, hash.b, CRDT_HASH_BYTES);
    if (w->fetched && !crdt_hash_eq(&hash, &w->want)) {
        end(b, w, true);
        return CHT_E_CORRUPT;
    }
    struct node_blob *held = blob_find(b, &hash);
    enum cht_err err;
    bool remove = true;
    if (held != NULL) {
        err = held_already(b, held, own);
    } else {
        const struct node_blob blob = { .hash = hash,
                                        .size = w->size,
                                        .used_ms = now_ms,
                                        .own = own,
                                        .fresh = !w->fetched,
                                        .checked = true };
        err = put_in_place(b, w, &hash, own);
        remove = err != CHT_OK;
        if (err == CHT_OK)
            err = blob_add(b, &blob);
    }
    end(b, w, remove);
    if (err == CHT_OK)
        *out = hash;
    return err;
}

void node_blob_abandon(struct node_blobs *b, struct node_blob_writer *w, bool keep)
{
    if (w != NULL)
        end(b, w, !keep || !w->fetched);
}
