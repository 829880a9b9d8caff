/* Which blobs are fetched from whom; see blobs.h. */
#include "net/blobs.h"

struct net_blob_want *net_blobs_find(struct net_blobs *b, const struct crdt_hash *hash)
{
    for (size_t i = 0; i < LIMIT_BLOB_WANTS; i++) {
        if (b->wants[i].used && crdt_hash_eq(&b->wants[i].hash, hash))
            return &b->wants[i];
    }
    return NULL;
}

/* A free place, or with `urgent` that of one which can wait. */
static struct net_blob_want *place(struct net_blobs *b, bool urgent)
{
    struct net_blob_want *yields = NULL;
    for (size_t i = 0; i < LIMIT_BLOB_WANTS; i++) {
        struct net_blob_want *w = &b->wants[i];
        if (!w->used)
            return w;
        if (urgent && !w->urgent && w->owner == NULL)
            yields = w;
    }
    return yields;
}

struct net_blob_want *net_blobs_add(struct net_blobs *b, const struct crdt_hash *hash,
                                    uint32_t size, bool urgent, uint64_t now_ms)
{
    struct net_blob_want *w = net_blobs_find(b, hash);
    if (w == NULL) {
        w = place(b, urgent);
        if (w == NULL)
            return NULL;
        b->count += w->used ? 0 : 1;
        *w = (struct net_blob_want){ .used = true, .hash = *hash, .size = size };
        w->since_ms = now_ms;
    }
    if (urgent && !w->urgent)
        w->since_ms = now_ms;
    w->urgent = w->urgent || urgent;
    return w;
}

void net_blobs_drop(struct net_blobs *b, struct net_blob_want *w)
{
    b->count--;
    *w = (struct net_blob_want){ .used = false };
}

static struct net_blob_asked *asked_of(struct net_blob_want *w, const uint8_t *device)
{
    for (size_t i = 0; i < w->asked_count; i++) {
        if (memcmp(w->asked[i].device, device, CRDT_ID_BYTES) == 0)
            return &w->asked[i];
    }
    return NULL;
}

bool net_blobs_may_ask(const struct net_blob_want *w, const uint8_t device[CRDT_ID_BYTES])
{
    for (size_t i = 0; i < w->asked_count; i++) {
        if (memcmp(w->asked[i].device, device, CRDT_ID_BYTES) == 0)
            return false;
    }
    return true;
}

struct net_blob_want *net_blobs_next(struct net_blobs *b, const uint8_t device[CRDT_ID_BYTES])
{
    struct net_blob_want *found = NULL;
    for (size_t i = 0; i < LIMIT_BLOB_WANTS; i++) {
        struct net_blob_want *w = &b->wants[i];
        if (!w->used || w->owner != NULL || !net_blobs_may_ask(w, device))
            continue;
        const bool sooner = found == NULL || (w->urgent && !found->urgent) ||
                            (w->urgent == found->urgent && w->since_ms < found->since_ms);
        found = sooner ? w : found;
    }
    return found;
}

void net_blobs_note(struct net_blob_want *w, const uint8_t device[CRDT_ID_BYTES], bool lied)
{
    struct net_blob_asked *a = asked_of(w, device);
    w->owner = NULL;
    if (a == NULL && w->asked_count < LIMIT_PEERS) {
        a = &w->asked[w->asked_count++];
        *a = (struct net_blob_asked){ .lied = false };
        memcpy(a->device, device, CRDT_ID_BYTES);
    }
    if (a != NULL)
        a->lied = a->lied || lied;
}

void net_blobs_release(struct net_blobs *b, const void *owner)
{
    for (size_t i = 0; i < LIMIT_BLOB_WANTS; i++) {
        if (b->wants[i].owner == owner)
            b->wants[i].owner = NULL;
    }
}

void net_blobs_again(struct net_blob_want *w, const uint8_t device[CRDT_ID_BYTES])
{
    struct net_blob_asked *a = asked_of(w, device);
    if (a == NULL || a->lied)
        return;
    *a = w->asked[--w->asked_count];
}
