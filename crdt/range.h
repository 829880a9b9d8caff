#ifndef CRDT_RANGE_H
#define CRDT_RANGE_H
/* The range codec (PROTOCOL 4): a run of entries on one previous-path, ending at a head, as it
 * stands in a log row and as it travels. Invertible: decoding rebuilds the exact header and body
 * bytes. What the two ends know alike is not sent: space, the device's key, the entry before. */
#include "crdt/base/arena.h"
#include "crdt/base/wire.h"
#include "crdt/entry.h"

#define CRDT_SIG_BYTES 64u

enum crdt_codec {
    CRDT_CODEC_RAW = 0,     /* headers and bodies one after the other; always understood */
    CRDT_CODEC_DEFLATE = 1, /* columns, then raw deflate */
    CRDT_CODEC_COLUMNS = 2, /* columns as they are: short ranges */
};

/* One entry of a range in memory. */
struct crdt_entry {
    struct crdt_header header;
    struct cht_bytes header_bytes; /* exact; its hash is the entry's hash */
    struct cht_bytes body;         /* exact; `data` NULL when the body is missing */
    struct crdt_hash hash;
};

/* What stands before the first entry of the range: both ends hold it. For seq 1 all zero. */
struct crdt_before {
    uint8_t space[CRDT_ID_BYTES];
    uint8_t device[CRDT_ID_BYTES];
    uint8_t epoch[CRDT_EPOCH_BYTES]; /* of the entry before */
    struct crdt_hash hash;           /* of the entry before */
    crdt_hlc_stamp hlc; /* of the entry before: the first stamp travels as a distance */
    uint32_t seq;       /* of the entry before; the range starts at seq + 1 */
};

/* Encode `count` (1 … LIMIT_HEAD_ENTRIES) entries that follow `before` and one another on one
 * path (asserted). Tries the codecs and keeps the shortest; `*out_codec` says which; `out` gets the
 * payload appended (for DEFLATE the raw length as varint first). A missing body is kept missing.
 * CHT_E_LIMIT: the body lengths sum up to more than LIMIT_HEAD_BYTES + LIMIT_BODY_BYTES, the
 * payload is over LIMIT_RANGE_BYTES or does not fit `out`; CHT_E_NOMEM. On error `out` is
 * unchanged. */
CHT_MUST_USE enum cht_err crdt_range_encode(const struct crdt_before *before,
                                            const struct crdt_entry *entries, uint32_t count,
                                            struct cht_buf *out, enum crdt_codec *out_codec);

/* Rebuild the entries in `arena` (headers parsed, header bytes, bodies, hashes). Body hashes are
 * not recomputed where the codec built the header from the body; they are checked where the header
 * came as bytes. The head over the last entry's hash is the caller's to verify.
 * CHT_E_MALFORMED; CHT_E_LIMIT: any of PROTOCOL 9, checked before memory is taken;
 * CHT_E_UNSUPPORTED: the codec; CHT_E_SIGNATURE: a body that does not match its header;
 * CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err crdt_range_decode(const struct crdt_before *before, uint32_t count,
                                            enum crdt_codec codec, struct cht_bytes payload,
                                            struct cht_arena *arena, struct crdt_entry **out);

/* A range as it travels and as the log keeps it (PROTOCOL 4.1). */
struct crdt_range {
    bool own;              /* written by the frame's sender: no tag travels */
    uint8_t device_tag[8]; /* first bytes of the device id; unset when `own` */
    uint8_t prev_tag[4];   /* first bytes of the hash of the entry before */
    uint32_t seq;          /* of the first entry */
    uint32_t count;
    enum crdt_codec codec;
    struct cht_bytes payload;
    uint8_t head[CRDT_SIG_BYTES]; /* the author's signature over the last entry's hash */
};

CHT_MUST_USE enum cht_err crdt_range_write(const struct crdt_range *r, struct cht_buf *out);
/* Read one range at the cursor; the payload borrows. Errors through the cursor and returned:
 * CHT_E_MALFORMED, CHT_E_LIMIT (payload over LIMIT_RANGE_BYTES, count over LIMIT_HEAD_ENTRIES). */
CHT_MUST_USE enum cht_err crdt_range_read(struct cht_wire *w, struct crdt_range *out);

#endif
