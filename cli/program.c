/* Dispatch, help and exit status of both programs. */
#include "cli/format.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/table.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define CANDIDATES_MAX 64u

static enum cht_err unknown_command(struct cli_context *c, const struct cli_noun *noun,
                                    const char *word)
{
    const char *candidates[CANDIDATES_MAX + 1] = { NULL };
    const struct cli_command *command;
    const struct cli_noun *other;
    size_t n = 0;
    for (size_t i = 0;
         noun == NULL && n < CANDIDATES_MAX && (command = cli_command_at(c->program, i)) != NULL;
         i++)
        candidates[n++] = command->name;
    for (size_t i = 0;
         noun == NULL && n < CANDIDATES_MAX && (other = cli_noun_at(c->program, i)) != NULL; i++)
        candidates[n++] = other->name;
    for (size_t i = 0;
         noun != NULL && n < CANDIDATES_MAX && (command = cli_verb_at(c->program, noun, i)) != NULL;
         i++)
        candidates[n++] = command->name;
    (void)node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                         "there is no command \"%s%s%.80s\"", c->noun == NULL ? "" : c->noun,
                         c->noun == NULL ? "" : " ", word);
    const char *near = node_closest(cht_bytes_str(word), candidates);
    if (near != NULL)
        node_fault_hint(&c->fault, "did you mean \"%s%s%s\"?", c->noun == NULL ? "" : c->noun,
                        c->noun == NULL ? "" : " ", near);
    else
        node_fault_hint(&c->fault, "see %s help", c->program->name);
    return CHT_E_INVALID;
}

/* Find the command that argv names; *out_used arguments are its name. */
static enum cht_err find(struct cli_context *c, int argc, char **argv, int *out_used)
{
    const struct cli_noun *noun = cli_noun_named(c->program, argv[0]);
    *out_used = 1;
    if (noun == NULL) {
        c->command = cli_command_named(c->program, argv[0]);
        if (c->command == NULL)
            return unknown_command(c, NULL, argv[0]);
        c->type = c->command->type;
        return CHT_OK;
    }
    c->noun = noun->name;
    c->type = noun->type;
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        cli_help_noun(c, noun);
        return CHT_OK;
    }
    *out_used = 2;
    c->command = cli_verb_named(c->program, noun, argv[1]);
    return c->command == NULL ? unknown_command(c, noun, argv[1]) : CHT_OK;
}

/* `help [COMMAND [VERB]]`, --help, --version, or nothing at all. True when that was it. */
static bool told_about(struct cli_context *c, int *argc, char ***argv, enum cht_err *out)
{
    *out = CHT_OK;
    if (*argc == 0) {
        cli_help_program(c);
        *out = node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0), "no command given");
        return true;
    }
    const char *word = (*argv)[0];
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        cli_printf(&c->out, "%s %s\n", c->program->name, CHT_VERSION);
        return true;
    }
    if (strcmp(word, "help") != 0 && strcmp(word, "--help") != 0 && strcmp(word, "-h") != 0)
        return false;
    if (*argc == 1) {
        cli_help_program(c);
        return true;
    }
    int used = 0;
    *out = find(c, *argc - 1, *argv + 1, &used);
    if (*out == CHT_OK && c->command != NULL)
        cli_help_command(c);
    return true;
}

/* `--space NAME` may stand before the command, too. */
static enum cht_err take_space(struct cli_context *c, int *argc, char ***argv)
{
    static const char word[] = "--space";
    const char *first = *argc == 0 ? "" : (*argv)[0];
    const bool joined = strncmp(first, "--space=", sizeof word) == 0;
    if (!joined && strcmp(first, word) != 0)
        return CHT_OK;
    if (!joined && *argc < 2)
        return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("space"),
                              "--space needs a value");
    if (setenv("CHITTY_SPACE", joined ? first + sizeof word : (*argv)[1], 1) != 0)
        return node_fault_from(&c->fault, CHT_E_NOMEM, NULL);
    *argc -= joined ? 1 : 2;
    *argv += joined ? 1 : 2;
    return CHT_OK;
}

static enum cht_err run(struct cli_context *c, int argc, char **argv)
{
    enum cht_err err = take_space(c, &argc, &argv);
    if (err != CHT_OK)
        return err;
    if (told_about(c, &argc, &argv, &err))
        return err;
    int used = 0;
    bool help = false;
    err = find(c, argc, argv, &used);
    if (err != CHT_OK || c->command == NULL)
        return err;
    err = cli_options_read(c, argc - used, argv + used, &help);
    if (err != CHT_OK)
        return err;
    if (help) {
        cli_help_command(c);
        return CHT_OK;
    }
    struct cli_pick *pick = NULL;
    if (c->json && (c->picks != NULL || c->format != CLI_JSON))
        err = cli_pick_begin(&c->out, c->format, c->picks, &pick);
    if (err == CHT_OK)
        err = c->command->run(c);
    cli_pick_end(&c->out, pick);
    return err;
}

enum cht_err cli_open(struct cli_context *c, enum cli_reach reach)
{
    if (c->backend.call != NULL)
        return CHT_OK;
    return c->program->open_backend(reach, &c->fault, &c->backend);
}

int cli_main(const struct cli_program *program, int argc, char **argv)
{
    struct cli_context *c = calloc(1, sizeof *c);
    struct timespec now = { 0 };
    if (c == NULL)
        return cli_exit_status(CHT_E_NOMEM, false);
    (void)signal(SIGPIPE, SIG_IGN); /* `| head` ends us by EPIPE, after our own clean-up */
    (void)clock_gettime(CLOCK_REALTIME, &now);
    c->now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    c->program = program;
    c->json = cli_format_asks_json(argc, argv);
    cli_out_init(&c->out, STDOUT_FILENO);
    enum cht_err err = argc > 0 ? run(c, argc - 1, argv + 1) : CHT_E_INVALID;
    if (cli_out_flush(&c->out) != CHT_OK && err == CHT_OK)
        err = node_fault_set(&c->fault, CHT_E_IO, cht_bytes(NULL, 0), "cannot write: %s",
                             strerror(c->out.sys));
    if (err != CHT_OK)
        cli_report(c, err);
    if (c->backend.close != NULL)
        c->backend.close(&c->backend);
    const int status = err == CHT_OK && c->failed ? cli_exit_status(CHT_E_CORRUPT, true)
                                                  : cli_exit_status(err, c->fault.answered);
    free(c);
    return status;
}
