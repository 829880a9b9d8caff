#ifndef CLI_BASE_ACTING_H
#define CLI_BASE_ACTING_H
/* Who claims: a session that the command runs in, or the person at the keyboard. */
#include "cli/base/command.h"
#include "crdt/limits.h"

#define CLI_ACTING_MAX (LIMIT_HOLDER_BYTES + 1u)
/* Who claims (LOCAL 8.1): --session, else on whose behalf the command asks (actor.h), else
 * USER@DEVICE. It may ask the node. */
CHT_MUST_USE enum cht_err cli_acting(struct cli_context *c, char out[static CLI_ACTING_MAX]);

#define CLI_SESSION_FLAG                                                                           \
    {                                                                                              \
        "session", "SESSION", "for this session, or USER@DEVICE; else for the one it runs in"      \
    }

#endif
