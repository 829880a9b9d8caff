/* What roles and revocations do to entries (PROTOCOL 7.20 to 7.27). */
#include "tests/support/ruling_scene.h"

/* --- revocations ---------------------------------------------------------------------------- */

static void a_revocation_voids_what_is_outside_its_cutoff(void **state)
{
    struct scene *s = *state;
    assert_stands(s, 1, 9, 3);
    assert_int_equal(0, net_members_changes(s->m, s->id[1].device));
    uint32_t r = revoke(s, 0, 1, 3, 5);
    assert_stands(s, 1, 5, 3);
    assert_void(s, 1, 6, 3, NET_VOID_REVOKED, r);
    assert_void(s, 1, 6, r, NET_VOID_REVOKED, r); /* naming it does not help */
    assert_stands(s, 2, 6, 3);
    assert_int_equal(1, net_members_changes(s->m, s->id[1].device));
    assert_int_equal(0, net_members_changes(s->m, s->id[2].device));
    assert_int_equal(0, role_now(s, 1));
    assert_int_equal(NET_ROLE_ADMIN, role_now(s, 2));
}

static void a_cutoff_of_nothing_leaves_nothing(void **state)
{
    struct scene *s = *state;
    uint32_t r = revoke(s, 0, 1, 3, 0);
    assert_void(s, 1, 1, 3, NET_VOID_REVOKED, r);
}

static void a_cutoff_that_is_not_held_brings_its_past_when_it_comes(void **state)
{
    struct scene *s = *state;
    struct net_tip held = tip_of(101), other = tip_of(101);
    uint32_t r = revoke(s, 0, 1, 3, 101);
    assert_void(s, 1, 1, 3, NET_VOID_REVOKED, r);
    assert_true(net_members_cuts_at(s->m, s->id[1].device, &held));
    assert_false(net_members_cuts_at(s->m, s->id[2].device, &held));
    other.hash.b[31] = 1; /* exactly as written */
    assert_false(net_members_cuts_at(s->m, s->id[1].device, &other));
    other = held;
    other.epoch[7] = 1;
    assert_false(net_members_cuts_at(s->m, s->id[1].device, &other));
}

static void of_two_who_revoke_each_other_the_senior_stays_in_every_order(void **state)
{
    struct scene *s = *state;
    uint32_t both[2];
    both[0] = record(s, (struct plan){ NET_RECORD_REVOKE, s->senior, s->junior, 1, { 3 }, 0 });
    both[1] = record(s, (struct plan){ NET_RECORD_REVOKE, s->junior, s->senior, 1, { 3 }, 0 });
    for (uint32_t order = 0; order < 2; order++) {
        struct net_members *m = net_members_new(s->space);
        struct net_members *kept = s->m;
        s->m = m;
        for (uint32_t i = 0; i <= 3; i++)
            assert_int_equal(CHT_OK, add(s, i));
        assert_int_equal(CHT_OK, add(s, both[order]));
        assert_int_equal(CHT_OK, add(s, both[1 - order]));
        assert_int_equal(NET_ROLE_ADMIN, role_now(s, s->senior));
        assert_int_equal(0, role_now(s, s->junior));
        assert_stands(s, s->senior, 1, 3);
        assert_void(s, s->junior, 1, 3, NET_VOID_REVOKED, both[0]);
        net_members_free(m);
        s->m = kept;
    }
}

static void a_junior_may_revoke_a_senior_who_does_not_object(void **state)
{
    struct scene *s = *state;
    (void)revoke(s, s->junior, 0, 3, 0);
    assert_int_equal(0, role_now(s, 0));
    assert_int_equal(NET_ROLE_ADMIN, role_now(s, s->junior));
}

static void the_recovery_key_outranks_all(void **state)
{
    struct scene *s = *state;
    uint32_t theirs = revoke(s, 0, 1, 3, 0);
    assert_int_equal(0, role_now(s, 1));
    uint32_t first = take(s, (struct plan){ NET_RECORD_REVOKE, RECOVERY, 0, 2, { 3 }, 0 });
    assert_int_equal(0, role_now(s, 0));
    assert_int_equal(NET_ROLE_ADMIN, role_now(s, 1)); /* its revocation fell with its author */
    assert_false(net_members_counts(s->m, theirs));
    assert_true(net_members_counts(s->m, first));
    assert_int_equal(2, net_members_changes(s->m, s->id[1].device));
    (void)take(s, (struct plan){ NET_RECORD_ADMIT, RECOVERY, 4, NET_ROLE_ADMIN, { first }, 0 });
    assert_int_equal(NET_ROLE_ADMIN, role_now(s, 4));
}

