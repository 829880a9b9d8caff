/* Where in a text a child is put in, and how it is taken out again: the one is the inverse of the
 * other. A container is met in one of four forms:
 *
 *     {            {            { "a": 1 }       {}
 *       "a": 1     }
 *     }
 *  children on    none, on     on the opening   none, on one
 *  their lines    its lines    bracket's line   line
 *
 * A line is put in behind that of the opening bracket (the first two); else the child stands behind
 * the bracket, before what was there. */
#include "bridges/claude/edit.h"

#include <assert.h>
#include <stdlib.h>

#define TEXT_MAX (JSONC_BYTES_MAX + 256u * 1024u)

/* --- the text -------------------------------------------------------------------------------- */

enum cht_err edit_begin(struct cht_bytes text, struct edit_text *out)
{
    struct edit_text t = { 0 };
    cht_buf_init(&t.text, TEXT_MAX);
    enum cht_err err = cht_buf_add(&t.text, text);
    if (err == CHT_OK)
        *out = t;
    return err;
}

void edit_clear(struct edit_text *t)
{
    cht_buf_clear(&t->text);
    t->piece_count = 0;
}

enum cht_err edit_replace(struct edit_text *t, size_t from, size_t to, struct cht_bytes bytes)
{
    assert(from <= to && to <= t->text.len);
    enum cht_err err = cht_buf_reserve(&t->text, bytes.len);
    if (err != CHT_OK)
        return err;
    uint8_t *at = t->text.data + from;
    if (t->text.len > to)
        memmove(at + bytes.len, t->text.data + to, t->text.len - to);
    if (bytes.len > 0)
        memcpy(at, bytes.data, bytes.len);
    t->text.len = t->text.len - (to - from) + bytes.len;
    return CHT_OK;
}

/* Put bytes in and remember them: in a piece, at its ends or between two. */
static enum cht_err insert(struct edit_text *t, size_t at, struct cht_bytes bytes)
{
    size_t place = 0;
    while (place < t->piece_count && t->pieces[place].at + t->pieces[place].len < at)
        place++;
    const bool within = place < t->piece_count && t->pieces[place].at <= at;
    if (!within && t->piece_count == EDIT_PIECES_MAX)
        return CHT_E_LIMIT;
    enum cht_err err = edit_replace(t, at, at, bytes);
    if (err != CHT_OK)
        return err;
    for (size_t i = place + within; i < t->piece_count; i++)
        t->pieces[i].at += bytes.len;
    if (within) {
        t->pieces[place].len += bytes.len;
        return CHT_OK;
    }
    memmove(t->pieces + place + 1, t->pieces + place,
            (t->piece_count - place) * sizeof t->pieces[0]);
    t->pieces[place] = (struct edit_piece){ .at = at, .len = bytes.len };
    t->piece_count++;
    return CHT_OK;
}

enum cht_err edit_parse(const struct edit_text *t, struct node_fault *fault, struct jsonc *out)
{
    size_t at = 0;
    const struct cht_bytes text = cht_buf_view(&t->text);
    const enum cht_err err = jsonc_parse(text, &at, out);
    return err == CHT_E_MALFORMED
               ? node_fault_set(fault, err, cht_bytes(NULL, 0), "it is no JSON from line %u on",
                                jsonc_line(text, at))
           : err != CHT_OK ? node_fault_from(fault, err, NULL)
                           : CHT_OK;
}

static size_t path_len(const struct edit_path *path)
{
    size_t n = 0;
    while (n < sizeof path->keys / sizeof path->keys[0] && path->keys[n] != NULL)
        n++;
    return n;
}

/* As far as the path exists: *out_used keys of it. */
static uint32_t walk(const struct jsonc *j, const struct edit_path *path, size_t *out_used)
{
    uint32_t node = j->count == 0 ? JSONC_NONE : 0;
    size_t used = 0;
    while (node != JSONC_NONE && used < path_len(path)) {
        const uint32_t member = jsonc_member(j, node, path->keys[used]);
        if (member == JSONC_NONE)
            break;
        node = member;
        used++;
    }
    *out_used = used;
    return node;
}

uint32_t edit_find(const struct jsonc *j, const struct edit_path *path)
{
    size_t used = 0;
    const uint32_t node = walk(j, path, &used);
    return used == path_len(path) ? node : JSONC_NONE;
}

