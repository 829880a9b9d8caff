#ifndef CRDT_STATE_H
#define CRDT_STATE_H
/* The state of one entity: its cells with their live values (PROTOCOL 5).
 *
 * `crdt_state_apply` folds one op of one entry, given that entry's past; nothing here depends on
 * the order in which concurrent entries arrive. The state owns its bytes. Values carry their dot as
 * (chain, seq, index); the graph turns that into device and epoch where order or roots need it. */
#include "crdt/graph.h"
#include "crdt/root.h"
#include "crdt/schema.h"

struct crdt_value {
    struct crdt_place at; /* the entry of its dot */
    uint16_t index;       /* the op of its dot */
    crdt_hlc_stamp hlc;
    struct cht_bytes bytes; /* exact msgpack; owned by the state */
    struct cht_bytes extra; /* a live delete: its past and kept dots, packed; owned; else empty */
};

struct crdt_cell {
    uint16_t field;
    struct cht_bytes key; /* exact msgpack, empty without one; owned */
    struct crdt_value *values;
    uint32_t count; /* a cell without values is removed */
};

struct crdt_state {
    struct crdt_id id;
    struct crdt_cell *cells; /* ascending by field, then key bytes */
    uint32_t count, cap;
};

/* The entry whose ops are folded. */
struct crdt_change {
    struct crdt_place at;
    crdt_hlc_stamp hlc;
    const struct crdt_vector *past; /* of the entry, without itself */
};

void crdt_state_init(struct crdt_state *s, const struct crdt_id *id);
void crdt_state_clear(struct crdt_state *s);

/* Why an op on an entity of `type` is void (PROTOCOL 3.6), CHT_OK when it is not. */
CHT_MUST_USE enum cht_err crdt_op_check(unsigned type, const struct crdt_op *op);

/* Fold a non-void op (PROTOCOL 3.5) and keep `root` in step. CHT_E_NOMEM or an error of the log:
 * the state and the root may then be half changed, and the caller rebuilds from the log. */
CHT_MUST_USE enum cht_err crdt_state_apply(struct crdt_state *s, const struct crdt_graph *g,
                                           const struct crdt_change *change,
                                           const struct crdt_op *op, uint16_t index,
                                           struct crdt_root *root);

/* The cell, or NULL when it has no live value. */
const struct crdt_cell *crdt_state_cell(const struct crdt_state *s, uint16_t field,
                                        struct cht_bytes key);

/* Add (or with `sub` take away) the terms of one value or of the whole state. */
void crdt_state_sum(const struct crdt_state *s, const struct crdt_graph *g, struct crdt_root *root);
/* The term of one value, for roots and for naming a row that differs. Borrows from both. */
struct crdt_term crdt_value_term(const struct crdt_state *s, const struct crdt_graph *g,
                                 const struct crdt_cell *cell, const struct crdt_value *value);

/* --- what is shown (PROTOCOL 5.4 to 5.7) --------------------------------------------------- */

/* The value a register, map cell or text shows. The cell has at least one value. */
const struct crdt_value *crdt_cell_shown(const struct crdt_graph *g, unsigned type,
                                         const struct crdt_cell *cell);
/* Two or more live values with different bytes where that is a conflict (5.5). */
bool crdt_cell_conflict(unsigned type, const struct crdt_cell *cell);
/* Shown `deleted` is true. */
bool crdt_state_hidden(const struct crdt_state *s, const struct crdt_graph *g);
/* Hidden, and something concurrent or unread was written (5.6). CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err crdt_state_contested(const struct crdt_state *s,
                                               const struct crdt_graph *g, bool *out);
/* The highest stamp of any live value: "modified". */
crdt_hlc_stamp crdt_state_modified(const struct crdt_state *s);

/* --- the blob in the row ------------------------------------------------------------------- */

/* Tells whether the row's columns already hold exactly these shown bytes. */
typedef bool crdt_in_column(void *ctx, const struct crdt_cell *cell,
                            const struct crdt_value *shown);
/* Gives back the bytes of a cell's shown value from the row's columns. */
typedef enum cht_err crdt_from_column(void *ctx, uint16_t field, struct cht_bytes *out);

/* Pack for the `crdt` column (PROTOCOL 10.4). */
CHT_MUST_USE enum cht_err crdt_state_pack(const struct crdt_state *s, const struct crdt_graph *g,
                                          crdt_in_column *in_column, void *ctx,
                                          struct cht_buf *out);
/* Fill an initialised, empty state. CHT_E_CORRUPT; CHT_E_NOMEM; on error the state is empty. */
CHT_MUST_USE enum cht_err crdt_state_unpack(struct cht_bytes blob, const struct crdt_graph *g,
                                            crdt_from_column *from_column, void *ctx,
                                            struct crdt_state *s);

#endif
