/* Names and sentences of the error codes; no logic. */
#include "crdt/base/err.h"

#include <string.h>

struct err_row {
    const char *code;
    const char *text;
    bool retry;
};

static const struct err_row rows[CHT_ERR_COUNT] = {
#define X(name, code, text, retry) [name] = { code, text, retry },
    CHT_ERRORS(X)
#undef X
};

static const struct err_row *row_of(enum cht_err err)
{
    return (unsigned)err < CHT_ERR_COUNT ? &rows[err] : &rows[CHT_E_INTERNAL];
}

const char *cht_err_code(enum cht_err err)
{
    return row_of(err)->code;
}

const char *cht_err_text(enum cht_err err)
{
    return row_of(err)->text;
}

bool cht_err_retryable(enum cht_err err)
{
    return row_of(err)->retry;
}

const char *cht_error_text(const struct cht_error *e)
{
    return e->text[0] != '\0' ? e->text : cht_err_text(e->code);
}

enum cht_err cht_fail(struct cht_error *e, enum cht_err code, const char *text)
{
    if (e == NULL)
        return code;
    size_t len = strlen(text);
    if (len >= sizeof e->text)
        len = sizeof e->text - 1;
    *e = (struct cht_error){ .code = code };
    memcpy(e->text, text, len);
    e->text[len] = '\0';
    return code;
}
