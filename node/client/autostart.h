#ifndef NODE_CLIENT_AUTOSTART_H
#define NODE_CLIENT_AUTOSTART_H
/* Starting a node where none runs (LOCAL 1.6). Clients that find none at the same moment start one
 * between them: a lock in the runtime folder decides who. */
#include "node/client/fault.h"
#include "node/client/paths.h"

/* What the started node writes to its --ready-fd: '+' once its socket listens; or '!' and a
 * sentence that says why not. Then it closes it. */
#define NODE_READY_BYTE  '+'
#define NODE_FAILED_BYTE '!'

/* The path of chitty-node: in the folder of this program, else its name alone for the PATH. */
void node_program(char out[static NODE_PATH_MAX]);

/* Start `chitty-node run --autostarted` and wait until it listens. `reached` is asked again once
 * the lock is held: someone else may have started one meanwhile; then nothing is started.
 * CHT_E_UNREACHABLE: no such program, it failed (`fault` says why), or it was not ready in
 * `timeout_ms`; CHT_E_DENIED, CHT_E_IO: the runtime folder. */
CHT_MUST_USE enum cht_err node_autostart(const struct node_paths *paths, int timeout_ms,
                                         bool (*reached)(void *ctx), void *ctx,
                                         struct node_fault *fault);

#endif
