/* msgpack to JSON text without a tree between them. */
#include "cli/base/json.h"

#include "crdt/limits.h"
#include "crdt/rfc3339.h"
#include "node/client/mpmap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MAX 32 /* messages nest half as deep at most */

void cli_json_text(struct cli_out *out, struct cht_bytes text)
{
    static const char hex[] = "0123456789abcdef";
    const bool valid = crdt_utf8_valid(text);
    cli_put_char(out, '"');
    while (text.len > 0) {
        size_t run = 0;
        while (run < text.len && text.data[run] >= 0x20 && text.data[run] != '"' &&
               text.data[run] != '\\' && text.data[run] != 0x7F && (valid || text.data[run] < 0x80))
            run++;
        cli_put(out, cht_bytes(text.data, run));
        text = cht_bytes(text.data + run, text.len - run);
        if (text.len == 0)
            break;
        const uint8_t c = text.data[0];
        if (c == '"' || c == '\\') {
            cli_put_char(out, '\\');
            cli_put_char(out, (char)c);
        } else if (c == '\n') {
            cli_put_text(out, "\\n");
        } else if (c == '\t') {
            cli_put_text(out, "\\t");
        } else if (c >= 0x80) {
            cli_put_text(out, "\xEF\xBF\xBD");
        } else {
            cli_put_text(out, "\\u00");
            cli_put_char(out, hex[c >> 4]);
            cli_put_char(out, hex[c & 15]);
        }
        text = cht_bytes(text.data + 1, text.len - 1);
    }
    cli_put_char(out, '"');
}

static void put_hex(struct cli_out *out, struct cht_bytes data)
{
    static const char hex[] = "0123456789abcdef";
    cli_put_char(out, '"');
    for (size_t i = 0; i < data.len; i++) {
        cli_put_char(out, hex[data.data[i] >> 4]);
        cli_put_char(out, hex[data.data[i] & 15]);
    }
    cli_put_char(out, '"');
}

static void put_float(struct cli_out *out, double v)
{
    if (!isfinite(v)) {
        cli_put_text(out, "null");
        return;
    }
    if (v == floor(v) && fabs(v) < 1e15) {
        cli_printf(out, "%.1f", v);
        return;
    }
    char text[32]; /* as few digits as give the same number again */
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    cli_put_text(out, text);
}

static void put_any(struct cli_out *out, struct cht_bytes object, unsigned depth);

static void put_members(struct cli_out *out, struct cht_bytes object, unsigned depth)
{
    struct node_mp_iter it = node_mp_iter(object);
    struct cht_bytes key, value;
    bool first = true;
    cli_put_char(out, it.is_map ? '{' : '[');
    while (node_mp_next(&it, &key, &value)) {
        if (!first)
            cli_put_char(out, ',');
        first = false;
        if (it.is_map) {
            /* JSON's keys are texts: any other is named by its own JSON. */
            if (node_mp_kind(key) == CRDT_MP_STR) {
                cli_json_text(out, node_mp_str(key));
            } else if (node_mp_kind(key) == CRDT_MP_UINT) {
                cli_put_char(out, '"');
                cli_put_uint(out, crdt_mp_peek(key).u);
                cli_put_char(out, '"');
            } else {
                put_hex(out, key);
            }
            cli_put_char(out, ':');
        }
        put_any(out, value, depth + 1);
    }
    cli_put_char(out, it.is_map ? '}' : ']');
}

static void put_any(struct cli_out *out, struct cht_bytes object, unsigned depth)
{
    const struct crdt_mp head =
        object.len == 0 ? (struct crdt_mp){ .kind = CRDT_MP_NIL } : crdt_mp_peek(object);
    switch (depth > DEPTH_MAX ? CRDT_MP_NIL : head.kind) {
    case CRDT_MP_NIL:
        cli_put_text(out, "null");
        break;
    case CRDT_MP_BOOL:
        cli_put_text(out, head.u != 0 ? "true" : "false");
        break;
    case CRDT_MP_UINT:
        cli_put_uint(out, head.u);
        break;
    case CRDT_MP_INT:
        cli_put_int(out, head.i);
        break;
    case CRDT_MP_FLOAT:
        put_float(out, head.f);
        break;
    case CRDT_MP_STR:
        cli_json_text(out, head.data);
        break;
    case CRDT_MP_BIN:
        cli_put_text(out, "{\"$bin\":");
        put_hex(out, head.data);
        cli_put_char(out, '}');
        break;
    case CRDT_MP_EXT:
        cli_put_text(out, "{\"$ext\":");
        cli_put_int(out, head.ext);
        cli_put_text(out, ",\"hex\":");
        put_hex(out, head.data);
        cli_put_char(out, '}');
        break;
    case CRDT_MP_ARRAY:
    case CRDT_MP_MAP:
        put_members(out, object, depth);
        break;
    }
}

void cli_json_value(struct cli_out *out, struct cht_bytes object)
{
    put_any(out, object, 0);
}

void cli_json_time(struct cli_out *out, uint64_t ms)
{
    char text[CRDT_RFC3339_MAX];
    if (ms > CRDT_RFC3339_MS_MAX) {
        cli_put_uint(out, ms);
        return;
    }
    crdt_rfc3339_text(ms, text);
    cli_put_char(out, '"');
    cli_put_text(out, text);
    cli_put_char(out, '"');
}

void cli_json_data(struct cli_out *out, unsigned type, struct cht_bytes data)
{
    struct node_mp_iter it = node_mp_iter(data);
    struct cht_bytes key, value;
    bool first = true;
    cli_put_char(out, '{');
    while (it.is_map && node_mp_next(&it, &key, &value)) {
        const struct cht_bytes name = node_mp_str(key);
        if (!first)
            cli_put_char(out, ',');
        first = false;
        cli_json_text(out, name);
        cli_put_char(out, ':');
        /* Only times need the schema, and only numbers can be times. */
        const struct crdt_mp head = crdt_mp_peek(value);
        const struct crdt_field *field =
            head.kind == CRDT_MP_UINT ? crdt_field_named(type, name) : NULL;
        if (field != NULL && field->value == CRDT_V_TIME)
            cli_json_time(out, head.u);
        else
            put_any(out, value, 0);
    }
    cli_put_char(out, '}');
}

void cli_json_record(struct cli_out *out, struct cht_bytes record)
{
    const unsigned type = crdt_type_from(node_mp_get_str(record, "type"));
    struct node_mp_iter it = node_mp_iter(record);
    struct cht_bytes key, value;
    bool first = true;
    cli_put_char(out, '{');
    while (it.is_map && node_mp_next(&it, &key, &value)) {
        const struct cht_bytes name = node_mp_str(key);
        if (!first)
            cli_put_char(out, ',');
        first = false;
        cli_json_text(out, name);
        cli_put_char(out, ':');
        if (cht_bytes_eq(name, cht_bytes_str("data")) || cht_bytes_eq(name, cht_bytes_str("delta")))
            cli_json_data(out, type, value);
        else
            put_any(out, value, 0);
    }
    cli_put_char(out, '}');
}

void cli_json_begin(struct cli_out *out, const char *kind)
{
    cli_put_text(out, "{\"schemaVersion\":1,\"kind\":\"");
    cli_put_text(out, kind);
    cli_put_text(out, "\",\"data\":");
}

void cli_json_end(struct cli_out *out)
{
    cli_put_text(out, "}\n");
}
