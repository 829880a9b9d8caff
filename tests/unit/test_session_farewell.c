/* The end of a session with a device that is no member any more (PROTOCOL 7.28). */
#include "net/record.h"
#include "tests/support/identities.h"
#include "tests/support/toy_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct toy_peer peer;

static int setup(void **state)
{
    (void)state;
    toy_peer_init(&peer, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    toy_peer_clear(&peer);
    return 0;
}

static void revoke(void)
{
    struct net_event ev = { .kind = NET_EV_REVOKED };
    toy_peer_event(&peer, &ev);
}

static void assert_told(void)
{
    const struct net_frame *bye = toy_peer_last(&peer, NET_FRAME_BYE);
    assert_non_null(bye);
    assert_int_equal(NET_BYE_REVOKED, bye->bye.reason);
    assert_int_equal(1, peer.closed);
    assert_int_equal(NET_BYE_REVOKED, peer.reason);
    assert_false(peer.blame);
    assert_true(net_session_closed(peer.session));
    assert_int_equal(UINT64_MAX, net_session_due_ms(peer.session));
}

static struct net_frame members(const struct cht_bytes *records, size_t count)
{
    static const struct crdt_hash unknown = { { 9 } };
    struct net_frame f = toy_peer_frame(NET_FRAME_MEMBERS);
    f.members.heads = &unknown;
    f.members.head_count = 1;
    f.members.records = records;
    f.members.record_count = count;
    return f;
}

static void hello(void)
{
    struct net_frame f = toy_peer_hello(&peer);
    toy_peer_say(&peer, &f);
}

/* A record that revokes the device whose session this is, or device 3. */
static struct cht_bytes ruling(bool on_self, struct cht_buf *out)
{
    static const uint8_t none = 0;
    struct net_identity author;
    struct net_record rec = { .kind = NET_RECORD_REVOKE,
                              .why = NET_WHY_LOST,
                              .parent_count = 1,
                              .cutoff = cht_bytes(&none, 1) };
    identity_of(7, &author);
    memcpy(rec.space, peer.space.id, CRDT_ID_BYTES);
    memcpy(rec.device, peer.replica.device, CRDT_ID_BYTES);
    if (!on_self)
        memset(rec.device, 3, CRDT_ID_BYTES);
    cht_buf_init(out, LIMIT_RECORD_BYTES);
    assert_int_equal(CHT_OK, net_record_encode(&rec, &author, out));
    return cht_buf_view(out);
}

static void a_session_under_way_tells_what_is_lacking_and_ends(void **state)
{
    (void)state;
    toy_peer_establish(&peer, NULL, 0);
    toy_peer_forget(&peer);
    revoke();
    assert_told();
    assert_null(toy_peer_last(&peer, NET_FRAME_HEADS));
}

static void one_that_comes_is_given_the_records_and_bye(void **state)
{
    (void)state;
    revoke();
    assert_int_equal(0, peer.closed);
    hello();
    assert_int_equal(0, peer.closed);
    assert_non_null(toy_peer_last(&peer, NET_FRAME_HELLO));
    struct net_frame f = members(NULL, 0);
    toy_peer_say(&peer, &f);
    const struct net_frame *told = toy_peer_last(&peer, NET_FRAME_MEMBERS);
    assert_non_null(told);
    assert_true(told->members.record_count != 0);
    assert_told();
}

static void nothing_else_that_it_sends_is_looked_at(void **state)
{
    (void)state;
    struct toy_replica other;
    revoke();
    hello();
    (void)toy_peer_foreign(&peer, 2, 3, &other);
    struct net_frame f = toy_peer_range(&peer, &other, NULL);
    toy_peer_say(&peer, &f);
    f = toy_peer_heads(&peer, NULL, 0);
    toy_peer_say(&peer, &f);
    assert_int_equal(0, peer.delivered);
    assert_int_equal(0, peer.closed);
    assert_null(toy_peer_last(&peer, NET_FRAME_HEADS));
    struct cht_buf record;
    struct cht_bytes records[2] = { cht_bytes_str("no record"), ruling(false, &record) };
    f = members(records, 2);
    toy_peer_say(&peer, &f);
    assert_int_equal(0, peer.records);
    assert_told();
    cht_buf_clear(&record);
    toy_replica_clear(&other);
}

static void a_ruling_on_this_device_is_taken_from_it(void **state)
{
    (void)state;
    struct cht_buf record;
    revoke();
    hello();
    struct cht_bytes records[1] = { ruling(true, &record) };
    struct net_frame f = members(records, 1);
    toy_peer_say(&peer, &f);
    assert_int_equal(1, peer.records);
    assert_told();
    cht_buf_clear(&record);
}

static void one_that_never_tells_its_heads_is_not_waited_for(void **state)
{
    (void)state;
    revoke();
    hello();
    toy_peer_wait(&peer, NET_MEMBERS_MS - 1);
    assert_int_equal(0, peer.closed);
    toy_peer_wait(&peer, 1);
    assert_int_equal(1, peer.closed);
    assert_int_equal(NET_BYE_TIMEOUT, peer.reason);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_session_under_way_tells_what_is_lacking_and_ends),
        T(one_that_comes_is_given_the_records_and_bye),
        T(nothing_else_that_it_sends_is_looked_at),
        T(a_ruling_on_this_device_is_taken_from_it),
        T(one_that_never_tells_its_heads_is_not_waited_for),
    };
#undef T
    return cmocka_run_group_tests_name("session_farewell", tests, NULL, NULL);
}
