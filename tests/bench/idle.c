/* Two nodes that share a space and have nothing to do: how often their threads (and those of their
 * helpers, the observer among them) run, what memory they hold, what they say to each other. Quiet
 * for five minutes first, then two are measured; `--quick` waits 15 s and measures 20 s.
 *
 * Where the kernel allows it the nodes have a network of their own, so that every byte of its
 * loopback is theirs, headers and TCP's own probes included. */
#include "tests/bench/home.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUIET_S          300u
#define MEASURED_S       120u
#define QUICK_QUIET_S    15u
#define QUICK_MEASURED_S 20u
#define TODOS            200u
#define GROUP_MAX        8u

/* --- a network of one's own ------------------------------------------------------------------ */

static bool put_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        (void)close(fd);
    return good;
}

static bool loopback_up(void)
{
    struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    if (fd >= 0)
        (void)close(fd);
    return good;
}

static bool own_network(void)
{
    char map[64];
    unsigned uid = (unsigned)getuid(), gid = (unsigned)getgid();
    if (unshare(CLONE_NEWNET) == 0)
        return loopback_up();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    (void)put_file("/proc/self/setgroups", "deny");
    (void)snprintf(map, sizeof map, "%u %u 1", uid, uid);
    bool good = put_file("/proc/self/uid_map", map);
    (void)snprintf(map, sizeof map, "%u %u 1", gid, gid);
    return good && put_file("/proc/self/gid_map", map) && loopback_up();
}

/* What the loopback has carried. */
static double carried_bytes(void)
{
    char line[512];
    double bytes = -1;
    FILE *file = fopen("/proc/self/net/dev", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *at = strstr(line, "lo:");
        if (at != NULL)
            bytes = strtod(at + 3, NULL);
    }
    if (file != NULL)
        (void)fclose(file);
    return bytes;
}

/* --- a node and its helpers ------------------------------------------------------------------ */

struct group {
    pid_t pids[GROUP_MAX];
    size_t count;
};

/* The number behind a word in a file of /proc, 0 where there is none. */
static double number_of(const char *path, const char *word)
{
    char line[256];
    double value = 0;
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, word, strlen(word)) == 0)
            value = strtod(line + strlen(word), NULL);
    }
    if (file != NULL)
        (void)fclose(file);
    return value;
}

/* The node and its children. */
static struct group group_of(pid_t node)
{
    struct group g = { .pids = { node }, .count = 1 };
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        char path[300];
        if (!isdigit((unsigned char)entry->d_name[0]) || g.count == GROUP_MAX)
            continue;
        (void)snprintf(path, sizeof path, "/proc/%s/status", entry->d_name);
        if ((pid_t)number_of(path, "PPid:") == node)
            g.pids[g.count++] = (pid_t)strtol(entry->d_name, NULL, 10);
    }
    if (proc != NULL)
        (void)closedir(proc);
    return g;
}

static double switches_of_process(pid_t pid)
{
    char path[64], task[340];
    double sum = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    const struct dirent *entry;
    while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
        (void)snprintf(task, sizeof task, "%s/%s/status", path, entry->d_name);
        sum += number_of(task, "voluntary_ctxt_switches:");
        sum += number_of(task, "nonvoluntary_ctxt_switches:");
    }
    if (tasks != NULL)
        (void)closedir(tasks);
    return sum;
}

static double switches_of(const struct group *g)
{
    double sum = 0;
    for (size_t i = 0; i < g->count; i++)
        sum += switches_of_process(g->pids[i]);
    return sum;
}

static double rss_kib_of(const struct group *g)
{
    char path[64];
    double sum = 0;
    for (size_t i = 0; i < g->count; i++) {
        (void)snprintf(path, sizeof path, "/proc/%d/status", (int)g->pids[i]);
        sum += number_of(path, "VmRSS:");
    }
    return sum;
}

/* --- the workload ---------------------------------------------------------------------------- */

static double larger(double a, double b)
{
    return a > b ? a : b;
}

void bench_idle(struct bench *b)
{
    struct bench_home homes[2];
    struct group groups[2];
    double before[2], after[2], rss[2];
    unsigned quiet_s = b->quick ? QUICK_QUIET_S : QUIET_S;
    unsigned measured_s = b->quick ? QUICK_MEASURED_S : MEASURED_S;
    bool own = own_network();
    (void)setenv("CHITTY_NO_OBSERVE", "0", 1); /* it is a part of what is idle */
    bench_home_start(&homes[0], b->folder, "a");
    bench_home_start(&homes[1], b->folder, "b");
    bench_home_pair(&homes[0], &homes[1]);
    bench_home_fill(&homes[0], TODOS, false);
    (void)sleep(quiet_s);
    for (size_t i = 0; i < 2; i++) {
        groups[i] = group_of(homes[i].pid);
        before[i] = switches_of(&groups[i]);
    }
    double bytes = carried_bytes();
    (void)sleep(measured_s);
    bytes = carried_bytes() - bytes;
    for (size_t i = 0; i < 2; i++) {
        after[i] = switches_of(&groups[i]);
        rss[i] = rss_kib_of(&groups[i]);
        if (rss[i] <= 0 || after[i] < before[i])
            bench_fail("a node went away while it was idle");
    }
    bench_home_stop(&homes[1]);
    bench_home_stop(&homes[0]);
    const double minutes = measured_s / 60.0;
    bench_figure(b, "idle_wakeups_per_min",
                 larger(after[0] - before[0], after[1] - before[1]) / minutes);
    bench_figure(b, "idle_rss_kib", larger(rss[0], rss[1]));
    if (own)
        bench_figure(b, "idle_bytes_per_min", bytes / minutes);
    else
        (void)fprintf(stderr, "chitty-bench: no network of its own here: bytes are not counted\n");
    bench_figure(b, "idle_processes_count", (double)(groups[0].count + groups[1].count));
    bench_floor(b, "idle_wakeups_per_min_bar", 2);
    bench_floor(b, "idle_rss_kib_bar", 32.0 * 1024);
    bench_floor(b, "idle_bytes_per_min_bar", 1000);
}
