/* Random paths of entries; see chain.h. */
#include "tests/support/chain.h"

#include <string.h>

static bool once_in(struct chain *c, uint32_t n)
{
    return seeded_below(c->random, n) == 0;
}

static uint8_t *room(struct chain *c, size_t len)
{
    uint8_t *got = cht_arena_alloc(c->arena, len);
    if (got == NULL)
        abort();
    return got;
}

static struct cht_bytes keep(struct chain *c, struct cht_buf *buf)
{
    uint8_t *copy = room(c, buf->len + 1);
    memcpy(copy, buf->data, buf->len);
    struct cht_bytes kept = cht_bytes(copy, buf->len);
    cht_buf_clear(buf);
    return kept;
}

static void must(enum cht_err err)
{
    if (err != CHT_OK)
        abort();
}

void chain_start(struct chain *c, struct seeded *random, struct cht_arena *arena)
{
    memset(c, 0, sizeof *c);
    c->random = random;
    c->arena = arena;
    seeded_fill(random, c->before.space, CRDT_ID_BYTES);
    seeded_fill(random, c->before.device, CRDT_ID_BYTES);
    if (once_in(c, 4))
        return;
    seeded_fill(random, c->before.epoch, CRDT_EPOCH_BYTES);
    seeded_fill(random, c->before.hash.b, CRDT_HASH_BYTES);
    c->before.hlc = crdt_hlc_make(1763700000000, (uint16_t)seeded_below(random, 3));
    c->before.seq = once_in(c, 20) ? UINT32_MAX - CHAIN_ENTRIES_MAX : seeded_below(random, 100000);
    c->before.seq += 1;
}

void chain_add(struct chain *c, const struct crdt_header *h, struct cht_bytes body)
{
    struct crdt_entry *e = &c->entries[c->count];
    e->header = *h;
    memcpy(e->header.space, c->before.space, CRDT_ID_BYTES);
    memcpy(e->header.device, c->before.device, CRDT_ID_BYTES);
    e->header.seq = c->before.seq + 1 + c->count;
    e->header.prev = c->count == 0 ? c->before.hash : c->entries[c->count - 1].hash;
    e->body = body;
    if (body.data != NULL) {
        e->header.body_len = (uint32_t)body.len;
        e->header.body_hash = crdt_hash_of(body);
    }
    must(crdt_header_check(&e->header));
    size_t size = crdt_header_size(&e->header);
    uint8_t *bytes = room(c, size);
    e->header_bytes = cht_bytes(bytes, crdt_header_put(&e->header, bytes));
    e->hash = crdt_hash_of(e->header_bytes);
    c->count++;
}

/* --- bodies -------------------------------------------------------------------------------- */

/* A value or key: small, or nested, or long now and then. */
static struct cht_bytes random_value(struct chain *c)
{
    static const char *const values[] = { "\x05",         "\xc3",          "\xa4open",
                                          "\246closed",   "\xcc\x80",      "\xd0\xdf",
                                          "\x92\x01\x90", "\x81\xa1k\xc0", "\xca\x3f\x80\x01\x01" };
    static const size_t lens[] = { 1, 1, 5, 7, 2, 2, 3, 4, 5 };
    uint32_t which = seeded_below(c->random, 12);
    if (which < 9)
        return cht_bytes(values[which], lens[which]);
    uint32_t len =
        once_in(c, 40) ? 300 + seeded_below(c->random, 3000) : seeded_below(c->random, 40);
    uint8_t *text = room(c, len + 3);
    text[0] = 0xda;
    text[1] = (uint8_t)(len >> 8);
    text[2] = (uint8_t)len;
    seeded_fill(c->random, text + 3, len);
    for (uint32_t i = 0; i < len; i++)
        text[3 + i] = (uint8_t)('a' + text[3 + i] % 5);
    return cht_bytes(text, len + 3);
}

static const struct crdt_keep *random_keeps(struct chain *c, uint32_t count)
{
    struct crdt_keep *keeps = (struct crdt_keep *)(void *)room(c, count * sizeof *keeps);
    for (uint32_t i = 0; i < count; i++) {
        keeps[i].name.by_hash = once_in(c, 3);
        if (keeps[i].name.by_hash) {
            seeded_fill(c->random, keeps[i].name.hash.b, CRDT_HASH_BYTES);
        } else {
            keeps[i].name.number = once_in(c, 5) ? UINT32_MAX : seeded_below(c->random, 300);
            keeps[i].name.seq = 1 + seeded_below(c->random, 70000);
        }
        keeps[i].index = seeded_below(c->random, 200);
    }
    return keeps;
}

