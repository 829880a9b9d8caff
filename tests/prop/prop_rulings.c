/* Revocations of devices whose entries were applied and built upon at some replicas and not at
 * others: whatever the order in which entries and records come, a replica on SQLite has the state
 * that the model gives under all of them; and what a raised cut-off lets in again is there again
 * (PROTOCOL 7.20 to 7.27). The seed is printed first; CHITTY_SEED repeats a run, CHITTY_CASES says
 * how many cases it has and CHITTY_FIRST with which it begins. */
#include "tests/prop/court.h"
#include "tests/prop/home.h"
#include "tests/prop/prop.h"
#include "tests/prop/same.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CASES       20u
#define ORDERS      2u
#define ENTRIES_MIN 30u
#define ENTRIES_MAX 120u
#define TURN_MAX    16u
#define TURNS_MAX   20000u /* more are a test that does not end */

/* What the cases saw, over a whole run. */
struct totals {
    uint64_t seed, cases, rulings, applied, ruled, back, kills, raised;
    struct seen seen;
};

/* One replica that everything comes to, in an order of its own. */
struct hearing {
    struct totals *totals;
    struct seeded random;
    const struct court *court;
    const struct history *h;
    const struct cuts *cuts;
    struct crdt_model m;
    struct home home;
    uint32_t *queue; /* indexes of cuts still to come */
    uint32_t queued;
    bool *placed; /* by entry */
    bool stopped;
    uint32_t records_from; /* turns before the first record comes */
};

static bool chance(struct hearing *c, uint32_t percent)
{
    return seeded_below(&c->random, 100) < percent;
}

static void deliver(struct hearing *c, uint32_t at)
{
    const struct cut *cut = &c->cuts->list[c->queue[at]];
    enum node_receipt receipt;
    assert_int_equal(CHT_OK, node_replica_receive(c->home.r, &cut->range, HOME_NOW_MS, &receipt));
    assert_int_not_equal(NODE_REFUSED, receipt);
    c->stopped |= receipt == NODE_STOPPED;
    if (receipt == NODE_UNPLACEABLE)
        return;
    if (receipt != NODE_STOPPED) {
        for (uint32_t i = 0; i < cut->count; i++) {
            const struct history_entry *e = &c->h->entries[cut->entries[i]];
            c->placed[cut->entries[i]] = true;
            assert_int_equal(CHT_OK, crdt_model_add(&c->m, e->header, e->body));
        }
    }
    c->queue[at] = c->queue[--c->queued];
}

static void deliver_record(struct hearing *c)
{
    uint32_t i = seeded_below(&c->random, c->court->count);
    enum cht_err err = node_replica_add_record(c->home.r, c->court->records[i]);
    assert_true(err == CHT_OK || err == CHT_E_WAITING);
}

static bool all_records(const struct hearing *c)
{
    return net_members_count(node_replica_members(c->home.r)) == c->court->count;
}

/* The replica against the model, judged under the records that the replica holds. */
static uint64_t check(struct hearing *c)
{
    assert_int_equal(CHT_OK, crdt_model_settle(&c->m));
    uint64_t ruled = court_judge(node_replica_members(c->home.r), &c->m);
    same_as_model(c->home.r, &c->m, &c->totals->seen);
    assert_int_equal(ruled, node_replica_count(c->home.r).ruled);
    return ruled;
}

static void turn(struct hearing *c, uint32_t number)
{
    uint32_t count = seeded_below(&c->random, TURN_MAX);
    for (uint32_t i = 0; number >= c->records_from && !all_records(c) && i < 3; i++)
        deliver_record(c);
    for (uint32_t i = 0; i < count && c->queued != 0; i++)
        deliver(c, seeded_below(&c->random, c->queued));
    if (chance(c, 85))
        home_turn(&c->home, chance(c, 40));
    else
        assert_int_equal(CHT_OK, node_replica_commit(c->home.r, chance(c, 40)));
    if (chance(c, 6)) {
        bool killed = chance(c, 70);
        home_restart(&c->home, killed);
        c->totals->kills += killed;
        home_turn(&c->home, false);
    }
    if (chance(c, 10)) {
        home_turn(&c->home, false);
        (void)check(c);
    }
    if (chance(c, 4))
        verify_whole(c->home.r);
}

