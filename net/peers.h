#ifndef NET_PEERS_H
#define NET_PEERS_H
/* Which devices we know how to reach, who is connected, and when to dial whom (PROTOCOL 8.4, 8.13).
 *
 * Pure: the clock and random numbers are passed in, dialling is the caller's. A *leg* is one
 * connection of the transport. Between two runs of two nodes one leg is enough: where both dialled,
 * the one that the smaller run id dialled stays. A peer is present exactly while it has a leg whose
 * HELLO has come; discovery only brings addresses. */
#include "net/frame.h"

#define NET_DIAL_TRY_MS     6000u  /* one address, until the handshake is settled */
#define NET_DIAL_FIRST_MS   500u   /* back-off after all addresses failed once; doubles */
#define NET_DIAL_MAX_MS     60000u /* … up to this */
#define NET_DIAL_WAITING_MS 5000u  /* … or this, for one who waits to be introduced */
#define NET_PEER_LEGS       4u
#define NET_LEG_RACE_MS     2000u /* legs with HELLOs this close were dialled at once */

/* Where an address comes from; later in the list is tried first. */
enum net_address_source {
    NET_ADDRESS_TOLD,   /* in a HELLO or a ticket */
    NET_ADDRESS_FOUND,  /* by discovery: a hint, worth nothing without the pinned key */
    NET_ADDRESS_WORKED, /* a dial to it was answered by the device once */
    NET_ADDRESS_STATIC, /* configured */
};
/* "told by it", "found on the network" … for people. */
const char *net_address_source_text(enum net_address_source source);

struct net_address {
    size_t len;
    char text[LIMIT_ADDRESS_BYTES + 1]; /* "tcp://host:port", NUL-terminated */
    enum net_address_source source;
    enum net_address_source origin; /* how it was learnt: never WORKED */
    uint64_t used; /* order of last use: the least recently useful one makes room */
};

struct net_leg {
    uint32_t conn; /* the transport's number; 0: free */
    bool outbound, hello;
    uint8_t run[NET_RUN_BYTES]; /* the peer's, when `hello` */
    uint64_t hello_ms;          /* when its HELLO came (monotonic) */
};

enum net_dial_state { NET_DIAL_IDLE, NET_DIAL_TRYING, NET_DIAL_UP };

struct net_peer {
    bool used;
    uint8_t device[CRDT_ID_BYTES];
    struct net_leg legs[NET_PEER_LEGS];
    size_t address_count;
    struct net_address addresses[LIMIT_ADDRESSES];
    enum net_dial_state dial;
    bool waiting;             /* refused: waits to be introduced there */
    size_t next_address;      /* position in this round of tries */
    struct net_address tried; /* the one last dialled */
    unsigned rounds;          /* failed rounds since the last success */
    uint64_t due_ms;          /* IDLE: dial then; TRYING: give up then (monotonic) */
    uint64_t held_ms;         /* not dialled before, whatever is found or happens */
    uint64_t seen_ms;         /* wall clock of the last sign of life; 0: never */
    uint64_t refused[NET_BYE_REASON_MAX + 1]; /* sessions ended, by reason; 0: handshakes refused */
};

struct net_peers {
    uint8_t run[NET_RUN_BYTES]; /* ours */
    uint64_t uses;
    struct net_peer peers[LIMIT_PEERS];
};

void net_peers_init(struct net_peers *p, const uint8_t run[NET_RUN_BYTES]);
/* NULL when unknown. */
struct net_peer *net_peers_find(struct net_peers *p, const uint8_t device[CRDT_ID_BYTES]);
/* Know a device; finds it when it is known. CHT_E_LIMIT: the table is full of others. */
CHT_MUST_USE enum cht_err net_peers_add(struct net_peers *p, const uint8_t device[CRDT_ID_BYTES],
                                        struct net_peer **out);
/* Forget one; its legs are the caller's to hang up first. */
void net_peers_remove(struct net_peers *p, const uint8_t device[CRDT_ID_BYTES]);

/* Learn or confirm an address and dial it soon when the peer is away. A full list loses its least
 * recently useful one of the same or a lesser source. CHT_E_INVALID: not "tcp://…" of 1 …
 * LIMIT_ADDRESS_BYTES printable ASCII bytes. CHT_E_LIMIT: all others are worth more. */
CHT_MUST_USE enum cht_err net_peer_address(struct net_peers *p, struct net_peer *peer,
                                           struct cht_bytes address, enum net_address_source source,
                                           uint64_t now_ms);

/* --- connections ------------------------------------------------------------------------- */

/* The transport settled a connection. CHT_E_LIMIT: it has too many: hang this one up. */
CHT_MUST_USE enum cht_err net_peer_up(struct net_peer *peer, uint32_t conn, bool outbound,
                                      uint64_t wall_ms);
/* Its HELLO came. `*out_drop` is the leg to end with BYE DUPLICATE (this one or an older), 0: none.
 */
struct net_times {
    uint64_t now_ms, wall_ms; /* monotonic, and since the Unix epoch */
};
void net_peer_hello(const struct net_peers *p, struct net_peer *peer, uint32_t conn,
                    const uint8_t run[NET_RUN_BYTES], struct net_times at, uint32_t *out_drop);
/* A leg is gone. `reason` 0: lost; an outbound one is being dialled again by the transport, which
 * has NET_DIAL_TRY_MS for it. Else (enum net_bye_reason) it was hung up and its dial with it:
 * counted, and dialled after a back-off. `random` is 32 random bits. */
void net_peer_down(struct net_peer *peer, uint32_t conn, unsigned reason, uint64_t now_ms,
                   uint32_t random);
/* Not to be dialled before `until_ms`, also when it is found or this machine wakes. A try under way
 * goes on. */
void net_peer_hold(struct net_peer *peer, uint64_t until_ms);
/* A dial's handshake was refused: they may not know us yet. */
void net_peer_refused(struct net_peer *peer);
/* Nobody answers at the address that is being tried: the next one, where there is one; the last is
 * tried on, its node may be starting. */
void net_peer_unreached(struct net_peer *peer, uint64_t now_ms);
bool net_peer_present(const struct net_peer *peer);
/* The leg to speak through: the first whose HELLO has come; 0: none. */
uint32_t net_peer_conn(const struct net_peer *peer);

/* --- dialling ---------------------------------------------------------------------------- */

/* When net_peers_step has something to do next; UINT64_MAX: never. */
uint64_t net_peers_due_ms(const struct net_peers *p);

enum net_dial_act {
    NET_ACT_NONE,
    NET_ACT_DIAL,   /* dial `address` */
    NET_ACT_UNDIAL, /* stop the dial to this peer */
};
/* What to do now for one peer; call until NONE. `*out_address` (borrowed from the peer) for DIAL.
 */
enum net_dial_act net_peers_step(struct net_peers *p, uint64_t now_ms, uint32_t random,
                                 struct net_peer **out_peer, const char **out_address);
/* Our machine woke or its addresses changed: dial everyone who is away now. */
void net_peers_wake(struct net_peers *p, uint64_t now_ms);

#endif
