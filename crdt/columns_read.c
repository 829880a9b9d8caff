/* Columns back into entries (PROTOCOL 4.3); see columns.h.
 *
 * Everything here came from outside. Memory is taken only for what the bytes at hand can hold: a
 * count is checked against the bytes left and against what the bodies of a range may sum up to
 * before anything is allocated for it. The entries are not what they claim until the head over the
 * last hash verifies; until then they are merely well formed. */
#include "crdt/columns.h"
#include "crdt/entry_own.h"
#include "crdt/mp.h"

/* Scratch of one range: never reached, since ops and keeps are bounded by the bytes of bodies. */
#define READ_SCRATCH_BYTES  ((size_t)32 * 1024 * 1024)
#define OP_BODY_BYTES_MIN   3u /* [2, field] */
#define KEEP_BODY_BYTES_MIN 4u /* [number, seq, index] */

struct reader {
    const struct crdt_before *before;
    uint32_t count;
    struct cht_wire wire; /* its error is sticky: after it every read gives zero */
    struct cht_arena *arena;
    struct cht_arena scratch;
    struct crdt_entry *entries;
    const uint8_t *shapes;
    uint8_t *extras;     /* one an entry, 0 where the column has none */
    uint32_t *op_counts; /* 0 where the body is raw or missing */
    uint32_t op_total, keep_total;
    struct crdt_op *ops; /* of all entries */
    uint8_t *op_flags;   /* enum crdt_op_head, without the field */
    uint32_t *order;
    struct cht_buf bodies; /* all bodies in the range, one after the other */
    size_t body_bytes;     /* their sum, missing ones too */
};

static void fail(struct reader *r, enum cht_err err)
{
    cht_wire_fail(&r->wire, err);
}

static bool ok(const struct reader *r)
{
    return r->wire.err == CHT_OK;
}

static void *scratch(struct reader *r, size_t count, size_t size)
{
    void *got = ok(r) ? cht_arena_array(&r->scratch, count, size) : NULL;
    if (got == NULL)
        fail(r, CHT_E_NOMEM);
    return got;
}

static struct crdt_header *header(struct reader *r, uint32_t i)
{
    return &r->entries[i].header;
}

static uint32_t seq_of(const struct reader *r, uint32_t i)
{
    return r->before->seq + 1 + i;
}

static unsigned entity_of(const struct reader *r, uint32_t i)
{
    return r->shapes[i] & CRDT_SHAPE_ENTITY;
}

static unsigned body_of(const struct reader *r, uint32_t i)
{
    return (unsigned)r->shapes[i] >> CRDT_SHAPE_BODY_SHIFT & CRDT_SHAPE_BODY;
}

/* --- headers ------------------------------------------------------------------------------- */

static void take_shapes(struct reader *r)
{
    r->shapes = cht_wire_take(&r->wire, r->count).data;
    r->extras = scratch(r, r->count, 1);
    for (uint32_t i = 0; i < r->count && ok(r); i++) {
        if ((r->shapes[i] & CRDT_SHAPE_ZERO) != 0 || entity_of(r, i) > CRDT_ENTITY_SAME)
            fail(r, CHT_E_MALFORMED);
        if ((r->shapes[i] & CRDT_SHAPE_EXTRA) == 0)
            continue;
        uint8_t extra = cht_wire_u8(&r->wire);
        if (!ok(r))
            return;
        if ((extra & CRDT_EXTRA_ZERO) != 0 || (extra & CRDT_EXTRA_ACTOR) > CRDT_ACTOR_HASH)
            fail(r, CHT_E_MALFORMED);
        r->extras[i] = extra;
    }
}

/* Milliseconds first, counters in the next column. */
static void take_stamps(struct reader *r)
{
    uint64_t at_ms = crdt_hlc_ms(r->before->hlc);
    for (uint32_t i = 0; i < r->count && ok(r); i++) {
        uint64_t ms = cht_wire_varint(&r->wire);
        if (ms > CRDT_HLC_MS_MAX)
            fail(r, CHT_E_MALFORMED);
        at_ms = (at_ms + ms) & CRDT_HLC_MS_MAX;
        header(r, i)->hlc = crdt_hlc_make(at_ms, 0);
    }
    crdt_hlc_stamp before = r->before->hlc;
    for (uint32_t i = 0; i < r->count && ok(r); i++) {
        uint64_t ms = crdt_hlc_ms(header(r, i)->hlc);
        uint64_t counter = crdt_columns_counter(before, ms - crdt_hlc_ms(before));
        if ((r->shapes[i] & CRDT_SHAPE_COUNTER) != 0)
            counter = cht_wire_varint(&r->wire);
        if (counter > UINT16_MAX)
            fail(r, CHT_E_MALFORMED);
        before = crdt_hlc_make(ms, (uint16_t)counter);
        header(r, i)->hlc = before;
    }
}

