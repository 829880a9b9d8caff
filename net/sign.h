#ifndef NET_SIGN_H
#define NET_SIGN_H
/* Ed25519 signatures, each bound to its purpose by a 16-byte context (PROTOCOL 1.7).
 *
 * A signature made for one purpose never verifies for another. Secret keys are 64 bytes as
 * libsodium has them: seed, then public key. The program calls sodium_init once before. */
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"
#include "crdt/limits.h"

#define NET_SIG_BYTES      64u
#define NET_SIGN_PK_BYTES  32u
#define NET_SIGN_SK_BYTES  64u
#define NET_CONTEXT_BYTES  16u
#define NET_SIGN_BYTES_MAX LIMIT_RECORD_BYTES /* the longest message that is ever signed */

/* What is signed; the bytes of each are in sign.c. */
enum net_context {
    NET_CONTEXT_HEAD,   /* the hash of an entry (PROTOCOL 4.1) */
    NET_CONTEXT_CERT,   /* a certificate (7.2) */
    NET_CONTEXT_RECORD, /* a membership record (7.3) */
    NET_CONTEXT_PAIR,   /* a pairing's session (7.10) */
    NET_CONTEXT_COUNT
};

/* Sign `message` (at most NET_SIGN_BYTES_MAX bytes, asserted). Deterministic: RFC 8032. */
void net_sign(enum net_context context, struct cht_bytes message,
              const uint8_t sk[static NET_SIGN_SK_BYTES], uint8_t out[static NET_SIG_BYTES]);

/* CHT_E_SIGNATURE: `sig` is not `pk`'s over that context and message, S is not canonical, or `pk`
 * is of small order; CHT_E_LIMIT: the message is longer than NET_SIGN_BYTES_MAX.
 * About 60 µs for a head; the message is copied once, on the stack. */
CHT_MUST_USE enum cht_err net_verify(enum net_context context, struct cht_bytes message,
                                     const uint8_t pk[static NET_SIGN_PK_BYTES],
                                     const uint8_t sig[static NET_SIG_BYTES]);

#endif
