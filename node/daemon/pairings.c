/* Connections on which two nodes pair, of either side: bytes in and out of the pairing machine; see
 * own.h and net/pair.h (PROTOCOL 7.8 to 7.11). What the machine asks for is done in invites.c and
 * joining.c. */
#include "node/daemon/own.h"
#include "node/store/local.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static bool may_make_room(const struct daemon_pairing *p)
{
    return !p->over && !p->joining && !p->proved;
}

/* Those from the same host who have proved nothing. */
static unsigned count_alike(const struct node_daemon *d, const struct daemon_pairing *like)
{
    unsigned count = 0;
    for (const struct daemon_pairing *p = d->pairings; p != NULL; p = p->next)
        count += may_make_room(p) && strcmp(p->from, like->from) == 0;
    return count;
}

/* Strangers who connect and wait keep nobody out: of the host that has most of them the one that
 * has waited longest without a proof makes room. An honest one needs a few milliseconds. */
static bool make_room(struct node_daemon *d)
{
    unsigned count = 0, most = 0;
    struct daemon_pairing *oldest = NULL;
    for (struct daemon_pairing *p = d->pairings; p != NULL; p = p->next) {
        count += !p->over;
        unsigned alike = may_make_room(p) ? count_alike(d, p) : 0;
        if (alike == 0 || alike < most)
            continue;
        oldest = p; /* the newest stands first */
        most = alike;
    }
    if (count >= DAEMON_PAIRINGS && oldest != NULL) {
        oldest->over = true;
        count--;
    }
    return count < DAEMON_PAIRINGS;
}

struct daemon_pairing *daemon_pairing_new(struct node_daemon *d, int fd)
{
    struct daemon_pairing *p = make_room(d) ? calloc(1, sizeof *p) : NULL;
    if (p == NULL)
        return NULL;
    p->fd = fd;
    net_pair_effects_init(&p->fx);
    p->next = d->pairings;
    d->pairings = p;
    return p;
}

static void free_pairing(struct node_daemon *d, struct daemon_pairing *p)
{
    for (struct daemon_pairing **at = &d->pairings; *at != NULL; at = &(*at)->next) {
        if (*at != p)
            continue;
        *at = p->next;
        break;
    }
    net_pair_free(p->machine);
    net_pair_effects_clear(&p->fx);
    net_ticket_clear(&p->offer);
    sodium_memzero(&p->typed, sizeof p->typed);
    if (p->fd >= 0)
        (void)close(p->fd);
    if (p->ticket != NULL)
        sodium_memzero(p->ticket, sizeof *p->ticket);
    free(p->ticket);
    free(p);
}

/* Write as much as the socket takes. False: it is gone. */
static bool flush(struct daemon_pairing *p)
{
    size_t done = 0;
    while (done < p->fx.send.len) {
        ssize_t put =
            send(p->fd, p->fx.send.data + done, p->fx.send.len - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (put <= 0)
            return false;
        done += (size_t)put;
    }
    if (done != 0)
        memmove(p->fx.send.data, p->fx.send.data + done, p->fx.send.len - done);
    p->fx.send.len -= done;
    return true;
}

void daemon_pairing_step(struct node_daemon *d, struct daemon_pairing *p,
                         const struct net_pair_event *event)
{
    net_pair_step(p->machine, event, &p->fx);
    unsigned what = p->fx.what;
    if (p->joining)
        daemon_joining_ask(d, p, what);
    else
        daemon_invites_ask(d, p, what);
    if ((what & (NET_PAIR_DONE | NET_PAIR_FAILED)) != 0)
        p->over = true;
}

static void receive(struct node_daemon *d, struct daemon_pairing *p)
{
    uint8_t bytes[4096];
    ssize_t got = recv(p->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    struct net_pair_event ev = { .type = got > 0 ? NET_PAIR_BYTES : NET_PAIR_CLOSED,
                                 .now_ms = d->now_ms };
    if (got > 0)
        ev.bytes = cht_bytes(bytes, (size_t)got);
    daemon_pairing_step(d, p, &ev);
    sodium_memzero(bytes, sizeof bytes);
}

void daemon_pairing_ready(struct node_daemon *d, struct daemon_pairing *p, short revents)
{
    if (p->over || revents == 0)
        return;
    if (p->connecting) {
        daemon_joining_connected(d, p);
        return;
    }
    if ((revents & (POLLIN | POLLHUP | POLLERR)) != 0)
        receive(d, p);
}

short daemon_pairing_events(const struct daemon_pairing *p)
{
    if (p->connecting)
        return POLLOUT;
    return (short)(POLLIN | (p->fx.send.len != 0 ? POLLOUT : 0));
}

void daemon_pairings_tick(struct node_daemon *d)
{
    daemon_code_tick(d);
    if (d->now_ms >= d->pair_until_ms)
        daemon_invites_tend(d);
    for (struct daemon_pairing *p = d->pairings; p != NULL; p = p->next) {
        daemon_look_tick(d, p);
        daemon_joining_tick(d, p);
        if (p->over || p->machine == NULL || net_pair_deadline_ms(p->machine) > d->now_ms)
            continue;
        struct net_pair_event ev = { .type = NET_PAIR_TICK, .now_ms = d->now_ms };
        daemon_pairing_step(d, p, &ev);
    }
}

uint64_t daemon_pairings_due_ms(const struct node_daemon *d)
{
    uint64_t due = daemon_code_due_ms(d);
    due = d->pair_until_ms < due ? d->pair_until_ms : due;
    for (const struct daemon_pairing *p = d->pairings; p != NULL; p = p->next) {
        uint64_t at = p->connecting        ? p->connect_ms
                      : p->machine == NULL ? UINT64_MAX
                                           : net_pair_deadline_ms(p->machine);
        uint64_t look = daemon_look_due_ms(d, p);
        at = look < at ? look : at;
        due = at < due ? at : due;
    }
    return due;
}

static void lost(struct node_daemon *d, struct daemon_pairing *p)
{
    struct net_pair_event ev = { .type = NET_PAIR_CLOSED, .now_ms = d->now_ms };
    daemon_pairing_step(d, p, &ev);
    p->over = true;
}

/* What is over is dropped even where its last words could not be sent: who does not read them, or
 * has gone, would else hold a place for ever. */
void daemon_pairings_tell(struct node_daemon *d, enum cht_err committed)
{
    for (struct daemon_pairing *p = d->pairings; p != NULL; p = p->next) {
        if (p->admitting)
            daemon_invites_admitted(d, p, committed);
    }
    for (struct daemon_pairing *p = d->pairings, *next; p != NULL; p = next) {
        next = p->next;
        if (!p->connecting && p->fd >= 0 && !flush(p) && !p->over)
            lost(d, p);
        if (!p->over)
            continue;
        if (p->joining)
            daemon_joining_over(d, p);
        free_pairing(d, p);
    }
}

void daemon_pairings_close(struct node_daemon *d)
{
    while (d->pairings != NULL)
        free_pairing(d, d->pairings);
    if (d->pair_fd >= 0)
        (void)close(d->pair_fd);
    d->pair_fd = -1;
}
