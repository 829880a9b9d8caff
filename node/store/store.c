/* Opening, transactions, statements, meta; see store.h. */
#include "node/store/store.h"

#include "node/store/sql.h"
#include "node/store/sums.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STORE_WAIT_MS     1000 /* for another process */
#define STORE_TRIAL_BYTES ((size_t)64 * 1024)
#define STORE_SCRATCH     ((size_t)64 * 1024 * 1024)

static const char *const statement_text[STORE_STATEMENT_COUNT] = {
#define X(name, text) [name] = text,
    STORE_STATEMENTS(X)
#undef X
};

enum cht_err store_error(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return CHT_OK;
    case SQLITE_NOMEM:
        return CHT_E_NOMEM;
    case SQLITE_FULL:
        return CHT_E_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return CHT_E_BUSY;
    case SQLITE_ERROR: /* our statements are right: it is the tables that are not */
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT:
        return CHT_E_CORRUPT;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return CHT_E_DENIED;
    default:
        return CHT_E_IO;
    }
}

enum cht_err store_prepare(struct node_store *s, const char *sql, sqlite3_stmt **out)
{
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL);
    if (code != SQLITE_OK)
        return store_error(code);
    *out = st;
    return CHT_OK;
}

enum cht_err store_statement(struct node_store *s, enum store_statement which, sqlite3_stmt **out)
{
    if (s->statements[which] == NULL) {
        enum cht_err err = store_prepare(s, statement_text[which], &s->statements[which]);
        if (err != CHT_OK)
            return err;
    }
    sqlite3_reset(s->statements[which]);
    *out = s->statements[which];
    return CHT_OK;
}

enum cht_err store_done(sqlite3_stmt *st)
{
    errno = 0;
    int code = sqlite3_step(st);
    /* SQLite knows ENOSPC only */
    bool quota = (code & 0xff) == SQLITE_IOERR && errno == EDQUOT;
    sqlite3_reset(st);
    if (quota)
        return CHT_E_FULL;
    return code == SQLITE_DONE || code == SQLITE_ROW ? CHT_OK : store_error(code);
}

enum cht_err store_row(sqlite3_stmt *st)
{
    int code = sqlite3_step(st);
    if (code == SQLITE_ROW)
        return CHT_OK;
    sqlite3_reset(st);
    return code == SQLITE_DONE ? CHT_E_NOTFOUND : store_error(code);
}

enum cht_err store_exec(struct node_store *s, const char *sql)
{
    return store_error(sqlite3_exec(s->db, sql, NULL, NULL, NULL));
}

static int count_wal(void *ctx, sqlite3 *db, const char *name, int pages)
{
    struct node_store *s = ctx;
    (void)db;
    (void)name;
    s->wal_bytes = (size_t)pages * STORE_PAGE_BYTES;
    return SQLITE_OK;
}

static enum cht_err set_up(struct node_store *s, enum node_store_mode mode)
{
    sqlite3_busy_timeout(s->db, mode == NODE_STORE_READ ? 2 * STORE_WAIT_MS : STORE_WAIT_MS);
    if (mode == NODE_STORE_READ)
        return CHT_OK;
    enum cht_err err = store_exec(s, STORE_PRAGMAS);
    sqlite3_wal_hook(s->db, count_wal, s);
    return err;
}

static enum cht_err check_format(struct node_store *s, struct cht_error *detail)
{
    struct cht_buf value;
    cht_buf_init(&value, 64);
    enum cht_err err = node_store_get_meta(s, "format", &value);
    if (err == CHT_OK &&
        (value.len != 1 || value.data[0] == 0 || value.data[0] > NODE_STORE_FORMAT))
        err = cht_fail(detail, CHT_E_UNSUPPORTED,
                       "the database was written by a newer chitty-node: use that version");
    else if (err != CHT_OK)
        err = cht_fail(detail, err == CHT_E_NOTFOUND ? CHT_E_CORRUPT : err, sqlite3_errmsg(s->db));
    cht_buf_clear(&value);
    return err;
}

