/* The discovery helper as a process: started, listened to, and started again; see discovery.h. */
#include "node/daemon/child.h"
#include "node/daemon/discovery.h"

#include "node/client/mpmap.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM          "chitty-discover"
#define RESTART_FIRST_MS 100u
#define RESTART_MAX_MS   60000u
#define STEADY_MS        60000u /* one that lived for so long did not fail at once */

enum cht_err daemon_discover_open(struct node_daemon *d)
{
    struct daemon_discovery *x = calloc(1, sizeof *x);
    if (x != NULL)
        x->keys = sodium_malloc(LIMIT_PEERS * sizeof *x->keys);
    if (x == NULL || x->keys == NULL) {
        free(x);
        return CHT_E_NOMEM;
    }
    x->fd = -1;
    x->jitter_ms = randombytes_uniform(60000);
    d->discovery = x;
    return CHT_OK;
}

/* --- the process ----------------------------------------------------------------------------- */

static void start(struct node_daemon *d)
{
    static const struct daemon_child child = { .program = PROGRAM,
                                               .type = SOCK_SEQPACKET,
                                               .fd = NET_LOOKOUT_FD };
    struct daemon_discovery *x = d->discovery;
    const enum cht_err err = daemon_child_start(&child, &x->pid, &x->fd);
    x->missing = err == CHT_E_NOTFOUND;
    x->restart_ms = UINT64_MAX;
    if (x->missing) {
        daemon_log("warning", PROGRAM " is not installed: other devices are not looked for");
        return;
    }
    if (err != CHT_OK) {
        daemon_log("warning", PROGRAM " cannot be started: %s", strerror(errno));
        x->restart_ms = d->now_ms + RESTART_MAX_MS;
        return;
    }
    x->started_ms = d->now_ms;
    x->state = NET_LOOKOUT_NO_DAEMON;
    x->starts++;
    x->helper_dropped = 0;
    daemon_beacons_tell(d);
}

static void end(struct daemon_discovery *x)
{
    if (x->fd < 0)
        return;
    (void)close(x->fd);
    x->fd = -1;
    (void)kill(x->pid, SIGKILL);
    (void)waitpid(x->pid, NULL, 0);
}

/* It is gone, or does not do what it should: again, after a pause. */
static void failed(struct node_daemon *d, const char *why)
{
    struct daemon_discovery *x = d->discovery;
    uint64_t pause_ms = RESTART_FIRST_MS;
    end(x);
    if (d->now_ms - x->started_ms >= STEADY_MS)
        x->failures = 0;
    for (unsigned i = 0; i < x->failures && pause_ms < RESTART_MAX_MS; i++)
        pause_ms *= 2;
    x->failures++;
    x->restart_ms = d->now_ms + (pause_ms < RESTART_MAX_MS ? pause_ms : RESTART_MAX_MS);
    daemon_log("warning", PROGRAM " %s: it is started again", why);
}

void daemon_discover_close(struct node_daemon *d)
{
    struct daemon_discovery *x = d->discovery;
    if (x == NULL)
        return;
    if (x->fd >= 0) {
        /* it sees our end closed, withdraws what it announced, and ends */
        (void)close(x->fd);
        x->fd = -1;
        for (int i = 0; i < 100 && waitpid(x->pid, NULL, WNOHANG) == 0; i++)
            (void)usleep(5000);
        if (waitpid(x->pid, NULL, WNOHANG) == 0) {
            (void)kill(x->pid, SIGKILL);
            (void)waitpid(x->pid, NULL, 0);
        }
    }
    sodium_free(x->keys);
    free(x);
    d->discovery = NULL;
}

/* --- messages -------------------------------------------------------------------------------- */

int daemon_discover_fd(const struct node_daemon *d)
{
    return d->discovery == NULL ? -1 : d->discovery->fd;
}

