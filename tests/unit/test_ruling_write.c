/* Records that limit devices, as an admin writes them; and who may connect then
 * (PROTOCOL 7.20, 7.27, 7.28). */
#include "tests/support/ruling_scene.h"

/* --- writing -------------------------------------------------------------------------------- */

static struct cht_buf *fresh(struct cht_buf *out)
{
    cht_buf_reset(out);
    return out;
}

static void what_is_written_is_taken(void **state)
{
    struct scene *s = *state;
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    const struct net_identity *author = &s->id[0];
    struct net_tip tips[] = { tip_of(5), tip_of(3) };
    const uint8_t *device = s->id[1].device;
    struct net_revocation gone = { 9, device, NET_WHY_COMPROMISED, tips, 2 };
    struct net_readmission back = { 9, device, NET_ROLE_WRITER };
    struct net_role_change change = { 9, device, NET_ROLE_READER, tips, 1 };

    assert_int_equal(CHT_E_EXISTS, net_members_readmit(s->m, &back, author, &out));
    assert_int_equal(CHT_OK, net_members_revoke(s->m, &gone, author, &out));
    assert_int_equal(4, net_members_count(s->m)); /* written, not yet held */
    assert_int_equal(CHT_OK, net_members_add(s->m, cht_buf_view(&out)));
    assert_int_equal(0, role_now(s, 1));
    assert_stands(s, 1, 5, 3);
    assert_int_equal(NET_VOID_REVOKED, judged(s, 1, 6, 3).standing);

    assert_int_equal(CHT_E_NOTFOUND, net_members_change_role(s->m, &change, author, fresh(&out)));
    assert_int_equal(CHT_OK, net_members_readmit(s->m, &back, author, fresh(&out)));
    assert_int_equal(CHT_OK, net_members_add(s->m, cht_buf_view(&out)));
    assert_int_equal(NET_ROLE_WRITER, role_now(s, 1));

    assert_int_equal(CHT_OK, net_members_change_role(s->m, &change, author, fresh(&out)));
    assert_int_equal(CHT_OK, net_members_add(s->m, cht_buf_view(&out)));
    assert_int_equal(NET_ROLE_READER, role_now(s, 1));
    cht_buf_clear(&out);
}

static void what_may_not_be_written_is_not(void **state)
{
    struct scene *s = *state;
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    struct net_tip twice[] = { tip_of(5), tip_of(5) };
    const struct net_identity *author = &s->id[0];
    struct net_revocation gone = { 9, s->id[4].device, NET_WHY_LOST, NULL, 0 };
    struct net_role_change change = { 9, s->id[1].device, NET_ROLE_BRIDGE, NULL, 0 };
    struct net_readmission back = { 9, s->id[4].device, NET_ROLE_ADMIN };
    assert_int_equal(CHT_E_NOTFOUND, net_members_revoke(s->m, &gone, author, &out));
    assert_int_equal(CHT_E_NOTFOUND, net_members_readmit(s->m, &back, author, &out));
    assert_int_equal(CHT_E_INVALID, net_members_change_role(s->m, &change, author, &out));
    change.role = NET_ROLE_ADMIN;
    assert_int_equal(CHT_E_EXISTS, net_members_change_role(s->m, &change, author, &out));
    gone.device = s->id[1].device;
    assert_int_equal(CHT_E_DENIED, net_members_revoke(s->m, &gone, &s->id[4], &out));
    gone.tips = twice;
    gone.tip_count = 2;
    assert_int_equal(CHT_E_INVALID, net_members_revoke(s->m, &gone, author, &out));
    for (uint32_t i = 1, last = 3; i <= 3; i++)
        last = take(s, (struct plan){ NET_RECORD_ROLE, 0, i, NET_ROLE_WRITER, { last }, 0 });
    gone.tip_count = 0;
    assert_int_equal(CHT_OK, net_members_revoke(s->m, &gone, author, &out));
    assert_int_equal(CHT_E_DENIED, net_members_revoke(s->m, &gone, &s->id[2], fresh(&out)));
    gone.device = change.device = s->id[0].device;
    change.role = NET_ROLE_WRITER;
    assert_int_equal(CHT_E_CONFLICT, net_members_revoke(s->m, &gone, author, &out));
    assert_int_equal(CHT_E_CONFLICT, net_members_change_role(s->m, &change, author, &out));
    assert_int_equal(0, out.len);
    cht_buf_clear(&out);
}

/* Of more heads than a record names, a readmission names those that know of each revocation. */
static void a_readmission_sees_every_revocation_however_many_heads_there_are(void **state)
{
    struct scene *s = *state;
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    struct net_readmission back = { 9, s->id[1].device, NET_ROLE_ADMIN };
    uint32_t heads;
    for (uint32_t i = 0; i < LIMIT_MEMBER_HEADS + 6; i++) {
        struct plan plan = { NET_RECORD_ADMIT, 0, 4, NET_ROLE_READER, { 3 }, 0 };
        if (i % 4 == 0)
            plan = (struct plan){ NET_RECORD_REVOKE, 2, 1, NET_WHY_LOST, { 3 }, .cut = i + 1 };
        (void)take(s, plan);
    }
    (void)net_members_heads(s->m, &heads);
    assert_int_equal(LIMIT_MEMBER_HEADS + 6, heads);
    assert_int_equal(0, role_now(s, 1));
    assert_int_equal(CHT_OK, net_members_readmit(s->m, &back, &s->id[0], &out));
    assert_int_equal(CHT_OK, net_members_add(s->m, cht_buf_view(&out)));
    assert_int_equal(NET_ROLE_ADMIN, role_now(s, 1));
    cht_buf_clear(&out);
}

