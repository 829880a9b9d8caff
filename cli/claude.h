#ifndef CLI_CLAUDE_H
#define CLI_CLAUDE_H
/* The verbs of `chitty claude`, each by the file it ends. */
#include "cli/base/command.h"

extern const struct cli_command cli_claude_install; /* claude_install.c */
extern const struct cli_command cli_claude_remove;

/* All of them; ends with NULL (claude.c). */
extern const struct cli_command *const cli_claude_verbs[];

#endif
