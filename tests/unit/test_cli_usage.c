/* Help, exit status, errors, and JSON as it goes in and out. */
#include "cli/base/table.h"
#include "cli/commands.h"
#include "tests/support/cli_fixture.h"

static const struct cli_answer nothing[] = { { NODE_MSG_ACK, NULL } };

static void help_knows_every_command(void **state)
{
    (void)state;
    assert_int_equal(0, cli_do(&cli_chitty, "help", nothing));
    for (size_t i = 0; cli_chitty.commands[i] != NULL; i++) {
        char line[128], usage[128];
        if (cli_chitty.commands[i]->group == CLI_HIDDEN)
            continue;
        assert_has(cli_stdout, cli_chitty.commands[i]->summary);
        (void)snprintf(line, sizeof line, "help|%s", cli_chitty.commands[i]->name);
        (void)snprintf(usage, sizeof usage, "usage: chitty %s ", cli_chitty.commands[i]->name);
        assert_int_equal(0, cli_do(&cli_chitty, line, nothing));
        assert_has(cli_stdout, usage);
        assert_has(cli_stdout, "\nexamples\n  chitty");
        (void)snprintf(line, sizeof line, "%s|--help", cli_chitty.commands[i]->name);
        assert_int_equal(0, cli_do(&cli_chitty, line, nothing));
        assert_has(cli_stdout, usage);
        assert_int_equal(0, cli_do(&cli_chitty, "help", nothing));
    }
    assert_int_equal(0, cli_do(&cli_chitty, "todo|update|--help", nothing));
    assert_has(cli_stdout, "--label [+|-]TEXT");
    assert_has(cli_stdout, "low|medium|high|critical");
    assert_int_equal(0, cli_do(&cli_chitty, "todo", nothing));
    assert_has(cli_stdout, "usage: chitty todo VERB");
    assert_int_equal(0, cli_do(&cli_chitty, "--version", nothing));
    assert_string_equal("chitty " CHT_VERSION "\n", cli_stdout);
}

static void nothing_at_all_is_a_usage_error_with_help(void **state)
{
    (void)state;
    assert_int_equal(2, cli_do(&cli_chitty, "", nothing));
    assert_has(cli_stdout, "usage: chitty COMMAND");
    assert_has(cli_stderr, "no command given");
}

static void unknown_commands_get_the_nearest_one(void **state)
{
    (void)state;
    assert_int_equal(2, cli_do(&cli_chitty, "lst", nothing));
    assert_string_equal("chitty: there is no command \"lst\"\nchitty: did you mean \"ls\"?\n",
                        cli_stderr);
    assert_int_equal(2, cli_do(&cli_chitty, "todo|vanish", nothing));
    assert_has(cli_stderr, "there is no command \"todo vanish\"");
    assert_int_equal(2, cli_do(&cli_chitty, "porject|list", nothing));
    assert_has(cli_stderr, "did you mean \"project\"?");
}

static void every_type_has_a_noun_and_every_verb(void **state)
{
    (void)state;
    size_t types = 0;
    (void)crdt_schema_at(0, &types);
    for (size_t t = 0; t < types; t++) {
        const unsigned type = crdt_schema_at(t, NULL)->type;
        const struct cli_noun *noun = cli_noun_named(&cli_chitty, crdt_type_table(type));
        assert_non_null(noun);
        assert_int_equal(type, noun->type);
        assert_ptr_equal(noun, cli_noun_of_many(&cli_chitty, crdt_type_domain(type)));
        for (size_t v = 0; cli_chitty.verbs[v] != NULL; v++) {
            char line[128], usage[128];
            (void)snprintf(line, sizeof line, "%s|%s|--help", noun->name,
                           cli_chitty.verbs[v]->name);
            (void)snprintf(usage, sizeof usage, "usage: chitty %s %s ", noun->name,
                           cli_chitty.verbs[v]->name);
            assert_int_equal(0, cli_do(&cli_chitty, line, nothing));
            assert_has(cli_stdout, usage);
        }
    }
}

static enum cht_err say_own(struct cli_context *c)
{
    cli_printf(&c->out, "own of %s\n", c->noun);
    return CHT_OK;
}

