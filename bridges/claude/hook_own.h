#ifndef BRIDGES_CLAUDE_HOOK_OWN_H
#define BRIDGES_CLAUDE_HOOK_OWN_H
/* What the handlers of hooks share; see hook.h. */
#include "bridges/agent/agent.h"
#include "bridges/claude/hook.h"
#include "bridges/claude/hook_task.h"
#include "bridges/claude/native_task.h"

struct hook {
    const struct hook_payload *payload;
    struct agent *agent;
    struct hook_answer *answer;
    uint64_t now_ms; /* wall clock at the start */
};

/* One a word of `chitty hook`. What goes wrong is of use to a person only: an error, and the fault
 * in the agent. */
CHT_MUST_USE enum cht_err hook_session_start(struct hook *h);
CHT_MUST_USE enum cht_err hook_session_end(struct hook *h);
CHT_MUST_USE enum cht_err hook_activity(struct hook *h);
CHT_MUST_USE enum cht_err hook_stop(struct hook *h);
CHT_MUST_USE enum cht_err hook_prompt(struct hook *h);
CHT_MUST_USE enum cht_err hook_pre_task(struct hook *h);
CHT_MUST_USE enum cht_err hook_post_task(struct hook *h);
CHT_MUST_USE enum cht_err hook_pre_edit(struct hook *h);
CHT_MUST_USE enum cht_err hook_pre_compact(struct hook *h);
CHT_MUST_USE enum cht_err hook_post_compact(struct hook *h);
CHT_MUST_USE enum cht_err hook_wait(struct hook *h);

/* The session's record is there, and the agent knows its project. */
CHT_MUST_USE enum cht_err hook_known(struct hook *h);

/* hook_transcript.c: what was said is shared, where the project allows it, by a process of its own;
 * what another session left for this one is told. What goes wrong there stays there. */
void hook_share(struct hook *h);
/* hook_mirror.c: start the mirror of the session's tasks where they have files and it does not run.
 */
void hook_mirror(struct hook *h);
void hook_handoff(struct hook *h);

/* hook_edit.c: a tool has edited a file: it is written down in the session. */
CHT_MUST_USE enum cht_err hook_edited(struct hook *h);

/* The name, for good, of one thing that is done for one use of a tool: `what` about `id`. */
#define HOOK_KEY_MAX 48u
void hook_key(const struct hook *h, const char *what, const char *id,
              char out[static HOOK_KEY_MAX]);

/* A text on one line as JSON: control characters become blanks. NULL: no memory. */
json_t *hook_line(struct cht_bytes text);
/* A document: at most LIMIT_TEXT_BYTES of it, up to a NUL. NULL: no memory. */
json_t *hook_document(struct cht_bytes text);
/* {prompt?, tool?, toolUse?}: what in the session made a todo (SCHEMA 4.43). */
json_t *hook_origin(const struct hook *h, const struct hook_task *t);

/* A text of others in quotes, cut; `otherwise`, as it is, where there is none (NULL or empty). */
struct hook_quoted {
    char text[320];
};
struct hook_quoted hook_quote(const char *text, size_t chars, const char *otherwise);

/* "3 s", "12 min", "2 h", "5 d". */
#define HOOK_AGE_MAX 32u
void hook_age(uint64_t ms, char out[static HOOK_AGE_MAX]);

/* --- tasks ---------------------------------------------------------------------------------- */

/* hook_todowrite.c: a call of TodoWrite was carried out; it is about to be. */
CHT_MUST_USE enum cht_err hook_todos_take(struct hook *h, const struct hook_task *t);
CHT_MUST_USE enum cht_err hook_todos_deny(struct hook *h, const struct hook_task *t);
/* hook_deny.c: claim it for this session; where another holds it `*out_held` is true and `room` has
 * the sentence that says who. One that is not there is nobody's. CHT_E_INVALID: it is finished or
 * deleted. */
#define HOOK_HELD_MAX 1280u
CHT_MUST_USE enum cht_err hook_claim(struct hook *h, const char *todo, const char *key,
                                     char room[static HOOK_HELD_MAX], bool *out_held);
/* A tool has set it to in progress. That is a claim, which sets the status; where another holds it,
 * that is told, and nothing is written over it. Where it cannot be claimed (an older node, one that
 * is busy), the status is written all the same. */
CHT_MUST_USE enum cht_err hook_begin(struct hook *h, const struct hook_task *t, const char *todo);
/* As hook_claim, without claiming. */
CHT_MUST_USE enum cht_err hook_held(struct hook *h, const char *todo,
                                    char room[static HOOK_HELD_MAX], bool *out_held);
/* How far a status is: pending 0, in progress 1, finished 2. */
unsigned hook_status_rank(const char *word);
/* Is the status to be written on a todo that shows `now` (NULL: none)? Hooks may come in another
 * order than the tools ran: a step back is only taken from where the tool saw it. */
bool hook_status_moves(const char *now, enum hook_status from, enum hook_status to);

#endif
