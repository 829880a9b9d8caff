/* Peers: connections of the transport and the sync session on each; see own.h.
 *
 * In the first half of a turn frames step the sessions, and what they deliver goes into the
 * replica; in the second, after the commit, they hear what became of it, and only then frames
 * leave. */
#include "node/daemon/own.h"

#include "node/client/mpmap.h"
#include "node/store/local.h"

#include <sodium.h>
#include <stdlib.h>

bool daemon_lookup(void *ctx, const uint8_t key[NET_CURVE_KEY_BYTES],
                   uint8_t out_device[CRDT_ID_BYTES])
{
    struct node_daemon *d = ctx;
    const struct net_device *device =
        net_members_transport(node_replica_members(d->home.replica), key);
    if (device == NULL || memcmp(device->id, d->home.identity->device, CRDT_ID_BYTES) == 0)
        return false;
    if (!daemon_lets_in(d, device->id))
        return false;
    struct net_budget *budget = net_budget_find(d->budgets, device->id);
    if (budget != NULL && !net_budget_open(budget, d->now_ms)) {
        net_budget_refuse(budget, NET_REFUSAL_BACK_OFF, 1);
        return false;
    }
    memcpy(out_device, device->id, CRDT_ID_BYTES);
    return true;
}

/* --- effects of a session ------------------------------------------------------------------- */

static void keep_frame(struct node_daemon *d, struct daemon_link *l, struct cht_bytes bytes)
{
    struct link_frame *f = cht_arena_alloc(&d->arena, sizeof *f);
    if (f == NULL) {
        l->over = true; /* the session starts anew */
        return;
    }
    f->bytes = bytes;
    *l->frames_end = f;
    l->frames_end = &f->next;
}

static void keep_delivery(struct daemon_link *l, struct link_delivery *x)
{
    *l->deliveries_end = x;
    l->deliveries_end = &x->next;
}

static enum net_verdict verdict_of(enum node_receipt receipt)
{
    switch (receipt) {
    case NODE_STORED:
        return NET_STORED;
    case NODE_KNOWN:
        return NET_KNOWN;
    case NODE_UNPLACEABLE:
        return NET_UNPLACEABLE;
    case NODE_REFUSED:
        return NET_REFUSED;
    case NODE_STOPPED:
        return NET_STOPPED;
    }
    return NET_FAILED;
}

/* Why a range was not stored, for the account; an unplaceable one is counted by the session. */
static void count_refusal(struct node_daemon *d, const struct daemon_link *l,
                          enum node_receipt receipt)
{
    enum cht_err why = node_replica_refusal(d->home.replica);
    if (receipt == NODE_STOPPED)
        daemon_link_refuse(d, l, NET_REFUSAL_WINDOW, 1);
    else if (receipt == NODE_REFUSED)
        daemon_link_refuse(d, l,
                           why == CHT_E_SIGNATURE ? NET_REFUSAL_SIGNATURE
                           : why == CHT_E_DENIED  ? NET_REFUSAL_RIGHTS
                           : why == CHT_E_INVALID ? NET_REFUSAL_STRIPPED
                                                  : NET_REFUSAL_RANGE,
                           1);
}

static void take_ranges(struct node_daemon *d, struct daemon_link *l, const struct net_effect *fx)
{
    struct link_delivery *x = cht_arena_alloc(&d->arena, sizeof *x);
    enum net_verdict *verdicts =
        cht_arena_array(&d->arena, fx->deliver.count + 1, sizeof *verdicts);
    if (x == NULL || verdicts == NULL) {
        l->over = true;
        return;
    }
    for (size_t i = 0; i < fx->deliver.count; i++) {
        enum node_receipt receipt;
        verdicts[i] = NET_FAILED;
        if (d->read_only.why != CHT_OK)
            continue;
        if (node_replica_full(d->home.replica))
            daemon_commit_midway(d);
        if (node_replica_receive(d->home.replica, &fx->deliver.ranges[i], d->wall_ms, &receipt) ==
            CHT_OK) {
            verdicts[i] = verdict_of(receipt);
            count_refusal(d, l, receipt);
        }
        d->turn_entries += fx->deliver.ranges[i].count;
        net_budget_spend(daemon_budget(d, l), NET_COST_ENTRIES, fx->deliver.ranges[i].count,
                         d->now_ms);
    }
    *x = (struct link_delivery){ .token = fx->deliver.token,
                                 .count = fx->deliver.count,
                                 .verdicts = verdicts };
    keep_delivery(l, x);
}

