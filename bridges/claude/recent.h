#ifndef BRIDGES_CLAUDE_RECENT_H
#define BRIDGES_CLAUDE_RECENT_H
/* What a transcript tells of where its session is now: what was said last, and which files it has
 * in hand. Taken from the lines that a session has as its own: subagents, tools' results, what
 * Claude Code puts in by itself and thoughts are no messages. Another session, or another model,
 * goes on from that. */
#include "bridges/claude/transcript.h"

#include <jansson.h>

#define CLAUDE_RECENT_MESSAGES 10u
#define CLAUDE_RECENT_FILES    20u
#define CLAUDE_RECENT_CHARS    2000u /* bytes of one message; a longer one is cut */

/* {messages: [{role, at, text}], files: [{path, action, at}], cwd?, branch?, title?}: the last
 * messages, the oldest first; the files, the last touched first, `action` being "read", "edit" or
 * "write". With `redact` without secrets. NULL: no memory. */
json_t *claude_recent(struct cht_bytes text, unsigned messages, bool redact);

/* The prompt with this id (hooks' prompt_id): what the person said, for json_decref; NULL: it is
 * not in the text, or no memory. */
json_t *claude_prompt(struct cht_bytes text, const char *prompt_id);
/* The prompt that was the last before a tool was used under this id. */
json_t *claude_prompt_of_tool(struct cht_bytes text, const char *tool_use_id);

#endif
