/* By words, before anything else is done with a command line. */
#include "cli/base/aliases.h"

#include <stdio.h>

#define WORDS_MAX 8u /* of what an alias means */

/* How many words of argv an alias has, when it begins with them; 0: it does not. */
static int words_of(const char *said, int argc, char **argv)
{
    int n = 0;
    for (const char *at = said; *at != '\0'; n++) {
        const size_t len = strcspn(at, " ");
        if (n >= argc || strlen(argv[n]) != len || memcmp(argv[n], at, len) != 0)
            return 0;
        at += len + (at[len] == ' ');
    }
    return n;
}

void cli_alias_take(const struct cli_program *program, int *argc, char ***argv)
{
    static char words[256];
    static char *list[CLI_ARGS_MAX + WORDS_MAX + 1];
    const struct cli_alias *a = program->aliases;
    int used = 0, n = 0;
    while (a != NULL && a->said != NULL && (used = words_of(a->said, *argc, *argv)) == 0)
        a++;
    if (used == 0 || *argc > (int)CLI_ARGS_MAX)
        return;
    (void)snprintf(words, sizeof words, "%s", a->means);
    char *rest = words;
    for (char *word; n < (int)WORDS_MAX && (word = strsep(&rest, " ")) != NULL;)
        list[n++] = word;
    for (int i = used; i < *argc; i++)
        list[n++] = (*argv)[i];
    list[n] = NULL;
    *argv = list;
    *argc = n;
}

const struct cli_alias *cli_alias_at(const struct cli_program *program, const char *noun,
                                     size_t index)
{
    const size_t len = strlen(noun);
    for (const struct cli_alias *a = program->aliases; a != NULL && a->said != NULL; a++) {
        if (strncmp(a->said, noun, len) == 0 && a->said[len] == ' ' && index-- == 0)
            return a;
    }
    return NULL;
}
