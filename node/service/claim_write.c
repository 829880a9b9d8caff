/* The entries of claims; see claims_own.h (PROTOCOL 13.1 to 13.4). */
#include "node/service/claims_own.h"
#include "node/service/own.h"

#include <stdlib.h>

#define TOKEN_MAX ((UINT64_C(1) << 53) - 1) /* what any JSON keeps */
#define OPS_MAX   5u

uint16_t claims_field(const char *name)
{
    return crdt_field_named(CRDT_TODO, cht_bytes_str(name))->number;
}

void claims_key(struct cht_bytes holder, uint8_t out[static HOLDER_KEY_BYTES])
{
    crdt_id_of("chitty-holder", holder, out);
}

static const struct crdt_cell *cell_of(const struct crdt_state *todo, const char *name)
{
    return crdt_state_cell(todo, claims_field(name), cht_bytes(NULL, 0));
}

static const struct crdt_value *shown(const struct node_service *s, const struct crdt_state *todo,
                                      const char *name)
{
    const struct crdt_cell *c = cell_of(todo, name);
    return c == NULL ? NULL : crdt_cell_shown(node_replica_graph(s->replica), CRDT_TODO, c);
}

struct crdt_claim claims_of(const struct node_service *s, const struct crdt_state *todo)
{
    const struct crdt_value *v = shown(s, todo, "claim");
    return v == NULL ? (struct crdt_claim){ 0 } : crdt_claim_read(v->bytes);
}

bool claims_writer(const struct node_service *s, const struct crdt_state *todo, const char *field,
                   struct crdt_place *out)
{
    const struct crdt_value *v = shown(s, todo, field);
    if (v != NULL)
        *out = v->at;
    return v != NULL;
}

bool claims_over(const struct node_service *s, const struct crdt_state *todo)
{
    return !node_rows_open(node_replica_graph(s->replica), todo);
}

bool claims_ended_by(const struct node_service *s, const struct crdt_state *todo,
                     struct crdt_place *out)
{
    if (!claims_over(s, todo))
        return claims_writer(s, todo, "claim", out);
    return claims_writer(
        s, todo, crdt_state_hidden(todo, node_replica_graph(s->replica)) ? "deleted" : "status",
        out);
}

/* --- who grants ----------------------------------------------------------------------------- */

static bool is_admin(struct node_service *s, const uint8_t *device)
{
    const struct net_device *d = net_members_device(node_replica_members(s->replica), device);
    return d != NULL && d->role == NET_ROLE_ADMIN;
}

bool claims_may_write(struct node_service *s, const uint8_t device[static CRDT_ID_BYTES])
{
    return net_members_standing(node_replica_members(s->replica), device).standing == NET_STANDS;
}

bool claims_arbiter(struct node_service *s, const struct crdt_state *todo,
                    uint8_t out[static CRDT_ID_BYTES])
{
    const struct crdt_graph *g = node_replica_graph(s->replica);
    const struct crdt_value *named = shown(s, todo, "arbiter"), *made = shown(s, todo, "created");
    const uint8_t *creator = made == NULL ? NULL : crdt_graph_device_id(g, made->at.chain);
    const uint8_t *writer = named == NULL ? NULL : crdt_graph_device_id(g, named->at.chain);
    if (writer != NULL &&
        (is_admin(s, writer) || (creator != NULL && memcmp(creator, writer, CRDT_ID_BYTES) == 0)) &&
        crdt_unhex(node_mp_get_str(named->bytes, "device"), out, CRDT_ID_BYTES) == CHT_OK)
        return true; /* PROTOCOL 13.3: it counts */
    if (creator != NULL)
        memcpy(out, creator, CRDT_ID_BYTES);
    return creator != NULL;
}

/* --- the next token (PROTOCOL 13.4) --------------------------------------------------------- */

struct token {
    uint64_t generation, counter;
};

static uint64_t above(uint64_t n)
{
    return n >= TOKEN_MAX ? TOKEN_MAX : n + 1;
}

