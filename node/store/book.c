/* The book of small numbers: devices, chains, entities, actors, records; see store.h
 * (PROTOCOL 10.2). */
#include "node/store/sums.h"

enum cht_err node_book_add_device(struct node_store *s, uint32_t n,
                                  const uint8_t id[static CRDT_ID_BYTES])
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_DEVICE_ADD, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, n);
    store_bind(st, 2, cht_bytes(id, CRDT_ID_BYTES));
    return store_done(st);
}

enum cht_err node_book_add_chain(struct node_store *s, uint32_t n, uint32_t device, uint32_t parent,
                                 uint32_t branch_seq)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_CHAIN_ADD, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, n);
    sqlite3_bind_int64(st, 2, device);
    if (parent == CRDT_NO_CHAIN)
        sqlite3_bind_null(st, 3);
    else
        sqlite3_bind_int64(st, 3, parent);
    sqlite3_bind_int64(st, 4, branch_seq);
    return store_done(st);
}

enum cht_err node_book_add_epoch(struct node_store *s, struct crdt_place from,
                                 const uint8_t epoch[static CRDT_EPOCH_BYTES])
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_EPOCH_ADD, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, from.chain);
    sqlite3_bind_int64(st, 2, from.seq);
    store_bind(st, 3, cht_bytes(epoch, CRDT_EPOCH_BYTES));
    return store_done(st);
}

enum cht_err node_book_add_entity(struct node_store *s, uint32_t n, const struct crdt_id *id,
                                  struct crdt_place spelt)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_ENTITY_ADD, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, store_place_key(spelt));
    sqlite3_bind_int64(st, 2, n);
    sqlite3_bind_int(st, 3, id->type);
    store_bind(st, 4, cht_bytes(id->b, CRDT_ID_BYTES));
    return store_done(st);
}

enum cht_err node_book_add_actor(struct node_store *s, uint32_t n, const struct crdt_id *id,
                                 struct crdt_place spelt)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_ACTOR_ADD, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, store_place_key(spelt));
    sqlite3_bind_int64(st, 2, n);
    store_bind(st, 3, cht_bytes(id->b, CRDT_ID_BYTES));
    return store_done(st);
}

enum cht_err node_book_put_position(struct node_store *s, uint32_t chain, uint32_t seq,
                                    uint32_t stored)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_POSITION_PUT, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, chain);
    sqlite3_bind_int64(st, 2, seq);
    sqlite3_bind_int64(st, 3, stored);
    return store_done(st);
}

enum cht_err node_book_sum_positions(struct node_store *s,
                                     uint8_t out[static NODE_POSITIONS_SUM_BYTES])
{
    sqlite3_stmt *st = NULL;
    struct store_sum sum;
    store_sum_init(&sum);
    enum cht_err err = store_statement(s, SQL_POSITION_ALL, &st);
    while (err == CHT_OK && (err = store_row(st)) == CHT_OK) {
        for (int i = 0; err == CHT_OK && i < 3; i++)
            err = store_sum_int(&sum, sqlite3_column_int64(st, i));
    }
    uint8_t bytes[STORE_SUM_BYTES];
    store_sum_take(&sum, bytes);
    if (err != CHT_E_NOTFOUND)
        return err;
    memcpy(out, bytes, sizeof bytes);
    return CHT_OK;
}

enum cht_err node_book_add_number(struct node_store *s, uint32_t chain, uint32_t k,
                                  const struct crdt_graph_number *number)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_NUMBER_ADD, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, chain);
    sqlite3_bind_int64(st, 2, k);
    sqlite3_bind_int64(st, 3, number->device);
    sqlite3_bind_int64(st, 4, number->seq);
    return store_done(st);
}

enum cht_err node_book_count_voids(struct node_store *s, uint32_t chain, uint64_t *out)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_VOID_COUNT, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, store_place_key((struct crdt_place){ chain, 0 }));
    sqlite3_bind_int64(st, 2, store_place_key((struct crdt_place){ chain, UINT32_MAX }));
    err = store_row(st);
    if (err != CHT_OK)
        return err;
    *out = (uint64_t)sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return CHT_OK;
}

