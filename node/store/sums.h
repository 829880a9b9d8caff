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

/* Report the rows of meta, peer, ticket and idempotency whose sum does not fit. */
CHT_MUST_USE enum cht_err store_check_sums(struct node_store *s, node_difference *each, void *ctx);

#endif
