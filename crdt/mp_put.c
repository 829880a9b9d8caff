/* The shortest msgpack encodings, through msgpack-c's packer; see mp.h. */
#include "crdt/base/buf.h"
#include "crdt/mp.h"

#include <float.h>
#include <math.h>
#include <msgpack/pack.h>

/* Nearly all heads are one byte with the length in it, or a text's two; those are written here at
 * once. */
#define FIXINT_END  0x80u
#define FIXSTR_END  32u
#define STR8_END    256u
#define FIXLIST_END 16u

struct sink {
    struct cht_buf *buf;
    enum cht_err err;
};

static int sink_write(void *to, const char *bytes, size_t len)
{
    struct sink *sink = to;
    if (sink->err == CHT_OK)
        sink->err = cht_buf_add(sink->buf, cht_bytes(bytes, len));
    return sink->err == CHT_OK ? 0 : -1;
}

static msgpack_packer packer_on(struct sink *sink)
{
    msgpack_packer pk;
    msgpack_packer_init(&pk, sink, sink_write);
    return pk;
}

enum cht_err crdt_mp_put_nil(struct cht_buf *b)
{
    return cht_buf_add_u8(b, 0xc0);
}

enum cht_err crdt_mp_put_bool(struct cht_buf *b, bool v)
{
    return cht_buf_add_u8(b, v ? 0xc3 : 0xc2);
}

enum cht_err crdt_mp_put_uint(struct cht_buf *b, uint64_t v)
{
    if (v < FIXINT_END)
        return cht_buf_add_u8(b, (uint8_t)v);
    struct sink sink = { .buf = b };
    msgpack_packer pk = packer_on(&sink);
    (void)msgpack_pack_uint64(&pk, v); /* the sink keeps the error, with its kind */
    return sink.err;
}

enum cht_err crdt_mp_put_int(struct cht_buf *b, int64_t v)
{
    struct sink sink = { .buf = b };
    msgpack_packer pk = packer_on(&sink);
    (void)msgpack_pack_int64(&pk, v);
    return sink.err;
}

/* The shortest form that gives the same number: four bytes where they hold it exactly. */
enum cht_err crdt_mp_put_float(struct cht_buf *b, double v)
{
    struct sink sink = { .buf = b };
    msgpack_packer pk = packer_on(&sink);
    bool fits = isinf(v) || (fabs(v) <= (double)FLT_MAX && (double)(float)v == v);
    (void)(fits ? msgpack_pack_float(&pk, (float)v) : msgpack_pack_double(&pk, v));
    return sink.err;
}

enum cht_err crdt_mp_put_str(struct cht_buf *b, struct cht_bytes v)
{
    size_t mark = b->len;
    if (v.len < STR8_END) {
        const size_t head = v.len < FIXSTR_END ? 1 : 2;
        enum cht_err err = cht_buf_reserve(b, head + v.len);
        if (err != CHT_OK)
            return err;
        uint8_t *at = b->data + b->len;
        at[0] = head == 1 ? (uint8_t)(0xa0 | v.len) : 0xd9;
        at[head - 1] = head == 1 ? at[0] : (uint8_t)v.len;
        if (v.len != 0)
            memcpy(at + head, v.data, v.len);
        b->len += head + v.len;
        return CHT_OK;
    }
    struct sink sink = { .buf = b };
    msgpack_packer pk = packer_on(&sink);
    if (v.len > UINT32_MAX)
        return CHT_E_LIMIT;
    (void)msgpack_pack_str(&pk, v.len);
    (void)msgpack_pack_str_body(&pk, v.data, v.len);
    if (sink.err != CHT_OK)
        b->len = mark;
    return sink.err;
}

enum cht_err crdt_mp_put_bin(struct cht_buf *b, struct cht_bytes v)
{
    size_t mark = b->len;
    struct sink sink = { .buf = b };
    msgpack_packer pk = packer_on(&sink);
    if (v.len > UINT32_MAX)
        return CHT_E_LIMIT;
    (void)msgpack_pack_bin(&pk, v.len);
    (void)msgpack_pack_bin_body(&pk, v.data, v.len);
    if (sink.err != CHT_OK)
        b->len = mark;
    return sink.err;
}

enum cht_err crdt_mp_put_array(struct cht_buf *b, uint32_t count)
{
    if (count < FIXLIST_END)
        return cht_buf_add_u8(b, (uint8_t)(0x90 | count));
    struct sink sink = { .buf = b };
    msgpack_packer pk = packer_on(&sink);
    (void)msgpack_pack_array(&pk, count);
    return sink.err;
}

enum cht_err crdt_mp_put_map(struct cht_buf *b, uint32_t pairs)
{
    if (pairs < FIXLIST_END)
        return cht_buf_add_u8(b, (uint8_t)(0x80 | pairs));
    struct sink sink = { .buf = b };
    msgpack_packer pk = packer_on(&sink);
    (void)msgpack_pack_map(&pk, pairs);
    return sink.err;
}
