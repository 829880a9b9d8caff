/* Candidates of completion: all that stands in the tables is offered where it may stand. */
#include "cli/base/options.h"
#include "cli/base/table.h"
#include "cli/base/topics.h"
#include "cli/commands.h"
#include "tests/support/cli_fixture.h"

#define A "CHITTY-TODO-00041061050R3GG28A1C60T3GF"

static const struct cli_answer nothing[] = { { NODE_MSG_ACK, NULL } };
static const struct cli_answer two[] = {
    { NODE_MSG_STATE_SNAPSHOT,
      "{'records':[{'chittyId':'" A "','type':'todo','data':{'content':'Buy milk','labels':['x',"
      "'y z','w']}}]}" },
    { NODE_MSG_ACK, NULL },
};

/* `words` with "|" between them; the last one is completed. */
static void complete(const struct cli_program *program, const char *words,
                     const struct cli_answer *answers)
{
    char line[512];
    (void)snprintf(line, sizeof line, "__complete|--|%s", words);
    assert_int_equal(0, cli_do(program, line, answers));
    assert_string_equal("", cli_stderr);
}

static void offered(const char *value)
{
    char line[256];
    (void)snprintf(line, sizeof line, "\n%.200s\t", value);
    assert_has(cli_stdout, line);
}

static void not_offered(const char *value)
{
    char line[256];
    (void)snprintf(line, sizeof line, "\n%.200s\t", value);
    assert_null(strstr(cli_stdout, line));
}

static void check_flags(const struct cli_program *program, const char *before,
                        const struct cli_command *command, unsigned type)
{
    const struct crdt_type_schema *schema = crdt_schema(type);
    const struct cli_flag *lists[] = { command->flags, cli_common_flags };
    char words[128], flag[CLI_FLAG_NAME_MAX + 2] = "--", value[256];
    (void)snprintf(words, sizeof words, "%s%s|--", before, command->name);
    complete(program, words, nothing);
    for (size_t l = 0; l < 2; l++) {
        for (const struct cli_flag *f = lists[l]; f != NULL && f->name != NULL; f++) {
            (void)snprintf(flag + 2, sizeof flag - 2, "%s", f->name);
            offered(flag);
        }
    }
    for (size_t i = 0; schema != NULL && i < schema->count; i++) {
        if (cli_field_flag(&schema->fields[i], command->fields, false, flag + 2))
            offered(flag);
    }
    for (size_t i = 0; schema != NULL && i < schema->count; i++) {
        const struct crdt_field *f = &schema->fields[i];
        if (f->words == NULL || f->kind != CRDT_REGISTER ||
            !cli_field_flag(f, command->fields, false, flag + 2))
            continue;
        (void)snprintf(words, sizeof words, "%s%s|%s|", before, command->name, flag);
        complete(program, words, nothing);
        for (size_t w = 0; f->words[w] != NULL; w++)
            offered(f->words[w]);
        (void)snprintf(words, sizeof words, "%s%s|%s=", before, command->name, flag);
        complete(program, words, nothing);
        (void)snprintf(value, sizeof value, "%s=%s", flag, f->words[0]);
        offered(value);
    }
}

static void every_command_verb_flag_and_word_is_offered(void **state)
{
    (void)state;
    const struct cli_program *const programs[] = { &cli_chitty, &cli_chitty_node };
    const struct cli_command *command;
    const struct cli_noun *noun;
    char words[128];
    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; (command = cli_command_at(programs[p], i)) != NULL; i++) {
            complete(programs[p], "", nothing);
            if (command->group == CLI_HIDDEN) {
                not_offered(command->name);
                continue;
            }
            offered(command->name);
            check_flags(programs[p], "", command, command->type);
        }
        for (size_t n = 0; (noun = cli_noun_at(programs[p], n)) != NULL; n++) {
            complete(programs[p], "", nothing);
            offered(noun->name);
            for (size_t i = 0; (command = cli_verb_at(programs[p], noun, i)) != NULL; i++) {
                (void)snprintf(words, sizeof words, "%s|", noun->name);
                complete(programs[p], words, nothing);
                offered(command->name);
                check_flags(programs[p], words, command,
                            command->type != 0 ? command->type : noun->type);
            }
        }
        for (const struct cli_topic *t = cli_topics; t->name != NULL; t++) {
            complete(programs[p], "help|", nothing);
            offered(t->name);
        }
    }
}

