/* Circles of links that came to be by concurrent changes (LOCAL 4.15): Tarjan's strongly connected
 * components (1972), without recursion, over the links that table `element` has; of each the
 * shortest circle through its smallest id. The same answer on every replica of the same state. */
#include "node/service/loop.h"
#include "node/service/own.h"

#include <stdlib.h>

#define EDGES_MAX 4000000u /* 32 MB of them */
#define TOLD_MAX  1000u    /* circles of one field */
#define PATH_MAX_ 64u      /* entities told of one */
#define HEAD_ROOM 1024u    /* of the answer around the circles */

struct edge {
    uint32_t from, to; /* numbers of entities, then places among the nodes */
};

struct graph {
    struct node_service *s;
    struct edge *edges; /* ascending */
    size_t edge_count, edge_cap;
    uint32_t *nodes; /* entities by number, ascending by id */
    uint32_t node_count;
    uint32_t *first;     /* of each node its first edge; one more at the end */
    uint32_t *component; /* of each node; UINT32_MAX before it is known */
    uint32_t component_count;
};

/* --- reading ------------------------------------------------------------------------------- */

static enum cht_err add_edge(struct graph *g, uint32_t from, uint32_t to)
{
    if (g->edge_count == EDGES_MAX)
        return CHT_E_LIMIT;
    if (g->edge_count == g->edge_cap) {
        const size_t cap = g->edge_cap == 0 ? 256 : g->edge_cap * 2;
        struct edge *grown = realloc(g->edges, cap * sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        g->edges = grown;
        g->edge_cap = cap;
    }
    g->edges[g->edge_count++] = (struct edge){ from, to };
    return CHT_OK;
}

static enum cht_err read_links(struct graph *g, unsigned type, const struct crdt_field *f)
{
    const struct node_index *x = node_replica_index(g->s->replica);
    struct node_cursor *cursor;
    enum cht_err err =
        node_find_links(node_replica_store(g->s->replica), type, f->number, false, &cursor);
    if (err != CHT_OK)
        return err;
    while ((err = node_find_next(cursor)) == CHT_OK) {
        struct crdt_id id;
        uint32_t to = INDEX_NONE;
        if (crdt_id_parse(node_find_bytes(cursor, 1), &id) == CHT_OK)
            to = node_index_find(x, &id);
        if (to != INDEX_NONE)
            err = add_edge(g, (uint32_t)node_find_int(cursor, 0), to);
        if (err != CHT_OK)
            break;
    }
    node_find_close(cursor);
    return err == CHT_E_NOTFOUND ? CHT_OK : err;
}

static const struct index_slot *sorted_slots; /* for qsort; this process has one thread */

static int by_id(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return memcmp(sorted_slots[x].id.b, sorted_slots[y].id.b, CRDT_ID_BYTES);
}

static int by_places(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

static uint32_t place_of(const struct graph *g, uint32_t n)
{
    const uint32_t *found = bsearch(&n, g->nodes, g->node_count, sizeof *g->nodes, by_id);
    return found == NULL ? UINT32_MAX : (uint32_t)(found - g->nodes);
}

/* Nodes in the order of their ids, edges by their places. Only what links can be in a circle. */
static enum cht_err arrange(struct graph *g)
{
    g->nodes = calloc(g->edge_count + 1, sizeof *g->nodes);
    if (g->nodes == NULL)
        return CHT_E_NOMEM;
    for (size_t i = 0; i < g->edge_count; i++)
        g->nodes[i] = g->edges[i].from;
    sorted_slots = node_replica_index(g->s->replica)->slots;
    qsort(g->nodes, g->edge_count, sizeof *g->nodes, by_id);
    for (size_t i = 0; i < g->edge_count; i++) {
        if (g->node_count == 0 || g->nodes[g->node_count - 1] != g->nodes[i])
            g->nodes[g->node_count++] = g->nodes[i];
    }
    size_t kept = 0;
    for (size_t i = 0; i < g->edge_count; i++) {
        const struct edge e = { place_of(g, g->edges[i].from), place_of(g, g->edges[i].to) };
        if (e.to != UINT32_MAX)
            g->edges[kept++] = e;
    }
    g->edge_count = kept;
    if (kept != 0)
        qsort(g->edges, kept, sizeof *g->edges, by_places);
    g->first = calloc((size_t)g->node_count + 1, sizeof *g->first);
    g->component = calloc((size_t)g->node_count + 1, sizeof *g->component);
    if (g->first == NULL || g->component == NULL)
        return CHT_E_NOMEM;
    size_t edge = 0;
    for (uint32_t v = 0; v <= g->node_count; v++) {
        while (edge < kept && g->edges[edge].from < v)
            edge++;
        g->first[v] = (uint32_t)edge;
    }
    return CHT_OK;
}

/* --- components ---------------------------------------------------------------------------- */

struct tarjan {
    uint32_t *index, *low, *next; /* of each node; index 0: not seen */
    uint32_t *stack, *path;       /* nodes: of no component yet; under way */
    uint32_t stack_len, path_len, seen;
};

static void enter(struct tarjan *t, const struct graph *g, uint32_t v)
{
    t->index[v] = t->low[v] = ++t->seen;
    t->next[v] = g->first[v];
    t->stack[t->stack_len++] = v;
    t->path[t->path_len++] = v;
}

static void leave(struct tarjan *t, struct graph *g, uint32_t v)
{
    t->path_len--;
    if (t->path_len > 0) {
        const uint32_t above = t->path[t->path_len - 1];
        t->low[above] = t->low[v] < t->low[above] ? t->low[v] : t->low[above];
    }
    if (t->low[v] != t->index[v])
        return;
    uint32_t member;
    do {
        member = t->stack[--t->stack_len];
        g->component[member] = g->component_count;
    } while (member != v);
    g->component_count++;
}

static void visit_from(struct tarjan *t, struct graph *g, uint32_t root)
{
    enter(t, g, root);
    while (t->path_len > 0) {
        const uint32_t v = t->path[t->path_len - 1];
        if (t->next[v] == g->first[v + 1]) {
            leave(t, g, v);
            continue;
        }
        const uint32_t to = g->edges[t->next[v]++].to;
        if (t->index[to] == 0)
            enter(t, g, to);
        else if (g->component[to] == UINT32_MAX && t->index[to] < t->low[v])
            t->low[v] = t->index[to];
    }
}

static enum cht_err find_components(struct graph *g)
{
    const size_t room = (size_t)g->node_count + 1;
    uint32_t *all = calloc(room * 5, sizeof *all);
    if (all == NULL)
        return CHT_E_NOMEM;
    struct tarjan t = { .index = all,
                        .low = all + room,
                        .next = all + room * 2,
                        .stack = all + room * 3,
                        .path = all + room * 4 };
    memset(g->component, 0xff, room * sizeof *g->component);
    for (uint32_t v = 0; v < g->node_count; v++) {
        if (t.index[v] == 0)
            visit_from(&t, g, v);
    }
    free(all);
    return CHT_OK;
}

/* --- circles ------------------------------------------------------------------------------- */

/* The shortest way from `start` back to it inside its component: by breadth, smaller ids first. The
 * nodes of it in `path`; returns how many, 0: there is none. */
static uint32_t shortest(const struct graph *g, uint32_t start, uint32_t *queue, uint32_t *from,
                         uint32_t *path)
{
    uint32_t count = 0, len = 0;
    queue[count++] = start;
    from[start] = start;
    for (uint32_t at = 0; at < count; at++) {
        const uint32_t v = queue[at];
        for (uint32_t e = g->first[v]; e < g->first[v + 1]; e++) {
            const uint32_t to = g->edges[e].to;
            if (to == start) {
                for (uint32_t back = v; back != start; back = from[back])
                    path[len++] = back;
                path[len++] = start;
                return len; /* the last is the first */
            }
            if (g->component[to] == g->component[start] && from[to] == UINT32_MAX) {
                from[to] = v;
                queue[count++] = to;
            }
        }
    }
    return 0;
}

static enum cht_err put_entity(struct graph *g, uint32_t n, struct cht_buf *out)
{
    const struct crdt_state *state;
    const struct crdt_id id = node_replica_index(g->s->replica)->slots[n].id;
    const struct crdt_type_schema *t = crdt_schema(id.type);
    enum cht_err err = node_replica_state(g->s->replica, n, &state);
    const struct crdt_cell *title =
        err != CHT_OK || t == NULL
            ? NULL
            : crdt_state_cell(state,
                              crdt_field_named(id.type, cht_bytes_str(t->title_field))->number,
                              cht_bytes(NULL, 0));
    if (err == CHT_OK)
        err = crdt_mp_put_map(out, title == NULL ? 1 : 2);
    if (err == CHT_OK)
        err = service_put_id("chittyId", &id, out);
    if (err == CHT_OK && title != NULL)
        err = node_mp_put_key_str(
            out, "title",
            crdt_mp_peek(crdt_cell_shown(node_replica_graph(g->s->replica), id.type, title)->bytes)
                .data);
    return err;
}

static enum cht_err put_circle(struct graph *g, unsigned type, const struct crdt_field *f,
                               const uint32_t *path, uint32_t len, uint32_t members,
                               struct cht_buf *out)
{
    const uint32_t told = len < PATH_MAX_ ? len : PATH_MAX_;
    enum cht_err err = crdt_mp_put_map(out, 5);
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "domain", crdt_type_domain(type));
    if (err == CHT_OK)
        err = node_mp_put_key_text(out, "field", f->name);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "length", len);
    if (err == CHT_OK)
        err = node_mp_put_key_uint(out, "members", members);
    if (err == CHT_OK)
        err = node_mp_put_text(out, "path");
    if (err == CHT_OK)
        err = crdt_mp_put_array(out, told);
    for (uint32_t i = 0; err == CHT_OK && i < told; i++)
        err = put_entity(g, g->nodes[path[len - 1 - i]], out);
    return err;
}