static void a_noun_may_have_verbs_of_its_own(void **state)
{
    (void)state;
    static const struct cli_command report = {
        .name = "report", .summary = "s", .arguments = "", .examples = "e", .run = say_own
    };
    static const struct cli_command *const own[] = { &report, NULL };
    static const struct cli_noun nouns[] = {
        { .name = "project", .type = CRDT_PROJECT, .verbs = own },
        { .name = "space", .verbs = own },
        { .name = "topic", .type = CRDT_TOPIC },
        { .name = NULL }
    };
    struct cli_program program = cli_chitty;
    program.nouns = nouns;
    assert_int_equal(0, cli_do(&program, "project|report", nothing));
    assert_string_equal("own of project\n", cli_stdout);
    assert_int_equal(0, cli_do(&program, "space|report", nothing));
    assert_int_equal(2, cli_do(&program, "space|list", nothing));
    assert_int_equal(2, cli_do(&program, "topic|report", nothing));
    assert_int_equal(0, cli_do(&program, "project", nothing));
    assert_has(cli_stdout, "report");
    assert_has(cli_stdout, "update");
}

/* What was asked, without the key that each change has of its own. */
static const char *after_key(void)
{
    const char *operation = strstr(cli_asked, "\"operation\"");
    return operation == NULL ? cli_asked : operation;
}

static void verbs_of_other_programs_and_of_one_noun_alone_are_understood(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        { "todo|add|x", "todo|create|x" },      { "topic|new|x", "topic|create|x" },
        { "todo|rm|01HX", "todo|delete|01HX" }, { "project|ls", "project|list" },
        { "todo|done|01HX", "done|01HX" },      { "todo|prio|01HX|high", "prio|01HX|high" },
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        char first[1024];
        (void)cli_do(&cli_chitty, same[i][0], nothing);
        (void)snprintf(first, sizeof first, "%.1000s", after_key());
        assert_true(first[0] != '\0');
        (void)cli_do(&cli_chitty, same[i][1], nothing);
        assert_string_equal(after_key(), first);
    }
    assert_int_equal(2, cli_do(&cli_chitty, "project|done|01HX", nothing));
    assert_int_equal(2, cli_do(&cli_chitty, "attachment|add|01HX", nothing));
}

static void a_text_that_has_to_be_there_is_not_blank(void **state)
{
    (void)state;
    static const char *const blank[] = { "add|",
                                         "add| |\t",
                                         "todo|create|",
                                         "comment|01HX| ",
                                         "todo|update|01HX|--content| ",
                                         "todo|update|01HX|--label|" };
    for (size_t i = 0; i < sizeof blank / sizeof blank[0]; i++) {
        assert_int_equal(2, cli_do(&cli_chitty, blank[i], nothing));
        assert_has(cli_stderr, "the text is empty");
        assert_string_equal("", cli_asked);
    }
}

static void a_column_is_as_wide_as_a_terminal_shows_it(void **state)
{
    (void)state;
    static struct cli_out out;
    static const struct {
        const char *text, *cell;
    } cases[] = {
        { "abc", "abc   " },
        { "abcdef", "abcdef" },
        { "abcdefg", "abcde…" },
        { "e\xcc\x81tude", "e\xcc\x81tude " }, /* an accent of its own takes no room */
        { "etudese\xcc\x81", "etude…" },
        { "\xe7\x9d\xa1\xe8\x8e\xb2", "\xe7\x9d\xa1\xe8\x8e\xb2  " }, /* two cells each */
        { "a\xe7\x9d\xa1\xe8\x8e\xb2\xe8\x8e\xb2", "a\xe7\x9d\xa1\xe8\x8e\xb2…" },
        { "\xe7\x9d\xa1\xe8\x8e\xb2\xe8\x8e\xb2\xe8\x8e\xb2", "\xe7\x9d\xa1\xe8\x8e\xb2… " },
        { "a\xe2\x80\xae"
          "b\033[1m",
          "a?b?[…" }, /* nothing that drives the terminal */
        { "\xff\xc3", "??    " },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        out.len = 0;
        cli_put_cell(&out, cht_bytes_str(cases[i].text), 6);
        out.data[out.len] = '\0';
        assert_string_equal(cases[i].cell, (const char *)out.data);
    }
}

static void errors_are_objects_when_json_is_asked(void **state)
{
    (void)state;
    assert_int_equal(2, cli_do(&cli_chitty, "add|x|--priority|urgent|--json", nothing));
    assert_string_equal("", cli_stdout);
    assert_string_equal(
        "{\"schemaVersion\":1,\"kind\":\"error\",\"error\":{\"code\":\"invalid\",\"message\":"
        "\"priority \\\"urgent\\\" is not allowed: it has to be low, medium, high or critical\","
        "\"field\":\"priority\",\"retryable\":false}}\n",
        cli_stderr);
}

