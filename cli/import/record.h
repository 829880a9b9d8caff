#ifndef CLI_IMPORT_RECORD_H
#define CLI_IMPORT_RECORD_H
/* One record of an import: what its source says of it, cell by cell, and the changes that are left
 * to do when this is compared with what is here (docs/IMPORT.md 2). Pure: no node is asked here. */
#include "crdt/base/arena.h"
#include "crdt/base/buf.h"
#include "crdt/schema.h"
#include "node/client/fault.h"
#include "node/client/mpmap.h"

/* What happens to a record that is here already. */
enum cli_import_rule {
    CLI_IMPORT_SOURCE, /* what its source has changed since it was imported last is changed here */
    CLI_IMPORT_KEEP,   /* it stays as it is */
    CLI_IMPORT_ADD,    /* it stays as it is, and whether it differs is told */
    CLI_IMPORT_WHOLE,  /* it becomes as the source has it */
};

/* One cell: a register's or text's value, an element of a set, an entry of a map. */
struct cli_import_item {
    const struct crdt_field *field;
    struct cht_bytes key;   /* set: the element; map: the key, a str; else empty. As in messages */
    struct cht_bytes value; /* as in messages; of a set's element nothing; nil: to be dropped */
    bool drop;
    bool skip; /* nothing is to be done about it */
};

struct cli_import_record {
    struct crdt_id id;
    char id_text[CRDT_ID_TEXT_MAX];
    enum cli_import_rule rule;
    const char *source; /* "beads": its `raw` is at SOURCE.NAME; NULL where it has none */
    uint64_t line;
    struct cli_import_item *items;
    size_t count, cap;
    struct cli_import_record *next; /* of the same transaction: comments, projects */
    /* filled in by who sends it */
    struct cht_bytes found; /* what is here; empty: nothing */
    bool here, differs;     /* after the comparison; `differs` where it stays as it is */
    unsigned changed;       /* of its changes */
};

/* A record of that id in the arena, or NULL when there is no memory. */
struct cli_import_record *cli_import_record(struct cht_arena *arena, const struct crdt_id *id,
                                            enum cli_import_rule rule, const char *source,
                                            uint64_t line);

/* The field in the table of its type, where all fields of a type stand; NULL: there is none. */
const struct crdt_field *cli_import_field(unsigned type, const char *name);

/* Say a cell; `key` and `value` are copied. CHT_E_NOMEM; CHT_E_INVALID: no such field. */
CHT_MUST_USE enum cht_err cli_import_say(struct cht_arena *arena, struct cli_import_record *r,
                                         const char *field, struct cht_bytes key,
                                         struct cht_bytes value);
/* … of a text; nothing where it is empty. */
CHT_MUST_USE enum cht_err cli_import_say_text(struct cht_arena *arena, struct cli_import_record *r,
                                              const char *field, struct cht_bytes text);
CHT_MUST_USE enum cht_err cli_import_say_uint(struct cht_arena *arena, struct cli_import_record *r,
                                              const char *field, uint64_t value);
/* … of an element of a set, once however often it is said; nothing where it is empty. */
CHT_MUST_USE enum cht_err cli_import_say_element(struct cht_arena *arena,
                                                 struct cli_import_record *r, const char *field,
                                                 struct cht_bytes text);
/* … of `raw`, at SOURCE.NAME. */
CHT_MUST_USE enum cht_err cli_import_say_raw(struct cht_arena *arena, struct cli_import_record *r,
                                             struct cht_bytes name, struct cht_bytes value);

/* Compare with `r->found`, a record of `get` (LOCAL 4.4) with the fields that cli_import_fields
 * names. Afterwards the items that are left (`skip` not
 * set) are what is to be done; there may be more of them than before.
 * CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err cli_import_compare(struct cht_arena *arena, struct cli_import_record *r);
/* Append the array of the fields that the comparison wants to see; false: it wants all of them. */
CHT_MUST_USE enum cht_err cli_import_fields(const struct cli_import_record *r, bool *out_all,
                                            struct cht_buf *out);

#define CLI_IMPORT_PIECE_ITEMS 900u                /* of one change: LIMIT_ENTRY_OPS and its like */
#define CLI_IMPORT_PIECE_BYTES ((size_t)112 << 10) /* likewise LIMIT_BODY_BYTES */

/* Append the `data` map (LOCAL 3.3) of the items that are left from `*from` on, as many as one
 * change holds; `*from` is moved behind them, and is `r->count` at the end. `*out_any` is false
 * when nothing was left and nothing is appended. */
CHT_MUST_USE enum cht_err cli_import_put_data(const struct cli_import_record *r, size_t *from,
                                              bool *out_any, struct cht_buf *out);

/* Check what is left as the node would (LOCAL 3.3), and count its changes in `r->changed`.
 * CHT_E_INVALID, CHT_E_LIMIT, CHT_E_NOTFOUND with `fault`; CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err cli_import_check(struct cht_arena *arena, struct cli_import_record *r,
                                           struct node_fault *fault);

#endif
