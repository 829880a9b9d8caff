#ifndef NODE_DOCTOR_CHAINS_H
#define NODE_DOCTOR_CHAINS_H
/* Who wrote what, as the file has it: whole chains, branches, stamps from the future. */
#include "node/doctor/doctor.h"
#include "node/store/store.h"

/* Errors of the store; what is wrong with the chains is said. */
CHT_MUST_USE enum cht_err doctor_chains(struct doctor *d, struct node_store *store);

#endif
