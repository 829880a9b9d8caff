/* The files of attachments (PROTOCOL 12.4): whole or not there, checked, and bounded. */
#include "node/blobs/blobs.h"

#include "crdt/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define KIB 1024u

static char folder[64], command[128];
static struct node_blobs *blobs;
static uint8_t content[64 * KIB];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/chitty-blobs-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(folder + strlen(folder), sizeof folder - strlen(folder), "/blobs");
    assert_int_equal(CHT_OK, node_blobs_open(folder, NULL, &blobs));
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (uint8_t)(i * 31 + i / 256);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    node_blobs_close(blobs);
    blobs = NULL;
    (void)snprintf(command, sizeof command, "rm -rf %.*s", (int)(strrchr(folder, '/') - folder),
                   folder);
    return system(command);
}

static void reopen(void)
{
    node_blobs_close(blobs);
    blobs = NULL;
    assert_int_equal(CHT_OK, node_blobs_open(folder, NULL, &blobs));
}

static struct cht_bytes part(uint8_t number, size_t len)
{
    content[0] = number;
    return cht_bytes(content, len);
}

/* One that a client attached. */
static struct crdt_hash attach(uint8_t number, size_t len)
{
    struct node_blob_writer *w;
    struct crdt_hash hash;
    assert_int_equal(CHT_OK, node_blob_begin(blobs, len, NULL, &w));
    assert_int_equal(CHT_OK, node_blob_write(w, part(number, len)));
    assert_int_equal(CHT_OK, node_blob_finish(blobs, w, true, 1000, &hash));
    return hash;
}

/* One that came from a peer at that time. */
static struct crdt_hash fetch(uint8_t number, size_t len, uint64_t now_ms)
{
    struct node_blob_writer *w;
    const struct crdt_hash want = crdt_hash_of(part(number, len));
    struct crdt_hash hash;
    assert_int_equal(CHT_OK, node_blob_resume(blobs, &want, len, NULL, &w));
    assert_int_equal(CHT_OK, node_blob_write(w, part(number, len)));
    assert_int_equal(CHT_OK, node_blob_finish(blobs, w, false, now_ms, &hash));
    return hash;
}

static void quota(uint64_t bytes)
{
    struct node_blob_policy p = node_blobs_policy(blobs);
    p.quota_bytes = bytes;
    assert_int_equal(CHT_OK, node_blobs_set_policy(blobs, &p, NULL));
}

static void path_of(const struct crdt_hash *hash, char *out, size_t size)
{
    size_t at = (size_t)snprintf(out, size, "%s/%02x/", folder, hash->b[0]);
    for (size_t i = 1; i < CRDT_HASH_BYTES; i++)
        at += (size_t)snprintf(out + at, size - at, "%02x", hash->b[i]);
}

static enum cht_err check(const struct crdt_hash *hash)
{
    struct node_blob_reader *r;
    uint64_t done;
    assert_int_equal(CHT_OK, node_blob_open(blobs, hash, 5000, &r));
    enum cht_err err = CHT_E_WAITING;
    while (err == CHT_E_WAITING)
        err = node_blob_check(blobs, r, &done);
    node_blob_shut(r);
    return err;
}

/* --- writing and reading ------------------------------------------------------------------- */

static void what_is_written_has_its_hash_as_its_name_and_is_there_after_a_start(void **state)
{
    (void)state;
    const struct crdt_hash hash = attach(1, 3000), want = crdt_hash_of(part(1, 3000));
    uint8_t got[4000];
    char path[256];
    struct node_blob_reader *r;
    struct stat s;
    size_t len;
    assert_memory_equal(want.b, hash.b, CRDT_HASH_BYTES);
    path_of(&hash, path, sizeof path);
    assert_int_equal(0, stat(path, &s));
    assert_int_equal(0600, s.st_mode & 0777);
    reopen();
    assert_int_equal(1, node_blobs_count(blobs));
    assert_int_equal(3000, node_blobs_bytes(blobs));
    assert_true(node_blobs_find(blobs, &hash)->own);
    assert_false(node_blobs_find(blobs, &hash)->checked);
    assert_int_equal(CHT_OK, check(&hash));
    assert_int_equal(CHT_OK, node_blob_open(blobs, &hash, 5000, &r));
    assert_int_equal(CHT_OK, node_blob_read(r, 1000, got, sizeof got, &len));
    assert_int_equal(2000, len);
    assert_memory_equal(content + 1000, got, len);
    node_blob_shut(r);
}

static void one_that_is_not_whole_is_not_there(void **state)
{
    (void)state;
    struct node_blob_writer *w;
    struct crdt_hash hash;
    assert_int_equal(CHT_OK, node_blob_begin(blobs, 3000, NULL, &w));
    assert_int_equal(CHT_OK, node_blob_write(w, part(1, 2000)));
    assert_int_equal(CHT_E_LIMIT, node_blob_write(w, part(1, 1001)));
    assert_int_equal(CHT_E_INVALID, node_blob_finish(blobs, w, true, 1000, &hash));
    assert_int_equal(0, node_blobs_count(blobs));
    assert_int_equal(0, node_blobs_bytes(blobs));
    assert_int_equal(CHT_E_LIMIT, node_blob_begin(blobs, LIMIT_BLOB_BYTES + 1ull, NULL, &w));
}

