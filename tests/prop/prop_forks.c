/* Devices that speak with two voices, one case each: a process duplicated with its memory, proofs
 * from elsewhere, more branches than are pulled, branches out of the middle of a row (PROTOCOL 2.3,
 * 4.4, 8.7). Random ones are in prop_exchange.c. */
#include "node/replica/load.h"
#include "tests/prop/home.h"
#include "tests/prop/same.h"
#include "tests/prop/sync.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <sys/wait.h>
#include <unistd.h>

#define BRANCHES_MANY 13u

static struct space space;
static struct home a, b, c, twin, many[BRANCHES_MANY];
static uint64_t stamps;

static int setup(void **state)
{
    (void)state;
    space_make(&space, 7);
    home_make(&a, "a.db", &space, HISTORY_DEVICES_MAX, &space.devices[1], 1);
    home_make(&b, "b.db", &space, HISTORY_DEVICES_MAX, &space.devices[2], 2);
    home_make(&c, "c.db", &space, HISTORY_DEVICES_MAX, &space.devices[3], 3);
    return 0;
}

static int teardown(void **state)
{
    struct home *homes[] = { &a, &b, &c, &twin };
    (void)state;
    for (size_t i = 0; i < sizeof homes / sizeof homes[0]; i++)
        home_close(homes[i]);
    for (size_t i = 0; i < BRANCHES_MANY; i++)
        home_close(&many[i]);
    space_clear(&space);
    return 0;
}

/* `count` entries of one transaction, each about a todo of its own; committed. */
static void write_some(struct node_replica *r, uint32_t count)
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
        cht_put_u64(writes[i].id.b, ++stamps);
        writes[i].id.b[15] = (uint8_t)getpid();
    }
    assert_int_equal(CHT_OK, node_replica_write(r, writes, count, NULL, HOME_NOW_MS + ++stamps));
    assert_int_equal(CHT_OK, node_replica_commit(r, true));
    free(writes);
}

static void sync_both(struct home *x, struct home *y)
{
    for (int i = 0; i < 3; i++) {
        (void)sync_from(x, y, LIMIT_RANGE_BYTES, UINT32_MAX);
        (void)sync_from(y, x, LIMIT_RANGE_BYTES, UINT32_MAX);
    }
}

static size_t forks_of(const struct home *home)
{
    size_t count;
    (void)node_replica_forks(home->r, &count);
    return count;
}

static const struct node_fork *only_fork(const struct home *home)
{
    assert_int_equal(1, forks_of(home));
    size_t count;
    return node_replica_forks(home->r, &count);
}

static void assert_proves(const struct node_fork *fork, uint32_t seq)
{
    struct cht_arena arena;
    struct net_fork read;
    cht_arena_init(&arena, SIZE_MAX);
    assert_int_equal(CHT_OK, net_fork_decode(fork->proof, &arena, &read));
    assert_int_equal(CHT_OK, net_fork_verify(&read));
    assert_int_equal(seq, read.seq);
    assert_int_equal(seq, fork->seq);
    assert_memory_equal(space.devices[1].device, read.device, CRDT_ID_BYTES);
    assert_memory_equal(fork->id.epoch, read.epoch, CRDT_EPOCH_BYTES);
    cht_arena_clear(&arena);
}

static void assert_same_state(const struct home *x, const struct home *y)
{
    struct crdt_root one = node_replica_root(x->r), other = node_replica_root(y->r);
    assert_true(crdt_root_eq(&one, &other));
    assert_int_equal(node_replica_count(x->r).entries, node_replica_count(y->r).entries);
    assert_int_equal(0, node_replica_count(x->r).waiting);
    assert_int_equal(0, node_replica_count(y->r).waiting);
}

static uint32_t tips_of(const struct home *home, const struct net_identity *device)
{
    const struct crdt_graph *g = node_replica_graph(home->r);
    struct crdt_place none[1];
    uint32_t count;
    assert_int_equal(CHT_OK,
                     crdt_graph_tips(g, &g->applied, crdt_graph_find_device(g, device->device),
                                     none, 0, &count));
    return count;
}

