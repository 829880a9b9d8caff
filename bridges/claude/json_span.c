/* JSON as spans; see json_span.h. */
#include "bridges/claude/json_span.h"

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const uint8_t *skip_blank(const uint8_t *p, const uint8_t *end)
{
    while (p < end && is_blank(*p))
        p++;
    return p;
}

/* Behind the string that begins at `p`; NULL: it does not end, or has a control character. */
static const uint8_t *skip_string(const uint8_t *p, const uint8_t *end)
{
    for (p++; p < end; p++) {
        if (*p == '"')
            return p + 1;
        if (*p < 0x20)
            return NULL;
        if (*p == '\\' && ++p == end)
            return NULL;
    }
    return NULL;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Behind a number or one of the three words; NULL: it is neither. */
static const uint8_t *skip_plain(const uint8_t *p, const uint8_t *end)
{
    static const char *const words[] = { "true", "false", "null" };
    const size_t left = (size_t)(end - p);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const size_t len = strlen(words[i]);
        if (left >= len && memcmp(p, words[i], len) == 0)
            return p + len;
    }
    const uint8_t *start = p;
    while (p < end && (is_digit(*p) || memchr("+-.eE", *p, 5) != NULL))
        p++;
    return p > start && (is_digit(*start) || *start == '-') && is_digit(p[-1]) ? p : NULL;
}

/* What may come next in the walk below. */
enum next { WANT_VALUE, WANT_FIRST, WANT_KEY, WANT_COMMA };

/* A walk over one value; which of the open containers are objects is a bit each. */
struct walk {
    const uint8_t *p, *end;
    unsigned depth;
    uint8_t objects[JSON_SPAN_DEPTH / 8];
    enum next next;
};

static bool in_object(const struct walk *w)
{
    const unsigned at = w->depth - 1;
    return w->depth > 0 && (w->objects[at / 8] >> (at % 8) & 1u) != 0;
}

static bool enter(struct walk *w)
{
    const unsigned at = w->depth;
    if (at == JSON_SPAN_DEPTH)
        return false;
    const uint8_t bit = (uint8_t)(1u << (at % 8));
    if (*w->p == '{')
        w->objects[at / 8] |= bit;
    else
        w->objects[at / 8] &= (uint8_t)~bit;
    w->depth++;
    w->next = WANT_FIRST;
    w->p++;
    return true;
}

static bool leave(struct walk *w)
{
    if (w->depth == 0 || *w->p != (in_object(w) ? '}' : ']'))
        return false;
    w->depth--;
    w->next = WANT_COMMA;
    w->p++;
    return true;
}

static bool take_key(struct walk *w)
{
    w->p = *w->p == '"' ? skip_string(w->p, w->end) : NULL;
    if (w->p == NULL)
        return false;
    w->p = skip_blank(w->p, w->end);
    if (w->p == w->end || *w->p != ':')
        return false;
    w->p++;
    w->next = WANT_VALUE;
    return true;
}

static bool take_value(struct walk *w)
{
    if (*w->p == '{' || *w->p == '[')
        return enter(w);
    w->p = *w->p == '"' ? skip_string(w->p, w->end) : skip_plain(w->p, w->end);
    w->next = WANT_COMMA;
    return w->p != NULL;
}

static bool step(struct walk *w)
{
    const uint8_t c = *w->p;
    switch (w->next) {
    case WANT_VALUE:
        return take_value(w);
    case WANT_FIRST:
        if (c == '}' || c == ']')
            return leave(w);
        return in_object(w) ? take_key(w) : take_value(w);
    case WANT_KEY:
        return take_key(w);
    case WANT_COMMA:
        if (c != ',')
            return leave(w);
        w->p++;
        w->next = in_object(w) ? WANT_KEY : WANT_VALUE;
        return true;
    }
    return false;
}

/* Behind the value at `p`; NULL: there is none. */
static const uint8_t *skip_value(const uint8_t *p, const uint8_t *end)
{
    struct walk w = { .p = p, .end = end };
    do {
        w.p = skip_blank(w.p, end);
        if (w.p == end || !step(&w))
            return NULL;
    } while (w.depth > 0);
    return w.p;
}

bool json_span_object(struct cht_bytes text)
{
    const uint8_t *end = text.len == 0 ? NULL : text.data + text.len;
    const uint8_t *p = text.len == 0 ? NULL : skip_blank(text.data, end);
    if (p == end || *p != '{')
        return false;
    p = skip_value(p, end);
    return p != NULL && skip_blank(p, end) == end;
}

struct json_span_iter json_span_iter(struct cht_bytes object)
{
    const uint8_t *end = object.len == 0 ? NULL : object.data + object.len;
    const uint8_t *p = object.len == 0 ? NULL : skip_blank(object.data, end);
    if (p == end || *p != '{')
        return (struct json_span_iter){ 0 };
    return (struct json_span_iter){ cht_bytes(p + 1, (size_t)(end - p - 1)) };
}

bool json_span_next(struct json_span_iter *it, struct cht_bytes *key, struct cht_bytes *value)
{
    if (it->rest.len == 0)
        return false;
    const uint8_t *end = it->rest.data + it->rest.len;
    const uint8_t *p = skip_blank(it->rest.data, end);
    if (p < end && *p == ',')
        p = skip_blank(p + 1, end);
    if (p == end || *p != '"')
        return false;
    const uint8_t *close = skip_string(p, end);
    if (close == NULL)
        return false;
    const uint8_t *colon = skip_blank(close, end);
    if (colon == end || *colon != ':')
        return false;
    const uint8_t *from = skip_blank(colon + 1, end);
    const uint8_t *to = skip_value(from, end);
    if (to == NULL)
        return false;
    *key = cht_bytes(p + 1, (size_t)(close - p) - 2);
    *value = cht_bytes(from, (size_t)(to - from));
    it->rest = cht_bytes(to, (size_t)(end - to));
    return true;
}

