/* Every command, verb, noun, field, topic and exit status of the tables has its place in the manual
 * pages of docs/man. (That the pages are what the tables make of them is the test man-pages.) */
#include "cli/base/options.h"
#include "cli/base/table.h"
#include "cli/base/topics.h"
#include "cli/commands.h"
#include "tests/support/cli_fixture.h"

static char page[128 * 1024], page_name[64];

static void read_page(const char *name, unsigned section)
{
    char path[4096];
    (void)snprintf(page_name, sizeof page_name, "%s.%u", name, section);
    (void)snprintf(path, sizeof path, "%s/%s", CHT_MANUAL, page_name);
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        fail_msg("%s is not there", path);
    const size_t len = fread(page, 1, sizeof page - 1, file);
    (void)fclose(file);
    page[len] = '\0';
}

/* A macro's argument: the word stands after `before` and ends there. */
static void says(const char *before, const char *word)
{
    char wanted[160];
    (void)snprintf(wanted, sizeof wanted, "%s%s", before, word);
    const size_t len = strlen(wanted);
    for (const char *at = strstr(page, wanted); at != NULL; at = strstr(at + 1, wanted)) {
        if (strchr(" \n,", at[len]) != NULL)
            return;
    }
    fail_msg("%s does not have \"%s\"", page_name, wanted);
}

static void check_command(const struct cli_command *command)
{
    says(".It Cm ", command->name);
    for (const struct cli_flag *f = command->flags; f != NULL && f->name != NULL; f++)
        says(".It Fl \\-", f->name);
}

static void check_every_page(void)
{
    for (const struct cli_flag *f = cli_common_flags; f->name != NULL; f++)
        says(".It Fl \\-", f->name);
    for (char code[] = "0"; code[0] <= '7'; code[0]++) {
        char item[] = ".It \"0\"";
        item[5] = code[0];
        if (strstr(page, item) == NULL)
            fail_msg("%s does not have the exit status %s", page_name, code);
    }
}

static void the_page_of_a_program_has_every_command_and_flag(void **state)
{
    (void)state;
    const struct cli_program *const programs[] = { &cli_chitty, &cli_chitty_node };
    const struct cli_command *command;
    const struct cli_noun *noun;
    for (size_t p = 0; p < 2; p++) {
        read_page(programs[p]->name, 1);
        check_every_page();
        for (size_t i = 0; (command = cli_command_at(programs[p], i)) != NULL; i++) {
            if (command->group != CLI_HIDDEN)
                check_command(command);
        }
        for (size_t i = 0; (noun = cli_noun_at(programs[p], i)) != NULL; i++)
            says(".It Cm ", noun->name);
    }
}

static void every_noun_has_a_page_with_its_verbs_and_fields(void **state)
{
    (void)state;
    const struct cli_noun *noun;
    const struct cli_command *verb;
    for (size_t i = 0; (noun = cli_noun_at(&cli_chitty, i)) != NULL; i++) {
        char name[64], flag[CLI_FLAG_NAME_MAX];
        (void)snprintf(name, sizeof name, "chitty-%s", noun->name);
        read_page(name, 1);
        check_every_page();
        for (size_t k = 0; (verb = cli_verb_at(&cli_chitty, noun, k)) != NULL; k++)
            check_command(verb);
        const struct crdt_type_schema *schema = crdt_schema(noun->type);
        for (size_t f = 0; schema != NULL && f < schema->count; f++) {
            for (unsigned element = 0; element < 2; element++) {
                if (cli_field_flag(&schema->fields[f], CLI_FIELDS_WRITE, element != 0, flag))
                    says("Fl \\-", flag);
            }
        }
    }
}

static void every_topic_has_a_page(void **state)
{
    (void)state;
    for (const struct cli_topic *t = cli_topics; t->name != NULL; t++) {
        char name[64];
        (void)snprintf(name, sizeof name, "chitty-%s", t->name);
        read_page(name, 7);
        assert_ptr_equal(t, cli_topic_named(t->name));
    }
    assert_null(cli_topic_named("nothing"));
}

static void check_help(const struct cli_program *program, const char *noun,
                       const struct cli_command *command)
{
    char line[128], usage[128];
    const char *before = noun == NULL ? "" : noun, *between = noun == NULL ? "" : "|";
    (void)snprintf(usage, sizeof usage, "usage: %s %s%s%s ", program->name, before,
                   noun == NULL ? "" : " ", command->name);
    for (unsigned how = 0; how < 3; how++) { /* help X; X --help; X -h */
        static const char *const after[] = { "", "|--help", "|-h" };
        (void)snprintf(line, sizeof line, "%s%s%s%s%s", how == 0 ? "help|" : "", before, between,
                       command->name, after[how]);
        assert_int_equal(0, cli_do(program, line, NULL));
        assert_has(cli_stdout, usage);
        assert_has(cli_stdout, command->summary);
        for (const struct cli_flag *f = command->flags; f != NULL && f->name != NULL; f++)
            assert_has(cli_stdout, f->doc);
        assert_true((strstr(cli_stdout, "\nexamples\n  ") != NULL) == (how < 2));
    }
}

static void every_command_has_help_in_short_and_long(void **state)
{
    (void)state;
    const struct cli_program *const programs[] = { &cli_chitty, &cli_chitty_node };
    const struct cli_command *command;
    const struct cli_noun *noun;
    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; (command = cli_command_at(programs[p], i)) != NULL; i++)
            check_help(programs[p], NULL, command);
        for (size_t n = 0; (noun = cli_noun_at(programs[p], n)) != NULL; n++) {
            for (size_t i = 0; (command = cli_verb_at(programs[p], noun, i)) != NULL; i++)
                check_help(programs[p], noun->name, command);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_of_a_program_has_every_command_and_flag),
        cmocka_unit_test(every_noun_has_a_page_with_its_verbs_and_fields),
        cmocka_unit_test(every_topic_has_a_page),
        cmocka_unit_test(every_command_has_help_in_short_and_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
