#ifndef BRIDGES_MCP_PRODUCT_OWN_H
#define BRIDGES_MCP_PRODUCT_OWN_H
/* Between the files of the product. */
#include "bridges/agent/agent.h"
#include "bridges/mcp/call.h"
#include "bridges/mcp/product.h"
#include "bridges/mcp/words.h"

#define PRODUCT_READY_URI   "chitty://ready"
#define PRODUCT_TODO_URI    "chitty://todo/"
#define PRODUCT_SESSION_URI "chitty://session/"

#define PRODUCT_LIST_DEFAULT 20u
#define PRODUCT_LIST_MAX     100u
#define PRODUCT_TEXT_BYTES   (24u * 1024u) /* of one answer: a quarter of what a client cuts at */
#define PRODUCT_NOTE_BYTES   4096u         /* of one long text in it */
#define PRODUCT_KEY_BYTES    40u

struct changes; /* changes.c */
struct facts;

struct mcp_product {
    struct mcp_server *server;
    struct agent *agent; /* NULL: not connected yet */
    bool known;          /* the session's record and the project are known */
    int64_t touched_ms;  /* when the session last said that it lives */
    struct changes *changes;
    json_t *lost; /* claims that went to others: "id token" -> true when it was told */
};

/* --- product.c ------------------------------------------------------------------------------- */
/* The node, with the session and its project known. NULL: there is none; `text` says why. */
struct agent *product_agent(struct mcp_product *p, char *text, size_t text_bytes);
/* The same for a tool: NULL: the call was answered with the reason. */
struct agent *product_agent_for(struct mcp_product *p, struct mcp_call *call);
/* Answer a tool with lines and their short JSON, which it takes over; claims that this session lost
 * meanwhile are told beside them, each once. Clears the lines. */
void product_answer(struct mcp_product *p, struct mcp_call *call, struct facts *f,
                    json_t *structured);
/* What the last request failed with, as the tool's answer. */
void product_fail(struct mcp_product *p, struct mcp_call *call);
/* The key of what this call asks of the node, `part` of several; false: the client gave no
 * tool-use id (LOCAL 3.5). */
bool product_key(const struct mcp_product *p, const struct mcp_call *call, const char *part,
                 char out[static PRODUCT_KEY_BYTES]);

/* --- facts.c --------------------------------------------------------------------------------- */
/* Lines of text for a model: facts, and texts of others in quotation marks. */
struct facts {
    struct cht_buf text;
    bool cut; /* there was more than fits */
};
void facts_init(struct facts *f);
void facts_clear(struct facts *f);
__attribute__((format(printf, 2, 3))) void facts_say(struct facts *f, const char *format, ...);
/* The text in quotation marks, on one line, at most `bytes_max` of it. NULL: nothing. */
void facts_quote(struct facts *f, const char *text, size_t bytes_max);
/* A long text: its lines, each after two blanks. */
void facts_block(struct facts *f, const char *text, size_t bytes_max);
/* A text under a key of an object, cut between characters; nothing where it is NULL or empty.
 * False: out of memory. */
bool facts_put(json_t *object, const char *key, const char *text, size_t bytes_max);
/* NUL-terminated, until the next call. */
const char *facts_text(struct facts *f);

/* A time in ms since the Unix epoch as RFC 3339 in UTC, to the second. */
struct facts_time {
    char text[24];
};
struct facts_time facts_rfc3339(int64_t ms);

/* A record of a todo as short JSON {id, title, status, …}; `claims`: those of the project (LOCAL
 * 8.6), or NULL. `whole`: with its texts. NULL: out of memory. */
json_t *facts_todo(const struct agent *a, const json_t *record, const json_t *claims, bool whole);
/* One made by facts_todo as a line, and (whole) the lines after it. */
void facts_say_todo(struct facts *f, const json_t *todo);
/* {id, title, …} of a session's record; `devices`: members (LOCAL 6.1), or NULL. */
json_t *facts_session(const struct agent *a, const json_t *record, const json_t *devices,
                      const json_t *claims);
void facts_say_session(struct facts *f, const json_t *session);

/* --- reads used by tools, resources and prompts alike (read.c) ---------------------------------
 */
/* Todos as facts_todo has them. */
CHT_MUST_USE enum cht_err read_todos(struct agent *a, const struct agent_list *list, json_t **out);
CHT_MUST_USE enum cht_err read_todo(struct agent *a, const char *id, json_t **out);
/* Sessions of the project, the last active first, as facts_session has them; `id`: that one. */
CHT_MUST_USE enum cht_err read_sessions(struct agent *a, const char *id, unsigned limit,
                                        json_t **out);

/* --- tools*.c, resources.c, prompts.c: add what they offer --------------------------------------
 */
CHT_MUST_USE enum cht_err product_add_tools(struct mcp_product *p);
CHT_MUST_USE enum cht_err product_add_resources(struct mcp_product *p);
CHT_MUST_USE enum cht_err product_add_prompts(struct mcp_product *p);
/* mcp_config.more_resources: what is ready and what this session holds, for people to pick from. */
void product_list_resources(struct mcp_call *call, void *user);
/* That list; NULL: the node does not answer. */
json_t *product_resources(struct mcp_product *p);

mcp_tool_fn tool_todos, tool_todo_add, tool_todo_update, tool_todo_claim, tool_todo_release,
    tool_checkpoint, tool_sessions, tool_search, tool_context;

/* --- changes.c ------------------------------------------------------------------------------- */
CHT_MUST_USE enum cht_err changes_new(struct mcp_product *p, struct changes **out);
void changes_free(struct changes *c);
/* mcp_config.watch */
void changes_watch(void *user, const char *uri, bool on);
/* Somebody has been given this list of resources: tell when it is another. */
void changes_listed(struct mcp_product *p, const json_t *resources);
/* The node has answered: if the watch is not on it, begin it. */
void changes_poke(struct changes *c);
int changes_fd(void *user);
void changes_ready(void *user);

#endif
