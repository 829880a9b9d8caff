/* What the commands that read ask and print: for people, for scripts, as JSON. */
#include "cli/commands.h"
#include "tests/support/cli_fixture.h"

#define ID "CHITTY-TODO-00041061050R3GG28A1C60T3GF"

static const struct cli_answer two_messages[] = {
    { NODE_MSG_STATE_SNAPSHOT,
      "{'more':true,'records':[{'chittyId':'" ID "','type':'todo','data':{'content':'Buy milk',"
      "'status':'pending','priority':'high','deadline':1772388000000}}]}" },
    { NODE_MSG_STATE_SNAPSHOT, "{'records':[{'chittyId':'B','type':'todo','data':"
                               "{'content':'a\ttab and\n\x1b[31mescapes'}}]}" },
    { NODE_MSG_ACK, NULL },
};
static const struct cli_answer none[] = {
    { NODE_MSG_STATE_SNAPSHOT, "{'records':[]}" },
    { NODE_MSG_ACK, NULL },
};

static void ls_asks_for_what_is_open_and_only_for_its_columns(void **state)
{
    (void)state;
    assert_int_equal(0, cli_do(&cli_chitty, "ls", none));
    assert_string_equal("query {\"operation\":\"list\",\"domain\":\"todos\",\"is\":[\"open\"],"
                        "\"fields\":[\"status\",\"priority\",\"deadline\",\"content\"]}",
                        cli_asked);
    assert_string_equal("", cli_stdout);
}

static void rows_come_out_as_tabs_for_scripts(void **state)
{
    (void)state;
    assert_int_equal(0, cli_do(&cli_chitty, "ls|--all", two_messages));
    assert_string_equal(ID "\tpending\thigh\t2026-03-01T18:00:00.000Z\tBuy milk\n"
                           "B\t\t\t\ta tab and ?[31mescapes\n",
                        cli_stdout);
}

static void a_list_is_one_json_document(void **state)
{
    (void)state;
    assert_int_equal(0, cli_do(&cli_chitty, "todo|list|--all|--json", two_messages));
    assert_string_equal("query {\"operation\":\"list\",\"domain\":\"todos\"}", cli_asked);
    assert_string_equal(
        "{\"schemaVersion\":1,\"kind\":\"todo-list\",\"data\":[{\"chittyId\":\"" ID
        "\",\"type\":\"todo\",\"data\":{\"content\":\"Buy milk\",\"status\":\"pending\","
        "\"priority\":\"high\",\"deadline\":\"2026-03-01T18:00:00.000Z\"}},{\"chittyId\":\"B\","
        "\"type\":\"todo\",\"data\":{\"content\":\"a\\ttab and\\n\\u001b[31mescapes\"}}]}\n",
        cli_stdout);
    assert_int_equal(0, cli_do(&cli_chitty, "todo|list|--all|--json", none));
    assert_string_equal("{\"schemaVersion\":1,\"kind\":\"todo-list\",\"data\":[]}\n", cli_stdout);
}

static void filters_become_a_map_of_what_is_wanted(void **state)
{
    (void)state;
    assert_int_equal(0,
                     cli_do(&cli_chitty,
                            "ls|--status|blocked,completed|--label|a|--label|b,c|--project||"
                            "--sort|-deadline|--limit|5|--deleted|--json|--fields|content,labels",
                            none));
    assert_string_equal("query {\"operation\":\"list\",\"domain\":\"todos\",\"filter\":{\"status\":"
                        "[\"blocked\",\"completed\"],\"labels\":[\"a\",\"b,c\"],\"project\":[null]}"
                        ",\"fields\":[\"content\",\"labels\"],\"sort\":[\"-deadline\"],\"limit\":5,"
                        "\"deleted\":true}",
                        cli_asked);
    assert_int_equal(0, cli_do(&cli_chitty, "project|list|--team|me", none));
    assert_has(cli_asked, "\"filter\":{\"team\":[\"me\"]},\"is\":[\"open\"]");
}

