/* The attacks; see hostile_attacks.h. Each says where the node is to have counted it. */
#include "tests/e2e/hostile_attacks.h"

#include "crdt/mp.h"

#include <stdlib.h>
#include <time.h>

#define AGAIN      16u
#define GIANT_TIPS LIMIT_VECTOR_TIPS

static uint64_t wall_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static void counted(struct attack *a, const char *counter, unsigned sent)
{
    a->counter = counter;
    a->sent = sent;
}

void hostile_attack_begin(struct attack *a)
{
    hostile_begin(&a->l, a->id, a->v);
    hostile_path_begin(&a->p, a->id, a->v);
}

static void want_bye(struct attack *a, enum net_bye_reason reason)
{
    unsigned said = hostile_bye(&a->l);
    if (said != reason)
        hostile_fail("BYE %s, want %s", net_bye_name(said), net_bye_name(reason));
}

static struct net_frame a_want(struct attack *a, uint32_t seq)
{
    struct net_frame f = { .kind = NET_FRAME_WANT };
    memcpy(f.want.tip.device, a->id->device, CRDT_ID_BYTES);
    f.want.tip.seq = seq;
    f.want.from = 1;
    f.want.credit = LIMIT_CREDIT_BYTES;
    return f;
}

/* --- frames -------------------------------------------------------------------------------- */

/* A body that no kind has. */
static void malformed(struct attack *a)
{
    uint8_t junk[64];
    memset(junk, 0xff, sizeof junk);
    if (a->arg == NET_FRAME_HELLO) {
        static const uint8_t none[NET_NONCE_BYTES];
        hostile_dial(&a->l, a->id, a->v);
        hostile_connected(&a->l);
        (void)hostile_say_raw(&a->l, a->arg, none, cht_bytes(junk, sizeof junk));
        hostile_listen(&a->l, 200, NULL); /* without our nonce it cannot say BYE */
    } else {
        hostile_attack_begin(a);
        (void)hostile_say_raw(&a->l, a->arg, a->l.their_nonce, cht_bytes(junk, sizeof junk));
        want_bye(a, NET_BYE_MALFORMED);
    }
    counted(a, "malformed", 1);
}

static void oversize(struct attack *a)
{
    uint8_t *junk = calloc(1, LIMIT_FRAME_BYTES);
    hostile_attack_begin(a);
    (void)hostile_say_raw(&a->l, NET_FRAME_MISS, a->l.their_nonce, cht_bytes(junk, 4096));
    want_bye(a, NET_BYE_MALFORMED);
    free(junk);
    counted(a, "malformed", 1);
}

static void out_of_order(struct attack *a)
{
    if (a->arg == 0) {
        struct net_frame f = a_want(a, 1);
        hostile_dial(&a->l, a->id, a->v);
        hostile_connected(&a->l);
        (void)hostile_say(&a->l, &f);
        hostile_listen(&a->l, 200, NULL);
    } else {
        uint8_t space[1][CRDT_ID_BYTES];
        hostile_attack_begin(a);
        struct net_frame f = hostile_hello(&a->l, space);
        (void)hostile_say(&a->l, &f);
        want_bye(a, NET_BYE_ORDER);
    }
    counted(a, "order", 1);
}

static void another_device(struct attack *a)
{
    uint8_t space[1][CRDT_ID_BYTES];
    hostile_dial(&a->l, a->id, a->v);
    hostile_connected(&a->l);
    struct net_frame f = hostile_hello(&a->l, space);
    f.hello.device[0] ^= 1;
    (void)hostile_say(&a->l, &f);
    want_bye(a, NET_BYE_IDENTITY);
    counted(a, "identity", 1);
}

static void acks_of_nothing(struct attack *a)
{
    struct net_frame f = { .kind = NET_FRAME_ACK };
    hostile_attack_begin(a);
    f.ack.frames = 7;
    f.ack.bytes = 7;
    (void)hostile_say(&a->l, &f);
    want_bye(a, NET_BYE_CREDIT);
    counted(a, "credit", 1);
}

/* As many as it has tokens for, and on, until the node has enough. Who talks on is cut off, so the
 * BYE need not come. */
