/* The pairing machine's life, frames and time; see pair.h (PROTOCOL 7.8).
 *
 * It holds at most one incoming frame: until the peer has proved the key that is some 100 bytes, so
 * that anybody who finds the listener costs next to nothing. */
#include "net/pair_own.h"

#include <assert.h>
#include <stdlib.h>

/* --- life ---------------------------------------------------------------------------------- */

struct net_pair_selector net_pair_selector_of(const uint8_t secret[static NET_TICKET_SECRET_BYTES])
{
    struct net_pair_selector selector = { .kind = NET_PAIR_BY_TICKET };
    uint8_t id[CRDT_ID_BYTES];
    crdt_id_of("chitty-selector-1", cht_bytes(secret, NET_TICKET_SECRET_BYTES), id);
    memcpy(selector.b, id, sizeof selector.b);
    return selector;
}

struct net_pair_selector net_pair_selector_of_code(const struct net_code *code)
{
    struct net_pair_selector selector = { .kind = NET_PAIR_BY_CODE };
    static_assert(NET_CODE_SELECTOR_DIGITS <= sizeof selector.b, "zeros fill it up");
    memcpy(selector.b, code->selector, NET_CODE_SELECTOR_DIGITS);
    return selector;
}

struct cht_bytes net_pair_code_secret(const struct net_code *code)
{
    return cht_bytes(code->secret, NET_CODE_SECRET_DIGITS);
}

static struct net_pair *pair_new(enum net_pair_role role, const struct net_pair_self *self,
                                 const struct net_pair_random *random)
{
    assert(net_name_valid(self->name));
    struct net_pair *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->role = role;
    p->id = self->id;
    p->name_len = (uint8_t)self->name.len;
    memcpy(p->name, self->name.data, self->name.len);
    net_cpace_scalar(random->scalar, p->random.scalar);
    memcpy(p->random.nonce, random->nonce, sizeof p->random.nonce);
    p->due_ms = UINT64_MAX;
    cht_buf_init(&p->in, PAIR_FRAME_BYTES - 1 + LIMIT_PAIR_BYTES);
    cht_buf_init(&p->plain, LIMIT_PAIR_BYTES);
    cht_buf_init(&p->addresses, LIMIT_ADDRESSES * (1 + LIMIT_ADDRESS_BYTES));
    return p;
}

static struct net_pair *joiner_new(const struct net_pair_self *self,
                                   struct net_pair_selector selector, struct cht_bytes secret,
                                   const struct net_pair_random *random)
{
    struct net_pair *p = pair_new(NET_PAIR_JOINER, self, random);
    if (p == NULL)
        return NULL;
    p->selector = selector;
    memcpy(p->secret, secret.data, secret.len);
    p->secret_len = secret.len;
    memcpy(p->joiner_nonce, p->random.nonce, NET_PAIR_NONCE_BYTES);
    memcpy(p->joiner.data, self->id->cert.sign_pk, NET_SIGN_PK_BYTES);
    pair_commit(p->random.nonce, p->joiner.data + NET_SIGN_PK_BYTES);
    return p;
}

static void name_inviter(struct net_pair *p, const uint8_t pk[static NET_SIGN_PK_BYTES])
{
    p->pk_named = true;
    memcpy(p->pk, pk, NET_SIGN_PK_BYTES);
}

struct net_pair *net_pair_join(const struct net_pair_self *self, const struct net_ticket *ticket,
                               const struct net_pair_random *random)
{
    struct net_pair *p = joiner_new(self, net_pair_selector_of(ticket->secret),
                                    cht_bytes(ticket->secret, sizeof ticket->secret), random);
    if (p == NULL)
        return NULL;
    name_inviter(p, ticket->sign_pk);
    p->space_named = true;
    memcpy(p->space, ticket->space, CRDT_ID_BYTES);
    return p;
}

struct net_pair *net_pair_join_code(const struct net_pair_self *self, const struct net_code *code,
                                    const uint8_t *known, const struct net_pair_random *random)
{
    struct net_pair *p =
        joiner_new(self, net_pair_selector_of_code(code), net_pair_code_secret(code), random);
    if (p != NULL && known != NULL)
        name_inviter(p, known);
    return p;
}

struct net_pair *net_pair_invite(const struct net_pair_self *self,
                                 const struct net_pair_random *random)
{
    struct net_pair *p = pair_new(NET_PAIR_INVITER, self, random);
    if (p == NULL)
        return NULL;
    static_assert(NET_PAIR_NONCE_BYTES == 32, "struct pair_side");
    memcpy(p->inviter.data, self->id->cert.sign_pk, NET_SIGN_PK_BYTES);
    memcpy(p->inviter.data + NET_SIGN_PK_BYTES, p->random.nonce, NET_PAIR_NONCE_BYTES);
    return p;
}

