#ifndef CRDT_MODEL_OWN_H
#define CRDT_MODEL_OWN_H
/* What the model's files share among themselves. */
#include "crdt/model.h"

/* Find the parents of every entry, decide which are applied, and build their pasts and names
 * (model_past.c). CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err crdt_model_link(struct crdt_model *m);
/* From the applied entries: voids, live values, what is shown, the root (model_state.c).
 * CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err crdt_model_fold(struct crdt_model *m);
/* Which of the values of a cell is shown, and whether they are a conflict (model_show.c). */
uint32_t crdt_model_shown(const struct crdt_model *m, const struct crdt_model_cell *cell);
bool crdt_model_conflict(const struct crdt_model_cell *cell);
/* Does a keeps list of this op name that value? Only values of other devices can be kept. */
bool crdt_model_keeps(const struct crdt_model *m, uint32_t entry, const struct crdt_op *op,
                      const struct crdt_model_value *value);

#endif
