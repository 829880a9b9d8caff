/* Tasks in payloads; see hook_task.h. */
#include "bridges/claude/hook_task.h"

#include "crdt/alike.h"
#include "crdt/limits.h"

#include <stdlib.h>

static const struct {
    const char *word;
    enum hook_status status;
} statuses[] = {
    { "pending", HOOK_STATUS_PENDING },     { "in_progress", HOOK_STATUS_IN_PROGRESS },
    { "completed", HOOK_STATUS_COMPLETED }, { "deleted", HOOK_STATUS_DELETED },
    { "open", HOOK_STATUS_PENDING },        { "resolved", HOOK_STATUS_COMPLETED },
};

static enum hook_status status_at(const json_t *object, const char *key)
{
    const char *word = hook_id_at(object, key);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (strcmp(statuses[i].word, word) == 0)
            return statuses[i].status;
    }
    return HOOK_STATUS_NONE;
}

const char *hook_status_word(enum hook_status status)
{
    switch (status) {
    case HOOK_STATUS_PENDING:
        return "pending";
    case HOOK_STATUS_IN_PROGRESS:
        return "in_progress";
    case HOOK_STATUS_COMPLETED:
        return "completed";
    case HOOK_STATUS_NONE:
    case HOOK_STATUS_DELETED:
        break;
    }
    return NULL;
}

static const json_t *array_at(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return json_is_array(v) ? v : NULL;
}

static const json_t *object_at(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return json_is_object(v) ? v : NULL;
}

/* A title has one line and LIMIT_TITLE_BYTES; what is longer is cut between two characters. */
static struct cht_bytes title_at(const json_t *object, const char *key)
{
    struct cht_bytes text = hook_text_at(object, key);
    if (text.len > LIMIT_TITLE_BYTES) {
        text.len = LIMIT_TITLE_BYTES;
        while (text.len > 0 && (text.data[text.len] & 0xc0) == 0x80)
            text.len--;
    }
    return text;
}

/* "Task #12 created successfully: …", as older versions and PostToolBatch answer. */
static const char *told_number(const json_t *response, char room[static 24])
{
    static const char head[] = "Task #";
    const char *text = json_is_string(response) ? json_string_value(response) : "";
    size_t len = 0;
    if (strncmp(text, head, sizeof head - 1) != 0)
        return "";
    for (text += sizeof head - 1; text[len] >= '0' && text[len] <= '9' && len < 20; len++)
        room[len] = text[len];
    room[len] = '\0';
    return room;
}

/* The number of a task under the names that models give it; Claude Code repairs its own input, and
 * some versions tell the hook what was there before. */
static const char *input_number(const json_t *input, char room[static 24])
{
    static const char *const names[] = { "taskId", "task_id", "id", "taskID" };
    const char *id = "";
    for (size_t i = 0; i < sizeof names / sizeof names[0] && id[0] == '\0'; i++)
        id = hook_number_at(input, names[i], room);
    return id;
}

static struct cht_bytes either(struct cht_bytes first, struct cht_bytes second)
{
    return first.len != 0 ? first : second;
}

static void read_create(const json_t *input, const json_t *response, struct hook_task *t)
{
    const json_t *made = object_at(response, "task");
    t->op = HOOK_TASK_CREATE;
    t->task_id = hook_number_at(made, "id", t->number);
    if (t->task_id[0] == '\0')
        t->task_id = told_number(response, t->number);
    t->subject = either(title_at(made, "subject"),
                        either(title_at(input, "subject"), title_at(input, "title")));
    t->description = either(hook_text_at(made, "description"), hook_text_at(input, "description"));
    t->active_form = title_at(input, "activeForm");
    t->metadata = object_at(input, "metadata");
}

static void read_update(const json_t *input, const json_t *response, struct hook_task *t)
{
    const json_t *change = object_at(response, "statusChange");
    t->op = HOOK_TASK_UPDATE;
    t->task_id = input_number(input, t->number);
    t->subject = title_at(input, "subject");
    t->description = hook_text_at(input, "description");
    t->active_form = title_at(input, "activeForm");
    t->owner = title_at(input, "owner");
    t->status = status_at(input, "status");
    t->from = status_at(change, "from");
    t->blocks = array_at(input, "addBlocks");
    t->blocked_by = array_at(input, "addBlockedBy");
    t->metadata = object_at(input, "metadata");
    t->refused = json_is_false(json_object_get(response, "success"));
}

