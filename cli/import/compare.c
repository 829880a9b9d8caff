/* What is left to do about a record of an import; see import_record.h (docs/IMPORT.md 2).
 *
 * A record that came from elsewhere keeps a digest of what its source said last: of each cell the
 * hash of its name (4 bytes) and of its value (8 bytes), in the order of the names. What the source
 * says now is done where it is not what it said then, and nothing else is: what was changed here
 * stays. The hashes need not resist anyone: who chooses the source's text chooses what is imported.
 */
#include "cli/import/record.h"

#include <stdlib.h>

#define MARK_BYTES 12u
#define NAME_BYTES 4u

static uint64_t hash(uint64_t h, struct cht_bytes bytes) /* FNV-1a */
{
    for (size_t i = 0; i < bytes.len; i++)
        h = (h ^ bytes.data[i]) * UINT64_C(0x100000001B3);
    return h;
}

static uint64_t mixed(uint64_t h)
{
    h = (h ^ h >> 32) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 29;
}

static void put_number(uint8_t *out, size_t bytes, uint64_t v)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
}

static void mark_of(const struct crdt_field *field, struct cht_bytes key, struct cht_bytes value,
                    uint8_t out[static MARK_BYTES])
{
    const uint64_t start = UINT64_C(0xCBF29CE484222325) ^ (uint64_t)field->number << 40;
    put_number(out, NAME_BYTES, mixed(hash(start, key)) >> 32);
    put_number(out + NAME_BYTES, MARK_BYTES - NAME_BYTES, mixed(hash(start, value)));
}

static int by_name(const void *a, const void *b)
{
    return memcmp(a, b, NAME_BYTES);
}

/* The mark with this name in a digest; NULL: none. */
static const uint8_t *marked(struct cht_bytes digest, const uint8_t mark[static MARK_BYTES])
{
    return digest.len < MARK_BYTES
               ? NULL
               : bsearch(mark, digest.data, digest.len / MARK_BYTES, MARK_BYTES, by_name);
}

static enum cht_err digest_of(struct cht_arena *arena, const struct cli_import_record *r,
                              struct cht_bytes *out)
{
    uint8_t *marks = cht_arena_array(arena, r->count + 1, MARK_BYTES);
    if (marks == NULL)
        return CHT_E_NOMEM;
    for (size_t i = 0; i < r->count; i++)
        mark_of(r->items[i].field, r->items[i].key, r->items[i].value, marks + i * MARK_BYTES);
    qsort(marks, r->count, MARK_BYTES, by_name);
    *out = cht_bytes(marks, r->count * MARK_BYTES);
    return CHT_OK;
}

/* --- a record that is not here ------------------------------------------------------------- */

static bool says(const struct cli_import_record *r, const struct crdt_field *field)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->items[i].field == field && !r->items[i].skip)
            return true;
    }
    return false;
}

static enum cht_err drop(struct cht_arena *arena, struct cli_import_record *r,
                         const struct crdt_field *field, struct cht_bytes key)
{
    enum cht_err err = cli_import_say(arena, r, field->name, key, cht_bytes(NULL, 0));
    if (err == CHT_OK)
        r->items[r->count - 1].drop = true;
    return err;
}

/* What a change would bring along by itself (LOCAL 3.7) is said not to be there. */
static enum cht_err say_new(struct cht_arena *arena, struct cli_import_record *r)
{
    static const char *const brought[] = { "created", "started", "completed_at", "started_at" };
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < sizeof brought / sizeof brought[0]; i++) {
        const struct crdt_field *f = cli_import_field(r->id.type, brought[i]);
        if (f != NULL && !says(r, f))
            err = drop(arena, r, f, cht_bytes(NULL, 0));
    }
    const struct crdt_field *status = cli_import_field(r->id.type, "status");
    if (err == CHT_OK && r->id.type == CRDT_TODO && !says(r, status))
        err = drop(arena, r, status, cht_bytes(NULL, 0));
    for (size_t i = 0; i < r->count; i++) /* not hidden is how they are born */
        r->items[i].skip |=
            r->items[i].field->number == CRDT_FIELD_DELETED && !node_mp_bool(r->items[i].value);
    return err;
}

/* --- a record that is here ----------------------------------------------------------------- */

