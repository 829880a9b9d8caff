/* What the reference model says of entries: waiting, names, voids (PROTOCOL 2, 3.6, 3.7 and 5.1).
 */
#include "tests/support/saying.h"

/* --- waiting (PROTOCOL 2.3, 2.4, 3.7, 5.1) -------------------------------------------------- */

static void counts_are(struct crdt_model *m, uint32_t applied, uint32_t waiting)
{
    assert_int_equal(CHT_OK, crdt_model_settle(m));
    assert_int_equal(applied, m->applied);
    assert_int_equal(waiting, m->waiting);
}

static void an_entry_waits_for_its_past(void **state)
{
    struct crdt_model *m = *state, later;
    struct cht_buf header[3], body[3];
    struct crdt_hash a = say(m, (struct say){ .ops = { PUT(CONTENT, "\xa1p") } });
    struct crdt_hash b = say(m, (struct say){ .prev = &a, .ops = { PUT(CONTENT, "\xa1q") } });
    const struct say said_them[3] = {
        { .ops = { PUT(CONTENT, "\xa1p") } },
        { .prev = &a, .ops = { PUT(CONTENT, "\xa1q") } },
        { .device = 1, .deps = { &b }, .ops = { PUT(CONTENT, "\xa1r") } },
    };
    crdt_model_init(&later);
    for (size_t i = 3; i > 0; i--) {
        cht_buf_init(&header[i - 1], LIMIT_HEADER_BYTES);
        cht_buf_init(&body[i - 1], LIMIT_BODY_BYTES);
        encode(m, &said_them[i - 1], &header[i - 1], &body[i - 1]);
        for (int twice = 0; twice < 2; twice++)
            assert_int_equal(CHT_OK, crdt_model_add(&later, cht_buf_view(&header[i - 1]),
                                                    cht_buf_view(&body[i - 1])));
        uint32_t held = 4 - (uint32_t)i;
        counts_are(&later, i == 1 ? 3 : 0, i == 1 ? 0 : held);
        assert_int_equal(i == 1, later.cell_count);
        cht_buf_clear(&header[i - 1]);
        cht_buf_clear(&body[i - 1]);
    }
    crdt_model_clear(&later);
}

static void a_previous_that_does_not_fit_is_never_applied(void **state)
{
    struct crdt_model *m = *state;
    struct crdt_hash a = say(m, (struct say){ .ops = { PUT(CONTENT, "\xa1p") } });
    (void)say(m, (struct say){ .prev = &a, .seq = 3, .ops = { PUT(CONTENT, "\xa1q") } });
    (void)say(m, (struct say){ .prev = &a, .device = 1, .ops = { PUT(CONTENT, "\xa1r") } });
    counts_are(m, 1, 2);
    shows(m, CONTENT, 1, BYTES("\xa1p"), false);
}

static void an_unknown_op_kind_waits_with_all_that_follows(void **state)
{
    struct crdt_model *m = *state;
    struct crdt_hash a = say(m, (struct say){ .body = BYTES("\x92\x93\x01\x01\xa1x\x91\x03") });
    struct crdt_hash b = say(m, (struct say){ .prev = &a, .ops = { PUT(CONTENT, "\xa1q") } });
    (void)say(m, (struct say){ .device = 1, .deps = { &b }, .ops = { PUT(CONTENT, "\xa1r") } });
    (void)say(m, (struct say){ .device = 2, .ops = { PUT(CONTENT, "\xa1s") } });
    counts_are(m, 1, 3);
    shows(m, CONTENT, 1, BYTES("\xa1s"), false);
}

