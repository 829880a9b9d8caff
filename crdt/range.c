/* Ranges: which codec, deflate around the columns, and the frame of both (PROTOCOL 4). */
#include "crdt/range.h"

#include "crdt/columns.h"

#include <assert.h>

#define ZLIB_CONST
#include <zlib.h>

#define DEFLATE_LEVEL         6
#define DEFLATE_WINDOW_BITS   15   /* what a reader allows for */
#define DEFLATE_WINDOW_LEAST  9    /* zlib does not do 8 */
#define DEFLATE_MEMORY_MAX    9    /* zlib's name is memLevel */
#define DEFLATE_TRY_BYTES_MIN 48u  /* columns shorter than this never got shorter */
#define DEFLATE_RATIO_MAX     1032 /* RFC 1951: 258 bytes from two bits at best */

/* --- deflate ------------------------------------------------------------------------------- */

/* Deflate `columns` to the end of `out` where that makes a shorter payload; `*out_done` says
 * whether it did. The window and the tables are no larger than the input asks for: setting them up
 * would cost more than a short range itself. */
static enum cht_err deflate_columns(struct cht_bytes columns, struct cht_buf *out, bool *out_done)
{
    uint8_t length[CHT_VARINT_MAX];
    size_t length_bytes = cht_varint_put(length, columns.len);
    size_t room = out->limit - out->len;
    int bits = DEFLATE_WINDOW_LEAST;
    *out_done = false;
    if (room >= columns.len)
        room = columns.len - 1; /* longer than the columns is no use */
    if (columns.len < DEFLATE_TRY_BYTES_MIN || room <= length_bytes)
        return CHT_OK;
    while (bits < DEFLATE_WINDOW_BITS && (size_t)1 << bits < columns.len)
        bits++;
    int memory = bits - 6; /* so that the symbols of the whole input fit one block */
    z_stream z = { .next_in = columns.data, .avail_in = (uInt)columns.len };
    enum cht_err err = cht_buf_reserve(out, room);
    if (err != CHT_OK)
        return err;
    if (deflateInit2(&z, DEFLATE_LEVEL, Z_DEFLATED, -bits,
                     memory > DEFLATE_MEMORY_MAX ? DEFLATE_MEMORY_MAX : memory,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return CHT_E_NOMEM;
    memcpy(out->data + out->len, length, length_bytes);
    z.next_out = out->data + out->len + length_bytes;
    z.avail_out = (uInt)(room - length_bytes);
    if (deflate(&z, Z_FINISH) == Z_STREAM_END) {
        out->len += length_bytes + (size_t)z.total_out;
        *out_done = true;
    }
    (void)deflateEnd(&z); /* says only that it was not finished */
    return CHT_OK;
}

/* Inflate a payload into exactly the length it states. */
static enum cht_err inflate_columns(struct cht_bytes payload, struct cht_arena *scratch,
                                    struct cht_bytes *out)
{
    struct cht_wire w = cht_wire(payload);
    uint64_t len = cht_wire_varint_max(&w, LIMIT_RANGE_RAW_BYTES);
    if (w.err != CHT_OK)
        return w.err;
    if (len == 0 || len / DEFLATE_RATIO_MAX > cht_wire_left(&w))
        return CHT_E_MALFORMED; /* no stream of that length gives so much */
    uint8_t *columns = cht_arena_alloc(scratch, (size_t)len);
    if (columns == NULL)
        return CHT_E_NOMEM;
    z_stream z = { .next_in = w.at,
                   .avail_in = (uInt)cht_wire_left(&w),
                   .next_out = columns,
                   .avail_out = (uInt)len };
    if (inflateInit2(&z, -DEFLATE_WINDOW_BITS) != Z_OK)
        return CHT_E_NOMEM;
    int status = inflate(&z, Z_FINISH);
    bool whole = status == Z_STREAM_END && z.avail_in == 0 && z.avail_out == 0;
    (void)inflateEnd(&z);
    if (!whole)
        return status == Z_MEM_ERROR ? CHT_E_NOMEM : CHT_E_MALFORMED;
    *out = cht_bytes(columns, (size_t)len);
    return CHT_OK;
}

/* --- writing ------------------------------------------------------------------------------- */

/* The caller's promise: the entries are what follows `before`. */
static void assert_path(const struct crdt_before *before, const struct crdt_entry *entries,
                        uint32_t count)
{
    const struct crdt_hash *prev = &before->hash;
    assert(count >= 1 && count <= LIMIT_HEAD_ENTRIES && before->seq <= UINT32_MAX - count);
    for (uint32_t i = 0; i < count; i++) {
        const struct crdt_entry *e = &entries[i];
        assert(e->header.seq == before->seq + 1 + i && crdt_hash_eq(&e->header.prev, prev));
        assert(memcmp(e->header.space, before->space, CRDT_ID_BYTES) == 0);
        assert(memcmp(e->header.device, before->device, CRDT_ID_BYTES) == 0);
        assert(e->body.data == NULL || e->body.len == e->header.body_len);
        prev = &e->hash;
    }
}

static bool bodies_fit(const struct crdt_entry *entries, uint32_t count)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += entries[i].header.body_len;
    return sum <= CRDT_RANGE_BODIES_MAX;
}

enum cht_err crdt_range_encode(const struct crdt_before *before, const struct crdt_entry *entries,
                               uint32_t count, struct cht_buf *out, enum crdt_codec *out_codec)
{
    size_t mark = out->len;
    bool deflated = false;
    struct cht_buf columns;
    assert_path(before, entries, count);
    if (!bodies_fit(entries, count))
        return CHT_E_LIMIT;
    cht_buf_init(&columns, LIMIT_RANGE_RAW_BYTES);
    enum cht_err err = crdt_columns_write(before, entries, count, &columns);
    if (err == CHT_OK)
        err = deflate_columns(cht_buf_view(&columns), out, &deflated);
    if (err == CHT_OK && !deflated)
        err = cht_buf_add(out, cht_buf_view(&columns));
    if (err == CHT_OK && out->len - mark > LIMIT_RANGE_BYTES)
        err = CHT_E_LIMIT;
    cht_buf_clear(&columns);
    if (err == CHT_OK)
        *out_codec = deflated ? CRDT_CODEC_DEFLATE : CRDT_CODEC_COLUMNS;
    else
        out->len = mark;
    return err;
}

/* --- reading ------------------------------------------------------------------------------- */

/* One entry of codec 0: `header-len header body-present body`, kept in `arena`. */
static enum cht_err take_raw(struct cht_wire *w, struct cht_arena *arena, struct crdt_entry *out)
{
    struct cht_bytes header = cht_wire_take(w, (size_t)cht_wire_varint_max(w, LIMIT_HEADER_BYTES));
    if (w->err != CHT_OK)
        return w->err;
    enum cht_err err = cht_arena_copy(arena, header, &out->header_bytes);
    if (err == CHT_OK)
        err = crdt_header_decode(out->header_bytes, arena, &out->header);
    if (err != CHT_OK)
        return err;
    out->hash = crdt_hash_of(out->header_bytes);
    uint8_t present = cht_wire_u8(w);
    if (present > 1)
        cht_wire_fail(w, CHT_E_MALFORMED);
    struct cht_bytes body = cht_wire_take(w, present == 1 ? out->header.body_len : 0);
    if (w->err != CHT_OK || present == 0)
        return w->err;
    struct crdt_hash hash = crdt_hash_of(body);
    if (!crdt_hash_eq(&hash, &out->header.body_hash))
        return CHT_E_SIGNATURE;
    return cht_arena_copy(arena, body, &out->body);
}

static enum cht_err read_raw(const struct crdt_before *before, uint32_t count,
                             struct cht_bytes payload, struct cht_arena *arena,
                             struct crdt_entry **out)
{
    struct cht_wire w = cht_wire(payload);
    const struct crdt_hash *prev = &before->hash;
    size_t body_bytes = 0;
    if (count > payload.len)
        return CHT_E_MALFORMED;
    struct crdt_entry *entries = cht_arena_array(arena, count, sizeof *entries);
    if (entries == NULL)
        return CHT_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        const struct crdt_header *h = &entries[i].header;
        enum cht_err err = take_raw(&w, arena, &entries[i]);
        if (err != CHT_OK)
            return err;
        if (h->seq != before->seq + 1 + i || !crdt_hash_eq(&h->prev, prev) ||
            memcmp(h->space, before->space, CRDT_ID_BYTES) != 0 ||
            memcmp(h->device, before->device, CRDT_ID_BYTES) != 0)
            return CHT_E_MALFORMED;
        prev = &entries[i].hash;
        body_bytes += h->body_len;
        if (body_bytes > CRDT_RANGE_BODIES_MAX)
            return CHT_E_LIMIT;
    }
    if (cht_wire_end(&w) != CHT_OK)
        return w.err;
    *out = entries;
    return CHT_OK;
}

