/* The observer as a process: a client of this node (bridges/observe), started with it, started
 * again when it ends, and ended with it. A pair of sockets stands between the two, over which
 * nothing is said: each sees by it that the other has gone. */
#include "node/daemon/child.h"
#include "node/daemon/own.h"

#include "node/client/mpmap.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM          "chitty-observe"
#define RESTART_FIRST_MS 200u
#define RESTART_MAX_MS   60000u
#define STEADY_MS        60000u /* one that lived for so long did not fail at once */
#define END_TRIES        200u
#define END_PAUSE_US     5000u

struct daemon_observer {
    int fd; /* our end; -1: it does not run */
    pid_t pid;
    uint64_t started_ms, restart_ms; /* restart_ms 0: as soon as there is a turn */
    unsigned failures;               /* in a row */
    bool missing;                    /* there is no such program */
    uint64_t starts;
};

enum cht_err daemon_observer_open(struct node_daemon *d)
{
    struct daemon_observer *x = calloc(1, sizeof *x);
    if (x == NULL)
        return CHT_E_NOMEM;
    x->fd = -1;
    d->observer = x;
    return CHT_OK;
}

/* The next try: later and later while it fails. */
static void put_off(struct node_daemon *d)
{
    struct daemon_observer *x = d->observer;
    uint64_t pause_ms = RESTART_FIRST_MS;
    for (unsigned i = 0; i < x->failures && pause_ms < RESTART_MAX_MS; i++)
        pause_ms *= 2;
    x->failures++;
    x->restart_ms = d->now_ms + (pause_ms < RESTART_MAX_MS ? pause_ms : RESTART_MAX_MS);
}

static void start(struct node_daemon *d)
{
    static const struct daemon_child child = {
        .program = PROGRAM, .flag = "--supervised", .type = SOCK_STREAM, .fd = 0
    };
    struct daemon_observer *x = d->observer;
    const enum cht_err err = daemon_child_start(&child, &x->pid, &x->fd);
    x->missing = err == CHT_E_NOTFOUND;
    x->restart_ms = UINT64_MAX;
    if (x->missing) {
        daemon_log("warning", PROGRAM " is not installed: repositories, services, sessions and "
                                      "reminders are not looked after on this machine");
    } else if (err != CHT_OK) {
        daemon_log("warning", PROGRAM " cannot be started: %s", strerror(errno));
        put_off(d);
    } else {
        x->started_ms = d->now_ms;
        x->starts++;
    }
}

/* It is to end, or has ended: gone when this returns. */
static void end(struct daemon_observer *x)
{
    if (x->fd < 0)
        return;
    (void)close(x->fd); /* it sees that, and ends */
    x->fd = -1;
    for (unsigned i = 0; i < END_TRIES; i++) {
        if (waitpid(x->pid, NULL, WNOHANG) != 0)
            return;
        (void)usleep(END_PAUSE_US);
    }
    (void)kill(x->pid, SIGKILL);
    (void)waitpid(x->pid, NULL, 0);
}

void daemon_observer_close(struct node_daemon *d)
{
    if (d->observer == NULL)
        return;
    end(d->observer);
    free(d->observer);
    d->observer = NULL;
}

int daemon_observer_fd(const struct node_daemon *d)
{
    return d->observer == NULL ? -1 : d->observer->fd;
}

void daemon_observer_ready(struct node_daemon *d)
{
    struct daemon_observer *x = d->observer;
    end(x); /* nothing is said over the pair: it is the end of it */
    if (d->now_ms - x->started_ms >= STEADY_MS)
        x->failures = 0;
    put_off(d);
    daemon_log("warning", PROGRAM " has ended: it is started again");
}

void daemon_observer_again(struct node_daemon *d)
{
    if (d->observer == NULL)
        return;
    end(d->observer);
    d->observer->restart_ms = 0;
}

void daemon_observer_tick(struct node_daemon *d)
{
    struct daemon_observer *x = d->observer;
    if (x != NULL && x->fd < 0 && d->now_ms >= x->restart_ms)
        start(d);
}

uint64_t daemon_observer_due_ms(const struct node_daemon *d)
{
    const struct daemon_observer *x = d->observer;
    return x == NULL || x->fd >= 0 ? UINT64_MAX : x->restart_ms;
}

pid_t daemon_observer_pid(const struct node_daemon *d)
{
    return d->observer == NULL || d->observer->fd < 0 ? 0 : d->observer->pid;
}

/* --- status ---------------------------------------------------------------------------------- */

enum cht_err daemon_put_observer(void *ctx, struct cht_buf *out)
{
    const struct node_daemon *d = ctx;
    const struct daemon_observer *x = d->observer;
    const char *state = x == NULL    ? "off"
                        : x->missing ? PROGRAM " is not installed"
                        : x->fd < 0  ? "it is started again"
                                     : "on";
    enum cht_err err = crdt_mp_put_map(out, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "state", state);
    return err == CHT_OK ? node_mp_put_key_uint(out, "starts", x == NULL ? 0 : x->starts) : err;
}
