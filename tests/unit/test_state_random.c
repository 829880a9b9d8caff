/* The fold that the node runs (graph, vector, state, root) against the reference model, under
 * random histories in random orders (PROTOCOL 2.4 to 2.6, 3.5, 3.6 and 5).
 *
 * The test stands in for the log: it opens chains, answers what is older than the tips, and applies
 * what can be applied. CHITTY_SEED repeats a run, CHITTY_HISTORIES says how many histories it has.
 */
#include "crdt/model.h"
#include "crdt/state.h"
#include "tests/support/history.h"
#include "tests/support/seeded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HISTORIES_USUAL 24u
#define ENTRIES         160u
#define STATES_MAX      64u

/* A replica in memory made of the node's own parts, and the model it is held against. */
struct replica {
    const struct history *h;
    const struct crdt_model *m;
    struct crdt_graph graph;
    struct crdt_place *places; /* by entry of the history; seq 0 when not stored */
    bool *applied;
    struct crdt_state states[STATES_MAX];
    size_t state_count;
    struct crdt_root root;
};

static uint32_t histories(void)
{
    const char *env = getenv("CHITTY_HISTORIES");
    return env != NULL ? (uint32_t)strtoul(env, NULL, 0) : HISTORIES_USUAL;
}

/* --- the log's part ------------------------------------------------------------------------- */

static uint32_t entry_at(const struct replica *r, struct crdt_place at)
{
    for (uint32_t i = 0; i < r->h->count; i++)
        if (r->places[i].seq == at.seq && r->places[i].chain == at.chain)
            return i;
    return HISTORY_NONE;
}

static enum cht_err hash_at(void *ctx, struct crdt_place at, struct crdt_hash *out)
{
    const struct replica *r = ctx;
    uint32_t i = entry_at(r, at);
    if (i == HISTORY_NONE)
        return CHT_E_NOTFOUND;
    *out = r->h->entries[i].hash;
    return CHT_OK;
}

static enum cht_err past_at(void *ctx, struct crdt_place at, struct crdt_vector *out)
{
    const struct replica *r = ctx;
    uint32_t of = entry_at(r, at);
    enum cht_err err = of == HISTORY_NONE ? CHT_E_NOTFOUND : CHT_OK;
    for (uint32_t i = 0; i < r->h->count && err == CHT_OK; i++)
        if (i == of || history_in_past(r->h, of, i))
            err = crdt_vector_raise(out, r->places[i].chain, r->places[i].seq);
    return err;
}

/* Store an entry whose previous is stored, at the end of a chain or on a new one. */
static void store(struct replica *r, uint32_t entry)
{
    const struct history_entry *e = &r->h->entries[entry];
    struct crdt_place prev = { CRDT_NO_CHAIN, 0 };
    uint32_t device, chain;
    if (e->prev != HISTORY_NONE)
        prev = r->places[e->prev];
    chain = prev.chain;
    if (prev.seq == 0 || r->graph.chains[chain].stored.seq != prev.seq) {
        assert_int_equal(CHT_OK, crdt_graph_device(&r->graph, e->h.device, &device));
        assert_int_equal(CHT_OK,
                         crdt_graph_open_chain(&r->graph, device, prev.chain, prev.seq, &chain));
    }
    struct crdt_graph_tip tip = { .seq = e->h.seq, .hash = e->hash, .hlc = e->h.hlc };
    memcpy(tip.epoch, e->h.epoch, sizeof tip.epoch);
    assert_int_equal(CHT_OK, crdt_graph_stored(&r->graph, chain, e->h.seq, &tip));
    r->places[entry] = (struct crdt_place){ chain, e->h.seq };
}

/* --- applying ------------------------------------------------------------------------------- */

static struct crdt_state *state_of(struct replica *r, const struct crdt_id *id)
{
    for (size_t i = 0; i < r->state_count; i++)
        if (crdt_id_eq(&r->states[i].id, id))
            return &r->states[i];
    assert_true(r->state_count < STATES_MAX);
    crdt_state_init(&r->states[r->state_count], id);
    return &r->states[r->state_count++];
}