/* --- layout ---------------------------------------------------------------------------------- */

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* The blanks that a position's line begins with. */
static struct cht_bytes line_indent(struct cht_bytes text, size_t at)
{
    size_t from = at;
    while (from > 0 && text.data[from - 1] != '\n')
        from--;
    if (from == 0 && text.len >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0)
        from = 3;
    size_t to = from;
    while (to < at && is_space(text.data[to]))
        to++;
    return cht_bytes(text.data + from, to - from);
}

static bool has_newline(struct cht_bytes text, size_t from, size_t to)
{
    return from < to && memchr(text.data + from, '\n', to - from) != NULL;
}

/* Behind the first line end between an opening bracket and `end`, where only blanks and comments
 * stand; SIZE_MAX: there is none outside of a comment in stars. */
static size_t behind_line(struct cht_bytes text, size_t at, size_t end)
{
    while (at < end) {
        if (text.data[at] == '\n')
            return at + 1;
        if (is_space(text.data[at]) || text.data[at] == '\r') {
            at++;
            continue;
        }
        const bool line = at + 1 < end && text.data[at + 1] == '/';
        size_t to = line ? at + 2 : at + 3;
        for (; to < end &&
               (line ? text.data[to] != '\n' : text.data[to - 1] != '*' || text.data[to] != '/');
             to++)
            continue;
        at = line ? to : to + 1;
    }
    return SIZE_MAX;
}

struct edit_style edit_style_of(const struct jsonc *j)
{
    struct edit_style style = { .newline = "\n", .unit = cht_bytes_str("  ") };
    const uint8_t *end = j->text.len == 0 ? NULL : memchr(j->text.data, '\n', j->text.len);
    if (end != NULL && end > j->text.data && end[-1] == '\r')
        style.newline = "\r\n";
    if (j->count < 2)
        return style;
    const struct jsonc_node *root = &j->nodes[0], *first = &j->nodes[1];
    style.compact = !has_newline(j->text, root->from, root->to);
    const size_t start = jsonc_start(first);
    if (has_newline(j->text, root->from, start))
        style.unit = line_indent(j->text, start);
    return style;
}

/* --- putting in ------------------------------------------------------------------------------ */

struct place {
    const struct jsonc *j;
    struct edit_style style;
    const struct jsonc_node *in; /* the container */
    const char *key;             /* of the child; NULL: in an array */
};

/* The child, its first line not indented. */
static enum cht_err lay_child(const struct place *p, const json_t *value, struct cht_bytes indent,
                              struct cht_buf *out)
{
    const size_t before = out->len;
    enum cht_err err = CHT_OK;
    if (p->key != NULL) {
        json_t *key = json_string(p->key);
        err = key == NULL ? CHT_E_NOMEM : edit_lay(key, &p->style, indent, 0, out);
        json_decref(key);
        if (err == CHT_OK)
            err = cht_buf_add(out, cht_bytes_str(p->style.compact ? ":" : ": "));
    }
    return err == CHT_OK ? edit_lay(value, &p->style, indent, indent.len + out->len - before, out)
                         : err;
}

/* On a line of its own, before the line at `at`. */
static enum cht_err lay_as_line(const struct place *p, const json_t *value, struct cht_bytes indent,
                                bool comma, struct cht_buf *out)
{
    enum cht_err err = cht_buf_add(out, indent);
    if (err == CHT_OK)
        err = lay_child(p, value, indent, out);
    if (err == CHT_OK && comma)
        err = cht_buf_add(out, cht_bytes_str(","));
    return err == CHT_OK ? cht_buf_add(out, cht_bytes_str(p->style.newline)) : err;
}

