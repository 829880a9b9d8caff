/* Tasks that a tool has changed become todos, whatever comes first: the tool's answer, the event
 * TaskCreated, an update of a task that nobody has told of yet, and each of them twice.
 *
 * A todo made for a task has the id that the task gives it (native_task.h), so that all of them
 * mean the same one. What is written for a use of a tool has a key of that use: again it changes
 * nothing. What makes it fills in what is not there yet and overwrites nothing. */
#include "bridges/claude/hook_own.h"
#include "bridges/claude/prefs.h"
#include "crdt/limits.h"

#include <stdio.h>
#include <stdlib.h>

#define HOPS_MAX 64u /* times that a number was given again */

/* A task that something is said of and its file. */
struct intake {
    struct hook *h;
    const struct hook_task *task;
    struct native_list list;
    char todo[CRDT_ID_TEXT_MAX];
};

/* --- pieces --------------------------------------------------------------------------------- */

/* Sets it where `value` is not NULL; false: no memory. */
static bool set(json_t *data, const char *key, json_t *value)
{
    return value != NULL && json_object_set_new(data, key, value) == 0;
}

static bool set_line(json_t *data, const char *key, struct cht_bytes text)
{
    return text.len == 0 || set(data, key, hook_line(text));
}

static bool set_document(json_t *data, const char *key, struct cht_bytes text)
{
    return text.len == 0 || set(data, key, hook_document(text));
}

static bool lacks(const json_t *data, const char *key)
{
    return json_object_get(data, key) == NULL;
}

/* The content of a todo of whose task only the number is known. */
static void placeholder(const char *task_id, char out[static 96])
{
    (void)snprintf(out, 96, "Task %.80s", task_id);
}

/* Does it nest no deeper than a value may? */
static bool shallow(const json_t *v, unsigned depth)
{
    const json_t *member;
    size_t i;
    if (json_is_array(v)) {
        json_array_foreach(v, i, member)
        {
            if (depth == 0 || !shallow(member, depth - 1))
                return false;
        }
    } else if (json_is_object(v)) {
        for (void *at = json_object_iter((json_t *)(uintptr_t)v); at != NULL;
             at = json_object_iter_next((json_t *)(uintptr_t)v, at)) {
            if (depth == 0 || !shallow(json_object_iter_value(at), depth - 1))
                return false;
        }
    }
    return true;
}

/* Members of the task's metadata, which is of no field; without those that `old` has (NULL: all).
 */
static bool set_metadata(const struct intake *in, json_t *raw, const json_t *old)
{
    char key[LIMIT_KEY_BYTES];
    json_t *metadata = (json_t *)(uintptr_t)in->task->metadata;
    unsigned count = 0;
    for (void *at = json_object_iter(metadata); at != NULL && count < HOOK_METADATA; count++) {
        const char *name = json_object_iter_key(at);
        json_t *value = json_object_iter_value(at);
        at = json_object_iter_next(metadata, at);
        if (strlen(name) > HOOK_ID_BYTES || strcmp(name, "chitty") == 0 ||
            !shallow(value, LIMIT_MSGPACK_DEPTH - 2))
            continue;
        (void)snprintf(key, sizeof key, "claude-task.metadata.%s", name);
        if (lacks(old, key) && json_object_set(raw, key, value) != 0)
            return false;
    }
    return true;
}

/* What Claude Code calls the task: list and number; and the metadata. */
static bool set_raw(const struct intake *in, json_t *data, const json_t *old)
{
    json_t *raw = json_object();
    bool ok = raw != NULL && set_metadata(in, raw, old);
    if (ok && data != NULL && json_object_get(data, "session") != NULL) /* a new one */
        ok = set(raw, "claude-task.list", json_string(in->list.key)) &&
             set(raw, "claude-task.id", json_string(in->task->task_id));
    if (ok && json_object_size(raw) != 0)
        return set(data, "raw", raw);
    json_decref(raw);
    return ok;
}

static bool set_session(const struct intake *in, json_t *data)
{
    const char *project = agent_project(in->h->agent);
    return set(data, "session", json_string(agent_session(in->h->agent))) &&
           (project[0] == '\0' || set(data, "project", json_string(project)));
}

static json_t *change_of(const char *operation, const char *todo, json_t *data)
{
    if (data == NULL)
        return json_pack("{s:s, s:s, s:{s:s}}", "domain", "todos", "operation", operation, "entity",
                         "chittyId", todo);
    return json_pack("{s:s, s:s, s:{s:s, s:o}}", "domain", "todos", "operation", operation,
                     "entity", "chittyId", todo, "data", data);
}

