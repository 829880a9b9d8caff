/* The entries the model holds, and looking them up; see model.h. */
#include "crdt/model.h"

#include "crdt/model_own.h"

#include <stdlib.h>

void crdt_model_init(struct crdt_model *m)
{
    *m = (struct crdt_model){ .count = 0 };
    cht_arena_init(&m->kept, SIZE_MAX);
    cht_arena_init(&m->work, SIZE_MAX);
}

void crdt_model_clear(struct crdt_model *m)
{
    cht_arena_clear(&m->kept);
    cht_arena_clear(&m->work);
    free(m->entries);
    crdt_model_init(m);
}

static enum cht_err make_room(struct crdt_model *m)
{
    if (m->count < m->cap)
        return CHT_OK;
    uint32_t cap = m->cap == 0 ? 64 : m->cap * 2;
    struct crdt_model_entry *grown = realloc(m->entries, cap * sizeof *grown);
    if (grown == NULL)
        return CHT_E_NOMEM;
    m->entries = grown;
    m->cap = cap;
    return CHT_OK;
}

/* Split the body. What breaks it as a whole leaves the entry without ops (PROTOCOL 3.6). */
static enum cht_err read_ops(struct crdt_model *m, struct cht_bytes body,
                             struct crdt_model_entry *e)
{
    struct crdt_op *ops = NULL;
    uint32_t count = 0;
    enum cht_err err = crdt_body_decode(body, &m->kept, &ops, &count);
    if (err == CHT_E_NOMEM)
        return err;
    e->unknown_kind = err == CHT_E_UNSUPPORTED;
    e->body_void = err != CHT_OK && !e->unknown_kind;
    e->ops = ops;
    e->op_count = err == CHT_OK ? count : 0;
    return CHT_OK;
}

enum cht_err crdt_model_add(struct crdt_model *m, struct cht_bytes header, struct cht_bytes body)
{
    struct crdt_model_entry e = { .hash = crdt_hash_of(header) };
    for (uint32_t i = 0; i < m->count; i++)
        if (crdt_hash_eq(&m->entries[i].hash, &e.hash))
            return CHT_OK;
    enum cht_err err = crdt_header_decode(header, &m->kept, &e.h);
    if (err != CHT_OK)
        return err;
    struct crdt_hash body_hash = crdt_hash_of(body);
    if (body.len != e.h.body_len || !crdt_hash_eq(&body_hash, &e.h.body_hash))
        return CHT_E_SIGNATURE;
    struct cht_bytes own;
    err = cht_arena_copy(&m->kept, body, &own);
    if (err == CHT_OK)
        err = read_ops(m, own, &e);
    if (err == CHT_OK)
        err = make_room(m);
    if (err == CHT_OK)
        m->entries[m->count++] = e;
    return err;
}

struct hash_place {
    struct crdt_hash hash;
    uint32_t index;
};

static int cmp_hash_place(const void *a, const void *b)
{
    const struct hash_place *pa = a, *pb = b;
    return memcmp(pa->hash.b, pb->hash.b, CRDT_HASH_BYTES);
}

static enum cht_err sort_by_hash(struct crdt_model *m)
{
    struct hash_place *places = cht_arena_array(&m->work, m->count, sizeof *places);
    m->by_hash = cht_arena_array(&m->work, m->count, sizeof *m->by_hash);
    if (places == NULL || m->by_hash == NULL)
        return CHT_E_NOMEM;
    for (uint32_t i = 0; i < m->count; i++)
        places[i] = (struct hash_place){ .hash = m->entries[i].hash, .index = i };
    qsort(places, m->count, sizeof *places, cmp_hash_place);
    for (uint32_t i = 0; i < m->count; i++)
        m->by_hash[i] = places[i].index;
    return CHT_OK;
}

enum cht_err crdt_model_settle(struct crdt_model *m)
{
    cht_arena_reset(&m->work);
    enum cht_err err = sort_by_hash(m);
    if (err == CHT_OK)
        err = crdt_model_link(m);
    return err == CHT_OK ? crdt_model_fold(m) : err;
}

uint32_t crdt_model_find(const struct crdt_model *m, const struct crdt_hash *hash)
{
    uint32_t low = 0, high = m->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int order = memcmp(m->entries[m->by_hash[mid]].hash.b, hash->b, CRDT_HASH_BYTES);
        if (order == 0)
            return m->by_hash[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return CRDT_MODEL_NONE;
}

static int cmp_id(const struct crdt_id *a, const struct crdt_id *b)
{
    return a->type != b->type ? (a->type < b->type ? -1 : 1) : memcmp(a->b, b->b, CRDT_ID_BYTES);
}

const struct crdt_model_cell *crdt_model_cells(const struct crdt_model *m, const struct crdt_id *id,
                                               uint32_t *out_count)
{
    uint32_t first = 0, end;
    while (first < m->cell_count && cmp_id(&m->cells[first].entity, id) < 0)
        first++;
    for (end = first; end < m->cell_count && crdt_id_eq(&m->cells[end].entity, id); end++)
        continue;
    *out_count = end - first;
    return end == first ? NULL : &m->cells[first];
}

const struct crdt_model_cell *crdt_model_cell(const struct crdt_model *m, const struct crdt_id *id,
                                              uint16_t field, struct cht_bytes key)
{
    uint32_t count;
    const struct crdt_model_cell *cells = crdt_model_cells(m, id, &count);
    for (uint32_t i = 0; i < count; i++)
        if (cells[i].field == field && cht_bytes_eq(cells[i].key, key))
            return &cells[i];
    return NULL;
}
