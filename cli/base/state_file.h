#ifndef CLI_BASE_STATE_FILE_H
#define CLI_BASE_STATE_FILE_H
/* Small texts of this user on this machine, in the state folder: what is about a terminal and no
 * record. */
#include "node/client/fault.h"
#include "node/client/paths.h"

#define CLI_STATE_PATH_MAX (NODE_PATH_MAX + 32u)

/* Its path; nothing is made. Errors of node_paths_find. `fault` may be NULL. */
CHT_MUST_USE enum cht_err cli_state_path(const char *name, struct node_fault *fault,
                                         char out[static CLI_STATE_PATH_MAX]);
/* Replace it in one step, since others may be reading it; the folder is made. CHT_E_IO,
 * CHT_E_DENIED: it cannot be written, and the fault says why. */
CHT_MUST_USE enum cht_err cli_state_write(const char *name, const char *text,
                                          struct node_fault *fault);

#endif
