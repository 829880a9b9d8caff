/* Sets of entries as arrays by chain; see vector.h. */
#include "crdt/vector.h"

#include <stdlib.h>

#define VECTOR_FIRST 8u

void crdt_vector_clear(struct crdt_vector *v)
{
    free(v->seq);
    *v = (struct crdt_vector){ 0 };
}

static enum cht_err widen(struct crdt_vector *v, uint32_t len)
{
    if (len <= v->len)
        return CHT_OK;
    if (len > v->cap) {
        uint32_t cap = v->cap < VECTOR_FIRST ? VECTOR_FIRST : v->cap * 2;
        if (cap < len)
            cap = len;
        uint32_t *seq = realloc(v->seq, cap * sizeof *seq);
        if (seq == NULL)
            return CHT_E_NOMEM;
        v->seq = seq;
        v->cap = cap;
    }
    memset(v->seq + v->len, 0, (len - v->len) * sizeof *v->seq);
    v->len = len;
    return CHT_OK;
}

enum cht_err crdt_vector_raise(struct crdt_vector *v, uint32_t chain, uint32_t seq)
{
    enum cht_err err = widen(v, chain + 1);
    if (err == CHT_OK && v->seq[chain] < seq)
        v->seq[chain] = seq;
    return err;
}

enum cht_err crdt_vector_join(struct crdt_vector *v, const struct crdt_vector *other)
{
    enum cht_err err = widen(v, other->len);
    if (err != CHT_OK)
        return err;
    for (uint32_t i = 0; i < other->len; i++) {
        if (v->seq[i] < other->seq[i])
            v->seq[i] = other->seq[i];
    }
    return CHT_OK;
}

enum cht_err crdt_vector_copy(struct crdt_vector *v, const struct crdt_vector *other)
{
    enum cht_err err = widen(v, other->len);
    if (err != CHT_OK)
        return err;
    if (other->len != 0)
        memcpy(v->seq, other->seq, other->len * sizeof *v->seq);
    if (v->len > other->len)
        memset(v->seq + other->len, 0, (v->len - other->len) * sizeof *v->seq);
    return CHT_OK;
}

bool crdt_vector_le(const struct crdt_vector *small, const struct crdt_vector *big)
{
    for (uint32_t i = 0; i < small->len; i++) {
        if (small->seq[i] > crdt_vector_get(big, i))
            return false;
    }
    return true;
}

enum cht_err crdt_vector_pack(const struct crdt_vector *v, struct cht_buf *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < v->len; i++)
        count += v->seq[i] != 0;
    enum cht_err err = cht_buf_add_varint(out, count);
    for (uint32_t i = 0; err == CHT_OK && i < v->len; i++) {
        if (v->seq[i] == 0)
            continue;
        err = cht_buf_add_varint(out, i);
        if (err == CHT_OK)
            err = cht_buf_add_varint(out, v->seq[i]);
    }
    return err;
}

enum cht_err crdt_vector_unpack(struct cht_wire *w, uint32_t chain_max, struct crdt_vector *v)
{
    uint64_t count = cht_wire_varint_max(w, chain_max);
    for (uint64_t i = 0; i < count && w->err == CHT_OK; i++) {
        uint64_t chain = cht_wire_varint(w);
        uint64_t seq = cht_wire_varint_max(w, UINT32_MAX);
        if (w->err != CHT_OK)
            break;
        if (chain >= chain_max) {
            cht_wire_fail(w, CHT_E_MALFORMED);
            break;
        }
        enum cht_err err = crdt_vector_raise(v, (uint32_t)chain, (uint32_t)seq);
        if (err != CHT_OK)
            return err;
    }
    return w->err;
}
