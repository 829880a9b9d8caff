/* Which records are duplicates of which; see aliases.h (PROTOCOL 5.10). */
#include "node/service/aliases.h"

#include "node/service/own.h"

#include <stdlib.h>

#define FIELD_NAME "alias_of"
#define TYPES_MAX  (sizeof((struct service_aliases *)0)->bits / sizeof(uint64_t))

static const struct crdt_field *field_of(unsigned type)
{
    return crdt_field_named(type, cht_bytes_str(FIELD_NAME));
}

static const struct crdt_id *id_of(const struct node_service *s, uint32_t n)
{
    return &node_replica_index(s->replica)->slots[n].id;
}

/* --- the edges ------------------------------------------------------------------------------ */

static enum cht_err add(struct service_aliases *a, const struct service_alias_edge *edge)
{
    if (a->edge_count == a->edge_cap) {
        const size_t cap = a->edge_cap == 0 ? 32 : a->edge_cap * 2;
        struct service_alias_edge *grown = realloc(a->edges, cap * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        a->edges = grown;
        a->edge_cap = cap;
    }
    a->edges[a->edge_count++] = *edge;
    return CHT_OK;
}

/* What entity n is said to be a duplicate of, at the end of the list. */
static enum cht_err add_entity(struct node_service *s, uint32_t n)
{
    const struct crdt_state *state;
    enum cht_err err = node_replica_state(s->replica, n, &state);
    const struct crdt_field *f = err == CHT_OK ? field_of(state->id.type) : NULL;
    const struct crdt_cell *cell =
        f == NULL ? NULL : crdt_state_cell(state, f->number, cht_bytes(NULL, 0));
    for (uint32_t i = 0; cell != NULL && err == CHT_OK && i < cell->count; i++) {
        const struct cht_bytes id = crdt_mp_peek(cell->values[i].bytes).data;
        struct service_alias_edge edge = { .from = n };
        if (id.len != 1 + CRDT_ID_BYTES || id.data[0] != state->id.type)
            continue; /* a record of another type is no duplicate */
        edge.to.type = id.data[0];
        memcpy(edge.to.b, id.data + 1, CRDT_ID_BYTES);
        err = add(&s->aliases, &edge);
    }
    return err;
}

static int by_from(const void *left, const void *right)
{
    const struct service_alias_edge *a = left, *b = right;
    return a->from != b->from ? (a->from < b->from ? -1 : 1)
                              : memcmp(a->to.b, b->to.b, CRDT_ID_BYTES);
}

static void sort(struct service_aliases *a)
{
    if (a->edge_count > 1)
        qsort(a->edges, a->edge_count, sizeof *a->edges, by_from);
    a->fresh = false;
}

/* --- reading them first --------------------------------------------------------------------- */

static enum cht_err load_type(struct node_service *s, unsigned type)
{
    struct node_cursor *cursor;
    struct cht_buf numbers;
    cht_buf_init(&numbers, SIZE_MAX);
    enum cht_err err = node_find_links(node_replica_store(s->replica), type, field_of(type)->number,
                                       true, &cursor);
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
    s->aliases.edge_count = 0;
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < types; i++) {
        const struct crdt_type_schema *t = crdt_schema_at(i, NULL);
        const struct crdt_field *f = field_of(t->type);
        if (f == NULL || t->type >= TYPES_MAX)
            continue;
        s->aliases.bits[t->type] = UINT64_C(1) << (f - t->fields);
        err = load_type(s, t->type);
    }
    s->aliases.loaded = err == CHT_OK;
    sort(&s->aliases);
    return err;
}

void service_aliases_ready(struct node_service *s)
{
    if (s->aliases.loaded)
        return;
    if (node_replica_dirty(s->replica)) /* rows that are behind would tell less */
        service_committed_midway(s, node_replica_commit(s->replica, true));
    if (!node_replica_dirty(s->replica))
        (void)!load(s); /* tried again with the next request */
}

/* --- what a commit changed ------------------------------------------------------------------ */

static void without(struct service_aliases *a, uint32_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < a->edge_count; i++) {
        if (a->edges[i].from != n)
            a->edges[kept++] = a->edges[i];
    }
    a->edge_count = kept;
}

void service_aliases_note(struct node_service *s, uint32_t n)
{
    if (!s->aliases.loaded)
        return;
    without(&s->aliases, n);
    if (add_entity(s, n) != CHT_OK)
        s->aliases.loaded = false; /* they are read anew */
    sort(&s->aliases);
}

