/* The frames of tests/vectors/frames.hex, as values. */
#include "tests/support/golden_frames.h"

static const uint8_t nonce[NET_NONCE_BYTES] = { 0xc0, 0xff, 0xee, 0x01 };

static void fill(uint8_t *out, uint8_t value, size_t len)
{
    memset(out, value, len);
}

static void count_up(uint8_t *out, uint8_t first, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(first + i);
}

static struct crdt_dep tip(uint8_t device, uint8_t epoch, uint32_t seq, uint8_t hash)
{
    struct crdt_dep t = { .seq = seq };
    fill(t.device, device, sizeof t.device);
    fill(t.epoch, epoch, sizeof t.epoch);
    count_up(t.hash, hash, sizeof t.hash);
    return t;
}

static struct crdt_hash hash(uint8_t first)
{
    struct crdt_hash h;
    count_up(h.b, first, sizeof h.b);
    return h;
}

static struct crdt_dep tips[3];
static struct crdt_hash hashes[2];
static struct crdt_range ranges[2];
static struct crdt_dep path[3];
static struct net_row rows[2];
static struct cht_bytes spans[2];
static uint8_t spaces[2][CRDT_ID_BYTES], filler[300];

static struct net_frame frame(enum net_frame_kind kind)
{
    struct net_frame f = { .kind = kind };
    memcpy(f.nonce, nonce, sizeof nonce);
    tips[0] = tip(1, 0x11, 300, 0xa0);
    tips[1] = tip(2, 0x22, 1, 0xb0);
    tips[2] = tip(2, 0x23, 70000, 0xc0);
    return f;
}

static struct net_frame hello_dialler(void)
{
    struct net_frame f = frame(NET_FRAME_HELLO);
    struct net_hello *h = &f.hello;
    fill(f.nonce, 0, sizeof f.nonce);
    h->version_min = h->version_max = 1;
    h->level = 1;
    fill(h->device, 1, sizeof h->device);
    count_up(h->run, 0x50, sizeof h->run);
    memcpy(h->nonce, "\x0b\xad\xca\xfe", NET_NONCE_BYTES);
    fill(spaces[0], 0x77, CRDT_ID_BYTES);
    fill(spaces[1], 0x78, CRDT_ID_BYTES);
    h->spaces = (const uint8_t(*)[CRDT_ID_BYTES])spaces;
    h->space_count = 2;
    h->name = cht_bytes_str("laptop");
    spans[0] = cht_bytes_str("tcp://192.168.1.2:7400");
    spans[1] = cht_bytes_str("tcp://[::1]:7400");
    h->endpoints = spans;
    h->endpoint_count = 2;
    return f;
}

static struct net_frame hello_least(void)
{
    struct net_frame f = hello_dialler();
    struct net_hello *h = &f.hello;
    memcpy(f.nonce, nonce, sizeof nonce);
    h->version_max = 3;
    h->level = UINT16_MAX;
    fill(h->device, 2, sizeof h->device);
    count_up(h->run, 0x60, sizeof h->run);
    memcpy(h->nonce, "\0\0\0\x01", NET_NONCE_BYTES);
    h->space_count = 1;
    h->name = cht_bytes(NULL, 0);
    h->endpoint_count = 0;
    return f;
}

static struct net_frame members_none(void)
{
    return frame(NET_FRAME_MEMBERS);
}

static struct net_frame members(void)
{
    struct net_frame f = frame(NET_FRAME_MEMBERS);
    hashes[0] = hash(0);
    hashes[1] = hash(1);
    fill(filler, 0x5a, 200);
    spans[0] = cht_bytes_str("abc");
    spans[1] = cht_bytes(filler, 200);
    f.members.heads = hashes;
    f.members.head_count = 2;
    f.members.records = spans;
    f.members.record_count = 2;
    return f;
}

static struct net_frame heads_empty(void)
{
    struct net_frame f = frame(NET_FRAME_HEADS);
    f.heads.level = 1;
    return f;
}

static struct net_frame heads_same(void)
{
    struct net_frame f = heads_empty();
    hashes[0] = hash(3);
    f.heads.root = hash(0x90);
    f.heads.member_heads = hashes;
    f.heads.member_head_count = 1;
    f.heads.stored = f.heads.applied = tips;
    f.heads.stored_count = f.heads.applied_count = 3;
    return f;
}

static struct net_frame heads_waiting(void)
{
    struct net_frame f = heads_same();
    f.heads.level = 300;
    f.heads.stored_count = 2;
    f.heads.applied_count = 1;
    return f;
}

static struct net_frame want_all(void)
{
    struct net_frame f = frame(NET_FRAME_WANT);
    f.want.tip = tips[2];
    f.want.from = 1;
    f.want.credit = 524288;
    return f;
}