/* One circle of each component that has one, in the order of their smallest ids. */
static enum cht_err put_circles(struct graph *g, unsigned type, const struct crdt_field *f,
                                struct cht_buf *out, uint32_t *count)
{
    const size_t room = (size_t)g->node_count + 1;
    uint32_t *all = calloc(room * 4, sizeof *all);
    uint32_t *members = all, *from = all == NULL ? NULL : all + room, told = 0;
    enum cht_err err = all == NULL ? CHT_E_NOMEM : CHT_OK;
    for (uint32_t v = 0; err == CHT_OK && v < g->node_count; v++)
        members[g->component[v]]++;
    if (err == CHT_OK)
        memset(from, 0xff, room * sizeof *from);
    for (uint32_t v = 0; err == CHT_OK && v < g->node_count && told < TOLD_MAX; v++) {
        const uint32_t component = g->component[v], size = members[component];
        if (size == 0)
            continue; /* told: by its smallest id */
        members[component] = 0;
        const uint32_t len = shortest(g, v, all + room * 2, from, all + room * 3);
        if (len == 0)
            continue;
        const size_t before = out->len;
        err = put_circle(g, type, f, all + room * 3, len, size, out);
        if (err == CHT_E_LIMIT) { /* the answer is full */
            out->len = before;
            err = CHT_OK;
            break;
        }
        ++*count;
        told++;
    }
    free(all);
    return err;
}

