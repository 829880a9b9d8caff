/* Fetching what the peer has and we lack (PROTOCOL 8.7, 8.8): WANT, RANGE in, ACK, MISS in.
 *
 * One want a device and space at a time, whichever peer it is asked of; several devices share one
 * window of credit. A range is acked when the node says what became of it, never before. */
#include "net/session_own.h"

#include <stdlib.h>

static enum cht_err send_want(struct net_session *s, struct net_effects *fx,
                              const struct crdt_dep *tip, uint32_t from,
                              const uint8_t before[CRDT_DEP_HASH_BYTES], uint32_t credit)
{
    struct net_frame f = { .kind = NET_FRAME_WANT };
    f.want.tip = *tip;
    f.want.from = from;
    f.want.credit = credit;
    memcpy(f.want.before, before, sizeof f.want.before);
    return session_send(s, fx, &f);
}

static void pull_done(struct net_session *s, struct session_pull *p)
{
    p->active = false;
    net_pulls_drop(s->space->pulls, p->tip.device, s);
}

/* End a pull that the peer may still be serving. */
static enum cht_err pull_cancel(struct net_session *s, struct net_effects *fx,
                                struct session_pull *p)
{
    static const uint8_t none[CRDT_DEP_HASH_BYTES] = { 0 };
    pull_done(s, p);
    return send_want(s, fx, &p->tip, 1, none, 0);
}

bool session_pulling(const struct net_session *s)
{
    for (size_t i = 0; i < LIMIT_WANTS; i++) {
        if (s->pulls[i].active)
            return true;
    }
    return false;
}

/* The pull of a device, or NULL; `out_free` (may be NULL) is set to an unused one, if any. */
static struct session_pull *find_pull(struct net_session *s, const uint8_t *device, size_t len,
                                      struct session_pull **out_free)
{
    for (size_t i = 0; i < LIMIT_WANTS; i++) {
        struct session_pull *p = &s->pulls[i];
        if (p->active && memcmp(p->tip.device, device, len) == 0)
            return p;
        if (!p->active && out_free != NULL)
            *out_free = p;
    }
    return NULL;
}

static enum cht_err ask(struct net_session *s, struct net_effects *fx, struct session_pull *p,
                        const struct crdt_dep *tip)
{
    uint32_t seq = 0;
    uint8_t hash[CRDT_DEP_HASH_BYTES] = { 0 };
    const struct net_view *view = &s->space->view;
    enum cht_err err = view->ops->base(view->ctx, tip, &seq, hash);
    if (err == CHT_E_BUSY) {
        net_pulls_drop(s->space->pulls, tip->device, s);
        return CHT_OK;
    }
    if (err != CHT_OK)
        return err;
    *p = (struct session_pull){
        .active = true, .tip = *tip, .progress_ms = s->now_ms, .from = seq + 1
    };
    return send_want(s, fx, tip, seq + 1, hash, LIMIT_CREDIT_BYTES);
}

/* Pulls whose tip is here, from whichever side it came. */
static enum cht_err end_served(struct net_session *s, struct net_effects *fx)
{
    enum cht_err err = CHT_OK;
    for (size_t i = 0; i < LIMIT_WANTS && err == CHT_OK; i++) {
        struct session_pull *p = &s->pulls[i];
        if (!p->active || !session_has(s, &p->tip))
            continue;
        /* A peer that has sent the tip is done; else it came another way. */
        if (p->served)
            pull_done(s, p);
        else
            err = pull_cancel(s, fx, p);
    }
    return err;
}

/* The tip's author is connected itself: its push may be on its way, wait a little for it. */
static bool wait_for_author(struct net_session *s, const struct crdt_dep *tip)
{
    if (!net_pulls_author_elsewhere(s->space->pulls, tip->device, s))
        return false;
    if (s->grace_ms == 0)
        s->grace_ms = s->now_ms + NET_PUSH_MS;
    return s->now_ms < s->grace_ms;
}

