/* Many sessions at one list: processes on two nodes take the next todo that is ready, complete it,
 * and take another, until none is left. Every todo is of the first node, which grants the claims:
 * the other's sessions ask over the link. What each process took is written down; a todo that two
 * took was done twice. Beside it a durable write of the same disk, which each claim and each
 * completion waits for. */
#include "tests/bench/home.h"

#include "bridges/agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PROCESSES 64u /* on each node */
#define TODOS     2000u
#define TRIES     20u /* of `next` while others have what it found */

/* What a process tells of a claim: less than a pipe writes at once. */
struct taken {
    char todo[CRDT_ID_TEXT_MAX];
    unsigned node;
    bool confirmed;
    double us;
};

/* --- a session ------------------------------------------------------------------------------ */

static struct agent *open_session(const struct bench_home *home, unsigned number)
{
    char key[32];
    struct node_fault fault = { 0 };
    struct agent *a = NULL;
    const struct agent_facts facts = { .begins = true, .no_project = true };
    (void)setenv("CHITTY_HOME", home->path, 1);
    (void)snprintf(key, sizeof key, "session-%u", number);
    const struct agent_options options = {
        .program = "bench", .session_id = key, .folder = home->path, .no_start = true
    };
    bench_must(agent_open(&options, &fault, &a), "the node's socket");
    bench_must(agent_session_ensure(a, &facts), "session");
    return a;
}

/* Take the next todo; false when there is none. */
static bool take_next(struct agent *a, unsigned node, struct taken *out)
{
    json_t *claim = NULL;
    enum cht_err err = CHT_E_BUSY;
    const double start = bench_now_us();
    for (unsigned i = 0; err == CHT_E_BUSY && i < TRIES; i++)
        err = agent_todo_claim(a, NULL, false, NULL, &claim);
    if (err == CHT_E_NOTFOUND || err == CHT_E_BUSY)
        return false;
    bench_must(err, "claim");
    *out = (struct taken){ .node = node, .us = bench_now_us() - start };
    (void)snprintf(out->todo, sizeof out->todo, "%s", bridge_json_str(claim, "chittyId"));
    out->confirmed = strcmp(bridge_json_str(claim, "state"), "held") == 0;
    json_decref(claim);
    return true;
}

static void say(int tell, const struct taken *t)
{
    if (write(tell, t, sizeof *t) != (ssize_t)sizeof *t)
        bench_fail("a pipe: %s", strerror(errno));
}

/* A process: begins when the pipe `begin` is closed, tells of each claim. */
static void work(const struct bench_home *home, unsigned node, unsigned number, int begin, int tell)
{
    char byte;
    struct taken t;
    struct agent *a = open_session(home, number);
    say(tell, &(struct taken){ .node = node }); /* it is there */
    while (read(begin, &byte, 1) < 0 && errno == EINTR) {
    }
    while (take_next(a, node, &t)) {
        say(tell, &t);
        bench_must(
            agent_todo_update(a, t.todo, json_pack("{s:s}", "status", "completed"), NULL, NULL),
            "complete");
    }
    agent_close(a);
}

/* --- the workload --------------------------------------------------------------------------- */

struct tally {
    struct taken *list;
    size_t count, room;
};

