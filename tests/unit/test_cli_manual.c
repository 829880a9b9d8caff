/* The manual pages know every command, every verb and every flag in the tables, and no flag that is
 * in none. */
#include "cli/commands.h"
#include "cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char page[64 * 1024];

static void read_page(const struct cli_program *program)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s.1", CHT_MANUAL, program->name);
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        fail_msg("%s is not there", path);
    const size_t len = fread(page, 1, sizeof page - 1, file);
    (void)fclose(file);
    page[len] = '\0';
}

/* A macro's argument: the word stands after `before` and ends there. */
static bool says(const char *before, const char *word)
{
    char wanted[128];
    const size_t len = (size_t)snprintf(wanted, sizeof wanted, "%s%s", before, word);
    for (const char *at = strstr(page, wanted); at != NULL; at = strstr(at + 1, wanted)) {
        if (strchr(" \n,", at[len]) != NULL)
            return true;
    }
    return false;
}

/* The word is an argument of some Cm, after others perhaps. */
static bool names_command(const char *word)
{
    for (const char *at = strstr(page, "Cm "); at != NULL; at = strstr(at + 1, "Cm ")) {
        const char *end = strchr(at, '\n');
        const size_t len = strlen(word);
        for (const char *w = at + 2; w != NULL && w < end; w = strchr(w + 1, ' ')) {
            if (strncmp(w + 1, word, len) == 0 && strchr(" \n,", w[1 + len]) != NULL)
                return true;
        }
    }
    return false;
}

static void check_flags(const struct cli_command *command)
{
    for (const struct cli_flag *f = command->flags; f != NULL && f->name != NULL; f++) {
        if (!says("Fl -", f->name))
            fail_msg("the manual does not have --%s of %s", f->name, command->name);
    }
}

static void check(const struct cli_program *program)
{
    read_page(program);
    for (size_t i = 0; program->commands[i] != NULL; i++) {
        if (!names_command(program->commands[i]->name))
            fail_msg("%s.1 does not have %s", program->name, program->commands[i]->name);
        check_flags(program->commands[i]);
    }
    for (size_t i = 0; program->verbs != NULL && program->verbs[i] != NULL; i++) {
        if (!names_command(program->verbs[i]->name))
            fail_msg("%s.1 does not have %s", program->name, program->verbs[i]->name);
        check_flags(program->verbs[i]);
    }
    for (const struct cli_noun *n = program->nouns; n != NULL && n->name != NULL; n++)
        assert_true(names_command(n->name));
    for (const struct cli_flag *f = cli_common_flags; f->name != NULL; f++)
        assert_true(says("Fl -", f->name));
}

static bool known_flag(const struct cli_program *program, const char *name, size_t len)
{
    const struct cli_command *const *lists[] = { program->commands, program->verbs };
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; lists[l] != NULL && lists[l][i] != NULL; i++) {
            for (const struct cli_flag *f = lists[l][i]->flags; f != NULL && f->name != NULL; f++) {
                if (strlen(f->name) == len && strncmp(f->name, name, len) == 0)
                    return true;
            }
        }
    }
    for (const struct cli_flag *f = cli_common_flags; f->name != NULL; f++) {
        if (strlen(f->name) == len && strncmp(f->name, name, len) == 0)
            return true;
    }
    size_t types;
    (void)crdt_schema_at(0, &types);
    for (size_t t = 0; program->nouns != NULL && t < types; t++) {
        const struct crdt_type_schema *schema = crdt_schema_at(t, NULL);
        for (size_t i = 0; i < schema->count; i++) {
            for (unsigned element = 0; element < 2; element++) {
                char own[CLI_FLAG_NAME_MAX];
                if (cli_field_flag(&schema->fields[i], CLI_FIELDS_WRITE, element != 0, own) &&
                    strlen(own) == len && strncmp(own, name, len) == 0)
                    return true;
            }
        }
    }
    return strncmp("version", name, len) == 0 || strncmp("FIELD", name, len) == 0;
}

static void no_stale_flag(const struct cli_program *program)
{
    unsigned seen = 0;
    read_page(program);
    for (const char *at = strstr(page, "Fl -"); at != NULL; at = strstr(at + 1, "Fl -")) {
        const char *name = at + strlen("Fl -");
        const size_t len = strcspn(name, " \n,");
        if (!known_flag(program, name, len))
            fail_msg("%s.1 has --%.*s, which no command has", program->name, (int)len, name);
        seen++;
    }
    assert_true(seen > 10);
}

static void the_manual_has_every_command_and_flag(void **state)
{
    (void)state;
    check(&cli_chitty);
    check(&cli_chitty_node);
}

static void the_manual_has_no_flag_of_its_own(void **state)
{
    (void)state;
    no_stale_flag(&cli_chitty);
    no_stale_flag(&cli_chitty_node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manual_has_every_command_and_flag),
        cmocka_unit_test(the_manual_has_no_flag_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
