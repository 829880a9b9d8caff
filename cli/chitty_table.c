/* chitty: the daily command. */
#include "cli/commands.h"

static const struct cli_command *const commands[] = {
    &cli_add,  &cli_done,      &cli_ls,      &cli_watch, &cli_log,
    &cli_show, &cli_conflicts, &cli_resolve, NULL,
};

static const struct cli_command *const verbs[] = {
    &cli_verb_list, &cli_verb_get, &cli_verb_create, &cli_verb_update, &cli_verb_delete, NULL,
};

static const struct cli_command *const space_verbs[] = {
    &cli_space_list,
    &cli_space_new,
    &cli_space_use,
    NULL,
};

/* A noun's own verbs: `static const struct cli_command *const project_verbs[] = { &cli_…, NULL };`
 * and `.verbs = project_verbs` in its row. */
static const struct cli_noun nouns[] = {
    { .name = "todo", .type = CRDT_TODO },
    { .name = "topic", .type = CRDT_TOPIC },
    { .name = "project", .type = CRDT_PROJECT },
    { .name = "session", .type = CRDT_SESSION },
    { .name = "context", .type = CRDT_CONTEXT },
    { .name = "repo", .type = CRDT_REPO },
    { .name = "service", .type = CRDT_SERVICE },
    { .name = "message", .type = CRDT_MESSAGE },
    { .name = "checkpoint", .type = CRDT_CHECKPOINT },
    { .name = "device", .type = CRDT_DEVICE },
    { .name = "space", .verbs = space_verbs },
    { .name = NULL },
};

const struct cli_program cli_chitty = {
    .name = "chitty",
    .summary = "Todos, topics, projects and sessions, the same on all your machines.",
    .commands = commands,
    .nouns = nouns,
    .verbs = verbs,
    .open_backend = cli_backend_socket,
};
