/* A sync session with a peer that holds a valid key and says what it likes (PROTOCOL 8). The input
 * is a script: what has happened before, then frames, time and own writes. A frame is given as kind
 * and body; its nonce is made right, or nothing would be read. */
/* covers: net/session.c */
/* covers: net/session_heads.c */
/* covers: net/session_members.c */
/* covers: net/session_pull.c */
/* covers: net/session_push.c */
/* covers: net/session_bisect.c */
/* covers: net/session_forks.c */
/* covers: net/session_blobs.c */
#include "tests/support/toy_peer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum script { SAY, WAIT, WRITE, CHANGE, VERDICT, TELL, RAW, HAPPEN, BLOB, STEP_COUNT };

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* SAY: kind, u16 length, body. */
static void say(struct toy_peer *p, struct cht_wire *w)
{
    uint8_t head[NET_FRAME_HEAD_BYTES];
    struct cht_buf frame = { .limit = LIMIT_FRAME_BYTES };
    head[0] = cht_wire_u8(w);
    memcpy(head + 1, toy_peer_session, NET_NONCE_BYTES);
    if (head[0] == NET_FRAME_HELLO && !p->outbound && !net_session_live(p->session))
        memset(head + 1, 0, NET_NONCE_BYTES);
    size_t len = cht_wire_u8(w);
    len |= (size_t)cht_wire_u8(w) << 8;
    struct cht_bytes body = cht_wire_take(w, len < cht_wire_left(w) ? len : cht_wire_left(w));
    if (w->err == CHT_OK) {
        must(cht_buf_add(&frame, cht_bytes(head, sizeof head)) == CHT_OK);
        must(cht_buf_add(&frame, body) == CHT_OK);
        toy_peer_say_bytes(p, cht_buf_view(&frame));
    }
    cht_buf_clear(&frame);
}

/* WRITE: entries and padding of one own commit. */
static void write_own(struct toy_peer *p, struct cht_wire *w)
{
    uint32_t count = 1u + cht_wire_u8(w) % 8u, pad = (uint32_t)cht_wire_u8(w) * 512u;
    const struct toy_entry *before = p->replica.own;
    const struct toy_entry *last = toy_commit(&p->replica, count, pad, 0, NULL);
    struct net_run run;
    struct net_event ev = { .kind = NET_EV_LOCAL };
    toy_own_ranges(&p->replica, before, &p->arena, &run);
    if (before != NULL)
        ev.local.before = before->id;
    ev.local.last = last->id;
    ev.local.ranges = run.ranges;
    ev.local.count = run.count;
    toy_peer_event(p, &ev);
}

/* TELL: u16 length, a directed message of our own. RAW: the same, the bytes of a whole frame. */
static void pass_on(struct toy_peer *p, struct cht_wire *w, enum script what)
{
    size_t len = cht_wire_u8(w);
    len |= (size_t)cht_wire_u8(w) << 8;
    struct cht_bytes bytes = cht_wire_take(w, len < cht_wire_left(w) ? len : cht_wire_left(w));
    struct net_event ev = { .kind = NET_EV_MESSAGE, .bytes = bytes };
    if (what == RAW)
        toy_peer_say_bytes(p, bytes);
    else
        toy_peer_event(p, &ev);
}

/* HAPPEN: which of these things comes to pass here. */
static void happen(struct toy_peer *p, uint8_t which)
{
    static const enum net_event_kind kinds[] = { NET_EV_WOKE, NET_EV_ROOM, NET_EV_REVOKED,
                                                 NET_EV_CLOSE };
    struct net_event ev = { .kind = kinds[which % 4u] };
    if (ev.kind == NET_EV_CLOSE)
        ev.reason = NET_BYE_SHUTDOWN;
    toy_peer_event(p, &ev);
}

/* BLOB: what the node does with one; a SEND is of as much as there is room for. */
static void blob(struct toy_peer *p, struct cht_wire *w)
{
    static const uint8_t bytes[LIMIT_BLOB_CHUNK];
    struct net_event ev = { .kind = NET_EV_BLOB };
    const size_t room = net_session_blob_room(p->session);
    ev.blob.step = (enum net_blob_step)(cht_wire_u8(w) % (NET_BLOB_KEEP + 1u));
    memset(ev.blob.hash.b, cht_wire_u8(w) % 4, sizeof ev.blob.hash.b);
    ev.blob.size = 1u + 1000u * cht_wire_u8(w);
    ev.blob.from = ev.blob.size / (1u + cht_wire_u8(w)) % ev.blob.size;
    ev.bytes = cht_bytes(bytes, room);
    must(room <= LIMIT_BLOB_CHUNK);
    if (ev.blob.step != NET_BLOB_SEND || room != 0)
        toy_peer_event(p, &ev);
}

static void step(struct toy_peer *p, struct cht_wire *w)
{
    struct net_event ev = { .kind = NET_EV_CHANGED };
    uint8_t arg;
    enum script what = (enum script)(cht_wire_u8(w) % STEP_COUNT);
    switch (what) {
    case SAY:
        say(p, w);
        break;
    case WAIT:
        toy_peer_wait(p, 100u * cht_wire_u8(w));
        break;
    case WRITE:
        write_own(p, w);
        break;
    case CHANGE:
        arg = cht_wire_u8(w);
        if (arg % 2 == 1 && p->replica.record_count < 20)
            toy_record_add(&p->replica, arg, 0);
        toy_peer_event(p, &ev);
        break;
    case VERDICT:
        arg = cht_wire_u8(w);
        p->replica.verdict = (enum net_verdict)(arg % (NET_FAILED + 1u));
        p->replica.busy = arg >= 128;
        break;
    case TELL:
    case RAW:
        pass_on(p, w, what);
        break;
    case HAPPEN:
        happen(p, cht_wire_u8(w));
        break;
    case BLOB:
        blob(p, w);
        break;
    case STEP_COUNT:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct toy_peer p; /* large; cleared below */
    struct cht_wire w = cht_wire(cht_bytes(data, len));
    uint8_t flags = cht_wire_u8(&w); /* 1: it dialled; 2: entries flow already; 4: it holds some */
    toy_peer_init(&p, (flags & 1) != 0);
    for (unsigned i = 0; (flags & 4) != 0 && i < 12; i++)
        (void)toy_commit(&p.replica, 1 + i % 3, i * 2000, i, NULL);
    if ((flags & 2) != 0)
        toy_peer_establish(&p, NULL, 0);
    for (unsigned steps = 0; steps < 200 && cht_wire_left(&w) > 0 && p.closed == 0; steps++) {
        step(&p, &w);
        if (p.sent_count > TOY_PEER_SENT_MAX / 2)
            toy_peer_forget(&p);
    }
    const struct net_session_stats *stats = net_session_stats(p.session);
    must(stats->unacked_bytes_max <= LIMIT_CREDIT_BYTES);
    must(p.closed == (net_session_closed(p.session) ? 1u : 0u));
    toy_peer_wait(&p, 3600u * 1000u); /* its timers come to rest, or end it */
    must(p.closed <= 1);
    toy_peer_clear(&p);
    return 0;
}
