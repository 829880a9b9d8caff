/* Clocks, files and processes of the benches; see bench.h. */
#include "tests/bench/bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FSYNC_BYTES     4096u
#define FSYNC_SAMPLES   200u
#define STARTED_MAX     64u
#define PROCESS_SAMPLES 50u

static char run_folder[BENCH_PATH_MAX];
static pid_t owner;
static pid_t started[STARTED_MAX];

static double clock_us(clockid_t which)
{
    struct timespec t;
    (void)clock_gettime(which, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

double bench_now_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

double bench_cpu_us(void)
{
    return clock_us(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t bench_wall_ms(void)
{
    return (uint64_t)(clock_us(CLOCK_REALTIME) / 1e3);
}

long bench_peak_rss_kib(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0;
}

static int by_value(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

double bench_quantile(double *samples, size_t count, double share)
{
    if (count == 0)
        return 0;
    qsort(samples, count, sizeof *samples, by_value);
    size_t at = (size_t)(share * (double)count);
    return samples[at < count ? at : count - 1];
}

double bench_fsync_p50_us(const char *folder)
{
    static const uint8_t block[FSYNC_BYTES];
    double samples[FSYNC_SAMPLES];
    char path[BENCH_PATH_MAX];
    bench_path(path, folder, "fsync");
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        bench_fail("%s: %s", path, strerror(errno));
    for (size_t i = 0; i < FSYNC_SAMPLES; i++) {
        double start = bench_now_us();
        if (write(fd, block, sizeof block) != (ssize_t)sizeof block || fdatasync(fd) != 0)
            bench_fail("%s: %s", path, strerror(errno));
        samples[i] = bench_now_us() - start;
    }
    (void)close(fd);
    (void)unlink(path);
    return bench_quantile(samples, FSYNC_SAMPLES, 0.5);
}

double bench_process_cpu_us(pid_t pid)
{
    char path[64], text[1024];
    unsigned long user = 0, sys = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    size_t len = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
    if (file != NULL)
        (void)fclose(file);
    text[len] = '\0';
    const char *at = strrchr(text, ')'); /* the name before it may hold anything */
    if (at == NULL ||
        sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) != 2)
        bench_fail("%s cannot be read", path);
    return (double)(user + sys) * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

double bench_process_p50_us(void)
{
    double samples[PROCESS_SAMPLES];
    for (size_t i = 0; i < PROCESS_SAMPLES; i++) {
        double start = bench_now_us();
        (void)bench_run(NULL, (const char *const[]){ "/bin/true", NULL }, NULL, 0);
        samples[i] = bench_now_us() - start;
    }
    return bench_quantile(samples, PROCESS_SAMPLES, 0.5);
}

/* --- failing, and what is left then ---------------------------------------------------------- */

void bench_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fprintf(stderr, "%s: ", program_invocation_short_name);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    if (getpid() == owner) {
        for (size_t i = 0; i < STARTED_MAX; i++) {
            if (started[i] > 0)
                (void)kill(started[i], SIGTERM);
        }
        bench_folder_remove();
    }
    exit(1);
}

void bench_must(enum cht_err err, const char *what)
{
    if (err != CHT_OK)
        bench_fail("%s: %s", what, cht_err_text(err));
}

/* --- the folder ------------------------------------------------------------------------------ */

const char *bench_folder(void)
{
    const char *place = getenv("TMPDIR");
    (void)snprintf(run_folder, sizeof run_folder, "%s/chitty-bench-XXXXXX",
                   place == NULL || place[0] == '\0' ? "/tmp" : place);
    owner = getpid();
    if (mkdtemp(run_folder) == NULL) {
        run_folder[0] = '\0';
        bench_fail("no folder for the run: %s", strerror(errno));
    }
    return run_folder;
}

static void remove_under(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *e = dir == NULL ? NULL : readdir(dir); e != NULL; e = readdir(dir)) {
        char name[BENCH_PATH_MAX];
        struct stat st;
        bool self = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
        if (self || (size_t)snprintf(name, sizeof name, "%s/%s", path, e->d_name) >= sizeof name)
            continue;
        if (lstat(name, &st) == 0 && S_ISDIR(st.st_mode))
            remove_under(name);
        else
            (void)unlink(name);
    }
    if (dir != NULL)
        (void)closedir(dir);
    (void)rmdir(path);
}

void bench_folder_remove(void)
{
    if (run_folder[0] != '\0' && getenv("CHITTY_BENCH_KEEP") == NULL)
        remove_under(run_folder);
    run_folder[0] = '\0';
}

void bench_path(char out[static BENCH_PATH_MAX], const char *folder, const char *name)
{
    if ((size_t)snprintf(out, BENCH_PATH_MAX, "%s/%s", folder, name) >= BENCH_PATH_MAX)
        bench_fail("%s: the path is too long", folder);
}

void bench_program(char out[static BENCH_PATH_MAX], const char *from_here)
{
    char self[BENCH_PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0)
        bench_fail("/proc/self/exe: %s", strerror(errno));
    self[len] = '\0';
    *strrchr(self, '/') = '\0';
    bench_path(out, self, from_here);
    if (access(out, X_OK) != 0)
        bench_fail("%s is not there: build it first", out);
}

/* --- programs -------------------------------------------------------------------------------- */

static _Noreturn void become(const char *home, int out_fd, const char *const *args)
{
    char log[BENCH_PATH_MAX];
    bench_path(log, run_folder, "stderr");
    int err = open(log, O_CREAT | O_APPEND | O_WRONLY, 0600);
    if (err >= 0)
        (void)dup2(err, STDERR_FILENO);
    if (out_fd >= 0)
        (void)dup2(out_fd, STDOUT_FILENO);
    if (home != NULL)
        (void)setenv("CHITTY_HOME", home, 1);
    (void)setenv("CHITTY_NO_AUTOSTART", "1", 1);
    (void)setenv("CHITTY_NO_OBSERVE", "1", 0); /* where a workload wants it, it says 0 */
    /* execv wants what it does not change as pointers to what it might */
    char *copy[32] = { NULL };
    for (size_t i = 0; args[i] != NULL && i + 1 < sizeof copy / sizeof copy[0]; i++)
        copy[i] = strdup(args[i]);
    (void)execv(copy[0], copy);
    _exit(127);
}

pid_t bench_start(const char *home, int out_fd, const char *const *args)
{
    pid_t pid = fork();
    if (pid < 0)
        bench_fail("no further process: %s", strerror(errno));
    if (pid == 0)
        become(home, out_fd, args);
    for (size_t i = 0; i < STARTED_MAX; i++) {
        if (started[i] != 0)
            continue;
        started[i] = pid;
        break;
    }
    return pid;
}

int bench_wait(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    for (size_t i = 0; i < STARTED_MAX; i++)
        started[i] = started[i] == pid ? 0 : started[i];
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

size_t bench_run(const char *home, const char *const *args, char *out, size_t room)
{
    int fds[2];
    size_t len = 0;
    char rest[65536];
    if (pipe2(fds, O_CLOEXEC) != 0)
        bench_fail("no pipe: %s", strerror(errno));
    pid_t pid = bench_start(home, fds[1], args);
    (void)close(fds[1]);
    for (;;) {
        bool keep = out != NULL && len + 1 < room;
        ssize_t got =
            keep ? read(fds[0], out + len, room - 1 - len) : read(fds[0], rest, sizeof rest);
        if (got <= 0)
            break;
        len += keep ? (size_t)got : 0;
    }
    (void)close(fds[0]);
    int status = bench_wait(pid);
    if (out != NULL && room != 0)
        out[len] = '\0';
    if (status != 0)
        bench_fail("%s %s ended with status %d", args[0], args[1] == NULL ? "" : args[1], status);
    return len;
}
