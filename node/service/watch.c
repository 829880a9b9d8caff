/* Watches: who wants to hear of what changed; see own.h (LOCAL 4.8, 4.9). */
#include "node/service/own.h"
#include "node/store/words.h"

#include <stdlib.h>

static void free_watch(struct service_watch *w)
{
    cht_arena_clear(&w->arena);
    node_words_close(w->words);
    cht_buf_clear(&w->fields);
    free(w);
}

static unsigned watches_of(const struct node_service *s, local_client_id client)
{
    unsigned count = 0;
    for (const struct service_watch *w = s->watches; w != NULL; w = w->next)
        count += w->caller.client == client;
    return count;
}

static const char *operation_of(const struct node_touch *touch, bool hidden)
{
    if (touch->was_hidden != hidden && touch->was_live)
        return hidden ? "delete" : "undelete";
    return touch->was_live ? "update" : "create";
}

/* `because`: another todo, whose end or return makes this one worth telling; NULL: it changed. */
static enum cht_err tell_one(struct node_service *s, const struct service_watch *w,
                             const struct crdt_state *state, const struct node_touch *touch,
                             const struct crdt_id *because)
{
    const struct crdt_graph *g = node_replica_graph(s->replica);
    struct node_row_info info;
    struct cht_buf out;
    cht_buf_init(&out, SERVICE_ANSWER_BYTES);
    enum cht_err err = node_row_info(g, state, &info);
    if (err == CHT_OK)
        err = service_begin(s, &w->caller, NODE_MSG_EVENT, &out);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&out, 7u + (touch->last.seq != 0) + (because != NULL));
    if (err == CHT_OK)
        err = node_mp_put_key_str(&out, "watch", cht_bytes(w->caller.id, w->caller.id_len));
    const char *domain = crdt_type_domain(state->id.type);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&out, "domain", domain == NULL ? "other" : domain);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&out, "operation", operation_of(touch, info.hidden));
    if (err == CHT_OK)
        err = node_mp_put_text(&out, "entity");
    if (err == CHT_OK)
        err = crdt_mp_put_map(&out, info.conflicts == 0 ? 3 : 4);
    if (err == CHT_OK)
        err = service_put_id("chittyId", &state->id, &out);
    if (err == CHT_OK && info.conflicts != 0)
        err = node_mp_put_key_uint(&out, "conflicts", info.conflicts);
    const char *type = crdt_type_table(state->id.type);
    if (err == CHT_OK)
        err = node_mp_put_key_text(&out, "type", type == NULL ? "other" : type);
    if (err == CHT_OK)
        err = node_mp_put_text(&out, "data");
    if (err == CHT_OK)
        err = service_put_data(g, state, cht_buf_view(&w->fields), &out);
    if (err == CHT_OK)
        err = node_mp_put_text(&out, "delta");
    if (err == CHT_OK)
        err = service_put_delta(g, state, touch->fields, &out);
    if (err == CHT_OK)
        err = service_put_vector(s, "version", node_replica_applied(s->replica), &out);
    if (err == CHT_OK)
        err = service_put_vector(s, "vector", node_replica_applied(s->replica), &out);
    if (err == CHT_OK && touch->last.seq != 0)
        err = service_put_by(s, touch->last, &out);
    if (err == CHT_OK && because != NULL)
        err = service_put_id("because", because, &out);
    if (err == CHT_OK)
        err = w->caller.out->answer(w->caller.out->ctx, w->caller.client, cht_buf_view(&out));
    cht_buf_clear(&out);
    return err;
}

bool service_todo_open(void *ctx, const struct crdt_id *todo)
{
    struct node_service *s = ctx;
    const struct crdt_state *state;
    const uint32_t n = node_index_find(node_replica_index(s->replica), todo);
    return n != INDEX_NONE && node_replica_state(s->replica, n, &state) == CHT_OK &&
           node_rows_open(node_replica_graph(s->replica), state);
}

bool service_watch_asks(const struct service_watch *w, bool open)
{
    const unsigned waiting = 1u << NODE_IS_READY | 1u << NODE_IS_BLOCKED;
    return (w->match.is & waiting) != 0 || (w->unblocked && !open);
}

static struct match_world world_of(struct node_service *s)
{
    return (struct match_world){ .graph = node_replica_graph(s->replica),
                                 .now_ms = s->now_ms,
                                 .ctx = s,
                                 .is_open = service_todo_open,
                                 .is_held = service_todo_held };
}

static void tell_entity(struct node_service *s, const struct service_watch *only,
                        const struct node_touch *touch)
{
    const struct crdt_state *state;
    if (node_replica_state(s->replica, touch->n, &state) != CHT_OK)
        return;
    struct match_world world = world_of(s);
    for (const struct service_watch *w = s->watches; w != NULL; w = w->next) {
        world.words = w->words;
        if ((only != NULL && w != only) || !match_state(&w->match, &world, state))
            continue;
        /* a client that has left or does not read is dropped by the server */
        (void)!tell_one(s, w, state, touch, NULL);
    }
}

