#ifndef NET_SESSION_H
#define NET_SESSION_H
/* The sync session: one for each connection, sans I/O (PROTOCOL 8).
 *
 * Events go in, effects come out; a session never reads a clock, a socket or randomness. It reads
 * the replica through `struct net_view` and asks for changes by effects. In one turn the node
 *   1. steps sessions with what arrived (FRAME, TICK),
 *   2. carries out the RECORDS and DELIVER effects in its one transaction,
 *   3. after the commit steps them with what became of those (RECORDS_DONE, DELIVERED), with its
 * own new ranges (LOCAL), and every session of the space whose state changed with CHANGED,
 *   4. then sends the frames of all SEND effects, in their order.
 * So nothing is acked or sent before it is durable. A session that is closed ignores every event.
 */
#include "net/directed.h"
#include "net/frame.h"
#include "net/pulls.h"

/* --- times, ms (PROTOCOL 8.12) ----------------------------------------------------------- */
#define NET_HELLO_MS        10000u  /* from start to HELLO */
#define NET_MEMBERS_MS      60000u  /* until membership heads agree */
#define NET_ANNOUNCE_MS     200u    /* what was received is told to others after this */
#define NET_ANNOUNCE_JITTER 50u     /* … plus up to this much */
#define NET_HEADS_CHANGE_MS 30000u  /* HEADS after a change */
#define NET_HEADS_IDLE_MS   600000u /* HEADS when nothing changed */
#define NET_STALL_MS        30000u  /* a want without progress is given up for as long */
#define NET_ACK_MS          60000u  /* ranges sent and not acked */
#define NET_PUSH_MS         500u    /* what a connected author pushes is not asked of others for */
#define NET_CLAIM_POLL_MS   500u    /* another session fetches what we lack: look again */
#define NET_DIGEST_MS       10000u  /* an answer in a bisect */

/* --- budget of a peer (PROTOCOL 8.12): each frame costs what NET_FRAME_KINDS says -------- */
#define NET_TOKENS_MAX    256u
#define NET_TOKENS_S      32u
#define NET_OVERDRAWN_MAX 64u /* frames dropped for it before the session ends */

/* One space that a leg may carry. */
struct net_space {
    uint8_t id[CRDT_ID_BYTES];
    struct net_view view;
    struct net_pulls *pulls; /* shared by the sessions of the space */
};

struct net_session_config {
    uint8_t device[CRDT_ID_BYTES];
    uint8_t run[NET_RUN_BYTES];     /* random, one a start of the node */
    uint8_t nonce[NET_NONCE_BYTES]; /* random, of this session, not all zero */
    uint8_t peer[CRDT_ID_BYTES];    /* the device that the transport's key belongs to */
    bool outbound;                  /* we dialled */
    bool farewell;                  /* the peer is no member any more: it is told so, and no more */
    uint16_t level;                 /* highest protocol level of this build */
    uint32_t jitter;                /* random */
    struct cht_bytes name;          /* copied */
    size_t endpoint_count;          /* at most LIMIT_ENDPOINTS, copied */
    const struct cht_bytes *endpoints;
    size_t space_count; /* 1 … LIMIT_SPACES, copied; a dialler's in order of its wish */
    const struct net_space *spaces;
    /* Commands that peers may send, each "domain.operation"; borrowed for the session's life. */
    size_t command_count;
    const char *const *commands;
};

/* --- events ------------------------------------------------------------------------------ */

/* What the node did with one range. */
enum net_verdict {
    NET_STORED,      /* durable now (applied, waiting or void alike) */
    NET_KNOWN,       /* was held already */
    NET_UNPLACEABLE, /* the entry before is not held */
    NET_REFUSED,     /* its bytes or its head are wrong: the peer is to blame */
    NET_STOPPED,     /* not stored: the path has a window of waiting entries or too many branches */
    NET_FAILED,      /* not stored: a fault of ours (disk full …) */
};

