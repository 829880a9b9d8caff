/* libsodium's BLAKE2b behind the protocol's two lengths (PROTOCOL 1.3). */
#include "crdt/hash.h"

#include <sodium.h>

struct crdt_hash crdt_hash_of(struct cht_bytes data)
{
    struct crdt_hash out;
    crypto_generichash(out.b, sizeof out.b, data.data, data.len, NULL, 0);
    return out;
}

void crdt_id_of(const char *prefix, struct cht_bytes data, uint8_t out[static CRDT_ID_BYTES])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, CRDT_ID_BYTES);
    crypto_generichash_update(&state, (const uint8_t *)prefix, strlen(prefix));
    crypto_generichash_update(&state, data.data, data.len);
    crypto_generichash_final(&state, out, CRDT_ID_BYTES);
}
