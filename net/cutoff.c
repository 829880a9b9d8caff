/* Cut-offs: the tips up to which a ruling leaves a device's entries in force; see record.h
 * (PROTOCOL 7.20). */
#include "net/record.h"

#include <stdlib.h>

/* Ascending by (epoch, seq as a number, hash). */
static int tip_cmp(const struct net_tip *a, const struct net_tip *b)
{
    int order = memcmp(a->epoch, b->epoch, CRDT_EPOCH_BYTES);
    if (order != 0)
        return order;
    if (a->seq != b->seq)
        return a->seq < b->seq ? -1 : 1;
    return memcmp(a->hash.b, b->hash.b, CRDT_HASH_BYTES);
}

static int compare(const void *a, const void *b)
{
    return tip_cmp(a, b);
}

/* --- reading ------------------------------------------------------------------------------- */

static void read_tip(struct cht_wire *w, struct net_tip *out)
{
    cht_wire_copy(w, out->epoch, CRDT_EPOCH_BYTES);
    out->seq = (uint32_t)cht_wire_varint_max(w, UINT32_MAX);
    cht_wire_copy(w, out->hash.b, CRDT_HASH_BYTES);
    if (out->seq == 0)
        cht_wire_fail(w, CHT_E_MALFORMED);
}

struct cht_bytes net_cutoff_read(struct cht_wire *w)
{
    const uint8_t *start = w->at;
    uint64_t count = cht_wire_varint_max(w, LIMIT_CUTOFF_TIPS);
    struct net_tip last = { .seq = 0 }, tip;
    for (uint64_t i = 0; i < count && w->err == CHT_OK; i++) {
        read_tip(w, &tip);
        if (i > 0 && tip_cmp(&last, &tip) >= 0)
            cht_wire_fail(w, CHT_E_MALFORMED); /* sorted: one encoding */
        last = tip;
    }
    return w->err == CHT_OK ? cht_bytes(start, (size_t)(w->at - start)) : cht_bytes(NULL, 0);
}

struct cht_wire net_cutoff_begin(struct cht_bytes cutoff)
{
    struct cht_wire w = cht_wire(cutoff);
    (void)cht_wire_varint(&w);
    return w;
}

bool net_cutoff_next(struct cht_wire *w, struct net_tip *out)
{
    struct net_tip tip;
    if (cht_wire_left(w) == 0)
        return false;
    read_tip(w, &tip);
    if (w->err != CHT_OK)
        return false;
    *out = tip;
    return true;
}

/* --- writing ------------------------------------------------------------------------------- */

enum cht_err net_cutoff_put(const struct net_tip *tips, size_t count, struct cht_buf *out)
{
    struct net_tip sorted[LIMIT_CUTOFF_TIPS];
    if (count > LIMIT_CUTOFF_TIPS)
        return CHT_E_LIMIT;
    if (count != 0)
        memcpy(sorted, tips, count * sizeof *tips);
    qsort(sorted, count, sizeof sorted[0], compare);
    for (size_t i = 0; i < count; i++) {
        if (sorted[i].seq == 0 || (i > 0 && tip_cmp(&sorted[i - 1], &sorted[i]) == 0))
            return CHT_E_INVALID;
    }
    size_t start = out->len;
    enum cht_err err = cht_buf_add_varint(out, count);
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        err = cht_buf_add(out, cht_bytes(sorted[i].epoch, CRDT_EPOCH_BYTES));
        if (err == CHT_OK)
            err = cht_buf_add_varint(out, sorted[i].seq);
        if (err == CHT_OK)
            err = cht_buf_add(out, cht_bytes(sorted[i].hash.b, CRDT_HASH_BYTES));
    }
    if (err != CHT_OK)
        out->len = start;
    return err;
}
