/* One request to the handler without a socket; the order of a turn is kept: ask, commit, answer. */
#include "node/local/direct.h"

#include "crdt/limits.h"

struct direct {
    struct cht_buf answers; /* framed, one after the other */
    enum cht_err err;       /* the first failure to queue one */
    size_t stream_count;
    struct local_stream streams[LIMIT_CLIENT_STREAMS];
};

static enum cht_err queue_answer(void *ctx, local_client_id client, struct cht_bytes message)
{
    struct direct *d = ctx;
    (void)client;
    const enum cht_err err = node_frame_put(&d->answers, message);
    if (d->err == CHT_OK)
        d->err = err;
    return err;
}

static enum cht_err queue_stream(void *ctx, local_client_id client,
                                 const struct local_stream *stream)
{
    struct direct *d = ctx;
    (void)client;
    if (d->stream_count == LIMIT_CLIENT_STREAMS) {
        stream->end(stream->state);
        return CHT_E_LIMIT;
    }
    d->streams[d->stream_count++] = *stream;
    return CHT_OK;
}

struct asking {
    node_answer_fn each;
    void *ctx;
    struct node_fault *fault;
    enum cht_err result;
    bool done;
};

static void take(struct asking *a, struct cht_bytes message)
{
    struct node_msg m;
    struct cht_error detail = { 0 };
    const enum cht_err err = node_msg_read(message, &detail, NULL, &m);
    if (err != CHT_OK) {
        a->result = node_fault_from(a->fault, err, &detail);
        a->done = true;
    } else {
        a->done = node_answer_take(&m, a->each, a->ctx, a->fault, &a->result);
    }
}

static void take_queued(struct direct *d, struct asking *a)
{
    struct cht_bytes left = cht_buf_view(&d->answers), message;
    size_t used = 0;
    while (!a->done && node_frame_next(left, &message, &used) == CHT_OK) {
        take(a, message);
        left = cht_bytes(left.data + used, left.len - used);
    }
}

static void draw(const struct local_stream *s, struct asking *a)
{
    struct cht_buf message;
    bool end = false;
    cht_buf_init(&message, LIMIT_CLIENT_BYTES);
    while (!a->done && !end) {
        cht_buf_reset(&message);
        const enum cht_err err = s->next(s->state, &message, &end);
        if (err != CHT_OK) {
            a->result = node_fault_from(a->fault, err, NULL);
            a->done = true;
        } else {
            take(a, cht_buf_view(&message));
        }
    }
    cht_buf_clear(&message);
}

enum cht_err node_local_direct(const struct local_handler *handler,
                               enum cht_err (*commit)(void *ctx, struct node_fault *fault),
                               void *commit_ctx, struct cht_bytes message, node_answer_fn each,
                               void *each_ctx, struct node_fault *fault)
{
    struct direct d = { 0 };
    const struct local_output out = { .ctx = &d, .answer = queue_answer, .stream = queue_stream };
    struct local_request request = { .client = LOCAL_DIRECT_CLIENT, .out = &out, .bytes = message };
    struct cht_error detail = { 0 };
    enum cht_err err = node_msg_read(message, &detail, NULL, &request.msg);
    if (err != CHT_OK)
        return node_fault_from(fault, err, &detail);
    cht_buf_init(&d.answers, LIMIT_CLIENT_BACKLOG);
    handler->request(handler->ctx, &request);
    if (d.err != CHT_OK)
        err = node_fault_from(fault, d.err, NULL);
    if (err == CHT_OK && commit != NULL)
        err = commit(commit_ctx, fault);
    struct asking a = { .each = each, .ctx = each_ctx, .fault = fault, .result = err };
    a.done = err != CHT_OK;
    take_queued(&d, &a);
    for (size_t i = 0; i < d.stream_count; i++) {
        draw(&d.streams[i], &a);
        d.streams[i].end(d.streams[i].state);
    }
    cht_buf_clear(&d.answers);
    if (handler->closed != NULL)
        handler->closed(handler->ctx, LOCAL_DIRECT_CLIENT);
    return a.done ? a.result
                  : node_fault_set(fault, CHT_E_INTERNAL, cht_bytes(NULL, 0),
                                   "the request got no final answer");
}
