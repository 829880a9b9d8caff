/* Checking a file against its own log; see replica.h (PROTOCOL 10.6).
 *
 * What nothing else gives back (the space, records, devices, chains, epochs, ranges) is checked by
 * hashes and signatures. From a copy of it the log is folded into a store in memory, first as far
 * as the typed tables say that they go, then as far as the file was applied, and everything that is
 * made from the log is compared with it, column by column. */
#include "node/replica/load.h"
#include "node/store/compare.h"

#include "net/sign.h"

#include <stdio.h>

#define WHERE_MAX     96
#define RESERVED_MORE 65536u /* numbers that an entity row may skip; more is damage */

struct verify {
    struct node_store *checked;
    struct node_store *memory;
    struct node_replica *fold;
    struct crdt_vector positions;
    const struct crdt_vector *applied; /* how far the file's notes go; NULL: not known */
    node_problem *each;
    void *ctx;
    uint64_t problems, entries, rows;
};

static void problem(void *ctx, const char *where, const char *what)
{
    struct verify *v = ctx;
    v->problems++;
    v->each(v->ctx, where, what);
}

static void row_problem(struct verify *v, const char *table, uint64_t row, const char *what)
{
    char where[WHERE_MAX];
    (void)snprintf(where, sizeof where, "table %s, row %llu", table, (unsigned long long)row);
    problem(v, where, what);
}

/* --- the log -------------------------------------------------------------------------------- */

static void entry_problem(struct verify *v, struct crdt_place at, const char *what)
{
    char where[WHERE_MAX];
    (void)snprintf(where, sizeof where, "table log, chain %u, from entry %u", at.chain, at.seq);
    problem(v, where, what);
}

/* What is wrong with the entries of a row beside their hashes; NULL. */
static const char *check_entries(const struct node_replica *r, struct crdt_place at,
                                 const struct replica_row *row)
{
    const struct net_device *writer =
        net_members_device(r->members, crdt_graph_device_id(&r->graph, at.chain));
    if (writer == NULL)
        return "its writer is in no membership record";
    if (net_verify(NET_CONTEXT_HEAD, cht_bytes(row->tip.b, CRDT_HASH_BYTES), writer->cert.sign_pk,
                   row->head) != CHT_OK)
        return "the head's signature does not verify";
    if (row->stamp != row->entries[row->count - 1].header.hlc)
        return "column stamp differs from the last entry's";
    for (uint32_t i = 0; i < row->count; i++) {
        const struct crdt_entry *e = &row->entries[i];
        struct crdt_place here = { at.chain, e->header.seq };
        struct net_judgement judged;
        const struct net_question question = { .device = writer->id,
                                               .heads = e->header.heads,
                                               .head_count = e->header.head_count };
        if (e->header.head_count != 0 &&
            net_members_judge(r->members, &question, &judged) != CHT_OK)
            return "its writer is not admitted under the heads that it names";
        if (memcmp(crdt_graph_epoch(&r->graph, here), e->header.epoch, CRDT_EPOCH_BYTES) != 0)
            return "table epoch differs from the entries";
    }
    return NULL;
}

/* One row: it follows on, its bytes decode and hash to its tip, its head is the author's. */
static bool check_row(struct verify *v, struct crdt_place at, uint32_t *out_count)
{
    struct cht_arena arena;
    cht_arena_init(&arena, LIMIT_TURN_BYTES);
    struct replica_row row;
    enum cht_err err = replica_row_at(v->fold, at, &arena, &row);
    const char *what = NULL;
    if (err == CHT_E_NOTFOUND)
        what = "the row is missing";
    else if (err != CHT_OK)
        what = "the row does not decode to entries that hash to its tip";
    else if (row.first.seq != at.seq)
        what = "rows overlap";
    else
        what = check_entries(v->fold, at, &row);
    if (what != NULL)
        entry_problem(v, at, what);
    else
        *out_count = row.count;
    cht_arena_clear(&arena);
    return what == NULL;
}

static enum cht_err check_log(struct verify *v, bool *out_whole)
{
    bool whole = true;
    const struct crdt_graph *g = &v->fold->graph;
    for (uint32_t c = 0; c < g->chain_count; c++) {
        uint32_t next = g->chains[c].branch_seq + 1, count;
        while (next <= g->chains[c].stored.seq) {
            if (!check_row(v, (struct crdt_place){ c, next }, &count)) {
                whole = false;
                break;
            }
            next += count;
            v->entries += count;
            v->rows++;
        }
    }
    uint64_t rows;
    enum cht_err err = node_log_count(v->checked, &rows);
    if (err == CHT_OK && whole && rows != v->rows)
        problem(v, "table log", "rows belong to no chain");
    *out_whole = whole;
    return err;
}

/* --- the fold's start ------------------------------------------------------------------------ */

struct numbering {
    struct verify *v;
    struct node_index *index;
    const char *table;
};

/* The fold gives entities the numbers that the file gives them, or every row would differ. A number
 * that no row has any more is left out; that its row is missing is found at the end. */
