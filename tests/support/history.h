#ifndef TESTS_SUPPORT_HISTORY_H
#define TESTS_SUPPORT_HISTORY_H
/* Random causal histories of several devices, as real entries (PROTOCOL 2 and 3).
 *
 * From a seed, copies of 2 to 6 devices write, take in from each other and fork; each writes with
 * the deps and names that its own partial view asks for, and now and then something void, unknown
 * or waiting for ever. The entries are not signed here; each device has its keys, and `txn_left`
 * tells where a head may stand, so that the same history can go through a real receive path as
 * signed ranges. What the generator meant by each entry stands beside it, worked out by its own
 * means. */
#include "crdt/base/arena.h"
#include "crdt/entry.h"

#include <sodium.h>
#include <stdio.h>

#define HISTORY_NONE        UINT32_MAX
#define HISTORY_DEVICES_MAX 6u

/* name, what one in a hundred is counted of, text. The bases themselves come first. */
#define HISTORY_CLASSES(X)                                                                         \
    X(OPS, OPS, "ops")                                                                             \
    X(ENTRIES, ENTRIES, "entries")                                                                 \
    X(PUT, OPS, "put")                                                                             \
    X(DROP, OPS, "drop")                                                                           \
    X(KEEPS, OPS, "with keeps")                                                                    \
    X(REGISTER, OPS, "on a register")                                                              \
    X(SET, OPS, "on a set")                                                                        \
    X(MAP, OPS, "on a map")                                                                        \
    X(TEXT, OPS, "on a text")                                                                      \
    X(UNKNOWN_FIELD, OPS, "on an unknown field")                                                   \
    X(UNKNOWN_TYPE, OPS, "on an unknown type")                                                     \
    X(LWW, OPS, "lww")                                                                             \
    X(RANK, OPS, "rank")                                                                           \
    X(FIRST, OPS, "first")                                                                         \
    X(MAX, OPS, "max")                                                                             \
    X(TOKEN, OPS, "token")                                                                         \
    X(DELETE, OPS, "delete")                                                                       \
    X(DELETE_KEEPS, DELETE, "delete with keeps")                                                   \
    X(REVIVE, OPS, "revival")                                                                      \
    X(LOOSE, OPS, "not in the shortest form")                                                      \
    X(VOID_TYPE, OPS, "void: wrong type")                                                          \
    X(VOID_ENUM, OPS, "void: no word of the enum")                                                 \
    X(VOID_KEY_BIG, OPS, "void: key too large")                                                    \
    X(VOID_VALUE_BIG, ENTRIES, "void: value too large")                                            \
    X(VOID_KEY_EXTRA, OPS, "void: a key where none may be")                                        \
    X(VOID_KEY_NONE, OPS, "void: no key where one must be")                                        \
    X(VOID_KEY_LOOSE, OPS, "void: key not in the shortest form")                                   \
    X(VOID_TEXT, OPS, "void: bad UTF-8")                                                           \
    X(VOID_FIELD, OPS, "void: field number")                                                       \
    X(VOID_FORM, OPS, "void: form of the op")                                                      \
    X(VOID_DEEP, OPS, "void: nested too deep")                                                     \
    X(KEEP_OTHER, KEEPS, "keep: of another device, in the past")                                   \
    X(KEEP_OWN, KEEPS, "keep: of the own device")                                                  \
    X(KEEP_OUTSIDE, KEEPS, "keep: not in the past")                                                \
    X(KEEP_NAMELESS, KEEPS, "keep: names nothing")                                                 \
    X(SPELT, ENTRIES, "entity spelt")                                                              \
    X(NAMED_OWN, ENTRIES, "entity named in the own path")                                          \
    X(NAMED_OTHER, ENTRIES, "entity named by a device number")                                     \
    X(NAMED_HASH, ENTRIES, "entity named by hash")                                                 \
    X(ACTOR_SPELT, ENTRIES, "actor spelt")                                                         \
    X(ACTOR_NAMED, ENTRIES, "actor named")                                                         \
    X(TXN, ENTRIES, "in a transaction of several")                                                 \
    X(DEPS_ONLY, ENTRIES, "only deps")                                                             \
    X(EPOCH, ENTRIES, "first of an epoch")                                                         \
    X(FORK, ENTRIES, "forks off its path")                                                         \
    X(SEVERAL_TIPS, ENTRIES, "has several tips of one device in its past")                         \
    X(MERGES_OWN, ENTRIES, "depends on another tip of its device")                                 \
    X(STAMP_EQUAL, ENTRIES, "stamp equal to others'")                                              \
    X(STAMP_BACK, ENTRIES, "stamp before one of its past")                                         \
    X(STAMP_FAR, ENTRIES, "stamp in the far future")                                               \
    X(VOID_ENTITY, ENTRIES, "void: entity does not resolve")                                       \
    X(VOID_ACTOR, ENTRIES, "void: actor does not resolve")                                         \
    X(VOID_BODY, ENTRIES, "void: body as a whole")                                                 \
    X(WAITS_KIND, ENTRIES, "waits: unknown op kind")                                               \
    X(WAITS_DEP, ENTRIES, "waits: depends on what is not")                                         \
    X(WAITS_AFTER, ENTRIES, "waits: after one that waits")

