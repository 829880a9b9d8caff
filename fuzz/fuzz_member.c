/* A replica and its sync session under a member with a valid key (PROTOCOL 2 to 4, 8): whatever the
 * input makes of an entry or of a range's payload is rightly hashed and signed, and each frame
 * repeats the nonce of the session, so that nothing ends at the first check. The input is a script.
 * No range may break the replica; at its end the file verifies, and gives the same root when it is
 * opened anew. */
/* covers: node/replica/receive.c */
#include "net/session.h"
#include "node/replica/replica.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOW_MS      UINT64_C(1767312000000)
#define STEPS_MAX   64u
#define PENDING_MAX 16u
#define PLACES_MAX  16u
#define SENT_MAX    8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum script { ENTRY, SEAL, PAYLOAD, FRAME, AGAIN, BACK, OWN, WAIT, REOPEN, RECORD, STEP_COUNT };

struct scene {
    struct node_replica *replica;
    struct net_session *session;
    struct net_pulls pulls;
    struct cht_arena arena, turn; /* of the script; of one event */
    uint64_t now_ms;
    bool over;
    unsigned own; /* entries written here */
    /* the member's path */
    struct crdt_before places[PLACES_MAX]; /* that it may go on from; the last one used is `at` */
    size_t place_count, at;
    struct crdt_entry pending[PENDING_MAX];
    struct crdt_before tip; /* behind the pending ones */
    uint32_t pending_count;
    struct crdt_range sent[SENT_MAX];
    size_t sent_count;
};