static enum cht_err look(struct node_service *s, unsigned type, const struct crdt_field *f,
                         struct cht_buf *out, uint32_t *count)
{
    struct graph g = { .s = s };
    enum cht_err err = read_links(&g, type, f);
    if (err == CHT_OK && g.edge_count != 0)
        err = arrange(&g);
    if (err == CHT_OK && g.edge_count != 0)
        err = find_components(&g);
    if (err == CHT_OK && g.edge_count != 0)
        err = put_circles(&g, type, f, out, count);
    free(g.edges);
    free(g.nodes);
    free(g.first);
    free(g.component);
    return err;
}

void service_cycles(struct node_service *s, const struct service_caller *c,
                    const struct node_query *q)
{
    struct cht_buf out, records;
    size_t at = 0;
    uint32_t count = 0;
    cht_buf_init(&out, SERVICE_ANSWER_BYTES);
    cht_buf_init(&records, SERVICE_ANSWER_BYTES - HEAD_ROOM);
    enum cht_err err = CHT_OK;
    for (size_t i = 0; err == CHT_OK && crdt_schema_at(i, NULL) != NULL; i++) {
        const struct crdt_type_schema *t = crdt_schema_at(i, NULL);
        for (size_t k = 0; err == CHT_OK && k < t->count; k++) {
            if ((q->type == 0 || q->type == t->type) && service_loop_field(&t->fields[k], t->type))
                err = look(s, t->type, &t->fields[k], &records, &count);
        }
    }
    if (err == CHT_OK)
        err = service_records_begin(s, c, false, &out, &at);
    if (err == CHT_OK)
        err = cht_buf_add(&out, cht_buf_view(&records));
    if (err == CHT_OK)
        service_records_end(&out, at, count);
    service_send(s, c, err, &out);
    cht_buf_clear(&records);
    cht_buf_clear(&out);
}
