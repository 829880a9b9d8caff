/* From a message's values to what the log holds, and back (LOCAL 2.4, 3.3). */
#include "crdt/limits.h"
#include "node/client/edits.h"
#include "node/client/request.h"
#include "tests/support/mp_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct fixture {
    struct cht_buf room;
    struct cht_arena arena;
    struct node_fault fault;
    struct node_edit *edits;
    size_t count;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    cht_buf_init(&f->room, LIMIT_CLIENT_BYTES);
    cht_arena_init(&f->arena, LIMIT_TURN_BYTES);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    cht_buf_clear(&f->room);
    cht_arena_clear(&f->arena);
    free(f);
    return 0;
}

static enum cht_err read_edits(struct fixture *f, const char *data)
{
    cht_buf_reset(&f->room);
    return node_edits_read(CRDT_TODO, mp_of(&f->room, data), NULL, &f->arena, &f->fault, &f->edits,
                           &f->count);
}

static void assert_hex(const char *hex, struct cht_bytes got)
{
    char text[256] = "";
    assert_true(got.len * 2 < sizeof text);
    crdt_hex(got, text);
    assert_string_equal(hex, text);
}

static void assert_edit(const struct node_edit *e, enum node_edit_kind kind, const char *field,
                        const char *key, const char *value)
{
    assert_int_equal(kind, e->kind);
    assert_string_equal(field, e->field->name);
    assert_hex(key, e->key);
    assert_hex(value, e->value);
}

static void registers_are_put_and_unset(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_OK, read_edits(f, "{'content':'abc','priority':'high','deadline':null,"
                                           "'created':1767225600000}"));
    assert_int_equal(4, f->count);
    assert_edit(&f->edits[0], NODE_EDIT_PUT, "content", "", "a3616263");
    assert_edit(&f->edits[1], NODE_EDIT_PUT, "priority", "", "a468696768");
    assert_edit(&f->edits[2], NODE_EDIT_DROP, "deadline", "", "");
    assert_edit(&f->edits[3], NODE_EDIT_PUT, "created", "", "cf0000019b76daa800");
}

static void sets_take_additions_removals_or_the_whole(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_OK, read_edits(f, "{'labels':{'add':['a'],'remove':['b','c']}}"));
    assert_int_equal(3, f->count);
    assert_edit(&f->edits[0], NODE_EDIT_DROP, "labels", "a162", "");
    assert_edit(&f->edits[1], NODE_EDIT_DROP, "labels", "a163", "");
    assert_edit(&f->edits[2], NODE_EDIT_PUT, "labels", "a161", "c0");

    assert_int_equal(CHT_OK, read_edits(f, "{'labels':['a','b']}"));
    assert_int_equal(3, f->count);
    assert_edit(&f->edits[0], NODE_EDIT_WHOLE, "labels", "", "");
    assert_edit(&f->edits[2], NODE_EDIT_PUT, "labels", "a162", "c0");

    assert_int_equal(CHT_OK, read_edits(f, "{'labels':null}"));
    assert_int_equal(1, f->count);
    assert_edit(&f->edits[0], NODE_EDIT_WHOLE, "labels", "", "");
}

static void maps_take_keys_and_lose_them_by_null(void **state)
{
    struct fixture *f = *state;
    const struct cht_bytes data =
        mp_of(&f->room, "{'milestones':{'alpha':{'done':true},'beta':null}}");
    assert_int_equal(CHT_OK, node_edits_read(CRDT_PROJECT, data, NULL, &f->arena, &f->fault,
                                             &f->edits, &f->count));
    assert_int_equal(2, f->count);
    assert_edit(&f->edits[0], NODE_EDIT_PUT, "milestones", "a5616c706861", "81a4646f6e65c3");
    assert_edit(&f->edits[1], NODE_EDIT_DROP, "milestones", "a462657461", "");
}

