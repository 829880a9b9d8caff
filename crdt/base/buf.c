/* Growing buffer with a limit; see buf.h. */
#include "crdt/base/buf.h"

#include "crdt/base/wire.h"

#include <stdlib.h>

#define BUF_FIRST_BYTES 64u

void cht_buf_init(struct cht_buf *b, size_t limit)
{
    *b = (struct cht_buf){ .limit = limit };
}

void cht_buf_clear(struct cht_buf *b)
{
    free(b->data);
    cht_buf_init(b, b->limit);
}

enum cht_err cht_buf_grow(struct cht_buf *b, size_t more)
{
    if (more > b->limit - b->len)
        return CHT_E_LIMIT;
    size_t need = b->len + more;
    size_t cap = b->cap < BUF_FIRST_BYTES ? BUF_FIRST_BYTES : b->cap;
    while (cap < need)
        cap = cap > b->limit / 2 ? b->limit : cap * 2;
    uint8_t *data = realloc(b->data, cap);
    if (data == NULL)
        return CHT_E_NOMEM;
    b->data = data;
    b->cap = cap;
    return CHT_OK;
}

enum cht_err cht_buf_add_u32(struct cht_buf *b, uint32_t v)
{
    uint8_t raw[4];
    cht_put_u32(raw, v);
    return cht_buf_add(b, cht_bytes(raw, sizeof raw));
}

enum cht_err cht_buf_add_u64(struct cht_buf *b, uint64_t v)
{
    uint8_t raw[8];
    cht_put_u64(raw, v);
    return cht_buf_add(b, cht_bytes(raw, sizeof raw));
}

enum cht_err cht_buf_add_varint(struct cht_buf *b, uint64_t v)
{
    uint8_t raw[CHT_VARINT_MAX];
    return cht_buf_add(b, cht_bytes(raw, cht_varint_put(raw, v)));
}
