#ifndef CLI_BASE_ALIASES_H
#define CLI_BASE_ALIASES_H
/* Other words for commands: `claude todos list` is `todo list`. */
#include "cli/base/command.h"

/* Where a command line begins with the words of an alias of the program, the words that it means
 * stand in their place: `*argv` then is memory of this function, good until its next call. */
void cli_alias_take(const struct cli_program *program, int *argc, char ***argv);
/* The alias at `index` whose words begin with that of a noun; NULL: no more. */
const struct cli_alias *cli_alias_at(const struct cli_program *program, const char *noun,
                                     size_t index);

#endif
