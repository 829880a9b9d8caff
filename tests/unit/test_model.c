/* What the reference model says of values: replacing, showing, deletes, the root (PROTOCOL 3.5 and
 * 5). */
#include "tests/support/saying.h"

/* --- replacing (PROTOCOL 3.5, 5.3) ---------------------------------------------------------- */

static void a_value_replaces_what_it_saw_and_stands_beside_what_it_did_not(void **state)
{
    struct crdt_model *m = *state;
    struct crdt_hash a = say(m, (struct say){ .ops = { PUT(CONTENT, "\xa1p") } });
    struct crdt_hash b = say(m, (struct say){ .prev = &a, .ops = { PUT(CONTENT, "\xa1q") } });
    shows(m, CONTENT, 1, BYTES("\xa1q"), false);
    struct crdt_hash c =
        say(m, (struct say){ .device = 1, .deps = { &a }, .ops = { PUT(CONTENT, "\xa1r") } });
    shows(m, CONTENT, 2, BYTES("\xa1r"), true);
    (void)say(m, (struct say){ .device = 2, .deps = { &b, &c }, .ops = { DROP(CONTENT) } });
    assert_null(settled(m, CONTENT, NO_KEY));
    assert_int_equal(0, m->cell_count);
}

static void ops_of_one_entry_do_not_replace_each_other(void **state)
{
    struct crdt_model *m = *state;
    (void)say(
        m, (struct say){ .ops = { PUT(CONTENT, "\xa1z"), PUT(CONTENT, "\xa1p"), DROP(CONTENT) } });
    shows(m, CONTENT, 2, BYTES("\xa1p"), true);
}

static void an_element_added_beside_a_removal_stays(void **state)
{
    struct crdt_model *m = *state;
    struct crdt_hash a =
        say(m, (struct say){ .ops = { ADD(LABELS, "\xa1x"), ADD(LABELS, "\xa1y") } });
    (void)say(
        m, (struct say){ .prev = &a, .ops = { REMOVE(LABELS, "\xa1x"), REMOVE(LABELS, "\xa1y") } });
    (void)say(m, (struct say){ .device = 1, .deps = { &a }, .ops = { ADD(LABELS, "\xa1x") } });
    const struct crdt_model_cell *x = settled(m, LABELS, BYTES("\xa1x"));
    assert_non_null(x);
    assert_int_equal(1, x->count);
    assert_false(x->conflict);
    assert_null(crdt_model_cell(m, &todo, LABELS, BYTES("\xa1y")));
}

static void keeps_protect_values_of_other_devices_only(void **state)
{
    struct crdt_model *m = *state;
    struct crdt_hash other = say(m, (struct say){ .device = 1, .ops = { PUT(CONTENT, "\xa1o") } });
    struct crdt_hash own = say(m, (struct say){ .ops = { PUT(CONTENT, "\xa1s") } });
    struct crdt_hash beside = say(m, (struct say){ .device = 2, .ops = { PUT(CONTENT, "\xa1q") } });
    const struct crdt_keep keeps[] = {
        { .name = { .number = 1, .seq = 1 } },
        { .name = { .number = 0, .seq = 1 } },
        { .name = { .by_hash = true, .hash = beside } }, /* not in the past: ignored */
        { .name = { .number = 9, .seq = 9 } },
    };
    struct crdt_op put = PUT(CONTENT, "\xa1n");
    put.keeps = keeps;
    put.keep_count = 4;
    (void)say(m, (struct say){ .prev = &own, .deps = { &other }, .ops = { put } });
    shows(m, CONTENT, 3, BYTES("\xa1q"), true);
    const struct crdt_model_cell *c = crdt_model_cell(m, &todo, CONTENT, NO_KEY);
    assert_memory_equal("n", c->values[0].bytes.data + 1, 1);
    assert_memory_equal("o", c->values[1].bytes.data + 1, 1);
}

/* --- showing (PROTOCOL 5.4, 5.5, 5.7) ------------------------------------------------------- */

