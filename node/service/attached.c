/* Which records name which blobs (PROTOCOL 12.1, LOCAL 7.1): every live value of an `attachments`
 * map, concurrent ones too.
 *
 * Read from the tables when it is first asked for, by an index over the rows that have any; from
 * then on each commit tells what changed. See blobs.h. */
#include "node/service/own.h"

#include <stdlib.h>

#define FIELD_NAME "attachments"
#define TYPES_MAX  (sizeof((struct service_attached *)0)->bits / sizeof(uint64_t))

/* The field of a type; NULL: it has none. */
static const struct crdt_field *field_of(unsigned type)
{
    return crdt_field_named(type, cht_bytes_str(FIELD_NAME));
}

enum cht_err service_attachment_read(struct cht_bytes value, struct crdt_hash *out_hash,
                                     uint64_t *out_size)
{
    const struct cht_bytes hex = node_mp_get_str(value, "blob");
    const uint64_t size = node_mp_get_uint(value, "size", UINT64_MAX);
    struct crdt_hash hash;
    if (size > LIMIT_BLOB_BYTES || crdt_unhex(hex, hash.b, CRDT_HASH_BYTES) != CHT_OK)
        return CHT_E_INVALID;
    *out_hash = hash;
    *out_size = size;
    return CHT_OK;
}

/* --- the list ------------------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const struct service_attachment *a = left, *b = right;
    const int order = memcmp(a->hash.b, b->hash.b, CRDT_HASH_BYTES);
    if (order != 0 || a->n == b->n)
        return order;
    return a->n < b->n ? -1 : 1;
}

static enum cht_err add(struct service_attached *l, const struct service_attachment *a)
{
    if (l->count == l->cap) {
        const size_t cap = l->cap == 0 ? 32 : l->cap * 2;
        struct service_attachment *grown = realloc(l->list, cap * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        l->list = grown;
        l->cap = cap;
    }
    l->list[l->count++] = *a;
    return CHT_OK;
}

/* What entity n names now, at the end of the list. */
static enum cht_err add_entity(struct node_service *s, uint32_t n)
{
    const struct crdt_state *state;
    enum cht_err err = node_replica_state(s->replica, n, &state);
    const struct crdt_field *f = err == CHT_OK ? field_of(state->id.type) : NULL;
    for (uint32_t i = 0; f != NULL && err == CHT_OK && i < state->count; i++) {
        const struct crdt_cell *cell = &state->cells[i];
        for (uint32_t k = 0; cell->field == f->number && err == CHT_OK && k < cell->count; k++) {
            struct service_attachment a = { .n = n, .at = cell->values[k].at };
            if (service_attachment_read(cell->values[k].bytes, &a.hash, &a.size) != CHT_OK)
                continue;
            err = add(&s->attached, &a);
            if (s->blobs != NULL)
                node_blobs_named(s->blobs, &a.hash, true, s->now_ms);
        }
    }
    return err;
}

static int by_number(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

/* Without what these entities name; their numbers ascending. */
static void remove_entities(struct service_attached *l, const uint32_t *numbers, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++) {
        if (bsearch(&l->list[i].n, numbers, count, sizeof *numbers, by_number) == NULL)
            l->list[kept++] = l->list[i];
    }
    l->count = kept;
}

static void sort(struct service_attached *l)
{
    if (l->count > 1)
        qsort(l->list, l->count, sizeof *l->list, compare);
}

/* --- reading it first ----------------------------------------------------------------------- */

/* The entities of a type that have any. Their numbers first: a cursor is closed before the cache
 * is asked. */
static enum cht_err load_type(struct node_service *s, unsigned type)
{
    struct node_cursor *cursor;
    const struct node_find find = { .type = type,
                                    .where = FIELD_NAME " IS NOT NULL",
                                    .with_deleted = true };
    struct cht_buf numbers;
    cht_buf_init(&numbers, SIZE_MAX);
    enum cht_err err = node_find_open(node_replica_store(s->replica), &find, "n", &cursor);
    if (err != CHT_OK)
        return err;
    err = node_find_numbers(cursor, &numbers);
    struct cht_wire w = cht_wire(cht_buf_view(&numbers));
    while (err == CHT_OK && cht_wire_left(&w) != 0)
        err = add_entity(s, cht_wire_u32(&w));
    cht_buf_clear(&numbers);
    return err;
}

