#ifndef NODE_CLIENT_REQUEST_H
#define NODE_CLIENT_REQUEST_H
/* The payloads of requests, read and checked (LOCAL 3, 4, 6). Spans borrow from the message; what
 * is a matter of the schema or of the state is left to edits.h and to the node. */
#include "crdt/schema.h"
#include "node/client/conditions.h"
#include "node/client/fault.h"
#include "node/client/mpmap.h"

/* --- changes: state_update ----------------------------------------------------------------- */

#define NODE_CHANGE_OPS(X)                                                                         \
    X(NODE_CREATE, "create")                                                                       \
    X(NODE_UPDATE, "update")                                                                       \
    X(NODE_DELETE, "delete")                                                                       \
    X(NODE_UNDELETE, "undelete")                                                                   \
    X(NODE_UPSERT, "upsert")

enum node_change_op {
#define X(sym, word) sym,
    NODE_CHANGE_OPS(X)
#undef X
        NODE_CHANGE_OP_COUNT
};

#define NODE_BATCH_MAX   256u  /* changes in one request: a transaction never crosses a head */
#define NODE_KEY_BYTES   64u   /* an idempotency key */
#define NODE_TOKEN_BYTES 8192u /* a version or vector handed back */
#define NODE_NAME_BYTES  1024u /* an id, or what something is called */
#define NODE_TEXT_BYTES  1024u /* words to search for */

struct node_change {
    enum node_change_op op;
    unsigned type;           /* of the domain; 0: not said */
    struct cht_bytes id;     /* as typed: whole or a beginning; empty: none (create, upsert) */
    struct cht_bytes data;   /* exact bytes of a map; empty: none */
    struct cht_bytes expect; /* empty: none */
};

struct node_mutation {
    struct cht_bytes key; /* empty: none */
    bool batch;           /* the answer has `results` */
    bool dry;             /* nothing is to be written */
    bool circles;         /* links may lead back to where they begin (LOCAL 3.10) */
    unsigned count;       /* changes, 1 … NODE_BATCH_MAX */
    /* inside: what node_mutation_next goes on with */
    struct node_change only; /* when it is no batch */
    struct node_mp_iter rest;
};

/* Read a state_update's payload and check every change in it, so that a batch fails as a whole
 * before anything is done. CHT_E_INVALID: a field missing, of the wrong kind, or with a value that
 * is not allowed; CHT_E_LIMIT: too many changes. `fault` (may be NULL) says which. */
CHT_MUST_USE enum cht_err node_mutation_read(struct cht_bytes payload, struct node_fault *fault,
                                             struct node_mutation *out);
/* The next change of a mutation that was read, in order; to be called `count` times. */
struct node_change node_mutation_next(struct node_mutation *m);

const char *node_change_op_word(enum node_change_op op);

/* --- reads: query, state_request ----------------------------------------------------------- */

#define NODE_QUERY_OPS(X)                                                                          \
    X(NODE_GET, "get")                                                                             \
    X(NODE_LIST, "list")                                                                           \
    X(NODE_SHOW, "show")                                                                           \
    X(NODE_CONFLICTS, "conflicts")                                                                 \
    X(NODE_LOG, "log")                                                                             \
    X(NODE_CYCLES, "cycles")                                                                       \
    X(NODE_DUPLICATES, "duplicates")                                                               \
    X(NODE_CLAIMS, "claims")                                                                       \
    X(NODE_WATCH, "watch")                                                                         \
    X(NODE_UNWATCH, "unwatch")

enum node_query_op {
#define X(sym, word) sym,
    NODE_QUERY_OPS(X)
#undef X
        NODE_QUERY_OP_COUNT
};

struct node_query {
    enum node_query_op op;
    unsigned type;            /* of the domain; 0: any */
    struct cht_bytes id;      /* as typed; empty: none */
    struct cht_bytes project; /* log, duplicates, claims: as typed; empty: all */
    struct cht_bytes filter;  /* exact bytes of a map of known fields; empty: none */
    struct cht_bytes where;   /* exact bytes of an array, checked by node_where_check */
    struct cht_bytes text;    /* words to search for; empty: none */
    unsigned is;              /* bits, 1 << enum node_is_word */
    struct cht_bytes fields;  /* exact bytes of an array of known names; empty: all */
    struct node_sort sort[NODE_SORTS_MAX];
    size_t sort_count;        /* 0: the usual order */
    bool deleted;             /* hidden ones too */
    bool exact;               /* the record itself, not what it is merged into */
    bool titles;              /* with what linked records are called */
    bool count;               /* how many there are, and nothing else */
    uint64_t limit;           /* 1 … LIMIT_QUERY_ROWS */
    uint64_t offset;          /* so many are passed over first */
    struct cht_bytes from;    /* watch: a vector; empty: from now on */
    bool unblocked;           /* watch: also what the end of a todo leaves free */
    struct cht_bytes since;   /* log: a vector, whose entries are not told; empty: all are */
    struct cht_bytes watch;   /* unwatch: which */
    struct cht_bytes session; /* claims: whose (LOCAL 8.6); empty: any */
};

/* Read a query's payload; an operation that is absent is `usual`. Names of fields are checked
 * against the schema where the domain is given. Errors as node_mutation_read. */
CHT_MUST_USE enum cht_err node_query_read(struct cht_bytes payload, enum node_query_op usual,
                                          struct node_fault *fault, struct node_query *out);
/* The field of that name, or a fault that names the nearest one. `type` 0: any name goes and NULL
 * is handed out. CHT_E_INVALID. */
CHT_MUST_USE enum cht_err node_field_find(unsigned type, struct cht_bytes name,
                                          struct node_fault *fault, const struct crdt_field **out);

/* --- commands ------------------------------------------------------------------------------ */

struct node_command {
    struct cht_bytes name; /* not empty */
    struct cht_bytes args; /* exact bytes of a map; empty: none */
};

CHT_MUST_USE enum cht_err node_command_read(struct cht_bytes payload, struct node_fault *fault,
                                            struct node_command *out);

#endif
