#ifndef CRDT_ROOT_H
#define CRDT_ROOT_H
/* The state root: an order-free sum of hashes of all live values (PROTOCOL 5.8). */
#include "crdt/entry.h"
#include "crdt/hash.h"

struct crdt_root {
    uint64_t limb[4]; /* least significant first: a 256-bit number */
};

/* A live value as the root sees it. Everything is borrowed. */
struct crdt_term {
    const struct crdt_id *entity;
    uint16_t field;
    struct cht_bytes key;  /* empty when there is none */
    const uint8_t *device; /* CRDT_ID_BYTES: the dot as written */
    const uint8_t *epoch;  /* CRDT_EPOCH_BYTES */
    uint32_t seq;
    uint16_t index;
    struct cht_bytes value; /* exact msgpack bytes */
};

/* H of the term's parts. The second: of a document's text (PROTOCOL 5.8). */
struct crdt_hash crdt_term_hash(const struct crdt_term *t);
struct crdt_hash crdt_term_text_hash(const struct crdt_term *t, struct cht_bytes text);

void crdt_root_add(struct crdt_root *r, const struct crdt_hash *h);
void crdt_root_sub(struct crdt_root *r, const struct crdt_hash *h);
/* r := r + other. */
void crdt_root_join(struct crdt_root *r, const struct crdt_root *other);
static inline bool crdt_root_eq(const struct crdt_root *a, const struct crdt_root *b)
{
    return memcmp(a->limb, b->limb, sizeof a->limb) == 0;
}
/* 32 bytes, little-endian, as shown in hex and sent. */
void crdt_root_bytes(const struct crdt_root *r, uint8_t out[static CRDT_HASH_BYTES]);
void crdt_root_from(const uint8_t in[static CRDT_HASH_BYTES], struct crdt_root *out);

#endif
