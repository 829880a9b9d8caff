#ifndef TESTS_PROP_HOME_H
#define TESTS_PROP_HOME_H
/* Replicas on files of a folder that goes with the test. */
#include "node/replica/replica.h"
#include "tests/support/seeded.h"
#include "tests/support/space.h"

#define HOME_PATH_MAX 128
#define HOME_NOW_MS   UINT64_C(1767312000000)

/* One replica and the file it is on. */
struct home {
    struct node_replica *r;
    const struct net_identity *identity; /* NULL: it only receives */
    char path[HOME_PATH_MAX];
    unsigned runs; /* starts so far */
    struct seeded random;
};

/* Make the folder, in memory where the system has such a place; a file of it by name. */
void home_folder(void);
void home_folder_remove(void);
void home_path(const char *name, char out[static HOME_PATH_MAX]);

/* Make the file with the first `records` records of the space, and open it. */
void home_make(struct home *home, const char *name, const struct space *space, uint32_t records,
               const struct net_identity *identity, uint64_t seed);
void home_open(struct home *home, enum node_store_mode mode);
void home_close(struct home *home);
/* Close in good order and open again, or go on from what a killed process would have left. */
void home_restart(struct home *home, bool killed);
/* Copy the file and its WAL as they lie there. */
void home_copy(const char *from, const char *to);
/* A copy of the running home's disk, started beside it. */
void home_clone(struct home *copy, struct home *of, const char *name);
/* The same with its memory, as of a process or machine that was duplicated: both go on in one
 * epoch. Nothing may be uncommitted. */
void home_twin(struct home *copy, struct home *of, const char *name);
/* Close, and leave the file and what it must give (JSON) in folder CHITTY_LEAVE, if there is one.
 */
void home_leave(struct home *home, const char *name);
/* Settle and commit; `write_back` too. */
void home_turn(struct home *home, bool write_back);

#endif
