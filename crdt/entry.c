/* The bytes of an entry's header (PROTOCOL 2). Fixed-width fields stand first, so that consecutive
 * headers of a path share their layout and the usual one fits one block of the hash. */
#include "crdt/entry_own.h"

#include <assert.h>

enum {
    FLAG_ACTOR_SHIFT = 2,
    FLAG_REF_MASK = 3,
    FLAG_TXN = 1 << 4,
    FLAG_DEPS = 1 << 5,
    FLAG_HEADS = 1 << 6,
    FLAG_RESERVED = 1 << 7,
};

#define HEADER_FIXED_BYTES (2u + 2u * CRDT_ID_BYTES + CRDT_EPOCH_BYTES + 2u * CRDT_HASH_BYTES + 8u)
#define VARINT32_MAX       5u /* bytes of the longest 32-bit varint */
#define DEP_BYTES_MIN      (CRDT_ID_BYTES + CRDT_EPOCH_BYTES + 1u + CRDT_DEP_HASH_BYTES)
#define DEP_BYTES_MAX      (DEP_BYTES_MIN - 1u + VARINT32_MAX)

static_assert(HEADER_FIXED_BYTES == 114, "PROTOCOL 2.1");
static_assert(HEADER_FIXED_BYTES + 6 * VARINT32_MAX + 2 * (2 * VARINT32_MAX + CRDT_HASH_BYTES) +
                      LIMIT_DEPS * DEP_BYTES_MAX + LIMIT_MEMBER_HEADS * CRDT_HASH_BYTES <=
                  LIMIT_HEADER_BYTES,
              "the limits on deps and heads keep a header within its own");

/* --- what any header must keep ------------------------------------------------------------- */

int crdt_dep_cmp(const struct crdt_dep *a, const struct crdt_dep *b)
{
    int order = memcmp(a->device, b->device, sizeof a->device);
    if (order == 0)
        order = memcmp(a->epoch, b->epoch, sizeof a->epoch);
    if (order == 0 && a->seq != b->seq)
        order = a->seq < b->seq ? -1 : 1;
    return order != 0 ? order : memcmp(a->hash, b->hash, sizeof a->hash);
}

static bool is_zero(const struct crdt_hash *h)
{
    static const struct crdt_hash zero;
    return crdt_hash_eq(h, &zero);
}

static bool ref_holds(const struct crdt_ref *r, bool actor)
{
    if (r->form == CRDT_REF_SPELT)
        return (r->id.type == 0) == actor;
    return r->form != CRDT_REF_NAMED || r->name.seq != 0;
}

/* PROTOCOL 2.2: ascending without duplicates, so that a header has one encoding. */
static bool lists_are_sorted(const struct crdt_header *h)
{
    for (uint32_t i = 1; i < h->dep_count; i++)
        if (h->deps[i].seq == 0 || crdt_dep_cmp(&h->deps[i - 1], &h->deps[i]) >= 0)
            return false;
    for (uint32_t i = 1; i < h->head_count; i++)
        if (memcmp(h->heads[i - 1].b, h->heads[i].b, CRDT_HASH_BYTES) >= 0)
            return false;
    return h->dep_count == 0 || h->deps[0].seq != 0;
}

enum cht_err crdt_header_check(const struct crdt_header *h)
{
    if (h->body_len > LIMIT_BODY_BYTES || h->dep_count > LIMIT_DEPS ||
        h->head_count > LIMIT_MEMBER_HEADS)
        return CHT_E_LIMIT;
    if (h->seq == 0 || (h->seq == 1) != is_zero(&h->prev) || h->body_len == 0)
        return CHT_E_MALFORMED;
    if (h->entity.form == CRDT_REF_NONE && h->body_len != 1) /* PROTOCOL 2.4 */
        return CHT_E_MALFORMED;
    if (!ref_holds(&h->entity, false) || !ref_holds(&h->actor, true))
        return CHT_E_MALFORMED;
    if (h->txn_position >= h->txn_count)
        return CHT_E_MALFORMED;
    if (h->txn_position != 0 && (h->dep_count != 0 || h->head_count != 0)) /* PROTOCOL 2.4 */
        return CHT_E_MALFORMED;
    return lists_are_sorted(h) ? CHT_OK : CHT_E_MALFORMED;
}

/* --- writing ------------------------------------------------------------------------------- */

size_t crdt_ref_size(const struct crdt_ref *r)
{
    switch (r->form) {
    case CRDT_REF_SPELT:
        return 1 + CRDT_ID_BYTES;
    case CRDT_REF_NAMED:
        return cht_varint_size(r->name.number) + cht_varint_size(r->name.seq);
    case CRDT_REF_HASH:
        return CRDT_HASH_BYTES;
    case CRDT_REF_NONE:
    default:
        return 0;
    }
}

size_t crdt_deps_size(const struct crdt_header *h)
{
    size_t size = cht_varint_size(h->dep_count);
    for (uint32_t i = 0; i < h->dep_count; i++)
        size += DEP_BYTES_MIN - 1 + cht_varint_size(h->deps[i].seq);
    return size;
}

