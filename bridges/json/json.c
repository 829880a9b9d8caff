/* JSON trees and msgpack; see json.h. */
#include "bridges/json/json.h"

#include "crdt/mp.h"
#include "node/client/mpmap.h"

#include <math.h>
#include <stdlib.h>

#define DEPTH_MAX 32u /* messages nest half as deep at most */

/* --- from msgpack -------------------------------------------------------------------------- */

static const char replacement[] = "\xEF\xBF\xBD";

/* A text as it may stand in a tree, for free(); NULL: no memory. */
static char *text_of(struct cht_bytes text, size_t *out_len)
{
    const bool valid = crdt_utf8_valid(text);
    char *copy = malloc(3 * text.len + 1);
    size_t len = 0;
    for (size_t i = 0; copy != NULL && i < text.len; i++) {
        const uint8_t c = text.data[i];
        if (c != 0 && (valid || c < 0x80)) {
            copy[len++] = (char)c;
        } else {
            memcpy(copy + len, replacement, 3);
            len += 3;
        }
    }
    if (copy != NULL)
        copy[len] = '\0';
    *out_len = len;
    return copy;
}

static json_t *str_of(struct cht_bytes text)
{
    size_t len;
    char *copy = text_of(text, &len);
    json_t *v = copy == NULL ? NULL : json_stringn(copy, len);
    free(copy);
    return v;
}

static json_t *hex_of(struct cht_bytes data)
{
    static const char digits[] = "0123456789abcdef";
    char *hex = malloc(2 * data.len + 1);
    for (size_t i = 0; hex != NULL && i < data.len; i++) {
        hex[2 * i] = digits[data.data[i] >> 4];
        hex[2 * i + 1] = digits[data.data[i] & 15];
    }
    json_t *v = hex == NULL ? NULL : json_stringn(hex, 2 * data.len);
    free(hex);
    return v;
}

/* A key's own text, as a string of the tree. */
static json_t *key_of(struct cht_bytes key)
{
    char digits[24];
    const struct crdt_mp head = crdt_mp_peek(key);
    size_t at = sizeof digits;
    if (head.kind == CRDT_MP_STR)
        return str_of(head.data);
    if (head.kind != CRDT_MP_UINT)
        return hex_of(key);
    uint64_t n = head.u;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    return json_stringn(digits + at, sizeof digits - at);
}

static json_t *any_of(struct cht_bytes object, unsigned depth);

static json_t *array_of(struct cht_bytes object, unsigned depth)
{
    struct node_mp_iter it = node_mp_iter(object);
    struct cht_bytes value;
    json_t *list = json_array();
    while (list != NULL && node_mp_next(&it, NULL, &value)) {
        if (json_array_append_new(list, any_of(value, depth)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *map_of(struct cht_bytes object, unsigned depth)
{
    struct node_mp_iter it = node_mp_iter(object);
    struct cht_bytes key, value;
    json_t *map = json_object();
    bool ok = map != NULL;
    while (ok && node_mp_next(&it, &key, &value)) {
        json_t *name = key_of(key);
        ok = name != NULL &&
             (json_object_get(map, json_string_value(name)) != NULL ||
              json_object_set_new(map, json_string_value(name), any_of(value, depth)) == 0);
        json_decref(name);
    }
    if (ok)
        return map;
    json_decref(map);
    return NULL;
}

static json_t *ext_of(const struct crdt_mp *head)
{
    if (head->kind == CRDT_MP_BIN)
        return json_pack("{s:o}", "$bin", hex_of(head->data));
    return json_pack("{s:i, s:o}", "$ext", (int)head->ext, "hex", hex_of(head->data));
}

static json_t *any_of(struct cht_bytes object, unsigned depth)
{
    const struct crdt_mp head =
        object.len == 0 ? (struct crdt_mp){ .kind = CRDT_MP_NIL } : crdt_mp_peek(object);
    switch (depth > DEPTH_MAX ? CRDT_MP_NIL : head.kind) {
    case CRDT_MP_NIL:
        return json_null();
    case CRDT_MP_BOOL:
        return json_boolean(head.u != 0);
    case CRDT_MP_UINT:
        return head.u <= INT64_MAX ? json_integer((json_int_t)head.u) : json_real((double)head.u);
    case CRDT_MP_INT:
        return json_integer(head.i);
    case CRDT_MP_FLOAT:
        return isfinite(head.f) ? json_real(head.f) : json_null();
    case CRDT_MP_STR:
        return str_of(head.data);
    case CRDT_MP_BIN:
    case CRDT_MP_EXT:
        return ext_of(&head);
    case CRDT_MP_ARRAY:
        return array_of(object, depth + 1);
    case CRDT_MP_MAP:
        return map_of(object, depth + 1);
    }
    return NULL;
}

json_t *bridge_json_new(struct cht_bytes object)
{
    return any_of(object, 0);
}

/* --- to msgpack ---------------------------------------------------------------------------- */

static enum cht_err put_members(const json_t *v, unsigned depth, struct cht_buf *out)
{
    enum cht_err err = crdt_mp_put_map(out, (uint32_t)json_object_size(v));
    /* jansson's own loop macro casts const away */
    for (void *at = json_object_iter((json_t *)(uintptr_t)v); at != NULL && err == CHT_OK;
         at = json_object_iter_next((json_t *)(uintptr_t)v, at)) {
        err = node_mp_put_text(out, json_object_iter_key(at));
        if (err == CHT_OK)
            err = bridge_json_put(json_object_iter_value(at), depth, out);
    }
    return err;
}

static enum cht_err put_elements(const json_t *v, unsigned depth, struct cht_buf *out)
{
    enum cht_err err = crdt_mp_put_array(out, (uint32_t)json_array_size(v));
    for (size_t i = 0; err == CHT_OK && i < json_array_size(v); i++)
        err = bridge_json_put(json_array_get(v, i), depth, out);
    return err;
}

enum cht_err bridge_json_put(const json_t *v, unsigned depth, struct cht_buf *out)
{
    const bool container = json_is_array(v) || json_is_object(v);
    if (v == NULL)
        return CHT_E_NOMEM;
    if (container && depth == 0)
        return CHT_E_INVALID;
    switch (json_typeof(v)) {
    case JSON_NULL:
        return crdt_mp_put_nil(out);
    case JSON_TRUE:
    case JSON_FALSE:
        return crdt_mp_put_bool(out, json_is_true(v));
    case JSON_INTEGER:
        return crdt_mp_put_int(out, json_integer_value(v));
    case JSON_REAL:
        return crdt_mp_put_float(out, json_real_value(v));
    case JSON_STRING:
        return crdt_mp_put_str(out, cht_bytes(json_string_value(v), json_string_length(v)));
    case JSON_ARRAY:
        return put_elements(v, depth - 1, out);
    case JSON_OBJECT:
        return put_members(v, depth - 1, out);
    }
    return CHT_E_INTERNAL;
}

enum cht_err bridge_json_parse(struct cht_bytes text, unsigned depth, struct cht_buf *out)
{
    const size_t start = out->len;
    json_t *v = json_loadb((const char *)text.data, text.len,
                           JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    if (v == NULL)
        return CHT_E_INVALID;
    const enum cht_err err = bridge_json_put(v, depth, out);
    json_decref(v);
    if (err != CHT_OK)
        out->len = start;
    return err;
}

/* --- looking ------------------------------------------------------------------------------- */

const char *bridge_json_str(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

json_int_t bridge_json_int(const json_t *object, const char *key, json_int_t otherwise)
{
    const json_t *v = json_object_get(object, key);
    return json_is_integer(v) ? json_integer_value(v) : otherwise;
}
