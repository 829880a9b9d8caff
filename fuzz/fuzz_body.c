/* A body: its readable ops, written anew, read back as the same ops in the same bytes. */
/* covers: crdt/body.c */
#include "crdt/base/arena.h"
#include "crdt/entry.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void same_op(const struct crdt_op *a, const struct crdt_op *b)
{
    must(a->kind == b->kind && a->field == b->field && a->keep_count == b->keep_count);
    must(cht_bytes_eq(a->key, b->key) && cht_bytes_eq(a->value, b->value));
    must(b->fault == CHT_OK);
}

/* Write the `count` ops without a fault that stand first in `ops`, read them, write them again. */
static void write_and_read(struct crdt_op *ops, uint32_t count, struct cht_arena *arena)
{
    struct cht_buf once, twice;
    struct crdt_op *got = NULL;
    uint32_t got_count = 0;
    cht_buf_init(&once, LIMIT_BODY_BYTES);
    cht_buf_init(&twice, LIMIT_BODY_BYTES);
    must(crdt_body_encode(ops, count, &once) == CHT_OK);
    must(crdt_body_decode(cht_buf_view(&once), arena, &got, &got_count) == CHT_OK);
    must(got_count == count);
    for (uint32_t i = 0; i < count; i++)
        same_op(&ops[i], &got[i]);
    must(crdt_body_encode(got, got_count, &twice) == CHT_OK);
    must(cht_bytes_eq(cht_buf_view(&once), cht_buf_view(&twice)));
    cht_buf_clear(&once);
    cht_buf_clear(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cht_arena arena;
    struct crdt_op *ops = NULL;
    uint32_t count = 0;
    cht_arena_init(&arena, (size_t)32 << 20);
    enum cht_err err = crdt_body_decode(cht_bytes(data, len), &arena, &ops, &count);
    must(err == CHT_OK || err == CHT_E_MALFORMED || err == CHT_E_LIMIT || err == CHT_E_UNSUPPORTED);
    if (err == CHT_OK) {
        uint32_t readable = 0;
        for (uint32_t i = 0; i < count; i++)
            if (ops[i].fault == CHT_OK)
                ops[readable++] = ops[i];
        write_and_read(ops, readable, &arena);
    }
    cht_arena_clear(&arena);
    return 0;
}