/* --- duplicated with its memory -------------------------------------------------------------- */

static void two_that_go_on_in_one_epoch_are_proved_and_lose_nothing(void **state)
{
    (void)state;
    write_some(a.r, 3);
    sync_both(&a, &b);
    home_twin(&twin, &a, "twin.db");
    write_some(a.r, 2);
    write_some(twin.r, 3);
    assert_int_equal(0, forks_of(&b));
    (void)sync_from(&b, &a, LIMIT_RANGE_BYTES, UINT32_MAX);
    assert_int_equal(0, forks_of(&b));
    (void)sync_from(&b, &twin, LIMIT_RANGE_BYTES, UINT32_MAX);
    assert_proves(only_fork(&b), 4);
    sync_both(&a, &b);
    sync_both(&twin, &b);
    sync_both(&a, &b);
    assert_proves(only_fork(&a), 4);
    assert_proves(only_fork(&twin), 4);
    assert_int_equal(8, node_replica_count(b.r).entries);
    assert_same_state(&a, &b);
    assert_same_state(&twin, &b);
    assert_int_equal(3, node_replica_twins(a.r).elsewhere);
    assert_int_equal(2, node_replica_twins(twin.r).elsewhere);
    assert_int_equal(0, node_replica_twins(a.r).reclaimed);
    verify_whole(a.r);
    verify_whole(b.r);
}

static void the_device_goes_on_in_another_epoch_and_no_second_fork_comes(void **state)
{
    (void)state;
    write_some(a.r, 1);
    home_twin(&twin, &a, "twin.db");
    write_some(a.r, 1);
    write_some(twin.r, 1);
    sync_both(&a, &twin);
    for (int i = 0; i < 4; i++) {
        write_some(a.r, 2);
        write_some(twin.r, 1);
        sync_both(&a, &twin);
    }
    sync_both(&a, &b);
    assert_int_equal(1, forks_of(&a));
    assert_int_equal(1, forks_of(&b));
    assert_same_state(&a, &twin);
    write_some(a.r, 1);
    assert_int_equal(1, tips_of(&a, &space.devices[1]));
}

static void one_that_hears_its_twin_first_never_forks(void **state)
{
    (void)state;
    write_some(a.r, 1);
    home_twin(&twin, &a, "twin.db");
    write_some(twin.r, 2);
    (void)sync_from(&a, &twin, LIMIT_RANGE_BYTES, UINT32_MAX);
    write_some(a.r, 2); /* behind the twin's, not beside them */
    write_some(twin.r, 2);
    sync_both(&a, &twin);
    sync_both(&a, &b);
    assert_int_equal(0, forks_of(&a));
    assert_int_equal(0, forks_of(&b));
    assert_int_equal(7, node_replica_count(b.r).entries);
    assert_same_state(&a, &b);
}

/* As node_replica_create and _open do it, on no file: a child has all of it. */
static struct node_replica *in_memory(const struct net_identity *identity)
{
    struct node_store *store;
    struct net_members *m = net_members_new(space.id);
    assert_non_null(m);
    assert_int_equal(CHT_OK, node_store_memory(&store));
    assert_int_equal(CHT_OK, node_store_begin(store));
    assert_int_equal(CHT_OK,
                     node_store_put_meta(store, "space", cht_bytes(space.id, CRDT_ID_BYTES)));
    for (uint32_t i = 0; i < HISTORY_DEVICES_MAX; i++) {
        assert_int_equal(CHT_OK, net_members_add(m, space.records[i]));
        assert_int_equal(CHT_OK, node_book_add_record(store, space.records[i]));
    }
    assert_int_equal(CHT_OK, replica_keep_heads(store, m));
    assert_int_equal(CHT_OK, node_store_commit(store));
    net_members_free(m);
    struct node_replica *r = replica_new(store);
    assert_non_null(r);
    r->writable = true;
    r->identity = identity;
    memset(r->epoch, 0xe1, sizeof r->epoch);
    assert_int_equal(CHT_OK, replica_load_book(r, NULL));
    assert_int_equal(CHT_OK, replica_load_positions(r, NULL));
    return r;
}

