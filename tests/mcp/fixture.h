#ifndef TESTS_MCP_FIXTURE_H
#define TESTS_MCP_FIXTURE_H
/* What the official conformance runner wants a server to offer: the names and payloads are those of
 * its scenarios (@modelcontextprotocol/conformance, `description` of each). Each part adds to the
 * server and returns false when that refuses. */
#include "bridges/mcp/call.h"

/* Tools that answer at once. */
bool fixture_add_tools(struct mcp_server *server);
/* Tools and a prompt that ask the client something first. */
bool fixture_add_asking(struct mcp_server *server);
/* Resources, a template, prompts. */
bool fixture_add_reading(struct mcp_server *server);

#define FIXTURE_NO_ARGUMENTS "{\"type\":\"object\",\"properties\":{}}"
/* An image of one red pixel, and a WAV file without a sample. */
#define FIXTURE_PNG                                                                                \
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJg" \
    "gg=="
#define FIXTURE_WAV "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="

#endif
