#ifndef NODE_LOCAL_HANDLER_H
#define NODE_LOCAL_HANDLER_H
/* Between the local socket and the node: a request goes in, answers come out by client number.
 * The same handler serves the socket (node/local/server.h) and one process alone
 * (node/local/direct.h). Answers are held back until the turn's commit: the server only sends in
 * node_local_flush. */
#include "node/client/message.h"

/* Who asks: a connection's number, never used twice in one run of the node. */
typedef uint64_t local_client_id;

/* An answer of many messages, drawn one by one as the client reads, so that no long list ever lies
 * in memory. */
struct local_stream {
    void *state;
    /* Append the next whole message (no length) to `out`, at most LIMIT_CLIENT_BYTES; set
     * `*out_end` with the last one. Appending nothing without the end is a fault. An error ends the
     * stream and closes the client; an error that the client is to be told goes out as a message
     * with
     * `*out_end`. Called between turns' commits only, in node_local_flush. */
    enum cht_err (*next)(void *state, struct cht_buf *out, bool *out_end);
    /* Called exactly once when the stream is over: drawn to its end, failed, or the client left. */
    void (*end)(void *state);
};

/* Where answers go. */
struct local_output {
    void *ctx;
    /* Queue one whole message (copied). CHT_E_NOTFOUND: the client has left; CHT_E_LIMIT: it does
     * not read (LIMIT_CLIENT_BACKLOG) and is closed at the next flush; CHT_E_NOMEM. A handler may
     * ignore all three: the client is gone in each case, `closed` tells. */
    enum cht_err (*answer)(void *ctx, local_client_id client, struct cht_bytes message);
    /* Queue a stream. On every error `end` has been called. CHT_E_NOTFOUND; CHT_E_LIMIT: more than
     * LIMIT_CLIENT_STREAMS at once; CHT_E_NOMEM. */
    enum cht_err (*stream)(void *ctx, local_client_id client, const struct local_stream *stream);
};

struct local_request {
    local_client_id client;
    const struct local_output *out; /* lives as long as the server */
    struct node_msg msg;            /* spans are good until the handler returns */
    struct cht_bytes bytes;         /* the whole message as it came */
};

/* What the node does with clients. `closed` may be NULL. */
struct local_handler {
    void *ctx;
    /* One well-formed request of type state_update, state_request, query or command. Every request
     * gets exactly one final answer, now or in a later turn. */
    void (*request)(void *ctx, const struct local_request *request);
    /* The client is gone: forget its watches and what it waits for. */
    void (*closed)(void *ctx, local_client_id client);
};

#endif