struct cht_bytes json_span_get(struct cht_bytes object, const char *key)
{
    struct json_span_iter it = json_span_iter(object);
    struct cht_bytes found = cht_bytes(NULL, 0), name, value;
    while (json_span_next(&it, &name, &value))
        if (cht_bytes_eq(name, cht_bytes_str(key)))
            found = value;
    return found;
}

struct cht_bytes json_span_raw(struct cht_bytes value)
{
    return value.len >= 2 && value.data[0] == '"' ? cht_bytes(value.data + 1, value.len - 2)
                                                  : cht_bytes(NULL, 0);
}

bool json_span_is(struct cht_bytes value, const char *word)
{
    return value.len >= 2 && value.data[0] == '"' &&
           cht_bytes_eq(json_span_raw(value), cht_bytes_str(word));
}

/* --- strings ------------------------------------------------------------------------------- */

struct json_span_strings json_span_strings(struct cht_bytes object)
{
    return (struct json_span_strings){ .at = object.data,
                                       .end = object.len == 0 ? object.data
                                                              : object.data + object.len };
}

bool json_span_string_next(struct json_span_strings *s, struct json_span_string *out)
{
    for (; s->at < s->end && *s->at != '"'; s->at++) {
        if (*s->at == ':')
            s->after_colon = true;
        else if (!is_blank(*s->at))
            s->after_colon = false;
    }
    const uint8_t *close = s->at < s->end ? skip_string(s->at, s->end) : NULL;
    if (close == NULL)
        return false;
    const uint8_t *behind = skip_blank(close, s->end);
    *out = (struct json_span_string){
        .raw = cht_bytes(s->at + 1, (size_t)(close - s->at) - 2),
        .key = s->after_colon ? s->key : cht_bytes(NULL, 0),
        .is_key = behind < s->end && *behind == ':',
    };
    if (out->is_key)
        s->key = out->raw;
    s->after_colon = false;
    s->at = close;
    return true;
}

/* Four hex digits; -1: they are none. */
static int hex4(const uint8_t *p, const uint8_t *end)
{
    int v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        const uint8_t c = p[i];
        const int lower = c | 0x20;
        if (is_digit(c))
            v = v * 16 + (c - '0');
        else if (lower >= 'a' && lower <= 'f')
            v = v * 16 + (lower - 'a' + 10);
        else
            return -1;
    }
    return v;
}

static enum cht_err put_utf8(uint32_t c, struct cht_buf *out)
{
    uint8_t b[4];
    size_t len = 1;
    if (c < 0x80) {
        b[0] = (uint8_t)c;
    } else if (c < 0x800) {
        b[0] = (uint8_t)(0xC0 | c >> 6);
        len = 2;
    } else if (c < 0x10000) {
        b[0] = (uint8_t)(0xE0 | c >> 12);
        len = 3;
    } else {
        b[0] = (uint8_t)(0xF0 | c >> 18);
        len = 4;
    }
    for (size_t i = 1; i < len; i++)
        b[i] = (uint8_t)(0x80 | (c >> (6 * (len - 1 - i)) & 0x3F));
    return cht_buf_add(out, cht_bytes(b, len));
}

/* The character of an escape \uXXXX, `*p` being at the first digit; moved behind it. */
static uint32_t take_unicode(const uint8_t **p, const uint8_t *end)
{
    const int high = hex4(*p, end);
    if (high < 0)
        return 0xFFFD;
    *p += 4;
    if (high < 0xD800 || high > 0xDFFF)
        return (uint32_t)high;
    if (high < 0xDC00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
        const int low = hex4(*p + 2, end);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *p += 6;
            return 0x10000u + ((uint32_t)(high - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
        }
    }
    return 0xFFFD;
}

enum cht_err json_span_text(struct cht_bytes raw, struct cht_buf *out)
{
    static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
    const uint8_t *p = raw.data, *end = raw.len == 0 ? raw.data : raw.data + raw.len;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && p < end) {
        const uint8_t *escape = memchr(p, '\\', (size_t)(end - p));
        const uint8_t *stop = escape == NULL ? end : escape;
        err = cht_buf_add(out, cht_bytes(p, (size_t)(stop - p)));
        p = stop;
        if (err != CHT_OK || end - p < 2)
            break;
        const uint8_t c = p[1];
        const char *letter = c == 0 ? NULL : strchr(letters, c);
        p += 2;
        if (c == 'u')
            err = put_utf8(take_unicode(&p, end), out);
        else
            err = cht_buf_add_u8(out, letter == NULL ? c : (uint8_t)meant[letter - letters]);
    }
    return err;
}

enum cht_err json_span_escape(struct cht_bytes text, struct cht_buf *out)
{
    static const char hex[] = "0123456789abcdef";
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < text.len; i++) {
        const uint8_t c = text.data[i];
        if (c == '"' || c == '\\') {
            const uint8_t pair[2] = { '\\', c };
            err = cht_buf_add(out, cht_bytes(pair, sizeof pair));
        } else if (c == '\n') {
            err = cht_buf_add(out, cht_bytes("\\n", 2));
        } else if (c == '\t') {
            err = cht_buf_add(out, cht_bytes("\\t", 2));
        } else if (c == '\r') {
            err = cht_buf_add(out, cht_bytes("\\r", 2));
        } else if (c < 0x20) {
            const char code[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
            err = cht_buf_add(out, cht_bytes(code, sizeof code));
        } else {
            err = cht_buf_add_u8(out, c);
        }
    }
    return err;
}
