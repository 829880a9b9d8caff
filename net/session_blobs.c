/* The contents of attachments between two peers (PROTOCOL 12.2, 12.3): one is fetched at a time and
 * one is sent at a time, each within the credit that its asker gave, so that a live change never
 * stands behind more than that. What is checked and kept is the node's business. */
#include "net/session_own.h"

#include <assert.h>

#define BLOBS_VERSION 3u /* the first that knows the frame */
#define WANT_COST     4u /* tokens: a file is looked for and opened */
#define SPARE_MAX     (4u * LIMIT_BLOB_CREDIT)

bool net_session_blobs(const struct net_session *s)
{
    return s->state == SESSION_LIVE && s->version >= BLOBS_VERSION && s->members_equal &&
           !s->farewell;
}

bool net_session_fetching(const struct net_session *s)
{
    return s->state == SESSION_LIVE && s->blob_in.active;
}

size_t net_session_blob_room(const struct net_session *s)
{
    const struct session_blob *out = &s->blob_out;
    if (!net_session_blobs(s) || !out->active)
        return 0;
    const uint32_t room = out->until - out->next;
    return room < LIMIT_BLOB_CHUNK ? room : LIMIT_BLOB_CHUNK;
}

/* --- fetching ------------------------------------------------------------------------------- */

static enum cht_err ask(struct net_session *s, struct net_effects *fx, bool take_back)
{
    struct session_blob *in = &s->blob_in;
    const uint32_t left = in->size - in->next;
    struct net_frame f = { .kind = NET_FRAME_BLOB };
    f.blob.form = NET_BLOB_WANT;
    f.blob.hash = in->hash;
    f.blob.size = in->size;
    f.blob.from = in->next;
    if (take_back) {
        /* what was asked for may be on its way */
        s->blob_spare += in->until - in->next;
        s->blob_spare = s->blob_spare < SPARE_MAX ? s->blob_spare : SPARE_MAX;
        in->active = false;
    } else {
        f.blob.credit = left < LIMIT_BLOB_CREDIT ? left : LIMIT_BLOB_CREDIT;
        in->until = in->next + f.blob.credit;
    }
    return session_send(s, fx, &f);
}

static enum cht_err fetch(struct net_session *s, struct net_effects *fx, const struct net_event *ev)
{
    struct session_blob *in = &s->blob_in;
    assert(ev->blob.from < ev->blob.size && ev->blob.size <= LIMIT_BLOB_BYTES);
    if (!net_session_blobs(s) || in->active)
        return CHT_OK;
    *in = (struct session_blob){ .active = true,
                                 .hash = ev->blob.hash,
                                 .size = ev->blob.size,
                                 .next = ev->blob.from,
                                 .until = ev->blob.from,
                                 .progress_ms = s->now_ms };
    return ask(s, fx, false);
}

static enum cht_err tell(struct net_effects *fx, const struct net_blob_frame *b, bool stalled)
{
    struct net_blob_frame *copy = cht_arena_alloc(fx->arena, sizeof *copy);
    struct net_effect *e = copy == NULL ? NULL : session_effect(fx, NET_FX_BLOB);
    if (e == NULL)
        return CHT_E_NOMEM;
    *copy = *b;
    e->blob.frame = copy;
    e->blob.stalled = stalled;
    return CHT_OK;
}

static enum cht_err on_data(struct net_session *s, struct net_effects *fx,
                            const struct net_blob_frame *b)
{
    struct session_blob *in = &s->blob_in;
    const uint32_t len = (uint32_t)b->bytes.len;
    if (!in->active || !crdt_hash_eq(&in->hash, &b->hash)) {
        if (len > s->blob_spare)
            return session_blame(s, fx, NET_BYE_CREDIT, "bytes of a blob that were not asked for");
        s->blob_spare -= len;
        return CHT_OK;
    }
    if (b->from != in->next && len <= s->blob_spare) {
        s->blob_spare -= len; /* of an earlier want of the same */
        return CHT_OK;
    }
    if (b->from != in->next || len > in->until - in->next)
        return session_blame(s, fx, NET_BYE_CREDIT, "bytes of a blob that were not asked for");
    in->next += len;
    in->progress_ms = s->now_ms;
    in->active = in->next < in->size;
    enum cht_err err = tell(fx, b, false);
    if (err == CHT_OK && in->active && in->until < in->size &&
        in->until - in->next <= LIMIT_BLOB_CREDIT / 2)
        err = ask(s, fx, false);
    return err;
}

static enum cht_err on_none(struct net_session *s, struct net_effects *fx,
                            const struct net_blob_frame *b)
{
    if (!s->blob_in.active || !crdt_hash_eq(&s->blob_in.hash, &b->hash))
        return CHT_OK;
    s->blob_in.active = false;
    return tell(fx, b, false);
}

