/* The commands that write: what the short ones ask of the node, dry runs, many ids, batches. */
#include "cli/commands.h"
#include "tests/support/cli_fixture.h"

#include <fcntl.h>

#define ID "CHITTY-TODO-00041061050R3GG28A1C60T3GF"

static const struct cli_answer changed[] = {
    { NODE_MSG_ACK, "{'result':{'results':[{'chittyId':'" ID "','version':'v','changed':true}]}}" },
    { NODE_MSG_ACK, NULL },
};

/* Run with this on standard input. */
static int with_input(const char *line, const char *input, const struct cli_answer *answers)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_true(fputs(input, file) >= 0);
    rewind(file);
    const int was = dup(STDIN_FILENO);
    assert_true(dup2(fileno(file), STDIN_FILENO) >= 0);
    clearerr(stdin);
    const int status = cli_do(&cli_chitty, line, answers);
    assert_true(dup2(was, STDIN_FILENO) >= 0);
    (void)close(was);
    (void)fclose(file);
    return status;
}

static void short_verbs_write_one_field(void **state)
{
    (void)state;
    (void)setenv("TZ", "UTC0", 1);
    (void)setenv("CHITTY_USER", "zoe", 1);
    static const struct {
        const char *line, *data;
    } cases[] = {
        { "start|01HX", "{\"status\":\"in_progress\"}" },
        { "stop|01HX", "{\"status\":\"pending\"}" },
        { "reopen|01HX", "{\"status\":\"pending\"}" },
        { "done|01HX|--reason|fixed", "{\"status\":\"completed\",\"close_reason\":\"fixed\"}" },
        { "cancel|01HX", "{\"status\":\"cancelled\"}" },
        { "prio|01HX|high", "{\"priority\":\"high\"}" },
        { "prio|01HX|none", "{\"priority\":null}" },
        { "due|01HX|2026-03-01|18:00", "{\"deadline\":1772388000000}" },
        { "due|01HX|none", "{\"deadline\":null}" },
        { "parent|01HX|TODO-4F2", "{\"parent\":\"TODO-4F2\"}" },
        { "label|01HX|+a|-b|c", "{\"labels\":{\"add\":[\"a\",\"c\"],\"remove\":[\"b\"]}}" },
        { "assign|01HX|-ana", "{\"assignees\":{\"remove\":[\"ana\"]}}" },
        { "assign|01HX|@me", "{\"assignees\":{\"add\":[\"zoe\"]}}" },
        { "block|01HX|--on|A1|B2", "{\"dependencies\":{\"add\":[\"A1\",\"B2\"]}}" },
        { "unblock|01HX|--on|A1", "{\"dependencies\":{\"remove\":[\"A1\"]}}" },
        { "block|01HX", "{\"status\":\"blocked\"}" },
        { "unblock|01HX", "{\"status\":\"pending\"}" },
        { "remind|01HX|2026-03-01T09:00|call|them",
          "{\"reminders\":{\"2026-03-01T09:00:00.000Z\":\"call them\"}}" },
        { "remind|01HX|2026-03-01T09:00", "{\"reminders\":{\"2026-03-01T09:00:00.000Z\":true}}" },
        { "remind|01HX|2026-03-01T09:00|--clear",
          "{\"reminders\":{\"2026-03-01T09:00:00.000Z\":null}}" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char whole[512];
        (void)snprintf(whole, sizeof whole,
                       "\"batch\":[{\"operation\":\"update\",\"domain\":\"todos\",\"entity\":"
                       "{\"chittyId\":\"01HX\",\"data\":%s}}]}",
                       cases[i].data);
        assert_int_equal(0, cli_do(&cli_chitty, cases[i].line, changed));
        assert_has(cli_asked, whole);
        assert_string_equal(ID "\n", cli_stdout);
    }
}

static void slips_of_short_verbs_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } cases[] = {
        { "prio|01HX|urgent", "low, medium, high or critical" },
        { "prio|01HX", "usage is prio" },
        { "due|01HX|someday", "is no date" },
        { "remind|01HX|someday", "is no date" },
        { "start|-x", "there is no flag -x" },
        { "undo|0", "1 to 100" },
        { "undo|x", "no number" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(2, cli_do(&cli_chitty, cases[i].line, changed));
        assert_has(cli_stderr, cases[i].says);
        assert_int_equal(0, cli_calls);
    }
}

