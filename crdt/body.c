/* The ops in an entry's body (PROTOCOL 3). Reading takes any msgpack form; writing has one. */
#include "crdt/base/arena.h"
#include "crdt/entry.h"
#include "crdt/mp.h"

#include <assert.h>

#define BODY_DEPTH (LIMIT_MSGPACK_DEPTH + 2u) /* the body and the op around a value */

/* --- reading ------------------------------------------------------------------------------- */

/* An integer below 2^32, or a fault in the cursor. */
static uint32_t take_number(struct cht_wire *w)
{
    struct crdt_mp got = crdt_mp_next(w);
    if (got.kind != CRDT_MP_UINT || got.u > UINT32_MAX) {
        cht_wire_fail(w, CHT_E_MALFORMED);
        return 0;
    }
    return (uint32_t)got.u;
}

/* One dot of a keeps list: [number, seq, index] or [hash, index] (PROTOCOL 3.4). */
static void take_keep(struct cht_wire *w, struct crdt_keep *out)
{
    struct crdt_mp list = crdt_mp_next(w);
    if (list.kind == CRDT_MP_ARRAY && list.u == 3) {
        out->name.number = take_number(w);
        out->name.seq = take_number(w);
        if (out->name.seq == 0)
            cht_wire_fail(w, CHT_E_MALFORMED);
    } else if (list.kind == CRDT_MP_ARRAY && list.u == 2) {
        struct crdt_mp hash = crdt_mp_next(w);
        if (hash.kind == CRDT_MP_BIN && hash.data.len == CRDT_HASH_BYTES)
            memcpy(out->name.hash.b, hash.data.data, CRDT_HASH_BYTES);
        else
            cht_wire_fail(w, CHT_E_MALFORMED);
        out->name.by_hash = true;
    } else {
        cht_wire_fail(w, CHT_E_MALFORMED);
    }
    out->index = take_number(w);
}

static void take_keeps(struct cht_wire *w, struct cht_arena *arena, struct crdt_op *op)
{
    struct crdt_mp list = crdt_mp_next(w);
    if (list.kind != CRDT_MP_ARRAY) {
        cht_wire_fail(w, CHT_E_MALFORMED);
        return;
    }
    if (list.u > LIMIT_KEEPS) {
        cht_wire_fail(w, CHT_E_LIMIT);
        return;
    }
    struct crdt_keep *keeps = cht_arena_array(arena, (size_t)list.u, sizeof *keeps);
    if (keeps == NULL) {
        cht_wire_fail(w, CHT_E_NOMEM);
        return;
    }
    for (uint32_t i = 0; i < list.u && w->err == CHT_OK; i++)
        take_keep(w, &keeps[i]);
    op->keeps = keeps;
    op->keep_count = (uint32_t)list.u;
}

static void take_key(struct cht_wire *w, struct crdt_op *op)
{
    struct cht_bytes key = crdt_mp_skip(w);
    if (key.len > LIMIT_KEY_BYTES)
        cht_wire_fail(w, CHT_E_LIMIT);
    if (w->err == CHT_OK && crdt_mp_peek(key).kind != CRDT_MP_NIL)
        op->key = key; /* nil is no key (PROTOCOL 3.1) */
}

/* The parts after the kind, of which there are `count`. */
static void take_parts(struct cht_wire *w, struct cht_arena *arena, uint64_t count,
                       struct crdt_op *op)
{
    uint64_t least = op->kind == CRDT_OP_PUT ? 2 : 1; /* field and value; field */
    if (count < least || count > least + 2) {
        cht_wire_fail(w, CHT_E_MALFORMED);
        return;
    }
    uint32_t field = take_number(w);
    if (field > LIMIT_FIELD_MAX)
        cht_wire_fail(w, CHT_E_LIMIT);
    op->field = (uint16_t)(w->err == CHT_OK ? field : 0);
    if (count > least)
        take_key(w, op);
    if (op->kind == CRDT_OP_PUT) {
        op->value = crdt_mp_skip(w);
        if (op->value.len > LIMIT_VALUE_BYTES)
            cht_wire_fail(w, CHT_E_LIMIT);
    }
    if (count > least + 1)
        take_keeps(w, arena, op);
}

/* Read one op from its exact bytes. What breaks PROTOCOL 3.1 voids this op alone: it is left in
 * `fault`. CHT_E_UNSUPPORTED and CHT_E_NOMEM are about the whole entry. */
