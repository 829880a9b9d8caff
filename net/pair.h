#ifndef NET_PAIR_H
#define NET_PAIR_H
/* Pairing: how a device joins a space over a plain byte stream (PROTOCOL 7.8 to 7.12).
 *
 * Two machines, one a side: the joiner dials, the inviter listens. Both know a secret: a ticket's,
 * or a code's seven digits. CPace turns it into a key, both prove the key, and only then anything
 * else is said, sealed: the joiner's certificate and name; the inviter's name, addresses and all
 * membership records, with the one that admits the joiner among them.
 *
 * A machine does no I/O. The node hands it events and carries out the effects: it writes `send` to
 * the peer in order, and answers each NET_PAIR_ASK_… with the event named there. The machine is
 * over after NET_PAIR_DONE or NET_PAIR_FAILED: the node writes what is left in `send`, closes the
 * connection and frees the machine; further events do nothing. */
#include "net/code.h"
#include "net/cpace.h"
#include "net/members.h"
#include "net/ticket.h"

#define NET_PAIR_SECRET_BYTES   32u /* the longest secret */
#define NET_PAIR_SELECTOR_BYTES 8u
#define NET_PAIR_NONCE_BYTES    32u
#define NET_PAIR_WORDS          7u
#define NET_PAIR_TOTAL_MS       (120u * 1000u) /* the whole of it, a person's answer included */
#define NET_PAIR_SILENCE_MS     (15u * 1000u)  /* for what a peer answers by itself */
/* All records of a space at the most, with their framing. */
#define NET_PAIR_SEND_BYTES (8u * 1024u * 1024u)

enum net_pair_role { NET_PAIR_JOINER = 1, NET_PAIR_INVITER = 2 };

/* Which invitation is meant, in clear: the listener may have several. */
enum net_pair_selector_kind { NET_PAIR_BY_TICKET = 1, NET_PAIR_BY_CODE = 2 };

struct net_pair_selector {
    uint8_t kind; /* enum net_pair_selector_kind */
    uint8_t b[NET_PAIR_SELECTOR_BYTES];
};

/* The selector of a ticket, from its secret (which it does not tell). */
struct net_pair_selector net_pair_selector_of(const uint8_t secret[static NET_TICKET_SECRET_BYTES]);
/* The selector of a code: its first three digits, which are public. */
struct net_pair_selector net_pair_selector_of_code(const struct net_code *code);
/* What the two of a code prove to each other, borrowed from the code: its secret digits. */
struct cht_bytes net_pair_code_secret(const struct net_code *code);

/* Fresh random bytes for one run. The caller wipes them. */
struct net_pair_random {
    uint8_t scalar[NET_CPACE_SCALAR_BYTES];
    uint8_t nonce[NET_PAIR_NONCE_BYTES];
};

enum net_pair_event_type {
    NET_PAIR_OPEN,   /* the connection is up; the first event of both sides */
    NET_PAIR_BYTES,  /* `bytes` came from the peer, any number of them */
    NET_PAIR_SECRET, /* inviter, to ASK_SECRET: `bytes` is the secret, empty: no such invitation */
    NET_PAIR_ADMITTED,  /* inviter, to ASK_ADMIT: the record that admits is durable; `answer` */
    NET_PAIR_REFUSED,   /* either, to ASK_ADMIT or ASK_STORE: `error`, told to the peer */
    NET_PAIR_STORED,    /* joiner, to ASK_STORE: the space is durable here */
    NET_PAIR_WITHDRAWN, /* inviter, at any time: the invitation is good for nothing any more */
    NET_PAIR_TICK,      /* time has passed; also any other event looks at `now_ms` */
    NET_PAIR_CLOSED,    /* the connection is gone */
};

/* What the inviter tells whom it has admitted; borrowed for the step. */
struct net_pair_answer {
    const struct net_members *members; /* has a record that admits the joiner */
    const struct cht_bytes *addresses; /* "tcp://host:port" of its sync endpoint, best first */
    uint32_t address_count;            /* at most LIMIT_ADDRESSES */
};

struct net_pair_event {
    enum net_pair_event_type type;
    uint64_t now_ms; /* a clock that does not go back */
    struct cht_bytes bytes;
    struct net_pair_answer answer;
    enum cht_err error;
};

