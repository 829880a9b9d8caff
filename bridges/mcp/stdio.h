#ifndef BRIDGES_MCP_STDIO_H
#define BRIDGES_MCP_STDIO_H
/* The stdio transport: a message a line, nothing else on the way out, the end of the input is the
 * end. Waits with poll(2) only: no timers. */
#include "bridges/mcp/conn.h"

/* Something besides the client that can become readable: the node's socket. */
struct mcp_source {
    int (*fd)(void *user);     /* what to wait on now; -1: nothing at the moment */
    void (*ready)(void *user); /* it is readable, or hung up */
    void *user;
};

/* Serve the client at `in` and `out` until `in` ends. Lines longer than MCP_LIMIT_MESSAGE_BYTES are
 * answered with an error and skipped. `source` may be NULL.
 * CHT_OK: the input ended. CHT_E_IO: reading or writing failed (a client that went away: EPIPE).
 * CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err mcp_stdio_run(struct mcp_server *server, int in, int out,
                                        const struct mcp_source *source, struct cht_error *detail);

#endif
