#ifndef CLI_BASE_COLUMNS_H
#define CLI_BASE_COLUMNS_H
/* The columns of a list. On a terminal they have widths, and what is linked its name; elsewhere
 * there are tabs between them, and ids are whole. */
#include "cli/base/command.h"
#include "crdt/base/buf.h"
#include "crdt/base/wire.h"

#define CLI_COLUMNS_MAX 16u

struct cli_column {
    const struct crdt_field *field; /* NULL: the id */
    unsigned width;                 /* on a terminal; 0: what is left of the line */
};

struct cli_columns {
    struct cli_column list[CLI_COLUMNS_MAX];
    size_t count;
    unsigned rest; /* the width of the last on a terminal; 0: as long as it is */
};

/* Those that are usual for the type, or those of `names` ("id,status,content"). CHT_E_INVALID: no
 * such field, with the one that may be meant; CHT_E_LIMIT. */
CHT_MUST_USE enum cht_err cli_columns_choose(struct cli_context *c, const char *names,
                                             struct cli_columns *out);
/* Append "fields" of the columns, and how many pairs that are. */
CHT_MUST_USE enum cht_err cli_columns_put(const struct cli_columns *columns, struct cht_buf *b,
                                          uint32_t *pairs);
/* Print the record of a list that begins at the cursor, in one walk over its bytes. */
void cli_columns_row(struct cli_out *out, const struct cli_columns *columns, struct cht_wire *w);

#endif
