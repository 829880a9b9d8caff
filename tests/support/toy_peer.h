#ifndef TESTS_SUPPORT_TOY_PEER_H
#define TESTS_SUPPORT_TOY_PEER_H
/* One session over a toy replica, and a peer that is nothing but frames: for saying what no honest
 * session would say. Time stands still unless it is moved. */
#include "tests/support/toy.h"

#define TOY_PEER_SENT_MAX 4096u

struct toy_peer {
    struct toy_world world;
    struct toy_replica replica; /* device 1 */
    struct net_pulls pulls;
    struct net_space space;
    struct net_session *session;
    bool outbound;
    uint64_t now_ms;
    struct cht_arena arena;
    /* what the session did, until toy_peer_forget */
    size_t sent_count;
    struct net_frame sent[TOY_PEER_SENT_MAX];
    unsigned delivered, records, alarms, alarms_done, messages, synced, closed;
    enum net_bye_reason reason;
    bool blame, by_peer;
    enum cht_err records_result; /* the answer to RECORDS, when not CHT_OK */
    enum cht_err fork_result;
    unsigned blobs; /* effects on blobs, the last one of them, and the bytes of all DATA */
    struct net_blob_frame blob;
    bool blob_stalled;
    uint64_t blob_bytes;
    bool hold; /* DELIVER stays unanswered; see `held_token` */
    uint32_t held_token;
    size_t held_count;
};

extern const uint8_t toy_peer_nonce[NET_NONCE_BYTES];   /* the fake peer's */
extern const uint8_t toy_peer_device[CRDT_ID_BYTES];    /* device 2 */
extern const uint8_t toy_peer_session[NET_NONCE_BYTES]; /* the session's own nonce */

/* A started session; `outbound`: it dialled. */
void toy_peer_init(struct toy_peer *p, bool outbound);
void toy_peer_clear(struct toy_peer *p);
/* Bring it to where entries flow: HELLO, equal membership, a HEADS with `tips`. */
void toy_peer_establish(struct toy_peer *p, const struct crdt_dep *tips, size_t count);

/* A frame of the fake peer with the right nonce, still to be filled in. */
struct net_frame toy_peer_frame(enum net_frame_kind kind);
struct net_frame toy_peer_hello(const struct toy_peer *p);
/* A HEADS with the replica's membership and level and these stored and applied tips. */
struct net_frame toy_peer_heads(struct toy_peer *p, const struct crdt_dep *tips, size_t count);
void toy_peer_say(struct toy_peer *p, const struct net_frame *f);
void toy_peer_say_bytes(struct toy_peer *p, struct cht_bytes bytes);
void toy_peer_event(struct toy_peer *p, struct net_event *ev);
/* Let time pass, a tick whenever one is due. */
void toy_peer_wait(struct toy_peer *p, uint64_t ms);

/* `commits` entries of device `number`, in a replica of its own that the caller clears; the last
 * one. */
const struct toy_entry *toy_peer_foreign(struct toy_peer *p, uint8_t number, uint32_t commits,
                                         struct toy_replica *out);
/* A RANGE of the fake peer with all of `from`'s own entries after `before` (NULL: from the first).
 */
struct net_frame toy_peer_range(struct toy_peer *p, struct toy_replica *from,
                                const struct toy_entry *before);

/* The last frame of a kind that the session sent, or NULL; and how many. */
const struct net_frame *toy_peer_last(const struct toy_peer *p, enum net_frame_kind kind);
unsigned toy_peer_count(const struct toy_peer *p, enum net_frame_kind kind);
/* Forget what was done so far (not the state). */
void toy_peer_forget(struct toy_peer *p);

#endif