void hostile_attack_flood(struct attack *a)
{
    for (uint32_t i = 0; i < 100000 && !a->l.heard_bye && a->l.conn != 0 && a->l.ups == 1; i++) {
        struct net_frame f = a_want(a, 1 + i);
        (void)hostile_say(&a->l, &f);
        if (i % 32 == 31)
            hostile_listen(&a->l, 1, &a->l.heard_bye);
    }
    counted(a, "flood", 65); /* what was dropped before it had enough */
}

static void flood(struct attack *a)
{
    hostile_attack_begin(a);
    hostile_attack_flood(a);
}

/* Frames of an earlier session. */
static void replayed_frames(struct attack *a)
{
    uint8_t old[NET_NONCE_BYTES];
    hostile_attack_begin(a);
    memcpy(old, a->l.their_nonce, sizeof old);
    hostile_path_end(&a->p);
    hostile_close(&a->l);
    hostile_attack_begin(a);
    for (unsigned i = 0; i < AGAIN; i++) {
        uint8_t body[] = { 2, 0, 0 };
        (void)hostile_say_raw(&a->l, NET_FRAME_MISS, old, cht_bytes(body, sizeof body));
    }
    hostile_listen(&a->l, 200, NULL);
    counted(a, "replay", AGAIN);
}

static void giant_vector(struct attack *a)
{
    struct net_frame f = { .kind = NET_FRAME_HEADS };
    struct crdt_dep *tips = calloc(GIANT_TIPS, sizeof *tips);
    hostile_attack_begin(a);
    for (uint32_t i = 0; i < GIANT_TIPS; i++) {
        tips[i].seq = 1 + i;
        tips[i].device[0] = 0xee;
        tips[i].device[1] = (uint8_t)(i >> 8); /* ascending */
        tips[i].device[2] = (uint8_t)i;
    }
    f.heads.member_heads = a->v->heads;
    f.heads.member_head_count = a->v->head_count;
    f.heads.level = 1;
    f.heads.stored = f.heads.applied = tips;
    f.heads.stored_count = f.heads.applied_count = GIANT_TIPS;
    for (unsigned i = 0; i < AGAIN; i++) {
        tips[0].hash[0] = (uint8_t)i;
        (void)hostile_say(&a->l, &f);
        hostile_listen(&a->l, 20, NULL);
    }
    free(tips);
    hostile_listen(&a->l, 200, NULL);
    if (a->l.wants > LIMIT_WANTS)
        hostile_fail("%u wants are open", a->l.wants);
    counted(a, NULL, AGAIN);
}

/* One tip more than a vector may have: count and room do not belong together. */
static void larger_vector(struct attack *a)
{
    uint8_t body[8] = { 0x81, 0x20 }; /* 4097 */
    hostile_attack_begin(a);
    (void)hostile_say_raw(&a->l, NET_FRAME_HEADS, a->l.their_nonce, cht_bytes(body, sizeof body));
    want_bye(a, NET_BYE_MALFORMED);
    counted(a, "malformed", 1);
}

static void put_text(struct cht_buf *map, const char *text)
{
    hostile_must(crdt_mp_put_str(map, cht_bytes_str(text)), "message");
}

static void message_for_another(struct attack *a)
{
    struct cht_buf map;
    struct net_frame f = { .kind = NET_FRAME_MESSAGE };
    hostile_attack_begin(a);
    cht_buf_init(&map, LIMIT_MESSAGE_BYTES);
    hostile_must(crdt_mp_put_map(&map, 3), "message");
    put_text(&map, "type");
    put_text(&map, "event");
    put_text(&map, "target");
    hostile_must(crdt_mp_put_map(&map, 1), "message");
    put_text(&map, "nodeIds");
    hostile_must(crdt_mp_put_array(&map, 1), "message");
    put_text(&map, "00000000000000000000000000000000");
    put_text(&map, "metadata");
    hostile_must(crdt_mp_put_map(&map, 2), "message");
    put_text(&map, "timestamp");
    hostile_must(crdt_mp_put_uint(&map, wall_ms()), "message");
    put_text(&map, "ttl");
    hostile_must(crdt_mp_put_uint(&map, 60), "message");
    f.message = cht_buf_view(&map);
    for (unsigned i = 0; i < AGAIN; i++)
        (void)hostile_say(&a->l, &f);
    hostile_listen(&a->l, 200, NULL);
    cht_buf_clear(&map);
    counted(a, "message", AGAIN);
}