static struct net_identity here, member;
static uint8_t space_id[CRDT_ID_BYTES];
static struct cht_bytes records[2];
static struct crdt_hash heads[LIMIT_MEMBER_HEADS];
static uint32_t head_count;
static char path[64], whole[2][80];
static const uint8_t nonce[NET_NONCE_BYTES] = { 1, 2, 3, 4 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void remove_files(void)
{
    static const char *const endings[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(whole[0], sizeof whole[0], "%s%s", path, endings[i]);
        (void)unlink(whole[0]);
    }
}

/* Made once: two devices, a space that admits both, a place for the file. */
static void make_world(void)
{
    const struct net_seeds first = { .sign = { 1 }, .transport = { 0, 2 } };
    const struct net_seeds second = { .sign = { 3 }, .transport = { 0, 4 } };
    const struct net_founding founding = { .stamp = 1, .name = cht_bytes_str("here") };
    static struct cht_buf found = { .limit = LIMIT_RECORD_BYTES };
    static struct cht_buf admit = { .limit = LIMIT_RECORD_BYTES };
    net_identity_make(&here, &first, 1, 1);
    net_identity_make(&member, &second, 1, 1);
    must(net_members_found(&founding, &here, &found, space_id) == CHT_OK);
    struct net_members *m = net_members_new(space_id);
    must(m != NULL && net_members_add(m, cht_buf_view(&found)) == CHT_OK);
    const struct net_admission admission = {
        .stamp = 2, .role = NET_ROLE_ADMIN, .cert = &member.cert, .name = cht_bytes_str("member")
    };
    must(net_members_admit(m, &admission, &here, &admit) == CHT_OK);
    must(net_members_add(m, cht_buf_view(&admit)) == CHT_OK);
    records[0] = cht_buf_view(&found);
    records[1] = cht_buf_view(&admit);
    const struct crdt_hash *all = net_members_heads(m, &head_count);
    memcpy(heads, all, head_count * sizeof *all);
    net_members_free(m);
    const char *place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(path, sizeof path, "%s/chitty-fuzz-member-%ld.db", place, (long)getpid());
    (void)atexit(remove_files);
}

static void open_replica(struct scene *s)
{
    struct cht_error detail = { 0 };
    struct node_replica_options options = {
        .path = path, .mode = NODE_STORE_WRITE, .identity = &here, .now_ms = NOW_MS
    };
    options.epoch[0] = (uint8_t)(1 + s->own);
    must(node_replica_open(&options, &detail, &s->replica) == CHT_OK);
}

/* --- events and effects -------------------------------------------------------------------- */

static void give(struct scene *s, struct net_event *ev);

static enum net_verdict take_range(struct scene *s, const struct crdt_range *range)
{
    static const enum net_verdict verdicts[] = {
        [NODE_STORED] = NET_STORED,           [NODE_KNOWN] = NET_KNOWN,
        [NODE_UNPLACEABLE] = NET_UNPLACEABLE, [NODE_REFUSED] = NET_REFUSED,
        [NODE_STOPPED] = NET_STOPPED,
    };
    enum node_receipt receipt;
    must(node_replica_receive(s->replica, range, NOW_MS, &receipt) == CHT_OK);
    return verdicts[receipt];
}

static void commit(struct scene *s)
{
    bool more = true;
    for (unsigned i = 0; more && i < 16; i++)
        must(node_replica_settle(s->replica, NOW_MS, &more) == CHT_OK &&
             node_replica_commit(s->replica, true) == CHT_OK);
}

static void deliver(struct scene *s, const struct net_effect *fx)
{
    enum net_verdict verdicts[LIMIT_FRAME_RANGES];
    for (size_t i = 0; i < fx->deliver.count; i++)
        verdicts[i] = take_range(s, &fx->deliver.ranges[i]);
    commit(s);
    struct net_event ev = { .kind = NET_EV_DELIVERED };
    ev.delivered.token = fx->deliver.token;
    ev.delivered.count = fx->deliver.count;
    ev.delivered.verdicts = verdicts;
    give(s, &ev);
}

static void take_records(struct scene *s, const struct net_effect *fx)
{
    struct net_event ev = { .kind = NET_EV_RECORDS_DONE };
    for (size_t i = 0; i < fx->records.count && ev.records == CHT_OK; i++) {
        ev.records = node_replica_add_record(s->replica, fx->records.records[i]);
        if (ev.records == CHT_E_WAITING)
            ev.records = CHT_OK;
    }
    commit(s);
    give(s, &ev);
}

static void take_fork(struct scene *s, const struct net_effect *fx)
{
    struct net_event ev = { .kind = NET_EV_FORK_DONE };
    ev.fork = node_replica_add_fork(s->replica, fx->proof, NOW_MS);
    commit(s);
    give(s, &ev);
}

static void give(struct scene *s, struct net_event *ev)
{
    struct net_effects fx;
    net_effects_init(&fx, &s->turn);
    ev->now_ms = s->now_ms;
    ev->wall_ms = NOW_MS;
    must(net_session_step(s->session, ev, &fx) == CHT_OK);
    for (const struct net_effect *e = fx.first; e != NULL; e = e->next) {
        if (e->kind == NET_FX_DELIVER)
            deliver(s, e);
        else if (e->kind == NET_FX_RECORDS)
            take_records(s, e);
        else if (e->kind == NET_FX_FORK)
            take_fork(s, e);
        else if (e->kind == NET_FX_CLOSE)
            s->over = true;
    }
}

static void say(struct scene *s, unsigned kind, struct cht_bytes body)
{
    static const uint8_t none[NET_NONCE_BYTES];
    struct cht_buf frame = { .limit = LIMIT_FRAME_BYTES };
    bool first = kind == NET_FRAME_HELLO && !net_session_live(s->session);
    if (s->over)
        return;
    must(cht_buf_add_u8(&frame, (uint8_t)kind) == CHT_OK &&
         cht_buf_add(&frame, cht_bytes(first ? none : nonce, NET_NONCE_BYTES)) == CHT_OK &&
         cht_buf_add(&frame, body) == CHT_OK);
    struct net_event ev = { .kind = NET_EV_FRAME, .bytes = cht_buf_view(&frame) };
    cht_arena_reset(&s->turn);
    give(s, &ev);
    cht_buf_clear(&frame);
}

static void say_frame(struct scene *s, struct net_frame *f)
{
    struct cht_buf frame = { .limit = LIMIT_FRAME_BYTES };
    if (net_frame_encode(f, &frame) == CHT_OK)
        say(s, f->kind,
            cht_bytes(frame.data + NET_FRAME_HEAD_BYTES, frame.len - NET_FRAME_HEAD_BYTES));
    cht_buf_clear(&frame);
}

/* A session anew, up to where entries flow. */
static void begin_session(struct scene *s)
{
    const struct net_space space = { .view = node_replica_view(s->replica), .pulls = &s->pulls };
    struct net_session_config config = { .level = 1, .space_count = 1 };
    struct net_space spaces[1] = { space };
    uint8_t offered[1][CRDT_ID_BYTES];
    memcpy(spaces[0].id, space_id, CRDT_ID_BYTES);
    memcpy(config.device, here.device, CRDT_ID_BYTES);
    memcpy(config.nonce, nonce, sizeof nonce);
    memcpy(config.peer, member.device, CRDT_ID_BYTES);
    config.spaces = spaces;
    s->session = net_session_new(&config);
    must(s->session != NULL);
    s->over = false;
    struct net_event ev = { .kind = NET_EV_START };
    give(s, &ev);
    struct net_frame f = { .kind = NET_FRAME_HELLO };
    f.hello.version_min = NET_PROTOCOL_MIN;
    f.hello.version_max = NET_PROTOCOL_MAX;
    f.hello.level = 1;
    f.hello.nonce[0] = 9;
    memcpy(f.hello.device, member.device, CRDT_ID_BYTES);
    memcpy(offered[0], space_id, CRDT_ID_BYTES);
    f.hello.spaces = (const uint8_t(*)[CRDT_ID_BYTES])offered;
    f.hello.space_count = 1;
    say_frame(s, &f);
    f = (struct net_frame){ .kind = NET_FRAME_MEMBERS };
    f.members.heads = heads;
    f.members.head_count = head_count;
    say_frame(s, &f);
    f = (struct net_frame){ .kind = NET_FRAME_HEADS };
    f.heads.member_heads = heads;
    f.heads.member_head_count = head_count;
    f.heads.level = 1;
    say_frame(s, &f);
}

/* --- the member's entries ------------------------------------------------------------------ */

static struct cht_bytes kept(struct scene *s, struct cht_bytes bytes)
{
    struct cht_bytes copy;
    must(cht_arena_copy(&s->arena, bytes, &copy) == CHT_OK);
    return copy;
}

/* ENTRY: flags (1 spelt, 2 heads, 4 a dep, 8 another epoch, 16 a wrong seq), what the dep names,
 * length and bytes of the body. */
static void entry(struct scene *s, struct cht_wire *w)
{
    const uint8_t flags = cht_wire_u8(w), which = cht_wire_u8(w), len = cht_wire_u8(w);
    struct crdt_header h = { .seq = s->tip.seq + 1u + ((flags & 16) != 0), .txn_count = 1 };
    struct crdt_dep dep = { .seq = 1u + which % 8u, .epoch = { (uint8_t)(1 + which / 8) } };
    struct cht_buf bytes = { .limit = LIMIT_HEADER_BYTES };
    struct cht_bytes body = cht_wire_take(w, len < cht_wire_left(w) ? len : cht_wire_left(w));
    if (w->err != CHT_OK || s->pending_count == PENDING_MAX)
        return;
    memcpy(h.space, space_id, CRDT_ID_BYTES);
    memcpy(h.device, member.device, CRDT_ID_BYTES);
    memcpy(h.epoch, s->tip.epoch, CRDT_EPOCH_BYTES);
    h.epoch[0] = (uint8_t)(s->tip.seq == 0 || (flags & 8) != 0 ? 0x80 | which : h.epoch[0]);
    h.prev = s->tip.hash;
    h.hlc = crdt_hlc_make(NOW_MS - 1000u + s->tip.seq, 0);
    h.entity.form = (flags & 1) != 0 ? CRDT_REF_SPELT : CRDT_REF_NAMED;
    h.entity.id = (struct crdt_id){ .type = CRDT_TODO, .b = { which } };
    h.entity.name.seq = 1u + which % 8u;
    h.body_len = (uint32_t)body.len;
    h.body_hash = crdt_hash_of(body);
    memcpy(dep.device, here.device, CRDT_ID_BYTES);
    h.deps = &dep;
    h.dep_count = (flags & 4) != 0;
    h.heads = heads;
    h.head_count = h.seq == 1 || (flags & 2) != 0 ? head_count : 0;
    if (crdt_header_check(&h) != CHT_OK || crdt_header_encode(&h, &bytes) != CHT_OK) {
        cht_buf_clear(&bytes);
        return;
    }
    struct crdt_entry *e = &s->pending[s->pending_count++];
    *e = (struct crdt_entry){ .header = h,
                              .header_bytes = kept(s, cht_buf_view(&bytes)),
                              .body = kept(s, body) };
    e->hash = crdt_hash_of(e->header_bytes);
    e->header.deps =
        h.dep_count == 0
            ? NULL
            : (const struct crdt_dep *)(const void *)kept(s, cht_bytes(&dep, sizeof dep)).data;
    cht_buf_clear(&bytes);
    s->tip.seq = h.seq;
    s->tip.hash = e->hash;
    s->tip.hlc = h.hlc;
    memcpy(s->tip.epoch, h.epoch, CRDT_EPOCH_BYTES);
}

static void send(struct scene *s, const struct crdt_range *range)
{
    struct net_frame f = { .kind = NET_FRAME_RANGE };
    s->sent[s->sent_count++ % SENT_MAX] = *range;
    f.range.ranges = range;
    f.range.count = 1;
    say_frame(s, &f);
}

/* Codec 0: what the shorter ones assert of their entries need not hold. */
static struct cht_bytes raw(struct scene *s, bool stripped)
{
    struct cht_buf out = { .limit = LIMIT_RANGE_BYTES };
    for (uint32_t i = 0; i < s->pending_count; i++) {
        const struct crdt_entry *e = &s->pending[i];
        must(cht_buf_add_varint(&out, e->header_bytes.len) == CHT_OK &&
             cht_buf_add(&out, e->header_bytes) == CHT_OK &&
             cht_buf_add_u8(&out, !stripped) == CHT_OK &&
             (stripped || cht_buf_add(&out, e->body) == CHT_OK));
    }
    struct cht_bytes bytes = kept(s, cht_buf_view(&out));
    cht_buf_clear(&out);
    return bytes;
}

/* SEAL: flags (1 a wrong head, 2 without bodies, 4 a wrong tag, 8 as another's, 16 it stays). */
static void seal(struct scene *s, struct cht_wire *w)
{
    const uint8_t flags = cht_wire_u8(w);
    const struct crdt_before *before = &s->places[s->at];
    if (w->err != CHT_OK || s->pending_count == 0)
        return;
    const struct crdt_entry *last = &s->pending[s->pending_count - 1];
    struct crdt_range range = { .own = (flags & 8) == 0,
                                .seq = before->seq + 1,
                                .count = s->pending_count,
                                .codec = CRDT_CODEC_RAW,
                                .payload = raw(s, (flags & 2) != 0) };
    memcpy(range.device_tag, (flags & 8) == 0 ? member.device : here.device, 8);
    memcpy(range.prev_tag, before->hash.b, sizeof range.prev_tag);
    range.prev_tag[0] ^= (flags & 4) != 0;
    net_identity_sign(&member, NET_CONTEXT_HEAD, cht_bytes(last->hash.b, CRDT_HASH_BYTES),
                      range.head);
    range.head[0] ^= (flags & 1) != 0;
    if ((flags & 16) == 0) {
        s->at = s->place_count % PLACES_MAX;
        s->places[s->at] = s->tip;
        s->place_count++;
        s->pending_count = 0;
    }
    send(s, &range);
}

/* PAYLOAD: count, codec, length and bytes; signed for what they decode to, if they do. */
static void payload(struct scene *s, struct cht_wire *w)
{
    const uint8_t count = cht_wire_u8(w), codec = cht_wire_u8(w), len = cht_wire_u8(w);
    struct cht_bytes bytes = cht_wire_take(w, len < cht_wire_left(w) ? len : cht_wire_left(w));
    const struct crdt_before *before = &s->places[s->at];
    struct crdt_entry *entries;
    if (w->err != CHT_OK || count == 0)
        return;
    struct crdt_range range = { .own = true,
                                .seq = before->seq + 1,
                                .count = count,
                                .codec = (enum crdt_codec)(codec % 3),
                                .payload = kept(s, bytes) };
    memcpy(range.prev_tag, before->hash.b, sizeof range.prev_tag);
    if (crdt_range_decode(before, count, range.codec, range.payload, &s->arena, &entries) == CHT_OK)
        net_identity_sign(&member, NET_CONTEXT_HEAD,
                          cht_bytes(entries[count - 1].hash.b, CRDT_HASH_BYTES), range.head);
    send(s, &range);
}

/* --- the script ---------------------------------------------------------------------------- */

static void say_raw(struct scene *s, struct cht_wire *w)
{
    const uint8_t kind = cht_wire_u8(w), len = cht_wire_u8(w);
    struct cht_bytes body = cht_wire_take(w, len < cht_wire_left(w) ? len : cht_wire_left(w));
    if (w->err == CHT_OK)
        say(s, kind, body);
}

static void write_own(struct scene *s, uint8_t arg)
{
    uint8_t text[] = { 0xa1, (uint8_t)('a' + arg % 26) };
    const struct crdt_op op = { .kind = CRDT_OP_PUT,
                                .field = 1,
                                .value = cht_bytes(text, sizeof text) };
    struct node_write write = { .id = { .type = CRDT_TODO, .b = { arg } }, .ops = &op, .count = 1 };
    must(node_replica_write(s->replica, &write, 1, NULL, NOW_MS + s->own++) == CHT_OK);
    commit(s);
    struct net_event ev = { .kind = NET_EV_CHANGED };
    cht_arena_reset(&s->turn);
    if (!s->over)
        give(s, &ev);
}

/* RECORD: the member admits one more, truly or (1) with a wrong signature. */
static void admit(struct scene *s, uint8_t arg)
{
    const struct net_seeds seeds = { .sign = { 5, arg }, .transport = { 0, 6, arg } };
    struct net_members *m = node_replica_members(s->replica);
    struct net_identity third;
    struct cht_buf record = { .limit = LIMIT_RECORD_BYTES };
    struct net_frame f = { .kind = NET_FRAME_MEMBERS };
    uint32_t count;
    net_identity_make(&third, &seeds, 1, 1);
    const struct net_admission admission = {
        .stamp = 3, .role = NET_ROLE_WRITER, .cert = &third.cert, .name = cht_bytes_str("third")
    };
    if (net_members_admit(m, &admission, &member, &record) == CHT_OK) {
        record.data[record.len - 1] ^= arg & 1;
        const struct cht_bytes bytes = cht_buf_view(&record);
        f.members.heads = net_members_heads(m, &count);
        f.members.head_count = count;
        f.members.records = &bytes;
        f.members.record_count = 1;
        say_frame(s, &f);
    }
    cht_buf_clear(&record);
}

static void reopen(struct scene *s)
{
    const struct crdt_root before = node_replica_root(s->replica);
    net_session_free(s->session);
    node_replica_close(s->replica);
    open_replica(s);
    const struct crdt_root after = node_replica_root(s->replica);
    must(memcmp(&before, &after, sizeof before) == 0);
    begin_session(s);
}

static void step(struct scene *s, struct cht_wire *w)
{
    struct net_event tick = { .kind = NET_EV_TICK };
    uint8_t arg;
    switch ((enum script)(cht_wire_u8(w) % STEP_COUNT)) {
    case ENTRY:
        entry(s, w);
        break;
    case SEAL:
        seal(s, w);
        break;
    case PAYLOAD:
        payload(s, w);
        break;
    case FRAME:
        say_raw(s, w);
        break;
    case AGAIN:
        arg = cht_wire_u8(w);
        if (s->sent_count != 0)
            send(s, &s->sent[arg % (s->sent_count < SENT_MAX ? s->sent_count : SENT_MAX)]);
        break;
    case BACK: /* to an earlier entry: a branch */
        arg = cht_wire_u8(w);
        s->at = arg % (s->place_count < PLACES_MAX ? s->place_count : PLACES_MAX);
        s->tip = s->places[s->at];
        s->pending_count = 0;
        break;
    case OWN:
        write_own(s, cht_wire_u8(w));
        break;
    case WAIT:
        s->now_ms += 100u * cht_wire_u8(w);
        cht_arena_reset(&s->turn);
        if (!s->over)
            give(s, &tick);
        break;
    case REOPEN:
        reopen(s);
        break;
    case RECORD:
        admit(s, cht_wire_u8(w));
        break;
    case STEP_COUNT:
        break;
    }
}

static void no_problem(void *ctx, const char *where, const char *what)
{
    (void)ctx;
    (void)fprintf(stderr, "%s: %s\n", where, what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct scene s;
    struct cht_wire w = cht_wire(cht_bytes(data, len));
    struct node_verified verified;
    if (head_count == 0)
        make_world();
    remove_files();
    must(node_replica_create(path, space_id, records, 2, NULL) == CHT_OK);
    s = (struct scene){ .now_ms = 1000, .place_count = 1 };
    memcpy(s.places[0].space, space_id, CRDT_ID_BYTES);
    memcpy(s.places[0].device, member.device, CRDT_ID_BYTES);
    s.tip = s.places[0];
    cht_arena_init(&s.arena, SIZE_MAX);
    cht_arena_init(&s.turn, LIMIT_TURN_BYTES);
    net_pulls_init(&s.pulls);
    open_replica(&s);
    begin_session(&s);
    for (unsigned steps = 0; steps < STEPS_MAX && cht_wire_left(&w) > 0; steps++) {
        step(&s, &w);
        if (s.over) {
            net_session_free(s.session);
            begin_session(&s);
        }
    }
    must(!node_replica_broken(s.replica));
    must(node_replica_verify(s.replica, no_problem, NULL, &verified) == CHT_OK && verified.ok);
    reopen(&s);
    net_session_free(s.session);
    node_replica_close(s.replica);
    cht_arena_clear(&s.arena);
    cht_arena_clear(&s.turn);
    return 0;
}