void net_pair_free(struct net_pair *p)
{
    if (p == NULL)
        return;
    net_members_free(p->members);
    cht_buf_clear(&p->in);
    cht_buf_clear(&p->plain);
    cht_buf_clear(&p->addresses);
    sodium_memzero(p, sizeof *p);
    free(p);
}

void net_pair_effects_init(struct net_pair_effects *e)
{
    *e = (struct net_pair_effects){ .what = 0 };
    cht_buf_init(&e->send, NET_PAIR_SEND_BYTES);
}

void net_pair_effects_clear(struct net_pair_effects *e)
{
    cht_buf_clear(&e->send);
    net_pair_effects_init(e);
}

/* --- ending -------------------------------------------------------------------------------- */

/* PROTOCOL 7.8: the reasons of an ABORT. Each side's sentence about the other. */
struct reason {
    uint8_t number;
    enum cht_err err;
    const char *text;
};

static const struct reason reasons[] = {
    { 1, CHT_E_MALFORMED, "the other side could not read what this one sent" },
    { 2, CHT_E_SIGNATURE, "the other side has another secret: this invitation is not its" },
    { 3, CHT_E_EXPIRED, "the other side has no such invitation: it expired or was used" },
    { 4, CHT_E_DENIED, "the other side refused" },
    { 5, CHT_E_TIMEOUT, "the other side waited too long" },
    { 6, CHT_E_UNSUPPORTED, "the other side speaks another version of pairing" },
    { 7, CHT_E_INTERNAL, "the other side failed" },
};
#define REASON_COUNT (sizeof reasons / sizeof reasons[0])

static const struct reason *reason_of(enum cht_err err)
{
    for (size_t i = 0; i < REASON_COUNT; i++) {
        if (reasons[i].err == err)
            return &reasons[i];
    }
    return &reasons[REASON_COUNT - 1];
}

enum cht_err pair_send(struct net_pair_effects *out, enum pair_kind kind, struct cht_bytes content)
{
    uint8_t head[PAIR_FRAME_BYTES];
    cht_put_u32(head, (uint32_t)content.len + 1);
    head[4] = (uint8_t)kind;
    enum cht_err err = cht_buf_reserve(&out->send, sizeof head + content.len);
    if (err == CHT_OK)
        err = cht_buf_add(&out->send, cht_bytes(head, sizeof head));
    return err == CHT_OK ? cht_buf_add(&out->send, content) : err;
}

/* Be over without a word to the peer. */
static void end(struct net_pair *p, struct net_pair_effects *out, enum cht_err err,
                const char *text)
{
    p->state = PAIR_OVER;
    p->due_ms = UINT64_MAX;
    out->what |= NET_PAIR_FAILED;
    (void)cht_fail(&out->error, err, text != NULL ? text : "");
}

void pair_fail(struct net_pair *p, struct net_pair_effects *out, enum cht_err err, const char *text)
{
    enum cht_err told = pair_send(out, PAIR_ABORT, cht_bytes(&reason_of(err)->number, 1));
    (void)told; /* a courtesy */
    end(p, out, err, text);
}

/* The peer gave up. Nothing vouches for the reason: it is only shown. */
static void on_abort(struct net_pair *p, struct cht_bytes content, struct net_pair_effects *out)
{
    for (size_t i = 0; content.len == 1 && i < REASON_COUNT; i++) {
        if (reasons[i].number == content.data[0]) {
            end(p, out, reasons[i].err, reasons[i].text);
            return;
        }
    }
    end(p, out, CHT_E_MALFORMED, "the other side gave up for no known reason");
}

void pair_wait(struct net_pair *p, enum pair_state state, uint64_t now_ms, bool patient)
{
    uint64_t last = p->opened_ms + NET_PAIR_TOTAL_MS;
    p->state = state;
    p->due_ms =
        patient || last < now_ms + NET_PAIR_SILENCE_MS ? last : now_ms + NET_PAIR_SILENCE_MS;
}

/* --- frames -------------------------------------------------------------------------------- */

static void on_frame(struct net_pair *p, uint64_t now_ms, struct net_pair_effects *out)
{
    enum pair_kind kind = (enum pair_kind)p->in.data[PAIR_FRAME_BYTES - 1];
    struct cht_bytes content =
        cht_bytes(p->in.data + PAIR_FRAME_BYTES, p->in.len - PAIR_FRAME_BYTES);
    if (kind == PAIR_ABORT)
        on_abort(p, content, out);
    else if (p->role == NET_PAIR_JOINER)
        pair_joiner_frame(p, kind, content, now_ms, out);
    else
        pair_inviter_frame(p, kind, content, now_ms, out);
    cht_buf_reset(&p->in);
}

