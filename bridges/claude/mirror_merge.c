/* Three-way, field by field; links as sets. */
#include "bridges/claude/mirror_merge.h"

#include "bridges/claude/hook_own.h"
#include "crdt/limits.h"

#include <stdio.h>
#include <string.h>

/* name in the file, field of the todo, as a document (else on one line) */
static const struct {
    const char *key, *field;
    bool document;
} texts[] = {
    { "subject", "content", false },
    { "description", "description", true },
    { "activeForm", "active_form", false },
    { "owner", "owner", false },
};
#define TEXTS (sizeof texts / sizeof texts[0])

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = bridge_json_str(object, key);
    return text == NULL ? "" : text;
}

/* A text of a task as a todo takes it: on one line no longer than a title; as a document. NULL: no
 * memory. */
static json_t *tidy(const char *text, bool document)
{
    size_t len = strlen(text);
    if (document)
        return hook_document(cht_bytes(text, len));
    if (len > LIMIT_TITLE_BYTES) {
        len = LIMIT_TITLE_BYTES;
        while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
            len--;
    }
    return hook_line(cht_bytes(text, len));
}

static unsigned rank(const char *status)
{
    return strcmp(status, "completed") == 0 ? 2 : strcmp(status, "in_progress") == 0 ? 1 : 0;
}

/* --- views ----------------------------------------------------------------------------------- */

static bool has(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (one != NULL && strcmp(one, text) == 0)
            return true;
    }
    return false;
}

/* Into its place. */
static bool add_sorted(json_t *list, const char *text)
{
    size_t at = 0;
    if (has(list, text))
        return true;
    while (at < json_array_size(list) &&
           strcmp(json_string_value(json_array_get(list, at)), text) < 0)
        at++;
    return json_array_insert_new(list, at, json_string(text)) == 0;
}

/* The name of the task that a todo is; NULL: of none here. */
static const char *task_of(const json_t *pairs, const char *todo)
{
    json_t *all = (json_t *)(uintptr_t)pairs;
    for (void *at = json_object_iter(all); at != NULL; at = json_object_iter_next(all, at)) {
        const char *id = json_string_value(json_object_iter_value(at));
        if (id != NULL && strcmp(id, todo) == 0)
            return json_object_iter_key(at);
    }
    return NULL;
}

json_t *mirror_view_of_file(const json_t *file, const char *name, const json_t *pairs)
{
    json_t *view = json_object(), *links = json_array();
    const json_t *blocked = json_object_get(file, "blockedBy");
    const char *status = text_at(file, "status");
    bool good = view != NULL && links != NULL;
    for (size_t i = 0; good && i < TEXTS; i++) {
        json_t *value = tidy(text_at(file, texts[i].key), texts[i].document);
        good = value != NULL && json_object_set_new(view, texts[i].key, value) == 0;
    }
    if (good && text_at(view, "subject")[strspn(text_at(view, "subject"), " ")] == '\0') {
        char other[96];
        (void)snprintf(other, sizeof other, "Task %.80s", name);
        good = json_object_set_new(view, "subject", json_string(other)) == 0;
    }
    for (size_t i = 0; good && i < json_array_size(blocked); i++) {
        const char *task = json_string_value(json_array_get(blocked, i));
        const char *todo = task == NULL ? NULL : bridge_json_str(pairs, task);
        good = todo == NULL || add_sorted(links, todo);
    }
    good = good &&
           json_object_set_new(view, "status",
                               json_string(rank(status) > 0 ? status : "pending")) == 0 &&
           json_object_set(view, "blockedBy", links) == 0;
    json_decref(links);
    if (good)
        return view;
    json_decref(view);
    return NULL;
}

json_t *mirror_view_of_todo(const json_t *data, const json_t *pairs)
{
    json_t *view = json_object(), *links = json_array();
    const json_t *dependencies = json_object_get(data, "dependencies");
    const char *status = text_at(data, "status");
    bool good = view != NULL && links != NULL;
    for (size_t i = 0; good && i < TEXTS; i++)
        good = json_object_set_new(view, texts[i].key,
                                   json_string(text_at(data, texts[i].field))) == 0;
    for (size_t i = 0; good && i < json_array_size(dependencies); i++) {
        const char *todo = json_string_value(json_array_get(dependencies, i));
        good = todo == NULL || task_of(pairs, todo) == NULL || add_sorted(links, todo);
    }
    const char *word = strcmp(status, "cancelled") == 0 ? "completed"
                       : rank(status) > 0               ? status
                                                        : "pending";
    good = good && json_object_set_new(view, "status", json_string(word)) == 0 &&
           json_object_set(view, "blockedBy", links) == 0;
    json_decref(links);
    if (good)
        return view;
    json_decref(view);
    return NULL;
}

/* --- merging --------------------------------------------------------------------------------- */

static json_t *merge_links(const json_t *was, const json_t *file, const json_t *todo,
                           const json_t *pairs, const json_t *here)
{
    json_t *all = json_array();
    bool good = all != NULL;
    for (size_t i = 0; good && i < json_array_size(todo); i++) {
        const char *id = json_string_value(json_array_get(todo, i));
        const char *task = task_of(pairs, id);
        const bool away =
            has(was, id) && !has(file, id) && task != NULL && json_object_get(here, task) != NULL;
        good = away || add_sorted(all, id);
    }
    for (size_t i = 0; good && i < json_array_size(file); i++) {
        const char *id = json_string_value(json_array_get(file, i));
        good = has(was, id) || add_sorted(all, id); /* one that the todo lost stays lost */
    }
    if (good)
        return all;
    json_decref(all);
    return NULL;
}