static enum cht_err lay_in(struct place *p, const json_t *value, struct cht_buf *indent,
                           struct cht_buf *out, size_t *out_at)
{
    const struct cht_bytes text = p->j->text, outer = line_indent(text, p->in->from);
    const bool empty = p->in->first == JSONC_NONE;
    const size_t first = empty ? p->in->to - 1 : jsonc_start(&p->j->nodes[p->in->first]);
    const size_t line = behind_line(text, p->in->from + 1, first);
    enum cht_err err = CHT_OK;
    if (line != SIZE_MAX && !empty) {
        *out_at = line;
        return lay_as_line(p, value, line_indent(text, first), true, out);
    }
    if (!empty) { /* before the first one, with the blanks between the bracket and it */
        size_t blank = first;
        while (blank > p->in->from + 1 && is_space(text.data[blank - 1]))
            blank--;
        *out_at = first;
        p->style.compact = p->style.compact || !has_newline(text, p->in->from, p->in->to);
        err = lay_child(p, value, outer, out);
        if (err == CHT_OK)
            err = cht_buf_add(out, cht_bytes_str(","));
        return err == CHT_OK ? cht_buf_add(out, cht_bytes(text.data + blank, first - blank)) : err;
    }
    err = cht_buf_add(indent, outer);
    if (err == CHT_OK)
        err = cht_buf_add(indent, p->style.unit);
    *out_at = line == SIZE_MAX ? p->in->from + 1 : line;
    if (err == CHT_OK && p->style.compact)
        return lay_child(p, value, cht_buf_view(indent), out);
    if (err == CHT_OK && line == SIZE_MAX)
        err = cht_buf_add(out, cht_bytes_str(p->style.newline));
    if (err == CHT_OK)
        err = lay_as_line(p, value, cht_buf_view(indent), false, out);
    return err == CHT_OK && line == SIZE_MAX ? cht_buf_add(out, outer) : err;
}

/* The value with the containers around it that are missing: keys from `from` on. */
static json_t *wrap(const json_t *value, const struct edit_path *path, size_t from, bool append)
{
    json_t *all = json_deep_copy(value);
    if (append)
        all = json_pack("[o]", all);
    for (size_t i = path_len(path); all != NULL && i > from; i--)
        all = json_pack("{so}", path->keys[i - 1], all);
    return all;
}

/* A document of its own, at the end of a text that has none. */
static enum cht_err add_document(struct edit_text *t, const struct edit_style *style,
                                 const json_t *value)
{
    struct cht_buf out;
    cht_buf_init(&out, TEXT_MAX);
    const bool ended = t->text.len == 0 || t->text.data[t->text.len - 1] == '\n' ||
                       (t->text.len == 3 && t->text.data[0] == 0xEF); /* a byte order mark alone */
    enum cht_err err = ended ? CHT_OK : cht_buf_add(&out, cht_bytes_str(style->newline));
    if (err == CHT_OK)
        err = edit_lay(value, style, cht_bytes(NULL, 0), SIZE_MAX / 2, &out);
    if (err == CHT_OK)
        err = cht_buf_add(&out, cht_bytes_str(style->newline));
    if (err == CHT_OK)
        err = insert(t, t->text.len, cht_buf_view(&out));
    cht_buf_clear(&out);
    return err;
}

static enum cht_err refuse(const struct edit_path *path, size_t used, const char *what,
                           struct node_fault *fault)
{
    char name[128] = "";
    for (size_t i = 0; i < used; i++) {
        (void)strncat(name, i == 0 ? "" : ".", sizeof name - strlen(name) - 1);
        (void)strncat(name, path->keys[i], sizeof name - strlen(name) - 1);
    }
    return node_fault_set(fault, CHT_E_INVALID, cht_bytes(NULL, 0), "%s in it is no %s",
                          used == 0 ? "what is" : name, what);
}

static enum cht_err add(struct edit_text *t, const struct jsonc *j, const struct edit_path *path,
                        bool append, const json_t *value, struct node_fault *fault)
{
    size_t used = 0, at = 0;
    const uint32_t node = walk(j, path, &used);
    const bool whole = used == path_len(path);
    struct cht_buf indent, out;
    if (node != JSONC_NONE && whole && !append)
        return CHT_E_EXISTS;
    if (node != JSONC_NONE && whole && j->nodes[node].kind != JSONC_ARRAY)
        return refuse(path, used, "list", fault);
    if (node != JSONC_NONE && !whole && j->nodes[node].kind != JSONC_OBJECT)
        return refuse(path, used, "object", fault);
    struct place p = { .j = j,
                       .style = edit_style_of(j),
                       .in = node == JSONC_NONE ? NULL : &j->nodes[node],
                       .key = whole ? NULL : path->keys[used] };
    json_t *all = wrap(value, path, node == JSONC_NONE ? 0 : used + !whole, append && !whole);
    if (all == NULL)
        return CHT_E_NOMEM;
    cht_buf_init(&indent, 64u * 1024u);
    cht_buf_init(&out, TEXT_MAX);
    enum cht_err err = CHT_OK;
    if (p.in == NULL)
        err = add_document(t, &p.style, all);
    else
        err = lay_in(&p, all, &indent, &out, &at);
    if (err == CHT_OK && p.in != NULL)
        err = insert(t, at, cht_buf_view(&out));
    cht_buf_clear(&indent);
    cht_buf_clear(&out);
    json_decref(all);
    return err;
}

