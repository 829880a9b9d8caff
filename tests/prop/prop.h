#ifndef TESTS_PROP_PROP_H
#define TESTS_PROP_PROP_H
/* The property tests of the replica on SQLite. Each case is made from its number and the seed. */
#include "tests/prop/same.h"
#include "tests/support/history.h"

/* What the cases saw, over a whole run. */
struct prop {
    uint64_t seed;
    uint32_t cases; /* CHITTY_CASES, or a hundredth of the full count */
    struct seen seen;
    uint32_t tally[HISTORY_CLASS_COUNT];
    uint64_t ranges, duplicates, gaps, overlaps, stopped, spoilt, kills, restarts, cases_run;
    uint64_t denied, rulings, ruled; /* of prop_exchange_rulings */
    uint64_t writes, syncs, forked;
};

/* A history through the receive path in any order, against the model (prop_receive.c). */
void prop_receive(struct prop *p, uint32_t number);
/* Replicas that write for themselves and exchange by halves (prop_exchange.c). */
void prop_exchange(struct prop *p, uint32_t number);
/* The same, while they revoke, demote and readmit each other. */
void prop_exchange_rulings(struct prop *p, uint32_t number);

#endif
