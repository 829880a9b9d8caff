/* What the commands that change something ask of the node, to the letter, and what they print. */
#include "cli/commands.h"
#include "tests/support/cli_fixture.h"

#define ID "CHITTY-TODO-00041061050R3GG28A1C60T3GF"

static const struct cli_answer changed[] = {
    { NODE_MSG_ACK, "{'result':{'chittyId':'" ID "','version':'v2','changed':true}}" },
    { NODE_MSG_ACK, NULL },
};

/* The request of a command, its random key replaced by "K". */
static const char *asked(void)
{
    static char text[sizeof cli_asked];
    (void)snprintf(text, sizeof text, "%s", cli_asked);
    char *key = strstr(text, "\"key\":\"");
    if (key != NULL) {
        char *value = key + strlen("\"key\":\"");
        assert_true(strspn(value, "0123456789abcdef") == 32);
        memmove(value + 1, value + 32, strlen(value + 32) + 1);
        *value = 'K';
    }
    return text;
}

static void add_makes_a_todo_of_all_its_words(void **state)
{
    (void)state;
    assert_int_equal(0, cli_do(&cli_chitty, "add|Buy|milk", changed));
    assert_string_equal("state_update {\"key\":\"K\",\"operation\":\"create\",\"domain\":\"todos\","
                        "\"entity\":{\"data\":{\"content\":\"Buy milk\"}}}",
                        asked());
    assert_string_equal(ID "\n", cli_stdout);
    assert_string_equal("", cli_stderr);
}

static void add_takes_every_kind_of_field(void **state)
{
    (void)state;
    (void)setenv("TZ", "UTC0", 1);
    assert_int_equal(0, cli_do(&cli_chitty,
                               "add|x|--priority=high|--deadline|2026-03-01|--label|+a|--label|b|"
                               "--project|PROJ-4F2|--notes|two\nlines",
                               changed));
    assert_string_equal(
        "state_update {\"key\":\"K\",\"operation\":\"create\",\"domain\":\"todos\",\"entity\":"
        "{\"data\":{\"content\":\"x\",\"priority\":\"high\",\"labels\":{\"add\":[\"a\",\"b\"]},"
        "\"project\":\"PROJ-4F2\",\"deadline\":1772409599000,\"notes\":\"two\\nlines\"}}}",
        asked());
}

static void text_that_begins_with_a_dash_goes_after_two(void **state)
{
    (void)state;
    assert_int_equal(2, cli_do(&cli_chitty, "add|-x", changed));
    assert_int_equal(0, cli_calls);
    assert_int_equal(0, cli_do(&cli_chitty, "add|--|-x|--priority", changed));
    assert_has(asked(), "{\"content\":\"-x --priority\"}");
}

static void update_adds_removes_unsets_and_checks_the_version(void **state)
{
    (void)state;
    assert_int_equal(0, cli_do(&cli_chitty,
                               "todo|update|01HX|--label|+a|--label|-b|--status|blocked|--unset|"
                               "deadline,active-form|--expect|v1",
                               changed));
    assert_string_equal(
        "state_update {\"key\":\"K\",\"expect\":\"v1\",\"operation\":\"update\",\"domain\":"
        "\"todos\",\"entity\":{\"chittyId\":\"01HX\",\"data\":{\"active_form\":null,\"status\":"
        "\"blocked\",\"labels\":{\"add\":[\"a\"],\"remove\":[\"b\"]},\"deadline\":null}}}",
        asked());
}

static void a_set_may_be_written_as_a_whole(void **state)
{
    (void)state;
    assert_int_equal(0, cli_do(&cli_chitty, "todo|update|01HX|--labels|a,b", changed));
    assert_has(asked(), "\"data\":{\"labels\":[\"a\",\"b\"]}");
    assert_int_equal(0, cli_do(&cli_chitty, "todo|update|01HX|--labels|", changed));
    assert_has(asked(), "\"data\":{\"labels\":[]}");
    assert_int_equal(2, cli_do(&cli_chitty, "todo|update|01HX|--labels|a|--label|b", changed));
    assert_has(cli_stderr, "one of the two");
}

static void maps_take_json_text_and_nothing(void **state)
{
    (void)state;
    assert_int_equal(0, cli_do(&cli_chitty,
                               "project|update|01HX|--milestone|alpha={\"done\":[1,-2.5,null]}|"
                               "--milestone|beta=just text|--milestone|gamma=",
                               changed));
    assert_has(asked(), "\"milestones\":{\"alpha\":{\"done\":[1,-2.5,null]},\"beta\":"
                        "\"just text\",\"gamma\":null}");
    assert_int_equal(2, cli_do(&cli_chitty, "project|update|01HX|--milestone|alpha", changed));
    assert_has(cli_stderr, "KEY=VALUE");
}

