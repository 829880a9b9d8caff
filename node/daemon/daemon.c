/* The running node and its turn; see own.h and node.h. */
#include "node/daemon/discovery.h"

#include "node/service/claims.h"
#include "node/store/local.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

/* Rows read before the first turn: a small home is checked before it meets a peer. */
#define SCRUB_FIRST_ROWS 2000u

static uint64_t monotonic_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static uint64_t monotonic_ms(void)
{
    return monotonic_us() / 1000u;
}

/* --- starting ------------------------------------------------------------------------------- */

static void on_stop(void *ctx)
{
    struct node_daemon *d = ctx;
    d->stopping = true;
}

static enum cht_err open_signals(struct node_daemon *d, struct node_fault *fault)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCONT);
    (void)signal(SIGPIPE, SIG_IGN);
    d->signal_fd = sigprocmask(SIG_BLOCK, &set, NULL) == 0
                       ? signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)
                       : -1;
    return d->signal_fd >= 0 ? CHT_OK
                             : node_fault_set(fault, CHT_E_IO, cht_bytes(NULL, 0),
                                              "signals cannot be waited for: %s", strerror(errno));
}

static enum cht_err open_transport(struct node_daemon *d, const struct node_run_options *o,
                                   struct node_fault *fault)
{
    char usual[32], texts[NET_TRANSPORT_LISTEN][LIMIT_ADDRESS_BYTES];
    const char *endpoints[NET_TRANSPORT_LISTEN];
    struct net_transport_config config = { .lookup = daemon_lookup, .ctx = d };
    struct cht_error detail = { 0 };
    (void)snprintf(usual, sizeof usual, "tcp://*:%u", DAEMON_PORT);
    if (o->listen_count > NET_TRANSPORT_LISTEN)
        return node_fault_set(fault, CHT_E_LIMIT, cht_bytes_str("listen"),
                              "at most %u addresses to listen on", NET_TRANSPORT_LISTEN);
    for (size_t i = 0; i < o->listen_count; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "%s%s",
                       strncmp(o->listen[i], "tcp://", 6) == 0 ? "" : "tcp://", o->listen[i]);
        endpoints[i] = texts[i];
    }
    endpoints[o->listen_count == 0 ? 0 : o->listen_count - 1] =
        o->listen_count == 0 ? usual : texts[o->listen_count - 1];
    config.endpoints = endpoints;
    config.endpoint_count = o->listen_count == 0 ? 1 : o->listen_count;
    memcpy(config.public_key, d->home.identity->cert.transport_pk, NET_CURVE_KEY_BYTES);
    memcpy(config.secret_key, d->home.identity->transport_sk, NET_CURVE_KEY_BYTES);
    enum cht_err err = net_transport_open(&config, &detail, &d->transport);
    if (err == CHT_E_BUSY && o->listen_count == 0) {
        /* another person's node, or another home, has the usual port */
        endpoints[0] = "tcp://*:*";
        err = net_transport_open(&config, &detail, &d->transport);
    }
    sodium_memzero(config.secret_key, sizeof config.secret_key);
    return err == CHT_OK ? CHT_OK : node_fault_from(fault, err, &detail);
}

static enum cht_err open_service(struct node_daemon *d)
{
    struct service_options options = { .replica = d->home.replica,
                                       .identity = d->home.identity,
                                       .path = d->home.path,
                                       .device_name = d->home.name,
                                       .blobs = d->home.blobs };
    options.net = (struct service_net){ .ctx = d,
                                        .peers = daemon_put_peers,
                                        .state = daemon_state_of,
                                        .addresses = daemon_put_addresses,
                                        .invite = daemon_invite,
                                        .join = daemon_join,
                                        .discovery = daemon_put_discovery,
                                        .observer = daemon_put_observer,
                                        .strangers = daemon_put_strangers,
                                        .figures = daemon_put_figures,
                                        .fetch = daemon_blobs_fetch,
                                        .direct = daemon_message_send,
                                        .reaches = daemon_message_reaches,
                                        .left = daemon_code_left,
                                        .stop = on_stop };
    return service_new(&options, &d->service);
}

