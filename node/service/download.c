/* Clients that read a blob: blob-get (LOCAL 7.3). One that is not here is waited for while the
 * daemon fetches it. */
#include "node/service/own.h"

#include <stdio.h>
#include <stdlib.h>

#define CHUNK_BYTES (256u * 1024u)

/* A client that waits until a blob is here. */
struct service_await {
    struct service_await *next;
    struct service_caller caller;
    struct crdt_hash hash;
    uint64_t size, told_ms;
};

/* --- sending it ------------------------------------------------------------------------------ */

struct blob_stream {
    struct node_service *s;
    struct service_caller caller;
    struct node_blob_reader *reader;
    struct crdt_hash hash;
    uint64_t at;
    bool checked;
};

static enum cht_err put_chunk(struct blob_stream *b, struct cht_buf *out)
{
    uint8_t *bytes = malloc(CHUNK_BYTES);
    size_t len = 0;
    enum cht_err err =
        bytes == NULL ? CHT_E_NOMEM : node_blob_read(b->reader, b->at, bytes, CHUNK_BYTES, &len);
    if (err == CHT_OK)
        err = service_begin(b->s, &b->caller, NODE_MSG_EVENT, out);
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "chunk");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "offset", b->at);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "data");
    if (err == CHT_OK)
        err = crdt_mp_put_bin(out, cht_bytes(bytes, len));
    b->at += len;
    free(bytes);
    return err;
}

static enum cht_err put_end(struct blob_stream *b, struct cht_buf *out)
{
    char hex[2 * CRDT_HASH_BYTES + 1];
    crdt_hex(cht_bytes(b->hash.b, CRDT_HASH_BYTES), hex);
    enum cht_err err = service_begin(b->s, &b->caller, NODE_MSG_ACK, out);
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "result");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "blob", hex);
    return err == CHT_OK ? node_mp_put_key_uint(out, "size", b->at) : err;
}

static enum cht_err next_message(void *state, struct cht_buf *out, bool *out_end)
{
    struct blob_stream *b = state;
    const uint64_t size = node_blob_size(b->reader);
    struct node_fault fault = { 0 };
    uint64_t done = 0;
    enum cht_err err = b->checked ? CHT_OK : node_blob_check(b->s->blobs, b->reader, &done);
    if (err == CHT_E_WAITING)
        return service_put_progress(b->s, &b->caller, "checked", done, size, out);
    b->checked = true;
    if (err == CHT_OK) {
        *out_end = b->at >= size;
        return *out_end ? put_end(b, out) : put_chunk(b, out);
    }
    *out_end = true;
    (void)node_fault_set(&fault, err, cht_bytes(NULL, 0),
                         "the attachment's file here is damaged and was set aside");
    node_fault_hint(&fault, "ask again: it is fetched from a device that has it");
    return service_put_fault(b->s, &b->caller, &fault, out);
}

static void end_stream(void *state)
{
    struct blob_stream *b = state;
    node_blob_shut(b->reader);
    free(b);
}

/* CHT_E_NOTFOUND: it is not here. */
static enum cht_err send_it(struct node_service *s, const struct service_caller *c,
                            const struct crdt_hash *hash)
{
    struct blob_stream *b = calloc(1, sizeof *b);
    if (b == NULL)
        return CHT_E_NOMEM;
    *b = (struct blob_stream){ .s = s, .caller = *c, .hash = *hash };
    enum cht_err err = node_blob_open(s->blobs, hash, s->now_ms, &b->reader);
    if (err != CHT_OK) {
        free(b);
        return err;
    }
    const struct local_stream stream = { .state = b, .next = next_message, .end = end_stream };
    (void)!c->out->stream(c->out->ctx, c->client, &stream);
    return CHT_OK;
}

/* --- waiting for it -------------------------------------------------------------------------- */

static enum cht_err await(struct node_service *s, const struct service_caller *c,
                          const struct service_attachment *a, struct node_fault *fault)
{
    struct service_await *w = calloc(1, sizeof *w);
    if (w == NULL)
        return CHT_E_NOMEM;
    *w = (struct service_await){ .caller = *c, .hash = a->hash, .size = a->size };
    const enum cht_err err = s->net.fetch(s->net.ctx, a, fault);
    if (err != CHT_OK) {
        free(w);
        return err;
    }
    w->next = s->awaits;
    s->awaits = w;
    return CHT_OK;
}

bool service_blob_waited(const struct node_service *s, const struct crdt_hash *hash)
{
    const struct service_await *w = s->awaits;
    while (w != NULL && !crdt_hash_eq(&w->hash, hash))
        w = w->next;
    return w != NULL;
}

void service_blob_progress(struct node_service *s, const struct crdt_hash *hash, uint64_t done,
                           uint64_t total)
{
    for (struct service_await *w = s->awaits; w != NULL; w = w->next) {
        if (!crdt_hash_eq(&w->hash, hash) || s->now_ms < w->told_ms + 250)
            continue;
        struct cht_buf out;
        cht_buf_init(&out, 1024);
        w->told_ms = s->now_ms;
        if (service_put_progress(s, &w->caller, "fetched", done, total, &out) == CHT_OK)
            (void)!w->caller.out->answer(w->caller.out->ctx, w->caller.client, cht_buf_view(&out));
        cht_buf_clear(&out);
    }
}

