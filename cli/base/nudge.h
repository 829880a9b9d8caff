#ifndef CLI_BASE_NUDGE_H
#define CLI_BASE_NUDGE_H
/* Whether this user on this machine wants to be reminded of the tracker now: a file of the state
 * folder, not a record, since it is about a terminal. A file that cannot be read is none. */
#include "crdt/base/err.h"
#include "node/client/fault.h"

#include <stdbool.h>
#include <stdint.h>

#define CLI_NUDGE_QUIET_MS                                                                         \
    (10u * 60u * 1000u)         /* after a checkpoint nobody needs to be reminded                  \
                                 */
#define CLI_NUDGE_ONCE_MS 5000u /* one commit is told by the hook and the shell */

struct cli_nudge {
    bool off;
    uint64_t until_ms; /* snoozed until then */
    uint64_t said_ms;  /* when a checkpoint was made here last */
    uint64_t told_ms;  /* when a nudge was shown last */
    char project[64];  /* the id chosen last; empty: none */
};

/* All zero where there is no file. */
void cli_nudge_read(struct cli_nudge *out);
/* CHT_E_IO, CHT_E_DENIED: it cannot be written; the fault says why. */
CHT_MUST_USE enum cht_err cli_nudge_write(const struct cli_nudge *n, struct node_fault *fault);
/* The same where it does not matter: a nudge too many is all that follows. */
void cli_nudge_keep(const struct cli_nudge *n);
/* A checkpoint was made. */
void cli_nudge_said(uint64_t now_ms);
/* Is a nudge wanted? */
bool cli_nudge_wanted(const struct cli_nudge *n, uint64_t now_ms);

#endif
