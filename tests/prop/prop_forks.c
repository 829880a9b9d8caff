/* Devices that speak with two voices, one case each: a process duplicated with its memory, proofs
 * from elsewhere, what a restored home lost (PROTOCOL 2.3, 4.4). Random ones are in
 * prop_exchange.c. */
#include "node/replica/load.h"
#include "tests/prop/same.h"
#include "tests/prop/sync.h"
#include "tests/prop/voices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- duplicated with its memory -------------------------------------------------------------- */

static void two_that_go_on_in_one_epoch_are_proved_and_lose_nothing(void **state)
{
    (void)state;
    write_some(v.a.r, 3);
    sync_both(&v.a, &v.b);
    home_twin(&v.twin, &v.a, "twin.db");
    write_some(v.a.r, 2);
    write_some(v.twin.r, 3);
    assert_int_equal(0, forks_of(&v.b));
    (void)sync_from(&v.b, &v.a, LIMIT_RANGE_BYTES, UINT32_MAX);
    assert_int_equal(0, forks_of(&v.b));
    (void)sync_from(&v.b, &v.twin, LIMIT_RANGE_BYTES, UINT32_MAX);
    assert_proves(only_fork(&v.b), 4);
    sync_both(&v.a, &v.b);
    sync_both(&v.twin, &v.b);
    sync_both(&v.a, &v.b);
    assert_proves(only_fork(&v.a), 4);
    assert_proves(only_fork(&v.twin), 4);
    assert_int_equal(8, node_replica_count(v.b.r).entries);
    assert_same_state(&v.a, &v.b);
    assert_same_state(&v.twin, &v.b);
    assert_int_equal(3, node_replica_twins(v.a.r).elsewhere);
    assert_int_equal(2, node_replica_twins(v.twin.r).elsewhere);
    assert_int_equal(0, node_replica_twins(v.a.r).reclaimed);
    verify_whole(v.a.r);
    verify_whole(v.b.r);
}

static void the_device_goes_on_in_another_epoch_and_no_second_fork_comes(void **state)
{
    (void)state;
    write_some(v.a.r, 1);
    home_twin(&v.twin, &v.a, "twin.db");
    write_some(v.a.r, 1);
    write_some(v.twin.r, 1);
    sync_both(&v.a, &v.twin);
    for (int i = 0; i < 4; i++) {
        write_some(v.a.r, 2);
        write_some(v.twin.r, 1);
        sync_both(&v.a, &v.twin);
    }
    sync_both(&v.a, &v.b);
    assert_int_equal(1, forks_of(&v.a));
    assert_int_equal(1, forks_of(&v.b));
    assert_same_state(&v.a, &v.twin);
    write_some(v.a.r, 1);
    assert_int_equal(1, tips_of(&v.a));
}

static void one_that_hears_its_twin_first_never_forks(void **state)
{
    (void)state;
    write_some(v.a.r, 1);
    home_twin(&v.twin, &v.a, "twin.db");
    write_some(v.twin.r, 2);
    (void)sync_from(&v.a, &v.twin, LIMIT_RANGE_BYTES, UINT32_MAX);
    write_some(v.a.r, 2); /* behind the twin's, not beside them */
    write_some(v.twin.r, 2);
    sync_both(&v.a, &v.twin);
    sync_both(&v.a, &v.b);
    assert_int_equal(0, forks_of(&v.a));
    assert_int_equal(0, forks_of(&v.b));
    assert_int_equal(7, node_replica_count(v.b.r).entries);
    assert_same_state(&v.a, &v.b);
}