static bool written_in_this_run(const struct node_service *s, struct crdt_place at)
{
    const struct crdt_graph *g = node_replica_graph(s->replica);
    return memcmp(crdt_graph_device_id(g, at.chain), s->identity->device, CRDT_ID_BYTES) == 0 &&
           memcmp(crdt_graph_epoch(g, at), node_replica_epoch(s->replica), CRDT_EPOCH_BYTES) == 0;
}

static struct token next_token(const struct node_service *s, const struct crdt_state *todo,
                               bool grants)
{
    const struct crdt_cell *claims = cell_of(todo, "claim"), *arbiters = cell_of(todo, "arbiter");
    struct token t = { .generation = 1 };
    bool ours = claims == NULL;
    for (uint32_t i = 0; claims != NULL && i < claims->count; i++) {
        const struct crdt_claim c = crdt_claim_read(claims->values[i].bytes);
        t.generation = c.generation > t.generation ? c.generation : t.generation;
        t.counter = c.counter > t.counter ? c.counter : t.counter;
        ours |= written_in_this_run(s, claims->values[i].at);
    }
    for (uint32_t i = 0; arbiters != NULL && i < arbiters->count; i++) {
        const uint64_t g = node_mp_get_uint(arbiters->values[i].bytes, "generation", 0);
        t.generation = g > t.generation ? g : t.generation;
    }
    if (grants && !ours)
        t.generation = above(t.generation);
    t.generation = t.generation > TOKEN_MAX ? TOKEN_MAX : t.generation;
    t.counter = above(t.counter);
    return t;
}

/* --- values --------------------------------------------------------------------------------- */

static enum cht_err put_token(struct cht_buf *out, uint64_t generation, uint64_t counter)
{
    enum cht_err err = node_mp_put_text(out, "token");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, 2);
    if (err == CHT_OK)
        err = crdt_mp_put_uint(out, generation);
    return err == CHT_OK ? crdt_mp_put_uint(out, counter) : err;
}

static enum cht_err put_claim(struct cht_buf *out, const struct claimer *who, struct token t,
                              uint64_t at_ms, bool confirmed)
{
    char hex[2 * CRDT_ID_BYTES + 1];
    crdt_hex(cht_bytes(who->device, CRDT_ID_BYTES), hex);
    enum cht_err err = crdt_mp_put_map(out, 5);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "holder", who->text);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "device", hex);
    if (err == CHT_OK)
        err = put_token(out, t.generation, t.counter);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "at", at_ms);
    return err == CHT_OK ? node_mp_put_key_bool(out, "confirmed", confirmed) : err;
}

enum cht_err claims_free_value(struct node_service *s, const struct crdt_claim *claim,
                               struct cht_bytes *out)
{
    struct cht_buf value;
    cht_buf_init(&value, 64);
    enum cht_err err = crdt_mp_put_map(&value, 1);
    if (err == CHT_OK)
        err = put_token(&value, claim->generation, claim->counter);
    if (err == CHT_OK)
        err = cht_arena_copy(&s->arena, cht_buf_view(&value), out);
    cht_buf_clear(&value);
    return err;
}

/* --- ops ------------------------------------------------------------------------------------ */

/* One write on its way; every value of it lies in `bytes`. */
struct writing {
    struct crdt_op ops[OPS_MAX];
    uint32_t count;
    struct cht_buf bytes;
    size_t at[OPS_MAX + 1]; /* where the values begin */
};

static void writing_init(struct writing *w)
{
    *w = (struct writing){ .count = 0 };
    cht_buf_init(&w->bytes, 4096);
}

/* What was appended to `bytes` since the last op is the value of this one. */
static void add_op(struct writing *w, const char *field)
{
    w->ops[w->count] = (struct crdt_op){ .kind = CRDT_OP_PUT, .field = claims_field(field) };
    w->at[++w->count] = w->bytes.len;
}

static void add_drop(struct writing *w, const char *field)
{
    w->ops[w->count] = (struct crdt_op){ .kind = CRDT_OP_DROP, .field = claims_field(field) };
    w->at[++w->count] = w->bytes.len;
}

