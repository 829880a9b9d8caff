/* A replica's memory from its book and log; see load.h (PROTOCOL 10.2). */
#include "node/replica/load.h"

#include <stdio.h>
#include <stdlib.h>

struct node_replica *replica_new(struct node_store *store)
{
    struct node_replica *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->store = store;
    r->own_chain = CRDT_NO_CHAIN;
    r->over = true;
    cht_arena_init(&r->arena, LIMIT_TURN_BYTES);
    cht_buf_init(&r->scratch, LIMIT_TURN_BYTES);
    cht_buf_init(&r->own_pasts, LIMIT_TURN_BYTES);
    crdt_graph_init(&r->graph, replica_source(r));
    return r;
}

static void free_list(struct replica_list *l)
{
    free(l->items);
    *l = (struct replica_list){ 0 };
}

void replica_free(struct node_replica *r)
{
    if (r == NULL)
        return;
    replica_rows_clear(r);
    replica_cache_clear(r);
    struct replica_list *lists[] = { &r->dirty,    &r->rows,   &r->own,          &r->own_notes,
                                     &r->own_txns, &r->spelt,  &r->actors_spelt, &r->voids,
                                     &r->numbers,  &r->epochs, &r->touched,      &r->answers,
                                     &r->tickets,  &r->metas };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        free_list(lists[i]);
    free(r->waits);
    replica_forks_clear(r);
    replica_ruled_clear(r);
    node_index_clear(&r->entities);
    node_index_clear(&r->actors);
    crdt_graph_clear(&r->graph);
    net_members_free(r->members);
    cht_arena_clear(&r->arena);
    cht_buf_clear(&r->scratch);
    cht_buf_clear(&r->own_pasts);
    free(r);
}

static enum cht_err load_record(void *ctx, uint32_t n, struct cht_bytes record)
{
    struct node_replica *r = ctx;
    if (n != net_members_count(r->members) + 1)
        return CHT_E_CORRUPT;
    enum cht_err err = net_members_add(r->members, record);
    return err == CHT_OK || err == CHT_E_NOMEM ? err : CHT_E_CORRUPT;
}

static enum cht_err load_device(void *ctx, uint32_t n, const uint8_t *id)
{
    struct node_replica *r = ctx;
    uint32_t got;
    enum cht_err err = crdt_graph_device(&r->graph, id, &got);
    return err == CHT_OK && got != n ? CHT_E_CORRUPT : err;
}

static enum cht_err load_chain(void *ctx, uint32_t n, uint32_t device, uint32_t parent,
                               uint32_t branch_seq)
{
    struct node_replica *r = ctx;
    bool rooted = parent == CRDT_NO_CHAIN;
    if (n != r->graph.chain_count || device >= r->graph.device_count || (!rooted && parent >= n) ||
        rooted != (branch_seq == 0))
        return CHT_E_CORRUPT;
    uint32_t got;
    return crdt_graph_open_chain(&r->graph, device, parent, branch_seq, &got);
}

static enum cht_err load_epoch(void *ctx, struct crdt_place from, const uint8_t *epoch)
{
    struct node_replica *r = ctx;
    if (from.chain >= r->graph.chain_count)
        return CHT_E_CORRUPT;
    struct crdt_graph_tip tip = { .seq = from.seq };
    memcpy(tip.epoch, epoch, CRDT_EPOCH_BYTES);
    struct crdt_graph_chain *c = &r->graph.chains[from.chain];
    if (from.seq <= c->stored.seq ||
        (c->epoch_count != 0 && memcmp(c->stored.epoch, epoch, CRDT_EPOCH_BYTES) == 0))
        return CHT_E_CORRUPT;
    c->stored.seq = from.seq - 1; /* the tip itself is set from the log below */
    return crdt_graph_stored(&r->graph, from.chain, from.seq, &tip);
}