/* One tip of the peer's that is not held here; `*out_waits`: its author's push may bring it. */
static enum cht_err pull_tip(struct net_session *s, struct net_effects *fx,
                             const struct crdt_dep *tip, bool *out_waits)
{
    struct session_pull *unused = NULL;
    s->lacking = true;
    if (s->now_ms < s->pull_block_ms || session_tips_has(&s->stopped, tip) ||
        find_pull(s, tip->device, CRDT_ID_BYTES, &unused) != NULL || unused == NULL)
        return CHT_OK;
    if (wait_for_author(s, tip)) {
        *out_waits = true;
        return CHT_OK;
    }
    if (net_pulls_take(s->space->pulls, tip->device, s))
        return ask(s, fx, unused, tip);
    s->claim_missed = true;
    return CHT_OK;
}

enum cht_err session_pull_missing(struct net_session *s, struct net_effects *fx)
{
    enum cht_err err = end_served(s, fx);
    bool waits = false;
    s->lacking = false;
    s->claim_missed = false;
    /* Tips of what is applied there go first: where a device has many branches, the entry that
     * depends on them lets them in (PROTOCOL 8.7). */
    for (int inner = 0; inner < 2; inner++) {
        for (size_t i = 0; i < s->peer_stored.count && err == CHT_OK; i++) {
            const struct crdt_dep *tip = &s->peer_stored.tips[i];
            if (session_tips_has(&s->peer_tips, tip) == (inner == 0) && !session_has(s, tip))
                err = pull_tip(s, fx, tip, &waits);
        }
    }
    s->claim_ms = s->now_ms + NET_CLAIM_POLL_MS;
    if (!waits)
        s->grace_ms = 0;
    return err;
}

enum cht_err session_pull_tick(struct net_session *s, struct net_effects *fx)
{
    enum cht_err err = CHT_OK;
    if (s->pull_block_ms != 0 && s->now_ms >= s->pull_block_ms)
        s->pull_block_ms = 0;
    for (size_t i = 0; i < LIMIT_WANTS && err == CHT_OK; i++) {
        struct session_pull *p = &s->pulls[i];
        if (!p->active || s->now_ms < p->progress_ms + NET_STALL_MS)
            continue;
        s->stats.stalls++;
        s->pull_block_ms = s->now_ms + NET_STALL_MS; /* leave it to another peer meanwhile */
        err = pull_cancel(s, fx, p);
    }
    return err;
}

/* --- ranges in --------------------------------------------------------------------------- */

static struct session_delivery *free_delivery(struct net_session *s)
{
    for (size_t i = 0; i < LIMIT_UNACKED_FRAMES; i++) {
        if (!s->deliveries[i].active)
            return &s->deliveries[i];
    }
    return NULL;
}

enum cht_err session_on_range(struct net_session *s, struct net_effects *fx,
                              const struct net_range_frame *r)
{
    size_t cost = net_ranges_cost(r->ranges, r->count);
    struct session_delivery *d = free_delivery(s);
    if (d == NULL || s->in_frames == LIMIT_UNACKED_FRAMES ||
        cost > LIMIT_CREDIT_BYTES - s->in_bytes)
        return session_blame(s, fx, NET_BYE_CREDIT, "more ranges than credit was given for");

    struct crdt_range *ranges = cht_arena_array(fx->arena, r->count, sizeof *ranges);
    struct session_range_end *ends = calloc(r->count, sizeof *ends);
    struct net_effect *e =
        ranges == NULL || ends == NULL ? NULL : session_effect(fx, NET_FX_DELIVER);
    if (e == NULL) {
        free(ends);
        return CHT_E_NOMEM;
    }
    for (size_t i = 0; i < r->count; i++) {
        ranges[i] = r->ranges[i];
        ends[i].own = ranges[i].own;
        if (ranges[i].own)
            memcpy(ranges[i].device_tag, s->peer, sizeof ranges[i].device_tag);
        ranges[i].own = false;
        memcpy(ends[i].tag, ranges[i].device_tag, sizeof ends[i].tag);
        ends[i].first_seq = ranges[i].seq;
        ends[i].last_seq = ranges[i].seq + ranges[i].count - 1;
        struct session_pull *p = find_pull(s, ends[i].tag, sizeof ends[i].tag, NULL);
        if (p != NULL) {
            p->progress_ms = s->now_ms;
            p->served = p->served || ends[i].last_seq == p->tip.seq;
        }
    }
    *d = (struct session_delivery){ .active = true,
                                    .token = s->next_token++,
                                    .bytes = (uint32_t)cost,
                                    .count = r->count,
                                    .ends = ends };
    s->delivery_count++;
    s->in_bytes += d->bytes;
    s->in_frames++;
    s->stats.ranges_in += r->count;
    e->deliver.token = d->token;
    e->deliver.ranges = ranges;
    e->deliver.count = r->count;
    return CHT_OK;
}

