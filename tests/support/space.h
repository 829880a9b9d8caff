#ifndef TESTS_SUPPORT_SPACE_H
#define TESTS_SUPPORT_SPACE_H
/* A space whose members are the devices of a random history, and that history as signed ranges. */
#include "crdt/range.h"
#include "net/members.h"
#include "tests/support/history.h"

struct space {
    uint8_t id[CRDT_ID_BYTES];
    struct net_identity devices[HISTORY_DEVICES_MAX]; /* the first one is the founder */
    struct cht_bytes records[HISTORY_DEVICES_MAX];    /* parents first */
    struct crdt_hash heads[LIMIT_MEMBER_HEADS];       /* with all records held */
    uint32_t head_count;
    struct cht_arena arena; /* everything the space owns */
};

/* The devices are those of the history with that seed. Runs out of memory by abort. */
void space_make(struct space *s, uint64_t seed);
void space_clear(struct space *s);

/* A range of a history's entries. */
struct cut {
    struct crdt_range range;
    const uint32_t *entries; /* indexes, in order */
    uint32_t count;
};

struct cuts {
    struct cut *list;
    uint32_t count;
    struct cht_arena arena;
};

/* Cut the history's paths into ranges with a signed head: random heads, none inside a transaction
 * that can go under one; a branch starts where it leaves its path or at some head before. Together
 * they hold every entry; some ranges hold entries of others again. */
void cuts_make(struct cuts *c, const struct history *h, uint64_t seed);
void cuts_clear(struct cuts *c);

#endif
