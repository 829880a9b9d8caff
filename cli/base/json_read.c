/* JSON to msgpack by way of jansson, which is strict about UTF-8 and repeated keys. */
#include "cli/base/json.h"

#include "crdt/limits.h"
#include "crdt/mp.h"

#include <jansson.h>

/* `depth`: levels of nesting that are still allowed below `v`. */
static enum cht_err put(const json_t *v, unsigned depth, struct cht_buf *out)
{
    const bool container = json_is_array(v) || json_is_object(v);
    enum cht_err err = container && depth == 0 ? CHT_E_INVALID : CHT_OK;
    const char *key;
    json_t *member;
    size_t i;
    if (err != CHT_OK)
        return err;
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
        err = crdt_mp_put_array(out, (uint32_t)json_array_size(v));
        json_array_foreach(v, i, member)
        {
            if (err == CHT_OK)
                err = put(member, depth - 1, out);
        }
        return err;
    case JSON_OBJECT:
        err = crdt_mp_put_map(out, (uint32_t)json_object_size(v));
        /* jansson's own loop macro casts const away */
        for (void *at = json_object_iter((json_t *)(uintptr_t)v); at != NULL && err == CHT_OK;
             at = json_object_iter_next((json_t *)(uintptr_t)v, at)) {
            key = json_object_iter_key(at);
            err = crdt_mp_put_str(out, cht_bytes_str(key));
            if (err == CHT_OK)
                err = put(json_object_iter_value(at), depth - 1, out);
        }
        return err;
    }
    return CHT_E_INTERNAL;
}

enum cht_err cli_json_parse_deep(struct cht_bytes text, unsigned depth, struct cht_buf *out)
{
    const size_t start = out->len;
    json_t *v = json_loadb((const char *)text.data, text.len,
                           JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    if (v == NULL)
        return CHT_E_INVALID;
    const enum cht_err err = put(v, depth, out);
    json_decref(v);
    if (err != CHT_OK)
        out->len = start;
    return err;
}

enum cht_err cli_json_parse(struct cht_bytes text, struct cht_buf *out)
{
    return cli_json_parse_deep(text, LIMIT_MSGPACK_DEPTH, out);
}