static enum cht_err drop_members(struct cht_arena *arena, struct cli_import_record *r,
                                 const struct crdt_field *field, struct cht_bytes members,
                                 bool (*gone)(const struct cli_import_record *r,
                                              struct cht_bytes digest,
                                              const struct crdt_field *field, struct cht_bytes key),
                                 struct cht_bytes digest)
{
    struct node_mp_iter it = node_mp_iter(members);
    struct cht_bytes key, value;
    enum cht_err err = CHT_OK;
    while (err == CHT_OK && node_mp_next(&it, &key, &value)) {
        const struct cht_bytes name = it.is_map ? key : value;
        if (gone(r, digest, field, name))
            err = drop(arena, r, field, name);
    }
    return err;
}

static enum cht_err
drop_gone(struct cht_arena *arena, struct cli_import_record *r, struct cht_bytes data,
          bool (*gone)(const struct cli_import_record *r, struct cht_bytes digest,
                       const struct crdt_field *field, struct cht_bytes key),
          struct cht_bytes digest)
{
    const struct crdt_type_schema *t = crdt_schema(r->id.type);
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && t != NULL && i < t->count; i++) {
        const struct crdt_field *f = &t->fields[i];
        if (f->number == CRDT_FIELD_DELETED)
            continue;
        if (f->kind == CRDT_SET || f->kind == CRDT_MAP)
            err = drop_members(arena, r, f, node_mp_get(data, f->name), gone, digest);
        else if (gone(r, digest, f, cht_bytes(NULL, 0)))
            err = drop(arena, r, f, cht_bytes(NULL, 0));
    }
    return err;
}

static bool item_for(const struct cli_import_record *r, const struct crdt_field *field,
                     struct cht_bytes key)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->items[i].field == field && cht_bytes_eq(r->items[i].key, key))
            return true;
    }
    return false;
}

/* The source said it then and says it no more. */
static bool unsaid(const struct cli_import_record *r, struct cht_bytes digest,
                   const struct crdt_field *field, struct cht_bytes key)
{
    uint8_t mark[MARK_BYTES];
    mark_of(field, key, cht_bytes(NULL, 0), mark);
    return marked(digest, mark) != NULL && !item_for(r, field, key);
}

/* It is here and the source does not say it. */
static bool not_in_source(const struct cli_import_record *r, struct cht_bytes digest,
                          const struct crdt_field *field, struct cht_bytes key)
{
    const struct cht_bytes data = node_mp_get(r->found, "data");
    (void)digest;
    return node_mp_get(data, field->name).len != 0 && !item_for(r, field, key);
}

/* With a status other fields come along (LOCAL 3.7): these stay as they are unless the source says
 * otherwise. */
static enum cht_err keep_moments(struct cht_arena *arena, struct cli_import_record *r,
                                 struct cht_bytes data)
{
    static const char *const moments[] = { "completed_at", "started_at" };
    const struct crdt_field *status = cli_import_field(r->id.type, "status");
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && says(r, status) && i < 2; i++) {
        const struct crdt_field *f = cli_import_field(r->id.type, moments[i]);
        const struct cht_bytes now = node_mp_get(data, moments[i]);
        if (f == NULL || says(r, f))
            continue;
        err = now.len == 0 ? drop(arena, r, f, cht_bytes(NULL, 0))
                           : cli_import_say(arena, r, moments[i], cht_bytes(NULL, 0), now);
    }
    return err;
}

static enum cht_err compare_source(struct cht_arena *arena, struct cli_import_record *r,
                                   struct cht_bytes digest_key, struct cht_bytes digest,
                                   struct cht_bytes here)
{
    const struct cht_bytes data = node_mp_get(here, "data");
    struct cht_bytes before = cht_bytes(NULL, 0), key, value;
    struct node_mp_iter it = node_mp_iter(node_mp_get(data, "raw"));
    while (node_mp_next(&it, &key, &value)) {
        if (cht_bytes_eq(node_mp_str(key), digest_key) && node_mp_kind(value) == CRDT_MP_BIN)
            before = crdt_mp_peek(value).data;
    }
    for (size_t i = 0; i < r->count; i++) {
        struct cli_import_item *item = &r->items[i];
        uint8_t mark[MARK_BYTES];
        mark_of(item->field, item->key, item->value, mark);
        const uint8_t *then = marked(before, mark);
        item->skip = then != NULL && memcmp(then, mark, MARK_BYTES) == 0;
        if (item->field->number == CRDT_FIELD_DELETED &&
            node_mp_bool(item->value) == node_mp_get_bool(here, "deleted"))
            item->skip = true;
    }
    enum cht_err err =
        cht_bytes_eq(before, digest) ? CHT_OK : drop_gone(arena, r, data, unsaid, before);
    return err == CHT_OK ? keep_moments(arena, r, data) : err;
}