size_t crdt_heads_size(const struct crdt_header *h)
{
    return cht_varint_size(h->head_count) + (size_t)h->head_count * CRDT_HASH_BYTES;
}

size_t crdt_header_size(const struct crdt_header *h)
{
    size_t size = HEADER_FIXED_BYTES + cht_varint_size(h->seq) + cht_varint_size(h->body_len) +
                  crdt_ref_size(&h->entity) + crdt_ref_size(&h->actor);
    if (h->txn_count != 1)
        size += cht_varint_size(h->txn_position) + cht_varint_size(h->txn_count);
    if (h->dep_count != 0)
        size += crdt_deps_size(h);
    if (h->head_count != 0)
        size += crdt_heads_size(h);
    return size;
}

static uint8_t *put(uint8_t *p, const void *src, size_t len)
{
    memcpy(p, src, len);
    return p + len;
}

static uint8_t *put_varint(uint8_t *p, uint64_t v)
{
    return p + cht_varint_put(p, v);
}

uint8_t *crdt_put_ref(uint8_t *p, const struct crdt_ref *r)
{
    switch (r->form) {
    case CRDT_REF_SPELT:
        *p++ = r->id.type;
        return put(p, r->id.b, CRDT_ID_BYTES);
    case CRDT_REF_NAMED:
        return put_varint(put_varint(p, r->name.number), r->name.seq);
    case CRDT_REF_HASH:
        return put(p, r->name.hash.b, CRDT_HASH_BYTES);
    case CRDT_REF_NONE:
    default:
        return p;
    }
}

uint8_t *crdt_put_deps(uint8_t *p, const struct crdt_header *h)
{
    p = put_varint(p, h->dep_count);
    for (uint32_t i = 0; i < h->dep_count; i++) {
        p = put(p, h->deps[i].device, CRDT_ID_BYTES);
        p = put(p, h->deps[i].epoch, CRDT_EPOCH_BYTES);
        p = put_varint(p, h->deps[i].seq);
        p = put(p, h->deps[i].hash, CRDT_DEP_HASH_BYTES);
    }
    return p;
}

uint8_t *crdt_put_heads(uint8_t *p, const struct crdt_header *h)
{
    p = put_varint(p, h->head_count);
    return put(p, h->heads, (size_t)h->head_count * CRDT_HASH_BYTES);
}

static uint8_t flags_of(const struct crdt_header *h)
{
    unsigned flags = (unsigned)h->entity.form | (unsigned)h->actor.form << FLAG_ACTOR_SHIFT;
    flags |= h->txn_count != 1 ? (unsigned)FLAG_TXN : 0;
    flags |= h->dep_count != 0 ? (unsigned)FLAG_DEPS : 0;
    flags |= h->head_count != 0 ? (unsigned)FLAG_HEADS : 0;
    return (uint8_t)flags;
}

size_t crdt_header_put(const struct crdt_header *h, uint8_t *out)
{
    assert(crdt_header_check(h) == CHT_OK);
    uint8_t *p = out;
    *p++ = CRDT_ENTRY_VERSION;
    *p++ = flags_of(h);
    p = put(p, h->space, CRDT_ID_BYTES);
    p = put(p, h->device, CRDT_ID_BYTES);
    p = put(p, h->epoch, CRDT_EPOCH_BYTES);
    p = put(p, h->prev.b, CRDT_HASH_BYTES);
    cht_put_u64(p, h->hlc);
    p = put(p + 8, h->body_hash.b, CRDT_HASH_BYTES);
    p = put_varint(p, h->seq);
    p = put_varint(p, h->body_len);
    p = crdt_put_ref(p, &h->entity);
    p = crdt_put_ref(p, &h->actor);
    if (h->txn_count != 1)
        p = put_varint(put_varint(p, h->txn_position), h->txn_count);
    if (h->dep_count != 0)
        p = crdt_put_deps(p, h);
    if (h->head_count != 0)
        p = crdt_put_heads(p, h);
    return (size_t)(p - out);
}

enum cht_err crdt_header_encode(const struct crdt_header *h, struct cht_buf *out)
{
    enum cht_err err = cht_buf_reserve(out, crdt_header_size(h));
    if (err == CHT_OK)
        out->len += crdt_header_put(h, out->data + out->len);
    return err;
}

/* --- reading ------------------------------------------------------------------------------- */

uint32_t crdt_take_u32(struct cht_wire *w)
{
    uint64_t v = cht_wire_varint(w);
    if (v > UINT32_MAX)
        cht_wire_fail(w, CHT_E_MALFORMED);
    return w->err == CHT_OK ? (uint32_t)v : 0;
}

