#ifndef NODE_FILES_H
#define NODE_FILES_H
/* The files of a node: its keys, its name, its spaces, and the lock that keeps them to one process.
 *
 *   data/device.key    the device's keys (0600; PROTOCOL 7.10)
 *   data/device.name   its name
 *   data/space         the id of the space in use, hex
 *   data/spaces/ID.db  one database a space
 *   data/lock          held while a process has the home; says its pid */
#include "crdt/id.h"
#include "net/identity.h"
#include "node/client/fault.h"
#include "node/client/paths.h"

struct node_files {
    struct node_paths paths;
    int lock_fd; /* -1: not held */
};

/* Find the folders and take the lock. `make`: also make the folders. CHT_E_BUSY: another process
 * has it (the fault names its pid); CHT_E_NOTFOUND: there is no home; CHT_E_IO, CHT_E_DENIED. */
CHT_MUST_USE enum cht_err node_files_lock(bool make, struct node_fault *fault,
                                          struct node_files *out);
void node_files_unlock(struct node_files *f);

/* The device's keys. CHT_E_NOTFOUND: there are none; CHT_E_CORRUPT; CHT_E_DENIED: others may read
 * the file. `out` is memory of sodium_malloc. */
CHT_MUST_USE enum cht_err node_files_identity(const struct node_files *f, struct node_fault *fault,
                                              struct net_identity *out);
CHT_MUST_USE enum cht_err node_files_keep_identity(const struct node_files *f,
                                                   const struct net_identity *id,
                                                   struct node_fault *fault);
/* Small texts: "device.name", "space". The text ends with a NUL; CHT_E_NOTFOUND. */
CHT_MUST_USE enum cht_err node_files_text(const struct node_files *f, const char *name, char *out,
                                          size_t room);
CHT_MUST_USE enum cht_err node_files_keep_text(const struct node_files *f, const char *name,
                                               const char *text, struct node_fault *fault);
/* The path of a space's database; its folder is made. */
CHT_MUST_USE enum cht_err node_files_space(const struct node_files *f,
                                           const uint8_t space[static CRDT_ID_BYTES],
                                           struct node_fault *fault,
                                           char out[static NODE_PATH_MAX]);

#endif