static void read_todos(const json_t *input, const json_t *response, struct hook_task *t)
{
    const json_t *after = array_at(response, "newTodos");
    t->op = HOOK_TASK_TODOS;
    t->todos = after != NULL ? after : array_at(input, "todos");
    t->before = array_at(response, "oldTodos");
    if (t->todos == NULL)
        t->op = HOOK_TASK_NONE;
}

static void read_call(const json_t *call, const char *tool, struct hook_task *t)
{
    const json_t *input = object_at(call, "tool_input");
    const json_t *response = json_object_get(call, "tool_response");
    t->tool = tool;
    t->tool_use_id = hook_id_at(call, "tool_use_id");
    t->answered = response != NULL;
    if (strcmp(tool, "TaskCreate") == 0)
        read_create(input, response, t);
    else if (strcmp(tool, "TaskUpdate") == 0)
        read_update(input, response, t);
    else if (strcmp(tool, "TodoWrite") == 0)
        read_todos(input, response, t);
}

size_t hook_task_calls(const struct hook_payload *payload)
{
    const json_t *calls = array_at(payload->root, "tool_calls");
    if (payload->event != HOOK_POST_TOOL_BATCH)
        return 1;
    const size_t count = json_array_size(calls);
    return count < HOOK_CALLS ? count : HOOK_CALLS;
}

void hook_task_read(const struct hook_payload *payload, size_t index, struct hook_task *out)
{
    *out = (struct hook_task){ .op = HOOK_TASK_NONE, .task_id = "", .tool_use_id = "", .tool = "" };
    if (payload->event == HOOK_TASK_CREATED || payload->event == HOOK_TASK_COMPLETED) {
        const bool made = payload->event == HOOK_TASK_CREATED;
        out->op = made ? HOOK_TASK_CREATE : HOOK_TASK_DONE;
        out->answered = true;
        out->task_id = hook_number_at(payload->root, "task_id", out->number);
        out->subject = title_at(payload->root, "task_subject");
        out->description = hook_text_at(payload->root, "task_description");
        out->owner = made ? cht_bytes(NULL, 0) : title_at(payload->root, "teammate_name");
        out->status = made ? HOOK_STATUS_NONE : HOOK_STATUS_COMPLETED;
    } else if (payload->event == HOOK_POST_TOOL_BATCH) {
        const json_t *call = json_array_get(array_at(payload->root, "tool_calls"), index);
        read_call(call, hook_id_at(call, "tool_name"), out);
    } else {
        read_call(payload->root, payload->tool_name, out);
    }
}

/* --- TodoWrite ------------------------------------------------------------------------------ */

bool hook_todo_read(const json_t *todos, size_t index, struct hook_todo *out)
{
    const json_t *item = json_array_get(todos, index);
    *out = (struct hook_todo){ .content = title_at(item, "content"),
                               .active_form = title_at(item, "activeForm"),
                               .status = status_at(item, "status") };
    for (size_t i = 0; i < out->content.len; i++) {
        if (out->content.data[i] > ' ')
            return true;
    }
    return false;
}

enum cht_err hook_todo_normal(struct cht_bytes content, struct cht_buf *out)
{
    const size_t start = out->len;
    const enum cht_err err = crdt_alike_text(content, out);
    return err == CHT_OK && out->len == start ? cht_buf_add(out, content) : err;
}

static bool same_content(struct cht_bytes a, struct cht_bytes b)
{
    struct cht_buf x, y;
    cht_buf_init(&x, HOOK_NORMAL_BYTES);
    cht_buf_init(&y, HOOK_NORMAL_BYTES);
    const bool same = hook_todo_normal(a, &x) == CHT_OK && hook_todo_normal(b, &y) == CHT_OK &&
                      x.len == y.len && (x.len == 0 || memcmp(x.data, y.data, x.len) == 0);
    cht_buf_clear(&x);
    cht_buf_clear(&y);
    return same;
}

enum hook_status hook_todo_before(const json_t *list, struct cht_bytes content)
{
    struct hook_todo item;
    for (size_t i = 0; i < json_array_size(list) && i < HOOK_TODOS; i++) {
        if (hook_todo_read(list, i, &item) && same_content(item.content, content))
            return item.status;
    }
    return HOOK_STATUS_NONE;
}
