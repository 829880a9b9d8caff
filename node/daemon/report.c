/* Peers and addresses as `status` and `peers` show them; see own.h (LOCAL 6.1). */
#include "node/daemon/own.h"

#include "node/client/mpmap.h"

static const struct daemon_link *link_to(const struct node_daemon *d, const uint8_t *device)
{
    const struct daemon_link *l = d->links;
    while (l != NULL && (l->over || !l->up || memcmp(l->device, device, CRDT_ID_BYTES) != 0))
        l = l->next;
    return l;
}

static const char *state_of(const struct daemon_link *l, const struct net_peer *peer)
{
    if (l != NULL)
        return l->alarmed                            ? "differs"
               : l->synced                           ? "in sync"
               : net_session_stats(l->session)->lost ? "cannot store"
                                                     : "connected";
    return peer != NULL && peer->waiting ? "waiting to be introduced" : "away";
}

const char *daemon_state_of(void *ctx, const uint8_t *device)
{
    const struct node_daemon *d = ctx;
    return state_of(link_to(d, device), net_peers_find(d->peers, device));
}

/* How the address that is shown was learnt. */
static const char *how_of(const struct daemon_link *l, const struct net_peer *peer)
{
    if (l != NULL && l->dial == 0)
        return "it dialled";
    for (size_t i = 0; peer != NULL && i < peer->address_count; i++) {
        const struct net_address *a = &peer->addresses[i];
        if (a->len == peer->tried.len && memcmp(a->text, peer->tried.text, a->len) == 0)
            return net_address_source_text(a->origin);
    }
    return "";
}

static enum cht_err put_address(const struct net_address *a, struct cht_buf *out)
{
    enum cht_err err = crdt_mp_put_map(out, 3);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "address", a->text);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "how", net_address_source_text(a->origin));
    return err == CHT_OK ? node_mp_put_key_bool(out, "reached", a->source == NET_ADDRESS_WORKED)
                         : err;
}

/* All that are known, the one tried first first. */
static enum cht_err put_known(const struct net_peer *peer, struct cht_buf *out)
{
    size_t count = peer == NULL ? 0 : peer->address_count;
    enum cht_err err = node_mp_put_text(out, "addresses");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, (uint32_t)count);
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        err = put_address(&peer->addresses[i], out);
    return err;
}

/* What it was refused, by reason: only what happened. */
static enum cht_err put_refused(const struct net_budget *b, struct cht_buf *out)
{
    uint32_t count = 0;
    for (unsigned i = 0; b != NULL && i < NET_REFUSAL_COUNT; i++)
        count += b->refused[i] != 0;
    enum cht_err err = node_mp_put_text(out, "refused");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, count);
    for (unsigned i = 0; b != NULL && err == CHT_OK && i < NET_REFUSAL_COUNT; i++) {
        if (b->refused[i] != 0)
            err = node_mp_put_key_uint(out, net_refusal_word((enum net_refusal)i), b->refused[i]);
    }
    return err;
}

#define COST_FIELDS 6u

/* What it has cost, and for how long it is still kept out. */
static enum cht_err put_costs(const struct node_daemon *d, const struct net_budget *b,
                              struct cht_buf *out)
{
    static const struct net_budget none;
    b = b == NULL ? &none : b;
    uint64_t closed_ms = b->closed_ms > d->now_ms ? b->closed_ms - d->now_ms : 0;
    enum cht_err err = node_mp_put_key_uint(out, "closedMs", closed_ms);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "connections", b->spent[NET_COST_SESSIONS]);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "bytesIn", b->spent[NET_COST_BYTES]);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "entriesIn", b->spent[NET_COST_ENTRIES]);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "cpuMs", b->spent[NET_COST_CPU_US] / 1000);
    return err == CHT_OK ? node_mp_put_key_uint(out, "known", b->known) : err;
}

/* What stands of it here: entries that wait for others, void ops, paths beyond the first. */
static enum cht_err put_written(const struct node_daemon *d, const struct net_device *device,
                                struct cht_buf *out)
{
    struct node_replica_written w;
    enum cht_err err = node_replica_written(d->home.replica, device->id, &w);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "waiting", w.waiting);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "void", w.voids);
    return err == CHT_OK ? node_mp_put_key_uint(out, "branches", w.branches) : err;
}

static enum cht_err put_peer(const struct node_daemon *d, const struct net_device *device,
                             struct cht_buf *out)
{
    const struct daemon_link *l = link_to(d, device->id);
    const struct net_peer *peer = net_peers_find(d->peers, device->id);
    char hex[2 * CRDT_ID_BYTES + 1];
    crdt_hex(cht_bytes(device->id, CRDT_ID_BYTES), hex);
    const char *address = l != NULL && l->address[0] != '\0' ? l->address
                          : peer != NULL                     ? peer->tried.text
                                                             : "";
    uint64_t seen = l != NULL ? d->wall_ms : (peer == NULL ? 0 : peer->seen_ms);
    const struct net_budget *budget = net_budget_find(d->budgets, device->id);
    enum cht_err err = crdt_mp_put_map(out, 9 + COST_FIELDS + 3);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "device", hex);
    if (err == CHT_OK)
        err = node_mp_put_key_str(out, "name", cht_bytes(device->name, device->name_len));
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "state", device->role == 0 ? "revoked" : state_of(l, peer));
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "address", address);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "how", how_of(l, peer));
    if (err == CHT_OK)
        err = put_known(peer, out);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "lastSeen", seen);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "role",
                                   device->role == 0 ? "none" : net_role_name(device->role));
    if (err == CHT_OK)
        err = put_costs(d, budget, out);
    if (err == CHT_OK)
        err = put_written(d, device, out);
    return err == CHT_OK ? put_refused(budget, out) : err;
}

enum cht_err daemon_put_peers(void *ctx, struct cht_buf *out)
{
    const struct node_daemon *d = ctx;
    const struct net_members *members = node_replica_members(d->home.replica);
    uint32_t count = net_members_device_count(members);
    enum cht_err err = crdt_mp_put_array(out, count - 1);
    for (uint32_t i = 0; err == CHT_OK && i < count; i++) {
        const struct net_device *device = net_members_device_at(members, i);
        if (memcmp(device->id, d->home.identity->device, CRDT_ID_BYTES) != 0)
            err = put_peer(d, device, out);
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

enum cht_err daemon_put_strangers(void *ctx, struct cht_buf *out)
{
    const struct node_daemon *d = ctx;
    enum cht_err err = crdt_mp_put_map(out, 3);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "keys", net_transport_stats(d->transport)->zap_unknown);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "invitations", d->unknown_invitations);
    return err == CHT_OK ? node_mp_put_key_uint(out, "proofs", d->wrong_proofs) : err;
}
