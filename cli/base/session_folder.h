#ifndef CLI_BASE_SESSION_FOLDER_H
#define CLI_BASE_SESSION_FOLDER_H
/* Where on this machine a session of another one goes on: the folder that is its project here. */
#include "cli/base/sessions.h"

struct cli_session_folder {
    char from[NODE_PATH_MAX]; /* the project's folder there; the session's own where it has none */
    char to[NODE_PATH_MAX];   /* the same here */
    char cwd[NODE_PATH_MAX];  /* `to`, or the folder in it that the session worked in */
};

/* By `--folder`, by the places of the project, by the worktrees of its repositories, or because the
 * working directory is a clone of it. CHT_E_NOTFOUND: there is none; the hint says what to clone.
 */
CHT_MUST_USE enum cht_err cli_session_folder_find(struct cli_context *c, struct agent *a,
                                                  const struct cli_session *s,
                                                  struct cli_session_folder *out);

#endif
