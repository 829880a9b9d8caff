/* The daily command as people feel it: whole processes of `chitty` against a running node with
 * 10,000 open todos, output to a pipe. */
#include "tests/bench/home.h"

#include <stdio.h>
#include <stdlib.h>

#define TODOS    10000u
#define ADDS     60u
#define LISTS    40u
#define SAID_MAX ((size_t)8 << 20)

static double run_us(const struct bench_home *h, const char *const *args, char *out, size_t room)
{
    double start = bench_now_us();
    (void)bench_run(h->path, args, out, room);
    return bench_now_us() - start;
}

static size_t lines(const char *text)
{
    size_t count = 0;
    for (; (text = strchr(text, '\n')) != NULL; text++)
        count++;
    return count;
}

void bench_cli(struct bench *b)
{
    struct bench_home home;
    char program[BENCH_PATH_MAX], text[32];
    double adds[ADDS], lists[LISTS];
    char *said = malloc(SAID_MAX);
    if (said == NULL)
        bench_fail("out of memory");
    bench_program(program, "../../cli/chitty");
    bench_home_start(&home, b->folder, "home");
    bench_home_fill(&home, TODOS, true);
    for (size_t i = 0; i < LISTS; i++) {
        lists[i] = run_us(&home, (const char *const[]){ program, "ls", NULL }, said, SAID_MAX);
        if (lines(said) < TODOS)
            bench_fail("ls has %zu lines for %u todos", lines(said), TODOS);
    }
    for (size_t i = 0; i < ADDS; i++) {
        (void)snprintf(text, sizeof text, "Buy milk %zu", i);
        adds[i] =
            run_us(&home, (const char *const[]){ program, "add", text, NULL }, said, SAID_MAX);
    }
    bench_home_stop(&home);
    free(said);
    bench_figure(b, "add_ms", bench_quantile(adds, ADDS, 0.5) / 1e3);
    bench_figure(b, "ls_ms", bench_quantile(lists, LISTS, 0.5) / 1e3);
    bench_floor(b, "process_ms", bench_process_p50_us() / 1e3);
    bench_floor(b, "fsync_p50_us", bench_fsync_p50_us(b->folder));
}