static enum cht_err open_local(struct node_daemon *d, struct node_fault *fault)
{
    struct cht_error detail = { 0 };
    struct node_local_options options = { .socket_path = d->home.files.paths.socket,
                                          .handler = service_handler(d->service) };
    enum cht_err err = node_path_make(d->home.files.paths.runtime, &detail);
    if (err == CHT_OK)
        err = node_local_open(&options, &detail, &d->local);
    if (err == CHT_OK)
        return CHT_OK;
    (void)node_fault_from(fault, err, &detail);
    if (err == CHT_E_BUSY)
        node_fault_hint(fault,
                        "two homes of one user need a CHITTY_HOME, or a XDG_RUNTIME_DIR, each");
    return err;
}

static enum cht_err start(struct node_daemon *d, const struct node_run_options *o,
                          struct node_fault *fault)
{
    *d = (struct node_daemon){ .signal_fd = -1, .pair_fd = -1, .autostarted = o->autostarted };
    d->wake.net_fd = d->wake.clock_fd = -1;
    d->home.files.lock_fd = -1;
    cht_arena_init(&d->arena, LIMIT_TURN_BYTES);
    net_pulls_init(&d->pulls);
    d->peers = calloc(1, sizeof *d->peers);
    d->budgets = calloc(1, sizeof *d->budgets);
    enum cht_err err =
        d->peers == NULL || d->budgets == NULL ? CHT_E_NOMEM : open_signals(d, fault);
    if (err == CHT_OK)
        err = node_home_start(o->autostarted, fault, &d->home);
    if (err == CHT_OK)
        err = daemon_bring(&d->home, fault);
    if (err == CHT_OK)
        err = open_transport(d, o, fault);
    if (err == CHT_OK)
        err = daemon_blobs_open(d);
    if (err == CHT_OK)
        err = open_service(d);
    if (err == CHT_OK)
        err = open_local(d, fault);
    if (err != CHT_OK)
        return err;
    randombytes_buf(d->run, sizeof d->run);
    d->now_ms = d->busy_ms = d->client_ms = monotonic_ms();
    d->wall_ms = node_wall_ms();
    service_turn(d->service, d->wall_ms);
    service_claims_lease(d->service, (uint64_t)o->lease_s * 1000u);
    service_claims_clock(d->service, d->now_ms);
    service_claims_open(d->service);
    for (size_t i = 0; i < o->peer_count; i++)
        daemon_add_static(d, o->peers[i]);
    net_peers_init(d->peers, d->run);
    daemon_load_peers(d);
    daemon_twins_begin(d);
    daemon_wake_open(d);
    if (!o->no_discovery)
        err = daemon_discover_open(d);
    if (err == CHT_OK && !o->no_observe)
        err = daemon_observer_open(d);
    if (err != CHT_OK)
        return err;
    daemon_invites_tend(d);
    return node_forget_answers(node_replica_store(d->home.replica), d->wall_ms - DAEMON_ANSWERS_MS);
}

static void finish(struct node_daemon *d)
{
    node_local_close(d->local); /* first: whom nobody answers any more should not get in */
    daemon_pairings_close(d);
    daemon_discover_close(d);
    daemon_observer_close(d);
    daemon_wake_close(d);
    if (d->transport != NULL) {
        daemon_links_close(d);
        daemon_dials_close(d);
        net_transport_close(d->transport);
    }
    daemon_blobs_close(d);
    service_free(d->service);
    if (d->signal_fd >= 0)
        (void)close(d->signal_fd);
    while (d->statics != NULL) {
        struct daemon_static *next = d->statics->next;
        free(d->statics);
        d->statics = next;
    }
    free(d->peers);
    free(d->budgets);
    cht_arena_clear(&d->arena);
    node_home_end(&d->home);
}

/* --- another database ----------------------------------------------------------------------- */

enum cht_err daemon_switch(struct node_daemon *d, const char *path, struct node_fault *fault)
{
    char old[NODE_PATH_MAX], next[NODE_PATH_MAX];
    memcpy(old, d->home.path, sizeof old);
    (void)snprintf(next, sizeof next, "%s", path); /* it may be the very path in use */
    daemon_links_close(d);
    daemon_dials_close(d);
    node_replica_close(d->home.replica);
    d->home.replica = NULL;
    memcpy(d->home.path, next, sizeof next);
    enum cht_err err = node_home_replica(&d->home, fault);
    if (err == CHT_OK)
        err = daemon_bring(&d->home, fault);
    if (err != CHT_OK) {
        d->stopping = true; /* a start tries again */
        if (d->home.replica == NULL) {
            memcpy(d->home.path, old, sizeof old);
            (void)!node_home_replica(&d->home, NULL);
        }
    }
    if (d->home.replica != NULL)
        service_replace(d->service, d->home.replica, d->home.path);
    d->scrubbed = false;
    net_peers_init(d->peers, d->run);
    if (d->home.replica != NULL) {
        daemon_load_peers(d);
        daemon_twins_begin(d);
        daemon_invites_tend(d);
        daemon_observer_again(d);
    }
    return err;
}

