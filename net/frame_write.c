/* Frames to bytes (PROTOCOL 8.3 … 8.11). */
#include "net/frame.h"

#include <assert.h>

static enum cht_err add_bytes(struct cht_buf *out, const void *data, size_t len)
{
    return cht_buf_add(out, cht_bytes(data, len));
}

/* A varint length, then the bytes. */
static enum cht_err add_span(struct cht_buf *out, struct cht_bytes span)
{
    enum cht_err err = cht_buf_add_varint(out, span.len);
    return err == CHT_OK ? cht_buf_add(out, span) : err;
}

static enum cht_err add_tip(struct cht_buf *out, const struct crdt_dep *tip)
{
    enum cht_err err = add_bytes(out, tip->device, sizeof tip->device);
    if (err == CHT_OK)
        err = add_bytes(out, tip->epoch, sizeof tip->epoch);
    if (err == CHT_OK)
        err = cht_buf_add_varint(out, tip->seq);
    if (err == CHT_OK)
        err = add_bytes(out, tip->hash, sizeof tip->hash);
    return err;
}

static enum cht_err add_tips(struct cht_buf *out, const struct crdt_dep *tips, size_t count)
{
    assert(count <= LIMIT_VECTOR_TIPS);
    enum cht_err err = cht_buf_add_varint(out, count);
    for (size_t i = 0; i < count && err == CHT_OK; i++) {
        assert(i == 0 || crdt_dep_cmp(&tips[i - 1], &tips[i]) < 0);
        err = add_tip(out, &tips[i]);
    }
    return err;
}

static enum cht_err add_hashes(struct cht_buf *out, const struct crdt_hash *hashes, size_t count)
{
    assert(count <= LIMIT_HEADS_LISTED);
    enum cht_err err = cht_buf_add_varint(out, count);
    for (size_t i = 0; i < count && err == CHT_OK; i++)
        err = add_bytes(out, hashes[i].b, sizeof hashes[i].b);
    return err;
}

static enum cht_err write_hello(const struct net_hello *h, struct cht_buf *out)
{
    assert(h->space_count >= 1 && h->space_count <= LIMIT_SPACES);
    assert(h->endpoint_count <= LIMIT_ENDPOINTS);
    enum cht_err err = cht_buf_add_u8(out, h->version_min);
    if (err == CHT_OK)
        err = cht_buf_add_u8(out, h->version_max);
    if (err == CHT_OK)
        err = cht_buf_add_varint(out, h->level);
    if (err == CHT_OK)
        err = add_bytes(out, h->device, sizeof h->device);
    if (err == CHT_OK)
        err = add_bytes(out, h->run, sizeof h->run);
    if (err == CHT_OK)
        err = add_bytes(out, h->nonce, sizeof h->nonce);
    if (err == CHT_OK)
        err = cht_buf_add_varint(out, h->space_count);
    for (size_t i = 0; i < h->space_count && err == CHT_OK; i++)
        err = add_bytes(out, h->spaces[i], CRDT_ID_BYTES);
    if (err == CHT_OK)
        err = add_span(out, h->name);
    if (err == CHT_OK)
        err = cht_buf_add_varint(out, h->endpoint_count);
    for (size_t i = 0; i < h->endpoint_count && err == CHT_OK; i++)
        err = add_span(out, h->endpoints[i]);
    return err;
}

static enum cht_err write_members(const struct net_members *m, struct cht_buf *out)
{
    enum cht_err err = add_hashes(out, m->heads, m->head_count);
    if (err == CHT_OK)
        err = cht_buf_add_varint(out, m->record_count);
    for (size_t i = 0; i < m->record_count && err == CHT_OK; i++)
        err = add_span(out, m->records[i]);
    return err;
}

static bool same_tips(const struct net_heads *h)
{
    if (h->stored_count != h->applied_count)
        return false;
    for (size_t i = 0; i < h->stored_count; i++) {
        if (crdt_dep_cmp(&h->stored[i], &h->applied[i]) != 0)
            return false;
    }
    return true;
}

static enum cht_err write_heads(const struct net_heads *h, struct cht_buf *out)
{
    bool same = same_tips(h);
    enum cht_err err = cht_buf_add_varint(out, h->level);
    if (err == CHT_OK)
        err = add_bytes(out, h->root.b, sizeof h->root.b);
    if (err == CHT_OK)
        err = add_hashes(out, h->member_heads, h->member_head_count);
    if (err == CHT_OK)
        err = add_tips(out, h->stored, h->stored_count);
    if (err == CHT_OK)
        err = cht_buf_add_u8(out, same ? 0 : 1);
    if (err == CHT_OK && !same)
        err = add_tips(out, h->applied, h->applied_count);
    return err;
}

