/* Names by number, asked of an old entry when its path has gone on (PROTOCOL 2.5). */
#include "crdt/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct crdt_graph g;

static enum cht_err no_hash(void *ctx, struct crdt_place at, struct crdt_hash *out)
{
    (void)ctx;
    (void)at;
    (void)out;
    return CHT_E_NOTFOUND;
}

static enum cht_err no_past(void *ctx, struct crdt_place at, struct crdt_vector *out)
{
    (void)ctx;
    (void)at;
    (void)out;
    return CHT_E_NOTFOUND;
}

/* Devices 0, 1 and 2 with a chain each of the same number. */
static int setup(void **state)
{
    (void)state;
    crdt_graph_init(&g, (struct crdt_graph_source){ .hash_at = no_hash, .past_at = no_past });
    for (uint8_t d = 0; d < 3; d++) {
        uint8_t id[CRDT_ID_BYTES] = { [0] = (uint8_t)(d + 1) };
        uint32_t device, chain;
        assert_int_equal(CHT_OK, crdt_graph_device(&g, id, &device));
        assert_int_equal(CHT_OK, crdt_graph_open_chain(&g, device, CRDT_NO_CHAIN, 0, &chain));
        assert_int_equal(d, chain);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    crdt_graph_clear(&g);
    return 0;
}

/* The next entry of a chain, which depends on the tip of chain `on`; its past. */
static struct crdt_vector write_entry(uint32_t chain, uint32_t on)
{
    struct crdt_graph_tip tip = { .seq = g.chains[chain].stored.seq + 1 };
    struct crdt_header h = { .seq = tip.seq };
    struct crdt_dep dep = { .seq = on == CRDT_NO_CHAIN ? 0 : g.chains[on].stored.seq };
    struct crdt_vector copy = { 0 };
    const struct crdt_vector *past;
    tip.hash.b[0] = (uint8_t)(16 * chain + tip.seq);
    tip.epoch[0] = (uint8_t)(chain + 1);
    if (on != CRDT_NO_CHAIN) {
        memcpy(dep.device, crdt_graph_device_id(&g, on), CRDT_ID_BYTES);
        memcpy(dep.epoch, g.chains[on].stored.epoch, CRDT_EPOCH_BYTES);
        memcpy(dep.hash, g.chains[on].stored.hash.b, CRDT_DEP_HASH_BYTES);
        h.deps = &dep;
        h.dep_count = 1;
    }
    assert_int_equal(CHT_OK, crdt_graph_stored(&g, chain, tip.seq, &tip));
    assert_int_equal(CHT_OK, crdt_graph_begin(&g, chain, &h, &past, NULL));
    assert_int_equal(CHT_OK, crdt_vector_copy(&copy, past));
    assert_int_equal(CHT_OK, crdt_graph_commit(&g, chain, &tip));
    return copy;
}

static void a_number_that_a_later_entry_gave_names_nothing_in_an_earlier_one(void **state)
{
    (void)state;
    struct crdt_place at;
    struct crdt_vector third = write_entry(2, CRDT_NO_CHAIN);
    struct crdt_vector second = write_entry(1, 2);
    struct crdt_vector early =
        write_entry(0, 1); /* has device 2 in its past, and no number for it */
    assert_true(crdt_vector_has(&early, 2, 1));
    assert_int_equal(CHT_OK, crdt_graph_resolve(&g, 0, &early, 1, 1, &at));
    assert_int_equal(1, at.chain);
    assert_int_equal(CHT_E_NOTFOUND, crdt_graph_resolve(&g, 0, &early, 2, 1, &at));
    struct crdt_vector more = write_entry(2, CRDT_NO_CHAIN);
    struct crdt_vector late = write_entry(0, 2); /* mentions it */
    assert_int_equal(CHT_OK, crdt_graph_resolve(&g, 0, &late, 2, 1, &at));
    assert_int_equal(2, at.chain);
    assert_int_equal(CHT_E_NOTFOUND, crdt_graph_resolve(&g, 0, &early, 2, 1, &at));
    assert_int_equal(CHT_OK, crdt_graph_resolve(&g, 0, &early, 1, 1, &at));
    struct crdt_vector *all[] = { &third, &second, &early, &more, &late };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        crdt_vector_clear(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_number_that_a_later_entry_gave_names_nothing_in_an_earlier_one, setup, teardown),
    };
    return cmocka_run_group_tests_name("graph_names", tests, NULL, NULL);
}
