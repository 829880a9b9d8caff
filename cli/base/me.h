#ifndef CLI_BASE_ME_H
#define CLI_BASE_ME_H
/* @me and @here: who asks, and where. */
#include "cli/base/command.h"

#define CLI_ME_MAX 256u

/* The name of the person at the keyboard: CHITTY_USER, or the login name; "" when there is none. */
void cli_user(char out[static CLI_ME_MAX]);
/* What a value that begins with @ means: @me is that person, @here this device's id; others mean
 * themselves. `*out` is `text` or `room`. CHT_E_NOTFOUND: there is no such name; errors of asking
 * the node. */
CHT_MUST_USE enum cht_err cli_me(struct cli_context *c, const char *text,
                                 char room[static CLI_ME_MAX], const char **out);

#endif
