/* Arguments of a tool held against its schema before the tool sees them, so that a model is told in
 * words what it got wrong. Not a validator of JSON Schema: keywords it does not know say nothing.
 */
#include <stdarg.h>
#include <stdio.h>

#include "bridges/mcp/own.h"

#define PATH_BYTES 160

struct check {
    char *text;
    size_t text_bytes;
    char path[PATH_BYTES]; /* "" at the top */
};

__attribute__((format(printf, 2, 3))) static bool wrong(struct check *c, const char *format, ...)
{
    char said[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(said, sizeof said, format, args);
    va_end(args);
    mcp_trim(said);
    if (c->path[0] == '\0')
        (void)snprintf(c->text, c->text_bytes, "the arguments %s", said);
    else
        (void)snprintf(c->text, c->text_bytes, "`%s` %s", c->path, said);
    mcp_trim(c->text);
    return false;
}

static bool is_type(const char *type, const json_t *value)
{
    static const struct {
        const char *name;
        json_type a, b;
    } types[] = { { "object", JSON_OBJECT, JSON_OBJECT },    { "array", JSON_ARRAY, JSON_ARRAY },
                  { "string", JSON_STRING, JSON_STRING },    { "number", JSON_INTEGER, JSON_REAL },
                  { "integer", JSON_INTEGER, JSON_INTEGER }, { "boolean", JSON_TRUE, JSON_FALSE },
                  { "null", JSON_NULL, JSON_NULL } };
    if (strcmp(type, "integer") == 0 && json_is_real(value)) {
        const double real = json_real_value(value);
        return real >= -9e15 && real <= 9e15 && real == (double)(int64_t)real;
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(type, types[i].name) == 0)
            return json_typeof(value) == types[i].a || json_typeof(value) == types[i].b;
    return true; /* a type we do not know is not ours to judge */
}

static bool check_type(struct check *c, const json_t *type, const json_t *value)
{
    bool fits = json_is_array(type) && json_array_size(type) > 0 ? false : true;
    size_t i;
    json_t *one;
    if (json_is_string(type) && !is_type(json_string_value(type), value))
        return wrong(c, "must be of the type %s", json_string_value(type));
    json_array_foreach(type, i, one) fits =
        fits || (json_is_string(one) && is_type(json_string_value(one), value));
    return fits || wrong(c, "has not one of the types it may have");
}

/* Characters of the text, not bytes: JSON Schema counts code points. */
static size_t characters(const json_t *text)
{
    const char *at = json_string_value(text);
    size_t count = 0;
    for (size_t i = 0, len = json_string_length(text); i < len; i++)
        count += ((unsigned char)at[i] & 0xc0) != 0x80;
    return count;
}

static bool check_bounds(struct check *c, const json_t *schema, const json_t *value)
{
    const json_t *low = json_object_get(schema, "minimum");
    const json_t *high = json_object_get(schema, "maximum");
    const char *fewest = json_is_array(value) ? "minItems" : "minLength";
    const char *most = json_is_array(value) ? "maxItems" : "maxLength";
    if (json_is_number(value)) {
        if (json_is_number(low) && json_number_value(value) < json_number_value(low))
            return wrong(c, "must be at least %g", json_number_value(low));
        if (json_is_number(high) && json_number_value(value) > json_number_value(high))
            return wrong(c, "must be at most %g", json_number_value(high));
    }
    if (json_is_string(value) || json_is_array(value)) {
        const size_t size = json_is_array(value) ? json_array_size(value) : characters(value);
        const char *what = json_is_array(value) ? "entries" : "characters";
        low = json_object_get(schema, fewest);
        high = json_object_get(schema, most);
        if (json_is_integer(low) && (json_int_t)size < json_integer_value(low))
            return wrong(c, "must have at least %lld %s", (long long)json_integer_value(low), what);
        if (json_is_integer(high) && (json_int_t)size > json_integer_value(high))
            return wrong(c, "must have at most %lld %s", (long long)json_integer_value(high), what);
    }
    return true;
}

static bool check_enum(struct check *c, const json_t *schema, const json_t *value)
{
    const json_t *allowed = json_object_get(schema, "enum");
    const json_t *only = json_object_get(schema, "const");
    char list[160] = "";
    size_t i, used = 0;
    json_t *one;
    if (only != NULL && !json_equal(only, value))
        return wrong(c, "has a value that is not allowed");
    if (!json_is_array(allowed))
        return true;
    json_array_foreach(allowed, i, one)
    {
        if (json_equal(one, value))
            return true;
        if (json_is_string(one) && used < sizeof list - 1) {
            const int n = snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ",
                                   json_string_value(one));
            used += n > 0 ? (size_t)n : 0;
        }
    }
    return wrong(c, "must be one of: %s", list);
}

static bool check_value(struct check *c, const json_t *schema, const json_t *value, unsigned depth);

/* One step down, and back. */
static bool check_below(struct check *c, const char *step, const json_t *schema,
                        const json_t *value, unsigned depth)
{
    const size_t before = strlen(c->path);
    (void)snprintf(c->path + before, sizeof c->path - before, "%s%s", before == 0 ? "" : ".", step);
    mcp_trim(c->path);
    const bool fits = check_value(c, schema, value, depth);
    c->path[before] = '\0';
    return fits;
}

/* A property that is not there, with those that are. */
static bool unknown(struct check *c, const char *key, const json_t *properties)
{
    char list[120] = "";
    const char *name;
    const json_t *one;
    size_t used = 0;
    json_object_foreach((json_t *)(uintptr_t)properties, name, one)
    {
        if (used < sizeof list - 1) {
            const int n = snprintf(list + used, sizeof list - used, "%s%s",
                                   used == 0 ? "; known: " : ", ", name);
            used += n > 0 ? (size_t)n : 0;
        }
    }
    return wrong(c, "have `%s`, which is not known%s", mcp_short(key).text, list);
}

static bool check_object(struct check *c, const json_t *schema, const json_t *value, unsigned depth)
{
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *required = json_object_get(schema, "required");
    const bool closed = json_is_false(json_object_get(schema, "additionalProperties"));
    const char *key;
    size_t i;
    json_t *one;
    json_array_foreach(required, i, one)
    {
        if (json_is_string(one) && json_object_get(value, json_string_value(one)) == NULL)
            return wrong(c, "need `%s`", json_string_value(one));
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, one)
    {
        const json_t *below = json_object_get(properties, key);
        if (below == NULL && closed)
            return unknown(c, key, properties);
        if (below != NULL && !check_below(c, key, below, one, depth))
            return false;
    }
    return true;
}

static bool check_value(struct check *c, const json_t *schema, const json_t *value, unsigned depth)
{
    if (!json_is_object(schema) || depth > MCP_LIMIT_DEPTH)
        return true;
    if (!check_type(c, json_object_get(schema, "type"), value) || !check_enum(c, schema, value) ||
        !check_bounds(c, schema, value))
        return false;
    if (json_is_object(value))
        return check_object(c, schema, value, depth + 1);
    size_t i;
    json_t *one;
    const json_t *items = json_object_get(schema, "items");
    json_array_foreach(value, i, one)
    {
        char step[24];
        (void)snprintf(step, sizeof step, "%zu", i);
        if (!check_below(c, step, items, one, depth + 1))
            return false;
    }
    return true;
}

bool mcp_schema_check(const json_t *schema, const json_t *value, char *text, size_t text_bytes)
{
    struct check c = { .text = text, .text_bytes = text_bytes };
    return check_value(&c, schema, value, 0);
}