static void ids_are_seventeen_bytes_in_the_log_and_text_outside(void **state)
{
    struct fixture *f = *state;
    static const char log_hex[] = "c411028f14e45fceea167a5a36dedd4bea2543";
    assert_int_equal(CHT_OK, read_edits(f, "{'project':'CHITTY-PROJ-4F2KJ5ZKQA2SX5MDPYVN5YM9A3'}"));
    assert_edit(&f->edits[0], NODE_EDIT_PUT, "project", "", log_hex);

    struct cht_buf shown;
    cht_buf_init(&shown, 1024);
    assert_int_equal(CHT_OK, node_value_show(f->edits[0].field, f->edits[0].value, &shown));
    const struct cht_bytes text = node_mp_str(cht_buf_view(&shown));
    assert_true(cht_bytes_eq(text, cht_bytes_str("CHITTY-PROJ-4F2KJ5ZKQA2SX5MDPYVN5YM9A3")));
    cht_buf_clear(&shown);
}

static enum cht_err resolve_one(void *ctx, struct cht_bytes text, unsigned type,
                                struct node_fault *fault, struct crdt_id *out)
{
    unsigned *asked_type = ctx;
    *asked_type = type;
    if (!cht_bytes_eq(text, cht_bytes_str("4F2")))
        return node_fault_set(fault, CHT_E_NOTFOUND, text, "nothing begins so");
    *out = (struct crdt_id){ .type = CRDT_SESSION, .b = { 7 } };
    return CHT_OK;
}

static void a_beginning_of_an_id_is_resolved(void **state)
{
    struct fixture *f = *state;
    unsigned asked = 0;
    const struct node_id_resolver resolver = { .ctx = &asked, .resolve = resolve_one };
    struct cht_bytes data = mp_of(&f->room, "{'session':'4F2'}");
    assert_int_equal(CHT_OK, node_edits_read(CRDT_TODO, data, &resolver, &f->arena, &f->fault,
                                             &f->edits, &f->count));
    assert_int_equal(CRDT_SESSION, asked);
    assert_edit(&f->edits[0], NODE_EDIT_PUT, "session", "",
                "c4110307000000000000000000000000000000");
    data = mp_of(&f->room, "{'session':'9'}");
    assert_int_equal(CHT_E_NOTFOUND, node_edits_read(CRDT_TODO, data, &resolver, &f->arena,
                                                     &f->fault, &f->edits, &f->count));
    assert_string_equal("session: nothing begins so", f->fault.error.text);
    assert_string_equal("session", f->fault.field);
}

static void long_encodings_become_the_shortest(void **state)
{
    struct fixture *f = *state;
    /* {"created": uint64 5, "labels": [str32 "a"], "content": str16 "x"} */
    static const char raw[] = "\x83\xa7"
                              "created\xcf\0\0\0\0\0\0\0\x05\xa6labels\x91\xdb\0\0\0\x01"
                              "a\xa7"
                              "content\xda\0\x01x";
    assert_int_equal(CHT_OK, node_edits_read(CRDT_TODO, cht_bytes(raw, sizeof raw - 1), NULL,
                                             &f->arena, &f->fault, &f->edits, &f->count));
    assert_int_equal(4, f->count);
    assert_edit(&f->edits[0], NODE_EDIT_PUT, "created", "", "05");
    assert_edit(&f->edits[2], NODE_EDIT_PUT, "labels", "a161", "c0");
    assert_edit(&f->edits[3], NODE_EDIT_PUT, "content", "", "a178");
}

struct refused {
    const char *data, *field, *text;
};

