#ifndef NODE_STORE_STORE_H
#define NODE_STORE_STORE_H
/* One space in one SQLite file (PROTOCOL 10). This folder is the only one that knows SQLite.
 *
 * The log is the truth: ranges as received, durable in the turn that acknowledges them. The typed
 * tables (`todo`, …) are a write-back of the log and carry the log position that they reflect
 * (`position`); at start the log is replayed from there. WAL, synchronous=FULL, one transaction a
 * turn; checkpoints run from an idle timer, never inside a turn.
 *
 * Errors of SQLite are mapped here once: CHT_E_FULL (disk), CHT_E_BUSY (another process),
 * CHT_E_CORRUPT, CHT_E_NOMEM, CHT_E_IO (the rest, with SQLite's words in `detail`). */
#include "crdt/graph.h"
#include "crdt/range.h"
#include "crdt/root.h"
#include "crdt/state.h"

struct node_store;

/* meta 'format'; a newer file is refused with a sentence, an older one is brought up to it when it
 * is opened to write */
#define NODE_STORE_FORMAT 2u

enum node_store_mode {
    NODE_STORE_CREATE, /* make the file; it must not exist */
    NODE_STORE_WRITE,  /* open to write */
    NODE_STORE_READ,   /* open to look; nothing is written, not even a recovered WAL */
    NODE_STORE_MEND,   /* as WRITE, whatever the format row says: to verify or rebuild */
};

/* CHT_E_NOTFOUND, CHT_E_EXISTS, CHT_E_UNSUPPORTED: the format; and SQLite's. */
CHT_MUST_USE enum cht_err node_store_open(const char *path, enum node_store_mode mode,
                                          struct cht_error *detail, struct node_store **out);
/* A store in memory, for folding beside a file. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err node_store_memory(struct node_store **out);
void node_store_close(struct node_store *s);
/* What SQLite said last, or before the rollback of the last transaction, for messages. Never NULL.
 */
const char *node_store_message(const struct node_store *s);

CHT_MUST_USE enum cht_err node_store_begin(struct node_store *s);
CHT_MUST_USE enum cht_err node_store_commit(struct node_store *s);
/* Harmless when no transaction is open. */
void node_store_rollback(struct node_store *s);
/* Move the WAL into the file. Outside transactions; CHT_E_BUSY, at once, when readers hold it back:
 * then as much of it was moved as they let. */
CHT_MUST_USE enum cht_err node_store_checkpoint(struct node_store *s);
/* Can the file be written? Empties the WAL, writes some and takes it back, all of it synced.
 * Outside transactions. */
CHT_MUST_USE enum cht_err node_store_try(struct node_store *s);
/* How often files of this process were synced, how often in vain, and how long it took. */
struct node_syncs {
    uint64_t count, failures, us;
};
struct node_syncs node_store_syncs(void);
/* Count from now on; before the first open. Again is fine. */
void node_store_count_syncs(void);
/* Bytes in the WAL since the last checkpoint (an estimate: pages written). */
size_t node_store_wal_bytes(const struct node_store *s);

/* --- meta: small named values -------------------------------------------------------------- */

CHT_MUST_USE enum cht_err node_store_put_meta(struct node_store *s, const char *key,
                                              struct cht_bytes value);
/* Harmless without such a value. */
CHT_MUST_USE enum cht_err node_store_drop_meta(struct node_store *s, const char *key);
/* Copies into `out` (reset first). CHT_E_NOTFOUND; CHT_E_CORRUPT: it is longer than `out` may be.
 */
CHT_MUST_USE enum cht_err node_store_get_meta(struct node_store *s, const char *key,
                                              struct cht_buf *out);

/* Each value whose key begins with `prefix`, ascending by key; spans borrow for the call. Stops at
 * the first error. */
typedef enum cht_err node_meta_fn(void *ctx, const char *key, struct cht_bytes value);
CHT_MUST_USE enum cht_err node_store_each_meta(struct node_store *s, const char *prefix,
                                               node_meta_fn *each, void *ctx);

/* --- the log ------------------------------------------------------------------------------- */