static enum cht_err write_want(const struct net_want *w, struct cht_buf *out)
{
    enum cht_err err = add_tip(out, &w->tip);
    if (err == CHT_OK)
        err = cht_buf_add_varint(out, w->from);
    if (err == CHT_OK)
        err = add_bytes(out, w->before, sizeof w->before);
    if (err == CHT_OK)
        err = cht_buf_add_varint(out, w->credit);
    return err;
}

static enum cht_err write_range(const struct net_range_frame *r, struct cht_buf *out)
{
    assert(r->count >= 1 && r->count <= LIMIT_FRAME_RANGES);
    enum cht_err err = cht_buf_add_varint(out, r->count);
    for (size_t i = 0; i < r->count && err == CHT_OK; i++)
        err = crdt_range_write(&r->ranges[i], out);
    return err;
}

static enum cht_err write_ack(const struct net_ack *a, struct cht_buf *out)
{
    enum cht_err err = cht_buf_add_varint(out, a->frames);
    if (err == CHT_OK)
        err = cht_buf_add_varint(out, a->bytes);
    if (err == CHT_OK)
        err = cht_buf_add_u8(out, a->lost ? 1 : 0);
    if (err == CHT_OK)
        err = add_tips(out, a->tips, a->tip_count);
    return err;
}

static enum cht_err write_miss(const struct net_miss *m, struct cht_buf *out)
{
    assert(m->count <= LIMIT_MISS_ENTRIES);
    enum cht_err err = add_tip(out, &m->tip);
    if (err == CHT_OK)
        err = cht_buf_add_varint(out, m->from);
    if (err == CHT_OK)
        err = cht_buf_add_u8(out, m->held ? 1 : 0);
    if (err == CHT_OK)
        err = cht_buf_add_varint(out, m->count);
    for (size_t i = 0; i < m->count && err == CHT_OK; i++) {
        err = add_bytes(out, m->path[i].epoch, sizeof m->path[i].epoch);
        if (err == CHT_OK)
            err = cht_buf_add_varint(out, m->path[i].seq);
        if (err == CHT_OK)
            err = add_bytes(out, m->path[i].hash, sizeof m->path[i].hash);
    }
    return err;
}

static enum cht_err write_digest_ask(const struct net_digest_ask *a, struct cht_buf *out)
{
    assert(a->nibbles <= NET_PREFIX_NIBBLES_MAX);
    enum cht_err err = add_bytes(out, a->vector, sizeof a->vector);
    if (err == CHT_OK)
        err = cht_buf_add_u8(out, a->nibbles);
    if (err == CHT_OK)
        err = add_bytes(out, a->prefix, (a->nibbles + 1u) / 2u);
    return err;
}

static enum cht_err write_row(const struct net_row *r, struct cht_buf *out)
{
    enum cht_err err = cht_buf_add_u8(out, r->entity.type);
    if (err == CHT_OK)
        err = add_bytes(out, r->entity.b, sizeof r->entity.b);
    if (err == CHT_OK)
        err = cht_buf_add_varint(out, r->field);
    if (err == CHT_OK)
        err = add_span(out, r->key);
    if (err == CHT_OK)
        err = add_bytes(out, r->device, sizeof r->device);
    if (err == CHT_OK)
        err = add_bytes(out, r->epoch, sizeof r->epoch);
    if (err == CHT_OK)
        err = cht_buf_add_varint(out, r->seq);
    if (err == CHT_OK)
        err = cht_buf_add_varint(out, r->index);
    if (err == CHT_OK)
        err = add_bytes(out, r->term.b, sizeof r->term.b);
    return err;
}

static enum cht_err write_digest(const struct net_digest_answer *d, struct cht_buf *out)
{
    assert(d->row_count <= LIMIT_DIGEST_ROWS);
    enum cht_err err = write_digest_ask(&d->of, out);
    if (err == CHT_OK)
        err = cht_buf_add_u8(out, (uint8_t)d->form);
    if (d->form == NET_DIGEST_SUMS) {
        for (size_t i = 0; i < NET_DIGEST_CHILDREN && err == CHT_OK; i++) {
            err = add_bytes(out, d->parts[i].sum, sizeof d->parts[i].sum);
            if (err == CHT_OK)
                err = cht_buf_add_varint(out, d->parts[i].count);
        }
    } else if (d->form == NET_DIGEST_ROWS) {
        if (err == CHT_OK)
            err = cht_buf_add_varint(out, d->row_count);
        for (size_t i = 0; i < d->row_count && err == CHT_OK; i++)
            err = write_row(&d->rows[i], out);
    }
    return err;
}

