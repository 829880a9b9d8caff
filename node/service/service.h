#ifndef NODE_SERVICE_SERVICE_H
#define NODE_SERVICE_SERVICE_H
/* What a node does for its local clients (docs/LOCAL.md), on one replica. The daemon feeds it from
 * the socket, `chitty-node` without a daemon from its own process.
 *
 * In a turn, changes are written to the replica as they come; their answers, reads, commands and
 * watches wait for the commit: `service_turn_wants_rows` tells how to commit, `service_after` then
 * answers. So nothing is acknowledged before it is durable, and a read sees every change before
 * it. */
#include "node/local/handler.h"
#include "node/replica/replica.h"

struct service_figures;
struct service_attachment;
struct node_blobs;

/* What only a running daemon can do. Every function may be absent (NULL). */
struct service_net {
    void *ctx;
    /* Append the array of peers (LOCAL 6.1) and of own addresses. */
    enum cht_err (*peers)(void *ctx, struct cht_buf *out);
    enum cht_err (*addresses)(void *ctx, struct cht_buf *out);
    /* How a device stands to this one, in a word or two (LOCAL 6.1, `peers`). */
    const char *(*state)(void *ctx, const uint8_t *device);
    /* Append the map of discovery (LOCAL 6.1). */
    enum cht_err (*discovery)(void *ctx, struct cht_buf *out);
    /* Append the map of the observer (LOCAL 6.1). */
    enum cht_err (*observer)(void *ctx, struct cht_buf *out);
    /* … the map of what strangers have tried (LOCAL 6.4). */
    enum cht_err (*strangers)(void *ctx, struct cht_buf *out);
    /* Add figures of the daemon (figures.h). */
    void (*figures)(void *ctx, struct service_figures *f);
    /* Begin; the answer comes with service_answer_* in this or a later turn. `request` is the
     * command's whole message. */
    void (*invite)(void *ctx, const struct local_request *request, struct cht_bytes args);
    void (*join)(void *ctx, const struct local_request *request, struct cht_bytes args);
    void (*stop)(void *ctx);
    /* Fetch a blob that a client waits for (blobs.h); service_blob_here or service_blob_failed
     * follow. CHT_E_UNREACHABLE: nobody can be asked; CHT_E_BUSY: too many are fetched. */
    enum cht_err (*fetch)(void *ctx, const struct service_attachment *a, struct node_fault *fault);
    /* Send a directed message about claims (net/claims.h): a command, or an event; `device` NULL:
     * to every peer that is connected. CHT_E_UNREACHABLE: none is. */
    enum cht_err (*direct)(void *ctx, const uint8_t *device, bool command,
                           struct cht_bytes payload);
    /* Is that device connected, so that it can be asked? */
    bool (*reaches)(void *ctx, const uint8_t *device);
    /* A client has gone: what was begun for it alone may end. */
    void (*left)(void *ctx, local_client_id client);
};

struct service_options {
    struct node_replica *replica;
    const struct net_identity *identity;
    const char *path;         /* of the database: streams read through a connection of their own */
    const char *device_name;  /* borrowed */
    struct node_blobs *blobs; /* borrowed; NULL: none */
    struct service_net net;
};

struct node_service;

/* CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err service_new(const struct service_options *options,
                                      struct node_service **out);
void service_free(struct node_service *s);
/* The replica was closed and opened again (a fault, a join): use this one from now on. Watches
 * stay; what waits for an answer gets an error. */
void service_replace(struct node_service *s, struct node_replica *replica, const char *path);

/* The handler for the local server or for node_local_direct. */
struct local_handler service_handler(struct node_service *s);
/* Call before requests are handed in. `now_ms`: the wall clock. */
void service_turn(struct node_service *s, uint64_t now_ms);
/* The file cannot be written, for this reason (CHT_OK: it can again): changes and commands that
 * change something are refused with what to do about it. */
void service_read_only(struct node_service *s, enum cht_err why);
/* How many requests have come. */
uint64_t service_requests(const struct node_service *s);
/* Reads wait: commit with the typed tables written. */
bool service_wants_rows(const struct node_service *s);
/* After the commit (`err` what it gave): answers, then watches. */
void service_after(struct node_service *s, enum cht_err err);
/* The turn was committed before its end: changes are answered, watches told. */
void service_committed_midway(struct node_service *s, enum cht_err err);

/* --- answers to commands that take longer --------------------------------------------------- */

/* Who asked, kept for later: a copy of what an answer needs. */
struct service_caller {
    local_client_id client;
    const struct local_output *out;
    uint8_t id[NODE_MSG_ID_BYTES];
    size_t id_len;
};
struct service_caller service_caller_of(const struct local_request *request);
/* One final answer: `result` is the exact bytes of a map. */
void service_answer_result(struct node_service *s, const struct service_caller *c,
                           struct cht_bytes result);
void service_answer_fault(struct node_service *s, const struct service_caller *c,
                          const struct node_fault *fault);
/* An event before it: `progress` is the exact bytes of a map (LOCAL 5.1). */
void service_answer_progress(struct node_service *s, const struct service_caller *c,
                             struct cht_bytes progress);

#endif
