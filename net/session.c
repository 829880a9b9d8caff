/* A session's life: events in, frames dispatched, effects out (PROTOCOL 8.1, 8.2, 8.11, 8.12).
 * What each frame means stands in the file of its topic: session_hello.c, session_members.c,
 * session_farewell.c, session_heads.c, session_pull.c, session_push.c, session_bisect.c. */
#include "net/session_own.h"

#include <assert.h>
#include <stdlib.h>

struct net_session *net_session_new(const struct net_session_config *config)
{
    assert(config->space_count >= 1 && config->space_count <= LIMIT_SPACES);
    assert(config->endpoint_count <= LIMIT_ENDPOINTS && config->name.len <= LIMIT_NAME_BYTES);
    struct net_session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    memcpy(s->device, config->device, sizeof s->device);
    memcpy(s->run, config->run, sizeof s->run);
    memcpy(s->nonce, config->nonce, sizeof s->nonce);
    memcpy(s->peer, config->peer, sizeof s->peer);
    s->outbound = config->outbound;
    s->farewell = config->farewell;
    s->level = config->level;
    s->jitter = config->jitter;
    s->name_len = config->name.len;
    if (config->name.len != 0)
        memcpy(s->name, config->name.data, config->name.len);
    s->endpoint_count = config->endpoint_count;
    for (size_t i = 0; i < config->endpoint_count; i++) {
        assert(config->endpoints[i].len <= LIMIT_ADDRESS_BYTES);
        s->endpoint_lens[i] = config->endpoints[i].len;
        memcpy(s->endpoints[i], config->endpoints[i].data, config->endpoints[i].len);
    }
    s->space_count = config->space_count;
    for (size_t i = 0; i < config->space_count; i++)
        s->spaces[i] = config->spaces[i];
    s->commands = config->commands;
    s->command_count = config->command_count;
    s->tokens = NET_TOKENS_MAX;
    cht_buf_init(&s->scratch, LIMIT_FRAME_BYTES);
    return s;
}

void session_drop_claims(struct net_session *s)
{
    if (s->space != NULL)
        net_pulls_drop_all(s->space->pulls, s);
}

void net_session_free(struct net_session *s)
{
    if (s == NULL)
        return;
    session_drop_claims(s);
    session_tips_clear(&s->peer_stored);
    session_tips_clear(&s->peer_tips);
    session_tips_clear(&s->stopped);
    session_tips_clear(&s->holds);
    for (size_t i = 0; i < LIMIT_UNACKED_FRAMES; i++)
        free(s->deliveries[i].ends);
    cht_buf_clear(&s->scratch);
    free(s);
}

struct net_effect *session_effect(struct net_effects *fx, enum net_effect_kind kind)
{
    struct net_effect *e = cht_arena_alloc(fx->arena, sizeof *e);
    if (e == NULL)
        return NULL;
    e->kind = kind;
    *fx->last = e;
    fx->last = &e->next;
    return e;
}

enum cht_err session_send(struct net_session *s, struct net_effects *fx, struct net_frame *f)
{
    memcpy(f->nonce, s->peer_nonce, sizeof f->nonce);
    cht_buf_reset(&s->scratch);
    enum cht_err err = net_frame_encode(f, &s->scratch);
    struct cht_bytes copy;
    if (err == CHT_OK)
        err = cht_arena_copy(fx->arena, cht_buf_view(&s->scratch), &copy);
    if (err != CHT_OK)
        return err;
    struct net_effect *e = session_effect(fx, NET_FX_SEND);
    if (e == NULL)
        return CHT_E_NOMEM;
    e->frame = copy;
    s->stats.frames_out++;
    s->stats.bytes_out += copy.len;
    return CHT_OK;
}

/* The end, whoever wants it. */
static enum cht_err end(struct net_session *s, struct net_effects *fx, enum net_bye_reason reason,
                        const char *sentence, struct net_effect **out)
{
    s->state = SESSION_CLOSED;
    session_drop_claims(s);
    struct net_effect *e = session_effect(fx, NET_FX_CLOSE);
    if (e == NULL)
        return CHT_E_NOMEM;
    e->close.reason = reason;
    e->close.sentence = sentence;
    *out = e;
    return CHT_OK;
}

