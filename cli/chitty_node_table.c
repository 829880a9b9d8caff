/* chitty-node: the daemon and the tool to look into it. */
#include "cli/commands.h"

static const struct cli_command *const commands[] = {
    &cli_init,    &cli_run,    &cli_status,     &cli_peers,       &cli_metrics, &cli_invite,
    &cli_join,    &cli_log,    &cli_show,       &cli_conflicts,   &cli_resolve, &cli_verify,
    &cli_rebuild, &cli_backup, &cli_restore,    &cli_stop,        &cli_doctor,  &cli_members,
    &cli_revoke,  &cli_role,   &cli_readmit,    &cli_quarantined, &cli_service, &cli_export,
    &cli_import,  &cli_blobs,  &cli_completion, &cli_complete,    NULL,
};

const struct cli_program cli_chitty_node = {
    .name = "chitty-node",
    .summary = "The node of this machine: run it, pair it, look into it.",
    .details = "Keeps a replica of a space of todos, topics, projects and sessions in one SQLite "
               "file, signs what is changed here, and exchanges changes with the other devices of "
               "the space. Programs on this machine speak with it over a local socket; chitty(1) "
               "is the daily one.\n"
               "\n"
               "Most commands ask the running node; where none runs they open the home themselves, "
               "under its lock. `invite` and `join` start a node where none runs; `restore` wants "
               "none to run.",
    .commands = commands,
    .open_backend = cli_backend_home,
};
