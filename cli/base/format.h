#ifndef CLI_BASE_FORMAT_H
#define CLI_BASE_FORMAT_H
/* How a command's output looks: --json[=NAME,…], --ndjson, -o FORMAT. */
#include "cli/base/command.h"

/* Is the word after a bare --json the names it chooses? It is when it has no dash in front, and
 *   - the command takes no arguments, so that it can be nothing else; or
 *   - it is a list with a comma, of which at least one name is known; or
 *   - it is a known name, and the command does not write fields (then it may be a text).
 * Everything else is an argument; `--json=title` is always a choice. */
bool cli_format_is_choice(const struct cli_context *c, const char *word);

/* Set `c->json`, `c->format` and `c->picks` from the flags given. CHT_E_INVALID with `c->fault`: no
 * such format or name, several formats, or names for a command that prints no document. */
CHT_MUST_USE enum cht_err cli_format_read(struct cli_context *c);

/* Does a command line, not yet read, ask for errors as JSON? */
bool cli_format_asks_json(int argc, char **argv);

#endif