/* How long the frame is whose start is in `in`; 0 when it is longer than it may be. */
static size_t frame_len(const struct net_pair *p)
{
    size_t max = p->sealed ? LIMIT_PAIR_BYTES : PAIR_PLAIN_BYTES_MAX;
    uint32_t len = cht_get_u32(p->in.data);
    return len == 0 || len > max ? 0 : PAIR_FRAME_BYTES - 1 + (size_t)len;
}

static void on_bytes(struct net_pair *p, struct cht_bytes bytes, uint64_t now_ms,
                     struct net_pair_effects *out)
{
    while (bytes.len > 0 && p->state != PAIR_OVER) {
        size_t want = p->in.len < 4 ? 4 : frame_len(p);
        if (want == 0) {
            pair_fail(p, out, CHT_E_MALFORMED, "the other side sent a frame that is too long");
            return;
        }
        size_t take = want - p->in.len < bytes.len ? want - p->in.len : bytes.len;
        if (cht_buf_add(&p->in, cht_bytes(bytes.data, take)) != CHT_OK) {
            pair_fail(p, out, CHT_E_NOMEM, NULL);
            return;
        }
        bytes = cht_bytes(bytes.data + take, bytes.len - take);
        if (p->in.len > 4 && p->in.len == frame_len(p))
            on_frame(p, now_ms, out);
    }
}

/* --- events -------------------------------------------------------------------------------- */

static void on_open(struct net_pair *p, uint64_t now_ms, struct net_pair_effects *out)
{
    assert(p->state == PAIR_IDLE);
    p->opened_ms = now_ms;
    if (p->role == NET_PAIR_JOINER)
        pair_joiner_open(p, now_ms, out);
    else
        pair_wait(p, PAIR_I_HELLO, now_ms, /* patient= */ false);
}

static void on_closed(struct net_pair *p, struct net_pair_effects *out)
{
    end(p, out, CHT_E_UNREACHABLE,
        p->state == PAIR_I_DONE ? "the other side was admitted but went away before it confirmed"
                                : "the other side went away");
}

static void on_event(struct net_pair *p, const struct net_pair_event *event,
                     struct net_pair_effects *out)
{
    switch (event->type) {
    case NET_PAIR_OPEN:
        on_open(p, event->now_ms, out);
        break;
    case NET_PAIR_BYTES:
        on_bytes(p, event->bytes, event->now_ms, out);
        break;
    case NET_PAIR_SECRET:
        assert(p->state == PAIR_I_SECRET);
        pair_inviter_secret(p, event->bytes, event->now_ms, out);
        break;
    case NET_PAIR_ADMITTED:
        assert(p->state == PAIR_I_ADMIT);
        pair_inviter_admitted(p, &event->answer, event->now_ms, out);
        break;
    case NET_PAIR_REFUSED:
        assert(p->state == PAIR_I_ADMIT || p->state == PAIR_J_STORE);
        pair_fail(p, out, event->error, NULL);
        break;
    case NET_PAIR_STORED:
        assert(p->state == PAIR_J_STORE);
        pair_joiner_stored(p, out);
        break;
    case NET_PAIR_WITHDRAWN:
        pair_fail(p, out, CHT_E_EXPIRED, "the invitation was withdrawn");
        break;
    case NET_PAIR_CLOSED:
        on_closed(p, out);
        break;
    case NET_PAIR_TICK:
        break;
    }
}

void net_pair_step(struct net_pair *p, const struct net_pair_event *event,
                   struct net_pair_effects *out)
{
    out->what = 0;
    out->error = (struct cht_error){ .code = CHT_OK };
    if (p->state == PAIR_OVER)
        return;
    if (event->now_ms >= p->due_ms)
        pair_fail(p, out, CHT_E_TIMEOUT, "the other side did not answer in time");
    else
        on_event(p, event, out);
}

uint64_t net_pair_deadline_ms(const struct net_pair *p)
{
    return p->due_ms;
}

/* --- looking ------------------------------------------------------------------------------- */

const struct net_pair_selector *net_pair_selector(const struct net_pair *p)
{
    return &p->selector;
}

const struct net_pair_peer *net_pair_peer(const struct net_pair *p)
{
    return &p->peer;
}

const struct net_members *net_pair_members(const struct net_pair *p)
{
    return p->members;
}

struct net_members *net_pair_take_members(struct net_pair *p)
{
    struct net_members *members = p->members;
    p->members = NULL;
    return members;
}

uint32_t net_pair_address_count(const struct net_pair *p)
{
    return p->address_count;
}

struct cht_bytes net_pair_address(const struct net_pair *p, uint32_t index)
{
    assert(index < p->address_count);
    const uint8_t *at = p->addresses.data;
    while (index-- > 0)
        at += 1 + at[0];
    return cht_bytes(at + 1, at[0]);
}
