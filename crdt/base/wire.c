/* Sticky-error cursor and LEB128; see wire.h (PROTOCOL 1.1, 1.2). */
#include "crdt/base/wire.h"

void cht_wire_fail(struct cht_wire *w, enum cht_err err)
{
    if (w->err == CHT_OK)
        w->err = err;
    w->at = w->end;
}

void cht_wire_copy(struct cht_wire *w, uint8_t *out, size_t len)
{
    struct cht_bytes got = cht_wire_take(w, len);
    if (got.len == len && len != 0)
        memcpy(out, got.data, len);
    else if (len != 0)
        memset(out, 0, len);
}

uint32_t cht_wire_u32(struct cht_wire *w)
{
    struct cht_bytes got = cht_wire_take(w, 4);
    return got.len == 4 ? cht_get_u32(got.data) : 0;
}

uint64_t cht_wire_u64(struct cht_wire *w)
{
    struct cht_bytes got = cht_wire_take(w, 8);
    return got.len == 8 ? cht_get_u64(got.data) : 0;
}

uint64_t cht_wire_varint(struct cht_wire *w)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (w->at == w->end)
            break;
        uint8_t byte = *w->at++;
        uint64_t bits = byte & 0x7fu;
        if (shift == 63 && bits > 1)
            break; /* more than 64 bits */
        value |= bits << shift;
        if ((byte & 0x80u) == 0) {
            if (byte == 0 && shift != 0)
                break; /* PROTOCOL 1.2: only the shortest form */
            return value;
        }
    }
    cht_wire_fail(w, CHT_E_MALFORMED);
    return 0;
}

uint64_t cht_wire_varint_max(struct cht_wire *w, uint64_t max)
{
    uint64_t value = cht_wire_varint(w);
    if (value > max) {
        cht_wire_fail(w, CHT_E_LIMIT);
        return 0;
    }
    return value;
}

enum cht_err cht_wire_end(struct cht_wire *w)
{
    if (w->err == CHT_OK && w->at != w->end)
        cht_wire_fail(w, CHT_E_MALFORMED);
    return w->err;
}

size_t cht_varint_put(uint8_t *out, uint64_t v)
{
    size_t len = 0;
    while (v > 0x7f) {
        out[len++] = (uint8_t)(v | 0x80u);
        v >>= 7;
    }
    out[len++] = (uint8_t)v;
    return len;
}

size_t cht_varint_size(uint64_t v)
{
    size_t len = 1;
    while (v > 0x7f) {
        v >>= 7;
        len++;
    }
    return len;
}
