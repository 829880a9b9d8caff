/* Checking a file against its own log, and folding it anew; see replica.h (PROTOCOL 10.6).
 *
 * Verify folds the log into a second store in memory with the same apply code and the same small
 * numbers, and then compares everything that is made from the log, column by column. What the fold
 * itself relies on (heads, hashes, order) is checked on the way. */
#include "node/replica/load.h"
#include "node/store/compare.h"

#include "net/sign.h"

#include <stdio.h>
#include <stdlib.h>

struct verify {
    struct node_replica *checked;
    struct node_replica *fold;
    node_problem *each;
    void *ctx;
    uint64_t problems, entries;
};

static void problem(void *ctx, const char *where, const char *what)
{
    struct verify *v = ctx;
    v->problems++;
    v->each(v->ctx, where, what);
}

static void entry_problem(struct verify *v, struct crdt_place at, const char *what)
{
    char where[64];
    (void)snprintf(where, sizeof where, "table log, chain %u, from entry %u", at.chain, at.seq);
    problem(v, where, what);
}

/* One row: it follows on, its bytes decode and hash to its tip, its head is the author's. */
static bool check_row(struct verify *v, struct crdt_place at, uint32_t *out_count)
{
    struct node_replica *r = v->fold;
    struct cht_arena arena;
    cht_arena_init(&arena, LIMIT_TURN_BYTES);
    struct replica_row row;
    enum cht_err err = replica_row_at(r, at, &arena, &row);
    const char *what = NULL;
    if (err == CHT_E_NOTFOUND)
        what = "the row is missing";
    else if (err != CHT_OK)
        what = "the row does not decode to entries that hash to its tip";
    else if (row.first.seq != at.seq)
        what = "rows overlap";
    const struct net_device *writer =
        net_members_device(r->members, crdt_graph_device_id(&r->graph, at.chain));
    if (what == NULL && writer == NULL)
        what = "its writer is in no membership record";
    if (what == NULL && net_verify(NET_CONTEXT_HEAD, cht_bytes(row.tip.b, CRDT_HASH_BYTES),
                                   writer->cert.sign_pk, row.head) != CHT_OK)
        what = "the head's signature does not verify";
    if (what == NULL && row.stamp != row.entries[row.count - 1].header.hlc)
        what = "column stamp differs from the last entry's";
    for (uint32_t i = 0; what == NULL && i < row.count; i++) {
        const struct crdt_entry *e = &row.entries[i];
        struct crdt_place here = { at.chain, e->header.seq };
        if (memcmp(crdt_graph_epoch(&r->graph, here), e->header.epoch, CRDT_EPOCH_BYTES) != 0)
            what = "table epoch differs from the entries";
    }
    if (what != NULL)
        entry_problem(v, at, what);
    else
        *out_count = row.count;
    cht_arena_clear(&arena);
    return what == NULL;
}

static bool check_log(struct verify *v)
{
    bool whole = true;
    for (uint32_t c = 0; c < v->fold->graph.chain_count; c++) {
        const struct crdt_graph_chain *chain = &v->fold->graph.chains[c];
        uint32_t next = chain->branch_seq + 1, count;
        while (next <= chain->stored.seq) {
            if (!check_row(v, (struct crdt_place){ c, next }, &count)) {
                whole = false;
                break;
            }
            next += count;
            v->entries += count;
        }
    }
    return whole;
}

/* The book as the checked file has it, so that the fold gives the same small numbers. */
static enum cht_err start_fold(struct verify *v, struct node_store *memory)
{
    v->fold = replica_new(memory, v->checked->store);
    if (v->fold == NULL)
        return CHT_E_NOMEM;
    v->fold->writable = true;
    v->fold->verifying = true;
    enum cht_err err = replica_load_book(v->fold, NULL);
    /* all of it is written to the fresh book by the fold */
    v->fold->devices_kept = v->fold->chains_kept = v->fold->records_kept = 0;
    return err;
}

static enum cht_err compare(struct verify *v, struct node_store *memory)
{
    enum cht_err err = node_store_compare(v->checked->store, memory, problem, v);
    uint8_t root[CRDT_HASH_BYTES];
    struct cht_buf kept;
    cht_buf_init(&kept, 64);
    crdt_root_bytes(&v->fold->root, root);
    if (err == CHT_OK && node_store_get_meta(v->checked->store, "root", &kept) == CHT_OK &&
        !cht_bytes_eq(cht_buf_view(&kept), cht_bytes(root, sizeof root)))
        problem(v, "table meta, row root", "differs from the root that the log gives");
    cht_buf_clear(&kept);
    return err;
}

static enum cht_err fold_and_compare(struct verify *v, struct node_store *memory)
{
    if (!check_log(v))
        return CHT_OK; /* what does not hash cannot be folded */
    enum cht_err err = replica_replay(v->fold, crdt_hlc_ms(v->checked->clock.last));
    if (err == CHT_E_CORRUPT) {
        problem(v, "tables entity and actor", "differ from what the log spells");
        return CHT_OK;
    }
    if (err == CHT_OK)
        err = compare(v, memory);
    return err;
}

enum cht_err node_replica_verify(struct node_replica *r, node_problem *each, void *ctx,
                                 struct node_verified *out)
{
    struct verify v = { .checked = r, .each = each, .ctx = ctx };
    struct node_store *memory = NULL;
    enum cht_err err = r->writable ? node_replica_commit(r, true) : CHT_OK;
    if (err == CHT_OK)
        err = node_store_check(r->store, problem, &v);
    if (err == CHT_OK)
        err = node_store_memory(&memory);
    if (err == CHT_OK)
        err = start_fold(&v, memory);
    if (err == CHT_E_CORRUPT || err == CHT_E_NOTFOUND) {
        problem(&v, "tables record, device, chain, epoch, entity, actor and log",
                "they do not fit together");
        err = CHT_OK;
    } else if (err == CHT_OK) {
        err = fold_and_compare(&v, memory);
    }
    if (err == CHT_OK) {
        *out = (struct node_verified){ .ok = v.problems == 0,
                                       .entries = v.entries,
                                       .problems = v.problems };
        if (v.fold != NULL) {
            out->root = v.fold->root;
            out->chains = v.fold->graph.chain_count;
        }
    }
    replica_free(v.fold);
    node_store_close(memory);
    return err;
}

enum cht_err node_replica_rebuild(struct node_replica *r)
{
    if (r->broken || !r->writable)
        return CHT_E_DENIED;
    enum cht_err err = node_replica_commit(r, false);
    if (err == CHT_OK)
        err = node_store_begin(r->store);
    if (err == CHT_OK)
        err = node_rows_clear(r->store);
    if (err == CHT_OK)
        err = node_store_commit(r->store);
    /* from here on a start would do the same: the positions are gone, the log is replayed */
    if (err == CHT_OK)
        err = replica_reset(r);
    if (err == CHT_OK)
        err = replica_replay(r, crdt_hlc_ms(r->clock.last));
    return err == CHT_OK ? CHT_OK : replica_break(r, err);
}
