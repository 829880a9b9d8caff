/* All claims that are shown, and when each last gave a sign of life here; see claims_own.h
 * (PROTOCOL 13.6).
 *
 * They are read from the tables once, by an index over the todos that are held, and each commit
 * tells what changed. Time is the monotonic clock that the daemon passes in: what a start finds
 * held has its whole lease before it. */
#include "node/service/claims_own.h"
#include "node/service/own.h"

#include <stdio.h>
#include <stdlib.h>

/* --- the list, ascending by todo ------------------------------------------------------------ */

static size_t place_of(const struct service_claims *c, uint32_t n)
{
    size_t low = 0, high = c->lease_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (c->leases[middle].n < n)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct service_lease *claims_lease(const struct node_service *s, uint32_t n)
{
    const size_t at = place_of(&s->claims, n);
    return at < s->claims.lease_count && s->claims.leases[at].n == n ? &s->claims.leases[at] : NULL;
}

static void drop(struct service_claims *c, uint32_t n)
{
    const size_t at = place_of(c, n);
    if (at == c->lease_count || c->leases[at].n != n)
        return;
    memmove(&c->leases[at], &c->leases[at + 1], (c->lease_count - at - 1) * sizeof *c->leases);
    c->lease_count--;
}

static enum cht_err put(struct service_claims *c, const struct service_lease *lease)
{
    const size_t at = place_of(c, lease->n);
    if (at < c->lease_count && c->leases[at].n == lease->n) {
        c->leases[at] = *lease;
        return CHT_OK;
    }
    if (c->lease_count == c->lease_cap) {
        const size_t cap = c->lease_cap == 0 ? 64 : 2 * c->lease_cap;
        struct service_lease *grown = realloc(c->leases, cap * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        c->leases = grown;
        c->lease_cap = cap;
    }
    memmove(&c->leases[at + 1], &c->leases[at], (c->lease_count - at) * sizeof *c->leases);
    c->leases[at] = *lease;
    c->lease_count++;
    return CHT_OK;
}

static struct service_lease lease_of(uint32_t n, const struct crdt_claim *claim, uint64_t mono_ms)
{
    struct service_lease l = {
        .n = n, .generation = claim->generation, .counter = claim->counter, .seen_ms = mono_ms
    };
    claims_key(claim->holder, l.key);
    if (crdt_unhex(claim->device, l.device, CRDT_ID_BYTES) != CHT_OK)
        memset(l.device, 0, CRDT_ID_BYTES);
    return l;
}

static bool same_claim(const struct service_lease *a, const struct service_lease *b)
{
    return memcmp(a->key, b->key, HOLDER_KEY_BYTES) == 0 &&
           memcmp(a->device, b->device, CRDT_ID_BYTES) == 0 && a->generation == b->generation &&
           a->counter == b->counter;
}

/* --- lapsing -------------------------------------------------------------------------------- */

static bool has_lapsed(const struct service_claims *c, const struct service_lease *l)
{
    return c->mono_ms >= l->seen_ms && c->mono_ms - l->seen_ms >= c->lease_ms;
}

bool claims_lapsed(const struct node_service *s, uint32_t n, const struct crdt_claim *claim)
{
    const struct service_lease *l = claims_lease(s, n);
    if (l == NULL)
        return false; /* it was claimed in this turn */
    const struct service_lease now = lease_of(n, claim, 0);
    return same_claim(l, &now) && has_lapsed(&s->claims, l);
}

bool service_todo_held(void *ctx, const struct crdt_state *todo)
{
    const struct node_service *s = ctx;
    const struct crdt_claim claim = claims_of(s, todo);
    const uint32_t n = node_index_find(node_replica_index(s->replica), &todo->id);
    return claim.holder.len != 0 && !claims_lapsed(s, n, &claim);
}

enum cht_err claims_lapsed_list(const struct node_service *s, struct cht_arena *arena,
                                struct cht_bytes *out)
{
    const struct service_claims *c = &s->claims;
    struct cht_buf list;
    enum cht_err err = CHT_OK;
    cht_buf_init(&list, SIZE_MAX);
    for (size_t i = 0; err == CHT_OK && i < c->lease_count; i++) {
        char text[16];
        if (!has_lapsed(c, &c->leases[i]))
            continue;
        (void)snprintf(text, sizeof text, "%c%u", list.len == 0 ? '[' : ',', c->leases[i].n);
        err = cht_buf_add(&list, cht_bytes_str(text));
    }
    if (err == CHT_OK && list.len != 0)
        err = cht_buf_add_u8(&list, ']');
    *out = cht_bytes(NULL, 0);
    if (err == CHT_OK && list.len != 0)
        err = cht_arena_copy(arena, cht_buf_view(&list), out);
    cht_buf_clear(&list);
    return err;
}

size_t claims_alive(struct node_service *s, const uint8_t key[static HOLDER_KEY_BYTES],
                    const uint8_t *device)
{
    struct service_claims *c = &s->claims;
    size_t count = 0;
    for (size_t i = 0; i < c->lease_count; i++) {
        struct service_lease *l = &c->leases[i];
        if (memcmp(l->key, key, HOLDER_KEY_BYTES) != 0 ||
            (device != NULL && memcmp(l->device, device, CRDT_ID_BYTES) != 0))
            continue;
        l->seen_ms = c->mono_ms;
        count++;
    }
    return count;
}

/* --- reading it first ----------------------------------------------------------------------- */

static enum cht_err load_todo(struct node_service *s, uint32_t n)
{
    const struct crdt_state *todo;
    enum cht_err err = node_replica_state(s->replica, n, &todo);
    if (err != CHT_OK)
        return err;
    const struct crdt_claim claim = claims_of(s, todo);
    const struct service_lease lease = lease_of(n, &claim, s->claims.mono_ms);
    if (claim.holder.len != 0 && !claims_over(s, todo))
        err = put(&s->claims, &lease);
    if (err == CHT_OK)
        claims_held_change(s, todo, (struct crdt_place){ 0, 0 });
    return err;
}

static enum cht_err load(struct node_service *s)
{
    struct node_cursor *cursor;
    const struct node_find find = { .type = CRDT_TODO, .where = "held = 1", .with_deleted = true };
    struct cht_buf numbers;
    cht_buf_init(&numbers, SIZE_MAX);
    enum cht_err err = node_find_open(node_replica_store(s->replica), &find, "n", &cursor);
    if (err != CHT_OK)
        return err;
    err = node_find_numbers(cursor, &numbers);
    struct cht_wire w = cht_wire(cht_buf_view(&numbers));
    s->claims.lease_count = 0;
    while (err == CHT_OK && cht_wire_left(&w) != 0)
        err = load_todo(s, cht_wire_u32(&w));
    cht_buf_clear(&numbers);
    return err;
}

/* It was held here when this node last ran: what became of it? */
static void look_after(struct node_service *s, struct crdt_id id)
{
    const struct crdt_state *todo;
    const uint32_t n = node_index_find(node_replica_index(s->replica), &id);
    if (n != INDEX_NONE && claims_lease(s, n) == NULL &&
        node_replica_state(s->replica, n, &todo) == CHT_OK)
        claims_held_change(s, todo, (struct crdt_place){ 0, 0 });
}

void claims_ready(struct node_service *s)
{
    if (s->claims.loaded)
        return;
    if (node_replica_dirty(s->replica))
        service_committed_midway(s, node_replica_commit(s->replica, true));
    if (node_replica_broken(s->replica) || node_replica_dirty(s->replica))
        return;
    claims_held_load(s);
    s->claims.loaded = s->claims.held_loaded && load(s) == CHT_OK;
    for (size_t i = 0; s->claims.loaded && i < s->claims.held_count; i++)
        look_after(s, s->claims.held[i].todo);
}

void claims_clear(struct node_service *s)
{
    struct service_claims *c = &s->claims;
    const struct service_claims kept = { .mono_ms = c->mono_ms,
                                         .lease_ms = c->lease_ms,
                                         .ask_number = c->ask_number };
    claims_asks_left(s, 0, true);
    free(c->leases);
    free(c->held);
    free(c->confirm);
    free(c->turn);
    *c = kept;
}

/* --- after a commit ------------------------------------------------------------------------- */

static void note_confirm(struct service_claims *c, uint32_t n)
{
    for (size_t i = 0; i < c->confirm_count; i++) {
        if (c->confirm[i] == n)
            return;
    }
    if (c->confirm_count == c->confirm_cap) {
        const size_t cap = c->confirm_cap == 0 ? 16 : 2 * c->confirm_cap;
        uint32_t *grown = realloc(c->confirm, cap * sizeof *grown);
        if (grown == NULL)
            return; /* it stays unconfirmed */
        c->confirm = grown;
        c->confirm_cap = cap;
    }
    c->confirm[c->confirm_count++] = n;
}

static enum cht_err take_change(struct node_service *s, const struct node_touch *touch)
{
    const struct crdt_state *todo;
    uint8_t arbiter[CRDT_ID_BYTES];
    enum cht_err err = node_replica_state(s->replica, touch->n, &todo);
    if (err != CHT_OK)
        return err;
    const struct crdt_claim claim = claims_of(s, todo);
    const struct service_lease *had = claims_lease(s, touch->n);
    const struct service_lease now = lease_of(touch->n, &claim, s->claims.mono_ms);
    if (claim.holder.len == 0 || claims_over(s, todo))
        drop(&s->claims, touch->n);
    else if (had == NULL || !same_claim(had, &now))
        err = put(&s->claims, &now);
    claims_held_change(s, todo, touch->last);
    if (claim.holder.len != 0 && !claim.confirmed && !claims_over(s, todo) &&
        claims_arbiter(s, todo, arbiter) &&
        memcmp(arbiter, s->identity->device, CRDT_ID_BYTES) == 0)
        note_confirm(&s->claims, touch->n);
    return err;
}

void claims_after(struct node_service *s)
{
    const struct crdt_type_schema *t = crdt_schema(CRDT_TODO);
    const struct node_commit last = node_replica_last(s->replica);
    /* what ends a claim, too; `deleted` stands first in every type */
    const uint64_t bits =
        1u | UINT64_C(1) << (crdt_field_named(CRDT_TODO, cht_bytes_str("claim")) - t->fields) |
        UINT64_C(1) << (crdt_field_named(CRDT_TODO, cht_bytes_str("status")) - t->fields);
    s->claims.turn_count = 0;
    s->claims.rows_seen = false;
    for (size_t i = 0; s->claims.loaded && i < last.touched_count; i++) {
        const struct node_touch *touch = &last.touched[i];
        if ((touch->fields & bits) != 0 &&
            node_replica_index(s->replica)->slots[touch->n].id.type == CRDT_TODO &&
            take_change(s, touch) != CHT_OK)
            s->claims.loaded = false; /* it is read anew */
    }
}

/* --- the daemon's ---------------------------------------------------------------------------- */

void service_claims_open(struct node_service *s)
{
    claims_ready(s);
}

void service_claims_lease(struct node_service *s, uint64_t lease_ms)
{
    s->claims.lease_ms = lease_ms == 0 ? CLAIMS_LEASE_MS : lease_ms;
}

void service_claims_clock(struct node_service *s, uint64_t mono_ms)
{
    s->claims.mono_ms = mono_ms;
}
