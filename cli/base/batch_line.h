#ifndef CLI_BASE_BATCH_LINE_H
#define CLI_BASE_BATCH_LINE_H
/* A line of JSON as a change (LOCAL 3.1). */
#include "cli/base/command.h"
#include "crdt/base/buf.h"

/* Append the map of the change. CHT_E_INVALID with a fault: no JSON object, an unknown type, a date
 * that is none; CHT_E_LIMIT. */
CHT_MUST_USE enum cht_err cli_batch_line(struct cli_context *c, struct cht_bytes line,
                                         struct cht_buf *out);

/* Write the changes of a file ("-": standard input); lines that do not say their type are of
 * `c->type`, else of --type. */
CHT_MUST_USE enum cht_err cli_batch_file(struct cli_context *c, const char *name);

#endif
