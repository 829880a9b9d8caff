#ifndef CLI_BASE_OPTIONS_H
#define CLI_BASE_OPTIONS_H
/* Reading a command line by the command's table: own flags, common flags, and the flags of the
 * type's fields, whose names come from the schema. `--` ends the flags; `--flag=VALUE` and
 * `--flag VALUE` are the same. */
#include "cli/base/command.h"

#define CLI_FLAG_NAME_MAX 64u

/* --json, --help: of every command. Ends with a name of NULL. */
extern const struct cli_flag cli_common_flags[];

/* Does the field have such a flag in this kind of command? Fills in the flag's name: of the field
 * ("active-form", "labels") or with `element` of one element of it ("label"). */
bool cli_field_flag(const struct crdt_field *field, enum cli_fields fields, bool element,
                    char out[static CLI_FLAG_NAME_MAX]);
/* What the flag takes, for help: "TIME", "low|medium|high|critical" …; static or in `room`. */
const char *cli_field_value(const struct crdt_field *field, enum cli_fields fields, bool element,
                            char *room, size_t size);

enum cli_help { CLI_HELP_NONE, CLI_HELP_SHORT, CLI_HELP_LONG };

/* Read what follows the command's name into `c->args` and `c->given`, and set `c->json`.
 * `*out_help`:
 * --help or -h was among it (then nothing else is checked). CHT_E_INVALID with `c->fault`. */
CHT_MUST_USE enum cht_err cli_options_read(struct cli_context *c, int argc, char **argv,
                                           enum cli_help *out_help);

#endif
