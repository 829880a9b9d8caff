#ifndef CRDT_BASE_BUF_H
#define CRDT_BASE_BUF_H
/* A growing byte buffer that is born with its limit.
 * Zero-initialised it is empty with limit 0; clear frees and may be called twice. */
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"

struct cht_buf {
    uint8_t *data;
    size_t len, cap, limit; /* len <= cap, len <= limit */
};

void cht_buf_init(struct cht_buf *b, size_t limit);
/* Free the memory; the buffer stays usable with the same limit. */
void cht_buf_clear(struct cht_buf *b);
/* Forget the content, keep the memory. */
static inline void cht_buf_reset(struct cht_buf *b)
{
    b->len = 0;
}
static inline struct cht_bytes cht_buf_view(const struct cht_buf *b)
{
    return cht_bytes(b->data, b->len);
}

/* What reserve does when the memory at hand does not do. */
CHT_MUST_USE enum cht_err cht_buf_grow(struct cht_buf *b, size_t more);
/* Make room for `more` bytes at data + len. CHT_E_LIMIT: would pass the limit; CHT_E_NOMEM.
 * On error the buffer is unchanged. */
CHT_MUST_USE static inline enum cht_err cht_buf_reserve(struct cht_buf *b, size_t more)
{
    bool fits = more <= b->cap - b->len && more <= b->limit - b->len;
    return fits ? CHT_OK : cht_buf_grow(b, more);
}
/* Append; errors as reserve. `src` must not point into `b`. */
CHT_MUST_USE static inline enum cht_err cht_buf_add(struct cht_buf *b, struct cht_bytes src)
{
    enum cht_err err = cht_buf_reserve(b, src.len);
    if (err != CHT_OK || src.len == 0)
        return err;
    memcpy(b->data + b->len, src.data, src.len);
    b->len += src.len;
    return CHT_OK;
}
CHT_MUST_USE static inline enum cht_err cht_buf_add_u8(struct cht_buf *b, uint8_t v)
{
    enum cht_err err = cht_buf_reserve(b, 1);
    if (err == CHT_OK)
        b->data[b->len++] = v;
    return err;
}
CHT_MUST_USE enum cht_err cht_buf_add_u32(struct cht_buf *b, uint32_t v);
CHT_MUST_USE enum cht_err cht_buf_add_u64(struct cht_buf *b, uint64_t v);
/* Append an unsigned LEB128 integer, 1 to 10 bytes (PROTOCOL 1.2). */
CHT_MUST_USE enum cht_err cht_buf_add_varint(struct cht_buf *b, uint64_t v);

#endif
