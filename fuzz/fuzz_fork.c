/* Fork proofs: one that is read has exactly one encoding, and verifies or does not (PROTOCOL 4.4).
 */
/* covers: net/fork.c */
#include "net/fork.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cht_bytes src = cht_bytes(data, len);
    struct cht_arena arena;
    struct net_fork fork;
    cht_arena_init(&arena, LIMIT_TURN_BYTES);
    enum cht_err err = net_fork_decode(src, &arena, &fork);
    must(err == CHT_OK || err == CHT_E_MALFORMED || err == CHT_E_LIMIT || err == CHT_E_UNSUPPORTED);
    if (err == CHT_OK) {
        struct cht_buf out = { .limit = LIMIT_FORK_BYTES };
        must(net_fork_encode(&fork, &out) == CHT_OK);
        must(cht_bytes_eq(src, cht_buf_view(&out)));
        cht_buf_clear(&out);
        must(fork.seq != 0);
        err = net_fork_verify(&fork);
        must(err == CHT_OK || err == CHT_E_SIGNATURE);
    }
    cht_arena_clear(&arena);
    return 0;
}
