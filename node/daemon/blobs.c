/* Fetching blobs from peers: what a client waits for, and what the policy asks for unasked. Which
 * peer is asked for which is net/blobs.h, what goes over a connection net/session_blobs.c, the
 * files node/blobs. See own.h (PROTOCOL 12.3). */
#include "node/daemon/blobs_own.h"

#include "node/service/figures.h"

#include <stdlib.h>

enum cht_err daemon_blobs_open(struct node_daemon *d)
{
    d->blobs = calloc(1, sizeof *d->blobs);
    return d->blobs == NULL ? CHT_E_NOMEM : CHT_OK;
}

void daemon_blobs_close(struct node_daemon *d)
{
    free(d->blobs);
    d->blobs = NULL;
}

/* --- what cannot be had ----------------------------------------------------------------------- */

static const struct net_device *member(const struct node_daemon *d, const uint8_t *device)
{
    return net_members_device(node_replica_members(d->home.replica), device);
}

/* Why: who attached it has it. */
static void say_offline(struct node_daemon *d, const struct crdt_hash *hash,
                        struct node_fault *fault)
{
    struct service_attachment a;
    const uint8_t *device = service_attached(d->service, hash, &a) == CHT_OK
                                ? service_attachment_device(d->service, &a)
                                : d->home.identity->device;
    const struct net_device *m = member(d, device);
    const int len = m == NULL ? 0 : (int)m->name_len;
    const char *name = m == NULL ? "" : (const char *)m->name;
    bool here = false;
    for (const struct daemon_link *l = d->links; l != NULL; l = l->next)
        here |= l->up && !l->over && memcmp(l->device, device, CRDT_ID_BYTES) == 0;
    if (memcmp(device, d->home.identity->device, CRDT_ID_BYTES) == 0)
        (void)node_fault_set(fault, CHT_E_UNREACHABLE, cht_bytes(NULL, 0),
                             "the attachment's file is gone from this device, and no device that "
                             "is connected has it");
    else if (here)
        (void)node_fault_set(fault, CHT_E_UNREACHABLE, cht_bytes(NULL, 0),
                             "no device that is connected has it; %.*s attached it and cannot give "
                             "it",
                             len, name);
    else
        (void)node_fault_set(fault, CHT_E_UNREACHABLE, cht_bytes(NULL, 0),
                             "peer offline: %.*s has it", len, name);
    node_fault_hint(fault, "ask again when it is connected: chitty-node peers");
}

static void give_up(struct node_daemon *d, struct net_blob_want *w, const struct node_fault *fault)
{
    const struct crdt_hash hash = w->hash;
    net_blobs_drop(&d->blobs->wants, w);
    service_blob_failed(d->service, &hash, fault);
}

/* --- wanting ---------------------------------------------------------------------------------- */

enum cht_err daemon_blobs_fetch(void *ctx, const struct service_attachment *a,
                                struct node_fault *fault)
{
    struct node_daemon *d = ctx;
    struct net_blob_want *w =
        net_blobs_add(&d->blobs->wants, &a->hash, (uint32_t)a->size, true, d->now_ms);
    if (w == NULL)
        return node_fault_set(fault, CHT_E_BUSY, cht_bytes(NULL, 0),
                              "%u attachments are being fetched already", LIMIT_BLOB_WANTS);
    for (const struct daemon_link *l = d->links; l != NULL; l = l->next)
        net_blobs_again(w, l->device);
    d->more = true;
    return CHT_OK;
}

void daemon_blobs_up(struct node_daemon *d, const struct daemon_link *l)
{
    for (size_t i = 0; i < LIMIT_BLOB_WANTS; i++) {
        if (d->blobs->wants.wants[i].used)
            net_blobs_again(&d->blobs->wants.wants[i], l->device);
    }
    d->blobs->version = 0;
}

static bool wanted_unasked(const struct node_daemon *d, uint64_t size)
{
    const struct node_blob_policy p = node_blobs_policy(d->home.blobs);
    return p.keep || size < p.fetch_below_bytes;
}

