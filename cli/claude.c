/* The noun `claude`: Claude Code on this machine. */
#include "cli/claude.h"

const struct cli_command *const cli_claude_verbs[] = {
    &cli_claude_install, &cli_claude_remove, &cli_claude_config,
    &cli_claude_hooks,   &cli_claude_remote, &cli_claude_track,
    &cli_claude_doctor,  &cli_claude_mirror, NULL,
};
