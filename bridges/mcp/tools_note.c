/* The tools of checkpoints, sessions, searches and contexts. */
#include <stdio.h>

#include "bridges/mcp/product_own.h"

#define CHECKPOINTS 10u
#define TITLE_BYTES 200u
#define WHOLE_BYTES (16u * 1024u) /* of a text that was asked for */

static const char *key_of(const struct mcp_product *p, const struct mcp_call *call,
                          char key[static PRODUCT_KEY_BYTES])
{
    return product_key(p, call, "note", key) ? key : NULL;
}

/* What an answer lists: lines and short JSON, made side by side. */
struct listing {
    struct facts f;
    json_t *list;
};

static void listing_init(struct listing *l)
{
    facts_init(&l->f);
    l->list = json_array();
}

/* Answers and gives it up. */
static void listing_answer(struct mcp_product *p, struct listing *l, struct mcp_call *call,
                           const char *key)
{
    if (json_array_size(l->list) == 0)
        facts_say(&l->f, "There are none.");
    product_answer(p, call, &l->f, json_pack("{s:o}", key, l->list));
}

/* A record as {id, title, at, text…}, and its lines. `whole`: with its long texts. */
static void list_note(struct listing *l, const json_t *record, const char *time_field, bool whole)
{
    static const char *const texts[] = { "summary", "text" };
    const json_t *data = json_object_get(record, "data");
    const char *id = bridge_json_str(record, "chittyId");
    const char *type = bridge_json_str(record, "type");
    const char *title = bridge_json_str(data, "title");
    const json_int_t at = bridge_json_int(data, time_field, -1);
    if (title == NULL)
        title = bridge_json_str(data, "content");
    json_t *one =
        json_pack("{s:s, s:s*, s:s, s:s*, s:s*}", "id", agent_short(id == NULL ? "" : id).text,
                  "type", type, "title", title == NULL ? "" : title, "status",
                  bridge_json_str(data, "status"), "at", at < 0 ? NULL : facts_rfc3339(at).text);
    facts_say(&l->f, "%s ", agent_short(id == NULL ? "" : id).text);
    facts_quote(&l->f, title, TITLE_BYTES);
    if (bridge_json_str(data, "status") != NULL)
        facts_say(&l->f, " %s", bridge_json_str(data, "status"));
    if (at >= 0)
        facts_say(&l->f, ", %s", facts_rfc3339(at).text);
    facts_say(&l->f, "\n");
    for (size_t i = 0; whole && i < sizeof texts / sizeof texts[0]; i++) {
        const char *text = bridge_json_str(data, texts[i]);
        if (text == NULL || text[0] == '\0')
            continue;
        facts_block(&l->f, text, WHOLE_BYTES);
        (void)facts_put(one, texts[i], text, WHOLE_BYTES);
    }
    json_t *points = json_object_get(data, "key_points");
    size_t i;
    json_t *point;
    if (json_array_size(points) > 0)
        (void)json_object_set(one, "points", points);
    json_array_foreach(points, i, point)
    {
        facts_say(&l->f, "  - ");
        facts_quote(&l->f, json_string_value(point), TITLE_BYTES);
        facts_say(&l->f, "\n");
    }
    (void)json_array_append_new(l->list, one);
}

void tool_checkpoint(struct mcp_call *call, const json_t *arguments, void *user)
{
    struct mcp_product *p = user;
    struct agent *a = product_agent_for(p, call);
    const char *title = bridge_json_str(arguments, "title");
    char key[PRODUCT_KEY_BYTES];
    json_t *result = NULL, *records = NULL, *one;
    struct listing l;
    size_t i;
    enum cht_err err = CHT_OK;
    if (a == NULL)
        return;
    if (title != NULL && title[0] != '\0')
        err =
            agent_checkpoint_add(a,
                                 json_pack("{s:s, s:O*, s:s}", "title", title, "summary",
                                           json_object_get(arguments, "summary"), "kind", "manual"),
                                 key_of(p, call, key), &result);
    if (err == CHT_OK)
        err = agent_checkpoints(a, result == NULL ? CHECKPOINTS : 1, &records);
    if (err != CHT_OK) {
        product_fail(p, call);
    } else {
        listing_init(&l);
        if (result != NULL)
            facts_say(&l.f, "Written: ");
        json_array_foreach(records, i, one) list_note(&l, one, "created", result == NULL);
        listing_answer(p, &l, call, "checkpoints");
    }
    json_decref(records);
    json_decref(result);
}

void tool_sessions(struct mcp_call *call, const json_t *arguments, void *user)
{
    struct mcp_product *p = user;
    struct agent *a = product_agent_for(p, call);
    struct listing l;
    size_t i;
    json_t *one, *sessions = NULL;
    if (a == NULL)
        return;
    if (read_sessions(a, bridge_json_str(arguments, "id"), PRODUCT_LIST_DEFAULT, &sessions) !=
        CHT_OK) {
        product_fail(p, call);
        return;
    }
    listing_init(&l);
    json_array_foreach(sessions, i, one) facts_say_session(&l.f, one);
    json_decref(l.list);
    l.list = sessions;
    listing_answer(p, &l, call, "sessions");
}

void tool_search(struct mcp_call *call, const json_t *arguments, void *user)
{
    struct mcp_product *p = user;
    struct agent *a = product_agent_for(p, call);
    const unsigned limit = (unsigned)bridge_json_int(arguments, "limit", PRODUCT_LIST_DEFAULT);
    json_t *records = NULL, *one;
    struct listing l;
    size_t i;
    if (a == NULL)
        return;
    if (agent_search(a, bridge_json_str(arguments, "text"), NULL, limit, &records) != CHT_OK) {
        product_fail(p, call);
        return;
    }
    listing_init(&l);
    json_array_foreach(records, i, one)
    {
        if (i < limit)
            list_note(&l, one, "created", false);
    }
    if (json_array_size(records) > limit)
        facts_say(&l.f, "(the first %u)\n", limit);
    json_decref(records);
    listing_answer(p, &l, call, "found");
}

void tool_context(struct mcp_call *call, const json_t *arguments, void *user)
{
    struct mcp_product *p = user;
    struct agent *a = product_agent_for(p, call);
    const char *title = bridge_json_str(arguments, "title");
    json_t *text = json_object_get(arguments, "text");
    json_t *points = json_object_get(arguments, "points");
    char key[PRODUCT_KEY_BYTES];
    json_t *out = NULL, *one;
    struct listing l;
    size_t i;
    enum cht_err err = CHT_OK;
    if (a == NULL)
        return;
    const bool writes = text != NULL || json_array_size(points) > 0;
    if (writes && title == NULL) {
        mcp_answer_tool_error(call, "what is written needs a `title`");
        return;
    }
    if (writes) {
        json_t *add = json_array_size(points) > 0 ? json_pack("{s:O}", "add", points) : NULL;
        err =
            agent_context_put(a, title, json_pack("{s:O*, s:o*}", "text", text, "key_points", add),
                              key_of(p, call, key), NULL);
    }
    if (err == CHT_OK)
        err = agent_context_get(a, title, &out);
    if (err != CHT_OK) {
        product_fail(p, call);
        return;
    }
    listing_init(&l);
    if (json_is_object(out))
        list_note(&l, out, "created", true);
    json_array_foreach(out, i, one) list_note(&l, one, "created", false);
    json_decref(out);
    listing_answer(p, &l, call, "contexts");
}
