/* requestState: what we want to know again in the next round, kept by the client. It is text of
 * ours in the hands of anyone, so it carries a keyed hash over itself and over all it belongs to:
 * the principal, the method, the name and the arguments of the request, and when it ends
 * (2026-07-28, basic/patterns/mrtr, server requirements 4 and 5).
 *
 * base64url( hash[32] | expiry in ms, u64 little-endian | the state as JSON ) */
#include <sodium.h>
#include <stdlib.h>

#include "bridges/mcp/own.h"

#define HASH_BYTES   32u
#define EXPIRY_BYTES 8u
#define HEAD_BYTES   (HASH_BYTES + EXPIRY_BYTES)
#define SEALED_BYTES (HEAD_BYTES + MCP_LIMIT_STATE_BYTES)
#define VARIANT      sodium_base64_VARIANT_URLSAFE_NO_PADDING

static void hash_part(crypto_generichash_state *hash, const void *data, size_t len)
{
    uint8_t length[8];
    cht_put_u64(length, len); /* each part with its length: none can run into the next */
    (void)crypto_generichash_update(hash, length, sizeof length);
    (void)crypto_generichash_update(hash, data, len);
}

static bool hash_of(const struct mcp_call *call, const uint8_t *expiry_and_state, size_t len,
                    uint8_t out[static HASH_BYTES])
{
    const char *principal = call->principal == NULL ? "" : call->principal;
    const char *name = call->name == NULL ? "" : call->name;
    char *arguments = json_dumps(call->arguments, JSON_COMPACT | JSON_SORT_KEYS);
    crypto_generichash_state hash;
    if (arguments == NULL)
        return false;
    (void)crypto_generichash_init(&hash, call->conn->server->config.state_key, MCP_STATE_KEY_BYTES,
                                  HASH_BYTES);
    hash_part(&hash, principal, strlen(principal));
    hash_part(&hash, call->method, strlen(call->method));
    hash_part(&hash, name, strlen(name));
    hash_part(&hash, arguments, strlen(arguments));
    hash_part(&hash, expiry_and_state, len);
    (void)crypto_generichash_final(&hash, out, HASH_BYTES);
    free(arguments);
    return true;
}

json_t *mcp_state_seal(const struct mcp_call *call, const json_t *state)
{
    uint8_t sealed[SEALED_BYTES];
    char text[sodium_base64_ENCODED_LEN(SEALED_BYTES, VARIANT)];
    const size_t len = json_dumpb(state, (char *)sealed + HEAD_BYTES, MCP_LIMIT_STATE_BYTES,
                                  JSON_COMPACT | JSON_ENCODE_ANY);
    if (len == 0 || len > MCP_LIMIT_STATE_BYTES)
        return NULL;
    cht_put_u64(sealed + HASH_BYTES, (uint64_t)(mcp_now_ms(call->conn->server) + MCP_STATE_TTL_MS));
    if (!hash_of(call, sealed + HASH_BYTES, EXPIRY_BYTES + len, sealed))
        return NULL;
    (void)sodium_bin2base64(text, sizeof text, sealed, HEAD_BYTES + len, VARIANT);
    return json_string(text);
}

enum cht_err mcp_state_open(const struct mcp_call *call, const char *sealed, json_t **out_state)
{
    uint8_t bytes[SEALED_BYTES], hash[HASH_BYTES];
    size_t len = 0;
    if (sodium_base642bin(bytes, sizeof bytes, sealed, strlen(sealed), NULL, &len, NULL, VARIANT) !=
            0 ||
        len <= HEAD_BYTES)
        return CHT_E_SIGNATURE;
    if (!hash_of(call, bytes + HASH_BYTES, len - HASH_BYTES, hash))
        return CHT_E_NOMEM;
    if (sodium_memcmp(hash, bytes, HASH_BYTES) != 0)
        return CHT_E_SIGNATURE;
    if ((uint64_t)mcp_now_ms(call->conn->server) > cht_get_u64(bytes + HASH_BYTES))
        return CHT_E_EXPIRED;
    json_t *state =
        json_loadb((const char *)bytes + HEAD_BYTES, len - HEAD_BYTES, JSON_DECODE_ANY, NULL);
    if (state == NULL)
        return CHT_E_NOMEM;
    *out_state = state;
    return CHT_OK;
}
