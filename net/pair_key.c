/* Keys of a pairing; see pair_own.h (PROTOCOL 7.9, 7.10, 7.11).
 *
 * The joiner commits to its nonce before it sees the inviter's, and reveals it with its proof: who
 * stands between the two cannot choose its own values until the check words agree. */
#include "net/pair_own.h"

#include "net/words.h"

#include <assert.h>

#define CHANNEL_PREFIX "chitty-pair-1"

static_assert(NET_CPACE_KEY_BYTES <= crypto_generichash_KEYBYTES_MAX, "BLAKE2b takes the key");
static_assert(crypto_secretstream_xchacha20poly1305_KEYBYTES +
                      crypto_secretstream_xchacha20poly1305_HEADERBYTES <=
                  crypto_generichash_BYTES_MAX,
              "a stream's key and header come out of one hash");

static const uint8_t *commitment_of(const struct net_pair *p)
{
    return p->joiner.data + NET_SIGN_PK_BYTES;
}

void pair_commit(const uint8_t nonce[static NET_PAIR_NONCE_BYTES], uint8_t out[static 32])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, 32);
    crypto_generichash_update(&state, (const uint8_t *)"chitty-commit-1", 15);
    crypto_generichash_update(&state, nonce, NET_PAIR_NONCE_BYTES);
    crypto_generichash_final(&state, out, 32);
}

static struct cht_bytes session_id(const struct net_pair *p)
{
    return cht_bytes(commitment_of(p), 32); /* fresh for each run, and known to both */
}

enum cht_err pair_share(struct net_pair *p)
{
    uint8_t channel[sizeof CHANNEL_PREFIX - 1 + 2 + NET_PAIR_SELECTOR_BYTES];
    uint8_t *at = channel + sizeof CHANNEL_PREFIX - 1;
    memcpy(channel, CHANNEL_PREFIX, sizeof CHANNEL_PREFIX - 1);
    *at++ = PAIR_VERSION;
    *at++ = p->selector.kind;
    memcpy(at, p->selector.b, NET_PAIR_SELECTOR_BYTES);
    const struct net_cpace_input input = { .secret = cht_bytes(p->secret, p->secret_len),
                                           .channel = cht_bytes(channel, sizeof channel),
                                           .session = session_id(p) };
    struct pair_side *own = p->role == NET_PAIR_JOINER ? &p->joiner : &p->inviter;
    return net_cpace_share(&input, p->random.scalar, own->share);
}

static struct net_cpace_party party_of(const struct pair_side *side)
{
    struct net_cpace_party party = { .data = cht_bytes(side->data, sizeof side->data) };
    memcpy(party.share, side->share, sizeof party.share);
    return party;
}

enum cht_err pair_agree(struct net_pair *p)
{
    const struct net_cpace_party a = party_of(&p->joiner), b = party_of(&p->inviter);
    const uint8_t *theirs = p->role == NET_PAIR_JOINER ? b.share : a.share;
    return net_cpace_key(p->random.scalar, theirs, session_id(p), &a, &b, p->key);
}

void pair_tag(const struct net_pair *p, enum net_pair_role side,
              uint8_t out[static NET_CPACE_TAG_BYTES])
{
    const struct net_cpace_party party =
        party_of(side == NET_PAIR_JOINER ? &p->joiner : &p->inviter);
    net_cpace_tag(p->key, session_id(p), &party, out);
}

/* BLAKE2b under the key over a label and the joiner's nonce (the inviter's is in the key). */
static void derive(const struct net_pair *p, const char *label, uint8_t *out, size_t len)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, p->key, sizeof p->key, len);
    crypto_generichash_update(&state, (const uint8_t *)label, strlen(label));
    crypto_generichash_update(&state, p->joiner_nonce, sizeof p->joiner_nonce);
    crypto_generichash_final(&state, out, len);
    sodium_memzero(&state, sizeof state);
}

/* init_pull on both sides: init_push would draw the header by itself, and the key is fresh, so that
 * the header need not be random. */
static void derive_stream(const struct net_pair *p, const char *label,
                          crypto_secretstream_xchacha20poly1305_state *out)
{
    uint8_t made[crypto_secretstream_xchacha20poly1305_KEYBYTES +
                 crypto_secretstream_xchacha20poly1305_HEADERBYTES];
    derive(p, label, made, sizeof made);
    (void)crypto_secretstream_xchacha20poly1305_init_pull(
        out, made + crypto_secretstream_xchacha20poly1305_KEYBYTES, made); /* always 0 */
    sodium_memzero(made, sizeof made);
}

