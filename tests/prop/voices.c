/* See voices.h (PROTOCOL 2.3, 4.4). */
#include "tests/prop/voices.h"

#include "tests/prop/same.h"
#include "tests/prop/sync.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

struct voices v;

int voices_setup(void **state)
{
    (void)state;
    space_make(&v.space, 7);
    home_make(&v.a, "a.db", &v.space, HISTORY_DEVICES_MAX, &v.space.devices[1], 1);
    home_make(&v.b, "b.db", &v.space, HISTORY_DEVICES_MAX, &v.space.devices[2], 2);
    home_make(&v.c, "c.db", &v.space, HISTORY_DEVICES_MAX, &v.space.devices[3], 3);
    return 0;
}

int voices_teardown(void **state)
{
    struct home *homes[] = { &v.a, &v.b, &v.c, &v.twin };
    (void)state;
    for (size_t i = 0; i < sizeof homes / sizeof homes[0]; i++)
        home_close(homes[i]);
    for (size_t i = 0; i < VOICES_MANY; i++)
        home_close(&v.many[i]);
    space_clear(&v.space);
    return 0;
}

void write_some(struct node_replica *r, uint32_t count)
{
    const struct crdt_field *f = crdt_field_named(CRDT_TODO, cht_bytes_str("content"));
    struct node_write *writes = calloc(count, sizeof *writes);
    struct crdt_op op = { .kind = CRDT_OP_PUT,
                          .field = f->number,
                          .value = cht_bytes_str("\xa5"
                                                 "hello") };
    assert_non_null(writes);
    for (uint32_t i = 0; i < count; i++) {
        writes[i] = (struct node_write){ .id.type = CRDT_TODO, .ops = &op, .count = 1 };
        cht_put_u64(writes[i].id.b, ++v.stamps);
        writes[i].id.b[15] = (uint8_t)getpid();
    }
    assert_int_equal(CHT_OK, node_replica_write(r, writes, count, NULL, HOME_NOW_MS + ++v.stamps));
    assert_int_equal(CHT_OK, node_replica_commit(r, true));
    free(writes);
}

void sync_both(struct home *x, struct home *y)
{
    for (int i = 0; i < 3; i++) {
        (void)sync_from(x, y, LIMIT_RANGE_BYTES, UINT32_MAX);
        (void)sync_from(y, x, LIMIT_RANGE_BYTES, UINT32_MAX);
    }
}

size_t forks_of(const struct home *home)
{
    size_t count;
    (void)node_replica_forks(home->r, &count);
    return count;
}

const struct node_fork *only_fork(const struct home *home)
{
    assert_int_equal(1, forks_of(home));
    size_t count;
    return node_replica_forks(home->r, &count);
}

void assert_proves(const struct node_fork *fork, uint32_t seq)
{
    struct cht_arena arena;
    struct net_fork read;
    cht_arena_init(&arena, SIZE_MAX);
    assert_int_equal(CHT_OK, net_fork_decode(fork->proof, &arena, &read));
    assert_int_equal(CHT_OK, net_fork_verify(&read));
    assert_int_equal(seq, read.seq);
    assert_int_equal(seq, fork->seq);
    assert_memory_equal(v.space.devices[1].device, read.device, CRDT_ID_BYTES);
    assert_memory_equal(fork->id.epoch, read.epoch, CRDT_EPOCH_BYTES);
    cht_arena_clear(&arena);
}

void assert_same_state(const struct home *x, const struct home *y)
{
    struct crdt_root one = node_replica_root(x->r), other = node_replica_root(y->r);
    assert_true(crdt_root_eq(&one, &other));
    assert_int_equal(node_replica_count(x->r).entries, node_replica_count(y->r).entries);
    assert_int_equal(0, node_replica_count(x->r).waiting);
    assert_int_equal(0, node_replica_count(y->r).waiting);
}

uint32_t tips_of(const struct home *home)
{
    const struct crdt_graph *g = node_replica_graph(home->r);
    struct crdt_place none[1];
    uint32_t count;
    assert_int_equal(CHT_OK, crdt_graph_tips(g, &g->applied,
                                             crdt_graph_find_device(g, v.space.devices[1].device),
                                             none, 0, &count));
    return count;
}