static enum cht_err load_spelt(struct node_index *x, uint32_t n, const struct crdt_id *id,
                               struct crdt_place spelt)
{
    if (n < x->count)
        return crdt_id_eq(&x->slots[n].id, id) ? node_index_spelt(x, n, spelt) : CHT_E_CORRUPT;
    uint32_t got;
    if (n != x->count || node_index_find(x, id) != INDEX_NONE)
        return CHT_E_CORRUPT;
    return node_index_add(x, id, spelt, &got);
}

static enum cht_err load_entity(void *ctx, uint32_t n, const struct crdt_id *id,
                                struct crdt_place spelt)
{
    struct node_replica *r = ctx;
    return load_spelt(&r->entities, n, id, spelt);
}

static enum cht_err load_actor(void *ctx, uint32_t n, const struct crdt_id *id,
                               struct crdt_place spelt)
{
    struct node_replica *r = ctx;
    return load_spelt(&r->actors, n, id, spelt);
}

/* The stored tip of each chain is the end of its last row. */
static enum cht_err load_tips(struct node_replica *r)
{
    for (uint32_t c = 0; c < r->graph.chain_count; c++) {
        struct crdt_graph_chain *chain = &r->graph.chains[c];
        struct node_log_row row;
        enum cht_err err = node_log_last(r->store, c, &row);
        if (err != CHT_OK)
            return err == CHT_E_NOTFOUND ? CHT_E_CORRUPT : err;
        if (chain->epoch_count == 0 || chain->epochs[0].seq != chain->branch_seq + 1 ||
            row.first.seq + row.count - 1 < chain->stored.seq)
            return CHT_E_CORRUPT;
        chain->stored.seq = row.first.seq + row.count - 1;
        memcpy(chain->stored.hash.b, row.tip.data, CRDT_HASH_BYTES);
        memcpy(chain->stored.epoch, chain->epochs[chain->epoch_count - 1].epoch, CRDT_EPOCH_BYTES);
        chain->stored.hlc = row.stamp;
        memset(chain->marks, 0, sizeof chain->marks);
        chain->marks[0].seq = chain->stored.seq;
        chain->marks[0].hash = chain->stored.hash;
        chain->mark_next = 1;
        r->entry_count += chain->stored.seq - chain->branch_seq;
    }
    return CHT_OK;
}

/* Damage found while loading, with the table's name. */
static enum cht_err misfit(struct cht_error *detail, const char *table)
{
    char text[CHT_ERROR_TEXT_MAX];
    (void)snprintf(text, sizeof text,
                   "table %s of the database is damaged: run 'chitty-node verify'", table);
    return cht_fail(detail, CHT_E_CORRUPT, text);
}

struct part {
    const char *table;
    struct node_book_reader reader;
};

/* One table after the other, so that the one that is damaged can be named. */
static enum cht_err load_parts(struct node_replica *r, const struct part *parts, size_t count,
                               struct cht_error *detail)
{
    for (size_t i = 0; i < count; i++) {
        struct node_book_reader reader = parts[i].reader;
        reader.ctx = r;
        enum cht_err err = node_book_read(r->store, &reader);
        if (err == CHT_E_CORRUPT || err == CHT_E_NOTFOUND)
            return misfit(detail, parts[i].table);
        if (err != CHT_OK)
            return err;
    }
    return CHT_OK;
}

static enum cht_err load_space(struct node_replica *r)
{
    struct cht_buf space;
    cht_buf_init(&space, 64);
    enum cht_err err = node_store_get_meta(r->store, "space", &space);
    if (err == CHT_E_NOTFOUND || (err == CHT_OK && space.len != CRDT_ID_BYTES))
        err = CHT_E_CORRUPT;
    if (err == CHT_OK) {
        memcpy(r->space, space.data, CRDT_ID_BYTES);
        r->members = net_members_new(r->space);
        err = r->members == NULL ? CHT_E_NOMEM : CHT_OK;
    }
    cht_buf_clear(&space);
    return err;
}