void pair_open_streams(struct net_pair *p)
{
    bool joiner = p->role == NET_PAIR_JOINER;
    uint8_t words[16]; /* BLAKE2b gives 16 bytes at least */
    derive_stream(p, "chitty-pair-join-1", joiner ? &p->sending : &p->receiving);
    derive_stream(p, "chitty-pair-invite-1", joiner ? &p->receiving : &p->sending);
    derive(p, "chitty-pair-session-1", p->session, sizeof p->session);
    derive(p, "chitty-pair-words-1", words, sizeof words);
    memcpy(p->words, words, sizeof p->words);
    sodium_memzero(p->secret, sizeof p->secret);
    sodium_memzero(p->key, sizeof p->key);
    sodium_memzero(p->random.scalar, sizeof p->random.scalar);
    p->sealed = true;
}

void net_pair_words(const struct net_pair *p, const char *out[static NET_PAIR_WORDS])
{
    for (size_t i = 0; i < NET_PAIR_WORDS; i++)
        out[i] = net_words[p->words[i]];
}

/* --- sealing ------------------------------------------------------------------------------- */

enum cht_err pair_seal(struct net_pair *p, struct net_pair_effects *out, struct cht_bytes message,
                       bool last)
{
    assert(p->sealed && message.len <= PAIR_SEALED_BYTES_MAX);
    size_t len = message.len + crypto_secretstream_xchacha20poly1305_ABYTES;
    enum cht_err err = cht_buf_reserve(&out->send, PAIR_FRAME_BYTES + len);
    if (err != CHT_OK)
        return err;
    uint8_t *at = out->send.data + out->send.len;
    cht_put_u32(at, (uint32_t)len + 1);
    at[4] = PAIR_SEALED;
    uint8_t tag = last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                       : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
    (void)crypto_secretstream_xchacha20poly1305_push(&p->sending, at + PAIR_FRAME_BYTES, NULL,
                                                     message.data, message.len, NULL, 0, tag);
    out->send.len += PAIR_FRAME_BYTES + len;
    return CHT_OK;
}

enum cht_err pair_unseal(struct net_pair *p, struct cht_bytes content, bool *out_last)
{
    uint8_t tag = 0;
    if (content.len < crypto_secretstream_xchacha20poly1305_ABYTES)
        return CHT_E_MALFORMED;
    size_t len = content.len - crypto_secretstream_xchacha20poly1305_ABYTES;
    cht_buf_reset(&p->plain);
    enum cht_err err = cht_buf_reserve(&p->plain, len + 1);
    if (err != CHT_OK)
        return err;
    if (crypto_secretstream_xchacha20poly1305_pull(&p->receiving, p->plain.data, NULL, &tag,
                                                   content.data, content.len, NULL, 0) != 0)
        return CHT_E_SIGNATURE;
    if (tag != crypto_secretstream_xchacha20poly1305_TAG_MESSAGE &&
        tag != crypto_secretstream_xchacha20poly1305_TAG_FINAL)
        return CHT_E_MALFORMED;
    p->plain.len = len;
    *out_last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    return CHT_OK;
}

/* --- who speaks ---------------------------------------------------------------------------- */

void pair_sign(const struct net_pair *p, uint8_t out[static NET_SIG_BYTES])
{
    uint8_t message[PAIR_SESSION_BYTES + 1];
    memcpy(message, p->session, PAIR_SESSION_BYTES);
    message[PAIR_SESSION_BYTES] = (uint8_t)p->role;
    net_identity_sign(p->id, NET_CONTEXT_PAIR, cht_bytes(message, sizeof message), out);
}

enum cht_err pair_verify(const struct net_pair *p, const uint8_t sig[static NET_SIG_BYTES])
{
    uint8_t message[PAIR_SESSION_BYTES + 1];
    memcpy(message, p->session, PAIR_SESSION_BYTES);
    message[PAIR_SESSION_BYTES] = p->role == NET_PAIR_JOINER ? NET_PAIR_INVITER : NET_PAIR_JOINER;
    return net_verify(NET_CONTEXT_PAIR, cht_bytes(message, sizeof message), p->peer.sign_pk, sig);
}
