/* The reference model under random histories: what it says is a function of the entries it holds,
 * not of the order, the batches or the repetitions in which they came (PROTOCOL 5.1).
 *
 * CHITTY_SEED repeats a run, CHITTY_HISTORIES says how many histories it has. */
#include "crdt/model.h"
#include "tests/support/history.h"
#include "tests/support/seeded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HISTORIES_USUAL 12u
#define ENTRIES         160u
#define ORDERS          4u

/* What came out of the histories, over a whole run. */
struct outcome {
    uint32_t entries, applied, waiting;
    uint32_t cells, several, conflicts;
    uint32_t entities, hidden, contested;
    uint32_t steps, duplicates, gaps;
};

static uint64_t seed_of_run;

static uint32_t histories(void)
{
    const char *env = getenv("CHITTY_HISTORIES");
    return env != NULL ? (uint32_t)strtoul(env, NULL, 0) : HISTORIES_USUAL;
}

static void make(struct history *h, uint32_t number)
{
    static const struct history_space space = { .id = { 1 } };
    history_make(h, seed_of_run * 1000003 + number, ENTRIES, &space);
}

/* Feed the model; it settles after each batch or only at the end. */
static void feed(struct crdt_model *m, const struct history *h, const struct history_order *o,
                 bool settle_often)
{
    uint32_t batch = 0;
    for (uint32_t i = 0; i < o->count; i++) {
        const struct history_entry *e = &h->entries[o->steps[i]];
        assert_int_equal(CHT_OK, crdt_model_add(m, e->header, e->body));
        if (i + 1 != o->batches[batch])
            continue;
        batch++;
        if (settle_often && batch % 8 == 0)
            assert_int_equal(CHT_OK, crdt_model_settle(m));
    }
    assert_int_equal(o->batch_count, batch);
    assert_int_equal(CHT_OK, crdt_model_settle(m));
}

static void same_values(const struct crdt_model *a, const struct crdt_model *b,
                        const struct crdt_model_cell *x, const struct crdt_model_cell *y)
{
    assert_int_equal(x->count, y->count);
    for (uint32_t i = 0; i < x->count; i++) {
        assert_memory_equal(a->entries[x->values[i].entry].hash.b,
                            b->entries[y->values[i].entry].hash.b, CRDT_HASH_BYTES);
        assert_int_equal(x->values[i].index, y->values[i].index);
        assert_true(cht_bytes_eq(x->values[i].bytes, y->values[i].bytes));
    }
}

static void same_cells(const struct crdt_model *a, const struct crdt_model *b)
{
    assert_int_equal(a->cell_count, b->cell_count);
    for (uint32_t i = 0; i < a->cell_count; i++) {
        const struct crdt_model_cell *x = &a->cells[i], *y = &b->cells[i];
        assert_true(crdt_id_eq(&x->entity, &y->entity));
        assert_int_equal(x->field, y->field);
        assert_true(cht_bytes_eq(x->key, y->key));
        same_values(a, b, x, y);
        assert_true(cht_bytes_eq(x->values[x->shown].bytes, y->values[y->shown].bytes));
        assert_int_equal(x->conflict, y->conflict);
        assert_int_equal(crdt_model_hidden(a, &x->entity), crdt_model_hidden(b, &y->entity));
        assert_int_equal(crdt_model_contested(a, &x->entity), crdt_model_contested(b, &y->entity));
    }
}

static void same_entries(const struct crdt_model *a, const struct crdt_model *b)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->applied, b->applied);
    assert_int_equal(a->waiting, b->waiting);
    for (uint32_t i = 0; i < a->count; i++) {
        const struct crdt_model_entry *x = &a->entries[i];
        uint32_t found = crdt_model_find(b, &x->hash);
        assert_int_not_equal(CRDT_MODEL_NONE, found);
        const struct crdt_model_entry *y = &b->entries[found];
        assert_int_equal(x->applied, y->applied);
        if (!x->applied)
            continue;
        assert_int_equal(x->resolved, y->resolved);
        for (uint32_t k = 0; k < x->op_count; k++)
            assert_int_equal(x->voids[k], y->voids[k]);
    }
}

static void same_model(const struct crdt_model *a, const struct crdt_model *b)
{
    same_entries(a, b);
    same_cells(a, b);
    assert_memory_equal(a->root, b->root, sizeof a->root);
}

static void any_order_gives_the_same_state(void **state)
{
    struct outcome *out = *state;
    for (uint32_t n = 0; n < histories(); n++) {
        struct history h;
        struct crdt_model first, other;
        struct history_order order;
        make(&h, n);
        history_order(&h, seed_of_run, 0, HISTORY_CAUSAL, &order);
        assert_int_equal(h.count, order.count);
        assert_int_equal(0, order.gaps);
        crdt_model_init(&first);
        feed(&first, &h, &order, false);
        history_order_clear(&order);
        for (uint32_t i = 0; i < ORDERS; i++) {
            history_order(&h, seed_of_run + 1 + i, 0,
                          HISTORY_DUPLICATES | (i % 2 == 0 ? 0 : HISTORY_CAUSAL), &order);
            crdt_model_init(&other);
            feed(&other, &h, &order, i == 0);
            same_model(&first, &other);
            out->steps += order.count;
            out->duplicates += order.duplicates;
            out->gaps += order.gaps;
            crdt_model_clear(&other);
            history_order_clear(&order);
        }
        crdt_model_clear(&first);
        history_clear(&h);
    }
}

