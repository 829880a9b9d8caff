#ifndef CRDT_STATE_OWN_H
#define CRDT_STATE_OWN_H
/* Inside crdt/state*.c only: building cells and values that own their bytes. */
#include "crdt/state.h"

/* A heap copy of `src`; NULL for no bytes. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err crdt_own(struct cht_bytes src, struct cht_bytes *out);
void crdt_disown(struct cht_bytes *bytes);
void crdt_value_clear(struct crdt_value *v);
/* The cell, made empty when it is new. The pointer holds until the next cell is added. */
CHT_MUST_USE enum cht_err crdt_state_add_cell(struct crdt_state *s, uint16_t field,
                                              struct cht_bytes key, struct crdt_cell **out);
/* Append a value; takes over its bytes on success. */
CHT_MUST_USE enum cht_err crdt_cell_add_value(struct crdt_cell *c, const struct crdt_value *v);

#endif
