#ifndef CRDT_CLAIM_H
#define CRDT_CLAIM_H
/* Who works on a todo, as its register `claim` says it (PROTOCOL 13.1), and which of concurrent
 * claims stands (PROTOCOL 5.4, `token`). */
#include "crdt/base/bytes.h"

/* Spans borrow from the value. What is missing, or of another kind, is empty, false or zero. */
struct crdt_claim {
    struct cht_bytes holder; /* a session's id or "user@device"; empty: nobody holds it */
    struct cht_bytes device; /* hex digits of the holder's device */
    uint64_t generation, counter;
    uint64_t at_ms;
    bool confirmed;
};

/* Read a value of `claim`: any msgpack that crdt_value_check has let through. */
struct crdt_claim crdt_claim_read(struct cht_bytes value);

/* Does `a` stand before `b`, before their dots are compared? Above 0: it does; 0: they are equal.
 * One that someone holds before one that nobody holds, confirmed before unconfirmed, then the
 * higher generation, then the higher counter. */
int crdt_claim_cmp(const struct crdt_claim *a, const struct crdt_claim *b);

#endif
