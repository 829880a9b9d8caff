/* Spans of scanned msgpack: lookups, iteration, small writers. Nothing is unpacked or allocated. */
#include "node/client/mpmap.h"

#include <assert.h>

struct node_mp_iter node_mp_iter(struct cht_bytes object)
{
    struct node_mp_iter it = { .at = cht_wire(object) };
    if (object.len == 0)
        return it;
    if (object.data[0] >= 0x80 && object.data[0] < 0xa0) { /* nearly all: the count in one byte */
        it.at.at++;
        it.left = object.data[0] & 0x0fu;
        it.is_map = object.data[0] < 0x90;
        return it;
    }
    struct crdt_mp head = crdt_mp_next(&it.at);
    if (it.at.err != CHT_OK || (head.kind != CRDT_MP_ARRAY && head.kind != CRDT_MP_MAP))
        return it;
    it.left = head.u;
    it.is_map = head.kind == CRDT_MP_MAP;
    return it;
}

bool node_mp_next(struct node_mp_iter *it, struct cht_bytes *key, struct cht_bytes *value)
{
    if (it->left == 0 || it->at.err != CHT_OK)
        return false;
    struct cht_bytes name = { 0 }, object;
    if (it->is_map)
        name = crdt_mp_pass(&it->at);
    /* The last one ends where the container ends: a long list is not walked to find that out. */
    if (it->left > 1)
        object = crdt_mp_pass(&it->at);
    else
        object = cht_wire_take(&it->at, cht_wire_left(&it->at));
    if (it->at.err != CHT_OK || object.len == 0)
        return false;
    it->left--;
    if (key != NULL)
        *key = name;
    *value = object;
    return true;
}

/* Is this key the text wanted? Nearly every key is a short text with the length in its head. */
static bool is_key(struct cht_bytes key, struct cht_bytes wanted)
{
    if (key.data[0] >= 0xa0 && key.data[0] < 0xc0)
        return key.len == 1 + wanted.len && memcmp(key.data + 1, wanted.data, wanted.len) == 0;
    return node_mp_kind(key) == CRDT_MP_STR && cht_bytes_eq(node_mp_str(key), wanted);
}

struct cht_bytes node_mp_get(struct cht_bytes map, const char *key)
{
    const struct cht_bytes wanted = cht_bytes_str(key);
    struct node_mp_iter it = node_mp_iter(map);
    struct cht_bytes name, value;
    while (it.is_map && node_mp_next(&it, &name, &value)) {
        if (is_key(name, wanted))
            return value;
    }
    return (struct cht_bytes){ 0 };
}

void node_mp_pick(struct cht_bytes map, const struct cht_bytes *keys, size_t count,
                  struct cht_bytes *out)
{
    struct node_mp_iter it = node_mp_iter(map);
    struct cht_bytes name, value;
    for (size_t i = 0; i < count; i++)
        out[i] = (struct cht_bytes){ 0 };
    while (it.is_map && node_mp_next(&it, &name, &value)) {
        const struct cht_bytes text = node_mp_str(name);
        for (size_t i = 0; i < count; i++) {
            if (text.len == keys[i].len && out[i].len == 0 &&
                memcmp(text.data, keys[i].data, text.len) == 0)
                out[i] = value;
        }
    }
}

static struct crdt_mp head_of(struct cht_bytes object)
{
    struct cht_wire w = cht_wire(object);
    struct crdt_mp head = { .kind = CRDT_MP_NIL };
    if (object.len != 0)
        head = crdt_mp_next(&w);
    return head;
}

enum crdt_mp_kind node_mp_kind(struct cht_bytes object)
{
    if (object.len != 0 && object.data[0] >= 0x80 && object.data[0] < 0xc0)
        return object.data[0] < 0x90   ? CRDT_MP_MAP
               : object.data[0] < 0xa0 ? CRDT_MP_ARRAY
                                       : CRDT_MP_STR;
    return head_of(object).kind;
}

uint64_t node_mp_count(struct cht_bytes object)
{
    return node_mp_iter(object).left;
}

struct cht_bytes node_mp_str(struct cht_bytes object)
{
    if (object.len != 0 && object.data[0] >= 0xa0 && object.data[0] < 0xc0) {
        const size_t len = object.data[0] & 0x1fu;
        return cht_bytes(object.data + 1, len < object.len ? len : object.len - 1);
    }
    struct crdt_mp head = head_of(object);
    return head.kind == CRDT_MP_STR ? head.data : (struct cht_bytes){ 0 };
}

struct cht_bytes node_mp_get_str(struct cht_bytes map, const char *key)
{
    return node_mp_str(node_mp_get(map, key));
}

uint64_t node_mp_uint(struct cht_bytes object, uint64_t otherwise)
{
    struct crdt_mp head = head_of(object);
    return head.kind == CRDT_MP_UINT ? head.u : otherwise;
}

bool node_mp_bool(struct cht_bytes object)
{
    struct crdt_mp head = head_of(object);
    return head.kind == CRDT_MP_BOOL && head.u != 0;
}

uint64_t node_mp_get_uint(struct cht_bytes map, const char *key, uint64_t otherwise)
{
    return node_mp_uint(node_mp_get(map, key), otherwise);
}

int64_t node_mp_get_int(struct cht_bytes map, const char *key, int64_t otherwise)
{
    struct crdt_mp head = head_of(node_mp_get(map, key));
    if (head.kind == CRDT_MP_INT)
        return head.i;
    return head.kind == CRDT_MP_UINT && head.u <= INT64_MAX ? (int64_t)head.u : otherwise;
}

bool node_mp_get_bool(struct cht_bytes map, const char *key)
{
    return node_mp_bool(node_mp_get(map, key));
}

enum cht_err node_mp_put_text(struct cht_buf *b, const char *text)
{
    return crdt_mp_put_str(b, cht_bytes_str(text));
}

enum cht_err node_mp_put_key_str(struct cht_buf *b, const char *key, struct cht_bytes v)
{
    enum cht_err err = node_mp_put_text(b, key);
    return err != CHT_OK ? err : crdt_mp_put_str(b, v);
}

enum cht_err node_mp_put_key_text(struct cht_buf *b, const char *key, const char *v)
{
    return node_mp_put_key_str(b, key, cht_bytes_str(v));
}

enum cht_err node_mp_put_key_uint(struct cht_buf *b, const char *key, uint64_t v)
{
    enum cht_err err = node_mp_put_text(b, key);
    return err != CHT_OK ? err : crdt_mp_put_uint(b, v);
}

enum cht_err node_mp_put_key_bool(struct cht_buf *b, const char *key, bool v)
{
    enum cht_err err = node_mp_put_text(b, key);
    return err != CHT_OK ? err : crdt_mp_put_bool(b, v);
}

enum cht_err node_mp_put_key_raw(struct cht_buf *b, const char *key, struct cht_bytes object)
{
    assert(object.len > 0);
    enum cht_err err = node_mp_put_text(b, key);
    return err != CHT_OK ? err : cht_buf_add(b, object);
}
