/* msgpack values as JSON text for the columns that people read; see columns.h. */
#include "node/store/columns.h"

#include "crdt/mp.h"

#include <stdio.h>

static enum cht_err put(struct cht_buf *out, const char *text)
{
    return cht_buf_add(out, cht_bytes_str(text));
}

static enum cht_err json_string(struct cht_bytes text, struct cht_buf *out)
{
    enum cht_err err = cht_buf_add_u8(out, '"');
    for (size_t i = 0; err == CHT_OK && i < text.len; i++) {
        uint8_t c = text.data[i];
        char escape[8];
        if (c == '"' || c == '\\') {
            err = cht_buf_add_u8(out, '\\');
            if (err == CHT_OK)
                err = cht_buf_add_u8(out, c);
        } else if (c < 0x20) {
            (void)snprintf(escape, sizeof escape, "\\u%04x", c);
            err = put(out, escape);
        } else {
            err = cht_buf_add_u8(out, c);
        }
    }
    return err == CHT_OK ? cht_buf_add_u8(out, '"') : err;
}

static enum cht_err json_bin(struct cht_bytes data, struct cht_buf *out)
{
    if (data.len == 1 + CRDT_ID_BYTES && crdt_type_name(data.data[0]) != NULL) {
        struct crdt_id id = { .type = data.data[0] };
        memcpy(id.b, data.data + 1, CRDT_ID_BYTES);
        char text[CRDT_ID_TEXT_MAX];
        crdt_id_text(&id, text);
        return json_string(cht_bytes_str(text), out);
    }
    enum cht_err err = cht_buf_reserve(out, 2 * data.len + 3);
    if (err != CHT_OK)
        return err;
    char *at = (char *)out->data + out->len;
    *at = '"';
    crdt_hex(data, at + 1);
    at[2 * data.len + 1] = '"';
    out->len += 2 * data.len + 2;
    return CHT_OK;
}

/* The containers being written; depth was bounded when the value was scanned. */
struct level {
    uint64_t left;
    bool map, key;
};

static enum cht_err json_scalar(const struct crdt_mp *v, bool as_key, struct cht_buf *out)
{
    char text[40] = "null";
    if (v->kind == CRDT_MP_STR)
        return json_string(v->data, out);
    if (v->kind == CRDT_MP_BIN || v->kind == CRDT_MP_EXT)
        return json_bin(v->data, out);
    if (v->kind == CRDT_MP_BOOL)
        (void)snprintf(text, sizeof text, "%s", v->u == 1 ? "true" : "false");
    else if (v->kind == CRDT_MP_UINT)
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)v->u);
    else if (v->kind == CRDT_MP_INT)
        (void)snprintf(text, sizeof text, "%lld", (long long)v->i);
    else if (v->kind == CRDT_MP_FLOAT && v->f - v->f == 0) /* JSON has no infinities */
        (void)snprintf(text, sizeof text, "%.17g", v->f);
    return as_key ? json_string(cht_bytes_str(text), out) : put(out, text);
}

static enum cht_err before_item(const struct level *l, bool first, struct cht_buf *out)
{
    if (l->map && !l->key)
        return put(out, ":");
    return first ? CHT_OK : put(out, ",");
}

enum cht_err store_json_value(struct cht_bytes value, struct cht_buf *out)
{
    struct level stack[LIMIT_MSGPACK_DEPTH + 1];
    unsigned depth = 0;
    bool first = true;
    struct cht_wire w = cht_wire(value);
    enum cht_err err = CHT_OK;
    do {
        struct level *l = depth == 0 ? NULL : &stack[depth - 1];
        bool key = l != NULL && l->map && l->key;
        struct cht_wire start = w;
        struct crdt_mp v = crdt_mp_next(&w);
        if (key && (v.kind == CRDT_MP_ARRAY || v.kind == CRDT_MP_MAP)) {
            w = start; /* JSON has no such keys: it is shown as "null" */
            (void)crdt_mp_skip(&w);
        }
        if (l != NULL) {
            err = before_item(l, first, out);
            l->left--;
            l->key = !l->key;
        }
        first = false;
        if (err == CHT_OK && !key && (v.kind == CRDT_MP_ARRAY || v.kind == CRDT_MP_MAP) &&
            depth <= LIMIT_MSGPACK_DEPTH) {
            bool map = v.kind == CRDT_MP_MAP;
            err = put(out, map ? "{" : "[");
            stack[depth++] = (struct level){ .left = map ? v.u * 2 : v.u, .map = map, .key = true };
            first = true;
        } else if (err == CHT_OK) {
            err = json_scalar(&v, key, out);
        }
        while (err == CHT_OK && depth != 0 && stack[depth - 1].left == 0) {
            err = put(out, stack[--depth].map ? "}" : "]");
            first = false;
        }
    } while (err == CHT_OK && w.err == CHT_OK && depth != 0);
    return err == CHT_OK ? w.err : err;
}