static void a_body_that_is_not_the_named_one_is_refused(void **state)
{
    struct crdt_model *m = *state;
    struct cht_buf header, body;
    cht_buf_init(&header, LIMIT_HEADER_BYTES);
    cht_buf_init(&body, LIMIT_BODY_BYTES);
    encode(m, &(struct say){ .ops = { PUT(CONTENT, "\xa1p") } }, &header, &body);
    body.data[body.len - 1] ^= 1;
    assert_int_equal(CHT_E_SIGNATURE,
                     crdt_model_add(m, cht_buf_view(&header), cht_buf_view(&body)));
    assert_int_equal(CHT_E_MALFORMED,
                     crdt_model_add(m, cht_bytes(header.data, header.len - 1), NO_KEY));
    assert_int_equal(0, m->count);
    cht_buf_clear(&header);
    cht_buf_clear(&body);
}

/* --- names (PROTOCOL 2.5) ------------------------------------------------------------------- */

static void resolves_to(struct crdt_model *m, const struct crdt_hash *hash,
                        const struct crdt_id *id)
{
    assert_int_equal(CHT_OK, crdt_model_settle(m));
    const struct crdt_model_entry *e = entry(m, hash);
    assert_true(e->applied);
    assert_int_equal(id != NULL, e->resolved);
    if (id != NULL)
        assert_true(crdt_id_eq(id, &e->entity));
    else
        assert_true(e->voids[0]);
}

static void devices_are_numbered_by_first_mention_along_the_path(void **state)
{
    struct crdt_model *m = *state;
    const struct crdt_ref spelt = { .form = CRDT_REF_SPELT, .id = session };
    struct crdt_hash x = say(m, (struct say){ .device = 9, .ops = { PUT(CONTENT, "\xa1x") } });
    struct crdt_hash y =
        say(m, (struct say){ .device = 5, .entity = spelt, .ops = { PUT(2, "\xa1y") } });
    struct crdt_hash a =
        say(m, (struct say){ .deps = { &x }, .entity = by_number(1, 1), .ops = { DROP(CONTENT) } });
    struct crdt_hash b = say(
        m,
        (struct say){ .prev = &a, .deps = { &y }, .entity = by_number(2, 1), .ops = { DROP(2) } });
    struct crdt_hash c =
        say(m, (struct say){ .prev = &b, .entity = by_number(1, 1), .ops = { DROP(CONTENT) } });
    struct crdt_hash d =
        say(m, (struct say){ .prev = &c, .entity = by_number(3, 1), .ops = { DROP(CONTENT) } });
    struct crdt_hash e =
        say(m, (struct say){ .prev = &d, .entity = by_number(0, 1), .ops = { DROP(CONTENT) } });
    struct crdt_hash f =
        say(m, (struct say){ .prev = &e, .entity = by_hash(&y), .ops = { DROP(CONTENT) } });
    resolves_to(m, &a, &todo);
    resolves_to(m, &b, &session);
    resolves_to(m, &c, &todo);
    resolves_to(m, &d, NULL); /* no third device */
    resolves_to(m, &e, NULL); /* an entry that spelt nothing */
    resolves_to(m, &f, &session);
}

static void a_number_names_nothing_while_its_device_has_several_tips(void **state)
{
    struct crdt_model *m = *state;
    struct crdt_hash root = say(m, (struct say){ .device = 1, .ops = { PUT(CONTENT, "\xa1r") } });
    struct crdt_hash left =
        say(m, (struct say){ .device = 1, .prev = &root, .ops = { PUT(CONTENT, "\xa1l") } });
    struct crdt_hash right =
        say(m, (struct say){ .device = 1,
                             .prev = &root,
                             .entity = { .form = CRDT_REF_SPELT, .id = session },
                             .ops = { PUT(2, "\xa1r") } });
    struct crdt_hash both = say(m, (struct say){ .deps = { &left, &right },
                                                 .entity = by_number(1, 1),
                                                 .ops = { DROP(CONTENT) } });
    struct crdt_hash exact =
        say(m, (struct say){ .prev = &both, .entity = by_hash(&right), .ops = { DROP(CONTENT) } });
    struct crdt_hash joined = say(m, (struct say){ .device = 1,
                                                   .prev = &left,
                                                   .deps = { &right },
                                                   .entity = by_number(0, 2),
                                                   .ops = { DROP(CONTENT) } });
    struct crdt_hash after = say(
        m, (struct say){
               .device = 1, .prev = &joined, .entity = by_number(0, 2), .ops = { DROP(CONTENT) } });
    struct crdt_hash one = say(
        m, (struct say){
               .device = 2, .deps = { &right }, .entity = by_number(1, 2), .ops = { DROP(2) } });
    resolves_to(m, &both, NULL);
    resolves_to(m, &exact, &session);
    resolves_to(m, &joined, NULL); /* both branches are tips in its past */
    resolves_to(m, &after, &todo); /* the joining entry is the only tip; its path is the left one */
    resolves_to(m, &one, &session); /* who saw one branch only names it by number */
}