static void ids_come_from_standard_input(void **state)
{
    (void)state;
    assert_int_equal(0, with_input("done|A1|-", "B2\tpending\thigh\n\n  C3  x\nD4", changed));
    assert_has(cli_asked, "{\"chittyId\":\"A1\"");
    assert_has(cli_asked, "{\"chittyId\":\"B2\"");
    assert_has(cli_asked, "{\"chittyId\":\"C3\"");
    assert_has(cli_asked, "{\"chittyId\":\"D4\"");
    assert_int_equal(1, cli_calls);
    assert_int_equal(2, with_input("delete|-", "\n \n", changed));
    assert_has(cli_stderr, "standard input has none");
    assert_int_equal(0, cli_calls);
}

static void several_are_updated_alike(void **state)
{
    (void)state;
    assert_int_equal(0, cli_do(&cli_chitty, "todo|update|A1|B2|--priority|low", changed));
    assert_has(cli_asked, "{\"operation\":\"update\",\"domain\":\"todos\",\"entity\":{\"chittyId\":"
                          "\"A1\",\"data\":{\"priority\":\"low\"}}},{\"operation\":\"update\"");
    assert_int_equal(2,
                     cli_do(&cli_chitty, "todo|update|A1|B2|--priority|low|--expect|v", changed));
    assert_has(cli_stderr, "one record");
    assert_int_equal(0, cli_do(&cli_chitty, "undelete|A1|TOPIC-B2", changed));
    assert_has(cli_asked, "{\"operation\":\"undelete\",\"entity\":{\"chittyId\":\"A1\"}}");
}

