/* A strict, allocation-free reader of msgpack; see mp.h. It is our own because the bytes come from
 * outside and their exact spans are what the protocol hashes (PROTOCOL 1.4). */
#include "crdt/mp.h"

#include "crdt/limits.h"

#include <assert.h>

#define MP_DEPTH_CAP 32u /* deepest `depth_max` any caller asks for */

static_assert(LIMIT_MSGPACK_DEPTH + 2 <= MP_DEPTH_CAP, "a body nests an op and a value");

/* A big-endian integer of `len` (1, 2, 4 or 8) bytes, as msgpack has them. */
static uint64_t take_be(struct cht_wire *w, size_t len)
{
    struct cht_bytes raw = cht_wire_take(w, len);
    uint64_t v = 0;
    for (size_t i = 0; i < raw.len; i++)
        v = v << 8 | raw.data[i];
    return v;
}

/* Sign-extend the low `len` bytes of `raw` without leaving what C defines. */
static int64_t sign_extend(uint64_t raw, size_t len)
{
    uint64_t top = UINT64_C(1) << (8 * len - 1);
    if ((raw & top) == 0)
        return (int64_t)raw;
    uint64_t magnitude_less_1 = top - 1 - (raw & (top - 1));
    return -(int64_t)magnitude_less_1 - 1;
}

static struct crdt_mp of_uint(uint64_t v)
{
    return (struct crdt_mp){ .kind = CRDT_MP_UINT,
                             .u = v,
                             .i = v <= INT64_MAX ? (int64_t)v : INT64_MAX };
}

static struct crdt_mp of_int(int64_t v)
{
    if (v >= 0)
        return of_uint((uint64_t)v);
    return (struct crdt_mp){ .kind = CRDT_MP_INT, .i = v };
}

static struct crdt_mp of_data(struct cht_wire *w, enum crdt_mp_kind kind, uint64_t len)
{
    struct crdt_mp out = { .kind = kind };
    if (kind == CRDT_MP_EXT)
        out.ext = (int8_t)sign_extend(take_be(w, 1), 1);
    /* a length beyond size_t is beyond the bytes left too */
    out.data = cht_wire_take(w, len > SIZE_MAX ? SIZE_MAX : (size_t)len);
    return out;
}

/* PROTOCOL 1.4: a count never exceeds the bytes left (an element has at least one). */
static struct crdt_mp of_container(struct cht_wire *w, enum crdt_mp_kind kind, uint64_t count)
{
    uint64_t objects = kind == CRDT_MP_MAP ? count * 2 : count; /* count < 2^32 */
    if (objects > cht_wire_left(w))
        cht_wire_fail(w, CHT_E_MALFORMED);
    return (struct crdt_mp){ .kind = kind, .u = count };
}

static struct crdt_mp of_float(struct cht_wire *w, size_t len)
{
    struct crdt_mp out = { .kind = CRDT_MP_FLOAT };
    uint64_t raw = take_be(w, len);
    if (len == 4) {
        uint32_t bits = (uint32_t)raw;
        float f = 0;
        memcpy(&f, &bits, sizeof f);
        out.f = (double)f;
    } else {
        memcpy(&out.f, &raw, sizeof out.f);
    }
    return out;
}

/* Heads 0xc0 to 0xdf: one byte of type, then what the msgpack specification says. */
static struct crdt_mp of_marker(struct cht_wire *w, uint8_t marker)
{
    switch (marker) {
    case 0xc0:
        return (struct crdt_mp){ .kind = CRDT_MP_NIL };
    case 0xc2:
    case 0xc3:
        return (struct crdt_mp){ .kind = CRDT_MP_BOOL, .u = marker & 1u };
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return of_data(w, CRDT_MP_BIN, take_be(w, (size_t)1 << (marker - 0xc4)));
    case 0xc7:
    case 0xc8:
    case 0xc9:
        return of_data(w, CRDT_MP_EXT, take_be(w, (size_t)1 << (marker - 0xc7)));
    case 0xca:
    case 0xcb:
        return of_float(w, marker == 0xca ? 4 : 8);
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        return of_uint(take_be(w, (size_t)1 << (marker - 0xcc)));
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: {
        size_t len = (size_t)1 << (marker - 0xd0);
        return of_int(sign_extend(take_be(w, len), len));
    }
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        return of_data(w, CRDT_MP_EXT, (uint64_t)1 << (marker - 0xd4));
    case 0xd9:
    case 0xda:
    case 0xdb:
        return of_data(w, CRDT_MP_STR, take_be(w, (size_t)1 << (marker - 0xd9)));
    case 0xdc:
    case 0xdd:
        return of_container(w, CRDT_MP_ARRAY, take_be(w, marker == 0xdc ? 2 : 4));
    case 0xde:
    case 0xdf:
        return of_container(w, CRDT_MP_MAP, take_be(w, marker == 0xde ? 2 : 4));
    default: /* 0xc1 is never used */
        cht_wire_fail(w, CHT_E_MALFORMED);
        return (struct crdt_mp){ .kind = CRDT_MP_NIL };
    }
}

