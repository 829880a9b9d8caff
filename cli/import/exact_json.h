#ifndef CLI_IMPORT_EXACT_JSON_H
#define CLI_IMPORT_EXACT_JSON_H
/* Values as JSON that can be read back as the same bytes (docs/IMPORT.md 1.3): bin is
 * {"$bin": hex}, and whatever else JSON has no word for (ext, numbers beyond its readers' reach,
 * keys that are no texts, keys that begin with "$") is {"$msgpack": hex} of the whole value. */
#include "cli/base/json.h"

/* Print a message's value of the field (NULL: one this build does not know): times in RFC 3339. */
void cli_exact_put(struct cli_out *out, const struct crdt_field *field, struct cht_bytes value);
/* Append a message's value from what such JSON was parsed to (cli_json_parse_deep). Times may be
 * numbers of milliseconds too. `is_key`: an element of a set or a key of a map. CHT_E_INVALID: no
 * time, no hex, or hex of no msgpack; CHT_E_LIMIT, CHT_E_NOMEM. */
CHT_MUST_USE enum cht_err cli_exact_take(const struct crdt_field *field, bool is_key,
                                         struct cht_bytes json, struct cht_buf *out);

#endif
