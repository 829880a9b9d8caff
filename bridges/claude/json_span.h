#ifndef BRIDGES_CLAUDE_JSON_SPAN_H
#define BRIDGES_CLAUDE_JSON_SPAN_H
/* JSON as spans of its own bytes (RFC 8259), for files of another program of which a member is
 * changed and everything else stays as it was written, byte for byte. No tree, no recursion. */
#include "crdt/base/buf.h"

#define JSON_SPAN_DEPTH 256u /* levels of nesting */

/* Is the text one whole JSON object, with nothing but blanks around it? What strings hold is not
 * looked at, but that they end and have no control characters. */
bool json_span_object(struct cht_bytes text);

/* The members of an object that json_span_object has accepted, in order. */
struct json_span_iter {
    struct cht_bytes rest;
};
struct json_span_iter json_span_iter(struct cht_bytes object);
/* The next: the key without its quotes, as it is written; the value's exact bytes. False at the
 * end. */
bool json_span_next(struct json_span_iter *it, struct cht_bytes *key, struct cht_bytes *value);
/* The value at a key; empty when there is none. Of equal keys the last counts. */
struct cht_bytes json_span_get(struct cht_bytes object, const char *key);
/* What stands between the quotes, as it is written; empty when the value is no string. */
struct cht_bytes json_span_raw(struct cht_bytes value);
bool json_span_is(struct cht_bytes value, const char *word);

/* One string at a time, wherever it stands. */
struct json_span_string {
    struct cht_bytes raw; /* between its quotes */
    struct cht_bytes key; /* of the member whose value it is; empty: of none */
    bool is_key;
};
struct json_span_strings {
    const uint8_t *at, *end;
    struct cht_bytes key;
    bool after_colon;
};
struct json_span_strings json_span_strings(struct cht_bytes object);
bool json_span_string_next(struct json_span_strings *s, struct json_span_string *out);

/* Append what a string says (`raw`: between its quotes). Half a surrogate pair becomes U+FFFD, an
 * escape that is none the letter behind it. Errors as cht_buf_add. */
CHT_MUST_USE enum cht_err json_span_text(struct cht_bytes raw, struct cht_buf *out);
/* Append a text as a string is written, without the quotes; bytes that are no UTF-8 as they are. */
CHT_MUST_USE enum cht_err json_span_escape(struct cht_bytes text, struct cht_buf *out);

#endif
