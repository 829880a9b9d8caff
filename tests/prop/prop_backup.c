/* A backup is one committed state, and who writes while it is made does not wait for it
 * (PROTOCOL 10.7). */
#include "node/store/backup.h"
#include "tests/prop/same.h"
#include "tests/prop/voices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>
#include <sodium.h>

#define AT_ONCE_MS 500u /* half of what a statement waits for another process */

static uint64_t now_ms(void)
{
    struct timespec t;
    assert_int_equal(0, clock_gettime(CLOCK_MONOTONIC, &t));
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void what_is_written_while_a_backup_is_made_neither_waits_nor_is_in_it(void **state)
{
    (void)state;
    const struct node_backup_note note = { .at_ms = HOME_NOW_MS };
    struct node_store *store = node_replica_store(v.a.r);
    struct cht_error detail = { 0 };
    struct node_backup *backup;
    struct home copy = { .runs = 0 };
    uint64_t done = 0, total = 0;
    bool end = false;
    home_path("backup.db", copy.path);
    write_some(v.a.r, 1);
    assert_int_equal(CHT_OK, node_backup_open(v.a.path, copy.path, false, &note, &detail, &backup));
    write_some(v.a.r, 1);
    uint64_t from = now_ms();
    assert_int_equal(CHT_E_BUSY, node_store_checkpoint(store));
    assert_true(now_ms() - from < AT_ONCE_MS);
    while (!end)
        assert_int_equal(CHT_OK, node_backup_step(backup, &detail, &done, &total, &end));
    node_backup_close(backup);
    assert_int_equal(CHT_OK, node_store_checkpoint(store));
    assert_int_equal(2, node_replica_count(v.a.r).entries);
    home_open(&copy, NODE_STORE_READ);
    assert_int_equal(1, node_replica_count(copy.r).entries);
    verify_whole(copy.r);
    home_close(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VOICES(what_is_written_while_a_backup_is_made_neither_waits_nor_is_in_it),
    };
    if (sodium_init() < 0)
        return 1;
    home_folder();
    int failed = cmocka_run_group_tests_name("prop_backup", tests, NULL, NULL);
    home_folder_remove();
    return failed;
}
