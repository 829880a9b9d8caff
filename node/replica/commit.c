/* The turn: when it starts, what it made durable, what happens when it cannot; see own.h. */
#include "node/replica/load.h"
#include "node/store/local.h"

#include <stdlib.h>

enum cht_err replica_push(struct replica_list *l, const void *item, size_t size)
{
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 16 : l->cap * 2;
        void *grown = realloc(l->items, cap * size);
        if (grown == NULL)
            return CHT_E_NOMEM;
        l->items = grown;
        l->cap = cap;
    }
    memcpy((uint8_t *)l->items + l->count * size, item, size);
    l->count++;
    return CHT_OK;
}

enum cht_err replica_break(struct node_replica *r, enum cht_err err)
{
    if (!r->broken)
        r->broken_by = err;
    r->broken = true;
    node_store_rollback(r->store);
    return err;
}

bool replica_full(const struct node_replica *r)
{
    return r->arena.used > r->arena.limit / 2;
}

bool node_replica_full(const struct node_replica *r)
{
    return !r->over && replica_full(r);
}

static void forget_turn(struct node_replica *r)
{
    const struct node_touch *touched = r->touched.items;
    for (size_t i = 0; i < r->touched.count; i++)
        r->slots[touched[i].n].flags &= (uint8_t)~SLOT_TOUCHED;
    replica_rows_clear(r);
    r->touched.count = r->own.count = r->own_txns.count = r->own_notes.count = 0;
    r->spelt.count = r->actors_spelt.count = r->voids.count = r->numbers.count = 0;
    r->epochs.count = r->answers.count = 0;
    r->tickets.count = r->metas.count = r->fork_looks.count = 0;
    cht_buf_reset(&r->own_pasts);
    cht_arena_reset(&r->arena);
    r->last = (struct node_commit){ 0 };
    r->changed = false;
}

void replica_turn(struct node_replica *r)
{
    if (!r->over)
        return;
    forget_turn(r);
    replica_cache_trim(r);
    r->over = false;
}

static enum cht_err keep_book(struct node_replica *r)
{
    const struct crdt_graph *g = &r->graph;
    enum cht_err err = CHT_OK;
    for (uint32_t i = r->devices_kept; err == CHT_OK && i < g->device_count; i++)
        err = node_book_add_device(r->store, i, g->devices[i].id);
    for (uint32_t i = r->chains_kept; err == CHT_OK && i < g->chain_count; i++)
        err = node_book_add_chain(r->store, i, g->chains[i].device, g->chains[i].parent,
                                  g->chains[i].branch_seq);
    for (uint32_t i = r->records_kept; err == CHT_OK && i < net_members_count(r->members); i++)
        err = node_book_add_record(r->store, net_members_record(r->members, i, NULL));
    if (err == CHT_OK && r->records_kept != net_members_count(r->members))
        err = replica_keep_heads(r->store, r->members);
    const struct replica_epoch *epochs = r->epochs.items;
    for (size_t i = 0; err == CHT_OK && i < r->epochs.count; i++)
        err = node_book_add_epoch(r->store, epochs[i].from, epochs[i].epoch);
    const struct replica_spelt *spelt = r->spelt.items;
    for (size_t i = 0; err == CHT_OK && i < r->spelt.count; i++)
        err = node_book_add_entity(r->store, spelt[i].n, &spelt[i].id, spelt[i].place);
    spelt = r->actors_spelt.items;
    for (size_t i = 0; err == CHT_OK && i < r->actors_spelt.count; i++)
        err = node_book_add_actor(r->store, spelt[i].n, &spelt[i].id, spelt[i].place);
    const struct replica_number *numbers = r->numbers.items;
    for (size_t i = 0; err == CHT_OK && i < r->numbers.count; i++)
        err = node_book_add_number(r->store, numbers[i].chain, numbers[i].k, &numbers[i].number);
    const struct replica_void *voids = r->voids.items;
    for (size_t i = 0; err == CHT_OK && i < r->voids.count; i++)
        err = voids[i].gone
                  ? node_book_drop_void(r->store, voids[i].place, voids[i].op)
                  : node_book_add_void(r->store, voids[i].place, voids[i].op, voids[i].why);
    return err;
}

