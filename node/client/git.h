#ifndef NODE_CLIENT_GIT_H
#define NODE_CLIENT_GIT_H
/* Asking git: a child with a bounded output and a time limit, never by a shell, without the
 * variables that name a repository, without prompts, and without taking locks that would be in the
 * way of the user's own commands. */
#include "crdt/base/buf.h"
#include "node/client/worktree.h"

#include <sys/types.h>

#define NODE_GIT_WORDS_MAX 16u
#define NODE_GIT_BYTES     (64u * 1024u) /* of its output; what comes after is cut off */
#define NODE_GIT_MS        20000         /* for one question */

/* One that runs. */
struct node_git {
    pid_t pid;
    int fd; /* to be polled for reading; -1: none runs */
    struct cht_buf out;
};

/* Start `git -C FOLDER WORDS…` (ends with NULL, at most NODE_GIT_WORDS_MAX). CHT_E_NOTFOUND: no
 * git here; CHT_E_IO; CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err node_git_start(const char *folder, const char *const *words,
                                         struct node_git *out);
/* Take what it has printed. CHT_E_WAITING: it goes on; CHT_OK: it has ended well, or printed more
 * than NODE_GIT_BYTES and was ended; CHT_E_INVALID: it failed; CHT_E_NOMEM. But for the first it
 * is over, and `g->out` is there until node_git_stop. */
CHT_MUST_USE enum cht_err node_git_take(struct node_git *g);
/* End it, and forget what it printed. May be called at any time. */
void node_git_stop(struct node_git *g);

/* Ask and wait, at most `timeout_ms`; what it printed, without a last line break, is appended to
 * `out`. Errors as the above; CHT_E_TIMEOUT. */
CHT_MUST_USE enum cht_err node_git_ask(const char *folder, const char *const *words, int timeout_ms,
                                       struct cht_buf *out);

/* What to ask for node_worktree_read. */
extern const char *const node_git_status[];
/* Is there a clone: `.git` in the folder? Without asking git. */
bool node_git_is_clone(const char *folder);
/* The state of a clone, now, waited for. */
void node_git_look(const char *folder, struct node_worktree *out);

/* `git fetch` of the current branch's remote, with this process's terminal and stderr, for as long
 * as it takes. CHT_E_NOTFOUND, CHT_E_INVALID (it failed and has said why), CHT_E_IO. */
CHT_MUST_USE enum cht_err node_git_fetch(const char *folder);

#endif