void service_tell_because(struct node_service *s, const struct service_watch *only,
                          const struct node_touch *touch, const struct crdt_id *because, bool open)
{
    const struct crdt_state *state;
    if (node_replica_state(s->replica, touch->n, &state) != CHT_OK)
        return;
    struct match_world world = world_of(s);
    for (const struct service_watch *w = s->watches; w != NULL; w = w->next) {
        world.words = w->words;
        if ((only == NULL || w == only) && service_watch_asks(w, open) &&
            match_state(&w->match, &world, state))
            (void)!tell_one(s, w, state, touch, because);
    }
}

void service_tell(struct node_service *s)
{
    if (s->watches == NULL)
        return;
    struct node_commit last = node_replica_last(s->replica);
    for (size_t i = 0; i < last.touched_count; i++)
        tell_entity(s, NULL, &last.touched[i]);
    service_tell_turned(s);
}

/* What came after the client's vector is told first: the entities of the log rows since. */
static void catch_up(struct node_service *s, const struct service_watch *w,
                     const struct crdt_vector *from)
{
    uint32_t *list;
    size_t count;
    if (node_replica_since(s->replica, from, &list, &count) != CHT_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        struct node_touch touch = { .n = list[i], .was_live = true }; /* how it was is not known */
        tell_entity(s, w, &touch);
        service_tell_ended(s, w, list[i]);
    }
    free(list);
}

static enum cht_err make_watch(struct node_service *s, const struct service_caller *c,
                               const struct node_query *q, struct node_fault *fault,
                               struct service_watch **out)
{
    struct service_watch *w = calloc(1, sizeof *w);
    if (w == NULL)
        return CHT_E_NOMEM;
    w->caller = *c;
    w->unblocked = q->unblocked;
    cht_buf_init(&w->fields, LIMIT_CLIENT_BYTES);
    cht_arena_init(&w->arena, 4 * (size_t)LIMIT_CLIENT_BYTES);
    enum cht_err err = cht_buf_add(&w->fields, q->fields);
    if (err == CHT_OK)
        err = match_read(s, q, &w->arena, fault, &w->match);
    if (err == CHT_OK && w->match.phrase_count != 0)
        err = node_words_open(node_replica_store(s->replica), &w->words);
    if (err != CHT_OK) {
        free_watch(w);
        return err;
    }
    *out = w;
    return CHT_OK;
}

void service_watch_start(struct node_service *s, const struct service_caller *c,
                         const struct node_query *q)
{
    if (watches_of(s, c->client) >= LIMIT_CLIENT_WATCHES) {
        service_fail(s, c, CHT_E_LIMIT, "a client may have at most 16 watches: end one first");
        return;
    }
    struct crdt_vector from = { 0 };
    if (q->from.len != 0 && service_read_vector(s, q->from, &from) != CHT_OK) {
        service_fail(s, c, CHT_E_INVALID, "\"from\" is no vector that this node has given out");
        return;
    }
    struct node_fault fault = { 0 };
    struct service_watch *w = NULL;
    struct cht_buf result;
    cht_buf_init(&result, SERVICE_ANSWER_BYTES);
    enum cht_err err = make_watch(s, c, q, &fault, &w);
    if (err == CHT_OK)
        err = crdt_mp_put_map(&result, 2);
    if (err == CHT_OK)
        err = node_mp_put_key_str(&result, "watch", cht_bytes(c->id, c->id_len));
    if (err == CHT_OK)
        err = service_put_vector(s, "vector", node_replica_applied(s->replica), &result);
    if (err == CHT_OK) {
        w->next = s->watches;
        s->watches = w;
        service_answer_result(s, c, cht_buf_view(&result));
        if (q->from.len != 0)
            catch_up(s, w, &from);
    } else {
        if (w != NULL)
            free_watch(w);
        fault.error.code = err;
        service_answer_fault(s, c, &fault);
    }
    cht_buf_clear(&result);
    crdt_vector_clear(&from);
}

void service_watch_stop(struct node_service *s, const struct service_caller *c,
                        const struct node_query *q)
{
    static const uint8_t empty_map[] = { 0x80 };
    for (struct service_watch **at = &s->watches; *at != NULL; at = &(*at)->next) {
        struct service_watch *w = *at;
        if (w->caller.client != c->client ||
            !cht_bytes_eq(cht_bytes(w->caller.id, w->caller.id_len), q->watch))
            continue;
        *at = w->next;
        free_watch(w);
        service_answer_result(s, c, cht_bytes(empty_map, sizeof empty_map));
        return;
    }
    service_fail(s, c, CHT_E_NOTFOUND, "there is no such watch");
}

void service_watch_drop(struct node_service *s, local_client_id client)
{
    for (struct service_watch **at = &s->watches; *at != NULL;) {
        struct service_watch *w = *at;
        if (w->caller.client == client) {
            *at = w->next;
            free_watch(w);
        } else {
            at = &w->next;
        }
    }
}
