/* Sending what the peer asked for, and our own new ranges unasked (PROTOCOL 8.7, 8.8): WANT in,
 * RANGE, MISS, ACK in.
 *
 * A flow is a path that is being sent: it goes on from the entry it has reached as credit allows.
 * Own ranges need no flow while they fit: they are pushed as they are committed, to a peer that has
 * (or is being sent) the entry before. */
#include "net/session_own.h"

bool session_pushing(const struct net_session *s)
{
    for (size_t i = 0; i < SESSION_FLOWS; i++) {
        if (s->flows[i].active)
            return true;
    }
    return s->out_frames > 0;
}

/* The flow of a device, or NULL; `out_free` (may be NULL) is set to an unused one, if any. */
static struct session_flow *find_flow(struct net_session *s, const uint8_t device[CRDT_ID_BYTES],
                                      struct session_flow **out_free)
{
    for (size_t i = 0; i < SESSION_FLOWS; i++) {
        struct session_flow *f = &s->flows[i];
        if (f->active && session_same_device(f->tip.device, device))
            return f;
        if (!f->active && out_free != NULL)
            *out_free = f;
    }
    return NULL;
}

static enum cht_err send_ranges(struct net_session *s, struct net_effects *fx,
                                const uint8_t device[CRDT_ID_BYTES],
                                const struct crdt_range *ranges, size_t count)
{
    struct crdt_range *copy = cht_arena_array(fx->arena, count, sizeof *copy);
    if (copy == NULL)
        return CHT_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        copy[i] = ranges[i];
        copy[i].own = session_same_device(device, s->device);
        memcpy(copy[i].device_tag, device, sizeof copy[i].device_tag);
    }
    struct net_frame f = { .kind = NET_FRAME_RANGE };
    f.range.ranges = copy;
    f.range.count = count;
    enum cht_err err = session_send(s, fx, &f);
    if (err != CHT_OK)
        return err;
    if (s->out_frames == 0)
        s->ack_ms = s->now_ms + NET_ACK_MS;
    s->out_frames++;
    s->out_bytes += (uint32_t)net_ranges_cost(ranges, count);
    s->stats.ranges_out += count;
    if (s->out_bytes > s->stats.unacked_bytes_max)
        s->stats.unacked_bytes_max = s->out_bytes;
    return CHT_OK;
}

static enum cht_err send_miss(struct net_session *s, struct net_effects *fx,
                              const struct crdt_dep *tip, uint32_t from)
{
    struct crdt_dep path[LIMIT_MISS_ENTRIES];
    struct net_frame f = { .kind = NET_FRAME_MISS };
    const struct net_view *view = &s->space->view;
    f.miss.tip = *tip;
    f.miss.from = from;
    f.miss.held = session_has(s, tip);
    f.miss.path = path;
    for (uint64_t step = 1; f.miss.held && step + 1 < from; step *= 2) {
        uint32_t seq = from - 1 - (uint32_t)step;
        if (view->ops->at(view->ctx, tip, seq, &path[f.miss.count]) == CHT_OK)
            f.miss.count++;
    }
    s->stats.misses++;
    return session_send(s, fx, &f);
}

/* --- sending what credit allows ---------------------------------------------------------- */

/* A flow's path turned out not to be what it started as. */
static enum cht_err flow_broken(struct net_session *s, struct net_effects *fx,
                                struct session_flow *f)
{
    f->active = false;
    if (f->asked)
        return send_miss(s, fx, &f->tip, f->next);
    s->own_sent_known = false;
    session_heads_note_change(s, true);
    return CHT_OK;
}