void crdt_take_ref(struct cht_wire *w, enum crdt_ref_form form, struct crdt_ref *out)
{
    out->form = form;
    switch (form) {
    case CRDT_REF_SPELT:
        out->id.type = cht_wire_u8(w);
        cht_wire_copy(w, out->id.b, CRDT_ID_BYTES);
        break;
    case CRDT_REF_NAMED:
        out->name.number = crdt_take_u32(w);
        out->name.seq = crdt_take_u32(w);
        break;
    case CRDT_REF_HASH:
        out->name.by_hash = true;
        cht_wire_copy(w, out->name.hash.b, CRDT_HASH_BYTES);
        break;
    case CRDT_REF_NONE:
    default:
        break;
    }
}

/* The count of a list whose flag is set: not zero, within its limit, and within the bytes left. */
static uint32_t take_count(struct cht_wire *w, uint32_t max, size_t each_bytes)
{
    uint32_t count = (uint32_t)cht_wire_varint_max(w, max);
    if (w->err == CHT_OK && (count == 0 || count * each_bytes > cht_wire_left(w)))
        cht_wire_fail(w, CHT_E_MALFORMED);
    return w->err == CHT_OK ? count : 0;
}

void crdt_take_deps(struct cht_wire *w, struct cht_arena *arena, struct crdt_header *h)
{
    uint32_t count = take_count(w, LIMIT_DEPS, DEP_BYTES_MIN);
    if (w->err != CHT_OK)
        return;
    struct crdt_dep *deps = cht_arena_array(arena, count, sizeof *deps);
    if (deps == NULL) {
        cht_wire_fail(w, CHT_E_NOMEM);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        cht_wire_copy(w, deps[i].device, CRDT_ID_BYTES);
        cht_wire_copy(w, deps[i].epoch, CRDT_EPOCH_BYTES);
        deps[i].seq = crdt_take_u32(w);
        cht_wire_copy(w, deps[i].hash, CRDT_DEP_HASH_BYTES);
    }
    h->deps = deps;
    h->dep_count = count;
}

void crdt_take_heads(struct cht_wire *w, struct cht_arena *arena, struct crdt_header *h)
{
    uint32_t count = take_count(w, LIMIT_MEMBER_HEADS, CRDT_HASH_BYTES);
    struct cht_bytes raw = cht_wire_take(w, (size_t)count * CRDT_HASH_BYTES);
    if (w->err != CHT_OK)
        return;
    struct crdt_hash *heads = cht_arena_array(arena, count, sizeof *heads);
    if (heads == NULL) {
        cht_wire_fail(w, CHT_E_NOMEM);
        return;
    }
    memcpy(heads, raw.data, raw.len);
    h->heads = heads;
    h->head_count = count;
}

static void take_txn(struct cht_wire *w, struct crdt_header *h)
{
    h->txn_position = crdt_take_u32(w);
    h->txn_count = crdt_take_u32(w);
    if (h->txn_count < 2)
        cht_wire_fail(w, CHT_E_MALFORMED); /* alone is written by leaving it out */
}

enum cht_err crdt_header_decode(struct cht_bytes src, struct cht_arena *arena,
                                struct crdt_header *out)
{
    struct cht_wire w = cht_wire(src);
    struct crdt_header h = { .txn_count = 1 };
    if (src.len > LIMIT_HEADER_BYTES)
        return CHT_E_LIMIT;
    uint8_t version = cht_wire_u8(&w);
    uint8_t flags = cht_wire_u8(&w);
    if (w.err == CHT_OK && version != CRDT_ENTRY_VERSION)
        return CHT_E_UNSUPPORTED;
    if ((flags & FLAG_RESERVED) != 0)
        return CHT_E_MALFORMED;
    cht_wire_copy(&w, h.space, CRDT_ID_BYTES);
    cht_wire_copy(&w, h.device, CRDT_ID_BYTES);
    cht_wire_copy(&w, h.epoch, CRDT_EPOCH_BYTES);
    cht_wire_copy(&w, h.prev.b, CRDT_HASH_BYTES);
    h.hlc = cht_wire_u64(&w);
    cht_wire_copy(&w, h.body_hash.b, CRDT_HASH_BYTES);
    h.seq = crdt_take_u32(&w);
    h.body_len = (uint32_t)cht_wire_varint_max(&w, LIMIT_BODY_BYTES);
    crdt_take_ref(&w, (enum crdt_ref_form)(flags & FLAG_REF_MASK), &h.entity);
    crdt_take_ref(&w, (enum crdt_ref_form)(flags >> FLAG_ACTOR_SHIFT & FLAG_REF_MASK), &h.actor);
    if ((flags & FLAG_TXN) != 0)
        take_txn(&w, &h);
    if ((flags & FLAG_DEPS) != 0)
        crdt_take_deps(&w, arena, &h);
    if ((flags & FLAG_HEADS) != 0)
        crdt_take_heads(&w, arena, &h);
    enum cht_err err = cht_wire_end(&w);
    if (err == CHT_OK)
        err = crdt_header_check(&h);
    if (err == CHT_OK)
        *out = h;
    return err;
}
