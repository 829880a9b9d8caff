/* A device with a valid key that branches its chain without end, as no honest node does, takes
 * nothing from the others (PROTOCOL 2.3, 8.7). */
#include "crdt/range.h"
#include "tests/prop/same.h"
#include "tests/prop/voices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

/* Where device 1 goes on. */
struct path {
    struct crdt_before before;
    bool heads; /* named on it */
};

static struct path start(void)
{
    struct path p = { .before.seq = 0 };
    memcpy(p.before.space, v.space.id, CRDT_ID_BYTES);
    memcpy(p.before.device, v.space.devices[1].device, CRDT_ID_BYTES);
    return p;
}

/* Entries without an entity, each in an epoch of its own, the first behind `deps`; under one head.
 * The path goes on behind them. What the replica says. */
static enum node_receipt speak(struct home *to, struct path *p, uint32_t count,
                               const struct crdt_dep *deps, uint32_t dep_count)
{
    static const uint8_t body[] = { 0x90 };
    static struct crdt_entry entries[LIMIT_HEAD_ENTRIES];
    struct crdt_range range = { .seq = p->before.seq + 1, .count = count };
    struct cht_arena arena;
    struct cht_buf payload;
    enum node_receipt receipt;
    cht_arena_init(&arena, SIZE_MAX);
    cht_buf_init(&payload, LIMIT_RANGE_BYTES);
    const struct crdt_before before = p->before;
    memcpy(range.device_tag, before.device, sizeof range.device_tag);
    memcpy(range.prev_tag, before.hash.b, sizeof range.prev_tag);
    for (uint32_t i = 0; i < count; i++) {
        struct crdt_header h = { .seq = p->before.seq + 1,
                                 .prev = p->before.hash,
                                 .hlc = crdt_hlc_make(HOME_NOW_MS, 0) + ++v.stamps,
                                 .txn_count = 1,
                                 .body_len = sizeof body,
                                 .body_hash = crdt_hash_of(cht_bytes(body, sizeof body)),
                                 .dep_count = i == 0 ? dep_count : 0,
                                 .deps = deps,
                                 .head_count = p->heads ? 0 : v.space.head_count,
                                 .heads = v.space.heads };
        struct cht_buf bytes;
        memcpy(h.space, v.space.id, sizeof h.space);
        memcpy(h.device, before.device, sizeof h.device);
        cht_put_u64(h.epoch, v.stamps);
        cht_buf_init(&bytes, LIMIT_HEADER_BYTES);
        assert_int_equal(CHT_OK, crdt_header_encode(&h, &bytes));
        entries[i] = (struct crdt_entry){ .header = h, .body = cht_bytes(body, sizeof body) };
        assert_int_equal(CHT_OK,
                         cht_arena_copy(&arena, cht_buf_view(&bytes), &entries[i].header_bytes));
        cht_buf_clear(&bytes);
        entries[i].hash = crdt_hash_of(entries[i].header_bytes);
        p->before.seq = h.seq;
        p->before.hash = entries[i].hash;
        p->before.hlc = h.hlc;
        memcpy(p->before.epoch, h.epoch, CRDT_EPOCH_BYTES);
        p->heads = true;
    }
    assert_int_equal(CHT_OK, crdt_range_encode(&before, entries, count, &payload, &range.codec));
    range.payload = cht_buf_view(&payload);
    net_identity_sign(&v.space.devices[1], NET_CONTEXT_HEAD,
                      cht_bytes(p->before.hash.b, CRDT_HASH_BYTES), range.head);
    assert_int_equal(CHT_OK, node_replica_receive(to->r, &range, HOME_NOW_MS, &receipt));
    cht_buf_clear(&payload);
    cht_arena_clear(&arena);
    return receipt;
}

static struct crdt_dep dep_on(const struct path *p)
{
    struct crdt_dep dep = { .seq = p->before.seq };
    memcpy(dep.device, p->before.device, CRDT_ID_BYTES);
    memcpy(dep.epoch, p->before.epoch, CRDT_EPOCH_BYTES);
    memcpy(dep.hash, p->before.hash.b, CRDT_DEP_HASH_BYTES);
    return dep;
}

static int by_dep(const void *a, const void *b)
{
    return crdt_dep_cmp(a, b);
}

static void paths_that_branch_and_join_again_leave_room_for_others(void **state)
{
    (void)state;
    struct path trunk = start();
    uint32_t stopped = 0;
    assert_int_equal(NODE_STORED, speak(&v.b, &trunk, 1, NULL, 0));
    for (uint32_t round = 0; round < LIMIT_CHAINS / 7 + 1 && stopped == 0; round++) {
        struct crdt_dep deps[7];
        for (uint32_t i = 0; i < 7; i++) { /* with the trunk eight are open */
            struct path branch = trunk;
            enum node_receipt receipt = speak(&v.b, &branch, 1, NULL, 0);
            stopped += receipt == NODE_STOPPED;
            deps[i] = dep_on(&branch);
        }
        qsort(deps, 7, sizeof deps[0], by_dep);
        enum node_receipt receipt = speak(&v.b, &trunk, 1, deps, 7);
        assert_true(receipt == NODE_STORED || receipt == NODE_STOPPED);
        if (round % 64 == 0)
            home_turn(&v.b, false);
    }
    home_turn(&v.b, true);
    assert_int_equal(LIMIT_DEVICE_PATHS, node_replica_count(v.b.r).chains);
    write_some(v.b.r, 1); /* its first entry opens a path */
    home_turn(&v.b, true);
    verify_whole(v.b.r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VOICES(paths_that_branch_and_join_again_leave_room_for_others),
    };
    if (sodium_init() < 0)
        return 1;
    home_folder();
    int failed = cmocka_run_group_tests_name("prop_endless", tests, NULL, NULL);
    home_folder_remove();
    return failed;
}
