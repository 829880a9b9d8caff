/* Files of other programs, in pieces as a pipe gives them: whatever they are, each record is read
 * or refused, what is read can be written as changes, and once written nothing is left to do. */
/* covers: cli/import/reader.c cli/import/record.c cli/import/compare.c cli/import/common.c */
/* covers: cli/import/beads.c cli/import/taskwarrior.c cli/import/jsonl.c cli/import/time.c */
/* covers: cli/import/exact_json.c */
#include "cli/import/exact_json.h"
#include "cli/import/import.h"
#include "cli/import/reader.h"
#include "crdt/limits.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

struct source {
    struct cht_bytes left;
};

/* 7 bytes at a time: every boundary falls between two of them once. */
static enum cht_err more(void *ctx, uint8_t *out, size_t room, size_t *out_len)
{
    struct source *s = ctx;
    const size_t n = s->left.len < 7 ? s->left.len : 7;
    must(room >= n);
    if (n != 0)
        memcpy(out, s->left.data, n);
    s->left = cht_bytes(s->left.data + n, s->left.len - n);
    *out_len = n;
    return CHT_OK;
}

/* The digest that would be written. */
static struct cht_bytes digest_of(const struct cli_import_record *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct cht_bytes key = node_mp_str(r->items[i].key);
        if (r->items[i].field == cli_import_field(r->id.type, "raw") && key.len > 7 &&
            memcmp(key.data + key.len - 7, ".digest", 7) == 0 && !r->items[i].skip)
            return r->items[i].value;
    }
    return cht_bytes(NULL, 0);
}

static size_t left_over(const struct cli_import_record *r)
{
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++)
        count += !r->items[i].skip;
    return count;
}

/* A record of `get` that shows the digest and nothing else. */
static void put_found(const struct cli_import_record *r, struct cht_bytes digest, bool deleted,
                      struct cht_buf *out)
{
    struct cht_buf key;
    cht_buf_init(&key, 64);
    must(cht_buf_add(&key, cht_bytes_str(r->source)) == CHT_OK);
    must(cht_buf_add(&key, cht_bytes_str(".digest")) == CHT_OK);
    must(crdt_mp_put_map(out, 2) == CHT_OK);
    must(node_mp_put_key_bool(out, "deleted", deleted) == CHT_OK);
    must(node_mp_put_text(out, "data") == CHT_OK);
    must(crdt_mp_put_map(out, 1) == CHT_OK);
    must(node_mp_put_text(out, "raw") == CHT_OK);
    must(crdt_mp_put_map(out, 1) == CHT_OK);
    must(crdt_mp_put_str(out, cht_buf_view(&key)) == CHT_OK);
    must(cht_buf_add(out, digest) == CHT_OK);
    cht_buf_clear(&key);
}

static void check_changes(struct cht_arena *arena, struct cli_import_record *r)
{
    struct node_fault fault = { 0 };
    struct cht_buf data;
    size_t from = 0;
    cht_buf_init(&data, LIMIT_CLIENT_BYTES * 8);
    while (from < r->count) {
        bool any;
        cht_buf_reset(&data);
        must(cli_import_put_data(r, &from, &any, &data) == CHT_OK);
        must(!any || crdt_mp_scan(cht_buf_view(&data), 16, 1u << 24) == CHT_OK);
    }
    cht_buf_clear(&data);
    (void)!cli_import_check(arena, r, &fault);
}

static struct cli_import_record *read_object(const struct cli_import_format *format,
                                             const struct cli_import_reading *how,
                                             struct cht_bytes object)
{
    struct cli_import_record *r = NULL;
    const enum cht_err err = format->read(how, object, &r);
    must(err == CHT_OK || err == CHT_E_INVALID);
    must(err != CHT_E_INVALID || how->fault->error.text[0] != '\0');
    return err == CHT_OK ? r : NULL;
}

/* A value's JSON is read back as a value whose JSON is the same. */
static void check_value(const struct crdt_field *field, struct cht_bytes value)
{
    static struct cli_out first, second;
    struct cht_buf json, back;
    cht_buf_init(&json, (size_t)1 << 24);
    cht_buf_init(&back, (size_t)1 << 24);
    first = (struct cli_out){ .fd = -1 };
    second = (struct cli_out){ .fd = -1 };
    cli_exact_put(&first, field, value);
    if (first.sys == 0) {
        must(cli_json_parse_deep(cht_bytes(first.data, first.len), CLI_IMPORT_DEPTH + 8, &json) ==
             CHT_OK);
        must(cli_exact_take(field, false, cht_buf_view(&json), &back) == CHT_OK);
        cli_exact_put(&second, field, cht_buf_view(&back));
        must(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    }
    cht_buf_clear(&json);
    cht_buf_clear(&back);
}

static void check_values(const struct cli_import_record *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct cli_import_item *item = &r->items[i];
        if (!item->drop && item->value.len != 0 && item->field->value == CRDT_V_ANY)
            check_value(item->field, item->value);
    }
}

