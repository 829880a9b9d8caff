#ifndef BRIDGES_CLAUDE_CONFIG_H
#define BRIDGES_CLAUDE_CONFIG_H
/* Reading Claude Code's settings, and setting one of them. */
#include "bridges/claude/edit.h"
#include "bridges/claude/install.h"

#define CLAUDE_KEY_MAX 512u

/* A key as people say it, "env.EDITOR": at most four names. `room` holds what the path points to.
 * CHT_E_INVALID: it is none. */
CHT_MUST_USE enum cht_err claude_config_key(const char *key, char room[static CLAUDE_KEY_MAX],
                                            struct node_fault *fault, struct edit_path *out);
/* The whole of a file as a value; CHT_E_NOTFOUND: there is none, or nothing is in it. Errors of
 * claude_file_read and edit_parse. The caller owns it. */
CHT_MUST_USE enum cht_err claude_config_read(const char *path, struct node_fault *fault,
                                             json_t **out);
/* What a word on the command line says for a key: JSON where it is some, else a text; under `env`
 * always a text. NULL: no memory. */
json_t *claude_config_word(const struct edit_path *path, const char *word);
/* What would be done to set a member of a file, as a plan of one step. `only_new`: CHT_E_EXISTS
 * where the member is there. */
CHT_MUST_USE enum cht_err claude_config_plan(const char *file, const struct edit_path *path,
                                             const json_t *value, bool only_new, bool secrets,
                                             struct node_fault *fault, struct claude_plan *out);

#endif
