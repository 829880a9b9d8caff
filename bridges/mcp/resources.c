/* Resources: what is ready, a todo, a session, each as lines of text. */
#include <stdio.h>

#include "bridges/mcp/product_own.h"

#define MIME "text/plain"

/* The node, for a reading; NULL: the call was answered with the reason. */
static struct agent *agent_to_read(struct mcp_product *p, struct mcp_call *call)
{
    char text[CHT_ERROR_TEXT_MAX + NODE_FAULT_HINT_MAX];
    struct agent *a = product_agent(p, text, sizeof text);
    if (a == NULL)
        mcp_fail(call, MCP_INTERNAL_ERROR, text, NULL);
    return a;
}

static void fail(struct mcp_product *p, struct mcp_call *call, const char *uri, enum cht_err err)
{
    if (err == CHT_E_NOTFOUND || err == CHT_E_INVALID)
        mcp_answer_not_found(call, uri);
    else
        mcp_fail(call, MCP_INTERNAL_ERROR, cht_error_text(&agent_fault(p->agent)->error), NULL);
}

static void answer(struct mcp_call *call, const char *uri, struct facts *f)
{
    mcp_answer_contents(call, json_pack("[o]", mcp_contents_text(uri, MIME, facts_text(f))));
    facts_clear(f);
}

static void read_ready(struct mcp_call *call, const char *uri, void *user)
{
    struct mcp_product *p = user;
    struct agent *a = agent_to_read(p, call);
    const struct agent_list list = { .is = "ready", .limit = PRODUCT_LIST_DEFAULT };
    json_t *todos = NULL, *one;
    struct facts f;
    size_t i;
    if (a == NULL)
        return;
    const enum cht_err err = read_todos(a, &list, &todos);
    if (err != CHT_OK) {
        fail(p, call, uri, err);
        return;
    }
    facts_init(&f);
    facts_say(&f, json_array_size(todos) == 0 ? "Nothing is ready.\n"
                                              : "Ready to be begun, what matters most first:\n");
    json_array_foreach(todos, i, one) facts_say_todo(&f, one);
    json_decref(todos);
    answer(call, uri, &f);
}

static void read_one_todo(struct mcp_call *call, const char *uri, void *user)
{
    struct mcp_product *p = user;
    struct agent *a = agent_to_read(p, call);
    json_t *todo = NULL;
    struct facts f;
    if (a == NULL)
        return;
    const enum cht_err err = read_todo(a, mcp_call_variable(call, "id"), &todo);
    if (err != CHT_OK) {
        fail(p, call, uri, err);
        return;
    }
    facts_init(&f);
    facts_say_todo(&f, todo);
    json_decref(todo);
    answer(call, uri, &f);
}

static void read_session(struct mcp_call *call, const char *uri, void *user)
{
    struct mcp_product *p = user;
    struct agent *a = agent_to_read(p, call);
    json_t *sessions = NULL;
    struct facts f;
    if (a == NULL)
        return;
    enum cht_err err = read_sessions(a, mcp_call_variable(call, "id"), 1, &sessions);
    if (err != CHT_OK) {
        fail(p, call, uri, err);
        return;
    }
    facts_init(&f);
    facts_say_session(&f, json_array_get(sessions, 0));
    json_decref(sessions);
    answer(call, uri, &f);
}

/* --- lists and completions ------------------------------------------------------------------- */

static void list_todos(json_t *list, const json_t *todos)
{
    size_t i;
    json_t *one;
    json_array_foreach(todos, i, one)
    {
        const char *id = bridge_json_str(one, "id");
        const char *title = bridge_json_str(one, "title");
        json_t *uri = json_sprintf(PRODUCT_TODO_URI "%s", id);
        json_t *resource = json_pack(
            "{s:o, s:s, s:s*, s:s, s:s}", "uri", uri, "name", id, "title", title, "description",
            json_is_true(json_object_get(json_object_get(one, "holder"), "mine"))
                ? "held by this session"
                : "ready",
            "mimeType", MIME);
        (void)json_array_append_new(list, resource);
    }
}

