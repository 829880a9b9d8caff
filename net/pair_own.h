#ifndef NET_PAIR_OWN_H
#define NET_PAIR_OWN_H
/* What the files of the pairing machine share: pair.c (life, frames, time), pair_key.c (keys and
 * sealing), pair_joiner.c and pair_inviter.c (who says what). Only they and their tests include
 * this. */
#include "net/pair.h"

#include <sodium.h>

#define PAIR_VERSION     1u
#define PAIR_FRAME_BYTES 5u /* len (u32) and kind */
#define PAIR_PLAIN_BYTES_MAX                                                                       \
    128u /* a frame's kind and content before the peer has proved the key */
#define PAIR_SEALED_BYTES_MAX (LIMIT_PAIR_BYTES - 1u - crypto_secretstream_xchacha20poly1305_ABYTES)
#define PAIR_SESSION_BYTES    32u

/* Kinds of frames (PROTOCOL 7.8) and, inside the sealed one, of messages (7.10). */
enum pair_kind {
    PAIR_HELLO = 1,
    PAIR_SHARE = 2,
    PAIR_PROOF = 3,
    PAIR_SEALED = 4,
    PAIR_ABORT = 5,
};
enum pair_message {
    PAIR_JOIN = 1,
    PAIR_WELCOME = 2,
    PAIR_RECORDS = 3,
    PAIR_CONFIRM = 4,
};

enum pair_state {
    PAIR_IDLE,
    PAIR_J_SHARE,   /* joiner: HELLO is out */
    PAIR_J_PROOF,   /* its proof is out */
    PAIR_J_WELCOME, /* JOIN is out */
    PAIR_J_RECORDS,
    PAIR_J_STORE,  /* asked the node */
    PAIR_I_HELLO,  /* inviter: nothing came yet */
    PAIR_I_SECRET, /* asked the node */
    PAIR_I_PROOF,  /* SHARE is out */
    PAIR_I_JOIN,   /* its proof is out */
    PAIR_I_ADMIT,  /* asked the node */
    PAIR_I_DONE,   /* the records are out */
    PAIR_OVER,
};

/* What one side says in clear, all of it under the key: share, and D with what binds its nonce. */
struct pair_side {
    uint8_t share[NET_CPACE_SHARE_BYTES];
    uint8_t
        data[NET_SIGN_PK_BYTES + 32u]; /* D, then the joiner's commitment, the inviter's nonce */
};

struct net_pair {
    enum net_pair_role role;
    enum pair_state state;
    uint64_t opened_ms, due_ms;
    const struct net_identity *id;
    uint8_t name_len, peer_name_len;
    char name[LIMIT_NAME_BYTES], peer_name[LIMIT_NAME_BYTES];

    struct net_pair_selector selector;
    uint8_t secret[NET_PAIR_SECRET_BYTES];
    size_t secret_len;
    /* joiner: which space and which inviter, where the invitation says it (a ticket does) */
    bool space_named, pk_named;
    uint8_t space[CRDT_ID_BYTES];
    uint8_t pk[NET_SIGN_PK_BYTES];

    struct net_pair_random random;
    struct pair_side joiner, inviter;
    uint8_t joiner_nonce[NET_PAIR_NONCE_BYTES]; /* known to the inviter with the proof */
    uint8_t key[NET_CPACE_KEY_BYTES];
    bool sealed; /* the two streams and the session are set */
    crypto_secretstream_xchacha20poly1305_state sending, receiving;
    uint8_t session[PAIR_SESSION_BYTES];
    uint8_t words[NET_PAIR_WORDS];

    struct net_pair_peer peer;
    struct net_members *members; /* joiner */
    uint32_t records_left;       /* joiner: still to come */
    struct cht_buf addresses;    /* joiner: length byte and text, one after another */
    uint32_t address_count;

    struct cht_buf in;    /* the frame that is coming in: PAIR_FRAME_BYTES and content */
    struct cht_buf plain; /* an opened message */
};

/* pair.c */

/* Be over: tell the peer why, unless it knows, and the caller. `text` NULL: the code's sentence. */
void pair_fail(struct net_pair *p, struct net_pair_effects *out, enum cht_err err,
               const char *text);
/* Append a frame. CHT_E_LIMIT, CHT_E_NOMEM: the buffer's. */
CHT_MUST_USE enum cht_err pair_send(struct net_pair_effects *out, enum pair_kind kind,
                                    struct cht_bytes content);
/* Enter a state in which the peer answers by itself, or (`patient`) after a person or a disk. */
void pair_wait(struct net_pair *p, enum pair_state state, uint64_t now_ms, bool patient);

/* pair_key.c */

/* Compute the own share into the own side, from secret and session. CHT_E_INVALID: no share. */
CHT_MUST_USE enum cht_err pair_share(struct net_pair *p);
/* Compute the key from both sides. CHT_E_MALFORMED: the peer's share. */
CHT_MUST_USE enum cht_err pair_agree(struct net_pair *p);
/* The commitment to a nonce. */
void pair_commit(const uint8_t nonce[static NET_PAIR_NONCE_BYTES], uint8_t out[static 32]);
/* The tag by which that side proves the key. */
void pair_tag(const struct net_pair *p, enum net_pair_role side,
              uint8_t out[static NET_CPACE_TAG_BYTES]);
/* Derive streams, session and words, and forget secret, scalar and key. Both nonces are known. */
void pair_open_streams(struct net_pair *p);
/* Seal a message into a frame; `last`: this side says nothing after it. CHT_E_LIMIT, CHT_E_NOMEM.
 */
CHT_MUST_USE enum cht_err pair_seal(struct net_pair *p, struct net_pair_effects *out,
                                    struct cht_bytes message, bool last);
/* Open a sealed frame's content into p->plain. CHT_E_SIGNATURE: not sealed by the peer, or not the
 * next one. CHT_E_MALFORMED: too short; CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err pair_unseal(struct net_pair *p, struct cht_bytes content, bool *out_last);
/* Sign the session as that side, or verify that D has. */
void pair_sign(const struct net_pair *p, uint8_t out[static NET_SIG_BYTES]);
CHT_MUST_USE enum cht_err pair_verify(const struct net_pair *p,
                                      const uint8_t sig[static NET_SIG_BYTES]);

/* pair_joiner.c and pair_inviter.c: a frame, or an event of the node, in the machine's state. */

void pair_joiner_open(struct net_pair *p, uint64_t now_ms, struct net_pair_effects *out);
void pair_joiner_frame(struct net_pair *p, enum pair_kind kind, struct cht_bytes content,
                       uint64_t now_ms, struct net_pair_effects *out);
void pair_joiner_stored(struct net_pair *p, struct net_pair_effects *out);
void pair_inviter_frame(struct net_pair *p, enum pair_kind kind, struct cht_bytes content,
                        uint64_t now_ms, struct net_pair_effects *out);
void pair_inviter_secret(struct net_pair *p, struct cht_bytes secret, uint64_t now_ms,
                         struct net_pair_effects *out);
void pair_inviter_admitted(struct net_pair *p, const struct net_pair_answer *answer,
                           uint64_t now_ms, struct net_pair_effects *out);

#endif
