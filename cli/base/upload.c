/* A file into the node, in pieces over the local socket (LOCAL 7.2); nowhere is it whole in
 * memory. */
#include "cli/base/attach.h"

#include "crdt/hash.h"
#include "crdt/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES (512u * 1024u)

/* What an answer says that is of interest here. */
struct answer {
    uint64_t upload, size;
    char blob[65];
};

static enum cht_err each(void *ctx, const struct node_msg *message)
{
    struct answer *a = ctx;
    const struct cht_bytes result = node_mp_get(message->payload, "result");
    const struct cht_bytes blob = node_mp_get_str(result, "blob");
    a->upload = node_mp_get_uint(result, "upload", a->upload);
    a->size = node_mp_get_uint(result, "size", a->size);
    if (blob.len == sizeof a->blob - 1)
        memcpy(a->blob, blob.data, blob.len);
    return CHT_OK;
}

static enum cht_err begin(struct cli_context *c, uint64_t size, struct answer *a)
{
    struct cli_request r;
    enum cht_err err = cli_command_begin(c, "blob-begin", 1, &r);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&r.message, "size", size);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, false, each, a);
    cli_request_clear(&r);
    return err;
}

static enum cht_err put(struct cli_context *c, struct answer *a, struct cht_bytes piece)
{
    struct cli_request r;
    enum cht_err err = cli_command_begin(c, "blob-put", 2, &r);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&r.message, "upload", a->upload);
    if (err == CHT_OK)
        err = node_mp_put_text(&r.message, "data");
    if (err == CHT_OK)
        err = crdt_mp_put_bin(&r.message, piece);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, false, each, a);
    cli_request_clear(&r);
    return err;
}

static enum cht_err end(struct cli_context *c, struct answer *a)
{
    struct cli_request r;
    enum cht_err err = cli_command_begin(c, "blob-end", 1, &r);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&r.message, "upload", a->upload);
    if (err == CHT_OK)
        err = cli_ask(c, CLI_REACH_NODE, &r, false, each, a);
    cli_request_clear(&r);
    return err;
}

static enum cht_err fail(struct cli_context *c, const char *path, int sys)
{
    return node_fault_set(&c->fault, sys == ENOENT ? CHT_E_NOTFOUND : CHT_E_IO,
                          cht_bytes_str("FILE"), "%s cannot be read: %s", path, strerror(sys));
}

/* What the node would name it by (PROTOCOL 12.1), without asking it. */
static enum cht_err only_read(struct cli_context *c, const char *path, int fd, uint8_t *piece,
                              struct answer *a)
{
    crypto_generichash_state state;
    struct crdt_hash hash;
    (void)crypto_generichash_init(&state, NULL, 0, sizeof hash.b);
    for (;;) {
        const ssize_t got = read(fd, piece, PIECE_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(c, path, errno);
        if (got == 0)
            break;
        (void)crypto_generichash_update(&state, piece, (unsigned long long)got);
        a->size += (uint64_t)got;
    }
    (void)crypto_generichash_final(&state, hash.b, sizeof hash.b);
    crdt_hex(cht_bytes(hash.b, sizeof hash.b), a->blob);
    return CHT_OK;
}

static enum cht_err send_all(struct cli_context *c, const char *path, int fd, uint64_t size,
                             uint8_t *piece, struct answer *a)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    uint64_t done = 0;
    enum cht_err err = begin(c, size, a);
    while (err == CHT_OK) {
        const ssize_t got = read(fd, piece, PIECE_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(c, path, errno);
        if (got == 0)
            break;
        err = put(c, a, cht_bytes(piece, (size_t)got));
        done += (uint64_t)got;
        cli_put_bytes("attached", name, done, size);
    }
    return err == CHT_OK ? end(c, a) : err;
}

enum cht_err cli_upload(struct cli_context *c, const char *path, char out_blob[static 65],
                        uint64_t *out_size)
{
    struct answer a = { .upload = 0 };
    struct stat s;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(c, path, errno);
    uint8_t *piece = malloc(PIECE_BYTES);
    enum cht_err err = piece == NULL ? CHT_E_NOMEM : CHT_OK;
    if (err == CHT_OK && fstat(fd, &s) != 0)
        err = fail(c, path, errno);
    else if (err == CHT_OK && !S_ISREG(s.st_mode))
        err = fail(c, path, S_ISDIR(s.st_mode) ? EISDIR : EINVAL);
    else if (err == CHT_OK && (uint64_t)s.st_size > LIMIT_BLOB_BYTES)
        err = node_fault_set(&c->fault, CHT_E_LIMIT, cht_bytes_str("FILE"),
                             "%s has %lld bytes; an attachment has at most %u MiB", path,
                             (long long)s.st_size, LIMIT_BLOB_BYTES >> 20);
    if (err == CHT_OK && cli_flag(c, "dry-run") != NULL)
        err = only_read(c, path, fd, piece, &a);
    else if (err == CHT_OK)
        err = send_all(c, path, fd, (uint64_t)s.st_size, piece, &a);
    free(piece);
    (void)close(fd);
    if (err != CHT_OK)
        return cli_fail(c, err);
    memcpy(out_blob, a.blob, sizeof a.blob);
    *out_size = a.size;
    return CHT_OK;
}
