/* Records of an import; see import_record.h. */
#include "cli/import/record.h"

#include "crdt/id.h"

static const uint8_t nil[] = { 0xc0 };

struct cli_import_record *cli_import_record(struct cht_arena *arena, const struct crdt_id *id,
                                            enum cli_import_rule rule, const char *source,
                                            uint64_t line)
{
    struct cli_import_record *r = cht_arena_alloc(arena, sizeof *r);
    if (r == NULL)
        return NULL;
    r->id = *id;
    crdt_id_text(id, r->id_text);
    r->rule = rule;
    r->source = source;
    r->line = line;
    return r;
}

const struct crdt_field *cli_import_field(unsigned type, const char *name)
{
    const struct crdt_type_schema *t = crdt_schema(type);
    for (size_t i = 0; t != NULL && i < t->count; i++) {
        if (strcmp(t->fields[i].name, name) == 0)
            return &t->fields[i];
    }
    return NULL;
}

/* --- saying -------------------------------------------------------------------------------- */

static enum cht_err add(struct cht_arena *arena, struct cli_import_record *r,
                        const struct cli_import_item *item)
{
    if (r->count == r->cap) {
        const size_t cap = r->cap == 0 ? 32 : r->cap * 2;
        struct cli_import_item *grown = cht_arena_array(arena, cap, sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        if (r->count != 0)
            memcpy(grown, r->items, r->count * sizeof *grown);
        r->items = grown;
        r->cap = cap;
    }
    r->items[r->count++] = *item;
    return CHT_OK;
}

enum cht_err cli_import_say(struct cht_arena *arena, struct cli_import_record *r, const char *field,
                            struct cht_bytes key, struct cht_bytes value)
{
    struct cli_import_item item = { .field = cli_import_field(r->id.type, field) };
    enum cht_err err = item.field == NULL ? CHT_E_INVALID : CHT_OK;
    if (err == CHT_OK)
        err = cht_arena_copy(arena, key, &item.key);
    if (err == CHT_OK)
        err = cht_arena_copy(arena, value, &item.value);
    return err == CHT_OK ? add(arena, r, &item) : err;
}

/* The msgpack of a text, in the arena. */
static enum cht_err text_value(struct cht_arena *arena, struct cht_bytes text,
                               struct cht_bytes *out)
{
    struct cht_buf b;
    cht_buf_init(&b, text.len + 8);
    enum cht_err err = crdt_mp_put_str(&b, text);
    if (err == CHT_OK)
        err = cht_arena_copy(arena, cht_buf_view(&b), out);
    cht_buf_clear(&b);
    return err;
}

enum cht_err cli_import_say_text(struct cht_arena *arena, struct cli_import_record *r,
                                 const char *field, struct cht_bytes text)
{
    struct cli_import_item item = { .field = cli_import_field(r->id.type, field) };
    if (text.len == 0)
        return CHT_OK;
    enum cht_err err = item.field == NULL ? CHT_E_INVALID : CHT_OK;
    if (err == CHT_OK)
        err = text_value(arena, text, &item.value);
    return err == CHT_OK ? add(arena, r, &item) : err;
}

enum cht_err cli_import_say_uint(struct cht_arena *arena, struct cli_import_record *r,
                                 const char *field, uint64_t value)
{
    struct cht_buf b;
    cht_buf_init(&b, 16);
    enum cht_err err = crdt_mp_put_uint(&b, value);
    if (err == CHT_OK)
        err = cli_import_say(arena, r, field, cht_bytes(NULL, 0), cht_buf_view(&b));
    cht_buf_clear(&b);
    return err;
}

enum cht_err cli_import_say_element(struct cht_arena *arena, struct cli_import_record *r,
                                    const char *field, struct cht_bytes text)
{
    struct cli_import_item item = { .field = cli_import_field(r->id.type, field) };
    if (text.len == 0)
        return CHT_OK;
    enum cht_err err = item.field == NULL ? CHT_E_INVALID : CHT_OK;
    if (err == CHT_OK)
        err = text_value(arena, text, &item.key);
    for (size_t i = 0; err == CHT_OK && i < r->count; i++) {
        if (r->items[i].field == item.field && cht_bytes_eq(r->items[i].key, item.key))
            return CHT_OK;
    }
    return err == CHT_OK ? add(arena, r, &item) : err;
}

enum cht_err cli_import_say_raw(struct cht_arena *arena, struct cli_import_record *r,
                                struct cht_bytes name, struct cht_bytes value)
{
    struct cht_buf key, b;
    cht_buf_init(&key, strlen(r->source) + 1 + name.len);
    cht_buf_init(&b, strlen(r->source) + name.len + 16);
    enum cht_err err = cht_buf_add(&key, cht_bytes_str(r->source));
    if (err == CHT_OK)
        err = cht_buf_add_u8(&key, '.');
    if (err == CHT_OK)
        err = cht_buf_add(&key, name);
    if (err == CHT_OK)
        err = crdt_mp_put_str(&b, cht_buf_view(&key));
    if (err == CHT_OK)
        err = cli_import_say(arena, r, "raw", cht_buf_view(&b), value);
    cht_buf_clear(&key);
    cht_buf_clear(&b);
    return err;
}

/* --- what is to be seen of it -------------------------------------------------------------- */

enum cht_err cli_import_fields(const struct cli_import_record *r, bool *out_all,
                               struct cht_buf *out)
{
    static const char *const marks[] = { "raw", "completed_at", "started_at" };
    const struct crdt_type_schema *t = crdt_schema(r->id.type);
    uint32_t count = 0;
    *out_all = r->rule == CLI_IMPORT_WHOLE || r->rule == CLI_IMPORT_ADD;
    if (*out_all || t == NULL)
        return CHT_OK;
    if (r->rule == CLI_IMPORT_KEEP) {
        const enum cht_err err = crdt_mp_put_array(out, 1);
        return err == CHT_OK ? node_mp_put_text(out, t->title_field) : err;
    }
    for (int pass = 0; pass < 2; pass++) {
        enum cht_err err = pass == 1 ? crdt_mp_put_array(out, count) : CHT_OK;
        for (size_t i = 0; err == CHT_OK && i < t->count; i++) {
            bool wanted = t->fields[i].kind == CRDT_SET;
            for (size_t k = 0; k < sizeof marks / sizeof marks[0]; k++)
                wanted |= strcmp(t->fields[i].name, marks[k]) == 0;
            count += wanted && pass == 0;
            if (wanted && pass == 1)
                err = node_mp_put_text(out, t->fields[i].name);
        }
        if (err != CHT_OK)
            return err;
    }
    return CHT_OK;
}

/* --- as a change --------------------------------------------------------------------------- */

struct piece {
    const struct cli_import_record *r;
    size_t from, to;
};

static bool in_piece(const struct piece *p, size_t i, const struct crdt_field *f)
{
    return !p->r->items[i].skip && p->r->items[i].field == f;
}

/* Elements that are added, or removed. */
static enum cht_err put_elements(const struct piece *p, const struct crdt_field *f, bool drop,
                                 uint32_t count, struct cht_buf *out)
{
    enum cht_err err = node_mp_put_text(out, drop ? "remove" : "add");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, count);
    for (size_t i = p->from; err == CHT_OK && i < p->to; i++) {
        if (in_piece(p, i, f) && p->r->items[i].drop == drop)
            err = cht_buf_add(out, p->r->items[i].key);
    }
    return err;
}

