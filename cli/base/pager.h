#ifndef CLI_BASE_PAGER_H
#define CLI_BASE_PAGER_H
/* Output longer than the terminal goes through a pager: $CHITTY_PAGER, $PAGER, or `less -FRX`. */
#include "cli/base/output.h"

struct cli_pager;

/* Let what `out` is given go through a pager once it is longer than the terminal. Nothing happens
 * (`*out_pager` is NULL) where `out` is no terminal, an agent or a build server reads it
 * (CLAUDECODE, CI), or the pager is "" or "cat". CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err cli_pager_begin(struct cli_out *out, struct cli_pager **out_pager);
/* Write what is left, and wait until the pager has ended. */
void cli_pager_end(struct cli_out *out, struct cli_pager *pager);

#endif