static void the_nodes_errors_have_their_exit_status(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int status;
    } cases[] = {
        { "not_found", 7 },   { "invalid", 2 },  { "denied", 4 },      { "expired", 4 },
        { "conflict", 5 },    { "exists", 5 },   { "busy", 5 },        { "unreachable", 6 },
        { "timeout", 6 },     { "full", 1 },     { "io", 1 },          { "corrupt", 1 },
        { "unsupported", 1 }, { "internal", 1 }, { "of_tomorrow", 1 }, { "signature", 4 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char payload[128];
        (void)snprintf(payload, sizeof payload,
                       "{'error':{'code':'%s','message':'it is so','hint':'try it'}}",
                       cases[i].code);
        const struct cli_answer answers[] = { { NODE_MSG_ACK, payload }, { NODE_MSG_ACK, NULL } };
        assert_int_equal(cases[i].status, cli_do(&cli_chitty, "todo|get|01HX", answers));
        assert_string_equal("chitty: it is so\nchitty: try it\n", cli_stderr);
        assert_string_equal("", cli_stdout);
    }
    assert_int_equal(3, cli_exit_status(CHT_E_UNREACHABLE, false));
    assert_int_equal(3, cli_exit_status(CHT_E_TIMEOUT, false));
}

static void json_goes_in_and_comes_out_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "null",
        "true",
        "-5",
        "18446744073709551615",
        "9223372036854775807",
        "1.5",
        "2.0",
        "\"a\\\"b\\\\c\\n\\u0001\\u007f\xc3\xa9\"",
        "[1,[2,{\"a\":null}],\"x\"]",
        "{\"b\":1,\"a\":[true,false],\"\":{}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct cht_buf b;
        char back[256];
        cht_buf_init(&b, 4096);
        const enum cht_err err = cli_json_parse(cht_bytes_str(texts[i]), &b);
        if (strcmp(texts[i], "18446744073709551615") == 0) {
            assert_int_equal(CHT_E_INVALID, err); /* jansson's integers end at 2^63 */
            assert_int_equal(CHT_OK, crdt_mp_put_uint(&b, UINT64_MAX));
        } else {
            assert_int_equal(CHT_OK, err);
        }
        cli_capture_json(cht_buf_view(&b), back, sizeof back);
        assert_string_equal(texts[i], back);
        cht_buf_clear(&b);
    }
}

static void what_is_no_json_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = { "",    "{",   "[1,]",     "{\"a\":1,\"a\":2}",
                                         "nul", "1 2", "\"\xff\"", "[[[[[[[[[[[1]]]]]]]]]]]" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct cht_buf b;
        cht_buf_init(&b, 4096);
        assert_int_equal(CHT_E_INVALID, cli_json_parse(cht_bytes_str(texts[i]), &b));
        assert_int_equal(0, b.len);
        cht_buf_clear(&b);
    }
}

static void bytes_that_json_has_no_word_for_are_marked(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *json;
    } cases[] = {
        { "c40200ff", "{\"$bin\":\"00ff\"}" },
        { "d40501", "{\"$ext\":5,\"hex\":\"01\"}" },
        { "cb7ff0000000000000", "null" },
        { "a2c328", "\"\xEF\xBF\xBD(\"" },
        { "8201a1610203", "{\"1\":\"a\",\"2\":3}" },
        { "81c0c3", "{\"c0\":true}" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t raw[32];
        char text[128];
        const size_t len = strlen(cases[i].hex) / 2;
        assert_int_equal(CHT_OK, crdt_unhex(cht_bytes_str(cases[i].hex), raw, len));
        cli_capture_json(cht_bytes(raw, len), text, sizeof text);
        assert_string_equal(cases[i].json, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_knows_every_command),
        cmocka_unit_test(nothing_at_all_is_a_usage_error_with_help),
        cmocka_unit_test(verbs_of_other_programs_and_of_one_noun_alone_are_understood),
        cmocka_unit_test(a_text_that_has_to_be_there_is_not_blank),
        cmocka_unit_test(a_column_is_as_wide_as_a_terminal_shows_it),
        cmocka_unit_test(unknown_commands_get_the_nearest_one),
        cmocka_unit_test(every_type_has_a_noun_and_every_verb),
        cmocka_unit_test(a_noun_may_have_verbs_of_its_own),
        cmocka_unit_test(errors_are_objects_when_json_is_asked),
        cmocka_unit_test(the_nodes_errors_have_their_exit_status),
        cmocka_unit_test(json_goes_in_and_comes_out_the_same),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(bytes_that_json_has_no_word_for_are_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