enum cht_err edit_add(struct edit_text *t, const struct edit_path *path, bool append,
                      const json_t *value, struct node_fault *fault)
{
    struct jsonc j;
    enum cht_err err = edit_parse(t, fault, &j);
    if (err != CHT_OK)
        return err;
    err = add(t, &j, path, append, value, fault);
    jsonc_clear(&j);
    return err == CHT_OK || err == CHT_E_EXISTS || err == CHT_E_INVALID
               ? err
               : node_fault_from(fault, err, NULL);
}

static enum cht_err set(struct edit_text *t, const struct jsonc *j, uint32_t node,
                        const json_t *value)
{
    const struct jsonc_node *n = &j->nodes[node];
    struct edit_style style = edit_style_of(j);
    struct cht_buf out;
    json_t *was = jsonc_value(j, node);
    const bool same = was != NULL && json_equal(was, value);
    json_decref(was);
    if (same)
        return CHT_OK;
    cht_buf_init(&out, TEXT_MAX);
    enum cht_err err = edit_lay(value, &style, line_indent(j->text, n->from), 0, &out);
    if (err == CHT_OK)
        err = edit_replace(t, n->from, n->to, cht_buf_view(&out));
    cht_buf_clear(&out);
    return err;
}

enum cht_err edit_set(struct edit_text *t, const struct edit_path *path, const json_t *value,
                      struct node_fault *fault)
{
    struct jsonc j;
    enum cht_err err = edit_parse(t, fault, &j);
    if (err != CHT_OK)
        return err;
    const uint32_t node = edit_find(&j, path);
    if (node != JSONC_NONE)
        err = node_fault_from(fault, set(t, &j, node, value), NULL);
    jsonc_clear(&j);
    return node != JSONC_NONE ? err : edit_add(t, path, false, value, fault);
}

/* --- taking out ------------------------------------------------------------------------------ */

/* Widen a run to whole lines where nothing else stands on them; else to the blanks behind it. */
static void widen(struct cht_bytes text, size_t *from, size_t *to)
{
    size_t start = *from, end = *to;
    while (start > 0 && is_space(text.data[start - 1]))
        start--;
    while (end < text.len && is_space(text.data[end]))
        end++;
    const bool begins = start == 0 || text.data[start - 1] == '\n';
    const size_t blank = end;
    if (end < text.len && text.data[end] == '\r')
        end++;
    if (begins && end < text.len && text.data[end] == '\n') {
        *from = start;
        *to = end + 1;
    } else if (!begins && blank < text.len && text.data[blank] != '\n' && text.data[blank] != '\r')
        *to = blank;
}

enum cht_err edit_take(struct edit_text *t, const struct jsonc *j, uint32_t node)
{
    const struct jsonc_node *n = &j->nodes[node];
    size_t from = jsonc_start(n), to = n->comma == SIZE_MAX ? n->to : n->comma + 1;
    if (n->comma == SIZE_MAX && n->prev != JSONC_NONE) {
        /* the last one: the comma before it goes, and what stands between the two stays */
        const size_t comma = j->nodes[n->prev].comma;
        size_t between = comma + 1;
        while (between < from && is_space(j->text.data[between]))
            between++;
        if (between == from)
            return edit_replace(t, comma, to, cht_bytes(NULL, 0));
        widen(j->text, &from, &to);
        enum cht_err err = edit_replace(t, from, to, cht_bytes(NULL, 0));
        return err == CHT_OK ? edit_replace(t, comma, comma + 1, cht_bytes(NULL, 0)) : err;
    }
    widen(j->text, &from, &to);
    return edit_replace(t, from, to, cht_bytes(NULL, 0));
}
