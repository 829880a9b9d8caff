/* Lines of a batch: what people write becomes what the node reads. */
#include "cli/base/batch_line.h"

#include "cli/base/fields.h"
#include "cli/base/json.h"
#include "crdt/limits.h"
#include "node/client/request.h"

struct line {
    struct cht_bytes operation, id, data; /* data: a map */
    struct cht_bytes expect;
    unsigned type; /* 0: the id says it */
    bool flat;     /* data is the line itself: what is not a field is left out */
};

static enum cht_err bad(struct cli_context *c, const char *sentence)
{
    return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes(NULL, 0), "%s", sentence);
}

static bool is_frame(struct cht_bytes key)
{
    return cht_bytes_eq(key, cht_bytes_str("chittyId")) || cht_bytes_eq(key, cht_bytes_str("type"));
}

/* A flat line of a type that has a field `type` (context, service) means the field. */
static bool has_type_field(unsigned type)
{
    return crdt_field_named(type, cht_bytes_str("type")) != NULL;
}

static enum cht_err find_type(struct cli_context *c, struct cht_bytes word, unsigned *out)
{
    *out = crdt_type_from(word);
    if (*out != 0 && crdt_schema(*out) != NULL)
        return CHT_OK;
    return node_fault_set(&c->fault, CHT_E_INVALID, cht_bytes_str("type"),
                          "\"%.*s\" is no type of record", (int)(word.len > 64 ? 64 : word.len),
                          (const char *)word.data);
}

static enum cht_err read_line(struct cli_context *c, struct cht_bytes map, struct line *out)
{
    const char *usual = c->type != 0 ? crdt_type_table(c->type) : cli_flag(c, "type");
    const struct cht_bytes entity = node_mp_get(map, "entity"), data = node_mp_get(map, "data");
    struct line l = { .operation = node_mp_get_str(map, "operation"),
                      .expect = node_mp_get_str(map, "expect") };
    struct cht_bytes word = node_mp_get_str(map, "domain");
    if (l.operation.len != 0 && node_mp_kind(entity) != CRDT_MP_MAP)
        return bad(c, "an operation needs an entity, an object with chittyId and data");
    l.flat = l.operation.len == 0 && node_mp_kind(data) != CRDT_MP_MAP;
    l.data = l.operation.len != 0 ? node_mp_get(entity, "data") : l.flat ? map : data;
    l.id = node_mp_get_str(l.operation.len != 0 ? entity : map, "chittyId");
    if (word.len == 0)
        word = node_mp_get_str(l.operation.len != 0 ? entity : map, "type");
    if (l.flat && usual != NULL && has_type_field(crdt_type_from(cht_bytes_str(usual))))
        word = cht_bytes_str(usual);
    if (word.len == 0 && l.id.len == 0)
        word = cht_bytes_str(usual == NULL ? "todo" : usual);
    enum cht_err err = word.len == 0 ? CHT_OK : find_type(c, word, &l.type);
    if (l.operation.len == 0)
        l.operation = cht_bytes_str(l.id.len == 0 ? "create" : "upsert");
    *out = l;
    return err;
}

/* A time may be a date as anywhere. */
static enum cht_err put_value(struct cli_context *c, unsigned type, struct cht_bytes key,
                              struct cht_bytes value, struct cht_buf *out)
{
    const struct crdt_field *f = crdt_field_named(type, node_mp_str(key));
    const struct cht_bytes text = node_mp_str(value);
    const bool time = f != NULL && f->value == CRDT_V_TIME && f->kind == CRDT_REGISTER;
    uint64_t ms = 0;
    enum cht_err err = cht_buf_add(out, key);
    if (err != CHT_OK)
        return err;
    if (!time || node_mp_kind(value) != CRDT_MP_STR)
        return cht_buf_add(out, value);
    err = cli_time_take(c, f, text, &ms);
    return err == CHT_OK ? crdt_mp_put_uint(out, ms) : err;
}

static bool left_out(const struct line *l, struct cht_bytes key)
{
    if (!l->flat || !is_frame(key))
        return false;
    return cht_bytes_eq(key, cht_bytes_str("chittyId")) || !has_type_field(l->type);
}

static enum cht_err put_data(struct cli_context *c, const struct line *l, unsigned type,
                             struct cht_buf *out)
{
    struct node_mp_iter it = node_mp_iter(l->data);
    struct cht_bytes key, value;
    uint32_t count = 0;
    while (node_mp_next(&it, &key, &value))
        count += !left_out(l, node_mp_str(key));
    enum cht_err err = node_mp_put_text(out, "data");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, count);
    it = node_mp_iter(l->data);
    while (err == CHT_OK && node_mp_next(&it, &key, &value)) {
        if (!left_out(l, node_mp_str(key)))
            err = put_value(c, type, key, value, out);
    }
    return err;
}

static enum cht_err put_change(struct cli_context *c, const struct line *l, struct cht_buf *out)
{
    struct crdt_id_prefix prefix;
    unsigned type = l->type;
    if (type == 0 && crdt_id_prefix_parse(l->id, &prefix) == CHT_OK)
        type = prefix.type;
    enum cht_err err = crdt_mp_put_map(out, 2u + (l->type != 0) + (l->expect.len != 0));
    if (err == CHT_OK)
        err = node_mp_put_key_str(out, "operation", l->operation);
    if (err == CHT_OK && l->expect.len != 0)
        err = node_mp_put_key_str(out, "expect", l->expect);
    if (err == CHT_OK && l->type != 0)
        err = node_mp_put_key_text(out, "domain", crdt_type_domain(l->type));
    if (err == CHT_OK)
        err = node_mp_put_text(out, "entity");
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, (l->id.len != 0 ? 1u : 0u) + (l->data.len != 0 ? 1u : 0u));
    if (err == CHT_OK && l->id.len != 0)
        err = node_mp_put_key_str(out, "chittyId", l->id);
    return err == CHT_OK && l->data.len != 0 ? put_data(c, l, type, out) : err;
}

enum cht_err cli_batch_line(struct cli_context *c, struct cht_bytes line, struct cht_buf *out)
{
    struct cht_buf map;
    struct line l = { 0 };
    cht_buf_init(&map, LIMIT_CLIENT_BYTES);
    enum cht_err err = cli_json_parse(line, &map);
    if (err == CHT_E_INVALID)
        err = bad(c, "it is no JSON");
    else if (err == CHT_OK && node_mp_kind(cht_buf_view(&map)) != CRDT_MP_MAP)
        err = bad(c, "it is no JSON object");
    if (err == CHT_OK)
        err = read_line(c, cht_buf_view(&map), &l);
    if (err == CHT_OK)
        err = put_change(c, &l, out);
    cht_buf_clear(&map);
    return err;
}
