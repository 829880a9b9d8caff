/* What the words of a filter ask the node, and what is no such word. */
#include "cli/commands.h"
#include "tests/support/cli_fixture.h"

static const struct cli_answer none[] = {
    { NODE_MSG_STATE_SNAPSHOT, "{'records':[]}" },
    { NODE_MSG_ACK, NULL },
};

#define COND(field, op, value) "{\"field\":\"" field "\",\"op\":\"" op "\",\"value\":" value "}"
#define WHERE(conds)           "\"where\":[" conds "]"

static void each_word_becomes_a_condition(void **state)
{
    (void)state;
    static const struct {
        const char *words, *asked;
    } cases[] = {
        { "project:compiler", WHERE(COND("project", "is", "\"compiler\"")) },
        { "proj:a,b", WHERE(COND("project", "is", "[\"a\",\"b\"]")) },
        { "project:", WHERE("{\"field\":\"project\",\"op\":\"none\"}") },
        { "project.any:", WHERE("{\"field\":\"project\",\"op\":\"any\"}") },
        { "project.not:", WHERE("{\"field\":\"project\",\"op\":\"any\"}") },
        { "status:pending,blocked", WHERE(COND("status", "is", "[\"pending\",\"blocked\"]")) },
        { "status:ready", "\"is\":[\"ready\"]" },
        { "is:ready,conflicted", "\"is\":[\"ready\",\"conflicted\"]" },
        { "is:blocked|is:overdue", "\"is\":[\"blocked\",\"overdue\"]" },
        { "+bug", WHERE(COND("labels", "has", "\"bug\"")) },
        { "-bug", WHERE(COND("labels", "hasnt", "\"bug\"")) },
        { "-old", WHERE(COND("labels", "hasnt", "\"old\"")) },
        { "label:bug", WHERE(COND("labels", "has", "\"bug\"")) },
        { "tag:bug,ui", WHERE(COND("labels", "has", "[\"bug\",\"ui\"]")) },
        { "pri:h", WHERE(COND("priority", "is", "\"high\"")) },
        { "Priority:HIGH", WHERE(COND("priority", "is", "\"high\"")) },
        { "priority.not:low", WHERE(COND("priority", "not", "\"low\"")) },
        { "priority.isnt:low,medium", WHERE(COND("priority", "not", "[\"low\",\"medium\"]")) },
        { "assignee:@me", WHERE(COND("assignees", "has", "\"zoe\"")) },
        { "content:lexer", WHERE(COND("content", "contains", "\"lexer\"")) },
        { "title.has:lexer", WHERE(COND("content", "contains", "\"lexer\"")) },
        { "content.is:lexer, all of it", WHERE(COND("content", "is", "\"lexer, all of it\"")) },
        { "description:why", WHERE(COND("description", "contains", "\"why\"")) },
        { "owner:an", WHERE(COND("owner", "is", "\"an\"")) },
        { "owner.starts:an", WHERE(COND("owner", "starts", "\"an\"")) },
        { "estimate.over:30", WHERE(COND("estimate", "after", "30")) },
        { "active-form:x", WHERE(COND("active_form", "is", "\"x\"")) },
        { "raw:beads.status", WHERE(COND("raw", "has", "\"beads.status\"")) },
        { "due:2026-03-01", WHERE(COND("deadline", "from", "1772323200000") "," COND(
                                "deadline", "to", "1772409599999")) },
        { "deadline:2026-03-01T18:00Z", WHERE(COND("deadline", "is", "1772388000000")) },
        { "due:none", WHERE("{\"field\":\"deadline\",\"op\":\"none\"}") },
        { "pri.not:none", WHERE("{\"field\":\"priority\",\"op\":\"any\"}") },
        { "owner:none", WHERE(COND("owner", "is", "\"none\"")) },
        { "prio:high", WHERE(COND("priority", "is", "\"high\"")) },
        { "due.not:2026-03-01T18:00Z", WHERE(COND("deadline", "not", "1772388000000")) },
        { "due.before:2026-03-01", WHERE(COND("deadline", "before", "1772323200000")) },
        { "due.after:2026-03-01", WHERE(COND("deadline", "after", "1772409599999")) },
        { "due.from:2026-03", WHERE(COND("deadline", "from", "1772323200000")) },
        { "due.by:2026-03", WHERE(COND("deadline", "to", "1775001599999")) },
        { "modified.since:2026-03-01T00:00Z", WHERE(COND("modified", "from", "1772323200000")) },
        { "lexer", "\"text\":\"lexer\"" },
        { "lexer|fix*", "\"text\":\"lexer fix*\"" },
        { "left recursion|x", "\"text\":\"\\\"left recursion\\\" x\"" },
        { "http://example.net/x|14:00", "\"text\":\"http://example.net/x 14:00\"" },
        { "--|project:x|-y|+z", "\"text\":\"project:x -y +z\"" },
        { "x|project:p|--|+z", WHERE(COND("project", "is", "\"p\"")) ",\"text\":\"x +z\"" },
        { "--project|p|pri:low",
          "\"filter\":{\"project\":[\"p\"]}," WHERE(COND("priority", "is", "\"low\"")) },
    };
    (void)setenv("CHITTY_USER", "zoe", 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[256], asked[512];
        (void)snprintf(line, sizeof line, "ls|--all|--json|--fields|content|%s", cases[i].words);
        (void)snprintf(asked, sizeof asked,
                       "query {\"operation\":\"list\",\"domain\":\"todos\",%s,"
                       "\"fields\":[\"content\"]}",
                       cases[i].asked);
        if (cli_do(&cli_chitty, line, none) != 0)
            fail_msg("%s: %s", cases[i].words, cli_stderr);
        if (strcmp(asked, cli_asked) != 0)
            fail_msg("%s asks %s", cases[i].words, cli_asked);
    }
    (void)unsetenv("CHITTY_USER");
}

