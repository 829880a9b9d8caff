#ifndef NODE_STORE_SUMS_H
#define NODE_STORE_SUMS_H
/* Inside node/store only: a checksum in the rows that no log can give back (PROTOCOL 10.5). */
#include "node/store/compare.h"
#include "node/store/sql.h"

#define STORE_SUM_BYTES 8u

/* The sum over the first `count` parameters' values: for each its length as varint, then bytes;
 * integers as u64. */
struct store_sum {
    struct cht_buf bytes;
};
void store_sum_init(struct store_sum *sum);
CHT_MUST_USE enum cht_err store_sum_bytes(struct store_sum *sum, struct cht_bytes part);
CHT_MUST_USE enum cht_err store_sum_int(struct store_sum *sum, int64_t part);
/* The sum; forgets the parts. */
void store_sum_take(struct store_sum *sum, uint8_t out[static STORE_SUM_BYTES]);

/* The tables whose rows have sums. Meta 'sums' holds the total of each (but its own row's), so that
 * a row that is gone is missed. */
#define STORE_SUMMED_TABLES(X)                                                                     \
    X(META, "meta")                                                                                \
    X(PEER, "peer")                                                                                \
    X(TICKET, "ticket")                                                                            \
    X(ANSWER, "idempotency")
enum store_summed {
#define X(name, table) STORE_SUMMED_##name,
    STORE_SUMMED_TABLES(X)
#undef X
        STORE_SUMMED_COUNT
};
/* Rows with sums change inside a transaction, so that the totals change with them: open one where
 * there is none. `leave` takes the change's error and gives the last word. */
CHT_MUST_USE enum cht_err store_summed_enter(struct node_store *s, bool *out_own);
CHT_MUST_USE enum cht_err store_summed_leave(struct node_store *s, enum store_summed table,
                                             bool own, enum cht_err err);
/* The answers are many: what changes of them is told by these two. */
void store_answer_added(struct node_store *s, const uint8_t sum[static STORE_SUM_BYTES]);
/* Subtract the sums in the rows that `st` (bound) selects, and reset it. */
CHT_MUST_USE enum cht_err store_answers_gone(struct node_store *s, sqlite3_stmt *st);
/* Bring meta 'sums' up to date; before the COMMIT. */
CHT_MUST_USE enum cht_err store_sums_keep(struct node_store *s);
/* Before rows of meta are taken away by a rebuild: where meta 'sums' itself is damaged, all totals
 * are taken anew from the rows as they are; else only meta's will be. In a transaction. */
CHT_MUST_USE enum cht_err store_sums_mend(struct node_store *s);

/* Report the rows of these tables whose sum does not fit, and tables whose total does not. */
CHT_MUST_USE enum cht_err store_check_sums(struct node_store *s, node_difference *each, void *ctx);

#endif
