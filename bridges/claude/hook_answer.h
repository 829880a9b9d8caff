#ifndef BRIDGES_CLAUDE_HOOK_ANSWER_H
#define BRIDGES_CLAUDE_HOOK_ANSWER_H
/* What a hook says: on standard output nothing, or one JSON object in the shape that the event
 * takes (the hook output types of Claude Code's SDK); on standard error a line for a person or,
 * with exit status 2, for the model. Texts are facts: a model is told what is so, not what to do.
 */
#include "bridges/claude/hook_payload.h"

#define HOOK_EXIT_OK    0
#define HOOK_EXIT_NOTE  1 /* something was wrong; Claude Code shows it and goes on */
#define HOOK_EXIT_BLOCK 2 /* of `wait` alone: what wakes the session is on standard error */

/* All zero: nothing to say. */
struct hook_answer {
    char context[HOOK_CONTEXT_BYTES + 1]; /* additionalContext */
    char reason[HOOK_REASON_BYTES + 1];   /* not empty: the tool is denied */
    char error[HOOK_WAKE_BYTES + 1];      /* for standard error */
    int status;                           /* HOOK_EXIT_… */
};

/* Add a paragraph to the context; what does not fit whole is cut at a character, with "…". Control
 * characters but line feeds become blanks. */
void hook_answer_context(struct hook_answer *a, const char *text);
/* Deny the tool; of several reasons the first one counts. */
void hook_answer_deny(struct hook_answer *a, const char *reason);
/* A line for standard error, and the exit status. */
void hook_answer_error(struct hook_answer *a, int status, const char *text);

/* Append the JSON that the event takes; nothing when there is nothing to say, or the event takes
 * none of it. CHT_E_NOMEM, CHT_E_LIMIT. */
CHT_MUST_USE enum cht_err hook_answer_put(const struct hook_answer *a, enum hook_event event,
                                          struct cht_buf *out);

#endif