/* Comes again while its door is closed. */
static void knocks(struct attack *a)
{
    acks_of_nothing(a);
    hostile_close(&a->l);
    hostile_path_end(&a->p);
    hostile_dial(&a->l, a->id, a->v);
    hostile_connected(&a->l);
    counted(a, "back-off", a->l.refused);
}

/* --- entries ------------------------------------------------------------------------------- */

void hostile_attack_say(struct attack *a, struct cht_bytes body, const struct crdt_dep *dep)
{
    struct crdt_entry e = hostile_entry(&a->p, body, dep);
    struct crdt_range range = hostile_range(&a->p, &e, true);
    (void)hostile_say_range(&a->l, &range);
}

static void acked(struct attack *a, unsigned count)
{
    for (unsigned i = 0; i < 400 && a->l.acks < count && !a->l.heard_bye; i++)
        hostile_listen(&a->l, 25, NULL);
    if (a->l.acks < count)
        hostile_fail("%u of %u ranges were acked", a->l.acks, count);
}

static void wrong_head(struct attack *a)
{
    hostile_attack_begin(a);
    struct crdt_entry e = hostile_entry(&a->p, hostile_body(&a->p, "wrong head"), NULL);
    struct crdt_range range = hostile_range(&a->p, &e, false);
    range.head[5] ^= 1;
    (void)hostile_say_range(&a->l, &range);
    want_bye(a, NET_BYE_SIGNATURE);
    counted(a, "signature", 1);
}

static void wrong_columns(struct attack *a)
{
    static const uint8_t junk[] = { 0xff, 0xff, 0xff, 0xff, 0xff };
    hostile_attack_begin(a);
    struct crdt_entry e = hostile_entry(&a->p, hostile_body(&a->p, "wrong columns"), NULL);
    struct crdt_range range = hostile_range(&a->p, &e, false);
    range.payload = cht_bytes(junk, sizeof junk);
    (void)hostile_say_range(&a->l, &range);
    want_bye(a, NET_BYE_SIGNATURE);
    counted(a, "range", 1);
}

/* The header and its head are true, the body is left out. */
static void stripped_body(struct attack *a)
{
    hostile_attack_begin(a);
    struct crdt_entry e = hostile_entry(&a->p, hostile_body(&a->p, "stripped"), NULL);
    e.body = cht_bytes(NULL, 0);
    struct crdt_range range = hostile_range(&a->p, &e, false);
    (void)hostile_say_range(&a->l, &range);
    want_bye(a, NET_BYE_SIGNATURE);
    counted(a, "stripped", 1);
}

/* Written under membership heads that say nothing of it. */
static void no_rights(struct attack *a)
{
    struct victim elsewhere = *a->v;
    hostile_attack_begin(a);
    elsewhere.heads[0] = a->v[1].heads[0]; /* the founding record */
    elsewhere.head_count = 1;
    a->p.victim = &elsewhere;
    struct crdt_entry e = hostile_entry(&a->p, hostile_body(&a->p, "no rights"), NULL);
    struct crdt_range range = hostile_range(&a->p, &e, false);
    (void)hostile_say_range(&a->l, &range);
    want_bye(a, NET_BYE_SIGNATURE);
    counted(a, "rights", 1);
}

static void nothing_before(struct attack *a)
{
    hostile_attack_begin(a);
    a->p.before.seq = 4;
    a->p.before.hash.b[0] = 9;
    for (unsigned i = 0; i < AGAIN; i++)
        hostile_attack_say(a, hostile_body(&a->p, "nothing before"), NULL);
    acked(a, AGAIN);
    counted(a, "unplaced", AGAIN);
}

static void same_range_again(struct attack *a)
{
    hostile_attack_begin(a);
    struct crdt_entry e = hostile_entry(&a->p, hostile_body(&a->p, "again"), NULL);
    struct crdt_range range = hostile_range(&a->p, &e, true);
    for (unsigned i = 0; i < 1 + AGAIN; i++)
        (void)hostile_say_range(&a->l, &range);
    acked(a, 1 + AGAIN);
    counted(a, "known", AGAIN);
}