static void refusals_name_field_value_and_what_is_allowed(void **state)
{
    struct fixture *f = *state;
    static const struct refused cases[] = {
        { "{'priority':'urgent'}", "priority",
          "priority \"urgent\" is not allowed: it has to be low, medium, high or critical" },
        { "{'priority':7}", "priority", "priority has to be low, medium, high or critical" },
        { "{'deadline':'soon'}", "deadline",
          "deadline \"soon\" is not allowed: it has to be a time in milliseconds since 1970, below "
          "2^48" },
        { "{'deadline':-1}", "deadline",
          "deadline has to be a time in milliseconds since 1970, below 2^48" },
        { "{'project':'PROJ-1'}", "project",
          "project \"PROJ-1\" is not allowed: it has to be the id of a project" },
        { "{'labels':'x'}", "labels",
          "labels has to be {\"add\": […], \"remove\": […]} or the whole array" },
        { "{'labels':{'ad':['x']}}", "labels",
          "labels has to be {\"add\": […], \"remove\": […]} or the whole array" },
        { "{'labels':{'add':'x'}}", "labels", "labels: add and remove have to be arrays" },
        { "{'labels':[7]}", "labels",
          "labels has to be a text of 1 to 512 bytes of UTF-8 without a zero byte" },
        { "{'contents':'x'}", "contents", "a todo has no field \"contents\"" },
        { "{'deleted':'x'}", "deleted",
          "deleted \"x\" is not allowed: it has to be true or false" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f->count = 77;
        assert_int_equal(CHT_E_INVALID, read_edits(f, cases[i].data));
        assert_string_equal(cases[i].text, f->fault.error.text);
        assert_string_equal(cases[i].field, f->fault.field);
        assert_int_equal(77, f->count);
    }
}

static void too_many_edits_are_a_limit(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_OK, crdt_mp_put_map(&f->room, 1));
    assert_int_equal(CHT_OK, node_mp_put_text(&f->room, "labels"));
    assert_int_equal(CHT_OK, crdt_mp_put_array(&f->room, NODE_EDITS_MAX));
    for (unsigned i = 0; i < NODE_EDITS_MAX; i++) {
        char label[16];
        (void)snprintf(label, sizeof label, "l%u", i);
        assert_int_equal(CHT_OK, node_mp_put_text(&f->room, label));
    }
    assert_int_equal(CHT_E_LIMIT, node_edits_read(CRDT_TODO, cht_buf_view(&f->room), NULL,
                                                  &f->arena, &f->fault, &f->edits, &f->count));
}

static void a_value_too_long_is_a_limit(void **state)
{
    struct fixture *f = *state;
    static char text[LIMIT_TITLE_BYTES + 2];
    memset(text, 'x', sizeof text - 1);
    assert_int_equal(CHT_OK, crdt_mp_put_map(&f->room, 1));
    assert_int_equal(CHT_OK, node_mp_put_key_text(&f->room, "content", text));
    assert_int_equal(CHT_E_LIMIT, node_edits_read(CRDT_TODO, cht_buf_view(&f->room), NULL,
                                                  &f->arena, &f->fault, &f->edits, &f->count));
    assert_string_equal("content has to be a text of up to 4096 bytes of UTF-8 without a zero byte",
                        f->fault.error.text);
}

static const struct node_shown nothing = { 0 };
static const struct node_shown open_one = { .exists = true,
                                            .status = { (const uint8_t *)"pending", 7 } };

static enum cht_err complete(struct fixture *f, unsigned type, const struct node_shown *shown)
{
    return node_edits_complete(type, shown, 5, &f->arena, &f->edits, &f->count);
}

static void a_new_todo_is_pending_and_born_now(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_OK, read_edits(f, "{'content':'x'}"));
    assert_int_equal(CHT_OK, complete(f, CRDT_TODO, &nothing));
    assert_int_equal(3, f->count);
    assert_edit(&f->edits[0], NODE_EDIT_PUT, "created", "", "05");
    assert_edit(&f->edits[1], NODE_EDIT_PUT, "status", "", "a770656e64696e67");
    assert_edit(&f->edits[2], NODE_EDIT_PUT, "content", "", "a178");
    assert_int_equal(CHT_OK, complete(f, CRDT_SESSION, &nothing));
    assert_edit(&f->edits[0], NODE_EDIT_PUT, "started", "", "05");
}

