#ifndef NODE_CLIENT_MESSAGE_H
#define NODE_CLIENT_MESSAGE_H
/* The envelope of the local protocol (LOCAL 2): one msgpack map with the field names of the
 * original SyncMessage. Reading allocates nothing: every span borrows from the message's bytes, so
 * exact value bytes stay at hand. Writing puts the payload last, so that answers can be streamed
 * into a buffer. The shapes of payloads are in node/client/request.h. */
#include "crdt/base/buf.h"
#include "crdt/mp.h"
#include "node/client/fault.h"
#include "node/client/mpmap.h"

/* symbol, word on the wire */
#define NODE_MSG_TYPES(X)                                                                          \
    X(NODE_MSG_STATE_UPDATE, "state_update")     /* request: mutate */                             \
    X(NODE_MSG_STATE_REQUEST, "state_request")   /* request: the same as query */                  \
    X(NODE_MSG_STATE_SNAPSHOT, "state_snapshot") /* answer: records */                             \
    X(NODE_MSG_EVENT, "event")                   /* a watch's news, or progress of a command */    \
    X(NODE_MSG_COMMAND, "command")               /* request: admin */                              \
    X(NODE_MSG_QUERY, "query")                   /* request: read or watch */                      \
    X(NODE_MSG_HEARTBEAT, "heartbeat")           /* request: are you there; answered by an ack */  \
    X(NODE_MSG_ACK, "ack")                       /* answer: a result or an error */                \
    X(NODE_MSG_CONFLICT, "conflict")             /* answer: compare-and-set failed */

enum node_msg_type {
#define X(sym, word) sym,
    NODE_MSG_TYPES(X)
#undef X
        NODE_MSG_TYPE_COUNT
};

/* One local message occupies at most this depth of containers: envelope, payload, batch item,
 * entity, data, set change, then a value of its own depth. */
#define NODE_MSG_DEPTH    16u
#define NODE_MSG_ID_BYTES 64u /* longest message id */

struct node_msg {
    enum node_msg_type type;
    struct cht_bytes id;        /* 1 … NODE_MSG_ID_BYTES of UTF-8 */
    struct cht_bytes node_id;   /* source.nodeId: a device's 32 hex digits; empty for a client */
    struct cht_bytes platform;  /* source.platform: "cli", "node", "mcp" … */
    struct cht_bytes actor;     /* source.chittyId: on whose behalf; empty: the device itself */
    bool broadcast;             /* target.broadcast */
    struct cht_bytes node_ids;  /* target.nodeIds: exact bytes of an array; empty: absent */
    struct cht_bytes platforms; /* target.platforms: likewise */
    uint64_t timestamp_ms;      /* metadata.timestamp */
    struct cht_bytes vector;    /* metadata.vectorClock: exact bytes of a map; empty: {} */
    struct cht_bytes reply_to;  /* metadata.causality[0]: the request's id; empty: none */
    uint32_t ttl_s;             /* metadata.ttl; 0: none */
    struct cht_bytes payload;   /* exact bytes of a map */
};

/* The word of a type; NULL beyond the list. */
const char *node_msg_type_word(enum node_msg_type type);

/* Read one message (without its length). Spans borrow from `bytes`. When the message is refused but
 * its id can be read, `out_id` (may be NULL) is set to it, so that the error can be answered.
 * CHT_E_MALFORMED: no well-formed msgpack map, an id, type or payload missing or of the wrong kind;
 * CHT_E_LIMIT: too long, deep or many objects; CHT_E_UNSUPPORTED: a type not in the list.
 * `detail` (may be NULL) says which field. */
CHT_MUST_USE enum cht_err node_msg_read(struct cht_bytes bytes, struct cht_error *detail,
                                        struct cht_bytes *out_id, struct node_msg *out);

/* Append the envelope up to and including the key "payload"; the caller appends one map next
 * (`m->payload` is not looked at). CHT_E_LIMIT or CHT_E_NOMEM from the buffer, which is then to be
 * cut back by the caller. */
CHT_MUST_USE enum cht_err node_msg_begin(struct cht_buf *out, const struct node_msg *m);
/* The same with `m->payload`. */
CHT_MUST_USE enum cht_err node_msg_write(struct cht_buf *out, const struct node_msg *m);

/* The id of a final answer, made from the request's id in `room`: "a/" and the id (cut to fit). */
struct cht_bytes node_msg_answer_id(struct cht_bytes reply_to, uint8_t room[NODE_MSG_ID_BYTES]);

/* Append an `ack` that carries an error: {"error": {code, message, hint?, field?, retryable}}
 * (LOCAL 5.2). `base` gives source and timestamp; its type, id and reply_to are set here.
 * `reply_to` is empty when the request's id could not be read. */
CHT_MUST_USE enum cht_err node_msg_write_error(struct cht_buf *out, const struct node_msg *base,
                                               struct cht_bytes reply_to,
                                               const struct node_fault *fault);
/* Append that map alone: {code, message, hint?, field?, retryable}. */
CHT_MUST_USE enum cht_err node_fault_write(struct cht_buf *out, const struct node_fault *fault);
/* The same with one member more: the exact bytes of an object; empty: none. */
CHT_MUST_USE enum cht_err node_fault_write_with(struct cht_buf *out, const struct node_fault *fault,
                                                const char *key, struct cht_bytes object);

/* The error that an answer carries, put into `fault` (may be NULL); CHT_OK when it carries none. A
 * code this build does not know is CHT_E_INTERNAL. */
enum cht_err node_msg_fault(const struct node_msg *m, struct node_fault *fault);
/* No further answer to the same request follows (LOCAL 5.1). */
bool node_msg_final(const struct node_msg *m);

/* --- framing (LOCAL 1.3) ------------------------------------------------------------------- */

#define NODE_FRAME_HEAD_BYTES 4u

/* Look at the start of a stream. CHT_OK: a whole message lies at `*out` and `*out_used` bytes are
 * consumed with it; CHT_E_WAITING: more bytes are needed; CHT_E_LIMIT: the length is 0 or above
 * LIMIT_CLIENT_BYTES: the stream cannot go on. */
CHT_MUST_USE enum cht_err node_frame_next(struct cht_bytes stream, struct cht_bytes *out,
                                          size_t *out_used);
/* Append length and message. */
CHT_MUST_USE enum cht_err node_frame_put(struct cht_buf *out, struct cht_bytes message);

#endif