static void what_is_no_such_word_is_refused_with_the_nearest(void **state)
{
    (void)state;
    static const struct {
        const char *words, *says, *hint;
    } cases[] = {
        { "projet:x", "a todo has no \"projet\"", "did you mean \"project\"?" },
        { "deu:x", "a todo has no \"deu\"", "did you mean \"due\"?" },
        { "Note:x", "a todo has no \"Note\"", "" },
        { "qqqqq:x", "a todo has no \"qqqqq\"", "goes after --" },
        { "due.befor:fri", "has no \".befor\"", "did you mean \".before\"?" },
        { "due:soon", "deadline \"soon\" is no date", "next monday" },
        { "due.not:2026-03-01", "is two questions", "deadline.before:2026-03-01" },
        { "labels.before:x", "\".before\" says nothing about labels", "" },
        { "status:pendign", "status \"pendign\" is not allowed", "" },
        { "pri:x", "priority \"x\" is not allowed", "" },
        { "is:redy", "nothing is \"redy\"", "did you mean is:ready?" },
        { "is:", "nothing is \"\"", "" },
        { "estimate.over:x", "estimate", "" },
        { "--sort|pirority", "--sort: a todo has no \"pirority\"", "\"priority\"" },
        { "--sort|priority,", "--sort", "" },
        { "--columns|id,stats", "--columns: a todo has no \"stats\"", "\"status\"" },
        { "--columns|modified", "modified is no field", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[256];
        (void)snprintf(line, sizeof line, "ls|%s", cases[i].words);
        if (cli_do(&cli_chitty, line, none) != 2)
            fail_msg("%s was taken: %s", cases[i].words, cli_asked);
        assert_has(cli_stderr, cases[i].says);
        assert_has(cli_stderr, cases[i].hint);
        assert_string_equal("", cli_asked);
    }
    assert_int_equal(2, cli_do(&cli_chitty, "session|list|+x", none));
    assert_has(cli_stderr, "a session has no labels");
    assert_int_equal(2, cli_do(&cli_chitty, "done|-x", none)); /* no filter: a flag */
    assert_has(cli_stderr, "there is no flag -x");
}

static void what_is_finished_is_left_out_where_no_status_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *line, *has, *lacks;
    } cases[] = {
        { "ls", "\"is\":[\"open\"]", "where" },
        { "ls|lexer", "\"is\":[\"open\"],\"text\":\"lexer\"", "where" },
        { "ls|status:blocked", "\"blocked\"", "open" },
        { "ls|status.not:blocked", "\"not\"", "open" },
        { "ls|--status|blocked", "\"filter\"", "open" },
        { "ls|is:hidden", "\"is\":[\"hidden\"]", "open" },
        { "ls|--all", "todos", "open" },
        { "repo|list", "repos", "open" }, /* has no status */
        { "ready", "\"is\":[\"ready\"]", "open" },
        { "ready|is:overdue|--sort|due", "\"is\":[\"ready\",\"overdue\"]", "-priority" },
        { "blocked|+x", "\"is\":[\"blocked\"]", "open" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)cli_do(&cli_chitty, cases[i].line, none);
        assert_has(cli_asked, cases[i].has);
        if (strstr(cli_asked, cases[i].lacks) != NULL)
            fail_msg("%s asks %s", cases[i].line, cli_asked);
    }
    (void)cli_do(&cli_chitty, "ready", none);
    assert_null(strstr(cli_asked, "\"sort\"")); /* the node has an order for them */
}