/* Two entries of one number, both rightly signed, again and again. */
static void equivocation(struct attack *a)
{
    const unsigned times = LIMIT_DEVICE_TIPS - 1; /* more are not kept */
    hostile_attack_begin(a);
    hostile_attack_say(a, hostile_body(&a->p, "before the fork"), NULL);
    for (unsigned i = 0; i <= times; i++) {
        struct crdt_entry e = hostile_entry(&a->p, hostile_body(&a->p, "two heads"), NULL);
        struct crdt_range range = hostile_range(&a->p, &e, false);
        (void)hostile_say_range(&a->l, &range);
    }
    acked(a, 2 + times);
    counted(a, "branches", times);
}

/* Deps on an entry that nobody has. */
static void deps_on_nothing(struct attack *a)
{
    struct crdt_dep dep = { .seq = 3, .hash = { 0xab, 0xcd } };
    memset(dep.device, 0x77, sizeof dep.device);
    if (a->arg != 0) { /* of a number that there is, with a hash that is none */
        memcpy(dep.device, a->v->device, CRDT_ID_BYTES);
        dep.seq = 1;
    }
    hostile_attack_begin(a);
    for (unsigned i = 0; i < AGAIN; i++) {
        dep.hash[15] = (uint8_t)i;
        hostile_attack_say(a, hostile_body(&a->p, "deps on nothing"), &dep);
    }
    acked(a, AGAIN);
    counted(a, "waiting", AGAIN);
}

/* More that waits than a path may have, on one path after the other. */
static void waits_without_end(struct attack *a)
{
    static const unsigned ranges[] = { 17, 17, 2 }; /* the last of each is one too many */
    struct crdt_dep dep = { .seq = 3, .hash = { 0xab } };
    unsigned sent = 0;
    hostile_attack_begin(a);
    memset(dep.device, 0x77, sizeof dep.device);
    for (unsigned k = 0; k < sizeof ranges / sizeof ranges[0]; k++) {
        hostile_path_end(&a->p);
        hostile_path_begin(&a->p, a->id, a->v); /* from the first entry, another epoch */
        for (unsigned i = 0; i < ranges[k]; i++) {
            struct crdt_range range = hostile_run(&a->p, LIMIT_HEAD_ENTRIES, i == 0 ? &dep : NULL);
            (void)hostile_say_range(&a->l, &range);
            acked(a, ++sent);
        }
    }
    counted(a, "window", 3);
}

/* [[1, FIELD, VALUE]]: a value of another kind, a field that cannot be, no ops at all. */
static void against_the_rules(struct attack *a)
{
    static const uint8_t wrong_kind[] = { 0x91, 0x93, 1, 1, 0xc3 };
    static const uint8_t wrong_field[] = { 0x91, 0x93, 1, 0xcd, 0x7f, 0xff, 0xa1, 'x' };
    static const uint8_t wrong_form[] = { 0x91, 0x91, 1 };
    const struct cht_bytes bodies[] = { cht_bytes(wrong_kind, sizeof wrong_kind),
                                        cht_bytes(wrong_field, sizeof wrong_field),
                                        cht_bytes(wrong_form, sizeof wrong_form) };
    hostile_attack_begin(a);
    for (unsigned i = 0; i < AGAIN; i++)
        hostile_attack_say(a, bodies[i % 3], NULL);
    acked(a, AGAIN);
    counted(a, "void", AGAIN);
}

/* `keeps` that name what is not in the past, or not there at all: ignored, the op stands. */
static void keeps_outside_the_past(struct attack *a)
{
    static const uint8_t body[] = { 0x91, 0x95, 1,    1,    0xc0, 0xa4, 'k',  'e',  'p', 't',
                                    0x92, 0x93, 0x00, 0x63, 0x00, 0x93, 0x09, 0x01, 0x00 };
    hostile_attack_begin(a);
    for (unsigned i = 0; i < AGAIN; i++)
        hostile_attack_say(a, cht_bytes(body, sizeof body), NULL);
    acked(a, AGAIN);
    counted(a, "void", 0);
}

/* A record whose signature is another's. */
static void false_record(struct attack *a)
{
    uint8_t bytes[LIMIT_RECORD_BYTES];
    struct cht_bytes record = a->v->records[0];
    struct net_frame f = { .kind = NET_FRAME_MEMBERS };
    memcpy(bytes, record.data, record.len);
    bytes[record.len - 1] ^= 1;
    record.data = bytes;
    hostile_attack_begin(a);
    f.members.heads = a->v->heads;
    f.members.head_count = a->v->head_count;
    f.members.records = &record;
    f.members.record_count = 1;
    (void)hostile_say(&a->l, &f);
    want_bye(a, NET_BYE_SIGNATURE);
    counted(a, "record", 1);
}