static void of_concurrent_words_the_furthest_is_shown_and_later_ones_replace(void **state)
{
    struct crdt_model *m = *state;
    struct crdt_hash a = say(m, (struct say){ .stamp = 1,
                                              .ops = { PUT(STATUS, "\xa9"
                                                                   "cancelled") } });
    struct crdt_hash b =
        say(m, (struct say){ .device = 1, .stamp = 9, .ops = { PUT(STATUS, "\xabin_progress") } });
    shows(m, STATUS, 2,
          BYTES("\xa9"
                "cancelled"),
          true);
    (void)say(
        m, (struct say){ .device = 2, .deps = { &a, &b }, .ops = { PUT(STATUS, "\xa7pending") } });
    shows(m, STATUS, 1, BYTES("\xa7pending"), false);
}

static void the_first_stamp_is_shown_of_a_creation_time_without_conflict(void **state)
{
    struct crdt_model *m = *state;
    (void)say(m, (struct say){ .stamp = 8, .ops = { PUT(CREATED, "\x01") } });
    (void)say(m, (struct say){ .device = 1, .stamp = 5, .ops = { PUT(CREATED, "\x09") } });
    shows(m, CREATED, 2, BYTES("\x09"), false);
}

#define CLAIM_OF(holder, yes, generation, counter)                                                 \
    "\x83\xa6holder" holder "\xa9"                                                                 \
    "confirmed" yes "\xa5token\x92" generation counter

/* Each stands before all that were said until then, whatever the stamps; the last has no holder. */
static void of_concurrent_claims_the_one_that_stands_is_shown_without_conflict(void **state)
{
    struct crdt_model *m = *state;
    (void)say(m, (struct say){ .stamp = 9,
                               .ops = { PUT(41, CLAIM_OF("\xa1x", "\xc2", "\x05", "\x05")) } });
    shows(m, 41, 1, BYTES(CLAIM_OF("\xa1x", "\xc2", "\x05", "\x05")), false);
    (void)say(m, (struct say){ .device = 1,
                               .stamp = 8,
                               .ops = { PUT(41, CLAIM_OF("\xa1y", "\xc3", "\x01", "\x09")) } });
    shows(m, 41, 2, BYTES(CLAIM_OF("\xa1y", "\xc3", "\x01", "\x09")), false); /* confirmed */
    (void)say(m, (struct say){ .device = 2,
                               .stamp = 7,
                               .ops = { PUT(41, CLAIM_OF("\xa1z", "\xc3", "\x02", "\x01")) } });
    shows(m, 41, 3, BYTES(CLAIM_OF("\xa1z", "\xc3", "\x02", "\x01")), false); /* generation */
}

static void of_equal_claims_the_first_stamp_stands_and_one_that_nobody_holds_never(void **state)
{
    struct crdt_model *m = *state;
    (void)say(m, (struct say){ .stamp = 5,
                               .ops = { PUT(41, CLAIM_OF("\xa1x", "\xc2", "\x01", "\x01")) } });
    (void)say(m, (struct say){ .device = 1,
                               .stamp = 4,
                               .ops = { PUT(41, CLAIM_OF("\xa1y", "\xc2", "\x01", "\x01")) } });
    shows(m, 41, 2, BYTES(CLAIM_OF("\xa1y", "\xc2", "\x01", "\x01")), false);
    (void)say(m, (struct say){ .device = 2,
                               .stamp = 1,
                               .ops = { PUT(41, CLAIM_OF("\xa0", "\xc3", "\x09", "\x09")) } });
    shows(m, 41, 3, BYTES(CLAIM_OF("\xa1y", "\xc2", "\x01", "\x01")), false);
}

static void the_highest_time_is_shown_of_a_max_register(void **state)
{
    struct crdt_model *m = *state;
    const struct crdt_ref ref = { .form = CRDT_REF_SPELT, .id = session };
    (void)say(m, (struct say){ .stamp = 8, .entity = ref, .ops = { PUT(17, "\xcc\x80") } });
    (void)say(m,
              (struct say){ .device = 1, .stamp = 9, .entity = ref, .ops = { PUT(17, "\x7f") } });
    assert_int_equal(CHT_OK, crdt_model_settle(m));
    const struct crdt_model_cell *c = crdt_model_cell(m, &session, 17, NO_KEY);
    assert_int_equal(2, c->count);
    assert_true(cht_bytes_eq(BYTES("\xcc\x80"), c->values[c->shown].bytes));
    assert_false(c->conflict);
}

