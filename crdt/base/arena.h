#ifndef CRDT_BASE_ARENA_H
#define CRDT_BASE_ARENA_H
/* Memory that dies together: decoded frames and scratch live here until the turn ends.
 * Never for secrets. Zero-initialised with a limit set by init. */
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"

struct cht_arena_block;

struct cht_arena {
    struct cht_arena_block *blocks; /* newest first */
    size_t used, limit;             /* bytes handed out since the last reset; used <= limit */
    unsigned wasteful;              /* resets in a row after which most of the block was unused */
};

void cht_arena_init(struct cht_arena *a, size_t limit);
/* Free everything. The arena stays usable. */
void cht_arena_clear(struct cht_arena *a);
/* Forget everything handed out; keeps one block for the next turn, until turns have become small
 * beside it. */
void cht_arena_reset(struct cht_arena *a);
/* `len` zeroed bytes aligned for any type, or NULL when out of memory or over the limit. */
void *cht_arena_alloc(struct cht_arena *a, size_t len);
/* Room for `count` things of `size` bytes; NULL also when the product overflows. */
void *cht_arena_array(struct cht_arena *a, size_t count, size_t size);
/* A copy of `src` in the arena. `out` is untouched on CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err cht_arena_copy(struct cht_arena *a, struct cht_bytes src,
                                         struct cht_bytes *out);

#endif
