/* Todos and claims of a session; see agent.h (LOCAL 3, 4, 8). */
#include "bridges/agent/own.h"

#include <stdlib.h>

#define LIST_LIMIT 50u

/* Words with blanks between them as an array; NULL: no memory. */
static json_t *words_of(const char *text)
{
    json_t *list = json_array();
    while (list != NULL && *text != '\0') {
        const size_t skip = strspn(text, " "), len = strcspn(text + skip, " ");
        if (len != 0 && json_array_append_new(list, json_stringn(text + skip, len)) != 0) {
            json_decref(list);
            return NULL;
        }
        text += skip + len;
    }
    return list;
}

/* `claims` of the session: the ids that it holds now. */
static enum cht_err held_ids(struct agent *a, json_t **out)
{
    json_t *renewed = NULL, *ids = json_array(), *one;
    size_t i;
    enum cht_err err = agent_session_touch(a, &renewed);
    json_array_foreach(json_object_get(renewed, "held"), i, one)
    {
        if (err == CHT_OK &&
            json_array_append_new(ids, json_incref(json_object_get(one, "chittyId"))) != 0)
            err = CHT_E_NOMEM;
    }
    json_decref(renewed);
    if (err == CHT_OK)
        *out = ids;
    else
        json_decref(ids);
    return err;
}

/* Those that this session holds, one by one: they are few. */
static enum cht_err list_mine(struct agent *a, json_t **out)
{
    json_t *ids = NULL, *id, *list = json_array();
    size_t i;
    enum cht_err err = held_ids(a, &ids);
    json_array_foreach(ids, i, id)
    {
        json_t *record = NULL;
        if (err == CHT_OK)
            err = agent_todo_get(a, json_string_value(id), &record);
        if (err == CHT_OK && json_array_append_new(list, record) != 0)
            err = CHT_E_NOMEM;
    }
    json_decref(ids);
    if (err == CHT_OK)
        *out = list;
    else
        json_decref(list);
    return err;
}

enum cht_err agent_todo_list(struct agent *a, const struct agent_list *list, json_t **out)
{
    const char *project = list->project == NULL ? a->project : list->project;
    if (list->mine)
        return list_mine(a, out);
    json_t *payload = json_pack(
        "{s:s, s:s, s:b, s:i, s:i}", "operation", "list", "domain", "todos", "titles", 1, "limit",
        (int)(list->limit == 0 ? LIST_LIMIT : list->limit), "offset", (int)list->offset);
    bool ok = payload != NULL;
    if (ok && list->is != NULL)
        ok = json_object_set_new(payload, "is", words_of(list->is)) == 0;
    if (ok && list->text != NULL)
        ok = json_object_set_new(payload, "text", json_string(list->text)) == 0;
    if (ok && project[0] != '\0')
        ok = json_object_set_new(
                 payload, "where",
                 json_pack("[o]", agent_where("project", "is", json_string(project)))) == 0;
    if (!ok) {
        json_decref(payload);
        return agent_fail(a, CHT_E_INVALID, "a condition is no UTF-8");
    }
    return agent_query(a, payload, out);
}

enum cht_err agent_todo_get(struct agent *a, const char *id, json_t **out)
{
    json_t *records = NULL;
    const enum cht_err err =
        agent_query(a,
                    json_pack("{s:s, s:s, s:b, s:{s:s}}", "operation", "get", "domain", "todos",
                              "titles", 1, "entity", "chittyId", id),
                    &records);
    if (err == CHT_OK)
        *out = agent_first(records);
    return err;
}

enum cht_err agent_todo_add(struct agent *a, json_t *data, const char *key, json_t **out)
{
    if (!agent_default(data, "session", a->session) ||
        !agent_default(data, "project", a->project)) {
        json_decref(data);
        return node_fault_from(&a->fault, CHT_E_NOMEM, NULL);
    }
    return agent_change(a, agent_change_of("create", "todos", NULL, data), key, out);
}

enum cht_err agent_todo_update(struct agent *a, const char *id, json_t *data, const char *key,
                               json_t **out)
{
    return agent_change(a, agent_change_of("update", "todos", id, data), key, out);
}

enum cht_err agent_todo_claim(struct agent *a, const char *id, bool force, const char *key,
                              json_t **out)
{
    json_t *args = id != NULL ? json_pack("{s:s}", "todo", id) : json_pack("{s:b}", "next", 1);
    bool ok = args != NULL;
    if (ok && id == NULL && a->project[0] != '\0')
        ok = json_object_set_new(args, "project", json_string(a->project)) == 0;
    if (ok && force)
        ok = json_object_set_new(args, "force", json_true()) == 0;
    if (ok && key != NULL)
        ok = json_object_set_new(args, "key", json_string(key)) == 0;
    if (!ok) {
        json_decref(args);
        return agent_fail(a, CHT_E_INVALID, "an id or key that is no UTF-8");
    }
    return agent_command(a, "claim", args, out);
}

enum cht_err agent_todo_release(struct agent *a, const char *id, json_t **out)
{
    return agent_command(a, "release",
                         id == NULL ? json_pack("{s:b}", "all", 1) : json_pack("{s:s}", "todo", id),
                         out);
}

enum cht_err agent_claims(struct agent *a, const char *id, json_t **out)
{
    json_t *payload = json_pack("{s:s, s:s}", "operation", "claims", "domain", "todos");
    bool ok = payload != NULL;
    if (ok && id != NULL)
        ok = json_object_set_new(payload, "entity", json_pack("{s:s}", "chittyId", id)) == 0;
    if (ok && id == NULL && a->project[0] != '\0')
        ok = json_object_set_new(payload, "project", json_string(a->project)) == 0;
    if (!ok) {
        json_decref(payload);
        return agent_fail(a, CHT_E_INVALID, "an id that is no UTF-8");
    }
    return agent_query(a, payload, out);
}
