#ifndef NET_SESSION_OWN_H
#define NET_SESSION_OWN_H
/* Inside of a sync session, shared by the files net/session*.c and by nobody else.
 *
 * Functions that can fail for want of memory or because the view failed return `enum cht_err`; the
 * step closes the session on such an error. What a peer did wrong ends in session_blame(). After
 * either, `state` is SESSION_CLOSED and callers go no further. */
#include "net/session.h"

enum session_state { SESSION_NEW, SESSION_HELLO, SESSION_LIVE, SESSION_CLOSED };

#define SESSION_FRAME_BYTES  (128u * 1024u)     /* payload of a usual RANGE frame */
#define SESSION_FLOWS        (LIMIT_WANTS + 1u) /* what the peer wants, and our own push */
#define SESSION_BISECT_STACK 64u
#define SESSION_MISSES_MAX   8u /* answers to one want before it is given up */
#define SESSION_FAILURES_MAX                                                                       \
    64u /* ranges that fail while one want is looked into: those on their way */
#define SESSION_LOST_MS 1000u /* at most one HEADS in this time for what could not be stored */

/* A sorted, bounded list of tips that this session owns. */
struct session_tips {
    struct crdt_dep *tips;
    size_t count, cap;
};

/* A device's path being fetched from the peer. */
struct session_pull {
    bool active;
    struct crdt_dep tip;
    bool served;          /* a range that ends at its seq has come */
    uint64_t progress_ms; /* the last time it moved */
    unsigned misses;
    uint32_t from;     /* as last asked */
    bool doubted;      /* a range of it failed, and it was asked for again */
    unsigned failures; /* ranges that failed since */
};

/* A path being sent to the peer. */
struct session_flow {
    bool active;
    bool asked; /* by a WANT; false: a push that outran its credit */
    struct crdt_dep tip;
    uint32_t next;                       /* the seq to go on with */
    uint8_t before[CRDT_DEP_HASH_BYTES]; /* hash of the entry at next - 1 */
};

/* Ranges handed to the node whose fate is not known yet. */
struct session_delivery {
    bool active;
    uint32_t token, bytes;
    size_t count;
    struct session_range_end *ends; /* of each range; on the heap */
};

struct session_range_end {
    uint8_t tag[8]; /* first bytes of the device */
    uint32_t first_seq, last_seq;
    bool own; /* written by the peer itself */
};

struct session_prefix {
    uint8_t nibbles;
    uint8_t bytes[(NET_PREFIX_NIBBLES_MAX + 1) / 2];
};

/* A hunt for the rows in which two equal vectors show unequal state. */
struct session_bisect {
    bool active, tried; /* tried: `vector` was hunted in this session */
    uint8_t vector[NET_VECTOR_ID_BYTES];
    uint64_t due_ms; /* an answer is awaited until then */
    size_t depth;
    struct session_prefix stack[SESSION_BISECT_STACK]; /* still to ask; the top is asked for now */
    size_t row_count;
    struct net_alarm_row rows[LIMIT_ALARM_ROWS];
    uint8_t keys[LIMIT_ALARM_ROWS][LIMIT_KEY_BYTES]; /* what the rows' key spans point at */
};

/* A blob on its way. */
struct session_blob {
    bool active;
    struct crdt_hash hash;
    uint32_t size, next,
        until; /* next: the first byte not yet sent; until: asked for up to there */
    uint64_t progress_ms;
};

struct net_session {
    enum session_state state;
    uint8_t version; /* spoken in this session */
    uint8_t device[CRDT_ID_BYTES], run[NET_RUN_BYTES], nonce[NET_NONCE_BYTES];
    uint8_t peer[CRDT_ID_BYTES], peer_nonce[NET_NONCE_BYTES];
    bool outbound;
    bool farewell;      /* PROTOCOL 7.28 */
    unsigned farewells; /* MEMBERS answered since */
    uint16_t level;
    uint32_t jitter;
    uint8_t name[LIMIT_NAME_BYTES];
    size_t name_len;
    uint8_t endpoints[LIMIT_ENDPOINTS][LIMIT_ADDRESS_BYTES];
    size_t endpoint_lens[LIMIT_ENDPOINTS], endpoint_count;
    struct net_space spaces[LIMIT_SPACES];
    size_t space_count;
    const struct net_space *space; /* the one taken; NULL before */
    const char *const *commands;
    size_t command_count;

