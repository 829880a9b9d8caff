#ifndef NET_CODE_H
#define NET_CODE_H
/* A pairing code: twelve digits that one person reads to another (PROTOCOL 7.12). Three are the
 * selector, which the listener announces to all; seven are the secret, good for one try; two are a
 * check, so that a slip of the finger is found before the try is spent.
 *
 * A code is worth nothing after its two minutes, and whoever holds one wipes it then. */
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"

#define NET_CODE_SELECTOR_DIGITS 3u
#define NET_CODE_SECRET_DIGITS   7u
#define NET_CODE_RANDOM_BYTES    8u
#define NET_CODE_TEXT_BYTES      15u            /* "1234-5678-9012" and its NUL */
#define NET_CODE_LIFE_MS         (120u * 1000u) /* from its making */

/* Decimal digits in ASCII, each with a final NUL. */
struct net_code {
    char selector[NET_CODE_SELECTOR_DIGITS + 1];
    char secret[NET_CODE_SECRET_DIGITS + 1];
};

/* A code out of fresh random bytes, which the caller wipes. */
void net_code_make(const uint8_t random[static NET_CODE_RANDOM_BYTES], struct net_code *out);
/* Its text, as people read it. The caller wipes `out`. */
void net_code_text(const struct net_code *code, char out[static NET_CODE_TEXT_BYTES]);
/* Does the text begin as a code does, and a ticket does not: with a digit? */
bool net_code_looks(struct cht_bytes text);
/* Read a code as people type it: spaces and hyphens anywhere are ignored. CHT_E_INVALID: another
 * character, other than twelve digits, or digits that do not fit their check. `detail` (may be
 * NULL) says which, for a person. */
CHT_MUST_USE enum cht_err net_code_parse(struct cht_bytes text, struct net_code *out,
                                         struct cht_error *detail);
bool net_code_eq(const struct net_code *a, const struct net_code *b);

#endif
