#ifndef TESTS_MCP_GUARD_H
#define TESTS_MCP_GUARD_H
/* What the head of an HTTP request says. */
#include <stdbool.h>
#include <stddef.h>

struct MHD_Connection;

/* The value of a header without the white space around it (RFC 9110, 5.5), in `out`; NULL: there is
 * none. One that does not fit is cut, and so equals nothing. */
const char *guard_header(struct MHD_Connection *http, const char *name, char *out, size_t max);
/* Host, and Origin if there is one, name this machine: no page of a rebound name asks. */
bool guard_is_local(struct MHD_Connection *http);
bool guard_is_json(struct MHD_Connection *http);
bool guard_accepts(struct MHD_Connection *http, const char *type);
/* A revision with sessions, or none said. */
bool guard_legacy_version(const char *version);

#endif
