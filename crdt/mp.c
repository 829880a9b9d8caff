/* A strict, allocation-free reader of msgpack; see mp.h. It is our own because the bytes come from
 * outside and their exact spans are what the protocol hashes (PROTOCOL 1.4). */
#include "crdt/mp.h"

#include "crdt/limits.h"

#include <assert.h>

#define MP_DEPTH_CAP 32u /* deepest `depth_max` any caller asks for */

static_assert(LIMIT_MSGPACK_DEPTH + 2 <= MP_DEPTH_CAP, "a body nests an op and a value");
static_assert(CRDT_MP_NIL == 0, "a zeroed head is nil");

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

/* Each of these fills in a zeroed head; passing heads by value from one to the next cost more than
 * reading them. */
static void set_uint(struct crdt_mp *out, uint64_t v)
{
    out->kind = CRDT_MP_UINT;
    out->u = v;
    out->i = v <= INT64_MAX ? (int64_t)v : INT64_MAX;
}

static void set_int(struct crdt_mp *out, int64_t v)
{
    if (v >= 0) {
        set_uint(out, (uint64_t)v);
        return;
    }
    out->kind = CRDT_MP_INT;
    out->i = v;
}

static void set_data(struct crdt_mp *out, struct cht_wire *w, enum crdt_mp_kind kind, uint64_t len)
{
    out->kind = kind;
    if (kind == CRDT_MP_EXT)
        out->ext = (int8_t)sign_extend(take_be(w, 1), 1);
    /* a length beyond size_t is beyond the bytes left too */
    out->data = cht_wire_take(w, len > SIZE_MAX ? SIZE_MAX : (size_t)len);
}

/* PROTOCOL 1.4: a count never exceeds the bytes left (an element has at least one). */
static void set_container(struct crdt_mp *out, struct cht_wire *w, enum crdt_mp_kind kind,
                          uint64_t count)
{
    uint64_t objects = kind == CRDT_MP_MAP ? count * 2 : count; /* count < 2^32 */
    if (objects > cht_wire_left(w))
        cht_wire_fail(w, CHT_E_MALFORMED);
    out->kind = kind;
    out->u = count;
}

static void set_float(struct crdt_mp *out, struct cht_wire *w, size_t len)
{
    out->kind = CRDT_MP_FLOAT;
    uint64_t raw = take_be(w, len);
    if (len == 4) {
        uint32_t bits = (uint32_t)raw;
        float f = 0;
        memcpy(&f, &bits, sizeof f);
        out->f = (double)f;
    } else {
        memcpy(&out->f, &raw, sizeof out->f);
    }
}

/* Heads 0xc0 to 0xdf: one byte of type, then what the msgpack specification says. */
static void set_marker(struct crdt_mp *out, struct cht_wire *w, uint8_t marker)
{
    switch (marker) {
    case 0xc0:
        return; /* nil is what it is */
    case 0xc2:
    case 0xc3:
        out->kind = CRDT_MP_BOOL;
        out->u = marker & 1u;
        return;
    case 0xc4:
    case 0xc5:
    case 0xc6:
        set_data(out, w, CRDT_MP_BIN, take_be(w, (size_t)1 << (marker - 0xc4)));
        return;
    case 0xc7:
    case 0xc8:
    case 0xc9:
        set_data(out, w, CRDT_MP_EXT, take_be(w, (size_t)1 << (marker - 0xc7)));
        return;
    case 0xca:
    case 0xcb:
        set_float(out, w, marker == 0xca ? 4 : 8);
        return;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        set_uint(out, take_be(w, (size_t)1 << (marker - 0xcc)));
        return;
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: {
        size_t len = (size_t)1 << (marker - 0xd0);
        set_int(out, sign_extend(take_be(w, len), len));
        return;
    }
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        set_data(out, w, CRDT_MP_EXT, (uint64_t)1 << (marker - 0xd4));
        return;
    case 0xd9:
    case 0xda:
    case 0xdb:
        set_data(out, w, CRDT_MP_STR, take_be(w, (size_t)1 << (marker - 0xd9)));
        return;
    case 0xdc:
    case 0xdd:
        set_container(out, w, CRDT_MP_ARRAY, take_be(w, marker == 0xdc ? 2 : 4));
        return;
    case 0xde:
    case 0xdf:
        set_container(out, w, CRDT_MP_MAP, take_be(w, marker == 0xde ? 2 : 4));
        return;
    default: /* 0xc1 is never used */
        cht_wire_fail(w, CHT_E_MALFORMED);
    }
}

struct crdt_mp crdt_mp_next(struct cht_wire *w)
{
    struct crdt_mp out = { .kind = CRDT_MP_NIL };
    const uint8_t marker = cht_wire_u8(w);
    if (w->err != CHT_OK)
        return out;
    if (marker < 0x80)
        set_uint(&out, marker);
    else if (marker >= 0xe0)
        set_int(&out, (int64_t)marker - 0x100);
    else if (marker < 0x90)
        set_container(&out, w, CRDT_MP_MAP, marker & 0x0fu);
    else if (marker < 0xa0)
        set_container(&out, w, CRDT_MP_ARRAY, marker & 0x0fu);
    else if (marker < 0xc0)
        set_data(&out, w, CRDT_MP_STR, marker & 0x1fu);
    else
        set_marker(&out, w, marker);
    if (w->err != CHT_OK)
        memset(&out, 0, sizeof out); /* CRDT_MP_NIL */
    return out;
}