void service_aliases_after(struct node_service *s)
{
    if (!s->aliases.loaded)
        return;
    const struct node_commit last = node_replica_last(s->replica);
    const struct node_index *x = node_replica_index(s->replica);
    struct cht_buf numbers;
    cht_buf_init(&numbers, SIZE_MAX);
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && i < last.touched_count; i++) {
        const unsigned type = x->slots[last.touched[i].n].id.type;
        if (type < TYPES_MAX && (last.touched[i].fields & s->aliases.bits[type]) != 0)
            err = cht_buf_add_u32(&numbers, last.touched[i].n);
    }
    /* each is looked for in the list: of a first sync that brings many it is read anew */
    if (err != CHT_OK || numbers.len / 4 > 64)
        s->aliases.loaded = false;
    struct cht_wire w = cht_wire(cht_buf_view(&numbers));
    while (s->aliases.loaded && cht_wire_left(&w) != 0)
        service_aliases_note(s, cht_wire_u32(&w));
    cht_buf_clear(&numbers);
    if (last.touched_count != 0 && s->aliases.edge_count != 0)
        s->aliases.fresh = false; /* what an edge names may have come */
}

void service_aliases_clear(struct node_service *s)
{
    free(s->aliases.edges);
    free(s->aliases.by_number);
    s->aliases = (struct service_aliases){ 0 };
}

/* --- who survives --------------------------------------------------------------------------- */

static int by_number(const void *left, const void *right)
{
    const struct service_alias *a = left, *b = right;
    return a->n < b->n ? -1 : a->n > b->n;
}

static int by_survivor(const void *left, const void *right)
{
    const struct service_alias *a = left, *b = right;
    return a->survivor != b->survivor ? (a->survivor < b->survivor ? -1 : 1) : by_number(a, b);
}

static struct service_alias *find(struct service_alias *list, size_t count, uint32_t n)
{
    const struct service_alias key = { .n = n };
    return count == 0 ? NULL : bsearch(&key, list, count, sizeof *list, by_number);
}

/* Take the smallest of what is reachable over the edges, until nothing gets smaller: also a circle
 * ends so (PROTOCOL 5.10). */
static void settle(struct node_service *s, struct service_alias *list, size_t count)
{
    const struct service_aliases *a = &s->aliases;
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < a->edge_count; i++) {
            uint32_t to = node_index_find(node_replica_index(s->replica), &a->edges[i].to);
            struct service_alias *from = find(list, count, a->edges[i].from);
            if (to == INDEX_NONE || from == NULL)
                continue; /* nothing is known of it here */
            const struct service_alias *further = find(list, count, to);
            to = further == NULL ? to : further->survivor;
            if (memcmp(id_of(s, to)->b, id_of(s, from->survivor)->b, CRDT_ID_BYTES) >= 0)
                continue;
            from->survivor = to;
            again = true;
        }
    }
}

static void refresh(struct node_service *s)
{
    struct service_aliases *a = &s->aliases;
    size_t count = 0, kept = 0;
    if (a->fresh)
        return;
    free(a->by_number);
    a->by_number = a->by_survivor = NULL;
    a->count = 0;
    if (a->edge_count == 0) {
        a->fresh = true;
        return;
    }
    struct service_alias *list = calloc(2 * a->edge_count, sizeof *list);
    if (list == NULL)
        return; /* tried again when it is asked for next */
    for (size_t i = 0; i < a->edge_count; i++) {
        if (i == 0 || a->edges[i].from != a->edges[i - 1].from)
            list[count++] = (struct service_alias){ a->edges[i].from, a->edges[i].from };
    }
    settle(s, list, count);
    for (size_t i = 0; i < count; i++) {
        if (list[i].n != list[i].survivor)
            list[kept++] = list[i];
    }
    a->by_number = list;
    a->by_survivor = list + a->edge_count;
    a->count = kept;
    a->fresh = true;
    if (kept == 0)
        return;
    memcpy(a->by_survivor, list, kept * sizeof *list);
    qsort(a->by_survivor, kept, sizeof *list, by_survivor);
}

uint32_t service_survivor(struct node_service *s, uint32_t n)
{
    if (s->aliases.edge_count == 0)
        return n;
    refresh(s);
    const struct service_alias *found = find(s->aliases.by_number, s->aliases.count, n);
    return found == NULL ? n : found->survivor;
}

struct crdt_id service_survivor_id(struct node_service *s, const struct crdt_id *id)
{
    const uint32_t n = s->aliases.edge_count == 0
                           ? INDEX_NONE
                           : node_index_find(node_replica_index(s->replica), id);
    return n == INDEX_NONE ? *id : *id_of(s, service_survivor(s, n));
}

const struct service_alias *service_aliases_of(struct node_service *s, uint32_t survivor,
                                               size_t *out_count)
{
    *out_count = 0;
    if (s->aliases.edge_count == 0)
        return NULL;
    refresh(s);
    size_t low = 0, high = s->aliases.count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (s->aliases.by_survivor[middle].survivor < survivor)
            low = middle + 1;
        else
            high = middle;
    }
    while (low + *out_count < s->aliases.count &&
           s->aliases.by_survivor[low + *out_count].survivor == survivor)
        (*out_count)++;
    return *out_count == 0 ? NULL : &s->aliases.by_survivor[low];
}

