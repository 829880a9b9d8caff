/* The state root; see root.h (PROTOCOL 5.8). */
#include "crdt/root.h"

#include "crdt/base/wire.h"

#include <sodium.h>

#define DOT_BYTES (CRDT_ID_BYTES + CRDT_EPOCH_BYTES + 4u + 2u)
/* Terms up to this size are built in one buffer and hashed in one call: nearly all of them. */
#define TERM_STACK_BYTES 512u

static uint8_t *put_part(uint8_t *at, struct cht_bytes part)
{
    at += cht_varint_put(at, part.len);
    if (part.len != 0)
        memcpy(at, part.data, part.len);
    return at + part.len;
}

static void hash_part(crypto_generichash_state *state, struct cht_bytes part)
{
    uint8_t len[CHT_VARINT_MAX];
    crypto_generichash_update(state, len, cht_varint_put(len, part.len));
    crypto_generichash_update(state, part.data, part.len);
}

static void dot_bytes(const struct crdt_term *t, uint8_t out[static DOT_BYTES])
{
    memcpy(out, t->device, CRDT_ID_BYTES);
    memcpy(out + CRDT_ID_BYTES, t->epoch, CRDT_EPOCH_BYTES);
    cht_put_u32(out + CRDT_ID_BYTES + CRDT_EPOCH_BYTES, t->seq);
    cht_put_u16(out + CRDT_ID_BYTES + CRDT_EPOCH_BYTES + 4, t->index);
}

static struct crdt_hash hash_term(const char *context, const struct crdt_term *t,
                                  struct cht_bytes last)
{
    uint8_t field[2], dot[DOT_BYTES];
    cht_put_u16(field, t->field);
    dot_bytes(t, dot);
    const struct cht_bytes parts[] = {
        cht_bytes_str(context),
        cht_bytes(&t->entity->type, 1),
        cht_bytes(t->entity->b, CRDT_ID_BYTES),
        cht_bytes(field, sizeof field),
        t->key,
        cht_bytes(dot, sizeof dot),
        last,
    };
    size_t count = sizeof parts / sizeof parts[0], total = 0;
    for (size_t i = 0; i < count; i++)
        total += parts[i].len + CHT_VARINT_MAX;
    if (total <= TERM_STACK_BYTES) {
        uint8_t flat[TERM_STACK_BYTES], *at = flat;
        for (size_t i = 0; i < count; i++)
            at = put_part(at, parts[i]);
        return crdt_hash_of(cht_bytes(flat, (size_t)(at - flat)));
    }
    struct crdt_hash out;
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof out.b);
    for (size_t i = 0; i < count; i++)
        hash_part(&state, parts[i]);
    crypto_generichash_final(&state, out.b, sizeof out.b);
    return out;
}

struct crdt_hash crdt_term_hash(const struct crdt_term *t)
{
    return hash_term("chitty-row-1", t, t->value);
}

struct crdt_hash crdt_term_text_hash(const struct crdt_term *t, struct cht_bytes text)
{
    return hash_term("chitty-text-1", t, text);
}

void crdt_root_join(struct crdt_root *r, const struct crdt_root *other)
{
    unsigned carry = 0;
    for (size_t i = 0; i < 4; i++) {
        uint64_t sum = r->limb[i] + other->limb[i];
        unsigned over = sum < r->limb[i];
        r->limb[i] = sum + carry;
        carry = over | (r->limb[i] < sum);
    }
}

void crdt_root_add(struct crdt_root *r, const struct crdt_hash *h)
{
    struct crdt_root term;
    crdt_root_from(h->b, &term);
    crdt_root_join(r, &term);
}

void crdt_root_sub(struct crdt_root *r, const struct crdt_hash *h)
{
    struct crdt_root term;
    crdt_root_from(h->b, &term);
    unsigned borrow = 0;
    for (size_t i = 0; i < 4; i++) {
        uint64_t diff = r->limb[i] - term.limb[i];
        unsigned under = r->limb[i] < term.limb[i];
        r->limb[i] = diff - borrow;
        borrow = under | (diff < borrow);
    }
}

void crdt_root_bytes(const struct crdt_root *r, uint8_t out[static CRDT_HASH_BYTES])
{
    for (size_t i = 0; i < 4; i++)
        cht_put_u64(out + 8 * i, r->limb[i]);
}

void crdt_root_from(const uint8_t in[static CRDT_HASH_BYTES], struct crdt_root *out)
{
    for (size_t i = 0; i < 4; i++)
        out->limb[i] = cht_get_u64(in + 8 * i);
}
