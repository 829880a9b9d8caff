/* Frames: what decodes, encodes to the same bytes (PROTOCOL 8.2). */
/* covers: net/frame_read.c */
#include "net/frame.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cht_bytes src = cht_bytes(data, len);
    struct cht_arena arena;
    struct net_frame f;
    cht_arena_init(&arena, (size_t)32 << 20);
    enum cht_err err = net_frame_decode(src, &arena, &f);
    must(err == CHT_OK || err == CHT_E_MALFORMED || err == CHT_E_LIMIT);
    /* what is taken stays within a small multiple of what came */
    must(arena.used <= 64 * len + 4096);
    if (err == CHT_OK) {
        struct cht_buf again = { .limit = LIMIT_FRAME_BYTES };
        must(net_frame_encode(&f, &again) == CHT_OK);
        must(cht_bytes_eq(src, cht_buf_view(&again)));
        cht_buf_clear(&again);
    }
    cht_arena_clear(&arena);
    return 0;
}