static void ids_come_in_the_form_that_was_begun(void **state)
{
    (void)state;
    complete(&cli_chitty, "done|", two);
    assert_string_equal(":words\n00041061\tBuy milk\n", cli_stdout);
    assert_has(cli_asked, "\"is\":[\"open\"]");
    complete(&cli_chitty, "done|todo-0", two);
    assert_string_equal(":words\nTODO-00041061\tBuy milk\n", cli_stdout);
    complete(&cli_chitty, "done|CHITTY-T", two);
    assert_string_equal(":words\n" A "\tBuy milk\n", cli_stdout);
    complete(&cli_chitty, "done|9", two);
    assert_string_equal(":words\n", cli_stdout);
    complete(&cli_chitty, "done|00041061|", two); /* as many as one likes */
    offered("00041061");
    complete(&cli_chitty, "prio|00041061|", two); /* or what comes after them */
    offered("high");
    complete(&cli_chitty, "label|00041061|+x|-", two);
    offered("-w");
}

static void values_keep_what_stands_before_them_in_the_word(void **state)
{
    (void)state;
    complete(&cli_chitty, "ls|--priority|high,c", nothing);
    offered("high,critical");
    complete(&cli_chitty, "todo|update|01|--label|+", two);
    assert_string_equal(":words\n+x\t\n+w\t\n", cli_stdout); /* one with a blank is left out */
    complete(&cli_chitty, "ls|--sort|-prio", nothing);
    offered("-priority");
    complete(&cli_chitty, "ls|--json=content,prio", nothing);
    offered("--json=content,priority");
    complete(&cli_chitty, "ls|--json|content,prio", nothing);
    offered("content,priority");
    complete(&cli_chitty, "--space|work|wat", nothing);
    offered("watch");
}

static void filters_are_completed_word_by_word(void **state)
{
    (void)state;
    complete(&cli_chitty, "ls|dead", nothing);
    assert_has(cli_stdout, ":open\n"); /* a value follows without a space */
    offered("deadline:");
    offered("deadline.before:");
    complete(&cli_chitty, "ls|status:pend", nothing);
    assert_string_equal(":words\nstatus:pending\t\n", cli_stdout);
    complete(&cli_chitty, "ls|pri:high,cr", nothing); /* short names too */
    offered("pri:high,critical");
    complete(&cli_chitty, "ls|status:re", nothing);
    offered("status:ready");
    complete(&cli_chitty, "todo|list|+x|is:o", nothing);
    offered("is:open");
    offered("is:overdue");
    complete(&cli_chitty, "ls|due.b", nothing);
    offered("due.before:");
    complete(&cli_chitty, "ls|status.bef", nothing);
    assert_string_equal(":open\n", cli_stdout); /* it is no time */
    complete(&cli_chitty, "ls|+", two);
    offered("+x");
    complete(&cli_chitty, "ls|-w", two);
    offered("-w");
    complete(&cli_chitty, "ls|project:B", two);
    assert_string_equal(":words\n", cli_stdout); /* a name of two words is not offered */
}

static void nothing_from_outside_reaches_the_shell_or_the_terminal(void **state)
{
    (void)state;
    static const struct cli_answer hostile[] = {
        { NODE_MSG_STATE_SNAPSHOT,
          "{'records':[{'chittyId':'" A
          "','type':'todo','data':{'content':'a\x1b[31m\tb\nc\xC2\x9B',"
          "'labels':['x;reboot','$(id)','`id`','a&b','>f','~','q\"','good','\xC3\xA9t\xC3\xA9',"
          "'\xC2\x9Bm','#c','*','a b']}}]}" },
        { NODE_MSG_ACK, NULL },
    };
    complete(&cli_chitty, "ls|--label|", hostile);
    assert_string_equal(":words\ngood\t\n\xC3\xA9t\xC3\xA9\t\n", cli_stdout);
    complete(&cli_chitty, "done|", hostile);
    assert_string_equal(":words\n00041061\ta?[31m b c?\n", cli_stdout);
}

static void what_cannot_be_known_is_left_to_the_shell_or_empty(void **state)
{
    (void)state;
    complete(&cli_chitty_node, "backup|", nothing);
    assert_string_equal(":files\n", cli_stdout);
    complete(&cli_chitty, "nothing|", nothing);
    assert_string_equal(":words\n", cli_stdout);
    complete(&cli_chitty, "todo|nothing|", nothing);
    assert_string_equal(":words\n", cli_stdout);
    complete(&cli_chitty, "add|--|--pri", nothing); /* behind -- there are no flags */
    assert_string_equal(":words\n", cli_stdout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_verb_flag_and_word_is_offered),
        cmocka_unit_test(ids_come_in_the_form_that_was_begun),
        cmocka_unit_test(values_keep_what_stands_before_them_in_the_word),
        cmocka_unit_test(filters_are_completed_word_by_word),
        cmocka_unit_test(nothing_from_outside_reaches_the_shell_or_the_terminal),
        cmocka_unit_test(what_cannot_be_known_is_left_to_the_shell_or_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
