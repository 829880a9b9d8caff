#ifndef CLI_LIST_H
#define CLI_LIST_H
/* Lists of records: asked once, printed as they come, never held. */
#include "cli/command.h"

/* List records of `c->type` by the flags given. `open_only`: without a --status, those that are not
 * finished. CLI_LIST_FLAGS are the own flags of such a command. */
CHT_MUST_USE enum cht_err cli_list(struct cli_context *c, bool open_only);

extern const struct cli_flag cli_list_flags[];

#endif
