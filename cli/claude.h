#ifndef CLI_CLAUDE_H
#define CLI_CLAUDE_H
/* The verbs of `chitty claude`, each by the file it ends. */
#include "bridges/claude/install.h"
#include "cli/base/command.h"

#include <jansson.h>

extern const struct cli_command cli_claude_install; /* claude_install.c */
extern const struct cli_command cli_claude_remove;
extern const struct cli_command cli_claude_config; /* claude_config.c */
extern const struct cli_command cli_claude_hooks;  /* claude_hooks.c */
extern const struct cli_command cli_claude_remote; /* claude_remote.c */
extern const struct cli_command cli_claude_track;  /* claude_track.c */
extern const struct cli_command cli_claude_doctor; /* claude_doctor.c */
extern const struct cli_command cli_claude_mirror; /* claude_mirror.c */

/* All of them; ends with NULL (claude.c). */
extern const struct cli_command *const cli_claude_verbs[];

/* What those share (claude_files.c): a plan, done or not, as diffs or as a document of the
 * command's kind; a value as JSON (`indent` 0: on one line); the flag --scope, the user's without.
 */
CHT_MUST_USE enum cht_err cli_claude_tell(struct cli_context *c, const struct claude_plan *plan,
                                          bool done);
void cli_claude_put(struct cli_context *c, const json_t *value, size_t indent);
CHT_MUST_USE enum cht_err cli_claude_scope(struct cli_context *c, enum claude_scope *out);

#endif