/* Is the cell here just as the item says? */
static bool is_here(const struct cli_import_item *item, struct cht_bytes here)
{
    const struct cht_bytes value = node_mp_get(node_mp_get(here, "data"), item->field->name);
    struct node_mp_iter it = node_mp_iter(value);
    struct cht_bytes key, one;
    if (item->field->number == CRDT_FIELD_DELETED)
        return node_mp_bool(item->value) == node_mp_get_bool(here, "deleted");
    if (item->field->kind != CRDT_SET && item->field->kind != CRDT_MAP)
        return cht_bytes_eq(value, item->value);
    while (node_mp_next(&it, &key, &one)) {
        if (it.is_map ? cht_bytes_eq(key, item->key) && cht_bytes_eq(one, item->value)
                      : cht_bytes_eq(one, item->key))
            return true;
    }
    return false;
}

static bool any_left(const struct cli_import_record *r)
{
    for (size_t i = 0; i < r->count; i++) {
        if (!r->items[i].skip)
            return true;
    }
    return false;
}

static enum cht_err compare_whole(struct cht_arena *arena, struct cli_import_record *r)
{
    const struct cht_bytes data = node_mp_get(r->found, "data");
    for (size_t i = 0; i < r->count; i++)
        r->items[i].skip = is_here(&r->items[i], r->found);
    enum cht_err err = drop_gone(arena, r, data, not_in_source, cht_bytes(NULL, 0));
    if (err != CHT_OK)
        return err;
    r->differs = any_left(r);
    if (r->rule == CLI_IMPORT_WHOLE)
        return keep_moments(arena, r, data);
    for (size_t i = 0; i < r->count; i++)
        r->items[i].skip = true;
    return CHT_OK;
}

/* The digest goes with the last of what is to be done. */
static enum cht_err say_digest(struct cht_arena *arena, struct cli_import_record *r,
                               struct cht_bytes digest)
{
    struct cht_buf b;
    cht_buf_init(&b, digest.len + 8);
    enum cht_err err = crdt_mp_put_bin(&b, digest);
    if (err == CHT_OK)
        err = cli_import_say_raw(arena, r, cht_bytes_str("digest"), cht_buf_view(&b));
    cht_buf_clear(&b);
    return err;
}

/* To the end: of several changes the last hides it, and has seen the others (PROTOCOL 5.6). */
static void move_deleted(struct cli_import_record *r)
{
    for (size_t i = 0; i + 1 < r->count; i++) {
        if (r->items[i].field->number == CRDT_FIELD_DELETED && !r->items[i].skip) {
            const struct cli_import_item deleted = r->items[i];
            memmove(&r->items[i], &r->items[i + 1], (r->count - 1 - i) * sizeof deleted);
            r->items[r->count - 1] = deleted;
            return;
        }
    }
}

enum cht_err cli_import_compare(struct cht_arena *arena, struct cli_import_record *r)
{
    struct cht_bytes digest = cht_bytes(NULL, 0);
    enum cht_err err = CHT_OK;
    r->here = r->found.len != 0;
    if (r->rule == CLI_IMPORT_KEEP && r->here) {
        for (size_t i = 0; i < r->count; i++)
            r->items[i].skip = true;
        return CHT_OK;
    }
    if (r->rule == CLI_IMPORT_SOURCE)
        err = digest_of(arena, r, &digest);
    if (err != CHT_OK)
        return err;
    if (!r->here) {
        err = say_new(arena, r);
    } else if (r->rule == CLI_IMPORT_SOURCE) {
        char key[64] = "";
        (void)strncat(key, r->source, sizeof key - 16);
        (void)strcat(key, ".digest");
        err = compare_source(arena, r, cht_bytes_str(key), digest, r->found);
    } else {
        err = compare_whole(arena, r);
    }
    const bool told = r->rule == CLI_IMPORT_SOURCE && (!r->here || any_left(r));
    if (err == CHT_OK && told)
        err = say_digest(arena, r, digest);
    move_deleted(r);
    return err;
}