#define HEADS_SUM_BYTES 8u

static struct crdt_hash sum_heads(const struct net_members *m)
{
    uint32_t count;
    const struct crdt_hash *heads = net_members_heads(m, &count);
    return crdt_hash_of(cht_bytes(heads, count * sizeof *heads));
}

enum cht_err replica_keep_heads(struct node_store *store, const struct net_members *m)
{
    struct crdt_hash sum = sum_heads(m);
    return node_store_put_meta(store, "records", cht_bytes(sum.b, HEADS_SUM_BYTES));
}

static enum cht_err check_heads(struct node_replica *r)
{
    struct cht_buf kept;
    struct crdt_hash sum = sum_heads(r->members);
    cht_buf_init(&kept, 64);
    enum cht_err err = node_store_get_meta(r->store, "records", &kept);
    if (err == CHT_E_NOTFOUND ||
        (err == CHT_OK && !cht_bytes_eq(cht_buf_view(&kept), cht_bytes(sum.b, HEADS_SUM_BYTES))))
        err = CHT_E_CORRUPT;
    cht_buf_clear(&kept);
    return err;
}

enum cht_err replica_load_book(struct node_replica *r, struct cht_error *detail)
{
    static const struct part parts[] = {
        { "record", { .record = load_record } },
        { "author", { .device = load_device } },
        { "chain or author", { .chain = load_chain } },
        { "epoch or chain", { .epoch = load_epoch } },
        { "entity", { .entity = load_entity } },
        { "actor", { .actor = load_actor } },
    };
    enum cht_err err = load_space(r);
    if (err == CHT_E_CORRUPT)
        return misfit(detail, "meta");
    if (err == CHT_OK) {
        net_members_loading(r->members);
        err = load_parts(r, parts, sizeof parts / sizeof parts[0], detail);
        net_members_loaded(r->members);
    }
    if (err == CHT_OK && check_heads(r) == CHT_E_CORRUPT)
        return misfit(detail, "record or meta");
    if (err != CHT_OK)
        return err;
    err = load_tips(r);
    if (err == CHT_E_CORRUPT)
        return misfit(detail, "log or chain");
    r->devices_kept = r->graph.device_count;
    r->chains_kept = r->graph.chain_count;
    r->records_kept = net_members_count(r->members);
    return err;
}

static enum cht_err load_number(void *ctx, uint32_t chain, uint32_t k,
                                const struct crdt_graph_number *number)
{
    struct node_replica *r = ctx;
    if (chain >= r->graph.chain_count || number->device >= r->graph.device_count)
        return CHT_E_CORRUPT;
    struct crdt_graph_chain *c = &r->graph.chains[chain];
    /* a number of an entry beyond the position is noted again when that entry is applied */
    if (number->seq > c->applied.seq)
        return CHT_OK;
    if (k < c->number_count)
        return CHT_OK; /* shared with the parent */
    if (k != c->number_count)
        return CHT_E_CORRUPT;
    struct crdt_graph_number *grown = realloc(c->numbers, (k + 1) * sizeof *grown);
    if (grown == NULL)
        return CHT_E_NOMEM;
    c->numbers = grown;
    grown[c->number_count++] = *number;
    return CHT_OK;
}

static enum cht_err load_position(void *ctx, uint32_t chain, uint32_t seq, uint32_t stored)
{
    struct node_replica *r = ctx;
    if (chain >= r->graph.chain_count)
        return CHT_E_CORRUPT;
    struct crdt_graph_chain *c = &r->graph.chains[chain];
    if (seq > stored || stored > c->stored.seq || seq < c->branch_seq)
        return CHT_E_CORRUPT;
    if (seq == c->branch_seq)
        return CHT_OK; /* nothing of its own applied yet */
    struct crdt_place at = { chain, seq };
    struct crdt_before before;
    enum cht_err err = replica_before(r, at, crdt_graph_device_id(&r->graph, chain), &before);
    if (err == CHT_OK)
        err = r->graph.source.past_at(r, at, &c->past);
    if (err == CHT_OK)
        err = crdt_vector_raise(&r->graph.applied, chain, seq);
    if (err != CHT_OK)
        return err;
    c->applied = (struct crdt_graph_tip){ .seq = seq, .hash = before.hash, .hlc = before.hlc };
    memcpy(c->applied.epoch, before.epoch, CRDT_EPOCH_BYTES);
    c->open = true;
    return CHT_OK;
}

