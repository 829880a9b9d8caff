/* Making, opening and closing a replica; see replica.h. */
#include "node/replica/load.h"

#include <stdlib.h>

enum cht_err node_replica_create(const char *path, const uint8_t space[static CRDT_ID_BYTES],
                                 const struct cht_bytes *records, size_t count,
                                 struct cht_error *detail)
{
    struct node_store *store = NULL;
    struct net_members *members = net_members_new(space);
    enum cht_err err = members == NULL ? CHT_E_NOMEM : CHT_OK;
    if (err == CHT_OK)
        net_members_loading(members); /* nobody asks what counts */
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        err = net_members_add(members, records[i]);
    if (err == CHT_OK && (net_members_count(members) == 0 || net_members_waiting(members) != 0))
        err = CHT_E_INVALID;
    if (err != CHT_OK)
        (void)cht_fail(detail, err, "the space's membership records do not verify");
    if (err == CHT_OK)
        err = node_store_open(path, NODE_STORE_CREATE, detail, &store);
    if (err == CHT_OK)
        err = node_store_begin(store);
    if (err == CHT_OK)
        err = node_store_put_meta(store, "space", cht_bytes(space, CRDT_ID_BYTES));
    for (uint32_t i = 0; err == CHT_OK && i < net_members_count(members); i++)
        err = node_book_add_record(store, net_members_record(members, i, NULL));
    if (err == CHT_OK)
        err = replica_keep_heads(store, members);
    if (err == CHT_OK)
        err = node_store_commit(store);
    node_store_close(store);
    net_members_free(members);
    return err;
}

/* A node that restarts goes on above its own last stamps, and above those of others that are not
 * from the future. */
static void wind_clock(struct node_replica *r, uint64_t now_ms)
{
    for (uint32_t c = 0; c < r->graph.chain_count; c++) {
        const struct crdt_graph_chain *chain = &r->graph.chains[c];
        bool own = r->identity != NULL && memcmp(crdt_graph_device_id(&r->graph, c),
                                                 r->identity->device, CRDT_ID_BYTES) == 0;
        if (own && chain->stored.hlc > r->clock.last)
            r->clock.last = chain->stored.hlc;
        else
            (void)!crdt_hlc_follow(&r->clock, chain->stored.hlc, now_ms);
    }
}

enum cht_err node_replica_open(const struct node_replica_options *options, struct cht_error *detail,
                               struct node_replica **out)
{
    struct node_store *store;
    enum cht_err err = node_store_open(options->path, options->mode, detail, &store);
    if (err != CHT_OK)
        return err;
    struct node_replica *r = replica_new(store);
    if (r == NULL) {
        node_store_close(store);
        return cht_fail(detail, CHT_E_NOMEM, "out of memory");
    }
    r->writable = options->mode == NODE_STORE_WRITE;
    r->identity = options->identity;
    memcpy(r->epoch, options->epoch, CRDT_EPOCH_BYTES);
    r->draw = options->draw;
    r->draw_ctx = options->draw_ctx;
    r->started_ms = options->now_ms;
    if (detail != NULL)
        *detail = (struct cht_error){ 0 };
    err = replica_load_book(r, detail);
    if (err == CHT_OK)
        err = replica_load_positions(r, detail);
    if (err == CHT_OK)
        err = replica_forks_load(r);
    wind_clock(r, options->now_ms);
    if (err == CHT_OK)
        err = replica_replay(r, options->now_ms);
    if (err != CHT_OK) {
        if (detail != NULL && detail->text[0] == '\0')
            (void)cht_fail(detail, err,
                           err == CHT_E_CORRUPT
                               ? "the database is damaged: run 'chitty-node verify'"
                               : node_store_message(store));
        replica_free(r);
        node_store_close(store);
        return err;
    }
    *out = r;
    return CHT_OK;
}

void node_replica_close(struct node_replica *r)
{
    if (r == NULL)
        return;
    struct node_store *store = r->store;
    if (!r->broken && r->writable) {
        (void)!node_replica_commit(r, true); /* what is not written back is replayed */
        (void)!node_store_checkpoint(store);
    }
    replica_free(r);
    node_store_close(store);
}

const uint8_t *node_replica_space(const struct node_replica *r)
{
    return r->space;
}

struct net_members *node_replica_members(struct node_replica *r)
{
    return r->members;
}

struct node_store *node_replica_store(struct node_replica *r)
{
    return r->store;
}

const struct crdt_graph *node_replica_graph(const struct node_replica *r)
{
    return &r->graph;
}

const struct node_index *node_replica_index(const struct node_replica *r)
{
    return &r->entities;
}

struct crdt_root node_replica_root(const struct node_replica *r)
{
    return r->root;
}

bool node_replica_broken(const struct node_replica *r)
{
    return r->broken;
}

enum cht_err node_replica_fault(const struct node_replica *r)
{
    return r->broken ? r->broken_by : CHT_OK;
}

const struct crdt_vector *node_replica_applied(const struct node_replica *r)
{
    return &r->graph.applied;
}

struct node_replica_counts node_replica_count(const struct node_replica *r)
{
    struct node_replica_counts counts = {
        .entries = r->entry_count,
        .voids = r->void_count,
        .ruled = r->ruled_count,
        .chains = r->graph.chain_count,
        .devices = net_members_device_count(r->members),
        .entities = r->entities.count,
    };
    for (uint32_t c = 0; c < r->graph.chain_count; c++)
        counts.waiting += r->graph.chains[c].stored.seq - r->graph.chains[c].applied.seq;
    return counts;
}

enum cht_err node_replica_entry(struct node_replica *r, struct crdt_place at,
                                struct cht_arena *arena, struct crdt_entry *out)
{
    struct replica_row row;
    enum cht_err err = replica_row_at(r, at, arena, &row);
    if (err == CHT_OK) {
        at = crdt_graph_on_path(&r->graph, at.chain, at.seq);
        *out = row.entries[at.seq - row.first.seq];
    }
    return err;
}