static enum cht_err put_field(const struct piece *p, const struct crdt_field *f, uint32_t puts,
                              uint32_t drops, struct cht_buf *out)
{
    enum cht_err err = node_mp_put_text(out, f->name);
    if (err == CHT_OK && f->kind == CRDT_SET)
        err = crdt_mp_put_map(out, (puts != 0 ? 1u : 0u) + (drops != 0 ? 1u : 0u));
    if (err == CHT_OK && f->kind == CRDT_SET && puts != 0)
        err = put_elements(p, f, false, puts, out);
    if (err == CHT_OK && f->kind == CRDT_SET && drops != 0)
        err = put_elements(p, f, true, drops, out);
    if (f->kind == CRDT_SET)
        return err;
    if (err == CHT_OK && f->kind == CRDT_MAP)
        err = crdt_mp_put_map(out, puts + drops);
    for (size_t i = p->from; err == CHT_OK && i < p->to; i++) {
        const struct cli_import_item *item = &p->r->items[i];
        if (!in_piece(p, i, f))
            continue;
        if (f->kind == CRDT_MAP)
            err = cht_buf_add(out, item->key);
        if (err == CHT_OK)
            err = cht_buf_add(out, item->drop ? cht_bytes(nil, sizeof nil) : item->value);
        if (f->kind != CRDT_MAP) /* of two values the first counts */
            break;
    }
    return err;
}

/* How far one change goes. */
static size_t piece_end(const struct cli_import_record *r, size_t from)
{
    size_t items = 0, bytes = 0, i = from;
    for (; i < r->count && items < CLI_IMPORT_PIECE_ITEMS; i++) {
        if (r->items[i].skip)
            continue;
        const size_t more = r->items[i].key.len + r->items[i].value.len + 16;
        if (items != 0 && bytes + more > CLI_IMPORT_PIECE_BYTES)
            break;
        items++;
        bytes += more;
    }
    return i;
}

enum cht_err cli_import_put_data(const struct cli_import_record *r, size_t *from, bool *out_any,
                                 struct cht_buf *out)
{
    const struct crdt_type_schema *t = crdt_schema(r->id.type);
    const struct piece p = { .r = r, .from = *from, .to = piece_end(r, *from) };
    uint32_t puts[64] = { 0 }, drops[64] = { 0 }, fields = 0;
    *from = p.to;
    *out_any = false;
    if (t == NULL || t->count > sizeof puts / sizeof puts[0])
        return CHT_E_INTERNAL;
    for (size_t i = p.from; i < p.to; i++) {
        const struct cli_import_item *item = &r->items[i];
        const size_t at = (size_t)(item->field - t->fields);
        if (item->skip)
            continue;
        fields += puts[at] + drops[at] == 0;
        puts[at] += !item->drop;
        drops[at] += item->drop;
    }
    *out_any = fields != 0;
    if (fields == 0)
        return CHT_OK;
    enum cht_err err = crdt_mp_put_map(out, fields);
    for (size_t i = 0; err == CHT_OK && i < t->count; i++) {
        if (puts[i] + drops[i] != 0)
            err = put_field(&p, &t->fields[i], puts[i], drops[i], out);
    }
    return err;
}
