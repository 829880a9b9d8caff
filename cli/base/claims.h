#ifndef CLI_BASE_CLAIMS_H
#define CLI_BASE_CLAIMS_H
/* Claims as commands ask for them and print them (LOCAL 8). */
#include "cli/base/command.h"
#include "crdt/base/buf.h"

/* Ask for a claim: of the todo, or with NULL of the first that is ready; `rest` are `pairs` more
 * arguments. Prints what came of it. */
CHT_MUST_USE enum cht_err cli_claim(struct cli_context *c, const char *todo,
                                    const struct cht_buf *rest, uint32_t pairs);

#endif
