/* Folding ops into the live values of one entity; see state.h (PROTOCOL 3.5, 3.6, 5.1 to 5.3).
 * What of them is shown: state_show.c. The row's blob: state_pack.c. */
#include "crdt/state.h"

#include "crdt/mp.h"
#include "crdt/state_own.h"

#include <stdlib.h>

void crdt_state_init(struct crdt_state *s, const struct crdt_id *id)
{
    *s = (struct crdt_state){ .id = *id };
}

enum cht_err crdt_own(struct cht_bytes src, struct cht_bytes *out)
{
    if (src.len == 0) {
        *out = cht_bytes(NULL, 0);
        return CHT_OK;
    }
    uint8_t *copy = malloc(src.len);
    if (copy == NULL)
        return CHT_E_NOMEM;
    memcpy(copy, src.data, src.len);
    *out = cht_bytes(copy, src.len);
    return CHT_OK;
}

void crdt_disown(struct cht_bytes *bytes)
{
    /* the one place that gives up what crdt_own took */
    union {
        const uint8_t *shared;
        uint8_t *owned;
    } p = { .shared = bytes->data };
    free(p.owned);
    *bytes = cht_bytes(NULL, 0);
}

void crdt_value_clear(struct crdt_value *v)
{
    crdt_disown(&v->bytes);
    crdt_disown(&v->extra);
}

void crdt_state_clear(struct crdt_state *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        struct crdt_cell *c = &s->cells[i];
        for (uint32_t k = 0; k < c->count; k++)
            crdt_value_clear(&c->values[k]);
        free(c->values);
        crdt_disown(&c->key);
    }
    free(s->cells);
    *s = (struct crdt_state){ .id = s->id };
}

/* The position of a cell, or where it would stand. */
static uint32_t find_cell(const struct crdt_state *s, uint16_t field, struct cht_bytes key,
                          bool *out_found)
{
    uint32_t low = 0, high = s->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const struct crdt_cell *c = &s->cells[mid];
        int order = c->field != field ? (c->field < field ? -1 : 1) : cht_bytes_cmp(c->key, key);
        if (order == 0) {
            *out_found = true;
            return mid;
        }
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *out_found = false;
    return low;
}

const struct crdt_cell *crdt_state_cell(const struct crdt_state *s, uint16_t field,
                                        struct cht_bytes key)
{
    bool found;
    uint32_t at = find_cell(s, field, key, &found);
    return found ? &s->cells[at] : NULL;
}

enum cht_err crdt_state_add_cell(struct crdt_state *s, uint16_t field, struct cht_bytes key,
                                 struct crdt_cell **out)
{
    bool found;
    uint32_t at = find_cell(s, field, key, &found);
    if (!found) {
        if (s->count == s->cap) {
            uint32_t cap = s->cap == 0 ? 8 : s->cap * 2;
            struct crdt_cell *grown = realloc(s->cells, cap * sizeof *grown);
            if (grown == NULL)
                return CHT_E_NOMEM;
            s->cells = grown;
            s->cap = cap;
        }
        struct cht_bytes own;
        enum cht_err err = crdt_own(key, &own);
        if (err != CHT_OK)
            return err;
        memmove(&s->cells[at + 1], &s->cells[at], (s->count - at) * sizeof *s->cells);
        s->cells[at] = (struct crdt_cell){ .field = field, .key = own };
        s->count++;
    }
    *out = &s->cells[at];
    return CHT_OK;
}

enum cht_err crdt_cell_add_value(struct crdt_cell *c, const struct crdt_value *v)
{
    struct crdt_value *grown = realloc(c->values, (c->count + 1) * sizeof *grown);
    if (grown == NULL)
        return CHT_E_NOMEM;
    c->values = grown;
    grown[c->count++] = *v;
    return CHT_OK;
}

static void remove_cell(struct crdt_state *s, struct crdt_cell *c)
{
    uint32_t at = (uint32_t)(c - s->cells);
    free(c->values);
    crdt_disown(&c->key);
    s->count--;
    memmove(c, c + 1, (s->count - at) * sizeof *c);
}

