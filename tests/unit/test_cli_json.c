/* JSON documents: names chosen, a line a record, ids alone; and that each command's kind is known
 * and has a schema in docs/json. */
#include "cli/base/kinds.h"
#include "cli/base/table.h"
#include "cli/commands.h"
#include "tests/support/cli_fixture.h"
#include "tests/support/seeded.h"

#define A "CHITTY-TODO-00041061050R3GG28A1C60T3GF"
#define B "CHITTY-TODO-10041061050R3GG28A1C60T3GF"

static const struct cli_answer two[] = {
    { NODE_MSG_STATE_SNAPSHOT,
      "{'records':[{'chittyId':'" A "','type':'todo','version':'v1','data':{'content':'a \"q\" "
      "{,}','status':'pending','labels':['x','y']}},{'chittyId':'" B "','type':'todo',"
      "'version':'v2','data':{'content':'b','status':'completed'}}]}" },
    { NODE_MSG_ACK, "{'result':{}}" },
    { NODE_MSG_ACK, NULL },
};

static const struct cli_answer members[] = {
    { NODE_MSG_ACK, "{'result':{'members':[{'device':'aa','name':'one','role':'admin'},"
                    "{'device':'bb','name':'two','role':'reader'}]}}" },
    { NODE_MSG_ACK, NULL },
};

static const struct cli_answer changed[] = {
    { NODE_MSG_ACK, "{'result':{'chittyId':'" A "','version':'v2','changed':true}}" },
    { NODE_MSG_ACK, NULL },
};

static void a_choice_of_names_leaves_the_rest_out(void **state)
{
    (void)state;
    static const char *const lines[] = { "ls|--json=id,content", "ls|--json|id,content",
                                         "todo|list|--json|content,id" };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(0, cli_do(&cli_chitty, lines[i], two));
        assert_string_equal(
            "{\"schemaVersion\":1,\"kind\":\"todo-list\",\"data\":[{\"chittyId\":\"" A
            "\",\"data\":{\"content\":\"a \\\"q\\\" {,}\"}},{\"chittyId\":\"" B
            "\",\"data\":{\"content\":\"b\"}}]}\n",
            cli_stdout);
        assert_has(cli_asked, "\"fields\":[\"content\"]");
    }
    assert_int_equal(0, cli_do(&cli_chitty, "ls|--json=version,labels", two));
    assert_has(cli_stdout, "{\"chittyId\":\"" A "\",\"version\":\"v1\",\"data\":{\"labels\":[\"x\","
                           "\"y\"]}},{\"chittyId\":\"" B "\",\"version\":\"v2\",\"data\":{}}");
    assert_null(strstr(cli_asked, "\"fields\"")); /* it would cost the version */
    assert_int_equal(0, cli_do(&cli_chitty_node, "members|--json|name", members));
    assert_string_equal(
        "{\"schemaVersion\":1,\"kind\":\"members\",\"data\":{\"members\":[{\"name\":"
        "\"one\"},{\"name\":\"two\"}]}}\n",
        cli_stdout);
}

static void a_word_after_json_is_a_choice_only_where_it_can_be_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(0, cli_do(&cli_chitty, "add|--json|content", changed));
    assert_has(cli_asked, "{\"content\":\"content\"}");
    assert_int_equal(0, cli_do(&cli_chitty, "add|--json|milk,eggs", changed));
    assert_has(cli_asked, "{\"content\":\"milk,eggs\"}");
    assert_int_equal(0, cli_do(&cli_chitty, "add|x|--json|chittyId,version", changed));
    assert_has(cli_asked, "{\"content\":\"x\"}");
    assert_string_equal("{\"schemaVersion\":1,\"kind\":\"change\",\"data\":{\"chittyId\":\"" A
                        "\",\"version\":\"v2\"}}\n",
                        cli_stdout);
    assert_int_equal(0, cli_do(&cli_chitty, "todo|get|--json|01HX", two));
    assert_has(cli_asked, "{\"chittyId\":\"01HX\"}");
    assert_int_equal(0, cli_do(&cli_chitty, "todo|get|--json|status|01HX", two));
    assert_has(cli_asked, "{\"chittyId\":\"01HX\"}");
}

