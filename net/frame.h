#ifndef NET_FRAME_H
#define NET_FRAME_H
/* Frames of a sync session: one ZeroMQ message each (PROTOCOL 8).
 *
 * A frame is a kind, the nonce that its *receiver* sent in its HELLO, and a body in fixed binary.
 * Every frame has one encoding: what decodes, encodes to the same bytes. Nothing is allocated for a
 * count before the bytes left could hold it. Decoded spans borrow from the frame's bytes, arrays
 * live in the arena; both must outlive the frame. */
#include "crdt/range.h"
#include "net/fork.h"
#include "net/view.h"

#define NET_NONCE_BYTES      4u
#define NET_RUN_BYTES        8u
#define NET_VECTOR_ID_BYTES  16u
#define NET_PROTOCOL_MIN     1u /* what this build speaks */
#define NET_PROTOCOL_MAX     3u
#define NET_FRAME_HEAD_BYTES (1u + NET_NONCE_BYTES)

/* name, kind on the wire, largest frame in bytes, tokens it costs its sender (PROTOCOL 8.12) */
#define NET_FRAME_KINDS(X)                                                                         \
    X(HELLO, 1, 4096u, 1)                                                                          \
    X(MEMBERS, 2, LIMIT_MEMBERS_BYTES + LIMIT_RECORD_BYTES + 16384u, 4)                            \
    X(HEADS, 3, 512u * 1024u, 2)                                                                   \
    X(WANT, 4, 128u, 1)                                                                            \
    X(RANGE, 5, LIMIT_FRAME_BYTES, 0)                                                              \
    X(ACK, 6, 512u * 1024u, 0)                                                                     \
    X(MISS, 7, 2048u, 1)                                                                           \
    X(DIGEST_ASK, 8, 64u, 8)                                                                       \
    X(DIGEST, 9, 128u * 1024u, 4)                                                                  \
    X(MESSAGE, 10, LIMIT_MESSAGE_BYTES + NET_FRAME_HEAD_BYTES, 1)                                  \
    X(BYE, 11, 256u, 0)                                                                            \
    X(FORK, 12, LIMIT_FORK_BYTES + 16u, 8)                                                         \
    X(BLOB, 13, LIMIT_BLOB_CHUNK + 64u, 0)

enum net_frame_kind {
#define X(name, number, size_max, cost) NET_FRAME_##name = (number),
    NET_FRAME_KINDS(X)
#undef X
};
#define NET_FRAME_KIND_MAX NET_FRAME_BLOB

/* Why a session ends, as a BYE tells it: name, number, sentence */
#define NET_BYE_REASONS(X)                                                                         \
    X(SHUTDOWN, 1, "the node stops")                                                               \
    X(MALFORMED, 2, "a frame could not be read")                                                   \
    X(VERSION, 3, "no protocol version in common")                                                 \
    X(SPACE, 4, "no space in common")                                                              \
    X(IDENTITY, 5, "the frame names another device than the transport")                            \
    X(ORDER, 6, "a frame out of its place")                                                        \
    X(CREDIT, 7, "more was sent than was allowed")                                                 \
    X(FLOOD, 8, "too many frames")                                                                 \
    X(SIGNATURE, 9, "something sent does not verify")                                              \
    X(TIMEOUT, 10, "no answer in time")                                                            \
    X(DUPLICATE, 11, "another connection to the same device stays")                                \
    X(INTERNAL, 12, "a fault of this node")                                                        \
    X(REVOKED, 13, "the device is no member")

enum net_bye_reason {
#define X(name, number, text) NET_BYE_##name = (number),
    NET_BYE_REASONS(X)
#undef X
};
#define NET_BYE_REASON_MAX NET_BYE_REVOKED

struct net_hello {
    uint8_t version_min, version_max;
    uint16_t level;
    uint8_t device[CRDT_ID_BYTES];
    uint8_t run[NET_RUN_BYTES];     /* drawn at each start of a node */
    uint8_t nonce[NET_NONCE_BYTES]; /* of this session; not all zero */
    size_t space_count;             /* 1 … LIMIT_SPACES: wished for, or the one taken */
    const uint8_t (*spaces)[CRDT_ID_BYTES];
    struct cht_bytes name; /* UTF-8, at most LIMIT_NAME_BYTES */
    size_t endpoint_count; /* where the sender listens, at most LIMIT_ENDPOINTS */
    const struct cht_bytes *endpoints;
};

struct net_members {
    size_t head_count; /* at most LIMIT_HEADS_LISTED, ascending */
    const struct crdt_hash *heads;
    size_t record_count;
    const struct cht_bytes *records; /* each at most LIMIT_RECORD_BYTES, parents first */
};

struct net_want {
    struct crdt_dep tip;
    uint32_t from;                       /* 1 … tip.seq */
    uint8_t before[CRDT_DEP_HASH_BYTES]; /* hash of the entry at from - 1; zeros for 1 */
    uint32_t credit;                     /* bytes; 0 takes the want back */
};

struct net_range_frame {
    size_t count; /* 1 … LIMIT_FRAME_RANGES */
    const struct crdt_range *ranges;
};

