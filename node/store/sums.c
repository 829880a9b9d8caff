/* Rows that only they themselves can vouch for; see sums.h. */
#include "node/store/sums.h"

#include <stdio.h>

void store_sum_init(struct store_sum *sum)
{
    cht_buf_init(&sum->bytes, LIMIT_CLIENT_BYTES * 2);
}

enum cht_err store_sum_bytes(struct store_sum *sum, struct cht_bytes part)
{
    enum cht_err err = cht_buf_add_varint(&sum->bytes, part.len);
    return err == CHT_OK ? cht_buf_add(&sum->bytes, part) : err;
}

enum cht_err store_sum_int(struct store_sum *sum, int64_t part)
{
    return cht_buf_add_u64(&sum->bytes, (uint64_t)part);
}

void store_sum_take(struct store_sum *sum, uint8_t out[static STORE_SUM_BYTES])
{
    struct crdt_hash hash = crdt_hash_of(cht_buf_view(&sum->bytes));
    memcpy(out, hash.b, STORE_SUM_BYTES);
    cht_buf_clear(&sum->bytes);
}

/* All columns but the last are summed; the last is the sum. */
static enum cht_err check_row(sqlite3_stmt *st, bool *out_fits)
{
    struct store_sum sum;
    store_sum_init(&sum);
    int columns = sqlite3_column_count(st);
    enum cht_err err = CHT_OK;
    for (int i = 0; err == CHT_OK && i + 1 < columns; i++) {
        err = sqlite3_column_type(st, i) == SQLITE_INTEGER
                  ? store_sum_int(&sum, sqlite3_column_int64(st, i))
                  : store_sum_bytes(&sum, store_column(st, i));
    }
    uint8_t want[STORE_SUM_BYTES];
    store_sum_take(&sum, want);
    *out_fits = cht_bytes_eq(store_column(st, columns - 1), cht_bytes(want, sizeof want));
    return err;
}

enum cht_err store_check_sums(struct node_store *s, node_difference *each, void *ctx)
{
    static const char *const tables[] = { "meta", "peer", "ticket", "idempotency" };
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < sizeof tables / sizeof tables[0]; i++) {
        char sql[64], where[64];
        sqlite3_stmt *st = NULL;
        (void)snprintf(sql, sizeof sql, "SELECT * FROM %s", tables[i]);
        err = store_prepare(s, sql, &st);
        for (unsigned row = 1; err == CHT_OK && (err = store_row(st)) == CHT_OK; row++) {
            bool fits;
            err = check_row(st, &fits);
            (void)snprintf(where, sizeof where, "table %s, row %u", tables[i], row);
            if (err == CHT_OK && !fits)
                each(ctx, where, "the row's sum does not fit its content");
        }
        if (err == CHT_E_NOTFOUND)
            err = CHT_OK;
        sqlite3_finalize(st);
    }
    return err;
}
