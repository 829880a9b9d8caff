#ifndef CRDT_HASH_H
#define CRDT_HASH_H
/* BLAKE2b as the protocol uses it (PROTOCOL 1.3): unkeyed, 32 bytes for hashes, 16 for ids. */
#include "crdt/base/bytes.h"

#define CRDT_HASH_BYTES 32u
#define CRDT_ID_BYTES   16u

struct crdt_hash {
    uint8_t b[CRDT_HASH_BYTES];
};

struct crdt_hash crdt_hash_of(struct cht_bytes data);
/* BLAKE2b-128 of `prefix` (a NUL-terminated context, its NUL not hashed) followed by `data`. */
void crdt_id_of(const char *prefix, struct cht_bytes data, uint8_t out[static CRDT_ID_BYTES]);

static inline bool crdt_hash_eq(const struct crdt_hash *a, const struct crdt_hash *b)
{
    return memcmp(a->b, b->b, CRDT_HASH_BYTES) == 0;
}

#endif
