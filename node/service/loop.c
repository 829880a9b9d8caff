/* Changes that would close a circle; see loop.h. A walk along the links from what is newly linked,
 * each entity once, in the state that the writes will leave. */
#include "node/service/loop.h"

#include "node/service/own.h"

#include <stdlib.h>

#define SHORT_ID_SKIP  7u /* "CHITTY-" */
#define SHOWN_MAX      5u /* entities named of a long circle */
#define LINK_BYTES     (1u + CRDT_ID_BYTES)
#define VISITS_INITIAL 64u

bool service_loop_field(const struct crdt_field *f, unsigned type)
{
    return f != NULL && f->value == CRDT_V_ID && f->id_type == type &&
           (strcmp(f->name, "dependencies") == 0 || strcmp(f->name, "parent") == 0);
}

struct visit {
    struct crdt_id id;
    uint32_t from; /* the visit that led here */
};

/* The writes, to be looked up; all by id. */
struct written {
    struct node_service *s;
    const struct node_write **by_id;
    size_t count;
    struct crdt_id *targets; /* of their links */
    size_t target_count;
};

struct walk {
    struct node_service *s;
    const struct written *written;
    const struct crdt_field *field;
    struct visit *visits;
    uint32_t count, cap;
    uint32_t *table, mask; /* of visits, by id: place + 1 */
    bool full;
};

static bool link_id(struct cht_bytes value, struct crdt_id *out)
{
    const struct crdt_mp v = crdt_mp_peek(value);
    if (v.kind != CRDT_MP_BIN || v.data.len != LINK_BYTES)
        return false;
    out->type = v.data.data[0];
    memcpy(out->b, v.data.data + 1, CRDT_ID_BYTES);
    return true;
}

static uint32_t slot_of(const struct walk *w, const struct crdt_id *id)
{
    uint32_t at = cht_get_u32(id->b + 8) ^ cht_get_u32(id->b + 12) ^ cht_get_u32(id->b);
    for (at &= w->mask; w->table[at] != 0; at = (at + 1) & w->mask) {
        if (crdt_id_eq(&w->visits[w->table[at] - 1].id, id))
            break;
    }
    return at;
}

static enum cht_err grow(struct walk *w)
{
    struct cht_arena *arena = &w->s->arena;
    const uint32_t cap = w->cap == 0 ? VISITS_INITIAL : w->cap * 2;
    struct visit *visits = cht_arena_array(arena, cap, sizeof *visits);
    uint32_t *table = cht_arena_array(arena, (size_t)cap * 2, sizeof *table);
    if (visits == NULL || table == NULL)
        return CHT_E_NOMEM;
    if (w->count != 0)
        memcpy(visits, w->visits, w->count * sizeof *visits);
    w->visits = visits;
    w->table = table;
    w->cap = cap;
    w->mask = cap * 2 - 1;
    for (uint32_t i = 0; i < w->count; i++)
        w->table[slot_of(w, &w->visits[i].id)] = i + 1;
    return CHT_OK;
}

static enum cht_err visit(struct walk *w, const struct crdt_id *id, uint32_t from)
{
    if (w->count >= LOOP_VISITS_MAX) {
        w->full = true;
        return CHT_OK;
    }
    enum cht_err err = w->count == w->cap ? grow(w) : CHT_OK;
    if (err != CHT_OK)
        return err;
    const uint32_t at = slot_of(w, id);
    if (w->table[at] != 0)
        return CHT_OK;
    w->visits[w->count++] = (struct visit){ .id = *id, .from = from };
    w->table[at] = w->count;
    return CHT_OK;
}

static int order_ids(const struct crdt_id *a, const struct crdt_id *b)
{
    return a->type != b->type ? (a->type < b->type ? -1 : 1) : memcmp(a->b, b->b, CRDT_ID_BYTES);
}

