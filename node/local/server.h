#ifndef NODE_LOCAL_SERVER_H
#define NODE_LOCAL_SERVER_H
/* The node's end of the local socket (LOCAL 1): listener, connections, framing, limits.
 *
 * One file descriptor stands for all of it (an epoll set), so the node's loop waits on that alone.
 * In a turn: node_local_read hands in requests, bounded per client; the node folds and commits;
 * node_local_flush sends what was answered. Nothing here blocks.
 *
 * Bounds: LIMIT_CLIENTS connections, LIMIT_CLIENT_BYTES a message, LIMIT_TURN_FRAMES messages of
 * one client a turn, LIMIT_CLIENT_BACKLOG unsent bytes. A client with half its backlog unsent is
 * not read from until it reads; one that passes the backlog (a watch that is not read) is closed
 * and resumes from its vector. Only processes of the same user are heard (SO_PEERCRED). */
#include "node/local/handler.h"

#include <sys/types.h>

struct node_local;

struct node_local_options {
    const char *socket_path; /* as node_paths gives it */
    struct local_handler handler;
};

/* Listen. The folder must exist. A socket file nobody answers on is replaced; callers hold the
 * home's lock, so that no two nodes race here.
 * CHT_E_BUSY: another process answers there; CHT_E_LIMIT: the path does not fit a socket address;
 * CHT_E_IO, CHT_E_DENIED; CHT_E_NOMEM. `detail` (may be NULL) says it in words. */
CHT_MUST_USE enum cht_err node_local_open(const struct node_local_options *options,
                                          struct cht_error *detail, struct node_local **out);
/* Close all clients (their `closed` is called), remove the socket file. NULL is allowed. */
void node_local_close(struct node_local *local);

/* Readable whenever node_local_read or node_local_flush has something to do. Watch it level
 * triggered. */
int node_local_fd(const struct node_local *local);
/* Whole requests are left over from the last turn: do not wait before the next one. */
bool node_local_busy(const struct node_local *local);
/* Accept, read and hand complete requests to the handler, at most LIMIT_TURN_FRAMES a client.
 * Heartbeats and what is no request are answered here. `now_ms` stamps those answers. */
void node_local_read(struct node_local *local, uint64_t now_ms);
/* Send queued answers and draw from streams, as far as the sockets take them; then close the
 * clients that are done. Called once a turn, after the commit. */
void node_local_flush(struct node_local *local);

/* The output given to the handler with each request; good until close. For news in later turns. */
const struct local_output *node_local_output(const struct node_local *local);
/* Connected clients; those that are not of the process `pid` (0: all). */
size_t node_local_clients(const struct node_local *local);
size_t node_local_clients_besides(const struct node_local *local, pid_t pid);

#endif
