/* What is read of payloads of Claude Code and what is answered, without a node. */
#include "bridges/claude/hook_answer.h"
#include "bridges/claude/hook_own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct hook_payload reading(const char *text)
{
    struct hook_payload p;
    struct cht_buf bytes;
    cht_buf_init(&bytes, HOOK_PAYLOAD_BYTES);
    assert_int_equal(CHT_OK, cht_buf_add(&bytes, cht_bytes_str(text)));
    assert_int_equal(CHT_OK, hook_payload_read(&bytes, &p));
    cht_buf_clear(&bytes);
    return p;
}

static enum cht_err refused(const char *text, size_t len)
{
    struct hook_payload p = { .event = HOOK_STOP, .session_id = "untouched" };
    struct cht_buf bytes;
    cht_buf_init(&bytes, HOOK_PAYLOAD_BYTES);
    assert_int_equal(CHT_OK, cht_buf_add(&bytes, cht_bytes(text, len)));
    const enum cht_err err = hook_payload_read(&bytes, &p);
    assert_int_not_equal(CHT_OK, err);
    assert_string_equal("untouched", p.session_id);
    cht_buf_clear(&bytes);
    return err;
}

static void assert_text(const char *want, struct cht_bytes have)
{
    assert_int_equal(strlen(want), have.len);
    if (have.len != 0)
        assert_memory_equal(want, have.data, have.len);
}

/* --- payloads ------------------------------------------------------------------------------- */

static void everything_but_the_event_may_be_missing(void **state)
{
    (void)state;
    struct hook_payload p = reading("{\"hook_event_name\":\"Stop\"}");
    assert_int_equal(HOOK_STOP, p.event);
    assert_string_equal("", p.session_id);
    assert_string_equal("", p.cwd);
    assert_string_equal("", p.tool_name);
    assert_null(p.tool_input);
    assert_null(p.tool_response);
    hook_payload_clear(&p);
    p = reading("{\"hook_event_name\":\"OfTomorrow\",\"session_id\":\"s\"}");
    assert_int_equal(HOOK_OTHER, p.event);
    hook_payload_clear(&p);
}

static void what_is_of_another_kind_counts_as_missing(void **state)
{
    (void)state;
    struct hook_payload p =
        reading("{\"hook_event_name\":\"PreToolUse\",\"session_id\":7,\"cwd\":\"proj\","
                "\"tool_name\":\"a\\u0007b\",\"tool_input\":[1],\"tool_use_id\":null}");
    assert_string_equal("", p.session_id);
    assert_string_equal("", p.cwd);
    assert_string_equal("", p.tool_name);
    assert_string_equal("", p.tool_use_id);
    assert_null(p.tool_input);
    hook_payload_clear(&p);
}

static void what_is_no_object_with_an_event_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "{", "[]", "{}", "null", "{\"hook_event_name\":1}", "{\"hook_event_name\":\"Stop\"}}"
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(CHT_E_MALFORMED, refused(texts[i], strlen(texts[i])));
    char *deep = malloc(100000);
    assert_non_null(deep);
    memset(deep, '[', 100000);
    assert_int_equal(CHT_E_MALFORMED, refused(deep, 100000));
    free(deep);
}

/* JSON.stringify writes them where a text was cut in the middle of a character. */
static void half_a_surrogate_pair_becomes_a_replacement_character(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } cases[] = {
        { "a\\ud83d", "a\xef\xbf\xbd" },
        { "\\ude42b", "\xef\xbf\xbd"
                      "b" },
        { "\\ud83d\\ude42", "\xf0\x9f\x99\x82" },
        { "\\\\ud83d", "\\ud83d" },
        { "\\ud83d\\ud83d\\ude42", "\xef\xbf\xbd\xf0\x9f\x99\x82" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        struct hook_task t;
        (void)snprintf(text, sizeof text,
                       "{\"hook_event_name\":\"TaskCreated\",\"task_subject\":\"%s\"}",
                       cases[i].in);
        struct hook_payload p = reading(text);
        hook_task_read(&p, 0, &t);
        assert_text(cases[i].want, t.subject);
        hook_payload_clear(&p);
    }
}

static void an_integer_that_only_javascript_has_spoils_nothing(void **state)
{
    (void)state;
    struct hook_task t;
    struct hook_payload p =
        reading("{\"hook_event_name\":\"PostToolUse\",\"tool_name\":\"TaskUpdate\",\"tool_input\":{"
                "\"taskId\":\"3\",\"status\":\"completed\"},\"tool_response\":{\"n\":"
                "99999999999999999999}}");
    hook_task_read(&p, 0, &t);
    assert_int_equal(HOOK_TASK_UPDATE, t.op);
    assert_string_equal("3", t.task_id);
    assert_int_equal(HOOK_STATUS_COMPLETED, t.status);
    hook_payload_clear(&p);
}