static void what_the_change_says_itself_stays(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_OK, read_edits(f, "{'created':1,'status':'blocked'}"));
    assert_int_equal(CHT_OK, complete(f, CRDT_TODO, &nothing));
    assert_int_equal(2, f->count);
    assert_int_equal(CHT_OK, read_edits(f, "{'status':'completed','completed_at':1}"));
    assert_int_equal(CHT_OK, complete(f, CRDT_TODO, &open_one));
    assert_int_equal(2, f->count);
}

static void completing_a_todo_notes_when(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(CHT_OK, read_edits(f, "{'content':'x'}"));
    assert_int_equal(CHT_OK, complete(f, CRDT_TODO, &open_one));
    assert_int_equal(1, f->count); /* any other change brings nothing along */
    assert_int_equal(CHT_OK, read_edits(f, "{'status':'completed'}"));
    assert_int_equal(CHT_OK, complete(f, CRDT_TODO, &open_one));
    assert_int_equal(2, f->count);
    assert_edit(&f->edits[0], NODE_EDIT_PUT, "completed_at", "", "05");
    assert_int_equal(CHT_OK, read_edits(f, "{'status':'completed'}"));
    assert_int_equal(CHT_OK, complete(f, CRDT_PROJECT, &open_one));
    assert_int_equal(1, f->count);
}

static void reopening_takes_back_when_it_was_completed(void **state)
{
    struct fixture *f = *state;
    const struct node_shown done = { .exists = true,
                                     .completed_at = true,
                                     .status = cht_bytes_str("completed") };
    assert_int_equal(CHT_OK, read_edits(f, "{'status':'completed'}"));
    assert_int_equal(CHT_OK, complete(f, CRDT_TODO, &done));
    assert_int_equal(1, f->count); /* completed again: it was then that it was */
    assert_int_equal(CHT_OK, read_edits(f, "{'status':'pending'}"));
    assert_int_equal(CHT_OK, complete(f, CRDT_TODO, &done));
    assert_int_equal(2, f->count);
    assert_edit(&f->edits[0], NODE_EDIT_DROP, "completed_at", "", "");
    assert_int_equal(CHT_OK, read_edits(f, "{'status':null}"));
    assert_int_equal(CHT_OK, complete(f, CRDT_TODO, &done));
    assert_edit(&f->edits[0], NODE_EDIT_DROP, "completed_at", "", "");
    assert_int_equal(CHT_OK, read_edits(f, "{'status':'pending','completed_at':7}"));
    assert_int_equal(CHT_OK, complete(f, CRDT_TODO, &done));
    assert_int_equal(2, f->count);
    assert_int_equal(CHT_OK, read_edits(f, "{'status':'pending'}"));
    assert_int_equal(CHT_OK, complete(f, CRDT_TODO, &open_one));
    assert_int_equal(1, f->count);
}

static void beginning_a_todo_notes_when_once(void **state)
{
    struct fixture *f = *state;
    const struct node_shown begun = { .exists = true,
                                      .started_at = true,
                                      .status = cht_bytes_str("pending") };
    assert_int_equal(CHT_OK, read_edits(f, "{'status':'in_progress'}"));
    assert_int_equal(CHT_OK, complete(f, CRDT_TODO, &open_one));
    assert_int_equal(2, f->count);
    assert_edit(&f->edits[0], NODE_EDIT_PUT, "started_at", "", "05");
    assert_int_equal(CHT_OK, read_edits(f, "{'status':'in_progress'}"));
    assert_int_equal(CHT_OK, complete(f, CRDT_TODO, &begun));
    assert_int_equal(1, f->count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(registers_are_put_and_unset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sets_take_additions_removals_or_the_whole, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(maps_take_keys_and_lose_them_by_null, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ids_are_seventeen_bytes_in_the_log_and_text_outside, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_beginning_of_an_id_is_resolved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_encodings_become_the_shortest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals_name_field_value_and_what_is_allowed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(too_many_edits_are_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_value_too_long_is_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_todo_is_pending_and_born_now, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_change_says_itself_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(completing_a_todo_notes_when, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reopening_takes_back_when_it_was_completed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(beginning_a_todo_notes_when_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