/* Bits of `what`. */
enum net_pair_effect {
    /* Inviter: find the invitation of net_pair_selector; answer SECRET. One that was used stays
     * findable until it expires: its joiner may come again. */
    NET_PAIR_ASK_SECRET = 1u << 0,
    /* Both: the peer has proved the secret; net_pair_words may be shown. */
    NET_PAIR_PROVED = 1u << 1,
    /* Inviter: admit net_pair_peer and spend the invitation, in one durable turn, or find that it
     * was spent on this very device before; answer ADMITTED or REFUSED. */
    NET_PAIR_ASK_ADMIT = 1u << 2,
    /* Joiner: net_pair_members and net_pair_address are checked: keep them; answer STORED or
     * REFUSED. */
    NET_PAIR_ASK_STORE = 1u << 3,
    NET_PAIR_DONE = 1u << 4,
    NET_PAIR_FAILED = 1u << 5, /* `error` says why */
    /* With FAILED, at the inviter: a try was made with a wrong secret. A code is burnt by it; for a
     * ticket it is counted. */
    NET_PAIR_WRONG_PROOF = 1u << 6,
    /* Joiner: the proof goes out with this step, to the device of net_pair_peer's key. Whoever that
     * is can now test one guess of the secret: a code is spent on it, right or wrong. */
    NET_PAIR_TRIED = 1u << 7,
};

struct net_pair_effects {
    struct cht_buf send;    /* the caller takes bytes out; steps append */
    unsigned what;          /* enum net_pair_effect, of the last step alone */
    struct cht_error error; /* with NET_PAIR_FAILED */
};

void net_pair_effects_init(struct net_pair_effects *e);
void net_pair_effects_clear(struct net_pair_effects *e);

struct net_pair;

/* The device that speaks, for the life of the machine. */
struct net_pair_self {
    const struct net_identity *id; /* borrowed */
    struct cht_bytes name;         /* copied; a valid name (asserted) */
};

/* The side that has a ticket (which the caller has checked not to be expired). NULL: no memory. */
struct net_pair *net_pair_join(const struct net_pair_self *self, const struct net_ticket *ticket,
                               const struct net_pair_random *random);
/* The side that was told a code. `known` is the D of a device that has proved before that it knows
 * this code (nobody else then gets a proof), or NULL. NULL: no memory. */
struct net_pair *net_pair_join_code(const struct net_pair_self *self, const struct net_code *code,
                                    const uint8_t *known, const struct net_pair_random *random);
/* The side that has made one or more. NULL: no memory. */
struct net_pair *net_pair_invite(const struct net_pair_self *self,
                                 const struct net_pair_random *random);
/* Wipe and free; NULL is fine. */
void net_pair_free(struct net_pair *p);

/* One event. Fills `out->what` and `out->error` and appends to `out->send`. */
void net_pair_step(struct net_pair *p, const struct net_pair_event *event,
                   struct net_pair_effects *out);
/* When a TICK is due at the latest; UINT64_MAX when none is. */
uint64_t net_pair_deadline_ms(const struct net_pair *p);

/* From ASK_SECRET on. */
const struct net_pair_selector *net_pair_selector(const struct net_pair *p);
/* From PROVED on: the check words, the same on both sides. */
void net_pair_words(const struct net_pair *p, const char *out[static NET_PAIR_WORDS]);

/* The other device. The key is there from PROVED on (joiner: from TRIED on); inviter: the rest from
 * ASK_ADMIT on, verified and proved to be the one that speaks; joiner: the name from ASK_STORE on.
 */
struct net_pair_peer {
    uint8_t sign_pk[NET_SIGN_PK_BYTES];
    uint8_t device[CRDT_ID_BYTES];
    struct net_cert cert; /* inviter only */
    struct cht_bytes name;
};
const struct net_pair_peer *net_pair_peer(const struct net_pair *p);

/* Joiner, from ASK_STORE on. The membership, which admits this device; `take` moves it to the
 * caller, who frees it. */
const struct net_members *net_pair_members(const struct net_pair *p);
struct net_members *net_pair_take_members(struct net_pair *p);
/* The inviter's addresses; borrowed. */
uint32_t net_pair_address_count(const struct net_pair *p);
struct cht_bytes net_pair_address(const struct net_pair *p, uint32_t index);

#endif
