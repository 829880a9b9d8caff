/* A quick look at a file; see glance.h. */
#include "node/store/glance.h"

#include "node/store/sql.h"

enum cht_err node_store_quick_check(struct node_store *s, node_difference *each, void *ctx)
{
    sqlite3_stmt *st;
    enum cht_err err = store_prepare(s, "PRAGMA quick_check(5)", &st);
    if (err != CHT_OK)
        return err;
    while ((err = store_row(st)) == CHT_OK) {
        const char *text = (const char *)sqlite3_column_text(st, 0);
        if (text != NULL && strcmp(text, "ok") != 0)
            each(ctx, "file", text);
    }
    sqlite3_finalize(st);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

static enum cht_err one_number(struct node_store *s, const char *sql, uint64_t *out)
{
    sqlite3_stmt *st;
    enum cht_err err = store_prepare(s, sql, &st);
    if (err != CHT_OK)
        return err;
    err = store_row(st);
    if (err == CHT_OK)
        *out = (uint64_t)sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return err;
}

enum cht_err node_store_free_bytes(struct node_store *s, uint64_t *out)
{
    uint64_t pages = 0, size = 0;
    enum cht_err err = one_number(s, "PRAGMA freelist_count", &pages);
    if (err == CHT_OK)
        err = one_number(s, "PRAGMA page_size", &size);
    if (err == CHT_OK)
        *out = pages * size;
    return err;
}

enum cht_err node_log_glance(struct node_store *s,
                             enum cht_err (*each)(void *ctx, const struct node_log_glance *row),
                             void *ctx)
{
    sqlite3_stmt *st;
    enum cht_err err = store_prepare(s, "SELECT id, count, stamp FROM log ORDER BY id", &st);
    if (err != CHT_OK)
        return err;
    while (err == CHT_OK && (err = store_row(st)) == CHT_OK) {
        const int64_t id = sqlite3_column_int64(st, 0), count = sqlite3_column_int64(st, 1);
        const struct node_log_glance row = { .first = store_place_of(id),
                                             .count = (uint32_t)count,
                                             .stamp = (crdt_hlc_stamp)sqlite3_column_int64(st, 2) };
        err = store_place_key(row.first) != id || row.first.seq == 0 || count < 1 ||
                      count > LIMIT_HEAD_ENTRIES
                  ? CHT_E_CORRUPT
                  : each(ctx, &row);
    }
    sqlite3_finalize(st);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

enum cht_err node_peer_glance(struct node_store *s,
                              enum cht_err (*each)(void *ctx, const uint8_t *device,
                                                   uint64_t seen_ms),
                              void *ctx)
{
    sqlite3_stmt *st;
    enum cht_err err =
        store_prepare(s, "SELECT device, max(seen_ms) FROM peer GROUP BY device", &st);
    if (err != CHT_OK)
        return err;
    while (err == CHT_OK && (err = store_row(st)) == CHT_OK) {
        const struct cht_bytes device = store_column(st, 0);
        err = device.len != CRDT_ID_BYTES
                  ? CHT_E_CORRUPT
                  : each(ctx, device.data, (uint64_t)sqlite3_column_int64(st, 1));
    }
    sqlite3_finalize(st);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}