enum cht_err node_replica_keep_answer(struct node_replica *r, struct cht_bytes key,
                                      struct cht_bytes answer, uint64_t now_ms)
{
    struct replica_answer row = { .at_ms = now_ms };
    replica_turn(r);
    enum cht_err err = cht_arena_copy(&r->arena, key, &row.key);
    if (err == CHT_OK)
        err = cht_arena_copy(&r->arena, answer, &row.answer);
    return err == CHT_OK ? replica_push(&r->answers, &row, sizeof row) : err;
}

enum cht_err node_replica_keep_ticket(struct node_replica *r, const struct node_ticket_row *ticket)
{
    replica_turn(r);
    return replica_push(&r->tickets, ticket, sizeof *ticket);
}

static enum cht_err push_meta(struct node_replica *r, struct replica_meta *row)
{
    struct cht_bytes name;
    enum cht_err err = cht_arena_copy(
        &r->arena, cht_bytes((const uint8_t *)row->name, strlen(row->name) + 1), &name);
    if (err != CHT_OK)
        return err;
    row->name = (const char *)name.data;
    return replica_push(&r->metas, row, sizeof *row);
}

enum cht_err node_replica_keep_meta(struct node_replica *r, const char *name,
                                    struct cht_bytes value)
{
    struct replica_meta row = { .name = name };
    replica_turn(r);
    enum cht_err err = cht_arena_copy(&r->arena, value, &row.value);
    return err == CHT_OK ? push_meta(r, &row) : err;
}

enum cht_err node_replica_drop_meta(struct node_replica *r, const char *name)
{
    struct replica_meta row = { .name = name, .gone = true };
    replica_turn(r);
    return push_meta(r, &row);
}

static enum cht_err keep_local(struct node_replica *r)
{
    const struct replica_answer *rows = r->answers.items;
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < r->answers.count; i++)
        err = node_keep_answer(r->store, rows[i].key, rows[i].at_ms, rows[i].answer);
    const struct node_ticket_row *tickets = r->tickets.items;
    for (size_t i = 0; err == CHT_OK && i < r->tickets.count; i++)
        err = node_keep_ticket(r->store, &tickets[i]);
    const struct replica_meta *metas = r->metas.items;
    for (size_t i = 0; err == CHT_OK && i < r->metas.count; i++)
        err = metas[i].gone ? node_store_drop_meta(r->store, metas[i].name)
                            : node_store_put_meta(r->store, metas[i].name, metas[i].value);
    return err;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : (x > y ? 1 : 0);
}

static enum cht_err pack_entities(struct replica_row *row, struct cht_buf *out)
{
    cht_buf_reset(out);
    if (row->entity_count > 1)
        qsort(row->entities, row->entity_count, sizeof *row->entities, by_number);
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0; err == CHT_OK && i < row->entity_count; i++) {
        if (i != 0 && row->entities[i] == row->entities[i - 1])
            continue;
        err = cht_buf_add_varint(out, row->entities[i] - (i == 0 ? 0 : row->entities[i - 1]));
    }
    return err;
}

static enum cht_err keep_rows(struct node_replica *r)
{
    struct replica_row **rows = r->rows.items;
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < r->rows.count; i++) {
        struct replica_row *row = rows[i];
        if (!row->fresh && !row->advanced)
            continue;
        err = pack_entities(row, &r->scratch);
        struct node_log_row log = {
            .first = row->first,
            .count = row->count,
            .codec = row->codec,
            .payload = row->payload,
            .head = cht_bytes(row->head, sizeof row->head),
            .tip = cht_bytes(row->tip.b, CRDT_HASH_BYTES),
            .stamp = row->stamp,
            .entities = cht_buf_view(&r->scratch),
            .pasts = cht_buf_view(&row->pasts),
        };
        if (err == CHT_OK)
            err = row->fresh ? node_log_add(r->store, &log) : node_log_applied(r->store, &log);
    }
    return err;
}

