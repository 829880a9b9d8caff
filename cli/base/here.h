#ifndef CLI_BASE_HERE_H
#define CLI_BASE_HERE_H
/* Where a command runs: the project of its folder, and its session. */
#include "cli/base/command.h"

#define CLI_HERE_MAX 256u /* of a project's id or name, with its NUL */

/* The project that commands mean: CHITTY_PROJECT (an id or a name; empty: none) where it is set,
 * else the one that the working directory is a place of (`chitty init`, or a session that was
 * there);
 * "" where it is none's: git is not asked. With `session`, the session that the command runs in, if
 * it runs in one, has a record from now on. Errors of asking the node. */
CHT_MUST_USE enum cht_err cli_here(struct cli_context *c, bool session,
                                   char out_project[static CLI_HERE_MAX]);
/* A new todo or checkpoint is of that session and of that project, where the command line says no
 * other; `--project none`: of no project. `room` outlives the command's use of its fields. Errors
 * of asking the node. */
struct cli_here {
    char session[CRDT_ID_TEXT_MAX], project[CLI_HERE_MAX];
};
CHT_MUST_USE enum cht_err cli_here_give(struct cli_context *c, struct cli_here *room);
/* Does the command line say of which project, by a flag or a word of a filter? */
bool cli_says_project(const struct cli_context *c);

#endif
