#ifndef TESTS_PROP_SYNC_H
#define TESTS_PROP_SYNC_H
/* One home takes from another what it lacks, through the view that sync sessions read. */
#include "tests/prop/home.h"

/* `to` asks `from` for each of its tips, in runs of at most `budget` payload bytes, at most
 * `runs_max` of them, and commits; both stand between turns. Returns how many entries are new. */
uint64_t sync_from(struct home *to, struct home *from, size_t budget, uint32_t runs_max);
/* The same with more entries than may wait: where a path is full of them the rest of it is left for
 * another time. */
uint64_t sync_much_from(struct home *to, struct home *from, size_t budget, uint32_t runs_max);

#endif
