/* JSON without loss; see exact_json.h. */
#include "cli/import/exact_json.h"

#include "cli/import/time.h"
#include "crdt/limits.h"
#include "node/client/mpmap.h"

#include <math.h>

#define KEYS_MAX 256u /* of a map whose keys are compared with each other */

/* --- out ----------------------------------------------------------------------------------- */

static bool sayable(struct cht_bytes value);

static bool keys_sayable(struct cht_bytes map)
{
    struct cht_bytes keys[KEYS_MAX];
    size_t count = 0;
    struct node_mp_iter it = node_mp_iter(map);
    struct cht_bytes key, value;
    while (node_mp_next(&it, &key, &value)) {
        const struct cht_bytes text = node_mp_str(key);
        if (node_mp_kind(key) != CRDT_MP_STR || (text.len > 0 && text.data[0] == '$') ||
            count == KEYS_MAX || !sayable(value))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (cht_bytes_eq(keys[i], text))
                return false;
        }
        keys[count++] = text;
    }
    return true;
}

/* Does the JSON of cli_json_value tell it whole? bin is told at any place. */
static bool sayable(struct cht_bytes value)
{
    const struct crdt_mp head = crdt_mp_peek(value);
    struct node_mp_iter it;
    struct cht_bytes element;
    switch (head.kind) {
    case CRDT_MP_NIL:
    case CRDT_MP_BOOL:
    case CRDT_MP_INT:
    case CRDT_MP_BIN:
        return true;
    case CRDT_MP_UINT:
        return head.u <= INT64_MAX;
    case CRDT_MP_FLOAT: /* a large whole one would be told without a point */
        return isfinite(head.f) && fabs(head.f) < 1e15;
    case CRDT_MP_STR:
        return crdt_utf8_valid(head.data);
    case CRDT_MP_EXT:
        return false;
    case CRDT_MP_ARRAY:
        it = node_mp_iter(value);
        while (node_mp_next(&it, NULL, &element)) {
            if (!sayable(element))
                return false;
        }
        return true;
    case CRDT_MP_MAP:
        return keys_sayable(value);
    }
    return false;
}

static void put_escaped(struct cli_out *out, struct cht_bytes value)
{
    static const char hex[] = "0123456789abcdef";
    cli_put_text(out, "{\"$msgpack\":\"");
    for (size_t i = 0; i < value.len; i++) {
        cli_put_char(out, hex[value.data[i] >> 4]);
        cli_put_char(out, hex[value.data[i] & 15]);
    }
    cli_put_text(out, "\"}");
}

void cli_exact_put(struct cli_out *out, const struct crdt_field *field, struct cht_bytes value)
{
    if (value.len == 0)
        cli_put_text(out, "null");
    else if (field != NULL && field->value == CRDT_V_TIME && node_mp_kind(value) == CRDT_MP_UINT)
        cli_json_time(out, crdt_mp_peek(value).u);
    else if (!sayable(value))
        put_escaped(out, value);
    else
        cli_json_value(out, value);
}

/* --- in ------------------------------------------------------------------------------------ */

/* Bytes of the hex at `key` of a map that has nothing else; empty when it is no such map. */
static struct cht_bytes escape(struct cht_bytes json, const char *key)
{
    return node_mp_count(json) == 1 ? node_mp_get_str(json, key) : cht_bytes(NULL, 0);
}

static enum cht_err unhex(struct cht_bytes text, bool as_bin, struct cht_buf *out)
{
    struct cht_buf raw;
    cht_buf_init(&raw, LIMIT_VALUE_BYTES);
    enum cht_err err = text.len % 2 != 0 ? CHT_E_INVALID : cht_buf_reserve(&raw, text.len / 2);
    if (err == CHT_OK)
        err = crdt_unhex(text, raw.data, text.len / 2);
    if (err == CHT_OK)
        raw.len = text.len / 2;
    if (err == CHT_OK && as_bin)
        err = crdt_mp_put_bin(out, cht_buf_view(&raw));
    else if (err == CHT_OK &&
             crdt_mp_scan(cht_buf_view(&raw), LIMIT_MSGPACK_DEPTH, LIMIT_MSGPACK_OBJECTS) != CHT_OK)
        err = CHT_E_INVALID;
    else if (err == CHT_OK)
        err = cht_buf_add(out, cht_buf_view(&raw));
    cht_buf_clear(&raw);
    return err;
}

static enum cht_err take_any(struct cht_bytes json, struct cht_buf *out)
{
    const enum crdt_mp_kind kind = node_mp_kind(json);
    if (kind != CRDT_MP_ARRAY && kind != CRDT_MP_MAP)
        return cht_buf_add(out, json);
    struct cht_bytes hex = escape(json, "$bin");
    if (kind == CRDT_MP_MAP && hex.data != NULL)
        return unhex(hex, true, out);
    hex = escape(json, "$msgpack");
    if (kind == CRDT_MP_MAP && hex.data != NULL)
        return unhex(hex, false, out);
    const uint32_t count = (uint32_t)node_mp_count(json);
    enum cht_err err =
        kind == CRDT_MP_MAP ? crdt_mp_put_map(out, count) : crdt_mp_put_array(out, count);
    struct node_mp_iter it = node_mp_iter(json);
    struct cht_bytes key, value;
    while (err == CHT_OK && node_mp_next(&it, &key, &value)) {
        if (kind == CRDT_MP_MAP)
            err = cht_buf_add(out, key);
        if (err == CHT_OK)
            err = take_any(value, out);
    }
    return err;
}

enum cht_err cli_exact_take(const struct crdt_field *field, bool is_key, struct cht_bytes json,
                            struct cht_buf *out)
{
    const bool map_key = is_key && field->kind == CRDT_MAP;
    uint64_t ms;
    if (!map_key && field->value == CRDT_V_TIME && node_mp_kind(json) == CRDT_MP_STR) {
        const enum cht_err err = cli_import_time(node_mp_str(json), &ms, NULL);
        return err == CHT_OK ? crdt_mp_put_uint(out, ms) : err;
    }
    return !map_key && field->value == CRDT_V_ANY ? take_any(json, out) : cht_buf_add(out, json);
}
