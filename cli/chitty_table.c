/* chitty: the daily command. */
#include "cli/commands.h"

static const struct cli_command *const commands[] = {
    &cli_add,  &cli_done,      &cli_ls,      &cli_watch, &cli_log,
    &cli_show, &cli_conflicts, &cli_resolve, NULL,
};

static const struct cli_command *const verbs[] = {
    &cli_verb_list, &cli_verb_get, &cli_verb_create, &cli_verb_update, &cli_verb_delete, NULL,
};

static const struct cli_noun nouns[] = {
    { "todo", CRDT_TODO },
    { "topic", CRDT_TOPIC },
    { "project", CRDT_PROJECT },
    { "session", CRDT_SESSION },
    { NULL, 0 },
};

const struct cli_program cli_chitty = {
    .name = "chitty",
    .summary = "Todos, topics, projects and sessions, the same on all your machines.",
    .commands = commands,
    .nouns = nouns,
    .verbs = verbs,
    .open_backend = cli_backend_socket,
};
