#ifndef NODE_STORE_SQL_H
#define NODE_STORE_SQL_H
/* Inside node/store only: the database handle and its prepared statements. */
#include "node/store/store.h"

#include <sqlite3.h>

/* What the full-text index takes for words. */
#define STORE_TOKENIZER "unicode61 remove_diacritics 2"
/* The conditions of the partial indexes of todos, as queries must spell them. */
#define STORE_WHERE_OPEN "(\"status\" IS NULL OR \"status\" NOT IN ('completed', 'cancelled'))"
/* Also those in progress that someone holds: they can be begun again when that claim lapses. */
#define STORE_WHERE_READY                                                                          \
    "blockers = 0 AND (\"status\" IS NULL OR \"status\" = 'pending'"                               \
    " OR (\"status\" = 'in_progress' AND held = 1))"
#define STORE_WHERE_HELD "held = 1"
/* What matters most, then what is due first, then the oldest. */
#define STORE_ORDER_READY                                                                          \
    "CASE \"priority\" WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'low' THEN 3 ELSE 2 END,"    \
    " \"deadline\" IS NULL, \"deadline\", \"created\""

#define STORE_PAGE_BYTES 8192
/* How a file is opened to be written. */
#define STORE_PRAGMAS                                                                              \
    "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"               \
    "PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = OFF; PRAGMA cache_size = -8192;"        \
    "PRAGMA foreign_keys = OFF"

/* name, text: prepared at first use, kept until close */
#define STORE_STATEMENTS(X)                                                                        \
    X(SQL_BEGIN, "BEGIN IMMEDIATE")                                                                \
    X(SQL_COMMIT, "COMMIT")                                                                        \
    X(SQL_META_PUT, "INSERT OR REPLACE INTO meta(key, value, sum) VALUES(?1, ?2, ?3)")             \
    X(SQL_META_DROP, "DELETE FROM meta WHERE key = ?1")                                            \
    X(SQL_META_GET, "SELECT value FROM meta WHERE key = ?1")                                       \
    X(SQL_LOG_ADD, "INSERT INTO log(id, count, codec, payload, head, tip, stamp, entities, pasts)" \
                   " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")                                  \
    X(SQL_LOG_APPLIED, "UPDATE log SET entities = ?2, pasts = ?3 WHERE id = ?1")                   \
    X(SQL_LOG_FIND, "SELECT * FROM log WHERE id <= ?1 ORDER BY id DESC LIMIT 1")                   \
    X(SQL_DEVICE_ADD, "INSERT INTO author(n, id) VALUES(?1, ?2)")                                  \
    X(SQL_CHAIN_ADD, "INSERT INTO chain(n, device, parent, branch_seq) VALUES(?1, ?2, ?3, ?4)")    \
    X(SQL_EPOCH_ADD, "INSERT INTO epoch(chain, seq, epoch) VALUES(?1, ?2, ?3)")                    \
    X(SQL_ENTITY_ADD, "INSERT INTO entity(place, n, type, id) VALUES(?1, ?2, ?3, ?4)")             \
    X(SQL_ACTOR_ADD, "INSERT INTO actor(place, n, id) VALUES(?1, ?2, ?3)")                         \
    X(SQL_NUMBER_ADD,                                                                              \
      "INSERT OR REPLACE INTO number(chain, k, device, seq) VALUES(?1, ?2, ?3, ?4)")               \
    X(SQL_VOID_COUNT, "SELECT count(*) FROM void WHERE place >= ?1 AND place <= ?2")               \
    X(SQL_VOID_ADD, "INSERT OR REPLACE INTO void(place, op, why) VALUES(?1, ?2, ?3)")              \
    X(SQL_VOID_DROP, "DELETE FROM void WHERE place = ?1 AND op = ?2")                              \
    X(SQL_POSITION_PUT, "INSERT OR REPLACE INTO position(chain, seq, stored) VALUES(?1, ?2, ?3)")  \
    X(SQL_POSITION_ALL, "SELECT chain, seq, stored FROM position ORDER BY chain")                  \
    X(SQL_TOTAL_META, "SELECT sum FROM meta WHERE key <> 'sums'")                                  \
    X(SQL_TOTAL_PEER, "SELECT sum FROM peer")                                                      \
    X(SQL_TOTAL_TICKET, "SELECT sum FROM ticket")                                                  \
    X(SQL_TOTAL_ANSWER, "SELECT sum FROM idempotency")                                             \
    X(SQL_RECORD_ADD, "INSERT INTO record(bytes) VALUES(?1)")                                      \
    X(SQL_SEARCH_PUT, "INSERT OR REPLACE INTO search(rowid, title, body) VALUES(?1, ?2, ?3)")      \
    X(SQL_SEARCH_DROP, "DELETE FROM search WHERE rowid = ?1")                                      \
    X(SQL_ELEMENT_ADD, "INSERT OR IGNORE INTO element(field, value, n) VALUES(?1, ?2, ?3)")        \
    X(SQL_ELEMENT_DROP, "DELETE FROM element WHERE field = ?1 AND value = ?2 AND n = ?3")          \
    X(SQL_ELEMENT_OF, "SELECT n FROM element WHERE field = ?1 AND value = ?2")                     \
    X(SQL_TODO_OPEN, "SELECT 1 FROM todo WHERE n = ?1 AND deleted = 0 AND (status IS NULL OR"      \
                     " status NOT IN ('completed', 'cancelled'))")                                 \
    X(SQL_BLOCKERS_SET, "UPDATE todo SET blockers = ?2 WHERE n = ?1 AND blockers <> ?2")           \
    X(SQL_BLOCKERS_ADD, "UPDATE todo SET blockers = blockers + ?2 WHERE n = ?1")                   \
    X(SQL_ANSWER_PUT, "INSERT OR REPLACE INTO idempotency(key, at_ms, answer, sum)"                \
                      " VALUES(?1, ?2, ?3, ?4)")                                                   \
    X(SQL_ANSWER_GET, "SELECT answer FROM idempotency WHERE key = ?1")                             \
    X(SQL_ANSWER_FORGET, "DELETE FROM idempotency WHERE at_ms < ?1")                               \
    X(SQL_ANSWER_SUM, "SELECT sum FROM idempotency WHERE key = ?1")                                \
    X(SQL_ANSWER_OLD_SUMS, "SELECT sum FROM idempotency WHERE at_ms < ?1")                         \
    X(SQL_ADDRESS_PUT, "INSERT OR REPLACE INTO peer(device, address, seen_ms, sum)"                \
                       " VALUES(?1, ?2, ?3, ?4)")                                                  \
    X(SQL_ADDRESS_TRIM, "DELETE FROM peer WHERE device = ?1 AND address NOT IN (SELECT address"    \
                        " FROM peer WHERE device = ?1 ORDER BY seen_ms DESC LIMIT ?2)")            \
    X(SQL_TICKET_PUT, "INSERT OR REPLACE INTO ticket(id, secret, expiry_ms, joiner, sum)"          \
                      " VALUES(?1, ?2, ?3, ?4, ?5)")                                               \
    X(SQL_TICKET_GET, "SELECT id, secret, expiry_ms, joiner FROM ticket WHERE id = ?1")            \
    X(SQL_TICKET_LIVE, "SELECT id, secret, expiry_ms, joiner FROM ticket WHERE expiry_ms > ?1"     \
                       " ORDER BY expiry_ms DESC")

