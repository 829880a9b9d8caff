/* Draws of the record workload; see todos.h. */
#include "tests/bench/todos.h"

#include "crdt/hash.h"
#include "crdt/mp.h"
#include "crdt/schema.h"
#include "tests/bench/bench.h"

#include <stdio.h>

enum { F_TITLE, F_BODY, F_STATUS, F_PRIORITY, F_PROJECT, F_ASSIGNEE, F_DUE, F_DONE };

static const char *const words[] = { "sync",  "node",    "todo",    "write", "test",
                                     "merge", "clock",   "delta",   "peer",  "session",
                                     "repo",  "context", "service", "topic", "fix",
                                     "plan",  "read",    "ship",    "trace", "replay" };
static const char *const states[] = { "pending", "in_progress", "blocked", "cancelled",
                                      "completed" };
static const char *const priorities[] = { "low", "medium", "high", "critical", "critical" };
static const char *const names[TODOS_FIELDS] = { "content",  "description", "status",
                                                 "priority", "project",     "external_ref",
                                                 "deadline", "completed_at" };

#define DONE_MS UINT64_C(1760000000000)

struct todos_random todos_random(uint32_t seed)
{
    return (struct todos_random){ .state = seed };
}

/* mulberry32, as a number in [0, 1). */
static double draw(struct todos_random *r)
{
    r->state += 0x6d2b79f5u;
    uint32_t t = (r->state ^ r->state >> 15) * (1u | r->state);
    t = (t + (t ^ t >> 7) * (61u | t)) ^ t;
    return (double)(t ^ t >> 14) / 4294967296.0;
}

static uint32_t below(struct todos_random *r, uint32_t n)
{
    return (uint32_t)(draw(r) * (double)n);
}

static void hash_id(const char *name, uint8_t type, struct crdt_id *out)
{
    struct crdt_hash h = crdt_hash_of(cht_bytes_str(name));
    out->type = type;
    memcpy(out->b, h.b, CRDT_ID_BYTES);
}

void todos_id(uint32_t number, struct crdt_id *out)
{
    char name[24];
    (void)snprintf(name, sizeof name, "todo%u", number);
    hash_id(name, CRDT_TODO, out);
}

static enum cht_err put_words(struct todos_random *r, unsigned count, struct cht_buf *out)
{
    char text[256];
    size_t len = 0;
    for (unsigned i = 0; i < count; i++) {
        const char *word = words[below(r, sizeof words / sizeof words[0])];
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i == 0 ? "" : " ", word);
    }
    return crdt_mp_put_str(out, cht_bytes(text, len));
}

static enum cht_err put_project(struct todos_random *r, struct cht_buf *out)
{
    char name[24];
    struct crdt_id id;
    uint8_t raw[1 + CRDT_ID_BYTES];
    (void)snprintf(name, sizeof name, "proj-%u", below(r, 50));
    hash_id(name, CRDT_PROJECT, &id);
    raw[0] = id.type;
    memcpy(raw + 1, id.b, CRDT_ID_BYTES);
    return crdt_mp_put_bin(out, cht_bytes(raw, sizeof raw));
}

static enum cht_err put_assignee(struct todos_random *r, struct cht_buf *out)
{
    char name[24];
    (void)snprintf(name, sizeof name, "user-%u", below(r, 8));
    return crdt_mp_put_str(out, cht_bytes_str(name));
}

static enum cht_err put_value(struct todos_random *r, unsigned field, struct cht_buf *out)
{
    switch (field) {
    case F_TITLE:
        return put_words(r, 5, out);
    case F_BODY:
        return put_words(r, 16, out);
    case F_STATUS:
        return crdt_mp_put_str(out, cht_bytes_str(states[below(r, 5)]));
    case F_PRIORITY:
        return crdt_mp_put_str(out, cht_bytes_str(priorities[below(r, 5)]));
    case F_PROJECT:
        return put_project(r, out);
    case F_ASSIGNEE:
        return put_assignee(r, out);
    case F_DUE:
        return crdt_mp_put_uint(out, (UINT64_C(1760000000) + below(r, 10000000)) * 1000u);
    default:
        return crdt_mp_put_uint(out, draw(r) < 0.5 ? DONE_MS : 0);
    }
}

static void make_op(struct todos_random *r, unsigned field, struct cht_buf *bytes,
                    struct crdt_op *out)
{
    static const struct crdt_field *fields[TODOS_FIELDS];
    if (fields[field] == NULL)
        fields[field] = crdt_field_named(CRDT_TODO, cht_bytes_str(names[field]));
    size_t start = bytes->len;
    bench_must(put_value(r, field, bytes), "todos");
    *out = (struct crdt_op){ .kind = CRDT_OP_PUT, .field = fields[field]->number };
    out->value = cht_bytes(bytes->data + start, bytes->len - start);
}

void todos_create(struct todos_random *r, struct cht_buf *bytes,
                  struct crdt_op ops[static TODOS_FIELDS])
{
    cht_buf_reset(bytes);
    bench_must(cht_buf_reserve(bytes, 1024), "todos"); /* so that no op's bytes move */
    for (unsigned i = 0; i < TODOS_FIELDS; i++)
        make_op(r, i, bytes, &ops[i]);
}

uint32_t todos_update(struct todos_random *r, uint32_t count, struct cht_buf *bytes,
                      struct crdt_op *op)
{
    cht_buf_reset(bytes);
    uint32_t number = below(r, count);
    make_op(r, below(r, TODOS_FIELDS), bytes, op);
    return number;
}
