/* The peer table; see peers.h. */
#include "net/peers.h"

#include <assert.h>

void net_peers_init(struct net_peers *p, const uint8_t run[NET_RUN_BYTES])
{
    memset(p, 0, sizeof *p);
    memcpy(p->run, run, sizeof p->run);
}

struct net_peer *net_peers_find(struct net_peers *p, const uint8_t device[CRDT_ID_BYTES])
{
    for (size_t i = 0; i < LIMIT_PEERS; i++) {
        if (p->peers[i].used && memcmp(p->peers[i].device, device, CRDT_ID_BYTES) == 0)
            return &p->peers[i];
    }
    return NULL;
}

enum cht_err net_peers_add(struct net_peers *p, const uint8_t device[CRDT_ID_BYTES],
                           struct net_peer **out)
{
    struct net_peer *peer = net_peers_find(p, device);
    for (size_t i = 0; i < LIMIT_PEERS && peer == NULL; i++) {
        if (!p->peers[i].used) {
            peer = &p->peers[i];
            memset(peer, 0, sizeof *peer);
            peer->used = true;
            memcpy(peer->device, device, CRDT_ID_BYTES);
        }
    }
    if (peer == NULL)
        return CHT_E_LIMIT;
    *out = peer;
    return CHT_OK;
}

void net_peers_remove(struct net_peers *p, const uint8_t device[CRDT_ID_BYTES])
{
    struct net_peer *peer = net_peers_find(p, device);
    if (peer != NULL)
        memset(peer, 0, sizeof *peer);
}

const char *net_address_source_text(enum net_address_source source)
{
    switch (source) {
    case NET_ADDRESS_TOLD:
        return "told by it";
    case NET_ADDRESS_FOUND:
        return "found on the network";
    case NET_ADDRESS_WORKED:
        return "reached before";
    case NET_ADDRESS_STATIC:
        return "given by hand";
    }
    return "";
}

/* --- addresses --------------------------------------------------------------------------- */

static bool is_endpoint(struct cht_bytes text)
{
    static const char scheme[] = "tcp://";
    size_t scheme_len = sizeof scheme - 1;
    if (text.len <= scheme_len || text.len > LIMIT_ADDRESS_BYTES ||
        memcmp(text.data, scheme, scheme_len) != 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f)
            return false;
    }
    return true;
}

static struct net_address *find_address(struct net_peer *peer, struct cht_bytes text)
{
    for (size_t i = 0; i < peer->address_count; i++) {
        if (cht_bytes_eq(cht_bytes(peer->addresses[i].text, peer->addresses[i].len), text))
            return &peer->addresses[i];
    }
    return NULL;
}

/* A place for a new address: a free one, or that of the least useful; NULL when all are worth more.
 */
static struct net_address *room_for(struct net_peer *peer, enum net_address_source source)
{
    struct net_address *least = NULL;
    if (peer->address_count < LIMIT_ADDRESSES)
        return &peer->addresses[peer->address_count++];
    for (size_t i = 0; i < LIMIT_ADDRESSES; i++) {
        struct net_address *a = &peer->addresses[i];
        if (a->source <= source && (least == NULL || a->source < least->source ||
                                    (a->source == least->source && a->used < least->used)))
            least = a;
    }
    return least;
}

/* By source, then last use: the order of trying. */
static void sort_addresses(struct net_peer *peer)
{
    for (size_t i = 1; i < peer->address_count; i++) {
        struct net_address moved = peer->addresses[i];
        size_t at = i;
        for (; at > 0; at--) {
            const struct net_address *before = &peer->addresses[at - 1];
            if (before->source > moved.source ||
                (before->source == moved.source && before->used >= moved.used))
                break;
            peer->addresses[at] = *before;
        }
        peer->addresses[at] = moved;
    }
}

/* It was just seen alive there: when what is worth more was tried already, or is being tried
 * without an answer, that comes next. */
static void try_found(struct net_peer *peer, struct cht_bytes address, uint64_t now_ms)
{
    bool better = peer->dial == NET_DIAL_TRYING && peer->tried.origin != NET_ADDRESS_FOUND;
    if (peer->dial != NET_DIAL_IDLE && !better)
        return;
    for (size_t i = 0; i < peer->address_count; i++) {
        bool it = cht_bytes_eq(cht_bytes(peer->addresses[i].text, peer->addresses[i].len), address);
        if (it && (better || peer->rounds > 0 || peer->next_address > 0))
            peer->next_address = i;
    }
    peer->due_ms = now_ms < peer->due_ms ? now_ms : peer->due_ms;
}