/* Look through the attachments for what the policy asks for, as far as there is room. */
static void scan(struct node_daemon *d)
{
    struct daemon_blobs *b = d->blobs;
    const struct service_attachment *list;
    size_t count;
    if (!wanted_unasked(d, 0))
        return;
    if (service_attachments(d->service, &list, &count) != CHT_OK)
        return;
    if (b->version != service_attachments_version(d->service)) {
        b->version = service_attachments_version(d->service);
        b->scanning = true;
        b->next = 0;
    }
    while (b->scanning) {
        if (b->next >= count) {
            b->scanning = false;
            break;
        }
        const struct service_attachment *a = &list[b->next];
        if (wanted_unasked(d, a->size) && node_blobs_find(d->home.blobs, &a->hash) == NULL &&
            net_blobs_add(&b->wants, &a->hash, (uint32_t)a->size, false, d->now_ms) == NULL)
            break; /* on from here when there is room */
        b->next++;
    }
}

/* --- fetching --------------------------------------------------------------------------------- */

static void stop_fetching(struct node_daemon *d, struct daemon_link *l)
{
    struct net_event ev = { .reason = 0 };
    if (net_session_fetching(l->session))
        blobs_step(d, l, &ev, NET_BLOB_STOP);
    node_blob_abandon(d->home.blobs, l->blobs.writer, true);
    l->blobs.writer = NULL;
    net_blobs_release(&d->blobs->wants, l);
}

static void cannot_write(struct node_daemon *d, struct net_blob_want *w, enum cht_err err,
                         const struct cht_error *detail)
{
    struct node_fault fault = { 0 };
    if (detail != NULL && detail->text[0] != '\0')
        (void)node_fault_from(&fault, err, detail);
    else
        (void)node_fault_set(&fault, err, cht_bytes(NULL, 0),
                             "the attachment cannot be written here: %s", cht_err_text(err));
    d->blobs->scanning = false; /* until something changes */
    give_up(d, w, &fault);
}

/* Who keeps it tells the device that it came from, and the one that attached it (PROTOCOL 12.5). */
static void tell_kept(struct node_daemon *d, struct daemon_link *from, const struct crdt_hash *hash)
{
    struct service_attachment a;
    if (service_attached(d->service, hash, &a) != CHT_OK)
        return;
    for (struct daemon_link *l = d->links; l != NULL; l = l->next) {
        const bool author =
            memcmp(l->device, service_attachment_device(d->service, &a), CRDT_ID_BYTES) == 0;
        struct net_event ev = { .blob = { .hash = *hash, .size = (uint32_t)a.size } };
        if ((l == from || author) && !l->over)
            blobs_step(d, l, &ev, NET_BLOB_KEEP);
    }
}

/* All bytes are here. */
static void finish(struct node_daemon *d, struct daemon_link *l, struct net_blob_want *w)
{
    const bool keep = node_blobs_policy(d->home.blobs).keep;
    const bool all_new = node_blob_all_new(l->blobs.writer);
    struct crdt_hash hash = w->hash;
    enum cht_err err = node_blob_finish(d->home.blobs, l->blobs.writer, keep, d->wall_ms, &hash);
    l->blobs.writer = NULL;
    w->owner = NULL;
    if (err == CHT_E_CORRUPT && all_new) {
        char hex[9];
        daemon_link_refuse(d, l, NET_REFUSAL_BLOB, 1);
        daemon_log("warning", "peer %s sent another file than it was asked for",
                   daemon_short(l->device, hex));
        net_blobs_note(w, l->device, true);
    } else if (err == CHT_OK) {
        net_blobs_drop(&d->blobs->wants, w);
        service_blob_here(d->service, &hash);
        if (keep)
            tell_kept(d, l, &hash);
    } else if (err != CHT_E_CORRUPT) { /* what was here of it was rotten: it is fetched whole */
        cannot_write(d, w, err, NULL);
    }
    d->more = true;
}

/* Ask this peer for the want that is its turn's. */
static void begin(struct node_daemon *d, struct daemon_link *l, struct net_blob_want *w)
{
    struct cht_error detail = { 0 };
    service_blobs_make_way(d->service, w->size);
    enum cht_err err =
        d->read_only.why != CHT_OK
            ? d->read_only.why
            : node_blob_resume(d->home.blobs, &w->hash, w->size, &detail, &l->blobs.writer);
    if (err != CHT_OK) {
        cannot_write(d, w, err, &detail);
        return;
    }
    w->owner = l;
    l->blobs.in = w->hash;
    l->blobs.catching_up = true;
}

