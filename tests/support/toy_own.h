#ifndef TESTS_SUPPORT_TOY_OWN_H
#define TESTS_SUPPORT_TOY_OWN_H
/* Inside of the toy replica, shared by toy.c and toy_view.c. */
#include "tests/support/toy.h"

struct toy_held *toy_find(const struct toy_replica *r, const uint8_t hash[CRDT_DEP_HASH_BYTES]);
struct crdt_hash toy_term(const struct toy_replica *r, const struct toy_entry *e);
void toy_sign(const struct toy_entry *e, uint8_t out[CRDT_SIG_BYTES]);

#endif
