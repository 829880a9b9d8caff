#ifndef TESTS_PROP_VOICES_H
#define TESTS_PROP_VOICES_H
/* Three homes, and others that are copies of the first: devices that speak with two voices. */
#include "tests/prop/home.h"

#define VOICES_MANY 13u

struct voices {
    struct space space;
    struct home a, b, c; /* of devices 1 to 3 */
    struct home twin,
        many[VOICES_MANY]; /* for copies of a; closed in the end where they are open */
    uint64_t stamps;
};
extern struct voices v;

int voices_setup(void **state);
int voices_teardown(void **state);

/* `count` entries of one transaction, each about a todo of its own; committed. */
void write_some(struct node_replica *r, uint32_t count);
/* Each takes what the other has, until both have all of it. */
void sync_both(struct home *x, struct home *y);
size_t forks_of(const struct home *home);
const struct node_fork *only_fork(const struct home *home);
/* It proves that device 1 has two entries with that number. */
void assert_proves(const struct node_fork *fork, uint32_t seq);
/* The same root and entries, nothing waiting. */
void assert_same_state(const struct home *x, const struct home *y);
/* Applied tips of device 1. */
uint32_t tips_of(const struct home *home);

#define VOICES(f) cmocka_unit_test_setup_teardown(f, voices_setup, voices_teardown)

#endif
