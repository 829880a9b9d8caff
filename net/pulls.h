#ifndef NET_PULLS_H
#define NET_PULLS_H
/* Which session fetches which device's path. All sessions of a space share one table, so that two
 * peers that offer the same entries are not both asked for them. */
#include "crdt/hash.h"
#include "crdt/limits.h"

#define NET_PULLS_MAX (LIMIT_PEERS * LIMIT_WANTS)

struct net_pulls {
    size_t count;
    struct {
        uint8_t device[CRDT_ID_BYTES];
        const void *owner; /* the session; only compared */
    } slots[NET_PULLS_MAX];
};

void net_pulls_init(struct net_pulls *p);
/* Claim `device` for `owner`. True also when the owner has it already; false while another one has
 * it, or the table is full. */
bool net_pulls_take(struct net_pulls *p, const uint8_t device[CRDT_ID_BYTES], const void *owner);
/* Give a claim back; nothing happens when `owner` has none. */
void net_pulls_drop(struct net_pulls *p, const uint8_t device[CRDT_ID_BYTES], const void *owner);
/* Give back all that `owner` has claimed. */
void net_pulls_drop_all(struct net_pulls *p, const void *owner);

#endif
