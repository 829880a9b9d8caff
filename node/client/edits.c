/* A message's values to the log's and back, and the edits a change asks for (LOCAL 2.4, 3.3). */
#include "node/client/edits.h"

#include "crdt/limits.h"
#include "node/client/request.h"

#include <assert.h>
#include <stdio.h>

#define ID_VALUE_BYTES (1u + CRDT_ID_BYTES)

static int shown_len(struct cht_bytes text)
{
    return text.len > 80 ? 80 : (int)text.len;
}

/* Re-encode any object with the shortest heads: msgpack is a prefix code, so one flat pass does. */
static enum cht_err put_shortest(struct cht_bytes object, struct cht_buf *out)
{
    struct cht_wire w = cht_wire(object);
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && cht_wire_left(&w) > 0) {
        const uint8_t *start = w.at;
        const struct crdt_mp head = crdt_mp_next(&w);
        if (w.err != CHT_OK)
            return w.err;
        switch (head.kind) {
        case CRDT_MP_NIL:
            err = crdt_mp_put_nil(out);
            break;
        case CRDT_MP_BOOL:
            err = crdt_mp_put_bool(out, head.u != 0);
            break;
        case CRDT_MP_UINT:
            err = crdt_mp_put_uint(out, head.u);
            break;
        case CRDT_MP_INT:
            err = crdt_mp_put_int(out, head.i);
            break;
        case CRDT_MP_FLOAT:
            err = crdt_mp_put_float(out, head.f);
            break;
        case CRDT_MP_STR:
            err = crdt_mp_put_str(out, head.data);
            break;
        case CRDT_MP_BIN:
            err = crdt_mp_put_bin(out, head.data);
            break;
        case CRDT_MP_ARRAY:
            err = crdt_mp_put_array(out, (uint32_t)head.u);
            break;
        case CRDT_MP_MAP:
            err = crdt_mp_put_map(out, (uint32_t)head.u);
            break;
        case CRDT_MP_EXT:
            err = cht_buf_add(out, cht_bytes(start, (size_t)(w.at - start)));
            break;
        }
    }
    return err;
}

/* --- what is allowed, in words ------------------------------------------------------------- */

/* "low, medium, high or critical" */
static void list_words(const struct crdt_field *field, char *out, size_t size)
{
    out[0] = '\0';
    for (size_t i = 0; field->words[i] != NULL; i++) {
        const char *between = i == 0 ? "" : field->words[i + 1] == NULL ? " or " : ", ";
        (void)strncat(out, between, size - strlen(out) - 1);
        (void)strncat(out, field->words[i], size - strlen(out) - 1);
    }
}

static enum cht_err refuse(const struct crdt_field *field, bool is_key, struct cht_bytes value,
                           enum cht_err code, struct node_fault *fault)
{
    char allowed[160] = "";
    const bool map_key = is_key && field->kind == CRDT_MAP;
    switch (map_key ? CRDT_V_STR : field->value) {
    case CRDT_V_ENUM:
        list_words(field, allowed, sizeof allowed);
        break;
    case CRDT_V_STR:
    case CRDT_V_WORD:
        (void)snprintf(allowed, sizeof allowed, "a text of %s%u bytes of UTF-8 without a zero byte",
                       is_key ? "1 to " : "up to ", is_key ? LIMIT_KEY_BYTES : LIMIT_TITLE_BYTES);
        break;
    case CRDT_V_TEXT:
        (void)snprintf(allowed, sizeof allowed,
                       "a text of up to %u bytes of UTF-8 without a zero byte", LIMIT_TEXT_BYTES);
        break;
    case CRDT_V_BOOL:
        (void)snprintf(allowed, sizeof allowed, "true or false");
        break;
    case CRDT_V_INT:
        (void)snprintf(allowed, sizeof allowed, "a whole number of 64 bits");
        break;
    case CRDT_V_FLOAT:
        (void)snprintf(allowed, sizeof allowed, "a finite number");
        break;
    case CRDT_V_SHARE:
        (void)snprintf(allowed, sizeof allowed, "a number from 0 to 1");
        break;
    case CRDT_V_TIME:
        (void)snprintf(allowed, sizeof allowed, "a time in milliseconds since 1970, below 2^48");
        break;
    case CRDT_V_ID:
        (void)snprintf(allowed, sizeof allowed, "the id of a %s",
                       field->id_type == 0 ? "thing" : crdt_type_table(field->id_type));
        break;
    case CRDT_V_ANY:
        (void)snprintf(allowed, sizeof allowed, "any value of up to %u bytes and %u levels",
                       LIMIT_VALUE_BYTES, LIMIT_MSGPACK_DEPTH);
        break;
    }
    const struct cht_bytes text = node_mp_str(value);
    if (text.len > 0 && crdt_utf8_valid(text) && text.len <= LIMIT_TITLE_BYTES)
        return node_fault_set(fault, code, cht_bytes_str(field->name),
                              "%s \"%.*s\" is not allowed: it has to be %s", field->name,
                              shown_len(text), (const char *)text.data, allowed);
    return node_fault_set(fault, code, cht_bytes_str(field->name), "%s has to be %s", field->name,
                          allowed);
}