static void take_records(struct node_daemon *d, struct daemon_link *l, const struct net_effect *fx)
{
    struct link_delivery *x = cht_arena_alloc(&d->arena, sizeof *x);
    if (x == NULL) {
        l->over = true;
        return;
    }
    *x = (struct link_delivery){ .records = true, .result = d->read_only.why };
    for (size_t i = 0; i < fx->records.count && x->result == CHT_OK; i++) {
        enum cht_err err = node_replica_add_record(d->home.replica, fx->records.records[i]);
        x->result = err == CHT_E_WAITING ? CHT_OK : err;
    }
    if (x->result == CHT_E_MALFORMED || x->result == CHT_E_INVALID ||
        x->result == CHT_E_SIGNATURE || x->result == CHT_E_DENIED)
        daemon_link_refuse(d, l, NET_REFUSAL_RECORD, 1);
    keep_delivery(l, x);
    daemon_load_peers(d); /* there may be someone new to dial */
}

static void take_fork(struct node_daemon *d, struct daemon_link *l, const struct net_effect *fx)
{
    struct link_delivery *x = cht_arena_alloc(&d->arena, sizeof *x);
    if (x == NULL) {
        l->over = true;
        return;
    }
    *x = (struct link_delivery){ .fork = true };
    x->result = d->read_only.why;
    if (x->result == CHT_OK)
        x->result = node_replica_add_fork(d->home.replica, fx->proof, d->wall_ms);
    if (x->result == CHT_E_MALFORMED || x->result == CHT_E_LIMIT || x->result == CHT_E_SIGNATURE ||
        x->result == CHT_E_INVALID)
        daemon_link_refuse(d, l, NET_REFUSAL_FORK, 1);
    keep_delivery(l, x);
}

static struct daemon_link *link_of(struct node_daemon *d, uint32_t conn)
{
    struct daemon_link *l = d->links;
    while (l != NULL && l->conn != conn)
        l = l->next;
    return l;
}

/* In one transaction; an address that is not kept is told again next time. */
static void keep_addresses(struct node_daemon *d, const uint8_t *device,
                           const struct net_hello *hello, const struct net_address *reached)
{
    struct node_store *store = node_replica_store(d->home.replica);
    enum cht_err err = node_store_begin(store);
    for (size_t i = 0; i < hello->endpoint_count; i++) {
        daemon_add_address(d, device, hello->endpoints[i], NET_ADDRESS_TOLD);
        if (err == CHT_OK)
            err = node_keep_address(store, device, hello->endpoints[i], d->wall_ms);
    }
    /* where it was reached now is worth more than what it says, and is tried first after a start */
    if (err == CHT_OK && reached->len != 0)
        err = node_keep_address(store, device, cht_bytes(reached->text, reached->len),
                                d->wall_ms + 1);
    if (err == CHT_OK)
        err = node_store_commit(store);
    if (err != CHT_OK)
        node_store_rollback(store);
}

static void peer_up(struct node_daemon *d, struct daemon_link *l, const struct net_effect *fx)
{
    char hex[9];
    const struct net_hello *hello = fx->up.hello;
    struct net_peer *peer = net_peers_find(d->peers, l->device);
    if (l->farewell)
        return;
    l->up = true;
    daemon_log("info", "peer %s is connected (%s)", daemon_short(l->device, hex),
               l->dial == 0 ? "it dialled" : "we dialled");
    keep_addresses(d, l->device, hello,
                   peer != NULL && l->dial != 0 ? &peer->tried : &(struct net_address){ .len = 0 });
    daemon_blobs_up(d, l);
    uint32_t drop = 0;
    if (peer != NULL)
        net_peer_hello(d->peers, peer, l->conn, hello->run,
                       (struct net_times){ .now_ms = d->now_ms, .wall_ms = d->wall_ms }, &drop);
    struct daemon_link *lose = drop == 0 ? NULL : link_of(d, drop);
    struct net_event ev = { .kind = NET_EV_CLOSE,
                            .now_ms = d->now_ms,
                            .reason = NET_BYE_DUPLICATE };
    if (lose != NULL)
        daemon_link_step(d, lose, &ev);
}

static void name_rows(struct daemon_link *l, const struct net_effect *fx)
{
    char hex[9], id[CRDT_ID_TEXT_MAX];
    l->alarmed = true;
    if (!fx->alarm.done) {
        daemon_log("error", "state differs from peer %s at the same entries: looking for the row",
                   daemon_short(l->device, hex));
        return;
    }
    for (size_t i = 0; i < fx->alarm.count; i++) {
        const struct net_alarm_row *row = &fx->alarm.rows[i];
        crdt_id_text(&row->row.entity, id);
        daemon_log("error", "row %s field %u differs from peer %s (here: %s, there: %s)", id,
                   row->row.field, daemon_short(l->device, hex), row->ours ? "live" : "absent",
                   row->theirs ? "live" : "absent");
    }
    daemon_log("error", "run 'chitty-node verify', and 'chitty-node rebuild' where it fails");
}

