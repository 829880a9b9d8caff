#ifndef TESTS_PROP_SAME_H
#define TESTS_PROP_SAME_H
/* A replica on SQLite held against the reference model with the same entries. */
#include "crdt/model.h"
#include "node/replica/replica.h"

/* What the comparisons saw, so that a run can show that it was worth seeing. */
struct seen {
    uint64_t cells, several, conflicts, hidden, contested, waiting, voids;
};

/* Settles the model; ends the test at the first difference: root, live values by dot and bytes,
 * what is shown, hidden or in conflict, what waits, what is void. */
void same_as_model(struct node_replica *r, struct crdt_model *m, struct seen *seen);
/* The file agrees with its log and with the replica's memory. */
void verify_whole(struct node_replica *r);

#endif