struct crdt_term crdt_value_term(const struct crdt_state *s, const struct crdt_graph *g,
                                 const struct crdt_cell *cell, const struct crdt_value *value)
{
    return (struct crdt_term){
        .entity = &s->id,
        .field = cell->field,
        .key = cell->key,
        .device = crdt_graph_device_id(g, value->at.chain),
        .epoch = crdt_graph_epoch(g, value->at),
        .seq = value->at.seq,
        .index = value->index,
        .value = value->bytes,
    };
}

static bool is_text(unsigned type, uint16_t field)
{
    const struct crdt_field *f = crdt_field(type, field);
    return f != NULL && f->kind == CRDT_TEXT;
}

static void sum_value(const struct crdt_state *s, const struct crdt_graph *g,
                      const struct crdt_cell *cell, const struct crdt_value *value,
                      struct crdt_root *root, bool sub)
{
    struct crdt_term term = crdt_value_term(s, g, cell, value);
    struct crdt_hash hash = crdt_term_hash(&term);
    (sub ? crdt_root_sub : crdt_root_add)(root, &hash);
    if (is_text(s->id.type, cell->field)) {
        hash = crdt_term_text_hash(&term, crdt_mp_peek(value->bytes).data);
        (sub ? crdt_root_sub : crdt_root_add)(root, &hash);
    }
}

void crdt_state_sum(const struct crdt_state *s, const struct crdt_graph *g, struct crdt_root *root)
{
    for (uint32_t i = 0; i < s->count; i++) {
        for (uint32_t k = 0; k < s->cells[i].count; k++)
            sum_value(s, g, &s->cells[i], &s->cells[i].values[k], root, false);
    }
}

/* Does the op's keeps list name this value? A name that does not resolve is ignored (3.6). */
static enum cht_err kept(const struct crdt_graph *g, const struct crdt_change *change,
                         const struct crdt_op *op, const struct crdt_value *v, bool *out)
{
    *out = false;
    if (op->keep_count == 0 || g->chains[v->at.chain].device == g->chains[change->at.chain].device)
        return CHT_OK; /* only values of other devices can be kept */
    for (uint32_t i = 0; i < op->keep_count && !*out; i++) {
        const struct crdt_keep *k = &op->keeps[i];
        if (k->index != v->index)
            continue;
        enum cht_err err;
        if (k->name.by_hash) {
            struct crdt_hash hash;
            err = crdt_graph_hash(g, v->at, &hash);
            *out = err == CHT_OK && crdt_hash_eq(&hash, &k->name.hash);
        } else {
            struct crdt_place at;
            err = crdt_graph_resolve(g, change->at.chain, change->past, k->name.number, k->name.seq,
                                     &at);
            *out = err == CHT_OK && at.chain == v->at.chain && at.seq == v->at.seq;
        }
        if (err != CHT_OK && err != CHT_E_NOTFOUND)
            return err;
    }
    return CHT_OK;
}

static enum cht_err replace_past(struct crdt_state *s, const struct crdt_graph *g,
                                 const struct crdt_change *change, const struct crdt_op *op,
                                 struct crdt_cell *c, struct crdt_root *root)
{
    uint32_t left = 0;
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0; i < c->count; i++) {
        struct crdt_value *v = &c->values[i];
        bool keep = !crdt_vector_has(change->past, v->at.chain, v->at.seq);
        if (!keep && err == CHT_OK)
            err = kept(g, change, op, v, &keep);
        if (keep || err != CHT_OK) {
            c->values[left++] = *v;
            continue;
        }
        sum_value(s, g, c, v, root, true);
        crdt_value_clear(v);
    }
    c->count = left;
    return err;
}