/* The ranges of the last commit, one after the other. */
static void put_ranges(struct node_replica *r, struct cht_buf *out)
{
    struct node_commit last = node_replica_last(r);
    for (size_t i = 0; i < last.range_count; i++) {
        struct crdt_range range = last.ranges[i];
        range.own = false;
        assert_int_equal(CHT_OK, crdt_range_write(&range, out));
    }
}

static void take_ranges(struct node_replica *r, struct cht_bytes bytes)
{
    struct cht_wire w = cht_wire(bytes);
    bool more = true;
    while (cht_wire_left(&w) != 0) {
        struct crdt_range range;
        enum node_receipt receipt;
        assert_int_equal(CHT_OK, crdt_range_read(&w, &range));
        assert_int_equal(CHT_OK, node_replica_receive(r, &range, HOME_NOW_MS, &receipt));
        assert_int_equal(NODE_STORED, receipt);
    }
    while (more) {
        assert_int_equal(CHT_OK, node_replica_settle(r, HOME_NOW_MS, &more));
        assert_int_equal(CHT_OK, node_replica_commit(r, true));
    }
}

/* In the child: write, hand out what was written, be gone. */
static void speak_and_end(struct node_replica *r, int to)
{
    struct cht_buf bytes;
    cht_buf_init(&bytes, SIZE_MAX);
    write_some(r, 2);
    put_ranges(r, &bytes);
    ssize_t put = write(to, bytes.data, bytes.len);
    _exit(put == (ssize_t)bytes.len ? 0 : 1);
}

static void a_process_that_was_really_duplicated_is_proved_and_goes_on(void **state)
{
    (void)state;
    struct cht_buf shared, mine;
    static uint8_t theirs[65536];
    int ends[2], status = 1;
    struct node_replica *r = in_memory(&space.devices[1]);
    cht_buf_init(&shared, SIZE_MAX);
    cht_buf_init(&mine, SIZE_MAX);
    write_some(r, 2);
    put_ranges(r, &shared);
    assert_int_equal(0, pipe(ends));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        speak_and_end(r, ends[1]);
    (void)close(ends[1]);
    write_some(r, 1);
    put_ranges(r, &mine);
    ssize_t got = read(ends[0], theirs, sizeof theirs);
    (void)close(ends[0]);
    assert_true(got > 0);
    assert_int_equal(child, waitpid(child, &status, 0));
    assert_int_equal(0, status);

    take_ranges(b.r, cht_buf_view(&shared));
    take_ranges(b.r, cht_buf_view(&mine));
    assert_int_equal(0, forks_of(&b));
    take_ranges(b.r, cht_bytes(theirs, (size_t)got));
    assert_proves(only_fork(&b), 3);
    assert_int_equal(5, node_replica_count(b.r).entries);

    take_ranges(r, cht_bytes(theirs, (size_t)got)); /* it hears of itself */
    assert_int_equal(2, node_replica_twins(r).elsewhere);
    write_some(r, 1);
    cht_buf_reset(&mine);
    put_ranges(r, &mine);
    take_ranges(b.r, cht_buf_view(&mine));
    assert_int_equal(1, forks_of(&b));
    assert_int_equal(1, tips_of(&b, &space.devices[1]));
    struct crdt_root one = node_replica_root(r), other = node_replica_root(b.r);
    assert_true(crdt_root_eq(&one, &other));
    verify_whole(b.r);
    struct node_store *store = r->store;
    replica_free(r);
    node_store_close(store);
    cht_buf_clear(&shared);
    cht_buf_clear(&mine);
}

/* --- proofs ---------------------------------------------------------------------------------- */

