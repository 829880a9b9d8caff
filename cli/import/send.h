#ifndef CLI_IMPORT_SEND_H
#define CLI_IMPORT_SEND_H
/* The records of an import on their way to the node: what is here is asked for, compared, and what
 * is left is written in transactions of up to 256 changes, the next records being read meanwhile. A
 * record and those that go with it are never divided between transactions that fail by
 * themselves. */
#include "cli/base/command.h"
#include "cli/import/record.h"

struct cli_import_counts {
    uint64_t created, updated, unchanged, skipped, errors;
};

struct cli_import_sender;

/* `dry`: nothing is written. `wrong` is told of every record that the node refuses. CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err cli_import_sender_new(struct cli_context *c, bool dry,
                                                void (*wrong)(void *ctx, uint64_t line,
                                                              const struct node_fault *fault),
                                                void *ctx, struct cli_import_sender **out);
void cli_import_sender_free(struct cli_import_sender *s);

/* Where the next record is to be made. It lasts until it has been written. */
struct cht_arena *cli_import_arena(struct cli_import_sender *s);
/* Take a record with those after it (`next`). CHT_E_EXISTS: one of that id waits to be written, and
 * this one has to see what becomes of it: flush, and make it again. Any other error is one of the
 * connection or the node, not of the record: the import is over. */
CHT_MUST_USE enum cht_err cli_import_send(struct cli_import_sender *s, struct cli_import_record *r);
/* Write what waits, and wait until all is durable. Errors as above. */
CHT_MUST_USE enum cht_err cli_import_flush(struct cli_import_sender *s);
const struct cli_import_counts *cli_import_counts(const struct cli_import_sender *s);

#endif
