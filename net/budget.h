#ifndef NET_BUDGET_H
#define NET_BUDGET_H
/* What one peer may cost this node, and what it was refused (PROTOCOL 8.14).
 *
 * Kept by device, beyond its connections and sessions: who connects anew finds the account as it
 * was left. Pure: time is passed in, measuring is the caller's. A cost is known only when it is
 * paid, so an account may go below zero; then the device is not heard until it has earned enough
 * again. What waits meanwhile is bounded by the caller; nothing within the bounds is lost. */
#include "crdt/base/bytes.h"
#include "crdt/id.h"
#include "crdt/limits.h"

/* name, what an account may hold, what it earns a second. An honest first sync, the dearest thing
 * that a peer does, stays below all but CPU_US, which counts only while others want the node. */
#define NET_COSTS(X)                                                                               \
    X(BYTES, 64u * 1024u * 1024u, 16u * 1024u * 1024u) /* of frames */                             \
    X(ENTRIES, 1000000u, 500000u)                      /* in ranges handed to the node */          \
    X(CPU_US, 2000000u, 500000u)                       /* processor time spent on its frames */    \
    X(SESSIONS, 32u, 1u)                               /* connections */

enum net_cost {
#define X(name, most, earned) NET_COST_##name,
    NET_COSTS(X)
#undef X
        NET_COST_COUNT
};

/* name, stable word, sentence. Counted one a frame, range, record or connection refused. */
#define NET_REFUSALS(X)                                                                            \
    X(MALFORMED, "malformed", "a frame that cannot be read, or too large for its kind")            \
    X(ORDER, "order", "a frame out of its place")                                                  \
    X(IDENTITY, "identity", "a HELLO of another device than the key's")                            \
    X(CREDIT, "credit", "more ranges, or more acked, than was allowed")                            \
    X(FLOOD, "flood", "a frame beyond its budget")                                                 \
    X(REPLAY, "replay", "a frame of an earlier session")                                           \
    X(SIGNATURE, "signature", "a range whose hash or head does not verify")                        \
    X(RANGE, "range", "a range whose bytes are not in the form")                                   \
    X(STRIPPED, "stripped", "a range without the bodies of its entries")                           \
    X(RIGHTS, "rights", "a range of a device that had no right to write it")                       \
    X(RECORD, "record", "a membership record that does not verify")                                \
    X(FORK, "fork", "a fork proof that does not hold")                                             \
    X(BLOB, "blob", "an attachment whose bytes are not what its name says")                        \
    X(UNPLACED, "unplaced", "a range whose entry before is not held")                              \
    X(WINDOW, "window", "a range of a path on which too much waits, or with too many branches")    \
    X(STALL, "stall", "something it said to have and did not send")                                \
    X(MESSAGE, "message", "a directed message that is not for this node or not allowed")           \
    X(TIMEOUT, "timeout", "no HELLO, membership or ACK in time")                                   \
    X(UNREAD, "unread", "a connection on which it did not read")                                   \
    X(BACK_OFF, "back-off", "a connection while its door was closed")

enum net_refusal {
#define X(name, word, sentence) NET_REFUSAL_##name,
    NET_REFUSALS(X)
#undef X
        NET_REFUSAL_COUNT
};

#define NET_DOOR_FIRST_MS 250u   /* closed after the first strike; doubles with each */
#define NET_DOOR_MAX_MS   64000u /* … up to this */
#define NET_FORGIVE_MS    60000u /* one strike is forgotten each */

struct net_budget {
    bool used;
    uint8_t device[CRDT_ID_BYTES];
    int64_t left[NET_COST_COUNT];   /* thousandths */
    uint64_t spent[NET_COST_COUNT]; /* in all */
    uint64_t at_ms;                 /* earned up to then */
    unsigned strikes;
    uint64_t strike_ms; /* the last strike, or the last one forgotten */
    uint64_t closed_ms; /* the door is closed until then */
    uint64_t refused[NET_REFUSAL_COUNT];
    uint64_t bytes_out;
    uint64_t known; /* ranges that were held already: no fault, two peers may send the same */
};

struct net_budgets {
    struct net_budget of[LIMIT_PEERS];
};

/* Stable word ("credit") and sentence of a reason. Never NULL. */
const char *net_refusal_word(enum net_refusal reason);
const char *net_refusal_text(enum net_refusal reason);

/* The account of a device, a full one when it is new. In a full table the one that was idle for
 * longest makes room, of those whose door is open if there are any. */
struct net_budget *net_budget_of(struct net_budgets *all, const uint8_t device[CRDT_ID_BYTES],
                                 uint64_t now_ms);
/* NULL: it has none. */
struct net_budget *net_budget_find(struct net_budgets *all, const uint8_t device[CRDT_ID_BYTES]);

/* It has cost so much. */
void net_budget_spend(struct net_budget *b, enum net_cost cost, uint64_t amount, uint64_t now_ms);
/* When it may be heard again, at the earliest now. `contended`: others want the node, so its
 * processor time counts. */
uint64_t net_budget_ready_ms(struct net_budget *b, bool contended, uint64_t now_ms);

void net_budget_refuse(struct net_budget *b, enum net_refusal reason, uint64_t count);
uint64_t net_budget_refused(const struct net_budget *b);
/* It broke the protocol: its door is closed from now on, each time for longer. Returns until when.
 */
uint64_t net_budget_strike(struct net_budget *b, uint64_t now_ms);
/* May it connect? A new connection is paid for by NET_COST_SESSIONS. */
bool net_budget_open(struct net_budget *b, uint64_t now_ms);

/* --- shares of a turn ---------------------------------------------------------------------- */

#define NET_TURN_US       10000u  /* of a turn, for all peers that want it, while others wait */
#define NET_TURN_LEAST_US 2000u   /* … and for one of them at least */
#define NET_TURN_ALONE_US 200000u /* where nobody else waits */

/* How long one of `wanting` peers is heard in this turn; a frame begun is finished. */
uint64_t net_turn_share_us(size_t wanting, bool contended);

#endif
