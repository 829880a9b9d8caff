/* What changes do to claims, in the same transaction: what is finished is nobody's, who ends holds
 * nothing, and who writes past a holder is noted (PROTOCOL 13.7, 13.8). */
#include "node/service/claims_own.h"
#include "node/service/plan.h"

struct cht_bytes service_session_of(struct cht_bytes actor, struct cht_arena *arena)
{
    struct crdt_id id;
    char text[CRDT_ID_TEXT_MAX];
    struct cht_bytes out = { 0 };
    if (crdt_id_parse(actor, &id) != CHT_OK || id.type != CRDT_SESSION)
        return out;
    crdt_id_text(&id, text);
    return cht_arena_copy(arena, cht_bytes_str(text), &out) == CHT_OK ? out : cht_bytes(NULL, 0);
}

static struct plan_cell cell_of(const struct plan *p, const struct plan_item *item,
                                const char *name)
{
    const struct crdt_field *f = crdt_field_named(item->id.type, cht_bytes_str(name));
    return plan_cell(p, item, f->number, cht_bytes(NULL, 0));
}

static bool is_word(struct plan_cell c, const char *word)
{
    return cht_bytes_eq(node_mp_str(c.bytes), cht_bytes_str(word));
}

static bool writes(const struct plan_item *item, const char *name)
{
    const struct crdt_field *f = crdt_field_named(item->id.type, cht_bytes_str(name));
    for (uint32_t i = 0; i < item->ops.count; i++) {
        if (item->ops.list[i].field == f->number)
            return true;
    }
    return false;
}

/* --- todos ---------------------------------------------------------------------------------- */

static enum cht_err add_free(struct plan *p, struct plan_item *item, const struct crdt_claim *claim)
{
    struct crdt_op op = { .kind = CRDT_OP_PUT, .field = claims_field("claim") };
    enum cht_err err = claims_free_value(p->s, claim, &op.value);
    return err == CHT_OK ? plan_add(p, item, &op) : err;
}

static enum cht_err put_mark(const struct crdt_claim *claim, uint64_t now_ms, struct cht_buf *out)
{
    enum cht_err err = crdt_mp_put_map(out, 3);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "token");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, 2);
    if (err == CHT_OK)
        err = crdt_mp_put_uint(out, claim->generation);
    if (err == CHT_OK)
        err = crdt_mp_put_uint(out, claim->counter);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "at", now_ms);
    return err == CHT_OK ? node_mp_put_key_str(out, "holder", claim->holder) : err;
}

/* The mark on the todo, and what the answer says of it. */
static enum cht_err add_stale(struct plan *p, struct plan_item *item, uint32_t n,
                              const struct crdt_claim *claim)
{
    struct crdt_op op = { .kind = CRDT_OP_PUT, .field = claims_field("stale") };
    struct cht_buf bytes;
    cht_buf_init(&bytes, LIMIT_VALUE_BYTES);
    enum cht_err err = crdt_mp_put_str(&bytes, p->session);
    if (err == CHT_OK)
        err = cht_arena_copy(&p->s->arena, cht_buf_view(&bytes), &op.key);
    cht_buf_reset(&bytes);
    if (err == CHT_OK)
        err = put_mark(claim, p->s->now_ms, &bytes);
    if (err == CHT_OK)
        err = cht_arena_copy(&p->s->arena, cht_buf_view(&bytes), &op.value);
    if (err == CHT_OK)
        err = plan_add(p, item, &op);
    cht_buf_reset(&bytes);
    if (err == CHT_OK)
        err = claims_put_stale(p->s, n, &bytes);
    if (err == CHT_OK)
        err = cht_arena_copy(&p->s->arena, cht_buf_view(&bytes), &item->stale);
    cht_buf_clear(&bytes);
    return err;
}

