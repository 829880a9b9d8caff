/* Bytes to frames (PROTOCOL 8.3 … 8.11). Everything here comes from outside: the cursor's sticky
 * error is looked at once a frame, and every count is held against the bytes left before it takes
 * memory. Errors found on the way go into the cursor. */
#include "crdt/mp.h"
#include "net/frame.h"

#define TIP_BYTES_MIN   (CRDT_ID_BYTES + CRDT_EPOCH_BYTES + 1u + CRDT_DEP_HASH_BYTES)
#define PATH_BYTES_MIN  (CRDT_EPOCH_BYTES + 1u + CRDT_DEP_HASH_BYTES)
#define RANGE_BYTES_MIN (1u + 4u + 1u + 1u + 1u + 1u + CRDT_SIG_BYTES)
#define ROW_BYTES_MIN                                                                              \
    (1u + CRDT_ID_BYTES + 1u + 1u + CRDT_ID_BYTES + CRDT_EPOCH_BYTES + 1u + 1u + CRDT_HASH_BYTES)

static uint32_t read_u32_varint(struct cht_wire *w)
{
    return (uint32_t)cht_wire_varint_max(w, UINT32_MAX);
}

static bool read_flag(struct cht_wire *w)
{
    uint8_t flag = cht_wire_u8(w);
    if (flag > 1)
        cht_wire_fail(w, CHT_E_MALFORMED);
    return flag == 1;
}

/* A seq: 1 … 2^32-1. */
static uint32_t read_seq(struct cht_wire *w)
{
    uint32_t seq = read_u32_varint(w);
    if (seq == 0)
        cht_wire_fail(w, CHT_E_MALFORMED);
    return seq;
}

/* A count of things of at least `each_min` bytes, and room for them in `arena`. NULL and 0 when
 * there are none or the cursor failed. */
static void *read_array(struct cht_wire *w, struct cht_arena *arena, size_t max, size_t each_min,
                        size_t size, size_t *out_count)
{
    size_t count = (size_t)cht_wire_varint_max(w, max);
    if (w->err == CHT_OK && count > cht_wire_left(w) / each_min)
        cht_wire_fail(w, CHT_E_MALFORMED);
    void *room = w->err == CHT_OK && count > 0 ? cht_arena_array(arena, count, size) : NULL;
    if (w->err == CHT_OK && count > 0 && room == NULL)
        cht_wire_fail(w, CHT_E_NOMEM);
    *out_count = room == NULL ? 0 : count;
    return room;
}

static struct cht_bytes read_span(struct cht_wire *w, size_t max)
{
    return cht_wire_take(w, (size_t)cht_wire_varint_max(w, max));
}

static struct cht_bytes read_text(struct cht_wire *w, size_t max)
{
    struct cht_bytes text = read_span(w, max);
    if (w->err == CHT_OK && !crdt_utf8_valid(text))
        cht_wire_fail(w, CHT_E_MALFORMED);
    return text;
}

static void read_tip(struct cht_wire *w, struct crdt_dep *out)
{
    cht_wire_copy(w, out->device, sizeof out->device);
    cht_wire_copy(w, out->epoch, sizeof out->epoch);
    out->seq = read_seq(w);
    cht_wire_copy(w, out->hash, sizeof out->hash);
}

static const struct crdt_dep *read_tips(struct cht_wire *w, struct cht_arena *arena,
                                        size_t *out_count)
{
    struct crdt_dep *tips =
        read_array(w, arena, LIMIT_VECTOR_TIPS, TIP_BYTES_MIN, sizeof *tips, out_count);
    for (size_t i = 0; i < *out_count && w->err == CHT_OK; i++) {
        read_tip(w, &tips[i]);
        if (i > 0 && crdt_dep_cmp(&tips[i - 1], &tips[i]) >= 0)
            cht_wire_fail(w, CHT_E_MALFORMED);
    }
    return tips;
}

static const struct crdt_hash *read_hashes(struct cht_wire *w, struct cht_arena *arena,
                                           size_t *out_count)
{
    struct crdt_hash *hashes =
        read_array(w, arena, LIMIT_HEADS_LISTED, CRDT_HASH_BYTES, sizeof *hashes, out_count);
    for (size_t i = 0; i < *out_count && w->err == CHT_OK; i++) {
        cht_wire_copy(w, hashes[i].b, sizeof hashes[i].b);
        if (i > 0 && memcmp(hashes[i - 1].b, hashes[i].b, CRDT_HASH_BYTES) >= 0)
            cht_wire_fail(w, CHT_E_MALFORMED);
    }
    return hashes;
}

