/* The log as the replica sees it: rows of this turn first, then those in the file; see own.h. */
#include "node/replica/own.h"

#include <assert.h>
#include <stdlib.h>

void replica_rows_clear(struct node_replica *r)
{
    struct replica_row **rows = r->rows.items;
    for (size_t i = 0; i < r->rows.count; i++) {
        cht_buf_clear(&rows[i]->pasts);
    }
    r->rows.count = 0;
}

enum cht_err replica_row_new(struct node_replica *r, struct replica_row **out)
{
    struct replica_row *row = cht_arena_alloc(&r->arena, sizeof *row);
    if (row == NULL)
        return CHT_E_NOMEM;
    cht_buf_init(&row->pasts, SIZE_MAX);
    enum cht_err err = replica_push(&r->rows, &row, sizeof row);
    if (err == CHT_OK)
        *out = row;
    return err;
}

static struct replica_row *row_of_turn(const struct node_replica *r, struct crdt_place at)
{
    struct replica_row **rows = r->rows.items;
    for (size_t i = r->rows.count; i-- != 0;) {
        if (rows[i]->first.chain == at.chain && at.seq - rows[i]->first.seq < rows[i]->count)
            return rows[i];
    }
    return NULL;
}

/* An own entry of this turn that has no row before the turn is sealed; NULL. */
static const struct crdt_entry *own_of_turn(const struct node_replica *r, struct crdt_place at)
{
    const struct crdt_entry *own = r->own.items;
    if (r->own.count == 0 || at.chain != r->own_chain || at.seq < own[0].header.seq ||
        at.seq - own[0].header.seq >= r->own.count)
        return NULL;
    return &own[at.seq - own[0].header.seq];
}

const struct replica_row *replica_row_of_turn(const struct node_replica *r, struct crdt_place at)
{
    return row_of_turn(r, at);
}

static enum cht_err copy_row(const struct node_log_row *from, struct cht_arena *arena,
                             struct replica_row *out)
{
    *out = (struct replica_row){
        .first = from->first,
        .count = from->count,
        .codec = from->codec,
        .stamp = from->stamp,
    };
    memcpy(out->head, from->head.data, CRDT_SIG_BYTES);
    memcpy(out->tip.b, from->tip.data, CRDT_HASH_BYTES);
    cht_buf_init(&out->pasts, SIZE_MAX);
    return cht_arena_copy(arena, from->payload, &out->payload);
}

static enum cht_err decode_row(struct node_replica *r, struct replica_row *row,
                               struct cht_arena *arena)
{
    struct crdt_before before;
    struct crdt_place prev = { row->first.chain, row->first.seq - 1 };
    enum cht_err err =
        replica_before(r, prev, crdt_graph_device_id(&r->graph, row->first.chain), &before);
    if (err == CHT_OK)
        err =
            crdt_range_decode(&before, row->count, row->codec, row->payload, arena, &row->entries);
    if (err == CHT_OK && !crdt_hash_eq(&row->entries[row->count - 1].hash, &row->tip))
        err = CHT_E_CORRUPT;
    /* what the log holds was checked when it came: bad bytes now are damage */
    return err == CHT_E_MALFORMED || err == CHT_E_SIGNATURE ? CHT_E_CORRUPT : err;
}

enum cht_err replica_row_at(struct node_replica *r, struct crdt_place at, struct cht_arena *arena,
                            struct replica_row *out)
{
    at = crdt_graph_on_path(&r->graph, at.chain, at.seq);
    const struct replica_row *now = row_of_turn(r, at);
    if (now != NULL) {
        *out = *now;
        return CHT_OK;
    }
    struct node_log_row found;
    struct replica_row row;
    enum cht_err err = node_log_find(r->store, at, &found);
    if (err == CHT_OK)
        err = copy_row(&found, arena, &row);
    if (err == CHT_OK)
        err = decode_row(r, &row, arena);
    if (err == CHT_OK)
        *out = row;
    return err;
}