json_t *product_resources(struct mcp_product *p)
{
    const struct agent_list lists[] = { { .mine = true },
                                        { .is = "ready", .limit = PRODUCT_LIST_DEFAULT } };
    char text[CHT_ERROR_TEXT_MAX + NODE_FAULT_HINT_MAX];
    struct agent *a = product_agent(p, text, sizeof text);
    json_t *all = a == NULL ? NULL : json_array();
    for (size_t i = 0; all != NULL && i < sizeof lists / sizeof lists[0]; i++) {
        json_t *todos = NULL;
        if (lists[i].mine && agent_session(a)[0] == '\0')
            continue;
        if (read_todos(a, &lists[i], &todos) == CHT_OK) {
            list_todos(all, todos);
        } else {
            json_decref(all);
            all = NULL;
        }
        json_decref(todos);
    }
    return all;
}

void product_list_resources(struct mcp_call *call, void *user)
{
    struct mcp_product *p = user;
    json_t *all = product_resources(p);
    changes_listed(p, all);
    /* without the node there is still what is there always */
    mcp_answer_resources(call, all == NULL ? json_array() : all);
}

/* Does the id or the title of it begin so? */
static bool begins(const json_t *one, const char *value)
{
    const char *id = bridge_json_str(one, "id"), *title = bridge_json_str(one, "title");
    return (id != NULL && strncasecmp(id, value, strlen(value)) == 0) ||
           (title != NULL && strncasecmp(title, value, strlen(value)) == 0);
}

static void answer_ids(struct mcp_call *call, json_t *records, const char *value)
{
    json_t *values = json_array(), *one;
    size_t i;
    json_array_foreach(records, i, one)
    {
        if (begins(one, value))
            (void)json_array_append(values, json_object_get(one, "id"));
    }
    json_decref(records);
    mcp_answer_completion(call, values, -1);
}

static void complete_todo(struct mcp_call *call, const char *argument, const char *value,
                          const json_t *context, void *user)
{
    const struct agent_list list = { .is = "open", .limit = PRODUCT_LIST_MAX };
    struct agent *a = agent_to_read(user, call);
    json_t *todos = NULL;
    (void)argument, (void)context;
    if (a == NULL)
        return;
    if (read_todos(a, &list, &todos) != CHT_OK)
        todos = NULL;
    answer_ids(call, todos, value);
}

static void complete_session(struct mcp_call *call, const char *argument, const char *value,
                             const json_t *context, void *user)
{
    struct agent *a = agent_to_read(user, call);
    json_t *sessions = NULL;
    (void)argument, (void)context;
    if (a == NULL)
        return;
    if (read_sessions(a, NULL, PRODUCT_LIST_MAX, &sessions) != CHT_OK)
        sessions = NULL;
    answer_ids(call, sessions, value);
}

enum cht_err product_add_resources(struct mcp_product *p)
{
    const struct mcp_resource ready = { .uri = PRODUCT_READY_URI,
                                        .name = "ready",
                                        .title = "Todos that can be begun",
                                        .mime_type = MIME,
                                        .read = read_ready,
                                        .user = p };
    const struct mcp_template todo = { .uri_template = PRODUCT_TODO_URI "{id}",
                                       .name = "todo",
                                       .title = "A todo, whole",
                                       .mime_type = MIME,
                                       .read = read_one_todo,
                                       .complete = complete_todo,
                                       .user = p };
    const struct mcp_template session = { .uri_template = PRODUCT_SESSION_URI "{id}",
                                          .name = "session",
                                          .title = "A session and what it holds",
                                          .mime_type = MIME,
                                          .read = read_session,
                                          .complete = complete_session,
                                          .user = p };
    enum cht_err err = mcp_add_resource(p->server, &ready);
    if (err == CHT_OK)
        err = mcp_add_template(p->server, &todo);
    if (err == CHT_OK)
        err = mcp_add_template(p->server, &session);
    return err;
}
