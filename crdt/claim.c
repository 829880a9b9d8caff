/* Reading and ranking claims; see claim.h (PROTOCOL 5.4, 13.1). */
#include "crdt/claim.h"
#include "crdt/mp.h"

static int cmp_u64(uint64_t a, uint64_t b)
{
    return a == b ? 0 : (a < b ? -1 : 1);
}

/* An array of two integers, neither below zero. */
static void read_token(struct cht_bytes value, struct crdt_claim *out)
{
    struct cht_wire w = cht_wire(value);
    struct crdt_mp list = crdt_mp_next(&w);
    if (list.kind != CRDT_MP_ARRAY || list.u != 2)
        return;
    struct crdt_mp generation = crdt_mp_next(&w);
    if (generation.kind != CRDT_MP_UINT)
        return;
    struct crdt_mp counter = crdt_mp_next(&w);
    if (counter.kind != CRDT_MP_UINT)
        return;
    out->generation = generation.u;
    out->counter = counter.u;
}

static void read_member(size_t which, struct cht_bytes value, struct crdt_claim *out)
{
    struct crdt_mp v = crdt_mp_peek(value);
    if (which == 0 && v.kind == CRDT_MP_STR)
        out->holder = v.data;
    else if (which == 1 && v.kind == CRDT_MP_STR)
        out->device = v.data;
    else if (which == 2)
        read_token(value, out);
    else if (which == 3 && v.kind == CRDT_MP_UINT)
        out->at_ms = v.u;
    else if (which == 4)
        out->confirmed = v.kind == CRDT_MP_BOOL && v.u == 1;
}

struct crdt_claim crdt_claim_read(struct cht_bytes value)
{
    static const char *const names[] = { "holder", "device", "token", "at", "confirmed" };
    bool had[sizeof names / sizeof names[0]] = { 0 }; /* PROTOCOL 1.4: the first of equal keys */
    struct crdt_claim out = { 0 };
    struct cht_wire w = cht_wire(value);
    struct crdt_mp map = crdt_mp_next(&w);
    for (uint64_t i = 0; map.kind == CRDT_MP_MAP && i < map.u && w.err == CHT_OK; i++) {
        struct cht_bytes key = crdt_mp_pass(&w), member = crdt_mp_pass(&w);
        if (w.err != CHT_OK)
            break;
        struct crdt_mp k = crdt_mp_peek(key);
        for (size_t n = 0; k.kind == CRDT_MP_STR && n < sizeof names / sizeof names[0]; n++) {
            if (had[n] || !cht_bytes_eq(k.data, cht_bytes_str(names[n])))
                continue;
            had[n] = true;
            read_member(n, member, &out);
        }
    }
    return out;
}

int crdt_claim_cmp(const struct crdt_claim *a, const struct crdt_claim *b)
{
    int order = (a->holder.len != 0) - (b->holder.len != 0);
    if (order == 0)
        order = a->confirmed - b->confirmed;
    if (order == 0)
        order = cmp_u64(a->generation, b->generation);
    return order != 0 ? order : cmp_u64(a->counter, b->counter);
}