const struct service_alias_edge *service_alias_edges(struct node_service *s, size_t *out_count)
{
    *out_count = s->aliases.edge_count;
    return s->aliases.edges;
}

/* --- telling -------------------------------------------------------------------------------- */

/* The shown value of a field by name; empty. */
static struct cht_bytes shown(struct node_service *s, const struct crdt_state *state,
                              const char *name)
{
    const struct crdt_field *f = crdt_field_named(state->id.type, cht_bytes_str(name));
    const struct crdt_cell *c =
        f == NULL ? NULL : crdt_state_cell(state, f->number, cht_bytes(NULL, 0));
    return c == NULL ? cht_bytes(NULL, 0)
                     : crdt_cell_shown(node_replica_graph(s->replica), state->id.type, c)->bytes;
}

/* What a session is called: by its title, else by its platform's id of it. */
static struct cht_bytes session_name(struct node_service *s, struct cht_bytes session)
{
    const struct cht_bytes raw = crdt_mp_peek(session).data;
    const struct crdt_state *state;
    struct crdt_id id = { .type = CRDT_SESSION };
    if (raw.len != 1 + CRDT_ID_BYTES)
        return cht_bytes(NULL, 0);
    memcpy(id.b, raw.data + 1, CRDT_ID_BYTES);
    const uint32_t n = node_index_find(node_replica_index(s->replica), &id);
    if (n == INDEX_NONE || node_replica_state(s->replica, n, &state) != CHT_OK)
        return cht_bytes(NULL, 0);
    const struct cht_bytes title = shown(s, state, "title");
    return node_mp_str(title.len != 0 ? title : shown(s, state, "session_id"));
}

enum cht_err service_put_origin(struct node_service *s, uint32_t n, struct cht_buf *out)
{
    const struct crdt_state *state;
    enum cht_err err = node_replica_state(s->replica, n, &state);
    if (err != CHT_OK)
        return err;
    const struct crdt_type_schema *t = crdt_schema(state->id.type);
    const struct cht_bytes title =
        t == NULL ? cht_bytes(NULL, 0) : node_mp_str(shown(s, state, t->title_field));
    const struct cht_bytes status = node_mp_str(shown(s, state, "status"));
    const struct cht_bytes session =
        state->id.type == CRDT_SESSION ? cht_bytes(NULL, 0) : shown(s, state, "session");
    const struct cht_bytes name = session_name(s, session);
    err = crdt_mp_put_map(out, 1u + (title.len != 0) + (status.len != 0) + (session.len != 0) +
                                   (name.len != 0));
    if (err == CHT_OK)
        err = service_put_id("chittyId", &state->id, out);
    if (err == CHT_OK && title.len != 0)
        err = node_mp_put_key_str(out, "title", title);
    if (err == CHT_OK && status.len != 0)
        err = node_mp_put_key_str(out, "status", status);
    if (err == CHT_OK && session.len != 0)
        err = node_mp_put_text(out, "session");
    if (err == CHT_OK && session.len != 0)
        err = node_value_show(crdt_field_named(state->id.type, cht_bytes_str("session")), session,
                              out);
    return err == CHT_OK && name.len != 0 ? node_mp_put_key_str(out, "sessionName", name) : err;
}

enum cht_err service_put_origins(struct node_service *s, uint32_t n, struct cht_buf *out)
{
    size_t count;
    const struct service_alias *list = service_aliases_of(s, n, &count);
    enum cht_err err = node_mp_put_text(out, "origins");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, (uint32_t)(1 + count));
    if (err == CHT_OK)
        err = service_put_origin(s, n, out);
    for (size_t i = 0; err == CHT_OK && i < count; i++)
        err = service_put_origin(s, list[i].n, out);
    return err;
}

bool service_merged(struct node_service *s, const struct crdt_id *id)
{
    size_t count = 0;
    if (s->aliases.edge_count != 0)
        (void)service_aliases_of(s, node_index_find(node_replica_index(s->replica), id), &count);
    return count != 0;
}

enum cht_err service_put_merged(struct node_service *s, const struct crdt_id *id,
                                const struct crdt_id *alias, struct cht_buf *out)
{
    const enum cht_err err = alias == NULL ? CHT_OK : service_put_id("alias", alias, out);
    if (err != CHT_OK || !service_merged(s, id))
        return err;
    return service_put_origins(s, node_index_find(node_replica_index(s->replica), id), out);
}

enum cht_err service_put_link(const struct crdt_id *id, struct cht_buf *out)
{
    uint8_t raw[1 + CRDT_ID_BYTES] = { id->type };
    memcpy(raw + 1, id->b, CRDT_ID_BYTES);
    return crdt_mp_put_bin(out, cht_bytes(raw, sizeof raw));
}
