#ifndef CLI_BASE_JSON_H
#define CLI_BASE_JSON_H
/* JSON out of messages, written straight to the output; and JSON in, for values of type `any`. */
#include "cli/base/output.h"
#include "crdt/base/buf.h"
#include "crdt/schema.h"

/* Any object as JSON (LOCAL 2.5). Bytes that are no UTF-8 become U+FFFD; bin is {"$bin": hex}, ext
 * {"$ext": type, "hex": …}; a float that JSON has no word for is null. */
void cli_json_value(struct cli_out *out, struct cht_bytes object);
void cli_json_text(struct cli_out *out, struct cht_bytes text);
/* A time as a JSON text in RFC 3339; as a number when the calendar does not reach so far. */
void cli_json_time(struct cli_out *out, uint64_t ms);
/* The `data` of a record: as cli_json_value, its fields of time in RFC 3339. */
void cli_json_data(struct cli_out *out, unsigned type, struct cht_bytes data);
/* A record (LOCAL 4.4): its `data` as above, all else as it is. */
void cli_json_record(struct cli_out *out, struct cht_bytes record);

/* Begin and end the one document that a command prints:
 * {"schemaVersion":1,"kind":KIND,"data": … } */
void cli_json_begin(struct cli_out *out, const char *kind);
void cli_json_end(struct cli_out *out);

/* Append the msgpack of one JSON text. CHT_E_INVALID: it is none (or repeats a key, or nests too
 * deep); CHT_E_NOMEM, CHT_E_LIMIT. */
CHT_MUST_USE enum cht_err cli_json_parse(struct cht_bytes text, struct cht_buf *out);
/* The same of a document that nests `depth` levels at most. */
CHT_MUST_USE enum cht_err cli_json_parse_deep(struct cht_bytes text, unsigned depth,
                                              struct cht_buf *out);

#endif
