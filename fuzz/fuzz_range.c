/* Ranges: what decodes is consistent in itself and comes back through the encoder.
 * The first byte says what follows: 0 to 2 the codec of a payload, after a byte of its count less
 * 1; else frames, one after the other. The entry before is always the same. */
/* covers: crdt/range.c crdt/columns.c crdt/columns_read.c crdt/columns_write.c */
#include "crdt/range.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void count_up(uint8_t *out, size_t len, uint8_t from)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(from + i);
}

/* The entry before in tests/vectors/range.hex. */
static struct crdt_before entry_before(void)
{
    struct crdt_before b = { .hlc = crdt_hlc_make(1763700000000, 4), .seq = 300 };
    count_up(b.space, sizeof b.space, 0x10);
    count_up(b.device, sizeof b.device, 0x20);
    count_up(b.epoch, sizeof b.epoch, 0x30);
    count_up(b.hash.b, sizeof b.hash.b, 0x50);
    return b;
}

static void consistent(const struct crdt_before *before, const struct crdt_entry *e, uint32_t count)
{
    const struct crdt_hash *prev = &before->hash;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t bytes[LIMIT_HEADER_BYTES];
        struct crdt_hash hash = crdt_hash_of(e[i].header_bytes);
        size_t size = crdt_header_put(&e[i].header, bytes); /* asserts that the header is sound */
        must(cht_bytes_eq(cht_bytes(bytes, size), e[i].header_bytes));
        must(crdt_hash_eq(&hash, &e[i].hash) && crdt_hash_eq(prev, &e[i].header.prev));
        must(e[i].header.seq == before->seq + 1 + i);
        if (e[i].body.data != NULL) {
            hash = crdt_hash_of(e[i].body);
            must(e[i].body.len == e[i].header.body_len);
            must(crdt_hash_eq(&hash, &e[i].header.body_hash));
        }
        prev = &e[i].hash;
    }
}

static void try_payload(const struct crdt_before *before, uint32_t count, enum crdt_codec codec,
                        struct cht_bytes payload)
{
    struct cht_arena arena;
    struct crdt_entry *first = NULL, *second = NULL;
    cht_arena_init(&arena, ARENA_BYTES);
    enum cht_err err = crdt_range_decode(before, count, codec, payload, &arena, &first);
    if (err == CHT_OK) {
        struct cht_buf again;
        cht_buf_init(&again, LIMIT_RANGE_BYTES);
        consistent(before, first, count);
        err = crdt_range_encode(before, first, count, &again, &codec);
        must(err == CHT_OK || err == CHT_E_LIMIT);
        if (err == CHT_OK) {
            must(crdt_range_decode(before, count, codec, cht_buf_view(&again), &arena, &second) ==
                 CHT_OK);
            must(crdt_hash_eq(&first[count - 1].hash, &second[count - 1].hash));
            for (uint32_t i = 0; i < count; i++) {
                must(cht_bytes_eq(first[i].body, second[i].body));
                must((first[i].body.data == NULL) == (second[i].body.data == NULL));
            }
        }
        cht_buf_clear(&again);
    }
    cht_arena_clear(&arena);
}

static void try_frames(struct crdt_before before, struct cht_bytes bytes)
{
    struct cht_wire w = cht_wire(bytes);
    struct crdt_range r;
    while (cht_wire_left(&w) > 0 && crdt_range_read(&w, &r) == CHT_OK) {
        struct cht_buf again;
        cht_buf_init(&again, bytes.len);
        must(crdt_range_write(&r, &again) == CHT_OK);
        must(again.len <= bytes.len && memcmp(again.data, w.at - again.len, again.len) == 0);
        cht_buf_clear(&again);
        before.seq = r.seq - 1;
        try_payload(&before, r.count, r.codec, r.payload);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct crdt_before before = entry_before();
    if (len < 2)
        return 0;
    if (data[0] <= CRDT_CODEC_COLUMNS)
        try_payload(&before, data[1] + 1u, (enum crdt_codec)data[0], cht_bytes(data + 2, len - 2));
    else
        try_frames(before, cht_bytes(data + 1, len - 1));
    return 0;
}
