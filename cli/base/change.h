#ifndef CLI_BASE_CHANGE_H
#define CLI_BASE_CHANGE_H
/* Changes, asked and told: the id of each on a line, or with --json the results. With --dry-run the
 * node only tells what it would do (LOCAL 3.9). */
#include "cli/base/command.h"
#include "crdt/base/buf.h"
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

/* The flag of every command that writes. */
#define CLI_DRY_RUN                                                                                \
    {                                                                                              \
        "dry-run", NULL, "tell what would be done, and do nothing"                                 \
    }

CHT_MUST_USE enum cht_err cli_change(struct cli_context *c, const struct cli_change *change);

/* Several changes: those of each 256 are one transaction. */
struct cli_changes {
    struct cli_context *c;
    struct cht_buf batch, results; /* exact bytes of the maps, one after the other */
    unsigned count;                /* in `batch` */
    uint32_t told;                 /* in `results` */
};

/* Begin; cli_changes_end in any case. */
void cli_changes_begin(struct cli_context *c, struct cli_changes *out);
/* One more. `type` 0: as the id says; `data`: the exact bytes of a map, or empty. Asks the node
 * when 256 are there. */
CHT_MUST_USE enum cht_err cli_changes_add(struct cli_changes *x, enum node_change_op op,
                                          unsigned type, const char *id, struct cht_bytes data);
/* Ask what is left, print what became of all, and free. `err`: what went wrong before, or CHT_OK;
 * what was done by then is told all the same. Returns the first error. */
CHT_MUST_USE enum cht_err cli_changes_end(struct cli_changes *x, enum cht_err err);
/* The same data to all of these ids. */
CHT_MUST_USE enum cht_err cli_change_all(struct cli_context *c, enum node_change_op op,
                                         const char *const *ids, size_t count,
                                         struct cht_bytes data);

/* A result (LOCAL 3.6, 3.9): as JSON, or for people. */
void cli_json_change(struct cli_context *c, struct cht_bytes result);
void cli_put_change(struct cli_context *c, struct cht_bytes result);
/* The one result of a command: a document of kind change, or for people. */
void cli_tell_change(struct cli_context *c, struct cht_bytes result);

/* All arguments from `first` on as one text, joined by spaces. CHT_E_LIMIT: too long for a title.
 */
CHT_MUST_USE enum cht_err cli_join_args(struct cli_context *c, size_t first, char *out,
                                        size_t size);
/* The same of a text that has to be there. CHT_E_INVALID: it is blank. */
CHT_MUST_USE enum cht_err cli_text_args(struct cli_context *c, size_t first, char *out,
                                        size_t size);

/* The ids among the arguments from `first` on; "-" stands for those on standard input, the first
 * word of each line. `list` is good until cli_ids_clear. CHT_E_INVALID: none at all. */
struct cli_ids {
    const char **list;
    size_t count, cap;
    struct cht_buf text; /* of standard input */
};
CHT_MUST_USE enum cht_err cli_ids_read(struct cli_context *c, size_t first, struct cli_ids *out);
void cli_ids_clear(struct cli_ids *ids);

#endif
