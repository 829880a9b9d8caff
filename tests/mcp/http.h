#ifndef TESTS_MCP_HTTP_H
#define TESTS_MCP_HTTP_H
/* Streamable HTTP of both eras in front of a server, for the conformance runner: POST, GET and
 * DELETE of /mcp on 127.0.0.1. Not a part of the product. */
#include "tests/mcp/behind.h"

struct front;

/* Listen on a free port of 127.0.0.1. `behind` is borrowed. NULL: it could not. */
struct front *front_new(const struct behind *behind);
unsigned short front_port(const struct front *front);
/* Serve until a signal comes. */
void front_run(struct front *front);

#endif