enum cht_err net_peer_address(struct net_peers *p, struct net_peer *peer, struct cht_bytes address,
                              enum net_address_source source, uint64_t now_ms)
{
    if (!is_endpoint(address))
        return CHT_E_INVALID;
    struct net_address *a = find_address(peer, address);
    bool fresh = a == NULL;
    if (fresh) {
        a = room_for(peer, source);
        if (a == NULL)
            return CHT_E_LIMIT;
        memset(a, 0, sizeof *a);
        memcpy(a->text, address.data, address.len);
        a->len = address.len;
        a->source = a->origin = source;
    } else if (source > a->source) {
        a->source = source;
    }
    if (source != NET_ADDRESS_WORKED && (source != NET_ADDRESS_TOLD || fresh))
        a->origin = source;
    a->used = ++p->uses;
    sort_addresses(peer);
    if (source == NET_ADDRESS_FOUND)
        try_found(peer, address, now_ms);
    else if (fresh && peer->dial == NET_DIAL_IDLE && peer->due_ms > now_ms) {
        peer->due_ms = now_ms; /* no need to sit a long back-off out */
        peer->next_address = 0;
    }
    return CHT_OK;
}

/* --- connections ------------------------------------------------------------------------- */

static struct net_leg *find_leg(struct net_peer *peer, uint32_t conn)
{
    for (size_t i = 0; i < NET_PEER_LEGS; i++) {
        if (peer->legs[i].conn == conn)
            return &peer->legs[i];
    }
    return NULL;
}

enum cht_err net_peer_up(struct net_peer *peer, uint32_t conn, bool outbound, uint64_t wall_ms)
{
    assert(conn != 0);
    struct net_leg *leg = find_leg(peer, 0);
    if (leg == NULL)
        return CHT_E_LIMIT;
    *leg = (struct net_leg){ .conn = conn, .outbound = outbound };
    peer->seen_ms = wall_ms;
    peer->waiting = false;
    if (outbound) {
        peer->dial = NET_DIAL_UP;
        struct net_address *a = find_address(peer, cht_bytes(peer->tried.text, peer->tried.len));
        if (a != NULL && a->source < NET_ADDRESS_WORKED)
            a->source = NET_ADDRESS_WORKED;
        sort_addresses(peer);
    }
    return CHT_OK;
}

void net_peer_hello(const struct net_peers *p, struct net_peer *peer, uint32_t conn,
                    const uint8_t run[NET_RUN_BYTES], struct net_times at, uint32_t *out_drop)
{
    struct net_leg *leg = find_leg(peer, conn);
    *out_drop = 0;
    if (conn == 0 || leg == NULL)
        return;
    leg->hello = true;
    leg->hello_ms = at.now_ms;
    memcpy(leg->run, run, sizeof leg->run);
    peer->seen_ms = at.wall_ms;
    peer->rounds = 0;
    for (size_t i = 0; i < NET_PEER_LEGS; i++) {
        const struct net_leg *other = &peer->legs[i];
        if (other == leg || other->conn == 0 || !other->hello ||
            memcmp(other->run, run, sizeof other->run) != 0)
            continue;
        /* PROTOCOL 8.4: of two legs dialled at once the one that the smaller run id dialled stays;
         * else the newer: its dialler knows the older one to be dead. */
        bool ours_stays = memcmp(p->run, run, sizeof p->run) < 0;
        bool race = at.now_ms - other->hello_ms <= NET_LEG_RACE_MS;
        if (race && other->outbound != leg->outbound && leg->outbound != ours_stays)
            *out_drop = conn;
        else
            *out_drop = other->conn;
        return;
    }
}

bool net_peer_present(const struct net_peer *peer)
{
    return net_peer_conn(peer) != 0;
}

uint32_t net_peer_conn(const struct net_peer *peer)
{
    for (size_t i = 0; i < NET_PEER_LEGS; i++) {
        if (peer->legs[i].conn != 0 && peer->legs[i].hello)
            return peer->legs[i].conn;
    }
    return 0;
}

/* Wait before the next round: doubled each time, between 75 % and 125 % of it. */
static uint64_t back_off(const struct net_peer *peer, uint32_t random)
{
    uint64_t ms = NET_DIAL_FIRST_MS;
    uint64_t most = peer->waiting ? NET_DIAL_WAITING_MS * 4 / 5 : NET_DIAL_MAX_MS * 4 / 5;
    for (unsigned i = 0; i < peer->rounds && ms < most; i++)
        ms *= 2;
    ms = ms < most ? ms : most;
    return ms * 3 / 4 + ms * (random % 1024u) / 2048u;
}