struct crdt_mp crdt_mp_next(struct cht_wire *w)
{
    struct crdt_mp out = { .kind = CRDT_MP_NIL };
    uint8_t marker = cht_wire_u8(w);
    if (w->err == CHT_OK) {
        if (marker < 0x80)
            out = of_uint(marker);
        else if (marker >= 0xe0)
            out = of_int((int64_t)marker - 0x100);
        else if (marker < 0x90)
            out = of_container(w, CRDT_MP_MAP, marker & 0x0fu);
        else if (marker < 0xa0)
            out = of_container(w, CRDT_MP_ARRAY, marker & 0x0fu);
        else if (marker < 0xc0)
            out = of_data(w, CRDT_MP_STR, marker & 0x1fu);
        else
            out = of_marker(w, marker);
    }
    return w->err == CHT_OK ? out : (struct crdt_mp){ .kind = CRDT_MP_NIL };
}

/* Step over one whole object. The nesting is kept as the objects still to come in each open
 * container, so a hostile document costs neither recursion nor memory. */
static void walk(struct cht_wire *w, unsigned depth_max, unsigned objects_max)
{
    uint64_t open[MP_DEPTH_CAP];
    unsigned depth = 0;
    unsigned objects = 0;
    assert(depth_max <= MP_DEPTH_CAP);
    do {
        if (depth > 0)
            open[depth - 1]--;
        struct crdt_mp got = crdt_mp_next(w);
        if (w->err != CHT_OK)
            return;
        bool container = got.kind == CRDT_MP_ARRAY || got.kind == CRDT_MP_MAP;
        if (++objects > objects_max || (container && depth == depth_max)) {
            cht_wire_fail(w, CHT_E_LIMIT);
            return;
        }
        if (container)
            open[depth++] = got.kind == CRDT_MP_MAP ? got.u * 2 : got.u;
        while (depth > 0 && open[depth - 1] == 0)
            depth--;
    } while (depth > 0);
}

enum cht_err crdt_mp_scan(struct cht_bytes doc, unsigned depth_max, unsigned objects_max)
{
    struct cht_wire w = cht_wire(doc);
    walk(&w, depth_max, objects_max);
    return cht_wire_end(&w);
}

struct cht_bytes crdt_mp_skip(struct cht_wire *w)
{
    const uint8_t *start = w->at;
    walk(w, LIMIT_MSGPACK_DEPTH + 1, UINT32_MAX);
    if (w->err != CHT_OK)
        return cht_bytes(NULL, 0);
    return cht_bytes(start, (size_t)(w->at - start));
}

struct crdt_mp crdt_mp_peek(struct cht_bytes value)
{
    struct cht_wire w = cht_wire(value);
    return crdt_mp_next(&w);
}

/* --- UTF-8 --------------------------------------------------------------------------------- */

/* Length of the sequence at `p` (RFC 3629 section 4's table), 0 when it is not one. */
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
    uint8_t lead = p[0];
    if (lead != 0 && lead < 0x80)
        return 1;
    size_t len = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead < 0xc2 || lead > 0xf4 || len > left)
        return 0;
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0u) != 0x80)
            return 0;
    return len;
}

bool crdt_utf8_valid(struct cht_bytes text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t len = utf8_sequence(text.data + at, text.len - at);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}
