#ifndef CLI_BASE_SERVICE_UNIT_H
#define CLI_BASE_SERVICE_UNIT_H
/* The text of the systemd user unit (docs/decisions, systemd.unit(5), systemd.exec(5)). */
#include "cli/base/command.h"
#include "crdt/base/buf.h"

#define SERVICE_UNIT_MAX (64u * 1024u)

struct service_unit {
    const char *program;           /* absolute path of chitty-node */
    const struct cli_given *flags; /* for `run`: those of --listen, --peer, --no-discovery count */
    size_t flag_count;
    const char *folders[4]; /* that it writes to, absolute; NULL: no more */
    const char *space;      /* whose node it is */
    bool runtime;           /* its socket is in $XDG_RUNTIME_DIR/chitty */
    bool sandbox;           /* this kernel lets users have namespaces: mounts can be closed */
};

/* Append the unit. CHT_E_INVALID: a path or value has a character that a unit cannot carry;
 * CHT_E_LIMIT, CHT_E_NOMEM: the buffer's. */
CHT_MUST_USE enum cht_err service_unit_write(const struct service_unit *u, struct cht_buf *out);
/* May this user have mount and user namespaces? Tried in a child. */
bool service_may_sandbox(void);

#endif
