#ifndef CRDT_COLUMNS_H
#define CRDT_COLUMNS_H
/* The columns of a range (PROTOCOL 4.3): like beside like, so that deflate sees it, and nothing
 * that the reader can work out. A column has no length of its own: those before it say how many
 * values it has, and each value says where it ends. For range.c alone. */
#include "crdt/range.h"

/* Bytes of all bodies of a range: an author signs once they reach LIMIT_HEAD_BYTES (PROTOCOL 4.1).
 */
#define CRDT_RANGE_BODIES_MAX (LIMIT_HEAD_BYTES + LIMIT_BODY_BYTES)

/* One byte an entry: bits 0-2 where its entity comes from, 3-4 its body, then two flags. */
enum crdt_shape {
    CRDT_SHAPE_ENTITY = 7,
    CRDT_SHAPE_BODY_SHIFT = 3,
    CRDT_SHAPE_BODY = 3,
    CRDT_SHAPE_COUNTER = 1 << 5, /* the stamp's counter breaks the rule and is spelt */
    CRDT_SHAPE_EXTRA = 1 << 6,   /* an extra byte follows in its column */
    CRDT_SHAPE_ZERO = 1 << 7,
};

enum crdt_shape_entity {
    CRDT_ENTITY_NONE,
    CRDT_ENTITY_SPELT,
    CRDT_ENTITY_OWN,   /* named on the own path (number 0), by its seq */
    CRDT_ENTITY_NEAR,  /* the same, by how far its seq lies before this entry's */
    CRDT_ENTITY_NAMED, /* by number and seq */
    CRDT_ENTITY_HASH,
    CRDT_ENTITY_SAME, /* as the entry before; when that spelt it, the name of that entry */
};

enum crdt_shape_body {
    CRDT_BODY_OP,      /* one op, in columns */
    CRDT_BODY_OPS,     /* any number of ops, in columns */
    CRDT_BODY_RAW,     /* not canonical: its bytes */
    CRDT_BODY_MISSING, /* its length and hash */
};

/* One byte an entry that has it: bits 0-2 where its actor comes from, then flags. */
enum crdt_extra {
    CRDT_EXTRA_ACTOR = 7,
    CRDT_EXTRA_EPOCH = 1 << 3, /* a new epoch */
    CRDT_EXTRA_TXN = 1 << 4,   /* not the transaction that was expected */
    CRDT_EXTRA_DEPS = 1 << 5,
    CRDT_EXTRA_HEADS = 1 << 6,
    CRDT_EXTRA_ZERO = 1 << 7,
};

enum crdt_extra_actor {
    CRDT_ACTOR_SAME, /* as the entry before; none before the first */
    CRDT_ACTOR_NONE,
    CRDT_ACTOR_SPELT,
    CRDT_ACTOR_NAMED,
    CRDT_ACTOR_HASH,
};

/* An op's head: field << 3 | these. */
enum crdt_op_head {
    CRDT_OP_IS_DROP = 1,
    CRDT_OP_HAS_KEY = 2,
    CRDT_OP_HAS_KEEPS = 4,
    CRDT_OP_FIELD_SHIFT = 3,
};

/* What an entry is taken to repeat of the reference `r` in the entry before it, of that seq. */
struct crdt_ref crdt_columns_same(const struct crdt_ref *r, uint32_t seq);
/* The transaction taken to follow `before` (NULL: the start of the range). */
void crdt_columns_txn(const struct crdt_header *before, uint32_t *position, uint32_t *count);
/* The counter taken to follow the stamp `before` after `ms` milliseconds more. */
uint16_t crdt_columns_counter(crdt_hlc_stamp before, uint64_t ms);
/* The order in which keys and values stand: indices of `fields` by field, then by index; `spare`
 * and `order` have room for `count`. Time grows with `count` alone. */
void crdt_columns_order(const uint16_t *fields, uint32_t count, uint32_t *spare, uint32_t *order);

/* Append the columns of entries that follow `before` and one another. CHT_E_LIMIT, CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err crdt_columns_write(const struct crdt_before *before,
                                             const struct crdt_entry *entries, uint32_t count,
                                             struct cht_buf *out);
/* The inverse of write, into `arena`; errors as crdt_range_decode. */
CHT_MUST_USE enum cht_err crdt_columns_read(const struct crdt_before *before, uint32_t count,
                                            struct cht_bytes columns, struct cht_arena *arena,
                                            struct crdt_entry **out);

#endif
