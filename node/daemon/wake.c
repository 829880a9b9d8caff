/* The machine slept, moved to another network, or had its process stopped: noticed at once, without
 * looking again and again; see own.h.
 *
 * A laptop that wakes holds connections whose other ends gave up, or that TCP tries again only
 * after a long pause. Whoever is away is dialled at once, a connection on which bytes wait for
 * their repetition is given up for a new one, the others say where they stand. */
#include "node/daemon/discovery.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define ASLEEP_MIN_MS 1000u
#define CHECK_MS      700u /* after a wake: what was sent then has to be through */

static uint64_t clock_ms(clockid_t clock)
{
    struct timespec t = { 0 };
    (void)clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* The monotonic clock stands still while the machine sleeps, the other does not. */
static uint64_t asleep_ms(void)
{
    uint64_t monotonic = clock_ms(CLOCK_MONOTONIC), boot = clock_ms(CLOCK_BOOTTIME);
    return boot < monotonic ? 0 : boot - monotonic;
}

/* A timer so far away that it never fires: a jump of the wall clock, and so a wake, ends it. */
static void arm(int fd)
{
    const struct itimerspec never = { .it_value = { .tv_sec = (time_t)1 << 40 } };
    (void)timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

static int open_netlink(void)
{
    const struct sockaddr_nl groups = { .nl_family = AF_NETLINK,
                                        .nl_groups =
                                            RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };
    union {
        struct sockaddr any;
        struct sockaddr_nl nl;
    } at = { .nl = groups };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd >= 0 && bind(fd, &at.any, sizeof at.nl) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

void daemon_wake_open(struct node_daemon *d)
{
    struct daemon_wake *w = &d->wake;
    w->net_fd = open_netlink();
    w->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (w->clock_fd >= 0)
        arm(w->clock_fd);
    w->networks = daemon_networks();
    w->asleep_ms = asleep_ms();
    w->check_ms = UINT64_MAX;
}

void daemon_wake_close(struct node_daemon *d)
{
    if (d->wake.net_fd >= 0)
        (void)close(d->wake.net_fd);
    if (d->wake.clock_fd >= 0)
        (void)close(d->wake.clock_fd);
    d->wake.net_fd = d->wake.clock_fd = -1;
}

void daemon_wake_now(struct node_daemon *d, const char *why)
{
    daemon_log("info", "%s: peers are dialled at once", why);
    net_peers_wake(d->peers, d->now_ms);
    daemon_links_woke(d);
    daemon_discover_again(d);
    d->wake.check_ms = d->now_ms + CHECK_MS;
}

/* What changed is not read: only whether the whole is another than before. */
void daemon_wake_net(struct node_daemon *d)
{
    uint8_t ignored[8192];
    ssize_t got;
    do
        got = recv(d->wake.net_fd, ignored, sizeof ignored, MSG_DONTWAIT);
    while (got > 0 || (got < 0 && (errno == ENOBUFS || errno == EINTR)));
    uint64_t networks = daemon_networks();
    if (networks == d->wake.networks)
        return;
    d->wake.networks = networks;
    daemon_wake_now(d, "the networks of this machine changed");
}

void daemon_wake_clock(struct node_daemon *d)
{
    uint64_t times;
    if (read(d->wake.clock_fd, &times, sizeof times) >= 0 || errno != ECANCELED)
        return;
    arm(d->wake.clock_fd);
    uint64_t asleep = asleep_ms(), before = d->wake.asleep_ms;
    d->wake.asleep_ms = asleep;
    if (asleep > before && asleep - before >= ASLEEP_MIN_MS)
        daemon_wake_now(d, "this machine slept");
}

void daemon_wake_tick(struct node_daemon *d)
{
    if (d->now_ms < d->wake.check_ms)
        return;
    d->wake.check_ms = daemon_links_unstick(d) ? d->now_ms + CHECK_MS : UINT64_MAX;
}
