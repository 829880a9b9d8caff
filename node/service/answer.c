/* Envelopes of answers; see own.h (LOCAL 2, 5). */
#include "node/service/own.h"

#include <stdio.h>

struct service_caller service_caller_of(const struct local_request *request)
{
    struct service_caller c = { .client = request->client, .out = request->out };
    c.id_len = request->msg.id.len < sizeof c.id ? request->msg.id.len : sizeof c.id;
    memcpy(c.id, request->msg.id.data, c.id_len);
    return c;
}

static struct node_msg base_message(const struct node_service *s)
{
    return (struct node_msg){ .type = NODE_MSG_ACK,
                              .node_id = cht_bytes_str(s->device_hex),
                              .platform = cht_bytes_str("node"),
                              .timestamp_ms = s->now_ms };
}

enum cht_err service_begin(struct node_service *s, const struct service_caller *c,
                           enum node_msg_type type, struct cht_buf *out)
{
    uint8_t room[NODE_MSG_ID_BYTES];
    struct node_msg m = base_message(s);
    m.type = type;
    m.reply_to = cht_bytes(c->id, c->id_len);
    m.id = node_msg_answer_id(m.reply_to, room);
    if (type == NODE_MSG_EVENT) {
        int len = snprintf((char *)room, sizeof room, "e/%llu", (unsigned long long)++s->answers);
        m.id = cht_bytes(room, (size_t)len);
    }
    return node_msg_begin(out, &m);
}

enum cht_err service_put_fault(struct node_service *s, const struct service_caller *c,
                               const struct node_fault *fault, struct cht_buf *out)
{
    struct node_msg m = base_message(s);
    return node_msg_write_error(out, &m, cht_bytes(c->id, c->id_len), fault);
}

void service_answer_fault(struct node_service *s, const struct service_caller *c,
                          const struct node_fault *fault)
{
    struct cht_buf out;
    cht_buf_init(&out, SERVICE_ANSWER_BYTES);
    enum cht_err err = service_put_fault(s, c, fault, &out);
    if (err == CHT_OK) /* a client that has left needs no answer */
        (void)!c->out->answer(c->out->ctx, c->client, cht_buf_view(&out));
    cht_buf_clear(&out);
}

void service_fail(struct node_service *s, const struct service_caller *c, enum cht_err err,
                  const char *sentence)
{
    struct node_fault fault = { 0 };
    (void)cht_fail(&fault.error, err, sentence);
    service_answer_fault(s, c, &fault);
}

void service_send(struct node_service *s, const struct service_caller *c, enum cht_err err,
                  struct cht_buf *out)
{
    if (err == CHT_OK)
        (void)!c->out->answer(c->out->ctx, c->client, cht_buf_view(out));
    else if (err == CHT_E_LIMIT)
        service_fail(s, c, err, "the answer does not fit one message: ask for fewer fields");
    else
        service_fail(s, c, err, "");
}

void service_answer_result(struct node_service *s, const struct service_caller *c,
                           struct cht_bytes result)
{
    cht_buf_reset(&s->answer);
    enum cht_err err = service_begin(s, c, NODE_MSG_ACK, &s->answer);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&s->answer, 1);
    if (err == CHT_OK)
        err = node_mp_put_key_raw(&s->answer, "result", result);
    service_send(s, c, err, &s->answer);
}

void service_answer_progress(struct node_service *s, const struct service_caller *c,
                             struct cht_bytes progress)
{
    struct cht_buf out;
    cht_buf_init(&out, SERVICE_ANSWER_BYTES);
    enum cht_err err = service_begin(s, c, NODE_MSG_EVENT, &out);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&out, 1);
    if (err == CHT_OK)
        err = node_mp_put_key_raw(&out, "progress", progress);
    if (err == CHT_OK)
        (void)!c->out->answer(c->out->ctx, c->client, cht_buf_view(&out));
    cht_buf_clear(&out);
}

/* The message is written with the largest head of an array, whose count is filled in after. */
static enum cht_err records_begin(struct node_service *s, const struct service_caller *c,
                                  struct cht_bytes extra, uint32_t pairs, struct cht_buf *out,
                                  size_t *out_count_at)
{
    static const uint8_t array32[] = { 0xdd, 0, 0, 0, 0 };
    enum cht_err err = service_begin(s, c, NODE_MSG_STATE_SNAPSHOT, out);
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 1 + pairs);
    if (err == CHT_OK)
        err = cht_buf_add(out, extra);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "records");
    if (err == CHT_OK)
        err = cht_buf_add(out, cht_bytes(array32, sizeof array32));
    if (err == CHT_OK)
        *out_count_at = out->len - 4;
    return err;
}

enum cht_err service_records_begin(struct node_service *s, const struct service_caller *c,
                                   bool more, struct cht_buf *out, size_t *out_count_at)
{
    static const uint8_t word[] = { 0xa4, 'm', 'o', 'r', 'e', 0xc3 }; /* true */
    return records_begin(s, c, cht_bytes(word, more ? sizeof word : 0), more ? 1 : 0, out,
                         out_count_at);
}

enum cht_err service_records_begin_last(struct node_service *s, const struct service_caller *c,
                                        struct cht_bytes extra, uint32_t pairs, struct cht_buf *out,
                                        size_t *out_count_at)
{
    return records_begin(s, c, extra, pairs, out, out_count_at);
}

void service_records_end(struct cht_buf *out, size_t count_at, uint32_t count)
{
    out->data[count_at] = (uint8_t)(count >> 24);
    out->data[count_at + 1] = (uint8_t)(count >> 16);
    out->data[count_at + 2] = (uint8_t)(count >> 8);
    out->data[count_at + 3] = (uint8_t)count;
}

enum cht_err service_put_progress(struct node_service *s, const struct service_caller *c,
                                  const char *text, uint64_t done, uint64_t total,
                                  struct cht_buf *out)
{
    enum cht_err err = service_begin(s, c, NODE_MSG_EVENT, out);
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "progress");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 3);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "done", done);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "total", total);
    return err == CHT_OK ? node_mp_put_key_text(out, "text", text) : err;
}