static enum cht_err reserve(struct numbering *x, uint32_t n, const struct crdt_id *id,
                            struct crdt_place spelt)
{
    static const struct crdt_id nobody = { .type = UINT8_MAX };
    uint32_t got;
    enum cht_err err = CHT_OK;
    uint64_t row = (uint64_t)spelt.chain << 40 | spelt.seq;
    if (n < x->index->count
            ? !crdt_id_eq(&x->index->slots[n].id, id)
            : n - x->index->count > RESERVED_MORE || node_index_find(x->index, id) != INDEX_NONE)
        row_problem(x->v, x->table, row, "its number does not fit its id");
    else if (n >= x->index->count) {
        while (err == CHT_OK && x->index->count < n)
            err = node_index_reserve(x->index, &nobody, &got);
        if (err == CHT_OK)
            err = node_index_reserve(x->index, id, &got);
    }
    return err;
}

static enum cht_err reserve_each(void *ctx, uint32_t n, const struct crdt_id *id,
                                 struct crdt_place spelt)
{
    return reserve(ctx, n, id, spelt);
}

static enum cht_err take_numbers(struct verify *v)
{
    struct numbering entities = { v, &v->fold->entities, "entity" };
    struct numbering actors = { v, &v->fold->actors, "actor" };
    const struct node_book_reader entity = { .ctx = &entities, .entity = reserve_each };
    const struct node_book_reader actor = { .ctx = &actors, .actor = reserve_each };
    enum cht_err err = node_book_read(v->checked, &entity);
    if (err == CHT_E_CORRUPT) {
        problem(v, "table entity", "a column has a value that it cannot have");
        err = CHT_OK;
    }
    if (err == CHT_OK)
        err = node_book_read(v->checked, &actor);
    if (err == CHT_E_CORRUPT) {
        problem(v, "table actor", "a column has a value that it cannot have");
        err = CHT_OK;
    }
    return err;
}

static enum cht_err take_position(void *ctx, uint32_t chain, uint32_t seq, uint32_t stored)
{
    struct verify *v = ctx;
    const struct crdt_graph *g = &v->fold->graph;
    if (chain >= g->chain_count || seq > stored || seq < g->chains[chain].branch_seq) {
        row_problem(v, "position", chain, "it does not fit the chains");
        return CHT_OK;
    }
    if (stored > g->chains[chain].stored.seq)
        entry_problem(v, (struct crdt_place){ chain, g->chains[chain].stored.seq + 1 },
                      "the row is missing");
    if (seq > g->chains[chain].stored.seq)
        seq = g->chains[chain].stored.seq;
    return crdt_vector_raise(&v->positions, chain, seq);
}

static enum cht_err take_positions(struct verify *v)
{
    const struct node_book_reader reader = { .ctx = v, .position = take_position };
    uint8_t sum[NODE_POSITIONS_SUM_BYTES];
    struct cht_buf kept;
    cht_buf_init(&kept, 64);
    enum cht_err err = node_book_read(v->checked, &reader);
    if (err == CHT_E_CORRUPT) {
        problem(v, "table position", "a column has a value that it cannot have");
        err = CHT_OK;
    }
    if (err == CHT_OK)
        err = node_book_sum_positions(v->checked, sum);
    enum cht_err has = err == CHT_OK ? node_store_get_meta(v->checked, "positions", &kept) : err;
    if (has == CHT_E_NOTFOUND && v->positions.len != 0)
        problem(v, "table meta, row positions", "the row is missing");
    else if (has == CHT_E_CORRUPT ||
             (has == CHT_OK && !cht_bytes_eq(cht_buf_view(&kept), cht_bytes(sum, sizeof sum))))
        problem(v, "table position", "the rows do not fit their sum");
    else if (has != CHT_OK && has != CHT_E_NOTFOUND)
        err = has;
    cht_buf_clear(&kept);
    return err;
}

/* A replica in memory on a copy of the log. `*out_whole`: its tables fit together. */
static enum cht_err start_fold(struct verify *v, bool *out_whole)
{
    struct cht_error detail = { 0 };
    enum cht_err err = node_store_memory(&v->memory);
    if (err == CHT_OK)
        err = node_store_copy_log(v->checked, v->memory);
    if (err == CHT_OK) {
        v->fold = replica_new(v->memory);
        err = v->fold == NULL ? CHT_E_NOMEM : CHT_OK;
    }
    if (err == CHT_OK) {
        v->fold->writable = true;
        err = replica_load_book(v->fold, &detail);
    }
    *out_whole = err == CHT_OK;
    if (err != CHT_E_CORRUPT)
        return err;
    problem(v, "file", detail.text[0] != '\0' ? detail.text : "a table cannot be read");
    return CHT_OK;
}

/* --- folding and comparing -------------------------------------------------------------------- */

