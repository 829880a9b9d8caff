/* Comparing a replica with the model; see same.h. */
#include "tests/prop/same.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Void ops as the replica counts them: one for an entry that is void as a whole. */
static uint64_t voids_of(const struct crdt_model_entry *e)
{
    if (!e->applied || e->h.entity.form == CRDT_REF_NONE)
        return 0;
    if (!e->resolved || e->body_void)
        return 1;
    uint64_t count = 0;
    for (uint32_t i = 0; i < e->op_count; i++)
        count += e->voids[i];
    return count;
}

static bool is_value(const struct crdt_model *m, const struct crdt_graph *g,
                     const struct crdt_model_value *want, const struct crdt_value *have)
{
    struct crdt_hash hash;
    assert_int_equal(CHT_OK, crdt_graph_hash(g, have->at, &hash));
    return want->index == have->index && cht_bytes_eq(want->bytes, have->bytes) &&
           crdt_hash_eq(&m->entries[want->entry].hash, &hash);
}

static void same_cell(const struct crdt_model *m, const struct crdt_graph *g,
                      const struct crdt_model_cell *want, const struct crdt_cell *have)
{
    unsigned type = want->entity.type;
    assert_non_null(have);
    assert_int_equal(want->count, have->count);
    for (uint32_t i = 0; i < want->count; i++) {
        bool found = false;
        for (uint32_t k = 0; k < have->count && !found; k++)
            found = is_value(m, g, &want->values[i], &have->values[k]);
        assert_true(found);
    }
    assert_true(is_value(m, g, &want->values[want->shown], crdt_cell_shown(g, type, have)));
    assert_int_equal(want->conflict, crdt_cell_conflict(type, have));
}

static void same_entity(struct node_replica *r, const struct crdt_model *m,
                        const struct crdt_id *id, const struct crdt_state *have, struct seen *seen)
{
    const struct crdt_graph *g = node_replica_graph(r);
    uint32_t count;
    const struct crdt_model_cell *cells = crdt_model_cells(m, id, &count);
    assert_true(crdt_id_eq(id, &have->id));
    assert_int_equal(count, have->count);
    for (uint32_t i = 0; i < count; i++) {
        same_cell(m, g, &cells[i], crdt_state_cell(have, cells[i].field, cells[i].key));
        seen->several += cells[i].count > 1;
        seen->conflicts += cells[i].conflict;
    }
    bool hidden = crdt_model_hidden(m, id), contested;
    assert_int_equal(hidden, crdt_state_hidden(have, g));
    assert_int_equal(CHT_OK, crdt_state_contested(have, g, &contested));
    assert_int_equal(crdt_model_contested(m, id), contested);
    seen->cells += count;
    seen->hidden += hidden;
    seen->contested += contested;
}

void same_as_model(struct node_replica *r, struct crdt_model *m, struct seen *seen)
{
    assert_int_equal(CHT_OK, crdt_model_settle(m));
    struct node_replica_counts counts = node_replica_count(r);
    uint64_t voids = 0, cells = seen->cells;
    for (uint32_t i = 0; i < m->count; i++)
        voids += voids_of(&m->entries[i]);
    assert_int_equal(m->count, counts.entries);
    assert_int_equal(m->waiting, counts.waiting);
    assert_int_equal(voids, counts.voids);
    for (uint32_t n = 0; n < node_replica_index(r)->count; n++) {
        const struct crdt_state *state;
        assert_int_equal(CHT_OK, node_replica_state(r, n, &state));
        same_entity(r, m, &node_replica_index(r)->slots[n].id, state, seen);
    }
    assert_int_equal(m->cell_count, seen->cells - cells);
    uint8_t root[CRDT_HASH_BYTES];
    struct crdt_root have = node_replica_root(r);
    crdt_root_bytes(&have, root);
    assert_memory_equal(m->root, root, sizeof root);
    seen->waiting += m->waiting;
    seen->voids += voids;
}

static void print_problem(void *ctx, const char *where, const char *what)
{
    (void)ctx;
    print_message("# verify: %s: %s\n", where, what);
}

void verify_whole(struct node_replica *r)
{
    struct node_verified v;
    struct crdt_root root = node_replica_root(r);
    assert_int_equal(CHT_OK, node_replica_verify(r, print_problem, NULL, &v));
    assert_true(v.ok);
    assert_int_equal(0, v.problems);
    assert_true(crdt_root_eq(&root, &v.root));
    assert_int_equal(node_replica_count(r).entries, v.entries);
    assert_int_equal(node_replica_count(r).chains, v.chains);
}
