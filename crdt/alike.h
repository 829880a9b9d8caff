#ifndef CRDT_ALIKE_H
#define CRDT_ALIKE_H
/* When two titles say the same (PROTOCOL 6.5): a normal form in which case, blanks, the punctuation
 * around words and the ways to write one letter make no difference. What changes the meaning stays:
 * "C++" is not "C", "v1.2" is not "v12", and "rôle" is not "role". */
#include "crdt/base/buf.h"

/* Append the normal form of a text (UTF-8) to `out`; nothing of one that has no word. CHT_E_NOMEM,
 * CHT_E_LIMIT as cht_buf_add: `out` then has a part of it. */
CHT_MUST_USE enum cht_err crdt_alike_text(struct cht_bytes text, struct cht_buf *out);

#endif