/* An endpoint is shown and dialled: printable ASCII only. */
static struct cht_bytes read_endpoint(struct cht_wire *w)
{
    struct cht_bytes text = read_span(w, LIMIT_ADDRESS_BYTES);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f)
            cht_wire_fail(w, CHT_E_MALFORMED);
    }
    if (text.len == 0)
        cht_wire_fail(w, CHT_E_MALFORMED);
    return text;
}

static void read_hello(struct cht_wire *w, struct cht_arena *arena, struct net_hello *out)
{
    static const uint8_t zero[NET_NONCE_BYTES] = { 0 };
    out->version_min = cht_wire_u8(w);
    out->version_max = cht_wire_u8(w);
    out->level = (uint16_t)cht_wire_varint_max(w, UINT16_MAX);
    cht_wire_copy(w, out->device, sizeof out->device);
    cht_wire_copy(w, out->run, sizeof out->run);
    cht_wire_copy(w, out->nonce, sizeof out->nonce);
    if (out->version_min == 0 || out->version_min > out->version_max ||
        memcmp(out->nonce, zero, sizeof zero) == 0)
        cht_wire_fail(w, CHT_E_MALFORMED);

    uint8_t(*spaces)[CRDT_ID_BYTES] =
        read_array(w, arena, LIMIT_SPACES, CRDT_ID_BYTES, CRDT_ID_BYTES, &out->space_count);
    for (size_t i = 0; i < out->space_count; i++)
        cht_wire_copy(w, spaces[i], CRDT_ID_BYTES);
    if (out->space_count == 0)
        cht_wire_fail(w, CHT_E_MALFORMED);
    out->spaces = (const uint8_t(*)[CRDT_ID_BYTES])spaces;
    out->name = read_text(w, LIMIT_NAME_BYTES);

    struct cht_bytes *endpoints =
        read_array(w, arena, LIMIT_ENDPOINTS, 2, sizeof *endpoints, &out->endpoint_count);
    for (size_t i = 0; i < out->endpoint_count; i++)
        endpoints[i] = read_endpoint(w);
    out->endpoints = endpoints;
}

static void read_members(struct cht_wire *w, struct cht_arena *arena, struct net_members *out)
{
    out->heads = read_hashes(w, arena, &out->head_count);
    struct cht_bytes *records =
        read_array(w, arena, LIMIT_RECORDS, 2, sizeof *records, &out->record_count);
    for (size_t i = 0; i < out->record_count; i++) {
        records[i] = read_span(w, LIMIT_RECORD_BYTES);
        if (records[i].len == 0)
            cht_wire_fail(w, CHT_E_MALFORMED);
    }
    out->records = records;
}

static void read_heads(struct cht_wire *w, struct cht_arena *arena, struct net_heads *out)
{
    out->level = (uint16_t)cht_wire_varint_max(w, UINT16_MAX);
    cht_wire_copy(w, out->root.b, sizeof out->root.b);
    out->member_heads = read_hashes(w, arena, &out->member_head_count);
    out->stored = read_tips(w, arena, &out->stored_count);
    out->applied = out->stored;
    out->applied_count = out->stored_count;
    if (!read_flag(w))
        return;
    out->applied = read_tips(w, arena, &out->applied_count);
    bool same = out->applied_count == out->stored_count;
    for (size_t i = 0; i < out->applied_count && same; i++)
        same = crdt_dep_cmp(&out->stored[i], &out->applied[i]) == 0;
    if (same) /* would have been form 0 */
        cht_wire_fail(w, CHT_E_MALFORMED);
}

/* The hash of the entry before seq `from`: zeros exactly when there is none. */
static void check_before(struct cht_wire *w, uint32_t from,
                         const uint8_t before[CRDT_DEP_HASH_BYTES])
{
    static const uint8_t zero[CRDT_DEP_HASH_BYTES] = { 0 };
    if (from == 1 && memcmp(before, zero, sizeof zero) != 0)
        cht_wire_fail(w, CHT_E_MALFORMED);
}

static void read_want(struct cht_wire *w, struct net_want *out)
{
    read_tip(w, &out->tip);
    out->from = read_seq(w);
    cht_wire_copy(w, out->before, sizeof out->before);
    out->credit = read_u32_varint(w);
    check_before(w, out->from, out->before);
    if (out->from > out->tip.seq || (out->credit != 0 && out->credit < LIMIT_CREDIT_BYTES))
        cht_wire_fail(w, CHT_E_MALFORMED);
}