static void go_on(struct node_daemon *d, struct daemon_link *l, struct net_blob_want *w)
{
    if (!l->blobs.catching_up)
        return;
    if (node_blob_catch_up(l->blobs.writer) != CHT_OK) {
        d->more = true;
        return;
    }
    l->blobs.catching_up = false;
    struct net_event ev = { .blob = { .hash = w->hash, .size = w->size } };
    ev.blob.from = (uint32_t)node_blob_written(l->blobs.writer);
    if (ev.blob.from == w->size)
        finish(d, l, w);
    else
        blobs_step(d, l, &ev, NET_BLOB_FETCH);
}

/* --- hearing ---------------------------------------------------------------------------------- */

static void take_data(struct node_daemon *d, struct daemon_link *l, const struct net_blob_frame *b)
{
    struct net_blob_want *w = net_blobs_find(&d->blobs->wants, &b->hash);
    if (l->blobs.writer == NULL || w == NULL || w->owner != l)
        return;
    const enum cht_err err = node_blob_write(l->blobs.writer, b->bytes);
    if (err != CHT_OK) {
        stop_fetching(d, l);
        cannot_write(d, w, err, NULL);
        return;
    }
    const uint64_t have = node_blob_written(l->blobs.writer);
    d->blobs->fetched += b->bytes.len;
    service_blob_progress(d->service, &w->hash, have, w->size);
    if (have == w->size)
        finish(d, l, w);
}

static void take_none(struct node_daemon *d, struct daemon_link *l, const struct net_blob_frame *b)
{
    struct net_blob_want *w = net_blobs_find(&d->blobs->wants, &b->hash);
    if (w == NULL || w->owner != l)
        return;
    node_blob_abandon(d->home.blobs, l->blobs.writer, true);
    l->blobs.writer = NULL;
    net_blobs_note(w, l->device, false);
    d->more = true;
}

void daemon_blobs_heard(struct node_daemon *d, struct daemon_link *l, const struct net_effect *fx)
{
    const struct net_blob_frame *b = fx->blob.frame;
    if (d->home.blobs == NULL && b->form != NET_BLOB_WANT)
        return;
    switch (b->form) {
    case NET_BLOB_WANT:
        blobs_asked(l, b);
        d->more = true;
        break;
    case NET_BLOB_DATA:
        take_data(d, l, b);
        break;
    case NET_BLOB_NONE:
        take_none(d, l, b);
        break;
    case NET_BLOB_KEPT:
        node_blobs_kept(d->home.blobs, &b->hash);
        break;
    }
}

void daemon_blobs_down(struct node_daemon *d, struct daemon_link *l)
{
    node_blob_abandon(d->home.blobs, l->blobs.writer, true);
    l->blobs.writer = NULL;
    blobs_stop_serving(l);
    if (d->blobs != NULL)
        net_blobs_release(&d->blobs->wants, l);
}

/* --- a turn ----------------------------------------------------------------------------------- */

/* Peers may be coming, above all when this node has just been started: a person is not told that
 * all are away before. */
static uint64_t patient_until(const struct node_daemon *d, const struct net_blob_want *w)
{
    const bool early = w->since_ms < d->blobs->started_ms + BLOBS_EARLY_MS;
    return w->since_ms + (early ? BLOBS_GRACE_EARLY_MS : BLOBS_GRACE_MS);
}

/* Nobody waits for it any more, or nobody can be asked. */
static void tend_want(struct node_daemon *d, struct net_blob_want *w)
{
    struct daemon_link *owner = NULL;
    bool may_ask = false;
    for (struct daemon_link *l = d->links; l != NULL; l = l->next) {
        owner = l == w->owner ? l : owner;
        may_ask |= !l->over && net_session_blobs(l->session) && net_blobs_may_ask(w, l->device);
    }
    w->urgent = w->urgent && service_blob_waited(d->service, &w->hash);
    if (!w->urgent && !wanted_unasked(d, w->size)) {
        if (owner != NULL)
            stop_fetching(d, owner);
        net_blobs_drop(&d->blobs->wants, w);
        return;
    }
    if (owner != NULL || may_ask)
        return;
    if (!w->urgent) {
        net_blobs_drop(&d->blobs->wants, w);
    } else if (d->now_ms >= patient_until(d, w)) {
        struct node_fault fault = { 0 };
        say_offline(d, &w->hash, &fault);
        give_up(d, w, &fault);
    }
}

