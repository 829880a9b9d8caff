/* Devices that are no members any more: what else they send is not heard, and each is let in once
 * in a while to be given the records that say so; see own.h (PROTOCOL 7.28). */
#include "node/daemon/own.h"

#define FAREWELL_PAUSE_MS 60000u

bool daemon_is_member(const struct node_daemon *d, const uint8_t device[static CRDT_ID_BYTES])
{
    const struct net_device *known =
        net_members_device(node_replica_members(d->home.replica), device);
    return known != NULL && known->role != 0;
}

static struct daemon_told *told_of(struct node_daemon *d, const uint8_t *device)
{
    for (size_t i = 0; i < LIMIT_PEERS; i++) {
        if (d->told[i].at_ms != 0 && memcmp(d->told[i].device, device, CRDT_ID_BYTES) == 0)
            return &d->told[i];
    }
    return NULL;
}

bool daemon_lets_in(struct node_daemon *d, const uint8_t device[static CRDT_ID_BYTES])
{
    const struct daemon_told *told = told_of(d, device);
    return daemon_is_member(d, device) || told == NULL ||
           d->now_ms - told->at_ms >= FAREWELL_PAUSE_MS;
}

bool daemon_may_dial(struct node_daemon *d, const uint8_t device[static CRDT_ID_BYTES])
{
    return daemon_is_member(d, device) || told_of(d, device) == NULL;
}

void daemon_told(struct node_daemon *d, const uint8_t device[static CRDT_ID_BYTES])
{
    struct daemon_told *told = told_of(d, device);
    char hex[9];
    if (told == NULL) {
        told = &d->told[d->told_next];
        d->told_next = (d->told_next + 1) % LIMIT_PEERS;
        memcpy(told->device, device, CRDT_ID_BYTES);
    }
    told->at_ms = d->now_ms == 0 ? 1 : d->now_ms;
    daemon_log("info", "device %s is no member any more, and was told so",
               daemon_short(device, hex));
}

void daemon_farewell(struct node_daemon *d)
{
    struct net_event ev = { .kind = NET_EV_REVOKED, .now_ms = d->now_ms, .wall_ms = d->wall_ms };
    for (struct daemon_link *l = d->links; l != NULL; l = l->next) {
        if (l->over || l->farewell || daemon_is_member(d, l->device))
            continue;
        l->farewell = true;
        daemon_link_step(d, l, &ev);
    }
}
