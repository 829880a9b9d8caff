/* Dials: whom to dial and where, as the peer table (net/peers.h) says; see own.h. The transport
 * dials again by itself after a loss; here is decided which dials there are. */
#include "node/daemon/own.h"

#include "node/store/local.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

struct daemon_dial {
    struct daemon_dial *next;
    uint32_t dial;
    uint8_t device[CRDT_ID_BYTES];
    char address[LIMIT_ADDRESS_BYTES + 1];
};

static bool own_device(const struct node_daemon *d, const uint8_t *device)
{
    return memcmp(device, d->home.identity->device, CRDT_ID_BYTES) == 0;
}

/* "host:port" as an endpoint; false when nobody can be dialled there. */
static bool endpoint_of(struct cht_bytes text, char out[static LIMIT_ADDRESS_BYTES])
{
    bool bare = text.len < 6 || memcmp(text.data, "tcp://", 6) != 0;
    int len = snprintf(out, LIMIT_ADDRESS_BYTES, "%s%.*s", bare ? "tcp://" : "", (int)text.len,
                       (const char *)text.data);
    return len > 0 && (size_t)len < LIMIT_ADDRESS_BYTES && strstr(out, "://*") == NULL &&
           strstr(out, "://0.0.0.0:") == NULL;
}

void daemon_add_address(struct node_daemon *d, const uint8_t device[static CRDT_ID_BYTES],
                        struct cht_bytes text, enum net_address_source source)
{
    char endpoint[LIMIT_ADDRESS_BYTES];
    struct net_peer *peer;
    if (own_device(d, device) || !endpoint_of(text, endpoint) ||
        net_peers_add(d->peers, device, &peer) != CHT_OK)
        return;
    /* a full list keeps what is worth more */
    (void)!net_peer_address(d->peers, peer, cht_bytes_str(endpoint), source, d->now_ms);
}

void daemon_add_static(struct node_daemon *d, const char *text)
{
    struct daemon_static *s = calloc(1, sizeof *s);
    if (s == NULL || !endpoint_of(cht_bytes_str(text), s->text)) {
        daemon_log("warning", "%s is no address to dial", text);
        free(s);
        return;
    }
    s->next = d->statics;
    d->statics = s;
}

static enum cht_err load_one(void *ctx, const uint8_t *device, struct cht_bytes address)
{
    struct node_daemon *d = ctx;
    if (net_members_device(node_replica_members(d->home.replica), device) != NULL)
        daemon_add_address(d, device, address, NET_ADDRESS_TOLD);
    return CHT_OK;
}

void daemon_load_peers(struct node_daemon *d)
{
    const struct net_members *members = node_replica_members(d->home.replica);
    for (uint32_t i = 0; i < net_members_device_count(members); i++) {
        const struct net_device *device = net_members_device_at(members, i);
        struct net_peer *peer;
        if (own_device(d, device->id) || net_peers_add(d->peers, device->id, &peer) != CHT_OK)
            continue;
        for (const struct daemon_static *s = d->statics; s != NULL; s = s->next)
            daemon_add_address(d, device->id, cht_bytes_str(s->text), NET_ADDRESS_STATIC);
    }
    if (node_each_address(node_replica_store(d->home.replica), load_one, d) != CHT_OK)
        daemon_log("warning", "the addresses of peers cannot be read");
}

/* --- dialling ------------------------------------------------------------------------------- */

static void drop_dial(struct node_daemon *d, struct daemon_dial *dial)
{
    for (struct daemon_dial **at = &d->dials; *at != NULL; at = &(*at)->next) {
        if (*at != dial)
            continue;
        *at = dial->next;
        free(dial);
        return;
    }
}

static void undial(struct node_daemon *d, const uint8_t *device)
{
    for (struct daemon_dial *x = d->dials, *next; x != NULL; x = next) {
        next = x->next;
        if (memcmp(x->device, device, CRDT_ID_BYTES) != 0)
            continue;
        net_transport_undial(d->transport, x->dial);
        drop_dial(d, x);
    }
}

static void dial(struct node_daemon *d, const struct net_peer *peer, const char *address)
{
    const struct net_device *device =
        net_members_device(node_replica_members(d->home.replica), peer->device);
    undial(d, peer->device);
    bool wanted = device != NULL && daemon_may_dial(d, peer->device);
    struct daemon_dial *x = wanted ? calloc(1, sizeof *x) : NULL;
    if (x == NULL)
        return;
    memcpy(x->device, peer->device, CRDT_ID_BYTES);
    (void)snprintf(x->address, sizeof x->address, "%s", address);
    if (net_transport_dial(d->transport, address, device->cert.transport_pk, device->id,
                           &x->dial) != CHT_OK) {
        free(x); /* the table comes back to it after a back-off */
        return;
    }
    x->next = d->dials;
    d->dials = x;
}

void daemon_dials_tick(struct node_daemon *d)
{
    struct net_peer *peer;
    const char *address;
    enum net_dial_act act;
    while ((act = net_peers_step(d->peers, d->now_ms, randombytes_random(), &peer, &address)) !=
           NET_ACT_NONE) {
        if (act == NET_ACT_DIAL)
            dial(d, peer, address);
        else
            undial(d, peer->device);
    }
}

void daemon_dial_ended(struct node_daemon *d, uint32_t dial)
{
    for (struct daemon_dial *x = d->dials; dial != 0 && x != NULL; x = x->next) {
        if (x->dial == dial) {
            drop_dial(d, x);
            return;
        }
    }
}

void daemon_dial_unreached(struct node_daemon *d, uint32_t dial)
{
    for (const struct daemon_dial *x = d->dials; x != NULL; x = x->next) {
        struct net_peer *peer = x->dial == dial ? net_peers_find(d->peers, x->device) : NULL;
        if (peer != NULL)
            net_peer_unreached(peer, d->now_ms);
    }
}

void daemon_dial_refused(struct node_daemon *d, const struct net_tr_event *e)
{
    for (const struct daemon_dial *x = d->dials; x != NULL; x = x->next) {
        struct net_peer *peer = x->dial == e->dial ? net_peers_find(d->peers, x->device) : NULL;
        /* a key that is not known there (ZAP 300) is hung up on without a word */
        if (peer != NULL && (e->status == 300 || e->status == 0))
            net_peer_refused(peer);
    }
}

void daemon_dials_close(struct node_daemon *d)
{
    while (d->dials != NULL) {
        net_transport_undial(d->transport, d->dials->dial);
        drop_dial(d, d->dials);
    }
}
