/* Who holds what, told; see claims_own.h (LOCAL 8.3, 8.5 to 8.7). */
#include "node/service/claims_own.h"
#include "node/service/own.h"

#include <stdio.h>
#include <stdlib.h>

#define WHAT_MAX 8u /* fields told of what a winner did */

/* --- names ---------------------------------------------------------------------------------- */

static struct cht_bytes shown_str(struct node_service *s, const struct crdt_state *state,
                                  const char *name)
{
    const struct crdt_field *f = crdt_field_named(state->id.type, cht_bytes_str(name));
    const struct crdt_cell *c =
        f == NULL ? NULL : crdt_state_cell(state, f->number, cht_bytes(NULL, 0));
    return c == NULL
               ? cht_bytes(NULL, 0)
               : node_mp_str(
                     crdt_cell_shown(node_replica_graph(s->replica), state->id.type, c)->bytes);
}

struct cht_bytes claims_title(struct node_service *s, uint32_t n)
{
    const struct crdt_state *state;
    if (node_replica_state(s->replica, n, &state) != CHT_OK)
        return cht_bytes(NULL, 0);
    const struct crdt_type_schema *t = crdt_schema(state->id.type);
    return t == NULL ? cht_bytes(NULL, 0) : shown_str(s, state, t->title_field);
}

struct cht_bytes claims_holder_name(struct node_service *s, struct cht_bytes holder)
{
    const struct crdt_state *state;
    struct crdt_id id;
    if (crdt_id_parse(holder, &id) != CHT_OK)
        return holder;
    const uint32_t n = node_index_find(node_replica_index(s->replica), &id);
    if (n == INDEX_NONE || node_replica_state(s->replica, n, &state) != CHT_OK)
        return holder;
    struct cht_bytes name = claims_title(s, n);
    if (name.len == 0 && id.type == CRDT_SESSION)
        name = shown_str(s, state, "session_id");
    return name.len == 0 ? holder : name;
}

static struct cht_bytes device_name(struct node_service *s, struct cht_bytes hex)
{
    uint8_t device[CRDT_ID_BYTES];
    return crdt_unhex(hex, device, CRDT_ID_BYTES) == CHT_OK ? service_device_name(s, device)
                                                            : cht_bytes(NULL, 0);
}

/* --- a claim as a record -------------------------------------------------------------------- */

struct telling {
    const struct crdt_state *todo;
    struct crdt_claim claim;
    uint64_t active_ms, lease_ms;
    char token[48];
};

static void put_token_text(char out[static 48], uint64_t generation, uint64_t counter)
{
    (void)snprintf(out, 48, "%llu.%llu", (unsigned long long)generation,
                   (unsigned long long)counter);
}

static enum cht_err begin_telling(struct node_service *s, uint32_t n, struct telling *out)
{
    const struct service_claims *c = &s->claims;
    enum cht_err err = node_replica_state(s->replica, n, &out->todo);
    if (err != CHT_OK)
        return err;
    out->claim = claims_of(s, out->todo);
    /* what a member may have put there */
    if (!net_claim_holder_valid(out->claim.holder))
        out->claim.holder = cht_bytes(NULL, 0);
    if (out->claim.device.len != 2 * CRDT_ID_BYTES || !crdt_utf8_valid(out->claim.device))
        out->claim.device = cht_bytes(NULL, 0);
    put_token_text(out->token, out->claim.generation, out->claim.counter);
    const struct service_lease *l = claims_lease(s, n);
    out->active_ms = l == NULL || l->seen_ms > c->mono_ms ? 0 : c->mono_ms - l->seen_ms;
    out->lease_ms = out->active_ms < c->lease_ms ? c->lease_ms - out->active_ms : 0;
    return CHT_OK;
}

/* The members that a record and "stale" have alike: holder, holderName, deviceName, token, since,
 * active. */
