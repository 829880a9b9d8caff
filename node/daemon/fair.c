/* Each peer its share of a turn, and its account; see own.h (PROTOCOL 8.14).
 *
 * Frames of a connection wait in its own queue. In a turn a peer is heard for its share of time and
 * as long as its account allows; the rest waits for the next turn. An honest peer has at most its
 * credit and a few small frames under way: a longer queue is a flood. */
#include "node/daemon/own.h"

#include <stdlib.h>
#include <time.h>

#define WAITING_FRAMES 256u
#define WAITING_BYTES  (LIMIT_CREDIT_BYTES + 1024u * 1024u)

struct link_waiting {
    struct link_waiting *next;
    bool own; /* malloc'd with its bytes; else both live until the turn ends */
    struct cht_bytes bytes;
};

static uint64_t cpu_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

struct net_budget *daemon_budget(struct node_daemon *d, const struct daemon_link *l)
{
    return net_budget_of(d->budgets, l->device, d->now_ms);
}

/* --- refusing ------------------------------------------------------------------------------- */

void daemon_link_refuse(struct node_daemon *d, const struct daemon_link *l, enum net_refusal why,
                        uint64_t count)
{
    net_budget_refuse(daemon_budget(d, l), why, count);
}

/* The name that its owner gave it, for the log. */
static const char *name_of(struct node_daemon *d, const uint8_t *device,
                           char out[static LIMIT_NAME_BYTES + 1])
{
    const struct net_device *m = net_members_device(node_replica_members(d->home.replica), device);
    size_t len = m == NULL ? 0 : m->name_len;
    for (size_t i = 0; i < len; i++) /* no line of its own */
        out[i] = (char)(m->name[i] < 0x20 || m->name[i] == 0x7f ? '?' : m->name[i]);
    out[len] = '\0';
    return out;
}

void daemon_link_strike(struct node_daemon *d, struct daemon_link *l, const char *sentence)
{
    char hex[9], name[LIMIT_NAME_BYTES + 1];
    uint64_t until = net_budget_strike(daemon_budget(d, l), d->now_ms);
    struct net_peer *peer = net_peers_find(d->peers, l->device);
    l->struck = true;
    if (peer != NULL)
        net_peer_hold(peer, until);
    daemon_log("warning", "peer %s (%s) is to blame: %s; not let in for %llu ms",
               daemon_short(l->device, hex), name_of(d, l->device, name), sentence,
               (unsigned long long)(until - d->now_ms));
    /* it would go on over another connection of its */
    struct net_event ev = { .kind = NET_EV_CLOSE, .now_ms = d->now_ms, .reason = NET_BYE_FLOOD };
    for (struct daemon_link *other = d->links; other != NULL; other = other->next) {
        if (other == l || other->over || memcmp(other->device, l->device, CRDT_ID_BYTES) != 0)
            continue;
        other->struck = true;
        daemon_link_step(d, other, &ev);
    }
}

static void flood(struct node_daemon *d, struct daemon_link *l)
{
    struct net_event ev = { .kind = NET_EV_CLOSE, .now_ms = d->now_ms, .reason = NET_BYE_FLOOD };
    daemon_link_refuse(d, l, NET_REFUSAL_FLOOD, 1);
    daemon_link_step(d, l, &ev);
    daemon_link_strike(d, l, "more than may wait was sent");
}

void daemon_link_account(struct node_daemon *d, struct daemon_link *l)
{
    const struct net_session_stats *now = net_session_stats(l->session), *then = &l->counted;
    const struct {
        uint64_t now, then;
        enum net_refusal why;
    } counters[] = {
        { now->stale, then->stale, NET_REFUSAL_REPLAY },
        { now->overdrawn, then->overdrawn, NET_REFUSAL_FLOOD },
        { now->unplaceable, then->unplaceable, NET_REFUSAL_UNPLACED },
        { now->stalls, then->stalls, NET_REFUSAL_STALL },
        { now->refused, then->refused, NET_REFUSAL_MESSAGE },
    };
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        if (counters[i].now != counters[i].then)
            daemon_link_refuse(d, l, counters[i].why, counters[i].now - counters[i].then);
    }
    daemon_budget(d, l)->bytes_out += now->bytes_out - then->bytes_out;
    daemon_budget(d, l)->known += now->known - then->known;
    l->counted = *now;
}

