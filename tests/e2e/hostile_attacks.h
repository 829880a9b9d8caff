#ifndef TESTS_E2E_HOSTILE_ATTACKS_H
#define TESTS_E2E_HOSTILE_ATTACKS_H
/* The ways in which a member with a valid key can misbehave, one device each. */
#include "tests/e2e/hostile_link.h"

#define HOSTILE_KINDS_MAX 64u

struct attack {
    const struct net_identity *id;
    const struct victim *v; /* two: the second with the founding record as its only head */
    struct hostile_link l;
    struct hostile_path p;
    unsigned arg;
    const char *counter; /* set by the attack: where it is counted */
    unsigned sent;
};

struct kind {
    const char *name;
    void (*run)(struct attack *a);
    unsigned arg;
    bool slow;
};

extern const struct kind hostile_kinds[];
extern const size_t hostile_kind_count; /* at most HOSTILE_KINDS_MAX */

/* Connect, up to where entries flow, with an empty path. */
void hostile_attack_begin(struct attack *a);
/* The next entry of the path, with a true head. */
void hostile_attack_say(struct attack *a, struct cht_bytes body, const struct crdt_dep *dep);
/* On a connection: more frames than it may send, until the node has enough. */
void hostile_attack_flood(struct attack *a);

/* hostile_blobs.c */
void hostile_blob_early(struct attack *a);
void hostile_blob_unasked(struct attack *a);
void hostile_blob_guessed(struct attack *a);
void hostile_blob_flood(struct attack *a);
void hostile_blob_lies(struct attack *a);

#endif