struct net_ack {
    uint32_t frames, bytes; /* RANGE frames dealt with, and the bytes of their payloads */
    bool lost;              /* some of it was not stored: pushes stop until a HEADS */
    size_t tip_count;
    const struct crdt_dep *tips; /* durable now, in crdt_dep_cmp order */
};

struct net_miss {
    struct crdt_dep tip; /* as wanted */
    uint32_t from;
    bool held;                   /* the tip is held; false: it is not, ask again after a HEADS */
    size_t count;                /* at most LIMIT_MISS_ENTRIES, descending by seq */
    const struct crdt_dep *path; /* entries of the tip's path at from - 1 - 2^k */
};

struct net_digest_ask {
    uint8_t vector[NET_VECTOR_ID_BYTES]; /* which state is meant (net_vector_id) */
    uint8_t nibbles;                     /* 0 … NET_PREFIX_NIBBLES_MAX */
    uint8_t prefix[(NET_PREFIX_NIBBLES_MAX + 1) / 2];
};

enum net_digest_form { NET_DIGEST_MOVED = 0, NET_DIGEST_SUMS = 1, NET_DIGEST_ROWS = 2 };

struct net_digest_answer {
    struct net_digest_ask of;
    enum net_digest_form form; /* MOVED: the state is another one by now */
    struct net_digest parts[NET_DIGEST_CHILDREN];
    size_t row_count; /* at most LIMIT_DIGEST_ROWS */
    const struct net_row *rows;
};

struct net_bye {
    enum net_bye_reason reason;
    struct cht_bytes text; /* UTF-8 for a person, at most LIMIT_BYE_BYTES */
};

enum net_fork_form { NET_FORK_TELL = 0, NET_FORK_ASK = 1, NET_FORK_PROOF = 2 };

struct net_fork_frame {
    enum net_fork_form form;
    size_t count;                  /* TELL: 1 … LIMIT_FORKS, ascending; ASK: 1 */
    const struct net_fork_id *ids; /* proofs held, the one wanted */
    struct cht_bytes proof;        /* PROOF; not looked at here */
};

enum net_blob_form { NET_BLOB_WANT = 0, NET_BLOB_DATA = 1, NET_BLOB_NONE = 2, NET_BLOB_KEPT = 3 };

/* PROTOCOL 12.2 */
struct net_blob_frame {
    enum net_blob_form form;
    struct crdt_hash hash;
    uint32_t size;   /* WANT, KEPT: of the whole, at most LIMIT_BLOB_BYTES */
    uint32_t from;   /* WANT: the first byte wanted, below size; DATA: where `bytes` belong */
    uint32_t credit; /* WANT: so many from there on; 0 takes the want back */
    struct cht_bytes bytes; /* DATA: 1 … LIMIT_BLOB_CHUNK */
};

struct net_frame {
    enum net_frame_kind kind;
    uint8_t nonce[NET_NONCE_BYTES]; /* the receiver's; zeros in the first frame of a dialler */
    union {
        struct net_hello hello;
        struct net_members members;
        struct net_heads heads;
        struct net_want want;
        struct net_range_frame range;
        struct net_ack ack;
        struct net_miss miss;
        struct net_digest_ask digest_ask;
        struct net_digest_answer digest;
        struct cht_bytes message; /* one msgpack map (net/directed.h) */
        struct net_bye bye;
        struct net_fork_frame fork;
        struct net_blob_frame blob;
    };
};

/* Name of a kind ("RANGE"), its largest frame in bytes and its cost; NULL and 0 for no kind. */
const char *net_frame_name(unsigned kind);
size_t net_frame_size_max(unsigned kind);
unsigned net_frame_cost(unsigned kind);
/* Name ("CREDIT") and sentence of a BYE's reason. Never NULL. */
const char *net_bye_name(unsigned reason);
const char *net_bye_text(unsigned reason);

/* Append a frame. The caller has kept counts and order (asserted). CHT_E_LIMIT: larger than its
 * kind may be, or than the buffer; CHT_E_NOMEM. On error `out` has its old length. */
CHT_MUST_USE enum cht_err net_frame_encode(const struct net_frame *f, struct cht_buf *out);

/* Read a frame. CHT_E_MALFORMED: unknown kind, framing, order, a form that is not the shortest,
 * text that is not UTF-8; CHT_E_LIMIT: a maximum of PROTOCOL 8; CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err net_frame_decode(struct cht_bytes src, struct cht_arena *arena,
                                           struct net_frame *out);

/* Kind and nonce of a frame without reading the rest. CHT_E_MALFORMED: too short or no kind;
 * CHT_E_LIMIT: larger than its kind may be. */
CHT_MUST_USE enum cht_err net_frame_peek(struct cht_bytes src, enum net_frame_kind *out_kind,
                                         uint8_t out_nonce[NET_NONCE_BYTES]);

/* Name of an applied vector: the first 16 bytes of H over its tips as a HEADS writes them.
 * CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err net_vector_id(const struct crdt_dep *tips, size_t count,
                                        uint8_t out[NET_VECTOR_ID_BYTES]);

/* Bytes of the ranges' payloads: what credit is counted in. */
size_t net_ranges_cost(const struct crdt_range *ranges, size_t count);

#endif
