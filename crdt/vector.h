#ifndef CRDT_VECTOR_H
#define CRDT_VECTOR_H
/* A downward-closed set of entries, as the highest sequence number held of each linear path
 * (PROTOCOL 2.4, 2.6). Paths are the replica's own small numbers (`chain`, see graph.h), so a
 * vector is a short array and "is this entry in that past" is one comparison. */
#include "crdt/base/buf.h"
#include "crdt/base/wire.h"

struct crdt_vector {
    uint32_t *seq; /* by chain; chains at or above `len` have 0: nothing */
    uint32_t len, cap;
};

void crdt_vector_clear(struct crdt_vector *v);

static inline uint32_t crdt_vector_get(const struct crdt_vector *v, uint32_t chain)
{
    return chain < v->len ? v->seq[chain] : 0;
}
/* True when entry (chain, seq) is in the set. */
static inline bool crdt_vector_has(const struct crdt_vector *v, uint32_t chain, uint32_t seq)
{
    return seq <= crdt_vector_get(v, chain);
}

/* Raise one chain to at least `seq`. CHT_E_NOMEM leaves the set as it was. */
CHT_MUST_USE enum cht_err crdt_vector_raise(struct crdt_vector *v, uint32_t chain, uint32_t seq);
/* v := v ∪ other. CHT_E_NOMEM leaves the set as it was. */
CHT_MUST_USE enum cht_err crdt_vector_join(struct crdt_vector *v, const struct crdt_vector *other);
/* v := other. */
CHT_MUST_USE enum cht_err crdt_vector_copy(struct crdt_vector *v, const struct crdt_vector *other);
/* True when every entry of `small` is in `big`. */
bool crdt_vector_le(const struct crdt_vector *small, const struct crdt_vector *big);

/* Local form (log rows, delete values): varint count, then (chain, seq) pairs of the non-empty
 * chains, ascending. Chain numbers are local, so this never travels. */
CHT_MUST_USE enum cht_err crdt_vector_pack(const struct crdt_vector *v, struct cht_buf *out);
/* Join what stands at the cursor into `v`; chains at or above `chain_max` are malformed. */
CHT_MUST_USE enum cht_err crdt_vector_unpack(struct cht_wire *w, uint32_t chain_max,
                                             struct crdt_vector *v);

#endif
