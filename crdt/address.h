#ifndef CRDT_ADDRESS_H
#define CRDT_ADDRESS_H
/* Addresses of repositories in one form (PROTOCOL 1.9), so that clones by ssh and by https, with
 * and without `.git`, are one repository. What comes out is read as itself. */
#include "crdt/base/buf.h"

/* Append the normalised form of an address to `out`: HOST[:PORT]/PATH, or `file:/PATH` for a path
 * of this machine. CHT_E_INVALID: no such address (nothing in it, a relative path, a host or port
 * that cannot be one, control characters, text that is no UTF-8); CHT_E_LIMIT: more than
 * LIMIT_TITLE_BYTES; CHT_E_NOMEM. On error `out` is unchanged. */
CHT_MUST_USE enum cht_err crdt_address_normal(struct cht_bytes text, struct cht_buf *out);

#endif