/* --- queues --------------------------------------------------------------------------------- */

static void put(struct link_queue *q, struct link_waiting *w)
{
    if (q->first == NULL)
        q->last = &q->first;
    w->next = NULL;
    *q->last = w;
    q->last = &w->next;
    q->count++;
    q->bytes += w->bytes.len;
}

static struct link_waiting *take(struct link_queue *q)
{
    struct link_waiting *w = q->first;
    q->first = w->next;
    q->count--;
    q->bytes -= w->bytes.len;
    return w;
}

void daemon_link_frame(struct node_daemon *d, struct daemon_link *l, struct cht_bytes frame)
{
    if (l->over)
        return;
    if (l->queue.count >= WAITING_FRAMES || l->queue.bytes + frame.len > WAITING_BYTES) {
        flood(d, l);
        return;
    }
    struct link_waiting *w = cht_arena_alloc(&d->arena, sizeof *w);
    if (w == NULL) {
        l->over = true;
        return;
    }
    w->bytes = frame;
    put(&l->queue, w);
}

static void release(struct link_waiting *w)
{
    if (w->own)
        free(w);
}

void daemon_link_forget(struct daemon_link *l)
{
    while (l->queue.first != NULL)
        release(take(&l->queue));
}

/* What is not heard in this turn must outlive it. */
static void keep_rest(struct daemon_link *l)
{
    struct link_queue rest = { .first = NULL };
    while (l->queue.first != NULL) {
        struct link_waiting *w = take(&l->queue);
        struct link_waiting *copy = w;
        if (!w->own) {
            copy = malloc(sizeof *copy + w->bytes.len);
            if (copy == NULL) {
                l->over = true;
                continue;
            }
            *copy = (struct link_waiting){ .own = true };
            uint8_t *bytes = (uint8_t *)(copy + 1);
            if (w->bytes.len != 0)
                memcpy(bytes, w->bytes.data, w->bytes.len);
            copy->bytes = cht_bytes(bytes, w->bytes.len);
        }
        put(&rest, copy);
    }
    l->queue = rest;
}

/* --- hearing -------------------------------------------------------------------------------- */

static void hear(struct node_daemon *d, struct daemon_link *l, uint64_t share_us, bool contended)
{
    uint64_t used_us = 0;
    l->ready_ms = 0;
    while (l->queue.first != NULL && !l->over && used_us < share_us) {
        uint64_t ready = net_budget_ready_ms(daemon_budget(d, l), contended, d->now_ms);
        if (ready > d->now_ms) {
            l->ready_ms = ready;
            return;
        }
        struct link_waiting *w = take(&l->queue);
        struct net_event ev = {
            .kind = NET_EV_FRAME, .now_ms = d->now_ms, .wall_ms = d->wall_ms, .bytes = w->bytes
        };
        uint64_t start = cpu_us();
        daemon_link_step(d, l, &ev);
        uint64_t took = cpu_us() - start;
        used_us += took;
        net_budget_spend(daemon_budget(d, l), NET_COST_CPU_US, took, d->now_ms);
        net_budget_spend(daemon_budget(d, l), NET_COST_BYTES, w->bytes.len, d->now_ms);
        w->next = d->heard; /* what the frame points at is read until the turn ends */
        d->heard = w;
    }
}

void daemon_links_hear(struct node_daemon *d)
{
    size_t wanting = 0;
    for (const struct daemon_link *l = d->links; l != NULL; l = l->next)
        wanting += l->queue.first != NULL && !l->over;
    bool asked = d->asked_ms != 0 && d->now_ms - d->asked_ms < DAEMON_ASKED_MS;
    bool contended = wanting > 1 || asked;
    uint64_t share_us = net_turn_share_us(wanting, contended);
    for (struct daemon_link *l = d->links; l != NULL; l = l->next) {
        hear(d, l, share_us, contended);
        keep_rest(l);
    }
}

bool daemon_links_left(const struct node_daemon *d)
{
    for (const struct daemon_link *l = d->links; l != NULL; l = l->next) {
        if (l->queue.first != NULL && !l->over && l->ready_ms == 0)
            return true;
    }
    return false;
}

void daemon_links_heard(struct node_daemon *d)
{
    while (d->heard != NULL) {
        struct link_waiting *next = d->heard->next;
        release(d->heard);
        d->heard = next;
    }
}
