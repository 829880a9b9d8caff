/* Taking own transactions back, cell by cell; see undo.h. */
#include "node/service/undo.h"

#include "crdt/limits.h"

#include <stdlib.h>

/* A cell that the transactions wrote. */
struct touched {
    uint32_t entity;
    struct crdt_op after; /* what the newest of them did to it */
    uint32_t thing;       /* its place among the things */
    uint32_t oldest;      /* the oldest of them that wrote it */
    struct crdt_value *before;
    uint32_t before_count;
    uint32_t next; /* in its bucket, + 1 */
};

struct thing {
    uint32_t entity, oldest;
    bool made; /* there was nothing of it before the oldest */
};

#define BUCKETS 1024u

struct taking {
    struct node_service *s;
    const struct undo_txn *txns;
    uint32_t txn_count;
    bool force, anyone;
    struct touched *cells;
    uint32_t cell_count;
    struct thing *things;
    uint32_t thing_count;
    uint32_t buckets[BUCKETS];
    struct undo_plan *out;
};

/* --- what was written ----------------------------------------------------------------------- */

static size_t bucket_of(uint32_t entity, uint16_t field, struct cht_bytes key)
{
    size_t h = (size_t)entity * 31 + field;
    for (size_t i = 0; i < key.len; i++)
        h = h * 31 + key.data[i];
    return h % BUCKETS;
}

static struct touched *find_cell(const struct taking *t, uint32_t entity, uint16_t field,
                                 struct cht_bytes key)
{
    for (uint32_t i = t->buckets[bucket_of(entity, field, key)]; i != 0; i = t->cells[i - 1].next) {
        struct touched *c = &t->cells[i - 1];
        if (c->entity == entity && c->after.field == field && cht_bytes_eq(c->after.key, key))
            return c;
    }
    return NULL;
}

static struct thing *find_thing(const struct taking *t, uint32_t entity)
{
    for (uint32_t i = t->thing_count; i-- > 0;) {
        if (t->things[i].entity == entity)
            return &t->things[i];
    }
    return NULL;
}

/* From the newest op to the oldest: the first sight of a cell tells what it was left as.
 * CHT_E_LIMIT: they are of more things than one transaction may write. */
static enum cht_err collect(struct taking *t)
{
    for (uint32_t x = 0; x < t->txn_count; x++) {
        for (uint32_t i = t->txns[x].op_count; i-- > 0;) {
            const struct undo_op *o = &t->txns[x].ops[i];
            struct touched *c = find_cell(t, o->entity, o->op.field, o->op.key);
            struct thing *thing = find_thing(t, o->entity);
            if (c == NULL) {
                uint32_t *head = &t->buckets[bucket_of(o->entity, o->op.field, o->op.key)];
                c = &t->cells[t->cell_count++];
                *c = (struct touched){ .entity = o->entity, .after = o->op, .next = *head };
                *head = t->cell_count;
            }
            if (thing == NULL && t->thing_count == LIMIT_HEAD_ENTRIES)
                return CHT_E_LIMIT;
            if (thing == NULL) {
                thing = &t->things[t->thing_count++];
                thing->entity = o->entity;
            }
            c->thing = (uint32_t)(thing - t->things);
            c->oldest = thing->oldest = x;
        }
    }
    return CHT_OK;
}

/* --- what was before ------------------------------------------------------------------------ */

/* The live values, so that written again in this order the same one is shown: of one entry's values
 * the last shows, by the policies of the first stamp the first (PROTOCOL 5.4). */
static enum cht_err keep_before(struct taking *t, struct touched *c, const struct crdt_state *state)
{
    const struct crdt_cell *cell = crdt_state_cell(state, c->after.field, c->after.key);
    if (cell == NULL)
        return CHT_OK;
    const struct crdt_field *f = crdt_field(state->id.type, cell->field);
    const struct crdt_value *shown =
        crdt_cell_shown(node_replica_graph(t->s->replica), state->id.type, cell);
    const bool shown_first = f != NULL && (f->policy == CRDT_FIRST || f->policy == CRDT_TOKEN);
    c->before = cht_arena_array(&t->s->arena, cell->count, sizeof *c->before);
    if (c->before == NULL)
        return CHT_E_NOMEM;
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0, at = shown_first; err == CHT_OK && i < cell->count; i++) {
        const bool is_shown = &cell->values[i] == shown;
        const uint32_t place = is_shown ? (shown_first ? 0 : cell->count - 1) : at++;
        err = cht_arena_copy(&t->s->arena, cell->values[i].bytes, &c->before[place].bytes);
    }
    c->before_count = cell->count;
    return err;
}

