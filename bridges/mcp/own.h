#ifndef BRIDGES_MCP_OWN_H
#define BRIDGES_MCP_OWN_H
/* Between the files of the dispatcher. */
#include "bridges/mcp/call.h"
#include "bridges/mcp/conn.h"
#include "bridges/mcp/words.h"

#define META_VERSION      "io.modelcontextprotocol/protocolVersion"
#define META_CLIENT       "io.modelcontextprotocol/clientInfo"
#define META_CAPABILITIES "io.modelcontextprotocol/clientCapabilities"
#define META_LOG_LEVEL    "io.modelcontextprotocol/logLevel"
#define META_SUBSCRIPTION "io.modelcontextprotocol/subscriptionId"
#define META_SERVER       "io.modelcontextprotocol/serverInfo"

#define HTTP_OK          200
#define HTTP_BAD_REQUEST 400
#define HTTP_NOT_FOUND   404

/* --- server.c: the tables -------------------------------------------------------------------- */
enum mcp_kind { KIND_TOOL, KIND_PROMPT, KIND_RESOURCE, KIND_TEMPLATE, KINDS };

struct mcp_row {
    const char *key; /* the name, the uri, the template; borrowed */
    json_t *shown;   /* as lists have it */
    union {
        struct mcp_tool tool;
        struct mcp_prompt prompt;
        struct mcp_resource resource;
        struct mcp_template template;
    };
};

struct mcp_table {
    struct mcp_row *rows;
    size_t count;
};

struct mcp_server {
    struct mcp_config config;
    struct mcp_table tables[KINDS];
    struct mcp_conn *conns;
    json_t *watched; /* uri -> by how many subscriptions */
};

/* The row of that key, or NULL. */
const struct mcp_row *mcp_row_find(const struct mcp_server *server, enum mcp_kind kind,
                                   const char *key);
int64_t mcp_now_ms(const struct mcp_server *server);
/* {name, title?, version}; NULL: out of memory. */
json_t *mcp_implementation(const struct mcp_server *server);
/* What the server can do, both eras name it alike; NULL: out of memory. */
json_t *mcp_capabilities(const struct mcp_server *server);
/* The lists of that kind are offered at all. */
bool mcp_offers(const struct mcp_server *server, enum mcp_list list);

/* --- template.c ------------------------------------------------------------------------------ */
/* Does `uri` fit the template; *out_variables is then a new object of their values (or NULL when
 * out of memory: taken for no fit). */
bool mcp_template_match(const char *uri_template, const char *uri, json_t **out_variables);
/* Who reads `uri`: a resource of that address or the first template that fits it, whose variables
 * are then in *out_variables (a new reference), else that is NULL. */
const struct mcp_row *mcp_reader_find(const struct mcp_server *server, const char *uri,
                                      bool *out_template, json_t **out_variables);

/* --- guard.c --------------------------------------------------------------------------------- */
/* The nesting and the number of values of a JSON text are bounded, told without parsing it.
 * CHT_E_LIMIT. Text that is no JSON passes or not: the parser judges that. */
CHT_MUST_USE enum cht_err mcp_guard(struct cht_bytes text);

/* --- schema.c -------------------------------------------------------------------------------- */
/* `value` is as `schema` asks, as far as the keywords go that tools use: type, enum, const,
 * required, properties, additionalProperties: false, items, minimum, maximum, minLength, maxLength,
 * minItems, maxItems. Others are not looked at. False: `text` says what is wrong, in a sentence. */
bool mcp_schema_check(const json_t *schema, const json_t *value, char *text, size_t text_bytes);

/* --- conn.c ---------------------------------------------------------------------------------- */
struct mcp_conn {
    struct mcp_server *server;
    struct mcp_conn *next, *prev;
    mcp_emit_fn *emit;
    void *user;
    void *stream;         /* the connection's own */
    const char *session;  /* the legacy revision agreed on, or NULL */
    bool initialized;     /* the legacy client said so */
    json_t *capabilities; /* of the legacy client */
    enum mcp_level level; /* of the legacy client */
    json_t *watched;      /* uri -> true: legacy resources/subscribe */
    struct mcp_call *calls;
    size_t call_count, listen_count, watched_count;
    json_int_t next_id; /* of requests to the client */
};

/* --- call.c ---------------------------------------------------------------------------------- */
enum mcp_method_kind {
    METHOD_PLAIN, /* answered by the dispatcher itself */
    METHOD_TOOL,
    METHOD_READ,
    METHOD_PROMPT,
    METHOD_COMPLETE,
    METHOD_RESOURCES,
    METHOD_LISTEN
};

struct mcp_asked {
    json_int_t id; /* of the request to the client; 0: it is answered */
    char *key;
    const char *method;
};

