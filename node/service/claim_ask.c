/* Speaking with arbiters, and being one; see claims_own.h (PROTOCOL 13.4 to 13.6).
 *
 * Asks gather while a message is under way, so that a storm of them costs few messages; and nobody
 * sends more of these than the account of a session lets through (PROTOCOL 8.12). */
#include "node/service/claims_own.h"
#include "node/service/own.h"

#include <stdlib.h>

#define MESSAGES_MAX   96u /* may be sent at once … */
#define MESSAGE_MS     42u /* … and one more after each of these: 24 of the 32 tokens a second */
#define PAYLOAD_BYTES  ((size_t)LIMIT_MESSAGE_BYTES - 1024)
#define CONFIRMED_TURN 64u

/* --- the account ---------------------------------------------------------------------------- */

static void refill(struct service_claims *c)
{
    const uint64_t more = (c->mono_ms - c->refilled_ms) / MESSAGE_MS;
    if (c->refilled_ms == 0 || c->spent <= more)
        c->spent = 0;
    else
        c->spent -= (unsigned)more;
    c->refilled_ms = c->spent == 0 ? c->mono_ms : c->refilled_ms + more * MESSAGE_MS;
}

static enum cht_err send(struct node_service *s, const uint8_t *device, bool command,
                         const struct cht_buf *payload)
{
    struct service_claims *c = &s->claims;
    refill(c);
    if (s->net.direct == NULL)
        return CHT_E_UNREACHABLE;
    if (c->spent >= MESSAGES_MAX)
        return CHT_E_BUSY;
    enum cht_err err = s->net.direct(s->net.ctx, device, command, cht_buf_view(payload));
    c->spent += err == CHT_OK;
    return err;
}

/* --- asking --------------------------------------------------------------------------------- */

static void free_ask(struct node_service *s, struct service_ask *ask)
{
    s->claims.ask_count--;
    cht_buf_clear(&ask->message);
    free(ask);
}

static void unlink_ask(struct node_service *s, const struct service_ask *ask)
{
    for (struct service_ask **at = &s->claims.asks; *at != NULL; at = &(*at)->next) {
        if (*at == ask) {
            *at = ask->next;
            return;
        }
    }
}

bool claims_asked(const struct node_service *s, uint32_t n)
{
    for (const struct service_ask *a = s->claims.asks; a != NULL; a = a->next) {
        if (a->n == n)
            return true;
    }
    return false;
}

static bool too_many(const struct node_service *s, local_client_id client)
{
    unsigned count = 0;
    for (const struct service_ask *a = s->claims.asks; a != NULL; a = a->next)
        count += a->client == client;
    return count >= LIMIT_CLIENT_ASKS || s->claims.ask_count >= LIMIT_CLAIM_ASKS;
}

enum cht_err claims_ask(struct node_service *s, const struct local_request *request, uint32_t n,
                        const uint8_t *arbiter, const struct claimer *who, bool force,
                        const struct service_ask *before)
{
    struct service_claims *c = &s->claims;
    if (s->net.reaches == NULL || !s->net.reaches(s->net.ctx, arbiter))
        return CHT_E_UNREACHABLE;
    if (too_many(s, request->client))
        return CHT_E_BUSY;
    struct service_ask *ask = calloc(1, sizeof *ask);
    if (ask == NULL)
        return CHT_E_NOMEM;
    cht_buf_init(&ask->message, LIMIT_CLIENT_BYTES);
    enum cht_err err = cht_buf_add(&ask->message, request->bytes);
    if (err != CHT_OK) {
        cht_buf_clear(&ask->message);
        free(ask);
        return err;
    }
    memcpy(ask->arbiter, arbiter, CRDT_ID_BYTES);
    ask->n = n;
    ask->client = request->client;
    ask->out = request->out;
    ask->deadline_ms = c->mono_ms + CLAIMS_ANSWER_MS;
    if (before != NULL) {
        memcpy(ask->tried, before->tried, sizeof ask->tried);
        ask->tried_count = before->tried_count;
    }
    const size_t len = strlen(who->text);
    memcpy(ask->holder, who->text, len);
    ask->what = (struct net_claim_ask){ .number = ++c->ask_number,
                                        .todo = node_replica_index(s->replica)->slots[n].id,
                                        .holder = cht_bytes((const uint8_t *)ask->holder, len),
                                        .actor = who->actor,
                                        .acting = who->acting,
                                        .force = force };
    ask->what.actor.type = CRDT_SESSION; /* an actor is its 16 bytes: here it has to be spelt */
    ask->next = c->asks;
    c->asks = ask;
    c->ask_count++;
    return CHT_OK;
}

