#ifndef CLI_CHANGE_H
#define CLI_CHANGE_H
/* One change, asked and told: its id on a line, or with --json the result. */
#include "cli/command.h"
#include "node/client/request.h"

struct cli_change {
    enum node_change_op op;
    const char *id;        /* NULL: a new one */
    const char *title;     /* of the title field; NULL: none */
    const char *unset;     /* fields to unset; NULL: none */
    const char *expect;    /* version it must still have; NULL: whatever it has */
    bool with_data;        /* the flags of fields are its data */
    struct cht_bytes data; /* … or this map is; empty: none */
};

CHT_MUST_USE enum cht_err cli_change(struct cli_context *c, const struct cli_change *change);
/* The same status for several todos in one transaction. */
CHT_MUST_USE enum cht_err cli_change_status(struct cli_context *c, const char *const *ids,
                                            size_t count, const char *status);

/* All arguments from `first` on as one text, joined by spaces. CHT_E_LIMIT: too long for a title.
 */
CHT_MUST_USE enum cht_err cli_join_args(struct cli_context *c, size_t first, char *out,
                                        size_t size);

#endif
