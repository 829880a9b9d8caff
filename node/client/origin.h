#ifndef NODE_CLIENT_ORIGIN_H
#define NODE_CLIENT_ORIGIN_H
/* What a clone is a clone of, asked of git (git.h): the address of its remote and its first commit.
 * All worktrees of one repository, and clones of it on other machines, say the same. */
#include "node/client/git.h"

#define NODE_COMMIT_MAX 65u /* hex of SHA-256 and a NUL */

/* The address in `url`, as a remote has it, in its normal form (PROTOCOL 1.9): a path is meant from
 * `folder`, and links in it are followed where it is there. Errors of crdt_address_normal. */
CHT_MUST_USE enum cht_err node_origin_normal(const char *folder, const char *url,
                                             struct cht_buf *out);
/* The same of the remote `origin`, or else of the first remote. CHT_E_NOTFOUND: it has none, or
 * there is no git; CHT_E_INVALID: an address that cannot be kept; CHT_E_TIMEOUT. */
CHT_MUST_USE enum cht_err node_origin_address(const char *folder, int timeout_ms,
                                              struct cht_buf *out);
/* The first commit of the history that others start from: that of the remote's HEAD, else of the
 * main worktree's, else of this one's, back along first parents. CHT_E_NOTFOUND: there is none, or
 * the history is cut off (a shallow clone); CHT_E_TIMEOUT. */
CHT_MUST_USE enum cht_err node_origin_root(const char *folder, int timeout_ms,
                                           char out[static NODE_COMMIT_MAX]);

#endif
