#ifndef CRDT_NATURAL_H
#define CRDT_NATURAL_H
/* Natural keys (PROTOCOL 1.8, 1.9): two machines that meet the same thing outside, a repository or
 * an issue of a tracker, give it the same id without having spoken. */
#include "crdt/id.h"

/* The id of what `source` ("repo", "beads", "taskwarrior", …) calls `key`: BLAKE2b-128 of a prefix,
 * the type and both texts, each with its length (u32). The texts are taken byte by byte: who calls
 * normalises. */
void crdt_natural_id(unsigned type, struct cht_bytes source, struct cht_bytes key,
                     struct crdt_id *out);

#endif
