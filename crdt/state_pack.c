/* The `crdt` column: live dots, and bytes only for what the columns do not show; see state.h
 * (PROTOCOL 10.4).
 *
 *   blob  = count *cell
 *   cell  = field key-len key count *value          ; the shown value first
 *   value = chain seq index stamp flags [bytes-len bytes] [extra-len extra]
 *   flags: bit 0 the bytes are in the row's column, bit 1 extra follows
 * All numbers are varints but stamp (u64). */
#include "crdt/mp.h"
#include "crdt/state.h"
#include "crdt/state_own.h"

#define IN_COLUMN 1u
#define HAS_EXTRA 2u

static enum cht_err put_span(struct cht_buf *out, struct cht_bytes span)
{
    enum cht_err err = cht_buf_add_varint(out, span.len);
    return err == CHT_OK ? cht_buf_add(out, span) : err;
}

/* Dots are unique in a cell. */
static int cmp_dot(const struct crdt_value *a, const struct crdt_value *b)
{
    if (a->at.chain != b->at.chain)
        return a->at.chain < b->at.chain ? -1 : 1;
    if (a->at.seq != b->at.seq)
        return a->at.seq < b->at.seq ? -1 : 1;
    return a->index < b->index ? -1 : (a->index > b->index ? 1 : 0);
}

static bool is_live(const struct crdt_state *s, const struct crdt_value *dot)
{
    for (uint32_t i = 0; i < s->count; i++) {
        for (uint32_t k = 0; k < s->cells[i].count; k++) {
            if (cmp_dot(&s->cells[i].values[k], dot) == 0)
                return true;
        }
    }
    return false;
}

static enum cht_err put_dot(const struct crdt_value *dot, struct cht_buf *out)
{
    uint8_t raw[3 * CHT_VARINT_MAX], *at = raw;
    at += cht_varint_put(at, dot->at.chain);
    at += cht_varint_put(at, dot->at.seq);
    at += cht_varint_put(at, dot->index);
    return cht_buf_add(out, cht_bytes(raw, (size_t)(at - raw)));
}

/* The next kept dot after `last` that is live; the list stands in order of arrival. */
static bool next_kept(const struct crdt_state *s, struct cht_wire w, const struct crdt_value *last,
                      struct crdt_value *out)
{
    bool any = false;
    while (w.err == CHT_OK && cht_wire_left(&w) != 0) {
        struct crdt_value dot = { .at.chain = (uint32_t)cht_wire_varint(&w) };
        dot.at.seq = (uint32_t)cht_wire_varint(&w);
        dot.index = (uint16_t)cht_wire_varint(&w);
        if (w.err == CHT_OK && (last == NULL || cmp_dot(&dot, last) > 0) &&
            (!any || cmp_dot(&dot, out) < 0) && is_live(s, &dot)) {
            *out = dot;
            any = true;
        }
    }
    return any;
}

/* What a delete saw, without the kept dots that have been replaced since: what of those it met
 * depends on the order of arrival, and one state has one blob. */
static enum cht_err put_extra(const struct crdt_state *s, const struct crdt_graph *g,
                              struct cht_bytes extra, struct cht_buf *out)
{
    struct crdt_vector past = { 0 };
    struct crdt_value dot, last;
    struct cht_buf packed;
    struct cht_wire w = cht_wire(extra);
    cht_buf_init(&packed, SIZE_MAX);
    enum cht_err err = crdt_vector_unpack(&w, g->chain_count, &past);
    if (err == CHT_OK)
        err = crdt_vector_pack(&past, &packed);
    for (bool more = next_kept(s, w, NULL, &dot); err == CHT_OK && more;
         more = next_kept(s, w, &last, &dot)) {
        last = dot;
        err = put_dot(&dot, &packed);
    }
    if (err == CHT_OK)
        err = put_span(out, cht_buf_view(&packed));
    crdt_vector_clear(&past);
    cht_buf_clear(&packed);
    return err;
}

static enum cht_err pack_value(const struct crdt_state *s, const struct crdt_graph *g,
                               const struct crdt_value *v, bool in_column, struct cht_buf *out)
{
    uint8_t raw[3 * CHT_VARINT_MAX + 9], *at = raw;
    at += cht_varint_put(at, v->at.chain);
    at += cht_varint_put(at, v->at.seq);
    at += cht_varint_put(at, v->index);
    cht_put_u64(at, v->hlc);
    at[8] = (uint8_t)((in_column ? IN_COLUMN : 0u) | (v->extra.len != 0 ? HAS_EXTRA : 0u));
    enum cht_err err = cht_buf_add(out, cht_bytes(raw, (size_t)(at + 9 - raw)));
    if (err == CHT_OK && !in_column)
        err = put_span(out, v->bytes);
    if (err == CHT_OK && v->extra.len != 0)
        err = put_extra(s, g, v->extra, out);
    return err;
}

/* Those not shown stand in order of their dots, so that one state has one blob. */
static const struct crdt_value *next_hidden(const struct crdt_cell *c,
                                            const struct crdt_value *shown,
                                            const struct crdt_value *last)
{
    const struct crdt_value *best = NULL;
    for (uint32_t i = 0; i < c->count; i++) {
        const struct crdt_value *v = &c->values[i];
        if (v != shown && (last == NULL || cmp_dot(v, last) > 0) &&
            (best == NULL || cmp_dot(v, best) < 0))
            best = v;
    }
    return best;
}

