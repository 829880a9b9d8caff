/* Payloads of requests: what is taken and what is refused in which words (LOCAL 3, 4, 6). */
#include "crdt/limits.h"
#include "node/client/request.h"
#include "tests/support/mp_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct cht_buf room;

static int set_up(void **state)
{
    (void)state;
    cht_buf_init(&room, LIMIT_CLIENT_BYTES);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cht_buf_clear(&room);
    return 0;
}

static void assert_text(const char *expected, struct cht_bytes got)
{
    assert_int_equal(strlen(expected), got.len);
    if (got.len > 0)
        assert_memory_equal(expected, got.data, got.len);
}

static void a_create_is_read_with_all_its_parts(void **state)
{
    (void)state;
    const struct cht_bytes payload =
        mp_of(&room, "{'domain':'todos','operation':'create','key':'k1',"
                     "'entity':{'chittyId':'TODO-0','data':{'content':'x'}},'expect':'v9'}");
    struct node_mutation m;
    assert_int_equal(CHT_OK, node_mutation_read(payload, NULL, &m));
    assert_int_equal(1, m.count);
    assert_false(m.batch);
    assert_text("k1", m.key);
    const struct node_change c = node_mutation_next(&m);
    assert_int_equal(NODE_CREATE, c.op);
    assert_int_equal(CRDT_TODO, c.type);
    assert_text("TODO-0", c.id);
    assert_text("v9", c.expect);
    assert_text("x", node_mp_get_str(c.data, "content"));
}

static void the_type_may_come_from_the_entity_and_null_is_the_same_as_absent(void **state)
{
    (void)state;
    const struct cht_bytes payload =
        mp_of(&room, "{'operation':'create','domain':null,'expect':null,"
                     "'entity':{'type':'todo','data':null}}");
    struct node_mutation m;
    assert_int_equal(CHT_OK, node_mutation_read(payload, NULL, &m));
    const struct node_change c = node_mutation_next(&m);
    assert_int_equal(CRDT_TODO, c.type);
    assert_int_equal(0, c.data.len);
    assert_int_equal(0, c.expect.len);
}

static void a_batch_gives_its_changes_in_order(void **state)
{
    (void)state;
    const struct cht_bytes payload =
        mp_of(&room, "{'batch':[{'domain':'todos','operation':'create','entity':{}},"
                     "{'operation':'delete','entity':{'chittyId':'01H'}},"
                     "{'operation':'undelete','entity':{'chittyId':'01J'}}]}");
    struct node_mutation m;
    assert_int_equal(CHT_OK, node_mutation_read(payload, NULL, &m));
    assert_true(m.batch);
    assert_int_equal(3, m.count);
    assert_int_equal(NODE_CREATE, node_mutation_next(&m).op);
    const struct node_change second = node_mutation_next(&m);
    assert_int_equal(NODE_DELETE, second.op);
    assert_text("01H", second.id);
    assert_int_equal(NODE_UNDELETE, node_mutation_next(&m).op);
}

struct refused {
    const char *payload, *field, *part_of_text;
};

static void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static void bad_changes_are_refused_by_name(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        { "{}", "operation", "not known" },
        { "{'operation':'creat','domain':'todos'}", "operation", "\"creat\" is not known" },
        { "{'operation':7,'domain':'todos'}", "operation", "a text, it is a number" },
        { "{'operation':'create'}", "domain", "needed" },
        { "{'operation':'create','domain':'todoes'}", "domain", "\"todoes\"" },
        { "{'operation':'delete','domain':'todos'}", "chittyId", "needed to delete" },
        { "{'operation':'update','entity':{'chittyId':'01H'}}", "data", "at least one field" },
        { "{'operation':'update','entity':{'chittyId':'01H','data':[]}}", "data", "a map" },
        { "{'operation':'update','entity':[]}", "entity", "a map" },
        { "{'operation':'create','domain':'todos','key':''}", "key", "1 to 64" },
        { "{'batch':[]}", "batch", "1 to 256" },
        { "{'batch':[7]}", "batch", "map" },
        { "{'batch':{}}", "batch", "an array" },
        { "{'batch':[{'operation':'create','domain':'todos'},{'operation':'x'}]}", "operation",
          "\"x\"" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct node_mutation m = { .count = 77 };
        struct node_fault fault;
        cht_buf_reset(&room);
        assert_int_equal(CHT_E_INVALID,
                         node_mutation_read(mp_of(&room, cases[i].payload), &fault, &m));
        assert_string_equal(cases[i].field, fault.field);
        assert_contains(fault.error.text, cases[i].part_of_text);
        assert_int_equal(77, m.count);
    }
}