enum history_class {
#define X(name, base, text) HISTORY_##name,
    HISTORY_CLASSES(X)
#undef X
        HISTORY_CLASS_COUNT
};

struct history_device {
    uint8_t id[CRDT_ID_BYTES]; /* PROTOCOL 7.1 */
    uint8_t sign_seed[crypto_sign_SEEDBYTES];
    uint8_t sign_public[crypto_sign_PUBLICKEYBYTES];
    uint8_t sign_secret[crypto_sign_SECRETKEYBYTES];
};

struct history_entry {
    struct cht_bytes header, body;
    struct crdt_hash hash;
    struct crdt_header h;    /* what `header` says */
    uint32_t device;         /* index */
    uint32_t prev;           /* index of the entry before on the path; HISTORY_NONE for seq 1 */
    const uint32_t *parents; /* indexes of previous and deps that exist */
    uint32_t parent_count;
    uint32_t txn_left; /* entries of its transaction still to follow; a head may stand where 0 */
    /* what the generator meant */
    bool waits;            /* for ever: an unknown op kind or a dep on nothing, here or before */
    bool resolves;         /* entity and actor resolve; else all ops are void */
    struct crdt_id entity; /* when it resolves */
    const uint64_t *past;  /* a bit an entry, itself not in it */
    uint32_t heads_from;   /* the entry of its path that named the heads in force */
    uint8_t numbers[HISTORY_DEVICES_MAX]; /* device number n of the path is the n-1-th */
    uint8_t number_count;
};

struct history {
    uint64_t seed;
    struct history_device devices[HISTORY_DEVICES_MAX];
    uint32_t device_count;
    struct history_entry *entries; /* in a causal order */
    uint32_t count;
    uint32_t tally[HISTORY_CLASS_COUNT];
    struct cht_arena arena; /* everything the history owns */
};

/* What the entries say about the space; zeros will do where nobody checks. */
struct history_space {
    uint8_t id[CRDT_ID_BYTES];
    const struct crdt_hash *heads; /* membership heads for the first entry of each path */
    uint32_t head_count;
    /* Where records come while the history is written: the heads that a device holds now, at most
     * LIMIT_MEMBER_HEADS; an entry names them where they are others than before on its path. */
    const struct crdt_hash *(*heads_of)(void *ctx, const struct history *h, uint32_t device,
                                        uint32_t *out_count);
    void *ctx;
};

/* Device `index` of the history with this seed: to make membership records before the history. */
void history_device(uint64_t seed, uint32_t index, struct history_device *out);
/* Make a history of about `count` entries. Runs out of memory by abort: this is for tests. */
void history_make(struct history *h, uint64_t seed, uint32_t count,
                  const struct history_space *space);
void history_clear(struct history *h);
/* Is entry `inner` in the past of entry `outer`? */
bool history_in_past(const struct history *h, uint32_t outer, uint32_t inner);

/* --- orders of arrival ---------------------------------------------------------------------- */

enum {
    HISTORY_CAUSAL = 1,     /* parents first */
    HISTORY_DUPLICATES = 2, /* about one in ten comes again, at any time */
};

struct history_order {
    uint32_t *steps;   /* indexes of entries */
    uint32_t *batches; /* where each batch ends among the steps; the last is `count` */
    uint32_t count, batch_count;
    uint32_t duplicates, gaps; /* steps that came before; that come before one of their parents */
};

/* A random order of arrival in random batches. With `subset_seed` not 0, about one entry in twenty
 * is left out, the same ones for the same number. */
void history_order(const struct history *h, uint64_t seed, uint64_t subset_seed, unsigned flags,
                   struct history_order *out);
void history_order_clear(struct history_order *o);

/* --- what was in it ------------------------------------------------------------------------- */

void history_add_tally(uint32_t sum[static HISTORY_CLASS_COUNT], const struct history *h);
/* Print how often each class came, as comments of TAP; returns how many classes came in less than
 * one of a hundred cases. */
unsigned history_report(const uint32_t tally[static HISTORY_CLASS_COUNT], FILE *out);

#endif