static void read_range(struct cht_wire *w, struct cht_arena *arena, struct net_range_frame *out)
{
    struct crdt_range *ranges =
        read_array(w, arena, LIMIT_FRAME_RANGES, RANGE_BYTES_MIN, sizeof *ranges, &out->count);
    for (size_t i = 0; i < out->count && w->err == CHT_OK; i++) {
        enum cht_err err = crdt_range_read(w, &ranges[i]);
        if (err != CHT_OK)
            cht_wire_fail(w, err);
    }
    if (out->count == 0)
        cht_wire_fail(w, CHT_E_MALFORMED);
    out->ranges = ranges;
}

static void read_ack(struct cht_wire *w, struct cht_arena *arena, struct net_ack *out)
{
    out->frames = read_u32_varint(w);
    out->bytes = read_u32_varint(w);
    out->lost = read_flag(w);
    out->tips = read_tips(w, arena, &out->tip_count);
}

static void read_miss(struct cht_wire *w, struct cht_arena *arena, struct net_miss *out)
{
    read_tip(w, &out->tip);
    out->from = read_seq(w);
    out->held = read_flag(w);
    struct crdt_dep *path =
        read_array(w, arena, LIMIT_MISS_ENTRIES, PATH_BYTES_MIN, sizeof *path, &out->count);
    for (size_t i = 0; i < out->count; i++) {
        memcpy(path[i].device, out->tip.device, sizeof path[i].device);
        cht_wire_copy(w, path[i].epoch, sizeof path[i].epoch);
        path[i].seq = read_seq(w);
        cht_wire_copy(w, path[i].hash, sizeof path[i].hash);
        if (path[i].seq >= (i == 0 ? out->from : path[i - 1].seq))
            cht_wire_fail(w, CHT_E_MALFORMED);
    }
    out->path = path;
}

static void read_digest_ask(struct cht_wire *w, struct net_digest_ask *out)
{
    cht_wire_copy(w, out->vector, sizeof out->vector);
    out->nibbles = cht_wire_u8(w);
    if (out->nibbles > NET_PREFIX_NIBBLES_MAX) {
        cht_wire_fail(w, CHT_E_LIMIT);
        return;
    }
    memset(out->prefix, 0, sizeof out->prefix);
    cht_wire_copy(w, out->prefix, (out->nibbles + 1u) / 2u);
    if (out->nibbles % 2 == 1 && (out->prefix[out->nibbles / 2] & 0x0f) != 0)
        cht_wire_fail(w, CHT_E_MALFORMED);
}

static void read_row(struct cht_wire *w, struct net_row *out)
{
    out->entity.type = cht_wire_u8(w);
    cht_wire_copy(w, out->entity.b, sizeof out->entity.b);
    out->field = (uint16_t)cht_wire_varint_max(w, LIMIT_FIELD_MAX);
    out->key = read_span(w, LIMIT_KEY_BYTES);
    cht_wire_copy(w, out->device, sizeof out->device);
    cht_wire_copy(w, out->epoch, sizeof out->epoch);
    out->seq = read_seq(w);
    out->index = (uint16_t)cht_wire_varint_max(w, LIMIT_ENTRY_OPS - 1);
    cht_wire_copy(w, out->term.b, sizeof out->term.b);
}

static void read_digest(struct cht_wire *w, struct cht_arena *arena, struct net_digest_answer *out)
{
    read_digest_ask(w, &out->of);
    uint8_t form = cht_wire_u8(w);
    if (form > NET_DIGEST_ROWS)
        cht_wire_fail(w, CHT_E_MALFORMED);
    out->form = (enum net_digest_form)form;
    if (form == NET_DIGEST_SUMS) {
        if (out->of.nibbles == NET_PREFIX_NIBBLES_MAX) /* nothing is left to split */
            cht_wire_fail(w, CHT_E_MALFORMED);
        for (size_t i = 0; i < NET_DIGEST_CHILDREN; i++) {
            cht_wire_copy(w, out->parts[i].sum, sizeof out->parts[i].sum);
            out->parts[i].count = cht_wire_varint(w);
        }
    } else if (form == NET_DIGEST_ROWS) {
        struct net_row *rows =
            read_array(w, arena, LIMIT_DIGEST_ROWS, ROW_BYTES_MIN, sizeof *rows, &out->row_count);
        for (size_t i = 0; i < out->row_count; i++)
            read_row(w, &rows[i]);
        out->rows = rows;
    }
}

static void read_bye(struct cht_wire *w, struct net_bye *out)
{
    uint8_t reason = cht_wire_u8(w);
    if (reason == 0)
        cht_wire_fail(w, CHT_E_MALFORMED);
    out->reason = (enum net_bye_reason)reason; /* a later build may know more of them */
    out->text = read_text(w, LIMIT_BYE_BYTES);
}