/* --- waiting -------------------------------------------------------------------------------- */

static uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static long sleep_ms(const struct node_daemon *d)
{
    if (d->more)
        return 0;
    uint64_t due = earliest(daemon_links_due_ms(d), daemon_pairings_due_ms(d));
    due = earliest(due, net_peers_due_ms(d->peers));
    due = earliest(due, earliest(daemon_read_only_due_ms(d), daemon_blobs_due_ms(d)));
    due = earliest(due, earliest(daemon_discover_due_ms(d), d->wake.check_ms));
    due = earliest(due, earliest(daemon_observer_due_ms(d), service_claims_due_ms(d->service)));
    const bool writes = d->read_only.why == CHT_OK;
    if (writes && (node_replica_dirty(d->home.replica) || !d->scrubbed))
        due = earliest(due, d->now_ms + DAEMON_SCRUB_MS);
    if (writes && node_store_wal_bytes(node_replica_store(d->home.replica)) != 0)
        due = earliest(due, d->busy_ms + DAEMON_REST_MS);
    if (d->autostarted)
        due = earliest(due, d->client_ms + DAEMON_IDLE_MS);
    int transport = net_transport_timeout_ms(d->transport);
    if (transport >= 0)
        due = earliest(due, d->now_ms + (uint64_t)transport);
    if (due == UINT64_MAX)
        return -1;
    uint64_t now = monotonic_ms();
    return due <= now ? 0 : (due - now > 600000 ? 600000 : (long)(due - now));
}

/* Sources that are there always, in this order. */
enum { WAIT_SIGNALS, WAIT_LOCAL, WAIT_NET, WAIT_CLOCK, WAIT_DISCOVERY, WAIT_OBSERVER, WAITS_FIXED };

#define POLLS_MAX (WAITS_FIXED + 1u + DAEMON_PAIRINGS + NET_TRANSPORT_POLLS)

struct waits {
    zmq_pollitem_t items[POLLS_MAX];
    struct daemon_pairing *pairings[POLLS_MAX];
    int count, transport_at;
};

static void wait_for(struct node_daemon *d, struct waits *w)
{
    w->count = 0;
    w->items[w->count++] = (zmq_pollitem_t){ .fd = d->signal_fd, .events = ZMQ_POLLIN };
    w->items[w->count++] = (zmq_pollitem_t){ .fd = node_local_fd(d->local), .events = ZMQ_POLLIN };
    /* those that are not there have a descriptor of -1, which poll passes over */
    w->items[w->count++] = (zmq_pollitem_t){ .fd = d->wake.net_fd, .events = ZMQ_POLLIN };
    w->items[w->count++] = (zmq_pollitem_t){ .fd = d->wake.clock_fd, .events = ZMQ_POLLIN };
    w->items[w->count++] = (zmq_pollitem_t){ .fd = daemon_discover_fd(d), .events = ZMQ_POLLIN };
    w->items[w->count++] = (zmq_pollitem_t){ .fd = daemon_observer_fd(d), .events = ZMQ_POLLIN };
    if (d->pair_fd >= 0) {
        w->pairings[w->count] = NULL;
        w->items[w->count++] = (zmq_pollitem_t){ .fd = d->pair_fd, .events = ZMQ_POLLIN };
    }
    for (struct daemon_pairing *p = d->pairings; p != NULL; p = p->next) {
        if (p->fd < 0)
            continue;
        short events = daemon_pairing_events(p);
        w->pairings[w->count] = p;
        w->items[w->count++] = (zmq_pollitem_t){
            .fd = p->fd,
            .events = (short)(((events & POLLIN) != 0 ? ZMQ_POLLIN : 0) |
                              ((events & POLLOUT) != 0 ? ZMQ_POLLOUT : 0)),
        };
    }
    w->transport_at = w->count;
    w->count += (int)net_transport_poll(d->transport, &w->items[w->count]);
    (void)zmq_poll(w->items, w->count, sleep_ms(d));
}

