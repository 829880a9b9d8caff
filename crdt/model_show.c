/* What of the live values is shown, and what is a conflict; see model.h (PROTOCOL 5.4 to 5.7). */
#include "crdt/model_own.h"
#include "crdt/mp.h"
#include "crdt/schema.h"

/* --- shown (PROTOCOL 5.4) ----------------------------------------------------------------------
 */

/* Is `a` before `b` by (stamp, device, epoch, seq, index, value bytes)? */
static bool is_before(const struct crdt_model *m, const struct crdt_model_value *a,
                      const struct crdt_model_value *b)
{
    const struct crdt_header *ha = &m->entries[a->entry].h, *hb = &m->entries[b->entry].h;
    if (ha->hlc != hb->hlc)
        return ha->hlc < hb->hlc;
    int order = memcmp(ha->device, hb->device, CRDT_ID_BYTES);
    if (order == 0)
        order = memcmp(ha->epoch, hb->epoch, CRDT_EPOCH_BYTES);
    if (order != 0)
        return order < 0;
    if (ha->seq != hb->seq)
        return ha->seq < hb->seq;
    if (a->index != b->index)
        return a->index < b->index;
    return cht_bytes_cmp(a->bytes, b->bytes) < 0;
}

/* The number a policy goes by before the stamp does; values that passed their row's check. */
static int64_t weight(const struct crdt_field *f, const struct crdt_model_value *v)
{
    struct crdt_mp got = crdt_mp_peek(v->bytes);
    if (f->policy == CRDT_RANK)
        return crdt_word_rank(f, got.data);
    return f->policy == CRDT_MAX ? got.i : 0;
}

/* The member of a map with that name: the first of equal ones, or nothing. */
static struct cht_bytes member(struct cht_bytes map, const char *name)
{
    struct cht_wire w = cht_wire(map);
    struct crdt_mp head = crdt_mp_next(&w);
    for (uint64_t i = 0; head.kind == CRDT_MP_MAP && i < head.u; i++) {
        struct crdt_mp key = crdt_mp_peek(crdt_mp_pass(&w));
        struct cht_bytes value = crdt_mp_pass(&w);
        if (key.kind == CRDT_MP_STR && cht_bytes_eq(key.data, cht_bytes_str(name)))
            return value;
    }
    return cht_bytes(NULL, 0);
}

/* What the token policy goes by, the first number before the second and so on. */
struct standing {
    uint64_t rank[4]; /* held, confirmed, generation, counter */
};

static struct standing standing(struct cht_bytes claim)
{
    struct cht_bytes holder = member(claim, "holder"), confirmed = member(claim, "confirmed");
    struct cht_bytes token = member(claim, "token");
    struct standing s = { { 0 } };
    if (holder.len != 0 && crdt_mp_peek(holder).kind == CRDT_MP_STR)
        s.rank[0] = crdt_mp_peek(holder).data.len != 0;
    if (confirmed.len != 0)
        s.rank[1] = confirmed.data[0] == 0xc3;
    struct cht_wire w = cht_wire(token);
    if (token.len == 0 || crdt_mp_peek(token).kind != CRDT_MP_ARRAY || crdt_mp_next(&w).u != 2)
        return s;
    struct crdt_mp generation = crdt_mp_peek(crdt_mp_pass(&w));
    struct crdt_mp counter = crdt_mp_peek(crdt_mp_pass(&w));
    if (generation.kind == CRDT_MP_UINT && counter.kind == CRDT_MP_UINT) {
        s.rank[2] = generation.u;
        s.rank[3] = counter.u;
    }
    return s;
}

static bool is_stronger(const struct crdt_model *m, const struct crdt_model_value *a,
                        const struct crdt_model_value *b)
{
    struct standing sa = standing(a->bytes), sb = standing(b->bytes);
    for (size_t i = 0; i < 4; i++)
        if (sa.rank[i] != sb.rank[i])
            return sa.rank[i] > sb.rank[i];
    return is_before(m, a, b);
}

