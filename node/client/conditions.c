/* The form of the conditions of reads; see conditions.h (LOCAL 4.10 to 4.13). */
#include "node/client/conditions.h"

#include "crdt/limits.h"
#include "node/client/request.h"

#include <assert.h>

static const char *const op_words[] = {
#define X(sym, word, many) [sym] = (word),
    NODE_COND_OPS(X)
#undef X
        NULL
};
static const bool op_many[] = {
#define X(sym, word, many) [sym] = (many),
    NODE_COND_OPS(X)
#undef X
};
static const char *const is_words[] = {
#define X(sym, word, doc, todo) [sym] = (word),
    NODE_IS_WORDS(X)
#undef X
        NULL
};
static const bool is_todo[] = {
#define X(sym, word, doc, todo) [sym] = (todo),
    NODE_IS_WORDS(X)
#undef X
};

const struct crdt_field node_field_modified = { .number = UINT16_MAX,
                                                .kind = CRDT_REGISTER,
                                                .value = CRDT_V_TIME,
                                                .name = "modified",
                                                .doc = "when any of it was changed last" };

const char *node_cond_op_word(enum node_cond_op op)
{
    assert((unsigned)op < NODE_COND_OP_COUNT);
    return op_words[op];
}

const char *node_is_word(enum node_is_word word)
{
    assert((unsigned)word < NODE_IS_COUNT);
    return is_words[word];
}

bool node_status_finished(struct cht_bytes status)
{
    static const char *const finished[] = { "completed", "cancelled", "archived",
                                            "closed",    "ended",     "crashed" };
    for (size_t i = 0; i < sizeof finished / sizeof finished[0]; i++) {
        if (cht_bytes_eq(status, cht_bytes_str(finished[i])))
            return true;
    }
    return false;
}

const struct crdt_field *node_status_field(unsigned type)
{
    const struct crdt_field *f = crdt_field_named(type, cht_bytes_str("status"));
    return f != NULL && f->words != NULL ? f : NULL;
}

/* Printing a span: "%.*s" with at most 80 bytes of it. */
static int shown_len(struct cht_bytes text)
{
    return text.len > 80 ? 80 : (int)text.len;
}
#define SHOWN(text) shown_len(text), text.data == NULL ? "" : (const char *)text.data

static enum cht_err find_field(unsigned type, struct cht_bytes name, const char *what,
                               struct node_fault *fault, const struct crdt_field **out)
{
    if (name.len == 0)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str(what),
                              "%s needs the name of a field", what);
    if (cht_bytes_eq(name, cht_bytes_str(node_field_modified.name))) {
        *out = &node_field_modified;
        return CHT_OK;
    }
    return node_field_find(type, name, fault, out);
}

/* --- where --------------------------------------------------------------------------------- */

static bool is_text(const struct crdt_field *f)
{
    return f->value == CRDT_V_STR || f->value == CRDT_V_TEXT || f->value == CRDT_V_ENUM ||
           f->value == CRDT_V_WORD;
}

bool node_cond_fits(const struct crdt_field *f, enum node_cond_op op)
{
    const bool keyed = f->kind == CRDT_SET || f->kind == CRDT_MAP;
    switch (op) {
    case NODE_COND_IS:
    case NODE_COND_NOT:
        return keyed || f->value != CRDT_V_ANY;
    case NODE_COND_BEFORE:
    case NODE_COND_AFTER:
    case NODE_COND_FROM:
    case NODE_COND_TO:
        return !keyed && (f->value == CRDT_V_TIME || f->value == CRDT_V_INT ||
                          f->value == CRDT_V_FLOAT || f->value == CRDT_V_SHARE);
    case NODE_COND_HAS:
    case NODE_COND_HASNT:
        return keyed;
    case NODE_COND_ANY:
    case NODE_COND_NONE:
        return true;
    case NODE_COND_CONTAINS:
    case NODE_COND_STARTS:
        return !keyed && is_text(f);
    case NODE_COND_OP_COUNT:
        break;
    }
    return false;
}