static void what_waits_is_taken_up_when_the_rest_comes(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < histories(); n++) {
        struct history h;
        struct crdt_model part, other;
        struct history_order order;
        make(&h, n);
        crdt_model_init(&part);
        crdt_model_init(&other);
        history_order(&h, seed_of_run, n + 1, HISTORY_CAUSAL, &order);
        assert_true(order.count < h.count);
        feed(&part, &h, &order, false);
        history_order_clear(&order);
        history_order(&h, seed_of_run + 7, n + 1, HISTORY_DUPLICATES, &order);
        feed(&other, &h, &order, true);
        history_order_clear(&order);
        same_model(&part, &other);
        history_order(&h, seed_of_run + 9, 0, 0, &order);
        feed(&part, &h, &order, false);
        crdt_model_clear(&other);
        crdt_model_init(&other);
        feed(&other, &h, &order, false);
        history_order_clear(&order);
        same_model(&part, &other);
        crdt_model_clear(&part);
        crdt_model_clear(&other);
        history_clear(&h);
    }
}

static void count_outcome(const struct crdt_model *m, struct outcome *out)
{
    out->entries += m->count;
    out->applied += m->applied;
    out->waiting += m->waiting;
    for (uint32_t i = 0; i < m->cell_count; i++) {
        const struct crdt_model_cell *c = &m->cells[i];
        out->cells++;
        out->several += c->count > 1;
        out->conflicts += c->conflict;
        if (i != 0 && crdt_id_eq(&c->entity, &m->cells[i - 1].entity))
            continue;
        out->entities++;
        out->hidden += crdt_model_hidden(m, &c->entity);
        out->contested += crdt_model_contested(m, &c->entity);
    }
}

/* The generator works out pasts, numbers and names by itself. */
static void the_model_finds_what_the_writers_meant(void **state)
{
    struct outcome *out = *state;
    for (uint32_t n = 0; n < histories(); n++) {
        struct history h;
        struct crdt_model m;
        make(&h, n);
        crdt_model_init(&m);
        for (uint32_t i = h.count; i > 0; i--)
            assert_int_equal(CHT_OK,
                             crdt_model_add(&m, h.entries[i - 1].header, h.entries[i - 1].body));
        assert_int_equal(CHT_OK, crdt_model_settle(&m));
        for (uint32_t i = 0; i < h.count; i++) {
            const struct history_entry *e = &h.entries[i];
            uint32_t at = crdt_model_find(&m, &e->hash);
            assert_int_not_equal(CRDT_MODEL_NONE, at);
            assert_int_equal(!e->waits, m.entries[at].applied);
            if (e->waits)
                continue;
            assert_int_equal(e->resolves, m.entries[at].resolved);
            assert_true(!e->resolves || crdt_id_eq(&e->entity, &m.entries[at].entity));
            for (uint32_t k = 0; k < h.count; k++)
                assert_int_equal(
                    history_in_past(&h, i, k),
                    crdt_model_in_past(&m, at, crdt_model_find(&m, &h.entries[k].hash)));
        }
        count_outcome(&m, out);
        crdt_model_clear(&m);
        history_clear(&h);
    }
}

static void report(const char *what, uint32_t count, uint32_t base)
{
    printf("# %8u  %5.1f %%  %s\n", count, 100.0 * (double)count / (double)base, what);
    assert_true((uint64_t)count * 100 >= base);
}

/* Runs last: what the others saw was worth seeing. */
static void every_class_came_in_at_least_one_case_of_a_hundred(void **state)
{
    const struct outcome *out = *state;
    uint32_t tally[HISTORY_CLASS_COUNT] = { 0 };
    for (uint32_t n = 0; n < 2 * histories(); n++) { /* to make them costs little */
        struct history h;
        make(&h, n);
        history_add_tally(tally, &h);
        history_clear(&h);
    }
    assert_int_equal(0, history_report(tally, stdout));
    report("of the entries are applied", out->applied, out->entries);
    report("of the entries wait", out->waiting, out->entries);
    report("of the cells have several values", out->several, out->cells);
    report("of the cells are in conflict", out->conflicts, out->cells);
    report("of the entities are hidden", out->hidden, out->entities);
    report("of the entities are hidden and contested", out->contested, out->entities);
    report("of the hidden ones are not contested", out->hidden - out->contested, out->hidden);
    report("of the steps repeat an entry", out->duplicates, out->steps);
    report("of the steps come before a parent", out->gaps, out->steps);
}

int main(void)
{
    struct outcome out = { 0 };
    seed_of_run = seeded_start(1).state;
    struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_gives_the_same_state),
        cmocka_unit_test(what_waits_is_taken_up_when_the_rest_comes),
        cmocka_unit_test(the_model_finds_what_the_writers_meant),
        cmocka_unit_test(every_class_came_in_at_least_one_case_of_a_hundred),
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tests[i].initial_state = &out;
    return cmocka_run_group_tests_name("model_random", tests, NULL, NULL);
}
