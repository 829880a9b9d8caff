/* A session without frames; see sync.h (PROTOCOL 8). */
#include "tests/prop/sync.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct sync {
    struct home *to;
    struct net_view theirs, ours;
    struct cht_arena arena;
    size_t budget;
    uint32_t runs_left;
    bool may_stop;
};

static void take_records(struct sync *s)
{
    const struct cht_bytes *records;
    size_t count;
    uint32_t head_count;
    const struct crdt_hash *heads = net_members_heads(node_replica_members(s->to->r), &head_count);
    assert_int_equal(CHT_OK, s->theirs.ops->records(s->theirs.ctx, heads, head_count, SIZE_MAX,
                                                    &s->arena, &records, &count));
    for (size_t i = 0; i < count; i++)
        assert_int_equal(CHT_OK, node_replica_add_record(s->to->r, records[i]));
}

/* The range as it comes out of a frame. */
static struct crdt_range travelled(struct sync *s, const struct crdt_range *range)
{
    struct cht_buf frame;
    struct cht_bytes bytes;
    struct crdt_range out;
    cht_buf_init(&frame, LIMIT_FRAME_BYTES);
    assert_int_equal(CHT_OK, crdt_range_write(range, &frame));
    assert_int_equal(CHT_OK, cht_arena_copy(&s->arena, cht_buf_view(&frame), &bytes));
    cht_buf_clear(&frame);
    struct cht_wire w = cht_wire(bytes);
    assert_int_equal(CHT_OK, crdt_range_read(&w, &out));
    return out;
}

/* The highest entry on the path of `tip` that is held here (a MISS). */
static void meet(struct sync *s, const struct crdt_dep *tip, uint32_t *out_seq,
                 uint8_t out_hash[CRDT_DEP_HASH_BYTES])
{
    uint32_t low = 0, high = tip->seq; /* held at low, not at high */
    memset(out_hash, 0, CRDT_DEP_HASH_BYTES);
    while (high - low > 1) {
        struct crdt_dep at;
        uint32_t mid = low + (high - low) / 2;
        assert_int_equal(CHT_OK, s->theirs.ops->at(s->theirs.ctx, tip, mid, &at));
        if (!s->ours.ops->has(s->ours.ctx, &at)) {
            high = mid;
            continue;
        }
        low = mid;
        memcpy(out_hash, at.hash, CRDT_DEP_HASH_BYTES);
    }
    *out_seq = low;
}

/* False: too much waits on this path already. */
static bool take_run(struct sync *s, const struct net_run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        struct crdt_range range = travelled(s, &run->ranges[i]);
        enum node_receipt receipt;
        assert_int_equal(CHT_OK, node_replica_receive(s->to->r, &range, HOME_NOW_MS, &receipt));
        if (receipt == NODE_STOPPED && s->may_stop)
            return false;
        assert_true(receipt == NODE_STORED || receipt == NODE_KNOWN);
    }
    return true;
}

static void take_tip(struct sync *s, const struct crdt_dep *tip)
{
    uint32_t seq;
    uint8_t hash[CRDT_DEP_HASH_BYTES];
    struct net_run run = { .complete = false };
    enum cht_err err = s->ours.ops->base(s->ours.ctx, tip, &seq, hash);
    if (err == CHT_E_BUSY && s->may_stop)
        return;
    assert_int_equal(CHT_OK, err);
    while (!run.complete && s->runs_left != 0) {
        err = s->theirs.ops->read(s->theirs.ctx, tip, seq + 1, hash, s->budget, &s->arena, &run);
        if (err == CHT_E_CONFLICT) {
            meet(s, tip, &seq, hash);
            err =
                s->theirs.ops->read(s->theirs.ctx, tip, seq + 1, hash, s->budget, &s->arena, &run);
        }
        assert_int_equal(CHT_OK, err);
        s->runs_left--;
        if (run.count == 0) { /* the next range is larger than that */
            s->budget = LIMIT_RANGE_BYTES;
            continue;
        }
        if (!take_run(s, &run))
            return;
        seq = run.last_seq;
        memcpy(hash, run.last_hash, sizeof hash);
    }
}

static uint64_t sync_all(struct home *to, struct home *from, size_t budget, uint32_t runs_max,
                         bool may_stop)
{
    struct sync s = { .to = to,
                      .theirs = node_replica_view(from->r),
                      .ours = node_replica_view(to->r),
                      .budget = budget,
                      .runs_left = runs_max,
                      .may_stop = may_stop };
    struct net_heads heads;
    uint64_t before = node_replica_count(to->r).entries;
    cht_arena_init(&s.arena, SIZE_MAX);
    assert_int_equal(CHT_OK, s.theirs.ops->heads(s.theirs.ctx, &s.arena, &heads));
    take_records(&s);
    for (size_t i = 0; i < heads.stored_count; i++) {
        assert_true(s.theirs.ops->has(s.theirs.ctx, &heads.stored[i]));
        if (!s.ours.ops->has(s.ours.ctx, &heads.stored[i]))
            take_tip(&s, &heads.stored[i]);
    }
    cht_arena_clear(&s.arena);
    home_turn(to, seeded_below(&to->random, 2) == 0);
    return node_replica_count(to->r).entries - before;
}

uint64_t sync_from(struct home *to, struct home *from, size_t budget, uint32_t runs_max)
{
    return sync_all(to, from, budget, runs_max, false);
}

uint64_t sync_much_from(struct home *to, struct home *from, size_t budget, uint32_t runs_max)
{
    return sync_all(to, from, budget, runs_max, true);
}
