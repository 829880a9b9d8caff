#ifndef NODE_HOME_H
#define NODE_HOME_H
/* A home opened: lock, keys, name, and the replica of the space in use. What `chitty-node` without
 * a daemon and the daemon itself start from. */
#include "node/blobs/blobs.h"
#include "node/files.h"
#include "node/node.h"
#include "node/service/service.h"

struct node_home {
    struct node_files files;
    struct net_identity *identity; /* locked memory */
    char name[LIMIT_NAME_BYTES + 1];
    char path[NODE_PATH_MAX]; /* of the database */
    struct node_replica *replica;
    struct node_service *service; /* of node_home_call; the daemon has its own */
    struct node_blobs *blobs;     /* NULL: their folder cannot be read */
};

/* Lock, read the keys, open the replica. `make`: make what is not there. A home that another
 * process has is waited for, up to two seconds, unless a node answers there. Errors as
 * node_home_open. */
CHT_MUST_USE enum cht_err node_home_start(bool make, struct node_fault *fault,
                                          struct node_home *out);
void node_home_end(struct node_home *h);
/* Open the database at h->path as the replica. */
CHT_MUST_USE enum cht_err node_home_replica(struct node_home *h, struct node_fault *fault);
/* Make the database of a new space at `path`, whole or not at all: a crash leaves at most a file
 * beside it that the next try replaces. CHT_E_EXISTS; else as node_replica_create. */
CHT_MUST_USE enum cht_err node_home_make_space(const char *path,
                                               const uint8_t space[static CRDT_ID_BYTES],
                                               const struct cht_bytes *records, size_t count,
                                               struct cht_error *detail);
/* The database at `path` was closed: is all of it in its own file? Where the disk failed at the
 * closing, SQLite says nothing and leaves the WAL, which a renamed file would be parted from. */
bool node_home_is_whole(const char *path);
/* Memory for keys, locked. NULL when there is none. */
struct net_identity *node_home_new_identity(struct node_fault *fault);
/* NULL is allowed. */
void node_home_free_identity(struct net_identity *id);
/* The device of a home whose lock is held: its keys and name; with `make` they are made where there
 * are none. Errors as node_init. */
CHT_MUST_USE enum cht_err node_home_device(struct node_files *f, bool make, const char *asked,
                                           struct node_fault *fault, struct net_identity *id,
                                           char name[static LIMIT_NAME_BYTES + 1], bool *out_made);
/* Found a space of one's own; it is in use once its name is kept. */
CHT_MUST_USE enum cht_err node_home_found_space(struct node_files *f, const char *name,
                                                const struct net_identity *id,
                                                struct node_fault *fault);
/* The wall clock, ms since the Unix epoch. */
uint64_t node_wall_ms(void);

#endif