static enum cht_err put_holder(struct node_service *s, const struct telling *t, struct cht_buf *out)
{
    enum cht_err err = node_mp_put_key_str(out, "holder", t->claim.holder);
    if (err == CHT_OK)
        err = node_mp_put_key_str(out, "holderName", claims_holder_name(s, t->claim.holder));
    if (err == CHT_OK)
        err = node_mp_put_key_str(out, "deviceName", device_name(s, t->claim.device));
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "token", t->token);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "since", t->claim.at_ms);
    return err == CHT_OK ? node_mp_put_key_uint(out, "active", t->active_ms) : err;
}

static enum cht_err put_project(struct node_service *s, const struct crdt_state *todo,
                                struct cht_buf *out)
{
    const struct crdt_field *f = crdt_field_named(CRDT_TODO, cht_bytes_str("project"));
    const struct crdt_cell *c = crdt_state_cell(todo, f->number, cht_bytes(NULL, 0));
    enum cht_err err = node_mp_put_text(out, f->name);
    return err == CHT_OK
               ? node_value_show(
                     f, crdt_cell_shown(node_replica_graph(s->replica), CRDT_TODO, c)->bytes, out)
               : err;
}

static bool has_project(const struct crdt_state *todo)
{
    return crdt_state_cell(todo, claims_field("project"), cht_bytes(NULL, 0)) != NULL;
}

enum cht_err claims_put_record(struct node_service *s, uint32_t n, struct cht_buf *out)
{
    struct telling t;
    enum cht_err err = begin_telling(s, n, &t);
    if (err != CHT_OK)
        return err;
    const bool project = has_project(t.todo);
    err = crdt_mp_put_map(out, 11u + project);
    if (err == CHT_OK)
        err = service_put_id("chittyId", &t.todo->id, out);
    if (err == CHT_OK)
        err = node_mp_put_key_str(out, "title", claims_title(s, n));
    if (err == CHT_OK && project)
        err = put_project(s, t.todo, out);
    if (err == CHT_OK)
        err = put_holder(s, &t, out);
    if (err == CHT_OK)
        err = node_mp_put_key_str(out, "device", t.claim.device);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "state",
                                   claims_lapsed(s, n, &t.claim) ? "lapsed"
                                   : t.claim.confirmed           ? "held"
                                                                 : "unconfirmed");
    return err == CHT_OK ? node_mp_put_key_uint(out, "lease", t.lease_ms) : err;
}

enum cht_err claims_put_stale(struct node_service *s, uint32_t n, struct cht_buf *out)
{
    struct telling t;
    enum cht_err err = begin_telling(s, n, &t);
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, 6);
    return err == CHT_OK ? put_holder(s, &t, out) : err;
}

enum cht_err claims_put_holder_name(struct node_service *s, uint32_t n, struct cht_buf *out)
{
    struct telling t;
    enum cht_err err = begin_telling(s, n, &t);
    return err == CHT_OK ? node_mp_put_key_str(out, "holder", claims_holder_name(s, t.claim.holder))
                         : err;
}

/* --- it is held by another ------------------------------------------------------------------ */

static void put_age(uint64_t ms, char out[static 32])
{
    const unsigned long long s = ms / 1000;
    if (s < 120)
        (void)snprintf(out, 32, "%llu s", s);
    else if (s < 7200)
        (void)snprintf(out, 32, "%llu min", s / 60);
    else
        (void)snprintf(out, 32, "%llu h", s / 3600);
}

static int shown_len(struct cht_bytes text)
{
    return (int)(text.len < 80 ? text.len : 80);
}

