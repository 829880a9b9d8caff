/* What a change brings along that it does not say itself; see edits.h (LOCAL 3.7). */
#include "node/client/edits.h"

#define MORE_MAX 4u

struct bringing {
    unsigned type;
    const struct node_shown *shown;
    const struct node_edit *edits;
    size_t count;
    struct cht_bytes now;
    struct node_edit more[MORE_MAX];
    size_t more_count;
};

static const struct node_edit *edit_of(const struct bringing *b, const struct crdt_field *field)
{
    for (size_t i = 0; i < b->count; i++) {
        if (b->edits[i].field == field)
            return &b->edits[i];
    }
    return NULL;
}

/* A field of that name which the change does not speak of, or NULL. */
static const struct crdt_field *unsaid(const struct bringing *b, const char *name)
{
    const struct crdt_field *field = crdt_field_named(b->type, cht_bytes_str(name));
    return field == NULL || edit_of(b, field) != NULL ? NULL : field;
}

static void put(struct bringing *b, const char *name, struct cht_bytes value)
{
    const struct crdt_field *field = unsaid(b, name);
    if (field != NULL)
        b->more[b->more_count++] = (struct node_edit){ .field = field, .value = value };
}

static void unset(struct bringing *b, const char *name)
{
    const struct crdt_field *field = unsaid(b, name);
    if (field != NULL)
        b->more[b->more_count++] = (struct node_edit){ .kind = NODE_EDIT_DROP, .field = field };
}

static bool is_word(struct cht_bytes value, const char *word)
{
    return cht_bytes_eq(node_mp_str(value), cht_bytes_str(word));
}

static void bring(struct bringing *b)
{
    static const uint8_t pending[] = { 0xa7, 'p', 'e', 'n', 'd', 'i', 'n', 'g' };
    const struct crdt_field *status = crdt_field_named(b->type, cht_bytes_str("status"));
    const struct node_edit *told = status == NULL ? NULL : edit_of(b, status);
    if (!b->shown->exists) {
        put(b, b->type == CRDT_SESSION ? "started" : "created", b->now);
        if (b->type == CRDT_TODO)
            put(b, "status", cht_bytes(pending, sizeof pending));
    }
    if (told == NULL || b->type != CRDT_TODO)
        return;
    const bool was_done = cht_bytes_eq(b->shown->status, cht_bytes_str("completed"));
    const bool done = told->kind == NODE_EDIT_PUT && is_word(told->value, "completed");
    if (done && !(was_done && b->shown->completed_at))
        put(b, "completed_at", b->now); /* once: it stays when it is completed again */
    if (!done && was_done && b->shown->completed_at)
        unset(b, "completed_at");
    if (told->kind == NODE_EDIT_PUT && is_word(told->value, "in_progress") && !b->shown->started_at)
        put(b, "started_at", b->now);
}

bool node_edits_tell_status(const struct node_edit *edits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(edits[i].field->name, "status") == 0)
            return true;
    }
    return false;
}

enum cht_err node_edits_complete(unsigned type, const struct node_shown *shown, uint64_t now_ms,
                                 struct cht_arena *arena, struct node_edit **edits, size_t *count)
{
    struct bringing b = { .type = type, .shown = shown, .edits = *edits, .count = *count };
    struct cht_buf now;
    if (shown->exists && !node_edits_tell_status(*edits, *count))
        return CHT_OK; /* nearly every update */
    cht_buf_init(&now, CHT_VARINT_MAX);
    enum cht_err err = crdt_mp_put_uint(&now, now_ms);
    if (err == CHT_OK)
        err = cht_arena_copy(arena, cht_buf_view(&now), &b.now);
    cht_buf_clear(&now);
    if (err != CHT_OK)
        return err;
    bring(&b);
    if (b.more_count == 0)
        return CHT_OK;
    struct node_edit *all = cht_arena_array(arena, b.more_count + *count, sizeof *all);
    if (all == NULL)
        return CHT_E_NOMEM;
    memcpy(all, b.more, b.more_count * sizeof *all);
    if (*count > 0)
        memcpy(all + b.more_count, *edits, *count * sizeof *all);
    *edits = all;
    *count += b.more_count;
    return CHT_OK;
}