/* Heads 0xc0 to 0xdf when their object is only passed over: bytes of a length field, fixed bytes
 * after it, and whether the length counts objects (once, or twice for a map) instead of bytes. */
struct step {
    uint8_t length_bytes, fixed_bytes, opens, allowed;
};
static const struct step steps[32] = {
    [0x00] = { 0, 0, 0, 1 }, [0x02] = { 0, 0, 0, 1 },  [0x03] = { 0, 0, 0, 1 }, /* nil, bool */
    [0x04] = { 1, 0, 0, 1 }, [0x05] = { 2, 0, 0, 1 },  [0x06] = { 4, 0, 0, 1 }, /* bin */
    [0x07] = { 1, 1, 0, 1 }, [0x08] = { 2, 1, 0, 1 },  [0x09] = { 4, 1, 0, 1 }, /* ext */
    [0x0a] = { 0, 4, 0, 1 }, [0x0b] = { 0, 8, 0, 1 },                           /* float */
    [0x0c] = { 0, 1, 0, 1 }, [0x0d] = { 0, 2, 0, 1 },  [0x0e] = { 0, 4, 0, 1 }, /* uint */
    [0x0f] = { 0, 8, 0, 1 }, [0x10] = { 0, 1, 0, 1 },  [0x11] = { 0, 2, 0, 1 }, /* int */
    [0x12] = { 0, 4, 0, 1 }, [0x13] = { 0, 8, 0, 1 },                           /* int */
    [0x14] = { 0, 2, 0, 1 }, [0x15] = { 0, 3, 0, 1 },  [0x16] = { 0, 5, 0, 1 }, /* fixext */
    [0x17] = { 0, 9, 0, 1 }, [0x18] = { 0, 17, 0, 1 },                          /* fixext */
    [0x19] = { 1, 0, 0, 1 }, [0x1a] = { 2, 0, 0, 1 },  [0x1b] = { 4, 0, 0, 1 }, /* str */
    [0x1c] = { 2, 0, 1, 1 }, [0x1d] = { 4, 0, 1, 1 },                           /* array */
    [0x1e] = { 2, 0, 2, 1 }, [0x1f] = { 4, 0, 2, 1 },                           /* map */
};

#define NO_CONTAINER UINT64_MAX

/* Pass over the head of the next object, and over all of it when it is no container. Returns the
 * objects a container holds, else NO_CONTAINER. The same bytes are refused as by crdt_mp_next; this
 * one is for whole documents, where filling in a struct for each object would cost the most. */
static uint64_t pass_head(struct cht_wire *w)
{
    const size_t left = cht_wire_left(w);
    uint64_t opens = NO_CONTAINER, bytes = 0;
    size_t used = 1;
    uint8_t marker = 0xc1;
    if (left > 0)
        marker = *w->at;
    if (marker < 0x80 || marker >= 0xe0) {
        /* one byte is all of it */
    } else if (marker < 0x90) {
        opens = (marker & 0x0fu) * 2u;
    } else if (marker < 0xa0) {
        opens = marker & 0x0fu;
    } else if (marker < 0xc0) {
        bytes = marker & 0x1fu;
    } else {
        const struct step *s = &steps[marker - 0xc0];
        used += s->length_bytes;
        if (!s->allowed || left < used) {
            cht_wire_fail(w, CHT_E_MALFORMED);
            return NO_CONTAINER;
        }
        for (size_t i = 1; i < used; i++)
            bytes = bytes << 8 | w->at[i];
        if (s->opens != 0) {
            opens = bytes * s->opens;
            bytes = 0;
        }
        bytes += s->fixed_bytes;
    }
    /* PROTOCOL 1.4: a count never exceeds the bytes left (an object has at least one). */
    if (bytes > left - used || (opens != NO_CONTAINER && opens > left - used)) {
        cht_wire_fail(w, CHT_E_MALFORMED);
        return NO_CONTAINER;
    }
    w->at += used + (size_t)bytes;
    return opens;
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
        const uint64_t opens = pass_head(w);
        if (w->err != CHT_OK)
            return;
        const bool container = opens != NO_CONTAINER;
        if (++objects > objects_max || (container && depth == depth_max)) {
            cht_wire_fail(w, CHT_E_LIMIT);
            return;
        }
        if (container)
            open[depth++] = opens;
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

struct cht_bytes crdt_mp_pass(struct cht_wire *w)
{
    const uint8_t *start = w->at;
    for (uint64_t left = 1; left > 0 && w->err == CHT_OK; left--) {
        const uint64_t opens = pass_head(w);
        left += opens == NO_CONTAINER ? 0 : opens;
    }
    return w->err == CHT_OK ? cht_bytes(start, (size_t)(w->at - start)) : cht_bytes(NULL, 0);
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
