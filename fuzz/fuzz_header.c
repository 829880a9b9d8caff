/* An entry's header: what is accepted has no other encoding (PROTOCOL 2.2). */
/* covers: crdt/entry.c */
#include "crdt/base/arena.h"
#include "crdt/entry.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cht_arena arena;
    struct crdt_header h;
    cht_arena_init(&arena, 64u * 1024);
    enum cht_err err = crdt_header_decode(cht_bytes(data, len), &arena, &h);
    must(err == CHT_OK || err == CHT_E_MALFORMED || err == CHT_E_LIMIT || err == CHT_E_UNSUPPORTED);
    if (err == CHT_OK) {
        struct cht_buf again;
        cht_buf_init(&again, LIMIT_HEADER_BYTES);
        must(crdt_header_encode(&h, &again) == CHT_OK);
        must(cht_bytes_eq(cht_bytes(data, len), cht_buf_view(&again)));
        cht_buf_clear(&again);
    }
    cht_arena_clear(&arena);
    return 0;
}