/* What the verdicts on one frame come to. */
struct outcome {
    bool refused, failed, lost;
    bool kept[LIMIT_FRAME_RANGES]; /* this range is durable here */
};

/* A range that does not verify. The peer may be honest: four bytes say which entry it follows, and
 * another branch of its author may have one that begins alike. It is asked again with the hash of
 * the entry held here: where the peer has another one it answers MISS (PROTOCOL 8.8). */
static enum cht_err doubt(struct net_session *s, struct net_effects *fx,
                          const struct session_range_end *end, struct outcome *out)
{
    struct session_pull *p = find_pull(s, end->tag, sizeof end->tag, NULL);
    if (end->own || p == NULL ||
        (p->doubted && (end->first_seq == p->from || ++p->failures > SESSION_FAILURES_MAX))) {
        out->refused = true;
        return CHT_OK;
    }
    out->lost = true;
    if (p->doubted)
        return CHT_OK; /* sent before it was asked again */
    const struct crdt_dep tip = p->tip;
    unsigned misses = p->misses;
    enum cht_err err = pull_cancel(s, fx, p);
    if (err != CHT_OK || !net_pulls_take(s->space->pulls, tip.device, s))
        return err;
    err = ask(s, fx, p, &tip);
    p->doubted = p->active;
    p->misses = misses;
    return err;
}

static enum cht_err judge(struct net_session *s, struct net_effects *fx,
                          const struct session_delivery *d, const enum net_verdict *verdicts,
                          struct outcome *out)
{
    enum cht_err err = CHT_OK;
    for (size_t i = 0; i < d->count && err == CHT_OK; i++) {
        switch (verdicts[i]) {
        case NET_STORED:
            out->kept[i] = true;
            s->stopped.count = 0; /* there may be room again */
            break;
        case NET_KNOWN:
            out->kept[i] = true;
            s->stats.known++;
            break;
        case NET_UNPLACEABLE:
            out->lost = true;
            s->stats.unplaceable++;
            break;
        case NET_REFUSED:
            err = doubt(s, fx, &d->ends[i], out);
            break;
        case NET_STOPPED: {
            out->lost = true;
            struct session_pull *p = find_pull(s, d->ends[i].tag, sizeof d->ends[i].tag, NULL);
            if (p != NULL)
                err = session_tips_add(&s->stopped, &p->tip);
            if (err == CHT_OK && p != NULL)
                err = pull_cancel(s, fx, p);
            break;
        }
        case NET_FAILED:
            out->failed = out->lost = true;
            break;
        }
    }
    return err;
}

/* The tips of the devices whose ranges were kept, for the ACK; what the peer sent, it holds. */
static enum cht_err kept_tips(struct net_session *s, struct net_effects *fx,
                              const struct session_delivery *d, const struct outcome *o,
                              const struct crdt_dep **out_tips, size_t *out_count)
{
    struct net_heads mine;
    enum cht_err err = session_view_heads(s, fx, &mine);
    if (err != CHT_OK)
        return err;
    struct crdt_dep *tips =
        cht_arena_array(fx->arena, mine.stored_count == 0 ? 1 : mine.stored_count, sizeof *tips);
    if (tips == NULL)
        return CHT_E_NOMEM;
    size_t count = 0;
    for (size_t i = 0; i < mine.stored_count && err == CHT_OK; i++) {
        const struct crdt_dep *tip = &mine.stored[i];
        bool kept = false, sent = false;
        for (size_t k = 0; k < d->count; k++) {
            bool same =
                o->kept[k] && memcmp(tip->device, d->ends[k].tag, sizeof d->ends[k].tag) == 0;
            kept = kept || same;
            sent = sent || (same && tip->seq == d->ends[k].last_seq);
        }
        if (kept)
            tips[count++] = *tip;
        if (sent)
            err = session_tips_add(&s->holds, tip);
    }
    *out_tips = tips;
    *out_count = count;
    return err;
}

