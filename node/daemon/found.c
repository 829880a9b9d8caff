/* What was found on the local network; see discovery.h. All of it may come from a stranger: it is
 * read within limits, only addresses of networks that this machine is on are taken, and an address
 * of a member is one more to try, no more. */
#include "node/daemon/discovery.h"

#include <stdio.h>

/* The helper tells about half as many; one that tells more does not do what it should. */
#define TOKENS_MAX 512u /* announcements looked at in a burst */
#define TOKEN_MS   5u   /* … and one more each */
#define SELECTORS  (LIMIT_BEACONS / 2u)
#define LOOKING_MS 30000u

/* What is in excess is dropped before it costs anything. */
static bool spend_token(struct node_daemon *d)
{
    struct daemon_discovery *x = d->discovery;
    uint64_t more = (d->now_ms - x->tokens_ms) / TOKEN_MS;
    if (more != 0) {
        x->tokens = more > TOKENS_MAX - x->tokens ? TOKENS_MAX : x->tokens + (unsigned)more;
        x->tokens_ms = d->now_ms;
    }
    if (x->tokens == 0)
        return false;
    x->tokens--;
    return true;
}

static struct daemon_found *find(struct daemon_discovery *x, struct cht_bytes name)
{
    for (size_t i = 0; i < LIMIT_BEACONS; i++) {
        if (x->found[i].used && cht_bytes_eq(cht_bytes_str(x->found[i].name), name))
            return &x->found[i];
    }
    return NULL;
}

/* Somebody is looking for this invitation? */
static bool is_wanted(const struct node_daemon *d, const struct daemon_found *f)
{
    const struct daemon_discovery *x = d->discovery;
    return d->now_ms < x->looking_until_ms && x->wanted_len != 0 &&
           cht_bytes_eq(cht_bytes(f->beacon.selector, f->beacon.selector_len),
                        cht_bytes(x->wanted, x->wanted_len));
}

/* Members come first, then what is looked for, then other invitations; strangers may be members one
 * day. */
static unsigned rank(const struct node_daemon *d, const struct daemon_found *f)
{
    if (f->member)
        return 3;
    return is_wanted(d, f) ? 2 : (f->beacon.selector_len != 0 ? 1 : 0);
}

/* A free place, else that of the oldest of the lowest rank below its own; NULL: there is none. */
static struct daemon_found *room_for(struct node_daemon *d, const struct daemon_found *fresh)
{
    struct daemon_discovery *x = d->discovery;
    const unsigned own = rank(d, fresh);
    struct daemon_found *room = NULL;
    unsigned same = 0;
    for (size_t i = 0; i < LIMIT_BEACONS; i++) {
        struct daemon_found *f = &x->found[i];
        if (f->used)
            same += rank(d, f) == own ? 1 : 0;
        if (f->used && rank(d, f) >= own)
            continue;
        bool better = room == NULL ||
                      (room->used && (!f->used || rank(d, f) < rank(d, room) ||
                                      (rank(d, f) == rank(d, room) && f->order < room->order)));
        if (better)
            room = f;
    }
    return own == 1 && same >= SELECTORS ? NULL : room;
}

static void recognise(struct node_daemon *d, struct daemon_found *f)
{
    const struct daemon_discovery *x = d->discovery;
    const struct net_beacon_key *key = net_beacon_whose(&f->beacon, cht_bytes_str(f->name), x->keys,
                                                        x->key_count, daemon_beacons_hour(d));
    f->member = key != NULL;
    if (key != NULL)
        memcpy(f->device, key->device, CRDT_ID_BYTES);
}

static void add_address(struct node_daemon *d, const struct daemon_found *f,
                        const struct net_host *host)
{
    char address[LIMIT_ADDRESS_BYTES];
    daemon_join_address(host, f->port, address);
    daemon_add_address(d, f->device, cht_bytes_str(address), NET_ADDRESS_FOUND);
}

static bool add_host(struct daemon_found *f, const struct net_host *host)
{
    for (size_t i = 0; i < f->host_count; i++) {
        if (f->hosts[i].len == host->len && memcmp(f->hosts[i].text, host->text, host->len) == 0)
            return true;
    }
    if (f->host_count == DISCOVER_HOSTS)
        return false;
    f->hosts[f->host_count++] = *host;
    return true;
}

void daemon_found_take(struct node_daemon *d, const struct net_lookout *m)
{
    struct daemon_discovery *x = d->discovery;
    struct daemon_found fresh = { .used = true, .port = m->port };
    if (!spend_token(d)) {
        x->dropped++;
        return;
    }
    if (!net_beacon_is_name(m->name) || net_beacon_read(m->txt, &fresh.beacon) != CHT_OK ||
        !daemon_on_link(&m->host)) {
        x->malformed++;
        return;
    }
    memcpy(fresh.name, m->name.data, m->name.len);
    recognise(d, &fresh);
    struct daemon_found *f = find(x, m->name);
    bool same = f != NULL && f->port == fresh.port &&
                memcmp(&f->beacon, &fresh.beacon, sizeof fresh.beacon) == 0;
    if (f == NULL)
        f = room_for(d, &fresh);
    if (f == NULL) {
        x->dropped++;
        return;
    }
    if (!same)
        *f = fresh;
    f->order = ++x->order;
    if (!add_host(f, &m->host))
        x->dropped++;
    else if (f->member)
        add_address(d, f, &m->host);
}

void daemon_found_gone(struct node_daemon *d, struct cht_bytes name)
{
    struct daemon_found *f = find(d->discovery, name);
    if (f != NULL)
        f->used = false;
}

void daemon_found_compare(struct node_daemon *d)
{
    struct daemon_discovery *x = d->discovery;
    for (size_t i = 0; i < LIMIT_BEACONS; i++) {
        struct daemon_found *f = &x->found[i];
        if (!f->used)
            continue;
        recognise(d, f);
        for (size_t k = 0; f->member && k < f->host_count; k++)
            add_address(d, f, &f->hosts[k]);
    }
}

size_t daemon_discover_candidates(struct node_daemon *d, struct cht_bytes selector,
                                  const struct daemon_found **out, size_t max)
{
    struct daemon_discovery *x = d->discovery;
    size_t count = 0;
    if (x == NULL)
        return 0;
    bool other = !cht_bytes_eq(selector, cht_bytes(x->wanted, x->wanted_len));
    x->looking_until_ms = d->now_ms + LOOKING_MS;
    if (other && selector.len <= sizeof x->wanted) {
        memcpy(x->wanted, selector.data, selector.len);
        x->wanted_len = selector.len;
        daemon_discover_again(d); /* it may be among what there was no room for */
    }
    for (size_t i = 0; i < LIMIT_BEACONS && count < max; i++) {
        const struct daemon_found *f = &x->found[i];
        if (f->used && selector.len != 0 &&
            cht_bytes_eq(cht_bytes(f->beacon.selector, f->beacon.selector_len), selector))
            out[count++] = f;
    }
    return count;
}