/* a and its twin have forked; b has the proof. */
static const struct node_fork *forked(void)
{
    write_some(a.r, 1);
    home_twin(&twin, &a, "twin.db");
    write_some(a.r, 1);
    write_some(twin.r, 1);
    (void)sync_from(&b, &a, LIMIT_RANGE_BYTES, UINT32_MAX);
    (void)sync_from(&b, &twin, LIMIT_RANGE_BYTES, UINT32_MAX);
    return only_fork(&b);
}

static void a_device_that_gets_the_proof_alone_writes_no_more_in_that_epoch(void **state)
{
    (void)state;
    const struct node_fork *fork = forked();
    assert_memory_equal(fork->id.epoch, a.r->epoch, CRDT_EPOCH_BYTES);
    assert_int_equal(CHT_OK, node_replica_add_fork(a.r, fork->proof, HOME_NOW_MS));
    write_some(a.r, 1);
    assert_proves(only_fork(&a), 2);
    assert_memory_not_equal(fork->id.epoch, a.r->epoch, CRDT_EPOCH_BYTES);
    const struct crdt_graph *g = node_replica_graph(a.r);
    assert_memory_equal(a.r->epoch, g->chains[0].stored.epoch, CRDT_EPOCH_BYTES);
    sync_both(&a, &b);
    assert_same_state(&a, &b);
}

static void a_proof_is_kept_over_restarts_and_passed_on_by_who_has_one_branch(void **state)
{
    (void)state;
    const struct node_fork *fork = forked();
    assert_int_equal(CHT_OK, node_replica_add_fork(c.r, fork->proof, 77));
    assert_int_equal(CHT_OK, node_replica_commit(c.r, false));
    home_restart(&c, true);
    assert_proves(only_fork(&c), 2);
    assert_int_equal(77, only_fork(&c)->at_ms);
    assert_int_equal(CHT_OK, node_replica_add_fork(c.r, only_fork(&b)->proof, 99));
    assert_int_equal(77, only_fork(&c)->at_ms); /* the first one stays */
    struct net_view view = node_replica_view(c.r);
    struct cht_arena arena;
    const struct net_fork_id *ids;
    size_t count;
    struct cht_bytes proof;
    cht_arena_init(&arena, SIZE_MAX);
    assert_int_equal(CHT_OK, view.ops->forks(view.ctx, &arena, &ids, &count));
    assert_int_equal(1, count);
    assert_int_equal(CHT_OK, view.ops->fork(view.ctx, &ids[0], &proof));
    assert_true(cht_bytes_eq(proof, only_fork(&b)->proof));
    cht_arena_clear(&arena);
    verify_whole(c.r);
    assert_int_equal(CHT_OK, node_replica_rebuild(c.r));
    assert_int_equal(1, forks_of(&c));
}

static void what_proves_nothing_is_refused_and_not_kept(void **state)
{
    (void)state;
    const struct node_fork *fork = forked();
    uint8_t bytes[8192];
    size_t len = fork->proof.len;
    assert_true(len < sizeof bytes);
    memcpy(bytes, fork->proof.data, len);
    bytes[len - 1] ^= 1;
    assert_int_equal(CHT_E_SIGNATURE,
                     node_replica_add_fork(c.r, cht_bytes(bytes, len), HOME_NOW_MS));
    assert_int_equal(CHT_E_MALFORMED,
                     node_replica_add_fork(c.r, cht_bytes(bytes, len - 1), HOME_NOW_MS));
    memcpy(c.r->space, space.devices[0].device, CRDT_ID_BYTES);
    assert_int_equal(CHT_E_INVALID, node_replica_add_fork(c.r, fork->proof, HOME_NOW_MS));
    memcpy(c.r->space, space.id, CRDT_ID_BYTES);
    home_close(&c);
    home_make(&c, "c.db", &space, 1, &space.devices[3], 3); /* it knows the founder only */
    assert_int_equal(CHT_E_NOTFOUND, node_replica_add_fork(c.r, fork->proof, HOME_NOW_MS));
    assert_int_equal(0, forks_of(&c));
    home_restart(&c, false);
    assert_int_equal(0, forks_of(&c));
}