void claims_answer_held(struct node_service *s, const struct service_caller *c, uint32_t n)
{
    struct node_fault fault = { 0 };
    struct telling t;
    struct cht_buf out, claim;
    char age[32], sign[32];
    cht_buf_init(&out, SERVICE_ANSWER_BYTES);
    cht_buf_init(&claim, SERVICE_ANSWER_BYTES);
    enum cht_err err = begin_telling(s, n, &t);
    if (err == CHT_OK) {
        const struct cht_bytes title = claims_title(s, n);
        const struct cht_bytes holder = claims_holder_name(s, t.claim.holder);
        const struct cht_bytes device = device_name(s, t.claim.device);
        put_age(s->now_ms > t.claim.at_ms ? s->now_ms - t.claim.at_ms : 0, age);
        put_age(t.active_ms, sign);
        (void)node_fault_set(&fault, CHT_E_CONFLICT, cht_bytes(NULL, 0),
                             "\"%.*s\" is held by %.*s%s%.*s for %s, last sign of life %s ago",
                             shown_len(title), (const char *)title.data, shown_len(holder),
                             (const char *)holder.data, device.len == 0 ? "" : " on ",
                             shown_len(device), (const char *)device.data, age, sign);
        node_fault_hint(&fault, "force takes it over, and the holder is told");
        err = claims_put_record(s, n, &claim);
    }
    if (err == CHT_OK)
        err = service_begin(s, c, NODE_MSG_ACK, &out);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&out, 1);
    if (err == CHT_OK)
        err = node_mp_put_text(&out, "error");
    if (err == CHT_OK)
        err = node_fault_write_with(&out, &fault, "claim", cht_buf_view(&claim));
    service_send(s, c, err, &out);
    cht_buf_clear(&out);
    cht_buf_clear(&claim);
}

/* --- the query ------------------------------------------------------------------------------ */

struct wanted {
    bool by_holder, by_todo, by_project;
    uint8_t key[HOLDER_KEY_BYTES];
    uint32_t todo;
    struct crdt_id project;
};

static enum cht_err read_wanted(struct node_service *s, const struct node_query *q,
                                struct node_fault *fault, struct wanted *out)
{
    struct crdt_id id;
    char text[CRDT_ID_TEXT_MAX];
    struct cht_bytes holder = q->session;
    uint32_t n;
    enum cht_err err = CHT_OK;
    *out = (struct wanted){ .by_holder = q->session.len != 0,
                            .by_todo = q->id.len != 0,
                            .by_project = q->project.len != 0 };
    if (out->by_holder && memchr(holder.data, '@', holder.len) == NULL) {
        if (crdt_id_parse(holder, &id) != CHT_OK) {
            err = service_find(s, holder, CRDT_SESSION, fault, &n);
            if (err == CHT_OK)
                id = node_replica_index(s->replica)->slots[n].id;
        }
        if (err == CHT_OK) {
            crdt_id_text(&id, text);
            holder = cht_bytes_str(text);
        }
    }
    if (err == CHT_OK && out->by_holder)
        claims_key(holder, out->key);
    if (err == CHT_OK && out->by_todo)
        err = service_find(s, q->id, CRDT_TODO, fault, &out->todo);
    if (err == CHT_OK && out->by_project)
        err = service_find(s, q->project, CRDT_PROJECT, fault, &n);
    if (err == CHT_OK && out->by_project)
        out->project = node_replica_index(s->replica)->slots[n].id;
    return err;
}

static bool is_wanted(struct node_service *s, const struct wanted *w, const struct service_lease *l)
{
    const struct crdt_state *todo;
    if ((w->by_holder && memcmp(l->key, w->key, HOLDER_KEY_BYTES) != 0) ||
        (w->by_todo && l->n != w->todo) || node_replica_state(s->replica, l->n, &todo) != CHT_OK ||
        claims_over(s, todo))
        return false;
    if (!w->by_project)
        return true;
    const struct crdt_cell *c = crdt_state_cell(todo, claims_field("project"), cht_bytes(NULL, 0));
    if (c == NULL)
        return false;
    const struct crdt_mp v =
        crdt_mp_peek(crdt_cell_shown(node_replica_graph(s->replica), CRDT_TODO, c)->bytes);
    return v.data.len == 1 + CRDT_ID_BYTES && v.data.data[0] == w->project.type &&
           memcmp(v.data.data + 1, w->project.b, CRDT_ID_BYTES) == 0;
}

/* From `*at` on, up to what one message holds. */
static enum cht_err put_held(struct node_service *s, const struct wanted *w, size_t *at,
                             struct cht_buf *out, uint32_t *out_count)
{
    enum cht_err err = CHT_OK;
    size_t i = *at;
    for (; err == CHT_OK && i < s->claims.lease_count && out->len < SERVICE_STREAM_BYTES; i++) {
        if (!is_wanted(s, w, &s->claims.leases[i]))
            continue;
        err = claims_put_record(s, s->claims.leases[i].n, out);
        ++*out_count;
    }
    *at = i;
    return err;
}

