/* Voids, live values and the root from the applied entries; see model.h (PROTOCOL 3 and 5). */
#include "crdt/model_own.h"
#include "crdt/mp.h"
#include "crdt/schema.h"

#include <stdlib.h>

/* An op that is not void, with its cell. */
struct model_op {
    struct crdt_model *m;
    struct crdt_id entity;
    uint32_t entry;
    uint16_t index;
    const struct crdt_op *op;
};

/* --- voids (PROTOCOL 3.6) --------------------------------------------------------------------- */

static bool is_void(const struct crdt_id *entity, const struct crdt_op *op)
{
    const struct crdt_field *f = crdt_field(entity->type, op->field);
    bool has_key = op->key.len != 0;
    if (op->fault != CHT_OK || op->field > LIMIT_FIELD_MAX)
        return true;
    if (f != NULL && has_key != (f->kind == CRDT_SET || f->kind == CRDT_MAP))
        return true;
    if (has_key && crdt_value_check(f, op->key, true) != CHT_OK)
        return true;
    return op->kind == CRDT_OP_PUT && crdt_value_check(f, op->value, false) != CHT_OK;
}

/* --- all ops, brought together by cell -------------------------------------------------------- */

static int cmp_u32(uint32_t a, uint32_t b)
{
    return a == b ? 0 : (a < b ? -1 : 1);
}

static int cmp_cell(const struct model_op *a, const struct model_op *b)
{
    int order = cmp_u32(a->entity.type, b->entity.type);
    if (order == 0)
        order = memcmp(a->entity.b, b->entity.b, CRDT_ID_BYTES);
    if (order == 0)
        order = cmp_u32(a->op->field, b->op->field);
    return order != 0 ? order : cht_bytes_cmp(a->op->key, b->op->key);
}

static int cmp_op(const void *a, const void *b)
{
    const struct model_op *x = a, *y = b;
    const struct crdt_model_entry *ex = &x->m->entries[x->entry], *ey = &y->m->entries[y->entry];
    int order = cmp_cell(x, y);
    if (order == 0)
        order = memcmp(ex->h.device, ey->h.device, CRDT_ID_BYTES);
    if (order == 0)
        order = memcmp(ex->h.epoch, ey->h.epoch, CRDT_EPOCH_BYTES);
    if (order == 0)
        order = cmp_u32(ex->h.seq, ey->h.seq);
    if (order == 0)
        order = cmp_u32(x->index, y->index);
    return order != 0 ? order : memcmp(ex->hash.b, ey->hash.b, CRDT_HASH_BYTES);
}

static enum cht_err gather(struct crdt_model *m, struct model_op **out, uint32_t *out_count)
{
    uint32_t total = 0, count = 0;
    for (uint32_t i = 0; i < m->count; i++)
        total += m->entries[i].applied ? m->entries[i].op_count : 0;
    struct model_op *ops = cht_arena_array(&m->work, total, sizeof *ops);
    if (ops == NULL)
        return CHT_E_NOMEM;
    for (uint32_t i = 0; i < m->count; i++) {
        struct crdt_model_entry *e = &m->entries[i];
        if (!e->applied)
            continue;
        e->voids = cht_arena_array(&m->work, e->op_count, sizeof *e->voids);
        if (e->voids == NULL)
            return CHT_E_NOMEM;
        for (uint32_t k = 0; k < e->op_count; k++) {
            e->voids[k] = !e->resolved || is_void(&e->entity, &e->ops[k]);
            if (!e->voids[k] && !e->ruled)
                ops[count++] = (struct model_op){
                    .m = m, .entity = e->entity, .entry = i, .index = (uint16_t)k, .op = &e->ops[k]
                };
        }
    }
    qsort(ops, count, sizeof *ops, cmp_op);
    *out = ops;
    *out_count = count;
    return CHT_OK;
}

/* --- live values (PROTOCOL 3.5) --------------------------------------------------------------- */

bool crdt_model_keeps(const struct crdt_model *m, uint32_t entry, const struct crdt_op *op,
                      const struct crdt_model_value *value)
{
    if (memcmp(m->entries[entry].h.device, m->entries[value->entry].h.device, CRDT_ID_BYTES) == 0)
        return false;
    for (uint32_t i = 0; i < op->keep_count; i++)
        if (op->keeps[i].index == value->index &&
            crdt_model_resolve(m, entry, &op->keeps[i].name) == value->entry)
            return true;
    return false;
}

static bool replaces(const struct crdt_model *m, const struct model_op *by,
                     const struct crdt_model_value *value)
{
    return crdt_model_in_past(m, by->entry, value->entry) &&
           !crdt_model_keeps(m, by->entry, by->op, value);
}