static void what_the_revoked_admits_unseen_is_void_and_what_is_seen_stands(void **state)
{
    struct scene *s = *state;
    uint32_t seen = take(s, (struct plan){ NET_RECORD_ADMIT, 1, 4, NET_ROLE_ADMIN, { 3 }, 0 });
    assert_stands(s, 4, 1, seen);
    uint32_t unseen = revoke(s, 2, 1, 3, 0); /* beside the admission */
    assert_void(s, 4, 1, seen, NET_VOID_ADMISSION, seen);
    assert_int_equal(0, role_now(s, 4));
    assert_int_equal(1, net_members_changes(s->m, s->id[4].device));
    assert_int_equal(NET_ACCESS_REVOKED, net_members_access(s->m, s->id[4].cert.transport_pk));
    /* others may still take it in */
    (void)take(s, (struct plan){ NET_RECORD_ADMIT, 0, 4, NET_ROLE_WRITER, { seen, unseen }, 0 });
    assert_int_equal(NET_ROLE_WRITER, role_now(s, 4));
    assert_void(s, 4, 1, seen, NET_VOID_ADMISSION, seen);
}

static void an_admission_that_the_revocation_has_seen_stands(void **state)
{
    struct scene *s = *state;
    uint32_t seen = take(s, (struct plan){ NET_RECORD_ADMIT, 1, 4, NET_ROLE_ADMIN, { 3 }, 0 });
    (void)revoke(s, 0, 1, seen, 0);
    assert_stands(s, 4, 1, seen);
    assert_int_equal(NET_ROLE_ADMIN, role_now(s, 4));
}

static void a_ruling_that_was_decided_stays_when_its_authors_admission_falls(void **state)
{
    struct scene *s = *state;
    /* 3 admits 4, whom then nobody outranks but 0 to 3; 4 revokes 2; 1 revokes 3 unseen */
    uint32_t admit = take(s, (struct plan){ NET_RECORD_ADMIT, 3, 4, NET_ROLE_ADMIN, { 3 }, 0 });
    uint32_t by4 = revoke(s, 4, 2, admit, 0);
    assert_int_equal(0, role_now(s, 2));
    (void)revoke(s, 1, 3, 3, 0);
    /* 1 is senior to 4: decided first, it unmakes 4 before 4 is heard */
    assert_int_equal(NET_ROLE_ADMIN, role_now(s, 2));
    assert_false(net_members_counts(s->m, by4));
    assert_int_equal(0, role_now(s, 4));
}

/* --- several -------------------------------------------------------------------------------- */

static void concurrent_cutoffs_of_a_lost_device_add_up(void **state)
{
    struct scene *s = *state;
    (void)revoke(s, 0, 1, 3, 5);
    (void)revoke(s, 2, 1, 3, 8);
    assert_stands(s, 1, 8, 3);
    assert_int_equal(NET_VOID_REVOKED, judged(s, 1, 9, 3).standing);
}

static void of_a_compromised_device_only_what_all_leave_is_left(void **state)
{
    struct scene *s = *state;
    (void)revoke(s, 0, 1, 3, 5);
    (void)take(s, (struct plan){ NET_RECORD_REVOKE, 2, 1, NET_WHY_COMPROMISED, { 3 }, .cut = 8 });
    assert_stands(s, 1, 5, 3);
    assert_int_equal(NET_VOID_REVOKED, judged(s, 1, 6, 3).standing);
}

static void a_raised_cutoff_brings_entries_back_and_a_lowered_takes_them(void **state)
{
    struct scene *s = *state;
    uint32_t low = revoke(s, 0, 1, 3, 5);
    uint32_t high = revoke(s, 2, 1, low, 8);
    assert_stands(s, 1, 8, 3);
    assert_void(s, 1, 9, 3, NET_VOID_REVOKED, high);
    uint32_t lower =
        take(s, (struct plan){ NET_RECORD_REVOKE, 0, 1, NET_WHY_COMPROMISED, { high }, .cut = 3 });
    assert_stands(s, 1, 3, 3);
    assert_void(s, 1, 4, 3, NET_VOID_REVOKED, lower);
    assert_int_equal(3, net_members_changes(s->m, s->id[1].device));
}

