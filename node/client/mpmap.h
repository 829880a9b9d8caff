#ifndef NODE_CLIENT_MPMAP_H
#define NODE_CLIENT_MPMAP_H
/* Looking into scanned msgpack without unpacking it: maps and arrays as spans of exact bytes.
 * Everything here expects the exact bytes of one object in a document that crdt_mp_scan has
 * accepted; on other bytes the answers are "absent" or odd spans, never a crash. Map keys may
 * repeat: the first counts (PROTOCOL 1.4). */
#include "crdt/base/buf.h"
#include "crdt/mp.h"

/* Walk over the elements of an array or the pairs of a map, in order. */
struct node_mp_iter {
    struct cht_wire at;
    uint64_t left;
    bool is_map;
};

/* Start at `object`; one that is no array and no map has no elements. */
struct node_mp_iter node_mp_iter(struct cht_bytes object);
/* The next element; of a map: key and value. False at the end. `key` may be NULL. */
bool node_mp_next(struct node_mp_iter *it, struct cht_bytes *key, struct cht_bytes *value);

/* Exact bytes of the value at a str key; empty when `map` is no map or has no such key. */
struct cht_bytes node_mp_get(struct cht_bytes map, const char *key);
#define NODE_MP_KEY(text)                                                                          \
    {                                                                                              \
        .data = (const uint8_t *)(text), .len = sizeof(text) - 1                                   \
    }
/* The values at several keys in one walk: `out[i]` is that of `keys[i]`, empty when absent. */
void node_mp_pick(struct cht_bytes map, const struct cht_bytes *keys, size_t count,
                  struct cht_bytes *out);
/* The kind of one object; CRDT_MP_NIL for an empty span. */
enum crdt_mp_kind node_mp_kind(struct cht_bytes object);
/* Elements of an array, pairs of a map; 0 for anything else. */
uint64_t node_mp_count(struct cht_bytes object);

/* Text of a str object; empty for anything else. */
struct cht_bytes node_mp_str(struct cht_bytes object);
/* An integer object; `otherwise` for anything else, or beyond the type's range. True for true. */
uint64_t node_mp_uint(struct cht_bytes object, uint64_t otherwise);
bool node_mp_bool(struct cht_bytes object);
/* Text at a key; empty when absent or no str. */
struct cht_bytes node_mp_get_str(struct cht_bytes map, const char *key);
/* Integer at a key; `otherwise` when absent, no integer, or out of the type's range. */
uint64_t node_mp_get_uint(struct cht_bytes map, const char *key, uint64_t otherwise);
int64_t node_mp_get_int(struct cht_bytes map, const char *key, int64_t otherwise);
/* Bool at a key; false when absent or no bool. */
bool node_mp_get_bool(struct cht_bytes map, const char *key);

/* Append a str from C text, and a key with a value of each kind. Errors as cht_buf_add. */
CHT_MUST_USE enum cht_err node_mp_put_text(struct cht_buf *b, const char *text);
CHT_MUST_USE enum cht_err node_mp_put_key_str(struct cht_buf *b, const char *key,
                                              struct cht_bytes v);
CHT_MUST_USE enum cht_err node_mp_put_key_text(struct cht_buf *b, const char *key, const char *v);
CHT_MUST_USE enum cht_err node_mp_put_key_uint(struct cht_buf *b, const char *key, uint64_t v);
CHT_MUST_USE enum cht_err node_mp_put_key_bool(struct cht_buf *b, const char *key, bool v);
/* A key and one whole object as it is. */
CHT_MUST_USE enum cht_err node_mp_put_key_raw(struct cht_buf *b, const char *key,
                                              struct cht_bytes object);

#endif
