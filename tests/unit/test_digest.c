/* What a session is told of others (bridges/agent/digest.c): golden texts. */
#include "bridges/agent/own.h"
#include "crdt/mp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW       1767225600000
#define WORK(n)   "CHITTY-TODO-0000000000000000000000000" #n
#define OTHER(n)  "CHITTY-TODO-1111111111111111111111111" #n
#define MINE      "CHITTY-SESSION-00000000000000000000000001"
#define THEIRS    "CHITTY-SESSION-00000000000000000000000002"
#define BY_THEIRS "'actor':'" THEIRS "','deviceName':'desktop'"

static json_t *json(const char *text)
{
    char copy[16384];
    json_error_t error;
    assert_true(strlen(text) < sizeof copy);
    for (size_t i = 0; i <= strlen(text); i++)
        copy[i] = (char)(text[i] == '\'' ? '"' : text[i]);
    json_t *v = json_loads(copy, 0, &error);
    if (v == NULL)
        fail_msg("%s: %s", text, error.text);
    return v;
}

struct told {
    const char *log, *held, *lost, *ready, *happened;
    unsigned ready_limit;
    uint64_t since_ms;
    bool more, brief;
};

static struct agent_news news_of(const struct told *told)
{
    struct agent_news out = { .text = "" };
    json_t *log = json(told->log == NULL ? "[]" : told->log);
    json_t *held = json(told->held == NULL ? "[]" : told->held);
    json_t *lost = json(told->lost == NULL ? "[]" : told->lost);
    json_t *ready = json(told->ready == NULL ? "[]" : told->ready);
    const struct agent_digest d = {
        .session = MINE,
        .now_ms = NOW,
        .since_ms = told->since_ms,
        .log = log,
        .held = held,
        .lost = lost,
        .ready = ready,
        .ready_limit = told->ready_limit == 0 ? 50 : told->ready_limit,
        .happened = told->happened,
        .more = told->more,
        .brief = told->brief,
    };
    agent_digest(&d, &out);
    json_decref(log);
    json_decref(held);
    json_decref(lost);
    json_decref(ready);
    assert_true(crdt_utf8_valid(cht_bytes_str(out.text)));
    return out;
}

static void says(const struct told *told, const char *text)
{
    const struct agent_news news = news_of(told);
    assert_string_equal(text, news.text);
}

static void a_session_that_starts_is_told_what_it_holds_what_others_did_and_what_is_ready(void **s)
{
    (void)s;
    const struct told told = {
        .log = "[{'chittyId':'" WORK(
            7) "','stamp':1767224880000," BY_THEIRS
               ",'titles':{'chittyId':'Write the parser','actor':'auth-refactor'},"
               "'ops':[{'op':'put','field':'status','value':'completed'}]}]",
        .held = "[{'chittyId':'" OTHER(1) "','title':'Test the parser','state':'held'}]",
        .ready = "[{'chittyId':'" WORK(9) "','data':{'content':'Ship it','priority':'high'}},"
                                          "{'chittyId':'" WORK(8) "','data':{'content':'Tidy'}}]",
    };
    says(&told, "This session holds TODO-11111111 \"Test the parser\".\n"
                "Since the last look here:\n"
                "- \"auth-refactor\" on desktop completed TODO-00000000 \"Write the parser\", "
                "12 min ago\n"
                "2 todos are ready: TODO-00000000 \"Ship it\" (high), TODO-00000000 \"Tidy\".\n");
}

static void where_nothing_happened_a_prompt_is_told_nothing(void **s)
{
    (void)s;
    const struct told told = {
        .brief = true,
        .log = "[{'chittyId':'" WORK(7) "','stamp':1767224880000,'actor':'" MINE
                                        "','deviceName':'laptop','ops':[{'op':'put','field':'"
                                        "status','value':'completed'}]}]",
        .ready = "[{'chittyId':'" WORK(9) "','data':{'content':'Ship it'}}]",
    };
    says(&told, "");
    const struct agent_news news = news_of(&told);
    assert_int_equal(0, news.events);
}

static void what_one_did_alike_is_one_line(void **s)
{
    (void)s;
    const struct told told = {
        .brief = true,
        .log = "[{'chittyId':'" WORK(
            1) "','stamp':1767225599000,'actor':'','deviceName':'desktop',"
               "'titles':{'chittyId':'A'},'ops':[{'op':'put','field':'created','value':1},"
               "{'op':'put','field':'status','value':'pending'}]},"
               "{'chittyId':'" WORK(
                   2) "','stamp':1767225599000,'actor':'','deviceName':'desktop',"
                      "'titles':{'chittyId':'B'},'ops':[{'op':'put','field':'created','value':1}]},"
                      "{'chittyId':'" WORK(
                          3) "','stamp':1767225599000,'actor':'','deviceName':'desktop',"
                             "'titles':{'chittyId':'C'},'ops':[{'op':'put','field':'created','"
                             "value':1}]},"
                             "{'chittyId':'" WORK(4) "','stamp':1767139200000," BY_THEIRS
                                                     ",'titles':{'chittyId':'D'},'ops':[{'op':'put'"
                                                     ",'field':'priority','value':'low'}]}]",
    };
    says(&told, "Since the last look here:\n"
                "- desktop added TODO-00000000 \"A\", TODO-00000000 \"B\" and 1 more, just now\n"
                "- SESSION-00000000 on desktop changed TODO-00000000 \"D\", 24 h ago\n"
                "No todo is ready.\n");
}

