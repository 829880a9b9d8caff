/* Many nodes, random links that break and come back, writes of every size, restored backups,
 * damaged frames: in the end all are equal, no honest peer was blamed, nothing went past the credit
 * (PROTOCOL 8). */
#include "tests/support/toy_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SCENARIOS 60u

static struct toy_net net;

static uint32_t below(uint32_t n)
{
    return seeded_below(&net.random, n);
}

/* A line, a star, a ring, a full mesh, or a line with some more links. */
static void join_some(size_t nodes)
{
    uint32_t shape = below(5);
    for (size_t i = 1; i < nodes; i++) {
        size_t other = shape == 1 ? 0 : i - 1;
        if (below(2) == 0)
            toy_net_join(&net, i, other);
        else
            toy_net_join(&net, other, i);
        for (size_t k = 0; shape == 3 && k + 1 < i; k++)
            toy_net_join(&net, i, k);
    }
    if (shape == 2 && nodes > 2)
        toy_net_join(&net, 0, nodes - 1);
    for (uint32_t i = below(3); shape == 4 && nodes > 2 && i > 0; i--) {
        size_t a = below((uint32_t)nodes), b = below((uint32_t)nodes);
        if (a != b)
            toy_net_join(&net, a, b);
    }
}

/* A node comes back from an older copy of itself, with a new epoch, its links down meanwhile. */
static void restore(size_t node, struct toy_replica *backup)
{
    struct toy_node *n = &net.nodes[node];
    for (size_t i = 0; i < net.link_count; i++) {
        if (net.links[i].side[0].node == node || net.links[i].side[1].node == node)
            toy_net_cut(&net, i);
    }
    toy_replica_clear(&n->replica);
    toy_replica_init(&n->replica, &net.world, (uint8_t)(node + 1));
    toy_copy(&n->replica, backup);
    seeded_fill(&net.random, n->replica.epoch, sizeof n->replica.epoch);
}

static void one_step(struct toy_replica *backup, size_t backup_of)
{
    size_t node = below((uint32_t)net.node_count);
    size_t link = below((uint32_t)net.link_count);
    switch (below(12)) {
    case 0:
        toy_net_cut(&net, link);
        break;
    case 1:
    case 2:
        toy_net_mend(&net, link);
        break;
    case 3:
        toy_record_add(&net.nodes[node].replica, (uint32_t)seeded_next(&net.random), below(2000));
        toy_net_changed(&net, node);
        break;
    case 4:
        toy_net_commit(&net, node, 1 + below(12), below(20000));
        break;
    case 5:
        for (uint32_t i = below(30); i > 0; i--)
            toy_net_commit(&net, node, 1 + below(3), below(500));
        break;
    case 6:
        if (backup->held_count == 0 && backup_of == node)
            toy_copy(backup, &net.nodes[node].replica);
        else if (backup->held_count > 0 && below(4) == 0)
            restore(backup_of, backup);
        break;
    default:
        toy_net_commit(&net, node, 1 + below(4), below(300));
        break;
    }
    toy_net_run(&net, below(3) == 0 ? below(2000) : below(30));
}

static void mend_all(void)
{
    for (size_t i = 0; i < net.link_count; i++) {
        if (!net.links[i].up)
            toy_net_mend(&net, i);
    }
}

static void one_scenario(struct seeded random, unsigned number)
{
    struct toy_replica backup;
    size_t nodes = 2 + seeded_below(&random, 6);
    toy_net_init(&net, nodes, random);
    net.delay_ms_max = 1 + below(150);
    size_t backup_of = below((uint32_t)nodes);
    toy_replica_init(&backup, &net.world, (uint8_t)(backup_of + 1));
    join_some(nodes);
    for (uint32_t steps = 20 + below(60); steps > 0; steps--)
        one_step(&backup, backup_of);
    bool equal = false;
    for (unsigned tries = 0; tries < 10 && !equal; tries++) {
        mend_all();
        equal = toy_net_settle(&net, 40000);
    }
    if (!equal)
        print_error("scenario %u: %zu nodes are not equal\n", number, nodes);
    assert_true(equal);
    toy_net_run(&net, NET_HEADS_CHANGE_MS + 5000);
    for (size_t i = 0; i < nodes; i++) {
        assert_int_equal(0, net.nodes[i].blamed);
        assert_int_equal(0, net.nodes[i].alarms);
    }
    for (size_t i = 0; i < net.link_count; i++) {
        for (size_t k = 0; k < 2; k++)
            assert_true(net_session_synced(net.links[i].side[k].session));
    }
    assert_int_equal(0, toy_net_stats(&net).overdrawn);
    assert_int_equal(0, toy_net_stats(&net).stalls);
    toy_replica_clear(&backup);
    toy_net_clear(&net);
}

static void whatever_breaks_and_returns_all_become_equal(void **state)
{
    (void)state;
    struct seeded seeds = seeded_start(20260401);
    for (unsigned i = 0; i < SCENARIOS; i++)
        one_scenario((struct seeded){ .state = seeded_next(&seeds) | 1 }, i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_breaks_and_returns_all_become_equal),
    };
    return cmocka_run_group_tests_name("session_random", tests, NULL, NULL);
}