static void colour_is_for_terminals_or_for_who_insists(void **state)
{
    (void)state;
    (void)setenv("CLICOLOR_FORCE", "1", 1);
    assert_int_equal(0, cli_do(&cli_chitty, "todo|get|01HX", two_messages));
    assert_has(cli_stdout, "\033[1mcontent\033[0m");
    (void)setenv("NO_COLOR", "1", 1);
    assert_int_equal(0, cli_do(&cli_chitty, "todo|get|01HX", two_messages));
    assert_null(strchr(cli_stdout, '\033'));
    (void)unsetenv("NO_COLOR");
    (void)unsetenv("CLICOLOR_FORCE");
}

static void get_prints_a_line_a_field(void **state)
{
    (void)state;
    static const struct cli_answer one[] = {
        { NODE_MSG_STATE_SNAPSHOT,
          "{'records':[{'chittyId':'" ID "','type':'todo','version':'v1','deleted':true,"
          "'conflicts':2,'data':{'content':'x','labels':['a','b'],'notes':'one\ntwo',"
          "'reminders':{'2026-03-01T18:00:00.000Z':'call','soon':true},"
          "'new_field':7}}]}" },
        { NODE_MSG_ACK, NULL },
    };
    (void)setenv("TZ", "UTC0", 1);
    assert_int_equal(0, cli_do(&cli_chitty, "todo|get|01HX", one));
    assert_string_equal("query {\"operation\":\"get\",\"domain\":\"todos\",\"entity\":"
                        "{\"chittyId\":\"01HX\"},\"titles\":true}",
                        cli_asked);
    assert_string_equal("id:            " ID "\n"
                        "deleted:       yes\n"
                        "content:       x\n"
                        "labels:        a, b\n"
                        "notes:         \n    one\n    two\n"
                        "reminders:     2026-03-01 18:00=call, soon=true\n"
                        "new_field:     7\n"
                        "2 fields with concurrent values: see `show` and `resolve`\n",
                        cli_stdout);
    assert_int_equal(0, cli_do(&cli_chitty, "todo|get|01HX|--json", one));
    assert_has(cli_stdout, "{\"schemaVersion\":1,\"kind\":\"todo\",\"data\":{\"chittyId\":");
    assert_null(strstr(cli_asked, "titles"));
}

#define OF(letter) "CHITTY-TODO-01HXW3K9Q2M7T0V5Z8B4N6R1C" letter