/* --- what was lost -------------------------------------------------------------------------- */

/* Who wrote an entry, as the text of a session; empty: the device itself. */
static bool session_of(struct node_service *s, struct crdt_place at,
                       char out[static CRDT_ID_TEXT_MAX])
{
    struct cht_arena arena;
    struct crdt_entry e;
    struct crdt_id actor;
    cht_arena_init(&arena, LIMIT_TURN_BYTES);
    const bool any = node_replica_entry(s->replica, at, &arena, &e) == CHT_OK &&
                     node_replica_actor_of(s->replica, at, &e, &actor) == CHT_OK;
    if (any) {
        actor.type = CRDT_SESSION;
        crdt_id_text(&actor, out);
    }
    cht_arena_clear(&arena);
    return any;
}

/* Of who has it now, or ended it. */
static void winner_key(struct node_service *s, const struct crdt_state *todo,
                       uint8_t out[static HOLDER_KEY_BYTES])
{
    struct crdt_place at;
    char text[CRDT_ID_TEXT_MAX] = "";
    const struct crdt_claim claim = claims_of(s, todo);
    const bool ended = claim.holder.len == 0 || claims_over(s, todo);
    if (ended && claims_ended_by(s, todo, &at))
        (void)session_of(s, at, text);
    claims_key(ended ? cht_bytes_str(text) : claim.holder, out);
}

struct done {
    const struct crdt_cell *cell;
    const struct crdt_value *value;
};

static bool tells(uint16_t field)
{
    static const char *const quiet[] = { "claim", "arbiter", "stale", "started_at" };
    for (size_t i = 0; i < sizeof quiet / sizeof quiet[0]; i++) {
        if (field == claims_field(quiet[i]))
            return false;
    }
    return crdt_field(CRDT_TODO, field) != NULL;
}

/* Was it written by the entry that made the todo? */
static bool is_of_making(const struct node_service *s, const struct crdt_state *todo,
                         const struct crdt_value *v)
{
    const struct crdt_cell *c = crdt_state_cell(todo, claims_field("created"), cht_bytes(NULL, 0));
    if (c == NULL)
        return false;
    const struct crdt_place made =
        crdt_cell_shown(node_replica_graph(s->replica), CRDT_TODO, c)->at;
    return made.chain == v->at.chain && made.seq == v->at.seq;
}

/* The values that the winner wrote since it was made, and others since the claim, the newest first.
 */
static unsigned done_since(struct node_service *s, const struct crdt_state *todo,
                           const struct service_held *h, struct done out[static WHAT_MAX])
{
    uint8_t winner[HOLDER_KEY_BYTES];
    unsigned count = 0;
    winner_key(s, todo, winner);
    for (uint32_t i = 0; i < todo->count; i++) {
        const struct crdt_cell *cell = &todo->cells[i];
        const struct crdt_value *v =
            crdt_cell_shown(node_replica_graph(s->replica), CRDT_TODO, cell);
        char text[CRDT_ID_TEXT_MAX];
        uint8_t key[HOLDER_KEY_BYTES];
        bool winners = false;
        if (!tells(cell->field) || is_of_making(s, todo, v))
            continue;
        if (session_of(s, v->at, text)) {
            claims_key(cht_bytes_str(text), key);
            if (memcmp(key, h->key, HOLDER_KEY_BYTES) == 0)
                continue;
            winners = memcmp(key, winner, HOLDER_KEY_BYTES) == 0;
        }
        if (!winners && crdt_hlc_ms(v->hlc) < h->at_ms)
            continue; /* it was so before */
        unsigned at = count < WHAT_MAX ? count++ : WHAT_MAX;
        while (at > 0 && out[at - 1].value->hlc < v->hlc) {
            if (at < WHAT_MAX)
                out[at] = out[at - 1];
            at--;
        }
        if (at < WHAT_MAX)
            out[at] = (struct done){ cell, v };
    }
    return count;
}

