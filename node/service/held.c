/* What sessions of this device hold, so that a loss is noticed whatever the winner has done since;
 * see claims_own.h (LOCAL 8.5).
 *
 * A row of meta each, which the log cannot give back: `held:` TODO `:` KEY, the value generation,
 * counter and time. It is written in the turn after the claim; a node that dies between the two
 * finds the claim shown when it starts, and notes it then. */
#include "node/service/claims_own.h"
#include "node/service/own.h"

#include <stdlib.h>

#define PREFIX      "held:"
#define NAME_BYTES  (sizeof PREFIX + CRDT_ID_TEXT_MAX + 2 * HOLDER_KEY_BYTES)
#define VALUE_BYTES 24u
#define KEPT_MS     ((uint64_t)30 * 24 * 3600 * 1000) /* a loss that nobody asks about */

static enum cht_err add(struct service_claims *c, const struct service_held *h)
{
    if (c->held_count == LIMIT_CLAIM_NOTES)
        return CHT_OK; /* who holds so much is not told of each */
    if (c->held_count == c->held_cap) {
        const size_t cap = c->held_cap == 0 ? 64 : 2 * c->held_cap;
        struct service_held *grown = realloc(c->held, cap * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        c->held = grown;
        c->held_cap = cap;
    }
    c->held[c->held_count++] = *h;
    c->held_stale |= h->dirty;
    return CHT_OK;
}

/* --- rows ----------------------------------------------------------------------------------- */

static void name_of(const struct service_held *h, char out[static NAME_BYTES])
{
    char *at = out + sizeof PREFIX - 1;
    memcpy(out, PREFIX, sizeof PREFIX - 1);
    crdt_id_text(&h->todo, at);
    at += strlen(at);
    *at++ = ':';
    crdt_hex(cht_bytes(h->key, HOLDER_KEY_BYTES), at);
}

static enum cht_err read_row(void *ctx, const char *key, struct cht_bytes value)
{
    struct node_service *s = ctx;
    struct service_held h = { 0 };
    const char *colon = strrchr(key, ':');
    const struct cht_bytes id = cht_bytes(
        (const uint8_t *)key + sizeof PREFIX - 1,
        (size_t)(colon - key) < sizeof PREFIX ? 0 : (size_t)(colon - key) - sizeof PREFIX + 1);
    if (value.len != VALUE_BYTES || crdt_id_parse(id, &h.todo) != CHT_OK ||
        crdt_unhex(cht_bytes_str(colon + 1), h.key, HOLDER_KEY_BYTES) != CHT_OK)
        return CHT_OK;
    h.generation = cht_get_u64(value.data);
    h.counter = cht_get_u64(value.data + 8);
    h.at_ms = cht_get_u64(value.data + 16);
    h.dirty = h.gone = s->now_ms > h.at_ms && s->now_ms - h.at_ms > KEPT_MS;
    return add(&s->claims, &h);
}

void claims_held_load(struct node_service *s)
{
    s->claims.held_count = 0;
    s->claims.held_loaded =
        node_store_each_meta(node_replica_store(s->replica), PREFIX, read_row, s) == CHT_OK;
}

void claims_held_write(struct node_service *s)
{
    struct service_claims *c = &s->claims;
    enum cht_err err = CHT_OK;
    size_t kept = 0;
    if (!c->held_stale)
        return;
    for (size_t i = 0; i < c->held_count; i++) {
        struct service_held *h = &c->held[i];
        char name[NAME_BYTES];
        uint8_t value[VALUE_BYTES];
        name_of(h, name);
        cht_put_u64(value, h->generation);
        cht_put_u64(value + 8, h->counter);
        cht_put_u64(value + 16, h->at_ms);
        if (err == CHT_OK && h->gone)
            err = node_replica_drop_meta(s->replica, name);
        else if (err == CHT_OK && h->dirty)
            err = node_replica_keep_meta(s->replica, name, cht_bytes(value, sizeof value));
        h->dirty &= err != CHT_OK;
        if (err != CHT_OK || !h->gone)
            c->held[kept++] = *h;
    }
    c->held_count = kept;
    c->held_stale = err != CHT_OK;
}

/* --- what changed --------------------------------------------------------------------------- */

/* Was it the holder that wrote the entry? */
static bool wrote_itself(struct node_service *s, const struct service_held *h, struct crdt_place at)
{
    struct cht_arena arena;
    struct crdt_entry e;
    struct crdt_id actor;
    char text[CRDT_ID_TEXT_MAX];
    uint8_t key[HOLDER_KEY_BYTES];
    bool itself = false;
    if (at.seq == 0)
        return false;
    cht_arena_init(&arena, LIMIT_TURN_BYTES);
    if (node_replica_entry(s->replica, at, &arena, &e) == CHT_OK &&
        node_replica_actor_of(s->replica, at, &e, &actor) == CHT_OK) {
        actor.type = CRDT_SESSION;
        crdt_id_text(&actor, text);
        claims_key(cht_bytes_str(text), key);
        itself = memcmp(key, h->key, HOLDER_KEY_BYTES) == 0;
    }
    cht_arena_clear(&arena);
    return itself;
}

void claims_held_change(struct node_service *s, const struct crdt_state *todo,
                        struct crdt_place last)
{
    struct service_claims *c = &s->claims;
    const struct crdt_claim claim = claims_of(s, todo);
    struct service_held now = { .todo = todo->id,
                                .generation = claim.generation,
                                .counter = claim.counter,
                                .at_ms = claim.at_ms,
                                .dirty = true };
    uint8_t device[CRDT_ID_BYTES];
    const bool over = claims_over(s, todo), held = claim.holder.len != 0 && !over;
    bool noted = false;
    (void)claims_ended_by(s, todo, &last);
    claims_key(claim.holder, now.key);
    for (size_t i = 0; i < c->held_count; i++) {
        struct service_held *h = &c->held[i];
        if (h->gone || !crdt_id_eq(&h->todo, &todo->id))
            continue;
        if (held && memcmp(h->key, now.key, HOLDER_KEY_BYTES) == 0) {
            now.dirty = h->generation != now.generation || h->counter != now.counter;
            *h = now;
            c->held_stale |= now.dirty;
            noted = true;
        } else if (!h->lost) {
            h->gone = wrote_itself(s, h, last);
            h->lost = !h->gone;
            c->held_stale |= h->gone;
        }
    }
    if (held && !noted && crdt_unhex(claim.device, device, CRDT_ID_BYTES) == CHT_OK &&
        memcmp(device, s->identity->device, CRDT_ID_BYTES) == 0)
        (void)!add(c, &now);
}

void claims_held_forget(struct node_service *s, const uint8_t key[static HOLDER_KEY_BYTES],
                        const struct crdt_id *todo)
{
    struct service_claims *c = &s->claims;
    for (size_t i = 0; i < c->held_count; i++) {
        struct service_held *h = &c->held[i];
        if (memcmp(h->key, key, HOLDER_KEY_BYTES) != 0 ||
            (todo == NULL ? !h->lost : !crdt_id_eq(&h->todo, todo)))
            continue;
        h->gone = true;
        c->held_stale = true;
    }
}
