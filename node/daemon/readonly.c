/* When the database cannot be written: a full disk, a failed write or fsync; see own.h.
 *
 * What a failed commit left in the file's cache is not what stands on the disk, and a later fsync
 * says nothing of it (the kernel tells an error once and then takes the pages for clean). So
 * nothing of it is believed: memory is made anew from the log, while a second connection keeps the
 * index of the WAL, in which the failed commit never was; the next commit writes over its place.
 * Until a trial write, with a checkpoint that empties the WAL, has reached the disk, reads go on,
 * and changes and ranges are refused. */
#include "node/daemon/own.h"

#include <poll.h>

#define REOPEN_MS      1000
#define TRIAL_FIRST_MS 1000u
#define TRIAL_MAX_MS   10000u

/* One that may pass by itself, when there is room again. */
static bool passes(enum cht_err err)
{
    return err == CHT_E_FULL || err == CHT_E_IO || err == CHT_E_BUSY || err == CHT_E_NOMEM;
}

static void enter(struct node_daemon *d, enum cht_err why)
{
    struct daemon_read_only *r = &d->read_only;
    if (r->why == CHT_OK)
        r->wait_ms = TRIAL_FIRST_MS;
    r->why = why;
    r->trial_ms = d->now_ms + r->wait_ms;
    node_replica_hold_rows(d->home.replica, true);
    service_read_only(d->service, why);
    daemon_log("error", "read-only: %s: %s; it is tried again every few seconds",
               why == CHT_E_FULL ? "the disk is full" : "the disk cannot be written", d->home.path);
}

/* Where it cannot be opened either, it is tried again until it can, or the node is to end. */
static enum cht_err open_again(struct node_daemon *d, struct node_fault *fault, bool *stopping)
{
    enum cht_err err = daemon_switch(d, d->home.path, fault);
    if (passes(err))
        daemon_log("error", "%s: trying again each second", cht_error_text(&fault->error));
    while (passes(err) && !*stopping) {
        struct pollfd p = { .fd = d->signal_fd, .events = POLLIN };
        *stopping = poll(&p, 1, REOPEN_MS) > 0;
        if (!*stopping)
            err = daemon_switch(d, d->home.path, fault);
    }
    return err;
}

void daemon_reopen(struct node_daemon *d, enum cht_err why)
{
    struct node_fault fault = { 0 };
    struct node_store *guard = NULL;
    bool stopping = d->stopping;
    daemon_log("error", "the last changes could not be made durable: %s", cht_err_text(why));
    /* without it the last connection's end would have the WAL read again from the file */
    if (node_store_open(d->home.path, NODE_STORE_READ, NULL, &guard) != CHT_OK)
        guard = NULL;
    enum cht_err err = open_again(d, &fault, &stopping);
    node_store_close(guard);
    if (err == CHT_OK && (why == CHT_E_FULL || why == CHT_E_IO))
        enter(d, why);
    else if (err == CHT_OK)
        daemon_log("info", "the database is open again");
    else
        d->fault = fault;
    d->stopping = stopping || err != CHT_OK;
}

void daemon_read_only_tick(struct node_daemon *d)
{
    struct daemon_read_only *r = &d->read_only;
    if (r->why == CHT_OK || d->now_ms < r->trial_ms)
        return;
    enum cht_err err = node_store_try(node_replica_store(d->home.replica));
    if (err != CHT_OK) {
        r->wait_ms = 2 * r->wait_ms < TRIAL_MAX_MS ? 2 * r->wait_ms : TRIAL_MAX_MS;
        r->trial_ms = d->now_ms + r->wait_ms;
        return;
    }
    *r = (struct daemon_read_only){ .why = CHT_OK };
    node_replica_hold_rows(d->home.replica, false);
    service_read_only(d->service, CHT_OK);
    daemon_log("info", "the database can be written again");
    for (struct daemon_link *l = d->links; l != NULL; l = l->next) {
        struct net_event ev = { .kind = NET_EV_ROOM, .now_ms = d->now_ms, .wall_ms = d->wall_ms };
        if (!l->over)
            daemon_link_step(d, l, &ev);
    }
}

uint64_t daemon_read_only_due_ms(const struct node_daemon *d)
{
    return d->read_only.why == CHT_OK ? UINT64_MAX : d->read_only.trial_ms;
}
