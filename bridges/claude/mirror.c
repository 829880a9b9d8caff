/* One look: read everything, find for each task its todo and for each todo its task, merge, write.
 * Whatever is written comes back as an event, and the next look finds nothing to do. */
#include "bridges/claude/mirror.h"

#include "bridges/claude/mirror_merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* What one look knows. */
struct look {
    struct mirror *m;
    struct mirror_tasks tasks;
    bool there;     /* the folder is */
    json_t *open;   /* id: data, of the open todos that belong into the list */
    json_t *datas;  /* id: data, of todos of tasks that are not among those; null: deleted */
    json_t *pairs;  /* task name: id of its todo */
    json_t *here;   /* task name: true where it has a file */
    json_t *views;  /* task name: what task and todo become */
    json_t *absent; /* of mirror.h, as it is after this look */
};

static uint64_t now_ms(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Something could not be done now. */
static enum cht_err busy(struct mirror *m, enum cht_err err, unsigned wait_ms)
{
    if (err != CHT_E_BUSY)
        return err;
    m->wait_ms = m->again && m->wait_ms < wait_ms ? m->wait_ms : wait_ms;
    m->again = true;
    return CHT_OK;
}

/* The node will not have it, now or ever: the others go on without this one. */
static enum cht_err pass_over(enum cht_err err)
{
    const bool refused = err == CHT_E_INVALID || err == CHT_E_LIMIT || err == CHT_E_CONFLICT ||
                         err == CHT_E_DENIED || err == CHT_E_NOTFOUND || err == CHT_E_EXISTS;
    return refused ? CHT_OK : err;
}

/* --- todos ----------------------------------------------------------------------------------- */

static enum cht_err load_open(struct look *l)
{
    struct mirror *m = l->m;
    const char *project = agent_project(m->agent);
    const char *field = m->shared ? "project" : "session";
    const char *value = m->shared ? project : agent_session(m->agent);
    json_t *records = NULL, *record;
    size_t i;
    if (value[0] == '\0')
        return CHT_OK;
    enum cht_err err =
        agent_query(m->agent,
                    json_pack("{ss ss s[s] s[{ss ss ss}] si}", "operation", "list", "domain",
                              "todos", "is", "open", "where", "field", field, "op", "is", "value",
                              value, "limit", (int)MIRROR_TODOS_MAX),
                    &records);
    json_array_foreach(records, i, record)
    {
        const char *id = bridge_json_str(record, "chittyId");
        if (id != NULL && json_object_set(l->open, id, json_object_get(record, "data")) != 0)
            err = CHT_E_NOMEM;
    }
    json_decref(records);
    return err;
}

/* The data of a todo, borrowed; NULL: it is deleted (`*out_known`) or not known here. */
static enum cht_err find_todo(struct look *l, const char *id, bool *out_known, const json_t **out)
{
    json_t *record = NULL;
    const json_t *data = json_object_get(l->open, id);
    if (data == NULL)
        data = json_object_get(l->datas, id);
    *out_known = true;
    if (data != NULL) {
        *out = json_is_null(data) ? NULL : data;
        return CHT_OK;
    }
    const enum cht_err err =
        agent_query(l->m->agent,
                    json_pack("{ss s{ss}}", "operation", "get", "entity", "chittyId", id), &record);
    *out = NULL;
    if (err == CHT_E_NOTFOUND) {
        *out_known = false;
        return CHT_OK;
    }
    if (err != CHT_OK)
        return err;
    json_t *first = json_array_get(record, 0);
    json_t *is = json_object_get(first, "data");
    const bool deleted = json_is_true(json_object_get(first, "deleted"));
    (void)json_object_set(l->datas, id, deleted || is == NULL ? json_null() : is);
    json_decref(record);
    data = json_object_get(l->datas, id);
    *out = json_is_null(data) ? NULL : data;
    return CHT_OK;
}

static bool is_over(const json_t *data)
{
    const char *status = bridge_json_str(data, "status");
    return status != NULL && (strcmp(status, "completed") == 0 || strcmp(status, "cancelled") == 0);
}

static json_t *change_of(const char *operation, const char *id, json_t *data)
{
    json_t *entity = json_pack("{so}", "data", data);
    if (id != NULL && json_object_set_new(entity, "chittyId", json_string(id)) != 0) {
        json_decref(entity);
        return NULL;
    }
    return json_pack("{ss ss so sb}", "domain", "todos", "operation", operation, "entity", entity,
                     "circles", 1);
}

/* A new todo of a task. `id` NULL: the node draws one. What is known of it from now on is put into
 * `out`. */
static enum cht_err make_todo(struct look *l, const struct mirror_task *t, const char *id,
                              json_t **out)
{
    struct mirror *m = l->m;
    json_t *result = NULL;
    json_t *nothing = json_pack("{ss ss ss ss ss s[]}", "subject", "", "description", "",
                                "activeForm", "", "owner", "", "status", "pending", "blockedBy");
    json_t *view = mirror_view_of_file(t->file, t->name, l->pairs);
    json_t *data = nothing == NULL || view == NULL ? NULL : mirror_todo_data(nothing, view);
    json_decref(nothing);
    if (data == NULL) {
        json_decref(view);
        return CHT_E_NOMEM;
    }
    if (agent_session(m->agent)[0] != '\0')
        (void)json_object_set_new(data, "session", json_string(agent_session(m->agent)));
    if (agent_project(m->agent)[0] != '\0')
        (void)json_object_set_new(data, "project", json_string(agent_project(m->agent)));
    (void)json_object_set_new(
        data, "raw",
        json_pack("{ss ss}", "claude-task.list", m->list.key, "claude-task.id", t->name));
    enum cht_err err = agent_change(m->agent, change_of("create", id, data), NULL, &result);
    const char *made = bridge_json_str(result, "chittyId");
    if (err == CHT_OK && made != NULL) {
        *out = json_pack("{ss sO}", "todo", made, "was", view);
        m->counts.todos_made++;
    } else if (err == CHT_E_EXISTS && id != NULL) { /* a hook was faster, and knows other things */
        *out = json_pack("{ss}", "todo", id);
        err = CHT_OK;
    }
    json_decref(result);
    json_decref(view);
    return err;
}

/* --- which todo a task is -------------------------------------------------------------------- */

/* It is known by its file (`*out_told`), by what we know of it, by its name, by its list. */
static void id_of(const struct look *l, const struct mirror_task *t, bool *out_told,
                  char out[static CRDT_ID_TEXT_MAX])
{
    struct crdt_id id;
    const char *told = bridge_json_str(json_object_get(t->file, "metadata"), "chitty");
    const char *known = bridge_json_str(json_object_get(l->m->state, t->name), "todo");
    *out_told =
        told != NULL && crdt_id_parse(cht_bytes_str(told), &id) == CHT_OK && id.type == CRDT_TODO;
    if (!*out_told && (known == NULL || crdt_id_parse(cht_bytes_str(known), &id) != CHT_OK) &&
        (crdt_id_parse(cht_bytes_str(t->name), &id) != CHT_OK || id.type != CRDT_TODO))
        native_task_natural(&l->m->list, t->name, &id);
    crdt_id_text(&id, out);
}

static enum cht_err drop_file(struct look *l, struct mirror_task *t, const char *id)
{
    unsigned wait = 0;
    const enum cht_err err = mirror_write(l->m->list.folder, t->name, t->file, NULL, &wait);
    if (err != CHT_OK)
        return busy(l->m, err, wait);
    l->m->counts.files_removed++;
    (void)json_object_set_new(l->m->state, t->name, json_pack("{ss}", "gone", id));
    (void)json_object_del(l->here, t->name);
    return CHT_OK;
}

/* The todo of a task without one. Under the task's lock, so that a session which deletes the task
 * at this moment does so before, and it is not made, or after, and the hook finds it. */
static enum cht_err adopt(struct look *l, struct mirror_task *t, const char *id)
{
    unsigned wait = 0;
    struct mirror_hold hold;
    json_t *known = NULL;
    enum cht_err err = mirror_hold(l->m->list.folder, t->name, t->file, &hold, &wait);
    if (err != CHT_OK)
        return busy(l->m, err, wait);
    err = make_todo(l, t, id, &known);
    if (err == CHT_OK) {
        (void)json_object_set(l->pairs, t->name, json_object_get(known, "todo"));
        err = json_object_set(l->m->state, t->name, known) == 0 ? mirror_state_save(l->m)
                                                                : CHT_E_NOMEM;
    }
    mirror_let_go(&hold);
    json_decref(known);
    return pass_over(err);
}

/* Was the number of a task that is gone, or was done and then removed unseen, given to another? A
 * task that comes back says the same as before; one that was done is not begun and called something
 * else in a new file. */
static bool is_another(const struct mirror_task *t, const json_t *state, const json_t *data)
{
    const char *subject = bridge_json_str(t->file, "subject");
    const char *status = bridge_json_str(t->file, "status");
    const json_t *was = json_object_get(state, "was");
    const char *then = bridge_json_str(was, "status");
    const char *mark = bridge_json_str(state, "mark");
    if (bridge_json_str(state, "gone") == NULL &&
        (then == NULL || strcmp(then, "completed") != 0 || status == NULL ||
         strcmp(status, "pending") != 0 || mark == NULL || strcmp(mark, t->mark) == 0))
        return false;
    const char *content =
        bridge_json_str(was == NULL ? data : was, was == NULL ? "content" : "subject");
    return content == NULL || subject == NULL || strcmp(content, subject) != 0;
}

/* Half written: it keeps the todo that it has, or will have. */
static enum cht_err reserve(struct look *l, const struct mirror_task *t)
{
    char text[CRDT_ID_TEXT_MAX];
    struct crdt_id id;
    const char *todo = bridge_json_str(json_object_get(l->m->state, t->name), "todo");
    native_task_natural(&l->m->list, t->name, &id);
    crdt_id_text(&id, text);
    return json_object_set_new(l->pairs, t->name, json_string(todo == NULL ? text : todo)) == 0
               ? CHT_OK
               : CHT_E_NOMEM;
}

static enum cht_err pair_task(struct look *l, struct mirror_task *t)
{
    char id[CRDT_ID_TEXT_MAX];
    bool told = false, known = false;
    const json_t *data = NULL;
    const json_t *state = json_object_get(l->m->state, t->name);
    if (t->file == NULL)
        return reserve(l, t);
    id_of(l, t, &told, id);
    enum cht_err err = find_todo(l, id, &known, &data);
    if (err != CHT_OK)
        return err;
    const bool gone = bridge_json_str(state, "gone") != NULL;
    if (data != NULL && !told && is_another(t, state, data))
        return adopt(l, t, NULL);
    if (data != NULL)
        return json_object_set_new(l->pairs, t->name, json_string(id)) == 0 ? CHT_OK : CHT_E_NOMEM;
    if (!known)
        return told ? CHT_OK : adopt(l, t, id); /* one of another device that is not here yet */
    if (told || (state != NULL && !gone))
        return drop_file(l, t, id);
    return adopt(l, t, NULL); /* the number was given to another task */
}

/* --- which task a todo is -------------------------------------------------------------------- */

static bool is_paired(const struct look *l, const char *id)
{
    const char *name;
    json_t *one;
    json_object_foreach(l->pairs, name, one)
    {
        if (strcmp(json_string_value(one), id) == 0)
            return true;
    }
    return false;
}

/* Is it time to give a todo a file again that has lost it? */
static bool grace_is_over(struct look *l, const char *id)
{
    const uint64_t now = now_ms();
    const json_t *since = json_object_get(l->m->absent, id);
    const uint64_t from = since == NULL ? now : (uint64_t)json_integer_value(since);
    if (now - from >= MIRROR_GRACE_MS)
        return true;
    (void)json_object_set_new(l->absent, id, json_integer((json_int_t)from));
    (void)busy(l->m, CHT_E_BUSY, (unsigned)(MIRROR_GRACE_MS - (now - from)) + 1);
    return false;
}

/* The file of a todo that has none. What is known of it is kept before it is there: a session may
 * delete it in the next moment, and its hook asks us what it was. */
static enum cht_err put_file(struct look *l, const char *id, const char *name, json_t *view,
                             json_t *file)
{
    struct mirror *m = l->m;
    enum cht_err err =
        json_object_set_new(file, "id", json_string(name)) == 0 &&
                json_object_set_new(m->state, name,
                                    json_pack("{ss sO}", "todo", id, "was", view)) == 0
            ? mirror_state_save(m)
            : CHT_E_NOMEM;
    if (err == CHT_OK)
        err = mirror_put(m->list.folder, name, file);
    if (err == CHT_OK) {
        m->counts.files_made++;
        (void)json_object_set_new(l->pairs, name, json_string(id));
    }
    return err;
}

/* `name`: the task that it was, or NULL for the next number. */
static enum cht_err make_file(struct look *l, const char *id, const json_t *data, const char *name)
{
    const char *folder = l->m->list.folder;
    char made[MIRROR_NAME_MAX];
    struct mirror_hold hold;
    unsigned wait = 0;
    json_t *view = mirror_view_of_todo(data, l->pairs);
    json_t *file = json_pack("{ss ss ss ss s[] s[]}", "id", "", "subject", "", "description", "",
                             "status", "", "blocks", "blockedBy");
    enum cht_err err = view == NULL || file == NULL
                           ? CHT_E_NOMEM
                           : mirror_file_put(file, view, id, true, l->pairs);
    if (err == CHT_OK && name != NULL)
        err = mirror_hold(folder, name, NULL, &hold, &wait);
    else if (err == CHT_OK)
        err = mirror_next(folder, &hold, made, &wait);
    if (err == CHT_OK) {
        err = put_file(l, id, name == NULL ? made : name, view, file);
        mirror_let_go(&hold);
    }
    json_decref(file);
    json_decref(view);
    return busy(l->m, err, wait);
}

/* A task that we know has no file any more. */
static enum cht_err miss_file(struct look *l, const char *task, const char *id)
{
    bool known = false;
    unsigned wait = 0;
    const json_t *data = NULL;
    enum cht_err err = find_todo(l, id, &known, &data);
    if (err != CHT_OK)
        return err;
    if (data != NULL && !is_over(data) && !is_paired(l, id)) {
        (void)json_object_set_new(l->pairs, task, json_string(id));
        return grace_is_over(l, id) ? make_file(l, id, data, task) : CHT_OK;
    }
    err = mirror_retire(l->m->list.folder, task, &wait); /* over, or it has another number */
    if (err == CHT_OK)
        (void)json_object_set_new(l->m->state, task, json_pack("{ss}", "gone", id));
    return busy(l->m, err, wait);
}

static enum cht_err miss_files(struct look *l)
{
    const char *name;
    json_t *known;
    void *next;
    enum cht_err err = CHT_OK;
    json_object_foreach_safe(l->m->state, next, name, known)
    {
        char id[CRDT_ID_TEXT_MAX], task[MIRROR_NAME_MAX];
        const char *todo = bridge_json_str(known, "todo");
        if (err != CHT_OK || todo == NULL || mirror_task_named(&l->tasks, name) != NULL ||
            mirror_there(l->m->list.folder, name))
            continue;
        (void)snprintf(id, sizeof id, "%s", todo);
        (void)snprintf(task, sizeof task, "%s", name);
        err = miss_file(l, task, id);
    }
    return err;
}

/* Open todos that have no file yet. */
static enum cht_err give_files(struct look *l)
{
    const char *id;
    json_t *data;
    enum cht_err err = CHT_OK;
    json_object_foreach(l->open, id, data)
    {
        const char *list = bridge_json_str(json_object_get(data, "raw"), "claude-task.list");
        if (err != CHT_OK || is_paired(l, id))
            continue;
        /* a task of this very list that we never saw: it may be about to be deleted */
        if (list != NULL && strcmp(list, l->m->list.key) == 0 && !grace_is_over(l, id))
            continue;
        err = make_file(l, id, data, NULL);
    }
    return err;
}

/* --- making them equal ----------------------------------------------------------------------- */

static enum cht_err merge_todo(struct look *l, const struct mirror_task *t, const char *id,
                               const json_t *data)
{
    const json_t *state = json_object_get(l->m->state, t->name);
    const char *known = bridge_json_str(state, "todo");
    const json_t *was =
        known != NULL && strcmp(known, id) == 0 ? json_object_get(state, "was") : NULL;
    json_t *todo = mirror_view_of_todo(data, l->pairs);
    json_t *file = mirror_view_of_file(t->file, t->name, l->pairs);
    json_t *both = mirror_merge(was, file, todo, l->pairs, l->here);
    json_t *change = mirror_todo_data(todo, both);
    json_decref(file);
    json_decref(todo);
    enum cht_err err =
        both == NULL || change == NULL || json_object_set(l->views, t->name, both) != 0
            ? CHT_E_NOMEM
            : CHT_OK;
    json_decref(both);
    if (err == CHT_OK && json_object_size(change) > 0) {
        err = agent_change(l->m->agent, change_of("update", id, json_incref(change)), NULL, NULL);
        l->m->counts.todos_changed += err == CHT_OK;
        l->m->again = true; /* the node may say it in other words */
        l->m->wait_ms = 0;
    }
    if (err != CHT_OK)
        (void)json_object_del(l->views, t->name);
    json_decref(change);
    return pass_over(err);
}

/* The tasks that wait for this one. */
static json_t *blocked_by(const struct look *l, const char *id)
{
    json_t *names = json_array(), *view, *one;
    const char *name;
    size_t i;
    json_object_foreach(l->views, name, view)
    {
        json_array_foreach(json_object_get(view, "blockedBy"), i, one)
        {
            if (strcmp(json_string_value(one), id) == 0)
                (void)json_array_append_new(names, json_string(name));
        }
    }
    return names;
}

static enum cht_err merge_file(struct look *l, struct mirror_task *t, const char *id)
{
    struct mirror *m = l->m;
    unsigned wait = 0;
    struct crdt_id natural;
    char own[CRDT_ID_TEXT_MAX];
    const json_t *view = json_object_get(l->views, t->name);
    json_t *file = json_deep_copy(t->file), *blocks = blocked_by(l, id);
    native_task_natural(&m->list, t->name, &natural);
    crdt_id_text(&natural, own);
    const bool with_id = strcmp(own, id) != 0 && strcmp(t->name, id) != 0;
    enum cht_err err = file == NULL || blocks == NULL || !mirror_put_blocks(file, blocks)
                           ? CHT_E_NOMEM
                           : mirror_file_put(file, view, id, with_id, l->pairs);
    const bool differs = err == CHT_OK && !json_equal(file, t->file);
    if (differs)
        err = mirror_write(m->list.folder, t->name, t->file, file, &wait);
    json_decref(blocks);
    json_decref(file);
    if (err != CHT_OK)
        return busy(m, err, wait);
    m->counts.files_changed += differs;
    json_t *known = json_pack("{ss sO}", "todo", id, "was", view);
    if (!differs && known != NULL)
        (void)json_object_set_new(known, "mark", json_string(t->mark));
    return json_object_set_new(m->state, t->name, known) == 0 ? CHT_OK : CHT_E_NOMEM;
}

static enum cht_err merge_all(struct look *l)
{
    enum cht_err err = CHT_OK;
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; err == CHT_OK && i < l->tasks.count; i++) {
            struct mirror_task *t = &l->tasks.list[i];
            const char *id = bridge_json_str(l->pairs, t->name);
            bool known = false;
            const json_t *data = NULL;
            if (t->file == NULL || id == NULL)
                continue;
            if (round == 1 && json_object_get(l->views, t->name) != NULL)
                err = merge_file(l, t, id);
            if (round == 0)
                err = find_todo(l, id, &known, &data);
            if (round == 0 && err == CHT_OK && data != NULL)
                err = merge_todo(l, t, id, data);
        }
    }
    return err;
}