static void read_fork(struct cht_wire *w, struct cht_arena *arena, struct net_fork_frame *out)
{
    uint8_t form = cht_wire_u8(w);
    if (form > NET_FORK_PROOF)
        cht_wire_fail(w, CHT_E_MALFORMED);
    out->form = (enum net_fork_form)form;
    if (form == NET_FORK_PROOF) {
        out->proof = cht_wire_take(w, cht_wire_left(w));
        return;
    }
    struct net_fork_id *ids;
    if (form == NET_FORK_TELL) {
        ids = read_array(w, arena, LIMIT_FORKS, sizeof *ids, sizeof *ids, &out->count);
    } else {
        ids = cht_arena_array(arena, 1, sizeof *ids);
        out->count = ids == NULL ? 0 : 1;
        if (ids == NULL)
            cht_wire_fail(w, CHT_E_NOMEM);
    }
    for (size_t i = 0; i < out->count; i++) {
        cht_wire_copy(w, ids[i].device, sizeof ids[i].device);
        cht_wire_copy(w, ids[i].epoch, sizeof ids[i].epoch);
        if (i > 0 && net_fork_id_cmp(&ids[i - 1], &ids[i]) >= 0)
            cht_wire_fail(w, CHT_E_MALFORMED);
    }
    if (out->count == 0)
        cht_wire_fail(w, CHT_E_MALFORMED);
    out->ids = ids;
}

static void read_blob(struct cht_wire *w, struct net_blob_frame *out)
{
    uint8_t form = cht_wire_u8(w);
    if (form > NET_BLOB_KEPT)
        cht_wire_fail(w, CHT_E_MALFORMED);
    out->form = (enum net_blob_form)form;
    cht_wire_copy(w, out->hash.b, sizeof out->hash.b);
    if (form == NET_BLOB_WANT || form == NET_BLOB_KEPT)
        out->size = (uint32_t)cht_wire_varint_max(w, LIMIT_BLOB_BYTES);
    if (form == NET_BLOB_WANT) {
        out->from = (uint32_t)cht_wire_varint_max(w, LIMIT_BLOB_BYTES);
        out->credit = (uint32_t)cht_wire_varint_max(w, LIMIT_BLOB_CREDIT);
        if (out->from >= out->size || out->credit > out->size - out->from)
            cht_wire_fail(w, CHT_E_MALFORMED);
    }
    if (form == NET_BLOB_DATA) {
        out->from = (uint32_t)cht_wire_varint_max(w, LIMIT_BLOB_BYTES - 1);
        out->bytes = cht_wire_take(w, cht_wire_left(w));
        if (out->bytes.len == 0 || out->bytes.len > LIMIT_BLOB_CHUNK)
            cht_wire_fail(w, CHT_E_MALFORMED);
    }
}

static void read_body(struct cht_wire *w, struct cht_arena *arena, struct net_frame *out)
{
    switch (out->kind) {
    case NET_FRAME_HELLO:
        read_hello(w, arena, &out->hello);
        break;
    case NET_FRAME_MEMBERS:
        read_members(w, arena, &out->members);
        break;
    case NET_FRAME_HEADS:
        read_heads(w, arena, &out->heads);
        break;
    case NET_FRAME_WANT:
        read_want(w, &out->want);
        break;
    case NET_FRAME_RANGE:
        read_range(w, arena, &out->range);
        break;
    case NET_FRAME_ACK:
        read_ack(w, arena, &out->ack);
        break;
    case NET_FRAME_MISS:
        read_miss(w, arena, &out->miss);
        break;
    case NET_FRAME_DIGEST_ASK:
        read_digest_ask(w, &out->digest_ask);
        break;
    case NET_FRAME_DIGEST:
        read_digest(w, arena, &out->digest);
        break;
    case NET_FRAME_MESSAGE:
        out->message = cht_wire_take(w, cht_wire_left(w));
        break;
    case NET_FRAME_BYE:
        read_bye(w, &out->bye);
        break;
    case NET_FRAME_FORK:
        read_fork(w, arena, &out->fork);
        break;
    case NET_FRAME_BLOB:
        read_blob(w, &out->blob);
        break;
    }
}

enum cht_err net_frame_decode(struct cht_bytes src, struct cht_arena *arena, struct net_frame *out)
{
    struct net_frame f = { .kind = NET_FRAME_BYE };
    enum cht_err err = net_frame_peek(src, &f.kind, f.nonce);
    if (err != CHT_OK)
        return err;
    struct cht_wire w =
        cht_wire(cht_bytes(src.data + NET_FRAME_HEAD_BYTES, src.len - NET_FRAME_HEAD_BYTES));
    read_body(&w, arena, &f);
    err = cht_wire_end(&w);
    if (err == CHT_OK)
        *out = f;
    return err;
}