/* What follows a branch that was stopped can never be placed. */
static bool stuck(const struct hearing *c)
{
    for (uint32_t i = 0; i < c->queued; i++) {
        uint32_t prev = c->h->entries[c->cuts->list[c->queue[i]].entries[0]].prev;
        if (prev == HISTORY_NONE || c->placed[prev])
            return false;
    }
    return c->stopped;
}

static void hear(struct hearing *c, const struct space *space, uint64_t seed, uint32_t order)
{
    char name[32];
    c->random = (struct seeded){ .state = seed * 16 + order };
    for (uint32_t i = 0; i < 8; i++)
        (void)seeded_next(&c->random);
    (void)snprintf(name, sizeof name, "rulings-%u.db", order);
    crdt_model_init(&c->m);
    c->queue = malloc(c->cuts->count * sizeof *c->queue);
    c->placed = calloc(c->h->count, sizeof *c->placed);
    assert_non_null(c->queue);
    assert_non_null(c->placed);
    for (c->queued = 0; c->queued < c->cuts->count; c->queued++)
        c->queue[c->queued] = c->queued;
    /* first the records, first what can be taken without them, or all at once */
    uint32_t early = chance(c, 35) ? HISTORY_DEVICES_MAX : 1;
    c->records_from = chance(c, 35) ? 30 : 0;
    home_make(&c->home, name, space, early, NULL, seed);
    for (uint32_t i = 0; chance(c, 50) && i < c->court->count; i++) {
        c->records_from = 0;
        assert_int_equal(CHT_OK, node_replica_add_record(c->home.r, c->court->records[i]));
    }
    for (uint32_t turns = 0; (c->queued != 0 && !stuck(c)) || !all_records(c); turns++) {
        assert_true(turns < TURNS_MAX);
        turn(c, turns);
    }
    home_turn(&c->home, false);
}

/* In every way that a file can be opened, it says the same. */
static void check_file(struct hearing *c)
{
    (void)check(c);
    verify_whole(c->home.r);
    assert_int_equal(CHT_OK, node_replica_rebuild(c->home.r));
    (void)check(c);
    verify_whole(c->home.r);
    home_restart(&c->home, chance(c, 50));
    (void)check(c);
    home_close(&c->home);
    home_open(&c->home, NODE_STORE_READ);
    (void)check(c);
    verify_whole(c->home.r);
    home_close(&c->home);
    home_open(&c->home, NODE_STORE_WRITE);
}

/* A later revocation whose cut-off is at the tips lets in what the first shut out. */
static void raise_cutoffs(struct hearing *c, struct court *court)
{
    for (uint32_t d = 0; d < c->h->device_count; d++) {
        struct cht_bytes record;
        uint64_t before = check(c);
        if (before == 0 ||
            !court_raise(court, node_replica_members(c->home.r), &c->m, d, false, &record))
            continue;
        assert_int_equal(CHT_OK, node_replica_add_record(c->home.r, record));
        home_turn(&c->home, false);
        uint64_t after = check(c);
        c->totals->back += before > after ? before - after : 0;
        c->totals->raised++;
        /* and one that names the same hashes wrongly lets nothing in (PROTOCOL 7.20) */
        if (!chance(c, 30) ||
            !court_raise(court, node_replica_members(c->home.r), &c->m, d, true, &record))
            continue;
        assert_int_equal(CHT_OK, node_replica_add_record(c->home.r, record));
        home_turn(&c->home, false);
        (void)check(c);
    }
}

