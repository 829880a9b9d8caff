#ifndef NET_CPACE_H
#define NET_CPACE_H
/* CPace, a balanced PAKE: two parties that share a short secret get a strong key, and a third that
 * guesses the secret gets one guess for each run (draft-irtf-cfrg-cpace, cipher suite
 * CPACE-RISTR255-SHA512, initiator and responder; PROTOCOL 7.9).
 *
 * Only the mathematics; who says what when is in pair.h. Everything here but the peer's share is
 * the caller's own and assumed to be well formed. */
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"

#define NET_CPACE_SCALAR_BYTES 32u
#define NET_CPACE_SHARE_BYTES  32u
#define NET_CPACE_KEY_BYTES    64u /* the draft's ISK */
#define NET_CPACE_TAG_BYTES    64u

/* What both sides must agree on before the first message. */
struct net_cpace_input {
    struct cht_bytes secret;  /* PRS, the password */
    struct cht_bytes channel; /* CI */
    struct cht_bytes session; /* sid */
};

/* What one side has said: its share and the data it wants authenticated. */
struct net_cpace_party {
    uint8_t share[NET_CPACE_SHARE_BYTES];
    struct cht_bytes data;
};

/* A scalar from as many random bytes, as the draft recommends to sample it. */
void net_cpace_scalar(const uint8_t random[static NET_CPACE_SCALAR_BYTES],
                      uint8_t out[static NET_CPACE_SCALAR_BYTES]);

/* The session's generator, a group element. */
void net_cpace_generator(const struct net_cpace_input *input,
                         uint8_t out[static NET_CPACE_SHARE_BYTES]);

/* The share to send: `scalar` times the generator. CHT_E_INVALID: it would be the identity, which
 * random bytes never give. */
CHT_MUST_USE enum cht_err net_cpace_share(const struct net_cpace_input *input,
                                          const uint8_t scalar[static NET_CPACE_SCALAR_BYTES],
                                          uint8_t out[static NET_CPACE_SHARE_BYTES]);

/* The key, from the own scalar and the peer's share. `a` spoke first and `b` answered; `theirs` is
 * the share of the peer, one of the two. CHT_E_MALFORMED: the peer's share is no group element, or
 * the common point is the identity; `out` is untouched. */
CHT_MUST_USE enum cht_err net_cpace_key(const uint8_t scalar[static NET_CPACE_SCALAR_BYTES],
                                        const uint8_t theirs[static NET_CPACE_SHARE_BYTES],
                                        struct cht_bytes session, const struct net_cpace_party *a,
                                        const struct net_cpace_party *b,
                                        uint8_t out[static NET_CPACE_KEY_BYTES]);

/* The proof that `party` has the key: HMAC-SHA-512 over what it has said. */
void net_cpace_tag(const uint8_t key[static NET_CPACE_KEY_BYTES], struct cht_bytes session,
                   const struct net_cpace_party *party, uint8_t out[static NET_CPACE_TAG_BYTES]);

#endif