/* A row: a range that ends at a head. Spans borrow (when read: until the next read of the log). */
struct node_log_row {
    struct crdt_place first; /* chain and seq of the first entry */
    uint32_t count;
    enum crdt_codec codec;
    struct cht_bytes payload;
    struct cht_bytes head;     /* CRDT_SIG_BYTES */
    struct cht_bytes tip;      /* CRDT_HASH_BYTES: hash of the last entry */
    crdt_hlc_stamp stamp;      /* of the last entry */
    struct cht_bytes entities; /* ascending entity numbers touched, as varint differences; empty
                                  while the row waits */
    struct cht_bytes pasts;    /* (offset, vector) for the first entry and each that has deps */
};

CHT_MUST_USE enum cht_err node_log_add(struct node_store *s, const struct node_log_row *row);
/* The row was applied later than stored: fill in entities and pasts. */
CHT_MUST_USE enum cht_err node_log_applied(struct node_store *s, const struct node_log_row *row);
/* The row that holds an entry. CHT_E_NOTFOUND. */
CHT_MUST_USE enum cht_err node_log_find(struct node_store *s, struct crdt_place at,
                                        struct node_log_row *out);
/* The last row of a chain. CHT_E_NOTFOUND. */
CHT_MUST_USE enum cht_err node_log_last(struct node_store *s, uint32_t chain,
                                        struct node_log_row *out);
/* How many rows there are. */
CHT_MUST_USE enum cht_err node_log_count(struct node_store *s, uint64_t *out);

/* --- the book: who and what the small numbers are ------------------------------------------ */

CHT_MUST_USE enum cht_err node_book_add_device(struct node_store *s, uint32_t n,
                                               const uint8_t id[static CRDT_ID_BYTES]);
CHT_MUST_USE enum cht_err node_book_add_chain(struct node_store *s, uint32_t n, uint32_t device,
                                              uint32_t parent, uint32_t branch_seq);
CHT_MUST_USE enum cht_err node_book_add_epoch(struct node_store *s, struct crdt_place from,
                                              const uint8_t epoch[static CRDT_EPOCH_BYTES]);
/* An entity or actor, with the entry that spelt it; again with the same n: another that did. */
CHT_MUST_USE enum cht_err node_book_add_entity(struct node_store *s, uint32_t n,
                                               const struct crdt_id *id, struct crdt_place spelt);
CHT_MUST_USE enum cht_err node_book_add_actor(struct node_store *s, uint32_t n,
                                              const struct crdt_id *id, struct crdt_place spelt);
/* How far the typed tables reflect a chain, and how far its log went then. */
CHT_MUST_USE enum cht_err node_book_put_position(struct node_store *s, uint32_t chain, uint32_t seq,
                                                 uint32_t stored);
#define NODE_POSITIONS_SUM_BYTES 8u
/* A sum over all positions, for meta 'positions' (PROTOCOL 10.5). */
CHT_MUST_USE enum cht_err node_book_sum_positions(struct node_store *s,
                                                  uint8_t out[static NODE_POSITIONS_SUM_BYTES]);
/* Device number k + 1 of a chain's path (PROTOCOL 2.5). */
CHT_MUST_USE enum cht_err node_book_add_number(struct node_store *s, uint32_t chain, uint32_t k,
                                               const struct crdt_graph_number *number);
/* How many void ops a chain has. */
CHT_MUST_USE enum cht_err node_book_count_voids(struct node_store *s, uint32_t chain,
                                                uint64_t *out);
/* In place of the number of an op: all ops of the entry are void; a ruling voids the entry. */
#define NODE_VOID_WHOLE UINT32_MAX
#define NODE_VOID_RULED (UINT32_MAX - 1u)
/* A void op or entry and why, in a word (PROTOCOL 3.6, 7.26). */
CHT_MUST_USE enum cht_err node_book_add_void(struct node_store *s, struct crdt_place at,
                                             uint32_t op, const char *why);
/* It is not void any more; harmless when it was not. */
CHT_MUST_USE enum cht_err node_book_drop_void(struct node_store *s, struct crdt_place at,
                                              uint32_t op);
CHT_MUST_USE enum cht_err node_book_add_record(struct node_store *s, struct cht_bytes record);

/* Everything of the book, each kind ascending by number; NULL callbacks are skipped.
 * CHT_E_CORRUPT: a column of another type or range than it must be. */