struct mcp_call {
    struct mcp_conn *conn; /* NULL: cancelled, or the client is gone */
    struct mcp_call *next, *prev;
    enum mcp_era era;
    enum mcp_method_kind kind;
    const char *method; /* static */
    void *to;
    bool homeless; /* its stream broke: answers go to the connection's own */
    json_t *id;
    json_t *params;                 /* an object; keeps what is borrowed below alive */
    const json_t *arguments, *meta; /* in params */
    const json_t *capabilities;     /* in params (modern) or of the connection */
    const json_t *token;            /* of progress, or NULL */
    json_t *made_arguments;         /* when params has none */
    int level;                      /* of log messages; above MCP_EMERGENCY: none */
    char *principal;
    char *name;        /* of the tool or prompt, or the uri: what is called */
    json_t *variables; /* of the template, or NULL */
    json_t *inputs;    /* key -> the client's answer, or NULL */
    json_t *state;     /* or NULL */
    json_t *filter;    /* METHOD_LISTEN: what was agreed */
    const struct mcp_argument *prompt_arguments;
    union {
        mcp_tool_fn *tool; /* also prompts */
        mcp_read_fn *read;
    } fn;
    void *user;
    void (*hook)(struct mcp_call *call, void *user);
    void *hook_user;
    struct mcp_asked asked[MCP_LIMIT_ASKS]; /* legacy: questions that are out */
    size_t asked_count;
    unsigned rounds;
};

/* A call of this connection; NULL: out of memory. Takes a reference of id and params. */
struct mcp_call *mcp_call_new(struct mcp_conn *conn, json_t *id, json_t *params, void *to);
/* Take it out of its connection and free it. */
void mcp_call_free(struct mcp_call *call);
/* The client does not want it any more. end: tell the transport that nothing more comes. */
void mcp_call_cancel(struct mcp_call *call, bool end);
/* Invoke the callback of a tool, prompt or resource (again). */
void mcp_call_begin(struct mcp_call *call);
/* As mcp_fail, with a status of one's own. */
void mcp_refuse(struct mcp_call *call, enum mcp_code code, const char *message, json_t *data,
                int status);
/* The name of an enum mcp_level, or the level of a name (-1: none of that name). */
const char *mcp_level_name(enum mcp_level level);
int mcp_level_find(const char *name);

/* --- out.c ----------------------------------------------------------------------------------- */
/* Each takes its json_t values over; NULL ones make an internal error of a response. */
void mcp_send_result(struct mcp_conn *conn, void *to, json_t *id, json_t *result, bool session);
void mcp_send_error(struct mcp_conn *conn, void *to, json_t *id, enum mcp_code code,
                    const char *message, json_t *data, int status);
void mcp_send_notification(struct mcp_conn *conn, void *to, const char *method, json_t *params);
/* false: out of memory, nothing was sent. */
bool mcp_send_request(struct mcp_conn *conn, void *to, json_int_t id, const char *method,
                      json_t *params);
void mcp_send_end(struct mcp_conn *conn, void *to);
/* Where what belongs to the call goes. */
void *mcp_call_to(const struct mcp_call *call);

/* --- modern.c, legacy.c, methods.c, lists.c, watch.c, ask.c ------------------------------------
 */
typedef void mcp_method_fn(struct mcp_call *call);

bool mcp_version_is_legacy(const char *version);
/* The request says, by its _meta, header or method, that it is of the modern era. */
bool mcp_is_modern(const struct mcp_conn *conn, const char *method, const json_t *meta,
                   const struct mcp_way *way);
/* Header and _meta of a modern request are in order; else it is answered and false comes back. */
bool mcp_modern_check(struct mcp_call *call, const char *method, const struct mcp_way *way);
/* `method` may be answered in the era; *out_method its own static name. NULL: unknown. */
mcp_method_fn *mcp_method_find(const struct mcp_server *server, enum mcp_era era,
                               const char *method, const char **out_method);

mcp_method_fn mcp_do_initialize, mcp_do_ping, mcp_do_set_level, mcp_do_subscribe,
    mcp_do_unsubscribe, mcp_do_discover, mcp_do_listen, mcp_do_list_tools, mcp_do_list_prompts,
    mcp_do_list_resources, mcp_do_list_templates, mcp_do_tool, mcp_do_read, mcp_do_prompt,
    mcp_do_complete;

/* Brings inputResponses and requestState of a modern retry into the call. False: it was refused. */
bool mcp_ask_restore(struct mcp_call *call);
/* A response of the client came. */
void mcp_ask_answered(struct mcp_conn *conn, const json_t *message);
/* Forget all this connection (or listen) watches. */
void mcp_unwatch_conn(struct mcp_conn *conn);
void mcp_unwatch_call(struct mcp_call *call);
/* We end a listen: the client is told in good form; the call is gone then. */
void mcp_listen_end(struct mcp_call *call);

/* --- state.c --------------------------------------------------------------------------------- */
/* Seal `state` for the call; a new string, NULL: out of memory or longer than the limit. */
json_t *mcp_state_seal(const struct mcp_call *call, const json_t *state);
/* Open what was sealed for the same principal, method, name and arguments and has not expired.
 * CHT_E_SIGNATURE: it was not; CHT_E_EXPIRED; CHT_E_NOMEM. *out_state: a new reference. */
CHT_MUST_USE enum cht_err mcp_state_open(const struct mcp_call *call, const char *sealed,
                                         json_t **out_state);

#endif
