#ifndef TESTS_SUPPORT_SAYING_H
#define TESTS_SUPPORT_SAYING_H
/* Entries written by hand for the reference model: a test says what each device says, the rest of
 * the header is filled in. */
#include "crdt/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define CONTENT   1u  /* todo: str, lww */
#define STATUS    3u  /* enum, rank */
#define LABELS    9u  /* set of str */
#define CREATED   20u /* time, first */
#define NOTES     29u /* text */
#define STATE_MAP 24u /* session: map */
#define DEPS_MAX  4u

#define BYTES(text) cht_bytes(text, sizeof(text) - 1)
#define NO_KEY      cht_bytes(NULL, 0)
#define PUT(number, text)                                                                          \
    {                                                                                              \
        .kind = CRDT_OP_PUT, .field = number, .value = BYTES(text)                                 \
    }
#define DROP(number)                                                                               \
    {                                                                                              \
        .kind = CRDT_OP_DROP, .field = number                                                      \
    }
#define ADD(number, element)                                                                       \
    {                                                                                              \
        .kind = CRDT_OP_PUT, .field = number, .key = BYTES(element), .value = BYTES("\xc0")        \
    }
#define REMOVE(number, element)                                                                    \
    {                                                                                              \
        .kind = CRDT_OP_DROP, .field = number, .key = BYTES(element)                               \
    }

/* An entry as a test asks for it; what is 0 is usual: device 0, epoch 0, the todo spelt, stamp 1.
 */
struct say {
    uint8_t device, epoch;
    const struct crdt_hash *prev;
    const struct crdt_hash *deps[DEPS_MAX];
    crdt_hlc_stamp stamp;
    struct crdt_ref entity, actor;
    struct crdt_op ops[3];
    struct cht_bytes body; /* instead of the ops */
    uint32_t seq;          /* instead of the right one */
};

static const struct crdt_id todo = { .type = CRDT_TODO, .b = { 7 } };
static const struct crdt_id session = { .type = CRDT_SESSION, .b = { 8 } };

static inline int setup(void **state)
{
    static struct crdt_model m;
    crdt_model_init(&m);
    *state = &m;
    return 0;
}

static inline int teardown(void **state)
{
    crdt_model_clear(*state);
    return 0;
}

static inline int cmp_dep(const void *a, const void *b)
{
    return crdt_dep_cmp(a, b);
}

/* The entry that a hash means; settled or not. */
static inline const struct crdt_header *said(const struct crdt_model *m,
                                             const struct crdt_hash *hash)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (crdt_hash_eq(&m->entries[i].hash, hash))
            return &m->entries[i].h;
    fail_msg("a test speaks of an entry that is not there");
    return &m->entries[0].h;
}

static inline uint32_t set_deps(const struct crdt_model *m, const struct say *s,
                                struct crdt_dep *deps)
{
    uint32_t count = 0;
    while (count < DEPS_MAX && s->deps[count] != NULL) {
        const struct crdt_header *to = said(m, s->deps[count]);
        struct crdt_dep *dep = &deps[count];
        memcpy(dep->device, to->device, sizeof dep->device);
        memcpy(dep->epoch, to->epoch, sizeof dep->epoch);
        memcpy(dep->hash, s->deps[count]->b, sizeof dep->hash);
        dep->seq = to->seq;
        count++;
    }
    if (count != 0)
        qsort(deps, count, sizeof *deps, cmp_dep);
    return count;
}

static inline void encode(struct crdt_model *m, const struct say *s, struct cht_buf *header,
                          struct cht_buf *body)
{
    struct crdt_dep deps[DEPS_MAX];
    struct crdt_header h = { .hlc = s->stamp == 0 ? 1 : s->stamp, .txn_count = 1, .seq = 1 };
    uint32_t ops = 0;
    while (ops < 3 && s->ops[ops].kind != 0)
        ops++;
    assert_int_equal(CHT_OK, s->body.len != 0 ? cht_buf_add(body, s->body)
                                              : crdt_body_encode(s->ops, ops, body));
    memset(h.device, 0xd0 + s->device, sizeof h.device);
    memset(h.epoch, 0xe0 + s->epoch, sizeof h.epoch);
    if (s->prev != NULL) {
        h.prev = *s->prev;
        h.seq = said(m, s->prev)->seq + 1;
    }
    if (s->seq != 0)
        h.seq = s->seq;
    h.deps = deps;
    h.dep_count = set_deps(m, s, deps);
    h.entity = s->entity;
    if (h.entity.form == CRDT_REF_NONE)
        h.entity = (struct crdt_ref){ .form = CRDT_REF_SPELT, .id = todo };
    h.actor = s->actor;
    h.body_len = (uint32_t)body->len;
    h.body_hash = crdt_hash_of(cht_buf_view(body));
    assert_int_equal(CHT_OK, crdt_header_encode(&h, header));
}

/* Hand the model an entry; its hash. */
static inline struct crdt_hash say(struct crdt_model *m, struct say s)
{
    struct cht_buf header, body;
    cht_buf_init(&header, LIMIT_HEADER_BYTES);
    cht_buf_init(&body, LIMIT_BODY_BYTES);
    encode(m, &s, &header, &body);
    assert_int_equal(CHT_OK, crdt_model_add(m, cht_buf_view(&header), cht_buf_view(&body)));
    struct crdt_hash hash = crdt_hash_of(cht_buf_view(&header));
    cht_buf_clear(&header);
    cht_buf_clear(&body);
    return hash;
}

static inline const struct crdt_model_cell *settled(struct crdt_model *m, uint16_t field,
                                                    struct cht_bytes key)
{
    assert_int_equal(CHT_OK, crdt_model_settle(m));
    return crdt_model_cell(m, &todo, field, key);
}

static inline void shows(struct crdt_model *m, uint16_t field, uint32_t count,
                         struct cht_bytes value, bool conflict)
{
    const struct crdt_model_cell *c = settled(m, field, NO_KEY);
    assert_non_null(c);
    assert_int_equal(count, c->count);
    assert_true(cht_bytes_eq(value, c->values[c->shown].bytes));
    assert_int_equal(conflict, c->conflict);
}

static inline const struct crdt_model_entry *entry(const struct crdt_model *m,
                                                   const struct crdt_hash *hash)
{
    uint32_t at = crdt_model_find(m, hash);
    assert_int_not_equal(CRDT_MODEL_NONE, at);
    return &m->entries[at];
}

static inline struct crdt_ref by_number(uint32_t number, uint32_t seq)
{
    return (struct crdt_ref){ .form = CRDT_REF_NAMED, .name = { .number = number, .seq = seq } };
}

static inline struct crdt_ref by_hash(const struct crdt_hash *hash)
{
    return (struct crdt_ref){ .form = CRDT_REF_HASH, .name = { .by_hash = true, .hash = *hash } };
}

#endif