static void peer_over(struct node_daemon *d, struct daemon_link *l, const struct net_effect *fx)
{
    static const enum net_refusal refusals[NET_BYE_REASON_MAX + 1] = {
        [NET_BYE_MALFORMED] = NET_REFUSAL_MALFORMED, [NET_BYE_IDENTITY] = NET_REFUSAL_IDENTITY,
        [NET_BYE_ORDER] = NET_REFUSAL_ORDER,         [NET_BYE_CREDIT] = NET_REFUSAL_CREDIT,
        [NET_BYE_TIMEOUT] = NET_REFUSAL_TIMEOUT,     [NET_BYE_REVOKED] = NET_REFUSAL_RIGHTS,
    };
    char hex[9];
    enum net_bye_reason reason = fx->close.reason;
    const char *sentence = fx->close.sentence == NULL ? "session ended" : fx->close.sentence;
    l->over = true;
    l->reason = reason;
    if (reason == NET_BYE_REVOKED && !fx->close.by_peer)
        daemon_told(d, l->device);
    /* what a flood dropped, and ranges and records that do not verify, are counted one by one */
    if (!fx->close.by_peer && (fx->close.blame || reason == NET_BYE_TIMEOUT) &&
        reason != NET_BYE_FLOOD && reason != NET_BYE_SIGNATURE)
        daemon_link_refuse(d, l, refusals[reason], 1);
    if (fx->close.blame)
        daemon_link_strike(d, l, sentence);
    else
        daemon_log("info", "peer %s: %s", daemon_short(l->device, hex), sentence);
}

void daemon_link_step(struct node_daemon *d, struct daemon_link *l, const struct net_event *ev)
{
    struct net_effects fx;
    net_effects_init(&fx, &d->arena);
    if (net_session_step(l->session, ev, &fx) != CHT_OK)
        l->over = true;
    for (const struct net_effect *e = fx.first; e != NULL; e = e->next) {
        switch (e->kind) {
        case NET_FX_SEND:
            keep_frame(d, l, e->frame);
            break;
        case NET_FX_UP:
            peer_up(d, l, e);
            break;
        case NET_FX_RECORDS:
            take_records(d, l, e);
            break;
        case NET_FX_DELIVER:
            take_ranges(d, l, e);
            break;
        case NET_FX_FORK:
            take_fork(d, l, e);
            break;
        case NET_FX_HOLDS:
            break;
        case NET_FX_SYNCED:
            l->synced = e->synced;
            break;
        case NET_FX_ALARM:
            name_rows(l, e);
            break;
        case NET_FX_MESSAGE:
            daemon_message_heard(d, l, &e->message);
            break;
        case NET_FX_BLOB:
            daemon_blobs_heard(d, l, e);
            break;
        case NET_FX_CLOSE:
            peer_over(d, l, e);
            break;
        }
    }
    daemon_link_account(d, l);
}

/* --- connections ---------------------------------------------------------------------------- */

