#ifndef TESTS_SUPPORT_CHAIN_H
#define TESTS_SUPPORT_CHAIN_H
/* A path of entries of every shape the protocol allows, by chance, for the range codec. */
#include "crdt/range.h"
#include "tests/support/seeded.h"

#define CHAIN_ENTRIES_MAX LIMIT_HEAD_ENTRIES

struct chain {
    struct seeded *random;
    struct cht_arena *arena; /* holds what the entries point at */
    struct crdt_before before;
    struct crdt_entry entries[CHAIN_ENTRIES_MAX];
    uint32_t count;
};

/* A new path after a random (or, once in four, no) entry before it; no entries yet. */
void chain_start(struct chain *c, struct seeded *random, struct cht_arena *arena);
/* Append one entry of a random shape. */
void chain_grow(struct chain *c);
/* Append one entry with this header and body (data NULL: missing, `h` says length and hash); space,
 * device, seq, prev, and of a body that is there length and hash, are filled in. */
void chain_add(struct chain *c, const struct crdt_header *h, struct cht_bytes body);
/* The payload of codec 0. */
enum cht_err chain_raw(const struct chain *c, struct cht_buf *out);

#endif