static void unknown_names_get_the_nearest_one(void **state)
{
    (void)state;
    assert_int_equal(2, cli_do(&cli_chitty, "ls|--json=id,contnt", two));
    assert_has(cli_stderr, "todo-list has no \\\"contnt\\\" to choose with --json");
    assert_has(cli_stderr, "did you mean content?");
    assert_int_equal(0, cli_calls);
    assert_int_equal(2, cli_do(&cli_chitty_node, "members|--json=nam", members));
    assert_has(cli_stderr, "did you mean name?");
    assert_int_equal(2, cli_do(&cli_chitty_node, "run|--json=name", members));
    assert_has(cli_stderr, "run prints no JSON document");
}

static void ndjson_is_a_document_a_record(void **state)
{
    (void)state;
    assert_int_equal(0, cli_do(&cli_chitty, "ls|--ndjson", two));
    assert_has(cli_stdout, "{\"schemaVersion\":1,\"kind\":\"todo\",\"data\":{\"chittyId\":\"" A
                           "\",\"type\":\"todo\",\"version\":\"v1\",\"data\":{");
    assert_has(cli_stdout,
               "}}}\n{\"schemaVersion\":1,\"kind\":\"todo\",\"data\":{\"chittyId\":\"" B);
    assert_int_equal(2, cli_do(&cli_chitty_node, "members|-o|ndjson|--json=role", members));
    assert_has(cli_stderr, "--json and -o ndjson exclude each other");
    assert_int_equal(0, cli_do(&cli_chitty_node, "members|--ndjson|--json=role", members));
    assert_string_equal("{\"schemaVersion\":1,\"kind\":\"member\",\"data\":{\"name\":\"one\","
                        "\"role\":\"admin\"}}\n{\"schemaVersion\":1,\"kind\":\"member\",\"data\":{"
                        "\"name\":\"two\",\"role\":\"reader\"}}\n",
                        cli_stdout);
    assert_int_equal(
        7, cli_do(&cli_chitty, "todo|get|x|--ndjson",
                  (const struct cli_answer[]){
                      { NODE_MSG_ACK, "{'error':{'code':'not_found','message':'it is so'}}" },
                      { NODE_MSG_ACK, NULL } }));
    assert_has(cli_stderr, "\"kind\":\"error\"");
}

static void names_alone_are_a_line_each(void **state)
{
    (void)state;
    static const char *const lines[] = { "ls|-o|name", "ls|-oname", "ls|-o=name",
                                         "ls|--output=name" };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(0, cli_do(&cli_chitty, lines[i], two));
        assert_string_equal(A "\n" B "\n", cli_stdout);
    }
    assert_int_equal(0, cli_do(&cli_chitty_node, "members|-o|name", members));
    assert_string_equal("one\ntwo\n", cli_stdout);
    static const struct cli_answer strange[] = {
        { NODE_MSG_ACK, "{'result':{'members':[{'name':'a \"b\" \\ c\x1b\nd'},{'name':''},"
                        "{'device':'x'}]}}" },
        { NODE_MSG_ACK, NULL },
    };
    assert_int_equal(0, cli_do(&cli_chitty_node, "members|-o|name", strange));
    assert_string_equal("a \"b\" \\ c  d\n\n", cli_stdout);
    assert_int_equal(2, cli_do(&cli_chitty, "ls|-o|wide", two));
    assert_has(cli_stderr, "has to be table, json, ndjson or name");
    assert_int_equal(2, cli_do(&cli_chitty_node, "verify|-o|name", members));
    assert_has(cli_stderr, "what verify prints has no names");
}

