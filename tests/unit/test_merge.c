/* Two records that are one, on the real service (PROTOCOL 5.10, 6.5; LOCAL 9): what both ids mean,
 * what goes over, that it can be taken back, and that every device comes to the same. */
#include "tests/support/seeded.h"
#include "tests/support/trio.h"

#define PROJECT "CHITTY-PROJ-00041061050R3GG28A1C60T3GF"
#define OTHER   "CHITTY-PROJ-0004106105000000000000000F"
#define ONE     "CHITTY-TODO-0000000000000000000000001F"
#define TWO     "CHITTY-TODO-0000000000000000000000002F"
#define THREE   "CHITTY-TODO-0000000000000000000000003F"
#define FOUR    "CHITTY-TODO-0000000000000000000000004F"

static int up(void **state)
{
    if (trio_up(state) != 0)
        return -1;
    struct trio *t = *state;
    trio_do(t, 0, "{'operation':'create','entity':{'chittyId':'" PROJECT "','data':{'name':'p'}}}");
    trio_do(t, 0, "{'operation':'create','entity':{'chittyId':'" OTHER "','data':{'name':'o'}}}");
    trio_all_arrive(t);
    return 0;
}

#define MERGE_TEST(name) cmocka_unit_test_setup_teardown(name, up, trio_down)

static void make(struct trio *t, unsigned on, const char *id, const char *data)
{
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "{'operation':'create','entity':{'chittyId':'%s','data':{'content':'%s',"
                   "'project':'" PROJECT "'%s%s}}}",
                   id, strstr(data, "dependencies") == NULL ? "Write it" : "Ship it",
                   data[0] == '\0' ? "" : ",", data);
    trio_do(t, on, text);
}

static void set(struct trio *t, unsigned on, const char *id, const char *data)
{
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "{'operation':'update','entity':{'chittyId':'%s','data':{%s}}}", id, data);
    trio_do(t, on, text);
}

static void merge(struct trio *t, unsigned on, const char *a, const char *b)
{
    char text[256];
    (void)snprintf(text, sizeof text, "{'name':'merge','args':{'ids':['%s','%s']}}", a, b);
    trio_command(t, on, text);
}

static void unmerge(struct trio *t, unsigned on, const char *id)
{
    char text[256];
    (void)snprintf(text, sizeof text, "{'name':'unmerge','args':{'chittyId':'%s'}}", id);
    trio_command(t, on, text);
}

static char reconciled[64 * 1024]; /* what all answers said */

static void reconcile_with(struct trio *t, unsigned on, const char *args)
{
    char text[256];
    (void)snprintf(text, sizeof text, "{'name':'reconcile','args':{%s}}", args);
    reconciled[0] = '\0';
    for (unsigned again = 0; again < 10; again++) {
        trio_command(t, on, text);
        assert_true(strlen(reconciled) + strlen(machine_said) < sizeof reconciled);
        (void)strcat(reconciled, machine_said);
        if (strstr(machine_said, "\"more\":true") == NULL)
            return;
    }
    fail_msg("it never ends: %s", machine_said);
}

static void reconcile(struct trio *t, unsigned on)
{
    reconcile_with(t, on, "'project':'" PROJECT "'");
}

/* What a list says of the todos that are shown, ascending by id. */
static const char *todos(struct trio *t, unsigned on, const char *more)
{
    char text[512];
    (void)snprintf(text, sizeof text,
                   "{'operation':'list','domain':'todos','fields':['content','status','labels']%s}",
                   more);
    if (machine_ask(&t->m[on], NODE_MSG_QUERY, text) != CHT_OK)
        fail_msg("%s: %s", text, t->m[on].fault.error.text);
    return machine_said;
}

/* A record as it is now, without what it was made of. */
static const char *shown(struct trio *t, unsigned on, const char *id)
{
    (void)machine_data(&t->m[on], id);
    char *origins = strstr(machine_said, ",\"origins\"");
    if (origins != NULL)
        *origins = '\0';
    return machine_said;
}