static void fold(struct replica *r, const struct history_entry *e, const struct crdt_change *change,
                 const struct crdt_op *ops, uint32_t count)
{
    struct crdt_state *s = state_of(r, &e->entity);
    for (uint32_t i = 0; i < count; i++)
        if (crdt_op_check(e->entity.type, &ops[i]) == CHT_OK)
            assert_int_equal(
                CHT_OK, crdt_state_apply(s, &r->graph, change, &ops[i], (uint16_t)i, &r->root));
}

/* A name by number must mean to the graph what it means to the model. */
static void same_name(struct replica *r, const struct crdt_change *change,
                      const struct history_entry *e, const struct crdt_ref *ref)
{
    struct crdt_place at;
    if (ref->form != CRDT_REF_NAMED)
        return;
    uint32_t want = crdt_model_resolve(r->m, crdt_model_find(r->m, &e->hash), &ref->name);
    enum cht_err err = crdt_graph_resolve(&r->graph, change->at.chain, change->past,
                                          ref->name.number, ref->name.seq, &at);
    assert_int_equal(want == CRDT_MODEL_NONE ? CHT_E_NOTFOUND : CHT_OK, err);
    if (err == CHT_OK)
        assert_memory_equal(r->m->entries[want].hash.b, r->h->entries[entry_at(r, at)].hash.b,
                            CRDT_HASH_BYTES);
}

static void same_names(struct replica *r, const struct crdt_change *change,
                       const struct history_entry *e)
{
    same_name(r, change, e, &e->h.entity);
    same_name(r, change, e, &e->h.actor);
}

/* Apply an entry if it can be; what its header means is taken from the history. */
static bool apply(struct replica *r, uint32_t entry)
{
    const struct history_entry *e = &r->h->entries[entry];
    struct crdt_place at = r->places[entry];
    if (at.seq == 0 || r->graph.chains[at.chain].applied.seq + 1 != at.seq)
        return false;
    struct cht_arena arena;
    struct crdt_op *ops = NULL;
    uint32_t count = 0;
    const struct crdt_vector *past;
    cht_arena_init(&arena, SIZE_MAX);
    bool known = crdt_body_decode(e->body, &arena, &ops, &count) != CHT_E_UNSUPPORTED;
    enum cht_err err = CHT_E_WAITING;
    if (known)
        err = crdt_graph_begin(&r->graph, at.chain, &e->h, &past, NULL);
    if (err == CHT_OK) {
        struct crdt_change change = { .at = at, .hlc = e->h.hlc, .past = past };
        struct crdt_graph_tip tip = { .seq = e->h.seq, .hash = e->hash, .hlc = e->h.hlc };
        memcpy(tip.epoch, e->h.epoch, sizeof tip.epoch);
        same_names(r, &change, e);
        if (e->resolves)
            fold(r, e, &change, ops, count);
        assert_int_equal(CHT_OK, crdt_graph_commit(&r->graph, at.chain, &tip));
        r->applied[entry] = true;
    } else {
        assert_int_equal(CHT_E_WAITING, err);
    }
    cht_arena_clear(&arena);
    return err == CHT_OK;
}

/* Store and apply what arrived, until nothing moves. */
static void settle(struct replica *r, const bool *arrived)
{
    bool moved = true;
    while (moved) {
        moved = false;
        for (uint32_t i = 0; i < r->h->count; i++) {
            uint32_t prev = r->h->entries[i].prev;
            if (!arrived[i])
                continue;
            if (r->places[i].seq == 0 && (prev == HISTORY_NONE || r->places[prev].seq != 0)) {
                store(r, i);
                moved = true;
            }
            moved = apply(r, i) || moved;
        }
    }
}

static void run(struct replica *r, const struct history *h, const struct crdt_model *m,
                const struct history_order *o)
{
    bool *arrived = calloc(h->count, sizeof *arrived);
    *r = (struct replica){ .h = h, .m = m };
    r->places = calloc(h->count, sizeof *r->places);
    r->applied = calloc(h->count, sizeof *r->applied);
    assert_true(arrived != NULL && r->places != NULL && r->applied != NULL);
    crdt_graph_init(&r->graph, (struct crdt_graph_source){ r, hash_at, past_at });
    for (uint32_t i = 0, batch = 0; i < o->count; i++) {
        arrived[o->steps[i]] = true;
        if (i + 1 == o->batches[batch]) {
            settle(r, arrived);
            batch++;
        }
    }
    free(arrived);
}

