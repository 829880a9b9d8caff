/* Entries into columns (PROTOCOL 4.3); see columns.h. */
#include "crdt/columns.h"
#include "crdt/entry_own.h"

#include <assert.h>

/* Scratch of one range: its ops several times over, and their keeps. */
#define WRITE_SCRATCH_BYTES ((size_t)64 * 1024 * 1024)

struct writer {
    const struct crdt_before *before;
    const struct crdt_entry *entries;
    uint32_t count;
    struct cht_arena scratch;
    struct cht_buf body;      /* a body written anew, to compare */
    uint8_t *shapes, *extras; /* one an entry */
    struct crdt_op **ops;     /* of each entry with its body in columns */
    uint32_t *op_counts;      /* 0 where the body is raw or missing */
    uint32_t op_total;
    const struct crdt_op **flat; /* all ops, then in the order of their fields */
    uint32_t *order;
    struct cht_buf *out;
    enum cht_err err; /* the first one; nothing is written after it */
};

static void note(struct writer *w, enum cht_err err)
{
    if (w->err == CHT_OK)
        w->err = err;
}

static void put_bytes(struct writer *w, const void *data, size_t len)
{
    if (w->err == CHT_OK)
        w->err = cht_buf_add(w->out, cht_bytes(data, len));
}

static void put_varint(struct writer *w, uint64_t v)
{
    if (w->err == CHT_OK)
        w->err = cht_buf_add_varint(w->out, v);
}

static void *scratch(struct writer *w, size_t count, size_t size)
{
    void *got = cht_arena_array(&w->scratch, count, size);
    if (got == NULL)
        note(w, CHT_E_NOMEM);
    return got;
}

/* --- what is there to say of each entry ---------------------------------------------------- */

static bool ref_eq(const struct crdt_ref *a, const struct crdt_ref *b)
{
    if (a->form != b->form)
        return false;
    switch (a->form) {
    case CRDT_REF_SPELT:
        return crdt_id_eq(&a->id, &b->id);
    case CRDT_REF_NAMED:
        return a->name.number == b->name.number && a->name.seq == b->name.seq;
    case CRDT_REF_HASH:
        return crdt_hash_eq(&a->name.hash, &b->name.hash);
    case CRDT_REF_NONE:
    default:
        return true;
    }
}

/* Whether `now` repeats what the entry before has; before the first entry stands none. */
static bool is_same(const struct crdt_header *before, const struct crdt_ref *then,
                    const struct crdt_ref *now)
{
    if (before == NULL)
        return now->form == CRDT_REF_NONE;
    struct crdt_ref same = crdt_columns_same(then, before->seq);
    return ref_eq(&same, now);
}

/* Names on the own path: all by seq or all by distance, whichever is shorter over the range. A
 * mixture would cost more in the shapes than it saves. */
static enum crdt_shape_entity own_form(const struct writer *w)
{
    size_t by_seq = 0;
    size_t by_distance = 0;
    for (uint32_t i = 0; i < w->count; i++) {
        const struct crdt_header *h = &w->entries[i].header;
        if (h->entity.form != CRDT_REF_NAMED || h->entity.name.number != 0)
            continue;
        if (h->entity.name.seq >= h->seq)
            return CRDT_ENTITY_OWN;
        by_seq += cht_varint_size(h->entity.name.seq);
        by_distance += cht_varint_size(h->seq - h->entity.name.seq);
    }
    return by_distance < by_seq ? CRDT_ENTITY_NEAR : CRDT_ENTITY_OWN;
}

static enum crdt_shape_entity entity_form(const struct crdt_header *before,
                                          const struct crdt_header *h, enum crdt_shape_entity own)
{
    if (h->entity.form == CRDT_REF_NONE)
        return CRDT_ENTITY_NONE;
    if (before != NULL && is_same(before, &before->entity, &h->entity))
        return CRDT_ENTITY_SAME;
    if (h->entity.form == CRDT_REF_SPELT)
        return CRDT_ENTITY_SPELT;
    if (h->entity.form == CRDT_REF_HASH)
        return CRDT_ENTITY_HASH;
    return h->entity.name.number == 0 ? own : CRDT_ENTITY_NAMED;
}