static void link_up(struct node_daemon *d, const struct net_tr_event *e)
{
    struct net_peer *peer;
    if (net_peers_add(d->peers, e->device, &peer) != CHT_OK ||
        net_peer_up(peer, e->conn, e->dial != 0, d->wall_ms) != CHT_OK) {
        net_transport_hang_up(d->transport, e->conn);
        daemon_dial_ended(d, e->dial);
        return;
    }
    struct daemon_link *l = calloc(1, sizeof *l);
    if (l == NULL)
        return;
    *l = (struct daemon_link){ .conn = e->conn,
                               .dial = e->dial,
                               .farewell = !daemon_is_member(d, e->device) };
    l->deliveries_end = &l->deliveries;
    l->frames_end = &l->frames;
    memcpy(l->device, e->device, CRDT_ID_BYTES);
    memcpy(l->address, e->address, sizeof l->address);
    char own[LIMIT_ENDPOINTS][LIMIT_ADDRESS_BYTES];
    struct cht_bytes endpoints[LIMIT_ENDPOINTS];
    size_t count = daemon_own_addresses(d, own, LIMIT_ENDPOINTS);
    for (size_t i = 0; i < count; i++)
        endpoints[i] = cht_bytes_str(own[i]);
    struct net_space space = { .view = node_replica_view(d->home.replica), .pulls = &d->pulls };
    memcpy(space.id, node_replica_space(d->home.replica), CRDT_ID_BYTES);
    struct net_session_config config = { .outbound = e->dial != 0,
                                         .farewell = l->farewell,
                                         .level = 1,
                                         .commands = daemon_commands,
                                         .command_count = DAEMON_COMMANDS,
                                         .jitter = randombytes_random(),
                                         .name = cht_bytes_str(d->home.name),
                                         .endpoint_count = count,
                                         .endpoints = endpoints,
                                         .space_count = 1,
                                         .spaces = &space };
    memcpy(config.device, d->home.identity->device, CRDT_ID_BYTES);
    memcpy(config.run, d->run, NET_RUN_BYTES);
    memcpy(config.peer, e->device, CRDT_ID_BYTES);
    randombytes_buf(config.nonce, sizeof config.nonce);
    l->session = net_session_new(&config);
    if (l->session == NULL) {
        free(l);
        return;
    }
    l->next = d->links;
    d->links = l;
    net_budget_spend(daemon_budget(d, l), NET_COST_SESSIONS, 1, d->now_ms);
    struct net_event ev = { .kind = NET_EV_START, .now_ms = d->now_ms };
    daemon_link_step(d, l, &ev);
}

static void drop_link(struct node_daemon *d, struct daemon_link *l)
{
    char hex[9];
    for (struct daemon_link **at = &d->links; *at != NULL; at = &(*at)->next) {
        if (*at != l)
            continue;
        *at = l->next;
        break;
    }
    if (l->up)
        daemon_log("info", "peer %s is gone", daemon_short(l->device, hex));
    struct net_peer *peer = net_peers_find(d->peers, l->device);
    if (peer != NULL)
        net_peer_down(peer, l->conn, l->reason, d->now_ms, randombytes_random());
    if (peer != NULL && l->struck)
        net_peer_hold(peer, daemon_budget(d, l)->closed_ms);
    daemon_link_forget(l);
    daemon_blobs_down(d, l);
    net_session_free(l->session);
    free(l);
}

void daemon_links_take(struct node_daemon *d, const struct net_tr_event *events)
{
    for (const struct net_tr_event *e = events; e != NULL; e = e->next) {
        struct daemon_link *l = e->conn == 0 ? NULL : link_of(d, e->conn);
        if (e->kind == NET_TR_UP && l == NULL)
            link_up(d, e);
        else if (e->kind == NET_TR_DOWN && l != NULL)
            l->down = true;
        else if (e->kind == NET_TR_UNREACHED)
            daemon_dial_unreached(d, e->dial);
        else if (e->kind == NET_TR_REFUSED)
            daemon_dial_refused(d, e);
        else if (e->kind == NET_TR_FRAME && l != NULL)
            daemon_link_frame(d, l, e->frame);
    }
    daemon_links_hear(d);
}

void daemon_links_tick(struct node_daemon *d)
{
    for (struct daemon_link *l = d->links; l != NULL; l = l->next) {
        if (l->over || net_session_due_ms(l->session) > d->now_ms)
            continue;
        struct net_event ev = { .kind = NET_EV_TICK, .now_ms = d->now_ms, .wall_ms = d->wall_ms };
        daemon_link_step(d, l, &ev);
    }
}

/* --- after the commit ----------------------------------------------------------------------- */

static void tell_deliveries(struct node_daemon *d, struct daemon_link *l, enum cht_err committed)
{
    struct link_delivery *x = l->deliveries;
    l->deliveries = NULL;
    l->deliveries_end = &l->deliveries;
    for (; x != NULL && !l->over; x = x->next) {
        struct net_event ev = { .now_ms = d->now_ms, .wall_ms = d->wall_ms };
        if (x->records) {
            ev.kind = NET_EV_RECORDS_DONE;
            ev.records = committed == CHT_OK ? x->result : committed;
        } else if (x->fork) {
            ev.kind = NET_EV_FORK_DONE;
            ev.fork = committed == CHT_OK ? x->result : committed;
        } else {
            for (size_t i = 0; committed != CHT_OK && i < x->count; i++)
                x->verdicts[i] = NET_FAILED;
            ev.kind = NET_EV_DELIVERED;
            ev.delivered.token = x->token;
            ev.delivered.count = x->count;
            ev.delivered.verdicts = x->verdicts;
        }
        daemon_link_step(d, l, &ev);
    }
}