/* --- a look ---------------------------------------------------------------------------------- */

static enum cht_err look_at_all(struct look *l)
{
    enum cht_err err = mirror_scan(l->m->list.folder, &l->there, &l->tasks);
    if (err != CHT_OK || !l->there)
        return err; /* no session has made the list, or all of it was put away */
    err = load_open(l);
    for (size_t i = 0; i < l->tasks.count; i++)
        (void)json_object_set_new(l->here, l->tasks.list[i].name, json_true());
    for (size_t i = 0; err == CHT_OK && i < l->tasks.count; i++)
        err = pair_task(l, &l->tasks.list[i]);
    if (err == CHT_OK)
        err = miss_files(l);
    if (err == CHT_OK)
        err = give_files(l);
    return err == CHT_OK ? merge_all(l) : err;
}

enum cht_err mirror_look(struct mirror *m)
{
    struct look l = { .m = m,
                      .open = json_object(),
                      .datas = json_object(),
                      .pairs = json_object(),
                      .here = json_object(),
                      .views = json_object(),
                      .absent = json_object() };
    json_t *before = json_deep_copy(m->state);
    m->again = false;
    m->wait_ms = 0;
    enum cht_err err = l.open == NULL || l.datas == NULL || l.pairs == NULL || l.here == NULL ||
                               l.views == NULL || l.absent == NULL || before == NULL
                           ? CHT_E_NOMEM
                           : look_at_all(&l);
    if (before != NULL && !json_equal(before, m->state)) {
        const enum cht_err saved = mirror_state_save(m);
        err = err == CHT_OK ? saved : err;
    }
    if (l.absent != NULL) {
        json_decref(m->absent);
        m->absent = l.absent;
    }
    json_decref(before);
    json_decref(l.open);
    json_decref(l.datas);
    json_decref(l.pairs);
    json_decref(l.here);
    json_decref(l.views);
    mirror_tasks_clear(&l.tasks);
    return err;
}
