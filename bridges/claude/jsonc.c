/* A scanner that walks the text once, without recursion: what is open is found by parents. */
#include "bridges/claude/jsonc.h"

#include <stdlib.h>

enum state {
    WANT_VALUE,  /* the whole value */
    WANT_FIRST,  /* behind an opening bracket: a child, or the end */
    WANT_NEXT,   /* behind a comma: a child, or the end */
    AFTER_VALUE, /* a comma, or the end */
};

struct scan {
    struct jsonc *j;
    size_t at;
    uint32_t open; /* the container that is open */
    unsigned depth;
    enum state state;
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Over one comment; SIZE_MAX: it does not end. */
static size_t skip_comment(struct cht_bytes text, size_t at, size_t end)
{
    const bool line = text.data[at + 1] == '/';
    for (at += 2; at < end; at++) {
        if (line && text.data[at] == '\n')
            return at;
        if (!line && text.data[at] == '*' && at + 1 < end && text.data[at + 1] == '/')
            return at + 2;
    }
    return line ? end : SIZE_MAX;
}

static bool is_comment(struct cht_bytes text, size_t at, size_t end)
{
    return at + 1 < end && text.data[at] == '/' &&
           (text.data[at + 1] == '/' || text.data[at + 1] == '*');
}

size_t jsonc_skip(struct cht_bytes text, size_t at, size_t end)
{
    while (at < end) {
        if (is_blank(text.data[at]))
            at++;
        else if (is_comment(text, at, end)) {
            const size_t behind = skip_comment(text, at, end);
            if (behind == SIZE_MAX)
                return at; /* the slash is then what is wrong */
            at = behind;
        } else
            break;
    }
    return at;
}

unsigned jsonc_line(struct cht_bytes text, size_t at)
{
    unsigned line = 1;
    for (size_t i = 0; i < at && i < text.len; i++)
        line += text.data[i] == '\n';
    return line;
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Over a string that begins here; false: it is none, and `at` stands where that shows. */
static bool scan_string(struct scan *s)
{
    const struct cht_bytes text = s->j->text;
    if (s->at >= text.len || text.data[s->at] != '"')
        return false;
    for (s->at++; s->at < text.len; s->at++) {
        const uint8_t c = text.data[s->at];
        if (c == '"') {
            s->at++;
            return true;
        }
        if (c < 0x20)
            return false;
        if (c != '\\')
            continue;
        const uint8_t e = s->at + 1 < text.len ? text.data[s->at + 1] : 0;
        if (e == '\0' || strchr("\"\\/bfnrtu", e) == NULL)
            return false;
        s->at++;
        for (unsigned i = 0; e == 'u' && i < 4; i++) {
            if (s->at + 1 >= text.len || !is_hex(text.data[s->at + 1]))
                return false;
            s->at++;
        }
    }
    return false;
}

static size_t digits(struct scan *s)
{
    const size_t from = s->at;
    while (s->at < s->j->text.len && s->j->text.data[s->at] >= '0' && s->j->text.data[s->at] <= '9')
        s->at++;
    return s->at - from;
}

static bool here(const struct scan *s, const char *any)
{
    return s->at < s->j->text.len && s->j->text.data[s->at] != '\0' &&
           strchr(any, s->j->text.data[s->at]) != NULL;
}

/* RFC 8259 section 6 */
static bool scan_number(struct scan *s)
{
    s->at += here(s, "-");
    const bool zero = here(s, "0");
    const size_t whole = digits(s);
    if (whole == 0 || (zero && whole > 1))
        return false;
    if (here(s, ".")) {
        s->at++;
        if (digits(s) == 0)
            return false;
    }
    if (here(s, "eE")) {
        s->at++;
        s->at += here(s, "+-");
        return digits(s) > 0;
    }
    return true;
}

static bool scan_word(struct scan *s)
{
    static const char *const words[] = { "true", "false", "null" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const size_t len = strlen(words[i]);
        if (s->j->text.len - s->at >= len && memcmp(s->j->text.data + s->at, words[i], len) == 0) {
            s->at += len;
            return true;
        }
    }
    return false;
}

static enum cht_err add_node(struct scan *s, struct jsonc_node node, uint32_t *out)
{
    struct jsonc *j = s->j;
    if (j->count == j->cap) {
        const uint32_t cap = j->cap == 0 ? 64 : j->cap * 2; /* the text's length bounds it */
        struct jsonc_node *more = realloc(j->nodes, cap * sizeof *more);
        if (more == NULL)
            return CHT_E_NOMEM;
        j->nodes = more;
        j->cap = cap;
    }
    const uint32_t index = j->count++;
    node.parent = s->open;
    node.first = node.last = node.next = node.prev = JSONC_NONE;
    node.comma = SIZE_MAX;
    if (s->open != JSONC_NONE) {
        struct jsonc_node *parent = &j->nodes[s->open];
        node.prev = parent->last;
        if (parent->last == JSONC_NONE)
            parent->first = index;
        else
            j->nodes[parent->last].next = index;
        parent->last = index;
    }
    j->nodes[index] = node;
    *out = index;
    return CHT_OK;
}

/* The value that begins here, whose key was read before. */
static enum cht_err scan_value(struct scan *s, size_t key, size_t key_end)
{
    struct jsonc_node node = { .key = key, .key_end = key_end, .from = s->at };
    uint32_t index = JSONC_NONE;
    if (s->at >= s->j->text.len)
        return CHT_E_MALFORMED;
    const uint8_t c = s->j->text.data[s->at];
    if (c == '{' || c == '[') {
        node.kind = c == '{' ? JSONC_OBJECT : JSONC_ARRAY;
        if (++s->depth > JSONC_DEPTH_MAX)
            return CHT_E_LIMIT;
        s->at++;
        enum cht_err err = add_node(s, node, &index);
        if (err == CHT_OK)
            s->open = index;
        s->state = WANT_FIRST;
        return err;
    }
    node.kind = c == '"'                             ? JSONC_STRING
                : c == '-' || (c >= '0' && c <= '9') ? JSONC_NUMBER
                                                     : JSONC_WORD;
    const bool good = node.kind == JSONC_STRING   ? scan_string(s)
                      : node.kind == JSONC_NUMBER ? scan_number(s)
                                                  : scan_word(s);
    if (!good)
        return CHT_E_MALFORMED;
    node.to = s->at;
    s->state = AFTER_VALUE;
    return add_node(s, node, &index);
}

/* `"key":` where the open container has such, and the value. */
static enum cht_err scan_child(struct scan *s)
{
    const struct cht_bytes text = s->j->text;
    if (s->open == JSONC_NONE || s->j->nodes[s->open].kind == JSONC_ARRAY)
        return scan_value(s, 0, 0);
    const size_t key = s->at;
    if (!scan_string(s))
        return CHT_E_MALFORMED;
    const size_t key_end = s->at;
    s->at = jsonc_skip(text, s->at, text.len);
    if (!here(s, ":"))
        return CHT_E_MALFORMED;
    s->at = jsonc_skip(text, s->at + 1, text.len);
    return scan_value(s, key, key_end);
}

static bool closes(struct scan *s)
{
    if (s->open == JSONC_NONE || s->state == WANT_VALUE)
        return false;
    struct jsonc_node *open = &s->j->nodes[s->open];
    if (!here(s, open->kind == JSONC_OBJECT ? "}" : "]"))
        return false;
    s->at++;
    open->to = s->at;
    s->open = open->parent;
    s->depth--;
    s->state = AFTER_VALUE;
    return true;
}

static enum cht_err scan(struct scan *s)
{
    const struct cht_bytes text = s->j->text;
    enum cht_err err = CHT_OK;
    if (text.len >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0)
        s->at = 3;
    for (s->at = jsonc_skip(text, s->at, text.len); err == CHT_OK && s->at < text.len;
         s->at = err == CHT_OK ? jsonc_skip(text, s->at, text.len) : s->at) {
        if (closes(s))
            continue;
        if (s->state != AFTER_VALUE)
            err = scan_child(s);
        else if (s->open != JSONC_NONE && here(s, ",")) {
            s->j->nodes[s->j->nodes[s->open].last].comma = s->at++;
            s->state = WANT_NEXT;
        } else
            err = CHT_E_MALFORMED;
    }
    if (err == CHT_OK && (s->open != JSONC_NONE || (s->j->count > 0 && s->state != AFTER_VALUE)))
        err = CHT_E_MALFORMED;
    return err;
}

enum cht_err jsonc_parse(struct cht_bytes text, size_t *out_at, struct jsonc *out)
{
    struct jsonc j = { .text = text };
    struct scan s = { .j = &j, .open = JSONC_NONE, .state = WANT_VALUE };
    const enum cht_err err = text.len > JSONC_BYTES_MAX ? CHT_E_LIMIT : scan(&s);
    if (err != CHT_OK) {
        free(j.nodes);
        if (out_at != NULL)
            *out_at = s.at;
        return err;
    }
    *out = j;
    return CHT_OK;
}

void jsonc_clear(struct jsonc *j)
{
    free(j->nodes);
    *j = (struct jsonc){ 0 };
}

size_t jsonc_start(const struct jsonc_node *node)
{
    return node->key < node->key_end ? node->key : node->from;
}

static json_t *decode(const struct jsonc *j, size_t from, size_t to, size_t how)
{
    return json_loadb((const char *)j->text.data + from, to - from,
                      JSON_DECODE_ANY | JSON_ALLOW_NUL | how, NULL);
}

json_t *jsonc_key(const struct jsonc *j, uint32_t node)
{
    const struct jsonc_node *n = &j->nodes[node];
    return n->key < n->key_end ? decode(j, n->key, n->key_end, 0) : NULL;
}

bool jsonc_key_is(const struct jsonc *j, uint32_t node, const char *key)
{
    json_t *own = jsonc_key(j, node);
    const bool is = own != NULL && strlen(key) == json_string_length(own) &&
                    strcmp(json_string_value(own), key) == 0;
    json_decref(own);
    return is;
}

uint32_t jsonc_member(const struct jsonc *j, uint32_t object, const char *key)
{
    if (object >= j->count || j->nodes[object].kind != JSONC_OBJECT)
        return JSONC_NONE;
    for (uint32_t i = j->nodes[object].last; i != JSONC_NONE; i = j->nodes[i].prev) {
        if (jsonc_key_is(j, i, key))
            return i;
    }
    return JSONC_NONE;
}

json_t *jsonc_value(const struct jsonc *j, uint32_t node)
{
    const struct jsonc_node *n = &j->nodes[node];
    if (n->kind != JSONC_OBJECT && n->kind != JSONC_ARRAY) {
        json_t *value = decode(j, n->from, n->to, 0);
        return value != NULL || n->kind != JSONC_NUMBER /* one of more than 63 bits */
                   ? value
                   : decode(j, n->from, n->to, JSON_DECODE_INT_AS_REAL);
    }
    json_t *all = n->kind == JSONC_OBJECT ? json_object() : json_array();
    bool good = all != NULL;
    for (uint32_t i = n->first; good && i != JSONC_NONE; i = j->nodes[i].next) {
        json_t *value = jsonc_value(j, i); /* JSONC_DEPTH_MAX bounds it */
        json_t *key = n->kind == JSONC_OBJECT ? jsonc_key(j, i) : NULL;
        if (n->kind == JSONC_ARRAY)
            good = json_array_append_new(all, value) == 0;
        else if (key != NULL)
            good = json_object_set_new(all, json_string_value(key), value) == 0;
        else {
            json_decref(value);
            good = false;
        }
        json_decref(key);
    }
    if (!good) {
        json_decref(all);
        return NULL;
    }
    return all;
}