/* --- one value ----------------------------------------------------------------------------- */

static enum cht_err take_id(const struct crdt_field *field, bool is_key, struct cht_bytes value,
                            const struct node_id_resolver *resolver, struct node_fault *fault,
                            struct cht_buf *out)
{
    const struct cht_bytes text = node_mp_str(value);
    struct crdt_id id;
    enum cht_err err = CHT_E_INVALID;
    if (text.len == 0)
        return refuse(field, is_key, value, err, fault);
    if (resolver != NULL) {
        err = resolver->resolve(resolver->ctx, text, field->id_type, fault, &id);
        if (err == CHT_E_NOTFOUND || err == CHT_E_INVALID)
            node_fault_about(fault, field->name);
        if (err != CHT_OK)
            return err;
    } else if (crdt_id_parse(text, &id) != CHT_OK) {
        return refuse(field, is_key, value, CHT_E_INVALID, fault);
    }
    uint8_t raw[ID_VALUE_BYTES];
    raw[0] = id.type;
    memcpy(raw + 1, id.b, CRDT_ID_BYTES);
    return crdt_mp_put_bin(out, cht_bytes(raw, sizeof raw));
}

enum cht_err node_value_take(const struct crdt_field *field, bool is_key, struct cht_bytes value,
                             const struct node_id_resolver *resolver, struct node_fault *fault,
                             struct cht_buf *out)
{
    const size_t start = out->len;
    const bool id_wanted = field->value == CRDT_V_ID && (is_key || field->kind != CRDT_SET) &&
                           !(is_key && field->kind == CRDT_MAP);
    enum cht_err err =
        id_wanted ? take_id(field, is_key, value, resolver, fault, out) : put_shortest(value, out);
    if (err != CHT_OK) {
        out->len = start;
        return id_wanted && err != CHT_E_NOMEM && err != CHT_E_LIMIT
                   ? err
                   : node_fault_from(fault, err, NULL);
    }
    const struct cht_bytes bytes = cht_bytes(out->data + start, out->len - start);
    err = crdt_value_check(field, bytes, is_key);
    if (err != CHT_OK) {
        err = err == CHT_E_MALFORMED ? CHT_E_INVALID : err;
        (void)refuse(field, is_key, value, err, fault);
        out->len = start;
    }
    return err;
}

enum cht_err node_value_show(const struct crdt_field *field, struct cht_bytes value,
                             struct cht_buf *out)
{
    const struct crdt_mp head = crdt_mp_peek(value);
    if (field == NULL || field->value != CRDT_V_ID || head.kind != CRDT_MP_BIN ||
        head.data.len != ID_VALUE_BYTES)
        return cht_buf_add(out, value);
    struct crdt_id id = { .type = head.data.data[0] };
    memcpy(id.b, head.data.data + 1, CRDT_ID_BYTES);
    char text[CRDT_ID_TEXT_MAX];
    crdt_id_text(&id, text);
    return node_mp_put_text(out, text);
}

/* --- a change's edits ---------------------------------------------------------------------- */

struct reading {
    const struct node_id_resolver *resolver;
    struct cht_arena *arena;
    struct node_fault *fault;
    struct cht_buf scratch;
    struct node_edit *edits;
    size_t count, room; /* room: 0 … NODE_EDITS_MAX */
};

/* How many edits `data` can ask for at most. */
static size_t edits_bound(struct cht_bytes data)
{
    uint64_t bound = 0;
    struct node_mp_iter it = node_mp_iter(data);
    struct cht_bytes value;
    while (node_mp_next(&it, NULL, &value)) {
        bound += 1 + node_mp_count(value);
        bound += node_mp_count(node_mp_get(value, "add"));
        bound += node_mp_count(node_mp_get(value, "remove"));
    }
    return bound > NODE_EDITS_MAX ? NODE_EDITS_MAX : (size_t)bound;
}

/* One value's bytes for the log, in the arena. */
static enum cht_err keep(struct reading *r, const struct crdt_field *field, bool is_key,
                         struct cht_bytes value, struct cht_bytes *out)
{
    cht_buf_reset(&r->scratch);
    enum cht_err err = node_value_take(field, is_key, value, r->resolver, r->fault, &r->scratch);
    if (err == CHT_OK)
        err = cht_arena_copy(r->arena, cht_buf_view(&r->scratch), out);
    return err;
}

static enum cht_err add(struct reading *r, const struct node_edit *edit)
{
    if (r->count == r->room)
        return node_fault_set(r->fault, CHT_E_LIMIT, cht_bytes_str(edit->field->name),
                              "one change may hold %u edits: make several of it", NODE_EDITS_MAX);
    r->edits[r->count++] = *edit;
    return CHT_OK;
}