static struct crdt_op random_op(struct chain *c)
{
    struct crdt_op op = { .kind = once_in(c, 4) ? CRDT_OP_DROP : CRDT_OP_PUT };
    op.field = (uint16_t)seeded_below(c->random, once_in(c, 4) ? LIMIT_FIELD_MAX + 1 : 9);
    if (op.kind == CRDT_OP_PUT)
        op.value = once_in(c, 10) ? cht_bytes("\xc0", 1) : random_value(c);
    if (once_in(c, 3))
        op.key = random_value(c);
    if (op.key.len > LIMIT_KEY_BYTES)
        op.key = cht_bytes("\xa1k", 2);
    if (once_in(c, 8)) {
        op.keep_count = 1 + seeded_below(c->random, once_in(c, 10) ? LIMIT_KEEPS : 3);
        op.keeps = random_keeps(c, op.keep_count);
    }
    return op;
}

/* Bodies that no writer of ours makes and every reader has to carry. */
static struct cht_bytes odd_body(struct chain *c)
{
    static const char *const odd[] = { "\xc0",
                                       "\x91\xc0",
                                       "\x91\x94\x01\x01\xc0\xa1x",
                                       "\xdc\x00\x01\x93\x01\x01\x05",
                                       "\x91\x93\x01\xcc\x01\x05",
                                       "\x91\x93\x03\x01\x05",
                                       "\x91\x95\x01\x01\xc0\x05\x90" };
    static const size_t lens[] = { 1, 2, 7, 7, 6, 5, 7 };
    uint32_t which = seeded_below(c->random, 8);
    if (which < 7)
        return cht_bytes(odd[which], lens[which]);
    uint32_t len = 1 + seeded_below(c->random, 60);
    uint8_t *bytes = room(c, len);
    seeded_fill(c->random, bytes, len);
    return cht_bytes(bytes, len);
}

static struct cht_bytes random_body(struct chain *c)
{
    struct crdt_op ops[40];
    struct cht_buf buf;
    uint32_t count = once_in(c, 3) ? seeded_below(c->random, once_in(c, 10) ? 40 : 5) : 1;
    if (once_in(c, 10))
        return odd_body(c);
    cht_buf_init(&buf, LIMIT_BODY_BYTES);
    for (uint32_t i = 0; i < count; i++)
        ops[i] = random_op(c);
    must(crdt_body_encode(ops, count, &buf));
    return keep(c, &buf);
}

/* --- headers ------------------------------------------------------------------------------- */

static crdt_hlc_stamp random_stamp(struct chain *c, crdt_hlc_stamp last)
{
    switch (seeded_below(c->random, 12)) {
    case 0:
        return seeded_next(c->random); /* any: it is no condition of validity */
    case 1:
        return last - crdt_hlc_make(seeded_below(c->random, 1000), 0);
    case 2:
        return last + seeded_below(c->random, 70000);
    case 3:
    case 4:
    case 5:
        return crdt_hlc_make(
            (crdt_hlc_ms(last) + 1 + seeded_below(c->random, 40000)) & CRDT_HLC_MS_MAX, 0);
    default:
        return crdt_hlc_make(crdt_hlc_ms(last), (uint16_t)(crdt_hlc_counter(last) + 1));
    }
}

static struct crdt_ref random_ref(struct chain *c, bool actor)
{
    struct crdt_ref r = { .form = (enum crdt_ref_form)(1 + seeded_below(c->random, 3)) };
    uint32_t seq = c->before.seq + 1 + c->count;
    if (r.form == CRDT_REF_SPELT) {
        r.id.type = actor ? 0 : (uint8_t)(1 + seeded_below(c->random, 255));
        seeded_fill(c->random, r.id.b, CRDT_ID_BYTES);
    } else if (r.form == CRDT_REF_HASH) {
        r.name.by_hash = true;
        seeded_fill(c->random, r.name.hash.b, CRDT_HASH_BYTES);
    } else {
        r.name.number = once_in(c, 3) ? 1 + seeded_below(c->random, 300) : 0;
        r.name.seq = 1 + seeded_below(c->random, once_in(c, 2) ? seq : 200);
        if (once_in(c, 4) && seq > 10)
            r.name.seq = seq - 1 - seeded_below(c->random, 9);
        if (once_in(c, 20))
            r.name.seq = UINT32_MAX;
    }
    return r;
}