static void tell_news(struct node_daemon *d, struct daemon_link *l, const struct node_commit *last)
{
    if (last->range_count != 0) {
        struct net_event ev = { .kind = NET_EV_LOCAL, .now_ms = d->now_ms };
        ev.local.before = last->before;
        ev.local.last = last->last;
        ev.local.count = last->range_count;
        ev.local.ranges = last->ranges;
        daemon_link_step(d, l, &ev);
    }
    if (last->changed && !l->over) {
        struct net_event ev = { .kind = NET_EV_CHANGED, .now_ms = d->now_ms };
        daemon_link_step(d, l, &ev);
    }
}

static void send_frames(struct node_daemon *d, struct daemon_link *l)
{
    for (const struct link_frame *f = l->frames; f != NULL && !l->down; f = f->next) {
        enum cht_err err = net_transport_send(d->transport, l->conn, f->bytes);
        if (err == CHT_E_BUSY && !l->over) {
            daemon_link_refuse(d, l, NET_REFUSAL_UNREAD, 1);
            daemon_link_strike(d, l, "it does not read what it asked for");
        }
        if (err != CHT_OK)
            l->over = true;
    }
    l->frames = NULL;
    l->frames_end = &l->frames;
}

void daemon_links_tell(struct node_daemon *d, enum cht_err committed)
{
    struct node_commit last = { 0 };
    if (committed == CHT_OK) {
        last = node_replica_last(d->home.replica);
        daemon_farewell(d);
    }
    for (struct daemon_link *l = d->links; l != NULL; l = l->next) {
        tell_deliveries(d, l, committed);
        if (!l->over)
            tell_news(d, l, &last);
        send_frames(d, l);
    }
    if (committed == CHT_OK)
        node_replica_told(d->home.replica);
    for (struct daemon_link *l = d->links, *next; l != NULL; l = next) {
        next = l->next;
        if (l->over && !l->down) {
            net_transport_hang_up(d->transport, l->conn);
            daemon_dial_ended(d, l->dial);
        } else if (!l->down || (l->queue.first != NULL && !l->over)) {
            continue;
        }
        drop_link(d, l);
    }
}

void daemon_links_changed(struct node_daemon *d)
{
    for (struct daemon_link *l = d->links; l != NULL; l = l->next) {
        struct net_event ev = { .kind = NET_EV_CHANGED, .now_ms = d->now_ms };
        if (!l->over)
            daemon_link_step(d, l, &ev);
    }
}

bool daemon_links_unstick(struct node_daemon *d)
{
    bool any = false;
    for (struct daemon_link *l = d->links, *next; l != NULL; l = next) {
        next = l->next;
        if (l->over || !net_transport_stuck(d->transport, l->conn))
            continue;
        l->reason = NET_BYE_TIMEOUT;
        net_transport_hang_up(d->transport, l->conn);
        daemon_dial_ended(d, l->dial);
        drop_link(d, l);
        any = true;
    }
    if (any)
        net_peers_wake(d->peers, d->now_ms);
    return any;
}

void daemon_links_woke(struct node_daemon *d)
{
    (void)daemon_links_unstick(d);
    for (struct daemon_link *l = d->links; l != NULL; l = l->next) {
        struct net_event ev = { .kind = NET_EV_WOKE, .now_ms = d->now_ms };
        if (!l->over)
            daemon_link_step(d, l, &ev);
    }
}

void daemon_links_over(struct node_daemon *d)
{
    for (struct daemon_link *l = d->links; l != NULL; l = l->next)
        l->over = true;
}

void daemon_links_close(struct node_daemon *d)
{
    for (struct daemon_link *l = d->links; l != NULL; l = l->next) {
        struct net_event ev = { .kind = NET_EV_CLOSE,
                                .now_ms = d->now_ms,
                                .reason = NET_BYE_SHUTDOWN };
        if (!l->over)
            daemon_link_step(d, l, &ev);
        send_frames(d, l);
        net_transport_hang_up(d->transport, l->conn);
        daemon_dial_ended(d, l->dial);
    }
    while (d->links != NULL)
        drop_link(d, d->links);
}

uint64_t daemon_links_due_ms(const struct node_daemon *d)
{
    uint64_t due = UINT64_MAX;
    for (const struct daemon_link *l = d->links; l != NULL; l = l->next) {
        uint64_t at = net_session_due_ms(l->session);
        due = at < due ? at : due;
        if (l->queue.first != NULL && l->ready_ms != 0 && l->ready_ms < due)
            due = l->ready_ms;
    }
    return due;
}
