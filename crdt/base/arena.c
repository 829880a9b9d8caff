/* Bump allocator in blocks; see arena.h. */
#include "crdt/base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#define ARENA_BLOCK_BYTES     ((size_t)64 * 1024)
#define ARENA_BLOCK_BYTES_MAX ((size_t)1024 * 1024) /* beyond it nothing is gained but waste */
#define ARENA_WASTEFUL        16u

struct cht_arena_block {
    struct cht_arena_block *next;
    size_t used, cap;
    alignas(max_align_t) uint8_t data[];
};

void cht_arena_init(struct cht_arena *a, size_t limit)
{
    *a = (struct cht_arena){ .limit = limit };
}

void cht_arena_clear(struct cht_arena *a)
{
    while (a->blocks != NULL) {
        struct cht_arena_block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
    a->used = 0;
}

void cht_arena_reset(struct cht_arena *a)
{
    struct cht_arena_block *keep = a->blocks;
    bool small = keep != NULL && keep->cap > ARENA_BLOCK_BYTES && a->used < keep->cap / 8;
    a->wasteful = small ? a->wasteful + 1 : 0;
    a->used = 0;
    if (keep == NULL)
        return;
    if (a->wasteful == ARENA_WASTEFUL) {
        a->wasteful = 0;
        cht_arena_clear(a);
        return;
    }
    /* the newest block is the largest: a steady load settles on one block */
    a->blocks = keep->next;
    cht_arena_clear(a);
    keep->next = NULL;
    keep->used = 0;
    a->blocks = keep;
}

static struct cht_arena_block *block_for(struct cht_arena *a, size_t len)
{
    struct cht_arena_block *b = a->blocks;
    if (b != NULL && len <= b->cap - b->used)
        return b;
    size_t cap = b == NULL ? ARENA_BLOCK_BYTES : b->cap * 2;
    if (cap > ARENA_BLOCK_BYTES_MAX)
        cap = ARENA_BLOCK_BYTES_MAX;
    if (cap < len)
        cap = len;
    b = malloc(sizeof *b + cap);
    if (b == NULL)
        return NULL;
    b->next = a->blocks;
    b->used = 0;
    b->cap = cap;
    a->blocks = b;
    return b;
}

void *cht_arena_alloc(struct cht_arena *a, size_t len)
{
    const size_t align = alignof(max_align_t);
    if (len > a->limit - a->used || len > SIZE_MAX - align)
        return NULL;
    size_t rounded = (len + align - 1) / align * align;
    struct cht_arena_block *b = block_for(a, rounded);
    if (b == NULL)
        return NULL;
    void *got = b->data + b->used;
    b->used += rounded;
    a->used += len;
    memset(got, 0, rounded);
    return got;
}

void *cht_arena_array(struct cht_arena *a, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return cht_arena_alloc(a, count * size);
}

enum cht_err cht_arena_copy(struct cht_arena *a, struct cht_bytes src, struct cht_bytes *out)
{
    uint8_t *copy = cht_arena_alloc(a, src.len);
    if (copy == NULL)
        return CHT_E_NOMEM;
    if (src.len != 0)
        memcpy(copy, src.data, src.len);
    *out = cht_bytes(copy, src.len);
    return CHT_OK;
}