static void the_same_content_twice_is_one_file(void **state)
{
    (void)state;
    const struct crdt_hash one = fetch(1, 3000, 1000);
    assert_false(node_blobs_find(blobs, &one)->own);
    const struct crdt_hash other = attach(1, 3000);
    assert_memory_equal(one.b, other.b, CRDT_HASH_BYTES);
    assert_int_equal(1, node_blobs_count(blobs));
    assert_int_equal(3000, node_blobs_bytes(blobs));
    assert_true(node_blobs_find(blobs, &one)->own); /* this device answers for it now */
}

static void a_fetch_goes_on_where_it_was_cut_off(void **state)
{
    (void)state;
    struct node_blob_writer *w;
    const struct crdt_hash want = crdt_hash_of(part(1, 3000));
    struct crdt_hash hash;
    assert_int_equal(CHT_OK, node_blob_resume(blobs, &want, 3000, NULL, &w));
    assert_int_equal(CHT_OK, node_blob_catch_up(w));
    assert_int_equal(CHT_OK, node_blob_write(w, part(1, 1000)));
    assert_true(node_blob_all_new(w));
    node_blob_abandon(blobs, w, true);
    reopen();
    assert_int_equal(0, node_blobs_count(blobs));
    assert_int_equal(CHT_OK, node_blob_resume(blobs, &want, 3000, NULL, &w));
    assert_int_equal(CHT_OK, node_blob_catch_up(w));
    assert_int_equal(1000, node_blob_written(w));
    assert_false(node_blob_all_new(w));
    assert_int_equal(CHT_OK, node_blob_write(w, cht_bytes(content + 1000, 2000)));
    assert_int_equal(CHT_OK, node_blob_finish(blobs, w, false, 1000, &hash));
    assert_int_equal(CHT_OK, check(&hash));
}

static void other_bytes_than_were_wanted_are_thrown_away(void **state)
{
    (void)state;
    struct node_blob_writer *w;
    const struct crdt_hash want = crdt_hash_of(part(1, 3000));
    struct crdt_hash hash;
    assert_int_equal(CHT_OK, node_blob_resume(blobs, &want, 3000, NULL, &w));
    assert_int_equal(CHT_OK, node_blob_write(w, part(2, 3000)));
    assert_int_equal(CHT_E_CORRUPT, node_blob_finish(blobs, w, false, 1000, &hash));
    assert_int_equal(0, node_blobs_count(blobs));
    assert_int_equal(CHT_OK, node_blob_resume(blobs, &want, 3000, NULL, &w));
    assert_int_equal(CHT_OK, node_blob_catch_up(w));
    assert_int_equal(0, node_blob_written(w)); /* from the first byte on */
    node_blob_abandon(blobs, w, false);
}

static void a_file_that_rotted_is_found_at_its_first_reading_and_set_aside(void **state)
{
    (void)state;
    const struct crdt_hash hash = attach(1, 3000);
    char path[256];
    path_of(&hash, path, sizeof path);
    FILE *file = fopen(path, "r+be");
    assert_non_null(file);
    assert_int_equal(0, fseek(file, 1500, SEEK_SET));
    assert_int_equal('?', fputc('?', file));
    assert_int_equal(0, fclose(file));
    reopen();
    assert_int_equal(CHT_E_CORRUPT, check(&hash));
    assert_null(node_blobs_find(blobs, &hash));
    assert_int_equal(1, node_blobs_damaged(blobs));
    assert_int_not_equal(0, access(path, F_OK));
    node_blobs_forget_damaged(blobs);
    assert_int_equal(0, node_blobs_damaged(blobs));
}

/* --- room ---------------------------------------------------------------------------------- */

static void fetched_ones_make_room_the_one_not_used_for_longest_first(void **state)
{
    (void)state;
    quota(10 * KIB);
    const struct crdt_hash own = attach(1, 3 * KIB), old = fetch(2, 3 * KIB, 1000);
    const struct crdt_hash late = fetch(3, 3 * KIB, 2000), now = fetch(4, 3 * KIB, 3000);
    assert_null(node_blobs_find(blobs, &old));
    assert_non_null(node_blobs_find(blobs, &late));
    assert_non_null(node_blobs_find(blobs, &now));
    assert_non_null(node_blobs_find(blobs, &own));
    assert_int_equal(9 * KIB, node_blobs_bytes(blobs));
}