/* What becomes of blobs (PROTOCOL 12). A session fetches one at a time and sends one at a time. */
enum net_blob_step {
    NET_BLOB_FETCH, /* ask the peer for one, from there on; nothing where one is fetched already */
    NET_BLOB_STOP,  /* what is fetched is not wanted any more */
    NET_BLOB_SEND,  /* `bytes` of what the peer wants; at most net_session_blob_room */
    NET_BLOB_LACK,  /* what the peer wants is not to be had here */
    NET_BLOB_KEEP,  /* this device has it, and answers for it */
};

enum net_event_kind {
    NET_EV_START,        /* once, first */
    NET_EV_FRAME,        /* `bytes`; they must live until the turn ends */
    NET_EV_TICK,         /* time passed: see net_session_due_ms */
    NET_EV_DELIVERED,    /* answer to a DELIVER, after the commit */
    NET_EV_RECORDS_DONE, /* answer to a RECORDS, after the commit */
    NET_EV_FORK_DONE,    /* answer to a FORK, after the commit */
    NET_EV_LOCAL,        /* own new ranges were committed in this turn */
    NET_EV_CHANGED,      /* something else was: entries stored or applied, records added */
    NET_EV_WOKE,         /* the machine slept or moved: say where we stand at once */
    NET_EV_ROOM,         /* what could not be stored (NET_FAILED) can be now */
    NET_EV_REVOKED,      /* the peer is no member any more: tell it so, and end */
    NET_EV_MESSAGE,      /* send a directed message: `bytes`, one msgpack map */
    NET_EV_BLOB,         /* `blob`: ask for one, take that back, or answer what was asked */
    NET_EV_CLOSE,        /* say BYE with `reason` and end */
};

struct net_event {
    enum net_event_kind kind;
    uint64_t now_ms;  /* monotonic */
    uint64_t wall_ms; /* since the Unix epoch: for the life of directed messages only */
    struct cht_bytes bytes;
    enum net_bye_reason reason;
    struct {
        uint32_t token;
        size_t count; /* as in the DELIVER */
        const enum net_verdict *verdicts;
    } delivered;
    enum cht_err records; /* RECORDS_DONE: CHT_OK; CHT_E_MALFORMED, _INVALID, _SIGNATURE, _DENIED:
                             the peer is to blame; any other: a fault of ours */
    struct {
        enum net_blob_step step;
        struct crdt_hash hash;
        uint32_t size, from; /* FETCH; size also of KEPT */
    } blob;                  /* SEND: `bytes` */
    enum cht_err fork; /* FORK_DONE: CHT_OK; CHT_E_MALFORMED, _LIMIT, _SIGNATURE, _INVALID: the peer
                          is to blame; any other: nothing to be done */
    struct {
        struct crdt_dep before; /* own entry before the first range; seq 0 for none */
        struct crdt_dep last;   /* the last entry of the last range */
        size_t count;           /* 0: more than fits; the session reads them through the view */
        const struct crdt_range *ranges;
    } local;
};

/* --- effects ----------------------------------------------------------------------------- */

/* A row whose live value differs between two replicas at one vector. */
struct net_alarm_row {
    struct net_row row;
    bool ours, theirs; /* where it is live; both: with another value */
};

enum net_effect_kind {
    NET_FX_SEND,    /* a frame for the peer */
    NET_FX_UP,      /* HELLOs exchanged: the peer and its space are known */
    NET_FX_RECORDS, /* membership records to check and add, parents first */
    NET_FX_DELIVER, /* ranges to check and store */
    NET_FX_FORK,    /* a fork proof to check and keep */
    NET_FX_HOLDS,   /* what the peer says is durable there */
    NET_FX_SYNCED,  /* both sides hold the same entries now, or no longer do */
    NET_FX_ALARM,   /* state roots differ at one vector */
    NET_FX_MESSAGE, /* a directed message for this node */
    NET_FX_BLOB,    /* `blob`: what the peer said of one */
    NET_FX_CLOSE,   /* the session is over; its frames still go out before the leg is hung up */
};