static enum cht_err put_what(struct node_service *s, const struct crdt_state *todo,
                             const struct service_held *h, struct cht_buf *out)
{
    struct done list[WHAT_MAX];
    const unsigned count = done_since(s, todo, h, list);
    enum cht_err err = node_mp_put_text(out, "what");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, count);
    for (unsigned i = 0; err == CHT_OK && i < count; i++) {
        const struct crdt_field *f = crdt_field(CRDT_TODO, list[i].cell->field);
        const bool keyed = f->kind == CRDT_SET;
        err = crdt_mp_put_map(out, 3);
        if (err == CHT_OK)
            err = node_mp_put_key_text(out, "field", f->name);
        if (err == CHT_OK)
            err = node_mp_put_text(out, "value");
        if (err == CHT_OK)
            err = node_value_show(f, keyed ? list[i].cell->key : list[i].value->bytes, out);
        if (err == CHT_OK)
            err = node_mp_put_key_uint(out, "at", crdt_hlc_ms(list[i].value->hlc));
    }
    return err;
}

/* Who has it now, or ended it. */
static enum cht_err put_winner(struct node_service *s, const struct crdt_state *todo,
                               const struct crdt_claim *claim, struct cht_buf *out)
{
    struct crdt_place at;
    char text[CRDT_ID_TEXT_MAX] = "";
    struct cht_bytes holder = claim->holder, device = device_name(s, claim->device);
    if ((holder.len == 0 || claims_over(s, todo)) && claims_ended_by(s, todo, &at)) {
        (void)session_of(s, at, text);
        holder = cht_bytes_str(text);
        device =
            service_device_name(s, crdt_graph_device_id(node_replica_graph(s->replica), at.chain));
    }
    enum cht_err err = node_mp_put_key_str(out, "holder", holder);
    if (err == CHT_OK)
        err = node_mp_put_key_str(out, "holderName", claims_holder_name(s, holder));
    return err == CHT_OK ? node_mp_put_key_str(out, "deviceName", device) : err;
}

/* Since when the winner has it, or when it was ended. */
static uint64_t since_ms(const struct node_service *s, const struct crdt_state *todo,
                         const struct crdt_claim *claim)
{
    const struct crdt_graph *g = node_replica_graph(s->replica);
    const char *name = crdt_state_hidden(todo, g) ? "deleted"
                       : claims_over(s, todo)     ? "status"
                                                  : "claim";
    const struct crdt_cell *c = crdt_state_cell(todo, claims_field(name), cht_bytes(NULL, 0));
    if (name[0] == 'c' && claim->holder.len != 0)
        return claim->at_ms;
    return c == NULL ? 0 : crdt_hlc_ms(crdt_cell_shown(g, CRDT_TODO, c)->hlc);
}

static enum cht_err put_lost(struct node_service *s, const struct service_held *h,
                             struct cht_buf *out)
{
    const uint32_t n = node_index_find(node_replica_index(s->replica), &h->todo);
    const struct crdt_state *todo;
    char token[48];
    if (n == INDEX_NONE || node_replica_state(s->replica, n, &todo) != CHT_OK)
        return CHT_E_NOTFOUND;
    const struct crdt_claim claim = claims_of(s, todo);
    put_token_text(token, h->generation, h->counter);
    enum cht_err err = crdt_mp_put_map(out, 9);
    if (err == CHT_OK)
        err = service_put_id("chittyId", &h->todo, out);
    if (err == CHT_OK)
        err = node_mp_put_key_str(out, "title", claims_title(s, n));
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "token", token);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "state", "lost");
    if (err == CHT_OK)
        err = put_winner(s, todo, &claim, out);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "since", since_ms(s, todo, &claim));
    return err == CHT_OK ? put_what(s, todo, h, out) : err;
}

