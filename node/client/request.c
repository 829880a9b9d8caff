/* Reading the payloads of requests (LOCAL 3, 4, 6): everything is checked here once, so that the
 * node meets well-formed requests only. */
#include "node/client/request.h"

#include "crdt/limits.h"

#include <assert.h>

static const char *const change_words[] = {
#define X(sym, word) [sym] = (word),
    NODE_CHANGE_OPS(X)
#undef X
        NULL
};
static const char *const query_words[] = {
#define X(sym, word) [sym] = (word),
    NODE_QUERY_OPS(X)
#undef X
        NULL
};

#define FIELDS_MAX 128 /* names offered in "did you mean" */

const char *node_change_op_word(enum node_change_op op)
{
    assert((unsigned)op < NODE_CHANGE_OP_COUNT);
    return change_words[op];
}

/* Printing a span: "%.*s" with at most 80 bytes of it. */
static int shown_len(struct cht_bytes text)
{
    return text.len > 80 ? 80 : (int)text.len;
}
#define SHOWN(text) shown_len(text), text.data == NULL ? "" : (const char *)text.data

/* A value that was found at `key`, when it has the kind asked for; empty when absent. */
static enum cht_err check_kind(struct cht_bytes value, const char *key, enum crdt_mp_kind kind,
                               struct node_fault *fault, struct cht_bytes *out)
{
    static const char *const kinds[] = {
        [CRDT_MP_NIL] = "nil",      [CRDT_MP_BOOL] = "a bool",    [CRDT_MP_UINT] = "a number",
        [CRDT_MP_INT] = "a number", [CRDT_MP_FLOAT] = "a number", [CRDT_MP_STR] = "a text",
        [CRDT_MP_BIN] = "bytes",    [CRDT_MP_ARRAY] = "an array", [CRDT_MP_MAP] = "a map",
        [CRDT_MP_EXT] = "an ext"
    };
    const enum crdt_mp_kind got = node_mp_kind(value);
    if (value.len > 0 && got == CRDT_MP_NIL) {
        *out = (struct cht_bytes){ 0 }; /* JSON's null: the same as absent */
        return CHT_OK;
    }
    if (value.len > 0 && got != kind)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str(key), "%s has to be %s, it is %s",
                              key, kinds[kind], kinds[got]);
    *out = value;
    return CHT_OK;
}

static enum cht_err take(struct cht_bytes map, const char *key, enum crdt_mp_kind kind,
                         struct node_fault *fault, struct cht_bytes *out)
{
    return check_kind(node_mp_get(map, key), key, kind, fault, out);
}

static enum cht_err check_text(struct cht_bytes value, const char *key, size_t max,
                               struct node_fault *fault, struct cht_bytes *out)
{
    struct cht_bytes object = { 0 };
    enum cht_err err = check_kind(value, key, CRDT_MP_STR, fault, &object);
    if (err != CHT_OK)
        return err;
    const struct cht_bytes text = node_mp_str(object);
    if (object.len > 0 && (text.len == 0 || text.len > max || !crdt_utf8_valid(text)))
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str(key),
                              "%s has to be a text of 1 to %zu bytes", key, max);
    *out = text;
    return CHT_OK;
}

static enum cht_err take_text(struct cht_bytes map, const char *key, size_t max,
                              struct node_fault *fault, struct cht_bytes *out)
{
    return check_text(node_mp_get(map, key), key, max, fault, out);
}

/* One of a list of words, by its place. */
static enum cht_err take_word(struct cht_bytes word, const char *key, const char *const *words,
                              struct node_fault *fault, unsigned *out)
{
    for (unsigned i = 0; words[i] != NULL; i++) {
        if (cht_bytes_eq(word, cht_bytes_str(words[i]))) {
            *out = i;
            return CHT_OK;
        }
    }
    (void)node_fault_set(fault, CHT_E_INVALID, cht_bytes_str(key), "%s \"%.*s\" is not known", key,
                         SHOWN(word));
    const char *near = node_closest(word, words);
    if (near != NULL)
        node_fault_hint(fault, "did you mean \"%s\"?", near);
    return CHT_E_INVALID;
}

static enum cht_err check_domain(struct cht_bytes value, struct node_fault *fault, unsigned *out)
{
    struct cht_bytes domain = { 0 };
    enum cht_err err = check_text(value, "domain", 64, fault, &domain);
    if (err != CHT_OK || domain.len == 0)
        return err;
    const unsigned type = crdt_type_from(domain);
    if (type != 0 && crdt_schema(type) != NULL) {
        *out = type;
        return CHT_OK;
    }
    char known[NODE_FAULT_HINT_MAX] = "";
    size_t count = 0;
    const struct crdt_type_schema *schema;
    for (size_t i = 0; (schema = crdt_schema_at(i, &count)) != NULL; i++) {
        (void)strncat(known, i > 0 ? ", " : "", sizeof known - strlen(known) - 1);
        (void)strncat(known, crdt_type_domain(schema->type), sizeof known - strlen(known) - 1);
    }
    (void)node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("domain"),
                         "domain \"%.*s\" is not known", SHOWN(domain));
    node_fault_hint(fault, "the domains are %s", known);
    return CHT_E_INVALID;
}

