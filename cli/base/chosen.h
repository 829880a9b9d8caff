#ifndef CLI_BASE_CHOSEN_H
#define CLI_BASE_CHOSEN_H
/* Records to be changed, by their ids or by a filter. */
#include "cli/base/change.h"

/* As cli_ids_read, of all arguments; where each of them is a condition (`+label`, `project:x`),
 * those of `c->type` that meet them and are not finished. Changing what a filter chose is asked
 * about on a terminal, and elsewhere needs --yes (not with --dry-run). CHT_E_NOTFOUND: none meets
 * them; CHT_E_INVALID: not agreed to. */
CHT_MUST_USE enum cht_err cli_chosen_read(struct cli_context *c, struct cli_ids *out);

#define CLI_YES                                                                                    \
    {                                                                                              \
        "yes", NULL, "do not ask before changing what a filter chooses"                            \
    }

#endif
