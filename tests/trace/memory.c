/* Issues by name and what stands in them; see memory.h. */
#include "tests/trace/memory.h"

#include "crdt/base/buf.h"
#include "crdt/natural.h"
#include "tests/bench/bench.h"

#include <stdlib.h>

#define SOURCE "beads"

static void *must_have(void *memory)
{
    if (memory == NULL)
        bench_fail("out of memory");
    return memory;
}

/* --- texts ----------------------------------------------------------------------------------- */

static size_t place_of(const struct trace_texts *t, const char *text)
{
    size_t at = 0;
    while (at < t->count && strcmp(t->list[at], text) != 0)
        at++;
    return at;
}

bool trace_texts_has(const struct trace_texts *t, const char *text)
{
    return place_of(t, text) < t->count;
}

bool trace_texts_add(struct trace_texts *t, const char *text)
{
    if (trace_texts_has(t, text))
        return false;
    if (t->count == t->room) {
        t->room = t->room == 0 ? 8 : t->room * 2;
        t->list = must_have(realloc(t->list, t->room * sizeof *t->list));
    }
    t->list[t->count++] = must_have(strdup(text));
    return true;
}

bool trace_texts_remove(struct trace_texts *t, const char *text)
{
    size_t at = place_of(t, text);
    if (at == t->count)
        return false;
    free(t->list[at]);
    t->list[at] = t->list[--t->count];
    return true;
}

void trace_texts_clear(struct trace_texts *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->list[i]);
    free(t->list);
    *t = (struct trace_texts){ 0 };
}

/* --- issues ---------------------------------------------------------------------------------- */

void trace_id_of(unsigned type, const char *issue, const char *comment,
                 char out[static CRDT_ID_TEXT_MAX])
{
    struct crdt_id id;
    struct cht_buf key;
    cht_buf_init(&key, SIZE_MAX);
    bench_must(cht_buf_add(&key, cht_bytes_str(issue)), "a key");
    if (comment != NULL) {
        bench_must(cht_buf_add_u8(&key, '\n'), "a key");
        bench_must(cht_buf_add(&key, cht_bytes_str(comment)), "a key");
    }
    crdt_natural_id(type, cht_bytes_str(SOURCE), cht_buf_view(&key), &id);
    crdt_id_text(&id, out);
    cht_buf_clear(&key);
}

/* FNV-1a: the names are a file's, nobody attacks the table. */
static size_t slot_of(const struct trace_memory *m, const char *name)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const char *c = name; *c != '\0'; c++)
        h = (h ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    size_t at = (size_t)h & (m->room - 1);
    while (m->slots[at] != NULL && strcmp(m->slots[at]->name, name) != 0)
        at = (at + 1) & (m->room - 1);
    return at;
}

static void grow(struct trace_memory *m)
{
    struct trace_memory old = *m;
    m->room = old.room == 0 ? 1024 : old.room * 2;
    m->slots = must_have(calloc(m->room, sizeof *m->slots));
    for (size_t i = 0; i < old.room; i++) {
        if (old.slots[i] != NULL)
            m->slots[slot_of(m, old.slots[i]->name)] = old.slots[i];
    }
    free(old.slots);
}

struct trace_issue *trace_memory_issue(struct trace_memory *m, const char *name)
{
    if (m->count * 2 >= m->room)
        grow(m);
    size_t at = slot_of(m, name);
    if (m->slots[at] == NULL) {
        struct trace_issue *made = must_have(calloc(1, sizeof *made));
        made->name = must_have(strdup(name));
        made->created_ms = made->closed_ms = TRACE_NO_TIME;
        trace_id_of(CRDT_TODO, name, NULL, made->id);
        m->slots[at] = made;
        m->count++;
    }
    return m->slots[at];
}

void trace_issue_forget(struct trace_issue *issue)
{
    trace_texts_clear(&issue->fields);
    trace_texts_clear(&issue->labels);
    trace_texts_clear(&issue->ties);
    trace_texts_clear(&issue->comments);
    free(issue->assignee);
    issue->assignee = NULL;
    issue->status = issue->priority = NULL;
    issue->parent[0] = '\0';
    issue->created_ms = issue->closed_ms = TRACE_NO_TIME;
    issue->here = false;
}

void trace_memory_clear(struct trace_memory *m)
{
    for (size_t i = 0; i < m->room; i++) {
        if (m->slots[i] == NULL)
            continue;
        trace_issue_forget(m->slots[i]);
        trace_texts_clear(&m->slots[i]->gone);
        free(m->slots[i]->name);
        free(m->slots[i]);
    }
    free(m->slots);
    *m = (struct trace_memory){ 0 };
}