static enum crdt_extra_actor actor_form(const struct crdt_header *before,
                                        const struct crdt_header *h)
{
    if (is_same(before, before == NULL ? NULL : &before->actor, &h->actor))
        return CRDT_ACTOR_SAME;
    static const enum crdt_extra_actor forms[] = {
        [CRDT_REF_NONE] = CRDT_ACTOR_NONE,
        [CRDT_REF_SPELT] = CRDT_ACTOR_SPELT,
        [CRDT_REF_NAMED] = CRDT_ACTOR_NAMED,
        [CRDT_REF_HASH] = CRDT_ACTOR_HASH,
    };
    return forms[h->actor.form];
}

static uint8_t extra_of(const struct crdt_header *before, const uint8_t *epoch_before,
                        const struct crdt_header *h)
{
    uint32_t position, count;
    unsigned extra = actor_form(before, h);
    crdt_columns_txn(before, &position, &count);
    if (memcmp(epoch_before, h->epoch, CRDT_EPOCH_BYTES) != 0)
        extra |= CRDT_EXTRA_EPOCH;
    if (h->txn_position != position || h->txn_count != count)
        extra |= CRDT_EXTRA_TXN;
    if (h->dep_count != 0)
        extra |= CRDT_EXTRA_DEPS;
    if (h->head_count != 0)
        extra |= CRDT_EXTRA_HEADS;
    return (uint8_t)extra;
}

/* Ops go into columns only when writing them anew gives the body's bytes. */
static enum crdt_shape_body body_form(struct writer *w, uint32_t i)
{
    const struct crdt_entry *e = &w->entries[i];
    struct crdt_op *ops = NULL;
    uint32_t count = 0;
    if (e->body.data == NULL)
        return CRDT_BODY_MISSING;
    enum cht_err err = crdt_body_decode(e->body, &w->scratch, &ops, &count);
    if (err == CHT_E_NOMEM)
        note(w, err);
    for (uint32_t k = 0; k < count && err == CHT_OK; k++)
        err = ops[k].fault;
    if (err != CHT_OK)
        return CRDT_BODY_RAW;
    cht_buf_reset(&w->body);
    err = crdt_body_encode(ops, count, &w->body);
    if (err == CHT_E_NOMEM)
        note(w, err);
    if (err != CHT_OK || !cht_bytes_eq(e->body, cht_buf_view(&w->body)))
        return CRDT_BODY_RAW;
    w->ops[i] = ops;
    w->op_counts[i] = count;
    w->op_total += count;
    return count == 1 ? CRDT_BODY_OP : CRDT_BODY_OPS;
}

static uint64_t ms_after(crdt_hlc_stamp before, crdt_hlc_stamp now)
{
    return (crdt_hlc_ms(now) - crdt_hlc_ms(before)) & CRDT_HLC_MS_MAX;
}

static void look(struct writer *w)
{
    enum crdt_shape_entity own = own_form(w);
    const struct crdt_header *before = NULL;
    const uint8_t *epoch = w->before->epoch;
    crdt_hlc_stamp stamp = w->before->hlc;
    for (uint32_t i = 0; i < w->count && w->err == CHT_OK; i++) {
        const struct crdt_header *h = &w->entries[i].header;
        unsigned shape = entity_form(before, h, own);
        shape |= (unsigned)body_form(w, i) << CRDT_SHAPE_BODY_SHIFT;
        if (crdt_hlc_counter(h->hlc) != crdt_columns_counter(stamp, ms_after(stamp, h->hlc)))
            shape |= CRDT_SHAPE_COUNTER;
        w->extras[i] = extra_of(before, epoch, h);
        if (w->extras[i] != 0)
            shape |= CRDT_SHAPE_EXTRA;
        w->shapes[i] = (uint8_t)shape;
        before = h;
        epoch = h->epoch;
        stamp = h->hlc;
    }
}

/* --- the columns, in their order ----------------------------------------------------------- */

