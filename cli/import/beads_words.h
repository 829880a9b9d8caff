#ifndef CLI_IMPORT_BEADS_WORDS_H
#define CLI_IMPORT_BEADS_WORDS_H
/* The vocabulary of beads (github.com/gastownhall/beads) in the words of the schema: the one place
 * that says so, for the import and for whatever replays a history of such a tracker. docs/IMPORT.md
 * has the same as tables. */
#include "crdt/base/bytes.h"

#include <stdint.h>

struct cli_beads_word {
    const char *word; /* of the todo's enum; NULL: the field is left as it is */
    bool exact;       /* no other word of the source means the same: it can be told back */
    bool deleted;     /* the todo is hidden */
};

/* A status. `tombstone` hides the todo and says no status; a word that beads does not define (its
 * users may add some) is pending. Not exact: keep the source's word in `raw` beside it. */
struct cli_beads_word cli_beads_status(struct cht_bytes status);

/* A priority, 0 the most urgent. 4 ("backlog") is low, as 3 is, and so is anything below it; a
 * negative number is critical. Those are not exact. */
struct cli_beads_word cli_beads_priority(int64_t priority);

/* What "A depends on B" of a kind becomes. */
enum cli_beads_tie {
    CLI_BEADS_DEPENDENCY, /* blocks, and blocked-by: B in the `dependencies` of A */
    CLI_BEADS_PARENT,     /* parent-child: B is the `parent` of A when it has one such tie, and in
                             any case one of its `relations` */
    CLI_BEADS_RELATION,   /* any other: "KIND CHITTY-…" in the `relations` of A */
};

/* The kind of a dependency. Both words for waiting stand on the issue that waits, and are exact
 * with the source's word in `raw` only. */
enum cli_beads_tie cli_beads_tie(struct cht_bytes kind);

#endif