static bool hear(int from, struct taken *out)
{
    size_t len = 0;
    while (len < sizeof *out) {
        const ssize_t got = read(from, (uint8_t *)out + len, sizeof *out - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        len += (size_t)got;
    }
    return true;
}

static int by_todo(const void *a, const void *b)
{
    return strcmp(((const struct taken *)a)->todo, ((const struct taken *)b)->todo);
}

static double quantile_ms(const struct tally *t, unsigned node, double share)
{
    double *samples = malloc((t->count + 1) * sizeof *samples);
    size_t count = 0;
    if (samples == NULL)
        bench_fail("no memory");
    for (size_t i = 0; i < t->count; i++) {
        if (t->list[i].node == node)
            samples[count++] = t->list[i].us;
    }
    const double ms = count == 0 ? 0 : bench_quantile(samples, count, share) / 1e3;
    free(samples);
    return ms;
}

static void report(struct bench *b, struct tally *t, double us)
{
    unsigned doubles = 0, unconfirmed = 0, remote = 0;
    qsort(t->list, t->count, sizeof t->list[0], by_todo);
    for (size_t i = 0; i < t->count; i++) {
        doubles += i > 0 && strcmp(t->list[i].todo, t->list[i - 1].todo) == 0;
        unconfirmed += !t->list[i].confirmed;
        remote += t->list[i].node == 1;
    }
    bench_figure(b, "claim_per_s", (double)t->count / us * 1e6);
    bench_figure(b, "claim_count", (double)t->count);
    bench_figure(b, "claim_double_count", doubles);
    bench_figure(b, "claim_unconfirmed_count", unconfirmed);
    bench_figure(b, "claim_remote_count", remote);
    bench_figure(b, "claim_here_p50_ms", quantile_ms(t, 0, 0.5));
    bench_figure(b, "claim_here_p99_ms", quantile_ms(t, 0, 0.99));
    bench_figure(b, "claim_remote_p50_ms", quantile_ms(t, 1, 0.5));
    bench_figure(b, "claim_remote_p99_ms", quantile_ms(t, 1, 0.99));
}

/* The other node has all todos when it knows how many are ready. */
static void await_todos(const struct bench_home *home, unsigned count)
{
    struct agent *a = NULL;
    struct node_fault fault = { 0 };
    const struct agent_options options = { .program = "bench", .session_id = "", .no_start = true };
    const struct agent_list list = { .is = "ready", .project = "", .limit = count };
    size_t found = 0;
    (void)setenv("CHITTY_HOME", home->path, 1);
    bench_must(agent_open(&options, &fault, &a), "the node's socket");
    for (unsigned i = 0; found < count && i < 1000; i++) {
        json_t *records = NULL;
        bench_must(agent_todo_list(a, &list, &records), "list");
        found = json_array_size(records);
        json_decref(records);
        (void)usleep(20000);
    }
    agent_close(a);
    if (found < count)
        bench_fail("only %zu of %u todos came to the other node", found, count);
}

void bench_claim(struct bench *b)
{
    struct bench_home homes[2];
    const unsigned todos = b->quick ? TODOS / 4 : TODOS;
    struct tally t = { .room = 4 * (size_t)todos };
    struct taken one;
    pid_t pids[2 * PROCESSES];
    int begin[2], tell[2];
    t.list = calloc(t.room, sizeof t.list[0]);
    bench_home_start(&homes[0], b->folder, "a");
    bench_home_start(&homes[1], b->folder, "b");
    bench_home_pair(&homes[0], &homes[1]);
    bench_home_fill(&homes[0], todos, true);
    await_todos(&homes[1], todos);
    if (t.list == NULL || pipe2(begin, O_CLOEXEC) != 0 || pipe2(tell, O_CLOEXEC) != 0)
        bench_fail("no memory or no pipes");
    for (unsigned i = 0; i < 2 * PROCESSES; i++) {
        pids[i] = fork();
        if (pids[i] < 0)
            bench_fail("fork: %s", strerror(errno));
        if (pids[i] != 0)
            continue;
        (void)close(begin[1]);
        (void)close(tell[0]);
        work(&homes[i % 2], i % 2, i, begin[0], tell[1]);
        _exit(0);
    }
    (void)close(tell[1]);
    for (unsigned i = 0; i < 2 * PROCESSES; i++) {
        if (!hear(tell[0], &one))
            bench_fail("a process ended early");
    }
    const double start = bench_now_us();
    (void)close(begin[1]);
    while (t.count < t.room && hear(tell[0], &one))
        t.list[t.count++] = one;
    const double us = bench_now_us() - start;
    for (unsigned i = 0; i < 2 * PROCESSES; i++) {
        if (bench_wait(pids[i]) != 0)
            bench_fail("a process failed");
    }
    report(b, &t, us);
    bench_floor(b, "claims_wanted", todos);
    bench_floor(b, "fsync_p50_us", bench_fsync_p50_us(b->folder));
    bench_home_stop(&homes[1]);
    bench_home_stop(&homes[0]);
    free(t.list);
}
