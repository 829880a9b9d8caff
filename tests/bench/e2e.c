/* From a commit on one node to a watch on another: two processes on the loopback, CURVE between
 * them, synchronous=FULL at both. A client of A asks for an update, a client of B watches; the time
 * runs from before the request is written to the event read. One at a time, with pauses of random
 * length, so that no turn is warm from the one before. */
#include "tests/bench/home.h"

#include "crdt/limits.h"
#include "crdt/mp.h"
#include "tests/bench/todos.h"

#include <stdlib.h>
#include <unistd.h>

#define SAMPLES 1000u
#define WARM_UP 50u

static void watch(struct node_client *c)
{
    struct cht_buf message;
    char id[NODE_REQUEST_ID_MAX];
    cht_buf_init(&message, LIMIT_CLIENT_BYTES);
    bench_must(node_request_begin("cli", NULL, NODE_MSG_QUERY, &message, id), "watch");
    bench_must(crdt_mp_put_map(&message, 2), "watch");
    bench_must(node_mp_put_key_text(&message, "operation", "watch"), "watch");
    bench_must(node_mp_put_key_text(&message, "domain", "todos"), "watch");
    bench_ask(c, cht_buf_view(&message));
    cht_buf_clear(&message);
}

/* Did an event come within the time? */
static bool event(struct node_client *c, int timeout_ms)
{
    struct node_msg m;
    enum cht_err err = node_client_next(c, timeout_ms, NULL, &m);
    if (err != CHT_OK && err != CHT_E_TIMEOUT)
        bench_must(err, "watch");
    return err == CHT_OK && m.type == NODE_MSG_EVENT;
}

/* Both have the same todos when B's watch has fallen silent. */
static void settle(struct node_client *c)
{
    uint32_t seen = 0;
    while (event(c, seen < BENCH_E2E_TODOS ? 30000 : 1000))
        seen++;
    if (seen < BENCH_E2E_TODOS)
        bench_fail("only %u of %u todos came to B", seen, BENCH_E2E_TODOS);
}

/* Is it the event of that todo? Others may write too. */
static bool event_of(struct node_client *c, uint32_t number, int timeout_ms)
{
    struct node_msg m;
    struct crdt_id id;
    char text[CRDT_ID_TEXT_MAX];
    const double end = bench_now_us() + 1e3 * timeout_ms;
    todos_id(number, &id);
    crdt_id_text(&id, text);
    for (double left_ms = timeout_ms; left_ms > 0; left_ms = (end - bench_now_us()) / 1e3) {
        enum cht_err err = node_client_next(c, (int)left_ms + 1, NULL, &m);
        if (err == CHT_E_TIMEOUT)
            return false;
        bench_must(err, "watch");
        if (m.type == NODE_MSG_EVENT &&
            memmem(m.payload.data, m.payload.len, text, strlen(text)) != NULL)
            return true;
    }
    return false;
}

void bench_e2e_open(struct bench_e2e *e, const struct bench_home *a, const struct bench_home *b)
{
    e->from = bench_home_client(a);
    e->to = bench_home_client(b);
    watch(e->to);
    bench_home_fill(a, BENCH_E2E_TODOS, false);
    settle(e->to);
    cht_buf_init(&e->message, LIMIT_CLIENT_BYTES);
    bench_updates_start(&e->updates, 100, BENCH_E2E_TODOS);
}

void bench_e2e_close(struct bench_e2e *e)
{
    bench_updates_clear(&e->updates);
    cht_buf_clear(&e->message);
    node_client_close(e->from);
    node_client_close(e->to);
}

double bench_e2e_once_us(struct bench_e2e *e, bool fresh, int timeout_ms)
{
    if (fresh)
        bench_updates_fresh(&e->updates, &e->message);
    else
        bench_updates_next(&e->updates, &e->message);
    double start = bench_now_us();
    bench_must(node_client_send(e->from, cht_buf_view(&e->message), NULL), "send");
    bool came = event_of(e->to, e->updates.number, timeout_ms);
    double us = bench_now_us() - start;
    struct node_msg answer;
    bench_must(node_client_next(e->from, 30000, NULL, &answer), "answer");
    if (node_msg_fault(&answer, NULL) != CHT_OK)
        bench_fail("an update was refused");
    (void)usleep(500 + (unsigned)(e->updates.made * 7919 % 4000));
    return came ? us : -1;
}

void bench_e2e(struct bench *b)
{
    struct bench_home homes[2];
    struct bench_e2e e;
    double samples[SAMPLES];
    size_t count = 0;
    bench_home_start(&homes[0], b->folder, "a");
    bench_home_start(&homes[1], b->folder, "b");
    bench_home_pair(&homes[0], &homes[1]);
    bench_e2e_open(&e, &homes[0], &homes[1]);
    double cpu_us = 0;
    for (uint32_t i = 0; count < SAMPLES && i < 4 * SAMPLES; i++) {
        if (i == WARM_UP)
            cpu_us = bench_process_cpu_us(homes[0].pid) + bench_process_cpu_us(homes[1].pid);
        double us = bench_e2e_once_us(&e, false, 300);
        if (us >= 0 && i >= WARM_UP)
            samples[count++] = us;
    }
    cpu_us = bench_process_cpu_us(homes[0].pid) + bench_process_cpu_us(homes[1].pid) - cpu_us;
    double fsync_us = bench_fsync_p50_us(b->folder);
    bench_e2e_close(&e);
    bench_home_stop(&homes[1]);
    bench_home_stop(&homes[0]);
    bench_figure(b, "e2e_p50_us", bench_quantile(samples, count, 0.5));
    bench_figure(b, "e2e_p99_us", bench_quantile(samples, count, 0.99));
    bench_figure(b, "e2e_both_nodes_cpu_us", cpu_us / (double)count);
    bench_figure(b, "e2e_samples_count", (double)count);
    bench_floor(b, "fsync_p50_us", fsync_us);
}
