#ifndef CRDT_ENTRY_OWN_H
#define CRDT_ENTRY_OWN_H
/* Parts of a header as entry.c reads and writes them, for the range codec alone: its columns carry
 * them in the same grammar (PROTOCOL 2.1, 4.3). The readers leave their error in the cursor. */
#include "crdt/base/arena.h"
#include "crdt/base/wire.h"
#include "crdt/entry.h"

/* A varint of 32 bits; CHT_E_MALFORMED above. */
uint32_t crdt_take_u32(struct cht_wire *w);
/* The reference of that form, whose fields in `out` were zero. */
void crdt_take_ref(struct cht_wire *w, enum crdt_ref_form form, struct crdt_ref *out);
/* `count *dep` and `count *32OCTET` into the header's lists, kept in `arena`. CHT_E_LIMIT,
 * CHT_E_MALFORMED for none or more than the bytes left, CHT_E_NOMEM; then `h` is unchanged. */
void crdt_take_deps(struct cht_wire *w, struct cht_arena *arena, struct crdt_header *h);
void crdt_take_heads(struct cht_wire *w, struct cht_arena *arena, struct crdt_header *h);

/* Bytes of the same parts, and those bytes written to `out`; its end is returned. */
size_t crdt_ref_size(const struct crdt_ref *r);
uint8_t *crdt_put_ref(uint8_t *out, const struct crdt_ref *r);
size_t crdt_deps_size(const struct crdt_header *h);
uint8_t *crdt_put_deps(uint8_t *out, const struct crdt_header *h);
size_t crdt_heads_size(const struct crdt_header *h);
uint8_t *crdt_put_heads(uint8_t *out, const struct crdt_header *h);

#endif
