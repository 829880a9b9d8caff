#ifndef NET_IO_TRANSPORT_OWN_H
#define NET_IO_TRANSPORT_OWN_H
/* Inside of the transport, shared by the files of net/io. */
#include "net/io/transport.h"

/* Stable libraries know the option; their header names it among the drafts. */
#define ZAP_ENFORCE_DOMAIN 93
#define ROUTING_ID_BYTES   5u /* a zero and a number, as ROUTER draws them */
/* Messages that ZeroMQ may hold of a connection, each up to LIMIT_FRAME_BYTES: the log is the
 * queue, not RAM, and a peer may have NET_TRANSPORT_LEGS_EACH connections. */
#define SOCKET_SEND_HWM    16
#define SOCKET_RECEIVE_HWM 8
#define UNHEARD_MAX        4u  /* messages after a hang-up, until the connection is cut off */
#define LINGER_BYE_MS      100 /* for a BYE at hang-up */
#define ENDPOINT_MAX       (LIMIT_ADDRESS_BYTES + 1u)

/* A message that waits for room in ZeroMQ. */
struct waiting {
    struct waiting *next;
    size_t len;
    uint8_t bytes[];
};

struct backlog {
    struct waiting *first, **last;
    size_t count, bytes;
};

/* An inbound connection. */
struct leg {
    uint32_t conn; /* 0: free */
    bool unheard;  /* hung up: its messages are dropped */
    unsigned said; /* messages dropped since */
    bool ended;    /* gone: its DOWN follows when all that it had sent is read */
    int fd;        /* of its TCP connection, to know its end by */
    uint8_t routing_id[ROUTING_ID_BYTES];
    uint8_t device[CRDT_ID_BYTES];
    struct backlog backlog;
};

/* A peer that we dial. */
struct dial {
    uint32_t number; /* 0: free */
    uint32_t conn;   /* 0: not settled now */
    int fd;          /* of the TCP connection made last */
    void *socket, *monitor;
    uint8_t device[CRDT_ID_BYTES];
    struct backlog backlog;
};

/* A message whose bytes were handed out, until the next collect. */
struct taken {
    struct taken *next;
    zmq_msg_t msg;
};

/* Events on their way out of one collect. */
struct gather {
    struct cht_arena *arena;
    const struct net_tr_event *first;
    struct net_tr_event **last;
    size_t bytes; /* of the messages taken */
    bool failed;  /* out of memory */
};

#define FD_MAX 8192 /* descriptors beyond are taken for open */

struct net_transport {
    void *context, *zap, *router, *monitor;
    bool (*lookup)(void *ctx, const uint8_t key[NET_CURVE_KEY_BYTES],
                   uint8_t out_device[CRDT_ID_BYTES]);
    void *lookup_ctx;
    uint8_t public_key[NET_CURVE_KEY_BYTES], *secret_key; /* sodium_malloc */
    size_t endpoint_count;
    char endpoints[NET_TRANSPORT_LISTEN][ENDPOINT_MAX];
    uint32_t next_number; /* of connections and dials alike */
    size_t next_dial;     /* whose turn it is to be read first */
    struct leg legs[NET_TRANSPORT_LEGS];
    struct dial dials[NET_TRANSPORT_DIALS];
    struct taken *taken;
    uint8_t open_fds[FD_MAX / 8]; /* accepted TCP connections that have not ended */
    struct net_transport_stats stats;
};

/* --- transport.c ------------------------------------------------------------------------- */
/* errno as left by a zmq_ call. */
enum cht_err transport_error(void);
uint32_t transport_number(struct net_transport *t);
/* An event at the end of the list; NULL when out of memory (noted in `g`). */
struct net_tr_event *transport_event(struct gather *g, enum net_tr_kind kind);
void transport_backlog_clear(struct backlog *b);
/* Options of every socket that speaks TCP. */
CHT_MUST_USE enum cht_err transport_options(struct net_transport *t, void *socket);

/* --- dial.c ------------------------------------------------------------------------------ */
void transport_dial_clear(struct dial *d, int linger_ms);
void transport_dial_collect(struct net_transport *t, struct dial *d, struct gather *g);

/* --- router.c ---------------------------------------------------------------------------- */
void transport_leg_clear(struct leg *l);
void transport_router_collect(struct net_transport *t, struct gather *g);
CHT_MUST_USE enum cht_err transport_leg_send(struct net_transport *t, struct leg *l,
                                             struct cht_bytes frame);
CHT_MUST_USE enum cht_err transport_dial_send(struct dial *d, struct cht_bytes frame);
/* Receive one message of one part; a longer one is read to its end, counted and dropped. True when
 * `out` holds a message: the caller keeps it by transport_keep, or closes it. */
bool transport_receive(struct net_transport *t, void *socket, zmq_msg_t *out);
/* Keep a message until the next collect; its bytes, or false when out of memory (and closed). */
bool transport_keep(struct net_transport *t, zmq_msg_t *msg, struct cht_bytes *out);

/* --- monitor.c --------------------------------------------------------------------------- */
struct monitor_event {
    unsigned event; /* ZMQ_EVENT_… */
    uint32_t value;
};
/* Watch `socket`; `*out` is a socket to read from. */
CHT_MUST_USE enum cht_err monitor_open(struct net_transport *t, void *socket, uint32_t number,
                                       int events, void **out);
/* Next event, false when there is none. */
bool monitor_next(void *monitor, struct monitor_event *out);

/* --- zap.c ------------------------------------------------------------------------------- */
#define ZAP_DOMAIN "chitty"
CHT_MUST_USE enum cht_err zap_open(struct net_transport *t);
/* Answer the requests that have come. */
void zap_answer(struct net_transport *t);

#endif
