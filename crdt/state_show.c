/* Which of the live values is shown, and what is a conflict; see state.h (PROTOCOL 5.4 to 5.7). */
#include "crdt/claim.h"
#include "crdt/mp.h"
#include "crdt/state.h"

static int cmp_u64(uint64_t a, uint64_t b)
{
    return a == b ? 0 : (a < b ? -1 : 1);
}

/* (stamp, device, epoch, seq, index, value bytes): total but for equal values of equal dots. */
static int cmp_lww(const struct crdt_graph *g, const struct crdt_value *a,
                   const struct crdt_value *b)
{
    int order = cmp_u64(a->hlc, b->hlc);
    if (order == 0)
        order = memcmp(crdt_graph_device_id(g, a->at.chain), crdt_graph_device_id(g, b->at.chain),
                       CRDT_ID_BYTES);
    if (order == 0)
        order = memcmp(crdt_graph_epoch(g, a->at), crdt_graph_epoch(g, b->at), CRDT_EPOCH_BYTES);
    if (order == 0)
        order = cmp_u64(a->at.seq, b->at.seq);
    if (order == 0)
        order = cmp_u64(a->index, b->index);
    return order != 0 ? order : cht_bytes_cmp(a->bytes, b->bytes);
}

static int cmp_rank(const struct crdt_field *f, const struct crdt_value *a,
                    const struct crdt_value *b)
{
    int ra = crdt_word_rank(f, crdt_mp_peek(a->bytes).data);
    int rb = crdt_word_rank(f, crdt_mp_peek(b->bytes).data);
    return ra == rb ? 0 : (ra < rb ? -1 : 1);
}

static bool is_number(const struct crdt_mp *v)
{
    return v->kind == CRDT_MP_UINT || v->kind == CRDT_MP_INT || v->kind == CRDT_MP_FLOAT;
}

/* Exact for integers; a float is compared with an integer as a float. */
static int cmp_number(const struct crdt_mp *a, const struct crdt_mp *b)
{
    if (a->kind == CRDT_MP_UINT && b->kind == CRDT_MP_UINT)
        return cmp_u64(a->u, b->u);
    if (a->kind != CRDT_MP_FLOAT && b->kind != CRDT_MP_FLOAT) {
        if (a->kind != b->kind)
            return a->kind == CRDT_MP_INT ? -1 : 1;
        return a->i == b->i ? 0 : (a->i < b->i ? -1 : 1);
    }
    double fa = a->kind == CRDT_MP_FLOAT  ? a->f
                : a->kind == CRDT_MP_UINT ? (double)a->u
                                          : (double)a->i;
    double fb = b->kind == CRDT_MP_FLOAT  ? b->f
                : b->kind == CRDT_MP_UINT ? (double)b->u
                                          : (double)b->i;
    return fa < fb ? -1 : (fa > fb ? 1 : 0);
}

static int cmp_max(const struct crdt_value *a, const struct crdt_value *b)
{
    struct crdt_mp va = crdt_mp_peek(a->bytes), vb = crdt_mp_peek(b->bytes);
    bool na = is_number(&va), nb = is_number(&vb);
    if (na != nb)
        return na ? 1 : -1;
    return na ? cmp_number(&va, &vb) : cht_bytes_cmp(a->bytes, b->bytes);
}

static int cmp_token(const struct crdt_value *a, const struct crdt_value *b)
{
    const struct crdt_claim ca = crdt_claim_read(a->bytes), cb = crdt_claim_read(b->bytes);
    return crdt_claim_cmp(&ca, &cb);
}

const struct crdt_value *crdt_cell_shown(const struct crdt_graph *g, unsigned type,
                                         const struct crdt_cell *cell)
{
    const struct crdt_value *best = &cell->values[0];
    if (cell->count == 1)
        return best;
    const struct crdt_field *f = crdt_field(type, cell->field);
    enum crdt_policy policy = f == NULL ? CRDT_LWW : f->policy;
    for (uint32_t i = 1; i < cell->count; i++) {
        const struct crdt_value *v = &cell->values[i];
        int order = 0;
        if (policy == CRDT_RANK)
            order = cmp_rank(f, v, best);
        else if (policy == CRDT_MAX)
            order = cmp_max(v, best);
        else if (policy == CRDT_TOKEN)
            order = cmp_token(v, best);
        if (order == 0)
            order = policy == CRDT_FIRST || policy == CRDT_TOKEN ? cmp_lww(g, best, v)
                                                                 : cmp_lww(g, v, best);
        if (order > 0)
            best = v;
    }
    return best;
}

