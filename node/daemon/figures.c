/* What the daemon adds to `metrics`: turns, sessions, peers and what they were refused; see own.h.
 */
#include "node/daemon/own.h"

#include "node/service/figures.h"

#include <stdio.h>

/* Upper ends of the histogram of turns, µs; the last has none. */
static const uint64_t turn_ends_us[DAEMON_TURN_BUCKETS] = { 100,   1000,   5000,
                                                            20000, 100000, UINT64_MAX };

void daemon_count_turn(struct node_daemon *d, uint64_t us)
{
    size_t at = 0;
    while (us > turn_ends_us[at])
        at++;
    d->turns.buckets[at]++;
    d->turns.us += us;
}

static void put_turns(struct service_figures *f, const struct node_daemon *d)
{
    uint64_t count = 0;
    service_family(f, "chitty_turn_seconds", FIGURE_HISTOGRAM, "seconds",
                   "Time of a turn, from the end of the wait to its last answer.");
    for (size_t i = 0; i < DAEMON_TURN_BUCKETS; i++) {
        char end[24] = "+Inf";
        const char *const labels[] = { "le", end, NULL };
        count += d->turns.buckets[i];
        if (turn_ends_us[i] != UINT64_MAX)
            (void)snprintf(end, sizeof end, "%g", (double)turn_ends_us[i] / 1e6);
        service_sample(f, "_bucket", labels, (double)count);
    }
    service_sample(f, "_count", NULL, (double)count);
    service_sample(f, "_sum", NULL, (double)d->turns.us / 1e6);
}

static void put_sessions(struct service_figures *f, const struct node_daemon *d)
{
    static const char *const states[] = { "connected", "in sync", "differs" };
    size_t counts[3] = { 0 }, present = 0;
    for (const struct daemon_link *l = d->links; l != NULL; l = l->next) {
        if (l->up && !l->over)
            counts[l->alarmed ? 2 : l->synced ? 1 : 0]++;
    }
    service_family(f, "chitty_sessions", FIGURE_GAUGE, "", "Sync sessions, by how they stand.");
    for (size_t i = 0; i < 3; i++) {
        const char *const labels[] = { "state", states[i], NULL };
        service_sample(f, "", labels, (double)counts[i]);
    }
    for (size_t i = 0; i < LIMIT_PEERS; i++)
        present += d->peers->peers[i].used && net_peer_present(&d->peers->peers[i]);
    service_figure(f, "chitty_peers_present", FIGURE_GAUGE, "", "Peers that are connected.",
                   (double)present);
    service_figure(f, "chitty_clients", FIGURE_GAUGE, "", "Local clients that are connected.",
                   (double)node_local_clients(d->local));
}

/* The account's device in hex and its name. */
struct who {
    char device[2 * CRDT_ID_BYTES + 1], name[LIMIT_NAME_BYTES + 1];
};

static struct who who_is(const struct node_daemon *d, const struct net_budget *b)
{
    struct who w = { .name = "" };
    const struct net_device *m =
        net_members_device(node_replica_members(d->home.replica), b->device);
    crdt_hex(cht_bytes(b->device, CRDT_ID_BYTES), w.device);
    if (m != NULL)
        memcpy(w.name, m->name, m->name_len);
    return w;
}

/* One counter of each account. */
static void put_each(struct service_figures *f, const struct node_daemon *d, const char *name,
                     const char *unit, const char *help,
                     double (*value)(const struct net_budget *b))
{
    service_family(f, name, FIGURE_COUNTER, unit, help);
    for (size_t i = 0; i < LIMIT_PEERS; i++) {
        const struct net_budget *b = &d->budgets->of[i];
        if (!b->used)
            continue;
        const struct who w = who_is(d, b);
        const char *const labels[] = { "peer", w.device, "name", w.name, NULL };
        service_sample(f, "_total", labels, value(b));
    }
}

static double bytes_in(const struct net_budget *b)
{
    return (double)b->spent[NET_COST_BYTES];
}

static double bytes_out(const struct net_budget *b)
{
    return (double)b->bytes_out;
}

static double entries_in(const struct net_budget *b)
{
    return (double)b->spent[NET_COST_ENTRIES];
}

static double cpu_s(const struct net_budget *b)
{
    return (double)b->spent[NET_COST_CPU_US] / 1e6;
}

static double connections(const struct net_budget *b)
{
    return (double)b->spent[NET_COST_SESSIONS];
}

static void put_refusals(struct service_figures *f, const struct node_daemon *d)
{
    service_family(f, "chitty_peer_refusals", FIGURE_COUNTER, "",
                   "What a peer was refused, by reason.");
    for (size_t i = 0; i < LIMIT_PEERS; i++) {
        const struct net_budget *b = &d->budgets->of[i];
        const struct who w = b->used ? who_is(d, b) : (struct who){ .name = "" };
        for (unsigned k = 0; b->used && k < NET_REFUSAL_COUNT; k++) {
            const char *const labels[] = { "peer", w.device, "name",
                                           w.name, "reason", net_refusal_word((enum net_refusal)k),
                                           NULL };
            if (b->refused[k] != 0)
                service_sample(f, "_total", labels, (double)b->refused[k]);
        }
    }
}

void daemon_put_figures(void *ctx, struct service_figures *f)
{
    const struct node_daemon *d = ctx;
    put_turns(f, d);
    put_sessions(f, d);
    put_each(f, d, "chitty_peer_received_bytes", "bytes", "Frames that came from a peer.",
             bytes_in);
    put_each(f, d, "chitty_peer_sent_bytes", "bytes", "Frames that were sent to a peer.",
             bytes_out);
    put_each(f, d, "chitty_peer_entries", "", "Entries in the ranges that a peer sent.",
             entries_in);
    put_each(f, d, "chitty_peer_cpu_seconds", "seconds", "Processor time spent on a peer's frames.",
             cpu_s);
    put_each(f, d, "chitty_peer_connections", "", "Connections of a peer.", connections);
    put_refusals(f, d);
    daemon_blobs_figures(d, f);
}
