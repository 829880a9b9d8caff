#ifndef BRIDGES_MCP_PRODUCT_H
#define BRIDGES_MCP_PRODUCT_H
/* What chitty offers to models over MCP: todos, checkpoints, sessions, contexts and search as
 * tools, what is ready and single todos and sessions as resources with change notifications, and
 * prompts.
 *
 *   product.c       the server, the connection to the node, keys of requests, errors in words
 *   tools.c         the table of tools; tools_todo.c, tools_note.c: what they do
 *   facts.c         records as short JSON and as lines of text
 *   resources.c     chitty://ready, chitty://todo/{id}, chitty://session/{id}
 *   changes.c       notifications: the node is watched over a connection of its own
 *   prompts.c       standup, handoff, claim-next
 *
 * The node is asked only when a request needs it; one that is not there, or was started anew
 * meanwhile, is looked for again at the next request. */
#include "bridges/mcp/stdio.h"

struct mcp_product;

/* `version`: of the program, borrowed. Opens nothing yet. CHT_E_NOMEM; CHT_E_INTERNAL. */
CHT_MUST_USE enum cht_err mcp_product_new(const char *version, struct mcp_product **out);
/* Its connections must have been closed. NULL is allowed. */
void mcp_product_free(struct mcp_product *p);
struct mcp_server *mcp_product_server(struct mcp_product *p);
/* What the transport waits on besides the client. */
struct mcp_source mcp_product_source(struct mcp_product *p);

#endif