/* The first of the writes to an entity; `count` when there is none. */
static size_t first_write(const struct written *w, const struct crdt_id *id)
{
    size_t low = 0, high = w->count;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (order_ids(&w->by_id[mid]->id, id) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < w->count && crdt_id_eq(&w->by_id[low]->id, id) ? low : w->count;
}

/* Do the writes take this link away? A register's put takes away the one before it. */
static bool dropped(const struct walk *w, const struct crdt_id *id, struct cht_bytes key)
{
    const struct written *all = w->written;
    for (size_t i = first_write(all, id); i < all->count && crdt_id_eq(&all->by_id[i]->id, id);
         i++) {
        for (uint32_t k = 0; k < all->by_id[i]->count; k++) {
            const struct crdt_op *op = &all->by_id[i]->ops[k];
            if (op->field == w->field->number &&
                (w->field->kind == CRDT_REGISTER ||
                 (op->kind == CRDT_OP_DROP && cht_bytes_eq(op->key, key))))
                return true;
        }
    }
    return false;
}

/* The links of an entity as the replica has it. */
static enum cht_err follow_state(struct walk *w, uint32_t at)
{
    const struct crdt_graph *g = node_replica_graph(w->s->replica);
    const struct crdt_id id = w->visits[at].id;
    const uint32_t n = node_index_find(node_replica_index(w->s->replica), &id);
    const struct crdt_state *state;
    struct crdt_id to;
    if (n == INDEX_NONE)
        return CHT_OK;
    enum cht_err err = node_replica_state(w->s->replica, n, &state);
    if (err != CHT_OK || crdt_state_hidden(state, g))
        return err;
    for (uint32_t i = 0; err == CHT_OK && i < state->count; i++) {
        const struct crdt_cell *c = &state->cells[i];
        if (c->field != w->field->number || dropped(w, &id, c->key))
            continue;
        if (link_id(w->field->kind == CRDT_SET ? c->key : crdt_cell_shown(g, id.type, c)->bytes,
                    &to))
            err = visit(w, &to, at);
    }
    return err;
}

/* The links that the writes give it; the last of a register counts. */
static enum cht_err follow_writes(struct walk *w, uint32_t at)
{
    const struct crdt_id id = w->visits[at].id;
    struct crdt_id to, last = { 0 };
    enum cht_err err = CHT_OK;
    const struct written *all = w->written;
    for (size_t i = first_write(all, &id);
         err == CHT_OK && i < all->count && crdt_id_eq(&all->by_id[i]->id, &id); i++) {
        for (uint32_t k = 0; err == CHT_OK && k < all->by_id[i]->count; k++) {
            const struct crdt_op *op = &all->by_id[i]->ops[k];
            if (op->field != w->field->number)
                continue;
            const bool put = op->kind == CRDT_OP_PUT &&
                             link_id(w->field->kind == CRDT_SET ? op->key : op->value, &to);
            if (w->field->kind == CRDT_REGISTER)
                last = put ? to : (struct crdt_id){ 0 };
            else if (put)
                err = visit(w, &to, at);
        }
    }
    return err == CHT_OK && last.type != 0 ? visit(w, &last, at) : err;
}

static void add_name(char *list, size_t size, const struct crdt_id *id)
{
    char text[CRDT_ID_TEXT_MAX];
    crdt_id_text(id, text);
    text[strlen(text) - (CRDT_ID_DIGITS - 8)] = '\0';
    (void)strncat(list, text + SHORT_ID_SKIP, size - strlen(list) - 1);
}

/* Visit `at` links back to `id`: name the circle, from `id` on. */
static enum cht_err refuse(const struct walk *w, const struct crdt_id *id, uint32_t at,
                           struct node_fault *fault)
{
    char list[NODE_FAULT_HINT_MAX] = "";
    uint32_t path[LOOP_VISITS_MAX], len = 0;
    for (uint32_t v = at; v != UINT32_MAX; v = w->visits[v].from)
        path[len++] = v;
    add_name(list, sizeof list, id);
    for (uint32_t i = len; i > 0; i--) {
        if (len > SHOWN_MAX && i != len && i != 1 && i + 2 < len) {
            if (i + 3 == len)
                (void)strncat(list, " → …", sizeof list - strlen(list) - 1);
            continue;
        }
        (void)strncat(list, " → ", sizeof list - strlen(list) - 1);
        add_name(list, sizeof list, &w->visits[path[i - 1]].id);
    }
    (void)strncat(list, " → ", sizeof list - strlen(list) - 1);
    add_name(list, sizeof list, id);
    (void)node_fault_set(fault, CHT_E_INVALID, cht_bytes_str(w->field->name),
                         "%s would lead back to where it begins, over %u other%s", w->field->name,
                         len, len == 1 ? "" : "s");
    node_fault_hint(fault, "%s", list);
    return CHT_E_INVALID;
}

/* Is `id` reached from what it is newly linked to? */
static enum cht_err check_link(const struct written *written, const struct crdt_field *field,
                               const struct crdt_id *id, const struct crdt_id *to,
                               struct node_fault *fault)
{
    struct walk w = { .s = written->s, .written = written, .field = field };
    enum cht_err err = visit(&w, to, UINT32_MAX);
    for (uint32_t at = 0; err == CHT_OK && at < w.count && !w.full; at++) {
        const uint32_t before = w.count;
        err = follow_state(&w, at);
        if (err == CHT_OK)
            err = follow_writes(&w, at);
        for (uint32_t i = before; err == CHT_OK && i < w.count; i++) {
            if (crdt_id_eq(&w.visits[i].id, id))
                return refuse(&w, id, at, fault);
        }
    }
    return err;
}

/* --- the writes ---------------------------------------------------------------------------- */

static int compare_writes(const void *a, const void *b)
{
    const struct node_write *const *x = a, *const *y = b;
    const int order = order_ids(&(*x)->id, &(*y)->id);
    return order != 0 ? order : (*x > *y) - (*x < *y); /* in their order */
}

static int compare_ids(const void *a, const void *b)
{
    return order_ids(a, b);
}

/* The field and the target of an op that links; false: it links nothing. */
static bool links(unsigned type, const struct crdt_op *op, const struct crdt_field **field,
                  struct crdt_id *to)
{
    if (op->kind != CRDT_OP_PUT)
        return false;
    *field = crdt_field(type, op->field);
    return service_loop_field(*field, type) &&
           link_id((*field)->kind == CRDT_SET ? op->key : op->value, to);
}

static enum cht_err look_up(struct node_service *s, const struct node_write *writes, size_t count,
                            size_t link_count, struct written *out)
{
    struct written w = { .s = s, .count = count };
    const struct crdt_field *field;
    w.by_id = cht_arena_array(&s->arena, count, sizeof *w.by_id);
    w.targets = cht_arena_array(&s->arena, link_count, sizeof *w.targets);
    if (w.by_id == NULL || w.targets == NULL)
        return CHT_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        w.by_id[i] = &writes[i];
        for (uint32_t k = 0; k < writes[i].count && w.target_count < link_count; k++)
            w.target_count +=
                links(writes[i].id.type, &writes[i].ops[k], &field, &w.targets[w.target_count]);
    }
    qsort(w.by_id, count, sizeof *w.by_id, compare_writes);
    qsort(w.targets, w.target_count, sizeof *w.targets, compare_ids);
    *out = w;
    return CHT_OK;
}

