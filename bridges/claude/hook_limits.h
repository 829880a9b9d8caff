#ifndef BRIDGES_CLAUDE_HOOK_LIMITS_H
#define BRIDGES_CLAUDE_HOOK_LIMITS_H
/* Every maximum of the hooks, with its reason. What comes in is written by another program and by a
 * model; what goes out is read by a model, whose room is dear. */

#define HOOK_PAYLOAD_BYTES (16u * 1024u * 1024u) /* a tool's answer may hold a whole file */
#define HOOK_ID_BYTES      256u /* a session, a prompt, a use of a tool: 36 are usual */
#define HOOK_CALLS         128u /* calls of tools in one PostToolBatch */
#define HOOK_TODOS         128u /* of one TodoWrite: with the session one transaction */
#define HOOK_LINKS         64u  /* addBlocks or addBlockedBy of one TaskUpdate */
#define HOOK_METADATA      64u  /* members of a task's metadata */
/* additionalContext: the news, 1 KiB, and at the start of a session that goes on from another one
 * where that left off */
#define HOOK_CONTEXT_BYTES 4096u
#define HOOK_REASON_BYTES  1024u /* why something is denied */
#define HOOK_WAKE_BYTES    1024u /* what an idle session is woken with */

/* How long a hook may take, in ms, however the node is: after that it ends without a word, and
 * nothing is blocked. Claude Code's own bounds are further out, but for the 1.5 s that all hooks of
 * SessionEnd have together. */
#define HOOK_START_MS   4000u /* session-start; it may start the node */
#define HOOK_TURN_MS    1800u /* what stands between a model and its tool, or a person's prompt */
#define HOOK_QUIET_MS   4000u /* what comes after a tool */
#define HOOK_END_MS     1200u /* session-end */
#define HOOK_PAYLOAD_MS 1000u /* until the whole of the payload is here */

#endif