static void a_copy_that_is_started_anew_is_no_fork(void **state)
{
    (void)state;
    write_some(a.r, 2);
    home_clone(&twin, &a, "twin.db");
    write_some(a.r, 2);
    write_some(twin.r, 2);
    sync_both(&a, &b);
    sync_both(&twin, &b);
    sync_both(&a, &b);
    assert_int_equal(0, forks_of(&a) + forks_of(&b) + forks_of(&twin));
    assert_int_equal(2, tips_of(&b, &space.devices[1]));
    assert_same_state(&a, &b);
    assert_same_state(&twin, &b);
}

/* --- what was lost --------------------------------------------------------------------------- */

static void what_a_restored_home_lost_comes_back_and_its_next_entry_follows_it(void **state)
{
    (void)state;
    write_some(a.r, 2);
    home_copy(a.path, b.path); /* only to have a name: the backup */
    home_close(&b);
    home_copy(a.path, b.path);
    write_some(a.r, 5);
    (void)sync_from(&c, &a, LIMIT_RANGE_BYTES, UINT32_MAX);
    home_close(&a);
    home_copy(b.path, a.path);
    stamps += 100;
    home_open(&a, NODE_STORE_WRITE);
    a.r->started_ms = HOME_NOW_MS + stamps; /* it was started after all that */
    home_open(&b, NODE_STORE_READ);
    assert_int_equal(2, node_replica_count(a.r).entries);
    (void)sync_from(&a, &c, LIMIT_RANGE_BYTES, UINT32_MAX);
    assert_int_equal(7, node_replica_count(a.r).entries);
    assert_int_equal(5, node_replica_twins(a.r).reclaimed);
    assert_int_equal(0, node_replica_twins(a.r).elsewhere);
    write_some(a.r, 1);
    assert_int_equal(1, node_replica_graph(a.r)->chain_count);
    sync_both(&a, &c);
    assert_int_equal(0, forks_of(&a) + forks_of(&c));
    assert_same_state(&a, &c);
}

/* Own entries that wait stand behind the own tip: the next one goes beside them. */
static void a_write_while_own_entries_wait_makes_a_branch(void **state)
{
    (void)state;
    write_some(a.r, 1);
    home_twin(&twin, &a, "twin.db");
    write_some(b.r, 1);
    (void)sync_from(&twin, &b, LIMIT_RANGE_BYTES, UINT32_MAX);
    write_some(twin.r, 1); /* depends on b's */
    struct net_view view = node_replica_view(twin.r);
    struct cht_arena arena;
    struct net_heads heads;
    struct net_run run;
    static const uint8_t none[CRDT_DEP_HASH_BYTES];
    cht_arena_init(&arena, SIZE_MAX);
    assert_int_equal(CHT_OK, view.ops->heads(view.ctx, &arena, &heads));
    for (size_t i = 0; i < heads.stored_count; i++) {
        enum node_receipt receipt;
        if (memcmp(heads.stored[i].device, space.devices[1].device, CRDT_ID_BYTES) != 0)
            continue;
        assert_int_equal(CHT_OK, view.ops->read(view.ctx, &heads.stored[i], 1, none,
                                                LIMIT_RANGE_BYTES, &arena, &run));
        for (size_t k = 0; k < run.count; k++)
            assert_int_equal(CHT_OK,
                             node_replica_receive(a.r, &run.ranges[k], HOME_NOW_MS, &receipt));
    }
    cht_arena_clear(&arena);
    home_turn(&a, true);
    assert_int_equal(1, node_replica_count(a.r).waiting);
    write_some(a.r, 1);
    assert_int_equal(2, node_replica_graph(a.r)->chain_count);
    (void)sync_from(&a, &b, LIMIT_RANGE_BYTES, UINT32_MAX);
    sync_both(&a, &c);
    assert_same_state(&a, &c);
    assert_int_equal(4, node_replica_count(c.r).entries);
    assert_int_equal(0, forks_of(&c));
}