static struct crdt_ref same_ref(const struct crdt_ref *r, uint32_t seq)
{
    if (r->form != CRDT_REF_SPELT)
        return *r;
    return (struct crdt_ref){ .form = CRDT_REF_NAMED, .name = { .seq = seq } };
}

static void random_deps(struct chain *c, struct crdt_header *h)
{
    uint32_t count = 1 + seeded_below(c->random, once_in(c, 8) ? LIMIT_DEPS : 3);
    struct crdt_dep *deps = (struct crdt_dep *)(void *)room(c, count * sizeof *deps);
    for (uint32_t i = 0; i < count; i++) {
        seeded_fill(c->random, deps[i].device, CRDT_ID_BYTES);
        deps[i].device[0] = (uint8_t)(i * 3); /* ascending */
        seeded_fill(c->random, deps[i].epoch, CRDT_EPOCH_BYTES);
        deps[i].seq = 1 + (uint32_t)(seeded_next(c->random) >> (33 + seeded_below(c->random, 30)));
        seeded_fill(c->random, deps[i].hash, CRDT_DEP_HASH_BYTES);
    }
    h->deps = deps;
    h->dep_count = count;
}

static void random_heads(struct chain *c, struct crdt_header *h)
{
    uint32_t count = 1 + seeded_below(c->random, once_in(c, 4) ? LIMIT_MEMBER_HEADS : 1);
    struct crdt_hash *heads = (struct crdt_hash *)(void *)room(c, count * sizeof *heads);
    for (uint32_t i = 0; i < count; i++) {
        seeded_fill(c->random, heads[i].b, CRDT_HASH_BYTES);
        heads[i].b[0] = (uint8_t)(i * 16);
    }
    h->heads = heads;
    h->head_count = count;
}

static void random_txn(struct chain *c, const struct crdt_header *last, struct crdt_header *h)
{
    h->txn_count = 1;
    if (last != NULL && last->txn_position + 1 < last->txn_count && !once_in(c, 20)) {
        h->txn_position = last->txn_position + 1;
        h->txn_count = last->txn_count;
    } else if (once_in(c, 6)) {
        h->txn_count = 2 + seeded_below(c->random, 20);
        h->txn_position = once_in(c, 10) ? seeded_below(c->random, h->txn_count) : 0;
    }
}

void chain_grow(struct chain *c)
{
    const struct crdt_header *last = c->count == 0 ? NULL : &c->entries[c->count - 1].header;
    struct crdt_header h = { .seq = 0 };
    struct cht_bytes body = random_body(c);
    memcpy(h.epoch, last == NULL ? c->before.epoch : last->epoch, CRDT_EPOCH_BYTES);
    if (once_in(c, 15))
        seeded_fill(c->random, h.epoch, CRDT_EPOCH_BYTES);
    h.hlc = random_stamp(c, last == NULL ? c->before.hlc : last->hlc);
    h.entity = last != NULL && last->entity.form != CRDT_REF_NONE && once_in(c, 3)
                   ? same_ref(&last->entity, last->seq)
                   : random_ref(c, false);
    if (last != NULL)
        h.actor = same_ref(&last->actor, last->seq);
    if (once_in(c, 8))
        h.actor = random_ref(c, true);
    else if (once_in(c, 8))
        h.actor = (struct crdt_ref){ .form = CRDT_REF_NONE };
    random_txn(c, last, &h);
    if (h.txn_position == 0 && once_in(c, 8))
        random_deps(c, &h);
    if (h.txn_position == 0 && once_in(c, 12))
        random_heads(c, &h);
    if (once_in(c, 12)) {
        h.entity = (struct crdt_ref){ .form = CRDT_REF_NONE };
        body = cht_bytes("\x90", 1);
    } else if (once_in(c, 10)) {
        body = cht_bytes(NULL, 0);
        h.body_len = 1 + seeded_below(c->random, 1000);
        seeded_fill(c->random, h.body_hash.b, CRDT_HASH_BYTES);
    }
    chain_add(c, &h, body);
}

enum cht_err chain_raw(const struct chain *c, struct cht_buf *out)
{
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0; i < c->count && err == CHT_OK; i++) {
        const struct crdt_entry *e = &c->entries[i];
        err = cht_buf_add_varint(out, e->header_bytes.len);
        if (err == CHT_OK)
            err = cht_buf_add(out, e->header_bytes);
        if (err == CHT_OK)
            err = cht_buf_add_u8(out, e->body.data != NULL);
        if (err == CHT_OK)
            err = cht_buf_add(out, e->body);
    }
    return err;
}