/* --- one turn ------------------------------------------------------------------------------- */

static void take_signals(struct node_daemon *d)
{
    struct signalfd_siginfo info;
    while (read(d->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCONT)
            daemon_wake_now(d, "this process was stopped and goes on");
        else
            d->stopping = true;
    }
}

static void take_pairings(struct node_daemon *d, struct waits *w)
{
    for (int i = WAITS_FIXED; i < w->transport_at; i++) {
        short revents = (short)(((w->items[i].revents & ZMQ_POLLIN) != 0 ? POLLIN : 0) |
                                ((w->items[i].revents & ZMQ_POLLOUT) != 0 ? POLLOUT : 0) |
                                ((w->items[i].revents & ZMQ_POLLERR) != 0 ? POLLERR : 0));
        if (w->pairings[i] != NULL)
            daemon_pairing_ready(d, w->pairings[i], revents);
        else if (revents != 0)
            daemon_pairing_accept(d);
    }
}

static void collect(struct node_daemon *d, struct waits *w)
{
    const struct net_tr_event *events = NULL;
    if ((w->items[WAIT_NET].revents & ZMQ_POLLIN) != 0)
        daemon_wake_net(d);
    if ((w->items[WAIT_CLOCK].revents & ZMQ_POLLIN) != 0)
        daemon_wake_clock(d);
    if ((w->items[WAIT_SIGNALS].revents & ZMQ_POLLIN) != 0)
        take_signals(d);
    if (w->items[WAIT_DISCOVERY].revents != 0)
        daemon_discover_ready(d);
    if (w->items[WAIT_OBSERVER].revents != 0)
        daemon_observer_ready(d);
    if (net_transport_collect(d->transport, &d->arena, &events) != CHT_OK) {
        daemon_log("error", "out of memory: frames were lost, sessions start anew");
        daemon_links_over(d);
    }
    daemon_arrow(ARROW_COLLECTED);
    daemon_links_take(d, events);
    take_pairings(d, w);
    /* the observer alone keeps no node */
    const pid_t observer = daemon_observer_pid(d);
    size_t clients = node_local_clients_besides(d->local, observer);
    const uint64_t requests = service_requests(d->service);
    node_local_read(d->local, d->wall_ms);
    if (service_requests(d->service) != requests)
        d->asked_ms = d->now_ms;
    d->more = node_local_busy(d->local) || daemon_links_left(d);
    if (clients != 0 || node_local_clients_besides(d->local, observer) != 0)
        d->client_ms = d->now_ms;
    daemon_wake_tick(d);
    if (d->differs)
        daemon_links_changed(d);
    d->differs = false;
    daemon_read_only_tick(d);
    daemon_links_tick(d);
    daemon_blobs_tick(d);
    daemon_pairings_tick(d);
    service_claims_work(d->service);
}

void daemon_commit_midway(struct node_daemon *d)
{
    enum cht_err err = node_replica_settle(d->home.replica, d->wall_ms, &d->left);
    if (err == CHT_OK)
        err = node_replica_commit(d->home.replica, false);
    service_committed_midway(d->service, err);
}

/* Rows are written in the turn itself when little happened; under load at most every second. */
static bool time_to_write(struct node_daemon *d)
{
    size_t entries = d->turn_entries + node_replica_unsigned(d->home.replica);
    bool quiet = !d->more && entries <= DAEMON_TURN_FEW;
    return quiet || service_wants_rows(d->service) || d->now_ms - d->written_ms >= DAEMON_WRITE_MS;
}

static enum cht_err commit(struct node_daemon *d)
{
    enum cht_err err = CHT_OK;
    if (d->turn_entries != 0 || d->left)
        err = node_replica_settle(d->home.replica, d->wall_ms, &d->left);
    d->more |= d->left;
    service_claims_settled(d->service);
    daemon_arrow(ARROW_FOLDED);
    bool write = time_to_write(d);
    if (err == CHT_OK)
        err = node_replica_commit(d->home.replica, write);
    if (write)
        d->written_ms = d->now_ms;
    if (err == CHT_E_INTERNAL && node_replica_broken(d->home.replica))
        err = node_replica_fault(d->home.replica); /* it was broken before the end of the turn */
    struct node_commit last = node_replica_last(d->home.replica);
    if (last.range_count != 0 || last.touched_count != 0)
        d->busy_ms = d->now_ms;
    daemon_arrow(ARROW_COMMITTED);
    return err;
}

