/* What this node announces; see discovery.h (PROTOCOL 11.3 to 11.6). */
#include "node/daemon/discovery.h"

#include <sodium.h>

#define RENAME_MS 10000u /* between two names that were taken by others */

static void draw_name(char out[static NET_BEACON_NAME_BYTES + 1])
{
    uint8_t raw[NET_BEACON_NAME_BYTES / 2];
    randombytes_buf(raw, sizeof raw);
    crdt_hex(cht_bytes(raw, sizeof raw), out);
}

uint64_t daemon_beacons_hour(const struct node_daemon *d)
{
    uint64_t jitter_ms = d->discovery->jitter_ms;
    return d->wall_ms < jitter_ms ? 0 : (d->wall_ms - jitter_ms) / NET_BEACON_HOUR_MS;
}

/* The port others are to dial; 0 where only this machine can. */
static uint16_t sync_port(const struct node_daemon *d)
{
    struct net_host hosts[1];
    const char *endpoint = net_transport_endpoint(d->transport, 0);
    uint16_t port = 0;
    if (endpoint == NULL || strncmp(endpoint, "tcp://127.", 10) == 0 ||
        strncmp(endpoint, "tcp://[::1]", 11) == 0)
        return 0;
    (void)daemon_own_hosts(d, hosts, 1, &port);
    return port;
}

/* --- tags ------------------------------------------------------------------------------------ */

static void tell_members(struct node_daemon *d)
{
    struct daemon_discovery *x = d->discovery;
    uint16_t port = sync_port(d);
    struct net_lookout m = { .kind = NET_LOOKOUT_WITHDRAW, .slot = NET_LOOKOUT_MEMBERS };
    if (x->key_count == 0 || port == 0) {
        if (x->announced)
            daemon_discover_tell(d, &m);
        x->announced = false;
        return;
    }
    uint8_t noise[NET_BEACON_PAD * NET_BEACON_TAG_BYTES];
    struct net_beacon beacon;
    struct cht_buf txt;
    cht_buf_init(&txt, LIMIT_BEACON_BYTES);
    randombytes_buf(noise, sizeof noise);
    draw_name(x->name);
    x->hour = daemon_beacons_hour(d);
    net_beacon_tags(x->keys, x->key_count, d->home.identity->device, x->hour,
                    cht_bytes_str(x->name), noise, &beacon);
    if (net_beacon_put(&beacon, &txt) == CHT_OK) {
        m.kind = NET_LOOKOUT_ANNOUNCE;
        m.name = cht_bytes_str(x->name);
        m.port = port;
        m.txt = cht_buf_view(&txt);
        x->announced = true;
        daemon_discover_tell(d, &m);
    }
    cht_buf_clear(&txt);
}

void daemon_beacons_follow(struct node_daemon *d)
{
    struct daemon_discovery *x = d->discovery;
    const struct net_members *members = node_replica_members(d->home.replica);
    const uint8_t *space = node_replica_space(d->home.replica);
    uint32_t records = net_members_count(members);
    if (records == x->records && memcmp(space, x->space, CRDT_ID_BYTES) == 0)
        return;
    x->records = records;
    memcpy(x->space, space, CRDT_ID_BYTES);
    sodium_memzero(x->keys, LIMIT_PEERS * sizeof *x->keys);
    x->key_count = 0;
    for (uint32_t i = 0; i < net_members_device_count(members); i++) {
        const struct net_device *device = net_members_device_at(members, i);
        if (memcmp(device->id, d->home.identity->device, CRDT_ID_BYTES) == 0 || device->role == 0 ||
            x->key_count == LIMIT_PEERS)
            continue;
        if (net_beacon_key(d->home.identity, space, device->id, device->cert.transport_pk,
                           &x->keys[x->key_count]) == CHT_OK)
            x->key_count++;
    }
    daemon_found_compare(d);
    if (x->fd >= 0)
        tell_members(d);
}

/* --- the invitation -------------------------------------------------------------------------- */

static void tell_pairing(struct node_daemon *d)
{
    struct daemon_discovery *x = d->discovery;
    struct net_lookout m = { .kind = NET_LOOKOUT_WITHDRAW, .slot = NET_LOOKOUT_PAIRING };
    struct cht_buf txt;
    cht_buf_init(&txt, LIMIT_BEACON_BYTES);
    if (x->pairing_port != 0 && net_beacon_put(&x->pairing, &txt) == CHT_OK) {
        m.kind = NET_LOOKOUT_ANNOUNCE;
        m.name = cht_bytes_str(x->pairing_name);
        m.port = x->pairing_port;
        m.txt = cht_buf_view(&txt);
    }
    daemon_discover_tell(d, &m);
    cht_buf_clear(&txt);
}

void daemon_discover_pairing(struct node_daemon *d, struct cht_bytes selector, uint16_t port)
{
    struct daemon_discovery *x = d->discovery;
    if (x == NULL || selector.len > NET_BEACON_SELECTOR_BYTES)
        return;
    uint16_t wanted = selector.len == 0 ? 0 : port;
    if (wanted == x->pairing_port &&
        (wanted == 0 ||
         cht_bytes_eq(selector, cht_bytes(x->pairing.selector, x->pairing.selector_len))))
        return;
    x->pairing = (struct net_beacon){ .selector_len = selector.len };
    if (selector.len != 0)
        memcpy(x->pairing.selector, selector.data, selector.len);
    x->pairing_port = wanted;
    draw_name(x->pairing_name);
    tell_pairing(d);
}

/* --- when ------------------------------------------------------------------------------------ */

void daemon_beacons_tell(struct node_daemon *d)
{
    d->discovery->announced = false;
    tell_members(d);
    if (d->discovery->pairing_port != 0)
        tell_pairing(d);
}

void daemon_beacons_tick(struct node_daemon *d)
{
    struct daemon_discovery *x = d->discovery;
    if (x->fd >= 0 && x->announced && daemon_beacons_hour(d) != x->hour)
        tell_members(d);
}

uint64_t daemon_beacons_due_ms(const struct node_daemon *d)
{
    const struct daemon_discovery *x = d->discovery;
    if (!x->announced)
        return UINT64_MAX;
    uint64_t into_ms = (d->wall_ms + NET_BEACON_HOUR_MS - x->jitter_ms) % NET_BEACON_HOUR_MS;
    return d->now_ms + NET_BEACON_HOUR_MS - into_ms;
}

void daemon_beacons_taken(struct node_daemon *d, enum net_lookout_slot slot)
{
    struct daemon_discovery *x = d->discovery;
    if (x->renamed_ms != 0 && d->now_ms - x->renamed_ms < RENAME_MS)
        return; /* somebody takes whatever we choose: the next hour brings another */
    x->renamed_ms = d->now_ms;
    if (slot == NET_LOOKOUT_MEMBERS) {
        tell_members(d);
    } else if (x->pairing_port != 0) {
        draw_name(x->pairing_name);
        tell_pairing(d);
    }
}

bool daemon_beacons_wanted(const struct node_daemon *d)
{
    const struct daemon_discovery *x = d->discovery;
    return x->key_count != 0 || x->pairing_port != 0 || d->now_ms < x->looking_until_ms;
}
