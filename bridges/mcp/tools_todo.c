/* The tools of todos and claims. */
#include <stdio.h>

#include "bridges/mcp/product_own.h"

/* --- reading --------------------------------------------------------------------------------- */

/* Answers with todos, which it takes over. */
static void answer_todos(struct mcp_product *p, struct mcp_call *call, json_t *todos,
                         unsigned limit)
{
    struct facts f;
    size_t i;
    json_t *one;
    facts_init(&f);
    if (json_array_size(todos) == 0)
        facts_say(&f, "There are none.");
    json_array_foreach(todos, i, one) facts_say_todo(&f, one);
    if (limit != 0 && json_array_size(todos) == limit)
        facts_say(&f, "(the first %u; there may be more)\n", limit);
    product_answer(p, call, &f, json_pack("{s:o}", "todos", todos));
}

void tool_todos(struct mcp_call *call, const json_t *arguments, void *user)
{
    struct mcp_product *p = user;
    struct agent *a = product_agent_for(p, call);
    const char *id = bridge_json_str(arguments, "id");
    const char *show = bridge_json_str(arguments, "show");
    const json_int_t limit = bridge_json_int(arguments, "limit", PRODUCT_LIST_DEFAULT);
    json_t *todos = NULL, *one = NULL;
    if (a == NULL)
        return;
    if (id != NULL) {
        if (read_todo(a, id, &one) != CHT_OK)
            product_fail(p, call);
        else
            answer_todos(p, call, json_pack("[o]", one), 0);
        return;
    }
    struct agent_list list = { .is = show == NULL ? "open" : show,
                               .text = bridge_json_str(arguments, "text"),
                               .limit = (unsigned)limit };
    if (show != NULL && strcmp(show, "all") == 0)
        list.is = NULL;
    list.mine = show != NULL && strcmp(show, "mine") == 0;
    if (json_is_true(json_object_get(arguments, "everywhere")))
        list.project = "";
    if (read_todos(a, &list, &todos) != CHT_OK)
        product_fail(p, call);
    else
        answer_todos(p, call, todos, list.mine ? 0 : list.limit);
}

/* --- writing --------------------------------------------------------------------------------- */

/* Answers with the todo as it is now; `said` goes before it. */
static void answer_one(struct mcp_product *p, struct mcp_call *call, const char *id,
                       const char *said)
{
    struct facts f;
    json_t *todo = NULL;
    if (read_todo(p->agent, id, &todo) != CHT_OK) {
        product_fail(p, call);
        return;
    }
    facts_init(&f);
    facts_say(&f, "%s", said);
    facts_say_todo(&f, todo);
    product_answer(p, call, &f, json_pack("{s:o}", "todo", todo));
}

/* {add: […], remove: […]} of two arrays of ids; NULL: neither is there, or no memory. */
static json_t *links(const json_t *arguments, const char *add, const char *remove)
{
    json_t *added = json_object_get(arguments, add);
    json_t *removed = remove == NULL ? NULL : json_object_get(arguments, remove);
    if (json_array_size(added) == 0 && json_array_size(removed) == 0)
        return NULL;
    return json_pack("{s:O*, s:O*}", "add", added, "remove", removed);
}

static const char *key_of(const struct mcp_product *p, const struct mcp_call *call,
                          const char *part, char key[static PRODUCT_KEY_BYTES])
{
    return product_key(p, call, part, key) ? key : NULL;
}

void tool_todo_add(struct mcp_call *call, const json_t *arguments, void *user)
{
    struct mcp_product *p = user;
    struct agent *a = product_agent_for(p, call);
    char key[PRODUCT_KEY_BYTES];
    json_t *result = NULL;
    if (a == NULL)
        return;
    const json_t *use = json_object_get(mcp_call_meta(call), "claudecode/toolUseId");
    json_t *data = json_pack(
        "{s:O, s:O*, s:O*, s:o*, s:{s:s, s:O*}}", "content", json_object_get(arguments, "title"),
        "description", json_object_get(arguments, "description"), "priority",
        json_object_get(arguments, "priority"), "dependencies", links(arguments, "depends", NULL),
        "origin", "tool", "todo_add", "toolUse", use);
    if (agent_todo_add(a, data, key_of(p, call, "add", key), &result) != CHT_OK)
        product_fail(p, call);
    else
        answer_one(p, call, bridge_json_str(result, "chittyId"), "Added: ");
    json_decref(result);
}

/* The note at the end of what is there: each with who wrote it is in the history. NULL: no memory.
 */
static json_t *with_note(const json_t *record, const char *note)
{
    const char *old = bridge_json_str(json_object_get(record, "data"), "notes");
    if (old == NULL || old[0] == '\0')
        return json_string(note);
    return json_sprintf("%s\n%s", old, note);
}

