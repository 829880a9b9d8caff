#ifndef CRDT_ENTRY_H
#define CRDT_ENTRY_H
/* An entry: one change to one entity by one device (PROTOCOL 2 and 3).
 *
 * The header is what is hashed and chained; the body is a msgpack array of ops, named in the header
 * by its hash. Bytes are kept and forwarded exactly; nothing here ever re-encodes to verify. */
#include "crdt/base/buf.h"
#include "crdt/hash.h"
#include "crdt/hlc.h"
#include "crdt/id.h"
#include "crdt/limits.h"

#define CRDT_EPOCH_BYTES    8u
#define CRDT_DEP_HASH_BYTES 16u
#define CRDT_ENTRY_VERSION  1u

/* A reference to an earlier entry of the writer's past (PROTOCOL 2.5). */
struct crdt_name {
    bool by_hash;    /* false: (number, seq); true: hash */
    uint32_t number; /* 0: the writer itself; n: the n-th device first mentioned in deps */
    uint32_t seq;
    struct crdt_hash hash;
};

/* An entity or actor in a header: nothing, spelt out, or the name of the entry that spelt it. */
enum crdt_ref_form { CRDT_REF_NONE = 0, CRDT_REF_SPELT = 1, CRDT_REF_NAMED = 2, CRDT_REF_HASH = 3 };

struct crdt_ref {
    enum crdt_ref_form form;
    struct crdt_id id;     /* SPELT; an actor's type is 0 */
    struct crdt_name name; /* NAMED (number, seq) or HASH */
};

struct crdt_dep {
    uint8_t device[CRDT_ID_BYTES];
    uint8_t epoch[CRDT_EPOCH_BYTES];
    uint32_t seq;
    uint8_t hash[CRDT_DEP_HASH_BYTES]; /* first bytes of the entry's hash */
};

struct crdt_header {
    uint8_t space[CRDT_ID_BYTES];
    uint8_t device[CRDT_ID_BYTES];
    uint8_t epoch[CRDT_EPOCH_BYTES];
    uint32_t seq;          /* counts from 1 along the previous-path */
    struct crdt_hash prev; /* zeros for seq 1 */
    crdt_hlc_stamp hlc;
    struct crdt_ref entity;           /* NONE only in a dep-only entry */
    struct crdt_ref actor;            /* NONE: the device itself */
    uint32_t txn_position, txn_count; /* 0, 1 when alone */
    uint32_t body_len;
    struct crdt_hash body_hash; /* over the body as logged */
    uint32_t dep_count, head_count;
    const struct crdt_dep *deps;   /* sorted, no duplicates; borrowed */
    const struct crdt_hash *heads; /* membership heads, sorted; borrowed */
};

/* Whether `h` may be written at all, wherever it came from. CHT_E_MALFORMED: seq 0, a zero `prev`
 * elsewhere than at seq 1, an empty body, a transaction without this position, deps or heads past
 * position 0, an entry without an entity whose body is longer than the empty one, a type 0 entity,
 * an actor with a type, a name with seq 0, deps or heads out of order. CHT_E_LIMIT: PROTOCOL 2.8.
 */
CHT_MUST_USE enum cht_err crdt_header_check(const struct crdt_header *h);
/* The length of the header's bytes, at most LIMIT_HEADER_BYTES, and those bytes written to `out`
 * (that much room). The header passes `crdt_header_check` (asserted by put). */
size_t crdt_header_size(const struct crdt_header *h);
size_t crdt_header_put(const struct crdt_header *h, uint8_t *out);
/* Append the header's bytes; asserts as put. CHT_E_LIMIT or CHT_E_NOMEM from the buffer. */
CHT_MUST_USE enum cht_err crdt_header_encode(const struct crdt_header *h, struct cht_buf *out);

struct cht_arena;
/* Read a header; `deps` and `heads` are put in `arena`. CHT_E_MALFORMED: framing, a reserved bit,
 * or as crdt_header_check; CHT_E_LIMIT: PROTOCOL 2.8; CHT_E_UNSUPPORTED: the version; CHT_E_NOMEM.
 * Every header has exactly one encoding, so decode then encode gives the same bytes. */
CHT_MUST_USE enum cht_err crdt_header_decode(struct cht_bytes src, struct cht_arena *arena,
                                             struct crdt_header *out);

/* Total order of deps in a header: device, epoch, seq, hash. */
int crdt_dep_cmp(const struct crdt_dep *a, const struct crdt_dep *b);

/* --- the body ------------------------------------------------------------------------------ */

enum crdt_op_kind { CRDT_OP_PUT = 1, CRDT_OP_DROP = 2, CRDT_OP_SPLICE = 3 /* reserved */ };

/* A dot in a keeps list: an op of an earlier entry, by name (PROTOCOL 3.4). */
struct crdt_keep {
    struct crdt_name name;
    uint32_t index;
};

struct crdt_op {
    uint8_t kind;
    uint16_t field;
    struct cht_bytes key;   /* exact msgpack; empty when there is none (nil counts as none) */
    struct cht_bytes value; /* exact msgpack; empty for a drop */
    uint32_t keep_count;
    const struct crdt_keep *keeps;
    enum cht_err fault; /* CHT_OK, or why this op cannot be read: it is void (PROTOCOL 3.6) */
};

/* Split a body into ops in `arena`; spans borrow from `body`. A single op whose form breaks
 * PROTOCOL 3 comes back with `fault` set (it is void by itself and keeps its index).
 * CHT_E_MALFORMED or CHT_E_LIMIT: the body as a whole is no array of at most LIMIT_ENTRY_OPS ops:
 * the entry has no ops. CHT_E_UNSUPPORTED: an op kind this build does not know (splice among them):
 * the entry waits (PROTOCOL 3.7). CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err crdt_body_decode(struct cht_bytes body, struct cht_arena *arena,
                                           struct crdt_op **out_ops, uint32_t *out_count);
/* Append the canonical bytes of `count` ops (one with a fault has none: asserted). CHT_E_LIMIT:
 * more than LIMIT_ENTRY_OPS ops, LIMIT_BODY_BYTES, or what the buffer holds; CHT_E_NOMEM. On error
 * the buffer is unchanged. */
CHT_MUST_USE enum cht_err crdt_body_encode(const struct crdt_op *ops, uint32_t count,
                                           struct cht_buf *out);

#endif
