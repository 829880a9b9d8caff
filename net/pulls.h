#ifndef NET_PULLS_H
#define NET_PULLS_H
/* Which session fetches which device's path, and which devices are connected. All sessions of a
 * space share one table, so that two peers that offer the same entries are not both asked for them,
 * and that what a connected device has just written is not asked of another while its push is
 * coming. */
#include "crdt/hash.h"
#include "crdt/limits.h"

#define NET_PULLS_MAX (LIMIT_PEERS * LIMIT_WANTS)

struct net_pulls {
    size_t count;
    struct {
        uint8_t device[CRDT_ID_BYTES];
        const void *owner; /* the session; only compared */
    } slots[NET_PULLS_MAX];
    size_t author_count;
    struct {
        uint8_t device[CRDT_ID_BYTES]; /* at the other end of the owner's connection */
        const void *owner;
    } authors[2 * LIMIT_PEERS];
};

void net_pulls_init(struct net_pulls *p);
/* Claim `device` for `owner`. True also when the owner has it already; false while another one has
 * it, or the table is full. */
bool net_pulls_take(struct net_pulls *p, const uint8_t device[CRDT_ID_BYTES], const void *owner);
/* Give a claim back; nothing happens when `owner` has none. */
void net_pulls_drop(struct net_pulls *p, const uint8_t device[CRDT_ID_BYTES], const void *owner);
/* `owner` is connected to `device`, which pushes what it writes. */
void net_pulls_author_add(struct net_pulls *p, const uint8_t device[CRDT_ID_BYTES],
                          const void *owner);
/* Is `device` connected through another session than `owner`? */
bool net_pulls_author_elsewhere(const struct net_pulls *p, const uint8_t device[CRDT_ID_BYTES],
                                const void *owner);
/* Forget all that `owner` has claimed and added. */
void net_pulls_drop_all(struct net_pulls *p, const void *owner);

#endif
