/* A fake peer; see toy_peer.h. */
#include "tests/support/toy_peer.h"

#include <assert.h>
#include <stdlib.h>

const uint8_t toy_peer_nonce[NET_NONCE_BYTES] = { 0xfa, 0xce, 0, 1 };
const uint8_t toy_peer_session[NET_NONCE_BYTES] = { 1, 2, 3, 4 };
const uint8_t toy_peer_device[CRDT_ID_BYTES] = { 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2 };
static const uint8_t space_id[CRDT_ID_BYTES] = { 0x77 };

static void on_deliver(struct toy_peer *p, const struct net_effect *e)
{
    enum net_verdict verdicts[LIMIT_FRAME_RANGES];
    p->delivered++;
    p->held_token = e->deliver.token;
    p->held_count = e->deliver.count;
    if (p->hold)
        return;
    for (size_t i = 0; i < e->deliver.count; i++)
        verdicts[i] = toy_receive(&p->replica, &e->deliver.ranges[i]);
    toy_refresh(&p->replica);
    struct net_event ev = { .kind = NET_EV_DELIVERED };
    ev.delivered.token = e->deliver.token;
    ev.delivered.count = e->deliver.count;
    ev.delivered.verdicts = verdicts;
    toy_peer_event(p, &ev);
}

static void on_records(struct toy_peer *p, const struct net_effect *e)
{
    struct net_event ev = { .kind = NET_EV_RECORDS_DONE, .records = p->records_result };
    p->records++;
    for (size_t i = 0; i < e->records.count && ev.records == CHT_OK; i++)
        ev.records = toy_record_receive(&p->replica, e->records.records[i]);
    toy_peer_event(p, &ev);
}

static void on_fork(struct toy_peer *p, const struct net_effect *e)
{
    struct net_event ev = { .kind = NET_EV_FORK_DONE };
    ev.fork = p->fork_result;
    if (ev.fork == CHT_OK)
        ev.fork = toy_fork_receive(&p->replica, e->proof);
    toy_peer_event(p, &ev);
}

static void on_effect(struct toy_peer *p, const struct net_effect *e)
{
    switch (e->kind) {
    case NET_FX_SEND:
        assert(p->sent_count < TOY_PEER_SENT_MAX);
        if (net_frame_decode(e->frame, &p->arena, &p->sent[p->sent_count++]) != CHT_OK)
            abort();
        break;
    case NET_FX_RECORDS:
        on_records(p, e);
        break;
    case NET_FX_DELIVER:
        on_deliver(p, e);
        break;
    case NET_FX_FORK:
        on_fork(p, e);
        break;
    case NET_FX_ALARM:
        p->alarms += !e->alarm.done;
        p->alarms_done += e->alarm.done;
        break;
    case NET_FX_MESSAGE:
        p->messages++;
        break;
    case NET_FX_SYNCED:
        p->synced += e->synced;
        break;
    case NET_FX_CLOSE:
        p->closed++;
        p->reason = e->close.reason;
        p->blame = e->close.blame;
        p->by_peer = e->close.by_peer;
        break;
    case NET_FX_BLOB:
        p->blobs++;
        p->blob = *e->blob.frame;
        p->blob_stalled = e->blob.stalled;
        p->blob_bytes += e->blob.frame->bytes.len;
        break;
    case NET_FX_UP:
    case NET_FX_HOLDS:
        break;
    }
}

void toy_peer_event(struct toy_peer *p, struct net_event *ev)
{
    struct net_effects fx;
    net_effects_init(&fx, &p->arena);
    ev->now_ms = p->now_ms;
    ev->wall_ms = UINT64_C(1790000000000) + p->now_ms;
    if (net_session_step(p->session, ev, &fx) != CHT_OK)
        abort();
    for (const struct net_effect *e = fx.first; e != NULL; e = e->next)
        on_effect(p, e);
}

void toy_peer_init(struct toy_peer *p, bool outbound)
{
    static const char *const commands[] = { "todos.update" };
    memset(p, 0, sizeof *p);
    cht_arena_init(&p->arena, (size_t)1 << 30);
    toy_replica_init(&p->replica, &p->world, 1);
    toy_record_add(&p->replica, 0, 0);
    net_pulls_init(&p->pulls);
    memcpy(p->space.id, space_id, sizeof space_id);
    p->space.view = toy_view(&p->replica);
    p->space.pulls = &p->pulls;
    p->outbound = outbound;
    p->now_ms = 1000000;
    struct cht_bytes endpoint = cht_bytes_str("tcp://192.0.2.1:7070");
    struct net_session_config c = { .outbound = outbound,
                                    .endpoint_count = 1,
                                    .endpoints = &endpoint,
                                    .level = 1,
                                    .name = cht_bytes_str("toy"),
                                    .space_count = 1,
                                    .spaces = &p->space,
                                    .commands = commands,
                                    .command_count = 1 };
    memcpy(c.device, p->replica.device, sizeof c.device);
    memcpy(c.peer, toy_peer_device, sizeof c.peer);
    memcpy(c.nonce, toy_peer_session, sizeof c.nonce);
    memset(c.run, 5, sizeof c.run);
    p->session = net_session_new(&c);
    struct net_event ev = { .kind = NET_EV_START };
    toy_peer_event(p, &ev);
}

