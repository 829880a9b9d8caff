/* What lists are asked and say (LOCAL 4.3, 4.10 to 4.14), on the real service and replica. */
#include "tests/support/service_fixture.h"

#define WORK(n)    "CHITTY-TODO-0000000000000000000000000" #n
#define PROJECT(n) "CHITTY-PROJ-0000000000000000000000000" #n

static void put(struct machine *m, const char *id, const char *data)
{
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "{'operation':'upsert','entity':{'chittyId':'%s','data':{%s}}}", id, data);
    machine_do(m, text);
}

/* Seven todos and two projects. */
static void some_todos(struct machine *m)
{
    put(m, PROJECT(1), "'name':'compiler'");
    put(m, PROJECT(2), "'name':'Web site'");
    put(m, WORK(1),
        "'content':'Fix the lexer','priority':'high','project':'" PROJECT(
            1) "',"
               "'labels':['bug','parser'],'estimate':30,'deadline':1767000000000");
    put(m, WORK(2),
        "'content':'Write docs','priority':'low','dependencies':['" WORK(
            1) "'],"
               "'description':'of the LEXER and the rest','project':'" PROJECT(1) "'");
    put(m, WORK(3),
        "'content':'Ship it','priority':'critical','estimate':5,"
        "'dependencies':['" WORK(6) "']");
    put(m, WORK(4), "'content':'Later','defer':1799999999000,'assignees':['ann']");
    put(m, WORK(5), "'content':'Wait for the parts','status':'blocked'");
    put(m, WORK(6),
        "'content':'Grösse prüfen','status':'completed','priority':'medium',"
        "'deadline':1767000000000");
    put(m, WORK(7), "'content':'Gone','labels':['bug']");
    machine_do(m, "{'operation':'delete','entity':{'chittyId':'" WORK(7) "'}}");
}

/* The last digits of the ids that a list of todos names, in order. */
static const char *listed(struct machine *m, const char *conditions)
{
    static char digits[32];
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "{'operation':'list','domain':'todos','fields':['content'],%s}", conditions);
    if (machine_ask(m, NODE_MSG_QUERY, text) != CHT_OK)
        fail_msg("%s: %s", text, m->fault.error.text);
    size_t count = 0;
    for (const char *at = machine_said; (at = strstr(at, "\"chittyId\":\"")) != NULL; at++)
        digits[count++] = at[12 + strlen(WORK(1)) - 1];
    digits[count] = '\0';
    return digits;
}

static void each_operator_means_what_it_says(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    static const struct {
        const char *conditions, *found;
    } cases[] = {
        { "'where':[]", "123456" },
        { "'where':[{'field':'priority','op':'is','value':'high'}]", "1" },
        { "'where':[{'field':'priority','op':'is','value':['high','low']}]", "12" },
        { "'where':[{'field':'priority','op':'is','value':['high',null]}]", "145" },
        { "'where':[{'field':'priority','op':'is','value':[]}]", "" },
        { "'where':[{'field':'priority','op':'not','value':'high'}]", "23456" },
        { "'where':[{'field':'priority','op':'not','value':['high',null]}]", "236" },
        { "'where':[{'field':'estimate','op':'before','value':30}]", "3" },
        { "'where':[{'field':'estimate','op':'to','value':30}]", "13" },
        { "'where':[{'field':'estimate','op':'after','value':5}]", "1" },
        { "'where':[{'field':'estimate','op':'from','value':5}]", "13" },
        { "'where':[{'field':'deadline','op':'before','value':1767000000001}]", "16" },
        { "'where':[{'field':'labels','op':'has','value':'bug'}]", "1" },
        { "'where':[{'field':'labels','op':'has','value':['x','parser']}]", "1" },
        { "'where':[{'field':'labels','op':'is','value':'bug'}]", "1" },
        { "'where':[{'field':'labels','op':'hasnt','value':'bug'}]", "23456" },
        { "'where':[{'field':'labels','op':'any'}]", "1" },
        { "'where':[{'field':'project','op':'none'}]", "3456" },
        { "'where':[{'field':'content','op':'contains','value':'THE'}]", "15" },
        { "'where':[{'field':'content','op':'starts','value':'w'}]", "25" },
        { "'where':[{'field':'dependencies','op':'has','value':'" WORK(1) "'}]", "2" },
        { "'where':[{'field':'priority','op':'any'},{'field':'estimate','op':'none'}]", "26" },
        { "'where':[{'field':'modified','op':'after','value':1}],'filter':{'priority':'low'}",
          "2" },
        { "'filter':{'priority':['high','low']}", "12" },
        { "'filter':{'labels':'bug'},'deleted':true", "17" },
        { "'is':['open']", "12345" },
        { "'is':['ready']", "31" },
        { "'is':['blocked']", "25" },
        { "'is':['overdue']", "1" },
        { "'is':['hidden']", "7" },
        { "'is':['conflicted']", "" },
        { "'is':['open','blocked']", "25" },
        { "'text':'lexer'", "12" },
        { "'text':'lexer docs'", "2" },
        { "'text':'lex'", "" },
        { "'text':'lex*'", "12" },
        { "'text':'grosse'", "6" },
        { "'text':'gone'", "" },
        { "'sort':'priority'", "261345" },
        { "'sort':'-priority'", "316245" },
        { "'sort':['-estimate','content']", "136452" },
        { "'sort':'modified','limit':2,'offset':1", "23" },
        { "'offset':4", "56" },
        { "'offset':9", "" },
    };
    some_todos(m);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *found = listed(m, cases[i].conditions);
        if (strcmp(found, cases[i].found) != 0)
            fail_msg("%s: %s instead of %s", cases[i].conditions, found, cases[i].found);
    }
}

