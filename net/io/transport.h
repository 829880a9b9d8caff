#ifndef NET_IO_TRANSPORT_H
#define NET_IO_TRANSPORT_H
/* Frames between nodes over ZeroMQ with CURVE (PROTOCOL 8.13). No thread of ours, no wait of ours:
 * the node waits in one zmq_poll and lets the transport collect.
 *
 * One bound ROUTER serves all who dial us, one DEALER each peer that we dial. Who is at the other
 * end is decided by CURVE keys alone: for the ROUTER by the ZAP answer, whose User-Id stands on
 * every message; for a DEALER by the pinned server key. Routing ids and what a frame says decide
 * nothing. A *connection* is one TCP connection with a settled handshake; it has a number that is
 * never used again. ZeroMQ loses messages when a connection breaks: nothing counts before the
 * peer's ACK. */
#include "crdt/base/arena.h"
#include "crdt/hash.h"
#include "crdt/limits.h"

#include <zmq.h>

#define NET_CURVE_KEY_BYTES         32u
#define NET_TRANSPORT_LISTEN        8u                              /* endpoints bound at most */
#define NET_TRANSPORT_DIALS         LIMIT_PEERS                     /* DEALERs at most */
#define NET_TRANSPORT_POLLS         (3u + 2u * NET_TRANSPORT_DIALS) /* sockets to wait on */
#define NET_TRANSPORT_LEGS          (2u * LIMIT_PEERS)   /* inbound connections at most */
#define NET_TRANSPORT_LEGS_EACH     4u                   /* of those, of one device */
#define NET_TRANSPORT_BACKLOG       256u                 /* messages that wait for room */
#define NET_TRANSPORT_BACKLOG_BYTES (2u * 1024u * 1024u) /* … and their bytes */
#define NET_TRANSPORT_TAKE_BYTES    (4u * 1024u * 1024u) /* taken in one collect */
#define NET_TRANSPORT_RETRY_MS      5u                   /* … and are tried again after */

struct net_transport;

struct net_transport_config {
    uint8_t public_key[NET_CURVE_KEY_BYTES], secret_key[NET_CURVE_KEY_BYTES];
    size_t endpoint_count; /* 0: listen nowhere, only dial */
    /* "tcp://192.168.1.2:7400"; host or port may be a star: any address, a free port */
    const char *const *endpoints;
    /* Whose transport key is this? Answered from memory, at once; false: nobody's that we know. */
    bool (*lookup)(void *ctx, const uint8_t key[NET_CURVE_KEY_BYTES],
                   uint8_t out_device[CRDT_ID_BYTES]);
    void *ctx;
};

/* CHT_E_BUSY: an address is in use; CHT_E_INVALID: an endpoint that is none; CHT_E_UNREACHABLE: not
 * an address of this machine; CHT_E_UNSUPPORTED: this libzmq has no CURVE; CHT_E_LIMIT;
 * CHT_E_NOMEM; CHT_E_IO. `detail` (may be NULL) names the endpoint. */
CHT_MUST_USE enum cht_err net_transport_open(const struct net_transport_config *config,
                                             struct cht_error *detail, struct net_transport **out);
/* Close every socket; waits for nothing but a last BYE (100 ms). NULL is fine. */
void net_transport_close(struct net_transport *t);

/* The endpoints really bound (ports filled in), NUL-terminated; NULL beyond the last. */
const char *net_transport_endpoint(const struct net_transport *t, size_t index);

/* --- waiting ----------------------------------------------------------------------------- */

/* Sockets to wait on; at most NET_TRANSPORT_POLLS are written. Returns how many. They change with
 * every dial and hang-up, so ask before each wait. */
size_t net_transport_poll(const struct net_transport *t,
                          zmq_pollitem_t items[static NET_TRANSPORT_POLLS]);
/* Longest sleep, ms: NET_TRANSPORT_RETRY_MS while something waits for room, else -1. */
int net_transport_timeout_ms(const struct net_transport *t);

enum net_tr_kind {
    NET_TR_UP,        /* a connection is settled */
    NET_TR_DOWN,      /* it is gone */
    NET_TR_FRAME,     /* one message */
    NET_TR_UNREACHED, /* nobody answers where a dial goes; ZeroMQ tries again by itself */
    NET_TR_REFUSED,   /* a dial was refused; ZeroMQ tries again by itself unless `status` is 400 */
};

struct net_tr_event {
    struct net_tr_event *next;
    enum net_tr_kind kind;
    uint32_t conn; /* 0 for REFUSED */
    uint32_t dial; /* what dial() returned; 0: inbound */
    uint8_t device[CRDT_ID_BYTES];
    struct cht_bytes frame; /* FRAME: valid until the next collect */
    char address[64];       /* UP: the peer's address as ZeroMQ tells it; may be empty */
    /* REFUSED: ZAP's status where the other end tells it (400, 500); 0 where it just hung up: it
     * does not know our key yet (ZAP 300 is not told to the one it concerns), or its own key is
     * another than the pinned one. */
    unsigned status;
};

/* Take what has come: at most LIMIT_TURN_FRAMES messages of each socket, and no more when those
 * taken have NET_TRANSPORT_TAKE_BYTES (as many again of those we dialled), in an order in which an
 * UP precedes its frames. Answers ZAP on the way, sends what waited for room. Events live in
 * `arena`. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err net_transport_collect(struct net_transport *t, struct cht_arena *arena,
                                                const struct net_tr_event **out_events);

/* --- connections ------------------------------------------------------------------------- */

/* Send one frame (copied). CHT_OK: given to ZeroMQ or waiting for room; CHT_E_BUSY: too much waits:
 * the peer does not read, hang up; CHT_E_NOTFOUND: the connection is gone (its DOWN has come or
 * comes with the next collect); CHT_E_LIMIT: larger than LIMIT_FRAME_BYTES; CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err net_transport_send(struct net_transport *t, uint32_t conn,
                                             struct cht_bytes frame);

/* Keep a connection to `device`, whose transport key is `server_key`, at `endpoint`
 * ("tcp://host:port"). ZeroMQ dials, and dials again 200 ms to 30 s after a loss, until hang-up.
 * CHT_E_LIMIT: NET_TRANSPORT_DIALS; CHT_E_INVALID: no endpoint; CHT_E_NOMEM; CHT_E_IO. */
CHT_MUST_USE enum cht_err net_transport_dial(struct net_transport *t, const char *endpoint,
                                             const uint8_t server_key[NET_CURVE_KEY_BYTES],
                                             const uint8_t device[CRDT_ID_BYTES],
                                             uint32_t *out_dial);
/* Stop a dial and its connection. A frame sent just before has 100 ms to leave. No DOWN follows. */
void net_transport_undial(struct net_transport *t, uint32_t dial);
/* End a connection: of a dial as by undial; an inbound one is not heard any more. The peer
 * closes it on a BYE; one that talks on is cut off. No DOWN follows. */
void net_transport_hang_up(struct net_transport *t, uint32_t conn);

/* Does what was sent on a connection wait for its repetition by TCP, or is its TCP connection gone?
 * Then the way there is, or was, interrupted. False for one that is not known. */
bool net_transport_stuck(const struct net_transport *t, uint32_t conn);

struct net_transport_stats {
    uint64_t zap_known, zap_unknown, zap_malformed;
    uint64_t multipart; /* messages of more than one part, dropped */
    uint64_t unheard;   /* messages of connections hung up, or over a limit, dropped */
    uint64_t refused;   /* dials refused */
    uint64_t cut;       /* connections cut off because they talked on, or were one too many */
};
const struct net_transport_stats *net_transport_stats(const struct net_transport *t);

#endif
