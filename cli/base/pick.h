#ifndef CLI_BASE_PICK_H
#define CLI_BASE_PICK_H
/* JSON documents on their way out, made smaller: --json=id,title leaves the members that were
 * chosen, --ndjson makes a line of each record, `-o name` leaves its name. They are read as the
 * text that they are, so that every command has this without doing anything for it. */
#include "cli/base/output.h"
#include "crdt/base/buf.h"

enum cli_format {
    CLI_TABLE,  /* for people; elsewhere tabs */
    CLI_JSON,   /* one document */
    CLI_NDJSON, /* a document a record, each on a line */
    CLI_NAMES,  /* a name a line */
};

struct cli_pick {
    enum cli_format format;
    const char *names; /* "id,title"; NULL: all */
    struct cht_buf line;
    struct cli_out *to;
};

/* Let what `out` is given pass through a new pick. CHT_E_NOMEM. cli_pick_end writes what is left,
 * and gives it back. */
CHT_MUST_USE enum cht_err cli_pick_begin(struct cli_out *out, enum cli_format format,
                                         const char *names, struct cli_pick **out_pick);
void cli_pick_end(struct cli_out *out, struct cli_pick *pick);

/* Is `name` in a list with commas? */
bool cli_pick_has(const char *names, struct cht_bytes name);

#endif