/* As node_replica_create and _open do it, on no file: a child has all of it. */
static struct node_replica *in_memory(const struct net_identity *identity)
{
    struct node_store *store;
    struct net_members *m = net_members_new(v.space.id);
    assert_non_null(m);
    assert_int_equal(CHT_OK, node_store_memory(&store));
    assert_int_equal(CHT_OK, node_store_begin(store));
    assert_int_equal(CHT_OK,
                     node_store_put_meta(store, "space", cht_bytes(v.space.id, CRDT_ID_BYTES)));
    for (uint32_t i = 0; i < HISTORY_DEVICES_MAX; i++) {
        assert_int_equal(CHT_OK, net_members_add(m, v.space.records[i]));
        assert_int_equal(CHT_OK, node_book_add_record(store, v.space.records[i]));
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
    struct node_replica *r = in_memory(&v.space.devices[1]);
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

    take_ranges(v.b.r, cht_buf_view(&shared));
    take_ranges(v.b.r, cht_buf_view(&mine));
    assert_int_equal(0, forks_of(&v.b));
    take_ranges(v.b.r, cht_bytes(theirs, (size_t)got));
    assert_proves(only_fork(&v.b), 3);
    assert_int_equal(5, node_replica_count(v.b.r).entries);

    take_ranges(r, cht_bytes(theirs, (size_t)got)); /* it hears of itself */
    assert_int_equal(2, node_replica_twins(r).elsewhere);
    write_some(r, 1);
    cht_buf_reset(&mine);
    put_ranges(r, &mine);
    take_ranges(v.b.r, cht_buf_view(&mine));
    assert_int_equal(1, forks_of(&v.b));
    assert_int_equal(1, tips_of(&v.b));
    struct crdt_root one = node_replica_root(r), other = node_replica_root(v.b.r);
    assert_true(crdt_root_eq(&one, &other));
    verify_whole(v.b.r);
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
    write_some(v.a.r, 1);
    home_twin(&v.twin, &v.a, "twin.db");
    write_some(v.a.r, 1);
    write_some(v.twin.r, 1);
    (void)sync_from(&v.b, &v.a, LIMIT_RANGE_BYTES, UINT32_MAX);
    (void)sync_from(&v.b, &v.twin, LIMIT_RANGE_BYTES, UINT32_MAX);
    return only_fork(&v.b);
}

static void a_device_that_gets_the_proof_alone_writes_no_more_in_that_epoch(void **state)
{
    (void)state;
    const struct node_fork *fork = forked();
    assert_memory_equal(fork->id.epoch, v.a.r->epoch, CRDT_EPOCH_BYTES);
    assert_int_equal(CHT_OK, node_replica_add_fork(v.a.r, fork->proof, HOME_NOW_MS));
    write_some(v.a.r, 1);
    assert_proves(only_fork(&v.a), 2);
    assert_memory_not_equal(fork->id.epoch, v.a.r->epoch, CRDT_EPOCH_BYTES);
    const struct crdt_graph *g = node_replica_graph(v.a.r);
    assert_memory_equal(v.a.r->epoch, g->chains[0].stored.epoch, CRDT_EPOCH_BYTES);
    sync_both(&v.a, &v.b);
    assert_same_state(&v.a, &v.b);
}

static void a_proof_is_kept_over_restarts_and_passed_on_by_who_has_one_branch(void **state)
{
    (void)state;
    const struct node_fork *fork = forked();
    assert_int_equal(CHT_OK, node_replica_add_fork(v.c.r, fork->proof, 77));
    assert_int_equal(CHT_OK, node_replica_commit(v.c.r, false));
    home_restart(&v.c, true);
    assert_proves(only_fork(&v.c), 2);
    assert_int_equal(77, only_fork(&v.c)->at_ms);
    assert_int_equal(CHT_OK, node_replica_add_fork(v.c.r, only_fork(&v.b)->proof, 99));
    assert_int_equal(77, only_fork(&v.c)->at_ms); /* the first one stays */
    struct net_view view = node_replica_view(v.c.r);
    struct cht_arena arena;
    const struct net_fork_id *ids;
    size_t count;
    struct cht_bytes proof;
    cht_arena_init(&arena, SIZE_MAX);
    assert_int_equal(CHT_OK, view.ops->forks(view.ctx, &arena, &ids, &count));
    assert_int_equal(1, count);
    assert_int_equal(CHT_OK, view.ops->fork(view.ctx, &ids[0], &proof));
    assert_true(cht_bytes_eq(proof, only_fork(&v.b)->proof));
    cht_arena_clear(&arena);
    verify_whole(v.c.r);
    assert_int_equal(CHT_OK, node_replica_rebuild(v.c.r));
    assert_int_equal(1, forks_of(&v.c));
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
                     node_replica_add_fork(v.c.r, cht_bytes(bytes, len), HOME_NOW_MS));
    assert_int_equal(CHT_E_MALFORMED,
                     node_replica_add_fork(v.c.r, cht_bytes(bytes, len - 1), HOME_NOW_MS));
    memcpy(v.c.r->space, v.space.devices[0].device, CRDT_ID_BYTES);
    assert_int_equal(CHT_E_INVALID, node_replica_add_fork(v.c.r, fork->proof, HOME_NOW_MS));
    memcpy(v.c.r->space, v.space.id, CRDT_ID_BYTES);
    home_close(&v.c);
    home_make(&v.c, "c.db", &v.space, 1, &v.space.devices[3], 3); /* it knows the founder only */
    assert_int_equal(CHT_E_NOTFOUND, node_replica_add_fork(v.c.r, fork->proof, HOME_NOW_MS));
    assert_int_equal(0, forks_of(&v.c));
    home_restart(&v.c, false);
    assert_int_equal(0, forks_of(&v.c));
}

static void a_copy_that_is_started_anew_is_no_fork(void **state)
{
    (void)state;
    write_some(v.a.r, 2);
    home_clone(&v.twin, &v.a, "twin.db");
    write_some(v.a.r, 2);
    write_some(v.twin.r, 2);
    sync_both(&v.a, &v.b);
    sync_both(&v.twin, &v.b);
    sync_both(&v.a, &v.b);
    assert_int_equal(0, forks_of(&v.a) + forks_of(&v.b) + forks_of(&v.twin));
    assert_int_equal(2, tips_of(&v.b));
    assert_same_state(&v.a, &v.b);
    assert_same_state(&v.twin, &v.b);
}