void claims_asks_left(struct node_service *s, local_client_id client, bool all)
{
    for (struct service_ask **at = &s->claims.asks; *at != NULL;) {
        struct service_ask *ask = *at;
        if (!all && ask->client != client) {
            at = &ask->next;
            continue;
        }
        *at = ask->next;
        free_ask(s, ask);
    }
}

/* The request goes on without the ask. What nobody answered for is free as far as is known here: of
 * `next` it stays the first. */
static void conclude(struct node_service *s, struct service_ask *ask, enum net_claim_state state)
{
    unlink_ask(s, ask);
    if (state != NET_CLAIM_WRONG && ask->tried_count < sizeof ask->tried / sizeof ask->tried[0])
        ask->tried[ask->tried_count++] = ask->n;
    cht_arena_reset(&s->arena);
    claims_go_on(s, ask, state);
    free_ask(s, ask);
}

static bool under_way(const struct service_claims *c, const uint8_t *arbiter)
{
    for (const struct service_ask *a = c->asks; a != NULL; a = a->next) {
        if (a->sent && !a->answered && memcmp(a->arbiter, arbiter, CRDT_ID_BYTES) == 0)
            return true;
    }
    return false;
}

/* One message with what waits for this arbiter, the oldest first. */
static void send_asks(struct node_service *s, const uint8_t *arbiter)
{
    struct service_ask *chosen[LIMIT_CLAIM_BATCH];
    struct net_claim_ask asks[LIMIT_CLAIM_BATCH];
    struct cht_buf payload;
    size_t count = 0;
    for (struct service_ask *a = s->claims.asks; a != NULL; a = a->next) {
        if (a->sent || memcmp(a->arbiter, arbiter, CRDT_ID_BYTES) != 0)
            continue;
        if (count == LIMIT_CLAIM_BATCH) /* the list is the newest first */
            memmove(chosen, chosen + 1, --count * sizeof *chosen);
        chosen[count++] = a;
    }
    for (size_t i = 0; i < count; i++)
        asks[i] = chosen[i]->what;
    cht_buf_init(&payload, PAYLOAD_BYTES);
    enum cht_err err = net_claims_put_asks(asks, count, &payload);
    if (err == CHT_OK)
        err = send(s, arbiter, true, &payload);
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        chosen[i]->sent = true;
    cht_buf_clear(&payload);
}

/* --- answers to them ------------------------------------------------------------------------ */

/* Does the holder have it here, by whatever entry? */
static bool is_here(const struct node_service *s, const struct service_ask *ask)
{
    const struct crdt_state *todo;
    char hex[2 * CRDT_ID_BYTES + 1];
    crdt_hex(cht_bytes(s->identity->device, CRDT_ID_BYTES), hex);
    if (node_replica_state(s->replica, ask->n, &todo) != CHT_OK)
        return false;
    const struct crdt_claim claim = claims_of(s, todo);
    return cht_bytes_eq(claim.holder, ask->what.holder) &&
           cht_bytes_eq(claim.device, cht_bytes_str(hex));
}

static void hear_answers(struct node_service *s, const uint8_t *from,
                         const struct net_claim_answer *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct service_ask *ask = s->claims.asks;
        while (ask != NULL && (ask->what.number != answers[i].number ||
                               memcmp(ask->arbiter, from, CRDT_ID_BYTES) != 0))
            ask = ask->next;
        if (ask == NULL || !ask->sent)
            continue; /* its entry was faster, or it took too long */
        ask->answered = true;
        if (answers[i].state != NET_CLAIM_GRANTED)
            conclude(s, ask, answers[i].state);
    }
}

void service_claims_settled(struct node_service *s)
{
    for (struct service_ask *ask = s->claims.asks, *next; ask != NULL; ask = next) {
        next = ask->next;
        if (is_here(s, ask))
            conclude(s, ask, NET_CLAIM_GRANTED);
    }
}

/* --- being asked ---------------------------------------------------------------------------- */