static enum cht_err look_before(struct taking *t, uint32_t x)
{
    uint32_t count = 0;
    uint32_t *entities = cht_arena_array(&t->s->arena, t->thing_count, sizeof *entities);
    uint32_t *place = cht_arena_array(&t->s->arena, t->thing_count, sizeof *place);
    if (entities == NULL || place == NULL)
        return CHT_E_NOMEM;
    memset(place, 0xff, t->thing_count * sizeof *place);
    for (uint32_t k = 0; k < t->cell_count; k++) {
        const struct touched *c = &t->cells[k];
        if (c->oldest != x || place[c->thing] != UINT32_MAX)
            continue;
        place[c->thing] = count;
        entities[count++] = c->entity;
    }
    struct crdt_state *states = calloc((size_t)count + 1, sizeof *states);
    if (states == NULL)
        return CHT_E_NOMEM;
    enum cht_err err = count == 0 ? CHT_OK
                                  : node_replica_past_states(t->s->replica, t->txns[x].first,
                                                             entities, count, states);
    for (uint32_t i = 0; err == CHT_OK && i < t->thing_count; i++) {
        if (t->things[i].oldest == x)
            t->things[i].made = states[place[i]].count == 0;
    }
    for (uint32_t k = 0; err == CHT_OK && k < t->cell_count; k++) {
        struct touched *c = &t->cells[k];
        if (c->oldest == x)
            err = keep_before(t, c, &states[place[c->thing]]);
    }
    for (uint32_t i = 0; err == CHT_OK && i < count; i++)
        crdt_state_clear(&states[i]);
    free(states);
    return err;
}

/* --- what is now ---------------------------------------------------------------------------- */

/* Does the cell hold what the transactions left it as, written here? `*out_by`: who changed it. */
static bool as_left(const struct taking *t, const struct crdt_state *state, const struct touched *c,
                    struct crdt_place *out_by)
{
    const struct crdt_graph *g = node_replica_graph(t->s->replica);
    const struct crdt_cell *cell =
        state == NULL ? NULL : crdt_state_cell(state, c->after.field, c->after.key);
    *out_by = (struct crdt_place){ 0, 0 };
    for (uint32_t i = 0; cell != NULL && i < cell->count; i++) {
        const struct crdt_value *v = &cell->values[i];
        if (c->after.kind != CRDT_OP_PUT || !cht_bytes_eq(v->bytes, c->after.value) ||
            (!t->anyone && memcmp(crdt_graph_device_id(g, v->at.chain), t->s->identity->device,
                                  CRDT_ID_BYTES) != 0)) {
            *out_by = v->at;
            return false;
        }
    }
    return (cell != NULL) == (c->after.kind == CRDT_OP_PUT);
}

/* Does it hold already what it did before? */
static bool as_before(const struct crdt_state *state, const struct touched *c)
{
    const struct crdt_cell *cell =
        state == NULL ? NULL : crdt_state_cell(state, c->after.field, c->after.key);
    if (cell == NULL || c->before_count == 0)
        return cell == NULL && c->before_count == 0;
    return cell->count == 1 && c->before_count == 1 &&
           cht_bytes_eq(cell->values[0].bytes, c->before[0].bytes);
}

static enum cht_err leave(struct taking *t, uint32_t entity, uint16_t field, struct cht_bytes key,
                          struct crdt_place by)
{
    struct undo_plan *out = t->out;
    if (out->left_count == out->left_cap) {
        const uint32_t cap = out->left_cap == 0 ? 16 : 2 * out->left_cap;
        struct undo_left *grown = cht_arena_array(&t->s->arena, cap, sizeof *grown);
        if (grown == NULL)
            return CHT_E_NOMEM;
        if (out->left_count != 0)
            memcpy(grown, out->left, out->left_count * sizeof *grown);
        out->left = grown;
        out->left_cap = cap;
    }
    out->left[out->left_count++] = (struct undo_left){ entity, field, key, by };
    return CHT_OK;
}

/* --- the plan ------------------------------------------------------------------------------- */

static enum cht_err put_back(struct taking *t, struct plan_item *item, const struct touched *c)
{
    struct crdt_op op = { .kind = CRDT_OP_DROP, .field = c->after.field, .key = c->after.key };
    if (c->before_count == 0 && c->after.field == CRDT_FIELD_ALIAS_OF)
        return service_set_apart(&t->out->plan, item);
    enum cht_err err = c->before_count == 0 ? plan_add(&t->out->plan, item, &op) : CHT_OK;
    for (uint32_t i = 0; err == CHT_OK && i < c->before_count; i++) {
        op.kind = CRDT_OP_PUT;
        op.value = c->before[i].bytes;
        err = plan_add(&t->out->plan, item, &op);
    }
    return err;
}

