/* What the end of a todo, or its return, does to those that wait for it, told to the watches that
 * ask for it; see own.h (LOCAL 4.8). Who waits for it stands in the rows, which are behind the
 * commit under load: until they are written it is kept. */
#include "node/service/own.h"

#include <stdlib.h>

#define TURNED_MAX 1024u /* kept; beyond that they are told from the rows as they are */
#define TOLD_MAX   4096u /* dependents of one todo that are looked at */

/* --- who waits for one --------------------------------------------------------------------- */

static enum cht_err dependents(struct node_service *s, const struct crdt_id *id,
                               struct cht_buf *numbers)
{
    char text[CRDT_ID_TEXT_MAX];
    struct node_cursor *cursor;
    crdt_id_text(id, text);
    const struct node_narrow narrow = { .field = crdt_field_named(CRDT_TODO,
                                                                  cht_bytes_str("dependencies")),
                                        .value = cht_bytes_str(text) };
    const struct node_find find = {
        .type = CRDT_TODO, .narrow = &narrow, .narrow_count = 1, .limit = TOLD_MAX
    };
    enum cht_err err = node_find_open(node_replica_store(s->replica), &find, "n", &cursor);
    return err == CHT_OK ? node_find_numbers(cursor, numbers) : err;
}

/* Does a todo wait for another one than `but` that is open? */
static bool waits_besides(struct node_service *s, const struct crdt_state *state,
                          const struct crdt_id *but)
{
    const unsigned field = crdt_field_named(CRDT_TODO, cht_bytes_str("dependencies"))->number;
    for (uint32_t i = 0; i < state->count; i++) {
        struct crdt_id id;
        const struct cht_bytes raw = state->cells[i].field == field && state->cells[i].key.len != 0
                                         ? crdt_mp_peek(state->cells[i].key).data
                                         : cht_bytes(NULL, 0);
        if (raw.len != 1 + CRDT_ID_BYTES)
            continue;
        id.type = raw.data[0];
        memcpy(id.b, raw.data + 1, CRDT_ID_BYTES);
        if (!crdt_id_eq(&id, but) && !crdt_id_eq(&id, &state->id) && service_todo_open(s, &id))
            return true;
    }
    return false;
}

static void tell_dependent(struct node_service *s, const struct service_watch *only,
                           const struct service_turned *t, const struct crdt_id *because,
                           uint32_t n)
{
    const struct crdt_state *state;
    if (n == t->touch.n || node_replica_state(s->replica, n, &state) != CHT_OK ||
        !node_rows_open(node_replica_graph(s->replica), state) || waits_besides(s, state, because))
        return;
    const struct node_touch touch = { .n = n, .was_live = true, .last = t->touch.last };
    service_tell_because(s, only, &touch, because, t->open);
}

static void tell_one(struct node_service *s, const struct service_watch *only,
                     const struct service_turned *t)
{
    const struct crdt_id id = node_replica_index(s->replica)->slots[t->touch.n].id;
    struct cht_buf numbers;
    cht_buf_init(&numbers, TOLD_MAX * sizeof(uint32_t));
    if (dependents(s, &id, &numbers) == CHT_OK) {
        struct cht_wire w = cht_wire(cht_buf_view(&numbers));
        while (cht_wire_left(&w) != 0)
            tell_dependent(s, only, t, &id, cht_wire_u32(&w));
    }
    cht_buf_clear(&numbers);
}

/* --- which todos ended or came back -------------------------------------------------------- */

/* Is it a todo? `*out_open`: an open one, now. */
static bool is_todo(struct node_service *s, uint32_t n, bool *out_open)
{
    const struct crdt_state *state;
    if (node_replica_index(s->replica)->slots[n].id.type != CRDT_TODO ||
        node_replica_state(s->replica, n, &state) != CHT_OK)
        return false;
    *out_open = node_rows_open(node_replica_graph(s->replica), state);
    return true;
}

static bool anyone_asks(const struct node_service *s)
{
    const struct service_watch *w = s->watches;
    while (w != NULL && !service_watch_asks(w, false))
        w = w->next;
    return w != NULL;
}

static void tell_all(struct node_service *s)
{
    for (size_t i = 0; i < s->turned_count; i++)
        tell_one(s, NULL, &s->turned[i]);
    s->turned_count = 0;
}

static void note(struct node_service *s, const struct node_touch *touch)
{
    bool open;
    if (!is_todo(s, touch->n, &open) || open == touch->was_open)
        return;
    if (s->turned == NULL)
        s->turned = calloc(TURNED_MAX, sizeof *s->turned);
    if (s->turned == NULL)
        return; /* they hear of it when they look again */
    if (s->turned_count == TURNED_MAX)
        tell_all(s);
    s->turned[s->turned_count++] = (struct service_turned){ .touch = *touch, .open = open };
}

void service_tell_turned(struct node_service *s)
{
    const struct node_commit last = node_replica_last(s->replica);
    if (!anyone_asks(s)) {
        s->turned_count = 0;
        return;
    }
    for (size_t i = 0; i < last.touched_count; i++)
        note(s, &last.touched[i]);
    if (s->turned_count != 0 && !node_replica_dirty(s->replica))
        tell_all(s);
}

void service_tell_ended(struct node_service *s, const struct service_watch *w, uint32_t n)
{
    bool open;
    if (!service_watch_asks(w, false) || !is_todo(s, n, &open) || open)
        return;
    const struct service_turned t = { .touch = { .n = n, .was_live = true } };
    tell_one(s, w, &t);
}