static void links_are_printed_with_what_they_are_called(void **state)
{
    (void)state;
    static const struct cli_answer got[] = {
        { NODE_MSG_STATE_SNAPSHOT,
          "{'records':[{'chittyId':'" ID "','type':'todo','version':'v1','data':{"
          "'parent':'" OF("A") "','dependencies':['" OF("A") "','" OF(
              "B") "'],'topic':'x'},"
                   "'titles':{'parent':'Dig','dependencies':{'" OF("A") "':'Dig'}}}]}" },
        { NODE_MSG_ACK, NULL },
    };
    static const struct cli_answer shown[] = {
        { NODE_MSG_STATE_SNAPSHOT,
          "{'records':[{'chittyId':'" ID "','type':'todo','version':'v1','deleted':false,"
          "'cells':[{'field':'dependencies','number':15,'key':'" OF(
              "B") "','values':[{'value':null,"
                   "'stamp':0,'device':'x'}]},{'field':'parent','number':14,'values':[{'value':"
                   "'" OF("A") "','stamp':0,'device':'x'}]}],'titles':{'" OF("A") "':'Dig','" OF(
                       "B") "':'So'}}]}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(0, cli_do(&cli_chitty, "todo|get|01HX", got));
    assert_string_equal("id:            " ID "\n"
                        "parent:        Dig (TODO-01HXW3K9)\n"
                        "dependencies:  Dig (TODO-01HXW3K9)\n"
                        "               " OF("B") "\n"
                                                  "topic:         x\n",
                        cli_stdout);
    assert_int_equal(0, cli_do(&cli_chitty, "show|01HX", shown));
    assert_has(cli_stdout, "dependencies[So (TODO-01HXW3K9)]\n  added");
    assert_has(cli_stdout, "parent\n  Dig (TODO-01HXW3K9)  (");
}

static const struct cli_answer shown[] = {
    { NODE_MSG_STATE_SNAPSHOT,
      "{'records':[{'chittyId':'" ID "','type':'todo','version':'v1','deleted':false,'cells':["
      "{'field':'deadline','number':22,'values':["
      "{'value':1772388000000,'dot':'d/e/1/0','stamp':1767225600000,'device':'ab',"
      "'deviceName':'laptop','actor':'','shown':true},"
      "{'value':1772388060000,'dot':'d/e/2/0','stamp':1767225601000,'device':'cd',"
      "'deviceName':'','actor':'','shown':false}]},"
      "{'field':'labels','number':9,'key':'a','values':[{'value':null,'dot':'d/e/3/0',"
      "'stamp':1,'device':'ab','deviceName':'laptop','actor':'','shown':true}]},"
      "{'number':99,'values':[{'value':[1],'dot':'d/e/4/0','stamp':1,'device':'ab',"
      "'deviceName':'laptop','actor':'','shown':true}]}]}]}" },
    { NODE_MSG_ACK, NULL },
};

static void show_numbers_concurrent_values_and_keeps_unknown_fields(void **state)
{
    (void)state;
    (void)setenv("TZ", "UTC0", 1);
    assert_int_equal(0, cli_do(&cli_chitty, "show|01HX", shown));
    assert_string_equal(ID "\n"
                           "deadline\n"
                           "  * 1) 2026-03-01 18:00  (2026-01-01 00:00, laptop)\n"
                           "    2) 2026-03-01 18:01  (2026-01-01 00:00, cd)\n"
                           "labels[a]\n"
                           "  added  (1970-01-01 00:00, laptop)\n"
                           "field 99\n"
                           "  [1]  (1970-01-01 00:00, laptop)\n",
                        cli_stdout);
    assert_int_equal(0, cli_do(&cli_chitty, "show|01HX|--json", shown));
    assert_has(cli_stdout, "\"value\":\"2026-03-01T18:00:00.000Z\",\"dot\":\"d/e/1/0\",\"stamp\":"
                           "\"2026-01-01T00:00:00.000Z\"");
    assert_has(cli_stdout, "{\"number\":99,\"values\":[{\"value\":[1],");
}

static void conflicts_say_what_to_choose_from(void **state)
{
    (void)state;
    static const struct cli_answer some[] = {
        { NODE_MSG_STATE_SNAPSHOT,
          "{'records':[{'chittyId':'" ID "','type':'todo','title':'Buy milk','field':'content',"
          "'kind':'values','values':[{'value':'Buy milk','dot':'x','stamp':1,'device':'ab',"
          "'deviceName':'laptop','actor':'','shown':true},{'value':'Buy oat milk','dot':'y',"
          "'stamp':1,'device':'cd','deviceName':'desktop','actor':'','shown':false}]}]}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(0, cli_do(&cli_chitty, "conflicts", some));
    assert_string_equal("query {\"operation\":\"conflicts\",\"titles\":true}", cli_asked);
    assert_string_equal(ID "  Buy milk\n"
                           "  content\n"
                           "  * 1) Buy milk  (1970-01-01 00:00, laptop)\n"
                           "    2) Buy oat milk  (1970-01-01 00:00, desktop)\n",
                        cli_stdout);
    assert_int_equal(0, cli_do(&cli_chitty, "conflicts|--json", none));
    assert_string_equal("{\"schemaVersion\":1,\"kind\":\"conflicts\",\"data\":[]}\n", cli_stdout);
}

static void log_tells_each_op(void **state)
{
    (void)state;
    static const struct cli_answer some[] = {
        { NODE_MSG_STATE_SNAPSHOT,
          "{'records':[{'entry':'00112233445566778899','device':'ab','deviceName':'laptop',"
          "'epoch':'e','seq':7,'stamp':1772388000000,'chittyId':'" ID "','type':'todo','actor':'',"
          "'ops':[{'op':'put','field':'status','number':3,'value':'blocked'},"
          "{'op':'put','field':'labels','number':9,'key':'a','value':null},"
          "{'op':'drop','field':'labels','number':9,'key':'b'},"
          "{'op':'drop','field':'deadline','number':22},"
          "{'op':'put','number':99,'value':5,'void':'limit'}],'void':'revoked'}]}" },
        { NODE_MSG_ACK, NULL },
    };
    (void)setenv("TZ", "UTC0", 1);
    assert_int_equal(0, cli_do(&cli_chitty, "log|01HX|--limit|3", some));
    assert_string_equal("query {\"operation\":\"log\",\"entity\":{\"chittyId\":\"01HX\"},"
                        "\"limit\":3}",
                        cli_asked);
    assert_string_equal("0011223344  2026-03-01 18:00  laptop  " ID
                        "  status=blocked, labels +a, labels -b, deadline unset, field 99=5 (void)"
                        "  void: revoked\n",
                        cli_stdout);
    assert_int_equal(0, cli_do(&cli_chitty, "log|--json", some));
    assert_has(cli_stdout, "\"stamp\":\"2026-03-01T18:00:00.000Z\"");
}

static void resolve_learns_the_type_where_the_id_does_not_say_it(void **state)
{
    (void)state;
    static const struct cli_answer answers[] = {
        { NODE_MSG_STATE_SNAPSHOT, "{'records':[{'chittyId':'" ID "','type':'todo','cells':[]}]}" },
        { NODE_MSG_ACK, "{'result':{'chittyId':'" ID "','version':'v','changed':true}}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(0, cli_do(&cli_chitty, "resolve|01HX|content|--value|Buy oat milk", answers));
    assert_string_equal("query {\"operation\":\"show\",\"entity\":{\"chittyId\":\"01HX\"}}\n"
                        "command {\"name\":\"resolve\",\"args\":{\"chittyId\":\"01HX\",\"field\":"
                        "\"content\",\"value\":\"Buy oat milk\"}}",
                        cli_asked);
    assert_int_equal(0, cli_do(&cli_chitty, "resolve|TODO-01HX|content|--pick|2", answers + 1));
    assert_string_equal("command {\"name\":\"resolve\",\"args\":{\"chittyId\":\"TODO-01HX\","
                        "\"field\":\"content\",\"pick\":2}}",
                        cli_asked);
    assert_string_equal(ID "\n", cli_stdout);
    assert_int_equal(2, cli_do(&cli_chitty, "resolve|TODO-01HX|content", answers + 1));
    assert_int_equal(2, cli_do(&cli_chitty, "resolve|TODO-01HX|contents|--pick|1", answers + 1));
    assert_has(cli_stderr, "did you mean \"content\"?");
    assert_int_equal(2, cli_do(&cli_chitty, "resolve|TODO-01HX|content|--pick|0", answers + 1));
}

static void an_error_in_the_middle_is_an_error(void **state)
{
    (void)state;
    static const struct cli_answer answers[] = {
        { NODE_MSG_STATE_SNAPSHOT, "{'more':true,'records':[]}" },
        { NODE_MSG_ACK, "{'error':{'code':'corrupt','message':'page 7','retryable':false}}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(1, cli_do(&cli_chitty, "ls", answers));
    assert_string_equal("chitty: page 7\n", cli_stderr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ls_asks_for_what_is_open_and_only_for_its_columns),
        cmocka_unit_test(links_are_printed_with_what_they_are_called),
        cmocka_unit_test(rows_come_out_as_tabs_for_scripts),
        cmocka_unit_test(a_list_is_one_json_document),
        cmocka_unit_test(filters_become_a_map_of_what_is_wanted),
        cmocka_unit_test(colour_is_for_terminals_or_for_who_insists),
        cmocka_unit_test(get_prints_a_line_a_field),
        cmocka_unit_test(links_are_printed_with_what_they_are_called),
        cmocka_unit_test(show_numbers_concurrent_values_and_keeps_unknown_fields),
        cmocka_unit_test(conflicts_say_what_to_choose_from),
        cmocka_unit_test(log_tells_each_op),
        cmocka_unit_test(resolve_learns_the_type_where_the_id_does_not_say_it),
        cmocka_unit_test(an_error_in_the_middle_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