static enum cht_err unpack_entities(struct node_replica *r, struct cht_bytes packed,
                                    struct replica_row *row)
{
    /* those of earlier turns and those to come */
    row->entity_cap = 2 * row->count;
    row->entities = cht_arena_array(&r->arena, row->entity_cap, sizeof *row->entities);
    if (row->entities == NULL)
        return CHT_E_NOMEM;
    struct cht_wire w = cht_wire(packed);
    uint32_t n = 0;
    while (w.err == CHT_OK && cht_wire_left(&w) != 0 && row->entity_count < row->count) {
        n += (uint32_t)cht_wire_varint_max(&w, UINT32_MAX);
        row->entities[row->entity_count++] = n;
    }
    return cht_wire_end(&w) == CHT_OK ? CHT_OK : CHT_E_CORRUPT;
}

enum cht_err replica_row_open(struct node_replica *r, struct crdt_place at,
                              struct replica_row **out)
{
    struct replica_row *row = row_of_turn(r, at);
    if (row != NULL) {
        *out = row;
        return CHT_OK;
    }
    struct node_log_row found;
    enum cht_err err = node_log_find(r->store, at, &found);
    if (err == CHT_OK)
        err = replica_row_new(r, &row);
    if (err != CHT_OK)
        return err;
    err = copy_row(&found, &r->arena, row);
    /* what the row notes counts only as far as entries of it are applied here; on a replay from
     * before it, it is noted anew */
    bool partly = r->graph.chains[at.chain].applied.seq >= row->first.seq;
    if (err == CHT_OK)
        err = unpack_entities(r, partly ? found.entities : cht_bytes(NULL, 0), row);
    if (err == CHT_OK && partly)
        err = cht_buf_add(&row->pasts, found.pasts);
    if (err == CHT_OK)
        err = decode_row(r, row, &r->arena);
    if (err == CHT_OK)
        *out = row;
    return err;
}

enum cht_err replica_before(struct node_replica *r, struct crdt_place at,
                            const uint8_t device[static CRDT_ID_BYTES], struct crdt_before *out)
{
    struct crdt_before b = { .seq = at.seq };
    memcpy(b.space, r->space, CRDT_ID_BYTES);
    memcpy(b.device, device, CRDT_ID_BYTES);
    if (at.seq == 0) {
        *out = b;
        return CHT_OK;
    }
    at = crdt_graph_on_path(&r->graph, at.chain, at.seq);
    const struct crdt_graph_tip *tip = &r->graph.chains[at.chain].stored;
    memcpy(b.epoch, crdt_graph_epoch(&r->graph, at), CRDT_EPOCH_BYTES);
    if (tip->seq == at.seq) {
        b.hash = tip->hash;
        b.hlc = tip->hlc;
        *out = b;
        return CHT_OK;
    }
    const struct crdt_entry *own = own_of_turn(r, at);
    if (own != NULL) {
        b.hash = own->hash;
        b.hlc = own->header.hlc;
        *out = b;
        return CHT_OK;
    }
    const struct replica_row *now = row_of_turn(r, at);
    struct node_log_row found;
    enum cht_err err = CHT_OK;
    if (now == NULL) {
        err = node_log_find(r->store, at, &found);
        if (err == CHT_OK && found.first.seq + found.count - 1 == at.seq) {
            memcpy(b.hash.b, found.tip.data, CRDT_HASH_BYTES);
            b.hlc = found.stamp;
            *out = b;
            return CHT_OK;
        }
    }
    struct cht_arena arena;
    cht_arena_init(&arena, LIMIT_TURN_BYTES);
    struct replica_row row;
    if (err == CHT_OK)
        err = replica_row_at(r, at, &arena, &row);
    if (err == CHT_OK) {
        const struct crdt_entry *e = &row.entries[at.seq - row.first.seq];
        b.hash = e->hash;
        b.hlc = e->header.hlc;
        *out = b;
    }
    cht_arena_clear(&arena);
    return err;
}

static enum cht_err source_hash(void *ctx, struct crdt_place at, struct crdt_hash *out)
{
    struct node_replica *r = ctx;
    struct crdt_before before;
    enum cht_err err = replica_before(r, at, crdt_graph_device_id(&r->graph, at.chain), &before);
    if (err == CHT_OK)
        *out = before.hash;
    return err;
}