static enum cht_err load(struct node_service *s)
{
    size_t types;
    (void)crdt_schema_at(0, &types);
    if (node_replica_dirty(s->replica))
        return CHT_E_WAITING;
    s->attached.count = 0;
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < types; i++) {
        const struct crdt_type_schema *t = crdt_schema_at(i, NULL);
        const struct crdt_field *f = field_of(t->type);
        if (f == NULL || t->type >= TYPES_MAX)
            continue;
        s->attached.bits[t->type] = UINT64_C(1) << (f - t->fields);
        err = load_type(s, t->type);
    }
    if (err != CHT_OK)
        return err;
    sort(&s->attached);
    s->attached.loaded = true;
    s->attached.version++;
    return CHT_OK;
}

/* --- what a commit changed ------------------------------------------------------------------ */

static bool touches_it(const struct node_service *s, const struct node_touch *touch)
{
    const unsigned type = node_replica_index(s->replica)->slots[touch->n].id.type;
    return type < TYPES_MAX && (touch->fields & s->attached.bits[type]) != 0;
}

/* The list is gone through once, however many entities a commit has: a first sync brings all. */
static enum cht_err read_again(struct node_service *s, uint32_t *numbers, size_t count)
{
    enum cht_err err = CHT_OK;
    qsort(numbers, count, sizeof *numbers, by_number);
    remove_entities(&s->attached, numbers, count);
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        err = add_entity(s, numbers[i]);
    sort(&s->attached);
    s->attached.version++;
    return err;
}

void service_attached_after(struct node_service *s)
{
    const struct node_commit last = node_replica_last(s->replica);
    size_t count = 0;
    if (!s->attached.loaded || last.touched_count == 0)
        return;
    uint32_t *numbers = calloc(last.touched_count, sizeof *numbers);
    for (size_t i = 0; numbers != NULL && i < last.touched_count; i++) {
        if (touches_it(s, &last.touched[i]))
            numbers[count++] = last.touched[i].n;
    }
    if (numbers == NULL || (count != 0 && read_again(s, numbers, count) != CHT_OK))
        s->attached.loaded = false; /* it is read anew */
    free(numbers);
}

void service_attached_clear(struct node_service *s)
{
    free(s->attached.list);
    s->attached = (struct service_attached){ .version = s->attached.version + 1 };
}

/* --- asking --------------------------------------------------------------------------------- */

enum cht_err service_attachments(struct node_service *s, const struct service_attachment **out,
                                 size_t *out_count)
{
    const enum cht_err err = s->attached.loaded ? CHT_OK : load(s);
    if (err != CHT_OK)
        return err;
    *out = s->attached.list;
    *out_count = s->attached.count;
    return CHT_OK;
}

enum cht_err service_attached(struct node_service *s, const struct crdt_hash *hash,
                              struct service_attachment *out)
{
    const struct service_attachment *list;
    size_t low = 0, high;
    const enum cht_err err = service_attachments(s, &list, &high);
    if (err != CHT_OK)
        return err;
    const size_t count = high;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (memcmp(list[middle].hash.b, hash->b, CRDT_HASH_BYTES) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == count || !crdt_hash_eq(&list[low].hash, hash))
        return CHT_E_NOTFOUND;
    *out = list[low];
    return CHT_OK;
}

uint64_t service_attachments_version(const struct node_service *s)
{
    return s->attached.version;
}

const uint8_t *service_attachment_device(const struct node_service *s,
                                         const struct service_attachment *a)
{
    return crdt_graph_device_id(node_replica_graph(s->replica), a->at.chain);
}