static enum net_claim_state grant(struct node_service *s, const uint8_t *from,
                                  const struct net_claim_ask *ask)
{
    const uint32_t n = node_index_find(node_replica_index(s->replica), &ask->todo);
    const struct crdt_state *todo;
    uint8_t arbiter[CRDT_ID_BYTES];
    char hex[2 * CRDT_ID_BYTES + 1];
    struct claimer who = { .actor = ask->actor, .acting = ask->acting };
    if (n == INDEX_NONE || node_replica_state(s->replica, n, &todo) != CHT_OK ||
        claims_over(s, todo))
        return NET_CLAIM_GONE;
    if (!claims_arbiter(s, todo, arbiter) ||
        memcmp(arbiter, s->identity->device, CRDT_ID_BYTES) != 0)
        return NET_CLAIM_WRONG;
    const struct crdt_claim claim = claims_of(s, todo);
    crdt_hex(cht_bytes(from, CRDT_ID_BYTES), hex);
    if (cht_bytes_eq(claim.holder, ask->holder) && cht_bytes_eq(claim.device, cht_bytes_str(hex)))
        return NET_CLAIM_GRANTED;
    if (claim.holder.len != 0 && !ask->force && !claims_lapsed(s, n, &claim))
        return NET_CLAIM_HELD;
    who.actor.type = 0; /* PROTOCOL 2.1 */
    memcpy(who.device, from, CRDT_ID_BYTES);
    memcpy(who.text, ask->holder.data, ask->holder.len);
    const enum cht_err err = claims_write(s, n, &who);
    if (err == CHT_E_DENIED)
        return NET_CLAIM_DENIED;
    return err == CHT_OK ? NET_CLAIM_GRANTED : NET_CLAIM_WRONG;
}

static enum cht_err hear_asks(struct node_service *s, const uint8_t *from, struct cht_bytes payload)
{
    struct net_claim_ask asks[LIMIT_CLAIM_BATCH];
    struct net_claim_answer answers[LIMIT_CLAIM_BATCH];
    struct cht_buf out;
    size_t count;
    enum cht_err err = net_claims_read_asks(payload, asks, &count);
    if (err != CHT_OK)
        return err;
    const bool allowed = claims_may_write(s, from);
    cht_arena_reset(&s->arena);
    for (size_t i = 0; i < count; i++) {
        answers[i] = (struct net_claim_answer){ asks[i].number, NET_CLAIM_DENIED };
        if (allowed)
            answers[i].state = s->read_only == CHT_OK ? grant(s, from, &asks[i]) : NET_CLAIM_WRONG;
    }
    cht_buf_init(&out, PAYLOAD_BYTES);
    if (net_claims_put_answers(answers, count, &out) == CHT_OK)
        (void)!send(s, from, false, &out); /* who hears nothing goes by its own clock */
    cht_buf_clear(&out);
    return allowed ? CHT_OK : CHT_E_DENIED;
}

enum cht_err service_claims_heard(struct node_service *s, const uint8_t from[static CRDT_ID_BYTES],
                                  struct cht_bytes operation, struct cht_bytes payload)
{
    struct net_claim_answer answers[LIMIT_CLAIM_BATCH];
    struct cht_bytes holders[LIMIT_CLAIM_BATCH];
    size_t count = 0;
    enum cht_err err = CHT_E_MALFORMED;
    if (!s->claims.loaded)
        return CHT_OK; /* not yet: it is asked again, or written unconfirmed */
    if (cht_bytes_eq(operation, cht_bytes_str(NET_CLAIMS_ASK)))
        return hear_asks(s, from, payload);
    if (cht_bytes_eq(operation, cht_bytes_str(NET_CLAIMS_ANSWER))) {
        err = net_claims_read_answers(payload, answers, &count);
        if (err == CHT_OK)
            hear_answers(s, from, answers, count);
    } else if (cht_bytes_eq(operation, cht_bytes_str(NET_CLAIMS_RENEW))) {
        err = net_claims_read_holders(payload, holders, &count);
        for (size_t i = 0; err == CHT_OK && i < count; i++) {
            uint8_t key[HOLDER_KEY_BYTES];
            claims_key(holders[i], key);
            (void)claims_alive(s, key, from);
        }
    }
    return err;
}

/* --- renewals ------------------------------------------------------------------------------- */