/* The last past noted at or before the entry, then the entries of its own row up to it. */
static enum cht_err join_past(const struct node_replica *r, struct cht_bytes pasts,
                              struct crdt_place first, struct crdt_place at,
                              struct crdt_vector *out)
{
    struct cht_wire w = cht_wire(pasts), best = w;
    bool any = false;
    while (w.err == CHT_OK && cht_wire_left(&w) != 0) {
        uint64_t offset = cht_wire_varint(&w);
        if (offset > at.seq - first.seq)
            break;
        best = w;
        any = true;
        struct crdt_vector skip = { 0 };
        enum cht_err err = crdt_vector_unpack(&w, r->graph.chain_count, &skip);
        crdt_vector_clear(&skip);
        if (err != CHT_OK)
            return err;
    }
    if (!any)
        return CHT_E_CORRUPT;
    enum cht_err err = crdt_vector_unpack(&best, r->graph.chain_count, out);
    return err == CHT_OK ? crdt_vector_raise(out, at.chain, at.seq) : err;
}

/* Own entries of this turn have no row yet. */
static enum cht_err unsealed_past(const struct node_replica *r, struct crdt_place at,
                                  struct crdt_vector *out)
{
    const struct replica_own_note *notes = r->own_notes.items;
    size_t i = at.seq - r->own_before.seq;
    while (i-- != 0) {
        if (notes[i].past_len == 0)
            continue;
        struct cht_wire w =
            cht_wire(cht_bytes(r->own_pasts.data + notes[i].past_at, notes[i].past_len));
        enum cht_err err = crdt_vector_unpack(&w, r->graph.chain_count, out);
        return err == CHT_OK ? crdt_vector_raise(out, at.chain, at.seq) : err;
    }
    return CHT_E_NOTFOUND;
}

static enum cht_err source_past(void *ctx, struct crdt_place at, struct crdt_vector *out)
{
    struct node_replica *r = ctx;
    at = crdt_graph_on_path(&r->graph, at.chain, at.seq);
    if (own_of_turn(r, at) != NULL)
        return unsealed_past(r, at, out);
    const struct replica_row *now = row_of_turn(r, at);
    if (now != NULL && now->pasts.len != 0)
        return join_past(r, cht_buf_view(&now->pasts), now->first, at, out);
    struct node_log_row found;
    enum cht_err err = node_log_find(r->store, at, &found);
    return err == CHT_OK ? join_past(r, found.pasts, found.first, at, out) : err;
}

enum cht_err replica_past(struct node_replica *r, struct crdt_place at, struct crdt_vector *out)
{
    at = crdt_graph_on_path(&r->graph, at.chain, at.seq);
    enum cht_err err = source_past(r, at, out);
    if (err == CHT_OK && at.chain < out->len)
        out->seq[at.chain] = at.seq - 1 > r->graph.chains[at.chain].branch_seq ? at.seq - 1 : 0;
    return err;
}

struct crdt_graph_source replica_source(struct node_replica *r)
{
    return (struct crdt_graph_source){ .ctx = r, .hash_at = source_hash, .past_at = source_past };
}

enum cht_err replica_stored(struct node_replica *r, uint32_t chain,
                            const struct crdt_entry *entries, uint32_t count)
{
    enum cht_err err = CHT_OK;
    r->lagging = true; /* positions tell how far the log goes */
    for (uint32_t i = 0, from = 0; err == CHT_OK && i < count; i++) {
        const struct crdt_entry *e = &entries[i];
        bool last = i + 1 == count ||
                    memcmp(e->header.epoch, entries[i + 1].header.epoch, CRDT_EPOCH_BYTES) != 0;
        if (!last)
            continue;
        struct crdt_graph_tip tip = { .seq = e->header.seq, .hash = e->hash, .hlc = e->header.hlc };
        memcpy(tip.epoch, e->header.epoch, CRDT_EPOCH_BYTES);
        uint32_t epochs = r->graph.chains[chain].epoch_count;
        err = crdt_graph_stored(&r->graph, chain, entries[from].header.seq, &tip);
        if (err == CHT_OK && r->graph.chains[chain].epoch_count != epochs) {
            struct replica_epoch row = { .from = { chain, entries[from].header.seq } };
            memcpy(row.epoch, tip.epoch, CRDT_EPOCH_BYTES);
            err = replica_push(&r->epochs, &row, sizeof row);
        }
        from = i + 1;
    }
    return err;
}
