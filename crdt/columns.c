/* What both ends of the column codec work out alike; see columns.h (PROTOCOL 4.3). */
#include "crdt/columns.h"

#include <assert.h>

#define FIELD_LOW_BITS 7u
#define FIELD_BUCKETS  (1u << FIELD_LOW_BITS)

static_assert(LIMIT_FIELD_MAX < FIELD_BUCKETS * FIELD_BUCKETS, "two passes sort every field");

struct crdt_ref crdt_columns_same(const struct crdt_ref *r, uint32_t seq)
{
    if (r->form != CRDT_REF_SPELT)
        return *r;
    return (struct crdt_ref){ .form = CRDT_REF_NAMED, .name = { .number = 0, .seq = seq } };
}

void crdt_columns_txn(const struct crdt_header *before, uint32_t *position, uint32_t *count)
{
    bool within = before != NULL && before->txn_position + 1 < before->txn_count;
    *position = within ? before->txn_position + 1 : 0;
    *count = within ? before->txn_count : 1;
}

uint16_t crdt_columns_counter(crdt_hlc_stamp before, uint64_t ms)
{
    return ms == 0 ? (uint16_t)(crdt_hlc_counter(before) + 1u) : 0;
}

/* One stable counting pass over seven bits of the field. */
static void order_pass(const uint16_t *fields, uint32_t count, unsigned shift, const uint32_t *from,
                       uint32_t *to)
{
    uint32_t starts[FIELD_BUCKETS] = { 0 };
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++)
        starts[fields[i] >> shift & (FIELD_BUCKETS - 1)]++;
    for (unsigned b = 0; b < FIELD_BUCKETS; b++) {
        uint32_t here = starts[b];
        starts[b] = at;
        at += here;
    }
    for (uint32_t i = 0; i < count; i++)
        to[starts[fields[from[i]] >> shift & (FIELD_BUCKETS - 1)]++] = from[i];
}

void crdt_columns_order(const uint16_t *fields, uint32_t count, uint32_t *spare, uint32_t *order)
{
    uint16_t any = 0;
    for (uint32_t i = 0; i < count; i++) {
        any |= fields[i];
        order[i] = i;
    }
    if (count < 2)
        return;
    order_pass(fields, count, 0, order, spare);
    if (any < FIELD_BUCKETS)
        memcpy(order, spare, count * sizeof *order);
    else
        order_pass(fields, count, FIELD_LOW_BITS, spare, order);
}