static void ask_peers(struct node_daemon *d)
{
    for (struct daemon_link *l = d->links; l != NULL; l = l->next) {
        if (l->over || !net_session_blobs(l->session))
            continue;
        struct net_blob_want *w = l->blobs.writer != NULL
                                      ? net_blobs_find(&d->blobs->wants, &l->blobs.in)
                                      : net_blobs_next(&d->blobs->wants, l->device);
        if (w != NULL && l->blobs.writer == NULL && !net_session_fetching(l->session))
            begin(d, l, w);
        if (w != NULL && l->blobs.writer != NULL)
            go_on(d, l, w);
    }
}

/* What no record has named for 30 days is removed; a node looks when it is awake anyway. */
static void sweep(struct node_daemon *d)
{
    const struct service_attachment *list;
    size_t count;
    uint64_t bytes = 0;
    if (node_blobs_count(d->home.blobs) == 0 ||
        (d->blobs->swept_ms != 0 && d->now_ms < d->blobs->swept_ms + BLOBS_SWEEP_MS) ||
        service_attachments(d->service, &list, &count) != CHT_OK)
        return;
    d->blobs->swept_ms = d->now_ms;
    service_blobs_sweep(d->service);
    /* a clock that has not been set yet has seen no thirty days */
    const uint64_t before_ms = d->wall_ms < NODE_BLOB_GONE_MS ? 0 : d->wall_ms - NODE_BLOB_GONE_MS;
    node_blobs_prune(d->home.blobs, before_ms, &count, &bytes);
    if (count != 0)
        daemon_log("info", "%zu attachments that no record names any more were removed", count);
}

void daemon_blobs_tick(struct node_daemon *d)
{
    if (d->home.replica == NULL)
        return;
    if (d->blobs->started_ms == 0)
        d->blobs->started_ms = d->now_ms;
    if (d->home.blobs != NULL) {
        scan(d);
        for (size_t i = 0; i < LIMIT_BLOB_WANTS && d->blobs->wants.count != 0; i++) {
            if (d->blobs->wants.wants[i].used)
                tend_want(d, &d->blobs->wants.wants[i]);
        }
        if (d->blobs->wants.count != 0)
            ask_peers(d);
        sweep(d);
    }
    for (struct daemon_link *l = d->links; l != NULL; l = l->next)
        blobs_serve(d, l);
}

uint64_t daemon_blobs_due_ms(const struct node_daemon *d)
{
    uint64_t due = UINT64_MAX;
    for (size_t i = 0; i < LIMIT_BLOB_WANTS && d->blobs->wants.count != 0; i++) {
        const struct net_blob_want *w = &d->blobs->wants.wants[i];
        const uint64_t at = patient_until(d, w);
        if (w->used && w->urgent && w->owner == NULL && at > d->now_ms && at < due)
            due = at;
    }
    /* what is asked for, or new: as soon as the records can be looked through */
    bool news = d->home.blobs != NULL && wanted_unasked(d, 0) &&
                d->blobs->version != service_attachments_version(d->service);
    for (const struct daemon_link *l = d->links; l != NULL; l = l->next)
        news |= l->blobs.asked && l->blobs.reader == NULL && net_session_blobs(l->session);
    return news && d->now_ms + BLOBS_LOOK_MS < due ? d->now_ms + BLOBS_LOOK_MS : due;
}

void daemon_blobs_figures(const struct node_daemon *d, struct service_figures *f)
{
    if (d->home.blobs == NULL)
        return;
    const struct node_blob_policy p = node_blobs_policy(d->home.blobs);
    service_figure(f, "chitty_blobs", FIGURE_GAUGE, "", "Attachments' files that are here.",
                   (double)node_blobs_count(d->home.blobs));
    service_figure(f, "chitty_blob_bytes", FIGURE_GAUGE, "bytes", "What they take.",
                   (double)node_blobs_bytes(d->home.blobs));
    service_figure(f, "chitty_blob_quota_bytes", FIGURE_GAUGE, "bytes", "What they may take.",
                   (double)p.quota_bytes);
    service_figure(f, "chitty_blob_received_bytes", FIGURE_COUNTER, "bytes",
                   "Bytes of them that came from peers.", (double)d->blobs->fetched);
    service_figure(f, "chitty_blob_sent_bytes", FIGURE_COUNTER, "bytes",
                   "Bytes of them that went to peers.", (double)d->blobs->served);
}