static enum cht_err open_path(const char *path, enum node_store_mode mode, struct cht_error *detail,
                              struct node_store **out)
{
    struct node_store *s = calloc(1, sizeof *s);
    if (s == NULL)
        return cht_fail(detail, CHT_E_NOMEM, "out of memory");
    node_store_count_syncs();
    cht_buf_init(&s->scratch, STORE_SCRATCH);
    cht_buf_init(&s->blob, STORE_SCRATCH);
    int flags = mode == NODE_STORE_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (mode == NODE_STORE_CREATE)
        flags |= SQLITE_OPEN_CREATE;
    int code = sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    enum cht_err err = code == SQLITE_OK ? CHT_OK : store_error(code);
    if (err == CHT_OK)
        err = set_up(s, mode);
    if (err == CHT_OK && mode == NODE_STORE_CREATE)
        err = store_create_tables(s);
    if (err != CHT_OK)
        (void)cht_fail(detail, err, s->db == NULL ? "out of memory" : sqlite3_errmsg(s->db));
    else if (mode != NODE_STORE_MEND)
        err = check_format(s, detail);
    if (err == CHT_OK && (mode == NODE_STORE_WRITE || mode == NODE_STORE_MEND)) {
        err = store_renew_tables(s);
        if (err != CHT_OK)
            (void)cht_fail(detail, err, node_store_message(s));
    }
    if (err != CHT_OK) {
        node_store_close(s);
        return err;
    }
    *out = s;
    return CHT_OK;
}

enum cht_err node_store_open(const char *path, enum node_store_mode mode, struct cht_error *detail,
                             struct node_store **out)
{
    bool there = access(path, F_OK) == 0;
    if (there == (mode == NODE_STORE_CREATE))
        return cht_fail(detail, there ? CHT_E_EXISTS : CHT_E_NOTFOUND,
                        there ? "the database exists already" : "there is no database yet");
    return open_path(path, mode, detail, out);
}

enum cht_err node_store_memory(struct node_store **out)
{
    return open_path(":memory:", NODE_STORE_CREATE, NULL, out);
}

void node_store_close(struct node_store *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < STORE_STATEMENT_COUNT; i++)
        sqlite3_finalize(s->statements[i]);
    for (size_t i = 0; i < STORE_TYPES_MAX; i++) {
        for (size_t k = 0; k < sizeof s->rows[i] / sizeof s->rows[i][0]; k++)
            sqlite3_finalize(s->rows[i][k]);
    }
    sqlite3_close(s->db);
    cht_buf_clear(&s->scratch);
    cht_buf_clear(&s->blob);
    free(s);
}

const char *node_store_message(const struct node_store *s)
{
    return s->fault[0] != '\0' ? s->fault : sqlite3_errmsg(s->db);
}

enum cht_err node_store_begin(struct node_store *s)
{
    sqlite3_stmt *st;
    s->fault[0] = '\0';
    enum cht_err err = store_statement(s, SQL_BEGIN, &st);
    if (err == CHT_OK)
        err = store_done(st);
    s->in_transaction = err == CHT_OK;
    return err;
}

enum cht_err node_store_commit(struct node_store *s)
{
    sqlite3_stmt *st;
    enum cht_err err = store_sums_keep(s);
    if (err == CHT_OK)
        err = store_statement(s, SQL_COMMIT, &st);
    if (err == CHT_OK)
        err = store_done(st);
    if (err == CHT_OK)
        s->in_transaction = false;
    return err;
}

static enum cht_err put_trial(struct node_store *s, struct cht_bytes value)
{
    enum cht_err err = node_store_begin(s);
    if (err == CHT_OK)
        err = node_store_put_meta(s, "trial", value);
    if (err == CHT_OK)
        err = node_store_commit(s);
    if (err != CHT_OK)
        node_store_rollback(s);
    return err;
}

