#ifndef BRIDGES_MCP_CALL_H
#define BRIDGES_MCP_CALL_H
/* A request under way, as a tool, a resource or a prompt sees it.
 *
 * Each call is answered exactly once, by one of the functions under "Answers", inside the callback
 * or later; the call is gone then. A call whose client cancelled it or went away stays valid until
 * it is answered too; what it says goes nowhere. Functions that take a json_t over do so in any
 * case, also when it is NULL (out of memory: the client is then told of an internal error). */
#include "bridges/mcp/server.h"

enum mcp_era { MCP_LEGACY, MCP_MODERN };

/* What a client may be able to do for us. */
enum mcp_can {
    MCP_CAN_SAMPLING,    /* sampling/createMessage */
    MCP_CAN_ELICITATION, /* elicitation/create */
    MCP_CAN_ROOTS        /* roots/list */
};

enum mcp_level {
    MCP_DEBUG,
    MCP_INFO,
    MCP_NOTICE,
    MCP_WARNING,
    MCP_ERROR,
    MCP_CRITICAL,
    MCP_ALERT,
    MCP_EMERGENCY
};

/* --- the request ----------------------------------------------------------------------------- */
enum mcp_era mcp_call_era(const struct mcp_call *call);
/* The `arguments` (an object) and the `_meta` (an object, or NULL) of the request. Borrowed. */
const json_t *mcp_call_arguments(const struct mcp_call *call);
const json_t *mcp_call_meta(const struct mcp_call *call);
/* The value of a template's variable, percent-decoded; NULL: no such variable. Borrowed. */
const char *mcp_call_variable(const struct mcp_call *call, const char *name);
/* The client said it can do this (per request in the modern era, at initialize in the legacy). */
bool mcp_call_can(const struct mcp_call *call, enum mcp_can what);
/* The client wants to hear of progress. */
bool mcp_call_wants_progress(const struct mcp_call *call);
/* The client cancelled it or is gone: work on it may stop, it must still be answered. */
bool mcp_call_cancelled(const struct mcp_call *call);
/* Be told of it when it happens, once. The call must not be answered inside `hook`. */
void mcp_call_on_cancel(struct mcp_call *call, void (*hook)(struct mcp_call *call, void *user),
                        void *user);

/* --- on the way ------------------------------------------------------------------------------ */
/* Tell how far it is; must rise from one to the next. total <= 0: not known; text may be NULL. Says
 * nothing when the client did not ask for it. */
void mcp_progress(struct mcp_call *call, double progress, double total, const char *text);
/* A log message of this request, when the client wants such of that level. Takes `data`, any JSON
 * value. logger may be NULL. */
void mcp_log(struct mcp_call *call, enum mcp_level level, const char *logger, json_t *data);

/* --- asking the client ----------------------------------------------------------------------- */
/* One question: `key` is ours, `method` one of sampling/createMessage, elicitation/create,
 * roots/list. */
struct mcp_ask {
    const char *key;
    const char *method;
    json_t *params; /* taken; NULL: none */
};
/* Ask up to MCP_LIMIT_ASKS questions and begin anew with the answers: the callback of the call is
 * invoked once more, with mcp_input and mcp_state set. This call is over (as if answered).
 * Modern: the client gets an InputRequiredResult and comes again with a request of its own; `state`
 *   travels with it, integrity-protected, bound to the principal, the method, the name and the
 *   arguments, for MCP_STATE_TTL_MS.
 * Legacy: requests are sent to the client, the new call begins when all are answered; a question
 *   the client answers with an error ends the call with an error that says so.
 * Takes the params and `state` (any JSON value, at most MCP_LIMIT_STATE_BYTES as text; NULL: none).
 * A client that did not declare what a question needs is answered -32021 (legacy: -32602); nothing
 * is asked then. count 0 with a state is allowed in the modern era: the client comes back at once.
 * Only for tools/call, prompts/get and resources/read. */
void mcp_ask(struct mcp_call *call, const struct mcp_ask *asks, size_t count, json_t *state);
/* The client's answer to the question `key`: an object; NULL: it brought none (ask again). In the
 * modern era a client may bring any key at any time: check what is in it. Borrowed. */
const json_t *mcp_input(const struct mcp_call *call, const char *key);
/* The state given to mcp_ask before, verified; NULL: none. Borrowed. */
const json_t *mcp_state(const struct mcp_call *call);

/* --- answers --------------------------------------------------------------------------------- */
/* tools/call: takes `content` (an array of content blocks) and `structured` (an object, or NULL for
 * none). is_error: the tool failed, the content says why; the model sees it. */
void mcp_answer_tool(struct mcp_call *call, json_t *content, json_t *structured, bool is_error);
/* The same with one text, which is copied. */
void mcp_answer_text(struct mcp_call *call, const char *text, json_t *structured);
void mcp_answer_tool_error(struct mcp_call *call, const char *text);
/* resources/read: takes an array of contents (mcp_content_* below). */
void mcp_answer_contents(struct mcp_call *call, json_t *contents);
/* resources/read: there is no such resource: -32602 with data.uri (legacy: -32002). */
void mcp_answer_not_found(struct mcp_call *call, const char *uri);
/* prompts/get: takes an array of messages (mcp_message); description may be NULL. */
void mcp_answer_prompt(struct mcp_call *call, const char *description, json_t *messages);
/* completion/complete: takes an array of texts, of which the first MCP_LIMIT_COMPLETIONS go out;
 * total < 0: as many as there are in the array. */
void mcp_answer_completion(struct mcp_call *call, json_t *values, int64_t total);
/* resources/list (more_resources): takes an array of resource objects. */
void mcp_answer_resources(struct mcp_call *call, json_t *resources);
/* A result of one's own making: takes an object; what every result of the era has is added. */
void mcp_answer(struct mcp_call *call, json_t *result);
/* A protocol error. Takes `data` (NULL: none). The HTTP status follows from code and era. */
void mcp_fail(struct mcp_call *call, enum mcp_code code, const char *message, json_t *data);
/* The client lacks a capability this needs: -32021 with it named (legacy: -32602). */
void mcp_fail_missing(struct mcp_call *call, enum mcp_can what);

/* --- what answers are made of: each NULL when out of memory ----------------------------------- */
json_t *mcp_text(const char *text);
json_t *mcp_image(const char *base64, const char *mime_type);
json_t *mcp_audio(const char *base64, const char *mime_type);
json_t *mcp_embedded(json_t *contents); /* takes what mcp_contents_text or _blob made */
json_t *mcp_link(const char *uri, const char *name, const char *mime_type); /* mime may be NULL */
json_t *mcp_contents_text(const char *uri, const char *mime_type, const char *text);
json_t *mcp_contents_blob(const char *uri, const char *mime_type, const char *base64);
json_t *mcp_message(const char *role, json_t *block); /* takes the content block */

#endif