static enum cht_err change(const struct intake *in, const char *operation, json_t *data,
                           const char *what)
{
    char key[HOOK_KEY_MAX];
    hook_key(in->h, what, in->todo, key);
    const bool named = in->task->tool_use_id[0] != '\0';
    return agent_change(in->h->agent, change_of(operation, in->todo, data), named ? key : NULL,
                        NULL);
}

/* The data of the todo, borrowed from `*room`; NULL: it is not there. */
static enum cht_err look(const struct intake *in, const char *todo, json_t **room,
                         const json_t **out)
{
    json_decref(*room);
    *room = NULL;
    const enum cht_err err = agent_todo_get(in->h->agent, todo, room);
    *out = err == CHT_OK ? json_object_get(*room, "data") : NULL;
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

/* The same of the todo that the task's number means now. */
static enum cht_err look_now(struct intake *in, json_t **room, const json_t **out)
{
    enum cht_err err = look(in, in->todo, room, out);
    for (unsigned hops = 0; err == CHT_OK && hops < HOPS_MAX; hops++) {
        const char *next = bridge_json_str(json_object_get(*out, "raw"), "claude-task.next");
        if (next == NULL || strlen(next) >= sizeof in->todo)
            break;
        memcpy(in->todo, next, strlen(next) + 1);
        err = look(in, in->todo, room, out);
    }
    return err;
}

/* --- made ----------------------------------------------------------------------------------- */

/* A new todo for the task; `subject` may be empty. */
static json_t *new_data(const struct intake *in, struct cht_bytes subject)
{
    char name[96];
    json_t *data = json_object();
    placeholder(in->task->task_id, name);
    bool ok = data != NULL && set_session(in, data) && set_raw(in, data, NULL) &&
              set_line(data, "content", subject.len != 0 ? subject : cht_bytes_str(name)) &&
              set_document(data, "description", in->task->description) &&
              set_line(data, "active_form", in->task->active_form);
    if (ok && in->task->op == HOOK_TASK_CREATE && in->task->tool_use_id[0] != '\0')
        ok = set(data, "origin", hook_origin(in->h, in->task));
    if (ok)
        return data;
    json_decref(data);
    return NULL;
}

/* What a todo that is there already does not know yet of how its task was made. */
static json_t *missing_data(const struct intake *in, const json_t *old)
{
    const struct hook_task *t = in->task;
    char name[96];
    const char *content = bridge_json_str(old, "content");
    json_t *data = json_object();
    placeholder(t->task_id, name);
    bool ok = data != NULL;
    if (ok && content != NULL && strcmp(content, name) == 0)
        ok = set_line(data, "content", t->subject);
    if (ok && lacks(old, "description"))
        ok = set_document(data, "description", t->description);
    if (ok && lacks(old, "active_form"))
        ok = set_line(data, "active_form", t->active_form);
    if (ok && t->tool_use_id[0] != '\0')
        ok = set(data, "origin", hook_origin(in->h, t));
    if (ok)
        ok = set_raw(in, data, json_object_get(old, "raw"));
    if (ok)
        return data;
    json_decref(data);
    return NULL;
}

/* The use of the tool that made the todo; NULL: not known. */
static const char *made_by(const json_t *old)
{
    return bridge_json_str(json_object_get(old, "origin"), "toolUse");
}

/* The task with a number that another one had, as Claude Code gives a number again when its file is
 * gone: its todo has an id of the use of the tool too, and
 * the old one says which it is, for what is told of the number from now on. */
static enum cht_err take_again(struct intake *in)
{
    char key[NATIVE_TASK_ID_BYTES + HOOK_ID_BYTES + 2], older[CRDT_ID_TEXT_MAX];
    struct crdt_id id;
    (void)snprintf(key, sizeof key, "%s\n%s", in->task->task_id, in->task->tool_use_id);
    native_task_natural(&in->list, key, &id);
    memcpy(older, in->todo, sizeof older);
    crdt_id_text(&id, in->todo);
    enum cht_err err = change(in, "create", new_data(in, in->task->subject), "create");
    if (err == CHT_E_EXISTS)
        return CHT_OK;
    if (err != CHT_OK)
        return err;
    json_t *data = json_pack("{s:{s:s}}", "raw", "claude-task.next", in->todo);
    return agent_change(in->h->agent, change_of("update", older, data), NULL, NULL);
}

static enum cht_err take_create(struct intake *in)
{
    json_t *room = NULL;
    const json_t *old = NULL;
    enum cht_err err = look(in, in->todo, &room, &old);
    if (err == CHT_OK && old == NULL) {
        err = change(in, "create", new_data(in, in->task->subject), "create");
        if (err == CHT_E_EXISTS) /* another hook was faster, or it is deleted */
            err = look(in, in->todo, &room, &old);
    }
    const char *use = in->task->tool_use_id, *made = made_by(old);
    const bool again = made != NULL && use[0] != '\0' && strcmp(made, use) != 0;
    json_t *data = err == CHT_OK && old != NULL && made == NULL ? missing_data(in, old) : NULL;
    if (json_object_size(data) != 0)
        err = change(in, "update", json_incref(data), "made");
    json_decref(data);
    json_decref(room);
    return err == CHT_OK && again ? take_again(in) : err;
}

/* --- changed -------------------------------------------------------------------------------- */

/* The todos of tasks that an array names, as an array; NULL: no memory. */
static json_t *todos_of(const struct intake *in, const json_t *tasks)
{
    char text[CRDT_ID_TEXT_MAX], room[24];
    struct crdt_id id;
    json_t *todos = json_array();
    for (size_t i = 0; i < json_array_size(tasks) && i < HOOK_LINKS && todos != NULL; i++) {
        json_t *one = json_pack("{s:O}", "id", json_array_get(tasks, i));
        const char *task = hook_number_at(one, "id", room);
        if (native_task_todo(&in->list, task, NULL, &id) == CHT_OK) {
            crdt_id_text(&id, text);
            if (strcmp(text, in->todo) != 0)
                (void)json_array_append_new(todos, json_string(text));
        }
        json_decref(one);
    }
    return todos;
}

static json_t *update_data(const struct intake *in, const json_t *old)
{
    const struct hook_task *t = in->task;
    json_t *data = json_object();
    json_t *before = t->blocked_by == NULL ? NULL : todos_of(in, t->blocked_by);
    bool ok = data != NULL && set_line(data, "content", t->subject) &&
              set_document(data, "description", t->description) &&
              set_line(data, "active_form", t->active_form) && set_line(data, "owner", t->owner) &&
              set_raw(in, data, NULL);
    if (ok && json_array_size(before) != 0)
        ok = set(data, "dependencies", json_pack("{s:O}", "add", before));
    if (ok && hook_status_moves(bridge_json_str(old, "status"), t->from, t->status))
        ok = set(data, "status", json_string(hook_status_word(t->status)));
    json_decref(before);
    if (ok)
        return data;
    json_decref(data);
    return NULL;
}

/* It is to be there, if only by the number of its task. `subject`: what its file says, or NULL. */
static enum cht_err make(const struct intake *in, const char *subject)
{
    const struct cht_bytes text = cht_bytes(subject, subject == NULL ? 0 : strlen(subject));
    json_t *data = new_data(in, text.len <= LIMIT_TITLE_BYTES ? text : cht_bytes(NULL, 0));
    const enum cht_err err =
        agent_change(in->h->agent, change_of("create", in->todo, data), NULL, NULL);
    return err == CHT_E_EXISTS ? CHT_OK : err;
}

/* The todos of other tasks depend on this one. */
static enum cht_err take_blocks(struct intake *in)
{
    enum cht_err err = CHT_OK;
    char room[24];
    for (size_t i = 0; i < json_array_size(in->task->blocks) && i < HOOK_LINKS && err == CHT_OK;
         i++) {
        struct crdt_id id;
        char *subject = NULL;
        json_t *one = json_pack("{s:O}", "id", json_array_get(in->task->blocks, i));
        struct hook_task other = { .op = HOOK_TASK_UPDATE, .tool_use_id = "", .tool = "" };
        struct intake behind = { .h = in->h, .task = &other, .list = in->list };
        other.task_id = hook_number_at(one, "id", room);
        if (native_task_todo(&in->list, other.task_id, &subject, &id) == CHT_OK) {
            crdt_id_text(&id, behind.todo);
            err = make(&behind, subject);
            json_t *add = json_pack("{s:{s:[s]}}", "dependencies", "add", in->todo);
            json_t *whole = change_of("update", behind.todo, add);
            if (whole != NULL)
                (void)json_object_set_new(whole, "circles", json_true());
            if (err == CHT_OK)
                err = agent_change(in->h->agent, whole, NULL, NULL);
            else
                json_decref(whole);
        }
        free(subject);
        json_decref(one);
    }
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

static enum cht_err write_update(struct intake *in, const json_t *old)
{
    char key[HOOK_KEY_MAX];
    json_t *data = update_data(in, old);
    const char *now = bridge_json_str(old, "status");
    const bool begins = in->task->status == HOOK_STATUS_IN_PROGRESS &&
                        (!lacks(data, "status") || hook_status_rank(now) == 1);
    if (begins)
        (void)json_object_del(data, "status");
    enum cht_err err = data == NULL ? CHT_E_NOMEM : CHT_OK;
    if (json_object_size(data) != 0) {
        json_t *whole = change_of("update", in->todo, json_incref(data));
        if (whole != NULL)
            (void)json_object_set_new(whole, "circles", json_true());
        hook_key(in->h, "update", in->todo, key);
        err =
            agent_change(in->h->agent, whole, in->task->tool_use_id[0] == '\0' ? NULL : key, NULL);
    }
    json_decref(data);
    return err == CHT_OK && begins ? hook_begin(in->h, in->task, in->todo) : err;
}

static enum cht_err take_update(struct intake *in, const char *subject)
{
    json_t *room = NULL;
    const json_t *old = NULL;
    if (in->task->refused)
        return CHT_OK;
    enum cht_err err = look_now(in, &room, &old);
    if (in->task->status == HOOK_STATUS_DELETED) {
        json_decref(room);
        err = err == CHT_OK ? change(in, "delete", NULL, "delete") : err;
        return err == CHT_E_NOTFOUND ? CHT_OK : err;
    }
    if (err == CHT_OK && old == NULL) {
        err = make(in, subject);
        if (err == CHT_OK)
            err = look(in, in->todo, &room, &old);
    }
    if (err == CHT_OK && old != NULL)
        err = write_update(in, old);
    if (err == CHT_OK && in->task->blocks != NULL && old != NULL)
        err = take_blocks(in);
    json_decref(room);
    return err;
}

/* TaskCompleted has no use of a tool: what names it is the task and the prompt. */
static enum cht_err take_done(struct intake *in)
{
    char key[HOOK_KEY_MAX], what[HOOK_ID_BYTES + 16];
    json_t *room = NULL;
    const json_t *old = NULL;
    enum cht_err err = look_now(in, &room, &old);
    if (err == CHT_OK && old == NULL) {
        char *subject = strndup((const char *)in->task->subject.data, in->task->subject.len);
        err = make(in, subject);
        free(subject);
    }
    const bool finished = hook_status_rank(bridge_json_str(old, "status")) == 2;
    json_decref(room);
    if (err != CHT_OK || finished)
        return err;
    (void)snprintf(what, sizeof what, "completed\n%s", in->h->payload->prompt_id);
    hook_key(in->h, what, in->todo, key);
    err = agent_change(in->h->agent,
                       change_of("update", in->todo, json_pack("{s:s}", "status", "completed")),
                       key, NULL);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

/* --- each call ------------------------------------------------------------------------------ */

static enum cht_err take(struct hook *h, const struct hook_task *t)
{
    struct intake in = { .h = h, .task = t };
    struct crdt_id id;
    char *subject = NULL;
    if (t->op == HOOK_TASK_TODOS)
        return hook_todos_take(h, t);
    if (t->op == HOOK_TASK_NONE || !t->answered || t->task_id[0] == '\0')
        return CHT_OK;
    enum cht_err err =
        native_list_find(agent_session_key(h->agent), agent_device(h->agent), &in.list);
    if (err == CHT_OK)
        err = native_task_todo(&in.list, t->task_id, &subject, &id);
    if (err == CHT_OK) {
        crdt_id_text(&id, in.todo);
        err = t->op == HOOK_TASK_CREATE   ? take_create(&in)
              : t->op == HOOK_TASK_UPDATE ? take_update(&in, subject)
                                          : take_done(&in);
    }
    free(subject);
    return err;
}

enum cht_err hook_post_task(struct hook *h)
{
    struct claude_prefs wanted;
    bool known = false;
    enum cht_err err = CHT_OK;
    claude_prefs_read(&wanted);
    if (!wanted.intake)
        return hook_known(h);
    for (size_t i = 0; i < hook_task_calls(h->payload) && err == CHT_OK; i++) {
        struct hook_task t;
        hook_task_read(h->payload, i, &t);
        if (t.op == HOOK_TASK_NONE)
            continue;
        if (!known)
            err = hook_known(h);
        known = true;
        if (err == CHT_OK)
            err = take(h, &t);
    }
    if (known && err == CHT_OK)
        hook_mirror(h);
    return err;
}
