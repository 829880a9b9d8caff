#ifndef BRIDGES_CLAUDE_HOOK_H
#define BRIDGES_CLAUDE_HOOK_H
/* `chitty hook EVENT`: what Claude Code tells of a session is written to the node, and what the
 * session should know is answered.
 *
 *   hook_payload.c  what comes in; hook_task.c: what it says of tasks
 *   hook.c          which event is whose
 *   hook_session.c  start, each prompt, end, a sign of life
 *   hook_intake.c   TaskCreate, TaskUpdate; hook_todowrite.c: TodoWrite
 *   hook_deny.c     what another session holds; hook_edit.c: files, and what is told before an edit
 *   hook_compact.c  a checkpoint where a conversation is compacted
 *   hook_wait.c     the waiter of an idle session
 *   hook_mirror.c   the process that keeps tasks' files and todos equal
 *   hook_answer.c   what goes out
 *
 * Hooks of one session run beside each other and in any order, and one may come twice: what is
 * written has a key made of the session and the use of the tool (LOCAL 3.5) and an id made of the
 * task (PROTOCOL 1.8). Whatever goes wrong, the answer is none: a hook is in the way of nobody. */
#include "bridges/claude/hook_answer.h"

/* How long the hook of that word may take, in ms; 0: for ever (`wait`). NULL, or a word of another
 * version: as the slowest one. */
unsigned hook_budget_ms(const char *word);
/* Every word there is; NULL at the end. */
const char *hook_word_at(size_t index);

/* Do what the word says about the payload; `word` NULL: all that is to be done about its event.
 * `payload` is written to. `*out_event` is what it was about, for hook_answer_put. A word that is
 * not known, and an event that is not the word's, change nothing and have no answer. */
void hook_run(const char *word, struct cht_buf *payload, struct hook_answer *out,
              enum hook_event *out_event);

#endif