enum cht_err node_store_try(struct node_store *s)
{
    static const uint8_t some[STORE_TRIAL_BYTES];
    enum cht_err err = node_store_checkpoint(s);
    if (err == CHT_OK)
        err = put_trial(s, cht_bytes(some, sizeof some));
    if (err == CHT_OK)
        err = put_trial(s, cht_bytes(NULL, 0));
    return err == CHT_OK ? node_store_checkpoint(s) : err;
}

void node_store_rollback(struct node_store *s)
{
    const int code = sqlite3_errcode(s->db) & 0xff;
    if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE)
        (void)snprintf(s->fault, sizeof s->fault, "%s", sqlite3_errmsg(s->db));
    /* a full disk ends the transaction by itself */
    if (s->in_transaction && sqlite3_get_autocommit(s->db) == 0)
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    s->in_transaction = false;
    s->summed_changed = 0;
    s->answers_delta = 0;
}

enum cht_err node_store_checkpoint(struct node_store *s)
{
    for (size_t i = 0; i < STORE_STATEMENT_COUNT; i++)
        sqlite3_reset(s->statements[i]); /* one that stands at its row is a reader of the WAL */
    sqlite3_busy_timeout(s->db, 0); /* a reader may take long: the WAL waits for it, nobody else */
    int code = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(s->db, STORE_WAIT_MS);
    if (code == SQLITE_OK)
        s->wal_bytes = 0;
    return store_error(code);
}

size_t node_store_wal_bytes(const struct node_store *s)
{
    return s->wal_bytes;
}

enum cht_err store_meta_write(struct node_store *s, const char *key, struct cht_bytes value)
{
    struct store_sum sum;
    uint8_t bytes[STORE_SUM_BYTES];
    store_sum_init(&sum);
    enum cht_err err = store_sum_bytes(&sum, cht_bytes_str(key));
    if (err == CHT_OK)
        err = store_sum_bytes(&sum, value);
    store_sum_take(&sum, bytes);
    sqlite3_stmt *st = NULL;
    if (err == CHT_OK)
        err = store_statement(s, SQL_META_PUT, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    store_bind(st, 2, value);
    store_bind(st, 3, cht_bytes(bytes, sizeof bytes));
    return store_done(st);
}

enum cht_err node_store_put_meta(struct node_store *s, const char *key, struct cht_bytes value)
{
    bool own;
    enum cht_err err = store_summed_enter(s, &own);
    if (err == CHT_OK)
        err = store_meta_write(s, key, value);
    return store_summed_leave(s, STORE_SUMMED_META, own, err);
}

enum cht_err node_store_drop_meta(struct node_store *s, const char *key)
{
    bool own;
    sqlite3_stmt *st = NULL;
    enum cht_err err = store_summed_enter(s, &own);
    if (err == CHT_OK)
        err = store_statement(s, SQL_META_DROP, &st);
    if (err == CHT_OK) {
        sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
        err = store_done(st);
    }
    return store_summed_leave(s, STORE_SUMMED_META, own, err);
}

enum cht_err node_store_get_meta(struct node_store *s, const char *key, struct cht_buf *out)
{
    sqlite3_stmt *st;
    enum cht_err err = store_statement(s, SQL_META_GET, &st);
    if (err != CHT_OK)
        return err;
    sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    err = store_row(st);
    if (err != CHT_OK)
        return err;
    cht_buf_reset(out);
    err = cht_buf_add(out, store_column(st, 0));
    sqlite3_reset(st);
    return err == CHT_E_LIMIT ? CHT_E_CORRUPT : err; /* nothing so long was ever written there */
}

enum cht_err node_store_each_meta(struct node_store *s, const char *prefix, node_meta_fn *each,
                                  void *ctx)
{
    sqlite3_stmt *st = NULL;
    enum cht_err err = store_prepare(
        s, "SELECT key, value FROM meta WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key", &st);
    if (err == CHT_OK)
        err = store_error(sqlite3_bind_text(st, 1, prefix, -1, SQLITE_STATIC));
    while (err == CHT_OK && (err = store_row(st)) == CHT_OK)
        err = each(ctx, (const char *)sqlite3_column_text(st, 0), store_column(st, 1));
    sqlite3_finalize(st);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}
