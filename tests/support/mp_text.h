#ifndef TESTS_SUPPORT_MP_TEXT_H
#define TESTS_SUPPORT_MP_TEXT_H
/* msgpack for tests, written as JSON with single quotes: {'a': [1, -2, true, null, 'b']}. */
#include "crdt/base/buf.h"
#include "crdt/mp.h"

#include <stdlib.h>

/* Append the value at `at` and return what follows it. A mistake in the text ends the test. */
static inline const char *mp_text_put(struct cht_buf *b, const char *at)
{
    enum cht_err err = CHT_OK;
    while (*at == ' ' || *at == ':' || *at == ',')
        at++;
    if (*at == '{' || *at == '[') {
        const char close = *at == '{' ? '}' : ']';
        struct cht_buf inner;
        uint32_t count = 0;
        cht_buf_init(&inner, b->limit);
        for (at++; *at != close; count++) {
            at = mp_text_put(&inner, at);
            while (*at == ' ' || *at == ':' || *at == ',')
                at++;
        }
        err = close == '}' ? crdt_mp_put_map(b, count / 2) : crdt_mp_put_array(b, count);
        if (err == CHT_OK)
            err = cht_buf_add(b, cht_buf_view(&inner));
        cht_buf_clear(&inner);
        at++;
    } else if (*at == '\'') {
        const char *end = strchr(at + 1, '\'');
        if (end == NULL)
            abort();
        err = crdt_mp_put_str(b, cht_bytes(at + 1, (size_t)(end - at - 1)));
        at = end + 1;
    } else if (strncmp(at, "null", 4) == 0) {
        err = crdt_mp_put_nil(b);
        at += 4;
    } else if (strncmp(at, "true", 4) == 0 || strncmp(at, "false", 5) == 0) {
        err = crdt_mp_put_bool(b, *at == 't');
        at += *at == 't' ? 4 : 5;
    } else {
        char *end;
        const long long number = strtoll(at, &end, 10);
        if (end == at)
            abort();
        if (*end == '.')
            err = crdt_mp_put_float(b, strtod(at, &end));
        else
            err = number < 0 ? crdt_mp_put_int(b, number)
                             : crdt_mp_put_uint(b, (unsigned long long)number);
        at = end;
    }
    if (err != CHT_OK)
        abort();
    return at;
}

/* The msgpack of a text, appended to `b`; the span is good until `b` grows. */
static inline struct cht_bytes mp_of(struct cht_buf *b, const char *text)
{
    const size_t start = b->len;
    (void)mp_text_put(b, text);
    return cht_bytes(b->data + start, b->len - start);
}

#endif