static enum cht_err take_entity_id(struct cht_bytes map, struct node_fault *fault,
                                   struct cht_bytes *out_entity, struct cht_bytes *out_id)
{
    enum cht_err err = take(map, "entity", CRDT_MP_MAP, fault, out_entity);
    if (err == CHT_OK)
        err = take_text(*out_entity, "chittyId", NODE_NAME_BYTES, fault, out_id);
    return err;
}

/* --- changes ------------------------------------------------------------------------------- */

/* entity.type says the type too, where there is no domain. */
static enum cht_err check_type(struct cht_bytes value, struct node_fault *fault, unsigned *type)
{
    struct cht_bytes word = { 0 };
    enum cht_err err = check_text(value, "type", 64, fault, &word);
    if (err != CHT_OK || word.len == 0 || *type != 0)
        return err;
    *type = crdt_type_from(word);
    if (*type == 0 || crdt_schema(*type) == NULL)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("type"),
                              "entity.type \"%.*s\" is not known", SHOWN(word));
    return CHT_OK;
}

/* LOCAL 3.2 and 3.4: one change, whatever its batch. */
static enum cht_err read_change(struct cht_bytes map, struct node_fault *fault,
                                struct node_change *out)
{
    static const struct cht_bytes keys[] = { NODE_MP_KEY("operation"), NODE_MP_KEY("domain"),
                                             NODE_MP_KEY("entity"), NODE_MP_KEY("expect") };
    static const struct cht_bytes entity_keys[] = { NODE_MP_KEY("chittyId"), NODE_MP_KEY("type"),
                                                    NODE_MP_KEY("data") };
    struct node_change c = { 0 };
    struct cht_bytes of[4], of_entity[3], operation = { 0 }, entity = { 0 };
    unsigned op = 0;
    node_mp_pick(map, keys, 4, of);
    enum cht_err err = check_text(of[0], "operation", 32, fault, &operation);
    if (err == CHT_OK)
        err = take_word(operation, "operation", change_words, fault, &op);
    if (err == CHT_OK)
        err = check_domain(of[1], fault, &c.type);
    if (err == CHT_OK)
        err = check_kind(of[2], "entity", CRDT_MP_MAP, fault, &entity);
    node_mp_pick(entity, entity_keys, 3, of_entity);
    if (err == CHT_OK)
        err = check_text(of_entity[0], "chittyId", NODE_NAME_BYTES, fault, &c.id);
    if (err == CHT_OK)
        err = check_type(of_entity[1], fault, &c.type);
    if (err == CHT_OK)
        err = check_kind(of_entity[2], "data", CRDT_MP_MAP, fault, &c.data);
    if (err == CHT_OK)
        err = check_text(of[3], "expect", NODE_TOKEN_BYTES, fault, &c.expect);
    if (err != CHT_OK)
        return err;
    c.op = (enum node_change_op)op;
    const bool makes = c.op == NODE_CREATE || c.op == NODE_UPSERT;
    if (!makes && c.id.len == 0)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("chittyId"),
                              "entity.chittyId is needed to %s something", change_words[op]);
    if (makes && c.id.len == 0 && c.type == 0)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("domain"),
                              "domain is needed to %s something", change_words[op]);
    if (c.op == NODE_UPDATE && node_mp_count(c.data) == 0)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("data"),
                              "entity.data has to name at least one field to update");
    *out = c;
    return CHT_OK;
}

