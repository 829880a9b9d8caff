/* The end of a session with a device that is no member any more (PROTOCOL 7.28).
 *
 * It is given the records that it lacks, so that it knows, and BYE. Of what it sends only the heads
 * of its records are looked at; and, as it may be the other way round, a few records where one of
 * them says that this device is none: both sides must come to hold both. */
#include "net/session_own.h"

#include "net/record.h"

#define FAREWELL_ROUNDS  32u /* frames that the longest list of records takes */
#define FAREWELL_RECORDS 16u /* records of it that are looked at */

static enum cht_err wait_for_heads(struct net_session *s)
{
    s->due_ms = s->now_ms + NET_MEMBERS_MS;
    return CHT_OK;
}

/* Send what it lacks; BYE follows when that is all. */
static enum cht_err tell(struct net_session *s, struct net_effects *fx)
{
    struct net_heads mine;
    const struct cht_bytes *records = NULL;
    size_t count = 0, bytes = 0;
    const struct net_view *view = &s->space->view;
    enum cht_err err = session_view_heads(s, fx, &mine);
    if (err == CHT_OK)
        err = view->ops->records(view->ctx, s->peer_heads, s->peer_head_count, LIMIT_MEMBERS_BYTES,
                                 fx->arena, &records, &count);
    if (err == CHT_OK && count != 0)
        err = session_members_send(s, fx, &mine, records, count);
    if (err != CHT_OK)
        return err;
    for (size_t i = 0; i < count; i++)
        bytes += records[i].len;
    if (bytes + LIMIT_RECORD_BYTES > LIMIT_MEMBERS_BYTES && ++s->farewells < FAREWELL_ROUNDS)
        return wait_for_heads(s); /* there may be more, which its answer asks for */
    return session_close(s, fx, NET_BYE_REVOKED, false, net_bye_text(NET_BYE_REVOKED));
}

static bool rules_on_self(const struct net_session *s, const struct cht_bytes *records,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct net_record rec;
        uint8_t subject[CRDT_ID_BYTES];
        if (net_record_decode(records[i], &rec) != CHT_OK ||
            (rec.kind != NET_RECORD_REVOKE && rec.kind != NET_RECORD_ROLE))
            continue;
        net_record_subject(&rec, subject);
        if (session_same_device(subject, s->device))
            return true;
    }
    return false;
}

enum cht_err session_farewell(struct net_session *s, struct net_effects *fx,
                              const struct net_members *m)
{
    size_t count = m->record_count < FAREWELL_RECORDS ? m->record_count : FAREWELL_RECORDS;
    if (s->farewells == 0 && rules_on_self(s, m->records, count)) {
        struct net_effect *e = session_effect(fx, NET_FX_RECORDS);
        if (e == NULL)
            return CHT_E_NOMEM;
        e->records.records = m->records;
        e->records.count = count;
    }
    return tell(s, fx);
}

enum cht_err session_revoked(struct net_session *s, struct net_effects *fx)
{
    s->farewell = true;
    session_drop_claims(s);
    if (s->state != SESSION_LIVE)
        return CHT_OK;
    return s->peer_head_count != 0 ? tell(s, fx) : wait_for_heads(s);
}
