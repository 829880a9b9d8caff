/* What two honest nodes have of a third member that floods one of them: the way of an update from
 * one to the other, first in quiet, then while tests/e2e/hostile sends all it can, three devices at
 * a time; for a minute, with `--quick` for five seconds. */
#include "tests/bench/home.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SAMPLES  20000u
#define QUIET    1000u
#define WARM_UP  50u
#define FLOOD_S  60u
#define QUICK_S  5u
#define COMES_MS 5000

/* The text behind `"key":"`, or behind `"key":["`; ends the program without one. */
static void text_of(const char *said, const char *key, char *out, size_t room)
{
    char quoted[64];
    (void)snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *at = strstr(said, quoted);
    at = at == NULL ? NULL : strchr(at + strlen(quoted), '"');
    size_t len = at == NULL ? 0 : strcspn(at + 1, "\"");
    if (len == 0 || len >= room)
        bench_fail("the node does not say its %s", key);
    memcpy(out, at + 1, len);
    out[len] = '\0';
}

static pid_t start_flood(const struct bench_home *victim, const struct bench_home *mallory,
                         unsigned seconds)
{
    char said[65536] = "", address[128], device[64], program[BENCH_PATH_MAX], number[16];
    bench_home_command(victim, (const char *const[]){ "status", "--json", NULL }, said,
                       sizeof said);
    const char *own = strstr(said, "\"addresses\":[\"");
    text_of(own == NULL ? said : own, "addresses", address, sizeof address);
    text_of(said, "device", device, sizeof device);
    bench_program(program, "../e2e/hostile");
    (void)snprintf(number, sizeof number, "%u", seconds);
    const char *host = strncmp(address, "tcp://", 6) == 0 ? address + 6 : address;
    int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
    pid_t pid =
        bench_start(mallory->path, quiet,
                    (const char *const[]){ program, host, device, "--flood", number, NULL });
    (void)close(quiet);
    return pid;
}

static double peak_rss_kib(pid_t pid)
{
    char path[64], line[256];
    double kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtod(line + 6, NULL);
    }
    if (file != NULL)
        (void)fclose(file);
    return kib;
}

/* As many as asked for, or for so long. */
static size_t sample(struct bench_e2e *e, double *out, size_t most, double seconds)
{
    const double end = bench_now_us() + 1e6 * seconds;
    size_t count = 0;
    while (count < most && bench_now_us() < end) {
        double us = bench_e2e_once_us(e, true, COMES_MS);
        if (us < 0)
            bench_fail("an update did not come in %d ms", COMES_MS);
        out[count++] = us;
    }
    return count;
}

void bench_hostile(struct bench *b)
{
    static double samples[SAMPLES];
    struct bench_home homes[3];
    struct bench_e2e e;
    const unsigned seconds = b->quick ? QUICK_S : FLOOD_S;
    bench_home_start(&homes[0], b->folder, "a");
    bench_home_start(&homes[1], b->folder, "b");
    bench_home_start(&homes[2], b->folder, "mallory");
    bench_home_pair(&homes[0], &homes[1]);
    bench_home_pair(&homes[0], &homes[2]);
    bench_home_stop(&homes[2]);
    bench_e2e_open(&e, &homes[0], &homes[1]);
    (void)sample(&e, samples, WARM_UP, 60);
    size_t count = sample(&e, samples, QUIET, 60);
    const double quiet_p50 = bench_quantile(samples, count, 0.5);
    const double quiet_p99 = bench_quantile(samples, count, 0.99);
    pid_t flood = start_flood(&homes[0], &homes[2], seconds);
    count = sample(&e, samples, SAMPLES, seconds);
    const double p50 = bench_quantile(samples, count, 0.5);
    const double p99 = bench_quantile(samples, count, 0.99);
    const double rss_kib = peak_rss_kib(homes[0].pid);
    if (bench_wait(flood) != 0)
        bench_fail("the flood did not end well");
    bench_e2e_close(&e);
    bench_home_stop(&homes[1]);
    bench_home_stop(&homes[0]);
    bench_figure(b, "hostile_quiet_p50_us", quiet_p50);
    bench_figure(b, "hostile_quiet_p99_us", quiet_p99);
    bench_figure(b, "hostile_e2e_p50_us", p50);
    bench_figure(b, "hostile_e2e_p99_us", p99);
    bench_figure(b, "hostile_p99_to_quiet_ratio", p99 / quiet_p99);
    bench_figure(b, "hostile_rss_kib", rss_kib);
    bench_figure(b, "hostile_samples_count", (double)count);
    bench_floor(b, "hostile_p99_to_quiet_ratio_bar", 2);
    bench_floor(b, "hostile_rss_kib_bar", 64.0 * 1024);
}
