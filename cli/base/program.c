/* Dispatch, help and exit status of both programs. */
#include "cli/base/aliases.h"
#include "cli/base/format.h"
#include "cli/base/help.h"
#include "cli/base/markup.h"
#include "cli/base/options.h"
#include "cli/base/pager.h"
#include "cli/base/plugins.h"
#include "cli/base/report.h"
#include "cli/base/table.h"
#include "cli/base/topics.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PLUGINS_MAX    64u
#define CANDIDATES_MAX 256u

/* Everything that might have been meant: verbs of the noun, or without one commands, nouns,
 * programs on PATH and, `of_help`, topics. */
static size_t list_candidates(const struct cli_context *c, const struct cli_noun *noun,
                              bool of_help, char (*plugins)[CLI_PLUGIN_MAX], const char **out)
{
    const struct cli_command *command;
    const struct cli_noun *other;
    size_t n = 0;
    if (noun != NULL) {
        for (size_t i = 0; n < CANDIDATES_MAX && (command = cli_verb_at(c->program, noun, i)); i++)
            out[n++] = command->name;
        return n;
    }
    for (size_t i = 0; n < CANDIDATES_MAX && (command = cli_command_at(c->program, i)); i++) {
        if (command->group != CLI_HIDDEN)
            out[n++] = command->name;
    }
    for (size_t i = 0; n < CANDIDATES_MAX && (other = cli_noun_at(c->program, i)); i++)
        out[n++] = other->name;
    const size_t count = cli_plugins(c->program, plugins, PLUGINS_MAX);
    for (size_t i = 0; n < CANDIDATES_MAX && i < count; i++)
        out[n++] = plugins[i];
    for (size_t i = 0; of_help && n < CANDIDATES_MAX && cli_topics[i].name != NULL; i++)
        out[n++] = cli_topics[i].name;
    return n;
}

static enum cht_err unknown_command(struct cli_context *c, const struct cli_noun *noun,
                                    bool of_help, const char *word)
{
    char plugins[PLUGINS_MAX][CLI_PLUGIN_MAX];
    const char *candidates[CANDIDATES_MAX + 1] = { NULL };
    (void)list_candidates(c, noun, of_help, plugins, candidates);
    (void)node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0),
                         "there is no command %s\"%s%s%.80s\"", of_help ? "or topic " : "",
                         c->noun == NULL ? "" : c->noun, c->noun == NULL ? "" : " ", word);
    const char *near = node_closest(cht_bytes_str(word), candidates);
    if (near != NULL)
        node_fault_hint(&c->fault, "did you mean \"%s%s%s\"?", c->noun == NULL ? "" : c->noun,
                        c->noun == NULL ? "" : " ", near);
    else
        node_fault_hint(&c->fault, "see %s help%s", c->program->name,
                        c->program->nouns == NULL ? "" : " and, about the node, chitty-node help");
    return CHT_E_INVALID;
}

/* Find the command that argv names; *out_used arguments are its name. Not `of_help`, a program on
 * PATH will do: then this does not return. */
static enum cht_err find(struct cli_context *c, int argc, char **argv, bool of_help, int *out_used)
{
    const struct cli_noun *noun = cli_noun_named(c->program, argv[0]);
    const struct cli_noun *many = cli_noun_of_many(c->program, argv[0]);
    if (many != NULL && argc > 1 && cli_verb_named(c->program, many, argv[1]) != NULL)
        noun = many; /* `checkpoints list`, beside the command `checkpoints` */
    *out_used = 1;
    if (noun == NULL) {
        c->command = cli_command_named(c->program, argv[0]);
        if (c->command == NULL) {
            enum cht_err err = of_help ? CHT_OK : cli_plugin_run(c, argv);
            return err != CHT_OK ? err : unknown_command(c, NULL, of_help, argv[0]);
        }
        c->type = c->command->type;
        return CHT_OK;
    }
    c->noun = noun->name;
    c->type = noun->type;
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        cli_help_noun(c, noun);
        return CHT_OK;
    }
    *out_used = 2;
    c->command = cli_verb_meant(c->program, noun, argv[1]);
    if (c->command != NULL && c->command == cli_command_named(c->program, argv[1]))
        c->noun = NULL; /* it stands by itself */
    if (c->command == NULL && noun->otherwise != NULL) {
        c->command = noun->otherwise;
        *out_used = 1;
    }
    return c->command == NULL ? unknown_command(c, noun, false, argv[1]) : CHT_OK;
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
    const char *about = (*argv)[1];
    const struct cli_topic *topic = cli_topic_named(about);
    if (topic != NULL && cli_command_named(c->program, about) == NULL &&
        cli_noun_named(c->program, about) == NULL) {
        cli_put_markup(&c->out, topic->text, 0);
        return true;
    }
    int used = 0;
    *out = find(c, *argc - 1, *argv + 1, true, &used);
    if (*out == CHT_OK && c->command != NULL)
        cli_help_command(c, false);
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

static int drop(void *ctx, struct cht_bytes bytes)
{
    (void)ctx;
    (void)bytes;
    return 0;
}

/* Its output as the flags want it: thrown away, made smaller, through a pager, or as it is. */
static enum cht_err run_command(struct cli_context *c)
{
    struct cli_pick *pick = NULL;
    struct cli_pager *pager = NULL;
    enum cht_err err = CHT_OK;
    if (cli_flag(c, "quiet") != NULL)
        c->out.sink = drop;
    else if (c->json && (c->picks != NULL || c->format != CLI_JSON))
        err = cli_pick_begin(&c->out, c->format, c->picks, &pick);
    else if (c->command->pages && cli_flag(c, "no-pager") == NULL)
        err = cli_pager_begin(&c->out, &pager);
    if (err == CHT_OK)
        err = c->command->run(c);
    else
        (void)node_fault_from(&c->fault, err, NULL);
    cli_pick_end(&c->out, pick);
    cli_pager_end(&c->out, pager);
    return err;
}

static enum cht_err run(struct cli_context *c, int argc, char **argv)
{
    static char sync_word[] = "sync"; /* `--sync` in the original documents */
    enum cht_err err = take_space(c, &argc, &argv);
    if (err != CHT_OK)
        return err;
    if (argc > 0 && strcmp(argv[0], "--sync") == 0)
        argv[0] = sync_word;
    struct cli_pager *pager = NULL;
    err = argc > 0 && strcmp(argv[0], "help") == 0 ? cli_pager_begin(&c->out, &pager) : CHT_OK;
    if (err != CHT_OK)
        return node_fault_from(&c->fault, err, NULL);
    const bool told = told_about(c, &argc, &argv, &err);
    cli_pager_end(&c->out, pager);
    if (told)
        return err;
    int used = 0;
    enum cli_help help = CLI_HELP_NONE;
    cli_alias_take(c->program, &argc, &argv);
    err = find(c, argc, argv, false, &used);
    if (err != CHT_OK || c->command == NULL)
        return err;
    err = cli_options_read(c, argc - used, argv + used, &help);
    if (err != CHT_OK)
        return err;
    if (help != CLI_HELP_NONE) {
        cli_help_command(c, help == CLI_HELP_SHORT);
        return CHT_OK;
    }
    return run_command(c);
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
    const int status = err == CHT_OK && c->status != 0 ? c->status
                       : err == CHT_E_INVALID && c->command != NULL && c->command->usage_status != 0
                           ? c->command->usage_status
                       : err == CHT_OK && c->failed ? cli_exit_status(CHT_E_CORRUPT, true)
                                                    : cli_exit_status(err, c->fault.answered);
    free(c);
    return status;
}
