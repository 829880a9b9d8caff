#ifndef BRIDGES_CLAUDE_HANDOFF_H
#define BRIDGES_CLAUDE_HANDOFF_H
/* Where another session left off, kept for the one that goes on from there until it starts: `chitty
 * session resume` leaves it, the hook of SessionStart takes it. Facts, at most
 * CLAUDE_HANDOFF_BYTES; in $XDG_STATE_HOME/chitty/sessions. */
#include "crdt/base/buf.h"
#include "node/client/fault.h"

#define CLAUDE_HANDOFF_BYTES 3072u

/* `session_id`: of the session that will go on. Replaces what is there. CHT_E_INVALID: it is no
 * name of one; CHT_E_IO, CHT_E_FULL. */
CHT_MUST_USE enum cht_err claude_handoff_leave(const char *session_id, struct cht_bytes text,
                                               struct node_fault *fault);
/* Append it to `out` and forget it. CHT_E_NOTFOUND: there is none; CHT_E_IO, CHT_E_LIMIT. */
CHT_MUST_USE enum cht_err claude_handoff_take(const char *session_id, struct cht_buf *out);

#endif