static void a_readmitted_device_goes_on_and_what_was_void_stays_so(void **state)
{
    struct scene *s = *state;
    uint32_t gone = revoke(s, 0, 1, 3, 5);
    uint32_t back = take(s, (struct plan){ NET_RECORD_ADMIT, 2, 1, NET_ROLE_WRITER, { gone }, 0 });
    assert_int_equal(NET_ROLE_WRITER, role_now(s, 1));
    assert_stands(s, 1, 5, 3);
    assert_void(s, 1, 6, 3, NET_VOID_REVOKED, gone);
    assert_stands(s, 1, 7, back);
    /* lost again: the new cut-off does not reach behind the readmission */
    uint32_t again = revoke(s, 0, 1, back, 9);
    assert_void(s, 1, 6, 3, NET_VOID_REVOKED, gone);
    assert_stands(s, 1, 9, back);
    assert_void(s, 1, 10, back, NET_VOID_REVOKED, again);
}

static void an_admission_beside_a_revocation_does_not_give_back(void **state)
{
    struct scene *s = *state;
    uint32_t gone = revoke(s, 0, 1, 3, 0);
    uint32_t beside = take(s, (struct plan){ NET_RECORD_ADMIT, 2, 1, NET_ROLE_ADMIN, { 3 }, 0 });
    assert_int_equal(0, role_now(s, 1));
    assert_void(s, 1, 1, beside, NET_VOID_REVOKED, gone);
}

/* --- roles ---------------------------------------------------------------------------------- */

static void who_does_not_write_by_its_role_is_void_and_not_refused(void **state)
{
    struct scene *s = *state;
    static const uint8_t roles[] = { NET_ROLE_READER, NET_ROLE_RELAY };
    for (size_t i = 0; i < sizeof roles; i++) {
        uint32_t a = take(s, (struct plan){ NET_RECORD_ADMIT, 0, 4, roles[1 - i], { 3 }, 0 });
        assert_void(s, 4, 1, a, NET_VOID_ROLE, a);
        assert_int_equal(roles[1 - i], judged(s, 4, 1, a).role);
        assert_int_equal(roles[1 - i], role_now(s, 4));
        assert_int_equal(NET_ACCESS_MEMBER, net_members_access(s->m, s->id[4].cert.transport_pk));
    }
}

static void an_entry_of_one_nobody_admitted_is_refused(void **state)
{
    struct scene *s = *state;
    struct net_judgement j = { .role = 77 };
    struct net_question q = { .device = s->id[4].device, .heads = &s->hash[3], .head_count = 1 };
    struct crdt_hash strange = { .b = { 1 } };
    assert_int_equal(CHT_E_DENIED, net_members_judge(s->m, &q, &j));
    (void)take(s, (struct plan){ NET_RECORD_ADMIT, 0, 4, NET_ROLE_ADMIN, { 3 }, 0 });
    assert_int_equal(CHT_E_DENIED, net_members_judge(s->m, &q, &j)); /* not under those heads */
    q.heads = &strange;
    assert_int_equal(CHT_E_WAITING, net_members_judge(s->m, &q, &j));
    assert_int_equal(77, j.role);
}

static void a_role_taken_leaves_what_is_inside_and_a_role_given_what_names_it(void **state)
{
    struct scene *s = *state;
    uint32_t down =
        take(s, (struct plan){ NET_RECORD_ROLE, 0, 1, NET_ROLE_READER, { 3 }, .cut = 5 });
    assert_int_equal(NET_ROLE_READER, role_now(s, 1));
    assert_stands(s, 1, 5, 3);
    assert_void(s, 1, 6, 3, NET_VOID_ROLE, down);
    uint32_t up = take(s, (struct plan){ NET_RECORD_ROLE, 2, 1, NET_ROLE_WRITER, { down }, 0 });
    assert_int_equal(NET_ROLE_WRITER, role_now(s, 1));
    assert_void(s, 1, 6, 3, NET_VOID_ROLE, down);
    assert_stands(s, 1, 7, up);
}