static void what_cannot_be_asked_is_refused_by_name(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    static const struct {
        const char *conditions, *sentence, *hint;
    } cases[] = {
        { "'where':[{'field':'statsu','op':'is','value':'x'}]", "no field \"statsu\"", "status" },
        { "'where':[{'field':'status','op':'si','value':'x'}]", "op \"si\"", "\"is\"" },
        { "'where':[{'field':'status','op':'is','value':'pendign'}]", "pending", "" },
        { "'where':[{'field':'status','op':'is'}]", "needs a value", "" },
        { "'where':[{'field':'status','op':'has','value':'x'}]", "says nothing about status", "" },
        { "'where':[{'field':'labels','op':'before','value':1}]", "says nothing about labels", "" },
        { "'where':[{'field':'deadline','op':'before','value':[1]}]", "needs a value", "" },
        { "'where':[{'field':'deadline','op':'before','value':'x'}]", "deadline", "" },
        { "'where':[{'field':'content','op':'starts','value':''}]", "needs a text", "" },
        { "'where':[3]", "has to be a map", "" },
        { "'where':{}", "where has to be an array", "" },
        { "'is':['redy']", "\"redy\"", "ready" },
        { "'is':'open'", "is has to be an array", "" },
        { "'text':' !? '", "no word", "" },
        { "'text':'a* b* c* d* e* f* g* h* i*'", "8 beginnings of words", "" },
        { "'sort':'labels'", "several values", "" },
        { "'sort':['status','prioritiy']", "prioritiy", "priority" },
        { "'sort':7", "sort has to be", "" },
        { "'offset':-1", "offset", "" },
        { "'count':1", "count has to be a bool", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, "{'operation':'list','domain':'todos',%s}",
                       cases[i].conditions);
        assert_int_equal(CHT_E_INVALID, machine_ask(m, NODE_MSG_QUERY, text));
        assert_has(m->fault.error.text, cases[i].sentence);
        assert_has(m->fault.hint, cases[i].hint);
    }
    assert_int_equal(
        CHT_E_INVALID,
        machine_ask(m, NODE_MSG_QUERY, "{'operation':'list','domain':'topics','is':['ready']}"));
    assert_int_equal(CHT_E_INVALID,
                     machine_ask(m, NODE_MSG_QUERY, "{'operation':'watch','where':[{}]}"));
}