    uint64_t now_ms, wall_ms; /* of the event being handled */
    struct cht_buf scratch;   /* frames are written here before they go to the turn's arena */
    uint64_t due_ms;          /* HELLO, then membership, has to be settled by then; 0: no limit */
    uint32_t tokens;
    uint64_t tokens_ms;
    unsigned overdrawn;

    /* membership */
    bool members_equal, members_told;
    unsigned records_pending; /* RECORDS not answered yet */
    size_t told_count, peer_head_count;
    struct crdt_hash told[LIMIT_HEADS_LISTED];       /* heads as we last told them */
    struct crdt_hash peer_heads[LIMIT_HEADS_LISTED]; /* the peer's */

    /* heads */
    bool heads_told, peer_known;          /* a HEADS was sent; one has come */
    bool heads_news, heads_answer;        /* it has still to be looked at; to be answered */
    uint8_t told_id[NET_VECTOR_ID_BYTES]; /* of the last HEADS sent */
    struct session_tips peer_stored;      /* the tips of the peer's last HEADS */
    struct session_tips peer_tips;        /* those of them that are tips of what is applied there */
    struct session_tips stopped;          /* not asked for: there was no room for them here */
    struct session_tips holds;            /* the same, and what it was seen to hold since */
    uint8_t peer_applied[NET_VECTOR_ID_BYTES];
    struct crdt_hash peer_root;
    uint8_t peer_members_id[NET_VECTOR_ID_BYTES];
    uint16_t peer_level;
    uint64_t announce_ms; /* a HEADS is due because something came in; 0: none */
    uint64_t heads_ms;    /* the anti-entropy HEADS */
    bool heads_changed;   /* heads_ms follows a change */
    bool synced;

    /* pull */
    struct session_pull pulls[LIMIT_WANTS];
    bool lacking;           /* the peer has what we lack */
    bool claim_missed;      /* another session fetches some of it */
    uint64_t grace_ms;      /* a connected author's push is waited for until then; 0: none is */
    uint64_t claim_ms;      /* look again then */
    uint64_t pull_block_ms; /* nothing is asked before */
    struct session_delivery deliveries[LIMIT_UNACKED_FRAMES];
    size_t delivery_count;
    uint32_t next_token;
    uint32_t in_bytes, in_frames; /* received and not yet acked */
    uint64_t lost_ms;             /* no HEADS for what could not be stored before */

    /* push */
    struct session_flow flows[SESSION_FLOWS]; /* one a device */
    size_t flow_turn;                         /* round robin */
    uint32_t out_bytes, out_frames;           /* sent and not yet acked */
    uint64_t ack_ms;                          /* an ACK is due by then; 0: none */
    bool own_sent_known;      /* own_sent: the last own entry the peer has or is being sent */
    struct crdt_dep own_sent; /* seq 0: it has none */

    /* forks */
    size_t forks_told;     /* how many proofs the peer was told of … */
    size_t forks_answered; /* … and asked for */
    bool fork_asked;       /* one of the peer's is on its way */
    size_t peer_fork_count, peer_fork_next;
    struct net_fork_id peer_forks[LIMIT_FORKS];

    /* blobs */
    struct session_blob blob_in, blob_out; /* fetched from the peer; sent to it */
    uint32_t blob_spare;                   /* bytes of wants taken back that may still come */

    struct session_bisect bisect;
    struct net_session_stats stats;
};

/* Send a MEMBERS with the heads in `mine` and these records. */
CHT_MUST_USE enum cht_err session_members_send(struct net_session *s, struct net_effects *fx,
                                               const struct net_heads *mine,
                                               const struct cht_bytes *records, size_t count);

