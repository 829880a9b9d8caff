#ifndef BRIDGES_CLAUDE_SHARE_H
#define BRIDGES_CLAUDE_SHARE_H
/* The transcript of a session, shared with the other devices: its slice (transcript.h) as the
 * attachment `transcript` of the session's record, a blob by its content (LOCAL 7). Whether, and
 * with or without secrets, its project says by the field `transcripts`: unset and `off` nothing
 * leaves this machine. */
#include "bridges/agent/agent.h"
#include "bridges/claude/transcript.h"

#define CLAUDE_ATTACHMENT "transcript"

enum claude_sharing { CLAUDE_SHARE_OFF, CLAUDE_SHARE_REDACTED, CLAUDE_SHARE_WHOLE };

struct claude_shared {
    bool written; /* false: the same is attached already */
    struct claude_slice slice;
    uint64_t bytes;
    char blob[65];
};

/* What a project says; `project`: its whole id, "" is none (off). Errors of the request. */
CHT_MUST_USE enum cht_err claude_sharing_of(struct agent *a, const char *project,
                                            struct node_fault *fault, enum claude_sharing *out);
/* Share the transcript in the file `path` as that of the agent's session, whose record and project
 * are there (agent_session_ensure). It is read as it is now; a line that is being written is left
 * out. Takes some tens of milliseconds a megabyte. CHT_E_DENIED: its project does not share
 * transcripts, or it has none (the hint names the command that allows it); CHT_E_NOTFOUND: no such
 * file, or there is nothing in it yet; CHT_E_IO, CHT_E_LIMIT; errors of requests. `fault` may be
 * NULL. */
CHT_MUST_USE enum cht_err claude_transcript_share(struct agent *a, const char *path,
                                                  struct node_fault *fault,
                                                  struct claude_shared *out);

#endif