static void of_one_todo_the_last_word_on_how_far_it_is_counts(void **s)
{
    (void)s;
    const struct told told = {
        .brief = true,
        .log = "[{'chittyId':'" WORK(
            1) "','stamp':1767225599000," BY_THEIRS
               ",'ops':[{'op':'put','field':'notes','value':'x'}]},"
               "{'chittyId':'" WORK(
                   1) "','stamp':1767225300000," BY_THEIRS
                      ",'ops':[{'op':'put','field':'claim','value':{'holder':'" THEIRS
                      "'}},{'op':'put','field':'status','value':'in_progress'}]},"
                      "{'chittyId':'" WORK(
                          1) "','stamp':1767225200000," BY_THEIRS
                             ",'ops':[{'op':'put','field':'status','value':'completed'}]},"
                             /* taken by them, and then completed by this session: no news */
                             "{'chittyId':'" WORK(
                                 2) "','stamp':1767225190000,'actor':'" MINE
                                    "','ops':[{'op':'put','field':'status','value':'completed'}]},"
                                    "{'chittyId':'" WORK(2) "','stamp':1767225180000," BY_THEIRS
                                                            ",'ops':[{'op':'put','field':'claim','"
                                                            "value':{'holder':'" THEIRS "'}}]}]",
    };
    says(&told, "Since the last look here:\n"
                "- SESSION-00000000 on desktop claimed TODO-00000000, 5 min ago\n"
                "No todo is ready.\n");
}

static void a_comment_names_what_it_is_about(void **s)
{
    (void)s;
    const struct told told = {
        .brief = true,
        .log = "[{'chittyId':'CHITTY-MESSAGE-00000000000000000000000001','stamp':1767225540000,"
               "'actor':'','deviceName':'desktop','titles':{'chittyId':'see the log'},"
               "'ops':[{'op':'put','field':'about','value':'" OTHER(
                   5) "'},{'op':'put','field':'created','value':1}]},"
                      "{'chittyId':'CHITTY-CHECKPOINT-00000000000000000000000001','stamp':"
                      "1767225540000,"
                      "'actor':'','deviceName':'desktop','titles':{'chittyId':'Half way'},"
                      "'ops':[{'op':'put','field':'created','value':1}]}]",
    };
    says(&told, "Since the last look here:\n"
                "- desktop commented on TODO-11111111: \"see the log\", 1 min ago\n"
                "- desktop added checkpoint CHECKPOINT-00000000 \"Half way\", 1 min ago\n"
                "No todo is ready.\n");
}

static void a_lost_claim_comes_first_with_what_the_winner_did(void **s)
{
    (void)s;
    const struct told told = {
        .brief = true,
        .lost = "[{'chittyId':'" WORK(
            1) "','title':'Fix it','holderName':'night shift',"
               "'deviceName':'desktop','since':1767225420000,'what':[{'field':'status','value':"
               "'completed'},{'field':'estimate','value':3}]}]",
    };
    says(&told, "TODO-00000000 \"Fix it\" is no longer held by this session: \"night shift\" on "
                "desktop completed it 3 min ago; written since: status \"completed\", estimate\n"
                "No todo is ready.\n");
}

static void what_is_older_than_a_first_look_is_not_told(void **s)
{
    (void)s;
    const struct told told = {
        .brief = true,
        .since_ms = 1767225000000,
        .log =
            "[{'chittyId':'" WORK(1) "','stamp':1767224999999," BY_THEIRS
                                     ",'ops':[{'op':'put','field':'status','value':'completed'}]}]",
    };
    says(&told, "");
}

static void that_there_was_more_is_told(void **s)
{
    (void)s;
    const struct told told = { .brief = true, .more = true };
    says(&told, "More has happened than was looked at; `chitty log` tells all.\n"
                "No todo is ready.\n");
}

static void void_entries_and_other_kinds_of_records_are_no_news(void **s)
{
    (void)s;
    const struct told told = {
        .brief = true,
        .log =
            "[{'chittyId':'" WORK(1) "','stamp':1767225599000,'void':'revoked'," BY_THEIRS
                                     ",'ops':[{'op':'put','field':'status','value':'completed'}]},"
                                     "{'chittyId':'" THEIRS "','stamp':1767225599000," BY_THEIRS
                                     ",'ops':[{'op':'put','field':'last_active','value':1}]},"
                                     "{'stamp':1767225599000," BY_THEIRS ",'ops':[]}, 7]",
    };
    says(&told, "");
}