/* What the update writes; NULL: nothing. `record`: as it is. */
static json_t *update_of(const json_t *arguments, const json_t *record, bool claimed)
{
    const char *note = bridge_json_str(arguments, "note");
    json_t *status = claimed ? NULL : json_object_get(arguments, "status");
    json_t *data = json_pack("{s:O*, s:O*, s:O*, s:o*, s:o*}", "status", status, "content",
                             json_object_get(arguments, "title"), "priority",
                             json_object_get(arguments, "priority"), "notes",
                             note == NULL || note[0] == '\0' ? NULL : with_note(record, note),
                             "dependencies", links(arguments, "depends", "undepend"));
    if (json_object_size(data) > 0)
        return data;
    json_decref(data);
    return NULL;
}

/* Who holds it, before a write by somebody else. */
static void say_stale(const json_t *result, char *text, size_t text_bytes)
{
    const json_t *stale = json_object_get(result, "stale");
    const char *name = bridge_json_str(stale, "holderName");
    const char *device = bridge_json_str(stale, "deviceName");
    if (stale == NULL)
        return;
    (void)snprintf(
        text, text_bytes,
        "Written, although \"%s\"%s%s holds it; that session is told. Now: ", mcp_short(name).text,
        device == NULL ? "" : " on ", device == NULL ? "" : mcp_short(device).text);
}

void tool_todo_update(struct mcp_call *call, const json_t *arguments, void *user)
{
    struct mcp_product *p = user;
    struct agent *a = product_agent_for(p, call);
    const char *status = bridge_json_str(arguments, "status");
    const bool claims = status != NULL && strcmp(status, "in_progress") == 0 && a != NULL &&
                        agent_session(a)[0] != '\0';
    char key[PRODUCT_KEY_BYTES], said[320] = "Now: ";
    json_t *record = NULL, *result = NULL;
    if (a == NULL)
        return;
    enum cht_err err = agent_todo_get(a, bridge_json_str(arguments, "id"), &record);
    const char *id = bridge_json_str(record, "chittyId");
    if (err == CHT_OK && claims)
        err = agent_todo_claim(a, id, false, key_of(p, call, "claim", key), NULL);
    json_t *data = err == CHT_OK ? update_of(arguments, record, claims) : NULL;
    const bool writes = data != NULL;
    if (err == CHT_OK && writes)
        err = agent_todo_update(a, id, data, key_of(p, call, "update", key), &result);
    if (err != CHT_OK) {
        product_fail(p, call);
    } else {
        say_stale(result, said, sizeof said);
        answer_one(p, call, id, !writes && !claims ? "Nothing to change: " : said);
    }
    json_decref(result);
    json_decref(record);
}

void tool_todo_claim(struct mcp_call *call, const json_t *arguments, void *user)
{
    struct mcp_product *p = user;
    struct agent *a = product_agent_for(p, call);
    const char *id = bridge_json_str(arguments, "id");
    const bool force = json_is_true(json_object_get(arguments, "force"));
    char key[PRODUCT_KEY_BYTES];
    json_t *result = NULL, *record = NULL;
    if (a == NULL)
        return;
    enum cht_err err = id == NULL ? CHT_OK : agent_todo_get(a, id, &record);
    if (err == CHT_OK)
        err = agent_todo_claim(a, bridge_json_str(record, "chittyId"), force,
                               key_of(p, call, "claim", key), &result);
    if (err == CHT_OK) {
        const char *state = bridge_json_str(result, "state");
        const bool already = json_is_true(json_object_get(result, "already"));
        const bool sure = state == NULL || strcmp(state, "held") == 0;
        answer_one(p, call, bridge_json_str(result, "chittyId"),
                   already ? "Held by this session already: "
                   : sure  ? "Claimed: "
                           : "Claimed, not confirmed: the device that grants it is not reached, so "
                             "another may have claimed it too; that will be told. ");
    } else {
        product_fail(p, call);
    }
    json_decref(result);
    json_decref(record);
}

void tool_todo_release(struct mcp_call *call, const json_t *arguments, void *user)
{
    struct mcp_product *p = user;
    struct agent *a = product_agent_for(p, call);
    const char *id = bridge_json_str(arguments, "id");
    json_t *result = NULL, *record = NULL, *one, *shown = json_array();
    struct facts f;
    size_t i;
    if (a == NULL) {
        json_decref(shown);
        return;
    }
    enum cht_err err = id == NULL ? CHT_OK : agent_todo_get(a, id, &record);
    if (err == CHT_OK)
        err = agent_todo_release(a, bridge_json_str(record, "chittyId"), &result);
    if (err != CHT_OK) {
        product_fail(p, call);
        json_decref(shown);
    } else {
        facts_init(&f);
        facts_say(&f, json_array_size(json_object_get(result, "released")) == 0
                          ? "This session held none."
                          : "Released:");
        json_array_foreach(json_object_get(result, "released"), i, one)
        {
            const struct agent_short name = agent_short(json_string_value(one));
            facts_say(&f, " %s", name.text);
            (void)json_array_append_new(shown, json_string(name.text));
        }
        product_answer(p, call, &f, json_pack("{s:o}", "released", shown));
    }
    json_decref(result);
    json_decref(record);
}
