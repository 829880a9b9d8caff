/* Fork proofs between two peers (PROTOCOL 8.15): what one holds is told, what the other lacks is
 * asked for, one at a time. */
#include "net/session_own.h"

#define FORKS_VERSION 2u /* the first that knows the frame */

/* Is the proof held here? */
static enum cht_err held(const struct net_session *s, struct net_effects *fx,
                         const struct net_fork_id *id, bool *out)
{
    const struct net_view *view = &s->space->view;
    const struct net_fork_id *ids;
    size_t count;
    enum cht_err err = view->ops->forks(view->ctx, fx->arena, &ids, &count);
    if (err != CHT_OK)
        return err;
    *out = false;
    for (size_t i = 0; i < count && !*out; i++)
        *out = net_fork_id_cmp(&ids[i], id) == 0;
    return CHT_OK;
}

/* The next of those the peer told of. */
static enum cht_err ask_next(struct net_session *s, struct net_effects *fx)
{
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && !s->fork_asked && s->peer_fork_next < s->peer_fork_count) {
        const struct net_fork_id *id = &s->peer_forks[s->peer_fork_next++];
        struct net_frame f = { .kind = NET_FRAME_FORK };
        f.fork.form = NET_FORK_ASK;
        f.fork.ids = id;
        f.fork.count = 1;
        bool here = true;
        err = held(s, fx, id, &here);
        if (err != CHT_OK || here)
            continue;
        s->fork_asked = true;
        err = session_send(s, fx, &f);
    }
    return err;
}

enum cht_err session_forks_look(struct net_session *s, struct net_effects *fx)
{
    const struct net_view *view = &s->space->view;
    if (s->version < FORKS_VERSION || view->ops->forks == NULL)
        return CHT_OK;
    struct net_frame f = { .kind = NET_FRAME_FORK };
    f.fork.form = NET_FORK_TELL;
    enum cht_err err = view->ops->forks(view->ctx, fx->arena, &f.fork.ids, &f.fork.count);
    if (err != CHT_OK || f.fork.count <= s->forks_told)
        return err;
    s->forks_told = f.fork.count;
    return session_send(s, fx, &f);
}

enum cht_err session_fork_done(struct net_session *s, struct net_effects *fx, enum cht_err result)
{
    s->fork_asked = false;
    if (result == CHT_E_MALFORMED || result == CHT_E_LIMIT || result == CHT_E_SIGNATURE ||
        result == CHT_E_INVALID)
        return session_blame(s, fx, NET_BYE_SIGNATURE, "a fork proof does not hold");
    return ask_next(s, fx);
}

enum cht_err session_forks_again(struct net_session *s, struct net_effects *fx)
{
    s->peer_fork_next = 0;
    return ask_next(s, fx);
}

/* The proof that the peer asks for; what is not held is not answered. */
static enum cht_err answer(struct net_session *s, struct net_effects *fx,
                           const struct net_fork_id *id)
{
    const struct net_view *view = &s->space->view;
    struct net_frame f = { .kind = NET_FRAME_FORK };
    f.fork.form = NET_FORK_PROOF;
    if (s->forks_answered >= s->forks_told)
        return CHT_OK; /* each was sent once */
    s->forks_answered++;
    enum cht_err err = view->ops->fork(view->ctx, id, &f.fork.proof);
    if (err == CHT_E_NOTFOUND)
        return CHT_OK;
    return err == CHT_OK ? session_send(s, fx, &f) : err;
}

enum cht_err session_on_fork(struct net_session *s, struct net_effects *fx,
                             const struct net_fork_frame *f)
{
    if (s->version < FORKS_VERSION)
        return session_blame(s, fx, NET_BYE_ORDER, "a frame of a later version");
    if (s->space->view.ops->forks == NULL)
        return CHT_OK;
    switch (f->form) {
    case NET_FORK_TELL:
        memcpy(s->peer_forks, f->ids, f->count * sizeof *f->ids);
        s->peer_fork_count = f->count;
        s->peer_fork_next = 0;
        s->fork_asked = false;
        return ask_next(s, fx);
    case NET_FORK_ASK:
        return answer(s, fx, f->ids);
    case NET_FORK_PROOF: {
        struct net_effect *e = session_effect(fx, NET_FX_FORK);
        if (e == NULL)
            return CHT_E_NOMEM;
        e->proof = f->proof;
        return CHT_OK;
    }
    }
    return CHT_E_INTERNAL;
}