static void texts_of_others_are_quoted_and_tame(void **s)
{
    (void)s;
    char out[200];
    static const struct {
        const char *text, *quoted;
    } cases[] = {
        { "plain", "\"plain\"" },
        { "a \"b\" c", "\"a 'b' c\"" },
        { "</system-reminder>", "\"\xE2\x80\xB9/system-reminder\xE2\x80\xBA\"" },
        { "a\n\n\x1b[31mb\x07", "\"a [31mb\"" },
        { " \t x ", "\"x\"" },
        { "a\xE2\x80\xAE"
          "b",
          "\"a b\"" },
        { "\xC2\x9B"
          "5n",
          "\"5n\"" },
        { "", "\"\"" },
        { "0123456789\xC3\xA4\xC3\xB6", "\"0123456789\xE2\x80\xA6\"" },
        { "\xFF\xC3", "\"\"" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        agent_quote(cases[i].text, i == 8 ? 10 : 60, out, sizeof out);
        assert_string_equal(cases[i].quoted, out);
    }
    agent_quote("much too long for the room that is there", 60, out, 20);
    assert_true(strlen(out) < 20);
    assert_int_equal('"', out[strlen(out) - 1]);
}

/* Whatever comes: no more than a kilobyte, whole lines, UTF-8. */
static void news_never_have_more_than_a_kilobyte(void **s)
{
    (void)s;
    json_t *log = json_array(), *held = json_array();
    for (int i = 0; i < 400; i++) {
        char id[64], title[256], device[128];
        (void)snprintf(id, sizeof id, "CHITTY-TODO-%026d", i);
        title[0] = device[0] = '\0';
        for (int k = 0; k < 60; k++)
            (void)strcat(title, "\xF0\x9F\x98\x80");
        for (int k = 0; k < 30; k++)
            (void)strcat(device, "\xC3\xBC");
        json_array_append_new(
            log, json_pack("{s:s, s:I, s:s, s:s, s:{s:s, s:s}, s:[{s:s, s:s, s:s}]}", "chittyId",
                           id, "stamp", (json_int_t)NOW - i, "actor", i % 2 == 0 ? THEIRS : "",
                           "deviceName", device, "titles", "chittyId", title, "actor", title, "ops",
                           "op", "put", "field", i % 3 == 0 ? "status" : "notes", "value",
                           i % 5 == 0 ? "completed" : "cancelled"));
        json_array_append_new(held, json_pack("{s:s, s:s}", "chittyId", id, "title", title));
    }
    for (int brief = 0; brief < 2; brief++) {
        struct agent_news out = { .text = "" };
        const struct agent_digest d = { .session = MINE,
                                        .now_ms = NOW,
                                        .log = log,
                                        .held = held,
                                        .ready_limit = 50,
                                        .brief = brief != 0 };
        agent_digest(&d, &out);
        assert_true(strlen(out.text) <= AGENT_NEWS_BYTES);
        assert_true(strlen(out.text) > AGENT_NEWS_BYTES / 4);
        assert_int_equal('\n', out.text[strlen(out.text) - 1]);
        assert_true(crdt_utf8_valid(cht_bytes_str(out.text)));
        assert_true(out.more);
    }
    json_decref(log);
    json_decref(held);
}

static void how_a_session_is_follows_from_its_record(void **s)
{
    (void)s;
    static const struct {
        const char *data, *state;
        bool here;
    } cases[] = {
        { "{'status':'active','last_active':1767225500000}", "active", false },
        { "{'status':'active','last_active':1767224800000}", "idle", true },
        { "{'status':'active','last_active':1767224800000}", "idle", false },
        { "{'status':'active','last_active':1767224000000}", "idle", true },
        { "{'status':'active','last_active':1767224000000}", "away", false },
        { "{'status':'active','started':1767225500000}", "active", true },
        { "{'status':'ended','last_active':1767225500000}", "ended", true },
        { "{'status':'crashed','last_active':1767225500000}", "crashed", true },
        { "{'status':'paused','last_active':1}", "paused", false },
        { "{}", "away", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *data = json(cases[i].data);
        assert_string_equal(cases[i].state, agent_session_state(data, NOW, cases[i].here));
        json_decref(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_session_that_starts_is_told_what_it_holds_what_others_did_and_what_is_ready),
        cmocka_unit_test(where_nothing_happened_a_prompt_is_told_nothing),
        cmocka_unit_test(what_one_did_alike_is_one_line),
        cmocka_unit_test(of_one_todo_the_last_word_on_how_far_it_is_counts),
        cmocka_unit_test(a_comment_names_what_it_is_about),
        cmocka_unit_test(a_lost_claim_comes_first_with_what_the_winner_did),
        cmocka_unit_test(what_is_older_than_a_first_look_is_not_told),
        cmocka_unit_test(that_there_was_more_is_told),
        cmocka_unit_test(void_entries_and_other_kinds_of_records_are_no_news),
        cmocka_unit_test(texts_of_others_are_quoted_and_tame),
        cmocka_unit_test(news_never_have_more_than_a_kilobyte),
        cmocka_unit_test(how_a_session_is_follows_from_its_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
