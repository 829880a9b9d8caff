/* What is ready, of 100,000 open todos of which a thousand are held: the first fifty, asked on the
 * socket of a running node and by `chitty ready`. Beside it the start of a process that does
 * nothing, and the node's answer to a request that asks nothing. */
#include "tests/bench/home.h"

#include "bridges/agent/agent.h"

#include <stdio.h>
#include <stdlib.h>

#define TODOS 100000u
#define HELD  1000u
#define ASKED 500u
#define RUNS  100u

static double ask_us(struct agent *a, const struct agent_list *list, size_t *out_count)
{
    json_t *records = NULL;
    const double start = bench_now_us();
    bench_must(agent_todo_list(a, list, &records), "list");
    const double us = bench_now_us() - start;
    *out_count = json_array_size(records);
    json_decref(records);
    return us;
}

static struct agent *open_agent(const char *key, const char *folder)
{
    struct agent *a = NULL;
    struct node_fault fault = { 0 };
    const struct agent_options options = {
        .program = "bench", .session_id = key, .folder = folder, .no_start = true
    };
    bench_must(agent_open(&options, &fault, &a), "the node's socket");
    return a;
}

/* The first thousand, by one session. */
static void hold(const char *folder)
{
    const struct agent_facts facts = { .begins = true, .no_project = true };
    struct agent *a = open_agent("holder", folder);
    bench_must(agent_session_ensure(a, &facts), "session");
    for (unsigned i = 0; i < HELD; i++)
        bench_must(agent_todo_claim(a, NULL, false, NULL, NULL), "claim");
    agent_close(a);
}

void bench_ready(struct bench *b)
{
    static double samples[ASKED], runs[RUNS], nothing[ASKED];
    struct bench_home home;
    char program[BENCH_PATH_MAX];
    const struct agent_list list = { .is = "ready", .project = "", .limit = 50 };
    const struct agent_list none = { .is = "ready", .project = "", .text = "zqzqzq", .limit = 1 };
    const unsigned todos = b->quick ? TODOS / 10 : TODOS;
    size_t count = 0;
    bench_home_start(&home, b->folder, "home");
    bench_home_fill(&home, todos, true);
    (void)setenv("CHITTY_HOME", home.path, 1);
    hold(home.path);
    struct agent *a = open_agent("", home.path);
    for (unsigned i = 0; i < ASKED; i++) {
        samples[i] = ask_us(a, &list, &count);
        if (count != 50)
            bench_fail("%zu records instead of 50", count);
        nothing[i] = ask_us(a, &none, &count);
    }
    agent_close(a);
    bench_program(program, "../../cli/chitty");
    for (unsigned i = 0; i < RUNS; i++) {
        static char said[1u << 16];
        const double start = bench_now_us();
        (void)bench_run(home.path, (const char *const[]){ program, "ready", "--limit", "50", NULL },
                        said, sizeof said);
        runs[i] = bench_now_us() - start;
    }
    bench_home_stop(&home);
    bench_figure(b, "todos", todos);
    bench_figure(b, "held", HELD);
    bench_figure(b, "ready_ms", bench_quantile(samples, ASKED, 0.99) / 1e3);
    bench_figure(b, "ready_p50_ms", bench_quantile(samples, ASKED, 0.5) / 1e3);
    bench_figure(b, "ready_command_p50_ms", bench_quantile(runs, RUNS, 0.5) / 1e3);
    bench_floor(b, "ready_bar_ms", 5);
    bench_floor(b, "no_record_p50_ms", bench_quantile(nothing, ASKED, 0.5) / 1e3);
    bench_floor(b, "process_ms", bench_process_p50_us() / 1e3);
}
