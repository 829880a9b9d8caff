/* CPace on ristretto255 with SHA-512; see cpace.h. Section names are the draft's. */
#include "net/cpace.h"

#include "crdt/base/wire.h"

#include <assert.h>
#include <sodium.h>

#define SHA512_BLOCK_BYTES 128u

static_assert(NET_CPACE_SHARE_BYTES == crypto_core_ristretto255_BYTES, "group element");
static_assert(NET_CPACE_SCALAR_BYTES == crypto_core_ristretto255_SCALARBYTES, "scalar");
static_assert(NET_CPACE_KEY_BYTES == crypto_hash_sha512_BYTES, "ISK");
static_assert(NET_CPACE_TAG_BYTES == crypto_auth_hmacsha512_BYTES, "tag");

/* The draft's prepend_len: the length as LEB128 goes first. Returns the bytes hashed. */
static size_t add_lv(crypto_hash_sha512_state *state, struct cht_bytes part)
{
    uint8_t len[CHT_VARINT_MAX];
    size_t len_bytes = cht_varint_put(len, part.len);
    crypto_hash_sha512_update(state, len, len_bytes);
    if (part.len != 0)
        crypto_hash_sha512_update(state, part.data, part.len);
    return len_bytes + part.len;
}

void net_cpace_scalar(const uint8_t random[static NET_CPACE_SCALAR_BYTES],
                      uint8_t out[static NET_CPACE_SCALAR_BYTES])
{
    memcpy(out, random, NET_CPACE_SCALAR_BYTES);
    out[NET_CPACE_SCALAR_BYTES - 1] &= 0x0f; /* group_size_bits = 252 */
}

/* "Common function for computing generators": the padding makes the first hash block depend on
 * nothing but the secret. */
void net_cpace_generator(const struct net_cpace_input *input,
                         uint8_t out[static NET_CPACE_SHARE_BYTES])
{
    static const uint8_t zeros[SHA512_BLOCK_BYTES];
    uint8_t hash[crypto_hash_sha512_BYTES];
    crypto_hash_sha512_state state;
    crypto_hash_sha512_init(&state);
    size_t used = add_lv(&state, cht_bytes_str("CPaceRistretto255"));
    used += add_lv(&state, input->secret) + 1;
    (void)add_lv(&state,
                 cht_bytes(zeros, used < SHA512_BLOCK_BYTES ? SHA512_BLOCK_BYTES - used : 0));
    (void)add_lv(&state, input->channel);
    (void)add_lv(&state, input->session);
    crypto_hash_sha512_final(&state, hash);
    crypto_core_ristretto255_from_hash(out, hash);
    sodium_memzero(hash, sizeof hash);
    sodium_memzero(&state, sizeof state);
}

enum cht_err net_cpace_share(const struct net_cpace_input *input,
                             const uint8_t scalar[static NET_CPACE_SCALAR_BYTES],
                             uint8_t out[static NET_CPACE_SHARE_BYTES])
{
    uint8_t generator[NET_CPACE_SHARE_BYTES], share[NET_CPACE_SHARE_BYTES];
    net_cpace_generator(input, generator);
    int failed = crypto_scalarmult_ristretto255(share, scalar, generator);
    sodium_memzero(generator, sizeof generator);
    if (failed != 0)
        return CHT_E_INVALID;
    memcpy(out, share, sizeof share);
    return CHT_OK;
}

static void add_party(crypto_hash_sha512_state *state, const struct net_cpace_party *party)
{
    (void)add_lv(state, cht_bytes(party->share, NET_CPACE_SHARE_BYTES));
    (void)add_lv(state, party->data);
}

enum cht_err net_cpace_key(const uint8_t scalar[static NET_CPACE_SCALAR_BYTES],
                           const uint8_t theirs[static NET_CPACE_SHARE_BYTES],
                           struct cht_bytes session, const struct net_cpace_party *a,
                           const struct net_cpace_party *b, uint8_t out[static NET_CPACE_KEY_BYTES])
{
    uint8_t point[NET_CPACE_SHARE_BYTES];
    /* fails for what does not decode and when the product is the identity */
    if (crypto_scalarmult_ristretto255(point, scalar, theirs) != 0)
        return CHT_E_MALFORMED;
    crypto_hash_sha512_state state;
    crypto_hash_sha512_init(&state);
    (void)add_lv(&state, cht_bytes_str("CPaceRistretto255_ISK"));
    (void)add_lv(&state, session);
    (void)add_lv(&state, cht_bytes(point, sizeof point));
    add_party(&state, a);
    add_party(&state, b);
    crypto_hash_sha512_final(&state, out);
    sodium_memzero(point, sizeof point);
    sodium_memzero(&state, sizeof state);
    return CHT_OK;
}

/* "Key confirmation". */
void net_cpace_tag(const uint8_t key[static NET_CPACE_KEY_BYTES], struct cht_bytes session,
                   const struct net_cpace_party *party, uint8_t out[static NET_CPACE_TAG_BYTES])
{
    uint8_t mac_key[crypto_hash_sha512_BYTES], len[CHT_VARINT_MAX];
    crypto_hash_sha512_state hash;
    crypto_hash_sha512_init(&hash);
    crypto_hash_sha512_update(&hash, (const uint8_t *)"CPaceMac", 8);
    crypto_hash_sha512_update(&hash, session.data, session.len);
    crypto_hash_sha512_update(&hash, key, NET_CPACE_KEY_BYTES);
    crypto_hash_sha512_final(&hash, mac_key);

    crypto_auth_hmacsha512_state mac;
    crypto_auth_hmacsha512_init(&mac, mac_key, sizeof mac_key);
    crypto_auth_hmacsha512_update(&mac, len, cht_varint_put(len, NET_CPACE_SHARE_BYTES));
    crypto_auth_hmacsha512_update(&mac, party->share, NET_CPACE_SHARE_BYTES);
    crypto_auth_hmacsha512_update(&mac, len, cht_varint_put(len, party->data.len));
    crypto_auth_hmacsha512_update(&mac, party->data.data, party->data.len);
    crypto_auth_hmacsha512_final(&mac, out);
    sodium_memzero(mac_key, sizeof mac_key);
    sodium_memzero(&hash, sizeof hash);
    sodium_memzero(&mac, sizeof mac);
}
