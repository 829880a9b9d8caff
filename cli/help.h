#ifndef CLI_HELP_H
#define CLI_HELP_H
/* Help texts made from the command tables. */
#include "cli/command.h"

void cli_help_program(struct cli_context *c);
/* The verbs of a noun. */
void cli_help_noun(struct cli_context *c, const struct cli_noun *noun);
/* `c->command`: usage, flags, examples. */
void cli_help_command(struct cli_context *c);

#endif