static void a_writer_writes_no_records(void **state)
{
    struct scene *s = *state;
    uint32_t down = take(s, (struct plan){ NET_RECORD_ROLE, 0, 1, NET_ROLE_WRITER, { 3 }, 0 });
    uint32_t beside = take(s, (struct plan){ NET_RECORD_ADMIT, 1, 4, NET_ROLE_ADMIN, { 3 }, 0 });
    uint32_t after = take(s, (struct plan){ NET_RECORD_ADMIT, 1, 4, 1, { down, beside }, 0 });
    assert_stands(s, 1, 1, down); /* its entries are another matter */
    assert_false(net_members_counts(s->m, beside));
    assert_false(net_members_counts(s->m, after));
    assert_int_equal(0, role_now(s, 4));
}

static void a_ruling_on_one_nobody_admitted_is_refused(void **state)
{
    struct scene *s = *state;
    uint32_t r = record(s, (struct plan){ NET_RECORD_REVOKE, 0, 4, NET_WHY_LOST, { 3 }, 0 });
    assert_int_equal(CHT_E_DENIED, add(s, r));
    r = record(s, (struct plan){ NET_RECORD_ROLE, 0, 4, NET_ROLE_ADMIN, { 3 }, 0 });
    assert_int_equal(CHT_E_DENIED, add(s, r));
    r = record(s, (struct plan){ NET_RECORD_REVOKE, 4, 1, NET_WHY_LOST, { 3 }, 0 });
    assert_int_equal(CHT_E_DENIED, add(s, r));
    assert_int_equal(4, net_members_count(s->m));
}

/* --- order ---------------------------------------------------------------------------------- */

static void what_a_senior_builds_on_is_decided_before_what_it_does_not_know(void **state)
{
    struct scene *s = *state;
    /* the junior revokes the senior; 0, who has seen that, revokes 3; beside them the senior would
     * revoke the junior: it is heard after what 0 built on */
    uint32_t first = revoke(s, s->junior, s->senior, 3, 0);
    uint32_t own = revoke(s, s->senior, s->junior, 3, 0);
    assert_true(net_members_counts(s->m, own));
    uint32_t built = revoke(s, 0, 3, first, 0);
    assert_true(net_members_counts(s->m, built));
    assert_true(net_members_counts(s->m, first));
    assert_false(net_members_counts(s->m, own));
    assert_int_equal(NET_ROLE_ADMIN, role_now(s, s->junior));
    assert_int_equal(0, role_now(s, s->senior));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_revocation_voids_what_is_outside_its_cutoff),
        TEST(a_cutoff_of_nothing_leaves_nothing),
        TEST(a_cutoff_that_is_not_held_brings_its_past_when_it_comes),
        TEST(of_two_who_revoke_each_other_the_senior_stays_in_every_order),
        TEST(a_junior_may_revoke_a_senior_who_does_not_object),
        TEST(the_recovery_key_outranks_all),
        TEST(what_the_revoked_admits_unseen_is_void_and_what_is_seen_stands),
        TEST(an_admission_that_the_revocation_has_seen_stands),
        TEST(a_ruling_that_was_decided_stays_when_its_authors_admission_falls),
        TEST(concurrent_cutoffs_of_a_lost_device_add_up),
        TEST(of_a_compromised_device_only_what_all_leave_is_left),
        TEST(a_raised_cutoff_brings_entries_back_and_a_lowered_takes_them),
        TEST(a_readmitted_device_goes_on_and_what_was_void_stays_so),
        TEST(an_admission_beside_a_revocation_does_not_give_back),
        TEST(who_does_not_write_by_its_role_is_void_and_not_refused),
        TEST(an_entry_of_one_nobody_admitted_is_refused),
        TEST(a_role_taken_leaves_what_is_inside_and_a_role_given_what_names_it),
        TEST(a_writer_writes_no_records),
        TEST(a_ruling_on_one_nobody_admitted_is_refused),
        TEST(what_a_senior_builds_on_is_decided_before_what_it_does_not_know),
#undef TEST
    };
    return cmocka_run_group_tests_name("ruling", tests, NULL, NULL);
}