/* Add rulings by one author on device 1 until there is no room; how many it were. */
static uint32_t rule_until_full(struct scene *s, uint32_t author)
{
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    struct net_revocation gone = { 9, s->id[1].device, NET_WHY_LOST, NULL, 0 };
    enum cht_err err = CHT_OK;
    uint32_t count = 0;
    while (err == CHT_OK && count <= LIMIT_RULINGS) {
        assert_int_equal(CHT_OK, net_members_revoke(s->m, &gone, &s->id[author], fresh(&out)));
        err = net_members_add(s->m, cht_buf_view(&out));
        count += err == CHT_OK;
    }
    assert_int_equal(CHT_E_LIMIT, err);
    cht_buf_clear(&out);
    return count;
}

static void an_admin_who_fills_all_room_for_rulings_can_still_be_revoked(void **state)
{
    struct scene *s = *state;
    const uint32_t kept = LIMIT_RULINGS_KEPT;
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    struct net_readmission back = { 9, s->id[1].device, NET_ROLE_ADMIN };
    assert_int_equal(LIMIT_RULINGS - 2 * kept, rule_until_full(s, 2));
    (void)revoke(s, 0, 2, 3, 0);
    assert_int_equal(0, role_now(s, 2));
    assert_int_equal(kept - 1, rule_until_full(s, 0));
    /* admissions go on */
    assert_int_equal(CHT_OK, net_members_readmit(s->m, &back, &s->id[0], fresh(&out)));
    assert_int_equal(CHT_OK, net_members_add(s->m, cht_buf_view(&out)));
    assert_int_equal(NET_ROLE_ADMIN, role_now(s, 1));
    /* and the recovery key has the last word */
    (void)revoke(s, RECOVERY, 0, 3, 0);
    assert_int_equal(0, role_now(s, 0));
    assert_int_equal(4 + LIMIT_RULINGS - kept + 2, net_members_count(s->m));
    cht_buf_clear(&out);
}

static void a_revoked_device_that_is_paired_again_is_readmitted(void **state)
{
    struct scene *s = *state;
    struct cht_buf out = { .limit = LIMIT_RECORD_BYTES };
    struct net_admission who = {
        .stamp = 9, .role = NET_ROLE_WRITER, .cert = &s->id[1].cert, .name = cht_bytes_str("again")
    };
    assert_int_equal(CHT_E_EXISTS, net_members_admit(s->m, &who, &s->id[0], &out));
    (void)revoke(s, 0, 1, 3, 0);
    assert_int_equal(CHT_OK, net_members_admit(s->m, &who, &s->id[0], &out));
    assert_int_equal(CHT_OK, net_members_add(s->m, cht_buf_view(&out)));
    assert_int_equal(NET_ROLE_WRITER, role_now(s, 1));
    cht_buf_clear(&out);
}

/* --- connecting ----------------------------------------------------------------------------- */

static void who_may_connect_is_a_member_or_was_one(void **state)
{
    struct scene *s = *state;
    const uint8_t *key = s->id[1].cert.transport_pk;
    assert_int_equal(NET_ACCESS_MEMBER, net_members_access(s->m, key));
    assert_int_equal(NET_ACCESS_UNKNOWN, net_members_access(s->m, s->id[4].cert.transport_pk));
    (void)revoke(s, 0, 1, 3, 0);
    assert_int_equal(NET_ACCESS_REVOKED, net_members_access(s->m, key));
}

/* One that was revoked cannot shut another out by having certified its key. */
static void a_key_that_a_member_has_is_a_members(void **state)
{
    struct scene *s = *state;
    struct net_seeds seeds;
    memset(seeds.sign, 0x77, sizeof seeds.sign);
    memset(seeds.transport, 0x19, sizeof seeds.transport); /* device 4's */
    struct net_identity own = s->id[4];
    net_identity_make(&s->id[4], &seeds, 1, 0);
    uint32_t first = take(s, (struct plan){ NET_RECORD_ADMIT, 0, 4, NET_ROLE_ADMIN, { 3 }, 0 });
    (void)revoke(s, 0, 4, first, 0);
    assert_int_equal(NET_ACCESS_REVOKED, net_members_access(s->m, own.cert.transport_pk));
    s->id[4] = own;
    (void)take(s, (struct plan){ NET_RECORD_ADMIT, 0, 4, NET_ROLE_ADMIN, { 3 }, 0 });
    assert_int_equal(NET_ACCESS_MEMBER, net_members_access(s->m, own.cert.transport_pk));
    assert_memory_equal(own.device, net_members_transport(s->m, own.cert.transport_pk)->id, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(what_is_written_is_taken),
        TEST(what_may_not_be_written_is_not),
        TEST(a_readmission_sees_every_revocation_however_many_heads_there_are),
        TEST(an_admin_who_fills_all_room_for_rulings_can_still_be_revoked),
        TEST(a_revoked_device_that_is_paired_again_is_readmitted),
        TEST(who_may_connect_is_a_member_or_was_one),
        TEST(a_key_that_a_member_has_is_a_members),
#undef TEST
    };
    return cmocka_run_group_tests_name("ruling_write", tests, NULL, NULL);
}
