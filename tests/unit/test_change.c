/* Changes on the real service and replica (LOCAL 3): upsert, what a change brings along, batches
 * whose changes build on each other. */
#include "tests/support/service_fixture.h"

#define TODO "CHITTY-TODO-00041061050R3GG28A1C60T3GF"

static void upsert_creates_and_then_updates(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    machine_do(m, "{'operation':'upsert','entity':{'chittyId':'" TODO "','data':"
                  "{'content':'Buy milk','labels':['a','b']}}}");
    assert_has(machine_said, "\"changed\":true");
    assert_has(machine_data(m, TODO), "\"status\":\"pending\"");
    machine_do(m, "{'operation':'upsert','entity':{'chittyId':'" TODO "','data':"
                  "{'content':'Buy oat milk','labels':['b','c']}}}");
    assert_has(machine_data(m, TODO), "\"content\":\"Buy oat milk\"");
    assert_has(machine_said, "\"labels\":[\"b\",\"c\"]");
    assert_has(machine_said, "\"created\":1767225601000"); /* when it was made, not changed */
}

static void upsert_of_what_is_so_writes_nothing(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    static const char same[] = "{'operation':'upsert','entity':{'chittyId':'" TODO "','data':"
                               "{'content':'x','status':'completed','labels':['a'],'notes':null}}}";
    machine_do(m, same);
    const uint64_t entries = machine_entries(m);
    machine_do(m, same);
    assert_has(machine_said, "\"changed\":false");
    assert_int_equal(entries, machine_entries(m));
}

static void upsert_brings_back_only_what_says_so(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    machine_do(m, "{'operation':'upsert','entity':{'chittyId':'" TODO "','data':{'content':'x'}}}");
    machine_do(m, "{'operation':'delete','entity':{'chittyId':'" TODO "'}}");
    machine_do(m, "{'operation':'upsert','entity':{'chittyId':'" TODO "','data':{'content':'y'}}}");
    (void)machine_data(m, TODO);
    assert_has(machine_said, "\"deleted\":true");
    machine_do(m,
               "{'operation':'upsert','entity':{'chittyId':'" TODO "','data':{'deleted':false}}}");
    assert_null(strstr(machine_data(m, TODO), "deleted"));
}

static void upsert_asks_for_an_id(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    machine_refuses(m, CHT_E_INVALID, "whole id",
                    "{'operation':'upsert','domain':'todos','entity':{'data':{'content':'x'}}}");
    machine_refuses(m, CHT_E_INVALID, "no whole id",
                    "{'operation':'upsert','domain':'todos','entity':{'chittyId':'TODO-01H',"
                    "'data':{'content':'x'}}}");
    machine_refuses(m, CHT_E_INVALID, "no whole id",
                    "{'operation':'upsert','domain':'topics','entity':{'chittyId':'" TODO
                    "','data':{'title':'x'}}}");
    assert_int_equal(0, machine_entries(m));
}

static void changes_of_a_batch_build_on_each_other(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    machine_do(
        m, "{'batch':["
           "{'operation':'create','entity':{'chittyId':'" TODO
           "','data':{'content':'x','labels':['a','b']}}},"
           "{'operation':'update','entity':{'chittyId':'" TODO
           "','data':{'labels':{'remove':['a'],'add':['c']}}}},"
           "{'operation':'update','entity':{'chittyId':'" TODO
           "','data':{'labels':['c','d'],'content':'x'}}},"
           "{'operation':'update','entity':{'chittyId':'" TODO "','data':{'status':'completed'}}},"
           "{'operation':'update','entity':{'chittyId':'" TODO "','data':{'status':'completed'}}},"
           "{'operation':'delete','entity':{'chittyId':'" TODO "'}},"
           "{'operation':'undelete','entity':{'chittyId':'" TODO "'}}]}");
    assert_has(machine_said, "\"changed\":false");
    assert_has(machine_data(m, TODO), "\"labels\":[\"c\",\"d\"]");
    assert_has(machine_said, "\"completed_at\":1767225601000");
    assert_null(strstr(machine_said, "\"deleted\""));
    assert_null(strstr(machine_said, "\"conflicts\""));
}

static void a_batch_fails_as_a_whole(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    machine_refuses(m, CHT_E_INVALID, "priority",
                    "{'batch':[{'operation':'create','domain':'todos','entity':{'data':"
                    "{'content':'x'}}},{'operation':'create','domain':'todos','entity':"
                    "{'data':{'content':'y','priority':'urgent'}}}]}");
    assert_int_equal(0, machine_entries(m));
}

static void what_has_a_name_outside_is_made_once(void **state)
{
    struct machines *ms = *state;
    static const struct {
        const char *domain, *here, *there;
    } cases[] = {
        { "repos", "{'url':'git@github.com:Chitty/Node.git'}",
          "{'url':'https://github.com/chitty/node'}" },
        { "services", "{'name':'Gateway'}", "{'name':'gateway'}" },
        { "sessions", "{'session_id':'4927','platform':'claude-code'}",
          "{'session_id':'4927','platform':'claude-code','title':'x'}" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       "{'operation':'create','domain':'%s','entity':{'data':%s}}", cases[i].domain,
                       cases[i].here);
        machine_do(&ms->a, text);
        const char *id = machine_id();
        machine_refuses(&ms->a, CHT_E_EXISTS, id, text);
        (void)snprintf(text, sizeof text,
                       "{'operation':'upsert','domain':'%s','entity':{'data':%s}}", cases[i].domain,
                       cases[i].there);
        machine_do(&ms->b, text);
        assert_string_equal(id, machine_id());
    }
    machine_do(&ms->a, "{'operation':'create','domain':'sessions','entity':{'data':"
                       "{'session_id':'4927'}}}"); /* without its platform it is any */
}