static const json_t *choose(const char *key, const json_t *was, const json_t *file,
                            const json_t *todo)
{
    if (json_equal(file, todo))
        return todo;
    if (was != NULL && json_equal(file, was))
        return todo;
    if (was != NULL && json_equal(todo, was))
        return file;
    if (strcmp(key, "status") == 0)
        return rank(json_string_value(file)) > rank(json_string_value(todo)) ? file : todo;
    return was == NULL && json_string_value(todo)[0] != '\0' ? todo : file;
}

json_t *mirror_merge(const json_t *was, const json_t *file, const json_t *todo, const json_t *pairs,
                     const json_t *here)
{
    static const char *const keys[] = { "subject", "description", "activeForm", "owner", "status" };
    json_t *all = file == NULL || todo == NULL ? NULL : json_object();
    bool good = all != NULL;
    for (size_t i = 0; good && i < sizeof keys / sizeof keys[0]; i++) {
        const json_t *value =
            choose(keys[i], json_object_get(was, keys[i]), json_object_get(file, keys[i]),
                   json_object_get(todo, keys[i]));
        good = json_object_set(all, keys[i], (json_t *)(uintptr_t)value) == 0;
    }
    if (good)
        good =
            json_object_set_new(all, "blockedBy",
                                merge_links(json_object_get(was, "blockedBy"),
                                            json_object_get(file, "blockedBy"),
                                            json_object_get(todo, "blockedBy"), pairs, here)) == 0;
    if (good)
        return all;
    json_decref(all);
    return NULL;
}

/* --- writing --------------------------------------------------------------------------------- */

/* Those of `a` that are not in `b`. */
static json_t *without(const json_t *a, const json_t *b)
{
    json_t *rest = json_array();
    for (size_t i = 0; rest != NULL && i < json_array_size(a); i++) {
        const char *id = json_string_value(json_array_get(a, i));
        if (!has(b, id))
            (void)json_array_append_new(rest, json_string(id));
    }
    return rest;
}

json_t *mirror_todo_data(const json_t *from, const json_t *to)
{
    json_t *data = from == NULL || to == NULL ? NULL : json_object();
    bool good = data != NULL;
    for (size_t i = 0; good && i < TEXTS; i++) {
        json_t *value = json_object_get(to, texts[i].key);
        if (json_equal(value, json_object_get(from, texts[i].key)))
            continue;
        const char *text = json_string_value(value);
        good = json_object_set(data, texts[i].field,
                               text[0] == '\0' && !texts[i].document ? json_null() : value) == 0;
    }
    json_t *status = json_object_get(to, "status");
    if (good && !json_equal(status, json_object_get(from, "status")))
        good = json_object_set(data, "status", status) == 0;
    const json_t *a = json_object_get(from, "blockedBy"), *b = json_object_get(to, "blockedBy");
    if (good && !json_equal(a, b))
        good = json_object_set_new(
                   data, "dependencies",
                   json_pack("{so so}", "add", without(b, a), "remove", without(a, b))) == 0;
    if (good)
        return data;
    json_decref(data);
    return NULL;
}

static bool put_links(json_t *file, const json_t *view, const json_t *pairs)
{
    json_t *names = json_array();
    const json_t *links = json_object_get(view, "blockedBy");
    const json_t *old = json_object_get(file, "blockedBy");
    for (size_t i = 0; names != NULL && i < json_array_size(old); i++) { /* in their order */
        const char *name = json_string_value(json_array_get(old, i));
        const char *todo = name == NULL ? NULL : bridge_json_str(pairs, name);
        if (todo != NULL && has(links, todo))
            (void)json_array_append_new(names, json_string(name));
    }
    for (size_t i = 0; names != NULL && i < json_array_size(links); i++) {
        const char *name = task_of(pairs, json_string_value(json_array_get(links, i)));
        if (name != NULL && !has(names, name))
            (void)json_array_append_new(names, json_string(name));
    }
    return names != NULL && json_object_set_new(file, "blockedBy", names) == 0;
}

bool mirror_put_blocks(json_t *file, const json_t *names)
{
    const json_t *old = json_object_get(file, "blocks");
    bool same = json_array_size(old) == json_array_size(names);
    for (size_t i = 0; same && i < json_array_size(names); i++)
        same = has(old, json_string_value(json_array_get(names, i)));
    return same || json_object_set(file, "blocks", (json_t *)(uintptr_t)names) == 0;
}

enum cht_err mirror_file_put(json_t *file, const json_t *view, const char *todo, bool with_id,
                             const json_t *pairs)
{
    bool good = true;
    for (size_t i = 0; good && i < TEXTS; i++) {
        const char *text = text_at(view, texts[i].key);
        /* a text that says the same as its view stays as it is written */
        const bool needed = i < 2 || json_object_get(file, texts[i].key) != NULL;
        if (text[0] == '\0' && !needed)
            continue;
        json_t *now = tidy(text_at(file, texts[i].key), texts[i].document);
        const bool same = now != NULL && json_object_get(file, texts[i].key) != NULL &&
                          strcmp(json_string_value(now), text) == 0;
        json_decref(now);
        good = same || json_object_set_new(file, texts[i].key, json_string(text)) == 0;
    }
    good = good && json_object_set(file, "status", json_object_get(view, "status")) == 0;
    if (good && json_object_get(file, "blocks") == NULL)
        good = json_object_set_new(file, "blocks", json_array()) == 0;
    good = good && put_links(file, view, pairs);
    if (good && with_id) {
        json_t *metadata = json_object_get(file, "metadata");
        if (!json_is_object(metadata))
            good = json_object_set_new(file, "metadata", json_pack("{ss}", "chitty", todo)) == 0;
        else
            good = json_object_set_new(metadata, "chitty", json_string(todo)) == 0;
    }
    return good ? CHT_OK : CHT_E_NOMEM;
}