enum cht_err session_close(struct net_session *s, struct net_effects *fx,
                           enum net_bye_reason reason, bool blame, const char *sentence)
{
    static const uint8_t unknown[NET_NONCE_BYTES] = { 0 };
    enum cht_err err = CHT_OK;
    if (memcmp(s->peer_nonce, unknown, sizeof unknown) != 0) {
        struct net_frame f = { .kind = NET_FRAME_BYE };
        f.bye.reason = reason;
        f.bye.text = cht_bytes_str(sentence);
        err = session_send(s, fx, &f);
    }
    struct net_effect *e = NULL;
    enum cht_err ended = end(s, fx, reason, sentence, &e);
    if (e != NULL)
        e->close.blame = blame;
    return err == CHT_OK ? ended : err;
}

static enum cht_err on_bye(struct net_session *s, struct net_effects *fx, const struct net_bye *b)
{
    struct net_effect *e = NULL;
    enum cht_err err = end(s, fx, b->reason, net_bye_text(b->reason), &e);
    if (e != NULL) {
        e->close.by_peer = true;
        e->close.text = b->text;
    }
    return err;
}

enum cht_err session_view_heads(struct net_session *s, struct net_effects *fx,
                                struct net_heads *out)
{
    const struct net_view *view = &s->space->view;
    enum cht_err err = view->ops->heads(view->ctx, fx->arena, out);
    if (err == CHT_OK &&
        (out->stored_count > LIMIT_VECTOR_TIPS || out->applied_count > LIMIT_VECTOR_TIPS ||
         out->member_head_count > LIMIT_HEADS_LISTED))
        err = CHT_E_LIMIT;
    return err;
}

static enum cht_err on_message(struct net_session *s, struct net_effects *fx, struct cht_bytes map)
{
    struct net_directed message;
    enum cht_err err =
        net_directed_read(map, s->device, s->commands, s->command_count, s->wall_ms, &message);
    if (err == CHT_E_MALFORMED)
        return session_blame(s, fx, NET_BYE_MALFORMED, "a directed message could not be read");
    if (err != CHT_OK) {
        s->stats.refused++;
        return CHT_OK;
    }
    struct net_effect *e = session_effect(fx, NET_FX_MESSAGE);
    if (e == NULL)
        return CHT_E_NOMEM;
    e->message = message;
    return CHT_OK;
}

static enum cht_err dispatch(struct net_session *s, struct net_effects *fx,
                             const struct net_frame *f)
{
    switch (f->kind) {
    case NET_FRAME_HELLO:
        return session_on_hello(s, fx, &f->hello);
    case NET_FRAME_MEMBERS:
        return session_on_members(s, fx, &f->members);
    case NET_FRAME_HEADS:
        return session_on_heads(s, fx, &f->heads);
    case NET_FRAME_WANT:
        return session_on_want(s, fx, &f->want);
    case NET_FRAME_RANGE:
        return session_on_range(s, fx, &f->range);
    case NET_FRAME_ACK:
        return session_on_ack(s, fx, &f->ack);
    case NET_FRAME_MISS:
        return session_on_miss(s, fx, &f->miss);
    case NET_FRAME_DIGEST_ASK:
        return session_on_digest_ask(s, fx, &f->digest_ask);
    case NET_FRAME_DIGEST:
        return session_on_digest(s, fx, &f->digest);
    case NET_FRAME_MESSAGE:
        return on_message(s, fx, f->message);
    case NET_FRAME_BYE:
        return on_bye(s, fx, &f->bye);
    case NET_FRAME_FORK:
        return session_on_fork(s, fx, &f->fork);
    case NET_FRAME_BLOB:
        return session_on_blob(s, fx, &f->blob);
    }
    return CHT_E_INTERNAL;
}

bool session_pay(struct net_session *s, unsigned cost)
{
    uint64_t earned = (s->now_ms - s->tokens_ms) * NET_TOKENS_S / 1000u;
    if (earned > 0) {
        s->tokens_ms = s->now_ms;
        s->tokens =
            earned >= NET_TOKENS_MAX - s->tokens ? NET_TOKENS_MAX : s->tokens + (uint32_t)earned;
    }
    if (cost > s->tokens)
        return false;
    s->tokens -= cost;
    return true;
}