enum store_statement {
#define X(name, text) name,
    STORE_STATEMENTS(X)
#undef X
        STORE_STATEMENT_COUNT
};

#define STORE_TYPES_MAX 16u
#define STORE_ROW_KINDS 11u

struct node_store {
    sqlite3 *db;
    sqlite3_stmt *statements[STORE_STATEMENT_COUNT];
    sqlite3_stmt *rows[STORE_TYPES_MAX][STORE_ROW_KINDS]; /* by type and enum store_row_kind */
    bool ranks;                                           /* FTS5 knows `hits` (find.c) */
    bool in_transaction;
    char fault[CHT_ERROR_TEXT_MAX]; /* what SQLite said before the last rollback; empty: nothing */
    unsigned summed_changed;        /* sums.h: a bit for each table whose total is to be kept */
    uint64_t answers_delta;
    size_t wal_bytes;
    struct cht_buf scratch; /* blobs and JSON while a row is written */
    struct cht_buf blob;
};

/* An entry's place as the key of log, entity and actor rows: chain << 40 | seq (PROTOCOL 10.2). */
static inline int64_t store_place_key(struct crdt_place at)
{
    return (int64_t)((uint64_t)at.chain << 40 | at.seq);
}
static inline struct crdt_place store_place_of(int64_t key)
{
    return (struct crdt_place){ (uint32_t)((uint64_t)key >> 40), (uint32_t)key };
}

/* SQLite's result code as ours. */
enum cht_err store_error(int code);
/* A prepared statement, reset and ready to bind. */
CHT_MUST_USE enum cht_err store_statement(struct node_store *s, enum store_statement which,
                                          sqlite3_stmt **out);
CHT_MUST_USE enum cht_err store_prepare(struct node_store *s, const char *sql, sqlite3_stmt **out);
/* Step a statement that gives no row, and reset it. */
CHT_MUST_USE enum cht_err store_done(sqlite3_stmt *st);
/* Step to the next row: CHT_OK, or CHT_E_NOTFOUND (and reset) at the end. */
CHT_MUST_USE enum cht_err store_row(sqlite3_stmt *st);
CHT_MUST_USE enum cht_err store_exec(struct node_store *s, const char *sql);

static inline struct cht_bytes store_column(sqlite3_stmt *st, int column)
{
    const void *data = sqlite3_column_blob(st, column);
    return cht_bytes(data, (size_t)sqlite3_column_bytes(st, column));
}
static inline void store_bind(sqlite3_stmt *st, int at, struct cht_bytes value)
{
    sqlite3_bind_blob64(st, at, value.len == 0 ? (const void *)"" : value.data, value.len,
                        SQLITE_STATIC);
}

/* The interface of FTS5 on this connection. CHT_E_IO: there is none. (words.c) */
CHT_MUST_USE enum cht_err store_fts5(struct node_store *s, fts5_api **out);

/* Write a row of meta, without its total. */
CHT_MUST_USE enum cht_err store_meta_write(struct node_store *s, const char *key,
                                           struct cht_bytes value);
/* Empty the full-text table, also one that is damaged inside. */
CHT_MUST_USE enum cht_err store_clear_search(struct node_store *s);
/* Create the tables of an empty file. */
CHT_MUST_USE enum cht_err store_create_tables(struct node_store *s);
/* Where the typed tables were made of another schema, make them anew, empty: with the positions
 * gone the log is replayed into them at the next open of the replica (PROTOCOL 10.8). */
CHT_MUST_USE enum cht_err store_renew_tables(struct node_store *s);

#endif