static void take_epochs(struct reader *r)
{
    const uint8_t *epoch = r->before->epoch;
    for (uint32_t i = 0; i < r->count && ok(r); i++) {
        if ((r->extras[i] & CRDT_EXTRA_EPOCH) != 0)
            epoch = cht_wire_take(&r->wire, CRDT_EPOCH_BYTES).data;
        if (ok(r))
            memcpy(header(r, i)->epoch, epoch, CRDT_EPOCH_BYTES);
    }
}

static void take_named_seq(struct reader *r, uint32_t i)
{
    struct crdt_ref *entity = &header(r, i)->entity;
    uint32_t seq = crdt_take_u32(&r->wire);
    entity->form = CRDT_REF_NAMED;
    entity->name.seq = seq;
    if (entity_of(r, i) != CRDT_ENTITY_NEAR)
        return;
    if (seq >= seq_of(r, i))
        fail(r, CHT_E_MALFORMED);
    entity->name.seq = seq_of(r, i) - seq;
}

static void take_entities(struct reader *r)
{
    for (uint32_t i = 0; i < r->count && ok(r); i++) {
        if (entity_of(r, i) == CRDT_ENTITY_SPELT) {
            header(r, i)->entity.form = CRDT_REF_SPELT;
            header(r, i)->entity.id.type = cht_wire_u8(&r->wire);
        }
    }
    for (uint32_t i = 0; i < r->count && ok(r); i++)
        if (entity_of(r, i) == CRDT_ENTITY_SPELT)
            cht_wire_copy(&r->wire, header(r, i)->entity.id.b, CRDT_ID_BYTES);
    for (uint32_t i = 0; i < r->count && ok(r); i++)
        if (entity_of(r, i) == CRDT_ENTITY_NAMED)
            header(r, i)->entity.name.number = crdt_take_u32(&r->wire);
    for (uint32_t i = 0; i < r->count && ok(r); i++) {
        unsigned form = entity_of(r, i);
        if (form == CRDT_ENTITY_OWN || form == CRDT_ENTITY_NEAR || form == CRDT_ENTITY_NAMED)
            take_named_seq(r, i);
    }
    for (uint32_t i = 0; i < r->count && ok(r); i++)
        if (entity_of(r, i) == CRDT_ENTITY_HASH)
            crdt_take_ref(&r->wire, CRDT_REF_HASH, &header(r, i)->entity);
    for (uint32_t i = 1; i < r->count && ok(r); i++)
        if (entity_of(r, i) == CRDT_ENTITY_SAME)
            header(r, i)->entity = crdt_columns_same(&header(r, i - 1)->entity, seq_of(r, i - 1));
}

static void take_actors(struct reader *r)
{
    static const enum crdt_ref_form forms[] = {
        [CRDT_ACTOR_NONE] = CRDT_REF_NONE,
        [CRDT_ACTOR_SPELT] = CRDT_REF_SPELT,
        [CRDT_ACTOR_NAMED] = CRDT_REF_NAMED,
        [CRDT_ACTOR_HASH] = CRDT_REF_HASH,
    };
    for (uint32_t i = 0; i < r->count && ok(r); i++) {
        unsigned from = r->extras[i] & CRDT_EXTRA_ACTOR;
        if (from != CRDT_ACTOR_SAME)
            crdt_take_ref(&r->wire, forms[from], &header(r, i)->actor);
        else if (i != 0)
            header(r, i)->actor = crdt_columns_same(&header(r, i - 1)->actor, seq_of(r, i - 1));
    }
}

static void take_extras(struct reader *r)
{
    take_actors(r);
    for (uint32_t i = 0; i < r->count && ok(r); i++) {
        struct crdt_header *h = header(r, i);
        if ((r->extras[i] & CRDT_EXTRA_TXN) != 0) {
            h->txn_position = crdt_take_u32(&r->wire);
            h->txn_count = crdt_take_u32(&r->wire);
        } else {
            crdt_columns_txn(i == 0 ? NULL : header(r, i - 1), &h->txn_position, &h->txn_count);
        }
    }
    for (uint32_t i = 0; i < r->count && ok(r); i++)
        if ((r->extras[i] & CRDT_EXTRA_DEPS) != 0)
            crdt_take_deps(&r->wire, r->arena, header(r, i));
    for (uint32_t i = 0; i < r->count && ok(r); i++)
        if ((r->extras[i] & CRDT_EXTRA_HEADS) != 0)
            crdt_take_heads(&r->wire, r->arena, header(r, i));
}