struct net_effect {
    enum net_effect_kind kind;
    struct net_effect *next;
    union {
        struct cht_bytes frame;
        struct {
            const struct net_hello *hello; /* the peer's */
            const struct net_space *space;
        } up;
        struct {
            const struct cht_bytes *records;
            size_t count;
        } records;
        struct {
            uint32_t token; /* to be repeated in DELIVERED */
            size_t count;
            const struct crdt_range *ranges; /* `own` resolved: device_tag is always set */
        } deliver;
        struct {
            bool whole; /* all it holds (HEADS), or some more (ACK) */
            size_t count;
            const struct crdt_dep *tips;
        } holds;
        struct cht_bytes proof; /* of a fork; borrowed from the event */
        bool synced;
        struct {
            bool done; /* false: just found; true: bisected, `rows` says where */
            size_t count;
            const struct net_alarm_row *rows; /* at most LIMIT_ALARM_ROWS */
        } alarm;
        struct net_directed message;
        struct {
            const struct net_blob_frame *frame; /* WANT: its credit is 0 when it is taken back;
                                                   DATA: in order, within what was asked for */
            bool stalled;                       /* NONE: the peer did not say so, nothing came */
        } blob;
        struct {
            enum net_bye_reason reason;
            bool by_peer;          /* the peer said BYE */
            bool blame;            /* the peer broke the protocol */
            const char *sentence;  /* for the log; static */
            struct cht_bytes text; /* the peer's words, when it said any */
        } close;
    };
};

/* A turn's effects, in order. The arena must outlive them and holds everything they point at that
 * is not borrowed from an event. */
struct net_effects {
    struct cht_arena *arena;
    struct net_effect *first, **last;
};

static inline void net_effects_init(struct net_effects *fx, struct cht_arena *arena)
{
    fx->arena = arena;
    fx->first = NULL;
    fx->last = &fx->first;
}

/* --- the session ------------------------------------------------------------------------- */

struct net_session;

/* What `status` shows. */
struct net_session_stats {
    uint64_t frames_in, frames_out, bytes_in, bytes_out, ranges_in, ranges_out;
    uint64_t stale;       /* frames of an earlier session, dropped */
    uint64_t overdrawn;   /* frames over the peer's budget, dropped */
    uint64_t known;       /* ranges received that were held already */
    uint64_t unplaceable; /* ranges received whose entry before was not held */
    uint64_t misses;      /* wants answered by a MISS */
    uint64_t stalls;      /* wants given up */
    uint64_t refused;     /* directed messages not delivered */
    uint64_t heads_in, heads_out;
    bool lost;                  /* the peer's last ACK said that it did not store something */
    uint32_t unacked_bytes_max; /* most ever sent and not yet acked */
};

/* NULL when out of memory. The config is copied; views, pulls and commands must outlive it. */
struct net_session *net_session_new(const struct net_session_config *config);
/* Gives its claims back; NULL is fine. */
void net_session_free(struct net_session *s);

/* Feed one event. Effects are appended to `fx`. CHT_E_NOMEM: an effect could not be written; the
 * session is closed then. */
CHT_MUST_USE enum cht_err net_session_step(struct net_session *s, const struct net_event *ev,
                                           struct net_effects *fx);

/* When the next TICK is needed (monotonic ms); UINT64_MAX: never. */
uint64_t net_session_due_ms(const struct net_session *s);
bool net_session_closed(const struct net_session *s);
/* HELLOs and membership are settled and entries flow. */
bool net_session_live(const struct net_session *s);
bool net_session_synced(const struct net_session *s);
/* Does the peer know blobs, and may they go? Is one being fetched? */
bool net_session_blobs(const struct net_session *s);
bool net_session_fetching(const struct net_session *s);
/* So many bytes of the blob that the peer wants may be sent now, in one SEND. */
size_t net_session_blob_room(const struct net_session *s);
const struct net_session_stats *net_session_stats(const struct net_session *s);

#endif
