#ifndef CLI_IMPORT_ID_SET_H
#define CLI_IMPORT_ID_SET_H
/* A set of ids. Zero-initialised it is empty. */
#include "crdt/id.h"

struct cli_id_set {
    struct crdt_id *slots; /* open addressing; type 0: free */
    size_t count, cap;     /* cap: a power of two, or 0 */
};

void cli_id_set_clear(struct cli_id_set *s);
/* `*out_new` (may be NULL): it was not there. An id of type 0 is in no set. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err cli_id_set_add(struct cli_id_set *s, const struct crdt_id *id,
                                         bool *out_new);
bool cli_id_set_has(const struct cli_id_set *s, const struct crdt_id *id);

#endif
