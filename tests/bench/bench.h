#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H
/* What the workloads of chitty-bench share: figures, clocks, a folder on a real disk, processes.
 * A workload that cannot go on says why and ends the program: there is nothing to clean up for but
 * the folder and the processes, and both go in `bench_fail` too. */
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"

#include <stdbool.h>
#include <sys/types.h>

#define BENCH_FIGURES_MAX 80u
#define BENCH_PATH_MAX    256u

struct bench_figure {
    const char *name; /* its unit last */
    double value;
};

struct bench {
    const char *workload;
    const char *folder; /* of this run, empty at its start */
    bool quick;         /* wait less */
    struct bench_figure figures[BENCH_FIGURES_MAX], floors[BENCH_FIGURES_MAX];
    size_t figure_count, floor_count;
};

void bench_figure(struct bench *b, const char *name, double value);
void bench_floor(struct bench *b, const char *name, double value);

/* The workloads. */
void bench_records(struct bench *b);
void bench_query(struct bench *b);
void bench_local(struct bench *b);
void bench_e2e(struct bench *b);
void bench_cli(struct bench *b);
void bench_hostile(struct bench *b);
void bench_idle(struct bench *b);
void bench_discover(struct bench *b);
void bench_trace(struct bench *b);
void bench_import(struct bench *b);
void bench_hook(struct bench *b);
void bench_wake(struct bench *b);
void bench_mcp(struct bench *b);
void bench_claim(struct bench *b);
void bench_ready(struct bench *b);

/* --- measure.c ------------------------------------------------------------------------------ */

double bench_now_us(void);              /* monotonic */
double bench_cpu_us(void);              /* of this process, user and system */
uint64_t bench_wall_ms(void);           /* since the Unix epoch */
double bench_process_cpu_us(pid_t pid); /* of another one, in steps of a clock tick */
double bench_process_p50_us(void);      /* of starting /bin/true and waiting for it */
long bench_peak_rss_kib(void);          /* of this process, since it began */
/* The value below which `share` of the samples lie; sorts them. */
double bench_quantile(double *samples, size_t count, double share);
/* Median of appending 4 KiB to a file of the folder and syncing it. */
double bench_fsync_p50_us(const char *folder);

__attribute__((noreturn, format(printf, 1, 2))) void bench_fail(const char *format, ...);
void bench_must(enum cht_err err, const char *what);

/* A fresh folder under $TMPDIR or /tmp, removed by bench_folder_remove. */
const char *bench_folder(void);
void bench_folder_remove(void);
void bench_path(char out[static BENCH_PATH_MAX], const char *folder, const char *name);
/* A program of this build: its path from the folder of chitty-bench ("../../cli/chitty"). */
void bench_program(char out[static BENCH_PATH_MAX], const char *from_here);

/* Start a program with CHITTY_HOME set and standard output to `out_fd` (-1: kept); its standard
 * error goes to a file of the folder. */
pid_t bench_start(const char *home, int out_fd, const char *const *args);
/* Wait until it ends; its exit code. */
int bench_wait(pid_t pid);
/* Run a program to its end and keep up to `room` - 1 bytes of what it says. Fails on a status. */
size_t bench_run(const char *home, const char *const *args, char *out, size_t room);

#endif