static void a_batch_too_long_is_a_limit(void **state)
{
    (void)state;
    assert_int_equal(CHT_OK, crdt_mp_put_map(&room, 1));
    assert_int_equal(CHT_OK, node_mp_put_text(&room, "batch"));
    assert_int_equal(CHT_OK, crdt_mp_put_array(&room, NODE_BATCH_MAX + 1));
    for (unsigned i = 0; i <= NODE_BATCH_MAX; i++)
        assert_int_equal(CHT_OK, crdt_mp_put_map(&room, 0));
    struct node_mutation m;
    assert_int_equal(CHT_E_LIMIT, node_mutation_read(cht_buf_view(&room), NULL, &m));
}

static void a_list_is_read_with_all_its_parts(void **state)
{
    (void)state;
    const struct cht_bytes payload = mp_of(
        &room, "{'operation':'list','domain':'todos','filter':{'status':['pending','blocked']},"
               "'fields':['content','status'],'sort':'-deadline','limit':20,'deleted':true}");
    struct node_query q;
    assert_int_equal(CHT_OK, node_query_read(payload, NODE_GET, NULL, &q));
    assert_int_equal(NODE_LIST, q.op);
    assert_int_equal(CRDT_TODO, q.type);
    assert_int_equal(2, node_mp_count(node_mp_get(q.filter, "status")));
    assert_int_equal(2, node_mp_count(q.fields));
    assert_int_equal(1, q.sort_count);
    assert_string_equal("deadline", q.sort[0].field->name);
    assert_true(q.sort[0].descending);
    assert_int_equal(20, q.limit);
    assert_true(q.deleted);
}

static void an_absent_operation_is_the_usual_one(void **state)
{
    (void)state;
    struct node_query q;
    const struct cht_bytes payload = mp_of(&room, "{'entity':{'chittyId':'TODO-01H'}}");
    assert_int_equal(CHT_OK, node_query_read(payload, NODE_GET, NULL, &q));
    assert_int_equal(NODE_GET, q.op);
    assert_int_equal(LIMIT_QUERY_ROWS, q.limit);
    assert_false(q.deleted);
}

static void bad_queries_are_refused_by_name(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        { "{'operation':'get'}", "chittyId", "needed to get" },
        { "{'operation':'lits'}", "operation", "\"lits\"" },
        { "{'operation':'list'}", "domain", "needed" },
        { "{'operation':'list','domain':'todos','limit':0}", "limit", "1 to 1000000" },
        { "{'operation':'list','domain':'todos','limit':-1}", "limit", "a number" },
        { "{'operation':'list','domain':'todos','deleted':1}", "deleted", "a bool" },
        { "{'operation':'list','domain':'todos','filter':{'statsu':'x'}}", "statsu", "no field" },
        { "{'operation':'list','domain':'todos','fields':['contents']}", "contents", "no field" },
        { "{'operation':'list','domain':'todos','fields':[1]}", "fields", "names of fields" },
        { "{'operation':'list','domain':'todos','sort':'-labels'}", "sort", "several values" },
        { "{'operation':'watch','filter':{'status':'x'}}", "filter", "needs a domain" },
        { "{'operation':'unwatch'}", "watch", "has to name" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct node_query q = { .limit = 77 };
        struct node_fault fault;
        cht_buf_reset(&room);
        assert_int_equal(CHT_E_INVALID,
                         node_query_read(mp_of(&room, cases[i].payload), NODE_LIST, &fault, &q));
        assert_string_equal(cases[i].field, fault.field);
        assert_contains(fault.error.text, cases[i].part_of_text);
        assert_int_equal(77, q.limit);
    }
}