/* A delete remembers what it saw: its past, and the live dots it was told to keep (5.6). */
static enum cht_err delete_extra(const struct crdt_state *s, const struct crdt_graph *g,
                                 const struct crdt_change *change, const struct crdt_op *op,
                                 struct cht_bytes *out)
{
    struct cht_buf packed;
    cht_buf_init(&packed, SIZE_MAX);
    enum cht_err err = crdt_vector_pack(change->past, &packed);
    for (uint32_t i = 0; err == CHT_OK && op->keep_count != 0 && i < s->count; i++) {
        for (uint32_t k = 0; err == CHT_OK && k < s->cells[i].count; k++) {
            const struct crdt_value *v = &s->cells[i].values[k];
            bool keep = false;
            if (crdt_vector_has(change->past, v->at.chain, v->at.seq))
                err = kept(g, change, op, v, &keep);
            if (err != CHT_OK || !keep)
                continue;
            err = cht_buf_add_varint(&packed, v->at.chain);
            if (err == CHT_OK)
                err = cht_buf_add_varint(&packed, v->at.seq);
            if (err == CHT_OK)
                err = cht_buf_add_varint(&packed, v->index);
        }
    }
    if (err == CHT_OK)
        err = crdt_own(cht_buf_view(&packed), out);
    cht_buf_clear(&packed);
    return err;
}

static enum cht_err put_value(struct crdt_state *s, const struct crdt_graph *g,
                              const struct crdt_change *change, const struct crdt_op *op,
                              uint16_t index, struct crdt_cell *c, struct crdt_root *root)
{
    struct crdt_value v = { .at = change->at, .index = index, .hlc = change->hlc };
    enum cht_err err = crdt_own(op->value, &v.bytes);
    if (err == CHT_OK && op->field == CRDT_FIELD_DELETED && crdt_mp_peek(op->value).u == 1)
        err = delete_extra(s, g, change, op, &v.extra);
    if (err == CHT_OK)
        err = crdt_cell_add_value(c, &v);
    if (err != CHT_OK) {
        crdt_value_clear(&v);
        return err;
    }
    sum_value(s, g, c, &c->values[c->count - 1], root, false);
    return CHT_OK;
}

enum cht_err crdt_state_apply(struct crdt_state *s, const struct crdt_graph *g,
                              const struct crdt_change *change, const struct crdt_op *op,
                              uint16_t index, struct crdt_root *root)
{
    struct crdt_cell *c;
    bool found;
    uint32_t at = find_cell(s, op->field, op->key, &found);
    enum cht_err err = CHT_OK;
    if (found)
        c = &s->cells[at];
    else if (op->kind == CRDT_OP_DROP)
        return CHT_OK;
    else
        err = crdt_state_add_cell(s, op->field, op->key, &c);
    if (err == CHT_OK)
        err = replace_past(s, g, change, op, c, root);
    if (err == CHT_OK && op->kind == CRDT_OP_PUT)
        err = put_value(s, g, change, op, index, c, root);
    if (err == CHT_OK && c->count == 0)
        remove_cell(s, c);
    return err;
}

enum cht_err crdt_op_check(unsigned type, const struct crdt_op *op)
{
    if (op->fault != CHT_OK)
        return op->fault;
    if (op->field > LIMIT_FIELD_MAX || op->key.len > LIMIT_KEY_BYTES ||
        op->value.len > LIMIT_VALUE_BYTES)
        return CHT_E_LIMIT;
    const struct crdt_field *f = crdt_field(type, op->field);
    if (f == NULL) {
        enum cht_err err = op->key.len == 0 ? CHT_OK : crdt_value_check(NULL, op->key, true);
        if (err == CHT_OK && op->kind == CRDT_OP_PUT)
            err = crdt_value_check(NULL, op->value, false);
        return err;
    }
    bool keyed = f->kind == CRDT_SET || f->kind == CRDT_MAP;
    if (keyed != (op->key.len != 0))
        return CHT_E_INVALID;
    enum cht_err err = keyed ? crdt_value_check(f, op->key, true) : CHT_OK;
    if (err != CHT_OK || op->kind == CRDT_OP_DROP)
        return err;
    if (f->kind == CRDT_SET)
        return crdt_mp_peek(op->value).kind == CRDT_MP_NIL ? CHT_OK : CHT_E_INVALID;
    return crdt_value_check(f, op->value, false);
}
