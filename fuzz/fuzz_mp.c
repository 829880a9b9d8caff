/* The bounded msgpack reader: scanning, skipping and walking one document agree with each other. */
/* covers: crdt/mp.c */
#include "crdt/limits.h"
#include "crdt/mp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* Walk every object of an accepted document by its head alone, as the decoders do. */
static void walk(struct cht_bytes doc)
{
    struct cht_wire w = cht_wire(doc);
    uint64_t to_come = 1;
    while (to_come > 0) {
        struct crdt_mp got = crdt_mp_next(&w);
        must(w.err == CHT_OK);
        to_come--;
        if (got.kind == CRDT_MP_ARRAY)
            to_come += got.u;
        if (got.kind == CRDT_MP_MAP)
            to_come += got.u * 2;
        if (got.kind == CRDT_MP_STR)
            (void)crdt_utf8_valid(got.data);
    }
    must(cht_wire_end(&w) == CHT_OK);
}

/* Heads read one by one and heads passed over are refused alike, at the same place. */
static void compare_passing(struct cht_bytes doc)
{
    struct cht_wire read = cht_wire(doc), passed = cht_wire(doc);
    const struct cht_bytes whole = crdt_mp_pass(&passed);
    uint64_t to_come = 1;
    while (to_come > 0 && read.err == CHT_OK) {
        struct crdt_mp got = crdt_mp_next(&read);
        to_come--;
        if (got.kind == CRDT_MP_ARRAY || got.kind == CRDT_MP_MAP)
            to_come += got.kind == CRDT_MP_MAP ? got.u * 2 : got.u;
    }
    must(read.err == passed.err && read.at == passed.at);
    must(whole.len == (passed.err == CHT_OK ? (size_t)(passed.at - doc.data) : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cht_bytes doc = cht_bytes(data, len);
    enum cht_err err = crdt_mp_scan(doc, LIMIT_MSGPACK_DEPTH, LIMIT_MSGPACK_OBJECTS);
    must(err == CHT_OK || err == CHT_E_MALFORMED || err == CHT_E_LIMIT);
    struct cht_wire w = cht_wire(doc);
    struct cht_bytes got = crdt_mp_skip(&w);
    must(got.len <= len);
    if (err == CHT_OK) {
        must(w.err == CHT_OK && got.len == len);
        walk(doc);
    }
    compare_passing(doc);
    (void)crdt_utf8_valid(doc);
    return 0;
}
