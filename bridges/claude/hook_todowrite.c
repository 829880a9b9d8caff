/* TodoWrite: each call has the whole list. An item is a todo of the session by what it says, in the
 * normal form; one that is not in the list any more is left as it is, since nobody said that it was
 * dropped. */
#include "bridges/claude/hook_own.h"
#include "crdt/natural.h"

#include <stdlib.h>

/* The todo of an item: its natural id, source `claude-todo`, key SESSION LF CONTENT (PROTOCOL 1.8).
 */
static enum cht_err todo_of(const struct hook *h, struct cht_bytes content,
                            char out[static CRDT_ID_TEXT_MAX])
{
    struct cht_buf key;
    struct crdt_id id;
    cht_buf_init(&key, HOOK_NORMAL_BYTES + HOOK_ID_BYTES + 1);
    enum cht_err err = cht_buf_add(&key, cht_bytes_str(agent_session_key(h->agent)));
    if (err == CHT_OK)
        err = cht_buf_add_u8(&key, '\n');
    if (err == CHT_OK)
        err = hook_todo_normal(content, &key);
    if (err == CHT_OK) {
        crdt_natural_id(CRDT_TODO, cht_bytes_str("claude-todo"), cht_buf_view(&key), &id);
        crdt_id_text(&id, out);
    }
    cht_buf_clear(&key);
    return err;
}

/* The todos of this session: id to data. */
static enum cht_err ask_own(struct hook *h, json_t **out)
{
    json_t *records = NULL, *by_id = json_object();
    enum cht_err err = agent_query(
        h->agent,
        json_pack("{s:s, s:s, s:{s:s}, s:[s,s,s], s:b, s:i}", "operation", "list", "domain",
                  "todos", "filter", "session", agent_session(h->agent), "fields", "content",
                  "active_form", "status", "deleted", 1, "limit", 1024),
        &records);
    for (size_t i = 0; i < json_array_size(records); i++) {
        const json_t *r = json_array_get(records, i);
        const char *id = bridge_json_str(r, "chittyId");
        if (id != NULL && json_object_set(by_id, id, json_object_get(r, "data")) != 0)
            err = CHT_E_NOMEM;
    }
    json_decref(records);
    if (err == CHT_OK)
        *out = by_id;
    else
        json_decref(by_id);
    return err;
}

static bool set(json_t *data, const char *key, json_t *value)
{
    return value != NULL && json_object_set_new(data, key, value) == 0;
}

static json_t *new_item(struct hook *h, const struct hook_task *t, const struct hook_todo *item,
                        const char *status)
{
    const char *project = agent_project(h->agent);
    json_t *data = json_object();
    const bool ok =
        data != NULL && set(data, "content", hook_line(item->content)) &&
        set(data, "session", json_string(agent_session(h->agent))) &&
        set(data, "origin", hook_origin(h, t)) &&
        (project[0] == '\0' || set(data, "project", json_string(project))) &&
        (item->active_form.len == 0 || set(data, "active_form", hook_line(item->active_form))) &&
        (status == NULL || set(data, "status", json_string(status)));
    if (ok)
        return data;
    json_decref(data);
    return NULL;
}

/* What of an item that is there differs and was changed by this call. */
static json_t *moved_item(const struct hook_task *t, const struct hook_todo *item,
                          const json_t *old, const char *status)
{
    json_t *data = json_object();
    const enum hook_status before = hook_todo_before(t->before, item->content);
    bool ok = data != NULL;
    if (ok && status != NULL && before != item->status &&
        hook_status_moves(bridge_json_str(old, "status"), before, item->status))
        ok = set(data, "status", json_string(status));
    if (ok && item->active_form.len != 0 && json_object_get(old, "active_form") == NULL)
        ok = set(data, "active_form", hook_line(item->active_form));
    if (ok)
        return data;
    json_decref(data);
    return NULL;
}

/* A list of todos as one transaction, and what is to be claimed after it. */
struct writing {
    json_t *batch;
    json_t *claims; /* ids */
};

