/* Reading a blob, checked once after each start; see blobs.h. */
#include "node/blobs/own.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define USED_AGAIN_MS 60000u /* when it was last used is noted at most so often */

struct node_blob_reader {
    crypto_generichash_state state; /* first: it asks for 64 bytes of alignment */
    int fd;
    struct crdt_hash hash;
    uint64_t size, checked;
};

enum cht_err node_blob_open(struct node_blobs *b, const struct crdt_hash *hash, uint64_t now_ms,
                            struct node_blob_reader **out)
{
    struct node_blob *blob = blob_find(b, hash);
    char path[NODE_PATH_MAX];
    struct stat s;
    if (blob == NULL)
        return CHT_E_NOTFOUND;
    blob_path(b, hash, "", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT) { /* somebody removed it */
        blob_drop(b, hash, false);
        return CHT_E_NOTFOUND;
    }
    if (fd < 0 || fstat(fd, &s) != 0) {
        enum cht_err err = blob_errno(NULL, "read");
        if (fd >= 0)
            (void)close(fd);
        return err;
    }
    struct node_blob_reader *r = aligned_alloc(_Alignof(struct node_blob_reader), sizeof *r);
    if (r == NULL) {
        (void)close(fd);
        return CHT_E_NOMEM;
    }
    memset(r, 0, sizeof *r);
    r->fd = fd;
    r->hash = *hash;
    r->size = (uint64_t)s.st_size;
    (void)crypto_generichash_init(&r->state, NULL, 0, CRDT_HASH_BYTES);
    if (now_ms > blob->used_ms + USED_AGAIN_MS) {
        (void)utimensat(AT_FDCWD, path, NULL, 0);
        blob->used_ms = now_ms;
    }
    *out = r;
    return CHT_OK;
}

static void put_aside(struct node_blobs *b, const struct crdt_hash *hash)
{
    char from[NODE_PATH_MAX], to[NODE_PATH_MAX];
    blob_path(b, hash, "", from);
    blob_side_path(b, "bad", hash, to);
    if (blob_make_folder(b, "bad", NULL) != CHT_OK || rename(from, to) != 0)
        (void)unlink(from);
    blob_drop(b, hash, false); /* its marks stay: it is fetched again */
}

enum cht_err node_blob_check(struct node_blobs *b, struct node_blob_reader *r, uint64_t *out_done)
{
    struct node_blob *blob = blob_find(b, &r->hash);
    uint8_t part[65536], hash[CRDT_HASH_BYTES];
    size_t done = 0;
    if (blob != NULL && blob->checked && blob->size == r->size) {
        *out_done = r->size;
        return CHT_OK;
    }
    while (r->checked < r->size && done < NODE_BLOB_SLICE_BYTES) {
        const ssize_t got = pread(r->fd, part, sizeof part, (off_t)r->checked);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        (void)crypto_generichash_update(&r->state, part, (unsigned long long)got);
        r->checked += (uint64_t)got;
        done += (size_t)got;
    }
    *out_done = r->checked;
    if (r->checked < r->size && done >= NODE_BLOB_SLICE_BYTES)
        return CHT_E_WAITING;
    (void)crypto_generichash_final(&r->state, hash, sizeof hash);
    if (r->checked == r->size && memcmp(hash, r->hash.b, sizeof hash) == 0) {
        if (blob != NULL)
            blob->checked = true;
        return CHT_OK;
    }
    put_aside(b, &r->hash);
    return CHT_E_CORRUPT;
}

enum cht_err node_blob_read(const struct node_blob_reader *r, uint64_t offset, uint8_t *out,
                            size_t max, size_t *out_len)
{
    size_t len = 0;
    while (len < max && offset + len < r->size) {
        const ssize_t got = pread(r->fd, out + len, max - len, (off_t)(offset + len));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return CHT_E_IO;
        len += (size_t)got;
    }
    *out_len = len;
    return CHT_OK;
}

uint64_t node_blob_size(const struct node_blob_reader *r)
{
    return r->size;
}

void node_blob_shut(struct node_blob_reader *r)
{
    if (r == NULL)
        return;
    (void)close(r->fd);
    free(r);
}
