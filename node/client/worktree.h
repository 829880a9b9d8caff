#ifndef NODE_CLIENT_WORKTREE_H
#define NODE_CLIENT_WORKTREE_H
/* The state of one clone of a repository, as a repo's `worktrees` keeps it (SCHEMA repo 20): read
 * from `git status --porcelain=v2 --branch -z`, written as a map. What git says is bytes from
 * outside: bounded, and what is no UTF-8 is left out. */
#include "crdt/base/buf.h"

#define NODE_WORKTREES(X)                                                                          \
    X(NODE_WT_SYNCED, "synced")                                                                    \
    X(NODE_WT_AHEAD, "ahead")                                                                      \
    X(NODE_WT_BEHIND, "behind")                                                                    \
    X(NODE_WT_DIVERGED, "diverged")                                                                \
    X(NODE_WT_NO_UPSTREAM, "no-upstream")                                                          \
    X(NODE_WT_DETACHED, "detached")                                                                \
    X(NODE_WT_MISSING, "missing")       /* there is no clone any more */                           \
    X(NODE_WT_UNREADABLE, "unreadable") /* git does not tell, in time or at all */

enum node_wt_state {
#define X(sym, word) sym,
    NODE_WORKTREES(X)
#undef X
        NODE_WT_STATE_COUNT
};

#define NODE_WT_NAME_MAX 256u /* a branch, with the final NUL; git's own bound is a path's */

struct node_worktree {
    enum node_wt_state state;
    bool dirty;                      /* changed, staged, unmerged or untracked files */
    uint32_t ahead, behind;          /* commits, of its upstream as last fetched */
    char branch[NODE_WT_NAME_MAX];   /* empty: none */
    char upstream[NODE_WT_NAME_MAX]; /* empty: none */
    char commit[65];                 /* hex; empty: none yet */
};

const char *node_worktree_word(enum node_wt_state state);

/* Read what git printed; whatever follows its first entry is not looked at, so that it may be cut
 * off. CHT_E_MALFORMED: no branch.head in it, or a header that is not as git writes it. */
CHT_MUST_USE enum cht_err node_worktree_read(struct cht_bytes printed, struct node_worktree *out);
/* Append the map {state, dirty, ahead, behind, branch?, commit?, upstream?, at}; of a clone that is
 * missing or unreadable {state, at}. Errors as cht_buf_add. */
CHT_MUST_USE enum cht_err node_worktree_put(const struct node_worktree *w, uint64_t at_ms,
                                            struct cht_buf *out);
/* Does such a map (exact bytes; empty: none) say the same, but for when? */
bool node_worktree_same(const struct node_worktree *w, struct cht_bytes map);

#endif
