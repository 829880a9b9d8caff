/* Membership before everything else (PROTOCOL 8.5).
 *
 * The dialler begins; a MEMBERS is answered until both sides have told equal heads. Each frame
 * carries the records that the other side's last heads lack, so a long list goes over in several
 * rounds without any state but those heads. */
#include "net/session_own.h"

static bool same_hashes(const struct crdt_hash *a, size_t a_count, const struct crdt_hash *b,
                        size_t b_count)
{
    return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * sizeof *a) == 0);
}

enum cht_err session_members_send(struct net_session *s, struct net_effects *fx,
                                  const struct net_heads *mine, const struct cht_bytes *records,
                                  size_t count)
{
    struct net_frame f = { .kind = NET_FRAME_MEMBERS };
    f.members.heads = mine->member_heads;
    f.members.head_count = mine->member_head_count;
    f.members.records = records;
    f.members.record_count = count;
    s->told_count = mine->member_head_count;
    if (s->told_count != 0)
        memcpy(s->told, mine->member_heads, s->told_count * sizeof *s->told);
    s->members_told = true;
    return session_send(s, fx, &f);
}

enum cht_err session_members_begin(struct net_session *s, struct net_effects *fx)
{
    struct net_heads mine;
    enum cht_err err = session_view_heads(s, fx, &mine);
    return err == CHT_OK ? session_members_send(s, fx, &mine, NULL, 0) : err;
}

/* Both sides have told the same heads: entries may flow. */
static enum cht_err settled(struct net_session *s, struct net_effects *fx)
{
    s->due_ms = 0;
    if (s->members_equal)
        return CHT_OK;
    s->members_equal = true;
    enum cht_err err = session_heads_send(s, fx);
    return err == CHT_OK ? session_look(s, fx) : err;
}

static void unsettled(struct net_session *s)
{
    if (s->members_equal || s->due_ms == 0)
        s->due_ms = s->now_ms + NET_MEMBERS_MS;
    s->members_equal = false;
}

/* Answer the peer's heads: with what it lacks, or with our own where it has not heard them. */
static enum cht_err answer(struct net_session *s, struct net_effects *fx)
{
    struct net_heads mine;
    enum cht_err err = session_view_heads(s, fx, &mine);
    if (err != CHT_OK)
        return err;
    bool told = s->members_told &&
                same_hashes(s->told, s->told_count, mine.member_heads, mine.member_head_count);
    if (same_hashes(s->peer_heads, s->peer_head_count, mine.member_heads, mine.member_head_count)) {
        if (!told)
            err = session_members_send(s, fx, &mine, NULL, 0);
        return err == CHT_OK ? settled(s, fx) : err;
    }
    unsettled(s);
    const struct cht_bytes *records = NULL;
    size_t count = 0;
    const struct net_view *view = &s->space->view;
    err = view->ops->records(view->ctx, s->peer_heads, s->peer_head_count, LIMIT_MEMBERS_BYTES,
                             fx->arena, &records, &count);
    if (err == CHT_OK && (count > 0 || !told))
        err = session_members_send(s, fx, &mine, records, count);
    return err;
}

enum cht_err session_on_members(struct net_session *s, struct net_effects *fx,
                                const struct net_members *m)
{
    s->peer_head_count = m->head_count;
    if (m->head_count != 0)
        memcpy(s->peer_heads, m->heads, m->head_count * sizeof *s->peer_heads);
    if (s->farewell)
        return session_farewell(s, fx, m);
    if (m->record_count == 0)
        return s->records_pending > 0 ? CHT_OK : answer(s, fx);
    struct net_effect *e = session_effect(fx, NET_FX_RECORDS);
    if (e == NULL)
        return CHT_E_NOMEM;
    e->records.records = m->records;
    e->records.count = m->record_count;
    s->records_pending++;
    return CHT_OK;
}

enum cht_err session_records_done(struct net_session *s, struct net_effects *fx,
                                  enum cht_err result)
{
    if (s->records_pending == 0)
        return CHT_OK;
    s->records_pending--;
    if (result == CHT_E_MALFORMED || result == CHT_E_INVALID || result == CHT_E_SIGNATURE ||
        result == CHT_E_DENIED)
        return session_blame(s, fx, NET_BYE_SIGNATURE, "a membership record does not verify");
    if (result != CHT_OK)
        return session_close(s, fx, NET_BYE_INTERNAL, false, "records could not be added");
    return s->records_pending > 0 ? CHT_OK : answer(s, fx);
}

enum cht_err session_members_changed(struct net_session *s, struct net_effects *fx)
{
    if (!s->members_told || s->records_pending > 0)
        return CHT_OK; /* the exchange under way will see it */
    struct net_heads mine;
    enum cht_err err = session_view_heads(s, fx, &mine);
    if (err != CHT_OK)
        return err;
    if (same_hashes(s->told, s->told_count, mine.member_heads, mine.member_head_count))
        return CHT_OK;
    return answer(s, fx);
}
