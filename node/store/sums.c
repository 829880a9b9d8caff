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

/* --- totals --------------------------------------------------------------------------------- */

static const char *const tables[STORE_SUMMED_COUNT] = {
#define X(name, table) [STORE_SUMMED_##name] = table,
    STORE_SUMMED_TABLES(X)
#undef X
};

#define TOTALS_BYTES (8u * STORE_SUMMED_COUNT)

static uint64_t sum_column(sqlite3_stmt *st, int column)
{
    struct cht_bytes sum = store_column(st, column);
    return sum.len == STORE_SUM_BYTES ? cht_get_u64(sum.data) : 0;
}

/* The sums of all rows, modulo 2^64. */
static enum cht_err take_total(struct node_store *s, enum store_summed table, uint64_t *out)
{
    static const enum store_statement totals[STORE_SUMMED_COUNT] = {
#define X(name, table) [STORE_SUMMED_##name] = SQL_TOTAL_##name,
        STORE_SUMMED_TABLES(X)
#undef X
    };
    sqlite3_stmt *st = NULL;
    uint64_t total = 0;
    enum cht_err err = store_statement(s, totals[table], &st);
    while (err == CHT_OK && (err = store_row(st)) == CHT_OK)
        total += sum_column(st, 0);
    if (err != CHT_E_NOTFOUND)
        return err;
    *out = total;
    return CHT_OK;
}

static enum cht_err read_totals(struct node_store *s, uint64_t out[static STORE_SUMMED_COUNT])
{
    struct cht_buf value;
    cht_buf_init(&value, 256);
    enum cht_err err = node_store_get_meta(s, "sums", &value);
    if (err == CHT_OK && value.len != TOTALS_BYTES)
        err = CHT_E_NOTFOUND;
    for (size_t i = 0; err == CHT_OK && i < STORE_SUMMED_COUNT; i++)
        out[i] = cht_get_u64(value.data + 8 * i);
    cht_buf_clear(&value);
    return err;
}

static enum cht_err write_totals(struct node_store *s, const uint64_t totals[STORE_SUMMED_COUNT])
{
    uint8_t value[TOTALS_BYTES];
    for (size_t i = 0; i < STORE_SUMMED_COUNT; i++)
        cht_put_u64(value + 8 * i, totals[i]);
    return store_meta_write(s, "sums", cht_bytes(value, sizeof value));
}

enum cht_err store_summed_enter(struct node_store *s, bool *out_own)
{
    *out_own = !s->in_transaction;
    return *out_own ? node_store_begin(s) : CHT_OK;
}

enum cht_err store_summed_leave(struct node_store *s, enum store_summed table, bool own,
                                enum cht_err err)
{
    s->summed_changed |= 1u << table;
    if (own && err == CHT_OK)
        err = node_store_commit(s);
    if (own && err != CHT_OK)
        node_store_rollback(s);
    return err;
}

void store_answer_added(struct node_store *s, const uint8_t sum[static STORE_SUM_BYTES])
{
    s->answers_delta += cht_get_u64(sum);
}

enum cht_err store_answers_gone(struct node_store *s, sqlite3_stmt *st)
{
    enum cht_err err;
    while ((err = store_row(st)) == CHT_OK)
        s->answers_delta -= sum_column(st, 0);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

enum cht_err store_sums_keep(struct node_store *s)
{
    uint64_t totals[STORE_SUMMED_COUNT] = { 0 };
    if (s->summed_changed == 0)
        return CHT_OK;
    enum cht_err err = read_totals(s, totals);
    if (err == CHT_E_NOTFOUND)
        err = CHT_OK; /* a new file */
    totals[STORE_SUMMED_ANSWER] += s->answers_delta;
    for (unsigned i = 0; err == CHT_OK && i < STORE_SUMMED_ANSWER; i++) {
        if ((s->summed_changed & 1u << i) != 0)
            err = take_total(s, i, &totals[i]);
    }
    if (err == CHT_OK)
        err = write_totals(s, totals);
    if (err == CHT_OK) {
        s->summed_changed = 0;
        s->answers_delta = 0;
    }
    return err;
}

/* --- checking ------------------------------------------------------------------------------- */

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

enum cht_err store_sums_mend(struct node_store *s)
{
    uint64_t totals[STORE_SUMMED_COUNT];
    sqlite3_stmt *st = NULL;
    bool fits = false;
    enum cht_err err = store_prepare(s, "SELECT * FROM meta WHERE key = 'sums'", &st);
    if (err == CHT_OK)
        err = store_row(st);
    if (err == CHT_OK)
        err = check_row(st, &fits);
    sqlite3_finalize(st);
    if (err == CHT_OK && fits && read_totals(s, totals) == CHT_OK) {
        s->summed_changed |= 1u << STORE_SUMMED_META;
        return CHT_OK;
    }
    if (err == CHT_E_NOTFOUND)
        err = CHT_OK;
    for (unsigned i = 0; err == CHT_OK && i < STORE_SUMMED_COUNT; i++)
        err = take_total(s, i, &totals[i]);
    s->summed_changed |= 1u << STORE_SUMMED_META;
    return err == CHT_OK ? write_totals(s, totals) : err;
}

static enum cht_err check_rows(struct node_store *s, enum store_summed table, node_difference *each,
                               void *ctx)
{
    char sql[64], where[128];
    sqlite3_stmt *st = NULL;
    (void)snprintf(sql, sizeof sql, "SELECT * FROM %s", tables[table]);
    enum cht_err err = store_prepare(s, sql, &st);
    for (unsigned row = 1; err == CHT_OK && (err = store_row(st)) == CHT_OK; row++) {
        bool fits;
        err = check_row(st, &fits);
        if (err != CHT_OK || fits)
            continue;
        if (table == STORE_SUMMED_META)
            (void)snprintf(where, sizeof where, "table meta, row %s",
                           (const char *)sqlite3_column_text(st, 0));
        else
            (void)snprintf(where, sizeof where, "table %s, row %u", tables[table], row);
        each(ctx, where, "the row's sum does not fit its content");
    }
    sqlite3_finalize(st);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

enum cht_err store_check_sums(struct node_store *s, node_difference *each, void *ctx)
{
    uint64_t kept[STORE_SUMMED_COUNT], total;
    enum cht_err has = read_totals(s, kept);
    if (has == CHT_E_NOTFOUND)
        each(ctx, "table meta, row sums", "the row is missing");
    else if (has != CHT_OK)
        return has;
    for (unsigned i = 0; i < STORE_SUMMED_COUNT; i++) {
        enum cht_err err = check_rows(s, i, each, ctx);
        if (err == CHT_OK)
            err = take_total(s, i, &total);
        if (err != CHT_OK)
            return err;
        if (has != CHT_OK || kept[i] == total)
            continue;
        char where[64];
        (void)snprintf(where, sizeof where, "table %s", tables[i]);
        each(ctx, where, "rows are missing, or there are others than were written");
    }
    return CHT_OK;
}
