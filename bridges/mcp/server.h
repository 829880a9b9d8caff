#ifndef BRIDGES_MCP_SERVER_H
#define BRIDGES_MCP_SERVER_H
/* A server of the Model Context Protocol, without its transport: what it offers.
 *
 * One dispatcher for both eras. Legacy is what begins with `initialize` (2024-11-05, 2025-06-18,
 * 2025-11-25); modern is what says its revision in each request's `_meta` (2026-07-28) and keeps
 * nothing between two requests. Which one a request is of is seen from the request itself (conn.h);
 * tools and the others are written once for both (call.h).
 *
 * Single-threaded: everything of one server is called from one thread, callbacks may call back in.
 * Texts and tables passed in are borrowed and must outlive the server; JSON texts among them are
 * parsed and checked when they are added. JSON values are jansson's; a function that takes one over
 * says so. */
#include <jansson.h>

#include "bridges/mcp/limits.h"
#include "crdt/base/bytes.h"
#include "crdt/base/err.h"

#define MCP_VERSION_MODERN  "2026-07-28"
#define MCP_VERSION_LEGACY  "2025-11-25" /* the newest of the legacy ones: answered by default */
#define MCP_STATE_KEY_BYTES 32u
#define MCP_STATE_TTL_MS    (15 * 60 * 1000) /* how long a requestState may be brought back */

/* JSON-RPC's codes and those of the protocol. */
enum mcp_code {
    MCP_PARSE_ERROR = -32700,
    MCP_INVALID_REQUEST = -32600,
    MCP_METHOD_NOT_FOUND = -32601,
    MCP_INVALID_PARAMS = -32602,
    MCP_INTERNAL_ERROR = -32603,
    MCP_RESOURCE_NOT_FOUND = -32002, /* legacy only; modern: MCP_INVALID_PARAMS with data.uri */
    MCP_HEADER_MISMATCH = -32020,    /* modern only, this and the two below */
    MCP_MISSING_CAPABILITY = -32021,
    MCP_UNSUPPORTED_VERSION = -32022,
};

enum mcp_list {
    MCP_TOOLS,
    MCP_PROMPTS,
    MCP_RESOURCES, /* resources and templates */
    MCP_LISTS
};

struct mcp_call; /* a request under way: call.h */
struct mcp_server;

/* Answers the call now or later, exactly once (call.h). `arguments` is an object, never NULL, and
 * borrowed for the time of this one invocation (mcp_call_arguments gives it again later). */
typedef void mcp_tool_fn(struct mcp_call *call, const json_t *arguments, void *user);
/* `uri` as the client wrote it; a template's variables: mcp_call_variable. */
typedef void mcp_read_fn(struct mcp_call *call, const char *uri, void *user);
/* Propose values for `argument`, of which `value` is typed so far; `context` is an object of those
 * already chosen, or NULL. Answers by mcp_answer_completion. */
typedef void mcp_complete_fn(struct mcp_call *call, const char *argument, const char *value,
                             const json_t *context, void *user);

struct mcp_tool {
    const char *name;
    const char *title;         /* NULL: none */
    const char *description;   /* at most 2 KiB: clients cut there */
    const char *input_schema;  /* JSON text of an object with "type":"object"; goes out verbatim */
    const char *output_schema; /* JSON text, or NULL */
    const char *annotations;   /* JSON text of an object, or NULL */
    const char *meta;          /* JSON text of the tool's own `_meta`, or NULL */
    mcp_tool_fn *call;
    void *user;
};

struct mcp_resource {
    const char *uri;
    const char *name;
    const char *title, *description, *mime_type; /* each may be NULL */
    mcp_read_fn *read;
    void *user;
};

struct mcp_template {
    const char *uri_template; /* "chitty://todo/{id}": variables fill one part between slashes */
    const char *name;
    const char *title, *description, *mime_type; /* each may be NULL */
    mcp_read_fn *read;
    mcp_complete_fn *complete; /* NULL: nothing is proposed for its variables */
    void *user;
};

struct mcp_argument {
    const char *name;
    const char *description; /* or NULL */
    bool required;
};

struct mcp_prompt {
    const char *name;
    const char *title, *description; /* each may be NULL */
    const struct mcp_argument *arguments;
    size_t argument_count;
    mcp_tool_fn
        *get; /* answers by mcp_answer_prompt; required arguments are there, all are texts */
    mcp_complete_fn *complete; /* or NULL */
    void *user;
};

struct mcp_config {
    const char *name, *title, *version; /* of the server; title may be NULL */
    const char *instructions;           /* for the model, at most 2 KiB; NULL: none */
    bool logging;                       /* log messages are sent when a client wants them */
    bool subscribe;                     /* single resources can be watched */
    bool list_changed[MCP_LISTS];       /* changes of these lists will be told by mcp_changed */
    bool shared[MCP_LISTS]; /* the list is the same for all users: cacheScope "public" */
    int64_t list_ttl_ms;    /* how long a client may take lists and discover for fresh */
    int64_t read_ttl_ms;    /* the same for resources/read */
    uint8_t state_key[MCP_STATE_KEY_BYTES]; /* guards requestState; random, this process's own */
    int64_t (*now_ms)(void *user);          /* the wall clock; NULL: the system's */
    /* The first came (on) or the last went (off) who watches `uri`. NULL: nobody wants to know. */
    void (*watch)(void *user, const char *uri, bool on);
    /* More resources than the table has, for resources/list: answers by mcp_answer_resources.
     * NULL: the table is all there is. Also makes the resources capability present. */
    void (*more_resources)(struct mcp_call *call, void *user);
    void *user;
};

/* A server that offers nothing yet. `config` is copied, its texts are borrowed. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err mcp_server_new(const struct mcp_config *config, struct mcp_server **out);
/* Frees it; all its connections must have been closed. NULL is allowed. */
void mcp_server_free(struct mcp_server *server);

/* Offer one more; lists keep the order of addition. The struct is copied, its texts are borrowed.
 * May be called while connections are open: say mcp_changed then.
 * CHT_E_EXISTS: the name (uri) is taken; CHT_E_INVALID: a JSON text in it is none, or not an
 * object; CHT_E_LIMIT: MCP_LIMIT_TABLE; CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err mcp_add_tool(struct mcp_server *server, const struct mcp_tool *tool);
CHT_MUST_USE enum cht_err mcp_add_resource(struct mcp_server *server,
                                           const struct mcp_resource *resource);
CHT_MUST_USE enum cht_err mcp_add_template(struct mcp_server *server,
                                           const struct mcp_template *template);
CHT_MUST_USE enum cht_err mcp_add_prompt(struct mcp_server *server,
                                         const struct mcp_prompt *prompt);
/* Offer it no longer. Calls of it under way go on. CHT_E_NOTFOUND. */
CHT_MUST_USE enum cht_err mcp_remove_tool(struct mcp_server *server, const char *name);
CHT_MUST_USE enum cht_err mcp_remove_prompt(struct mcp_server *server, const char *name);

/* Tell whoever wants to know: a list is another now / this resource is another now. Legacy
 * connections are told of lists once initialized and of resources they subscribed; modern ones on
 * their listens. */
void mcp_changed(struct mcp_server *server, enum mcp_list list);
void mcp_updated(struct mcp_server *server, const char *uri);

#endif