static void put_shapes_and_stamps(struct writer *w)
{
    crdt_hlc_stamp stamp = w->before->hlc;
    put_bytes(w, w->shapes, w->count);
    for (uint32_t i = 0; i < w->count; i++)
        if (w->extras[i] != 0)
            put_bytes(w, &w->extras[i], 1);
    for (uint32_t i = 0; i < w->count; i++) {
        put_varint(w, ms_after(stamp, w->entries[i].header.hlc));
        stamp = w->entries[i].header.hlc;
    }
    for (uint32_t i = 0; i < w->count; i++)
        if ((w->shapes[i] & CRDT_SHAPE_COUNTER) != 0)
            put_varint(w, crdt_hlc_counter(w->entries[i].header.hlc));
    for (uint32_t i = 0; i < w->count; i++)
        if ((w->extras[i] & CRDT_EXTRA_EPOCH) != 0)
            put_bytes(w, w->entries[i].header.epoch, CRDT_EPOCH_BYTES);
}

static void put_entities(struct writer *w)
{
    const struct crdt_entry *e = w->entries;
    for (uint32_t i = 0; i < w->count; i++)
        if ((w->shapes[i] & CRDT_SHAPE_ENTITY) == CRDT_ENTITY_SPELT)
            put_bytes(w, &e[i].header.entity.id.type, 1);
    for (uint32_t i = 0; i < w->count; i++)
        if ((w->shapes[i] & CRDT_SHAPE_ENTITY) == CRDT_ENTITY_SPELT)
            put_bytes(w, e[i].header.entity.id.b, CRDT_ID_BYTES);
    for (uint32_t i = 0; i < w->count; i++)
        if ((w->shapes[i] & CRDT_SHAPE_ENTITY) == CRDT_ENTITY_NAMED)
            put_varint(w, e[i].header.entity.name.number);
    for (uint32_t i = 0; i < w->count; i++) {
        unsigned form = w->shapes[i] & CRDT_SHAPE_ENTITY;
        if (form == CRDT_ENTITY_OWN || form == CRDT_ENTITY_NAMED)
            put_varint(w, e[i].header.entity.name.seq);
        else if (form == CRDT_ENTITY_NEAR)
            put_varint(w, e[i].header.seq - e[i].header.entity.name.seq);
    }
    for (uint32_t i = 0; i < w->count; i++)
        if ((w->shapes[i] & CRDT_SHAPE_ENTITY) == CRDT_ENTITY_HASH)
            put_bytes(w, e[i].header.entity.name.hash.b, CRDT_HASH_BYTES);
}

/* Append a part of a header that entry.c writes. */
static void put_part(struct writer *w, size_t size,
                     uint8_t *(*put)(uint8_t *, const struct crdt_header *),
                     const struct crdt_header *h)
{
    if (w->err == CHT_OK)
        w->err = cht_buf_reserve(w->out, size);
    if (w->err != CHT_OK)
        return;
    (void)put(w->out->data + w->out->len, h);
    w->out->len += size;
}

static uint8_t *put_actor(uint8_t *p, const struct crdt_header *h)
{
    return crdt_put_ref(p, &h->actor);
}

static void put_extras(struct writer *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        const struct crdt_header *h = &w->entries[i].header;
        if ((w->extras[i] & CRDT_EXTRA_ACTOR) != CRDT_ACTOR_SAME)
            put_part(w, crdt_ref_size(&h->actor), put_actor, h);
    }
    for (uint32_t i = 0; i < w->count; i++) {
        if ((w->extras[i] & CRDT_EXTRA_TXN) == 0)
            continue;
        put_varint(w, w->entries[i].header.txn_position);
        put_varint(w, w->entries[i].header.txn_count);
    }
    for (uint32_t i = 0; i < w->count; i++) {
        const struct crdt_header *h = &w->entries[i].header;
        if ((w->extras[i] & CRDT_EXTRA_DEPS) != 0)
            put_part(w, crdt_deps_size(h), crdt_put_deps, h);
    }
    for (uint32_t i = 0; i < w->count; i++) {
        const struct crdt_header *h = &w->entries[i].header;
        if ((w->extras[i] & CRDT_EXTRA_HEADS) != 0)
            put_part(w, crdt_heads_size(h), crdt_put_heads, h);
    }
}

static unsigned body_of(const struct writer *w, uint32_t i)
{
    return (unsigned)w->shapes[i] >> CRDT_SHAPE_BODY_SHIFT & CRDT_SHAPE_BODY;
}