/* --- ops ----------------------------------------------------------------------------------- */

static void take_op_counts(struct reader *r)
{
    size_t total = 0;
    r->op_counts = scratch(r, r->count, sizeof *r->op_counts);
    for (uint32_t i = 0; i < r->count && ok(r); i++) {
        if (body_of(r, i) == CRDT_BODY_OP)
            r->op_counts[i] = 1;
        else if (body_of(r, i) == CRDT_BODY_OPS)
            r->op_counts[i] = (uint32_t)cht_wire_varint_max(&r->wire, LIMIT_ENTRY_OPS);
        total += r->op_counts[i];
    }
    if (total > cht_wire_left(&r->wire)) /* each has a head of a byte at least */
        fail(r, CHT_E_MALFORMED);
    if (total * OP_BODY_BYTES_MIN > CRDT_RANGE_BODIES_MAX)
        fail(r, CHT_E_LIMIT);
    r->op_total = (uint32_t)(ok(r) ? total : 0);
}

static void take_op_heads(struct reader *r)
{
    uint16_t *fields = scratch(r, r->op_total, sizeof *fields);
    uint32_t *spare = scratch(r, r->op_total, sizeof *spare);
    r->order = scratch(r, r->op_total, sizeof *r->order);
    r->ops = scratch(r, r->op_total, sizeof *r->ops);
    r->op_flags = scratch(r, r->op_total, sizeof *r->op_flags);
    for (uint32_t k = 0; k < r->op_total && ok(r); k++) {
        uint64_t head = cht_wire_varint(&r->wire);
        if (head >> CRDT_OP_FIELD_SHIFT > LIMIT_FIELD_MAX)
            fail(r, CHT_E_MALFORMED);
        r->op_flags[k] = head & ((1u << CRDT_OP_FIELD_SHIFT) - 1);
        r->ops[k].kind = (head & CRDT_OP_IS_DROP) != 0 ? CRDT_OP_DROP : CRDT_OP_PUT;
        r->ops[k].field = (uint16_t)(head >> CRDT_OP_FIELD_SHIFT);
        fields[k] = r->ops[k].field;
    }
    if (ok(r))
        crdt_columns_order(fields, r->op_total, spare, r->order);
}

static void take_keeps(struct reader *r, struct crdt_op *op)
{
    uint32_t count = (uint32_t)cht_wire_varint_max(&r->wire, LIMIT_KEEPS);
    r->keep_total += count;
    if (ok(r) && (count == 0 || count > cht_wire_left(&r->wire)))
        fail(r, CHT_E_MALFORMED);
    if (r->keep_total * KEEP_BODY_BYTES_MIN > CRDT_RANGE_BODIES_MAX)
        fail(r, CHT_E_LIMIT);
    struct crdt_keep *keeps = scratch(r, count, sizeof *keeps);
    for (uint32_t i = 0; i < count && ok(r); i++) {
        uint64_t number = cht_wire_varint(&r->wire);
        if (number == 0) {
            keeps[i].name.by_hash = true;
            cht_wire_copy(&r->wire, keeps[i].name.hash.b, CRDT_HASH_BYTES);
        } else {
            if (number - 1 > UINT32_MAX)
                fail(r, CHT_E_MALFORMED);
            keeps[i].name.number = (uint32_t)(number - 1);
            keeps[i].name.seq = crdt_take_u32(&r->wire);
        }
        keeps[i].index = crdt_take_u32(&r->wire);
    }
    op->keeps = keeps;
    op->keep_count = ok(r) ? count : 0;
}

static void take_ops(struct reader *r)
{
    take_op_counts(r);
    take_op_heads(r);
    for (uint32_t k = 0; k < r->op_total && ok(r); k++)
        if ((r->op_flags[r->order[k]] & CRDT_OP_HAS_KEY) != 0)
            r->ops[r->order[k]].key = crdt_mp_skip(&r->wire);
    for (uint32_t k = 0; k < r->op_total && ok(r); k++)
        if ((r->op_flags[r->order[k]] & CRDT_OP_IS_DROP) == 0)
            r->ops[r->order[k]].value = crdt_mp_skip(&r->wire);
    for (uint32_t k = 0; k < r->op_total && ok(r); k++)
        if ((r->op_flags[k] & CRDT_OP_HAS_KEEPS) != 0)
            take_keeps(r, &r->ops[k]);
}

/* --- bodies -------------------------------------------------------------------------------- */