static unsigned times(const char *text, const char *part)
{
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

static bool refuses(struct trio *t, const char *command, enum cht_err code, const char *part)
{
    assert_int_equal(code, machine_ask(&t->m[0], NODE_MSG_COMMAND, command));
    return strstr(t->m[0].fault.error.text, part) != NULL;
}

static void both_ids_mean_the_smaller_one(void **state)
{
    struct trio *t = *state;
    make(t, 0, TWO, "'labels':['b']");
    make(t, 0, ONE, "'labels':['a']");
    merge(t, 0, TWO, ONE);
    assert_has(machine_said, "\"into\":\"" ONE "\",\"alias\":\"" TWO "\"");
    assert_int_equal(1, times(todos(t, 0, ""), "chittyId\":\"CHITTY-TODO-0000000000000000000000001F"
                                               "\",\"type\""));
    assert_null(strstr(machine_said, TWO "\",\"type\""));
    (void)machine_data(&t->m[0], TWO); /* asked for the one, told of the other, and told so */
    assert_has(machine_said, "\"chittyId\":\"" ONE "\"");
    assert_has(machine_said, "\"alias\":\"" TWO "\"");
    assert_has(machine_said, "\"labels\":[\"a\",\"b\"]");
    set(t, 0, TWO, "'priority':'high'");
    assert_has(machine_said, "\"chittyId\":\"" ONE "\"");
    assert_has(machine_said, "\"alias\":\"" TWO "\"");
    assert_has(machine_data(&t->m[0], ONE), "\"priority\":\"high\"");
    assert_null(strstr(machine_said, "\"alias\""));
    assert_has(machine_said, "\"origins\":[{\"chittyId\":\"" ONE "\"");
}

static void nothing_of_the_hidden_one_is_lost(void **state)
{
    struct trio *t = *state;
    make(t, 0, ONE, "'notes':'mine'");
    make(t, 0, TWO, "'notes':'theirs','estimate':30");
    merge(t, 0, ONE, TWO);
    assert_has(machine_data(&t->m[0], ONE), "\"notes\":\"mine\"");
    assert_has(machine_said, "\"estimate\":30"); /* what it lacked */
    assert_int_equal(
        CHT_OK, machine_ask(&t->m[0], NODE_MSG_QUERY,
                            "{'operation':'get','exact':true,'entity':{'chittyId':'" TWO "'}}"));
    assert_has(machine_said, "\"notes\":\"theirs\"");
    assert_has(machine_said, "\"alias_of\":\"" ONE "\"");
    assert_has(machine_said, "\"deleted\":true");
    assert_has(todos(t, 0, ",'is':['alias']"), TWO);
}

static void undo_and_unmerge_give_back_what_was(void **state)
{
    struct trio *t = *state;
    char before[2][2048], now[2048];
    make(t, 0, ONE, "'labels':['a'],'status':'in_progress'");
    make(t, 0, TWO, "'labels':['b'],'status':'completed'");
    make(t, 0, THREE, "'dependencies':['" TWO "']");
    (void)snprintf(before[0], sizeof before[0], "%s", todos(t, 0, ",'sort':'created'"));
    for (unsigned way = 0; way < 2; way++) {
        merge(t, 0, ONE, TWO);
        assert_has(shown(t, 0, ONE), "\"status\":\"completed\"");
        assert_has(machine_data(&t->m[0], THREE), "\"dependencies\":[\"" ONE "\"]");
        if (way == 0)
            trio_command(t, 0, "{'name':'undo','args':{}}");
        else
            unmerge(t, 0, TWO);
        (void)snprintf(now, sizeof now, "%s", todos(t, 0, ",'sort':'created'"));
        assert_string_equal(before[0], now);
        assert_has(machine_data(&t->m[0], THREE), "\"dependencies\":[\"" TWO "\"]");
        assert_null(strstr(machine_data(&t->m[0], TWO), "\"deleted\""));
        reconcile(t, 0); /* what a person took apart stays so */
        assert_has(machine_said, "\"merged\":[]");
    }
}

static void another_device_can_take_a_merge_back(void **state)
{
    struct trio *t = *state;
    make(t, 0, ONE, "'labels':['a']");
    make(t, 0, TWO, "'labels':['b']");
    merge(t, 0, ONE, TWO);
    trio_all_arrive(t);
    unmerge(t, 1, TWO);
    assert_has(machine_said, "\"from\":\"" ONE "\",\"left\":[]");
    trio_all_arrive(t);
    for (unsigned i = 0; i < TRIO; i++) {
        assert_has(machine_data(&t->m[i], ONE), "\"labels\":[\"a\"]");
        assert_has(machine_data(&t->m[i], TWO), "\"labels\":[\"b\"]");
    }
    trio_same_roots(t);
}

static void what_depends_on_the_one_waits_for_the_other(void **state)
{
    struct trio *t = *state;
    make(t, 0, ONE, "");
    make(t, 0, TWO, "");
    make(t, 0, THREE, "'dependencies':['" TWO "']");
    make(t, 0, FOUR, "'dependencies':['" ONE "','" TWO "'],'kind':'bug'");
    merge(t, 0, ONE, TWO);
    assert_int_equal(1, times(todos(t, 0, ",'is':['ready']"), "\"type\""));
    assert_has(machine_said, ONE);
    set(t, 0, TWO, "'status':'completed'");
    assert_int_equal(2, times(todos(t, 0, ",'is':['ready']"), "\"type\""));
    assert_has(todos(t, 0, ",'where':[{'field':'dependencies','op':'has','value':'" TWO "'}]"),
               THREE);
}

static void one_that_waited_for_the_other_does_not_wait_for_itself(void **state)
{
    struct trio *t = *state;
    make(t, 0, ONE, "");
    make(t, 0, TWO, "");
    set(t, 0, ONE, "'dependencies':['" TWO "']");
    merge(t, 0, ONE, TWO);
    assert_null(strstr(machine_data(&t->m[0], ONE), "dependencies"));
    assert_has(todos(t, 0, ",'is':['ready']"), ONE);
}

static void the_steps_of_the_one_are_steps_of_the_other(void **state)
{
    struct trio *t = *state;
    make(t, 0, ONE, "");
    make(t, 0, TWO, "");
    make(t, 0, THREE, "'kind':'bug'");
    set(t, 0, THREE, "'content':'A step','parent':'" TWO "'");
    merge(t, 0, ONE, TWO);
    assert_has(machine_data(&t->m[0], THREE), "\"parent\":\"" ONE "\"");
    unmerge(t, 0, TWO);
    assert_has(machine_data(&t->m[0], THREE), "\"parent\":\"" TWO "\"");
}

static void comments_on_either_are_found_by_both(void **state)
{
    struct trio *t = *state;
    make(t, 0, ONE, "");
    make(t, 0, TWO, "");
    trio_do(t, 0,
            "{'operation':'create','domain':'messages','entity':{'data':{'content':'on two',"
            "'about':'" TWO "'}}}");
    merge(t, 0, ONE, TWO);
    static const char *const ids[] = { ONE, TWO };
    for (size_t i = 0; i < 2; i++) {
        char text[256];
        (void)snprintf(text, sizeof text,
                       "{'operation':'list','domain':'messages','filter':{'about':'%s'}}", ids[i]);
        assert_int_equal(CHT_OK, machine_ask(&t->m[0], NODE_MSG_QUERY, text));
        assert_has(machine_said, "on two");
    }
}

static void what_was_written_to_the_hidden_one_meanwhile_goes_over(void **state)
{
    struct trio *t = *state;
    make(t, 0, ONE, "'labels':['a']");
    make(t, 0, TWO, "'labels':['b']");
    trio_all_arrive(t);
    merge(t, 0, ONE, TWO);
    set(t, 0, ONE, "'labels':{'remove':['b']}");
    set(t, 1, TWO, "'status':'completed','labels':{'add':['late']},'priority':'high'");
    make(t, 2, THREE, "'dependencies':['" TWO "']");
    trio_all_arrive(t);
    assert_null(strstr(shown(t, 2, ONE), "completed"));
    reconcile(t, 2);
    assert_has(reconciled, "\"late\":true");
    trio_all_arrive(t);
    for (unsigned i = 0; i < TRIO; i++) {
        assert_has(shown(t, i, ONE), "\"status\":\"completed\"");
        assert_has(machine_said, "\"labels\":[\"a\",\"late\"]"); /* what was removed stays away */
        assert_has(machine_said, "\"priority\":\"high\"");
        assert_has(machine_data(&t->m[i], THREE), "\"dependencies\":[\"" ONE "\"]");
    }
    reconcile(t, 1);
    assert_has(machine_said, "\"merged\":[]");
    trio_same_roots(t);
}

static void merges_made_apart_come_to_one(void **state)
{
    struct trio *t = *state;
    make(t, 0, ONE, "'labels':['a']");
    make(t, 0, TWO, "'labels':['b']");
    make(t, 0, THREE, "'labels':['c']");
    make(t, 0, FOUR, "'labels':['d']");
    trio_all_arrive(t);
    merge(t, 0, TWO, FOUR); /* a chain, and one record merged into two */
    merge(t, 1, ONE, TWO);
    merge(t, 2, THREE, FOUR);
    trio_all_arrive(t);
    for (unsigned i = 0; i < TRIO; i++) {
        (void)machine_data(&t->m[i], FOUR);
        assert_has(machine_said, "\"chittyId\":\"" ONE "\"");
    }
    reconcile(t, 1);
    trio_all_arrive(t);
    for (unsigned i = 0; i < TRIO; i++) {
        static const char *const ids[] = { ONE, TWO, THREE, FOUR };
        for (size_t k = 0; k < 4; k++) {
            (void)machine_data(&t->m[i], ids[k]);
            assert_has(machine_said, "\"chittyId\":\"" ONE "\"");
            assert_has(machine_said, "\"labels\":[\"a\",\"b\",\"c\",\"d\"]");
        }
        assert_int_equal(1, times(todos(t, i, ""), "\"type\""));
    }
    trio_same_roots(t);
}

static void only_what_is_one_beyond_doubt_is_merged_unasked(void **state)
{
    struct trio *t = *state;
    make(t, 0, ONE, "");
    make(t, 0, TWO, "'recurrence':'weekly'");
    trio_do(t, 0,
            "{'operation':'create','entity':{'chittyId':'" THREE
            "','data':{'content':'write IT!','project':'" OTHER "'}}}");
    trio_do(t, 0,
            "{'operation':'create','entity':{'chittyId':'" FOUR
            "','data':{'content':'Write that','project':'" PROJECT "'}}}");
    trio_command(t, 0, "{'name':'reconcile','args':{}}");
    assert_has(machine_said, "\"merged\":[],\"proposed\":1");
    assert_int_equal(CHT_OK, machine_ask(&t->m[0], NODE_MSG_QUERY, "{'operation':'duplicates'}"));
    assert_has(machine_said, "\"text\":\"write it\",\"certain\":false");
    assert_null(strstr(machine_said, FOUR));
}

static void what_is_done_again_is_not_what_was_done(void **state)
{
    struct trio *t = *state;
    make(t, 0, ONE, "'status':'completed'");
    t->m[0].now_ms += 16 * 60 * 1000;
    make(t, 0, TWO, "");
    reconcile(t, 0);
    assert_has(machine_said, "\"merged\":[]");
    make(t, 0, THREE, "");
    reconcile(t, 0);
    assert_has(machine_said, "{\"into\":\"" TWO "\",\"alias\":\"" THREE "\",\"late\":false}");
    assert_null(strstr(machine_said, ONE));
}

static void steps_of_different_tasks_may_be_called_the_same(void **state)
{
    struct trio *t = *state;
    make(t, 0, ONE, "'parent':'" FOUR "'");
    make(t, 0, TWO, "");
    make(t, 0, THREE, "'dependencies':['" TWO "']");
    reconcile(t, 0);
    assert_has(machine_said, "\"merged\":[],\"proposed\":1");
}

static void a_dry_run_tells_and_writes_nothing(void **state)
{
    struct trio *t = *state;
    make(t, 0, ONE, "");
    make(t, 0, TWO, "");
    const uint64_t entries = machine_entries(&t->m[0]);
    trio_command(t, 0, "{'name':'reconcile','args':{'dry':true}}");
    assert_has(machine_said, "\"alias\":\"" TWO "\"");
    assert_int_equal(entries, machine_entries(&t->m[0]));
    assert_int_equal(2, times(todos(t, 0, ""), "\"type\""));
}

static void what_cannot_be_merged_is_refused(void **state)
{
    struct trio *t = *state;
    make(t, 0, ONE, "");
    make(t, 0, TWO, "");
    trio_do(t, 0, "{'operation':'delete','entity':{'chittyId':'" TWO "'}}");
    const uint64_t entries = machine_entries(&t->m[0]);
    assert_true(refuses(t, "{'name':'merge','args':{'ids':['" ONE "']}}", CHT_E_INVALID, "two"));
    assert_true(refuses(t, "{'name':'merge','args':{'ids':['" ONE "','" TWO "']}}", CHT_E_INVALID,
                        "deleted"));
    assert_int_not_equal(CHT_OK,
                         machine_ask(&t->m[0], NODE_MSG_COMMAND,
                                     "{'name':'merge','args':{'ids':['" ONE "','" PROJECT "']}}"));
    assert_true(refuses(t, "{'name':'merge','args':{'ids':['" ONE "','" FOUR "']}}", CHT_E_NOTFOUND,
                        "there is no"));
    assert_true(refuses(t, "{'name':'unmerge','args':{'chittyId':'" ONE "'}}", CHT_E_INVALID,
                        "not merged"));
    machine_refuses(&t->m[0], CHT_E_INVALID, "merge and unmerge",
                    "{'operation':'update','entity':{'chittyId':'" ONE "','data':{'alias_of':'" TWO
                    "'}}}");
    assert_int_equal(entries, machine_entries(&t->m[0]));
}

#define WORKER "CHITTY-SESSION-000000000000000000000000AF"

static void who_held_the_hidden_one_has_the_other_where_that_is_free(void **state)
{
    struct trio *t = *state;
    trio_do(t, 0,
            "{'operation':'create','entity':{'chittyId':'" WORKER
            "','data':{'session_id':'w','platform':'claude-code'}}}");
    make(t, 0, ONE, "");
    make(t, 0, TWO, "");
    trio_command(t, 0, "{'name':'claim','args':{'todo':'" TWO "','session':'" WORKER "'}}");
    merge(t, 0, ONE, TWO);
    assert_has(shown(t, 0, ONE), "\"holder\":\"" WORKER "\"");
    assert_has(machine_said, "\"status\":\"in_progress\"");
    assert_int_equal(CHT_OK, machine_ask(&t->m[0], NODE_MSG_QUERY, "{'operation':'claims'}"));
    assert_int_equal(1, times(machine_said, "\"chittyId\""));
    assert_has(machine_said, ONE);
    trio_command(t, 0, "{'name':'undo','args':{}}"); /* of the device: the merge, not the claim */
    assert_null(strstr(machine_data(&t->m[0], TWO), "\"deleted\""));
}

static void what_a_merge_completes_is_held_by_nobody(void **state)
{
    struct trio *t = *state;
    trio_do(t, 0,
            "{'operation':'create','entity':{'chittyId':'" WORKER
            "','data':{'session_id':'w','platform':'claude-code'}}}");
    make(t, 0, ONE, "");
    make(t, 0, TWO, "'status':'completed'");
    trio_command(t, 0, "{'name':'claim','args':{'todo':'" ONE "','session':'" WORKER "'}}");
    merge(t, 0, ONE, TWO);
    assert_has(shown(t, 0, ONE), "\"status\":\"completed\"");
    assert_null(strstr(machine_said, "\"holder\""));
}

static void a_merge_is_known_again_after_a_restart(void **state)
{
    struct trio *t = *state;
    make(t, 0, ONE, "");
    make(t, 0, TWO, "");
    merge(t, 0, ONE, TWO);
    machine_close(&t->m[0]);
    machine_open(&t->m[0]);
    (void)machine_data(&t->m[0], TWO);
    assert_has(machine_said, "\"alias\":\"" TWO "\"");
}

/* --- the example of the original document: three sessions, five todos ------------------------- */

#define SESSION_A "CHITTY-SESSION-000000000000000000000000AF"
#define SESSION_B "CHITTY-SESSION-000000000000000000000000BF"
#define SESSION_C "CHITTY-SESSION-000000000000000000000000CF"

static const char *const sessions[TRIO][2] = { { SESSION_A, "A" },
                                               { SESSION_B, "B" },
                                               { SESSION_C, "C" } };

/* What the sessions do, each on its device. The ids are such that the one of B survives. */
static const struct {
    unsigned on;
    const char *id, *content, *status;
} steps[] = {
    { 0, "CHITTY-TODO-0000000000000000000000001A", "Todo 1", NULL },
    { 0, "CHITTY-TODO-0000000000000000000000002B", "Todo 2", NULL },
    { 0, "CHITTY-TODO-0000000000000000000000002B", NULL, "in_progress" },
    { 1, "CHITTY-TODO-0000000000000000000000002A", "todo 2.", NULL },
    { 1, "CHITTY-TODO-0000000000000000000000003A", "Todo 3", NULL },
    { 1, "CHITTY-TODO-0000000000000000000000002A", NULL, "completed" },
    { 2, "CHITTY-TODO-0000000000000000000000004A", "Todo 4", NULL },
    { 2, "CHITTY-TODO-0000000000000000000000005A", "Todo 5", NULL },
    { 2, "CHITTY-TODO-0000000000000000000000004A", NULL, "in_progress" },
};
#define STEPS (sizeof steps / sizeof steps[0])

static void take_step(struct trio *t, unsigned i)
{
    char data[256];
    if (steps[i].content == NULL) {
        /* a session does not begin what it sees done: that would be to do it again */
        if (strstr(shown(t, steps[i].on, steps[i].id), "\"completed\"") != NULL)
            return;
        (void)snprintf(data, sizeof data, "'status':'%s'", steps[i].status);
        set(t, steps[i].on, steps[i].id, data);
        return;
    }
    char text[512];
    (void)snprintf(text, sizeof text,
                   "{'operation':'create','entity':{'chittyId':'%s','data':{'content':'%s',"
                   "'project':'" PROJECT "','session':'%s'}}}",
                   steps[i].id, steps[i].content, sessions[steps[i].on][0]);
    trio_do(t, steps[i].on, text);
}

static void five_todos(struct trio *t, unsigned on)
{
    static const char *const want[] = {
        "001A\",\"type\":\"todo\",\"data\":{\"content\":\"Todo 1\",\"status\":\"pending\"}}",
        "002A\",\"type\":\"todo\",\"data\":{\"content\":\"todo 2.\",\"status\":\"completed\"},"
        "\"origins\":[",
        "003A\",\"type\":\"todo\",\"data\":{\"content\":\"Todo 3\",\"status\":\"pending\"}}",
        "004A\",\"type\":\"todo\",\"data\":{\"content\":\"Todo 4\",\"status\":\"in_progress\"}}",
        "005A\",\"type\":\"todo\",\"data\":{\"content\":\"Todo 5\",\"status\":\"pending\"}}",
    };
    assert_int_equal(CHT_OK, machine_ask(&t->m[on], NODE_MSG_QUERY,
                                         "{'operation':'list','domain':'todos','fields':['content',"
                                         "'status'],'filter':{'project':'" PROJECT "'}}"));
    assert_int_equal(5, times(machine_said, "\"type\""));
    for (size_t i = 0; i < 5; i++)
        assert_has(machine_said, want[i]);
    assert_int_equal(1, times(machine_said, "\"origins\""));
    assert_int_equal(1, times(machine_said, "\"sessionName\":\"A\""));
    assert_int_equal(1, times(machine_said, "\"sessionName\":\"B\""));
}

static void begin_example(struct trio *t)
{
    for (unsigned i = 0; i < TRIO; i++) {
        char text[256];
        (void)snprintf(text, sizeof text,
                       "{'operation':'create','entity':{'chittyId':'%s','data':{'session_id':'%s',"
                       "'platform':'claude-code'}}}",
                       sessions[i][0], sessions[i][1]);
        trio_do(t, i, text);
    }
    trio_all_arrive(t);
}

/* Steps of the sessions, arrivals and reconciling come in any order, as the dice fall. */
static void run_example(struct trio *t, struct seeded *dice)
{
    unsigned next[TRIO] = { 0 }, left = STEPS;
    bool done[STEPS] = { false };
    while (left != 0 || seeded_below(dice, 8) != 0) {
        const unsigned on = seeded_below(dice, TRIO), other = seeded_below(dice, TRIO);
        const unsigned what = seeded_below(dice, 8);
        if (what == 0) {
            reconcile(t, on);
            continue;
        }
        if (what < 4) {
            (void)trio_arrive(t, other, on);
            continue;
        }
        while (next[on] < STEPS && (done[next[on]] || steps[next[on]].on != on))
            next[on]++;
        if (next[on] < STEPS) {
            take_step(t, next[on]);
            done[next[on]] = true;
            left--;
        }
    }
    trio_all_arrive(t);
    reconcile(t, seeded_below(dice, TRIO));
    trio_all_arrive(t);
}

static void three_sessions_come_to_five_todos_in_every_order(void **state)
{
    struct seeded dice = seeded_start(5);
    for (unsigned round = 0; round < 8; round++) {
        void *fresh = *state;
        if (round != 0)
            assert_int_equal(0, up(&fresh));
        struct trio *t = fresh;
        begin_example(t);
        run_example(t, &dice);
        for (unsigned i = 0; i < TRIO; i++)
            five_todos(t, i);
        trio_same_roots(t);
        reconcile(t, 0); /* there is nothing left to do */
        assert_has(machine_said, "\"merged\":[]");
        if (round != 0)
            (void)trio_down(&fresh);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MERGE_TEST(both_ids_mean_the_smaller_one),
        MERGE_TEST(nothing_of_the_hidden_one_is_lost),
        MERGE_TEST(undo_and_unmerge_give_back_what_was),
        MERGE_TEST(another_device_can_take_a_merge_back),
        MERGE_TEST(what_depends_on_the_one_waits_for_the_other),
        MERGE_TEST(one_that_waited_for_the_other_does_not_wait_for_itself),
        MERGE_TEST(the_steps_of_the_one_are_steps_of_the_other),
        MERGE_TEST(comments_on_either_are_found_by_both),
        MERGE_TEST(what_was_written_to_the_hidden_one_meanwhile_goes_over),
        MERGE_TEST(merges_made_apart_come_to_one),
        MERGE_TEST(only_what_is_one_beyond_doubt_is_merged_unasked),
        MERGE_TEST(what_is_done_again_is_not_what_was_done),
        MERGE_TEST(steps_of_different_tasks_may_be_called_the_same),
        MERGE_TEST(a_dry_run_tells_and_writes_nothing),
        MERGE_TEST(what_cannot_be_merged_is_refused),
        MERGE_TEST(who_held_the_hidden_one_has_the_other_where_that_is_free),
        MERGE_TEST(what_a_merge_completes_is_held_by_nobody),
        MERGE_TEST(a_merge_is_known_again_after_a_restart),
        MERGE_TEST(three_sessions_come_to_five_todos_in_every_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
