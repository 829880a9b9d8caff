/* Where both sides stand (PROTOCOL 8.6): told on connect, soon after something came in, 30 s after
 * a change and else every 10 minutes. A HEADS is looked at only when no delivery is open: what it
 * names may be in the very ranges that the node is storing now. */
#include "net/session_own.h"

/* A short name of all that a HEADS says. */
static enum cht_err heads_id(struct net_session *s, const struct net_heads *h,
                             uint8_t out[NET_VECTOR_ID_BYTES])
{
    struct net_frame f = { .kind = NET_FRAME_HEADS };
    f.heads = *h;
    cht_buf_reset(&s->scratch);
    enum cht_err err = net_frame_encode(&f, &s->scratch);
    if (err != CHT_OK)
        return err;
    struct crdt_hash hash = crdt_hash_of(cht_buf_view(&s->scratch));
    memcpy(out, hash.b, NET_VECTOR_ID_BYTES);
    return CHT_OK;
}

static enum cht_err send_heads(struct net_session *s, struct net_effects *fx,
                               const struct net_heads *mine)
{
    struct net_frame f = { .kind = NET_FRAME_HEADS };
    f.heads = *mine;
    enum cht_err err = heads_id(s, mine, s->told_id);
    if (err == CHT_OK)
        err = session_send(s, fx, &f);
    if (err != CHT_OK)
        return err;
    s->heads_told = true;
    s->announce_ms = 0;
    s->heads_changed = false;
    s->heads_ms = s->now_ms + NET_HEADS_IDLE_MS;
    s->stats.heads_out++;
    return CHT_OK;
}

enum cht_err session_heads_send(struct net_session *s, struct net_effects *fx)
{
    struct net_heads mine;
    enum cht_err err = session_view_heads(s, fx, &mine);
    return err == CHT_OK ? send_heads(s, fx, &mine) : err;
}

void session_heads_note_change(struct net_session *s, bool announce)
{
    if (!s->heads_told)
        return;
    if (announce && s->announce_ms == 0) {
        s->jitter = s->jitter * 1664525u + 1013904223u; /* spreads the nodes of a mesh */
        s->announce_ms = s->now_ms + NET_ANNOUNCE_MS + (s->jitter >> 16) % NET_ANNOUNCE_JITTER;
    }
    if (!s->heads_changed) {
        s->heads_changed = true;
        s->heads_ms = s->now_ms + NET_HEADS_CHANGE_MS;
    }
}

static bool all_held(const struct net_heads *mine, const struct session_tips *by)
{
    for (size_t i = 0; i < mine->stored_count; i++) {
        if (!session_tips_has(by, &mine->stored[i]))
            return false;
    }
    return true;
}

enum cht_err session_heads_tick(struct net_session *s, struct net_effects *fx)
{
    if (!s->members_equal)
        return CHT_OK;
    if (s->heads_ms != 0 && s->now_ms >= s->heads_ms)
        return session_heads_send(s, fx);
    if (s->announce_ms == 0 || s->now_ms < s->announce_ms)
        return CHT_OK;
    s->announce_ms = 0;
    struct net_heads mine;
    enum cht_err err = session_view_heads(s, fx, &mine);
    if (err == CHT_OK && !all_held(&mine, &s->holds))
        err = send_heads(s, fx, &mine);
    return err;
}

static enum cht_err tell_holds(struct net_effects *fx, const struct net_heads *h)
{
    struct net_effect *e = session_effect(fx, NET_FX_HOLDS);
    if (e == NULL)
        return CHT_E_NOMEM;
    e->holds.whole = true;
    e->holds.tips = h->stored;
    e->holds.count = h->stored_count;
    return CHT_OK;
}

