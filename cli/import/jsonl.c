/* Our own export (docs/IMPORT.md 1). */
#include "cli/import/exact_json.h"
#include "cli/import/import.h"
#include "crdt/limits.h"

struct line {
    const struct cli_import_reading *how;
    struct cli_import_record *record;
    struct cht_buf key, value;
};

static enum cht_err wrong_value(const struct line *l, const struct crdt_field *f, enum cht_err err)
{
    return err == CHT_E_NOMEM ? err
                              : node_fault_set(l->how->fault, CHT_E_INVALID, cht_bytes_str(f->name),
                                               "%s has a value that cannot be read", f->name);
}

/* One cell; `key` and `json` as parsed. */
static enum cht_err take_cell(struct line *l, const struct crdt_field *f, struct cht_bytes key,
                              struct cht_bytes json)
{
    enum cht_err err = CHT_OK;
    cht_buf_reset(&l->key);
    cht_buf_reset(&l->value);
    if (key.len != 0)
        err = cli_exact_take(f, true, key, &l->key);
    if (err == CHT_OK && f->kind != CRDT_SET)
        err = cli_exact_take(f, false, json, &l->value);
    if (err != CHT_OK)
        return wrong_value(l, f, err);
    return cli_import_say(l->how->arena, l->record, f->name, cht_buf_view(&l->key),
                          cht_buf_view(&l->value));
}

static enum cht_err take_field(struct line *l, struct cht_bytes name, struct cht_bytes json)
{
    const struct crdt_field *f = crdt_field_named(l->record->id.type, name);
    const enum crdt_mp_kind kind = node_mp_kind(json);
    struct node_mp_iter it = node_mp_iter(json);
    struct cht_bytes key, one;
    enum cht_err err = CHT_OK;
    if (f == NULL || f->number == CRDT_FIELD_DELETED)
        return node_fault_set(l->how->fault, CHT_E_INVALID, cht_bytes_str("data"),
                              "a %s has no field \"%.*s\"", crdt_type_table(l->record->id.type),
                              (int)(name.len > 64 ? 64 : name.len), (const char *)name.data);
    if (f->kind == CRDT_SET ? kind != CRDT_MP_ARRAY : f->kind == CRDT_MAP && kind != CRDT_MP_MAP)
        return wrong_value(l, f, CHT_E_INVALID);
    if (f->kind != CRDT_SET && f->kind != CRDT_MAP)
        return kind == CRDT_MP_NIL ? CHT_OK : take_cell(l, f, cht_bytes(NULL, 0), json);
    while (err == CHT_OK && node_mp_next(&it, &key, &one))
        err = f->kind == CRDT_SET ? take_cell(l, f, one, cht_bytes(NULL, 0))
                                  : take_cell(l, f, key, one);
    return err;
}

static enum cht_err take_all(struct line *l, struct cht_bytes object)
{
    static const uint8_t bools[] = { 0xc2, 0xc3 };
    const struct cht_bytes data = node_mp_get(object, "data");
    struct node_mp_iter it = node_mp_iter(data);
    struct cht_bytes name, json;
    const bool deleted = node_mp_get_bool(object, "deleted");
    enum cht_err err = cli_import_say(l->how->arena, l->record, "deleted", cht_bytes(NULL, 0),
                                      cht_bytes(&bools[deleted], 1));
    if (err == CHT_OK && node_mp_kind(data) != CRDT_MP_MAP)
        return cli_import_wrong(l->how, "data", "it has no data");
    while (err == CHT_OK && node_mp_next(&it, &name, &json))
        err = take_field(l, node_mp_str(name), json);
    return err;
}

static enum cht_err read_head(const struct cli_import_reading *how, struct cht_bytes object)
{
    return node_mp_get_uint(object, "schemaVersion", 0) == 1
               ? CHT_OK
               : cli_import_wrong(how, "schemaVersion",
                                  "the export is of a version that this build does not know");
}

static enum cht_err read_line(const struct cli_import_reading *how, struct cht_bytes object,
                              struct cli_import_record **out)
{
    struct line l = { .how = how };
    struct crdt_id id;
    if (cht_bytes_eq(node_mp_get_str(object, "kind"), cht_bytes_str("chitty-export")))
        return read_head(how, object);
    if (crdt_id_parse(node_mp_get_str(object, "chittyId"), &id) != CHT_OK)
        return cli_import_wrong(how, "chittyId", "it has no chittyId");
    if (crdt_schema(id.type) == NULL)
        return cli_import_wrong(how, "chittyId", "this build does not know its type");
    l.record = cli_import_record(
        how->arena, &id, how->overwrite ? CLI_IMPORT_WHOLE : CLI_IMPORT_ADD, NULL, how->line);
    if (l.record == NULL)
        return CHT_E_NOMEM;
    cht_buf_init(&l.key, LIMIT_CLIENT_BYTES);
    cht_buf_init(&l.value, LIMIT_CLIENT_BYTES);
    const enum cht_err err = take_all(&l, object);
    cht_buf_clear(&l.key);
    cht_buf_clear(&l.value);
    if (err == CHT_OK)
        *out = l.record;
    return err;
}

static bool is_line(struct cht_bytes object)
{
    return node_mp_get_str(object, "chittyId").len != 0 ||
           cht_bytes_eq(node_mp_get_str(object, "kind"), cht_bytes_str("chitty-export"));
}

const struct cli_import_format cli_import_jsonl = {
    .name = "jsonl",
    .is = is_line,
    .read = read_line,
};
