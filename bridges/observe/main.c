/* The program chitty-observe; see observe.h. Started by chitty-node, or by hand. */
#include "bridges/observe/observe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SLEPT_MS 30000u /* the wall clock went so much further than ours: the machine slept */

enum { EXIT_USAGE = 2, EXIT_UNREACHABLE = 3, EXIT_BUSY = 5 };

/* --- waiting ------------------------------------------------------------------------------- */

void observe_wait_fd(struct observe_waits *w, int fd)
{
    if (fd >= 0 && w->count < OBSERVE_FDS)
        w->fds[w->count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

void observe_wait_until(struct observe_waits *w, uint64_t due_ms)
{
    w->due_ms = due_ms < w->due_ms ? due_ms : w->due_ms;
}

void observe_wait_until_wall(struct observe_waits *w, uint64_t due_wall_ms)
{
    w->due_wall_ms = due_wall_ms < w->due_wall_ms ? due_wall_ms : w->due_wall_ms;
}

static uint64_t clock_ms(clockid_t clock)
{
    struct timespec t = { 0 };
    (void)clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void look_at_clocks(struct observer *o)
{
    const uint64_t now_ms = clock_ms(CLOCK_MONOTONIC), wall_ms = clock_ms(CLOCK_REALTIME);
    if (o->now_ms != 0 && wall_ms > o->wall_ms + (now_ms - o->now_ms) + SLEPT_MS)
        o->slept_ms = now_ms;
    o->now_ms = now_ms;
    o->wall_ms = wall_ms;
}

/* The timer ends our sleep at a time of the wall clock, also when the machine slept through it or
 * somebody set the clock. */
static void set_clock(const struct observer *o, uint64_t wall_ms)
{
    struct itimerspec at = { 0 };
    if (wall_ms != UINT64_MAX) {
        at.it_value.tv_sec = (time_t)(wall_ms / 1000);
        at.it_value.tv_nsec = (long)(wall_ms % 1000) * 1000000;
    }
    (void)timerfd_settime(o->clock_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL);
}

static void wait_for(struct observer *o)
{
    struct observe_waits w = { .due_ms = UINT64_MAX, .due_wall_ms = UINT64_MAX };
    uint64_t ticks;
    observe_wait_fd(&w, node_client_fd(o->news));
    observe_wait_fd(&w, o->clock_fd);
    observe_wait_fd(&w, o->supervised ? 0 : -1);
    observe_repos_wait(o, &w);
    observe_checks_wait(o, &w);
    observe_sessions_wait(o, &w);
    observe_reminders_wait(o, &w);
    set_clock(o, w.due_wall_ms);
    const uint64_t now_ms = clock_ms(CLOCK_MONOTONIC);
    const uint64_t left = w.due_ms <= now_ms ? 0 : w.due_ms - now_ms;
    observe_checks_poll(o, &w, w.due_ms == UINT64_MAX ? -1 : left > 600000 ? 600000 : (int)left);
    (void)!read(o->clock_fd, &ticks, sizeof ticks);
    for (nfds_t i = 0; i < w.count; i++)
        o->over = o->over || (o->supervised && w.fds[i].fd == 0 && w.fds[i].revents != 0);
}

/* --- running ------------------------------------------------------------------------------- */

/* One observer a home. False: another runs. */
static bool take_lock(struct node_fault *fault, int *out)
{
    struct node_paths *paths = calloc(1, sizeof *paths);
    struct cht_error detail = { 0 };
    char path[NODE_PATH_MAX + 16];
    bool taken = false;
    *out = -1;
    if (paths != NULL && node_paths_find(&detail, paths) == CHT_OK) {
        (void)snprintf(path, sizeof path, "%s/observe.lock", paths->runtime);
        *out = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        taken = *out >= 0 && flock(*out, LOCK_EX | LOCK_NB) == 0;
        if (!taken)
            (void)node_fault_set(fault, CHT_E_BUSY, cht_bytes(NULL, 0), "%s: %s", path,
                                 *out >= 0 ? "another observer runs" : strerror(errno));
    }
    free(paths);
    return taken;
}

static enum cht_err start(struct observer *o, struct node_fault *fault)
{
    o->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    look_at_clocks(o);
    enum cht_err err = o->clock_fd < 0 ? CHT_E_IO : observe_repos_open(o);
    if (err == CHT_OK)
        err = observe_checks_open(o);
    if (err == CHT_OK)
        err = observe_sessions_open(o);
    if (err == CHT_OK)
        err = observe_reminders_open(o);
    if (err != CHT_OK)
        return node_fault_from(fault, err, NULL);
    return observe_link_open(o, fault);
}

static void finish(struct observer *o)
{
    observe_reminders_close(o);
    observe_sessions_close(o);
    observe_checks_close(o);
    observe_repos_close(o);
    observe_link_close(o);
    if (o->clock_fd >= 0)
        (void)close(o->clock_fd);
}

static int observe(bool supervised)
{
    struct observer o = { .supervised = supervised, .clock_fd = -1 };
    struct node_fault fault = { 0 };
    int lock = -1;
    int status = EXIT_SUCCESS;
    (void)signal(SIGPIPE, SIG_IGN);
    if (!take_lock(&fault, &lock)) {
        status = EXIT_BUSY;
    } else if (start(&o, &fault) != CHT_OK) {
        status = EXIT_UNREACHABLE;
    } else {
        while (!o.over) {
            observe_repos_tick(&o);
            observe_checks_tick(&o);
            observe_sessions_tick(&o);
            observe_reminders_tick(&o);
            wait_for(&o);
            look_at_clocks(&o);
            observe_link_take(&o);
        }
    }
    if (status != EXIT_SUCCESS)
        observe_log("error", "chitty-observe: %s", cht_error_text(&fault.error));
    finish(&o);
    if (lock >= 0)
        (void)close(lock);
    return status;
}

static const char usage[] =
    "usage: chitty-observe [--supervised]\n"
    "Keeps current what is true on this machine: the clones that `chitty repo add` made known, "
    "how\n"
    "services look from here, whether the processes of sessions live; and announces reminders.\n"
    "chitty-node run starts it (--supervised: it ends when its standard input does).\n";

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (argc == 1)
        return observe(false);
    if (argc == 2 && strcmp(word, "--supervised") == 0)
        return observe(true);
    if (argc == 2 && (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)) {
        (void)puts("chitty-observe " CHT_VERSION);
        return EXIT_SUCCESS;
    }
    const bool help = argc == 2 && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0);
    (void)fputs(usage, help ? stdout : stderr);
    return help ? EXIT_SUCCESS : EXIT_USAGE;
}