static enum cht_err count_void(void *ctx, struct crdt_place at, uint32_t op, const char *why)
{
    struct node_replica *r = ctx;
    if (at.chain >= r->graph.chain_count || at.seq > r->graph.chains[at.chain].applied.seq)
        return CHT_OK; /* counted and judged when it is applied again */
    if (op == NODE_VOID_RULED)
        return replica_ruled_load(r, at, why);
    r->void_count++;
    return CHT_OK;
}

/* The root and the positions' sum that were written with the typed tables. */
static enum cht_err load_root(struct node_replica *r)
{
    struct cht_buf root, sum;
    uint8_t positions[NODE_POSITIONS_SUM_BYTES];
    cht_buf_init(&root, 64);
    cht_buf_init(&sum, 64);
    enum cht_err err = node_book_sum_positions(r->store, positions);
    enum cht_err has = err == CHT_OK ? node_store_get_meta(r->store, "positions", &sum) : err;
    if (has == CHT_OK)
        has = node_store_get_meta(r->store, "root", &root);
    if (has == CHT_OK && root.len == CRDT_HASH_BYTES &&
        cht_bytes_eq(cht_buf_view(&sum), cht_bytes(positions, sizeof positions)))
        crdt_root_from(root.data, &r->root);
    else if (has == CHT_OK || (has == CHT_E_NOTFOUND && r->graph.applied.len != 0))
        err = CHT_E_CORRUPT;
    else if (has != CHT_E_NOTFOUND) /* else nothing was ever written back */
        err = has;
    cht_buf_clear(&root);
    cht_buf_clear(&sum);
    return err;
}

enum cht_err replica_load_positions(struct node_replica *r, struct cht_error *detail)
{
    static const struct part parts[] = {
        { "position", { .position = load_position } },
        { "number", { .number = load_number } },
        { "void", { .voided = count_void } },
    };
    enum cht_err err = load_parts(r, parts, sizeof parts / sizeof parts[0], detail);
    if (err != CHT_OK)
        return err;
    err = replica_ruled_loaded(r);
    if (err == CHT_OK)
        err = load_root(r);
    return err == CHT_E_CORRUPT ? misfit(detail, "meta or position") : err;
}

enum cht_err replica_replay(struct node_replica *r, uint64_t now_ms)
{
    bool more = true;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && more) {
        replica_turn(r);
        err = replica_apply_ready(r, now_ms, &more);
        if (err == CHT_OK)
            err = node_replica_commit(r, r->writable);
    }
    return err;
}

enum cht_err replica_reset(struct node_replica *r)
{
    replica_turn(r);
    replica_cache_clear(r);
    replica_ruled_clear(r);
    node_index_clear(&r->entities);
    node_index_clear(&r->actors);
    crdt_graph_clear(&r->graph);
    net_members_free(r->members);
    r->members = NULL;
    r->root = (struct crdt_root){ 0 };
    r->scrub = (struct replica_scrub){ 0 };
    r->entry_count = r->void_count = 0;
    r->own_chain = CRDT_NO_CHAIN;
    r->lagging = false;
    if (r->wait_cap != 0)
        memset(r->waits, 0, r->wait_cap * sizeof *r->waits);
    r->heads_named = 0;
    enum cht_err err = replica_load_book(r, NULL);
    return err == CHT_OK ? replica_load_positions(r, NULL) : err;
}