void net_peer_down(struct net_peer *peer, uint32_t conn, unsigned reason, uint64_t now_ms,
                   uint32_t random)
{
    struct net_leg *leg = conn == 0 ? NULL : find_leg(peer, conn);
    if (reason > 0 && reason <= NET_BYE_REASON_MAX)
        peer->refused[reason]++;
    if (leg == NULL)
        return;
    bool outbound = leg->outbound;
    *leg = (struct net_leg){ .conn = 0 };
    if (outbound && reason == 0) {
        peer->dial = NET_DIAL_TRYING;
        peer->next_address = peer->address_count; /* then all of them, the best first */
        peer->due_ms = now_ms + NET_DIAL_TRY_MS;
        return;
    }
    if (outbound)
        peer->dial = NET_DIAL_IDLE;
    if (peer->dial != NET_DIAL_IDLE)
        return;
    peer->next_address = 0;
    if (reason != 0 && reason != NET_BYE_DUPLICATE)
        peer->rounds++;
    peer->due_ms = now_ms + (peer->rounds > 0 ? back_off(peer, random) : random % 100u);
}

void net_peer_hold(struct net_peer *peer, uint64_t until_ms)
{
    peer->held_ms = peer->held_ms < until_ms ? until_ms : peer->held_ms;
}

void net_peer_refused(struct net_peer *peer)
{
    peer->refused[0]++;
    peer->waiting = true;
}

void net_peer_unreached(struct net_peer *peer, uint64_t now_ms)
{
    if (peer->dial == NET_DIAL_TRYING && peer->next_address < peer->address_count)
        peer->due_ms = now_ms;
}

/* --- dialling ---------------------------------------------------------------------------- */

static bool has_leg(const struct net_peer *peer)
{
    for (size_t i = 0; i < NET_PEER_LEGS; i++) {
        if (peer->legs[i].conn != 0)
            return true;
    }
    return false;
}

/* Does this peer have a time at which something is to be done? */
static bool is_timed(const struct net_peer *peer)
{
    if (!peer->used || peer->address_count == 0 || peer->dial == NET_DIAL_UP)
        return false;
    return peer->dial == NET_DIAL_TRYING || !has_leg(peer);
}

static uint64_t due_of(const struct net_peer *peer)
{
    bool held = peer->dial == NET_DIAL_IDLE && peer->held_ms > peer->due_ms;
    return held ? peer->held_ms : peer->due_ms;
}

uint64_t net_peers_due_ms(const struct net_peers *p)
{
    uint64_t due = UINT64_MAX;
    for (size_t i = 0; i < LIMIT_PEERS; i++) {
        if (is_timed(&p->peers[i]) && due_of(&p->peers[i]) < due)
            due = due_of(&p->peers[i]);
    }
    return due;
}

/* An address did not answer: the next one at once, or the next round later. */
static void try_failed(struct net_peer *peer, uint64_t now_ms, uint32_t random)
{
    peer->dial = NET_DIAL_IDLE;
    peer->due_ms = now_ms;
    if (peer->next_address >= peer->address_count) {
        peer->due_ms = now_ms + back_off(peer, random);
        peer->rounds++;
        peer->next_address = 0;
    }
}

enum net_dial_act net_peers_step(struct net_peers *p, uint64_t now_ms, uint32_t random,
                                 struct net_peer **out_peer, const char **out_address)
{
    for (size_t i = 0; i < LIMIT_PEERS; i++) {
        struct net_peer *peer = &p->peers[i];
        if (!is_timed(peer) || due_of(peer) > now_ms)
            continue;
        *out_peer = peer;
        if (peer->dial == NET_DIAL_TRYING) {
            try_failed(peer, now_ms, random);
            return NET_ACT_UNDIAL;
        }
        if (peer->next_address >= peer->address_count)
            peer->next_address = 0;
        peer->tried = peer->addresses[peer->next_address++];
        *out_address = peer->tried.text;
        peer->dial = NET_DIAL_TRYING;
        peer->due_ms = now_ms + NET_DIAL_TRY_MS;
        return NET_ACT_DIAL;
    }
    return NET_ACT_NONE;
}

void net_peers_wake(struct net_peers *p, uint64_t now_ms)
{
    for (size_t i = 0; i < LIMIT_PEERS; i++) {
        struct net_peer *peer = &p->peers[i];
        peer->rounds = 0;
        if (peer->dial == NET_DIAL_UP)
            continue;
        peer->due_ms = now_ms; /* a try under way is given up and begun anew */
        peer->next_address = 0;
    }
}
