/* Rows that stay on this machine; see local.h. Each carries a sum (sums.h). */
#include "node/store/local.h"

#include "node/store/sums.h"

static enum cht_err put_answer(struct node_store *s, struct cht_bytes key, uint64_t now_ms,
                               struct cht_bytes answer)
{
    struct store_sum sum;
    uint8_t bytes[STORE_SUM_BYTES];
    store_sum_init(&sum);
    enum cht_err err = store_sum_bytes(&sum, key);
    if (err == CHT_OK)
        err = store_sum_int(&sum, (int64_t)now_ms);
    if (err == CHT_OK)
        err = store_sum_bytes(&sum, answer);
    store_sum_take(&sum, bytes);
    sqlite3_stmt *st = NULL;
    if (err == CHT_OK)
        err = store_statement(s, SQL_ANSWER_SUM, &st);
    if (err == CHT_OK) {
        store_bind(st, 1, key);
        err = store_answers_gone(s, st);
    }
    if (err == CHT_OK)
        err = store_statement(s, SQL_ANSWER_PUT, &st);
    if (err != CHT_OK)
        return err;
    store_answer_added(s, bytes);
    store_bind(st, 1, key);
    sqlite3_bind_int64(st, 2, (int64_t)now_ms);
    store_bind(st, 3, answer);
    store_bind(st, 4, cht_bytes(bytes, sizeof bytes));
    return store_done(st);
}

enum cht_err node_keep_answer(struct node_store *s, struct cht_bytes key, uint64_t now_ms,
                              struct cht_bytes answer)
{
    bool own;
    enum cht_err err = store_summed_enter(s, &own);
    if (err == CHT_OK)
        err = put_answer(s, key, now_ms, answer);
    return store_summed_leave(s, STORE_SUMMED_ANSWER, own, err);
}

enum cht_err node_kept_answer(struct node_store *s, struct cht_bytes key, struct cht_buf *out)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_ANSWER_GET, &st);
    if (err != CHT_OK)
        return err;
    store_bind(st, 1, key);
    err = store_row(st);
    if (err != CHT_OK)
        return err;
    cht_buf_reset(out);
    err = cht_buf_add(out, store_column(st, 0));
    sqlite3_reset(st);
    return err;
}

static enum cht_err drop_answers(struct node_store *s, uint64_t before_ms)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_ANSWER_OLD_SUMS, &st);
    if (err == CHT_OK) {
        sqlite3_bind_int64(st, 1, (int64_t)before_ms);
        err = store_answers_gone(s, st);
    }
    if (err == CHT_OK)
        err = store_statement(s, SQL_ANSWER_FORGET, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, (int64_t)before_ms);
    return store_done(st);
}

enum cht_err node_forget_answers(struct node_store *s, uint64_t before_ms)
{
    bool own;
    enum cht_err err = store_summed_enter(s, &own);
    if (err == CHT_OK)
        err = drop_answers(s, before_ms);
    return store_summed_leave(s, STORE_SUMMED_ANSWER, own, err);
}