bool crdt_cell_conflict(unsigned type, const struct crdt_cell *cell)
{
    if (cell->count < 2)
        return false;
    const struct crdt_field *f = crdt_field(type, cell->field);
    if (f != NULL && (f->kind == CRDT_SET || f->policy == CRDT_FIRST || f->policy == CRDT_MAX ||
                      f->policy == CRDT_TOKEN))
        return false;
    bool text = f != NULL && f->kind == CRDT_TEXT;
    for (uint32_t i = 1; i < cell->count; i++) {
        struct cht_bytes a = cell->values[0].bytes, b = cell->values[i].bytes;
        if (text ? !cht_bytes_eq(crdt_mp_peek(a).data, crdt_mp_peek(b).data) : !cht_bytes_eq(a, b))
            return true;
    }
    return false;
}

bool crdt_state_hidden(const struct crdt_state *s, const struct crdt_graph *g)
{
    const struct crdt_cell *c = crdt_state_cell(s, CRDT_FIELD_DELETED, cht_bytes(NULL, 0));
    if (c == NULL)
        return false;
    return crdt_mp_peek(crdt_cell_shown(g, s->id.type, c)->bytes).u == 1;
}

static bool keeps_dot(struct cht_wire w, const struct crdt_value *v)
{
    while (w.err == CHT_OK && cht_wire_left(&w) != 0) {
        uint64_t chain = cht_wire_varint(&w), seq = cht_wire_varint(&w);
        uint64_t index = cht_wire_varint(&w);
        if (w.err == CHT_OK && chain == v->at.chain && seq == v->at.seq && index == v->index)
            return true;
    }
    return false;
}

/* Mark the values (counted over all cells but `deleted`) that this live delete has seen. */
static enum cht_err mark_seen(const struct crdt_state *s, const struct crdt_graph *g,
                              const struct crdt_value *del, uint8_t *seen)
{
    struct cht_wire w = cht_wire(del->extra);
    struct crdt_vector past = { 0 };
    enum cht_err err = crdt_vector_unpack(&w, g->chain_count, &past);
    size_t n = 0;
    for (uint32_t i = 0; err == CHT_OK && i < s->count; i++) {
        const struct crdt_cell *c = &s->cells[i];
        for (uint32_t k = 0; c->field != CRDT_FIELD_DELETED && k < c->count; k++, n++) {
            const struct crdt_value *v = &c->values[k];
            if (crdt_vector_has(&past, v->at.chain, v->at.seq) && !keeps_dot(w, v))
                seen[n] = 1;
        }
    }
    crdt_vector_clear(&past);
    return err;
}

enum cht_err crdt_state_contested(const struct crdt_state *s, const struct crdt_graph *g, bool *out)
{
    if (!crdt_state_hidden(s, g)) {
        *out = false;
        return CHT_OK;
    }
    size_t total = 0;
    for (uint32_t i = 0; i < s->count; i++)
        total += s->cells[i].field == CRDT_FIELD_DELETED ? 0 : s->cells[i].count;
    struct cht_buf seen;
    cht_buf_init(&seen, SIZE_MAX);
    enum cht_err err = cht_buf_reserve(&seen, total);
    if (err == CHT_OK && total != 0)
        memset(seen.data, 0, total);
    const struct crdt_cell *c = crdt_state_cell(s, CRDT_FIELD_DELETED, cht_bytes(NULL, 0));
    for (uint32_t i = 0; err == CHT_OK && total != 0 && i < c->count; i++) {
        if (crdt_mp_peek(c->values[i].bytes).u == 1)
            err = mark_seen(s, g, &c->values[i], seen.data);
    }
    if (err == CHT_OK)
        *out = total != 0 && memchr(seen.data, 0, total) != NULL;
    cht_buf_clear(&seen);
    return err;
}

crdt_hlc_stamp crdt_state_modified(const struct crdt_state *s)
{
    crdt_hlc_stamp last = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        for (uint32_t k = 0; k < s->cells[i].count; k++) {
            if (s->cells[i].values[k].hlc > last)
                last = s->cells[i].values[k].hlc;
        }
    }
    return last;
}