static enum cht_err read_deflated(const struct crdt_before *before, uint32_t count,
                                  struct cht_bytes payload, struct cht_arena *arena,
                                  struct crdt_entry **out)
{
    struct cht_arena scratch;
    struct cht_bytes columns;
    cht_arena_init(&scratch, LIMIT_RANGE_RAW_BYTES);
    enum cht_err err = inflate_columns(payload, &scratch, &columns);
    if (err == CHT_OK)
        err = crdt_columns_read(before, count, columns, arena, out);
    cht_arena_clear(&scratch);
    return err;
}

enum cht_err crdt_range_decode(const struct crdt_before *before, uint32_t count,
                               enum crdt_codec codec, struct cht_bytes payload,
                               struct cht_arena *arena, struct crdt_entry **out)
{
    if (count > LIMIT_HEAD_ENTRIES || payload.len > LIMIT_RANGE_BYTES)
        return CHT_E_LIMIT;
    if (count == 0 || before->seq > UINT32_MAX - count)
        return CHT_E_MALFORMED;
    switch (codec) {
    case CRDT_CODEC_RAW:
        return read_raw(before, count, payload, arena, out);
    case CRDT_CODEC_DEFLATE:
        return read_deflated(before, count, payload, arena, out);
    case CRDT_CODEC_COLUMNS:
        return crdt_columns_read(before, count, payload, arena, out);
    default:
        return CHT_E_UNSUPPORTED;
    }
}