struct node_book_reader {
    void *ctx;
    enum cht_err (*device)(void *ctx, uint32_t n, const uint8_t *id);
    enum cht_err (*chain)(void *ctx, uint32_t n, uint32_t device, uint32_t parent,
                          uint32_t branch_seq);
    enum cht_err (*epoch)(void *ctx, struct crdt_place from, const uint8_t *epoch);
    enum cht_err (*entity)(void *ctx, uint32_t n, const struct crdt_id *id,
                           struct crdt_place spelt);
    enum cht_err (*actor)(void *ctx, uint32_t n, const struct crdt_id *id, struct crdt_place spelt);
    enum cht_err (*number)(void *ctx, uint32_t chain, uint32_t k,
                           const struct crdt_graph_number *number);
    enum cht_err (*voided)(void *ctx, struct crdt_place at, uint32_t op, const char *why);
    enum cht_err (*position)(void *ctx, uint32_t chain, uint32_t seq, uint32_t stored);
    enum cht_err (*record)(void *ctx, uint32_t n, struct cht_bytes record);
};
CHT_MUST_USE enum cht_err node_book_read(struct node_store *s, const struct node_book_reader *r);

/* --- the typed tables ---------------------------------------------------------------------- */

struct node_row_info {
    bool hidden;
    uint32_t conflicts; /* conflicting cells, plus one when contested */
};

enum node_row_flags {
    NODE_ROW_NEW = 1u << 0,      /* there is no row yet */
    NODE_ROW_PROJECT = 1u << 1,  /* the project may have changed, which has an index */
    NODE_ROW_SEARCH = 1u << 2,   /* a searched field may have changed, or it was hidden or shown */
    NODE_ROW_ELEMENTS = 1u << 3, /* what `element` says of it may have changed */
    NODE_ROW_OPEN = 1u << 4,     /* `status` may have changed, or it was hidden or shown … */
    NODE_ROW_WAS_OPEN = 1u << 5, /* … and its row was open (see node_rows_open) */
    NODE_ROW_ORDER = 1u << 6,    /* priority, deadline or defer may have changed */
};
/* What rows are written with. */
struct node_rows {
    const struct crdt_graph *graph;
    uint32_t (*number)(const void *ctx, const struct crdt_id *id); /* UINT32_MAX: it has none */
    const void *ctx;
};
/* Take away an entity's row and what was made of it; harmless without them. CHT_E_CORRUPT. */
CHT_MUST_USE enum cht_err node_rows_drop(struct node_store *s, const struct node_rows *rows,
                                         uint32_t n, const struct crdt_id *id);

/* Write an entity's row, what `element` and the dependents' `blockers` say of it, and its search
 * text, as far as the flags say that they may have changed. CHT_E_CORRUPT: the row that is there
 * cannot be read. */
CHT_MUST_USE enum cht_err node_rows_write(struct node_store *s, const struct node_rows *rows,
                                          uint32_t n, const struct crdt_state *state,
                                          unsigned flags);
/* What a change to this field means for the row: NODE_ROW_*. */
unsigned node_rows_flags(const struct crdt_field *f);
/* A todo that is not hidden, and neither completed nor cancelled: those wait that depend on it. */
bool node_rows_open(const struct crdt_graph *g, const struct crdt_state *state);
/* A todo whose shown claim has a holder (PROTOCOL 13.1). */
bool node_rows_held(const struct crdt_graph *g, const struct crdt_state *state);
/* Load entity n into an initialised, empty state, whose id says which it is. CHT_E_NOTFOUND: it has
 * no row (an empty state); CHT_E_CORRUPT. */
CHT_MUST_USE enum cht_err node_rows_read(struct node_store *s, const struct crdt_graph *g,
                                         uint32_t n, struct crdt_state *out);
/* Do its values stand in table `element` (PROTOCOL 10.4)? */
bool node_rows_element(const struct crdt_field *f);
/* Does a column of this field have an index of its own? */
bool node_rows_indexed(const struct crdt_field *f);
/* Empty all that is made from the log: typed tables, search, entities, actors, numbers, voids,
 * positions, the root, and what log rows note beside their ranges. Inside a transaction. */
CHT_MUST_USE enum cht_err node_rows_clear(struct node_store *s);
/* What the row says of an entity, computed. */
CHT_MUST_USE enum cht_err node_row_info(const struct crdt_graph *g, const struct crdt_state *state,
                                        struct node_row_info *out);

