#ifndef CLI_BASE_REPO_CLONE_H
#define CLI_BASE_REPO_CLONE_H
/* Clones on this machine, for the verbs of `repo`: a repo's `worktrees` has each under
 * "DEVICE:PATH" (SCHEMA repo 20). */
#include "cli/base/gathered.h"
#include "node/client/git.h"
#include "node/client/paths.h"

/* The clone that a path is in, by git; NULL: the working directory. CHT_E_INVALID: it is in none,
 * or in one whose path cannot be kept; CHT_E_NOTFOUND: no git here. */
CHT_MUST_USE enum cht_err cli_clone_find(struct cli_context *c, const char *path,
                                         char out[static NODE_PATH_MAX]);
/* The key of a path on this device. CHT_E_LIMIT: too long. */
CHT_MUST_USE enum cht_err cli_clone_key(struct cli_context *c, const struct cli_devices *devices,
                                        const char *path, char out[static LIMIT_KEY_BYTES + 1]);
/* The path of a key of this device; empty: of another one. */
struct cht_bytes cli_clone_path(const struct cli_devices *devices, struct cht_bytes key);

/* All repos with `url` and `worktrees`. */
CHT_MUST_USE enum cht_err cli_clone_repos(struct cli_context *c, struct cht_buf *out);
/* The first of them that has this key; false: none. */
bool cli_clone_holder(struct cht_bytes repos, const char *key, struct cht_bytes *record);

/* {worktrees: {KEY: state}}, or nil for a state of NULL. Errors as cht_buf_add. */
CHT_MUST_USE enum cht_err cli_clone_data(const char *key, const struct node_worktree *state,
                                         uint64_t now_ms, struct cht_buf *out);

/* Look at this device's clones (`only`: at that one; NULL: at all) and write what changed. */
CHT_MUST_USE enum cht_err cli_clones_refresh(struct cli_context *c,
                                             const struct cli_devices *devices,
                                             struct cht_bytes repos, const char *only);

#endif