enum cht_err session_overdrawn(struct net_session *s, struct net_effects *fx)
{
    s->stats.overdrawn++;
    if (++s->overdrawn > NET_OVERDRAWN_MAX)
        return session_blame(s, fx, NET_BYE_FLOOD, "far more frames than are allowed");
    return CHT_OK;
}

static enum cht_err on_frame(struct net_session *s, struct net_effects *fx, struct cht_bytes bytes)
{
    enum net_frame_kind kind = NET_FRAME_BYE;
    uint8_t nonce[NET_NONCE_BYTES];
    s->stats.frames_in++;
    s->stats.bytes_in += bytes.len;
    enum cht_err err = net_frame_peek(bytes, &kind, nonce);
    if (err != CHT_OK)
        return session_blame(s, fx, NET_BYE_MALFORMED, "a frame of no kind, or too long");

    /* PROTOCOL 8.1: what repeats another nonce belongs to an earlier session */
    static const uint8_t none[NET_NONCE_BYTES] = { 0 };
    bool first = s->state == SESSION_HELLO && !s->outbound;
    if (memcmp(nonce, first ? none : s->nonce, sizeof nonce) != 0) {
        s->stats.stale++;
        return CHT_OK;
    }
    if (s->state == SESSION_HELLO && kind != NET_FRAME_HELLO && kind != NET_FRAME_BYE)
        return session_blame(s, fx, NET_BYE_ORDER, "a frame before HELLO");
    if (!session_pay(s, net_frame_cost(kind)))
        return session_overdrawn(s, fx);
    if (s->farewell && kind != NET_FRAME_HELLO && kind != NET_FRAME_MEMBERS &&
        kind != NET_FRAME_BYE)
        return CHT_OK; /* PROTOCOL 7.28: nothing else that it sends is looked at */
    struct net_frame f;
    err = net_frame_decode(bytes, fx->arena, &f);
    if (err == CHT_E_NOMEM)
        return err;
    if (err != CHT_OK)
        return session_blame(s, fx, NET_BYE_MALFORMED, "a frame could not be read");
    return dispatch(s, fx, &f);
}

static enum cht_err on_tick(struct net_session *s, struct net_effects *fx)
{
    if (s->due_ms != 0 && s->now_ms >= s->due_ms) {
        bool hello = s->state == SESSION_HELLO;
        return session_close(s, fx, NET_BYE_TIMEOUT, false,
                             hello ? "no HELLO in time" : "membership did not settle in time");
    }
    if (s->state != SESSION_LIVE || s->farewell)
        return CHT_OK;
    if (s->ack_ms != 0 && s->now_ms >= s->ack_ms)
        return session_close(s, fx, NET_BYE_TIMEOUT, false, "what was sent is not acked in time");
    session_bisect_tick(s);
    enum cht_err err = session_pull_tick(s, fx);
    if (err == CHT_OK)
        err = session_heads_tick(s, fx);
    if (err == CHT_OK)
        err = session_blobs_tick(s, fx);
    return err == CHT_OK ? session_look(s, fx) : err;
}

static enum cht_err on_changed(struct net_session *s, struct net_effects *fx)
{
    if (s->state != SESSION_LIVE)
        return CHT_OK;
    session_heads_note_change(s, true);
    s->stopped.count = 0;
    enum cht_err err = session_members_changed(s, fx);
    return err == CHT_OK ? session_look(s, fx) : err;
}

/* Ask again at once, and tell where we stand: the peer pushes nothing until it hears that. */
static enum cht_err on_room(struct net_session *s, struct net_effects *fx)
{
    if (s->state != SESSION_LIVE || !s->members_equal)
        return CHT_OK;
    s->pull_block_ms = 0;
    enum cht_err err = session_heads_send(s, fx);
    if (err == CHT_OK)
        err = session_forks_again(s, fx);
    return err == CHT_OK ? session_look(s, fx) : err;
}

static enum cht_err on_own_message(struct net_session *s, struct net_effects *fx,
                                   struct cht_bytes map)
{
    if (s->state != SESSION_LIVE)
        return CHT_OK;
    struct net_frame f = { .kind = NET_FRAME_MESSAGE };
    f.message = map;
    enum cht_err err = session_send(s, fx, &f);
    if (err != CHT_E_LIMIT)
        return err;
    s->stats.refused++;
    return CHT_OK;
}