static void what_is_nowhere_else_makes_room_for_nothing(void **state)
{
    (void)state;
    struct node_blob_writer *w;
    struct cht_error detail = { 0 };
    quota(10 * KIB);
    const struct crdt_hash one = attach(1, 4 * KIB), other = attach(2, 4 * KIB);
    assert_int_equal(CHT_E_FULL, node_blob_begin(blobs, 4 * KIB, &detail, &w));
    assert_non_null(strstr(detail.text, "quota"));
    assert_int_equal(2, node_blobs_count(blobs));
    node_blobs_kept(blobs, &one); /* another device answers for it */
    reopen();
    assert_int_equal(CHT_OK, node_blob_begin(blobs, 4 * KIB, NULL, &w));
    assert_null(node_blobs_find(blobs, &one));
    assert_true(node_blobs_kept_elsewhere(blobs, &one));
    assert_non_null(node_blobs_find(blobs, &other));
    node_blob_abandon(blobs, w, false);
    assert_int_equal(CHT_E_FULL, node_blob_begin(blobs, 11 * KIB, NULL, &w));
}

static void what_is_being_written_counts_against_the_quota(void **state)
{
    (void)state;
    struct node_blob_writer *one, *other;
    quota(10 * KIB);
    assert_int_equal(CHT_OK, node_blob_begin(blobs, 6 * KIB, NULL, &one));
    assert_int_equal(CHT_E_FULL, node_blob_begin(blobs, 6 * KIB, NULL, &other));
    node_blob_abandon(blobs, one, false);
    assert_int_equal(CHT_OK, node_blob_begin(blobs, 6 * KIB, NULL, &other));
    node_blob_abandon(blobs, other, false);
}

static void one_that_no_record_names_goes_when_its_time_is_over(void **state)
{
    (void)state;
    const struct crdt_hash gone = fetch(1, 3000, 1000), back = fetch(2, 3000, 1000);
    const struct crdt_hash named = attach(3, 3000);
    size_t count;
    uint64_t bytes;
    node_blobs_named(blobs, &gone, false, 100000);
    node_blobs_named(blobs, &back, false, 100000);
    node_blobs_named(blobs, &named, true, 100000);
    node_blobs_named(blobs, &back, true, 200000);
    node_blobs_prune(blobs, 99999, &count, &bytes);
    assert_int_equal(0, count);
    node_blobs_prune(blobs, 100000, &count, &bytes);
    assert_int_equal(1, count);
    assert_int_equal(3000, bytes);
    reopen();
    assert_null(node_blobs_find(blobs, &gone));
    assert_non_null(node_blobs_find(blobs, &back));
    assert_non_null(node_blobs_find(blobs, &named));
}

static void what_a_person_set_stays_set(void **state)
{
    (void)state;
    struct node_blob_policy p = node_blobs_policy(blobs);
    assert_int_equal(NODE_BLOB_QUOTA_BYTES, p.quota_bytes);
    assert_int_equal(0, p.fetch_below_bytes);
    assert_false(p.keep);
    p = (struct node_blob_policy){ .quota_bytes = 7777, .fetch_below_bytes = 88, .keep = true };
    assert_int_equal(CHT_OK, node_blobs_set_policy(blobs, &p, NULL));
    reopen();
    p = node_blobs_policy(blobs);
    assert_int_equal(7777, p.quota_bytes);
    assert_int_equal(88, p.fetch_below_bytes);
    assert_true(p.keep);
}

static void another_home_has_them_too_and_drops_them_by_itself(void **state)
{
    (void)state;
    struct node_blobs *other;
    char second[96];
    const struct crdt_hash own = attach(1, 3000), fetched = fetch(2, 2000, 1000);
    (void)snprintf(second, sizeof second, "%s2", folder);
    assert_int_equal(CHT_OK, node_blobs_share(folder, second));
    assert_int_equal(CHT_OK, node_blobs_share(folder, second)); /* again is fine */
    assert_int_equal(CHT_OK, node_blobs_open(second, NULL, &other));
    assert_int_equal(2, node_blobs_count(other));
    assert_true(node_blobs_find(other, &own)->own);
    assert_false(node_blobs_find(other, &fetched)->own);
    const struct node_blob_policy small = { .quota_bytes = 4000 };
    assert_int_equal(CHT_OK, node_blobs_set_policy(other, &small, NULL));
    assert_int_equal(CHT_OK, node_blobs_room(other, 500, NULL));
    assert_null(node_blobs_find(other, &fetched));
    node_blobs_close(other);
    reopen();
    assert_int_equal(2, node_blobs_count(blobs));
    assert_int_equal(CHT_OK, check(&fetched));
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_is_written_has_its_hash_as_its_name_and_is_there_after_a_start),
        T(one_that_is_not_whole_is_not_there),
        T(the_same_content_twice_is_one_file),
        T(a_fetch_goes_on_where_it_was_cut_off),
        T(other_bytes_than_were_wanted_are_thrown_away),
        T(a_file_that_rotted_is_found_at_its_first_reading_and_set_aside),
        T(fetched_ones_make_room_the_one_not_used_for_longest_first),
        T(what_is_nowhere_else_makes_room_for_nothing),
        T(what_is_being_written_counts_against_the_quota),
        T(one_that_no_record_names_goes_when_its_time_is_over),
        T(what_a_person_set_stays_set),
        T(another_home_has_them_too_and_drops_them_by_itself),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