/* Elements of one array of a set's change. */
static enum cht_err read_elements(struct reading *r, const struct crdt_field *field,
                                  enum node_edit_kind kind, struct cht_bytes elements)
{
    static const uint8_t nil[] = { 0xc0 };
    if (elements.len > 0 && node_mp_kind(elements) != CRDT_MP_ARRAY)
        return node_fault_set(r->fault, CHT_E_INVALID, cht_bytes_str(field->name),
                              "%s: add and remove have to be arrays", field->name);
    struct node_mp_iter it = node_mp_iter(elements);
    struct cht_bytes element;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && node_mp_next(&it, NULL, &element)) {
        struct node_edit edit = { .kind = kind, .field = field };
        if (kind == NODE_EDIT_PUT)
            edit.value = cht_bytes(nil, sizeof nil);
        err = keep(r, field, true, element, &edit.key);
        if (err == CHT_OK)
            err = add(r, &edit);
    }
    return err;
}

static enum cht_err read_set(struct reading *r, const struct crdt_field *field,
                             struct cht_bytes value)
{
    const enum crdt_mp_kind kind = node_mp_kind(value);
    if (kind == CRDT_MP_ARRAY || kind == CRDT_MP_NIL) {
        const struct node_edit whole = { .kind = NODE_EDIT_WHOLE, .field = field };
        enum cht_err err = add(r, &whole);
        return err != CHT_OK || kind == CRDT_MP_NIL ? err
                                                    : read_elements(r, field, NODE_EDIT_PUT, value);
    }
    const struct cht_bytes more = node_mp_get(value, "add"), less = node_mp_get(value, "remove");
    const uint64_t known = (more.len > 0 ? 1u : 0u) + (less.len > 0 ? 1u : 0u);
    if (kind != CRDT_MP_MAP || node_mp_count(value) != known || known == 0)
        return node_fault_set(r->fault, CHT_E_INVALID, cht_bytes_str(field->name),
                              "%s has to be {\"add\": […], \"remove\": […]} or the whole array",
                              field->name);
    enum cht_err err = read_elements(r, field, NODE_EDIT_DROP, less);
    return err != CHT_OK ? err : read_elements(r, field, NODE_EDIT_PUT, more);
}

static enum cht_err read_map(struct reading *r, const struct crdt_field *field,
                             struct cht_bytes value)
{
    if (node_mp_kind(value) != CRDT_MP_MAP)
        return node_fault_set(r->fault, CHT_E_INVALID, cht_bytes_str(field->name),
                              "%s has to be a map of key to value", field->name);
    struct node_mp_iter it = node_mp_iter(value);
    struct cht_bytes key, one;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && node_mp_next(&it, &key, &one)) {
        struct node_edit edit = { .kind = NODE_EDIT_PUT, .field = field };
        if (node_mp_kind(one) == CRDT_MP_NIL)
            edit.kind = NODE_EDIT_DROP;
        err = keep(r, field, true, key, &edit.key);
        if (err == CHT_OK && edit.kind == NODE_EDIT_PUT)
            err = keep(r, field, false, one, &edit.value);
        if (err == CHT_OK)
            err = add(r, &edit);
    }
    return err;
}

static enum cht_err read_field(struct reading *r, const struct crdt_field *field,
                               struct cht_bytes value)
{
    if (field->kind == CRDT_SET)
        return read_set(r, field, value);
    if (field->kind == CRDT_MAP)
        return read_map(r, field, value);
    struct node_edit edit = { .kind = NODE_EDIT_PUT, .field = field };
    if (node_mp_kind(value) == CRDT_MP_NIL) {
        edit.kind = NODE_EDIT_DROP;
        return add(r, &edit);
    }
    enum cht_err err = keep(r, field, false, value, &edit.value);
    return err != CHT_OK ? err : add(r, &edit);
}

enum cht_err node_edits_read(unsigned type, struct cht_bytes data,
                             const struct node_id_resolver *resolver, struct cht_arena *arena,
                             struct node_fault *fault, struct node_edit **out, size_t *out_count)
{
    struct reading r = { .resolver = resolver, .arena = arena, .fault = fault };
    cht_buf_init(&r.scratch, LIMIT_CLIENT_BYTES);
    r.room = edits_bound(data);
    r.edits = cht_arena_array(arena, r.room, sizeof *r.edits);
    enum cht_err err = r.edits == NULL ? CHT_E_NOMEM : CHT_OK;
    struct node_mp_iter it = node_mp_iter(data);
    struct cht_bytes key, value;
    while (err == CHT_OK && node_mp_next(&it, &key, &value)) {
        const struct crdt_field *field = NULL;
        err = node_field_find(type, node_mp_str(key), fault, &field);
        if (err == CHT_OK && field == NULL)
            err = node_fault_set(fault, CHT_E_INVALID, node_mp_str(key),
                                 "the type of the entity is not known");
        if (err == CHT_OK)
            err = read_field(&r, field, value);
    }
    cht_buf_clear(&r.scratch);
    if (err != CHT_OK)
        return err;
    *out = r.edits;
    *out_count = r.count;
    return CHT_OK;
}