static enum cht_err put_losses(struct node_service *s, const uint8_t *key, struct cht_buf *out,
                               uint32_t *out_count)
{
    const struct service_claims *c = &s->claims;
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < c->held_count; i++) {
        const struct service_held *h = &c->held[i];
        const size_t at = out->len;
        if (!h->lost || h->gone || memcmp(h->key, key, HOLDER_KEY_BYTES) != 0)
            continue;
        err = put_lost(s, h, out);
        if (err == CHT_E_NOTFOUND) {
            out->len = at;
            err = CHT_OK;
            continue;
        }
        ++*out_count;
    }
    return err;
}

/* --- renew and claims ----------------------------------------------------------------------- */

static enum cht_err put_list(struct cht_buf *out, const char *key, const struct cht_buf *items,
                             uint32_t count)
{
    enum cht_err err = node_mp_put_text(out, key);
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, count);
    return err == CHT_OK ? cht_buf_add(out, cht_buf_view(items)) : err;
}

void service_renew(struct node_service *s, const struct local_request *request,
                   struct cht_bytes args)
{
    const struct service_caller caller = service_caller_of(request);
    struct node_fault fault = { 0 };
    struct claimer who;
    struct wanted w = { .by_holder = true };
    struct cht_buf out, held, lost;
    uint32_t held_count = 0, lost_count = 0;
    size_t at = 0;
    cht_buf_init(&out, SERVICE_ANSWER_BYTES);
    cht_buf_init(&held, SERVICE_ANSWER_BYTES);
    cht_buf_init(&lost, SERVICE_ANSWER_BYTES);
    claims_ready(s);
    enum cht_err err = claims_who(s, request, args, &fault, &who);
    if (err == CHT_OK) {
        claims_key(cht_bytes_str(who.text), w.key);
        claims_sign(s, cht_bytes_str(who.text));
        err = put_held(s, &w, &at, &held, &held_count);
    }
    if (err == CHT_OK && node_mp_get_bool(args, "told"))
        claims_held_forget(s, w.key, NULL);
    if (err == CHT_OK)
        err = put_losses(s, w.key, &lost, &lost_count);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&out, 2);
    if (err == CHT_OK)
        err = put_list(&out, "held", &held, held_count);
    if (err == CHT_OK)
        err = put_list(&out, "lost", &lost, lost_count);
    if (err == CHT_OK) {
        service_answer_result(s, &caller, cht_buf_view(&out));
    } else {
        if (fault.error.code != err)
            (void)node_fault_from(&fault, err, NULL);
        service_answer_fault(s, &caller, &fault);
    }
    cht_buf_clear(&out);
    cht_buf_clear(&held);
    cht_buf_clear(&lost);
}

/* One message; `items`: its records. */
static enum cht_err put_message(struct node_service *s, const struct service_caller *c, bool more,
                                const struct cht_buf *items, uint32_t count, struct cht_buf *out)
{
    size_t at = 0;
    enum cht_err err = service_records_begin(s, c, more, out, &at);
    if (err == CHT_OK)
        err = cht_buf_add(out, cht_buf_view(items));
    if (err == CHT_OK)
        service_records_end(out, at, count);
    return err;
}

void service_claims_query(struct node_service *s, const struct service_caller *c,
                          const struct node_query *q)
{
    struct node_fault fault = { 0 };
    struct wanted w;
    struct cht_buf out, items;
    size_t at = 0;
    bool more;
    claims_ready(s);
    enum cht_err err = read_wanted(s, q, &fault, &w);
    if (err != CHT_OK) {
        fault.error.code = err;
        service_answer_fault(s, c, &fault);
        return;
    }
    cht_buf_init(&out, SERVICE_ANSWER_BYTES);
    cht_buf_init(&items, SERVICE_ANSWER_BYTES);
    do {
        uint32_t count = 0;
        cht_buf_reset(&out);
        cht_buf_reset(&items);
        err = put_held(s, &w, &at, &items, &count);
        more = err == CHT_OK && at < s->claims.lease_count;
        if (err == CHT_OK && !more && w.by_holder)
            err = put_losses(s, w.key, &items, &count);
        if (err == CHT_OK)
            err = put_message(s, c, more, &items, count, &out);
        service_send(s, c, err, &out);
    } while (more && err == CHT_OK);
    cht_buf_clear(&out);
    cht_buf_clear(&items);
}