/* --- serving a branch ------------------------------------------------------------------------ */

static void a_path_whose_branch_starts_inside_a_large_row_is_served(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        write_some(a.r, 1);
    home_twin(&twin, &a, "twin.db");
    write_some(a.r, 150);
    write_some(twin.r, 200);
    (void)sync_from(&b, &a, LIMIT_RANGE_BYTES, UINT32_MAX); /* 250 under one head */
    (void)sync_from(&b, &twin, LIMIT_RANGE_BYTES, UINT32_MAX);
    struct net_view view = node_replica_view(b.r);
    struct cht_arena arena;
    struct net_heads heads;
    struct net_run run;
    const struct crdt_dep *tip = NULL;
    static const uint8_t none[CRDT_DEP_HASH_BYTES];
    cht_arena_init(&arena, SIZE_MAX);
    assert_int_equal(CHT_OK, view.ops->heads(view.ctx, &arena, &heads));
    for (size_t i = 0; i < heads.stored_count; i++) {
        if (heads.stored[i].seq == 300)
            tip = &heads.stored[i];
    }
    assert_non_null(tip);
    assert_int_equal(CHT_OK,
                     view.ops->read(view.ctx, tip, 1, none, LIMIT_RANGE_BYTES, &arena, &run));
    assert_true(run.complete);
    assert_int_equal(2, run.count);
    assert_int_equal(250, run.ranges[0].count); /* with the other branch's at its end */
    assert_int_equal(200, run.ranges[1].count);
    for (size_t i = 0; i < run.count; i++) {
        enum node_receipt receipt;
        assert_int_equal(CHT_OK, node_replica_receive(c.r, &run.ranges[i], HOME_NOW_MS, &receipt));
        assert_int_equal(NODE_STORED, receipt);
    }
    cht_arena_clear(&arena);
    home_turn(&c, true);
    assert_int_equal(450, node_replica_count(c.r).entries);
    assert_same_state(&b, &c);
    assert_proves(only_fork(&c), 101);
    verify_whole(c.r);
}

/* --- many branches --------------------------------------------------------------------------- */

/* Take what another has, its applied tips first, as a session does. How many ranges were stopped.
 */
static uint32_t take_all(struct home *to, struct home *from)
{
    struct net_view view = node_replica_view(from->r);
    struct cht_arena arena;
    struct net_heads heads;
    uint32_t stopped = 0;
    cht_arena_init(&arena, SIZE_MAX);
    assert_int_equal(CHT_OK, view.ops->heads(view.ctx, &arena, &heads));
    for (int inner = 0; inner < 2; inner++) {
        for (size_t i = 0; i < heads.stored_count; i++) {
            static const uint8_t none[CRDT_DEP_HASH_BYTES];
            struct net_run run;
            bool applied = false;
            for (size_t k = 0; k < heads.applied_count; k++)
                applied |= crdt_dep_cmp(&heads.applied[k], &heads.stored[i]) == 0;
            if (applied != (inner == 0))
                continue;
            assert_int_equal(CHT_OK, view.ops->read(view.ctx, &heads.stored[i], 1, none,
                                                    LIMIT_RANGE_BYTES, &arena, &run));
            for (size_t k = 0; k < run.count; k++) {
                enum node_receipt receipt;
                assert_int_equal(
                    CHT_OK, node_replica_receive(to->r, &run.ranges[k], HOME_NOW_MS, &receipt));
                stopped += receipt == NODE_STOPPED;
            }
            home_turn(to, false);
        }
    }
    cht_arena_clear(&arena);
    return stopped;
}

