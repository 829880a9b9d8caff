/* What a transaction takes back; see undo.h (PROTOCOL 6.4). */
#include "crdt/undo.h"

#include "crdt/mp.h"

struct crdt_op crdt_undo_op(enum crdt_undo_kind kind, const struct crdt_hash *first,
                            uint8_t key[static CRDT_UNDO_KEY_BYTES])
{
    key[0] = 0xc4; /* bin 8 */
    key[1] = 1 + CRDT_HASH_BYTES;
    key[2] = (uint8_t)kind;
    memcpy(key + 3, first->b, CRDT_HASH_BYTES);
    return (struct crdt_op){ .kind = CRDT_OP_DROP,
                             .field = CRDT_FIELD_UNDOES,
                             .key = cht_bytes(key, CRDT_UNDO_KEY_BYTES) };
}

bool crdt_undo_read(const struct crdt_op *op, enum crdt_undo_kind *out_kind,
                    struct crdt_hash *out_first)
{
    if (op->fault != CHT_OK || op->kind != CRDT_OP_DROP || op->field != CRDT_FIELD_UNDOES)
        return false;
    const struct crdt_mp key = crdt_mp_peek(op->key);
    if (key.kind != CRDT_MP_BIN || key.data.len != 1 + CRDT_HASH_BYTES ||
        (key.data.data[0] != CRDT_UNDOES && key.data.data[0] != CRDT_REDOES))
        return false;
    *out_kind = (enum crdt_undo_kind)key.data.data[0];
    memcpy(out_first->b, key.data.data + 1, CRDT_HASH_BYTES);
    return true;
}