static bool is_better(const struct crdt_model *m, const struct crdt_field *f,
                      const struct crdt_model_value *a, const struct crdt_model_value *b)
{
    if (f == NULL) /* without a row it shows as lww */
        return is_before(m, b, a);
    if (f->policy == CRDT_TOKEN)
        return is_stronger(m, a, b);
    if (weight(f, a) != weight(f, b))
        return weight(f, a) > weight(f, b);
    return f->policy == CRDT_FIRST ? is_before(m, a, b) : is_before(m, b, a);
}

uint32_t crdt_model_shown(const struct crdt_model *m, const struct crdt_model_cell *cell)
{
    const struct crdt_field *f = crdt_field(cell->entity.type, cell->field);
    uint32_t best = 0;
    for (uint32_t i = 1; i < cell->count; i++)
        if (is_better(m, f, &cell->values[i], &cell->values[best]))
            best = i;
    return best;
}

/* --- conflicts (PROTOCOL 5.5) ------------------------------------------------------------------
 */

static bool conflicts_here(const struct crdt_field *f)
{
    if (f == NULL || f->kind == CRDT_MAP || f->kind == CRDT_TEXT)
        return true;
    return f->kind == CRDT_REGISTER && (f->policy == CRDT_LWW || f->policy == CRDT_RANK);
}

bool crdt_model_conflict(const struct crdt_model_cell *cell)
{
    const struct crdt_field *f = crdt_field(cell->entity.type, cell->field);
    bool text = f != NULL && f->kind == CRDT_TEXT;
    bool differ = false;
    for (uint32_t i = 1; i < cell->count; i++) {
        struct cht_bytes a = cell->values[0].bytes, b = cell->values[i].bytes;
        if (text)
            differ = differ || !cht_bytes_eq(crdt_mp_peek(a).data, crdt_mp_peek(b).data);
        else
            differ = differ || !cht_bytes_eq(a, b);
    }
    return differ && conflicts_here(f);
}

/* --- deletes (PROTOCOL 5.6) --------------------------------------------------------------------
 */

static bool is_true(const struct crdt_model_value *v)
{
    return crdt_mp_peek(v->bytes).u == 1;
}

bool crdt_model_hidden(const struct crdt_model *m, const struct crdt_id *id)
{
    const struct crdt_model_cell *cell =
        crdt_model_cell(m, id, CRDT_FIELD_DELETED, cht_bytes(NULL, 0));
    return cell != NULL && is_true(&cell->values[cell->shown]);
}

/* Did this live delete see the value? */
static bool has_seen(const struct crdt_model *m, const struct crdt_model_value *deleter,
                     const struct crdt_model_value *value)
{
    const struct crdt_op *op = &m->entries[deleter->entry].ops[deleter->index];
    return crdt_model_in_past(m, deleter->entry, value->entry) &&
           !crdt_model_keeps(m, deleter->entry, op, value);
}

static bool any_delete_saw(const struct crdt_model *m, const struct crdt_model_cell *deletes,
                           const struct crdt_model_value *value)
{
    for (uint32_t i = 0; i < deletes->count; i++)
        if (is_true(&deletes->values[i]) && has_seen(m, &deletes->values[i], value))
            return true;
    return false;
}

bool crdt_model_contested(const struct crdt_model *m, const struct crdt_id *id)
{
    uint32_t count;
    const struct crdt_model_cell *cells = crdt_model_cells(m, id, &count);
    const struct crdt_model_cell *deletes =
        crdt_model_cell(m, id, CRDT_FIELD_DELETED, cht_bytes(NULL, 0));
    if (!crdt_model_hidden(m, id))
        return false;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < cells[i].count; k++)
            if (cells[i].field != CRDT_FIELD_DELETED &&
                !any_delete_saw(m, deletes, &cells[i].values[k]))
                return true;
    return false;
}