void toy_peer_clear(struct toy_peer *p)
{
    net_session_free(p->session);
    toy_replica_clear(&p->replica);
    toy_world_clear(&p->world);
    cht_arena_clear(&p->arena);
    memset(p, 0, sizeof *p);
}

struct net_frame toy_peer_frame(enum net_frame_kind kind)
{
    struct net_frame f = { .kind = kind };
    memcpy(f.nonce, toy_peer_session, sizeof f.nonce);
    return f;
}

struct net_frame toy_peer_hello(const struct toy_peer *p)
{
    static const uint8_t spaces[1][CRDT_ID_BYTES] = { { 0x77 } };
    struct net_frame f = toy_peer_frame(NET_FRAME_HELLO);
    if (!p->outbound)
        memset(f.nonce, 0, sizeof f.nonce);
    f.hello.version_min = NET_PROTOCOL_MIN;
    f.hello.version_max = NET_PROTOCOL_MAX;
    f.hello.level = 1;
    memcpy(f.hello.device, toy_peer_device, sizeof f.hello.device);
    memset(f.hello.run, 6, sizeof f.hello.run);
    memcpy(f.hello.nonce, toy_peer_nonce, sizeof f.hello.nonce);
    f.hello.spaces = spaces;
    f.hello.space_count = 1;
    return f;
}

struct net_frame toy_peer_heads(struct toy_peer *p, const struct crdt_dep *tips, size_t count)
{
    struct net_frame f = toy_peer_frame(NET_FRAME_HEADS);
    f.heads.level = 1;
    f.heads.member_heads = p->replica.member_heads;
    f.heads.member_head_count = p->replica.member_head_count;
    f.heads.stored = f.heads.applied = tips;
    f.heads.stored_count = f.heads.applied_count = count;
    crdt_root_bytes(&p->replica.root, f.heads.root.b);
    return f;
}

void toy_peer_say_bytes(struct toy_peer *p, struct cht_bytes bytes)
{
    struct cht_bytes copy;
    if (cht_arena_copy(&p->arena, bytes, &copy) != CHT_OK)
        abort();
    struct net_event ev = { .kind = NET_EV_FRAME, .bytes = copy };
    toy_peer_event(p, &ev);
}

void toy_peer_say(struct toy_peer *p, const struct net_frame *f)
{
    struct cht_buf buf;
    cht_buf_init(&buf, (size_t)2 << 20);
    if (net_frame_encode(f, &buf) != CHT_OK)
        abort();
    toy_peer_say_bytes(p, cht_buf_view(&buf));
    cht_buf_clear(&buf);
}

void toy_peer_establish(struct toy_peer *p, const struct crdt_dep *tips, size_t count)
{
    struct net_frame f = toy_peer_hello(p);
    toy_peer_say(p, &f);
    f = toy_peer_frame(NET_FRAME_MEMBERS);
    f.members.heads = p->replica.member_heads;
    f.members.head_count = p->replica.member_head_count;
    toy_peer_say(p, &f);
    f = toy_peer_heads(p, tips, count);
    toy_peer_say(p, &f);
}

void toy_peer_wait(struct toy_peer *p, uint64_t ms)
{
    uint64_t end = p->now_ms + ms;
    while (net_session_due_ms(p->session) <= end) {
        if (net_session_due_ms(p->session) > p->now_ms)
            p->now_ms = net_session_due_ms(p->session);
        struct net_event ev = { .kind = NET_EV_TICK };
        toy_peer_event(p, &ev);
    }
    p->now_ms = end;
}

const struct net_frame *toy_peer_last(const struct toy_peer *p, enum net_frame_kind kind)
{
    for (size_t i = p->sent_count; i-- > 0;) {
        if (p->sent[i].kind == kind)
            return &p->sent[i];
    }
    return NULL;
}

unsigned toy_peer_count(const struct toy_peer *p, enum net_frame_kind kind)
{
    unsigned count = 0;
    for (size_t i = 0; i < p->sent_count; i++)
        count += p->sent[i].kind == kind;
    return count;
}

void toy_peer_forget(struct toy_peer *p)
{
    p->sent_count = 0;
    p->delivered = p->records = p->messages = p->synced = 0;
}

const struct toy_entry *toy_peer_foreign(struct toy_peer *p, uint8_t number, uint32_t commits,
                                         struct toy_replica *out)
{
    toy_replica_init(out, &p->world, number);
    for (uint32_t i = 0; i < commits; i++)
        (void)toy_commit(out, 1, 100, i, NULL);
    return out->own;
}

struct net_frame toy_peer_range(struct toy_peer *p, struct toy_replica *from,
                                const struct toy_entry *before)
{
    struct net_run run;
    struct net_frame f = toy_peer_frame(NET_FRAME_RANGE);
    toy_own_ranges(from, before, &p->arena, &run);
    struct crdt_range *ranges = cht_arena_array(&p->arena, run.count, sizeof *ranges);
    for (size_t i = 0; i < run.count; i++) {
        ranges[i] = run.ranges[i];
        ranges[i].own = memcmp(from->device, toy_peer_device, CRDT_ID_BYTES) == 0;
        memcpy(ranges[i].device_tag, from->device, sizeof ranges[i].device_tag);
    }
    f.range.ranges = ranges;
    f.range.count = run.count;
    return f;
}
