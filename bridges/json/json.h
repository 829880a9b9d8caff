#ifndef BRIDGES_JSON_JSON_H
#define BRIDGES_JSON_JSON_H
/* JSON as trees (jansson) from and to the msgpack of messages (LOCAL 2.5). jansson is strict about
 * UTF-8 and, as it is asked here, about repeated keys. */
#include "crdt/base/buf.h"

#include <jansson.h>

/* The tree of one object (exact bytes in a document that crdt_mp_scan has accepted); the caller
 * owns it. Bytes that are no UTF-8 become U+FFFD; bin is {"$bin": hex}, ext {"$ext": type, "hex":
 * …}; an integer beyond 63 bits is a real, a real that JSON has no word for null; of equal keys the
 * first counts; a key that is no text is named by its own bytes in hex, an unsigned one by its
 * digits. An empty span is null. NULL: no memory. */
json_t *bridge_json_new(struct cht_bytes object);

/* Append the msgpack of a tree that nests `depth` levels at most. CHT_E_INVALID: deeper;
 * CHT_E_NOMEM, CHT_E_LIMIT. On error `out` may have grown. */
CHT_MUST_USE enum cht_err bridge_json_put(const json_t *v, unsigned depth, struct cht_buf *out);

/* Append the msgpack of one JSON text. CHT_E_INVALID: it is none, repeats a key, or nests too deep;
 * CHT_E_NOMEM, CHT_E_LIMIT. On error `out` is as it was. */
CHT_MUST_USE enum cht_err bridge_json_parse(struct cht_bytes text, unsigned depth,
                                            struct cht_buf *out);

/* The text at a key, and its integer; NULL or `otherwise` when it is absent or of another kind.
 * `object` may be NULL. */
const char *bridge_json_str(const json_t *object, const char *key);
json_int_t bridge_json_int(const json_t *object, const char *key, json_int_t otherwise);

#endif
