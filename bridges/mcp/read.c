/* What tools, resources and prompts all read of the node. */
#include "bridges/mcp/product_own.h"

/* Who holds what, where any of the records is held. NULL: nobody, or it could not be asked: then
 * the todos are told without. */
static json_t *claims_for(struct agent *a, const json_t *records)
{
    size_t i;
    json_t *one, *claims = NULL;
    json_array_foreach(records, i, one)
    {
        const json_t *claim = json_object_get(json_object_get(one, "data"), "claim");
        if (bridge_json_str(claim, "holder") == NULL)
            continue;
        /* those of all projects: the list may be of several */
        json_t *payload = json_pack("{s:s, s:s}", "operation", "claims", "domain", "todos");
        return agent_query(a, payload, &claims) == CHT_OK ? claims : NULL;
    }
    return NULL;
}

enum cht_err read_todos(struct agent *a, const struct agent_list *list, json_t **out)
{
    json_t *records = NULL, *one, *todos = json_array();
    size_t i;
    enum cht_err err = agent_todo_list(a, list, &records);
    json_t *claims = err == CHT_OK ? claims_for(a, records) : NULL;
    json_array_foreach(records, i, one)
    {
        if (json_array_append_new(todos, facts_todo(a, one, claims, false)) != 0)
            err = CHT_E_NOMEM;
    }
    json_decref(claims);
    json_decref(records);
    if (err == CHT_OK)
        *out = todos;
    else
        json_decref(todos);
    return err;
}

enum cht_err read_todo(struct agent *a, const char *id, json_t **out)
{
    json_t *record = NULL, *claims = NULL;
    const enum cht_err err = agent_todo_get(a, id, &record);
    if (err != CHT_OK)
        return err;
    const json_t *claim = json_object_get(json_object_get(record, "data"), "claim");
    if (bridge_json_str(claim, "holder") != NULL &&
        agent_claims(a, bridge_json_str(record, "chittyId"), &claims) != CHT_OK)
        claims = NULL;
    json_t *todo = facts_todo(a, record, claims, true);
    json_decref(claims);
    json_decref(record);
    if (todo == NULL)
        return CHT_E_NOMEM;
    *out = todo;
    return CHT_OK;
}

static json_t *sessions_query(struct agent *a, const char *id, unsigned limit)
{
    if (id != NULL)
        return json_pack("{s:s, s:s, s:{s:s}}", "operation", "get", "domain", "sessions", "entity",
                         "chittyId", id);
    json_t *payload = json_pack("{s:s, s:s, s:s, s:i}", "operation", "list", "domain", "sessions",
                                "sort", "-last_active", "limit", (int)limit);
    if (agent_project(a)[0] != '\0')
        (void)json_object_set_new(payload, "filter",
                                  json_pack("{s:s}", "project", agent_project(a)));
    return payload;
}

enum cht_err read_sessions(struct agent *a, const char *id, unsigned limit, json_t **out)
{
    struct agent_ask asks[] = {
        { .type = NODE_MSG_QUERY, .payload = sessions_query(a, id, limit) },
        { .type = NODE_MSG_QUERY,
          .payload = json_pack("{s:s, s:s}", "operation", "claims", "domain", "todos") },
        { .type = NODE_MSG_COMMAND, .payload = json_pack("{s:s, s:{}}", "name", "members", "args") }
    };
    size_t i;
    json_t *one, *sessions = json_array();
    enum cht_err err = agent_ask_all(a, asks, sizeof asks / sizeof asks[0]);
    if (err == CHT_OK)
        err = asks[0].err;
    if (err == CHT_OK)
        json_array_foreach(asks[0].out, i, one)
        {
            if (json_array_append_new(sessions,
                                      facts_session(a, one, json_object_get(asks[2].out, "members"),
                                                    asks[1].out)) != 0)
                err = CHT_E_NOMEM;
        }
    for (i = 0; i < sizeof asks / sizeof asks[0]; i++)
        json_decref(asks[i].out);
    if (err == CHT_OK)
        *out = sessions;
    else
        json_decref(sessions);
    return err;
}
