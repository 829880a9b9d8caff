#ifndef TESTS_E2E_HOSTILE_LINK_H
#define TESTS_E2E_HOSTILE_LINK_H
/* What a member with a valid key needs to misbehave: a connection on which it says what it likes,
 * and entries that are rightly signed whatever stands in them. Everything ends the program with a
 * sentence when this machine fails it. */
#include "net/frame.h"
#include "net/identity.h"
#include "net/io/transport.h"

/* The node that is attacked, and the space. */
struct victim {
    char endpoint[LIMIT_ADDRESS_BYTES + 1];
    uint8_t device[CRDT_ID_BYTES], server_key[NET_CURVE_KEY_BYTES], space[CRDT_ID_BYTES];
    struct crdt_hash heads[LIMIT_HEADS_LISTED]; /* membership, as it will stand there */
    size_t head_count;
    const struct cht_bytes *records; /* said with the first MEMBERS */
    size_t record_count;
};

struct hostile_link {
    const struct net_identity *id;
    const struct victim *victim;
    struct net_transport *transport;
    struct cht_arena arena;
    struct cht_buf frame;
    uint32_t dial, conn; /* conn 0: not connected */
    uint8_t nonce[NET_NONCE_BYTES], their_nonce[NET_NONCE_BYTES];
    bool heard_hello, heard_heads, heard_bye;
    unsigned reason; /* of the BYE */
    unsigned ups, refused, misses, wants, acks, ranges, frames;
    unsigned version; /* of the session: 0: the first; stays when it dials again */
    struct crdt_hash
        named; /* the blob that it says to have; for others it answers that it has not */
    unsigned blob_wants, blob_nones, blob_bytes;
    struct crdt_dep wanted; /* the tip of the last WANT */
    struct crdt_dep tip;    /* some path that the victim told of; seq 0: none */
};

__attribute__((noreturn, format(printf, 1, 2))) void hostile_fail(const char *format, ...);
void hostile_must(enum cht_err err, const char *what);
uint64_t hostile_now_ms(void);

/* Dial; nothing is said yet. */
void hostile_dial(struct hostile_link *l, const struct net_identity *id, const struct victim *v);
void hostile_close(struct hostile_link *l);
/* Read what comes for so long; less when `*until` (may be NULL) becomes true. */
void hostile_listen(struct hostile_link *l, uint64_t ms, const bool *until);
/* Wait for so long for the handshake to be settled; false: it was not let in. */
bool hostile_let_in(struct hostile_link *l, uint64_t ms);
/* Wait until it is. */
void hostile_connected(struct hostile_link *l);
/* HELLO, membership and HEADS as an honest peer says them, up to where entries flow. */
void hostile_live(struct hostile_link *l);
/* Dial and be live. */
void hostile_begin(struct hostile_link *l, const struct net_identity *id, const struct victim *v);
/* Wait for the BYE; its reason. */
unsigned hostile_bye(struct hostile_link *l);

/* A HELLO of this device. */
struct net_frame hostile_hello(const struct hostile_link *l, uint8_t (*space)[CRDT_ID_BYTES]);
/* Say a frame; its nonce is the victim's. True: it was given to the transport. */
bool hostile_say(struct hostile_link *l, struct net_frame *f);
bool hostile_say_raw(struct hostile_link *l, unsigned kind, const uint8_t nonce[NET_NONCE_BYTES],
                     struct cht_bytes body);

/* --- entries ------------------------------------------------------------------------------- */

/* The path of a device, written on one after the other. */
struct hostile_path {
    const struct net_identity *id;
    const struct victim *victim;
    struct crdt_before before; /* the entry that the next one follows */
    uint8_t epoch[CRDT_EPOCH_BYTES];
    struct cht_arena arena;
};

void hostile_path_begin(struct hostile_path *p, const struct net_identity *id,
                        const struct victim *v);
void hostile_path_end(struct hostile_path *p);
/* The next entry: `body` as it is, on a new todo; `dep` may be NULL. The path moves on with
 * hostile_range, not here, so that two entries can follow one. */
struct crdt_entry hostile_entry(struct hostile_path *p, struct cht_bytes body,
                                const struct crdt_dep *dep);
/* A body of one put of `content`, with `text` in it. */
struct cht_bytes hostile_body(struct hostile_path *p, const char *text);
/* Close over one entry with a true head; with `move`, later entries follow it. */
struct crdt_range hostile_range(struct hostile_path *p, const struct crdt_entry *e, bool move);
/* So many entries that follow one another, the first with `dep`, under one head; the path moves. */
struct crdt_range hostile_run(struct hostile_path *p, uint32_t count, const struct crdt_dep *dep);
/* Say a RANGE of one. */
bool hostile_say_range(struct hostile_link *l, const struct crdt_range *range);

#endif