/* What was read before, as a record of `get` shows it when it has been written. */
struct earlier {
    struct crdt_id id;
    struct cht_buf found;
};

static void remember(struct earlier *e, const struct cli_import_record *r)
{
    struct cht_buf data, fields;
    size_t from = 0;
    uint32_t count = 0;
    bool any;
    cht_buf_init(&data, (size_t)1 << 24);
    cht_buf_init(&fields, (size_t)1 << 24);
    must(cli_import_put_data(r, &from, &any, &data) == CHT_OK);
    struct node_mp_iter it = node_mp_iter(cht_buf_view(&data));
    struct cht_bytes name, value;
    while (node_mp_next(&it, &name, &value)) {
        const struct crdt_field *f = crdt_field_named(r->id.type, node_mp_str(name));
        const struct cht_bytes shown = f->kind == CRDT_SET ? node_mp_get(value, "add") : value;
        if (shown.len == 0 || node_mp_kind(value) == CRDT_MP_NIL)
            continue;
        count++;
        must(cht_buf_add(&fields, name) == CHT_OK && cht_buf_add(&fields, shown) == CHT_OK);
    }
    cht_buf_reset(&e->found);
    must(crdt_mp_put_map(&e->found, 1) == CHT_OK);
    must(node_mp_put_text(&e->found, "data") == CHT_OK);
    must(crdt_mp_put_map(&e->found, count) == CHT_OK);
    must(cht_buf_add(&e->found, cht_buf_view(&fields)) == CHT_OK);
    e->id = r->id;
    cht_buf_clear(&data);
    cht_buf_clear(&fields);
}

/* The same object once more, when all of it is here by its digest. */
static void take_again(const struct cli_import_format *format, const struct cli_import_reading *how,
                       struct cht_bytes object, const struct cli_import_record *r)
{
    struct cht_buf found;
    struct cli_import_record *again = read_object(format, how, object);
    cht_buf_init(&found, (size_t)1 << 20);
    put_found(again, digest_of(r), false, &found);
    again->found = cht_buf_view(&found);
    must(cli_import_compare(how->arena, again) == CHT_OK);
    must(left_over(again) == 0);
    cht_buf_clear(&found);
}

static void take_object(const struct cli_import_format *format, struct cht_bytes object,
                        bool overwrite, struct earlier *earlier)
{
    struct cht_arena arena;
    struct node_fault fault = { 0 };
    const struct cli_id_set none = { 0 };
    cht_arena_init(&arena, (size_t)256 << 20);
    const struct cli_import_reading how = {
        .arena = &arena, .projects = &none, .line = 1, .fault = &fault, .overwrite = overwrite
    };
    struct cli_import_record *r = read_object(format, &how, object);
    if (r != NULL && crdt_id_eq(&r->id, &earlier->id))
        r->found = cht_buf_view(&earlier->found);
    for (struct cli_import_record *one = r; one != NULL; one = one->next) {
        check_values(one);
        must(cli_import_compare(&arena, one) == CHT_OK);
        check_changes(&arena, one);
    }
    if (r != NULL && !r->here && r->rule == CLI_IMPORT_SOURCE)
        take_again(format, &how, object, r);
    if (r != NULL && !r->here)
        remember(earlier, r);
    cht_arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct cli_import_format *const formats[] = { &cli_import_beads,
                                                               &cli_import_taskwarrior,
                                                               &cli_import_jsonl };
    struct source source = { .left = cht_bytes(data, len) };
    struct cli_import_reader reader;
    struct cht_bytes text;
    struct cht_buf object;
    uint64_t line, last = 1;
    struct earlier earlier[4] = { 0 };
    for (size_t i = 0; i < 4; i++)
        cht_buf_init(&earlier[i].found, (size_t)1 << 24);
    cli_import_reader_init(&reader, more, &source);
    cht_buf_init(&object, (size_t)1 << 24);
    for (;;) {
        const enum cht_err err = cli_import_next(&reader, &text, &line);
        must(line >= last);
        last = line;
        if (err == CHT_E_NOTFOUND)
            break;
        must(err == CHT_OK || err == CHT_E_LIMIT || err == CHT_E_MALFORMED);
        cht_buf_reset(&object);
        if (err != CHT_OK || cli_json_parse_deep(text, CLI_IMPORT_DEPTH, &object) != CHT_OK ||
            node_mp_kind(cht_buf_view(&object)) != CRDT_MP_MAP)
            continue;
        for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
            take_object(formats[i], cht_buf_view(&object), false, &earlier[i]);
        take_object(&cli_import_jsonl, cht_buf_view(&object), true, &earlier[3]);
    }
    must(source.left.len == 0 || reader.array);
    for (size_t i = 0; i < 4; i++)
        cht_buf_clear(&earlier[i].found);
    cht_buf_clear(&object);
    cli_import_reader_clear(&reader);
    return 0;
}