/* Those that wait for it, taken off the list; the caller frees each. */
static struct service_await *take(struct node_service *s, const struct crdt_hash *hash)
{
    for (struct service_await **at = &s->awaits; *at != NULL; at = &(*at)->next) {
        struct service_await *w = *at;
        if (!crdt_hash_eq(&w->hash, hash))
            continue;
        *at = w->next;
        return w;
    }
    return NULL;
}

void service_blob_failed(struct node_service *s, const struct crdt_hash *hash,
                         const struct node_fault *fault)
{
    for (struct service_await *w; (w = take(s, hash)) != NULL; free(w))
        service_answer_fault(s, &w->caller, fault);
}

void service_blob_here(struct node_service *s, const struct crdt_hash *hash)
{
    for (struct service_await *w; (w = take(s, hash)) != NULL; free(w)) {
        const enum cht_err err = send_it(s, &w->caller, hash);
        if (err != CHT_OK)
            service_fail(s, &w->caller, err, "the attachment came and could not be read");
    }
}

void service_awaits_fail(struct node_service *s)
{
    struct node_fault fault = { 0 };
    (void)cht_fail(&fault.error, CHT_E_BUSY, "another database is in use by now");
    while (s->awaits != NULL) {
        const struct crdt_hash hash = s->awaits->hash;
        service_blob_failed(s, &hash, &fault);
    }
}

void service_awaits_left(struct node_service *s, local_client_id client, bool all)
{
    for (struct service_await **at = &s->awaits; *at != NULL;) {
        struct service_await *w = *at;
        if (!all && w->caller.client != client) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        free(w);
    }
}

/* --- which one ------------------------------------------------------------------------------- */

/* The live value that is meant: the shown one, or the n-th in the order that conflicts have. */
static enum cht_err find_value(struct node_service *s, struct cht_bytes args,
                               struct node_fault *fault, struct service_attachment *out)
{
    const struct cht_bytes name = node_mp_get_str(args, "name");
    const uint64_t pick = node_mp_get_uint(args, "pick", 1);
    const struct crdt_state *state;
    const struct crdt_value **list;
    uint8_t room[LIMIT_KEY_BYTES];
    struct cht_buf key = { .data = room, .cap = sizeof room, .limit = sizeof room };
    enum cht_err err = service_find(s, node_mp_get_str(args, "chittyId"), 0, fault, &out->n);
    if (err == CHT_OK)
        err = node_replica_state(s->replica, out->n, &state);
    if (err == CHT_OK && crdt_mp_put_str(&key, name) != CHT_OK)
        err = node_fault_set(fault, CHT_E_LIMIT, cht_bytes_str("name"), "the name is too long");
    if (err != CHT_OK)
        return err;
    const struct crdt_field *f = crdt_field_named(state->id.type, cht_bytes_str("attachments"));
    const struct crdt_cell *cell =
        f == NULL ? NULL : crdt_state_cell(state, f->number, cht_buf_view(&key));
    if (cell == NULL)
        return node_fault_set(fault, CHT_E_NOTFOUND, cht_bytes_str("name"),
                              "it has no attachment \"%.*s\"", (int)name.len,
                              (const char *)name.data);
    if (pick == 0 || pick > cell->count)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("pick"),
                              "there are values 1 to %u to pick from", cell->count);
    err = service_order(s, &s->arena, state, cell, &list);
    if (err != CHT_OK)
        return err;
    out->at = list[pick - 1]->at;
    err = service_attachment_read(list[pick - 1]->bytes, &out->hash, &out->size);
    return err == CHT_OK ? err
                         : node_fault_set(fault, CHT_E_UNSUPPORTED, cht_bytes_str("name"),
                                          "this attachment's value names no blob");
}

void service_blob_get(struct node_service *s, const struct service_caller *c, struct cht_bytes args)
{
    struct node_fault fault = { 0 };
    struct service_attachment a = { 0 };
    enum cht_err err = CHT_E_UNREACHABLE;
    if (s->blobs != NULL)
        err = find_value(s, args, &fault, &a);
    if (err == CHT_OK)
        err = send_it(s, c, &a.hash);
    if (err == CHT_E_NOTFOUND && fault.error.code == CHT_OK && s->net.fetch != NULL)
        err = await(s, c, &a, &fault);
    else if (err == CHT_E_NOTFOUND && fault.error.code == CHT_OK)
        err = node_fault_set(&fault, CHT_E_UNREACHABLE, cht_bytes(NULL, 0),
                             "this attachment is not on this device, and no node runs to fetch it");
    if (err != CHT_OK) {
        fault.error.code = err;
        service_answer_fault(s, c, &fault);
    }
}
