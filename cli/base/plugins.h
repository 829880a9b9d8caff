#ifndef CLI_BASE_PLUGINS_H
#define CLI_BASE_PLUGINS_H
/* `chitty foo` runs `chitty-foo` where chitty has no foo of its own, as git does. */
#include "cli/base/command.h"

#define CLI_PLUGIN_MAX 64u /* bytes of a name with its NUL */

/* Become PROGRAM-`argv[0]` on PATH, with the arguments after it, up to NULL; the environment goes
 * with it. Returns only when there is none (CHT_OK), or it cannot be started (CHT_E_IO with
 * `c->fault`). */
CHT_MUST_USE enum cht_err cli_plugin_run(struct cli_context *c, char **argv);

/* The names of those on PATH, without the program's, each once, in order; at most `size`. */
size_t cli_plugins(const struct cli_program *program, char (*out)[CLI_PLUGIN_MAX], size_t size);

#endif