static void a_misspelt_word_gets_the_nearest_one_as_a_hint(void **state)
{
    (void)state;
    struct node_query q;
    struct node_fault fault;
    const struct cht_bytes payload =
        mp_of(&room, "{'operation':'list','domain':'todos','fields':['dealdine']}");
    assert_int_equal(CHT_E_INVALID, node_query_read(payload, NODE_LIST, &fault, &q));
    assert_string_equal("did you mean \"deadline\"?", fault.hint);
    assert_string_equal("a todo has no field \"dealdine\"", fault.error.text);
}

static void a_command_has_a_name_and_maybe_arguments(void **state)
{
    (void)state;
    struct node_command c;
    assert_int_equal(CHT_OK, node_command_read(mp_of(&room, "{'name':'status'}"), NULL, &c));
    assert_text("status", c.name);
    assert_int_equal(0, c.args.len);
    cht_buf_reset(&room);
    assert_int_equal(
        CHT_OK, node_command_read(mp_of(&room, "{'name':'join','args':{'ticket':'t'}}"), NULL, &c));
    assert_text("t", node_mp_get_str(c.args, "ticket"));
    cht_buf_reset(&room);
    assert_int_equal(CHT_E_INVALID, node_command_read(mp_of(&room, "{}"), NULL, &c));
    cht_buf_reset(&room);
    assert_int_equal(CHT_E_INVALID,
                     node_command_read(mp_of(&room, "{'name':'x','args':[]}"), NULL, &c));
}

static void the_closest_word_is_close(void **state)
{
    (void)state;
    static const char *const words[] = { "list", "get", "create", "update", "delete", NULL };
    static const char *const alike[] = { "init", "invite", "unit", NULL };
    assert_string_equal("invite", node_closest(cht_bytes_str("invit"), alike));
    assert_string_equal("init", node_closest(cht_bytes_str("inti"), alike));
    assert_string_equal("list", node_closest(cht_bytes_str("lsit"), words));
    assert_string_equal("update", node_closest(cht_bytes_str("updat"), words));
    assert_string_equal("create", node_closest(cht_bytes_str("CREATE"), words));
    assert_string_equal("get", node_closest(cht_bytes_str("gt"), words));
    assert_null(node_closest(cht_bytes_str("frobnicate"), words));
    assert_null(node_closest(cht_bytes_str("xyz"), words));
    assert_null(node_closest(cht_bytes_str(""), words));
}

static void a_fault_is_cut_between_characters(void **state)
{
    (void)state;
    char text[CHT_ERROR_TEXT_MAX * 2 + 1];
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    text[sizeof text - 1] = '\0';
    struct node_fault fault;
    assert_int_equal(CHT_E_INVALID,
                     node_fault_set(&fault, CHT_E_INVALID, cht_bytes_str(text), "%s", text));
    assert_true(crdt_utf8_valid(cht_bytes_str(fault.error.text)));
    assert_true(crdt_utf8_valid(cht_bytes_str(fault.field)));
    assert_int_equal(CHT_ERROR_TEXT_MAX - 2, strlen(fault.error.text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_create_is_read_with_all_its_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            the_type_may_come_from_the_entity_and_null_is_the_same_as_absent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_batch_gives_its_changes_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_changes_are_refused_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_batch_too_long_is_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_list_is_read_with_all_its_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_absent_operation_is_the_usual_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_queries_are_refused_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_misspelt_word_gets_the_nearest_one_as_a_hint, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_command_has_a_name_and_maybe_arguments, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_closest_word_is_close, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fault_is_cut_between_characters, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
