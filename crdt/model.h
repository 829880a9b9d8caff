#ifndef CRDT_MODEL_H
#define CRDT_MODEL_H
/* The reference model: a replica in memory, written straight from PROTOCOL 2, 3 and 5.
 *
 * It is deliberately naive and shares nothing with the replica that the node runs (graph, vector,
 * state, root): the past of an entry is a set with a bit an entry, and a value is live when a look
 * at all other ops of its cell finds none that replaces it. It is what the tests hold the real
 * replica against, so clarity counts and speed does not; it is meant for some thousands of entries.
 * It knows no signatures, members or spaces: entries are handed to it verified, and who judges them
 * says so by `ruled` before crdt_model_settle. */
#include "crdt/base/arena.h"
#include "crdt/entry.h"

#define CRDT_MODEL_NONE UINT32_MAX /* no entry */

struct crdt_model_entry {
    struct crdt_hash hash;
    struct crdt_header h;
    const struct crdt_op *ops; /* none when the body as a whole is void */
    uint32_t op_count;
    bool body_void;    /* the body as a whole is void (PROTOCOL 3.6) */
    bool ruled;        /* set from outside: rulings void it (PROTOCOL 7.26); it has no ops then */
    bool unknown_kind; /* an op kind this build does not know: it waits (PROTOCOL 3.7) */

    /* what crdt_model_settle finds out */
    uint32_t prev;  /* index of the entry, CRDT_MODEL_NONE for seq 1 or when it is not held */
    uint32_t *deps; /* the same, as many as the header has */
    bool applied;   /* otherwise it waits */
    bool resolved;  /* it has an entity, and entity and actor resolve; otherwise all ops are void */
    struct crdt_id entity, actor; /* actor: type 0; the device itself when there is none */
    uint64_t *past;               /* a bit an entry (PROTOCOL 2.4); only when applied */
    const uint8_t **numbers;      /* device n of its path is the n-1-th (2.5); only when applied */
    uint32_t number_count;
    bool *voids; /* an op each (PROTOCOL 3.6); only when applied */
};

struct crdt_model_value {
    uint32_t entry; /* the dot: an entry and the place of an op in it (PROTOCOL 3.3) */
    uint16_t index;
    struct cht_bytes bytes; /* exact msgpack */
};

/* A cell with live values (PROTOCOL 5.2). */
struct crdt_model_cell {
    struct crdt_id entity;
    uint16_t field;
    struct cht_bytes key;                  /* empty without one */
    const struct crdt_model_value *values; /* ascending by device, epoch, seq, index, hash */
    uint32_t count;                        /* at least 1 */
    uint32_t shown;                        /* which of the values (PROTOCOL 5.4) */
    bool conflict;                         /* PROTOCOL 5.5 */
};

/* Everything is for reading only; what stands below `count` is right after crdt_model_settle. */
struct crdt_model {
    struct cht_arena kept, work; /* entries; what the last settle made */
    struct crdt_model_entry *entries;
    uint32_t count, cap;
    uint32_t applied, waiting;     /* entries; together `count` */
    uint32_t *by_hash;             /* indexes of entries, ascending by hash */
    struct crdt_model_cell *cells; /* ascending by type, id, field, key */
    uint32_t cell_count;
    uint8_t root[CRDT_HASH_BYTES]; /* PROTOCOL 5.8, little-endian */
};

void crdt_model_init(struct crdt_model *m);
void crdt_model_clear(struct crdt_model *m);

/* Hold an entry; both spans are copied. One held before changes nothing.
 * CHT_E_SIGNATURE: the body is not the one that the header names; CHT_E_NOMEM; errors of
 * crdt_header_decode. On error the model is unchanged. */
CHT_MUST_USE enum cht_err crdt_model_add(struct crdt_model *m, struct cht_bytes header,
                                         struct cht_bytes body);
/* Work everything out anew from the entries held. CHT_E_NOMEM: the model is only fit for clear. */
CHT_MUST_USE enum cht_err crdt_model_settle(struct crdt_model *m);

/* Index of the entry with this hash, or CRDT_MODEL_NONE. */
uint32_t crdt_model_find(const struct crdt_model *m, const struct crdt_hash *hash);
/* Is entry `inner` in past(`outer`)? Both are applied. */
bool crdt_model_in_past(const struct crdt_model *m, uint32_t outer, uint32_t inner);
/* The entry that a name in an applied entry means (PROTOCOL 2.5), or CRDT_MODEL_NONE. */
uint32_t crdt_model_resolve(const struct crdt_model *m, uint32_t entry,
                            const struct crdt_name *name);

/* The cells of an entity that have live values; NULL and 0 when there are none. */
const struct crdt_model_cell *crdt_model_cells(const struct crdt_model *m, const struct crdt_id *id,
                                               uint32_t *out_count);
/* The cell, or NULL when it has no live value. */
const struct crdt_model_cell *crdt_model_cell(const struct crdt_model *m, const struct crdt_id *id,
                                              uint16_t field, struct cht_bytes key);
/* Shown `deleted` is true; hidden, and something was written that no delete saw (PROTOCOL 5.6). */
bool crdt_model_hidden(const struct crdt_model *m, const struct crdt_id *id);
bool crdt_model_contested(const struct crdt_model *m, const struct crdt_id *id);

#endif