/* LOCAL 3.1 */
enum cht_err node_mutation_read(struct cht_bytes payload, struct node_fault *fault,
                                struct node_mutation *out)
{
    struct node_mutation m = { .count = 1 };
    struct node_change change;
    static const struct cht_bytes keys[] = { NODE_MP_KEY("key"), NODE_MP_KEY("batch"),
                                             NODE_MP_KEY("dry"), NODE_MP_KEY("circles") };
    struct cht_bytes of[4], batch = { 0 }, dry = { 0 }, circles = { 0 };
    node_mp_pick(payload, keys, 4, of);
    enum cht_err err = check_text(of[0], "key", NODE_KEY_BYTES, fault, &m.key);
    if (err == CHT_OK)
        err = check_kind(of[1], "batch", CRDT_MP_ARRAY, fault, &batch);
    if (err == CHT_OK)
        err = check_kind(of[2], "dry", CRDT_MP_BOOL, fault, &dry);
    if (err == CHT_OK)
        err = check_kind(of[3], "circles", CRDT_MP_BOOL, fault, &circles);
    if (err != CHT_OK)
        return err;
    m.dry = node_mp_bool(dry);
    m.circles = node_mp_bool(circles);
    if (batch.len == 0) {
        err = read_change(payload, fault, &m.only);
        if (err == CHT_OK)
            *out = m;
        return err;
    }
    const uint64_t count = node_mp_count(batch);
    if (count == 0 || count > NODE_BATCH_MAX)
        return node_fault_set(fault, count == 0 ? CHT_E_INVALID : CHT_E_LIMIT,
                              cht_bytes_str("batch"),
                              "batch may have 1 to %u changes, this one has %llu", NODE_BATCH_MAX,
                              (unsigned long long)count);
    struct node_mp_iter it = node_mp_iter(batch);
    struct cht_bytes item;
    while (err == CHT_OK && node_mp_next(&it, NULL, &item)) {
        if (node_mp_kind(item) != CRDT_MP_MAP)
            return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("batch"),
                                  "each change in batch has to be a map");
        err = read_change(item, fault, &change);
    }
    if (err != CHT_OK)
        return err;
    m.batch = true;
    m.count = (unsigned)count;
    m.rest = node_mp_iter(batch);
    *out = m;
    return CHT_OK;
}

struct node_change node_mutation_next(struct node_mutation *m)
{
    struct node_change change = { 0 };
    struct cht_bytes item = { 0 };
    if (!m->batch)
        return m->only;
    const bool more = node_mp_next(&m->rest, NULL, &item);
    const enum cht_err err = read_change(item, NULL, &change);
    assert(more && err == CHT_OK); /* node_mutation_read has been here */
    (void)more;
    (void)err;
    return change;
}

/* --- reads --------------------------------------------------------------------------------- */

enum cht_err node_field_find(unsigned type, struct cht_bytes name, struct node_fault *fault,
                             const struct crdt_field **out)
{
    const struct crdt_field *field = type == 0 ? NULL : crdt_field_named(type, name);
    if (field != NULL || type == 0) {
        *out = field;
        return CHT_OK;
    }
    const char *names[FIELDS_MAX + 1] = { NULL };
    const struct crdt_type_schema *schema = crdt_schema(type);
    for (size_t i = 0; schema != NULL && i < schema->count && i < FIELDS_MAX; i++)
        names[i] = schema->fields[i].name;
    const char *table = crdt_type_table(type);
    (void)node_fault_set(fault, CHT_E_INVALID, name, "a %s has no field \"%.*s\"",
                         table == NULL ? "thing of this type" : table, SHOWN(name));
    const char *near = node_closest(name, names);
    if (near != NULL)
        node_fault_hint(fault, "did you mean \"%s\"?", near);
    return CHT_E_INVALID;
}

/* Every field named in `filter` (keys) and `fields` (elements) is one of the type's. */
static enum cht_err check_names(unsigned type, struct cht_bytes container, const char *what,
                                struct node_fault *fault)
{
    struct node_mp_iter it = node_mp_iter(container);
    struct cht_bytes key, value;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && node_mp_next(&it, &key, &value)) {
        const struct cht_bytes name = node_mp_str(it.is_map ? key : value);
        const struct crdt_field *field;
        if (name.len == 0)
            return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str(what),
                                  "%s may hold names of fields only", what);
        err = node_field_find(type, name, fault, &field);
    }
    return err;
}

static enum cht_err read_conditions(struct cht_bytes payload, struct node_fault *fault,
                                    struct node_query *q)
{
    struct cht_bytes is = { 0 }, sort = node_mp_get(payload, "sort");
    enum cht_err err = take(payload, "filter", CRDT_MP_MAP, fault, &q->filter);
    if (err == CHT_OK)
        err = check_names(q->type, q->filter, "filter", fault);
    if (err == CHT_OK)
        err = take(payload, "where", CRDT_MP_ARRAY, fault, &q->where);
    if (err == CHT_OK)
        err = node_where_check(q->type, q->where, fault);
    if (err == CHT_OK)
        err = take(payload, "is", CRDT_MP_ARRAY, fault, &is);
    if (err == CHT_OK)
        err = node_is_read(q->type, is, fault, &q->is);
    if (err == CHT_OK)
        err = take_text(payload, "text", NODE_TEXT_BYTES, fault, &q->text);
    if (err == CHT_OK && node_mp_kind(sort) != CRDT_MP_NIL)
        err = node_sort_read(q->type, sort, fault, q->sort, &q->sort_count);
    return err;
}