/* After a start the rows are read once, a few at a time, when nothing else is to do. */
static void scrub(struct node_daemon *d, uint32_t rows)
{
    enum node_scrub found = NODE_SCRUB_MORE;
    if (node_replica_scrub(d->home.replica, rows, &found) != CHT_OK)
        d->scrubbed = true;
    if (found == NODE_SCRUB_MORE)
        return;
    d->scrubbed = true;
    if (found == NODE_SCRUB_DAMAGE) {
        daemon_log("error", "the rows on disk differ from what the log gives: run 'chitty-node "
                            "verify', then 'chitty-node rebuild'");
        d->differs = d->more = true;
    }
}

static void tend(struct node_daemon *d)
{
    struct node_store *store = node_replica_store(d->home.replica);
    size_t wal = node_store_wal_bytes(store);
    const bool writes = d->read_only.why == CHT_OK;
    const bool rested = wal != 0 && d->now_ms - d->busy_ms >= DAEMON_REST_MS;
    if (writes && (wal > DAEMON_WAL_BYTES || rested) && node_store_checkpoint(store) != CHT_OK)
        d->busy_ms = d->now_ms; /* not at once again */
    daemon_twins_tell(d);
    daemon_discover_tick(d);
    daemon_observer_tick(d);
    daemon_dials_tick(d);
    if (writes && !d->scrubbed && !d->more && !node_replica_dirty(d->home.replica) &&
        d->now_ms - d->busy_ms >= DAEMON_SCRUB_MS)
        scrub(d, DAEMON_SCRUB_ROWS);
    bool alone = net_members_device_count(node_replica_members(d->home.replica)) < 2;
    alone &= d->pairings == NULL && d->pair_fd < 0; /* nobody is invited either */
    if (d->autostarted && alone && d->now_ms - d->client_ms >= DAEMON_IDLE_MS)
        d->stopping = true;
}

static void turn(struct node_daemon *d, struct waits *w)
{
    cht_arena_reset(&d->arena);
    wait_for(d, w);
    const uint64_t start_us = monotonic_us();
    d->now_ms = start_us / 1000u;
    d->wall_ms = node_wall_ms();
    d->turn_entries = 0;
    service_turn(d->service, d->wall_ms);
    service_claims_clock(d->service, d->now_ms);
    collect(d, w);
    enum cht_err err = commit(d);
    daemon_links_tell(d, err);
    service_after(d->service, err);
    daemon_pairings_tell(d, err);
    daemon_arrow(ARROW_TOLD);
    node_local_flush(d->local);
    daemon_arrow(ARROW_FLUSHED);
    daemon_links_heard(d);
    if (d->home.replica != NULL && node_replica_broken(d->home.replica))
        daemon_reopen(d, err);
    if (d->home.replica != NULL)
        tend(d);
    daemon_count_turn(d, monotonic_us() - start_us);
}

/* --- running -------------------------------------------------------------------------------- */

static void tell_ready(int fd, const char *text)
{
    if (fd < 0)
        return;
    (void)!write(fd, text, strlen(text));
    (void)close(fd);
}

enum cht_err node_run(const struct node_run_options *options, struct node_fault *fault)
{
    struct node_daemon *d = calloc(1, sizeof *d);
    struct waits *w = calloc(1, sizeof *w);
    struct node_fault own = { 0 };
    enum cht_err err = d == NULL || w == NULL ? CHT_E_NOMEM : start(d, options, &own);
    if (err != CHT_OK) {
        char text[CHT_ERROR_TEXT_MAX + 2];
        (void)snprintf(text, sizeof text, "!%s", cht_error_text(&own.error));
        tell_ready(options->ready_fd, text);
        if (fault != NULL)
            *fault = own;
    } else {
        tell_ready(options->ready_fd, "+");
        daemon_notify("READY=1");
        if (!options->autostarted)
            daemon_greet(d);
        scrub(d, SCRUB_FIRST_ROWS);
        while (!d->stopping)
            turn(d, w);
        daemon_notify("STOPPING=1");
        err = d->fault.error.code;
        if (err != CHT_OK && fault != NULL)
            *fault = d->fault;
    }
    if (d != NULL)
        finish(d);
    free(w);
    free(d);
    return err;
}
