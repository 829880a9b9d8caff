#ifndef CLI_BASE_FIELDS_H
#define CLI_BASE_FIELDS_H
/* Flags of fields to the maps of requests: `data` of a change, `filter` of a list (LOCAL 3.3, 4.3).
 */
#include "cli/base/command.h"
#include "cli/base/dates.h"
#include "crdt/base/buf.h"

/* Read a date (dates.h). CHT_E_INVALID: it is none; `name` is what it was given for. */
CHT_MUST_USE enum cht_err cli_date_take(struct cli_context *c, const char *name,
                                        struct cht_bytes text, enum cli_day day, uint64_t *out_ms);
/* The moment that a date means as the value of a field: a deadline of a day is kept when the day is
 * over; anything else happens as it begins. CHT_E_INVALID. */
CHT_MUST_USE enum cht_err cli_time_take(struct cli_context *c, const struct crdt_field *field,
                                        struct cht_bytes text, uint64_t *out_ms);
/* The first and the last moment that a date means in a question about a field; one and the same
 * when it has a time of day. CHT_E_INVALID. */
CHT_MUST_USE enum cht_err cli_time_range(struct cli_context *c, const struct crdt_field *field,
                                         const char *text, uint64_t *out_from, uint64_t *out_to);

/* Append a message's value of a field from text as typed: dates, numbers, words, ids, JSON for
 * `any`. A document's text may be "-" (standard input) or "@FILE". What the schema forbids is
 * refused here already, in the node's words. CHT_E_INVALID, CHT_E_LIMIT, CHT_E_IO, CHT_E_NOTFOUND
 * (the file). */
CHT_MUST_USE enum cht_err cli_value_put(struct cli_context *c, const struct crdt_field *field,
                                        bool is_key, const char *text, struct cht_buf *out);

/* Append the `data` map of all field flags given. `title`: the value of the type's title field when
 * no flag gives it (NULL: none); `unset`: names of fields to unset, separated by commas (NULL:
 * none). CHT_E_INVALID: a value, or a field both set and unset, or a set given whole and by
 * element. */
CHT_MUST_USE enum cht_err cli_data_put(struct cli_context *c, const char *title, const char *unset,
                                       struct cht_buf *out);

/* Take a value of a field of `c->type` as if its flag had been typed; of a register, what was typed
 * goes before it. Both texts are borrowed. */
void cli_field_give(struct cli_context *c, const char *name, const char *value);

/* Append the `filter` map of all field flags given; `*out_any` is false when there is nothing to
 * ask for and nothing is appended. */
CHT_MUST_USE enum cht_err cli_filter_put(struct cli_context *c, bool *out_any, struct cht_buf *out);

#endif
