/* Taking own changes back on the real service: exactly what they did, nothing that others did since
 * (LOCAL 6.7). */
#include "tests/support/service_fixture.h"

#define TODO  "CHITTY-TODO-00041061050R3GG28A1C60T3GF"
#define OTHER "CHITTY-TODO-0004106105000000000000000F"

static void make(struct machine *m)
{
    machine_do(m, "{'operation':'create','entity':{'chittyId':'" TODO
                  "','data':{'content':'x','labels':['a','b'],'priority':'low',"
                  "'reminders':{'k':1}}}}");
}

static void set(struct machine *m, const char *data)
{
    char text[512];
    (void)snprintf(text, sizeof text,
                   "{'operation':'update','entity':{'chittyId':'" TODO "','data':%s}}", data);
    machine_do(m, text);
}

static enum cht_err ask(struct machine *m, const char *args)
{
    char text[256];
    (void)snprintf(text, sizeof text, "{'name':'undo','args':{%s}}", args);
    return machine_ask(m, NODE_MSG_COMMAND, text);
}

static void undo(struct machine *m)
{
    if (ask(m, "") != CHT_OK)
        fail_msg("undo: %s", m->fault.error.text);
}

static void redo(struct machine *m)
{
    if (ask(m, "'redo':true") != CHT_OK)
        fail_msg("redo: %s", m->fault.error.text);
}

static void every_kind_of_field_gets_back_what_it_had(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    make(m);
    char before[2048];
    (void)snprintf(before, sizeof before, "%s", machine_data(m, TODO));
    set(m, "{'content':'y','labels':{'add':['c'],'remove':['a']},'priority':null,"
           "'reminders':{'k':2,'l':3},'notes':'new','status':'completed'}");
    undo(m);
    assert_has(machine_said, "\"left\":[]");
    assert_string_equal(before, machine_data(m, TODO));
}

static void one_after_the_other_goes_back(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    make(m);
    set(m, "{'content':'y'}");
    set(m, "{'content':'z','priority':'high'}");
    undo(m);
    assert_has(machine_data(m, TODO), "\"content\":\"y\"");
    assert_has(machine_said, "\"priority\":\"low\"");
    undo(m);
    assert_has(machine_data(m, TODO), "\"content\":\"x\"");
    undo(m);
    (void)machine_data(m, TODO);
    assert_has(machine_said, "\"deleted\":true"); /* what was created is deleted */
    assert_int_equal(CHT_E_NOTFOUND, ask(m, ""));
}

static void several_go_back_at_once(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    make(m);
    set(m, "{'content':'y'}");
    set(m, "{'priority':'high'}");
    set(m, "{'content':'z'}");
    const uint64_t entries = machine_entries(m);
    assert_int_equal(CHT_OK, ask(m, "'count':3"));
    assert_int_equal(entries + 1, machine_entries(m));
    assert_has(machine_data(m, TODO), "\"content\":\"x\"");
    assert_has(machine_said, "\"priority\":\"low\"");
    redo(m);
    assert_has(machine_data(m, TODO), "\"content\":\"z\"");
    assert_has(machine_said, "\"priority\":\"high\"");
}

static void undo_and_redo_go_up_and_down(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    make(m);
    set(m, "{'content':'y'}");
    set(m, "{'content':'z'}");
    undo(m);
    undo(m);
    assert_has(machine_data(m, TODO), "\"content\":\"x\"");
    redo(m);
    assert_has(machine_data(m, TODO), "\"content\":\"y\"");
    redo(m);
    assert_has(machine_data(m, TODO), "\"content\":\"z\"");
    assert_int_equal(CHT_E_NOTFOUND, ask(m, "'redo':true"));
    undo(m);
    undo(m);
    assert_has(machine_data(m, TODO), "\"content\":\"x\"");
    undo(m);
    redo(m);
    assert_null(strstr(machine_data(m, TODO), "\"deleted\""));
    assert_has(machine_said, "\"content\":\"x\"");
}

