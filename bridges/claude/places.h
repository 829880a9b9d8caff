#ifndef BRIDGES_CLAUDE_PLACES_H
#define BRIDGES_CLAUDE_PLACES_H
/* Where the files of Claude Code are. */
#include "node/client/fault.h"
#include "node/client/paths.h"

/* Whose settings: a person's, a project's for all who work at it, a project's for oneself. */
enum claude_scope { CLAUDE_USER, CLAUDE_PROJECT, CLAUDE_LOCAL, CLAUDE_SCOPE_COUNT };

extern const char *const claude_scopes[CLAUDE_SCOPE_COUNT]; /* "user" … */

/* CHT_E_INVALID, with a fault: it is none. */
CHT_MUST_USE enum cht_err claude_scope_named(const char *name, struct node_fault *fault,
                                             enum claude_scope *out);

/* The folder of a person's settings: CLAUDE_CONFIG_DIR, else ~/.claude. CHT_E_INVALID: neither is
 * known, or it is too long. */
CHT_MUST_USE enum cht_err claude_config_dir(struct node_fault *fault,
                                            char out[static NODE_PATH_MAX]);
/* The project's folder: CLAUDE_PROJECT_DIR, else the folder above this one that has a .git or a
 * .claude (not the home's), else this one. */
CHT_MUST_USE enum cht_err claude_project_dir(struct node_fault *fault,
                                             char out[static NODE_PATH_MAX]);
/* settings.json of a scope, settings.local.json of CLAUDE_LOCAL. */
CHT_MUST_USE enum cht_err claude_settings_path(enum claude_scope scope, struct node_fault *fault,
                                               char out[static NODE_PATH_MAX]);
/* Where MCP servers of a scope are registered: .mcp.json of a project; for oneself .claude.json in
 * the home or in CLAUDE_CONFIG_DIR, which holds credentials besides. */
CHT_MUST_USE enum cht_err claude_servers_path(enum claude_scope scope, struct node_fault *fault,
                                              char out[static NODE_PATH_MAX]);

#endif
