#ifndef NODE_CLIENT_CONDITIONS_H
#define NODE_CLIENT_CONDITIONS_H
/* The conditions of reads as they stand in a request: `where`, `is` and `sort` (LOCAL 4.10 to
 * 4.13). Here their form is checked against the schema; values are the node's to read. */
#include "crdt/schema.h"
#include "node/client/fault.h"
#include "node/client/mpmap.h"

/* op, word, whether it takes an array of values of which one is meant */
#define NODE_COND_OPS(X)                                                                           \
    X(NODE_COND_IS, "is", true)                                                                    \
    X(NODE_COND_NOT, "not", true)                                                                  \
    X(NODE_COND_BEFORE, "before", false)                                                           \
    X(NODE_COND_AFTER, "after", false)                                                             \
    X(NODE_COND_FROM, "from", false)                                                               \
    X(NODE_COND_TO, "to", false)                                                                   \
    X(NODE_COND_HAS, "has", true)                                                                  \
    X(NODE_COND_HASNT, "hasnt", true)                                                              \
    X(NODE_COND_ANY, "any", false)                                                                 \
    X(NODE_COND_NONE, "none", false)                                                               \
    X(NODE_COND_CONTAINS, "contains", false)                                                       \
    X(NODE_COND_STARTS, "starts", false)

enum node_cond_op {
#define X(sym, word, many) sym,
    NODE_COND_OPS(X)
#undef X
        NODE_COND_OP_COUNT
};

/* word, meaning, todos only */
#define NODE_IS_WORDS(X)                                                                           \
    X(NODE_IS_OPEN, "open", "not finished", false)                                                 \
    X(NODE_IS_READY, "ready", "pending, nothing open before it, not deferred, held by none", true) \
    X(NODE_IS_BLOCKED, "blocked", "not finished, and blocked or something open before it", true)   \
    X(NODE_IS_OVERDUE, "overdue", "not finished, and its deadline has passed", true)               \
    X(NODE_IS_HELD, "held", "not finished, and someone holds it", true)                            \
    X(NODE_IS_FREE, "free", "not finished, and nobody holds it", true)                             \
    X(NODE_IS_CONFLICTED, "conflicted", "has concurrent values", false)                            \
    X(NODE_IS_HIDDEN, "hidden", "deleted", false)                                                  \
    X(NODE_IS_ALIAS, "alias", "merged into another one", false)

enum node_is_word {
#define X(sym, word, doc, todo) sym,
    NODE_IS_WORDS(X)
#undef X
        NODE_IS_COUNT
};

#define NODE_CONDS_MAX       64u /* conditions of one request */
#define NODE_COND_VALUES_MAX 64u /* values of one condition */
#define NODE_SORTS_MAX       8u  /* names that one list is sorted by */

/* `modified`, which every record has beside its fields: when any of it was changed last. It can be
 * asked for in conditions and sorted by. */
extern const struct crdt_field node_field_modified;

const char *node_cond_op_word(enum node_cond_op op);
const char *node_is_word(enum node_is_word word);

struct node_cond {
    const struct crdt_field *field; /* or node_field_modified */
    enum node_cond_op op;
    struct cht_bytes value; /* exact bytes; an array only where the op takes one; empty: none */
};

/* Does this op say something about such a field? (CLI and node ask the same.) */
bool node_cond_fits(const struct crdt_field *field, enum node_cond_op op);

/* Check a `where` (exact bytes of an array, or empty) of a type. CHT_E_INVALID: no such field or
 * op, one that does not fit, a value that is missing or of another form; CHT_E_LIMIT. */
CHT_MUST_USE enum cht_err node_where_check(unsigned type, struct cht_bytes where,
                                           struct node_fault *fault);
/* The next condition of a `where` that was checked; false at the end. */
bool node_where_next(struct node_mp_iter *it, unsigned type, struct node_cond *out);

/* The words of an `is` (exact bytes of an array, or empty) as bits: 1 << enum node_is_word.
 * `open` needs a type with a status. CHT_E_INVALID. */
CHT_MUST_USE enum cht_err node_is_read(unsigned type, struct cht_bytes is, struct node_fault *fault,
                                       unsigned *out);

/* One name of a `sort`. */
struct node_sort {
    const struct crdt_field *field;
    bool descending;
};
/* The names of a `sort`: a text, or an array of them (exact bytes; empty: none). CHT_E_INVALID: a
 * name that is no field's, or a field of several values; CHT_E_LIMIT. */
CHT_MUST_USE enum cht_err node_sort_read(unsigned type, struct cht_bytes sort,
                                         struct node_fault *fault,
                                         struct node_sort out[static NODE_SORTS_MAX],
                                         size_t *out_count);

/* Is a record with this status finished? Of any type. */
bool node_status_finished(struct cht_bytes status);
/* The type's `status` when it is an enum; NULL. */
const struct crdt_field *node_status_field(unsigned type);

#endif
