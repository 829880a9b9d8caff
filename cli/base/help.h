#ifndef CLI_BASE_HELP_H
#define CLI_BASE_HELP_H
/* Help texts made from the command tables. */
#include "cli/base/command.h"

/* Commands in groups, things, topics, plugins. */
void cli_help_program(struct cli_context *c);
/* The verbs of a noun. */
void cli_help_noun(struct cli_context *c, const struct cli_noun *noun);
/* `c->command`: usage and flags; in long also what there is to say, and examples. */
void cli_help_command(struct cli_context *c, bool in_short);

#endif
