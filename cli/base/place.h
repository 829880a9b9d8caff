#ifndef CLI_BASE_PLACE_H
#define CLI_BASE_PLACE_H
/* Which project a folder is, for `chitty init` and `chitty project here`. */
#include "bridges/agent/agent.h"
#include "cli/base/command.h"

/* A connection for the folder (NULL: the working directory), on behalf of no session. */
CHT_MUST_USE enum cht_err cli_place_open(struct cli_context *c, const char *folder,
                                         struct agent **out);
/* Its last fault becomes the command's. */
enum cht_err cli_place_fail(struct cli_context *c, const struct agent *a, enum cht_err err);
/* Print it: as the document "place", or for people. */
void cli_put_place(struct cli_context *c, const struct agent_place *place);

#endif
