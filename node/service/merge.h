#ifndef NODE_SERVICE_MERGE_H
#define NODE_SERVICE_MERGE_H
/* Inside node/service only: one record of two (PROTOCOL 5.10, LOCAL 9). */
#include "node/service/plan.h"

/* Plan that `alias` is a duplicate of `into`, or, where it is one already, that what was written to
 * it since goes over too: `alias` is hidden, `into` gets what it lacks, and what depends on the one
 * depends on the other. One transaction. CHT_E_LIMIT: too many records depend on it; CHT_E_NOMEM;
 * errors of the store, which must have been written back. */
CHT_MUST_USE enum cht_err merge_plan(struct node_service *s, uint32_t into, uint32_t alias,
                                     struct plan *out);
/* Is there something in a hidden record that the delete which hid it had not seen? */
CHT_MUST_USE enum cht_err merge_is_late(struct node_service *s, uint32_t n, bool *out);

/* Rows as a question finds them: what this turn wrote is committed first. */
CHT_MUST_USE enum cht_err merge_rows_ready(struct node_service *s);

/* Records that say the same, as groups of those that are one beyond doubt, or may be (reconcile.c).
 * Members stand ascending by id; the first is the one that survives. */
struct merge_group {
    uint32_t *members;
    uint32_t count;
    bool certain;
    struct cht_bytes text; /* what they say, in its normal form */
};
/* Look for them: in the project, INDEX_NONE: in all. In the request's arena. */
CHT_MUST_USE enum cht_err merge_find(struct node_service *s, unsigned type, uint32_t project,
                                     struct merge_group **out, size_t *out_count);

#endif
