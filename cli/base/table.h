#ifndef CLI_BASE_TABLE_H
#define CLI_BASE_TABLE_H
/* Looking things up in the command tables. Help, the manual pages, completions and the tests walk
 * them by these alone, so that a command is everywhere once it stands in a table. */
#include "cli/base/command.h"

/* What a group is called. */
extern const char *const cli_group_titles[CLI_GROUP_COUNT];

/* The command at `index` of a program, of all there are: NULL at the end. */
const struct cli_command *cli_command_at(const struct cli_program *program, size_t index);
/* The noun at `index`: NULL at the end. */
const struct cli_noun *cli_noun_at(const struct cli_program *program, size_t index);
/* The verb at `index` of a noun: its own, then those of all nouns with a type that it has not
 * itself. NULL at the end. */
const struct cli_command *cli_verb_at(const struct cli_program *program,
                                      const struct cli_noun *noun, size_t index);

/* By name; a noun also by its plural ("todos"), unless a command has that name. NULL: there is
 * none. */
const struct cli_command *cli_command_named(const struct cli_program *program, const char *name);
const struct cli_noun *cli_noun_named(const struct cli_program *program, const char *name);
/* The noun of that plural; NULL. */
const struct cli_noun *cli_noun_of_many(const struct cli_program *program, const char *name);
const struct cli_command *cli_verb_named(const struct cli_program *program,
                                         const struct cli_noun *noun, const char *name);
/* What a word after a noun means: a verb, one that people who know other programs say for it, or a
 * command of that noun's type that stands by itself, as in `todo done`. NULL: nothing. */
const struct cli_command *cli_verb_meant(const struct cli_program *program,
                                         const struct cli_noun *noun, const char *word);

#endif