/* One frame of one flow. `out_moved`: something was sent or the flow ended. */
static enum cht_err pump_flow(struct net_session *s, struct net_effects *fx, struct session_flow *f,
                              bool *out_moved)
{
    const struct net_view *view = &s->space->view;
    uint32_t room = LIMIT_CREDIT_BYTES - s->out_bytes;
    if (room < SESSION_FRAME_BYTES) /* not many small frames for as many small ACKs */
        return CHT_OK;
    struct net_run run = { .count = 0 };
    enum cht_err err = view->ops->read(view->ctx, &f->tip, f->next, f->before, SESSION_FRAME_BYTES,
                                       fx->arena, &run);
    if (err == CHT_OK && run.count == 0) /* one range may be larger than usual */
        err = view->ops->read(view->ctx, &f->tip, f->next, f->before, room, fx->arena, &run);
    if (err == CHT_E_NOTFOUND || err == CHT_E_CONFLICT) {
        *out_moved = true;
        return flow_broken(s, fx, f);
    }
    if (err != CHT_OK || run.count == 0)
        return err;
    err = send_ranges(s, fx, f->tip.device, run.ranges, run.count);
    if (err != CHT_OK)
        return err;
    *out_moved = true;
    f->next = run.last_seq + 1;
    memcpy(f->before, run.last_hash, sizeof f->before);
    if (run.complete) {
        f->active = false;
        if (session_same_device(f->tip.device, s->device)) {
            s->own_sent_known = true;
            s->own_sent = f->tip;
        }
    }
    return CHT_OK;
}

enum cht_err session_pump(struct net_session *s, struct net_effects *fx)
{
    size_t idle = 0;
    while (idle < SESSION_FLOWS && s->out_frames < LIMIT_UNACKED_FRAMES &&
           s->out_bytes < LIMIT_CREDIT_BYTES) {
        struct session_flow *f = &s->flows[s->flow_turn];
        bool moved = false;
        s->flow_turn = (s->flow_turn + 1) % SESSION_FLOWS;
        enum cht_err err = f->active ? pump_flow(s, fx, f, &moved) : CHT_OK;
        if (err != CHT_OK)
            return err;
        idle = moved ? 0 : idle + 1;
    }
    return CHT_OK;
}

/* --- the peer asks ----------------------------------------------------------------------- */

/* Is the entry at `from` - 1 on the path of `tip` the one named? */
static bool on_path(const struct net_session *s, const struct crdt_dep *tip, uint32_t from,
                    const uint8_t before[CRDT_DEP_HASH_BYTES])
{
    const struct net_view *view = &s->space->view;
    struct crdt_dep entry;
    if (!session_has(s, tip))
        return false;
    if (from == 1)
        return true;
    return view->ops->at(view->ctx, tip, from - 1, &entry) == CHT_OK &&
           memcmp(entry.hash, before, CRDT_DEP_HASH_BYTES) == 0;
}

/* A want that crossed our pushes: its tip is among them, and not all are acked. */
static bool is_on_its_way(const struct net_session *s, const struct crdt_dep *tip)
{
    return session_same_device(tip->device, s->device) && s->own_sent_known && s->out_frames > 0 &&
           s->own_sent.seq >= tip->seq && on_path(s, &s->own_sent, tip->seq + 1, tip->hash);
}

enum cht_err session_on_want(struct net_session *s, struct net_effects *fx,
                             const struct net_want *w)
{
    if (!s->members_equal && !s->heads_told)
        return session_blame(s, fx, NET_BYE_ORDER, "WANT before HEADS");
    struct session_flow *unused = NULL;
    struct session_flow *f = find_flow(s, w->tip.device, &unused);
    if (w->credit == 0) {
        if (f != NULL && f->asked && crdt_dep_cmp(&f->tip, &w->tip) == 0)
            f->active = false;
        return CHT_OK;
    }
    if (f == NULL && is_on_its_way(s, &w->tip))
        return CHT_OK;
    if (!on_path(s, &w->tip, w->from, w->before))
        return send_miss(s, fx, &w->tip, w->from);
    if (f != NULL && s->out_frames > 0 && f->next > w->from &&
        on_path(s, &w->tip, f->next, f->before) && f->next <= w->tip.seq) {
        f->tip = w->tip; /* go on behind what is on its way */
        f->asked = true;
        return session_pump(s, fx);
    }
    f = f != NULL ? f : unused;
    if (f == NULL) {
        s->stats.overdrawn++; /* more than LIMIT_WANTS at once: it will ask again */
        return CHT_OK;
    }
    *f = (struct session_flow){ .active = true, .asked = true, .tip = w->tip, .next = w->from };
    memcpy(f->before, w->before, sizeof f->before);
    return session_pump(s, fx);
}

