#ifndef BRIDGES_CLAUDE_REGISTRATION_H
#define BRIDGES_CLAUDE_REGISTRATION_H
/* What Claude Code is told about chitty: which hooks it runs, and the MCP server. The settings that
 * `chitty claude install` writes, the plugin's hooks.json and what `doctor` tries are this table
 * (https://code.claude.com/docs/en/hooks). */
#include "crdt/base/bytes.h"

#include <jansson.h>

#define CLAUDE_SERVER "chitty" /* the MCP server's name, and the plugin's */
#define CLAUDE_PLUGIN "chitty@chitty"
/* The tools with which a session keeps a list of its own, where its model has any. */
#define CLAUDE_TODO_TOOLS "CLAUDE_CODE_ENABLE_TODO_TOOLS"

struct claude_hook {
    const char *event;   /* of Claude Code; NULL ends the table */
    const char *matcher; /* tools that it is about; NULL: not about tools */
    const char *name;    /* `chitty hook NAME` */
    unsigned timeout_s;  /* 0: Claude Code's own */
    bool async;          /* the turn does not wait for it */
    bool rewake;         /* its end with status 2 begins a turn */
};

/* In order; rows of one event and matcher stand together and are registered as one group. */
extern const struct claude_hook claude_hooks[];

/* {EVENT: [GROUP…]} with this program; NULL: no memory. The caller owns it. */
json_t *claude_hooks_value(const char *program);
/* {type, command, args} of the MCP server; NULL: no memory. */
json_t *claude_server_value(const char *program);
/* Is a handler of a hook one of `chitty hook …`, whoever wrote it down? `*out_name` is then its
 * name, in `handler`; may be NULL. */
bool claude_is_hook(const json_t *handler, const char **out_name);
/* Is an entry of mcpServers `chitty mcp`? */
bool claude_is_server(const json_t *server);

#endif
