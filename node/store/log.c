/* Log rows; see store.h (PROTOCOL 10.3). */
#include "node/store/sql.h"

/* Types and sizes that the rest of the program relies on; a row that breaks them is damage. */
static enum cht_err read_row(sqlite3_stmt *st, struct node_log_row *out)
{
    int64_t id = sqlite3_column_int64(st, 0), count = sqlite3_column_int64(st, 1);
    int64_t codec = sqlite3_column_int64(st, 2);
    struct node_log_row row = {
        .first = store_place_of(id),
        .count = (uint32_t)count,
        .codec = (enum crdt_codec)codec,
        .payload = store_column(st, 3),
        .head = store_column(st, 4),
        .tip = store_column(st, 5),
        .stamp = (crdt_hlc_stamp)sqlite3_column_int64(st, 6),
        .entities = store_column(st, 7),
        .pasts = store_column(st, 8),
    };
    if (store_place_key(row.first) != id || row.first.seq == 0 || count < 1 ||
        count > LIMIT_HEAD_ENTRIES || codec < 0 || codec > UINT8_MAX ||
        row.head.len != CRDT_SIG_BYTES || row.tip.len != CRDT_HASH_BYTES)
        return CHT_E_CORRUPT;
    *out = row;
    return CHT_OK;
}

enum cht_err node_log_add(struct node_store *s, const struct node_log_row *row)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_LOG_ADD, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, store_place_key(row->first));
    sqlite3_bind_int64(st, 2, row->count);
    sqlite3_bind_int(st, 3, (int)row->codec);
    store_bind(st, 4, row->payload);
    store_bind(st, 5, row->head);
    store_bind(st, 6, row->tip);
    sqlite3_bind_int64(st, 7, (int64_t)row->stamp);
    if (row->pasts.len != 0) {
        store_bind(st, 8, row->entities);
        store_bind(st, 9, row->pasts);
    } else {
        sqlite3_bind_null(st, 8);
        sqlite3_bind_null(st, 9);
    }
    return store_done(st);
}

enum cht_err node_log_applied(struct node_store *s, const struct node_log_row *row)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_LOG_APPLIED, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, store_place_key(row->first));
    store_bind(st, 2, row->entities);
    store_bind(st, 3, row->pasts);
    return store_done(st);
}

static enum cht_err one_row(struct node_store *s, enum store_statement which, struct crdt_place at,
                            struct node_log_row *out)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, which, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, store_place_key(at));
    err = store_row(st);
    if (err != CHT_OK)
        return err;
    struct node_log_row row;
    err = read_row(st, &row);
    if (err == CHT_OK && row.first.chain != at.chain)
        err = CHT_E_NOTFOUND;
    if (err == CHT_OK)
        *out = row; /* the statement stays at its row: the spans live until it is used again */
    else
        sqlite3_reset(st);
    return err;
}

enum cht_err node_log_find(struct node_store *s, struct crdt_place at, struct node_log_row *out)
{
    struct node_log_row row;
    enum cht_err err = one_row(s, SQL_LOG_FIND, at, &row);
    if (err == CHT_OK && at.seq - row.first.seq >= row.count)
        err = CHT_E_NOTFOUND;
    if (err == CHT_OK)
        *out = row;
    return err;
}

enum cht_err node_log_last(struct node_store *s, uint32_t chain, struct node_log_row *out)
{
    return one_row(s, SQL_LOG_FIND, (struct crdt_place){ chain, UINT32_MAX }, out);
}

enum cht_err node_log_count(struct node_store *s, uint64_t *out)
{
    sqlite3_stmt *st = NULL;
    enum cht_err err = store_prepare(s, "SELECT count(*) FROM log", &st);
    if (err == CHT_OK)
        err = store_row(st);
    if (err == CHT_OK)
        *out = (uint64_t)sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return err;
}