enum cht_err session_blobs_tick(struct net_session *s, struct net_effects *fx)
{
    struct session_blob *in = &s->blob_in;
    if (!in->active || s->now_ms < in->progress_ms + NET_STALL_MS)
        return CHT_OK;
    const struct net_blob_frame none = { .form = NET_BLOB_NONE, .hash = in->hash };
    s->stats.stalls++;
    enum cht_err err = ask(s, fx, true);
    return err == CHT_OK ? tell(fx, &none, true) : err;
}

/* --- sending -------------------------------------------------------------------------------- */

/* More of what is being sent, in a step worth its frame: that costs the peer nothing. */
static bool goes_on(const struct session_blob *out, const struct net_blob_frame *b)
{
    const uint32_t until = b->from + b->credit;
    return out->active && crdt_hash_eq(&out->hash, &b->hash) && out->size == b->size &&
           b->from <= out->next && until > out->until &&
           (until - out->until >= LIMIT_BLOB_CHUNK || until == out->size);
}

static enum cht_err on_want(struct net_session *s, struct net_effects *fx,
                            const struct net_blob_frame *b)
{
    struct session_blob *out = &s->blob_out;
    if (goes_on(out, b)) {
        out->until = b->from + b->credit;
        return CHT_OK;
    }
    if (!session_pay(s, b->credit == 0 ? 1 : WANT_COST))
        return session_overdrawn(s, fx);
    if (b->credit == 0 && (!out->active || !crdt_hash_eq(&out->hash, &b->hash)))
        return CHT_OK;
    *out = (struct session_blob){ .active = b->credit != 0,
                                  .hash = b->hash,
                                  .size = b->size,
                                  .next = b->from,
                                  .until = b->from + b->credit };
    return tell(fx, b, false);
}

static enum cht_err send_piece(struct net_session *s, struct net_effects *fx,
                               struct cht_bytes bytes)
{
    struct session_blob *out = &s->blob_out;
    assert(bytes.len > 0 && bytes.len <= net_session_blob_room(s));
    struct net_frame f = { .kind = NET_FRAME_BLOB };
    f.blob.form = NET_BLOB_DATA;
    f.blob.hash = out->hash;
    f.blob.from = out->next;
    f.blob.bytes = bytes;
    out->next += (uint32_t)bytes.len;
    out->active = out->next < out->size;
    return session_send(s, fx, &f);
}

static enum cht_err lack(struct net_session *s, struct net_effects *fx)
{
    struct net_frame f = { .kind = NET_FRAME_BLOB };
    if (!s->blob_out.active)
        return CHT_OK;
    f.blob.form = NET_BLOB_NONE;
    f.blob.hash = s->blob_out.hash;
    s->blob_out.active = false;
    return session_send(s, fx, &f);
}

static enum cht_err keep(struct net_session *s, struct net_effects *fx, const struct net_event *ev)
{
    struct net_frame f = { .kind = NET_FRAME_BLOB };
    if (!net_session_blobs(s))
        return CHT_OK;
    f.blob.form = NET_BLOB_KEPT;
    f.blob.hash = ev->blob.hash;
    f.blob.size = ev->blob.size;
    return session_send(s, fx, &f);
}

/* --- both ----------------------------------------------------------------------------------- */

enum cht_err session_on_blob(struct net_session *s, struct net_effects *fx,
                             const struct net_blob_frame *b)
{
    if (s->version < BLOBS_VERSION)
        return session_blame(s, fx, NET_BYE_ORDER, "a frame of a later version");
    switch (b->form) {
    case NET_BLOB_WANT:
        return on_want(s, fx, b);
    case NET_BLOB_DATA:
        return on_data(s, fx, b);
    case NET_BLOB_NONE:
        return on_none(s, fx, b);
    case NET_BLOB_KEPT:
        return session_pay(s, 1) ? tell(fx, b, false) : session_overdrawn(s, fx);
    }
    return CHT_E_INTERNAL;
}

enum cht_err session_blob_event(struct net_session *s, struct net_effects *fx,
                                const struct net_event *ev)
{
    if (s->state != SESSION_LIVE)
        return CHT_OK;
    switch (ev->blob.step) {
    case NET_BLOB_FETCH:
        return fetch(s, fx, ev);
    case NET_BLOB_STOP:
        return s->blob_in.active ? ask(s, fx, true) : CHT_OK;
    case NET_BLOB_SEND:
        return send_piece(s, fx, ev->bytes);
    case NET_BLOB_LACK:
        return lack(s, fx);
    case NET_BLOB_KEEP:
        return keep(s, fx, ev);
    }
    return CHT_E_INTERNAL;
}
