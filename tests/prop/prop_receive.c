/* Random histories through node_replica_receive: in any order, again, in turns of any size, over
 * restarts and kills, with records that come late and bytes that are wrong. What comes out is what
 * the model says about the entries that were taken (PROTOCOL 2 to 5). */
#include "tests/prop/home.h"
#include "tests/prop/prop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ENTRIES_MIN 40u
#define ENTRIES_MAX 220u
#define TURN_MAX    12u
#define TURNS_MAX   20000u /* more are a test that does not end */

struct receiving {
    struct prop *prop;
    struct seeded random;
    struct space space;
    struct history h;
    struct cuts cuts;
    struct crdt_model m;
    struct home home;
    uint32_t *queue; /* indexes of cuts still to come */
    uint32_t queued;
    bool records_held[HISTORY_DEVICES_MAX];
    bool *placed; /* by entry: taken by the replica */
    bool stopped;
};

static bool chance(struct receiving *c, uint32_t percent)
{
    return seeded_below(&c->random, 100) < percent;
}

static void add_to_model(struct receiving *c, const struct cut *cut)
{
    uint32_t known = 0;
    for (uint32_t i = 0; i < cut->count; i++) {
        const struct history_entry *e = &c->h.entries[cut->entries[i]];
        known += c->placed[cut->entries[i]];
        c->placed[cut->entries[i]] = true;
        assert_int_equal(CHT_OK, crdt_model_add(&c->m, e->header, e->body));
    }
    c->prop->overlaps += known != 0 && known != cut->count;
}

/* A range whose head or place is wrong is never taken. */
static void spoil(struct receiving *c, const struct cut *cut)
{
    struct crdt_range range = cut->range;
    enum node_receipt receipt;
    uint32_t which = seeded_below(&c->random, 3);
    if (which == 0)
        range.head[seeded_below(&c->random, CRDT_SIG_BYTES)] ^= 1;
    else if (which == 1)
        range.prev_tag[seeded_below(&c->random, sizeof range.prev_tag)] ^= 1;
    else
        range.seq++;
    assert_int_equal(CHT_OK, node_replica_receive(c->home.r, &range, HOME_NOW_MS, &receipt));
    assert_true(receipt == NODE_REFUSED || receipt == NODE_UNPLACEABLE);
    c->prop->spoilt++;
}

/* Deliver the range at a place of the queue; it leaves the queue unless it must come again. */
static void deliver(struct receiving *c, uint32_t at)
{
    const struct cut *cut = &c->cuts.list[c->queue[at]];
    enum node_receipt receipt;
    if (chance(c, 4))
        spoil(c, cut);
    assert_int_equal(CHT_OK, node_replica_receive(c->home.r, &cut->range, HOME_NOW_MS, &receipt));
    c->prop->ranges++;
    assert_int_not_equal(NODE_REFUSED, receipt);
    c->prop->gaps += receipt == NODE_UNPLACEABLE;
    c->prop->duplicates += receipt == NODE_KNOWN;
    c->prop->stopped += receipt == NODE_STOPPED;
    c->stopped |= receipt == NODE_STOPPED;
    if (receipt == NODE_STORED || receipt == NODE_KNOWN)
        add_to_model(c, cut);
    if (receipt == NODE_UNPLACEABLE || (receipt == NODE_STORED && chance(c, 8)))
        return; /* as a session would send it again */
    c->queue[at] = c->queue[--c->queued];
}

static void deliver_record(struct receiving *c)
{
    uint32_t i = seeded_below(&c->random, HISTORY_DEVICES_MAX);
    enum cht_err err = node_replica_add_record(c->home.r, c->space.records[i]);
    assert_true(err == CHT_OK || err == CHT_E_WAITING);
    c->records_held[i] |= err == CHT_OK;
}

static bool all_records(const struct receiving *c)
{
    return net_members_count(node_replica_members(c->home.r)) == HISTORY_DEVICES_MAX;
}