/* --- what was lost --------------------------------------------------------------------------- */

static void what_a_restored_home_lost_comes_back_and_its_next_entry_follows_it(void **state)
{
    (void)state;
    write_some(v.a.r, 2);
    home_copy(v.a.path, v.b.path); /* only to have a name: the backup */
    home_close(&v.b);
    home_copy(v.a.path, v.b.path);
    write_some(v.a.r, 5);
    (void)sync_from(&v.c, &v.a, LIMIT_RANGE_BYTES, UINT32_MAX);
    home_close(&v.a);
    home_copy(v.b.path, v.a.path);
    v.stamps += 100;
    home_open(&v.a, NODE_STORE_WRITE);
    v.a.r->started_ms = HOME_NOW_MS + v.stamps; /* it was started after all that */
    home_open(&v.b, NODE_STORE_READ);
    assert_int_equal(2, node_replica_count(v.a.r).entries);
    (void)sync_from(&v.a, &v.c, LIMIT_RANGE_BYTES, UINT32_MAX);
    assert_int_equal(7, node_replica_count(v.a.r).entries);
    assert_int_equal(5, node_replica_twins(v.a.r).reclaimed);
    assert_int_equal(0, node_replica_twins(v.a.r).elsewhere);
    write_some(v.a.r, 1);
    assert_int_equal(1, node_replica_graph(v.a.r)->chain_count);
    sync_both(&v.a, &v.c);
    assert_int_equal(0, forks_of(&v.a) + forks_of(&v.c));
    assert_same_state(&v.a, &v.c);
}

/* Own entries that wait stand behind the own tip: the next one goes beside them. */
static void a_write_while_own_entries_wait_makes_a_branch(void **state)
{
    (void)state;
    write_some(v.a.r, 1);
    home_twin(&v.twin, &v.a, "twin.db");
    write_some(v.b.r, 1);
    (void)sync_from(&v.twin, &v.b, LIMIT_RANGE_BYTES, UINT32_MAX);
    write_some(v.twin.r, 1); /* depends on b's */
    struct net_view view = node_replica_view(v.twin.r);
    struct cht_arena arena;
    struct net_heads heads;
    struct net_run run;
    static const uint8_t none[CRDT_DEP_HASH_BYTES];
    cht_arena_init(&arena, SIZE_MAX);
    assert_int_equal(CHT_OK, view.ops->heads(view.ctx, &arena, &heads));
    for (size_t i = 0; i < heads.stored_count; i++) {
        enum node_receipt receipt;
        if (memcmp(heads.stored[i].device, v.space.devices[1].device, CRDT_ID_BYTES) != 0)
            continue;
        assert_int_equal(CHT_OK, view.ops->read(view.ctx, &heads.stored[i], 1, none,
                                                LIMIT_RANGE_BYTES, &arena, &run));
        for (size_t k = 0; k < run.count; k++)
            assert_int_equal(CHT_OK,
                             node_replica_receive(v.a.r, &run.ranges[k], HOME_NOW_MS, &receipt));
    }
    cht_arena_clear(&arena);
    home_turn(&v.a, true);
    assert_int_equal(1, node_replica_count(v.a.r).waiting);
    write_some(v.a.r, 1);
    assert_int_equal(2, node_replica_graph(v.a.r)->chain_count);
    (void)sync_from(&v.a, &v.b, LIMIT_RANGE_BYTES, UINT32_MAX);
    sync_both(&v.a, &v.c);
    assert_same_state(&v.a, &v.c);
    assert_int_equal(4, node_replica_count(v.c.r).entries);
    assert_int_equal(0, forks_of(&v.c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VOICES(two_that_go_on_in_one_epoch_are_proved_and_lose_nothing),
        VOICES(the_device_goes_on_in_another_epoch_and_no_second_fork_comes),
        VOICES(one_that_hears_its_twin_first_never_forks),
        VOICES(a_process_that_was_really_duplicated_is_proved_and_goes_on),
        VOICES(a_device_that_gets_the_proof_alone_writes_no_more_in_that_epoch),
        VOICES(a_proof_is_kept_over_restarts_and_passed_on_by_who_has_one_branch),
        VOICES(what_proves_nothing_is_refused_and_not_kept),
        VOICES(a_copy_that_is_started_anew_is_no_fork),
        VOICES(what_a_restored_home_lost_comes_back_and_its_next_entry_follows_it),
        VOICES(a_write_while_own_entries_wait_makes_a_branch),
    };
    if (sodium_init() < 0)
        return 1;
    home_folder();
    int failed = cmocka_run_group_tests_name("prop_forks", tests, NULL, NULL);
    home_folder_remove();
    return failed;
}
