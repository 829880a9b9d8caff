#ifndef CRDT_BASE_WIRE_H
#define CRDT_BASE_WIRE_H
/* A reading cursor with a sticky error: read ten fields, check once.
 * After the first failure every read gives zero or an empty span and `err` stays set. */
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"

#define CHT_VARINT_MAX 10u /* bytes of the longest 64-bit LEB128 integer */

struct cht_wire {
    const uint8_t *at, *end;
    enum cht_err err; /* CHT_OK until a read fails; then CHT_E_MALFORMED or CHT_E_LIMIT */
};

static inline struct cht_wire cht_wire(struct cht_bytes src)
{
    return (struct cht_wire){ .at = src.data, .end = src.len == 0 ? src.data : src.data + src.len };
}
static inline size_t cht_wire_left(const struct cht_wire *w)
{
    return (size_t)(w->end - w->at);
}
/* Note an error found by the caller; the first one stays. */
void cht_wire_fail(struct cht_wire *w, enum cht_err err);

/* The next `len` bytes, borrowed from the input; fails when fewer are left. */
static inline struct cht_bytes cht_wire_take(struct cht_wire *w, size_t len)
{
    if (w->err != CHT_OK || len > cht_wire_left(w)) {
        cht_wire_fail(w, CHT_E_MALFORMED);
        return cht_bytes(NULL, 0);
    }
    struct cht_bytes got = cht_bytes(w->at, len);
    if (len != 0)
        w->at += len;
    return got;
}
static inline uint8_t cht_wire_u8(struct cht_wire *w)
{
    struct cht_bytes got = cht_wire_take(w, 1);
    return got.len == 1 ? got.data[0] : 0;
}
uint32_t cht_wire_u32(struct cht_wire *w);
uint64_t cht_wire_u64(struct cht_wire *w);
/* Unsigned LEB128 in its shortest form; a longer form or more than 64 bits is malformed. */
uint64_t cht_wire_varint(struct cht_wire *w);
/* The same, failing with CHT_E_LIMIT above `max`. */
uint64_t cht_wire_varint_max(struct cht_wire *w, uint64_t max);
/* Copy the next `len` bytes to `out`; zeroes them on failure. */
void cht_wire_copy(struct cht_wire *w, uint8_t *out, size_t len);
/* CHT_OK when no read failed and nothing is left over; left-over bytes are malformed. */
CHT_MUST_USE enum cht_err cht_wire_end(struct cht_wire *w);

/* Write `v` in its shortest form to `out` (CHT_VARINT_MAX bytes of room); returns the length. */
size_t cht_varint_put(uint8_t *out, uint64_t v);
/* The length `cht_varint_put` would return. */
size_t cht_varint_size(uint64_t v);

#endif