void daemon_discover_tell(struct node_daemon *d, const struct net_lookout *m)
{
    struct daemon_discovery *x = d->discovery;
    struct cht_buf packet;
    if (x->fd < 0)
        return;
    cht_buf_init(&packet, NET_LOOKOUT_BYTES);
    if (net_lookout_put(m, &packet) == CHT_OK &&
        send(x->fd, packet.data, packet.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EPIPE)
        failed(d, "does not read"); /* EPIPE: its end is told by the next read */
    cht_buf_clear(&packet);
}

static void take(struct node_daemon *d, struct cht_bytes packet)
{
    struct daemon_discovery *x = d->discovery;
    struct net_lookout m;
    if (net_lookout_read(packet, &m) != CHT_OK) {
        failed(d, "says what it should not");
        return;
    }
    switch (m.kind) {
    case NET_LOOKOUT_STATE:
        if (m.state != x->state)
            daemon_log("info", "discovery: %s",
                       m.state == NET_LOOKOUT_RUNNING ? "announcing and looking around"
                                                      : "no avahi-daemon");
        x->state = m.state;
        x->dropped += m.dropped - x->helper_dropped;
        x->helper_dropped = m.dropped;
        break;
    case NET_LOOKOUT_FOUND:
        daemon_found_take(d, &m);
        break;
    case NET_LOOKOUT_GONE:
        daemon_found_gone(d, m.name);
        break;
    case NET_LOOKOUT_TAKEN:
        daemon_beacons_taken(d, m.slot);
        break;
    case NET_LOOKOUT_ANNOUNCE:
    case NET_LOOKOUT_WITHDRAW:
    case NET_LOOKOUT_AGAIN:
        failed(d, "says what it should not");
        break;
    }
}

void daemon_discover_ready(struct node_daemon *d)
{
    struct daemon_discovery *x = d->discovery;
    uint8_t packet[NET_LOOKOUT_BYTES];
    for (unsigned i = 0; i < LIMIT_TURN_FRAMES && x->fd >= 0; i++) {
        ssize_t got = recv(x->fd, packet, sizeof packet, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0)
            failed(d, "has ended");
        else
            take(d, cht_bytes(packet, (size_t)got));
    }
}

/* --- time ------------------------------------------------------------------------------------ */

void daemon_discover_tick(struct node_daemon *d)
{
    struct daemon_discovery *x = d->discovery;
    if (x == NULL || d->home.replica == NULL)
        return;
    daemon_beacons_follow(d);
    if (x->fd < 0 && d->now_ms >= x->restart_ms && daemon_beacons_wanted(d))
        start(d);
    daemon_beacons_tick(d);
}

uint64_t daemon_discover_due_ms(const struct node_daemon *d)
{
    const struct daemon_discovery *x = d->discovery;
    if (x == NULL || d->home.replica == NULL || !daemon_beacons_wanted(d))
        return UINT64_MAX;
    return x->fd < 0 ? x->restart_ms : daemon_beacons_due_ms(d);
}

void daemon_discover_again(struct node_daemon *d)
{
    if (d->discovery != NULL)
        daemon_discover_tell(d, &(struct net_lookout){ .kind = NET_LOOKOUT_AGAIN });
}

/* --- status ---------------------------------------------------------------------------------- */

static const char *state_of(const struct daemon_discovery *x)
{
    if (x == NULL)
        return "off";
    if (x->missing)
        return PROGRAM " is not installed";
    if (x->fd < 0)
        return x->restart_ms != 0 && x->failures != 0 ? "the helper is started again"
                                                      : "nobody to look for yet";
    switch (x->state) {
    case NET_LOOKOUT_NO_BUS:
        return "no D-Bus: other devices are reached at known addresses only";
    case NET_LOOKOUT_NO_DAEMON:
        return "no avahi-daemon: other devices are reached at known addresses only";
    case NET_LOOKOUT_RUNNING:
        return "on";
    }
    return "";
}

static uint64_t count_found(const struct daemon_discovery *x, bool members)
{
    uint64_t count = 0;
    for (size_t i = 0; x != NULL && i < LIMIT_BEACONS; i++)
        count += x->found[i].used && (!members || x->found[i].member) ? 1 : 0;
    return count;
}

enum cht_err daemon_put_discovery(void *ctx, struct cht_buf *out)
{
    const struct node_daemon *d = ctx;
    const struct daemon_discovery *x = d->discovery;
    enum cht_err err = crdt_mp_put_map(out, 6);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "state", state_of(x));
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "found", count_found(x, false));
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "members", count_found(x, true));
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "dropped", x == NULL ? 0 : x->dropped);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "malformed", x == NULL ? 0 : x->malformed);
    return err == CHT_OK ? node_mp_put_key_uint(out, "helperStarts", x == NULL ? 0 : x->starts)
                         : err;
}