static enum cht_err check_op(struct cht_bytes word, const struct crdt_field *field,
                             struct node_fault *fault, enum node_cond_op *out)
{
    for (unsigned i = 0; i < NODE_COND_OP_COUNT; i++) {
        if (!cht_bytes_eq(word, cht_bytes_str(op_words[i])))
            continue;
        if (!node_cond_fits(field, (enum node_cond_op)i))
            return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str(field->name),
                                  "\"%s\" says nothing about %s", op_words[i], field->name);
        *out = (enum node_cond_op)i;
        return CHT_OK;
    }
    (void)node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("op"), "op \"%.*s\" is not known",
                         SHOWN(word));
    const char *near = node_closest(word, op_words);
    if (near != NULL)
        node_fault_hint(fault, "did you mean \"%s\"?", near);
    return CHT_E_INVALID;
}

static enum cht_err check_value(const struct crdt_field *field, enum node_cond_op op,
                                struct cht_bytes value, struct node_fault *fault)
{
    const bool array = node_mp_kind(value) == CRDT_MP_ARRAY;
    if (op == NODE_COND_ANY || op == NODE_COND_NONE)
        return CHT_OK;
    if (value.len == 0 || (array && !op_many[op]) || node_mp_kind(value) == CRDT_MP_MAP ||
        (!array && node_mp_kind(value) == CRDT_MP_NIL && !op_many[op]))
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str(field->name),
                              "\"%s\" of %s needs a value", op_words[op], field->name);
    if (array && node_mp_count(value) > NODE_COND_VALUES_MAX)
        return node_fault_set(fault, CHT_E_LIMIT, cht_bytes_str(field->name),
                              "\"%s\" of %s may have %u values", op_words[op], field->name,
                              NODE_COND_VALUES_MAX);
    if ((op == NODE_COND_CONTAINS || op == NODE_COND_STARTS) && node_mp_str(value).len == 0)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str(field->name),
                              "\"%s\" of %s needs a text", op_words[op], field->name);
    return CHT_OK;
}

static enum cht_err read_cond(unsigned type, struct cht_bytes map, struct node_fault *fault,
                              struct node_cond *out)
{
    static const struct cht_bytes keys[] = { NODE_MP_KEY("field"), NODE_MP_KEY("op"),
                                             NODE_MP_KEY("value") };
    struct cht_bytes of[3];
    struct node_cond c = { 0 };
    if (node_mp_kind(map) != CRDT_MP_MAP)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("where"),
                              "each condition in where has to be a map");
    node_mp_pick(map, keys, 3, of);
    enum cht_err err = find_field(type, node_mp_str(of[0]), "where", fault, &c.field);
    if (err == CHT_OK)
        err = check_op(node_mp_str(of[1]), c.field, fault, &c.op);
    if (err == CHT_OK)
        err = check_value(c.field, c.op, of[2], fault);
    if (err != CHT_OK)
        return err;
    c.value = c.op == NODE_COND_ANY || c.op == NODE_COND_NONE ? (struct cht_bytes){ 0 } : of[2];
    *out = c;
    return CHT_OK;
}

enum cht_err node_where_check(unsigned type, struct cht_bytes where, struct node_fault *fault)
{
    struct node_mp_iter it = node_mp_iter(where);
    struct cht_bytes item;
    struct node_cond c;
    enum cht_err err = CHT_OK;
    if (where.len != 0 && type == 0)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("where"), "where needs a domain");
    if (node_mp_count(where) > NODE_CONDS_MAX)
        return node_fault_set(fault, CHT_E_LIMIT, cht_bytes_str("where"),
                              "where may have %u conditions", NODE_CONDS_MAX);
    while (err == CHT_OK && node_mp_next(&it, NULL, &item))
        err = read_cond(type, item, fault, &c);
    return err;
}

bool node_where_next(struct node_mp_iter *it, unsigned type, struct node_cond *out)
{
    struct cht_bytes item;
    return node_mp_next(it, NULL, &item) && read_cond(type, item, NULL, out) == CHT_OK;
}

