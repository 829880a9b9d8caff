#ifndef NODE_SERVICE_UNDO_H
#define NODE_SERVICE_UNDO_H
/* Inside node/service only: own transactions found again in the log, so that they can be taken back
 * (LOCAL 6.7, PROTOCOL 6.4). */
#include "crdt/undo.h"
#include "node/service/plan.h"

#define UNDO_COUNT_MAX  100u   /* transactions at once */
#define UNDO_WALK_MAX   65536u /* entries looked through for them */
#define UNDO_COUNT_LIST 10u    /* told when nobody says how many */

struct undo_op {
    uint32_t entity; /* by number */
    struct crdt_op op;
};

/* A transaction of this device. */
struct undo_txn {
    struct crdt_place first;
    struct crdt_hash hash; /* of its first entry: its name */
    crdt_hlc_stamp stamp;
    enum crdt_undo_kind kind; /* what it did to others; 0: it is a change of its own */
    struct undo_op *ops;      /* in order, without those that say what it takes back */
    uint32_t op_count;
};

struct undo_wanted {
    bool redo;                   /* those that took something back; else the others */
    const struct crdt_id *actor; /* for whom they were written; NULL: the device itself */
    uint32_t count;
};

/* The last `wanted->count` such transactions that nothing has taken back, newest first, in the
 * request's arena. CHT_E_NOMEM, errors of the store. */
CHT_MUST_USE enum cht_err undo_find(struct node_service *s, const struct undo_wanted *wanted,
                                    struct undo_txn **out, uint32_t *out_count);

/* The transaction that an entry in the log is of, whoever wrote it. CHT_E_NOTFOUND, CHT_E_NOMEM,
 * errors of the store. */
CHT_MUST_USE enum cht_err undo_at(struct node_service *s, struct crdt_place at,
                                  struct undo_txn *out);

/* A cell that somebody has changed since: it was left as it is. */
struct undo_left {
    uint32_t entity;
    uint16_t field;
    struct cht_bytes key;
    struct crdt_place by; /* the entry that changed it; seq 0: it was emptied */
};

struct undo_plan {
    struct plan plan;
    struct undo_left *left;
    uint32_t left_count, left_cap;
    uint32_t back; /* cells that are put back, or were so already */
};

/* Plan to take the transactions back, all of them at once: each cell they wrote is to hold what it
 * held before the first of them; what they made is deleted. A cell that somebody changed since is
 * left, unless `force`; with `anyone` they may be of another device. The write says what it takes
 * back. CHT_E_LIMIT: they are of more than LIMIT_HEAD_ENTRIES entities; CHT_E_NOMEM, errors of the
 * store. */
CHT_MUST_USE enum cht_err undo_plan(struct node_service *s, const struct undo_txn *txns,
                                    uint32_t count, bool redo, bool force, bool anyone,
                                    struct undo_plan *out);

#endif