static void an_address_is_kept_in_its_one_form(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    machine_do(m, "{'operation':'create','domain':'repos','entity':{'data':"
                  "{'url':'ssh://git@GitHub.com/Chitty/Node.git/'}}}");
    assert_has(machine_data(m, machine_id()), "\"url\":\"github.com/chitty/node\"");
    machine_do(m, "{'operation':'create','domain':'repos','entity':{'data':{'url':'my repo'}}}");
    assert_has(machine_data(m, machine_id()), "\"url\":\"my repo\"");
}

static void a_link_to_nothing_is_told_with_its_field(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    machine_do(m, "{'operation':'create','domain':'projects','entity':{'data':{'name':'garden'}}}");
    machine_do(m, "{'operation':'create','entity':{'chittyId':'" TODO "','data':{'content':'x'}}}");
    const uint64_t entries = machine_entries(m);
    machine_refuses(m, CHT_E_NOTFOUND, "project: there is no project",
                    "{'operation':'update','entity':{'chittyId':'" TODO
                    "','data':{'content':'y','project':'gardn'}}}");
    assert_string_equal("project", m->fault.field);
    assert_string_equal("did you mean \"garden\"?", m->fault.hint);
    machine_refuses(m, CHT_E_NOTFOUND, "dependencies: there is no todo",
                    "{'operation':'update','entity':{'chittyId':'" TODO
                    "','data':{'dependencies':{'add':['nothing']}}}}");
    assert_string_equal("dependencies", m->fault.field);
    assert_int_equal(entries, machine_entries(m));
}

static void a_delete_has_seen_what_its_own_change_writes(void **state)
{
    static const char *const changes[] = {
        "{'operation':'create','entity':{'chittyId':'" TODO "','data':"
        "{'deleted':true,'content':'x','labels':['a','b']}}}",
        "{'operation':'update','entity':{'chittyId':'" TODO "','data':{'deleted':false}}}",
        "{'operation':'update','entity':{'chittyId':'" TODO "','data':"
        "{'content':'y','deleted':true,'labels':['c'],'notes':null}}}",
        "{'operation':'upsert','entity':{'chittyId':'" TODO "','data':"
        "{'deleted':false,'content':'z'}}}",
        "{'operation':'upsert','entity':{'chittyId':'" TODO "','data':"
        "{'deleted':true,'priority':'high','labels':[]}}}",
    };
    struct machines *ms = *state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        machine_do(&ms->a, changes[i]);
        assert_has(machine_said, "\"changed\":true");
        machine_carry(&ms->a, &ms->b);
        const char *shown = machine_data(&ms->a, TODO);
        assert_true((strstr(shown, "\"deleted\":true") != NULL) == (i % 2 == 0));
        assert_null(strstr(shown, "\"conflicts\"")); /* PROTOCOL 5.6 */
    }
    assert_has(machine_data(&ms->b, TODO), "\"priority\":\"high\"");
    assert_null(strstr(machine_said, "\"conflicts\""));
}

static void completing_and_reopening(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    machine_do(m, "{'operation':'create','entity':{'chittyId':'" TODO "','data':{'content':'x'}}}");
    machine_do(m, "{'operation':'update','entity':{'chittyId':'" TODO
                  "','data':{'status':'completed'}}}");
    assert_has(machine_data(m, TODO), "\"completed_at\":1767225602000");
    machine_do(m, "{'operation':'update','entity':{'chittyId':'" TODO
                  "','data':{'status':'completed'}}}");
    assert_has(machine_said, "\"changed\":false");
    machine_do(m, "{'operation':'update','entity':{'chittyId':'" TODO
                  "','data':{'status':'in_progress'}}}");
    assert_null(strstr(machine_data(m, TODO), "completed_at"));
    assert_has(machine_said, "\"started_at\":1767225605000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINES_TEST(upsert_creates_and_then_updates),
        MACHINES_TEST(upsert_of_what_is_so_writes_nothing),
        MACHINES_TEST(upsert_brings_back_only_what_says_so),
        MACHINES_TEST(upsert_asks_for_an_id),
        MACHINES_TEST(changes_of_a_batch_build_on_each_other),
        MACHINES_TEST(a_batch_fails_as_a_whole),
        MACHINES_TEST(what_has_a_name_outside_is_made_once),
        MACHINES_TEST(an_address_is_kept_in_its_one_form),
        MACHINES_TEST(a_link_to_nothing_is_told_with_its_field),
        MACHINES_TEST(a_delete_has_seen_what_its_own_change_writes),
        MACHINES_TEST(completing_and_reopening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
