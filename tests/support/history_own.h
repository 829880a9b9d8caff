#ifndef TESTS_SUPPORT_HISTORY_OWN_H
#define TESTS_SUPPORT_HISTORY_OWN_H
/* What the generator's files share among themselves. */
#include "crdt/mp.h"
#include "crdt/schema.h"
#include "tests/support/history.h"
#include "tests/support/seeded.h"

#define HISTORY_WRITERS_MAX 12u

/* One running copy of a device: a clone of a disk is another. */
struct history_writer {
    uint32_t device;
    uint32_t tip;   /* HISTORY_NONE before the first entry */
    uint64_t *view; /* entries it has applied */
    uint8_t epoch[CRDT_EPOCH_BYTES];
    uint64_t clock_ms;
    int64_t skew_ms;
    uint32_t lost; /* entries written since one that waits for ever */
};

/* A put that went into an entry, for keeps lists. */
struct history_put {
    uint32_t entry, device;
    uint32_t index;
    struct crdt_id entity;
    uint16_t field;
    struct cht_bytes key;
};

struct history_maker {
    struct history *h;
    const struct history_space *space;
    struct seeded random;
    struct history_writer writers[HISTORY_WRITERS_MAX];
    uint32_t writer_count;
    size_t words; /* of a set of entries */
    struct history_put *puts;
    uint32_t put_count, put_cap;
    uint64_t now_ms;
};

/* An entry being written. */
struct history_draft {
    struct crdt_header header;
    uint32_t device;
    uint32_t prev;
    uint64_t *past;
    uint8_t numbers[HISTORY_DEVICES_MAX];
    uint8_t number_count;
    bool resolves, waits;
    struct crdt_id entity;
    struct cht_buf body;
};

/* --- small tools (history.c) ---------------------------------------------------------------- */

bool history_chance(struct history_maker *k, uint32_t percent);
void history_count(struct history_maker *k, enum history_class what);
/* Stop the test with a word when `err` is not CHT_OK. */
void history_must(enum cht_err err);
void *history_room(struct history_maker *k, size_t count, size_t size);
struct cht_bytes history_keep_bytes(struct history_maker *k, struct cht_bytes bytes);
bool history_set_has(const uint64_t *set, uint32_t i);
void history_set_put(uint64_t *set, uint32_t i);
void history_set_join(const struct history_maker *k, uint64_t *set, const uint64_t *other);

/* --- names (history_names.c) ---------------------------------------------------------------- */

/* How many tips a device has in `past`; one of them (the first) in `out_tip`. */
uint32_t history_tips(const struct history_maker *k, const uint64_t *past, uint32_t device,
                      uint32_t *out_tip);
/* The right name of `target`, an entry in the draft's past: by number where that works. */
struct crdt_name history_name(struct history_maker *k, const struct history_draft *d,
                              uint32_t target);
/* A name that resolves to nothing in this draft. */
struct crdt_name history_bad_name(struct history_maker *k, const struct history_draft *d);
/* Choose entity and actor, right or wrong. */
void history_choose_refs(struct history_maker *k, struct history_draft *d);

/* --- bodies (history_ops.c) ----------------------------------------------------------------- */

/* Fill the draft's body with ops on its entity. */
void history_write_body(struct history_maker *k, struct history_draft *d);
/* The msgpack of a random value that the row allows (a key with `is_key`); `f` NULL: anything. */
struct cht_bytes history_value(struct history_maker *k, const struct crdt_field *f, bool is_key);

#endif