/* --- session_farewell.c ------------------------------------------------------------------- */
/* The peer is no member any more; what it said last of its heads is known, or will come. */
CHT_MUST_USE enum cht_err session_revoked(struct net_session *s, struct net_effects *fx);
/* Its MEMBERS came: give it the records that it lacks, and end. */
CHT_MUST_USE enum cht_err session_farewell(struct net_session *s, struct net_effects *fx,
                                           const struct net_members *m);

/* --- session.c --------------------------------------------------------------------------- */
/* Give back what this session has claimed to fetch. */
void session_drop_claims(struct net_session *s);
/* A new effect at the end of the list, zeroed; NULL when out of memory. */
struct net_effect *session_effect(struct net_effects *fx, enum net_effect_kind kind);
/* Take so many tokens from the peer's budget (PROTOCOL 8.12); false: there are too few. */
bool session_pay(struct net_session *s, unsigned cost);
/* A frame is dropped for it; too many end the session. */
CHT_MUST_USE enum cht_err session_overdrawn(struct net_session *s, struct net_effects *fx);
/* Send `f`; its nonce is filled in. */
CHT_MUST_USE enum cht_err session_send(struct net_session *s, struct net_effects *fx,
                                       struct net_frame *f);
/* Say BYE and end. `blame`: the peer broke the protocol. `sentence` is static. */
CHT_MUST_USE enum cht_err session_close(struct net_session *s, struct net_effects *fx,
                                        enum net_bye_reason reason, bool blame,
                                        const char *sentence);
static inline enum cht_err session_blame(struct net_session *s, struct net_effects *fx,
                                         enum net_bye_reason reason, const char *sentence)
{
    return session_close(s, fx, reason, true, sentence);
}
/* The view's heads. */
CHT_MUST_USE enum cht_err session_view_heads(struct net_session *s, struct net_effects *fx,
                                             struct net_heads *out);
static inline bool session_has(const struct net_session *s, const struct crdt_dep *entry)
{
    return s->space->view.ops->has(s->space->view.ctx, entry);
}
static inline bool session_same_device(const uint8_t a[CRDT_ID_BYTES],
                                       const uint8_t b[CRDT_ID_BYTES])
{
    return memcmp(a, b, CRDT_ID_BYTES) == 0;
}

/* --- session_tips.c ---------------------------------------------------------------------- */
void session_tips_clear(struct session_tips *t);
CHT_MUST_USE enum cht_err session_tips_set(struct session_tips *t, const struct crdt_dep *tips,
                                           size_t count);
/* Add one; nothing happens when it is there or the list is full. */
CHT_MUST_USE enum cht_err session_tips_add(struct session_tips *t, const struct crdt_dep *tip);
void session_tips_remove(struct session_tips *t, const struct crdt_dep *tip);
bool session_tips_has(const struct session_tips *t, const struct crdt_dep *tip);
/* First 16 bytes of H over the hashes one after the other. */
void session_hashes_id(const struct crdt_hash *hashes, size_t count,
                       uint8_t out[NET_VECTOR_ID_BYTES]);

/* --- session_hello.c --------------------------------------------------------------------- */
CHT_MUST_USE enum cht_err session_start(struct net_session *s, struct net_effects *fx);
CHT_MUST_USE enum cht_err session_on_hello(struct net_session *s, struct net_effects *fx,
                                           const struct net_hello *hello);

/* --- session_members.c ------------------------------------------------------------------- */
/* Tell the peer our heads (and what it lacks) where they differ from what it knows. */
CHT_MUST_USE enum cht_err session_members_begin(struct net_session *s, struct net_effects *fx);
CHT_MUST_USE enum cht_err session_members_changed(struct net_session *s, struct net_effects *fx);
CHT_MUST_USE enum cht_err session_on_members(struct net_session *s, struct net_effects *fx,
                                             const struct net_members *m);
CHT_MUST_USE enum cht_err session_records_done(struct net_session *s, struct net_effects *fx,
                                               enum cht_err result);