/* --- what takes its time ------------------------------------------------------------------- */

/* Says to have what it does not send. */
static void promises(struct attack *a)
{
    struct crdt_dep tip = { .seq = 9, .hash = { 1 } };
    struct net_frame f = { .kind = NET_FRAME_HEADS };
    hostile_attack_begin(a);
    memcpy(tip.device, a->id->device, CRDT_ID_BYTES);
    f.heads.member_heads = a->v->heads;
    f.heads.member_head_count = a->v->head_count;
    f.heads.level = 1;
    f.heads.stored = &tip;
    f.heads.stored_count = 1;
    (void)hostile_say(&a->l, &f);
    counted(a, "stall", 1);
}

/* Asks for all there is and neither reads nor acks it. */
static void does_not_read(struct attack *a)
{
    struct net_frame f = { .kind = NET_FRAME_WANT };
    hostile_attack_begin(a);
    if (a->l.tip.seq == 0)
        hostile_fail("the victim has nothing to ask for");
    f.want.tip = a->l.tip;
    f.want.from = 1;
    f.want.credit = UINT32_MAX;
    (void)hostile_say(&a->l, &f);
    counted(a, "timeout", 1);
}

const struct kind hostile_kinds[] = {
    { "does-not-read", does_not_read, 0, true },
    { "promises", promises, 0, true },
    { "malformed-hello", malformed, NET_FRAME_HELLO, false },
    { "malformed-members", malformed, NET_FRAME_MEMBERS, false },
    { "malformed-heads", malformed, NET_FRAME_HEADS, false },
    { "malformed-want", malformed, NET_FRAME_WANT, false },
    { "malformed-range", malformed, NET_FRAME_RANGE, false },
    { "malformed-ack", malformed, NET_FRAME_ACK, false },
    { "malformed-miss", malformed, NET_FRAME_MISS, false },
    { "malformed-digest-ask", malformed, NET_FRAME_DIGEST_ASK, false },
    { "malformed-digest", malformed, NET_FRAME_DIGEST, false },
    { "malformed-message", malformed, NET_FRAME_MESSAGE, false },
    { "malformed-bye", malformed, NET_FRAME_BYE, false },
    { "malformed-no-kind", malformed, 99, false },
    { "oversize", oversize, 0, false },
    { "frame-before-hello", out_of_order, 0, false },
    { "second-hello", out_of_order, 1, false },
    { "another-device", another_device, 0, false },
    { "acks-of-nothing", acks_of_nothing, 0, false },
    { "flood", flood, 0, false },
    { "replayed-frames", replayed_frames, 0, false },
    { "same-range-again", same_range_again, 0, false },
    { "giant-vector", giant_vector, 0, false },
    { "larger-vector", larger_vector, 0, false },
    { "message-for-another", message_for_another, 0, false },
    { "knocks", knocks, 0, false },
    { "wrong-head", wrong_head, 0, false },
    { "wrong-columns", wrong_columns, 0, false },
    { "stripped-body", stripped_body, 0, false },
    { "no-rights", no_rights, 0, false },
    { "nothing-before", nothing_before, 0, false },
    { "equivocation", equivocation, 0, false },
    { "deps-on-nothing", deps_on_nothing, 0, false },
    { "deps-with-a-wrong-hash", deps_on_nothing, 1, false },
    { "waits-without-end", waits_without_end, 0, false },
    { "against-the-rules", against_the_rules, 0, false },
    { "keeps-outside-the-past", keeps_outside_the_past, 0, false },
    { "false-record", false_record, 0, false },
    { "blob-too-early", hostile_blob_early, 0, false },
    { "blob-unasked", hostile_blob_unasked, 0, false },
    { "blob-guessed", hostile_blob_guessed, 0, false },
    { "blob-flood", hostile_blob_flood, 0, false },
    { "blob-lies", hostile_blob_lies, 1000, false }, /* these two last: others are asked then */
    { "blob-endless", hostile_blob_lies, 4096, false },
};
const size_t hostile_kind_count = sizeof hostile_kinds / sizeof hostile_kinds[0];