/* --- tasks ---------------------------------------------------------------------------------- */

static void a_task_has_its_number_only_when_the_tool_has_answered(void **state)
{
    (void)state;
    static const struct {
        const char *response, *number;
    } cases[] = {
        { "", "" },
        { ",\"tool_response\":{\"task\":{\"id\":\"12\",\"subject\":\"A\"}}", "12" },
        { ",\"tool_response\":{\"task\":{\"id\":12}}", "12" },
        { ",\"tool_response\":\"Task #12 created successfully: A\"", "12" },
        { ",\"tool_response\":\"Something else\"", "" },
        { ",\"tool_response\":{\"error\":\"no\"}", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        struct hook_task t;
        (void)snprintf(text, sizeof text,
                       "{\"hook_event_name\":\"%s\",\"tool_name\":\"TaskCreate\",\"tool_input\":{"
                       "\"subject\":\"A\",\"activeForm\":\"B\"},\"tool_use_id\":\"u\"%s}",
                       i == 0 ? "PreToolUse" : "PostToolUse", cases[i].response);
        struct hook_payload p = reading(text);
        hook_task_read(&p, 0, &t);
        assert_int_equal(HOOK_TASK_CREATE, t.op);
        assert_string_equal(cases[i].number, t.task_id);
        assert_int_equal(i != 0, t.answered);
        assert_text("A", t.subject);
        assert_text("B", t.active_form);
        hook_payload_clear(&p);
    }
}

static void a_batch_has_each_of_its_calls(void **state)
{
    (void)state;
    struct hook_task t;
    struct hook_payload p = reading(
        "{\"hook_event_name\":\"PostToolBatch\",\"tool_calls\":[{\"tool_name\":\"Bash\"},"
        "{\"tool_name\":\"TaskUpdate\",\"tool_use_id\":\"u\",\"tool_input\":{\"id\":4}},7]}");
    assert_int_equal(3, hook_task_calls(&p));
    hook_task_read(&p, 0, &t);
    assert_int_equal(HOOK_TASK_NONE, t.op);
    hook_task_read(&p, 1, &t);
    assert_int_equal(HOOK_TASK_UPDATE, t.op);
    assert_string_equal("4", t.task_id);
    hook_task_read(&p, 2, &t);
    assert_int_equal(HOOK_TASK_NONE, t.op);
    hook_payload_clear(&p);
}

static void a_status_goes_back_only_from_where_the_tool_saw_it(void **state)
{
    (void)state;
    static const struct {
        const char *now;
        enum hook_status from, to;
        bool moves;
    } cases[] = {
        { NULL, HOOK_STATUS_NONE, HOOK_STATUS_PENDING, true },
        { "pending", HOOK_STATUS_PENDING, HOOK_STATUS_IN_PROGRESS, true },
        { "pending", HOOK_STATUS_IN_PROGRESS, HOOK_STATUS_COMPLETED, true },
        { "completed", HOOK_STATUS_PENDING, HOOK_STATUS_IN_PROGRESS, false },
        { "cancelled", HOOK_STATUS_PENDING, HOOK_STATUS_IN_PROGRESS, false },
        { "completed", HOOK_STATUS_COMPLETED, HOOK_STATUS_PENDING, true },
        { "completed", HOOK_STATUS_NONE, HOOK_STATUS_PENDING, true },
        { "completed", HOOK_STATUS_IN_PROGRESS, HOOK_STATUS_COMPLETED, false },
        { "blocked", HOOK_STATUS_PENDING, HOOK_STATUS_IN_PROGRESS, true },
        { "pending", HOOK_STATUS_PENDING, HOOK_STATUS_DELETED, false },
        { "pending", HOOK_STATUS_PENDING, HOOK_STATUS_NONE, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(cases[i].moves,
                         hook_status_moves(cases[i].now, cases[i].from, cases[i].to));
}

static void the_task_of_a_list_is_the_same_todo_for_everybody(void **state)
{
    (void)state;
    struct native_list list = { .key = "4927a516-3f0e-4c55-9d3b-0f6c1d2a7e11" };
    struct crdt_id id;
    char text[CRDT_ID_TEXT_MAX];
    native_task_natural(&list, "1", &id);
    crdt_id_text(&id, text);
    assert_string_equal("CHITTY-TODO-4WX8WCTBM0K684325V5FXB648Z", text);
    assert_int_equal(CHT_E_INVALID, native_task_todo(&list, "../1", NULL, &id));
    assert_int_equal(CHT_E_INVALID, native_task_todo(&list, "", NULL, &id));
    assert_int_equal(CHT_OK, native_task_todo(&list, text, NULL, &id));
    char again[CRDT_ID_TEXT_MAX];
    crdt_id_text(&id, again);
    assert_string_equal(text, again);
}

/* --- answers -------------------------------------------------------------------------------- */

static const char *answer_text(const struct hook_answer *a, enum hook_event event,
                               struct cht_buf *room)
{
    cht_buf_clear(room);
    cht_buf_init(room, 1u << 16);
    assert_int_equal(CHT_OK, hook_answer_put(a, event, room));
    assert_int_equal(CHT_OK, cht_buf_add_u8(room, 0));
    return (const char *)room->data;
}

static void an_answer_has_the_shape_of_its_event(void **state)
{
    (void)state;
    struct hook_answer a = { 0 };
    struct cht_buf room = { 0 };
    assert_string_equal("", answer_text(&a, HOOK_SESSION_START, &room));
    hook_answer_context(&a, "3 are \"ready\".");
    assert_string_equal("{\"hookSpecificOutput\":{\"hookEventName\":\"SessionStart\","
                        "\"additionalContext\":\"3 are \\\"ready\\\".\"}}\n",
                        answer_text(&a, HOOK_SESSION_START, &room));
    assert_string_equal("", answer_text(&a, HOOK_SESSION_END, &room));
    assert_string_equal("", answer_text(&a, HOOK_OTHER, &room));
    hook_answer_deny(&a, "Held by x.");
    hook_answer_deny(&a, "Something else.");
    assert_string_equal(
        "{\"hookSpecificOutput\":{\"hookEventName\":\"PreToolUse\",\"permissionDecision\":\"deny\","
        "\"permissionDecisionReason\":\"Held by x.\",\"additionalContext\":\"3 are "
        "\\\"ready\\\".\"}}\n",
        answer_text(&a, HOOK_PRE_TOOL, &room));
    cht_buf_clear(&room);
}

static void a_context_is_cut_at_a_character(void **state)
{
    (void)state;
    struct hook_answer a = { 0 };
    char text[2 * HOOK_CONTEXT_BYTES + 1];
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = i % 2 == 0 ? '\xc3' : '\xbc';
    text[sizeof text - 1] = '\0';
    hook_answer_context(&a, text);
    const size_t len = strlen(a.context);
    assert_true(len <= HOOK_CONTEXT_BYTES && len > HOOK_CONTEXT_BYTES - 5);
    assert_string_equal("\xc3\xbc\xe2\x80\xa6", a.context + len - 5);
    hook_answer_context(&a, "more"); /* it is full: nothing changes */
    assert_int_equal(len, strlen(a.context));
    struct hook_answer b = { 0 };
    hook_answer_context(&b, "a\x1b[31m\xff\nb");
    assert_string_equal("a [31m?\nb", b.context);
    hook_answer_context(&b, "c");
    assert_string_equal("a [31m?\nb\nc", b.context);
}

static void an_age_is_in_the_unit_that_people_say(void **state)
{
    (void)state;
    char text[HOOK_AGE_MAX];
    static const struct {
        uint64_t ms;
        const char *want;
    } cases[] = { { 0, "0 s" },
                  { 119999, "119 s" },
                  { 120000, "2 min" },
                  { 7199999, "119 min" },
                  { 7200000, "2 h" },
                  { 172800000, "2 d" },
                  { UINT64_MAX, "213503982334 d" } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hook_age(cases[i].ms, text);
        assert_string_equal(cases[i].want, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_but_the_event_may_be_missing),
        cmocka_unit_test(what_is_of_another_kind_counts_as_missing),
        cmocka_unit_test(what_is_no_object_with_an_event_is_refused),
        cmocka_unit_test(half_a_surrogate_pair_becomes_a_replacement_character),
        cmocka_unit_test(an_integer_that_only_javascript_has_spoils_nothing),
        cmocka_unit_test(a_task_has_its_number_only_when_the_tool_has_answered),
        cmocka_unit_test(a_batch_has_each_of_its_calls),
        cmocka_unit_test(a_status_goes_back_only_from_where_the_tool_saw_it),
        cmocka_unit_test(the_task_of_a_list_is_the_same_todo_for_everybody),
        cmocka_unit_test(an_answer_has_the_shape_of_its_event),
        cmocka_unit_test(a_context_is_cut_at_a_character),
        cmocka_unit_test(an_age_is_in_the_unit_that_people_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
