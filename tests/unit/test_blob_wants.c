/* Which blob is asked of whom (PROTOCOL 12.3). */
#include "net/blobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct net_blobs wants;
static const uint8_t laptop[CRDT_ID_BYTES] = { 1 }, desk[CRDT_ID_BYTES] = { 2 };

static int setup(void **state)
{
    (void)state;
    memset(&wants, 0, sizeof wants);
    return 0;
}

static struct net_blob_want *add(uint8_t number, bool urgent, uint64_t now_ms)
{
    struct crdt_hash hash = { .b = { number } };
    return net_blobs_add(&wants, &hash, 1000, urgent, now_ms);
}

static void what_a_person_waits_for_goes_first_then_the_oldest(void **state)
{
    (void)state;
    struct net_blob_want *old = add(1, false, 10), *late = add(2, false, 20);
    struct net_blob_want *urgent = add(3, true, 30);
    assert_ptr_equal(urgent, net_blobs_next(&wants, laptop));
    urgent->owner = &wants;
    assert_ptr_equal(old, net_blobs_next(&wants, laptop));
    assert_ptr_equal(late, add(2, true, 40)); /* somebody waits for it now: not a second one */
    assert_int_equal(3, wants.count);
    assert_ptr_equal(late, net_blobs_next(&wants, laptop));
}

static void one_that_is_fetched_is_asked_of_nobody_else(void **state)
{
    (void)state;
    struct net_blob_want *w = add(1, true, 10);
    w->owner = laptop;
    assert_null(net_blobs_next(&wants, desk));
    net_blobs_release(&wants, desk); /* another connection ends */
    assert_null(net_blobs_next(&wants, desk));
    net_blobs_release(&wants, laptop);
    assert_ptr_equal(w, net_blobs_next(&wants, desk));
}

static void who_has_it_not_is_asked_again_when_it_comes_anew_and_who_lied_never(void **state)
{
    (void)state;
    struct net_blob_want *w = add(1, true, 10);
    net_blobs_note(w, laptop, false);
    net_blobs_note(w, desk, true);
    assert_null(net_blobs_next(&wants, laptop));
    assert_null(net_blobs_next(&wants, desk));
    net_blobs_again(w, laptop);
    net_blobs_again(w, desk);
    assert_ptr_equal(w, net_blobs_next(&wants, laptop));
    assert_null(net_blobs_next(&wants, desk));
    net_blobs_note(w, desk, false); /* a later answer makes no lie good */
    net_blobs_again(w, desk);
    assert_false(net_blobs_may_ask(w, desk));
}

static void a_full_table_has_room_for_a_person_alone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LIMIT_BLOB_WANTS; i++)
        assert_non_null(add((uint8_t)(i + 1), false, i));
    assert_null(add(200, false, 100));
    for (unsigned i = 0; i + 1 < LIMIT_BLOB_WANTS; i++)
        wants.wants[i].owner = laptop;
    assert_non_null(add(200, true, 100));
    assert_int_equal(LIMIT_BLOB_WANTS, wants.count);
    assert_null(add(201, true, 100)); /* all are being fetched, or as urgent */
    net_blobs_drop(&wants, &wants.wants[0]);
    assert_int_equal(LIMIT_BLOB_WANTS - 1, wants.count);
    assert_non_null(add(201, true, 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_a_person_waits_for_goes_first_then_the_oldest, setup),
        cmocka_unit_test_setup(one_that_is_fetched_is_asked_of_nobody_else, setup),
        cmocka_unit_test_setup(who_has_it_not_is_asked_again_when_it_comes_anew_and_who_lied_never,
                               setup),
        cmocka_unit_test_setup(a_full_table_has_room_for_a_person_alone, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