static enum cht_err send_ack(struct net_session *s, struct net_effects *fx,
                             const struct session_delivery *d, const struct outcome *o)
{
    struct net_frame f = { .kind = NET_FRAME_ACK };
    f.ack.frames = 1;
    f.ack.bytes = d->bytes;
    f.ack.lost = o->lost;
    enum cht_err err = kept_tips(s, fx, d, o, &f.ack.tips, &f.ack.tip_count);
    return err == CHT_OK ? session_send(s, fx, &f) : err;
}

/* Something could not be stored: stop asking, or tell the peer where we stand. */
static enum cht_err after_loss(struct net_session *s, struct net_effects *fx,
                               const struct outcome *o)
{
    enum cht_err err = CHT_OK;
    if (o->failed) {
        s->pull_block_ms = s->now_ms + NET_STALL_MS;
        for (size_t i = 0; i < LIMIT_WANTS && err == CHT_OK; i++) {
            if (s->pulls[i].active)
                err = pull_cancel(s, fx, &s->pulls[i]);
        }
    }
    if (err == CHT_OK && s->members_equal && s->now_ms >= s->lost_ms) {
        s->lost_ms = s->now_ms + SESSION_LOST_MS;
        err = session_heads_send(s, fx);
    }
    return err;
}

static enum cht_err delivery_over(struct net_session *s, struct net_effects *fx,
                                  const struct session_delivery *d,
                                  const enum net_verdict *verdicts)
{
    struct outcome o = { .refused = false };
    s->in_bytes -= d->bytes;
    s->in_frames--;
    enum cht_err err = judge(s, fx, d, verdicts, &o);
    if (err != CHT_OK)
        return err;
    if (o.refused)
        return session_blame(s, fx, NET_BYE_SIGNATURE, "a range does not verify");
    err = send_ack(s, fx, d, &o);
    if (err == CHT_OK && o.lost)
        err = after_loss(s, fx, &o);
    return err;
}

enum cht_err session_delivered(struct net_session *s, struct net_effects *fx,
                               const struct net_event *ev)
{
    struct session_delivery *d = NULL;
    for (size_t i = 0; i < LIMIT_UNACKED_FRAMES; i++) {
        if (s->deliveries[i].active && s->deliveries[i].token == ev->delivered.token)
            d = &s->deliveries[i];
    }
    if (d == NULL || d->count != ev->delivered.count)
        return CHT_E_INTERNAL;
    enum cht_err err = delivery_over(s, fx, d, ev->delivered.verdicts);
    free(d->ends);
    *d = (struct session_delivery){ .active = false };
    s->delivery_count--;
    return err == CHT_OK ? session_look(s, fx) : err;
}

/* --- the path was another one ------------------------------------------------------------ */

enum cht_err session_on_miss(struct net_session *s, struct net_effects *fx,
                             const struct net_miss *m)
{
    struct session_pull *p = find_pull(s, m->tip.device, CRDT_ID_BYTES, NULL);
    if (p == NULL || crdt_dep_cmp(&p->tip, &m->tip) != 0)
        return CHT_OK; /* of a want that was taken back */
    s->stats.misses++;
    if (!m->held || m->from == 1 || ++p->misses > SESSION_MISSES_MAX) {
        session_tips_remove(&s->peer_stored, &m->tip); /* until its next HEADS */
        pull_done(s, p);
        return session_look(s, fx);
    }
    uint32_t from = 1;
    uint8_t before[CRDT_DEP_HASH_BYTES] = { 0 };
    for (size_t i = 0; i < m->count; i++) { /* descending: the first held is the highest */
        if (session_has(s, &m->path[i])) {
            from = m->path[i].seq + 1;
            memcpy(before, m->path[i].hash, sizeof before);
            break;
        }
    }
    p->progress_ms = s->now_ms;
    p->doubted = false;
    p->from = from;
    return send_want(s, fx, &m->tip, from, before, LIMIT_CREDIT_BYTES);
}
