/* Payloads of hooks: whatever they are, they are refused or read; texts are within their bounds and
 * without control characters where they name something, and an answer to them is a JSON object. */
/* covers: bridges/claude/hook_payload.c bridges/claude/hook_task.c bridges/claude/hook_answer.c */
#include "bridges/claude/hook_answer.h"
#include "bridges/claude/hook_task.h"
#include "crdt/limits.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_name(const char *text)
{
    must(strlen(text) <= HOOK_ID_BYTES);
    for (; *text != '\0'; text++)
        must((uint8_t)*text >= 0x20);
}

static void check_todo(const struct hook_todo *todo)
{
    struct cht_buf normal;
    cht_buf_init(&normal, HOOK_NORMAL_BYTES);
    must(todo->content.len != 0 && todo->content.len <= LIMIT_TITLE_BYTES);
    must(hook_todo_normal(todo->content, &normal) == CHT_OK && normal.len != 0);
    cht_buf_clear(&normal);
}

static void check_tasks(const struct hook_payload *p, struct hook_answer *answer)
{
    struct hook_todo todo;
    must(hook_task_calls(p) <= HOOK_CALLS);
    for (size_t i = 0; i < hook_task_calls(p); i++) {
        struct hook_task t;
        hook_task_read(p, i, &t);
        check_name(t.task_id);
        check_name(t.tool_use_id);
        check_name(t.tool);
        must(t.subject.len <= LIMIT_TITLE_BYTES && t.active_form.len <= LIMIT_TITLE_BYTES);
        must(t.op != HOOK_TASK_TODOS || t.todos != NULL);
        for (size_t j = 0; j < json_array_size(t.todos) && j < HOOK_TODOS; j++) {
            if (!hook_todo_read(t.todos, j, &todo))
                continue;
            check_todo(&todo);
            (void)hook_todo_before(t.before, todo.content);
        }
        if (t.subject.len != 0 && memchr(t.subject.data, '\0', t.subject.len) == NULL) {
            char text[LIMIT_TITLE_BYTES + 1] = { 0 };
            memcpy(text, t.subject.data, t.subject.len);
            hook_answer_context(answer, text);
            hook_answer_deny(answer, text);
            hook_answer_error(answer, HOOK_EXIT_NOTE, text);
        }
    }
}

static void check_answer(const struct hook_answer *answer, enum hook_event event)
{
    struct cht_buf out;
    cht_buf_init(&out, 16u * HOOK_CONTEXT_BYTES);
    must(strlen(answer->context) <= HOOK_CONTEXT_BYTES);
    must(strlen(answer->reason) <= HOOK_REASON_BYTES && strlen(answer->error) <= HOOK_WAKE_BYTES);
    must(hook_answer_put(answer, event, &out) == CHT_OK);
    if (out.len != 0) {
        json_t *said = json_loadb((const char *)out.data, out.len, 0, NULL);
        const json_t *inside = json_object_get(said, "hookSpecificOutput");
        const char *name = json_string_value(json_object_get(inside, "hookEventName"));
        must(name != NULL && strcmp(name, hook_event_name(event)) == 0);
        json_decref(said);
    }
    cht_buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cht_buf bytes;
    struct hook_payload payload;
    struct hook_answer answer = { 0 };
    cht_buf_init(&bytes, HOOK_PAYLOAD_BYTES);
    must(cht_buf_add(&bytes, cht_bytes(data, len)) == CHT_OK);
    if (hook_payload_read(&bytes, &payload) == CHT_OK) {
        check_name(payload.session_id);
        check_name(payload.prompt_id);
        check_name(payload.source);
        check_name(payload.tool_name);
        check_name(payload.tool_use_id);
        must(payload.cwd[0] == '\0' || payload.cwd[0] == '/');
        check_tasks(&payload, &answer);
        check_answer(&answer, payload.event);
        hook_payload_clear(&payload);
    }
    cht_buf_clear(&bytes);
    return 0;
}