enum cht_err crdt_state_pack(const struct crdt_state *s, const struct crdt_graph *g,
                             crdt_in_column *in_column, void *ctx, struct cht_buf *out)
{
    enum cht_err err = cht_buf_add_varint(out, s->count);
    for (uint32_t i = 0; err == CHT_OK && i < s->count; i++) {
        const struct crdt_cell *c = &s->cells[i];
        const struct crdt_value *shown = crdt_cell_shown(g, s->id.type, c);
        err = cht_buf_add_varint(out, c->field);
        if (err == CHT_OK)
            err = put_span(out, c->key);
        if (err == CHT_OK)
            err = cht_buf_add_varint(out, c->count);
        if (err == CHT_OK)
            err = pack_value(s, g, shown, in_column(ctx, c, shown), out);
        const struct crdt_value *v = c->count == 1 ? NULL : next_hidden(c, shown, NULL);
        for (; err == CHT_OK && v != NULL; v = next_hidden(c, shown, v))
            err = pack_value(s, g, v, false, out);
    }
    return err;
}

/* A past and dots, whole. */
static enum cht_err check_extra(struct cht_bytes extra, const struct crdt_graph *g)
{
    struct crdt_vector past = { 0 };
    struct cht_wire w = cht_wire(extra);
    enum cht_err err = crdt_vector_unpack(&w, g->chain_count, &past);
    crdt_vector_clear(&past);
    while (err == CHT_OK && w.err == CHT_OK && cht_wire_left(&w) != 0) {
        for (unsigned i = 0; i < 3; i++)
            (void)cht_wire_varint_max(&w, UINT32_MAX);
    }
    return err == CHT_E_NOMEM || w.err == CHT_OK ? err : CHT_E_CORRUPT;
}

static enum cht_err unpack_value(struct cht_wire *w, const struct crdt_graph *g,
                                 crdt_from_column *from_column, void *ctx, struct crdt_cell *c)
{
    struct crdt_value v = { .at.chain = (uint32_t)cht_wire_varint_max(w, UINT32_MAX) };
    v.at.seq = (uint32_t)cht_wire_varint_max(w, UINT32_MAX);
    v.index = (uint16_t)cht_wire_varint_max(w, UINT16_MAX);
    v.hlc = cht_wire_u64(w);
    uint8_t flags = cht_wire_u8(w);
    struct cht_bytes bytes = { 0 }, extra = { 0 };
    if ((flags & IN_COLUMN) == 0)
        bytes = cht_wire_take(w, (size_t)cht_wire_varint(w));
    if ((flags & HAS_EXTRA) != 0)
        extra = cht_wire_take(w, (size_t)cht_wire_varint(w));
    if (w->err != CHT_OK || v.at.chain >= g->chain_count || v.at.seq == 0 ||
        v.at.seq > g->chains[v.at.chain].stored.seq || v.at.seq <= g->chains[v.at.chain].branch_seq)
        return CHT_E_CORRUPT;
    enum cht_err err = (flags & HAS_EXTRA) != 0 ? check_extra(extra, g) : CHT_OK;
    if (err == CHT_OK && (flags & IN_COLUMN) != 0)
        err = from_column(ctx, c->field, &bytes);
    if (err == CHT_OK && crdt_mp_scan(bytes, LIMIT_MSGPACK_DEPTH, LIMIT_MSGPACK_OBJECTS) != CHT_OK)
        err = CHT_E_CORRUPT;
    if (err == CHT_OK)
        err = crdt_own(bytes, &v.bytes);
    if (err == CHT_OK)
        err = crdt_own(extra, &v.extra);
    if (err == CHT_OK)
        err = crdt_cell_add_value(c, &v);
    if (err != CHT_OK)
        crdt_value_clear(&v);
    return err;
}

static enum cht_err unpack_cell(struct cht_wire *w, const struct crdt_graph *g,
                                crdt_from_column *from_column, void *ctx, struct crdt_state *s)
{
    uint16_t field = (uint16_t)cht_wire_varint_max(w, LIMIT_FIELD_MAX);
    struct cht_bytes key = cht_wire_take(w, (size_t)cht_wire_varint(w));
    uint64_t count = cht_wire_varint_max(w, cht_wire_left(w));
    if (w->err != CHT_OK || count == 0)
        return CHT_E_CORRUPT;
    uint32_t before = s->count;
    struct crdt_cell *c;
    enum cht_err err = crdt_state_add_cell(s, field, key, &c);
    if (err == CHT_OK && s->count == before)
        err = CHT_E_CORRUPT; /* the same cell twice */
    for (uint64_t k = 0; err == CHT_OK && k < count; k++)
        err = unpack_value(w, g, from_column, ctx, c);
    /* the shown one first, the others ascending: no dot twice */
    for (uint32_t k = 1; err == CHT_OK && k < c->count; k++) {
        if (cmp_dot(&c->values[k], &c->values[0]) == 0 ||
            (k > 1 && cmp_dot(&c->values[k], &c->values[k - 1]) <= 0))
            err = CHT_E_CORRUPT;
    }
    return err;
}

enum cht_err crdt_state_unpack(struct cht_bytes blob, const struct crdt_graph *g,
                               crdt_from_column *from_column, void *ctx, struct crdt_state *s)
{
    struct cht_wire w = cht_wire(blob);
    uint64_t count = cht_wire_varint_max(&w, blob.len);
    enum cht_err err = w.err == CHT_OK ? CHT_OK : CHT_E_CORRUPT;
    for (uint64_t i = 0; err == CHT_OK && i < count; i++)
        err = unpack_cell(&w, g, from_column, ctx, s);
    if (err == CHT_OK && cht_wire_end(&w) != CHT_OK)
        err = CHT_E_CORRUPT;
    if (err != CHT_OK)
        crdt_state_clear(s);
    return err;
}