static void one_case(struct totals *totals, uint32_t number)
{
    uint64_t seed = totals->seed * 1000003 + number;
    struct space space;
    struct court court;
    struct history h;
    struct cuts cuts;
    struct hearing c[ORDERS] = { 0 };
    space_make(&space, seed);
    court_make(&court, &space, seed);
    struct history_space told = { .heads_of = court_heads_of, .ctx = &court };
    memcpy(told.id, space.id, sizeof told.id);
    history_make(&h, seed, ENTRIES_MIN + seeded_below(&court.random, ENTRIES_MAX - ENTRIES_MIN),
                 &told);
    cuts_make(&cuts, &h, seed);
    for (uint32_t i = 0; i < ORDERS; i++) {
        c[i] = (struct hearing){ .totals = totals, .court = &court, .h = &h, .cuts = &cuts };
        hear(&c[i], &space, seed, i);
        totals->ruled += check(&c[i]);
        totals->applied += c[i].m.applied;
        check_file(&c[i]);
    }
    if (!c[0].stopped && !c[1].stopped) {
        struct crdt_root a = node_replica_root(c[0].home.r), b = node_replica_root(c[1].home.r);
        assert_true(crdt_root_eq(&a, &b));
    }
    raise_cutoffs(&c[0], &court);
    check_file(&c[0]);
    totals->rulings += court.count - HISTORY_DEVICES_MAX;
    for (uint32_t i = 0; i < ORDERS; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "rulings-%u-%u", number, i);
        home_leave(&c[i].home, name);
        crdt_model_clear(&c[i].m);
        free(c[i].queue);
        free(c[i].placed);
    }
    cuts_clear(&cuts);
    history_clear(&h);
    court_clear(&court);
    space_clear(&space);
}

static uint32_t number_from(const char *name, uint32_t usual)
{
    const char *env = getenv(name);
    return env != NULL ? (uint32_t)strtoul(env, NULL, 0) : usual;
}

static void every_order_of_entries_and_rulings_gives_what_the_model_says(void **state)
{
    struct totals *t = *state;
    uint32_t first = number_from("CHITTY_FIRST", 0);
    for (uint32_t n = first; n < first + t->cases; n++) {
        if (getenv("CHITTY_TRACE") != NULL)
            print_message("# case %u\n", n);
        one_case(t, n);
    }
}

static void replicas_that_revoke_each_other_while_they_write_come_to_one_state(void **state)
{
    const struct totals *t = *state;
    struct prop p = { .seed = t->seed, .cases = (uint32_t)t->cases };
    uint32_t first = number_from("CHITTY_FIRST", 0);
    for (uint32_t n = first; n < first + p.cases; n++)
        prop_exchange_rulings(&p, n);
    printf("# %u cases, %llu rulings, %llu writes and %llu refused, %llu entries void\n", p.cases,
           (unsigned long long)p.rulings, (unsigned long long)p.writes,
           (unsigned long long)p.denied, (unsigned long long)p.ruled);
    assert_true(p.cases < CASES || (p.rulings != 0 && p.denied != 0 && p.ruled != 0));
}

/* Runs last: what the cases saw was worth seeing. */
static void rulings_voided_entries_and_gave_some_back(void **state)
{
    const struct totals *t = *state;
    printf(
        "# %llu cases, %llu rulings, %llu entries applied, %llu of them void, %llu given back by "
        "%llu raised cut-offs, %llu kills\n",
        (unsigned long long)t->cases, (unsigned long long)t->rulings,
        (unsigned long long)t->applied, (unsigned long long)t->ruled, (unsigned long long)t->back,
        (unsigned long long)t->raised, (unsigned long long)t->kills);
    if (t->cases < CASES)
        return; /* too few to say */
    assert_true(t->ruled * 20 > t->applied);
    assert_true(t->back != 0);
    assert_true(t->kills != 0);
}

int main(void)
{
    struct totals t = { .seed = seeded_start(1).state,
                        .cases = number_from("CHITTY_CASES", CASES) };
    if (sodium_init() < 0)
        return 1;
    home_folder();
    struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_of_entries_and_rulings_gives_what_the_model_says),
        cmocka_unit_test(replicas_that_revoke_each_other_while_they_write_come_to_one_state),
        cmocka_unit_test(rulings_voided_entries_and_gave_some_back),
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tests[i].initial_state = &t;
    int failed = cmocka_run_group_tests_name("prop_rulings", tests, NULL, NULL);
    home_folder_remove();
    return failed;
}