/* The length and hash of a body that is not here. */
static void take_missing(struct reader *r, struct crdt_header *h)
{
    h->body_len = (uint32_t)cht_wire_varint_max(&r->wire, LIMIT_BODY_BYTES);
    cht_wire_copy(&r->wire, h->body_hash.b, CRDT_HASH_BYTES);
}

/* Append the body of entry `i` to the others. */
static enum cht_err build_body(struct reader *r, uint32_t i, const struct crdt_op *ops)
{
    if (body_of(r, i) != CRDT_BODY_RAW)
        return crdt_body_encode(ops, r->op_counts[i], &r->bodies);
    uint64_t len = cht_wire_varint_max(&r->wire, LIMIT_BODY_BYTES);
    struct cht_bytes raw = cht_wire_take(&r->wire, (size_t)len);
    if (len == 0)
        fail(r, CHT_E_MALFORMED);
    return ok(r) ? cht_buf_add(&r->bodies, raw) : r->wire.err;
}

/* Build the bodies, which also gives the headers their lengths and hashes. The spans are set when
 * all stand at their last place. */
static void build_bodies(struct reader *r)
{
    const struct crdt_op *ops = r->ops;
    for (uint32_t i = 0; i < r->count && ok(r); i++) {
        struct crdt_header *h = header(r, i);
        size_t start = r->bodies.len;
        if (body_of(r, i) == CRDT_BODY_MISSING) {
            take_missing(r, h);
        } else {
            enum cht_err err = build_body(r, i, ops);
            if (err != CHT_OK) {
                fail(r, err);
                return;
            }
            ops += r->op_counts[i];
            h->body_len = (uint32_t)(r->bodies.len - start);
            h->body_hash = crdt_hash_of(cht_bytes(r->bodies.data + start, h->body_len));
        }
        r->body_bytes += h->body_len;
        if (r->body_bytes > CRDT_RANGE_BODIES_MAX)
            fail(r, CHT_E_LIMIT);
    }
    if (cht_wire_end(&r->wire) != CHT_OK)
        return;
    struct cht_bytes kept;
    if (cht_arena_copy(r->arena, cht_buf_view(&r->bodies), &kept) != CHT_OK) {
        fail(r, CHT_E_NOMEM);
        return;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        if (body_of(r, i) == CRDT_BODY_MISSING)
            continue;
        r->entries[i].body = cht_bytes(kept.data, header(r, i)->body_len);
        kept.data += header(r, i)->body_len;
    }
}

/* --- together ------------------------------------------------------------------------------ */

/* Write the headers' bytes and chain their hashes. */
static enum cht_err build_headers(struct reader *r)
{
    struct crdt_hash prev = r->before->hash;
    for (uint32_t i = 0; i < r->count; i++) {
        struct crdt_entry *e = &r->entries[i];
        memcpy(e->header.space, r->before->space, CRDT_ID_BYTES);
        memcpy(e->header.device, r->before->device, CRDT_ID_BYTES);
        e->header.seq = seq_of(r, i);
        e->header.prev = prev;
        enum cht_err err = crdt_header_check(&e->header);
        if (err != CHT_OK)
            return err;
        size_t size = crdt_header_size(&e->header);
        uint8_t *bytes = cht_arena_alloc(r->arena, size);
        if (bytes == NULL)
            return CHT_E_NOMEM;
        e->header_bytes = cht_bytes(bytes, crdt_header_put(&e->header, bytes));
        e->hash = crdt_hash_of(e->header_bytes);
        prev = e->hash;
    }
    return CHT_OK;
}

enum cht_err crdt_columns_read(const struct crdt_before *before, uint32_t count,
                               struct cht_bytes columns, struct cht_arena *arena,
                               struct crdt_entry **out)
{
    struct reader r = {
        .before = before, .count = count, .wire = cht_wire(columns), .arena = arena
    };
    if (count > columns.len)
        return CHT_E_MALFORMED; /* each has a shape */
    r.entries = cht_arena_array(arena, count, sizeof *r.entries);
    if (r.entries == NULL)
        return CHT_E_NOMEM;
    cht_arena_init(&r.scratch, READ_SCRATCH_BYTES);
    cht_buf_init(&r.bodies, CRDT_RANGE_BODIES_MAX);
    take_shapes(&r);
    take_stamps(&r);
    take_epochs(&r);
    take_entities(&r);
    take_extras(&r);
    take_ops(&r);
    build_bodies(&r);
    enum cht_err err = r.wire.err;
    if (err == CHT_OK)
        err = build_headers(&r);
    cht_buf_clear(&r.bodies);
    cht_arena_clear(&r.scratch);
    if (err == CHT_OK)
        *out = r.entries;
    return err;
}