static void equal_stamps_are_decided_by_device_then_epoch(void **state)
{
    struct crdt_model *m = *state;
    (void)say(m, (struct say){ .device = 1, .epoch = 0, .ops = { PUT(CONTENT, "\xa1q") } });
    (void)say(m, (struct say){ .device = 0, .epoch = 3, .ops = { PUT(CONTENT, "\xa1z") } });
    shows(m, CONTENT, 2, BYTES("\xa1q"), true);
    (void)say(m, (struct say){ .device = 1, .epoch = 2, .ops = { PUT(CONTENT, "\xa1p") } });
    shows(m, CONTENT, 3, BYTES("\xa1p"), true);
}

static void branches_of_one_epoch_are_decided_by_the_value(void **state)
{
    struct crdt_model *m = *state;
    (void)say(m, (struct say){ .ops = { PUT(CONTENT, "\xa1p") } });
    (void)say(m, (struct say){ .ops = { PUT(CONTENT, "\xa1z") } });
    (void)say(m, (struct say){ .ops = { PUT(CONTENT, "\xa1r") } });
    shows(m, CONTENT, 3, BYTES("\xa1z"), true);
}

static void equal_texts_in_different_bytes_are_no_conflict(void **state)
{
    struct crdt_model *m = *state;
    (void)say(m, (struct say){ .ops = { PUT(NOTES, "\xa1t"), PUT(CONTENT, "\xa1t") } });
    (void)say(m, (struct say){ .device = 1,
                               .ops = { PUT(NOTES, "\xd9\x01t"), PUT(CONTENT, "\xd9\x01t") } });
    shows(m, NOTES, 2, BYTES("\xd9\x01t"), false);
    shows(m, CONTENT, 2, BYTES("\xd9\x01t"), true);
    (void)say(m, (struct say){ .device = 2, .ops = { PUT(NOTES, "\xa1u") } });
    shows(m, NOTES, 3, BYTES("\xa1u"), true);
}

/* --- deletes (PROTOCOL 5.6) ----------------------------------------------------------------- */

static void deleted_is(struct crdt_model *m, bool hidden, bool contested)
{
    assert_int_equal(CHT_OK, crdt_model_settle(m));
    assert_int_equal(hidden, crdt_model_hidden(m, &todo));
    assert_int_equal(contested, crdt_model_contested(m, &todo));
}

static void a_delete_hides_and_what_it_did_not_see_contests_it(void **state)
{
    struct crdt_model *m = *state;
    struct crdt_hash a = say(m, (struct say){ .ops = { PUT(CONTENT, "\xa1p") } });
    deleted_is(m, false, false);
    struct crdt_hash d = say(m, (struct say){ .prev = &a, .ops = { PUT(0, "\xc3") } });
    deleted_is(m, true, false);
    (void)say(m, (struct say){ .device = 1, .deps = { &a }, .ops = { PUT(NOTES, "\xa1n") } });
    deleted_is(m, true, true);
    (void)say(m, (struct say){ .prev = &d, .ops = { PUT(0, "\xc2") } });
    deleted_is(m, false, false);
}

static void what_one_of_two_deletes_saw_does_not_contest(void **state)
{
    struct crdt_model *m = *state;
    struct crdt_hash a = say(m, (struct say){ .ops = { PUT(CONTENT, "\xa1p") } });
    (void)say(m, (struct say){ .device = 1, .ops = { PUT(0, "\xc3") } });
    deleted_is(m, true, true);
    (void)say(m, (struct say){ .device = 2, .deps = { &a }, .ops = { PUT(0, "\xc3") } });
    deleted_is(m, true, false);
}

