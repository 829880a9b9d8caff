/* Whom to dial, and where; see own.h. ZeroMQ dials again by itself; here is decided which dials
 * there are: to each admitted device without a connection, at each address known of it. */
#include "node/daemon/own.h"

#include "node/client/mpmap.h"
#include "node/store/local.h"

#include <stdio.h>
#include <stdlib.h>

#define DIALS_EACH 4u /* addresses of one device that are tried at once */

static const uint8_t nobody[CRDT_ID_BYTES];

void daemon_add_address(struct node_daemon *d, const uint8_t *device, struct cht_bytes text)
{
    struct daemon_address *a = calloc(1, sizeof *a);
    bool bare = text.len < 6 || memcmp(text.data, "tcp://", 6) != 0;
    if (a == NULL)
        return;
    int len = snprintf(a->text, sizeof a->text, "%s%.*s", bare ? "tcp://" : "", (int)text.len,
                       (const char *)text.data);
    memcpy(a->device, device == NULL ? nobody : device, CRDT_ID_BYTES);
    bool useless = len < 0 || (size_t)len >= sizeof a->text || strstr(a->text, "://*") != NULL ||
                   strstr(a->text, "://0.0.0.0:") != NULL;
    for (const struct daemon_address *o = d->addresses; o != NULL && !useless; o = o->next)
        useless = strcmp(o->text, a->text) == 0 && memcmp(o->device, a->device, CRDT_ID_BYTES) == 0;
    if (useless) {
        free(a);
        return;
    }
    a->next = d->addresses;
    d->addresses = a;
    d->dials_ms = 0;
}

static enum cht_err load_one(void *ctx, const uint8_t *device, struct cht_bytes address)
{
    daemon_add_address(ctx, device, address);
    return CHT_OK;
}

void daemon_load_addresses(struct node_daemon *d)
{
    if (node_each_address(node_replica_store(d->home.replica), load_one, d) != CHT_OK)
        daemon_log("warning", "the addresses of peers cannot be read");
}

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

static bool carries_link(const struct node_daemon *d, uint32_t dial)
{
    for (const struct daemon_link *l = d->links; l != NULL; l = l->next) {
        if (l->dial == dial)
            return true;
    }
    return false;
}

/* The device is connected: stop trying its other addresses. Of two connections the run ids decide
 * (links.c), at both ends alike; here none is cut, or each end might cut the other's. */
static void leave_others(struct node_daemon *d, const uint8_t *device)
{
    for (struct daemon_dial *dial = d->dials, *next; dial != NULL; dial = next) {
        next = dial->next;
        if (memcmp(dial->device, device, CRDT_ID_BYTES) != 0 || carries_link(d, dial->dial))
            continue;
        net_transport_undial(d->transport, dial->dial);
        drop_dial(d, dial);
    }
}

static bool dialled(const struct node_daemon *d, const uint8_t *device, const char *address,
                    unsigned *out_count)
{
    bool found = false;
    for (const struct daemon_dial *dial = d->dials; dial != NULL; dial = dial->next) {
        if (memcmp(dial->device, device, CRDT_ID_BYTES) != 0)
            continue;
        ++*out_count;
        found |= strcmp(dial->address, address) == 0;
    }
    return found;
}

static void dial(struct node_daemon *d, const struct net_device *device, const char *address)
{
    unsigned count = 0;
    if (dialled(d, device->id, address, &count) || count >= DIALS_EACH)
        return;
    struct daemon_dial *x = calloc(1, sizeof *x);
    if (x == NULL)
        return;
    memcpy(x->device, device->id, CRDT_ID_BYTES);
    memcpy(x->address, address, strlen(address) + 1);
    if (net_transport_dial(d->transport, address, device->cert.transport_pk, device->id,
                           &x->dial) != CHT_OK) {
        free(x);
        return;
    }
    x->next = d->dials;
    d->dials = x;
}

