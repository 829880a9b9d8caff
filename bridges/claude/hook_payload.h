#ifndef BRIDGES_CLAUDE_HOOK_PAYLOAD_H
#define BRIDGES_CLAUDE_HOOK_PAYLOAD_H
/* What Claude Code hands to a hook: one JSON object on standard input. Versions differ in what they
 * send, so everything but the name of the event may be missing or new; what has another kind than
 * it should counts as missing. */
#include "bridges/claude/hook_limits.h"
#include "crdt/base/buf.h"

#include <jansson.h>

#define HOOK_EVENTS(X)                                                                             \
    X(HOOK_SESSION_START, "SessionStart")                                                          \
    X(HOOK_SESSION_END, "SessionEnd")                                                              \
    X(HOOK_PROMPT, "UserPromptSubmit")                                                             \
    X(HOOK_PRE_TOOL, "PreToolUse")                                                                 \
    X(HOOK_POST_TOOL, "PostToolUse")                                                               \
    X(HOOK_POST_TOOL_FAILURE, "PostToolUseFailure")                                                \
    X(HOOK_POST_TOOL_BATCH, "PostToolBatch")                                                       \
    X(HOOK_TASK_CREATED, "TaskCreated")                                                            \
    X(HOOK_TASK_COMPLETED, "TaskCompleted")                                                        \
    X(HOOK_PRE_COMPACT, "PreCompact")                                                              \
    X(HOOK_POST_COMPACT, "PostCompact")                                                            \
    X(HOOK_STOP, "Stop")                                                                           \
    X(HOOK_STOP_FAILURE, "StopFailure")                                                            \
    X(HOOK_SUBAGENT_STOP, "SubagentStop")                                                          \
    X(HOOK_NOTIFICATION, "Notification")                                                           \
    X(HOOK_CWD_CHANGED, "CwdChanged")

enum hook_event {
#define X(sym, word) sym,
    HOOK_EVENTS(X)
#undef X
        HOOK_EVENT_COUNT,
    HOOK_OTHER = HOOK_EVENT_COUNT /* one that nothing is done about */
};

/* Texts are "" where the payload has none; all borrow from `root`. */
struct hook_payload {
    json_t *root;
    enum hook_event event;
    const char *session_id;
    const char *cwd;
    const char *prompt_id;
    const char *agent_id;        /* of a subagent */
    const char *source;          /* SessionStart: startup, resume, clear, compact, fork */
    const char *tool_name;       /* of the three events of a tool */
    const char *tool_use_id;     /* the same */
    const json_t *tool_input;    /* an object, or NULL */
    const json_t *tool_response; /* anything, or NULL */
};

/* Read a payload. `bytes` is written to: halves of surrogate pairs, which JavaScript writes and
 * JSON has no character for, become U+FFFD. CHT_E_LIMIT: it has more than HOOK_PAYLOAD_BYTES;
 * CHT_E_MALFORMED: it is no JSON object, or names no event. On success the caller clears `*out`. */
CHT_MUST_USE enum cht_err hook_payload_read(struct cht_buf *bytes, struct hook_payload *out);
void hook_payload_clear(struct hook_payload *payload);

/* "SessionStart" … ; "" for HOOK_OTHER. */
const char *hook_event_name(enum hook_event event);
/* A text of at most HOOK_ID_BYTES without control characters at a key of an object; "" for anything
 * else. `object` may be NULL. */
const char *hook_id_at(const json_t *object, const char *key);
/* Any text at a key, as bytes; empty for anything else. */
struct cht_bytes hook_text_at(const json_t *object, const char *key);
/* A number of a task, or a text of one, as a text: older versions and models write both. Written to
 * `room` where it is a number. "" for anything else. */
const char *hook_number_at(const json_t *object, const char *key, char room[static 24]);

#endif