/* --- reading for clients ------------------------------------------------------------------- */

/* A field that has one value, or a set that has one element: what the store has an index for. It
 * looks how many rows each of a question's has, and goes the way that is short. */
struct node_narrow {
    const struct crdt_field *field; /* one that node_find_narrows */
    struct cht_bytes value;         /* as a column shows it, or an element */
};
#define NODE_NARROW_MAX 8u
bool node_find_narrows(const struct crdt_field *f);

/* What todos are asked for, as bits. */
enum node_only {
    NODE_ONLY_OPEN = 1u << 0,    /* neither completed nor cancelled */
    NODE_ONLY_READY = 1u << 1,   /* pending, or in progress by a claim that lapsed; blocked by
                                    none, not deferred, held by none */
    NODE_ONLY_OVERDUE = 1u << 2, /* open, and the deadline has passed */
    NODE_ONLY_BLOCKED = 1u << 3, /* open, and its status is blocked or something blocks it */
    NODE_ONLY_HELD = 1u << 4,    /* open, and held by a claim that has not lapsed */
    NODE_ONLY_FREE = 1u << 5,    /* open, and not so */
};

/* All conditions hold. Without an `order` the best matches of `match` come first, or when they are
 * many the newest; of ready todos what matters most, then what is due first, then what is oldest;
 * of overdue ones what was due first; all others as they came to this node. */
struct node_find {
    unsigned type;
    const char *where; /* SQL over the type's columns with ?1… ?97 for `args`; or NULL */
    const char *order; /* SQL ORDER BY terms; or NULL */
    const struct cht_bytes *args; /* text arguments */
    size_t arg_count;
    const struct node_narrow *narrow; /* at most NODE_NARROW_MAX */
    size_t narrow_count;
    unsigned only;           /* NODE_ONLY_*, of todos */
    uint64_t now_ms;         /* for these */
    struct cht_bytes lapsed; /* numbers of todos whose claims have, a JSON array; empty: none */
    struct cht_bytes match;  /* in the language of FTS5; empty: no matter */
    bool counts;             /* the columns are an aggregate: one row, without an order */
    uint64_t limit;          /* 0: no limit */
    uint64_t offset;         /* so many are passed over first */
    bool with_deleted;
};
/* The SQL term that sorts by a field: words of an enum by their rank, text without regard to case.
 * It is NULL where the field is unset. Appended to `out`. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err node_find_order(const struct crdt_field *f, struct cht_buf *out);
struct node_cursor;
/* A cursor over `columns` (SQL column names) of matching rows. It reads the last committed state
 * and must be closed before the next transaction. */
CHT_MUST_USE enum cht_err node_find_open(struct node_store *s, const struct node_find *f,
                                         const char *columns, struct node_cursor **out);
/* The same over the numbers of what has the words, `match` being in FTS5's language. */
CHT_MUST_USE enum cht_err node_find_words(struct node_store *s, struct cht_bytes match,
                                          uint64_t limit, struct node_cursor **out);
/* The same over number and target of each link in a field of `element`, of those not hidden, or
 * with `hidden` of all. */
CHT_MUST_USE enum cht_err node_find_links(struct node_store *s, unsigned type, unsigned field,
                                          bool hidden, struct node_cursor **out);
/* CHT_E_NOTFOUND: the end. */
CHT_MUST_USE enum cht_err node_find_next(struct node_cursor *c);
void node_find_close(struct node_cursor *c);
/* Append the numbers in the first column of all that is left, 4 bytes each (cht_wire_u32), and
 * close it in any case: for who writes or asks further while it goes through them. */
CHT_MUST_USE enum cht_err node_find_numbers(struct node_cursor *c, struct cht_buf *out);
/* How SQLite goes about a question, a line a step, for tests. */
CHT_MUST_USE enum cht_err node_find_explain(struct node_store *s, const struct node_find *f,
                                            const char *columns, struct cht_buf *out);
bool node_find_is_null(const struct node_cursor *c, int column);
int64_t node_find_int(const struct node_cursor *c, int column);
struct cht_bytes node_find_bytes(const struct node_cursor *c, int column);

#endif