static enum cht_err read_limits(struct cht_bytes payload, struct node_fault *fault,
                                struct node_query *q)
{
    static const char *const bools[] = { "deleted", "titles", "count", "exact", "unblocked" };
    struct cht_bytes unused = { 0 };
    enum cht_err err = take(payload, "limit", CRDT_MP_UINT, fault, &unused);
    if (err == CHT_OK)
        err = take(payload, "offset", CRDT_MP_UINT, fault, &unused);
    for (size_t i = 0; err == CHT_OK && i < sizeof bools / sizeof bools[0]; i++)
        err = take(payload, bools[i], CRDT_MP_BOOL, fault, &unused);
    if (err != CHT_OK)
        return err;
    q->limit = node_mp_get_uint(payload, "limit", LIMIT_QUERY_ROWS);
    q->offset = node_mp_get_uint(payload, "offset", 0);
    q->deleted = node_mp_get_bool(payload, "deleted");
    q->titles = node_mp_get_bool(payload, "titles");
    q->count = node_mp_get_bool(payload, "count");
    q->unblocked = node_mp_get_bool(payload, "unblocked");
    q->exact = node_mp_get_bool(payload, "exact");
    if (q->limit == 0 || q->limit > LIMIT_QUERY_ROWS)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("limit"),
                              "limit has to be 1 to %u", LIMIT_QUERY_ROWS);
    if (q->offset > INT64_MAX)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("offset"), "offset is too large");
    return CHT_OK;
}

/* What each operation cannot do without (LOCAL 4.2, 4.3, 4.9). */
static enum cht_err check_query(const struct node_query *q, struct node_fault *fault)
{
    if ((q->op == NODE_GET || q->op == NODE_SHOW) && q->id.len == 0)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("chittyId"),
                              "entity.chittyId is needed to %s something", query_words[q->op]);
    if (q->op == NODE_LIST && q->type == 0)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("domain"),
                              "domain is needed to list something");
    if (q->op == NODE_CLAIMS && q->type != 0 && q->type != CRDT_TODO)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("domain"),
                              "only todos are claimed");
    if (q->op == NODE_UNWATCH && q->watch.len == 0)
        return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("watch"),
                              "watch has to name the watch that is to end");
    if ((q->filter.len > 0 || q->text.len > 0) && q->type == 0)
        return node_fault_set(fault, CHT_E_INVALID,
                              cht_bytes_str(q->text.len > 0 ? "text" : "filter"),
                              "%s needs a domain", q->text.len > 0 ? "text" : "a filter");
    return CHT_OK;
}

enum cht_err node_query_read(struct cht_bytes payload, enum node_query_op usual,
                             struct node_fault *fault, struct node_query *out)
{
    struct node_query q = { .op = usual };
    struct cht_bytes operation = { 0 }, entity = { 0 };
    unsigned op = usual;
    enum cht_err err = take_text(payload, "operation", 32, fault, &operation);
    if (err == CHT_OK && operation.len > 0)
        err = take_word(operation, "operation", query_words, fault, &op);
    q.op = (enum node_query_op)op;
    if (err == CHT_OK)
        err = check_domain(node_mp_get(payload, "domain"), fault, &q.type);
    if (err == CHT_OK)
        err = take_entity_id(payload, fault, &entity, &q.id);
    if (err == CHT_OK)
        err = take_text(payload, "project", NODE_NAME_BYTES, fault, &q.project);
    if (err == CHT_OK)
        err = read_conditions(payload, fault, &q);
    if (err == CHT_OK)
        err = take(payload, "fields", CRDT_MP_ARRAY, fault, &q.fields);
    if (err == CHT_OK)
        err = check_names(q.type, q.fields, "fields", fault);
    if (err == CHT_OK)
        err = read_limits(payload, fault, &q);
    if (err == CHT_OK)
        err = take_text(payload, "from", NODE_TOKEN_BYTES, fault, &q.from);
    if (err == CHT_OK)
        err = take_text(payload, "since", NODE_TOKEN_BYTES, fault, &q.since);
    if (err == CHT_OK)
        err = take_text(payload, "watch", 64, fault, &q.watch);
    if (err == CHT_OK && q.op == NODE_CLAIMS)
        err = take_text(payload, "session", NODE_NAME_BYTES, fault, &q.session);
    if (err == CHT_OK)
        err = check_query(&q, fault);
    if (err == CHT_OK)
        *out = q;
    return err;
}

/* --- commands ------------------------------------------------------------------------------ */

enum cht_err node_command_read(struct cht_bytes payload, struct node_fault *fault,
                               struct node_command *out)
{
    struct node_command c = { 0 };
    enum cht_err err = take_text(payload, "name", 32, fault, &c.name);
    if (err == CHT_OK && c.name.len == 0)
        err = node_fault_set(fault, CHT_E_INVALID, cht_bytes_str("name"),
                             "name has to say which command");
    if (err == CHT_OK)
        err = take(payload, "args", CRDT_MP_MAP, fault, &c.args);
    if (err == CHT_OK)
        *out = c;
    return err;
}