/* One cell from all its ops; without live values it is no cell. */
static enum cht_err fold_cell(struct crdt_model *m, const struct model_op *ops, uint32_t count)
{
    struct crdt_model_value *values = cht_arena_array(&m->work, count, sizeof *values);
    uint32_t live = 0;
    if (values == NULL)
        return CHT_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        struct crdt_model_value v = { .entry = ops[i].entry,
                                      .index = ops[i].index,
                                      .bytes = ops[i].op->value };
        bool replaced = ops[i].op->kind != CRDT_OP_PUT;
        for (uint32_t k = 0; k < count && !replaced; k++)
            replaced = replaces(m, &ops[k], &v);
        if (!replaced)
            values[live++] = v;
    }
    if (live == 0)
        return CHT_OK;
    struct crdt_model_cell *cell = &m->cells[m->cell_count++];
    *cell = (struct crdt_model_cell){ .entity = ops[0].entity,
                                      .field = ops[0].op->field,
                                      .key = ops[0].op->key,
                                      .values = values,
                                      .count = live };
    cell->shown = crdt_model_shown(m, cell);
    cell->conflict = crdt_model_conflict(cell);
    return CHT_OK;
}

/* --- the root (PROTOCOL 5.8) ------------------------------------------------------------------ */

static void add_256(uint8_t sum[static CRDT_HASH_BYTES], const struct crdt_hash *term)
{
    unsigned carry = 0;
    for (size_t i = 0; i < CRDT_HASH_BYTES; i++) {
        carry += (unsigned)sum[i] + term->b[i];
        sum[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

static enum cht_err put_part(struct cht_buf *term, struct cht_bytes part)
{
    enum cht_err err = cht_buf_add_varint(term, part.len);
    return err == CHT_OK ? cht_buf_add(term, part) : err;
}

static enum cht_err add_term(struct crdt_model *m, const struct crdt_model_cell *cell,
                             const struct crdt_model_value *v, const char *what,
                             struct cht_bytes last)
{
    const struct crdt_header *h = &m->entries[v->entry].h;
    uint8_t field[2], dot[CRDT_ID_BYTES + CRDT_EPOCH_BYTES + 6];
    cht_put_u16(field, cell->field);
    memcpy(dot, h->device, CRDT_ID_BYTES);
    memcpy(dot + CRDT_ID_BYTES, h->epoch, CRDT_EPOCH_BYTES);
    cht_put_u32(dot + CRDT_ID_BYTES + CRDT_EPOCH_BYTES, h->seq);
    cht_put_u16(dot + CRDT_ID_BYTES + CRDT_EPOCH_BYTES + 4, v->index);
    const struct cht_bytes parts[] = {
        cht_bytes_str(what),
        cht_bytes(&cell->entity.type, 1),
        cht_bytes(cell->entity.b, 16),
        cht_bytes(field, sizeof field),
        cell->key,
        cht_bytes(dot, sizeof dot),
        last,
    };
    struct cht_buf term;
    cht_buf_init(&term, SIZE_MAX);
    enum cht_err err = CHT_OK;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && err == CHT_OK; i++)
        err = put_part(&term, parts[i]);
    struct crdt_hash hash = crdt_hash_of(cht_buf_view(&term));
    if (err == CHT_OK)
        add_256(m->root, &hash);
    cht_buf_clear(&term);
    return err;
}

static enum cht_err add_cell(struct crdt_model *m, const struct crdt_model_cell *cell)
{
    const struct crdt_field *f = crdt_field(cell->entity.type, cell->field);
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0; i < cell->count && err == CHT_OK; i++) {
        const struct crdt_model_value *v = &cell->values[i];
        err = add_term(m, cell, v, "chitty-row-1", v->bytes);
        if (err == CHT_OK && f != NULL && f->kind == CRDT_TEXT)
            err = add_term(m, cell, v, "chitty-text-1", crdt_mp_peek(v->bytes).data);
    }
    return err;
}

enum cht_err crdt_model_fold(struct crdt_model *m)
{
    struct model_op *ops;
    uint32_t count = 0;
    enum cht_err err = gather(m, &ops, &count);
    if (err != CHT_OK)
        return err;
    memset(m->root, 0, sizeof m->root);
    m->cell_count = 0;
    m->cells = cht_arena_array(&m->work, count, sizeof *m->cells);
    if (m->cells == NULL)
        return CHT_E_NOMEM;
    for (uint32_t i = 0, end; i < count && err == CHT_OK; i = end) {
        for (end = i + 1; end < count && cmp_cell(&ops[i], &ops[end]) == 0; end++)
            continue;
        err = fold_cell(m, &ops[i], end - i);
    }
    for (uint32_t i = 0; i < m->cell_count && err == CHT_OK; i++)
        err = add_cell(m, &m->cells[i]);
    return err;
}