static enum cht_err write_out(struct node_service *s, struct writing *w, uint32_t n,
                              const struct crdt_id *actor)
{
    for (uint32_t i = 0; i < w->count; i++) {
        if (w->ops[i].kind == CRDT_OP_PUT)
            w->ops[i].value = cht_bytes(w->bytes.data + w->at[i], w->at[i + 1] - w->at[i]);
    }
    const struct node_write write = { node_replica_index(s->replica)->slots[n].id, w->ops,
                                      w->count };
    return node_replica_write(s->replica, &write, 1, actor, s->now_ms);
}

static bool shows(const struct node_service *s, const struct crdt_state *todo, const char *status)
{
    const struct crdt_value *v = shown(s, todo, "status");
    return v != NULL && cht_bytes_eq(node_mp_str(v->bytes), cht_bytes_str(status));
}

static enum cht_err put_arbiter(struct node_service *s, struct writing *w, uint64_t generation)
{
    enum cht_err err = crdt_mp_put_map(&w->bytes, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&w->bytes, "device", s->device_hex);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(&w->bytes, "generation", generation);
    add_op(w, "arbiter");
    return err;
}

/* Remember what this turn claimed: leases know it after the commit only. */
static enum cht_err note_turn(struct service_claims *c, uint32_t n)
{
    if (c->turn_count == c->turn_cap) {
        const size_t cap = c->turn_cap == 0 ? 16 : 2 * c->turn_cap;
        uint32_t *grown = realloc(c->turn, cap * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        c->turn = grown;
        c->turn_cap = cap;
    }
    c->turn[c->turn_count++] = n;
    return CHT_OK;
}

enum cht_err claims_write(struct node_service *s, uint32_t n, const struct claimer *who)
{
    const struct crdt_state *todo;
    uint8_t arbiter[CRDT_ID_BYTES];
    struct writing w;
    enum cht_err err = node_replica_state(s->replica, n, &todo);
    if (err != CHT_OK)
        return err;
    const bool known = claims_arbiter(s, todo, arbiter);
    const bool granting = known && memcmp(arbiter, s->identity->device, CRDT_ID_BYTES) == 0;
    const bool takes_over =
        !granting && is_admin(s, s->identity->device) && (!known || !claims_may_write(s, arbiter));
    struct token t = next_token(s, todo, granting);
    if (takes_over)
        t.generation = above(t.generation);
    writing_init(&w);
    if (takes_over)
        err = put_arbiter(s, &w, t.generation);
    if (err == CHT_OK) {
        err = put_claim(&w.bytes, who, t, s->now_ms, granting || takes_over);
        add_op(&w, "claim");
    }
    if (err == CHT_OK && !shows(s, todo, "in_progress")) {
        err = node_mp_put_text(&w.bytes, "in_progress");
        add_op(&w, "status");
    }
    if (err == CHT_OK && cell_of(todo, "started_at") == NULL) {
        err = crdt_mp_put_uint(&w.bytes, s->now_ms);
        add_op(&w, "started_at");
    }
    if (err == CHT_OK && cell_of(todo, "completed_at") != NULL)
        add_drop(&w, "completed_at");
    if (err == CHT_OK)
        err = write_out(s, &w, n, who->acting ? &who->actor : NULL);
    cht_buf_clear(&w.bytes);
    return err == CHT_OK ? note_turn(&s->claims, n) : err;
}

enum cht_err claims_release(struct node_service *s, uint32_t n, const struct crdt_id *actor)
{
    const struct crdt_state *todo;
    struct cht_bytes value = { 0 };
    struct writing w;
    writing_init(&w);
    enum cht_err err = node_replica_state(s->replica, n, &todo);
    if (err == CHT_OK) {
        const struct crdt_claim claim = claims_of(s, todo);
        err = claims_free_value(s, &claim, &value);
    }
    if (err == CHT_OK) {
        err = cht_buf_add(&w.bytes, value);
        add_op(&w, "claim");
    }
    if (err == CHT_OK && shows(s, todo, "in_progress")) {
        err = node_mp_put_text(&w.bytes, "pending");
        add_op(&w, "status");
    }
    if (err == CHT_OK)
        err = write_out(s, &w, n, actor);
    cht_buf_clear(&w.bytes);
    return err;
}
