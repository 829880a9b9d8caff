/* Ids by their own bytes, which are random or a hash already; see id_set.h. */
#include "cli/import/id_set.h"

#include <stdlib.h>

#define FIRST_CAP 64u

/* Where it is, or the free slot where it would be. */
static size_t place(const struct cli_id_set *s, const struct crdt_id *id)
{
    uint64_t hash;
    memcpy(&hash, id->b, sizeof hash);
    /* ids that people chose may differ at their ends only */
    for (size_t i = sizeof hash; i < CRDT_ID_BYTES; i++)
        hash = hash * 31 + id->b[i];
    hash *= UINT64_C(0x9E3779B97F4A7C15);
    size_t at = (size_t)(hash >> 32) & (s->cap - 1);
    while (s->slots[at].type != 0 && !crdt_id_eq(&s->slots[at], id))
        at = (at + 1) & (s->cap - 1);
    return at;
}

static enum cht_err grow(struct cli_id_set *s)
{
    struct cli_id_set wider = { .cap = s->cap == 0 ? FIRST_CAP : s->cap * 2, .count = s->count };
    wider.slots = calloc(wider.cap, sizeof *wider.slots);
    if (wider.slots == NULL)
        return CHT_E_NOMEM;
    for (size_t i = 0; i < s->cap; i++) {
        if (s->slots[i].type != 0)
            wider.slots[place(&wider, &s->slots[i])] = s->slots[i];
    }
    free(s->slots);
    *s = wider;
    return CHT_OK;
}

void cli_id_set_clear(struct cli_id_set *s)
{
    free(s->slots);
    *s = (struct cli_id_set){ 0 };
}

enum cht_err cli_id_set_add(struct cli_id_set *s, const struct crdt_id *id, bool *out_new)
{
    bool added = false;
    if (id->type != 0 && s->count >= s->cap / 2) {
        const enum cht_err err = grow(s);
        if (err != CHT_OK)
            return err;
    }
    if (id->type != 0) {
        const size_t at = place(s, id);
        added = s->slots[at].type == 0;
        s->slots[at] = *id;
        s->count += added;
    }
    if (out_new != NULL)
        *out_new = added;
    return CHT_OK;
}

bool cli_id_set_has(const struct cli_id_set *s, const struct crdt_id *id)
{
    return id->type != 0 && s->cap != 0 && s->slots[place(s, id)].type != 0;
}
