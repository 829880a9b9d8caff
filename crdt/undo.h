#ifndef CRDT_UNDO_H
#define CRDT_UNDO_H
/* What a transaction takes back, said in the log (PROTOCOL 6.4): a drop of a cell that never holds
 * anything, whose key names the first entry of the transaction taken back. Builds that do not know
 * it fold it to nothing, as this one does. */
#include "crdt/entry.h"

#define CRDT_FIELD_UNDOES 16383u /* LIMIT_FIELD_MAX; of every type, and of no schema */

enum crdt_undo_kind {
    CRDT_UNDOES = 1, /* the entry takes back a transaction */
    CRDT_REDOES = 2, /* … one that took another back */
};

#define CRDT_UNDO_KEY_BYTES (2u + 1u + CRDT_HASH_BYTES)

/* The op; its key is written to `key`, which it borrows. */
struct crdt_op crdt_undo_op(enum crdt_undo_kind kind, const struct crdt_hash *first,
                            uint8_t key[static CRDT_UNDO_KEY_BYTES]);
/* Is it such an op? Anything else of that field says nothing. */
bool crdt_undo_read(const struct crdt_op *op, enum crdt_undo_kind *out_kind,
                    struct crdt_hash *out_first);

#endif