/* --- the frame ----------------------------------------------------------------------------- */

enum { ORIGIN_SENDER = 0, ORIGIN_TAGGED = 1 };

enum cht_err crdt_range_write(const struct crdt_range *r, struct cht_buf *out)
{
    size_t mark = out->len;
    assert(r->count >= 1 && r->count <= LIMIT_HEAD_ENTRIES && r->seq >= 1);
    enum cht_err err = cht_buf_add_u8(out, r->own ? ORIGIN_SENDER : ORIGIN_TAGGED);
    if (err == CHT_OK && !r->own)
        err = cht_buf_add(out, cht_bytes(r->device_tag, sizeof r->device_tag));
    if (err == CHT_OK)
        err = cht_buf_add(out, cht_bytes(r->prev_tag, sizeof r->prev_tag));
    if (err == CHT_OK)
        err = cht_buf_add_varint(out, r->seq);
    if (err == CHT_OK)
        err = cht_buf_add_varint(out, r->count);
    if (err == CHT_OK)
        err = cht_buf_add_u8(out, (uint8_t)r->codec);
    if (err == CHT_OK)
        err = cht_buf_add_varint(out, r->payload.len);
    if (err == CHT_OK)
        err = cht_buf_add(out, r->payload);
    if (err == CHT_OK)
        err = cht_buf_add(out, cht_bytes(r->head, sizeof r->head));
    if (err != CHT_OK)
        out->len = mark;
    return err;
}

enum cht_err crdt_range_read(struct cht_wire *w, struct crdt_range *out)
{
    struct crdt_range r = { .own = false };
    uint8_t origin = cht_wire_u8(w);
    if (origin > ORIGIN_TAGGED)
        cht_wire_fail(w, CHT_E_MALFORMED);
    r.own = origin == ORIGIN_SENDER;
    if (!r.own)
        cht_wire_copy(w, r.device_tag, sizeof r.device_tag);
    cht_wire_copy(w, r.prev_tag, sizeof r.prev_tag);
    uint64_t seq = cht_wire_varint(w);
    r.count = (uint32_t)cht_wire_varint_max(w, LIMIT_HEAD_ENTRIES);
    /* the last entry has a number too */
    if (seq == 0 || r.count == 0 || seq > UINT32_MAX || seq - 1 > UINT32_MAX - r.count)
        cht_wire_fail(w, CHT_E_MALFORMED);
    r.seq = (uint32_t)seq;
    r.codec = (enum crdt_codec)cht_wire_u8(w);
    r.payload = cht_wire_take(w, (size_t)cht_wire_varint_max(w, LIMIT_RANGE_BYTES));
    cht_wire_copy(w, r.head, sizeof r.head);
    if (w->err == CHT_OK)
        *out = r;
    return w->err;
}
