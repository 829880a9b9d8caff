#ifndef NODE_LOCAL_CONNECTION_H
#define NODE_LOCAL_CONNECTION_H
/* One client of the local socket: its unread requests, its unsent answers and its streams, each
 * bounded. Knows sockets and frames, nothing of requests. Only node/local/server.c uses it. */
#include "crdt/base/buf.h"
#include "crdt/limits.h"
#include "node/local/handler.h"

#include <sys/types.h>

struct local_conn {
    local_client_id id;
    int fd;             /* owned */
    pid_t pid;          /* whose it is */
    uint32_t events;    /* what epoll watches it for */
    unsigned turn_left; /* messages it may still hand in this turn */
    bool readable;      /* epoll said so */
    bool ended;         /* it will send no more; what was asked is still answered */
    bool dead;          /* to be closed at the end of the turn */
    struct cht_buf in;  /* unread bytes from in_done on */
    size_t in_done;
    struct cht_buf out; /* unsent bytes from out_done on */
    size_t out_done;
    size_t stream_count;
    struct local_stream streams[LIMIT_CLIENT_STREAMS]; /* the first is drawn from */
};

/* A connection of its own on the heap; takes over `fd` only on success. NULL when out of memory. */
struct local_conn *local_conn_new(local_client_id id, int fd);
/* End its streams, close, free. NULL is allowed. */
void local_conn_free(struct local_conn *c);

/* The next whole message, when one may be handed in now: the client reads its answers and has not
 * used up its turn. Reads from the socket as needed. The span is good until the next call.
 * CHT_E_WAITING: none now; CHT_E_LIMIT: a length that is not allowed: tell it and end it; any other
 * error: the connection is dead. */
CHT_MUST_USE enum cht_err local_conn_next(struct local_conn *c, struct cht_bytes *out);
/* A whole message lies ready and the client reads its answers: no need to wait for the socket. */
bool local_conn_ready(const struct local_conn *c);

/* Queue one message. CHT_E_LIMIT: more than LIMIT_CLIENT_BACKLOG unsent; the connection is dead. */
CHT_MUST_USE enum cht_err local_conn_answer(struct local_conn *c, struct cht_bytes message);
/* Queue a stream; it is ended here on every error. */
CHT_MUST_USE enum cht_err local_conn_stream(struct local_conn *c,
                                            const struct local_stream *stream);
/* Send what the socket takes, drawing from the streams, at most a few MiB a call. */
void local_conn_flush(struct local_conn *c);

/* What epoll is to watch it for now. */
uint32_t local_conn_wants(const struct local_conn *c);

#endif