enum cht_err session_on_heads(struct net_session *s, struct net_effects *fx,
                              const struct net_heads *h)
{
    enum cht_err err = session_tips_set(&s->peer_stored, h->stored, h->stored_count);
    if (err == CHT_OK)
        err = session_tips_set(&s->peer_tips, h->applied, h->applied_count);
    if (err == CHT_OK)
        err = session_tips_set(&s->holds, h->stored, h->stored_count);
    if (err == CHT_OK)
        err = net_vector_id(h->applied, h->applied_count, s->peer_applied);
    if (err != CHT_OK)
        return err;
    s->stopped.count = 0;
    s->peer_root = h->root;
    s->peer_level = h->level;
    session_hashes_id(h->member_heads, h->member_head_count, s->peer_members_id);
    s->peer_known = true;
    s->heads_news = true;
    s->stats.heads_in++;
    err = tell_holds(fx, h);
    return err == CHT_OK ? session_look(s, fx) : err;
}

/* PROTOCOL 5.9: roots mean something only between equal applied vectors, membership and level. */
static enum cht_err compare_roots(struct net_session *s, struct net_effects *fx,
                                  const struct net_heads *mine)
{
    uint8_t applied[NET_VECTOR_ID_BYTES], members[NET_VECTOR_ID_BYTES], told[NET_VECTOR_ID_BYTES];
    enum cht_err err = net_vector_id(mine->applied, mine->applied_count, applied);
    if (err != CHT_OK)
        return err;
    session_hashes_id(mine->member_heads, mine->member_head_count, members);
    if (memcmp(applied, s->peer_applied, sizeof applied) != 0 || mine->level != s->peer_level ||
        memcmp(members, s->peer_members_id, sizeof members) != 0)
        return CHT_OK;
    if (!crdt_hash_eq(&mine->root, &s->peer_root))
        return session_bisect_begin(s, fx, applied);
    if (!all_held(mine, &s->peer_stored) || !s->heads_told)
        return CHT_OK;
    s->announce_ms = 0;
    err = heads_id(s, mine, told);
    if (err == CHT_OK && memcmp(told, s->told_id, sizeof told) == 0) {
        /* Equal in everything, and both know it: a HEADS after the change would tell nothing. */
        s->heads_changed = false;
        s->heads_ms = s->now_ms + NET_HEADS_IDLE_MS;
    }
    return err;
}

/* A HEADS has come: what it says of our own entries, of the roots, and of what the peer lacks. */
static enum cht_err look_at_news(struct net_session *s, struct net_effects *fx,
                                 const struct net_heads *mine)
{
    s->heads_news = false;
    session_push_heads(s);
    enum cht_err err = compare_roots(s, fx, mine);
    if (err != CHT_OK || all_held(mine, &s->peer_stored))
        return err;
    uint8_t id[NET_VECTOR_ID_BYTES];
    err = heads_id(s, mine, id);
    if (err == CHT_OK && (!s->heads_told || memcmp(id, s->told_id, sizeof id) != 0))
        err = send_heads(s, fx, mine);
    return err;
}

static enum cht_err note_synced(struct net_session *s, struct net_effects *fx,
                                const struct net_heads *mine)
{
    bool synced =
        !s->lacking && !session_pulling(s) && !session_pushing(s) && all_held(mine, &s->holds);
    if (synced == s->synced)
        return CHT_OK;
    s->synced = synced;
    struct net_effect *e = session_effect(fx, NET_FX_SYNCED);
    if (e == NULL)
        return CHT_E_NOMEM;
    e->synced = synced;
    return CHT_OK;
}

enum cht_err session_look(struct net_session *s, struct net_effects *fx)
{
    if (s->state != SESSION_LIVE || !s->members_equal || !s->peer_known || s->delivery_count > 0)
        return CHT_OK;
    struct net_heads mine;
    enum cht_err err = session_forks_look(s, fx);
    if (err == CHT_OK)
        err = session_view_heads(s, fx, &mine);
    if (err == CHT_OK && s->heads_news)
        err = look_at_news(s, fx, &mine);
    if (err == CHT_OK)
        err = session_pull_missing(s, fx);
    return err == CHT_OK ? note_synced(s, fx, &mine) : err;
}