static void turn(struct receiving *c)
{
    uint32_t count = 1 + seeded_below(&c->random, TURN_MAX);
    if (!all_records(c))
        deliver_record(c);
    for (uint32_t i = 0; i < count && c->queued != 0; i++) {
        /* mostly in order, so that not all of it is gaps */
        uint32_t span = chance(c, 70) && c->queued > 8 ? 8 : c->queued;
        deliver(c, seeded_below(&c->random, span));
    }
    if (chance(c, 85))
        home_turn(&c->home, chance(c, 40));
    else
        assert_int_equal(CHT_OK, node_replica_commit(c->home.r, chance(c, 40)));
    if (chance(c, 6)) {
        bool killed = chance(c, 60);
        home_restart(&c->home, killed);
        c->prop->kills += killed;
        c->prop->restarts += !killed;
        home_turn(&c->home, false);
    }
    if (chance(c, 3)) {
        home_turn(&c->home, false);
        same_as_model(c->home.r, &c->m, &c->prop->seen);
    }
}

static void fill_queue(struct receiving *c)
{
    c->queue = malloc(c->cuts.count * sizeof *c->queue);
    c->placed = calloc(c->h.count, sizeof *c->placed);
    assert_non_null(c->queue);
    assert_non_null(c->placed);
    c->queued = c->cuts.count;
    for (uint32_t i = 0; i < c->queued; i++)
        c->queue[i] = i;
    if (!chance(c, 50))
        return;
    for (uint32_t i = c->queued; i > 1; i--) {
        uint32_t other = seeded_below(&c->random, i), was = c->queue[i - 1];
        c->queue[i - 1] = c->queue[other];
        c->queue[other] = was;
    }
}

/* What a branch that was stopped leaves behind can never be placed. */
static bool stuck(const struct receiving *c)
{
    for (uint32_t i = 0; i < c->queued; i++) {
        const struct cut *cut = &c->cuts.list[c->queue[i]];
        uint32_t prev = c->h.entries[cut->entries[0]].prev;
        if (prev == HISTORY_NONE || c->placed[prev])
            return false;
    }
    return c->stopped;
}

static void check_end(struct receiving *c)
{
    struct home *home = &c->home;
    home_turn(home, chance(c, 50));
    same_as_model(home->r, &c->m, &c->prop->seen);
    assert_true(c->stopped || c->m.count == c->h.count);
    verify_whole(home->r);
    assert_int_equal(CHT_OK, node_replica_rebuild(home->r));
    same_as_model(home->r, &c->m, &c->prop->seen);
    verify_whole(home->r);
    home_restart(home, chance(c, 50));
    same_as_model(home->r, &c->m, &c->prop->seen);
    home_close(home);
    home_open(home, NODE_STORE_READ);
    same_as_model(home->r, &c->m, &c->prop->seen);
    verify_whole(home->r);
}

void prop_receive(struct prop *p, uint32_t number)
{
    uint64_t seed = p->seed * 1000003 + number;
    struct receiving c = { .prop = p, .random = { .state = seed * 4 + 1 } };
    for (uint32_t i = 0; i < 8; i++)
        (void)seeded_next(&c.random);
    space_make(&c.space, seed);
    struct history_space told = { .heads = c.space.heads, .head_count = c.space.head_count };
    memcpy(told.id, c.space.id, sizeof told.id);
    history_make(&c.h, seed, ENTRIES_MIN + seeded_below(&c.random, ENTRIES_MAX - ENTRIES_MIN),
                 &told);
    history_add_tally(p->tally, &c.h);
    cuts_make(&c.cuts, &c.h, seed);
    crdt_model_init(&c.m);
    home_make(&c.home, "receive.db", &c.space,
              chance(&c, 60) ? HISTORY_DEVICES_MAX : 1 + seeded_below(&c.random, 5), NULL, seed);
    fill_queue(&c);
    for (uint32_t turns = 0; c.queued != 0 && !stuck(&c); turns++) {
        assert_true(turns < TURNS_MAX);
        turn(&c);
    }
    check_end(&c);
    char name[32];
    (void)snprintf(name, sizeof name, "receive-%u", number);
    home_leave(&c.home, name);
    crdt_model_clear(&c.m);
    cuts_clear(&c.cuts);
    history_clear(&c.h);
    space_clear(&c.space);
    free(c.queue);
    free(c.placed);
}
