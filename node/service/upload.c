/* Clients that write blobs, in pieces: blob-begin, blob-put, blob-end (LOCAL 7.2). The record that
 * names it is the client's next request; a blob that none names is removed in time. */
#include "node/service/own.h"

#include <stdlib.h>

struct service_upload {
    struct service_upload *next;
    uint64_t number;
    local_client_id client;
    struct node_blob_writer *writer;
};

static struct service_upload *upload_of(struct node_service *s, const struct service_caller *c,
                                        uint64_t number)
{
    struct service_upload *u = s->uploads;
    while (u != NULL && (u->number != number || u->client != c->client))
        u = u->next;
    return u;
}

/* Forget it; its writer is gone or given up. */
static void drop(struct node_service *s, struct service_upload *u)
{
    struct service_upload **at = &s->uploads;
    while (*at != u)
        at = &(*at)->next;
    *at = u->next;
    s->upload_count--;
    free(u);
}

void service_uploads_left(struct node_service *s, local_client_id client, bool all)
{
    for (struct service_upload *u = s->uploads, *next; u != NULL; u = next) {
        next = u->next;
        if (!all && u->client != client)
            continue;
        node_blob_abandon(s->blobs, u->writer, false);
        drop(s, u);
    }
}

/* --- the three commands ---------------------------------------------------------------------- */

static void answer_number(struct node_service *s, const struct service_caller *c, const char *key,
                          uint64_t value)
{
    struct cht_buf result;
    cht_buf_init(&result, 64);
    enum cht_err err = crdt_mp_put_map(&result, 1);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&result, key, value);
    service_send_built(s, c, err, &result);
    cht_buf_clear(&result);
}

static enum cht_err begin(struct node_service *s, const struct service_caller *c,
                          struct cht_bytes args, struct node_fault *fault)
{
    const uint64_t size = node_mp_get_uint(args, "size", UINT64_MAX);
    if (size > LIMIT_BLOB_BYTES)
        return node_fault_set(fault, CHT_E_LIMIT, cht_bytes_str("size"),
                              "an attachment is at most %u MiB large", LIMIT_BLOB_BYTES >> 20);
    if (s->upload_count == LIMIT_BLOB_UPLOADS)
        return node_fault_set(fault, CHT_E_BUSY, cht_bytes(NULL, 0),
                              "%u attachments are being written already", LIMIT_BLOB_UPLOADS);
    struct service_upload *u = calloc(1, sizeof *u);
    if (u == NULL)
        return CHT_E_NOMEM;
    const struct service_attachment *list;
    size_t count;
    (void)!service_attachments(s, &list, &count); /* so that its record is noticed when it comes */
    service_blobs_make_way(s, size);
    enum cht_err err = node_blob_begin(s->blobs, size, &fault->error, &u->writer);
    if (err != CHT_OK) {
        free(u);
        if (err == CHT_E_FULL)
            node_fault_hint(fault, "chitty-node blobs shows them, and --quota sets the bound");
        return err;
    }
    u->number = ++s->upload_number;
    u->client = c->client;
    u->next = s->uploads;
    s->uploads = u;
    s->upload_count++;
    answer_number(s, c, "upload", u->number);
    return CHT_OK;
}

static enum cht_err put(struct node_service *s, const struct service_caller *c,
                        struct service_upload *u, struct cht_bytes args, struct node_fault *fault)
{
    const struct cht_bytes object = node_mp_get(args, "data");
    if (node_mp_kind(object) != CRDT_MP_BIN)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("data"),
                              "\"data\" has to be bytes");
    enum cht_err err = node_blob_write(u->writer, crdt_mp_peek(object).data);
    if (err == CHT_E_LIMIT)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("data"),
                              "more bytes came than were announced: the file changed");
    if (err == CHT_E_FULL)
        return node_fault_set(fault, err, cht_bytes(NULL, 0),
                              "the disk is full: nothing of this attachment was kept");
    if (err == CHT_OK)
        answer_number(s, c, "bytes", node_blob_written(u->writer));
    return err;
}

static enum cht_err finish(struct node_service *s, const struct service_caller *c,
                           struct service_upload *u, struct node_fault *fault)
{
    struct crdt_hash hash;
    char hex[2 * CRDT_HASH_BYTES + 1];
    const uint64_t size = node_blob_written(u->writer);
    enum cht_err err = node_blob_finish(s->blobs, u->writer, true, s->now_ms, &hash);
    u->writer = NULL;
    drop(s, u);
    if (err == CHT_E_INVALID)
        return node_fault_set(fault, err, cht_bytes(NULL, 0),
                              "fewer bytes came than were announced: the file changed");
    if (err != CHT_OK)
        return node_fault_set(fault, err, cht_bytes(NULL, 0),
                              "the attachment could not be made durable (%s): nothing of it was "
                              "kept",
                              cht_err_text(err));
    struct cht_buf result;
    cht_buf_init(&result, 256);
    crdt_hex(cht_bytes(hash.b, CRDT_HASH_BYTES), hex);
    err = crdt_mp_put_map(&result, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&result, "blob", hex);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&result, "size", size);
    service_send_built(s, c, err, &result);
    cht_buf_clear(&result);
    return CHT_OK;
}

bool service_upload(struct node_service *s, const struct local_request *request,
                    const struct node_command *command)
{
    const bool begins = cht_bytes_eq(command->name, cht_bytes_str("blob-begin"));
    const bool puts = cht_bytes_eq(command->name, cht_bytes_str("blob-put"));
    if (!begins && !puts && !cht_bytes_eq(command->name, cht_bytes_str("blob-end")))
        return false;
    const struct service_caller c = service_caller_of(request);
    struct node_fault fault = { 0 };
    enum cht_err err = CHT_OK;
    struct service_upload *u =
        begins ? NULL : upload_of(s, &c, node_mp_get_uint(command->args, "upload", 0));
    if (s->blobs == NULL)
        err = node_fault_set(&fault, CHT_E_UNREACHABLE, cht_bytes(NULL, 0),
                             "this needs a running node: chitty-node run");
    else if (begins)
        err = begin(s, &c, command->args, &fault);
    else if (u == NULL)
        err = node_fault_set(&fault, CHT_E_NOTFOUND, cht_bytes_str("upload"),
                             "this connection has begun no such upload");
    else
        err = puts ? put(s, &c, u, command->args, &fault) : finish(s, &c, u, &fault);
    if (err == CHT_OK)
        return true;
    if (puts && u != NULL) {
        node_blob_abandon(s->blobs, u->writer, false);
        drop(s, u);
    }
    fault.error.code = err;
    service_answer_fault(s, &c, &fault);
    return true;
}