/* What the transactions made goes, unless somebody has written into it since. */
static enum cht_err unmake(struct taking *t, const struct thing *thing, struct plan_item *item)
{
    const uint32_t had = t->out->left_count;
    enum cht_err err = CHT_OK;
    for (uint32_t i = 0;
         !t->force && item->state != NULL && err == CHT_OK && i < item->state->count; i++) {
        const struct crdt_cell *cell = &item->state->cells[i];
        const struct touched *c = find_cell(t, thing->entity, cell->field, cell->key);
        struct crdt_place by = cell->values[0].at;
        if (c == NULL || !as_left(t, item->state, c, &by))
            err = leave(t, thing->entity, cell->field, cell->key, by);
    }
    if (err != CHT_OK || t->out->left_count != had)
        return err;
    t->out->back++;
    return plan_hide(&t->out->plan, item, true);
}

static enum cht_err take_back(struct taking *t, const struct thing *thing, struct plan_item *item)
{
    const struct crdt_id *id = &node_replica_index(t->s->replica)->slots[thing->entity].id;
    enum cht_err err = plan_begin(&t->out->plan, id, item);
    if (err == CHT_OK && thing->made)
        return unmake(t, thing, item);
    for (uint32_t k = 0; err == CHT_OK && k < t->cell_count; k++) {
        const struct touched *c = &t->cells[k];
        struct crdt_place by;
        if (&t->things[c->thing] != thing)
            continue;
        if (as_before(item->state, c)) {
            t->out->back++;
        } else if (as_left(t, item->state, c, &by) || t->force) {
            t->out->back++;
            err = put_back(t, item, c);
        } else {
            err = leave(t, thing->entity, c->after.field, c->after.key, by);
        }
    }
    return err;
}

/* The first entry of the write says what it takes back. */
static enum cht_err add_marks(struct taking *t, bool redo, struct plan_item *item)
{
    enum cht_err err = CHT_OK;
    for (uint32_t x = 0; err == CHT_OK && x < t->txn_count; x++) {
        uint8_t *key = cht_arena_array(&t->s->arena, CRDT_UNDO_KEY_BYTES, 1);
        if (key == NULL)
            return CHT_E_NOMEM;
        const struct crdt_op op =
            crdt_undo_op(redo ? CRDT_REDOES : CRDT_UNDOES, &t->txns[x].hash, key);
        err = plan_add(&t->out->plan, item, &op);
    }
    return err;
}

static enum cht_err plan_things(struct taking *t, bool redo)
{
    struct plan_item *items = cht_arena_array(&t->s->arena, t->thing_count, sizeof *items);
    enum cht_err err = items == NULL ? CHT_E_NOMEM : CHT_OK;
    uint32_t bearer = t->thing_count - 1; /* of the marks: the first that is written, else any */
    for (uint32_t i = t->thing_count; err == CHT_OK && i-- > 0;) {
        err = take_back(t, &t->things[i], &items[i]);
        if (items[bearer].ops.count == 0)
            bearer = i;
    }
    if (err != CHT_OK || t->out->back == 0)
        return err;
    err = add_marks(t, redo, &items[bearer]);
    if (err == CHT_OK)
        plan_take(&t->out->plan, &items[bearer]);
    for (uint32_t i = t->thing_count; err == CHT_OK && i-- > 0;) {
        if (i != bearer && items[i].ops.count != 0)
            plan_take(&t->out->plan, &items[i]);
    }
    return err;
}

enum cht_err undo_plan(struct node_service *s, const struct undo_txn *txns, uint32_t count,
                       bool redo, bool force, bool anyone, struct undo_plan *out)
{
    struct taking t = { .s = s, .txns = txns, .txn_count = count, .out = out };
    t.force = force;
    t.anyone = anyone;
    uint32_t ops = 0;
    for (uint32_t x = 0; x < count; x++)
        ops += txns[x].op_count;
    *out = (struct undo_plan){ 0 };
    t.cells = cht_arena_array(&s->arena, ops, sizeof *t.cells);
    t.things = cht_arena_array(&s->arena, ops, sizeof *t.things);
    if (t.cells == NULL || t.things == NULL)
        return CHT_E_NOMEM;
    enum cht_err err = collect(&t);
    for (uint32_t x = 0; err == CHT_OK && x < count; x++)
        err = look_before(&t, x);
    if (err == CHT_OK)
        err = plan_init(&out->plan, s, t.thing_count + 1); /* and one that who called adds */
    return err == CHT_OK ? plan_things(&t, redo) : err;
}