/* --- session_heads.c --------------------------------------------------------------------- */
CHT_MUST_USE enum cht_err session_heads_send(struct net_session *s, struct net_effects *fx);
CHT_MUST_USE enum cht_err session_on_heads(struct net_session *s, struct net_effects *fx,
                                           const struct net_heads *h);
/* Look at where both sides stand and do what follows: ask, answer, compare roots, note SYNCED. */
CHT_MUST_USE enum cht_err session_look(struct net_session *s, struct net_effects *fx);
CHT_MUST_USE enum cht_err session_heads_tick(struct net_session *s, struct net_effects *fx);
/* Something changed here: the peer hears of it soon (`announce`) or at the next anti-entropy. */
void session_heads_note_change(struct net_session *s, bool announce);

/* --- session_pull.c ---------------------------------------------------------------------- */
/* Ask for what the peer's last HEADS has and we lack. */
CHT_MUST_USE enum cht_err session_pull_missing(struct net_session *s, struct net_effects *fx);
CHT_MUST_USE enum cht_err session_on_range(struct net_session *s, struct net_effects *fx,
                                           const struct net_range_frame *r);
CHT_MUST_USE enum cht_err session_delivered(struct net_session *s, struct net_effects *fx,
                                            const struct net_event *ev);
CHT_MUST_USE enum cht_err session_on_miss(struct net_session *s, struct net_effects *fx,
                                          const struct net_miss *m);
CHT_MUST_USE enum cht_err session_pull_tick(struct net_session *s, struct net_effects *fx);
bool session_pulling(const struct net_session *s);

/* --- session_push.c ---------------------------------------------------------------------- */
CHT_MUST_USE enum cht_err session_on_want(struct net_session *s, struct net_effects *fx,
                                          const struct net_want *w);
CHT_MUST_USE enum cht_err session_on_ack(struct net_session *s, struct net_effects *fx,
                                         const struct net_ack *a);
CHT_MUST_USE enum cht_err session_local(struct net_session *s, struct net_effects *fx,
                                        const struct net_event *ev);
/* What the peer's HEADS says of our own entries. */
void session_push_heads(struct net_session *s);
/* Send what credit allows. */
CHT_MUST_USE enum cht_err session_pump(struct net_session *s, struct net_effects *fx);
bool session_pushing(const struct net_session *s);

/* --- session_forks.c --------------------------------------------------------------------- */
/* Tell of proofs that are new here. */
CHT_MUST_USE enum cht_err session_forks_look(struct net_session *s, struct net_effects *fx);
CHT_MUST_USE enum cht_err session_on_fork(struct net_session *s, struct net_effects *fx,
                                          const struct net_fork_frame *f);
/* Ask for what the peer told of and is not held: there was no room for some. */
CHT_MUST_USE enum cht_err session_forks_again(struct net_session *s, struct net_effects *fx);
CHT_MUST_USE enum cht_err session_fork_done(struct net_session *s, struct net_effects *fx,
                                            enum cht_err result);

/* --- session_blobs.c --------------------------------------------------------------------- */
CHT_MUST_USE enum cht_err session_on_blob(struct net_session *s, struct net_effects *fx,
                                          const struct net_blob_frame *b);
CHT_MUST_USE enum cht_err session_blob_event(struct net_session *s, struct net_effects *fx,
                                             const struct net_event *ev);
CHT_MUST_USE enum cht_err session_blobs_tick(struct net_session *s, struct net_effects *fx);

/* --- session_bisect.c -------------------------------------------------------------------- */
/* The roots at `vector` differ: raise the alarm, once a vector, and hunt. */
CHT_MUST_USE enum cht_err session_bisect_begin(struct net_session *s, struct net_effects *fx,
                                               const uint8_t vector[NET_VECTOR_ID_BYTES]);
CHT_MUST_USE enum cht_err session_on_digest_ask(struct net_session *s, struct net_effects *fx,
                                                const struct net_digest_ask *ask);
CHT_MUST_USE enum cht_err session_on_digest(struct net_session *s, struct net_effects *fx,
                                            const struct net_digest_answer *d);
void session_bisect_tick(struct net_session *s);

#endif