static void done_completes_all_in_one_transaction(void **state)
{
    (void)state;
    static const struct cli_answer both[] = {
        { NODE_MSG_ACK, "{'result':{'results':[{'chittyId':'A','version':'1','changed':true},"
                        "{'chittyId':'B','version':'2','changed':true}]}}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(0, cli_do(&cli_chitty, "done|01HX|TODO-4F2", both));
    assert_string_equal(
        "state_update {\"key\":\"K\",\"batch\":[{\"operation\":\"update\",\"domain\":\"todos\","
        "\"entity\":{\"chittyId\":\"01HX\",\"data\":{\"status\":\"completed\"}}},{\"operation\":"
        "\"update\",\"domain\":\"todos\",\"entity\":{\"chittyId\":\"TODO-4F2\",\"data\":"
        "{\"status\":\"completed\"}}}]}",
        asked());
    assert_string_equal("A\nB\n", cli_stdout);
}

static void delete_hides_and_brings_back(void **state)
{
    (void)state;
    assert_int_equal(0, cli_do(&cli_chitty, "topic|delete|01HX", changed));
    assert_has(asked(), "\"operation\":\"delete\",\"domain\":\"topics\",\"entity\":{\"chittyId\":"
                        "\"01HX\"}}");
    assert_int_equal(0, cli_do(&cli_chitty, "topic|delete|01HX|--undo", changed));
    assert_has(asked(), "\"operation\":\"undelete\"");
}

static void create_asks_for_what_a_type_needs(void **state)
{
    (void)state;
    assert_int_equal(2, cli_do(&cli_chitty, "session|create", changed));
    assert_has(cli_stderr, "a new session needs session_id (the platform's own id of it)");
    assert_has(cli_stderr, "--session-id");
    assert_int_equal(0, cli_calls);
    assert_int_equal(
        0,
        cli_do(&cli_chitty, "session|create|Parser|work|--session-id|s1|--platform|zoom", changed));
    assert_has(asked(), "\"data\":{\"session_id\":\"s1\",\"title\":\"Parser work\",\"platform\":"
                        "\"zoom\"}");
    assert_int_equal(2, cli_do(&cli_chitty, "todo|create|--priority|high", changed));
    assert_has(cli_stderr, "a new todo needs content");
}

static void a_result_may_be_had_as_json(void **state)
{
    (void)state;
    assert_int_equal(0, cli_do(&cli_chitty, "add|x|--json", changed));
    assert_string_equal("{\"schemaVersion\":1,\"kind\":\"change\",\"data\":{\"chittyId\":\"" ID
                        "\",\"version\":\"v2\",\"changed\":true}}\n",
                        cli_stdout);
}

static void a_lost_compare_and_set_names_the_winner(void **state)
{
    (void)state;
    static const struct cli_answer lost[] = {
        { NODE_MSG_CONFLICT,
          "{'error':{'code':'conflict','message':'m','retryable':false},'version':'v9',"
          "'delta':{'status':'completed','labels':['a']},'by':{'deviceName':'desktop'}}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(5, cli_do(&cli_chitty, "todo|update|01HX|--status|blocked|--expect|v1", lost));
    assert_string_equal("", cli_stdout);
    assert_string_equal("chitty: desktop changed it meanwhile: status, labels\n"
                        "chitty: read it again; its version is now v9\n",
                        cli_stderr);
}

static void slips_are_told_before_the_node_is_asked(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } cases[] = {
        { "add|x|--priority|urgent",
          "priority \"urgent\" is not allowed: it has to be low, medium, high or critical" },
        { "add|x|--deadline|soon", "deadline \"soon\" is no date" },
        { "add|x|--prioriti|high", "did you mean --priority?" },
        { "add|x|--lable|a", "did you mean --label?" },
        { "add|x|--label", "--label needs a value" },
        { "add|x|--ndjson=1", "--ndjson takes no value" },
        { "add", "usage is add TEXT" },
        { "todo|update|01HX", "nothing to update" },
        { "todo|update", "usage is update ID" },
        { "todo|update|01HX|--unset|dealdine", "did you mean \"deadline\"?" },
        { "todo|update|01HX|--unset|status|--status|blocked", "both set and unset" },
        { "project|update|01HX|--unset|milestones", "KEY=" },
        { "add|x|--notes|@/nonexistent/file", "cannot open \"/nonexistent/file\"" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const int status = cli_do(&cli_chitty, cases[i].line, changed);
        assert_int_equal(i + 1 == sizeof cases / sizeof cases[0] ? 7 : 2, status);
        assert_has(cli_stderr, cases[i].says);
        assert_string_equal("", cli_stdout);
        assert_int_equal(0, cli_calls);
    }
}

static void a_document_may_come_from_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/chitty-cli-XXXXXX", line[128];
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(9, write(fd, "one\ntwo\n\n", 9));
    (void)close(fd);
    (void)snprintf(line, sizeof line, "add|x|--description|@%s", path);
    assert_int_equal(0, cli_do(&cli_chitty, line, changed));
    assert_has(asked(), "\"description\":\"one\\ntwo\\n\"");
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(add_makes_a_todo_of_all_its_words),
        cmocka_unit_test(add_takes_every_kind_of_field),
        cmocka_unit_test(text_that_begins_with_a_dash_goes_after_two),
        cmocka_unit_test(update_adds_removes_unsets_and_checks_the_version),
        cmocka_unit_test(a_set_may_be_written_as_a_whole),
        cmocka_unit_test(maps_take_json_text_and_nothing),
        cmocka_unit_test(done_completes_all_in_one_transaction),
        cmocka_unit_test(delete_hides_and_brings_back),
        cmocka_unit_test(create_asks_for_what_a_type_needs),
        cmocka_unit_test(a_result_may_be_had_as_json),
        cmocka_unit_test(a_lost_compare_and_set_names_the_winner),
        cmocka_unit_test(slips_are_told_before_the_node_is_asked),
        cmocka_unit_test(a_document_may_come_from_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