static struct net_frame want_rest(void)
{
    struct net_frame f = want_all();
    f.want.tip = tips[0];
    f.want.from = 128;
    count_up(f.want.before, 0xd0, sizeof f.want.before);
    f.want.credit = 1048576;
    return f;
}

static struct net_frame want_back(void)
{
    struct net_frame f = want_all();
    f.want.tip = tips[0];
    f.want.credit = 0;
    return f;
}

static struct crdt_range range(bool own, uint32_t seq, uint32_t count, enum crdt_codec codec,
                               struct cht_bytes payload)
{
    struct crdt_range r = {
        .own = own, .seq = seq, .count = count, .codec = codec, .payload = payload
    };
    if (!own)
        fill(r.device_tag, 2, sizeof r.device_tag);
    count_up(r.prev_tag, 1, sizeof r.prev_tag);
    count_up(r.head, 0x40, sizeof r.head);
    return r;
}

static struct net_frame range_own(void)
{
    struct net_frame f = frame(NET_FRAME_RANGE);
    ranges[0] = range(true, 1, 1, CRDT_CODEC_RAW, cht_bytes_str("payload"));
    f.range.ranges = ranges;
    f.range.count = 1;
    return f;
}

static struct net_frame range_two(void)
{
    struct net_frame f = range_own();
    fill(filler, 9, 300);
    ranges[0] = range(true, 300, 256, CRDT_CODEC_DEFLATE, cht_bytes(filler, 300));
    ranges[1] = range(false, UINT32_MAX, 1, CRDT_CODEC_COLUMNS, cht_bytes(NULL, 0));
    f.range.count = 2;
    return f;
}

static struct net_frame ack(void)
{
    struct net_frame f = frame(NET_FRAME_ACK);
    f.ack.frames = 1;
    f.ack.bytes = 123456;
    f.ack.tips = tips;
    f.ack.tip_count = 1;
    return f;
}

static struct net_frame ack_lost(void)
{
    struct net_frame f = frame(NET_FRAME_ACK);
    f.ack.frames = 64;
    f.ack.lost = true;
    return f;
}

static struct net_frame miss(void)
{
    struct net_frame f = frame(NET_FRAME_MISS);
    f.miss.tip = tips[0];
    f.miss.from = 300;
    f.miss.held = true;
    path[0] = tip(1, 0x11, 298, 1);
    path[1] = tip(1, 0x10, 297, 2);
    path[2] = tip(1, 0x10, 1, 3);
    f.miss.path = path;
    f.miss.count = 3;
    return f;
}

static struct net_frame miss_not_held(void)
{
    struct net_frame f = frame(NET_FRAME_MISS);
    f.miss.tip = tips[0];
    f.miss.from = 2;
    return f;
}

static struct net_frame digest_ask_all(void)
{
    struct net_frame f = frame(NET_FRAME_DIGEST_ASK);
    count_up(f.digest_ask.vector, 0x30, sizeof f.digest_ask.vector);
    return f;
}

static struct net_frame digest_ask_odd(void)
{
    struct net_frame f = digest_ask_all();
    f.digest_ask.nibbles = 3;
    f.digest_ask.prefix[0] = 0x04;
    f.digest_ask.prefix[1] = 0xa0;
    return f;
}

static struct net_frame digest_moved(void)
{
    struct net_frame f = frame(NET_FRAME_DIGEST);
    f.digest.of = digest_ask_odd().digest_ask;
    f.digest.of.nibbles = 2;
    f.digest.of.prefix[1] = 0;
    return f;
}

static struct net_frame digest_sums(void)
{
    struct net_frame f = digest_moved();
    f.digest.of = digest_ask_odd().digest_ask;
    f.digest.form = NET_DIGEST_SUMS;
    for (unsigned i = 0; i < NET_DIGEST_CHILDREN; i++) {
        count_up(f.digest.parts[i].sum, (uint8_t)i, sizeof f.digest.parts[i].sum);
        f.digest.parts[i].count = i * 1000u;
    }
    return f;
}

static struct net_frame digest_rows(void)
{
    struct net_frame f = digest_moved();
    f.digest.of.nibbles = NET_PREFIX_NIBBLES_MAX;
    count_up(f.digest.of.prefix + 1, 0x10, CRDT_ID_BYTES);
    f.digest.form = NET_DIGEST_ROWS;
    rows[0] = (struct net_row){ .entity = { .type = 4 }, .seq = 300 };
    count_up(rows[0].entity.b, 0x10, CRDT_ID_BYTES);
    fill(rows[0].device, 1, sizeof rows[0].device);
    fill(rows[0].epoch, 0x11, sizeof rows[0].epoch);
    rows[0].term = hash(0x70);
    rows[1] = rows[0];
    rows[1].field = 16383;
    rows[1].key = cht_bytes_str("\xa3key");
    rows[1].seq = 1;
    rows[1].index = 1023;
    f.digest.rows = rows;
    f.digest.row_count = 2;
    return f;
}