enum cht_err session_on_ack(struct net_session *s, struct net_effects *fx, const struct net_ack *a)
{
    if (a->frames > s->out_frames || a->bytes > s->out_bytes)
        return session_blame(s, fx, NET_BYE_CREDIT, "an ACK of more than was sent");
    s->out_frames -= a->frames;
    s->out_bytes -= a->bytes;
    if (s->out_frames == 0 && s->out_bytes != 0)
        return session_blame(s, fx, NET_BYE_CREDIT, "an ACK of all frames but not of all bytes");
    s->ack_ms = s->out_frames > 0 ? s->now_ms + NET_ACK_MS : 0;
    s->stats.lost = a->lost;
    if (a->lost) {
        struct session_flow *f = find_flow(s, s->device, NULL);
        if (f != NULL && !f->asked)
            f->active = false;
        s->own_sent_known = false;
    }
    enum cht_err err = CHT_OK;
    for (size_t i = 0; i < a->tip_count && err == CHT_OK; i++)
        err = session_tips_add(&s->holds, &a->tips[i]);
    struct net_effect *e = err == CHT_OK ? session_effect(fx, NET_FX_HOLDS) : NULL;
    if (e == NULL)
        return CHT_E_NOMEM;
    e->holds.tips = a->tips;
    e->holds.count = a->tip_count;
    err = session_pump(s, fx);
    return err == CHT_OK ? session_look(s, fx) : err;
}

/* --- our own ----------------------------------------------------------------------------- */

void session_push_heads(struct net_session *s)
{
    /* While pushes are on their way this HEADS is older than they are. */
    if (s->own_sent_known && (s->out_frames > 0 || find_flow(s, s->device, NULL) != NULL))
        return;
    s->own_sent_known = true;
    s->own_sent = (struct crdt_dep){ .seq = 0 };
    for (size_t i = 0; i < s->peer_stored.count; i++) {
        const struct crdt_dep *tip = &s->peer_stored.tips[i];
        if (session_same_device(tip->device, s->device) && tip->seq > s->own_sent.seq &&
            session_has(s, tip))
            s->own_sent = *tip;
    }
}

static bool own_reaches(const struct net_session *s, const struct crdt_dep *before)
{
    if (!s->own_sent_known || s->own_sent.seq != before->seq)
        return false;
    return before->seq == 0 || memcmp(s->own_sent.hash, before->hash, CRDT_DEP_HASH_BYTES) == 0;
}

enum cht_err session_local(struct net_session *s, struct net_effects *fx,
                           const struct net_event *ev)
{
    if (s->state != SESSION_LIVE)
        return CHT_OK;
    struct session_flow *unused = NULL;
    struct session_flow *f = find_flow(s, s->device, &unused);
    bool flows = s->members_equal && s->peer_known;
    if (flows && f != NULL) {
        f->tip = ev->local.last; /* the flow goes on to the new tip */
        session_heads_note_change(s, false);
        return session_pump(s, fx);
    }
    if (!flows || !own_reaches(s, &ev->local.before) || unused == NULL) {
        session_heads_note_change(s, true);
        return CHT_OK;
    }
    session_heads_note_change(s, false);
    size_t cost = net_ranges_cost(ev->local.ranges, ev->local.count);
    enum cht_err err = CHT_OK;
    if (ev->local.count >= 1 && ev->local.count <= LIMIT_FRAME_RANGES &&
        s->out_frames < LIMIT_UNACKED_FRAMES && cost <= LIMIT_CREDIT_BYTES - s->out_bytes) {
        err = send_ranges(s, fx, s->device, ev->local.ranges, ev->local.count);
        s->own_sent = ev->local.last;
    } else {
        *unused = (struct session_flow){ .active = true,
                                         .tip = ev->local.last,
                                         .next = ev->local.before.seq + 1 };
        memcpy(unused->before, ev->local.before.hash, sizeof unused->before);
        err = session_pump(s, fx);
    }
    return err == CHT_OK ? session_look(s, fx) : err;
}