static void a_count_says_how_many_there_are(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    some_todos(m);
    assert_int_equal(CHT_OK, machine_ask(m, NODE_MSG_QUERY,
                                         "{'operation':'list','domain':'todos','count':true,"
                                         "'is':['open'],'limit':2,'offset':1,'sort':'status'}"));
    assert_string_equal("{\"result\":{\"count\":5}}", machine_said);
    assert_int_equal(CHT_OK, machine_ask(m, NODE_MSG_QUERY,
                                         "{'operation':'list','domain':'topics','count':true}"));
    assert_string_equal("{\"result\":{\"count\":0}}", machine_said);
}

static void titles_say_what_is_linked(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    some_todos(m);
    (void)listed(m, "'filter':{'priority':'high'},'titles':true,'fields':['project']");
    static const char *const ways[] = { "['content','project']", "['content','project','labels']" };
    for (size_t i = 0; i < 2; i++) {
        char text[256];
        (void)snprintf(text, sizeof text,
                       "{'operation':'list','domain':'todos','titles':true,'fields':%s}", ways[i]);
        assert_int_equal(CHT_OK, machine_ask(m, NODE_MSG_QUERY, text));
        const char *first = strstr(machine_said, WORK(1)), *third = strstr(machine_said, WORK(3));
        assert_non_null(first);
        assert_has(first, "\"titles\":{\"project\":\"compiler\"}");
        assert_has(third, "\"titles\":{}");
    }
    assert_int_equal(CHT_OK, machine_ask(m, NODE_MSG_QUERY,
                                         "{'operation':'get','entity':{'chittyId':'" WORK(
                                             2) "'},'titles':true}"));
    assert_has(machine_said, "\"titles\":{\"project\":\"compiler\",\"dependencies\":{");
}

static void titles_of_sets_and_of_live_values_are_under_the_ids(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    static const char *const asked[] = { "get", "show" };
    static const char *const said[] = {
        "\"titles\":{\"project\":\"compiler\",\"dependencies\":{\"" WORK(
            1) "\":\"Fix the lexer\"}}",
        "\"titles\":{\"" PROJECT(1) "\":\"compiler\",\"" WORK(1) "\":\"Fix the lexer\"}",
    };
    some_todos(m);
    put(m, WORK(9),
        "'content':'x','project':'" PROJECT(
            1) "','topic':'CHITTY-TOPIC-00000000000000000000000007',"
               "'dependencies':['" WORK(1) "','CHITTY-TODO-00000000000000000000000777']");
    for (size_t i = 0; i < 2; i++) {
        char text[256];
        (void)snprintf(text, sizeof text,
                       "{'operation':'%s','entity':{'chittyId':'" WORK(9) "'},'titles':true}",
                       asked[i]);
        assert_int_equal(CHT_OK, machine_ask(m, NODE_MSG_QUERY, text));
        assert_has(machine_said, said[i]);
    }
    assert_int_equal(
        CHT_OK,
        machine_ask(m, NODE_MSG_QUERY, "{'operation':'show','entity':{'chittyId':'" WORK(9) "'}}"));
    assert_null(strstr(machine_said, "titles"));
}

static void titles_of_links_in_conflict_are_told(void **state)
{
    struct machines *ms = *state;
    struct machine *m = &ms->a;
    some_todos(m);
    put(m, WORK(1), "'project':'" PROJECT(1) "'");
    put(&ms->b, WORK(1), "'project':'" PROJECT(2) "'");
    machine_carry(&ms->b, m);
    assert_int_equal(CHT_OK,
                     machine_ask(m, NODE_MSG_QUERY, "{'operation':'conflicts','titles':true}"));
    assert_has(machine_said, "\"" PROJECT(1) "\":\"compiler\"");
    assert_has(machine_said, "\"" PROJECT(2) "\":\"Web site\"");
    assert_int_equal(CHT_OK, machine_ask(m, NODE_MSG_QUERY, "{'operation':'conflicts'}"));
    assert_null(strstr(machine_said, "titles"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINES_TEST(each_operator_means_what_it_says),
        MACHINES_TEST(what_cannot_be_asked_is_refused_by_name),
        MACHINES_TEST(a_count_says_how_many_there_are),
        MACHINES_TEST(titles_say_what_is_linked),
        MACHINES_TEST(titles_of_links_in_conflict_are_told),
        MACHINES_TEST(titles_of_sets_and_of_live_values_are_under_the_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
