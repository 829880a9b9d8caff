#ifndef NODE_STORE_GLANCE_H
#define NODE_STORE_GLANCE_H
/* A quick look at a file, beside a node that may be writing it: what `doctor` reads. The whole
 * check is compare.h's. */
#include "node/store/compare.h"

/* Report what SQLite's quick check finds wrong with pages and rows, at most a few lines. */
CHT_MUST_USE enum cht_err node_store_quick_check(struct node_store *s, node_difference *each,
                                                 void *ctx);
/* Bytes of pages that hold nothing (they are used again). */
CHT_MUST_USE enum cht_err node_store_free_bytes(struct node_store *s, uint64_t *out);

/* A log row without what it carries. */
struct node_log_glance {
    struct crdt_place first;
    uint32_t count;
    crdt_hlc_stamp stamp; /* of its last entry */
};
/* Every row of the log in one snapshot, ascending by chain and seq. Errors of `each` end it;
 * CHT_E_CORRUPT: a row that is none. */
CHT_MUST_USE enum cht_err
node_log_glance(struct node_store *s,
                enum cht_err (*each)(void *ctx, const struct node_log_glance *row), void *ctx);
/* Each device that an address is kept of, with the last time that it was seen at one. */
CHT_MUST_USE enum cht_err node_peer_glance(struct node_store *s,
                                           enum cht_err (*each)(void *ctx, const uint8_t *device,
                                                                uint64_t seen_ms),
                                           void *ctx);

#endif
