#ifndef CLI_BASE_ACTOR_H
#define CLI_BASE_ACTOR_H
/* On whose behalf a command asks (LOCAL 2.2). */
#include "crdt/id.h"

/* CHITTY_ACTOR; else the session that the command runs in, by CHITTY_SESSION (an id, or
 * the platform's own) or CLAUDE_CODE_SESSION_ID (PROTOCOL 1.8); else NULL: the device itself.
 * Borrows from the environment or `room`. */
const char *cli_actor(char room[static CRDT_ID_TEXT_MAX]);

#endif