static void no_more_than_eight_open_branches_are_taken_but_all_that_an_entry_needs(void **state)
{
    (void)state;
    char name[16];
    write_some(a.r, 1);
    for (uint32_t i = 0; i < BRANCHES_MANY; i++) {
        (void)snprintf(name, sizeof name, "many%u.db", i);
        (void)seeded_next(&a.random); /* each draws an epoch of its own */
        home_clone(&many[i], &a, name);
        write_some(many[i].r, 1);
    }
    uint32_t stopped = 0;
    for (uint32_t i = 0; i < BRANCHES_MANY; i++)
        stopped += take_all(&b, &many[i]);
    assert_int_equal(BRANCHES_MANY - 8, stopped);
    assert_int_equal(8, tips_of(&b, &space.devices[1]));
    assert_int_equal(9, node_replica_count(b.r).entries);
    /* the device itself takes them, and its next entry is behind them all */
    assert_int_equal(0, take_all(&many[0], &b));
    write_some(many[0].r, 1);
    assert_int_equal(0, take_all(&b, &many[0]));
    assert_int_equal(1, tips_of(&b, &space.devices[1]));
    for (uint32_t i = 0; i < BRANCHES_MANY; i++)
        assert_int_equal(0, take_all(&b, &many[i]));
    assert_int_equal(0, take_all(&many[0], &b));
    write_some(many[0].r, 1);
    assert_int_equal(0, take_all(&b, &many[0]));
    assert_int_equal(1 + BRANCHES_MANY + 2, node_replica_count(b.r).entries);
    /* a newcomer gets all of it, from one who has it all */
    for (int rounds = 0; rounds < 10; rounds++)
        (void)take_all(&c, &b);
    assert_same_state(&b, &c);
    assert_int_equal(0, forks_of(&b) + forks_of(&c));
    verify_whole(c.r);
}

/* Two others have eight branches each, and wrote behind them: who has both needs more than eight.
 */
static void what_entries_of_others_depend_on_is_taken_beyond_that(void **state)
{
    (void)state;
    char name[16];
    write_some(a.r, 1);
    for (uint32_t i = 0; i < BRANCHES_MANY; i++) {
        (void)snprintf(name, sizeof name, "many%u.db", i);
        (void)seeded_next(&a.random);
        home_clone(&many[i], &a, name);
        write_some(many[i].r, 1);
        if (i < 8)
            assert_int_equal(0, take_all(&b, &many[i]));
        if (i >= BRANCHES_MANY - 8)
            assert_int_equal(0, take_all(&c, &many[i]));
    }
    write_some(b.r, 1);
    write_some(c.r, 1);
    for (int rounds = 0; rounds < 10; rounds++) { /* as often as a session would ask again */
        (void)take_all(&b, &c);
        (void)take_all(&c, &b);
    }
    assert_int_equal(1 + BRANCHES_MANY + 2, node_replica_count(b.r).entries);
    assert_same_state(&b, &c);
    assert_int_equal(BRANCHES_MANY, tips_of(&b, &space.devices[1]));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(two_that_go_on_in_one_epoch_are_proved_and_lose_nothing),
        T(the_device_goes_on_in_another_epoch_and_no_second_fork_comes),
        T(one_that_hears_its_twin_first_never_forks),
        T(a_process_that_was_really_duplicated_is_proved_and_goes_on),
        T(a_device_that_gets_the_proof_alone_writes_no_more_in_that_epoch),
        T(a_proof_is_kept_over_restarts_and_passed_on_by_who_has_one_branch),
        T(what_proves_nothing_is_refused_and_not_kept),
        T(a_copy_that_is_started_anew_is_no_fork),
        T(what_a_restored_home_lost_comes_back_and_its_next_entry_follows_it),
        T(a_write_while_own_entries_wait_makes_a_branch),
        T(a_path_whose_branch_starts_inside_a_large_row_is_served),
        T(no_more_than_eight_open_branches_are_taken_but_all_that_an_entry_needs),
        T(what_entries_of_others_depend_on_is_taken_beyond_that),
    };
    if (sodium_init() < 0)
        return 1;
    home_folder();
    int failed = cmocka_run_group_tests_name("prop_forks", tests, NULL, NULL);
    home_folder_remove();
    return failed;
}
