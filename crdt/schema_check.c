/* Is a value what its field's row asks for? (PROTOCOL 6.3). What fails here makes an op void at
 * every node alike, so nothing here may depend on a build or a configuration. */
#include "crdt/limits.h"
#include "crdt/mp.h"
#include "crdt/schema.h"

#define TIME_MS_MAX    ((UINT64_C(1) << 48) - 1)
#define ID_VALUE_BYTES (1u + CRDT_ID_BYTES)

static enum cht_err check_text(const struct crdt_mp *v, size_t len_max)
{
    if (v->kind != CRDT_MP_STR)
        return CHT_E_INVALID;
    if (v->data.len > len_max)
        return CHT_E_LIMIT;
    return crdt_utf8_valid(v->data) ? CHT_OK : CHT_E_MALFORMED;
}

static enum cht_err check_enum(const struct crdt_field *f, const struct crdt_mp *v)
{
    bool listed = v->kind == CRDT_MP_STR && crdt_word_rank(f, v->data) >= 0;
    return listed ? CHT_OK : CHT_E_INVALID;
}

static enum cht_err check_id(const struct crdt_field *f, const struct crdt_mp *v)
{
    if (v->kind != CRDT_MP_BIN || v->data.len != ID_VALUE_BYTES || v->data.data[0] == 0)
        return CHT_E_INVALID;
    return f->id_type == 0 || f->id_type == v->data.data[0] ? CHT_OK : CHT_E_INVALID;
}

static bool is_integer(const struct crdt_mp *v)
{
    return v->kind == CRDT_MP_INT || (v->kind == CRDT_MP_UINT && v->u <= INT64_MAX);
}

static bool is_finite(double f)
{
    return f - f == 0.0; /* an infinity and a NaN give NaN */
}

static enum cht_err check_number(const struct crdt_field *f, const struct crdt_mp *v)
{
    bool good = is_integer(v);
    if (f->value == CRDT_V_TIME)
        good = v->kind == CRDT_MP_UINT && v->u <= TIME_MS_MAX;
    if (f->value == CRDT_V_FLOAT)
        good = v->kind == CRDT_MP_UINT || v->kind == CRDT_MP_INT ||
               (v->kind == CRDT_MP_FLOAT && is_finite(v->f));
    if (f->value == CRDT_V_SHARE)
        good = (v->kind == CRDT_MP_UINT && v->u <= 1) ||
               (v->kind == CRDT_MP_FLOAT && v->f >= 0.0 && v->f <= 1.0);
    return good ? CHT_OK : CHT_E_INVALID;
}

/* The value type of a row alone, whatever the kind of its field. */
static enum cht_err check_type(const struct crdt_field *f, const struct crdt_mp *v)
{
    switch (f->value) {
    case CRDT_V_STR:
    case CRDT_V_WORD:
        return check_text(v, LIMIT_TITLE_BYTES);
    case CRDT_V_TEXT:
        return check_text(v, LIMIT_VALUE_BYTES);
    case CRDT_V_BOOL:
        return v->kind == CRDT_MP_BOOL ? CHT_OK : CHT_E_INVALID;
    case CRDT_V_INT:
    case CRDT_V_FLOAT:
    case CRDT_V_SHARE:
    case CRDT_V_TIME:
        return check_number(f, v);
    case CRDT_V_ENUM:
        return check_enum(f, v);
    case CRDT_V_ID:
        return check_id(f, v);
    case CRDT_V_ANY:
        return CHT_OK;
    }
    return CHT_E_INVALID;
}

/* Bytes of the shortest msgpack of a str or bin; 0 for what no key may be. */
static size_t shortest(const struct crdt_mp *v)
{
    size_t len = v->data.len;
    if (v->kind == CRDT_MP_STR && len < 32)
        return len + 1;
    if (v->kind == CRDT_MP_STR || v->kind == CRDT_MP_BIN)
        return len + (len <= UINT8_MAX ? 2 : 3); /* LIMIT_KEY_BYTES has been checked */
    return 0;
}

/* Cells are told apart by the bytes of their key: one key may not have two spellings. */
static enum cht_err check_key(const struct crdt_field *f, struct cht_bytes key,
                              const struct crdt_mp *v)
{
    if ((f->kind != CRDT_SET && f->kind != CRDT_MAP) || shortest(v) != key.len)
        return CHT_E_INVALID;
    if (f->kind == CRDT_SET)
        return check_type(f, v);
    if (v->kind == CRDT_MP_STR && v->data.len == 0)
        return CHT_E_INVALID;
    return check_text(v, LIMIT_KEY_BYTES);
}

enum cht_err crdt_value_check(const struct crdt_field *f, struct cht_bytes value, bool is_key)
{
    if (value.len > (is_key ? LIMIT_KEY_BYTES : LIMIT_VALUE_BYTES))
        return CHT_E_LIMIT;
    enum cht_err err = crdt_mp_scan(value, LIMIT_MSGPACK_DEPTH, LIMIT_MSGPACK_OBJECTS);
    if (err != CHT_OK || f == NULL)
        return err; /* an unknown field: PROTOCOL 6.2 */
    struct crdt_mp v = crdt_mp_peek(value);
    if (is_key)
        return check_key(f, value, &v);
    if (f->kind == CRDT_SET)
        return v.kind == CRDT_MP_NIL ? CHT_OK : CHT_E_INVALID;
    return check_type(f, &v);
}