static void what_others_changed_since_is_left(void **state)
{
    struct machines *ms = *state;
    make(&ms->a);
    machine_carry(&ms->a, &ms->b);
    set(&ms->a, "{'content':'y','priority':'high'}");
    machine_carry(&ms->a, &ms->b);
    set(&ms->b, "{'content':'mine'}");
    machine_carry(&ms->b, &ms->a);
    undo(&ms->a);
    assert_has(machine_said, "\"left\":[{\"chittyId\":\"" TODO "\",\"field\":\"content\","
                             "\"by\":{");
    assert_has(machine_said, "\"deviceName\":\"desktop\"");
    assert_has(machine_data(&ms->a, TODO), "\"content\":\"mine\"");
    assert_has(machine_said, "\"priority\":\"low\"");
    machine_carry(&ms->a, &ms->b);
    assert_has(machine_data(&ms->b, TODO), "\"content\":\"mine\"");
}

static void a_concurrent_change_is_left_too(void **state)
{
    struct machines *ms = *state;
    make(&ms->a);
    machine_carry(&ms->a, &ms->b);
    set(&ms->b, "{'content':'theirs'}");
    set(&ms->a, "{'content':'ours'}");
    machine_carry(&ms->b, &ms->a);
    assert_int_equal(CHT_E_CONFLICT, ask(&ms->a, ""));
    assert_has(ms->a.fault.error.text, "desktop changed content of " TODO);
    assert_has(ms->a.fault.hint, "--force");
    const uint64_t entries = machine_entries(&ms->a);
    assert_int_equal(CHT_OK, ask(&ms->a, "'force':true"));
    assert_int_equal(entries + 1, machine_entries(&ms->a));
    assert_has(machine_data(&ms->a, TODO), "\"content\":\"x\"");
    assert_null(strstr(machine_said, "conflicts"));
}

static void a_creation_that_others_wrote_into_stays(void **state)
{
    struct machines *ms = *state;
    make(&ms->a);
    machine_carry(&ms->a, &ms->b);
    set(&ms->b, "{'notes':'more'}");
    machine_carry(&ms->b, &ms->a);
    assert_int_equal(CHT_E_CONFLICT, ask(&ms->a, ""));
    assert_null(strstr(machine_data(&ms->a, TODO), "\"deleted\""));
    assert_int_equal(CHT_OK, ask(&ms->a, "'force':true"));
    (void)machine_data(&ms->a, TODO);
    assert_has(machine_said, "\"deleted\":true");
}

static void concurrent_values_that_were_resolved_come_back(void **state)
{
    struct machines *ms = *state;
    make(&ms->a);
    machine_carry(&ms->a, &ms->b);
    set(&ms->b, "{'content':'theirs'}");
    set(&ms->a, "{'content':'ours'}");
    machine_carry(&ms->b, &ms->a);
    char shown[2048];
    (void)snprintf(shown, sizeof shown, "%s", machine_data(&ms->a, TODO));
    assert_has(shown, "\"conflicts\":1");
    set(&ms->a, "{'content':'both'}");
    assert_null(strstr(machine_data(&ms->a, TODO), "conflicts"));
    undo(&ms->a);
    assert_string_equal(shown, machine_data(&ms->a, TODO));
}

static void an_undo_outlives_a_restart(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    make(m);
    set(m, "{'content':'y'}");
    set(m, "{'content':'z'}");
    undo(m);
    machine_close(m);
    machine_open(m);
    undo(m);
    assert_has(machine_data(m, TODO), "\"content\":\"x\"");
    redo(m);
    assert_has(machine_data(m, TODO), "\"content\":\"y\"");
}