static struct net_frame message(void)
{
    struct net_frame f = frame(NET_FRAME_MESSAGE);
    f.message = cht_bytes_str("\x81\xa4type\xa5"
                              "event");
    return f;
}

static struct net_frame bye(void)
{
    struct net_frame f = frame(NET_FRAME_BYE);
    f.bye.reason = NET_BYE_SHUTDOWN;
    f.bye.text = cht_bytes_str("the node stops");
    return f;
}

static struct net_frame bye_unknown(void)
{
    struct net_frame f = frame(NET_FRAME_BYE);
    f.bye.reason = (enum net_bye_reason)200;
    return f;
}

static struct net_fork_id fork_ids[2];

static struct net_frame fork_of(enum net_fork_form form)
{
    struct net_frame f = frame(NET_FRAME_FORK);
    f.fork.form = form;
    f.fork.ids = fork_ids;
    fill(fork_ids[0].device, 1, sizeof fork_ids[0].device);
    fill(fork_ids[0].epoch, 0x11, sizeof fork_ids[0].epoch);
    fill(fork_ids[1].device, 1, sizeof fork_ids[1].device);
    fill(fork_ids[1].epoch, 0x12, sizeof fork_ids[1].epoch);
    return f;
}

static struct net_frame fork_tell(void)
{
    struct net_frame f = fork_of(NET_FORK_TELL);
    f.fork.count = 2;
    return f;
}

static struct net_frame fork_ask(void)
{
    struct net_frame f = fork_of(NET_FORK_ASK);
    f.fork.count = 1;
    return f;
}

static struct net_frame fork_proof(void)
{
    struct net_frame f = fork_of(NET_FORK_PROOF);
    f.fork.proof = cht_bytes_str("\x01 a proof");
    return f;
}

static struct net_frame blob_want(void)
{
    struct net_frame f = frame(NET_FRAME_BLOB);
    f.blob.form = NET_BLOB_WANT;
    f.blob.hash = hash(0x40);
    f.blob.size = 1000000;
    f.blob.from = 300;
    f.blob.credit = LIMIT_BLOB_CREDIT;
    return f;
}

static struct net_frame blob_back(void)
{
    struct net_frame f = blob_want();
    f.blob.size = 1;
    f.blob.from = f.blob.credit = 0;
    return f;
}

static struct net_frame blob_data(void)
{
    struct net_frame f = frame(NET_FRAME_BLOB);
    f.blob.form = NET_BLOB_DATA;
    f.blob.hash = hash(0x40);
    f.blob.from = 300;
    f.blob.bytes = cht_bytes_str("the bytes");
    return f;
}

static struct net_frame blob_none(void)
{
    struct net_frame f = frame(NET_FRAME_BLOB);
    f.blob.form = NET_BLOB_NONE;
    f.blob.hash = hash(0x41);
    return f;
}

static struct net_frame blob_kept(void)
{
    struct net_frame f = frame(NET_FRAME_BLOB);
    f.blob.form = NET_BLOB_KEPT;
    f.blob.hash = hash(0x40);
    f.blob.size = LIMIT_BLOB_BYTES;
    return f;
}

const struct golden_frame golden_frames[] = {
    { "hello-dialler", hello_dialler },
    { "hello-least", hello_least },
    { "members-none", members_none },
    { "members", members },
    { "heads-empty", heads_empty },
    { "heads-same", heads_same },
    { "heads-waiting", heads_waiting },
    { "want-all", want_all },
    { "want-rest", want_rest },
    { "want-back", want_back },
    { "range-own", range_own },
    { "range-two", range_two },
    { "ack", ack },
    { "ack-lost", ack_lost },
    { "miss", miss },
    { "miss-not-held", miss_not_held },
    { "digest-ask-all", digest_ask_all },
    { "digest-ask-odd", digest_ask_odd },
    { "digest-moved", digest_moved },
    { "digest-sums", digest_sums },
    { "digest-rows", digest_rows },
    { "message", message },
    { "bye", bye },
    { "bye-unknown", bye_unknown },
    { "fork-tell", fork_tell },
    { "fork-ask", fork_ask },
    { "fork-proof", fork_proof },
    { "blob-want", blob_want },
    { "blob-back", blob_back },
    { "blob-data", blob_data },
    { "blob-none", blob_none },
    { "blob-kept", blob_kept },
};
const size_t golden_frame_count = sizeof golden_frames / sizeof golden_frames[0];

struct net_frame golden_frame(const char *name)
{
    size_t i = 0;
    while (strcmp(golden_frames[i].name, name) != 0)
        i++;
    return golden_frames[i].make();
}