static enum cht_err keep_state(struct node_replica *r)
{
    uint8_t root[CRDT_HASH_BYTES];
    uint8_t sum[NODE_POSITIONS_SUM_BYTES];
    enum cht_err err = replica_write_back(r);
    if (err == CHT_OK)
        err = node_book_sum_positions(r->store, sum);
    if (err == CHT_OK)
        err = node_store_put_meta(r->store, "positions", cht_bytes(sum, sizeof sum));
    crdt_root_bytes(&r->root, root);
    return err == CHT_OK ? node_store_put_meta(r->store, "root", cht_bytes(root, sizeof root))
                         : err;
}

static bool any_row(const struct node_replica *r)
{
    struct replica_row **rows = r->rows.items;
    for (size_t i = 0; i < r->rows.count; i++) {
        if (rows[i]->fresh || rows[i]->advanced)
            return true;
    }
    return false;
}

static bool anything(const struct node_replica *r)
{
    return any_row(r) || r->own.count != 0 || r->answers.count != 0 || r->tickets.count != 0 ||
           r->metas.count != 0 || r->devices_kept != r->graph.device_count ||
           r->chains_kept != r->graph.chain_count ||
           r->records_kept != net_members_count(r->members);
}

bool node_replica_dirty(const struct node_replica *r)
{
    return r->dirty.count != 0;
}

void node_replica_hold_rows(struct node_replica *r, bool hold)
{
    r->hold = hold;
}

size_t node_replica_unsigned(const struct node_replica *r)
{
    return r->over ? 0 : r->own.count;
}

enum cht_err node_replica_commit(struct node_replica *r, bool write_back)
{
    if (r->broken)
        return CHT_E_INTERNAL;
    bool flush = write_back && !r->hold && (r->dirty.count != 0 || r->lagging);
    if (r->over)
        replica_turn(r);
    if (!anything(r) && !flush) {
        r->over = true;
        return CHT_OK;
    }
    enum cht_err err = r->writable ? replica_seal(r) : CHT_OK;
    if (r->rejudge) { /* the rows say what the records say: both go in one transaction */
        err = err == CHT_OK ? replica_rejudge(r) : err;
        flush = true;
    }
    if (err == CHT_OK && !r->writable) { /* opened to look: it stays in memory */
        err = replica_refold(r);
        r->over = true;
        return err == CHT_OK ? CHT_OK : replica_break(r, err);
    }
    if (err == CHT_OK)
        err = replica_forks_find(r);
    if (err == CHT_OK)
        err = node_store_begin(r->store);
    if (err == CHT_OK)
        err = keep_book(r);
    if (err == CHT_OK)
        err = keep_rows(r);
    if (err == CHT_OK)
        err = keep_local(r);
    if (err == CHT_OK)
        err = replica_refold(r);
    if (err == CHT_OK && flush)
        err = keep_state(r);
    if (err == CHT_OK)
        err = node_store_commit(r->store);
    if (err != CHT_OK)
        return replica_break(r, err);
    r->devices_kept = r->graph.device_count;
    r->chains_kept = r->graph.chain_count;
    r->records_kept = net_members_count(r->members);
    if (flush)
        replica_written(r);
    r->last.touched = r->touched.items;
    r->last.touched_count = r->touched.count;
    r->untold |= r->changed;
    r->over = true;
    return CHT_OK;
}

struct node_commit node_replica_last(const struct node_replica *r)
{
    struct node_commit last = r->last;
    last.changed = r->untold;
    return last;
}

void node_replica_told(struct node_replica *r)
{
    r->untold = false;
}
