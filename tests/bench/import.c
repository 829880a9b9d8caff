/* Tasks as `task export` prints them, taken in by `chitty-node import` at a running node: the whole
 * command, from its start to the end of its last transaction. 10,000 into an empty home, the same
 * file again, and 100,000 (--quick: 20,000).
 *
 * The peer is `task import` of the same 10,000, where taskwarrior is installed; the floor the
 * reading of the file alone: a dry run. */
#include "tests/bench/home.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FEW       10000u
#define MANY      100000u
#define MANY_SOON 20000u
#define RUNS      3u
#define SAID_MAX  8192u

/* --- the file -------------------------------------------------------------------------------- */

static void put_uuid(FILE *f, unsigned n)
{
    (void)fprintf(f, "\"%08x-0000-4000-8000-%012x\"", n * 2654435761u, n);
}

static void put_task(FILE *f, unsigned n, unsigned *random)
{
    static const char *const projects[] = { "home", "home.garden", "work.node.cli", "work" };
    *random = *random * 1664525u + 1013904223u;
    const unsigned r = *random >> 8;
    const bool done = r % 6 == 0;
    (void)fprintf(f, "{\"id\":%u,\"description\":\"Task %u: see to the %s of the house\",", n + 1,
                  n, r % 2 == 0 ? "roof" : "cellar");
    (void)fprintf(f, "\"entry\":\"2026%02u%02uT%02u0000Z\",\"modified\":\"20261002T100000Z\",",
                  1 + r % 9, 1 + r / 16 % 28, r / 64 % 24);
    (void)fprintf(f, "\"status\":\"%s\",",
                  done ? "completed\",\"end\":\"20261001T100000Z" : "pending");
    if (r % 4 == 0)
        (void)fprintf(f, "\"priority\":\"%c\",", "HML"[r / 4 % 3]);
    if (r % 2 == 0)
        (void)fprintf(f, "\"project\":\"%s\",", projects[r / 2 % 4]);
    if (r % 3 == 0)
        (void)fprintf(f, "\"tags\":[\"%s\",\"later\"],", r % 2 == 0 ? "home" : "work");
    if (r % 5 == 0)
        (void)fprintf(f, "\"due\":\"20271231T120000Z\",");
    if (r % 10 == 0)
        (void)fprintf(f,
                      "\"annotations\":[{\"entry\":\"20260901T100000Z\",\"description\":"
                      "\"a note on %u\"}],",
                      n);
    (void)fputs("\"uuid\":", f);
    put_uuid(f, n);
    if (r % 7 == 0 && n != 0) {
        (void)fputs(",\"depends\":[", f);
        put_uuid(f, r % n);
        (void)fputc(']', f);
    }
    (void)fprintf(f, ",\"urgency\":1.5}");
}

static void make_file(const char *path, unsigned count)
{
    FILE *f = fopen(path, "we");
    unsigned random = 11;
    if (f == NULL)
        bench_fail("cannot write %s", path);
    (void)fputs("[\n", f);
    for (unsigned n = 0; n < count; n++) {
        put_task(f, n, &random);
        (void)fputs(n + 1 < count ? ",\n" : "\n", f);
    }
    (void)fputs("]\n", f);
    if (fclose(f) != 0)
        bench_fail("cannot write %s", path);
}

/* --- the runs -------------------------------------------------------------------------------- */

static double import_s(const struct bench_home *h, const char *path, const char *more,
                       unsigned long *out_created)
{
    char said[SAID_MAX];
    const double start = bench_now_us();
    bench_home_command(h, (const char *const[]){ "import", path, more, NULL }, said, sizeof said);
    const double took = (bench_now_us() - start) / 1e6;
    const char *number = strpbrk(said, "0123456789");
    *out_created = number == NULL ? 0 : strtoul(number, NULL, 10);
    return took;
}

static double fresh_s(struct bench *b, const char *path, unsigned run, unsigned count,
                      double *out_again_s, double *out_node_cpu_s)
{
    struct bench_home home;
    char name[32];
    unsigned long created;
    (void)snprintf(name, sizeof name, "home%u", run);
    bench_home_start(&home, b->folder, name);
    *out_node_cpu_s = -bench_process_cpu_us(home.pid) / 1e6;
    const double took = import_s(&home, path, NULL, &created);
    *out_node_cpu_s += bench_process_cpu_us(home.pid) / 1e6;
    if (created < count)
        bench_fail("%u tasks have become %lu records", count, created);
    *out_again_s = import_s(&home, path, NULL, &created);
    if (created != 0)
        bench_fail("the same file again has made %lu records", created);
    bench_home_stop(&home);
    return took;
}

/* Negative: there is no taskwarrior here. */
static double peer_s(struct bench *b, const char *path, unsigned run)
{
    char data[BENCH_PATH_MAX], word[BENCH_PATH_MAX + 32], settings[BENCH_PATH_MAX], name[32];
    (void)snprintf(name, sizeof name, "task%u", run);
    bench_path(data, b->folder, name);
    if (access("/usr/bin/task", X_OK) != 0)
        return -1;
    bench_path(settings, b->folder, "taskrc");
    FILE *f = fopen(settings, "we");
    if (f == NULL || fputs("confirmation=no\nverbose=nothing\nhooks=off\n", f) < 0 ||
        fclose(f) != 0)
        bench_fail("cannot write %s", settings);
    (void)setenv("TASKRC", settings, 1);
    (void)snprintf(word, sizeof word, "rc.data.location=%s", data);
    (void)bench_run(NULL, (const char *const[]){ "/bin/mkdir", data, NULL }, NULL, 0);
    const double start = bench_now_us();
    (void)bench_run(NULL, (const char *const[]){ "/usr/bin/task", word, "import", path, NULL },
                    NULL, 0);
    return (bench_now_us() - start) / 1e6;
}

void bench_import(struct bench *b)
{
    char few[BENCH_PATH_MAX], many[BENCH_PATH_MAX];
    const unsigned count = b->quick ? MANY_SOON : MANY;
    double ours[RUNS], again[RUNS], peer[RUNS], cpu[RUNS], unused;
    struct bench_home empty;
    unsigned long created;
    bench_path(few, b->folder, "few.json");
    bench_path(many, b->folder, "many.json");
    make_file(few, FEW);
    make_file(many, count);
    for (unsigned i = 0; i < RUNS; i++) {
        ours[i] = fresh_s(b, few, i, FEW, &again[i], &cpu[i]);
        peer[i] = peer_s(b, few, i);
    }
    const double few_s = bench_quantile(ours, RUNS, 0.5),
                 peer_few_s = bench_quantile(peer, RUNS, 0.5);
    bench_figure(b, "import_10k_s", few_s);
    bench_figure(b, "import_10k_node_cpu_s", bench_quantile(cpu, RUNS, 0.5));
    bench_figure(b, "import_10k_again_s", bench_quantile(again, RUNS, 0.5));
    if (peer_few_s > 0) {
        bench_figure(b, "task_import_10k_s", peer_few_s);
        bench_figure(b, "ratio_to_task", few_s / peer_few_s);
    }
    bench_figure(b, b->quick ? "import_20k_records_per_s" : "import_100k_records_per_s",
                 count / fresh_s(b, many, RUNS, count, &unused, &unused));
    bench_home_start(&empty, b->folder, "empty");
    bench_floor(b, "dry_run_10k_s", import_s(&empty, few, "--dry-run", &created));
    bench_home_stop(&empty);
    bench_floor(b, "fsync_p50_us", bench_fsync_p50_us(b->folder));
}
