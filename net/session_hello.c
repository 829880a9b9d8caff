/* Who is there, in which version and for which space (PROTOCOL 8.3, 8.4). */
#include "net/session_own.h"

static enum cht_err send_hello(struct net_session *s, struct net_effects *fx)
{
    struct cht_bytes endpoints[LIMIT_ENDPOINTS];
    uint8_t spaces[LIMIT_SPACES][CRDT_ID_BYTES];
    struct net_frame f = { .kind = NET_FRAME_HELLO };
    struct net_hello *h = &f.hello;
    h->version_min = NET_PROTOCOL_MIN;
    h->version_max = NET_PROTOCOL_MAX;
    h->level = s->level;
    memcpy(h->device, s->device, sizeof h->device);
    memcpy(h->run, s->run, sizeof h->run);
    memcpy(h->nonce, s->nonce, sizeof h->nonce);
    h->name = cht_bytes(s->name, s->name_len);
    h->endpoint_count = s->endpoint_count;
    for (size_t i = 0; i < s->endpoint_count; i++)
        endpoints[i] = cht_bytes(s->endpoints[i], s->endpoint_lens[i]);
    h->endpoints = endpoints;
    if (s->space != NULL) { /* the one we took from the dialler's list */
        h->space_count = 1;
        memcpy(spaces[0], s->space->id, CRDT_ID_BYTES);
    } else {
        h->space_count = s->space_count;
        for (size_t i = 0; i < s->space_count; i++)
            memcpy(spaces[i], s->spaces[i].id, CRDT_ID_BYTES);
    }
    h->spaces = (const uint8_t(*)[CRDT_ID_BYTES])spaces;
    return session_send(s, fx, &f);
}

enum cht_err session_start(struct net_session *s, struct net_effects *fx)
{
    s->state = SESSION_HELLO;
    s->due_ms = s->now_ms + NET_HELLO_MS;
    s->tokens_ms = s->now_ms;
    /* The accepting side cannot speak first: a ROUTER knows a leg by its first message only. */
    return s->outbound ? send_hello(s, fx) : CHT_OK;
}

/* The first space of the dialler's list that the other side has too. */
static const struct net_space *common_space(const struct net_session *s, const struct net_hello *h)
{
    for (size_t i = 0; i < h->space_count; i++) {
        for (size_t k = 0; k < s->space_count; k++) {
            if (memcmp(h->spaces[i], s->spaces[k].id, CRDT_ID_BYTES) == 0)
                return &s->spaces[k];
        }
    }
    return NULL;
}

/* The hello must outlive the frame's bytes only until the turn ends: a copy of the struct does. */
static enum cht_err tell_up(struct net_session *s, struct net_effects *fx,
                            const struct net_hello *hello)
{
    struct net_hello *copy = cht_arena_alloc(fx->arena, sizeof *copy);
    struct net_effect *e = copy == NULL ? NULL : session_effect(fx, NET_FX_UP);
    if (e == NULL)
        return CHT_E_NOMEM;
    *copy = *hello;
    e->up.hello = copy;
    e->up.space = s->space;
    return CHT_OK;
}

enum cht_err session_on_hello(struct net_session *s, struct net_effects *fx,
                              const struct net_hello *hello)
{
    if (s->state != SESSION_HELLO)
        return session_blame(s, fx, NET_BYE_ORDER, "a second HELLO");
    memcpy(s->peer_nonce, hello->nonce, sizeof s->peer_nonce);
    if (!session_same_device(hello->device, s->peer))
        return session_blame(s, fx, NET_BYE_IDENTITY, "HELLO names another device than the key");
    if (hello->version_min > NET_PROTOCOL_MAX || hello->version_max < NET_PROTOCOL_MIN)
        return session_close(s, fx, NET_BYE_VERSION, false, "no protocol version in common");
    s->version = hello->version_max < NET_PROTOCOL_MAX ? hello->version_max : NET_PROTOCOL_MAX;
    if (s->outbound && hello->space_count != 1)
        return session_blame(s, fx, NET_BYE_ORDER, "the accepting side names exactly one space");
    s->space = common_space(s, hello);
    if (s->space == NULL)
        return session_close(s, fx, NET_BYE_SPACE, false, "no space in common");

    s->state = SESSION_LIVE;
    net_pulls_author_add(s->space->pulls, s->peer, s);
    s->due_ms = s->now_ms + NET_MEMBERS_MS;
    enum cht_err err = tell_up(s, fx, hello);
    if (err == CHT_OK)
        err = s->outbound ? session_members_begin(s, fx) : send_hello(s, fx);
    return err;
}