static enum cht_err write_bye(const struct net_bye *b, struct cht_buf *out)
{
    assert(b->text.len <= LIMIT_BYE_BYTES);
    enum cht_err err = cht_buf_add_u8(out, (uint8_t)b->reason);
    return err == CHT_OK ? add_span(out, b->text) : err;
}

static enum cht_err write_fork(const struct net_fork_frame *k, struct cht_buf *out)
{
    assert(k->form == NET_FORK_PROOF || (k->count >= 1 && k->count <= LIMIT_FORKS));
    enum cht_err err = cht_buf_add_u8(out, (uint8_t)k->form);
    if (err == CHT_OK && k->form == NET_FORK_PROOF)
        return cht_buf_add(out, k->proof);
    if (err == CHT_OK && k->form == NET_FORK_TELL)
        err = cht_buf_add_varint(out, k->count);
    for (size_t i = 0; i < k->count && err == CHT_OK; i++) {
        err = add_bytes(out, k->ids[i].device, sizeof k->ids[i].device);
        if (err == CHT_OK)
            err = add_bytes(out, k->ids[i].epoch, sizeof k->ids[i].epoch);
    }
    return err;
}

static enum cht_err write_blob(const struct net_blob_frame *b, struct cht_buf *out)
{
    const bool sized = b->form == NET_BLOB_WANT || b->form == NET_BLOB_KEPT;
    assert(b->size <= LIMIT_BLOB_BYTES && b->bytes.len <= LIMIT_BLOB_CHUNK);
    enum cht_err err = cht_buf_add_u8(out, (uint8_t)b->form);
    if (err == CHT_OK)
        err = add_bytes(out, b->hash.b, sizeof b->hash.b);
    if (err == CHT_OK && sized)
        err = cht_buf_add_varint(out, b->size);
    if (err == CHT_OK && (b->form == NET_BLOB_WANT || b->form == NET_BLOB_DATA))
        err = cht_buf_add_varint(out, b->from);
    if (err == CHT_OK && b->form == NET_BLOB_WANT)
        err = cht_buf_add_varint(out, b->credit);
    return err == CHT_OK && b->form == NET_BLOB_DATA ? cht_buf_add(out, b->bytes) : err;
}

static enum cht_err write_body(const struct net_frame *f, struct cht_buf *out)
{
    switch (f->kind) {
    case NET_FRAME_HELLO:
        return write_hello(&f->hello, out);
    case NET_FRAME_MEMBERS:
        return write_members(&f->members, out);
    case NET_FRAME_HEADS:
        return write_heads(&f->heads, out);
    case NET_FRAME_WANT:
        return write_want(&f->want, out);
    case NET_FRAME_RANGE:
        return write_range(&f->range, out);
    case NET_FRAME_ACK:
        return write_ack(&f->ack, out);
    case NET_FRAME_MISS:
        return write_miss(&f->miss, out);
    case NET_FRAME_DIGEST_ASK:
        return write_digest_ask(&f->digest_ask, out);
    case NET_FRAME_DIGEST:
        return write_digest(&f->digest, out);
    case NET_FRAME_MESSAGE:
        return cht_buf_add(out, f->message);
    case NET_FRAME_BYE:
        return write_bye(&f->bye, out);
    case NET_FRAME_FORK:
        return write_fork(&f->fork, out);
    case NET_FRAME_BLOB:
        return write_blob(&f->blob, out);
    }
    return CHT_E_INTERNAL;
}

enum cht_err net_frame_encode(const struct net_frame *f, struct cht_buf *out)
{
    size_t start = out->len;
    enum cht_err err = cht_buf_add_u8(out, (uint8_t)f->kind);
    if (err == CHT_OK)
        err = add_bytes(out, f->nonce, sizeof f->nonce);
    if (err == CHT_OK)
        err = write_body(f, out);
    if (err == CHT_OK && out->len - start > net_frame_size_max(f->kind))
        err = CHT_E_LIMIT;
    if (err != CHT_OK)
        out->len = start;
    return err;
}

enum cht_err net_vector_id(const struct crdt_dep *tips, size_t count,
                           uint8_t out[NET_VECTOR_ID_BYTES])
{
    struct cht_buf bytes;
    cht_buf_init(&bytes, net_frame_size_max(NET_FRAME_HEADS));
    enum cht_err err = add_tips(&bytes, tips, count);
    if (err == CHT_OK) {
        struct crdt_hash hash = crdt_hash_of(cht_buf_view(&bytes));
        memcpy(out, hash.b, NET_VECTOR_ID_BYTES);
    }
    cht_buf_clear(&bytes);
    return err;
}