static void a_revival_that_saw_a_value_is_no_delete_of_it(void **state)
{
    struct crdt_model *m = *state;
    struct crdt_hash a = say(m, (struct say){ .ops = { PUT(CONTENT, "\xa1p") } });
    (void)say(m, (struct say){ .device = 1, .stamp = 9, .ops = { PUT(0, "\xc3") } });
    (void)say(m, (struct say){ .device = 2, .deps = { &a }, .ops = { PUT(0, "\xc2") } });
    deleted_is(m, true, true);
    shows(m, 0, 2, BYTES("\xc3"), true);
}

static void what_a_delete_keeps_contests_it(void **state)
{
    struct crdt_model *m = *state;
    struct crdt_hash a = say(m, (struct say){ .ops = { PUT(CONTENT, "\xa1p") } });
    struct crdt_hash b = say(
        m, (struct say){ .device = 1, .ops = { PUT(STATUS, "\xa7pending"), PUT(NOTES, "\xa1n") } });
    const struct crdt_keep own = { .name = { .number = 0, .seq = 1 } };
    const struct crdt_keep other = { .name = { .number = 1, .seq = 1 }, .index = 1 };
    struct crdt_op put = PUT(0, "\xc3");
    put.keep_count = 1;
    put.keeps = &own;
    struct crdt_hash d = say(m, (struct say){ .prev = &a, .deps = { &b }, .ops = { put } });
    deleted_is(m, true, false);
    put.keeps = &other;
    (void)say(m, (struct say){ .prev = &d, .ops = { put } });
    deleted_is(m, true, true);
    assert_non_null(crdt_model_cell(m, &todo, NOTES, NO_KEY));
}

/* --- the root (PROTOCOL 5.8) ---------------------------------------------------------------- */

static void the_root_is_the_one_written_down_here(void **state)
{
    struct crdt_model *m = *state;
    uint8_t want[CRDT_HASH_BYTES];
    static const uint8_t zeros[CRDT_HASH_BYTES];
    assert_int_equal(CHT_OK, crdt_model_settle(m));
    assert_memory_equal(zeros, m->root, sizeof zeros);
    struct crdt_hash a =
        say(m, (struct say){ .ops = { PUT(CONTENT, "\xa5hello"), PUT(NOTES, "\xa4text") } });
    (void)say(m, (struct say){ .prev = &a,
                               .epoch = 1,
                               .entity = { .form = CRDT_REF_SPELT, .id = session },
                               .ops = { { .kind = CRDT_OP_PUT,
                                          .field = STATE_MAP,
                                          .key = BYTES("\xa1k"),
                                          .value = BYTES("\x92\x01\x02") },
                                        PUT(200, "\xc0") } });
    (void)say(m, (struct say){ .device = 1, .ops = { ADD(LABELS, "\xa3tag") } });
    assert_int_equal(CHT_OK, crdt_model_settle(m));
    assert_int_equal(
        CHT_OK,
        crdt_unhex(BYTES("dbd7bc358f38a4d7b203fd08556f592d5e1703862e423bb8e548baca826fefe1"), want,
                   sizeof want));
    assert_memory_equal(want, m->root, sizeof want);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(a_value_replaces_what_it_saw_and_stands_beside_what_it_did_not),
        T(ops_of_one_entry_do_not_replace_each_other),
        T(an_element_added_beside_a_removal_stays),
        T(keeps_protect_values_of_other_devices_only),
        T(of_concurrent_words_the_furthest_is_shown_and_later_ones_replace),
        T(the_first_stamp_is_shown_of_a_creation_time_without_conflict),
        T(the_highest_time_is_shown_of_a_max_register),
        T(of_concurrent_claims_the_one_that_stands_is_shown_without_conflict),
        T(of_equal_claims_the_first_stamp_stands_and_one_that_nobody_holds_never),
        T(equal_stamps_are_decided_by_device_then_epoch),
        T(branches_of_one_epoch_are_decided_by_the_value),
        T(equal_texts_in_different_bytes_are_no_conflict),
        T(a_delete_hides_and_what_it_did_not_see_contests_it),
        T(what_one_of_two_deletes_saw_does_not_contest),
        T(a_revival_that_saw_a_value_is_no_delete_of_it),
        T(what_a_delete_keeps_contests_it),
        T(the_root_is_the_one_written_down_here),
#undef T
    };
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