static enum cht_err write_item(struct hook *h, const struct hook_task *t, size_t index, json_t *own,
                               struct writing *w)
{
    struct hook_todo item;
    char todo[CRDT_ID_TEXT_MAX];
    if (!hook_todo_read(t->todos, index, &item))
        return CHT_OK;
    enum cht_err err = todo_of(h, item.content, todo);
    if (err != CHT_OK)
        return err;
    const json_t *old = json_object_get(own, todo);
    const bool begins = item.status == HOOK_STATUS_IN_PROGRESS;
    const char *status = hook_status_word(item.status);
    json_t *data = old == NULL ? new_item(h, t, &item, begins ? NULL : status)
                               : moved_item(t, &item, old, status);
    bool ok = data != NULL;
    if (ok && begins && (old == NULL || json_object_get(data, "status") != NULL)) {
        (void)json_object_del(data, "status"); /* the claim sets it */
        ok = json_array_append_new(w->claims, json_string(todo)) == 0;
    }
    if (ok && json_object_size(data) != 0)
        ok = json_array_append_new(w->batch,
                                   json_pack("{s:s, s:s, s:{s:s, s:O}}", "domain", "todos",
                                             "operation", old == NULL ? "create" : "update",
                                             "entity", "chittyId", todo, "data", data)) == 0;
    if (ok && old == NULL)
        ok = json_object_set(own, todo, data) == 0; /* said twice in one list, it is one */
    json_decref(data);
    return ok ? CHT_OK : CHT_E_NOMEM;
}

enum cht_err hook_todos_take(struct hook *h, const struct hook_task *t)
{
    char key[HOOK_KEY_MAX];
    struct writing w = { .batch = json_array(), .claims = json_array() };
    json_t *own = NULL;
    enum cht_err err = ask_own(h, &own);
    for (size_t i = 0; i < json_array_size(t->todos) && i < HOOK_TODOS && err == CHT_OK; i++)
        err = write_item(h, t, i, own, &w);
    hook_key(h, "todos", "", key);
    if (err == CHT_OK && json_array_size(w.batch) != 0)
        err = agent_change(h->agent, json_pack("{s:O}", "batch", w.batch),
                           t->tool_use_id[0] == '\0' ? NULL : key, NULL);
    for (size_t i = 0; i < json_array_size(w.claims) && err == CHT_OK; i++)
        err = hook_begin(h, t, json_string_value(json_array_get(w.claims, i)));
    json_decref(w.batch);
    json_decref(w.claims);
    json_decref(own);
    return err;
}

/* Before the tool runs: an item whose status would move and that another session holds. */
enum cht_err hook_todos_deny(struct hook *h, const struct hook_task *t)
{
    json_t *own = NULL;
    enum cht_err err = ask_own(h, &own);
    for (size_t i = 0; i < json_array_size(t->todos) && i < HOOK_TODOS && err == CHT_OK; i++) {
        struct hook_todo item;
        char todo[CRDT_ID_TEXT_MAX], key[HOOK_KEY_MAX], text[HOOK_HELD_MAX];
        bool held = false;
        if (!hook_todo_read(t->todos, i, &item))
            continue;
        err = todo_of(h, item.content, todo);
        const json_t *old = json_object_get(own, todo);
        if (err != CHT_OK || old == NULL ||
            !hook_status_moves(bridge_json_str(old, "status"), HOOK_STATUS_NONE, item.status))
            continue;
        hook_key(h, "claim", todo, key);
        err = item.status == HOOK_STATUS_IN_PROGRESS
                  ? hook_claim(h, todo, t->tool_use_id[0] == '\0' ? NULL : key, text, &held)
                  : hook_held(h, todo, text, &held);
        if (held)
            hook_answer_deny(h->answer, text);
        if (err == CHT_E_INVALID)
            err = CHT_OK; /* what is finished is nobody's */
    }
    json_decref(own);
    return err;
}