static void columns_are_those_asked_for_and_links_have_names(void **state)
{
    (void)state;
    static const struct cli_answer row[] = {
        { NODE_MSG_STATE_SNAPSHOT,
          "{'records':[{'chittyId':'CHITTY-TODO-01HXW3K9Q2M7T0V5Z8B4N6R1CD','type':'todo','data':{"
          "'content':'x','labels':['a','b'],'project':'CHITTY-PROJ-01HXW3K9Q2M7T0V5Z8B4N6R1CD',"
          "'deadline':1772388000000},'titles':{'project':'compiler'}},"
          "{'chittyId':'CHITTY-TODO-01HXW3K9Q2M7T0V5Z8B4N6R1CE','type':'todo','data':{"
          "'project':'CHITTY-PROJ-01HXW3K9Q2M7T0V5Z8B4N6R1CD'},'titles':{}}]}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(0, cli_do(&cli_chitty, "ls|--columns|proj,label,id,due,title", row));
    assert_has(cli_asked, "\"fields\":[\"project\",\"labels\",\"deadline\",\"content\"],"
                          "\"titles\":true");
    assert_string_equal(
        "compiler\ta, b\tCHITTY-TODO-01HXW3K9Q2M7T0V5Z8B4N6R1CD\t2026-03-01T18:00:00.000Z\tx\n"
        "CHITTY-PROJ-01HXW3K9Q2M7T0V5Z8B4N6R1CD\t\tCHITTY-TODO-01HXW3K9Q2M7T0V5Z8B4N6R1CE\t\t\n",
        cli_stdout);
}

static void a_count_is_a_number(void **state)
{
    (void)state;
    static const struct cli_answer seven[] = { { NODE_MSG_ACK, "{'result':{'count':7}}" },
                                               { NODE_MSG_ACK, NULL } };
    assert_int_equal(0, cli_do(&cli_chitty, "ls|--count", seven));
    assert_string_equal("7\n", cli_stdout);
    assert_has(cli_asked, "\"count\":true");
    assert_int_equal(0, cli_do(&cli_chitty, "ls|--count|--json", seven));
    assert_string_equal("{\"schemaVersion\":1,\"kind\":\"count\",\"data\":{\"count\":7}}\n",
                        cli_stdout);
}

static void next_is_the_first_that_is_ready(void **state)
{
    (void)state;
    static const struct cli_answer one[] = {
        { NODE_MSG_STATE_SNAPSHOT, "{'records':[{'chittyId':'A','type':'todo','data':{"
                                   "'content':'x'}}]}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(0, cli_do(&cli_chitty, "next|project:p", one));
    assert_has(cli_asked, "\"limit\":1");
    assert_has(cli_stdout, "id:");
    assert_int_equal(7, cli_do(&cli_chitty, "next", none));
    assert_has(cli_stderr, "nothing is ready");
}

static void a_search_asks_for_every_type(void **state)
{
    (void)state;
    static const struct cli_answer one[] = {
        { NODE_MSG_STATE_SNAPSHOT, "{'records':[{'chittyId':'A','type':'todo','data':{"
                                   "'content':'x'}}]}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(0, cli_do(&cli_chitty, "search|left|lex*|--type|todo|--json", one));
    assert_has(cli_asked, "\"text\":\"left lex*\",\"limit\":20");
    assert_string_equal("{\"schemaVersion\":1,\"kind\":\"search\",\"data\":[{\"chittyId\":\"A\","
                        "\"type\":\"todo\",\"data\":{\"content\":\"x\"}}]}\n",
                        cli_stdout);
    assert_int_equal(2, cli_do(&cli_chitty, "search|x|--type|toto", none));
    assert_int_equal(2, cli_do(&cli_chitty, "search", none));
}

int main(void)
{
    (void)setenv("TZ", "UTC0", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_word_becomes_a_condition),
        cmocka_unit_test(what_is_no_such_word_is_refused_with_the_nearest),
        cmocka_unit_test(what_is_finished_is_left_out_where_no_status_is_said),
        cmocka_unit_test(columns_are_those_asked_for_and_links_have_names),
        cmocka_unit_test(a_count_is_a_number),
        cmocka_unit_test(next_is_the_first_that_is_ready),
        cmocka_unit_test(a_search_asks_for_every_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
