/* Recurring todos on the real service, on one device and on two that have not spoken (LOCAL 3.8).
 */
#include "tests/support/service_fixture.h"

#define TODO   "CHITTY-TODO-00041061050R3GG28A1C60T3GF"
#define OTHER  "CHITTY-TODO-00041061050R3GG28A1C60T3GG"
#define DAY_MS UINT64_C(86400000)

/* A weekly todo whose deadline is a day before now. */
static void make(struct machine *m, const char *more)
{
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "{'operation':'create','entity':{'chittyId':'" TODO "','data':{'content':"
                   "'Water','recurrence':'weekly','labels':['home'],'priority':'high',"
                   "'assignees':['ana'],'deadline':%llu%s}}}",
                   (unsigned long long)(MACHINE_NOW_MS - DAY_MS), more);
    machine_do(m, text);
}

/* Complete it; the id of the next one. */
static const char *complete(struct machine *m, const char *id)
{
    static char next[CRDT_ID_TEXT_MAX];
    char text[256];
    (void)snprintf(
        text, sizeof text,
        "{'operation':'update','entity':{'chittyId':'%s','data':{'status':'completed'}}}", id);
    machine_do(m, text);
    const char *at = strstr(machine_said, "\"next\":\"");
    if (at == NULL)
        return NULL;
    (void)snprintf(next, sizeof next, "%.*s", (int)strcspn(at + 8, "\""), at + 8);
    return next;
}

static void completing_makes_the_next_one(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    make(m, ",'defer':1767052800000,'notes':'today only','dependencies':['" OTHER
            "'],'reminders':{'2025-12-30T08:00:00.000Z':'soon','odd':true}");
    const char *next = complete(m, TODO);
    assert_non_null(next);
    const char *data = machine_data(m, next);
    assert_has(data, "\"content\":\"Water\"");
    assert_has(data, "\"status\":\"pending\"");
    assert_has(data, "\"priority\":\"high\"");
    assert_has(data, "\"assignees\":[\"ana\"]");
    assert_has(data, "\"labels\":[\"home\"]");
    assert_has(data, "\"recurrence\":\"weekly\"");
    assert_has(data, "\"recurs_from\":\"" TODO "\"");
    assert_has(data, "\"deadline\":1767744000000"); /* 2026-01-07T00:00Z */
    assert_has(data, "\"defer\":1767657600000");    /* 2025-12-30 and a week */
    assert_has(data, "\"reminders\":{\"2026-01-06T08:00:00.000Z\":\"soon\"}");
    assert_null(strstr(data, "notes"));
    assert_null(strstr(data, "dependencies"));
    assert_null(strstr(data, "completed_at"));
}

static void reopening_keeps_the_next_one_and_makes_no_other(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    char first[CRDT_ID_TEXT_MAX];
    make(m, "");
    (void)snprintf(first, sizeof first, "%s", complete(m, TODO));
    machine_do(m, "{'operation':'update','entity':{'chittyId':'" TODO
                  "','data':{'status':'pending'}}}");
    assert_has(machine_data(m, first), "\"content\":\"Water\"");
    const uint64_t entries = machine_entries(m);
    assert_string_equal(first, complete(m, TODO));
    assert_int_equal(entries + 1, machine_entries(m));
    assert_null(complete(m, TODO));                     /* completed already: nothing changes */
    assert_string_not_equal(first, complete(m, first)); /* the series goes on */
}

static void cancelling_ends_the_series(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    make(m, "");
    machine_do(m, "{'operation':'update','entity':{'chittyId':'" TODO
                  "','data':{'status':'cancelled'}}}");
    assert_null(strstr(machine_said, "next"));
    assert_int_equal(2, machine_entries(m));
}

static void what_comes_completed_makes_nothing(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    machine_do(m, "{'operation':'upsert','entity':{'chittyId':'" TODO "','data':{'content':'x',"
                  "'recurrence':'daily','status':'completed'}}}");
    assert_null(strstr(machine_said, "next"));
    assert_int_equal(1, machine_entries(m));
}

static void without_a_date_the_next_one_is_deferred(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    machine_do(m, "{'operation':'create','entity':{'chittyId':'" TODO
                  "','data':{'content':'x','recurrence':'every 2 days'}}}");
    const char *data = machine_data(m, complete(m, TODO));
    assert_has(data, "\"defer\":1767398402000"); /* two days after the second second */
    assert_null(strstr(data, "deadline"));
}

static void the_thirty_first_comes_back_after_a_short_month(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    static const char *const deadlines[] = { "1772269200000", "1774947600000", "1777539600000",
                                             "1780218000000" };
    char id[CRDT_ID_TEXT_MAX] = TODO;
    machine_do(m, "{'operation':'create','entity':{'chittyId':'" TODO "','data':{'content':'Rent',"
                  "'recurrence':'monthly','deadline':1769850000000}}}"); /* 31 January, 9:00Z */
    for (size_t i = 0; i < 4; i++) { /* 28 February, 31 March, 30 April, 31 May */
        (void)snprintf(id, sizeof id, "%s", complete(m, id));
        assert_has(machine_data(m, id), deadlines[i]);
    }
}

static void two_devices_that_complete_it_make_one(void **state)
{
    struct machines *ms = *state;
    char here[CRDT_ID_TEXT_MAX];
    make(&ms->a, "");
    make(&ms->b, "");
    (void)snprintf(here, sizeof here, "%s", complete(&ms->a, TODO));
    assert_string_equal(here, complete(&ms->b, TODO));
}

static void a_batch_may_complete_a_series(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    make(m, "");
    machine_do(m,
               "{'batch':[{'operation':'update','entity':{'chittyId':'" TODO
               "','data':{'status':'completed'}}},{'operation':'update','entity':{'chittyId':'" TODO
               "','data':{'notes':'done'}}}]}");
    assert_has(machine_said, "\"next\":\"CHITTY-TODO-");
    assert_has(machine_data(m, TODO), "\"notes\":\"done\"");
    assert_int_equal(4, machine_entries(m));
}

static void other_words_are_refused_with_what_is_understood(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    machine_refuses(m, CHT_E_INVALID, "\"fortnightly\" is not understood",
                    "{'operation':'create','domain':'todos','entity':{'data':{'content':'x',"
                    "'recurrence':'fortnightly'}}}");
    assert_has(m->fault.hint, "every N days");
    assert_int_equal(0, machine_entries(m));
}

static void a_dry_run_names_the_next_one_and_makes_it_not(void **state)
{
    struct machine *m = &((struct machines *)*state)->a;
    make(m, "");
    machine_do(m, "{'dry':true,'operation':'update','entity':{'chittyId':'" TODO
                  "','data':{'status':'completed'}}}");
    assert_has(machine_said, "\"next\":\"CHITTY-TODO-");
    assert_int_equal(1, machine_entries(m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MACHINES_TEST(completing_makes_the_next_one),
        MACHINES_TEST(reopening_keeps_the_next_one_and_makes_no_other),
        MACHINES_TEST(cancelling_ends_the_series),
        MACHINES_TEST(what_comes_completed_makes_nothing),
        MACHINES_TEST(without_a_date_the_next_one_is_deferred),
        MACHINES_TEST(the_thirty_first_comes_back_after_a_short_month),
        MACHINES_TEST(two_devices_that_complete_it_make_one),
        MACHINES_TEST(a_batch_may_complete_a_series),
        MACHINES_TEST(other_words_are_refused_with_what_is_understood),
        MACHINES_TEST(a_dry_run_names_the_next_one_and_makes_it_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