static enum cht_err put_address(struct node_store *s, const uint8_t device[static CRDT_ID_BYTES],
                                struct cht_bytes address, uint64_t seen_ms)
{
    struct store_sum sum;
    uint8_t bytes[STORE_SUM_BYTES];
    store_sum_init(&sum);
    enum cht_err err = store_sum_bytes(&sum, cht_bytes(device, CRDT_ID_BYTES));
    if (err == CHT_OK)
        err = store_sum_bytes(&sum, address);
    if (err == CHT_OK)
        err = store_sum_int(&sum, (int64_t)seen_ms);
    store_sum_take(&sum, bytes);
    sqlite3_stmt *st = NULL;
    if (err == CHT_OK)
        err = store_statement(s, SQL_ADDRESS_PUT, &st);
    if (err != CHT_OK)
        return err;
    store_bind(st, 1, cht_bytes(device, CRDT_ID_BYTES));
    sqlite3_bind_text64(st, 2, (const char *)address.data, address.len, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_int64(st, 3, (int64_t)seen_ms);
    store_bind(st, 4, cht_bytes(bytes, sizeof bytes));
    err = store_done(st);
    if (err == CHT_OK)
        err = store_statement(s, SQL_ADDRESS_TRIM, &st);
    if (err != CHT_OK)
        return err;
    store_bind(st, 1, cht_bytes(device, CRDT_ID_BYTES));
    sqlite3_bind_int(st, 2, (int)LIMIT_ADDRESSES);
    return store_done(st);
}

enum cht_err node_keep_address(struct node_store *s, const uint8_t device[static CRDT_ID_BYTES],
                               struct cht_bytes address, uint64_t seen_ms)
{
    bool own;
    enum cht_err err = store_summed_enter(s, &own);
    if (err == CHT_OK)
        err = put_address(s, device, address, seen_ms);
    return store_summed_leave(s, STORE_SUMMED_PEER, own, err);
}

enum cht_err node_each_address(struct node_store *s,
                               enum cht_err (*each)(void *ctx, const uint8_t *device,
                                                    struct cht_bytes address),
                               void *ctx)
{
    sqlite3_stmt *st = NULL;
    enum cht_err err = store_prepare(s, "SELECT device, address FROM peer ORDER BY seen_ms", &st);
    while (err == CHT_OK && (err = store_row(st)) == CHT_OK) {
        struct cht_bytes device = store_column(st, 0);
        err = device.len == CRDT_ID_BYTES ? each(ctx, device.data, store_column(st, 1))
                                          : CHT_E_CORRUPT;
    }
    sqlite3_finalize(st);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

bool node_ticket_spent(const struct node_ticket_row *t)
{
    static const uint8_t nobody[CRDT_ID_BYTES - 1];
    return memcmp(t->joiner, nobody, sizeof nobody) != 0;
}

static enum cht_err put_ticket(struct node_store *s, const struct node_ticket_row *t)
{
    struct store_sum sum;
    uint8_t bytes[STORE_SUM_BYTES];
    store_sum_init(&sum);
    enum cht_err err = store_sum_bytes(&sum, cht_bytes(t->id, sizeof t->id));
    if (err == CHT_OK)
        err = store_sum_bytes(&sum, cht_bytes(t->secret, sizeof t->secret));
    if (err == CHT_OK)
        err = store_sum_int(&sum, (int64_t)t->expiry_ms);
    if (err == CHT_OK)
        err = store_sum_bytes(&sum, cht_bytes(t->joiner, sizeof t->joiner));
    store_sum_take(&sum, bytes);
    sqlite3_stmt *st = NULL;
    if (err == CHT_OK)
        err = store_statement(s, SQL_TICKET_PUT, &st);
    if (err != CHT_OK)
        return err;
    store_bind(st, 1, cht_bytes(t->id, sizeof t->id));
    store_bind(st, 2, cht_bytes(t->secret, sizeof t->secret));
    sqlite3_bind_int64(st, 3, (int64_t)t->expiry_ms);
    store_bind(st, 4, cht_bytes(t->joiner, sizeof t->joiner));
    store_bind(st, 5, cht_bytes(bytes, sizeof bytes));
    return store_done(st);
}

enum cht_err node_keep_ticket(struct node_store *s, const struct node_ticket_row *t)
{
    bool own;
    enum cht_err err = store_summed_enter(s, &own);
    if (err == CHT_OK)
        err = put_ticket(s, t);
    return store_summed_leave(s, STORE_SUMMED_TICKET, own, err);
}

static enum cht_err read_ticket(sqlite3_stmt *st, struct node_ticket_row *out)
{
    struct cht_bytes id = store_column(st, 0), secret = store_column(st, 1);
    struct cht_bytes joiner = store_column(st, 3);
    if (id.len != sizeof out->id || secret.len != sizeof out->secret ||
        joiner.len != sizeof out->joiner)
        return CHT_E_CORRUPT;
    memcpy(out->id, id.data, id.len);
    memcpy(out->secret, secret.data, secret.len);
    memcpy(out->joiner, joiner.data, joiner.len);
    out->expiry_ms = (uint64_t)sqlite3_column_int64(st, 2);
    return CHT_OK;
}

enum cht_err node_kept_ticket(struct node_store *s, const uint8_t id[static NODE_TICKET_ID_BYTES],
                              struct node_ticket_row *out)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_TICKET_GET, &st);
    if (err != CHT_OK)
        return err;
    store_bind(st, 1, cht_bytes(id, NODE_TICKET_ID_BYTES));
    err = store_row(st);
    if (err == CHT_OK)
        err = read_ticket(st, out);
    sqlite3_reset(st);
    return err;
}

enum cht_err node_live_tickets(struct node_store *s, uint64_t now_ms, struct node_ticket_row *out,
                               size_t max, size_t *out_count)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_TICKET_LIVE, &st);
    size_t count = 0;
    if (err != CHT_OK)
        return err;
    sqlite3_bind_int64(st, 1, (int64_t)now_ms);
    while (count < max && (err = store_row(st)) == CHT_OK &&
           (err = read_ticket(st, &out[count])) == CHT_OK)
        count++;
    sqlite3_reset(st);
    if (err != CHT_OK && err != CHT_E_NOTFOUND)
        return err;
    *out_count = count;
    return CHT_OK;
}