/* What stands in place of the number of an op is negative (PROTOCOL 10.1). */
static int64_t op_column(uint32_t op)
{
    return op >= NODE_VOID_RULED ? (int64_t)op - ((int64_t)UINT32_MAX + 1) : (int64_t)op;
}

enum cht_err node_book_add_void(struct node_store *s, struct crdt_place at, uint32_t op,
                                const char *why)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_VOID_ADD, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, store_place_key(at));
    sqlite3_bind_int64(st, 2, op_column(op));
    sqlite3_bind_text(st, 3, why, -1, SQLITE_STATIC);
    return store_done(st);
}

enum cht_err node_book_drop_void(struct node_store *s, struct crdt_place at, uint32_t op)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_VOID_DROP, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, store_place_key(at));
    sqlite3_bind_int64(st, 2, op_column(op));
    return store_done(st);
}

enum cht_err node_book_add_record(struct node_store *s, struct cht_bytes record)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_RECORD_ADD, &st);
    if (err != CHT_OK)
        return err;
    store_bind(st, 1, record);
    return store_done(st);
}

/* --- reading the book ---------------------------------------------------------------------- */

typedef enum cht_err book_row(const struct node_book_reader *r, sqlite3_stmt *st);

/* A column that must be a number of 32 bits; else `*good` is cleared. */
static uint32_t take_u32(sqlite3_stmt *st, int column, bool *good)
{
    int64_t v = sqlite3_column_int64(st, column);
    if (sqlite3_column_type(st, column) != SQLITE_INTEGER || v < 0 || v > UINT32_MAX)
        *good = false;
    return (uint32_t)v;
}

static struct crdt_place take_place(sqlite3_stmt *st, int column, bool *good)
{
    int64_t key = sqlite3_column_int64(st, column);
    struct crdt_place place = store_place_of(key);
    if (sqlite3_column_type(st, column) != SQLITE_INTEGER || store_place_key(place) != key)
        *good = false;
    return place;
}

static enum cht_err read_device(const struct node_book_reader *r, sqlite3_stmt *st)
{
    bool good = true;
    struct cht_bytes id = store_column(st, 1);
    uint32_t n = take_u32(st, 0, &good);
    return good && id.len == CRDT_ID_BYTES ? r->device(r->ctx, n, id.data) : CHT_E_CORRUPT;
}

static enum cht_err read_chain(const struct node_book_reader *r, sqlite3_stmt *st)
{
    bool good = true, root = sqlite3_column_type(st, 2) == SQLITE_NULL;
    uint32_t n = take_u32(st, 0, &good), device = take_u32(st, 1, &good);
    uint32_t parent = root ? CRDT_NO_CHAIN : take_u32(st, 2, &good);
    uint32_t branch_seq = take_u32(st, 3, &good);
    return good ? r->chain(r->ctx, n, device, parent, branch_seq) : CHT_E_CORRUPT;
}

static enum cht_err read_epoch(const struct node_book_reader *r, sqlite3_stmt *st)
{
    bool good = true;
    struct crdt_place from = { .chain = take_u32(st, 0, &good) };
    from.seq = take_u32(st, 1, &good);
    struct cht_bytes epoch = store_column(st, 2);
    return good && epoch.len == CRDT_EPOCH_BYTES ? r->epoch(r->ctx, from, epoch.data)
                                                 : CHT_E_CORRUPT;
}

static enum cht_err read_entity(const struct node_book_reader *r, sqlite3_stmt *st)
{
    bool good = true;
    struct crdt_place place = take_place(st, 0, &good);
    uint32_t n = take_u32(st, 1, &good), type = take_u32(st, 2, &good);
    struct cht_bytes bytes = store_column(st, 3);
    if (!good || type == 0 || type > UINT8_MAX || bytes.len != CRDT_ID_BYTES)
        return CHT_E_CORRUPT;
    struct crdt_id id = { .type = (uint8_t)type };
    memcpy(id.b, bytes.data, CRDT_ID_BYTES);
    return r->entity(r->ctx, n, &id, place);
}