static enum cht_err read_op(struct cht_bytes bytes, struct cht_arena *arena, struct crdt_op *out)
{
    struct cht_wire w = cht_wire(bytes);
    struct crdt_op op = { .kind = 0 };
    struct crdt_mp list = crdt_mp_next(&w);
    struct crdt_mp kind = { .kind = CRDT_MP_NIL };
    if (list.kind == CRDT_MP_ARRAY && list.u != 0)
        kind = crdt_mp_next(&w);
    if (kind.kind == CRDT_MP_UINT && kind.u > CRDT_OP_DROP)
        return CHT_E_UNSUPPORTED; /* PROTOCOL 3.7 */
    if (kind.kind == CRDT_MP_UINT && kind.u != 0) {
        op.kind = (uint8_t)kind.u;
        take_parts(&w, arena, list.u - 1, &op);
    } else {
        cht_wire_fail(&w, CHT_E_MALFORMED);
    }
    if (w.err == CHT_E_NOMEM)
        return CHT_E_NOMEM;
    if (w.err == CHT_OK)
        *out = op;
    else
        *out = (struct crdt_op){ .kind = op.kind, .field = op.field, .fault = w.err };
    return CHT_OK;
}

enum cht_err crdt_body_decode(struct cht_bytes body, struct cht_arena *arena,
                              struct crdt_op **out_ops, uint32_t *out_count)
{
    enum cht_err err = body.len > LIMIT_BODY_BYTES
                           ? CHT_E_LIMIT
                           : crdt_mp_scan(body, BODY_DEPTH, LIMIT_MSGPACK_OBJECTS);
    if (err != CHT_OK)
        return err;
    struct cht_wire w = cht_wire(body);
    struct crdt_mp list = crdt_mp_next(&w);
    if (list.kind != CRDT_MP_ARRAY)
        return CHT_E_MALFORMED;
    if (list.u > LIMIT_ENTRY_OPS)
        return CHT_E_LIMIT;
    struct crdt_op *ops = cht_arena_array(arena, (size_t)list.u, sizeof *ops);
    if (ops == NULL)
        return CHT_E_NOMEM;
    for (uint32_t i = 0; i < list.u && err == CHT_OK; i++)
        err = read_op(crdt_mp_skip(&w), arena, &ops[i]);
    if (err != CHT_OK)
        return err;
    *out_ops = ops;
    *out_count = (uint32_t)list.u;
    return CHT_OK;
}

/* --- writing ------------------------------------------------------------------------------- */

static enum cht_err put_keep(const struct crdt_keep *keep, struct cht_buf *out)
{
    enum cht_err err = crdt_mp_put_array(out, keep->name.by_hash ? 2 : 3);
    if (keep->name.by_hash) {
        if (err == CHT_OK)
            err = crdt_mp_put_bin(out, cht_bytes(keep->name.hash.b, CRDT_HASH_BYTES));
    } else {
        if (err == CHT_OK)
            err = crdt_mp_put_uint(out, keep->name.number);
        if (err == CHT_OK)
            err = crdt_mp_put_uint(out, keep->name.seq);
    }
    return err == CHT_OK ? crdt_mp_put_uint(out, keep->index) : err;
}

static enum cht_err put_op(const struct crdt_op *op, struct cht_buf *out)
{
    assert(op->fault == CHT_OK && (op->kind == CRDT_OP_PUT || op->kind == CRDT_OP_DROP));
    assert((op->value.len != 0) == (op->kind == CRDT_OP_PUT));
    uint32_t parts = op->kind == CRDT_OP_PUT ? 3 : 2;
    if (op->keep_count != 0)
        parts += 2;
    else if (op->key.len != 0)
        parts += 1;
    enum cht_err err = crdt_mp_put_array(out, parts);
    if (err == CHT_OK)
        err = crdt_mp_put_uint(out, op->kind);
    if (err == CHT_OK)
        err = crdt_mp_put_uint(out, op->field);
    if (err == CHT_OK && op->key.len != 0)
        err = cht_buf_add(out, op->key);
    else if (err == CHT_OK && op->keep_count != 0)
        err = crdt_mp_put_nil(out);
    if (err == CHT_OK)
        err = cht_buf_add(out, op->value);
    if (err == CHT_OK && op->keep_count != 0)
        err = crdt_mp_put_array(out, op->keep_count);
    for (uint32_t i = 0; i < op->keep_count && err == CHT_OK; i++)
        err = put_keep(&op->keeps[i], out);
    return err;
}

enum cht_err crdt_body_encode(const struct crdt_op *ops, uint32_t count, struct cht_buf *out)
{
    size_t mark = out->len;
    enum cht_err err = count > LIMIT_ENTRY_OPS ? CHT_E_LIMIT : crdt_mp_put_array(out, count);
    for (uint32_t i = 0; i < count && err == CHT_OK; i++) {
        err = put_op(&ops[i], out);
        if (err == CHT_OK && out->len - mark > LIMIT_BODY_BYTES)
            err = CHT_E_LIMIT;
    }
    if (err != CHT_OK)
        out->len = mark;
    return err;
}
