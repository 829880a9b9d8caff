#ifndef NET_BLOBS_H
#define NET_BLOBS_H
/* Which blobs a node fetches, and whom it has asked (PROTOCOL 12.3). One table a space, over all
 * its sessions: a blob is asked of one peer at a time, one that had it not or sent something else
 * is not asked again, and what a person waits for goes first. Pure: the caller asks and hears. */
#include "crdt/hash.h"
#include "crdt/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct net_blob_asked {
    uint8_t device[CRDT_ID_BYTES];
    bool lied; /* it sent other bytes: never again; else it had it not: it may have it later */
};

struct net_blob_want {
    bool used;
    bool urgent; /* a person waits */
    struct crdt_hash hash;
    uint32_t size;
    uint64_t since_ms;
    const void *owner; /* the connection that fetches it; NULL: none; only compared */
    size_t asked_count;
    struct net_blob_asked asked[LIMIT_PEERS];
};

struct net_blobs {
    size_t count; /* of them in use */
    struct net_blob_want wants[LIMIT_BLOB_WANTS];
};

/* The one of that hash; NULL. */
struct net_blob_want *net_blobs_find(struct net_blobs *b, const struct crdt_hash *hash);
/* Want one (or the same, more urgently). NULL: the table is full of others that are as urgent; one
 * that is not and that nobody fetches gives way. */
struct net_blob_want *net_blobs_add(struct net_blobs *b, const struct crdt_hash *hash,
                                    uint32_t size, bool urgent, uint64_t now_ms);
void net_blobs_drop(struct net_blobs *b, struct net_blob_want *w);
/* May this device be asked for it? */
bool net_blobs_may_ask(const struct net_blob_want *w, const uint8_t device[CRDT_ID_BYTES]);
/* What to ask of this device next: nobody fetches it and the device may be asked; the urgent ones
 * first, then the oldest. NULL: nothing. */
struct net_blob_want *net_blobs_next(struct net_blobs *b, const uint8_t device[CRDT_ID_BYTES]);
/* The device has it not, or (`lied`) sent other bytes. */
void net_blobs_note(struct net_blob_want *w, const uint8_t device[CRDT_ID_BYTES], bool lied);
/* The connection is gone: what it fetched is free again. */
void net_blobs_release(struct net_blobs *b, const void *owner);
/* The device is connected anew, or a person asks again: it may have by now what it had not. */
void net_blobs_again(struct net_blob_want *w, const uint8_t device[CRDT_ID_BYTES]);

#endif
