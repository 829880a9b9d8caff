#ifndef TESTS_MCP_BEHIND_H
#define TESTS_MCP_BEHIND_H
/* What stands behind the HTTP front: one connection of an MCP server (bridges/mcp/conn.h), either
 * of the dispatcher itself with the fixtures of the conformance runner, or of a program that speaks
 * stdio. The front knows no other difference between the two. */
#include "bridges/mcp/conn.h"

#include <poll.h>

struct behind {
    /* A new connection; NULL: it could not be made. */
    void *(*open)(void *self, mcp_emit_fn *emit, void *user);
    /* As mcp_feed, mcp_conn_drop, mcp_conn_set_stream, mcp_conn_close. */
    enum mcp_fed (*feed)(void *conn, struct cht_bytes message, const struct mcp_way *way);
    void (*drop)(void *conn, void *to);
    void (*set_stream)(void *conn, void *to);
    void (*close)(void *conn);
    /* What to wait on, at most `max` of them; returns how many. NULL: nothing. */
    size_t (*wait_on)(void *self, struct pollfd *fds, size_t max);
    /* What was waited on has happened, in the same order. Emits. */
    void (*ready)(void *self, const struct pollfd *fds, size_t count);
    void *self;
};

/* The dispatcher in this process, offering the fixtures. Ends the program when it cannot. */
void behind_fixture(struct behind *out);
/* `command` once for each connection; it is borrowed. */
void behind_child(struct behind *out, char *const *command);

#endif