static void a_name_outside_the_past_resolves_to_nothing(void **state)
{
    struct crdt_model *m = *state;
    struct crdt_hash a = say(m, (struct say){ .ops = { PUT(CONTENT, "\xa1p") } });
    struct crdt_hash b =
        say(m, (struct say){ .device = 1, .entity = by_hash(&a), .ops = { DROP(CONTENT) } });
    resolves_to(m, &b, NULL);
    shows(m, CONTENT, 1, BYTES("\xa1p"), false);
}

/* --- voids (PROTOCOL 3.6) ------------------------------------------------------------------- */

static void a_void_op_makes_no_value_and_replaces_nothing(void **state)
{
    struct crdt_model *m = *state;
    struct crdt_hash a = say(m, (struct say){ .ops = { PUT(CONTENT, "\xa1p") } });
    struct crdt_hash b = say(m, (struct say){ .prev = &a,
                                              .ops = { PUT(CONTENT, "\x01"), PUT(NOTES, "\xa1n"),
                                                       PUT(STATUS, "\xa4none") } });
    shows(m, CONTENT, 1, BYTES("\xa1p"), false);
    shows(m, NOTES, 1, BYTES("\xa1n"), false);
    assert_null(crdt_model_cell(m, &todo, STATUS, NO_KEY));
    const struct crdt_model_entry *e = entry(m, &b);
    assert_true(e->voids[0] && !e->voids[1] && e->voids[2]);
}

static void an_actor_that_does_not_resolve_voids_the_entry(void **state)
{
    struct crdt_model *m = *state;
    const struct crdt_ref actor = { .form = CRDT_REF_SPELT, .id = { .b = { 5 } } };
    struct crdt_hash a = say(m, (struct say){ .actor = actor, .ops = { PUT(CONTENT, "\xa1p") } });
    struct crdt_hash b = say(
        m, (struct say){ .prev = &a, .actor = by_number(0, 1), .ops = { PUT(CONTENT, "\xa1q") } });
    struct crdt_hash c = say(
        m, (struct say){ .prev = &b, .actor = by_number(0, 2), .ops = { PUT(CONTENT, "\xa1r") } });
    resolves_to(m, &b, &todo);
    assert_true(crdt_id_eq(&actor.id, &entry(m, &b)->actor));
    resolves_to(m, &c, NULL);
    shows(m, CONTENT, 1, BYTES("\xa1q"), false);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(an_entry_waits_for_its_past),
        T(a_previous_that_does_not_fit_is_never_applied),
        T(an_unknown_op_kind_waits_with_all_that_follows),
        T(a_body_that_is_not_the_named_one_is_refused),
        T(devices_are_numbered_by_first_mention_along_the_path),
        T(a_number_names_nothing_while_its_device_has_several_tips),
        T(a_name_outside_the_past_resolves_to_nothing),
        T(a_void_op_makes_no_value_and_replaces_nothing),
        T(an_actor_that_does_not_resolve_voids_the_entry),
#undef T
    };
    return cmocka_run_group_tests_name("model_past", tests, NULL, NULL);
}
