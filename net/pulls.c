/* A short unordered array: claims are few and short-lived. */
#include "net/pulls.h"

void net_pulls_init(struct net_pulls *p)
{
    p->count = 0;
    p->author_count = 0;
}

static size_t find(const struct net_pulls *p, const uint8_t device[CRDT_ID_BYTES])
{
    size_t i = 0;
    while (i < p->count && memcmp(p->slots[i].device, device, CRDT_ID_BYTES) != 0)
        i++;
    return i;
}

bool net_pulls_take(struct net_pulls *p, const uint8_t device[CRDT_ID_BYTES], const void *owner)
{
    size_t i = find(p, device);
    if (i < p->count)
        return p->slots[i].owner == owner;
    if (p->count == NET_PULLS_MAX)
        return false;
    memcpy(p->slots[i].device, device, CRDT_ID_BYTES);
    p->slots[i].owner = owner;
    p->count++;
    return true;
}

void net_pulls_drop(struct net_pulls *p, const uint8_t device[CRDT_ID_BYTES], const void *owner)
{
    size_t i = find(p, device);
    if (i < p->count && p->slots[i].owner == owner)
        p->slots[i] = p->slots[--p->count];
}

void net_pulls_author_add(struct net_pulls *p, const uint8_t device[CRDT_ID_BYTES],
                          const void *owner)
{
    if (p->author_count == sizeof p->authors / sizeof p->authors[0])
        return;
    memcpy(p->authors[p->author_count].device, device, CRDT_ID_BYTES);
    p->authors[p->author_count++].owner = owner;
}

bool net_pulls_author_elsewhere(const struct net_pulls *p, const uint8_t device[CRDT_ID_BYTES],
                                const void *owner)
{
    for (size_t i = 0; i < p->author_count; i++) {
        if (p->authors[i].owner != owner &&
            memcmp(p->authors[i].device, device, CRDT_ID_BYTES) == 0)
            return true;
    }
    return false;
}

void net_pulls_drop_all(struct net_pulls *p, const void *owner)
{
    for (size_t i = p->count; i-- > 0;) {
        if (p->slots[i].owner == owner)
            p->slots[i] = p->slots[--p->count];
    }
    for (size_t i = p->author_count; i-- > 0;) {
        if (p->authors[i].owner == owner)
            p->authors[i] = p->authors[--p->author_count];
    }
}