static void each_actor_takes_back_its_own(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    make(m);
    m->actor = "CHITTY-SESSION-00041061050R3GG28A1C60T3GF";
    assert_int_equal(CHT_E_NOTFOUND, ask(m, ""));
    set(m, "{'priority':'high'}");
    m->actor = NULL;
    set(m, "{'content':'y'}");
    m->actor = "CHITTY-SESSION-00041061050R3GG28A1C60T3GF";
    undo(m);
    assert_has(machine_data(m, TODO), "\"priority\":\"low\"");
    assert_has(machine_said, "\"content\":\"y\"");
    assert_int_equal(CHT_E_NOTFOUND, ask(m, ""));
}

static void a_batch_is_one(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    machine_do(m, "{'batch':[{'operation':'create','entity':{'chittyId':'" TODO
                  "','data':{'content':'x'}}},{'operation':'update','entity':{'chittyId':'" TODO
                  "','data':{'content':'y','priority':'high'}}},{'operation':'create','entity':"
                  "{'chittyId':'" OTHER "','data':{'content':'z'}}}]}");
    undo(m);
    (void)machine_data(m, TODO);
    assert_has(machine_said, "\"deleted\":true");
    (void)machine_data(m, OTHER);
    assert_has(machine_said, "\"deleted\":true");
    redo(m);
    assert_has(machine_data(m, TODO), "\"content\":\"y\"");
    assert_null(strstr(machine_data(m, OTHER), "\"deleted\""));
}

/* One transaction writes so many records and no more: it is said before any of them is looked at.
 */
static void more_than_a_transaction_holds_is_undone_in_parts(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    static char text[65536];
    for (unsigned i = 0; i < 2; i++) {
        size_t len = (size_t)snprintf(text, sizeof text, "{'batch':[");
        for (unsigned k = 0; k < 200; k++)
            len += (size_t)snprintf(text + len, sizeof text - len,
                                    "%s{'operation':'create','domain':'todos','entity':{'data':{"
                                    "'content':'x'}}}",
                                    k == 0 ? "" : ",");
        (void)snprintf(text + len, sizeof text - len, "]}");
        machine_do(m, text);
    }
    const uint64_t entries = machine_entries(m);
    assert_int_equal(CHT_E_LIMIT, ask(m, "'count':2"));
    assert_has(m->fault.error.text, "more than 256 records");
    assert_has(m->fault.hint, "undo fewer at once");
    assert_int_equal(CHT_E_LIMIT, ask(m, "'count':2,'dry':true"));
    assert_int_equal(entries, machine_entries(m));
    assert_int_equal(CHT_OK, ask(m, "'count':1"));
    assert_int_equal(entries + 200, machine_entries(m));
}

/* What was done is never answered with an error, however long the names of its records are. */
static void what_has_long_names_is_undone_and_told(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    static char text[131072], name[4001];
    memset(name, 'n', sizeof name - 1);
    for (unsigned i = 0; i < 21; i++) {
        size_t len = (size_t)snprintf(text, sizeof text, "{'batch':[");
        for (unsigned k = 0; k < 16; k++)
            len += (size_t)snprintf(text + len, sizeof text - len,
                                    "%s{'operation':'upsert','entity':{'chittyId':'CHITTY-TODO-"
                                    "000410610500000000000000%02u','data':{'content':'%s',"
                                    "'estimate':%u}}}",
                                    k == 0 ? "" : ",", k, name, i);
        (void)snprintf(text + len, sizeof text - len, "]}");
        machine_do(m, text);
    }
    if (ask(m, "'list':true,'count':21") != CHT_OK)
        fail_msg("%s", m->fault.error.text);
    if (ask(m, "'count':20") != CHT_OK)
        fail_msg("%s", m->fault.error.text);
    assert_has(machine_data(m, "CHITTY-TODO-00041061050000000000000015"), "\"estimate\":0");
}

