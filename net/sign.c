/* Contexts in front of Ed25519; see sign.h (PROTOCOL 1.7).
 *
 * The context is a plain prefix and not RFC 8032's Ed25519ctx, which libsodium does not offer; all
 * contexts have one length, so no signed string can be read as another's. */
#include "net/sign.h"

#include <assert.h>
#include <sodium.h>

static_assert(NET_SIG_BYTES == crypto_sign_BYTES, "Ed25519 signature");
static_assert(NET_SIGN_PK_BYTES == crypto_sign_PUBLICKEYBYTES, "Ed25519 public key");
static_assert(NET_SIGN_SK_BYTES == crypto_sign_SECRETKEYBYTES, "Ed25519 secret key");

static const uint8_t contexts[NET_CONTEXT_COUNT][NET_CONTEXT_BYTES] = {
    [NET_CONTEXT_HEAD] = "chitty-head-1",
    [NET_CONTEXT_CERT] = "chitty-cert-1",
    [NET_CONTEXT_RECORD] = "chitty-record-1",
    [NET_CONTEXT_PAIR] = "chitty-pair-1",
};

/* Context and message side by side in `room`; only as much of it is touched as is needed. */
static size_t prefixed(enum net_context context, struct cht_bytes message,
                       uint8_t room[static NET_CONTEXT_BYTES + NET_SIGN_BYTES_MAX])
{
    memcpy(room, contexts[context], NET_CONTEXT_BYTES);
    if (message.len != 0)
        memcpy(room + NET_CONTEXT_BYTES, message.data, message.len);
    return NET_CONTEXT_BYTES + message.len;
}

void net_sign(enum net_context context, struct cht_bytes message,
              const uint8_t sk[static NET_SIGN_SK_BYTES], uint8_t out[static NET_SIG_BYTES])
{
    uint8_t room[NET_CONTEXT_BYTES + NET_SIGN_BYTES_MAX];
    assert(message.len <= NET_SIGN_BYTES_MAX);
    size_t len = prefixed(context, message, room);
    (void)crypto_sign_detached(out, NULL, room, len, sk); /* always 0 */
}

enum cht_err net_verify(enum net_context context, struct cht_bytes message,
                        const uint8_t pk[static NET_SIGN_PK_BYTES],
                        const uint8_t sig[static NET_SIG_BYTES])
{
    uint8_t room[NET_CONTEXT_BYTES + NET_SIGN_BYTES_MAX];
    if (message.len > NET_SIGN_BYTES_MAX)
        return CHT_E_LIMIT;
    size_t len = prefixed(context, message, room);
    return crypto_sign_verify_detached(sig, room, len, pk) == 0 ? CHT_OK : CHT_E_SIGNATURE;
}
