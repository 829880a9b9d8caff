/* The command `backup`: one file, made while everything else goes on. A part of it is copied each
 * time the client has read how far it is; see own.h (LOCAL 6.1). */
#include "node/store/backup.h"
#include "node/service/own.h"

#include <stdio.h>
#include <stdlib.h>

struct backup_stream {
    struct node_service *s;
    struct service_caller caller;
    struct node_backup *backup;
    char *path;
    uint32_t replaced; /* the service's, when it began */
};

static enum cht_err put_progress(struct backup_stream *b, uint64_t done, uint64_t total,
                                 struct cht_buf *out)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%llu of %llu KiB", (unsigned long long)(done / 1024),
                   (unsigned long long)(total / 1024));
    return service_put_progress(b->s, &b->caller, text, done, total, out);
}

static enum cht_err put_result(struct backup_stream *b, uint64_t bytes, struct cht_buf *out)
{
    char space[2 * CRDT_ID_BYTES + 1];
    /* files beside the database: they are not in it */
    const uint64_t left_out = b->s->blobs == NULL ? 0 : node_blobs_count(b->s->blobs);
    struct node_replica_counts counts = node_replica_count(b->s->replica);
    crdt_hex(cht_bytes(node_replica_space(b->s->replica), CRDT_ID_BYTES), space);
    enum cht_err err = service_begin(b->s, &b->caller, NODE_MSG_ACK, out);
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "result");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, left_out == 0 ? 4 : 5);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "path", b->path);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "bytes", bytes);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "entries", counts.entries);
    if (err == CHT_OK && left_out != 0)
        err = node_mp_put_key_uint(out, "blobsLeftOut", left_out);
    return err == CHT_OK ? node_mp_put_key_text(out, "space", space) : err;
}

static enum cht_err next_message(void *state, struct cht_buf *out, bool *out_end)
{
    struct backup_stream *b = state;
    struct node_fault fault = { 0 };
    uint64_t done = 0, total = 0;
    enum cht_err err = CHT_E_BUSY;
    if (b->replaced == b->s->replaced)
        err = node_backup_step(b->backup, &fault.error, &done, &total, out_end);
    else
        (void)cht_fail(&fault.error, err, "another database is in use by now");
    if (err == CHT_OK)
        return *out_end ? put_result(b, total, out) : put_progress(b, done, total, out);
    *out_end = true;
    return service_put_fault(b->s, &b->caller, &fault, out);
}

static void end_stream(void *state)
{
    struct backup_stream *b = state;
    node_backup_close(b->backup);
    free(b->path);
    free(b);
}

static enum cht_err begin(struct backup_stream *b, struct cht_bytes args, struct node_fault *fault)
{
    struct node_backup_note note = { .at_ms = b->s->now_ms };
    struct cht_bytes path = node_mp_get_str(args, "path");
    bool force = node_mp_get_bool(args, "force");
    memcpy(note.device, b->s->identity->device, CRDT_ID_BYTES);
    if (path.len == 0 || path.data[0] != '/' || memchr(path.data, '\0', path.len) != NULL)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("path"),
                              "\"path\" has to be a file's name from the root on");
    b->path = strndup((const char *)path.data, path.len);
    if (b->path == NULL)
        return CHT_E_NOMEM;
    enum cht_err err =
        node_backup_open(b->s->path, b->path, force, &note, &fault->error, &b->backup);
    if (err == CHT_E_EXISTS)
        node_fault_hint(fault, "--force replaces it");
    return err;
}

void service_backup(struct node_service *s, const struct service_caller *c, struct cht_bytes args)
{
    struct node_fault fault = { 0 };
    struct backup_stream *b = calloc(1, sizeof *b);
    enum cht_err err = CHT_E_NOMEM;
    if (b != NULL) {
        *b = (struct backup_stream){ .s = s, .caller = *c, .replaced = s->replaced };
        err = begin(b, args, &fault);
    }
    if (err != CHT_OK) {
        fault.error.code = err;
        service_answer_fault(s, c, &fault);
        if (b != NULL)
            end_stream(b);
        return;
    }
    struct local_stream stream = { .state = b, .next = next_message, .end = end_stream };
    (void)!c->out->stream(c->out->ctx, c->client, &stream);
}
