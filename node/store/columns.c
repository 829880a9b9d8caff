/* Values as columns and back; see columns.h. */
#include "node/store/columns.h"

#include "crdt/rfc3339.h"

#include <float.h>
#include <math.h>

#define ID_VALUE_BYTES (1u + CRDT_ID_BYTES)

bool store_value_id(const struct crdt_mp *v, struct crdt_id *out)
{
    if (v->kind != CRDT_MP_BIN || v->data.len != ID_VALUE_BYTES ||
        crdt_type_name(v->data.data[0]) == NULL)
        return false;
    out->type = v->data.data[0];
    memcpy(out->b, v->data.data + 1, CRDT_ID_BYTES);
    return true;
}

/* Bytes before the payload in the shortest form of a string. */
static size_t str_head(size_t len)
{
    return len < 32 ? 1 : (len < 256 ? 2 : (len < 65536 ? 3 : 5));
}

static size_t uint_size(uint64_t v)
{
    return v < 128 ? 1 : (v < 256 ? 2 : (v < 65536 ? 3 : (v <= UINT32_MAX ? 5 : 9)));
}

static size_t int_size(int64_t v)
{
    return v >= -32 ? 1 : (v >= INT8_MIN ? 2 : (v >= INT16_MIN ? 3 : (v >= INT32_MIN ? 5 : 9)));
}

/* Is it written in nine bytes? What four hold exactly is read back from its column as that, and a
 * REAL has no negative zero. */
static bool is_long_float(double v)
{
    return fabs(v) > (double)FLT_MAX || (double)(float)v != v;
}

bool store_column_holds(const struct crdt_field *f, struct cht_bytes value)
{
    struct crdt_mp v = crdt_mp_peek(value);
    struct crdt_id id;
    switch (f->value) {
    case CRDT_V_STR:
    case CRDT_V_TEXT:
    case CRDT_V_ENUM:
    case CRDT_V_WORD:
        return v.kind == CRDT_MP_STR && value.len == str_head(v.data.len) + v.data.len;
    case CRDT_V_BOOL:
        return v.kind == CRDT_MP_BOOL;
    case CRDT_V_INT:
        if (v.kind == CRDT_MP_UINT)
            return v.u <= INT64_MAX && value.len == uint_size(v.u);
        return v.kind == CRDT_MP_INT && value.len == int_size(v.i);
    case CRDT_V_FLOAT:
    case CRDT_V_SHARE:
        return v.kind == CRDT_MP_FLOAT && value.len == 9 && is_long_float(v.f);
    case CRDT_V_TIME:
        return v.kind == CRDT_MP_UINT && v.u <= CRDT_RFC3339_MS_MAX && value.len == uint_size(v.u);
    case CRDT_V_ID:
        return store_value_id(&v, &id) && value.len == ID_VALUE_BYTES + 2;
    case CRDT_V_ANY:
        return false;
    }
    return false;
}

/* SQLite copies text made here; text that lies in the state is borrowed until the step. */
static void bind_text(sqlite3_stmt *st, int at, struct cht_bytes text, bool borrow)
{
    sqlite3_bind_text64(st, at, text.len == 0 ? "" : (const char *)text.data, text.len,
                        borrow ? SQLITE_STATIC : SQLITE_TRANSIENT, SQLITE_UTF8);
}

static enum cht_err bind_json(sqlite3_stmt *st, int at, struct cht_bytes value,
                              struct cht_buf *scratch)
{
    size_t start = scratch->len;
    enum cht_err err = store_json_value(value, scratch);
    if (err == CHT_OK)
        bind_text(st, at, cht_bytes(scratch->data + start, scratch->len - start), false);
    scratch->len = start;
    return err;
}

enum cht_err store_column_bind(sqlite3_stmt *st, int at, const struct crdt_field *f,
                               struct cht_bytes value, struct cht_buf *scratch)
{
    struct crdt_mp v = crdt_mp_peek(value);
    struct crdt_id id;
    if (v.kind == CRDT_MP_STR) {
        bind_text(st, at, v.data, true);
    } else if (f->value == CRDT_V_TIME && v.kind == CRDT_MP_UINT && v.u <= CRDT_RFC3339_MS_MAX) {
        char text[CRDT_RFC3339_MAX];
        crdt_rfc3339_text(v.u, text);
        bind_text(st, at, cht_bytes_str(text), false);
    } else if (f->value == CRDT_V_ID && store_value_id(&v, &id)) {
        char text[CRDT_ID_TEXT_MAX];
        crdt_id_text(&id, text);
        bind_text(st, at, cht_bytes_str(text), false);
    } else if (v.kind == CRDT_MP_BOOL || (v.kind == CRDT_MP_UINT && v.u <= INT64_MAX)) {
        sqlite3_bind_int64(st, at, (int64_t)v.u);
    } else if (v.kind == CRDT_MP_INT) {
        sqlite3_bind_int64(st, at, v.i);
    } else if (v.kind == CRDT_MP_FLOAT) {
        sqlite3_bind_double(st, at, v.f);
    } else if (v.kind == CRDT_MP_NIL) {
        sqlite3_bind_null(st, at);
    } else {
        return bind_json(st, at, value, scratch);
    }
    return CHT_OK;
}

static enum cht_err read_id(struct cht_bytes text, struct cht_buf *out)
{
    struct crdt_id id;
    if (crdt_id_parse(text, &id) != CHT_OK)
        return CHT_E_CORRUPT;
    uint8_t raw[ID_VALUE_BYTES];
    raw[0] = id.type;
    memcpy(raw + 1, id.b, CRDT_ID_BYTES);
    return crdt_mp_put_bin(out, cht_bytes(raw, sizeof raw));
}

enum cht_err store_column_read(sqlite3_stmt *st, int column, const struct crdt_field *f,
                               struct cht_buf *out)
{
    int type = sqlite3_column_type(st, column);
    bool real = f->value == CRDT_V_FLOAT || f->value == CRDT_V_SHARE;
    bool wants_text = f->value != CRDT_V_BOOL && f->value != CRDT_V_INT && !real;
    if (type == SQLITE_NULL || wants_text != (type == SQLITE_TEXT) ||
        real != (type == SQLITE_FLOAT))
        return CHT_E_CORRUPT;
    struct cht_bytes text = { 0 };
    if (wants_text)
        text = store_column(st, column);
    uint64_t ms;
    int64_t number = sqlite3_column_int64(st, column);
    switch (f->value) {
    case CRDT_V_BOOL:
        return number == 0 || number == 1 ? crdt_mp_put_bool(out, number == 1) : CHT_E_CORRUPT;
    case CRDT_V_INT:
        return number >= 0 ? crdt_mp_put_uint(out, (uint64_t)number) : crdt_mp_put_int(out, number);
    case CRDT_V_FLOAT:
    case CRDT_V_SHARE:
        return crdt_mp_put_float(out, sqlite3_column_double(st, column));
    case CRDT_V_TIME:
        return crdt_rfc3339_parse(text, &ms) == CHT_OK ? crdt_mp_put_uint(out, ms) : CHT_E_CORRUPT;
    case CRDT_V_ID:
        return read_id(text, out);
    case CRDT_V_STR:
    case CRDT_V_TEXT:
    case CRDT_V_ENUM:
    case CRDT_V_WORD:
    case CRDT_V_ANY:
        return crdt_mp_put_str(out, text);
    }
    return CHT_E_CORRUPT;
}