static void clear(struct replica *r)
{
    for (size_t i = 0; i < r->state_count; i++)
        crdt_state_clear(&r->states[i]);
    crdt_graph_clear(&r->graph);
    free(r->places);
    free(r->applied);
}

/* --- comparing ------------------------------------------------------------------------------ */

static void same_cell(struct replica *r, const struct crdt_model_cell *want,
                      const struct crdt_cell *got)
{
    assert_int_equal(want->count, got->count);
    for (uint32_t i = 0; i < want->count; i++) {
        const struct crdt_model_value *v = &want->values[i];
        const struct crdt_hash *hash = &r->m->entries[v->entry].hash;
        bool found = false;
        for (uint32_t k = 0; k < got->count; k++)
            found =
                found ||
                (got->values[k].index == v->index && cht_bytes_eq(got->values[k].bytes, v->bytes) &&
                 crdt_hash_eq(hash, &r->h->entries[entry_at(r, got->values[k].at)].hash));
        assert_true(found);
    }
    const struct crdt_value *shown = crdt_cell_shown(&r->graph, want->entity.type, got);
    assert_true(cht_bytes_eq(want->values[want->shown].bytes, shown->bytes));
    assert_int_equal(want->conflict, crdt_cell_conflict(want->entity.type, got));
}

static void same_state(struct replica *r)
{
    const struct crdt_model *m = r->m;
    uint8_t root[CRDT_HASH_BYTES];
    uint32_t cells = 0;
    for (uint32_t i = 0; i < r->h->count; i++)
        assert_int_equal(m->entries[crdt_model_find(m, &r->h->entries[i].hash)].applied,
                         r->applied[i]);
    for (uint32_t i = 0; i < m->cell_count; i++) {
        const struct crdt_model_cell *want = &m->cells[i];
        const struct crdt_cell *got =
            crdt_state_cell(state_of(r, &want->entity), want->field, want->key);
        assert_non_null(got);
        same_cell(r, want, got);
    }
    for (size_t i = 0; i < r->state_count; i++) {
        bool contested;
        const struct crdt_id *id = &r->states[i].id;
        cells += r->states[i].count;
        assert_int_equal(crdt_model_hidden(m, id), crdt_state_hidden(&r->states[i], &r->graph));
        assert_int_equal(CHT_OK, crdt_state_contested(&r->states[i], &r->graph, &contested));
        assert_int_equal(crdt_model_contested(m, id), contested);
    }
    assert_int_equal(m->cell_count, cells);
    crdt_root_bytes(&r->root, root);
    assert_memory_equal(m->root, root, sizeof root);
}

static void the_fold_says_what_the_model_says(void **state)
{
    static const struct history_space space = { .id = { 1 } };
    struct seeded random = *(struct seeded *)*state;
    uint32_t gaps = 0;
    for (uint32_t n = 0; n < histories(); n++) {
        struct history h;
        struct crdt_model m;
        history_make(&h, seeded_next(&random), ENTRIES, &space);
        crdt_model_init(&m);
        for (uint32_t i = 0; i < h.count; i++)
            assert_int_equal(CHT_OK, crdt_model_add(&m, h.entries[i].header, h.entries[i].body));
        assert_int_equal(CHT_OK, crdt_model_settle(&m));
        for (unsigned flags = 0; flags < 4; flags++) {
            struct replica r;
            struct history_order order;
            history_order(&h, seeded_next(&random), 0, flags, &order);
            run(&r, &h, &m, &order);
            same_state(&r);
            gaps += order.gaps;
            clear(&r);
            history_order_clear(&order);
        }
        crdt_model_clear(&m);
        history_clear(&h);
    }
    assert_true(histories() == 0 || gaps != 0);
}

int main(void)
{
    struct seeded random = seeded_start(1);
    struct CMUnitTest tests[] = { cmocka_unit_test(the_fold_says_what_the_model_says) };
    tests[0].initial_state = &random;
    return cmocka_run_group_tests_name("state_random", tests, NULL, NULL);
}