static enum cht_err change_todo(struct plan *p, uint32_t place)
{
    struct plan_item *item = &p->items[place];
    const struct plan_item after = { .id = item->id, .state = item->state, .before = place };
    const struct plan_cell cell = cell_of(p, &after, "claim");
    const struct crdt_claim claim =
        cell.live ? crdt_claim_read(cell.bytes) : (struct crdt_claim){ 0 };
    if (claim.holder.len == 0 || writes(item, "claim"))
        return CHT_OK;
    const uint32_t n = node_index_find(node_replica_index(p->s->replica), &item->id);
    const struct plan_cell status = cell_of(p, &after, "status");
    const bool own = p->session.len != 0 && cht_bytes_eq(claim.holder, p->session);
    const bool over =
        is_word(status, "completed") || is_word(status, "cancelled") || plan_hidden(p, &after);
    enum cht_err err = CHT_OK;
    if (p->session.len != 0 && !own && n != INDEX_NONE && !claims_lapsed(p->s, n, &claim) &&
        claim.holder.len <= LIMIT_HOLDER_BYTES)
        err = add_stale(p, item, n, &claim);
    if (err == CHT_OK && (over || (own && writes(item, "status") && is_word(status, "pending"))))
        err = add_free(p, item, &claim);
    return err;
}

/* --- sessions ------------------------------------------------------------------------------- */

static enum cht_err release(struct plan *p, uint32_t n, struct cht_bytes holder)
{
    struct plan_item item;
    const struct crdt_id id = node_replica_index(p->s->replica)->slots[n].id;
    struct crdt_op op = { .kind = CRDT_OP_PUT, .field = claims_field("status") };
    static const uint8_t pending[] = { 0xa7, 'p', 'e', 'n', 'd', 'i', 'n', 'g' };
    enum cht_err err = plan_begin(p, &id, &item);
    if (err != CHT_OK)
        return err;
    const struct plan_cell cell = cell_of(p, &item, "claim");
    const struct crdt_claim claim =
        cell.live ? crdt_claim_read(cell.bytes) : (struct crdt_claim){ 0 };
    if (!cht_bytes_eq(claim.holder, holder))
        return CHT_OK;
    item.brought = true;
    op.value = cht_bytes(pending, sizeof pending);
    err = add_free(p, &item, &claim);
    if (err == CHT_OK && is_word(cell_of(p, &item, "status"), "in_progress"))
        err = plan_add(p, &item, &op);
    if (err == CHT_OK)
        err = plan_room(p);
    if (err == CHT_OK)
        plan_take(p, &item);
    return err;
}

static bool has_ended(const struct plan *p, const struct plan_item *seen)
{
    const struct plan_cell status = cell_of(p, seen, "status");
    return is_word(status, "ended") || is_word(status, "crashed") || plan_hidden(p, seen);
}

static enum cht_err change_session(struct plan *p, uint32_t place)
{
    const struct plan_item item = p->items[place];
    const struct plan_item after = { .id = item.id, .state = item.state, .before = place };
    const struct service_claims *c = &p->s->claims;
    char text[CRDT_ID_TEXT_MAX];
    uint8_t key[HOLDER_KEY_BYTES];
    if (has_ended(p, &item) || !has_ended(p, &after))
        return CHT_OK;
    crdt_id_text(&item.id, text);
    const struct cht_bytes holder = cht_bytes_str(text);
    claims_key(holder, key);
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < c->lease_count; i++) {
        if (memcmp(c->leases[i].key, key, HOLDER_KEY_BYTES) == 0)
            err = release(p, c->leases[i].n, holder);
    }
    for (size_t i = 0; err == CHT_OK && i < c->turn_count; i++) {
        if (!plan_has(p, &node_replica_index(p->s->replica)->slots[c->turn[i]].id))
            err = release(p, c->turn[i], holder);
    }
    return err;
}

enum cht_err plan_claims(struct plan *p, uint32_t place)
{
    if (p->items[place].ops.count == 0)
        return CHT_OK;
    if (p->items[place].id.type == CRDT_TODO)
        return change_todo(p, place);
    return p->items[place].id.type == CRDT_SESSION ? change_session(p, place) : CHT_OK;
}
