/* A node as a process, written to with many requests under way; see device.h. */
#include "tests/trace/device.h"

#include "crdt/limits.h"
#include "crdt/mp.h"
#include "node/client/mpmap.h"

#include <stdio.h>

#define SILENCE_MS 60000

/* --- writing --------------------------------------------------------------------------------- */

static void take_answer(struct trace_device *d)
{
    static const char unchanged[] = "\xa7"
                                    "changed\xc2";
    struct node_msg answer;
    struct node_fault fault = { 0 };
    if (node_client_next(d->client, SILENCE_MS, &fault, &answer) != CHT_OK ||
        node_msg_fault(&answer, &fault) != CHT_OK)
        bench_fail("a change was refused: %s", cht_error_text(&fault.error));
    const uint8_t *at = answer.payload.data, *end = at + answer.payload.len;
    const size_t len = sizeof unchanged - 1;
    while ((at = memmem(at, (size_t)(end - at), unchanged, len)) != NULL) {
        at += len;
        d->unchanged++;
    }
    d->in_air--;
}

static void send_changes(void *ctx, struct cht_bytes message, unsigned records)
{
    struct trace_device *d = ctx;
    struct node_fault fault = { 0 };
    const double begun = bench_now_us();
    (void)records;
    while (d->in_air >= TRACE_IN_AIR)
        take_answer(d);
    if (node_client_send(d->client, message, &fault) != CHT_OK)
        bench_fail("a change was not taken: %s", cht_error_text(&fault.error));
    d->in_air++;
    d->waited_us += bench_now_us() - begun;
}

void trace_device_settle(struct trace_device *d)
{
    while (d->in_air != 0)
        take_answer(d);
}

void trace_device_start(struct trace_device *d, const char *folder, const char *name,
                        struct trace_memory *memory)
{
    *d = (struct trace_device){ .in_air = 0 };
    bench_home_start(&d->home, folder, name);
    d->client = bench_home_client(&d->home);
    trace_writer_init(&d->writer, memory, send_changes, d);
}

void trace_device_stop(struct trace_device *d)
{
    node_client_close(d->client);
    bench_home_stop(&d->home);
    trace_writer_clear(&d->writer);
}

/* --- where it stands ------------------------------------------------------------------------- */

static enum cht_err keep_status(void *ctx, const struct node_msg *answer)
{
    struct trace_stand *s = ctx;
    struct cht_bytes result = node_mp_get(answer->payload, "result");
    struct cht_bytes root = node_mp_get_str(result, "root");
    if (root.len >= sizeof s->root)
        return CHT_E_MALFORMED;
    memcpy(s->root, root.data, root.len);
    s->entries = node_mp_get_uint(node_mp_get(result, "counts"), "entries", 0);
    s->waiting = node_mp_get_uint(result, "waiting", 0);
    return cht_buf_add(&s->vector, node_mp_get(result, "vector"));
}

static void ask(struct trace_device *d, struct cht_bytes message, node_answer_fn each, void *ctx)
{
    struct node_fault fault = { 0 };
    if (node_client_call(d->client, message, false, each, ctx, &fault) != CHT_OK)
        bench_fail("%s: %s", d->home.path, cht_error_text(&fault.error));
}

struct trace_stand trace_device_stand(struct trace_device *d)
{
    struct trace_stand s = { .entries = 0 };
    struct cht_buf message;
    char id[NODE_REQUEST_ID_MAX];
    cht_buf_init(&s.vector, LIMIT_CLIENT_BYTES);
    cht_buf_init(&message, LIMIT_CLIENT_BYTES);
    bench_must(node_request_begin("trace", NULL, NODE_MSG_COMMAND, &message, id), "status");
    bench_must(crdt_mp_put_map(&message, 1), "status");
    bench_must(node_mp_put_key_text(&message, "name", "status"), "status");
    ask(d, cht_buf_view(&message), keep_status, &s);
    cht_buf_clear(&message);
    return s;
}

void trace_stand_clear(struct trace_stand *s)
{
    cht_buf_clear(&s->vector);
}

bool trace_stand_covers(const struct trace_stand *s, const struct trace_stand *of)
{
    struct node_mp_iter it = node_mp_iter(cht_buf_view(&of->vector));
    struct cht_bytes key, value;
    char name[64];
    while (node_mp_next(&it, &key, &value)) {
        struct cht_bytes device = node_mp_str(key);
        (void)snprintf(name, sizeof name, "%.*s", (int)device.len, (const char *)device.data);
        if (node_mp_get_uint(cht_buf_view(&s->vector), name, 0) < node_mp_uint(value, 0))
            return false;
    }
    return s->waiting == 0;
}

/* --- waiting --------------------------------------------------------------------------------- */

static enum cht_err ignore(void *ctx, const struct node_msg *answer)
{
    (void)ctx;
    (void)answer;
    return CHT_OK;
}

/* Ask for, or to end, a watch of everything; no values are wanted. `id` is the watch. */
static void watch(struct trace_device *d, bool begin, char id[static NODE_REQUEST_ID_MAX])
{
    struct cht_buf message;
    char own[NODE_REQUEST_ID_MAX];
    cht_buf_init(&message, LIMIT_CLIENT_BYTES);
    bench_must(node_request_begin("trace", NULL, NODE_MSG_QUERY, &message, own), "a watch");
    bench_must(crdt_mp_put_map(&message, 2), "a watch");
    bench_must(node_mp_put_key_text(&message, "operation", begin ? "watch" : "unwatch"), "a watch");
    if (begin) {
        memcpy(id, own, sizeof own);
        bench_must(node_mp_put_text(&message, "fields"), "a watch");
        bench_must(crdt_mp_put_array(&message, 0), "a watch");
    } else {
        bench_must(node_mp_put_key_text(&message, "watch", id), "a watch");
    }
    ask(d, cht_buf_view(&message), ignore, NULL);
    cht_buf_clear(&message);
}

void trace_device_await(struct trace_device *d, const struct trace_stand *of)
{
    char id[NODE_REQUEST_ID_MAX];
    struct trace_stand s = trace_device_stand(d);
    bool watched = !trace_stand_covers(&s, of);
    if (watched)
        watch(d, true, id);
    /* what came before the watch is seen by the first look after it, all else is told */
    for (bool first = true; !trace_stand_covers(&s, of); first = false) {
        struct node_msg event;
        struct node_fault fault = { 0 };
        if (!first && node_client_next(d->client, SILENCE_MS, &fault, &event) != CHT_OK)
            bench_fail("%s does not get what others wrote: %s", d->home.path,
                       cht_error_text(&fault.error));
        trace_stand_clear(&s);
        s = trace_device_stand(d);
    }
    if (watched)
        watch(d, false, id);
    trace_stand_clear(&s);
}
