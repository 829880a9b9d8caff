/* Checkpoints, contexts and searches of a session; see agent.h. */
#include "bridges/agent/own.h"
#include "crdt/limits.h"
#include "crdt/natural.h"

#include <stdio.h>
#include <stdlib.h>

static bool add_ours(struct agent *a, json_t *data)
{
    return data != NULL && agent_default(data, "session", a->session) &&
           agent_default(data, "project", a->project);
}

enum cht_err agent_checkpoint_add(struct agent *a, json_t *data, const char *key, json_t **out)
{
    if (!add_ours(a, data) || !agent_default(data, "author", a->platform)) {
        json_decref(data);
        return node_fault_from(&a->fault, CHT_E_NOMEM, NULL);
    }
    return agent_change(a, agent_change_of("create", "checkpoints", NULL, data), key, out);
}

/* A list of the project's records of a domain, or of all. */
static json_t *list_of(const struct agent *a, const char *domain, unsigned limit)
{
    json_t *payload = json_pack("{s:s, s:s, s:b, s:i}", "operation", "list", "domain", domain,
                                "titles", 1, "limit", (int)limit);
    if (payload != NULL && a->project[0] != '\0')
        (void)json_object_set_new(
            payload, "where",
            json_pack("[o]", agent_where("project", "is", json_string(a->project))));
    return payload;
}

enum cht_err agent_checkpoints(struct agent *a, unsigned limit, json_t **out)
{
    json_t *payload = list_of(a, "checkpoints", limit);
    if (payload != NULL)
        (void)json_object_set_new(payload, "sort", json_string("-created"));
    return agent_query(a, payload, out);
}

/* --- searching ----------------------------------------------------------------------------- */

enum cht_err agent_search(struct agent *a, const char *text, const char *domain, unsigned limit,
                          json_t **out)
{
    static const char *const all[] = { "todos", "checkpoints", "contexts", "messages" };
    const size_t count = domain == NULL ? sizeof all / sizeof all[0] : 1;
    struct agent_ask asks[sizeof all / sizeof all[0]] = { { 0 } };
    for (size_t i = 0; i < count; i++)
        asks[i] = (struct agent_ask){
            .type = NODE_MSG_QUERY,
            .payload =
                json_pack("{s:s, s:s, s:s, s:i}", "operation", "list", "domain",
                          domain == NULL ? all[i] : domain, "text", text, "limit", (int)limit),
        };
    enum cht_err err = agent_ask_all(a, asks, count);
    json_t *found = json_array();
    for (size_t i = 0; i < count; i++) {
        if (err == CHT_OK)
            err = asks[i].err;
        if (err == CHT_OK && json_array_extend(found, asks[i].out) != 0)
            err = node_fault_from(&a->fault, CHT_E_NOMEM, NULL);
        json_decref(asks[i].out);
    }
    if (err == CHT_OK)
        *out = found;
    else
        json_decref(found);
    return err;
}

/* --- contexts ------------------------------------------------------------------------------ */

/* The natural id of a shared context: source `context`, key its project's id, a line feed, and its
 * title (PROTOCOL 1.8). */
static enum cht_err context_id(struct agent *a, const char *title,
                               char out[static CRDT_ID_TEXT_MAX])
{
    struct crdt_id id;
    struct cht_buf key;
    cht_buf_init(&key, LIMIT_TITLE_BYTES + CRDT_ID_TEXT_MAX);
    enum cht_err err = cht_buf_add(&key, cht_bytes_str(a->project));
    if (err == CHT_OK)
        err = cht_buf_add_u8(&key, '\n');
    if (err == CHT_OK)
        err = cht_buf_add(&key, cht_bytes_str(title));
    if (err == CHT_OK) {
        crdt_natural_id(CRDT_CONTEXT, cht_bytes_str("context"), cht_buf_view(&key), &id);
        crdt_id_text(&id, out);
    }
    cht_buf_clear(&key);
    return err == CHT_OK ? CHT_OK
                         : agent_fail(a, err, "a title may have %u bytes", LIMIT_TITLE_BYTES);
}

enum cht_err agent_context_get(struct agent *a, const char *title, json_t **out)
{
    char id[CRDT_ID_TEXT_MAX];
    json_t *records = NULL;
    if (title == NULL)
        return agent_query(a, list_of(a, "contexts", 100), out);
    enum cht_err err = context_id(a, title, id);
    if (err == CHT_OK)
        err = agent_query(a, agent_query_of("get", id), &records);
    if (err == CHT_E_NOTFOUND) /* one that was made otherwise */
        err = agent_query(a,
                          json_pack("{s:s, s:s, s:{s:s}}", "operation", "get", "domain", "contexts",
                                    "entity", "chittyId", title),
                          &records);
    if (err == CHT_OK)
        *out = agent_first(records);
    return err;
}

enum cht_err agent_context_put(struct agent *a, const char *title, json_t *data, const char *key,
                               json_t **out)
{
    char id[CRDT_ID_TEXT_MAX];
    enum cht_err err = context_id(a, title, id);
    if (err == CHT_OK &&
        (!agent_default(data, "title", title) || !agent_default(data, "project", a->project)))
        err = node_fault_from(&a->fault, CHT_E_NOMEM, NULL);
    if (err != CHT_OK) {
        json_decref(data);
        return err;
    }
    return agent_change(a, agent_change_of("upsert", "contexts", id, data), key, out);
}