static enum cht_err read_actor(const struct node_book_reader *r, sqlite3_stmt *st)
{
    bool good = true;
    struct crdt_place place = take_place(st, 0, &good);
    uint32_t n = take_u32(st, 1, &good);
    struct cht_bytes bytes = store_column(st, 2);
    if (!good || bytes.len != CRDT_ID_BYTES)
        return CHT_E_CORRUPT;
    struct crdt_id id = { 0 };
    memcpy(id.b, bytes.data, CRDT_ID_BYTES);
    return r->actor(r->ctx, n, &id, place);
}

static enum cht_err read_number(const struct node_book_reader *r, sqlite3_stmt *st)
{
    bool good = true;
    uint32_t chain = take_u32(st, 0, &good), k = take_u32(st, 1, &good);
    struct crdt_graph_number number = { .device = take_u32(st, 2, &good) };
    number.seq = take_u32(st, 3, &good);
    return good ? r->number(r->ctx, chain, k, &number) : CHT_E_CORRUPT;
}

static enum cht_err read_void(const struct node_book_reader *r, sqlite3_stmt *st)
{
    bool good = true;
    struct crdt_place place = take_place(st, 0, &good);
    const char *why = (const char *)sqlite3_column_text(st, 2);
    int64_t op = sqlite3_column_int64(st, 1);
    if (!good || why == NULL || op < -2 || op >= (int64_t)LIMIT_ENTRY_OPS)
        return CHT_E_CORRUPT;
    return r->voided(r->ctx, place, (uint32_t)op, why);
}

static enum cht_err read_position(const struct node_book_reader *r, sqlite3_stmt *st)
{
    bool good = true;
    uint32_t chain = take_u32(st, 0, &good), seq = take_u32(st, 1, &good);
    uint32_t stored = take_u32(st, 2, &good);
    return good ? r->position(r->ctx, chain, seq, stored) : CHT_E_CORRUPT;
}

static enum cht_err read_record(const struct node_book_reader *r, sqlite3_stmt *st)
{
    bool good = true;
    uint32_t n = take_u32(st, 0, &good);
    return good ? r->record(r->ctx, n, store_column(st, 1)) : CHT_E_CORRUPT;
}

static enum cht_err read_table(struct node_store *s, const char *sql, book_row *row,
                               const struct node_book_reader *r)
{
    sqlite3_stmt *st;
    enum cht_err err = store_prepare(s, sql, &st);
    if (err != CHT_OK)
        return err;
    while ((err = store_row(st)) == CHT_OK && (err = row(r, st)) == CHT_OK)
        continue;
    sqlite3_finalize(st);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

enum cht_err node_book_read(struct node_store *s, const struct node_book_reader *r)
{
    const struct {
        bool wanted;
        const char *sql;
        book_row *row;
    } tables[] = {
        { r->record != NULL, "SELECT n, bytes FROM record ORDER BY n", read_record },
        { r->device != NULL, "SELECT n, id FROM author ORDER BY n", read_device },
        { r->chain != NULL, "SELECT n, device, parent, branch_seq FROM chain ORDER BY n",
          read_chain },
        { r->epoch != NULL, "SELECT chain, seq, epoch FROM epoch ORDER BY chain, seq", read_epoch },
        { r->entity != NULL, "SELECT place, n, type, id FROM entity ORDER BY n, place",
          read_entity },
        { r->actor != NULL, "SELECT place, n, id FROM actor ORDER BY n, place", read_actor },
        { r->number != NULL, "SELECT chain, k, device, seq FROM number ORDER BY chain, k",
          read_number },
        { r->voided != NULL, "SELECT place, op, why FROM void ORDER BY place, op", read_void },
        { r->position != NULL, "SELECT chain, seq, stored FROM position ORDER BY chain",
          read_position },
    };
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < sizeof tables / sizeof tables[0]; i++) {
        if (tables[i].wanted)
            err = read_table(s, tables[i].sql, tables[i].row, r);
    }
    return err;
}