static void put_op_heads(struct writer *w)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (body_of(w, i) == CRDT_BODY_OPS)
            put_varint(w, w->op_counts[i]);
    for (uint32_t k = 0; k < w->op_total; k++) {
        const struct crdt_op *op = w->flat[k];
        unsigned head = (unsigned)op->field << CRDT_OP_FIELD_SHIFT;
        head |= op->kind == CRDT_OP_DROP ? CRDT_OP_IS_DROP : 0u;
        head |= op->key.len != 0 ? CRDT_OP_HAS_KEY : 0u;
        head |= op->keep_count != 0 ? CRDT_OP_HAS_KEEPS : 0u;
        put_varint(w, head);
    }
}

static void put_keeps(struct writer *w, const struct crdt_op *op)
{
    put_varint(w, op->keep_count);
    for (uint32_t i = 0; i < op->keep_count; i++) {
        const struct crdt_keep *keep = &op->keeps[i];
        if (keep->name.by_hash) {
            put_varint(w, 0);
            put_bytes(w, keep->name.hash.b, CRDT_HASH_BYTES);
        } else {
            put_varint(w, (uint64_t)keep->name.number + 1);
            put_varint(w, keep->name.seq);
        }
        put_varint(w, keep->index);
    }
}

static void put_ops(struct writer *w)
{
    put_op_heads(w);
    for (uint32_t k = 0; k < w->op_total; k++)
        put_bytes(w, w->flat[w->order[k]]->key.data, w->flat[w->order[k]]->key.len);
    for (uint32_t k = 0; k < w->op_total; k++)
        put_bytes(w, w->flat[w->order[k]]->value.data, w->flat[w->order[k]]->value.len);
    for (uint32_t k = 0; k < w->op_total; k++)
        if (w->flat[k]->keep_count != 0)
            put_keeps(w, w->flat[k]);
}

static void put_bodies(struct writer *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        const struct crdt_entry *e = &w->entries[i];
        if (body_of(w, i) == CRDT_BODY_RAW) {
            put_varint(w, e->body.len);
            put_bytes(w, e->body.data, e->body.len);
        } else if (body_of(w, i) == CRDT_BODY_MISSING) {
            put_varint(w, e->header.body_len);
            put_bytes(w, e->header.body_hash.b, CRDT_HASH_BYTES);
        }
    }
}

/* --- together ------------------------------------------------------------------------------ */

/* All ops beside one another, and the order of their fields. */
static void flatten(struct writer *w)
{
    uint16_t *fields = scratch(w, w->op_total, sizeof *fields);
    uint32_t *spare = scratch(w, w->op_total, sizeof *spare);
    uint32_t at = 0;
    w->flat = scratch(w, w->op_total, sizeof *w->flat);
    w->order = scratch(w, w->op_total, sizeof *w->order);
    if (w->err != CHT_OK)
        return;
    for (uint32_t i = 0; i < w->count; i++) {
        for (uint32_t k = 0; k < w->op_counts[i]; k++) {
            fields[at] = w->ops[i][k].field;
            w->flat[at++] = &w->ops[i][k];
        }
    }
    assert(at == w->op_total);
    crdt_columns_order(fields, w->op_total, spare, w->order);
}

enum cht_err crdt_columns_write(const struct crdt_before *before, const struct crdt_entry *entries,
                                uint32_t count, struct cht_buf *out)
{
    struct writer w = { .before = before, .entries = entries, .count = count, .out = out };
    cht_arena_init(&w.scratch, WRITE_SCRATCH_BYTES);
    cht_buf_init(&w.body, LIMIT_BODY_BYTES);
    w.shapes = scratch(&w, count, sizeof *w.shapes);
    w.extras = scratch(&w, count, sizeof *w.extras);
    w.ops = scratch(&w, count, sizeof(struct crdt_op *));
    w.op_counts = scratch(&w, count, sizeof *w.op_counts);
    if (w.err == CHT_OK)
        look(&w);
    if (w.err == CHT_OK)
        flatten(&w);
    if (w.err == CHT_OK) {
        put_shapes_and_stamps(&w);
        put_entities(&w);
        put_extras(&w);
        put_ops(&w);
        put_bodies(&w);
    }
    cht_buf_clear(&w.body);
    cht_arena_clear(&w.scratch);
    return w.err;
}