void daemon_dial_all(struct node_daemon *d)
{
    struct net_members *members = node_replica_members(d->home.replica);
    for (uint32_t i = 0; i < net_members_device_count(members); i++) {
        const struct net_device *device = net_members_device_at(members, i);
        if (memcmp(device->id, d->home.identity->device, CRDT_ID_BYTES) == 0)
            continue;
        if (daemon_linked(d, device->id)) {
            leave_others(d, device->id);
            continue;
        }
        /* an address given by hand may be anybody's: the pinned key decides */
        for (const struct daemon_address *a = d->addresses; a != NULL; a = a->next) {
            if (memcmp(a->device, device->id, CRDT_ID_BYTES) == 0 ||
                memcmp(a->device, nobody, CRDT_ID_BYTES) == 0)
                dial(d, device, a->text);
        }
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

void daemon_dial_refused(struct node_daemon *d, const struct net_tr_event *e)
{
    for (struct daemon_dial *x = d->dials; x != NULL; x = x->next) {
        if (x->dial == e->dial)
            x->status = e->status;
    }
}

void daemon_dials_close(struct node_daemon *d)
{
    while (d->dials != NULL) {
        net_transport_undial(d->transport, d->dials->dial);
        drop_dial(d, d->dials);
    }
    while (d->addresses != NULL) {
        struct daemon_address *next = d->addresses->next;
        free(d->addresses);
        d->addresses = next;
    }
}

/* --- for people ----------------------------------------------------------------------------- */

static const char *state_of(const struct node_daemon *d, const struct net_device *device,
                            const char **out_address)
{
    *out_address = "";
    for (const struct daemon_link *l = d->links; l != NULL; l = l->next) {
        if (l->over || memcmp(l->device, device->id, CRDT_ID_BYTES) != 0)
            continue;
        *out_address = l->address;
        return l->alarmed ? "differs" : (l->synced ? "in sync" : "connected");
    }
    for (const struct daemon_dial *x = d->dials; x != NULL; x = x->next) {
        if (memcmp(x->device, device->id, CRDT_ID_BYTES) != 0)
            continue;
        *out_address = x->address;
        if (x->status == 300)
            return "waiting to be introduced";
    }
    return "away";
}

enum cht_err daemon_put_peers(void *ctx, struct cht_buf *out)
{
    const struct node_daemon *d = ctx;
    struct net_members *members = node_replica_members(d->home.replica);
    uint32_t count = net_members_device_count(members);
    enum cht_err err = crdt_mp_put_array(out, count - 1);
    for (uint32_t i = 0; err == CHT_OK && i < count; i++) {
        const struct net_device *device = net_members_device_at(members, i);
        const char *address;
        char hex[2 * CRDT_ID_BYTES + 1];
        if (memcmp(device->id, d->home.identity->device, CRDT_ID_BYTES) == 0)
            continue;
        const char *state = state_of(d, device, &address);
        crdt_hex(cht_bytes(device->id, CRDT_ID_BYTES), hex);
        err = crdt_mp_put_map(out, 5);
        if (err == CHT_OK)
            err = node_mp_put_key_text(out, "device", hex);
        if (err == CHT_OK)
            err = node_mp_put_key_str(out, "name", cht_bytes(device->name, device->name_len));
        if (err == CHT_OK)
            err = node_mp_put_key_text(out, "state", state);
        if (err == CHT_OK)
            err = node_mp_put_key_text(out, "address", address);
        if (err == CHT_OK)
            err = node_mp_put_key_text(out, "role",
                                       device->role == NET_ROLE_ADMIN ? "admin" : "member");
    }
    return err;
}

enum cht_err daemon_put_addresses(void *ctx, struct cht_buf *out)
{
    const struct node_daemon *d = ctx;
    char own[LIMIT_ENDPOINTS][LIMIT_ADDRESS_BYTES];
    size_t count = daemon_own_addresses(d, own, LIMIT_ENDPOINTS);
    enum cht_err err = crdt_mp_put_array(out, (uint32_t)count);
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        err = node_mp_put_text(out, own[i]);
    return err;
}