static enum cht_err handle(struct net_session *s, const struct net_event *ev,
                           struct net_effects *fx)
{
    bool always = ev->kind == NET_EV_START || ev->kind == NET_EV_FRAME || ev->kind == NET_EV_TICK ||
                  ev->kind == NET_EV_CLOSE;
    if (s->farewell && !always)
        return CHT_OK;
    switch (ev->kind) {
    case NET_EV_START:
        return session_start(s, fx);
    case NET_EV_FRAME:
        return on_frame(s, fx, ev->bytes);
    case NET_EV_TICK:
        return on_tick(s, fx);
    case NET_EV_DELIVERED:
        return session_delivered(s, fx, ev);
    case NET_EV_RECORDS_DONE:
        return session_records_done(s, fx, ev->records);
    case NET_EV_FORK_DONE:
        return session_fork_done(s, fx, ev->fork);
    case NET_EV_LOCAL:
        return session_local(s, fx, ev);
    case NET_EV_CHANGED:
        return on_changed(s, fx);
    case NET_EV_WOKE:
        return s->state == SESSION_LIVE && s->members_equal ? session_heads_send(s, fx) : CHT_OK;
    case NET_EV_ROOM:
        return on_room(s, fx);
    case NET_EV_REVOKED:
        return session_revoked(s, fx);
    case NET_EV_MESSAGE:
        return on_own_message(s, fx, ev->bytes);
    case NET_EV_BLOB:
        return session_blob_event(s, fx, ev);
    case NET_EV_CLOSE:
        return session_close(s, fx, ev->reason, false, net_bye_text(ev->reason));
    }
    return CHT_E_INTERNAL;
}

enum cht_err net_session_step(struct net_session *s, const struct net_event *ev,
                              struct net_effects *fx)
{
    if (s->state == SESSION_CLOSED)
        return CHT_OK;
    assert((s->state == SESSION_NEW) == (ev->kind == NET_EV_START));
    s->now_ms = ev->now_ms;
    s->wall_ms = ev->wall_ms;
    enum cht_err err = handle(s, ev, fx);
    if (err != CHT_OK && s->state != SESSION_CLOSED)
        err = session_close(s, fx, NET_BYE_INTERNAL, false, cht_err_text(err));
    if (err != CHT_OK) {
        s->state = SESSION_CLOSED;
        session_drop_claims(s);
        err = CHT_E_NOMEM;
    }
    return err;
}

static void sooner(uint64_t *due, uint64_t when)
{
    if (when != 0 && when < *due)
        *due = when;
}

uint64_t net_session_due_ms(const struct net_session *s)
{
    uint64_t due = UINT64_MAX;
    if (s->state == SESSION_NEW || s->state == SESSION_CLOSED)
        return due;
    sooner(&due, s->due_ms);
    if (s->state != SESSION_LIVE || s->farewell)
        return due;
    sooner(&due, s->ack_ms);
    if (s->members_equal) {
        sooner(&due, s->announce_ms);
        sooner(&due, s->heads_ms);
        sooner(&due, s->pull_block_ms);
        sooner(&due, s->grace_ms);
        sooner(&due, s->claim_missed ? s->claim_ms : 0);
    }
    if (s->bisect.active)
        sooner(&due, s->bisect.due_ms);
    if (s->blob_in.active)
        sooner(&due, s->blob_in.progress_ms + NET_STALL_MS);
    for (size_t i = 0; i < LIMIT_WANTS; i++) {
        if (s->pulls[i].active)
            sooner(&due, s->pulls[i].progress_ms + NET_STALL_MS);
    }
    return due;
}

bool net_session_closed(const struct net_session *s)
{
    return s->state == SESSION_CLOSED;
}

bool net_session_live(const struct net_session *s)
{
    return s->state == SESSION_LIVE && s->members_equal && s->peer_known;
}

bool net_session_synced(const struct net_session *s)
{
    return s->state == SESSION_LIVE && s->synced;
}

const struct net_session_stats *net_session_stats(const struct net_session *s)
{
    return &s->stats;
}
