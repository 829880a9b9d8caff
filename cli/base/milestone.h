#ifndef CLI_BASE_MILESTONE_H
#define CLI_BASE_MILESTONE_H
/* A milestone as a project keeps it: {due, done, description}, or any other value. */
#include "cli/base/output.h"

/* Print when it is due and was reached and what it is, each after `between`. */
void cli_put_milestone(struct cli_out *out, const char *between, struct cht_bytes value);

#endif