/* --- is ------------------------------------------------------------------------------------ */

static enum cht_err unknown_is(struct cht_bytes word, struct node_fault *fault)
{
    char known[NODE_FAULT_HINT_MAX] = "";
    (void)node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("is"), "is \"%.*s\" is not known",
                         SHOWN(word));
    for (unsigned i = 0; i < NODE_IS_COUNT; i++) {
        (void)strncat(known, i > 0 ? ", " : "", sizeof known - strlen(known) - 1);
        (void)strncat(known, is_words[i], sizeof known - strlen(known) - 1);
    }
    const char *near = node_closest(word, is_words);
    if (near != NULL)
        node_fault_hint(fault, "did you mean \"%s\"? (%s)", near, known);
    else
        node_fault_hint(fault, "it is one of %s", known);
    return CHT_E_INVALID;
}

enum cht_err node_is_read(unsigned type, struct cht_bytes is, struct node_fault *fault,
                          unsigned *out)
{
    struct node_mp_iter it = node_mp_iter(is);
    struct cht_bytes item;
    unsigned bits = 0;
    if (is.len != 0 && type == 0)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("is"), "is needs a domain");
    while (node_mp_next(&it, NULL, &item)) {
        const struct cht_bytes word = node_mp_str(item);
        unsigned i = 0;
        while (i < NODE_IS_COUNT && !cht_bytes_eq(word, cht_bytes_str(is_words[i])))
            i++;
        if (i == NODE_IS_COUNT)
            return unknown_is(word, fault);
        if ((is_todo[i] && type != CRDT_TODO) ||
            (i == NODE_IS_OPEN && node_status_field(type) == NULL))
            return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("is"),
                                  "\"%s\" says nothing about a %s", is_words[i],
                                  crdt_type_table(type) == NULL ? "thing of this type"
                                                                : crdt_type_table(type));
        bits |= 1u << i;
    }
    *out = bits;
    return CHT_OK;
}

/* --- sort ---------------------------------------------------------------------------------- */

static enum cht_err read_sort(unsigned type, struct cht_bytes name, struct node_fault *fault,
                              struct node_sort *out)
{
    struct node_sort s = { 0 };
    if (name.len > 0 && name.data[0] == '-') {
        s.descending = true;
        name = cht_bytes(name.data + 1, name.len - 1);
    }
    enum cht_err err = find_field(type, name, "sort", fault, &s.field);
    if (err == CHT_OK && (s.field == NULL || s.field->kind == CRDT_SET ||
                          s.field->kind == CRDT_MAP || s.field->value == CRDT_V_ANY))
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("sort"),
                              "%.*s holds several values: records cannot be sorted by it",
                              SHOWN(name));
    if (err == CHT_OK)
        *out = s;
    return err;
}

enum cht_err node_sort_read(unsigned type, struct cht_bytes sort, struct node_fault *fault,
                            struct node_sort out[static NODE_SORTS_MAX], size_t *out_count)
{
    if (sort.len == 0) {
        *out_count = 0;
        return CHT_OK;
    }
    if (type == 0)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("sort"), "sort needs a domain");
    if (node_mp_kind(sort) == CRDT_MP_STR) {
        enum cht_err err = read_sort(type, node_mp_str(sort), fault, &out[0]);
        if (err == CHT_OK)
            *out_count = 1;
        return err;
    }
    const uint64_t count = node_mp_count(sort);
    if (node_mp_kind(sort) != CRDT_MP_ARRAY)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("sort"),
                              "sort has to be a name or an array of names");
    if (count > NODE_SORTS_MAX)
        return node_fault_set(fault, CHT_E_LIMIT, cht_bytes_str("sort"), "sort may have %u names",
                              NODE_SORTS_MAX);
    struct node_mp_iter it = node_mp_iter(sort);
    struct cht_bytes item;
    size_t n = 0;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && node_mp_next(&it, NULL, &item))
        err = read_sort(type, node_mp_str(item), fault, &out[n++]);
    if (err == CHT_OK)
        *out_count = n;
    return err;
}
