/* JSON laid out as the text around it. */
#include "bridges/claude/edit.h"

#include <stdlib.h>

#define WIDTH 100u

struct lay {
    const struct edit_style *style;
    struct cht_buf indent;
    struct cht_buf *out;
};

static enum cht_err put(struct cht_buf *out, const char *text)
{
    return cht_buf_add(out, cht_bytes_str(text));
}

/* One line: { "a": 1, "b": [2] }, or without any blank. */
static enum cht_err lay_line(const json_t *v, bool compact, struct cht_buf *out)
{
    const bool object = json_is_object(v), array = json_is_array(v);
    enum cht_err err = CHT_OK;
    if (!object && !array) {
        char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
        err = text == NULL ? CHT_E_NOMEM : put(out, text);
        free(text);
        return err;
    }
    const size_t count = object ? json_object_size(v) : json_array_size(v);
    const char *pad = compact || !object || count == 0 ? "" : " ";
    err = put(out, object ? "{" : "[");
    if (err == CHT_OK)
        err = put(out, pad);
    void *at = object ? json_object_iter((json_t *)(uintptr_t)v) : NULL;
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        const json_t *child = object ? json_object_iter_value(at) : json_array_get(v, i);
        if (i > 0)
            err = put(out, compact ? "," : ", ");
        json_t *key = object ? json_string(json_object_iter_key(at)) : NULL;
        if (err == CHT_OK && object)
            err = key == NULL ? CHT_E_NOMEM : lay_line(key, compact, out);
        json_decref(key);
        if (err == CHT_OK && object)
            err = put(out, compact ? ":" : ": ");
        if (err == CHT_OK)
            err = lay_line(child, compact, out);
        if (object)
            at = json_object_iter_next((json_t *)(uintptr_t)v, at);
    }
    if (err == CHT_OK)
        err = put(out, pad);
    return err == CHT_OK ? put(out, object ? "}" : "]") : err;
}

static enum cht_err new_line(struct lay *l)
{
    enum cht_err err = put(l->out, l->style->newline);
    return err == CHT_OK ? cht_buf_add(l->out, cht_buf_view(&l->indent)) : err;
}

static enum cht_err lay_value(struct lay *l, const json_t *v, size_t column);

static enum cht_err lay_child(struct lay *l, const char *key, const json_t *child)
{
    size_t column = l->indent.len;
    enum cht_err err = new_line(l);
    if (err == CHT_OK && key != NULL) {
        const size_t before = l->out->len;
        json_t *text = json_string(key);
        err = text == NULL ? CHT_E_NOMEM : lay_line(text, false, l->out);
        json_decref(text);
        if (err == CHT_OK)
            err = put(l->out, ": ");
        column += l->out->len - before;
    }
    return err == CHT_OK ? lay_value(l, child, column) : err;
}

static enum cht_err lay_value(struct lay *l, const json_t *v, size_t column)
{
    const size_t before = l->out->len;
    const bool object = json_is_object(v);
    enum cht_err err = lay_line(v, l->style->compact, l->out);
    if (err != CHT_OK || l->style->compact || column + l->out->len - before <= WIDTH ||
        (!object && !json_is_array(v)))
        return err;
    l->out->len = before; /* too wide: a line for each child */
    const size_t outer = l->indent.len;
    err = put(l->out, object ? "{" : "[");
    if (err == CHT_OK)
        err = cht_buf_add(&l->indent, l->style->unit);
    const size_t count = object ? json_object_size(v) : json_array_size(v);
    void *at = object ? json_object_iter((json_t *)(uintptr_t)v) : NULL;
    for (size_t i = 0; err == CHT_OK && i < count; i++) {
        if (i > 0)
            err = put(l->out, ",");
        if (err == CHT_OK)
            err = object ? lay_child(l, json_object_iter_key(at), json_object_iter_value(at))
                         : lay_child(l, NULL, json_array_get(v, i));
        if (object)
            at = json_object_iter_next((json_t *)(uintptr_t)v, at);
    }
    l->indent.len = outer;
    if (err == CHT_OK)
        err = new_line(l);
    return err == CHT_OK ? put(l->out, object ? "}" : "]") : err;
}

enum cht_err edit_lay(const json_t *value, const struct edit_style *style, struct cht_bytes indent,
                      size_t column, struct cht_buf *out)
{
    struct lay l = { .style = style, .out = out };
    cht_buf_init(&l.indent, 64u * 1024u);
    enum cht_err err = cht_buf_add(&l.indent, indent);
    if (err == CHT_OK)
        err = lay_value(&l, value, column);
    cht_buf_clear(&l.indent);
    return err;
}
