/* Names in the place of ids (LOCAL 2.4), on the real service and replica. */
#include "tests/support/service_fixture.h"

#define ID(type, n) "CHITTY-" type "-0000000000000000000000000" #n

static void put(struct machine *m, const char *id, const char *data)
{
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "{'operation':'upsert','entity':{'chittyId':'%s','data':{%s}}}", id, data);
    machine_do(m, text);
}

static enum cht_err get(struct machine *m, const char *domain, const char *name)
{
    char text[1024];
    (void)snprintf(text, sizeof text, "{'operation':'get',%s'entity':{'chittyId':'%s'}}", domain,
                   name);
    return machine_ask(m, NODE_MSG_QUERY, text);
}

static void some_records(struct machine *m)
{
    put(m, ID("PROJ", 1), "'name':'compiler'");
    put(m, ID("PROJ", 2), "'name':'Web site'");
    put(m, ID("PROJ", 3), "'name':'twin'");
    put(m, ID("PROJ", 4), "'name':'Twin'");
    put(m, ID("PROJ", 5), "'name':'00'");
    put(m, ID("PROJ", 6), "'name':'gone'");
    machine_do(m, "{'operation':'delete','entity':{'chittyId':'" ID("PROJ", 6) "'}}");
    put(m, ID("TOPIC", 7), "'title':'Parsers'");
    put(m, ID("TODO", 1), "'content':'Fix the lexer, soon'");
    put(m, ID("TODO", 2), "'content':'Fix the lexer, soon enough'");
    put(m, ID("TODO", 3), "'content':'compiler'");
    machine_do(m, "{'operation':'create','domain':'repos','entity':{'data':{'name':'node',"
                  "'url':'git@github.com:Chitty/chitty-node.git'}}}");
    machine_do(m, "{'operation':'create','domain':'sessions','entity':{'data':{"
                  "'session_id':'5b1c-77','platform':'claude-code','title':'Refactor'}}}");
    put(m, ID("SESSION", 8), "'session_id':'of no platform'");
}

static void things_are_found_by_what_they_are_called(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    static const struct {
        const char *domain, *name, *id;
    } cases[] = {
        { "'domain':'projects',", "compiler", ID("PROJ", 1) },
        { "'domain':'projects',", "COMPILER", ID("PROJ", 1) },
        { "'domain':'projects',", "web site", ID("PROJ", 2) },
        { "'domain':'projects',", "00", ID("PROJ", 5) }, /* the beginning of all of their ids */
        { "'domain':'projects',", "00000000000000000000000002", ID("PROJ", 2) },
        { "'domain':'projects',", "PROJ-00000000000000000000000002", ID("PROJ", 2) },
        { "'domain':'todos',", "fix the lexer, soon", ID("TODO", 1) },
        { "'domain':'todos',", "Compiler", ID("TODO", 3) },
        { "", "Web site", ID("PROJ", 2) },
        { "", "parsers", ID("TOPIC", 7) },
        { "'domain':'topics',", ID("CONTEXT", 7), ID("TOPIC", 7) },
        { "", ID("CONTEXT", 7), ID("TOPIC", 7) },
        { "'domain':'repos',", "https://github.com/chitty/chitty-node", "CHITTY-REPO-" },
        { "'domain':'repos',", "node", "CHITTY-REPO-" },
        { "'domain':'repos',", "chitty-node", "CHITTY-REPO-" },
        { "'domain':'sessions',", "5b1c-77", "CHITTY-SESSION-" },
        { "'domain':'sessions',", "refactor", "CHITTY-SESSION-" },
        { "'domain':'sessions',", "of no platform", ID("SESSION", 8) },
    };
    some_records(m);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (get(m, cases[i].domain, cases[i].name) != CHT_OK)
            fail_msg("%s: %s", cases[i].name, m->fault.error.text);
        assert_has(machine_said, cases[i].id);
    }
}

static void several_of_one_name_are_listed(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    some_records(m);
    assert_int_equal(CHT_E_INVALID, get(m, "'domain':'projects',", "TWIN"));
    assert_has(m->fault.error.text, "\"TWIN\" means several");
    assert_string_equal("PROJ-00000000 \"twin\", PROJ-00000000 \"Twin\"", m->fault.hint);
    assert_int_equal(CHT_E_INVALID, get(m, "", "compiler")); /* a project and a todo */
    assert_has(m->fault.hint, "TODO-00000000 \"compiler\"");
    assert_int_equal(CHT_E_INVALID, get(m, "'domain':'projects',", "PROJ-00"));
    assert_has(m->fault.hint, "\"Web site\"");
    assert_has(m->fault.hint, " …");
}

static void what_is_not_there_is_not_found_and_the_nearest_named(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    some_records(m);
    assert_int_equal(CHT_E_NOTFOUND, get(m, "'domain':'projects',", "compilr"));
    assert_string_equal("did you mean \"compiler\"?", m->fault.hint);
    assert_int_equal(CHT_E_NOTFOUND, get(m, "'domain':'projects',", "gone")); /* hidden */
    assert_int_equal(CHT_E_NOTFOUND, get(m, "'domain':'todos',", "Fix the lexer"));
    assert_int_equal(CHT_E_NOTFOUND, get(m, "'domain':'contexts',", ID("CONTEXT", 7)));
    assert_int_equal(CHT_E_NOTFOUND, get(m, "", "!?"));
}

static void links_and_conditions_take_names(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    some_records(m);
    put(m, ID("TODO", 4), "'content':'x','project':'compiler','topic':'" ID("CONTEXT", 7) "'");
    const char *data = machine_data(m, ID("TODO", 4));
    assert_has(data, "\"project\":\"" ID("PROJ", 1) "\"");
    assert_has(data, "\"topic\":\"" ID("TOPIC", 7) "\"");
    assert_int_equal(CHT_OK, machine_ask(m, NODE_MSG_QUERY,
                                         "{'operation':'list','domain':'todos','where':[{'field':"
                                         "'project','op':'is','value':['web site','compiler']}]}"));
    assert_has(machine_said, ID("TODO", 4));
    assert_null(strstr(machine_said, ID("TODO", 3)));
    machine_refuses(m, CHT_E_NOTFOUND, "\"compilr\"",
                    "{'operation':'update','entity':{'chittyId':'" ID(
                        "TODO", 4) "','data':{'project':'compilr'}}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINES_TEST(things_are_found_by_what_they_are_called),
        MACHINES_TEST(several_of_one_name_are_listed),
        MACHINES_TEST(what_is_not_there_is_not_found_and_the_nearest_named),
        MACHINES_TEST(links_and_conditions_take_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