static void deleting_and_completing_a_series_go_back(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    make(m);
    machine_do(m, "{'operation':'delete','entity':{'chittyId':'" TODO "'}}");
    undo(m);
    assert_null(strstr(machine_data(m, TODO), "\"deleted\""));
    set(m, "{'recurrence':'daily'}");
    set(m, "{'status':'completed'}");
    const char *at = strstr(machine_said, "\"next\":\"");
    char next[CRDT_ID_TEXT_MAX];
    assert_non_null(at);
    (void)snprintf(next, sizeof next, "%.*s", (int)strcspn(at + 8, "\""), at + 8);
    undo(m);
    assert_has(machine_data(m, TODO), "\"status\":\"pending\"");
    assert_null(strstr(machine_said, "completed_at"));
    (void)machine_data(m, next);
    assert_has(machine_said, "\"deleted\":true");
}

static void a_list_and_a_dry_run_write_nothing(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    make(m);
    set(m, "{'content':'y','priority':'high'}");
    const uint64_t entries = machine_entries(m);
    assert_int_equal(CHT_OK, ask(m, "'list':true"));
    assert_has(machine_said, "\"changes\":1,\"records\":[{\"chittyId\":\"" TODO
                             "\",\"title\":\"y\",\"fields\":[\"content\",\"priority\"]}]");
    assert_int_equal(CHT_OK, ask(m, "'dry':true"));
    assert_has(machine_said, "\"would\":{\"content\":{\"from\":\"y\",\"to\":\"x\"},"
                             "\"priority\":{\"from\":\"high\",\"to\":\"low\"}}");
    assert_int_equal(entries, machine_entries(m));
    assert_int_equal(CHT_E_INVALID, ask(m, "'count':0"));
    assert_int_equal(CHT_E_INVALID, ask(m, "'count':101"));
}

static void the_log_says_what_was_taken_back(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    make(m);
    set(m, "{'content':'y'}");
    undo(m);
    redo(m);
    assert_int_equal(CHT_OK, machine_ask(m, NODE_MSG_QUERY, "{'operation':'log'}"));
    assert_has(machine_said, "\"redoes\":[\"");
    assert_has(machine_said, "\"undoes\":[\"");
    assert_null(strstr(machine_said, "16383"));
}

static void what_is_as_before_already_counts_as_taken_back(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    make(m);
    set(m, "{'content':'y'}");
    m->actor = "CHITTY-SESSION-00041061050R3GG28A1C60T3GF";
    set(m, "{'content':'x'}");
    m->actor = NULL;
    undo(m);
    assert_has(machine_data(m, TODO), "\"content\":\"x\"");
    assert_int_equal(CHT_E_NOTFOUND, ask(m, "'redo':true"));
    assert_int_equal(CHT_OK, ask(m, "'list':true"));
    assert_has(machine_said, "\"fields\":[\"content\",\"status\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINES_TEST(every_kind_of_field_gets_back_what_it_had),
        MACHINES_TEST(one_after_the_other_goes_back),
        MACHINES_TEST(several_go_back_at_once),
        MACHINES_TEST(undo_and_redo_go_up_and_down),
        MACHINES_TEST(what_others_changed_since_is_left),
        MACHINES_TEST(a_concurrent_change_is_left_too),
        MACHINES_TEST(a_creation_that_others_wrote_into_stays),
        MACHINES_TEST(concurrent_values_that_were_resolved_come_back),
        MACHINES_TEST(an_undo_outlives_a_restart),
        MACHINES_TEST(each_actor_takes_back_its_own),
        MACHINES_TEST(a_batch_is_one),
        MACHINES_TEST(more_than_a_transaction_holds_is_undone_in_parts),
        MACHINES_TEST(what_has_long_names_is_undone_and_told),
        MACHINES_TEST(deleting_and_completing_a_series_go_back),
        MACHINES_TEST(a_list_and_a_dry_run_write_nothing),
        MACHINES_TEST(the_log_says_what_was_taken_back),
        MACHINES_TEST(what_is_as_before_already_counts_as_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
