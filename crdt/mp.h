#ifndef CRDT_MP_H
#define CRDT_MP_H
/* Bounded walking of msgpack that came from outside (PROTOCOL 1.4).
 *
 * The stock unpacker reserves gigabytes for five bytes, so nothing from outside reaches it before
 * `crdt_mp_scan`. The walker also gives the exact bytes of each part, which is what is hashed,
 * compared and kept: values are never re-encoded. */
#include "crdt/base/wire.h"

/* What one msgpack object starts with. */
enum crdt_mp_kind {
    CRDT_MP_NIL,
    CRDT_MP_BOOL,
    CRDT_MP_UINT, /* any integer >= 0, whatever its encoding */
    CRDT_MP_INT,  /* any integer < 0 */
    CRDT_MP_FLOAT,
    CRDT_MP_STR,
    CRDT_MP_BIN,
    CRDT_MP_ARRAY,
    CRDT_MP_MAP,
    CRDT_MP_EXT,
};

struct crdt_mp {
    enum crdt_mp_kind kind;
    uint64_t u;            /* UINT, BOOL (0 or 1); ARRAY: elements; MAP: pairs */
    int64_t i;             /* INT; also UINT when it fits */
    double f;              /* FLOAT */
    int8_t ext;            /* EXT: its type */
    struct cht_bytes data; /* STR, BIN, EXT: the payload, borrowed */
};

/* Check one whole document: well formed, nesting <= `depth_max` containers, at most `objects_max`
 * objects, each count no larger than the bytes left, nothing after it.
 * CHT_E_MALFORMED or CHT_E_LIMIT. Costs no memory. */
CHT_MUST_USE enum cht_err crdt_mp_scan(struct cht_bytes doc, unsigned depth_max,
                                       unsigned objects_max);

/* Read the head of the next object at the cursor (for STR, BIN and EXT its payload too; the
 * elements of an ARRAY or MAP follow). On bad bytes the cursor's error is set and NIL returned. */
struct crdt_mp crdt_mp_next(struct cht_wire *w);
/* Step over one whole object; returns its exact bytes (empty, and the error set, on bad bytes).
 * Nesting deeper than LIMIT_MSGPACK_DEPTH + 1 is CHT_E_LIMIT. */
struct cht_bytes crdt_mp_skip(struct cht_wire *w);
/* The same without a bound on the nesting, for bytes that crdt_mp_scan has accepted. */
struct cht_bytes crdt_mp_pass(struct cht_wire *w);
/* The head of the one object in `value`, which has been scanned. */
struct crdt_mp crdt_mp_peek(struct cht_bytes value);

/* Canonical (shortest) encodings, appended to `b`; errors as cht_buf_add. */
struct cht_buf;
CHT_MUST_USE enum cht_err crdt_mp_put_nil(struct cht_buf *b);
CHT_MUST_USE enum cht_err crdt_mp_put_bool(struct cht_buf *b, bool v);
CHT_MUST_USE enum cht_err crdt_mp_put_uint(struct cht_buf *b, uint64_t v);
CHT_MUST_USE enum cht_err crdt_mp_put_int(struct cht_buf *b, int64_t v);
CHT_MUST_USE enum cht_err crdt_mp_put_float(struct cht_buf *b, double v);
CHT_MUST_USE enum cht_err crdt_mp_put_str(struct cht_buf *b, struct cht_bytes v);
CHT_MUST_USE enum cht_err crdt_mp_put_bin(struct cht_buf *b, struct cht_bytes v);
CHT_MUST_USE enum cht_err crdt_mp_put_array(struct cht_buf *b, uint32_t count);
CHT_MUST_USE enum cht_err crdt_mp_put_map(struct cht_buf *b, uint32_t pairs);

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. NUL is refused too: the
 * values meet C strings and SQL text at the edges. */
bool crdt_utf8_valid(struct cht_bytes text);

#endif