/* Whatever a title has in it, what comes out is JSON and has one line a document. */
static void any_text_comes_through(void **state)
{
    (void)state;
    struct seeded seed = seeded_start(4);
    for (unsigned n = 0; n < 300; n++) {
        char payload[512] = "", text[33] = "";
        const size_t len = seeded_below(&seed, sizeof text);
        for (size_t i = 0; i < len; i++) {
            static const char likely[] = "\"\\{}[],:\n";
            const bool own = seeded_below(&seed, 2) == 0;
            text[i] = own ? likely[seeded_below(&seed, sizeof likely - 1)]
                          : (char)(1 + seeded_below(&seed, 255));
            text[i] = text[i] == '\'' ? '"' : text[i]; /* mp_text's own */
        }
        (void)snprintf(payload, sizeof payload,
                       "{'records':[{'chittyId':'" A "','type':'todo','data':{'content':'%s',"
                       "'status':'pending'}},{'chittyId':'" B "','data':{'content':'%s'}}]}",
                       text, text);
        const struct cli_answer answers[] = { { NODE_MSG_STATE_SNAPSHOT, payload },
                                              { NODE_MSG_ACK, "{'result':{}}" },
                                              { NODE_MSG_ACK, NULL } };
        assert_int_equal(0, cli_do(&cli_chitty, "ls|--ndjson|--json=content", answers));
        size_t lines = 0;
        for (char *at = cli_stdout, *end; (end = strchr(at, '\n')) != NULL; at = end + 1, lines++) {
            struct cht_buf b;
            cht_buf_init(&b, 4096);
            if (cli_json_parse(cht_bytes(at, (size_t)(end - at)), &b) != CHT_OK)
                fail_msg("no JSON: %s", at);
            assert_true(node_mp_get(node_mp_get(cht_buf_view(&b), "data"), "chittyId").len > 0);
            cht_buf_clear(&b);
        }
        assert_int_equal(2, lines);
        assert_int_equal(0, cli_do(&cli_chitty, "ls|-o|name", answers));
        assert_string_equal(A "\n" B "\n", cli_stdout);
    }
}

/* --- tables -------------------------------------------------------------------------------- */

static void check_kind(const struct cli_command *command, unsigned type)
{
    struct cli_kind_room room;
    char name[CLI_KIND_MAX], path[4096];
    unsigned of = 0;
    if (command->kind == NULL)
        fail_msg("%s does not say the kind of its documents (\"\": none)", command->name);
    cli_kind_of(command, type, name);
    if (name[0] == '\0')
        return;
    const struct cli_kind *kind = cli_kind_named(name, &room, &of);
    if (kind == NULL)
        fail_msg("the kind %s of %s is not in cli/base/kinds.c", name, command->name);
    assert_true((kind->rows == NULL) == (kind->item == NULL));
    (void)snprintf(path, sizeof path, "%s/../json/%s.schema.json", CHT_MANUAL, name);
    if (access(path, R_OK) != 0)
        fail_msg("%s is not there", path);
}

static void every_command_says_its_kind_and_each_kind_has_a_schema(void **state)
{
    (void)state;
    const struct cli_program *const programs[] = { &cli_chitty, &cli_chitty_node };
    const struct cli_command *command;
    const struct cli_noun *noun;
    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; (command = cli_command_at(programs[p], i)) != NULL; i++)
            check_kind(command, command->type);
        for (size_t n = 0; (noun = cli_noun_at(programs[p], n)) != NULL; n++) {
            for (size_t i = 0; (command = cli_verb_at(programs[p], noun, i)) != NULL; i++)
                check_kind(command, command->type != 0 ? command->type : noun->type);
        }
    }
}

static void kinds_hold_together(void **state)
{
    (void)state;
    const struct cli_kind *kind;
    struct cli_kind_room room;
    struct cht_bytes name;
    unsigned type;
    for (size_t i = 0; (kind = cli_kind_at(i)) != NULL; i++) {
        assert_ptr_equal(kind, cli_kind_named(kind->name, &room, &type));
        assert_true(strlen(kind->name) < CLI_KIND_MAX);
        assert_int_equal(0, crdt_type_from(cht_bytes_str(kind->name))); /* a record's own */
        if (kind->item != NULL)
            assert_non_null(cli_kind_named(kind->item, &room, &type));
        assert_true(strcmp(kind->shape, "map") == 0 || cli_kind_name_at(kind->name, 0, &name));
    }
    assert_null(cli_kind_named("nothing", &room, &type));
    assert_null(cli_kind_named("nothing-list", &room, &type));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_choice_of_names_leaves_the_rest_out),
        cmocka_unit_test(a_word_after_json_is_a_choice_only_where_it_can_be_nothing_else),
        cmocka_unit_test(unknown_names_get_the_nearest_one),
        cmocka_unit_test(ndjson_is_a_document_a_record),
        cmocka_unit_test(names_alone_are_a_line_each),
        cmocka_unit_test(any_text_comes_through),
        cmocka_unit_test(every_command_says_its_kind_and_each_kind_has_a_schema),
        cmocka_unit_test(kinds_hold_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
