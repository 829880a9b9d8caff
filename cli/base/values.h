#ifndef CLI_BASE_VALUES_H
#define CLI_BASE_VALUES_H
/* Live values of a cell, as show and conflicts print them (LOCAL 4.5, 4.6). */
#include "cli/base/command.h"

/* One line a value, numbered when there are several, the shown one marked: the number is what
 * `resolve --pick` takes. `field` may be NULL; `titles` (may be empty): what links are called, a
 * map of id to title. */
void cli_put_values(struct cli_out *out, const struct crdt_field *field, struct cht_bytes values,
                    struct cht_bytes titles);
/* A record of show, conflicts or log as JSON: `stamp` in RFC 3339, its `values`, `cells` and `ops`
 * as above; all else as it is. */
void cli_json_history(struct cli_out *out, struct cht_bytes record);

#endif
