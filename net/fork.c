/* Fork proofs as bytes; see fork.h (PROTOCOL 4.4). */
#include "net/fork.h"

#include "net/identity.h"

#include <assert.h>

#define FORK_VERSION 1u

int net_fork_id_cmp(const struct net_fork_id *a, const struct net_fork_id *b)
{
    int device = memcmp(a->device, b->device, sizeof a->device);
    return device != 0 ? device : memcmp(a->epoch, b->epoch, sizeof a->epoch);
}

static enum cht_err add_branch(const struct net_fork_branch *b, struct cht_buf *out)
{
    assert(b->count >= 1 && b->count <= LIMIT_HEAD_ENTRIES);
    enum cht_err err = cht_buf_add_varint(out, b->count);
    for (uint32_t i = 0; err == CHT_OK && i < b->count; i++) {
        err = cht_buf_add_varint(out, b->headers[i].len);
        if (err == CHT_OK)
            err = cht_buf_add(out, b->headers[i]);
    }
    return err == CHT_OK ? cht_buf_add(out, cht_bytes(b->head, sizeof b->head)) : err;
}

enum cht_err net_fork_encode(const struct net_fork *fork, struct cht_buf *out)
{
    const struct crdt_hash a = crdt_hash_of(fork->branches[0].headers[0]);
    const struct crdt_hash b = crdt_hash_of(fork->branches[1].headers[0]);
    size_t start = out->len, first = memcmp(a.b, b.b, CRDT_HASH_BYTES) < 0 ? 0 : 1;
    enum cht_err err = cht_buf_add_u8(out, FORK_VERSION);
    if (err == CHT_OK)
        err = cht_buf_add(out, cht_bytes(fork->sign_pk, sizeof fork->sign_pk));
    if (err == CHT_OK)
        err = add_branch(&fork->branches[first], out);
    if (err == CHT_OK)
        err = add_branch(&fork->branches[1 - first], out);
    if (err == CHT_OK && out->len - start > LIMIT_FORK_BYTES)
        err = CHT_E_LIMIT;
    if (err != CHT_OK)
        out->len = start;
    return err;
}

/* The header at the cursor. */
static struct cht_bytes read_header(struct cht_wire *w, struct cht_arena *arena,
                                    struct crdt_header *out)
{
    struct cht_bytes bytes = cht_wire_take(w, (size_t)cht_wire_varint_max(w, LIMIT_HEADER_BYTES));
    if (w->err == CHT_OK) {
        enum cht_err err = crdt_header_decode(bytes, arena, out);
        if (err != CHT_OK)
            cht_wire_fail(w, err);
    }
    return bytes;
}

/* One branch; `first` is what its first header says. */
static void read_branch(struct cht_wire *w, struct cht_arena *arena, struct net_fork_branch *out,
                        struct crdt_header *first)
{
    uint32_t count = (uint32_t)cht_wire_varint_max(w, LIMIT_HEAD_ENTRIES);
    if (count == 0 || count > cht_wire_left(w))
        cht_wire_fail(w, CHT_E_MALFORMED);
    struct cht_bytes *headers =
        w->err == CHT_OK ? cht_arena_array(arena, count, sizeof *headers) : NULL;
    if (headers == NULL) {
        cht_wire_fail(w, CHT_E_NOMEM); /* an earlier error stays */
        return;
    }
    struct crdt_header h = { 0 };
    for (uint32_t i = 0; i < count && w->err == CHT_OK; i++) {
        headers[i] = read_header(w, arena, &h);
        if (w->err != CHT_OK)
            return;
        if (i == 0)
            *first = h;
        else if (!crdt_hash_eq(&h.prev, &out->last) || h.seq != first->seq + i ||
                 memcmp(h.device, first->device, CRDT_ID_BYTES) != 0 ||
                 memcmp(h.space, first->space, CRDT_ID_BYTES) != 0)
            cht_wire_fail(w, CHT_E_MALFORMED);
        out->last = crdt_hash_of(headers[i]);
        if (i == 0)
            out->first = out->last;
    }
    cht_wire_copy(w, out->head, sizeof out->head);
    out->count = count;
    out->headers = headers;
}

enum cht_err net_fork_decode(struct cht_bytes src, struct cht_arena *arena, struct net_fork *out)
{
    struct net_fork f = { .seq = 0 };
    struct crdt_header first[2] = { 0 };
    uint8_t device[CRDT_ID_BYTES];
    if (src.len > LIMIT_FORK_BYTES)
        return CHT_E_LIMIT;
    struct cht_wire w = cht_wire(src);
    if (cht_wire_u8(&w) != FORK_VERSION)
        return w.err == CHT_OK ? CHT_E_UNSUPPORTED : w.err;
    cht_wire_copy(&w, f.sign_pk, sizeof f.sign_pk);
    for (int i = 0; i < 2 && w.err == CHT_OK; i++)
        read_branch(&w, arena, &f.branches[i], &first[i]);
    enum cht_err err = cht_wire_end(&w);
    if (err != CHT_OK)
        return err;
    net_device_of(f.sign_pk, device);
    if (memcmp(first[0].device, device, sizeof device) != 0 ||
        memcmp(first[1].device, device, sizeof device) != 0 ||
        memcmp(first[0].space, first[1].space, CRDT_ID_BYTES) != 0 ||
        memcmp(first[0].epoch, first[1].epoch, CRDT_EPOCH_BYTES) != 0 ||
        first[0].seq != first[1].seq ||
        memcmp(f.branches[0].first.b, f.branches[1].first.b, CRDT_HASH_BYTES) >= 0)
        return CHT_E_MALFORMED;
    memcpy(f.space, first[0].space, sizeof f.space);
    memcpy(f.device, device, sizeof f.device);
    memcpy(f.epoch, first[0].epoch, sizeof f.epoch);
    f.seq = first[0].seq;
    *out = f;
    return CHT_OK;
}

enum cht_err net_fork_verify(const struct net_fork *fork)
{
    enum cht_err err = CHT_OK;
    for (int i = 0; i < 2 && err == CHT_OK; i++) {
        const struct net_fork_branch *b = &fork->branches[i];
        err = net_verify(NET_CONTEXT_HEAD, cht_bytes(b->last.b, CRDT_HASH_BYTES), fork->sign_pk,
                         b->head);
    }
    return err;
}
