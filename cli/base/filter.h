#ifndef CLI_BASE_FILTER_H
#define CLI_BASE_FILTER_H
/* Filters as people type them, as taskwarrior has them: `project:x +label status:ready
 * due.before:tomorrow words`; and names of fields as people shorten them. */
#include "cli/base/command.h"
#include "crdt/base/buf.h"

/* Append the pairs of a request (LOCAL 4.3, 4.10 to 4.12) that the filter of the command line asks
 * for: its words, and the flags of fields. What follows `--` is text to search for. `open_only`:
 * where nothing speaks of a status, those that are not finished; `is`: bits (1 << enum
 * node_is_word) that hold besides. `*pairs` grows by how many were appended. CHT_E_INVALID, with
 * what was meant perhaps; CHT_E_NOMEM, CHT_E_LIMIT. */
CHT_MUST_USE enum cht_err cli_filter_read(struct cli_context *c, bool open_only, unsigned is,
                                          struct cht_buf *out, uint32_t *pairs);

/* The field of a type that people mean by a name: its own, with dashes for underscores, the
 * singular of a set's, or a short form ("due", "pri", "proj", "tag"); `modified` too. NULL. */
const struct crdt_field *cli_field_meant(unsigned type, struct cht_bytes name);
/* The same, or a fault with the nearest name. CHT_E_INVALID. */
CHT_MUST_USE enum cht_err cli_field_find(struct cli_context *c, const char *what,
                                         struct cht_bytes name, const struct crdt_field **out);

/* Append "sort" of names with commas ("priority,-due"). CHT_E_INVALID. */
CHT_MUST_USE enum cht_err cli_sort_put(struct cli_context *c, const char *names,
                                       struct cht_buf *out);

#endif