static size_t count_links(const struct node_write *writes, size_t count)
{
    const struct crdt_field *field;
    struct crdt_id to;
    size_t links_found = 0;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < writes[i].count; k++)
            links_found += links(writes[i].id.type, &writes[i].ops[k], &field, &to);
    }
    return links_found;
}

enum cht_err service_loop_check(struct node_service *s, const struct node_write *writes,
                                size_t count, struct node_fault *fault)
{
    const size_t link_count = count_links(writes, count);
    const struct crdt_field *field = NULL;
    struct written w;
    struct crdt_id to;
    enum cht_err err = link_count == 0 ? CHT_OK : look_up(s, writes, count, link_count, &w);
    for (size_t i = 0; err == CHT_OK && link_count != 0 && i < count; i++) {
        const struct crdt_id *id = &writes[i].id;
        const bool known = node_index_find(node_replica_index(s->replica), id) != INDEX_NONE;
        for (uint32_t k = 0; err == CHT_OK && k < writes[i].count; k++) {
            if (!links(id->type, &writes[i].ops[k], &field, &to))
                continue;
            if (crdt_id_eq(id, &to))
                return node_fault_set(fault, CHT_E_INVALID, cht_bytes_str(field->name),
                                      "%s cannot name the record itself", field->name);
            /* nothing leads to what is new */
            if (known || bsearch(id, w.targets, w.target_count, sizeof *id, compare_ids) != NULL)
                err = check_link(&w, field, id, &to, fault);
        }
    }
    return err;
}