static void a_dry_run_is_told_field_by_field(void **state)
{
    (void)state;
    (void)setenv("TZ", "UTC0", 1);
    static const struct cli_answer would[] = {
        { NODE_MSG_ACK, "{'result':{'results':[{'chittyId':'" ID "','version':'v','changed':true,"
                        "'would':{'status':{'from':'pending','to':'completed'},'completed_at':"
                        "{'from':null,'to':1772388000000},'labels':{'from':['a'],'to':[]}}},"
                        "{'version':'v','changed':false,'would':{}}]}}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(0, cli_do(&cli_chitty, "done|01HX|02HX|--dry-run", would));
    assert_has(cli_asked, "\"dry\":true");
    assert_string_equal(ID "\n"
                           "  status: pending → completed\n"
                           "  completed_at: nothing → 2026-03-01 18:00\n"
                           "  labels: a → nothing\n"
                           "a new todo\tnothing to do\n",
                        cli_stdout);
    assert_int_equal(0, cli_do(&cli_chitty, "done|01HX|--dry-run|--json", would));
    assert_has(cli_stdout, "\"completed_at\":{\"from\":null,\"to\":\"2026-03-01T18:00:00.000Z\"}");
}

static void a_comment_is_a_message_about_it(void **state)
{
    (void)state;
    (void)setenv("CHITTY_USER", "ana", 1);
    assert_int_equal(0, cli_do(&cli_chitty, "comment|01HX|waits|for it", changed));
    assert_has(cli_asked, "{\"operation\":\"create\",\"domain\":\"messages\",\"entity\":{\"data\":"
                          "{\"about\":\"01HX\",\"author\":\"ana\",\"content\":\"waits for it\"}}}");
    assert_int_equal(0, cli_do(&cli_chitty, "comment|01HX|x|--author|bob", changed));
    assert_has(cli_asked, "\"author\":\"bob\"");
}

static void undo_tells_what_it_took_back_and_what_it_left(void **state)
{
    (void)state;
    (void)setenv("TZ", "UTC0", 1);
    static const struct cli_answer left[] = {
        { NODE_MSG_ACK,
          "{'result':{'transactions':[{'entry':'aa','stamp':1772388000000,'changes':2,'records':"
          "[{'chittyId':'" ID "','title':'Milk','fields':['content','labels']}]}],'results':[],"
          "'left':[{'chittyId':'" ID "','field':'content','by':{'deviceName':'desktop'}}]}}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(5, cli_do(&cli_chitty, "undo|2|--force", left));
    assert_has(cli_asked, "command {\"name\":\"undo\",\"args\":{\"count\":2,\"force\":true}}");
    assert_string_equal("2026-03-01 18:00  TODO-00041061  Milk  content, labels\n"
                        "                  and 1 more\n"
                        "left: TODO-00041061 content, changed since by desktop\n",
                        cli_stdout);
    assert_has(cli_stderr, "--force");
    assert_int_equal(5, cli_do(&cli_chitty, "redo|--json", left));
    assert_has(cli_asked, "{\"redo\":true}");
    assert_has(cli_stdout, "\"kind\":\"undo\"");
    assert_has(cli_stdout, "\"left\":[{");
}

static void lines_become_changes(void **state)
{
    (void)state;
    (void)setenv("TZ", "UTC0", 1);
    static const struct {
        const char *line, *change;
    } cases[] = {
        { "{\"content\":\"x\",\"deadline\":\"2026-03-01\"}",
          "{\"operation\":\"create\",\"domain\":\"todos\",\"entity\":{\"data\":{\"content\":\"x\","
          "\"deadline\":1772409599000}}}" },
        { "{\"type\":\"topic\",\"title\":\"x\"}", "{\"operation\":\"create\",\"domain\":\"topics\","
                                                  "\"entity\":{\"data\":{\"title\":\"x\"}}}" },
        { "{\"chittyId\":\"" ID "\",\"content\":\"x\"}",
          "{\"operation\":\"upsert\",\"entity\":{\"chittyId\":\"" ID
          "\",\"data\":{\"content\":\"x\"}}}" },
        { "{\"type\":\"todo\",\"chittyId\":\"" ID "\",\"data\":{\"content\":\"x\"}}",
          "{\"operation\":\"upsert\",\"domain\":\"todos\",\"entity\":{\"chittyId\":\"" ID
          "\",\"data\":{\"content\":\"x\"}}}" },
        { "{\"operation\":\"delete\",\"entity\":{\"chittyId\":\"01HX\"}}",
          "{\"operation\":\"delete\",\"entity\":{\"chittyId\":\"01HX\"}}" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(0, with_input("batch", cases[i].line, changed));
        assert_has(cli_asked, cases[i].change);
    }
}

static void a_refused_line_is_named_and_the_others_written(void **state)
{
    (void)state;
    static const struct cli_answer answers[] = {
        { NODE_MSG_ACK, "{'error':{'code':'invalid','message':'no','retryable':false}}" },
        { NODE_MSG_ACK, "{'result':{'results':[{'chittyId':'A','version':'v','changed':true}]}}" },
        { NODE_MSG_ACK, "{'error':{'code':'invalid','message':'bad field','hint':'did you mean',"
                        "'field':'f','retryable':false}}" },
        { NODE_MSG_ACK, NULL },
    };
    static const char lines[] = "{\"content\":\"x\"}\nnonsense\n{\"contentt\":\"y\"}\n";
    assert_int_equal(1, with_input("batch", lines, answers));
    assert_string_equal("A\n", cli_stdout);
    assert_has(cli_stderr, "line 2: it is no JSON");
    assert_has(cli_stderr, "line 3: bad field");
    assert_int_equal(1, with_input("batch|--json", lines, answers));
    assert_has(cli_stdout, "{\"line\":1,\"result\":{\"chittyId\":\"A\"");
    assert_has(cli_stdout, "{\"line\":3,\"error\":{\"code\":\"invalid\",\"message\":\"bad field\","
                           "\"hint\":\"did you mean\",\"field\":\"f\"}}");
}

static void an_atomic_batch_writes_nothing_and_names_the_line(void **state)
{
    (void)state;
    static const struct cli_answer answers[] = {
        { NODE_MSG_ACK, "{'error':{'code':'invalid','message':'no','retryable':false}}" },
        { NODE_MSG_ACK, "{'result':{'results':[]}}" }, /* the first line alone would do */
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(
        2, with_input("batch|--atomic", "{\"content\":\"x\"}\n{\"contentt\":\"y\"}\n", answers));
    assert_int_equal(2, cli_calls);
    assert_has(cli_stderr, "line 2: no");
    assert_has(cli_stderr, "nothing was written");
    assert_string_equal("", cli_stdout);
    assert_int_equal(2, with_input("batch|--atomic", "nonsense\n{\"content\":\"x\"}\n", answers));
    assert_int_equal(0, cli_calls);
}

static void a_filter_chooses_and_is_agreed_to(void **state)
{
    (void)state;
    static const struct cli_answer two[] = {
        { NODE_MSG_STATE_SNAPSHOT, "{'records':[{'chittyId':'A'},{'chittyId':'B'}]}" },
        { NODE_MSG_ACK, "{'result':{'results':[{'chittyId':'A','version':'v','changed':true}]}}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(2, with_input("done|+bug|priority:high", "", two));
    assert_has(cli_stderr, "chooses 2 todos: nothing was done");
    assert_has(cli_stderr, "--yes");
    assert_int_equal(1, cli_calls);
    assert_int_equal(0, with_input("done|+bug|--yes", "", two));
    assert_has(cli_asked, "{\"chittyId\":\"A\",\"data\":{\"status\":\"completed\"}}");
    assert_has(cli_asked, "{\"chittyId\":\"B\",\"data\":{\"status\":\"completed\"}}");
    static const struct cli_answer none[] = {
        { NODE_MSG_STATE_SNAPSHOT, "{'records':[]}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(7, with_input("done|+bug|--yes", "", none));
    assert_int_equal(0, cli_do(&cli_chitty, "done|Buy: milk", changed)); /* a name is no filter */
    assert_has(cli_asked, "\"chittyId\":\"Buy: milk\"");
}

static void create_takes_a_batch_of_its_type(void **state)
{
    (void)state;
    assert_int_equal(0, with_input("topic|create|--batch|-", "{\"title\":\"x\"}", changed));
    assert_has(cli_asked, "{\"operation\":\"create\",\"domain\":\"topics\",\"entity\":{\"data\":"
                          "{\"title\":\"x\"}}}");
    assert_int_equal(0, with_input("context|create|--batch|-",
                                   "{\"title\":\"x\",\"type\":\"document\"}", changed));
    assert_has(cli_asked, "\"domain\":\"contexts\",\"entity\":{\"data\":{\"title\":\"x\","
                          "\"type\":\"document\"}}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_verbs_write_one_field),
        cmocka_unit_test(slips_of_short_verbs_are_told),
        cmocka_unit_test(ids_come_from_standard_input),
        cmocka_unit_test(several_are_updated_alike),
        cmocka_unit_test(a_dry_run_is_told_field_by_field),
        cmocka_unit_test(a_comment_is_a_message_about_it),
        cmocka_unit_test(undo_tells_what_it_took_back_and_what_it_left),
        cmocka_unit_test(lines_become_changes),
        cmocka_unit_test(a_refused_line_is_named_and_the_others_written),
        cmocka_unit_test(a_filter_chooses_and_is_agreed_to),
        cmocka_unit_test(create_takes_a_batch_of_its_type),
        cmocka_unit_test(an_atomic_batch_writes_nothing_and_names_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