void claims_sign(struct node_service *s, struct cht_bytes actor)
{
    struct service_claims *c = &s->claims;
    const size_t kept = sizeof c->renewed / sizeof c->renewed[0];
    uint8_t key[HOLDER_KEY_BYTES];
    struct crdt_id id;
    char text[CRDT_ID_TEXT_MAX];
    struct cht_buf payload;
    if (c->lease_count == 0 || actor.len == 0)
        return;
    struct cht_bytes holder = actor;
    if (crdt_id_parse(actor, &id) == CHT_OK) {
        crdt_id_text(&id, text);
        holder = cht_bytes_str(text);
    }
    claims_key(holder, key);
    if (claims_alive(s, key, s->identity->device) == 0)
        return;
    for (size_t i = 0; i < kept; i++) {
        if (memcmp(c->renewed[i].key, key, sizeof key) == 0 && c->renewed[i].sent_ms != 0 &&
            c->mono_ms - c->renewed[i].sent_ms < c->lease_ms / 4)
            return;
    }
    memcpy(c->renewed[c->renewed_next].key, key, sizeof key);
    c->renewed[c->renewed_next].sent_ms = c->mono_ms;
    c->renewed_next = (c->renewed_next + 1) % (unsigned)kept;
    cht_buf_init(&payload, PAYLOAD_BYTES);
    if (net_claims_put_holders(&holder, 1, &payload) == CHT_OK)
        (void)!send(s, NULL, false, &payload); /* soft: the lease goes on without it */
    cht_buf_clear(&payload);
}

/* --- the turn's work ------------------------------------------------------------------------ */

/* An unconfirmed claim of a todo that this device grants is confirmed (PROTOCOL 13.4). */
static void confirm(struct node_service *s, uint32_t n)
{
    const struct crdt_state *todo;
    uint8_t arbiter[CRDT_ID_BYTES];
    struct claimer who = { .acting = false };
    struct crdt_id id;
    if (node_replica_state(s->replica, n, &todo) != CHT_OK || claims_over(s, todo) ||
        !claims_arbiter(s, todo, arbiter) ||
        memcmp(arbiter, s->identity->device, CRDT_ID_BYTES) != 0)
        return;
    const struct crdt_claim claim = claims_of(s, todo);
    if (claim.confirmed || !net_claim_holder_valid(claim.holder) ||
        crdt_unhex(claim.device, who.device, CRDT_ID_BYTES) != CHT_OK)
        return;
    memcpy(who.text, claim.holder.data, claim.holder.len);
    if (crdt_id_parse(claim.holder, &id) == CHT_OK) {
        memcpy(who.actor.b, id.b, CRDT_ID_BYTES);
        who.acting = true;
    }
    (void)!claims_write(s, n, &who); /* else it stays unconfirmed */
}

void service_claims_work(struct node_service *s)
{
    struct service_claims *c = &s->claims;
    if (!c->loaded || s->read_only != CHT_OK)
        return;
    claims_held_write(s);
    const size_t count = c->confirm_count < CONFIRMED_TURN ? c->confirm_count : CONFIRMED_TURN;
    for (size_t i = 0; i < count; i++)
        confirm(s, c->confirm[i]);
    if (count != 0)
        memmove(c->confirm, c->confirm + count, (c->confirm_count - count) * sizeof *c->confirm);
    c->confirm_count -= count;
    for (struct service_ask *ask = c->asks, *next; ask != NULL; ask = next) {
        next = ask->next;
        if (c->mono_ms >= ask->deadline_ms)
            conclude(s, ask, NET_CLAIM_WRONG);
    }
    for (const struct service_ask *ask = c->asks; ask != NULL; ask = ask->next) {
        if (!ask->sent && !under_way(c, ask->arbiter))
            send_asks(s, ask->arbiter);
    }
}

uint64_t service_claims_due_ms(const struct node_service *s)
{
    const struct service_claims *c = &s->claims;
    uint64_t due = UINT64_MAX;
    if (!c->loaded || s->read_only != CHT_OK)
        return due;
    if (c->confirm_count != 0 || c->held_stale)
        return c->mono_ms;
    for (const struct service_ask *ask = c->asks; ask != NULL; ask = ask->next) {
        due = ask->deadline_ms < due ? ask->deadline_ms : due;
        if (!ask->sent && !under_way(c, ask->arbiter) && c->mono_ms + MESSAGE_MS < due)
            due = c->mono_ms + MESSAGE_MS;
    }
    return due;
}