static enum cht_err compare_root(struct verify *v)
{
    uint8_t root[CRDT_HASH_BYTES];
    struct cht_buf kept;
    cht_buf_init(&kept, 64);
    crdt_root_bytes(&v->fold->root, root);
    enum cht_err err = node_store_get_meta(v->checked, "root", &kept);
    if (err == CHT_E_NOTFOUND && v->positions.len != 0)
        problem(v, "table meta, row root", "the row is missing");
    else if (err == CHT_E_CORRUPT || /* longer than any root */
             (err == CHT_OK && !cht_bytes_eq(cht_buf_view(&kept), cht_bytes(root, sizeof root))))
        problem(v, "table meta, row root", "differs from the root that the log gives");
    cht_buf_clear(&kept);
    return err == CHT_E_NOTFOUND || err == CHT_E_CORRUPT ? CHT_OK : err;
}

/* The state at the positions: typed tables, search, root. */
static enum cht_err check_state(struct verify *v, uint64_t now_ms)
{
    v->fold->upto = &v->positions;
    enum cht_err err = replica_replay(v->fold, now_ms);
    const struct crdt_graph *g = &v->fold->graph;
    for (uint32_t c = 0; err == CHT_OK && c < g->chain_count; c++) {
        uint32_t seq = crdt_vector_get(&v->positions, c);
        if (g->chains[c].applied.seq != (seq == 0 ? g->chains[c].branch_seq : seq))
            row_problem(v, "position", c, "the log cannot be applied so far");
    }
    if (err == CHT_OK)
        err = node_store_compare_state(v->checked, v->memory, problem, v);
    return err == CHT_OK ? compare_root(v) : err;
}

/* What was noted of all entries that were applied. */
static enum cht_err check_notes(struct verify *v, uint64_t now_ms)
{
    v->fold->upto = v->applied;
    enum cht_err err = replica_replay(v->fold, now_ms);
    v->fold->upto = NULL;
    return err == CHT_OK ? node_store_compare_notes(v->checked, v->memory, problem, v) : err;
}

static enum cht_err verify_store(struct verify *v, uint64_t now_ms, struct node_verified *out)
{
    bool whole = false;
    enum cht_err err = node_store_check(v->checked, problem, v);
    if (err == CHT_OK)
        err = start_fold(v, &whole);
    if (err == CHT_OK && whole)
        err = take_positions(v);
    if (err == CHT_OK && whole)
        err = check_log(v, &whole); /* what does not hash cannot be folded */
    if (err == CHT_OK && whole)
        err = take_numbers(v);
    if (err == CHT_OK && whole)
        err = check_state(v, now_ms);
    if (err == CHT_OK && whole)
        err = check_notes(v, now_ms);
    if (err == CHT_E_CORRUPT) {
        problem(v, "file", "it cannot be read to its end");
        err = CHT_OK;
    }
    if (err == CHT_OK) {
        *out = (struct node_verified){ .ok = v->problems == 0,
                                       .entries = v->entries,
                                       .problems = v->problems };
        if (v->fold != NULL) {
            out->root = v->fold->root;
            out->chains = v->fold->graph.chain_count;
        }
    }
    replica_free(v->fold);
    node_store_close(v->memory);
    crdt_vector_clear(&v->positions);
    return err;
}

enum cht_err node_replica_verify(struct node_replica *r, node_problem *each, void *ctx,
                                 struct node_verified *out)
{
    struct verify v = {
        .checked = r->store, .applied = &r->graph.applied, .each = each, .ctx = ctx
    };
    enum cht_err err = r->writable ? node_replica_commit(r, true) : CHT_OK;
    if (err == CHT_OK)
        err = verify_store(&v, crdt_hlc_ms(r->clock.last), out);
    if (err == CHT_OK && out->ok && !crdt_root_eq(&out->root, &r->root)) {
        problem(&v, "memory", "the root differs from the one that the log gives");
        out->ok = false;
        out->problems++;
    }
    return err;
}

/* The format row says which build may read the file. */
static enum cht_err check_format(struct verify *v)
{
    struct cht_buf format;
    cht_buf_init(&format, 64);
    enum cht_err err = node_store_get_meta(v->checked, "format", &format);
    if (err == CHT_E_NOTFOUND || err == CHT_E_CORRUPT ||
        (err == CHT_OK && (format.len != 1 || format.data[0] != NODE_STORE_FORMAT))) {
        problem(v, "table meta, row format", "it does not say the format of this build");
        err = CHT_OK;
    }
    cht_buf_clear(&format);
    return err;
}

enum cht_err node_replica_verify_file(const char *path, node_problem *each, void *ctx,
                                      struct cht_error *detail, struct node_verified *out)
{
    struct verify v = { .each = each, .ctx = ctx };
    enum cht_err err = node_store_open(path, NODE_STORE_MEND, detail, &v.checked);
    if (err == CHT_E_CORRUPT) {
        problem(&v, "file", "it is no database, or its first pages are damaged");
        *out = (struct node_verified){ .problems = v.problems };
        return CHT_OK;
    }
    if (err != CHT_OK)
        return err;
    err = check_format(&v);
    if (err == CHT_OK)
        err = verify_store(&v, 0, out);
    if (err != CHT_OK)
        (void)cht_fail(detail, err, node_store_message(v.checked));
    node_store_close(v.checked);
    return err;
}
